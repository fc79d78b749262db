"""`fairlead agreement`: who must agree, beside whoever asks; one rule for bulk actions and for Changes."""

from typing import Annotated, Final, Literal

import typer
from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Body
from fairlead_cli.output import Output
from fairlead_cli.shell import Shell, command, group

app: Final = group("agreement", "Who must agree before carriers are asked.")


def show(shell: Shell) -> None:
    """The rule as it is."""
    _shown(shell.out, shell.client.get("/v1/agreement"))


def change(
    shell: Shell, *,
    charges: Annotated[
        Literal["another", "alone"],
        typer.Option(help="another: somebody else agrees to what a carrier charges for; alone: nobody need."),
    ],
    reason: Annotated[str, typer.Option(help="Why, for the journal.")],
) -> None:  # fmt: skip
    """Say who must agree to what a carrier charges for. What nothing takes back always asks somebody else."""
    before: Body = shell.client.get("/v1/agreement")
    sent = {"charges": charges == "another", "reason": reason}
    match = {"If-Match": f'"{before["version"]}"'}
    _shown(shell.out, shell.client.send("PUT", "/v1/agreement", body=sent, headers=match))


def _shown(out: Output, rule: Body) -> None:
    out.document(rule)
    since = f", since {words.when(rule['changed_at'])}" if rule["changed_at"] else ""
    who = "another person must agree" if rule["charges"] else "nobody else need agree"
    out.say(f"To what a carrier charges for {who}{escape(since)}.", "To what nothing takes back, somebody else always.")


command(app, "show", examples=("fairlead agreement show",))(show)
command(
    app, "set",
    examples=("fairlead agreement set --charges alone --reason 'one person runs this'",
              "fairlead agreement set --charges another --reason 'we are two now'"),
)(change)  # fmt: skip

"""`fairlead finding`: what people do with a finding; it is read with `fairlead get`."""

from typing import Annotated, Final

import typer

from fairlead_cli import finding_view
from fairlead_cli.client import Body
from fairlead_cli.shell import Shell, command, group

app: Final = group("finding", "Acknowledge and close what insight concluded.")

Id = Annotated[str, typer.Argument(metavar="FINDING", help="Its id.")]
Reason = Annotated[str, typer.Option(help="Why, for the journal.")]


def acknowledge(shell: Shell, finding: Id, *, reason: Reason) -> None:
    """Say that somebody knows and looks after it; it stays until its condition is over."""
    _steer(shell, finding, "acknowledge", reason)


def close(shell: Shell, finding: Id, *, reason: Reason) -> None:
    """Close it; seen again, it is another finding."""
    _steer(shell, finding, "close", reason)


def _steer(shell: Shell, finding: str, verb: str, reason: str) -> None:
    done: Body = shell.client.post(f"/v1/findings/{finding}/{verb}", {"reason": reason}, once=True)
    finding_view.show(shell.out, done)


command(
    app, "acknowledge", examples=("fairlead finding acknowledge fnd_06f… --reason 'the carrier is told'",)
)(acknowledge)  # fmt: skip
command(app, "close", examples=("fairlead finding close fnd_06f… --reason 'a drill'",))(close)

"""`fairlead person`: who may come in here, and with which roles."""

from datetime import datetime, timedelta
from typing import Annotated, Final

import typer
from rich.markup import escape

from fairlead_cli import durations, nouns
from fairlead_cli.client import Body
from fairlead_cli.shell import Shell, command, group
from fairlead_cli.signing_in import ROLES

app: Final = group("person", "People: invite them, see them, take them out.")

Id = Annotated[str, typer.Argument(metavar="USR", help="The person's id.")]


def add(
    shell: Shell,
    name: Annotated[str, typer.Argument(help="The person's name.")],
    *,
    email: Annotated[str, typer.Option(help="The person's e-mail address.")],
    role: Annotated[list[str], typer.Option("--role", help=f"One of {', '.join(ROLES)} (may be repeated).")],
    department: Annotated[list[str] | None, typer.Option(help="Only these policy groups.")] = None,
    lasts: Annotated[str | None, typer.Option(metavar="TIME", help="How long; a vendor's access always ends.")] = None,
) -> None:
    """Invite a person. The code is shown this once; it works once, for seven days."""
    until = datetime.now().astimezone() + timedelta(seconds=durations.seconds(lasts, "--lasts")) if lasts else None
    draft = {
        "name": name, "email": email, "roles": role, "departments": department or [],
        "expires_at": until.isoformat() if until else None,
    }  # fmt: skip
    made: Body = shell.client.post("/v1/principals", draft, once=True)
    _invite(shell, made)


def invite(shell: Shell, person: Id) -> None:
    """A new code for a person, who then chooses a new password. It replaces any before it."""
    _invite(shell, shell.client.get(f"/v1/principals/{person}"))


def _list(
    shell: Shell,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="All rows.")] = False,
) -> None:
    """People and token holders. Leaves an access line in the journal: these are personal data."""
    found = shell.client.items("/v1/principals", limit=limit, everything=everything)
    shell.out.listing(found, nouns.PEOPLE, noun="people")


def remove(
    shell: Shell,
    person: Id,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the journal.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take a person out for good: sessions and tokens end, name and address are dropped."""
    found: Body = shell.client.get(f"/v1/principals/{person}")
    shell.agree(f"Remove {found['name']} for good?", yes=yes)
    match = {"If-Match": f'"{found["version"]}"'}
    shell.client.send("DELETE", f"/v1/principals/{person}", params={"reason": reason or None}, headers=match)
    shell.out.document({"id": person, "removed": True})
    shell.out.say(f"{escape(str(found['name']))} is removed.")


def _invite(shell: Shell, person: Body) -> None:
    made: Body = shell.client.post(f"/v1/principals/{person['id']}/invitation")
    shell.out.document(person | {"code": made["code"]})
    shell.out.say(f"[bold]{escape(person['name'])}[/] ({escape(', '.join(person['roles']))}) comes in with:")
    shell.out.copy(f"fairlead login --url {shell.settings.url} --setup-code {made['code']}")


command(app, "add", examples=("fairlead person add 'Grace' --email grace@example.com --role approver",))(add)
command(app, "invite", examples=("fairlead person invite usr_06f…",))(invite)
command(app, "list", examples=("fairlead person list",))(_list)
command(app, "remove", examples=("fairlead person remove usr_06f… --reason 'left the company'",))(remove)

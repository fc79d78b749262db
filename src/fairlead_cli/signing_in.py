"""`fairlead login` and `fairlead token`: how this client comes to act for somebody."""

import getpass
import socket
import sys
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer
from rich.markup import escape

from fairlead_cli import durations, nouns, settings, words
from fairlead_cli.client import Body, Client, Exit, trouble
from fairlead_cli.shell import Shell, command, group

tokens: Final = group("token", "Tokens of yours and of programs.")

ROLES: Final = (
    "owner", "operator", "approver", "technician", "security", "compliance", "finance", "auditor", "vendor",
)  # fmt: skip


def install(app: typer.Typer) -> None:
    """Register the commands."""
    command(
        app, "login",
        examples=(
            "fairlead login --setup-code flc_… --name 'Ada Byron' --email ada@example.com",
            "fairlead login --tenant acme --email ada@example.com",
            "fairlead login --given-token < token.txt",
        ),
    )(login)  # fmt: skip
    command(app, "logout", examples=("fairlead logout",))(logout)


def login(
    shell: Shell, *,
    setup_code: Annotated[
        str | None, typer.Option("--setup-code", metavar="CODE", help="A new server's one-time code, or an invitation.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="The tenant's name.")] = None,
    email: Annotated[str | None, typer.Option(help="Your e-mail address.")] = None,
    name: Annotated[str | None, typer.Option(help="Your name (first owner).")] = None,
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from input.")] = False,
    given_token: Annotated[bool, typer.Option("--given-token", help="Keep a token read from input.")] = False,
    lasts: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long the token lasts; 90d, which is the longest.")
    ] = None,
) -> None:  # fmt: skip
    """Sign in and keep a token for this server in the client's file (mode 0600)."""
    url = shell.settings.url
    if given_token:
        token = _secret("Token: ", from_input=not sys.stdin.isatty())
        who: Body = shell.to(url, token).get("/v1/session")
    else:
        door = shell.to(url, None)
        who = _enter(door, setup_code, tenant, email, name, from_input=password_stdin)
        token = _issue(door, who, lasts)
    path = settings.keep(shell.around.env, url, token)
    shell.out.document({"url": url, "file": str(path), "principal": who["principal"], "roles": who["roles"]})
    shell.out.say(f"Signed in at {escape(url)} as [bold]{escape(who['name'])}[/] ({', '.join(who['roles'])}).")
    shell.out.say(f"[dim]The token is kept in {escape(str(path))}.[/]")


def logout(shell: Shell) -> None:
    """Give the kept token of this server back, and forget it."""
    url = shell.settings.url
    shell.client.send("DELETE", "/v1/session/token")
    path = settings.forget(shell.around.env, url)
    shell.out.document({"url": url, "file": str(path)})
    shell.out.say(f"Signed out at {escape(url)}: the token is revoked, and no longer in {escape(str(path))}.")


def redeem(door: Client, *, code: str, name: str, email: str, password: str) -> tuple[Body, str]:
    """Become the first owner by a one-time code; gives who that is and a token."""
    who: Body = door.post("/v1/setup", {"code": code, "name": name, "email": email, "password": password})
    return who, _issue(door, who, None)


def _enter(
    door: Client, code: str | None, tenant: str | None, email: str | None, name: str | None, *, from_input: bool
) -> Body:
    if code is None and (tenant is None or email is None):
        raise trouble(
            Exit.USAGE, "Say who signs in",
            "--setup-code CODE on a new server, or --tenant and --email, or --given-token",
        )  # fmt: skip
    password = _secret("Password: ", from_input=from_input)
    if code is None:
        found: Body = door.post("/v1/session", {"tenant": tenant, "email": email, "password": password})
        return found
    wanted = {"code": code, "password": password, "name": name, "email": email}
    made: Body = door.post("/v1/setup", {key: value for key, value in wanted.items() if value is not None})
    return made


def _issue(door: Client, who: Body, lasts: str | None) -> str:
    door.adopt(who.get("csrf"))
    until = datetime.now().astimezone() + timedelta(seconds=durations.seconds(lasts, "--lasts")) if lasts else None
    name = f"fairlead on {socket.gethostname()}"[:128]
    made: Body = door.post("/v1/session/token", {"name": name, "expires_at": until.isoformat() if until else None})
    return str(made["token"])


def _secret(prompt: str, *, from_input: bool) -> str:
    found = sys.stdin.readline().rstrip("\r\n") if from_input else getpass.getpass(prompt)
    if not found:
        raise trouble(
            Exit.USAGE, "Nothing was given", f"{prompt.rstrip(': ').lower()}: expected one line that is not empty"
        )
    return found


def create(
    shell: Shell, name: Annotated[str, typer.Argument(help="What it is for.")], *,
    role: Annotated[list[str], typer.Option("--role", help=f"One of {', '.join(ROLES)} (may be repeated).")],
    department: Annotated[list[str] | None, typer.Option(help="Only these policy groups.")] = None,
    lasts: Annotated[str | None, typer.Option(metavar="TIME", help="How long, such as 30d; else for good.")] = None,
    principal: Annotated[str | None, typer.Option(metavar="USR", help="For this token holder.")] = None,
) -> None:  # fmt: skip
    """Create a token. It is shown this once."""
    until = datetime.now().astimezone() + timedelta(seconds=durations.seconds(lasts, "--lasts")) if lasts else None
    made: Body = shell.client.post(
        "/v1/tokens",
        {
            "name": name, "roles": role, "departments": department or [], "principal": principal,
            "expires_at": until.isoformat() if until else None,
        },
    )  # fmt: skip
    shell.out.document(made)
    shell.out.copy(made["token"])
    shell.out.note(f"{made['id']} for {escape(name)}: {', '.join(made['roles'])}. It is not shown again.")


def _list(
    shell: Shell, *,
    principal: Annotated[str | None, typer.Option(metavar="USR", help="Of this principal.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="All rows.")] = False,
) -> None:  # fmt: skip
    """Tokens, revoked ones too; never their secrets."""
    found = shell.client.items("/v1/tokens", {"principal": principal}, limit=limit, everything=everything)
    shell.out.listing(found, nouns.TOKENS, noun="tokens")


def revoke(
    shell: Shell, token_id: Annotated[str, typer.Argument(metavar="TOK", help="Its id.")], *,
    reason: Annotated[str, typer.Option(help="Why, for the journal.")] = "",
) -> None:  # fmt: skip
    """Revoke a token at once. Twice is once."""
    shell.client.send("DELETE", f"/v1/tokens/{token_id}", params={"reason": reason or None})
    shell.out.document({"id": token_id, "revoked": True})
    shell.out.say(f"{escape(token_id)} is {words.coloured('revoked')}.")


command(tokens, "create", examples=("fairlead token create 'nightly export' --role auditor --lasts 30d",))(create)
command(tokens, "list", examples=("fairlead token list",))(_list)
command(tokens, "revoke", examples=("fairlead token revoke tok_06f… --reason 'laptop lost'",))(revoke)

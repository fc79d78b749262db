"""`fairlead`: the command line. An API client; what it can do, the API can do.

Commands live in modules by what they are about; this one puts them together and is the entry
point. Exit codes, output forms and the client's settings are in docs/cli.md.
"""

import platform
from functools import cache
from importlib.metadata import version
from typing import Annotated, Final

import typer
from rich.markup import escape

from fairlead_cli import (
    acting,
    agreement,
    bulk,
    carriers,
    changes,
    device_view,
    events,
    explaining,
    finding,
    getting,
    home,
    importing,
    journal,
    outages,
    people,
    planning,
    register,
    reporting,
    roles,
    shipments,
    signing_in,
    usage,
    words,
)
from fairlead_cli.client import Body
from fairlead_cli.shell import Shell, command, group

_ABOUT: Final = (
    "The control plane for global IoT fleets: declare, plan, move, prove, take back.\n\n"
    "Exit codes: 0 ok, 1 refused or failed, 2 usage, 3 not found, 4 conflict, 5 server out of reach, 6 unauthorised."
)


def why(shell: Shell, device: Annotated[str, typer.Argument(help="The device's name or id.")]) -> None:
    """Why a device is as it is: each value, the policy that holds it, what it overrode, what stands in the way."""
    found: Body = shell.client.get(f"/v1/devices/{device}/why")
    details: Body = shell.client.get(f"/v1/devices/{device}") if shell.out.for_people else {}
    device_view.why(shell.out, device, found, details)


def show_config(
    shell: Shell, *, who: Annotated[bool, typer.Option("--who", help="Ask the server who that is.")] = False
) -> None:
    """Which server this client asks, as whom, and where it has that from."""
    kept = shell.settings
    shown: Body = {"url": kept.url, "url_from": kept.url_from, "token": bool(kept.token), "token_from": kept.token_from}
    if who:
        shown["session"] = shell.client.get("/v1/session")
    shell.out.document(shown)
    token = f"from {kept.token_from}" if kept.token else "none: fairlead login"
    session: Body = words.part(shown, "session")
    shell.out.fields({
        "Server": f"{kept.url} (from {kept.url_from})", "Token": token, "You": session.get("name"),
        "Roles": session.get("roles"), "Departments": session.get("departments"), "May": session.get("permissions"),
    })  # fmt: skip


def show_version(shell: Shell) -> None:
    """The version of this client."""
    found = version("fairlead")
    shell.out.document({"fairlead": found, "python": platform.python_version()})
    shell.out.say(f"fairlead {escape(found)} (Python {platform.python_version()})")


@cache
def build() -> typer.Typer:
    """The whole command line; made once, for its groups are the modules' own and take each command once."""
    app = typer.Typer(name="fairlead", help=_ABOUT, no_args_is_help=True, pretty_exceptions_enable=False)
    config = group("config", "Settings of the server, and of this client.")
    command(config, "check", examples=("fairlead config check --config fairlead.toml",))(roles.check)
    command(config, "show", examples=("fairlead config show --who",))(show_config)
    roles.install(app)
    signing_in.install(app)
    planning.install(app)
    acting.install(carriers.devices)
    command(app, "why", examples=("fairlead why trk-00001",))(why)
    importing.install(app)
    usage.install(app)
    events.install(app)
    home.install(app)
    register.install(carriers.app, getting.app)
    shipments.install(getting.app)
    outages.install(app, getting.app, reporting.app)
    command(app, "version", examples=("fairlead version --json",))(show_version)
    for part in (
        getting.app, changes.app, bulk.app, shipments.app, journal.app, explaining.app, config, signing_in.tokens,
        people.app, carriers.app, carriers.devices, carriers.clock, reporting.app, finding.app, agreement.app,
    ):  # fmt: skip
        app.add_typer(part)
    return app


def main() -> None:
    """The entry point."""
    build()()


if __name__ == "__main__":
    main()

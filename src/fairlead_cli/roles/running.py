"""`fairlead up`, `serve`, `bootstrap` and `config check`: the server's own roles."""

import asyncio
import json
import secrets
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import typer
import uvloop
from rich.markup import escape

from fairlead_cli import settings, signing_in
from fairlead_cli.client import Body, Exit, trouble
from fairlead_cli.shell import Shell, command

if TYPE_CHECKING:
    from fairlead.wiring import Ready

DEMO_NAME: Final = "Demo Owner"
DEMO_EMAIL: Final = "owner@example.com"

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings (TOML); else FAIRLEAD_CONFIG.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as api.port=8080.")
]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Where engines, keys and files lie.")]


def install(app: typer.Typer) -> None:
    """Register the commands."""
    command(
        app, "up",
        examples=(
            "fairlead up",
            "fairlead up --data ./fairlead-data --set api.port=8081 --set mqtt.port=1884",
            "fairlead up --demo-owner --set clock=3600",
        ),
    )(up)  # fmt: skip
    command(app, "serve", examples=("fairlead serve --role api --config /etc/fairlead.toml",))(serve)
    command(
        app, "bootstrap", examples=("fairlead bootstrap --admin-dsn postgresql://postgres@db.internal/postgres",)
    )(bootstrap)  # fmt: skip


def up(
    shell: Shell, *,
    config: ConfigFile = None, data: Data = None, setting: Settings = None,
    tenant: Annotated[str, typer.Option(help="The first tenant's name.")] = "home",
    demo_owner: Annotated[
        bool, typer.Option("--demo-owner", help="Make a first owner and keep a token for this client. Lab only.")
    ] = False,
) -> None:  # fmt: skip
    """Run everything here: PostgreSQL, NATS, migrations and all roles. Ctrl-C ends it."""
    from fairlead import wiring  # noqa: PLC0415 - only these commands know the server

    flags = flags_of(data, setting)
    checked(shell, config, flags)

    async def told(ready: "Ready") -> None:
        await asyncio.to_thread(_ready, shell, ready, demo_owner=demo_owner)

    _run(wiring.up(config, flags, ready=told, tenant=tenant))


def serve(
    shell: Shell, *,
    role: Annotated[list[str] | None, typer.Option("--role", help="api, mqtt or worker (may be repeated).")] = None,
    config: ConfigFile = None, data: Data = None, setting: Settings = None,
) -> None:  # fmt: skip
    """Run roles that only connect: to a PostgreSQL and a NATS of your own."""
    from fairlead import wiring  # noqa: PLC0415

    unknown = sorted(set(role or []) - set(wiring.ROLES))
    if unknown:
        raise trouble(Exit.USAGE, "No such role", f"{', '.join(unknown)}; expected {', '.join(wiring.ROLES)}")
    flags = flags_of(data, setting)
    checked(shell, config, flags)

    def told(ready: "Ready") -> None:
        _ready(shell, ready, demo_owner=False)

    _run(
        wiring.serve(
            config,
            flags,
            role or wiring.ROLES,
            ready=told,
        )
    )


def bootstrap(
    shell: Shell, *,
    admin_dsn: Annotated[str, typer.Option("--admin-dsn", help="DSN of a superuser (password: PGPASSWORD).")],
    database: Annotated[str, typer.Option(help="The database to make.")] = "fairlead",
) -> None:  # fmt: skip
    """Make roles, database and schema on a PostgreSQL of your own. Twice is once, with new passwords."""
    from fairlead import wiring  # noqa: PLC0415

    try:
        made = asyncio.run(wiring.bootstrap(admin_dsn, database=database))
    except OSError as error:
        raise trouble(Exit.UNREACHABLE, "The database is out of reach", str(error)) from error
    except Exception as error:
        raise trouble(Exit.FAILED, "The database was not made", f"{type(error).__name__}: {error}") from error
    found = {"app": made.app, "door": made.door, "owner": made.owner}
    shell.out.document({"database": found})
    shell.out.say("[bold]Keep this: the passwords are new and stand nowhere else.[/]", "", escape("[database]"))
    for name, dsn in found.items():
        shell.out.copy(f"{name} = {json.dumps(dsn)}")


def check(shell: Shell, *, config: ConfigFile = None, data: Data = None, setting: Settings = None) -> None:
    """Find what is wrong with a server's settings, without starting it. Exit 1 where something is."""
    checked(shell, config, flags_of(data, setting))
    shell.out.document({"ok": True, "faults": []})
    shell.out.say("[green]✓[/] the settings fit together")


def checked(shell: Shell, config: Path | None, flags: dict[str, str]) -> None:
    """Raises `Trouble` where the server's settings are refused."""
    from fairlead import wiring  # noqa: PLC0415

    del shell
    faults = wiring.check_config(config, flags)
    if faults:
        errors: Sequence[Body] = [
            {"pointer": fault.key, "value": fault.value, "expected": fault.expected} for fault in faults
        ]
        raise trouble(Exit.FAILED, "The settings are refused", errors=errors)


def flags_of(data: Path | None, texts: list[str] | None) -> dict[str, str]:
    """Settings from --data and --set."""
    found: dict[str, str] = {"data_dir": str(data)} if data is not None else {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not equals:
            raise trouble(Exit.USAGE, "--set cannot be read", f"{text!r}; expected KEY=VALUE")
        found[key] = value
    return found


def _ready(shell: Shell, ready: "Ready", *, demo_owner: bool) -> None:
    """Tell people how to come in; the code stands nowhere else."""
    told: Body = {
        "api": ready.api_url, "mqtt": f"mqtt://{ready.mqtt_host}:{ready.mqtt_port}", "tenant": ready.tenant,
        "setup_code": ready.setup_code,
    }  # fmt: skip
    if demo_owner and ready.setup_code is not None:
        password = secrets.token_urlsafe(12)
        door = shell.to(ready.api_url, None)
        _, token = signing_in.redeem(
            door, code=ready.setup_code, name=DEMO_NAME, email=DEMO_EMAIL, password=password
        )  # fmt: skip
        kept = settings.keep(shell.around.env, ready.api_url, token)
        told |= {"setup_code": None, "email": DEMO_EMAIL, "password": password, "client_file": str(kept)}
    if not shell.out.for_people:
        print(json.dumps(told), flush=True)
        return
    shell.out.say("[bold green]Fairlead is up.[/]")
    shell.out.fields({
        "API": told["api"], "MQTT": told["mqtt"], "Tenant": told["tenant"], "Setup code": told["setup_code"],
        "Owner": told.get("email"), "Password": told.get("password"), "Client's token": told.get("client_file"),
    })  # fmt: skip
    if told["setup_code"]:
        shell.out.say("[dim]The code makes the first owner, once:[/]")
        shell.out.copy(
            f"fairlead login --url {told['api']} --setup-code {told['setup_code']} --name NAME --email ADDRESS"
        )
    shell.out.say("[dim]Ctrl-C ends it.[/]")


def _run(work: Coroutine[Any, Any, None]) -> None:
    async def until_told() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            return

    from fairlead import wiring  # noqa: PLC0415

    try:
        uvloop.run(until_told())
    except wiring.SchemaUnfit as unfit:
        raise trouble(Exit.CONFLICT, "The schema and this version do not fit together", str(unfit)) from unfit
    except Exception as error:
        raise trouble(Exit.FAILED, "The server ended", causes(error)) from error


def causes(error: BaseException) -> str:
    """What went wrong, each cause of a group."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return "; ".join(causes(one) for one in group.exceptions)
    return f"{type(error).__name__}: {error}"

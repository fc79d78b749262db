"""`fairlead migrate`, `database`, `tenant` and `keys`: what an operator does on the database itself.

Like `up` and `serve` they read the server's settings, not the client's: no token opens these doors,
being able to reach the database and the data directory does.
"""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, Final, TypeVar

import typer
from rich.markup import escape

from fairlead_cli.client import Body, Exit, Listing, trouble
from fairlead_cli.output import Column
from fairlead_cli.roles.running import ConfigFile, Data, Settings, causes, checked, flags_of
from fairlead_cli.shell import Shell, command, group

T = TypeVar("T")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name: a DNS label.")]

_TENANTS: Final = (
    Column(title="Name", value="name", whole=True),
    Column(title="Cell", value="cell"),
    Column(title="State", value="state"),
    Column(title="Made", value="created_at"),
)
_KEYS: Final = (
    Column(title="Name", value="name", whole=True),
    Column(title="Seals", value="current"),
    Column(title="In keyring", value="in_keyring"),
    Column(title="Secrets", value="secrets", right=True),
)


def install(app: typer.Typer) -> None:
    """Register the commands."""
    command(
        app, "migrate",
        examples=("fairlead migrate --pre --config /etc/fairlead.toml", "fairlead migrate --all --dry-run"),
    )(migrate)  # fmt: skip
    command(
        app, "database",
        examples=(
            "fairlead database -- pg_dump -Fc -f fairlead.dump",
            "fairlead database --data ./restored --new -- pg_restore --exit-on-error -d fairlead fairlead.dump",
            "fairlead database -- psql",
        ),
    )(database)  # fmt: skip
    tenant = group("tenant", "Tenants of this installation, on the database itself.")
    command(tenant, "create", examples=("fairlead tenant create acme --cell home",))(create_tenant)
    command(tenant, "code", examples=("fairlead tenant code acme",))(tenant_code)
    command(tenant, "list", examples=("fairlead tenant list --json",))(list_tenants)
    keys = group("keys", "Keys that seal secrets. Rotate, reseal, then drop the old one.")
    command(keys, "list", examples=("fairlead keys list",))(list_keys)
    command(keys, "rotate", examples=("fairlead keys rotate",))(rotate)
    command(keys, "reseal", examples=("fairlead keys reseal",))(reseal)
    command(keys, "drop", examples=("fairlead keys drop k1-0a1b2c",))(drop)
    app.add_typer(tenant)
    app.add_typer(keys)


def migrate(
    shell: Shell, *,
    pre: Annotated[bool, typer.Option("--pre", help="What must run before new code serves.")] = False,
    post: Annotated[bool, typer.Option("--post", help="What may run only once no old code serves.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Both: for a stop in between (default).")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name what would run; run nothing.")] = False,
    config: ConfigFile = None, data: Data = None, setting: Settings = None,
) -> None:  # fmt: skip
    """Bring the database's schema to what this version expects. Twice is once."""
    from fairlead import wiring  # noqa: PLC0415

    if pre + post + everything > 1:
        raise trouble(Exit.USAGE, "One of --pre, --post and --all", "they name what is to run")
    flags = flags_of(data, setting)
    checked(shell, config, flags)
    phases = ("pre",) if pre else ("post",) if post else ("pre", "post")
    ran = _done(wiring.operate.migrate(config, flags, phases=phases, dry_run=dry_run))
    shell.out.document({"would_run" if dry_run else "ran": ran})
    told = "would run" if dry_run else "ran"
    shell.out.say(*(f"{told} {escape(name)}" for name in ran) if ran else ("Nothing is left to run.",))


def database(
    shell: Shell, *,
    program: Annotated[list[str], typer.Argument(metavar="-- PROGRAM …", help="pg_dump, pg_restore, psql, …")],
    new: Annotated[bool, typer.Option("--new", help="Make an empty database first, in a new data directory.")] = False,
    config: ConfigFile = None, data: Data = None, setting: Settings = None,
) -> int:  # fmt: skip
    """Run a program of PostgreSQL on the embedded database, as its superuser. The exit code is the program's."""
    from fairlead import wiring  # noqa: PLC0415

    flags = flags_of(data, setting)
    checked(shell, config, flags)
    return _done(wiring.operate.run_program(config, flags, program, new=new))


def create_tenant(
    shell: Shell, *, name: Name,
    cell: Annotated[str, typer.Option(help="Where its data is at home.")] = "home",
    config: ConfigFile = None, data: Data = None, setting: Settings = None,
) -> None:  # fmt: skip
    """Make a tenant and print the one-time code of its first owner."""
    from fairlead import wiring  # noqa: PLC0415

    flags = flags_of(data, setting)
    checked(shell, config, flags)
    made = _done(wiring.operate.create_tenant(config, flags, name, cell=cell))
    _told(shell, name, made.setup_code)


def tenant_code(
    shell: Shell, *, name: Name, config: ConfigFile = None, data: Data = None, setting: Settings = None
) -> None:
    """Print another one-time code for a tenant that has no owner yet."""
    from fairlead import wiring  # noqa: PLC0415

    flags = flags_of(data, setting)
    checked(shell, config, flags)
    found = _done(wiring.operate.setup_code(config, flags, name))
    if found.setup_code is None:
        raise trouble(Exit.CONFLICT, "This tenant has an owner", f"{name}: owners invite everybody else")
    _told(shell, name, found.setup_code)


def list_tenants(shell: Shell, *, config: ConfigFile = None, data: Data = None, setting: Settings = None) -> None:
    """Tenants of this installation."""
    from fairlead import wiring  # noqa: PLC0415

    flags = flags_of(data, setting)
    checked(shell, config, flags)
    rows = _done(wiring.operate.list_tenants(config, flags))
    items: list[Body] = [
        {
            "name": row.tenant.name, "cell": row.tenant.cell, "state": row.tenant.state,
            "created_at": row.tenant.created_at.isoformat(),
        }
        for row in rows
    ]  # fmt: skip
    shell.out.listing(Listing(items=items), _TENANTS, noun="tenants")


def list_keys(shell: Shell, *, config: ConfigFile = None, data: Data = None, setting: Settings = None) -> None:
    """The keyring's keys by name, and how many secrets each seals. Never the keys themselves."""
    from fairlead import wiring  # noqa: PLC0415

    flags = flags_of(data, setting)
    checked(shell, config, flags)
    found = _done(wiring.operate.sealing_keys(config, flags))
    items: list[Body] = [
        {"name": key.name, "current": key.current, "in_keyring": key.known, "secrets": key.secrets} for key in found
    ]
    shell.out.listing(Listing(items=items), _KEYS, noun="keys")


def rotate(shell: Shell, *, config: ConfigFile = None, data: Data = None, setting: Settings = None) -> None:
    """Add a sealing key to the keyring's file. It seals from now on; old ones still open."""
    from fairlead import wiring  # noqa: PLC0415

    flags = flags_of(data, setting)
    checked(shell, config, flags)
    name = _done(asyncio.to_thread(wiring.operate.rotate_key, config, flags))
    shell.out.document({"current": name})
    shell.out.say(f"[green]✓[/] {escape(name)} seals from now on.", "[dim]Next: fairlead keys reseal[/]")


def reseal(shell: Shell, *, config: ConfigFile = None, data: Data = None, setting: Settings = None) -> None:
    """Seal every secret again with the current key, tenant by tenant. Exit 1 where one does not open."""
    from fairlead import wiring  # noqa: PLC0415

    flags = flags_of(data, setting)
    checked(shell, config, flags)
    unreadable = 0

    def told(name: str, done: Any) -> None:
        nonlocal unreadable
        unreadable += done.unreadable
        if done.done or done.unreadable:
            lost = f", [red]{done.unreadable} do not open[/]" if done.unreadable else ""
            shell.out.say(f"{escape(name)}: {done.done} sealed again{lost}")

    total = _done(wiring.operate.reseal(config, flags, told=told))
    shell.out.document({"resealed": total, "unreadable": unreadable})
    shell.out.say(f"{total} secrets sealed again.")
    if unreadable:
        raise trouble(Exit.FAILED, "Some secrets do not open", f"{unreadable}: their key is not in this keyring")


def drop(
    shell: Shell, *, name: Annotated[str, typer.Argument(metavar="KEY", help="The key's name.")],
    config: ConfigFile = None, data: Data = None, setting: Settings = None,
) -> None:  # fmt: skip
    """Take a key out of the keyring's file, once nothing is sealed with it."""
    from fairlead import wiring  # noqa: PLC0415

    flags = flags_of(data, setting)
    checked(shell, config, flags)
    _done(wiring.operate.drop_key(config, flags, name))
    shell.out.document({"dropped": name})
    shell.out.say(f"[green]✓[/] {escape(name)} is gone.")


def _told(shell: Shell, name: str, code: str | None) -> None:
    shell.out.document({"tenant": name, "setup_code": code})
    shell.out.fields({"Tenant": name, "Setup code": code})
    shell.out.say("[dim]The code makes the first owner, once; it stands nowhere else:[/]")
    shell.out.copy(f"fairlead login --url URL --setup-code {code} --name NAME --email ADDRESS")


def _done(work: Coroutine[Any, Any, T]) -> T:
    from fairlead import wiring  # noqa: PLC0415

    try:
        return asyncio.run(work)
    except wiring.NotFitting as wrong:
        raise trouble(Exit.USAGE, "That does not fit", str(wrong)) from wrong
    except wiring.TenantExists as taken:
        raise trouble(Exit.CONFLICT, "There is a tenant of that name", str(taken)) from taken
    except wiring.operate.NoSuchTenant as none:
        raise trouble(Exit.NOT_FOUND, "No such tenant", str(none)) from none
    except wiring.SchemaUnfit as unfit:
        raise trouble(Exit.CONFLICT, "The schema and this version do not fit together", str(unfit)) from unfit
    except FileNotFoundError as none:
        raise trouble(Exit.NOT_FOUND, "There is no such program", str(none.filename)) from none
    except (
        wiring.operate.NothingHere, wiring.operate.NotEmbedded, wiring.operate.NotNew, wiring.operate.KeyInUse,
    ) as refused:  # fmt: skip
        raise trouble(Exit.FAILED, "Nothing was done", str(refused)) from refused
    except Exception as error:
        raise trouble(Exit.FAILED, "It did not come through", causes(error)) from error

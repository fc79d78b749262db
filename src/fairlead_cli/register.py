"""`fairlead carrier register` and what `fairlead get` shows of the register: what people know of carriers."""

from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer
from rich.markup import escape
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from fairlead_cli import words
from fairlead_cli.client import Body, Exit, Listing, trouble
from fairlead_cli.output import Column
from fairlead_cli.shell import Shell, command

REGISTER: Final = (
    Column(title="ACCOUNT", value="account", whole=True),
    Column(title="KIND", value="kind"),
    Column(title="BREAKOUT", value="breakout"),
    Column(title="LOCAL IMSIS", value="local_imsis", wide=True),
    Column(title="UPSTREAM", value="upstream", wide=True),
    Column(title="COUNTRIES", value="countries_covered", right=True),
    Column(title="CONTRACT ENDS", value=lambda one: _first(one).get("ends_on")),
    Column(title="NOTICE BY", value=lambda one: _first(one).get("notice_by")),
    Column(title="NOT ASKED", value="unanswered", fold=True),
)
CONTRACTS: Final = (
    Column(title="ACCOUNT", value="account", whole=True),
    Column(title="NUMBER", value="number", whole=True),
    Column(title="ENDS", value="ends_on"),
    Column(title="DAYS LEFT", value="days_left", right=True),
    Column(title="NOTICE BY", value="notice_by"),
    Column(title="STATE", value="state"),
    Column(title="COMMITTED", value="committed_sims", right=True),
)
COVERAGE: Final = (
    Column(title="COUNTRY", value="country"),
    Column(title="TECHNOLOGY", value="rat"),
    Column(title="AS OF", value="as_of"),
    Column(title="SOURCE", value="source", fold=True),
)
SKUS: Final = (
    Column(title="SKU", value="sku", whole=True),
    Column(title="TECHNOLOGIES", value="rats"),
    Column(title="BANDS", value="bands", fold=True),
    Column(title="SOURCE", value="source", wide=True),
    Column(title="AS OF", value="as_of", wide=True),
)
SUNSETS: Final = (
    Column(title="COUNTRY", value="country"),
    Column(title="TECHNOLOGY", value="rat"),
    Column(title="NETWORK", value="network"),
    Column(title="OFF BY", value="off_on"),
    Column(title="CONFIDENCE", value="confidence"),
    Column(title="OWN", value="own"),
    Column(title="SOURCE", value="source", fold=True),
)

Name = Annotated[str, typer.Argument(help="The account's name.")]


def record(
    shell: Shell, name: Name, *,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Replace the record by this YAML file, whole.")
    ] = None,
) -> None:  # fmt: skip
    """What is known of a carrier account: who stands behind it, where it breaks out, what it charges, until when."""
    path = f"/v1/carriers/{name}/register"
    found: Body = shell.client.get(path)
    if file is not None:
        match = {"If-Match": f'"{found["version"]}"'}
        found = shell.client.send("PUT", path, body=_read(file), headers=match)
    shell.out.document(found)
    shown = {key.replace("_", " "): found[key] for key in (
        "account", "carrier", "kind", "upstream", "breakout", "local_imsis", "plans", "contacts", "source", "as_of",
    )}  # fmt: skip
    fees = [f"{one['name']} {one['amount']} {one['currency']} per {one['per']}" for one in words.rows(found, "fees")]
    shell.out.fields(shown | {"fees": fees, "countries covered": found["countries_covered"]})
    for one in words.rows(found, "contracts"):
        shell.out.say(f"[bold]contract {escape(one['number'])}[/]: {_standing(one)}")
    if found["unanswered"]:
        shell.out.say(f"[yellow]nobody asked yet:[/] {escape(', '.join(found['unanswered']))}")


def _standing(one: Body) -> str:
    if one["ends_on"] is None:
        return "no end known"
    left = int(one["days_left"])
    said = f"ends {one['ends_on']}, in {words.count(left, 'day')}" if left >= 0 else f"ended {one['ends_on']}"
    return said + (f"; notice must be given by {one['notice_by']}" if one["notice_by"] else "; notice period not known")


def _read(file: Path) -> Body:
    try:
        given: Any = cast("Any", YAML(typ="safe", pure=True)).load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise trouble(Exit.USAGE, "The record cannot be read", f"{file}: {error}") from error
    if not isinstance(given, dict):
        raise trouble(Exit.USAGE, "The record cannot be read", f"{file}; expected a map such as kind: reseller")
    return cast("Body", _plain(given))


def _plain(value: Any) -> Any:
    """YAML reads days as days; the API takes text."""
    match value:
        case dict():
            return {str(key): _plain(inner) for key, inner in cast("dict[Any, Any]", value).items()}
        case list():
            return [_plain(inner) for inner in cast("list[Any]", value)]
        case None | bool() | int() | str():
            return value
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else str(value)


def register(shell: Shell) -> None:
    """The carriers' register, an account a row."""
    shell.out.listing(shell.client.items("/v1/register", limit=1, everything=True), REGISTER, noun="carrier accounts")


def contracts(shell: Shell) -> None:
    """Contracts of all accounts, the soonest notice first."""
    found = [
        {"account": one["account"], **contract}
        for one in cast("list[Body]", shell.client.get("/v1/register"))
        for contract in words.rows(one, "contracts")
    ]
    ranked = sorted(found, key=lambda one: str(one["notice_by"] or one["ends_on"] or "~"))
    shell.out.listing(Listing(items=ranked), CONTRACTS, noun="contracts")


def coverage(shell: Shell, name: Name) -> None:
    """Where an account says that it works."""
    found: Body = shell.client.get(f"/v1/carriers/{name}/coverage")
    shell.out.listing(Listing(items=found["items"]), COVERAGE, noun="entries")


def skus(shell: Shell) -> None:
    """What the radios of SKUs can do, as far as anybody said."""
    shell.out.listing(shell.client.items("/v1/radio/skus", limit=1, everything=True), SKUS, noun="SKUs")


def sunsets(shell: Shell) -> None:
    """Ends of network technologies: your own readings, and the reference data's. Not legal advice."""
    found: Body = shell.client.get("/v1/radio/sunsets")
    shell.out.listing(Listing(items=found["items"], more={"notice": found["notice"]}), SUNSETS, noun="ends")
    shell.out.say(f"[dim]{escape(found['notice'])}[/]")


def _first(one: Body) -> Body:
    found = words.rows(one, "contracts")
    return found[0] if found else {}


def install(accounts: typer.Typer, get: typer.Typer) -> None:
    """Register the commands."""
    command(
        accounts, "register",
        examples=("fairlead carrier register meridian", "fairlead carrier register meridian -f meridian.yaml"),
    )(record)  # fmt: skip
    command(get, "register", examples=("fairlead get register",))(register)
    command(get, "contracts", examples=("fairlead get contracts",))(contracts)
    command(get, "coverage", examples=("fairlead get coverage meridian",))(coverage)
    command(get, "skus", examples=("fairlead get skus",))(skus)
    command(get, "sunsets", examples=("fairlead get sunsets",))(sunsets)

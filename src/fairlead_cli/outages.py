"""Outages and availability: `fairlead get outages`, `report availability`, and what groups are promised."""

import csv
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, Literal
from urllib.parse import quote

import typer

from fairlead_cli import durations, words
from fairlead_cli.client import Body, Exit, trouble
from fairlead_cli.output import Column
from fairlead_cli.shell import Shell, command, group

objective: Final = group("objective", "What policy groups are promised, and how often their devices are to be heard.")

_MILLION: Final = 1_000_000


def _percent(share: float | None, digits: int) -> str | None:
    """Rounded down: 99.9996 % is not 100 %."""
    if share is None:
        return None
    step = 10**digits
    return f"{int(round(share * 100, 6) * step) / step:.{digits}f} %"


STRATA: Final = (
    Column(title="KIND", value="kind"),
    Column(title="NAME", value="name", whole=True),
    Column(title="STATE", value="state"),
    Column(title="DEVICES", value="expected", right=True),
    Column(title="MISSING", value="missing", right=True),
    Column(title="ELSEWHERE", value="strayed", right=True),
    Column(title="RATE", value=lambda one: _percent(one["rate"], 1), right=True),
    Column(title="USUAL", value=lambda one: _percent(one["usual_rate"], 1), right=True),
    Column(title="OUT ABOVE", value=lambda one: _percent(one["opens_at"], 1), right=True, wide=True),
    Column(title="SINCE", value="since"),
    Column(title="BLAMED", value="blamed"),
)
PARTS: Final = (
    Column(title="NAME", value=lambda one: one["name"] or "none", whole=True),
    Column(title="AVAILABILITY", value=lambda one: _percent(one["availability"], 3), right=True),
    Column(title="OBJECTIVE", value=lambda one: _percent(one["objective"], 3), right=True),
    Column(title="MET", value="met"),
    Column(title="MISSING MIN", value="missing_minutes", right=True),
    Column(title="ALLOWED MIN", value="allowed_minutes", right=True),
    Column(title="ELSEWHERE MIN", value="elsewhere_minutes", right=True),
    Column(title="DEVICE MIN", value="expected_minutes", right=True, wide=True),
    Column(title="HEARD EVERY", value=lambda one: words.age(one["heard_every_s"]), wide=True),
)
OBJECTIVES: Final = (
    Column(title="GROUP", value="group", whole=True),
    Column(title="OBJECTIVE", value=lambda one: _percent(one["objective"], 3), right=True),
    Column(title="HEARD EVERY", value=lambda one: words.age(one["heard_every_s"])),
    Column(title="SET", value="updated_at"),
    Column(title="BY", value="updated_by"),
)
_CSV: Final = (
    "name", "availability", "objective", "met", "expected_minutes", "missing_minutes", "allowed_minutes",
    "elsewhere_minutes", "heard_every_s",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one

Group = Annotated[str, typer.Argument(metavar="GROUP", help="A policy group; '*': every group without its own.")]


def outages(shell: Shell) -> None:
    """Carriers, cores and profile families in the newest five minutes, against what is usual for each."""
    found = shell.client.items("/v1/outages", limit=1, everything=True)
    shell.out.listing(found, STRATA, noun="strata")


def availability(
    shell: Shell, *,
    by: Annotated[
        Literal["group", "country", "carrier", "core", "all"], typer.Option(help="What it is told apart by.")
    ] = "group",
    since: Annotated[str | None, typer.Option("--from", help="An instant, or how long ago: 30d.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="An instant, or how long ago.")] = None,
    form: Annotated[Literal["text", "csv"], typer.Option("--format", help="The form of the answer.")] = "text",
) -> None:  # fmt: skip
    """Which share of the time devices could be reached, by contact, against what was promised."""
    now = datetime.fromisoformat(shell.client.get("/v1/clock")["now"]) if since or until else datetime.now(UTC)
    params: Body = {"group_by": by, "from": _instant(since, now, "--from"), "to": _instant(until, now, "--to")}
    found = shell.client.items("/v1/availability", params, limit=1, everything=True)
    if form == "csv" and shell.out.for_people:
        _csv(found.items)
        return
    shell.out.listing(found, PARTS, noun="parts of the fleet")
    measured = found.more
    if measured.get("measured_from") is None:
        shell.out.say("[dim]nothing was counted in that time[/]")
    else:
        shell.out.say(
            f"[dim]by contact, from {words.when(measured['measured_from'])} on;"
            f" {_percent(measured['measured_share'], 1)} of the time since was counted[/]"
        )


def objectives(shell: Shell) -> None:
    """What groups are promised; without a row, 99.9 % and 15 minutes."""
    found = shell.client.items("/v1/objectives", limit=1, everything=True)
    shell.out.listing(found, OBJECTIVES, noun="objectives")


def promise(
    shell: Shell, name: Group, *,
    percent: Annotated[str, typer.Option(help="Of the time that a device can be reached: 99.95.")],
    heard_every: Annotated[str, typer.Option(help="A device that is silent for longer is missing: 15m, 6h.")] = "15m",
) -> None:  # fmt: skip
    """Promise something to a group, in place of what it was promised."""
    try:
        share = Decimal(percent.strip().rstrip("%").strip()) / 100
    except InvalidOperation:
        raise trouble(Exit.USAGE, "--percent cannot be read", f"{percent!r}; expected a number such as 99.95") from None
    body = {"objective": float(share), "heard_every_s": durations.seconds(heard_every, "--heard-every")}
    headers = {"If-Match": f'"{_version(shell, name)}"'}
    kept: Body = shell.client.send("PUT", _path(name), body=body, headers=headers)
    shell.out.document(kept)
    shell.out.say(
        f"{kept['group']}: [bold]{_percent(kept['objective'], 3)}[/], heard every {words.age(kept['heard_every_s'])}"
    )


def drop(shell: Shell, name: Group) -> None:
    """Take a promise back: the group has that of '*' from then on."""
    version = _version(shell, name)
    shell.client.send("DELETE", _path(name), headers={"If-Match": f'"{version}"'})
    shell.out.document({"group": name, "dropped": True})
    shell.out.say("taken back")


def _version(shell: Shell, name: str) -> int:
    """Of the promise as it is; 0: there is none."""
    found = shell.client.items("/v1/objectives", limit=1, everything=True)
    return next((int(one["version"]) for one in found.items if one["group"] == name), 0)


def _path(name: str) -> str:
    return f"/v1/objectives/{quote(name, safe='')}"


def _instant(text: str | None, now: datetime, option: str) -> str | None:
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        ago_s = durations.seconds(text, option)
        return datetime.fromtimestamp(now.timestamp() - ago_s, UTC).isoformat()
    return (given if given.tzinfo is not None else given.replace(tzinfo=UTC)).isoformat()


def _csv(items: Iterable[Body]) -> None:
    table = csv.writer(sys.stdout)
    table.writerow(_CSV)
    for one in items:
        name = str(one["name"])
        table.writerow([f"'{name}" if name.startswith(_FORMULA) else name, *(one[key] for key in _CSV[1:])])


def install(app: typer.Typer, get: typer.Typer, report: typer.Typer) -> None:
    """Register the commands."""
    command(get, "outages", examples=("fairlead get outages", "fairlead get outages -o wide"))(outages)
    command(get, "objectives", examples=("fairlead get objectives",))(objectives)
    command(
        report, "availability",
        examples=(
            "fairlead report availability", "fairlead report availability --by carrier --from 7d",
            "fairlead report availability --from 2026-02-01 --to 2026-03-01 --format csv > february.csv",
        ),
    )(availability)  # fmt: skip
    command(
        objective, "set",
        examples=("fairlead objective set meters --percent 99.5 --heard-every 6h",
                  "fairlead objective set '*' --percent 99.9"),
    )(promise)  # fmt: skip
    command(objective, "drop", examples=("fairlead objective drop meters",))(drop)
    app.add_typer(objective)

"""`fairlead usage`: what a line has used day by day, and how far that is known."""

from typing import Annotated, Final

import typer
from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Body, Exit, trouble
from fairlead_cli.output import Column
from fairlead_cli.shell import Shell, command

_DAYS: Final = (
    Column(title="DAY", value="day", whole=True),
    Column(title="BYTES", value="bytes", right=True),
    Column(title="UP", value="up_bytes", right=True),
    Column(title="DOWN", value="down_bytes", right=True),
    Column(title="FINAL", value="final"),
    Column(title="COUNTED BY", value="source"),
    Column(title="KIND", value="kind", wide=True),
    Column(title="RECORDS", value="records", right=True, wide=True),
    Column(title="SAID", value="observed_at", wide=True),
)


def usage(
    shell: Shell, iccid: Annotated[str | None, typer.Argument(help="The line, by ICCID or id.")] = None, *,
    device: Annotated[str | None, typer.Option("--device", help="Every line of this device instead.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=400, help="Days of each line.")] = 31,
    before: Annotated[str | None, typer.Option(metavar="DAY", help="Only days before this one.")] = None,
) -> None:  # fmt: skip
    """What a line has used, newest day first, and how far that is known."""
    if (iccid is None) == (device is None):
        raise trouble(Exit.USAGE, "Say one line or one device", "such as 8944500102198304826, or --device trk-00001")
    if device is None:
        lines = [str(iccid)]
    else:
        found: Body = shell.client.get(f"/v1/devices/{device}")
        lines = [str(one["iccid"]) for one in words.rows(found, "subscriptions")]
    read: list[Body] = [
        shell.client.get(f"/v1/subscriptions/{line}/usage", {"limit": limit, "before": before}) for line in lines
    ]
    shell.out.document(read[0] if device is None else {"device": device, "lines": read})
    if not shell.out.for_people:
        return
    if not read:
        shell.out.say(f"{escape(str(device))} has no subscription.")
    for one in read:
        _line(shell, one)


def _line(shell: Shell, found: Body) -> None:
    shell.out.say(f"[bold]{escape(found['iccid'])}[/]  {_known(found)}")
    if found["items"]:
        shell.out.table(found["items"], _DAYS)
    if found["next"]:
        shell.out.say(f"[dim]Older: --before {found['next']}[/]")


def _known(found: Body) -> str:
    if found["through"] is None:
        why = f": {escape(found['failure'])}" if found["failure"] else ""
        return f"[yellow]nothing is known of what it used[/]{why}"
    known = f"known until {words.when(found['through'])}"
    if found["stale"]:
        known += f", [yellow]older than its source lags ({words.age(found['lag_s'])})[/]"
    last = f"last byte by {words.when(found['last_byte_at'])}" if found["last_byte_at"] else "no byte in that time"
    return f"{known}; since {words.when(found['covered_from'])}, {last}"


def install(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "usage", examples=("fairlead usage 8944500102198304826", "fairlead usage --device trk-00001"))(usage)

"""What is done with a bulk action that is there: look, watch, pause, go on, cancel, agree, take back."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.markup import escape

from fairlead_cli import bulk_view, bulk_watch, words
from fairlead_cli.client import Body, Exit, Trouble, trouble
from fairlead_cli.shell import Shell, command

Id = Annotated[str, typer.Argument(metavar="BULK", help="Its id.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")]
All = Annotated[bool, typer.Option("--all", help="All rows.")]
Reason = Annotated[str, typer.Option(help="Why, for the journal.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait", help="Watch until it ends; exit 1 unless every line came true.")]
Form = Annotated[
    Literal["table", "wide", "json", "jsonl"], typer.Option("--output", "-o", help="The form of the answer.")
]
_OWN: Final = "Ask another person to run `fairlead bulk approve`."


def _list(shell: Shell, *, limit: Limit = 20, everything: All = False, output: Form = "table") -> None:
    """Bulk actions, newest first."""
    del output
    found = shell.client.items("/v1/bulk", limit=limit, everything=everything)
    shell.out.listing(found, bulk_view.BULKS, noun="bulk actions")


def show(shell: Shell, bulk: Id) -> None:
    """One of them: how far it is, and why it was asked."""
    found: Body = shell.client.get(f"/v1/bulk/{bulk}")
    bulk_view.show(shell.out, found)
    bulk_view.follow_up(shell.out, found)


def watch(shell: Shell, bulk: Id) -> int:
    """Follow it until it ends. Ctrl-C leaves it running. Exit 1 unless every line came true."""
    return bulk_watch.watch(shell, bulk)


def lines(
    shell: Shell, bulk: Id, *,
    state: Annotated[str | None, typer.Option(help="Only lines in this state, such as failed.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="All of them into a file, whatever their state.")
    ] = None,
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """What became of its lines, each with its reason and the carrier's own answer."""
    del output
    if csv is None:
        found = shell.client.items(f"/v1/bulk/{bulk}/lines", {"state": state}, limit=limit, everything=everything)
        shell.out.listing(found, bulk_view.LINES, noun="lines")
        return
    if state is not None:
        raise trouble(Exit.USAGE, "Say one of both", "--csv writes all lines; leave --state out")
    size = 0
    with shell.client.stream(f"/v1/bulk/{bulk}/lines.csv") as blocks, csv.open("wb") as file:
        for block in blocks:
            size += file.write(block)
    shell.out.document({"file": str(csv), "bytes": size})
    shell.out.say(f"{size:,} bytes in {escape(str(csv))}.")


def pause(shell: Shell, bulk: Id, *, reason: Reason = "") -> None:
    """Ask nothing more for now; what has left is settled."""
    _steer(shell, bulk, "pause", reason)


def resume(shell: Shell, bulk: Id, *, reason: Reason = "", wait: Wait = False) -> int:
    """Go on where it was paused."""
    return _steer(shell, bulk, "resume", reason, wait=wait)


def approve(shell: Shell, bulk: Id, *, reason: Reason = "", wait: Wait = False) -> int:
    """Agree with somebody else's; it begins at once."""
    return _steer(shell, bulk, "approve", reason, wait=wait)


def cancel(shell: Shell, bulk: Id, *, reason: Reason = "", yes: Yes = False) -> None:
    """Drop what has not left; what has left is settled as always, and nothing is taken back."""
    if not yes:
        found: Body = shell.client.get(f"/v1/bulk/{bulk}")
        waits = int(words.part(found, "by_state").get("pending", 0))
        shell.agree(f"Cancel {bulk}? {words.count(waits, 'line')} will not be asked any more.", yes=False)
    _steer(shell, bulk, "cancel", reason)


def undo(shell: Shell, bulk: Id, *, reason: Reason = "", yes: Yes = False, wait: Wait = False) -> int:
    """Take it back, line by line, by a bulk action of its own."""
    if not yes:
        found: Body = shell.client.get(f"/v1/bulk/{bulk}")
        done = int(words.part(found, "by_state").get("verified", 0))
        shell.agree(f"Take {bulk} back? Up to {words.count(done, 'line')} go back to where they were.", yes=False)
    return _steer(shell, bulk, "undo", reason, wait=wait)


def _steer(shell: Shell, bulk: str, verb: str, reason: str, *, wait: bool = False) -> int:
    try:
        done: Body = shell.client.post(f"/v1/bulk/{bulk}/{verb}", {"reason": reason}, once=True)
    except Trouble as found:
        if found.problem.get("code") == "own_change":
            found.problem["next"] = _OWN
        raise
    shell.out.say(f"[bold]{escape(str(done['id']))}[/] is {words.coloured(done['state'])}.")
    if wait:
        return bulk_watch.watch(shell, str(done["id"]))
    shell.out.document(done)
    if shell.out.for_people:
        bulk_view.follow_up(shell.out, done)
    return int(Exit.OK)


def install(app: typer.Typer) -> None:
    """Register the commands."""
    command(app, "list", examples=("fairlead bulk list",))(_list)
    command(app, "show", examples=("fairlead bulk show bulk_06f…", "fairlead bulk show bulk_06f… --json"))(show)
    command(app, "watch", examples=("fairlead bulk watch bulk_06f…",))(watch)
    command(
        app, "lines",
        examples=("fairlead bulk lines bulk_06f… --state failed", "fairlead bulk lines bulk_06f… --csv result.csv"),
    )(lines)  # fmt: skip
    command(app, "pause", examples=("fairlead bulk pause bulk_06f… --reason 'carrier calls'",))(pause)
    command(app, "resume", examples=("fairlead bulk resume bulk_06f… --wait",))(resume)
    command(app, "cancel", examples=("fairlead bulk cancel bulk_06f… --reason 'wrong list'",))(cancel)
    command(app, "approve", examples=("fairlead bulk approve bulk_06f… --reason 'checked the list'",))(approve)
    command(app, "undo", examples=("fairlead bulk undo bulk_06f… --reason 'too early' --wait",))(undo)

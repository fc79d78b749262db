"""`fairlead change`: everything a person does to a Change, and its moves and operations."""

from typing import Annotated, Any, Final, Literal

import typer
from rich.markup import escape

from fairlead_cli import change_view, watching, words
from fairlead_cli.client import Body, Exit, trouble
from fairlead_cli.shell import Shell, command, group

app: Final = group("change", "Watch, approve, pause, stop and take back Changes.")

Id = Annotated[str, typer.Argument(metavar="CHG", help="The Change's id.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")]
All = Annotated[bool, typer.Option("--all", help="All rows.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Form = Annotated[
    Literal["table", "wide", "json", "jsonl"], typer.Option("--output", "-o", help="The form of the answer.")
]


def _list(shell: Shell, *, state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
          limit: Limit = 20, everything: All = False, output: Form = "table") -> None:  # fmt: skip
    """Changes, newest first."""
    del output
    found = shell.client.items("/v1/changes", {"state": state}, limit=limit, everything=everything)
    shell.out.listing(found, change_view.CHANGES, noun="changes")


def show(shell: Shell, change: Id) -> None:
    """A Change as a story: stages with their numbers, decisions, and the four questions."""
    change_view.show(shell.out, shell.client.get(f"/v1/changes/{change}"))


def watch(shell: Shell, change: Id) -> None:
    """Follow a Change until it settles. Exit 1 when it was aborted."""
    watching.watch(shell, change)


def approve(shell: Shell, change: Id, *, note: Annotated[str, typer.Option(help="For the journal.")] = "") -> None:
    """Agree to a Change of somebody else's."""
    _do(shell, change, "approve", {"verdict": "approve", "note": note})


def refuse(shell: Shell, change: Id, *, note: Annotated[str, typer.Option(help="Why not.")] = "") -> None:
    """Refuse a Change; it is aborted before anything moved."""
    _do(shell, change, "approve", {"verdict": "refuse", "note": note})


def pause(shell: Shell, change: Id) -> None:
    """Open no further stage and start no further move; steps under way run to their end."""
    _do(shell, change, "pause", None)


def admit(shell: Shell, change: Id) -> None:
    """Let the devices in that wait for a person, or for their pace."""
    done: Body = shell.client.post(f"/v1/changes/{change}/admit", once=True)
    shell.out.document(done)
    shell.out.say(f"{words.count(int(done['admitted']), 'device')} admitted.")
    shell.out.hint(f"fairlead change watch {change}")


def resume(shell: Shell, change: Id) -> None:
    """Go on where it was paused."""
    _do(shell, change, "resume", None)


def stop(shell: Shell, change: Id, *, reason: Reason = "", yes: Yes = False) -> None:
    """End a Change: one that never settled goes back whole, a standing one takes no more devices."""
    found: Body = shell.client.get(f"/v1/changes/{change}")
    moved = words.part(words.part(found, "story"), "moves")
    if found["state"] == "standing":
        shell.agree(f"Close {change}? Devices that match later stay as they are.", yes=yes)
    else:
        shell.agree(f"Stop {change}? Its moves go back: {words.text(moved)}.", yes=yes)
    _do(shell, change, "stop", {"reason": reason})


def rollback(
    shell: Shell,
    change: Id,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the journal.")],
    match: Annotated[str | None, typer.Option(metavar="EXPR", help="Devices for which this holds.")] = None,
    country: Annotated[list[str] | None, typer.Option(metavar="CC", help="Batches of these countries.")] = None,
    stage: Annotated[int | None, typer.Option(min=1, help="Only this stage, from 1.")] = None,
    wave: Annotated[int | None, typer.Option(min=0, help="Only this wave; 0 is the first rollout.")] = None,
    device: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only these devices.")] = None,
    preview: Annotated[bool, typer.Option("--preview", "--dry-run", help="Count only.")] = False,
    yes: Yes = False,
) -> None:
    """Take moves back, to the state before, and keep those devices out of the revision."""
    body: dict[str, Any] = {
        "match": match, "countries": [code.upper() for code in country or []], "devices": device or [],
        "wave": wave, "stage": None if stage is None else stage - 1, "reason": reason,
    }  # fmt: skip
    path = f"/v1/changes/{change}/rollback"
    if preview or not yes:
        counted: Body = shell.client.post(path, body | {"preview": True})
        if preview:
            _rolled(shell, counted, would=True)
            return
        if not counted["devices"]:
            raise trouble(Exit.FAILED, "Nothing to take back", "no move of this Change is selected")
        shell.agree(
            f"Take back {words.count(int(counted['devices']), 'device')} "
            f"({counted['verified']:,} of them verified; {counted['left']:,} belong to later Changes and stay)?",
            yes=False,
        )
    _rolled(shell, shell.client.post(path, body, once=True), would=False)


def moves(shell: Shell, change: Id, *, state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
          limit: Limit = 50, everything: All = False, output: Form = "table") -> None:  # fmt: skip
    """Each device's share of a Change and what became of it."""
    del output
    path = f"/v1/changes/{change}/moves"
    found = shell.client.items(path, {"state": state}, limit=limit, everything=everything)
    shell.out.listing(found, change_view.MOVES, noun="moves")


def operations(
    shell: Shell, change: Id, *, state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Each step by one driver on one subject, with its evidence (--json)."""
    del output
    params = {"change": change, "state": state}
    found = shell.client.items("/v1/operations", params, limit=limit, everything=everything)
    shell.out.listing(found, change_view.OPERATIONS, noun="operations")


def settle(
    shell: Shell,
    operation: Annotated[str, typer.Argument(metavar="OP", help="The operation's id.")],
    *,
    applied: Annotated[bool | None, typer.Option("--applied/--not-applied", help="What became of it.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="How you know; kept as evidence and in the journal.")],
) -> None:
    """Say what became of an operation whose outcome is unknown and that no read-back settles."""
    if applied is None:
        raise trouble(Exit.USAGE, "What became of it?", "say --applied or --not-applied")
    body = {"outcome": "applied" if applied else "not_applied", "reason": reason}
    done: Body = shell.client.post(f"/v1/operations/{operation}/settle", body, once=True)
    shell.out.document(done)
    shell.out.say(f"[bold]{escape(str(done['id']))}[/] is {words.coloured(done['state'])}, settled by a person.")


def _do(shell: Shell, change: str, verb: str, body: Body | None) -> None:
    done: Body = shell.client.post(f"/v1/changes/{change}/{verb}", body, once=True)
    shell.out.document(done)
    shell.out.say(f"[bold]{escape(done['id'])}[/] is {words.coloured(done['state'])}.")
    if shell.out.for_people:
        change_view.follow_up(shell.out, done)


def _rolled(shell: Shell, done: Body, *, would: bool) -> None:
    shell.out.document(done)
    verb = "would go back" if would else "go back"
    shell.out.say(
        f"{words.count(int(done['devices']), 'device')} {verb}, {done['verified']:,} of them verified; "
        f"{done['left']:,} belong to later Changes and stay."
    )


command(app, "list", examples=("fairlead change list --state running",))(_list)
command(app, "show", examples=("fairlead change show chg_06f…", "fairlead change show chg_06f… --json"))(show)
command(app, "watch", examples=("fairlead change watch chg_06f…", "fairlead change watch chg_06f… --jsonl"))(watch)
command(app, "approve", examples=("fairlead change approve chg_06f… --note 'checked with the carrier'",))(approve)
command(app, "refuse", examples=("fairlead change refuse chg_06f… --note 'not before the audit'",))(refuse)
command(app, "pause", examples=("fairlead change pause chg_06f…",))(pause)
command(app, "admit", examples=("fairlead change admit chg_06f…",))(admit)
command(app, "resume", examples=("fairlead change resume chg_06f…",))(resume)
command(app, "stop", examples=("fairlead change stop chg_06f… --reason 'wrong APN'",))(stop)
command(
    app, "rollback",
    examples=(
        "fairlead change rollback chg_06f… --country BR --stage 2 --preview --reason 'refusals'",
        "fairlead change rollback chg_06f… --match 'sku == \"meter-2\"' --reason 'firmware fault'",
        "fairlead change rollback chg_06f… --device trk-00017 --device trk-00018 --reason 'on site'",
    ),
)(rollback)  # fmt: skip
command(app, "moves", examples=("fairlead change moves chg_06f… --state failed",))(moves)
command(app, "operations", examples=("fairlead change operations chg_06f… --state unknown -o wide",))(operations)
command(
    app, "settle",
    examples=(
        "fairlead change settle op_06f… --applied --reason 'active in the carrier portal'",
        "fairlead change settle op_06f… --not-applied --reason 'the carrier has no such order'",
    ),
)(settle)  # fmt: skip

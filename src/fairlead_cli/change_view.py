"""A Change as people read it: strata by stages, the four questions, what went back."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from fairlead_cli import words
from fairlead_cli.client import Body
from fairlead_cli.output import Column, Output, Title, grid

SETTLED: Final = frozenset({"settled", "standing", "closed", "aborted"})
_SIGNS: Final[Mapping[str, str]] = {
    "open": "[cyan]▶[/]", "passed": "[green]✓[/]", "stopped": "[yellow]■[/]", "rolling-back": "[yellow]↩[/]",
    "rolled-back": "[red]↩[/]",
}  # fmt: skip
_QUESTIONS: Final = (
    ("delivered", "Was it delivered?"),
    ("acknowledged", "Did the device or carrier acknowledge?"),
    ("confirmed", "Did an independent fact confirm?"),
)
_NONE: Final[Mapping[str, int]] = {}
_MOST_ROWS: Final = 30  # of strata in a live table

CHANGES: Final = (
    Column(title="CHANGE", value="id", whole=True),
    Column(title="TITLE", value="title"),
    Column(title="STATE", value="state"),
    Column(title="CREATED", value="created_at", whole=True),
    Column(title="SETTLED", value="settled_at", wide=True),
    Column(title="WAVES", value="waves", right=True),
    Column(title="REASON", value="reason", wide=True),
    Column(title="AUTHOR", value="author", wide=True),
)
MOVES: Final = (
    Column(title="DEVICE", value="name", whole=True),
    Column(title="STATE", value="state"),
    Column(title="COUNTRY", value="country"),
    Column(title="CARRIER", value="carrier"),
    Column(title="WAVE", value="wave", right=True),
    Column(title="STAGE", value=lambda move: int(move["stage"]) + 1, right=True),
    Column(title="OPENED", value="opened_at", wide=True),
    Column(title="SETTLED", value="settled_at"),
    Column(title="TAKEN BACK BY", value="taken_back_by", wide=True),
    Column(title="OUTCOME", value="outcome", fold=True),
)
OPERATIONS: Final = (
    Column(title="OPERATION", value="id", whole=True, wide=True),
    Column(title="DEVICE", value="device_name", whole=True),
    Column(title="DRIVER", value="driver"),
    Column(title="VERB", value="verb"),
    Column(title="FACET", value="facet"),
    Column(title="LEG", value="leg"),
    Column(title="STATE", value="state"),
    Column(title="TRY", value="attempt", right=True),
    Column(title="NOT BEFORE", value="not_before", wide=True),
    Column(title="DISPATCHED", value="dispatched_at"),
    Column(title="SETTLED", value="settled_at", wide=True),
    Column(title="REASON", value="reason", fold=True),
    Column(title="EVIDENCE", value=lambda one: str(len(words.rows(one, "evidence"))), right=True, wide=True),
)


def show(out: Output, change: Body) -> None:
    """The whole story of a Change; programs get it as it is."""
    if not out.for_people:
        out.document(change)
        return
    out.show(picture(change))
    _details(out, change)
    _questions(out, words.part(change, "questions"))
    follow_up(out, change)


def picture(change: Body, *, most: int | None = None) -> RenderableType:
    """The live picture: one line of state, then strata × stages with a bar of what is verified."""
    story: Body = words.part(change, "story")
    state = str(change["state"])
    colour = words.COLOURS.get(state, "bold")
    head = f"[bold]{escape(change['id'])}[/]  {escape(change['title'])}  [{colour}]{state}[/]"
    moves: Mapping[str, int] = words.part(story, "moves")
    parts = [f"{number:,} {name}" for name, number in sorted(moves.items()) if number]
    parts += [
        f"{story[key]:,} {key.replace('_', ' ')}" for key in ("barred", "held_out", "waiting") if story.get(key)
    ]  # fmt: skip
    if story.get("taken_back"):
        parts.append(f"{story['taken_back']:,} taken back by a person")
    totals = Text.from_markup(f"{head}\n[dim]{escape(', '.join(parts) or 'no moves')}[/]")
    rows = _strata(story)
    if not rows:
        return totals
    table = _table(change, story, rows[:most] if most else rows)
    rest = len(rows) - most if most and len(rows) > most else 0
    return Group(totals, table, Text(f"… and {rest} further strata", style="dim")) if rest else Group(totals, table)


def live(change: Body) -> RenderableType:
    """The picture, as large as a terminal takes."""
    return picture(change, most=_MOST_ROWS)


def line(change: Body) -> str:
    """The Change in one line, for logs that are not a terminal."""
    story: Body = words.part(change, "story")
    moves = ", ".join(f"{name} {number:,}" for name, number in sorted(words.part(story, "moves").items()) if number)
    batches: Sequence[Body] = words.rows(story, "batches")
    undone = sum(1 for batch in batches if batch["state"] in ("rolling-back", "rolled-back"))
    back = f"; {words.count(undone, 'batch', 'batches')} rolled back" if undone else ""
    return f"{change['state']}: {moves or 'no moves yet'}{back}"


def follow_up(out: Output, change: Body) -> None:
    """What somebody may want to do next."""
    number = escape(str(change["id"]))
    match change["state"]:
        case "planned":
            needed = change.get("approvals_needed")
            what = f"Waits for {words.count(int(needed), 'person', 'people')}" if needed else "Waits for other people"
            out.hint(f"{what}: fairlead change approve {number}")
        case "running" | "approved":
            out.hint(f"Watch: fairlead change watch {number}")
            out.hint(f"Take back: fairlead change rollback {number} --reason …")
        case "paused":
            out.hint(f"Go on: fairlead change resume {number}")
            out.hint(f"End: fairlead change stop {number}")
        case "standing":
            out.hint("It stands: devices that match later are moved too.")
            out.hint(f"Take back: fairlead change rollback {number} --reason …")
            out.hint(f"End: fairlead change stop {number}")
        case _:
            return


def _strata(story: Body) -> list[tuple[int, str, str]]:
    found = {(int(b["wave"]), str(b["country"]), str(b["carrier"])) for b in words.rows(story, "batches")}
    return sorted(found)


def _table(change: Body, story: Body, rows: Sequence[tuple[int, str, str]]) -> RenderableType:
    percents = [int(p) for p in words.texts(words.part(change, "rollout"), "stages")]
    batches = {(int(b["wave"]), str(b["country"]), str(b["carrier"]), int(b["stage"])): b for b in story["batches"]}
    stages = max([len(percents), *(key[3] + 1 for key in batches)])
    moves: dict[tuple[str, str], Mapping[str, int]] = {
        (str(s["country"]), str(s["carrier"])): s["moves"] for s in words.rows(story, "strata")
    }
    waves = any(wave for wave, _, _ in rows)
    heads = [Title(text="WAVE", right=True)] if waves else []
    heads += [Title(text="COUNTRY"), Title(text="CARRIER", whole=True)]
    heads += [Title(text=f"{percents[n]} %" if n < len(percents) else f"STAGE {n + 1}") for n in range(stages)]
    heads += [Title(text="VERIFIED"), Title(text="", right=True), Title(text="OTHERWISE")]
    table = grid(*heads)
    told: set[tuple[str, str]] = set()
    for wave, country, carrier in rows:
        counts = (
            moves.get((country, carrier), _NONE) if (country, carrier) not in told else _NONE
        )  # they are of all waves
        told.add((country, carrier))
        cells = [str(wave)] if waves else []
        cells += [country or words.NOTHING, escape(carrier) or words.NOTHING]
        cells += [_batch(batches.get((wave, country, carrier, stage))) for stage in range(stages)]
        table.add_row(*cells, *_progress(counts))
    return table


def _batch(batch: Body | None) -> str:
    if batch is None:
        return "[dim]·[/]"
    return f"{_SIGNS.get(batch['state'], '?')} {int(batch['admitted']):,}"


def _progress(moves: Mapping[str, Any]) -> tuple[str, str, str]:
    if not moves:
        return "", "", ""
    total = sum(int(number) for number in moves.values())
    verified = int(moves.get("verified", 0))
    others = ", ".join(f"{number:,} {name}" for name, number in sorted(moves.items()) if name != "verified" and number)
    return f"[green]{words.bar(verified, total)}[/]", f"{verified:,}/{total:,}", escape(others)


def _details(out: Output, change: Body) -> None:
    rollout: Body = words.part(change, "rollout")
    gate: Body = words.part(rollout, "gate")
    judged = f"at most {float(gate['max_failed']):.0%} failed" if "max_failed" in gate else ""
    held = f"{rollout['hold_out']} %" if rollout.get("hold_out") else None
    out.say("")
    out.fields({
        "Reason": change.get("reason"), "Author": change.get("author"), "Plan": change.get("plan"),
        "Started": change.get("started_at"), "Settled": change.get("settled_at"), "Waves": change.get("waves"),
        "Stages": " → ".join(f"{p} %" for p in words.texts(rollout, "stages")), "Gate": judged,
        "On failure": rollout.get("on_failure"), "Held out": held, "Emergency": change.get("emergency") or None,
    })  # fmt: skip
    for verdict in words.rows(change, "approvals"):
        note = f": {escape(str(verdict['note']))}" if verdict.get("note") else ""
        at = words.when(str(verdict["at"]))
        out.say(f"  {escape(str(verdict['principal']))} said {words.coloured(verdict['verdict'])} {at}{note}")
    for batch in words.rows(words.part(change, "story"), "batches"):
        if batch["state"] in ("rolling-back", "rolled-back", "stopped"):
            numbers = words.text(words.part(batch, "decision"))
            place = f"{batch['country']} {batch['carrier']}, {batch['percent']} %"
            out.say(f"  [red]{batch['state']}[/] {escape(place)}: {escape(numbers)}")


def _questions(out: Output, questions: Body) -> None:
    if not questions:
        return
    out.say("")
    for key, question in _QUESTIONS:
        answer: Body = questions.get(key) or {}
        out.say(f"  {question:<40} {int(answer.get('yes', 0)):,} of {words.count(int(answer.get('of', 0)), 'step')}")
    back: Body = words.part(questions, "can_be_rolled_back")
    by = ", ".join(words.texts(back, "by"))
    out.say(f"  {'Can it be rolled back?':<40} {words.count(int(back.get('moves', 0)), 'move')}, by {by}")

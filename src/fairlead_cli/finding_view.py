"""Findings as people see them: the list, one of them whole, how many there are."""

from typing import Final

from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Body
from fairlead_cli.output import Column, Output


def _about(one: Body) -> str:
    subject = words.part(one, "subject")
    return f"{subject['kind']} {subject['name']}"


FINDINGS: Final = (
    Column(title="FINDING", value="id", whole=True),
    Column(title="SEVERITY", value="severity"),
    Column(title="STATE", value="state"),
    Column(title="ABOUT", value=_about),
    Column(title="WHAT", value="title", fold=True),
    Column(title="OPENED", value="opened_at"),
    Column(title="KIND", value="kind", wide=True),
    Column(title="SEEN", value="last_seen_at", wide=True),
    Column(title="TIMES", value="sightings", wide=True, right=True),
    Column(title="SCORE", value="score", wide=True, right=True),
)
_EVIDENCE: Final = (
    Column(title="FACT", value="fact", whole=True),
    Column(title="VALUE", value="value", fold=True),
    Column(title="UNIT", value="unit"),
    Column(title="AS OF", value="at"),
)


def show(out: Output, one: Body) -> None:
    """One of them whole."""
    out.document(one)
    if not out.for_people:
        return
    out.say(f"[bold]{escape(str(one['title']))}[/]", f"[dim]{escape(str(one['kind']))}: {escape(str(one['about']))}[/]")
    knows, ended = words.part(one, "acknowledged"), words.part(one, "closed")
    ender = (ended.get("person") or "its condition") if ended else None
    out.fields({
        "Severity": one["severity"], "State": one["state"], "About": _about(one), "Subject": one["subject"]["id"],
        "Opened": one["opened_at"], "Last seen": one["last_seen_at"], "Sightings": one["sightings"],
        "Score": one["score"],
        "Acknowledged": f"{words.when(knows['at'])} by {knows['by']}: {knows['reason']}" if knows else None,
        "Closed": f"{words.when(ended['at'])} by {ender}: {ended['reason']}" if ended else None,
    })  # fmt: skip
    facts = [{"fact": name} | said for name, said in words.part(one, "evidence").items()]
    if facts:
        out.say("")
        out.table(facts, _EVIDENCE)
    if one["state"] == "open":
        out.hint(f"fairlead finding acknowledge {one['id']} --reason '…'")
    if one["state"] != "closed":
        out.hint(f"fairlead finding close {one['id']} --reason '…'")


def counts(out: Output, found: Body) -> None:
    """How many are not closed."""
    out.document(found)
    number = int(found["open"])
    out.say(f"[bold]{words.count(number, 'open finding')}[/], {found['acknowledged']:,} acknowledged")
    for name in ("by_severity", "by_kind"):
        said = ", ".join(f"{escape(one)} {n:,}" for one, n in sorted(words.part(found, name).items()))
        if said:
            out.say(f"  {name.removeprefix('by_')}: {said}")

"""Rules that act on lines, as people read them: columns of `get steering` and `get usage-rules`, parts of a plan."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Body
from fairlead_cli.output import Column, Output

_MOST_NETWORKS: Final = 6


def _list(item: Body) -> str:
    """A list of networks, shortened; or why there is none."""
    if not item.get("possible"):
        return f"none: {item['because']}" if item.get("because") else "–"
    plmns = words.texts(item, "plmns")
    more = f" … {len(plmns)} in all" if len(plmns) > _MOST_NETWORKS else ""
    return f"{item['kind']} {', '.join(plmns[:_MOST_NETWORKS])}{more}"


def _counts(key: str) -> Any:
    def shown(item: Body) -> str:
        return ", ".join(f"{word.replace('_', ' ')} {lines:,}" for word, lines in words.part(item, key).items())

    return shown


def _unjudged(item: Body) -> str:
    told: list[str] = []
    if item.get("cannot_because"):
        told.append(f"{item.get('cannot', 0):,} cannot be judged: {item['cannot_because']}")
    told += [
        f"{item[key]:,} {word}"
        for key, word in (("stale", "with data too old"), ("unknown", "unknown"))
        if item.get(key)
    ]
    return "; ".join(told)


def _does(item: Body) -> str:
    if item.get("action_because"):
        return f"tells only: {item['action_because']}"
    verb = item.get("action")
    if not verb:
        return "tells"
    waits = f", after a person agreed: {item['waits_because']}" if item.get("waits_because") else ""
    return f"{str(verb).replace('_', ' ')}{waits}"


STEERING: Final = (
    Column(title="STEERING", value="name", whole=True),
    Column(title="ACCOUNT", value="account"),
    Column(title="LINES", value="lines", right=True),
    Column(title="LIST", value=_list, fold=True),
    Column(title="STAND", value=_counts("standing"), fold=True),
    Column(title="NOT KEPT", value="notes", wide=True),
    Column(title="REVISION", value="revision", right=True, wide=True),
    Column(title="JUDGED", value=lambda item: words.age(item.get("age_s")), right=True, wide=True),
)
USAGE_RULES: Final = (
    Column(title="RULE", value="name", whole=True),
    Column(title="ACCOUNT", value="account"),
    Column(title="LINES", value="lines", right=True),
    Column(title="JUDGED", value="judged", right=True),
    Column(title="CROSSED", value="crossed", right=True),
    Column(title="STAND", value=_counts("lines_by_state"), fold=True),
    Column(title="DOES", value=_does, fold=True),
    Column(title="NOT JUDGED", value=_unjudged, fold=True),
    Column(title="DATA TO", value="oldest", wide=True),
    Column(title="REVISION", value="revision", right=True, wide=True),
)


def in_plan(out: Output, summary: Body) -> None:
    """What a plan says of rules that act on lines, account by account."""
    for name, accounts in words.part(summary, "steering").items():
        _told(out, f"Steering/{name}", accounts)
        for one in accounts:
            out.say(f"  {_head(one)}  {escape(_list(one))}")
            for note in words.texts(one, "notes"):
                out.say(f"      [dim]{escape(str(note))}[/]")
    for name, accounts in words.part(summary, "usage_rules").items():
        _told(out, f"UsageRule/{name}", accounts)
        for one in accounts:
            out.say(f"  {_head(one)}  {one['crossed']:,} beyond it by data that is fresh; {escape(_does(one))}")
            unjudged = _unjudged(one)
            if unjudged:
                out.say(f"      [yellow]{escape(unjudged)}[/]")


def _told(out: Output, label: str, accounts: Sequence[Mapping[str, Any]]) -> None:
    none = "" if accounts else ": it matches no line"
    out.say("", f"[bold]{escape(label)}[/], at each account{none}")


def _head(one: Body) -> str:
    return f"[bold]{escape(str(one['account']))}[/] {words.count(int(one['lines']), 'line')}"

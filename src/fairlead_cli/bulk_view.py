"""Bulk actions as people see them: the preview carrier by carrier, one of them whole, its lines."""

from collections.abc import Callable
from typing import Any, Final

from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Body
from fairlead_cli.output import Column, Output

OVER: Final = frozenset({"done", "cancelled"})
_MODES: Final = {"sync": "at once", "job": "by a job", "callback": "calls back"}
_ASIDE: Final = frozenset({"suspend", "standby", "deactivate", "terminate"})
_PROMPT_S: Final = 60
_ORDER: Final = (
    "verified", "acknowledged", "delivered", "dispatched", "pending", "unknown", "failed", "refused", "expired",
    "superseded",
)  # fmt: skip


def verb(shown: str) -> str:
    """A verb as people say it."""
    return shown.replace("_", "-")


def _able(name: str) -> Callable[[Body], Any]:
    return lambda one: one[name] if one["supported"] else None


def _charged(one: Body) -> str | None:
    if not one["supported"]:
        return None
    return {True: "yes", False: "no", None: "not said"}[one["billable"]]


_BEFORE_MONEY: Final = (
    Column(title="ACCOUNT", value="account", whole=True),
    Column(title="LINES", value="lines", right=True),
    Column(title="ASKED", value="able", right=True),
    Column(title="ALREADY", value=_able("already"), right=True),
    Column(title="CANNOT", value="unable", right=True),
    Column(title="ANSWERS", value=lambda one: _MODES[one["mode"]] if one["supported"] else None),
    Column(title="TYPICAL", value=lambda one: words.age(one["typical_s"]) if one["supported"] else None, right=True),
)
_AFTER_MONEY: Final = (
    Column(title="UNDO", value=_able("reversible")),
    Column(title="TRAFFIC", value=_able("traffic_after")),
    Column(title="A CALL", value=_able("lines_a_call"), right=True),
)


def columns(verb: str) -> tuple[Column, ...]:
    """One row an account; of what is put aside it is asked whether a fee goes on, of all else whether one is taken."""
    title = "FEE AFTER" if verb in _ASIDE else "CHARGED"
    return (*_BEFORE_MONEY, Column(title=title, value=_charged), *_AFTER_MONEY)


def said(line: Body) -> str:
    """What the carrier answered in its own words, as far as one line takes it."""
    found = words.part(line, "said")
    parts = [found.get("status"), found.get("code"), found.get("said") or found.get("provider_state")]
    return " ".join(str(part) for part in parts if part)


def by_state(bulk: Body) -> str:
    """How many lines are in which state."""
    counts = words.part(bulk, "by_state")
    known = [*(state for state in _ORDER if state in counts), *sorted(set(counts) - set(_ORDER))]
    return ", ".join(f"{counts[state]:,} {state}" for state in known) or "no line yet"


def _why(line: Body) -> str:
    if words.part(line, "said").get("fact") == "already":
        return "was so already"
    return str(line["reason"] or "").replace("_", " ")


BULKS: Final = (
    Column(title="BULK", value="id", whole=True),
    Column(title="VERB", value=lambda one: verb(one["verb"])),
    Column(title="STATE", value="state"),
    Column(title="SETTLED", value=lambda one: f"{one['settled']:,} of {one['lines']:,}", right=True),
    Column(title="CREATED", value="created_at"),
    Column(title="REASON", value="reason", fold=True),
    Column(title="LINES", value=by_state, wide=True),
    Column(title="CHOSEN", value="selected", wide=True),
    Column(title="ARGUMENTS", value="arguments", wide=True),
    Column(title="UNDO OF", value="undo_of", wide=True, whole=True),
)
LINES: Final = (
    Column(title="ICCID", value="iccid", whole=True),
    Column(title="ACCOUNT", value="account"),
    Column(title="DEVICE", value="device"),
    Column(title="STATE", value="state"),
    Column(title="REASON", value=_why, fold=True),
    Column(title="WAS", value="before.state"),
    Column(title="CARRIER SAID", value=said, fold=True),
    Column(title="VERB", value=lambda one: verb(one["verb"]), wide=True),
    Column(title="SETTLED", value="settled_at", wide=True),
    Column(title="OPERATION", value="operation", wide=True, whole=True),
)


def preview(out: Output, name: str, seen: Body) -> None:
    """What would be asked of whom; one row an account, and beneath what no column can say."""
    out.say(f"[bold]{escape(verb(name))}[/]  {words.count(int(seen['lines']), 'line')}, nothing has been asked yet", "")
    accounts = words.rows(seen, "accounts")
    if accounts:
        out.table(accounts, columns(name))
    for one in accounts:
        for remark in _remarks(one):
            out.say(f"  [bold]{escape(str(one['account']))}[/] {escape(remark)}")
    if seen["missing_count"]:
        some = ", ".join(words.texts(seen, "missing")[:3])
        out.say(f"  [red]{words.count(int(seen['missing_count']), 'ICCID')} of no line of yours, such as {some}[/]")
    told = _saved(seen)
    if told:
        out.say("", told)
    if seen["approval"]:
        out.say("", f"[yellow]Another person must agree:[/] {escape(str(seen['approval']))}.")
    out.say("")


def _remarks(one: Body) -> list[str]:
    found: list[str] = []
    if not one["supported"]:
        found.append(f"cannot: {one['because']}")
    elif one["because"]:
        found.append(f"only so: {one['because']}")
    for because, lines in sorted(one["denied"].items()):
        found.append(f"cannot for {words.count(lines, 'line')}: {because}")
    if one["supported"] and float(one["longest_s"]) > _PROMPT_S:
        found.append(f"may take up to {words.age(one['longest_s'])} a line")
    found += saving(one)
    if one["needs"] and one["supported"]:
        found.append(f"needs first: {', '.join(words.texts(one, 'needs'))}")
    if one["shared_limit"]:
        found.append(f"keeps this limit for a whole {one['shared_limit']}: it binds more lines than those chosen")
    if one["experimental"]:
        found.append("is reached by an experimental connector: judged by no contract of the carrier's own")
    return found


def saving(one: Body) -> list[str]:
    """What putting its active lines aside saves: only what the carrier says it stops billing."""
    saves = words.part(one, "saves")
    if not saves:
        return []
    found: list[str] = []
    if saves["monthly"]:
        found.append(f"saves {words.money(saves['monthly'])} a month: it stops billing")
    if saves["monthly_unknown"]:
        found.append(
            f"may save up to {words.money(saves['monthly_unknown'])} a month, or nothing: it does not say whether it"
            " goes on billing"
        )
    if saves["monthly_goes_on"]:
        found.append(
            f"goes on billing, if less: how much of {words.money(saves['monthly_goes_on'])} a month is saved is unknown"
        )
    unpriced = int(saves["lines"]) - int(saves["priced_lines"])
    if unpriced:
        found.append(f"saves an unknown amount for {words.count(unpriced, 'line')}: no price of the plan is known")
    return found


def _saved(seen: Body) -> str:
    """The same for all accounts together, in a sentence."""
    saves = words.part(seen, "saves")
    if not saves:
        return ""
    if not saves["priced_lines"]:
        return "What it saves is unknown: no price is known of these lines' plans (fairlead import prices)."
    certain = words.money(saves["monthly"])
    rest = [
        f"{words.money(saves[name])} {what}"
        for name, what in (
            ("monthly_unknown", "where the carrier does not say"), ("monthly_goes_on", "where a fee goes on"),
        )
        if saves[name]
    ]  # fmt: skip
    unpriced = int(saves["lines"]) - int(saves["priced_lines"])
    rest += [f"{words.count(unpriced, 'line')} without a known price"] if unpriced else []
    said = f"Saves [bold]{escape(certain)}[/] a month for certain."
    return said + (f" Unknown: {escape('; '.join(rest))}." if rest else "")


def headline(name: str, seen: Body) -> str:
    """What would be asked, in a sentence."""
    parts = [f"{verb(name)} {words.count(int(seen['able']), 'line')}"]
    left = [f"{seen['already']:,} already so" if seen["already"] else "",
            f"{seen['unable']:,} cannot be asked" if seen["unable"] else ""]  # fmt: skip
    if any(left):
        parts.append(f"({', '.join(filter(None, left))})")
    return " ".join(parts)


def show(out: Output, bulk: Body) -> None:
    """One of them whole."""
    out.document(bulk)
    total = int(bulk["lines"])
    far = f"{words.bar(int(bulk['settled']), total)} {bulk['settled']:,} of {words.count(total, 'line')} settled"
    out.say(
        f"[bold]{escape(str(bulk['id']))}[/]  {escape(verb(str(bulk['verb'])))}  {words.coloured(bulk['state'])}",
        f"{far}: {escape(by_state(bulk))}", "",
    )  # fmt: skip
    out.fields({
        "Reason": bulk["reason"], "Arguments": bulk["arguments"], "Lines chosen by": bulk["selected"],
        "Takes back": bulk["undo_of"], "Rule": bulk.get("rule"), "Asked by": bulk["author"],
        "Agreed to by": bulk["approver"],
        "Created": bulk["created_at"], "Settled": bulk["settled_at"],
    })  # fmt: skip


def follow_up(out: Output, bulk: Body) -> None:
    """What can be done next, with the id to copy."""
    number = str(bulk["id"])
    match bulk["state"]:
        case "waiting":
            out.hint(f"Somebody else: fairlead bulk approve {number}")
        case "running":
            out.hint(f"fairlead bulk watch {number}")
        case "paused":
            out.hint(f"fairlead bulk resume {number}")
        case _:
            out.hint(f"Line by line: fairlead bulk lines {number}")
            if bulk["verb"] != "undo" and words.part(bulk, "by_state").get("verified"):
                out.hint(f"Take it back: fairlead bulk undo {number}")

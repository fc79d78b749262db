"""`fairlead explain`: what conditions may say, and which state may follow which."""

import re
from typing import Annotated, Final

import typer
from rich.markup import escape

from fairlead_cli import nouns, words
from fairlead_cli.client import Body, Listing, Trouble, trouble
from fairlead_cli.client import Exit as Code
from fairlead_cli.shell import Shell, command, group

app: Final = group("explain", "Facts, expressions and states.")

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")

# Which state may follow which, as the server's own tables say; a test holds the two equal.
STATES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "change": {
        "draft": ("planned", "aborted"),
        "planned": ("approved", "aborted"),
        "approved": ("running", "aborted"),
        "running": ("paused", "settled", "aborted"),
        "paused": ("running", "standing", "closed", "aborted"),
        "settled": ("standing", "closed"),
        "standing": ("paused", "closed"),
        "closed": (),
        "aborted": (),
    },
    "batch": {
        "open": ("passed", "stopped", "rolling-back"),
        "passed": ("rolling-back",),
        "stopped": ("rolling-back",),
        "rolling-back": ("rolled-back",),
        "rolled-back": (),
    },
    "move": {
        "waiting": ("running", "verified", "undoing", "undone", "superseded"),
        "running": ("verified", "failed", "undoing", "superseded"),
        "verified": ("undoing", "superseded"),
        "failed": ("undoing", "undone"),
        "undoing": ("undone", "stuck", "superseded"),
        "undone": (),
        "superseded": (),
        "stuck": ("undoing", "undone"),
    },
    "operation": {
        "pending": ("dispatched", "expired", "superseded"),
        "dispatched": (
            "pending", "delivered", "acknowledged", "verified", "failed", "refused", "expired", "superseded", "unknown",
        ),
        "delivered": ("acknowledged", "verified", "failed", "expired", "superseded", "unknown"),
        "acknowledged": ("verified", "failed", "refused", "expired", "superseded", "unknown"),
        "verified": (),
        "failed": (),
        "refused": (),
        "expired": (),
        "superseded": (),
        "unknown": ("pending", "acknowledged", "verified", "failed"),
    },
    "bulk": {
        "waiting": ("running", "cancelled"),
        "running": ("paused", "done", "cancelled"),
        "paused": ("running", "cancelled"),
        "done": (),
        "cancelled": (),
    },
    "shipment": {
        "draft": ("refused", "ready", "cancelled"),
        "refused": ("ready", "cancelled"),
        "ready": ("refused", "left", "cancelled"),
        "left": ("arrived",),
        "arrived": (),
        "cancelled": (),
    },
    "device": {
        "manufactured": ("bootstrapped", "active", "retired"),
        "bootstrapped": ("active", "retired"),
        "active": ("quarantined", "retired"),
        "quarantined": ("active", "retired"),
        "retired": (),
    },
    "hold": {
        "crossed": ("waiting", "acting", "over", "not-done"),
        "waiting": ("acting", "over"),
        "acting": ("held", "over", "not-done"),
        "held": ("going-back", "over"),
        "going-back": ("held", "over"),
        "over": ("crossed",),
        "not-done": ("crossed", "over"),
    },
    "finding": {"open": ("acknowledged", "closed"), "acknowledged": ("closed",), "closed": ()},
}  # fmt: skip


def facts(shell: Shell, name: Annotated[str | None, typer.Argument(help="One fact.")] = None) -> None:
    """The facts that conditions may read."""
    listing = shell.client.items("/v1/facts", limit=1, everything=True)
    if name is None:
        shell.out.listing(listing, nouns.FACTS, noun="facts")
        return
    found = [fact for fact in listing.items if fact["name"] == name]
    if not found:
        near = sorted(fact["name"] for fact in listing.items if name[:4] in fact["name"])
        raise trouble(Code.NOT_FOUND, "No such fact", f"{name!r}" + (f"; near: {', '.join(near)}" if near else ""))
    if not shell.out.for_people:
        shell.out.listing(Listing(items=found), nouns.FACTS, noun="facts")
        return
    for fact in found:
        shell.out.say(f"[bold]{escape(fact['name'])}[/]: {escape(fact['doc'])}")
        shell.out.fields({name: fact[name] for name in ("context", "type", "unit", "source", "freshness", "values")})


def expression(shell: Shell, text: Annotated[str, typer.Argument(metavar="EXPR", help="A condition.")]) -> None:
    """Check a condition over a device, and say what it reads."""
    checked: Body = shell.client.post("/v1/policies/check", {"files": [{"name": "expression", "text": _policy(text)}]})
    if not checked["ok"]:
        errors = [
            {"pointer": text, "value": one["value"], "expected": one["expected"]} for one in checked["errors"]
        ]  # fmt: skip
        problem = {"type": "/problems/expression", "title": "This is no condition", "errors": errors}
        raise Trouble(problem, Code.FAILED)
    known = shell.client.items("/v1/facts", limit=1, everything=True).items
    used = [fact for fact in known if fact["context"] == "device" and _reads(text, fact["name"])]
    shell.out.document({"expression": text, "ok": True, "facts": used})
    shell.out.say("[green]A condition over a device.[/]" + (" It reads:" if used else ""))
    if used:
        shell.out.table(used, nouns.FACTS)
    shell.out.say(
        "[dim]Where a fact is absent the condition holds for nobody; a plan counts those devices as hidden.[/]"
    )


def states(
    shell: Shell,
    noun: Annotated[
        str | None, typer.Argument(help="change, batch, move, operation, bulk, shipment, device, hold or finding.")
    ] = None,
) -> None:
    """Which state may follow which."""
    if noun is not None and noun not in STATES:
        raise trouble(Code.USAGE, "No such noun", f"{noun!r}; expected one of {', '.join(STATES)}")
    shown = STATES if noun is None else {noun: STATES[noun]}
    shell.out.document(shown)
    for name, table in shown.items():
        shell.out.say(f"[bold]{name}[/]")
        for state, following in table.items():
            then = ", ".join(words.coloured(one) for one in following) or "[dim]the end[/]"
            shell.out.say(f"  {words.coloured(state)} → {then}")


def _reads(text: str, fact: str) -> bool:
    """Whether a condition names a fact: a word of it, or a call such as `clock("permanent-roaming").days_left`."""
    if "(" in fact:
        return fact in text.replace("'", '"')
    return fact in _WORD.findall(_QUOTED.sub("", text))


def _policy(text: str) -> str:
    """A policy that carries the condition, since a condition is always somebody's."""
    quoted = "'" + text.replace("'", "''").replace("\n", " ") + "'"
    return (
        "apiVersion: fairlead/v1\nkind: Policy\nmetadata: {name: expression}\nspec:\n  priority: 1\n"
        f"  match: {quoted}\n  set: {{config: {{merge: {{checked: true}}}}}}\n  reason: checked by hand\n"
    )


command(app, "facts", examples=("fairlead explain facts", "fairlead explain facts days_used"))(facts)
command(app, "expression", examples=("fairlead explain expression 'country == \"BR\" && roaming'",))(expression)
command(app, "states", examples=("fairlead explain states", "fairlead explain states move"))(states)

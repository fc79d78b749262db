"""What a step means at its carrier, in sentences: the differences that one word for a verb would hide.

The same `suspend` stops traffic and fees at one carrier, neither at another, and takes a day at a third.
`plan.recipes` adds these to a recipe's notes, so that a plan over five carriers shows five meanings.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from fairlead.model.situation import SimSide, Step
from fairlead.model.subscription import VerbCapability

_OFF: Final = frozenset({"suspend", "standby", "deactivate"})
_PROMPT: Final = timedelta(minutes=1)


def told(steps: Sequence[Step], sides: Iterable[SimSide | None]) -> tuple[str, ...]:
    """What is to be known about the steps, each sentence once."""
    known = {side.account: side for side in sides if side is not None}
    notes: dict[str, None] = {}
    for step in steps:
        side = known.get(step.account) if step.driver == "carrier" else None
        meaning = side.meanings.get(step.verb) if side is not None else None
        if meaning is not None:
            notes |= dict.fromkeys(_notes(step.account, step.verb, meaning))
    return tuple(notes)


def _notes(account: str, verb: str, meaning: VerbCapability) -> list[str]:
    found: list[str] = []
    if meaning.because:
        found.append(f"{account}, {verb}: {meaning.because}")
    if meaning.mode != "sync" or meaning.longest > _PROMPT:
        found.append(f"{account} may take {_span(meaning.longest)} to {verb} a line")
    if verb in _OFF and meaning.traffic_after == "possible":
        found.append(f"{account} may still pass traffic of a line after {verb}")
    if verb in _OFF and meaning.traffic_after == "unknown":
        found.append(f"{account} does not say whether a line still passes traffic after {verb}")
    if verb in _OFF and meaning.billable is not False:
        says = "goes on charging for" if meaning.billable else "does not say whether it goes on charging for"
        found.append(f"{account} {says} a line after {verb}")
    if verb not in _OFF and meaning.billable:
        found.append(f"{account} bills a line after {verb}")
    if not meaning.reversible:
        found.append(f"nothing takes {verb} back at {account}")
    return found


def _span(span: timedelta) -> str:
    hours, minutes = span / timedelta(hours=1), span / timedelta(minutes=1)
    if hours >= 48:  # noqa: PLR2004 - two days and more are told in days
        return f"{hours / 24:.0f} days"
    return f"{hours:.0f} hours" if hours >= 2 else f"{minutes:.0f} minutes"  # noqa: PLR2004 - the same for hours

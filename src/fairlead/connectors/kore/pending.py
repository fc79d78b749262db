"""What an `Accepted` of the family carries: the wish, and the two times that say whether it is over. Pure.

`updated` is `date_updated` of the reply, by the carrier's clock: a SIM that has been updated since, is
under way no more and shows something else has gone another way. `asked` is when we asked, by ours: only
a failure told later than that, give or take how far two clocks differ, is a failure of this wish.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fairlead.connectors._kit.wish import MalformedReference, Wish, read_reference
from fairlead.connectors.kore.sids import is_command, is_sim
from fairlead.engine.ports.carrier import ProviderId

_SINCE: Final = " since "
_SKEW: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """From when on something counts."""

    updated: datetime  # the carrier's clock
    asked: datetime  # ours

    def superseded(self, updated: datetime | None) -> bool:
        """True when the SIM has been updated after the reply."""
        return updated is not None and updated > self.updated

    def includes(self, told: datetime | None) -> bool:
        """True for something the carrier did after we asked."""
        return told is not None and told >= self.asked - _SKEW


def pending(sim: ProviderId, wish: Wish, since: Since) -> str:
    """The reference of a wish."""
    return f"{wish.reference(sim)}{_SINCE}{since.updated.isoformat()}/{since.asked.isoformat()}"


def read_pending(text: str) -> tuple[ProviderId, Wish, Since]:
    """Its parts. Raises `MalformedReference`."""
    head, _, tail = text.rpartition(_SINCE)
    sim, wish = read_reference(head)
    updated, _, asked = tail.partition("/")
    return sim, wish, Since(updated=_instant(updated, text), asked=_instant(asked, text))


def read_message(text: str) -> tuple[ProviderId, str]:
    """The SIM and the message of `sms <sim> <message>`. Raises `MalformedReference`."""
    _, _, rest = text.partition(" ")
    sim, _, message = rest.partition(" ")
    if not (is_sim(sim) and is_command(message)):
        raise MalformedReference(f"{text!r} is not a reference: expected sms, a SIM and a message")
    return ProviderId(sim), message


def _instant(text: str, whole: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as bad:
        raise MalformedReference(f"{whole!r} is not a reference: expected a time at its end") from bad
    return found if found.tzinfo else found.replace(tzinfo=UTC)

"""What an `Accepted` of the family carries: the wish and the carrier's own time of the SIM when it took it. Pure.

The time is `date_updated` of the reply, by the carrier's clock. A SIM that has been updated since, is
under way no more and shows something else has gone another way: the wish is over, not late.
"""

from datetime import UTC, datetime

from fairlead.connectors._kit.wish import MalformedReference, Wish, read_reference
from fairlead.connectors.kore.sids import is_command, is_sim
from fairlead.engine.ports.carrier import ProviderId

_SINCE = " since "


def pending(sim: ProviderId, wish: Wish, since: datetime) -> str:
    """The reference of a wish."""
    return f"{wish.reference(sim)}{_SINCE}{since.isoformat()}"


def read_pending(text: str) -> tuple[ProviderId, Wish, datetime]:
    """Its parts. Raises `MalformedReference`."""
    head, _, tail = text.rpartition(_SINCE)
    sim, wish = read_reference(head)
    return sim, wish, _instant(tail, text)


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

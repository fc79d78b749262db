"""References of what Telnyx took on: the action, the wish it serves, or a SIM that is leaving the account. Pure."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from fairlead.connectors._kit.wish import MalformedReference, Wish, read_reference
from fairlead.connectors.telnyx.translate import Progress
from fairlead.engine.ports.carrier import ProviderId, RawReply, ReasonCode, Refused, SessionStatus, SimRecord
from fairlead.model.identifiers import Iccid
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, SubscriptionStatus

Of = Literal["action", "group-action"]
_ENDING: Final = "ending"
_ENDED: Final = Wish(kind="state", value=SubscriptionState.TERMINATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A reference, read."""

    sim: ProviderId
    wish: Wish
    of: Of = "action"
    action: str = ""  # empty: there is none to ask, and the SIM itself says
    ending: Iccid | None = None  # the SIM is leaving, and this is its name


def reference(of: Of, action: str, wish: Wish, sim: ProviderId) -> str:
    """The reference of an action."""
    return f"{of} {action} {wish.reference(sim)}"


def ending(sim: ProviderId, iccid: Iccid) -> str:
    """The reference of a SIM that leaves."""
    return f"{_ENDING} {sim} {iccid}"


def read(text: str) -> Course:
    """The course behind a reference; raises `MalformedReference`."""
    kind, _, rest = text.partition(" ")
    first, _, rest = rest.partition(" ")
    if kind == _ENDING and first and rest:
        return Course(sim=ProviderId(first), wish=_ENDED, ending=Iccid(rest))
    if kind in {"action", "group-action"} and first:
        sim, wish = read_reference(rest)
        return Course(sim=sim, wish=wish, of="group-action" if kind == "group-action" else "action", action=first)
    if kind in {"action", "group-action", _ENDING}:
        raise MalformedReference(f"{text!r} is not a reference: expected what it is about")
    sim, wish = read_reference(text)
    return Course(sim=sim, wish=wish)


def refusal(found: Progress, why: str) -> Refused:
    """An action that did not come true. `interrupted`: another change came in between."""
    reason = ReasonCode.CONFLICT_STATE if found.word == "interrupted" else ReasonCode.REJECTED_BY_NETWORK
    raw = RawReply(status=HTTPStatus.OK, code=found.word, body=why[:500])
    return Refused(reason=reason, detail=f"the action {found.word}: {why or 'no reason given'}"[:600], raw=raw)


def gone(sim: ProviderId, iccid: Iccid, freshness: Freshness) -> SimRecord:
    """The record of a SIM that has left: the carrier has no word for it any more."""
    return SimRecord(
        provider_id=sim,
        iccid=iccid,
        subscription=SubscriptionStatus(state=SubscriptionState.TERMINATED, provider_state=""),
        session=SessionStatus(connectivity=Connectivity.OFFLINE, freshness=freshness),
        freshness=freshness,
    )

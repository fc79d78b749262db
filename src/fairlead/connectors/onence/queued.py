"""What 1NCE takes into its queue, and by what it can be followed: a message by its id, a reset by sessions. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.reading import EMPTY, Fields, as_object
from fairlead.connectors._kit.wish import MalformedReference
from fairlead.engine.ports.carrier import (
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    SessionStatus,
)

RESET_AGAIN: Final = timedelta(seconds=30)
_KINDS: Final = frozenset({"sms", "reset"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A reference, read."""

    kind: Literal["sms", "reset"]
    sim: ProviderId
    message: str = ""
    asked_at: datetime | None = None
    session: str = ""  # that was open when the reset was asked for; empty: none

    def shown_by(self, session: SessionStatus) -> bool:
        """True when the session of then is gone, or one began since. Without one of then, only the latter tells."""
        if self.session and (not session.online or session.session_id != self.session):
            return True
        return (
            session.online and session.since is not None and self.asked_at is not None and session.since > self.asked_at
        )


def sms(sim: ProviderId, message: str) -> str:
    """The reference of a message."""
    return f"sms {sim} {message} -"


def reset(sim: ProviderId, asked_at: datetime, session: SessionStatus) -> str:
    """The reference of a reset."""
    return f"reset {sim} {asked_at.timestamp():.3f} {session.session_id if session.online else ''}".rstrip() + " -"


def read(text: str) -> Queued | None:
    """What a reference names; None for one of a wish. Raises `MalformedReference`."""
    kind, *rest = text.split(" ")
    if kind not in _KINDS:
        return None
    *named, end = rest or [""]
    if end != "-" or not all(named):
        raise MalformedReference(f"{text!r} is not a reference: expected a SIM and what was queued for it")
    match kind, named:
        case "sms", [sim, message]:
            return Queued(kind="sms", sim=ProviderId(sim), message=message)
        case "reset", [sim, at, *session] if len(session) <= 1:
            return Queued(kind="reset", sim=ProviderId(sim), asked_at=_time(at), session="".join(session))
        case _:
            raise MalformedReference(f"{text!r} is not a reference: expected a SIM and what was queued for it")


def _time(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedReference(f"{text!r} is not a time") from None


def sms_end(value: object) -> Refused | Literal["delivered", "under way"]:
    """What became of a message."""
    word = Fields(as_object(value) or EMPTY, []).inner("status").text("description")
    if word == "DELIVERED":
        return "delivered"
    if word in {"FAILED", "EXPIRED"}:
        raw = RawReply(status=200, code=word)
        return Refused(reason=ReasonCode.DEVICE_UNREACHABLE, detail=f"the message was not delivered: {word}", raw=raw)
    return "under way"


def expired(answer: Denial) -> Refused:
    """A refusal because the SIM's term is over."""
    refused = answer.refused(ReasonCode.PRECONDITION)
    detail = f"{answer.detail} (an expired SIM takes no change; only a paid extension at 1NCE brings it back)"
    return Refused(reason=refused.reason, detail=detail, raw=refused.raw)

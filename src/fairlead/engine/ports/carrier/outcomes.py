"""How a call ends: three outcomes of a write, and five exceptions for what the world does.

`AuthFailed`, `RateLimited`, `Unavailable` and `NotFound` mean that nothing was applied. After
`OutcomeUnknown` nobody knows, and only a read-back newer than the carrier's staleness bound settles it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Literal, final

from fairlead.engine.ports.carrier.observed import ProviderId, SimRecord
from fairlead.model.identifiers import Iccid, Imsi
from fairlead.model.subscription import SubscriptionStatus


@unique
class ReasonCode(StrEnum):
    """Why a carrier said no, or went silent. Closed; the raw answer is kept beside it."""

    INVALID_REQUEST = "invalid_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT_STATE = "conflict_state"
    ALREADY_IN_STATE = "already_in_state"  # never in a Refused: it is a Done
    PRECONDITION = "precondition"
    UNSUPPORTED = "unsupported"
    QUOTA_ACTION = "quota_action"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    TIMEOUT_UNKNOWN_OUTCOME = "timeout_unknown_outcome"
    REJECTED_BY_NETWORK = "rejected_by_network"
    DEVICE_UNREACHABLE = "device_unreachable"
    CONTRACT_VIOLATION = "contract_violation"
    WITHHELD = "withheld"  # ours: the account may only be read; nothing was sent
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawReply:
    """What came over the wire, bounded and with secrets taken out."""

    status: int
    code: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The carrier shows the wanted state. `changed` is False when it already did and nothing was sent."""

    observed: SimRecord
    changed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The carrier took the request and is not finished: ask again with `reference` not before `check_after`."""

    reference: str
    check_after: timedelta
    observed: SimRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The carrier said no and nothing changed."""

    reason: ReasonCode
    detail: str
    raw: RawReply
    retry_at: datetime | None = None  # set with QUOTA_ACTION, where the carrier says when


Outcome = Done | Accepted | Refused

# What became of many SIMs in one request: each of them once, or one reference for the whole batch.
BatchOutcome = Mapping[ProviderId, Outcome] | Accepted


# --- the five exceptions -----------------------------------------------------------------------


class CarrierTrouble(Exception):
    """The common face of the five exceptions below; never raised itself."""

    reason: ReasonCode = ReasonCode.UNKNOWN

    def __init__(self, detail: str, *, raw: RawReply | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.raw = raw


@final
class AuthFailed(CarrierTrouble):
    """The credential was refused, or lacks the permission. A person must act; nothing was applied."""

    reason = ReasonCode.UNAUTHENTICATED


@final
class RateLimited(CarrierTrouble):
    """Too fast, by our own bucket or by the carrier's answer. Real time, not fleet time; nothing was applied."""

    reason = ReasonCode.RATE_LIMITED

    def __init__(self, detail: str, *, retry_after: timedelta, raw: RawReply | None = None) -> None:
        super().__init__(detail, raw=raw)
        self.retry_after = retry_after


@final
class Unavailable(CarrierTrouble):
    """The carrier cannot be reached or did not answer a read; nothing was applied."""

    reason = ReasonCode.PROVIDER_UNAVAILABLE


@final
class NotFound(CarrierTrouble):
    """The carrier does not know this SIM (or group) under this account."""

    reason = ReasonCode.NOT_FOUND


@final
class OutcomeUnknown(CarrierTrouble):
    """A write may or may not have been applied. Read back before anything else."""

    reason = ReasonCode.TIMEOUT_UNKNOWN_OUTCOME


# --- what a webhook brings ---------------------------------------------------------------------


@final
class BadSignature(Exception):
    """What came in at a webhook does not prove its sender, or cannot be read: drop it, answer 4xx, believe nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something a carrier said unasked. A reason to read back now; never a proof, not even of its own text.

    Exactly one of `sim`, `iccid` and `imsi` may be all there is: some carriers name a line by another of its numbers.
    """

    kind: Literal["state", "session", "usage", "sms", "operation", "device", "unknown"]
    word: str  # the carrier's own name of the event
    raw: str  # the event as it came, bounded, without secrets
    sim: ProviderId | None = None
    iccid: Iccid | None = None
    imsi: Imsi | None = None
    at: datetime | None = None  # when it happened, by the carrier's clock; None: it does not say
    event: str = ""  # the carrier's id of the event, where it has one: the same one twice is one
    reference: str = ""  # of the `Accepted` it speaks of, or the part of it that is the carrier's own
    outcome: Outcome | None = None  # what it says became of that
    status: SubscriptionStatus | None = None  # what it says of the line, such as when the carrier will resume it

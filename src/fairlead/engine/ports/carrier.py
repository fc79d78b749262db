"""What the engine needs from a carrier: a few small capabilities, three outcomes, five exceptions.

The engine's drivers call this; connectors implement it. There is no base class: a connector has
the capabilities it has, its manifest says which, and a verb it lacks never reaches it because the
plan already said so.

Writes answer with a value. `Done` carries the record read back from the carrier, `Accepted` says
where to look later, `Refused` says no with a reason from a closed set. Exceptions are for the
world: `AuthFailed`, `RateLimited`, `Unavailable`, `NotFound` mean that nothing was applied;
`OutcomeUnknown` means that the request may have arrived and nobody knows. Whoever gets it must
read back, newer than the carrier's staleness bound, before anything is tried again: a second try
is a second execution at most carriers. Nothing behind this port retries by itself.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Literal, NewType, Protocol, final, runtime_checkable

from fairlead.model.identifiers import Eid, Iccid, Imei, Imsi, Msisdn, Plmn
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.subscription import CapabilityRecord, Connectivity, Freshness, SubscriptionStatus

ProviderId = NewType("ProviderId", str)  # the carrier's own key of a SIM; often, not always, its ICCID
Cursor = NewType("Cursor", str)  # opaque; belongs to the carrier


# --- who is called -----------------------------------------------------------------------------


class Secret:
    """A credential's secret part. Prints as stars; `reveal()` is called where it goes on the wire and nowhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What opens an account: named secrets, as the manifest's `[auth] fields` lists them."""

    fields: Mapping[str, Secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierInstance:
    """One door to one carrier: (carrier, account, credential)."""

    tenant: TenantId
    carrier: str  # manifest id
    account: AccountId
    name: str  # for people and logs
    credential: Credential = field(repr=False)


# --- outcomes ----------------------------------------------------------------------------------


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

    observed: "SimRecord"
    changed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The carrier took the request and is not finished: ask again with `reference` not before `check_after`."""

    reference: str
    check_after: timedelta
    observed: "SimRecord | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The carrier said no and nothing changed."""

    reason: ReasonCode
    detail: str
    raw: RawReply
    retry_at: datetime | None = None  # set with QUOTA_ACTION, where the carrier says when


Outcome = Done | Accepted | Refused


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


# --- observed values ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where a session hangs, as far as the carrier says. Numbers as in TS 23.003 §§4 and 19."""

    lac: int | None = None  # 2G, 3G
    tac: int | None = None  # LTE and later
    ci: int | None = None
    eci: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStatus:
    """The connectivity axis of one SIM."""

    connectivity: Connectivity
    freshness: Freshness
    session_id: str = ""
    plmn: Plmn | None = None  # None: not reported, or its MNC length cannot be told
    plmn_raw: str = ""  # as reported, so that an unknown network stays visible
    rat: str = ""
    cell: Cell | None = None
    ip: str = ""
    apn: str = ""
    imei: Imei | None = None
    imsi: Imsi | None = None
    since: datetime | None = None  # the carrier's last change of this status

    @property
    def online(self) -> bool:
        """True while a data session is open."""
        return self.connectivity is Connectivity.ONLINE


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent:
    """One line of a carrier's session history."""

    at: datetime
    kind: Literal["created", "modified", "deleted", "unknown"]
    session: SessionStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A further operator's subscription on the same card (its IMSI, plan and delivery state)."""

    iccid: Iccid | None
    imsi: Imsi
    plan: str
    provider_state: str
    delivered: bool | None  # None: the carrier's word is unknown to us
    msisdn: Msisdn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimRecord:
    """One SIM as its carrier reports it; every number in it is as old as `freshness` says."""

    provider_id: ProviderId
    iccid: Iccid | None  # None: missing or malformed in the report; see `complaints`
    subscription: SubscriptionStatus
    session: SessionStatus
    freshness: Freshness
    imsis: tuple[Imsi, ...] = ()  # the primary one first
    msisdn: Msisdn | None = None
    eid: Eid | None = None
    imei: Imei | None = None  # last device seen
    plan: str = ""
    group: str = ""
    termination_allowed: bool | None = None
    containers: tuple[Container, ...] = ()
    capabilities: CapabilityRecord | None = None  # of this SIM, where narrower than the carrier's
    complaints: tuple[str, ...] = ()  # fields of the report that could not be read, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePeriod:
    """Bytes of one SIM in one period. A later record of the same period supersedes; `final` closes it."""

    provider_id: ProviderId
    start: datetime
    end: datetime
    uplink_bytes: int
    downlink_bytes: int
    source: Literal["raw", "rated"]
    final: bool
    freshness: Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class SimPage:
    """One page of an inventory. `next` continues after it, also after a restart; None is the end."""

    sims: tuple[SimRecord, ...]
    next: Cursor | None
    unreadable: tuple[str, ...] = ()  # entries that were not even a SIM, described


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """One page of session history."""

    events: tuple[SessionEvent, ...]
    next: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A carrier-side group of SIMs."""

    id: str
    name: str


# --- capabilities ------------------------------------------------------------------------------


@runtime_checkable
class ListsSims(Protocol):
    """The whole inventory, page by page."""

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """Every page from the start, or from behind `after`. Each page is one request."""
        ...


@runtime_checkable
class ReadsSim(Protocol):
    """One SIM: also the read-back that settles an unknown write."""

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now. Raises `NotFound`."""
        ...


@runtime_checkable
class ChangesState(Protocol):
    """Switching a line on and off. Each is naturally idempotent: a line already there is `Done(changed=False)`."""

    async def activate(self, sim: ProviderId) -> Outcome:
        """Switch on; also the way back from suspended, standby and deactivated."""
        ...

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Switch off for a while."""
        ...

    async def deactivate(self, sim: ProviderId) -> Outcome:
        """Switch off without a plan to return."""
        ...


@runtime_checkable
class StandsBy(Protocol):
    """Parking a line with its resources kept; a capability of its own because many carriers and plans lack it."""

    async def standby(self, sim: ProviderId) -> Outcome:
        """Park the line."""
        ...


@runtime_checkable
class Terminates(Protocol):
    """Ending a line for good, in two steps, of which only the second is final."""

    async def allow_termination(self, sim: ProviderId) -> Outcome:
        """Take the carrier's protection off; reversible."""
        ...

    async def forbid_termination(self, sim: ProviderId) -> Outcome:
        """Put the protection back: the undo of the first step."""
        ...

    async def terminate(self, sim: ProviderId, *, confirm: Iccid) -> Outcome:
        """End the line. `confirm` must be the ICCID the carrier reports for it, else Refused and nothing is sent."""
        ...


@runtime_checkable
class ManagesProfiles(Protocol):
    """Further subscriptions on the same card (subscription containers)."""

    async def add_subscription(self, sim: ProviderId, *, plan: str, enable: bool) -> Outcome:
        """Order a further subscription over the air; `Accepted` until the card has it."""
        ...

    async def cancel_download(self, sim: ProviderId, *, imsi: Imsi) -> Outcome:
        """Withdraw an ordered subscription whose delivery has not begun."""
        ...


@runtime_checkable
class FollowsUp(Protocol):
    """What became of an `Accepted`."""

    async def follow_up(self, reference: str) -> Outcome:
        """The outcome now; `Accepted` again while it is still under way."""
        ...


@runtime_checkable
class ReportsSessions(Protocol):
    """Who is on the air, and who was."""

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The session now."""
        ...

    def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """The history between two instants, page by page, in the carrier's order."""
        ...


@runtime_checkable
class ReadsUsage(Protocol):
    """Bytes, as raw or as final as the carrier gives them."""

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """Periods that touch [since, until], oldest first; `granularity` is one of the capability record's."""
        ...


@runtime_checkable
class Groups(Protocol):
    """Carrier-side groups."""

    async def list_groups(self) -> tuple[Group, ...]:
        """All groups of the account."""
        ...

    async def set_group(self, sim: ProviderId, group: str) -> Outcome:
        """Put the SIM into a group (and out of any other)."""
        ...

    async def unset_group(self, sim: ProviderId) -> Outcome:
        """Take the SIM out of its group."""
        ...


CAPABILITIES: Mapping[str, type] = {
    protocol.__name__: protocol
    for protocol in (
        ListsSims, ReadsSim, ChangesState, StandsBy, Terminates, ManagesProfiles,
        FollowsUp, ReportsSessions, ReadsUsage, Groups,
    )
}  # fmt: skip


# --- the connector and what describes it -------------------------------------------------------

CallClass = Literal["auth", "read", "write", "bulk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A token bucket: `burst` at once, refilled `per_second`. Real time."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a connector says about itself (its `manifest.toml`), typed."""

    id: str
    name: str
    kinds: tuple[str, ...]  # carrier, smdp, sink
    experimental: bool
    api_version: str
    auth_kind: str
    auth_fields: tuple[str, ...]  # names in `Credential.fields`
    base_url: str  # default; an account may override it
    implements: tuple[str, ...]  # names in CAPABILITIES; a test holds class and manifest equal
    limits: Mapping[CallClass, Limit]
    page_size: int
    capabilities: CapabilityRecord


class Connector(Protocol):
    """An open door to one carrier account. Ask for capabilities with `isinstance(connector, ReadsUsage)`."""

    @property
    def instance(self) -> CarrierInstance:
        """Whose door this is."""
        ...

    @property
    def manifest(self) -> Manifest:
        """What it can do."""
        ...

    async def check(self) -> None:
        """Prove the credential with one harmless call, before an account is saved. Raises `AuthFailed`."""
        ...


# --- rate budgets ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketKey:
    """Whose budget: one per tenant, account and call class."""

    tenant: TenantId
    account: AccountId
    call_class: CallClass


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLevel:
    """A bucket at an instant of real time."""

    tokens: float  # may be negative after a carrier's 429: debt is time to wait
    at: datetime
    version: int  # grows by one with each save


def tokens_at(level: BucketLevel | None, limit: Limit, now: datetime) -> float:
    """Tokens in the bucket at `now`. A level from the future (a clock set back) refills from `now`."""
    if level is None:
        return float(limit.burst)
    elapsed = max(0.0, (now - level.at).total_seconds())
    return min(float(limit.burst), level.tokens + elapsed * limit.per_second)


class BucketStore(Protocol):
    """Where budgets outlive a process, so that a restart does not burst and two processes share one budget."""

    async def load(self, key: BucketKey) -> BucketLevel | None:
        """The level as last saved; None for a bucket never used."""
        ...

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        """Save if the stored version is `level.version - 1` (absent counts as 0); False when somebody was faster."""
        ...

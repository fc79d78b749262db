"""What a carrier shows: SIMs, sessions, bytes, each with its age.

A field that a carrier does not report is None or empty, never a guess. "Nothing is set" and "the
carrier does not say" are different values wherever an action hangs on the difference.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum, unique
from typing import Literal, NewType

from fairlead.model.identifiers import Eid, Iccid, Imei, Imsi, Msisdn, Plmn
from fairlead.model.subscription import CapabilityRecord, Connectivity, Freshness, SubscriptionStatus

ProviderId = NewType("ProviderId", str)  # the carrier's own key of a SIM; often, not always, its ICCID
Cursor = NewType("Cursor", str)  # opaque; belongs to the carrier


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


@unique
class FormFactor(StrEnum):
    """What a subscription lives on, as the carrier says."""

    MINI = "2FF"
    MICRO = "3FF"
    NANO = "4FF"
    SOLDERED = "MFF2"
    EUICC = "eUICC"  # carriers say this of a card whatever its size
    ISIM = "iSIM"
    SOFT = "softSIM"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImeiLock:
    """Which devices a SIM works in. In a record, None for the whole lock means that the carrier does not report it."""

    on: bool
    imeis: frozenset[Imei] = frozenset()  # empty with `on`: locked, to a device the carrier does not name

    def holds(self, imei: Imei | None) -> bool:
        """True when exactly this device is allowed; None asks for no lock at all."""
        return not self.on if imei is None else self.on and self.imeis == frozenset((imei,))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLimit:
    """A ceiling in bytes that holds for this SIM, wherever it is set (`CapabilityRecord.limit_scope`)."""

    limit_bytes: int | None  # None: there is none
    period: Literal["day", "month", "total", "unknown"] = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPolicy:
    """The visited networks a SIM may use: only these (`allow`), or all but these (`block`; empty: no steering)."""

    kind: Literal["allow", "block"]
    plmns: frozenset[Plmn]


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
    form_factor: FormFactor | None = None
    imei_lock: ImeiLock | None = None  # None here and in the next two: the carrier does not report it
    limit: DataLimit | None = None
    network_policy: NetworkPolicy | None = None
    speed: str = ""  # its speed class in the carrier's own word; empty: it has none or does not say
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
    split: bool = True  # False: the carrier gives one sum, and it stands in `downlink_bytes`


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One line of what a carrier asks for. A line that could not be read stays in, with its complaint and no amount."""

    file: str
    line: int  # in that file; 0: not even a line
    freshness: Freshness
    provider_id: ProviderId | None = None  # None: the line is about no single SIM
    start: datetime | None = None  # of the period it is for, where it says so
    amount: Decimal | None = None
    currency: str = ""
    item: str = ""  # in the carrier's words
    complaints: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedPage:
    """One page of what changed. `next` always continues after it; keep it for the next time when `last`."""

    sims: tuple[SimRecord, ...]
    next: Cursor
    last: bool
    named: tuple[ProviderId, ...] = ()  # changed, and reported by name only: read them
    unreadable: tuple[str, ...] = ()

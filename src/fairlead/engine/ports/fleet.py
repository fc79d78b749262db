"""What the engine needs from whoever keeps the fleet, and the questions it may ask of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from fairlead.model.device import Account, Card, Device, Profile, Subscription, Tenant
from fairlead.model.expression import Expr
from fairlead.model.ids import AccountId, DeviceId, SubscriptionId, TenantId
from fairlead.model.journal import Entry
from fairlead.model.lifecycle import DeviceState

Departments: TypeAlias = frozenset[str]  # policy groups a caller is bound to; empty: the whole tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFilter:
    """Which devices; None leaves a condition out."""

    country: str | None = None
    carrier: str | None = None
    sku: str | None = None
    group: str | None = None
    region: str | None = None
    batch: str | None = None
    state: DeviceState | None = None
    stance: str | None = None
    connectivity: str | None = None
    roaming: bool | None = None
    breach_before: datetime | None = None
    departments: Departments = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page begins: behind this row of this probe (a plain list has one probe, 0)."""

    probe: int
    value: str | None  # of the ordered column, where it is not the id itself
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of devices."""

    devices: Sequence[Device]
    next: Place | None  # None: the end
    complete: bool  # False: the time budget ended before the page was full


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many fit a filter."""

    devices: int
    by: Mapping[str, Sequence[tuple[str, int]]]  # dimension to (value, devices), most first; "" where not known
    complete: bool  # False: the time budget ended first, and there are at least so many


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsWanted:
    """A condition in the policy language on the facts of the device that holds a line; without one, no line fits."""

    expr: Expr
    tenant: str  # what the fact `tenant` is


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFilter:
    """Which subscriptions."""

    account: AccountId | None = None
    account_name: str | None = None  # of that account: what the counts call it
    state: int | None = None
    device: DeviceId | None = None
    plan: str | None = None
    connectivity: int | None = None
    form_factor: str | None = None
    technology: str | None = None
    remote: bool | None = None  # True: the operator can be changed without a visit
    country: str | None = None  # where the device that holds it was last seen
    multi_imsi: bool | None = None
    silence: str | None = None  # heard, silent, never_seen or unknown, judged with the next two
    silent_days: int = 30
    where: FactsWanted | None = None
    now: datetime | None = None  # needed with `silence` and with `where`
    departments: Departments = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSubscriptions:
    """A page of subscriptions."""

    subscriptions: Sequence[Subscription]
    next: Place | None
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetStatus:
    """One facet of a device: desired against observed."""

    facet: int
    desired: object | None  # the document
    generation: int
    offered_generation: int
    observed_generation: int
    in_sync: bool
    change: UUID | None
    changed_at: datetime | None
    reported: object | None
    reported_version: int | None
    reported_at: datetime | None
    verified: object | None  # the last document that was proved
    proved: bool  # it is the desired one
    reasons: Mapping[str, Any] | None  # JSON pointer to the chain of policies; None: nobody's class says so
    move_change: UUID | None  # the open Move that carries it
    move_title: str | None
    move_state: int | None
    move_leg: int | None
    move_step: int | None
    move_attempt: int | None
    move_opened_at: datetime | None
    move_recipe: Mapping[str, Any] | None
    move_deadline: datetime | None  # the earliest of this step's operations
    move_operations: Sequence[int] | None  # states of this step's operations

    @property
    def policies(self) -> tuple[str, ...]:
        """policy@revision of whoever holds a value of it."""
        holders = [chain[0] for chain in (self.reasons or {}).values() if chain]
        return tuple(sorted({f"{one['policy']}@{one['revision']}" for one in holders}))


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A policy in force on a device."""

    name: str
    revision: int
    match: str | None  # its condition, as written


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One data session."""

    iccid: str
    access: int
    plmn: str | None
    country: str | None
    rat: str | None
    cell: str | None
    imei: str | None
    ip: str | None
    source: str
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    bytes: int | None
    end_cause: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRow:
    """One run of presence."""

    iccid: str | None
    imei: str | None
    country: str
    plmn: str
    first_at: datetime
    last_at: datetime
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRow:
    """One rule's clock of a device."""

    rule: str
    topic: str
    days_used: int
    breach_at: datetime | None
    started_at: datetime | None
    computed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDetails:
    """Everything about one device."""

    device: Device
    cards: Sequence[Card] = ()
    profiles: Sequence[Profile] = ()
    subscriptions: Sequence[Subscription] = ()
    facets: Sequence[FacetStatus] = ()
    sessions: Sequence[SessionRow] = ()
    presence: Sequence[PresenceRow] = ()
    clocks: Sequence[ClockRow] = ()
    in_force: Sequence[InForce] = ()
    factory_record: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """New bindings of a device, all of them: an edit reads, replaces and writes the whole."""

    sku: str | None
    region: str | None
    group: str | None
    batch: str | None
    tags: tuple[str, ...]
    home_country: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """A carrier account to keep; `credential` is sealed already."""

    id: AccountId
    name: str
    connector: str
    carrier: str
    home_country: str | None
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    credential: bytes | None = None
    iccid_digits: int | None = None
    staleness_s: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedAccount:
    """An account as another one is compared with it; its credential is sealed."""

    id: AccountId
    name: str
    connector: str
    config: Mapping[str, Any]
    credential: bytes | None


LookAtAccounts = Callable[[Sequence[SealedAccount]], None]  # raises where one may not stand beside them


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many devices have a value of a dimension, as of an instant."""

    dimension: str
    value: str
    n: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachWeek:
    """Devices of a country whose clock breaches in a week."""

    week: datetime  # Monday 00:00 UTC
    country: str
    devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryLoad:
    """The tenant's devices in a country, by days left."""

    country: str
    devices: int
    roaming: int
    local: int  # on a SIM of that country; of the rest nobody knows
    breached: int
    within_7: int
    within_30: int
    within_90: int
    later: int
    none: int  # no clock runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a plan costs from a day on; amounts in nano-units."""

    plan: str
    currency: str
    activation_nano: int
    monthly_nano: int
    per_mb_nano: int
    valid_from: date
    included_bytes: int | None = None  # a SIM and month; None: not known


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretHolder:
    """A device that may get a new MQTT secret."""

    id: DeviceId
    name: str
    group: str | None
    has_secret: bool


# From the devices that were found to (device, hash) pairs and the journal lines that tell of them.
MakeSecrets = Callable[[Sequence[SecretHolder]], tuple[Sequence[tuple[DeviceId, bytes]], Sequence[Entry]]]


class FleetStore(Protocol):
    """Keeps devices, cards, subscriptions and accounts."""

    async def tenant(self, tenant: TenantId) -> Tenant | None:
        """The tenant itself."""
        ...

    async def devices(
        self, tenant: TenantId, which: DeviceFilter, *, after: Place | None, limit: int, budget_s: float
    ) -> Found:
        """Devices in the order of their ids (soonest breach first where only `breach_before` selects)."""
        ...

    async def search(
        self, tenant: TenantId, query: str, which: DeviceFilter, *, after: Place | None, limit: int, budget_s: float
    ) -> Found:
        """Devices one of whose names begins with `query`."""
        ...

    async def tally(self, tenant: TenantId, which: DeviceFilter, by: Sequence[str], *, budget_s: float) -> Tally:
        """How many devices fit, whole and by dimension, as far as the time budget reaches."""
        ...

    async def device(self, tenant: TenantId, ref: DeviceId | str) -> Device | None:
        """One device by id or name."""
        ...

    async def details(self, tenant: TenantId, device: Device) -> DeviceDetails:
        """Everything about it."""
        ...

    async def rebind(
        self,
        tenant: TenantId,
        device: DeviceId,
        bindings: Bindings,
        *,
        version: int,
        now: datetime,
        entries: Sequence[Entry],
    ) -> bool:
        """Replace the bindings where the version still holds; False when it does not."""
        ...

    async def set_secret(
        self, tenant: TenantId, device: DeviceId, secret_hash: bytes | None, *, now: datetime, entries: Sequence[Entry]
    ) -> bool:
        """Replace the hash of a device's MQTT secret; None takes its right to sign in away."""
        ...

    async def set_secrets(
        self, tenant: TenantId, names: Sequence[str], make: MakeSecrets, *, now: datetime
    ) -> Sequence[SecretHolder]:
        """Give hashes to many devices at once: `make` is told who was found, and says what each gets."""
        ...

    async def subscriptions(
        self, tenant: TenantId, which: SubscriptionFilter, *, after: Place | None, limit: int, budget_s: float
    ) -> FoundSubscriptions:
        """Subscriptions in the order of their ids."""
        ...

    async def search_subscriptions(
        self,
        tenant: TenantId,
        query: str,
        which: SubscriptionFilter,
        *,
        after: Place | None,
        limit: int,
        budget_s: float,
    ) -> FoundSubscriptions:
        """Subscriptions whose ICCID, IMSI, MSISDN or EID begins with `query`."""
        ...

    async def subscription(self, tenant: TenantId, ref: SubscriptionId | str) -> Subscription | None:
        """One subscription by id or ICCID."""
        ...

    async def accounts(self, tenant: TenantId) -> Sequence[Account]:
        """All carrier accounts by name."""
        ...

    async def add_account(
        self, tenant: TenantId, account: NewAccount, *, now: datetime, entries: Sequence[Entry], look: LookAtAccounts
    ) -> bool:
        """Keep a new account; False when the name is taken. `look` sees all others first, and nobody adds meanwhile."""
        ...

    async def change_account(
        self,
        tenant: TenantId,
        account: AccountId,
        changes: Mapping[str, Any],
        *,
        version: int,
        now: datetime,
        entries: Sequence[Entry],
        look: LookAtAccounts | None = None,
    ) -> bool:
        """Change columns of an account where the version still holds. `look` as in `add_account`."""
        ...

    async def credential(self, tenant: TenantId, account: AccountId) -> bytes | None:
        """The sealed credential of an account."""
        ...

    async def append(self, tenant: TenantId, entries: Sequence[Entry]) -> None:
        """Journal lines that tell of a reading."""
        ...


class CountStore(Protocol):
    """Keeps counts and answers the questions that read a whole fleet."""

    async def sim_counts(self, tenant: TenantId) -> Sequence[Count]:
        """All counts of subscriptions, with their age; the dimension without its prefix."""
        ...

    async def refresh(self, tenant: TenantId, now: datetime) -> None:
        """Count the fleet anew."""
        ...

    async def glance(self, tenant: TenantId, now: datetime) -> None:
        """Count anew what the first page needs and only a scan can tell."""

    async def refresh_sims(self, tenant: TenantId, now: datetime) -> None:
        """Count subscriptions anew."""
        ...

    async def counts(self, tenant: TenantId) -> Sequence[Count]:
        """All counts with their age."""
        ...

    async def country_loads(self, tenant: TenantId, now: datetime) -> Sequence[CountryLoad]:
        """Devices by country and days left."""
        ...

    async def forecast(self, tenant: TenantId, *, now: datetime, until: datetime) -> Sequence[BreachWeek]:
        """Breaches by week and country."""
        ...

    async def prices(self, tenant: TenantId) -> Sequence[Price]:
        """All prices."""
        ...

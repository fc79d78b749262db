"""What outages need from the store: counts by stratum go in and out, and devices are told whose network is out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from fairlead.engine.ports.transaction import Transaction
from fairlead.insight.outage import Past, Sample, Standing, Stratum
from fairlead.model.ids import TenantId

Dimension = Literal["all", "group", "country", "carrier", "core"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A stratum that is suspected or out, as it is kept between two buckets."""

    standing: Standing
    blamed: bool = False  # it explains what is out
    usual_rate: float | None = None  # what it was held against


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Devices that learned something."""

    out: int  # their network is out
    over: int  # it is no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How many devices of one part of the fleet could be reached over a while, in buckets of five minutes."""

    name: str
    expected: int  # devices times buckets
    missing: int
    elsewhere: int  # reached on another network than the one they usually use
    out: int  # of `missing`, how many in buckets that were counted during an outage of it
    buckets: int  # buckets that were counted
    target_ppm: int  # what it is held against, in millionths
    heard_every_s: int  # after how long a silent device counts as missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A stratum as it stands: its newest bucket against what is usual for it."""

    stratum: Stratum
    sample: Sample
    away: int
    kept: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a policy group is promised; of the group '': every group without its own."""

    group: str
    target_ppm: int
    heard_every_s: int
    updated_at: datetime
    updated_by: str
    version: int


class OutageRows(Protocol):
    """`store.outages.OutageStore` is one. Only one at a time works on a tenant, from `alone` to the end."""

    async def alone(self, tx: Transaction, tenant: TenantId) -> None:
        """Wait until nobody else measures this tenant."""
        ...

    async def measured(self, tx: Transaction, tenant: TenantId) -> datetime | None:
        """The newest bucket."""
        ...

    async def measure(self, tx: Transaction, tenant: TenantId, now: datetime, at: datetime) -> dict[Stratum, Sample]:
        """Count every stratum for the bucket that begins at `at`; those that are judged come back."""
        ...

    async def below(self, tx: Transaction, tenant: TenantId, at: datetime) -> Mapping[Stratum, Collection[Stratum]]:
        """The accounts of each core, the families of each account."""
        ...

    async def past(self, tx: Transaction, tenant: TenantId, at: datetime) -> Mapping[Stratum, Past]:
        """What each stratum is held against at that instant."""
        ...

    async def standings(self, tx: Transaction, tenant: TenantId) -> dict[Stratum, Kept]:
        """Who is suspected or out."""
        ...

    async def keep(self, tx: Transaction, tenant: TenantId, kept: Mapping[Stratum, Kept]) -> None:
        """Put these in the place of all that were."""
        ...

    async def probe(self, tx: Transaction, tenant: TenantId, account: str, limit: int, now: datetime) -> int:
        """Let some who left an account try it again; 0 while others still do."""
        ...

    async def tell(self, tx: Transaction, tenant: TenantId, blamed: Collection[Stratum], now: datetime) -> Told:
        """Give every device the facts that follow; those that changed are resolved again."""
        ...

    async def sum_up(self, tx: Transaction, tenant: TenantId, *, hours: datetime, forget: datetime) -> None:
        """Buckets before `hours` become hours; what is before `forget` goes."""
        ...


class OutageReader(Protocol):
    """What doors read and write; `store.outages.OutageStore` is one."""

    async def health(self, tenant: TenantId) -> tuple[datetime | None, Sequence[Health]]:
        """Every judged stratum in the newest bucket, and when that began."""
        ...

    async def reached(
        self, tenant: TenantId, by: Dimension, since: datetime, until: datetime, default: tuple[int, int]
    ) -> list[Reached]:
        """How many could be reached, by name. `default`: target and interval where nobody has set one."""
        ...

    async def first(self, tenant: TenantId) -> datetime | None:
        """The oldest bucket."""
        ...

    async def objectives(self, tenant: TenantId) -> list[Objective]:
        """What was set, by group."""
        ...

    async def set_objective(
        self, tx: Transaction, tenant: TenantId, objective: Objective, *, version: int | None
    ) -> bool:
        """Set one; False where its version is not `version` (None: it must not exist)."""
        ...

    async def drop_objective(self, tx: Transaction, tenant: TenantId, group: str, *, version: int) -> bool:
        """Take one back; False where it is not there in this version."""
        ...


HEARD_EVERY = timedelta(minutes=15)  # where nobody said how often devices are to be heard
TARGET_PPM = 999_000

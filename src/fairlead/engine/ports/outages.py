"""What outages need from the store: counts by stratum go in and out, and devices are told whose network is out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from fairlead.engine.ports.transaction import Transaction
from fairlead.insight.outage import Past, Sample, Standing, Stratum
from fairlead.model.ids import TenantId

Dimension = Literal["all", "group", "country", "carrier", "core"]

HEARD_EVERY: Final = timedelta(minutes=15)  # where nobody said how often devices are to be heard
TARGET_PPM: Final = 999_000  # 99.9 %, where nobody said otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A stratum as it is kept between two buckets."""

    standing: Standing
    blamed: bool = False  # it explains what is out
    usual_rate: float | None = None  # what it is held against; None: that is not known yet
    opens_at: float | None = None  # the rate above which it is out


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
    target_ppm: int  # what it is held against, in millionths
    heard_every_s: int  # after how long a silent device counts as missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What was measured within a while."""

    first: datetime | None  # the oldest bucket; None: there is none
    last: datetime | None
    buckets: int


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
        """How each stratum stood after the last bucket."""
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

    async def health(self, tenant: TenantId, after: Stratum | None, limit: int) -> Sequence[Health]:
        """Judged strata in the newest bucket, cores first, then accounts, then families."""
        ...

    async def span(self, tenant: TenantId, since: datetime, until: datetime) -> Span:
        """What was measured in a while."""
        ...

    async def reached(
        self, tenant: TenantId, by: Dimension, since: datetime, until: datetime, after: str | None, limit: int
    ) -> Sequence[Reached]:
        """How many could be reached, by name."""
        ...

    async def objectives(self, tenant: TenantId, after: str | None, limit: int) -> Sequence[Objective]:
        """What was set, by group."""
        ...

    async def objective(self, tx: Transaction, tenant: TenantId, group: str) -> Objective | None:
        """What was set for one group."""
        ...

    async def put_objective(self, tx: Transaction, tenant: TenantId, objective: Objective) -> bool:
        """Set one, in place of `version` (0: there is none); False where that is not so."""
        ...

    async def drop_objective(self, tx: Transaction, tenant: TenantId, group: str, version: int) -> bool:
        """Take one back; False where it is not there in this version."""
        ...

"""What usage needs from the store: readings of carriers go in, days of a line come out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.ids import SubscriptionId, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAccount:
    """A carrier account of which lines are due."""

    id: UUID
    name: str
    enrol: bool  # its inventory was read since its lines were enrolled


@dataclass(frozen=True, slots=True, kw_only=True)
class DueLine:
    """A line whose usage is to be read."""

    subscription: UUID
    sim: str  # the carrier's own key
    through: datetime | None  # how far it is known; None: nothing is
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One record as a carrier gave it; a later one with the same id corrects it."""

    subscription: UUID
    record_id: str
    kind: int  # 1 raw 2 rated
    started_at: datetime
    ended_at: datetime
    up_bytes: int | None  # None: the carrier gives a total only
    down_bytes: int | None
    bytes: int
    final: bool
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A line was read from `since` to `until`; what the carrier lags behind is left out of it."""

    subscription: UUID
    since: datetime
    until: datetime
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an intake did."""

    created: int
    corrected: int
    unchanged: int
    refused: int = 0  # ids of records that are of another line or period
    devices: int = 0  # whose facts changed


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUsed:
    """What a line used on one day (UTC)."""

    day: date
    bytes: int
    up_bytes: int | None
    down_bytes: int | None
    kind: int  # 1 raw 2 rated
    source: str
    records: int
    final: bool
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """How far a line is known."""

    covered_from: datetime | None
    through: datetime | None
    last_byte_at: datetime | None
    lag_s: int
    read_at: datetime | None
    next_at: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineUsage:
    """A page of days, newest first, and how far the line is known; None where nothing ever was."""

    days: Sequence[DayUsed]
    state: LineState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastUsage:
    """What a line used since a day, as evidence of its end."""

    since: date
    bytes: int
    up_bytes: int | None
    down_bytes: int | None
    final: bool
    observed_at: datetime


class UsageRows(Protocol):
    """Usage of every tenant."""

    async def due_accounts(self, tx: Transaction, now: datetime) -> list[AskedAccount]: ...
    async def enrol(self, tx: Transaction, tenant: TenantId, account: UUID, now: datetime) -> None: ...
    async def due_lines(
        self, tx: Transaction, tenant: TenantId, account: UUID, limit: int, now: datetime
    ) -> list[DueLine]: ...
    async def rest_account(self, tx: Transaction, account: UUID, until: datetime) -> None: ...
    async def put_off(
        self, tx: Transaction, tenant: TenantId, lines: Sequence[UUID], failure: str, rest: timedelta, now: datetime
    ) -> None: ...
    async def prepare(self, tx: Transaction, first: datetime, last: datetime) -> None: ...
    async def take(
        self,
        tx: Transaction,
        tenant: TenantId,
        source: str,
        rows: Sequence[UsageRow],
        readings: Sequence[Reading],
        *,
        lag: timedelta,
        rest: timedelta,
        now: datetime,
    ) -> Taken: ...
    async def refresh(self, tx: Transaction, tenant: TenantId, now: datetime) -> int: ...
    async def line(self, tx: Transaction, account: str, sim: str) -> UUID | None: ...
    async def last_usage(self, tx: Transaction, line: UUID, since: date) -> LastUsage | None: ...


class UsageReader(Protocol):
    """What doors read."""

    async def usage(self, tenant: TenantId, subscription: SubscriptionId, before: date, limit: int) -> LineUsage: ...

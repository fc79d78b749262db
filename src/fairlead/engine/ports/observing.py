"""What observation needs from the store: a page of a carrier's inventory becomes facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptAccount:
    """A carrier account whose inventory is read."""

    id: UUID
    name: str
    connector: str
    staleness_s: int
    home_country: str | None
    swept_at: datetime | None
    cursor: str | None = None  # how far its changes are read, in its carrier's words


@dataclass(frozen=True, slots=True, kw_only=True)
class SimObservation:
    """One SIM as a carrier reported it, in the store's words; empty strings where it says nothing."""

    sim: str  # the carrier's own key
    iccid: str
    imsi: str
    msisdn: str
    imei: str
    state: int  # 1 inventory … 9 unknown
    provider_state: str
    holds: str  # joined by commas
    auto_revert_at: datetime | None
    plan: str
    connectivity: int  # 1 online 2 attached 3 offline 4 blocked 5 unknown
    plmn: str
    country: str
    rat: str
    cell: str
    ip: str
    since: datetime | None
    at: datetime
    unable: str = ""  # verbs this one does not have, with the reason, as JSON; empty: whatever its account can


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A line as a carrier names it unasked; empty strings where it says nothing."""

    sim: str = ""
    iccid: str = ""
    imsi: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a page of observations changed."""

    sims: int
    changed: tuple[UUID, ...]  # devices whose policy-relevant facts changed
    moved: tuple[UUID, ...]  # devices that are in another country or on another SIM
    left: bool = False  # SIMs that nobody knows here were left out: somebody else was just bringing some


class ObservationRows(Protocol):
    """Writes observations by the page."""

    async def accounts(self, tx: Transaction) -> list[SweptAccount]: ...
    async def page(self, tx: Transaction, account: SweptAccount, sims: Sequence[SimObservation]) -> Observed: ...
    async def awaited(self, tx: Transaction, limit: int) -> list[tuple[str, str]]: ...
    async def heard(self, tx: Transaction, now: datetime, each: int) -> list[tuple[str, str]]: ...
    async def mark(self, tx: Transaction, account: UUID, named: Sequence[Named], now: datetime) -> list[UUID]: ...
    async def looked(
        self, tx: Transaction, account: UUID, sims: Sequence[str], asked: datetime, lag: timedelta
    ) -> None: ...
    async def swept(
        self, tx: Transaction, account: UUID, now: datetime, *, heard_before: datetime, cursor: str | None
    ) -> None: ...
    async def cursor(self, tx: Transaction, account: UUID, cursor: str | None) -> None: ...
    async def caught_up(self, tx: Transaction, account: UUID, now: datetime) -> None: ...
    async def failing(self, tx: Transaction, account: UUID, failure: str, now: datetime) -> None: ...
    async def tenants(self, tx: Transaction) -> list[tuple[UUID, str]]: ...

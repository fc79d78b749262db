"""What the register needs from the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairlead.model.ids import AccountId, TenantId
from fairlead.model.journal import Entry
from fairlead.model.radio import SkuRadio, Sunset
from fairlead.model.register import Covered, DueDiligence


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What is kept of one account; `version` 0 and no `updated_at`: nothing yet."""

    account: str  # name
    carrier: str
    known: DueDiligence
    countries: int  # how many its coverage lists
    version: int
    updated_at: datetime | None
    updated_by: str | None


class RegisterRows(Protocol):
    """Keeps the register."""

    async def records(self, tenant: TenantId, account: AccountId | None = None) -> Sequence[Registered]:
        """Every account by name, or one."""
        ...

    async def put(
        self, tenant: TenantId, account: AccountId, known: DueDiligence, *, version: int, now: datetime, actor: str,
        entries: Sequence[Entry],
    ) -> bool:  # fmt: skip
        """Replace the record and its contracts where the version still holds."""
        ...

    async def coverage(self, tenant: TenantId, account: AccountId) -> Sequence[Covered]:
        """What an account lists, by country and technology."""
        ...

    async def put_coverage(
        self, tenant: TenantId, account: AccountId, listed: Sequence[Covered], *, version: int, now: datetime,
        actor: str, entries: Sequence[Entry],
    ) -> bool:  # fmt: skip
        """Replace the list where the version of the record still holds."""
        ...

    async def skus(self, tenant: TenantId) -> Sequence[SkuRadio]:
        """The radios that are known, by SKU."""
        ...

    async def put_sku(self, tenant: TenantId, radio: SkuRadio, *, now: datetime, entries: Sequence[Entry]) -> bool:
        """Replace a SKU's radio; its `version` is the one before, 0 for a new one."""
        ...

    async def sunsets(self, tenant: TenantId) -> Sequence[Sunset]:
        """The tenant's own rows."""
        ...

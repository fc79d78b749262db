"""Hints of work, as the loop and the sealer read them: payload-free, and allowed to be lost."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.ids import TenantId


class WorkRows(Protocol):
    """`store.work.WorkStore` is one."""

    async def take(self, tx: Transaction, kinds: Collection[str], now: datetime) -> list[tuple[str, TenantId]]:
        """Hints that are due, as (kind, tenant); they are gone when the transaction commits."""
        ...

    async def owed(self, tx: Transaction, tenant: TenantId, now: datetime) -> frozenset[str]:
        """What the tenant's own rows say is waiting; the truth that hints only point at."""
        ...

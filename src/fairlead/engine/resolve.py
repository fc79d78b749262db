"""Resolution: what should be on every device, after facts or policies moved.

Level-triggered. `observe` and the imports mark devices dirty, the sweep marks those whose time
facts crossed a threshold, and this takes whatever is dirty, looks at the whole of it, and writes
classes and waits. Nudged twice it does nothing the second time.
"""

from datetime import datetime
from typing import Final

from fairlead.engine.ports.resolving import Resolved
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.rules import Rules
from fairlead.engine.stores import Stores
from fairlead.model.ids import TenantId

BATCH: Final = 20_000


class Resolver:
    """Resolves tenants; one instance a process."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def rules(self, tx: Transaction, now: datetime) -> Rules:
        """The revisions that matter now."""
        return Rules(await self._stores.policies.live(tx), now)

    async def sweep(self, tenant: TenantId, now: datetime) -> int:
        """Mark devices whose time facts crossed a threshold of some rule since the last sweep."""
        async with self._stores.transactions.tenant(tenant) as tx:
            resolving = self._stores.plans.resolving(tx)
            crossed = 0
            for column, offset in sorted((await self.rules(tx, now)).thresholds()):
                crossed += await resolving.sweep(column, offset, now)
            return crossed

    async def dirty(self, tenant: TenantId, now: datetime, *, cause: str = "facts") -> Resolved | None:
        """Resolve a batch of dirty devices; None when there are none."""
        async with self._stores.transactions.tenant(tenant) as tx:
            if not await self._stores.plans.resolving(tx).any_dirty():
                return None
        async with self._stores.transactions.alone(tenant) as tx:  # before the rules are read: a Change may bring more
            resolving = self._stores.plans.resolving(tx)
            if await resolving.everyone_dirty():
                return await self._resolve(tx, tenant, now, cause, whole=True)
            if not await resolving.scope_dirty(BATCH):
                return None
            return await self._resolve(tx, tenant, now, cause, whole=False)

    async def whole(
        self, tenant: TenantId, now: datetime, *, cause: str, timings: dict[str, float] | None = None
    ) -> Resolved:
        """Resolve every device of a tenant; `timings` is filled with the seconds of each phase."""
        async with self._stores.transactions.alone(tenant) as tx:
            return await self._resolve(tx, tenant, now, cause, whole=True, timings=timings)

    async def _resolve(
        self,
        tx: Transaction,
        tenant: TenantId,
        now: datetime,
        cause: str,
        *,
        whole: bool,
        timings: dict[str, float] | None = None,
    ) -> Resolved:
        rules = await self.rules(tx, now)
        return await self._stores.plans.resolving(tx).resolve(
            enter=rules.enter(),
            stay=rules.stay(),
            decide=rules.decide,
            rules=rules.keys(),
            constants={"tenant": str(tenant)},
            whole=whole,
            cause=cause,
            now=now,
            timings=timings,
        )

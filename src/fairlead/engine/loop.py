"""The loop: looks at every tenant again and again, and does whatever is due.

Each reconciler is level-triggered and idempotent, so the loop needs no memory: it calls them in
turn at their own pace, a nudge only makes it look sooner, and two processes may run it at once
(rows are locked where they are written). One failing reconciler is logged and tried again; it
never stops the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from fairlead.engine.ports.observing import ObservationRows
from fairlead.engine.ports.transaction import Transactions
from fairlead.model.ids import TenantId

log = structlog.get_logger(__name__)

RUNS: Final = Counter("fairlead_loop_runs_total", "Reconciler runs by outcome.", ["reconciler", "outcome"])
SECONDS: Final = Histogram(
    "fairlead_loop_seconds", "How long one reconciler run over one tenant took.", ["reconciler"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60),
)  # fmt: skip
TENANTS_AGAIN_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """One thing the loop does, and how long it rests when there was nothing to do (real seconds)."""

    name: str
    # Looks at one tenant; true when it did something and should look again at once.
    reconcile: Callable[[TenantId], Awaitable[bool]]
    every_s: float
    busy_s: float = 0.05  # between two runs that both had work


class Loop:
    """Runs reconcilers over all active tenants until cancelled."""

    def __init__(self, transactions: Transactions, rows: ObservationRows, reconcilers: Sequence[Reconciler]) -> None:
        self._transactions = transactions
        self._rows = rows
        self._reconcilers = reconcilers
        self._nudged = {r.name: asyncio.Event() for r in reconcilers}

    def nudge(self, *names: str) -> None:
        """Look sooner: at these reconcilers, or at all."""
        for name in names or tuple(self._nudged):
            if name in self._nudged:
                self._nudged[name].set()

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            for reconciler in self._reconcilers:
                group.create_task(self._turn(reconciler), name=f"loop-{reconciler.name}")

    async def tenants(self) -> list[tuple[UUID, str]]:
        """Active tenants."""
        async with self._transactions.nameless() as tx:
            return await self._rows.tenants(tx)

    async def _turn(self, reconciler: Reconciler) -> None:
        event = self._nudged[reconciler.name]
        while True:
            event.clear()
            busy = False
            try:
                for tenant, _ in await self.tenants():
                    busy |= await self._once(reconciler, TenantId(tenant))
            except asyncio.CancelledError:
                raise
            except Exception:
                # The database is away, or not back yet: rest and look again.
                log.exception("loop could not list tenants", reconciler=reconciler.name)
            rest = reconciler.busy_s if busy else reconciler.every_s
            try:
                await asyncio.wait_for(event.wait(), timeout=rest)
            except TimeoutError:
                continue

    async def _once(self, reconciler: Reconciler, tenant: TenantId) -> bool:
        with SECONDS.labels(reconciler.name).time():
            try:
                did = await reconciler.reconcile(tenant)
            except asyncio.CancelledError:
                raise
            except Exception:
                RUNS.labels(reconciler.name, "failed").inc()
                log.exception("reconciler failed", reconciler=reconciler.name, tenant=str(tenant))
                return False
        RUNS.labels(reconciler.name, "worked" if did else "idle").inc()
        return did

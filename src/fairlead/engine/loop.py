"""The loop: looks at every tenant that may have work, and does whatever is due.

Each reconciler is level-triggered and idempotent, so the loop needs no memory that must survive: it
calls them in turn at their own pace, and two processes may run it at once (rows are locked where
they are written). A tenant is *awake* for a reconciler from a hint on (house §8), for as long as
there was something to do, and until its own rows say that nothing waits; asleep it costs nothing.
A slow sweep over all tenants reads those rows, so that a lost hint only delays. One failing
reconciler is logged and tried again; it never stops the others.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from prometheus_client import Counter, Gauge, Histogram

from fairlead.engine.ports.observing import ObservationRows
from fairlead.engine.ports.transaction import Transactions
from fairlead.engine.ports.work import WorkRows
from fairlead.model.ids import TenantId

log = structlog.get_logger(__name__)

RUNS: Final = Counter("fairlead_loop_runs_total", "Reconciler runs by outcome.", ["reconciler", "outcome"])
SECONDS: Final = Histogram(
    "fairlead_loop_seconds", "How long one reconciler run over one tenant took.", ["reconciler"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10, 60),
)  # fmt: skip
AWAKE: Final = Gauge("fairlead_loop_awake_tenants", "Tenants a reconciler looks at in every turn.", ["reconciler"])
HINTS_EVERY_S: Final = 0.2  # real seconds between two takes of hints
STAYS_AWAKE_S: Final = 5.0  # after a hint or some work, before the tenant's rows are asked whether more waits
SWEEP_EVERY_S: Final = 60.0  # how much a lost hint delays at the most
_REFUSED_S: Final = 1.0  # the database is away: look again then


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """One thing the loop does, and how long it rests when there was nothing to do (real seconds)."""

    name: str
    # Looks at one tenant; true when it did something and should look again at once.
    reconcile: Callable[[TenantId], Awaitable[bool]]
    every_s: float
    busy_s: float = 0.05  # between two runs that both had work
    # Whether its work is told by hints; else it looks at every tenant each time. Slow ones do.
    hinted: bool = True


class Loop:
    """Runs reconcilers over tenants until cancelled."""

    def __init__(
        self, transactions: Transactions, rows: ObservationRows, work: WorkRows, reconcilers: Sequence[Reconciler], *,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._transactions = transactions
        self._rows = rows
        self._work = work
        self._reconcilers = {r.name: r for r in reconcilers}
        self._hinted = [r.name for r in reconcilers if r.hinted]
        self._now = now
        self._nudged = {r.name: asyncio.Event() for r in reconcilers}
        # By reconciler: tenants it looks at, and until when (monotonic) without asking what is owed.
        self._awake: dict[str, dict[TenantId, float]] = {name: {} for name in self._hinted}

    def nudge(self, tenant: TenantId, *names: str) -> None:
        """Look at a tenant sooner: with these reconcilers, or with all."""
        for name in names or tuple(self._nudged):
            if name in self._nudged:
                self._wake(name, tenant)
                self._nudged[name].set()

    async def run(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every(HINTS_EVERY_S, self.listen), name="loop-hints")
            group.create_task(self._every(SWEEP_EVERY_S, self.sweep), name="loop-sweep")
            for reconciler in self._reconcilers.values():
                group.create_task(self._turns(reconciler), name=f"loop-{reconciler.name}")

    async def tenants(self) -> list[TenantId]:
        """Active tenants."""
        async with self._transactions.nameless() as tx:
            return [TenantId(number) for number, _ in await self._rows.tenants(tx)]

    def awake(self, name: str) -> Collection[TenantId]:
        """Tenants that a hinted reconciler will look at."""
        return tuple(self._awake[name])

    async def listen(self) -> None:
        """Take the hints that are due."""
        async with self._transactions.nameless() as tx:
            found = await self._work.take(tx, self._hinted, self._now())
        for name, tenant in set(found):
            self._wake(name, tenant)

    async def sweep(self) -> None:
        """Ask every tenant's rows what is owed: the net under lost hints."""
        for tenant in await self.tenants():
            for name in await self._owed(tenant):
                self._wake(name, tenant)

    async def turn(self, reconciler: Reconciler) -> bool:
        """One look at every tenant it should look at; true where some had work."""
        busy = False
        awake = self._awake.get(reconciler.name)
        for tenant in await self.tenants() if awake is None else tuple(awake):
            busy |= await self._visit(reconciler, tenant)
        if awake is not None:
            AWAKE.labels(reconciler.name).set(len(awake))
        return busy

    def _wake(self, name: str, tenant: TenantId) -> None:
        if (awake := self._awake.get(name)) is not None:
            awake[tenant] = time.monotonic() + STAYS_AWAKE_S

    async def _owed(self, tenant: TenantId) -> frozenset[str]:
        async with self._transactions.tenant(tenant) as tx:
            return await self._work.owed(tx, tenant, self._now())

    async def _visit(self, reconciler: Reconciler, tenant: TenantId) -> bool:
        awake = self._awake.get(reconciler.name)
        until = awake.get(tenant, 0.0) if awake is not None else 0.0
        did = await self._once(reconciler, tenant)
        if awake is None:
            return bool(did)
        if did is None or did:  # what failed is tried again
            self._wake(reconciler.name, tenant)
        elif time.monotonic() >= until:
            if reconciler.name in await self._owed(tenant):
                self._wake(reconciler.name, tenant)
            elif awake.get(tenant) == until:  # no hint came meanwhile
                del awake[tenant]
        return bool(did)

    async def _turns(self, reconciler: Reconciler) -> None:
        event = self._nudged[reconciler.name]
        while True:
            event.clear()
            busy = False
            try:
                busy = await self.turn(reconciler)
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

    async def _every(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        while True:
            rest = seconds
            try:
                await act()
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("loop could not look for work")
                rest = min(seconds, _REFUSED_S)
            await asyncio.sleep(rest)

    async def _once(self, reconciler: Reconciler, tenant: TenantId) -> bool | None:
        """Whether it did something; None where it failed."""
        with SECONDS.labels(reconciler.name).time():
            try:
                did = await reconciler.reconcile(tenant)
            except asyncio.CancelledError:
                raise
            except Exception:
                RUNS.labels(reconciler.name, "failed").inc()
                log.exception("reconciler failed", reconciler=reconciler.name, tenant=str(tenant))
                return None
        RUNS.labels(reconciler.name, "worked" if did else "idle").inc()
        return did

"""What the loop does, in one table: name, function, pace.

The names are the kinds of hints too: triggers write them (migration 0008), and `owed` in
`store/sql/work.sql` answers with them. A reconciler that neither knows would never be woken.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fairlead.engine.arrivals import Arrivals
from fairlead.engine.bulk import Bulks
from fairlead.engine.carrierwork import CarrierWorker
from fairlead.engine.events import ABOUT
from fairlead.engine.evidence import evidence_lines
from fairlead.engine.fleet import Fleet
from fairlead.engine.loop import Reconciler
from fairlead.engine.moving import Moving
from fairlead.engine.observe import Observer
from fairlead.engine.outages import Outages
from fairlead.engine.ports.events import About, Events, Silence
from fairlead.engine.ports.shadow import DeviceNudges
from fairlead.engine.resolve import Resolver
from fairlead.engine.stages import Stages
from fairlead.engine.steerings import Steerings
from fairlead.engine.stores import Stores
from fairlead.engine.timekeeper import Timekeeper
from fairlead.engine.usage import TURN_S, UsageIntake
from fairlead.engine.usage_rules import UsageRules
from fairlead.engine.waves import Waves
from fairlead.model.ids import TenantId, show

CLOCKS_EVERY: Final = timedelta(hours=1)  # of house time; never more often than every 20 real seconds
CLOCKS_AT_LEAST_S: Final = 20.0
ARRIVALS_EVERY_S: Final = 5.0  # each shipment once an hour of house time
COUNTS_EVERY_S: Final = 5.0
COUNTS_RESTS: Final = 9.0  # a count rests so many times as long as it took: a second or more for a million devices
COUNTS_AT_LEAST_S: Final = 60.0
USAGE_EVERY_S: Final = 5.0
RULES_EVERY_S: Final = 2.0
RULES_REST: Final = 9.0  # a look at all lines rests so many times as long as it took ...
RULES_AT_MOST_S: Final = 600.0  # ... and no longer than this
OUTAGES_EVERY_S: Final = 1.0  # asks nothing of the database until a bucket is over
LOOK_EVERY_S: Final = 5.0  # a move waits for a session: not so often that it eats the carrier's budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """What the reconcilers call."""

    resolver: Resolver
    stages: Stages
    waves: Waves
    moving: Moving
    carriers: CarrierWorker
    bulks: Bulks
    arrivals: Arrivals
    observer: Observer
    usage: UsageIntake
    outages: Outages
    nudges: DeviceNudges
    fleet: Fleet
    steerings: Steerings
    usage_rules: UsageRules
    events: Events = field(default_factory=Silence)


def reconcilers(
    workers: Workers, stores: Stores, timekeeper: Timekeeper, *, sweep_every_s: float
) -> Sequence[Reconciler]:
    """The table. Paces are real seconds."""
    doing = _Doing(workers, stores, timekeeper)
    return (
        Reconciler(name="resolve", reconcile=doing.resolve, every_s=0.5),
        Reconciler(name="thresholds", reconcile=doing.thresholds, every_s=1.0, busy_s=1.0),
        Reconciler(name="waves", reconcile=doing.waves, every_s=1.0, busy_s=0.5),
        Reconciler(name="moves", reconcile=doing.moves, every_s=0.25),
        Reconciler(name="carriers", reconcile=doing.carriers, every_s=0.25),
        Reconciler(name="readback", reconcile=doing.readback, every_s=2.0, busy_s=1.0),
        Reconciler(name="prove", reconcile=doing.prove, every_s=0.5, busy_s=0.2),
        Reconciler(name="stages", reconcile=doing.stages, every_s=0.5, busy_s=0.2),
        Reconciler(name="shipments", reconcile=doing.shipments, every_s=ARRIVALS_EVERY_S, busy_s=ARRIVALS_EVERY_S),
        Reconciler(name="sweep", reconcile=doing.sweep, every_s=sweep_every_s, busy_s=sweep_every_s, hinted=False),
        Reconciler(name="look", reconcile=doing.look, every_s=LOOK_EVERY_S, busy_s=LOOK_EVERY_S),
        Reconciler(
            name="clocks", reconcile=doing.clocks, every_s=CLOCKS_AT_LEAST_S, busy_s=CLOCKS_AT_LEAST_S, hinted=False
        ),
        Reconciler(name="usage", reconcile=doing.usage, every_s=USAGE_EVERY_S, busy_s=TURN_S),
        Reconciler(
            name="windows", reconcile=doing.windows, every_s=CLOCKS_AT_LEAST_S, busy_s=CLOCKS_AT_LEAST_S, hinted=False
        ),
        Reconciler(name="usage_rules", reconcile=doing.usage_rules, every_s=RULES_EVERY_S, busy_s=RULES_EVERY_S),
        Reconciler(name="steering", reconcile=doing.steering, every_s=RULES_EVERY_S, busy_s=RULES_EVERY_S),
        Reconciler(
            name="outages", reconcile=doing.outages, every_s=OUTAGES_EVERY_S, busy_s=OUTAGES_EVERY_S, hinted=False
        ),
        Reconciler(name="counts", reconcile=doing.counts, every_s=COUNTS_EVERY_S, busy_s=COUNTS_EVERY_S),
    )


class _Doing:
    """One method a reconciler; each looks at one tenant."""

    def __init__(self, workers: Workers, stores: Stores, timekeeper: Timekeeper) -> None:
        self._workers = workers
        self._stores = stores
        self._time = timekeeper
        self._clocks_at: dict[TenantId, datetime] = {}
        self._windows_at: dict[TenantId, datetime] = {}
        self._count_next: dict[tuple[TenantId, str], float] = {}  # monotonic seconds
        self._rule_next: dict[tuple[TenantId, str], float] = {}  # the same

    async def resolve(self, tenant: TenantId) -> bool:
        resolved = await self._workers.resolver.dirty(tenant, self._time.now())
        if resolved is not None:  # whatever marks a device moved one of its facts: the one place they all pass
            self._moved(tenant, resolved.some, resolved.judged)
        return resolved is not None

    async def thresholds(self, tenant: TenantId) -> bool:
        return await self._workers.resolver.sweep(tenant, self._time.now()) > 0

    async def waves(self, tenant: TenantId) -> bool:
        return await self._workers.waves.tick(tenant, self._time.now()) > 0

    async def moves(self, tenant: TenantId) -> bool:
        done = await self._workers.moving.tick(tenant)
        if done.nudges:
            await self._workers.nudges.nudge_devices(tenant, done.nudges)
        if done.revoked:
            await self._workers.fleet.hang_up(tenant, done.revoked)
        return done.moves > 0

    async def carriers(self, tenant: TenantId) -> bool:
        return await self._workers.carriers.dispatch(tenant) > 0

    async def readback(self, tenant: TenantId) -> bool:
        looked = await self._workers.carriers.read_back(tenant)
        return looked + await self._workers.bulks.settle(tenant) > 0

    async def prove(self, tenant: TenantId) -> bool:
        now = self._time.now()
        async with self._stores.transactions.tenant(tenant) as tx:
            settled = await self._stores.moves.prove(tx, now)
            await self._stores.append(tx, evidence_lines(tenant, settled, now, "system/proof"))
        proved = sorted({one.device for one in settled if one.device is not None})
        self._moved(tenant, proved, len(proved))
        return bool(settled)

    def _moved(self, tenant: TenantId, devices: Sequence[UUID], count: int) -> None:
        if count:
            some = [About(id=show("dev", device), action="moved") for device in devices[:ABOUT]]
            self._workers.events.tell(tenant, "device", some, count=count)

    async def stages(self, tenant: TenantId) -> bool:
        progress = await self._workers.stages.tick(tenant, self._time.now())
        return progress.decided + progress.opened + progress.settled > 0

    async def shipments(self, tenant: TenantId) -> bool:
        return await self._workers.arrivals.watch(tenant, self._time.now()) > 0

    async def sweep(self, tenant: TenantId) -> bool:
        return await self._workers.observer.sweep_all(tenant) > 0

    async def look(self, tenant: TenantId) -> bool:
        return await self._workers.observer.look(tenant) > 0

    async def clocks(self, tenant: TenantId) -> bool:
        now = self._time.now()
        last = self._clocks_at.get(tenant)
        if last is not None and now - last < CLOCKS_EVERY:
            return False
        read = await self._workers.observer.read_clocks(tenant)
        self._clocks_at[tenant] = now  # only now: a reading that failed is tried again soon
        return read > 0

    async def usage(self, tenant: TenantId) -> bool:
        return await self._workers.usage.read(tenant) > 0

    async def outages(self, tenant: TenantId) -> bool:
        judged = await self._workers.outages.tick(tenant, self._time.now())
        if judged is not None and judged.told_out + judged.told_over:
            self._workers.events.tell(tenant, "device", [], count=judged.told_out + judged.told_over)
        return judged is not None

    async def windows(self, tenant: TenantId) -> bool:
        now = self._time.now()
        last = self._windows_at.get(tenant)
        if last is not None and now - last < CLOCKS_EVERY:
            return False
        changed = await self._workers.usage.refresh(tenant)
        self._windows_at[tenant] = now
        return changed > 0

    async def steering(self, tenant: TenantId) -> bool:
        return await self._rested(tenant, "steering", self._workers.steerings.tick)

    async def usage_rules(self, tenant: TenantId) -> bool:
        return await self._rested(tenant, "usage-rules", self._workers.usage_rules.tick)

    async def _rested(self, tenant: TenantId, what: str, tick: Callable[[TenantId], Awaitable[int]]) -> bool:
        """A look at every line there is: awake, but not again before it has rested."""
        began = time.monotonic()
        if began < self._rule_next.get((tenant, what), float("-inf")):
            return True
        done = await tick(tenant)
        ended = time.monotonic()
        self._rule_next[tenant, what] = ended + min((ended - began) * RULES_REST, RULES_AT_MOST_S)
        return done > 0

    async def counts(self, tenant: TenantId) -> bool:
        """Each count as often as it is cheap; awake until all of them are of after the last word."""
        fleet, put_off = self._workers.fleet, False
        for name, count in (
            ("fleet", fleet.refresh_counts),
            ("glance", fleet.glance),
            ("sims", fleet.refresh_sim_counts),
        ):
            began = time.monotonic()
            if began < self._count_next.get((tenant, name), float("-inf")):
                put_off = True
                continue
            await count(tenant, self._time.now())
            ended = time.monotonic()
            self._count_next[tenant, name] = ended + min((ended - began) * COUNTS_RESTS, COUNTS_AT_LEAST_S)
        return put_off

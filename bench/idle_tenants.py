"""What tenants cost that have nothing to do: `idle_tick`.

2,000 tenants, each with a device and nothing due. One tick is what the loop asks of the database to
find that out: before, every hinted reconciler looked at every tenant; now the hints are taken and
nobody is found awake. The bound is a tick that looks at every tenant, measured in the same run on
the same rows; beside it, the sweep over all tenants that finds lost hints and counts once a minute,
the journal's sealer, and one wake-up, from the commit of work until it is done.

    python bench/idle_tenants.py [tenants]
"""

import asyncio
import contextlib
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog

from fairlead.bus.nats import NatsBus
from fairlead.config import load
from fairlead.edge.mqtt.shadow import ShadowDoor
from fairlead.embedded.postgres import Postgres, PostgresSettings
from fairlead.model.ids import TenantId
from fairlead.store.bootstrap import bootstrap
from fairlead.store.migrate import migrate
from fairlead.wiring.run import open_house

TENANTS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
RUNS = 5
NOW = datetime.now(UTC)


def line(name: str, values: list[float], unit: str, against: str, bound: float) -> None:
    middle = statistics.median(values)
    print(json.dumps({
        "name": name, "value": round(middle, 5), "unit": unit, "against": against, "against_value": round(bound, 5),
        "ratio": round(middle / bound, 6), "runs": len(values), "spread": round(max(values) - min(values), 5),
    }), flush=True)  # fmt: skip


async def timed(act: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await act()
    return time.perf_counter() - start


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    home = Path(tempfile.mkdtemp(prefix="fairlead-bench-"))
    home.chmod(0o711)  # noqa: ASYNC240
    postgres = Postgres(home, PostgresSettings(shared_buffers_mb=128))
    try:
        dsns = await bootstrap(postgres.start(), database="bench", password="bench")
        await migrate(dsns.owner or "")
        config = load(environ={}, flags={"data_dir": str(home / "keys")})
        async with open_house(config, dsns) as house:
            await measure(house)
    finally:
        postgres.stop()


async def populate(house) -> list[TenantId]:
    tenants = [TenantId(UUID(int=(1 << 100) + number)) for number in range(TENANTS)]
    for number, tenant in enumerate(tenants):
        async with house.database.tenant(tenant) as tx:
            await tx.execute("select create_tenant(%s, %s, %s)", (tenant, f"t{number}", NOW))
            await tx.execute(
                "insert into device (tenant, id, name, created_at, updated_at) values (%s, %s, 'one', %s, %s)",
                (tenant, tenant, NOW, NOW),
            )
            await tx.execute("insert into fact (tenant, device) values (%s, %s)", (tenant, tenant))
            await tx.execute(
                "insert into standing (tenant, device, class, stratum, bucket, arm) values (%s, %s, 0, 0, 0, 0)",
                (tenant, tenant),
            )
    return tenants


async def measure(house) -> None:
    tenants = await populate(house)
    loop = house.loop(ShadowDoor(NatsBus, house.shadows, now=house.timekeeper.now), sweep_every_s=300.0)
    hinted = [reconciler for reconciler in loop._reconcilers.values() if reconciler.hinted]
    await loop.listen()
    for name in loop._awake:
        loop._awake[name].clear()

    async def everyone() -> None:
        """As before: each reconciler lists the tenants and looks at each."""
        for reconciler in hinted:
            for tenant in await loop.tenants():
                await loop._once(reconciler, tenant)

    async def hints() -> None:
        await loop.listen()
        for reconciler in hinted:
            await loop.turn(reconciler)

    before = await timed(everyone)
    await hints()
    assert not any(loop._awake.values()), "nobody has work"
    line("idle_tick", [await timed(hints) for _ in range(RUNS)], "s", f"a look at each of {TENANTS} tenants", before)

    async def net() -> None:
        await loop.sweep()
        for reconciler in hinted:
            await loop.turn(reconciler)
        assert not any(loop._awake.values()), "asleep again"

    swept = [await timed(net) for _ in range(RUNS)]
    line("idle_sweep", swept, "s", "the minute in which it runs once", 60.0)
    sealed = [await timed(house.journal.seal_some) for _ in range(RUNS + 1)][1:]
    line("idle_seal", sealed, "s", f"a look at each of {TENANTS} tenants", await timed(house.journal.seal_all))
    for awake in loop._awake.values():
        awake.clear()
    await wakes(house, loop, tenants[TENANTS // 2])


async def wakes(house, loop, tenant: TenantId) -> None:
    """From the commit of a dirty device until it is resolved, with the loop running."""
    runner = asyncio.create_task(loop.run())
    taken = []
    await asyncio.sleep(1)
    for _ in range(RUNS):
        async with house.database.tenant(tenant) as tx:
            await tx.execute("insert into dirty (tenant, device) values (%s, %s)", (tenant, tenant))
        start = time.perf_counter()
        while time.perf_counter() - start < 30:
            async with house.database.tenant(tenant) as tx:
                row = await (await tx.execute("select 1 from dirty")).fetchone()
            if row is None:
                break
            await asyncio.sleep(0.01)
        taken.append(time.perf_counter() - start)
    runner.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await runner
    line("idle_wake", taken, "s", "the reconciler's own pace and the hints'", 0.7)


if __name__ == "__main__":
    asyncio.run(main())

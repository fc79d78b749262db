"""How fast carriers are asked and read when they set no limit: `carrier_operations`, `inventory_sync`.

A carrier fake without a budget serves over HTTP in a process of its own. `carrier_operations`: a bulk
action of one call a line goes through the worker and the kit, each line read first and then changed;
beside it, the same two requests a line made plainly over HTTP, as many at once. `cpu_ms` is what an
operation costs this process, `per_core` what one core could do if it had nothing else to wait for.

`inventory_sync`: the whole inventory is read page by page and becomes cards, profiles and
subscriptions; beside it, COPY of as many rows with the same values into a table without a key.
`again` is the same inventory read once more, `rss_mb` the process after a tenth of it and at its peak.

    python bench/carriers.py [operations] [sims]
"""

import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from fairlead.config import load
from fairlead.embedded.postgres import Postgres, PostgresSettings
from fairlead.engine.bulk import Asked
from fairlead.engine.carrierwork import AT_ONCE, CarrierWorker
from fairlead.engine.fleet import Actor
from fairlead.engine.observe import Observer
from fairlead.engine.plans import Hand
from fairlead.engine.ports.bulk import Bulk, Lines
from fairlead.engine.ports.fleet import SubscriptionFilter
from fairlead.model.ids import PrincipalId, TenantId
from fairlead.model.subscription import Verb
from fairlead.store.bootstrap import bootstrap
from fairlead.store.migrate import migrate
from fairlead.store.observing import ObservationStore
from fairlead.wiring.house import House
from fairlead.wiring.run import open_house
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.world.radio import World

OPERATIONS, SIMS, RUNS = 3_000, 100_000, 3
SECRETS = {"auth_key_id": "keyId-f00dfeedbeef", "auth_key": "secret-0123456789abcdef"}
UNLIMITED = {name: {"per_second": 1e6, "burst": 10**6} for name in ("auth", "read", "write", "bulk")}
TENANT = TenantId(UUID("018f0000-0000-7000-8000-000000000001"))
ACTOR = Actor(tenant=TENANT, name="usr_bench")
HAND = Hand(person=PrincipalId(UUID(int=7)), actor="usr_bench")
PLAIN = (
    "create table plain (sim text, iccid text, imsi text, msisdn text, state smallint, provider_state text, plan text,"
    " connectivity smallint, at timestamptz)"
)


async def serve(sims: int, number: int) -> None:
    """The fake, until its input ends; `number` makes its cards others than the other fake's."""
    world = World(clock=lambda: datetime.now(UTC))
    for other in range(number):
        world.add_carrier(f"other {other}", name="Other", home="286-01", apns=frozenset())
    world.add_carrier("one", name="One", home="286-01", apns=frozenset({"apn"}))
    world.issue("one", sims, state="active")
    fake = SoracomFake(world, "one", **SECRETS, per_second=1e9, burst=10**9)
    async with serving(fake) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def carrier(sims: int, number: int) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "serve", str(sims), str(number),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        if process.returncode is None:
            process.kill()


async def account(house: House, name: str, url: str) -> None:
    config = {"base_url": url, "limits": UNLIMITED, "writes": "allowed"}
    made = await house.accounts.add(
        ACTOR, name=name, connector="soracom", carrier=name, home_country=None, config=config, credential=SECRETS,
        iccid_digits=19, staleness_s=1, now=house.timekeeper.now(),
    )  # fmt: skip
    assert made is not None


def observer(house: House) -> Observer:
    class NoClocks:
        async def read(self, *_: object) -> int:
            return 0

    return Observer(house.database, ObservationStore(), house.connectors, NoClocks(), lambda _: None, house.timekeeper)


async def sweep(house: House, name: str) -> int:
    looking = observer(house)
    (one,) = [found for found in await looking.accounts(TENANT) if found.name == name]
    return await looking.sweep(TENANT, one)


# --- operations -----------------------------------------------------------------------------------


async def operations(house: House, count: int) -> None:
    async with carrier(count, 0) as url:
        await account(house, "few", url)
        assert await sweep(house, "few") == count
        worker = CarrierWorker(house.stores, house.connectors, house.timekeeper)
        rates, limits, costs = [], [], []
        for _ in range(RUNS):
            lines = Lines(which=SubscriptionFilter(), iccids=None)
            asked = Asked(verb=Verb.ALLOW_TERMINATION, arguments={}, lines=lines, selected={})
            bulk = await house.bulks.start(ACTOR, HAND, asked, expect=count, reason="bench")
            assert isinstance(bulk, Bulk), bulk
            began, used = time.perf_counter(), time.process_time()
            while await worker.dispatch(TENANT):
                pass
            took, used = time.perf_counter() - began, time.process_time() - used
            done = await house.bulks.read(ACTOR, bulk.id)
            assert done is not None
            assert done.counts == {"verified": count}, done.counts
            rates.append(count / took)
            costs.append(used / count)
            limits.append(await plainly(url, count))
            await plainly(url, count, "disable_termination")  # so that the next run has something to change
    value, limit, cost = statistics.median(rates), statistics.median(limits), statistics.median(costs)
    print(json.dumps({
        "name": "carrier_operations", "value": round(value), "unit": "operations/s",
        "against": f"the same requests over plain HTTP, {AT_ONCE} at once", "against_value": round(limit),
        "ratio": round(value / limit, 3), "runs": RUNS, "spread": [round(min(rates)), round(max(rates))],
        "operations": count, "requests_each": 2, "cpu_ms": round(cost * 1e3, 2), "per_core": round(1 / cost),
    }), flush=True)  # fmt: skip


async def plainly(url: str, count: int, action: str = "enable_termination") -> float:
    """Lines a second when nothing is kept and nothing is checked."""
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=url, limits=limits, trust_env=False, timeout=60) as http:
        body = {"authKeyId": SECRETS["auth_key_id"], "authKey": SECRETS["auth_key"]}
        opened = (await http.post("/auth", json=body)).json()
        http.headers.update({"x-soracom-api-key": opened["apiKey"], "x-soracom-token": opened["token"]})
        sims, last = [], ""
        while len(sims) < count:
            page = (await http.get("/sims", params={"limit": 100, "last_evaluated_key": last})).json()
            sims += [one["simId"] for one in page]
            last = sims[-1]
        waiting = iter(sims)

        async def one_by_one() -> None:
            for sim in waiting:
                (await http.get(f"/sims/{sim}")).raise_for_status()
                (await http.post(f"/sims/{sim}/{action}")).raise_for_status()

        began = time.perf_counter()
        await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))
        return count / (time.perf_counter() - began)


# --- inventory ------------------------------------------------------------------------------------


def rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


async def watched(seen: Callable[[], float], samples: list[float]) -> None:
    while True:
        samples.append(seen())
        await asyncio.sleep(0.1)


async def inventory(house: House, dsn: str, count: int) -> None:
    async with carrier(count, 1) as url:
        await account(house, "many", url)
        samples: list[float] = []
        watching = asyncio.create_task(watched(rss_mb, samples))
        rates = []
        for _ in range(2):
            began = time.perf_counter()
            assert await sweep(house, "many") == count
            rates.append(count / (time.perf_counter() - began))
            if len(rates) == 1:
                first = list(samples)
        watching.cancel()
    assert (await one_number(dsn, "select count(*) from subscription s join account a on a.id = s.account "
                                  "where a.name = 'many'")) == count  # fmt: skip
    limit = copied(dsn, count)
    print(json.dumps({
        "name": "inventory_sync", "value": round(rates[0]), "unit": "rows/s",
        "against": "COPY into a table without a key", "against_value": round(limit),
        "ratio": round(rates[0] / limit, 3), "runs": 1, "rows": count, "again": round(rates[1]),
        "rss_mb": [round(first[len(first) // 10]), round(max(samples))],
    }), flush=True)  # fmt: skip


async def one_number(dsn: str, query: str) -> int:
    async with await psycopg.AsyncConnection.connect(dsn) as conn:
        row = await (await conn.execute(query)).fetchone()
    assert row is not None
    return int(row[0])


def copied(dsn: str, count: int) -> float:
    at = datetime.now(UTC).isoformat()
    rows = "".join(
        f"89901{n:014}\t89901{n:014}\t28601{n:010}\t90{n:010}\t4\tactive\tplan01s\t3\t{at}\n" for n in range(count)
    ).encode()
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(PLAIN)
        began = time.perf_counter()
        with conn.cursor() as cursor, cursor.copy("copy plain from stdin") as copy:
            copy.write(rows)
        return count / (time.perf_counter() - began)


async def main() -> None:
    given = [int(argument) for argument in sys.argv[1:]]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as text:
        home = Path(text)
        home.chmod(0o711)  # noqa: ASYNC240
        postgres = Postgres(home, PostgresSettings(shared_buffers_mb=512, max_wal_size_mb=4096))
        try:
            admin = postgres.start()
            dsns = await bootstrap(admin, database="bench", password="bench")
            await migrate(dsns.owner or "")
            async with open_house(load(environ={}, flags={"data_dir": str(home / "keys")}), dsns) as house:
                async with house.database.tenant(TENANT) as tx:
                    await tx.execute("select create_tenant(%s, 'acme', %s)", (TENANT, datetime.now(UTC)))
                await operations(house, given[0] if given else OPERATIONS)
                await inventory(house, make_conninfo(admin, dbname="bench"), given[1] if given[1:] else SIMS)
        finally:
            postgres.stop()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[2]), int(sys.argv[3])) if sys.argv[1:2] == ["serve"] else main())

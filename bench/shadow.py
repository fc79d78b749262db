"""How many shadow updates a second are committed and answered, beside what PostgreSQL commits by itself.

`shadow_updates`: 20,000 updates of 2,000 devices are published to NATS and answered by one service
process with `accepted`, which leaves after the commit. The limit it stands beside is the same
PostgreSQL writing the same two narrow rows an update (`reported`, and the device's contact and hash
in `fact`) in groups of the same size, two connections at once, and nothing else. Both with fsync.
The load comes over a plain socket, so that it costs little of the two cores.

    python bench/shadow.py [updates]
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import uvloop

from fairlead.bus.connection import open_client
from fairlead.bus.nats import NatsBus
from fairlead.edge.mqtt.shadow import ARITHMETIC, ShadowDoor
from fairlead.embedded.engines import EmbeddedEngines, Engines
from fairlead.engine.shadow import Shadows
from fairlead.model.ids import TenantId
from fairlead.store.bootstrap import bootstrap
from fairlead.store.database import Database, Dsns
from fairlead.store.migrate import migrate
from fairlead.store.moves import MoveStore
from fairlead.store.shadow import ShadowStore

DEVICES = 2_000
UPDATES = 20_000
GROUP = 512
WINDOW = 2_000
RUNS = 3
TENANT = TenantId(UUID("018f0000-0000-7000-8000-000000000001"))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEED = """
insert into device (tenant, id, name, created_at, updated_at)
select %(t)s, d, n, %(now)s, %(now)s from unnest(%(ids)s::uuid[], %(names)s::text[]) x (d, n);
insert into fact (tenant, device, country, carrier) select %(t)s, d, 'DE', 'Northwind' from unnest(%(ids)s::uuid[]) d;
insert into document (tenant, digest, content) values (%(t)s, 'x', '{"interval_s": 300}');
insert into facet (tenant, device, facet, desired, generation, offered, offered_generation, changed_at)
select %(t)s, d, 2, c.id, 1, c.id, 1, %(now)s from unnest(%(ids)s::uuid[]) d cross join document c
"""
KEPT = "select (select sum(version) from reported), (select count(*) from facet where observed_generation = 1)"
RAW = (
    """
insert into reported (tenant, device, facet, version, state, at)
select %(tenant)s, x.device, 2, x.version, x.state::jsonb, %(now)s
from unnest(%(devices)s::uuid[], %(versions)s::bigint[], %(states)s::text[]) x (device, version, state)
order by x.device
on conflict (tenant, device, facet) do update set version = excluded.version, state = excluded.state, at = excluded.at
""",
    """
update fact f set last_contact_at = %(now)s, config_hash = x.hash
from unnest(%(devices)s::uuid[], %(hashes)s::text[]) x (device, hash)
where f.tenant = %(tenant)s and f.device = x.device
""",
)


def state(device: int, turn: int) -> dict[str, object]:
    """What a tracker reports: some settings, and a few readings that change."""
    return {
        "interval_s": 300, "battery_mv": 3_600 + (device + turn) % 500, "uptime_s": turn * 300,
        "gps": {"fix": True, "satellites": 5 + turn % 9}, "firmware": "4.2.1",
    }  # fmt: skip


async def seed(dsns: Dsns) -> list[UUID]:
    """A tenant with devices to which a configuration is offered."""
    ids = [UUID(int=TENANT.int + n + 1) for n in range(DEVICES)]
    async with await psycopg.AsyncConnection.connect(dsns.app) as conn:
        await conn.execute("select create_tenant(%s, %s, %s)", (TENANT, "acme", NOW))
        await conn.execute("select set_config('app.tenant', %s, true)", (str(TENANT),))
        values = {"t": TENANT, "now": NOW, "ids": ids, "names": [f"d{n}" for n in range(DEVICES)]}
        for statement in SEED.split(";"):
            await conn.execute(statement, values)
    async with await psycopg.AsyncConnection.connect(dsns.owner or "", autocommit=True) as conn:
        await conn.execute("analyze")
    return ids


# --- the limit -----------------------------------------------------------------------------------


async def raw(dsns: Dsns, ids: list[UUID], updates: int) -> float:
    """Rows a second when nothing but the rows is written."""
    turns = iter(range(updates // GROUP))
    database = await Database.open(dsns, size=4)

    async def write() -> None:
        for turn in turns:
            devices = [ids[(turn * GROUP + n) % len(ids)] for n in range(GROUP)]
            values = {
                "tenant": TENANT, "now": NOW, "devices": devices, "versions": [turn + 1] * GROUP,
                "states": [json.dumps(state(n, turn)) for n in range(GROUP)],
                "hashes": [sha256(b"%d-%d" % (n, turn)).hexdigest() for n in range(GROUP)],
            }  # fmt: skip
            async with database.tenant(TENANT) as tx:
                for statement in RAW:
                    await tx.execute(statement, values)

    begun = time.monotonic()
    await asyncio.gather(write(), write())
    took = time.monotonic() - begun
    async with database.tenant(TENANT) as tx:
        await tx.execute("delete from reported")
    await database.close()
    return updates // GROUP * GROUP / took


# --- the service ---------------------------------------------------------------------------------


async def serve(url: str, password: str, dsn: str) -> None:
    """One service process, until its standard input ends."""
    database = await Database.open(Dsns(app=dsn, door=dsn), size=4)
    bus = NatsBus(await open_client(url, user="core", password=password, name="bench"))
    shadows = Shadows(database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=lambda: datetime.now(UTC))
    door = ShadowDoor(bus, shadows, now=lambda: datetime.now(UTC))
    await door.start()
    await bus.flush()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await door.stop()
    await bus.close()
    await database.close()


@asynccontextmanager
async def service(engines: Engines, dsns: Dsns) -> AsyncIterator[None]:
    """That process, ready to serve."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--serve", engines.nats_url, engines.nats.core_password, dsns.app,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert (await process.stdout.readline()).strip() == b"ready"
        yield
    finally:
        process.stdin.close()
        await process.wait()


async def load(engines: Engines, updates: int) -> float:
    """Publish with a window of unanswered updates; answers updates accepted a second."""
    place = urlsplit(engines.nats_url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 20)
    await reader.readline()
    login = {"user": "core", "pass": engines.nats.core_password, "verbose": False, "pedantic": False}
    writer.write(b"CONNECT " + json.dumps(login).encode() + b"\r\n")
    writer.write(b"SUB fairlead.v1.*.*.shadow.update.accepted 1\r\nSUB fairlead.v1.*.*.shadow.update.rejected 2\r\n")
    writer.write(b"PING\r\n")
    messages: list[bytes] = []
    for n in range(updates):
        body = json.dumps({"state": {"reported": state(n % DEVICES, n // DEVICES)}}).encode()
        messages.append(b"PUB fairlead.v1.acme.d%d.shadow.update %d\r\n%b\r\n" % (n % DEVICES, len(body), body))
    while b"PONG" not in await reader.readline():
        pass
    sent = accepted = 0
    tail = b""
    begun = time.monotonic()
    while accepted < updates:
        ahead = min(WINDOW - (sent - accepted), updates - sent)
        if ahead > 0:
            writer.write(b"".join(messages[sent : sent + ahead]))
            sent += ahead
        data = tail + await asyncio.wait_for(reader.read(1 << 18), 20)
        whole = data.rfind(b"\n") + 1
        lines, tail = data[:whole], data[whole:]
        assert b".rejected 2 " not in lines, lines
        accepted += lines.count(b".update.accepted 1 ")
        if b"PING\r\n" in lines:
            writer.write(b"PONG\r\n")
    took = time.monotonic() - begun
    writer.close()
    return updates / took


async def kept(dsns: Dsns) -> tuple[int, int]:
    """(sum of versions, facets acknowledged)."""
    async with await psycopg.AsyncConnection.connect(dsns.app) as conn:
        await conn.execute("select set_config('app.tenant', %s, true)", (str(TENANT),))
        row = await (await conn.execute(KEPT)).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])


async def measure(engines: Engines, updates: int) -> tuple[list[float], list[float]]:
    """Limit and service in turn, each several times."""
    dsns = await bootstrap(engines.dsn, database="bench", password="bench-only")
    await migrate(dsns.owner or "")
    ids = await seed(dsns)
    limits, served = list[float](), list[float]()
    for _ in range(RUNS):
        limits.append(await raw(dsns, ids, updates))
        async with service(engines, dsns):
            await load(engines, DEVICES)  # names, statements and documents are at hand afterwards
            served.append(await load(engines, updates))
        assert await kept(dsns) == (DEVICES + updates, DEVICES)  # every accepted update is there, once
    return limits, served


def main(updates: int) -> None:
    """One line of JSON."""
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as home:
        Path(home).chmod(0o755)
        both = EmbeddedEngines(Path(home) / "engines")
        engines = both.start()
        try:
            limits, served = asyncio.run(measure(engines, updates))
        finally:
            both.stop()
    value, against = statistics.median(served), statistics.median(limits)
    print(json.dumps({
        "name": "shadow_updates", "value": round(value), "unit": "updates/s",
        "against": "updates a second whose rows of `reported` and `fact` are committed in groups of the same size",
        "against_value": round(against),
        "ratio": round(value / against, 3), "runs": RUNS,
        "spread": [round(min(served)), round(max(served)), round(min(limits)), round(max(limits))],
    }))  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        uvloop.run(serve(*sys.argv[2:]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else UPDATES)

"""How long a page of devices takes with a million of them, over the HTTP door, behind the tenant wall.

`api_list_p99`: 70 % next pages, 20 % two filters, 10 % filters that match nothing and answer within
the time budget with a cursor. `api_search_p99`: exact and prefix searches over every name a device
has. Both in milliseconds, as `fairlead_app` under row-level security, through the whole application
(in process, no socket). Each stands beside the 99th percentile of fetching the same page of devices
by primary key, by the same role in the same run.

    python bench/api.py [devices]
"""

import asyncio
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import psycopg

from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import Gate, Services
from fairlead.embedded.postgres import Postgres, PostgresSettings
from fairlead.engine.fleet import Fleet
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.access import Principal
from fairlead.model.ids import PrincipalId, TenantId
from fairlead.store.bootstrap import bootstrap
from fairlead.store.counts import CountStore
from fairlead.store.database import Database, Dsns
from fairlead.store.devices import text
from fairlead.store.fleet import FleetStore
from fairlead.store.migrate import migrate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = TenantId(UUID("018f0000-0000-7000-8000-000000000001"))
MADE = Path(__file__).with_name("made_fleet.sql")
PAGE = 100
REQUESTS = 1_000
RUNS = 3
COUNTRIES = ("DE", "FR", "BR", "TR", "SA", "IN", "US", "MX", "AU", "CN", "GB", "JP", "ZA", "NG")

Request = tuple[str, dict[str, str]]


@dataclass(frozen=True)
class Known:
    principal: Principal
    token: None = None


class Doorman:
    """Lets in the one caller there is."""

    async def by_token(self, secret: str, *, now: datetime) -> Known:
        del secret, now
        return Known(Principal(tenant=TENANT, id=PrincipalId(UUID(int=1)), roles=frozenset({"owner"})))

    async def by_session(self, secret: str, *, csrf: str | None, writing: bool, now: datetime) -> None:
        del secret, csrf, writing, now


async def make(dsns: Dsns, count: int) -> None:
    """The fleet, vacuumed as a database that lives would be."""
    assert dsns.owner is not None
    await migrate(dsns.owner)
    blocks = re.split(r"^-- name: \w+$", MADE.read_text(), flags=re.MULTILINE)[1:]
    async with await psycopg.AsyncConnection.connect(dsns.app) as conn:
        await conn.execute("select create_tenant(%s, %s, %s)", (TENANT, "acme", NOW))
        await conn.execute("select set_config('app.tenant', %s, true)", (str(TENANT),))
        for block in blocks:
            await conn.execute(block, {"n": count, "now": NOW}, prepare=False)
    async with await psycopg.AsyncConnection.connect(dsns.owner, autocommit=True) as conn:
        for table in ("device", "fact", "profile", "subscription"):
            await conn.execute(f"vacuum (analyze) {table}")


class Lists:
    """The committed mix. A next page is the next of a walk that a client somewhere is on."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._cursors: list[tuple[dict[str, str], str]] = []

    def request(self) -> Request:
        draw = self._dice.random()
        if draw < 0.7 and self._cursors:
            filters, cursor = self._cursors.pop(self._dice.randrange(len(self._cursors)))
            return "keyset", filters | {"cursor": cursor}
        if draw < 0.7:
            return "keyset", {}
        if draw < 0.9:
            return "two filters", self._two()
        return "nothing", self._dice.choice([
            {"stance": "mandatory", "connectivity": "blocked"},
            {"country": self._dice.choice(COUNTRIES), "stance": "mandatory"},
            {"sku": f"sku-{self._dice.randrange(20)}", "connectivity": "blocked"},
            {"country": "ZW"},
        ])  # fmt: skip

    def learn(self, filters: dict[str, str], following: str | None) -> None:
        if following is not None and len(self._cursors) < 64:
            self._cursors.append(({name: value for name, value in filters.items() if name != "cursor"}, following))

    def _two(self) -> dict[str, str]:
        country, sku = self._dice.choice(COUNTRIES), f"sku-{self._dice.randrange(20)}"
        return self._dice.choice([
            {"country": country, "sku": sku},
            {"country": country, "carrier": f"carrier-{self._dice.randrange(4)}"},
            {"group": f"group-{self._dice.randrange(12)}", "stance": "prohibited"},
            {"batch": f"batch-{self._dice.randrange(50)}", "connectivity": "offline"},
            {"country": country, "roaming": "true"},
            {"breach_before": "2026-03-20T00:00:00Z", "country": country},
        ])  # fmt: skip


class Searches:
    """Every kind of name, exact and by prefix, also of nobody."""

    def __init__(self, dice: random.Random, count: int) -> None:
        self._dice = dice
        self._count = count

    def request(self) -> Request:
        n = self._dice.randrange(self._count)
        kind, query = self._dice.choice([
            ("name", f"trk-{n:07d}"), ("name prefix", f"trk-{n:07d}"[:9]), ("serial", f"SN{n:09d}"),
            ("serial prefix", f"sn{n:09d}"[:8]), ("IMEI", f"35{n:013d}"), ("ICCID", f"8944{n:013d}00"),
            ("ICCID prefix", f"8944{n:013d}"[:14]), ("IMSI", f"262{f'{n:013d}'[1:]}"), ("digit prefix", "35"),
            ("nobody", f"9{n:09d}"), ("nobody", f"no-{n}"),
        ])  # fmt: skip
        filters = {"country": self._dice.choice(COUNTRIES)} if self._dice.random() < 0.2 else {}
        return kind, filters | {"q": query}

    def learn(self, filters: dict[str, str], following: str | None) -> None:
        """A search is not followed here."""


async def measure(client: httpx.AsyncClient, mix: Lists | Searches, count: int) -> dict[str, list[float]]:
    """Milliseconds of requests by kind."""
    took: dict[str, list[float]] = {}
    for _ in range(count):
        kind, params = mix.request()
        began = time.perf_counter()
        answer = await client.get("/v1/devices", params=params | {"limit": str(PAGE)})
        took.setdefault(kind, []).append((time.perf_counter() - began) * 1_000)
        assert answer.status_code == 200, answer.text
        mix.learn(params, answer.json()["next"])
    return took


async def by_key(database: Database, dice: random.Random, ids: list[UUID], count: int) -> list[float]:
    """Milliseconds of fetching a page of devices whose ids are known."""
    took: list[float] = []
    for _ in range(count):
        wanted = dice.sample(ids, PAGE)
        began = time.perf_counter()
        async with database.tenant(TENANT) as conn:
            await (await conn.execute(text("devices"), {"ids": wanted})).fetchall()
        took.append((time.perf_counter() - began) * 1_000)
    return took


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    return sorted(values)[max(0, -(-len(values) * 99 // 100) - 1)]


def report(name: str, runs: list[dict[str, list[float]]], key: list[float]) -> None:
    """One JSON line, and on standard error the kinds apart."""
    values = [p99([one for kind in run.values() for one in kind]) for run in runs]
    value = statistics.median(values)
    print(json.dumps({
        "name": name, "value": round(value, 2), "unit": "ms", "against": "the same page by primary key, p99",
        "against_value": round(p99(key), 2), "ratio": round(value / p99(key), 2), "runs": len(runs),
        "spread": round(max(values) - min(values), 2),
    }))  # fmt: skip
    for kind in sorted({kind for run in runs for kind in run}):
        taken = [one for run in runs for one in run.get(kind, [])]
        figures = f"n={len(taken):5} median={statistics.median(taken):6.1f} p99={p99(taken):6.1f}"
        print(f"  {kind:14} {figures}", file=sys.stderr)


async def run(count: int, dsns: Dsns) -> None:
    """Both figures."""
    began = time.perf_counter()
    await make(dsns, count)
    print(f"  {count} devices made in {time.perf_counter() - began:.1f} s", file=sys.stderr)
    database = await Database.open(dsns, size=4)
    counts = CountStore(database)
    began = time.perf_counter()
    await counts.refresh(TENANT, NOW)
    print(f"  counted in {time.perf_counter() - began:.2f} s", file=sys.stderr)
    services = Services(Timekeeper.lab(1.0, NOW), Fleet(FleetStore(database), counts))
    services.add(Doorman(), under=Gate)
    transport = httpx.ASGITransport(app=create_app(services))
    dice = random.Random(7)
    async with (
        httpx.AsyncClient(
            transport=transport, base_url="http://door", headers={"authorization": "Bearer owner"}
        ) as client,
        database.tenant(TENANT) as conn,
    ):
        sample = "select id from device where id > %s order by id limit 20000"
        found = await conn.execute(sample, (UUID(int=dice.getrandbits(126)),))
        ids = [row[0] for row in await found.fetchall()]
        mixes: list[tuple[str, Callable[[], Lists | Searches]]] = [
            ("api_list_p99", lambda: Lists(dice)),
            ("api_search_p99", lambda: Searches(dice, count)),
        ]
        for name, mix in mixes:
            await measure(client, mix(), 100)  # caches warm, statements prepared
            runs = [await measure(client, mix(), REQUESTS) for _ in range(RUNS)]
            report(name, runs, await by_key(database, dice, ids, REQUESTS))
    await database.close()


def main() -> None:
    """A throw-away PostgreSQL, a fleet, the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        postgres = Postgres(Path(home), PostgresSettings(fsync=False))
        try:
            dsns = asyncio.run(bootstrap(postgres.start(), database="fairlead", password="bench"))
            asyncio.run(run(count, dsns))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()

"""How long the fleet takes to resolve, and a stage to open: `resolve_cold`, `resolve_incremental`, `stage_open`.

A million devices against 200 committed policies, 160 of them bound to a country and 40 on SKU,
group, usage and contact, all through the store and engine functions that the server uses, as
fairlead_app under row-level security, with fsync. Beside each stands the machine's own figure in
the same run: copying as many narrow rows into a table of the same shape.

    python bench/resolve.py [devices]
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from fairlead.embedded.postgres import Postgres, PostgresSettings
from fairlead.engine.changes import new_change
from fairlead.engine.mint import uuid7
from fairlead.engine.plans import File, Hand, Planner, Refused
from fairlead.engine.ports.planning import NewRevision
from fairlead.engine.resolve import Resolver
from fairlead.engine.situations import Able, Situations
from fairlead.engine.stages import Stages
from fairlead.engine.stores import Stores
from fairlead.model.ids import PrincipalId, TenantId
from fairlead.model.rollout import read_rollout
from fairlead.model.subscription import VerbCapability
from fairlead.store.bootstrap import bootstrap
from fairlead.store.changes import ChangeStore
from fairlead.store.database import Database
from fairlead.store.journal import append
from fairlead.store.migrate import migrate
from fairlead.store.moves import MoveStore
from fairlead.store.planning import PlanStore
from fairlead.store.policies import PolicyStore

DEVICES = 1_000_000
STAGE = 250_000
COUNTRIES = 80
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = TenantId(UUID("018f0000-0000-7000-8000-000000000001"))
HAND = Hand(person=PrincipalId(UUID(int=7)), actor="usr_bench")
FLEET = """
insert into device (tenant, id, name, sku, device_group, secret_hash, created_at, updated_at)
select %(tenant)s, ('0197' || lpad(to_hex(n / 65536), 8, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
       'dev-' || n, 'SKU-' || n %% 20, 'group-' || n %% 12, 'x', %(now)s, %(now)s
from generate_series(0, %(n)s - 1) n;
"""
FACTS = """
insert into fact (tenant, device, sku, device_group, device_state, country, carrier, roaming, home_country, usage_24h_bytes,
                  last_contact_at, breach_at, place_at)
select d.tenant, d.id, d.sku, d.device_group, 'active', 'C' || chr(65 + (h.h %% %(countries)s) / 26) || chr(65 + (h.h %% %(countries)s) %% 26),
       'carrier-' || h.h / 97 %% 4, h.h %% 10 < 4, 'GB', (h.h %% 1000)::bigint * 100000, %(now)s - (h.h %% 86400) * interval '1 second',
       case when h.h %% 50 = 0 then %(now)s + (h.h / 50 %% 120) * interval '1 day' end, %(now)s
from device d cross join lateral (select abs(hashtext(d.id::text)) as h) h order by d.id
"""


def policies() -> list[str]:
    """160 bound to a country, 40 on SKU, group, usage and contact."""
    made: list[str] = []
    for n in range(160):
        country = f"C{chr(65 + (n % COUNTRIES) // 26)}{chr(65 + (n % COUNTRIES) % 26)}"
        extra = (
            "roaming",
            'clock("permanent-roaming").days_left <= 30',
            "usage_24h_bytes > 50 * MB",
            'sku == "SKU-3"',
        )[n % 4]
        made.append(_policy(n, f'country == "{country}" && {extra}'))
    for n in range(160, 200):
        match = (
            f'sku == "SKU-{n % 20}"',
            f'group == "group-{n % 12}"',
            f"usage_24h_bytes > {n} * MB",
            f'last_contact_age > duration("{n % 23 + 1}h")',
        )[n % 4]
        made.append(_policy(n, match))
    return made


def _policy(n: int, match: str) -> str:
    return (
        f"apiVersion: fairlead/v1\nkind: Policy\nmetadata: {{name: rule-{n}}}\nspec:\n  priority: {n + 1}\n"
        f"  match: '{match}'\n  admit: auto\n  set:\n    config: {{merge: {{key_{n}: {n}}}}}\n  reason: bench\n"
    )


def line(name: str, values: list[float], unit: str, against: str, limit: float, **more: Any) -> None:
    value = statistics.median(values)
    print(json.dumps({
        "name": name, "value": round(value, 4), "unit": unit, "against": against, "against_value": round(limit, 4),
        "ratio": round(value / limit, 3), "runs": len(values), "spread": [round(min(values), 4), round(max(values), 4)], **more,
    }), flush=True)  # fmt: skip


def _able(able: Able, connector: str, _config: object) -> Able:
    return able if connector else Able()


class Bench:
    def __init__(self, database: Database, n: int) -> None:
        self.database = database
        self.n = n
        self.stores = Stores(
            transactions=database,
            policies=PolicyStore(),
            plans=PlanStore(),
            changes=ChangeStore(),
            moves=MoveStore(),
            append=append,
        )
        self.resolver = Resolver(self.stores)

    async def sql(self, query: str, **values: Any) -> list[Any]:
        async with self.database.tenant(TENANT) as tx:
            found = await tx.execute(query, values)
            return await found.fetchall() if found.description else []

    async def fleet(self) -> None:
        async with self.database.nameless() as tx:
            await tx.execute("select create_tenant(%s, 'acme', %s)", (TENANT, NOW))
        await self.sql(FLEET, tenant=TENANT, n=self.n, now=NOW)
        await self.sql(FACTS, countries=COUNTRIES, now=NOW)

    async def keep(self, texts: list[str]) -> None:
        """Committed policies: kept revisions, as if their Changes had settled long ago."""
        async with self.database.tenant(TENANT) as tx:
            for text in texts:
                name = text.split("name: ")[1].split("}")[0]
                policy = await self.stores.policies.ensure_policy(tx, uuid7(NOW), "Policy", name, NOW)
                new = NewRevision(
                    policy=policy, resource={}, source=text, digest=text.encode(), removed=False, author=HAND.person
                )
                await self.stores.policies.add_revision(tx, new, NOW)
            await tx.execute("update revision set state = 2")
            await tx.execute("update policy set kept = 1, standing = id")

    async def narrow_rows(self, n: int) -> float:
        """The machine: as many narrow keyed rows, written once, committed."""
        started = time.perf_counter()
        async with self.database.tenant(TENANT) as tx:
            await tx.execute(
                "insert into dirty (tenant, device) select tenant, device from fact order by device limit %(n)s",
                {"n": n},
            )
        took = time.perf_counter() - started
        await self.sql("delete from dirty")
        return took

    async def cold(self, runs: int) -> None:
        values: list[float] = []
        shares: list[dict[str, float]] = []
        resolved = None
        for _ in range(runs):
            await self.admin("truncate standing, transition, exception, class, stratum, class_document")
            timings: dict[str, float] = {}
            started = time.perf_counter()
            resolved = await self.resolver.whole(TENANT, NOW, cause="bench", timings=timings)
            values.append(time.perf_counter() - started)
            shares.append(timings)
        classes = (await self.sql("select count(*) from class"))[0][0]
        limit = await self.narrow_rows(self.n)
        parts = {f"{k}_s": round(statistics.median(s[k] for s in shares), 3) for k in shares[0]}
        line("resolve_cold", values, "s", "as many narrow keyed rows written", limit, devices=self.n, policies=200,
             combinations=resolved.combinations if resolved else 0, classes=classes, **parts)  # fmt: skip

    async def incremental(self, runs: int) -> None:
        values: list[float] = []
        limits: list[float] = []
        for run in range(runs):
            await self.sql(
                "update fact set country = case when country = 'CAA' then 'CAB' else 'CAA' end, usage_24h_bytes = usage_24h_bytes + 60000000"
                " where device in (select device from fact order by device offset %(o)s limit 1000)", o=run * 1000)  # fmt: skip
            await self.sql(
                "insert into dirty select tenant, device from fact where device in"
                " (select device from fact order by device offset %(o)s limit 1000)", o=run * 1000)  # fmt: skip
            started = time.perf_counter()
            await self.resolver.dirty(TENANT, NOW)
            values.append(time.perf_counter() - started)
            started = time.perf_counter()
            await self.sql(
                "update standing set stratum = stratum where device in (select device from fact order by device offset %(o)s limit 1000)",
                o=run * 1000)  # fmt: skip
            limits.append(time.perf_counter() - started)
        line(
            "resolve_incremental",
            values,
            "s",
            "the same 1,000 narrow rows updated",
            statistics.median(limits),
            devices=1000,
            of=self.n,
        )

    async def stage(self, runs: int) -> None:
        values: list[float] = []
        limits: list[float] = []
        size = min(STAGE, self.n // 4)
        for run in range(runs):
            await self.admin(
                "truncate standing, transition, exception, class, stratum, class_document, facet, move, batch, operation, situation, change, plan, revision, policy cascade"
            )
            await self.sql(
                f"update fact set device_batch = case when device < (select device from fact order by device offset {size} limit 1) then 'stage' end"
            )
            text = (
                f"apiVersion: fairlead/v1\nkind: Policy\nmetadata: {{name: move-{run}}}\nspec:\n  priority: 10\n  match: 'batch == \"stage\"'\n"
                "  until: 'false'\n  set:\n    network: {carrier: local, method: local-profile, apn: iot.example}\n"
                "    config: {merge: {report_interval_s: 900}}\n  couple: [network, config]\n  reason: bench\n"
            )
            await self.sql("insert into account (tenant, id, name, connector, carrier, created_at, updated_at)"
                           " values (%(t)s, %(t)s, 'local', 'soracom', 'local', %(now)s, %(now)s) on conflict do nothing", t=TENANT, now=NOW)  # fmt: skip
            if run == 0:
                await self.sql("insert into profile (tenant, id, card, device, account, slot, iccid, iccid_raw)"
                               " select tenant, id, id, id, tenant, 2, '8944' || substr(name, 5), '' from device order by id limit %(n)s", n=size)  # fmt: skip
                await self.sql("insert into subscription (tenant, id, profile, account, device, iccid, state)"
                               " select tenant, id, id, account, device, iccid, 4 from profile")  # fmt: skip
                await self.admin("analyze")
            meanings = {verb: VerbCapability(supported=True) for verb in ("activate", "suspend")}
            can = Able(meanings=meanings)
            situations = Situations(self.stores, partial(_able, can))
            planner, stages = Planner(self.stores, situations), Stages(self.stores)
            plan = await planner.make(TENANT, HAND, [File(name="b.yaml", text=text)], now=NOW)
            assert not isinstance(plan, Refused), plan
            assert plan.summary["movable"] == size, plan.summary
            change = new_change(plan, HAND, read_rollout({"stages": [100]}), "", "", NOW, emergency=False)
            async with self.database.tenant(TENANT) as tx:
                await self.stores.changes.insert(tx, change)
                await self.stores.policies.try_revisions(tx, change.id, [r["rule"] for r in plan.resources])
            started = time.perf_counter()
            async with self.database.tenant(TENANT) as tx:
                await stages.start(tx, TENANT, change, NOW + timedelta(seconds=1))
            values.append(time.perf_counter() - started)
            moves, facets = (await self.sql("select (select count(*) from move), (select count(*) from facet)"))[0]
            assert moves == size, moves
            assert facets >= 2 * size, facets
            limits.append(await self.narrow_rows(size))
        line(
            "stage_open",
            values,
            "s",
            "as many narrow keyed rows written",
            statistics.median(limits),
            devices=size,
            facet_rows=facets,
            of=self.n,
        )

    async def admin(self, query: str) -> None:
        async with await psycopg.AsyncConnection.connect(self.admin_dsn, autocommit=True) as conn:
            await conn.execute(query)


async def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else DEVICES
    only = set(sys.argv[2].split(",")) if len(sys.argv) > 2 else {"cold", "incremental", "stage"}
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as home:
        Path(home).chmod(0o755)  # noqa: ASYNC240 - before anything runs
        postgres = Postgres(Path(home), PostgresSettings(shared_buffers_mb=1024, max_wal_size_mb=4096))
        try:
            admin = postgres.start()
            dsns = await bootstrap(admin, database="bench", password="bench")
            await migrate(dsns.owner)
            database = await Database.open(dsns, size=4)
            bench = Bench(database, n)
            bench.admin_dsn = make_conninfo(admin, dbname="bench")
            await bench.fleet()
            await bench.admin("analyze")
            await bench.keep(policies())
            if "cold" in only:
                await bench.cold(3 if n < 500_000 else 2)
            if "incremental" in only:
                if "cold" not in only:
                    await bench.resolver.whole(TENANT, NOW, cause="bench")
                await bench.admin("analyze")
                await bench.incremental(5)
            if "stage" in only:
                await bench.stage(2)
            await database.close()
        finally:
            postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())

"""The first page's figures: counted right, and read by index however large the fleet is."""

import json
from datetime import timedelta
from uuid import UUID

import pytest_asyncio

from fairlead.model.ids import TenantId
from fairlead.store.counts import CountStore
from fairlead.store.database import Database
from fairlead.store.home import HomeStore

from .test_fleet_plans import NOW, Explaining, Watched, make_fleet, scans

DEVICES = 20_000
LARGE = {"fact", "facet", "subscription", "move", "operation", "device", "batch", "change"}
CHANGE = UUID(int=9)


async def history(database: Database, tenant) -> None:
    """A Change that every device went through: 40 moves are stuck, 30 operations unknown, 500 under way."""
    async with database.tenant(tenant) as conn:
        await conn.execute(
            "insert into move (tenant, change, device, wave, situation, stratum, stage, state, from_class, to_class,"
            " next_at, opened_at) select tenant, %(c)s, id, 0, 0, 0, 0,"
            " case when n <= 40 then 8 when n <= 540 then 2 else 3 end, 0, 0,"
            " case when n > 40 and n <= 540 then %(now)s::timestamptz end, %(now)s"
            " from (select tenant, id, row_number() over (order by id) as n from device) d",
            {"c": CHANGE, "now": NOW},
        )
        await conn.execute(
            "insert into operation (tenant, id, change, wave, device, subject, subject_kind, facet, generation, step,"
            " attempt, driver, verb, state, deadline) select tenant, id, %(c)s, 0, id, id, 1, 2, 1, 0, 1, 'shadow',"
            " 'set', case when n <= 30 then 10 when n <= 9000 then 2 else 5 end, %(now)s"
            " from (select tenant, id, row_number() over (order by id) as n from device) d",
            {"c": CHANGE, "now": NOW},
        )
        # 700 devices are out of sync: 40 stuck, 500 under way, 160 that nobody looks after any more
        await conn.execute(
            "update facet set desired = 1, generation = 2, observed_generation = 1 where device in"
            " (select id from device order by id limit 700)"
        )
        await conn.execute("update facet set desired = 1, observed_generation = 1 where generation = 1")
        for n in range(2_000):
            state = {0: 4, 1: 5, 2: 7}.get(n, 8)
            await conn.execute(
                "insert into change (tenant, id, title, kind, state, author, plan, rollout, salt, created_at)"
                " values (%s, %s, '', 1, %s, %s, %s, '{}', 0, %s)",
                (tenant, UUID(int=n + 1), state, CHANGE, CHANGE, NOW),
            )
            await conn.execute(
                "insert into batch (tenant, change, wave, stratum, stage, percent, state, admitted, opened_at)"
                " values (%s, %s, 0, 0, 0, 100, %s, 250, %s)",
                (tenant, UUID(int=n + 1), 1 if n == 0 else 2, NOW),
            )
        for plan, currency, monthly, since in (
            ("iot-1", "EUR", 2, -30), ("iot-1", "EUR", 3, -1), ("iot-1", "EUR", 9, 5), ("unused", "USD", 1, -9),
        ):  # fmt: skip
            await conn.execute(
                "insert into price (tenant, plan, currency, activation_nano, monthly_nano, per_mb_nano, valid_from)"
                " values (%s, %s, %s, 0, %s, 0, %s)",
                (tenant, plan, currency, monthly * 10**9, (NOW + timedelta(days=since)).date()),
            )
        await conn.execute("update account set failing_since = %s where name = 'carrier-2'", (NOW,))
        await conn.execute(
            "update subscription set plan = null where id in (select id from device order by id limit 11)"
        )
        await conn.execute(
            "update subscription set state = 6 where id in (select id from device order by id desc limit 5)"
        )


@pytest_asyncio.fixture(loop_scope="session")
async def filled(database, database_dsns, tenant):
    await make_fleet(database, database_dsns.owner, tenant, DEVICES)
    await history(database, tenant)
    counts = CountStore(database)
    await counts.refresh(tenant, NOW)
    await counts.glance(tenant, NOW - timedelta(seconds=20))
    await counts.glance(tenant, NOW + timedelta(seconds=20))
    await counts.refresh(tenant, NOW + timedelta(seconds=40))
    watched = await Watched.open(database_dsns, size=2)
    yield watched
    await watched.close()


async def test_the_figures_are_those_of_the_tables(filled, database, tenant):
    found = await HomeStore(database).figures(tenant, NOW.date())
    assert (found.stuck, found.unknown, found.accounts, found.failing) == (40, 30, 4, 1)
    assert found.out_of_sync == 200  # those that are stuck and those that nobody looks after
    assert found.changes == {"running": 1, "paused": 1, "standing": 1}
    assert found.moving == 250
    assert found.plans == {"iot-1": DEVICES - 16, "": 11}
    assert [(price.plan, price.monthly_nano) for price in found.prices] == [("iot-1", 3 * 10**9), ("unused", 10**9)]
    assert found.counted_at == NOW + timedelta(seconds=40)
    assert found.glanced_at == NOW + timedelta(seconds=20)
    loads = await CountStore(database).country_loads(tenant, NOW + timedelta(seconds=20))
    for bucket in ("breached", "within_7", "within_30", "within_90"):
        there = {load.country: getattr(load, bucket) for load in loads if getattr(load, bucket)}
        assert {country: n for (b, country), n in found.breaches.items() if b == bucket} == there
        assert there or bucket == "breached"
    shown = {count.dimension for count in await CountStore(database).counts(tenant)}
    assert not [dimension for dimension in shown if dimension.startswith("home.")]


async def test_no_question_scans_a_table_that_grows_with_the_fleet(filled, database_dsns, tenant):
    Explaining.seen = []
    await HomeStore(filled).figures(tenant, NOW.date())
    assert len(Explaining.seen) == 8
    for text, plan in Explaining.seen:
        assert not LARGE & set(scans(plan)), f"sequential scan in\n{text}\n{json.dumps(plan, indent=1)}"
        assert plan["Total Cost"] < 200, f"{plan['Total Cost']} for\n{text}"


async def test_another_tenant_has_nothing(filled, database, tenant):
    other = TenantId(UUID("018f0000-0000-7000-8000-00000000000f"))
    async with database.nameless() as conn:
        await conn.execute("select create_tenant(%s, 'other', %s)", (other, NOW))
    found = await HomeStore(database).figures(other, NOW.date())
    assert (found.counted_at, found.devices, found.stuck, found.accounts, found.prices) == (None, 0, 0, 0, [])

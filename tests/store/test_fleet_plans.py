"""How PostgreSQL answers the questions of lists, search and one device: by index, as fairlead_app, walls up.

Each statement that the store really sends is explained in the same transaction just before it runs.
"""

import json
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest_asyncio

from fairlead.engine.ports.fleet import DeviceFilter, SubscriptionFilter
from fairlead.model.device import DeviceState
from fairlead.model.ids import DeviceId, TenantId
from fairlead.store.counts import CountStore, refresh_sim_counts
from fairlead.store.database import Database
from fairlead.store.fleet import FleetStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEVICES = 30_000
MADE = Path(__file__).parents[2] / "bench" / "made_fleet.sql"
HOT = {"device", "fact", "profile", "subscription", "card", "facet", "reported"}


class Explaining(psycopg.AsyncCursor):
    """Explains each statement before it runs."""

    seen: list[tuple[str, dict]]

    async def execute(self, query, params=None, **more):
        text = query.as_string(self.connection) if hasattr(query, "as_string") else query
        text = text.decode() if isinstance(text, bytes) else text
        if (
            re.match(r"\s*(--[^\n]*\n\s*)*(select|with|update|insert|delete)", text, re.IGNORECASE)
            and "set_config" not in text
        ):
            asked = psycopg.AsyncCursor(self.connection)
            await asked.execute(f"explain (format json) {text}", params)
            Explaining.seen.append((text, (await asked.fetchone())[0][0]["Plan"]))
        return await super().execute(query, params, **more)


class Watched(Database):
    """A database whose tenant transactions are explained."""

    @asynccontextmanager
    async def tenant(self, tenant: TenantId):
        async with super().tenant(tenant) as conn:
            conn.cursor_factory = Explaining
            try:
                yield conn
            finally:
                conn.cursor_factory = psycopg.AsyncCursor


def scans(plan: dict) -> list[str]:
    found = [plan["Relation Name"]] if plan["Node Type"] in {"Seq Scan", "Parallel Seq Scan"} else []
    return found + [name for below in plan.get("Plans", ()) for name in scans(below)]


def sorted_rows(plan: dict) -> list[float]:
    found = [plan["Plan Rows"]] if plan["Node Type"] == "Sort" else []
    return found + [rows for below in plan.get("Plans", ()) for rows in sorted_rows(below)]


async def make_fleet(database: Database, owner: str, tenant: TenantId, count: int) -> None:
    """Fill a tenant with a made fleet."""
    blocks = re.split(r"^-- name: \w+$", MADE.read_text(), flags=re.MULTILINE)[1:]
    async with database.tenant(tenant) as conn:
        for block in blocks:
            await conn.execute(block, {"n": count, "now": NOW}, prepare=False)
        await conn.execute(
            "insert into facet (tenant, device, facet, generation, changed_at) select tenant, id, 2, 1, %s from device",
            (NOW,),
        )
        await conn.execute(
            "insert into reported (tenant, device, facet, version, state, at) select tenant, id, 2, 1, '{}', %s from device",
            (NOW,),
        )
    async with await psycopg.AsyncConnection.connect(owner, autocommit=True) as conn:
        await conn.execute("vacuum analyze")


@pytest_asyncio.fixture(loop_scope="session")
async def store(database, database_dsns, tenant):
    await make_fleet(database, database_dsns.owner, tenant, DEVICES)
    await CountStore(database).refresh(tenant, NOW)
    watched = await Watched.open(database_dsns, size=2)
    Explaining.seen = []
    yield FleetStore(watched)
    await watched.close()


async def test_lists_search_and_one_device_use_indexes(store, tenant):
    async def list_all(**conditions):
        Explaining.seen.clear()
        found = await store.devices(tenant, DeviceFilter(**conditions), after=None, limit=100, budget_s=0.5)
        again = (
            await store.devices(tenant, DeviceFilter(**conditions), after=found.next, limit=100, budget_s=0.5)
            if found.next
            else found
        )
        tally = await store.tally(tenant, DeviceFilter(**conditions), ("country", "sku"), budget_s=60)
        assert tally.complete
        assert tally.devices >= len(found.devices)
        assert sum(n for _, n in tally.by["sku"]) == sum(n for _, n in tally.by["country"]) == tally.devices
        check(conditions)
        return found, again

    def check(what):
        assert Explaining.seen, what
        for text, plan in Explaining.seen:
            assert not HOT & set(scans(plan)), f"{what}: sequential scan in\n{text}\n{json.dumps(plan, indent=1)}"
            assert all(rows < 10_000 for rows in sorted_rows(plan)), f"{what}: sorts many rows in\n{text}"

    for conditions in (
        {},
        {"country": "BR"},
        {"carrier": "carrier-1"},
        {"sku": "sku-3"},
        {"group": "group-2"},
        {"region": "region-1"},
        {"batch": "batch-7"},
        {"state": DeviceState.QUARANTINED},
        {"stance": "prohibited"},
        {"connectivity": "offline"},
        {"roaming": True},
        {"breach_before": NOW + timedelta(days=30)},
        {"country": "BR", "sku": "sku-3"},
        {"country": "BR", "breach_before": NOW + timedelta(days=30)},
        {"stance": "prohibited", "breach_before": NOW + timedelta(days=30)},
        {"departments": frozenset({"group-1", "group-2"})},
    ):
        found, again = await list_all(**conditions)
        assert found.devices, conditions
        for device in (*found.devices, *again.devices):
            for name, value in conditions.items():
                match name:
                    case "country" | "carrier" | "connectivity" | "roaming":
                        assert getattr(device.facts, name) == value
                    case "stance":
                        assert device.facts.law_stance == value
                    case "breach_before":
                        assert device.facts.breach_at < value
                    case "departments":
                        assert device.group in value
                    case _:
                        assert getattr(device, name) == value
        if again is not found:
            assert not {d.id for d in found.devices} & {d.id for d in again.devices}

    for query in ("trk-0001234", "trk-00012", "SN0000123", "35000000", "8944000", "262000", "nothing"):
        Explaining.seen.clear()
        found = await store.search(tenant, query, DeviceFilter(), after=None, limit=50, budget_s=1)
        check(query)
        assert bool(found.devices) == (query != "nothing")
        await store.search(tenant, query, DeviceFilter(country="BR"), after=None, limit=50, budget_s=1)
        check(query)

    Explaining.seen.clear()
    device = await store.device(tenant, "trk-0001234")
    assert device is not None
    await store.device(tenant, DeviceId(device.id))
    await store.details(tenant, device)
    await store.subscription(tenant, "8944000000000123400")
    account = (await store.accounts(tenant))[0].id
    page = await store.subscriptions(tenant, SubscriptionFilter(), after=None, limit=100, budget_s=1)
    assert len(page.subscriptions) == 100
    page = await store.subscriptions(
        tenant,
        SubscriptionFilter(account=account, account_name="carrier-0", state=4),
        after=page.next,
        limit=100,
        budget_s=1,
    )
    assert len(page.subscriptions) == 100
    await store.subscriptions(tenant, SubscriptionFilter(device=DeviceId(device.id)), after=None, limit=100, budget_s=1)
    check("one device")


async def test_cards_profiles_and_subscriptions_are_found_by_indexes(store, tenant, database_dsns):
    async with store._database.tenant(tenant) as conn:
        await conn.execute(
            "update card set technology = 'euicc', eid = '89049032' || lpad((('x' || substr(id::text, 1, 7))::bit(28)::int)::text, 24, '0') where id < '40000000-0000-0000-0000-000000000000'"
        )
        await conn.execute("update card set multi_imsi = true where id > 'f0000000-0000-0000-0000-000000000000'")
        await conn.execute("update profile set msisdn = '4915' || substr(imsi, 4)")
        await conn.execute(
            "update subscription set state = 6, connectivity = 1 where id > 'e0000000-0000-0000-0000-000000000000'"
        )
        await conn.execute("update subscription set plan = 'rare' where id > 'ff000000-0000-0000-0000-000000000000'")
        await refresh_sim_counts(conn, tenant, NOW)
        counts = dict(
            await (
                await conn.execute("select dimension || '=' || value, n from fleet_count where dimension like 'sim.%%'")
            ).fetchall()
        )
    async with await psycopg.AsyncConnection.connect(database_dsns.owner, autocommit=True) as conn:
        await conn.execute("vacuum analyze")
    account = next(one for one in await store.accounts(tenant) if one.name == "carrier-1")
    asked = (
        ({}, "sim.all="),
        ({"account": account.id, "account_name": "carrier-1"}, "sim.account=carrier-1"),
        ({"state": 6}, "sim.state=suspended"),
        ({"plan": "rare"}, "sim.plan=rare"),
        ({"connectivity": 1}, "sim.connectivity=online"),
        ({"technology": "euicc"}, "sim.technology=euicc"),
        ({"remote": True}, "sim.remote=changeable"),
        ({"remote": False}, "sim.remote=swap_needed"),
        ({"form_factor": "4FF"}, "sim.form_factor=4FF"),
        ({"country": "BR"}, "sim.country=BR"),
        ({"account": account.id, "account_name": "carrier-1", "state": 6}, "sim.account_state=carrier-1/suspended"),
    )
    for conditions, counted in asked:
        Explaining.seen.clear()
        which, seen, place = SubscriptionFilter(**conditions), [], None
        while True:
            page = await store.subscriptions(tenant, which, after=place, limit=1_000, budget_s=60)
            seen += [one.id for one in page.subscriptions]
            place = page.next
            if place is None:
                break
        assert len(seen) == len(set(seen)) == counts[counted] > 0, conditions
        for text, plan in Explaining.seen:
            assert not HOT & set(scans(plan)), f"{conditions}: sequential scan in\n{text}\n{json.dumps(plan, indent=1)}"
            assert all(rows < 10_000 for rows in sorted_rows(plan)), f"{conditions}: sorts many rows in\n{text}"
    both = await store.subscriptions(
        tenant, SubscriptionFilter(technology="uicc", remote=True), after=None, limit=5, budget_s=60
    )
    assert {(one.technology, one.multi_imsi, one.remotely_changeable) for one in both.subscriptions} == {
        ("uicc", True, True)
    }

    for query, least in (
        ("8944", 1_000),
        ("262", 1_000),
        ("49150", 1_000),
        ("89049032", 1_000),
        ("0000", 0),
        ("89", 1_000),
    ):
        for which in (SubscriptionFilter(), SubscriptionFilter(remote=True)):
            Explaining.seen.clear()
            seen, place, pages = [], None, 0
            while pages < 3:
                page = await store.search_subscriptions(tenant, query, which, after=place, limit=400, budget_s=60)
                seen += [one.id for one in page.subscriptions]
                place, pages = page.next, pages + 1
                if place is None:
                    break
            assert len(seen) == len(set(seen)), query
            assert bool(seen) == (query != "0000"), query
            assert len(seen) >= min(least, 1_200), (query, len(seen))
            for text, plan in Explaining.seen:
                assert not HOT & set(scans(plan)), f"{query}: sequential scan in\n{text}\n{json.dumps(plan, indent=1)}"
    (exact,) = (
        await store.search_subscriptions(
            tenant, both.subscriptions[0].iccid, SubscriptionFilter(), after=None, limit=5, budget_s=1
        )
    ).subscriptions
    assert exact.id == both.subscriptions[0].id


async def test_a_search_of_subscriptions_ends_in_time_and_goes_on(store, tenant):
    which, seen, place, unfinished = SubscriptionFilter(country="SA", plan="iot-1"), [], None, 0
    for _ in range(500):
        page = await store.search_subscriptions(tenant, "8944", which, after=place, limit=50, budget_s=0)
        seen += [one.id for one in page.subscriptions]
        unfinished += not page.complete
        place = page.next
        if place is None:
            break
    async with store._database.tenant(tenant) as conn:
        row = await (await conn.execute("select count(*) from fact where country = 'SA'")).fetchone()
    assert len(seen) == len(set(seen)) == row[0] > 500
    assert unfinished > 0


async def test_a_walk_ends_in_time_and_its_cursor_goes_on(store, tenant):
    nothing = DeviceFilter(sku="sku-3", country="ZZ")
    found = await store.devices(tenant, nothing, after=None, limit=10, budget_s=0)
    assert found.devices == []
    rare = DeviceFilter(stance="prohibited", connectivity="offline", sku="sku-3", roaming=False)
    seen: list[UUID] = []
    place, pages, unfinished = None, 0, 0
    while True:
        found = await store.devices(tenant, rare, after=place, limit=10, budget_s=0)
        seen += [device.id for device in found.devices]
        pages, unfinished = pages + 1, unfinished + (not found.complete)
        place = found.next
        if place is None:
            break
    async with store._database.tenant(tenant) as conn:
        query = "select device from fact where law_stance = 'prohibited' and connectivity = 'offline' and sku = 'sku-3' and not roaming order by device"
        wanted = [row[0] for row in await (await conn.execute(query)).fetchall()]
    assert seen == wanted
    assert wanted
    assert unfinished > 0
    assert pages < 100


async def test_breaches_come_soonest_first_and_each_once(store, tenant):
    place, seen = None, []
    while True:
        found = await store.devices(
            tenant, DeviceFilter(breach_before=NOW + timedelta(days=40)), after=place, limit=37, budget_s=1
        )
        seen += [(device.facts.breach_at, device.id) for device in found.devices]
        place = found.next
        if place is None:
            break
    assert seen == sorted(seen)
    async with store._database.tenant(tenant) as conn:
        row = await (
            await conn.execute("select count(*) from fact where breach_at < %s", (NOW + timedelta(days=40),))
        ).fetchone()
    assert len(seen) == len(set(seen)) == row[0] > 100

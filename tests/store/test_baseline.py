"""What the baseline is judged from, against the database: use that is told, use that is not, and how it is read."""

from datetime import timedelta

import pytest_asyncio

from fairlead.engine.ports.fleet import SubscriptionFilter
from fairlead.model.radio import Rat
from fairlead.store.baseline import BaselineStore
from fairlead.store.fleet import FleetStore

from .test_fleet_plans import NOW as FLEET_NOW
from .test_fleet_plans import Explaining, Watched, make_fleet, scans
from .test_imports import Door, door, iccid, imei  # noqa: F401 - the fixture

ASK = {"silent_days": 30, "notice_days": 90}


@pytest_asyncio.fixture(loop_scope="session")
async def told(door: Door) -> Door:  # noqa: F811
    """Account one tells of 60 days of use, two of nothing: five SIMs at one (heard, silent, never seen, no bytes), one at two."""
    names = [f"d{n}" for n in range(6)]
    await door.good("devices", "name,imei,sku\n" + "".join(f"{n},{imei(i)},TRK\n" for i, n in enumerate(names)))
    rows = "".join(
        f"{iccid(i)},{name},{'two' if i == 5 else 'one'},{'active' if i != 4 else 'suspended'},iot\n"
        for i, name in enumerate(names)
    )
    await door.good("sims", "iccid,device,account,state,plan\n" + rows)
    ends = door.now
    use = [(0, 59, "3 MB"), (0, 10, "2 MB"), (0, 0, "1 MB"), (1, 58, "4 MB"), (3, 5, ""), (4, 1, "9 MB")]
    lines = "".join(
        f"{iccid(i)},PL,{(ends - timedelta(days=days, hours=1)).isoformat()},{(ends - timedelta(days=days)).isoformat()},{size}\n"
        for i, days, size in use
    )
    await door.good("sessions", "iccid,country,first,last,bytes\n" + lines)
    await door.good("prices", "plan,currency,monthly,valid_from,included\niot,EUR,2,2026-01-01,10 MB\n")
    # the devices were heard when their SIMs were; the facts of d1 and d2 must not say otherwise
    await door.rows(
        "update fact set last_contact_at = null where device in (select id from device where name = 'd2') returning 1"
    )
    return door


async def test_use_is_silent_never_seen_or_unknown_and_never_zero_by_default(told):
    found = await BaselineStore(told.database).inventory(told.tenant, now=told.now, **ASK)
    by = {one.account: one for one in found.lines}
    one, two = by["one"], by["two"]
    assert (one.lines, one.silent, one.never_seen, one.unknown) == (4, 1, 1, 0)
    assert (two.lines, two.silent, two.never_seen, two.unknown) == (1, 0, 0, 1)
    # measured: the heard one (3 MB in 30 days) and the silent one, of which the feed tells (nothing in 30 days)
    assert (one.measured, one.included_bytes, one.used_bytes, one.unused_bytes) == (
        2,
        20_000_000,
        3_000_000,
        17_000_000,
    )
    assert two.measured == 0
    assert one.fed_to == told.now


async def test_the_list_of_sims_judges_as_the_report_counts(told):
    store = FleetStore(told.database)

    async def listed(silence: str, state: int | None = 4, days: int = 30) -> list[str]:
        which = SubscriptionFilter(state=state, silence=silence, silent_days=days, now=told.now)
        page = await store.subscriptions(told.tenant, which, after=None, limit=100, budget_s=5)
        return sorted(one.iccid for one in page.subscriptions)

    assert await listed("silent") == [iccid(1)]
    assert await listed("never_seen") == [iccid(2)]
    assert await listed("unknown") == [iccid(5)]
    assert await listed("heard") == sorted([iccid(0), iccid(3)])
    assert await listed("silent", days=3) == sorted([iccid(1), iccid(3)])
    assert await listed("never_seen", days=90) == [], "the feed does not reach back that far"
    for days in (3, 30, 90):
        counted = await BaselineStore(told.database).inventory(
            told.tenant, now=told.now, silent_days=days, notice_days=1
        )
        for word in ("silent", "never_seen", "unknown"):
            assert sum(getattr(one, word) for one in counted.lines) == len(await listed(word, days=days)), (word, days)


async def test_a_file_of_one_week_measures_nobody_and_calls_nobody_silent(door):  # noqa: F811
    await door.good("devices", f"name,imei\na,{imei(1)}\nb,{imei(2)}\n")
    await door.good("sims", f"iccid,device,account,state\n{iccid(1)},a,one,active\n{iccid(2)},b,one,active\n")
    first, last = door.now - timedelta(days=7), door.now
    await door.good(
        "sessions", f"iccid,country,first,last,bytes\n{iccid(1)},PL,{first.isoformat()},{last.isoformat()},5\n"
    )
    (one,) = (await BaselineStore(door.database).inventory(door.tenant, now=door.now, **ASK)).lines
    assert (one.silent, one.never_seen, one.unknown, one.measured) == (0, 0, 1, 0)


async def test_contracts_coverage_skus_and_sunsets_come_by_file_and_twice_is_once(door):  # noqa: F811
    files = {
        "contracts": "account,number,end,notice_days,committed_sims\none,C-1,2026-12-31,90,500\n",
        "coverage": 'account,country,rats,source,as_of\none,PL,"LTE, LTE-M",list 7,2026-01-01\none,BR,2G,list 7,2026-01-01\n',
        "skus": "sku,rats,bands\nTRK,Cat-M1; NB-IoT,B3 B20\n",
        "sunsets": "country,rat,off_on,confidence,source,as_of\nPL,3G,2027-12-31,low,notice,2026-02-01\n",
    }  # fmt: skip
    for kind, text in files.items():
        first = await door.good(kind, text)
        again = await door.good(kind, text)
        assert first.created >= 1, kind
        assert (again.created, again.changed) == (0, 0), kind
    assert (
        await door.good("coverage", files["coverage"].replace("list 7,2026-01-01", "list 6,2025-01-01"))
    ).changed == 0
    assert (
        await door.good("coverage", files["coverage"].replace("list 7,2026-01-01", "list 8,2026-02-01"))
    ).changed == 3
    found = await BaselineStore(door.database).inventory(door.tenant, now=door.now, **ASK)
    assert {(one.country, tuple(sorted(one.rats))) for one in found.coverage} == {
        ("PL", ("LTE", "LTE-M")),
        ("BR", ("2G",)),
    }
    assert [(one.sku, one.rats, one.bands) for one in found.skus] == [("TRK", (Rat.LTE_M, Rat.NB_IOT), ("B3", "B20"))]
    assert [(one.country, one.rat, one.own) for one in found.sunsets] == [("PL", Rat.G3, True)]
    (kept,) = found.contracts
    assert (kept.account, kept.contract.number, kept.contract.notice_days) == ("one", "C-1", 90)
    assert await door.rows("select version from register") == [(3,)], "one record an account, a version a change"


async def test_bad_rows_of_the_register_are_named(door):  # noqa: F811
    bad = {
        "contracts": ("account,number,start,end\none,C,2026-02-01,2026-01-01\n", "end"),
        "coverage": ("account,country,rats,source,as_of\none,PL,LTE wifi,x,2026-01-01\n", "rats"),
        "skus": ("sku,rats\nTRK,LTE\nTRK,2G\n", "sku"),
        "sunsets": ("country,rat,plmn,off_on,confidence,source,as_of\nPL,2G,502-16,2026-01-01,low,x,2026-01-01\n", "plmn"),
    }  # fmt: skip
    for kind, (text, column) in bad.items():
        assert [c for _, c in await door.faults(kind, text)] == [column], kind
    assert await door.faults("contracts", "account,number\nnobody,C\n") == [(2, "account")]
    assert await door.rows("select count(*) from contract") == [(0,)]


async def test_a_count_that_takes_too_long_is_left_out_and_the_rest_told(told):
    store = BaselineStore(told.database, statement_s=0.001)
    await told.rows(
        "insert into sku (tenant, sku, rats, updated_at) values (%s, 'X', '{LTE}', now()) returning 1", told.tenant
    )
    async with told.database.tenant(told.tenant) as conn:
        await conn.execute("lock table fact in access exclusive mode")
        found = await store.inventory(told.tenant, now=told.now, **ASK)
    assert "places" not in found.counted
    assert found.places == () or list(found.places) == []
    assert [one.sku for one in found.skus] == ["X"]


async def test_each_count_reads_its_table_once_and_a_list_by_silence_uses_indexes(database, database_dsns, tenant):
    await make_fleet(database, database_dsns.owner, tenant, 20_000)
    async with database.tenant(tenant) as conn:
        await conn.execute("update account set fed_from = %s, fed_to = %s", (FLEET_NOW - timedelta(days=60), FLEET_NOW))
        await conn.execute(
            "insert into session (tenant, device, iccid, account, source, started_at, seen_at, bytes) select tenant, device,"
            " iccid, account, 'import', %s, %s, 1000 from subscription",
            (FLEET_NOW - timedelta(days=2), FLEET_NOW - timedelta(days=1)),
        )
    watched = await Watched.open(database_dsns, size=2)
    try:
        Explaining.seen = []
        found = await BaselineStore(watched).inventory(tenant, now=FLEET_NOW, **ASK)
        assert sum(one.devices for one in found.places) == 19_800, "active ones"
        assert sum(one.lines for one in found.lines) == 20_000
        for text, plan in Explaining.seen:
            read = scans(plan)
            once = [
                one for one in read if one not in {"subscription", "usage_state"}
            ]  # beside the lines, for their use
            assert len(once) == len(set(once)), f"a table is read twice in\n{text}"
            assert max(read.count(one) for one in read) <= 2, text
            assert loops(plan) == [], f"a scan in a loop in\n{text}"
        Explaining.seen = []
        which = SubscriptionFilter(state=4, silence="silent", now=FLEET_NOW)
        await FleetStore(watched).subscriptions(tenant, which, after=None, limit=100, budget_s=1)
        for text, plan in Explaining.seen:
            assert not {"session", "subscription", "fact"} & {name.rsplit("_", 1)[0] for name in scans(plan)}, text
    finally:
        await watched.close()


def loops(plan: dict, inside: bool = False) -> list[str]:
    """Tables that are scanned whole once a row of something else."""
    here = [plan["Relation Name"]] if inside and plan["Node Type"] == "Seq Scan" and plan["Plan Rows"] > 100 else []
    below = plan.get("Plans", [])
    inner = plan["Node Type"] == "Nested Loop"
    return here + [name for n, one in enumerate(below) for name in loops(one, inside or (inner and n == 1))]

"""Usage against the database: twice is once, a correction counts once, late records land in their own days."""

import random
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from fairlead.engine.ports.usage import Reading, UsageRow
from fairlead.model.ids import TenantId
from fairlead.policy.check import read_expression
from fairlead.store.planning import PlanStore
from fairlead.store.usage import UsageStore

from .fleet_on_paper import NOW, device_id, iccid, settle_fleet
from .test_imports import Door

HEAD = "iccid,start,end,up,down"
SIM = iccid(0, 1)
LINE = UUID(int=(0x0199 << 112) | (0x7 << 76) | (0b10 << 62) | 1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def sheet(*rows: str, head: str = HEAD) -> str:
    return "\n".join((head, *rows)) + "\n"


def day(text: str, up: int, down: int, sim: str = SIM) -> str:
    return f"{sim},{text}T00:00:00Z,{date.fromisoformat(text) + DAY}T00:00:00Z,{up},{down}"


@pytest_asyncio.fixture(loop_scope="session")
async def usage(database, tenant):
    await settle_fleet(database, tenant, 4)
    return Door(database, tenant, NOW)


async def days(door, line: UUID = LINE) -> dict:
    return dict(await door.rows("select day::text, bytes from usage_day where subscription = %s order by day", line))


async def fact(door, column: str, device: int = 0):
    return (await door.rows(f"select {column} from fact where device = %s", device_id(device)))[0][0]


async def test_a_replayed_file_changes_nothing(usage):
    text = sheet(day("2026-02-27", 1, 2), day("2026-02-28", 10, 20), day("2026-02-28", 5, 5, iccid(1, 1)))
    first = await usage.good("usage", text)
    assert (first.created, first.changed, first.unchanged) == (3, 0, 0)
    again = await usage.good("usage", text)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 3)
    assert await days(usage) == {"2026-02-27": 3, "2026-02-28": 30}
    assert (await usage.rows("select count(*) from usage_record")) == [(3,)]


async def test_a_correction_is_appended_and_counts_once(usage):
    await usage.good("usage", sheet(day("2026-02-28", 10, 20)))
    corrected = await usage.good("usage", sheet(day("2026-02-28", 11, 30)))
    assert (corrected.created, corrected.changed) == (0, 1)
    assert await days(usage) == {"2026-02-28": 41}
    rows = await usage.rows("select revision, bytes from usage_record order by revision")
    assert rows == [(1, 30), (2, 41)]
    totals = await usage.rows("select up_bytes, down_bytes, records from usage_day")
    assert totals == [(11, 30, 1)]
    late = await usage.good("usage", sheet(day("2026-02-28", 10, 20)))  # the file before, once more
    assert (late.changed, late.unchanged) == (0, 1)
    assert await days(usage) == {"2026-02-28": 41}


async def test_a_correction_to_nothing_takes_the_last_byte_back(usage):
    await usage.good("usage", sheet(day("2026-02-20", 1, 0), day("2026-02-28", 10, 20)))
    await usage.good("usage", sheet(day("2026-02-28", 0, 0)))
    assert (await usage.rows("select last_byte_at::date::text from usage_state")) == [("2026-02-21",)]


async def test_an_id_of_another_period_is_refused_and_nothing_of_the_file_is_applied(usage):
    head = HEAD + ",record"
    await usage.good("usage", sheet(day("2026-02-27", 1, 1) + ",a-1", head=head))
    moved = sheet(day("2026-02-28", 9, 9) + ",a-1", day("2026-02-26", 1, 1) + ",a-2", head=head)
    assert await usage.faults("usage", moved) == [(2, "record")]
    assert await days(usage) == {"2026-02-27": 2}
    partial = await usage.good("usage", moved, partial=True)
    assert partial.created == 1


async def test_one_file_may_not_say_two_things_of_one_record(usage):
    same, other = day("2026-02-28", 10, 20), day("2026-02-28", 10, 21)
    assert await usage.faults("usage", sheet(same, other)) == [(3, "record")]
    applied = await usage.good("usage", sheet(same, same))
    assert (applied.created, applied.unchanged) == (1, 1)


async def test_a_late_record_lands_in_its_own_day_and_partition(usage):
    await usage.good("usage", sheet(day("2026-02-28", 10, 20)))
    await usage.good("usage", sheet(day("2025-12-05", 1, 1)))
    assert await days(usage) == {"2025-12-05": 2, "2026-02-28": 30}
    async with usage.database.tenant(usage.tenant) as tx:
        found = await (
            await tx.execute("select tableoid::regclass::text, bytes from usage_record order by started_at")
        ).fetchall()
    assert found == [("usage_record_202512", 2), ("usage_record_202602", 30)]


async def test_any_order_of_dated_files_gives_the_same_totals(usage):
    head = HEAD + ",observed"
    versions = [
        day("2026-02-27", 1, 1) + ",2026-02-27T06:00:00Z",
        day("2026-02-27", 5, 5) + ",2026-02-28T06:00:00Z",
        day("2026-02-27", 3, 3) + ",2026-03-01T06:00:00Z",
        day("2026-02-26", 7, 7) + ",2026-02-28T06:00:00Z",
    ]
    wanted = {"2026-02-26": 14, "2026-02-27": 6}
    for line in range(3):
        order = versions * 2
        random.Random(line).shuffle(order)
        for row in order:
            await usage.good("usage", sheet(row.replace(SIM, iccid(line, 1)), head=head))
        assert await days(usage, UUID(int=LINE.int + 4 * line)) == wanted


BAD = [
    ("8944,2026-02-28T00:00:00Z,,1,1", "iccid"),
    (f"{iccid(77, 1)},2026-02-28T00:00:00Z,,1,1", "iccid"),
    (f"{SIM},,,1,1", "start"),
    (f"{SIM},2026-02-28T00:00:00Z,2026-02-27T00:00:00Z,1,1", "end"),
    (f"{SIM},2026-01-01T00:00:00Z,2026-02-27T00:00:00Z,1,1", "end"),
    (f"{SIM},2026-02-28T00:00:00Z,,-5,1", "up"),
    (f"{SIM},2026-02-28T00:00:00Z,,1,", "total"),
    (f"{SIM},2027-02-28T00:00:00Z,,1,1", "start"),
]


@pytest.mark.parametrize(("row", "column"), BAD)
async def test_a_bad_row_is_located_and_nothing_is_applied(usage, row, column):
    assert await usage.faults("usage", sheet(day("2026-02-28", 1, 1), row)) == [(3, column)]
    assert await days(usage) == {}


async def test_a_total_that_is_not_the_sum_is_refused(usage):
    text = sheet(f"{SIM},2026-02-28T00:00:00Z,,1,1,5", head=HEAD + ",total")
    assert await usage.faults("usage", text) == [(2, "total")]


async def test_facts_follow_with_their_age(usage):
    await usage.good("usage", sheet(day("2026-02-28", 1_000, 1_000)))
    await usage.good("usage", sheet(f"{SIM},2026-03-01T00:00:00Z,2026-03-01T12:00:00Z,30,70"))
    assert await fact(usage, "usage_month_bytes") == 100  # of March; February's is gone
    assert await fact(usage, "usage_24h_bytes") == 100 + 1_000  # noon: half of yesterday
    assert await fact(usage, "usage_at") == NOW
    assert await fact(usage, "silent_days") == 0
    assert await fact(usage, "usage_24h_bytes", 1) is None
    usage.now = NOW + timedelta(days=4)  # nothing came since: how much it was yesterday nobody knows
    async with usage.database.tenant(usage.tenant) as tx:
        await UsageStore().refresh(tx, usage.tenant, usage.now)
    assert await fact(usage, "usage_24h_bytes") is None
    assert await fact(usage, "usage_month_bytes") == 100
    assert await fact(usage, "silent_days") is None  # 0 is the answer of somebody who looked


async def read(door, *rows: UsageRow, since, until, now=NOW):
    async with door.database.nameless() as tx:
        await UsageStore().prepare(tx, since, now)
    async with door.database.tenant(door.tenant) as tx:
        await UsageStore().enrol(tx, door.tenant, (await account(tx)), now)
        return await UsageStore().take(
            tx, door.tenant, "carrier/global", rows,
            [Reading(subscription=LINE, since=since, until=until, ended=False)],
            lag=5 * timedelta(minutes=1), rest=HOUR, now=now,
        )  # fmt: skip


async def account(tx):
    await tx.execute("update subscription set provider_id = iccid")
    return (await (await tx.execute("select id from account where name = 'global'")).fetchone())[0]


async def test_silence_is_known_as_far_as_it_was_looked(usage):
    async with usage.database.tenant(usage.tenant) as tx:  # seen by nobody: only usage tells
        await tx.execute("update fact set place_at = null")
    assert await fact(usage, "silent_days") is None
    await read(usage, since=NOW - 31 * DAY, until=NOW - HOUR)
    assert await fact(usage, "silent_days") == 30  # at least: nothing was read before
    spoke = UsageRow(
        subscription=LINE, record_id="r", kind=1, started_at=NOW - 12 * DAY, ended_at=NOW - 11 * DAY, up_bytes=1,
        down_bytes=0, bytes=1, final=False, observed_at=NOW,
    )  # fmt: skip
    taken = await read(usage, spoke, since=NOW - 31 * DAY, until=NOW - HOUR)
    assert (taken.created, taken.corrected) == (1, 0)
    assert await fact(usage, "silent_days") == 10
    later = NOW + 20 * DAY  # nobody looked for twenty days: what was proved stays, and does not grow
    async with usage.database.tenant(usage.tenant) as tx:
        await UsageStore().refresh(tx, usage.tenant, later)
    assert await fact(usage, "silent_days") == 10
    await read(usage, since=later - 31 * DAY, until=later, now=later)
    assert await fact(usage, "silent_days") == 31


async def test_a_gap_between_files_proves_no_silence(usage):
    async with usage.database.tenant(usage.tenant) as tx:
        await tx.execute("update fact set place_at = null")
    await usage.good("usage", sheet(day("2026-01-05", 1, 1)))
    await usage.good("usage", sheet(day("2026-02-25", 0, 0), day("2026-02-26", 0, 0), day("2026-02-27", 0, 0)))
    assert await fact(usage, "silent_days") == 3


async def test_sources_are_not_added_up(usage):
    filed = f"{SIM},2026-03-01T00:00:00Z,2026-03-01T12:00:00Z,30,70,2026-03-01T18:00:00Z"  # though it is the newer one
    await usage.good("usage", sheet(filed, head=HEAD + ",observed"))
    row = UsageRow(
        subscription=LINE, record_id="r", kind=1, started_at=NOW - NOW_OF_DAY, ended_at=NOW, up_bytes=40, down_bytes=70,
        bytes=110, final=False, observed_at=NOW,
    )  # fmt: skip
    await read(usage, row, since=NOW - DAY, until=NOW)
    assert await fact(usage, "usage_month_bytes") == 110  # the carrier's own word comes before a file
    grown = replace(row, up_bytes=60, bytes=130, observed_at=NOW + HOUR)
    taken = await read(usage, grown, since=NOW - DAY, until=NOW + HOUR, now=NOW + HOUR)
    assert (taken.created, taken.corrected) == (0, 1)
    assert await fact(usage, "usage_month_bytes") == 130


NOW_OF_DAY = timedelta(hours=12)


async def test_devices_are_marked_where_a_policy_reads_usage_and_only_then(usage):
    async def marked():
        return [r[0] for r in await usage.rows("delete from dirty returning device")]

    await marked()
    await usage.good("usage", sheet(day("2026-02-28", 1, 1)))
    assert await marked() == []
    async with usage.database.tenant(usage.tenant) as tx:
        await tx.execute(
            "insert into revision (tenant, policy, number, rule, state, resource, source, digest, author, created_at)"
            " values (%s, gen_random_uuid(), 1, 1, 2, '{\"match\": \"silent_days >= 30\"}', 'x', 'x', gen_random_uuid(), %s)",
            (usage.tenant, NOW),
        )
    await usage.good("usage", sheet(day("2026-02-28", 2, 2), day("2026-02-28", 2, 2, iccid(1, 1))))
    assert await marked() == [device_id(0), device_id(1)]
    await usage.good("usage", sheet(day("2026-02-28", 2, 2)))
    assert await marked() == []


async def test_a_plan_tells_how_many_devices_a_condition_on_silence_is_silent_about(usage):
    async def hidden(text: str) -> int:  # of the four
        read = read_expression(text, context="device")
        async with usage.database.tenant(usage.tenant) as tx:
            return await PlanStore().hidden(tx, read, {"tenant": "acme"}, NOW)

    assert await hidden("silent_days >= 30") == 4
    await usage.good("usage", sheet(day("2026-02-28", 1, 1), day("2026-02-28", 0, 0, iccid(1, 1))))
    assert await hidden("usage_24h_bytes > 1") == 2


async def test_another_tenant_sees_nothing_and_cannot_write_a_record_of_it(usage, database):
    other_tenant = TenantId(UUID(int=0x18F << 112 | 0x7 << 76 | 0b10 << 62 | 2))
    async with database.nameless() as tx:
        await tx.execute("select create_tenant(%s, 'other', %s)", (other_tenant, NOW))
    await usage.good("usage", sheet(day("2026-02-28", 1, 1)))
    async with database.tenant(other_tenant) as tx:
        for table in ("usage_record", "usage_day", "usage_state"):
            assert await (await tx.execute(f"select count(*) from {table}")).fetchone() == (0,)
    other = Door(database, other_tenant, NOW)
    assert await other.faults("usage", sheet(day("2026-02-28", 1, 1))) == [(2, "iccid")]


async def test_records_are_never_changed(usage):
    await usage.good("usage", sheet(day("2026-02-28", 1, 1)))
    for statement in ("update usage_record set bytes = 0", "delete from usage_record"):
        with pytest.raises(Exception, match="permission denied"):
            await usage.rows(statement)

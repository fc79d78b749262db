"""Imports against the database: identities move and stay unique, nothing half-applies, twice is once."""

import asyncio
import io

import pytest_asyncio

import fairlead.reference
from fairlead.engine.fleet import Actor
from fairlead.engine.imports import ImportRequest, Imports
from fairlead.model.identifiers import luhn_digit
from fairlead.store.counts import CountStore
from fairlead.store.fleet import FleetStore
from fairlead.store.imports import ImportStore

REFERENCE = fairlead.reference.load()
EID = "89049032123451234512345678901235"


def imei(number: int) -> str:
    bare = f"35{number:012d}"
    return bare + luhn_digit(bare)


def iccid(number: int) -> str:
    bare = f"8944{number:014d}"
    return bare + luhn_digit(bare)


class Door:
    """Imports texts for one tenant."""

    def __init__(self, database, tenant, now) -> None:
        self.database, self.tenant, self.now = database, tenant, now
        self.imports = Imports(ImportStore(database), CountStore(database), REFERENCE)

    async def take(self, kind: str, text: str, **more):
        request = ImportRequest(kind=kind, name="test.csv", **more)
        return await self.imports.run(
            Actor(tenant=self.tenant, name="usr_x"), io.BytesIO(text.encode()), request, now=self.now
        )

    async def good(self, kind: str, text: str, **more):
        report = await self.take(kind, text, **more)
        assert report.applied is not None, report.faults
        return report.applied

    async def faults(self, kind: str, text: str, **more):
        report = await self.take(kind, text, **more)
        return [(fault.line, fault.column) for fault in report.faults]

    async def rows(self, query: str, *values):
        async with self.database.tenant(self.tenant) as conn:
            return await (await conn.execute(query, values)).fetchall()

    async def holder(self, kind: int, value: str):
        found = await self.rows(
            "select d.name from lookup(%s::smallint, %s) l left join device d on d.id = l.device", kind, value
        )
        return found[0][0]


@pytest_asyncio.fixture(loop_scope="session")
async def door(database, tenant):
    from datetime import UTC, datetime

    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    async with database.tenant(tenant) as conn:
        for name in ("one", "two"):
            await conn.execute(
                "insert into account (tenant, id, name, connector, carrier, created_at, updated_at) values (%s, gen_random_uuid(), %s, 'none', 'x', %s, %s)",
                (tenant, name, now, now),
            )
    return Door(database, tenant, now)


async def test_two_devices_may_swap_their_imeis(door):
    await door.good("devices", f"name,imei\na,{imei(1)}\nb,{imei(2)}\n")
    applied = await door.good("devices", f"name,imei\na,{imei(2)}\nb,{imei(1)}\n")
    assert applied.changed == 2
    assert await door.holder(3, imei(1)) == "b"
    assert await door.holder(3, imei(2)) == "a"


async def test_an_imei_given_up_is_free_again(door):
    await door.good("devices", f"name,imei\na,{imei(1)}\n")
    await door.good("devices", f"name,imei\na,{imei(3)}\n")
    await door.good("devices", f"name,imei\nb,{imei(1)}\n")
    assert await door.holder(3, imei(1)) == "b"
    assert await door.faults("devices", f"name,imei\nc,{imei(1)}\n") == [(2, "imei")]
    assert await door.rows("select count(*) from device") == [(2,)]


async def test_a_refused_file_claims_nothing(door):
    assert await door.faults("devices", f"name,imei\nfine,{imei(1)}\nnot fine,{imei(2)}\n") == [(3, "name")]
    assert await door.holder(3, imei(1)) is None


async def test_devices_are_known_by_serial_imei_or_mac_where_no_name_is_given(door):
    await door.good("devices", f"serial,imei,mac\nS 1,{imei(1)},02:00:5e:00:00:01\n")
    assert (await door.good("devices", "serial,sku\nS 1,x\n")).changed == 1
    assert (await door.good("devices", f"imei,sku\n{imei(1)},y\n")).changed == 1
    assert (await door.good("devices", "mac,sku\n02005E000001,z\n")).changed == 1
    assert await door.rows("select name, sku, version from device") == [("S-1", "z", 4)]
    assert await door.rows("select sku, device_state from fact") == [("z", "active")]


async def test_one_row_a_device(door):
    await door.good("devices", "name,serial\na,S1\n")
    assert await door.faults("devices", "name,serial,sku\na,,x\n,S1,y\n") == [(3, "name")]
    assert await door.faults("devices", f"name,imei\nb,{imei(1)}\nc,{imei(1)}\n") == [(3, "imei")]


async def test_two_devices_of_one_serial_need_their_names(door):
    await door.good("devices", "name,serial\na,S1\nb,S1\n")
    assert await door.faults("devices", "serial,sku\nS1,x\n") == [(2, "serial")]
    assert (await door.good("devices", "name,sku\na,x\nb,y\n")).changed == 2


async def test_a_state_moves_along_the_life_of_a_device(door):
    await door.good("devices", "name,state\na,active\nb,retired\n")
    assert await door.faults("devices", "name,state\na,manufactured\nb,active\n") == [(2, "state"), (3, "state")]
    assert (await door.good("devices", "name,state\na,quarantined\n")).changed == 1
    assert await door.rows("select device_state from fact f join device d on d.id = f.device order by d.name") == [
        ("quarantined",),
        ("retired",),
    ]


async def test_profiles_of_one_euicc_share_its_card(door):
    await door.good("devices", "name\na\n")
    text = f"iccid,eid,account,device,slot,enabled\n{iccid(1)},{EID},one,a,1,true\n{iccid(2)},{EID},two,a,1,false\n"
    assert (await door.good("sims", text)).created == 2
    assert await door.rows("select count(*), min(technology) from card") == [(1, "euicc")]
    again = await door.good("sims", text)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 2)
    third = await door.good("sims", f"iccid,eid,account,device\n{iccid(3)},{EID},one,a\n")
    assert third.created == 1
    assert await door.rows("select count(distinct card) from profile") == [(1,)]
    assert await door.rows("select iccid, carrier from fact") == [(iccid(1), "one")]


async def test_a_sim_moves_to_another_device_with_its_identities(door):
    await door.good("devices", "name\na\nb\n")
    await door.good("sims", f"iccid,imsi,account,device,state,plan\n{iccid(1)},262010000000001,one,a,active,p1\n")
    assert await door.holder(4, iccid(1)) == "a"
    moved = await door.good("sims", f"iccid,account,device\n{iccid(1)},one,b\n")
    assert (moved.changed, moved.particulars["devices"]) == (1, 2)
    assert await door.holder(4, iccid(1)) == "b"
    assert await door.holder(2, "262010000000001") == "b"
    assert await door.rows("select d.name, s.plan, s.state from subscription s join device d on d.id = s.device") == [
        ("b", "p1", 4)
    ]
    assert await door.rows(
        "select carrier, subscription_state from fact f join device d on d.id = f.device where d.name = 'b'"
    ) == [("one", "active")]


async def test_what_a_carrier_reported_is_not_overwritten_by_a_file(door):
    await door.good("sims", f"iccid,account,state\n{iccid(1)},one,active\n")
    async with door.database.tenant(door.tenant) as conn:
        await conn.execute("update subscription set state = 6, observed_at = %s", (door.now,))
    assert (await door.good("sims", f"iccid,account,state\n{iccid(1)},one,active\n")).unchanged == 1
    assert await door.rows("select state from subscription") == [(6,)]


async def test_an_older_observation_extends_history_only(door):
    await door.good("devices", "name\na\n")
    await door.good("presence", "device,country,first,last\na,BR,2026-02-01,2026-02-20\n")
    await door.good("presence", "device,country,first,last\na,FR,2026-01-01,2026-01-20\n")
    assert await door.rows("select country, place_at::date::text from fact") == [("BR", "2026-02-20")]
    assert await door.rows("select count(*) from presence") == [(2,)]
    assert await door.rows("select count(*) from dirty") == [(1,)]
    assert await door.rows("select tableoid::regclass::text from presence order by first_at") == [
        ("presence_202601",),
        ("presence_202602",),
    ]


async def test_sessions_of_a_device_with_several_sims_must_name_theirs(door):
    await door.good("devices", "name\na\n")
    await door.good(
        "sims", f"iccid,account,device,imsi\n{iccid(1)},one,a,262010000000001\n{iccid(2)},two,a,262020000000002\n"
    )
    assert await door.faults("sessions", "device,country,first\na,BR,2026-02-01\n") == [(2, "iccid")]
    done = await door.good("sessions", "imsi,country,first\n262020000000002,BR,2026-02-01\n")
    assert done.created == 1
    assert await door.rows("select iccid, ended_at from session") == [(iccid(2), None)]
    assert await door.rows("select carrier, roaming from fact") == [("two", True)]


async def test_a_plan_has_one_currency(door):
    head = "plan,currency,monthly,valid_from\n"
    await door.good("prices", head + "p,EUR,1,2026-01-01\n")
    assert await door.faults("prices", head + "p,USD,1,2026-02-01\n") == [(2, "currency")]
    assert await door.faults("prices", head + "q,USD,1,2026-02-01\nq,USD,2,2026-02-01\n") == [(3, "plan")]
    changed = await door.good("prices", head + "p,EUR,2,2026-01-01\np,EUR,3,2026-06-01\n")
    assert (changed.created, changed.changed, changed.unchanged) == (1, 1, 0)


async def test_two_imports_at_once_make_each_device_once(door):
    text = "name,imei\n" + "".join(f"d{n},{imei(n)}\n" for n in range(500))
    done = await asyncio.gather(*(door.good("devices", text) for _ in range(3)))
    assert sorted((one.created, one.unchanged) for one in done) == [(0, 500), (0, 500), (500, 0)]
    assert await door.rows("select count(*) from journal where action = 'import.applied'") == [(1,)]


async def test_the_bindings_stand_in_device_and_fact_alike(door):
    await door.good("devices", "name,sku,region,group,batch,tags\na,s,r,g,b,x y\n")
    await door.good("devices", "name,sku,tags\na,s2,z\n")
    store = FleetStore(door.database)
    device = await store.device(door.tenant, "a")
    assert device is not None
    assert (device.sku, device.region, device.group, device.batch, device.tags) == ("s2", "r", "g", "b", ("z",))
    assert await door.rows("select sku, region, device_group, device_batch, tags from fact") == [
        ("s2", "r", "g", "b", ["z"])
    ]

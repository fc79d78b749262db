"""Outages against the database: counted by the set, told to the devices concerned, moved and brought back at a pace."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest_asyncio

from fairlead.engine.findings import Findings
from fairlead.engine.outages import Judgement, Outages
from fairlead.engine.ports.outages import HEARD_EVERY
from fairlead.insight.outage import BUCKET, LEARNED, Stratum
from fairlead.model.ids import TenantId
from fairlead.store.database import Database
from fairlead.store.findings import FindingStore
from fairlead.store.journal import append
from fairlead.store.outages import OutageStore

from .fleet_on_paper import NOW, device_id, iccid, settle_fleet

DEVICES = 40  # every other one in BR and TR, each with a local SIM beside the global one
CORE = Stratum(kind="core", name="north")


@dataclass
class Watch:
    """Time goes by in buckets; the fleet is written as carriers' sweeps would have written it."""

    database: Database
    tenant: TenantId
    outages: Outages
    now: datetime = NOW

    async def sql(self, query: str, *values: object) -> list[tuple]:
        async with self.database.tenant(self.tenant) as tx:
            found = await tx.execute(query, values)
            return await found.fetchall() if found.description else []

    async def swept(self) -> None:
        """Every account answers, and shows who is online there."""
        await self.sql("update account set swept_at = %s", self.now)
        await self.sql("update fact set place_at = %s where connectivity = 'online'", self.now)

    async def on(self, buckets: int = 1) -> Judgement:
        judged = None
        for _ in range(buckets):
            self.now += BUCKET
            await self.swept()
            judged = await self.outages.tick(self.tenant, self.now)
        assert judged is not None
        return judged

    async def silent(self, *devices: UUID) -> None:
        """Nobody hears them, for just so long that it is no news yet."""
        await self.sql("update fact set connectivity = 'offline' where device = any (%s)", list(devices))
        await self.on(HEARD_EVERY // BUCKET)

    async def heard_on(self, account: str, *devices: UUID) -> None:
        await self.sql(
            "update fact set connectivity = 'online', carrier = %s where device = any (%s)", account, list(devices)
        )

    async def send_to(self, account: str, *devices: UUID) -> None:
        """What is desired of their network from now on."""
        document = await self.sql(
            "insert into document (tenant, digest, content) values (%s, 'x', jsonb_build_object('carrier', %s::text))"
            " returning id",
            self.tenant, account,
        )  # fmt: skip
        await self.sql(
            "insert into facet (tenant, device, facet, desired, generation, changed_at)"
            " select %s, d, 1, %s, 1, %s from unnest(%s::uuid[]) d",
            self.tenant, document[0][0], self.now, list(devices),
        )  # fmt: skip

    async def facts(self) -> dict[bool | None, int]:
        return dict(await self.sql("select outage, count(*) from fact group by 1"))

    async def findings(self) -> list[tuple[str, str, str, str]]:
        return await self.sql(
            "select kind, subject_kind, subject_id, title from finding where state <> 3 order by kind, key"
        )

    async def dirty(self) -> int:
        return (await self.sql("select count(*) from dirty"))[0][0]


def outages(database: Database) -> Outages:
    return Outages(database, OutageStore(), Findings(database, FindingStore(), append, lambda: NOW))


@pytest_asyncio.fixture(loop_scope="session")
async def watch(database, tenant):
    """A fleet on the global SIM, an hour old; `global` and `local-tr` share the core north."""
    await settle_fleet(database, tenant, DEVICES)
    here = Watch(database, tenant, outages(database))
    await here.sql("update fact set connectivity = 'online'")
    await here.sql(
        "insert into register (tenant, account, upstream, updated_at, updated_by)"
        " select tenant, id, array['north'], %s, 'test' from account where name in ('global', 'local-tr')",
        NOW,
    )
    return here


ALL = [device_id(n) for n in range(DEVICES)]
BACKED = [device for n, device in enumerate(ALL) if n % 4 < 3]


async def test_a_healthy_fleet_is_counted_once_a_bucket_and_nothing_is_out(watch):
    judged = await watch.on(LEARNED + 1)
    assert judged.samples[Stratum(kind="account", name="global")].expected == DEVICES
    assert judged.samples[CORE].expected == DEVICES
    assert not judged.troubled
    assert await watch.outages.tick(watch.tenant, watch.now + timedelta(minutes=4)) is None
    again = outages(watch.database)  # another process
    assert await again.tick(watch.tenant, watch.now + timedelta(minutes=4)) is None
    assert await watch.facts() == {None: DEVICES}
    rows = dict(await watch.sql("select name, expected - missing from reach where kind = 5 and at = %s", judged.at))
    assert rows == {"BR": DEVICES // 2, "TR": DEVICES // 2}


async def test_an_outage_is_told_to_those_concerned_and_taken_back(watch):
    await watch.on(LEARNED)
    await watch.silent(*ALL)
    assert not (await watch.on()).blamed
    judged = await watch.on()
    assert judged.blamed == [Stratum(kind="account", name="global")]  # the one account of its core that has devices
    assert await watch.findings() == [
        ("carrier-outage", "account", "global", f"global is out: {DEVICES} of {DEVICES} devices fail")
    ]
    assert await watch.facts() == {True: DEVICES}
    assert await watch.dirty() == DEVICES
    await watch.sql("delete from dirty")
    await watch.send_to("local-br", *BACKED)  # what a policy does with them
    await watch.heard_on("local-br", *BACKED)  # three in four find their way to the other SIM
    assert (await watch.on()).blamed
    assert await watch.dirty() == 0  # nothing new
    await watch.heard_on("global", *(device for device in ALL if device not in BACKED))
    assert (await watch.on(2)).blamed
    assert not (await watch.on()).blamed
    assert await watch.findings() == []
    assert await watch.facts() == {False: DEVICES}
    assert await watch.dirty() == DEVICES
    out = {at for (at,) in await watch.sql("select at from reach where out and kind = 2 and name = 'global'")}
    assert min(out) == NOW + (LEARNED + 4) * BUCKET  # from the first bad bucket on: nothing of it becomes usual
    over = {one for (one,) in await watch.sql("select outage_over_at from fact")}
    assert over == {watch.now}
    for _ in range(20):
        assert not (await watch.on()).troubled  # they are still elsewhere, and that is no outage
    usual = await watch.sql("select count(*) from footing f join account a on a.id = f.account where a.name = 'global'")
    assert usual == [(DEVICES,)]  # and the network they came from is still theirs


async def test_an_account_that_cannot_be_read_is_not_judged(watch):
    await watch.on(LEARNED)
    await watch.sql("update account set failing_since = %s, failure = 'away'", watch.now)
    await watch.silent(*ALL)
    judged = await watch.on(5)
    assert not judged.troubled
    assert Stratum(kind="account", name="global") not in judged.samples


async def test_devices_that_we_move_are_no_sign_of_an_outage(watch):
    await watch.on(LEARNED)
    await watch.sql(
        "insert into operation (tenant, id, device, subject, subject_kind, facet, generation, step, attempt, driver, verb,"
        " state, deadline) select tenant, device, device, device, 1, 1, 1, 1, 1, 'shadow', 'write', 2, %s from fact",
        watch.now + timedelta(days=1),
    )
    await watch.silent(*ALL)
    assert not (await watch.on(4)).troubled


async def test_lines_that_somebody_put_aside_are_no_sign_of_an_outage(watch):
    await watch.on(LEARNED)
    await watch.sql("update subscription set state = 6 where iccid in (select iccid from fact)")
    await watch.silent(*ALL)
    judged = await watch.on(4)
    assert not judged.samples
    assert not judged.troubled


async def test_who_was_sent_to_another_network_stands_there_at_once(watch):
    await watch.on(LEARNED)
    await watch.send_to("local-br", *ALL)
    await watch.heard_on("local-br", *ALL)
    judged = await watch.on()
    assert not judged.troubled
    assert judged.samples[Stratum(kind="account", name="local-br")].expected == DEVICES


async def test_who_goes_elsewhere_unasked_is_a_sign_and_then_stands_there(watch):
    await watch.on(LEARNED)
    await watch.heard_on("local-br", *ALL[:30])
    assert [one.name for one in (await watch.on(2)).blamed] == ["global"]
    await watch.on(3)  # the ten that stayed are heard
    assert await watch.facts() == {False: DEVICES}
    watch.now += timedelta(days=8)
    judged = await watch.on(1)
    assert judged.samples[Stratum(kind="account", name="local-br")].expected == 30


async def test_where_nobody_is_left_some_try_whether_the_network_is_back(watch):
    await watch.on(LEARNED)
    await watch.silent(*ALL)
    await watch.on(2)
    await watch.heard_on("local-br", *ALL)
    await watch.on()
    assert await watch.facts() == {True: DEVICES - 5, False: 5}
    probes = [d for (d,) in await watch.sql("select device from fact where not outage order by device")]
    await watch.on(3)
    assert await watch.facts() == {True: DEVICES - 5, False: 5}  # no more while these are under way
    await watch.heard_on("global", *probes)
    await watch.on(3)
    assert await watch.facts() == {False: DEVICES}


async def test_probes_that_come_to_nothing_are_given_up_and_others_try(watch):
    await watch.on(LEARNED)
    await watch.silent(*ALL)
    await watch.on(2)
    await watch.heard_on("local-br", *ALL)
    await watch.on()
    first = {d for (d,) in await watch.sql("select device from fact where not outage")}
    watch.now += timedelta(hours=4)
    await watch.on()
    second = {d for (d,) in await watch.sql("select device from fact where not outage")}
    assert len(first) == len(second) == 5
    assert not first & second


async def test_a_family_of_profiles_is_told_apart_from_its_account(watch):
    for n in range(DEVICES):
        imsi = f"26201{n:010}" if n % 2 else f"90143{n:010}"
        await watch.sql("update profile set imsi = %s where iccid = %s", imsi, iccid(n, 1))
    await watch.on(LEARNED)
    await watch.silent(*(device for n, device in enumerate(ALL) if not n % 2))
    judged = await watch.on(2)
    assert judged.blamed == [Stratum(kind="family", name="global/90143")]
    assert await watch.facts() == {True: DEVICES // 2, None: DEVICES // 2}


async def test_two_accounts_of_a_core_are_that_core(watch):
    turkish = [device for n, device in enumerate(ALL) if n % 2]
    await watch.heard_on("local-tr", *turkish)
    await watch.on(LEARNED)
    await watch.silent(*ALL)
    judged = await watch.on(2)
    assert judged.blamed == [CORE]
    ((kind, subject, name, _),) = await watch.findings()
    assert (kind, subject, name) == ("core-outage", "core", "north")
    assert await watch.facts() == {True: DEVICES}


async def test_old_buckets_become_hours_and_lose_nothing(watch):
    await watch.on(LEARNED * 2)
    before = await watch.sql("select sum(expected), sum(missing) from reach where kind = 6")
    rows = (await watch.sql("select count(*) from reach"))[0][0]
    async with watch.database.tenant(watch.tenant) as tx:
        store = OutageStore()
        for _ in range(2):  # twice is once
            await store.sum_up(tx, watch.tenant, hours=watch.now + BUCKET, forget=NOW - timedelta(days=1))
    assert await watch.sql("select sum(expected), sum(missing) from reach where kind = 6") == before
    assert (await watch.sql("select count(*) from reach"))[0][0] < rows / 5
    assert (await watch.sql("select sum(buckets) from reach where kind = 6")) == [(LEARNED * 2,)]

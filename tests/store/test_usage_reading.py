"""Usage read from carriers: the Soracom connector before its fake, with a real database behind."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from tests.contract.bench import Clock, Levels

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors._kit.http import new_client
from fairlead.connectors.soracom.factory import FACTORY
from fairlead.engine import usage
from fairlead.engine.carrierwork import CarrierWorker
from fairlead.engine.ports.carrier import Credential, Limit, NotFound, Secret
from fairlead.engine.ports.moving import CarrierWork
from fairlead.engine.timekeeper import Timekeeper
from fairlead.engine.usage import UsageIntake
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.lifecycle import OperationState
from fairlead.store.database import Database
from fairlead.store.usage import UsageStore
from fairlead.store.work import WorkStore
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import World

from .fleet_on_paper import device_id, settle_fleet

MANY = 20_000
SECRETS = {"auth_key_id": "keyId-f00dfeedbeef", "auth_key": "secret-0123456789abcdef"}
BEGUN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Reading:
    """A world with one carrier, its fake, and what reads it into one tenant."""

    clock: Clock
    world: World
    fake: SoracomFake
    database: Database
    tenant: TenantId
    intake: UsageIntake
    asked: "Asked"

    async def sql(self, query: str, *values: object) -> list:
        async with self.database.tenant(self.tenant) as tx:
            found = await tx.execute(query, values)
            return await found.fetchall() if found.description else []

    async def owed(self) -> bool:
        async with self.database.tenant(self.tenant) as tx:
            return "usage" in await WorkStore().owed(tx, self.tenant, self.clock())

    def used(self, device: int, up: int, down: int) -> None:
        self.world.traffic(f"d-{device}", up, down)


class Asked:
    """Opens `global` as the Soracom connector and nothing else."""

    def __init__(self, connector: object) -> None:
        self.connectors: dict[str, object] = {"global": connector}

    async def connector(self, _tenant: TenantId, account: str) -> object:
        if account not in self.connectors:
            raise NotFound(f"no account {account!r}")
        return self.connectors[account]

    async def withheld(self, _tenant: TenantId, _account: str) -> str:
        return ""

    async def staleness(self, _tenant: TenantId, _account: str) -> timedelta:
        return timedelta(0)


@pytest_asyncio.fixture(loop_scope="session")
async def reading(database, tenant) -> AsyncIterator[Reading]:
    clock = Clock()
    world = World(clock=clock)
    world.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot.tr"}))
    fake = SoracomFake(world, "tr", **SECRETS, per_second=MANY, burst=MANY, monotonic=clock.monotonic)
    await settle_fleet(database, tenant, 3)
    async with new_client() as http, serving(fake) as url:
        config = AccountConfig(
            tenant=tenant, account=AccountId(UUID(int=2)), name="global", base_url=url,
            limits={name: Limit(per_second=MANY, burst=MANY) for name in ("auth", "read", "write", "bulk")},
            mnc_lengths={"286": frozenset({2})},
        )  # fmt: skip
        credential = Credential(fields={name: Secret(value) for name, value in SECRETS.items()})
        opened = FACTORY.open(config, credential, http, Levels(), now=clock, real=clock)
        asked = Asked(opened)
        timekeeper = Timekeeper(real=lambda: clock().timestamp())
        intake = UsageIntake(database, UsageStore(), asked, timekeeper)
        made = Reading(clock, world, fake, database, tenant, intake, asked)
        for n, sim in enumerate(world.issue("tr", 3, state="active")):
            await made.sql(
                "update subscription set provider_id = %s where device = %s"
                " and account = (select id from account where name = 'global') returning 1",
                sim.iccid,
                device_id(n),
            )
            world.add_device(f"d-{n}", country="TR", slots=[sim.iccid])
            world.attach(f"d-{n}", 0, "iot.tr")
        yield made


async def test_the_fleet_is_read_once_and_left_alone_until_the_lag_is_over(reading: Reading) -> None:
    reading.used(0, 300, 700)
    assert await reading.owed()
    assert await reading.intake.read(reading.tenant) == 3
    assert reading.fake.requests["stats"] == 3
    found = await reading.sql(
        "select usage_month_bytes, usage_lag_s, usage_at from fact where device = %s", device_id(0)
    )
    assert found == [(1_000, 300, BEGUN)]
    assert not await reading.owed()
    assert await reading.intake.read(reading.tenant) == 0
    assert reading.fake.requests["stats"] == 3
    reading.clock.tick(minutes=61)
    reading.used(0, 1, 1)
    assert await reading.owed()
    assert await reading.intake.read(reading.tenant) == 3
    assert await reading.sql("select revision, bytes, final from usage_record order by 1") == [
        (1, 1_000, False), (2, 1_002, False),
    ]  # fmt: skip
    assert await reading.sql("select bytes, records, open_records from usage_day") == [(1_002, 1, 1)]


async def test_a_line_that_a_sweep_brings_is_read_with_the_next_turn(reading: Reading) -> None:
    (held,) = await reading.sql("select provider_id from subscription where device = %s and state = 4", device_id(1))
    await reading.sql("update subscription set provider_id = null where device = %s returning 1", device_id(1))
    assert await reading.intake.read(reading.tenant) == 2
    await reading.sql(
        "update subscription set provider_id = %s where device = %s and state = 4 returning 1", held[0], device_id(1)
    )
    assert not await reading.owed()
    await reading.sql("delete from work")
    await reading.sql("update account set swept_at = %s where name = 'global'", BEGUN + timedelta(seconds=1))
    assert (await reading.sql("select count(*) from work where kind = 'usage'"))[0][0] > 0
    assert await reading.owed()
    assert await reading.intake.read(reading.tenant) == 1


async def test_a_day_becomes_final_when_its_lag_is_over(reading: Reading) -> None:
    reading.used(0, 300, 700)
    await reading.intake.read(reading.tenant)
    reading.clock.tick(days=3)
    await reading.intake.read(reading.tenant)
    assert await reading.sql("select bytes, records, open_records from usage_day") == [(1_000, 1, 0)]


async def test_a_turn_takes_a_share_of_the_budget_and_leaves_the_rest_for_the_next(
    reading: Reading, monkeypatch
) -> None:
    monkeypatch.setattr(usage, "SHARE", 0.05)  # of 20 a second: two lines in two seconds
    assert await reading.intake.read(reading.tenant) == 2
    assert await reading.owed()
    assert await reading.intake.read(reading.tenant) == 1
    assert not await reading.owed()


async def test_a_line_without_a_byte_is_known_to_be_silent_for_as_long_as_was_read(reading: Reading) -> None:
    await reading.sql("update fact set place_at = null returning 1")
    await reading.intake.read(reading.tenant)
    assert await reading.sql("select silent_days from fact where device = %s", device_id(2)) == [(31,)]


async def test_a_carrier_that_is_away_is_left_alone_and_no_line_pays_for_it(reading: Reading) -> None:
    handle = reading.world.inject(Fault(kind="api_down", carrier="tr", verb="stats"))
    assert await reading.intake.read(reading.tenant) == 0
    asked = reading.fake.requests["stats"]
    assert not await reading.owed()
    reading.world.clear(handle)
    reading.clock.tick(minutes=6)
    assert await reading.owed()
    assert await reading.intake.read(reading.tenant) == 3
    assert reading.fake.requests["stats"] == asked + 3
    assert await reading.sql("select max(put_off) from usage_state") == [(0,)]


async def test_one_line_that_cannot_be_read_stops_no_other(reading: Reading) -> None:
    await reading.sql("update subscription set provider_id = 'nobody' where device = %s returning 1", device_id(1))
    assert await reading.intake.read(reading.tenant) == 3
    found = await reading.sql("select failure, put_off from usage_state where failure is not null")
    assert found == [("not_found", 1)]
    assert (await reading.sql("select count(*) from usage_state where read_at is not null"))[0][0] >= 2


async def test_an_account_whose_carrier_gives_no_usage_is_not_asked_again_today(reading: Reading) -> None:
    reading.asked.connectors["global"] = object()
    assert await reading.intake.read(reading.tenant) == 0
    assert not await reading.owed()


def work(sim: str, verb: str = "terminate") -> CarrierWork:
    return CarrierWork(
        line=UUID(int=5),
        id=UUID(int=9), verb=verb, sim=sim, iccid=sim, account="global", change=UUID(int=8), wave=1,
        device=device_id(0), state=OperationState.DISPATCHED, dispatched_at=BEGUN, deadline=BEGUN + timedelta(hours=1),
    )  # fmt: skip


async def test_the_last_reading_before_the_end_goes_into_the_records(reading: Reading) -> None:
    reading.used(0, 300, 700)
    (sim,) = await reading.sql("select provider_id from subscription where device = %s and state = 4", device_id(0))
    hand = CarrierWorker(
        None, reading.asked, Timekeeper(real=lambda: reading.clock().timestamp()), usage=reading.intake
    )
    connector = await reading.asked.connector(reading.tenant, "global")
    kept = await hand._last.before(reading.tenant, connector, work(sim[0]))
    assert kept is not None
    assert (kept["uplink_bytes"], kept["downlink_bytes"], kept["from"]) == (300, 700, "carrier")
    assert await reading.sql("select bytes from usage_day") == [(1_000,)]
    assert await hand._last.before(reading.tenant, connector, work(sim[0], "suspend")) is None


async def test_where_nothing_can_be_read_the_records_are_the_evidence(reading: Reading) -> None:
    reading.used(0, 300, 700)
    await reading.intake.read(reading.tenant)
    (sim,) = await reading.sql("select provider_id from subscription where device = %s and state = 4", device_id(0))
    hand = CarrierWorker(
        None, reading.asked, Timekeeper(real=lambda: reading.clock().timestamp()), usage=reading.intake
    )
    kept = await hand._last.before(reading.tenant, object(), work(sim[0]))
    assert kept is not None
    assert (kept["uplink_bytes"], kept["downlink_bytes"], kept["from"]) == (300, 700, "records")


@pytest.mark.parametrize("verb", ["deactivate"])
async def test_a_line_that_ends_while_its_carrier_is_away_keeps_what_is_known(reading: Reading, verb: str) -> None:
    reading.used(0, 300, 700)
    await reading.intake.read(reading.tenant)
    (sim,) = await reading.sql("select provider_id from subscription where device = %s and state = 4", device_id(0))
    reading.world.inject(Fault(kind="api_down", carrier="tr", verb="stats"))
    hand = CarrierWorker(
        None, reading.asked, Timekeeper(real=lambda: reading.clock().timestamp()), usage=reading.intake
    )
    connector = await reading.asked.connector(reading.tenant, "global")
    kept = await hand._last.before(reading.tenant, connector, work(sim[0], verb))
    assert kept is not None
    assert (kept["from"], kept["uplink_bytes"], "unread" in kept) == ("records", 300, True)

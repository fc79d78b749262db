"""One steering over three carriers, each a connector before its fake: a block list, an allow list, and none at all."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest_asyncio
from tests.contract.bench import Bench, Clock, Stage
from tests.contract.benches import BENCHES
from tests.store.fleet_on_paper import device_id, iccid, settle_fleet
from tests.store.loop_on_paper import cross
from tests.store.test_loop import House, built

from fairlead.connectors._kit.http import new_client
from fairlead.engine.bulk import Bulks
from fairlead.engine.carrierwork import CarrierWorker
from fairlead.engine.ports.carrier import Manifest
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.situations import Able
from fairlead.engine.steerings import Steerings
from fairlead.engine.timekeeper import Timekeeper
from fairlead.reference import load
from fairlead.store.bulk import BulkStore
from fairlead.store.steering import SteeringStore
from fairlead_sim.carriers.serving import serving

from .test_usage_rules import Opened

STEERING = """
apiVersion: fairlead/v1
kind: Steering
metadata: {name: two-of-three}
spec:
  match: country == "TR"
  prefer:
    - {plmn: "286-02"}
    - {plmn: "286-01", premium: true}
"""
AT = {"global": "telnyx", "local-tr": "supersim", "local-br": "soracom"}


@dataclass
class Place:
    """Three carriers, one tenant, one clock."""

    house: House
    clock: Clock
    benches: dict[str, Bench]
    steerings: Steerings
    bulks: Bulks
    worker: CarrierWorker

    async def turn(self) -> None:
        await self.steerings.tick(self.house.tenant)
        for _ in range(40):
            self.clock.tick(seconds=10)
            for bench in self.benches.values():
                bench.clock.at = self.clock.at
            await self.worker.dispatch(self.house.tenant)
            await self.worker.read_back(self.house.tenant)
            await self.bulks.settle(self.house.tenant)
        await self.steerings.tick(self.house.tenant)

    async def verdicts(self) -> dict[str, dict]:
        return {one.account: dict(one.verdict) for one in await self.steerings.kept(self.house.tenant)}

    def lists(self, account: str) -> list[tuple[str, list[str]] | None]:
        sims = self.benches[account].world.carriers["tr"].sims.values()
        return [None if sim.steering is None else (sim.steering.kind, sorted(sim.steering.plmns)) for sim in sims]


@pytest_asyncio.fixture(loop_scope="session")
async def place(database, tenant) -> AsyncIterator[Place]:
    clock, house = Clock(), built(database, tenant)
    await settle_fleet(database, tenant, 1)
    await house.sql("update fact set country = 'TR' returning 1")
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(new_client())
        benches: dict[str, Bench] = {}
        for account, connector in AT.items():
            stage = Stage("", http)
            stage.url = await stack.enter_async_context(serving(stage))
            bench = benches[account] = BENCHES[connector].make(Clock(), stage)
            stage.playing = bench.fake
            await house.sql("update account set connector = %s where name = %s returning 1", connector, account)
        for slot, account in ((1, "global"), (2, "local-tr")):
            await house.sql(
                "update subscription s set provider_id = %s, account = a.id, state = 4 from account a"
                " where a.name = %s and s.iccid = %s returning 1", benches[account].line(), account, iccid(0, slot),
            )  # fmt: skip
        known = {bench.factory.manifest.id: bench.factory.manifest for bench in benches.values()}

        def manifest(connector: str) -> Manifest | None:
            return known.get(connector)

        def able(connector: str, _config: object) -> Able:
            verbs = known[connector].capabilities.verbs if connector in known else {}
            return Able(meanings={verb.value: can for verb, can in verbs.items() if can.supported})

        time = Timekeeper(real=lambda: clock().timestamp())
        carriers = Opened({account: bench.open() for account, bench in benches.items()})
        bulks = Bulks(house.stores, BulkStore(), time, manifest, able)
        steerings = Steerings(
            house.stores, SteeringStore(), bulks, time, manifest, able, load().networks
        )  # fmt: skip
        house.planner._previews = (steerings,)
        house.now = time.now()
        yield Place(house, clock, benches, steerings, bulks, CarrierWorker(house.stores, carriers, time))


async def test_each_carrier_gets_its_own_list_and_has_the_former_back(place: Place) -> None:
    before = {account: place.lists(account) for account in AT}
    plan, change = await place.house.plan_and_apply(STEERING)
    assert isinstance(change, ChangeRow)
    assert {one["account"] for one in plan.summary["steering"]["two-of-three"]} == {"global", "local-tr"}
    await place.turn()
    told = await place.verdicts()
    assert {account: one["standing"] for account, one in told.items()} == {
        "global": {"set": 1}, "local-tr": {"set": 1},
    }  # fmt: skip
    assert place.lists("local-tr") == [("allow", ["286-01", "286-02"])]
    ((kind, blocked),) = [one for one in place.lists("global") if one is not None]
    assert kind == "block"
    assert "286-03" in blocked
    assert not {"286-01", "286-02"} & set(blocked)
    assert place.lists("local-br") == before["local-br"]
    await cross(place.house, device_id(0), "BR")
    place.clock.tick(minutes=1)
    await place.turn()
    assert [one for one in place.lists("global") if one is not None and one[1]] == []
    results = await place.house.sql(
        "select o.arguments ->> 'account', o.state, o.reason from operation o join bulk b on b.id = o.bulk"
        " where b.undo_of is not null order by 1"
    )
    assert [(account, state) for account, state, _ in results] == [("global", 5), ("local-tr", 5)]
    ((kind, allowed),) = [one for one in place.lists("local-tr") if one is not None]
    assert kind == "allow"
    assert {"724-05", "286-03"} < set(allowed)  # everywhere again, as before

"""One usage rule over two carriers, each a connector before its fake: one tells usage in minutes, one a day late.

The first acts and comes back by itself as the clock of the lab goes on; the second is said to be beyond judging.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest_asyncio
from tests.contract.bench import Bench, Clock, Stage
from tests.contract.benches.programmable_wireless import PROGRAMMABLE_WIRELESS
from tests.contract.benches.soracom import SORACOM
from tests.store.fleet_on_paper import device_id, settle_fleet
from tests.store.loop_on_paper import applied
from tests.store.test_loop import House, built

from fairlead.connectors._kit.http import new_client
from fairlead.engine.bulk import Bulks
from fairlead.engine.carrierwork import CarrierWorker
from fairlead.engine.findings import Findings
from fairlead.engine.ports.carrier import Manifest, NotFound
from fairlead.engine.situations import Able
from fairlead.engine.timekeeper import Timekeeper
from fairlead.engine.usage import UsageIntake
from fairlead.engine.usage_alerts import UsageAlerts
from fairlead.engine.usage_rules import UsageRules
from fairlead.model.ids import TenantId
from fairlead.store.bulk import BulkStore
from fairlead.store.findings import FindingStore
from fairlead.store.journal import append
from fairlead.store.steering import SteeringStore
from fairlead.store.usage import UsageStore
from fairlead.store.usage_rules import UsageRuleStore
from fairlead_sim.carriers.serving import serving

MB = 1_000_000
RULE = """
apiVersion: fairlead/v1
kind: UsageRule
metadata: {name: runaway}
spec:
  match: sku == "TRK-1"
  above: {window: 24h, bytes: 50MB}
  then: %s
  max_age: 12h
  reason: a tracker that sends so much is broken
"""


@dataclass
class Place:
    """Two carriers, one tenant, one clock."""

    house: House
    clock: Clock
    fast: Bench
    late: Bench
    rules: UsageRules
    bulks: Bulks
    intake: UsageIntake
    worker: CarrierWorker
    time: Timekeeper

    async def turns(self, *, hours: float = 0) -> None:
        """Time goes by, usage is read, the rule is judged, carriers carry out, and it is looked at again."""
        for bench in (self.fast, self.late):
            bench.clock.at = self.clock.at + timedelta(hours=hours)
        self.clock.tick(hours=hours)
        tenant = self.house.tenant
        await self.intake.read(tenant)
        await self.rules.tick(tenant)
        for _ in range(3):
            self.clock.tick(seconds=10)
            self.fast.clock.at = self.late.clock.at = self.clock.at
            await self.worker.dispatch(tenant)
            await self.worker.read_back(tenant)
            await self.bulks.settle(tenant)
        await self.rules.tick(tenant)

    async def verdicts(self) -> dict[str, dict]:
        return {one.account: dict(one.verdict) for one in await self.rules.kept(self.house.tenant)}

    async def findings(self) -> list[tuple]:
        return await self.house.sql("select state, title from finding where kind = 'usage-rule' order by title")


class Opened:
    def __init__(self, connectors: dict[str, object]) -> None:
        self.connectors = connectors

    async def connector(self, _tenant: TenantId, account: str) -> object:
        if account not in self.connectors:
            raise NotFound(f"no account {account!r}")
        return self.connectors[account]

    async def staleness(self, _tenant: TenantId, _account: str) -> timedelta:
        return timedelta(0)

    async def withheld(self, _tenant: TenantId, _account: str) -> str:
        return ""


@pytest_asyncio.fixture(loop_scope="session")
async def place(database, tenant) -> AsyncIterator[Place]:
    clock = Clock()
    house = built(database, tenant)
    await settle_fleet(database, tenant, 2)
    async with new_client() as http:
        one, two = Stage("", http), Stage("", http)
        async with serving(one) as first, serving(two) as second:
            one.url, two.url = first, second
            fast, late = SORACOM.make(Clock(), one), PROGRAMMABLE_WIRELESS.make(Clock(), two)
            one.playing, two.playing = fast.fake, late.fake
            for account, bench in (("global", fast), ("local-br", late)):
                for n in range(2):
                    line = bench.line(device=True)
                    bench.online(line)
                    await house.sql(
                        "update subscription s set provider_id = %s, state = 4 from account a where a.id = s.account"
                        " and a.name = %s and s.device = %s returning 1", line, account, device_id(n),
                    )  # fmt: skip
                    bench.world.traffic(bench.device(line), 30 * MB, 30 * MB if n == 0 else 1)
                connector = bench.factory.manifest.id
                await house.sql("update account set connector = %s where name = %s returning 1", connector, account)
            known = {bench.factory.manifest.id: bench.factory.manifest for bench in (fast, late)}

            def manifest(connector: str) -> Manifest | None:
                return known.get(connector)

            def able(connector: str, _config: object) -> Able:
                verbs = known[connector].capabilities.verbs if connector in known else {}
                return Able(meanings={verb.value: can for verb, can in verbs.items() if can.supported})

            time = Timekeeper(real=lambda: clock().timestamp())
            carriers = Opened({"global": fast.open(), "local-br": late.open()})
            bulks = Bulks(house.stores, BulkStore(), time, manifest, able)
            alerts = UsageAlerts(Findings(database, FindingStore(), append, time.now))
            rules = UsageRules(house.stores, UsageRuleStore(), SteeringStore(), bulks, time, manifest, able, alerts)
            house.planner._previews = (rules,)
            intake = UsageIntake(database, UsageStore(), carriers, time)
            worker = CarrierWorker(house.stores, carriers, time)
            yield Place(house, clock, fast, late, rules, bulks, intake, worker, time)


async def suspended(bench: Bench) -> int:
    return sum(sim.state == "suspended" for sim in bench.world.carriers["tr"].sims.values())


async def test_one_carrier_acts_and_comes_back_and_the_other_cannot_be_judged(place: Place) -> None:
    await place.turns(hours=1)
    await applied(place.house, RULE % "{alert: high, action: suspend, for: 24h}")
    await place.turns()
    told = await place.verdicts()
    assert (told["global"]["judged"], told["global"]["crossed"]) == (2, 1)
    assert told["global"]["lines_by_state"] == {"held": 1}
    assert (told["local-br"]["judged"], told["local-br"]["cannot"]) == (0, 1)
    assert "24 h old at best, and the rule takes none older than 12 h" in told["local-br"]["cannot_because"]
    assert (await suspended(place.fast), await suspended(place.late)) == (1, 0)
    ((state, title),) = await place.findings()
    assert (state, title) == (1, "runaway: 60 MB in 24 h, more than 50 MB")
    held = await place.house.sql("select revert_at - held_at from usage_hold")
    assert held == [(timedelta(hours=24),)]
    await place.turns(hours=23)
    assert await suspended(place.fast) == 1
    await place.turns(hours=2)
    assert await suspended(place.fast) == 0
    assert await place.house.sql("select over_by from usage_hold") == [("rule",)]
    assert [one[0] for one in await place.findings()] == [3]


async def test_a_line_is_slowed_where_the_carrier_has_classes_and_told_of_where_it_has_not(place: Place) -> None:
    await place.turns(hours=1)
    text = (RULE % "{alert: medium, action: throttle, rate: 150kbit, for: 2h}").replace("max_age: 12h", "max_age: 30h")
    await applied(place.house, text)
    await place.turns()
    speeds = {sim.speed for sim in place.fast.world.carriers["tr"].sims.values()}
    assert speeds == {"", "s1.slow"}  # the fastest class that is not faster
    told = await place.verdicts()
    assert told["global"]["action"] == "set_speed"
    assert "no such action" in told["local-br"]["action_because"]
    await place.turns(hours=3)
    assert {sim.speed for sim in place.fast.world.carriers["tr"].sims.values()} == {"", "s1.fast"}

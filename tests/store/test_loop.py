"""The loop on paper: plan, stages, moves, proof, rollback and waves against a real PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest_asyncio

from fairlead.engine.changes import Changes, Conflict
from fairlead.engine.findings import Findings
from fairlead.engine.moving import Moving
from fairlead.engine.plans import File, Hand, Planner, Refused
from fairlead.engine.ports.moving import Outcome
from fairlead.engine.resolve import Resolver
from fairlead.engine.situations import Able, Situations
from fairlead.engine.stages import Stages
from fairlead.engine.stores import Stores
from fairlead.engine.timekeeper import Timekeeper
from fairlead.engine.waves import Waves
from fairlead.model.ids import PrincipalId, TenantId
from fairlead.model.lifecycle import ChangeState, OperationState
from fairlead.model.rollout import read_rollout
from fairlead.model.subscription import VerbCapability
from fairlead.store.changes import ChangeStore
from fairlead.store.database import Database
from fairlead.store.findings import FindingStore
from fairlead.store.journal import append
from fairlead.store.moves import MoveStore
from fairlead.store.planning import PlanStore
from fairlead.store.policies import PolicyStore

from .fleet_on_paper import NOW, device_id, settle_fleet

PERSON = Hand(person=PrincipalId(UUID(int=7)), actor="usr_test")
POLICY = """
apiVersion: fairlead/v1
kind: Policy
metadata: {{name: local-{lower}}}
spec:
  priority: 200
  match: country == "{country}" && roaming && clock("permanent-roaming").days_left <= 30
  until: country != "{country}"
  admit: {{paced: 500/h}}
  set:
    network: {{carrier: local-{lower}, method: local-profile, apn: iot.example}}
    config: {{merge: {{report_interval_s: 900}}}}
  couple: [network, config]
  reason: "foreign SIMs may not stay"
"""


@dataclass
class House:
    database: Database
    tenant: TenantId
    stores: Stores
    planner: Planner
    changes: Changes
    stages: Stages
    moving: Moving
    waves: Waves
    resolver: Resolver
    now: datetime = NOW

    async def sql(self, query: str, *values: object) -> list[tuple]:
        async with self.database.tenant(self.tenant) as tx:
            found = await tx.execute(query, values)
            return await found.fetchall() if found.description else []

    async def tick(self, times: int = 1) -> None:
        for _ in range(times):
            await self.moving.tick(self.tenant)
            await self.stages.tick(self.tenant, self.now)

    async def carriers_answer(self, refuse_in: frozenset[str] = frozenset()) -> int:
        """Every pending carrier operation is applied, or refused for devices of some countries."""
        async with self.database.tenant(self.tenant) as tx:
            accounts = await self.stores.moves.pending_accounts(tx, self.now)
            done = 0
            for account in accounts:
                works = await self.stores.moves.take(tx, account, 1000, self.now)
                countries = dict(await (await tx.execute("select device, country from fact")).fetchall())
                outcomes = [
                    Outcome(
                        id=w.id,
                        state=OperationState.REFUSED
                        if w.verb == "activate" and countries[w.device] in refuse_in
                        else OperationState.VERIFIED,
                        reason="forbidden" if countries[w.device] in refuse_in else "",
                        evidence=[],
                    )
                    for w in works
                ]
                done += len(await self.stores.moves.record(tx, outcomes, self.now))
            return done

    async def devices_obey(self) -> None:
        """Every device reports what it was offered and is seen on the SIM it was asked to use."""
        async with self.database.tenant(self.tenant) as tx:
            await tx.execute(
                "update facet set observed_generation = offered_generation where offered_generation > observed_generation"
            )
            await tx.execute(
                "insert into session (tenant, device, iccid, source, started_at, seen_at)"
                " select tenant, device, arguments ->> 'iccid', 'carrier', %s, %s from operation where driver = 'shadow' and facet = 1"
                " and state in (2, 3, 4) on conflict (tenant, device, iccid, started_at) do update set seen_at = excluded.seen_at",
                (self.now, self.now + timedelta(seconds=1)),
            )
            for _ in range(2):
                await self.stores.moves.prove(tx, self.now + timedelta(seconds=1))

    async def run(self, refuse_in: frozenset[str] = frozenset(), rounds: int = 25) -> None:
        for _ in range(rounds):
            self.now += timedelta(seconds=5)
            self.moving._time._pace = Timekeeper.lab(1.0, self.now)._pace
            await self.tick()
            await self.carriers_answer(refuse_in)
            await self.devices_obey()

    async def plan_and_apply(self, *texts: str, stages: list[int] | None = None, **gate: object) -> object:
        plan = await self.planner.make(
            self.tenant, PERSON, [File(name=f"{i}.yaml", text=t) for i, t in enumerate(texts)], now=self.now
        )
        assert not isinstance(plan, Refused), plan
        rollout = read_rollout({"stages": stages or [10, 100], "gate": {"max_failed": 0.1, **gate}})
        return plan, await self.changes.apply(
            self.tenant, PERSON, plan.id, rollout=rollout, title="", reason="law", now=self.now
        )


def built(database: Database, tenant: TenantId) -> House:
    """The loop over a database, without a task of its own."""
    stores = Stores(
        transactions=database,
        policies=PolicyStore(),
        plans=PlanStore(),
        changes=ChangeStore(),
        moves=MoveStore(),
        append=append,
    )
    verbs = ("activate", "suspend", "deactivate", "standby", "allow_termination", "terminate")
    meanings = {verb: VerbCapability(supported=True) for verb in verbs}
    situations = Situations(stores, lambda connector, _config: Able(meanings=meanings if connector else {}))
    planner = Planner(stores, situations)
    stages = Stages(stores)
    resolver = Resolver(stores)
    timekeeper = Timekeeper.lab(1.0, NOW)
    return House(
        database=database,
        tenant=tenant,
        stores=stores,
        planner=planner,
        changes=Changes(stores, planner, stages),
        stages=stages,
        moving=Moving(stores, timekeeper),
        waves=Waves(stores, resolver, situations, Findings(database, FindingStore(), append, timekeeper.now)),
        resolver=resolver,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def house(database: Database, tenant: TenantId) -> AsyncIterator[House]:
    yield built(database, tenant)


def policy(country: str) -> str:
    return POLICY.format(country=country, lower=country.lower())


async def states(house: House) -> dict[str, dict[int, int]]:
    rows = await house.sql(
        "select f.country, m.state, count(*) from move m join fact f on f.device = m.device group by 1, 2"
    )
    found: dict[str, dict[int, int]] = {}
    for country, state, count in rows:
        found.setdefault(country, {})[state] = count
    return found


async def test_a_change_moves_proves_and_stands(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 40)
    plan, change = await house.plan_and_apply(policy("BR"), policy("TR"))
    assert plan.summary["devices"] == 40
    assert plan.summary["countries"] == {"BR": 20, "TR": 20}
    assert not isinstance(change, Conflict)
    assert change.state is ChangeState.RUNNING
    assert (await house.sql("select count(*) from move"))[0][0] == 4  # a tenth of each stratum
    await house.run()
    assert await states(house) == {"BR": {3: 20}, "TR": {3: 20}}
    rows = await house.sql("select state from change")
    assert ChangeState(rows[0][0]) is ChangeState.STANDING
    assert (await house.sql("select count(*) from operation where state <> 5"))[0][0] == 0


async def test_refusals_in_one_country_roll_back_that_batch_and_no_other(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 40)
    await house.plan_and_apply(policy("BR"), policy("TR"))
    await house.run(refuse_in=frozenset({"TR"}))
    assert await states(house) == {"BR": {3: 20}, "TR": {6: 2}}
    classes = await house.sql(
        "select f.country, s.class, count(*) from standing s join fact f on f.device = s.device group by 1, 2"
    )
    assert {(c, k > 0): n for c, k, n in classes} == {("BR", True): 20, ("TR", False): 20}
    for _ in range(10):  # rolled back, and it stays so
        await house.resolver.whole(house.tenant, house.now, cause="test")
        await house.waves.tick(house.tenant, house.now)
        await house.run(rounds=1)
    assert await states(house) == {"BR": {3: 20}, "TR": {6: 2}}


async def test_a_device_that_crosses_a_border_later_is_moved_and_leaves_again(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 20)
    await house.plan_and_apply(policy("BR"))
    await house.run()
    assert await states(house) == {"BR": {3: 10}}
    crosser = devices[1]
    await house.sql(
        "insert into profile (tenant, id, card, device, account, slot, iccid, iccid_raw) select tenant, %s, %s, %s, account, 3, %s, %s from profile where slot = 2 and device = %s returning id",
        device_id(9001),
        device_id(9001),
        crosser,
        "8944039999999999999",
        "x",
        devices[0],
    )
    await house.sql(
        "insert into subscription (tenant, id, profile, account, device, iccid, state) select tenant, id, id, account, device, iccid, 5 from profile where slot = 3 returning id"
    )
    await house.sql("update fact set country = 'BR' where device = %s returning device", crosser)
    await house.sql("insert into dirty (tenant, device) values (%s, %s) returning device", house.tenant, crosser)
    await house.resolver.dirty(house.tenant, house.now)
    await house.waves.tick(house.tenant, house.now)
    await house.run(rounds=8)
    assert await states(house) == {"BR": {3: 11}}
    # a policy that succeeded does not undo itself: the clock is far away now, the device is not roaming any more
    await house.sql("update fact set breach_at = null, roaming = false returning device")
    await house.resolver.whole(house.tenant, house.now, cause="test")
    assert await house.waves.tick(house.tenant, house.now) == 0
    # leaving ends it
    await house.sql("update fact set country = 'AR' where device = %s returning device", crosser)
    await house.resolver.whole(house.tenant, house.now, cause="test")
    assert await house.waves.tick(house.tenant, house.now) == 1
    await house.run(rounds=8)
    classes = await house.sql("select class from standing where device = %s", crosser)
    assert classes[0][0] == 0


async def test_facts_that_moved_under_a_plan_refuse_it(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    plan = await house.planner.make(house.tenant, PERSON, [File(name="a.yaml", text=policy("BR"))], now=house.now)
    assert not isinstance(plan, Refused)
    await house.sql("update fact set country = 'AR' where device = %s returning device", devices[0])
    answer = await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=read_rollout({}), title="", reason="", now=house.now
    )
    assert isinstance(answer, Conflict)
    assert answer.code == "drifted"
    assert answer.differences["gone"] == 1


async def test_policies_that_collide_are_refused(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    other = policy("BR").replace("name: local-br", "name: other").replace("apn: iot.example", "apn: elsewhere.example")
    plan = await house.planner.make(
        house.tenant, PERSON, [File(name="a.yaml", text=policy("BR") + "---" + other)], now=house.now
    )
    assert isinstance(plan, Refused)
    assert "priority 200" in plan.faults[0].expected


async def test_a_device_that_went_back_by_itself_has_acknowledged_the_way_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    await house.sql(
        "insert into reported (tenant, device, facet, version, state, at) select f.tenant, f.device, 1, 1,"
        " jsonb_build_object('carrier', f.carrier, 'apn', 'global.example', 'iccid', f.iccid), %s from fact f returning device",
        NOW,
    )
    await house.plan_and_apply(policy("BR"), stages=[100])
    for _ in range(4):
        await house.tick()
        await house.carriers_answer()
    async with house.database.tenant(
        house.tenant
    ) as tx:  # its lease ran out: it says so, and reports what it reported before
        assert await house.stores.moves.refuse(tx, device_id(0), 1, "no-registration", house.now) == 1
    for _ in range(8):
        house.now += timedelta(seconds=5)
        house.moving._time._pace = Timekeeper.lab(1.0, house.now)._pace
        await house.tick()
        await house.carriers_answer()
        async with house.database.tenant(house.tenant) as tx:
            await tx.execute(
                "insert into session (tenant, device, iccid, source, started_at, seen_at)"
                " select tenant, device, iccid, 'carrier', %s, %s from fact on conflict do nothing",
                (NOW, NOW + timedelta(hours=1)),
            )
            await tx.execute("update facet set observed_generation = offered_generation where facet = 2")
            for _ in range(2):
                await house.stores.moves.prove(tx, house.now)
    assert await states(house) == {"BR": {6: 1}}


async def test_entrants_of_a_policy_that_asks_wait_for_a_person(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 6)
    await house.sql("update fact set breach_at = null where device = %s returning device", devices[0])
    await house.plan_and_apply(policy("BR").replace("{paced: 500/h}", "ask"), stages=[100])
    await house.run()
    assert await states(house) == {"BR": {3: 2}}
    await house.sql("update fact set breach_at = %s where device = %s returning device", NOW, devices[0])
    await house.sql("insert into dirty (tenant, device) values (%s, %s) returning device", house.tenant, devices[0])
    await house.resolver.dirty(house.tenant, house.now)
    assert await house.waves.tick(house.tenant, house.now) == 0
    change = (await house.sql("select id from change"))[0][0]
    assert await house.waves.admit(house.tenant, change, PERSON, house.now) == 1
    await house.run(rounds=8)
    assert await states(house) == {"BR": {3: 3}}
    assert await house.sql("select payload from journal where action = 'wave.admitted'")

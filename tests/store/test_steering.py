"""Steering over real tables: compiled per account, set through bulk actions, followed and taken back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from fairlead.connectors.soracom.connector import MANIFEST
from fairlead.engine.bulk import Bulks
from fairlead.engine.plans import Refused, Removal
from fairlead.engine.ports.carrier import Done as CarrierDone
from fairlead.engine.ports.carrier import Manifest, NetworkPolicy, Outcome, ProviderId, SimRecord
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.situations import Able
from fairlead.engine.steerings import Steerings
from fairlead.model.lifecycle import BulkState
from fairlead.model.rollout import read_rollout
from fairlead.model.subscription import CapabilityRecord, Verb, VerbCapability
from fairlead.reference import load
from fairlead.store.bulk import BulkStore
from fairlead.store.steering import SteeringStore

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import device_id, settle_fleet
from .loop_on_paper import applied, clock, cross
from .test_bulk import HAND, actor
from .test_loop import PERSON, House, house
from .test_loop_faults import worker

__all__ = ["house"]  # the fixture

STEERING = """
apiVersion: fairlead/v1
kind: Steering
metadata: {{name: {name}}}
spec:
  match: {match}
  prefer:
    - {{plmn: "{first}", when: "success_rate_1h >= 0.97"}}
    - {{plmn: "724-05", premium: true}}
"""
NETWORKS = load().networks
ALLOWS_NOTHING = NetworkPolicy(kind="allow", plmns=frozenset())
CAN = {Verb.SET_NETWORK_POLICY: VerbCapability(supported=True)}
ALLOWS = replace(MANIFEST.capabilities, verbs=CAN, steering="allow")
BLOCKS = replace(MANIFEST.capabilities, verbs=CAN, steering="block")


def steering(name: str = "cheap", match: str = 'country == "BR"', first: str = "724-10") -> str:
    return STEERING.format(name=name, match=match, first=first)


@dataclass
class Lists(CarrierOnPaper):
    """A carrier that also keeps a list of networks a SIM."""

    lists: dict[str, NetworkPolicy] = field(default_factory=dict)
    first: NetworkPolicy | None = ALLOWS_NOTHING

    async def read_networks(self, sim: ProviderId) -> NetworkPolicy | None:
        return self.lists.get(sim, self.first)

    async def set_network_policy(self, sim: ProviderId, policy: NetworkPolicy) -> Outcome:
        self.called["set_network_policy", sim] += 1
        self.lists[sim] = policy
        return CarrierDone(observed=self._record(sim))

    def _record(self, sim: ProviderId) -> SimRecord:
        return replace(super()._record(sim), network_policy=self.lists.get(sim))


@dataclass
class Steered:
    """A house whose accounts keep lists as `records` says, by account."""

    house: House
    records: Mapping[str, CapabilityRecord]
    carrier: Lists
    steerings: Steerings
    bulks: Bulks

    async def tick(self, seconds: int = 60) -> int:
        asked = await self.steerings.tick(self.house.tenant)
        hand = worker(self.house, self.carrier)
        for _ in range(seconds // 5):
            clock(self.house, timedelta(seconds=5))
            self.carrier.now = self.house.now
            await hand.dispatch(self.house.tenant)
            await hand.read_back(self.house.tenant)
            await self.bulks.settle(self.house.tenant)
        return asked

    async def verdict(self, name: str = "cheap", account: str = "global") -> dict:
        await self.steerings.tick(self.house.tenant)
        found = await self.steerings.kept(self.house.tenant)
        return next(dict(one.verdict) for one in found if (one.name, one.account) == (name, account))

    def listed(self) -> dict[str, set[str]]:
        return {sim: {str(plmn) for plmn in policy.plmns} for sim, policy in self.carrier.lists.items()}


async def settled(house: House, records: Mapping[str, CapabilityRecord], devices: int = 8) -> Steered:
    await settle_fleet(house.database, house.tenant, devices)
    await house.sql("update subscription set provider_id = iccid returning id")
    await house.sql("update account set connector = name returning id")
    clock(house)

    def manifest(connector: str) -> Manifest | None:
        return replace(MANIFEST, capabilities=records[connector]) if connector in records else None

    def able(connector: str, _config: object) -> Able:
        found = manifest(connector)
        return Able(meanings={v.value: c for v, c in found.capabilities.verbs.items()} if found else {})

    time = house.moving._time
    bulks = Bulks(house.stores, BulkStore(), time, manifest, able)
    steerings = Steerings(house.stores, SteeringStore(), bulks, time, manifest, able, NETWORKS)
    house.planner._previews = (steerings,)
    return Steered(house, records, Lists(lambda *_: Answer.DONE), steerings, bulks)


async def test_a_steering_is_set_where_a_carrier_can_and_says_why_not_elsewhere(house: House) -> None:
    made = await settled(house, {"global": ALLOWS, "local-br": replace(ALLOWS, verbs={}, steering="none")})
    plan, change = await house.plan_and_apply(steering())
    assert isinstance(change, ChangeRow)
    planned = {one["account"]: one for one in plan.summary["steering"]["cheap"]}
    assert (planned["global"]["lines"], planned["global"]["plmns"]) == (4, ["724-05", "724-10"])
    assert "keeps no list" in planned["local-br"]["because"]
    assert plan.summary["no_driver_yet"] == []
    assert await made.tick() == 4
    assert set(map(tuple, map(sorted, made.listed().values()))) == {("724-05", "724-10")}
    assert len(made.listed()) == 4
    assert (await made.verdict())["standing"] == {"set": 4}
    assert (await made.verdict(account="local-br"))["possible"] is False
    assert await made.tick() == 0  # twice is once
    told = await house.sql("select actor from journal where action = 'bulk.started'")
    assert told == [("steering/cheap@1",)]


async def test_who_comes_later_gets_the_list_and_who_leaves_goes_back(house: House) -> None:
    made = await settled(house, {"global": BLOCKS})
    made.carrier.first = NetworkPolicy(kind="block", plmns=frozenset())
    await applied(house, steering())
    await made.tick()
    before = set(made.listed())
    await cross(house, device_id(1), "BR")
    assert await made.tick() == 1
    assert len(made.listed()) == len(before) + 1
    await cross(house, device_id(1), "TR")
    assert await made.tick() == 1
    (came,) = set(made.listed()) - before
    assert made.listed()[came] == set()  # the list before: none was blocked
    assert await made.tick() == 0


async def test_a_new_revision_is_set_and_the_end_takes_all_back(house: House) -> None:
    made = await settled(house, {"global": ALLOWS})
    made.carrier.first = NetworkPolicy(kind="allow", plmns=frozenset({NETWORKS["724-11"].plmn}))
    await applied(house, steering())
    await made.tick()
    clock(house, timedelta(minutes=1))
    await applied(house, steering(first="724-02"))
    assert await made.tick() == 4
    assert set(map(tuple, map(sorted, made.listed().values()))) == {("724-02", "724-05")}
    plan = await house.planner.make(
        house.tenant, PERSON, [], removals=[Removal(kind="Steering", name="cheap")], now=house.now
    )
    assert not isinstance(plan, Refused)
    await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=read_rollout({}), title="", reason="over", now=house.now
    )
    assert await made.tick() == 4
    assert set(map(tuple, map(sorted, made.listed().values()))) == {("724-11",)}  # before the steering
    assert await made.tick() == 0


async def test_a_persons_undo_is_respected_until_the_steering_is_written_anew(house: House) -> None:
    made = await settled(house, {"global": ALLOWS})
    await applied(house, steering())
    await made.tick()
    ((bulk,),) = await house.sql("select id from bulk")
    undone = await made.bulks.undo(actor(house), HAND, bulk, reason="no")
    assert getattr(undone, "state", None) is BulkState.RUNNING, undone
    assert await made.tick() == 0
    assert (await made.verdict())["standing"] == {"person": 4}
    assert set(map(tuple, made.listed().values())) == {()}
    clock(house, timedelta(minutes=1))
    await applied(house, steering(first="724-02"))
    assert await made.tick() == 4


async def test_two_steerings_on_one_line_set_nothing_there(house: House) -> None:
    made = await settled(house, {"global": ALLOWS})
    await applied(house, steering(), steering("other", 'sku == "TRK-1" && country == "BR"', "724-02"))
    assert await made.tick() == 0
    assert (await made.verdict())["standing"] == {"clash": 4}


async def test_many_lines_are_one_bulk_action(house: House) -> None:
    made = await settled(house, {"global": BLOCKS}, devices=1_100)
    await applied(house, steering(match='sku == "TRK-1"'))
    assert await made.steerings.tick(house.tenant) == 1_100
    assert await house.sql("select total, rule from bulk") == [(1_100, "steering/cheap@1")]
    assert (await made.verdict())["standing"] == {"under way": 1_100}


@pytest.mark.parametrize("shared", [False, True])
async def test_a_shared_list_binds_others_only_where_it_is_said(house: House, shared: bool) -> None:
    made = await settled(house, {"global": replace(BLOCKS, steering_scope="group")})
    await applied(house, steering() + ("  shared: true\n" if shared else ""))
    assert await made.tick() == (4 if shared else 0)

"""The loop when people change their minds, carriers lose answers, devices stay silent, and two processes work at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from fairlead.engine.carrierwork import ABANDONED_REAL_S, CarrierWorker
from fairlead.engine.changes import Conflict, RolledBack, Which
from fairlead.engine.plans import File, Hand, Refused, Removal
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.planning import PlanRow
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.facet import Facet
from fairlead.model.ids import PrincipalId
from fairlead.model.lifecycle import BatchState, ChangeState, MoveState, OperationState
from fairlead.model.rollout import read_rollout
from fairlead.policy.check import read_expression
from fairlead.policy.syntax import Refusal
from fairlead.store.changes import ChangeStore

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import settle_fleet
from .test_loop import PERSON, House, house, policy, states

__all__ = ["house"]  # the fixture

OTHER = Hand(person=PrincipalId(UUID(int=8)), actor="usr_other")
C, M, O, B = ChangeState, MoveState, OperationState, BatchState  # noqa: E741 - initials of the nouns
BARRED, HELD_OUT = 3, 4
FLAGS = Facet.FLAGS.number
CONFIG = """
apiVersion: fairlead/v1
kind: Policy
metadata: {{name: {name}}}
spec:
  priority: {priority}
  match: {match}
  set:
    {facet}: {{merge: {{{key}: {value}}}}}
  reason: "a test"
"""


def config(
    name: str = "often",
    *,
    match: str = 'country == "BR"',
    facet: str = "config",
    key: str = "report_interval_s",
    value: int = 60,
    priority: int = 100,
) -> str:
    return CONFIG.format(name=name, priority=priority, match=match, facet=facet, key=key, value=value)


# --- what tests ask -------------------------------------------------------------------------------


async def applied(house: House, *texts: str, **gate: object) -> ChangeRow:
    _, change = await house.plan_and_apply(*texts, **gate)
    assert isinstance(change, ChangeRow), change
    return change


async def state_of(house: House, change: ChangeRow) -> ChangeState:
    return C((await house.sql("select state from change where id = %s", change.id))[0][0])


async def rows(house: House, query: str, *values: object) -> dict:
    return dict(await house.sql(query, *values))


async def exceptions(house: House, kind: int) -> int:
    return (await house.sql("select count(*) from exception where kind = %s", kind))[0][0]


async def documents(house: House, facet: int) -> dict[str, object]:
    """What each device's shadow offers of a facet, by name."""
    return await rows(
        house,
        "select d.name, c.content from device d left join facet f on f.device = d.id and f.facet = %s"
        " left join document c on c.id = f.offered",
        facet,
    )


async def cross(house: House, device: UUID, country: str) -> None:
    await house.sql("update fact set country = %s where device = %s returning device", country, device)
    await house.sql(
        "insert into dirty (tenant, device) values (%s, %s) on conflict do nothing returning device",
        house.tenant,
        device,
    )


async def settle_facts(house: House, rounds: int = 8) -> None:
    """Resolution and waves look at what moved, then the moves run."""
    for _ in range(3):
        while await house.resolver.dirty(house.tenant, house.now) is not None:
            pass
        await house.waves.tick(house.tenant, house.now)
        await house.run(rounds=rounds)


async def ten_resolves(house: House) -> None:
    for _ in range(10):
        await house.resolver.whole(house.tenant, house.now, cause="test")
        await house.waves.tick(house.tenant, house.now)
        await house.run(rounds=1)


def clock(house: House, forward: timedelta = timedelta(0)) -> None:
    house.now += forward
    house.moving._time._pace = Timekeeper.lab(1.0, house.now)._pace


# --- people change their minds --------------------------------------------------------------------


async def test_paused_opens_nothing_and_starts_nothing_and_resumed_goes_on(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, policy("BR"))
    paused = await house.changes.pause(house.tenant, change.id, PERSON, house.now)
    assert isinstance(paused, ChangeRow)
    assert paused.state is C.PAUSED
    await house.run(rounds=6)
    assert await states(house) == {"BR": {M.WAITING: 1}}
    assert (await house.sql("select count(*) from operation"))[0][0] == 0
    again = await house.changes.pause(house.tenant, change.id, PERSON, house.now)
    assert isinstance(again, ChangeRow)
    assert again.version == paused.version  # twice is once
    await house.changes.resume(house.tenant, change.id, PERSON, house.now)
    await house.run()
    assert await states(house) == {"BR": {M.VERIFIED: 10}}
    assert await state_of(house, change) is C.STANDING


async def test_a_step_under_way_runs_to_its_end_while_paused(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, policy("BR"))
    await house.run(rounds=1)
    await house.changes.pause(house.tenant, change.id, PERSON, house.now)
    await house.run(rounds=10)
    assert await states(house) == {"BR": {M.VERIFIED: 1}}  # and the next stage did not open
    assert await state_of(house, change) is C.PAUSED


async def test_stopped_before_it_settled_it_is_rolled_back_whole_and_aborted(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    before = await documents(house, 2)
    change = await applied(house, policy("BR"), policy("TR"))
    await house.run(rounds=7)
    assert M.VERIFIED in (await states(house))["BR"]
    stopped = await house.changes.stop(house.tenant, change.id, PERSON, reason="second thoughts", now=house.now)
    assert isinstance(stopped, ChangeRow)
    assert stopped.state is C.ABORTED
    await house.run()
    assert {s for counts in (await states(house)).values() for s in counts} == {M.UNDONE}
    assert await rows(house, "select class, count(*) from standing group by 1") == {0: 20}
    assert (await house.sql("select count(*) from revision where state in (1, 2)"))[0][0] == 0
    after = await documents(house, 2)
    assert {d for d in after if after[d] not in (before[d], {"report_interval_s": 300})} == set()
    again = await house.changes.stop(house.tenant, change.id, PERSON, reason="again", now=house.now)
    assert isinstance(again, Conflict)
    assert again.code == "wrong_state"
    await ten_resolves(house)
    assert await rows(house, "select class, count(*) from standing group by 1") == {0: 20}


async def test_a_paused_standing_change_is_closed_and_not_rolled_back(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    change = await applied(house, config())
    await house.run()
    await house.changes.pause(house.tenant, change.id, PERSON, house.now)
    closed = await house.changes.stop(house.tenant, change.id, PERSON, reason="enough", now=house.now)
    assert isinstance(closed, ChangeRow)
    assert closed.state is C.CLOSED
    assert await states(house) == {"BR": {M.VERIFIED: 5}}
    await cross(house, devices[1], "BR")  # a closed Change takes no entrants
    await settle_facts(house)
    assert await rows(house, "select state, count(*) from move group by 1") == {M.VERIFIED: 5}
    assert (await house.sql("select class from standing where device = %s", devices[1]))[0][0] == 0


async def test_rolled_back_by_country_previewed_and_barred_through_ten_resolves(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, policy("BR"), policy("TR"))
    await house.run()
    which = Which(countries=("TR",))
    seen = await house.changes.rollback(
        house.tenant, change.id, PERSON, which=which, reason="law", preview=True, now=house.now
    )
    assert seen == RolledBack(devices=10, verified=10, left=0)
    assert await states(house) == {"BR": {M.VERIFIED: 10}, "TR": {M.VERIFIED: 10}}
    assert await exceptions(house, BARRED) == 0
    done = await house.changes.rollback(
        house.tenant, change.id, PERSON, which=which, reason="law", preview=False, now=house.now
    )
    assert done == seen
    await house.run()
    assert await states(house) == {"BR": {M.VERIFIED: 10}, "TR": {M.UNDONE: 10}}
    assert await exceptions(house, BARRED) == 10  # from the revision that moved them, and from no other
    await ten_resolves(house)
    assert await states(house) == {"BR": {M.VERIFIED: 10}, "TR": {M.UNDONE: 10}}
    offered = await documents(house, 2)
    countries = await rows(house, "select d.name, f.country from device d join fact f on f.device = d.id")
    assert {offered[d]["report_interval_s"] for d in offered if countries[d] == "TR"} == {300}
    assert {offered[d]["report_interval_s"] for d in offered if countries[d] == "BR"} == {900}


async def test_rolled_back_by_match_and_by_stage(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, config(match='country in ["BR", "TR"]'))
    await house.run()
    await house.sql("update fact set sku = 'MTR-9' where device = any(%s) returning device", devices[:3])
    meters = read_expression('sku == "MTR-9"', context="device")
    assert not isinstance(meters, Refusal)
    which = Which(match=meters)
    answer = await house.changes.rollback(
        house.tenant, change.id, PERSON, which=which, reason="meters", preview=False, now=house.now
    )
    assert answer == RolledBack(devices=3, verified=3, left=0)
    await house.run()
    undone = {r[0] for r in await house.sql("select device from move where state = 6")}
    assert undone == set(devices[:3])
    first = await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(stage=0), reason="canary", preview=True, now=house.now
    )
    assert isinstance(first, RolledBack)
    kept_in_stage = (await house.sql("select count(*) from move where stage = 0 and state = 3"))[0][0]
    assert (first.devices, first.verified) == (kept_in_stage, kept_in_stage)
    named = await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(names=("dev-0007",)), reason="", preview=False, now=house.now
    )
    assert named == RolledBack(devices=1, verified=1, left=0)


async def test_devices_that_a_later_change_has_moved_are_left_and_listed(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    first = await applied(house, config("everyone", match='country in ["BR", "TR"]'))
    await house.run()
    await applied(house, config("brazil", value=30, priority=300))
    await house.run()
    answer = await house.changes.rollback(
        house.tenant, first.id, PERSON, which=Which(), reason="", preview=False, now=house.now
    )
    assert answer == RolledBack(devices=10, verified=10, left=10)
    await house.run()
    offered = await documents(house, 2)
    countries = await rows(house, "select d.name, f.country from device d join fact f on f.device = d.id")
    assert {offered[d]["report_interval_s"] for d in offered if countries[d] == "BR"} == {30}
    assert {offered[d]["report_interval_s"] for d in offered if countries[d] == "TR"} == {300}


async def test_a_rollback_takes_its_own_rule_and_leaves_what_came_later_on_other_facets(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config("reports"))
    await house.run()
    await applied(house, config("lights", facet="flags", key="lights", value=1))
    await house.run()
    answer = await house.changes.rollback(
        house.tenant, first.id, PERSON, which=Which(), reason="", preview=False, now=house.now
    )
    assert answer == RolledBack(devices=5, verified=5, left=0)
    await ten_resolves(house)
    named = await rows(
        house,
        "select p.name, count(*) from standing s join class c on c.id = s.class cross join unnest(c.rules) r (rule)"
        " join revision v on v.rule = r.rule join policy p on p.id = v.policy group by 1",
    )
    assert named == {"lights": 5}
    assert {str(v) for v in (await documents(house, FLAGS)).values() if v} == {"{'lights': 1}"}
    assert {v["report_interval_s"] for v in (await documents(house, 2)).values() if v} == {300}


async def test_a_facet_of_which_nothing_was_known_is_let_go_on_the_way_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    change = await applied(house, config("lights", facet="flags", key="lights", value=1))
    await house.run()
    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="", preview=False, now=house.now
    )
    await house.run()
    assert await states(house) == {"BR": {M.UNDONE: 5}}
    assert set((await documents(house, FLAGS)).values()) == {None}


async def test_authors_do_not_approve_their_own_and_a_refusal_aborts(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)

    async def asked(text: str) -> ChangeRow:
        plan = await house.planner.make(house.tenant, PERSON, [File(name="a.yaml", text=text)], now=house.now)
        assert isinstance(plan, PlanRow)
        rollout = read_rollout({"approvals": 1, "stages": [100]})
        change = await house.changes.apply(
            house.tenant, PERSON, plan.id, rollout=rollout, title="", reason="", now=house.now
        )
        assert isinstance(change, ChangeRow)
        return change

    change = await asked(config())
    assert change.state is C.PLANNED
    await house.run(rounds=2)
    assert await states(house) == {}
    own = await house.changes.approve(house.tenant, change.id, PERSON, verdict=True, note="", now=house.now)
    assert isinstance(own, Conflict)
    assert own.code == "own_change"
    agreed = await house.changes.approve(house.tenant, change.id, OTHER, verdict=True, note="fine", now=house.now)
    assert isinstance(agreed, ChangeRow)
    assert agreed.state is C.RUNNING
    await house.run()
    assert await states(house) == {"BR": {M.VERIFIED: 5}}
    late = await house.changes.approve(house.tenant, change.id, OTHER, verdict=False, note="", now=house.now)
    assert isinstance(late, Conflict)
    refused = await asked(config("turkey", match='country == "TR"'))
    answer = await house.changes.approve(house.tenant, refused.id, OTHER, verdict=False, note="no", now=house.now)
    assert isinstance(answer, ChangeRow)
    assert answer.state is C.ABORTED
    await ten_resolves(house)
    assert await states(house) == {"BR": {M.VERIFIED: 5}}


async def test_a_failing_batch_that_pauses_waits_for_a_person_who_says_go_on(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 40)
    plan = await house.planner.make(house.tenant, PERSON, [File(name="a.yaml", text=policy("BR"))], now=house.now)
    assert isinstance(plan, PlanRow)
    rollout = read_rollout({"stages": [10, 100], "on_failure": "pause"})
    change = await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=rollout, title="", reason="", now=house.now
    )
    assert isinstance(change, ChangeRow)
    await house.run(refuse_in=frozenset({"BR"}))
    assert await state_of(house, change) is C.PAUSED
    assert await rows(house, "select stage, state from batch") == {0: B.STOPPED}
    await house.changes.resume(house.tenant, change.id, PERSON, house.now)
    await house.run()
    assert await states(house) == {"BR": {M.UNDONE: 2, M.VERIFIED: 18}}
    assert await state_of(house, change) is C.STANDING


# --- plans ----------------------------------------------------------------------------------------


async def test_nothing_to_do_is_said_and_applying_twice_is_once(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    plan, change = await house.plan_and_apply(config())
    again = await house.changes.apply(
        house.tenant, OTHER, plan.id, rollout=read_rollout({}), title="", reason="", now=house.now
    )
    assert again == await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=read_rollout({}), title="", reason="", now=house.now
    )
    assert isinstance(again, ChangeRow)
    assert again.id == change.id
    assert (await house.sql("select count(*) from change"))[0][0] == 1
    await house.run()
    unchanged = await house.planner.make(house.tenant, PERSON, [File(name="a.yaml", text=config())], now=house.now)
    assert isinstance(unchanged, PlanRow)
    assert (unchanged.summary["devices"], unchanged.summary["resources"]) == (0, [])
    assert unchanged.summary["unchanged"] == ["Policy/often"]


async def test_two_people_apply_one_plan_at_once(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    plan = await house.planner.make(house.tenant, PERSON, [File(name="a.yaml", text=config())], now=house.now)
    assert isinstance(plan, PlanRow)

    async def apply(who: Hand) -> ChangeRow | Conflict:
        return await house.changes.apply(
            house.tenant, who, plan.id, rollout=read_rollout({}), title="", reason="", now=house.now
        )

    answers = await asyncio.gather(apply(PERSON), apply(OTHER), return_exceptions=True)
    assert {getattr(a, "id", None) for a in answers} == {(await house.sql("select id from change"))[0][0]}


async def test_devices_that_came_to_match_refuse_a_plan_and_a_new_one_takes_them(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    plan = await house.planner.make(house.tenant, PERSON, [File(name="a.yaml", text=config())], now=house.now)
    assert isinstance(plan, PlanRow)
    await cross(house, devices[1], "BR")
    answer = await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=read_rollout({}), title="", reason="", now=house.now
    )
    assert isinstance(answer, Conflict)
    assert (answer.code, answer.differences["come"], answer.differences["gone"]) == ("drifted", 1, 0)
    assert (await house.sql("select count(*) from change"))[0][0] == 0
    await applied(house, config())
    await house.run()
    assert await states(house) == {"BR": {M.VERIFIED: 6}}


async def test_who_came_to_match_while_a_change_ran_is_moved_once_it_stands(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    await applied(house, policy("BR"), config("turkey", match='country == "TR"'))
    await house.run(rounds=1)
    await cross(house, devices[0], "TR")
    while await house.resolver.dirty(house.tenant, house.now) is not None:
        pass  # the revision is on trial: nobody enters by matching
    await house.run()
    await settle_facts(house)
    assert (await documents(house, 2))["dev-0000"]["report_interval_s"] == 60


async def test_a_removed_policy_lets_its_devices_go(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    await applied(house, config())
    await house.run()
    plan = await house.planner.make(
        house.tenant, PERSON, [], removals=[Removal(kind="Policy", name="often")], now=house.now
    )
    assert isinstance(plan, PlanRow)
    assert plan.summary["devices"] == 5
    change = await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=read_rollout({}), title="", reason="", now=house.now
    )
    assert isinstance(change, ChangeRow)
    await house.run()
    assert await state_of(house, change) is C.STANDING
    await ten_resolves(house)
    assert await rows(house, "select class, count(*) from standing group by 1") == {0: 10}
    assert (await house.sql("select count(*) from facet where facet = 2 and desired is not null"))[0][0] == 0


async def test_a_removal_of_what_is_not_there_is_nothing_to_do(house: House) -> None:
    plan = await house.planner.make(
        house.tenant, PERSON, [], removals=[Removal(kind="Policy", name="none")], now=house.now
    )
    assert not isinstance(plan, Refused)
    assert plan.summary["unchanged"] == ["Policy/none (not there)"]


# --- who takes part -------------------------------------------------------------------------------


async def test_the_comparison_group_is_left_alone_by_this_change_only(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 40)
    plan = await house.planner.make(house.tenant, PERSON, [File(name="a.yaml", text=config())], now=house.now)
    assert isinstance(plan, PlanRow)
    rollout = read_rollout({"stages": [50, 100], "hold_out": 20})
    await house.changes.apply(house.tenant, PERSON, plan.id, rollout=rollout, title="", reason="", now=house.now)
    held = {r[0] for r in await house.sql("select device from exception where kind = %s", HELD_OUT)}
    assert len(held) == 4
    await house.run()
    await ten_resolves(house)
    assert await states(house) == {"BR": {M.VERIFIED: 16}}
    assert not held & {r[0] for r in await house.sql("select device from move union select device from facet")}
    await applied(house, config("lights", facet="flags", key="lights", value=1))
    await house.run()
    assert held <= {r[0] for r in await house.sql("select device from facet where facet = 4")}


async def test_blocked_devices_stay_out_are_listed_and_come_in_when_they_can(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 20)
    kept = await house.sql("select account from profile where device = %s and slot = 2", devices[0])
    await house.sql("update profile set device = null where device = %s and slot = 2 returning id", devices[0])
    plan, change = await house.plan_and_apply(policy("BR"))
    assert [(b["code"], b["devices"], b["country"]) for b in plan.summary["blocked"]] == [("no_profile", 1, "BR")]
    assert (plan.summary["devices"], plan.summary["movable"]) == (10, 9)
    await house.run()
    assert await state_of(house, change) is C.STANDING
    await settle_facts(house)
    await ten_resolves(house)
    waves = (await house.sql("select count(distinct wave) from situation where owner = %s", change.id))[0][0]
    assert waves <= 1  # it waits behind the others, and is not asked about at every look
    assert await states(house) == {"BR": {M.VERIFIED: 9}}
    await house.sql(
        "update profile set device = %s where device is null and account = %s returning id", devices[0], kept[0][0]
    )
    clock(house, timedelta(hours=7))
    await settle_facts(house)
    assert await states(house) == {"BR": {M.VERIFIED: 10}}


async def test_a_rolled_back_device_comes_back_by_a_newer_revision(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config())
    await house.run()
    await house.changes.rollback(
        house.tenant, first.id, PERSON, which=Which(names=("dev-0000",)), reason="", preview=False, now=house.now
    )
    await house.run()
    assert await exceptions(house, BARRED) == 1
    await applied(house, config(value=45))
    await house.run()
    assert await exceptions(house, BARRED) == 0
    assert (await documents(house, 2))["dev-0000"]["report_interval_s"] == 45


async def test_a_rolled_back_device_comes_back_when_its_bar_is_lifted(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config())
    await house.run()
    await settle_facts(house, rounds=1)
    await house.changes.rollback(
        house.tenant, first.id, PERSON, which=Which(names=("dev-0000",)), reason="", preview=False, now=house.now
    )
    await house.run()
    await settle_facts(house, rounds=1)
    assert (await documents(house, 2))["dev-0000"]["report_interval_s"] == 300
    owner = (await house.sql("select id from policy"))[0][0]
    async with house.database.tenant(house.tenant) as tx:
        assert await ChangeStore().lift_bar(tx, owner, [devices[0]]) == 1
    await settle_facts(house)
    assert (await documents(house, 2))["dev-0000"]["report_interval_s"] == 60


async def test_auto_policies_take_entrants_and_leavers_by_themselves(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    change = await applied(house, config())
    await house.run()
    await settle_facts(house, rounds=1)
    await cross(house, devices[1], "BR")
    await settle_facts(house)
    assert (await house.sql("select wave, state from move where device = %s", devices[1])) == [(1, M.VERIFIED)]
    assert (await documents(house, 2))["dev-0001"]["report_interval_s"] == 60
    await cross(house, devices[1], "AR")
    await settle_facts(house)
    assert (await house.sql("select class from standing where device = %s", devices[1]))[0][0] == 0
    assert (await house.sql("select count(*) from transition"))[0][0] == 0
    lines = await house.sql("select count(*) from journal where action = 'wave.opened'")
    assert lines[0][0] == 2
    assert await state_of(house, change) is C.STANDING


async def test_two_auto_policies_entered_one_after_the_other_both_arrive(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    await applied(house, config())
    await house.run()
    await applied(house, config("lights", match='sku == "MTR-9"', facet="flags", key="lights", value=1))
    await house.run()
    await settle_facts(house, rounds=1)
    await cross(house, devices[1], "BR")
    await house.resolver.dirty(house.tenant, house.now)
    await house.sql("update fact set sku = 'MTR-9' where device = %s returning device", devices[1])
    await house.resolver.whole(house.tenant, house.now, cause="test")  # before any wave looked
    await settle_facts(house)
    assert (await documents(house, 2))["dev-0001"]["report_interval_s"] == 60
    assert (await documents(house, FLAGS))["dev-0001"] == {"lights": 1}


async def test_an_entrant_with_a_step_in_flight_waits_for_it_and_then_enters(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    await applied(house, config("lights", match='sku == "MTR-9"', facet="flags", key="lights", value=1))
    await house.run(rounds=2)
    await applied(house, config())
    clock(house, timedelta(seconds=1))
    await house.tick()  # the config is offered; nobody answers yet
    await house.sql("update fact set sku = 'MTR-9' where device = %s returning device", devices[0])
    busy = (await house.sql("select device from move where state = 2 limit 1"))[0][0]
    await house.sql("update fact set sku = 'MTR-9' where device = %s returning device", busy)
    await house.resolver.whole(house.tenant, house.now, cause="test")
    for _ in range(5):
        await house.waves.tick(house.tenant, house.now)
    assert (await house.sql("select count(*) from move where device = %s and state in (1, 2)", busy))[0][0] == 1
    await house.run()
    await settle_facts(house)
    name = (await house.sql("select name from device where id = %s", busy))[0][0]
    assert (await documents(house, FLAGS))[name] == {"lights": 1}
    assert (await documents(house, 2))[name] == {"report_interval_s": 60}
    waves = (await house.sql("select max(waves) from change"))[0][0]
    assert waves <= 3


async def test_crossing_from_one_policy_into_another_leaves_first_and_then_enters(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    await applied(house, policy("BR"), policy("TR"), stages=[100])
    await house.run()
    await house.sql(
        "update profile set account = (select id from account where name = 'local-tr') where device = %s and slot = 1 returning id",
        devices[0],
    )
    await cross(house, devices[0], "TR")
    await house.sql("update fact set roaming = true where device = %s returning device", devices[0])
    await settle_facts(house)
    wanted = await house.sql(
        "select d.content ->> 'carrier' from facet f join document d on d.id = f.desired where f.device = %s and f.facet = 1",
        devices[0],
    )
    assert wanted == [("local-tr",)]
    assert await rows(house, "select state, count(*) from move where device = %s group by 1", devices[0]) == {
        M.VERIFIED: 3
    }


async def test_rules_that_come_to_contradict_each_other_keep_what_is_and_stop_nobody_else(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    await applied(house, config("often"), stages=[100])
    await house.run()
    await applied(house, config("meters", match='sku == "MTR-9"', value=7), stages=[100])
    await house.run()
    await house.sql("update fact set sku = 'MTR-9' where device = any(%s) returning device", [devices[0], devices[1]])
    await house.resolver.whole(house.tenant, house.now, cause="test")
    await settle_facts(house)
    offered = await documents(house, 2)
    assert offered["dev-0000"]["report_interval_s"] == 60  # both rules hold: it keeps what it has
    assert offered["dev-0001"]["report_interval_s"] == 7
    told = await house.sql(
        "select count(*) from journal where action = 'wave.opened' and payload::text like '%%collisions%%'"
    )
    assert told[0][0] == 1
    fix = await house.planner.make(
        house.tenant,
        PERSON,
        [File(name="a.yaml", text=config("meters", match='sku == "MTR-9"', value=7, priority=500))],
        now=house.now,
    )
    assert isinstance(fix, PlanRow)
    await house.changes.apply(
        house.tenant, PERSON, fix.id, rollout=read_rollout({}), title="", reason="", now=house.now
    )
    await house.run()
    await settle_facts(house)
    assert (await documents(house, 2))["dev-0000"]["report_interval_s"] == 7


# --- overlap --------------------------------------------------------------------------------------


async def test_a_later_change_supersedes_moves_that_wait(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config("reports"), stages=[100])
    await house.changes.pause(house.tenant, first.id, PERSON, house.now)
    second = await applied(house, config("lights", facet="flags", key="lights", value=1), stages=[100])
    await house.run()
    found = await house.sql("select change, state, count(*) from move group by 1, 2")
    assert sorted(found) == sorted([(first.id, M.SUPERSEDED, 5), (second.id, M.VERIFIED, 5)])
    await house.changes.resume(house.tenant, first.id, PERSON, house.now)
    await house.run()
    assert await state_of(house, first) is C.STANDING  # superseded counts neither way
    assert (await house.sql("select count(*) from move where state = %s", M.SUPERSEDED))[0][0] == 5


async def test_a_later_change_waits_for_a_step_in_flight(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config("reports"), stages=[100])
    clock(house, timedelta(seconds=1))
    await house.tick()  # offered to all five, answered by nobody
    second = await applied(house, config("lights", facet="flags", key="lights", value=1), stages=[100])
    assert await rows(house, "select change, count(*) from move group by 1") == {first.id: 5}
    await house.run()
    await settle_facts(house)
    assert await rows(house, "select change, count(*) from move where state = 3 group by 1") == {
        first.id: 5,
        second.id: 5,
    }
    assert {str(v) for v in (await documents(house, FLAGS)).values() if v} == {"{'lights': 1}"}


# --- carriers lose answers, devices stay silent ---------------------------------------------------


def worker(house: House, carrier: CarrierOnPaper) -> CarrierWorker:
    return CarrierWorker(house.stores, carrier, house.moving._time)


async def drive(
    house: House, carrier: CarrierOnPaper, rounds: int = 20, step: timedelta = timedelta(seconds=5)
) -> None:
    hand = worker(house, carrier)
    for _ in range(rounds):
        clock(house, step)
        carrier.now = house.now
        await house.tick()
        await hand.dispatch(house.tenant)
        await hand.read_back(house.tenant)
        await house.devices_obey()


async def test_a_lost_answer_is_read_back_and_verified(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST_APPLIED)
    await applied(house, policy("BR"), stages=[100])
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.VERIFIED: 10}}
    assert set(carrier.executed.values()) == {1}
    assert set(carrier.called.values()) == {1}
    evidence = await house.sql(
        "select distinct evidence -> -1 ->> 'fact', evidence -> 0 ->> 'verb' from operation where driver = 'carrier'"
    )
    assert evidence == [("read-back", "activate")]


async def test_a_lost_request_is_tried_again_only_after_the_read_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST if n == 1 else Answer.DONE)
    await applied(house, policy("BR"), stages=[100])
    await drive(house, carrier, rounds=1)
    assert set(carrier.called.values()) == {1}
    assert await rows(house, "select state, count(*) from operation group by 1") == {O.UNKNOWN: 10}
    for _ in range(3):  # however often the loop looks before the staleness bound has passed
        await house.tick()
        await worker(house, carrier).dispatch(house.tenant)
    assert set(carrier.called.values()) == {1}
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.VERIFIED: 10}}
    assert set(carrier.called.values()) == {2}
    assert set(carrier.executed.values()) == {1}
    attempts = await rows(house, "select attempt, state from operation where driver = 'carrier'")
    assert attempts == {1: O.FAILED, 2: O.VERIFIED}


async def test_a_request_that_is_lost_every_time_fails_after_three_attempts(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST)
    await applied(house, policy("BR"), stages=[100])
    await drive(house, carrier, rounds=30)
    assert await states(house) == {"BR": {M.UNDONE: 10}}
    assert set(carrier.called.values()) == {3}
    assert not carrier.executed
    assert (await house.sql("select distinct outcome from move"))[0][0] == "a read-back shows that it was not applied"


async def test_a_carrier_that_is_away_for_a_while_costs_nothing_but_time(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.UNAVAILABLE if n < 4 else Answer.DONE)
    await applied(house, policy("BR"), stages=[100])
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.VERIFIED: 10}}
    assert set(carrier.executed.values()) == {1}


async def test_what_a_process_left_behind_when_it_died_is_read_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    applied_half = CarrierOnPaper(lambda verb, sim, n: Answer.DONE)
    await applied(house, policy("BR"), stages=[100])
    clock(house, timedelta(seconds=1))
    await house.tick()
    async with house.database.tenant(house.tenant) as tx:
        works = await house.stores.moves.take(tx, "local-br", 100, house.now)
    for work in works[:5]:  # five calls arrived before it died, five did not
        await applied_half.activate(work.sim)
    await drive(house, applied_half, rounds=2)
    assert (await house.sql("select count(*) from operation where state = %s", O.DISPATCHED))[0][0] == 10
    clock(house, timedelta(seconds=ABANDONED_REAL_S))
    await drive(house, applied_half)
    assert await states(house) == {"BR": {M.VERIFIED: 10}}
    assert set(applied_half.executed.values()) == {1}
    assert len(applied_half.executed) == 10


async def test_a_way_back_waits_until_it_is_certain_what_the_forward_call_did(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST_APPLIED if verb == "activate" else Answer.DONE)
    change = await applied(house, policy("BR"), stages=[100])
    hand = worker(house, carrier)
    clock(house, timedelta(seconds=1))
    await house.tick()
    await hand.dispatch(house.tenant)  # activated, and nobody knows
    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="", preview=False, now=house.now
    )
    for _ in range(3):
        clock(house, timedelta(seconds=1))
        await house.tick()
        await hand.dispatch(house.tenant)
    assert {verb for verb, _ in carrier.called} == {"activate"}
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.UNDONE: 10}}
    assert set(carrier.states.values()) == {"suspended"}


async def test_what_never_left_us_is_not_taken_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.REFUSED)
    await applied(house, policy("BR"), stages=[100])
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.UNDONE: 10}}
    assert {verb for verb, _ in carrier.called} == {"activate"}  # nothing was applied: nothing to suspend


async def test_a_silent_device_expires_goes_back_and_shows_when_a_person_must_look(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, config(), stages=[100], max_failed=0.9)
    await house.sql(
        "update reported set state = '{\"report_interval_s\": 59}' where facet = 2 returning device"
    )  # half done, then gone
    silent = timedelta(hours=7)
    for _ in range(2):
        clock(house, silent)
        await house.tick()
        async with house.database.tenant(house.tenant) as tx:
            await house.stores.moves.prove(tx, house.now)
    assert await rows(house, "select leg, min(state) from operation group by 1") == {1: O.EXPIRED}
    for _ in range(12):
        clock(house, silent)
        await house.tick()
        async with house.database.tenant(house.tenant) as tx:
            await house.stores.moves.prove(tx, house.now)
    assert await states(house) == {"BR": {M.STUCK: 10}}
    assert await rows(house, "select leg, count(*) from operation where state = 8 group by 1") == {1: 10, 2: 30}
    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="again", preview=False, now=house.now
    )
    await house.run()
    assert await states(house) == {"BR": {M.UNDONE: 10}}


async def test_an_operation_that_no_carrier_takes_expires(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    await applied(house, policy("BR"), stages=[100])
    clock(house, timedelta(seconds=1))
    await house.tick()
    clock(house, timedelta(minutes=16))
    await house.devices_obey()
    assert await rows(house, "select state, reason from operation") == {O.EXPIRED: "not dispatched before the deadline"}
    await house.run(rounds=3)
    assert await states(house) == {"BR": {M.UNDONE: 10}}


async def test_a_device_that_says_no_goes_back_alone(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 20)
    await applied(house, config(), stages=[100], max_failed=0.5)
    clock(house, timedelta(seconds=1))
    await house.tick()
    async with house.database.tenant(house.tenant) as tx:
        assert await house.stores.moves.refuse(tx, devices[0], 2, "too-often", house.now) == 1
    await house.run()
    assert await states(house) == {"BR": {M.VERIFIED: 9, M.UNDONE: 1}}
    assert (await house.sql("select outcome from move where device = %s", devices[0]))[0][0] == "too-often"
    assert (await documents(house, 2))["dev-0000"]["report_interval_s"] == 300


async def test_a_subscription_that_vanished_fails_its_move_and_no_other(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 20)
    await applied(house, policy("BR"), stages=[100], max_failed=0.5)
    await house.sql("delete from subscription where device = %s and state = 5 returning id", devices[0])
    await house.run(rounds=8)
    clock(house, timedelta(minutes=16))
    await house.run(rounds=8)
    assert await states(house) == {"BR": {M.VERIFIED: 9, M.UNDONE: 1}}


# --- two processes --------------------------------------------------------------------------------


async def test_two_workers_at_once_dispatch_nothing_twice(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 60)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.DONE, pause=True)
    await applied(house, policy("BR"), policy("TR"), stages=[30, 100])
    hands = [worker(house, carrier) for _ in range(2)]

    async def work(hand: CarrierWorker) -> None:
        for look in (house.moving.tick, hand.dispatch, hand.read_back):
            await look(house.tenant)
        await house.stages.tick(house.tenant, house.now)

    for _ in range(14):
        clock(house, timedelta(seconds=5))
        carrier.now = house.now
        answers = await asyncio.gather(*(work(hand) for hand in hands), return_exceptions=True)
        assert not [a for a in answers if isinstance(a, BaseException)], answers
        await house.devices_obey()
    assert await states(house) == {"BR": {M.VERIFIED: 30}, "TR": {M.VERIFIED: 30}}
    assert set(carrier.executed.values()) == {1}
    assert len(carrier.executed) == 60
    assert (await house.sql("select count(*) from operation"))[0][0] == 60 * 3
    stages = await house.sql("select stage, count(*) from batch group by 1 order by 1")
    assert stages == [(0, 2), (1, 2)]


async def test_two_loops_resolve_and_admit_at_once(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 20)
    await applied(house, config())
    await house.run()
    await settle_facts(house, rounds=1)
    for device in devices[1:12:2]:
        await cross(house, device, "BR")

    async def look() -> None:
        await house.resolver.dirty(house.tenant, house.now)
        await house.waves.tick(house.tenant, house.now)

    await both(look)
    await settle_facts(house)
    assert (await house.sql("select count(*), count(distinct device) from move where wave > 0"))[0] == (6, 6)
    assert (await rows(house, "select state, count(*) from move group by 1")) == {M.VERIFIED: 16}


async def both(look: Callable[[], Awaitable[None]]) -> None:
    """Twice at once; one may have to give way, and looks again."""
    for answer in await asyncio.gather(look(), look(), return_exceptions=True):
        if isinstance(answer, BaseException):
            await look()

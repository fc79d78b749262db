"""The loop when people change their minds: pause, stop, roll back, approve, plan again."""

import asyncio

from fairlead.engine.changes import Conflict, RolledBack, Which
from fairlead.engine.plans import File, Hand, Refused, Removal
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.planning import PlanRow
from fairlead.model.rollout import read_rollout
from fairlead.policy.check import read_expression
from fairlead.policy.syntax import Refusal

from .fleet_on_paper import settle_fleet
from .loop_on_paper import (
    BARRED,
    FLAGS,
    OTHER,
    B,
    C,
    M,
    applied,
    config,
    cross,
    documents,
    exceptions,
    rows,
    settle_facts,
    state_of,
    ten_resolves,
)
from .test_loop import PERSON, House, house, policy, states

__all__ = ["house"]  # the fixture


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

"""Who takes part: comparison groups, blocked and barred devices, entrants and leavers, overlap."""

from datetime import timedelta

from fairlead.engine.changes import Which
from fairlead.engine.fleet import Actor
from fairlead.engine.memberships import Memberships
from fairlead.engine.plans import File
from fairlead.engine.ports.planning import PlanRow
from fairlead.model.rollout import read_rollout
from fairlead.policy.admission import ExceptionKind
from fairlead.store.changes import ChangeStore
from fairlead.store.membership import MembershipStore
from fairlead.store.work import WorkStore

from .fleet_on_paper import settle_fleet
from .loop_on_paper import (
    BARRED,
    FLAGS,
    HELD_OUT,
    C,
    M,
    applied,
    clock,
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


async def test_who_stands_in_a_policy_and_whom_a_bar_keeps_out_is_counted_and_listed(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    await house.sql("update device set device_group = 'north' where id = %s returning id", devices[0])
    first = await applied(house, config())
    await house.run()
    await settle_facts(house, rounds=1)
    before = await rows(house, "select d.name, d.id from standing s join device d on d.id = s.device where s.class > 0")
    await house.changes.rollback(
        house.tenant, first.id, PERSON, which=Which(names=("dev-0000",)), reason="", preview=False, now=house.now
    )
    await house.run()
    await settle_facts(house, rounds=1)
    members = Memberships(house.stores, MembershipStore())
    everyone = Actor(tenant=house.tenant, name="usr_test")
    north = Actor(tenant=house.tenant, name="usr_north", departments=frozenset({"north"}))
    figures = await members.figures(house.tenant)
    assert figures.counted
    (one,) = figures.standings
    assert (one.kind, one.name, one.in_force) == ("Policy", "often", len(before) - 1)
    assert one.excepted == {ExceptionKind.BARRED: 1}

    # page by page it is everybody once, and nobody else
    found, after = [], None
    for _ in range(len(before) + 1):
        page = await members.in_force(everyone, "Policy", "often", after=after, limit=1)
        assert page is not None
        found += page.found
        after = page.next
        if after is None:
            break
    assert {member.name for member in found} == set(before) - {"dev-0000"}
    assert len(found) == len(before) - 1
    nobody = await members.in_force(north, "Policy", "often", after=None, limit=10)
    assert nobody is not None
    assert list(nobody.found) == []

    barred = await members.excepted(everyone, "Policy", "often", ExceptionKind.BARRED, after=None, limit=10)
    assert barred is not None
    assert [(b.device, b.name, b.group, b.revision) for b in barred] == [(devices[0], "dev-0000", "north", 1)]
    assert barred == await members.excepted(north, "Policy", "often", ExceptionKind.BARRED, after=None, limit=10)
    behind = (barred[0].since, barred[0].device)
    assert await members.excepted(everyone, "Policy", "often", ExceptionKind.BARRED, after=behind, limit=10) == []
    assert await members.excepted(everyone, "Policy", "often", ExceptionKind.WAITING_IN, after=None, limit=10) == []
    assert await members.in_force(everyone, "Policy", "no-such", after=None, limit=10) is None


async def test_a_count_that_takes_too_long_is_not_known(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    await applied(house, config())
    await house.run()
    async with house.database.tenant(house.tenant) as tx:
        assert await MembershipStore().members(tx, budget_s=5.0)
        await tx.execute("create function pg_temp.slow() returns text language sql as 'select pg_sleep(1)::text'")
        await tx.execute("create temp view standing as select *, pg_temp.slow() from public.standing")
        await tx.execute("set local search_path = pg_temp, public")
        assert await MembershipStore().members(tx, budget_s=0.05) is None
        assert await MembershipStore().excepted_counts(tx) == {}  # the transaction goes on


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
    resolved = await house.resolver.dirty(house.tenant, house.now)
    assert resolved is not None
    assert (resolved.judged, resolved.some) == (1, (devices[1],))  # what the event stream is told
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
    found = await house.sql("select subject_id, title, key, state, evidence from finding")
    assert found == [(
        "meters", "meters and often set config/report_interval_s differently at one priority",
        "config/report_interval_s meters often", 1, found[0][4],
    )]  # fmt: skip
    assert found[0][4]["policies"]["value"] == ["meters@1", "often@1"]
    clock(house, timedelta(hours=7))
    await settle_facts(house)
    assert (await house.sql("select sightings, state from finding")) == [(2, 1)], "tried anew, and still so"
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
    assert (await house.sql("select state from finding")) == [(1,)]
    clock(house, timedelta(hours=13))
    async with house.database.tenant(house.tenant) as tx:
        assert "waves" in await WorkStore().owed(tx, house.tenant, house.now)
    await settle_facts(house)
    assert (await house.sql("select state, closed_by from finding")) == [(3, 1)]


# --- overlap --------------------------------------------------------------------------------------


async def test_a_later_change_supersedes_moves_that_wait(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config("reports"), stages=[100])
    await house.changes.pause(house.tenant, first.id, PERSON, house.now)
    second = await applied(house, config("brazil", value=30, priority=300), stages=[100])
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


async def test_a_new_revision_takes_over_those_whom_the_policy_has_moved_already(house):
    """They match no longer, because it succeeded; they go over until the new `until` holds."""
    devices = await settle_fleet(house.database, house.tenant, 20)
    first = await applied(house, policy("BR"))
    await house.run()
    assert await state_of(house, first) is C.STANDING
    await house.sql("update fact set roaming = false, breach_at = null where country = 'BR'")
    await house.sql("update fact set country = 'AR' where device = %s", devices[0])  # and one has gone meanwhile
    plan, second = await house.plan_and_apply(policy("BR").replace("900", "600"))
    moved = [one for one in plan.summary["situations"] if one["facets"] == ["config"]]
    assert sum(one["devices"] for one in moved) == 9
    await house.run()
    assert await state_of(house, second) is C.STANDING
    intervals = await rows(
        house,
        "select c.content ->> 'report_interval_s', count(*) from facet f join document c on c.id = f.desired"
        " where f.facet = 2 group by 1",
    )
    assert intervals.get("600") == 9

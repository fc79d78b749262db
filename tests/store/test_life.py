"""First activation, retirement and overrides by hand, on paper against a real PostgreSQL."""

from datetime import timedelta
from uuid import UUID

from fairlead.engine.actions import ActionAsked, Chosen
from fairlead.engine.changes import Conflict, Which
from fairlead.engine.plans import Planner, Refused
from fairlead.engine.ports.moving import ChangeRow
from fairlead.model.resources import Condition
from fairlead.model.rollout import read_rollout
from fairlead.policy.check import read_expression

from .fleet_on_paper import settle_fleet
from .loop_on_paper import OTHER, C, applied, config, documents, rows, settle_facts, state_of, ten_resolves
from .test_loop import PERSON, House, house, policy

__all__ = ["house"]  # the fixture

CONFIG, SUBSCRIPTION, LIFE = 2, 7, 8
ARRIVALS = """
apiVersion: fairlead/v1
kind: Policy
metadata: {name: arrivals}
spec:
  priority: 100
  match: sku == "TRK-1"
  set:
    life: {state: active}
  admit: %s
  reason: "every tracker that leaves the factory"
"""


def chosen(text: str) -> Chosen:
    return Chosen(match=Condition(text=text, expr=read_expression(text, context="device")))


async def act(house: House, verb: str, which: Chosen, *, approvals: int = 0, **asked: object) -> ChangeRow:
    plan = await house.planner.act(
        house.tenant, PERSON, ActionAsked(verb=verb, chosen=which, reason="a test", **asked), house.now
    )
    assert not isinstance(plan, Refused), plan
    rollout = read_rollout({"stages": [100], "approvals": approvals})
    change = await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=rollout, title="", reason="", now=house.now
    )
    assert isinstance(change, ChangeRow), change
    return change


async def outside(house: House, count: int, *, out: int) -> list[UUID]:
    """A fleet whose first devices have not left the factory; their SIMs are in the inventory."""
    devices = await settle_fleet(house.database, house.tenant, count)
    fresh = devices[:out]
    await house.sql("update device set state = 1 where id = any(%s)", fresh)
    await house.sql("update fact set device_state = 'manufactured', breach_at = null where device = any(%s)", fresh)
    await house.sql("update subscription set state = 1 where device = any(%s)", fresh)
    return devices


async def lives(house: House) -> dict[str, int]:
    return await rows(house, "select device_state, count(*) from fact group by 1")


async def heard(house: House) -> None:
    await house.sql("update fact set last_contact_at = %s", house.now + timedelta(minutes=1))


async def verbs(house: House, change: ChangeRow) -> dict[str, int]:
    return await rows(
        house,
        "select driver || ' ' || verb, count(*) from operation where change = %s and state = 5 group by 1",
        change.id,
    )


# --- first activation -----------------------------------------------------------------------------


async def test_no_policy_touches_a_device_before_its_activation(house: House) -> None:
    await outside(house, 20, out=10)
    plan, _ = await house.plan_and_apply(config(match='sku == "TRK-1"'))
    assert plan.summary["devices"] == 10
    await settle_facts(house)
    await ten_resolves(house)
    assert sum(1 for value in (await documents(house, CONFIG)).values() if value) == 10


async def test_an_activation_brings_all_that_policies_say_in_one_move(house: House) -> None:
    await outside(house, 20, out=10)
    await applied(house, config(match='sku == "TRK-1"'))
    await settle_facts(house)
    change = await applied(house, ARRIVALS % "auto", min_verified=1)
    await house.run()
    assert await lives(house) == {"active": 20}
    assert await state_of(house, change) is C.STANDING
    assert await verbs(house, change) == {
        "registry bootstrap": 10, "carrier activate": 10, "shadow write": 10, "registry activate": 10,
    }  # fmt: skip
    assert all((await documents(house, CONFIG)).values())
    assert (await house.sql("select count(*) from move where change = %s", change.id))[0][0] == 10


async def test_devices_that_arrive_later_are_let_in_by_the_standing_activation(house: House) -> None:
    devices = await outside(house, 20, out=2)
    await applied(house, config(match='sku == "TRK-1"'))
    await settle_facts(house)
    for pace in ("auto", "{paced: 500/h}"):
        change = await applied(house, ARRIVALS % pace)
        await house.run()
        assert await state_of(house, change) is C.STANDING
        late = devices[5:8] if pace == "auto" else devices[8:11]
        await house.sql("update device set state = 1 where id = any(%s)", late)
        await house.sql("update fact set device_state = 'manufactured' where device = any(%s)", late)
        await house.sql("delete from facet where device = any(%s)", late)
        await house.sql("delete from standing where device = any(%s)", late)
        for device in late:
            await house.sql("insert into dirty (tenant, device) values (%s, %s)", house.tenant, device)
        await settle_facts(house, rounds=15)
        assert await lives(house) == {"active": 20}, pace
        moved = await house.sql(
            "select count(*) from move where change = %s and device = any(%s) and state = 3", change.id, late
        )
        assert moved[0][0] == 3, pace
        config_moves = await house.sql(
            "select count(*) from operation where change = %s and device = any(%s) and facet = 2", change.id, late
        )
        assert config_moves[0][0] == 3, pace


async def test_without_any_policy_being_heard_from_is_the_proof(house: House) -> None:
    await outside(house, 4, out=4)
    change = await act(house, "activate", Chosen(names=("dev-0000", "dev-0001")))
    await house.run(rounds=6)
    assert await lives(house) == {"bootstrapped": 2, "manufactured": 2}
    await heard(house)
    await house.run(rounds=6)
    assert await lives(house) == {"active": 2, "manufactured": 2}
    assert await state_of(house, change) is C.CLOSED


async def test_an_activation_that_is_never_proved_goes_back_to_the_factory(house: House) -> None:
    await outside(house, 4, out=4)
    change = await act(house, "activate", chosen('sku == "TRK-1"'))
    await house.run(rounds=8)
    house.now += timedelta(hours=7)
    await house.run(rounds=12)
    assert await lives(house) == {"manufactured": 4}
    assert await state_of(house, change) is C.ABORTED
    states = await rows(house, "select verb, count(*) from operation where leg = 2 and state = 5 group by 1")
    assert states == {"suspend": 4, "restore": 4}
    await ten_resolves(house)
    assert await lives(house) == {"manufactured": 4}


async def test_an_activation_is_rolled_back_step_by_step(house: House) -> None:
    await outside(house, 4, out=4)
    await applied(house, config(match='sku == "TRK-1"'))
    change = await applied(house, ARRIVALS % "auto")
    await house.run()
    assert await lives(house) == {"active": 4}
    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="wrong batch", preview=False, now=house.now
    )
    await house.run()
    assert await lives(house) == {"manufactured": 4}
    assert set(map(str, (await documents(house, CONFIG)).values())) == {"{'report_interval_s': 300}"}  # as it came
    await ten_resolves(house)
    assert await lives(house) == {"manufactured": 4}


# --- retirement -----------------------------------------------------------------------------------


async def test_a_retirement_wipes_ends_the_lines_and_refuses_the_credential(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    change = await act(house, "retire", Chosen(names=("dev-0000",)))
    await house.run()
    assert await lives(house) == {"active": 3, "retired": 1}
    assert await verbs(house, change) == {"shadow write": 1, "carrier deactivate": 2, "registry retire": 1}
    assert await state_of(house, change) is C.CLOSED
    assert (await documents(house, LIFE))["dev-0000"] == {
        "state": "retired",
        "wipe": True,
        "subscription": "deactivated",
    }
    assert (await house.sql("select count(*) from policy where kept is not null"))[0][0] == 0


async def test_retired_devices_are_nobodys_any_more(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    await act(house, "retire", chosen('country == "BR"'), wipe=False, subscription="keep")
    await house.run()
    plan, _ = await house.plan_and_apply(config(match='sku == "TRK-1"'))
    assert plan.summary["devices"] == 2
    again = await house.planner.act(
        house.tenant, PERSON, ActionAsked(verb="retire", chosen=chosen('country == "BR"'), reason=""), house.now
    )
    assert isinstance(again, Refused)
    assert "left out: 2 retired" in again.faults[0].expected


async def test_a_retirement_is_taken_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    change = await act(house, "retire", Chosen(names=("dev-0000",)))
    await house.run()
    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="wrong one", preview=False, now=house.now
    )
    await house.run()
    assert await lives(house) == {"active": 2}
    assert (await documents(house, LIFE))["dev-0000"] is None  # it is not asked to erase itself any more
    back = await rows(house, "select verb, count(*) from operation where leg = 2 and state = 5 group by 1")
    assert back == {"restore": 1, "activate": 2}


async def test_what_nothing_takes_back_needs_another_person(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    plan = await house.planner.act(
        house.tenant,
        PERSON,
        ActionAsked(verb="retire", chosen=Chosen(names=("dev-0000",)), reason="", subscription="terminated"),
        house.now,
    )
    assert not isinstance(plan, Refused)
    alone = await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=read_rollout({}), title="", reason="", now=house.now
    )
    assert isinstance(alone, Conflict)
    assert alone.code == "irreversible"
    asked = await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=read_rollout({"approvals": 1}), title="", reason="", now=house.now
    )
    assert isinstance(asked, ChangeRow)
    await house.run(rounds=3)
    assert await lives(house) == {"active": 2}
    await house.changes.approve(house.tenant, asked.id, OTHER, verdict=True, note="", now=house.now)
    await house.run()
    assert await lives(house) == {"active": 1, "retired": 1}
    assert await verbs(house, asked) == {
        "shadow write": 1, "carrier allow_termination": 2, "carrier terminate": 2, "registry retire": 1,
    }  # fmt: skip


# --- overrides ------------------------------------------------------------------------------------


async def test_an_override_ends_by_the_clock(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 6)
    change = await act(house, "suspend", chosen('country == "BR"'), lasts=timedelta(days=7))
    await house.run()
    assert await state_of(house, change) is C.STANDING
    assert await verbs(house, change) == {"carrier suspend": 3}
    house.now += timedelta(days=7)
    await house.run()
    assert await state_of(house, change) is C.CLOSED
    assert await verbs(house, change) == {"carrier suspend": 3, "carrier activate": 3}
    assert set((await rows(house, "select device, class from standing")).values()) == {0}


async def test_a_plan_tells_what_suspending_saves_and_what_nobody_knows(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    await house.sql(
        "update subscription set plan = 'unpriced' where iccid = (select iccid from fact order by device limit 1)"
    )
    await house.sql(
        "insert into price (tenant, plan, currency, activation_nano, monthly_nano, per_mb_nano, valid_from)"
        " values (%s, 'plan-global', 'EUR', 0, 2500000000, 0, '2026-01-01')", house.tenant,
    )  # fmt: skip
    asked = ActionAsked(verb="suspend", chosen=chosen("roaming"), reason="")
    known = {"lines": 4, "priced_lines": 3, "coverage_percent": 75, "unpriced": "unknown"}
    for billed, word in ((False, "monthly"), (True, "monthly_goes_on"), (None, "monthly_unknown")):
        planner = Planner(house.stores, house.planner._situations, lambda _connector, _verb, billed=billed: billed)
        plan = await planner.act(house.tenant, PERSON, asked, house.now)
        assert not isinstance(plan, Refused)
        saves = plan.summary["saves"]
        assert {name: saves[name] for name in known} == known
        assert {w: saves[w] for w in ("monthly", "monthly_goes_on", "monthly_unknown") if saves[w]} == {
            word: {"EUR": "7.50"}
        }
    resumed = await house.planner.act(
        house.tenant, PERSON, ActionAsked(verb="resume", chosen=chosen("roaming"), reason=""), house.now
    )
    assert not isinstance(resumed, Refused)
    assert resumed.summary["saves"] is None


async def test_the_newest_action_takes_the_place_of_earlier_ones(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    await act(house, "suspend", Chosen(names=("dev-0000",)), lasts=timedelta(days=7))
    await house.run()
    await house.sql("update subscription set state = 6 where iccid = (select iccid from fact order by device limit 1)")
    await act(house, "resume", Chosen(names=("dev-0000",)))
    await house.run()
    wanted = await house.sql("select c.content from facet f join document c on c.id = f.desired where f.facet = 7")
    assert [row[0] for row in wanted] == [{"state": "active"}]
    house.now += timedelta(days=7)  # the first one's time is over; what came later is not its to take back
    await house.run()
    wanted = await house.sql("select c.content from facet f join document c on c.id = f.desired where f.facet = 7")
    assert [row[0] for row in wanted] == [{"state": "active"}]


async def test_a_line_that_one_change_woke_another_can_suspend(house: House) -> None:
    """Facets of a device count each for themselves; the line that they move has a count of its own."""
    devices = await settle_fleet(house.database, house.tenant, 2)
    await house.plan_and_apply(policy("BR"), stages=[100])
    await house.run()
    moved = devices[0]
    await house.sql(
        "update fact f set carrier = 'local-br', iccid = p.iccid from profile p"
        " where f.device = %s and p.device = f.device and p.slot = 2",
        moved,
    )
    await house.sql("update subscription set state = 4 where device = %s", moved)
    change = await act(house, "suspend", Chosen(names=("dev-0000",)))
    await house.run()
    assert await verbs(house, change) == {"carrier suspend": 1}
    assert await state_of(house, change) is C.CLOSED


async def test_names_that_nothing_has_are_told(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    asked = ActionAsked(verb="suspend", chosen=Chosen(names=("dev-0000", "nobody")), reason="")
    refused = await house.planner.act(house.tenant, PERSON, asked, house.now)
    assert isinstance(refused, Refused)
    assert [fault.value for fault in refused.faults] == ["'nobody'"]
    assert (await house.sql("select count(*) from policy"))[0][0] == 0

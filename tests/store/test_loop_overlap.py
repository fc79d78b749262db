"""Changes that meet on a device: one overtakes what waits on the same facet, and may be taken back itself."""

import pytest

from fairlead.engine.changes import Which
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.stories import Stories
from fairlead.store.changes import ChangeStore
from fairlead.store.policies import PolicyStore

from .fleet_on_paper import settle_fleet
from .loop_on_paper import FLAGS, C, M, applied, config, cross, documents, rows, settle_facts, state_of
from .test_loop import PERSON, House, house, policy, states

__all__ = ["house"]  # the fixture

DISAGREE = (
    "select s.device, d.facet, d.document, f.desired from standing s join class_document d on d.class = s.class and d.facet < 7"
    " left join facet f on f.device = s.device and f.facet = d.facet where f.desired is distinct from d.document"
)


async def take_back(house: House, change: ChangeRow) -> None:
    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="wrong", preview=False, now=house.now
    )


async def wanted(house: House, facet: int = 2) -> set[str]:
    found = await documents(house, facet)
    return {str(value and dict(sorted(value.items()))) for name, value in found.items() if int(name[-4:]) % 2 == 0}


async def overtaken(house: House) -> tuple[ChangeRow, ChangeRow]:
    """A waits, paused; B overtakes it on the same facet and asks for something else as well."""
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config("reports", key="batch", value=7), stages=[100])
    await house.changes.pause(house.tenant, first.id, PERSON, house.now)
    second = await applied(house, config("brazil", value=30, priority=300), stages=[100])
    return first, second


@pytest.mark.parametrize("rounds", [0, 1, 25])  # B waits, is under way, is verified
async def test_what_was_overtaken_by_what_is_taken_back_does_not_hold_and_comes_again(
    house: House, rounds: int
) -> None:
    first, second = await overtaken(house)
    await house.run(rounds=rounds)
    await take_back(house, second)
    assert await house.sql(DISAGREE) == []  # at once, and not only when all has settled
    await house.run()
    await settle_facts(house)
    assert await house.sql(DISAGREE) == []
    assert await wanted(house) <= {"{'report_interval_s': 300}", "None"}  # as it was before both
    await house.changes.resume(house.tenant, first.id, PERSON, house.now)
    await house.run(rounds=8)
    assert await state_of(house, first) is C.STANDING
    await settle_facts(house)
    assert await house.sql(DISAGREE) == []
    assert await wanted(house) == {"{'batch': 7}"}  # what the first one wanted, by a move of its own
    assert await rows(house, "select wave, state from move where change = %s", first.id) == {
        0: M.SUPERSEDED,
        1: M.VERIFIED,
    }
    for _ in range(3):
        await settle_facts(house, rounds=2)
    assert (await house.sql("select count(*) from move where change = %s", first.id))[0][0] == 10


async def test_a_network_move_comes_again_with_a_plan_of_its_own(house: House) -> None:
    """The target that the first Change wanted is made usable before the device is sent there."""
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, policy("BR"), stages=[100])
    await house.changes.pause(house.tenant, first.id, PERSON, house.now)
    second = await applied(house, config("brazil", value=30, priority=300), stages=[100])
    await house.run()
    await take_back(house, second)
    assert await house.sql(DISAGREE) == []
    await house.run()
    await house.changes.resume(house.tenant, first.id, PERSON, house.now)
    await house.run()
    await settle_facts(house, rounds=12)
    assert await house.sql(DISAGREE) == []
    assert await rows(house, "select verb, count(*) from operation where change = %s group by 1", first.id) == {
        "activate": 5,
        "write": 10,
    }
    assert await rows(house, "select state, count(*) from move where change = %s group by 1", first.id) == {
        M.SUPERSEDED: 5,
        M.VERIFIED: 5,
    }


async def test_a_chain_of_them_ends_as_one(house: House) -> None:
    first, second = await overtaken(house)
    await house.changes.pause(house.tenant, second.id, PERSON, house.now)
    third = await applied(house, config("third", key="third", value=1, priority=400), stages=[100])
    await house.run()
    assert await wanted(house) == {"{'batch': 7, 'report_interval_s': 30, 'third': 1}"}
    await take_back(house, third)
    assert await house.sql(DISAGREE) == []
    assert await rows(house, "select class, count(*) from standing group by 1") == {0: 10}
    for change in (first, second):
        await house.changes.resume(house.tenant, change.id, PERSON, house.now)
    await house.run()
    await settle_facts(house)
    assert await house.sql(DISAGREE) == []
    assert await wanted(house) == {"{'batch': 7, 'report_interval_s': 30}"}


async def test_a_stopped_change_that_was_overtaken_leaves_nothing_behind(house: House) -> None:
    first, second = await overtaken(house)
    await house.changes.stop(house.tenant, first.id, PERSON, reason="", now=house.now)
    await house.run()
    await take_back(house, second)
    await house.run()
    await settle_facts(house)
    assert await house.sql(DISAGREE) == []
    assert await rows(house, "select class, count(*) from standing group by 1") == {0: 10}
    assert await wanted(house) == {"{'report_interval_s': 300}"}


async def test_a_change_of_another_facet_overtakes_nothing(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config("reports"), stages=[100])
    await house.changes.pause(house.tenant, first.id, PERSON, house.now)
    second = await applied(house, config("lights", facet="flags", key="lights", value=1), stages=[100])
    await house.run()
    assert await rows(house, "select change, state from move") == {first.id: M.WAITING, second.id: M.VERIFIED}
    await house.changes.resume(house.tenant, first.id, PERSON, house.now)
    await house.run()
    assert await states(house) == {"BR": {M.VERIFIED: 10}}
    assert await wanted(house) == {"{'report_interval_s': 60}"}
    assert await wanted(house, FLAGS) == {"{'lights': 1}"}
    await take_back(house, second)
    await house.run()
    assert await house.sql(DISAGREE) == []
    assert await wanted(house) == {"{'report_interval_s': 60}"}
    stories = Stories(house.stores, ChangeStore(), PolicyStore(), house.resolver)
    assert (await stories.change(house.tenant, first.id) or {})["story"]["moves"] == {"verified": 5}


async def test_a_device_that_came_and_went_is_taken_back_once(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 10)
    change = await applied(house, config())
    await house.run()
    await cross(house, devices[0], "AR")
    await settle_facts(house)
    assert (await house.sql("select count(*) from move where device = %s and state = 3", devices[0]))[0][0] == 2
    await take_back(house, change)
    await house.run()
    assert await rows(house, "select device = %s, count(*) from move where state = 6 group by 1", devices[0]) == {
        False: 4,
        True: 1,
    }


async def test_a_rule_that_was_hidden_shows_through_when_the_other_is_taken_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    first = await applied(house, config("urgent", value=5, priority=400))
    await house.run()
    second = await applied(house, config("often", value=60))  # changes nothing while the other holds
    await house.run()
    assert await wanted(house) == {"{'report_interval_s': 5}"}
    await take_back(house, first)
    await house.run()
    await settle_facts(house)
    assert await house.sql(DISAGREE) == []
    assert await wanted(house) == {"{'report_interval_s': 60}"}
    assert await rows(
        house, "select wave > 0, count(*) from move where change = %s and state = 3 group by 1", second.id
    ) == {
        False: 5,
        True: 5,
    }

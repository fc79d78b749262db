"""What a person takes back out of an open batch: no failure, and no reason to go on either."""

from datetime import timedelta

from fairlead.engine.changes import Which
from fairlead.engine.ports.moving import ChangeRow

from .fleet_on_paper import settle_fleet
from .loop_on_paper import BARRED, B, C, M, applied, clock, config, exceptions, rows, settle_facts, state_of
from .test_loop import PERSON, House, house, policy, states

__all__ = ["house"]  # the fixture


async def take_back(house: House, change: ChangeRow, *names: str) -> None:
    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(names=names), reason="on site", preview=False, now=house.now
    )


async def first(house: House, count: int) -> tuple[str, ...]:
    """Names of devices with an open move."""
    found = await house.sql(
        "select d.name from move m join device d on d.id = m.device where m.state in (1, 2) order by 1 limit %s", count
    )
    return tuple(r[0] for r in found)


async def test_a_batch_is_judged_by_those_that_nobody_took_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, policy("BR"), stages=[50, 100])
    await house.run(rounds=1)
    await take_back(house, change, *await first(house, 3))  # of five: more than any gate would forgive
    await house.run()
    assert await states(house) == {"BR": {M.VERIFIED: 7, M.UNDONE: 3}}
    assert await rows(house, "select stage, state from batch") == {0: B.PASSED, 1: B.PASSED}
    assert await state_of(house, change) is C.STANDING
    assert (
        await house.sql(
            "select (decision ->> 'failed')::int, (decision ->> 'taken_back')::int from batch where stage = 0"
        )
    ) == [(0, 3)]
    async with house.database.tenant(house.tenant) as tx:
        story = await house.stores.changes.story(tx, change.id)
    assert (story["taken_back"], story["moves"]) == (3, {"verified": 7, "undone": 3})


async def test_a_device_that_does_not_answer_on_its_way_back_holds_nobody_up(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, config(), stages=[100])
    clock(house, timedelta(seconds=1))
    await house.tick()  # offered to all ten
    names = await first(house, 2)
    await house.sql("update facet set observed_generation = offered_generation where device not in"
                    " (select id from device where name = any(%s)) returning device", list(names))  # fmt: skip
    await take_back(house, change, *names)
    async with house.database.tenant(house.tenant) as tx:
        await house.stores.moves.prove(tx, house.now)
    for _ in range(2):
        clock(house, timedelta(seconds=1))
        await house.tick()
    assert await states(house) == {"BR": {M.VERIFIED: 8, M.UNDOING: 2}}
    assert await state_of(house, change) is C.STANDING
    await house.run()
    assert await states(house) == {"BR": {M.VERIFIED: 8, M.UNDONE: 2}}


async def test_failures_beside_it_are_failures_still(house: House) -> None:
    devices = await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, config(), stages=[100])
    clock(house, timedelta(seconds=1))
    await house.tick()
    await take_back(house, change, *await first(house, 4))
    open_ones = [r[0] for r in await house.sql("select device from move where state = 2 order by device")]
    async with house.database.tenant(house.tenant) as tx:
        for device in open_ones[:2]:
            await house.stores.moves.refuse(tx, device, 2, "too-often", house.now)
    await house.run()
    assert len(devices) == 20
    assert await states(house) == {"BR": {M.UNDONE: 10}}  # two of six
    by = await rows(house, "select taken_back_by, count(*) from move group by 1")
    assert by == {1: 2, 2: 4, 3: 4}


async def test_where_all_is_taken_back_nothing_goes_on_and_nothing_comes_in(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, policy("BR"), policy("TR"), stages=[30, 100])
    await house.run(rounds=1)
    brazil = await house.sql(
        "select d.name from move m join device d on d.id = m.device join fact f on f.device = d.id where f.country = 'BR'"
    )
    await take_back(house, change, *(r[0] for r in brazil))
    await house.run()
    await settle_facts(house)
    assert await states(house) == {"BR": {M.UNDONE: 3}, "TR": {M.VERIFIED: 10}}
    assert await state_of(house, change) is C.STANDING
    assert await rows(
        house, "select s.country || b.stage, b.state from batch b join stratum s on s.id = b.stratum"
    ) == {
        "BR0": B.ROLLED_BACK,
        "TR0": B.PASSED,
        "TR1": B.PASSED,
    }
    assert await exceptions(house, BARRED) == 10


async def test_a_stopped_change_says_that_a_person_took_its_moves_back(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, config(), stages=[50, 100])
    await house.run(rounds=1)
    await house.changes.stop(house.tenant, change.id, PERSON, reason="wrong", now=house.now)
    await house.run()
    assert await rows(house, "select state, taken_back_by from move") == {M.UNDONE: 3}
    assert await rows(house, "select stage, state from batch") == {0: B.ROLLED_BACK}
    assert await state_of(house, change) is C.ABORTED

"""The loop when carriers lose answers, devices stay silent, and two processes work at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from fairlead.engine.carrierwork import ABANDONED_REAL_S, CarrierWorker
from fairlead.engine.changes import Which

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import settle_fleet
from .loop_on_paper import (
    M,
    O,
    applied,
    clock,
    config,
    cross,
    documents,
    rows,
    settle_facts,
)
from .test_loop import PERSON, House, house, policy, states

__all__ = ["house"]  # the fixture


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

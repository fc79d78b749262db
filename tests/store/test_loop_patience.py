"""Carriers that are too busy or too far: how often they are asked, and that all gets done in the end."""

from datetime import timedelta

from fairlead.engine.carrierwork import AT_ONCE, BACKOFFS, CarrierWorker
from fairlead.engine.ports.carrier import RateLimited
from fairlead.engine.timekeeper import Timekeeper
from fairlead.store.changes import ChangeStore

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import settle_fleet
from .loop_on_paper import M, O, applied, clock, rows
from .test_loop import House, house, policy, states
from .test_loop_faults import drive, worker

__all__ = ["house"]  # the fixture

AN_HOUR = timedelta(hours=1)


async def dispatch_each_second(house: House, hand: CarrierWorker, seconds: int) -> None:
    for _ in range(seconds):
        clock(house, timedelta(seconds=1))
        await house.tick()
        await hand.dispatch(house.tenant)


async def test_a_carrier_that_is_away_is_asked_less_and_less_often(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.UNAVAILABLE)
    await applied(house, policy("BR"), stages=[100])
    hand = worker(house, carrier)
    asked: list[int] = []
    for _ in range(3):
        before = sum(carrier.called.values())
        await dispatch_each_second(house, hand, 100)
        asked.append(sum(carrier.called.values()) - before)
    assert 4 <= asked[0] <= 10  # 1, 2, 4 … seconds, half of it by chance
    assert asked[1] <= 3
    assert 1 <= asked[2] <= 3
    put_off, pending = (await house.sql("select put_off, state from operation"))[0]
    assert (put_off, pending) == (sum(asked), O.PENDING)


async def test_it_is_tried_once_more_before_its_deadline(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.UNAVAILABLE)
    await applied(house, policy("BR"), stages=[100])
    hand = worker(house, carrier)
    await dispatch_each_second(house, hand, 5)
    deadline = (await house.sql("select deadline from operation"))[0][0]
    await house.sql("update operation set put_off = 20, not_before = null returning id")
    clock(house, deadline - timedelta(seconds=20) - house.now)
    await hand.dispatch(house.tenant)
    assert (await house.sql("select not_before < deadline - interval '9 s' from operation"))[0][0]
    carrier.answers = lambda verb, sim, n: Answer.DONE
    clock(house, timedelta(seconds=11))
    await hand.dispatch(house.tenant)
    assert await rows(house, "select verb, state from operation") == {"activate": O.VERIFIED}


async def test_what_a_carrier_says_itself_is_obeyed_in_real_seconds(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.BUSY if n == 1 else Answer.DONE)
    await applied(house, policy("BR"), stages=[100])
    await house.tick()
    fast = Timekeeper.lab(10.0, house.now, real=lambda: 0.0)  # ten house seconds a real one, and it stands
    house.moving._time._pace = fast._pace
    hand = CarrierWorker(house.stores, carrier, fast, chance=lambda: 0.0)
    counted = BACKOFFS.labels(str(RateLimited.reason))._value.get()
    await hand.dispatch(house.tenant)
    assert BACKOFFS.labels(str(RateLimited.reason))._value.get() == counted + 1
    waits = (
        await house.sql(
            "select o.not_before, a.paused_until, a.paused_because from operation o, account a where a.name = 'local-br'"
        )
    )[0]
    assert waits == (fast.now() + timedelta(seconds=400), fast.now() + timedelta(seconds=400), "rate_limited")
    for seconds, calls in ((399, 1), (400, 2)):
        at = Timekeeper.lab(10.0, fast.now() + timedelta(seconds=seconds), real=lambda: 0.0)
        await CarrierWorker(house.stores, carrier, at).dispatch(house.tenant)
        assert sum(carrier.called.values()) == calls


async def test_one_busy_answer_spares_the_whole_account_and_no_other(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 240)
    busy = [True]

    def answer(_verb: str, sim: str, _n: int) -> Answer:
        return Answer.BUSY if busy[0] and sim in brazil else Answer.DONE

    carrier = CarrierOnPaper(answer)
    await applied(house, policy("BR"), policy("TR"), stages=[100])
    brazil = {
        r[0]
        for r in await house.sql(
            "select p.iccid from profile p join account a on a.id = p.account where a.name = 'local-br'"
        )
    }
    hand = worker(house, carrier)
    await dispatch_each_second(house, hand, 30)
    asked = sum(n for (_, sim), n in carrier.called.items() if sim in brazil)
    assert asked == AT_ONCE  # one handful was under way when the first answer came
    assert sum(n for (_, sim), n in carrier.executed.items() if sim not in brazil) == 120
    busy[0] = False
    await drive(house, carrier, rounds=25)
    assert await states(house) == {"BR": {M.VERIFIED: 120}, "TR": {M.VERIFIED: 120}}
    assert set(carrier.executed.values()) == {1}


async def test_an_account_that_cannot_be_read_is_not_hammered_with_looks(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 100)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST_APPLIED)
    carrier.away = True
    await applied(house, policy("BR"), stages=[100])
    hand = worker(house, carrier)
    await dispatch_each_second(house, hand, 1)
    for _ in range(60):
        clock(house, timedelta(seconds=1))
        await hand.read_back(house.tenant)
    assert 0 < carrier.looked <= 50 * 8  # in a minute; one look a second would be 3,000
    carrier.away = False
    await drive(house, carrier, rounds=30)
    assert await states(house) == {"BR": {M.VERIFIED: 50}}


async def test_only_what_is_due_is_taken(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.DONE)
    await applied(house, policy("BR"), stages=[100])
    clock(house, timedelta(seconds=1))
    await house.tick()
    later = [r[0] for r in await house.sql("select id from operation limit 4")]
    await house.sql("update operation set not_before = %s where id = any(%s) returning id", house.now + AN_HOUR, later)
    await worker(house, carrier).dispatch(house.tenant)
    assert len(carrier.called) == 6
    clock(house, AN_HOUR / 10)
    await worker(house, carrier).dispatch(house.tenant)
    assert len(carrier.called) == 6


async def test_people_see_until_when_it_waits(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.BUSY)
    await applied(house, policy("BR"), stages=[100])
    await dispatch_each_second(house, worker(house, carrier), 1)
    async with house.database.tenant(house.tenant) as tx:
        shown = (await ChangeStore().operations(tx, change=None, device=None, state=None, after=None, limit=5))[0]
    assert shown["put_off"] == 1
    assert shown["not_before"] >= house.now + carrier.retry_after

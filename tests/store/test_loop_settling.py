"""Unknown outcomes that no read-back can settle: a person says what became of them."""

import asyncio
from datetime import timedelta
from uuid import UUID

from fairlead.engine.carrierwork import ABANDONED_REAL_S, UNKNOWN_SETTLED
from fairlead.engine.changes import Conflict, Which
from fairlead.engine.settling import BY_PERSON, Settling
from fairlead.model.lifecycle import OperationState

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import settle_fleet
from .loop_on_paper import OTHER, M, O, applied, clock, rows
from .test_loop import PERSON, House, house, policy, states
from .test_loop_faults import drive

__all__ = ["house"]  # the fixture

BLIND = timedelta(seconds=90)


async def unknown(house: House, carrier: CarrierOnPaper) -> UUID:
    """One device's activation, unknown for good: that carrier cannot be read."""
    await settle_fleet(house.database, house.tenant, 2)
    carrier.blind = True
    await applied(house, policy("BR"), stages=[100])
    await drive(house, carrier, rounds=20)
    found = await house.sql("select id, state from operation")
    assert [state for _, state in found] == [O.UNKNOWN]
    return found[0][0]


async def said(
    house: House, operation: UUID, outcome: str, reason: str = "seen in the portal"
) -> OperationState | Conflict | None:
    return await Settling(house.stores).settle(
        house.tenant,
        operation,
        PERSON,
        outcome=outcome,  # type: ignore[arg-type]
        reason=reason,
        now=house.now,
    )


async def lines(house: House) -> list[tuple]:
    return await house.sql("select actor, reason, payload from journal where action = 'operation.resolved'")


async def test_applied_goes_on_as_after_a_read_back_and_says_who_said_so(house: House) -> None:
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST_APPLIED)
    operation = await unknown(house, carrier)
    counted = UNKNOWN_SETTLED.labels("person", "applied")._value.get()
    assert await said(house, operation, "applied") is O.VERIFIED
    assert UNKNOWN_SETTLED.labels("person", "applied")._value.get() == counted + 1
    state, evidence = (await house.sql("select state, evidence -> -1 from operation where id = %s", operation))[0]
    assert state == O.VERIFIED
    assert (evidence["fact"], evidence["said"], evidence["by"]) == (BY_PERSON, "seen in the portal", PERSON.actor)
    actor, reason, payload = (await lines(house))[0]
    assert (actor, reason) == (PERSON.actor, "seen in the portal")
    assert '"applied"' in payload
    assert '"local-br"' in payload
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.VERIFIED: 1}}
    assert set(carrier.called.values()) == {1}


async def test_not_applied_opens_a_new_attempt(house: House) -> None:
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST if n == 1 else Answer.DONE)
    operation = await unknown(house, carrier)
    assert await said(house, operation, "not_applied") is O.FAILED
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.VERIFIED: 1}}
    assert await rows(house, "select attempt, state from operation where driver = 'carrier'") == {
        1: O.FAILED,
        2: O.VERIFIED,
    }
    assert set(carrier.executed.values()) == {1}


async def test_twice_is_once_and_the_contrary_is_a_conflict(house: House) -> None:
    operation = await unknown(house, CarrierOnPaper(lambda verb, sim, n: Answer.LOST))
    answers = await asyncio.gather(*(said(house, operation, "applied") for _ in range(2)))
    assert answers == [O.VERIFIED, O.VERIFIED]
    assert len(await lines(house)) == 1
    contrary = await said(house, operation, "not_applied")
    assert isinstance(contrary, Conflict)
    assert (contrary.code, contrary.differences) == ("wrong_state", {"state": "verified"})
    assert "rollback" in contrary.detail
    assert len(await lines(house)) == 1


async def test_only_what_is_unknown_is_a_person_s_to_say(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.DONE)
    await applied(house, policy("BR"), stages=[100])
    clock(house, timedelta(seconds=1))
    await house.tick()
    pending = (await house.sql("select id from operation"))[0][0]
    early = await said(house, pending, "applied")
    assert isinstance(early, Conflict)
    assert early.differences == {"state": "pending"}
    await drive(house, carrier)
    late = await said(house, pending, "applied")  # verified, and not by a person
    assert isinstance(late, Conflict)
    assert await said(house, UUID(int=5), "applied") is None
    assert await lines(house) == []


async def test_a_way_back_that_waited_for_certainty_goes_on(house: House) -> None:
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST_APPLIED if verb == "activate" else Answer.DONE)
    operation = await unknown(house, carrier)
    change = (await house.sql("select change from operation"))[0][0]
    await house.changes.rollback(house.tenant, change, OTHER, which=Which(), reason="", preview=False, now=house.now)
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.UNDOING: 1}}
    await said(house, operation, "applied")
    clock(house, BLIND)
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.UNDONE: 1}}
    assert set(carrier.states.values()) == {"suspended"}


async def test_what_a_dead_process_left_at_a_blind_carrier_becomes_unknown_and_can_be_settled(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.DONE, blind=True)
    await applied(house, policy("BR"), stages=[100])
    clock(house, timedelta(seconds=1))
    await house.tick()
    async with house.database.tenant(house.tenant) as tx:
        work = (await house.stores.moves.take(tx, "local-br", 100, house.now))[0]
    clock(house, timedelta(seconds=ABANDONED_REAL_S))
    await drive(house, carrier, rounds=2)
    assert await rows(house, "select id, state from operation") == {work.id: O.UNKNOWN}
    assert await said(house, work.id, "not_applied") is O.FAILED
    await drive(house, carrier)
    assert await states(house) == {"BR": {M.VERIFIED: 1}}

"""What carriers do to bulk actions: lost requests, refusals that only mean later, words that lag or are no state."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.engine import carriermany, carrierwork
from fairlead.engine.carriermany import LOST_REAL_S
from fairlead.engine.carrierwork import MOST_TRIES
from fairlead.engine.ports.carrier import (
    Done,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    SimRecord,
)
from fairlead.model.journal import Action
from fairlead.model.lifecycle import BulkState
from fairlead.model.subscription import SubscriptionState, Verb

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import settle_fleet
from .loop_on_paper import clock
from .test_bulk import FREE, HAND, actor, asked, bulks, counts, done, manifest, run, started
from .test_loop import House, house
from .test_loop_faults import worker

__all__ = ["house"]  # the fixture


def first_lost(verb: str, sim: str, n: int) -> Answer:
    return Answer.LOST if n == 1 else Answer.DONE


async def lines(house: House) -> list[str]:
    return [row[0] for row in await house.sql("select iccid from subscription where state = 4")]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of lines is a batch here."""
    monkeypatch.setattr(carriermany, "_WORTH", 10)


async def test_what_a_carrier_answered_is_known_before_the_next_sweep(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 12)
    iccids, carrier = await lines(house), CarrierOnPaper(done)
    await started(house)
    await run(house, carrier)
    assert await house.sql(
        "select distinct state, provider_state from subscription where iccid = any (%s)", iccids
    ) == [(6, "suspended")]
    back = await started(house, asked(Verb.ACTIVATE, iccids=iccids))
    await run(house, carrier)
    assert await counts(house, back) == {"verified": 12}
    assert set(carrier.states.values()) == {"active"}


async def test_a_sweep_that_shows_the_state_of_before_makes_no_line_already_so(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 12)
    iccids, carrier = await lines(house), CarrierOnPaper(done)
    await started(house)
    await run(house, carrier)
    later = house.now + timedelta(seconds=30)
    await house.sql("update account set staleness_s = 300 returning id")
    await house.sql("update subscription set state = 4, observed_at = %s returning id", later)
    seen = await bulks(house).preview(actor(house), asked(Verb.ACTIVATE, iccids=iccids))
    assert (seen.able, seen.already) == (12, 0)
    await started(house, asked(Verb.ACTIVATE, iccids=iccids))
    await run(house, carrier)
    assert set(carrier.states.values()) == {"active"}


async def test_a_request_that_never_arrived_is_made_again_once_a_look_has_shown_it(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 12)
    carrier = CarrierOnPaper(first_lost)
    bulk = await started(house)
    await run(house, carrier)
    assert await counts(house, bulk) == {"verified": 12}
    assert set(carrier.called.values()) == {2}
    assert set(carrier.executed.values()) == {1}
    assert carrier.looked >= 12


async def test_it_is_made_again_so_often_and_not_for_ever(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    carrier = CarrierOnPaper(lambda verb, sim, n: Answer.LOST)
    bulk = await started(house)
    await run(house, carrier, seconds=600)
    assert await counts(house, bulk) == {"failed": 2}
    assert set(carrier.called.values()) == {MOST_TRIES}


async def test_nothing_is_made_again_for_a_bulk_action_that_was_cancelled(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    carrier, made = CarrierOnPaper(first_lost), bulks(house)
    bulk = await started(house)
    clock(house, timedelta(seconds=5))
    await worker(house, carrier).dispatch(house.tenant)
    await made.steer(actor(house), HAND, bulk.id, BulkState.CANCELLED, action=Action.BULK_CANCELLED, reason="")
    await run(house, carrier)
    assert await counts(house, bulk) == {"failed": 2}
    assert set(carrier.called.values()) == {1}


class AtWork(CarrierOnPaper):
    """Updates each line by itself first, and shows no state meanwhile."""

    free_at: float = 0

    async def suspend(self, sim: ProviderId) -> Done | Refused:
        if self.now.timestamp() < self.free_at:
            return Refused(reason=ReasonCode.BUSY, detail="still updating", raw=RawReply(status=409))
        return await super().suspend(sim)


async def test_a_line_the_carrier_is_at_work_on_waits(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 3)
    carrier = AtWork(done)
    carrier.free_at = house.now.timestamp() + 30
    bulk = await started(house)
    await run(house, carrier, seconds=20)
    assert await counts(house, bulk) == {"pending": 3}
    await run(house, carrier)
    assert await counts(house, bulk) == {"verified": 3}


class Slow(CarrierOnPaper):
    """Loses the answer, and shows a word of its own until the change is carried out."""

    ready_at: float = 0

    def _record(self, sim: ProviderId) -> SimRecord:
        record = super()._record(sim)
        if self.now.timestamp() >= self.ready_at:
            return record
        return replace(
            record,
            subscription=replace(record.subscription, state=SubscriptionState.UNKNOWN, provider_state="scheduled"),
        )


async def test_a_word_that_is_no_state_does_not_prove_that_nothing_was_applied(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 3)
    carrier = Slow(lambda verb, sim, n: Answer.LOST_APPLIED)
    carrier.ready_at = house.now.timestamp() + 60
    bulk = await started(house)
    await run(house, carrier, seconds=40)
    assert await counts(house, bulk) == {"unknown": 3}
    await run(house, carrier)
    assert await counts(house, bulk) == {"verified": 3}
    assert set(carrier.called.values()) == {1}


class Queue(CarrierOnPaper):
    """Takes lists, one at a time, and carries each out late; the first answer is lost where `lost` says so."""

    manifest = manifest(suspend=replace(FREE, bulk_max=20), activate=FREE)
    takes_s: float = 60
    lost: bool = False
    lists: list[tuple[float, Sequence[ProviderId]]]

    async def change_many(self, verb: Verb, sims: Sequence[ProviderId]) -> dict[ProviderId, Outcome]:
        self.work()
        if self.lists:
            refused = Refused(reason=ReasonCode.BUSY, detail="a job runs", raw=RawReply(status=400))
            return dict.fromkeys(sims, refused)
        self.lists.append((self.now.timestamp() + self.takes_s, sims))
        if self.lost:
            raise OutcomeUnknown("the line went dead")
        self.work(at_once=True)
        return {sim: Done(observed=self._record(sim)) for sim in sims}

    async def follow_many(self, reference: str) -> dict[ProviderId, Outcome]:
        raise AssertionError(reference)

    def work(self, *, at_once: bool = False) -> None:
        for at, sims in self.lists:
            if at_once or at <= self.now.timestamp():
                for sim in sims:
                    self.executed["suspend", sim] += 1
                    self.states[sim] = "suspended"
        self.lists = [] if at_once else [one for one in self.lists if one[0] > self.now.timestamp()]

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        self.work()
        return await super().read_sim(sim)


class Weary(Queue):
    """Takes its time over each line."""

    async def suspend(self, sim: ProviderId) -> Done | Refused:
        await asyncio.sleep(0.06)
        return await CarrierOnPaper.suspend(self, sim)


async def test_what_waited_too_long_to_leave_is_pending_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could leave after it was given up as abandoned, and asked for anew."""
    monkeypatch.setattr(carriermany, "_WORTH", 100)
    monkeypatch.setattr(carrierwork, "AT_ONCE", 2)
    monkeypatch.setattr(carrierwork, "ABANDONED_REAL_S", 0.2)
    await settle_fleet(house.database, house.tenant, 12)
    carrier = Weary(done)
    carrier.lists = []
    known = bulks(house, lambda connector: carrier.manifest)
    bulk = await started(house, made=known)
    clock(house, timedelta(seconds=5))
    await worker(house, carrier).dispatch(house.tenant)
    first = await counts(house, bulk)
    assert first["verified"] == sum(carrier.called.values())
    assert first["pending"] >= 6
    await run(house, carrier, known)
    assert await counts(house, bulk) == {"verified": 12}
    assert set(carrier.called.values()) == {1}


async def test_a_list_waits_while_the_carrier_is_at_another(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = Queue(done)
    carrier.lists = [(house.now.timestamp() + 30, [])]
    bulk = await started(house, made=bulks(house, lambda connector: carrier.manifest))
    await run(house, carrier, seconds=20)
    assert await counts(house, bulk) == {"pending": 20}
    await run(house, carrier)
    assert await counts(house, bulk) == {"verified": 20}


async def test_a_list_whose_answer_was_lost_has_time_to_be_carried_out(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = Queue(done)
    carrier.lists, carrier.lost, carrier.takes_s = [], True, LOST_REAL_S / 2
    bulk = await started(house, made=bulks(house, lambda connector: carrier.manifest))
    await run(house, carrier, seconds=120)
    assert await counts(house, bulk) == {"unknown": 20}
    await run(house, carrier, seconds=int(LOST_REAL_S))
    assert await counts(house, bulk) == {"verified": 20}
    assert set(carrier.executed.values()) == {1}


async def test_an_account_with_much_to_look_at_takes_no_turn_of_anothers(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 12)
    bulk = await started(house)
    await house.sql(
        "update operation set state = 10, dispatched_at = %s, arguments = arguments || jsonb_build_object('account', "
        "case when id = (select max(id::text)::uuid from operation where bulk is not null) then 'other' else 'global' end) "
        "where bulk = %s returning id", house.now, bulk.id,
    )  # fmt: skip
    await house.sql(
        "update operation set dispatched_at = %s where arguments ->> 'account' = 'other' returning id",
        house.now + timedelta(seconds=1),
    )
    async with house.database.tenant(house.tenant) as tx:
        found = await house.stores.moves.doubtful(tx, house.now + timedelta(minutes=1), 5)
    assert sorted(one.account for one in found) == ["global"] * 5 + ["other"]

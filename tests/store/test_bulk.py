"""Bulk actions: counted before, one operation a line, paused, cancelled, taken back; and what carriers make of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest

from fairlead.connectors.soracom.connector import MANIFEST
from fairlead.engine.bulk import Asked, Bulks
from fairlead.engine.changes import Conflict
from fairlead.engine.fleet import Actor
from fairlead.engine.plans import Hand
from fairlead.engine.ports.bulk import Bulk, Lines
from fairlead.engine.ports.carrier import (
    Accepted,
    DataLimit,
    Done,
    Manifest,
    Outcome,
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    SimRecord,
)
from fairlead.engine.ports.fleet import SubscriptionFilter
from fairlead.engine.situations import Able, Ables
from fairlead.model.bulk import MalformedArgument
from fairlead.model.ids import PrincipalId
from fairlead.model.journal import Action
from fairlead.model.lifecycle import BulkState, OperationState
from fairlead.model.subscription import Verb, VerbCapability
from fairlead.store.bulk import BulkStore

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import settle_fleet
from .loop_on_paper import OTHER, clock
from .test_loop import House, house
from .test_loop_faults import worker

__all__ = ["house"]  # the fixture

HAND = Hand(person=PrincipalId(UUID(int=7)), actor="usr_test")


def manifest(**verbs: VerbCapability) -> Manifest:
    record = replace(MANIFEST.capabilities, verbs={Verb(name): one for name, one in verbs.items()})
    return replace(MANIFEST, capabilities=record, action_budget={})


FREE = VerbCapability(supported=True, billable=False)
PLAIN = manifest(activate=FREE, suspend=FREE)


def bulks(house: House, known: Callable[[str], Manifest | None] = lambda connector: PLAIN) -> Bulks:
    return Bulks(house.stores, BulkStore(), house.moving._time, known, allowed(known))


def allowed(known: Callable[[str], Manifest | None]) -> Ables:
    """Everything that a manifest says is supported."""

    def able(connector: str, _config: object) -> Able:
        found = known(connector)
        return Able(meanings={v.value: one for v, one in found.capabilities.verbs.items()} if found else {})

    return able


def asked(verb: Verb = Verb.SUSPEND, iccids: Sequence[str] | None = None, **arguments: object) -> Asked:
    which = SubscriptionFilter(state=4) if iccids is None else SubscriptionFilter()
    lines = Lines(which=which, iccids=None if iccids is None else tuple(iccids))
    return Asked(verb=verb, arguments=arguments, lines=lines, selected={})


def actor(house: House) -> Actor:
    return Actor(tenant=house.tenant, name=HAND.actor)


async def started(house: House, what: Asked | None = None, made: Bulks | None = None) -> Bulk:
    found = await (made or bulks(house)).start(actor(house), HAND, what or asked(), expect=None, reason="a test")
    assert isinstance(found, Bulk), found
    return found


async def run(house: House, carrier: CarrierOnPaper, made: Bulks | None = None, *, seconds: int = 60) -> None:
    hand = worker(house, carrier)
    for _ in range(seconds // 5):
        clock(house, timedelta(seconds=5))
        carrier.now = house.now
        await hand.dispatch(house.tenant)
        await hand.read_back(house.tenant)
        await (made or bulks(house)).settle(house.tenant)


async def counts(house: House, bulk: Bulk) -> dict[str, int]:
    found = await bulks(house).read(actor(house), bulk.id)
    assert found is not None
    return dict(found.counts)


def done(verb: str, sim: str, n: int) -> Answer:
    return Answer.DONE


async def test_it_is_counted_before_and_every_line_has_its_result(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 40)
    seen = await bulks(house).preview(actor(house), asked())
    assert (seen.lines, seen.able, seen.unable, seen.approval) == (40, 40, 0, "")
    bulk = await started(house)
    carrier = CarrierOnPaper(done)
    await run(house, carrier)
    found = await bulks(house).read(actor(house), bulk.id)
    assert found is not None
    assert (found.state, found.counts) == (BulkState.DONE, {"verified": 40})
    assert sum(carrier.executed.values()) == 40
    lines = await house.sql("select payload from journal where action = %s", Action.BULK_DONE.value)
    assert len(lines) == 1


async def test_what_an_account_cannot_do_is_said_before_and_asked_of_nobody(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    known = lambda connector: None  # noqa: E731
    seen = await bulks(house, known).preview(actor(house), asked())
    assert (seen.lines, seen.able, seen.unable) == (20, 0, 20)
    assert "no interface" in seen.accounts[0].because
    bulk = await started(house, made=bulks(house, known))
    carrier = CarrierOnPaper(done)
    await run(house, carrier, bulks(house, known))
    assert await counts(house, bulk) == {"refused": 20}
    assert sum(carrier.called.values()) == 0


async def test_a_line_without_the_verb_is_counted_apart_and_never_asked(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    lame = [row[0] for row in await house.sql("select iccid from subscription where state = 4 order by iccid limit 3")]
    await house.sql(
        "update subscription set unable = %s::jsonb where iccid = any (%s) returning id",
        '{"suspend": "its plan has no pause", "send_sms": "no SMS"}',
        lame,
    )
    seen = await bulks(house).preview(actor(house), asked())
    assert (seen.lines, seen.able, seen.unable) == (10, 7, 3)
    assert dict(seen.accounts[0].denied) == {"its plan has no pause": 3}
    bulk = await started(house)
    carrier = CarrierOnPaper(done)
    await run(house, carrier)
    assert await counts(house, bulk) == {"verified": 7, "refused": 3}
    assert len(carrier.called) == 7
    told = await house.sql("select distinct reason from operation where state = 7")
    assert told == [("its plan has no pause",)]
    free = await bulks(house).preview(actor(house), asked(Verb.ACTIVATE, iccids=lame))
    assert free.unable == 0


async def test_lines_that_are_so_already_are_left_alone(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    await house.sql("update subscription set state = 6 where state = 4 and right(iccid, 2) < '50' returning id")
    iccids = [row[0] for row in await house.sql("select iccid from subscription where state in (4, 6)")]
    already = len(await house.sql("select 1 from subscription where state = 6"))
    seen = await bulks(house).preview(actor(house), asked(iccids=iccids))
    assert (seen.lines, seen.already, seen.able) == (10, already, 10 - already)
    await started(house, asked(iccids=iccids))
    carrier = CarrierOnPaper(done)
    await run(house, carrier)
    assert sum(carrier.called.values()) == 10 - already


async def test_paused_it_asks_nothing_and_cancelled_it_drops_what_waits(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 40)
    made = bulks(house)
    bulk = await started(house)
    await made.steer(actor(house), HAND, bulk.id, BulkState.PAUSED, action=Action.BULK_PAUSED, reason="")
    carrier = CarrierOnPaper(done)
    clock(house, timedelta(days=3))  # longer than it may take; a pause is no reason to expire
    await run(house, carrier)
    assert (sum(carrier.called.values()), await counts(house, bulk)) == (0, {"pending": 40})
    await made.steer(actor(house), HAND, bulk.id, BulkState.RUNNING, action=Action.BULK_RESUMED, reason="")
    hand = worker(house, carrier)
    async with house.database.tenant(house.tenant) as tx:
        some = await house.stores.moves.take(tx, "global", 15, house.now)
    assert len(some) == 15
    await made.steer(actor(house), HAND, bulk.id, BulkState.CANCELLED, action=Action.BULK_CANCELLED, reason="")
    assert await counts(house, bulk) == {"dispatched": 15, "superseded": 25}
    clock(house, timedelta(minutes=5))
    await hand.read_back(house.tenant)  # whoever took the fifteen is gone: they are looked at
    await run(house, carrier)
    assert await counts(house, bulk) == {"failed": 15, "superseded": 25}


async def test_it_is_taken_back_line_by_line_to_what_each_was(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    carrier = CarrierOnPaper(done)
    first = await started(house)
    await run(house, carrier)
    back = await bulks(house).undo(actor(house), HAND, first.id, reason="never mind")
    assert isinstance(back, Bulk)
    assert (back.total, back.undo_of) == (20, first.id)
    await run(house, carrier)
    assert await counts(house, back) == {"verified": 20}
    assert set(carrier.states.values()) == {"active"}
    again = await bulks(house).undo(actor(house), HAND, back.id, reason="")
    assert isinstance(again, Conflict)
    assert again.code == "wrong_state"


async def test_what_is_final_or_charged_waits_for_another_person(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    dear = bulks(house, lambda connector: manifest(suspend=replace(FREE, billable=True)))
    bulk = await started(house, made=dear)
    assert bulk.state is BulkState.WAITING
    carrier = CarrierOnPaper(done)
    await run(house, carrier, dear)
    assert sum(carrier.called.values()) == 0
    own = await dear.steer(actor(house), HAND, bulk.id, BulkState.RUNNING, action=Action.BULK_APPROVED, reason="")
    assert isinstance(own, Conflict)
    assert own.code == "own_change"
    resumed = await dear.steer(actor(house), HAND, bulk.id, BulkState.RUNNING, action=Action.BULK_RESUMED, reason="")
    assert isinstance(resumed, Conflict)  # no way around the approval
    await dear.steer(actor(house), OTHER, bulk.id, BulkState.RUNNING, action=Action.BULK_APPROVED, reason="agreed")
    await run(house, carrier, dear)
    assert await counts(house, bulk) == {"verified": 4}


async def test_other_lines_than_the_preview_counted_are_a_conflict(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    found = await bulks(house).start(actor(house), HAND, asked(), expect=3, reason="x")
    assert isinstance(found, Conflict)
    assert found.code == "drifted"
    unknown = await bulks(house).start(
        actor(house), HAND, asked(iccids=["8999999999999999999"]), expect=None, reason="x"
    )
    assert isinstance(unknown, Conflict)
    assert unknown.code == "unknown_lines"
    assert await house.sql("select count(*) from bulk") == [(0,)]


@pytest.mark.parametrize(
    ("verb", "arguments", "field"),
    [
        (Verb.SET_PLAN, {}, "plan"),
        (Verb.SET_PLAN, {"plan": "p", "other": 1}, "other"),
        (Verb.SET_LIMIT, {"bytes": -1}, "bytes"),
        (Verb.SET_LIMIT, {"bytes": True}, "bytes"),
        (Verb.SET_IMEI_LOCK, {"imei": "12"}, "imei"),
        (Verb.SET_NETWORK_POLICY, {"kind": "allow", "plmns": ["262-02", "nowhere"]}, "plmns[1]"),
        (Verb.SET_NETWORK_POLICY, {"kind": "other", "plmns": []}, "kind"),
        (Verb.SEND_SMS, {"text": ""}, "text"),
        (Verb.SUSPEND, {"text": "x"}, "text"),
    ],
)
async def test_arguments_are_checked_before_anything(
    house: House, verb: Verb, arguments: dict[str, object], field: str
) -> None:
    with pytest.raises(MalformedArgument) as fault:
        await bulks(house).start(actor(house), HAND, asked(verb, **arguments), expect=None, reason="x")
    assert fault.value.field == field


# --- how the worker asks ------------------------------------------------------------------------


async def test_a_line_has_one_write_under_way(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 1)
    await started(house)
    await started(house, asked(Verb.ACTIVATE))
    async with house.database.tenant(house.tenant) as tx:
        first = await house.stores.moves.take(tx, "global", 10, house.now)
        second = await house.stores.moves.take(tx, "global", 10, house.now)
    assert ([one.verb for one in first], second) == (["suspend"], [])
    await house.sql("update operation set state = 5, settled_at = %s where state = 2 returning id", house.now)
    async with house.database.tenant(house.tenant) as tx:
        then = await house.stores.moves.take(tx, "global", 10, house.now)
    assert [one.verb for one in then] == ["activate"]


class Taking(CarrierOnPaper):
    """Takes a request and carries it out a minute later; tells of it by a reference."""

    refuses: bool = False
    asked: int = 0

    async def suspend(self, sim: ProviderId) -> Outcome:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.called["suspend", sim] += 1
        return Accepted(reference=f"req {sim} {self.now.timestamp() + 60}", check_after=timedelta(seconds=30))

    async def follow_up(self, reference: str) -> Outcome:
        self.asked += 1
        _, sim, at = reference.split(" ")
        if self.now.timestamp() < float(at):
            return Accepted(reference=reference, check_after=timedelta(seconds=30))
        if self.refuses:
            return Refused(reason=ReasonCode.PRECONDITION, detail="no credit", raw=RawReply(status=200))
        self.states[sim] = "suspended"
        return Done(observed=self._record(ProviderId(sim)))


@pytest.mark.parametrize(("refuses", "word"), [(False, "verified"), (True, "refused")])
async def test_what_a_carrier_accepted_is_followed_up_by_its_reference(house: House, refuses: bool, word: str) -> None:
    await settle_fleet(house.database, house.tenant, 5)
    carrier = Taking(done)
    carrier.refuses = refuses
    bulk = await started(house)
    await run(house, carrier, seconds=20)
    assert (await counts(house, bulk), carrier.asked) == ({"acknowledged": 5}, 0)  # it said: not before 30 s
    await run(house, carrier, seconds=100)
    assert await counts(house, bulk) == {word: 5}
    assert sum(carrier.called.values()) == 5
    assert carrier.looked == 0


class InBulk(CarrierOnPaper):
    """Takes two hundred lines a call, as a job."""

    manifest = manifest(suspend=replace(FREE, bulk_max=200), activate=FREE)
    calls: list[int]
    lost: bool = False

    async def change_many(self, verb: Verb, sims: Sequence[ProviderId]) -> Accepted:
        self.calls.append(len(sims))
        for sim in sims:
            self.executed[verb.value, sim] += 1
            self.states[sim] = "suspended"
        self.batch = list(sims)
        return Accepted(reference=",".join(sims), check_after=timedelta(seconds=10))

    async def follow_many(self, reference: str) -> dict[ProviderId, Outcome]:
        sims = [ProviderId(sim) for sim in reference.split(",")]
        found: dict[ProviderId, Outcome] = {sim: Done(observed=self._record(sim)) for sim in sims}
        found[sims[0]] = Refused(reason=ReasonCode.CONFLICT_STATE, detail="not this one", raw=RawReply(status=400))
        return found


async def test_a_carrier_with_a_call_for_many_is_asked_so(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 120)
    carrier = InBulk(done)
    carrier.calls = []
    bulk = await started(house, made=bulks(house, lambda connector: carrier.manifest))
    await run(house, carrier)
    assert carrier.calls == [120]
    assert await counts(house, bulk) == {"refused": 1, "verified": 119}
    assert max(carrier.executed.values()) == 1
    assert sum(carrier.called.values()) == 0


class Rationed(CarrierOnPaper):
    """Allows a line two changes a day."""

    manifest = replace(PLAIN, action_budget={"state": 2})


async def test_a_lines_allowance_for_the_day_is_kept(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 1)
    carrier = Rationed(done)
    verbs = [Verb.SUSPEND, Verb.ACTIVATE, Verb.SUSPEND]
    iccids = [row[0] for row in await house.sql("select iccid from subscription where state = 4")]
    for verb in verbs:
        await started(house, asked(verb, iccids=iccids))
        await house.sql(
            "update subscription set state = %s where state in (4, 6) returning id", 4 if verb is Verb.ACTIVATE else 6
        )
        await run(house, carrier)
    assert sum(carrier.called.values()) == 2
    ((state, until),) = await house.sql("select state, not_before - %s from operation where state = 1", house.now)
    assert (state, until > timedelta(hours=23)) == (OperationState.PENDING, True)
    clock(house, until)
    await run(house, carrier)
    assert sum(carrier.called.values()) == 3


@dataclass
class Ceilings(CarrierOnPaper):
    """A carrier that keeps a ceiling a line, and shows it where there is one."""

    limits: dict[str, int] = field(default_factory=dict)

    async def set_limit(self, sim: ProviderId, limit_bytes: int | None) -> Outcome:
        assert limit_bytes is not None
        self.limits[sim] = limit_bytes
        return Done(observed=self._record(sim))

    def _record(self, sim: ProviderId) -> SimRecord:
        limit = DataLimit(limit_bytes=self.limits[sim]) if sim in self.limits else None
        return replace(super()._record(sim), limit=limit)


async def test_a_setting_that_the_carrier_showed_is_put_back_and_another_is_not(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 2)
    known = manifest(set_limit=FREE)
    made = bulks(house, lambda connector: known)
    carrier = Ceilings(done)
    lines = [row[0] for row in await house.sql("select iccid from subscription where state = 4 order by iccid")]
    await house.sql("update subscription set provider_id = iccid returning 1")
    carrier.limits = {lines[0]: 5_000_000}
    bulk = await started(house, asked(Verb.SET_LIMIT, lines, bytes=1_000_000), made)
    await run(house, carrier, made)
    assert carrier.limits == dict.fromkeys(lines, 1_000_000)
    undone = await made.undo(actor(house), HAND, bulk.id, reason="no")
    assert isinstance(undone, Bulk)
    await run(house, carrier, made)
    results = {one.iccid: one for one in await made.results(actor(house), undone.id, above=None, state=None, limit=9)}
    assert carrier.limits == {lines[0]: 5_000_000, lines[1]: 1_000_000}
    assert results[lines[1]].reason == "nothing takes it back"  # what it was before was never shown

"""Tickets to people: slow, partly answered, answered twice, lost; and never asked twice."""

from datetime import timedelta
from typing import Any

import pytest
from tests.contract.benches.file import FILES, FileBench

from fairlead.engine.ports.carrier import Accepted, Done, NotFound, OutcomeUnknown, ReasonCode, Refused
from fairlead.model.subscription import SubscriptionState, Verb, capability


@pytest.fixture(autouse=True)
def slow(office: FileBench) -> None:
    """Hours for a ticket, and an export once a day."""
    office.fake.handling = timedelta(hours=5)
    office.fake.exports_every = timedelta(days=1)


async def test_accepted_with_the_ticket_and_done_by_the_next_days_export(office: FileBench, later: Any) -> None:
    line = office.line()
    asked = await office.open().suspend(line)
    assert isinstance(asked, Accepted)
    (ticket,) = (office.fake.folder / "tickets").glob("*.csv")
    assert asked.reference == f"ticket {ticket.stem} {line}"
    assert ticket.read_text().splitlines() == [
        "Order;Card;What;Asked", f"{ticket.stem};{line[:-1]};BAR;2026-03-01T12:00:00+00:00",
    ]  # fmt: skip
    assert isinstance(await later(asked, hours=6), Accepted)  # confirmed, and no export has shown it
    assert office.fake.desk.executed["suspend", line] == 1
    end = await later(asked, hours=19)
    assert isinstance(end, Done)
    assert end.observed.subscription.state is SubscriptionState.SUSPENDED
    assert end.observed.freshness.observed_at >= office.clock() - timedelta(days=1)


async def test_what_is_read_is_as_old_as_the_newest_export(office: FileBench) -> None:
    line = office.line()
    first = await office.open().read_sim(line)
    office.clock.tick(hours=20)
    office.world.set_state(line, "suspended")
    again = await office.open().read_sim(line)
    assert (again.subscription.state, again.freshness) == (SubscriptionState.ACTIVE, first.freshness)
    assert office.clock() - again.freshness.observed_at == timedelta(hours=20)


async def test_the_same_wish_is_the_same_ticket_in_any_process(office: FileBench, later: Any) -> None:
    line = office.line()
    first = await office.open().suspend(line)
    office.fake.work()  # taken up: their folder is empty again
    for _ in range(3):
        assert (await office.open().suspend(line)) == first
        office.clock.tick(minutes=30)
    assert (await office.open().suspend(line)).reference == first.reference
    assert len(office.fake.tickets) == 1
    await later(first, hours=6)
    assert (await office.open().suspend(line)).reference == first.reference  # confirmed, not shown yet
    assert len(office.fake.tickets) == 1


async def test_two_processes_at_once_write_one_ticket(office: FileBench) -> None:
    line = office.line()
    one, other = office.open(), office.open()
    (view_one, view_other) = (await one.suspend(line), await other.suspend(line))
    assert view_one.reference == view_other.reference
    assert len(list((office.fake.folder / "tickets").glob("*.csv"))) <= 1


async def test_the_opposite_wish_waits_for_an_open_ticket(office: FileBench, later: Any) -> None:
    line = office.line()
    first = await office.open().suspend(line)
    busy = await office.open().deactivate(line)
    assert isinstance(busy, Refused)
    assert busy.reason is ReasonCode.BUSY
    assert first.reference.split()[1] in busy.detail
    await later(first, hours=6)  # confirmed: they have finished, though no export shows it
    assert isinstance(await office.open().activate(line), Accepted)
    assert len(office.fake.tickets) == 1
    office.fake.work()
    assert len(office.fake.tickets) == 2


async def test_an_old_export_does_not_prove_a_new_wish(office: FileBench, later: Any) -> None:
    """Suspended by this morning's export, switched on by a confirmed ticket: `suspend` is not done already."""
    line = office.line("suspended")
    on = await office.open().activate(line)
    await later(on, hours=6)
    assert office.card(line).state == "active"
    asked = await office.open().suspend(line)
    assert isinstance(asked, Accepted)
    assert asked.reference != on.reference
    assert isinstance(await office.open().follow_up(asked.reference), Accepted)


async def test_a_number_that_was_answered_is_never_given_again(office: FileBench, later: Any) -> None:
    """Even where our copies were lost: people would take the old number for the old ticket."""
    line = office.line()
    first = await office.open().suspend(line)
    assert isinstance(await later(first, hours=30), Done)
    for copy in (office.fake.folder / "sent").iterdir():
        copy.unlink()
    office.world.set_state(line, "active")
    office.clock.tick(days=2)
    again = await office.open().suspend(line)
    assert isinstance(again, Accepted)
    assert again.reference != first.reference


async def test_an_answer_that_comes_twice_is_one(office: FileBench, later: Any) -> None:
    office.fake.answers_twice = True
    line = office.line()
    end = await later(await office.open().suspend(line), hours=30)
    assert isinstance(end, Done)
    assert office.fake.desk.executed["suspend", line] == 1


async def test_a_batch_is_one_ticket_and_each_line_has_its_own_end(office: FileBench, later: Any) -> None:
    lines = [office.line() for _ in range(5)]
    office.fake.answers_at_once = 3
    ends = await office.open().change_many(Verb.SUSPEND, lines)
    references = {one.reference.split()[1] for one in ends.values()}
    assert len(references) == 1
    await later(ends[lines[0]], hours=25)
    followed = await office.open().follow_many(ends[lines[0]].reference)
    assert [type(followed[line]) for line in lines] == [Done, Done, Done, Accepted, Accepted]
    await later(ends[lines[0]], hours=25)
    followed = await office.open().follow_many(ends[lines[0]].reference)
    assert {type(one) for one in followed.values()} == {Done}
    assert len(office.fake.tickets) == 1


async def test_those_with_an_open_ticket_get_no_second_one_in_a_batch(office: FileBench) -> None:
    lines = [office.line() for _ in range(3)]
    first = await office.open().suspend(lines[1])
    ends = await office.open().change_many(Verb.SUSPEND, lines)
    assert ends[lines[1]].reference == first.reference
    assert ends[lines[0]].reference != first.reference
    office.fake.work()
    assert office.fake.tickets.count(first.reference.split()[1]) == 1


async def test_a_lost_line_ends_when_nobody_can_answer_any_more(office: FileBench, later: Any) -> None:
    office.fake.loses = 1
    line = office.line()
    asked = await office.open().suspend(line)
    assert isinstance(await later(asked, hours=71), Accepted)
    end = await later(asked, hours=48)
    assert isinstance(end, Refused)
    assert end.reason is ReasonCode.PROVIDER_UNAVAILABLE
    assert asked.reference.split()[1] in end.detail
    again = await office.open().suspend(line)  # a new attempt has a new number
    assert isinstance(again, Accepted)
    assert again.reference != asked.reference
    assert isinstance(await later(again, hours=30), Done)


async def test_a_carrier_that_never_answers_is_believed_by_its_export(office: FileBench, later: Any) -> None:
    office.fake.answers = False
    line = office.line()
    assert isinstance(await later(await office.open().suspend(line), hours=30), Done)


async def test_a_refusal_carries_their_own_line_and_a_new_wish_is_a_new_ticket(office: FileBench, later: Any) -> None:
    line = office.line()
    office.fault("refuse", "suspend", code="XYZ-7", message="contract unpaid", at_most=1)
    asked = await office.open().suspend(line)
    end = await later(asked, hours=6)
    assert isinstance(end, Refused)
    assert end.reason is ReasonCode.CONFLICT_STATE
    assert "contract unpaid" in end.detail
    assert "line 2" in end.detail
    assert line[:-1] in end.raw.body
    again = await office.open().suspend(line)
    assert isinstance(again, Accepted)
    assert again.reference != asked.reference


async def test_a_confirmation_that_no_export_bears_out_is_a_breach(office: FileBench, later: Any) -> None:
    line = office.line()
    asked = await office.open().suspend(line)
    await later(asked, hours=6)
    office.world.set_state(line, "active")  # done, they said
    end = await later(asked, hours=120)
    assert isinstance(end, Refused)
    assert end.reason is ReasonCode.CONTRACT_VIOLATION
    assert "Live" in end.detail


async def test_a_ticket_without_our_copy_is_asked_for_again_under_its_number(office: FileBench) -> None:
    line = office.line()
    office.fault("lose_reply", "suspend", at_most=1)
    with pytest.raises(OutcomeUnknown):
        await office.open().suspend(line)
    asked = await office.open().suspend(line)
    office.fake.work()
    assert isinstance(asked, Accepted)
    assert set(office.fake.tickets) == {asked.reference.split()[1]}
    office.clock.tick(hours=6)
    office.fake.work()
    assert office.fake.desk.executed["suspend", line] == 1


async def test_an_account_without_tickets_reads_and_says_so(office: FileBench) -> None:
    line = office.line()
    office.settings = {name: one for name, one in FILES.items() if name != "tickets"}
    said = await office.open().suspend(line)
    assert isinstance(said, Refused)
    assert said.reason is ReasonCode.UNSUPPORTED
    record = (await office.open().read_sim(line)).capabilities
    assert record is not None
    assert not capability(record, Verb.SUSPEND).supported
    assert "ticket" in capability(record, Verb.SUSPEND).because


async def test_a_ticket_that_nobody_wrote_is_not_found(office: FileBench) -> None:
    office.line()
    with pytest.raises(NotFound):
        await office.open().follow_up("ticket FL-000000000000 8990010000000009999")

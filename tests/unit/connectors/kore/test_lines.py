"""Replies that are not what was asked for, pages, and what is followed after a restart."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.kore.carrier import DE, HS, ICCID, NOW, Carrier, saying

from fairlead.connectors._kit.wish import MalformedReference, Wish
from fairlead.connectors.kore.client import cursor_of
from fairlead.connectors.kore.pending import Since, pending, read_message, read_pending
from fairlead.connectors.programmable_wireless.factory import FACTORY as PROGRAMMABLE_WIRELESS
from fairlead.connectors.supersim.factory import FACTORY as SUPERSIM
from fairlead.engine.ports.carrier import Accepted, Done, OutcomeUnknown, ProviderId, ReasonCode, Refused, Unavailable

EARLIER, LATER = "2026-03-01T11:00:00Z", "2026-03-01T12:30:00Z"


def sim(status: str, updated: str = EARLIER, sid: str = HS, **more: object) -> dict[str, object]:
    return {"sid": sid, "iccid": ICCID, "status": status, "date_updated": updated, **more}


def lines(read: object, change: object = None, updates: list[object] | None = None) -> Carrier:
    """A SIM that reads so, changes so, and has these settings updates."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/SettingsUpdates"):
            return httpx.Response(200, json={"settings_updates": updates or [], "meta": {}})
        return httpx.Response(200, json=change if request.method == "POST" else read)

    return Carrier(SUPERSIM, answer)


async def accepted(carrier: Carrier) -> Accepted:
    outcome = await carrier.open().suspend(HS)
    assert isinstance(outcome, Accepted), outcome
    return outcome


async def test_what_waits_is_accepted_and_done_when_it_shows() -> None:
    carrier = lines(sim("active"), sim("scheduled"))
    outcome = await accepted(carrier)
    carrier.answer = lines(sim("scheduled")).answer
    assert isinstance(await carrier.open().follow_up(outcome.reference), Accepted)
    carrier.answer = lines(sim("inactive", LATER)).answer
    assert isinstance(await carrier.open().follow_up(outcome.reference), Done)


async def test_a_sim_on_its_way_is_not_sent_elsewhere() -> None:
    carrier = lines(sim("scheduled"))
    for outcome in (await carrier.open().suspend(HS), await carrier.open().activate(HS)):
        assert isinstance(outcome, Refused)
        assert outcome.reason is ReasonCode.BUSY
    assert not carrier.asked[f"POST /v1/Sims/{HS}"]


async def test_a_change_that_another_one_overtook_is_refused_and_a_stale_view_is_not() -> None:
    outcome = await accepted(lines(sim("active"), sim("scheduled")))
    still = await lines(sim("active", EARLIER)).open().follow_up(outcome.reference)
    assert isinstance(still, Accepted)
    over = await lines(sim("active", LATER)).open().follow_up(outcome.reference)
    assert isinstance(over, Refused)
    assert (over.reason, "active" in over.detail) == (ReasonCode.CONFLICT_STATE, True)


@pytest.mark.parametrize(("made", "kind"), [("2026-02-01T00:00:00Z", Accepted), (LATER, Refused), (None, Accepted)])
async def test_only_a_failure_of_this_change_fails_it(made: str | None, kind: type) -> None:
    outcome = await accepted(lines(sim("active"), sim("scheduled")))
    failed = [{"status": "failed", "date_created": made}, {"status": "successful", "date_created": LATER}, 7]
    end = await lines(sim("active"), updates=failed).open().follow_up(outcome.reference)
    assert isinstance(end, kind)
    assert kind is not Refused or end.reason is ReasonCode.REJECTED_BY_NETWORK


@pytest.mark.parametrize("reply", [None, [], {}, sim("inactive", sid="HS" + "0" * 32)])
async def test_a_success_without_the_sim_settles_nothing(reply: object) -> None:
    with pytest.raises(OutcomeUnknown):
        await lines(sim("active"), reply).open().suspend(HS)


@pytest.mark.parametrize("reply", [None, {}, {"sid": "HC1"}])
async def test_a_message_that_has_no_name_settles_nothing(reply: object) -> None:
    with pytest.raises(OutcomeUnknown):
        await lines(sim("active"), reply).open().send_sms(HS, "wake up")


@pytest.mark.parametrize(
    ("word", "kind"), [("queued", Accepted), ("sent", Accepted), ("failed", Refused), ("dreamt", Accepted)]
)
async def test_a_message_is_followed_until_the_carrier_tells(word: str, kind: type) -> None:
    carrier = Carrier(SUPERSIM, saying({"status": word}))
    end = await carrier.open().follow_up(f"sms {HS} HC{0:032x}")
    assert isinstance(end, kind)
    assert kind is not Refused or end.reason is ReasonCode.DEVICE_UNREACHABLE


async def test_a_code_says_more_than_its_status() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(400, json={"code": 33105, "message": "no", "status": 400})
        return httpx.Response(200, json=sim("active", sid=DE))

    outcome = await Carrier(PROGRAMMABLE_WIRELESS, answer).open().suspend(DE)
    assert (outcome.reason, outcome.raw.code) == (ReasonCode.CONFLICT_STATE, "33105")


async def test_ending_a_line_that_is_deactivated_already_sends_nothing_and_waits_for_the_carrier() -> None:
    updated = (NOW - timedelta(hours=70)).isoformat()
    carrier = Carrier(PROGRAMMABLE_WIRELESS, saying(sim("deactivated", updated, sid=DE)))
    outcome = await carrier.open().terminate(DE, confirm=ICCID)
    assert isinstance(outcome, Accepted)
    assert outcome.check_after == timedelta(hours=2)
    assert outcome.observed is not None
    assert outcome.observed.subscription.auto_revert_at == NOW + timedelta(hours=2)
    assert isinstance(await carrier.open().follow_up(outcome.reference), Accepted)
    carrier.answer = saying(sim("active", NOW.isoformat(), sid=DE))
    assert isinstance(await carrier.open().follow_up(outcome.reference), Refused)
    assert not carrier.asked[f"POST /v1/Sims/{DE}"]


async def test_a_reset_is_done_when_the_carrier_says_so() -> None:
    carrier = Carrier(PROGRAMMABLE_WIRELESS, saying(sim("active", sid=DE, reset_status="resetting")))
    outcome = await carrier.open().reset_connection(DE)
    assert isinstance(outcome, Accepted)
    assert isinstance(await carrier.open().follow_up(outcome.reference), Accepted)
    carrier.answer = saying(sim("active", sid=DE, reset_status=None))
    assert isinstance(await carrier.open().follow_up(outcome.reference), Done)


async def test_pages_go_where_the_account_says_and_never_where_a_reply_says() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        last = request.url.params.get("PageToken") == "PA1"
        onward = None if last else "https://elsewhere.example/v1/Sims?PageSize=100&Page=1&PageToken=PA1"
        listed: list[object] = [sim("active")] if last else [7, {"sid": "x"}]
        return httpx.Response(200, json={"sims": listed, "meta": {"next_page_url": onward}})

    carrier = Carrier(SUPERSIM, answer)
    found = [page async for page in carrier.open(kind="twilio").list_sims()]
    assert [(len(page.sims), len(page.unreadable)) for page in found] == [(0, 2), (1, 0)]
    assert found[0].next == "1 PA1"
    assert {request.url.host for request in carrier.seen} == {"supersim.twilio.com"}


async def test_a_cursor_that_does_not_move_and_a_list_that_is_none_end_the_walk() -> None:
    same = {"sims": [], "meta": {"next_page_url": "https://x.example/?Page=0&PageToken=PA1"}}
    with pytest.raises(Unavailable, match="cursor"):
        [page async for page in Carrier(SUPERSIM, saying(same)).open().list_sims()]
    for value in (None, [], {"sims": {}}):
        with pytest.raises(Unavailable):
            [page async for page in Carrier(SUPERSIM, saying(value)).open().list_sims()]


@given(st.text())
def test_any_address_is_a_cursor_or_none(text: str) -> None:
    for address in (text, f"https://x.example/?{text}", f"https://x.example/?Page={text}&PageToken={text}"):
        found = cursor_of(address)
        assert found is None or " " in found


@given(st.sampled_from(["state", "plan", "group"]), st.text(alphabet="0123456789abcdef", min_size=1), st.datetimes())
def test_a_wish_travels_with_its_times(kind: Any, value: str, at: Any) -> None:
    since = Since(updated=NOW, asked=at.replace(tzinfo=NOW.tzinfo))
    wish = Wish(kind=kind, value=value)
    assert read_pending(pending(HS, wish, since)) == (HS, wish, since)


@pytest.mark.parametrize(
    "text", ["", "state", f"state {HS} active", f"state {HS} active since x/y", f"state {HS} active since {EARLIER}"]
)
def test_a_foreign_reference_is_refused(text: str) -> None:
    with pytest.raises(MalformedReference):
        read_pending(text)
    with pytest.raises(MalformedReference):
        read_message(text)


async def test_a_sim_id_cannot_leave_its_place_in_the_path() -> None:
    carrier = Carrier(SUPERSIM, saying(sim("active")))
    await carrier.open(kind="twilio").read_sim(ProviderId("../Fleets?x#y"))
    assert carrier.seen[0].url.raw_path == b"/v1/Sims/..%2FFleets%3Fx%23y"

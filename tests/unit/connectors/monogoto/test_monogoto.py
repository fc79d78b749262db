"""What only this carrier has: changes answered by a sentence, a reset by GET, and a line that is retired elsewhere."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.answering import NOW, answering, opened

from fairlead.connectors._kit.factory import BadSetting
from fairlead.connectors.monogoto.connector import MANIFEST
from fairlead.connectors.monogoto.factory import FACTORY
from fairlead.connectors.monogoto.translate import Translator
from fairlead.engine.ports.carrier import (
    Accepted,
    Done,
    NotFound,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
    Unavailable,
)
from fairlead.model.subscription import Freshness, SubscriptionState, Verb, capability

SECRETS = {"username": "ops@northwind.example", "password": "the-password"}
LINE = ProviderId("ThingId_ICCID_8990010000000000176")
FRESH = Freshness(observed_at=NOW, staleness=timedelta(minutes=5), source="monogoto/x")
TRANSLATOR = Translator(record=MANIFEST.capabilities)
FIELDS = ["ThingId", "State", "IMSI", "IMEI", "MSISDN", "ExternalUniqueId", "LockMasterImei", "MasterIMEI"]
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=15,
)


class Carrier:
    """One thing that says what a test lets it say."""

    def __init__(self, state: str = "ACTIVE", **more: Any) -> None:
        self.thing: Any = {"ThingId": LINE, "State": state, **more}
        self.change = httpx.Response(200, text="Thing state updated successfully.")
        self.obeys = True
        transport, self.asked = answering(self.answer)
        self.connector = opened(FACTORY, transport, SECRETS)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/Auth":
            return httpx.Response(200, json={"token": "the-token", "refreshToken": "x"})
        if request.method == "GET" and not request.url.path.endswith("/refreshConnection"):
            return httpx.Response(200, json=self.thing)
        if self.obeys and request.url.path.endswith("/state/"):
            self.thing["State"] = "SUSPENDED" if b"SUSPENDED" in request.content else "ACTIVE"
        return self.change

    def sent(self) -> list[tuple[str, str]]:
        return [(one.method, one.url.path) for one in self.asked if one.url.path != "/Auth"]


def test_it_is_experimental_and_says_what_cannot_be_told() -> None:
    assert MANIFEST.experimental
    assert MANIFEST.contract == "reconstruction"
    assert capability(MANIFEST.capabilities, Verb.SUSPEND).traffic_after == "unknown"
    assert not capability(MANIFEST.capabilities, Verb.TERMINATE).supported


async def test_a_sentence_proves_nothing_and_the_thing_is_read_back() -> None:
    carrier = Carrier()
    outcome = await carrier.connector.suspend(LINE)
    assert isinstance(outcome, Done)
    assert [method for method, _ in carrier.sent()] == ["GET", "PUT", "GET"]
    carrier = Carrier()
    carrier.obeys = False
    outcome = await carrier.connector.suspend(LINE)
    assert isinstance(outcome, Accepted)
    assert isinstance(await carrier.connector.follow_up(outcome.reference), Accepted)
    carrier.thing["State"] = "SUSPENDED"
    assert isinstance(await carrier.connector.follow_up(outcome.reference), Done)


async def test_a_change_that_cannot_be_read_back_is_unknown() -> None:
    carrier = Carrier()

    def spoilt(request: httpx.Request) -> httpx.Response:
        reply = Carrier.answer(carrier, request)
        if request.method == "PUT":
            carrier.thing = {"ThingId": "another"}
        return reply

    transport, _ = answering(spoilt)
    with pytest.raises(OutcomeUnknown, match="read-back"):
        await opened(FACTORY, transport, SECRETS).suspend(LINE)


async def test_a_retired_line_is_not_asked() -> None:
    carrier = Carrier("RETIRED")
    outcome = await carrier.connector.activate(LINE)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.CONFLICT_STATE
    assert [method for method, _ in carrier.sent()] == ["GET"]


async def test_a_reset_by_get_is_a_change_all_the_same() -> None:
    carrier = Carrier()
    assert isinstance(await carrier.connector.reset_connection(LINE), Done)
    assert carrier.sent()[-1] == ("GET", f"/thing/{LINE}/refreshConnection")
    carrier.change = httpx.Response(502)
    with pytest.raises(OutcomeUnknown):
        await carrier.connector.reset_connection(LINE)


async def test_a_message_that_gets_no_name_may_not_have_been_taken() -> None:
    carrier = Carrier()
    carrier.change = httpx.Response(200, text=f"{LINE}_1606995009188_0.49")
    assert isinstance(await carrier.connector.send_sms(LINE, "wake up"), Done)
    carrier.change = httpx.Response(200, text="<html>Please sign in</html>")
    with pytest.raises(OutcomeUnknown):
        await carrier.connector.send_sms(LINE, "wake up")


async def test_a_message_has_the_sender_of_the_settings() -> None:
    carrier = Carrier()
    carrier.change = httpx.Response(200, text=f"{LINE}_1606995009188_0.49")
    transport, asked = answering(carrier.answer)
    await opened(FACTORY, transport, SECRETS, {"sms_from": "4420123"}).send_sms(LINE, "wake up")
    assert b'"From":"4420123"' in asked[-1].content
    assert asked[-1].method == "POST"
    for bad in ("", "+4420123", "a" * 16, 7):
        with pytest.raises(BadSetting, match="sms_from"):
            opened(FACTORY, transport, SECRETS, {"sms_from": bad})


async def test_a_token_is_renewed_before_its_four_hours_end() -> None:
    clock = {"at": NOW}

    def real() -> datetime:
        return clock["at"]

    transport, asked = answering(Carrier().answer)
    connector = opened(FACTORY, transport, SECRETS, real=real)
    for hours, logins in ((0, 1), (3, 1), (4, 2)):
        clock["at"] = NOW + timedelta(hours=hours)
        await connector.read_sim(LINE)
        assert [one.url.path for one in asked].count("/Auth") == logins


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": 7}, [], None])
async def test_a_login_without_a_token_is_no_login(body: object) -> None:
    transport, _ = answering(lambda request: httpx.Response(200, json=body))
    with pytest.raises(Unavailable, match="token"):
        await opened(FACTORY, transport, SECRETS).check()


@pytest.mark.parametrize("word", ["", "SLEEPING", "active"])
def test_an_unknown_word_is_unknown_and_kept(word: str) -> None:
    record = TRANSLATOR.sim({"ThingId": LINE, "State": word}, FRESH)
    assert record is not None
    assert (record.subscription.state, record.subscription.provider_state) == (SubscriptionState.UNKNOWN, word)


def test_a_line_is_known_by_its_number_or_by_its_name() -> None:
    for told in ({"ExternalUniqueId": "8990010000000000176"}, {}):
        record = TRANSLATOR.sim({"ThingId": LINE, **told}, FRESH)
        assert record is not None
        assert (record.iccid, record.complaints) == ("8990010000000000176", ())
    record = TRANSLATOR.sim({"ThingId": "ThingId_IMSI_286010000000001"}, FRESH)
    assert record is not None
    assert record.iccid is None


def test_a_lock_is_shown_and_one_that_is_not_told_is_not_guessed() -> None:
    imei = "352099001761481"
    for told, wanted in (
        ({"LockMasterImei": True, "MasterIMEI": imei}, (True, {imei})),
        ({"LockMasterImei": False, "MasterIMEI": imei}, (False, frozenset())),
    ):
        record = TRANSLATOR.sim({"ThingId": LINE, **told}, FRESH)
        assert record is not None
        assert record.imei_lock is not None
        assert (record.imei_lock.on, record.imei_lock.imeis) == wanted
    record = TRANSLATOR.sim({"ThingId": LINE, "MasterIMEI": imei}, FRESH)
    assert record is not None
    assert record.imei_lock is None


@pytest.mark.parametrize("value", [{"ThingId": "another"}, {"ThingId": "with space"}, [], None])
async def test_a_reply_about_another_thing_settles_nothing(value: object) -> None:
    carrier = Carrier()
    carrier.thing = value
    with pytest.raises(Unavailable):
        await carrier.connector.read_sim(LINE)


async def test_a_list_that_is_none_is_not_an_empty_one_and_a_cursor_is_a_number() -> None:
    carrier = Carrier()
    with pytest.raises(Unavailable, match="no list"):
        await anext(carrier.connector.list_sims())
    with pytest.raises(NotFound):
        await anext(carrier.connector.list_sims(after="half"))


async def test_a_thing_cannot_leave_its_place_in_the_path() -> None:
    carrier = Carrier()
    with pytest.raises(Unavailable):
        await carrier.connector.read_sim(ProviderId("../things?x#y"))
    assert carrier.asked[-1].url.raw_path == b"/thing/..%2Fthings%3Fx%23y"


@given(ANY)
def test_any_reply_gives_a_record_or_none_and_never_an_exception(value: object) -> None:
    TRANSLATOR.sim(value, FRESH)
    TRANSLATOR.sim({"ThingId": LINE, **dict.fromkeys(FIELDS[1:], value)}, FRESH)

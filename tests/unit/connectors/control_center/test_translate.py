"""Their JSON → our records, by example and by property; what an operator's words mean."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors._kit.factory import BadSetting
from fairlead.connectors.control_center.connector import MANIFEST
from fairlead.connectors.control_center.translate import Cycle, Translator, before, message_id, why_not
from fairlead.connectors.control_center.words import STATES, read_words
from fairlead.engine.ports.carrier import ProviderId, ReasonCode, SimRecord
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, Verb, capability

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGE = Freshness(observed_at=NOW, staleness=timedelta(seconds=60), source="northwind/tr")
READER = Translator(record=MANIFEST.capabilities, words=read_words({"terminate_as": "RETIRED"}))
ICCID, IMSI, IMEI = "8990010000000000010", "286010000000001", "352099000000014"
LINE = ProviderId(ICCID)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def device(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "iccid": ICCID, "imsi": IMSI, "msisdn": "90000000001", "imei": IMEI, "status": "ACTIVATED",
        "ratePlan": "meters 1 MB", "communicationPlan": "data", "customer": None, "eid": None,
        "dateUpdated": "2016-07-06 22:04:04.380+0000",
    }  # fmt: skip
    return {**body, **changes}


def read(reader: Translator = READER, **changes: object) -> SimRecord:
    record = reader.sim(device(**changes), AGE)
    assert record is not None
    return record


def test_a_device() -> None:
    record = read()
    assert (record.iccid, record.imsis, record.msisdn, record.imei) == (ICCID, (IMSI,), "90000000001", IMEI)
    assert (record.plan, record.subscription.provider_state) == ("meters 1 MB", "ACTIVATED")
    assert record.subscription.state is SubscriptionState.ACTIVE
    assert record.session.connectivity is Connectivity.UNKNOWN
    assert record.complaints == ()
    assert record.capabilities is None


def test_what_a_search_tells_is_less_and_still_a_sim() -> None:
    record = READER.sim({"iccid": ICCID, "status": "ACTIVATED", "ratePlan": "x", "communicationPlan": "y"}, AGE)
    assert record is not None
    assert (record.imsis, record.imei, record.complaints) == ((), None, ())


@pytest.mark.parametrize(("word", "state"), STATES.items())
def test_the_usual_words(word: str, state: SubscriptionState) -> None:
    assert read(status=word).subscription.state is state


def test_spelling_does_not_matter_and_the_raw_word_is_kept() -> None:
    status = read(status="Activation Ready").subscription
    assert (status.state, status.provider_state) == (SubscriptionState.READY, "Activation Ready")


def test_an_unknown_word_is_shown_as_it_is() -> None:
    status = read(status="GLOBAL_TRANSFER").subscription
    assert (status.state, status.provider_state) == (SubscriptionState.UNKNOWN, "GLOBAL_TRANSFER")


@given(st.sampled_from(sorted(set(device()) - {"iccid"})), ANY)
def test_any_field_may_be_anything_and_the_sim_still_comes_out(name: str, value: object) -> None:
    assert read(**{name: value}).provider_id == ICCID


@given(ANY)
def test_any_json_at_all(value: object) -> None:
    READER.sim(value, AGE)
    READER.session(value, AGE)
    READER.events(value, AGE)
    READER.usage(LINE, value, AGE)
    message_id(value)


# --- the words of an operator


def test_an_operators_own_words_are_read_and_asked_by() -> None:
    words = read_words({"states": {"Live": "active", "Parked": "standby", "Paused": "suspended"}})
    assert words.state_of("LIVE") is SubscriptionState.ACTIVE
    assert words.state_of("ACTIVATED") is SubscriptionState.ACTIVE
    assert words.state_of("parked") is SubscriptionState.STANDBY
    assert words.ask == {SubscriptionState.ACTIVE: "Live", SubscriptionState.SUSPENDED: "Paused"}


def test_a_usual_word_that_means_something_else_here_is_not_asked_by() -> None:
    reader = Translator(record=MANIFEST.capabilities, words=read_words({"states": {"DEACTIVATED": "deactivated"}}))
    record = read(reader, status="DEACTIVATED")
    assert record.subscription.state is SubscriptionState.DEACTIVATED
    assert record.capabilities is not None
    assert not capability(record.capabilities, Verb.SUSPEND).supported
    assert capability(record.capabilities, Verb.ACTIVATE).supported


def test_without_a_word_for_it_no_line_can_be_ended() -> None:
    reader = Translator(record=MANIFEST.capabilities, words=read_words({}))
    record = read(reader)
    assert record.capabilities is not None
    ending = capability(record.capabilities, Verb.TERMINATE)
    assert not ending.supported
    assert "terminate_as" in ending.because
    assert capability(MANIFEST.capabilities, Verb.TERMINATE).supported


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"terminate_as": "DEACTIVATED"}, "terminate_as"),
        ({"terminate_as": 7}, "terminate_as"),
        ({"states": "ACTIVATED"}, "states"),
        ({"states": {"LIVE": "alive"}}, "states.LIVE"),
        ({"states": {" ": "active"}}, "states. "),
        ({"states": {"LIVE": ["active"]}}, "states.LIVE"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read_words(settings)
    assert refused.value.name == named
    assert "expected" in str(refused.value)


# --- sessions and usage


def test_a_session() -> None:
    began = "2016-07-06 01:31:00.000+0000"
    online = READER.session({"dateSessionStarted": began, "dateSessionEnded": None, "ipAddress": "10.0.0.1"}, AGE)
    assert (online.online, online.ip, online.since) == (True, "10.0.0.1", datetime(2016, 7, 6, 1, 31, tzinfo=UTC))
    only6 = READER.session({"dateSessionStarted": began, "ipAddress": "null", "ipv6Address": "2001:db8::/64"}, AGE)
    assert only6.ip == "2001:db8::/64"
    never = READER.session({"dateSessionStarted": None, "dateSessionEnded": None, "ipAddress": None}, AGE)
    assert (never.online, never.since) == (False, None)


def usage(**changes: object) -> dict[str, object]:
    zones = [
        {"zone": "home", "dataUsage": 61489152, "dataUsageUnit": "bytes"},
        {"zone": "abroad", "dataUsage": 8, "dataUsageUnit": "bytes"},
    ]
    body: dict[str, object] = {
        "cycleStartDate": "2018-08-26T16:00:00.000Z", "cycleEndDate": "2018-09-26T15:59:59.000Z",
        "deviceCycleUsageInZones": {"PLAN, 1": zones},
    }  # fmt: skip
    return {**body, **changes}


def test_a_cycle_is_the_sum_of_its_zones_and_final_after_the_lag() -> None:
    cycle, period = READER.usage(LINE, usage(), AGE)
    assert cycle is not None
    assert period is not None
    assert (period.downlink_bytes, period.uplink_bytes, period.split) == (61489160, 0, False)
    assert (period.source, period.final) == ("rated", True)
    _, open_one = READER.usage(LINE, usage(), replace(AGE, observed_at=datetime(2018, 9, 27, tzinfo=UTC)))
    assert open_one is not None
    assert not open_one.final


def test_what_is_not_in_bytes_is_not_summed() -> None:
    zones = {"PLAN, 1": [{"dataUsage": 5, "dataUsageUnit": "MB"}, {"dataUsage": 5, "dataUsageUnit": "bytes"}]}
    cycle, period = READER.usage(LINE, usage(deviceCycleUsageInZones=zones), AGE)
    assert cycle is not None
    assert period is None


@pytest.mark.parametrize(
    ("start", "first", "previous"),
    [
        ("2018-08-26T16:00:00+00:00", date(2018, 8, 27), date(2018, 7, 27)),  # midnight at UTC+8
        ("2018-01-01T05:00:00+00:00", date(2018, 1, 1), date(2017, 12, 1)),  # midnight at UTC-5
        ("2018-01-01T00:00:00+00:00", date(2018, 1, 1), date(2017, 12, 1)),
    ],
)
def test_the_cycle_before_begins_on_the_accounts_own_day(start: str, first: date, previous: date) -> None:
    begin = datetime.fromisoformat(start)
    cycle = Cycle(start=begin, end=begin + timedelta(days=30))
    assert (cycle.first_day, before(cycle)) == (first, previous)


def test_reasons_by_code_and_by_what_a_400_can_only_mean() -> None:
    assert why_not(400, "10000030") is ReasonCode.FORBIDDEN
    assert why_not(400, "10000028") is ReasonCode.INVALID_REQUEST
    assert why_not(400, "") is ReasonCode.CONFLICT_STATE
    assert why_not(403, "") is None

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.onence.connector import MANIFEST_V1
from fairlead.connectors.onence.translate import Translator, bytes_of, ceiling, has_expired, option
from fairlead.engine.ports.carrier import Cell, DataLimit, ImeiLock, ProviderId, SimRecord
from fairlead.model.identifiers import Plmn
from fairlead.model.subscription import Connectivity, Freshness, HoldReason, SubscriptionState

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGE = Freshness(observed_at=NOW, staleness=timedelta(seconds=60), source="northwind/tr")
READER = Translator(record=MANIFEST_V1.capabilities, mnc_lengths={"262": frozenset({2})})
KEY, CARD = "8988303000123456789", "89883030001234567894"
IMSI, IMEI, IMEISV = "901405100000018", "352651072196839", "3526510721968301"


def reply(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "iccid": KEY,
        "iccid_with_luhn": CARD,
        "imsi": IMSI,
        "imsi_2": "460001234567890",
        "msisdn": "882285100000018",
        "imei": IMEISV,
        "imei_lock": True,
        "status": "Enabled",
        "quota_status": {"id": 0, "description": "More than 20% available"},
    }
    return {**body, **changes}


def read(**changes: object) -> SimRecord:
    record = READER.sim(reply(**changes), AGE)
    assert record is not None
    return record


def test_a_sim() -> None:
    record = read()
    assert (record.provider_id, record.iccid, record.imsis) == (KEY, CARD, (IMSI, "460001234567890"))
    assert (record.msisdn, record.complaints) == ("882285100000018", ())
    assert record.imei == IMEI  # the software version is gone, the check digit is there
    assert record.imei_lock == ImeiLock(on=True, imeis=frozenset({IMEI}))
    assert (record.subscription.state, record.subscription.provider_state) == (SubscriptionState.ACTIVE, "Enabled")
    assert record.session.freshness.staleness == timedelta(days=2)


@pytest.mark.parametrize("whole", [CARD, "", None])
def test_the_card_is_the_same_with_and_without_its_check_digit(whole: str | None) -> None:
    assert read(iccid_with_luhn=whole).iccid == CARD


def test_a_check_digit_that_is_wrong_is_named() -> None:
    record = read(iccid_with_luhn=CARD[:-1] + "3")
    assert (record.iccid, record.provider_id) == (None, KEY)
    assert len(record.complaints) == 1


@pytest.mark.parametrize("imei", [18, 3526510721968301])
def test_an_imei_that_came_as_a_number_is_not_believed(imei: int) -> None:
    """The contract of v1 writes one as `imei: 18`; whatever zeros it had are lost."""
    record = read(imei=imei, imei_lock=True)
    assert record.imei is None
    assert record.imei_lock == ImeiLock(on=True)
    assert len(record.complaints) == 1


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Enabled", SubscriptionState.ACTIVE),
        ("Disabled", SubscriptionState.SUSPENDED),
        ("enabled", SubscriptionState.UNKNOWN),
        ("Dreaming", SubscriptionState.UNKNOWN),
    ],
)
def test_states(word: str, state: SubscriptionState) -> None:
    assert (read(status=word).subscription.state, read(status=word).subscription.provider_state) == (state, word)


def test_holds_come_from_quota_and_term() -> None:
    assert read(quota_status={"id": 2}).subscription.hold_reasons == {HoldReason.DATA_LIMIT}
    assert read(quota_status={"id": 1}).subscription.hold_reasons == frozenset()
    over = READER.sim(reply(), AGE, expired=True)
    assert over is not None
    assert (over.subscription.hold_reasons, over.subscription.state) == ({HoldReason.EXPIRED}, SubscriptionState.ACTIVE)


@pytest.mark.parametrize(
    ("quota", "over"),
    [
        ({"expiry_date": "2026-03-01T12:00:00.000Z"}, True),
        ({"expiry_date": "2026-03-01T12:00:00.001Z"}, False),
        ({"status": {"id": 2, "description": "EXPIRED"}, "expiry_date": "2029-01-01T00:00:00.000Z"}, True),
        ({"status": {"id": 0, "description": "EXHAUSTED"}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_when_a_term_is_over(quota: object, over: bool) -> None:
    assert has_expired(quota, NOW) is over


@pytest.mark.parametrize("locked", [False, None])
def test_no_lock_and_no_word_of_one_are_different(locked: bool | None) -> None:
    assert read(imei_lock=locked).imei_lock == (ImeiLock(on=False) if locked is False else None)


CONTEXT = {"pdp_context_id": "7", "mcc": "262", "mnc": "1", "lac": "40217", "ci": "12", "imeisv": IMEISV}


def test_a_status_of_v1() -> None:
    session = READER.session({"status": "ONLINE", "pdp_context": {**CONTEXT, "created": "2026-03-01T12:00:00Z"}}, AGE)
    assert (session.connectivity, session.session_id, session.since) == (Connectivity.ONLINE, "7", NOW)
    assert (session.plmn, session.plmn_raw) == (Plmn(mcc="262", mnc="01"), "262-1")
    assert session.cell == Cell(lac=40217, ci=12)


def test_a_status_of_v2() -> None:
    context = {**CONTEXT, "mnc": "01", "gtp_v2_uli": {"tac": "38402", "eci": "99"}}
    session = READER.session({"status": {"description": "ONLINE"}, "pdp_contexts": [context]}, AGE)
    assert (session.connectivity, session.session_id) == (Connectivity.ONLINE, "7")
    assert session.cell == Cell(lac=40217, ci=12, tac=38402, eci=99)
    words = {word: READER.session({"status": {"description": word}}, AGE).connectivity for word in ("ATTACHED", "?")}
    assert words == {"ATTACHED": Connectivity.ATTACHED, "?": Connectivity.UNKNOWN}
    assert READER.session({"status": {"description": "BLOCKED"}}, AGE).connectivity is Connectivity.BLOCKED


def test_an_event_is_a_sentence_or_an_object() -> None:
    stamp = "2018-05-07T14:08:05.000+0000"
    first = READER.event({"timestamp": stamp, "event_type": "Create PDP Context", "imsi": IMSI, "mcc": "262"}, AGE)
    second = READER.event(
        {"timestamp": stamp, "event_type": {"description": "Delete PDP Context"}, "imsi": {"imsi": IMSI}}, AGE
    )
    other = READER.event({"timestamp": stamp, "event_type": "Status of SIM changed"}, AGE)
    assert first is not None
    assert second is not None
    assert other is not None
    assert [one.kind for one in (first, second, other)] == ["created", "deleted", "unknown"]
    assert first.at == datetime(2018, 5, 7, 14, 8, 5, tzinfo=UTC)
    assert (first.session.imsi, second.session.imsi) == (IMSI, IMSI)
    assert READER.event({"event_type": "Create PDP Context"}, AGE) is None


def test_usage_by_day() -> None:
    def day(date: str, down: str, up: str) -> dict[str, object]:
        return {"date": date, "data": {"volume": "9", "volume_rx": down, "volume_tx": up}}

    broken = [day("soon", "1", "1"), day("2026-02-20", "x", "1"), {"date": "2026-02-21"}, 7]
    stats = [day("2026-02-28T00:00:00.000Z", "1.5", "0.000954"), day("2026-02-27", "0", "2"), *broken]
    days = READER.usage(ProviderId(KEY), {"stats": stats}, AGE)
    assert [(one.start.day, one.downlink_bytes, one.uplink_bytes) for one in days] == [
        (27, 0, 2 * 1024 * 1024),
        (28, 1_572_864, 1000),
    ]
    assert [one.final for one in days] == [False, False]


@given(st.integers(min_value=0, max_value=10**12))
def test_bytes_survive_six_decimals_of_a_megabyte(count: int) -> None:
    found = bytes_of(f"{count / (1024 * 1024):.6f}")
    assert found is not None
    assert abs(found - count) <= 1


def test_ceilings_of_the_account() -> None:
    choices = [{"id": 1, "limit": "16", "unit": "MB"}, {"id": 2, "limit": "1", "unit": "GB"}, {"id": 3}, 7]
    assert option(choices, 16 * 1024 * 1024) == 1
    assert option(choices, 1024**3) == 2
    assert option(choices, 16_000_000) is None
    assert option({"data": choices[0]}, 16 * 1024 * 1024) is None
    assert ceiling({"data": choices[0]}) == DataLimit(limit_bytes=16 * 1024 * 1024, period="month")
    assert ceiling({}) is None


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(reply())), ANY)
def test_any_field_may_be_anything_and_the_sim_still_comes_out(name: str, value: object) -> None:
    record = READER.sim(reply(**{name: value}), AGE)
    assert (record is None) == (name == "iccid" and not (isinstance(value, str) and value))


@given(
    st.sampled_from(["status", "pdp_context", "pdp_contexts", "stats", "timestamp", "event_type", "expiry_date"]), ANY
)
def test_any_json_is_read_without_an_exception(name: str, value: object) -> None:
    for body in (value, {name: value}, {"timestamp": "2026-03-01", name: value}, {"stats": [{name: value}]}):
        READER.sim(body, AGE)
        READER.session(body, AGE)
        READER.event(body, AGE)
        READER.usage(ProviderId(KEY), body, AGE)
        has_expired(body, NOW)
        ceiling(body)
        option(body, 1)

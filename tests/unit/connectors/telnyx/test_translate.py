from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.telnyx.connector import MANIFEST
from fairlead.connectors.telnyx.translate import Translator, amount_of, blocked_by, groups, progress
from fairlead.engine.ports.carrier import DataLimit, FormFactor, ImeiLock, ProviderId, SimRecord
from fairlead.model.identifiers import Plmn
from fairlead.model.subscription import Connectivity, Freshness, HoldReason, SubscriptionState

NOW = datetime(2026, 12, 5, 12, tzinfo=UTC)
AGE = Freshness(observed_at=NOW, staleness=timedelta(minutes=15), source="northwind/tr")
READER = Translator(record=MANIFEST.capabilities, mnc_lengths={"286": frozenset({2})})
LINE = "6a09cdc3-8948-47f0-aa62-74ac943d6c58"
ICCID, IMSI, IMEI, EID = "8990010000000000010", "286010000000001", "352099000000014", "89049032000000000000000000000115"


def reply(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "id": LINE,
        "status": {"value": "enabled", "reason": "ready"},
        "iccid": ICCID,
        "imsi": IMSI,
        "msisdn": "+90000000001",
        "sim_card_group_id": "g-1",
        "authorized_imeis": [IMEI],
        "data_limit": {"amount": "2048.1", "unit": "MB"},
        "current_billing_period_consumed_data": {"amount": "2049.0", "unit": "MB"},
        "current_imei": IMEI,
        "current_mcc": "286",
        "current_mnc": "01",
        "ipv4": "10.0.0.1",
        "live_data_session": "connected",
    }
    return {**body, **changes}


def read(**changes: object) -> SimRecord:
    record = READER.sim(reply(**changes), AGE)
    assert record is not None
    return record


def test_a_sim() -> None:
    record = read()
    assert (record.provider_id, record.iccid, record.imsis, record.msisdn) == (LINE, ICCID, (IMSI,), "90000000001")
    assert (record.imei, record.group, record.complaints) == (IMEI, "g-1", ())
    assert record.limit == DataLimit(limit_bytes=2_048_100_000, period="month")
    assert record.imei_lock == ImeiLock(on=True, imeis=frozenset({IMEI}))
    session = record.session
    assert (session.online, session.plmn, session.ip) == (True, Plmn(mcc="286", mnc="01"), "10.0.0.1")
    assert session.freshness.staleness == MANIFEST.capabilities.session_staleness


@pytest.mark.parametrize(
    ("word", "state", "hold"),
    [
        ("registered", SubscriptionState.INVENTORY, None),
        ("enabled", SubscriptionState.ACTIVE, None),
        ("disabled", SubscriptionState.SUSPENDED, None),
        ("standby", SubscriptionState.STANDBY, None),
        ("data_limit_exceeded", SubscriptionState.ACTIVE, HoldReason.DATA_LIMIT),
        ("unauthorized_imei", SubscriptionState.SUSPENDED, HoldReason.IMEI_MISMATCH),
        ("blocked", SubscriptionState.UNKNOWN, HoldReason.BILLING),
        ("abolished", SubscriptionState.UNKNOWN, HoldReason.BILLING),
        ("registering", SubscriptionState.UNKNOWN, None),
        ("enabling", SubscriptionState.UNKNOWN, None),
        ("disabling", SubscriptionState.UNKNOWN, None),
        ("setting_standby", SubscriptionState.UNKNOWN, None),
        ("dreaming", SubscriptionState.UNKNOWN, None),
    ],
)
def test_one_word_is_a_state_and_a_hold(word: str, state: SubscriptionState, hold: HoldReason | None) -> None:
    record = read(status={"value": word})
    assert (record.subscription.state, record.subscription.provider_state) == (state, word)
    assert record.subscription.hold_reasons == (frozenset({hold}) if hold else frozenset())
    assert (record.session.connectivity is Connectivity.BLOCKED) == (hold is not None)


def test_a_list_tells_less_and_nothing_is_guessed() -> None:
    line = {name: reply()[name] for name in ("id", "status", "iccid", "imsi", "sim_card_group_id")}
    record = READER.sim(line, AGE)
    assert record is not None
    assert (record.session.connectivity, record.session.plmn, record.imei) == (Connectivity.UNKNOWN, None, None)
    assert (record.imei_lock, record.limit) == (None, None)


@pytest.mark.parametrize("listed", [None, []])
def test_no_listed_imei_is_no_lock(listed: object) -> None:
    assert read(authorized_imeis=listed).imei_lock == ImeiLock(on=False)


def test_a_listed_imei_that_is_none_still_locks() -> None:
    record = read(authorized_imeis=["106516771852752", IMEI])
    assert record.imei_lock == ImeiLock(on=True, imeis=frozenset({IMEI}))
    assert len(record.complaints) == 1


def test_an_esim_is_known_by_its_eid() -> None:
    assert (read(eid=None).eid, read(eid=None).form_factor) == (None, None)
    assert read(eid=EID).form_factor is FormFactor.EUICC


@pytest.mark.parametrize("amount", [{"amount": "x", "unit": "MB"}, {"amount": "1", "unit": "PB"}, {"amount": "NaN"}, 7])
def test_a_ceiling_that_cannot_be_read_is_absent_and_named(amount: object) -> None:
    record = read(data_limit=amount)
    assert record.limit is None
    assert record.complaints


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (100_000, {"amount": "0.1", "unit": "MB"}),
        (5_000_000_000, {"amount": "5000.0", "unit": "MB"}),
        (2_048_100_000, {"amount": "2048.1", "unit": "MB"}),
        (2_048_100_001, None),
        (0, None),
        (-100_000, None),
    ],
)
def test_a_ceiling_in_their_words(limit: int, words: object) -> None:
    assert amount_of(limit) == words


@given(st.integers(min_value=1, max_value=10**9).map(lambda tenths: tenths * 100_000))
def test_a_ceiling_comes_back_as_it_went(limit: int) -> None:
    assert read(data_limit=amount_of(limit)).limit == DataLimit(limit_bytes=limit, period="month")


def test_usage_is_one_sum_of_a_month_that_is_open() -> None:
    period = READER.usage(ProviderId(LINE), reply(), AGE)
    assert period is not None
    assert (period.start, period.end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert (period.downlink_bytes, period.split, period.final) == (2_049_000_000, False, False)
    assert READER.usage(ProviderId(LINE), {"id": LINE}, AGE) is None


def test_a_log_is_a_session_and_its_end() -> None:
    log = {"id": 7, "log_type": "data", "start_time": "2026-12-01T10:00:00.000Z", "mobile_country_code": "286"}
    (begun,) = READER.events(log, AGE)
    assert (begun.at, begun.kind, begun.session.session_id) == (datetime(2026, 12, 1, 10, tzinfo=UTC), "created", "7")
    both = READER.events({**log, "stop_time": "2026-12-01T12:00:00+01:00"}, AGE)
    assert [(one.kind, one.session.online) for one in both] == [("created", True), ("deleted", False)]
    assert both[1].at == datetime(2026, 12, 1, 11, tzinfo=UTC)
    assert READER.events({**log, "log_type": "registration"}, AGE) == []
    assert READER.events({**log, "start_time": "yesterday"}, AGE) == []


def test_blocklists() -> None:
    assert blocked_by({"type": "plmn", "values": ["28602", "310410"]}) == {
        Plmn(mcc="286", mnc="02"),
        Plmn(mcc="310", mnc="410"),
    }
    for other in ({"type": "country", "values": ["TR"]}, {"type": "plmn", "values": ["x"]}, None, 7):
        assert blocked_by(other) is None


def test_an_actions_status_is_an_object_or_a_word() -> None:
    of_sim = progress({"id": "a", "status": {"value": "failed", "reason": "no"}})
    of_group = progress({"id": "a", "status": "completed"})
    assert of_sim is not None
    assert of_group is not None
    assert (of_sim.broken, of_sim.why, of_group.broken) == (True, "no", False)
    for strange in (None, {}, {"id": "a"}, {"status": "completed"}, {"id": "a", "status": 7}):
        assert progress(strange) is None


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(reply())), ANY)
def test_any_field_may_be_anything_and_the_sim_still_comes_out(name: str, value: object) -> None:
    record = READER.sim(reply(**{name: value}), AGE)
    assert (record is None) == (name == "id" and not (isinstance(value, str) and value))
    READER.usage(ProviderId(LINE), reply(**{name: value}), AGE)


@given(ANY)
def test_any_json_is_read_without_an_exception(value: object) -> None:
    READER.sim(value, AGE)
    READER.usage(ProviderId(LINE), value, AGE)
    READER.events(value, AGE)
    groups(value)
    blocked_by(value)
    progress(value)

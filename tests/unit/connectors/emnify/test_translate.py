"""Records by example, then by property: any JSON gives a record or none, and never an exception."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.emnify.connector import MANIFEST
from fairlead.connectors.emnify.translate import Blocked, Line, Translator
from fairlead.connectors.emnify.wording import FOREVER, MB, coding_of, operators_for, quota_of
from fairlead.engine.ports.carrier import DataLimit, FormFactor, ImeiLock, NetworkPolicy, ProviderId
from fairlead.model.identifiers import Imei, Plmn
from fairlead.model.subscription import Connectivity, Freshness, HoldReason, SubscriptionState
from fairlead_sim.world.numbers import make_eid, make_imei, with_luhn

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FRESH = Freshness(observed_at=NOW, staleness=timedelta(minutes=1), source="emnify/x")
TRANSLATOR = Translator(record=MANIFEST.capabilities, mnc_lengths={"262": frozenset({2}), "310": frozenset({2, 3})})
IMEI = Imei(make_imei("35209900", 1))
DE1, DE2, US = Plmn(mcc="262", mnc="01"), Plmn(mcc="262", mnc="02"), Plmn(mcc="310", mnc="410")

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "id",
    "iccid",
    "iccid_with_luhn",
    "eid",
    "status",
    "imsi",
    "msisdn",
    "endpoint",
    "model",
    "imei",
    "imei_lock",
    "service_profile",
    "tariff_profile",
    "location",
    "pdp_context",
    "subscriber_info",
    "volume",
    "last_volume_added",
    "expiry_date",
    "auto_refill",
    "apply_data_quota",
    "mnc",
    "country",
    "timestamp",
    "event_type",
    "detail",
    "date",
    "data",
    "description",
    "mcc",
    "success",
    "cell_global_id",
    "lac",
    "cid",
]
SHAPED = st.recursive(
    ANY,
    lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=8) | st.lists(inner, max_size=3),
    max_leaves=20,
)


def sim(**fields: object) -> Line:
    line = TRANSLATOR.sim({"id": 788, **fields}, FRESH)
    assert line is not None
    return line


@pytest.mark.parametrize(
    ("number", "state"),
    [
        (0, SubscriptionState.INVENTORY),
        (1, SubscriptionState.ACTIVE),
        (2, SubscriptionState.SUSPENDED),
        (3, SubscriptionState.TERMINATED),
        (4, SubscriptionState.TEST),
        (9, SubscriptionState.UNKNOWN),
    ],
)
def test_each_status_by_its_number_with_the_word_beside_it(number: int, state: SubscriptionState) -> None:
    told = sim(status={"id": number, "description": "Whatever"}).record.subscription
    assert (told.state, told.provider_state) == (state, "Whatever")
    assert sim(status={"id": number}).record.subscription.provider_state == str(number)


def test_the_plain_number_of_a_card_lacks_its_check_digit_whatever_its_length() -> None:
    for bare in ("899000000000000001", "8990000000000000017"):
        assert sim(iccid=bare).record.iccid == with_luhn(bare)
    # Nineteen digits that happen to end in a valid check digit are no whole number here.
    by_chance = with_luhn("899000000000000001")
    assert sim(iccid=by_chance).record.iccid == with_luhn(by_chance)
    whole = with_luhn("8990000000000000017")
    assert len(whole) == 20
    assert sim(iccid=whole[:-1], iccid_with_luhn=whole).record.iccid == whole


def test_a_number_with_a_wrong_check_digit_is_a_complaint_and_no_number() -> None:
    whole = with_luhn("8990000000000000017")
    record = sim(iccid_with_luhn=f"{whole[:-1]}{(int(whole[-1]) + 1) % 10}").record
    assert record.iccid is None
    assert [one.partition(":")[0] for one in record.complaints] == ["iccid_with_luhn"]


def test_a_card_is_known_by_its_form_and_an_eid_makes_it_an_euicc() -> None:
    assert sim(model={"formfactor": {"name": "MFF2"}}).record.form_factor is FormFactor.SOLDERED
    euicc = sim(eid=make_eid(7), model={"formfactor": {"name": "MFF2"}}).record
    assert (euicc.eid, euicc.form_factor, euicc.complaints) == (make_eid(7), FormFactor.EUICC, ())
    assert sim(model={"formfactor": {"name": "half"}}).record.form_factor is None


def test_a_sim_alone_knows_nothing_of_its_endpoint() -> None:
    line = sim(endpoint={"id": 5})
    assert line.endpoint == 5
    record = line.record
    assert (record.imei_lock, record.limit, record.network_policy) == (None, None, None)
    assert record.session.connectivity is Connectivity.UNKNOWN


def test_a_disabled_endpoint_holds_a_sim_that_stays_active_and_is_charged() -> None:
    line = TRANSLATOR.with_endpoint(sim(status={"id": 1}), {"status": {"id": 1}, "imei_lock": False})
    assert line.record.subscription.state is SubscriptionState.ACTIVE
    assert line.record.subscription.hold_reasons == {HoldReason.POLICY}
    free = TRANSLATOR.with_endpoint(sim(status={"id": 1}), {"status": {"id": 0}})
    assert free.record.subscription.hold_reasons == frozenset()
    assert free.record.imei_lock is None


@pytest.mark.parametrize("imei", [IMEI, IMEI[:14], f"{IMEI[:14]}01"])
def test_a_device_is_the_same_whichever_way_its_number_is_told(imei: str) -> None:
    line = TRANSLATOR.with_endpoint(sim(), {"imei": imei, "imei_lock": True, "tariff_profile": {"id": 31}})
    assert line.record.imei == IMEI
    assert line.record.imei_lock == ImeiLock(on=True, imeis=frozenset({IMEI}))
    assert line.record.plan == "31"


def test_without_a_quota_a_metered_endpoint_is_at_zero_and_an_open_one_without_a_ceiling() -> None:
    metered = TRANSLATOR.with_quota(sim(), {"apply_data_quota": True}, None).record
    assert metered.limit == DataLimit(limit_bytes=0, period="total")
    assert metered.subscription.hold_reasons == {HoldReason.DATA_LIMIT}
    assert TRANSLATOR.with_quota(sim(), {"apply_data_quota": False}, None).record.limit == DataLimit(limit_bytes=None)
    assert TRANSLATOR.with_quota(sim(), {}, {"volume": 5}).record.limit is None


@pytest.mark.parametrize(("status", "held"), [("1", False), ("2", True), ("3", True), (2, True)])
def test_a_ceiling_is_what_was_granted_and_not_what_is_left(status: object, held: bool) -> None:
    quota = {"status": {"id": status}, "volume": 2.5, "last_volume_added": 10, "auto_refill": 1}
    record = TRANSLATOR.with_quota(sim(), {"apply_data_quota": True}, quota).record
    assert record.limit == DataLimit(limit_bytes=10 * MB, period="day")
    assert (HoldReason.DATA_LIMIT in record.subscription.hold_reasons) is held


def test_a_new_quota_keeps_the_end_and_the_refilling_of_the_old_one() -> None:
    old = {"expiry_date": "2027-01-01T00:00:00Z", "auto_refill": 1}
    kept = quota_of(7 * MB, old, NOW)
    assert kept is not None
    assert (kept["volume"], kept["expiry_date"], kept["auto_refill"]) == (7, "2027-01-01T00:00:00Z", 1)
    ended = quota_of(7 * MB, {"expiry_date": "2026-01-01T00:00:00Z"}, NOW)
    assert ended is not None
    assert ended["expiry_date"] == FOREVER
    assert "auto_refill" not in ended
    assert [quota_of(size, None, NOW) for size in (0, -MB, MB + 1)] == [None, None, None]


def test_an_operator_is_blocked_whole_or_not_at_all() -> None:
    known = {1: frozenset({DE1}), 2: frozenset({DE2, US}), 3: frozenset[Plmn]()}
    assert operators_for({DE1}, known) == (frozenset({1}), "")
    assert operators_for({DE2, US}, known) == (frozenset({2}), "")
    assert operators_for((), known) == (frozenset(), "")
    chosen, against = operators_for({DE2}, known)
    assert (chosen, "310-410" in against) == (frozenset(), True)
    chosen, against = operators_for({Plmn(mcc="204", mnc="08")}, known)
    assert (chosen, "204-08" in against) == (frozenset(), True)


def test_networks_of_a_list_whatever_way_their_codes_are_written() -> None:
    listed = [
        {"id": 1, "country": {"mcc": 262}, "mnc": [{"mnc": "01"}, {"mnc": 2}]},
        {"id": 2, "country": {"mcc": "310"}, "mnc": ["410"]},
        {"id": 3, "country": {"mcc": 310}, "mnc": [{"mnc": 41}]},  # two or three digits: nobody can tell
        {"country": {"mcc": 262}, "mnc": ["03"]},
        7,
    ]
    assert TRANSLATOR.operators(listed) == {1: {DE1, DE2}, 2: {US}, 3: frozenset()}
    assert Blocked(operators={1: frozenset({DE1})}).policy == NetworkPolicy(kind="block", plmns=frozenset({DE1}))
    assert Blocked(operators={}).policy == NetworkPolicy(kind="block", plmns=frozenset())
    assert Blocked(operators={3: frozenset()}).policy is None  # something is blocked, and we cannot say what


def test_an_error_inside_a_success_tells_nothing_and_spoils_nothing() -> None:
    session = TRANSLATOR.session(
        {"status": {"description": "ONLINE"}, "pdp_context": {"mcc": "262", "mnc": "1"}}, FRESH
    )
    assert session.plmn == DE1
    for told in (
        {"subscriber_info": {"success": False, "error": "absentSubscriber"}},
        {"subscriber_info": {"success": True, "error": "x", "location": {"cell_global_id": {"lac": 1, "cid": 2}}}},
        {"request_timestamp": "2026-03-01T12:00:00Z"},
        None,
    ):
        assert TRANSLATOR.located(session, told) == session
    place = {"location": {"cell_global_id": {"mcc": "262", "mnc": "01", "lac": 7.0, "cid": 99}}, "success": True}
    cell = TRANSLATOR.located(session, {"subscriber_info": place}).cell
    assert cell is not None
    assert (cell.lac, cell.ci) == (7, 99)


def test_an_unknown_word_of_connectivity_is_unknown_and_blocked_is_a_hold() -> None:
    assert TRANSLATOR.session({"status": {"description": "ASLEEP"}}, FRESH).connectivity is Connectivity.UNKNOWN
    assert TRANSLATOR.session({"status": "OFFLINE"}, FRESH).connectivity is Connectivity.OFFLINE
    held = TRANSLATOR.with_session(sim(status={"id": 1}), {"status": {"description": "BLOCKED"}}).record
    assert held.subscription.hold_reasons == {HoldReason.DATA_LIMIT}
    assert held.session.freshness.staleness == timedelta(days=2)


def test_days_are_bytes_and_broken_lines_are_left_out() -> None:
    lines = [
        {"date": "2026-02-28", "data": {"volume_tx": 1.5, "volume_rx": 0.000001}},
        {"date": "2026-02-01", "data": {"volume_tx": 0, "volume_rx": 2}},
        {"date": "soon", "data": {"volume_tx": 0, "volume_rx": 2}},
        {"date": "2026-02-02", "data": {"volume_tx": -1, "volume_rx": 2}},
        {"date": "2026-02-03"},
        None,
    ]
    periods = TRANSLATOR.usage(ProviderId("788"), lines, FRESH)
    assert [(one.start.day, one.uplink_bytes, one.downlink_bytes, one.final) for one in periods] == [
        (1, 0, 2 * MB, True),
        (28, 3 * MB // 2, 1, False),
    ]


def test_only_data_sessions_of_a_history_are_events() -> None:
    created = {"timestamp": "2026-03-01T11:00:00.000+0000", "event_type": {"id": 3}, "detail": {}}
    event = TRANSLATOR.event(created, FRESH)
    assert event is not None
    assert (event.kind, event.at, event.session.online) == ("created", NOW - timedelta(hours=1), True)
    assert TRANSLATOR.event({**created, "event_type": {"id": 1}}, FRESH) is None
    assert TRANSLATOR.event({**created, "timestamp": None}, FRESH) is None


@pytest.mark.parametrize(
    ("text", "coding"),
    [("wake up", 0), ("x" * 160, 0), ("x" * 161, None), ("Ölçüm", 8), ("ö" * 71, None), ("", None), ("🙂", None)],
)
def test_a_text_is_carried_whole_or_not_at_all(text: str, coding: int | None) -> None:
    assert coding_of(text) == coding


@given(SHAPED)
def test_any_reply_gives_a_record_or_none_and_never_an_exception(value: object) -> None:
    line = TRANSLATOR.sim(value, FRESH) or sim()
    line = TRANSLATOR.with_endpoint(line, value)
    line = TRANSLATOR.with_session(line, value)
    line = TRANSLATOR.with_blocked(line, value)
    line = TRANSLATOR.with_quota(line, value, value)
    TRANSLATOR.located(line.record.session, value)
    TRANSLATOR.event(value, FRESH)
    TRANSLATOR.usage(ProviderId("788"), [value], FRESH)
    quota_of(MB, line.quota, NOW)
    assert replace(line.record) == line.record


@given(st.sampled_from(FIELDS), ANY)
def test_any_field_may_be_anything_and_the_sim_still_comes_out(name: str, value: object) -> None:
    line = sim(**{} if name == "id" else {name: value})
    assert line.record.provider_id == "788"

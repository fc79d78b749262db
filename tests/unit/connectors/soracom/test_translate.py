from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors._kit.http import REASONS
from fairlead.connectors._kit.wish import MalformedReference, Wish, read_reference
from fairlead.connectors.soracom.connector import MANIFEST
from fairlead.connectors.soracom.translate import STATES, Translator, groups, state_of, why_not
from fairlead.engine.ports.carrier import ProviderId, ReasonCode, SimRecord
from fairlead.model.identifiers import Plmn
from fairlead.model.subscription import Connectivity, Freshness, HoldReason, SubscriptionState, Verb, capability

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGE = Freshness(observed_at=NOW, staleness=timedelta(seconds=60), source="northwind/tr")
READER = Translator(record=MANIFEST.capabilities, mnc_lengths={"286": frozenset({2})})
ICCID, IMSI, IMEI = "8990010000000000010", "286010000000001", "352099000000014"


def reply(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "simId": ICCID,
        "status": "active",
        "type": "uicc",
        "activeProfileId": ICCID,
        "groupId": "g-1",
        "terminationEnabled": False,
        "lastModifiedTime": 1_772_366_400_000,
        "profiles": {
            ICCID: {
                "iccid": ICCID,
                "primaryImsi": IMSI,
                "subscribers": {
                    IMSI: {"imsi": IMSI, "msisdn": "90000000001", "subscription": "plan01s"},
                    "901400000000010": {"imsi": "901400000000010", "subscription": "planX1", "status": "shipped"},
                },
            }
        },
        "sessionStatus": {
            "online": True,
            "lastUpdatedAt": 1_772_366_400_000,
            "sessionId": "s-1",
            "imei": IMEI,
            "imsi": IMSI,
            "ueIpAddress": "10.0.0.1",
            "cell": {"radioType": "LTE-M", "mcc": 286, "mnc": 1, "tac": 7, "eci": 99},
        },
    }
    return {**body, **changes}


def read(**changes: object) -> SimRecord:
    record = READER.sim(reply(**changes), AGE)
    assert record is not None
    return record


def test_a_sim() -> None:
    record = read()
    assert (record.iccid, record.imsis, record.msisdn, record.imei) == (
        ICCID,
        (IMSI, "901400000000010"),
        "90000000001",
        IMEI,
    )
    assert (record.plan, record.group, record.termination_allowed) == ("plan01s", "g-1", False)
    assert record.subscription.effective_at == NOW
    assert [(one.plan, one.provider_state, one.delivered) for one in record.containers] == [
        ("planX1", "shipped", False)
    ]
    session = record.session
    assert (session.connectivity, session.plmn, session.plmn_raw) == (
        Connectivity.ONLINE,
        Plmn(mcc="286", mnc="01"),
        "286-1",
    )
    assert (session.rat, session.ip, session.since) == ("LTE-M", "10.0.0.1", NOW)
    assert session.cell is not None
    assert (session.cell.tac, session.cell.eci, session.cell.lac) == (7, 99, None)
    assert session.freshness.staleness == MANIFEST.capabilities.session_staleness
    assert record.complaints == ()


def test_the_states_of_the_contract_are_all_known() -> None:
    contract = ["ready", "active", "inactive", "standby", "suspended", "terminated"]
    assert all(state_of(word) is not SubscriptionState.UNKNOWN for word in contract)
    assert len({state_of(word) for word in contract}) == 6


@given(st.text())
def test_any_word_gives_a_state_and_is_kept(word: str) -> None:
    status = read(status=word).subscription
    assert status.provider_state == word
    assert status.state is STATES.get(word, SubscriptionState.UNKNOWN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(reply())), JSON)
def test_any_field_may_be_anything_and_the_sim_still_comes_out(name: str, value: object) -> None:
    record = READER.sim(reply(**{name: value}), AGE)
    assert record is None or record.provider_id == (value if name == "simId" else ICCID)
    if name != "simId":
        assert record is not None


@given(JSON)
def test_any_json_is_a_sim_or_none(value: object) -> None:
    record = READER.sim(value, AGE)
    assert record is None or record.provider_id


@given(st.dictionaries(st.sampled_from(["profiles", "sessionStatus", "expiryTime", "status", "type"]), JSON))
def test_any_nested_part_may_be_anything(parts: dict[str, object]) -> None:
    assert READER.sim(reply(**parts), AGE) is not None


@given(JSON)
def test_any_json_is_an_event_a_usage_report_and_a_group_list_or_nothing(value: object) -> None:
    READER.event(value, AGE)
    READER.usage(ProviderId(ICCID), value, "day", AGE)
    READER.usage(ProviderId(ICCID), [value], "month", AGE)
    groups(value)
    groups([value])


def test_a_broken_identifier_is_left_out_and_named() -> None:
    record = read(sessionStatus={"online": True, "imei": "352099000000015", "cell": {"mcc": "x"}})
    assert record.imei is None
    assert record.session.plmn is None
    assert [complaint.split(":")[0] for complaint in record.complaints] == [
        "sessionStatus.cell.mcc",
        "sessionStatus.imei",
    ]


def test_a_network_that_cannot_be_told_apart_stays_visible() -> None:
    session = read(sessionStatus={"online": True, "cell": {"mcc": 405, "mnc": 4}}).session
    assert (session.plmn, session.plmn_raw) == (None, "405-4")


def test_no_session_status_is_unknown_not_offline() -> None:
    assert read(sessionStatus=None).session.connectivity is Connectivity.UNKNOWN


def test_an_expiry_that_acts_reverts_and_one_that_acted_holds() -> None:
    ahead = int((NOW + timedelta(days=3)).timestamp() * 1000)
    behind = int((NOW - timedelta(days=3)).timestamp() * 1000)
    coming = read(expiryTime=ahead, expiryAction="suspend").subscription
    assert (coming.auto_revert_at, coming.hold_reasons) == (NOW + timedelta(days=3), frozenset())
    assert read(expiryTime=ahead, expiryAction="doNothing").subscription.auto_revert_at is None
    past = read(expiryTime=behind, expiryAction="suspend", status="suspended").subscription
    assert (past.auto_revert_at, past.hold_reasons) == (None, frozenset({HoldReason.EXPIRED}))


def test_a_plan_that_takes_no_further_subscription_says_so_per_sim() -> None:
    assert read().capabilities is None
    profile = {"iccid": ICCID, "primaryImsi": IMSI, "subscribers": {IMSI: {"imsi": IMSI, "subscription": "plan-D"}}}
    narrow = read(profiles={ICCID: profile}).capabilities
    assert narrow is not None
    assert not capability(narrow, Verb.ADD_SUBSCRIPTION).supported
    assert "plan01s" in capability(narrow, Verb.ADD_SUBSCRIPTION).because
    assert capability(narrow, Verb.SUSPEND).supported


def test_the_active_profile_is_read_of_several() -> None:
    other = {"iccid": "8990010000000001000", "primaryImsi": "286010000000002", "subscribers": {}}
    record = read(profiles={"8990010000000001000": other, **reply()["profiles"]})
    assert record.iccid == ICCID


def test_a_virtual_sim_has_no_iccid_and_is_still_a_sim() -> None:
    record = read(profiles=None, type="virtual")
    assert (record.iccid, record.imsis) == (None, ())


def test_usage_periods() -> None:
    def line(at: datetime, up: int, down: int) -> dict[str, object]:
        counts = {"uploadByteSizeTotal": up, "downloadByteSizeTotal": down}
        return {"unixtime": int(at.timestamp()), "dataTrafficStatsMap": {"s1.fast": counts, "s1.slow": counts}}

    january, december = datetime(2026, 1, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)
    broken = [{"unixtime": "x"}, line(january, -5, 0), {"dataTrafficStatsMap": {}}, 7]
    lines = [line(january, 1, 2), line(december, 3, 4), *broken]
    months = READER.usage(ProviderId(ICCID), lines, "month", AGE)
    assert [(one.start, one.end, one.uplink_bytes, one.downlink_bytes) for one in months] == [
        (december, january, 6, 8),
        (january, datetime(2026, 2, 1, tzinfo=UTC), 2, 4),
    ]
    (five,) = READER.usage(ProviderId(ICCID), [line(NOW, 1, 1)], "minutes", AGE)
    assert (five.end - five.start, five.final) == (timedelta(minutes=5), False)


def test_an_event() -> None:
    event = READER.event({"time": 1_772_366_400_000, "event": "Deleted", "apn": "iot", "imsi": IMSI}, AGE)
    assert event is not None
    assert (event.at, event.kind, event.session.connectivity) == (NOW, "deleted", Connectivity.OFFLINE)
    odd = READER.event({"time": 1_772_366_400_000, "event": "Dreamt"}, AGE)
    assert odd is not None
    assert (odd.kind, odd.session.connectivity) == ("unknown", Connectivity.UNKNOWN)
    assert READER.event({"event": "Created"}, AGE) is None


def test_why_not() -> None:
    open_line, guarded = read(terminationEnabled=True), read(terminationEnabled=False)
    assert why_not(Verb.STANDBY, guarded, 400) is ReasonCode.UNSUPPORTED
    assert why_not(Verb.TERMINATE, guarded, 400) is ReasonCode.PRECONDITION
    assert why_not(Verb.TERMINATE, open_line, 400) is ReasonCode.CONFLICT_STATE
    assert why_not(Verb.SUSPEND, guarded, 400) is ReasonCode.CONFLICT_STATE
    assert all(why_not(Verb.SUSPEND, guarded, status) is None for status in REASONS if status != 400)


@given(
    st.sampled_from(["state", "termination", "group", "delivery", "withdrawal"]),
    st.text(alphabet="0123456789abcdef", min_size=1),
    st.text(),
)
def test_a_wish_travels_in_its_reference(kind: str, sim: str, value: str) -> None:
    wish = Wish(kind=kind, value=value)
    assert read_reference(wish.reference(ProviderId(sim))) == (sim, wish)


@pytest.mark.parametrize("text", ["", "state", "state x", "dream 1 2", " 1 2"])
def test_a_foreign_reference_is_refused(text: str) -> None:
    with pytest.raises(MalformedReference):
        read_reference(text)


def test_wishes_are_met_by_what_the_record_shows() -> None:
    record = read()
    ready = replace(record, containers=(replace(record.containers[0], delivered=True, provider_state="ready"),))
    ended = replace(record, containers=(replace(record.containers[0], provider_state="terminated"),))
    assert Wish(kind="state", value="active").met(record)
    assert not Wish(kind="state", value="suspended").met(record)
    assert Wish(kind="termination", value="forbidden").met(record)
    assert not Wish(kind="termination", value="allowed").met(record)
    assert Wish(kind="group", value="g-1").met(record)
    assert not Wish(kind="group", value="").met(record)
    assert not Wish(kind="delivery", value="planX1").met(record)
    assert Wish(kind="delivery", value="planX1").met(ready)
    assert not Wish(kind="withdrawal", value="901400000000010").met(record)
    assert Wish(kind="withdrawal", value="901400000000010").met(ended)

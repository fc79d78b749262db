"""Their JSON → our records, by example and by property; what a code means whoever says it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.thingspace.connector import MANIFEST
from fairlead.connectors.thingspace.translate import (
    STATES,
    Translator,
    already,
    device_id,
    encoding_of,
    fault_of,
    nobody,
    why_not,
)
from fairlead.engine.ports.carrier import ProviderId, ReasonCode, SimRecord
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, Verb, capability

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGE = Freshness(observed_at=NOW, staleness=timedelta(seconds=60), source="northwind/us")
READER = Translator(record=MANIFEST.capabilities, states=STATES)
ICCID, IMSI, IMEI = "8990010000000000010", "286010000000001", "352099000000014"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def device(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "accountName": "0000123456-00001",
        "carrierInformations": [{"carrierName": "Verizon Wireless", "servicePlan": "m2m4G", "state": "active"}],
        "connected": True,
        "deviceIds": [
            {"id": "5096300587", "kind": "mdn"},
            {"id": IMEI, "kind": "imei"},
            {"id": IMSI, "kind": "Imsi"},
            {"id": ICCID, "kind": "iccId"},
        ],
        "extendedAttributes": [{"key": "DeviceId", "value": "4711"}, {"key": "SkuNumber"}],
        "groupNames": ["southwest"],
        "ipAddress": "10.1.2.3",
        "lastConnectionDate": "2020-03-12T04:23:37-04:00",
    }
    return {**body, **changes}


def read(**changes: object) -> SimRecord:
    record = READER.sim(device(**changes), AGE)
    assert record is not None
    return record


def in_state(word: str) -> SimRecord:
    return read(carrierInformations=[{"servicePlan": "m2m4G", "state": word}])


def test_a_device() -> None:
    record = read()
    assert (record.provider_id, record.iccid, record.imsis, record.imei) == (ICCID, ICCID, (IMSI,), IMEI)
    assert (record.msisdn, record.plan, record.group) == ("15096300587", "m2m4G", "southwest")
    assert (record.session.connectivity, record.session.ip) == (Connectivity.ONLINE, "10.1.2.3")
    assert record.session.since == datetime(2020, 3, 12, 8, 23, 37, tzinfo=UTC)
    assert record.complaints == ()
    assert device_id(device()) == 4711


def test_the_number_abroad_goes_before_the_one_at_home() -> None:
    ids = [
        {"id": ICCID, "kind": "iccid"},
        {"id": "5096300587", "kind": "mdn"},
        {"id": "882350000001", "kind": "msisdn"},
    ]
    assert read(deviceIds=ids).msisdn == "882350000001"


def test_a_device_without_an_iccid_is_no_sim() -> None:
    assert READER.sim(device(deviceIds=[{"id": "A10085E5003861", "kind": "meid"}]), AGE) is None


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("active", SubscriptionState.ACTIVE),
        ("suspend", SubscriptionState.SUSPENDED),
        ("deactive", SubscriptionState.DEACTIVATED),
        ("Pre-Active", SubscriptionState.INVENTORY),
        ("warehouse 7", SubscriptionState.UNKNOWN),  # a staging state that a customer defined
        ("", SubscriptionState.UNKNOWN),
    ],
)
def test_states_and_words_nobody_explained(word: str, state: SubscriptionState) -> None:
    status = in_state(word).subscription
    assert (status.state, status.provider_state) == (state, word)


def test_a_suspended_line_keeps_its_plan_and_says_so() -> None:
    suspended, active = in_state("suspend").capabilities, in_state("active").capabilities
    assert suspended is not None
    assert not capability(suspended, Verb.SET_PLAN).supported
    assert active is None


@given(st.sampled_from(sorted(set(device()) - {"deviceIds"})), JSON)
def test_any_field_may_be_anything_and_the_sim_still_comes_out(name: str, value: object) -> None:
    assert read(**{name: value}).provider_id == ICCID


@given(JSON)
def test_any_json_at_all(value: object) -> None:
    READER.sim(value, AGE)
    READER.sim({"deviceIds": value}, AGE)
    READER.event(value, AGE)
    READER.usage(ProviderId(ICCID), [value], AGE)
    device_id(value)


def test_a_day_that_two_sources_tell_is_the_raw_one() -> None:
    day = "2020-12-01T00:00:00Z"
    lines: list[object] = [
        {"timestamp": "2020-12-02T00:00:00Z", "bytesUsed": 7, "source": "Rated Usage"},
        {"timestamp": day, "bytesUsed": 5, "source": "Rated Usage"},
        {"timestamp": day, "bytesUsed": 4096, "source": "Raw Usage"},
        {"timestamp": day, "bytesUsed": 6, "source": "Rated Usage"},
        {"timestamp": "soon", "bytesUsed": 6},
        {"timestamp": day, "bytesUsed": -1, "source": "Raw Usage"},
    ]
    periods = READER.usage(ProviderId(ICCID), lines, AGE)
    assert [(one.downlink_bytes, one.source, one.split) for one in periods] == [
        (4096, "raw", False),
        (7, "rated", False),
    ]
    assert [one.start.day for one in periods] == [1, 2]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("x" * 160, "7-bit"),
        ("x" * 161, None),
        ("Ö" * 70, "8-bit-UTF-8"),
        ("Ö" * 71, None),
        ("", None),
        ("don't", None),
        ("a<b", None),
        ("back\\slash", None),
    ],
)
def test_encodings_and_letters_that_are_refused_anywhere(text: str, encoding: str | None) -> None:
    assert encoding_of(text) == encoding


def test_a_code_means_the_same_whoever_says_it() -> None:
    assert fault_of("UnifiedWebService.REQUEST_FAILED.AccountNotFound") == "REQUEST_FAILED.AccountNotFound"
    assert fault_of("REQUEST_FAILED.AccountNotFound") == "REQUEST_FAILED.AccountNotFound"
    assert fault_of("DeserializationFailed") == "DeserializationFailed"
    assert already("DeviceService.REQUEST_FAILED.DeviceAlreadyActive")
    assert nobody("DeviceService.INPUT_INVALID.Device.Account.Invalid")
    for code, reason in {
        "DeviceService.INPUT_INVALID.CustomField.InvalidName": ReasonCode.INVALID_REQUEST,
        "UnifiedWebService.REQUEST_ONHOLD.X": ReasonCode.BUSY,
        "UnifiedWebService.REQUEST_CANCELLED.X": ReasonCode.CONFLICT_STATE,
        "UnifiedWebService.REQUEST_FAILED.SomethingNew": ReasonCode.CONFLICT_STATE,
        "UnifiedWebService.REQUEST_FAILED.LimitExceeded": ReasonCode.QUOTA_ACTION,
        "XYZ-7": None,
        "": None,
    }.items():
        assert why_not(code) is reason, code

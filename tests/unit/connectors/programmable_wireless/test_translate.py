"""Programmable Wireless' records: by example, then by property."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.kore.carrier import DE, ICCID, NOW
from tests.unit.connectors.supersim.test_supersim import AGE, JSON

from fairlead.connectors.programmable_wireless import translate
from fairlead.connectors.programmable_wireless.connector import MANIFEST
from fairlead.model.identifiers import Plmn
from fairlead.model.subscription import Connectivity, SubscriptionState, Verb, capability

OF = MANIFEST.capabilities
LINE = {"sid": DE, "iccid": ICCID, "status": "active", "rate_plan_sid": "WP1", "date_updated": "2026-03-01T11:00:00Z"}
SESSION = {
    "sid": "WN1",
    "radio_link": "LTE",
    "operator_mcc": "310",
    "operator_mnc": "260",
    "cell_id": "4711",
    "start": "2026-03-01T10:00:00Z",
    "end": None,
    "imei": "352099000000014",
}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("new", "inventory"), ("ready", "ready"), ("active", "active"), ("suspended", "suspended"),
        ("deactivated", "deactivated"), ("canceled", "terminated"), ("deleted", "terminated"),
        ("scheduled", "unknown"), ("updating", "unknown"), ("asleep", "unknown"),
    ],
)  # fmt: skip
def test_the_words_of_the_contract(word: str, state: str) -> None:
    record = translate.sim({**LINE, "status": word}, AGE, OF)
    assert record is not None
    assert (record.subscription.state, record.subscription.provider_state) == (SubscriptionState(state), word)
    ending = word == "deactivated"
    assert record.subscription.auto_revert_at == (NOW + timedelta(hours=71) if ending else None)
    assert record.plan == "WP1"


def test_a_deactivated_line_is_on_its_way_out_and_the_record_of_the_carrier_says_so() -> None:
    assert "72 hours" in capability(OF, Verb.DEACTIVATE).because
    assert not capability(OF, Verb.DEACTIVATE).supported
    assert not capability(OF, Verb.TERMINATE).reversible


def test_a_session_and_its_two_events() -> None:
    now = translate.session(SESSION, AGE, OF)
    assert (now.connectivity, now.plmn, now.rat, now.imei) == (
        Connectivity.ONLINE,
        Plmn(mcc="310", mnc="260"),
        "LTE",
        "352099000000014",
    )
    assert now.cell is not None
    assert now.cell.ci == 4711
    ended = {**SESSION, "end": "2026-03-01T11:00:00Z"}
    assert translate.session(ended, AGE, OF).connectivity is Connectivity.OFFLINE
    whole = translate.events([ended], AGE, OF, NOW - timedelta(hours=3), NOW)
    assert [(one.kind, one.at) for one in whole] == [
        ("deleted", NOW - timedelta(hours=1)),
        ("created", NOW - timedelta(hours=2)),
    ]
    late = translate.events([ended], AGE, OF, NOW - timedelta(minutes=90), NOW)
    assert [one.kind for one in late] == ["deleted"]


def test_the_newest_session_is_found_in_any_order() -> None:
    older = {**SESSION, "sid": "WN0", "start": "2026-02-01T10:00:00Z"}
    for order in ([older, SESSION], [SESSION, older], [{"start": "x"}, SESSION, older]):
        assert translate.newest(order) == SESSION
    assert translate.newest([]) is None
    assert translate.session(None, AGE, OF).connectivity is Connectivity.UNKNOWN


def test_usage_is_in_bytes_or_left_out() -> None:
    def line(units: str, day: int) -> dict[str, object]:
        period = {"start": f"2026-02-{day:02}T00:00:00Z", "end": f"2026-02-{day + 1:02}T00:00:00Z"}
        return {"period": period, "data": {"upload": 1, "download": 2, "units": units, "billed": 0}}

    found = translate.usage(DE, [line("bytes", 27), line("MB", 3), line("bytes", 1)], AGE, timedelta(days=2))
    assert [(one.start.day, one.uplink_bytes, one.downlink_bytes, one.final) for one in found] == [
        (1, 1, 2, True),
        (27, 1, 2, False),
    ]


@given(st.sampled_from(sorted(LINE)), JSON)
def test_any_field_may_be_anything_and_the_sim_still_comes_out(name: str, value: object) -> None:
    assert translate.sim({**LINE, name: value}, AGE, OF) is not None or name == "sid"


@given(JSON, st.sampled_from(sorted(SESSION)))
def test_any_json_is_a_record_or_nothing(value: object, name: str) -> None:
    translate.sim(value, AGE, OF)
    translate.resetting(value)
    translate.session(value, AGE, OF)
    translate.session({**SESSION, name: value}, AGE, OF)
    translate.newest([value, {"start": value}])
    translate.events([value, {**SESSION, name: value}], AGE, OF, NOW, NOW)
    translate.usage(DE, [value, {"period": value, "data": value}], AGE, timedelta(days=2))

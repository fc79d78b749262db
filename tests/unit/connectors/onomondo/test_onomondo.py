"""What only this carrier has: a bare key, ceilings everybody has, lists of networks by name, usage by the calendar."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.answering import NOW, answering, opened

from fairlead.connectors._kit.factory import BadSetting
from fairlead.connectors.onomondo.connector import MANIFEST
from fairlead.connectors.onomondo.factory import FACTORY
from fairlead.connectors.onomondo.translate import Translator, limit_body, months, networks_of
from fairlead.engine.ports.carrier import (
    Accepted,
    Done,
    NetworkPolicy,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
    Unavailable,
)
from fairlead.model.identifiers import Plmn
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, Verb, capability

SECRETS = {"api_key": "the-api-key"}
LINE = ProviderId("000002418")
FRESH = Freshness(observed_at=NOW, staleness=timedelta(minutes=1), source="onomondo/x")
TRANSLATOR = Translator(record=MANIFEST.capabilities)
HOME = NetworkPolicy(kind="allow", plmns=frozenset({Plmn(mcc="286", mnc="02"), Plmn(mcc="286", mnc="01")}))
FIELDS = ["id", "iccid", "activated", "imei_lock", "network_whitelist", "data_limit", "online", "network", "imsi",
          "online_at", "mcc", "mnc", "total", "type", "time", "bytes", "networks"]  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=15,
)


class Carrier:
    """One SIM that takes what it is told, and lists of networks."""

    def __init__(self, **more: Any) -> None:
        self.sim: Any = {"id": LINE, "activated": True, "network_whitelist": None, "imei_lock": None, **more}
        self.lists: dict[str, Any] = {}
        self.obeys = True
        self.usage: list[Any] = []
        transport, self.asked = answering(self.answer)
        self.connector = opened(FACTORY, transport, SECRETS)

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        body = msgspec.json.decode(request.content) if request.content else {}
        if request.url.path.startswith("/usage"):
            return httpx.Response(200, json=self.usage.pop(0))
        if request.url.path.startswith("/network-whitelists"):
            if request.method == "POST":
                self.lists[body["name"]] = body["networks"]
                return httpx.Response(200, json=body)
            known = self.lists.get(name)
            return httpx.Response(404) if known is None else httpx.Response(200, json={"networks": known})
        if request.method == "PATCH" and self.obeys:
            self.sim.update(body)
        return httpx.Response(200, json=self.sim)

    def sent(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(one.content) for one in self.asked if one.method != "GET"]


def test_it_is_experimental_and_says_what_cannot_be_told() -> None:
    assert MANIFEST.experimental
    assert MANIFEST.contract == "reconstruction"
    assert capability(MANIFEST.capabilities, Verb.SUSPEND).traffic_after == "unknown"
    assert not capability(MANIFEST.capabilities, Verb.TERMINATE).supported


async def test_the_key_goes_along_bare() -> None:
    carrier = Carrier()
    await carrier.connector.read_sim(LINE)
    assert carrier.asked[-1].headers["authorization"] == "the-api-key"


async def test_a_reply_that_does_not_show_the_wish_is_not_done() -> None:
    carrier = Carrier()
    carrier.obeys = False
    outcome = await carrier.connector.suspend(LINE)
    assert isinstance(outcome, Accepted)
    assert isinstance(await carrier.connector.follow_up(outcome.reference), Accepted)
    carrier.sim["activated"] = False
    assert isinstance(await carrier.connector.follow_up(outcome.reference), Done)


async def test_a_reply_about_another_sim_settles_nothing() -> None:
    carrier = Carrier()

    def another(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": "000000001"}) if request.method == "PATCH" else carrier.answer(request)

    transport, _ = answering(another)
    with pytest.raises(OutcomeUnknown):
        await opened(FACTORY, transport, SECRETS).suspend(LINE)
    for value in ({"id": "000000001"}, {"id": 2418}, [], None):
        carrier.sim = value
        with pytest.raises(Unavailable):
            await carrier.connector.read_sim(LINE)


@pytest.mark.parametrize("ceiling", [0, 499_999, 400_000, 550_000])
async def test_a_ceiling_the_carrier_does_not_take_is_not_sent(ceiling: int) -> None:
    carrier = Carrier()
    outcome = await carrier.connector.set_limit(LINE, ceiling)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.INVALID_REQUEST
    assert carrier.asked == []


async def test_a_ceiling_keeps_its_period_and_an_alert_that_fits() -> None:
    carrier = Carrier(data_limit={"total": 9_000_000, "type": "daily", "alert_threshold": 600_000})
    done = await carrier.connector.set_limit(LINE, 1_000_000)
    assert isinstance(done, Done)
    assert done.observed.limit is not None
    assert done.observed.limit.period == "day"
    assert carrier.sent() == [{"data_limit": {"total": 1_000_000, "type": "daily", "alert_threshold": 600_000}}]
    assert limit_body({"data_limit": {"alert_threshold": 600_000}}, 500_000) == {"total": 500_000, "type": "monthly"}


async def test_a_list_of_networks_is_made_once_and_hung_up_and_taken_away() -> None:
    carrier = Carrier()
    first = await carrier.connector.set_network_policy(LINE, HOME)
    assert isinstance(first, Done)
    assert first.observed.network_policy == HOME
    assert [set(one) for one in carrier.sent()] == [{"name", "tags", "networks"}, {"network_whitelist"}]
    assert (await carrier.connector.read_sim(LINE)).network_policy == HOME
    assert (await carrier.connector.set_network_policy(LINE, HOME)).changed is False
    nowhere_barred = NetworkPolicy(kind="block", plmns=frozenset())
    assert isinstance(await carrier.connector.set_network_policy(LINE, nowhere_barred), Done)
    assert carrier.sim["network_whitelist"] is None
    assert isinstance(await carrier.connector.set_network_policy(LINE, HOME), Done)
    assert len(carrier.lists) == 1


async def test_a_list_that_somebody_edited_is_not_used() -> None:
    carrier = Carrier()
    await carrier.connector.set_network_policy(LINE, HOME)
    (name,) = carrier.lists
    carrier.lists[name] = [{"mcc": "286", "mnc": "03"}]
    carrier.sim["network_whitelist"] = None
    outcome = await carrier.connector.set_network_policy(LINE, HOME)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.PRECONDITION
    assert carrier.sim["network_whitelist"] is None


async def test_a_list_that_holds_a_country_is_named_and_not_told_as_networks() -> None:
    carrier = Carrier(network_whitelist="Nordics")
    carrier.lists["Nordics"] = [{"mcc": "242", "mnc": "01"}, {"mcc": "240", "mnc": None}]
    record = await carrier.connector.read_sim(LINE)
    assert record.network_policy is None
    assert "Nordics" in record.complaints[-1]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (NetworkPolicy(kind="allow", plmns=frozenset()), ReasonCode.INVALID_REQUEST),
        (NetworkPolicy(kind="block", plmns=HOME.plmns), ReasonCode.UNSUPPORTED),
    ],
)
async def test_a_policy_of_another_kind_is_not_turned_round(policy: NetworkPolicy, reason: ReasonCode) -> None:
    carrier = Carrier()
    outcome = await carrier.connector.set_network_policy(LINE, policy)
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason
    assert carrier.asked == []


def page(lines: list[Any], following: str = "") -> dict[str, Any]:
    return {"usage": lines, "pagination": {"has_more": bool(following), "next_page": following or None}}


async def test_usage_is_read_by_month_and_page_and_summed_by_day() -> None:
    carrier = Carrier()
    carrier.usage = [
        page([{"time": "2026-01-31 23:00:00", "bytes": 1}], "more"),
        page([{"time": "2026-01-31T01:00:00.000Z", "bytes": 2}, {"time": "2026-01-03 01:00:00", "bytes": 9}]),
        page([{"timestamp": "2026-02-01T00:00:00Z", "bytes": 4}, {"time": "x", "bytes": 9}, {"bytes": 9}, None]),
    ]
    begun, ended = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC)
    found = await carrier.connector.read_usage(LINE, since=begun, until=ended, granularity="day")
    assert [(one.start.day, one.downlink_bytes, one.split) for one in found] == [(31, 3, False), (1, 4, False)]
    asked = [(one.url.params["filter"], one.url.params.get("next_page")) for one in carrier.asked]
    assert asked == [("time:2026-01", None), ("time:2026-01", "more"), ("time:2026-02", None)]


def test_the_months_of_a_period_go_over_the_year() -> None:
    begun = datetime(2025, 11, 30, 23, tzinfo=UTC)
    assert months(begun, datetime(2026, 2, 1, tzinfo=UTC)) == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert months(begun, begun) == ["2025-11"]


@pytest.mark.parametrize(
    "body",
    [
        {"sims": [{"id": LINE}], "total": 2},
        {"sims": [{"id": LINE}], "pagination": {"has_more": True}},
        {"sims": None},
        [],
    ],
)
async def test_a_page_that_is_not_the_last_and_names_no_cursor_is_not_the_end(body: object) -> None:
    transport, _ = answering(lambda request: httpx.Response(200, json=body))
    with pytest.raises(Unavailable):
        [one async for one in opened(FACTORY, transport, SECRETS).list_sims()]


async def test_an_entry_that_is_no_sim_is_named() -> None:
    transport, _ = answering(lambda request: httpx.Response(200, json={"sims": [{"id": LINE}, {"id": 7}], "total": 2}))
    (only,) = [one async for one in opened(FACTORY, transport, SECRETS).list_sims()]
    assert ([one.provider_id for one in only.sims], only.unreadable) == ([LINE], ("{'id': 7}",))


def test_whether_it_is_online_is_told_with_where_and_since_when() -> None:
    told = {"id": LINE, "online": True, "ipv4": "100.66.0.7", "network": {"mcc": "286", "mnc": "01"}}
    record = TRANSLATOR.sim({**told, "online_at": "2026-03-01T10:00:00.000Z"}, FRESH)
    assert record is not None
    session = record.session
    assert (session.online, session.plmn, session.ip) == (True, Plmn(mcc="286", mnc="01"), "100.66.0.7")
    assert session.since == datetime(2026, 3, 1, 10, tzinfo=UTC)
    for online, word in ((False, Connectivity.OFFLINE), (None, Connectivity.UNKNOWN)):
        record = TRANSLATOR.sim({**told, "online": online}, FRESH)
        assert record is not None
        assert (record.session.connectivity, record.session.ip) == (word, "")


def test_what_is_not_told_is_not_guessed() -> None:
    record = TRANSLATOR.sim({"id": LINE}, FRESH)
    assert record is not None
    assert record.subscription.state is SubscriptionState.UNKNOWN
    assert (record.imei_lock, record.limit, record.network_policy) == (None, None, None)


def test_a_lock_that_cannot_be_read_is_a_lock() -> None:
    record = TRANSLATOR.sim({"id": LINE, "imei_lock": "the blue one"}, FRESH)
    assert record is not None
    assert record.imei_lock is not None
    assert (record.imei_lock.on, record.imei_lock.imeis, len(record.complaints)) == (True, frozenset(), 1)


async def test_the_sender_of_messages_is_a_setting() -> None:
    carrier = Carrier()
    transport, asked = answering(carrier.answer)
    await opened(FACTORY, transport, SECRETS, {"sms_from": "442012345678901"}).send_sms(LINE, "wake up")
    assert b'"from":"442012345678901"' in asked[-1].content
    for bad in ("", "elevenchars", "4420123456789012", "a b", None):
        with pytest.raises(BadSetting, match="sms_from"):
            opened(FACTORY, transport, SECRETS, {"sms_from": bad})


@given(ANY)
def test_any_reply_gives_a_record_or_none_and_never_an_exception(value: object) -> None:
    TRANSLATOR.sim(value, FRESH)
    TRANSLATOR.sim({"id": LINE, **dict.fromkeys(FIELDS[1:], value)}, FRESH)
    TRANSLATOR.usage(LINE, [value], FRESH, since=NOW, until=NOW)
    networks_of(value)
    limit_body(value, 500_000)

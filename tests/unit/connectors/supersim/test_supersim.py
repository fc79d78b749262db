"""What only Super SIM has: fleets that share, networks sold together, bytes that are billed later, any JSON."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.connectors.kore.carrier import FLEET, HS, ICCID, NOW, Carrier

from fairlead.connectors.kore.pending import Since
from fairlead.connectors.supersim import translate
from fairlead.connectors.supersim.connector import MANIFEST
from fairlead.connectors.supersim.factory import FACTORY
from fairlead.engine.ports.carrier import DataLimit, NetworkPolicy, OutcomeUnknown, ReasonCode, Refused
from fairlead.model.identifiers import Plmn
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, Verb, capability

AGE = Freshness(observed_at=NOW, staleness=timedelta(seconds=60), source="northwind/tr")
OF = MANIFEST.capabilities
LINE = {"sid": HS, "iccid": ICCID, "status": "active", "fleet_sid": FLEET, "date_updated": "2026-03-01T11:00:00Z"}
VODAFONE, TURKCELL = Plmn(mcc="286", mnc="02"), Plmn(mcc="286", mnc="01")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


class Fleets(Carrier):
    """A SIM in a fleet with some others; a network may cover a second PLMN."""

    def __init__(self, others: int = 0, fleet: str = FLEET, beyond: bool = False) -> None:
        super().__init__(FACTORY, self.reply)
        self.others, self.fleet, self.beyond = others, fleet, beyond
        self.changed: object = None

    def reply(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "POST":
            return httpx.Response(200, json=self.changed)
        if path.endswith("/Sims"):
            sids = [HS, *(f"HS{number:032x}" for number in range(self.others))]
            return httpx.Response(200, json={"sims": [{"sid": sid} for sid in sids]})
        if path.endswith("Networks"):
            both = [{"mcc": "286", "mnc": "02"}, {"mcc": "286", "mnc": "01"}]
            network = {"sid": "HW" + "0" * 32, "identifiers": both if self.beyond else both[:1]}
            return httpx.Response(200, json={"networks": [network]})
        if "/Fleets/" in path:
            return httpx.Response(200, json={"sid": FLEET, "data_limit": 250})
        return httpx.Response(200, json={**LINE, "fleet_sid": self.fleet})

    def writes(self) -> int:
        return sum(count for name, count in self.asked.items() if name.startswith("POST /v1/"))


async def test_a_limit_that_others_share_is_refused_with_what_to_do_instead() -> None:
    carrier = Fleets(others=12)
    for outcome in (
        await carrier.open().set_limit(HS, 30_000_000),
        await carrier.open().set_network_policy(HS, NetworkPolicy(kind="allow", plmns=frozenset({VODAFONE}))),
    ):
        assert isinstance(outcome, Refused)
        assert outcome.reason is ReasonCode.PRECONDITION
        assert "12 other SIMs" in outcome.detail
        assert "set_group" in outcome.detail
    assert carrier.writes() == 0
    assert OF.limit_scope == "group"
    assert "alone in it" in capability(OF, Verb.SET_LIMIT).because


async def test_a_limit_that_stands_already_is_nobodys_change_however_many_share_it() -> None:
    carrier = Fleets(others=12)
    outcome = await carrier.open().set_limit(HS, 250_000_000)
    assert outcome.changed is False
    assert carrier.writes() == 0


async def test_a_fleet_that_is_gone_is_complained_of_and_the_sim_is_there() -> None:
    carrier = Fleets()
    inner = carrier.answer
    carrier.answer = lambda request: httpx.Response(404) if "/Fleets/" in request.url.path else inner(request)
    record = await carrier.open().read_sim(HS)
    assert (record.provider_id, record.limit, len(record.complaints)) == (HS, None, 1)


async def test_without_a_fleet_there_is_nothing_to_set() -> None:
    outcome = await Fleets(fleet="").open().set_limit(HS, 30_000_000)
    assert outcome.reason is ReasonCode.PRECONDITION


@pytest.mark.parametrize("limit", [0, 1, 999_999, 1_500_000, 2_000_001_000_000, -1_000_000])
async def test_a_figure_that_the_carrier_cannot_hold_is_refused_and_not_rounded(limit: int) -> None:
    carrier = Fleets()
    assert (await carrier.open().set_limit(HS, limit)).reason is ReasonCode.INVALID_REQUEST
    assert not carrier.asked


@pytest.mark.parametrize("reply", [None, [], {}, {"sid": "HF" + "0" * 32, "data_limit": 30}])
async def test_a_fleet_that_does_not_show_itself_settles_nothing(reply: object) -> None:
    carrier = Fleets()
    carrier.changed = reply
    with pytest.raises(OutcomeUnknown):
        await carrier.open().set_limit(HS, 30_000_000)


async def test_networks_that_are_sold_together_are_not_allowed_apart() -> None:
    carrier = Fleets(beyond=True)
    outcome = await carrier.open().set_network_policy(HS, NetworkPolicy(kind="allow", plmns=frozenset({VODAFONE})))
    assert (outcome.reason, str(TURKCELL) in outcome.detail) == (ReasonCode.INVALID_REQUEST, True)
    for policy, reason in (
        (NetworkPolicy(kind="block", plmns=frozenset({VODAFONE})), ReasonCode.UNSUPPORTED),
        (NetworkPolicy(kind="allow", plmns=frozenset()), ReasonCode.INVALID_REQUEST),
        (NetworkPolicy(kind="allow", plmns=frozenset({Plmn(mcc="001", mnc="01")})), ReasonCode.INVALID_REQUEST),
    ):
        assert (await carrier.open().set_network_policy(HS, policy)).reason is reason
    assert carrier.writes() == 0


def test_a_sim_and_what_its_fleet_says() -> None:
    record = translate.sim(LINE, AGE, OF)
    assert record is not None
    assert (record.iccid, record.group, record.subscription.provider_state) == (ICCID, FLEET, "active")
    assert record.session.connectivity is Connectivity.UNKNOWN
    assert (record.limit, record.network_policy, record.complaints) == (None, None, ())
    fleet = translate.fleet({"sid": FLEET, "data_limit": 250, "sms_commands_enabled": False})
    whole = translate.shared(record, fleet, None, OF)
    assert whole.limit == DataLimit(limit_bytes=250_000_000, period="month")
    assert whole.capabilities is not None
    assert not capability(whole.capabilities, Verb.SEND_SMS).supported
    assert translate.fleet({"sid": FLEET, "data_limit": 0}) == translate.Fleet(
        id=FLEET, name="", limit=None, profile="", sms=None
    )


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("new", "inventory"),
        ("ready", "ready"),
        ("active", "active"),
        ("inactive", "suspended"),
        ("scheduled", "unknown"),
    ],
)
def test_the_words_of_the_contract(word: str, state: str) -> None:
    record = translate.sim({**LINE, "status": word}, AGE, OF)
    assert record is not None
    assert (record.subscription.state, record.subscription.provider_state) == (SubscriptionState(state), word)


@given(st.sampled_from(sorted(LINE)), JSON)
def test_any_field_may_be_anything_and_the_sim_still_comes_out(name: str, value: object) -> None:
    record = translate.sim({**LINE, name: value}, AGE, OF)
    assert record is not None or name == "sid"


@given(JSON)
def test_any_json_is_a_record_or_nothing(value: object) -> None:
    translate.sim(value, AGE, OF)
    translate.fleet(value)
    translate.plmns(value)
    translate.plmns({"identifiers": value})
    translate.groups([value])
    translate.failed_since([value], Since(updated=NOW, asked=NOW))
    translate.usage(HS, [value, {"period": value}], AGE, timedelta(days=2))


def test_bytes_that_are_not_billed_yet_are_not_final_however_old() -> None:
    def line(unit: str | None, up: int = 10) -> dict[str, object]:
        period = {"start_time": "2026-02-01T00:00:00Z", "end_time": "2026-02-02T00:00:00Z"}
        return {"period": period, "data_upload": up, "data_download": 0, "data_total_billed": 0, "billed_unit": unit}

    def final(*lines: object, at: timedelta = timedelta(0)) -> list[bool]:
        seen = replace(AGE, observed_at=NOW + at)
        return [one.final for one in translate.usage(HS, lines, seen, timedelta(days=2))]

    assert final(line(None)) == [False]
    assert final(line("USD")) == [True]
    assert final(line(None, up=0)) == [True]  # nothing to bill
    assert final(line("USD"), at=timedelta(days=-27)) == [False]

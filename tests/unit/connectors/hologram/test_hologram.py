"""What only this carrier has: a success that says no, words that say where a line is going, and SIMs nobody claimed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors.hologram.connector import MANIFEST, HologramConnector
from fairlead.connectors.hologram.factory import FACTORY
from fairlead.connectors.hologram.translate import Translator
from fairlead.engine.ports.carrier import (
    Accepted,
    AuthFailed,
    BucketKey,
    BucketLevel,
    Credential,
    Done,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
    Secret,
    Unavailable,
)
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.subscription import Freshness, HoldReason, SubscriptionState, Verb, capability
from fairlead_sim.carriers.hologram import HologramFake
from fairlead_sim.world.radio import World

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FRESH = Freshness(observed_at=NOW, staleness=timedelta(minutes=15), source="hologram/x")
TRANSLATOR = Translator(record=MANIFEST.capabilities)
LINE = ProviderId("7")
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "sim", "imsi", "msisdn", "state", "planid", "bytes", "timestamp"]), inner, max_size=6
        )
    ),
    max_leaves=15,
)


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


def opened(transport: httpx.AsyncBaseTransport, key: str = "the-api-key") -> HologramConnector:
    config = AccountConfig(
        tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="x", base_url="https://carrier.example"
    )
    credential = Credential(fields={"api_key": Secret(key)})
    http = httpx.AsyncClient(transport=transport)
    return FACTORY.open(config, credential, http, Levels(), now=lambda: NOW, real=lambda: NOW)


def answering(read: object, write: object = None) -> tuple[HologramConnector, list[httpx.Request]]:
    """A carrier that answers reads and writes with these bodies; and what was written."""
    written: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            written.append(request)
        return httpx.Response(200, json=write if request.method == "POST" else read)

    return opened(httpx.MockTransport(answer)), written


def link(state: str) -> dict[str, object]:
    return {"success": True, "data": {"id": 7, "state": state}}


def test_it_is_experimental_and_says_what_a_pause_does_not_do() -> None:
    assert MANIFEST.experimental
    assert MANIFEST.contract == "reconstruction"
    pause = capability(MANIFEST.capabilities, Verb.SUSPEND)
    assert (pause.traffic_after, pause.billable) == ("possible", True)
    assert not capability(MANIFEST.capabilities, Verb.CLAIM).supported


async def test_the_key_goes_along_as_the_password_of_a_fixed_user() -> None:
    world = World(clock=lambda: NOW)
    world.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot"}))
    fake = HologramFake(world, "tr", api_key="the-api-key")
    await opened(httpx.ASGITransport(app=fake)).check()
    with pytest.raises(AuthFailed):
        await opened(httpx.ASGITransport(app=fake), key="another").check()


async def test_a_read_that_says_no_inside_a_success_is_unavailable() -> None:
    for body in ({"success": False, "error": "no the-api-key"}, {"data": {"id": 7}}, [], None):
        connector, _ = answering(body)
        with pytest.raises(Unavailable) as trouble:
            await connector.read_sim(LINE)
        assert "the-api-key" not in str(trouble.value) + repr(trouble.value.raw)


async def test_a_change_that_says_no_inside_a_success_is_refused_with_the_carriers_words() -> None:
    connector, _ = answering(link("LIVE"), {"success": False, "error": "not today, the-api-key"})
    outcome = await connector.suspend(LINE)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.raw.status) == (ReasonCode.UNKNOWN, 200)
    assert "not today" in outcome.detail
    assert "the-api-key" not in outcome.detail + outcome.raw.body


@pytest.mark.parametrize("body", [None, [], {}, {"success": "yes"}])
async def test_a_change_whose_reply_does_not_say_how_it_went_is_unknown(body: object) -> None:
    connector, _ = answering(link("LIVE"), body)
    with pytest.raises(OutcomeUnknown):
        await connector.suspend(LINE)


@pytest.mark.parametrize(
    ("verb", "word"), [("suspend", "PAUSED-PENDING-USER"), ("suspend", "PAUSED-PENDING"), ("activate", "LIVE-PENDING")]
)
async def test_a_line_already_on_its_way_is_not_asked_again_and_not_done_yet(verb: str, word: str) -> None:
    connector, written = answering(link(word), {"success": True})
    outcome = await getattr(connector, verb)(LINE)
    assert isinstance(outcome, Accepted)
    assert isinstance(await connector.follow_up(outcome.reference), Accepted)
    assert written == []


async def test_a_line_on_its_way_to_a_pause_still_runs_and_can_be_called_back() -> None:
    connector, written = answering(link("PAUSED-PENDING-USER"), {"success": True})
    assert (await connector.read_sim(LINE)).subscription.state is SubscriptionState.ACTIVE
    outcome = await connector.activate(LINE)
    assert isinstance(outcome, Accepted)  # it shows active, and is leaving: that is not done
    assert isinstance(await connector.follow_up(outcome.reference), Accepted)
    assert len(written) == 1


@pytest.mark.parametrize("word", ["PAUSED-SYS", "INACTIVE", "TEST-ACTIVATE"])
async def test_what_the_carrier_paused_and_what_nobody_claimed_is_not_switched_on(word: str) -> None:
    connector, written = answering(link(word), {"success": True})
    outcome = await connector.activate(LINE)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.PRECONDITION
    assert written == []
    held = (await connector.read_sim(LINE)).subscription.hold_reasons
    assert held == ({HoldReason.POLICY} if word == "PAUSED-SYS" else frozenset())


async def test_an_ended_line_is_not_asked_and_ends_what_was_under_way() -> None:
    connector, written = answering(link("DEAD"), {"success": True})
    for outcome in (await connector.suspend(LINE), await connector.follow_up("state 7 suspended")):
        assert isinstance(outcome, Refused)
        assert outcome.reason is ReasonCode.CONFLICT_STATE
    assert written == []


@pytest.mark.parametrize("word", ["", "SLEEPING", "DEAD-PENDING"])
def test_an_unknown_word_is_unknown_and_kept(word: str) -> None:
    record = TRANSLATOR.sim({"id": 7, "state": word}, FRESH)
    assert record is not None
    assert (record.subscription.state, record.subscription.provider_state) == (SubscriptionState.UNKNOWN, word)


def test_an_imsi_given_as_a_number_gets_its_zeros_back() -> None:
    record = TRANSLATOR.sim({"id": 7, "imsi": 1010000000001}, FRESH)
    assert record is not None
    assert record.imsis == ("001010000000001",)


def test_bytes_of_a_day_are_summed_over_networks_and_broken_lines_left_out() -> None:
    lines = [
        {"timestamp": "2026-02-28 00:00:00", "bytes": 5},
        {"timestamp": "2026-02-27", "bytes": 1},
        {"timestamp": "2026-02-28 00:00:00", "bytes": 7},
        {"timestamp": "0000-00-00 00:00:00", "bytes": 7},
        {"timestamp": "2026-02-26", "bytes": -1},
        None,
    ]
    found = [(one.start.day, one.downlink_bytes, one.split, one.final) for one in TRANSLATOR.usage(LINE, lines, FRESH)]
    assert found == [(27, 1, False, False), (28, 12, False, False)]


@pytest.mark.parametrize("value", [{"id": 8}, {"id": "7"}, None])
async def test_a_reply_about_another_link_settles_nothing(value: object) -> None:
    connector, _ = answering({"success": True, "data": value})
    with pytest.raises(Unavailable):
        await connector.read_sim(LINE)


async def test_a_cursor_that_does_not_move_ends_the_walk() -> None:
    connector, _ = answering({"success": True, "continues": True, "data": [{"id": 7}]})
    with pytest.raises(Unavailable, match="cursor"):
        [page async for page in connector.list_sims()]


async def test_a_page_that_is_continued_behind_an_unreadable_entry_is_not_the_end() -> None:
    for lines in ([{"id": 7}, {"id": "x"}], [{"id": "x"}], []):
        connector, _ = answering({"success": True, "continues": True, "data": lines})
        with pytest.raises(Unavailable):
            [page async for page in connector.list_sims()]


async def test_a_link_id_cannot_leave_its_place_in_the_path() -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json=link("LIVE"))

    transport: Callable[[httpx.Request], httpx.Response] = answer
    with pytest.raises(Unavailable):
        await opened(httpx.MockTransport(transport)).read_sim(ProviderId("../plans?x#y"))
    assert seen == [b"/links/cellular/..%2Fplans%3Fx%23y"]


async def test_a_paused_line_is_done_only_when_it_shows() -> None:
    world = World(clock=lambda: NOW)
    carrier = world.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot"}))
    carrier.takes["suspended"] = timedelta(minutes=15)
    fake = HologramFake(world, "tr", api_key="the-api-key")
    sim = world.issue("tr", 1, state="active")[0]
    line = ProviderId(str(fake.number(sim.iccid)))
    connector = opened(httpx.ASGITransport(app=fake))
    first = await connector.suspend(line)
    assert isinstance(first, Accepted)
    assert isinstance(await connector.suspend(line), Accepted)
    assert fake.desk.executed["pause", sim.iccid] == 1
    world.clock = lambda: NOW + timedelta(minutes=15)
    assert isinstance(await connector.follow_up(first.reference), Done)


@given(ANY)
def test_any_reply_gives_a_record_or_none_and_never_an_exception(value: object) -> None:
    TRANSLATOR.sim(value, FRESH)
    TRANSLATOR.sim({"id": 7, "imsi": value, "planid": value, "state": value, "sim": value}, FRESH)
    TRANSLATOR.usage(LINE, [value], FRESH)

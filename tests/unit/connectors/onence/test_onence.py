"""What only this carrier has, over its fake without a socket: terms, locks, queues, two versions, ten a second."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from tests.contract.bench import Bench, Clock, Stage, done, refused
from tests.contract.benches.onence import ONENCE, ONENCE_V2

from fairlead.connectors._kit.wish import MalformedReference
from fairlead.connectors.onence import queued
from fairlead.connectors.onence.client import OnenceClient
from fairlead.connectors.onence.connector import MANIFEST_V1, MANIFEST_V2
from fairlead.engine.ports.carrier import Accepted, AuthFailed, NotFound, ProviderId, ReasonCode, Refused, Unavailable
from fairlead.model.identifiers import Imei
from fairlead.model.subscription import Connectivity, HoldReason, SubscriptionState, Verb

VERSIONS = {"v1": ONENCE, "v2": ONENCE_V2}


@pytest.fixture(params=["v1", "v2"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    stage = Stage("https://carrier.example", None)  # type: ignore[arg-type] - set in the next line
    async with httpx.AsyncClient(transport=httpx.ASGITransport(stage)) as stage.http:
        yield VERSIONS[request.param].make(Clock(), stage)


only_v1 = pytest.mark.parametrize("bench", ["v1"], indirect=True)
only_v2 = pytest.mark.parametrize("bench", ["v2"], indirect=True)


# --- terms


async def test_an_expired_line_is_held_and_says_how_it_comes_back(bench: Bench) -> None:
    line = bench.unchangeable()
    connector = bench.open()
    record = await connector.read_sim(line)
    assert record.subscription.state is SubscriptionState.ACTIVE
    assert HoldReason.EXPIRED in record.subscription.hold_reasons
    for change in (connector.suspend, connector.reset_connection):
        outcome = await refused(bench, connector, await change(line))
        assert outcome.reason is ReasonCode.PRECONDITION
        assert "paid extension" in outcome.detail


@only_v2
async def test_a_conflict_of_a_line_that_has_not_expired_stays_a_conflict(bench: Bench) -> None:
    line = bench.line()
    bench.fault("refuse", "suspend", status=409, code="1000")
    connector = bench.open()
    assert (await refused(bench, connector, await connector.suspend(line))).reason is ReasonCode.CONFLICT_STATE


async def test_a_line_without_a_quota_has_no_term(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(client: object, sim: str) -> object:
        raise NotFound("no quota")

    monkeypatch.setattr(OnenceClient, "quota", none)
    assert (await bench.open().read_sim(bench.line())).subscription.hold_reasons == frozenset()


# --- locks


@only_v1
async def test_a_switch_keeps_the_lock_that_v1_would_drop(bench: Bench) -> None:
    line = bench.line(device=True)
    imei = Imei(bench.online(line).imei)
    connector = bench.open()
    await done(bench, connector, await connector.set_imei_lock(line, imei))
    await done(bench, connector, await connector.suspend(line))
    assert bench.card(line).imei_lock == imei
    await done(bench, connector, await connector.activate(line))
    assert (await connector.read_sim(line)).imei_lock.holds(imei)


@only_v1
async def test_a_list_loses_the_lock_and_the_manifest_says_so(bench: Bench) -> None:
    line = bench.line(device=True)
    imei = Imei(bench.online(line).imei)
    connector = bench.open()
    await done(bench, connector, await connector.set_imei_lock(line, imei))
    for outcome in (await connector.change_many(Verb.SUSPEND, [line])).values():
        await done(bench, connector, outcome)
    assert bench.card(line).imei_lock == ""
    assert "lock" in MANIFEST_V1.capabilities.verbs[Verb.SUSPEND].because
    assert "lock" not in MANIFEST_V2.capabilities.verbs[Verb.SUSPEND].because


async def test_a_lock_keeps_the_state(bench: Bench) -> None:
    line = bench.line(device=True)
    imei = Imei(bench.online(line).imei)
    connector = bench.open()
    await done(bench, connector, await connector.suspend(line))
    locked = await done(bench, connector, await connector.set_imei_lock(line, imei))
    assert locked.observed.subscription.state is SubscriptionState.SUSPENDED


async def test_only_the_device_in_use_can_be_locked_to(bench: Bench) -> None:
    line, drawer = bench.line(device=True), bench.line()
    bench.online(line)
    connector = bench.open()
    for one in (line, drawer):
        outcome = await connector.set_imei_lock(one, Imei("352099001761481"))
        assert isinstance(outcome, Refused)
        assert outcome.reason is ReasonCode.PRECONDITION
    assert bench.asked("set_imei_lock") == 0


# --- what is queued


async def test_a_reset_shows_by_the_session_that_ends(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    connector = bench.open()
    outcome = await connector.reset_connection(line)
    assert isinstance(outcome, Accepted)
    assert isinstance(await connector.follow_up(outcome.reference), Accepted)  # queued is not done
    bench.clock.tick(seconds=11)
    await done(bench, bench.open(), outcome)


async def test_a_reset_of_a_silent_line_shows_only_when_it_speaks(bench: Bench) -> None:
    line = bench.line(device=True)
    connector = bench.open()
    outcome = await connector.reset_connection(line)
    assert isinstance(outcome, Accepted)
    bench.clock.tick(days=1)
    assert isinstance(await connector.follow_up(outcome.reference), Accepted)
    assert bench.asked("reset_connection") == 1
    bench.online(line)
    await done(bench, connector, await connector.follow_up(outcome.reference))


@only_v2
async def test_a_message_of_v2_is_followed_to_its_end(bench: Bench) -> None:
    there, away = bench.line(device=True), bench.line(device=True)
    bench.online(there)
    connector = bench.open()
    first, second = await connector.send_sms(there, "wake up"), await connector.send_sms(away, "wake up")
    assert isinstance(second, Accepted)
    await done(bench, connector, first)
    assert isinstance(await connector.follow_up(second.reference), Accepted)
    bench.clock.tick(days=1)
    assert (await refused(bench, connector, second)).reason is ReasonCode.DEVICE_UNREACHABLE


async def test_a_device_that_went_away_looks_attached_for_two_days(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    bench.offline(line)
    connector = bench.open()
    bench.clock.tick(hours=47)
    session = await connector.read_session(line)
    assert (session.connectivity, session.online) == (Connectivity.ATTACHED, False)
    assert not session.freshness.proves_after(bench.clock() - timedelta(hours=47))
    bench.clock.tick(hours=1)
    assert (await connector.read_session(line)).connectivity is Connectivity.OFFLINE


@only_v1
async def test_a_list_has_no_reference_of_its_own(bench: Bench) -> None:
    with pytest.raises(MalformedReference):
        await bench.open().follow_many("batch 1")


@only_v1
async def test_a_ceiling_that_the_list_lacks_is_refused(bench: Bench) -> None:
    outcome = await bench.open().set_limit(bench.line(), 3 * 1024 * 1024)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.INVALID_REQUEST
    assert bench.asked("set_limit") == 0


# --- the door and the budget


async def test_a_wrong_password_is_a_400_there_and_auth_failed_here(bench: Bench) -> None:
    with pytest.raises(AuthFailed) as trouble:
        await bench.open(wrong=True).check()
    assert trouble.value.raw is not None
    assert trouble.value.raw.status == 400
    assert bench.reached() == 1


@pytest.mark.parametrize("manifest", [MANIFEST_V1, MANIFEST_V2], ids=["v1", "v2"])
def test_all_classes_together_stay_within_ten_a_second(manifest: Any) -> None:
    shared = [limit for name, limit in manifest.limits.items() if name != "auth"]
    assert sum(limit.per_second + limit.burst for limit in shared) <= 10


async def test_a_storm_of_calls_is_never_turned_away_by_the_carrier() -> None:
    """Real limits on both sides: reads and writes at once, as fast as our own budget lets them."""
    stage = Stage("https://carrier.example", None)  # type: ignore[arg-type] - set in the next line
    async with httpx.AsyncClient(transport=httpx.ASGITransport(stage)) as stage.http:
        bench = ONENCE.make(Clock(), stage)
        throttle = bench.fake.throttle
        throttle.per_second, throttle.burst = 10.0, 10
        lines = [bench.line() for _ in range(10)]
        connector = bench.open(limits=dict(MANIFEST_V1.limits))
        for _ in range(40):
            calls = [connector.read_sim(line) for line in lines] + [connector.suspend(line) for line in lines]
            await asyncio.gather(*calls, return_exceptions=True)
            bench.clock.tick(seconds=0.25)
        assert throttle.turned_away == 0
        assert bench.reached() > 30


# --- references and cursors


@pytest.mark.parametrize("text", ["reset", "reset 1", "reset 1 soon -", "sms 1", "sms 1 2", "sms  2 -"])
async def test_a_reference_that_nobody_gave_is_refused(text: str) -> None:
    with pytest.raises(MalformedReference):
        queued.read(text)


async def test_a_cursor_that_is_no_page_number_is_not_sent(bench: Bench) -> None:
    with pytest.raises(Unavailable, match="page number"):
        await anext(bench.open().list_sims(after="next"))
    assert bench.reached() == 0


@only_v1
async def test_v1_is_told_the_whole_of_what_can_be_set(bench: Bench) -> None:
    sent: list[dict[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "token-1", "expires_in": 3600})
        if request.method == "PUT":
            sent.append(msgspec.json.decode(request.content))
            return httpx.Response(200)
        return httpx.Response(200, json={"iccid": "1", "status": "Enabled", "imei_lock": True, "label": "DX-137"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        stage = Stage("https://carrier.example", http)
        await ONENCE.make(Clock(), stage).open().suspend(ProviderId("1"))
        await ONENCE_V2.make(Clock(), stage).open().suspend(ProviderId("1"))
    assert sent == [
        {"iccid": "1", "status": "Disabled", "imei_lock": True, "label": "DX-137"},
        {"status": "Disabled"},
    ]

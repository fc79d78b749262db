"""What only this carrier has: two tokens, requests that end later, five actions a day, callbacks that say why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from tests.contract.bench import Bench, Clock, Stage, done, refused
from tests.contract.benches.thingspace import THINGSPACE

from fairlead.connectors._kit.factory import BadSetting
from fairlead.engine.ports.carrier import (
    Accepted,
    BadSignature,
    Cursor,
    Done,
    Heard,
    NotFound,
    ProviderId,
    ReasonCode,
    Refused,
)
from fairlead.model.subscription import SubscriptionState
from fairlead_sim.carriers.serving import serving
from fairlead_sim.world.faults import Fault

FAULT = "UnifiedWebService.REQUEST_FAILED.InvalidState"


@pytest.fixture
async def bench() -> Any:
    async with httpx.AsyncClient(trust_env=False) as http:
        stage = Stage("", http)
        async with serving(stage) as stage.url:
            yield THINGSPACE.make(Clock(), stage)


class Hook:
    """Our side of the callbacks: what was heard, in its order."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.heard: list[Heard] = []
        self.answers = 200

    async def __call__(self, address: str, headers: Any, body: bytes) -> int:
        self.heard += self.bench.open().hear(headers, body)
        return self.answers


# --- two tokens


@pytest.mark.parametrize("over", [(401, ""), (400, "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired")])
async def test_a_session_that_ended_early_is_begun_again_however_it_is_said(
    bench: Bench, over: tuple[int, str]
) -> None:
    bench.fake.session_over = over
    line, connector = bench.line(), bench.open()
    await connector.read_sim(line)
    bench.fake._used.clear()
    await connector.suspend(line)
    assert bench.fake.desk.logins == 2
    assert bench.executed("suspend", line) == 1


async def test_a_session_that_is_used_lives_on_and_one_that_is_not_is_renewed_before_it_ends(bench: Bench) -> None:
    line, connector = bench.line(), bench.open()
    for _ in range(3):
        await connector.read_sim(line)
        bench.clock.tick(minutes=17)
    assert bench.fake.desk.logins == 1
    bench.clock.tick(minutes=2)
    asked = bench.reached()
    await connector.read_sim(line)
    assert bench.fake.desk.logins == 2
    assert bench.reached() - asked == 3  # both tokens and the read: no request was refused on the way


async def test_a_user_without_access_is_the_credentials_fault(bench: Bench) -> None:
    from fairlead.engine.ports.carrier import AuthFailed

    bench.secrets["password"] = "changed-long-ago"
    with pytest.raises(AuthFailed):
        await bench.open().check()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "account_name"),
        ({"account_name": 123456}, "account_name"),
        ({"account_name": "0000123456-00001", "mdn_zip_code": 98801}, "mdn_zip_code"),
        ({"account_name": "0000123456-00001", "etf_waiver": "yes"}, "etf_waiver"),
        ({"account_name": "0000123456-00001", "states": {"lab": "?"}}, "states.lab"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named(bench: Bench, settings: dict[str, Any], named: str) -> None:
    bench.settings = settings
    with pytest.raises(BadSetting) as refusal:
        bench.open()
    assert refusal.value.name == named


# --- requests that end later


async def test_a_request_is_followed_from_pending_over_its_status_to_the_device(bench: Bench) -> None:
    bench.world.carriers["tr"].takes["suspended"] = timedelta(minutes=5)
    line = bench.line()
    outcome = await bench.open().suspend(line)
    assert isinstance(outcome, Accepted)
    (request,) = bench.fake.requests
    assert request in outcome.reference
    reads = bench.asked("read_sim")
    assert await bench.open().follow_up(outcome.reference) == outcome
    assert bench.asked("read_sim") == reads  # while it is pending the device is not asked
    bench.clock.tick(minutes=6)
    assert isinstance(await bench.open().follow_up(outcome.reference), Done)


async def test_a_request_that_failed_is_refused_and_its_reason_comes_by_callback(bench: Bench) -> None:
    line, connector, hook = bench.line(), bench.open(), Hook(bench)
    bench.fake.fails[line] = FAULT
    outcome = await connector.suspend(line)
    end = await refused(bench, connector, outcome)
    assert end.reason is ReasonCode.UNKNOWN
    assert "callback" in end.detail
    assert await bench.fake.callbacks.deliver(hook) == 1
    (heard,) = hook.heard
    assert (heard.kind, heard.word, heard.sim) == ("operation", FAULT, line)
    assert heard.reference in outcome.reference
    assert isinstance(heard.outcome, Refused)
    assert (heard.outcome.reason, heard.outcome.raw.code) == (ReasonCode.CONFLICT_STATE, FAULT)


async def test_a_status_that_says_success_is_not_believed_before_the_device_shows_it(bench: Bench) -> None:
    line, connector = bench.line(), bench.open()
    bench.clock.tick(hours=3)
    outcome = await connector.suspend(line)
    bench.fault("stale", age_s=3600, at_most=1)
    assert isinstance(await connector.follow_up(outcome.reference), Accepted)
    assert isinstance(await connector.follow_up(outcome.reference), Done)


async def test_a_request_nobody_knows_any_more_is_settled_by_reading(bench: Bench) -> None:
    line, connector = bench.line(), bench.open()
    outcome = await connector.suspend(line)
    bench.fake.requests.clear()
    assert isinstance(await connector.follow_up(outcome.reference), Done)


async def test_that_it_is_so_already_is_no_refusal(bench: Bench) -> None:
    line, connector = bench.line("suspended"), bench.open()
    bench.fault(
        "refuse", "activate", status=400, code="UnifiedWebService.REQUEST_FAILED.DeviceAlreadyActive", at_most=1
    )
    outcome = await connector.activate(line)
    assert isinstance(outcome, Accepted)
    bench.world.set_state(line, "active")
    assert isinstance(await connector.follow_up(outcome.reference), Done)


async def test_a_device_that_left_the_account_is_not_found(bench: Bench) -> None:
    line, connector = bench.line(), bench.open()
    bench.fault("refuse", "suspend", status=400, code="UnifiedWebService.INPUT_INVALID.Device.Account.Invalid")
    with pytest.raises(NotFound):
        await connector.suspend(line)


@pytest.mark.parametrize("reference", ["request", "request x", "request x state", "told x ", "request  state 1 active"])
async def test_a_broken_reference_is_refused(bench: Bench, reference: str) -> None:
    with pytest.raises(ValueError, match="reference"):
        await bench.open().follow_up(reference)


# --- the rules of this carrier


@pytest.mark.parametrize("state", ["ready", "deactivated"])
async def test_service_begins_with_the_accounts_plan_and_zip_code(bench: Bench, state: Any) -> None:
    line, connector = bench.line(state), bench.open()
    before = await connector.read_sim(line)
    end = await done(bench, connector, await connector.activate(line))
    assert (end.observed.subscription.state, end.observed.plan) == (SubscriptionState.ACTIVE, "87641")
    assert (end.observed.msisdn != before.msisdn) == (state == "deactivated")
    assert (bench.fake.desk.executed["activate", line], bench.fake.desk.executed["restore", line]) == (1, 0)


async def test_without_them_nothing_is_sent(bench: Bench) -> None:
    del bench.settings["mdn_zip_code"]
    line, connector = bench.line("deactivated"), bench.open()
    end = await refused(bench, connector, await connector.activate(line))
    assert end.reason is ReasonCode.PRECONDITION
    assert bench.fake.desk.requests["activate"] == 0
    restored = await connector.activate(bench.line("suspended"))
    assert isinstance(restored, Accepted)


async def test_a_line_has_five_actions_a_day_and_the_refusal_says_until_when(bench: Bench) -> None:
    line, connector = bench.line(), bench.open()
    for number in range(5):
        verb = connector.suspend if number % 2 == 0 else connector.activate
        await done(bench, connector, await verb(line))
    spent = await refused(bench, connector, await connector.activate(line))
    assert spent.reason is ReasonCode.QUOTA_ACTION
    assert spent.retry_at is not None
    bench.clock.at = spent.retry_at
    await done(bench, connector, await connector.activate(line))
    assert bench.manifest.action_budget == {"state": bench.fake.daily}


async def test_a_suspended_line_keeps_its_plan(bench: Bench) -> None:
    line, connector = bench.line("suspended"), bench.open()
    end = await refused(bench, connector, await connector.set_plan(line, "87641"))
    assert end.reason is ReasonCode.CONFLICT_STATE


async def test_a_change_of_plan_is_read_and_not_polled(bench: Bench) -> None:
    bench.world.carriers["tr"].takes["plan"] = timedelta(minutes=5)
    line, connector = bench.line(), bench.open()
    outcome = await connector.set_plan(line, "87641")
    assert isinstance(outcome, Accepted)
    assert isinstance(await connector.follow_up(outcome.reference), Accepted)
    assert bench.fake.desk.requests["status"] == 0
    assert (await done(bench, connector, outcome)).observed.plan == "87641"


@pytest.mark.parametrize("waiver", [True, False])
async def test_a_deactivation_names_its_reason_and_the_waiver(bench: Bench, waiver: bool) -> None:
    sent: list[Any] = []

    async def note(request: httpx.Request) -> None:
        if request.url.path.endswith("/deactivate"):
            sent.append(msgspec.json.decode(request.content))

    bench.settings["etf_waiver"] = waiver
    bench.stage.http.event_hooks["request"].append(note)
    line, connector = bench.line(), bench.open()
    await done(bench, connector, await connector.deactivate(line))
    (body,) = sent
    assert (body["reasonCode"], body["etfWaiver"], body["deleteAfterDeactivation"]) == ("FF", waiver, False)
    assert body["accountName"] == "0000123456-00001"


@pytest.mark.parametrize("cursor", ["", "x", "0"])
async def test_a_cursor_that_nobody_gave_is_not_found(bench: Bench, cursor: str) -> None:
    with pytest.raises(NotFound):
        await anext(bench.open().list_sims(after=Cursor(cursor)))
    with pytest.raises(NotFound):
        await anext(bench.open().session_events(ProviderId("x"), since=bench.clock(), until=bench.clock(),
                                                after=Cursor(cursor)))  # fmt: skip


@pytest.mark.parametrize("most", [500, 499])
async def test_usage_of_a_year_takes_two_requests_and_no_day_twice(
    bench: Bench, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead_sim.carriers.thingspace._HISTORY", most)  # 499 cuts through a day's two sources
    line = bench.line(device=True)
    begun = bench.clock()
    for _ in range(300):  # two sources a day: 600 lines
        bench.online(line)
        bench.world.traffic(bench.device(line), 10, 5)
        bench.clock.tick(days=1)
    asked = {"since": begun, "until": bench.clock(), "granularity": "day"}
    periods = await bench.open().read_usage(line, **asked)
    assert [(one.downlink_bytes, one.source) for one in periods] == [(15, "raw")] * 300
    assert bench.fake.desk.requests["usage"] == 2


# --- callbacks


async def test_a_suspension_tells_when_it_ends_and_so_does_the_warning(bench: Bench) -> None:
    line, connector, hook = bench.line(), bench.open(), Hook(bench)
    await connector.suspend(line)
    ends = bench.clock() + timedelta(days=90)
    await bench.fake.callbacks.deliver(hook)
    (answer,) = hook.heard
    assert answer.word == "suspendResponse"
    assert answer.status is not None
    assert (answer.status.state, answer.status.auto_revert_at) == (SubscriptionState.SUSPENDED, ends)
    assert answer.outcome is None  # a success is for reading to show
    bench.clock.tick(days=83, minutes=1)
    await connector.read_sim(line)
    await bench.fake.callbacks.deliver(hook)
    warning = hook.heard[-1]
    assert (warning.kind, warning.sim) == ("state", line)
    assert warning.status is not None
    assert warning.status.auto_revert_at == ends.replace(hour=0, minute=0)
    bench.clock.tick(days=7)
    assert (await connector.read_sim(line)).subscription.state is SubscriptionState.ACTIVE


async def test_callbacks_that_come_twice_late_and_out_of_order_name_the_same_requests(bench: Bench) -> None:
    lines, connector, hook = [bench.line() for _ in range(4)], bench.open(), Hook(bench)
    for line in lines:
        await connector.suspend(line)
    bench.world.inject(Fault(kind="duplicate_callback", carrier="tr", at_most=1))
    bench.world.inject(Fault(kind="late_callback", carrier="tr", at_most=2))
    await bench.fake.callbacks.deliver(hook)
    assert len(hook.heard) == 5
    assert {one.event for one in hook.heard} == {f"{one.id} {one.sim.iccid}" for one in bench.fake.requests.values()}
    assert [one.sim for one in hook.heard] != lines


async def test_a_callback_that_is_not_taken_comes_again(bench: Bench) -> None:
    connector, hook = bench.open(), Hook(bench)
    await connector.suspend(bench.line())
    hook.answers = 503
    for _ in range(30):
        await bench.fake.callbacks.deliver(hook)
        bench.clock.tick(minutes=1)
    assert [msgspec.json.decode(body)["callbackCount"] for _, body, _ in bench.fake.callbacks.sent] == [1, 2, 3, 4]
    assert len({(one.event, one.raw) for one in hook.heard}) == 1  # how often it was sent is no part of what it says


async def test_no_secret_is_kept_of_a_callback(bench: Bench) -> None:
    headers, body = bench.callback(bench.line(), "suspended")
    (heard,) = bench.open().hear(headers, body)
    assert not [secret for secret in bench.optional_secrets.values() if secret in repr(heard)]


async def test_without_a_password_to_compare_nothing_is_heard(bench: Bench) -> None:
    headers, body = bench.callback(bench.line(), "suspended")
    bench.optional_secrets = {}
    with pytest.raises(BadSignature, match="callback_password"):
        bench.open().hear(headers, body)


async def test_that_a_line_is_active_already_is_heard_and_is_no_refusal(bench: Bench) -> None:
    headers, body = bench.callback(bench.line(), "active")
    message = msgspec.json.decode(body)
    del message["deviceResponse"]
    message["faultResponse"] = {"faultcode": "UnifiedWebService.REQUEST_FAILED.DeviceAlreadyActive", "faultstring": "x"}
    (heard,) = bench.open().hear(headers, msgspec.json.encode(message))
    assert (heard.kind, heard.outcome) == ("operation", None)


async def test_a_date_that_is_none_is_left_out(bench: Bench) -> None:
    headers, body = bench.callback(bench.line(), "active")
    for comment, status in (("Device will be auto resumed on - 13/45/2017", None), ("3/15/2017", None)):
        message = {**msgspec.json.decode(body), "comment": comment}
        (heard,) = bench.open().hear(headers, msgspec.json.encode(message))
        assert heard.status is status
    message = {**msgspec.json.decode(body), "comment": "Device will be auto resumed on - 3/15/2017 12:00:00 AM"}
    (heard,) = bench.open().hear(headers, msgspec.json.encode(message))
    assert heard.status is not None
    assert heard.status.auto_revert_at == datetime(2017, 3, 15, tzinfo=UTC)

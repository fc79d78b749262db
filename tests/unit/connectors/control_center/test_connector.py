"""What only this carrier has: edits that answer nothing, words to end by, changes that move while one reads them."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse
from tests.contract.bench import Bench, Clock, Stage, done, refused
from tests.contract.benches.control_center import CONTROL_CENTER

from fairlead.connectors._kit.factory import BadAddress
from fairlead.engine.ports.carrier import Accepted, Cursor, NotFound, OutcomeUnknown, ProviderId, ReasonCode, Refused
from fairlead.model.subscription import SubscriptionState, Verb, capability
from fairlead_sim.carriers.serving import serving


@pytest.fixture
async def bench() -> Any:
    async with httpx.AsyncClient(trust_env=False) as http:
        stage = Stage("", http)
        async with serving(stage) as stage.url:
            yield CONTROL_CENTER.make(Clock(), stage)


@pytest.mark.parametrize("takes", [timedelta(0), timedelta(minutes=3)])
async def test_an_edit_is_accepted_whatever_its_status_and_done_when_a_read_shows_it(
    bench: Bench, takes: timedelta
) -> None:
    bench.world.carriers["tr"].takes["suspended"] = takes  # 200, or 202
    line, connector = bench.line(), bench.open()
    outcome = await connector.suspend(line)
    assert isinstance(outcome, Accepted)
    end = await done(bench, connector, outcome)
    assert end.observed.subscription.provider_state == "DEACTIVATED"
    assert bench.executed("suspend", line) == 1


async def test_a_change_the_operator_forbids_is_refused_with_its_reason(bench: Bench) -> None:
    bench.fake.forbidden.add(("active", "suspended"))
    line, connector = bench.line(), bench.open()
    refusal = await refused(bench, connector, await connector.suspend(line))
    assert refusal.reason is ReasonCode.CONFLICT_STATE
    assert "DEACTIVATED is not allowed" in refusal.detail
    assert refusal.raw.code == "10000021"


async def test_a_role_without_access_is_forbidden_and_says_so(bench: Bench) -> None:
    line, connector = bench.line(), bench.open()
    bench.fault("refuse", "suspend", status=400, code="10000030", message="Your role does not have access.")
    assert (await refused(bench, connector, await connector.suspend(line))).reason is ReasonCode.FORBIDDEN


@pytest.mark.parametrize("word", ["RETIRED", "PURGED"])
async def test_a_line_is_ended_by_the_word_the_account_may_use(bench: Bench, word: str) -> None:
    bench.fake.ends_by, bench.fake.status["terminated"] = {word}, word
    bench.settings["terminate_as"] = word
    line, connector = bench.line(), bench.open()
    iccid = (await connector.read_sim(line)).iccid
    end = await done(bench, connector, await connector.terminate(line, confirm=iccid))
    assert end.observed.subscription.provider_state == word


async def test_a_word_the_operator_does_not_permit_ends_nothing(bench: Bench) -> None:
    bench.fake.ends_by = {"PURGED"}
    line, connector = bench.line(), bench.open()
    iccid = (await connector.read_sim(line)).iccid
    refusal = await refused(bench, connector, await connector.terminate(line, confirm=iccid))
    assert refusal.reason is ReasonCode.CONFLICT_STATE
    assert bench.card(line).state == "active"


async def test_without_a_word_to_end_by_nothing_is_sent_and_the_record_says_why(bench: Bench) -> None:
    bench.settings.clear()
    line, connector = bench.line(), bench.open()
    record = await connector.read_sim(line)
    assert not capability(record.capabilities, Verb.TERMINATE).supported
    refusal = await refused(bench, connector, await connector.terminate(line, confirm=record.iccid))
    assert refusal.reason is ReasonCode.UNSUPPORTED
    assert bench.asked("terminate") == 0


async def test_an_operators_own_words_are_spoken(bench: Bench) -> None:
    bench.fake.status |= {"active": "Live", "suspended": "Paused"}
    bench.settings["states"] = {"Live": "active", "Paused": "suspended"}
    line, connector = bench.line(), bench.open()
    assert (await connector.read_sim(line)).subscription.state is SubscriptionState.ACTIVE
    assert (
        await done(bench, connector, await connector.suspend(line))
    ).observed.subscription.provider_state == "Paused"
    assert (await done(bench, connector, await connector.activate(line))).observed.subscription.provider_state == "Live"


async def test_without_an_address_nothing_is_guessed(bench: Bench) -> None:
    bench.stage.url = ""
    with pytest.raises(BadAddress, match="base_url"):
        bench.open()


async def test_a_plan_that_is_not_there_is_refused(bench: Bench) -> None:
    line, connector = bench.line(), bench.open()
    refusal = await refused(bench, connector, await connector.set_plan(line, "no such plan"))
    assert refusal.reason is ReasonCode.INVALID_REQUEST


async def test_usage_reaches_two_cycles_back_and_no_further(bench: Bench) -> None:
    line = bench.line(device=True)
    begun = bench.clock()
    for _ in range(5):
        bench.online(line)
        bench.world.traffic(bench.device(line), 1000, 500)
        bench.clock.tick(days=31)
    asked = {"since": begun - timedelta(days=400), "until": bench.clock(), "granularity": "cycle"}
    before = bench.fake.desk.requests["usage"]
    periods = await bench.open().read_usage(line, **asked)
    assert bench.fake.desk.requests["usage"] - before == 3
    assert [(one.start.month, one.downlink_bytes) for one in periods] == [(6, 1500), (7, 1500)]
    assert [one.final for one in periods] == [True, False]  # three days after its end


async def test_usage_of_the_current_cycle_takes_one_request(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.clock.tick(days=5)
    asked = {"since": bench.clock() - timedelta(days=1), "until": bench.clock(), "granularity": "cycle"}
    await bench.open().read_usage(line, **asked)
    assert bench.fake.desk.requests["usage"] == 1


async def test_a_message_to_a_device_that_stays_away_stays_under_way(bench: Bench) -> None:
    line, connector = bench.line(device=True), bench.open()
    outcome = await connector.send_sms(line, "wake up")
    assert isinstance(outcome, Accepted)
    assert isinstance(await bench.open().follow_up(outcome.reference), Accepted)
    bench.online(line)
    await done(bench, connector, await bench.open().follow_up(outcome.reference))


async def test_a_message_that_never_arrives_is_refused_with_the_carriers_word(bench: Bench) -> None:
    line, connector = bench.line(device=True), bench.open()
    outcome = await connector.send_sms(line, "wake up")
    bench.fake.undelivered = "Cancelled"
    refusal = await connector.follow_up(outcome.reference)
    assert isinstance(refusal, Refused)
    assert (refusal.reason, refusal.raw.code) == (ReasonCode.DEVICE_UNREACHABLE, "Cancelled")


async def test_an_answer_for_another_sim_is_unknown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    line, connector = bench.line(), bench.open()

    def another(body: Any, *, status: int = 200, headers: Any = None) -> JSONResponse:
        named = {"iccid": "8990010000000000999"} if body == {"iccid": line} else body
        return JSONResponse(named, status_code=status, headers=headers)

    monkeypatch.setattr("fairlead_sim.carriers.control_center._json", another)
    with pytest.raises(OutcomeUnknown, match="another SIM"):
        await connector.suspend(line)


# --- a list of changes that changes


async def walk(connector: Any, since: Cursor, between: Any = None) -> tuple[list[ProviderId], Cursor]:
    found: list[ProviderId] = []
    async for page in connector.list_changed(since=since):
        found += [sim.provider_id for sim in page.sims]
        since = page.next
        if between is not None:
            between()
            between = None
        if page.last:
            break
    return found, since


async def test_a_change_that_slips_past_a_walk_is_seen_by_the_second_look(bench: Bench) -> None:
    connector, since = bench.open(), bench.open().changes_from(bench.clock())
    lines: list[ProviderId] = []
    for _ in range(60):
        bench.clock.tick(seconds=1)
        lines.append(bench.line())
    bench.clock.tick(hours=1)

    def disturb() -> None:  # between the two pages the first of the list moves to its end
        bench.world.set_state(bench.card(lines[0]).iccid, "suspended")

    first, since = await walk(connector, since, disturb)
    assert set(lines) - set(first) == {lines[50]}
    bench.clock.tick(minutes=10)
    second, since = await walk(bench.open(), since)
    assert set(lines) <= set(first) | set(second)
    bench.clock.tick(minutes=10)
    third, _ = await walk(bench.open(), since)
    assert third == [lines[0]]  # it changed while the first walk was under way


async def test_a_walk_continues_behind_its_cursor_in_another_process(bench: Bench) -> None:
    since = bench.open().changes_from(bench.clock())
    lines = [bench.line() for _ in range(120)]
    page = await anext(bench.open().list_changed(since=since))
    assert not page.last
    rest, _ = await walk(bench.open(), page.next)
    assert {sim.provider_id for sim in page.sims} | set(rest) == set(lines)


@pytest.mark.parametrize("cursor", ["", "x", "0", "-1", "٣"])
async def test_a_cursor_that_nobody_gave_is_not_found(bench: Bench, cursor: str) -> None:
    with pytest.raises(NotFound):
        await anext(bench.open().list_sims(after=Cursor(cursor)))
    with pytest.raises(NotFound):
        await anext(bench.open().list_changed(since=Cursor(cursor)))

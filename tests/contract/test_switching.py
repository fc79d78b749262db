"""Switching a line on and off: once, whatever happens on the way."""

from datetime import timedelta

import pytest
from tests.contract.bench import STATES, Bench, away_from, done, refused

from fairlead.engine.ports.carrier import Accepted, OutcomeUnknown, ReasonCode
from fairlead.model.subscription import SubscriptionState

needs = pytest.mark.needs
each_state = pytest.mark.each_verb("activate", "suspend", "deactivate", "standby")


@each_state
async def test_twice_is_once(bench: Bench, verb: str) -> None:
    line = bench.line(away_from(verb))
    connector = bench.open()
    first = await done(bench, connector, await getattr(connector, verb)(line))
    assert (first.changed, first.observed.subscription.state) == (True, STATES[verb])
    again = await done(bench, connector, await getattr(connector, verb)(line))
    assert (again.changed, again.observed.subscription.state) == (False, STATES[verb])
    assert bench.executed(verb, line) == 1


@each_state
async def test_a_lost_reply_is_unknown_and_the_read_back_shows_it_applied(bench: Bench, verb: str) -> None:
    line = bench.line(away_from(verb))
    connector = bench.open()
    bench.fault("lose_reply", verb, at_most=1)
    with pytest.raises(OutcomeUnknown):
        await getattr(connector, verb)(line)
    bench.later(verb)
    assert (await connector.read_sim(line)).subscription.state is STATES[verb]
    assert (await done(bench, connector, await getattr(connector, verb)(line))).changed is False
    assert bench.executed(verb, line) == 1


@needs("SwitchesState", verbs=["suspend"])
@pytest.mark.parametrize("applied", [True, False])
async def test_a_5xx_on_a_write_is_unknown_either_way(bench: Bench, applied: bool) -> None:
    line = bench.line()
    connector = bench.open()
    bench.fault("server_error", "suspend", applied=applied, at_most=1)
    with pytest.raises(OutcomeUnknown):
        await connector.suspend(line)
    bench.later("suspend")
    state = (await connector.read_sim(line)).subscription.state
    assert state is (SubscriptionState.SUSPENDED if applied else SubscriptionState.ACTIVE)
    assert bench.executed("suspend", line) == int(applied)


@needs("SwitchesState", verbs=["suspend"])
async def test_a_write_that_takes_too_long_is_unknown(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open(total_s=1)
    await connector.check()
    bench.fault("slow", "suspend", delay_s=3, at_most=1)
    with pytest.raises(OutcomeUnknown):
        await connector.suspend(line)


@needs("SwitchesState", verbs=["suspend"])
async def test_nothing_is_tried_twice_behind_the_port(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    await connector.check()
    bench.fault("server_error", "suspend")
    before = bench.asked("suspend")
    with pytest.raises(OutcomeUnknown):
        await connector.suspend(line)
    assert bench.asked("suspend") - before == 1


@pytest.mark.each_verb("activate", "suspend", "deactivate")
async def test_a_refusal_is_typed_and_changes_nothing(bench: Bench, verb: str) -> None:
    line = bench.line(away_from(verb))
    connector = bench.open()
    status, code = bench.refusal
    bench.fault("refuse", verb, status=status, code=code, message="not today")
    outcome = await refused(bench, connector, await getattr(connector, verb)(line))
    assert outcome.reason is bench.reasons[status]
    assert (outcome.raw.status, outcome.raw.code) == (status, code)
    assert "not today" in outcome.detail
    assert (await connector.read_sim(line)).subscription.state.value == away_from(verb)
    assert bench.executed(verb, line) == 0


@needs("SwitchesState", refuses_by_status=True, verbs=["suspend"])
@pytest.mark.parametrize("status", [402, 403, 409, 422, 423, 418])
async def test_each_refusal_has_its_reason(bench: Bench, status: int) -> None:
    line = bench.line()
    bench.fault("refuse", "suspend", status=status)
    outcome = await refused(bench, bench.open(), await bench.open().suspend(line))
    assert outcome.reason is bench.reasons.get(status, ReasonCode.UNKNOWN)


@needs("StandsBy", verbs=["standby"], standby_by_plan=True)
async def test_a_plan_without_standby_says_unsupported(bench: Bench) -> None:
    bench.world.carriers["tr"].standby_plans = frozenset()
    connector = bench.open()
    assert (await refused(bench, connector, await connector.standby(bench.line()))).reason is ReasonCode.UNSUPPORTED


@needs("SwitchesState", verbs=["suspend"])
async def test_a_suspended_line_loses_its_session_unless_the_carrier_lets_it_run(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    connector = bench.open()
    runs_on = bench.world.carriers["tr"].suspended_passes_traffic
    end = await done(bench, connector, await connector.suspend(line))
    assert (bench.card(line).session is not None) == runs_on
    if not runs_on:
        assert not end.observed.session.online


@needs("SwitchesState", "FollowsUp", verbs=["suspend"])
async def test_a_change_that_takes_its_time_is_accepted_and_then_done(bench: Bench) -> None:
    bench.world.carriers["tr"].takes["suspended"] = timedelta(minutes=7)
    line = bench.line()
    connector = bench.open()
    begun = bench.clock()
    outcome = await connector.suspend(line)
    assert isinstance(outcome, Accepted)
    assert bench.card(line).state == "active"
    connector = bench.open()  # another process follows it up
    end = await done(bench, connector, outcome)
    assert end.observed.subscription.state is SubscriptionState.SUSPENDED
    assert bench.clock() - begun >= timedelta(minutes=7)
    assert bench.executed("suspend", line) == 1

"""Ending a line: named, guarded where the carrier guards it, and final."""

import pytest
from tests.contract.bench import Bench, done, refused

from fairlead.engine.ports.carrier import NotFound, OutcomeUnknown, ReasonCode
from fairlead.model.subscription import SubscriptionState

needs = pytest.mark.needs


@needs("Terminates")
async def test_ending_a_line_takes_its_name(bench: Bench) -> None:
    line, other = bench.line(), bench.line()
    connector = bench.open()
    iccid = (await connector.read_sim(line)).iccid
    wrong = (await connector.read_sim(other)).iccid
    await bench.endable(connector, line)
    before = bench.reached()
    assert (await refused(bench, connector, await connector.terminate(line, confirm=wrong))).reason is (
        ReasonCode.INVALID_REQUEST
    )
    assert bench.reached() - before <= bench.reads_takes  # the read; nothing was sent
    ended = await done(bench, connector, await connector.terminate(line, confirm=iccid))
    assert ended.observed.subscription.state is SubscriptionState.TERMINATED
    assert bench.card(line).state == "terminated"
    assert bench.executed("terminate", line) == 1


@needs("Terminates", "SwitchesState", forgets_the_ended=False)
async def test_an_ended_line_stays_and_does_not_come_back(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    iccid = (await connector.read_sim(line)).iccid
    await bench.endable(connector, line)
    await done(bench, connector, await connector.terminate(line, confirm=iccid))
    assert (await done(bench, connector, await connector.terminate(line, confirm=iccid))).changed is False
    assert bench.executed("terminate", line) == 1
    assert (await refused(bench, connector, await connector.activate(line))).reason is ReasonCode.CONFLICT_STATE


@needs("Terminates", forgets_the_ended=True)
async def test_an_ended_line_is_not_found_any_more(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    iccid = (await connector.read_sim(line)).iccid
    await bench.endable(connector, line)
    await done(bench, connector, await connector.terminate(line, confirm=iccid))
    with pytest.raises(NotFound):
        await connector.read_sim(line)
    with pytest.raises(NotFound):
        await connector.terminate(line, confirm=iccid)
    assert bench.executed("terminate", line) == 1


@needs("Terminates")
async def test_a_lost_reply_to_a_termination_is_unknown_and_final(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    iccid = (await connector.read_sim(line)).iccid
    await bench.endable(connector, line)
    bench.fault("lose_reply", "terminate")
    with pytest.raises(OutcomeUnknown):
        await connector.terminate(line, confirm=iccid)
    bench.later("terminate")
    try:
        assert (await connector.read_sim(line)).subscription.state is SubscriptionState.TERMINATED
    except NotFound:
        assert bench.forgets_the_ended
    assert bench.executed("terminate", line) == 1


@needs("ProtectsTermination", "Terminates")
async def test_a_protected_line_is_not_ended(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    iccid = (await connector.read_sim(line)).iccid
    assert (await refused(bench, connector, await connector.terminate(line, confirm=iccid))).reason is (
        ReasonCode.PRECONDITION
    )
    allowed = await done(bench, connector, await connector.allow_termination(line))
    assert allowed.observed.termination_allowed is True
    assert bench.executed("terminate", line) == 0


@needs("ProtectsTermination", "Terminates")
async def test_the_first_step_can_be_taken_back(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    await done(bench, connector, await connector.allow_termination(line))
    taken_back = await done(bench, connector, await connector.forbid_termination(line))
    assert taken_back.observed.termination_allowed is False
    assert (await done(bench, connector, await connector.forbid_termination(line))).changed is False
    iccid = (await connector.read_sim(line)).iccid
    assert (await refused(bench, connector, await connector.terminate(line, confirm=iccid))).reason is (
        ReasonCode.PRECONDITION
    )

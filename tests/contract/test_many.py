"""Many SIMs in one request, where a carrier has such a call."""

from datetime import timedelta
from typing import Any

import pytest
from tests.contract.bench import Bench, done

from fairlead.engine.ports.carrier import Accepted, BatchOutcome, Done, OutcomeUnknown, ProviderId, ReasonCode, Refused
from fairlead.model.subscription import SubscriptionState, Verb, capability

pytestmark = pytest.mark.needs("ChangesMany", verbs=["suspend"])
needs = pytest.mark.needs


async def settled_many(bench: Bench, connector: Any, outcome: BatchOutcome) -> dict[ProviderId, Done | Refused]:
    for _ in range(200):
        if not isinstance(outcome, Accepted):
            break
        bench.clock.at += max(outcome.check_after, timedelta(seconds=1))
        outcome = await connector.follow_many(outcome.reference)
    assert not isinstance(outcome, Accepted)
    ends: dict[ProviderId, Done | Refused] = {}
    for sim, one in outcome.items():
        ends[sim] = one if isinstance(one, Refused) else await done(bench, connector, one)
    return ends


@needs(one_spoils_all=False)
async def test_each_sim_has_its_own_end(bench: Bench) -> None:
    lines = [bench.line() for _ in range(7)]
    dead = bench.unchangeable()
    connector = bench.open()
    ends = await settled_many(bench, connector, await connector.change_many(Verb.SUSPEND, [*lines, dead]))
    assert set(ends) == {*lines, dead}
    for line in lines:
        assert isinstance(ends[line], Done), ends[line]
        assert (await connector.read_sim(line)).subscription.state is SubscriptionState.SUSPENDED
        assert (
            sum(count for (_, iccid), count in bench.fake.desk.executed.items() if iccid == bench.card(line).iccid) <= 1
        )
    assert isinstance(ends[dead], Refused)
    assert bench.asked("change_many") == 1


@needs(one_spoils_all=True)
async def test_one_that_takes_no_change_spoils_the_list_and_none_is_changed(bench: Bench) -> None:
    lines = [bench.line() for _ in range(7)]
    connector = bench.open()
    spoilt = await settled_many(
        bench, connector, await connector.change_many(Verb.SUSPEND, [*lines, bench.unchangeable()])
    )
    assert len(spoilt) == 8
    assert {one.reason for one in spoilt.values() if isinstance(one, Refused)} == {ReasonCode.PRECONDITION}
    assert bench.fake.desk.executed.total() == 0
    ends = await settled_many(bench, connector, await connector.change_many(Verb.SUSPEND, lines))
    assert all(isinstance(one, Done) for one in ends.values())
    for line in lines:
        assert (await connector.read_sim(line)).subscription.state is SubscriptionState.SUSPENDED
    assert bench.fake.desk.executed.total() == len(lines)


async def test_a_batch_is_followed_in_another_process(bench: Bench) -> None:
    lines = [bench.line() for _ in range(3)]
    outcome = await bench.open().change_many(Verb.SUSPEND, lines)
    ends = await settled_many(bench, bench.open(), outcome)
    assert all(isinstance(one, Done) for one in ends.values())


async def test_more_than_the_carrier_takes_is_not_sent(bench: Bench) -> None:
    most = capability(bench.manifest.capabilities, Verb.SUSPEND).bulk_max
    assert most > 1
    many = [ProviderId(f"{number}") for number in range(most + 1)]
    outcome = await bench.open().change_many(Verb.SUSPEND, many)
    assert not isinstance(outcome, Accepted)
    assert {one.reason for one in outcome.values() if isinstance(one, Refused)} == {ReasonCode.INVALID_REQUEST}
    assert len(outcome) == most + 1
    assert bench.asked("change_many") == 0


async def test_a_lost_reply_to_a_batch_is_unknown_and_nothing_is_sent_again(bench: Bench) -> None:
    lines = [bench.line() for _ in range(3)]
    bench.fault("lose_reply", "change_many", at_most=1)
    with pytest.raises(OutcomeUnknown):
        await bench.open().change_many(Verb.SUSPEND, lines)
    assert bench.asked("change_many") == 1
    bench.later("suspend")
    bench.clock.tick(hours=1)
    for line in lines:
        assert (await bench.open().read_sim(line)).subscription.state is SubscriptionState.SUSPENDED

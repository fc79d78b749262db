"""The carrier's budget is kept, over calls, processes and restarts."""

from datetime import timedelta

import pytest
from tests.contract.bench import Bench

from fairlead.engine.ports.carrier import Limit, RateLimited

pytestmark = pytest.mark.needs("ReadsSim", counts_requests=True)


async def test_a_429_is_passed_on_and_kept_by_the_next_call_and_the_next_process(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    await connector.check()
    asked = bench.asked("read_sim")
    bench.fault("storm", "read_sim", retry_after_s=40, at_most=1)
    with pytest.raises(RateLimited) as first:
        await connector.read_sim(line)
    assert first.value.retry_after == timedelta(seconds=40)
    reached = bench.reached()
    for door in (connector, bench.open()):
        with pytest.raises(RateLimited) as then:
            await door.read_sim(line)
        assert timedelta(seconds=39) < then.value.retry_after <= timedelta(seconds=40)
    assert bench.asked("read_sim") - asked == 1
    bench.clock.tick(seconds=41)
    await connector.read_sim(line)
    assert bench.reached() > reached


async def test_our_own_budget_keeps_us_below_the_carriers(bench: Bench) -> None:
    line = bench.line()
    throttle = bench.fake.desk.throttle
    takes = bench.reads_takes
    throttle.per_second, throttle.burst = 4 * takes, 6 * takes
    budget = {name: Limit(per_second=3 * takes, burst=3 * takes) for name in ("read", "write", "auth", "bulk")}
    waits: list[timedelta] = []
    for _ in range(3):
        connector = bench.open(limits=budget)  # a restart does not burst
        for _ in range(20):
            try:
                await connector.read_sim(line)
            except RateLimited as trouble:
                waits.append(trouble.retry_after)
                bench.clock.tick(seconds=trouble.retry_after.total_seconds() * takes)
    assert throttle.turned_away == 0
    if takes == 1:
        assert bench.asked("read_sim") == 60 - len(waits)
        assert 15 < len(waits) < 40
    else:  # a look of several requests may have begun when the budget stops it, and is begun anew
        assert 60 - len(waits) <= bench.asked("read_sim") <= 60
        assert 15 < len(waits) < 60
    assert all(timedelta(0) < wait <= timedelta(milliseconds=334) for wait in waits)

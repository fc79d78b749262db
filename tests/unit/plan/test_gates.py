"""The gate of a batch, over all counts."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.rollout import Gate
from fairlead.plan.gates import Verdict, judge

HOUR = timedelta(hours=1)
GATE = Gate(max_failed=0.1, min_verified=1, wait=24 * HOUR, bake=timedelta(0))


def verdict(
    gate: Gate = GATE,
    *,
    verified: int = 0,
    failed: int = 0,
    superseded: int = 0,
    taken_back: int = 0,
    open_moves: int = 0,
    since_opened: timedelta = HOUR,
    since_settled: timedelta | None = HOUR,
) -> Verdict:
    admitted = verified + failed + superseded + taken_back + open_moves
    return judge(
        gate,
        admitted=admitted,
        verified=verified,
        failed=failed,
        superseded=superseded,
        taken_back=taken_back,
        open_moves=open_moves,
        since_opened=since_opened,
        since_settled=since_settled,
    )


counts = st.integers(0, 40)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (verdict(verified=10), Verdict.PASS),
        (verdict(verified=9, failed=1), Verdict.PASS),  # exactly the share is allowed
        (verdict(verified=8, failed=2), Verdict.STOP),
        (verdict(failed=2, open_moves=8), Verdict.STOP),  # waiting could not make it pass any more
        (verdict(failed=1, open_moves=9), Verdict.WAIT),
        (verdict(verified=9, open_moves=1), Verdict.WAIT),
        (verdict(verified=9, open_moves=1, since_opened=24 * HOUR), Verdict.PASS),  # merely out of reach
        (verdict(open_moves=10, since_opened=48 * HOUR), Verdict.WAIT),  # nothing proved yet
        (verdict(superseded=7), Verdict.PASS),  # nobody is left to judge by
        (verdict(verified=1, superseded=9), Verdict.PASS),
        (verdict(verified=1, taken_back=9), Verdict.PASS),  # a person's wish is no failure
        (verdict(open_moves=1, taken_back=9), Verdict.WAIT),
        (verdict(verified=8, failed=2, taken_back=10), Verdict.STOP),  # and makes no failure smaller
        (verdict(taken_back=9), Verdict.EMPTIED),
        (verdict(superseded=3, taken_back=1), Verdict.EMPTIED),
        (verdict(), Verdict.PASS),  # everybody was in flight elsewhere
        (verdict(Gate(bake=2 * HOUR), verified=5), Verdict.WAIT),
        (verdict(Gate(bake=2 * HOUR), verified=5, since_settled=2 * HOUR), Verdict.PASS),
        (verdict(Gate(min_verified=5), verified=3), Verdict.PASS),  # of three, three are enough
        (verdict(Gate(min_verified=5, max_failed=0.9), verified=3, failed=7), Verdict.STOP),
        (verdict(Gate(min_verified=0, max_failed=0.9), failed=3, verified=1), Verdict.PASS),
    ],
)
def test_cases(found: Verdict, expected: Verdict) -> None:
    assert found is expected


@given(verified=counts, failed=counts, superseded=counts)
def test_a_settled_batch_is_decided_once_the_bake_is_over(verified: int, failed: int, superseded: int) -> None:
    assert verdict(verified=verified, failed=failed, superseded=superseded) is not Verdict.WAIT


@given(verified=counts, failed=counts, superseded=counts, open_moves=counts)
def test_superseded_counts_neither_way(verified: int, failed: int, superseded: int, open_moves: int) -> None:
    without = verdict(verified=verified, failed=failed, open_moves=open_moves)
    assert verdict(verified=verified, failed=failed, open_moves=open_moves, superseded=superseded) is without


@given(verified=counts, failed=counts, superseded=counts, open_moves=counts, taken_back=counts)
def test_what_a_person_took_back_counts_neither_way(
    verified: int, failed: int, superseded: int, open_moves: int, taken_back: int
) -> None:
    without = verdict(verified=verified, failed=failed, superseded=superseded, open_moves=open_moves)
    found = verdict(
        verified=verified, failed=failed, superseded=superseded, open_moves=open_moves, taken_back=taken_back
    )
    emptied = taken_back > 0 and verified + failed + open_moves == 0
    assert found is (Verdict.EMPTIED if emptied else without)


@given(verified=counts, failed=counts, open_moves=counts)
def test_one_more_failure_never_helps(verified: int, failed: int, open_moves: int) -> None:
    order = [Verdict.PASS, Verdict.WAIT, Verdict.STOP]
    before = verdict(verified=verified + 1, failed=failed, open_moves=open_moves)
    after = verdict(verified=verified, failed=failed + 1, open_moves=open_moves)
    assert order.index(after) >= order.index(before)


@given(verified=counts, failed=counts, open_moves=st.integers(1, 40))
def test_a_batch_that_was_stopped_could_not_have_passed(verified: int, failed: int, open_moves: int) -> None:
    if verdict(verified=verified, failed=failed, open_moves=open_moves) is Verdict.STOP:
        assert verdict(verified=verified + open_moves, failed=failed) is Verdict.STOP

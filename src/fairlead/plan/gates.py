"""The gate of a batch: pass, stop, or wait. Pure; the engine brings the counts."""

from datetime import timedelta
from enum import Enum

from fairlead.model.rollout import Gate


class Verdict(Enum):
    """What follows for a batch."""

    WAIT = "wait"
    PASS = "pass"  # noqa: S105 - a verdict
    STOP = "stop"
    EMPTIED = "emptied"  # people took back all there was to judge: it goes no further, and nothing failed


def judge(
    gate: Gate,
    *,
    admitted: int,
    verified: int,
    failed: int,
    superseded: int,
    taken_back: int = 0,
    open_moves: int,
    since_opened: timedelta,
    since_settled: timedelta | None,
) -> Verdict:
    """Judge a batch.

    It stops as soon as the failures alone are too many for the whole batch: waiting could not make
    it pass any more. It passes when every move is settled and the bake is over, or when the wait is
    over, enough are verified, and the rest is merely out of reach. Superseded moves count neither way,
    nor do those that a person took back (on their way or arrived; `open_moves` are without them); but where
    a person took back all that was left, nothing speaks for going on.
    """
    counted = admitted - superseded - taken_back
    if counted <= 0:
        return Verdict.EMPTIED if taken_back else Verdict.PASS
    if failed > gate.max_failed * counted:
        return Verdict.STOP
    if open_moves and since_opened < gate.wait:
        return Verdict.WAIT
    if verified < min(gate.min_verified, counted):
        return Verdict.STOP if not open_moves else Verdict.WAIT
    if since_settled is not None and since_settled < gate.bake:
        return Verdict.WAIT
    return Verdict.PASS

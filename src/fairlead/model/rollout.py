"""How a Change goes through the fleet: stages, the gate between them, what a failure does.

A stage is a percentage inside each stratum (country × carrier), so that a small country has its
own canary and its own failure. The gate judges one batch, which is one stage of one stratum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

OnFailure = Literal["rollback", "pause"]
_PERCENT = 100


class BadRollout(ValueError):
    """A rollout that cannot be run; names the field, the value and what was expected."""

    def __init__(self, pointer: str, value: object, expected: str) -> None:
        super().__init__(f"{pointer}: {value!r}; expected {expected}")
        self.pointer = pointer
        self.value = value
        self.expected = expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """When a batch has passed, and when it is stopped."""

    max_failed: float = 0.1  # share of the batch's judged moves that may fail
    min_verified: int = 1  # moves that must be verified before the next stage opens
    wait: timedelta = timedelta(hours=24)  # after this, moves not settled no longer hold the gate
    bake: timedelta = timedelta(0)  # after the last verification, before the next stage
    accept_acknowledged: bool = True  # steps whose driver declares no proof may pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """Stages in ascending percent, the last of them 100."""

    stages: tuple[int, ...] = (5, 25, 100)
    gate: Gate = field(default_factory=Gate)
    on_failure: OnFailure = "rollback"
    hold_out: int = 0  # percent of each stratum left untouched, as the group to compare with
    approvals: int = 0  # other people who must agree before it runs


def read_rollout(value: Mapping[str, Any]) -> Rollout:
    """Read the JSON shape; raises `BadRollout`."""
    known = {"stages", "gate", "on_failure", "hold_out", "approvals"}
    for key in value:
        if key not in known:
            raise BadRollout(f"/{key}", value[key], f"one of {', '.join(sorted(known))}")
    stages = value.get("stages", [5, 25, 100])
    if (
        not isinstance(stages, list)
        or not stages
        or not all(isinstance(s, int) and not isinstance(s, bool) and 0 < s <= _PERCENT for s in stages)  # pyright: ignore[reportUnknownVariableType]
        or sorted(set(stages)) != stages  # pyright: ignore[reportUnknownArgumentType]
        or stages[-1] != _PERCENT
    ):
        raise BadRollout("/stages", stages, "ascending percentages that end with 100, such as [5, 25, 100]")  # pyright: ignore[reportUnknownArgumentType]
    on_failure = value.get("on_failure", "rollback")
    if on_failure not in ("rollback", "pause"):
        raise BadRollout("/on_failure", on_failure, "rollback or pause")
    return Rollout(
        stages=tuple(stages),  # pyright: ignore[reportUnknownArgumentType]
        gate=_read_gate(value.get("gate", {})),
        on_failure=on_failure,
        hold_out=_whole("/hold_out", value.get("hold_out", 0), 0, 50),
        approvals=_whole("/approvals", value.get("approvals", 0), 0, 5),
    )


def show_rollout(rollout: Rollout) -> dict[str, Any]:
    """The JSON shape that `read_rollout` reads."""
    gate = rollout.gate
    return {
        "stages": list(rollout.stages),
        "gate": {
            "max_failed": gate.max_failed,
            "min_verified": gate.min_verified,
            "wait_s": int(gate.wait.total_seconds()),
            "bake_s": int(gate.bake.total_seconds()),
            "accept_acknowledged": gate.accept_acknowledged,
        },
        "on_failure": rollout.on_failure,
        "hold_out": rollout.hold_out,
        "approvals": rollout.approvals,
    }


def _read_gate(value: object) -> Gate:
    if not isinstance(value, Mapping):
        raise BadRollout("/gate", value, "an object")
    gate: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
    known = {"max_failed", "min_verified", "wait_s", "bake_s", "accept_acknowledged"}
    for key in gate:
        if key not in known:
            raise BadRollout(f"/gate/{key}", gate[key], f"one of {', '.join(sorted(known))}")
    share = gate.get("max_failed", 0.1)
    if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share < 1:
        raise BadRollout("/gate/max_failed", share, "a share from 0 to below 1, such as 0.1")
    accept = gate.get("accept_acknowledged", True)
    if not isinstance(accept, bool):
        raise BadRollout("/gate/accept_acknowledged", accept, "true or false")
    return Gate(
        max_failed=float(share),
        min_verified=_whole("/gate/min_verified", gate.get("min_verified", 1), 0, 1_000_000),
        wait=timedelta(seconds=_whole("/gate/wait_s", gate.get("wait_s", 86_400), 1, 90 * 86_400)),
        bake=timedelta(seconds=_whole("/gate/bake_s", gate.get("bake_s", 0), 0, 30 * 86_400)),
        accept_acknowledged=accept,
    )


def _whole(pointer: str, value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadRollout(pointer, value, f"a whole number from {low} to {high}")
    return value

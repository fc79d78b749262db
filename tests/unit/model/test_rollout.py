"""Rollouts: what is written is what is read, and what cannot be run is refused by field, value and expectation."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.rollout import BadRollout, Gate, Rollout, read_rollout, show_rollout

gates = st.builds(
    Gate,
    max_failed=st.floats(0, 0.999, allow_nan=False),
    min_verified=st.integers(0, 1_000_000),
    wait=st.integers(1, 90 * 86_400).map(lambda s: timedelta(seconds=s)),
    bake=st.integers(0, 30 * 86_400).map(lambda s: timedelta(seconds=s)),
    accept_acknowledged=st.booleans(),
)
rollouts = st.builds(
    Rollout,
    stages=st.sets(st.integers(1, 99), max_size=6).map(lambda s: (*sorted(s), 100)),
    gate=gates,
    on_failure=st.sampled_from(["rollback", "pause"]),
    hold_out=st.integers(0, 50),
    approvals=st.integers(0, 5),
)


@given(rollouts)
def test_what_is_shown_is_read_back(rollout: Rollout) -> None:
    assert read_rollout(show_rollout(rollout)) == rollout


def test_nothing_said_is_the_careful_default() -> None:
    assert read_rollout({}) == Rollout()
    assert Rollout().stages == (5, 25, 100)


@pytest.mark.parametrize(
    ("given_", "pointer", "value"),
    [
        ({"stage": [100]}, "/stage", [100]),
        ({"stages": []}, "/stages", []),
        ({"stages": "all"}, "/stages", "all"),
        ({"stages": [10, 5, 100]}, "/stages", [10, 5, 100]),
        ({"stages": [5, 5, 100]}, "/stages", [5, 5, 100]),
        ({"stages": [5, 50]}, "/stages", [5, 50]),
        ({"stages": [0, 100]}, "/stages", [0, 100]),
        ({"stages": [5, 101]}, "/stages", [5, 101]),
        ({"stages": [5.5, 100]}, "/stages", [5.5, 100]),
        ({"stages": [True, 100]}, "/stages", [True, 100]),
        ({"on_failure": "hope"}, "/on_failure", "hope"),
        ({"hold_out": 51}, "/hold_out", 51),
        ({"hold_out": True}, "/hold_out", True),
        ({"approvals": -1}, "/approvals", -1),
        ({"approvals": "two"}, "/approvals", "two"),
        ({"gate": []}, "/gate", []),
        ({"gate": {"max_fail": 0.1}}, "/gate/max_fail", 0.1),
        ({"gate": {"max_failed": 1}}, "/gate/max_failed", 1),
        ({"gate": {"max_failed": -0.1}}, "/gate/max_failed", -0.1),
        ({"gate": {"max_failed": True}}, "/gate/max_failed", True),
        ({"gate": {"wait_s": 0}}, "/gate/wait_s", 0),
        ({"gate": {"bake_s": 1.5}}, "/gate/bake_s", 1.5),
        ({"gate": {"accept_acknowledged": 1}}, "/gate/accept_acknowledged", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_by_name(given_: dict[str, Any], pointer: str, value: object) -> None:
    with pytest.raises(BadRollout) as refused:
        read_rollout(given_)
    assert (refused.value.pointer, refused.value.value) == (pointer, value)
    assert refused.value.expected in str(refused.value)


def test_not_a_number_is_no_share() -> None:
    with pytest.raises(BadRollout, match="/gate/max_failed"):
        read_rollout({"gate": {"max_failed": float("nan")}})

"""The state tables: closed, ended where they must end, walked at random, and honest about what may not follow."""

from collections.abc import Mapping
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.lifecycle import (
    BATCH,
    CHANGE,
    DEVICE,
    FINDING,
    HOLD,
    MOVE,
    OPEN_MOVE,
    OPERATION,
    SETTLED_OPERATION,
    SHIPMENT,
    BatchState,
    ChangeState,
    DeviceState,
    FindingState,
    HoldState,
    IllegalTransition,
    MoveState,
    OperationState,
    ShipmentState,
    name,
    step,
)

Table = Mapping[IntEnum, frozenset[IntEnum]]
TABLES: dict[str, tuple[Table, type[IntEnum], IntEnum]] = {
    "change": (CHANGE, ChangeState, ChangeState.DRAFT),
    "batch": (BATCH, BatchState, BatchState.OPEN),
    "move": (MOVE, MoveState, MoveState.WAITING),
    "operation": (OPERATION, OperationState, OperationState.PENDING),
    "shipment": (SHIPMENT, ShipmentState, ShipmentState.DRAFT),
    "device": (DEVICE, DeviceState, DeviceState.MANUFACTURED),
    "finding": (FINDING, FindingState, FindingState.OPEN),
}
ENDS = {
    "change": {ChangeState.CLOSED, ChangeState.ABORTED},
    "batch": {BatchState.ROLLED_BACK},
    "move": {MoveState.UNDONE, MoveState.SUPERSEDED},
    "operation": set(SETTLED_OPERATION),
    "shipment": {ShipmentState.ARRIVED, ShipmentState.CANCELLED},
    "device": {DeviceState.RETIRED},
    "finding": {FindingState.CLOSED},
}
every_table = pytest.mark.parametrize("which", TABLES)


def reachable(table: Table, start: IntEnum) -> set[IntEnum]:
    seen, front = {start}, [start]
    while front:
        for then in table[front.pop()] - seen:
            seen.add(then)
            front.append(then)
    return seen


@every_table
def test_every_state_has_a_row_and_can_be_reached(which: str) -> None:
    table, states, start = TABLES[which]
    assert set(table) == set(states)
    assert reachable(table, start) == set(states)


@every_table
def test_exactly_the_named_states_are_ends_and_from_everywhere_one_is_reached(which: str) -> None:
    table, states, _ = TABLES[which]
    assert {s for s in states if not table[s]} == ENDS[which]
    assert all(reachable(table, s) & ENDS[which] for s in states)


@every_table
def test_no_state_follows_itself(which: str) -> None:
    table, _, _ = TABLES[which]
    assert all(s not in then for s, then in table.items())


@every_table
@given(data=st.data())
def test_steps_are_those_of_the_table_and_no_others(which: str, data: st.DataObject) -> None:
    table, states, start = TABLES[which]
    now = start
    for _ in range(12):
        then = data.draw(st.sampled_from(list(states)))
        if then in table[now]:
            now = step(table, now, then)
            assert now is then
        else:
            with pytest.raises(IllegalTransition, match=f"{now.name} cannot become {then.name}"):
                step(table, now, then)


def test_numbers_are_those_of_the_columns() -> None:
    """They are in databases and in SQL: they never change meaning."""
    assert [s.value for s in ChangeState] == list(range(1, 10))
    assert (ChangeState.RUNNING, ChangeState.PAUSED, ChangeState.STANDING, ChangeState.ABORTED) == (4, 5, 7, 9)
    assert (BatchState.OPEN, BatchState.ROLLING_BACK) == (1, 4)
    assert [s.value for s in MoveState] == list(range(1, 9))
    assert (MoveState.VERIFIED, MoveState.UNDOING, MoveState.SUPERSEDED) == (3, 5, 7)
    assert [s.value for s in OperationState] == list(range(1, 11))
    assert (OperationState.VERIFIED, OperationState.SUPERSEDED, OperationState.UNKNOWN) == (5, 9, 10)
    assert (FindingState.OPEN, FindingState.ACKNOWLEDGED, FindingState.CLOSED) == (1, 2, 3)


def test_what_is_settled_stays_and_what_is_open_goes_on() -> None:
    assert all(not OPERATION[s] for s in SETTLED_OPERATION)
    assert all(MOVE[s] for s in OPEN_MOVE)
    assert OperationState.UNKNOWN not in SETTLED_OPERATION


def test_a_lost_answer_is_never_sent_again_as_it_is() -> None:
    """Unknown ends by a read-back or a person only; pending again is a bulk action's line that a look showed as it was.

    That nothing but a look leads there: tests/store/test_bulk_faults.py.
    """
    assert OPERATION[OperationState.UNKNOWN] == {
        OperationState.PENDING,
        OperationState.VERIFIED,
        OperationState.FAILED,
        OperationState.ACKNOWLEDGED,
    }


def test_names_as_people_read_them() -> None:
    assert name(BatchState.ROLLING_BACK) == "rolling-back"
    assert name(ChangeState.STANDING) == "standing"


def test_a_hold_is_always_over_in_the_end_and_may_begin_anew() -> None:
    assert set(HOLD) == set(HoldState)
    assert reachable(HOLD, HoldState.CROSSED) == set(HoldState)
    assert all(HoldState.OVER in reachable(HOLD, state) for state in HoldState)
    assert HOLD[HoldState.OVER] == {HoldState.CROSSED}
    assert [int(state) for state in HoldState] == [1, 2, 3, 4, 5, 6, 7]  # the numbers of `usage_hold`

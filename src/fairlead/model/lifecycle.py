"""The states of what moves, as tables: Change, Batch, Move, Operation, Shipment, Device, Finding.

Each table says which state may follow which. The engine asks `allowed` before it writes; the
diagrams in docs/states.md are generated from here (tools/statedoc.py). The numbers are those of
the database columns, so they never change meaning.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, TypeVar


class ChangeState(IntEnum):
    """One edit of what should be, and its way through the fleet."""

    DRAFT = 1
    PLANNED = 2
    APPROVED = 3
    RUNNING = 4
    PAUSED = 5
    SETTLED = 6
    STANDING = 7
    CLOSED = 8
    ABORTED = 9


class BatchState(IntEnum):
    """One stage of one stratum: what opens, is judged and rolls back as one."""

    OPEN = 1
    PASSED = 2
    STOPPED = 3
    ROLLING_BACK = 4
    ROLLED_BACK = 5


class MoveState(IntEnum):
    """One subject's share of a Change; verified or undone as one."""

    WAITING = 1
    RUNNING = 2
    VERIFIED = 3
    FAILED = 4
    UNDOING = 5
    UNDONE = 6
    SUPERSEDED = 7
    STUCK = 8


class TakenBackBy(IntEnum):
    """Who sent a Move back. What a person took back says nothing about the Change: gates do not count it."""

    ITSELF = 1  # a step of it failed
    GATE = 2
    PERSON = 3


class BulkState(IntEnum):
    """One verb asked of many lines."""

    WAITING = 1  # for another person's approval
    RUNNING = 2
    PAUSED = 3
    DONE = 4  # every line has its result
    CANCELLED = 5  # what had not left us is dropped; what had is settled as always


class OperationState(IntEnum):
    """One step by one driver on one subject."""

    PENDING = 1
    DISPATCHED = 2
    DELIVERED = 3
    ACKNOWLEDGED = 4
    VERIFIED = 5
    FAILED = 6
    REFUSED = 7
    EXPIRED = 8
    SUPERSEDED = 9
    UNKNOWN = 10


class ShipmentState(IntEnum):
    """Devices on their way to a country."""

    DRAFT = 1
    REFUSED = 2  # the last check found what stops it
    READY = 3  # the last check found nothing that stops it, or somebody let it pass
    LEFT = 4  # out of the warehouse
    ARRIVED = 5  # every device was seen in the country it was sent to
    CANCELLED = 6


class DeviceState(IntEnum):
    """The life of a device."""

    MANUFACTURED = 1
    BOOTSTRAPPED = 2
    ACTIVE = 3
    QUARANTINED = 4
    RETIRED = 5


class FindingState(IntEnum):
    """What insight concluded, and whether somebody looks after it."""

    OPEN = 1
    ACKNOWLEDGED = 2  # somebody knows
    CLOSED = 3  # the condition is over, or a person said so; seen again it is another finding


class HoldState(IntEnum):
    """A line that crossed a usage rule's measure, and what was done about it."""

    CROSSED = 1  # told
    WAITING = 2  # for a person
    ACTING = 3
    HELD = 4
    GOING_BACK = 5
    OVER = 6
    NOT_DONE = 7


_S = TypeVar("_S", bound=IntEnum)

C, B, M, O, D = ChangeState, BatchState, MoveState, OperationState, DeviceState  # noqa: E741 - initials of the nouns

CHANGE: Final[Mapping[ChangeState, frozenset[ChangeState]]] = {
    C.DRAFT: frozenset({C.PLANNED, C.ABORTED}),
    C.PLANNED: frozenset({C.APPROVED, C.ABORTED}),
    C.APPROVED: frozenset({C.RUNNING, C.ABORTED}),
    C.RUNNING: frozenset({C.PAUSED, C.SETTLED, C.ABORTED}),
    C.PAUSED: frozenset({C.RUNNING, C.STANDING, C.CLOSED, C.ABORTED}),  # closed: it had settled
    C.SETTLED: frozenset({C.STANDING, C.CLOSED}),
    C.STANDING: frozenset({C.CLOSED, C.PAUSED}),
    C.CLOSED: frozenset(),
    C.ABORTED: frozenset(),
}
BATCH: Final[Mapping[BatchState, frozenset[BatchState]]] = {
    B.OPEN: frozenset({B.PASSED, B.STOPPED, B.ROLLING_BACK}),
    B.PASSED: frozenset({B.ROLLING_BACK}),
    B.STOPPED: frozenset({B.ROLLING_BACK}),
    B.ROLLING_BACK: frozenset({B.ROLLED_BACK}),
    B.ROLLED_BACK: frozenset(),
}
MOVE: Final[Mapping[MoveState, frozenset[MoveState]]] = {
    M.WAITING: frozenset({M.RUNNING, M.VERIFIED, M.SUPERSEDED, M.UNDOING, M.UNDONE}),  # verified: nothing to be done
    M.RUNNING: frozenset({M.VERIFIED, M.FAILED, M.UNDOING, M.SUPERSEDED}),  # overtaken by a declared emergency only
    M.VERIFIED: frozenset({M.UNDOING, M.SUPERSEDED}),
    M.FAILED: frozenset({M.UNDOING, M.UNDONE}),
    M.UNDOING: frozenset({M.UNDONE, M.STUCK, M.SUPERSEDED}),
    M.UNDONE: frozenset(),
    M.SUPERSEDED: frozenset(),
    M.STUCK: frozenset({M.UNDOING, M.UNDONE}),
}
BULK: Final[Mapping[BulkState, frozenset[BulkState]]] = {
    BulkState.WAITING: frozenset({BulkState.RUNNING, BulkState.CANCELLED}),
    BulkState.RUNNING: frozenset({BulkState.PAUSED, BulkState.DONE, BulkState.CANCELLED}),
    BulkState.PAUSED: frozenset({BulkState.RUNNING, BulkState.CANCELLED}),
    BulkState.DONE: frozenset(),
    BulkState.CANCELLED: frozenset(),
}
OPERATION: Final[Mapping[OperationState, frozenset[OperationState]]] = {
    O.PENDING: frozenset({O.DISPATCHED, O.SUPERSEDED, O.EXPIRED}),
    O.DISPATCHED: frozenset(
        # PENDING again: the carrier was too busy or out of reach, and nothing was applied
        {O.PENDING, O.DELIVERED, O.ACKNOWLEDGED, O.VERIFIED, O.FAILED, O.REFUSED, O.EXPIRED, O.SUPERSEDED, O.UNKNOWN}
    ),
    O.DELIVERED: frozenset({O.ACKNOWLEDGED, O.VERIFIED, O.FAILED, O.EXPIRED, O.SUPERSEDED, O.UNKNOWN}),
    O.ACKNOWLEDGED: frozenset(  # refused, unknown: said later, by what the carrier gave to ask again with
        {O.VERIFIED, O.FAILED, O.REFUSED, O.EXPIRED, O.SUPERSEDED, O.UNKNOWN}
    ),
    # PENDING again: somebody looked, and it was not applied
    O.UNKNOWN: frozenset({O.PENDING, O.VERIFIED, O.FAILED, O.ACKNOWLEDGED}),
    O.VERIFIED: frozenset(),
    O.FAILED: frozenset(),
    O.REFUSED: frozenset(),
    O.EXPIRED: frozenset(),
    O.SUPERSEDED: frozenset(),
}
SHIPMENT: Final[Mapping[ShipmentState, frozenset[ShipmentState]]] = {
    ShipmentState.DRAFT: frozenset({ShipmentState.REFUSED, ShipmentState.READY, ShipmentState.CANCELLED}),
    ShipmentState.REFUSED: frozenset({ShipmentState.READY, ShipmentState.CANCELLED}),
    ShipmentState.READY: frozenset({ShipmentState.REFUSED, ShipmentState.LEFT, ShipmentState.CANCELLED}),
    ShipmentState.LEFT: frozenset({ShipmentState.ARRIVED}),
    ShipmentState.ARRIVED: frozenset(),
    ShipmentState.CANCELLED: frozenset(),
}
DEVICE: Final[Mapping[DeviceState, frozenset[DeviceState]]] = {
    D.MANUFACTURED: frozenset({D.BOOTSTRAPPED, D.ACTIVE, D.RETIRED}),
    D.BOOTSTRAPPED: frozenset({D.ACTIVE, D.RETIRED}),
    D.ACTIVE: frozenset({D.QUARANTINED, D.RETIRED}),
    D.QUARANTINED: frozenset({D.ACTIVE, D.RETIRED}),
    D.RETIRED: frozenset(),
}
FINDING: Final[Mapping[FindingState, frozenset[FindingState]]] = {
    FindingState.OPEN: frozenset({FindingState.ACKNOWLEDGED, FindingState.CLOSED}),
    FindingState.ACKNOWLEDGED: frozenset({FindingState.CLOSED}),
    FindingState.CLOSED: frozenset(),
}

_H = HoldState
HOLD: Final[Mapping[HoldState, frozenset[HoldState]]] = {
    _H.CROSSED: frozenset({_H.WAITING, _H.ACTING, _H.NOT_DONE, _H.OVER}),
    _H.WAITING: frozenset({_H.ACTING, _H.OVER}),
    _H.ACTING: frozenset({_H.HELD, _H.NOT_DONE, _H.OVER}),
    _H.HELD: frozenset({_H.GOING_BACK, _H.OVER}),
    _H.GOING_BACK: frozenset({_H.HELD, _H.OVER}),
    _H.OVER: frozenset({_H.CROSSED}),
    _H.NOT_DONE: frozenset({_H.CROSSED, _H.OVER}),
}

SETTLED_OPERATION: Final = frozenset({O.VERIFIED, O.FAILED, O.REFUSED, O.EXPIRED, O.SUPERSEDED})
ON_ITS_WAY: Final = frozenset({C.DRAFT, C.PLANNED, C.APPROVED, C.RUNNING, C.PAUSED, C.SETTLED})
"""Not ended; a Change that stands has arrived, and moves nobody until somebody enters."""
OPEN_MOVE: Final = frozenset({M.WAITING, M.RUNNING, M.UNDOING})


class IllegalTransition(RuntimeError):
    """A state was asked to follow one that it may not follow: a fault of ours, never of the input."""


def step(table: Mapping[_S, frozenset[_S]], now: _S, then: _S) -> _S:
    """`then`, if the table lets it follow `now`; raises `IllegalTransition` otherwise."""
    if then not in table[now]:
        raise IllegalTransition(f"{type(now).__name__}: {now.name} cannot become {then.name}")
    return then


def name(state: IntEnum) -> str:
    """The state as people read it: `rolling-back`."""
    return state.name.lower().replace("_", "-")

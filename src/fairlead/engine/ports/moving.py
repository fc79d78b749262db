"""What the engine needs from the store to carry Changes out: batches, moves, operations."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.expression import Expr
from fairlead.model.lifecycle import BatchState, ChangeState, MoveState, OperationState, TakenBackBy

# The two reasons that open a new attempt: somebody looked.
NOT_APPLIED: Final = "a read-back shows that it was not applied"
NOT_APPLIED_SAID: Final = "a person says that it was not applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A Change as it is kept."""

    id: UUID
    title: str
    kind: int  # 1 policies, 2 action
    state: ChangeState
    reason: str
    author: UUID
    plan: UUID
    rollout: Any  # the JSON of model.rollout
    salt: int
    approvals_needed: int
    emergency: bool
    created_at: datetime
    started_at: datetime | None
    settled_at: datetime | None
    waves: int
    version: int
    ends_at: datetime | None = None  # then the clock takes it back


@dataclass(frozen=True, slots=True, kw_only=True)
class DueGroup:
    """Moves that need the same thing done next."""

    change: UUID
    plan: UUID
    wave: int
    situation: int
    leg: int
    step: int
    attempt: int
    state: MoveState
    progress: str  # none held open verified failed
    begun: bool  # on the way back: the forward step of this index left us
    deadline: datetime | None
    devices: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """How a group goes on."""

    group: DueGroup
    devices: tuple[UUID, ...]
    step: int
    leg: int
    attempt: int
    state: MoveState
    next_at: datetime | None
    settled_at: datetime | None
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStart:
    """A step begins for devices of a group."""

    group: DueGroup
    devices: tuple[UUID, ...]
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierWork:
    """One operation to be done at a carrier."""

    id: UUID
    verb: str
    sim: str  # the carrier's own key of the SIM
    iccid: str  # what a final verb is confirmed with
    account: str
    change: UUID | None  # None: of a bulk action
    wave: int | None
    device: UUID | None  # None: nobody knows in which device the line is
    state: OperationState
    dispatched_at: datetime | None
    deadline: datetime
    line: UUID  # the subscription
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reference: str = ""  # what the carrier said to ask again with
    put_off: int = 0  # how often the carrier was too busy or too far
    attempt: int = 1  # of a bulk action's: more than one where a read-back showed that it had not been applied


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an operation."""

    id: UUID
    state: OperationState
    reason: str  # empty: none
    evidence: Any  # JSON list
    look_at: datetime | None = None  # house time; the carrier said not to ask before


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOperation:
    """An operation that somebody wants to settle; its row is locked."""

    id: UUID
    change: UUID | None
    device: UUID | None
    driver: str
    verb: str
    account: str  # empty: no carrier's
    state: OperationState
    last_evidence: Mapping[str, Any]  # empty: none yet


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledOperation:
    """An operation whose state was written: settled, or acknowledged on its way there."""

    operation: UUID
    change: UUID | None
    wave: int | None
    device: UUID | None
    facet: int
    generation: int
    state: OperationState
    bulk: UUID | None = None  # the bulk action it is part of; else a Change
    subject: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCount:
    """How an open batch stands."""

    change: UUID
    wave: int
    stratum: int
    stage: int
    percent: int
    state: BatchState
    admitted: int
    opened_at: datetime
    verified: int
    failed: int
    superseded: int
    taken_back: int  # by a person: neither verified nor failed
    open: int
    undoing: int  # without those that a person took back
    going_back: int  # of those, still on their way
    last_settled: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What opening a stage did."""

    admitted: int
    by_stratum: dict[int, int]
    in_flight: int  # left out, because a step of another Change is under way on them


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Moves of a Change to take back; None leaves a condition out."""

    change: UUID
    wave: int | None = None
    strata: tuple[int, ...] | None = None
    stage: int | None = None
    devices: tuple[UUID, ...] | None = None
    by: TakenBackBy = TakenBackBy.GATE


class ChangeRows(Protocol):
    """Changes and their approvals and batches."""

    async def insert(self, tx: Transaction, change: ChangeRow) -> None: ...
    async def read(self, tx: Transaction, change: UUID, *, lock: bool = False) -> ChangeRow | None: ...
    async def page(
        self, tx: Transaction, before: UUID | None, states: Collection[ChangeState], limit: int
    ) -> list[ChangeRow]: ...
    async def in_states(self, tx: Transaction, states: Sequence[ChangeState]) -> list[UUID]: ...
    async def ended(self, tx: Transaction, now: datetime) -> list[UUID]: ...
    async def set_state(self, tx: Transaction, change: UUID, state: ChangeState, now: datetime) -> None: ...
    async def next_wave(self, tx: Transaction, change: UUID) -> int: ...
    async def approve(
        self, tx: Transaction, change: UUID, principal: UUID, verdict: int, note: str, now: datetime
    ) -> None: ...
    async def approvals(self, tx: Transaction, change: UUID) -> list[dict[str, Any]]: ...
    async def latest_batches(self, tx: Transaction, change: UUID) -> dict[int, tuple[int, int, BatchState]]: ...
    async def story(self, tx: Transaction, change: UUID) -> dict[str, Any]: ...
    async def waits(self, tx: Transaction, now: datetime) -> list[tuple[UUID, int, int, int, int]]: ...
    async def admitted_since(self, tx: Transaction, change: UUID, since: datetime) -> dict[int, int]: ...
    async def waiting(
        self, tx: Transaction, policy: UUID, rule: int, kind: int, stratum: int, limit: int, now: datetime
    ) -> list[tuple[UUID, int]]: ...
    async def wait_longer(
        self, tx: Transaction, change: UUID, wave: int, policies: Sequence[UUID], until: datetime
    ) -> int: ...


class MoveRows(Protocol):
    """Moves and operations, always by the set."""

    async def open_stage(
        self,
        tx: Transaction,
        *,
        change: ChangeRow,
        owner: UUID,
        wave: int,
        stage: int,
        strata: Sequence[int],
        low: int,
        high: int,
        policies: Sequence[UUID],
        now: datetime,
        entered: bool = False,
    ) -> Opened: ...
    async def hold_out(
        self, tx: Transaction, change: ChangeRow, percent: int, rules: Sequence[tuple[UUID, int]], now: datetime
    ) -> int: ...
    async def due(self, tx: Transaction, now: datetime, limit: int) -> list[DueGroup]: ...
    async def start_shadow(self, tx: Transaction, start: StepStart, facets: Sequence[int], now: datetime) -> int: ...
    async def start_carrier(self, tx: Transaction, start: StepStart, verb: str, account: str) -> int: ...
    async def start_registry(
        self, tx: Transaction, start: StepStart, verb: str, now: datetime
    ) -> list[SettledOperation]: ...
    async def names(self, tx: Transaction, devices: Sequence[UUID]) -> list[str]: ...
    async def advance(self, tx: Transaction, advance: Advance) -> None: ...
    async def postpone(self, tx: Transaction, group: DueGroup, next_at: datetime) -> None: ...
    async def reasons(self, tx: Transaction, group: DueGroup) -> dict[UUID, str]: ...
    async def verify_facets(self, tx: Transaction, change: UUID, devices: Sequence[UUID]) -> None: ...
    async def prove(self, tx: Transaction, now: datetime) -> list[SettledOperation]: ...
    async def refuse(self, tx: Transaction, device: UUID, facet: int, reason: str, now: datetime) -> int: ...
    async def pending_accounts(self, tx: Transaction, now: datetime) -> dict[str, int]: ...
    async def take(self, tx: Transaction, account: str, limit: int, now: datetime) -> list[CarrierWork]: ...
    async def acted(
        self, tx: Transaction, works: Sequence[CarrierWork], since: datetime
    ) -> Mapping[UUID, Sequence[tuple[str, datetime]]]: ...
    async def put_off(self, tx: Transaction, until: Sequence[tuple[UUID, datetime, bool]]) -> None: ...
    async def pause_account(self, tx: Transaction, account: str, until: datetime, because: str) -> None: ...
    async def abandon(self, tx: Transaction, dispatched_before: datetime) -> list[SettledOperation]: ...
    async def doubtful(self, tx: Transaction, now: datetime, limit: int) -> list[CarrierWork]: ...
    async def operation(self, tx: Transaction, operation: UUID) -> OpenOperation | None: ...
    async def record(self, tx: Transaction, outcomes: Sequence[Outcome], now: datetime) -> list[SettledOperation]: ...
    async def batches(self, tx: Transaction) -> list[BatchCount]: ...
    async def decide(
        self, tx: Transaction, batch: BatchCount, state: BatchState, decision: Any, now: datetime
    ) -> None: ...
    async def undo(
        self,
        tx: Transaction,
        selection: Selection,
        rules: Sequence[tuple[UUID, int]],
        outcome: str,
        now: datetime,
    ) -> tuple[int, int]: ...
    async def undone_into(self, tx: Transaction) -> list[int]: ...
    async def carry_on(self, tx: Transaction, now: datetime) -> int: ...
    async def count_undo(self, tx: Transaction, selection: Selection) -> tuple[int, int, int]: ...
    async def matching(
        self,
        tx: Transaction,
        change: UUID,
        *,
        match: Expr | None,
        countries: Sequence[str],
        names: Sequence[str],
        constants: Mapping[str, str],
        now: datetime,
    ) -> list[UUID]: ...
    async def bar_rest(
        self, tx: Transaction, change: ChangeRow, stratum: int, rules: Sequence[tuple[UUID, int]], now: datetime
    ) -> int: ...

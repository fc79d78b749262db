"""What planning needs from the store: policies and revisions, situations, plans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from fairlead.engine.ports.resolving import Resolving
from fairlead.engine.ports.transaction import Transaction
from fairlead.model.expression import Expr
from fairlead.model.facet import Facet


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRow:
    """A revision of a policy as it is kept."""

    policy: UUID
    kind: str
    name: str
    standing: UUID | None  # the Change that keeps the policy standing
    number: int
    rule: int
    state: int  # 0 proposed 1 trial 2 kept 3 superseded 4 dropped
    source: str  # the resource as it was written
    digest: bytes
    removed: bool
    change: UUID | None
    kept: bool
    author: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRevision:
    """What a revision is made of."""

    policy: UUID
    resource: Mapping[str, Any]
    source: str
    digest: bytes
    removed: bool
    author: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassDocument:
    """What a class says about one facet."""

    class_id: int
    facet: Facet
    document: int
    content: Mapping[str, Any]
    reasons: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Devices that would go from one class to another."""

    from_class: int
    to_class: int
    devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the store has to know of a pair of classes to tell its situations apart."""

    from_class: int
    to_class: int
    account: str | None  # the carrier account that the network facet goes to, if it moves
    releases: bool  # whether the one that is left is released
    life: bool  # whether the device's life changes


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedSim:
    """A SIM of the devices of a situation."""

    account: str
    connector: str
    state: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """One situation as the store counted it."""

    from_class: int
    to_class: int
    stratum: int
    country: str
    carrier: str
    target: str | None
    target_connector: str
    target_present: bool
    target_state: int
    current_connector: str
    current_state: int
    reachable: bool
    life: str  # the device's state where its life changes, else empty
    sims: tuple[GroupedSim, ...]  # all of them where its life changes, else none
    devices: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SituationRow:
    """One situation as it is kept with a plan or a wave."""

    no: int
    from_class: int
    to_class: int
    stratum: int
    facts: Mapping[str, Any]
    recipe: Mapping[str, Any]
    devices: int
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A plan as it is kept."""

    id: UUID
    kind: int
    author: UUID
    created_at: datetime
    expires_at: datetime
    resources: Any
    summary: Any
    tolerance: float
    digest: bytes
    applied: UUID | None
    lasts: timedelta | None = None  # of an action: after this its Change takes itself back


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """Devices that were chosen for an action."""

    devices: tuple[UUID, ...]  # ascending
    unknown: tuple[str, ...]  # names that no device has
    left_out: Mapping[str, int]  # by state: chosen, and not open to it


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far the fleet moved under a plan."""

    planned: int
    gone: int  # planned, and not concerned any more
    come: int  # concerned, and not planned
    altered: int  # planned otherwise
    examples: tuple[UUID, ...]


class PolicyRows(Protocol):
    """Policies, revisions and the documents of classes."""

    async def named(self, tx: Transaction, kind: str, name: str) -> tuple[UUID, int | None, UUID | None] | None: ...
    async def ensure_policy(self, tx: Transaction, policy: UUID, kind: str, name: str, now: datetime) -> UUID: ...
    async def add_revision(self, tx: Transaction, revision: NewRevision, now: datetime) -> tuple[int, int]: ...
    async def live(self, tx: Transaction) -> list[RevisionRow]: ...
    async def by_rule(self, tx: Transaction, rules: Sequence[int]) -> list[RevisionRow]: ...
    async def try_revisions(self, tx: Transaction, change: UUID, rules: Sequence[int]) -> int: ...
    async def open_trial(self, tx: Transaction, policies: Sequence[UUID]) -> tuple[UUID, str] | None: ...
    async def rules_of(self, tx: Transaction, change: UUID) -> list[tuple[UUID, int]]: ...
    async def keep(self, tx: Transaction, change: UUID, *, entrants: bool = True) -> None: ...
    async def end(self, tx: Transaction, change: UUID) -> None: ...
    async def drop(self, tx: Transaction, change: UUID) -> None: ...
    async def let_go(self, tx: Transaction, change: UUID) -> None: ...
    async def without_documents(self, tx: Transaction, classes: Sequence[int]) -> dict[int, tuple[int, ...]]: ...
    async def add_documents(
        self, tx: Transaction, documents: Sequence[tuple[int, Facet, bytes, bytes, Any]]
    ) -> None: ...
    async def documents(self, tx: Transaction, classes: Sequence[int]) -> list[ClassDocument]: ...


class PlanRows(Protocol):
    """Situations and plans of the `opening` set that the transaction holds (`resolving.judge_only` makes one)."""

    def resolving(self, tx: Transaction) -> Resolving: ...
    async def merge_transitions(self, tx: Transaction, now: datetime) -> list[Pair] | None: ...
    async def opening_merged(self, tx: Transaction, pairs: Sequence[tuple[int, int]]) -> int: ...
    async def deal_with(self, tx: Transaction, pairs: Sequence[tuple[int, int]]) -> None: ...
    async def leave_transitions(self, tx: Transaction) -> None: ...
    async def set_aside(
        self, tx: Transaction, classes: Sequence[int], policies: Sequence[UUID], until: datetime, *, entered: bool
    ) -> None: ...
    async def blocked_transitions(self, tx: Transaction, change: UUID, wave: int, until: datetime) -> int: ...
    async def opening_given(
        self, tx: Transaction, devices: Sequence[UUID], from_class: Sequence[int], to_class: Sequence[int]
    ) -> int: ...
    async def select(
        self,
        tx: Transaction,
        *,
        names: Sequence[str] | None,
        match: Expr | None,
        passing: Expr,
        constants: Mapping[str, str],
        now: datetime,
    ) -> Selected: ...
    async def pairs(self, tx: Transaction) -> list[Pair]: ...
    async def accounts(self, tx: Transaction) -> Mapping[str, tuple[str, Mapping[str, Any]]]: ...
    async def group(self, tx: Transaction, targets: Sequence[Target]) -> list[Grouped]: ...
    async def keep_situations(
        self, tx: Transaction, owner: UUID, wave: int, made: Sequence[tuple[int, Any, Any]]
    ) -> None: ...
    async def situations(self, tx: Transaction, owner: UUID, wave: int) -> list[SituationRow]: ...
    async def drift(self, tx: Transaction, owner: UUID) -> Drift: ...
    async def impact(self, tx: Transaction, now: datetime) -> dict[str, Any]: ...
    async def cost(self, tx: Transaction, today: date) -> list[dict[str, Any]]: ...
    async def saves(self, tx: Transaction, owner: UUID, nos: Sequence[int], today: date) -> list[dict[str, Any]]: ...
    async def hidden(self, tx: Transaction, expr: Expr, constants: Mapping[str, str], now: datetime) -> int: ...
    async def insert_plan(self, tx: Transaction, plan: PlanRow) -> None: ...
    async def read_plan(self, tx: Transaction, plan: UUID) -> PlanRow | None: ...
    async def list_plans(self, tx: Transaction, before: UUID | None, limit: int) -> list[PlanRow]: ...
    async def mark_applied(self, tx: Transaction, plan: UUID, change: UUID) -> UUID | None: ...

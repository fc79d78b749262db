"""What stories read beyond the loop's own ports: moves, operations, facets, policy pages, members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from fairlead.engine.ports.fleet import Departments
from fairlead.engine.ports.transaction import Transaction
from fairlead.model.lifecycle import MoveState, OperationState


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichMoves:
    """Which moves of a Change are read; None: any."""

    state: MoveState | None = None
    wave: int | None = None
    stage: int | None = None
    country: str | None = None
    carrier: str | None = None
    device: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCounts:
    """How far a Change is, for lists."""

    approvals: int  # that were given
    moves: dict[str, int]  # by state


class Reading(Protocol):
    """What stories read beyond the loop's own ports."""

    async def moves(
        self, tx: Transaction, change: UUID, which: WhichMoves, after: tuple[UUID, int] | None, limit: int
    ) -> list[dict[str, Any]]: ...
    async def counts_of(self, tx: Transaction, changes: Sequence[UUID]) -> dict[UUID, ChangeCounts]: ...
    async def operations(
        self,
        tx: Transaction,
        *,
        change: UUID | None,
        device: UUID | None,
        state: OperationState | None,
        after: UUID | None,
        limit: int,
    ) -> list[dict[str, Any]]: ...
    async def standing(self, tx: Transaction, device: UUID) -> tuple[int, int, int, int] | None: ...
    async def device_exceptions(self, tx: Transaction, device: UUID) -> list[dict[str, Any]]: ...
    async def device_facets(self, tx: Transaction, device: UUID) -> list[dict[str, Any]]: ...
    async def device_moves(self, tx: Transaction, device: UUID) -> list[dict[str, Any]]: ...
    async def lift_bar(self, tx: Transaction, policy: UUID, devices: Sequence[UUID]) -> int: ...


class PolicyPages(Protocol):
    """Kept policies and their history."""

    async def page(
        self, tx: Transaction, kind: str | None, after: tuple[str, str] | None, limit: int
    ) -> list[dict[str, Any]]: ...
    async def history(self, tx: Transaction, kind: str, name: str) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A device that stands in a policy."""

    device: UUID
    name: str
    group: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """A page of them."""

    found: Sequence[Member]
    next: UUID | None
    complete: bool  # false: the time ended first


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted(Member):
    """A device that waits, is barred or held out."""

    revision: int | None  # of the policy, that it is about
    change: UUID | None
    since: datetime


class MembershipRows(Protocol):
    """Who stands in a policy, and whom something keeps out of it or in it."""

    async def members(self, tx: Transaction, *, budget_s: float) -> Mapping[tuple[str, str], int] | None: ...
    async def excepted_counts(self, tx: Transaction) -> Mapping[tuple[str, str], Mapping[int, int]]: ...
    async def in_force(
        self,
        tx: Transaction,
        policy: UUID,
        departments: Departments,
        *,
        after: UUID | None,
        limit: int,
        budget_s: float,
    ) -> Members: ...
    async def excepted(
        self,
        tx: Transaction,
        policy: UUID,
        kind: int,
        departments: Departments,
        *,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Excepted]: ...

"""What resolution needs from the store: judge devices, count combinations, write what was decided."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from fairlead.model.expression import Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRule:
    """A rule's number and the condition to judge it by."""

    rule: int
    expr: Expr
    activates: bool = False  # devices that stand outside are judged only where one of these holds


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleKey:
    """Whose rule it is, and which Change keeps it standing."""

    policy: UUID
    change: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedCombination:
    """Devices that stand, enter, leave and are excepted alike; the texts are the store's own keys."""

    from_class: int
    standing: tuple[int, ...]
    entering: tuple[int, ...]  # rules that it enters, ascending
    leaving: str  # rule numbers joined by commas
    excepted: str  # policy:kind:rule joined by commas
    devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows for a combination."""

    rules: tuple[int, ...]
    wait_in: tuple[int, ...]
    wait_out: tuple[int, ...]
    clear: tuple[UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a resolution did."""

    judged: int
    combinations: int
    moved: int  # devices whose class or stratum was written
    some: tuple[UUID, ...] = ()  # a few of the judged, where not everybody was


class Resolving(Protocol):
    """One tenant transaction's view of resolution."""

    async def scope_dirty(self, limit: int) -> int: ...
    async def everyone_dirty(self) -> bool: ...
    async def any_dirty(self) -> bool: ...
    async def sweep(self, column: str, offset: timedelta, now: datetime) -> int: ...
    async def class_of(self, sets: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], int]: ...
    async def rules_of(self, classes: Sequence[int]) -> dict[int, tuple[int, ...]]: ...
    async def judge_only(
        self,
        *,
        enter: Sequence[JudgedRule],
        decide: Callable[[CountedCombination], Verdict],
        constants: Mapping[str, str],
        now: datetime,
        devices: Sequence[UUID] | None = None,
    ) -> int: ...
    async def resolve(
        self,
        *,
        enter: Sequence[JudgedRule],
        stay: Sequence[JudgedRule],
        decide: Callable[[CountedCombination], Verdict],
        rules: Mapping[int, RuleKey],
        constants: Mapping[str, str],
        whole: bool,
        cause: str,
        now: datetime,
        timings: dict[str, float] | None = None,
    ) -> Resolved: ...

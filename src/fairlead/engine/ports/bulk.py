"""What the engine needs from the store for bulk actions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from fairlead.engine.ports.fleet import SubscriptionFilter
from fairlead.engine.ports.transaction import Transaction
from fairlead.model.lifecycle import BulkState, OperationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Which lines: by ICCID, or by a filter; what the caller may not see is never among them."""

    which: SubscriptionFilter
    iccids: tuple[str, ...] | None = None  # None: all that the filter leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesOf:
    """The chosen lines of one account."""

    account: str
    connector: str
    state: str  # in the words of the model; empty: what is shown may be from before a change of ours
    swept_at: datetime | None
    lines: int
    unable: str = ""  # why these lines do not have the verb, whatever their account can; empty: they have


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesOf:
    """What the chosen active lines of one account cost a month, in one currency."""

    account: str
    currency: str | None  # None: of those without a price
    lines: int
    priced: int
    monthly_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """A bulk action as it is kept."""

    id: UUID
    verb: str
    arguments: Mapping[str, Any]
    selected: Mapping[str, Any]
    reason: str
    state: BulkState
    author: UUID
    approver: UUID | None
    undo_of: UUID | None
    total: int
    created_at: datetime
    started_at: datetime | None
    settled_at: datetime | None
    version: int
    counts: Mapping[str, int] = field(default_factory=dict[str, int])  # lines by the state of their operation
    rule: str | None = None  # which rule asked for it, as `rule/NAME@REVISION`; None: a person


@dataclass(frozen=True, slots=True, kw_only=True)
class LineResult:
    """What became of one line."""

    operation: UUID
    iccid: str
    account: str
    device: str | None
    verb: str
    state: OperationState
    reason: str | None
    before: Mapping[str, Any]
    said: Mapping[str, Any]  # the newest evidence
    settled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """What can be asked at an account: why not, and from which states there is nothing to do."""

    account: str
    because: str  # empty: it can
    already: str | None  # lines the carrier shows in this state are left alone


class BulkRows(Protocol):
    """Bulk actions and their lines, always by the set."""

    async def chosen(self, tx: Transaction, lines: Lines, verb: str) -> list[LinesOf]: ...
    async def fees(self, tx: Transaction, lines: Lines, verb: str, today: date) -> list[FeesOf]: ...
    async def missing(self, tx: Transaction, lines: Lines) -> list[str]: ...
    async def insert(self, tx: Transaction, bulk: Bulk) -> None: ...
    async def add_lines(
        self, tx: Transaction, bulk: Bulk, lines: Lines, able: Sequence[Asks], deadline: datetime
    ) -> int: ...
    async def add_back(
        self,
        tx: Transaction,
        bulk: Bulk,
        of: UUID,
        able: Mapping[str, Sequence[str]],
        deadline: datetime,
        *,
        only: Sequence[str] | None = None,
    ) -> int: ...
    async def read(self, tx: Transaction, bulk: UUID, *, lock: bool = False) -> Bulk | None: ...
    async def page(self, tx: Transaction, below: UUID | None, limit: int) -> list[Bulk]: ...
    async def results(
        self, tx: Transaction, bulk: UUID, *, above: UUID | None, state: OperationState | None, limit: int
    ) -> list[LineResult]: ...
    async def set_state(
        self, tx: Transaction, bulk: UUID, state: BulkState, now: datetime, approver: UUID | None = None
    ) -> None: ...
    async def drop_pending(self, tx: Transaction, bulk: UUID, now: datetime) -> int: ...
    async def prolong(self, tx: Transaction, bulk: UUID, deadline: datetime) -> None: ...
    async def settle(self, tx: Transaction, now: datetime) -> list[UUID]: ...

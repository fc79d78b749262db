"""What usage rules need from the store: lines judged by the set, and what was done about those that crossed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.lifecycle import HoldState
from fairlead.model.resources import UsageRule


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAccount:
    """A carrier account, as a rule meets it."""

    name: str
    connector: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The lines of one account that a rule judged, by what came of it."""

    account: str
    lines: int
    words: Mapping[str, int]  # crossed, within, unknown, stale, gap, cannot
    oldest: datetime | None  # how far the data of those that were judged reaches at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A line beyond a measure, for those who tell of it."""

    rule: str  # its name
    revision: int
    subscription: UUID
    iccid: str
    account: str
    device: str | None
    state: HoldState
    value: int
    through: datetime
    crossed_at: datetime
    because: str | None
    revert_at: datetime | None
    together: int  # lines of the account that are beyond the rule; where they are many, this is told for all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class DueBack:
    """Lines of one bulk action whose time is up."""

    rule: str  # as the journal names it
    author: UUID
    bulk: UUID
    iccids: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done about lines."""

    state: HoldState
    bulk: UUID | None = None
    because: str = ""
    lasts: timedelta | None = None  # None: until the next month


class UsageRuleRows(Protocol):
    """Lines by the set."""

    async def accounts(self, tx: Transaction) -> list[RuleAccount]: ...
    async def judge(
        self,
        tx: Transaction,
        policy: UUID | None,
        rule: UsageRule,
        unjudged: Sequence[str],
        constants: Mapping[str, str],
        now: datetime,
    ) -> list[Judged]:
        """Note in this transaction what comes of each line; `unjudged`: accounts where it cannot be."""
        ...

    async def cross(self, tx: Transaction, policy: UUID, revision: int, now: datetime) -> int:
        """Keep who crossed, end who is within again; how many changed."""
        ...

    async def end_others(self, tx: Transaction, policies: Sequence[UUID], now: datetime) -> int:
        """End what is told of rules that are no more; lines that are held go back when their time is up."""
        ...

    async def idle(self, tx: Transaction, policy: UUID, account: str, limit: int) -> list[str]:
        """Lines that crossed, and about which nothing was done yet."""
        ...

    async def acted(self, tx: Transaction, rule: str, since: datetime) -> int:
        """Lines that a rule, in any revision, asked carriers about since then."""
        ...

    async def waits(self, tx: Transaction, rule: str, account: str) -> bool:
        """Whether a person is already asked about lines of it there."""
        ...

    async def note(self, tx: Transaction, policy: UUID, iccids: Sequence[str], done: Done) -> None:
        """Keep what was asked about these lines, or why nothing is."""
        ...

    async def follow(self, tx: Transaction, now: datetime, again_at: datetime) -> int:
        """Look at what became of what was asked; how many lines went on."""
        ...

    async def due_back(self, tx: Transaction, now: datetime, limit: int) -> list[DueBack]: ...
    async def going_back(self, tx: Transaction, of: UUID, undo: UUID, iccids: Sequence[str]) -> None: ...
    async def open(self, tx: Transaction, each: int) -> list[Crossing]:
        """Every line that is beyond a measure, or held for it."""
        ...

    async def held(self, tx: Transaction, policy: UUID) -> Mapping[str, Mapping[HoldState, int]]:
        """Lines by account and state of what was done."""
        ...

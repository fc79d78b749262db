"""What steering needs from the store: whom each list binds, how the lines stand to it, what is kept of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.expression import Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Lines that a steering matches at one account, by where their devices were last seen."""

    name: str  # of the steering
    account: str
    connector: str
    config: Mapping[str, Any]
    countries: Mapping[str, int]  # "" is nowhere
    lines: int
    of: int  # lines of the account, whatever matches them


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The list that lines of a steering should have at one account."""

    name: str
    account: str
    kind: str
    plmns: Sequence[str]
    label: str  # steering/NAME@REVISION
    since: datetime  # what a person set after this is left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Lines of a bulk action of steering that no steering matches any more."""

    bulk: UUID
    rule: str
    author: UUID
    iccids: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a rule comes to at one account, as last judged."""

    name: str
    account: str
    revision: int
    judged_at: datetime
    verdict: Mapping[str, Any]


class SteeringRows(Protocol):
    """Lines by the set."""

    async def alone(self, tx: Transaction, what: str) -> None:
        """One at a time a tenant."""
        ...

    async def fill(
        self, tx: Transaction, rules: Sequence[tuple[str, Expr]], constants: Mapping[str, str], now: datetime
    ) -> None:
        """Note in this transaction which lines each matches."""
        ...

    async def reached(self, tx: Transaction) -> list[Reached]: ...
    async def judge(self, tx: Transaction, wanted: Sequence[Wanted], retry_before: datetime) -> None:
        """Note how each line that was filled stands to its list."""
        ...

    async def standing(self, tx: Transaction) -> Mapping[tuple[str, str], Mapping[str, int]]:
        """Lines by steering and account, by how they stand."""
        ...

    async def due(self, tx: Transaction, name: str, account: str, limit: int) -> list[str]: ...
    async def left(self, tx: Transaction, limit: int) -> list[Left]: ...
    async def keep(self, tx: Transaction, kind: str, kept: Sequence[Kept]) -> None:
        """Keep these and no others of their kind."""
        ...

    async def kept(
        self,
        tx: Transaction,
        kind: str,
        after: tuple[str, str] = ("", ""),
        limit: int | None = None,
        only: str | None = None,
    ) -> list[Kept]:
        """By name and account, those behind `after`; `only`: of that name."""
        ...

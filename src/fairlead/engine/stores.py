"""The stores that the loop works with, handed over together by wiring."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from fairlead.engine.ports.moving import ChangeRows, MoveRows
from fairlead.engine.ports.planning import PlanRows, PolicyRows
from fairlead.engine.ports.transaction import Transaction, Transactions
from fairlead.model.journal import Entry

AppendLines = Callable[[Transaction, Iterable[Entry]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Everything of the store that planning and the loop need."""

    transactions: Transactions
    policies: PolicyRows
    plans: PlanRows
    changes: ChangeRows
    moves: MoveRows
    append: AppendLines  # journal lines, in the transaction of what they tell

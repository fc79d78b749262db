"""What resealing asks of the store: sealed columns, wherever they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fairlead.engine.ports.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedText:
    """One secret as it is kept, and its place within the tenant."""

    table: str
    row: str  # as `Place.row` has it
    column: str
    text: str


class SealedRows(Protocol):
    """`store.sealed.SealedStore` is one; it knows every sealed column there is."""

    async def stale(self, tx: Transaction, mark: str, *, after: SealedText | None, limit: int) -> Sequence[SealedText]:
        """Secrets that do not begin with `mark`, in a fixed order, locked until the transaction ends."""
        ...

    async def replace(self, tx: Transaction, texts: Sequence[SealedText]) -> None:
        """Write these in place of what is there."""
        ...

    async def keys(self, tx: Transaction) -> Mapping[str, int]:
        """How many secrets each key seals, by the key's name."""
        ...

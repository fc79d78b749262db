"""What the engine needs from the store for the rule of who must agree."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairlead.engine.ports.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Who must agree before something is done, beside whoever asks."""

    charges: bool = True  # another person must agree to what a carrier charges for
    changed_at: datetime | None = None  # None: the house's own, never changed
    changed_by: str = ""
    version: int = 0


class AgreementRows(Protocol):
    """The rule of each tenant."""

    async def read(self, tx: Transaction) -> Agreement:
        """As it is; the house's own where the tenant has none."""
        ...

    async def put(self, tx: Transaction, rule: Agreement) -> bool:
        """Keep it where `rule.version` still holds (0: there is none)."""
        ...

"""Who must agree, beside whoever asks: a tenant's own rule, the same for bulk actions and for Changes.

What nothing takes back always asks for another person. What a carrier charges for does so unless the tenant's owner
said that its people may decide that alone; saying so, and taking it back, leaves a line in the journal.
`plan.agreement` judges by it.
"""

from dataclasses import replace
from datetime import datetime

from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.ports.agreement import Agreement, AgreementRows
from fairlead.engine.ports.transaction import Transaction, Transactions
from fairlead.engine.stores import AppendLines
from fairlead.model.journal import Action, Subject


class HouseRule:
    """The rule of a house where no tenant can change it."""

    async def read(self, tx: Transaction) -> Agreement:
        """The house's own."""
        del tx
        return Agreement()

    async def put(self, tx: Transaction, rule: Agreement) -> bool:
        """Never."""
        del tx, rule
        return False


class Agreements:
    """The rule of every tenant."""

    def __init__(self, transactions: Transactions, rows: AgreementRows, append: AppendLines) -> None:
        self._transactions = transactions
        self._rows = rows
        self._append = append

    async def read(self, actor: Actor) -> Agreement:
        """As it is."""
        async with self._transactions.tenant(actor.tenant) as tx:
            return await self._rows.read(tx)

    async def change(
        self, actor: Actor, *, charges: bool, version: int, reason: str, now: datetime
    ) -> Agreement | None:
        """Change it; None where it was changed since `version`."""
        async with self._transactions.tenant(actor.tenant) as tx:
            before = await self._rows.read(tx)
            wanted = replace(before, charges=charges, changed_at=now, changed_by=actor.name, version=version)
            if before.version != version or not await self._rows.put(tx, wanted):
                return None
            line = entry(
                tenant=actor.tenant, at=now, actor=actor.name, action=Action.AGREEMENT_CHANGED, reason=reason,
                subject=Subject(kind="agreement", id="charges"),
                payload={"charges": "another person" if charges else "alone"},
            )  # fmt: skip
            await self._append(tx, [line])
            return await self._rows.read(tx)

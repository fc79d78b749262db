"""Keeps who must agree. Implements `engine.ports.agreement.AgreementRows`."""

from typing import Final

from fairlead.engine.ports.agreement import Agreement
from fairlead.store.database import Connection
from fairlead.store.statements import load

_SQL: Final = load("agreement")


class AgreementStore:
    """The rule of every tenant."""

    async def read(self, tx: Connection) -> Agreement:
        """As it is; the house's own where the tenant has none."""
        row = await (await tx.execute(_SQL["read"])).fetchone()
        if row is None:
            return Agreement()
        return Agreement(charges=row[0], changed_at=row[1], changed_by=row[2], version=row[3])

    async def put(self, tx: Connection, rule: Agreement) -> bool:
        """Keep it where its version still holds (0: there is none)."""
        values = {
            "charges": rule.charges, "now": rule.changed_at, "actor": rule.changed_by, "version": rule.version,
        }  # fmt: skip
        return (await tx.execute(_SQL["replace" if rule.version else "keep"], values)).rowcount == 1

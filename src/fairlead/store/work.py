"""Takes hints of work and looks whether a tenant has any: implements `engine.ports.work.WorkRows`.

Most hints are written by triggers (migration 0008), so that whoever makes work cannot forget to
say so; `hint` is for what no trigger sees.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from fairlead.model.ids import TenantId
from fairlead.store.database import Connection
from fairlead.store.statements import load

_SQL: Final = load("work")
_AT_ONCE: Final = 20_000


class WorkStore:
    """See `engine.ports.work.WorkRows`."""

    async def take(self, tx: Connection, kinds: Collection[str], now: datetime) -> list[tuple[str, TenantId]]:
        """Hints that are due, as (kind, tenant); they are gone when the transaction commits."""
        given = {"kinds": list(kinds), "now": now, "limit": _AT_ONCE}
        rows = await (await tx.execute(_SQL["take"], given)).fetchall()
        return [(kind, TenantId(tenant)) for kind, tenant in rows]

    async def owed(self, tx: Connection, tenant: TenantId, now: datetime) -> frozenset[str]:
        """What the tenant's own rows say is waiting."""
        rows = await (await tx.execute(_SQL["owed"], {"tenant": tenant, "now": now})).fetchall()
        return frozenset(kind for (kind,) in rows)


async def hint(tx: Connection, kind: str) -> None:
    """The tenant of this transaction may have work of this kind, once it commits."""
    await tx.execute(_SQL["hint"], {"kind": kind})

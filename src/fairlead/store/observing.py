"""A page of a carrier's inventory becomes subscriptions, sessions, presence and facts, by the set."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Final
from uuid import UUID

from fairlead.engine.ports.observing import Observed, SimObservation, SweptAccount
from fairlead.store.database import Connection
from fairlead.store.statements import load

SQL: Final = load("observing")
_COLUMNS: Final = tuple(field.name for field in fields(SimObservation))


class ObservationStore:
    """Implements `engine.ports.observing.ObservationRows`."""

    async def accounts(self, tx: Connection) -> list[SweptAccount]:
        """Accounts with a connector."""
        rows = await (await tx.execute(SQL["accounts_to_sweep"])).fetchall()
        return [
            SweptAccount(id=r[0], name=r[1], connector=r[2], staleness_s=r[3], home_country=r[4], swept_at=r[5])
            for r in rows
        ]

    async def page(self, tx: Connection, account: SweptAccount, sims: Sequence[SimObservation]) -> Observed:
        """Write one page; late observations change no present fact."""
        if not sims:
            return Observed(sims=0, changed=(), moved=())
        await tx.execute("drop table if exists observed, extended")
        await tx.execute(SQL["stage"])
        columns = {name: [getattr(sim, name) for sim in sims] for name in _COLUMNS}
        await tx.execute(SQL["fill"], columns | {"home": account.home_country})
        source = f"carrier/{account.name}"
        values = {"account": account.id, "name": account.name, "source": source}
        row = await (await tx.execute(SQL["may_adopt"])).fetchone()
        if row is not None and row[0]:
            await tx.execute(SQL["adopt"], values)
            await tx.execute(SQL["adopt_subscriptions"])
        await tx.execute(SQL["subscriptions"])
        await tx.execute(SQL["end_sessions"])
        await tx.execute(SQL["sessions"], values)
        await tx.execute(SQL["extend_presence"])
        await tx.execute(SQL["lengthen_presence"])
        await tx.execute(SQL["begin_presence"], values)
        await tx.execute(SQL["gone_offline"])
        rows = await (await tx.execute(SQL["places"], values)).fetchall()
        changed = tuple(r[0] for r in rows if r[1])
        if changed:
            await tx.execute(SQL["mark_dirty"], {"devices": list(changed)})
        return Observed(sims=len(sims), changed=changed, moved=tuple(r[0] for r in rows if r[2]))

    async def awaited(self, tx: Connection, limit: int) -> list[tuple[str, str]]:
        """(account, the carrier's key of the SIM) that acknowledged network operations wait to see, oldest first."""
        rows = await (await tx.execute(SQL["awaited"], {"limit": limit})).fetchall()
        return [(r[0], r[1]) for r in rows]

    async def swept(self, tx: Connection, account: UUID, now: datetime) -> None:
        """The whole inventory was read."""
        await tx.execute(SQL["swept"], {"account": account, "now": now})

    async def failing(self, tx: Connection, account: UUID, failure: str, now: datetime) -> None:
        """The inventory could not be read; since when, and why."""
        await tx.execute(SQL["failing"], {"account": account, "failure": failure, "now": now})

    async def tenants(self, tx: Connection) -> list[tuple[UUID, str]]:
        """Active tenants; read outside the walls."""
        return [(r[0], r[1]) for r in await (await tx.execute(SQL["active_tenants"])).fetchall()]

"""A page of a carrier's inventory becomes subscriptions, sessions, presence and facts, by the set."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fairlead.engine.ports.observing import Named, Observed, SimObservation, SweptAccount
from fairlead.store.database import Connection
from fairlead.store.statements import load

SQL: Final = load("observing")
HOOKS: Final = load("hooks")
_COLUMNS: Final = tuple(field.name for field in fields(SimObservation))


class ObservationStore:
    """Implements `engine.ports.observing.ObservationRows`."""

    async def accounts(self, tx: Connection) -> list[SweptAccount]:
        """Accounts with a connector."""
        rows = await (await tx.execute(SQL["accounts_to_sweep"])).fetchall()
        return [
            SweptAccount(
                id=r[0], name=r[1], connector=r[2], staleness_s=r[3], home_country=r[4], swept_at=r[5], cursor=r[6]
            )
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
        unknown, may = row or (False, False)
        if may:
            await tx.execute(SQL["adopting"])
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
        return Observed(
            sims=len(sims), changed=changed, moved=tuple(r[0] for r in rows if r[2]), left=unknown and not may
        )

    async def awaited(self, tx: Connection, limit: int) -> list[tuple[str, str]]:
        """(account, the carrier's key of the SIM) that acknowledged network operations wait to see, oldest first."""
        rows = await (await tx.execute(SQL["awaited"], {"limit": limit})).fetchall()
        return [(r[0], r[1]) for r in rows]

    async def heard(self, tx: Connection, now: datetime, each: int) -> list[tuple[str, str]]:
        """(account, the carrier's key of the SIM) of what carriers spoke of and nobody has read: `each` an account."""
        rows = await (await tx.execute(SQL["heard"], {"now": now, "each": each})).fetchall()
        return [(r[0], r[1]) for r in rows]

    async def mark(self, tx: Connection, account: UUID, named: Sequence[Named], now: datetime) -> list[UUID]:
        """Have these read soon, once however often one is named; returns the lines that are known here."""
        sims = sorted({one.sim for one in named} - {""})
        iccids = sorted({one.iccid for one in named} - {""})
        imsis = sorted({one.imsi for one in named} - {""})
        if not (sims or iccids or imsis):
            return []
        given = {"account": account, "sims": sims, "iccids": sorted({*sims, *iccids}), "imsis": imsis, "now": now}
        return [row[0] for row in await (await tx.execute(HOOKS["mark"], given)).fetchall()]

    async def looked(self, tx: Connection, account: UUID, sims: Sequence[str], asked: datetime, lag: timedelta) -> None:
        """These were read at `asked`; what was heard later, or less than `lag` before, is read again."""
        given = {"account": account, "sims": list(sims), "asked": asked, "lag": lag}
        await tx.execute(SQL["looked_again"], given)
        await tx.execute(SQL["looked"], given)

    async def swept(
        self, tx: Connection, account: UUID, now: datetime, *, heard_before: datetime, cursor: str | None
    ) -> None:
        """The whole inventory was read, with every line spoken of until `heard_before`; `cursor` goes on from there."""
        await tx.execute(SQL["swept"], {"account": account, "now": now, "cursor": cursor})
        await tx.execute(SQL["sweep_read_marks"], {"account": account, "before": heard_before})

    async def cursor(self, tx: Connection, account: UUID, cursor: str | None) -> None:
        """Changes are read as far as this; None: a whole reading must come first."""
        await tx.execute(SQL["cursor"], {"account": account, "cursor": cursor})

    async def caught_up(self, tx: Connection, account: UUID, now: datetime) -> None:
        """Changes were read to their end."""
        await tx.execute(SQL["caught_up"], {"account": account, "now": now})

    async def failing(self, tx: Connection, account: UUID, failure: str, now: datetime) -> None:
        """The inventory could not be read; since when, and why."""
        await tx.execute(SQL["failing"], {"account": account, "failure": failure, "now": now})

    async def tenants(self, tx: Connection) -> list[tuple[UUID, str]]:
        """Active tenants; read outside the walls."""
        return [(r[0], r[1]) for r in await (await tx.execute(SQL["active_tenants"])).fetchall()]

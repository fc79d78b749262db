"""Brings every secret under the current key, so that an old one can go.

The operator's command calls it after `Keyring.rotated`: tenant by tenant, in bounded batches, each
with its journal line in its own transaction, so that an interrupted run is simply run again and a
finished one finds nothing to do. What no key of this keyring opens is counted and left as it is.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from fairlead.engine.journal import entry
from fairlead.engine.ports.sealed import SealedRows, SealedText
from fairlead.engine.ports.transaction import Transactions
from fairlead.engine.sealing import CannotOpen, Place, Sealer
from fairlead.engine.stores import AppendLines
from fairlead.model.ids import TenantId
from fairlead.model.journal import Action, Subject

BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """What one tenant's run came to."""

    tenant: TenantId
    done: int
    unreadable: int  # sealed with a key that this keyring lacks, or changed since


class Resealing:
    """Seals again what another key sealed."""

    def __init__(
        self, transactions: Transactions, rows: SealedRows, sealer: Sealer, append: AppendLines, *,
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._transactions = transactions
        self._rows = rows
        self._sealer = sealer
        self._append = append
        self._clock = clock

    async def tenant(self, tenant: TenantId, *, batch: int = BATCH) -> Resealed:
        """One tenant, wholly."""
        done = unreadable = 0
        after: SealedText | None = None
        while True:
            async with self._transactions.tenant(tenant) as tx:
                found = await self._rows.stale(tx, self._sealer.mark(), after=after, limit=batch)
                fresh = [text for one in found if (text := self._fresh(tenant, one)) is not None]
                if fresh:
                    await self._rows.replace(tx, fresh)
                    line = entry(
                        tenant=tenant, at=self._clock(), actor="system/keys", action=Action.SECRET_ROTATED,
                        subject=Subject(kind="key", id=self._sealer.current), payload={"secrets": len(fresh)},
                    )  # fmt: skip
                    await self._append(tx, [line])
            done += len(fresh)
            unreadable += len(found) - len(fresh)
            if len(found) < batch:
                return Resealed(tenant=tenant, done=done, unreadable=unreadable)
            after = found[-1]

    async def keys(self, tenants: Sequence[TenantId]) -> Counter[str]:
        """How many secrets of these tenants each key seals, by the key's name."""
        used: Counter[str] = Counter()
        for tenant in tenants:
            async with self._transactions.tenant(tenant) as tx:
                used.update(await self._rows.keys(tx))
        return used

    def _fresh(self, tenant: TenantId, kept: SealedText) -> SealedText | None:
        place = Place(tenant=tenant, table=kept.table, row=kept.row, column=kept.column)
        try:
            return replace(kept, text=self._sealer.reseal(kept.text, place))
        except CannotOpen:
            return None

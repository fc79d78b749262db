"""Keeps the addresses where carriers post, and what they made us look at: implements `engine.ports.hooks.HookRows`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from fairlead.model.ids import AccountId, TenantId
from fairlead.store.database import Connection
from fairlead.store.observing import ObservationStore
from fairlead.store.statements import load

_SQL: Final = load("hooks")


class HookStore:
    """See `engine.ports.hooks.HookRows`."""

    mark = ObservationStore.mark

    async def find(self, tx: Connection, key_hash: str) -> tuple[TenantId, AccountId] | None:
        """Whose address it is; asked without a tenant."""
        row = await (await tx.execute(_SQL["find"], {"hash": key_hash})).fetchone()
        return (TenantId(row[0]), AccountId(row[1])) if row else None

    async def account_of(self, tx: Connection, account: AccountId, key_hash: str) -> str | None:
        """The account's name, where this is its address still."""
        row = await (await tx.execute(_SQL["account_of"], {"account": account, "hash": key_hash})).fetchone()
        return row[0] if row else None

    async def url(self, tx: Connection, account: AccountId) -> str | None:
        """An account's address, sealed."""
        row = await (await tx.execute(_SQL["url"], {"account": account})).fetchone()
        return row[0] if row else None

    async def make(self, tx: Connection, account: AccountId, *, key_hash: str, url: str, now: datetime) -> None:
        """Give an account this address in place of any other."""
        given = {"account": account, "hash": key_hash, "url": url, "now": now}
        for name in ("lock_account", "forget_key", "make", "remember_key", "touch_account"):
            await tx.execute(_SQL[name], given)

    async def remove(self, tx: Connection, account: AccountId, now: datetime) -> bool:
        """Take its address away; False where it had none."""
        given = {"account": account, "now": now}
        for name in ("lock_account", "forget_key"):
            await tx.execute(_SQL[name], given)
        if (await tx.execute(_SQL["remove"], given)).rowcount != 1:
            return False
        await tx.execute(_SQL["touch_account"], given)
        return True

    async def refused(self, tx: Connection, account: AccountId, now: datetime) -> None:
        """Count a delivery that proved no sender."""
        await tx.execute(_SQL["refused"], {"account": account, "now": now})

    async def first_told(
        self, tx: Connection, source: str, events: Sequence[tuple[str, bytes]], now: datetime
    ) -> frozenset[str]:
        """Which of these (id, hash of its content) were never told before; they count as told from now on."""
        if not events:
            return frozenset()
        ids, hashes = zip(*dict(events).items(), strict=True)
        given = {"source": source, "ids": list(ids), "hashes": list(hashes), "now": now}
        return frozenset(row[0] for row in await (await tx.execute(_SQL["first_told"], given)).fetchall())

    async def told(self, tx: Connection, account: AccountId, *, heard: int, repeated: int, now: datetime) -> None:
        """Count what was heard."""
        await tx.execute(_SQL["told"], {"account": account, "heard": heard, "repeated": repeated, "now": now})

    async def hurry(self, tx: Connection, lines: Sequence[UUID]) -> int:
        """Have what waits for a read-back of these lines read back now."""
        return (await tx.execute(_SQL["hurry"], {"lines": list(lines)})).rowcount if lines else 0

    async def hurry_referred(self, tx: Connection, account: str, references: Sequence[str]) -> int:
        """The same by the carrier's reference of a request."""
        if not references:
            return 0
        given = {"name": account, "references": list(references)}
        return (await tx.execute(_SQL["hurry_referred"], given)).rowcount

"""What webhooks need from the store: addresses that are found without a tenant, and what was heard there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from fairlead.engine.ports.observing import Named
from fairlead.engine.ports.transaction import Transaction
from fairlead.model.ids import AccountId, TenantId


class HookRows(Protocol):
    """`store.hooks.HookStore` is one. `key_hash` is the SHA-256 of a key in hexadecimal."""

    async def find(self, tx: Transaction, key_hash: str) -> tuple[TenantId, AccountId] | None:
        """Whose address it is; asked without a tenant."""
        ...

    async def account_of(self, tx: Transaction, account: AccountId, key_hash: str) -> str | None:
        """The account's name, where this is its address still."""
        ...

    async def url(self, tx: Transaction, account: AccountId) -> str | None:
        """An account's address, sealed."""
        ...

    async def make(self, tx: Transaction, account: AccountId, *, key_hash: str, url: str, now: datetime) -> None:
        """Give an account this address in place of any other."""
        ...

    async def remove(self, tx: Transaction, account: AccountId, now: datetime) -> bool:
        """Take its address away; False where it had none."""
        ...

    async def refused(self, tx: Transaction, account: AccountId, now: datetime) -> None:
        """Count a delivery that proved no sender."""
        ...

    async def first_told(
        self, tx: Transaction, source: str, events: Sequence[tuple[str, bytes]], now: datetime
    ) -> frozenset[str]:
        """Which of these (id, hash of its content) were never told before; they count as told from now on."""
        ...

    async def told(self, tx: Transaction, account: AccountId, *, heard: int, repeated: int, now: datetime) -> None:
        """Count what was heard."""
        ...

    async def mark(self, tx: Transaction, account: AccountId, named: Sequence[Named], now: datetime) -> list[UUID]:
        """Have these lines read soon; returns those that are known here."""
        ...

    async def hurry(self, tx: Transaction, lines: Sequence[UUID]) -> int:
        """Have what waits for a read-back of these lines read back now."""
        ...

    async def hurry_referred(self, tx: Transaction, account: str, references: Sequence[str]) -> int:
        """The same by the carrier's reference of a request."""
        ...

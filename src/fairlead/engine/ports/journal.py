"""What the engine needs from whoever keeps the journal.

`store.journal.JournalStore` implements it. Writers of other rooms do not come through here: their
own store functions call `store.journal.append` in the transaction of what they write, which is the
point of an unchained line. This port serves the sealer, readers, exports and erasure.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from fairlead.model.ids import ChangeId, TenantId
from fairlead.model.journal import Checkpoint, Entry, Head, Line, Sealed

Sign = Callable[[Checkpoint], Checkpoint]  # completes a checkpoint with key id and signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines; None leaves a condition out."""

    action: str | None = None
    actor: str | None = None
    subject_kind: str | None = None
    subject_id: str | None = None
    change: ChangeId | None = None
    since: datetime | None = None  # inclusive
    until: datetime | None = None  # exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page begins: below this line, newest first."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A line as it is kept: sealed, or still waiting for the sealer."""

    line: Line
    seq: int | None
    hash: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A sealed line with what follows it in an export."""

    sealed: Sealed
    leaves: tuple[str, ...] | None
    checkpoints: tuple[Checkpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key that signed or signs a tenant's checkpoints."""

    key_id: str
    public_key: bytes  # 32 bytes, Ed25519
    since: datetime


class JournalPort(Protocol):
    """The journal of every tenant."""

    async def prepare(self, now: datetime) -> None:
        """Make the partitions of the months around `now`."""
        ...

    async def tenants(self) -> Sequence[TenantId]:
        """All tenants that have a journal."""
        ...

    async def waiting(self, now: datetime) -> Collection[TenantId]:
        """Tenants that got lines since somebody asked last; a hint, which may be lost."""
        ...

    async def append(self, tenant: TenantId, entries: Sequence[Entry]) -> None:
        """Write lines in a transaction of their own."""
        ...

    async def seal(self, tenant: TenantId, *, at: datetime, limit: int, sign: Sign, key: PublicKey) -> int:
        """Chain up to `limit` waiting lines and sign a checkpoint over them; returns how many.

        0 when none wait or another sealer holds this tenant.
        """
        ...

    async def head(self, tenant: TenantId) -> Head:
        """Where the chain ends."""
        ...

    async def page(self, tenant: TenantId, which: Filter, *, below: Cursor | None, limit: int) -> Sequence[Kept]:
        """Lines newest first, for the journal's readers."""
        ...

    async def after(self, tenant: TenantId, seq: int, *, limit: int) -> Sequence[Kept]:
        """Sealed lines after a number, oldest first."""
        ...

    async def checkpoints(self, tenant: TenantId, *, below: int | None, limit: int) -> Sequence[Checkpoint]:
        """Checkpoints newest first; `below` is a seq."""
        ...

    async def keys(self, tenant: TenantId) -> Sequence[PublicKey]:
        """Public keys, oldest first."""
        ...

    async def add_key(self, tenant: TenantId, key: PublicKey) -> None:
        """Keep a public key; twice is once."""
        ...

    def export(
        self, tenant: TenantId, *, first_seq: int, last_seq: int, evidence: bool
    ) -> AsyncIterator[Sequence[Exported]]:
        """Sealed lines in order, in batches."""
        ...

    async def seq_of(self, tenant: TenantId, line: Line) -> int | None:
        """Where a line stands in the chain; None while it waits."""
        ...

    async def hash_at(self, tenant: TenantId, seq: int) -> bytes | None:
        """The hash of one sealed line, or None where there is none."""
        ...

    async def reveal(self, tenant: TenantId, digests: Sequence[str], *, entry: Entry) -> Mapping[str, tuple[str, str]]:
        """Personal values by digest, as (kind, value); writes the access line `entry` first."""
        ...

    async def erase(self, tenant: TenantId, *, person: UUID, entry: Callable[[int], Entry]) -> int:
        """Erase a person's values and salts; `entry` makes the line, given how many went."""
        ...

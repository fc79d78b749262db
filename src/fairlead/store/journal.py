"""Keeps the journal in PostgreSQL.

`append` is what every other store module calls, in its own transaction: a line stands or falls
with what it tells about. `JournalStore` implements `engine.ports.journal` for the sealer and for
readers. Lines are frozen by the database itself: the application may insert them unsealed and fill
seq, prev_hash and hash once; a trigger and a policy refuse anything else.
"""

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row, scalar_row

from fairlead.engine.ports.journal import Cursor, Exported, Filter, Kept, PublicKey, Sign
from fairlead.model.ids import ChangeId, TenantId
from fairlead.model.journal import (
    GENESIS,
    Checkpoint,
    Entry,
    Evidence,
    Head,
    Line,
    Sealed,
    Subject,
    canonical,
    head_after,
    read_action,
    seal,
)
from fairlead.store.database import Connection, Database
from fairlead.store.statements import load
from fairlead.store.work import WorkStore, hint

_SQL: Final = load("journal")
_EXPORT_BATCH: Final = 2_000
SEAL: Final = "seal"  # the kind of hint that somebody wrote lines
_BEHIND, _AHEAD = timedelta(days=31), timedelta(days=93)  # months kept ready around now


class SealLost(RuntimeError):
    """A line was chained by somebody else although the tenant was locked: the batch was not committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row of `journal`, as far as a statement names it."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    change: UUID | None
    reason: str
    payload: str
    personal: str
    evidence_root: bytes | None
    evidence_count: int | None
    seq: int | None = None
    prev_hash: bytes | None = None
    hash: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaves:
    line: UUID
    leaves: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """A row of `journal_checkpoint`."""

    seq: int
    head: bytes
    count: int
    at: datetime
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Personal:
    digest: str
    kind: str
    value: str


async def append(conn: Connection, entries: Iterable[Entry | Line]) -> None:
    """Insert lines, unchained, in the transaction of `conn`; a bare `Line` has nothing beside it."""
    whole = [entry if isinstance(entry, Entry) else Entry(line=entry) for entry in entries]
    personal = [_personal_row(entry, value) for entry in whole for value in entry.personal]
    evidence = [_evidence_row(entry) for entry in whole if entry.leaves is not None]
    async with conn.cursor() as cursor:
        await cursor.executemany(_text("append"), [_line_row(entry.line) for entry in whole])
        if personal:
            await cursor.executemany(_text("append_personal"), personal)
        if evidence:
            await cursor.executemany(_text("append_evidence"), evidence)
    if whole:
        await hint(conn, SEAL)


class JournalStore:
    """The journal of every tenant; see `engine.ports.journal.JournalPort`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self, now: datetime) -> None:
        """Make the partitions of the months around `now`."""
        async with self._database.nameless() as conn:
            await conn.execute(_text("prepare"), {"first": now - _BEHIND, "last": now + _AHEAD})

    async def tenants(self) -> Sequence[TenantId]:
        """All tenants that have a journal."""
        async with self._database.nameless() as conn, conn.cursor(row_factory=scalar_row) as cursor:
            return [TenantId(row) for row in await (await cursor.execute(_text("tenants"))).fetchall()]

    async def waiting(self, now: datetime) -> Collection[TenantId]:
        """Tenants that got lines since somebody asked last; asked once, they are not named again."""
        async with self._database.nameless() as conn:
            return {tenant for _, tenant in await WorkStore().take(conn, [SEAL], now)}

    async def append(self, tenant: TenantId, entries: Sequence[Entry]) -> None:
        """Write lines in a transaction of their own."""
        async with self._database.tenant(tenant) as conn:
            await append(conn, entries)

    async def seal(self, tenant: TenantId, *, at: datetime, limit: int, sign: Sign, key: PublicKey) -> int:
        """Chain up to `limit` waiting lines and sign a checkpoint over them; returns how many."""
        async with self._database.tenant(tenant) as conn:
            locked = await (await conn.execute(_text("lock"), {"tenant": tenant})).fetchone()
            if locked is None or not locked[0]:
                return 0
            lines = await _waiting(conn, tenant, limit)
            if not lines:
                return 0
            before = await _head(conn, tenant)
            sealed = seal(before, lines)
            head = head_after(before, sealed)
            await _place(conn, tenant, sealed)
            await conn.execute(_text("move_head"), {"tenant": tenant, "seq": head.seq, "hash": head.hash})
            unsigned = Checkpoint(
                tenant=tenant, seq=head.seq, head=head.hash, count=head.seq, at=at, key_id=key.key_id
            )  # fmt: skip
            await _add_key(conn, tenant, key)
            await _add_checkpoint(conn, sign(unsigned))
            return len(sealed)

    async def head(self, tenant: TenantId) -> Head:
        """Where the chain ends."""
        async with self._database.tenant(tenant) as conn:
            return await _head(conn, tenant)

    async def page(self, tenant: TenantId, which: Filter, *, below: Cursor | None, limit: int) -> Sequence[Kept]:
        """Lines newest first."""
        values: dict[str, Any] = {
            "action": which.action, "actor": which.actor, "subject_kind": which.subject_kind,
            "subject_id": which.subject_id, "change": which.change, "since": which.since, "until": which.until,
        }  # fmt: skip
        conditions = [_fragment(f"page_{name}") for name, value in values.items() if value is not None]
        if below is not None:
            conditions.append(_fragment("page_below"))
            values |= {"below_at": below.at, "below_id": below.id}
        query = _fragment("page").format(conditions=sql.SQL(" ").join(conditions))
        async with self._database.tenant(tenant) as conn, conn.cursor(row_factory=class_row(_Row)) as cursor:
            rows = await (await cursor.execute(query, values | {"tenant": tenant, "limit": limit})).fetchall()
        return [Kept(line=_line(tenant, row), seq=row.seq, hash=row.hash) for row in rows]

    async def after(self, tenant: TenantId, seq: int, *, limit: int) -> Sequence[Kept]:
        """Sealed lines after a number, oldest first."""
        values = {"tenant": tenant, "seq": seq, "limit": limit}
        async with self._database.tenant(tenant) as conn, conn.cursor(row_factory=class_row(_Row)) as cursor:
            rows = await (await cursor.execute(_text("after"), values)).fetchall()
        return [Kept(line=_line(tenant, row), seq=row.seq, hash=row.hash) for row in rows]

    async def checkpoints(self, tenant: TenantId, *, below: int | None, limit: int) -> Sequence[Checkpoint]:
        """Checkpoints newest first; `below` is a seq."""
        async with self._database.tenant(tenant) as conn:
            return await _checkpoints(conn, tenant, "checkpoints", {"below": below, "limit": limit})

    async def keys(self, tenant: TenantId) -> Sequence[PublicKey]:
        """Public keys, oldest first."""
        async with self._database.tenant(tenant) as conn, conn.cursor(row_factory=class_row(PublicKey)) as cursor:
            return await (await cursor.execute(_text("keys"), {"tenant": tenant})).fetchall()

    async def add_key(self, tenant: TenantId, key: PublicKey) -> None:
        """Keep a public key; twice is once."""
        async with self._database.tenant(tenant) as conn:
            await _add_key(conn, tenant, key)

    async def export(
        self, tenant: TenantId, *, first_seq: int, last_seq: int, evidence: bool
    ) -> AsyncIterator[Sequence[Exported]]:
        """Sealed lines in order, in batches; sealed lines never change, so each batch is a transaction of its own."""
        while first_seq <= last_seq:
            bounds = {"tenant": tenant, "first": first_seq, "last": min(last_seq, first_seq + _EXPORT_BATCH - 1)}
            async with self._database.tenant(tenant) as conn:
                batch = await _export_batch(conn, tenant, bounds, evidence=evidence)
            yield batch
            first_seq += _EXPORT_BATCH

    async def seq_of(self, tenant: TenantId, line: Line) -> int | None:
        """Where a line stands in the chain; None while it waits."""
        async with self._database.tenant(tenant) as conn:
            values = {"tenant": tenant, "at": line.at, "id": line.id}
            row = await (await conn.execute(_text("seq_of"), values)).fetchone()
            return row[0] if row else None

    async def hash_at(self, tenant: TenantId, seq: int) -> bytes | None:
        """The hash of one sealed line, or None where there is none."""
        if seq == 0:
            return GENESIS
        async with self._database.tenant(tenant) as conn:
            row = await (await conn.execute(_text("hash_at"), {"tenant": tenant, "seq": seq})).fetchone()
            return bytes(row[0]) if row else None

    async def reveal(self, tenant: TenantId, digests: Sequence[str], *, entry: Entry) -> Mapping[str, tuple[str, str]]:
        """Personal values by digest, as (kind, value); the access line stands in the same transaction."""
        async with self._database.tenant(tenant) as conn, conn.cursor(row_factory=class_row(_Personal)) as cursor:
            await append(conn, [entry])
            wanted = {"tenant": tenant, "digests": list(digests)}
            rows = await (await cursor.execute(_text("reveal"), wanted)).fetchall()
        return {row.digest: (row.kind, row.value) for row in rows}

    async def erase(self, tenant: TenantId, *, person: UUID, entry: Callable[[int], Entry]) -> int:
        """Erase a person's values and salts; `entry` makes the line, given how many went."""
        async with self._database.tenant(tenant) as conn:
            gone = (await conn.execute(_text("erase"), {"tenant": tenant, "person": person})).rowcount
            await append(conn, [entry(gone)])
        return gone


async def _waiting(conn: Connection, tenant: TenantId, limit: int) -> list[Line]:
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        rows = await (await cursor.execute(_text("waiting"), {"tenant": tenant, "limit": limit})).fetchall()
    return [_line(tenant, row) for row in rows]


async def _head(conn: Connection, tenant: TenantId) -> Head:
    row = await (await conn.execute(_text("head"), {"tenant": tenant})).fetchone()
    return Head(seq=row[0], hash=bytes(row[1])) if row else Head()


async def _place(conn: Connection, tenant: TenantId, sealed: Sequence[Sealed]) -> None:
    ats = [item.line.at for item in sealed]
    values = {
        "tenant": tenant,
        "ats": ats,
        "ids": [item.line.id for item in sealed],
        "seqs": [item.seq for item in sealed],
        "prev_hashes": [item.prev_hash for item in sealed],
        "hashes": [item.hash for item in sealed],
        "first": min(ats),
        "last": max(ats),
    }
    placed = (await conn.execute(_text("seal"), values)).rowcount
    if placed != len(sealed):
        raise SealLost(f"{placed} of {len(sealed)} lines of tenant {tenant} were still unsealed")


async def _add_key(conn: Connection, tenant: TenantId, key: PublicKey) -> None:
    values = {"tenant": tenant, "key_id": key.key_id, "public_key": key.public_key, "since": key.since}
    await conn.execute(_text("add_key"), values)


async def _add_checkpoint(conn: Connection, signed: Checkpoint) -> None:
    values = {
        "tenant": signed.tenant, "seq": signed.seq, "head": signed.head, "count": signed.count, "at": signed.at,
        "key_id": signed.key_id, "signature": signed.signature,
    }  # fmt: skip
    await conn.execute(_text("add_checkpoint"), values)


async def _checkpoints(conn: Connection, tenant: TenantId, name: str, values: Mapping[str, Any]) -> list[Checkpoint]:
    async with conn.cursor(row_factory=class_row(_Signed)) as cursor:
        rows = await (await cursor.execute(_text(name), {**values, "tenant": tenant})).fetchall()
    return [
        Checkpoint(
            tenant=tenant, seq=row.seq, head=row.head, count=row.count, at=row.at, key_id=row.key_id,
            signature=row.signature,
        )
        for row in rows
    ]  # fmt: skip


async def _export_batch(
    conn: Connection, tenant: TenantId, bounds: Mapping[str, Any], *, evidence: bool
) -> list[Exported]:
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        rows = await (await cursor.execute(_text("export"), {**bounds, "limit": _EXPORT_BATCH})).fetchall()
    signed: dict[int, list[Checkpoint]] = {}
    for checkpoint in await _checkpoints(conn, tenant, "export_checkpoints", bounds):
        signed.setdefault(checkpoint.seq, []).append(checkpoint)
    leaves: dict[UUID, tuple[str, ...]] = {}
    with_evidence = [row.id for row in rows if row.evidence_root is not None] if evidence else []
    if with_evidence:
        async with conn.cursor(row_factory=class_row(_Leaves)) as cursor:
            found = await cursor.execute(_text("export_evidence"), {"tenant": tenant, "lines": with_evidence})
            leaves = {row.line: tuple(json.loads(row.leaves)) for row in await found.fetchall()}
    return [
        Exported(
            sealed=_sealed(tenant, row),
            leaves=leaves.get(row.id),
            checkpoints=tuple(signed.get(row.seq or 0, ())),
        )
        for row in rows
    ]


def _line(tenant: TenantId, row: _Row) -> Line:
    evidence = None
    if row.evidence_root is not None and row.evidence_count is not None:
        evidence = Evidence(root=row.evidence_root, count=row.evidence_count)
    return Line(
        id=row.id, tenant=tenant, at=row.at, actor=row.actor, action=read_action(row.action),
        subject=Subject(kind=row.subject_kind, id=row.subject_id),
        change=ChangeId(row.change) if row.change else None,
        reason=row.reason, payload=row.payload, personal=json.loads(row.personal), evidence=evidence,
    )  # fmt: skip


def _sealed(tenant: TenantId, row: _Row) -> Sealed:
    return Sealed(line=_line(tenant, row), seq=row.seq or 0, prev_hash=row.prev_hash or b"", hash=row.hash or b"")


def _line_row(line: Line) -> dict[str, Any]:
    return {
        "tenant": line.tenant, "at": line.at, "id": line.id, "actor": line.actor, "action": line.action.value,
        "subject_kind": line.subject.kind, "subject_id": line.subject.id, "change": line.change,
        "reason": line.reason, "payload": line.payload, "personal": canonical(line.personal),
        "evidence_root": line.evidence.root if line.evidence else None,
        "evidence_count": line.evidence.count if line.evidence else None,
    }  # fmt: skip


def _personal_row(entry: Entry, value: Any) -> dict[str, Any]:
    return {
        "tenant": entry.line.tenant, "digest": value.digest, "salt": value.salt, "kind": value.kind,
        "value": value.value, "person": value.person, "at": entry.line.at,
    }  # fmt: skip


def _evidence_row(entry: Entry) -> dict[str, Any]:
    return {"tenant": entry.line.tenant, "line": entry.line.id, "leaves": json.dumps(entry.leaves, ensure_ascii=False)}


def _text(name: str) -> bytes:
    return _SQL[name].encode()


def _fragment(name: str) -> sql.SQL:
    return sql.SQL(_SQL[name])

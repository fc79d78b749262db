"""Policies, their revisions, and the documents that classes of them amount to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from fairlead.engine.ports.planning import ClassDocument, NewRevision, RevisionRow
from fairlead.model.facet import BY_NUMBER, Facet
from fairlead.store.database import Connection
from fairlead.store.statements import load

SQL: Final = load("policies")


class PolicyStore:
    """Implements `engine.ports.planning.PolicyRows`."""

    async def named(self, tx: Connection, kind: str, name: str) -> tuple[UUID, int | None, UUID | None] | None:
        """A policy by kind and name: id, kept number, standing Change."""
        row = await (await tx.execute(SQL["policy_named"], {"kind": kind, "name": name})).fetchone()
        return (row[0], row[1], row[2]) if row else None

    async def ensure_policy(self, tx: Connection, policy: UUID, kind: str, name: str, now: datetime) -> UUID:
        """The policy of that name, made under the given id where it is new."""
        await tx.execute(SQL["insert_policy"], {"id": policy, "kind": kind, "name": name, "now": now})
        found = await self.named(tx, kind, name)
        return found[0] if found else policy

    async def add_revision(self, tx: Connection, revision: NewRevision, now: datetime) -> tuple[int, int]:
        """Keep a proposed revision; returns its number and its rule."""
        values = {
            "policy": revision.policy,
            "resource": Jsonb(dict(revision.resource)),
            "source": revision.source,
            "digest": revision.digest,
            "removed": revision.removed,
            "author": revision.author,
            "now": now,
        }
        row = await (await tx.execute(SQL["insert_revision"], values)).fetchone()
        assert row is not None  # noqa: S101 - INSERT … RETURNING of one row
        return row[0], row[1]

    async def live(self, tx: Connection) -> list[RevisionRow]:
        """Revisions that resolution must know: kept, on trial, or still in force somewhere."""
        return [_revision(r) for r in await (await tx.execute(SQL["live_revisions"])).fetchall()]

    async def by_rule(self, tx: Connection, rules: Sequence[int]) -> list[RevisionRow]:
        """Revisions by their rule numbers."""
        rows = await (await tx.execute(SQL["revisions_by_rule"], {"rules": list(rules)})).fetchall()
        return [_revision(r) for r in rows]

    async def try_revisions(self, tx: Connection, change: UUID, rules: Sequence[int]) -> int:
        """Proposed revisions become trials of a Change."""
        return (await tx.execute(SQL["trial"], {"change": change, "rules": list(rules)})).rowcount

    async def open_trial(self, tx: Connection, policies: Sequence[UUID]) -> tuple[UUID, str] | None:
        """A Change that tries one of these policies right now, and the policy's name."""
        row = await (await tx.execute(SQL["open_trial"], {"policies": list(policies)})).fetchone()
        return (row[0], row[1]) if row else None

    async def rules_of(self, tx: Connection, change: UUID) -> list[tuple[UUID, int]]:
        """Policy and rule of each revision that a Change brought."""
        rows = await (await tx.execute(SQL["rules_of"], {"change": change})).fetchall()
        return [(r[0], r[1]) for r in rows]

    async def keep(self, tx: Connection, change: UUID, *, entrants: bool = True) -> None:
        """The Change's trials become the kept revisions and bars on older ones end.

        Everyone is looked at again where there can be `entrants`.
        """
        await tx.execute(SQL["lift_bars"], {"change": change})
        await tx.execute(SQL["keep_revisions"], {"change": change})
        if entrants:
            await tx.execute(SQL["look_at_everyone"])

    async def end(self, tx: Connection, change: UUID) -> None:
        """The Change's policies are kept no longer; they hold for the devices that stand in them, and for no other."""
        await tx.execute(SQL["end_revisions"], {"change": change})

    async def drop(self, tx: Connection, change: UUID) -> None:
        """The Change's trials end without being kept."""
        await tx.execute(SQL["drop_revisions"], {"change": change})

    async def let_go(self, tx: Connection, change: UUID) -> None:
        """The Change is closed: its policies stay as they are and take no entrants."""
        await tx.execute(SQL["let_go"], {"change": change})

    async def without_documents(self, tx: Connection, classes: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """Classes whose documents were never computed, with their rules."""
        rows = await (await tx.execute(SQL["classes_without_documents"], {"classes": list(classes)})).fetchall()
        return {r[0]: tuple(r[1]) for r in rows}

    async def add_documents(self, tx: Connection, documents: Sequence[tuple[int, Facet, bytes, bytes, Any]]) -> None:
        """Keep (class, facet, digest, canonical JSON, reasons); equal documents are kept once."""
        for class_id, facet, digest, content, reasons in documents:
            found = await tx.execute(SQL["insert_document"], {"digest": digest, "content": content.decode()})
            row = await found.fetchone()
            assert row is not None  # noqa: S101 - INSERT … RETURNING of one row
            values = {"class": class_id, "facet": facet.number, "document": row[0], "reasons": Jsonb(reasons)}
            await tx.execute(SQL["insert_class_document"], values)

    async def documents(self, tx: Connection, classes: Sequence[int]) -> list[ClassDocument]:
        """What these classes say, facet by facet."""
        rows = await (await tx.execute(SQL["class_documents"], {"classes": list(classes)})).fetchall()
        return [
            ClassDocument(class_id=r[0], facet=BY_NUMBER[r[1]], document=r[2], content=r[3], reasons=r[4]) for r in rows
        ]

    async def page(
        self, tx: Connection, kind: str | None, after: tuple[str, str] | None, limit: int
    ) -> list[dict[str, Any]]:
        """Kept policies by kind and name, those behind `after`."""
        after_kind, after_name = after or (None, None)
        values = {"kind": kind, "after_kind": after_kind, "after_name": after_name, "limit": limit}
        rows = await (await tx.execute(SQL["list_policies"], values)).fetchall()
        names = ("id", "kind", "name", "kept", "standing", "resource", "source", "created_at", "author")
        return [dict(zip(names, r, strict=True)) for r in rows]

    async def history(self, tx: Connection, kind: str, name: str) -> list[dict[str, Any]]:
        """All applied revisions of a policy, newest first."""
        rows = await (await tx.execute(SQL["history"], {"kind": kind, "name": name})).fetchall()
        names = ("number", "rule", "state", "resource", "source", "change", "author", "created_at", "removed")
        return [dict(zip(names, r, strict=True)) for r in rows]


def _revision(row: tuple[Any, ...]) -> RevisionRow:
    return RevisionRow(
        policy=row[0],
        kind=row[1],
        name=row[2],
        standing=row[3],
        number=row[4],
        rule=row[5],
        state=row[6],
        source=row[7],
        digest=row[8],
        removed=row[9],
        change=row[10],
        kept=row[11],
        author=row[12],
        created_at=row[13],
    )

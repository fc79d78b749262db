"""Keeps findings. Implements `engine.ports.findings.FindingRows`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from fairlead.engine.ports.findings import Count, Filter, Finding, Over
from fairlead.model.finding import ClosedBy, FindingSubject, Severity, Sighting, read_evidence, write_evidence
from fairlead.model.lifecycle import FindingState
from fairlead.store.database import Connection
from fairlead.store.statements import load

_SQL: Final = load("finding")
_COLUMNS: Final = sql.SQL(_SQL["columns"])
_LAST: Final = UUID(int=(1 << 128) - 1)


class FindingStore:
    """The findings of every tenant."""

    async def raise_many(self, tx: Connection, seen: Sequence[tuple[UUID, Sighting]], now: datetime) -> list[Finding]:
        """Open or refresh; returns those that are new."""
        if not seen:
            return []
        minted = {number for number, _ in seen}
        query = sql.SQL(_SQL["raise_many"]).format(columns=_COLUMNS)
        values = {"seen": Jsonb([_row(number, one) for number, one in seen]), "now": now}
        rows = await (await tx.execute(query, values)).fetchall()
        return [_finding(row) for row in rows if row[0] in minted]

    async def close_many(self, tx: Connection, over: Over, now: datetime, because: str) -> list[Finding]:
        """Close what is over; returns what was closed by this."""
        query = sql.SQL(_SQL["close_many"]).format(columns=_COLUMNS)
        values = {
            "kind": over.kind, "keys": sorted(over.keys), "others": over.others, "unseen": over.unseen_since,
            "now": now, "because": because,
        }  # fmt: skip
        return [_finding(row) for row in await (await tx.execute(query, values)).fetchall()]

    async def read(self, tx: Connection, finding: UUID, *, lock: bool = False) -> Finding | None:
        """One of them."""
        query = sql.SQL(_SQL["read"]).format(columns=_COLUMNS, lock=sql.SQL("for update" if lock else ""))
        row = await (await tx.execute(query, {"id": finding})).fetchone()
        return _finding(row) if row else None

    async def page(self, tx: Connection, which: Filter, below: UUID | None, limit: int) -> list[Finding]:
        """The newest first."""
        asked = {
            "kind": which.kind, "severity": None if which.severity is None else int(which.severity),
            "subject_kind": which.subject_kind, "subject_id": which.subject_id,
        }  # fmt: skip
        parts = [sql.SQL(_SQL[f"is_{name}"]) for name, value in asked.items() if value is not None]
        if which.state is not None:
            parts.append(sql.SQL(_SQL[f"in_{which.state}"]))
        wanted = sql.SQL(" and ").join(parts) if parts else sql.SQL("true")
        query = sql.SQL(_SQL["page"]).format(columns=_COLUMNS, wanted=wanted)
        rows = await (await tx.execute(query, asked | {"below": below or _LAST, "limit": limit})).fetchall()
        return [_finding(row) for row in rows]

    async def counts(self, tx: Connection) -> list[Count]:
        """Those that are not closed, by what tells them apart."""
        return [
            Count(state=FindingState(row[0]), severity=Severity(row[1]), kind=row[2], findings=row[3])
            for row in await (await tx.execute(_SQL["counts"])).fetchall()
        ]

    async def acknowledge(self, tx: Connection, finding: UUID, person: UUID, reason: str, now: datetime) -> None:
        """Somebody knows."""
        await tx.execute(_SQL["acknowledge"], {"id": finding, "person": person, "reason": reason, "now": now})

    async def close(self, tx: Connection, finding: UUID, person: UUID, reason: str, now: datetime) -> None:
        """A person ends it."""
        await tx.execute(_SQL["close"], {"id": finding, "person": person, "reason": reason, "now": now})


def _row(number: UUID, one: Sighting) -> dict[str, Any]:
    return {
        "id": str(number), "kind": one.kind, "severity": int(one.severity), "subject_kind": one.subject.kind,
        "subject_id": one.subject.id, "subject_name": one.subject.name, "key": one.dedupe, "title": one.title,
        "evidence": write_evidence(one.evidence), "score": one.score,
    }  # fmt: skip


def _finding(row: tuple[Any, ...]) -> Finding:
    return Finding(
        id=row[0], kind=row[1], severity=Severity(row[2]),
        subject=FindingSubject(kind=row[3], id=row[4], name=row[5]), key=row[6], title=row[7],
        evidence=read_evidence(row[8]), score=row[9], state=FindingState(row[10]), opened_at=row[11],
        last_seen_at=row[12], sightings=row[13], acknowledged_at=row[14], acknowledged_by=row[15],
        acknowledged_because=row[16], closed_at=row[17], closed_by=None if row[18] is None else ClosedBy(row[18]),
        closer=row[19], closed_because=row[20],
    )  # fmt: skip

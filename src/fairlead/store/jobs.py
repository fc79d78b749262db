"""Keeps jobs, and the answers of requests that may be repeated, in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from fairlead.engine.ports.jobs import Job, JobState, Kept
from fairlead.model.ids import JobId, PrincipalId, TenantId
from fairlead.store.database import Database
from fairlead.store.statements import load

_SQL: Final = load("jobs")
_LAST: Final = UUID(int=(1 << 128) - 1)
KEPT_FOR: Final = timedelta(hours=24)


class JobStore:
    """The jobs of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, tenant: TenantId, job: Job) -> None:
        """Keep a new job."""
        values = {
            "tenant": tenant, "id": job.id, "kind": job.kind, "total": job.total, "author": job.author,
            "now": job.created_at,
        }  # fmt: skip
        await self._write(tenant, "create", values)

    async def progress(self, tenant: TenantId, job: JobId, *, done: int, total: int | None, now: datetime) -> None:
        """Say how far a running job is; this is also its sign of life."""
        await self._write(tenant, "progress", {"id": job, "done": done, "total": total, "now": now})

    async def finish(
        self, tenant: TenantId, job: JobId, *, state: JobState, result: Mapping[str, Any] | None,
        attention: str | None, now: datetime,
    ) -> None:  # fmt: skip
        """End a job that runs."""
        values = {
            "id": job, "state": int(state), "result": Jsonb(result) if result is not None else None,
            "attention": attention, "now": now,
        }  # fmt: skip
        await self._write(tenant, "finish", values)

    async def get(self, tenant: TenantId, job: JobId) -> Job | None:
        """One job."""
        async with self._database.tenant(tenant) as conn:
            row = await (await conn.execute(_SQL["get"], {"id": job})).fetchone()
        return _job(row) if row else None

    async def page(self, tenant: TenantId, *, below: JobId | None, limit: int) -> Sequence[Job]:
        """Jobs, newest first."""
        async with self._database.tenant(tenant) as conn:
            found = await conn.execute(_SQL["page"], {"below": below or _LAST, "limit": limit})
            return [_job(row) for row in await found.fetchall()]

    async def _write(self, tenant: TenantId, name: str, values: Mapping[str, Any]) -> None:
        async with self._database.tenant(tenant) as conn:
            await conn.execute(_SQL[name], values)


class RepeatStore:
    """Answers by idempotency key, kept for 24 hours."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, tenant: TenantId, key: str, request_hash: bytes, *, now: datetime) -> Kept | None:
        """Take the key for this request (None), or give what is kept under it."""
        values = {"tenant": tenant, "key": key, "hash": request_hash, "now": now, "oldest": now - KEPT_FOR}
        async with self._database.tenant(tenant) as conn:
            if await (await conn.execute(_SQL["take_key"], values)).fetchone():
                return None
            row = await (await conn.execute(_SQL["kept"], {"key": key})).fetchone()
        if row is None:  # given back in between: the caller may try again
            return Kept(same=True, status=None, body=b"", media_type="")
        held, status, body, media_type = row
        return Kept(
            same=bytes(held) == request_hash, status=status, body=bytes(body or b""), media_type=media_type or ""
        )

    async def finish(self, tenant: TenantId, key: str, *, status: int, body: bytes, media_type: str) -> None:
        """Keep the answer."""
        values = {"key": key, "status": status, "body": body, "media_type": media_type}
        async with self._database.tenant(tenant) as conn:
            await conn.execute(_SQL["keep"], values)

    async def drop(self, tenant: TenantId, key: str) -> None:
        """Give the key back: the request failed in a way that may pass."""
        async with self._database.tenant(tenant) as conn:
            await conn.execute(_SQL["drop_key"], {"key": key})

    async def forget(self, tenant: TenantId, *, now: datetime) -> int:
        """Drop answers older than a day; returns how many. Called hourly."""
        async with self._database.tenant(tenant) as conn:
            return (await conn.execute(_SQL["forget_keys"], {"oldest": now - KEPT_FOR})).rowcount


def _job(row: tuple[Any, ...]) -> Job:
    return Job(
        id=JobId(row[0]), kind=row[1], state=JobState(row[2]), done=row[3], total=row[4], result=row[5],
        attention=row[6], author=PrincipalId(row[7]), created_at=row[8], updated_at=row[9],
    )  # fmt: skip

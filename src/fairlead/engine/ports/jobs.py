"""What long work and repeated requests need from the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol

from fairlead.model.ids import JobId, PrincipalId, TenantId


class JobState(IntEnum):
    """Where a job is."""

    RUNNING = 1
    DONE = 2
    FAILED = 3
    CANCELLED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Long work that somebody asked for and may look at."""

    id: JobId
    kind: str
    state: JobState
    done: int  # of `total`, in the job's own unit (rows)
    total: int | None  # None: not known
    result: Mapping[str, Any] | None  # what it answers once it is done
    attention: str | None  # why it failed
    author: PrincipalId
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept under an idempotency key."""

    same: bool  # the request is the one the key was first used for
    status: int | None  # None: that request still runs
    body: bytes
    media_type: str


class JobStore(Protocol):
    """Keeps jobs."""

    async def create(self, tenant: TenantId, job: Job) -> None:
        """Keep a new job."""
        ...

    async def progress(self, tenant: TenantId, job: JobId, *, done: int, total: int | None, now: datetime) -> None:
        """Say how far a running job is; this is also its sign of life."""
        ...

    async def finish(
        self,
        tenant: TenantId,
        job: JobId,
        *,
        state: JobState,
        result: Mapping[str, Any] | None,
        attention: str | None,
        now: datetime,
    ) -> None:
        """End a job that runs."""
        ...

    async def get(self, tenant: TenantId, job: JobId) -> Job | None:
        """One job."""
        ...

    async def page(self, tenant: TenantId, *, below: JobId | None, limit: int) -> Sequence[Job]:
        """Jobs, newest first."""
        ...

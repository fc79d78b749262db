"""Long work: started by a door, answered with 202, looked at under `/v1/jobs/{id}`.

The work runs as a task of the process that took the request, in its own transaction, and says how
far it is; that is also its sign of life. When the process dies the work dies with it, nothing of it
having been committed, and whoever looks is told after a minute that it is lost and may be started
again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import structlog

from fairlead.engine.mint import uuid7
from fairlead.engine.ports.events import About, Events, Silence
from fairlead.engine.ports.jobs import Job, JobState, JobStore
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import JobId, PrincipalId, TenantId, show

_log = structlog.get_logger("fairlead.engine.jobs")

_SIGN_OF_LIFE_S: Final = 5.0
_LOST_AFTER_S: Final = 60.0

Progress = Callable[[int, int | None], None]  # (done, total), in the job's own unit
Work = Callable[[Progress], Awaitable[Mapping[str, Any]]]


class WorkRefused(Exception):
    """The work ended without doing anything, for a reason to show; `result` has the particulars."""

    def __init__(self, reason: str, result: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.result = result


class Jobs:
    """Runs and shows long work."""

    def __init__(self, store: JobStore, timekeeper: Timekeeper, *, events: Events | None = None) -> None:
        self._store = store
        self._events: Events = events or Silence()
        self._timekeeper = timekeeper
        self._running: set[asyncio.Task[None]] = set()

    async def start(self, tenant: TenantId, author: PrincipalId, kind: str, work: Work) -> Job:
        """Begin a piece of work; returns at once."""
        now = self._timekeeper.now()
        job = Job(
            id=JobId(uuid7(now)), kind=kind, state=JobState.RUNNING, done=0, total=None, result=None, attention=None,
            author=author, created_at=now, updated_at=now,
        )  # fmt: skip
        await self._store.create(tenant, job)
        task = asyncio.create_task(self._run(tenant, job, work), name=f"job {kind}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return job

    async def get(self, tenant: TenantId, job: JobId) -> Job | None:
        """One job, as it is: one that gave no sign of life for a minute is lost."""
        found = await self._store.get(tenant, job)
        return self._seen(found) if found is not None else None

    async def page(self, tenant: TenantId, *, below: JobId | None, limit: int) -> list[Job]:
        """Jobs, newest first."""
        return [self._seen(job) for job in await self._store.page(tenant, below=below, limit=limit)]

    async def close(self) -> None:
        """End what runs; its transactions roll back."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _seen(self, job: Job) -> Job:
        silent = self._timekeeper.now() - job.updated_at
        if job.state is JobState.RUNNING and silent > timedelta(seconds=_LOST_AFTER_S * self._timekeeper.rate):
            lost = "lost: the process that ran it is gone; start it again"
            return replace(job, state=JobState.FAILED, attention=lost)
        return job

    async def _run(self, tenant: TenantId, begun: Job, work: Work) -> None:
        job, kind, owner = begun.id, begun.kind, show("usr", begun.author)
        far: list[tuple[int, int | None]] = [(0, None)]

        def progress(done: int, total: int | None) -> None:
            far[0] = (done, total)

        async def live() -> None:
            while True:
                done, total = far[0]
                await self._store.progress(tenant, job, done=done, total=total, now=self._timekeeper.now())
                self._events.tell(tenant, "job", [About(id=show("job", job), action="running", owner=owner)])
                await asyncio.sleep(_SIGN_OF_LIFE_S)

        alive = asyncio.create_task(live(), name=f"job {kind} alive")
        state, result, attention = JobState.FAILED, None, None
        try:
            result = await work(progress)
            state = JobState.DONE
        except WorkRefused as refused:
            attention, result = str(refused), refused.result
        except asyncio.CancelledError:
            state, attention = JobState.CANCELLED, "ended with the process that ran it"
        except Exception:  # noqa: BLE001 - whatever it was, the job ends and says so
            _log.exception("a job failed", kind=kind, job=str(job))
            attention = "it failed here; the log has the details under this job's id"
        finally:
            alive.cancel()
        done, total = far[0]
        now = self._timekeeper.now()
        await self._store.progress(tenant, job, done=done, total=total, now=now)
        await self._store.finish(tenant, job, state=state, result=result, attention=attention, now=now)
        self._events.tell(tenant, "job", [About(id=show("job", job), action=state.name.lower(), owner=owner)])

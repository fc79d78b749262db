"""`/v1/jobs`: long work that was answered with 202."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Request
from pydantic import BaseModel, Field

from fairlead.edge.api.door import Caller, permit, services
from fairlead.edge.api.paging import CursorText, Limit, Page, read_cursor, write_cursor
from fairlead.edge.api.problems import not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import id_of
from fairlead.engine.jobs import Jobs
from fairlead.engine.ports.jobs import Job, JobState
from fairlead.model.access import allowed
from fairlead.model.ids import JobId, show

router = make_router("/v1/jobs", "jobs")

Reader = Annotated[Caller, Depends(permit("devices.read"))]


class JobShown(BaseModel):
    """Long work and how far it is."""

    id: str
    kind: str = Field(examples=["import sims"])
    state: str = Field(examples=["running"], description="running, done, failed or cancelled")
    done: int = Field(description="of `total`, in the job's own unit")
    total: int | None
    result: dict[str, Any] | None = Field(description="what the request would have answered")
    attention: str | None = Field(description="why it failed")
    author: str
    created_at: datetime
    updated_at: datetime


def job_shown(job: Job) -> JobShown:
    """A job as this door prints it."""
    return JobShown(
        id=show("job", job.id), kind=job.kind, state=JobState(job.state).name.lower(), done=job.done, total=job.total,
        result=dict(job.result) if job.result is not None else None, attention=job.attention,
        author=show("usr", job.author), created_at=job.created_at, updated_at=job.updated_at,
    )  # fmt: skip


@router.get("", summary="Jobs, newest first")
async def list_jobs(request: Request, caller: Reader, limit: Limit = 100, cursor: CursorText = None) -> Page[JobShown]:
    """A caller bound to departments sees only jobs of their own."""
    parts = read_cursor(cursor, 1)
    below = JobId(id_of("job", str(parts[0]))) if parts else None
    jobs = await services(request).of(Jobs).page(caller.tenant, below=below, limit=limit)
    following = write_cursor(show("job", jobs[-1].id)) if len(jobs) == limit else None
    return Page(items=[job_shown(job) for job in jobs if _may_see(caller, job)], next=following)


@router.get("/{job}", summary="One job", responses={404: {"description": "No such job"}})
async def read_job(request: Request, caller: Reader, job: Annotated[str, Path(max_length=64)]) -> JobShown:
    """Ask again until its state is not `running`."""
    found = await services(request).of(Jobs).get(caller.tenant, JobId(id_of("job", job)))
    if found is None or not _may_see(caller, found):
        raise not_found("job", job)
    return job_shown(found)


def _may_see(caller: Caller, job: Job) -> bool:
    return job.author == caller.principal.id or allowed(caller.principal, "devices.read", everywhere=True)

"""`/v1/imports`: a CSV file becomes devices, SIMs, presence, sessions, prices or usage.

The body is the file itself (`text/csv`). It is spooled to disk while it arrives; a small one is
answered at once, a large one (or `Prefer: respond-async`) with 202 and a job. Nothing is applied when
any row is bad, unless `partial=true`. Sending the same file twice is safe by itself.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, Annotated, Any, Final, cast

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.jobs import JobShown, job_shown
from fairlead.edge.api.problems import FieldError, Problem, invalid, shown
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of
from fairlead.engine.fleet import Actor
from fairlead.engine.imports import Fault, ImportReport, ImportRequest, Imports, Kind, UnreadableFile
from fairlead.engine.imports.kinds import columns_of
from fairlead.engine.jobs import Jobs, Progress, WorkRefused
from fairlead.engine.mappings import Mappings
from fairlead.engine.ports.imports import KINDS

router = make_router("/v1/imports", "imports", secrets=True)

Importer = Annotated[Caller, Depends(permit("imports.apply", everywhere=True))]

AT_ONCE: Final = 4 << 20  # bytes up to which the answer is waited for
_IN_MEMORY: Final = 1 << 20
_SHOWN_FAULTS: Final = 1_000  # in one answer
_MEDIA: Final = frozenset({"text/csv", "text/plain", "application/octet-stream", "text/tab-separated-values"})


class FaultShown(BaseModel):
    """One thing wrong with one row."""

    line: int = Field(description="where the row begins; the header is line 1")
    column: str | None
    value: str | None
    expected: str


class ReportShown(BaseModel):
    """What became of a file."""

    kind: str
    applied: bool
    rows: int
    bad_rows: int
    created: int
    changed: int
    unchanged: int
    devices_touched: int
    ignored_columns: list[str] = Field(description="columns of the file that no mapping names")
    sha256: str
    faults: list[FaultShown] = Field(description="at most 1,000, by line; `bad_rows` counts all")


class KindShown(BaseModel):
    """A kind of import."""

    kind: str
    columns: list[str]


@router.get("", summary="Kinds of import and their columns")
async def list_kinds(caller: Importer) -> list[KindShown]:
    """What `kind` may be, and what a header may name."""
    del caller
    return [KindShown(kind=kind, columns=list(columns_of(kind))) for kind in KINDS]


@router.post(
    "", summary="Import a CSV file", response_model=ReportShown,
    openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {
        "type": "string", "example": "name,serial,imei\ntrk-00001,A-1,490154203237518\n"}}}}},
    responses={
        202: {"model": JobShown, "description": "A large file: look at the job"},
        413: {"description": "The file is too large"},
        415: {"description": "Not a CSV file"},
    },
)  # fmt: skip
async def import_file(
    request: Request, caller: Importer, now: NowOf,
    kind: Annotated[Kind, Query()],
    partial: Annotated[bool, Query(description="apply the good rows although others are bad")] = False,  # noqa: FBT002 - a query parameter
    map: Annotated[  # noqa: A002 - the parameter's name at the door
        list[str] | None,
        Query(description="our column : theirs", examples=["serial:Serial No,iccid:ICCID"], max_length=32),
    ] = None,
    account: Annotated[str | None, Query(max_length=63, description="carrier account of SIMs that name none")] = None,
    source: Annotated[str | None, Query(max_length=63, description="a kept mapping; `map` stands before it")] = None,
    name: Annotated[str, Query(max_length=200, description="of the file, for the journal")] = "",
    prefer: Annotated[str | None, Header()] = None,
) -> Response:  # fmt: skip
    """Every bad row is reported with its line, column, value and what was expected. Twice is once."""
    media = request.headers.get("content-type", "text/csv").partition(";")[0].strip().lower()
    if media not in _MEDIA:
        raise Problem(415, "not-csv", "Send the file itself", f"expected text/csv, found {shown(media)}")
    wanted = ImportRequest(kind=kind, name=name, partial=partial, mapping=tuple(map or ()), account=account)
    if source is not None:
        kept = await services(request).of(Mappings).read(actor_of(caller), source)
        if kept is None:
            raise invalid("source", source, "a mapping that is kept: PUT /v1/imports/mappings/{source}")
        wanted = replace(wanted, source=kept)
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - a job closes it when it is done
    size = 0
    try:
        async for block in request.stream():
            size += len(block)
            file.write(block)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    imports, actor = services(request).of(Imports), actor_of(caller)
    if size > AT_ONCE or "respond-async" in (prefer or ""):

        async def work(progress: Progress) -> Mapping[str, Any]:
            with file:
                return await _in_background(imports, actor, file, wanted, progress, request)

        job = await services(request).of(Jobs).start(caller.tenant, caller.principal.id, f"import {kind}", work)
        where = job_shown(job)
        return JSONResponse(where.model_dump(mode="json"), 202, headers={"Location": f"/v1/jobs/{where.id}"})
    with file:
        try:
            report = await imports.run(actor, _binary(file), wanted, now=now)
        except UnreadableFile as error:
            raise unreadable(error) from error
    if report.applied is None:
        raise _refused(report)
    return JSONResponse(_shown(report).model_dump(mode="json"))


async def _in_background(
    imports: Imports, actor: Actor, file: Any, wanted: ImportRequest, progress: Progress, request: Request
) -> Mapping[str, Any]:
    now = request.app.state.now()
    try:
        report = await imports.run(actor, _binary(file), wanted, now=now, progress=progress)
    except UnreadableFile as error:
        faults = [_fault(fault).model_dump() for fault in error.faults]
        raise WorkRefused("the file cannot be read", {"faults": faults}) from error
    told = _shown(report).model_dump(mode="json")
    if report.applied is None:
        raise WorkRefused(f"{report.bad_rows} of {report.rows} rows are bad: nothing was applied", told)
    return told


def _binary(file: Any) -> Any:
    return cast("IO[bytes]", file)


def _shown(report: ImportReport) -> ReportShown:
    applied = report.applied
    return ReportShown(
        kind=report.kind, applied=applied is not None, rows=report.rows, bad_rows=report.bad_rows,
        created=applied.created if applied else 0, changed=applied.changed if applied else 0,
        unchanged=applied.unchanged if applied else 0,
        devices_touched=applied.particulars.get("devices", 0) if applied else 0,
        ignored_columns=list(report.ignored_columns), sha256=report.sha256,
        faults=[_fault(fault) for fault in report.faults[:_SHOWN_FAULTS]],
    )  # fmt: skip


def _fault(fault: Fault) -> FaultShown:
    return FaultShown(line=fault.line, column=fault.column, value=fault.value, expected=fault.expected)


def _refused(report: ImportReport) -> Problem:
    return Problem(
        422, "bad-rows", "Rows of the file are bad; nothing was applied",
        f"{report.bad_rows} of {report.rows} rows are bad; partial=true would apply the others",
        errors=[_error(fault) for fault in report.faults[:_SHOWN_FAULTS]],
        extra={"rows": report.rows, "bad_rows": report.bad_rows},
    )  # fmt: skip


def unreadable(error: UnreadableFile, title: str = "The file cannot be read; nothing was applied") -> Problem:
    """What a file, or the mapping of one, cannot be read for."""
    return Problem(
        422, "unreadable-file", title, str(error), errors=[_error(fault) for fault in error.faults]
    )  # fmt: skip


def _error(fault: Fault) -> FieldError:
    return FieldError(line=fault.line, column=fault.column, value=fault.value, expected=fault.expected)

"""`/v1/findings`: what insight concluded, with evidence; who knows of it, and what ended it.

Findings are about whole carriers, countries and groups, so reading and steering them is for the whole tenant. What
is known of one device is in its timeline, for whoever may see the device.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, ServicesOf, permit
from fairlead.edge.api.paging import CursorText, Limit, Page, read_id_cursor, write_cursor
from fairlead.edge.api.plans import hand_of
from fairlead.edge.api.problems import Problem, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, id_of
from fairlead.engine.changes import Conflict
from fairlead.engine.findings import Findings
from fairlead.engine.ports.findings import Filter, Finding
from fairlead.model.finding import KINDS, ClosedBy, FindingKind, Severity, SubjectKind
from fairlead.model.ids import show
from fairlead.model.lifecycle import FindingState

router = make_router("/v1/findings", "findings")

Reader = Annotated[Caller, Depends(permit("findings.read", everywhere=True))]
Writer = Annotated[Caller, Depends(permit("findings.write", everywhere=True))]
StateWord = Literal["open", "acknowledged", "closed"]
SeverityWord = Literal["info", "warning", "critical"]
_BY: Final[Mapping[ClosedBy, Literal["condition", "person"]]] = {
    ClosedBy.CONDITION: "condition", ClosedBy.PERSON: "person",
}  # fmt: skip
_GONE: Final[dict[int | str, dict[str, Any]]] = {404: {"description": "No such finding"}}
_STEERED: Final[dict[int | str, dict[str, Any]]] = _GONE | {409: {"description": "Its state does not allow it"}}


class FindingSubjectShown(BaseModel):
    """What it is about."""

    kind: SubjectKind
    id: str = Field(
        description="printed id where it has one, else its name", examples=["dev_06cb00000000000000000000g1"]
    )
    name: str = Field(description="as people know it", examples=["trk-00001"])


class EvidenceFact(BaseModel):
    """One piece of evidence."""

    value: str | int | float | bool | list[str] | None = Field(description="null: looked for, and not known")
    unit: str = Field(examples=["sessions"])
    at: datetime | None = Field(description="as of when; null: of the newest sighting")


class AcknowledgedShown(BaseModel):
    """Who knows of it."""

    at: datetime
    by: str = Field(examples=["usr_06f0000000e0080000000000000"])
    reason: str


class ClosedShown(BaseModel):
    """What ended it."""

    at: datetime
    by: Literal["condition", "person"] = Field(description="condition: what was seen is seen no more")
    person: str | None
    reason: str


class FindingShown(BaseModel):
    """A finding."""

    id: str = Field(examples=["fnd_06e1x3c0000000000000000000"])
    kind: str = Field(examples=["carrier-outage"])
    about: str = Field(description="what a finding of this kind says")
    severity: SeverityWord
    subject: FindingSubjectShown
    key: str = Field(description="seen again under this key it is the same finding, as long as it is not closed")
    title: str
    evidence: dict[str, EvidenceFact] = Field(description="of the newest sighting")
    score: float | None = Field(description="0 to 1: how sure; null where nothing measures it")
    state: StateWord
    opened_at: datetime
    last_seen_at: datetime
    sightings: int
    acknowledged: AcknowledgedShown | None
    closed: ClosedShown | None


class FindingCounts(BaseModel):
    """Findings that are not closed."""

    open: int
    acknowledged: int
    by_severity: dict[SeverityWord, int] = Field(description="open and acknowledged")
    by_kind: dict[str, int] = Field(description="open and acknowledged")
    open_by_severity: dict[SeverityWord, int] = Field(description="what nobody has acknowledged")


class FindingWhy(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=2_000)


@router.get("", summary="Findings, the newest first")
async def list_findings(
    offered: ServicesOf, caller: Reader,
    state: Annotated[
        Literal["open", "acknowledged", "closed", "live"] | None, Query(description="live: open or acknowledged")
    ] = None,
    severity: SeverityWord | None = None,
    kind: FindingKind | None = None,
    subject_kind: SubjectKind | None = None,
    subject_id: Annotated[str | None, Query(max_length=512, description="a printed id, or the name")] = None,
    limit: Limit = 100, cursor: CursorText = None,
) -> Page[FindingShown]:  # fmt: skip
    """A page, in the order they opened."""
    which = Filter(
        state=state, kind=kind, severity=None if severity is None else Severity[severity.upper()],
        subject_kind=subject_kind, subject_id=subject_id,
    )  # fmt: skip
    found = await offered.of(Findings).page(
        actor_of(caller), which, below=read_id_cursor(cursor), limit=limit + 1
    )  # fmt: skip
    more = write_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    return Page(items=[_shown(one) for one in found[:limit]], next=more)


@router.get("/counts", summary="How many findings are not closed")
async def count_findings(offered: ServicesOf, caller: Reader) -> FindingCounts:
    """Counted now, by state, severity and kind."""
    shown = FindingCounts(open=0, acknowledged=0, by_severity={}, by_kind={}, open_by_severity={})
    for one in await offered.of(Findings).counts(actor_of(caller)):
        word = _SEVERITIES[one.severity]
        shown.by_severity[word] = shown.by_severity.get(word, 0) + one.findings
        shown.by_kind[one.kind] = shown.by_kind.get(one.kind, 0) + one.findings
        if one.state is FindingState.OPEN:
            shown.open += one.findings
            shown.open_by_severity[word] = shown.open_by_severity.get(word, 0) + one.findings
        else:
            shown.acknowledged += one.findings
    return shown


@router.get("/{finding}", summary="One finding, with its evidence", responses=_GONE)
async def read_finding(offered: ServicesOf, caller: Reader, finding: str) -> FindingShown:
    """As of the newest sighting."""
    found = await offered.of(Findings).read(actor_of(caller), id_of("fnd", finding))
    return _made(finding, found)


@router.post("/{finding}/acknowledge", summary="Say that somebody knows of it", responses=_STEERED)
async def acknowledge(offered: ServicesOf, caller: Writer, finding: str, sent: FindingWhy) -> FindingShown:
    """Only an open one; 409 otherwise. It stays until the condition is over, or a person closes it."""
    made = await offered.of(Findings).acknowledge(
        actor_of(caller), hand_of(caller), id_of("fnd", finding), reason=sent.reason
    )  # fmt: skip
    return _made(finding, made)


@router.post("/{finding}/close", summary="Close a finding", responses=_STEERED)
async def close(offered: ServicesOf, caller: Writer, finding: str, sent: FindingWhy) -> FindingShown:
    """409 when it is closed already. Seen again, it is another finding."""
    made = await offered.of(Findings).close(
        actor_of(caller), hand_of(caller), id_of("fnd", finding), reason=sent.reason
    )  # fmt: skip
    return _made(finding, made)


def _made(finding: str, made: Finding | Conflict | None) -> FindingShown:
    if made is None:
        raise not_found("finding", finding)
    if isinstance(made, Conflict):
        code = made.code.replace("_", "-")
        extra = {"code": made.code, "differences": made.differences}
        raise Problem(409, f"finding-{code}", made.title, made.detail, extra=extra)
    return _shown(made)


_STATES: Final[Mapping[FindingState, StateWord]] = {
    FindingState.OPEN: "open", FindingState.ACKNOWLEDGED: "acknowledged", FindingState.CLOSED: "closed",
}  # fmt: skip
_SEVERITIES: Final[Mapping[Severity, SeverityWord]] = {
    Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical",
}  # fmt: skip
_ABOUT: Final[Mapping[str, str]] = {str(kind): about for kind, about in KINDS.items()}


def _shown(one: Finding) -> FindingShown:
    acknowledged, closed = None, None
    if one.acknowledged_at is not None and one.acknowledged_by is not None:
        acknowledged = AcknowledgedShown(
            at=one.acknowledged_at, by=show("usr", one.acknowledged_by), reason=one.acknowledged_because
        )  # fmt: skip
    if one.closed_at is not None and one.closed_by is not None:
        closed = ClosedShown(
            at=one.closed_at, by=_BY[one.closed_by], reason=one.closed_because,
            person=None if one.closer is None else show("usr", one.closer),
        )  # fmt: skip
    return FindingShown(
        id=show("fnd", one.id), kind=one.kind, about=_ABOUT.get(one.kind, ""), severity=_SEVERITIES[one.severity],
        subject=FindingSubjectShown(
            kind=one.subject.kind, id=one.subject.id, name=one.subject.name or one.subject.id
        ),
        key=one.key, title=one.title,
        evidence={
            fact: EvidenceFact(value=said.value, unit=said.unit, at=said.at) for fact, said in one.evidence.items()
        },
        score=one.score, state=_STATES[one.state], opened_at=one.opened_at, last_seen_at=one.last_seen_at,
        sightings=one.sightings, acknowledged=acknowledged, closed=closed,
    )  # fmt: skip

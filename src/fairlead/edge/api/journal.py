"""`/v1/journal`: what was done, by whom and why, and the proof that nothing was changed since."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Header, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import JSONResponse, Response, StreamingResponse

from fairlead.edge.api.door import Caller, now_of, permit, services
from fairlead.edge.api.jobs import JobShown, job_shown
from fairlead.edge.api.paging import CursorText, Limit, Page, read_cursor, write_cursor
from fairlead.edge.api.problems import Problem, invalid
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import id_of
from fairlead.engine.jobs import Jobs, Progress
from fairlead.engine.journal import Journal, NothingThere
from fairlead.engine.ports.journal import Cursor, Filter, Kept
from fairlead.engine.verifying import Verified
from fairlead.model.ids import ChangeId, show
from fairlead.model.journal import Action, Checkpoint, Line

router = make_router("/v1/journal", "journal")
secret_router = make_router("/v1/journal", "journal", secrets=True)

Reader = Annotated[Caller, Depends(permit("journal.read"))]
Verifier = Annotated[Caller, Depends(permit("journal.read", everywhere=True))]
Exporter = Annotated[Caller, Depends(permit("journal.export", everywhere=True))]
PersonalReader = Annotated[Caller, Depends(permit("personal.read", everywhere=True))]
Eraser = Annotated[Caller, Depends(permit("personal.erase", everywhere=True))]
Word = Annotated[str, Query(max_length=200)]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


AT_ONCE: Final = 5_000  # lines that are verified while the caller waits
NOTE: Final = "the server looked at itself; for a proof, verify an export elsewhere: fairlead journal verify"


class EvidenceShown(BaseModel):
    """A batch of device evidence behind a line."""

    root: str = Field(description="Merkle root (RFC 6962), hex")
    count: int


class OriginShown(BaseModel):
    """Where it came from, as far as that is known."""

    door: Literal["session", "token", "policy", "system", "unknown"] = Field(
        description="a person's session, a token, a policy of its own accord, Fairlead itself"
    )
    address: str | None = Field(description="digest of the network address; see /v1/journal/personal")


class LineShown(BaseModel):
    """One line."""

    id: str
    seq: int | None = Field(description="place in the chain; null for about a second, until it is sealed")
    hash: str | None = Field(description="hex; null until it is sealed")
    at: datetime
    actor: str = Field(examples=["usr_06f0000000e0080000000000000", "policy/brazil@3"])
    action: str = Field(examples=["change.applied"])
    subject_kind: str
    subject_id: str
    change: str | None
    reason: str = Field(description="why, in the actor's words or the rule's")
    origin: OriginShown
    payload: dict[str, Any]
    personal: dict[str, str] = Field(description="what a personal value is, and its digest; see /v1/journal/personal")
    evidence: EvidenceShown | None


class CheckpointShown(BaseModel):
    """A signed statement of how many lines there are and how they end."""

    seq: int
    count: int
    head: str = Field(description="hash of the last line, hex")
    at: datetime
    key_id: str
    signature: str = Field(description="Ed25519, hex")


class KeyShown(BaseModel):
    """A public key that signed checkpoints."""

    key_id: str
    public_key: str = Field(description="Ed25519, 32 bytes, hex: pin it with `fairlead journal verify --key`")
    since: datetime


class Wanted(BaseModel):
    """Which personal values, and why."""

    model_config = ConfigDict(extra="forbid")
    digests: list[Digest] = Field(min_length=1, max_length=1000)
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class PersonalShown(BaseModel):
    """A personal value."""

    digest: str
    kind: str
    value: str


class Erasure(BaseModel):
    """Whose values go, and why."""

    model_config = ConfigDict(extra="forbid")
    person: str = Field(examples=["usr_06f0000000e0080000000000000"])
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Erased(BaseModel):
    """How many values went."""

    erased: int


@router.get("", summary="Read the journal")
async def read_journal(
    request: Request,
    caller: Reader,
    action: Annotated[Action | None, Query()] = None,
    actor: Annotated[Word | None, Query()] = None,
    subject_kind: Annotated[Word | None, Query()] = None,
    subject_id: Annotated[Word | None, Query(description="needs subject_kind")] = None,
    change: Annotated[Word | None, Query(description="id of a Change")] = None,
    since: Annotated[AwareDatetime | None, Query(description="inclusive")] = None,
    until: Annotated[AwareDatetime | None, Query(description="exclusive")] = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[LineShown]:
    """Newest first."""
    if subject_id is not None and subject_kind is None:
        raise invalid("subject_kind", None, "the kind of that subject, such as device")
    which = Filter(
        action=action.value if action else None, actor=actor, subject_kind=subject_kind, subject_id=subject_id,
        change=ChangeId(id_of("chg", change)) if change else None, since=since, until=until,
    )  # fmt: skip
    found = await _journal(request).page(caller.tenant, which, below=_below(cursor), limit=limit)
    last = found[-1].line if len(found) == limit else None
    return Page(
        items=[_line(kept) for kept in found], next=write_cursor(last.at.isoformat(), str(last.id)) if last else None
    )


@router.get(
    "/export", summary="Export the journal", response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {}}, "description": "JSON Lines, see docs/journal.md"}},
)  # fmt: skip
async def export_journal(
    request: Request,
    caller: Exporter,
    first_seq: Annotated[int, Query(ge=1, description="from this line on")] = 1,
    evidence: Annotated[bool, Query(description="with the leaves under Merkle roots")] = True,  # noqa: FBT002 - a query
    reason: Annotated[str, Query(max_length=500)] = "",
) -> StreamingResponse:
    """Everything sealed until now, with checkpoints; verify it with `fairlead journal verify`. Leaves a line itself."""
    try:
        records = await _journal(request).export(
            caller.tenant, actor=caller.actor, reason=reason, first_seq=first_seq, evidence=evidence
        )
    except NothingThere as none:
        raise invalid("first_seq", first_seq, f"a line that is there: {none}") from none
    except TimeoutError as late:
        raise Problem(503, "not-sealed", "The journal is not sealed yet", "try again in a moment") from late
    headers = {"Content-Disposition": 'attachment; filename="journal.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(records, media_type="application/jsonl", headers=headers)


class HeadShown(BaseModel):
    """Where the lines that fit end."""

    seq: int
    hash: str = Field(description="hex")


class FaultShown(BaseModel):
    """The first thing that does not fit."""

    seq: int = Field(description="the line's number")
    what: str


class Verification(BaseModel):
    """What the server found in its own journal."""

    verdict: Literal["ok", "tampered", "tail_not_proven"]
    detail: str = Field(examples=["ok: 4711 lines, the last one signed"])
    lines: int = Field(description="that fit, from the first on")
    head: HeadShown
    checkpoint: CheckpointShown | None = Field(description="the newest one signed by a key of this installation")
    first_fault: FaultShown | None
    at: datetime
    note: str = NOTE


class VerifySent(BaseModel):
    """Why it is verified, for the journal."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, StringConstraints(max_length=500)] = ""


@router.post(
    "/verify", summary="Verify the journal here", response_model=Verification,
    responses={202: {"model": JobShown, "description": "A long journal: look at the job, whose result is this"}},
)  # fmt: skip
async def verify_journal(
    request: Request, caller: Verifier, sent: VerifySent, prefer: Annotated[str | None, Header()] = None
) -> Response:
    """Every line, its evidence and every checkpoint. Leaves an access line.

    This is the server looking at itself; an auditor takes an export and verifies that elsewhere.
    """
    journal = _journal(request)
    if await journal.head(caller.tenant) <= AT_ONCE and "respond-async" not in (prefer or ""):
        found = await journal.verify(caller.tenant, actor=caller.actor, reason=sent.reason)
        return JSONResponse(_verification(found, now_of(request)).model_dump(mode="json"))

    async def work(progress: Progress) -> Mapping[str, Any]:
        found = await journal.verify(caller.tenant, actor=caller.actor, reason=sent.reason, progress=progress)
        return _verification(found, now_of(request)).model_dump(mode="json")

    job = await services(request).of(Jobs).start(caller.tenant, caller.principal.id, "verify journal", work)
    where = job_shown(job)
    return JSONResponse(where.model_dump(mode="json"), 202, headers={"Location": f"/v1/jobs/{where.id}"})


@router.get("/checkpoints", summary="Signed checkpoints, newest first")
async def list_checkpoints(
    request: Request, caller: Reader, cursor: CursorText = None, limit: Limit = 100
) -> Page[CheckpointShown]:
    """Keep one elsewhere: a journal cut back to before it can then be told."""
    after = read_cursor(cursor, 1)
    if after is not None and not isinstance(after[0], int):
        raise invalid("cursor", cursor, "the `next` of a page of this same list")
    below = int(after[0]) if after else None
    found = await _journal(request).checkpoints(caller.tenant, below=below, limit=limit)
    return Page(
        items=[_checkpoint(one) for one in found], next=write_cursor(found[-1].seq) if len(found) == limit else None
    )


@router.get("/keys", summary="Public keys of the checkpoints")
async def list_keys(request: Request, caller: Reader) -> list[KeyShown]:
    """Oldest first; pin the newest."""
    found = await _journal(request).keys(caller.tenant)
    return [KeyShown(key_id=key.key_id, public_key=key.public_key.hex(), since=key.since) for key in found]


@secret_router.post("/personal", summary="Read personal values behind digests")
async def reveal(request: Request, wanted: Wanted, caller: PersonalReader) -> list[PersonalShown]:
    """Erased ones are absent. Leaves an access line with the reason."""
    found = await _journal(request).reveal(caller.tenant, wanted.digests, actor=caller.actor, reason=wanted.reason)
    return [PersonalShown(digest=digest, kind=kind, value=value) for digest, (kind, value) in found.items()]


@router.post("/erasures", summary="Erase a person's values from the journal")
async def erase(request: Request, wanted: Erasure, caller: Eraser) -> Erased:
    """Values and salts go for good; lines keep digests that nothing can be matched to, and the chain verifies."""
    person = id_of("usr", wanted.person)
    return Erased(erased=await _journal(request).erase(caller.tenant, person, actor=caller.actor, reason=wanted.reason))


def _journal(request: Request) -> Journal:
    return services(request).of(Journal)


def _below(cursor: str | None) -> Cursor | None:
    parts = read_cursor(cursor, 2)
    if parts is None:
        return None
    try:
        at = datetime.fromisoformat(str(parts[0]))
        found = Cursor(at=at, id=UUID(str(parts[1])))
    except ValueError as cause:
        raise invalid("cursor", cursor, "the `next` of a page of this same list") from cause
    if at.tzinfo is None:
        raise invalid("cursor", cursor, "the `next` of a page of this same list")
    return found


def _checkpoint(one: Checkpoint) -> CheckpointShown:
    return CheckpointShown(
        seq=one.seq, count=one.count, head=one.head.hex(), at=one.at, key_id=one.key_id, signature=one.signature.hex()
    )


def _verification(found: Verified, at: datetime) -> Verification:
    return Verification(
        verdict=found.verdict.value, detail=found.detail, lines=found.lines,
        head=HeadShown(seq=found.head.seq, hash=found.head.hash.hex()),
        checkpoint=_checkpoint(found.checkpoint) if found.checkpoint else None,
        first_fault=FaultShown(seq=found.fault.seq, what=found.fault.what) if found.fault else None, at=at,
    )  # fmt: skip


def _origin(line: Line) -> OriginShown:
    match line.actor.split("_", 1)[0].split("/", 1)[0]:
        case "usr":
            door = "session"
        case "tok":
            door = "token"
        case "policy":
            door = "policy"
        case "system":
            door = "system"
        case _:
            door = "unknown"
    return OriginShown(door=door, address=line.personal.get("address"))


def _line(kept: Kept) -> LineShown:
    line = kept.line
    payload: Mapping[str, Any] = json.loads(line.payload)
    evidence = line.evidence
    return LineShown(
        id=str(line.id), seq=kept.seq, hash=kept.hash.hex() if kept.hash else None, at=line.at, actor=line.actor,
        action=line.action.value, subject_kind=line.subject.kind, subject_id=line.subject.id,
        change=show("chg", line.change) if line.change else None, reason=line.reason, origin=_origin(line),
        payload=dict(payload),
        personal=dict(line.personal),
        evidence=EvidenceShown(root=evidence.root.hex(), count=evidence.count) if evidence else None,
    )  # fmt: skip

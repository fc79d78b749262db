"""`/v1/changes`, `/v1/operations`, `why`: how what-should-be goes through the fleet, and the reasons."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal, cast
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, NowOf, Services, ServicesOf, permit
from fairlead.edge.api.paging import CursorText, Limit, Page, id_in_cursor, read_cursor, read_id_cursor, write_cursor
from fairlead.edge.api.plans import conflict, hand_of
from fairlead.edge.api.problems import Problem, invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, id_of, ref_of
from fairlead.engine.changes import Changes, Conflict, NoSuchChange, Which
from fairlead.engine.fleet import Fleet
from fairlead.engine.plans import ACTION
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.reading import ChangeCounts, WhichMoves
from fairlead.engine.settling import Settling
from fairlead.engine.stories import Stories
from fairlead.engine.waves import Waves
from fairlead.model.expression import Expr
from fairlead.model.facet import BY_NUMBER
from fairlead.model.ids import DeviceId, show
from fairlead.model.lifecycle import ON_ITS_WAY, ChangeState, MoveState, OperationState, name
from fairlead.policy.check import Refusal, read_expression

router = make_router("/v1", "changes")

Reader = Annotated[Caller, Depends(permit("changes.read"))]
Approver = Annotated[Caller, Depends(permit("changes.approve", everywhere=True))]
Stopper = Annotated[Caller, Depends(permit("changes.stop", everywhere=True))]
Admitter = Annotated[Caller, Depends(permit("changes.apply", everywhere=True))]
Undoer = Annotated[Caller, Depends(permit("changes.rollback", everywhere=True))]
DeviceReader = Annotated[Caller, Depends(permit("devices.read"))]
PolicyWriter = Annotated[Caller, Depends(permit("policies.write", everywhere=True))]

ChangeWord = Literal[
    "draft", "planned", "approved", "running", "paused", "settled", "standing", "closed", "aborted"
]  # fmt: skip
MoveWord = Literal["waiting", "running", "verified", "failed", "undoing", "undone", "superseded", "stuck"]
OperationWord = Literal[
    "pending", "dispatched", "delivered", "acknowledged", "verified", "failed", "refused", "expired", "superseded",
    "unknown",
]  # fmt: skip
Word = Annotated[str | None, Query(max_length=128)]
Number = Annotated[int | None, Query(ge=0, le=2_000_000_000)]
_FAR: Final = 2**31
_WHOLE_FILTER: Final = 'an expression over the facts of a device, such as country == "BR"'


class ChangeShown(BaseModel):
    """A Change."""

    id: str = Field(examples=["chg_06e1x3c0000000000000000000"])
    title: str
    state: ChangeWord
    reason: str
    author: str
    plan: str
    rollout: dict[str, Any]
    approvals_needed: int
    emergency: bool
    created_at: datetime
    started_at: datetime | None
    settled_at: datetime | None
    waves: int = Field(description="waves of entrants since it stands")
    kind: Literal["policies", "action"] = Field(description="an action names its devices, and nobody else enters")
    ends_at: datetime | None = Field(description="of an action: then the clock takes it back")


class ChangeListed(ChangeShown):
    """A Change in a list."""

    approvals_given: int | None = Field(description="null unless `counts` is asked")
    moves: dict[str, int] | None = Field(description="by state; null unless `counts` is asked")


class SituationShown(BaseModel):
    """Devices that need the same thing done, counted instead of listed."""

    no: int
    devices: int
    facts: dict[str, Any] = Field(description="country, carrier, the SIMs, and each facet before and after")
    recipe: dict[str, Any] = Field(description="steps with proof, undo and deadline; or why there can be none")


class ChangeStory(ChangeShown):
    """A Change with everything that happened in it so far."""

    approvals: list[dict[str, Any]]
    story: dict[str, Any] = Field(
        description="batches with their decisions and their moves of now; counts by stratum and state"
    )
    questions: dict[str, Any] = Field(description="delivered, acknowledged, confirmed, can be rolled back")


class VerdictSent(BaseModel):
    """Somebody's verdict."""

    model_config = ConfigDict(extra="forbid")

    verdict: Literal["approve", "refuse"] = "approve"
    note: str = Field(default="", max_length=2_000)


class StopSent(BaseModel):
    """Why it is stopped."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2_000)


class RollbackSent(BaseModel):
    """Which moves to take back; nothing given means all of them."""

    model_config = ConfigDict(extra="forbid")

    match: str | None = Field(default=None, max_length=4_000, description=_WHOLE_FILTER)
    countries: list[str] = Field(default_factory=list[str], max_length=300)
    devices: list[str] = Field(default_factory=list[str], max_length=10_000, description="names")
    wave: int | None = Field(default=None, ge=0)
    stage: int | None = Field(default=None, ge=0)
    reason: str = Field(min_length=1, max_length=2_000)
    preview: bool = False


class RollbackShown(BaseModel):
    """What goes back, or would."""

    devices: int
    verified: int = Field(description="of them, were proved")
    left: int = Field(description="made by later Changes, and left alone")
    preview: bool


class SettleSent(BaseModel):
    """What became of an operation whose outcome is unknown."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["applied", "not_applied"]
    reason: str = Field(min_length=1, max_length=2_000, description="how it is known; for evidence and journal")


class SettledShown(BaseModel):
    """The operation as it stands now."""

    id: str = Field(examples=["op_06e1x3c0000000000000000000"])
    state: OperationWord


class AdmittedShown(BaseModel):
    """How many were let in."""

    admitted: int


class BarsSent(BaseModel):
    """Devices whose bar is lifted."""

    model_config = ConfigDict(extra="forbid")

    devices: list[str] = Field(min_length=1, max_length=10_000)


@router.get("/changes", summary="Changes, newest first")
async def list_changes(
    caller: Reader,
    all_: ServicesOf,
    state: ChangeWord | None = None,
    open: Annotated[  # noqa: A002 - the query's own word
        bool | None, Query(description="true: on their way, neither ended nor standing; false: the others")
    ] = None,
    counts: Annotated[bool, Query(description="with approvals given and moves by state")] = False,  # noqa: FBT002 - a query
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Page[ChangeListed]:
    """All Changes, or those in one state, or those that are on their way."""
    after = read_id_cursor(cursor)
    wanted = {ChangeState[state.upper()]} if state else set(ChangeState)
    if open is not None:
        wanted &= ON_ITS_WAY if open else set(ChangeState) - ON_ITS_WAY
    rows = await all_.of(Stories).changes(caller.tenant, after, wanted, limit)
    following = write_cursor(str(rows[-1].id)) if len(rows) == limit else None
    far = await all_.of(Stories).counts_of(caller.tenant, [row.id for row in rows]) if counts else {}
    return Page(items=[_listed(row, far.get(row.id)) for row in rows], next=following)


@router.get("/changes/{change}", summary="A Change as a story")
async def read_change(change: str, caller: Reader, all_: ServicesOf) -> ChangeStory:
    """Stages as they run, decisions with their numbers, and the four questions."""
    found = await all_.of(Stories).change(caller.tenant, id_of("chg", change))
    if found is None:
        raise not_found("change", change)
    approvals = [
        a | {"principal": show("usr", a["principal"]), "verdict": "approve" if a["verdict"] == 1 else "refuse"}
        for a in found["approvals"]
    ]
    return ChangeStory(**_shown(found["row"]), approvals=approvals, story=found["story"], questions=found["questions"])


@router.post("/changes/{change}/approve", summary="Approve or refuse a Change")
async def approve(change: str, sent: VerdictSent, caller: Approver, all_: ServicesOf, now: NowOf) -> ChangeShown:
    """Nobody decides on their own Change where other people are asked."""
    return await _answer(
        change,
        lambda number: all_.of(Changes).approve(
            caller.tenant, number, hand_of(caller), verdict=sent.verdict == "approve", note=sent.note, now=now
        ),
    )


@router.post("/changes/{change}/pause", summary="Pause: no new stage, no new move")
async def pause(change: str, caller: Stopper, all_: ServicesOf, now: NowOf) -> ChangeShown:
    """Steps under way run to their end."""
    return await _answer(change, lambda number: all_.of(Changes).pause(caller.tenant, number, hand_of(caller), now))


@router.post("/changes/{change}/resume", summary="Go on where it was paused")
async def resume(change: str, caller: Stopper, all_: ServicesOf, now: NowOf) -> ChangeShown:
    """The undo of pause."""
    return await _answer(change, lambda number: all_.of(Changes).resume(caller.tenant, number, hand_of(caller), now))


@router.post("/changes/{change}/admit", summary="Let waiting devices in now")
async def admit(change: str, caller: Admitter, all_: ServicesOf, now: NowOf) -> AdmittedShown:
    """Those that wait for a person (`admit: ask`), for their pace, or above the daily count."""
    admitted = await all_.of(Waves).admit(caller.tenant, id_of("chg", change), hand_of(caller), now)
    if admitted is None:
        raise Problem(409, "change-wrong_state", "The Change does not stand", "Only a standing Change has entrants.")
    return AdmittedShown(admitted=admitted)


@router.post("/changes/{change}/stop", summary="Stop a Change")
async def stop(change: str, sent: StopSent, caller: Stopper, all_: ServicesOf, now: NowOf) -> ChangeShown:
    """One that has not settled is rolled back whole; a standing one takes no more entrants."""
    return await _answer(
        change,
        lambda number: all_.of(Changes).stop(caller.tenant, number, hand_of(caller), reason=sent.reason, now=now),
    )


@router.post("/changes/{change}/rollback", summary="Take moves back: by batch, country, device or expression")
async def rollback(change: str, sent: RollbackSent, caller: Undoer, all_: ServicesOf, now: NowOf) -> RollbackShown:
    """Devices go back to the state before and are barred from the revision; `preview` only counts."""
    which = Which(
        match=_expression(sent.match),
        countries=tuple(sent.countries),
        names=tuple(sent.devices),
        wave=sent.wave,
        stage=sent.stage,
    )
    try:
        made = await all_.of(Changes).rollback(
            caller.tenant,
            id_of("chg", change),
            hand_of(caller),
            which=which,
            reason=sent.reason,
            preview=sent.preview,
            now=now,
        )
    except NoSuchChange as missing:
        raise not_found("change", change) from missing
    if isinstance(made, Conflict):
        raise conflict(made)
    return RollbackShown(devices=made.devices, verified=made.verified, left=made.left, preview=sent.preview)


@router.get("/changes/{change}/moves", summary="Moves of a Change, device by device")
async def list_moves(
    change: str,
    caller: Reader,
    all_: ServicesOf,
    state: MoveWord | None = None,
    wave: Number = None,
    stage: Number = None,
    country: Word = None,
    carrier: Word = None,
    device: Word = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[dict[str, Any]]:
    """Each device's share of the Change and its outcome; `situation` is its number among the situations of its wave."""
    after = read_cursor(cursor, 2)
    if after is not None and not (isinstance(after[1], int) and 0 <= after[1] < _FAR):
        raise invalid("cursor", cursor, "the `next` of a page of this same list")
    which = WhichMoves(
        state=MoveState[state.upper()] if state else None,
        wave=wave,
        stage=stage,
        country=country,
        carrier=carrier,
        device=await _device(all_, caller, device) if device else None,
    )
    found = (id_in_cursor(cursor, after[0]), after[1]) if after else None
    rows = await all_.of(Stories).moves(caller.tenant, id_of("chg", change), which, found, limit)
    following = write_cursor(str(rows[-1]["device"]), rows[-1]["wave"]) if len(rows) == limit else None
    return Page(items=[row | {"device": show("dev", row["device"])} for row in rows], next=following)


@router.get("/changes/{change}/situations", summary="What a Change does, recipe by recipe")
async def list_situations(
    change: str, caller: Reader, all_: ServicesOf, wave: Annotated[int, Query(ge=0, le=2_000_000_000)] = 0
) -> Page[SituationShown]:
    """Wave 0 is what was planned; later waves are of those who came while it stood."""
    rows = await all_.of(Stories).situations(caller.tenant, id_of("chg", change), wave)
    if rows is None:
        raise not_found("change", change)
    shown = [SituationShown(no=r.no, devices=r.devices, facts=dict(r.facts), recipe=dict(r.recipe)) for r in rows]
    return Page(items=shown, next=None)


@router.get("/operations", summary="Operations with their evidence")
async def list_operations(
    caller: Reader,
    all_: ServicesOf,
    change: str | None = None,
    device: str | None = None,
    state: OperationWord | None = None,
    limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[dict[str, Any]]:
    """Each step by one driver on one subject."""
    after = read_id_cursor(cursor)
    rows = await all_.of(Stories).operations(
        caller.tenant,
        change=id_of("chg", change) if change else None,
        device=await _device(all_, caller, device) if device else None,
        state=OperationState[state.upper()] if state else None,
        after=after,
        limit=limit,
    )
    following = write_cursor(str(rows[-1]["id"])) if len(rows) == limit else None
    return Page(items=[_operation(row) for row in rows], next=following)


@router.post("/operations/{operation}/settle", summary="Say what became of an unknown operation")
async def settle(operation: str, sent: SettleSent, caller: Undoer, all_: ServicesOf, now: NowOf) -> SettledShown:
    """Where no read-back can: applied is verified, not applied is tried anew; 409 unless it is unknown."""
    number = id_of("op", operation)
    made = await all_.of(Settling).settle(
        caller.tenant, number, hand_of(caller), outcome=sent.outcome, reason=sent.reason, now=now
    )
    if made is None:
        raise not_found("operation", operation)
    if isinstance(made, Conflict):
        raise conflict(made)
    return SettledShown(id=show("op", number), state=cast("OperationWord", name(made)))


@router.get("/devices/{device}/why", summary="Why a device is as it is")
async def why(device: str, caller: DeviceReader, all_: ServicesOf, now: NowOf) -> dict[str, Any]:
    """The resolved chain: each value with the policy that holds it and those it overrode; what stands in the way."""
    number = await _device(all_, caller, device)
    return await all_.of(Stories).why(caller.tenant, number, now) | {"device": show("dev", number)}


@router.post("/policies/{kind}/{policy}/lift-bars", summary="Let barred devices in again")
async def lift_bars(
    kind: Literal["Policy"], policy: str, sent: BarsSent, caller: PolicyWriter, all_: ServicesOf, now: NowOf
) -> dict[str, int]:
    """The undo of a rollback's bar, device by device; they enter as the policy's `admit` says."""
    devices = [await _device(all_, caller, one) for one in sent.devices]
    lifted = await all_.of(Stories).lift_bars(caller.tenant, hand_of(caller), kind, policy, devices, now)
    if lifted is None:
        raise not_found(kind, policy)
    return {"lifted": lifted}


async def _answer(change: str, act: Callable[[UUID], Awaitable[ChangeRow | Conflict]]) -> ChangeShown:
    try:
        made = await act(id_of("chg", change))
    except NoSuchChange as missing:
        raise not_found("change", change) from missing
    if isinstance(made, Conflict):
        raise conflict(made)
    return ChangeShown(**_shown(made))


async def _device(all_: Services, caller: Caller, text: str) -> DeviceId:
    ref = ref_of("dev", text)
    found = await all_.of(Fleet).device(actor_of(caller), ref if isinstance(ref, str) else DeviceId(ref))
    if found is None:
        raise not_found("device", text)
    return found.id


def _expression(text: str | None) -> Expr | None:
    if text is None:
        return None
    read = read_expression(text, context="device")
    if isinstance(read, Refusal):
        raise invalid("/match", text, str(read))
    return read


def _shown(row: ChangeRow) -> dict[str, Any]:
    return {
        "id": show("chg", row.id),
        "title": row.title,
        "state": name(row.state),
        "reason": row.reason,
        "author": show("usr", row.author),
        "plan": show("plan", row.plan),
        "rollout": row.rollout,
        "approvals_needed": row.approvals_needed,
        "emergency": row.emergency,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "settled_at": row.settled_at,
        "waves": row.waves,
        "kind": "action" if row.kind == ACTION else "policies",
        "ends_at": row.ends_at,
    }


def _listed(row: ChangeRow, far: ChangeCounts | None) -> ChangeListed:
    return ChangeListed(**_shown(row), approvals_given=far.approvals if far else None, moves=far.moves if far else None)


def _operation(row: dict[str, Any]) -> dict[str, Any]:
    shown = dict(row)
    shown["id"] = show("op", row["id"])
    shown["change"] = show("chg", row["change"]) if row["change"] else None
    shown["device"] = show("dev", row["device"]) if row["device"] else None
    shown["facet"] = BY_NUMBER[row["facet"]].value
    shown["leg"] = "forward" if row["leg"] == 1 else "back"
    return shown

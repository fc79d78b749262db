"""`/v1/bulk`: one verb asked of many lines, with a plan first and a result a line."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import StreamingResponse

from fairlead.edge.api.changes import OperationWord
from fairlead.edge.api.devices import cell
from fairlead.edge.api.door import Caller, NowOf, ServicesOf, permit, services
from fairlead.edge.api.paging import CursorText, Limit, Page, read_id_cursor, write_cursor
from fairlead.edge.api.plans import conflict, hand_of
from fairlead.edge.api.problems import invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, id_of
from fairlead.edge.api.subscriptions import FormFactor, Technology
from fairlead.engine.bulk import MOST_LINES, Asked, AtAccount, Bulks
from fairlead.engine.carriers import Carriers
from fairlead.engine.changes import Conflict
from fairlead.engine.fleet import Fleet
from fairlead.engine.ports.bulk import Bulk, LineResult, Lines
from fairlead.engine.ports.fleet import FactsWanted, SubscriptionFilter
from fairlead.model.bulk import BulkVerb, MalformedArgument
from fairlead.model.device import CONNECTIVITY_CODES, SUBSCRIPTION_CODES
from fairlead.model.ids import show
from fairlead.model.journal import Action
from fairlead.model.lifecycle import BulkState, OperationState, name
from fairlead.model.subscription import Connectivity, SubscriptionState, Verb
from fairlead.policy.check import read_expression
from fairlead.policy.syntax import Refusal

router = make_router("/v1/bulk", "bulk")

Reader = Annotated[Caller, Depends(permit("devices.read", everywhere=True))]
Sender = Annotated[Caller, Depends(permit("commands.send", everywhere=True))]
Approver = Annotated[Caller, Depends(permit("changes.approve", everywhere=True))]
BulkWord = Literal["waiting", "running", "paused", "done", "cancelled"]
Iccid = Annotated[str, StringConstraints(pattern="^[0-9]{18,20}$")]
_RESULTS: Final = 1_000
_COLUMNS: Final = ("iccid", "account", "device", "verb", "state", "reason", "state_before", "said", "settled_at")


class LinesSent(BaseModel):
    """Which lines: named, or all that the conditions leave."""

    model_config = ConfigDict(extra="forbid")

    iccids: list[Iccid] | None = Field(default=None, min_length=1, max_length=MOST_LINES)
    carrier: str | None = Field(default=None, max_length=63, description="carrier account")
    state: SubscriptionState | None = None
    plan: str | None = Field(default=None, max_length=128)
    connectivity: Connectivity | None = None
    form_factor: FormFactor | None = None
    technology: Technology | None = None
    remote: Literal["changeable", "swap_needed"] | None = None
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$", description="where its device was last seen")
    where: str | None = Field(
        default=None,
        min_length=1,
        max_length=4_000,
        examples=['sku == "meter" && silent_days >= 30'],
        description="a condition in the policy language on facts of its device; a line without a device never fits",
    )


class BulkAsked(BaseModel):
    """A bulk action before it is one."""

    model_config = ConfigDict(extra="forbid")

    verb: BulkVerb
    arguments: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="`set_plan` plan; `set_limit` bytes; `set_speed` speed; `set_group` group; `set_imei_lock` imei; "
        "`set_network_policy` kind, plmns; `send_sms` text",
    )
    lines: LinesSent


class BulkSent(BulkAsked):
    """A bulk action to start."""

    reason: str = Field(min_length=1, max_length=2_000)
    expect: int | None = Field(
        default=None, ge=0, description="lines the preview counted; 409 when they are others now"
    )


class BulkBilling(BaseModel):
    """Lines by what becomes of their fee."""

    stops: int
    goes_on: int
    unknown: int


class BulkSaves(BaseModel):
    """What active lines that are put aside cost a month, by what their carriers say of billing afterwards."""

    lines: int
    priced_lines: int = Field(description="a line without a price is in no amount")
    coverage_percent: int = Field(description="of the lines, how many have a price")
    lines_by_billing: BulkBilling
    monthly: dict[str, str] = Field(description="saved, by currency: the carrier stops billing")
    monthly_unknown: dict[str, str] = Field(description="the carrier does not say whether it goes on billing")
    monthly_goes_on: dict[str, str] = Field(description="the carrier goes on billing, if less")


class BulkAtAccount(BaseModel):
    """What it would be at one account."""

    account: str
    connector: str
    lines: int
    able: int = Field(description="would be asked")
    already: int = Field(description="shown so by the carrier, and left alone")
    unable: int = Field(description="cannot be asked: all of them, or single ones")
    denied: dict[str, int] = Field(description="why single lines cannot be asked where the account can, and how many")
    supported: bool
    because: str = Field(description="why not; or the condition the carrier makes")
    mode: Literal["sync", "job", "callback"] = Field(description="whether the carrier answers at once")
    typical_s: float
    longest_s: float
    reversible: bool
    billable: bool | None = Field(description="null: the carrier does not say")
    traffic_after: Literal["none", "possible", "unknown"]
    needs: list[str]
    lines_a_call: int
    shared_limit: str = Field(description="`group` or `account` where it binds more lines than those chosen")
    experimental: bool = Field(description="its connector was never judged by the carrier's own contract")
    swept_at: datetime | None = Field(description="when its inventory was last read whole")
    saves: BulkSaves | None = Field(default=None, description="null: no active line is put aside there")


class BulkPreview(BaseModel):
    """What it would do. Nothing has been asked of anybody."""

    lines: int
    able: int
    already: int
    unable: int
    missing: list[str] = Field(description="ICCIDs that are no line of yours, the first hundred")
    missing_count: int
    approval: str = Field(description="why another person must agree; empty: nobody need")
    saves: BulkSaves | None = Field(default=None, description="at all accounts; null: no active line is put aside")
    accounts: list[BulkAtAccount]


class BulkShown(BaseModel):
    """A bulk action and how far it is."""

    id: str = Field(examples=["bulk_06e1x3c0000000000000000000"])
    verb: str
    arguments: dict[str, Any]
    selected: dict[str, Any]
    reason: str
    state: BulkWord
    author: str
    rule: str | None = Field(
        description="the rule that asked for it; its author is who wrote that revision", examples=["rule/runaway@3"]
    )
    approver: str | None
    undo_of: str | None
    lines: int
    settled: int = Field(description="lines that have their result")
    by_state: dict[str, int] = Field(description="lines by the state of their operation")
    created_at: datetime
    started_at: datetime | None
    settled_at: datetime | None


class BulkLineShown(BaseModel):
    """What became of one line."""

    operation: str
    iccid: str
    account: str
    device: str | None
    verb: str
    state: OperationWord
    reason: str | None
    before: dict[str, Any] = Field(description="what the carrier showed when it was asked")
    said: dict[str, Any] = Field(description="the newest evidence")
    settled_at: datetime | None


class WhySent(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2_000)


@router.post("/preview", summary="What a bulk action would ask of whom")
async def preview(request: Request, caller: Sender, sent: BulkAsked, now: NowOf) -> BulkPreview:
    """Counts by account, with what each carrier's interface says of the verb, and what it would save."""
    asked = await _asked(request, caller, sent, now)
    try:
        seen = await services(request).of(Bulks).preview(actor_of(caller), asked)
    except MalformedArgument as fault:
        raise _malformed(fault) from None
    return BulkPreview(
        lines=seen.lines, able=seen.able, already=seen.already, unable=seen.unable, missing=list(seen.missing),
        missing_count=seen.missing_count, approval=seen.approval, saves=_saves(seen.saves),
        accounts=[_account(one) for one in seen.accounts],
    )  # fmt: skip


@router.post("", status_code=201, summary="Ask one verb of many lines")
async def start(request: Request, caller: Sender, sent: BulkSent, now: NowOf) -> BulkShown:
    """It runs at once, or waits for another person where nothing takes it back or the carrier charges for it."""
    asked = await _asked(request, caller, sent, now)
    try:
        made = await services(request).of(Bulks).start(
            actor_of(caller), hand_of(caller), asked, expect=sent.expect, reason=sent.reason
        )  # fmt: skip
    except MalformedArgument as fault:
        raise _malformed(fault) from None
    return _made("", made)


@router.get("", summary="Bulk actions, newest first")
async def list_bulk(
    offered: ServicesOf, caller: Reader, limit: Limit = 100, cursor: CursorText = None
) -> Page[BulkShown]:
    """A page of them."""
    below = read_id_cursor(cursor)
    found = await offered.of(Bulks).page(actor_of(caller), below=below, limit=limit + 1)
    more = write_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    return Page(items=[_shown(one) for one in found[:limit]], next=more)


@router.get("/{bulk}", summary="One bulk action")
async def read_bulk(offered: ServicesOf, caller: Reader, bulk: str) -> BulkShown:
    """How far it is."""
    found = await offered.of(Bulks).read(actor_of(caller), id_of("bulk", bulk))
    if found is None:
        raise not_found("bulk", bulk)
    return _shown(found)


@router.get("/{bulk}/lines", summary="What became of its lines")
async def read_lines(
    offered: ServicesOf, caller: Reader, bulk: str,
    state: Annotated[OperationWord | None, Query()] = None, limit: Limit = 100, cursor: CursorText = None,
) -> Page[BulkLineShown]:  # fmt: skip
    """A page of them, in a stable order."""
    number, bulks, actor = id_of("bulk", bulk), offered.of(Bulks), actor_of(caller)
    if await bulks.read(actor, number) is None:
        raise not_found("bulk", bulk)
    wanted = None if state is None else OperationState[state.upper()]
    found = await bulks.results(actor, number, above=read_id_cursor(cursor), state=wanted, limit=limit + 1)
    more = write_cursor(str(found[limit - 1].operation)) if len(found) > limit else None
    return Page(items=[_line(one) for one in found[:limit]], next=more)


@router.get(
    "/{bulk}/lines.csv", summary="Its lines as CSV", response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "one line a SIM"}},
)  # fmt: skip
async def export_lines(offered: ServicesOf, caller: Reader, bulk: str) -> StreamingResponse:
    """The result file, streamed."""
    number, bulks = id_of("bulk", bulk), offered.of(Bulks)
    if await bulks.read(actor_of(caller), number) is None:
        raise not_found("bulk", bulk)
    headers = {"Content-Disposition": f'attachment; filename="{bulk}.csv"'}
    return StreamingResponse(_csv(bulks, caller, number), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/{bulk}/approve", summary="Agree with a bulk action of another person")
async def approve(offered: ServicesOf, caller: Approver, bulk: str, sent: WhySent) -> BulkShown:
    """It begins at once."""
    return await _steered(offered.of(Bulks), caller, bulk, BulkState.RUNNING, Action.BULK_APPROVED, sent)


@router.post("/{bulk}/pause", summary="Ask nothing more for now")
async def pause(offered: ServicesOf, caller: Sender, bulk: str, sent: WhySent) -> BulkShown:
    """What has left is settled; the rest waits."""
    return await _steered(offered.of(Bulks), caller, bulk, BulkState.PAUSED, Action.BULK_PAUSED, sent)


@router.post("/{bulk}/resume", summary="Go on")
async def resume(offered: ServicesOf, caller: Sender, bulk: str, sent: WhySent) -> BulkShown:
    """The rest goes on."""
    return await _steered(offered.of(Bulks), caller, bulk, BulkState.RUNNING, Action.BULK_RESUMED, sent)


@router.post("/{bulk}/cancel", summary="Drop what has not left")
async def cancel(offered: ServicesOf, caller: Sender, bulk: str, sent: WhySent) -> BulkShown:
    """What has left is settled as always; nothing is taken back: see undo."""
    return await _steered(offered.of(Bulks), caller, bulk, BulkState.CANCELLED, Action.BULK_CANCELLED, sent)


@router.post("/{bulk}/undo", status_code=201, summary="Take a bulk action back, line by line")
async def undo(offered: ServicesOf, caller: Sender, bulk: str, sent: WhySent) -> BulkShown:
    """A bulk action of its own: each line that was changed goes to the state it was in before."""
    made = await offered.of(Bulks).undo(actor_of(caller), hand_of(caller), id_of("bulk", bulk), reason=sent.reason)
    return _made(bulk, made)


async def _steered(bulks: Bulks, caller: Caller, bulk: str, to: BulkState, action: Action, sent: WhySent) -> BulkShown:
    number = id_of("bulk", bulk)
    return _made(
        bulk, await bulks.steer(actor_of(caller), hand_of(caller), number, to, action=action, reason=sent.reason)
    )


async def _asked(request: Request, caller: Caller, sent: BulkAsked, now: datetime) -> Asked:
    lines = sent.lines
    chosen = lines.model_dump(exclude_none=True, mode="json")
    if not chosen:
        raise invalid("lines", {}, "ICCIDs, or at least one condition: a verb for every line there is must be said so")
    account = None
    if lines.carrier is not None:
        account = await services(request).of(Carriers).account(caller.principal.tenant, lines.carrier)
        if account is None:
            raise invalid("lines.carrier", lines.carrier, "the name of a carrier account")
    which = SubscriptionFilter(
        where=await _facts(request, caller, lines.where) if lines.where is not None else None, now=now,
        account=account.id if account else None, account_name=account.name if account else None,
        state=SUBSCRIPTION_CODES[lines.state] if lines.state else None, plan=lines.plan,
        connectivity=CONNECTIVITY_CODES[lines.connectivity] if lines.connectivity else None,
        form_factor=lines.form_factor, technology=lines.technology,
        remote=None if lines.remote is None else lines.remote == "changeable", country=lines.country,
        departments=caller.principal.departments,
    )  # fmt: skip
    iccids = None if lines.iccids is None else tuple(dict.fromkeys(lines.iccids))
    selected = chosen if iccids is None else {**chosen, "iccids": len(iccids)}
    return Asked(
        verb=Verb(sent.verb), arguments=sent.arguments, lines=Lines(which=which, iccids=iccids), selected=selected
    )


async def _facts(request: Request, caller: Caller, text: str) -> FactsWanted:
    read = read_expression(text, context="device")
    if isinstance(read, Refusal):
        place = f"at line {read.line}, column {read.column}"
        raise invalid("lines.where", text, f"a condition that can be read; {place}: {read.problem}; {read.expected}")
    tenant = await services(request).of(Fleet).tenant(actor_of(caller))
    return FactsWanted(expr=read, tenant=tenant.name if tenant else "")


def _malformed(fault: MalformedArgument) -> Exception:
    return invalid(f"arguments.{fault.field}", fault.value, fault.expected)


def _made(bulk: str, made: Bulk | Conflict | None) -> BulkShown:
    if made is None:
        raise not_found("bulk", bulk)
    if isinstance(made, Conflict):
        raise conflict(made)
    return _shown(made)


def _account(one: AtAccount) -> BulkAtAccount:
    can = one.capability
    return BulkAtAccount(
        account=one.account, connector=one.connector, lines=one.lines, able=one.able, already=one.already,
        unable=one.unable, denied=dict(one.denied), supported=one.supported,
        because=one.because, mode=can.mode, typical_s=_seconds(can.typical),
        longest_s=_seconds(can.longest), reversible=can.reversible, billable=can.billable,
        traffic_after=can.traffic_after, needs=list(can.needs), lines_a_call=can.bulk_max,
        shared_limit=one.shared_limit, experimental=one.experimental, swept_at=one.swept_at, saves=_saves(one.saves),
    )  # fmt: skip


def _saves(found: Mapping[str, Any] | None) -> BulkSaves | None:
    return None if found is None else BulkSaves.model_validate(found)


def _seconds(span: timedelta) -> float:
    return span.total_seconds()


_OPEN: Final = frozenset({"pending", "dispatched", "delivered", "acknowledged", "unknown"})


def _shown(one: Bulk) -> BulkShown:
    return BulkShown(
        id=show("bulk", one.id), verb=one.verb, arguments=dict(one.arguments), selected=dict(one.selected),
        reason=one.reason, state=_word(one.state), author=show("usr", one.author), rule=one.rule,
        approver=show("usr", one.approver) if one.approver else None,
        undo_of=show("bulk", one.undo_of) if one.undo_of else None, lines=one.total,
        settled=sum(n for state, n in one.counts.items() if state not in _OPEN), by_state=dict(one.counts),
        created_at=one.created_at, started_at=one.started_at, settled_at=one.settled_at,
    )  # fmt: skip


_WORDS: Final[Mapping[BulkState, BulkWord]] = {
    BulkState.WAITING: "waiting",
    BulkState.RUNNING: "running",
    BulkState.PAUSED: "paused",
    BulkState.DONE: "done",
    BulkState.CANCELLED: "cancelled",
}


def _word(state: BulkState) -> BulkWord:
    return _WORDS[state]


def _line(one: LineResult) -> BulkLineShown:
    return BulkLineShown.model_validate(
        {
            "operation": show("op", one.operation), "iccid": one.iccid, "account": one.account, "device": one.device,
            "verb": one.verb, "state": name(one.state), "reason": one.reason, "before": dict(one.before),
            "said": dict(one.said), "settled_at": one.settled_at,
        }
    )  # fmt: skip


async def _csv(bulks: Bulks, caller: Caller, bulk: UUID) -> AsyncIterator[str]:
    yield ",".join(_COLUMNS) + "\r\n"
    above: UUID | None = None
    while True:
        found = await bulks.results(actor_of(caller), bulk, above=above, state=None, limit=_RESULTS)
        text = io.StringIO()
        writer = csv.writer(text)
        for one in found:
            settled = one.settled_at.isoformat() if one.settled_at else ""
            row = [
                one.iccid, one.account, one.device or "", one.verb, name(one.state), one.reason or "",
                str(one.before.get("state") or ""), str(one.said.get("said") or one.said.get("fact") or ""), settled,
            ]  # fmt: skip
            writer.writerow([cell(value) for value in row])
        yield text.getvalue()
        if len(found) < _RESULTS:
            return
        above = found[-1].operation

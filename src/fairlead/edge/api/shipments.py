"""`/v1/shipments`: what leaves for a country, what was found of it, and the warehouse door."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, NowOf, ServicesOf, permit, services
from fairlead.edge.api.paging import CursorText, Limit, Page, read_id_cursor, write_cursor
from fairlead.edge.api.plans import hand_of
from fairlead.edge.api.problems import Problem, invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, id_of
from fairlead.engine.certificates import Certificates
from fairlead.engine.changes import Conflict
from fairlead.engine.ports.shipments import Line, Shipment, Whereabouts
from fairlead.engine.shipments import ShipmentAsked, Shipments, Unfit
from fairlead.model.ids import show
from fairlead.model.lifecycle import ChangeState, ShipmentState, name
from fairlead.model.reference import Reference
from fairlead.model.resources import Condition
from fairlead.model.rules import NOTICE
from fairlead.model.shipment import (
    MOST_DEVICES,
    Level,
    Overrider,
    Reason,
    Shipping,
    overrider,
    stops,
)
from fairlead.policy.check import read_expression
from fairlead.policy.syntax import Refusal

router = make_router("/v1/shipments", "shipments")

Reader = Annotated[Caller, Depends(permit("plans.read", everywhere=True))]
Maker = Annotated[Caller, Depends(permit("plans.make", everywhere=True))]
Leaver = Annotated[Caller, Depends(permit("changes.apply", everywhere=True))]
Approver = Annotated[Caller, Depends(permit("changes.approve", everywhere=True))]
_PRINTED: Final = r"^[^\x00]*$"  # what PostgreSQL keeps as text
StateWord = Literal["draft", "refused", "ready", "left", "arrived", "cancelled"]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", examples=["BR"])]
_WORDS: Final[Mapping[ShipmentState, StateWord]] = {
    ShipmentState.DRAFT: "draft",
    ShipmentState.REFUSED: "refused",
    ShipmentState.READY: "ready",
    ShipmentState.LEFT: "left",
    ShipmentState.ARRIVED: "arrived",
    ShipmentState.CANCELLED: "cancelled",
}


class ShipmentSent(BaseModel):
    """What is to be sent where."""

    model_config = ConfigDict(extra="forbid")

    country: Country = Field(description="where it goes (ISO 3166)")
    devices: list[Annotated[str, Field(min_length=1, max_length=128, pattern=_PRINTED)]] = Field(
        default_factory=list[str], max_length=MOST_DEVICES, description="names or serials; or say which with `match`"
    )
    match: str | None = Field(default=None, max_length=8_192, examples=['batch == "2027-03" && sku == "TRK-1"'])
    sku: str | None = Field(
        default=None, min_length=1, max_length=128, pattern=_PRINTED, description="what all of them must be"
    )
    leaves_on: date
    arrives_on: date | None = Field(default=None, description="law is judged as of this day; without it, `leaves_on`")
    route: str = Field(default="", max_length=500, pattern=_PRINTED, examples=["sea freight, Rotterdam to Santos"])
    note: str = Field(default="", max_length=2_000, pattern=_PRINTED)


class ShipmentReasonSent(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2_000, pattern=_PRINTED)


class LeaveSent(ShipmentReasonSent):
    """That it leaves, why, and who must agree to its activation."""

    approvals: int = Field(
        default=0, ge=0, le=5,
        description="other people who must agree to the Change before it activates, where a carrier charges for it",
    )  # fmt: skip


class OverrideSent(BaseModel):
    """Why it may leave in spite of what was found."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2_000, pattern=_PRINTED)


class ReasonShown(BaseModel):
    """One thing that was found, and what to do about it."""

    level: Level
    code: str = Field(examples=["roaming-prohibited"])
    says: str
    do: str = Field(description="what to do about it")
    about: str = Field(description="the account, SKU or rule it is about")
    stops: bool = Field(description="whether it stops the shipment, as the tenant judges now")
    override: Overrider = Field(description="who may let it pass where it stops: nobody, an approver, or compliance")
    rule: str | None = Field(description="the rule behind it, of /v1/rules")
    sources: list[str]
    as_of: date | None = Field(description="when those were read")


class ShippedSimShown(BaseModel):
    """A SIM of the devices of a line."""

    account: str
    home: str | None
    used: bool = Field(description="the SIM in use, as far as it is known: what an activation switches on")
    enabled: bool
    state: str
    esim: bool
    multi_imsi: bool
    stateless: bool = Field(description="its IMSI belongs to no country (MCC 901, 999): foreign everywhere")


class ConsignmentShown(BaseModel):
    """Devices that are alike to the judge."""

    line: int
    devices: int
    sku: str | None
    life: str
    imei: bool
    credential: bool = Field(description="one was issued, or the device was heard from")
    sims: list[ShippedSimShown]
    reasons: list[ReasonShown]


class BlockedShown(BaseModel):
    """Devices whose activation could not be planned."""

    code: str
    why: str
    devices: int


class ActivationShown(BaseModel):
    """What leaving activates, as it was rehearsed at the check."""

    devices: int
    left_out: dict[str, int] = Field(description="not to be activated, by where they stand already")
    blocked: list[BlockedShown]


class OverrideShown(BaseModel):
    """Who let it pass."""

    approver: str
    reason: str
    at: datetime


class ShipmentShown(BaseModel):
    """A shipment."""

    id: str = Field(examples=["ship_06e1x3c0000000000000000000"])
    country: str
    sku: str | None
    leaves_on: date
    arrives_on: date
    route: str
    note: str
    state: StateWord
    author: str
    devices: int
    created_at: datetime
    checked_at: datetime | None
    digest: str | None = Field(description="of the last check: what leaves must be what was checked")
    override: OverrideShown | None
    change: str | None = Field(description="the Change that activates its devices; its way back is a rollback of it")
    change_state: str | None
    left_at: datetime | None
    settled_at: datetime | None
    arrived: int = Field(description="devices seen in the country since it left")
    elsewhere: int = Field(description="devices seen since, and only in other countries")
    overdue: bool = Field(description="the day of arrival is over, and not all of them were seen there")


class ShipmentWhole(ShipmentShown):
    """A shipment with what the last check found."""

    reasons: list[ReasonShown] = Field(description="of the whole shipment")
    lines: list[ConsignmentShown]
    activation: ActivationShown
    notice: str = NOTICE


class ShippedShown(BaseModel):
    """One device of a shipment."""

    id: str
    name: str
    serial: str | None
    line: int | None
    whereabouts: Whereabouts
    country: str | None = Field(description="where it was seen last since the shipment left; never where it should be")
    seen_at: datetime | None


class ShippingGiven(BaseModel):
    """How shipments are judged."""

    model_config = ConfigDict(extra="forbid")

    strict: bool = Field(default=False, description="what nobody knows stops a shipment as well")
    network_years: int = Field(
        default=2, ge=0, le=25, description="a SKU must have a network for so long after it arrived"
    )
    patience_days: int = Field(
        default=30, ge=1, le=365, description="after the day of arrival, before an activation is taken back"
    )


class ShippingShown(ShippingGiven):
    """How shipments are judged."""

    version: int = Field(description="0: never edited")


@router.post("", status_code=201, summary="Write down what is to be sent where")
async def create(request: Request, caller: Maker, sent: ShipmentSent, now: NowOf) -> ShipmentShown:
    """A draft; nothing is judged yet, and nothing has moved."""
    asked = _asked(request, sent, now)
    made = await services(request).of(Shipments).create(actor_of(caller), hand_of(caller), asked, now)
    if isinstance(made, Unfit):
        raise invalid(made.pointer, made.value, made.expected, title="There is no such shipment")
    return _shown(made, now)


@router.get("", summary="Shipments, newest first")
async def list_shipments(
    offered: ServicesOf, caller: Reader, now: NowOf, state: Annotated[StateWord | None, Query()] = None,
    limit: Limit = 100, cursor: CursorText = None,
) -> Page[ShipmentShown]:  # fmt: skip
    """A page of them, with how many of each have arrived."""
    wanted = None if state is None else ShipmentState[state.upper()]
    found = await offered.of(Shipments).page(
        actor_of(caller), below=read_id_cursor(cursor), state=wanted, limit=limit + 1, now=now
    )
    more = write_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    return Page(items=[_shown(one, now) for one in found[:limit]], next=more)


@router.get("/settings", summary="How shipments are judged")
async def read_settings(offered: ServicesOf, caller: Reader) -> ShippingShown:
    """What the tenant said; the defaults where it said nothing."""
    return _shipping(await offered.of(Certificates).shipping(actor_of(caller)))


@router.put("/settings", summary="Say how shipments are judged", responses={409: {"description": "Edited meanwhile"}})
async def put_settings(offered: ServicesOf, caller: Approver, given: ShippingGiven, now: NowOf) -> ShippingShown:
    """Of those who may approve: strictness is not the shipper's own to say. It counts at the next check and door."""
    records, actor = offered.of(Certificates), actor_of(caller)
    before = await records.shipping(actor)
    wanted = Shipping(**given.model_dump(), version=before.version)
    if not await records.put_shipping(actor, wanted, now):
        raise Problem(409, "conflict", "Somebody else edited this", "read it again, and say it again")
    return _shipping(await records.shipping(actor))


@router.get("/{shipment}", summary="One shipment, with what the last check found")
async def read_shipment(offered: ServicesOf, caller: Reader, shipment: str, now: NowOf) -> ShipmentWhole:
    """Line by line, each reason with what to do. Not legal advice."""
    found = await offered.of(Shipments).read(actor_of(caller), id_of("ship", shipment), now)
    return await _whole(offered, caller, shipment, found, now)


@router.get("/{shipment}/devices", summary="Its devices, and where they were seen since it left")
async def read_devices(
    offered: ServicesOf, caller: Reader, shipment: str, now: NowOf,
    line: Annotated[int | None, Query(ge=1)] = None, whereabouts: Annotated[Whereabouts | None, Query()] = None,
    limit: Limit = 100, cursor: CursorText = None,
) -> Page[ShippedShown]:  # fmt: skip
    """A page of them, in a stable order."""
    number, shipments, actor = id_of("ship", shipment), offered.of(Shipments), actor_of(caller)
    if await shipments.read(actor, number, now) is None:
        raise not_found("shipment", shipment)
    found = await shipments.devices(
        actor, number, above=read_id_cursor(cursor), line=line, where=whereabouts, limit=limit + 1
    )
    more = write_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    items = [
        ShippedShown(
            id=show("dev", one.id), name=one.name, serial=one.serial, line=one.line, whereabouts=one.whereabouts,
            country=one.country, seen_at=one.seen_at,
        )
        for one in found[:limit]
    ]  # fmt: skip
    return Page(items=items, next=more)


@router.post("/{shipment}/check", summary="Judge a shipment: law, certificates, a way in")
async def check(offered: ServicesOf, caller: Maker, shipment: str, now: NowOf) -> ShipmentWhole:
    """It becomes ready or refused; each reason says what to do. As often as one likes, until it leaves."""
    made = await offered.of(Shipments).check(actor_of(caller), hand_of(caller), id_of("ship", shipment), now)
    return await _made(offered, caller, shipment, made, now)


@router.post("/{shipment}/override", summary="Let a refused shipment leave all the same")
async def override(
    offered: ServicesOf, caller: Approver, shipment: str, sent: OverrideSent, now: NowOf
) -> ShipmentWhole:
    """Somebody else than its author, for this check only; what the law prohibits, only compliance or the owner."""
    made = await offered.of(Shipments).override(
        actor_of(caller), hand_of(caller), caller.principal.roles, id_of("ship", shipment), reason=sent.reason, now=now
    )
    return await _made(offered, caller, shipment, made, now)


@router.post("/{shipment}/leave", summary="The warehouse door: it leaves, and its devices are activated")
async def leave(offered: ServicesOf, caller: Leaver, shipment: str, sent: LeaveSent, now: NowOf) -> ShipmentWhole:
    """409 with the differences when facts moved since the check. Twice is once."""
    made = await offered.of(Shipments).leave(
        actor_of(caller), hand_of(caller), id_of("ship", shipment), reason=sent.reason, now=now,
        approvals=sent.approvals,
    )  # fmt: skip
    return await _made(offered, caller, shipment, made, now)


@router.post("/{shipment}/cancel", summary="Drop a shipment that has not left")
async def cancel(
    offered: ServicesOf, caller: Maker, shipment: str, sent: ShipmentReasonSent, now: NowOf
) -> ShipmentWhole:
    """Nothing was activated. What has left is taken back by rolling back its Change."""
    made = await offered.of(Shipments).cancel(
        actor_of(caller), id_of("ship", shipment), reason=sent.reason, now=now
    )  # fmt: skip
    return await _made(offered, caller, shipment, made, now)


def _asked(request: Request, sent: ShipmentSent, now: datetime) -> ShipmentAsked:
    reference = services(request).of(Reference)
    if sent.country not in reference.countries:
        raise invalid("/country", sent.country, "a country code of ISO 3166 with two letters, such as BR")
    if bool(sent.devices) == (sent.match is not None):
        raise invalid("/devices", sent.devices[:3], "names or serials of devices, or `match`: one of the two")
    today, arrives = now.astimezone(UTC).date(), sent.arrives_on or sent.leaves_on
    if sent.leaves_on < today:
        raise invalid("/leaves_on", sent.leaves_on.isoformat(), f"today ({today}) or later")
    if arrives < sent.leaves_on:
        raise invalid("/arrives_on", arrives.isoformat(), f"not before it leaves ({sent.leaves_on})")
    return ShipmentAsked(
        country=sent.country, sku=sent.sku, leaves_on=sent.leaves_on, arrives_on=arrives, route=sent.route,
        note=sent.note, names=tuple(dict.fromkeys(sent.devices)), match=_condition(sent.match),
    )  # fmt: skip


def _condition(text: str | None) -> Condition | None:
    if text is None:
        return None
    read = read_expression(text, context="device")
    if isinstance(read, Refusal):
        raise invalid("/match", text, str(read))
    return Condition(text=text.strip(), expr=read)


async def _made(
    offered: ServicesOf, caller: Caller, shipment: str, made: Shipment | Conflict | None, now: datetime
) -> ShipmentWhole:
    if isinstance(made, Conflict):
        extra: dict[str, Any] = {"code": made.code, "differences": dict(made.differences)}
        raise Problem(409, f"shipment-{made.code.replace('_', '-')}", made.title, made.detail, extra=extra)
    return await _whole(offered, caller, shipment, made, now)


async def _whole(
    offered: ServicesOf, caller: Caller, shipment: str, found: Shipment | None, now: datetime
) -> ShipmentWhole:
    if found is None:
        raise not_found("shipment", shipment)
    actor = actor_of(caller)
    lines = await offered.of(Shipments).lines(actor, found.id)
    strict = (await offered.of(Certificates).shipping(actor)).strict
    activation = found.activation
    return ShipmentWhole(
        **_shown(found, now).model_dump(),
        reasons=[_reason(one, strict=strict) for one in found.reasons],
        lines=[_line(one, strict=strict) for one in lines],
        activation=ActivationShown(
            devices=activation.devices, left_out=dict(activation.left_out),
            blocked=[BlockedShown(code=one.code, why=one.why, devices=one.devices) for one in activation.blocked],
        ),
    )  # fmt: skip


def _shown(one: Shipment, now: datetime) -> ShipmentShown:
    today = now.astimezone(UTC).date()
    return ShipmentShown(
        id=show("ship", one.id), country=one.country, sku=one.sku, leaves_on=one.leaves_on, arrives_on=one.arrives_on,
        route=one.route, note=one.note, state=_WORDS[one.state], author=show("usr", one.author), devices=one.devices,
        created_at=one.created_at, checked_at=one.checked_at, digest=one.digest.hex() if one.digest else None,
        override=OverrideShown(
            approver=show("usr", one.override.approver), reason=one.override.reason, at=one.override.at
        ) if one.override else None,
        change=show("chg", one.change) if one.change else None,
        change_state=name(ChangeState(one.change_state)) if one.change_state else None, left_at=one.left_at,
        settled_at=one.settled_at, arrived=one.seen.arrived, elsewhere=one.seen.elsewhere,
        overdue=one.state is ShipmentState.LEFT and one.arrives_on < today,
    )  # fmt: skip


def _reason(one: Reason, *, strict: bool) -> ReasonShown:
    return ReasonShown(
        level=one.level, code=one.code, says=one.says, do=one.do, about=one.about, stops=stops(one, strict=strict),
        override=overrider(one), rule=one.rule, sources=list(one.sources), as_of=one.as_of,
    )  # fmt: skip


def _line(one: Line, *, strict: bool) -> ConsignmentShown:
    about = one.about
    return ConsignmentShown(
        line=one.no, devices=one.devices, sku=about.sku, life=about.life, imei=about.imei, credential=about.credential,
        sims=[
            ShippedSimShown(
                account=sim.account, home=sim.home, used=sim.used, enabled=sim.enabled, state=sim.state, esim=sim.esim,
                multi_imsi=sim.multi_imsi, stateless=sim.stateless,
            )
            for sim in about.sims
        ],
        reasons=[_reason(reason, strict=strict) for reason in one.reasons],
    )  # fmt: skip


def _shipping(one: Shipping) -> ShippingShown:
    return ShippingShown(
        strict=one.strict, network_years=one.network_years, patience_days=one.patience_days, version=one.version
    )

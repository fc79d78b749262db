"""`/v1/devices/{ref}/timeline` and `/layers`: what happened to one device, and what it has of the control chain."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from fairlead.edge.api.door import Caller, permit, services
from fairlead.edge.api.problems import invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import Ref, actor_of, ref_of
from fairlead.engine.fleet import Fleet
from fairlead.engine.layers import Layers
from fairlead.engine.timelines import KINDS, Entry, Timelines
from fairlead.model.access import Permission, allowed
from fairlead.model.device import Device
from fairlead.model.ids import DeviceId, show

router = make_router("/v1/devices", "devices")

Reader = Annotated[Caller, Depends(permit("devices.read"))]
_KINDS_LIMIT = 160


class EntryShown(BaseModel):
    """One thing that happened."""

    id: str = Field(examples=["op_06e1x3c0000000000000000000:sent"], description="stable, and what `cause` names")
    at: datetime
    kind: str = Field(description=f"one of {', '.join(KINDS)}")
    title: str = Field(examples=["Offered config, generation 3"])
    source: str = Field(description="who says so: a carrier account, the device, fairlead, the journal")
    detail: dict[str, Any]
    change: str | None
    policies: list[str] = Field(description="policy@revision that wanted it", examples=[["brazil-local@3"]])
    operation: str | None
    cause: str | None = Field(description="id of the entry or Change that it follows from; null where not known")


class TimelineShown(BaseModel):
    """A page of a timeline, newest first."""

    items: list[EntryShown]
    next: datetime | None = Field(description="send it as `before`; null at the beginning")
    left_out: list[str] = Field(
        description="kinds that the caller may not read: `people` needs journal.read, `finding` findings.read"
    )


@router.get("/{ref}/timeline", summary="What happened to a device", responses={404: {"description": "No such device"}})
async def read_timeline(
    request: Request, caller: Reader, ref: Ref,
    before: Annotated[AwareDatetime | None, Query(description="only what happened before this instant")] = None,
    kinds: Annotated[
        str | None, Query(max_length=_KINDS_LIMIT, description=f"some of {', '.join(KINDS)}, with commas")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="entries; those of the last instant come whole")] = 50,
) -> TimelineShown:  # fmt: skip
    """Network, subscription, facets, Changes, people and findings in one order, each with its cause where known.

    Of reports only the newest of each facet is kept, and only sessions, presence, Moves, operations,
    journal lines and findings have a history.
    """
    wanted = _kinds(kinds)
    needs: tuple[tuple[str, Permission], ...] = (("people", "journal.read"), ("finding", "findings.read"))
    barred = {kind for kind, permission in needs if not allowed(caller.principal, permission)}
    device = await _device(request, caller, ref)
    found = await services(request).of(Timelines).read(
        caller.tenant, device, wanted - barred, before=before, limit=limit
    )  # fmt: skip
    return TimelineShown(
        items=[_shown(one) for one in found.entries], next=found.next, left_out=sorted(wanted & barred)
    )


class ObjectShown(BaseModel):
    """One object that a layer needs."""

    name: str = Field(examples=["factory record"])
    present: Literal["yes", "no", "unknown"]
    value: str | None
    why: str = Field(description="why it is absent, or why nobody knows")


class LayerShown(BaseModel):
    """One layer of the control chain for this device."""

    name: str = Field(examples=["Bootstrap identity"])
    task: str
    present: Literal["yes", "no", "unknown"] = Field(description="no: some object is absent")
    objects: list[ObjectShown]
    failure: str | None = Field(description="to expect where an object is missing; null where all are there")


class LayersShown(BaseModel):
    """The five layers."""

    device: str
    layers: list[LayerShown]
    source: str = Field(description="of the table of layers")
    source_date: date


@router.get(
    "/{ref}/layers", summary="The control chain of a device", responses={404: {"description": "No such device"}}
)
async def read_layers(request: Request, caller: Reader, ref: Ref) -> LayersShown:
    """Per layer its key objects, whether each is there, and the failure to expect where one is missing.

    `unknown` says that Fairlead does not see it yet; it is never counted as present.
    """
    device = await _device(request, caller, ref)
    layers = services(request).of(Layers)
    found = await layers.read(actor_of(caller), device)
    return LayersShown(
        device=show("dev", device.id),
        layers=[
            LayerShown(
                name=one.name, task=one.task, present=one.present,
                objects=[ObjectShown(name=o.name, present=o.present, value=o.value, why=o.why) for o in one.objects],
                failure=None if one.present == "yes" else one.failure,
            )
            for one in found
        ],
        source=layers.source.name,
        source_date=layers.source.date,
    )  # fmt: skip


async def _device(request: Request, caller: Caller, ref: str) -> Device:
    known = ref_of("dev", ref)
    by = DeviceId(known) if isinstance(known, UUID) else known
    found = await services(request).of(Fleet).device(actor_of(caller), by)
    if found is None:
        raise not_found("device", ref)
    return found


def _kinds(text: str | None) -> set[str]:
    if text is None:
        return set(KINDS)
    found = set(text.split(","))
    if not found <= set(KINDS):
        raise invalid("kinds", text, f"some of {', '.join(KINDS)}, with commas between them")
    return found


def _shown(one: Entry) -> EntryShown:
    return EntryShown(
        id=one.id, at=one.at, kind=one.kind, title=one.title, source=one.source, detail=dict(one.detail),
        change=show("chg", one.change) if one.change else None, policies=list(one.policies),
        operation=show("op", one.operation) if one.operation else None, cause=one.cause,
    )  # fmt: skip

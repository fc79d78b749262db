"""`/v1/devices`: lists, search, one device whole, its bindings and its MQTT secret."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from starlette.responses import StreamingResponse

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.paging import (
    CursorText,
    IfMatch,
    Limit,
    Page,
    expected_version,
    moved_on,
    put_etag,
    read_cursor,
    write_cursor,
)
from fairlead.edge.api.problems import Problem, invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import (
    DeviceDetailsShown,
    DeviceShown,
    Ref,
    actor_of,
    details_shown,
    device_shown,
    ref_of,
)
from fairlead.engine.fleet import Actor, Fleet, UnknownDevices
from fairlead.engine.ports.fleet import Bindings, DeviceFilter, Place
from fairlead.model.device import DEVICE_STATES, Device
from fairlead.model.ids import DeviceId
from fairlead.model.journal import Action, Subject

router = make_router("/v1/devices", "devices")
secret_router = make_router("/v1/devices", "devices", secrets=True)

Reader = Annotated[Caller, Depends(permit("devices.read"))]
Writer = Annotated[Caller, Depends(permit("devices.write"))]

_EXPORT_PAGE: Final = 1_000
_PROBES: Final = 100  # more than a search has ranges
_EXPORT_COLUMNS: Final = (
    "id", "name", "serial", "imei", "eid", "mac", "sku", "region", "group", "batch", "tags", "state", "home_country",
    "country", "plmn", "carrier", "iccid", "roaming", "connectivity", "law_stance", "plan", "subscription_state",
    "breach_at", "last_contact_at",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one

Word = Annotated[str, Query(max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]


def which_devices(
    caller: Reader,
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$", description="visited country, ISO 3166")] = None,
    carrier: Annotated[str | None, Query(max_length=64, description="account of the SIM in use")] = None,
    sku: Annotated[str | None, Query(max_length=128)] = None,
    group: Annotated[str | None, Query(max_length=128, description="policy group")] = None,
    region: Annotated[str | None, Query(max_length=128)] = None,
    batch: Annotated[str | None, Query(max_length=128, description="production batch")] = None,
    state: Annotated[
        Literal["manufactured", "bootstrapped", "active", "quarantined", "retired"] | None, Query()
    ] = None,
    stance: Annotated[
        Literal["prohibited", "restricted", "conditional", "unknown", "carrier_policy", "permissive", "mandatory"]
        | None,
        Query(description="what the visited country says about permanent roaming"),
    ] = None,
    connectivity: Annotated[Literal["online", "attached", "offline", "blocked", "unknown"] | None, Query()] = None,
    roaming: Annotated[bool | None, Query()] = None,
    breach_before: Annotated[
        datetime | None,
        Query(description="a roaming clock breaches before this instant; alone, the soonest comes first"),
    ] = None,
) -> DeviceFilter:
    """The conditions of a list."""
    if breach_before is not None and breach_before.tzinfo is None:
        raise invalid("breach_before", breach_before.isoformat(), "an instant with its zone, such as …T00:00:00Z")
    return DeviceFilter(
        country=country, carrier=carrier, sku=sku, group=group, region=region, batch=batch,
        state=DEVICE_STATES[state] if state else None, stance=stance, connectivity=connectivity, roaming=roaming,
        breach_before=breach_before, departments=caller.principal.departments,
    )  # fmt: skip


Which = Annotated[DeviceFilter, Depends(which_devices)]
Search = Annotated[
    str | None,
    Query(
        pattern=r"^[\x21-\x7e]{1,64}$", examples=["8944"],
        description="devices whose name, serial, MAC, IMEI, EID, ICCID or IMSI is this or begins with it; a whole IPv4"
        " or IPv6 address finds the device whose session has it now",
    ),
]  # fmt: skip


@router.get("", summary="Devices, by filter or by search")
async def list_devices(
    request: Request, caller: Reader, which: Which, now: NowOf, q: Search = None, limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[DeviceShown]:  # fmt: skip
    """A page of devices in a stable order; `complete: false` says that the time budget ended first."""
    found = await services(request).of(Fleet).devices(
        actor_of(caller), which, query=q, after=read_place(cursor, searching=q is not None), limit=limit
    )  # fmt: skip
    return Page(
        items=[device_shown(device, now) for device in found.devices],
        next=write_place(found.next) if found.next else None,
        complete=found.complete,
    )


@router.get(
    ".csv", summary="Devices as CSV", response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "one line a device"}},
)  # fmt: skip
async def export_devices(request: Request, caller: Reader, which: Which, now: NowOf) -> StreamingResponse:
    """All devices of a filter, streamed. Leaves a line in the journal."""
    actor = actor_of(caller)
    fleet = services(request).of(Fleet)
    await fleet.noted(actor, Action.EXPORT_MADE, Subject(kind="export", id="devices"), {"format": "csv"}, now=now)
    headers = {"Content-Disposition": 'attachment; filename="devices.csv"'}
    return StreamingResponse(_lines(fleet, actor, which), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(fleet: Fleet, actor: Actor, which: DeviceFilter) -> AsyncIterator[str]:
    yield ",".join(_EXPORT_COLUMNS) + "\r\n"
    after: Place | None = None
    while True:
        found = await fleet.devices(actor, which, query=None, after=after, limit=_EXPORT_PAGE)
        text = io.StringIO()
        csv.writer(text).writerows([_row(device) for device in found.devices])
        yield text.getvalue()
        if found.next is None:
            return
        after = found.next


def _row(device: Device) -> list[str]:
    shown = device_shown(device, device.updated_at)
    values: dict[str, Any] = shown.facts.model_dump(mode="json") | shown.model_dump(mode="json", exclude={"facts"})
    values["tags"] = " ".join(shown.tags)
    return [cell(values[name]) for name in _EXPORT_COLUMNS]


def cell(value: object) -> str:
    """A value as a CSV cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return "'" + text if text.startswith(_FORMULA) else text


@router.get("/{ref}", summary="One device, whole", responses={404: {"description": "No such device"}})
async def read_device(request: Request, response: Response, caller: Reader, ref: Ref, now: NowOf) -> DeviceDetailsShown:
    """Identity, bindings, facts with their ages, cards, profiles, subscriptions, facets, sessions, presence, clocks."""
    device = await _device(request, caller, ref)
    put_etag(response, device.version)
    return details_shown(await services(request).of(Fleet).details(actor_of(caller), device), now)


class BindingsEdit(BaseModel):
    """New bindings; what is left out stays, null takes away."""

    model_config = ConfigDict(extra="forbid")
    sku: Text | None = None
    region: Text | None = None
    group: Text | None = None
    batch: Text | None = None
    tags: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]] | None = Field(
        default=None, max_length=32
    )
    home_country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")] | None = None

    @field_validator("tags")
    @classmethod
    def _once(cls, tags: list[str] | None) -> list[str] | None:
        return sorted(set(tags)) if tags is not None else None


@router.patch(
    "/{ref}", summary="Edit a device's bindings",
    responses={404: {"description": "No such device"}, 412: {"description": "Edited meanwhile"},
               428: {"description": "If-Match is missing"}},
)  # fmt: skip
async def edit_device(
    request: Request, response: Response, caller: Writer, ref: Ref, edit: BindingsEdit, now: NowOf,
    if_match: IfMatch = None,
) -> DeviceShown:  # fmt: skip
    """Policies then look at the device again. Send the ETag that was read as `If-Match`."""
    version = expected_version(if_match)
    device = await _device(request, caller, ref)
    fleet = services(request).of(Fleet)
    departments = caller.principal.departments
    if departments and "group" in edit.model_fields_set and edit.group not in departments:
        raise invalid("/group", edit.group, f"one of your departments: {', '.join(sorted(departments))}")
    given = edit.model_dump(exclude_unset=True)
    old = {
        "sku": device.sku, "region": device.region, "group": device.group, "batch": device.batch,
        "tags": device.tags, "home_country": device.facts.home_country,
    }  # fmt: skip
    wanted: dict[str, Any] = old | given
    wanted["tags"] = tuple(wanted["tags"] or ())
    bindings = Bindings(**wanted)
    done = await fleet.rebind(actor_of(caller), device, bindings, version=version, now=now)
    after = await _device(request, caller, ref)
    if not done:
        raise moved_on("device", after.version)
    put_etag(response, after.version)
    return device_shown(after, now)


class SecretShown(BaseModel):
    """What the device signs in with. Shown this once; only its hash is kept."""

    username: str = Field(examples=["acme/trk-00001"], description="also the client id")
    client_id: str
    password: str


@secret_router.post(
    "/{ref}/credential", status_code=201, summary="Issue a device's MQTT secret",
    responses={404: {"description": "No such device"}},
)  # fmt: skip
async def issue_credential(request: Request, caller: Writer, ref: Ref, now: NowOf) -> SecretShown:
    """A new secret; the old one and the sessions it opened end at once."""
    device = await _device(request, caller, ref)
    secret = await services(request).of(Fleet).issue_secret(actor_of(caller), device, now=now)
    if secret is None:
        raise not_found("device", ref)
    return SecretShown(username=secret.username, client_id=secret.username, password=secret.password)


class SecretsSent(BaseModel):
    """Devices that get a new secret each."""

    model_config = ConfigDict(extra="forbid")
    devices: list[Annotated[str, StringConstraints(min_length=1, max_length=64)]] = Field(
        min_length=1, max_length=10_000, description="names"
    )


@secret_router.post("/credentials", status_code=201, summary="Issue the MQTT secrets of many devices")
async def issue_credentials(
    request: Request, response: Response, caller: Writer, sent: SecretsSent, now: NowOf
) -> list[SecretShown]:
    """All of them or none; old secrets and the sessions they opened end at once."""
    issued = await services(request).of(Fleet).issue_secrets(actor_of(caller), sent.devices, now=now)
    if isinstance(issued, UnknownDevices):
        raise invalid("/devices", list(issued.names[:20]), "names of devices, all of which are here")
    response.headers["Cache-Control"] = "no-store"
    return [SecretShown(username=one.username, client_id=one.username, password=one.password) for one in issued]


@secret_router.delete("/{ref}/credential", status_code=204, summary="Withdraw a device's MQTT secret")
async def revoke_credential(request: Request, caller: Writer, ref: Ref, now: NowOf) -> Response:
    """It can no longer sign in, and is cut off if it is connected. Twice is once."""
    device = await _device(request, caller, ref)
    await services(request).of(Fleet).revoke_secret(actor_of(caller), device, now=now)
    return Response(status_code=204)


async def _device(request: Request, caller: Caller, ref: str) -> Device:
    known = ref_of("dev", ref)
    by = DeviceId(known) if isinstance(known, UUID) else known
    device = await services(request).of(Fleet).device(actor_of(caller), by)
    if device is None:
        raise not_found("device", ref)
    return device


def write_place(place: Place) -> str:
    """A place as a cursor."""
    return write_cursor(place.probe, place.value, str(place.id))


def read_place(cursor: str | None, *, searching: bool) -> Place | None:
    """A cursor as a place; raises the 422 problem."""
    parts = read_cursor(cursor, 3)
    if parts is None:
        return None
    match parts:
        case [int() as probe, (str() | None) as value, str() as ident] if 0 <= probe < _PROBES:
            try:
                if value is not None and not searching and datetime.fromisoformat(value).tzinfo is None:
                    raise _not_ours(cursor)
                return Place(probe=probe, value=value, id=UUID(ident))
            except ValueError as error:
                raise _not_ours(cursor) from error
        case _:
            raise _not_ours(cursor)


def _not_ours(cursor: str | None) -> Problem:
    return invalid("cursor", cursor, "the `next` of a page of this same list")

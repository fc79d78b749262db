"""`/v1/outages`: strata against what is usual; `/v1/availability`: against what was promised at `/v1/objectives`.

Both are read from the same counts, five minutes each. Findings about outages are at `/v1/findings`.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.paging import (
    PAGE,
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
from fairlead.edge.api.problems import invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, age_s
from fairlead.engine.availability import BUCKET_MINUTES, MILLION, Availability, Part
from fairlead.engine.ports.outages import Health, Objective
from fairlead.insight.outage import FEWEST, Standing, Stratum

router = make_router("/v1/outages", "fleet")
availability = make_router("/v1/availability", "fleet")
objectives = make_router("/v1/objectives", "fleet")

Reader = Annotated[Caller, Depends(permit("findings.read", everywhere=True))]
Writer = Annotated[Caller, Depends(permit("policies.write", everywhere=True))]
State = Literal["learning", "too-few", "usual", "suspected", "out"]
DimensionName = Literal["all", "group", "country", "carrier", "core"]
Group = Annotated[
    str, Path(min_length=1, max_length=128, description="a policy group; `*`: every group without its own")
]
_EVERY: Final = "*"
_WINDOW: Final = timedelta(days=30)
_LONGEST: Final = timedelta(days=400)
_KINDS: Final = ("core", "account", "family")


class StratumShown(BaseModel):
    """A stratum in the newest five minutes, against what is usual for it at this hour."""

    kind: Literal["core", "account", "family"]
    name: str = Field(examples=["global-sim"], description="of a family: account/first five digits of the IMSI")
    state: State = Field(description="learning: not an hour of its past is known; too-few: devices to judge it by")
    blamed: bool = Field(description="it explains what is out: its devices have the fact `outage`")
    expected: int = Field(description="devices that should be heard on it")
    missing: int = Field(description="of them, not heard on any network")
    strayed: int = Field(description="of them, heard on another network within the last hour, and not sent there")
    away: int = Field(description="beside them: on another network for longer, or sent there in an outage")
    rate: float = Field(description="missing and strayed, as a share of expected")
    usual_rate: float | None = Field(description="null: not known yet")
    opens_at: float | None = Field(description="the rate above which so many devices are out, with a known past")
    since: datetime | None = Field(description="of the first bad five minutes, where it is suspected or out")


class OutagesShown(Page[StratumShown]):
    """A page of strata, cores first."""

    at: datetime | None = Field(description="when the newest five minutes began; null: nothing was counted yet")
    age_s: int | None
    buckets: int = Field(description="five-minute counts of the last 30 days")


class PartShown(BaseModel):
    """One part of the fleet over a while."""

    name: str = Field(description="empty: devices without one, or the whole fleet")
    availability: float = Field(description="1 - missing / expected", examples=[0.9991])
    objective: float = Field(examples=[0.999])
    met: bool
    expected_minutes: int = Field(description="device minutes")
    missing_minutes: int
    elsewhere_minutes: int = Field(description="reached on another network than the usual one; not missing")
    allowed_minutes: int = Field(description="missing minutes that the objective allows")
    heard_every_s: int = Field(description="a device that is silent for longer counts as missing")


class AvailabilityShown(Page[PartShown]):
    """Availability by contact. It says what was seen of the fleet, not what a network measured of itself."""

    group_by: DimensionName
    since: datetime
    until: datetime
    measured_from: datetime | None = Field(description="the first count in that time; null: there is none")
    measured_to: datetime | None
    measured_share: float = Field(description="of the time since then, how much was counted")


class ObjectiveGiven(BaseModel):
    """What a group is promised."""

    model_config = ConfigDict(extra="forbid")
    objective: Annotated[float, Field(ge=0, lt=1, examples=[0.999], description="to six decimals")]
    heard_every_s: Annotated[int, Field(ge=60, le=30 * 86_400, description="how often its devices are to be heard")]


class ObjectiveShown(ObjectiveGiven):
    """What a group is promised, and who said so."""

    group: str = Field(description="`*`: every group without its own")
    version: int
    updated_at: datetime
    updated_by: str


@router.get("", summary="Carriers, cores and profile families against what is usual for them")
async def read_outages(
    request: Request, caller: Reader, now: NowOf, limit: Limit = PAGE, cursor: CursorText = None
) -> OutagesShown:
    """The newest count of each stratum. What is judged, and how, is told in docs/operate/outages.md."""
    parts = read_cursor(cursor, 2)
    if parts is not None and (parts[0] not in _KINDS or not isinstance(parts[1], str)):
        raise invalid("cursor", cursor, "the `next` of a page of this same list")
    after = Stratum(kind=parts[0], name=parts[1]) if parts is not None else None
    service, actor = services(request).of(Availability), actor_of(caller)
    found = await service.health(actor, after, limit + 1)
    measured = await service.measured(actor, now - _WINDOW, now + timedelta(minutes=5), now)
    items, last = found[:limit], measured.span.last
    return OutagesShown(
        items=[_stratum(one) for one in items], at=last, age_s=age_s(last, now), buckets=measured.span.buckets,
        next=write_cursor(items[-1].stratum.kind, items[-1].stratum.name) if len(found) > limit else None,
    )  # fmt: skip


@availability.get("", summary="Which share of the time devices could be reached, against what was promised")
async def read_availability(
    request: Request, caller: Reader, now: NowOf,
    group_by: Annotated[DimensionName, Query(description="core, carrier: of the network they usually use")] = "group",
    since: Annotated[datetime | None, Query(alias="from", description="default: 30 days before `to`")] = None,
    until: Annotated[datetime | None, Query(alias="to", description="default: now")] = None,
    limit: Limit = PAGE, cursor: CursorText = None,
) -> AvailabilityShown:  # fmt: skip
    """By contact, in device minutes. Devices of carriers that could not be read are not counted meanwhile."""
    for name, given in (("from", since), ("to", until)):
        if given is not None and given.tzinfo is None:
            raise invalid(name, given.isoformat(), "an instant with its offset, such as 2026-03-01T00:00:00Z")
    until = until or now
    since = since or until - _WINDOW
    if not timedelta(0) < until - since <= _LONGEST:
        raise invalid("from", since.isoformat(), f"an instant before `to`, by at most {_LONGEST.days} days")
    parts = read_cursor(cursor, 1)
    if parts is not None and not isinstance(parts[0], str):
        raise invalid("cursor", cursor, "the `next` of a page of this same list")
    service, actor = services(request).of(Availability), actor_of(caller)
    found = await service.parts(actor, group_by, since, until, parts[0] if parts else None, limit + 1)
    measured = await service.measured(actor, since, until, now)
    return AvailabilityShown(
        items=[_part(one) for one in found[:limit]], group_by=group_by, since=since, until=until,
        next=write_cursor(found[limit - 1].reached.name) if len(found) > limit else None,
        measured_from=measured.span.first, measured_to=measured.span.last, measured_share=round(measured.share, 6),
    )  # fmt: skip


@objectives.get("", summary="What groups are promised")
async def list_objectives(
    request: Request, caller: Reader, limit: Limit = PAGE, cursor: CursorText = None
) -> Page[ObjectiveShown]:
    """A group without a row has that of `*`; where there is none either, 99.9 % and 15 minutes."""
    parts = read_cursor(cursor, 1)
    if parts is not None and not isinstance(parts[0], str):
        raise invalid("cursor", cursor, "the `next` of a page of this same list")
    found = await services(request).of(Availability).objectives(
        actor_of(caller), parts[0] if parts else None, limit + 1
    )  # fmt: skip
    return Page(
        items=[_objective(one) for one in found[:limit]],
        next=write_cursor(found[limit - 1].group) if len(found) > limit else None,
    )


@objectives.put("/{group:path}", summary="Promise something to a group")
async def put_objective(
    request: Request, response: Response, caller: Writer, now: NowOf, group: Group, given: ObjectiveGiven,
    if_match: IfMatch = None,
) -> ObjectiveShown:  # fmt: skip
    """Replace the promise at the version that was read; `"0"` where there is none."""
    wanted = Objective(
        group=_name(group), target_ppm=round(given.objective * MILLION), heard_every_s=given.heard_every_s,
        updated_at=now, updated_by=actor_of(caller).name, version=expected_version(if_match),
    )  # fmt: skip
    kept = await services(request).of(Availability).put(actor_of(caller), wanted)
    if isinstance(kept, int):
        raise moved_on("objective", kept)
    put_etag(response, kept.version)
    return _objective(kept)


@objectives.delete("/{group:path}", status_code=204, summary="Take a promise back")
async def drop_objective(
    request: Request, caller: Writer, now: NowOf, group: Group, if_match: IfMatch = None
) -> Response:
    """The group has that of `*` from then on."""
    at = await services(request).of(Availability).drop(
        actor_of(caller), _name(group), expected_version(if_match), now
    )  # fmt: skip
    if at == 0:
        raise not_found("objective", group)
    if at is not None:
        raise moved_on("objective", at)
    return Response(status_code=204)


def _name(group: str) -> str:
    return "" if group == _EVERY else group


def _stratum(one: Health) -> StratumShown:
    standing, sample = one.kept.standing, one.sample
    state: State = "usual"
    if standing.out:
        state = "out"
    elif standing != Standing():
        state = "suspected"
    elif sample.expected < FEWEST:
        state = "too-few"
    elif one.kept.usual_rate is None:
        state = "learning"
    return StratumShown(
        kind=one.stratum.kind, name=one.stratum.name, state=state, blamed=one.kept.blamed, expected=sample.expected,
        missing=sample.missing, strayed=sample.strayed, away=one.away, rate=round(sample.rate, 6),
        usual_rate=_rounded(one.kept.usual_rate), opens_at=_rounded(one.kept.opens_at), since=standing.since,
    )  # fmt: skip


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(min(rate, 1.0), 6)


def _part(one: Part) -> PartShown:
    reached = one.reached
    minutes: dict[str, Any] = {
        "expected_minutes": reached.expected * BUCKET_MINUTES, "missing_minutes": reached.missing * BUCKET_MINUTES,
        "elsewhere_minutes": reached.elsewhere * BUCKET_MINUTES,
        "allowed_minutes": reached.expected * BUCKET_MINUTES * (MILLION - reached.target_ppm) // MILLION,
    }  # fmt: skip
    return PartShown(
        name=reached.name, availability=round(one.availability, 6), objective=reached.target_ppm / MILLION, met=one.met,
        heard_every_s=reached.heard_every_s, **minutes,
    )  # fmt: skip


def _objective(one: Objective) -> ObjectiveShown:
    return ObjectiveShown(
        group=one.group or _EVERY, objective=one.target_ppm / MILLION, heard_every_s=one.heard_every_s,
        version=one.version, updated_at=one.updated_at, updated_by=one.updated_by,
    )  # fmt: skip

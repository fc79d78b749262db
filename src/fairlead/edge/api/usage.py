"""`/v1/subscriptions/{ref}/usage`: what a line has used, day by day, and how far that is known."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.problems import not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, age_s, ref_of, stale
from fairlead.engine.fleet import Fleet
from fairlead.engine.ports.usage import DayUsed
from fairlead.engine.usage import UsageDays
from fairlead.model.ids import SubscriptionId

router = make_router("/v1/subscriptions", "subscriptions")

Reader = Annotated[Caller, Depends(permit("devices.read"))]


class DayShown(BaseModel):
    """What a line used on one day."""

    model_config = ConfigDict(from_attributes=True)
    day: date = Field(description="UTC; a record counts on the day it began")
    bytes: int
    up_bytes: int | None = Field(description="null where the source gives a total only")
    down_bytes: int | None
    kind: Literal["raw", "rated"]
    source: str = Field(description="who counted: sources are never added up", examples=["carrier/global-sim"])
    records: int
    final: bool = Field(description="false: the source may still correct it")
    observed_at: datetime


class UsageShown(BaseModel):
    """A page of days, newest first; a day without a row has no record."""

    iccid: str
    items: list[DayShown]
    next: date | None = Field(description="send it as `before`; null at the beginning")
    covered_from: datetime | None = Field(description="known without a gap from here; null: nothing is known")
    through: datetime | None = Field(description="to here")
    age_s: int | None = Field(description="how old the newest of it is")
    lag_s: int | None = Field(description="how far the source lags, as it says")
    stale: bool | None = Field(description="whether it is older than that; null where nothing is known")
    last_byte_at: datetime | None = Field(description="when the newest record with bytes ended; null: none is known")
    read_at: datetime | None = Field(description="when its carrier was last asked; null: never")
    next_read_at: datetime | None
    failure: str | None = Field(description="why the last reading failed")


@router.get(
    "/{ref}/usage", summary="What a line has used, by day", responses={404: {"description": "No such subscription"}}
)
async def read_usage(
    request: Request, caller: Reader, now: NowOf, ref: Annotated[str, Path(max_length=64)],
    before: Annotated[date | None, Query(description="only days before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=400, description="days")] = 62,
) -> UsageShown:  # fmt: skip
    """Daily totals (UTC) with their source, and how far the line is known.

    Where several sources counted the same day, one of them is shown: raw before rated, the carrier's own
    reading before a file.
    """
    known = ref_of("sub", ref)
    by = SubscriptionId(known) if isinstance(known, UUID) else known
    line = await services(request).of(Fleet).subscription(actor_of(caller), by)
    if line is None:
        raise not_found("subscription", ref)
    until = before or now.date() + timedelta(days=2)
    found = await services(request).of(UsageDays).read(
        caller.tenant, SubscriptionId(line.id), before=until, limit=limit + 1
    )  # fmt: skip
    days, state = found.days[:limit], found.state
    through = state.through if state else None
    lag_s = state.lag_s if state and through else None
    return UsageShown(
        iccid=line.iccid,
        items=[_day(one) for one in days],
        next=days[-1].day if len(found.days) > limit else None,
        covered_from=state.covered_from if state else None,
        through=through,
        age_s=age_s(through, now),
        lag_s=lag_s,
        stale=stale(through, lag_s, now),
        last_byte_at=state.last_byte_at if state else None,
        read_at=state.read_at if state else None,
        next_read_at=state.next_at if state else None,
        failure=state.failure if state else None,
    )


def _day(one: DayUsed) -> DayShown:
    return DayShown(
        day=one.day, bytes=one.bytes, up_bytes=one.up_bytes, down_bytes=one.down_bytes,
        kind="raw" if one.kind == 1 else "rated", source=one.source, records=one.records, final=one.final,
        observed_at=one.observed_at,
    )  # fmt: skip

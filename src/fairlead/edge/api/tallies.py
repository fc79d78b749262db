"""`/v1/devices/count` and `/v1/devices/facets`: how many a filter leaves, and what it could be narrowed to.

Both answer in time whatever the filter: exact where that is possible, else as last counted with its
age, else "at least so many". `how` says which.
"""

from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from fairlead.edge.api.devices import Which
from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.fleet import ValueCount
from fairlead.edge.api.problems import invalid
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of
from fairlead.engine.fleet import DIMENSIONS, Fleet

router = make_router("/v1/devices", "devices")

Reader = Annotated[Caller, Depends(permit("devices.read"))]
_HOW = "now: counted while you waited; counted: as of `age_s` ago; at_least: the time ended first"


class DeviceCount(BaseModel):
    """How many devices a filter leaves."""

    devices: int
    exact: bool = Field(description="false: at least so many")
    age_s: int = Field(description="how old the figure is; 0 where it was counted now")
    how: Literal["now", "counted", "at_least"] = Field(description=_HOW)


class DeviceFacets(DeviceCount):
    """The same, with how many have each value of some dimensions."""

    by: dict[str, list[ValueCount]] = Field(description="most first; every filter holds, also that of the dimension")


@router.get("/count", summary="How many devices a filter leaves")
async def count_devices(request: Request, caller: Reader, which: Which, now: NowOf) -> DeviceCount:
    """Within a time budget, whatever the filter. A device named `count` is read by its id."""
    found = await services(request).of(Fleet).tally(actor_of(caller), which, (), now=now)
    return DeviceCount(
        devices=found.tally.devices, exact=found.how != "at_least", age_s=found.age_s, how=found.how
    )  # fmt: skip


@router.get("/facets", summary="What a filter could be narrowed to")
async def facet_devices(
    request: Request, caller: Reader, which: Which, now: NowOf,
    by: Annotated[str, Query(max_length=128, description=f"some of {', '.join(DIMENSIONS)}, with commas")],
) -> DeviceFacets:  # fmt: skip
    """Values of some dimensions with their counts, within a time budget. A device named `facets` is read by its id."""
    asked = list(dict.fromkeys(by.split(",")))
    if not set(asked) <= set(DIMENSIONS):
        raise invalid("by", by, f"some of {', '.join(DIMENSIONS)}, with commas between them")
    found = await services(request).of(Fleet).tally(actor_of(caller), which, asked, now=now)
    return DeviceFacets(
        devices=found.tally.devices, exact=found.how != "at_least", age_s=found.age_s, how=found.how,
        by={
            name: [ValueCount(value=value or None, devices=n) for value, n in found.tally.by.get(name, ())]
            for name in asked
        },
    )  # fmt: skip

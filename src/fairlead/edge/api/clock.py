"""`/v1/clock`: what time it is in this house, and in the lab how fast it runs."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, exempt, permit, services
from fairlead.edge.api.problems import Problem
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of
from fairlead.engine.fleet import Fleet
from fairlead.engine.timekeeper import ClockReading, RateRefused, Timekeeper
from fairlead.model.journal import Action, Subject

router = make_router("/v1/clock", "clock")
exempt("GET", "/v1/clock", "the simulator and devices in a lab follow it; it tells nothing about any tenant")


class Clock(BaseModel):
    """The clock of the house."""

    now: datetime = Field(description="the instant it is, UTC")
    rate: float = Field(description="house seconds a real second; 1 outside the lab", examples=[60.0])
    wanted: float = Field(description="the rate that was asked for; differs while Moves hold it down")
    epoch: datetime | None = Field(description="house time when the lab began; null outside the lab")
    lab: bool


class NewRate(BaseModel):
    """How fast the lab's clock should run."""

    model_config = ConfigDict(extra="forbid")
    rate: float = Field(gt=0, le=86_400, examples=[3600.0])


def _shown(reading: ClockReading) -> Clock:
    return Clock(
        now=reading.now, rate=reading.rate, wanted=reading.wanted, epoch=reading.epoch, lab=reading.lab
    )  # fmt: skip


@router.get("", summary="What time it is")
async def read_clock(request: Request) -> Clock:
    """In production this is the machine's clock at rate 1."""
    return _shown(services(request).of(Timekeeper).reading())


@router.put("", summary="Set the rate (lab only)", responses={409: {"description": "Not now, or not here"}})
async def set_clock(
    request: Request, wanted: NewRate, caller: Annotated[Caller, Depends(permit("clock.write", everywhere=True))]
) -> Clock:
    """Time goes on from the instant reached. At most 60 while Moves are open."""
    timekeeper = services(request).of(Timekeeper)
    before = timekeeper.rate
    try:
        reading = await timekeeper.set_rate(wanted.rate)
    except RateRefused as refused:
        raise Problem(409, "clock-refused", "The clock was not changed", str(refused)) from refused
    told = {"from": f"{before:g}", "to": f"{reading.rate:g}"}
    await services(request).of(Fleet).noted(
        actor_of(caller), Action.CLOCK_CHANGED, Subject(kind="clock", id="lab"), told, now=reading.now
    )  # fmt: skip
    return _shown(reading)

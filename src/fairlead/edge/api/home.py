"""`/v1/home`: six questions of the console's first page, each with an honest answer."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import age_s
from fairlead.engine.home import Home
from fairlead.insight.home import Answer
from fairlead.model.rules import NOTICE

router = make_router("/v1/home", "fleet")

Reader = Annotated[Caller, Depends(permit("devices.read"))]


class Link(BaseModel):
    """Where to look further."""

    screen: str = Field(examples=["countries"])
    query: str = Field(description="of that screen's URL", examples=["within_days=30"])


class Headline(BaseModel):
    """The number to show large."""

    value: int | str | None = Field(description="null where it is not known; money as an exact decimal")
    unit: str = Field(description="devices, things, changes, or a currency", examples=["devices"])


class AnswerShown(BaseModel):
    """What every answer has."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["ok", "warn", "bad", "unknown", "not_built"]
    headline: Headline
    sentence: str
    age_s: int | None = Field(description="of the counts behind it; null where it was asked just now, or not at all")
    link: Link
    needs: str | None = Field(description="what the caller would need to be told more")


class OnlineShown(AnswerShown):
    """Who is online?"""

    by: dict[str, int] = Field(description="devices by connectivity: online, attached, offline, blocked, unknown")


class BrokenShown(AnswerShown):
    """What is broken?"""

    devices_out_of_sync: int | None = Field(description="with a facet that nothing under way will bring in sync")
    moves_stuck: int | None = Field(description="10001 says: more than 10000")
    operations_unknown: int | None = Field(description="likewise")
    carriers_failing: int | None = Field(description="null without carriers.read")
    findings_critical: int | None = Field(description="that nobody has acknowledged; null without findings.read")


class CountryRiskShown(BaseModel):
    """Devices of one country by days left; each counted once."""

    model_config = ConfigDict(from_attributes=True)
    country: str | None
    breached: int
    within_7: int
    within_30: int
    within_90: int


class IllegalSoonShown(AnswerShown):
    """What becomes illegal soon? Each device is counted once, as in `/v1/countries`."""

    breached: int | None
    within_7: int | None
    within_30: int | None = Field(description="in more than 7 days")
    within_90: int | None = Field(description="in more than 30 days")
    imei_within_90: int | None = Field(description="whose IMEI must be registered by then, or should have been")
    stance_unknown: int | None = Field(description="devices where nobody has read what the law says")
    countries: list[CountryRiskShown] = Field(description="the ten most urgent")
    notice: str = NOTICE


class ChangingShown(AnswerShown):
    """What is changing?"""

    by_state: dict[str, int] = Field(description="Changes that have not ended")
    devices_in_open_stages: int | None


class MonthlyShown(BaseModel):
    """Monthly fees in one currency."""

    model_config = ConfigDict(from_attributes=True)
    currency: str
    amount: str = Field(description="exact decimal", examples=["1234.5"])
    subscriptions: int


class CostShown(AnswerShown):
    """What does it cost? Monthly fees of active subscriptions, without usage."""

    monthly: list[MonthlyShown]
    subscriptions: int | None
    priced: int | None
    coverage: float | None = Field(description="share of subscriptions that have a price; null where there are none")
    unpriced: dict[str, int] = Field(description="subscriptions by plan without a price, the ten largest; '': no plan")


class HomeShown(BaseModel):
    """Six questions."""

    now: datetime
    online: OnlineShown
    broken: BrokenShown
    illegal_soon: IllegalSoonShown
    changing: ChangingShown
    cost: CostShown
    ready_to_scale: AnswerShown


@router.get("", summary="The fleet at a glance: six questions")
async def read_home(request: Request, caller: Reader, now: NowOf) -> HomeShown:
    """From counts that are kept and questions that an index answers; `age_s` says how old. Not legal advice."""
    page = await services(request).of(Home).read(caller.principal, now)

    def shown(part: Any) -> dict[str, Any]:
        return _common(part.answer, now) | {name: value for name, value in asdict(part).items() if name != "answer"}

    return HomeShown(
        now=now,
        online=OnlineShown(**shown(page.online)),
        broken=BrokenShown(**shown(page.broken)),
        illegal_soon=IllegalSoonShown(**shown(page.illegal_soon)),
        changing=ChangingShown(**shown(page.changing)),
        cost=CostShown(**shown(page.cost)),
        ready_to_scale=AnswerShown(**shown(page.ready_to_scale)),
    )


def _common(answer: Answer, now: datetime) -> dict[str, Any]:
    return {
        "state": answer.state,
        "headline": Headline(value=answer.value, unit=answer.unit),
        "sentence": answer.sentence,
        "age_s": age_s(answer.as_of, now),
        "link": Link(screen=answer.screen, query=answer.query),
        "needs": answer.needs,
    }

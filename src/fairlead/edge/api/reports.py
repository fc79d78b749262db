"""`/v1/reports/baseline`: what is paid for and not used, done twice, not covered, silent, ending or soon illegal."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, age_s
from fairlead.engine.baseline import Baselines
from fairlead.insight.baseline import Figure, Finding, Section
from fairlead.model.rules import NOTICE

router = make_router("/v1/reports", "fleet")

Reader = Annotated[Caller, Depends(permit("costs.read", everywhere=True))]
SectionKey = Literal[
    "unused_data", "silent_sims", "redundant_carriers", "coverage_gaps", "stranded", "contracts", "breaches",
]  # fmt: skip


class FigureShown(BaseModel):
    """One number, with where it comes from, how old that is, and of how many it is not known."""

    name: str
    value: int | None = Field(description="null: not known, which is not zero")
    unit: str = Field(examples=["SIMs"])
    unknown: int = Field(description="of how many of `of` it is not known")
    of: int
    unknown_percent: int | None = Field(description="of `of`, rounded up; null where there are none")
    source: str
    as_of: datetime | None
    age_s: int | None


class MembersLink(BaseModel):
    """The filter that lists who it is about."""

    screen: str = Field(description="of the console", examples=["fleet"])
    query: str = Field(examples=["country=BR&carrier=meridian&state=active"])
    api: str = Field(examples=["/v1/devices?country=BR&carrier=meridian&state=active"])
    exact: bool = Field(description="false: the filter lists more than these")


class BaselineFinding(BaseModel):
    """One thing worth a look."""

    code: str = Field(examples=["no-coverage"])
    says: str
    members: int
    unit: str
    link: MembersLink
    facts: dict[str, str | int | None] = Field(description="the same in parts")
    monthly: dict[str, str] = Field(description="fees a month by currency, exact decimals")
    unpriced: int = Field(description="members whose fee is not known, and not in `monthly`")


class SectionShown(BaseModel):
    """One question."""

    key: SectionKey
    title: str
    figures: list[FigureShown]
    findings: list[BaselineFinding] = Field(description="the largest or soonest fifty")
    more: int = Field(description="findings beyond those")
    note: str = Field(description="how it is judged, and what counts as unknown")


class BaselineShown(BaseModel):
    """The baseline."""

    at: datetime
    silent_days: int
    notice_days: int
    sections: list[SectionShown]
    notice: str = NOTICE


@router.get("/baseline", summary="The baseline: what is wasted, doubled, uncovered, silent, ending or soon illegal")
async def read_baseline(
    request: Request, caller: Reader, now: NowOf,
    silent_days: Annotated[int, Query(ge=1, le=365, description="after how many days a SIM is silent")] = 30,
    notice_days: Annotated[int, Query(ge=1, le=730, description="how far ahead contracts are looked at")] = 90,
) -> BaselineShown:  # fmt: skip
    """Counted now, by the set; what takes too long is told as not counted. Not legal advice."""
    found = await services(request).of(Baselines).read(
        actor_of(caller), now=now, silent_days=silent_days, notice_days=notice_days
    )  # fmt: skip
    return BaselineShown(
        at=found.at, silent_days=silent_days, notice_days=notice_days,
        sections=[_section(one, now) for one in found.sections],
    )  # fmt: skip


def _section(one: Section, now: datetime) -> SectionShown:
    key: Any = one.key
    return SectionShown(
        key=key, title=one.title, figures=[_figure(figure, now) for figure in one.figures],
        findings=[_finding(finding) for finding in one.findings], more=one.more, note=one.note,
    )  # fmt: skip


def _figure(one: Figure, now: datetime) -> FigureShown:
    return FigureShown(
        name=one.name, value=one.value, unit=one.unit, unknown=one.unknown, of=one.of,
        unknown_percent=-(-100 * one.unknown // one.of) if one.of else None, source=one.source, as_of=one.as_of,
        age_s=age_s(one.as_of, now),
    )  # fmt: skip


def _finding(one: Finding) -> BaselineFinding:
    query = urlencode(one.link.asks)
    of_list = one.link.screen != "connectivity" or "tab" not in one.link.asks
    link = MembersLink(
        screen=one.link.screen, query=query, api=f"{one.link.api}?{query}" if of_list else one.link.api,
        exact=one.link.exact,
    )  # fmt: skip
    return BaselineFinding(
        code=one.code, says=one.says, members=one.members, unit=one.unit, link=link, facts=dict(one.facts),
        monthly=dict(one.monthly), unpriced=one.unpriced,
    )  # fmt: skip

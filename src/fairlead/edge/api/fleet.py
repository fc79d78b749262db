"""`/v1/tenant`, `/v1/counts`, `/v1/countries`, `/v1/forecast`, `/v1/prices`: the fleet in figures."""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.problems import not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, age_s
from fairlead.engine.accuracy import Accuracies
from fairlead.engine.fleet import Fleet
from fairlead.engine.ports.fleet import CountryLoad
from fairlead.engine.strategies import Strategies
from fairlead.insight.ways_in import recommended
from fairlead.model.access import allowed
from fairlead.model.ids import show
from fairlead.model.reference import Reference
from fairlead.model.rules import NOTICE, Rule

router = make_router("/v1", "fleet")

Reader = Annotated[Caller, Depends(permit("devices.read"))]
Everywhere = Annotated[Caller, Depends(permit("devices.read", everywhere=True))]

_NANO: Final = Decimal(10) ** -9
ASSUMPTION: Final = "every device stays where it is, on the SIM it uses now, and is seen there each day"


class TenantShown(BaseModel):
    """The tenant of the token."""

    id: str
    name: str = Field(examples=["acme"])
    cell: str
    state: str
    created_at: datetime


@router.get("/tenant", summary="The tenant of the token")
async def read_tenant(request: Request, caller: Reader) -> TenantShown:
    """Everything else under /v1 belongs to it."""
    tenant = await services(request).of(Fleet).tenant(actor_of(caller))
    if tenant is None:
        raise not_found("tenant", str(caller.tenant))
    return TenantShown(
        id=show("ten", caller.tenant), name=tenant.name, cell=tenant.cell, state=tenant.state,
        created_at=tenant.created_at,
    )  # fmt: skip


class ValueCount(BaseModel):
    """How many devices have a value."""

    value: str | None = Field(description="null where it is not known")
    devices: int


class Counts(BaseModel):
    """The fleet by dimension, as last counted."""

    devices: int
    counted_at: datetime | None = Field(description="null before the first count")
    age_s: int | None
    by: dict[str, list[ValueCount]] = Field(description="country, carrier, sku, group, region, batch, state, …")


@router.get("/counts", summary="The fleet in figures, with their age")
async def read_counts(request: Request, caller: Everywhere, now: NowOf) -> Counts:
    """Counted by a worker and after each import, not while you wait; `age_s` says how long ago."""
    found = await services(request).of(Fleet).counts(actor_of(caller))
    by: dict[str, list[ValueCount]] = {}
    for count in found:
        if count.dimension != "all":
            by.setdefault(count.dimension, []).append(ValueCount(value=count.value or None, devices=count.n))
    counted = max((count.at for count in found), default=None)
    total = next((count.n for count in found if count.dimension == "all"), 0)
    return Counts(devices=total, counted_at=counted, age_s=age_s(counted, now), by=by)


class RuleBrief(BaseModel):
    """One rule, with where it comes from and how fresh the reading is."""

    id: str
    jurisdiction: str = Field(description="ISO 3166-1 alpha-2, or EU", examples=["BR"])
    topic: str
    stance: str
    kind: str
    authority: str | None
    confidence: str
    trend: str
    freshness: str = Field(description="green, amber after 180 days, red after 365")
    as_of: date
    sources: list[str]
    summary: str
    disputes: list[str] = Field(description="rules that say otherwise; both are shown, none is dropped")


class DevicesThere(BaseModel):
    """The tenant's devices in a country, by days left on the roaming clock."""

    devices: int = 0
    roaming: int = 0
    breached: int = 0
    within_7: int = 0
    within_30: int = 0
    within_90: int = 0
    later: int = 0
    no_clock: int = 0


class CountryShown(BaseModel):
    """What a country says about permanent roaming, and who of this tenant is there."""

    code: str
    name: str
    stance: str = Field(description="`unknown` is a warning, never a permission")
    confidence: str
    trend: str = Field(description="of the rule that decides the stance: tightening, stable, loosening, unknown")
    behind: list[str] = Field(description="ids of the rules behind the stance; none where nobody found one")
    freshness: str | None = Field(description="of the rules behind the stance; null where there is none")
    zone: str = Field(description="whose calendar days are counted")
    rules: list[RuleBrief]
    contradictory: bool = Field(description="whether sources contradict each other here")
    here: DevicesThere


class RecommendedShown(BaseModel):
    """A row of a reference table that names the country."""

    table: str
    names: str = Field(description="what the row calls the place", examples=["Brazil"])
    says: str
    note: str
    source: str
    date: date


class ChosenShown(BaseModel):
    """What one kept strategy chooses here."""

    strategy: str
    use: str | None = Field(description="local-profile, multi-imsi or roaming; null where no tier holds")
    ground: str | None = Field(description="what decided: law, country, region or tier")
    reason: str


class ActualShown(BaseModel):
    """How the tenant's devices come in here today."""

    devices: int
    roaming: int = Field(description="on a foreign SIM")
    local: int = Field(description="on a SIM of this country; a multi-IMSI card on a local IMSI counts here")
    unknown: int
    roaming_share: float | None = Field(description="of those of which it is known; null where none is")


class CountryDetails(CountryShown):
    """One country: the law, who is there, and which way in is recommended, chosen and taken."""

    recommended: list[RecommendedShown] = Field(description="none where no table names the country")
    chosen: list[ChosenShown] | None = Field(description="by strategy; null where the caller may not read policies")
    actual: ActualShown
    notice: str = NOTICE


class Countries(BaseModel):
    """Countries by code."""

    items: list[CountryShown]
    notice: str = NOTICE


@router.get("/countries", summary="Roaming stance by country, with this tenant's devices there")
async def list_countries(
    request: Request, caller: Everywhere, now: NowOf,
    present: Annotated[bool, Query(description="only countries where devices of this tenant are")] = False,  # noqa: FBT002 - a query parameter
) -> Countries:  # fmt: skip
    """Stance, confidence, age, sources and contradictions, side by side. Not legal advice."""
    reference = services(request).of(Reference)
    loads = {load.country: load for load in await services(request).of(Fleet).country_loads(actor_of(caller), now)}
    codes = sorted(loads.keys() | (set() if present else set(reference.countries)))
    return Countries(items=[_country(code, reference, loads.get(code), now) for code in codes])


@router.get(
    "/countries/{code}", summary="One country", responses={404: {"description": "No such country"}}
)  # fmt: skip
async def read_country(request: Request, caller: Everywhere, code: str, now: NowOf) -> CountryDetails:
    """The same for one country, with the way in: recommended, chosen and actual. Not legal advice."""
    reference = services(request).of(Reference)
    code = code.upper()
    if code not in reference.countries:
        raise not_found("country", code)
    loads = await services(request).of(Fleet).country_loads(actor_of(caller), now)
    load = next((one for one in loads if one.country == code), None)
    chosen = None
    if allowed(caller.principal, "policies.read"):
        found = await services(request).of(Strategies).of_country(actor_of(caller), code, now)
        chosen = [
            ChosenShown(strategy=name, use=one.chosen.use, ground=one.chosen.ground, reason=one.chosen.reason)
            for name, one in found
        ]
    shown = _country(code, reference, load, now)
    return CountryDetails(
        **dict(shown), recommended=_recommended(code, reference), chosen=chosen, actual=_actual(load)
    )  # fmt: skip


def _recommended(code: str, reference: Reference) -> list[RecommendedShown]:
    markets, regions = reference.tables["roaming-stance"], reference.tables["regional-strategies"]
    unions = {rule.jurisdiction: rule.countries for rule in reference.rules if len(rule.countries) > 1}
    return [
        RecommendedShown(
            table=one.table, names=one.names, says=one.says, note=one.note,
            source=reference.tables[one.table].source.name, date=reference.tables[one.table].source.date,
        )
        for one in recommended(code, reference.countries[code].name, markets, regions, unions)
    ]  # fmt: skip


def _actual(load: CountryLoad | None) -> ActualShown:
    if load is None:
        return ActualShown(devices=0, roaming=0, local=0, unknown=0, roaming_share=None)
    known = load.roaming + load.local
    return ActualShown(
        devices=load.devices, roaming=load.roaming, local=load.local, unknown=load.devices - known,
        roaming_share=round(load.roaming / known, 4) if known else None,
    )  # fmt: skip


def _country(code: str, reference: Reference, load: CountryLoad | None, now: datetime) -> CountryShown:
    today = now.astimezone(UTC).date()
    law = reference.law(code, today)
    rules = [rule for rule in reference.rules_of(code) if rule.in_force(today)]
    behind = [rule.freshness(now) for rule in rules if rule.id in law.rules]
    worst = max(behind, key=["green", "amber", "red"].index) if behind else None
    known = reference.countries.get(code)
    here = DevicesThere()
    if load is not None:
        here = DevicesThere(
            devices=load.devices, roaming=load.roaming, breached=load.breached, within_7=load.within_7,
            within_30=load.within_30, within_90=load.within_90, later=load.later, no_clock=load.none,
        )  # fmt: skip
    return CountryShown(
        code=code, name=known.name if known else code, stance=law.stance, confidence=law.confidence, trend=law.trend,
        behind=list(law.rules), freshness=worst, zone=known.zone if known else "UTC",
        rules=[rule_brief(rule, now) for rule in rules],
        contradictory=any(rule.disputes for rule in rules), here=here,
    )  # fmt: skip


def rule_brief(rule: Rule, now: datetime) -> RuleBrief:
    """A rule as this door prints it in short."""
    return RuleBrief(
        id=rule.id, jurisdiction=rule.jurisdiction, topic=rule.topic, stance=rule.stance, kind=rule.kind,
        authority=rule.authority, confidence=rule.confidence, trend=rule.trend, freshness=rule.freshness(now),
        as_of=rule.as_of, sources=list(rule.sources), summary=rule.summary, disputes=list(rule.disputes),
    )  # fmt: skip


class ForecastWeek(BaseModel):
    """Devices whose clock breaches in one week in one country."""

    week: date = Field(description="its Monday, UTC")
    country: str | None
    devices: int


class Forecast(BaseModel):
    """Breaches to come."""

    now: datetime
    until: datetime
    assumption: str
    total: int
    weeks: list[ForecastWeek]
    notice: str = NOTICE


@router.get("/forecast", summary="Breaches to come, by week and country")
async def read_forecast(
    request: Request, caller: Everywhere, now: NowOf,
    weeks: Annotated[int, Query(ge=1, le=104)] = 13,
) -> Forecast:  # fmt: skip
    """From the breach instant of each device. The assumption is printed with it. Not legal advice."""
    found = await services(request).of(Fleet).forecast(actor_of(caller), now=now, weeks=weeks)
    return Forecast(
        now=now,
        until=now + timedelta(weeks=weeks),
        assumption=ASSUMPTION,
        total=sum(week.devices for week in found),
        weeks=[
            ForecastWeek(week=one.week.astimezone(UTC).date(), country=one.country or None, devices=one.devices)
            for one in found
        ],
    )


class ErrorShown(BaseModel):
    """How forecasts of a month ago came out, under one assumption."""

    assumption: str = Field(description="continues: every device stays; last-30-days: its last thirty days repeat")
    forecasts: int = Field(description="devices and rules that could be judged")
    hits: int = Field(description="breaches that came and were forecast")
    missed: int = Field(description="breaches that came and were not")
    false_alarms: int = Field(description="breaches that were forecast within the month and did not come")
    mean_absolute_days: float | None = Field(description="over the hits")
    median_days: float | None = Field(description="over the hits; positive: the breach came earlier than forecast")


class AccuracyShown(BaseModel):
    """Forecasts tried on held-out history."""

    cut: datetime = Field(description="what had been seen by then is all that the forecasts knew")
    until: datetime
    devices: int = Field(description="how many devices the sample has")
    errors: list[ErrorShown]
    notice: str = NOTICE


@router.get("/forecast/accuracy", summary="How good forecasts have been")
async def read_accuracy(request: Request, caller: Everywhere, now: NowOf) -> AccuracyShown:
    """Forecasts made of the history up to a month ago, held against what has happened since. A sample of devices."""
    found = await services(request).of(Accuracies).read(caller.tenant, now)
    return AccuracyShown(
        cut=found.cut,
        until=found.until,
        devices=found.devices,
        errors=[ErrorShown(**asdict(error)) for error in found.errors],
    )


class PriceShown(BaseModel):
    """What a plan costs from a day on; exact decimals."""

    plan: str
    currency: str
    activation: str = Field(examples=["1.5"])
    monthly: str
    per_mb: str
    valid_from: date
    included_bytes: int | None = Field(description="of a SIM and month; null where nobody said")


@router.get("/prices", summary="Prices of plans")
async def list_prices(
    request: Request, caller: Annotated[Caller, Depends(permit("costs.read", everywhere=True))]
) -> list[PriceShown]:
    """As imported. A plan without a price makes a cost unknown, never 0."""
    return [
        PriceShown(
            plan=price.plan, currency=price.currency, activation=_amount(price.activation_nano),
            monthly=_amount(price.monthly_nano), per_mb=_amount(price.per_mb_nano), valid_from=price.valid_from,
            included_bytes=price.included_bytes,
        )
        for price in await services(request).of(Fleet).prices(actor_of(caller))
    ]  # fmt: skip


def _amount(nano: int) -> str:
    text = format(nano * _NANO, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

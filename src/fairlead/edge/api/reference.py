"""`/v1/reference`, `/v1/rules` and `/v1/facts`: what the world is like, and what a condition may read."""

from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, Field

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.fleet import RuleBrief, rule_brief
from fairlead.edge.api.problems import not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.model.facts import catalogue
from fairlead.model.reference import Reference, Source, Table
from fairlead.model.rules import NOTICE

router = make_router("/v1", "reference")

Reader = Annotated[Caller, Depends(permit("reference.read"))]


class SourceShown(BaseModel):
    """Where data comes from, and from when."""

    name: str
    date: date
    licence: str | None


class TableBrief(BaseModel):
    """A table's name and what it is about."""

    name: str
    title: str
    rows: int
    columns: list[str]
    source: SourceShown


class TableShown(TableBrief):
    """A table."""

    items: list[dict[str, str]]
    note: str


class ReferenceShown(BaseModel):
    """What reference data this server has."""

    tables: list[TableBrief]
    sources: dict[str, SourceShown]
    countries: int
    networks: int
    currencies: int
    rules: int
    notice: str = NOTICE


class Rules(BaseModel):
    """Rules, with their sources."""

    items: list[RuleBrief]
    notice: str = NOTICE


class FactShown(BaseModel):
    """A fact that a condition may read."""

    name: str
    context: str
    type: str
    unit: str
    source: str
    freshness: str
    doc: str
    values: list[str] = Field(description="the closed set of values, where there is one")


@router.get("/reference", summary="Reference data: tables and sources")
async def read_reference(request: Request, caller: Reader) -> ReferenceShown:
    """Each with its source and date."""
    del caller
    reference = services(request).of(Reference)
    return ReferenceShown(
        tables=[TableBrief(**_brief(table)) for table in reference.tables.values()],
        sources={name: _source(source) for name, source in reference.sources.items()},
        countries=len(reference.countries),
        networks=len(reference.networks),
        currencies=len(reference.currencies),
        rules=len(reference.rules),
    )


@router.get("/reference/{table}", summary="One table", responses={404: {"description": "No such table"}})
async def read_table(request: Request, caller: Reader, table: Annotated[str, Path(max_length=64)]) -> TableShown:
    """Its rows as objects."""
    del caller
    found = services(request).of(Reference).tables.get(table)
    if found is None:
        raise not_found("table", table)
    return TableShown(**_brief(found), items=[dict(row) for row in found.records()], note=found.note)


@router.get("/rules", summary="Regulatory rules")
async def list_rules(
    request: Request, caller: Reader, now: NowOf,
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$")] = None,
    topic: Annotated[str | None, Query(max_length=64)] = None,
) -> Rules:  # fmt: skip
    """Sources that contradict each other stand side by side. Not legal advice."""
    del caller
    return Rules(
        items=[
            rule_brief(rule, now)
            for rule in services(request).of(Reference).rules
            if (country is None or country in rule.countries) and (topic is None or rule.topic == topic)
        ]
    )


@router.get("/facts", summary="Facts that conditions may read")
async def list_facts(caller: Reader) -> list[FactShown]:
    """By context: a policy reads facts of a device, a strategy of a country, and so on."""
    del caller
    return [
        FactShown(
            name=fact.name, context=fact.context, type=fact.type, unit=fact.unit, source=fact.source,
            freshness=fact.freshness, doc=fact.doc, values=list(fact.values),
        )
        for group in catalogue.values()
        for fact in group.values()
    ]  # fmt: skip


def _brief(table: Table) -> dict[str, Any]:
    return {
        "name": table.name, "title": table.title, "rows": len(table.rows), "columns": list(table.columns),
        "source": _source(table.source),
    }  # fmt: skip


def _source(source: Source) -> SourceShown:
    return SourceShown(name=source.name, date=source.date, licence=source.licence)

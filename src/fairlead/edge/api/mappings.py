"""`/v1/imports/mappings`: how to read the files of a source, kept under its name."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.imports import unreadable
from fairlead.edge.api.paging import IfMatch, expected_version, moved_on, put_etag
from fairlead.edge.api.problems import not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of
from fairlead.engine.imports import UnreadableFile
from fairlead.engine.mappings import Mappings
from fairlead.engine.ports.mappings import KeptMapping

router = make_router("/v1/imports/mappings", "imports")

Importer = Annotated[Caller, Depends(permit("imports.apply", everywhere=True))]
Source = Annotated[str, Path(max_length=63, examples=["borealis"])]


class MappingGiven(BaseModel):
    """A mapping as it is written."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, StringConstraints(min_length=1, max_length=65_536)] = Field(
        description="YAML; docs/import.md says what it may hold",
        examples=["source: borealis\nfiles:\n  sims:\n    columns: {iccid: SIM-Nummer}\n"],
    )


class MappingShown(MappingGiven):
    """A mapping that is kept."""

    source: str
    updated_at: datetime
    updated_by: str
    version: int


@router.get("", summary="Mappings of import files")
async def list_mappings(request: Request, caller: Importer) -> list[MappingShown]:
    """By source; `source` of an import names one."""
    return [_shown(one) for one in await services(request).of(Mappings).all(actor_of(caller))]


@router.get("/{source}", summary="One mapping", responses={404: {"description": "No such mapping"}})
async def read_mapping(request: Request, response: Response, caller: Importer, source: Source) -> MappingShown:
    """As it was written; the ETag is its version."""
    found = await services(request).of(Mappings).one(actor_of(caller), source)
    if found is None:
        raise not_found("mapping", source)
    put_etag(response, found.version)
    return _shown(found)


@router.put(
    "/{source}", summary="Keep a mapping",
    responses={412: {"description": "Edited meanwhile"},
               428: {"description": "It is there already: If-Match is missing"}},
)  # fmt: skip
async def put_mapping(
    request: Request, response: Response, caller: Importer, source: Source, given: MappingGiven, now: NowOf,
    if_match: IfMatch = None,
) -> MappingShown:  # fmt: skip
    """Every fault is told with its line; a mapping that has one is not kept."""
    version = expected_version(if_match) if if_match is not None else 0
    mappings, actor = services(request).of(Mappings), actor_of(caller)
    try:
        done = await mappings.put(actor, source, given.text, version=version, now=now)
    except UnreadableFile as error:
        raise unreadable(error, "The mapping cannot be read; it is not kept") from error
    found = await mappings.one(actor, source)
    if found is None:
        raise not_found("mapping", source)
    if not done:
        expected_version(if_match)
        raise moved_on("mapping", found.version)
    put_etag(response, found.version)
    return _shown(found)


@router.delete(
    "/{source}", status_code=204, summary="Forget a mapping", responses={404: {"description": "No such mapping"}}
)
async def remove_mapping(request: Request, caller: Importer, source: Source, now: NowOf) -> None:
    """What was imported through it stays."""
    if not await services(request).of(Mappings).remove(actor_of(caller), source, now=now):
        raise not_found("mapping", source)


def _shown(one: KeptMapping) -> MappingShown:
    return MappingShown(
        source=one.source, text=one.text, updated_at=one.updated_at, updated_by=one.updated_by, version=one.version
    )

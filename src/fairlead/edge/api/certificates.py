"""`/v1/certificates`: what SKUs were granted in countries, as the tenant recorded it."""

from datetime import UTC, date, datetime
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fairlead.edge.api.door import Caller, NowOf, ServicesOf, permit, services
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
from fairlead.edge.api.problems import invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of
from fairlead.engine.certificates import Certificates
from fairlead.model.reference import Reference
from fairlead.model.shipment import Certificate, Topic

router = make_router("/v1/certificates", "shipments")

Reader = Annotated[Caller, Depends(permit("plans.read", everywhere=True))]
Writer = Annotated[Caller, Depends(permit("imports.apply", everywhere=True))]
_SKU_LIMIT: Final = 128
Sku = Annotated[str, Path(max_length=_SKU_LIMIT)]
CountryCode = Annotated[str, Path(pattern="^[A-Z]{2}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]


class CertificateGiven(BaseModel):
    """What a SKU was granted in a country."""

    model_config = ConfigDict(extra="forbid")

    number: Text = Field(examples=["ANATEL 01234-21-05678"])
    valid_from: date | None = None
    valid_until: date | None = Field(default=None, description="its last day; null: without an end")
    source: Text | None = None
    as_of: date | None = Field(default=None, description="when somebody looked")


class CertificateShown(CertificateGiven):
    """A certificate as it is recorded."""

    sku: str
    country: str
    topic: Topic = Field(description="imei_registration: IMEIs of this SKU are registered as they ship")
    days_left: int | None = Field(description="until its last day; below zero: since then")
    version: int


@router.get("", summary="What SKUs were granted where")
async def list_certificates(
    offered: ServicesOf, caller: Reader, now: NowOf,
    country: Annotated[str | None, Query(pattern="^[A-Z]{2}$")] = None,
    sku: Annotated[str | None, Query(max_length=_SKU_LIMIT)] = None, limit: Limit = 100, cursor: CursorText = None,
) -> Page[CertificateShown]:  # fmt: skip
    """By SKU, country and topic. What is not here, nobody recorded."""
    place = read_cursor(cursor, 3)
    after = (str(place[0]), str(place[1]), str(place[2])) if place else None
    found = await offered.of(Certificates).page(
        actor_of(caller), country=country, sku=sku, after=after, limit=limit + 1
    )  # fmt: skip
    last = found[limit - 1] if len(found) > limit else None
    more = write_cursor(last.sku, last.country, last.topic) if last else None
    return Page(items=[_shown(one, now) for one in found[:limit]], next=more)


@router.put(
    "/{sku}/{country}/{topic}", summary="Record what a SKU was granted in a country",
    responses={412: {"description": "Edited meanwhile"},
               428: {"description": "It is there already: If-Match is missing"}},
)  # fmt: skip
async def put_certificate(
    request: Request, response: Response, caller: Writer, sku: Sku, country: CountryCode, topic: Topic,
    given: CertificateGiven, now: NowOf, if_match: IfMatch = None,
) -> CertificateShown:  # fmt: skip
    """Without `If-Match` a new one is made; with the version that was read, that one is replaced."""
    if not sku.isprintable() or sku != sku.strip():
        raise invalid("sku", sku, "1 to 128 printable characters, no space at either end")
    if country not in services(request).of(Reference).countries:
        raise invalid("country", country, "a country code of ISO 3166 with two letters, such as BR")
    if given.valid_from is not None and given.valid_until is not None and given.valid_until < given.valid_from:
        raise invalid("/valid_until", given.valid_until.isoformat(), f"not before it begins ({given.valid_from})")
    version = expected_version(if_match) if if_match is not None else 0
    records, actor = services(request).of(Certificates), actor_of(caller)
    wanted = Certificate(sku=sku, country=country, topic=topic, version=version, **given.model_dump())
    done = await records.put(actor, wanted, now)
    if done is None:
        kept = await records.page(actor, country=country, sku=sku, after=None, limit=100)
        found = next((one for one in kept if one.topic == topic), None)
        if found is None:
            raise not_found("certificate", f"{sku}/{country}/{topic}")
        expected_version(if_match)
        raise moved_on("certificate", found.version)
    put_etag(response, done.version)
    return _shown(done, now)


@router.delete("/{sku}/{country}/{topic}", status_code=204, summary="Take a record of a certificate away")
async def remove_certificate(
    offered: ServicesOf, caller: Writer, sku: Sku, country: CountryCode, topic: Topic, now: NowOf
) -> None:
    """It was recorded by mistake, or was withdrawn."""
    if not await offered.of(Certificates).remove(actor_of(caller), sku, country, topic, now):
        raise not_found("certificate", f"{sku}/{country}/{topic}")


def _shown(one: Certificate, now: datetime) -> CertificateShown:
    return CertificateShown(
        sku=one.sku, country=one.country, topic=one.topic, number=one.number, valid_from=one.valid_from,
        valid_until=one.valid_until, source=one.source, as_of=one.as_of,
        days_left=None if one.valid_until is None else (one.valid_until - now.astimezone(UTC).date()).days,
        version=one.version,
    )  # fmt: skip

"""`/v1/register` and `/v1/radio`: due diligence of carrier accounts, coverage, radios of SKUs, ends of networks."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.paging import IfMatch, expected_version, moved_on, put_etag
from fairlead.edge.api.problems import invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of, age_s
from fairlead.engine.carriers import Carriers
from fairlead.engine.ports.register import Registered
from fairlead.engine.register import Register
from fairlead.model.device import Account
from fairlead.model.radio import Rat, SkuRadio
from fairlead.model.reference import Reference
from fairlead.model.register import Contract, ContractState, Covered, DueDiligence, Fee
from fairlead.model.rules import NOTICE

router = make_router("/v1/register", "carriers")
carriers = make_router("/v1/carriers", "carriers")
radio = make_router("/v1/radio", "reference")

Reader = Annotated[Caller, Depends(permit("carriers.read", everywhere=True))]
Writer = Annotated[Caller, Depends(permit("carriers.write", everywhere=True))]
Everybody = Annotated[Caller, Depends(permit("reference.read"))]
DeviceWriter = Annotated[Caller, Depends(permit("devices.write", everywhere=True))]
Name = Annotated[str, Path(max_length=63, examples=["global-sim"])]

Text = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Prose = Annotated[str, StringConstraints(max_length=4_000, pattern=r"^[^\x00]*$")]
Code = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}(\.[0-9]{1,9})?$")]
RatWord = Literal["2G", "3G", "LTE", "LTE-M", "NB-IoT", "5G"]
_MOST_COVERED: Final = 10_000
_SKU_LIMIT: Final = 128


class FeeGiven(BaseModel):
    """What else an account charges."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)
    name: Text = Field(examples=["roaming surcharge"])
    amount: Amount = Field(description="exact decimal", examples=["0.02"])
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = Field(examples=["EUR"])
    per: Text = Field(examples=["MB"])


class ContractGiven(BaseModel):
    """A contract of an account."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)
    number: Text
    starts_on: date | None = None
    ends_on: date | None = None
    notice_days: Annotated[int, Field(ge=0, le=3_650)] | None = None
    committed_sims: Annotated[int, Field(ge=0, le=10**9)] | None = None
    commitment: Text | None = None

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> "ContractGiven":
        """A contract that ends before it starts is a slip."""
        if self.starts_on is not None and self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError(f"ends_on must not be before starts_on ({self.starts_on.isoformat()})")
        return self


class DueDiligenceGiven(BaseModel):
    """What is known of an account. Null: nobody asked; an empty list: the answer was none."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["full_mvno", "reseller", "operator"] | None = None
    upstream: Annotated[list[Text], Field(max_length=64)] | None = Field(default=None, description="upstream cores")
    breakout: Annotated[list[Code], Field(max_length=260)] | None = Field(
        default=None, description="countries where its traffic reaches the Internet"
    )
    local_imsis: Annotated[list[Code], Field(max_length=260)] | None = Field(
        default=None, description="countries where its SIMs have an IMSI of the country"
    )
    plans: Annotated[list[Text], Field(max_length=256)] | None = Field(
        default=None, description="names on offer; what they cost is in `/v1/prices`"
    )
    fees: Annotated[list[FeeGiven], Field(max_length=64)] | None = None
    contacts: Prose | None = None
    notes: Prose | None = None
    source: Text | None = Field(default=None, description="who said all this")
    as_of: date | None = None
    contracts: Annotated[list[ContractGiven], Field(max_length=64)] = Field(default_factory=list["ContractGiven"])


class ContractShown(ContractGiven):
    """A contract, and where it stands today (UTC)."""

    state: ContractState = Field(description="notice_due: within 90 days; notice_past: too late to give it")
    days_left: int | None = Field(description="until it ends; below zero: since it ended")
    notice_by: date | None = Field(description="the last day on which notice can be given")


class RegisterShown(BaseModel):
    """What is known of an account."""

    account: str
    carrier: str
    kind: Literal["full_mvno", "reseller", "operator"] | None
    upstream: list[str] | None
    breakout: list[str] | None
    local_imsis: list[str] | None
    plans: list[str] | None
    fees: list[FeeGiven] | None
    contacts: str | None
    notes: str | None
    source: str | None
    as_of: date | None
    contracts: list[ContractShown] = Field(description="the one that ends last first")
    countries_covered: int = Field(description="how many its coverage list names; 0: there is none")
    unanswered: list[str] = Field(description="questions of due diligence that nobody has answered yet")
    version: int = Field(description="0: nothing is kept yet")
    updated_at: datetime | None
    updated_by: str | None
    age_s: int | None


class CoveredGiven(BaseModel):
    """What an account lists in a country."""

    model_config = ConfigDict(extra="forbid")
    country: Code
    rat: RatWord
    source: Text
    as_of: date


class CoverageShown(BaseModel):
    """A coverage list."""

    account: str
    version: int = Field(description="of the account's record, which it belongs to")
    items: list[CoveredGiven]


class CoverageGiven(BaseModel):
    """A whole coverage list."""

    model_config = ConfigDict(extra="forbid")
    items: Annotated[list[CoveredGiven], Field(max_length=_MOST_COVERED)]


@router.get("", summary="The carriers' register")
async def list_register(request: Request, caller: Reader, now: NowOf) -> list[RegisterShown]:
    """Every account by name, also one of which nothing is known yet."""
    return [_shown(one, now) for one in await services(request).of(Register).all(actor_of(caller))]


@carriers.get(
    "/{name}/register", summary="What is known of one account", responses={404: {"description": "No such account"}}
)
async def read_register(request: Request, response: Response, caller: Reader, name: Name, now: NowOf) -> RegisterShown:
    """The ETag is the record's version, `"0"` where nothing is kept yet."""
    found = await services(request).of(Register).one(actor_of(caller), await _account(request, caller, name))
    put_etag(response, found.version)
    return _shown(found, now)


@carriers.put(
    "/{name}/register", summary="Replace what is known of one account",
    responses={404: {"description": "No such account"}, 412: {"description": "Edited meanwhile"},
               428: {"description": "If-Match is missing"}},
)  # fmt: skip
async def put_register(
    request: Request, response: Response, caller: Writer, name: Name, given: DueDiligenceGiven, now: NowOf,
    if_match: IfMatch = None,
) -> RegisterShown:  # fmt: skip
    """The whole record with its contracts; what is left out is not known any more. Coverage stays as it is."""
    version = expected_version(if_match)
    account = await _account(request, caller, name)
    known, register, actor = _known(request, given), services(request).of(Register), actor_of(caller)
    done = await register.put(actor, account, known, version=version, now=now)
    after = await register.one(actor, account)
    if not done:
        raise moved_on("record", after.version)
    put_etag(response, after.version)
    return _shown(after, now)


@carriers.get(
    "/{name}/coverage", summary="Where an account says that it works",
    responses={404: {"description": "No such account"}},
)  # fmt: skip
async def read_coverage(request: Request, response: Response, caller: Reader, name: Name) -> CoverageShown:
    """By country and radio technology, each with its source and date."""
    account, register, actor = await _account(request, caller, name), services(request).of(Register), actor_of(caller)
    found = await register.one(actor, account)
    put_etag(response, found.version)
    return _coverage(name, found.version, await register.coverage(actor, account))


@carriers.put(
    "/{name}/coverage", summary="Replace where an account says that it works",
    responses={404: {"description": "No such account"}, 412: {"description": "Edited meanwhile"},
               428: {"description": "If-Match is missing"}},
)  # fmt: skip
async def put_coverage(
    request: Request, response: Response, caller: Writer, name: Name, given: CoverageGiven, now: NowOf,
    if_match: IfMatch = None,
) -> CoverageShown:  # fmt: skip
    """The whole list. An import of the kind `coverage` adds to it instead."""
    version = expected_version(if_match)
    account, register, actor = await _account(request, caller, name), services(request).of(Register), actor_of(caller)
    listed = [Covered(country=o.country, rat=Rat(o.rat), source=o.source, as_of=o.as_of) for o in given.items]
    seen: set[tuple[str, Rat]] = set()
    for place, one in enumerate(listed):
        _check_country(request, f"/items/{place}/country", one.country)
        if (one.country, one.rat) in seen:
            raise invalid(f"/items/{place}", f"{one.country} {one.rat}", "each country and technology once")
        seen.add((one.country, one.rat))
    done = await register.put_coverage(actor, account, listed, version=version, now=now)
    after = await register.one(actor, account)
    if not done:
        raise moved_on("record", after.version)
    put_etag(response, after.version)
    return _coverage(name, after.version, await register.coverage(actor, account))


def _coverage(name: str, version: int, found: Any) -> CoverageShown:
    items = [CoveredGiven(country=one.country, rat=one.rat.value, source=one.source, as_of=one.as_of) for one in found]
    return CoverageShown(account=name, version=version, items=items)


def _known(request: Request, given: DueDiligenceGiven) -> DueDiligence:
    for name in ("breakout", "local_imsis"):
        for place, code in enumerate(getattr(given, name) or ()):
            _check_country(request, f"/{name}/{place}", code)
    currencies = services(request).of(Reference).currencies
    for place, fee in enumerate(given.fees or ()):
        if fee.currency not in currencies:
            raise invalid(f"/fees/{place}/currency", fee.currency, "a currency code of ISO 4217, such as EUR")
    numbers = [one.number for one in given.contracts]
    if len(set(numbers)) != len(numbers):
        raise invalid("/contracts", ", ".join(numbers)[:200], "each contract number once")
    return DueDiligence(
        kind=given.kind, upstream=_once(given.upstream), breakout=_once(given.breakout),
        local_imsis=_once(given.local_imsis), plans=_once(given.plans),
        fees=None if given.fees is None else tuple(
            Fee(name=one.name, amount=str(Decimal(one.amount)), currency=one.currency, per=one.per)
            for one in given.fees
        ),
        contacts=given.contacts, notes=given.notes, source=given.source, as_of=given.as_of,
        contracts=tuple(Contract(**one.model_dump()) for one in given.contracts),
    )  # fmt: skip


def _once(given: list[str] | None) -> tuple[str, ...] | None:
    return None if given is None else tuple(dict.fromkeys(given))


def _check_country(request: Request, pointer: str, code: str) -> None:
    if code not in services(request).of(Reference).countries:
        raise invalid(pointer, code, "a country code of ISO 3166 with two letters, such as BR")


def _shown(found: Registered, now: datetime) -> RegisterShown:
    known, today = found.known, now.astimezone(UTC).date()
    return RegisterShown(
        account=found.account, carrier=found.carrier, kind=known.kind, upstream=_list(known.upstream),
        breakout=_list(known.breakout), local_imsis=_list(known.local_imsis), plans=_list(known.plans),
        fees=None if known.fees is None else [FeeGiven.model_validate(one) for one in known.fees],
        contacts=known.contacts, notes=known.notes, source=known.source, as_of=known.as_of,
        contracts=[
            ContractShown(
                number=one.number, starts_on=one.starts_on, ends_on=one.ends_on, notice_days=one.notice_days,
                committed_sims=one.committed_sims, commitment=one.commitment, state=one.state(today),
                days_left=one.days_left(today), notice_by=one.notice_by,
            )
            for one in known.contracts
        ],
        countries_covered=found.countries, unanswered=list(known.unanswered(covered=found.countries > 0)),
        version=found.version, updated_at=found.updated_at, updated_by=found.updated_by,
        age_s=age_s(found.updated_at, now),
    )  # fmt: skip


def _list(found: tuple[str, ...] | None) -> list[str] | None:
    return None if found is None else list(found)


async def _account(request: Request, caller: Caller, name: str) -> Account:
    account = await services(request).of(Carriers).account(caller.tenant, name)
    if account is None:
        raise not_found("carrier", name)
    return account


# --- radios and ends of networks ---------------------------------------------------------------


class SkuGiven(BaseModel):
    """What the radio of a SKU can do."""

    model_config = ConfigDict(extra="forbid")
    rats: Annotated[list[RatWord], Field(min_length=1, max_length=6)]
    bands: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,16}$")]], Field(max_length=64)
    ] = Field(default_factory=list[str], examples=[["B3", "B20"]])
    source: Text | None = Field(default=None, examples=["data sheet rev. C"])
    as_of: date | None = None


class SkuShown(SkuGiven):
    """A SKU's radio."""

    sku: str
    version: int


class SunsetShown(BaseModel):
    """A technology that ends in a country, or on one network there."""

    country: str
    rat: str
    network: str | None = Field(description="null: all of the country")
    off_on: date | None = Field(description="by when it is off; null: it is off, and nobody said since when")
    confidence: Literal["high", "medium", "low"]
    source: str
    as_of: date
    own: bool = Field(description="the tenant's own row; else of the reference data")


class Sunsets(BaseModel):
    """Ends of network technologies."""

    items: list[SunsetShown]
    notice: str = NOTICE


@radio.get("/skus", summary="What the radios of SKUs can do")
async def list_skus(request: Request, caller: Everybody) -> list[SkuShown]:
    """As imported or put. A SKU that is not here is unknown."""
    return [_sku(one) for one in await services(request).of(Register).skus(actor_of(caller))]


@radio.put(
    "/skus/{sku}", summary="Say what the radio of a SKU can do",
    responses={412: {"description": "Edited meanwhile"},
               428: {"description": "It is there already: If-Match is missing"}},
)  # fmt: skip
async def put_sku(
    request: Request, response: Response, caller: DeviceWriter, given: SkuGiven, now: NowOf,
    sku: Annotated[str, Path(max_length=_SKU_LIMIT)], if_match: IfMatch = None,
) -> SkuShown:  # fmt: skip
    """Without `If-Match` a new one is made; with the version that was read, that one is replaced."""
    version = expected_version(if_match) if if_match is not None else 0
    register, actor = services(request).of(Register), actor_of(caller)
    if not sku.isprintable() or sku != sku.strip():
        raise invalid("sku", sku, "1 to 128 printable characters, no space at either end")
    rats = tuple(rat for rat in Rat if rat.value in given.rats)
    wanted = SkuRadio(sku=sku, rats=rats, bands=_once(given.bands) or (), source=given.source, as_of=given.as_of)
    done = await register.put_sku(actor, wanted, version=version, now=now)
    found = next((one for one in await register.skus(actor) if one.sku == sku), None)
    if found is None:
        raise not_found("sku", sku)
    if not done:
        expected_version(if_match)
        raise moved_on("SKU", found.version)
    put_etag(response, found.version)
    return _sku(found)


def _sku(one: SkuRadio) -> SkuShown:
    return SkuShown(
        sku=one.sku, rats=[rat.value for rat in one.rats], bands=list(one.bands), source=one.source, as_of=one.as_of,
        version=one.version,
    )  # fmt: skip


@radio.get("/sunsets", summary="Ends of network technologies")
async def list_sunsets(request: Request, caller: Everybody) -> Sunsets:
    """The tenant's own rows, and those of the reference data where it has none of its own. Not legal advice."""
    return Sunsets(
        items=[
            SunsetShown(
                country=one.country, rat=one.rat.value, network=one.plmn, off_on=one.off_on,
                confidence=one.confidence, source=one.source, as_of=one.as_of, own=one.own,
            )
            for one in await services(request).of(Register).sunsets(actor_of(caller))
        ]
    )  # fmt: skip

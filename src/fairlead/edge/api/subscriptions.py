"""`/v1/subscriptions` and `/v1/carriers`: what was bought where, and the accounts it was bought on."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fairlead.edge.api.door import Caller, NowOf, permit, services
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
from fairlead.edge.api.problems import Problem, invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import SubscriptionShown, actor_of, age_s, ref_of, subscription_shown
from fairlead.engine.carriers import NO_CONNECTOR, AccountRefused, Carriers
from fairlead.engine.fleet import Fleet
from fairlead.engine.ports.fleet import SubscriptionFilter
from fairlead.model.device import SUBSCRIPTION_CODES, Account
from fairlead.model.ids import DeviceId, SubscriptionId, show
from fairlead.model.reference import Reference
from fairlead.model.subscription import SubscriptionState

router = make_router("/v1/subscriptions", "subscriptions")
carriers = make_router("/v1/carriers", "carriers")

Reader = Annotated[Caller, Depends(permit("devices.read"))]
CarrierReader = Annotated[Caller, Depends(permit("carriers.read", everywhere=True))]
CarrierWriter = Annotated[Caller, Depends(permit("carriers.write", everywhere=True))]
Name = Annotated[str, Path(max_length=63, examples=["global-sim"])]


@router.get("", summary="Subscriptions")
async def list_subscriptions(
    request: Request, caller: Reader, now: NowOf, limit: Limit = 100, cursor: CursorText = None,
    carrier: Annotated[str | None, Query(max_length=63, description="carrier account")] = None,
    state: Annotated[SubscriptionState | None, Query()] = None,
    device: Annotated[str | None, Query(max_length=64, description="id or name")] = None,
) -> Page[SubscriptionShown]:  # fmt: skip
    """In a stable order; `complete: false` says that the time budget ended first."""
    account = await _account(request, caller, carrier) if carrier is not None else None
    fleet = services(request).of(Fleet)
    of_device = None
    if device is not None:
        known = ref_of("dev", device)
        found = await fleet.device(actor_of(caller), DeviceId(known) if isinstance(known, UUID) else known)
        if found is None:
            raise not_found("device", device)
        of_device = found.id
    which = SubscriptionFilter(
        account=account.id if account else None, state=SUBSCRIPTION_CODES[state] if state else None, device=of_device,
        departments=caller.principal.departments,
    )  # fmt: skip
    page = await fleet.subscriptions(actor_of(caller), which, after=_after(cursor), limit=limit)
    return Page(
        items=[subscription_shown(one, now) for one in page.subscriptions],
        next=write_cursor(str(page.next)) if page.next else None,
        complete=page.complete,
    )


def _after(cursor: str | None) -> SubscriptionId | None:
    parts = read_cursor(cursor, 1)
    try:
        return SubscriptionId(UUID(str(parts[0]))) if parts else None
    except ValueError as error:
        raise invalid("cursor", cursor, "the `next` of a page of this same list") from error


@router.get(
    "/{ref}", summary="One subscription, by id or ICCID", responses={404: {"description": "No such subscription"}}
)
async def read_subscription(
    request: Request, caller: Reader, now: NowOf, ref: Annotated[str, Path(max_length=64)]
) -> SubscriptionShown:
    """What was bought, what the carrier says, what is on the air; each with its age."""
    known = ref_of("sub", ref)
    by = SubscriptionId(known) if isinstance(known, UUID) else known
    found = await services(request).of(Fleet).subscription(actor_of(caller), by)
    if found is None:
        raise not_found("subscription", ref)
    return subscription_shown(found, now)


# --- carriers ----------------------------------------------------------------------------------


class AccountShown(BaseModel):
    """A carrier account. Its credential goes in and never comes out."""

    id: str
    name: str = Field(examples=["global-sim"])
    connector: str = Field(examples=["soracom"], description="`none` for a carrier without an interface")
    carrier: str
    home_country: str | None
    config: dict[str, Any]
    has_credential: bool
    iccid_digits: int | None
    staleness_s: int = Field(description="how far the carrier's own view may lag")
    created_at: datetime
    updated_at: datetime
    version: int
    swept_at: datetime | None = Field(description="last complete reading of its inventory")
    sweep_age_s: int | None
    failing_since: datetime | None
    failure: str | None


Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Secrets = Annotated[
    dict[Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=4096)]],
    Field(max_length=16),
]
Config = Annotated[dict[str, Any], Field(max_length=64)]


class NewAccount(BaseModel):
    """A carrier account to add."""

    model_config = ConfigDict(extra="forbid")
    name: Label
    carrier: Text = Field(examples=["Northwind Mobile"])
    connector: Text = NO_CONNECTOR
    home_country: Country | None = Field(default=None, description="of its SIMs, where they share one")
    config: Config = Field(default_factory=dict, description="the connector's own settings, such as base_url")
    credential: Secrets | None = Field(default=None, description="the fields the connector names; sealed at once")
    iccid_digits: Annotated[int, Field(ge=19, le=20)] | None = None
    staleness_s: Annotated[int, Field(ge=0, le=604_800)] | None = None


class AccountEdit(BaseModel):
    """What to change of an account; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    carrier: Text | None = None
    home_country: Country | None = None
    config: Config | None = None
    credential: Secrets | None = None
    iccid_digits: Annotated[int, Field(ge=19, le=20)] | None = None
    staleness_s: Annotated[int, Field(ge=0, le=604_800)] | None = None


def _shown(account: Account, now: datetime) -> AccountShown:
    return AccountShown(
        id=show("acct", account.id), name=account.name, connector=account.connector, carrier=account.carrier,
        home_country=account.home_country, config=dict(account.config), has_credential=account.has_credential,
        iccid_digits=account.iccid_digits, staleness_s=account.staleness_s, created_at=account.created_at,
        updated_at=account.updated_at, version=account.version, swept_at=account.swept_at,
        sweep_age_s=age_s(account.swept_at, now), failing_since=account.failing_since, failure=account.failure,
    )  # fmt: skip


@carriers.get("", summary="Carrier accounts")
async def list_carriers(request: Request, caller: CarrierReader, now: NowOf) -> list[AccountShown]:
    """By name. A failing one says since when and why."""
    return [_shown(one, now) for one in await services(request).of(Carriers).accounts(caller.tenant)]


@carriers.post(
    "", status_code=201, summary="Add a carrier account", responses={409: {"description": "The name is taken"}}
)
async def add_carrier(
    request: Request, response: Response, caller: CarrierWriter, wanted: NewAccount, now: NowOf
) -> AccountShown:
    """(carrier, account, credential) is one connector instance; several accounts of one carrier are usual."""
    _check_country(request, wanted.home_country)
    try:
        account = await services(request).of(Carriers).add(actor_of(caller), now=now, **wanted.model_dump())
    except AccountRefused as refused:
        raise _refused(refused) from refused
    if account is None:
        raise Problem(409, "name-taken", "The name is taken", f"there is a carrier account named {wanted.name!r}")
    put_etag(response, account.version)
    return _shown(account, now)


@carriers.get(
    "/{name}", summary="One carrier account", responses={404: {"description": "No such carrier account"}}
)  # fmt: skip
async def read_carrier(
    request: Request, response: Response, caller: CarrierReader, name: Name, now: NowOf
) -> AccountShown:
    """Without its credential."""
    account = await _account(request, caller, name)
    put_etag(response, account.version)
    return _shown(account, now)


@carriers.patch(
    "/{name}", summary="Change a carrier account",
    responses={404: {"description": "No such carrier account"}, 412: {"description": "Edited meanwhile"},
               428: {"description": "If-Match is missing"}},
)  # fmt: skip
async def edit_carrier(
    request: Request, response: Response, caller: CarrierWriter, name: Name, edit: AccountEdit, now: NowOf,
    if_match: IfMatch = None,
) -> AccountShown:  # fmt: skip
    """A new credential replaces the old one at once."""
    version = expected_version(if_match)
    account = await _account(request, caller, name)
    _check_country(request, edit.home_country)
    for needed in ("carrier", "config", "staleness_s"):
        if needed in edit.model_fields_set and getattr(edit, needed) is None:
            raise invalid(f"/{needed}", None, "a value: this cannot be taken away")
    try:
        done = await services(request).of(Carriers).change(
            actor_of(caller), account, edit.model_dump(exclude_unset=True), version=version, now=now
        )  # fmt: skip
    except AccountRefused as refused:
        raise _refused(refused) from refused
    after = await _account(request, caller, name)
    if not done:
        raise moved_on("carrier account", after.version)
    put_etag(response, after.version)
    return _shown(after, now)


def _check_country(request: Request, code: str | None) -> None:
    if code is not None and code not in services(request).of(Reference).countries:
        raise invalid("/home_country", code, "a country code of ISO 3166 with two letters, such as BR")


def _refused(refused: AccountRefused) -> Problem:
    return invalid(f"/{refused.field}", refused.value, refused.expected, title="The carrier account is not valid")


async def _account(request: Request, caller: Caller, name: str) -> Account:
    account = await services(request).of(Carriers).account(caller.tenant, name)
    if account is None:
        raise not_found("carrier", name)
    return account

"""`/v1/subscriptions` and `/v1/carriers`: what was bought where, and the accounts it was bought on."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import StreamingResponse

from fairlead.edge.api.devices import cell, read_place, write_place
from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.paging import (
    CursorText,
    IfMatch,
    Limit,
    Page,
    expected_version,
    moved_on,
    put_etag,
)
from fairlead.edge.api.problems import Problem, invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import SubscriptionShown, actor_of, age_s, ref_of, subscription_shown
from fairlead.engine.carriers import NO_CONNECTOR, AccountRefused, BudgetLeft, Carriers
from fairlead.engine.fleet import Actor, Fleet
from fairlead.engine.ports.fleet import Count, Place, SubscriptionFilter
from fairlead.engine.sameaccount import SameAccount
from fairlead.model.device import CONNECTIVITY_CODES, SUBSCRIPTION_CODES, Account
from fairlead.model.ids import DeviceId, SubscriptionId, show
from fairlead.model.journal import Action, Subject
from fairlead.model.reference import Reference
from fairlead.model.subscription import Connectivity, SubscriptionState, Verb, VerbCapability

router = make_router("/v1/subscriptions", "subscriptions")
carriers = make_router("/v1/carriers", "carriers")

Reader = Annotated[Caller, Depends(permit("devices.read"))]
CarrierReader = Annotated[Caller, Depends(permit("carriers.read", everywhere=True))]
CarrierWriter = Annotated[Caller, Depends(permit("carriers.write", everywhere=True))]
FormFactor = Literal["2FF", "3FF", "4FF", "MFF2", "iSIM", "softSIM"]
Technology = Literal["uicc", "euicc", "iuicc", "softsim"]
Name = Annotated[str, Path(max_length=63, examples=["global-sim"])]


_FRESH: Final = timedelta(days=1)
_EXPORT_PAGE: Final = 1_000
_EXPORT_COLUMNS: Final = (
    "id", "iccid", "imsi", "msisdn", "eid", "account", "device", "plan", "state", "provider_state", "observed_at",
    "connectivity", "connectivity_at", "form_factor", "technology", "multi_imsi", "remote", "enabled", "home_country",
    "country",
)  # fmt: skip


async def which_subscriptions(
    request: Request, caller: Reader, now: NowOf,
    carrier: Annotated[str | None, Query(max_length=63, description="carrier account")] = None,
    state: Annotated[SubscriptionState | None, Query()] = None,
    device: Annotated[str | None, Query(max_length=64, description="id or name")] = None,
    plan: Annotated[str | None, Query(max_length=128)] = None,
    connectivity: Annotated[Connectivity | None, Query()] = None,
    form_factor: Annotated[FormFactor | None, Query()] = None,
    technology: Annotated[Technology | None, Query()] = None,
    remote: Annotated[
        Literal["changeable", "swap_needed"] | None,
        Query(description="whether its card can be given another operator without a visit"),
    ] = None,
    country: Annotated[
        str | None, Query(pattern="^[A-Z]{2}$", description="where the device that holds it was last seen")
    ] = None,
    multi_imsi: Annotated[bool | None, Query(description="whether its card holds several IMSIs")] = None,
    silence: Annotated[
        Literal["heard", "silent", "never_seen", "unknown"] | None,
        Query(description="what its use says, as in the baseline; unknown where nobody tells of it for long enough"),
    ] = None,
    silent_days: Annotated[int, Query(ge=1, le=365, description="with `silence`")] = 30,
) -> SubscriptionFilter:  # fmt: skip
    """The conditions of a list."""
    account = await _account(request, caller, carrier) if carrier is not None else None
    of_device = None
    if device is not None and silence is not None:
        raise invalid("silence", silence, "nothing beside device: one device has a handful of them")
    if device is not None:
        known = ref_of("dev", device)
        by = DeviceId(known) if isinstance(known, UUID) else known
        found = await services(request).of(Fleet).device(actor_of(caller), by)
        if found is None:
            raise not_found("device", device)
        of_device = found.id
    return SubscriptionFilter(
        account=account.id if account else None, account_name=account.name if account else None,
        state=SUBSCRIPTION_CODES[state] if state else None, device=of_device, plan=plan,
        connectivity=CONNECTIVITY_CODES[connectivity] if connectivity else None, form_factor=form_factor,
        technology=technology, remote=None if remote is None else remote == "changeable", country=country,
        multi_imsi=multi_imsi, silence=silence, silent_days=silent_days, now=now,
        departments=caller.principal.departments,
    )  # fmt: skip


Which = Annotated[SubscriptionFilter, Depends(which_subscriptions)]
Search = Annotated[
    str | None,
    Query(
        pattern="^[0-9]{1,32}$", examples=["8944"],
        description="those whose ICCID, IMSI, MSISDN (without +) or EID is this or begins with it",
    ),
]  # fmt: skip


@router.get("", summary="Cards, profiles and subscriptions of all carriers, by filter or by search")
async def list_subscriptions(
    request: Request, caller: Reader, which: Which, now: NowOf, q: Search = None, limit: Limit = 100,
    cursor: CursorText = None,
) -> Page[SubscriptionShown]:  # fmt: skip
    """A row a subscription, in a stable order; `complete: false` says that the time budget ended first."""
    if q is not None and which.device is not None:
        raise invalid("q", q, "nothing beside device: one device has a handful of them")
    after = read_place(cursor, searching=q is not None)
    found = await services(request).of(Fleet).subscriptions(
        actor_of(caller), which, query=q, after=after, limit=limit
    )  # fmt: skip
    return Page(
        items=[subscription_shown(one, now) for one in found.subscriptions],
        next=write_place(found.next) if found.next else None,
        complete=found.complete,
    )


@router.get(
    ".csv", summary="Cards, profiles and subscriptions as CSV", response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "one line a subscription"}},
)  # fmt: skip
async def export_subscriptions(request: Request, caller: Reader, which: Which, now: NowOf) -> StreamingResponse:
    """All of a filter, streamed. Leaves a line in the journal."""
    actor, fleet = actor_of(caller), services(request).of(Fleet)
    subject = Subject(kind="export", id="subscriptions")
    await fleet.noted(actor, Action.EXPORT_MADE, subject, {"format": "csv"}, now=now)
    headers = {"Content-Disposition": 'attachment; filename="subscriptions.csv"'}
    lines = _lines(fleet, actor, which, now)
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(fleet: Fleet, actor: Actor, which: SubscriptionFilter, now: datetime) -> AsyncIterator[str]:
    yield ",".join(_EXPORT_COLUMNS) + "\r\n"
    after: Place | None = None
    while True:
        found = await fleet.subscriptions(actor, which, query=None, after=after, limit=_EXPORT_PAGE)
        text = io.StringIO()
        shown = [subscription_shown(one, now).model_dump(mode="json") for one in found.subscriptions]
        csv.writer(text).writerows([[cell(one[name]) for name in _EXPORT_COLUMNS] for one in shown])
        yield text.getvalue()
        if found.next is None:
            return
        after = found.next


class SimValueCount(BaseModel):
    """How many subscriptions have a value."""

    value: str | None = Field(description="null where it is not known")
    subscriptions: int


class SimCounts(BaseModel):
    """Subscriptions by dimension, as last counted."""

    subscriptions: int
    counted_at: datetime | None = Field(description="null before the first count")
    age_s: int | None
    by: dict[str, list[SimValueCount]] = Field(
        description="account, state, plan, connectivity, form_factor, technology, remote, multi_imsi, country"
    )


@router.get("/counts", summary="Subscriptions in figures, with their age")
async def count_subscriptions(
    request: Request, caller: Annotated[Caller, Depends(permit("devices.read", everywhere=True))], now: NowOf
) -> SimCounts:
    """Counted by a worker and after each import, not while you wait; `age_s` says how long ago."""
    found = await services(request).of(Fleet).sim_counts(actor_of(caller))
    by: dict[str, list[SimValueCount]] = {}
    for one in found:
        if one.dimension not in {"all", "account_state"}:
            by.setdefault(one.dimension, []).append(SimValueCount(value=one.value or None, subscriptions=one.n))
    counted = max((one.at for one in found), default=None)
    total = next((one.n for one in found if one.dimension == "all"), 0)
    return SimCounts(subscriptions=total, counted_at=counted, age_s=age_s(counted, now), by=by)


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


class CapabilityShown(BaseModel):
    """One verb at one carrier."""

    verb: str = Field(examples=["suspend"])
    supported: bool
    because: str = Field(description="why not, or under which condition")
    reversible: bool
    mode: Literal["sync", "job", "callback"]
    billable: bool | None = Field(description="null where the carrier does not say")
    traffic_after: Literal["none", "possible", "unknown"]
    needs: list[str]


class BudgetShown(BaseModel):
    """One token bucket, as last saved."""

    call_class: str = Field(examples=["read"])
    left: float = Field(description="below zero: the carrier said not before")
    capacity: int
    per_second: float
    full_at: datetime = Field(description="real time, as is used_at: a budget is the carrier's")
    used_at: datetime | None


class HookShown(BaseModel):
    """Where the carrier posts to, without the address."""

    made_at: datetime
    heard_at: datetime | None = Field(description="the last delivery that proved its sender")
    heard: int = Field(description="events, those told again included")
    repeated: int = Field(description="events that had been told before, by the carrier's own id")
    refused: int = Field(description="deliveries that proved no sender")
    refused_at: datetime | None


class SimsShown(BaseModel):
    """SIMs of an account, as last counted."""

    total: int
    by_state: dict[str, int]
    counted_at: datetime | None = Field(description="null before the first count")
    age_s: int | None


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
    paused_until: datetime | None = Field(
        description="left in peace until then: nothing of it is called; null where it is not, or no longer"
    )
    paused_because: str | None = Field(
        description="the reason of the answer that asked for it", examples=["rate_limited", "provider_unavailable"]
    )
    fresh: bool | None = Field(description="not failing, and read within a day; null without a connector")
    capabilities: list[CapabilityShown] = Field(description="every verb; none without a connector")
    budgets: list[BudgetShown] = Field(description="none without a connector")
    sims: SimsShown
    hook: HookShown | None = Field(description="null where its carrier has no address to post to")


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


async def _shown(request: Request, caller: Caller, account: Account, now: datetime) -> AccountShown:
    (shown,) = await _all_shown(request, caller, [account], now)
    return shown


async def _all_shown(
    request: Request, caller: Caller, accounts: Sequence[Account], now: datetime
) -> list[AccountShown]:
    known, real_now = services(request).of(Carriers), request.app.state.real_now()
    counts = await services(request).of(Fleet).sim_counts(actor_of(caller))
    return [
        _account_shown(
            one, now, known.capabilities(one), await known.budgets(caller.tenant, one, real_now), counts
        )
        for one in accounts
    ]  # fmt: skip


def _sims(account: Account, counts: Sequence[Count], now: datetime) -> SimsShown:
    found = {
        one.value.partition("/")[2]: one.n
        for one in counts
        if one.dimension == "account_state" and one.value.partition("/")[0] == account.name
    }
    at = max((one.at for one in counts), default=None)
    return SimsShown(total=sum(found.values()), by_state=found, counted_at=at, age_s=age_s(at, now))


def _fresh(account: Account, now: datetime) -> bool | None:
    if account.connector == NO_CONNECTOR:
        return None
    return account.failing_since is None and account.swept_at is not None and now - account.swept_at <= _FRESH


def _hook(account: Account) -> HookShown | None:
    if account.hook_made_at is None:
        return None
    return HookShown(
        made_at=account.hook_made_at, heard_at=account.hook_heard_at, heard=account.hook_heard,
        repeated=account.hook_repeated, refused=account.hook_refused, refused_at=account.hook_refused_at,
    )  # fmt: skip


def _account_shown(
    account: Account, now: datetime, verbs: Mapping[Verb, VerbCapability], budgets: Sequence[BudgetLeft],
    counts: Sequence[Count],
) -> AccountShown:  # fmt: skip
    paused = account.paused_until is not None and account.paused_until > now
    return AccountShown(
        id=show("acct", account.id), name=account.name, connector=account.connector, carrier=account.carrier,
        home_country=account.home_country, config=dict(account.config), has_credential=account.has_credential,
        iccid_digits=account.iccid_digits, staleness_s=account.staleness_s, created_at=account.created_at,
        updated_at=account.updated_at, version=account.version, swept_at=account.swept_at,
        sweep_age_s=age_s(account.swept_at, now), failing_since=account.failing_since, failure=account.failure,
        paused_until=account.paused_until if paused else None,
        paused_because=account.paused_because if paused else None,
        fresh=_fresh(account, now), sims=_sims(account, counts, now), hook=_hook(account),
        capabilities=[
            CapabilityShown(
                verb=verb.value, supported=one.supported, because=one.because, reversible=one.reversible, mode=one.mode,
                billable=one.billable, traffic_after=one.traffic_after, needs=list(one.needs),
            )
            for verb, one in verbs.items()
        ],
        budgets=[
            BudgetShown(
                call_class=one.call_class, left=round(one.left, 3), capacity=one.capacity, per_second=one.per_second,
                full_at=one.full_at, used_at=one.used_at,
            )
            for one in budgets
        ],
    )  # fmt: skip


@carriers.get("", summary="Carrier accounts")
async def list_carriers(request: Request, caller: CarrierReader, now: NowOf) -> list[AccountShown]:
    """By name. A failing one says since when and why."""
    return await _all_shown(request, caller, await services(request).of(Carriers).accounts(caller.tenant), now)


@carriers.post(
    "",
    status_code=201,
    summary="Add a carrier account",
    responses={409: {"description": "The name is taken, or the carrier's account is kept under another"}},
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
    except SameAccount as same:
        raise _same(same) from same
    if account is None:
        raise Problem(409, "name-taken", "The name is taken", f"there is a carrier account named {wanted.name!r}")
    put_etag(response, account.version)
    return await _shown(request, caller, account, now)


@carriers.get(
    "/{name}", summary="One carrier account", responses={404: {"description": "No such carrier account"}}
)  # fmt: skip
async def read_carrier(
    request: Request, response: Response, caller: CarrierReader, name: Name, now: NowOf
) -> AccountShown:
    """Without its credential."""
    account = await _account(request, caller, name)
    put_etag(response, account.version)
    return await _shown(request, caller, account, now)


@carriers.patch(
    "/{name}", summary="Change a carrier account",
    responses={404: {"description": "No such carrier account"},
               409: {"description": "The carrier's account is kept under another name"},
               412: {"description": "Edited meanwhile"},
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
    except SameAccount as same:
        raise _same(same) from same
    after = await _account(request, caller, name)
    if not done:
        raise moved_on("carrier account", after.version)
    put_etag(response, after.version)
    return await _shown(request, caller, after, now)


def _check_country(request: Request, code: str | None) -> None:
    if code is not None and code not in services(request).of(Reference).countries:
        raise invalid("/home_country", code, "a country code of ISO 3166 with two letters, such as BR")


def _refused(refused: AccountRefused) -> Problem:
    return invalid(f"/{refused.field}", refused.value, refused.expected, title="The carrier account is not valid")


def _same(same: SameAccount) -> Problem:
    detail = f"{same.name!r} is the same account at {same.carrier}: its SIMs would be read and changed twice."
    return Problem(409, "same-account", "The account is kept already", detail, extra={"account": same.name})


async def _account(request: Request, caller: Caller, name: str) -> Account:
    account = await services(request).of(Carriers).account(caller.tenant, name)
    if account is None:
        raise not_found("carrier", name)
    return account

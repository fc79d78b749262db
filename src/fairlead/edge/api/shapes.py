"""The fleet's nouns as this door prints them, and the small readings endpoints share.

Ids carry their kind (`dev_…`), states are words, instants are UTC. Nothing here decides anything.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller
from fairlead.edge.api.problems import invalid
from fairlead.engine.fleet import Actor
from fairlead.engine.ports.fleet import ClockRow, DeviceDetails, FacetStatus, PresenceRow, SessionRow
from fairlead.model import ids
from fairlead.model.device import Card, Device, Facts, Profile, Subscription
from fairlead.model.facet import BY_NUMBER
from fairlead.model.ids import Kind
from fairlead.model.lifecycle import MoveState, OperationState, name
from fairlead.model.situation import read_recipe

REF_LIMIT = 64
Ref = Annotated[str, Path(max_length=REF_LIMIT, description="the id or the name", examples=["trk-00001"])]

_REMOTE: Final[dict[bool | None, Literal["changeable", "swap_needed"] | None]] = {
    True: "changeable", False: "swap_needed", None: None,
}  # fmt: skip
_READ_EVERY: Final = timedelta(hours=1)  # readings of a line are at least so far apart
_ACCESS = {1: "cellular", 2: "private", 3: "wifi", 4: "satellite", 5: "wired"}


def actor_of(caller: Caller) -> Actor:
    """The caller as the engine knows it."""
    return Actor(tenant=caller.tenant, name=caller.actor, departments=caller.principal.departments)


def ref_of(kind: Kind, text: str) -> UUID | str:
    """A printed id as an id, anything else as a name; raises the 422 problem for an id of another kind."""
    if not ids.reads_as_id(text):
        return text
    try:
        return ids.read(kind, text)
    except ids.MalformedId as error:
        raise invalid("id", text, str(error).partition("expected ")[2] or str(error)) from error


def id_of(kind: Kind, text: str) -> UUID:
    """A printed id; raises the 422 problem."""
    try:
        return ids.read(kind, text)
    except ids.MalformedId as error:
        raise invalid("id", text, f"an id such as {ids.show(kind, UUID(int=0))}") from error


class FactsShown(BaseModel):
    """What was last observed; null where nothing was."""

    model_config = ConfigDict(from_attributes=True)
    home_country: str | None
    country: str | None
    plmn: str | None
    rat: str | None
    cell: str | None
    roaming: bool | None
    carrier: str | None
    iccid: str | None
    imei: str | None
    connectivity: str | None
    law_stance: str | None
    law_confidence: str | None
    subscription_state: str | None
    plan: str | None
    usage_24h_bytes: int | None
    usage_month_bytes: int | None
    usage_at: datetime | None = Field(description="how far the usage facts are known; null: nothing is")
    usage_lag_s: int | None = Field(description="how far their source lags, as it says")
    silent_days: int | None = Field(description="days without a byte or session, as far as known; null: unknown")
    success_rate_1h: float | None
    outage: bool | None = Field(description="whether the network it usually uses is out; null: it never was")
    outage_over_at: datetime | None = Field(description="when its last outage was over; null while it lasts")
    firmware: str | None
    config_hash: str | None
    days_used: int | None
    breach_at: datetime | None
    imei_breach_at: datetime | None
    cert_not_after: datetime | None
    last_contact_at: datetime | None
    place_at: datetime | None = Field(description="when country, network, cell, SIM and IMEI were observed")
    place_source: str | None
    place_age_s: int | None = Field(description="how old that observation is")
    contact_age_s: int | None = Field(description="how long ago the device was last heard")
    usage_age_s: int | None = Field(description="how old the usage facts are")
    usage_stale: bool | None = Field(description="whether that is more than their source lags; null: nothing is known")


class DeviceShown(BaseModel):
    """A device with its last observed facts."""

    id: str = Field(examples=["dev_06cb00000000000000000000g1"])
    name: str = Field(examples=["trk-00001"])
    serial: str | None
    imei: str | None
    eid: str | None
    mac: str | None
    fingerprint: str | None
    sku: str | None
    region: str | None
    group: str | None
    batch: str | None
    tags: list[str]
    state: str = Field(examples=["active"])
    has_secret: bool = Field(description="whether it may sign in over MQTT")
    created_at: datetime
    updated_at: datetime
    version: int
    facts: FactsShown


class SubscriptionShown(BaseModel):
    """A subscription: what was bought, what the carrier says, what is on the air."""

    id: str
    iccid: str
    account: str
    device: str | None
    plan: str | None
    state: str
    provider_id: str | None
    provider_state: str | None = Field(description="the carrier's own word")
    hold_reasons: list[str]
    auto_revert_at: datetime | None
    observed_at: datetime | None
    observed_age_s: int | None
    connectivity: str
    connectivity_at: datetime | None
    connectivity_age_s: int | None
    imsi: str | None
    msisdn: str | None
    enabled: bool | None = Field(description="the profile on the card; null where no profile is known")
    home_country: str | None = Field(description="of the profile")
    country: str | None = Field(description="where the device that holds it was last seen")
    eid: str | None
    form_factor: str | None = Field(description="of the card; null where no card is known", examples=["MFF2"])
    technology: str | None = Field(examples=["euicc"])
    multi_imsi: bool | None
    remote: Literal["changeable", "swap_needed"] | None = Field(
        description="changeable: eUICC, iUICC, soft SIM or multi-IMSI; null where no card is known"
    )


class CardShown(BaseModel):
    """A card in a slot."""

    id: str
    eid: str | None
    form_factor: str
    technology: str
    multi_imsi: bool
    slot: int


class ProfileShown(BaseModel):
    """An operator profile on a card."""

    id: str
    card: str
    account: str
    iccid: str
    imsi: str | None
    msisdn: str | None
    enabled: bool
    slot: int
    home_country: str | None
    apn: str | None


class StepShown(BaseModel):
    """One step of the recipe under way."""

    no: int
    driver: str = Field(examples=["carrier"])
    verb: str = Field(examples=["activate"])
    on: str = Field(description="whose: target, current or device")
    proof: str
    undo: str
    now: bool = Field(description="the step reached")


class MoveUnderWay(BaseModel):
    """The open Move that carries a facet, and how far it is."""

    change: str
    title: str
    state: str
    direction: Literal["forward", "back"]
    step: int = Field(description="the step reached, from 1; one more than `of` where only the end is left")
    of: int
    steps: list[StepShown]
    attempt: int
    operations: list[str] = Field(description="states of this step's operations")
    deadline: datetime | None = Field(description="until when this step must be proved")
    opened_at: datetime


class FacetShown(BaseModel):
    """One facet: desired against observed, who wants it so, and how far it is."""

    facet: str
    desired: Any
    generation: int
    offered_generation: int
    observed_generation: int
    in_sync: bool
    change: str | None
    changed_at: datetime | None = Field(description="since when it is desired so")
    policies: list[str] = Field(description="policy@revision of whoever holds a value of it; none where unmanaged")
    verified: Any = Field(description="the last document that was proved")
    proved: bool = Field(description="whether what is desired is what was proved")
    move: MoveUnderWay | None = Field(description="null where nothing is under way")
    reported: Any
    reported_version: int | None
    reported_at: datetime | None
    reported_age_s: int | None


class SessionShown(BaseModel):
    """One data session."""

    model_config = ConfigDict(from_attributes=True)
    iccid: str
    access: str
    plmn: str | None
    country: str | None
    rat: str | None
    cell: str | None
    imei: str | None
    ip: str | None
    source: str
    started_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    bytes: int | None
    end_cause: str | None


class PresenceShown(BaseModel):
    """One run of presence in a country and network."""

    model_config = ConfigDict(from_attributes=True)
    iccid: str | None
    imei: str | None
    country: str
    plmn: str
    first_at: datetime
    last_at: datetime
    source: str


class ClockShown(BaseModel):
    """One rule's clock."""

    model_config = ConfigDict(from_attributes=True)
    rule: str
    topic: str
    days_used: int
    breach_at: datetime | None
    days_left: int | None = Field(description="days of 24 h until the breach, rounded up; 0 once it is there")
    started_at: datetime | None
    computed_at: datetime


class DeviceDetailsShown(DeviceShown):
    """Everything about one device."""

    cards: list[CardShown]
    profiles: list[ProfileShown]
    subscriptions: list[SubscriptionShown]
    facets: list[FacetShown]
    sessions: list[SessionShown] = Field(description="the newest twenty")
    presence: list[PresenceShown] = Field(description="the newest fifty runs")
    clocks: list[ClockShown] = Field(description="by rule, soonest breach first; not legal advice")


def age_s(at: datetime | None, now: datetime) -> int | None:
    """How old an observation is, in whole seconds."""
    return None if at is None else max(0, int((now - at).total_seconds()))


def facts_shown(facts: Facts, now: datetime) -> FactsShown:
    """Facts with their ages."""
    values = {name: getattr(facts, name) for name in Facts.__dataclass_fields__}
    return FactsShown(
        **values, place_age_s=age_s(facts.place_at, now), contact_age_s=age_s(facts.last_contact_at, now),
        usage_age_s=age_s(facts.usage_at, now), usage_stale=stale(facts.usage_at, facts.usage_lag_s, now),
    )  # fmt: skip


def stale(at: datetime | None, lag_s: int | None, now: datetime) -> bool | None:
    """Whether what is known until `at` is older than its source lags, and the hour that readings are apart."""
    if at is None or lag_s is None:
        return None
    return now - at > timedelta(seconds=lag_s) + _READ_EVERY


def device_shown(device: Device, now: datetime) -> DeviceShown:
    """A device as this door prints it."""
    return DeviceShown(**_device_values(device, now))


def _device_values(device: Device, now: datetime) -> dict[str, Any]:
    return {
        "id": ids.show("dev", device.id), "name": device.name, "serial": device.serial, "imei": device.imei,
        "eid": device.eid, "mac": device.mac, "fingerprint": device.fingerprint, "sku": device.sku,
        "region": device.region, "group": device.group, "batch": device.batch, "tags": list(device.tags),
        "state": name(device.state), "has_secret": device.has_secret, "created_at": device.created_at,
        "updated_at": device.updated_at, "version": device.version, "facts": facts_shown(device.facts, now),
    }  # fmt: skip


def details_shown(details: DeviceDetails, now: datetime) -> DeviceDetailsShown:
    """Everything about a device as this door prints it."""
    return DeviceDetailsShown(
        **_device_values(details.device, now),
        cards=[_card(card) for card in details.cards],
        profiles=[_profile(profile) for profile in details.profiles],
        subscriptions=[subscription_shown(one, now) for one in details.subscriptions],
        facets=[_facet(facet, now) for facet in details.facets],
        sessions=[_session(session) for session in details.sessions],
        presence=[_presence(run) for run in details.presence],
        clocks=[_clock(clock, now) for clock in details.clocks],
    )


def subscription_shown(one: Subscription, now: datetime) -> SubscriptionShown:
    """A subscription as this door prints it."""
    return SubscriptionShown(
        id=ids.show("sub", one.id), iccid=one.iccid, account=one.account, device=one.device, plan=one.plan,
        state=one.state.value, provider_id=one.provider_id, provider_state=one.provider_state,
        hold_reasons=list(one.hold_reasons), auto_revert_at=one.auto_revert_at, observed_at=one.observed_at,
        observed_age_s=age_s(one.observed_at, now), connectivity=one.connectivity.value,
        connectivity_at=one.connectivity_at, connectivity_age_s=age_s(one.connectivity_at, now), imsi=one.imsi,
        msisdn=one.msisdn, enabled=one.enabled, home_country=one.home_country, country=one.country, eid=one.eid,
        form_factor=one.form_factor, technology=one.technology, multi_imsi=one.multi_imsi,
        remote=_REMOTE[one.remotely_changeable],
    )  # fmt: skip


def _card(card: Card) -> CardShown:
    return CardShown(
        id=ids.show("card", card.id), eid=card.eid, form_factor=card.form_factor, technology=card.technology,
        multi_imsi=card.multi_imsi, slot=card.slot,
    )  # fmt: skip


def _profile(profile: Profile) -> ProfileShown:
    return ProfileShown(
        id=ids.show("prof", profile.id), card=ids.show("card", profile.card), account=profile.account,
        iccid=profile.iccid, imsi=profile.imsi, msisdn=profile.msisdn, enabled=profile.enabled, slot=profile.slot,
        home_country=profile.home_country, apn=profile.apn,
    )  # fmt: skip


def _facet(facet: FacetStatus, now: datetime) -> FacetShown:
    return FacetShown(
        facet=BY_NUMBER[facet.facet].value, desired=facet.desired, generation=facet.generation,
        offered_generation=facet.offered_generation, observed_generation=facet.observed_generation,
        in_sync=facet.in_sync, change=ids.show("chg", facet.change) if facet.change else None,
        changed_at=facet.changed_at, policies=list(facet.policies), verified=facet.verified, proved=facet.proved,
        move=_move(facet), reported=facet.reported, reported_version=facet.reported_version,
        reported_at=facet.reported_at, reported_age_s=age_s(facet.reported_at, now),
    )  # fmt: skip


def _move(facet: FacetStatus) -> MoveUnderWay | None:
    if facet.move_change is None or facet.move_state is None or facet.move_opened_at is None:
        return None
    steps = read_recipe(facet.move_recipe).steps if facet.move_recipe else ()
    at = facet.move_step or 0
    return MoveUnderWay(
        change=ids.show("chg", facet.move_change), title=facet.move_title or "",
        state=name(MoveState(facet.move_state)), direction="forward" if facet.move_leg == 1 else "back",
        step=at + 1, of=len(steps),
        steps=[
            StepShown(
                no=no, driver=step.driver, verb=step.verb, on=step.on, proof=step.proof, undo=step.undo,
                now=no == at + 1,
            )
            for no, step in enumerate(steps, start=1)
        ],
        attempt=facet.move_attempt or 1,
        operations=[name(OperationState(state)) for state in facet.move_operations or ()],
        deadline=facet.move_deadline, opened_at=facet.move_opened_at,
    )  # fmt: skip


def _session(session: SessionRow) -> SessionShown:
    values: dict[str, Any] = {name: getattr(session, name) for name in SessionRow.__dataclass_fields__}
    values["access"] = _ACCESS[session.access]
    return SessionShown(**values)


def _presence(run: PresenceRow) -> PresenceShown:
    return PresenceShown.model_validate(run)


def _clock(clock: ClockRow, now: datetime) -> ClockShown:
    values = {name: getattr(clock, name) for name in ClockRow.__dataclass_fields__}
    return ClockShown(**values, days_left=days_left(clock.breach_at, now))


def days_left(breach_at: datetime | None, now: datetime) -> int | None:
    """Days of 24 hours until a breach, rounded up; 0 once it is there (house §6)."""
    if breach_at is None:
        return None
    left = (breach_at - now).total_seconds()
    return max(0, -int(-left // 86_400))

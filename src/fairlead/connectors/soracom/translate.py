"""Soracom's records ↔ our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

Whatever a reply holds, a SIM comes out with `unknown` and the raw word where a word is new, and
with a complaint where a field could not be read. Meanings follow the vendor's pages on subscriber
status and sessions: `inactive` keeps the subscription enabled and blocks data, `standby` and
`suspended` disable it, `ready` turns `active` with the first connection.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Literal

from fairlead.connectors._kit.reading import Fields, as_list, as_object, plmn_of_integers
from fairlead.engine.ports.carrier import (
    Cell,
    Container,
    FormFactor,
    Group,
    ImeiLock,
    ProviderId,
    ReasonCode,
    SessionEvent,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.identifiers import Iccid, MalformedIdentifier, read_imei
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    HoldReason,
    SubscriptionState,
    SubscriptionStatus,
    Verb,
    narrowed,
)

STATES: Final[Mapping[str, SubscriptionState]] = {
    "inStock": SubscriptionState.INVENTORY,
    "shipped": SubscriptionState.INVENTORY,
    "ready": SubscriptionState.READY,
    "active": SubscriptionState.ACTIVE,
    "inactive": SubscriptionState.DEACTIVATED,
    "standby": SubscriptionState.STANDBY,
    "suspended": SubscriptionState.SUSPENDED,
    "banned": SubscriptionState.SUSPENDED,
    "terminated": SubscriptionState.TERMINATED,
}

# States of an additional subscription: is it on the card?
DELIVERED: Final[Mapping[str, bool]] = {"shipped": False, "delivered": False, "ready": True, "active": True}

# Primary subscriptions onto whose cards a further one can be delivered.
_CONTAINER_PLANS: Final = frozenset({"plan01s"})

EventKind = Literal["created", "modified", "deleted", "unknown"]
_EVENTS: Final[Mapping[str, EventKind]] = {
    "Created": "created",
    "Modified": "modified",
    "Deleted": "deleted",
}
_AFTER: Final[Mapping[EventKind, Connectivity]] = {
    "created": Connectivity.ONLINE,
    "modified": Connectivity.ONLINE,
    "deleted": Connectivity.OFFLINE,
    "unknown": Connectivity.UNKNOWN,
}
_REVERTING: Final = frozenset({"deactivate", "suspend", "terminate"})
_ADD_DENIED: Final = {Verb.ADD_SUBSCRIPTION: "additional subscriptions are delivered to plan01s cards only"}
_SMS_DENIED: Final = {Verb.SEND_SMS: "this subscription has no SMS"}

FORMS: Final[Mapping[str, FormFactor]] = {
    "mini": FormFactor.MINI,
    "micro": FormFactor.MICRO,
    "nano": FormFactor.NANO,
    "embedded": FormFactor.SOLDERED,
    "integrated": FormFactor.ISIM,
    "profilePackage": FormFactor.EUICC,
    "virtual": FormFactor.SOFT,
}  # `trio` is cut to size by whoever uses it


def state_of(word: str) -> SubscriptionState:
    """Our word for theirs; `unknown` for one we have never seen."""
    return STATES.get(word, SubscriptionState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord
    mnc_lengths: Mapping[str, frozenset[int]]
    # Of SIMs that take no further subscription, no SMS, or neither; shared by all of them.
    narrow: Mapping[tuple[bool, bool], CapabilityRecord | None] = field(init=False)

    def __post_init__(self) -> None:
        no_more, no_sms = narrowed(self.record, _ADD_DENIED), narrowed(self.record, _SMS_DENIED)
        neither = narrowed(no_more, _SMS_DENIED)
        table = {(True, True): None, (False, True): no_more, (True, False): no_sms, (False, False): neither}
        object.__setattr__(self, "narrow", table)

    def sim(self, value: object, freshness: Freshness) -> SimRecord | None:
        """One SIM; None when the value is not an object with a SIM id."""
        body = as_object(value)
        if body is None:
            return None
        complaints: list[str] = []
        sim = Fields(body, complaints)
        provider_id = sim.text("simId")
        if not provider_id:
            return None
        iccid, profile = _active_profile(sim)
        primary = profile.imsi("primaryImsi")
        subscribers = profile.entries("subscribers")
        main = next((one for name, one in subscribers if name == primary), None)
        plan = main.text("subscription") if main else ""
        further = tuple(_container(one, iccid) for name, one in subscribers if name != primary)
        containers = tuple(one for one in further if one is not None)
        session = self.session(sim.inner("sessionStatus"), self._of_sessions(freshness))
        takes_more = sim.text("type") != "virtual" and (not plan or plan in _CONTAINER_PLANS)
        imsis = [imsi for imsi in (primary, *(one.imsi for one in containers)) if imsi is not None]
        return SimRecord(
            provider_id=ProviderId(provider_id),
            iccid=iccid,
            subscription=_status(sim, freshness.observed_at),
            session=session,
            freshness=freshness,
            imsis=tuple(imsis),
            msisdn=main.msisdn("msisdn") if main else None,
            imei=session.imei or sim.inner("previousSession").imei("imei"),
            plan=plan,
            group=sim.text("groupId"),
            speed=sim.text("speedClass"),
            termination_allowed=sim.truth("terminationEnabled"),
            containers=containers,
            form_factor=FORMS.get(sim.text("moduleType")),
            imei_lock=_lock(sim),
            capabilities=self.narrow[takes_more, sim.inner("capabilities").truth("sms") is not False],
            complaints=tuple(complaints),
        )

    def _of_sessions(self, freshness: Freshness) -> Freshness:
        return replace(freshness, staleness=self.record.session_staleness)

    def session(self, status: Fields, freshness: Freshness) -> SessionStatus:
        """The session status of a SIM."""
        online = status.truth("online")
        words = {True: Connectivity.ONLINE, False: Connectivity.OFFLINE, None: Connectivity.UNKNOWN}
        return self._session(status, freshness, words[online], status.instant("lastUpdatedAt"))

    def event(self, value: object, freshness: Freshness) -> SessionEvent | None:
        """One line of session history; None when it has no time."""
        body = as_object(value)
        if body is None:
            return None
        fields = Fields(body, [])
        at = fields.instant("time")
        if at is None:
            return None
        kind: EventKind = _EVENTS.get(fields.text("event"), "unknown")
        session = self._session(fields, self._of_sessions(freshness), _AFTER[kind], at)
        return SessionEvent(at=at, kind=kind, session=session)

    def _session(
        self, fields: Fields, freshness: Freshness, connectivity: Connectivity, since: datetime | None
    ) -> SessionStatus:
        cell = fields.inner("cell")
        mcc, mnc = cell.whole("mcc"), cell.whole("mnc")
        known = mcc is not None and mnc is not None
        return SessionStatus(
            connectivity=connectivity,
            freshness=freshness,
            session_id=fields.text("sessionId"),
            plmn=plmn_of_integers(mcc, mnc, self.mnc_lengths) if mcc is not None and mnc is not None else None,
            plmn_raw=f"{mcc}-{mnc}" if known else "",
            rat=cell.text("radioType"),
            cell=_cell(cell),
            ip=fields.text("ueIpAddress"),
            apn=fields.text("apn"),
            imei=fields.imei("imei"),
            imsi=fields.imsi("imsi"),
            since=since,
        )

    def usage(self, sim: ProviderId, value: object, granularity: str, freshness: Freshness) -> list[UsagePeriod]:
        """The periods of a usage report, oldest first; lines without a time or with broken counters are left out."""
        periods: list[UsagePeriod] = []
        lag = self.record.usage.lag_final if self.record.usage else timedelta(days=2)
        for line in as_list(value) or []:
            complaints: list[str] = []
            fields = Fields(as_object(line) or {}, complaints)
            start = fields.instant("unixtime", unit=timedelta(seconds=1))
            classes = [one for _, one in fields.entries("dataTrafficStatsMap")]
            uplink = sum(one.whole("uploadByteSizeTotal") or 0 for one in classes)
            downlink = sum(one.whole("downloadByteSizeTotal") or 0 for one in classes)
            if start is None or complaints or uplink < 0 or downlink < 0:
                continue
            end = _end_of(start, granularity)
            periods.append(
                UsagePeriod(
                    provider_id=sim,
                    start=start,
                    end=end,
                    uplink_bytes=uplink,
                    downlink_bytes=downlink,
                    source="raw",
                    final=end + lag <= freshness.observed_at,
                    freshness=freshness,
                )
            )
        return sorted(periods, key=lambda period: period.start)


def groups(value: object) -> list[Group]:
    """The groups of a page; a group without an id is left out."""
    found: list[Group] = []
    for line in as_list(value) or []:
        fields = Fields(as_object(line) or {}, [])
        identity = fields.text("groupId")
        if identity:
            found.append(Group(id=identity, name=fields.inner("tags").text("name")))
    return found


def _status(sim: Fields, now: datetime) -> SubscriptionStatus:
    word = sim.text("status")
    expiry = sim.instant("expiryTime")
    reverting = sim.text("expiryAction") in _REVERTING
    expired = expiry is not None and expiry <= now and state_of(word) is not SubscriptionState.ACTIVE
    holds = {HoldReason.EXPIRED} if expired and reverting else set[HoldReason]()
    if word == "banned":
        holds.add(HoldReason.POLICY)
    return SubscriptionStatus(
        state=state_of(word),
        provider_state=word,
        hold_reasons=frozenset(holds),
        effective_at=sim.instant("lastModifiedTime"),
        auto_revert_at=expiry if reverting and expiry is not None and expiry > now else None,
    )


def _lock(sim: Fields) -> ImeiLock:
    """The lock; a SIM without one has no such field. A suffix after `|` is an option of the lock."""
    word = sim.inner("imeiLock").text("imei")
    if not word:
        return ImeiLock(on=False)
    try:
        return ImeiLock(on=True, imeis=frozenset({read_imei(word.partition("|")[0])}))
    except MalformedIdentifier as error:
        sim.complaints.append(f"imeiLock.imei: {error}")
        return ImeiLock(on=True)


def _active_profile(sim: Fields) -> tuple[Iccid | None, Fields]:
    profiles = sim.entries("profiles")
    active = sim.text("activeProfileId")
    for name, profile in profiles:
        if name == active or not active:
            return profile.iccid("iccid"), profile
    if profiles:
        return profiles[0][1].iccid("iccid"), profiles[0][1]
    return None, Fields({}, sim.complaints)


def _container(subscriber: Fields, iccid: Iccid | None) -> Container | None:
    imsi = subscriber.imsi("imsi")
    if imsi is None:
        return None
    word = subscriber.text("status")
    return Container(
        iccid=iccid,
        imsi=imsi,
        plan=subscriber.text("subscription"),
        provider_state=word,
        delivered=DELIVERED.get(word),
        msisdn=subscriber.msisdn("msisdn"),
    )


def _cell(cell: Fields) -> Cell | None:
    numbers = (cell.whole("lac"), cell.whole("tac"), cell.whole("ci"), cell.whole("eci"))
    if all(number is None for number in numbers):
        return None
    return Cell(lac=numbers[0], tac=numbers[1], ci=numbers[2], eci=numbers[3])


def _end_of(start: datetime, granularity: str) -> datetime:
    if granularity == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + (timedelta(days=1) if granularity == "day" else timedelta(minutes=5))


# --- outcomes ----------------------------------------------------------------------------------


def why_not(verb: Verb, before: SimRecord, status: int) -> ReasonCode | None:
    """What a refused change of state means; None leaves it to the HTTP status.

    The contract gives 400 for a plan without standby, and asks for the protection to be off before
    a termination; for any other verb a 400 can only be about the state the SIM is in.
    """
    if status != HTTPStatus.BAD_REQUEST:
        return None
    if verb is Verb.STANDBY:
        return ReasonCode.UNSUPPORTED
    if verb is Verb.TERMINATE and before.termination_allowed is not True:
        return ReasonCode.PRECONDITION
    return ReasonCode.CONFLICT_STATE

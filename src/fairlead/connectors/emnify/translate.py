"""emnify's records ↔ our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

What is billed hangs on the SIM and what is let through on its endpoint: the state of the
subscription is the SIM's alone, and a disabled endpoint shows as a hold on it, because the charge
runs on. A record knows as much as was read for it: a page of the inventory knows only SIMs, and its
settings are then "not reported", never "not set".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object, plmn_of_integers
from fairlead.connectors.emnify.wording import MB
from fairlead.engine.ports.carrier import (
    Cell,
    DataLimit,
    FormFactor,
    ImeiLock,
    NetworkPolicy,
    ProviderId,
    SessionEvent,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.identifiers import Iccid, MalformedIdentifier, Plmn, read_iccid
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    HoldReason,
    SubscriptionState,
    SubscriptionStatus,
    Verb,
)

ISSUED, ACTIVATED, SUSPENDED, DELETED, FACTORY_TEST = range(5)
STATES: Final[Mapping[int, SubscriptionState]] = {
    ISSUED: SubscriptionState.INVENTORY,
    ACTIVATED: SubscriptionState.ACTIVE,
    SUSPENDED: SubscriptionState.SUSPENDED,
    DELETED: SubscriptionState.TERMINATED,
    FACTORY_TEST: SubscriptionState.TEST,
}
_DISABLED: Final = 1  # of an endpoint

# From where a change of status is taken; from a status nobody knows, the carrier is asked.
TAKEN_FROM: Final[Mapping[Verb, frozenset[SubscriptionState]]] = {
    Verb.ACTIVATE: frozenset(
        {
            SubscriptionState.INVENTORY,
            SubscriptionState.TEST,
            SubscriptionState.SUSPENDED,
            SubscriptionState.UNKNOWN,
        }
    ),
    Verb.SUSPEND: frozenset({SubscriptionState.ACTIVE, SubscriptionState.UNKNOWN}),
}

CONNECTIVITY: Final[Mapping[str, Connectivity]] = {
    "ONLINE": Connectivity.ONLINE,
    "ATTACHED": Connectivity.ATTACHED,
    "OFFLINE": Connectivity.OFFLINE,
    "BLOCKED": Connectivity.BLOCKED,
}
_FORMS: Final = {one.value: one for one in FormFactor}

EventKind = Literal["created", "deleted"]
_EVENTS: Final[Mapping[int, EventKind]] = {3: "created", 5: "deleted"}
_AFTER: Final[Mapping[EventKind, Connectivity]] = {"created": Connectivity.ONLINE, "deleted": Connectivity.OFFLINE}

_SPENT: Final = frozenset({"2", "3", "EXHAUSTED", "EXPIRED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """What stands on an endpoint's block list."""

    operators: Mapping[int, frozenset[Plmn]]  # by the carrier's id; empty: its networks were not named

    @property
    def policy(self) -> NetworkPolicy | None:
        """The same as a policy; None where a blocked operator's networks cannot be told."""
        if not all(self.operators.values()):
            return None
        return NetworkPolicy(kind="block", plmns=frozenset[Plmn]().union(*self.operators.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A SIM as far as it was read, and the ids that further reads and writes go to."""

    record: SimRecord
    endpoint: int | None = None
    profile: int | None = None  # the endpoint's service profile
    applies_quota: bool | None = None  # None: not read
    quota: Mapping[str, object] | None = None
    blocked: Blocked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord
    mnc_lengths: Mapping[str, frozenset[int]]

    def sim(self, value: object, freshness: Freshness) -> Line | None:
        """One SIM; None when the value is not an object with a SIM's id."""
        complaints: list[str] = []
        sim = Fields(as_object(value) or EMPTY, complaints)
        number = sim.whole("id")
        if number is None:
            return None
        imsi, eid = sim.imsi("imsi"), sim.eid("eid")
        record = SimRecord(
            provider_id=ProviderId(str(number)),
            iccid=_iccid(sim),
            subscription=_status(sim.inner("status")),
            session=SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=self._of_sessions(freshness)),
            freshness=freshness,
            imsis=(imsi,) if imsi is not None else (),
            msisdn=sim.msisdn("msisdn"),
            eid=eid,
            form_factor=FormFactor.EUICC
            if eid is not None
            else _FORMS.get(sim.inner("model").inner("formfactor").text("name")),
            complaints=tuple(complaints),
        )
        return Line(record=record, endpoint=sim.inner("endpoint").whole("id"))

    def _of_sessions(self, freshness: Freshness) -> Freshness:
        return replace(freshness, staleness=self.record.session_staleness)

    def with_endpoint(self, line: Line, value: object) -> Line:
        """The line with what its endpoint says: whether it is let through, its device, its tariff."""
        complaints = list(line.record.complaints)
        endpoint = Fields(as_object(value) or EMPTY, complaints, "endpoint.")
        imei = endpoint.imei("imei_with_luhn") or endpoint.imei("imei")
        on = endpoint.truth("imei_lock")
        held = {HoldReason.POLICY} if endpoint.inner("status").whole("id") == _DISABLED else set[HoldReason]()
        plan = endpoint.inner("tariff_profile").whole("id")
        record = replace(
            line.record,
            subscription=_held(line.record.subscription, held),
            imei=imei,
            imei_lock=None if on is None else ImeiLock(on=on, imeis=frozenset((imei,) if on and imei else ())),
            plan="" if plan is None else str(plan),
            complaints=tuple(complaints),
        )
        return replace(line, record=record, profile=endpoint.inner("service_profile").whole("id"))

    def with_quota(self, line: Line, profile: object, quota: object) -> Line:
        """The line with its ceiling: none where the profile applies no quotas, zero where it does and none is set."""
        complaints = list(line.record.complaints)
        applies = Fields(as_object(profile) or EMPTY, complaints, "service_profile.").truth("apply_data_quota")
        found = as_object(quota)
        limit, held = None, set[HoldReason]()
        if applies is False:
            limit = DataLimit(limit_bytes=None)
        elif applies:
            limit = _ceiling(Fields(found or EMPTY, complaints, "quota."), there=found is not None)
            status = as_object((found or EMPTY).get("status")) or EMPTY
            if found is None or str(status.get("id")) in _SPENT or status.get("description") in _SPENT:
                held = {HoldReason.DATA_LIMIT}
        subscription = _held(line.record.subscription, held)
        record = replace(line.record, limit=limit, subscription=subscription, complaints=tuple(complaints))
        return replace(line, record=record, applies_quota=applies, quota=found)

    def with_blocked(self, line: Line, value: object) -> Line:
        """The line with its block list."""
        blocked = Blocked(operators=self.operators(value))
        return replace(line, record=replace(line.record, network_policy=blocked.policy), blocked=blocked)

    def operators(self, value: object) -> dict[int, frozenset[Plmn]]:
        """Operators of a list, by id, with their networks."""
        found: dict[int, frozenset[Plmn]] = {}
        for entry in as_list(value) or []:
            operator = Fields(as_object(entry) or EMPTY, [])
            number = operator.whole("id")
            mcc = operator.inner("country").value("mcc")
            codes = [_code(one) for one in as_list(operator.value("mnc")) or []]
            networks = [self._plmn(mcc, code) for code in codes]
            if number is not None:
                whole = None not in networks
                found[number] = frozenset(one for one in networks if one is not None) if whole else frozenset()
        return found

    def _plmn(self, mcc: object, mnc: object) -> Plmn | None:
        """A network of a country code and a network code, each a number, or text with or without its zeros."""
        country, network = str(mcc), str(mnc)
        if not (_is_digits(country) and _is_digits(network)):
            return None
        if isinstance(mnc, str) and len(network) in {2, 3} and (network.startswith("0") or len(network) == 3):  # noqa: PLR2004
            return Plmn(mcc=f"{int(country):03}", mnc=network)
        return plmn_of_integers(int(country), int(network), self.mnc_lengths)

    # --- on the air

    def with_session(self, line: Line, value: object) -> Line:
        """The line with what the carrier's core knows of its session; blocked is what it calls one over its limits."""
        session = self.session(value, line.record.freshness)
        held = {HoldReason.DATA_LIMIT} if session.connectivity is Connectivity.BLOCKED else set[HoldReason]()
        record = replace(line.record, session=session, subscription=_held(line.record.subscription, held))
        return replace(line, record=record)

    def session(self, value: object, freshness: Freshness) -> SessionStatus:
        """A session as the carrier's core knows it."""
        body = Fields(as_object(value) or EMPTY, [])
        context = body.inner("pdp_context")
        word = body.inner("status").text("description") or str((as_object(value) or EMPTY).get("status"))
        connectivity = CONNECTIVITY.get(word, Connectivity.UNKNOWN)
        session = self._context(context, self._of_sessions(freshness), connectivity)
        since = context.moment("created") if session.online else body.inner("location").moment("last_updated")
        return replace(session, imsi=session.imsi or body.inner("location").imsi("imsi"), since=since)

    def located(self, session: SessionStatus, value: object) -> SessionStatus:
        """The session with the cell that the visited network told; unchanged where it told none.

        The carrier answers 200 whatever came of it; a failure stands inside, as a text.
        """
        told = Fields(as_object(value) or EMPTY, []).inner("subscriber_info")
        place = told.inner("location").inner("cell_global_id")
        if told.truth("success") is not True or told.text("error"):
            return session
        mcc, mnc, lac, cell = (place.value(name) for name in ("mcc", "mnc", "lac", "cid"))
        plmn = self._plmn(mcc, mnc)
        return replace(
            session,
            plmn=session.plmn or plmn,
            plmn_raw=session.plmn_raw or (f"{mcc}-{mnc}" if mcc is not None and mnc is not None else ""),
            cell=_cell(lac, cell) or session.cell,
        )

    def event(self, value: object, freshness: Freshness) -> SessionEvent | None:
        """One line of an endpoint's history; None where it is not about a data session."""
        fields = Fields(as_object(value) or EMPTY, [])
        kind = _EVENTS.get(fields.inner("event_type").whole("id") or 0)
        at = fields.moment("timestamp")
        if kind is None or at is None:
            return None
        context = fields.inner("detail").inner("pdp_context")
        session = self._context(context, self._of_sessions(freshness), _AFTER[kind])
        return SessionEvent(at=at, kind=kind, session=replace(session, since=at))

    def _context(self, context: Fields, freshness: Freshness, connectivity: Connectivity) -> SessionStatus:
        mcc, mnc = context.value("mcc"), context.value("mnc")
        number, rat = context.value("pdp_context_id"), context.inner("rat_type").text("description")
        return SessionStatus(
            connectivity=connectivity,
            freshness=freshness,
            session_id="" if number is None else str(number),
            plmn=self._plmn(mcc, mnc),
            plmn_raw=f"{mcc}-{mnc}" if mcc is not None and mnc is not None else "",
            rat=rat,
            cell=_cell(context.value("lac"), context.value("ci")),
            ip=context.text("ue_ip_address"),
            apn=context.text("apn"),
            imei=context.imei("imeisv"),
            imsi=context.imsi("imsi"),
        )

    # --- bytes

    def usage(self, sim: ProviderId, value: object, freshness: Freshness) -> list[UsagePeriod]:
        """Days, oldest first; lines without a date or with broken counters are left out."""
        periods: list[UsagePeriod] = []
        lag = self.record.usage.lag_final if self.record.usage else timedelta(days=2)
        for entry in as_list(value) or []:
            fields = Fields(as_object(entry) or EMPTY, [])
            day, data = _day(fields.text("date")), fields.inner("data")
            up, down = _bytes(data.value("volume_tx")), _bytes(data.value("volume_rx"))
            if day is None or up is None or down is None:
                continue
            start = datetime.combine(day, time(), UTC)
            end = start + timedelta(days=1)
            periods.append(
                UsagePeriod(
                    provider_id=sim,
                    start=start,
                    end=end,
                    uplink_bytes=up,
                    downlink_bytes=down,
                    source="raw",
                    final=end + lag <= freshness.observed_at,
                    freshness=freshness,
                )
            )
        return sorted(periods, key=lambda period: period.start)


# --- fields ------------------------------------------------------------------------------------


def _iccid(sim: Fields) -> Iccid | None:
    """The whole number; the carrier's plain `iccid` always lacks the check digit, whatever its last digit is."""
    if sim.text("iccid_with_luhn"):
        return sim.iccid("iccid_with_luhn")
    bare = sim.text("iccid")
    if not bare:
        return None
    try:
        return read_iccid(bare, digits=min(len(bare) + 1, 20))
    except MalformedIdentifier as error:
        sim.complaints.append(f"iccid: {error}")
        return None


def _status(status: Fields) -> SubscriptionStatus:
    number = status.whole("id")
    state = STATES.get(number, SubscriptionState.UNKNOWN) if number is not None else SubscriptionState.UNKNOWN
    word = status.text("description") or ("" if number is None else str(number))
    return SubscriptionStatus(state=state, provider_state=word)


def _held(status: SubscriptionStatus, by: set[HoldReason]) -> SubscriptionStatus:
    return replace(status, hold_reasons=status.hold_reasons | by)


def _ceiling(quota: Fields, *, there: bool) -> DataLimit:
    """What was granted last; the volume beside it is what is left of that."""
    if not there:
        return DataLimit(limit_bytes=0, period="total")
    granted = _bytes(quota.value("last_volume_added"))
    left = _bytes(quota.value("volume"))
    daily = quota.whole("auto_refill") == 1
    return DataLimit(limit_bytes=left if granted is None else granted, period="day" if daily else "total")


def _bytes(volume: object) -> int | None:
    """Megabytes as bytes; None for what is no volume."""
    if not isinstance(volume, int | float) or isinstance(volume, bool) or not 0 <= volume < 2**40:
        return None
    return round(volume * MB)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _code(entry: object) -> object:
    """A network code of a list: an object with one, or the code itself."""
    inner = as_object(entry)
    return inner.get("mnc") if inner is not None else entry


def _cell(lac: object, cell: object) -> Cell | None:
    area, number = _number(lac), _number(cell)
    return None if area is None and number is None else Cell(lac=area, ci=number)


def _number(value: object) -> int | None:
    if isinstance(value, str):
        return int(value) if _is_digits(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**40:
        return None
    return int(value)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12  # noqa: PLR2004 - no code is longer

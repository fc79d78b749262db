"""Telnyx's records ↔ our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

A Telnyx status is one word for three things: what the owner chose (enabled, disabled, standby), what
is on its way (registering, enabling, disabling, setting_standby) and what the carrier imposed. A word
of the second kind is `unknown` with the word kept: it is neither the old state nor the new. Of the
third, `data_limit_exceeded` goes by itself and the line stays enabled beneath; `unauthorized_imei`
must be enabled again; `blocked` and `abolished` return to a state that is not told.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.engine.ports.carrier import (
    DataLimit,
    FormFactor,
    Group,
    ImeiLock,
    NetworkPolicy,
    ProviderId,
    SessionEvent,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.identifiers import Imei, MalformedIdentifier, Plmn, read_imei, read_plmn
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    HoldReason,
    SubscriptionState,
    SubscriptionStatus,
)

STATES: Final[Mapping[str, SubscriptionState]] = {
    "registered": SubscriptionState.INVENTORY,
    "enabled": SubscriptionState.ACTIVE,
    "data_limit_exceeded": SubscriptionState.ACTIVE,
    "disabled": SubscriptionState.SUSPENDED,
    "unauthorized_imei": SubscriptionState.SUSPENDED,
    "standby": SubscriptionState.STANDBY,
}
HOLDS: Final[Mapping[str, HoldReason]] = {
    "data_limit_exceeded": HoldReason.DATA_LIMIT,
    "unauthorized_imei": HoldReason.IMEI_MISMATCH,
    "blocked": HoldReason.BILLING,
    "abolished": HoldReason.BILLING,
}
# A word of a SIM that is on its way to a state.
MOVING: Final[Mapping[str, SubscriptionState]] = {
    "enabling": SubscriptionState.ACTIVE,
    "registering": SubscriptionState.ACTIVE,
    "disabling": SubscriptionState.SUSPENDED,
    "setting_standby": SubscriptionState.STANDBY,
}
_SESSIONS: Final = {"connected": Connectivity.ONLINE, "disconnected": Connectivity.OFFLINE}

# Sums are text such as "2048.1". The contract does not say whether a megabyte is 10^6 or 2^20 bytes; we read 10^6.
_UNITS: Final = {"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
LIMIT_STEP: Final = 100_000  # bytes: a tenth of a megabyte, as in the contract's own examples


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord
    mnc_lengths: Mapping[str, frozenset[int]]

    def sim(self, value: object, freshness: Freshness) -> SimRecord | None:
        """One SIM; None when the value is not an object with an id. A list tells less of a SIM than its own page."""
        body = as_object(value)
        if body is None:
            return None
        complaints: list[str] = []
        sim = Fields(body, complaints)
        provider_id = sim.text("id")
        if not provider_id:
            return None
        word = sim.inner("status").text("value")
        imsi, imei = sim.imsi("imsi"), sim.imei("current_imei")
        ceiling = sim.inner("data_limit")
        return SimRecord(
            provider_id=ProviderId(provider_id),
            iccid=sim.iccid("iccid"),
            subscription=SubscriptionStatus(
                state=STATES.get(word, SubscriptionState.UNKNOWN),
                provider_state=word,
                hold_reasons=frozenset({HOLDS[word]}) if word in HOLDS else frozenset(),
            ),
            session=replace(self._session(sim, freshness, blocked=word in HOLDS), imei=imei, imsi=imsi),
            freshness=freshness,
            imsis=(imsi,) if imsi is not None else (),
            msisdn=sim.msisdn("msisdn"),
            eid=sim.eid("eid"),
            imei=imei,
            group=sim.text("sim_card_group_id"),
            form_factor=FormFactor.EUICC if sim.text("eid") else None,
            imei_lock=_lock(sim, body),
            limit=_limit(ceiling),
            complaints=tuple(complaints),
        )

    def _of_sessions(self, freshness: Freshness) -> Freshness:
        return replace(freshness, staleness=self.record.session_staleness)

    def _session(self, sim: Fields, freshness: Freshness, *, blocked: bool) -> SessionStatus:
        connectivity = _SESSIONS.get(sim.text("live_data_session"), Connectivity.UNKNOWN)
        if blocked:
            connectivity = Connectivity.BLOCKED
        mcc, mnc = sim.text("current_mcc"), sim.text("current_mnc")
        return SessionStatus(
            connectivity=connectivity,
            freshness=self._of_sessions(freshness),
            plmn=self._plmn(mcc, mnc),
            plmn_raw=f"{mcc}-{mnc}" if mcc and mnc else "",
            ip=sim.text("ipv4") or sim.text("ipv6"),
        )

    def _plmn(self, mcc: str, mnc: str) -> Plmn | None:
        try:
            return read_plmn(f"{mcc}-{mnc}", lengths=self.mnc_lengths) if mcc and mnc else None
        except MalformedIdentifier:
            return None

    def events(self, value: object, freshness: Freshness) -> list[SessionEvent]:
        """What one connectivity log tells: a data session that began and, when it has, its end."""
        log = Fields(as_object(value) or EMPTY, [])
        if log.text("log_type") != "data":
            return []
        mcc, mnc = log.text("mobile_country_code"), log.text("mobile_network_code")
        number = log.whole("id")
        session = SessionStatus(
            connectivity=Connectivity.ONLINE,
            freshness=self._of_sessions(freshness),
            session_id=str(number) if number is not None else "",
            plmn=self._plmn(mcc, mnc),
            plmn_raw=f"{mcc}-{mnc}" if mcc and mnc else "",
            rat=log.text("radio_access_technology"),
            ip=log.text("ipv4") or log.text("ipv6"),
            apn=log.text("apn"),
            imei=log.imei("imei"),
            imsi=log.imsi("imsi"),
        )
        begun, ended = log.moment("start_time"), log.moment("stop_time")
        found: list[SessionEvent] = []
        if begun is not None:
            found.append(SessionEvent(at=begun, kind="created", session=replace(session, since=begun)))
        if ended is not None:
            gone = replace(session, connectivity=Connectivity.OFFLINE, since=ended)
            found.append(SessionEvent(at=ended, kind="deleted", session=gone))
        return found

    def usage(self, sim: ProviderId, value: object, freshness: Freshness) -> UsagePeriod | None:
        """The running sum of the billing period that is open; the contract gives no bounds, so a calendar month."""
        spent = Fields(as_object(value) or EMPTY, []).inner("current_billing_period_consumed_data")
        amount = bytes_of(spent)
        if amount is None:
            return None
        start, end = month_of(freshness.observed_at)
        return UsagePeriod(
            provider_id=sim,
            start=start,
            end=end,
            uplink_bytes=0,
            downlink_bytes=amount,
            split=False,
            source="rated",
            final=False,
            freshness=freshness,
        )


def month_of(now: datetime) -> tuple[datetime, datetime]:
    """The calendar month (UTC) around an instant."""
    start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


def bytes_of(sum_: Fields) -> int | None:
    """Bytes of an amount and its unit; None where there is none, or where it cannot be read."""
    text = sum_.text("amount")
    if not text:
        return None
    try:
        found = Decimal(text) * _UNITS[sum_.text("unit") or "MB"]
        if found.is_finite() and 0 <= found < 2**63:
            return int(found)
    except (InvalidOperation, KeyError):
        pass
    sum_.complaints.append(f"amount: {text[:40]!r} {sum_.text('unit')[:10]!r} is not a number of MB or GB")
    return None


def amount_of(limit_bytes: int) -> Mapping[str, str] | None:
    """A ceiling in their words; None for one that their unit cannot hold."""
    if limit_bytes <= 0 or limit_bytes % LIMIT_STEP:
        return None
    return {"amount": f"{limit_bytes // 1_000_000}.{limit_bytes // LIMIT_STEP % 10}", "unit": "MB"}


def _limit(ceiling: Fields) -> DataLimit | None:
    """The SIM's own ceiling. Without one the group's may hold, which a SIM does not tell: so None, not "no limit"."""
    found = bytes_of(ceiling)
    return DataLimit(limit_bytes=found, period="month") if found is not None else None


def _lock(sim: Fields, body: Mapping[str, object]) -> ImeiLock | None:
    if "authorized_imeis" not in body:
        return None
    listed = as_list(body["authorized_imeis"])
    if listed is None and body["authorized_imeis"] is not None:
        sim.complaints.append("authorized_imeis: expected a list")
        return None
    found: set[Imei] = set()
    for one in listed or []:
        try:
            found.add(read_imei(str(one)))
        except MalformedIdentifier as error:
            sim.complaints.append(f"authorized_imeis: {error}")
    return ImeiLock(on=bool(listed), imeis=frozenset(found))


# --- groups and the networks they may not use --------------------------------------------------


def groups(value: object) -> list[Group]:
    """The groups of a page; a group without an id is left out."""
    found = [Fields(as_object(line) or EMPTY, []) for line in as_list(value) or []]
    return [Group(id=one.text("id"), name=one.text("name")) for one in found if one.text("id")]


def blocked_by(value: object) -> frozenset[Plmn] | None:
    """The networks of a blocklist; None for one by country, or one that cannot be read."""
    body = Fields(as_object(value) or EMPTY, [])
    if body.text("type") != "plmn":
        return None
    found: set[Plmn] = set()
    for one in as_list(body.value("values")) or []:
        try:
            plmn = read_plmn(str(one))
        except MalformedIdentifier:
            return None
        if plmn is None:
            return None
        found.add(plmn)
    return frozenset(found)


def block_values(policy: NetworkPolicy) -> list[str]:
    """The networks of a policy as a blocklist holds them."""
    return sorted(f"{plmn.mcc}{plmn.mnc}" for plmn in policy.plmns)


# --- actions -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an action is; of a SIM the status is an object with a reason, of a group it is a word."""

    id: str
    word: str
    why: str

    @property
    def under_way(self) -> bool:
        """True for `in-progress`, and for a word we do not know."""
        return self.word not in {"completed", "failed", "interrupted"}

    @property
    def broken(self) -> bool:
        """True when it ended and did not come true."""
        return self.word in {"failed", "interrupted"}


def progress(value: object) -> Progress | None:
    """An action; None when the value is not one."""
    body = as_object(value)
    if body is None:
        return None
    fields = Fields(body, [])
    inner = as_object(body.get("status"))
    status = Fields(inner, []) if inner is not None else None
    word = status.text("value") if status is not None else fields.text("status")
    if not (fields.text("id") and word):
        return None
    return Progress(id=fields.text("id"), word=word, why=status.text("reason") if status is not None else "")

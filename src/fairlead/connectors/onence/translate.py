"""1NCE's records ↔ our model, of both versions. Pure: JSON and `Freshness` in, values out; nothing here can fail.

A SIM is Enabled or Disabled and knows no other state; that it has expired stands with its quota, and
that its quota is used up with the SIM. Its `iccid` comes without the check digit and is the key in
every path; `iccid_with_luhn` is the number on the card. An IMEI is text of 16 digits (an IMEISV); one
that comes as a number has lost its zeros and is not believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.engine.ports.carrier import (
    Cell,
    DataLimit,
    ImeiLock,
    ProviderId,
    SessionEvent,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.identifiers import Iccid, Imei, MalformedIdentifier, Plmn, read_iccid, read_plmn
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    HoldReason,
    SubscriptionState,
    SubscriptionStatus,
)

STATES: Final[Mapping[str, SubscriptionState]] = {
    "Enabled": SubscriptionState.ACTIVE,
    "Disabled": SubscriptionState.SUSPENDED,
}
_WORDS: Final = {
    "ONLINE": Connectivity.ONLINE,
    "ATTACHED": Connectivity.ATTACHED,
    "OFFLINE": Connectivity.OFFLINE,
    "BLOCKED": Connectivity.BLOCKED,
}
EventKind = Literal["created", "modified", "deleted", "unknown"]
_EVENTS: Final[Mapping[str, tuple[EventKind, Connectivity]]] = {
    "create pdp context": ("created", Connectivity.ONLINE),
    "update pdp context": ("modified", Connectivity.ONLINE),
    "delete pdp context": ("deleted", Connectivity.OFFLINE),
}
_UNKNOWN_EVENT: Final[tuple[EventKind, Connectivity]] = ("unknown", Connectivity.UNKNOWN)
_USED_UP: Final = 2  # quota_status.id: nothing remains
_EXPIRED: Final = "EXPIRED"
MEGABYTE: Final = 1024 * 1024  # "1 megabyte = 1024 kilobytes", by the contract of v2
_CARD_DIGITS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord
    mnc_lengths: Mapping[str, frozenset[int]]

    def sim(self, value: object, freshness: Freshness, *, expired: bool = False) -> SimRecord | None:
        """One SIM; None when the value is not an object with an ICCID. `expired` is told elsewhere, by its quota."""
        body = as_object(value)
        if body is None:
            return None
        complaints: list[str] = []
        sim = Fields(body, complaints)
        provider_id = sim.text("iccid")
        if not provider_id:
            return None
        word, imei = sim.text("status"), sim.imei("imei")
        holds = {HoldReason.EXPIRED} if expired else set[HoldReason]()
        if sim.inner("quota_status").whole("id") == _USED_UP:
            holds.add(HoldReason.DATA_LIMIT)
        imsis = [sim.imsi(name) for name in ("imsi", "imsi_2")]
        locked = sim.truth("imei_lock")
        own = frozenset({imei}) if imei is not None else frozenset[Imei]()
        silent = SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=self._of_sessions(freshness))
        return SimRecord(
            provider_id=ProviderId(provider_id),
            iccid=_card(sim, provider_id),
            subscription=SubscriptionStatus(
                state=STATES.get(word, SubscriptionState.UNKNOWN),
                provider_state=word,
                hold_reasons=frozenset(holds),
            ),
            session=silent,
            freshness=freshness,
            imsis=tuple(one for one in imsis if one is not None),
            msisdn=sim.msisdn("msisdn"),
            imei=imei,
            imei_lock=None if locked is None else ImeiLock(on=locked, imeis=own if locked else frozenset[Imei]()),
            complaints=tuple(complaints),
        )

    def _of_sessions(self, freshness: Freshness) -> Freshness:
        return replace(freshness, staleness=self.record.session_staleness)

    def _plmn(self, mcc: str, mnc: str) -> Plmn | None:
        try:
            return read_plmn(f"{mcc}-{mnc}", lengths=self.mnc_lengths) if mcc and mnc else None
        except MalformedIdentifier:
            return None

    def session(self, value: object, freshness: Freshness) -> SessionStatus:
        """The status of a SIM: a word in v1, an object in v2; one session in v1, a list of them in v2."""
        status = Fields(as_object(value) or EMPTY, [])
        inner = as_object(status.value("status"))
        word = Fields(inner, []).text("description") if inner is not None else status.text("status")
        listed = as_list(status.value("pdp_contexts"))
        pdp = Fields(as_object(listed[0]) or EMPTY, []) if listed else status.inner("pdp_context")
        mcc, mnc = pdp.text("mcc"), pdp.text("mnc")
        return SessionStatus(
            connectivity=_WORDS.get(word, Connectivity.UNKNOWN),
            freshness=self._of_sessions(freshness),
            session_id=pdp.text("pdp_context_id"),
            plmn=self._plmn(mcc, mnc),
            plmn_raw=f"{mcc}-{mnc}" if mcc and mnc else "",
            rat=pdp.inner("rat_type").text("description"),
            cell=_cell(pdp),
            ip=pdp.text("ue_ip_address"),
            apn=pdp.text("apn"),
            imei=pdp.imei("imeisv"),
            imsi=pdp.imsi("imsi"),
            since=pdp.moment("created"),
        )

    def event(self, value: object, freshness: Freshness) -> SessionEvent | None:
        """One event; None when it has no time. What it is about is a sentence in v1 and an object in v2."""
        fields = Fields(as_object(value) or EMPTY, [])
        at = fields.moment("timestamp")
        if at is None:
            return None
        inner = as_object(fields.value("event_type"))
        word = Fields(inner, []).text("description") if inner is not None else fields.text("event_type")
        kind, connectivity = _EVENTS.get(word.lower(), _UNKNOWN_EVENT)
        pdp = fields.inner("detail").inner("pdp_context")
        told = pdp if pdp.names() else fields
        mcc, mnc = told.text("mcc"), told.text("mnc")
        imsi = fields.imsi("imsi") if isinstance(fields.value("imsi"), str) else fields.inner("imsi").imsi("imsi")
        session = SessionStatus(
            connectivity=connectivity,
            freshness=self._of_sessions(freshness),
            plmn=self._plmn(mcc, mnc),
            plmn_raw=f"{mcc}-{mnc}" if mcc and mnc else "",
            imei=fields.imei("imei") or fields.inner("endpoint").imei("imei"),
            imsi=imsi,
            since=at,
        )
        return SessionEvent(at=at, kind=kind, session=session)

    def usage(self, sim: ProviderId, value: object, freshness: Freshness) -> list[UsagePeriod]:
        """The days of a usage report, oldest first; a day without a date or with a broken count is left out."""
        lag = self.record.usage.lag_final if self.record.usage else timedelta(days=2)
        periods: list[UsagePeriod] = []
        for line in as_list(Fields(as_object(value) or EMPTY, []).value("stats")) or []:
            fields = Fields(as_object(line) or EMPTY, [])
            start, data = fields.moment("date"), fields.inner("data")
            down, up = bytes_of(data.text("volume_rx")), bytes_of(data.text("volume_tx"))
            if start is None or not data.names() or down is None or up is None:
                continue
            start = start.replace(hour=0, minute=0, second=0, microsecond=0)
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


def has_expired(quota: object, now: datetime) -> bool:
    """True when the SIM's term is over; only a paid extension brings it back."""
    fields = Fields(as_object(quota) or EMPTY, [])
    status = as_object(fields.value("status"))
    if status is not None and Fields(status, []).text("description") == _EXPIRED:
        return True
    ends = fields.moment("expiry_date")
    return ends is not None and ends <= now


def bytes_of(megabytes: str) -> int | None:
    """Bytes of a count in megabytes; None where it cannot be read, zero where there is none."""
    if not megabytes:
        return 0
    try:
        found = Decimal(megabytes) * MEGABYTE
    except InvalidOperation:
        return None
    return int(found.to_integral_value()) if found.is_finite() and 0 <= found < 2**63 else None


def _card(sim: Fields, key: str) -> Iccid | None:
    """The number on the card: with its check digit, computed where the carrier leaves it out."""
    whole = sim.text("iccid_with_luhn")
    try:
        return read_iccid(whole) if whole else read_iccid(key, digits=_CARD_DIGITS)
    except MalformedIdentifier as error:
        sim.complaints.append(f"iccid: {error}")
        return None


def _cell(pdp: Fields) -> Cell | None:
    """Where a session hangs; every number is text here."""
    fourth, third = pdp.inner("gtp_v2_uli"), pdp.inner("gtp_v1_uli")
    third = third if third.names() else pdp
    numbers = [_number(third.text("lac")), _number(fourth.text("tac")), _number(third.text("ci"))]
    numbers.append(_number(fourth.text("eci")))
    if all(number is None for number in numbers):
        return None
    return Cell(lac=numbers[0], tac=numbers[1], ci=numbers[2], eci=numbers[3])


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None  # noqa: PLR2004 - 28 bits at most


# --- ceilings of the account -------------------------------------------------------------------


def ceiling(limits: object) -> DataLimit | None:
    """The account's monthly ceiling for data; None where none is told, which is not "there is none"."""
    found = _limit_bytes(Fields(as_object(limits) or EMPTY, []).inner("data"))
    return DataLimit(limit_bytes=found, period="month") if found is not None else None


def option(choices: object, limit_bytes: int) -> int | None:
    """The carrier's id of a ceiling, or None where its list has no such one."""
    for line in as_list(choices) or []:
        fields = Fields(as_object(line) or EMPTY, [])
        if _limit_bytes(fields) == limit_bytes:
            return fields.whole("id")
    return None


def _limit_bytes(limit: Fields) -> int | None:
    unit = {"MB": 1, "GB": 1024}.get(limit.text("unit"))
    found = bytes_of(limit.text("limit")) if limit.text("limit") else None
    return found * unit if found is not None and unit is not None else None

"""Onomondo's records ↔ our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

A SIM is activated or it is not: one that never was cannot be told from one that was switched off.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.engine.ports.carrier import (
    DataLimit,
    ImeiLock,
    NetworkPolicy,
    ProviderId,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.identifiers import Imei, MalformedIdentifier, Plmn, read_imei, read_plmn
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    SubscriptionState,
    SubscriptionStatus,
)

STATES: Final[Mapping[str, SubscriptionState]] = {
    "activated": SubscriptionState.ACTIVE,
    "not activated": SubscriptionState.SUSPENDED,
}
EVERYWHERE: Final = NetworkPolicy(kind="block", plmns=frozenset())  # without a list every network is open
STEP: Final = 100_000  # bytes: the carrier's own screens speak of tenths of a megabyte
LEAST: Final = 500_000  # the smallest ceiling it takes
_PERIODS: Final = {"daily": "day", "monthly": "month", "total": "total"}
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord

    def sim(self, value: object, freshness: Freshness) -> SimRecord | None:
        """One SIM; None when the value is not an object with an id. Its networks are known where it has no list."""
        complaints: list[str] = []
        sim = Fields(as_object(value) or EMPTY, complaints)
        name, activated = sim.text("id"), sim.truth("activated")
        if not name or any(letter.isspace() for letter in name):
            return None
        word = "" if activated is None else "activated" if activated else "not activated"
        imsi = sim.imsi("imsi")
        return SimRecord(
            provider_id=ProviderId(name),
            iccid=sim.iccid("iccid"),
            subscription=SubscriptionStatus(
                state=STATES.get(word, SubscriptionState.UNKNOWN), provider_state=word, hold_reasons=frozenset()
            ),
            session=self._session(sim, freshness),
            freshness=freshness,
            imsis=(imsi,) if imsi is not None else (),
            imei=sim.imei("imei"),
            imei_lock=_lock(sim),
            limit=_limit(sim),
            network_policy=EVERYWHERE if "network_whitelist" in sim.names() and list_of(value) is None else None,
            complaints=tuple(complaints),
        )

    def _session(self, sim: Fields, freshness: Freshness) -> SessionStatus:
        """Whether it is online, and where; of a session that ended nothing is told but that it did."""
        aged = replace(freshness, staleness=self.record.session_staleness)
        online = sim.truth("online")
        if not online:
            word = Connectivity.UNKNOWN if online is None else Connectivity.OFFLINE
            return SessionStatus(connectivity=word, freshness=aged)
        network = sim.inner("network")
        raw = f"{network.text('mcc')}-{network.text('mnc')}".strip("-")
        return SessionStatus(
            connectivity=Connectivity.ONLINE,
            freshness=aged,
            plmn=_plmn(raw),
            plmn_raw=raw,
            ip=sim.text("ipv4"),
            since=sim.moment("online_at"),
        )

    def usage(
        self, sim: ProviderId, entries: Iterable[object], freshness: Freshness, *, since: datetime, until: datetime
    ) -> tuple[UsagePeriod, ...]:
        """Days that touch the period, oldest first, summed; entries without a time or a count are left out."""
        days: dict[datetime, int] = {}
        lag = self.record.usage.lag_final if self.record.usage else timedelta(days=2)
        for entry in entries:
            fields = Fields(as_object(entry) or EMPTY, [])
            at, count = fields.moment("time") or fields.moment("timestamp"), fields.whole("bytes")
            if at is None or count is None or count < 0:
                continue
            start = at.replace(hour=0, minute=0, second=0, microsecond=0)
            if start <= until and since < start + _DAY:
                days[start] = days.get(start, 0) + count
        return tuple(
            UsagePeriod(
                provider_id=sim,
                start=start,
                end=start + _DAY,
                uplink_bytes=0,
                downlink_bytes=count,
                source="raw",
                final=start + _DAY + lag <= freshness.observed_at,
                freshness=freshness,
                split=False,
            )
            for start, count in sorted(days.items())
        )


def list_of(value: object) -> str | None:
    """The name of the list of networks a SIM is kept to; None where it has none."""
    return Fields(as_object(value) or EMPTY, []).text("network_whitelist") or None


def networks_of(value: object) -> frozenset[Plmn] | None:
    """The networks of a list; None where it holds something else, such as a whole country."""
    entries = as_list((as_object(value) or EMPTY).get("networks"))
    found: set[Plmn] = set()
    for entry in entries or ():
        network = Fields(as_object(entry) or EMPTY, [])
        plmn = _plmn(f"{network.text('mcc')}-{network.text('mnc')}")
        if plmn is None:
            return None
        found.add(plmn)
    return frozenset(found) if entries is not None else None


def limit_body(value: object, limit_bytes: int) -> dict[str, object]:
    """A ceiling as the carrier takes it: the period as it is, and an alert that still fits below."""
    now = Fields(as_object(value) or EMPTY, []).inner("data_limit")
    alert = now.whole("alert_threshold")
    kept = {"alert_threshold": alert} if alert is not None and alert <= limit_bytes else {}
    return {"total": limit_bytes, "type": now.text("type") or "monthly", **kept}


def months(since: datetime, until: datetime) -> list[str]:
    """The calendar months (UTC) of a period, as the carrier's filter names them."""
    first, last = since.astimezone(UTC), until.astimezone(UTC)
    count = (last.year - first.year) * 12 + last.month - first.month
    return [f"{first.year + (first.month - 1 + n) // 12}-{(first.month - 1 + n) % 12 + 1:02}" for n in range(count + 1)]


def _plmn(text: str) -> Plmn | None:
    try:
        return read_plmn(text)
    except MalformedIdentifier:
        return None


def _lock(sim: Fields) -> ImeiLock | None:
    """The lock to a device; None where the carrier does not say."""
    if "imei_lock" not in sim.names():
        return None
    text = sim.text("imei_lock")
    try:
        own: frozenset[Imei] = frozenset((read_imei(text),)) if text else frozenset()
    except MalformedIdentifier as error:
        sim.complaints.append(f"imei_lock: {error}")
        own = frozenset()
    return ImeiLock(on=bool(text), imeis=own)


def _limit(sim: Fields) -> DataLimit | None:
    limit = sim.inner("data_limit")
    total = limit.whole("total")
    if total is None:
        return None
    match _PERIODS.get(limit.text("type")):
        case "day":
            return DataLimit(limit_bytes=total, period="day")
        case "month":
            return DataLimit(limit_bytes=total, period="month")
        case "total":
            return DataLimit(limit_bytes=total, period="total")
        case _:
            return DataLimit(limit_bytes=total)

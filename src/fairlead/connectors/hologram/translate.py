"""Hologram's records ↔ our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

Words of states are those of the carrier's support pages and of tools that others wrote; one that is
not here stays `unknown`. A pending word says where a line is going, not where it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.engine.ports.carrier import ProviderId, SessionStatus, SimRecord, UsagePeriod
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    HoldReason,
    SubscriptionState,
    SubscriptionStatus,
)

STATES: Final[Mapping[str, SubscriptionState]] = {
    "INACTIVE": SubscriptionState.INVENTORY,
    "TEST-ACTIVATE": SubscriptionState.TEST,
    "LIVE": SubscriptionState.ACTIVE,
    "ACTIVE": SubscriptionState.ACTIVE,
    "PAUSED-PENDING-USER": SubscriptionState.ACTIVE,  # it runs until the carrier is done
    "PAUSED-PENDING": SubscriptionState.ACTIVE,
    "PAUSED-USER": SubscriptionState.SUSPENDED,
    "PAUSED-SYS": SubscriptionState.SUSPENDED,
    "DEAD": SubscriptionState.TERMINATED,
}
_PENDING: Final[Mapping[str, SubscriptionState]] = {
    "LIVE-PENDING": SubscriptionState.ACTIVE,
    "PAUSED-PENDING-USER": SubscriptionState.SUSPENDED,
    "PAUSED-PENDING": SubscriptionState.SUSPENDED,
}
PAUSED_BY_CARRIER: Final = "PAUSED-SYS"


def link_id(value: object) -> ProviderId | None:
    """The id of a cellular link; None when the value is not an object with one."""
    number = Fields(as_object(value) or EMPTY, []).whole("id")
    return None if number is None else ProviderId(str(number))


def heading(record: SimRecord) -> SubscriptionState | None:
    """Where a line is on its way to, as the carrier shows it."""
    return _PENDING.get(record.subscription.provider_state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord

    def sim(self, value: object, freshness: Freshness) -> SimRecord | None:
        """One cellular link; None when the value is not an object with an id."""
        complaints: list[str] = []
        link = Fields(as_object(value) or EMPTY, complaints)
        name = link_id(value)
        if name is None:
            return None
        word, plan, imsi = link.text("state"), link.value("planid"), link.value("imsi")
        if isinstance(imsi, int) and not isinstance(imsi, bool):  # some replies give it as a number
            link = Fields({**(as_object(value) or EMPTY), "imsi": f"{imsi:015}"}, complaints)
        read = link.imsi("imsi")
        sessions = Freshness(
            observed_at=freshness.observed_at, staleness=self.record.session_staleness, source=freshness.source
        )
        held = {HoldReason.POLICY} if word == PAUSED_BY_CARRIER else set[HoldReason]()
        return SimRecord(
            provider_id=name,
            iccid=link.iccid("sim"),
            subscription=SubscriptionStatus(
                state=STATES.get(word, SubscriptionState.UNKNOWN), provider_state=word, hold_reasons=frozenset(held)
            ),
            session=SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=sessions),
            freshness=freshness,
            imsis=(read,) if read is not None else (),
            msisdn=link.msisdn("msisdn"),
            plan="" if plan is None else str(plan)[:100],
            complaints=tuple(complaints),
        )

    def usage(self, sim: ProviderId, value: object, freshness: Freshness) -> list[UsagePeriod]:
        """Days, oldest first, summed over networks; lines without a day or with broken counters are left out."""
        days: dict[datetime, int] = {}
        lag = self.record.usage.lag_final if self.record.usage else timedelta(days=2)
        for entry in as_list(value) or []:
            fields = Fields(as_object(entry) or EMPTY, [])
            start, count = _day(fields.text("timestamp")), fields.whole("bytes")
            if start is not None and count is not None and count >= 0:
                days[start] = days.get(start, 0) + count
        return [
            UsagePeriod(
                provider_id=sim,
                start=start,
                end=start + timedelta(days=1),
                uplink_bytes=0,
                downlink_bytes=count,
                source="raw",
                final=start + timedelta(days=1) + lag <= freshness.observed_at,
                freshness=freshness,
                split=False,
            )
            for start, count in sorted(days.items())
        ]


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(datetime.fromisoformat(text).date(), time(), UTC) if text else None
    except ValueError:
        return None

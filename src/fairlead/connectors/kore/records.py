"""What the products' records have in common: a SIM's identity, its word, its time, and bytes by period. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from fairlead.connectors._kit.reading import Fields, as_object
from fairlead.connectors.kore.sids import is_sim
from fairlead.engine.ports.carrier import ProviderId, SessionStatus, SimRecord, UsagePeriod
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    SubscriptionState,
    SubscriptionStatus,
)

Words = Mapping[str, SubscriptionState]


def sim_of(value: object, seen: Freshness, *, words: Words, of: CapabilityRecord) -> tuple[SimRecord, Fields] | None:
    """What both products say of a SIM, and the fields for the rest; None without a SID."""
    body = as_object(value)
    if body is None:
        return None
    complaints: list[str] = []
    fields = Fields(body, complaints)
    sid = fields.text("sid")
    if not is_sim(sid):
        return None
    word = fields.text("status")
    status = SubscriptionStatus(
        state=words.get(word, SubscriptionState.UNKNOWN),
        provider_state=word,
        effective_at=fields.moment("date_updated"),
    )
    record = SimRecord(
        provider_id=ProviderId(sid),
        iccid=fields.iccid("iccid"),
        subscription=status,
        session=SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=of_sessions(seen, of)),
        freshness=seen,
    )
    return record, fields


def complained(record: SimRecord, fields: Fields) -> SimRecord:
    """The record with what could not be read."""
    return replace(record, complaints=tuple(fields.complaints))


def of_sessions(seen: Freshness, of: CapabilityRecord) -> Freshness:
    """The age of what is said about sessions."""
    return replace(seen, staleness=of.session_staleness)


def period_of(
    sim: ProviderId,
    span: tuple[datetime | None, datetime | None],
    counts: tuple[int | None, int | None],
    seen: Freshness,
    *,
    lag_final: timedelta,
    processed: bool = True,
) -> UsagePeriod | None:
    """Bytes of one period; None where it has no time, or counts that are no counts."""
    (start, end), (uplink, downlink) = span, counts
    if start is None or end is None or uplink is None or downlink is None or end < start or min(uplink, downlink) < 0:
        return None
    return UsagePeriod(
        provider_id=sim,
        start=start,
        end=end,
        uplink_bytes=uplink,
        downlink_bytes=downlink,
        source="raw",
        final=processed and end + lag_final <= seen.observed_at,
        freshness=seen,
    )


def text_of(instant: datetime) -> str:
    """An instant as the products' parameters take it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")

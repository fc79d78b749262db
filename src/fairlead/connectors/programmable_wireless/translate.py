"""Programmable Wireless' records → our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

`deactivated` is on its way to `canceled`, which the carrier makes of it 72 hours later. `scheduled`
and `updating` say that a change is under way and not where it leads, so the state is unknown meanwhile.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from fairlead.connectors._kit.reading import EMPTY, Fields, as_object
from fairlead.connectors.kore.records import Words, complained, of_sessions, period_of, sim_of
from fairlead.engine.ports.carrier import Cell, ProviderId, SessionEvent, SessionStatus, SimRecord, UsagePeriod
from fairlead.model.identifiers import MalformedIdentifier, Plmn, read_plmn
from fairlead.model.subscription import CapabilityRecord, Connectivity, Freshness, SubscriptionState

STATES: Final[Words] = {
    "new": SubscriptionState.INVENTORY,
    "ready": SubscriptionState.READY,
    "active": SubscriptionState.ACTIVE,
    "suspended": SubscriptionState.SUSPENDED,
    "deactivated": SubscriptionState.DEACTIVATED,
    "canceled": SubscriptionState.TERMINATED,
    "deleted": SubscriptionState.TERMINATED,
}
CANCELED_AFTER: Final = timedelta(hours=72)  # a deactivated SIM


def sim(value: object, seen: Freshness, of: CapabilityRecord) -> SimRecord | None:
    """A SIM; its sessions are asked for apart."""
    read = sim_of(value, seen, words=STATES, of=of)
    if read is None:
        return None
    record, fields = read
    status = record.subscription
    if status.state is SubscriptionState.DEACTIVATED and status.effective_at is not None:
        status = replace(status, auto_revert_at=status.effective_at + CANCELED_AFTER)
    return complained(replace(record, subscription=status, plan=fields.text("rate_plan_sid")), fields)


def resetting(value: object) -> bool:
    """True while a connectivity reset is under way."""
    return Fields(as_object(value) or EMPTY, []).text("reset_status") == "resetting"


def session(value: object, seen: Freshness, of: CapabilityRecord) -> SessionStatus:
    """The newest data session as the status of now."""
    body = as_object(value)
    if body is None:
        return SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=of_sessions(seen, of))
    fields = Fields(body, [])
    end = fields.moment("end")
    online = Connectivity.ONLINE if end is None else Connectivity.OFFLINE
    return _session(fields, seen, of, online, end or fields.moment("start"))


def newest(values: Sequence[object]) -> object:
    """The data session that began last; None without one. The contract promises no order."""
    timed = [(Fields(as_object(one) or EMPTY, []).moment("start"), one) for one in values]
    known = [(at, one) for at, one in timed if at is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def events(
    values: Sequence[object], seen: Freshness, of: CapabilityRecord, since: datetime, until: datetime
) -> tuple[SessionEvent, ...]:
    """Data sessions as their beginnings and ends within a period."""
    found: list[SessionEvent] = []
    for value in values:
        fields = Fields(as_object(value) or EMPTY, [])
        start, end = fields.moment("start"), fields.moment("end")
        if end is not None and since <= end <= until:
            gone = _session(fields, seen, of, Connectivity.OFFLINE, end)
            found.append(SessionEvent(at=end, kind="deleted", session=gone))
        if start is not None and since <= start <= until:
            there = _session(fields, seen, of, Connectivity.ONLINE, start)
            found.append(SessionEvent(at=start, kind="created", session=there))
    return tuple(found)


def _session(
    fields: Fields, seen: Freshness, of: CapabilityRecord, connectivity: Connectivity, since: datetime | None
) -> SessionStatus:
    mcc, mnc = fields.text("operator_mcc"), fields.text("operator_mnc")
    return SessionStatus(
        connectivity=connectivity,
        freshness=of_sessions(seen, of),
        session_id=fields.text("sid"),
        plmn=_plmn(mcc, mnc),
        plmn_raw=f"{mcc}-{mnc}" if mcc or mnc else "",
        rat=fields.text("radio_link"),
        cell=_cell(fields.text("cell_id")),
        imei=fields.imei("imei"),
        since=since,
    )


def _plmn(mcc: str, mnc: str) -> Plmn | None:
    try:
        return read_plmn(f"{mcc}-{mnc}")
    except MalformedIdentifier:
        return None


def _cell(text: str) -> Cell | None:
    return Cell(ci=int(text)) if text.isascii() and text.isdigit() and len(text) <= 10 else None  # noqa: PLR2004


def usage(sim: ProviderId, values: Sequence[object], seen: Freshness, lag_final: timedelta) -> tuple[UsagePeriod, ...]:
    """Usage records, oldest first; counts in anything but bytes are left out."""
    found: list[UsagePeriod] = []
    for value in values:
        fields = Fields(as_object(value) or EMPTY, [])
        span, data = fields.inner("period"), fields.inner("data")
        if data.text("units") not in {"", "bytes"}:
            continue
        period = period_of(
            sim,
            (span.moment("start"), span.moment("end")),
            (data.whole("upload"), data.whole("download")),
            seen,
            lag_final=lag_final,
        )
        found += [period] if period is not None else []
    return tuple(sorted(found, key=lambda one: one.start))

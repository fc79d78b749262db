"""Control Center's records → our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

A search tells four fields of a device and `GET` tells them all; neither tells whether it is on the
air, so a record's session is unknown and `read_session` asks for it. Times come as
"2016-07-06 22:04:04.380+0000", in usage as RFC 3339; an absent address may be the text "null".
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Final

from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.connectors.control_center.words import Words
from fairlead.engine.ports.carrier import (
    ProviderId,
    ReasonCode,
    SessionEvent,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    SubscriptionState,
    SubscriptionStatus,
    Verb,
    narrowed,
)

# What an operator's account may not do, said per SIM. Control Center's error codes, from Cisco's pages.
FORBIDDEN: Final = frozenset({"10000030"})  # the role of this user has no access to the function
MALFORMED: Final = frozenset({"10000023", "10000024", "10000028"})  # JSON, version, unknown parameter: our fault

DELIVERED: Final = frozenset({"delivered"})
UNDELIVERED: Final = frozenset({"cancelled", "canceled", "failed", "deliveryfailed", "expired", "rejected"})

_ASKED: Final = {Verb.ACTIVATE: SubscriptionState.ACTIVE, Verb.SUSPEND: SubscriptionState.SUSPENDED}
_NOON: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """A billing cycle as a usage reply gives it."""

    start: datetime
    end: datetime  # of the last moment in it

    @property
    def first_day(self) -> date:
        """The day it begins where the account is: cycles begin at midnight there, which is another hour in UTC."""
        return (self.start + timedelta(hours=24 - _NOON)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord
    words: Words
    capabilities: CapabilityRecord | None = field(init=False)  # of this account's SIMs, where it lacks a word

    def __post_init__(self) -> None:
        denied = {
            verb: f"no status of this account means {state}: the setting states"
            for verb, state in _ASKED.items()
            if state not in self.words.ask
        }
        if Verb.ACTIVATE in denied:
            denied[Verb.RESUME] = denied[Verb.ACTIVATE]
        if SubscriptionState.TERMINATED not in self.words.ask:
            denied[Verb.TERMINATE] = "the operator must permit it, and the setting terminate_as name its word"
        object.__setattr__(self, "capabilities", narrowed(self.record, denied) if denied else None)

    def sim(self, value: object, freshness: Freshness) -> SimRecord | None:
        """One device; None when the value is not an object with an ICCID."""
        body = as_object(value)
        if body is None:
            return None
        complaints: list[str] = []
        device = Fields(body, complaints)
        provider_id = device.text("iccid")
        if not provider_id:
            return None
        imsi, word = device.imsi("imsi"), device.text("status")
        return SimRecord(
            provider_id=ProviderId(provider_id),
            iccid=device.iccid("iccid"),
            subscription=SubscriptionStatus(state=self.words.state_of(word), provider_state=word),
            session=SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=self._of_sessions(freshness)),
            freshness=freshness,
            imsis=(imsi,) if imsi is not None else (),
            msisdn=device.msisdn("msisdn"),
            eid=device.eid("eid"),
            imei=device.imei("imei"),
            plan=device.text("ratePlan"),
            capabilities=self.capabilities,
            complaints=tuple(complaints),
        )

    def _of_sessions(self, freshness: Freshness) -> Freshness:
        return replace(freshness, staleness=self.record.session_staleness)

    # --- sessions

    def session(self, value: object, freshness: Freshness) -> SessionStatus:
        """The current session, or none since the last one ended."""
        fields = Fields(as_object(value) or EMPTY, [])
        began, ended = fields.moment("dateSessionStarted"), fields.moment("dateSessionEnded")
        online = began is not None and ended is None
        address = next((text for key in ("ipAddress", "ipv6Address") if (text := fields.text(key)) not in _NONE), "")
        return SessionStatus(
            connectivity=Connectivity.ONLINE if online else Connectivity.OFFLINE,
            freshness=self._of_sessions(freshness),
            ip=address if online else "",
            apn=fields.text("apn") if online else "",
            since=ended or began,
        )

    def events(self, value: object, freshness: Freshness) -> list[SessionEvent]:
        """What is known of the past: how the current session began, or how the last one began and ended."""
        fields = Fields(as_object(value) or EMPTY, [])
        began, ended = fields.moment("dateSessionStarted"), fields.moment("dateSessionEnded")
        now = self.session(value, freshness)
        found: list[SessionEvent] = []
        if began is not None:
            open_then = replace(now, connectivity=Connectivity.ONLINE, since=began)
            found.append(SessionEvent(at=began, kind="created", session=open_then))
        if ended is not None:
            found.append(SessionEvent(at=ended, kind="deleted", session=now))
        return found

    # --- usage

    def usage(self, sim: ProviderId, value: object, freshness: Freshness) -> tuple[Cycle | None, UsagePeriod | None]:
        """The cycle of a usage reply, and what was spent in it; no period where nothing is told, or not in bytes."""
        fields = Fields(as_object(value) or EMPTY, [])
        start, end = fields.moment("cycleStartDate"), fields.moment("cycleEndDate")
        if start is None or end is None or end <= start:
            return None, None
        zones = [
            Fields(as_object(line) or EMPTY, fields.complaints)
            for _, lines in (as_object(fields.value("deviceCycleUsageInZones")) or EMPTY).items()
            for line in as_list(lines) or []
        ]
        spent = [zone.whole("dataUsage") for zone in zones if zone.text("dataUsageUnit") in {"bytes", ""}]
        counted = [number for number in spent if number is not None and number >= 0]
        cycle = Cycle(start=start, end=end)
        if not counted or len(counted) != len(zones):
            return cycle, None
        lag = self.record.usage.lag_final if self.record.usage else timedelta(days=3)
        period = UsagePeriod(
            provider_id=sim,
            start=start,
            end=end,
            uplink_bytes=0,
            downlink_bytes=sum(counted),
            source="rated",
            final=end + lag <= freshness.observed_at,
            freshness=freshness,
            split=False,
        )
        return cycle, period


_NONE: Final = frozenset({"", "null"})


def before(cycle: Cycle) -> date:
    """The first day of the cycle before; cycles are months."""
    first = cycle.first_day
    year, month = (first.year, first.month - 1) if first.month > 1 else (first.year - 1, 12)
    return date(year, month, min(first.day, 28))


def message_id(value: object) -> str:
    """The id of a message that was taken over: a number or text."""
    found = (as_object(value) or EMPTY).get("smsMsgId")
    return str(found) if isinstance(found, int | str) and not isinstance(found, bool) else ""


def message_word(value: object) -> str:
    """What became of a message, in their word."""
    return Fields(as_object(value) or EMPTY, []).text("status")


def why_not(status: int, code: str) -> ReasonCode | None:
    """What a refused change of status means; None leaves it to the HTTP status.

    A 400 that is not about the request's form can only be about the transition: the platform's
    rules, or those of the operator.
    """
    if status != HTTPStatus.BAD_REQUEST:
        return None
    if code in FORBIDDEN:
        return ReasonCode.FORBIDDEN
    return ReasonCode.INVALID_REQUEST if code in MALFORMED else ReasonCode.CONFLICT_STATE

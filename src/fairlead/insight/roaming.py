"""The roaming clock of one device: days used, days left, and the instant a rule will be broken.

Read by whoever shows or explains one device; `store.clock` writes the same readings for a whole
fleet. Presence, not sessions, is counted: a device that sleeps in a country is in it. Everything
is a function of the rule, the presence and `now`.

What counts: days are calendar days of the rule's zone; presence in the SIM's home country is not
roaming (a rule on IMEIs or on national roaming says so in its scope); SIMs of MCC 901 and 999 have
no home country and count everywhere. A clock runs while the device's latest presence is in the
rule's scope, and the forecast then assumes presence on every day from today on. A device that has
left, or has changed to a local profile, keeps its count but has no breach ahead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from fairlead.insight.roaming_days import Count, Run, after_reset, count, merged, stay
from fairlead.model.rules import (
    ROAMING_TOPICS,
    Confidence,
    Counter,
    Event,
    Freshness,
    Rule,
    Scope,
    Sim,
    SinceEvent,
    Stance,
    Subject,
    binds,
)

RATE_DAYS = 30  # the history that the scenario of the same name extrapolates
_SCENARIO_DAYS = 1100  # three years of extrapolated days: enough for every window met so far
_DAY = timedelta(days=1)


class Assumption(StrEnum):
    """What a forecast takes for granted."""

    CONTINUES = "continues"  # presence on every day from today on
    LAST_30_DAYS = "last-30-days"  # the pattern of the last 30 days repeats


class Mark(StrEnum):
    """What a reader must know before trusting a reading."""

    LOW_CONFIDENCE = "low confidence"
    STALE_AMBER = "sources older than 180 days"
    STALE_RED = "sources older than 365 days"
    NO_COUNT = "no count known"
    NOT_THERE = "not in the rule's scope now"
    POPULATION_BELOW = "too few devices for the rule"
    POPULATION_UNKNOWN = "population unknown: counted as large enough"
    NOT_DECLARED = "counts only for fleets that declare it"
    EVENT_UNSEEN = "an event of the rule cannot be seen in presence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """One run of presence: a device with a SIM in a country, from first to last sighting."""

    device: str
    country: str
    first: datetime
    last: datetime
    plmn: str = "unknown"
    home_country: str | None = None  # None: MCC 901/999, or not known; counts everywhere
    imsi: str | None = None
    iccid: str | None = None
    imei: str | None = None
    eid: str | None = None
    account: str | None = None
    apn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """What one rule says of one device now."""

    rule: Rule
    device: str
    key: str | None  # the counted subject; None when the rule has never applied to the device
    assumption: Assumption
    days_used: int | None  # of the binding counter (months for a months counter); None: no count
    days_left: int | None  # whole days until the breach; None: none in sight, or no count known
    breach_at: datetime | None
    started_at: datetime | None  # local midnight of the first day that counts
    counter: Counter | None  # the binding counter
    breached: bool
    lifts_at: datetime | None  # when a passing effect (a cooling-off) ends
    marks: tuple[Mark, ...]


def days_left(breach_at: datetime, now: datetime) -> int:
    """Whole days until the breach, rounded up; 0 once it is past (so `<= 30` is `breach_at <= now + 30 × 24 h`)."""
    return max(0, -((now - breach_at) // _DAY))


def in_scope(rule: Rule, presence: Presence) -> bool:
    """Whether a rule looks at this presence at all."""
    scope = rule.scope
    return (
        presence.country in rule.countries
        and _sim(scope, presence)
        and (not scope.esim or presence.eid is not None)
        and (not scope.home_countries or presence.home_country in scope.home_countries)
        and (not scope.plmns or presence.plmn in scope.plmns)
    )


def _sim(scope: Scope, presence: Presence) -> bool:
    local = presence.home_country == presence.country
    match scope.sim:
        case Sim.ANY:
            return True
        case Sim.LOCAL:
            return local
        case Sim.FOREIGN:
            return not local
        case Sim.NATIONAL:
            own = presence.imsi is None or presence.imsi.startswith(presence.plmn.replace("-", ""))
            return local and not own and presence.plmn != "unknown"


def key_of(rule: Rule, presence: Presence) -> str:
    """The counted subject of a presence; the device where the feed does not tell it.

    On national roaming only the days on one host network count together.
    """
    value: str | None
    match rule.subject:
        case Subject.IMSI:
            value = presence.imsi
        case Subject.ICCID:
            value = presence.iccid
        case Subject.IMEI:
            value = presence.imei
        case Subject.EID:
            value = presence.eid
        case Subject.ACCOUNT:
            value = presence.account
        case Subject.APN:
            value = presence.apn
        case Subject.DEVICE:
            value = None
    key = value if value is not None else f"device:{presence.device}"
    return f"{key}@{presence.plmn}" if rule.scope.sim is Sim.NATIONAL else key


def _latest(presences: Iterable[Presence], now: datetime) -> Presence | None:
    return max(
        presences,
        key=lambda p: (min(p.last, now), p.first, p.country, p.plmn, p.imsi or "", p.iccid or ""),
        default=None,
    )


def read_clock(
    rule: Rule,
    presences: Sequence[Presence],
    *,
    now: datetime,
    device: str | None = None,
    population: int | None = None,
    assumption: Assumption = Assumption.CONTINUES,
) -> ClockReading:
    """Read one rule for one device.

    `presences` holds the device's presence, and that of other devices which used the same subject
    (a SIM that was moved, all devices of an account). `device` names whose reading it is; by
    default, the one seen last. `population` is the number of devices on its account or APN.
    """
    known = [p for p in presences if p.first <= now]
    latest = _latest((p for p in known if device in (None, p.device)), now)
    whose = device if device is not None else (latest.device if latest else "")
    mine = _latest((p for p in known if p.device == whose and in_scope(rule, p)), now)
    if mine is None:
        return _silent(rule, whose, assumption, now)
    key = key_of(rule, mine)
    zone = ZoneInfo(rule.zone)
    days = merged([_days(p, now, zone) for p in known if in_scope(rule, p) and key_of(rule, p) == key])
    today = _local(now, zone)
    there = latest is not None and in_scope(rule, latest)
    found = _binding_count(rule, days, today, assumption)
    marks = _marks(rule, now)
    if not there:
        marks += (Mark.NOT_THERE,)
    marks += _population(rule, population)
    if found is None:
        return _silent(rule, whose, assumption, now, key=key, marks=marks)
    counter, value = found
    counted = there and Mark.POPULATION_BELOW not in marks and rule.scope.declared is None
    breach = _midnight(value.trip, zone) if value.trip is not None and counted else None
    hours = rule.effect.lasts_hours if rule.effect else None
    return ClockReading(
        rule=rule,
        device=whose,
        key=key,
        assumption=assumption,
        days_used=value.used,
        days_left=days_left(breach, now) if breach else None,
        breach_at=breach,
        started_at=_midnight(value.started, zone) if value.started is not None else None,
        counter=counter,
        breached=breach is not None and breach <= now,
        lifts_at=mine.first + timedelta(hours=hours) if breach and hours else None,
        marks=marks,
    )


def _silent(
    rule: Rule,
    device: str,
    assumption: Assumption,
    now: datetime,
    *,
    key: str | None = None,
    marks: tuple[Mark, ...] = (),
) -> ClockReading:
    return ClockReading(
        rule=rule,
        device=device,
        key=key,
        assumption=assumption,
        days_used=None if key is not None or not rule.counts else 0,
        days_left=None,
        breach_at=None,
        started_at=None,
        counter=None,
        breached=False,
        lifts_at=None,
        marks=marks or (*_marks(rule, now), Mark.NOT_THERE),
    )


def _binding_count(rule: Rule, days: Sequence[Run], today: int, assumption: Assumption) -> tuple[Counter, Count] | None:
    """The counter that trips first (any) or last (all); a tie goes to the one written first."""
    counters = rule.counts
    if not counters:
        return None
    value = after_reset(stay(days, today), rule.reset)
    read = [count(c, value, rule.reset) for c in counters]
    if assumption is Assumption.LAST_30_DAYS:
        ahead = after_reset(stay(days, today, continues=repeated(days, today)), rule.reset)
        read = [replace(r, trip=count(c, ahead, rule.reset).trip) for c, r in zip(counters, read, strict=True)]
    never = value.today * 2  # later than any horizon
    trips = [never if r.trip is None else r.trip for r in read]
    chosen = trips.index(min(trips) if rule.trip == "any" else max(trips))
    return counters[chosen], read[chosen]


def _marks(rule: Rule, now: datetime) -> tuple[Mark, ...]:
    found: list[Mark] = []
    if rule.confidence is Confidence.LOW:
        found.append(Mark.LOW_CONFIDENCE)
    match rule.freshness(now):
        case Freshness.AMBER:
            found.append(Mark.STALE_AMBER)
        case Freshness.RED:
            found.append(Mark.STALE_RED)
        case Freshness.GREEN:
            pass
    if not rule.counts and rule.stance is not Stance.PERMISSIVE:
        found.append(Mark.NO_COUNT)
    if rule.scope.declared is not None:
        found.append(Mark.NOT_DECLARED)
    if any(isinstance(c, SinceEvent) and c.event is Event.OWNER_CHANGE for c in rule.counters):
        found.append(Mark.EVENT_UNSEEN)
    return tuple(found)


def _population(rule: Rule, population: int | None) -> tuple[Mark, ...]:
    if rule.population is None:
        return ()
    if population is None:
        return (Mark.POPULATION_UNKNOWN,)
    return () if population > rule.population.more_than else (Mark.POPULATION_BELOW,)


def repeated(days: Sequence[Run], today: int) -> list[Run]:
    """The days from today on if the pattern of the last 30 days (or of the whole stay, if shorter) repeats."""
    first = min((s for s, _ in days), default=today)
    length = min(RATE_DAYS, today - first + 1)
    present = {d for s, e in days for d in range(max(s, today - length + 1), min(e, today) + 1)}
    ahead = [
        (d, d)
        for d in range(today + 1, today + _SCENARIO_DAYS)
        if d - ((d - today - 1) // length + 1) * length in present
    ]
    return merged(ahead)


def _local(at: datetime, zone: ZoneInfo) -> int:
    return at.astimezone(zone).date().toordinal()


def _days(presence: Presence, now: datetime, zone: ZoneInfo) -> Run:
    return (_local(presence.first, zone), _local(min(presence.last, now), zone))


def _midnight(day: int, zone: ZoneInfo) -> datetime:
    """Local midnight, as PostgreSQL reads it: the later instant where clocks jump over it or repeat it."""
    value = date.fromordinal(day)
    midnight = datetime(value.year, value.month, value.day, tzinfo=zone)
    return max(midnight.astimezone(UTC), midnight.replace(fold=1).astimezone(UTC))


def binding(readings: Iterable[ClockReading]) -> ClockReading | None:
    """The earliest breach among the rules that bind permanent roaming; None where none is in sight.

    Laws, recommendations and the policy of the carrier in use count, whatever their confidence
    (marked when low); reports do not.
    """
    running = [r for r in readings if r.breach_at is not None and r.rule.topic in ROAMING_TOPICS and binds(r.rule)]
    return min(running, key=lambda r: (r.breach_at or datetime.max.replace(tzinfo=UTC), r.rule.id), default=None)

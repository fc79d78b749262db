"""A regulatory rule as a value: what it says, how sure we are, and what it counts.

Rule packs (`fairlead.reference`) are read into these values; `insight.roaming` reads them against
one device's presence and `store.clock` against a whole fleet. The grammar is subject × counters ×
trip × population × scope × effect × reset, because real rules differ in each: Turkey counts days
of an IMEI in a rolling window, Qatar consecutive days seen weekly, an Australian carrier months
of a year and only for large accounts. A rule without a count still speaks: `prohibited` is broken
by the first foreign presence, and `unknown` is a stance of its own that never shows green.

Fairlead reports rules with their sources and their age; it does not give legal advice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Literal

NOTICE = "Not legal advice: a dated reading of the named sources. Check with the authority before you rely on it."
AMBER_AFTER_DAYS = 180
RED_AFTER_DAYS = 365


class Stance(StrEnum):
    """What a rule says about the thing it regulates."""

    PROHIBITED = "prohibited"
    RESTRICTED = "restricted"
    CONDITIONAL = "conditional"
    UNKNOWN = "unknown"  # nobody found a rule: a warning, never a permission
    CARRIER_POLICY = "carrier_policy"
    PERMISSIVE = "permissive"
    MANDATORY = "mandatory"  # a duty (register, certify, keep data in the country)


class Kind(StrEnum):
    """Where a rule's force comes from."""

    LAW = "law"
    RECOMMENDATION = "recommendation"
    CARRIER_POLICY = "carrier_policy"
    REPORT = "report"  # somebody describes the practice; no rule text was read


class Confidence(StrEnum):
    """How far the sources carry."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Trend(StrEnum):
    """Where the rule is moving."""

    TIGHTENING = "tightening"
    STABLE = "stable"
    LOOSENING = "loosening"
    UNKNOWN = "unknown"


class Subject(StrEnum):
    """The thing whose days are counted."""

    IMSI = "imsi"
    ICCID = "iccid"
    IMEI = "imei"
    EID = "eid"
    ACCOUNT = "account"
    APN = "apn"
    DEVICE = "device"


class Event(StrEnum):
    """The event from which days are counted."""

    FIRST_USE = "first_use_in_country"
    ROAMING_ACTIVATION = "roaming_activation"  # read as the SIM's first foreign presence in the country
    OWNER_CHANGE = "owner_change"  # not visible in presence: shown, not counted
    ARRIVAL = "arrival"  # start of the present unbroken stay


class Sim(StrEnum):
    """Which SIMs a rule looks at, seen from the visited country."""

    FOREIGN = "foreign"
    LOCAL = "local"
    NATIONAL = "national_roaming"  # a local SIM on another network of its own country
    ANY = "any"


class EffectCode(StrEnum):
    """What happens when a rule trips."""

    BLOCKED = "blocked"
    SERVICE_LOST = "service_lost"
    REGISTER = "register"
    REPLACE_PROFILE = "replace_profile"
    CARRIER_MAY_ACT = "carrier_may_act"
    DATA_OFF = "data_off"


class Freshness(StrEnum):
    """How old a reading of the sources is."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsecutiveDays:
    """Days of one unbroken stay; up to `max_gap` absent days do not break it and are counted."""

    trip: int
    max_gap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysInWindow:
    """Distinct days of presence in a rolling window of `window` days."""

    trip: int
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysInYear:
    """Distinct days of presence in a calendar year."""

    trip: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthsInWindow:
    """Calendar months with at least one day of presence, in the last `window` months."""

    trip: int
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SinceEvent:
    """Calendar days since an event, the day of the event being the first."""

    trip: int
    event: Event


Counter = ConsecutiveDays | DaysInWindow | DaysInYear | MonthsInWindow | SinceEvent
"""A count and the first value of it (`trip`) that breaks the rule: "91 or more" trips at 91, "at most 120" at 121."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavesCountry:
    """The count starts anew after this many days without presence."""

    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingReset:
    """`calendar_year`: a breach ends with its year. `window`: only the last window counts. `never`: all history."""

    name: Literal["calendar_year", "window", "never"]


Reset = LeavesCountry | StandingReset
NEVER = StandingReset(name="never")
CALENDAR_YEAR = StandingReset(name="calendar_year")
WINDOW = StandingReset(name="window")


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A rule that binds only large accounts: more than `more_than` devices on the account or the APN."""

    more_than: int
    of: tuple[Literal["account", "apn"], ...] = ("account", "apn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which presence a rule looks at."""

    sim: Sim = Sim.FOREIGN
    esim: bool = False  # only cards that have an EID
    home_countries: frozenset[str] = frozenset()  # empty: any
    carrier: str | None = None  # the host carrier's name, for display
    plmns: frozenset[str] = frozenset()  # its networks; empty: any
    declared: str | None = None  # binds only fleets that declare this; never counted without it


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What follows a breach."""

    code: EffectCode
    after_days: int = 0  # days of grace between the breach and the effect
    lasts_hours: int | None = None  # the effect lifts by itself after this long
    until: Literal["calendar_year_end", "registered", "replaced"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of one jurisdiction, with its evidence."""

    id: str  # lower-case words with dashes, unique over all packs
    jurisdiction: str  # ISO 3166-1 alpha-2, or EU
    countries: frozenset[str]  # the jurisdiction's countries
    topic: str
    stance: Stance
    kind: Kind
    authority: str | None
    sources: tuple[str, ...]
    as_of: date  # when the sources were last read or dated; the first day where only a month or year is known
    confidence: Confidence
    trend: Trend
    summary: str
    effective_from: date | None = None
    effective_to: date | None = None
    reviewer: str | None = None
    disputes: tuple[str, ...] = ()  # ids of rules that say otherwise
    exemptions: tuple[str, ...] = ()
    subject: Subject = Subject.DEVICE
    counters: tuple[Counter, ...] = ()
    trip: Literal["any", "all"] = "any"
    population: Population | None = None
    scope: Scope = field(default_factory=Scope)
    effect: Effect | None = None
    valid_days: int | None = None  # how long an approval lasts, where the rule is about one that expires
    warn_before_days: int = 30
    reset: Reset = NEVER
    zone: str = "UTC"  # IANA zone whose calendar days are counted

    @property
    def notice(self) -> str:
        """What every answer that shows a rule must say."""
        return NOTICE

    @property
    def counts(self) -> tuple[Counter, ...]:
        """The counters that presence can answer; `prohibited` counts to one."""
        seen = tuple(c for c in self.counters if not (isinstance(c, SinceEvent) and c.event is Event.OWNER_CHANGE))
        if seen or self.stance is not Stance.PROHIBITED:
            return seen
        return (SinceEvent(trip=1, event=Event.FIRST_USE),)

    def in_force(self, on: date) -> bool:
        """Whether the rule applies on this day."""
        return (self.effective_from is None or self.effective_from <= on) and (
            self.effective_to is None or on <= self.effective_to
        )

    def freshness(self, now: datetime) -> Freshness:
        """Green, amber after 180 days, red after 365; counted in UTC days since `as_of`."""
        age = (now.astimezone(UTC).date() - self.as_of).days
        if age > RED_AFTER_DAYS:
            return Freshness.RED
        return Freshness.AMBER if age > AMBER_AFTER_DAYS else Freshness.GREEN


PERMANENT_ROAMING = "permanent_roaming"
ROAMING_TOPICS = frozenset(
    {
        PERMANENT_ROAMING,
        "permanent_roaming_bilateral",
        "permanent_roaming_data",
        "permanent_roaming_carrier",
    }
)
"""Topics whose clocks make a device's `breach_at`."""
IMEI_TOPIC = "imei_registration"
"""The topic whose clocks make a device's `imei_breach_at`."""

_STRICTNESS = (
    Stance.PROHIBITED,
    Stance.RESTRICTED,
    Stance.CONDITIONAL,
    Stance.UNKNOWN,
    Stance.CARRIER_POLICY,
    Stance.PERMISSIVE,
)
_CONFIDENCE = (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW)


def binds(rule: Rule) -> bool:
    """Whether a rule's clock may call a device in breach: a report alone does not, nor a rule that must be declared."""
    return rule.kind is not Kind.REPORT and rule.scope.declared is None and bool(rule.counts)


def strictest(rules: Iterable[Rule]) -> Rule | None:
    """The strictest rule, by stance and then by confidence; duties (`mandatory`) are not comparable and left out."""
    ranked = [r for r in rules if r.stance in _STRICTNESS]
    return min(
        ranked,
        key=lambda r: (_STRICTNESS.index(r.stance), _CONFIDENCE.index(r.confidence), r.id),
        default=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What a country says about permanent roaming, where that is moving, and the rules behind it."""

    stance: Stance
    confidence: Confidence
    trend: Trend  # of the rule that decides the stance
    rules: tuple[str, ...]


def law(country: str, rules: Iterable[Rule], on: date) -> Law:
    """The strictest permanent-roaming rule in force in a country; none at all is unknown, with low confidence."""
    here = [r for r in rules if r.topic == PERMANENT_ROAMING and country in r.countries and r.in_force(on)]
    hard = strictest(here)
    if hard is None:
        return Law(stance=Stance.UNKNOWN, confidence=Confidence.LOW, trend=Trend.UNKNOWN, rules=())
    return Law(stance=hard.stance, confidence=hard.confidence, trend=hard.trend, rules=tuple(r.id for r in here))

"""The resources people write: Policy, Strategy, Steering, SessionPolicy, Grant and UsageRule.

`policy.read` makes them from YAML with every condition already checked; the doors, the engine and
the planner pass them around as values. Each keeps its conditions as a `Condition` (the text for
people, the tree for the readings). What a person wrote wrongly is a `Fault`, not an exception.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from typing import Literal as Only

from fairlead.model.document import Json
from fairlead.model.expression import Expr, Value
from fairlead.model.facet import Facet

API_VERSION: Final = "fairlead/v1"


# Where a policy may merge into what lower ones say; the other facets are decided whole.
MERGEABLE: Final = frozenset({Facet.CONFIG, Facet.FLAGS, Facet.TRAFFIC})
# A policy on these must say how it ends, so that it cannot undo itself by succeeding.
NEEDS_UNTIL: Final = frozenset({Facet.NETWORK, Facet.SUBSCRIPTION})
# These are admitted `auto` where the policy does not say; the others paced.
AUTO_FACETS: Final = frozenset({Facet.CONFIG, Facet.FLAGS, Facet.TRAFFIC})

Method = Only["roaming", "multi-imsi", "local-profile"]
methods: Final[tuple[Method, ...]] = ("roaming", "multi-imsi", "local-profile")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with a file: where, what was found and what was expected."""

    file: str
    line: int  # from 1
    column: int  # from 1
    path: str  # into the resource, such as `spec.set.network.carrier`
    value: str  # what was found, shortened
    expected: str

    def __str__(self) -> str:
        place = f" at {self.path}" if self.path else ""
        return f"{self.file}:{self.line}:{self.column}:{place} found {self.value}; expected {self.expected}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What every resource has."""

    name: str  # a DNS label, unique per tenant and kind
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A checked condition, as written and as it is read."""

    text: str
    expr: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many per period."""

    count: int
    per: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto:
    """Entrants are admitted at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Every wave of entrants waits for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """Entrants are admitted at a pace per stratum; above a count a person is asked."""

    rate: Rate
    ask_above: Rate | None = None


Admit = Auto | Ask | Paced
# Where a policy on network, subscription, firmware or credential does not say: gentle enough for any carrier.
DEFAULT_PACE: Final = Paced(
    rate=Rate(count=500, per=timedelta(hours=1)), ask_above=Rate(count=5_000, per=timedelta(days=1))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a policy says about one facet."""

    value: Mapping[str, Json]
    merge: bool  # True: RFC 7396 patch over what lower priorities say; False: the whole value


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """Given these facts, this must hold."""

    given: Mapping[str, Value]
    expect: Only["match", "no-match", "until", "no-until"]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What should be on the devices that match."""

    metadata: Metadata
    priority: int  # higher wins, value by value
    match: Condition
    until: Condition
    admit: Admit
    sets: Mapping[Facet, Setting]
    couple: tuple[Facet, ...]  # move together or not at all; empty: each by itself
    reason: str
    expires: datetime | None  # aware UTC; the policy stops matching then
    observe: bool  # only record what it would have done
    tests: tuple[PolicyTest, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One tier of a strategy."""

    when: Condition | None  # None: always
    use: Method
    countries: tuple[str, ...]  # where not empty, only these
    regions: tuple[str, ...]  # where not empty, only countries of these


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyTest:
    """Given these facts of a country, this way in must be chosen."""

    given: Mapping[str, Value]
    expect: Method
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """Which way in each country takes: a country's tier before a region's, the law before both."""

    metadata: Metadata
    regions: Mapping[str, tuple[str, ...]]  # sets of countries; they may overlap
    tiers: tuple[Tier, ...]
    tests: tuple[StrategyTest, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """One network of a steering list."""

    plmn: str  # MCC-MNC
    when: Condition | None  # usable only then
    premium: bool  # only where nothing cheaper is usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """Which networks devices should prefer, in order."""

    metadata: Metadata
    match: Condition
    prefer: tuple[Preference, ...]
    premium: Only["allow", "bar"]  # of premium networks, at a carrier whose list has no order
    shared: bool  # a list that binds more lines than those matched may be set
    line: int


SessionAction = Only["accept", "reject", "quarantine", "throttle"]
session_actions: Final[tuple[SessionAction, ...]] = ("accept", "reject", "quarantine", "throttle")
AlertLevel = Only["low", "medium", "high"]
alert_levels: Final[tuple[AlertLevel, ...]] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRule:
    """If this holds at a session event, then do that."""

    condition: Condition
    action: SessionAction
    alert: AlertLevel | None
    rate_bps: int | None  # bits a second; with throttle only
    duration: timedelta | None  # how long the restriction lasts; None: until lifted


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTest:
    """Given these facts, the first rule that matches must do this; `accept` where none matches."""

    given: Mapping[str, Value]
    expect: SessionAction
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    """Rules judged at session events; the first that matches decides."""

    metadata: Metadata
    rules: tuple[SessionRule, ...]
    tests: tuple[SessionTest, ...]
    line: int


Protocol = Only["tcp", "udp", "icmp", "any"]
protocols: Final[tuple[Protocol, ...]] = ("tcp", "udp", "icmp", "any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One destination that may be talked to."""

    to: str  # a host name, an address or a network in CIDR form
    protocol: Protocol
    ports: tuple[tuple[int, int], ...]  # first and last of each range; empty: all


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Who may talk to what: nothing is allowed that no grant allows; grants add up."""

    metadata: Metadata
    match: Condition
    allow: tuple[Allowance, ...]
    line: int


UsageWindow = Only["24h", "7d", "month"]
usage_windows: Final[tuple[UsageWindow, ...]] = ("24h", "7d", "month")


@dataclass(frozen=True, slots=True, kw_only=True)
class Above:
    """More bytes, both ways, than this within a window."""

    window: UsageWindow  # month: the calendar's, UTC
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """So many times as much within a window as in the days before it on average, and more than `bytes`."""

    window: UsageWindow  # not month
    times: int  # in thousandths
    against_days: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Not a byte for so many days of 24 hours."""

    days: int


Measure = Above | Growth | Silent
UsageAction = Only["throttle", "limit", "suspend"]
usage_actions: Final[tuple[UsageAction, ...]] = ("throttle", "limit", "suspend")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageResponse:
    """What follows when a line crosses a measure."""

    alert: AlertLevel
    action: UsageAction | None  # None: only told
    rate_bps: int | None  # with throttle: bits a second at most
    limit_bytes: int | None  # with limit: the ceiling to set at the carrier
    lasts: timedelta | None  # then it is taken back; None: at the beginning of the next calendar month (UTC)
    ask_above: Rate  # more lines than this wait for a person


DEFAULT_ASK: Final = Rate(count=100, per=timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageTest:
    """Given these facts of the device and this reading of the line, this must come of it."""

    given: Mapping[str, Value]
    used: int  # bytes in the window
    before: int  # bytes in the days that growth is measured against
    silent: timedelta
    age: timedelta  # of the newest of it
    lag: timedelta  # of the carrier
    expect: Only["crossed", "within", "stale", "no-match", "cannot"]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRule:
    """A measure of what lines use, and what follows when one crosses it."""

    metadata: Metadata
    match: Condition  # over the device that holds the line; a line without a device has no facts
    carriers: tuple[str, ...]  # only lines of these accounts; empty: of all
    measure: Measure
    then: UsageResponse
    max_age: timedelta | None  # of the data it is judged by; None: the carrier's lag and a day
    reason: str
    observe: bool  # only say what it would have done
    tests: tuple[UsageTest, ...]
    line: int


Resource = Policy | Strategy | Steering | SessionPolicy | Grant | UsageRule
kinds: Final = ("Policy", "Strategy", "Steering", "SessionPolicy", "Grant", "UsageRule")
NO_DRIVER_YET: Final = frozenset({"SessionPolicy", "Grant"})  # kept and checked; nothing follows from them

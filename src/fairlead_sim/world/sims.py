"""Carriers, their SIMs, and the sessions and bytes they can tell about.

States are those of the trade, not of any portal; a carrier fake puts them into its own words. What
is (`Sim`) and what a carrier shows of it (`Standing`, of now or of a while ago) are kept apart.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal

SimState = Literal["inventory", "ready", "active", "standby", "suspended", "deactivated", "terminated"]
ATTACHABLE: Final[frozenset[SimState]] = frozenset({"ready", "active"})
EventKind = Literal["created", "modified", "deleted"]

_MINUTES: Final = timedelta(minutes=5)


@dataclass(slots=True, kw_only=True)
class Session:
    """One data session, open until `ended_at`."""

    id: str
    device: str
    slot: int
    carrier: str
    iccid: str
    imsi: str
    imei: str
    plmn: str
    country: str
    rat: str
    tac: int
    eci: int
    ip: str
    apn: str
    started_at: datetime
    uplink_bytes: int = 0
    downlink_bytes: int = 0
    ended_at: datetime | None = None
    end_cause: str = ""

    @property
    def open(self) -> bool:
        """True until it ends."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvent:
    """One line of a SIM's history."""

    at: datetime
    kind: EventKind
    session: Session


@dataclass(slots=True, kw_only=True)
class Further:
    """A further subscription on the same card, ordered and delivered over the air."""

    imsi: str
    plan: str
    msisdn: str
    ordered_at: datetime
    began_at: datetime | None = None  # the card went online and the delivery started
    ended: bool = False

    def status(self, now: datetime, takes: timedelta) -> Literal["shipped", "delivered", "ready", "terminated"]:
        """Waiting, under way, on the card, or gone."""
        if self.ended:
            return "terminated"
        if self.began_at is None:
            return "shipped"
        return "ready" if now >= self.began_at + takes else "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """The networks a SIM is kept to, or kept off."""

    kind: Literal["allow", "block"]
    plmns: frozenset[str]

    def admits(self, plmn: str) -> bool:
        """True when the SIM may use that network."""
        return (plmn in self.plmns) == (self.kind == "allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What can be set on a SIM, as it stood at one time."""

    state: SimState
    pending: SimState | None  # on its way there, and not there yet
    modified_at: datetime
    plan: str
    group: str
    termination_enabled: bool
    imei_lock: str
    limit_bytes: int | None
    speed: str
    steering: Steering | None


@dataclass(slots=True, kw_only=True)
class Sim:
    """One SIM of one carrier."""

    iccid: str
    imsi: str
    msisdn: str
    carrier: str
    plan: str
    state: SimState
    created_at: datetime
    modified_at: datetime
    group: str = ""
    termination_enabled: bool = False
    imei_lock: str = ""  # the IMEIs it works in, separated by commas; empty: any
    limit_bytes: int | None = None  # of a calendar month
    speed: str = ""  # its carrier's speed class; empty: the usual one
    steering: Steering | None = None
    pending: SimState | None = None  # a change of state that takes its time
    form_factor: str = "MFF2"
    eid: str = ""
    messages: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])  # handed to the device
    device: str | None = None  # whose slot it sits in
    session: Session | None = None
    last_seen_at: datetime | None = None
    events: deque[SessionEvent] = field(default_factory=lambda: deque[SessionEvent](maxlen=256))
    history: deque[tuple[datetime, Standing]] = field(
        default_factory=lambda: deque[tuple[datetime, Standing]](maxlen=256)
    )
    further: dict[str, Further] = field(default_factory=dict[str, Further])
    by_day: dict[date, list[int]] = field(default_factory=dict[date, list[int]])
    by_minutes: deque[tuple[datetime, int, int]] = field(
        default_factory=lambda: deque[tuple[datetime, int, int]](maxlen=2048)
    )

    def count(self, at: datetime, uplink: int, downlink: int) -> None:
        """Add bytes to the day and to the five minutes they fall into."""
        day = self.by_day.setdefault(at.date(), [0, 0])
        day[0] += uplink
        day[1] += downlink
        slot = at - timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
        if self.by_minutes and self.by_minutes[-1][0] == slot:
            _, up, down = self.by_minutes.pop()
            uplink, downlink = uplink + up, downlink + down
        self.by_minutes.append((slot, uplink, downlink))

    def standing(self) -> Standing:
        """How it stands now."""
        return Standing(
            state=self.state,
            pending=self.pending,
            modified_at=self.modified_at,
            plan=self.plan,
            group=self.group,
            termination_enabled=self.termination_enabled,
            imei_lock=self.imei_lock,
            limit_bytes=self.limit_bytes,
            speed=self.speed,
            steering=self.steering,
        )

    def note(self, at: datetime) -> None:
        """Remember how it stands, if that is news."""
        now = self.standing()
        if not self.history or self.history[-1][1] != now:
            self.history.append((at, now))

    def stood(self, at: datetime) -> Standing:
        """How it stood at a time, as far back as is remembered."""
        known = next((standing for when, standing in reversed(self.history) if when <= at), None)
        return known or (self.history[0][1] if self.history else self.standing())

    def days(self, known_at: datetime | None = None) -> dict[date, tuple[int, int]]:
        """Bytes by day, without those of five minutes that ended after `known_at`: a carrier that counts late."""
        found = {day: (up, down) for day, (up, down) in sorted(self.by_day.items())}
        for slot, up, down in reversed(self.by_minutes):
            if known_at is None or slot + _MINUTES <= known_at:
                break
            up_then, down_then = found[slot.date()]
            found[slot.date()] = (up_then - up, down_then - down)
        return {day: bytes_ for day, bytes_ in found.items() if any(bytes_) or known_at is None}

    def over_limit(self, at: datetime) -> bool:
        """True when this month's bytes have reached the limit."""
        if self.limit_bytes is None:
            return False
        spent = sum(sum(two) for day, two in self.by_day.items() if (day.year, day.month) == (at.year, at.month))
        return spent >= self.limit_bytes

    def seen_by(self, at: datetime) -> SessionEvent | None:
        """The last event not later than `at`: what a carrier that lags knows."""
        return next((event for event in reversed(self.events) if event.at <= at), None)


@dataclass(slots=True, kw_only=True)
class Carrier:
    """Somebody who issues SIMs and answers for them."""

    id: str
    name: str
    home: str  # PLMN of its IMSIs
    country: str | None  # None: it has no home network and roams everywhere
    apns: frozenset[str]
    roaming: Mapping[str, tuple[str, ...]]  # country → PLMNs that take its cards, preferred first
    lag: timedelta = timedelta(0)  # sessions show up this late
    standby_plans: frozenset[str] = frozenset()
    iccid_digits: int = 19  # of its cards, check digit included
    core: str = ""  # the upstream core behind it; others may share it
    delivery_takes: timedelta = timedelta(minutes=10)
    takes: dict[str, timedelta] = field(default_factory=dict[str, timedelta])  # state → how long a change to it takes
    state_lag: timedelta = timedelta(0)  # what was set shows this late
    usage_lag: timedelta = timedelta(0)  # bytes show this late
    suspended_passes_traffic: bool = False  # as at carriers where suspending only stops the bill
    sims: dict[str, Sim] = field(default_factory=dict[str, Sim])

    def lets_in(self, state: SimState) -> bool:
        """True when a SIM in that state gets a session here."""
        return state in ATTACHABLE or (state == "suspended" and self.suspended_passes_traffic)

    def networks_in(self, country: str) -> tuple[str, ...]:
        """The PLMNs its cards may use there, best first."""
        return self.roaming.get(country, ())

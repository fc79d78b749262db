"""Carriers, their SIMs, and the sessions and bytes they can tell about.

States are those of the trade, not of any portal; a carrier fake puts them into its own words.
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
    imei_lock: str = ""
    device: str | None = None  # whose slot it sits in
    session: Session | None = None
    last_seen_at: datetime | None = None
    events: deque[SessionEvent] = field(default_factory=lambda: deque[SessionEvent](maxlen=256))
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
    delivery_takes: timedelta = timedelta(minutes=10)
    sims: dict[str, Sim] = field(default_factory=dict[str, Sim])

    def networks_in(self, country: str) -> tuple[str, ...]:
        """The PLMNs its cards may use there, best first."""
        return self.roaming.get(country, ())

"""The clock of the house: what `now` is.

Every room takes `now` as an argument; this is where it comes from. In production it is the
machine's clock. In the lab it has a rate and an epoch: a month of roaming passes in minutes. All
processes of an installation agree through one row (`ClockStore`), which `follow` reads; a change of
rate continues from the instant reached, and no process ever sees its own clock step back.

While Moves are open the rate is held to 60, because devices and carriers answer in real time; the
rate that was asked for comes back when they have settled. Whatever other programs judge (tokens,
certificates, sign-in) uses the machine's clock, `real_now`, never this one.
"""

import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fairlead.engine.ports.clock import ClockStore, Pace

MAX_RATE: Final = 86_400.0  # a day a second
BUSY_RATE: Final = 60.0  # the most while Moves are open
REAL_FLOOR_S: Final = 5.0  # a deadline leaves the world at least this long, in real seconds


class RateRefused(Exception):
    """The clock may not be set so; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """What `/v1/clock` shows."""

    now: datetime
    rate: float
    wanted: float
    epoch: datetime | None
    lab: bool


async def _none_open() -> bool:
    return False


class Timekeeper:
    """`now()`, and in the lab how fast it runs."""

    def __init__(
        self,
        pace: Pace | None = None,
        *,
        store: ClockStore | None = None,
        moves_open: Callable[[], Awaitable[bool]] = _none_open,
        real: Callable[[], float] = time.time,
    ) -> None:
        self._pace = pace
        self._store = store
        self._moves_open = moves_open
        self._real = real
        self._last = datetime.min.replace(tzinfo=UTC)

    @classmethod
    def lab(
        cls,
        rate: float = 1.0,
        epoch: datetime | None = None,
        *,
        store: ClockStore | None = None,
        moves_open: Callable[[], Awaitable[bool]] = _none_open,
        real: Callable[[], float] = time.time,
    ) -> "Timekeeper":
        """A clock with a rate and an epoch (default: the real instant); raises `RateRefused`."""
        refuse_rate(rate)
        started = real()
        begun = epoch or datetime.fromtimestamp(started, UTC)
        pace = Pace(rate=rate, wanted=rate, anchor=begun, anchor_real=started, epoch=begun)
        return cls(pace, store=store, moves_open=moves_open, real=real)

    def now(self) -> datetime:
        """The instant it is in this house; aware UTC, never earlier than it said before."""
        real = self._real()
        read = self._pace.at(real) if self._pace is not None else datetime.fromtimestamp(real, UTC)
        self._last = max(self._last, read)
        return self._last

    def real_now(self) -> datetime:
        """The machine's clock, for what other programs judge."""
        return datetime.fromtimestamp(self._real(), UTC)

    @property
    def rate(self) -> float:
        """House seconds a real second."""
        return self._pace.rate if self._pace is not None else 1.0

    def reading(self) -> ClockReading:
        """Everything `/v1/clock` shows."""
        pace = self._pace
        return ClockReading(
            now=self.now(),
            rate=self.rate,
            wanted=pace.wanted if pace is not None else 1.0,
            epoch=pace.epoch if pace is not None else None,
            lab=pace is not None,
        )

    def real_floor(self, deadline: datetime) -> datetime:
        """The deadline, moved out so far that at least five real seconds remain until it."""
        return max(deadline, self.now() + timedelta(seconds=REAL_FLOOR_S * self.rate))

    def real_seconds_until(self, instant: datetime) -> float:
        """How long to wait, in real seconds, until the house reaches an instant; 0 when it has."""
        return max(0.0, (instant - self.now()).total_seconds() / self.rate)

    async def set_rate(self, rate: float) -> ClockReading:
        """Run at another rate from now on; raises `RateRefused` outside the lab and for what is out of bounds."""
        if self._pace is None:
            raise RateRefused("the clock can be set in the lab only: start with FAIRLEAD_CLOCK")
        refuse_rate(rate)
        if rate > BUSY_RATE and await self._moves_open():
            raise RateRefused(f"Moves are open: at most {BUSY_RATE:g} until they have settled")
        await self._turn(self._pace, rate=rate, wanted=rate)
        return self.reading()

    async def follow(self) -> None:
        """Take over what other processes set, and hold the rate down while Moves are open. Called each second."""
        if self._pace is None:
            return
        if self._store is not None:
            self._pace = await self._store.read() or await self._store.begin(self._pace)
        pace = self._pace
        held = min(pace.wanted, BUSY_RATE) if pace.wanted > BUSY_RATE and await self._moves_open() else pace.wanted
        if held != pace.rate:
            await self._turn(pace, rate=held, wanted=pace.wanted)

    async def _turn(self, before: Pace, *, rate: float, wanted: float) -> None:
        after = before.turned(self._real(), rate=rate, wanted=wanted)
        self._pace = after if self._store is None else await self._store.turn(before, after)


def refuse_rate(rate: float) -> None:
    """Raises `RateRefused` unless the rate is above 0 and at most a day a second."""
    if not (math.isfinite(rate) and 0 < rate <= MAX_RATE):
        raise RateRefused(f"a rate of {rate:g} is out of bounds: more than 0, at most {MAX_RATE:g}")

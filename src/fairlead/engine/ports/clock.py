"""The lab's clock as it is shared between processes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """One stretch of the clock: from `anchor_real` on, time runs at `rate` from `anchor`."""

    rate: float  # in force
    wanted: float  # asked for; differs from `rate` while Moves are open
    anchor: datetime  # house time at the anchor
    anchor_real: float  # Unix seconds at the anchor
    epoch: datetime  # house time when the lab began

    def at(self, real: float) -> datetime:
        """House time at a real instant."""
        return self.anchor + timedelta(seconds=(real - self.anchor_real) * self.rate)

    def turned(self, real: float, *, rate: float, wanted: float) -> "Pace":
        """The next stretch: continues here at another rate."""
        return replace(self, rate=rate, wanted=wanted, anchor=self.at(real), anchor_real=real)


class ClockStore(Protocol):
    """The row that makes several processes agree."""

    async def read(self) -> Pace | None:
        """The stretch in force, if any was written."""
        ...

    async def begin(self, pace: Pace) -> Pace:
        """Write the first stretch unless there is one; returns the one in force."""
        ...

    async def turn(self, before: Pace, after: Pace) -> Pace:
        """Replace `before` by `after`; returns the one in force, another process's where that was first."""
        ...

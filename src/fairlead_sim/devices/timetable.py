"""When devices do what they put off: one table and one task for a whole fleet.

Delays are in the world's time, which may run a thousand times as fast as ours, or slowly; `at_most_s`
and `at_least_s` bound them in real seconds, so that a demo neither waits for ever nor asks of sockets
what they cannot do. An action must be short, and what it raises is its own fault: it is logged.
"""

import asyncio
import heapq
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Final

_log = logging.getLogger(__name__)
_TICK_S: Final = 0.05


@dataclass(slots=True, kw_only=True)
class Entry:
    """One thing to be done; `cancel` it when it is not wanted any more."""

    action: Callable[[], None] | None
    not_before: float  # real seconds

    def cancel(self) -> None:
        """It will not be done."""
        self.action = None


class Timetable:
    """Things to be done later."""

    def __init__(self, clock: Callable[[], datetime], *, real: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._real = real
        self._order = count()
        self._due: list[tuple[datetime, int, Entry]] = []
        self._late: list[tuple[float, int, Entry]] = []

    def later(
        self, delay: timedelta | None, action: Callable[[], None], *, at_most_s: float, at_least_s: float = 0.0
    ) -> Entry:
        """Do it after that much of the world's time, within the real bounds; None: only real time counts."""
        real, number = self._real(), next(self._order)
        entry = Entry(action=action, not_before=real + at_least_s)
        if delay is not None:
            heapq.heappush(self._due, (self._clock() + delay, number, entry))
        heapq.heappush(self._late, (real + at_most_s, number, entry))
        return entry

    def step(self) -> int:
        """Do what is due; answers how much that was."""
        now, real = self._clock(), self._real()
        ready: list[Entry] = []
        early: list[tuple[datetime, int, Entry]] = []
        while self._due and self._due[0][0] <= now:
            due, number, entry = heapq.heappop(self._due)
            if entry.action is not None and entry.not_before > real:
                early.append((due, number, entry))  # looked at again at the next step
            else:
                ready.append(entry)
        for each in early:
            heapq.heappush(self._due, each)
        while self._late and self._late[0][0] <= real:
            ready.append(heapq.heappop(self._late)[2])
        done = 0
        for entry in ready:
            action, entry.action = entry.action, None
            if action is not None:
                done += 1
                try:
                    action()
                except Exception:  # noqa: BLE001 - one device must not stop the others
                    _log.exception("a device's action failed")
        return done

    async def run(self) -> None:
        """Keep to the table until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(_TICK_S)

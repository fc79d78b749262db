"""Walks an index chunk by chunk until a page is full or the time is up.

Called by `store.fleet` for every list. Filters that no index serves together cannot be answered in
bounded time by one statement; so a page reads a chunk in index order, keeps what the other filters
let through, and goes on while its budget lasts. When it runs out, the page says so and its cursor
goes on where the walk stopped: a filter that matches nothing in a million devices answers in time,
and a client that follows the cursor still sees everything once.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fairlead.engine.ports.fleet import Place

FIRST: Final = 512
LARGEST: Final = 4_096
_GROWTH: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What one statement read."""

    scanned: int
    last: Place | None  # the last row read, wanted or not
    found: Sequence[Place]  # the wanted ones, in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A page of places."""

    found: Sequence[Place]
    next: Place | None
    complete: bool


Step = Callable[[Place, int, int], Awaitable[Chunk]]  # (after, rows to read, rows wanted)


class Budget:
    """How long a page may take. The first chunk is always read, so every page makes progress."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._began = time.monotonic()

    def start(self) -> None:
        """A chunk begins."""
        self._began = time.monotonic()

    def allows(self, growth: float) -> bool:
        """Whether a chunk that many times as large as the last one would still end in time."""
        now = time.monotonic()
        return now + (now - self._began) * growth <= self._ends


async def walk(step: Step, after: Place, *, limit: int, budget: Budget, filtered: bool) -> Walked:
    """A page of at most `limit`. `filtered`: whether a chunk may hold rows that are not wanted."""
    size = max(FIRST, limit + 1) if filtered else limit + 1
    found: list[Place] = []
    while True:
        budget.start()
        chunk = await step(after, size, limit + 1 - len(found))
        found.extend(chunk.found)
        if len(found) > limit:
            return Walked(found=found[:limit], next=found[limit - 1], complete=True)
        if chunk.scanned < size or chunk.last is None:
            return Walked(found=found, next=None, complete=True)
        after = chunk.last
        larger = min(LARGEST, size * _GROWTH) if size < LARGEST else size
        if not budget.allows(larger / size):
            return Walked(found=found, next=after, complete=False)
        size = larger

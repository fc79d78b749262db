"""The world's clock: follows the server's, which says at `/v1/clock` what time it is and how fast it runs.

Between two readings it goes on at the pace it heard last. It is set back when the server turned out
slower: the server's clock is the one that counts.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_LOOK_S: Final = 0.4


class HouseClock:
    """`clock()` is the instant in the house; `follow` keeps it right."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._at = datetime.fromtimestamp(0, UTC)
        self._heard = monotonic()
        self.rate = 1.0
        self.wanted = 1.0

    def __call__(self) -> datetime:
        """The instant it is."""
        return self._at + timedelta(seconds=(self._monotonic() - self._heard) * self.rate)

    def hear(self, reading: dict[str, Any]) -> None:
        """Take over what the server said."""
        self._heard = self._monotonic()
        self._at = datetime.fromisoformat(str(reading["now"]))
        self.rate, self.wanted = float(reading["rate"]), float(reading["wanted"])

    async def follow(self, read: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        """Ask again and again until cancelled; while the server does not answer, go on as before."""
        while True:
            with contextlib.suppress(OSError, RuntimeError, TimeoutError):
                self.hear(await read())
            await asyncio.sleep(_LOOK_S)

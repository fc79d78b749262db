"""A fake's own rate limit, in real time, with what it saw: the proof that a client kept its budget."""

from collections.abc import Callable


class Throttle:
    """`burst` requests at once, `per_second` after that."""

    def __init__(self, *, per_second: float, burst: int, monotonic: Callable[[], float]) -> None:
        self.per_second = per_second
        self.burst = burst
        self.turned_away = 0
        self._monotonic = monotonic
        self._tokens = float(burst)
        self._at = monotonic()

    def wait(self) -> float:
        """Zero and one token less, or the seconds until there is one."""
        now = self._monotonic()
        self._tokens = min(float(self.burst), self._tokens + (now - self._at) * self.per_second)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        self.turned_away += 1
        return (1 - self._tokens) / self.per_second

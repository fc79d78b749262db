"""What goes wrong, when, and for whom: told to the world by tests and the demo, never by HTTP.

Whether a fault hits is drawn from the seed, the fault, the SIM and how often that SIM met it, so a
run is the same again whatever order tasks happen to take.
"""

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

Kind = Literal[
    "outage",  # radio: no session in that country, those that are open drop
    "roaming_barred",  # radio: the visited networks turn this carrier's cards away
    "api_down",  # 503, nothing is applied
    "refuse",  # the verb is answered with `status` and `code`, nothing is applied
    "server_error",  # 500, after the change was applied when `applied`
    "slow",  # the answer takes `delay_s` of real time
    "lose_reply",  # the change is applied, then the connection drops without an answer
    "storm",  # 429 with `retry_after_s`, whatever the budget
    "stale",  # reads show a SIM's standing of `age_s` of fleet time ago
    "lose_callback",  # a callback is never sent
    "duplicate_callback",  # a callback is sent twice
    "late_callback",  # a callback is sent after all others that are due
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, at one carrier, wherever and on whatever it is narrowed to."""

    kind: Kind
    carrier: str
    country: str | None = None  # where the SIM's device is; None: everywhere
    verb: str | None = None  # activate, suspend …; None: every request
    share: float = 1.0  # of the requests it could hit
    at_most: int | None = None  # hits in all
    status: int = 400
    code: str = "SIMX0400"
    message: str = "The request cannot be carried out for this SIM."
    applied: bool = False
    delay_s: float = 0.0
    age_s: float = 0.0
    retry_after_s: int | None = 1  # None: the header is left out


class Faults:
    """The faults in force."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._numbered: dict[int, Fault] = {}
        self._met: Counter[tuple[int, str]] = Counter()
        self._next = 0
        self.hits: Counter[int] = Counter()  # by handle

    def inject(self, fault: Fault) -> int:
        """Put a fault into force; the handle takes it out again."""
        self._next += 1
        self._numbered[self._next] = fault
        return self._next

    def clear(self, handle: int | None = None) -> None:
        """Take one fault, or all, out of force."""
        if handle is None:
            self._numbered.clear()
        else:
            self._numbered.pop(handle, None)

    def in_force(self, kind: Kind, carrier: str) -> list[Fault]:
        """The faults of a kind at a carrier, without drawing."""
        return [fault for fault in self._numbered.values() if (fault.kind, fault.carrier) == (kind, carrier)]

    def meets(self, kind: Kind, carrier: str, *, key: str, country: str | None, verb: str = "") -> Fault | None:
        """The first fault of that kind that hits this request of the SIM `key`."""
        for handle, fault in self._numbered.items():
            if (fault.kind, fault.carrier) != (kind, carrier):
                continue
            if fault.country not in {None, country} or fault.verb not in {None, verb}:
                continue
            if fault.at_most is not None and self.hits[handle] >= fault.at_most:
                continue
            if self._drawn(handle, fault, key):
                self.hits[handle] += 1
                return fault
        return None

    def _drawn(self, handle: int, fault: Fault, key: str) -> bool:
        if fault.share >= 1:
            return True
        self._met[handle, key] += 1
        text = f"{self._seed}|{handle}|{key}|{self._met[handle, key]}"
        return int.from_bytes(sha256(text.encode()).digest()[:8]) < fault.share * 2**64

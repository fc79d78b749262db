"""How long to leave a carrier in peace that was too busy or too far. Pure; called by `carrierwork`.

Carriers judge by their own clocks, so all of this is real seconds; the caller turns it into house
time with the rate of the house's clock. What the carrier names itself is obeyed to the letter.
Otherwise the wait doubles with each time, up to a minute, and half of it is left to chance, so that
what was put off together does not come back together. An operation that has a deadline is tried
before it: never later than half of what is left.
"""

from datetime import datetime, timedelta
from typing import Final

FIRST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(minutes=1)
ACCOUNT_PAUSE: Final = timedelta(seconds=2)  # of a whole account whose carrier does not say how long
_DOUBLINGS: Final = 10  # more than enough to reach the longest


def wait(put_off: int, chance: float) -> timedelta:
    """The wait after it was put off `put_off` times before; `chance` is from 0 to 1."""
    whole = min(LONGEST, FIRST * 2 ** min(put_off, _DOUBLINGS))
    return whole / 2 + whole / 2 * chance


def again_at(
    now: datetime, deadline: datetime, *, asked: timedelta | None, put_off: int, chance: float, rate: float
) -> datetime:
    """When an operation is due again, in house time; `asked` is what the carrier said, real time."""
    if asked is not None:
        return now + (asked + FIRST * chance) * rate
    left = max(timedelta(0), deadline - now) / 2
    return now + max(FIRST * rate, min(wait(put_off, chance) * rate, left))

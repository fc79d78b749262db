"""A usage rule judged for one line: crossed or within, or why neither can be said. Pure.

The data of a carrier is as old as it is, and a rule is judged as of that data, never as of now: what is older
than the rule allows decides nothing. `store/sql/usage_rules.sql` is the same for all lines at once, and a
property test holds the two equal.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal as Only

from fairlead.model.resources import Above, Growth, Silent, UsageRule, UsageTest
from fairlead.model.usage import DAY, WINDOWS, allowed_age, cannot
from fairlead.policy.evaluate import holds

Word = Only["crossed", "within", "unknown", "stale", "gap", "cannot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is known of a line, up to `through`."""

    through: datetime | None  # None: nothing is known
    covered_from: datetime | None  # without a gap from here
    lag: timedelta
    used: int  # bytes within the window
    before: int  # bytes within the days that growth is measured against
    silent_since: datetime | None  # the last byte, or since when it is known that there was none


def judge(rule: UsageRule, reading: Reading, now: datetime) -> tuple[Word, int]:
    """What is to be said of a line, and the value it was judged by: bytes, or whole days of silence."""
    through = reading.through
    if through is None:
        return "unknown", 0
    if cannot(rule, reading.lag):
        return "cannot", 0
    if through < now - allowed_age(rule, reading.lag):
        return "stale", 0
    match rule.measure:
        case Above(window=window, bytes=limit):
            if window == "month" and through < _month(now):
                return "stale", 0
            begins = _month(through) if window == "month" else through - WINDOWS[window] * DAY
            return _word(reading, begins, crossed=reading.used > limit, surely=True), reading.used
        case Growth(window=window, times=times, against_days=days, bytes=floor):
            span = WINDOWS[window]
            begins = through - (span + days) * DAY
            grown = reading.used * 1_000 * days > times * reading.before * span and reading.used > floor
            return _word(reading, begins, crossed=grown, surely=False), reading.used
        case Silent(days=days):
            if reading.silent_since is None:
                return "gap", 0
            silent = max(0, (through - reading.silent_since) // DAY)
            return ("crossed" if silent >= days else "within"), silent


def tried(rule: UsageRule, test: UsageTest, now: datetime) -> str:
    """What comes of a test beside the rule."""
    if not holds(rule.match.expr, test.given, now):
        return "no-match"
    through = now - test.age
    reading = Reading(
        through=through, covered_from=datetime.min.replace(tzinfo=now.tzinfo), lag=test.lag, used=test.used,
        before=test.before, silent_since=through - test.silent,
    )  # fmt: skip
    if isinstance(rule.measure, Above) and rule.measure.window == "month":
        reading = _in_month(reading, now)
    return judge(rule, reading, now)[0]


def _in_month(reading: Reading, now: datetime) -> Reading:
    """A test says nothing of the day it runs on: its data is of this month."""
    assert reading.through is not None  # noqa: S101 - made above
    if now - reading.through > DAY or reading.through >= _month(now):
        return reading
    return Reading(
        through=_month(now), covered_from=reading.covered_from, lag=reading.lag, used=reading.used,
        before=reading.before, silent_since=reading.silent_since,
    )  # fmt: skip


def _word(reading: Reading, begins: datetime, *, crossed: bool, surely: bool) -> Word:
    """`surely`: what is missing of the window could only add."""
    whole = reading.covered_from is not None and reading.covered_from <= begins
    if crossed and (surely or whole):
        return "crossed"
    return "within" if whole else "gap"


def _month(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

"""The arithmetic of roaming clocks: runs of present days, and the day on which a count trips.

Called by `insight.roaming`; `store/sql/clock.sql` does the same sums over a fleet, and a property
test holds the two together. Days are integers (`date.toordinal`), presence is a sorted list of
disjoint runs, and the assumption that presence continues is one more run that starts today and
does not end. So a breach in the past and one in the future come out of the same sum.

Why runs and not days: a device has a handful of runs but hundreds of days, and a fleet a million
devices. For the rolling window, `trip` present days fit into a window of `window` days exactly when
the absent days between the first and the last of them number at most `window - trip`. So a run
may reach back to the earliest run from which the gaps up to it add up to no more than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise
from typing import assert_never

from fairlead.model.rules import (
    CALENDAR_YEAR,
    WINDOW,
    ConsecutiveDays,
    Counter,
    DaysInWindow,
    DaysInYear,
    Event,
    LeavesCountry,
    MonthsInWindow,
    Reset,
    SinceEvent,
)

HORIZON_DAYS = 4000  # how far presence is assumed to continue; a later breach is no breach
_YEAR_DAYS = 365

Run = tuple[int, int]
"""First and last present day, both included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The days of one subject as they are counted: observed up to `observed`, assumed from `today` on."""

    runs: tuple[Run, ...]  # sorted, disjoint, not touching; the assumed days included
    today: int
    observed: int  # the last day that counts as observed: today, or yesterday when today has no presence yet

    @property
    def seen(self) -> int | None:
        """The last day with observed presence."""
        days = [min(e, self.observed) for s, e in self.runs if s <= self.observed]
        return max(days, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one counter says of a stay."""

    used: int  # days, or months for a months counter, that count today
    started: int | None  # the first day that counts
    trip: int | None  # the day on which the count breaks the rule; None: not within the horizon


def merged(runs: Sequence[Run], *, gap: int = 0) -> list[Run]:
    """Runs sorted and joined where at most `gap` absent days lie between them."""
    out: list[Run] = []
    for start, end in sorted(runs):
        if out and start - out[-1][1] - 1 <= gap:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out


def stay(observed: Sequence[Run], today: int, *, continues: Sequence[Run] | None = None) -> Stay:
    """A stay from observed runs (all up to today) and an assumption: by default presence on every day from today."""
    assumed = [(today, today + HORIZON_DAYS)] if continues is None else list(continues)
    last = max((e for _, e in observed), default=today - 1)
    return Stay(
        runs=tuple(merged([*observed, *assumed])),
        today=today,
        observed=today if last >= today else today - 1,
    )


def after_reset(value: Stay, reset: Reset) -> Stay:
    """The part of a stay that counts since the subject last left the country for long enough."""
    if not isinstance(reset, LeavesCountry):
        return value
    gaps = ((a[1], b[0]) for a, b in pairwise(value.runs) if a[1] < value.today)  # what has happened, not what may
    anew = max((back for left, back in gaps if back - left - 1 >= reset.days), default=None)
    if anew is None:
        return value
    return Stay(runs=tuple(r for r in value.runs if r[0] >= anew), today=value.today, observed=value.observed)


def count(counter: Counter, value: Stay, reset: Reset) -> Count:
    """Read one counter; `value` has been through `after_reset`."""
    match counter:
        case ConsecutiveDays():
            return _consecutive(counter, value, yearly=reset == CALENDAR_YEAR)
        case DaysInWindow():
            floor = value.today - counter.window + 1
            return Count(
                used=_days(value, floor),
                started=_first(value, floor),
                trip=_rolling(value.runs, counter, standing_at=value.today if reset == WINDOW else None),
            )
        case DaysInYear():
            return _in_year(counter, value)
        case MonthsInWindow():
            return _months(counter, value, standing=reset == WINDOW)
        case SinceEvent():
            first = value.runs[-1][0] if counter.event is Event.ARRIVAL else value.runs[0][0]
            begun = value.seen is not None and value.seen >= first
            return Count(
                used=value.today - first + 1 if begun else 0,
                started=first if begun else None,
                trip=first + counter.trip - 1,
            )
        case _:
            assert_never(counter)


def _consecutive(counter: ConsecutiveDays, value: Stay, *, yearly: bool) -> Count:
    jan1 = date(date.fromordinal(value.today).year, 1, 1).toordinal()
    trips: list[int] = []
    start = value.today
    for s, e in merged(value.runs, gap=counter.max_gap):
        # A block that lasts to the end of its year is over: the stay counts anew from 1 January.
        start = jan1 if yearly and s + counter.trip - 1 < jan1 else s
        if start + counter.trip - 1 <= e:
            trips.append(start + counter.trip - 1)
    begun = value.seen is not None and value.seen >= start
    return Count(
        used=value.seen - start + 1 if value.seen is not None and begun else 0,
        started=start if begun else None,
        trip=min(trips, default=None),
    )


def _rolling(runs: Sequence[Run], counter: DaysInWindow | MonthsInWindow, *, standing_at: int | None) -> int | None:
    """The first day (or month) whose window holds `trip` present ones.

    With `standing_at`, a past breach counts only while it stands: the count has been at `trip` or
    above ever since. It falls in absences only, so it has fallen before a run exactly when the runs
    within reach before that run hold fewer than `trip` days.
    """
    slack = counter.window - counter.trip
    before = [0, *accumulate(e - s + 1 for s, e in runs)]
    oldest = 0
    found: int | None = None
    for i, (s, e) in enumerate(runs):
        while (s - before[i]) - (runs[oldest][0] - before[oldest]) > slack:
            oldest += 1
        reached = before[i] - before[oldest]
        day = s + max(counter.trip - reached, 1) - 1
        if standing_at is not None and s <= standing_at and reached < counter.trip:
            found = None
        if found is None and day <= e:
            found = day
    return found


def _in_year(counter: DaysInYear, value: Stay) -> Count:
    year = date.fromordinal(value.today).year
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    trip = None
    for begin, end in ((first, last), (last + 1, last + _YEAR_DAYS)):
        total = 0
        for s, e in _from(value.runs, begin):
            day = s + counter.trip - total - 1
            if trip is None and day <= min(e, end):
                trip = day
            total += max(0, min(e, end) - s + 1)
    return Count(used=_days(value, first), started=_first(value, first), trip=trip)


def _months(counter: MonthsInWindow, value: Stay, *, standing: bool) -> Count:
    floor = _month_start(_month(value.today) - counter.window + 1)
    month = _rolling(_month_runs(value.runs), counter, standing_at=_month(value.today) if standing else None)
    trip = None
    if month is not None:
        trip = next(max(s, _month_start(month)) for s, e in value.runs if e >= _month_start(month))
    observed = [(s, min(e, value.observed)) for s, e in _from(value.runs, floor) if s <= value.observed]
    return Count(used=sum(e - s + 1 for s, e in _month_runs(observed)), started=_first(value, floor), trip=trip)


def _month_runs(runs: Sequence[Run]) -> list[Run]:
    return merged([(_month(s), _month(e)) for s, e in runs])


def _month(day: int) -> int:
    value = date.fromordinal(day)
    return value.year * 12 + value.month - 1


def _month_start(month: int) -> int:
    return date(month // 12, month % 12 + 1, 1).toordinal()


def _from(runs: Sequence[Run], floor: int) -> list[Run]:
    return [(max(s, floor), e) for s, e in runs if e >= floor]


def _days(value: Stay, floor: int) -> int:
    return sum(max(0, min(e, value.observed) - s + 1) for s, e in _from(value.runs, floor))


def _first(value: Stay, floor: int) -> int | None:
    return min((s for s, _ in _from(value.runs, floor) if s <= value.observed), default=None)

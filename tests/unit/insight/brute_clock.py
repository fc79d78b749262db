"""The roaming counters said again, day by day and without cleverness: what the arithmetic must equal."""

from datetime import date

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

AHEAD = 780


def days_of(runs):
    return {d for s, e in runs for d in range(s, e + 1)}


def counted(days: set[int], today: int, reset: Reset, counter: Counter) -> set[int]:
    """Observed days that a reset has not forgotten (a calendar year and a window forget breaches, not days)."""
    if isinstance(reset, LeavesCountry):
        kept: set[int] = set()
        for day in range(min(days | {today}), today + 1):
            absent = day - max(kept, default=day) - 1
            if day in days or day == today:
                if absent >= reset.days:
                    kept.clear()
                if day in days:
                    kept.add(day)
        return kept
    return days


def month(day: int) -> int:
    value = date.fromordinal(day)
    return value.year * 12 + value.month


def year(day: int) -> int:
    return date.fromordinal(day).year


def streak_start(days: set[int], day: int, gap: int) -> int:
    """The first day of the stay that `day` belongs to."""
    start = day
    while earlier := [d for d in range(start - gap - 1, start) if d in days]:
        start = min(earlier)
    return start


def trip_day(counter: Counter, observed: set[int], today: int, reset: Reset) -> int | None:
    """The first day on which the rule is broken, if presence continues on each day from today."""
    days = counted(observed, today, reset, counter) | set(range(today, today + AHEAD))
    walked = sorted(days)
    match counter:
        case ConsecutiveDays():
            return _consecutive(counter, days, today, reset)
        case DaysInWindow():

            def holds(day: int) -> bool:
                return sum(e in days for e in range(day - counter.window + 1, day + 1)) >= counter.trip

            if reset != WINDOW or not holds(today):
                return next((d for d in walked if (reset != WINDOW or d > today) and holds(d)), None)
            start = today
            while holds(start - 1):
                start -= 1
            return start
        case DaysInYear():
            tally: dict[int, int] = {}
            for day in (d for d in walked if year(d) >= year(today)):
                tally[year(day)] = tally.get(year(day), 0) + 1
                if tally[year(day)] == counter.trip:
                    return day
            return None
        case MonthsInWindow():
            seen = {month(d) for d in days}
            held = [
                m
                for m in range(min(seen), max(seen) + 1)
                if len(seen & set(range(m - counter.window + 1, m + 1))) >= counter.trip
            ]
            first = next((m for m in held if reset != WINDOW or m >= month(today)), None)
            while reset == WINDOW and first is not None and first <= month(today) and first - 1 in held:
                first -= 1
            return None if first is None else next(d for d in walked if month(d) == first)
        case SinceEvent():
            start = streak_start(days, today, 0) if counter.event is Event.ARRIVAL else min(days)
            return start + counter.trip - 1


def _consecutive(counter: ConsecutiveDays, days: set[int], today: int, reset: Reset) -> int | None:
    new_year = date(year(today), 1, 1).toordinal()
    starts: list[int] = []
    last = None
    for day in sorted(days):
        if last is None or day - last - 1 > counter.max_gap:
            starts.append(day)
        last = day
        start = starts[-1]
        if reset == CALENDAR_YEAR and start + counter.trip - 1 < new_year:
            start = new_year
        if day - start + 1 >= counter.trip:
            return start + counter.trip - 1  # days that a short absence bridges count, and may be the one that trips
    return None

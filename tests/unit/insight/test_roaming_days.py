"""The run arithmetic against a day-by-day walk, and the closed form of the rolling window."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.insight.brute_clock import counted, days_of, month, streak_start, trip_day, year

from fairlead.insight.roaming_days import after_reset, count, merged, stay
from fairlead.model.rules import (
    CALENDAR_YEAR,
    NEVER,
    WINDOW,
    ConsecutiveDays,
    DaysInWindow,
    DaysInYear,
    Event,
    LeavesCountry,
    MonthsInWindow,
    SinceEvent,
)

TODAY = date(2026, 11, 20).toordinal()

windows = st.integers(1, 40).flatmap(lambda w: st.integers(1, w).map(lambda n: DaysInWindow(trip=n, window=w)))
months = st.integers(1, 8).flatmap(lambda w: st.integers(1, w).map(lambda n: MonthsInWindow(trip=n, window=w)))
counters = st.one_of(
    windows,
    months,
    st.builds(ConsecutiveDays, trip=st.integers(1, 60), max_gap=st.integers(0, 8)),
    st.builds(DaysInYear, trip=st.integers(1, 365)),
    st.builds(SinceEvent, trip=st.integers(1, 200), event=st.sampled_from([Event.FIRST_USE, Event.ARRIVAL])),
)
resets = st.one_of(st.sampled_from([NEVER, CALENDAR_YEAR, WINDOW]), st.builds(LeavesCountry, days=st.integers(1, 30)))


@st.composite
def histories(draw, back=420):
    """Runs of presence up to today, by turns of present and absent days."""
    turns = draw(st.lists(st.integers(1, 45), min_size=1, max_size=12))
    today = draw(st.integers(TODAY, TODAY + 366))
    day, runs, present = today - draw(st.integers(0, 25)), [], True
    for turn in turns:
        if present:
            runs.append((max(day - turn + 1, today - back), day))
        day -= turn
        present = not present
        if day < today - back:
            break
    return today, merged(runs)


@settings(max_examples=150, deadline=None)
@given(histories(), counters, resets)
def test_the_trip_is_the_first_day_on_which_a_walk_finds_it(history, counter, reset):
    today, runs = history
    read = count(counter, after_reset(stay(runs, today), reset), reset)
    assert read.trip == trip_day(counter, days_of(runs), today, reset)


@settings(max_examples=120, deadline=None)
@given(histories(), counters, resets)
def test_used_and_started_are_what_was_observed(history, counter, reset):
    today, runs = history
    days = counted(days_of(runs), today, reset, NEVER)
    read = count(counter, after_reset(stay(runs, today), reset), reset)
    match counter:
        case DaysInWindow():
            mine = {d for d in days if d > today - counter.window}
            used = len(mine)
        case MonthsInWindow():
            mine = {d for d in days if month(d) > month(today) - counter.window}
            used = len({month(d) for d in mine})
        case DaysInYear():
            mine = {d for d in days if year(d) == year(today)}
            used = len(mine)
        case ConsecutiveDays():
            start = streak_start(days | {today}, today, counter.max_gap)
            new_year = date(year(today), 1, 1).toordinal()
            if reset == CALENDAR_YEAR and start + counter.trip - 1 < new_year:
                start = new_year
            mine = {d for d in days if d >= start}
            used = max(mine) - start + 1 if mine else 0
            mine = {start} if mine else mine
        case SinceEvent():
            start = min(days | {today}) if counter.event is Event.FIRST_USE else streak_start(days | {today}, today, 0)
            mine = {d for d in days if d >= start}
            used = today - start + 1 if mine else 0
    assert (read.used, read.started) == (used, min(mine, default=None))


@settings(max_examples=120, deadline=None)
@given(histories(), windows)
def test_closed_form_of_a_rolling_window(history, counter):
    """With A = W - N, the breach comes W days after the (A+1)-th most recent absent day."""
    today, runs = history
    days = days_of(runs) | {today}
    allowed = counter.window - counter.trip
    q = today
    for _ in range(allowed + 1):
        q -= 1
        while q in days:
            q -= 1
    read = count(counter, stay(runs, today), WINDOW)
    if q + counter.window > today:
        assert read.trip == q + counter.window
    else:
        assert read.trip is not None
        assert read.trip <= today


def test_runs_join_where_they_touch_or_nearly():
    assert merged([(5, 6), (1, 3), (4, 4), (9, 9)]) == [(1, 6), (9, 9)]
    assert merged([(1, 3), (6, 8)], gap=2) == [(1, 8)]
    assert merged([(1, 3), (6, 8)], gap=1) == [(1, 3), (6, 8)]


@pytest.mark.parametrize(
    ("days", "kept"), [(5, ((TODAY - 3, TODAY + 4000),)), (6, ((TODAY - 20, TODAY - 9), (TODAY - 3, TODAY + 4000)))]
)
def test_a_long_absence_starts_the_count_anew(days, kept):
    value = stay([(TODAY - 20, TODAY - 9), (TODAY - 3, TODAY)], TODAY)
    assert after_reset(value, LeavesCountry(days=days)).runs == kept

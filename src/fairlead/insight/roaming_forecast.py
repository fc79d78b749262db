"""What the clocks of a fleet say ahead, and how far such a forecast has been from the truth.

A forecast rests on an assumption, so its error is measured on history that was held out: the
clock is read as of a past day with nothing later in sight, and compared with what came.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from statistics import fmean, median

from fairlead.insight.roaming import Assumption, ClockReading, Presence, read_clock
from fairlead.model.rules import Rule

_DAY = timedelta(days=1)


class Outcome(StrEnum):
    """How a forecast and what happened compare."""

    HIT = "hit"  # a breach was forecast, and one came: the error says how far apart
    MISSED = "missed"  # a breach came that was not forecast
    FALSE_ALARM = "false alarm"  # a breach was forecast to come by then, and none came
    QUIET = "quiet"  # none forecast by then, none came


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """One forecast made at `cut`, judged by what was known at `until`."""

    rule: str
    device: str
    assumption: Assumption
    cut: datetime
    until: datetime
    forecast_at: datetime | None
    actual_at: datetime | None
    outcome: Outcome
    error_days: float | None  # forecast minus actual; positive: the breach came earlier than forecast


def backtest(
    rule: Rule,
    presences: Sequence[Presence],
    *,
    cut: datetime,
    until: datetime,
    device: str | None = None,
    population: int | None = None,
    assumption: Assumption = Assumption.CONTINUES,
) -> Backtest | None:
    """Judge the forecast of one device; None where the rule was already broken, or did not run, at `cut`.

    What had not yet been seen at `cut` is not used: runs are clipped there.
    """
    then = read_clock(rule, presences, now=cut, device=device, population=population, assumption=assumption)
    if then.breached or then.key is None:
        return None
    later = read_clock(rule, presences, now=until, device=then.device, population=population)
    actual = later.breach_at if later.breached else None
    expected = then.breach_at if then.breach_at is not None and then.breach_at <= until else None
    if actual is None:
        outcome = Outcome.QUIET if expected is None else Outcome.FALSE_ALARM
    else:
        outcome = Outcome.MISSED if then.breach_at is None else Outcome.HIT
    hit = outcome is Outcome.HIT and then.breach_at is not None and actual is not None
    return Backtest(
        rule=rule.id,
        device=then.device,
        assumption=assumption,
        cut=cut,
        until=until,
        forecast_at=then.breach_at,
        actual_at=actual,
        outcome=outcome,
        error_days=(then.breach_at - actual) / _DAY
        if hit and then.breach_at is not None and actual is not None
        else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastError:
    """The error of many forecasts under one assumption."""

    assumption: Assumption
    forecasts: int
    hits: int
    missed: int
    false_alarms: int
    mean_absolute_days: float | None  # over the hits; None without any
    median_days: float | None


def forecast_error(tests: Iterable[Backtest]) -> tuple[ForecastError, ...]:
    """The error by assumption, in the order of `Assumption`."""
    found = list(tests)
    out: list[ForecastError] = []
    for assumption in Assumption:
        mine = [t for t in found if t.assumption is assumption]
        if not mine:
            continue
        errors = [t.error_days for t in mine if t.error_days is not None]
        outcomes = Tally(t.outcome for t in mine)
        out.append(
            ForecastError(
                assumption=assumption,
                forecasts=len(mine),
                hits=outcomes[Outcome.HIT],
                missed=outcomes[Outcome.MISSED],
                false_alarms=outcomes[Outcome.FALSE_ALARM],
                mean_absolute_days=fmean(map(abs, errors)) if errors else None,
                median_days=median(errors) if errors else None,
            )
        )
    return tuple(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekCount:
    """How many devices reach a breach in one week in one country."""

    week: date | None  # the Monday (UTC) of the week; None: already broken
    country: str
    devices: int


def forecast_weeks(readings: Iterable[ClockReading], now: datetime, *, weeks: int = 26) -> tuple[WeekCount, ...]:
    """Breaches by week and jurisdiction, for display; sorted, past ones first under no week.

    Each device counts once a jurisdiction, with its earliest breach, so a second rule adds nothing.
    """
    first: dict[tuple[str, str], datetime] = {}
    for reading in readings:
        if reading.breach_at is None:
            continue
        key = (reading.device, reading.rule.jurisdiction)
        first[key] = min(reading.breach_at, first.get(key, reading.breach_at))
    end = now + weeks * 7 * _DAY
    tally = Tally((None if at <= now else _monday(at), country) for (_, country), at in first.items() if at <= end)
    return tuple(
        WeekCount(week=week, country=country, devices=n)
        for (week, country), n in sorted(tally.items(), key=lambda item: (item[0][0] or date.min, item[0][1]))
    )


def _monday(at: datetime) -> date:
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())

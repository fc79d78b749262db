"""Forecasts are judged on history that was held out."""

from datetime import date

from tests.unit.insight.golden_clocks import NOW, at, seen

from fairlead.insight.roaming import Assumption, read_clock
from fairlead.insight.roaming_forecast import Outcome, WeekCount, backtest, forecast_error, forecast_weeks
from fairlead.reference import load

TURKEY = load().rule("tr-permanent-roaming-data")
SAUDI = load().rule("sa-permanent-roaming")
assert TURKEY is not None
assert SAUDI is not None
CUT = at("2026-06-01T09:00")


def test_a_stay_that_went_on_is_hit_to_the_day():
    steady = [seen("TR", "2026-05-01T12:00", "2026-11-20T08:00")]
    result = backtest(TURKEY, steady, cut=CUT, until=NOW)
    assert result is not None
    assert (result.outcome, result.error_days) == (Outcome.HIT, 0)
    assert result.forecast_at == at("2026-07-29T21:00")


def test_a_stay_that_was_interrupted_came_later_than_forecast():
    interrupted = [
        seen("TR", "2026-05-01T12:00", "2026-06-10T12:00"),
        seen("TR", "2026-06-21T12:00", "2026-11-20T08:00"),
    ]
    result = backtest(TURKEY, interrupted, cut=CUT, until=NOW)
    assert result is not None
    assert (result.outcome, result.error_days) == (Outcome.HIT, -10)


def test_a_device_that_left_was_a_false_alarm():
    left = [seen("TR", "2026-05-01T12:00", "2026-06-10T12:00"), seen("DE", "2026-06-11T12:00", "2026-11-20T08:00")]
    result = backtest(TURKEY, left, cut=CUT, until=NOW)
    assert result is not None
    assert (result.outcome, result.error_days) == (Outcome.FALSE_ALARM, None)


def test_what_the_scenario_did_not_see_coming_is_missed():
    rarely = [seen("TR", f"2026-05-{d:02d}T12:00", f"2026-05-{d:02d}T13:00") for d in (2, 12, 22, 31)]
    stayed = [*rarely, seen("TR", "2026-06-02T12:00", "2026-11-20T08:00")]
    result = backtest(TURKEY, stayed, cut=CUT, until=NOW, assumption=Assumption.LAST_30_DAYS)
    assert result is not None
    assert result.outcome is Outcome.MISSED


def test_what_was_broken_before_is_no_forecast():
    assert backtest(SAUDI, [seen("SA", "2026-01-01T12:00", "2026-11-20T08:00")], cut=CUT, until=NOW) is None
    assert backtest(SAUDI, [seen("TR", "2026-01-01T12:00", "2026-11-20T08:00")], cut=CUT, until=NOW) is None


def test_the_error_is_reported_by_assumption():
    steady = [seen("TR", "2026-05-01T12:00", "2026-11-20T08:00")]
    interrupted = [
        seen("TR", "2026-05-01T12:00", "2026-06-10T12:00"),
        seen("TR", "2026-06-21T12:00", "2026-11-20T08:00"),
    ]
    tests = [backtest(TURKEY, h, cut=CUT, until=NOW, assumption=a) for h in (steady, interrupted) for a in Assumption]
    errors = forecast_error(t for t in tests if t)
    assert [e.assumption for e in errors] == list(Assumption)
    assert (errors[0].forecasts, errors[0].hits, errors[0].mean_absolute_days, errors[0].median_days) == (2, 2, 5, -5)


def test_breaches_by_week_and_country():
    def reading(device, rule, presence):
        return read_clock(rule, [presence], now=NOW, device=device)

    readings = [
        reading("a", SAUDI, seen("SA", "2026-08-01T12:00", "2026-11-20T08:00", device="a")),  # Sunday 29 November
        reading("b", SAUDI, seen("SA", "2026-07-28T12:00", "2026-11-20T08:00", device="b")),  # Wednesday 25 November
        reading("c", SAUDI, seen("SA", "2026-01-01T12:00", "2026-11-20T08:00", device="c")),  # broken
        reading("d", TURKEY, seen("TR", "2026-11-19T12:00", "2026-11-20T08:00", device="d")),
        reading("e", SAUDI, seen("DE", "2026-11-19T12:00", "2026-11-20T08:00", device="e")),
    ]
    assert forecast_weeks(readings, NOW, weeks=4) == (
        WeekCount(week=None, country="SA", devices=1),
        WeekCount(week=date(2026, 11, 23), country="SA", devices=2),
    )
    assert WeekCount(week=date(2027, 2, 15), country="TR", devices=1) in forecast_weeks(readings, NOW)

"""Usage rules as they are read and as one line is judged: located faults, proved tests, never by stale data."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.resources import Above, Growth, Rate, UsageRule
from fairlead.model.usage import allowed_age, cannot
from fairlead.policy.proof import tried
from fairlead.policy.read import read_resources
from fairlead.policy.usage import Reading, judge

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
HOUR, DAY, MB = timedelta(hours=1), timedelta(days=1), 1_000_000
RULE = """apiVersion: fairlead/v1
kind: UsageRule
metadata: {name: runaway}
spec:
  match: country == "BR"
  above: {window: 24h, bytes: 50MB}
  then: {alert: high, action: suspend, for: 24h}
  max_age: 48h
  reason: broken
  tests:
    - {given: {country: BR}, used: 60MB, age: 3h, lag: 1h, expect: crossed}
    - {given: {country: BR}, used: 50MB, expect: within}
    - {given: {country: BR}, used: 60MB, age: 49h, expect: stale}
    - {given: {country: BR}, used: 60MB, lag: 25h, expect: cannot}
    - {given: {country: DE}, used: 60MB, expect: no-match}
"""


def rule(text: str = RULE) -> UsageRule:
    (found,), faults = read_resources(text, file="a.yaml")
    assert faults == ()
    assert isinstance(found, UsageRule)
    return found


def test_a_rule_says_whom_it_watches_what_it_measures_and_what_follows() -> None:
    found = rule()
    assert found.measure == Above(window="24h", bytes=50 * MB)
    assert (found.then.action, found.then.lasts, found.max_age) == ("suspend", 24 * HOUR, 48 * HOUR)
    assert found.then.ask_above == Rate(count=100, per=DAY)  # nobody suspends the fleet by a rule alone
    assert [outcome for outcome in tried(found, NOW) if not outcome.passed] == []
    text = RULE.replace("above: {window: 24h, bytes: 50MB}", "growth: {window: 7d, times: 1.5, against: 28d}")
    grown = rule(text[: text.index("  tests")])
    assert grown.measure == Growth(window="7d", times=1_500, against_days=28, bytes=0)


BAD = [
    ("50MB", "much", 6, "spec.above.bytes"),
    ("window: 24h", "window: 2h", 6, "spec.above.window"),
    ("action: suspend, for: 24h", "action: suspend", 7, "spec.then.for"),
    ("for: 24h}", "for: 24h, until: next-month}", 7, "spec.then.for"),
    ("action: suspend, for: 24h", "for: 24h", 7, "spec.then.for"),
    ("action: suspend", "action: throttle", 7, "spec.then.rate"),
    ("action: suspend", "action: limit", 7, "spec.then.limit"),
    ("action: suspend", "action: suspend, rate: 64kbit", 7, "spec.then.rate"),
    ("action: suspend", "action: terminate", 7, "spec.then.action"),
    ("alert: high, ", "", 7, "spec.then.alert"),
    ("max_age: 48h", "max_age: soon", 8, "spec.max_age"),
    ("  above: {window: 24h, bytes: 50MB}\n", "", 5, "spec.above"),
    ("  above:", "  silent: {days: 3}\n  above:", 5, "spec.above"),
    ("above: {window: 24h, bytes: 50MB}", "growth: {window: 24h, times: 1, against: 7d}", 6, "spec.growth.times"),
    ("above: {window: 24h, bytes: 50MB}", "growth: {window: month, times: 2, against: 7d}", 6, "spec.growth.window"),
    ("above: {window: 24h, bytes: 50MB}", "silent: {days: 0}", 6, "spec.silent.days"),
    ("country ==", "contry ==", 5, "spec.match"),
]


@pytest.mark.parametrize(("old", "new", "line", "path"), BAD)
def test_a_fault_is_located(old: str, new: str, line: int, path: str) -> None:
    assert old in RULE
    found, faults = read_resources(RULE.replace(old, new, 1), file="a.yaml")
    assert found == ()
    assert (line, path) in [(fault.line, fault.path) for fault in faults]


@given(
    age=st.integers(0, 240),
    lag=st.integers(0, 72),
    limit=st.one_of(st.none(), st.integers(1, 120)),
    used=st.integers(0, 200),
    measure=st.sampled_from(
        [
            "above: {window: 24h, bytes: 50MB}",
            "above: {window: month, bytes: 50MB}",
            "growth: {window: 24h, times: 2, against: 7d}",
            "silent: {days: 2}",
        ]
    ),
)
def test_stale_data_never_decides(age: int, lag: int, limit: int | None, used: int, measure: str) -> None:
    text = RULE[: RULE.index("  tests")].replace("above: {window: 24h, bytes: 50MB}", measure)
    text = text.replace("max_age: 48h", f"max_age: {limit}h" if limit is not None else "observe: false")
    found, lags = rule(text), lag * HOUR
    through = NOW - age * HOUR
    reading = Reading(
        through=through, covered_from=NOW - 90 * DAY, lag=lags, used=used * MB, before=0, silent_since=through - 9 * DAY
    )
    word, _ = judge(found, reading, NOW)
    if age * HOUR > allowed_age(found, lags) or cannot(found, lags):
        assert word in ("stale", "cannot")
    if word == "crossed":
        assert through >= NOW - allowed_age(found, lags)
        assert allowed_age(found, lags) >= lags


def test_what_is_not_known_whole_is_no_silence_and_no_growth() -> None:
    reading = Reading(through=NOW, covered_from=NOW - DAY, lag=HOUR, used=60 * MB, before=0, silent_since=None)
    grown = RULE[: RULE.index("  tests")].replace(
        "above: {window: 24h, bytes: 50MB}", "growth: {window: 24h, times: 2, against: 7d}"
    )
    assert judge(rule(grown), reading, NOW)[0] == "gap"
    assert judge(rule(), reading, NOW)[0] == "crossed"  # what is missing could only add
    silent = RULE[: RULE.index("  tests")].replace("above: {window: 24h, bytes: 50MB}", "silent: {days: 3}")
    assert judge(rule(silent), reading, NOW)[0] == "gap"

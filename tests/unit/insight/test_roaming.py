"""The roaming clock of one device: the golden cases, what is marked, and what binds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.insight.golden_clocks import CASES, DEVICE, NOW, Golden, at, seen

from fairlead.insight.roaming import Assumption, Mark, binding, days_left, read_clock
from fairlead.model.rules import Confidence, Kind, Stance
from fairlead.reference import load


def rule(name):
    found = load().rule(name)
    assert found is not None
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_golden(case: Golden):
    reading = read_clock(rule(case.rule), case.presences, now=case.now, device=DEVICE, population=case.population)
    assert (reading.days_used, reading.breach_at, reading.days_left) == (case.used, case.breach_at, case.left)
    assert reading.breached == (case.breach_at is not None and case.breach_at <= case.now)


def test_belgium_restricts_without_a_known_count_and_is_never_green():
    reading = read_clock(rule("be-permanent-roaming"), [seen("BE", "2026-01-01T00:00", "2026-11-20T00:00")], now=NOW)
    assert reading.rule.stance is Stance.RESTRICTED
    assert (reading.days_used, reading.days_left, reading.breach_at) == (None, None, None)
    assert set(reading.marks) == {Mark.NO_COUNT, Mark.LOW_CONFIDENCE}


def test_unknown_is_marked_as_having_no_count():
    reading = read_clock(rule("sg-permanent-roaming"), [seen("SG", "2026-11-01T00:00", "2026-11-20T00:00")], now=NOW)
    assert Mark.NO_COUNT in reading.marks


def test_the_cooling_off_lifts_after_24_hours():
    arrival = seen("RU", "2026-11-20T06:00", "2026-11-20T08:00")
    assert read_clock(rule("ru-roaming-cooling-off"), [arrival], now=NOW).lifts_at == at("2026-11-21T06:00")


def test_an_unknown_population_counts_as_large_enough_and_says_so():
    months = [seen("AU", f"2026-{m:02d}-10T00:00", f"2026-{m:02d}-11T00:00", plmn="505-01") for m in range(6, 12)]
    reading = read_clock(rule("au-permanent-roaming-telstra"), months, now=NOW)
    assert reading.breached
    assert Mark.POPULATION_UNKNOWN in reading.marks


def test_old_sources_are_marked():
    reading = read_clock(
        rule("tr-permanent-roaming-esim"), [seen("TR", "2026-11-01T00:00", "2026-11-20T00:00", eid="8")], now=NOW
    )
    assert Mark.STALE_RED in reading.marks
    reading = read_clock(
        rule("cn-permanent-roaming"), [seen("CN", "2027-06-01T00:00", "2027-06-01T00:00")], now=at("2027-06-01T09:00")
    )
    assert Mark.STALE_AMBER in reading.marks


def test_a_declared_rule_never_binds_on_its_own():
    reading = read_clock(rule("in-export-test-sim"), [seen("IN", "2026-01-01T00:00", "2026-11-20T00:00")], now=NOW)
    assert (reading.days_used, reading.breach_at) == (324, None)
    assert Mark.NOT_DECLARED in reading.marks


def test_days_on_one_host_network_count_together_on_national_roaming():
    own = {"home": "BR", "imsi": "724050000000001"}
    stays = [
        seen("BR", "2026-08-01T12:00", "2026-09-30T12:00", plmn="724-11", **own),
        seen("BR", "2026-10-01T12:00", "2026-11-20T08:00", plmn="724-06", **own),
        seen("BR", "2026-10-02T12:00", "2026-10-03T08:00", plmn="724-05", **own),
    ]
    reading = read_clock(rule("br-domestic-roaming"), stays, now=NOW)
    assert reading.key == "724050000000001@724-06"
    assert reading.days_used == 51


def test_the_earliest_breach_binds_and_a_report_does_not():
    stay = [seen("TR", "2026-10-01T12:00", "2026-11-20T08:00", eid="89049032000000000000000000000001")]
    readings = [read_clock(r, stay, now=NOW) for r in load().rules_of("TR")]
    bound = binding(readings)
    assert bound is not None
    assert bound.rule.id == "tr-permanent-roaming-data"  # 91 days come before 120
    assert bound.breach_at == at("2026-12-29T21:00")
    vendor = replace(rule("za-permanent-roaming-30"), kind=Kind.REPORT)
    there = [seen("ZA", "2026-01-01T12:00", "2026-11-20T08:00")]
    assert binding([read_clock(vendor, there, now=NOW)]) is None
    said = binding([read_clock(rule("za-permanent-roaming-30"), there, now=NOW)])
    assert said is not None  # low confidence counts, marked
    assert said.rule.confidence is Confidence.LOW
    assert Mark.LOW_CONFIDENCE in said.marks


def test_the_scenario_repeats_the_last_30_days():
    half = [seen("SA", f"2026-11-{d:02d}T12:00", f"2026-11-{d:02d}T13:00") for d in range(1, 21, 2)]
    turkey = [replace(p, country="TR") for p in half]
    data = rule("tr-permanent-roaming-data")
    every = read_clock(data, turkey, now=NOW)
    thinner = read_clock(data, turkey, now=NOW, assumption=Assumption.LAST_30_DAYS)
    assert every.days_used == thinner.days_used == 10
    assert every.breach_at is not None
    assert thinner.breach_at is None  # every second day never makes 91 of 120
    since = read_clock(rule("sa-permanent-roaming"), half, now=NOW, assumption=Assumption.LAST_30_DAYS)
    assert since.breach_at == read_clock(rule("sa-permanent-roaming"), half, now=NOW).breach_at
    weekly = [seen("QA", f"2026-10-{d:02d}T12:00", f"2026-10-{d:02d}T13:00") for d in range(2, 32)] + [
        seen("QA", "2026-11-01T12:00", "2026-11-20T08:00")
    ]
    steady = read_clock(rule("qa-permanent-roaming"), weekly, now=NOW, assumption=Assumption.LAST_30_DAYS)
    assert steady.breach_at == at("2026-12-30T21:00")


@pytest.mark.parametrize(("hours", "left"), [(-1, 0), (0, 0), (1, 1), (24, 1), (25, 2), (720, 30), (721, 31)])
def test_days_left_are_rounded_up(hours, left):
    now = datetime(2026, 11, 20, tzinfo=UTC)
    assert days_left(now + timedelta(hours=hours), now) == left


def test_midnights_that_clocks_skip_or_repeat():
    for first, midnight in [("2026-03-08T12:00", "2026-03-08T05:00"), ("2026-11-01T12:00", "2026-11-01T05:00")]:
        havana = replace(rule("sa-permanent-roaming"), countries=frozenset({"CU"}), zone="America/Havana")
        reading = read_clock(havana, [seen("CU", first, first)], now=NOW)
        assert reading.started_at == at(midnight)

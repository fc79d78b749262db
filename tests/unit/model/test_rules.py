"""Rules as values: strictness, age, force, and what they can count."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fairlead.model.rules import (
    NOTICE,
    Confidence,
    Event,
    Freshness,
    Kind,
    Rule,
    Scope,
    SinceEvent,
    Stance,
    Trend,
    binds,
    law,
    strictest,
)

RULE = Rule(
    id="xx-permanent-roaming",
    jurisdiction="XX",
    countries=frozenset({"XX"}),
    topic="permanent_roaming",
    stance=Stance.RESTRICTED,
    kind=Kind.LAW,
    authority=None,
    sources=("a source",),
    as_of=date(2026, 1, 1),
    confidence=Confidence.MEDIUM,
    trend=Trend.UNKNOWN,
    summary="an example",
)
TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("day", "age"),
    [
        ("2026-06-30", Freshness.GREEN),
        ("2026-07-01", Freshness.AMBER),
        ("2027-01-01", Freshness.AMBER),
        ("2027-01-02", Freshness.RED),
    ],
)
def test_sources_go_stale(day, age):
    assert RULE.freshness(datetime.fromisoformat(day).replace(tzinfo=UTC)) is age


def test_every_rule_says_that_it_is_no_legal_advice():
    assert RULE.notice == NOTICE
    assert NOTICE.startswith("Not legal advice")


def test_prohibited_counts_to_one_and_other_stances_without_counters_count_nothing():
    assert replace(RULE, stance=Stance.PROHIBITED).counts == (SinceEvent(trip=1, event=Event.FIRST_USE),)
    assert RULE.counts == ()
    owner = SinceEvent(trip=1, event=Event.OWNER_CHANGE)
    assert replace(RULE, counters=(owner,)).counts == ()


def test_strictest_goes_by_stance_then_confidence():
    order = [
        Stance.PROHIBITED,
        Stance.RESTRICTED,
        Stance.CONDITIONAL,
        Stance.UNKNOWN,
        Stance.CARRIER_POLICY,
        Stance.PERMISSIVE,
    ]
    rules = [replace(RULE, id=s, stance=s) for s in reversed(order)]
    while rules:
        found = strictest(rules)
        assert found is not None
        assert found.stance is order.pop(0)
        rules.remove(found)
    low, high = replace(RULE, id="a", confidence=Confidence.LOW), replace(RULE, id="b", confidence=Confidence.HIGH)
    assert strictest([low, high]) == high
    assert strictest([replace(RULE, stance=Stance.MANDATORY)]) is None


def test_the_law_of_a_country_is_its_strictest_rule_in_force():
    soft = replace(RULE, id="soft", stance=Stance.PERMISSIVE)
    past = replace(RULE, id="past", stance=Stance.PROHIBITED, effective_to=date(2025, 12, 31))
    ahead = replace(RULE, id="ahead", stance=Stance.PROHIBITED, effective_from=date(2027, 1, 1))
    other = replace(RULE, id="other", stance=Stance.PROHIBITED, topic="licensing")
    said = law("XX", [soft, past, ahead, other, RULE], TODAY)
    assert (said.stance, said.confidence, said.rules) == (Stance.RESTRICTED, Confidence.MEDIUM, ("soft", RULE.id))


def test_the_trend_of_a_country_is_that_of_the_rule_that_decides():
    soft = replace(RULE, id="soft", stance=Stance.PERMISSIVE, trend=Trend.LOOSENING)
    hard = replace(RULE, trend=Trend.TIGHTENING)
    assert law("XX", [soft, hard], TODAY).trend is Trend.TIGHTENING
    assert law("XX", [soft], TODAY).trend is Trend.LOOSENING
    assert law("YY", [hard], TODAY).trend is Trend.UNKNOWN


def test_no_rule_is_unknown_and_never_permissive():
    said = law("YY", [RULE], TODAY)
    assert (said.stance, said.confidence, said.rules) == (Stance.UNKNOWN, Confidence.LOW, ())


def test_reports_and_declared_rules_do_not_bind():
    counting = replace(RULE, counters=(SinceEvent(trip=5, event=Event.FIRST_USE),))
    assert binds(counting)
    assert binds(replace(counting, confidence=Confidence.LOW))
    assert not binds(replace(counting, kind=Kind.REPORT))
    assert not binds(replace(counting, scope=Scope(declared="export_test")))
    assert not binds(RULE)

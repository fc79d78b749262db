"""Strategies, steering, session rules and the tests beside them."""

from datetime import UTC, datetime, timedelta

import pytest

from fairlead.model.resources import Rate, Resource, SessionPolicy, Steering, Strategy
from fairlead.policy.proof import prove
from fairlead.policy.quantities import read_bit_rate, read_duration, read_rate
from fairlead.policy.read import read_resources
from fairlead.policy.session import judged, preferred
from fairlead.policy.strategy import way_in

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def resource(kind: str, spec: str) -> Resource:
    text = f"apiVersion: fairlead/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec:\n{spec}"
    (one,), faults = read_resources(text, file="f")
    assert not faults
    return one


STRATEGY = """\
  regions: {apac: [IN, TR], mea: [TR, EG]}
  tiers:
    - {when: devices_in_country >= 1000, use: multi-imsi}
    - {when: "devices_in_country >= 2000 || law.stance == 'prohibited'", use: local-profile}
    - {countries: [EG], use: roaming}
    - {regions: [apac], use: multi-imsi}
    - {regions: [mea], use: local-profile}
    - {use: roaming}
"""


@pytest.mark.parametrize(
    ("country", "facts", "use", "ground", "tier"),
    [
        ("DE", {"devices_in_country": 5}, "roaming", "tier", 6),
        ("DE", {"devices_in_country": 5000}, "multi-imsi", "tier", 1),
        ("DE", {"devices_in_country": 5000, "law.stance": "prohibited"}, "local-profile", "law", 2),
        ("IN", {"devices_in_country": 5000}, "multi-imsi", "region", 4),
        ("IN", {"devices_in_country": 5, "law.stance": "prohibited"}, "local-profile", "law", 2),
        ("TR", {"devices_in_country": 5}, "multi-imsi", "region", 4),
        ("EG", {"devices_in_country": 5}, "roaming", "country", 3),
        ("EG", {"devices_in_country": 5, "law.stance": "prohibited"}, "local-profile", "law", 2),
    ],
)
def test_country_before_region_and_the_law_before_both(
    country: str, facts: dict[str, str | int], use: str, ground: str, tier: int
) -> None:
    strategy = resource("Strategy", STRATEGY)
    assert isinstance(strategy, Strategy)
    chosen = way_in(strategy, country, facts, NOW)
    assert (chosen.use, chosen.ground, chosen.tier) == (use, ground, tier)
    assert use in chosen.reason
    assert country in chosen.reason or ground in {"tier", "region"}


def test_a_strategy_says_what_absent_facts_leave_open() -> None:
    strategy = resource("Strategy", "  tiers: [{when: devices_in_country > 3, use: multi-imsi}]\n")
    assert isinstance(strategy, Strategy)
    chosen = way_in(strategy, "DE", {}, NOW)
    assert chosen.use is None
    assert chosen.open_tiers == ((1, frozenset({"devices_in_country"})),)


def test_premium_networks_only_where_nothing_cheaper_is_usable() -> None:
    steering = resource(
        "Steering",
        "  match: roaming\n  prefer: [{plmn: 262-03, premium: true}, {plmn: 262-02, when: success_rate_1h >= 0.9}, {plmn: 262-01}]\n",
    )
    assert isinstance(steering, Steering)

    def order(candidates: dict[str, dict[str, float]]) -> list[str]:
        return [choice.plmn for choice in preferred(steering, candidates, NOW)]

    assert order({"262-01": {}, "262-02": {"success_rate_1h": 0.95}, "262-03": {}}) == ["262-02", "262-01"]
    assert order({"262-01": {}, "262-02": {"success_rate_1h": 0.5}}) == ["262-01"]
    assert order({"262-02": {}, "262-03": {}}) == ["262-03"]
    assert order({"310-410": {}}) == []


SESSION = """\
  rules:
    - {if: imei_changed, then: {action: quarantine}}
    - {if: "!(country in assigned_countries)", then: {action: reject}}
"""


def test_the_first_rule_that_holds_decides() -> None:
    policy = resource("SessionPolicy", SESSION)
    assert isinstance(policy, SessionPolicy)

    def action(**facts: object) -> str | None:
        rule = judged(policy, facts, NOW)  # type: ignore[arg-type]
        return None if rule is None else rule.action

    assert action(imei_changed=True, country="BR", assigned_countries=("CL",)) == "quarantine"
    assert action(imei_changed=False, country="BR", assigned_countries=("CL",)) == "reject"
    assert action(country="BR", assigned_countries=("CL",)) == "reject"
    assert action(imei_changed=False, country="CL", assigned_countries=("CL",)) is None
    assert action() is None


def test_tests_beside_rules_fail_with_line_and_reason() -> None:
    session = resource(
        "SessionPolicy",
        SESSION
        + "  tests:\n    - {given: {imei_changed: true}, expect: quarantine}\n    - {given: {imei_changed: true}, expect: reject}\n    - {given: {}, expect: accept}\n",
    )
    (failed,) = prove(session, NOW)
    assert (failed.line, failed.expected, failed.found) == (10, "reject", "quarantine")
    policy = resource(
        "Policy",
        """\
  priority: 1
  match: country == "BR" && last_contact_age > 1h
  set: {config: {a: 1}}
  reason: r
  tests:
    - {given: {country: BR, last_contact_age: 2h}, expect: match}
    - {given: {country: BR, last_contact_age: 1h}, expect: match}
    - {given: {country: BR}, expect: match}
    - {given: {country: BR}, expect: no-match}
    - {given: {country: CL}, expect: until}
    - {given: {country: BR, last_contact_age: null}, expect: no-until}
""".replace("> 1h", '> duration("1h")'),
    )
    assert [(each.line, each.expected, each.found) for each in prove(policy, NOW)] == [
        (11, "match", "no-match"),
        (12, "match", "no-match: absent last_contact_age"),
    ]
    strategy = resource(
        "Strategy", "  tiers: [{use: roaming}]\n  tests: [{given: {country: DE}, expect: multi-imsi}]\n"
    )
    assert [str(each) for each in prove(strategy, NOW)] == [
        "Strategy x, test on line 6: expected multi-imsi, found roaming"
    ]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("24h", timedelta(hours=24)), ("1h30m", timedelta(minutes=90)), ("-90s", timedelta(seconds=-90)),
        ("1.5h", timedelta(minutes=90)), ("7d", timedelta(days=7)), ("250ms", timedelta(milliseconds=250)),
        ("1us", timedelta(microseconds=1)), ("1000ns", timedelta(microseconds=1)), ("1ns", None), ("h", None),
        ("", None), ("24", None), ("24 h", None), ("9" * 80 + "h", None), ("1h-1m", None),
    ],
)  # fmt: skip
def test_durations(text: str, length: timedelta | None) -> None:
    assert read_duration(text) == length


def test_rates() -> None:
    assert read_rate("500/h") == Rate(count=500, per=timedelta(hours=1))
    assert read_rate("5000 / day") == Rate(count=5000, per=timedelta(days=1))
    assert [read_rate(text) for text in ("0/h", "500", "5/week", "-1/h")] == [None] * 4
    assert (read_bit_rate("64kbit"), read_bit_rate("2Mbit/s"), read_bit_rate("64kB")) == (64_000, 2_000_000, None)

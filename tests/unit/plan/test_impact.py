"""Cost of a plan: exact money, and what has no price is unknown."""

from typing import Any

from fairlead.model.situation import Recipe
from fairlead.plan.impact import costs, savings, steps_summary

NANO = 1_000_000_000


def row(**more: Any) -> dict[str, Any]:
    return {
        "currency_new": "EUR", "currency_old": "EUR", "release": False, "devices": 10, "priced": 10,
        "one_off": 5 * NANO, "monthly_new": 7 * NANO, "monthly_old": 20 * NANO,
    } | more  # fmt: skip


def test_the_old_plan_is_saved_only_where_it_is_released() -> None:
    assert costs([row()])["monthly_delta"] == {"EUR": "7.00"}
    assert costs([row(release=True)])["monthly_delta"] == {"EUR": "-13.00"}


def test_currencies_are_never_added_to_each_other() -> None:
    found = costs([row(release=True, currency_new="BRL"), row(currency_new="BRL")])
    assert found["one_off"] == {"BRL": "10.00"}
    assert found["monthly_delta"] == {"BRL": "14.00", "EUR": "-20.00"}


def test_what_has_no_price_is_unknown_and_never_zero() -> None:
    found = costs([row(devices=10, priced=0, one_off=0, monthly_new=0, currency_new=None, currency_old=None)])
    assert found["unpriced"] == "unknown"
    assert found["one_off"] == {}
    assert found["coverage_percent"] == 0


def test_coverage_never_rounds_up_to_all() -> None:
    found = costs([row(devices=1000, priced=999)])
    assert found["coverage_percent"] == 99
    assert costs([row()])["coverage_percent"] == 100
    assert costs([row()])["unpriced"] is None
    assert costs([])["coverage_percent"] is None


def test_a_thousand_tenths_are_a_hundred() -> None:
    assert costs([row(one_off=NANO // 10)] * 1000)["one_off"] == {"EUR": "100.00"}


def test_the_largest_situation_comes_first() -> None:
    shown = steps_summary([{"no": n, "devices": d, "recipe": Recipe(steps=())} for n, d in ((1, 5), (2, 9), (3, 9))])
    assert [s["no"] for s in shown] == [2, 3, 1]
    assert all(s["recipe"]["steps"] == [] for s in shown)


def line(**more: Any) -> dict[str, Any]:
    return {"currency": "EUR", "lines": 10, "priced": 10, "monthly": 20 * NANO, "billing": "stops"} | more


def test_only_what_a_carrier_stops_billing_is_saved() -> None:
    found = savings([line(), line(billing="unknown", monthly=7 * NANO), line(billing="goes_on", currency="BRL")])
    assert found is not None
    assert (found["monthly"], found["monthly_unknown"], found["monthly_goes_on"]) == (
        {"EUR": "20.00"}, {"EUR": "7.00"}, {"BRL": "20.00"},
    )  # fmt: skip
    assert found["lines_by_billing"] == {"stops": 10, "goes_on": 10, "unknown": 10}


def test_lines_without_a_price_are_in_no_amount_and_are_counted() -> None:
    found = savings([line(), line(currency=None, lines=5, priced=0, monthly=0)])
    assert found is not None
    assert (found["monthly"], found["coverage_percent"], found["unpriced"]) == ({"EUR": "20.00"}, 66, "unknown")
    assert savings([]) is None

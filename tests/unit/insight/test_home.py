"""Six answers: what is not known is never 0, and what is bad does not hide behind what is fine."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fairlead.insight.home import Figures, PlanPrice, broken, changing, cost, illegal_soon, online, ready_to_scale

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FINE = Figures(
    counted_at=NOW, devices=100, connectivity={"online": 90, "attached": 5, "offline": 5},
    stances={"permissive": 100}, glanced_at=NOW, out_of_sync=0, breaches={}, imei_breaches={}, plans={"iot-1": 100},
    stuck=0, unknown=0, accounts=2, failing=0, changes={}, moving=0,
    prices=(PlanPrice(plan="iot-1", currency="EUR", monthly_nano=1_250_000_000),),
)  # fmt: skip
NEVER = replace(FINE, counted_at=None, glanced_at=None, devices=0, connectivity={}, stances={}, plans={})


def test_a_fleet_without_trouble_is_fine():
    assert [
        one.answer.state
        for one in (online(FINE), broken(FINE, carriers=True), illegal_soon(FINE), changing(FINE), cost(FINE))
    ] == ["ok"] * 5
    assert online(FINE).answer.value == 95
    assert cost(FINE).answer.value == "125"
    assert cost(FINE).answer.unit == "EUR"
    assert broken(FINE, carriers=True).answer.value == 0
    assert ready_to_scale().answer.state == "not_built"


def test_what_was_never_counted_is_unknown_and_not_nought():
    for one in (online(NEVER), illegal_soon(NEVER), cost(NEVER), broken(NEVER, carriers=True)):
        assert (one.answer.state, one.answer.value) == ("unknown", None), one
    assert cost(NEVER).coverage is None
    assert illegal_soon(NEVER).breached is None
    assert broken(NEVER, carriers=True).devices_out_of_sync is None


@pytest.mark.parametrize(
    ("connectivity", "state"),
    [
        ({"online": 89, "offline": 11}, "warn"),
        ({"online": 95, "offline": 4, "blocked": 1}, "warn"),
        ({"online": 40, "offline": 60}, "bad"),
        ({"online": 49, "": 51}, "unknown"),
        ({"": 60, "unknown": 40}, "unknown"),
        ({"online": 60, "": 40}, "ok"),
    ],
)
def test_online_is_judged_by_the_devices_of_which_something_is_known(connectivity, state):
    assert online(replace(FINE, connectivity=connectivity)).answer.state == state


def test_both_kinds_of_not_knowing_are_one():
    found = online(replace(FINE, connectivity={"online": 70, "": 20, "unknown": 10}))
    assert found.by == {"online": 70, "unknown": 30}
    assert "Of 30 nothing is known" in found.answer.sentence


@pytest.mark.parametrize(
    ("trouble", "state", "words"),
    [
        ({"out_of_sync": 1}, "warn", "1 device is out of sync."),
        ({"unknown": 2}, "warn", "2 operations have an unknown outcome."),
        ({"stuck": 10_001}, "bad", "More than 10,000 moves are stuck."),
        ({"critical": 2, "unknown": 1}, "bad", "2 critical findings are open; 1 operation has an unknown outcome."),
        ({"failing": 1, "out_of_sync": 3}, "bad", "3 devices are out of sync; 1 carrier account is failing."),
    ],
)
def test_what_is_broken_is_named(trouble, state, words):
    found = broken(replace(FINE, **trouble), carriers=True).answer
    assert (found.state, found.sentence) == (state, words)


def test_whoever_may_not_see_carriers_is_not_told_of_them():
    found = broken(replace(FINE, failing=1), carriers=False)
    assert (found.answer.state, found.carriers_failing, found.answer.value) == ("ok", None, 0)


def test_whoever_may_not_read_findings_is_not_told_of_them():
    found = broken(replace(FINE, critical=1), carriers=True, findings=False)
    assert (found.answer.state, found.findings_critical, found.answer.screen) == ("ok", None, "fleet")
    assert broken(replace(FINE, critical=1), carriers=True).answer.screen == "findings"


def test_breaches_are_counted_once_and_the_most_urgent_country_comes_first():
    breaches = {("breached", "BR"): 2, ("within_7", "TR"): 5, ("within_30", "BR"): 1, ("within_90", "SA"): 9}
    found = illegal_soon(replace(FINE, breaches=breaches, stances={"permissive": 80, "": 15, "unknown": 5}))
    assert (found.breached, found.within_7, found.within_30, found.within_90, found.stance_unknown) == (2, 5, 1, 9, 20)
    assert (found.answer.state, found.answer.value) == ("bad", 8)
    assert [one.country for one in found.countries] == ["BR", "TR", "SA"]
    assert (found.countries[0].breached, found.countries[0].within_30) == (2, 1)
    assert illegal_soon(replace(FINE, stances={"unknown": 1})).answer.state == "warn"
    assert illegal_soon(replace(FINE, imei_breaches={"breached": 1})).answer.state == "bad"
    assert illegal_soon(replace(FINE, breaches={("within_90", "SA"): 9})).answer.state == "ok"


def test_a_plan_without_a_price_is_unknown_and_never_free():
    found = cost(replace(FINE, plans={"iot-1": 60, "odd": 30, "": 10}))
    assert (found.answer.state, found.answer.value, found.coverage) == ("warn", "75", 0.6)
    assert found.unpriced == {"odd": 30, "": 10}
    assert "40 have no price" in found.answer.sentence
    none = cost(replace(FINE, prices=()))
    assert (none.answer.state, none.answer.value, none.monthly) == ("unknown", None, ())


def test_currencies_are_never_added_up():
    prices = (*FINE.prices, PlanPrice(plan="us", currency="USD", monthly_nano=333_333_333))
    found = cost(replace(FINE, plans={"iot-1": 2, "us": 3}, prices=prices))
    assert [(one.currency, one.amount, one.subscriptions) for one in found.monthly] == [
        ("USD", "0.999999999", 3), ("EUR", "2.5", 2),
    ]  # fmt: skip
    assert found.answer.value is None


def test_changes_on_their_way_and_those_that_wait_for_somebody():
    found = changing(replace(FINE, changes={"running": 1, "standing": 4}, moving=250))
    assert (found.answer.state, found.answer.value) == ("ok", 1)
    assert found.answer.sentence == "1 Change is on the way, 250 devices in open stages. 4 standing."
    waiting = changing(replace(FINE, changes={"planned": 2, "paused": 1}))
    assert (waiting.answer.state, waiting.answer.value) == ("warn", 3)
    assert waiting.answer.sentence == "3 Changes are on the way. 1 paused. 2 waiting for approval."

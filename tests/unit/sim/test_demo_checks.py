"""The demonstration's judges: each holds on a story that came true, and fails on one that did not."""

from datetime import UTC, datetime, timedelta

from fairlead_sim.demo import checks
from fairlead_sim.demo.checks import Forecast
from fairlead_sim.demo.company import Shape, devices_csv, found, presence_csv, sims_csv
from fairlead_sim.world.radio import World

NOW = datetime(2026, 9, 1, 6, tzinfo=UTC)
BREACH = datetime(2026, 9, 3, 21, tzinfo=UTC)


def forecast(**given):
    return Forecast(**{"device": "a", "country": "TR", "made_at": NOW, "breach_at": BREACH, "by_hand": BREACH, **given})


def clock(**given):
    return {
        "breach_at": BREACH.isoformat(),
        "computed_at": (BREACH + timedelta(hours=1)).isoformat(),
        "days_left": 0,
        **given,
    }


def judged(one, row, stayed=True, now=BREACH + timedelta(days=1)):
    return checks.forecasts_came_true([one], {"a": [row]}, {"a": stayed}, now)


def test_a_forecast_holds_only_if_made_before_and_right_by_hand_and_borne_out():
    assert judged(forecast(), clock()).ok
    assert not judged(forecast(made_at=BREACH), clock()).ok
    assert not judged(forecast(by_hand=BREACH + timedelta(days=1)), clock()).ok
    assert not judged(forecast(), clock(computed_at=NOW.isoformat())).ok
    assert not judged(forecast(), clock(breach_at=(BREACH + timedelta(days=1)).isoformat())).ok
    assert not judged(forecast(), clock(), stayed=False).ok
    assert not judged(forecast(), clock(), now=BREACH - timedelta(hours=1)).ok
    assert not checks.forecasts_came_true([], {}, {}, NOW).ok


def move(name, country, state="verified", wave=0):
    return {"name": name, "country": country, "state": state, "wave": wave, "outcome": ""}


def test_every_planned_device_is_verified_by_both_sides():
    planned = {"BR": 2, "TR": 1}
    moves = [move("a", "BR"), move("b", "BR"), move("c", "TR", "undone")]
    spared = frozenset({"TR"})
    assert checks.planned_were_moved(planned, moves, {}, spared=spared).ok
    assert not checks.planned_were_moved(planned, moves[1:], {}, spared=spared).ok
    assert not checks.planned_were_moved(planned, moves, {"a": "it has no session"}, spared=spared).ok
    assert not checks.planned_were_moved({}, [], {}, spared=spared).ok


def batch(country, state="passed", wave=0, stage=0):
    return {"country": country, "state": state, "wave": wave, "stage": stage}


def test_one_batch_goes_back_and_no_other():
    batches = [batch("BR"), batch("BR", stage=1), batch("TR", "rolled-back"), batch("TR", wave=1)]
    moves = [move("a", "BR"), move("c", "TR", "undone"), move("d", "TR", wave=1)]

    def judge(batches=batches, moves=moves, proofs=None, refusals=1):
        return checks.only_that_batch(batches, moves, proofs or {"c": ""}, country="TR", refusals=refusals)

    assert judge().ok
    assert not judge(refusals=0).ok
    assert not judge(batches=[*batches, batch("TR", stage=1)]).ok
    assert not judge(batches=[batch("BR", "rolled-back"), *batches[1:]]).ok
    assert not judge(batches=[*batches, batch("SA", "open")]).ok
    assert not judge(moves=[move("a", "BR", "undone"), *moves[1:]]).ok
    assert not judge(moves=[move("a", "BR"), move("c", "TR", "stuck")]).ok
    assert not judge(proofs={"c": "it is on another SIM"}).ok


def test_crossers_are_moved_by_a_wave():
    assert checks.crossers_were_moved(["a"], [move("a", "BR", wave=2)], {}).ok
    assert not checks.crossers_were_moved(["a"], [move("a", "BR", wave=0)], {}).ok
    assert not checks.crossers_were_moved(["a"], [move("a", "BR", "running", wave=2)], {}).ok
    assert not checks.crossers_were_moved(["a"], [move("a", "BR", wave=2)], {"a": "no session"}).ok
    assert not checks.crossers_were_moved([], [], {}).ok


def test_open_and_unknown_operations_are_not_settled():
    assert checks.all_settled({"verified": 3, "refused": 1}).ok
    assert not checks.all_settled({"verified": 3, "unknown": 1}).ok
    assert not checks.all_settled({"acknowledged": 1}).ok
    assert not checks.all_settled({}).ok


def test_a_journal_that_does_not_verify_or_is_empty_does_not_hold():
    assert checks.journal_holds(0, {"lines": 3}).ok
    assert not checks.journal_holds(1, {"lines": 3}).ok
    assert not checks.journal_holds(0, {"lines": 0}).ok


def test_the_company_is_the_same_each_time_and_its_watched_devices_breach_in_the_days_to_come():
    shape = Shape(devices=300)
    one, two = (found(shape, World(clock=lambda: NOW)) for _ in range(2))
    assert devices_csv(one) == devices_csv(two)
    assert sims_csv(one) == sims_csv(two)
    assert presence_csv(one) == presence_csv(two)
    assert len(one.units) == 300
    watched = one.of(group="parked")
    assert {unit.country for unit in watched} == {"TR", "SA", "QA"}
    assert all(NOW < unit.breach_at < NOW + timedelta(days=shape.days_ahead) for unit in watched)
    assert {(unit.country, unit.made_for) for unit in one.of(group="in-transit")} == {("DE", "BR")}

"""Situations to recipes: make before break, undo for everything that has one, and a reason where there is none."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.facet import Facet
from fairlead.model.situation import FacetChange, SimSide, Situation
from fairlead.plan.recipes import recipe_for

VERBS = frozenset({"activate", "suspend", "deactivate", "standby"})
TARGET = SimSide(account="local", connector="soracom", present=True, state="standby", verbs=VERBS)
CURRENT = SimSide(account="global", connector="soracom", present=True, state="active", verbs=VERBS)


def change(facet: Facet, before: dict[str, Any] | None, after: dict[str, Any] | None) -> FacetChange:
    return FacetChange(facet=facet, before=before, after=after)


NETWORK = change(Facet.NETWORK, None, {"carrier": "local", "apn": "iot.example"})
RELEASING = change(Facet.NETWORK, None, {"carrier": "local", "apn": "iot.example", "release": "suspend"})
CONFIG = change(Facet.CONFIG, None, {"report_interval_s": 900})
SITUATION = Situation(
    from_class=0,
    to_class=1,
    country="BR",
    carrier="global",
    changes=(NETWORK, CONFIG),
    target=TARGET,
    current=CURRENT,
    reachable=True,
)


def told(situation: Situation) -> list[tuple[str, str]]:
    return [(s.verb, s.on) for s in recipe_for(situation).steps]


def test_the_target_is_made_usable_before_the_device_is_told() -> None:
    assert told(SITUATION) == [("activate", "target"), ("write", "device")]
    assert recipe_for(SITUATION).steps[1].proof == "session-and-reported"


def test_what_is_usable_already_is_not_activated_again() -> None:
    for state in ("active", "ready"):
        assert told(replace(SITUATION, target=replace(TARGET, state=state))) == [("write", "device")]


def test_the_old_subscription_is_released_last_and_only_if_asked() -> None:
    assert told(replace(SITUATION, changes=(RELEASING,))) == [
        ("activate", "target"),
        ("write", "device"),
        ("suspend", "current"),
    ]
    assert ("suspend", "current") not in told(SITUATION)


def test_a_release_that_the_carrier_cannot_do_is_said() -> None:
    mute = replace(CURRENT, verbs=frozenset({"activate"}))
    recipe = recipe_for(replace(SITUATION, changes=(RELEASING,), current=mute))
    assert [s.verb for s in recipe.steps] == ["activate", "write"]
    assert "stays active and billed" in recipe.notes[0]


def test_the_subscription_in_use_is_never_released_to_itself() -> None:
    same = replace(TARGET, account="global", state="active")
    assert told(replace(SITUATION, changes=(RELEASING,), target=same)) == [("write", "device")]


def test_coupled_facets_are_written_in_one_step() -> None:
    step = recipe_for(SITUATION).steps[1]
    assert step.facets == (Facet.NETWORK, Facet.CONFIG)
    assert (step.undo, step.undo_verb) == ("exact", "write")


def test_config_alone_needs_no_carrier_and_is_proved_by_the_report() -> None:
    recipe = recipe_for(replace(SITUATION, changes=(CONFIG,), target=None))
    assert [(s.verb, s.proof) for s in recipe.steps] == [("write", "reported")]


def test_what_nobody_sets_any_more_stays_and_is_named() -> None:
    recipe = recipe_for(replace(SITUATION, changes=(change(Facet.CONFIG, {"a": 1}, None),)))
    assert recipe.steps == ()
    assert recipe.blocked is None
    assert "config" in recipe.notes[0]


@pytest.mark.parametrize(
    ("situation", "code"),
    [
        (replace(SITUATION, target=None), "no_such_carrier"),
        (replace(SITUATION, target=replace(TARGET, connector=None)), "no_such_carrier"),
        (replace(SITUATION, target=replace(TARGET, present=False)), "no_profile"),
        (replace(SITUATION, target=replace(TARGET, state="terminated")), "terminated"),
        (replace(SITUATION, target=replace(TARGET, verbs=frozenset())), "unsupported"),
        (replace(SITUATION, target=replace(TARGET, verbs=frozenset(), withheld="because …")), "reads_only"),
        (replace(SITUATION, reachable=False), "device_unreachable"),
        (replace(SITUATION, reachable=False, changes=(CONFIG,)), "device_unreachable"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_runs(situation: Situation, code: str) -> None:
    recipe = recipe_for(situation)
    assert recipe.block_code == code
    assert recipe.blocked
    assert recipe.steps == ()


@pytest.mark.parametrize(
    ("wanted", "verb", "back"),
    [
        ("suspended", "suspend", "activate"),
        ("deactivated", "deactivate", "activate"),
        ("standby", "standby", "activate"),
    ],
)
def test_a_subscription_by_itself(wanted: str, verb: str, back: str) -> None:
    situation = replace(SITUATION, changes=(change(Facet.SUBSCRIPTION, None, {"state": wanted}),))
    (step,) = recipe_for(situation).steps
    assert (step.driver, step.verb, step.on, step.undo_verb) == ("carrier", verb, "current", back)
    assert told(replace(situation, current=replace(CURRENT, state=wanted))) == []


facets = st.sampled_from([facet for facet in Facet if facet is not Facet.LIFE])  # lives: test_life.py
documents = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "carrier": st.sampled_from(["local", "global"]),
        "release": st.sampled_from(["keep", "suspend"]),
        "state": st.sampled_from(["active", "suspended", "standby"]),
    },
)
sides = st.builds(
    SimSide,
    account=st.sampled_from(["local", "global"]),
    connector=st.sampled_from([None, "soracom"]),
    present=st.booleans(),
    state=st.sampled_from(["inventory", "ready", "active", "standby", "suspended", "terminated", "unknown"]),
    verbs=st.frozensets(st.sampled_from(sorted(VERBS))),
)
situations = st.builds(
    Situation,
    from_class=st.just(0),
    to_class=st.just(1),
    country=st.just("BR"),
    carrier=st.just("global"),
    changes=st.lists(
        st.builds(FacetChange, facet=facets, before=documents, after=documents), max_size=4, unique_by=lambda c: c.facet
    ).map(tuple),
    target=st.none() | sides,
    current=st.none() | sides,
    reachable=st.booleans(),
)


@given(situations)
def test_every_recipe_makes_before_it_breaks_and_uses_only_what_is_there(situation: Situation) -> None:
    recipe = recipe_for(situation)
    assert recipe == recipe_for(situation)
    assert (recipe.blocked is None) == (recipe.block_code is None)
    assert not (recipe.blocked and recipe.steps)
    verbs = [(s.verb, s.on) for s in recipe.steps]
    network = any(c.facet is Facet.NETWORK and c.after is not None for c in situation.changes)
    if network and ("suspend", "current") in verbs and ("write", "device") in verbs:
        assert verbs.index(("write", "device")) < verbs.index(("suspend", "current"))
    for step in recipe.steps:
        if step.driver == "carrier":
            side = situation.target if step.on == "target" else situation.current
            assert side is not None
            assert step.verb in side.verbs
            assert step.undo_verb is None or step.undo_verb in side.verbs
        assert (step.undo == "exact") == (step.undo_verb is not None)


@pytest.mark.parametrize(
    ("current", "why"),
    [
        (None, "no SIM in use"),
        (replace(CURRENT, connector=None, verbs=frozenset()), "no interface"),
        (replace(CURRENT, verbs=frozenset({"activate"})), "no call that makes a line suspended"),
    ],
)
def test_a_wish_about_a_line_that_nobody_can_carry_out_does_not_pass_for_done(
    current: SimSide | None, why: str
) -> None:
    asked = (change(Facet.SUBSCRIPTION, None, {"state": "suspended"}),)
    recipe = recipe_for(replace(SITUATION, changes=asked, current=current))
    assert recipe.block_code == "unsupported"
    assert why in (recipe.blocked or "")

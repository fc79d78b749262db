"""Lives as recipes: what is built up on activation, and in which order it ends on retirement."""

from dataclasses import replace
from typing import Any

import pytest

from fairlead.model.facet import Facet
from fairlead.model.situation import FacetChange, Recipe, SimSide, Situation
from fairlead.plan.recipes import recipe_for

VERBS = frozenset({"activate", "suspend", "deactivate", "allow_termination", "terminate"})
ROAMING = SimSide(account="global", connector="soracom", present=True, state="inventory", verbs=VERBS)
LOCAL = SimSide(account="local", connector="soracom", present=True, state="inventory", verbs=VERBS)
OUTSIDE = Situation(
    from_class=0,
    to_class=1,
    country="BR",
    carrier="global",
    changes=(FacetChange(facet=Facet.LIFE, before=None, after={"state": "active"}),),
    target=None,
    current=ROAMING,
    reachable=False,
    life="manufactured",
    sims=(ROAMING, LOCAL),
)
NETWORK = FacetChange(facet=Facet.NETWORK, before=None, after={"carrier": "local", "apn": "iot.example"})
CONFIG = FacetChange(facet=Facet.CONFIG, before=None, after={"report_interval_s": 900})


def retiring(**asked: Any) -> Situation:
    after = {"state": "retired", "wipe": True, "subscription": "deactivated"} | asked
    active = tuple(replace(sim, state="active") for sim in (ROAMING, LOCAL))
    change = FacetChange(facet=Facet.LIFE, before=None, after=after)
    return replace(OUTSIDE, changes=(change,), life="active", reachable=True, sims=active, current=active[0])


def told(recipe: Recipe) -> list[tuple[str, str, str]]:
    return [(step.driver, step.verb, step.account) for step in recipe.steps]


def test_without_policies_the_way_in_is_the_sim_it_has_and_being_heard_is_the_proof() -> None:
    assert told(recipe_for(OUTSIDE)) == [
        ("registry", "bootstrap", ""),
        ("carrier", "activate", "global"),
        ("registry", "hear", ""),
        ("registry", "activate", ""),
    ]
    assert recipe_for(OUTSIDE).steps[2].proof == "contact"


def test_with_policies_the_regional_documents_come_in_the_same_recipe() -> None:
    situation = replace(OUTSIDE, changes=(NETWORK, CONFIG, *OUTSIDE.changes), target=LOCAL, reachable=True)
    recipe = recipe_for(situation)
    assert told(recipe) == [
        ("registry", "bootstrap", ""),
        ("carrier", "activate", "local"),
        ("shadow", "write", ""),
        ("registry", "activate", ""),
    ]
    assert recipe.steps[2].facets == (Facet.NETWORK, Facet.CONFIG)  # its life is ours to record, not the device's
    assert recipe.steps[2].proof == "session-and-reported"


def test_every_step_of_an_activation_is_taken_back_or_leaves_nothing() -> None:
    for step in recipe_for(OUTSIDE).steps:
        assert step.undo_verb is not None or step.verb == "hear"


def test_what_only_the_device_can_prove_waits_as_long_as_its_life_says() -> None:
    life = FacetChange(facet=Facet.LIFE, before=None, after={"state": "active", "within_s": 5_000_000})
    heard = recipe_for(replace(OUTSIDE, changes=(life,)))
    assert {step.verb: step.deadline_s for step in heard.steps if step.driver != "carrier"} == {
        "bootstrap": 900, "hear": 5_000_000, "activate": 900,
    }  # fmt: skip
    assert [step.deadline_s for step in heard.steps if step.driver == "carrier"] == [900]
    written = recipe_for(replace(OUTSIDE, changes=(NETWORK, CONFIG, life), target=LOCAL, reachable=True))
    assert [step.deadline_s for step in written.steps if step.driver == "shadow"] == [5_000_000]


def test_what_is_active_already_is_left_alone() -> None:
    recipe = recipe_for(replace(OUTSIDE, life="active"))
    assert recipe.steps == ()
    assert recipe.blocked is None
    assert "active already" in recipe.notes[0]


def test_without_sim_and_credential_there_is_no_way_in() -> None:
    assert recipe_for(replace(OUTSIDE, current=None)).block_code == "no_way_in"


def test_retirement_breaks_last() -> None:
    assert told(recipe_for(retiring())) == [
        ("shadow", "write", ""),
        ("carrier", "deactivate", "global"),
        ("carrier", "deactivate", "local"),
        ("registry", "retire", ""),
    ]


def test_what_cannot_be_reached_cannot_be_erased() -> None:
    unreachable = replace(retiring(), reachable=False)
    assert recipe_for(unreachable).block_code == "device_unreachable"
    kept = recipe_for(replace(retiring(wipe=False), reachable=False))
    assert told(kept)[0] == ("carrier", "deactivate", "global")
    assert "keeps its data" in kept.notes[0]


def test_a_line_that_ends_for_good_has_no_undo_and_says_so() -> None:
    recipe = recipe_for(retiring(subscription="terminated"))
    assert told(recipe)[1:5] == [
        ("carrier", "allow_termination", "global"),
        ("carrier", "terminate", "global"),
        ("carrier", "allow_termination", "local"),
        ("carrier", "terminate", "local"),
    ]
    assert [step.undo for step in recipe.steps if step.verb == "terminate"] == ["none", "none"]
    assert "cannot be taken back" in recipe.notes[-1]


@pytest.mark.parametrize("ended", ["deactivated", "terminated", "inventory"])
def test_lines_that_have_ended_are_not_ended_again(ended: str) -> None:
    sims = (replace(ROAMING, state=ended), replace(LOCAL, state="active"))
    assert told(recipe_for(replace(retiring(), sims=sims)))[1:-1] == [("carrier", "deactivate", "local")]


def test_what_a_carrier_cannot_do_blocks_and_what_has_no_interface_is_named() -> None:
    mute = replace(LOCAL, state="active", verbs=frozenset({"activate"}))
    assert recipe_for(replace(retiring(), sims=(mute,))).block_code == "unsupported"
    paper = replace(LOCAL, connector=None, state="active")
    recipe = recipe_for(replace(retiring(), sims=(paper,)))
    assert told(recipe)[1:] == [("registry", "retire", "")]
    assert "by hand" in recipe.notes[0]


def test_lines_may_be_kept() -> None:
    assert told(recipe_for(retiring(subscription="keep", wipe=False))) == [("registry", "retire", "")]

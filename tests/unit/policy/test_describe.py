"""The description of the language is what the readers ask for: complete, and read without a fault."""

import pytest

from fairlead.model.facet import Facet
from fairlead.model.life import line_ends
from fairlead.model.resources import kinds, methods, session_actions
from fairlead.policy.describe import EXAMPLES, facets_described, kinds_described
from fairlead.policy.read import read_resources


@pytest.mark.parametrize("kind", kinds)
def test_each_example_is_read_without_a_fault(kind):
    resources, faults = read_resources(EXAMPLES[kind], file=kind)
    assert faults == ()
    assert [type(one).__name__ for one in resources] == [kind]


@pytest.mark.parametrize("kind", kinds)
def test_every_field_that_a_reader_knows_is_in_the_example(kind):
    """An unknown key makes the reader list those it knows: each of them must be described."""
    described = {one.path for shape in kinds_described() if shape.kind == kind for one in shape.fields}
    wrong = EXAMPLES[kind].replace("spec:\n", "spec:\n  zzzz: 1\n").replace("metadata: {", "metadata: {zzzz: 1, ")
    _, faults = read_resources(wrong, file=kind)
    (listed,) = [fault.expected for fault in faults if fault.path == "spec.zzzz"]
    named = {f"spec.{name}" for name in listed.removeprefix("one of: ").split(", ")}
    assert named <= described
    assert len(named) >= 2


def fields(kind):
    return {one.path: one for shape in kinds_described() if shape.kind == kind for one in shape.fields}


def test_words_types_and_contexts_are_those_of_the_readers():
    policy, session = fields("Policy"), fields("SessionPolicy")
    assert policy["spec.set.network.method"].words == methods
    assert policy["spec.set.network.method"].required
    assert not policy["spec.set.network.lease"].required
    assert (policy["spec.match"].type, policy["spec.match"].context) == ("condition", "device")
    assert policy["spec.couple[]"].words == tuple(map(str, Facet))
    assert policy["spec.admit.paced"].expected == "a count per period, such as 500/h or 5000/day"
    assert policy["kind"].words == kinds
    assert policy["spec.tests[].given"].context == "device"
    assert session["spec.rules[].then.action"].words == session_actions
    assert session["spec.rules[].if"].context == "session"
    assert fields("Steering")["spec.prefer[].when"].context == "network"
    strategy = fields("Strategy")
    assert strategy["spec.tiers[].when"].context == "country"
    assert strategy["spec.regions.*"].type == "list"
    assert {f"spec.set.{facet}" for facet in Facet} <= policy.keys()
    assert policy["spec.set.life.subscription"].words == line_ends
    assert {one.type for shape in kinds_described() for one in shape.fields} <= {
        "text", "word", "whole number", "true or false", "condition", "map", "list", "any",
    }  # fmt: skip


def test_facets_say_what_may_be_done_with_them():
    found = {one.facet: (one.merges, one.needs_until) for one in facets_described()}
    assert found["network"] == (False, True)
    assert found["config"] == (True, False)
    assert found["life"] == (False, False)
    assert len(found) == len(Facet)

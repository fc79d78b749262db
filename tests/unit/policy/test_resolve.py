"""Documents with reasons: priorities, merges, collisions without tie-breaks."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.model.document import canonical, digest
from fairlead.model.facet import Facet
from fairlead.model.resources import Policy, Setting
from fairlead.policy.collide import collisions_possible
from fairlead.policy.merge import merge_patch
from fairlead.policy.read import read_resources
from fairlead.policy.resolve import Resolution, RuleInForce, documents

CONFIG = Facet.CONFIG


def rule(name: str, priority: int, value: dict[str, Any], *, merge: bool = True, facet: Facet = CONFIG) -> RuleInForce:
    return RuleInForce(
        policy=name,
        revision=1,
        priority=priority,
        reason=f"{name} says so",
        sets={facet: Setting(value=value, merge=merge)},
    )


def config(*rules: RuleInForce) -> dict[str, Any]:
    resolution = documents(rules)
    assert not resolution.collisions
    return dict(resolution.documents[CONFIG].value)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # RFC 7396 appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def test_priority_wins_value_by_value_and_every_value_has_its_chain() -> None:
    base = rule("global", 0, {"interval_s": 3600, "dns": ["1.1.1.1"], "radio": {"edrx": True, "psm": True}})
    region = rule("emea", 100, {"interval_s": 1800, "radio": {"psm": None}})
    country = rule("de", 200, {"interval_s": 900})
    for order in itertools.permutations([base, region, country]):
        resolution = documents(order)
        resolved = resolution.documents[CONFIG]
        assert resolved.value == {"interval_s": 900, "dns": ["1.1.1.1"], "radio": {"edrx": True}}
        assert resolved.content == b'{"dns":["1.1.1.1"],"interval_s":900,"radio":{"edrx":true}}'
        assert resolved.digest == digest(resolved.content)
        assert set(resolved.reasons) == {"/interval_s", "/dns", "/radio/edrx"}
        chain = resolved.reasons["/interval_s"]
        assert [(link.policy, link.priority, link.value) for link in chain] == [
            ("de", 200, 900), ("emea", 100, 1800), ("global", 0, 3600),
        ]  # fmt: skip
        assert chain[0].reason == "de says so"


def test_a_whole_value_replaces_and_the_chain_remembers() -> None:
    low = rule("low", 1, {"a": 1, "b": 2})
    whole = rule("whole", 2, {"a": 5}, merge=False)
    high = rule("high", 3, {"b": 7})
    resolved = documents([low, whole, high]).documents[CONFIG]
    assert resolved.value == {"a": 5, "b": 7}
    assert [(link.policy, link.value, link.removed) for link in resolved.reasons["/b"]] == [
        ("high", 7, False), ("whole", None, True), ("low", 2, False),
    ]  # fmt: skip


def collided(*rules: RuleInForce) -> dict[str, tuple[str, ...]]:
    resolution = documents(rules)
    assert resolution == documents(list(reversed(rules)))
    assert bool(resolution.collisions) == (CONFIG not in resolution.documents)
    return {collision.path: collision.policies for collision in resolution.collisions}


@pytest.mark.parametrize(
    ("left", "right", "paths"),
    [
        (rule("a", 1, {"x": 1}), rule("b", 1, {"x": 2}), {"/x"}),
        (rule("a", 1, {"x": 1}), rule("b", 1, {"x": 1}), set()),
        (rule("a", 1, {"x": 1}), rule("b", 1, {"x": 1.0}), set()),
        (rule("a", 1, {"x": 1}), rule("b", 1, {"x": True}), {"/x"}),
        (rule("a", 1, {"x": 1}), rule("b", 1, {"y": 2}), set()),
        (rule("a", 1, {"x": None}), rule("b", 1, {"x": 2}), {"/x"}),
        (rule("a", 1, {"x": {"y": 1}}), rule("b", 1, {"x": {"z": 1}}), set()),
        (rule("a", 1, {"x": {"y": 1}}), rule("b", 1, {"x": {}}), set()),
        (rule("a", 1, {"x": {"y": 1}}), rule("b", 1, {"x": 3}), {"/x"}),
        (rule("a", 1, {"x": [1, 2]}), rule("b", 1, {"x": [2, 1]}), {"/x"}),
        (rule("a", 1, {"x": 1}, merge=False), rule("b", 1, {"x": 1}, merge=False), set()),
        (rule("a", 1, {"x": 1}, merge=False), rule("b", 1, {"x": 1, "y/z": 2}, merge=False), {"/y~1z"}),
        (rule("a", 1, {"x": 1, "y": 2}, merge=False), rule("b", 1, {"x": 1}), set()),
        (rule("a", 1, {"x": 1}, merge=False), rule("b", 1, {"y": 1}), {"/y"}),
        (rule("a", 1, {"x": 1}, merge=False), rule("b", 1, {"y": None}), set()),
        (rule("a", 1, {"x": 1}, merge=False), rule("b", 1, {"x": None}), {"/x"}),
        (rule("a", 1, {"x": 1}), rule("b", 2, {"x": 2}), set()),
    ],
)
def test_one_priority_two_minds(left: RuleInForce, right: RuleInForce, paths: set[str]) -> None:
    found = collided(left, right)
    assert set(found) == paths
    assert all(names == ("a@1", "b@1") for names in found.values())


def test_a_higher_priority_settles_what_lower_ones_dispute() -> None:
    left, right = rule("a", 1, {"x": {"y": 1}}), rule("b", 1, {"x": {"y": 2}})
    assert not collided(left, right, rule("c", 2, {"x": {"y": 3}}))
    assert not collided(left, right, rule("c", 2, {"x": 3}))
    assert not collided(left, right, rule("c", 2, {"z": 3}, merge=False))
    assert set(collided(left, right, rule("c", 2, {"z": 3}))) == {"/x/y"}
    assert set(collided(left, right, rule("c", 2, {"x": {}}))) == {"/x/y"}
    assert not collided(left, right, rule("c", 2, {"x": {"y": None}}))


def test_a_collision_in_one_facet_leaves_the_others() -> None:
    flags = rule("c", 1, {"on": True}, facet=Facet.FLAGS)
    resolution = documents([rule("a", 1, {"x": 1}), rule("b", 1, {"x": 2}), flags])
    assert set(resolution.documents) == {Facet.FLAGS}
    assert resolution.collisions[0].facet is CONFIG
    assert documents([]) == Resolution(documents={}, collisions=())


keys = st.sampled_from("abc")
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.lists(st.integers(0, 1), max_size=1),
    lambda inner: st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.dictionaries(keys, values, max_size=3), st.booleans()), max_size=4),
    st.randoms(),
)
def test_order_never_matters_and_the_first_reason_holds_the_value(drawn: list[Any], random: Any) -> None:
    rules = [rule(f"p{n}", priority, value, merge=merge) for n, (priority, value, merge) in enumerate(drawn)]
    shuffled = list(rules)
    random.shuffle(shuffled)
    resolution = documents(rules)
    assert documents(shuffled) == resolution
    if CONFIG not in resolution.documents:
        return
    resolved = resolution.documents[CONFIG]
    for where, chain in resolved.reasons.items():
        value: Any = resolved.value
        for part in where.split("/")[1:]:
            value = value[part]
        assert canonical({"": chain[0].value}) == canonical({"": value})


# --- could two policies ever collide?


def policies(left: dict[str, str], right: dict[str, str]) -> tuple[Policy, Policy]:
    made = []
    for fields in (left, right):
        spec = {"priority": "1", "set": "{config: {merge: {x: 1}}}", "reason": "r"} | fields
        quoted = {key: f"'{value}'" if key in {"match", "until"} else value for key, value in spec.items()}
        lines = "".join(f"  {key}: {value}\n" for key, value in quoted.items())
        text = f"apiVersion: fairlead/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n{lines}"
        (policy,), faults = read_resources(text, file="f")
        assert not faults
        assert isinstance(policy, Policy)
        made.append(policy)
    return made[0], made[1]


OTHER = "{config: {merge: {x: 2}}}"


@pytest.mark.parametrize(
    ("left", "right", "possible"),
    [
        ({"match": 'country == "BR"'}, {"match": 'country == "CL"', "set": OTHER}, False),
        ({"match": 'country == "BR"'}, {"match": 'country == "BR"', "set": OTHER}, True),
        ({"match": 'country == "BR"'}, {"match": 'country == "BR"'}, False),
        ({"match": 'country == "BR"'}, {"match": 'country == "BR"', "set": OTHER, "priority": "2"}, False),
        ({"match": 'country == "BR" && roaming'}, {"match": 'country in ["CL", "AR"] && roaming', "set": OTHER}, False),
        ({"match": 'country == "BR" || country == "CL"'}, {"match": 'country == "AR"', "set": OTHER}, False),
        ({"match": 'country == "BR" || roaming'}, {"match": 'country == "AR"', "set": OTHER}, True),
        ({"match": 'country == "BR"'}, {"match": 'sku == "a"', "set": OTHER}, True),
        ({"match": 'country != "BR"'}, {"match": 'country == "BR"', "set": OTHER}, True),
        ({"match": '"BR" == country', "until": 'country != "BR"'}, {"match": 'country == "CL"', "set": OTHER}, False),
        ({"match": 'country == "BR"', "until": "!roaming"}, {"match": 'country == "CL"', "set": OTHER}, True),
        ({"match": 'country == "BR"', "until": 'country == "CL"'}, {"match": 'country == "AR"', "set": OTHER}, True),
    ],
)
def test_only_provably_separate_conditions_are_taken_as_apart(
    left: dict[str, str], right: dict[str, str], possible: bool
) -> None:
    first, second = policies(left, right)
    assert collisions_possible(first, second) == (((CONFIG, "/x"),) if possible else ())
    assert collisions_possible(second, first) == collisions_possible(first, second)

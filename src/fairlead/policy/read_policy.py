"""A `Policy` from its map: what it matches, what it sets, how it lets devices in and out.

`policy.read` calls it. The rules that keep a fleet safe are enforced here, where the line number is
known: a policy on the network or the subscription says how it ends, only what can be merged is
merged, and what is coupled is set.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from fairlead.model.document import Json
from fairlead.model.expression import negation
from fairlead.model.facet import Facet
from fairlead.model.life import LONGEST_WAIT_S, NEVER, life_states, line_ends
from fairlead.model.resources import (
    AUTO_FACETS,
    DEFAULT_PACE,
    MERGEABLE,
    NEEDS_UNTIL,
    Admit,
    Ask,
    Auto,
    Condition,
    Metadata,
    Paced,
    Policy,
    PolicyTest,
    Setting,
    methods,
)
from fairlead.policy.check import read_timestamp
from fairlead.policy.fields import LABEL, Fields, positive_duration
from fairlead.policy.quantities import read_rate
from fairlead.policy.yaml_tree import Members, Node, Scalar

_PRIORITY_LIMIT: Final = 1_000_000
_SUBSCRIPTION_STATES: Final = (
    "inventory", "test", "ready", "active", "standby", "suspended", "deactivated", "terminated",
)  # fmt: skip
_EXPECTATIONS: Final = ("match", "no-match", "until", "no-until")
_ADMIT: Final = "auto, ask, or {paced: 500/h, ask_above: 5000/day}"
_RATE: Final = "a count per period, such as 500/h or 5000/day"


def read_policy(metadata: Metadata, spec: Fields, line: int) -> Policy | None:
    """The policy, or None where something needed is missing or wrong; the faults say what."""
    priority = spec.whole("priority", "a whole number; higher wins", low=-_PRIORITY_LIMIT, high=_PRIORITY_LIMIT)
    match = spec.condition("match", "device")
    sets = _sets(spec)
    until = _until(spec, match, frozenset(sets))
    admit = _admit(spec, frozenset(sets))
    couple = _couple(spec, frozenset(sets))
    reason = spec.text("reason", "why this policy exists, for the people who meet its effects")
    expires = spec.read("expires", read_timestamp, "an instant, such as 2027-01-31T00:00:00Z", optional=True)
    observe = spec.flag("observe")
    tests = _tests(spec)
    spec.done()
    if priority is None or match is None or until is None or admit is None or reason is None:
        return None
    return Policy(
        metadata=metadata,
        priority=priority,
        match=match,
        until=until,
        admit=admit,
        sets=sets,
        couple=couple,
        reason=reason,
        expires=expires,
        observe=observe,
        tests=tests,
        line=line,
    )


def _until(spec: Fields, match: Condition | None, facets: frozenset[Facet]) -> Condition | None:
    if Facet.LIFE in facets:
        node = spec.get("until")
        if node is not None:
            expected = "nothing: what a life has passed is taken back by rollback, or by another Change"
            spec.faults.add(node, spec.name("until"), expected)
        return Condition(text="false", expr=NEVER)
    if "until" in spec.node.members:
        return spec.condition("until", "device")
    spec.get("until")
    bound = sorted(facets & NEEDS_UNTIL)
    if bound:
        spec.faults.add(
            spec.node,
            spec.name("until"),
            f"how it ends: a policy on {' and '.join(bound)} must not undo itself by succeeding",
            value="nothing",
        )
        return None
    return None if match is None else Condition(text=f"!({match.text})", expr=negation(match.expr))


def _admit(spec: Fields, facets: frozenset[Facet]) -> Admit | None:
    node = spec.get("admit")
    if node is None:
        return Auto() if facets <= AUTO_FACETS else DEFAULT_PACE
    if isinstance(node, Scalar) and node.text in {"auto", "ask"}:
        return Auto() if node.text == "auto" else Ask()
    if not isinstance(node, Members):
        spec.faults.add(node, spec.name("admit"), _ADMIT)
        return None
    fields = Fields(node, spec.name("admit"), spec.faults)
    rate = fields.read("paced", read_rate, _RATE)
    ask_above = fields.read("ask_above", read_rate, _RATE, optional=True)
    fields.done()
    return None if rate is None else Paced(rate=rate, ask_above=ask_above)


def _sets(spec: Fields) -> dict[Facet, Setting]:
    fields = spec.fields("set", "a map of facets, such as {config: {merge: {interval_s: 900}}}")
    sets: dict[Facet, Setting] = {}
    if fields is None:
        return sets
    for facet in Facet:
        node = fields.get(facet)
        if node is None:
            continue
        setting = _setting(fields, facet, node)
        if setting is not None:
            sets[facet] = setting
    fields.done()
    if not fields.node.members:
        fields.faults.add(fields.node, fields.path, "at least one facet", value="an empty map")
    if Facet.LIFE in sets and len(sets) > 1:
        expected = "life alone: a device that is activated takes what all its policies say in the same move"
        fields.faults.add(fields.node, fields.path, expected, value=", ".join(sorted(sets)))
    return sets


def _setting(fields: Fields, facet: Facet, node: Node) -> Setting | None:
    path = fields.name(facet)
    if not isinstance(node, Members):
        fields.faults.add(node, path, "a map: the facet's value, or {merge: {…}}")
        return None
    if "merge" in node.members:
        if facet not in MERGEABLE:
            expected = f"the whole value: {facet} is decided as one; only {', '.join(sorted(MERGEABLE))} merge"
            fields.faults.at(node.keys["merge"], f"{path}.merge", "merge", expected)
            return None
        if len(node.members) > 1:
            fields.faults.add(node, path, "either {merge: {…}} or a value, not both")
            return None
        patch = fields.json_of(node.members["merge"], f"{path}.merge", "a map of what to change")
        return None if patch is None else Setting(value=patch, merge=True)
    inner = Fields(node, path, fields.faults)
    match facet:
        case Facet.NETWORK:
            value = _network(inner)
        case Facet.SUBSCRIPTION:
            value = _subscription(inner)
        case Facet.LIFE:
            value = _life(inner)
        case _:
            value = inner.json_of(node, path, "a map")
    return None if value is None else Setting(value=value, merge=False)


def _network(fields: Fields) -> Mapping[str, Json] | None:
    carrier = fields.text("carrier", "the name of a carrier account, such as local-br", pattern=LABEL)
    method = fields.choice("method", methods)
    apn = fields.text("apn", "an access point name")
    lease = fields.read("lease", positive_duration, "whole seconds, such as 15m", optional=True)
    release = fields.choice("release", ("keep", "suspend"), optional=True)
    fields.done()
    if carrier is None or method is None or apn is None:
        return None
    value: dict[str, Json] = {"carrier": carrier, "method": method, "apn": apn}
    if release is not None:
        value["release"] = release
    if lease is not None:
        value["lease_s"] = lease // timedelta(seconds=1)
    return value


def _subscription(fields: Fields) -> Mapping[str, Json] | None:
    state = fields.choice("state", _SUBSCRIPTION_STATES)
    plan = fields.text("plan", "the name of a plan", optional=True)
    fields.done()
    if state is None:
        return None
    return {"state": state} if plan is None else {"state": state, "plan": plan}


def _life(fields: Fields) -> Mapping[str, Json] | None:
    state = fields.choice("state", life_states)
    if state != "retired":
        expected = f"seconds from 60 to {LONGEST_WAIT_S}: how long the proof may take"
        within = fields.whole("within_s", expected, low=60, high=LONGEST_WAIT_S, optional=True)
        fields.done()
        if state is None:
            return None
        return {"state": state} if within is None else {"state": state, "within_s": within}
    wipe = fields.flag("wipe", absent=True)
    subscription = fields.choice("subscription", line_ends, optional=True) or "deactivated"
    fields.done()
    return {"state": state, "wipe": wipe, "subscription": subscription}


def _couple(spec: Fields, facets: frozenset[Facet]) -> tuple[Facet, ...]:
    items = spec.items("couple", "a list of two or more facets that this policy sets", optional=True)
    if items is None:
        return ()
    found: list[Facet] = []
    for index, node in enumerate(items):
        path = f"{spec.name('couple')}[{index}]"
        facet = spec.choice_of(node, path, tuple(Facet))
        if facet is None:
            continue
        if facet not in facets:
            spec.faults.add(node, path, "a facet that this policy sets")
        elif facet in found:
            spec.faults.add(node, path, "each facet once")
        else:
            found.append(facet)
    if len(items) == 1:
        spec.faults.add(items[0], spec.name("couple"), "two or more facets: one alone has nothing to move with")
    return tuple(found)


def _tests(spec: Fields) -> tuple[PolicyTest, ...]:
    tests: list[PolicyTest] = []
    for fields in spec.each("tests", "a list of {given, expect}", optional=True):
        given = fields.given("device")
        expect = fields.choice("expect", _EXPECTATIONS)
        fields.done()
        if expect is not None:
            tests.append(PolicyTest(given=given, expect=expect, line=fields.node.line))
    return tuple(tests)

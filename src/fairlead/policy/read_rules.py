"""`Strategy`, `Steering`, `SessionPolicy` and `Grant` from their maps.

`policy.read` calls them. What they share is an order in which the first entry that fits decides, so
each refuses an entry that could never be reached.
"""

import re
from ipaddress import ip_network
from typing import Final

from fairlead.model.expression import Expr
from fairlead.model.resources import (
    Allowance,
    Condition,
    Grant,
    Metadata,
    Preference,
    SessionAction,
    SessionPolicy,
    SessionRule,
    SessionTest,
    Steering,
    Strategy,
    StrategyTest,
    Tier,
    alert_levels,
    methods,
    protocols,
    session_actions,
)
from fairlead.policy.check import unreachable
from fairlead.policy.fields import Fields, positive_duration
from fairlead.policy.quantities import read_bit_rate
from fairlead.policy.yaml_tree import Items, Scalar

COUNTRY: Final = re.compile(r"[A-Z]{2}")
_PLMN: Final = re.compile(r"\d{3}-\d{2,3}")
_HOST: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
_PORTS: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_LAST_PORT: Final = 65_535
_COUNTRIES: Final = "a list of countries as two capital letters, such as [DE, FR]"


def read_strategy(metadata: Metadata, spec: Fields, line: int) -> Strategy | None:
    """The strategy, or None with faults."""
    regions = _regions(spec)
    tiers: list[Tier] = []
    places: list[Fields] = []
    for fields in spec.each("tiers", "a list of {when, use}, the most wanted first"):
        use = fields.choice("use", methods)
        when = fields.condition("when", "country", optional=True)
        countries = _countries(fields, "countries")
        named = _region_names(fields, regions)
        fields.done()
        if use is not None:
            tiers.append(Tier(when=when, use=use, countries=countries, regions=named))
            places.append(fields)
    for index, former in _shadowed_tiers(tiers):
        _unreached(places[index], index, former)
    tests: list[StrategyTest] = []
    for fields in spec.each("tests", "a list of {given, expect}", optional=True):
        given = fields.given("country")
        expect = fields.choice("expect", methods)
        fields.done()
        if expect is not None:
            tests.append(StrategyTest(given=given, expect=expect, line=fields.node.line))
    spec.done()
    return Strategy(metadata=metadata, regions=regions, tiers=tuple(tiers), tests=tuple(tests), line=line)


def _shadowed_tiers(tiers: list[Tier]) -> list[tuple[int, int]]:
    """Within each scope by itself, since a narrower scope is asked first whatever the order."""
    scopes = list(dict.fromkeys((tier.countries, tier.regions) for tier in tiers))
    found: list[tuple[int, int]] = []
    for scope in scopes:
        same = [index for index, tier in enumerate(tiers) if (tier.countries, tier.regions) == scope]
        conditions = [_expr(tiers[index].when) for index in same]
        found.extend((same[index], same[former]) for index, former in unreachable(conditions))
    return found


def _regions(spec: Fields) -> dict[str, tuple[str, ...]]:
    fields = spec.fields("regions", "a map of regions to lists of countries", optional=True)
    return {} if fields is None else {name: _countries(fields, name) for name in fields.node.members}


def _countries(fields: Fields, key: str) -> tuple[str, ...]:
    items = fields.items(key, _COUNTRIES, optional=True) or ()
    read = [fields.text_of(node, f"{fields.name(key)}[{at}]", _COUNTRIES, COUNTRY) for at, node in enumerate(items)]
    return tuple(dict.fromkeys(country for country in read if country is not None))


def _region_names(fields: Fields, regions: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    items = fields.items("regions", "a list of regions of this strategy", optional=True) or ()
    path = fields.name("regions")
    read = [fields.choice_of(node, f"{path}[{at}]", tuple(regions)) for at, node in enumerate(items)]
    return tuple(dict.fromkeys(name for name in read if name is not None))


def read_steering(metadata: Metadata, spec: Fields, line: int) -> Steering | None:
    """The steering list, or None with faults."""
    match = spec.condition("match", "device")
    prefer: list[Preference] = []
    for fields in spec.each("prefer", "a list of {plmn, when, premium}, the most wanted first"):
        plmn = fields.text("plmn", 'a network as MCC-MNC in quotes, such as "262-02"', pattern=_PLMN)
        when = fields.condition("when", "network", optional=True)
        premium = fields.flag("premium")
        fields.done()
        if plmn is None:
            continue
        if any(former.plmn == plmn for former in prefer):
            fields.faults.add(fields.node, fields.name("plmn"), "each network once", value=plmn)
        prefer.append(Preference(plmn=plmn, when=when, premium=premium))
    unordered = spec.choice("premium_without_order", ("allow", "bar"), optional=True)
    shared = spec.flag("shared")
    spec.done()
    if match is None:
        return None
    return Steering(
        metadata=metadata, match=match, prefer=tuple(prefer), premium=unordered or "allow", shared=shared, line=line
    )


def read_session_policy(metadata: Metadata, spec: Fields, line: int) -> SessionPolicy | None:
    """The session rules, or None with faults."""
    rules: list[SessionRule] = []
    places: list[Fields] = []
    for fields in spec.each("rules", "a list of {if, then}; the first that matches decides"):
        condition = fields.condition("if", "session")
        then = fields.fields("then", "what to do, such as {action: quarantine, alert: high}")
        fields.done()
        rule = None if then is None else _rule(condition, then)
        if rule is not None:
            rules.append(rule)
            places.append(fields)
    for index, former in unreachable([rule.condition.expr for rule in rules]):
        _unreached(places[index], index, former)
    tests: list[SessionTest] = []
    for fields in spec.each("tests", "a list of {given, expect}", optional=True):
        given = fields.given("session")
        expect = fields.choice("expect", session_actions)
        fields.done()
        if expect is not None:
            tests.append(SessionTest(given=given, expect=expect, line=fields.node.line))
    spec.done()
    return SessionPolicy(metadata=metadata, rules=tuple(rules), tests=tuple(tests), line=line)


def _rule(condition: Condition | None, then: Fields) -> SessionRule | None:
    action: SessionAction | None = then.choice("action", session_actions)
    alert = then.choice("alert", alert_levels, optional=True)
    rate = then.read("rate", read_bit_rate, "a bit rate, such as 64kbit", optional=True)
    duration = then.read("for", positive_duration, "whole seconds, such as 24h", optional=True)
    then.done()
    if action == "throttle" and "rate" not in then.node.members:
        then.faults.add(then.node, then.name("rate"), "the rate to throttle to, such as 64kbit", value="nothing")
    if action not in {None, "throttle"} and rate is not None:
        then.faults.add(then.node.members["rate"], then.name("rate"), "no rate: only throttle has one")
    if condition is None or action is None:
        return None
    return SessionRule(condition=condition, action=action, alert=alert, rate_bps=rate, duration=duration)


def read_grant(metadata: Metadata, spec: Fields, line: int) -> Grant | None:
    """The grant, or None with faults."""
    match = spec.condition("match", "device")
    allow: list[Allowance] = []
    for fields in spec.each("allow", "a list of {to, protocol, ports}"):
        to = fields.read("to", _destination, "a host name, an address or a network such as 10.9.0.0/24")
        protocol = fields.choice("protocol", protocols, optional=True) or "any"
        ports = _ports(fields)
        if ports and protocol not in {"tcp", "udp"}:
            fields.faults.add(
                fields.node, fields.name("ports"), "protocol tcp or udp where ports are named", value=protocol
            )
        fields.done()
        if to is not None:
            allow.append(Allowance(to=to, protocol=protocol, ports=ports))
    spec.done()
    return None if match is None else Grant(metadata=metadata, match=match, allow=tuple(allow), line=line)


def _destination(text: str) -> str | None:
    bare = text.strip()
    try:
        return str(ip_network(bare))
    except ValueError:
        named = _HOST.fullmatch(bare) is not None and re.search("[A-Za-z]", bare) is not None
        return bare.lower() if named else None


def _ports(fields: Fields) -> tuple[tuple[int, int], ...]:
    expected = 'ports from 1 to 65535, such as [8883, "5000-5100"]'
    node = fields.get("ports")
    if node is None:
        return ()
    if not isinstance(node, Items) or not node.items:
        fields.faults.add(node, fields.name("ports"), expected)
        return ()
    ports: list[tuple[int, int]] = []
    for index, item in enumerate(node.items):
        found = _PORTS.fullmatch(item.text) if isinstance(item, Scalar) else None
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if 1 <= first <= last <= _LAST_PORT:
            ports.append((first, last))
        else:
            fields.faults.add(item, f"{fields.name('ports')}[{index}]", expected)
    return tuple(ports)


def _expr(condition: Condition | None) -> Expr | None:
    return None if condition is None else condition.expr


def _unreached(fields: Fields, index: int, former: int) -> None:
    if index == former:
        value, expected = "a condition that is always false", "a condition that can hold, or no entry"
    else:
        value = "an entry that is never reached"
        expected = f"entry {former + 1} already decides everything that entry {index + 1} could; put the narrower first"
    fields.faults.add(fields.node, fields.path, expected, value=value)

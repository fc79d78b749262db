"""Whether two policies could ever want one value differently on one device, told from their text alone.

`plan` and `apply` call it to warn; whether devices collide *now* is asked of the fleet. It errs on
the side of yes: only conditions that name different values of one fact (country, SKU, group, …) are
taken as apart.
"""

from fairlead.model.expression import constraints
from fairlead.model.facet import Facet
from fairlead.model.resources import Policy
from fairlead.policy.resolve import conflicts


def collisions_possible(left: Policy, right: Policy) -> tuple[tuple[Facet, str], ...]:
    """The values (facet and JSON pointer) that both set, differently, at one priority, on devices both may hold.

    A device stays in a policy until its `until`, so what counts is where each may be *in force*,
    not only where it matches.
    """
    if left.priority != right.priority or _apart(left, right):
        return ()
    return tuple(
        (facet, path)
        for facet in Facet
        if facet in left.sets and facet in right.sets
        for path in sorted(conflicts(left.sets[facet], right.sets[facet]))
    )


def _apart(left: Policy, right: Policy) -> bool:
    here, there = _held(left), _held(right)
    return any(not (here[fact] & there[fact]) for fact in here.keys() & there.keys())


def _held(policy: Policy) -> dict[str, frozenset[str]]:
    """The values that string facts may have while the policy is in force: it matched, or has not ended."""
    entering = constraints(policy.match.expr)
    staying = constraints(policy.until.expr, truth=False)
    return {fact: entering[fact] | staying[fact] for fact in entering.keys() & staying.keys()}

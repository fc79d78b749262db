"""Session rules and steering lists, judged: the first rule that matches, the networks that may be used.

Called by the listener that judges sessions and by `policy.proof`. Facts that are absent match nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from fairlead.model.expression import Value
from fairlead.model.resources import Preference, SessionPolicy, SessionRule, Steering
from fairlead.policy.evaluate import holds


def judged(policy: SessionPolicy, facts: Mapping[str, Value], now: datetime) -> SessionRule | None:
    """The first rule that holds; None where none does and the session is accepted."""
    return next((rule for rule in policy.rules if holds(rule.condition.expr, facts, now)), None)


def preferred(steering: Steering, candidates: Mapping[str, Mapping[str, Value]], now: datetime) -> Sequence[Preference]:
    """The usable networks in the order of preference; premium ones only where nothing cheaper is usable.

    `candidates` maps each network in reach, as MCC-MNC, to its facts.
    """
    usable = [
        choice
        for choice in steering.prefer
        if choice.plmn in candidates
        and (choice.when is None or holds(choice.when.expr, {"plmn": choice.plmn, **candidates[choice.plmn]}, now))
    ]
    plain = [choice for choice in usable if not choice.premium]
    return plain or usable

"""A `UsageRule` at one carrier account: whether it can be judged there, and what it can do there. Pure.

What a carrier has no verb for falls back to the alert, and says so; what it charges for or takes back for
nobody waits for a person each time, as every bulk action does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fairlead.model.resources import Above, UsageRule
from fairlead.model.subscription import CapabilityRecord, Verb, capability
from fairlead.model.usage import cannot
from fairlead.plan.agreement import why_agree

_SHARED: Final = {"group": "its carrier group", "account": "the whole account"}
_FINE: Final = frozenset({"minutes", "hour", "day"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AtAccount:
    """One account as its connector declares it."""

    account: str
    record: CapabilityRecord | None  # None: an account without an interface
    withheld: str = ""  # why nothing may be written there
    verbs: frozenset[str] = frozenset()  # what may be asked there


@dataclass(frozen=True, slots=True, kw_only=True)
class Comes:
    """What a rule comes to at an account."""

    account: str
    unjudged: str  # why it cannot be judged there; empty: it can
    verb: Verb | None  # what is asked of the carrier; None: only told
    arguments: Mapping[str, Any]
    undoable: str  # why it is only told, where the rule asks for more
    waits: str  # why a person is asked each time


def comes_to(rule: UsageRule, at: AtAccount, *, charges: bool = True) -> Comes:
    """Whether and how the rule works there. `charges`: a person must agree to what a carrier charges for."""
    unjudged = _unjudged(rule, at.record)
    verb, arguments, because = _asked(rule, at)
    if not because and verb is not None:
        because = _undoable(verb, at)
    if because:
        verb = None
    waits = ""
    if verb is not None and at.record is not None:
        waits = why_agree([(at.account, verb.value, capability(at.record, verb))], charges=charges)
    return Comes(account=at.account, unjudged=unjudged, verb=verb, arguments=arguments, undoable=because, waits=waits)


def _unjudged(rule: UsageRule, record: CapabilityRecord | None) -> str:
    """What a carrier's own account of its usage rules out; files may bring what it does not."""
    usage = record.usage if record is not None else None
    if usage is None:
        return ""
    whole = isinstance(rule.measure, Above) and rule.measure.window == "month"
    if not whole and not _FINE & set(usage.granularities):
        return f"it counts by {' or '.join(usage.granularities)}, and the rule asks for less than a month"
    return cannot(rule, usage.lag_typical)


def _asked(rule: UsageRule, at: AtAccount) -> tuple[Verb | None, Mapping[str, Any], str]:
    match rule.then.action:
        case None:
            return None, {}, ""
        case "suspend":
            return Verb.SUSPEND, {}, ""
        case "limit":
            scope = at.record.limit_scope if at.record is not None else "none"
            shared = f"a ceiling there is not the line's own but binds {_SHARED[scope]}" if scope in _SHARED else ""
            return Verb.SET_LIMIT, {"bytes": rule.then.limit_bytes}, shared
        case "throttle":
            return _speed(rule.then.rate_bps or 0, at.record)


def _speed(rate: int, record: CapabilityRecord | None) -> tuple[Verb | None, Mapping[str, Any], str]:
    """The fastest class that is not faster than the rate."""
    speeds: Mapping[str, int] = record.speeds if record is not None else {}
    fitting = [(bps, name) for name, bps in speeds.items() if bps <= rate]
    if fitting:
        return Verb.SET_SPEED, {"speed": max(fitting)[1]}, ""
    slowest = f"; its slowest class is {min(speeds.values()) // 1_000:,} kbit/s" if speeds else ""
    return Verb.SET_SPEED, {}, slowest.removeprefix("; ")


def _undoable(verb: Verb, at: AtAccount) -> str:
    if at.record is None:
        return "the account has no interface: its lines are changed by hand"
    able = capability(at.record, verb)
    if not able.supported:
        return f"not possible at this carrier, because {able.because}"
    if verb.value not in at.verbs:
        return at.withheld or "its settings do not allow it"
    return ""

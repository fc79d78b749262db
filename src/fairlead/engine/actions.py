"""Actions: what a person asks of given devices, as a policy of its own and a plan like any other.

"Suspend these 3,000 for a week" is not a call to a carrier, it is a wish with a reason: it becomes a
revision that nobody enters by matching it, and the plan names who is put into it. So it has impact,
stages, gates, proof and a way back, and `why` can say why a device is as it is. Where it has an end,
the clock rolls it back; where it has none, it settles and is closed, and stands for nobody else.

`Planner.act` calls this. The newest action on a facet takes the place of earlier ones.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from typing import Literal as Only
from uuid import UUID

from fairlead.model.expression import Expr, Literal
from fairlead.model.facet import Facet
from fairlead.model.life import LineEnd, may_pass, read_life
from fairlead.model.resources import API_VERSION, Condition, Policy

ActionVerb = Only["activate", "retire", "suspend", "resume", "deactivate", "standby"]
action_verbs: Final[tuple[ActionVerb, ...]] = ("activate", "retire", "suspend", "resume", "deactivate", "standby")
LABEL: Final = "action"
PRIORITY: Final = 900_000  # above what people write for fleets, below what they may write against it
MOST_NAMES: Final = 10_000  # more are selected by a condition
_STATES: Final[Mapping[str, str]] = {
    "suspend": "suspended",
    "resume": "active",
    "deactivate": "deactivated",
    "standby": "standby",
}
EVERYONE: Final = Literal(type="bool", value=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which devices: by name, or by what holds for them when the plan is made."""

    names: tuple[str, ...] = ()
    match: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionAsked:
    """What is asked, of whom, and for how long."""

    verb: ActionVerb
    chosen: Chosen
    reason: str
    lasts: timedelta | None = None  # of what a subscription is set to; then the clock takes it back
    within: timedelta | None = None  # on activation, how long the proof may take
    wipe: bool = True  # on retirement
    subscription: LineEnd = "deactivated"  # on retirement


def facet_of(action: ActionAsked) -> Facet:
    """The facet that it sets."""
    return Facet.LIFE if action.verb in ("activate", "retire") else Facet.SUBSCRIPTION


def document(action: ActionAsked) -> dict[str, Any]:
    """What it sets the facet to."""
    match action.verb:
        case "activate":
            waits = {} if action.within is None else {"within_s": int(action.within.total_seconds())}
            return {"state": "active", **waits}
        case "retire":
            return {"state": "retired", "wipe": action.wipe, "subscription": action.subscription}
        case _:
            return {"state": _STATES[action.verb]}


def passing(action: ActionAsked) -> Expr:
    """To which devices it is open at all; the others are left out and counted."""
    return may_pass(read_life(document(action))) if facet_of(action) is Facet.LIFE else EVERYONE


def policy_text(action: ActionAsked, number: UUID) -> str:
    """The policy that it is, as anyone may read it afterwards."""
    facet = facet_of(action)
    name = f"{action.verb}-{number.hex[-10:]}"
    lines = [
        f"apiVersion: {API_VERSION}",
        "kind: Policy",
        f"metadata: {{name: {name}, labels: {{{LABEL}: {action.verb}}}}}",
        "spec:",
        f"  priority: {PRIORITY}",
        "  match: 'false'",
        *([] if facet is Facet.LIFE else ["  until: 'false'"]),
        f"  set: {json.dumps({facet.value: document(action)})}",
        f"  reason: {json.dumps(action.reason or f'{action.verb} by hand', ensure_ascii=False)}",
    ]
    return "\n".join(lines) + "\n"


def overtaken(policies: Iterable[tuple[int, Policy]], facet: Facet) -> tuple[int, ...]:
    """The rules of earlier actions on a facet: the newest one takes their place."""
    return tuple(rule for rule, policy in policies if LABEL in policy.metadata.labels and facet in policy.sets)

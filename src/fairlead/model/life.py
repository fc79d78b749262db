"""What a `life` document says: a device's first activation, or its retirement.

A policy that sets it has no `until` of its own: a life is a passage and not a condition, and what
follows from it ends by another Change or by rollback. Until an activation lets a device in, no
other policy touches it; it then takes all that they say in the same Move. Who may pass is part of
the facet and never left to a policy's `match`: only what is outside can be activated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from typing import Literal as Only

from fairlead.model.expression import Expr, FactRef, In, Literal, Not
from fairlead.model.lifecycle import DeviceState, name

LifeState = Only["active", "retired"]
LineEnd = Only["keep", "suspended", "deactivated", "terminated"]
life_states: Final[tuple[LifeState, ...]] = ("active", "retired")
line_ends: Final[tuple[LineEnd, ...]] = ("keep", "suspended", "deactivated", "terminated")

# Where devices stand that no policy touches yet.
OUTSIDE: Final = (name(DeviceState.MANUFACTURED), name(DeviceState.BOOTSTRAPPED))
LONGEST_WAIT_S: Final = 3 * 366 * 86_400
NEVER: Final = Literal(type="bool", value=False)  # the `until` of every life

_STATE: Final = FactRef(type="string", name="state", column="device_state")
_OUTSIDE: Final = In(item=_STATE, options=Literal(type="list<string>", value=OUTSIDE))
_RETIRED: Final = In(item=_STATE, options=Literal(type="list<string>", value=(name(DeviceState.RETIRED),)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Where a device should stand, and how it gets there."""

    state: LifeState
    within_s: int | None = None  # on activation, how long the proof may take; None: as the planner says
    wipe: bool = True  # on retirement the device erases its data and says so
    subscription: LineEnd = "deactivated"  # what becomes of its subscriptions on retirement


def read_life(value: Mapping[str, Any]) -> Life:
    """A checked document as a value."""
    if value["state"] == "active":
        return Life(state="active", within_s=value.get("within_s"))
    return Life(state="retired", wipe=bool(value["wipe"]), subscription=value["subscription"])


def may_pass(life: Life) -> Expr:
    """Which devices this passage is open to."""
    return _OUTSIDE if life.state == "active" else Not(operand=_RETIRED)

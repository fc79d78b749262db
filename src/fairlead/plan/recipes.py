"""Situations to recipes: which steps, in which order, proved how and taken back how.

A network move makes before it breaks: the target subscription is made usable first, then the
device is told (network facet, with a dead-man lease, together with every facet coupled to it),
then the new path is proved, and only then is the old subscription released, if the policy asks.
A device whose life changes takes the same steps inside those of `plan.life`.
What cannot be done is said here, before anything runs.
"""

from dataclasses import replace
from typing import Any, Final

from fairlead.model.facet import Facet
from fairlead.model.life import Life, read_life
from fairlead.model.situation import FacetChange, Recipe, Role, SimSide, Situation, Step, withheld
from fairlead.plan.life import SHADOW_DEADLINE_S, deadline_s, first_activation, retirement
from fairlead.plan.peculiarities import told

DEFAULT_LEASE_S: Final = 600
_USABLE: Final = frozenset({"active", "ready"})  # ready goes live on first use
_LINE_VERBS: Final = {
    "active": "activate",
    "suspended": "suspend",
    "deactivated": "deactivate",
    "standby": "standby",
}
# What a device is told through its shadow; of its life it is told only to erase itself, by `plan.life`.
_DEVICE_FACETS: Final = frozenset(
    {Facet.NETWORK, Facet.CONFIG, Facet.FLAGS, Facet.TRAFFIC, Facet.FIRMWARE, Facet.CREDENTIAL}
)


def recipe_for(situation: Situation) -> Recipe:
    """The recipe for one situation. Pure: the same situation always gives the same recipe."""
    made = _made(situation)
    return replace(made, notes=(*made.notes, *told(made.steps, (situation.target, situation.current, *situation.sims))))


def _made(situation: Situation) -> Recipe:
    life = _life(situation)
    if life is not None and life.state == "retired":
        return retirement(situation, life)
    written = tuple(c for c in situation.changes if c.after is not None and c.facet in _DEVICE_FACETS)
    network = next((c for c in written if c.facet is Facet.NETWORK), None)
    steps: list[Step] = []
    notes: list[str] = []
    if network is not None:
        blocked = _blocked(situation, network)
        if blocked is not None:
            return blocked
    if written and not situation.reachable:
        return Recipe(
            steps=(),
            blocked="the device has never fetched its shadow and holds no credential: give it one first",
            block_code="device_unreachable",
        )
    before = _before(situation, network, life)
    unable = _unable(situation)
    if unable is not None:
        return unable
    if written:
        steps.append(_write(written, network))
    if network is not None and situation.current is not None:
        steps += _after(situation, network, situation.current, notes)
    if life is not None:
        return first_activation(situation, life, before, steps)
    steps = [*before, *steps, *_subscription(situation)]
    released = [c.facet.value for c in situation.changes if c.after is None]
    if released:
        notes.append(f"{', '.join(released)}: no policy sets it any more; it stays as it is, unmanaged")
    return Recipe(steps=tuple(steps), notes=tuple(notes))


def _blocked(situation: Situation, network: FacetChange) -> Recipe | None:
    target = situation.target
    wanted = _after_of(network).get("carrier")
    if target is None or target.connector is None:
        return Recipe(steps=(), blocked=f"no carrier account is named {wanted!r}", block_code="no_such_carrier")
    if not target.present:
        return Recipe(
            steps=(),
            blocked=f"the device has no profile of {target.account}: a swap order or a download is needed",
            block_code="no_profile",
        )
    if target.state == "terminated":
        return Recipe(steps=(), blocked=f"its subscription at {target.account} is terminated", block_code="terminated")
    if target.state not in _USABLE and "activate" not in target.verbs:
        return Recipe(
            steps=(),
            blocked=withheld(target)
            or f"its subscription at {target.account} is {target.state} and that carrier cannot activate it",
            block_code="reads_only" if target.withheld else "unsupported",
        )
    return None


def _life(situation: Situation) -> Life | None:
    change = next((c for c in situation.changes if c.facet is Facet.LIFE and c.after is not None), None)
    return None if change is None or change.after is None else read_life(change.after)


def _before(situation: Situation, network: FacetChange | None, life: Life | None) -> list[Step]:
    """Make before break: the way in is made usable first."""
    if network is not None and situation.target is not None:
        return _usable(situation.target, "target")
    if life is not None and situation.current is not None:
        return _usable(situation.current, "current")
    return []


def _usable(target: SimSide, on: Role) -> list[Step]:
    if target.state in _USABLE or "activate" not in target.verbs:
        return []
    return [
        Step(
            driver="carrier",
            verb="activate",
            on=on,
            account=target.account,
            facets=(Facet.SUBSCRIPTION,),
            proof="read-back",
            deadline_s=deadline_s(target, "activate"),
            undo="exact" if "suspend" in target.verbs else "forward-only",
            undo_verb="suspend" if "suspend" in target.verbs else None,
        )
    ]


def _write(written: tuple[FacetChange, ...], network: FacetChange | None) -> Step:
    return Step(
        driver="shadow",
        verb="write",
        on="device",
        account="",
        facets=tuple(sorted((c.facet for c in written), key=lambda f: f.number)),
        proof="session-and-reported" if network is not None else "reported",
        deadline_s=SHADOW_DEADLINE_S,
        undo="exact",
        undo_verb="write",
    )


def _after(situation: Situation, network: FacetChange, current: SimSide, notes: list[str]) -> list[Step]:
    release = _after_of(network).get("release", "keep")
    if release != "suspend" or situation.target is None or current.account == situation.target.account:
        return []
    if "suspend" not in current.verbs:
        why = withheld(current) or f"{current.account} has no call to suspend a SIM"
        notes.append(f"{why}: the old subscription stays active and billed")
        return []
    return [
        Step(
            driver="carrier",
            verb="suspend",
            on="current",
            account=current.account,
            facets=(Facet.SUBSCRIPTION,),
            proof="read-back",
            deadline_s=deadline_s(current, "suspend"),
            undo="exact",
            undo_verb="activate",
        )
    ]


def _wanted_line(situation: Situation) -> str | None:
    """The state that the subscription facet asks of the SIM in use; None where it asks nothing, or has it."""
    change = next((c for c in situation.changes if c.facet is Facet.SUBSCRIPTION and c.after is not None), None)
    wanted = None if change is None else str(_after_of(change).get("state"))
    return None if situation.current is not None and situation.current.state == wanted else wanted


def _unable(situation: Situation) -> Recipe | None:
    """A wish about the line that nobody can carry out is blocked: it would pass for done otherwise."""
    wanted = _wanted_line(situation)
    if wanted is None:
        return None
    current, verb = situation.current, _LINE_VERBS.get(wanted)
    if current is None:
        why = "the device has no SIM in use"
    elif current.connector is None:
        why = f"{current.account} has no interface: its lines are changed by hand"
    elif verb is None or verb not in current.verbs:
        why = withheld(current) or f"{current.account} has no call that makes a line {wanted}"
    else:
        return None
    return Recipe(steps=(), blocked=why, block_code="reads_only" if current and current.withheld else "unsupported")


def _subscription(situation: Situation) -> list[Step]:
    """The subscription facet by itself: the SIM in use is brought to the wanted state."""
    wanted, current = _wanted_line(situation), situation.current
    if wanted is None or current is None:
        return []
    verb = _LINE_VERBS[wanted]
    back = "activate" if verb in {"suspend", "deactivate", "standby"} else "suspend"
    return [
        Step(
            driver="carrier",
            verb=verb,
            on="current",
            account=current.account,
            facets=(Facet.SUBSCRIPTION,),
            proof="read-back",
            deadline_s=deadline_s(current, verb),
            undo="exact" if back in current.verbs else "forward-only",
            undo_verb=back if back in current.verbs else None,
        )
    ]


def _after_of(change: FacetChange) -> dict[str, Any]:
    return dict(change.after or {})

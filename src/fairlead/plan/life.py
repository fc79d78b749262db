"""A device's first activation and its retirement as steps.

Activation: the device is recorded as bootstrapped, the subscription of its way in is made usable,
it is given all documents that its policies say (the network with proof by a session, as in every
move), and only what was proved is recorded as active. Where no policy says anything, being heard
from is the proof. Retirement goes the other way and breaks last: the device erases itself while it
can still be reached, then its subscriptions end, then its credential is refused.

`plan.recipes` calls this where the life facet changes.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fairlead.model.facet import Facet
from fairlead.model.life import OUTSIDE, Life
from fairlead.model.situation import Recipe, SimSide, Situation, Step, withheld

CARRIER_DEADLINE_S: Final = 15 * 60
SHADOW_DEADLINE_S: Final = 6 * 3600
REGISTRY_DEADLINE_S: Final = 15 * 60
_VERBS: Final = {"suspended": "suspend", "deactivated": "deactivate", "terminated": "terminate"}
_ENDED: Final = {
    "suspended": frozenset({"suspended", "deactivated", "terminated", "inventory"}),
    "deactivated": frozenset({"deactivated", "terminated", "inventory"}),
    "terminated": frozenset({"terminated"}),
}


def registry(verb: str, *, proof: str = "recorded", undo: bool = True) -> Step:
    """A step in our own record of the device."""
    return Step(
        driver="registry",
        verb=verb,
        on="device",
        account="",
        facets=(Facet.LIFE,),
        proof="contact" if proof == "contact" else "recorded",
        deadline_s=SHADOW_DEADLINE_S if proof == "contact" else REGISTRY_DEADLINE_S,
        undo="exact" if undo else "forward-only",
        undo_verb="restore" if undo else None,
    )


def first_activation(situation: Situation, life: Life, before: Sequence[Step], written: Sequence[Step]) -> Recipe:
    """`before` makes the way in usable, `written` gives the documents; both as for any other move."""
    if situation.life not in OUTSIDE:
        return Recipe(steps=(), notes=(f"the device is {situation.life} already: nothing is to be activated",))
    if not written and not situation.reachable and situation.current is None:
        return Recipe(
            steps=(),
            blocked="the device has neither a SIM nor a credential: there is no way in that could prove it is alive",
            block_code="no_way_in",
        )
    heard = () if written else (registry("hear", proof="contact", undo=False),)
    proved = [_patient(step, life) for step in (*written, *heard)]
    return Recipe(steps=(registry("bootstrap"), *before, *proved, registry("activate")))


def _patient(step: Step, life: Life) -> Step:
    """What only the device can prove waits as long as the life says: it may be at sea. A carrier answers anyway."""
    if life.within_s is None or step.driver == "carrier":
        return step
    return replace(step, deadline_s=life.within_s)


def retirement(situation: Situation, life: Life) -> Recipe:
    """Wipe, end the lines, refuse the credential."""
    if life.wipe and not situation.reachable:
        return Recipe(
            steps=(),
            blocked="the device cannot be reached to erase its data; with wipe: false it is retired and keeps them",
            block_code="device_unreachable",
        )
    steps: list[Step] = []
    notes: list[str] = []
    if life.wipe:
        steps.append(_wipe())
    else:
        notes.append("the device keeps its data: it is not asked to erase them")
    for account in sorted({sim.account for sim in situation.sims}):
        sims = [sim for sim in situation.sims if sim.account == account]
        blocked = _end(sims, life, steps, notes)
        if blocked is not None:
            return blocked
    steps.append(registry("retire"))
    if life.subscription == "terminated" and any(step.undo == "none" for step in steps):
        notes.append("ending a subscription cannot be taken back")
    return Recipe(steps=tuple(steps), notes=tuple(notes))


def _wipe() -> Step:
    return Step(
        driver="shadow",
        verb="write",
        on="device",
        account="",
        facets=(Facet.LIFE,),
        proof="reported",
        deadline_s=SHADOW_DEADLINE_S,
        undo="forward-only",  # the request is withdrawn; what was erased does not come back
        undo_verb="write",
    )


def _end(sims: Sequence[SimSide], life: Life, steps: list[Step], notes: list[str]) -> Recipe | None:
    """The steps that end the lines of one account."""
    if life.subscription == "keep" or all(sim.state in _ENDED[life.subscription] for sim in sims):
        return None
    account, verbs, verb = sims[0].account, sims[0].verbs, _VERBS[life.subscription]
    if sims[0].connector is None:
        notes.append(f"{account} has no interface: end its subscriptions by hand")
        return None
    if verb not in verbs:
        return Recipe(
            steps=(),
            blocked=withheld(sims[0])
            or f"{account} has no call to {verb} a line: choose another end for the subscription, or keep it",
            block_code="reads_only" if sims[0].withheld else "unsupported",
        )
    if verb == "terminate":
        if "allow_termination" in verbs:
            steps.append(_line(sims[0], "allow_termination", "exact", "forbid_termination"))
        steps.append(_line(sims[0], "terminate", "none", None))
    else:
        back = "activate" if "activate" in verbs else None
        steps.append(_line(sims[0], verb, "exact" if back else "forward-only", back))
    return None


def deadline_s(sim: SimSide, verb: str) -> int:
    """How long a step at a carrier may take: what the carrier says of itself, and never less than ours."""
    meaning = sim.meanings.get(verb)
    return CARRIER_DEADLINE_S if meaning is None else max(CARRIER_DEADLINE_S, int(meaning.longest.total_seconds()))


def _line(sim: SimSide, verb: str, undo: str, undo_verb: str | None) -> Step:
    return Step(
        driver="carrier",
        verb=verb,
        on="each",
        account=sim.account,
        facets=(Facet.SUBSCRIPTION,),
        proof="read-back",
        deadline_s=deadline_s(sim, verb),
        undo="exact" if undo == "exact" else "none" if undo == "none" else "forward-only",
        undo_verb=undo_verb,
    )

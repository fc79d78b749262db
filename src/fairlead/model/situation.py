"""A situation: devices that need the same thing done, counted instead of listed.

`store` groups the devices of a plan or a wave into situations; `plan` maps each to a recipe; the
engine makes one Move a member when a stage opens. A million devices share a few hundred.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fairlead.model.facet import Facet
from fairlead.model.subscription import VerbCapability

Driver = Literal["carrier", "shadow", "registry"]  # registry: our own record of the device
Undo = Literal["exact", "forward-only", "none"]
Role = Literal["target", "current", "each", "device"]  # each: every SIM of the device at one account
Proof = Literal["read-back", "session-and-reported", "reported", "contact", "recorded", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetChange:
    """One facet that changes, from one document to another."""

    facet: Facet
    before: Mapping[str, Any] | None  # None: not managed before; what was observed is kept for the way back
    after: Mapping[str, Any] | None  # None: no longer managed; nothing is written


@dataclass(frozen=True, slots=True, kw_only=True)
class SimSide:
    """A SIM as the planner sees it: whose it is, whether the device has it, in which state."""

    account: str  # name of the carrier account
    connector: str | None  # None: no such account
    present: bool  # the device has a profile of this account
    state: str  # canonical subscription state
    verbs: frozenset[str]  # what the connector can do for this SIM
    meanings: Mapping[str, VerbCapability] = field(default_factory=dict[str, VerbCapability])  # and what that is there
    withheld: str = ""  # why there are none although the carrier has them


def withheld(sim: SimSide) -> str:
    """Why nothing may be asked for a SIM, in a sentence; empty where something may."""
    return f"not possible at {sim.account}, {sim.withheld}" if sim.withheld else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is the same for all members."""

    from_class: int
    to_class: int
    country: str
    carrier: str
    changes: tuple[FacetChange, ...]
    target: SimSide | None  # where the network facet goes, if it moves
    current: SimSide | None  # the SIM in use
    reachable: bool  # it has a way to fetch its shadow (a credential, or a contact seen)
    life: str = "active"  # where the device stands; told only where its life changes
    sims: tuple[SimSide, ...] = ()  # all its SIMs, by account; told only where its life changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a recipe."""

    driver: Driver
    verb: str  # activate, suspend, deactivate … or write
    on: Role  # whose subscription, or the device
    account: str  # the carrier account that is asked; empty where none is
    facets: tuple[Facet, ...]
    proof: Proof
    deadline_s: int
    undo: Undo
    undo_verb: str | None  # the verb that takes it back


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Steps in order; or the reason why there can be none."""

    steps: tuple[Step, ...]
    blocked: str | None = None  # a sentence for people: why, and what would help
    block_code: str | None = None  # the same for programs
    notes: tuple[str, ...] = ()


def show_recipe(recipe: Recipe) -> dict[str, Any]:
    """The JSON shape kept beside the situation."""
    return {
        "blocked": recipe.blocked,
        "block_code": recipe.block_code,
        "notes": list(recipe.notes),
        "steps": [
            {
                "driver": s.driver,
                "verb": s.verb,
                "on": s.on,
                "account": s.account,
                "facets": [f.value for f in s.facets],
                "proof": s.proof,
                "deadline_s": s.deadline_s,
                "undo": s.undo,
                "undo_verb": s.undo_verb,
            }
            for s in recipe.steps
        ],
    }


def read_recipe(value: Mapping[str, Any]) -> Recipe:
    """Read what `show_recipe` wrote."""
    return Recipe(
        blocked=value["blocked"],
        block_code=value["block_code"],
        notes=tuple(value["notes"]),
        steps=tuple(
            Step(
                driver=s["driver"],
                verb=s["verb"],
                on=s["on"],
                account=s["account"],
                facets=tuple(Facet[f.upper()] for f in s["facets"]),
                proof=s["proof"],
                deadline_s=s["deadline_s"],
                undo=s["undo"],
                undo_verb=s["undo_verb"],
            )
            for s in value["steps"]
        ),
    )

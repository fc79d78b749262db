"""From devices whose class would change to situations with recipes: shared by plans and waves.

The transaction holds the devices (`opening`); this makes sure that every class involved has its
documents, names for each pair of classes where the network facet goes, has the store count the
situations, and asks `plan.recipes` for each.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from fairlead.engine.ports.planning import ClassDocument, Grouped, GroupedSim, Target
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.rules import resource_of
from fairlead.engine.stores import Stores
from fairlead.model.facet import Facet
from fairlead.model.resources import Policy
from fairlead.model.situation import FacetChange, Recipe, SimSide, Situation, show_recipe
from fairlead.model.subscription import VerbCapability
from fairlead.plan.recipes import recipe_for
from fairlead.policy.resolve import Collision, RuleInForce
from fairlead.policy.resolve import documents as documents_of

STATES = ("inventory", "test", "ready", "active", "standby", "suspended", "deactivated", "terminated", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Able:
    """What may be asked of an account, and what each verb is there."""

    meanings: Mapping[str, VerbCapability] = field(default_factory=dict[str, VerbCapability])
    withheld: str = ""  # why nothing, where its connector has verbs: "because …"


Ables = Callable[[str, Mapping[str, Any]], Able]  # connector id and the account's settings → what may be asked there
_NOTHING: Final = Able()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A situation with its recipe and how many devices it holds."""

    no: int
    situation: Situation
    recipe: Recipe
    stratum: int
    devices: int
    digest: bytes


class Collided(Exception):
    """Policies collide on a class that devices would stand in now."""

    def __init__(self, collisions: Sequence[tuple[int, Collision]]) -> None:
        super().__init__("; ".join(str(c) for _, c in collisions))
        self.collisions = collisions  # devices are counted by the caller: (class, collision)


class Situations:
    """Groups the opening set of a transaction."""

    def __init__(self, stores: Stores, ables: Ables) -> None:
        self._stores = stores
        self._ables = ables

    async def meanings(self, tx: Transaction) -> Mapping[str, Mapping[str, VerbCapability]]:
        """What each verb is at each account now."""
        accounts = await self._stores.plans.accounts(tx)
        return {name: self._ables(connector, config).meanings for name, (connector, config) in accounts.items()}

    async def _documents(
        self, tx: Transaction, before: Sequence[int], after: Sequence[int]
    ) -> dict[int, dict[Facet, ClassDocument]]:
        """The documents of classes, computed where they were not. Raises `Collided` where devices would go."""
        classes = sorted({*before, *after})
        collided = [c for c in await fill_documents(self._stores, tx, classes) if c[0] in after]
        if collided:
            raise Collided(collided)
        found: dict[int, dict[Facet, ClassDocument]] = {}
        for document in await self._stores.policies.documents(tx, classes):
            found.setdefault(document.class_id, {})[document.facet] = document
        return found

    async def group(self, tx: Transaction, owner: UUID, wave: int) -> list[Counted]:
        """Count, map to recipes, and keep the situations under `owner`."""
        pairs = await self._stores.plans.pairs(tx)
        documents = await self._documents(tx, [p.from_class for p in pairs], [p.to_class for p in pairs])
        changes = {
            (p.from_class, p.to_class): _changes(documents.get(p.from_class, {}), documents.get(p.to_class, {}))
            for p in pairs
        }
        targets = [_target(*pair, changed) for pair, changed in changes.items()]
        grouped = await self._stores.plans.group(tx, targets)
        accounts = await self._stores.plans.accounts(tx)
        ables = {name: self._ables(connector, config) for name, (connector, config) in accounts.items()}
        counted = [self._counted(no, row, changes, ables) for no, row in enumerate(grouped, start=1)]
        made = [(c.no, _facts(c.situation), show_recipe(c.recipe)) for c in counted]
        if made:
            await self._stores.plans.keep_situations(tx, owner, wave, made)
        return counted

    def _counted(
        self,
        no: int,
        row: Grouped,
        changes: Mapping[tuple[int, int], tuple[FacetChange, ...]],
        ables: Mapping[str, Able],
    ) -> Counted:
        situation = Situation(
            from_class=row.from_class,
            to_class=row.to_class,
            country=row.country,
            carrier=row.carrier,
            changes=changes[row.from_class, row.to_class],
            target=_side(row.target, row.target_connector, row.target_state, ables, present=row.target_present),
            current=_side(row.carrier or None, row.current_connector, row.current_state, ables, present=True),
            reachable=row.reachable,
            life=row.life,
            sims=tuple(_sim(one, ables) for one in row.sims),
        )
        return Counted(
            no=no,
            situation=situation,
            recipe=recipe_for(situation),
            stratum=row.stratum,
            devices=row.devices,
            digest=row.digest,
        )


def _side(
    account: str | None, connector: str, state: int, ables: Mapping[str, Able], *, present: bool
) -> SimSide | None:
    if account is None:
        return None
    able = ables.get(account, _NOTHING) if connector else _NOTHING
    return SimSide(
        account=account,
        connector=connector or None,
        present=present,
        state=STATES[state - 1],
        verbs=frozenset(able.meanings),
        meanings=able.meanings,
        withheld=able.withheld,
    )


def _sim(sim: GroupedSim, ables: Mapping[str, Able]) -> SimSide:
    able = ables.get(sim.account, _NOTHING)
    return SimSide(
        account=sim.account,
        connector=sim.connector if sim.connector != "none" else None,
        present=True,
        state=STATES[sim.state - 1],
        verbs=frozenset(able.meanings),
        meanings=able.meanings,
        withheld=able.withheld,
    )


async def fill_documents(stores: Stores, tx: Transaction, classes: Sequence[int]) -> list[tuple[int, Collision]]:
    """Compute what is missing; classes whose rules collide have no documents, and are told."""
    missing = await stores.policies.without_documents(tx, classes)
    if not missing:
        return []
    numbers = sorted({rule for rules in missing.values() for rule in rules})
    rows = {row.rule: row for row in await stores.policies.by_rule(tx, numbers)}
    made: list[tuple[int, Facet, bytes, bytes, Any]] = []
    collided: list[tuple[int, Collision]] = []
    for class_id, rules in missing.items():
        in_force: list[RuleInForce] = []
        for number in rules:
            row = rows[number]
            policy = resource_of(row)
            if isinstance(policy, Policy):
                in_force.append(
                    RuleInForce(
                        policy=row.name,
                        revision=row.number,
                        priority=policy.priority,
                        reason=policy.reason,
                        sets=policy.sets,
                    )
                )
        resolution = documents_of(in_force)
        if resolution.collisions:
            collided += [(class_id, c) for c in resolution.collisions]
            continue
        made += [
            (class_id, facet, resolved.digest, resolved.content, _reasons(resolved.reasons))
            for facet, resolved in resolution.documents.items()
        ]
    await stores.policies.add_documents(tx, made)
    return collided


def _changes(before: Mapping[Facet, ClassDocument], after: Mapping[Facet, ClassDocument]) -> tuple[FacetChange, ...]:
    found: list[FacetChange] = []
    for facet in Facet:
        old, new = before.get(facet), after.get(facet)
        if (old.document if old else None) != (new.document if new else None):
            found.append(
                FacetChange(facet=facet, before=old.content if old else None, after=new.content if new else None)
            )
    return tuple(found)


def _target(from_class: int, to_class: int, changes: Sequence[FacetChange]) -> Target:
    network = next((c for c in changes if c.facet is Facet.NETWORK and c.after is not None), None)
    wanted: Mapping[str, Any] = {} if network is None or network.after is None else network.after
    return Target(
        from_class=from_class,
        to_class=to_class,
        account=str(wanted.get("carrier")) if wanted else None,
        releases=wanted.get("release") == "suspend",
        life=any(c.facet is Facet.LIFE and c.after is not None for c in changes),
    )


def _facts(situation: Situation) -> dict[str, Any]:
    """What is kept beside the members, for people and for the dispatcher."""

    def side(sim: SimSide | None) -> dict[str, Any] | None:
        return {"account": sim.account, "present": sim.present, "state": sim.state} if sim else None

    return {
        "country": situation.country,
        "carrier": situation.carrier,
        "reachable": situation.reachable,
        "target": side(situation.target),
        "current": side(situation.current),
        "changes": [{"facet": c.facet.value, "before": c.before, "after": c.after} for c in situation.changes],
    }


def _reasons(reasons: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {
        path: [
            {
                "policy": because.policy,
                "revision": because.revision,
                "priority": because.priority,
                "reason": because.reason,
                "value": json.loads(json.dumps(because.value, default=str)),
                "removed": because.removed,
            }
            for because in chain
        ]
        for path, chain in reasons.items()
    }

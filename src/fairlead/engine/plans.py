"""Plans: what would happen if these resources were what people want. Nothing moves here.

`make` reads files, runs the tests beside the rules, judges the whole fleet against the proposed
revisions, groups the devices that would change into situations with recipes, and keeps all of it
with impact, cost and legal effect; `act` does the same for what a person asks of given devices.
`drift` compares a kept plan with the fleet of now, and is what makes apply answer 409 when facts
have moved under it.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Protocol, TypeAlias
from uuid import UUID

from fairlead.engine.actions import ActionAsked, overtaken, passing, policy_text
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.ports.planning import Drift, NewRevision, PlanRow, Selected
from fairlead.engine.ports.resolving import CountedCombination, Verdict
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.proposals import (
    File,
    Proposal,
    about,
    carried_over,
    failed_tests,
    file_of,
    judged,
    leaving,
    read_files,
    read_proposal,
    replaced,
    show_proposal,
)
from fairlead.engine.rules import Rules, activates
from fairlead.engine.situations import Collided, Counted, Situations
from fairlead.engine.stores import Stores
from fairlead.model.ids import PrincipalId, TenantId, show
from fairlead.model.journal import Action, Subject
from fairlead.model.resources import NO_DRIVER_YET, Fault, Policy, Resource, UsageRule
from fairlead.model.subscription import VerbCapability
from fairlead.plan.impact import costs, puts_aside, savings, steps_summary
from fairlead.policy.collide import collisions_possible
from fairlead.policy.read import read_resources

KEPT_FOR: Final = timedelta(days=7)
SMALL: Final = 1_000  # below this many devices no drift is tolerated
TOLERANCE: Final = 0.005
POLICIES: Final = 1
ACTION: Final = 2  # a policy of its own, for devices that were chosen by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who does something: the person who answers for it, and how the journal names them (`usr_…` or `tok_…`)."""

    person: PrincipalId
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A policy that should end."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why there is no plan: every fault, located."""

    faults: tuple[Fault, ...]


# Whether a line is billed after a verb, as the connector's record says; None: the carrier does not say.
Billing: TypeAlias = Callable[[str, str], bool | None]


def _unsaid(_connector: str, _verb: str) -> bool | None:
    return None


class Preview(Protocol):
    """What resources of one kind would come to, account by account."""

    key: ClassVar[str]  # its name in a plan's summary

    async def at_accounts(
        self, tx: Transaction, tenant: TenantId, resources: Sequence[Resource]
    ) -> Mapping[str, list[dict[str, Any]]]:
        """By name of the resource; nothing for other kinds."""
        ...


class Planner:
    """Makes plans and measures their drift."""

    def __init__(
        self, stores: Stores, situations: Situations, billing: Billing = _unsaid, previews: Sequence[Preview] = ()
    ) -> None:
        """`previews` say what kinds that move no facet come to at each carrier account."""
        self._stores = stores
        self._situations = situations
        self._billing = billing
        self._previews = previews

    async def make(
        self,
        tenant: TenantId,
        by: Hand,
        files: Sequence[File],
        *,
        removals: Sequence[Removal] = (),
        now: datetime,
    ) -> PlanRow | Refused:
        """A plan, kept for a week; or every reason why not."""
        resources, faults = read_files(files)
        faults += failed_tests([resource for resource, _ in resources], file_of(files), now)
        if faults:
            return Refused(faults=tuple(faults))
        try:
            async with self._stores.transactions.tenant(tenant) as tx:
                return await self._make(tx, tenant, by, resources, removals, now)
        except Collided as collided:
            return Refused(faults=tuple(_collision_fault(collided, files)))

    async def act(self, tenant: TenantId, by: Hand, action: ActionAsked, now: datetime) -> PlanRow | Refused:
        """A plan of what is asked of given devices; or why there is none."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self.act_in(tx, tenant, by, action, now)

    async def act_in(
        self, tx: Transaction, tenant: TenantId, by: Hand, action: ActionAsked, now: datetime
    ) -> PlanRow | Refused:
        """The same within a transaction that is open. Raises `Collided`."""
        text = policy_text(action, uuid7(now))
        resources, faults = read_files([File(name="action", text=text)])
        if faults:
            return Refused(faults=tuple(faults))
        selected = await self._stores.plans.select(
            tx,
            names=action.chosen.names or None,
            match=action.chosen.match.expr if action.chosen.match else None,
            passing=passing(action),
            constants={"tenant": str(tenant)},
            now=now,
        )
        refused = _unselected(action, selected)
        if refused is not None:
            return refused
        return await self._make(tx, tenant, by, resources, (), now, chosen=selected, lasts=action.lasts)

    async def _make(
        self,
        tx: Transaction,
        tenant: TenantId,
        by: Hand,
        resources: Sequence[tuple[Resource, str]],
        removals: Sequence[Removal],
        now: datetime,
        *,
        chosen: Selected | None = None,
        lasts: timedelta | None = None,
    ) -> PlanRow:
        proposals, unchanged = await self._propose(tx, by, resources, removals, now)
        if chosen is not None:
            proposals = [await self._as_action(tx, p, chosen, now) for p in proposals]
        plan_id = uuid7(now)
        counted = await self._judge(tx, tenant, proposals, plan_id, now)
        summary = await self._summary(tx, tenant, proposals, unchanged, counted, now)
        summary["saves"] = await self._saves(tx, plan_id, counted, now)
        if chosen is not None:
            summary |= {"left_out": chosen.left_out, "ends_after_s": int(lasts.total_seconds()) if lasts else None}
        devices = sum(c.devices for c in counted)
        plan = PlanRow(
            id=plan_id,
            kind=ACTION if chosen is not None else POLICIES,
            author=by.person,
            created_at=now,
            expires_at=now + KEPT_FOR,
            resources=[show_proposal(p) for p in proposals],
            summary=summary,
            tolerance=0.0 if devices < SMALL else TOLERANCE,
            digest=hashlib.sha256(b"".join(c.digest for c in counted)).digest(),
            applied=None,
            lasts=lasts,
        )
        await self._stores.plans.insert_plan(tx, plan)
        line = entry(
            tenant=tenant,
            at=now,
            actor=by.actor,
            action=Action.PLAN_MADE,
            subject=Subject(kind="plan", id=show("plan", plan_id)),
            payload={"devices": devices, "resources": [f"{p.kind}/{p.name}" for p in proposals]},
        )
        await self._stores.append(tx, [line])
        return plan

    async def meanings(self, tx: Transaction) -> Mapping[str, Mapping[str, VerbCapability]]:
        """What each verb is at each account now."""
        return await self._situations.meanings(tx)

    async def drift(
        self, tx: Transaction, tenant: TenantId, plan: PlanRow, now: datetime
    ) -> tuple[Drift, list[Counted]]:
        """How far the fleet moved since the plan was made; the situations of now are grouped, not kept."""
        proposals = [read_proposal(r) for r in plan.resources]
        rows = {row.rule: row for row in await self._stores.policies.by_rule(tx, [p.rule for p in proposals])}
        live = [await self._with_resource(p, rows[p.rule].source) for p in proposals]
        counted = await self._judge(tx, tenant, live, uuid7(now), now)
        return await self._stores.plans.drift(tx, plan.id), counted

    async def _with_resource(self, proposal: Proposal, source: str) -> Proposal:
        resources, _ = read_resources(source, file=proposal.name)
        return replace(proposal, resource=None if proposal.removed else resources[0])

    async def _propose(
        self,
        tx: Transaction,
        by: Hand,
        resources: Sequence[tuple[Resource, str]],
        removals: Sequence[Removal],
        now: datetime,
    ) -> tuple[list[Proposal], list[str]]:
        live = await self._stores.policies.live(tx)
        kept = {(row.kind, row.name): row for row in live if row.kept}
        proposals: list[Proposal] = []
        unchanged: list[str] = []
        for resource, source in resources:
            kind, name = type(resource).__name__, resource.metadata.name
            digest = hashlib.sha256(source.encode()).digest()
            before = kept.get((kind, name))
            if before is not None and before.digest == digest and not before.removed:
                unchanged.append(f"{kind}/{name}")
                continue
            policy = await self._stores.policies.ensure_policy(tx, uuid7(now), kind, name, now)
            revision = NewRevision(
                policy=policy, resource=about(resource), source=source, digest=digest, removed=False, author=by.person
            )
            number, rule = await self._stores.policies.add_revision(tx, revision, now)
            proposals.append(
                Proposal(
                    kind=kind,
                    name=name,
                    policy=policy,
                    number=number,
                    rule=rule,
                    removed=False,
                    verb="update" if before is not None and not before.removed else "create",
                    affected=replaced(live, policy),
                    resource=resource,
                )
            )
        for removal in removals:
            before = kept.get((removal.kind, removal.name))
            if before is None or before.removed:
                unchanged.append(f"{removal.kind}/{removal.name} (not there)")
                continue
            revision = NewRevision(
                policy=before.policy,
                resource={},
                source=before.source,
                digest=hashlib.sha256(b"removed" + before.digest).digest(),
                removed=True,
                author=by.person,
            )
            number, rule = await self._stores.policies.add_revision(tx, revision, now)
            proposals.append(
                Proposal(
                    kind=removal.kind,
                    name=removal.name,
                    policy=before.policy,
                    number=number,
                    rule=rule,
                    removed=True,
                    verb="remove",
                    affected=replaced(live, before.policy),
                    resource=None,
                )
            )
        return proposals, unchanged

    async def _judge(
        self, tx: Transaction, tenant: TenantId, proposals: Sequence[Proposal], owner: UUID, now: datetime
    ) -> list[Counted]:
        """Judge the fleet against the proposals, and group those whose class would change."""
        policies = [p for p in proposals if p.kind == "Policy"]
        if not policies:
            await self._stores.plans.opening_given(tx, [], [], [])
            return await self._situations.group(tx, owner, 0)
        affected = {rule for p in policies for rule in p.affected}
        devices = next((p.devices for p in policies if p.devices is not None), None)
        enter = [judged(p) for p in policies if isinstance(p.resource, Policy) and not p.resource.observe]
        proposed = frozenset(one.rule for one in enter)
        openers = frozenset(p.rule for p in policies if isinstance(p.resource, Policy) and activates(p.resource))
        if openers:  # who is let in for the first time takes all that is kept as well
            live = Rules(await self._stores.policies.live(tx), now)
            enter += [one for one in live.enter() if one.rule not in affected]

        enter += [leaves for p in policies if (leaves := leaving(p)) is not None]

        def decide(combination: CountedCombination) -> Verdict:
            stays = {r for r in combination.standing if r not in affected}
            enters = {r for r in combination.entering if r > 0}
            if not enters & openers:
                enters &= proposed
            enters |= {p.rule for p in policies if carried_over(p, combination)}
            return Verdict(rules=tuple(sorted(stays | enters)), wait_in=(), wait_out=(), clear=())

        await self._stores.plans.resolving(tx).judge_only(
            enter=enter, decide=decide, constants={"tenant": str(tenant)}, now=now, devices=devices
        )
        return await self._situations.group(tx, owner, 0)

    async def _as_action(self, tx: Transaction, proposal: Proposal, chosen: Selected, now: datetime) -> Proposal:
        """The proposal for the devices that were chosen; earlier actions on its facets give way there."""
        live = Rules(await self._stores.policies.live(tx), now)
        facets = tuple(proposal.resource.sets) if isinstance(proposal.resource, Policy) else ()
        known = [(number, rule.policy) for number, rule in live.by_rule.items()]
        earlier = {rule for facet in facets for rule in overtaken(known, facet)}
        return replace(proposal, affected=tuple(sorted(earlier)), devices=chosen.devices)

    async def _summary(
        self,
        tx: Transaction,
        tenant: TenantId,
        proposals: Sequence[Proposal],
        unchanged: Sequence[str],
        counted: Sequence[Counted],
        now: datetime,
    ) -> dict[str, Any]:
        impact = await self._stores.plans.impact(tx, now)
        priced = costs(await self._stores.plans.cost(tx, now.date()))
        hidden: dict[str, int] = {}
        observed: list[str] = []
        for p in proposals:
            if isinstance(p.resource, Policy):
                count = await self._stores.plans.hidden(tx, p.resource.match.expr, {"tenant": str(tenant)}, now)
                if count:
                    hidden[p.name] = count
            if isinstance(p.resource, Policy | UsageRule) and p.resource.observe:
                observed.append(p.name)
        return {
            "devices": sum(c.devices for c in counted),
            "movable": sum(c.devices for c in counted if c.recipe.blocked is None),
            "blocked": [
                {
                    "devices": c.devices,
                    "code": c.recipe.block_code,
                    "why": c.recipe.blocked,
                    "country": c.situation.country,
                }
                for c in counted
                if c.recipe.blocked is not None
            ],
            "resources": [show_proposal(p) for p in proposals],
            "unchanged": list(unchanged),
            "no_driver_yet": [f"{p.kind}/{p.name}" for p in proposals if p.kind in NO_DRIVER_YET],
            "observe_only": observed,
            "situations": steps_summary(counted_rows(counted)),
            "countries": impact["by"].get("country", {}),
            "groups": impact["by"].get("group", {}),
            "carriers": impact["by"].get("carrier", {}),
            "stances": impact["by"].get("stance", {}),
            "law": {"breaches_avoided": impact["law"], "note": "not legal advice"},
            "conflicts": [{"change": show("chg", c["change"]), "devices": c["devices"]} for c in impact["conflicts"]],
            "cost": priced,
            "hidden": hidden,
            "possible_collisions": await self._possible_collisions(tx, proposals, now),
        } | await self._at_accounts(tx, tenant, proposals)

    async def _at_accounts(self, tx: Transaction, tenant: TenantId, proposals: Sequence[Proposal]) -> dict[str, Any]:
        resources = [p.resource for p in proposals if p.resource is not None]
        found: dict[str, Any] = {}
        for preview in self._previews:
            told = await preview.at_accounts(tx, tenant, resources)
            if told:
                found[preview.key] = {name: list(rows) for name, rows in told.items()}
        return found

    async def _saves(
        self, tx: Transaction, owner: UUID, counted: Sequence[Counted], now: datetime
    ) -> dict[str, Any] | None:
        """What putting lines aside saves: their fees, by what their carriers say of billing afterwards."""
        aside: dict[int, str] = {}
        for c in counted:
            verb = puts_aside(c.situation)
            if verb is not None and c.recipe.blocked is None and c.situation.current is not None:
                billed = self._billing(c.situation.current.connector or "", verb)
                aside[c.no] = "unknown" if billed is None else "goes_on" if billed else "stops"
        if not aside:
            return None
        rows = await self._stores.plans.saves(tx, owner, sorted(aside), now.date())
        return savings([row | {"billing": aside[row["no"]]} for row in rows])

    async def _possible_collisions(
        self, tx: Transaction, proposals: Sequence[Proposal], now: datetime
    ) -> list[dict[str, Any]]:
        """Policies that no device makes collide today, but some device could."""
        live = Rules(await self._stores.policies.live(tx), now)
        replaced = {p.policy for p in proposals}
        others = [k.policy for k in live.by_rule.values() if k.row.kept and k.row.policy not in replaced]
        proposed = [p.resource for p in proposals if isinstance(p.resource, Policy)]
        warned: list[dict[str, Any]] = []
        for index, left in enumerate(proposed):
            for right in [*others, *proposed[:index]]:
                warned += [
                    {"policies": [left.metadata.name, right.metadata.name], "facet": facet.value, "path": path}
                    for facet, path in collisions_possible(left, right)
                ]
        return warned


def counted_rows(counted: Sequence[Counted]) -> list[dict[str, Any]]:
    """Situations as rows for `plan.impact`."""
    return [
        {
            "no": c.no,
            "country": c.situation.country,
            "carrier": c.situation.carrier,
            "target": c.situation.target.account if c.situation.target else None,
            "devices": c.devices,
            "recipe": c.recipe,
            "facets": [f.facet.value for f in c.situation.changes],
        }
        for c in counted
    ]


def _unselected(action: ActionAsked, selected: Selected) -> Refused | None:
    """Names that nothing has, or nobody at all."""
    unknown = [
        Fault(file="action", line=1, column=1, path="devices", value=repr(name), expected="the name of a device")
        for name in selected.unknown[:20]
    ]
    if unknown:
        return Refused(faults=tuple(unknown))
    if selected.devices:
        return None
    asked = action.chosen.match.text if action.chosen.match else f"{len(action.chosen.names)} name(s)"
    left = ", ".join(f"{count} {state}" for state, count in selected.left_out.items())
    expected = f"devices that {action.verb} is open to" + (f"; left out: {left}" if left else "")
    return Refused(faults=(Fault(file="action", line=1, column=1, path="match", value=asked, expected=expected),))


def _collision_fault(collided: Collided, files: Sequence[File]) -> list[Fault]:
    return [
        Fault(
            file=file_of(files),
            line=1,
            column=1,
            path=f"spec.set.{collision.facet.value}{collision.path}",
            value=" and ".join(collision.policies),
            expected=f"one value at priority {collision.priority}, because devices match both now: raise one priority",
        )
        for _, collision in collided.collisions
    ]

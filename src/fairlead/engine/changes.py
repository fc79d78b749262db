"""The life of a Change: applied, approved, run, paused, stopped, rolled back, settled, standing.

Everything a person can do to a Change is here; what happens by itself while it runs is in
`stages` (gates and stages), `moving` (steps) and `waves` (entrants of standing Changes). Each verb
is one transaction that locks the Change, asks the state table, writes rows and a journal line.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from fairlead.engine.agreement import HouseRule
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.plans import ACTION, Hand, Planner
from fairlead.engine.ports.agreement import AgreementRows
from fairlead.engine.ports.moving import ChangeRow, Selection
from fairlead.engine.ports.planning import Drift, PlanRow, SituationRow
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.situations import Collided
from fairlead.engine.stages import Stages
from fairlead.engine.stores import Stores
from fairlead.model.expression import Expr
from fairlead.model.ids import ChangeId, TenantId, show
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.lifecycle import CHANGE, ChangeState, TakenBackBy, name, step
from fairlead.model.rollout import Rollout, show_rollout
from fairlead.plan.agreement import charged_at

_APPROVED, _REFUSED = 1, 2


class NoSuchChange(LookupError):
    """No Change, or no plan, of that id in this tenant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Why it cannot be done now: a sentence, and what differs."""

    title: str
    detail: str
    code: str  # drifted, expired, trial_open, wrong_state, own_change, collision, unproved, irreversible
    differences: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What a rollback began, or would begin."""

    devices: int
    verified: int  # of them, were proved and now go back
    left: int  # made by later Changes: not touched


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which moves a rollback means; all conditions must hold, none means all moves."""

    match: Expr | None = None
    countries: tuple[str, ...] = ()  # as the moves were opened
    names: tuple[str, ...] = ()  # of devices
    wave: int | None = None
    stage: int | None = None


class Changes:
    """What people do to Changes."""

    def __init__(
        self, stores: Stores, planner: Planner, stages: Stages, agreement: AgreementRows | None = None
    ) -> None:  # fmt: skip
        """`agreement`: who must agree, as each tenant says; None: as the house does."""
        self._agreement = agreement or HouseRule()
        self._stores = stores
        self._planner = planner
        self._stages = stages

    async def apply(
        self,
        tenant: TenantId,
        by: Hand,
        plan_id: UUID,
        *,
        rollout: Rollout,
        title: str,
        reason: str,
        emergency: bool = False,
        now: datetime,
    ) -> ChangeRow | Conflict:
        """Make a plan into a Change; runs at once where nobody else must agree. Twice is once."""
        async with self._stores.transactions.alone(tenant) as tx:
            plan = await self._stores.plans.read_plan(tx, plan_id)
            if plan is None:
                raise NoSuchChange(show("plan", plan_id))
            if plan.applied is not None:
                return await self._read(tx, plan.applied)
            refused = await self._steps_refused(tx, plan, rollout) or await self._refusal(tx, tenant, plan, now)
            if refused is not None:
                again = await self._stores.plans.read_plan(tx, plan_id)
                if again is not None and again.applied is not None:  # somebody applied it while we looked
                    return await self._read(tx, again.applied)
                return refused
            return await self._begin(tx, tenant, by, plan, rollout, title, reason, now, emergency=emergency)

    async def apply_in(
        self, tx: Transaction, tenant: TenantId, by: Hand, plan: PlanRow, rollout: Rollout, title: str, reason: str,
        now: datetime,
    ) -> ChangeRow | Conflict:  # fmt: skip
        """A plan that was made in this very transaction: nothing can have moved under it."""
        refused = await self._steps_refused(tx, plan, rollout)
        if refused is not None:
            return refused
        return await self._begin(tx, tenant, by, plan, rollout, title, reason, now, emergency=False)

    async def _begin(
        self, tx: Transaction, tenant: TenantId, by: Hand, plan: PlanRow, rollout: Rollout, title: str, reason: str,
        now: datetime, *, emergency: bool,
    ) -> ChangeRow:  # fmt: skip
        change = new_change(plan, by, rollout, title, reason, now, emergency=emergency)
        others = await self._stores.plans.mark_applied(tx, plan.id, change.id)
        if others is not None:
            return await self._read(tx, others)
        await self._stores.changes.insert(tx, change)
        rules = [r["rule"] for r in plan.resources]
        await self._stores.policies.try_revisions(tx, change.id, rules)
        told: dict[str, Json] = {
            "plan": show("plan", plan.id),
            "resources": [f"{r['kind']}/{r['name']}@{r['number']}" for r in plan.resources],
            "devices": plan.summary["devices"],
            "stages": list(rollout.stages),
        }
        await self._tell(tx, tenant, change.id, by, Action.CHANGE_APPLIED, now, reason=reason, payload=told)
        await self._stores.append(tx, [_policy_line(tenant, change.id, by, r, reason, now) for r in plan.resources])
        if change.state is ChangeState.APPROVED:
            await self._start(tx, tenant, change, by, now)
        return await self._read(tx, change.id)

    async def _steps_refused(self, tx: Transaction, plan: PlanRow, rollout: Rollout) -> Conflict | None:
        """Steps that nothing takes back, where nobody else is asked; or that nothing proves, where proof is."""
        rows = await self._stores.plans.situations(tx, plan.id, 0)
        final = sum(row.devices for row in rows if any(s["undo"] == "none" for s in row.recipe["steps"]))
        if final and not rollout.approvals:
            return Conflict(
                title="Nothing takes this back",
                detail=f"{final} devices have a step without undo: another person must agree. Ask for an approval.",
                code="irreversible",
                differences={"devices": final},
            )
        charged = "" if rollout.approvals else await self._charged(tx, rows)
        if charged:
            return Conflict(
                title="A carrier charges for this",
                detail=f"{charged}: another person must agree. Ask for an approval.",
                code="charged",
                differences={"charged": charged},
            )
        if rollout.gate.accept_acknowledged:
            return None
        unproved = sum(row.devices for row in rows if any(s["proof"] == "none" for s in row.recipe["steps"]))
        if not unproved:
            return None
        return Conflict(
            title="Some steps can only be acknowledged",
            detail=f"{unproved} devices have a step without proof, and the gate asks for proof.",
            code="unproved",
            differences={"devices": unproved},
        )

    async def charged(self, tx: Transaction, plan: PlanRow) -> str:
        """What carriers charge for of a plan, where the tenant's rule asks another person; else empty."""
        return await self._charged(tx, await self._stores.plans.situations(tx, plan.id, 0))

    async def _charged(self, tx: Transaction, rows: Sequence[SituationRow]) -> str:
        """What carriers charge for of all this, where the tenant's rule asks another person; else empty."""
        if not (await self._agreement.read(tx)).charges:
            return ""
        meanings = await self._planner.meanings(tx)
        steps = [s for row in rows if row.recipe["blocked"] is None for s in row.recipe["steps"]]
        asked = {(s["account"], s["verb"]): None for s in steps if s["driver"] == "carrier"}
        return charged_at(
            (account, verb, meaning)
            for account, verb in asked
            if (meaning := meanings.get(account, {}).get(verb)) is not None
        )

    async def _refusal(self, tx: Transaction, tenant: TenantId, plan: PlanRow, now: datetime) -> Conflict | None:
        if plan.expires_at <= now:
            return Conflict(
                title="The plan has expired",
                detail="Plans are kept for seven days. Make a new one.",
                code="expired",
                differences={},
            )
        trial = await self._stores.policies.open_trial(tx, [UUID(r["policy"]) for r in plan.resources])
        if trial is not None:
            return Conflict(
                title="A policy of this plan is being tried already",
                detail=f"{trial[1]} is on trial in {show('chg', trial[0])}. Let it settle, or stop it.",
                code="trial_open",
                differences={"change": show("chg", trial[0])},
            )
        try:
            drift, counted = await self._planner.drift(tx, tenant, plan, now)
        except Collided as collided:
            return Conflict(
                title="Policies collide now",
                detail=f"Facts have moved since the plan was made: {collided}",
                code="collision",
                differences={},
            )
        moved = drift.gone + drift.come + drift.altered
        if moved > plan.tolerance * max(drift.planned, 1):
            return _drifted(plan, drift, [c.devices for c in counted])
        return None

    async def approve(
        self, tenant: TenantId, change_id: UUID, by: Hand, *, verdict: bool, note: str, now: datetime
    ) -> ChangeRow | Conflict:
        """Agree to a Change or refuse it. Nobody decides on their own; a refusal aborts it."""
        async with self._stores.transactions.alone(tenant) as tx:
            change = await self._read(tx, change_id, lock=True)
            if change.state is not ChangeState.PLANNED:
                return _wrong_state(change, "waits for approval")
            if change.author == by.person:
                return Conflict(
                    title="Somebody else must decide",
                    detail="Nobody approves their own Change where other people are asked.",
                    code="own_change",
                    differences={},
                )
            await self._stores.changes.approve(tx, change_id, by.person, _APPROVED if verdict else _REFUSED, note, now)
            action = Action.CHANGE_APPROVED if verdict else Action.CHANGE_REFUSED
            await self._tell(tx, tenant, change_id, by, action, now, reason=note)
            if not verdict:
                await self._abort(tx, tenant, change, by, now, reason="refused")
                return await self._read(tx, change_id)
            agreed = [a for a in await self._stores.changes.approvals(tx, change_id) if a["verdict"] == _APPROVED]
            if len(agreed) >= change.approvals_needed:
                await self._set(tx, change, ChangeState.APPROVED, now)
                await self._start(tx, tenant, replace(change, state=ChangeState.APPROVED), by, now)
            return await self._read(tx, change_id)

    async def pause(self, tenant: TenantId, change_id: UUID, by: Hand, now: datetime) -> ChangeRow | Conflict:
        """Open no stage and start no move; steps under way run to their end."""
        return await self._verb(tenant, change_id, by, ChangeState.PAUSED, Action.CHANGE_PAUSED, now)

    async def resume(self, tenant: TenantId, change_id: UUID, by: Hand, now: datetime) -> ChangeRow | Conflict:
        """Go on where it was paused."""
        return await self._verb(tenant, change_id, by, ChangeState.RUNNING, Action.CHANGE_RESUMED, now)

    async def stop(
        self, tenant: TenantId, change_id: UUID, by: Hand, *, reason: str, now: datetime
    ) -> ChangeRow | Conflict:
        """End a Change: one that never settled is rolled back whole and aborted; a standing one takes no entrants."""
        async with self._stores.transactions.alone(tenant) as tx:
            change = await self._read(tx, change_id, lock=True)
            if change.settled_at is not None and ChangeState.CLOSED in CHANGE[change.state]:
                await self._stores.policies.let_go(tx, change_id)
                await self._set(tx, change, ChangeState.CLOSED, now)
                await self._tell(tx, tenant, change_id, by, Action.CHANGE_CLOSED, now, reason=reason)
                return await self._read(tx, change_id)
            if change.settled_at is not None or ChangeState.ABORTED not in CHANGE[change.state]:
                return _wrong_state(change, "can be stopped")
            await self._tell(tx, tenant, change_id, by, Action.CHANGE_STOPPED, now, reason=reason)
            await self._stages.undo(tx, tenant, change, _all_of(change_id), "stopped by a person", now)
            await self._abort(tx, tenant, change, by, now, reason=reason)
            return await self._read(tx, change_id)

    async def rollback(
        self,
        tenant: TenantId,
        change_id: UUID,
        by: Hand,
        *,
        which: Which,
        reason: str,
        preview: bool,
        now: datetime,
    ) -> RolledBack | Conflict:
        """Take the selected moves back and bar their devices from the revision; `preview` only counts."""
        async with self._stores.transactions.alone(tenant) as tx:
            change = await self._read(tx, change_id, lock=True)
            if change.state in (ChangeState.DRAFT, ChangeState.PLANNED, ChangeState.APPROVED):
                return _wrong_state(change, "has moved something")
            selection = await self._selection(tx, tenant, change_id, which, now)
            devices, verified, left = await self._stages.count_undo(tx, selection)
            if preview:
                return RolledBack(devices=devices, verified=verified, left=left)
            told: dict[str, Json] = {"devices": devices, "verified": verified, "left": left}
            await self._tell(tx, tenant, change_id, by, Action.ROLLBACK_STARTED, now, reason=reason, payload=told)
            await self._stages.undo(tx, tenant, change, selection, f"rolled back: {reason}", now)
            return RolledBack(devices=devices, verified=verified, left=left)

    async def _selection(
        self, tx: Transaction, tenant: TenantId, change_id: UUID, which: Which, now: datetime
    ) -> Selection:
        devices: tuple[UUID, ...] | None = None
        if which.match is not None or which.countries or which.names:
            found = await self._stores.moves.matching(
                tx,
                change_id,
                match=which.match,
                countries=which.countries,
                names=which.names,
                constants={"tenant": str(tenant)},
                now=now,
            )
            devices = tuple(found)
        return Selection(change=change_id, wave=which.wave, stage=which.stage, devices=devices, by=TakenBackBy.PERSON)

    async def _verb(
        self,
        tenant: TenantId,
        change_id: UUID,
        by: Hand,
        state: ChangeState,
        action: Action,
        now: datetime,
    ) -> ChangeRow | Conflict:
        async with self._stores.transactions.tenant(tenant) as tx:
            change = await self._read(tx, change_id, lock=True)
            wanted = state
            if state is ChangeState.RUNNING and change.settled_at is not None:
                wanted = ChangeState.STANDING  # it was paused after it had settled
            if change.state is wanted:
                return change
            if wanted not in CHANGE[change.state]:
                return _wrong_state(change, f"can become {name(wanted)}")
            await self._set(tx, change, wanted, now)
            await self._tell(tx, tenant, change_id, by, action, now)
            return await self._read(tx, change_id)

    async def _start(self, tx: Transaction, tenant: TenantId, change: ChangeRow, by: Hand, now: datetime) -> None:
        await self._set(tx, change, ChangeState.RUNNING, now)
        await self._tell(tx, tenant, change.id, by, Action.CHANGE_STARTED, now)
        running = await self._read(tx, change.id, lock=True)
        await self._stages.start(tx, tenant, running, now)

    async def _abort(
        self, tx: Transaction, tenant: TenantId, change: ChangeRow, by: Hand, now: datetime, *, reason: str
    ) -> None:
        await self._stores.policies.drop(tx, change.id)
        await self._set(tx, change, ChangeState.ABORTED, now)
        await self._tell(tx, tenant, change.id, by, Action.CHANGE_ABORTED, now, reason=reason)

    async def _set(self, tx: Transaction, change: ChangeRow, state: ChangeState, now: datetime) -> None:
        step(CHANGE, change.state, state)
        await self._stores.changes.set_state(tx, change.id, state, now)

    async def _read(self, tx: Transaction, change_id: UUID, *, lock: bool = False) -> ChangeRow:
        change = await self._stores.changes.read(tx, change_id, lock=lock)
        if change is None:
            raise NoSuchChange(show("chg", change_id))
        return change

    async def _tell(
        self,
        tx: Transaction,
        tenant: TenantId,
        change_id: UUID,
        by: Hand,
        action: Action,
        now: datetime,
        *,
        reason: str = "",
        payload: Mapping[str, Json] | None = None,
    ) -> None:
        line = entry(
            tenant=tenant,
            at=now,
            actor=by.actor,
            action=action,
            subject=Subject(kind="change", id=show("chg", change_id)),
            change=ChangeId(change_id),
            reason=reason,
            payload=payload,
        )
        await self._stores.append(tx, [line])


def _all_of(change_id: UUID) -> Selection:
    return Selection(change=change_id, by=TakenBackBy.PERSON)


def _policy_line(
    tenant: TenantId, change: UUID, by: Hand, resource: Mapping[str, Any], reason: str, now: datetime
) -> Entry:
    """A line of its own for each resource, so that a policy's history can be read from the journal."""
    actions = {"create": Action.POLICY_CREATED, "update": Action.POLICY_REVISED, "remove": Action.POLICY_REMOVED}
    return entry(
        tenant=tenant,
        at=now,
        actor=by.actor,
        action=actions[resource["verb"]],
        subject=Subject(kind=resource["kind"], id=resource["name"]),
        change=ChangeId(change),
        reason=reason,
        payload={"revision": resource["number"]},
    )


def new_change(
    plan: PlanRow, by: Hand, rollout: Rollout, title: str, reason: str, now: datetime, *, emergency: bool
) -> ChangeRow:
    """The row that a Change begins as."""
    change_id = uuid7(now)
    named = ", ".join(f"{r['verb']} {r['name']}" for r in plan.resources) or "nothing"
    if plan.kind == ACTION:
        named = f"{plan.resources[0]['name'].split('-')[0]} {plan.summary['devices']} device(s)"
    return ChangeRow(
        id=change_id,
        title=title or named,
        kind=plan.kind,
        state=ChangeState.PLANNED if rollout.approvals else ChangeState.APPROVED,
        reason=reason,
        author=by.person,
        plan=plan.id,
        rollout=show_rollout(rollout),
        salt=zlib.crc32(change_id.bytes) % 10_000,
        approvals_needed=rollout.approvals,
        emergency=emergency,
        created_at=now,
        started_at=None,
        settled_at=None,
        waves=0,
        version=1,
        ends_at=now + plan.lasts if plan.lasts else None,
    )


def _drifted(plan: PlanRow, drift: Drift, counts: Sequence[int]) -> Conflict:
    return Conflict(
        title="The fleet moved under the plan",
        detail=(
            f"{drift.gone} planned devices are not concerned any more, {drift.come} came to be, {drift.altered} would "
            "be moved otherwise. Look at a new plan and apply that."
        ),
        code="drifted",
        differences={
            "planned": drift.planned,
            "now": sum(counts),
            "gone": drift.gone,
            "come": drift.come,
            "altered": drift.altered,
            "tolerated": int(plan.tolerance * max(drift.planned, 1)),
            "examples": [show("dev", d) for d in drift.examples],
        },
    )


def _wrong_state(change: ChangeRow, needed: str) -> Conflict:
    return Conflict(
        title=f"The Change is {name(change.state)}",
        detail=f"Only a Change that {needed} allows this.",
        code="wrong_state",
        differences={"state": name(change.state)},
    )

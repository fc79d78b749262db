"""Steps: takes due moves in groups, starts what is next, and reads how it went.

Each tick takes a bounded number of due moves under lock, grouped by (Change, situation, step, how
the step stands), decides once a group, and writes by the set. A step towards the device is started
for the whole group in one statement; a step at a carrier becomes pending operations that
`carrierwork` dispatches as the budget allows; a step in our own record of devices is done where it
starts. Nothing is sent before its row is committed: the nudges go out after the transaction, and
are only nudges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fairlead.engine.evidence import evidence_lines
from fairlead.engine.ports.moving import NOT_APPLIED, NOT_APPLIED_SAID, Advance, DueGroup, Selection, StepStart
from fairlead.engine.ports.planning import SituationRow
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.stores import Stores
from fairlead.engine.takingback import take_back
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import TenantId
from fairlead.model.lifecycle import MoveState, TakenBackBy
from fairlead.model.situation import Recipe, Step, read_recipe

LIMIT: Final = 5_000  # moves a tick and tenant
ATTEMPTS: Final = 3  # of one step: forward before the move fails, back before a person must look
AGAIN: Final = timedelta(minutes=1)
_FORWARD, _BACK = 1, 2


@dataclass(slots=True, kw_only=True)
class Ticked:
    """What one tick did; `nudges` and `revoked` are for after the commit."""

    tenant: TenantId
    moves: int = 0
    settled: int = 0
    nudges: list[tuple[UUID, tuple[int, ...]]] = field(default_factory=list[tuple[UUID, tuple[int, ...]]])
    revoked: list[str] = field(default_factory=list[str])  # names of devices whose open connections must end


class Moving:
    """Carries moves from step to step."""

    def __init__(self, stores: Stores, timekeeper: Timekeeper) -> None:
        self._stores = stores
        self._time = timekeeper

    async def tick(self, tenant: TenantId) -> Ticked:
        """One bounded look at what is due in a tenant."""
        done = Ticked(tenant=tenant)
        now = self._time.now()
        async with self._stores.transactions.tenant(tenant) as tx:
            failing = await self._carry(tx, now, done, alone=False)
        if failing:
            async with self._stores.transactions.alone(tenant) as tx:
                await self._carry(tx, now, done, alone=True)
        return done

    async def _carry(self, tx: Transaction, now: datetime, done: Ticked, *, alone: bool) -> bool:
        """Do what is due; true where moves were left because they turn back, which only who is `alone` may begin."""
        situations: dict[tuple[UUID, int], Mapping[int, SituationRow]] = {}
        left = False
        for group in await self._stores.moves.due(tx, now, LIMIT):
            key = (group.plan if group.wave == 0 else group.change, group.wave)
            if key not in situations:
                situations[key] = {s.no: s for s in await self._stores.plans.situations(tx, *key)}
            situation = situations[key][group.situation]
            if group.leg == _FORWARD:
                left |= not await self._forward(tx, group, situation, now, done, alone=alone)
            else:
                await self._back(tx, group, situation, now, done)
            done.moves += len(group.devices)
        return left

    async def _forward(
        self,
        tx: Transaction,
        group: DueGroup,
        situation: SituationRow,
        now: datetime,
        done: Ticked,
        *,
        alone: bool,
    ) -> bool:
        """Carry a group forward; false where it must turn back and we are not alone, so that nothing was done."""
        recipe = read_recipe(situation.recipe)
        match group.progress:
            case "none" if group.step >= len(recipe.steps):
                await self._verified(tx, group, now, done)
            case "none":
                step = recipe.steps[group.step]
                if await self._start(tx, group, step, now, done):
                    return True
                if alone:
                    why = f"nothing to {step.verb}: the subscription or facet is not there any more"
                    await self._fail(tx, group, group.devices, why, now)
                return alone
            case "verified" if group.step + 1 >= len(recipe.steps):
                await self._verified(tx, group, now, done)
            case "verified":
                await self._advance(tx, group, step=group.step + 1, state=MoveState.RUNNING, next_at=now)
            case "failed":
                if alone:
                    await self._failed(tx, group, now)
                return alone
            case _:
                await self._wait(tx, group, now)
        return True

    async def _back(
        self, tx: Transaction, group: DueGroup, situation: SituationRow, now: datetime, done: Ticked
    ) -> None:
        recipe = read_recipe(situation.recipe)
        match group.progress:
            case "none":
                step = self._undo_step(recipe, group)
                if step is None or not await self._start(tx, group, step, now, done):
                    await self._next_back(tx, group, now, done)
            case "verified":
                await self._next_back(tx, group, now, done)
            case "failed" if group.attempt < ATTEMPTS:
                again = Advance(
                    group=group,
                    devices=group.devices,
                    step=group.step,
                    leg=_BACK,
                    attempt=group.attempt + 1,
                    state=MoveState.UNDOING,
                    next_at=now + AGAIN,
                    settled_at=None,
                )
                await self._stores.moves.advance(tx, again)
            case "failed":
                why = "the way back failed; a person must look"
                await self._advance(tx, group, step=group.step, state=MoveState.STUCK, settled_at=now, outcome=why)
                done.settled += len(group.devices)
            case _:
                await self._wait(tx, group, now)

    def _undo_step(self, recipe: Recipe, group: DueGroup) -> Step | None:
        """What takes back the forward step of this index; None where it never left us or leaves nothing to undo."""
        if group.step >= len(recipe.steps) or not group.begun:
            return None
        step = recipe.steps[group.step]
        if step.undo_verb is None:
            return None
        return Step(
            driver=step.driver,
            verb=step.undo_verb,
            on=step.on,
            account=step.account,
            facets=step.facets,
            proof=step.proof,
            deadline_s=step.deadline_s,
            undo="none",
            undo_verb=None,
        )

    async def _next_back(self, tx: Transaction, group: DueGroup, now: datetime, done: Ticked) -> None:
        if group.step > 0:
            back = Advance(
                group=group,
                devices=group.devices,
                step=group.step - 1,
                leg=_BACK,
                attempt=1,
                state=MoveState.UNDOING,
                next_at=now,
                settled_at=None,
            )
            await self._stores.moves.advance(tx, back)
            return
        await self._stores.moves.verify_facets(tx, group.change, group.devices)
        await self._advance(tx, group, step=0, state=MoveState.UNDONE, settled_at=now)
        done.settled += len(group.devices)

    async def _start(self, tx: Transaction, group: DueGroup, step: Step, now: datetime, done: Ticked) -> bool:
        """Begin a step; false where there is nothing to begin it on."""
        deadline = self._time.real_floor(now + timedelta(seconds=step.deadline_s))
        start = StepStart(group=group, devices=group.devices, deadline=deadline)
        match step.driver:
            case "shadow":
                facets = tuple(f.number for f in step.facets)
                started = await self._stores.moves.start_shadow(tx, start, facets, now)
                done.nudges += [(device, facets) for device in group.devices]
            case "carrier":
                started = await self._stores.moves.start_carrier(tx, start, step.verb, step.account)
            case "registry":
                started = await self._record(tx, start, step, now, done)
                deadline = now if step.proof == "recorded" else deadline
        if started == 0:
            return False
        await self._stores.moves.postpone(tx, group, deadline)
        return True

    async def _record(self, tx: Transaction, start: StepStart, step: Step, now: datetime, done: Ticked) -> int:
        """A step in our own record: it is done, or it waits for a device to be heard from."""
        settled = await self._stores.moves.start_registry(tx, start, step.verb, now)
        await self._stores.append(tx, evidence_lines(done.tenant, settled, now, "system/registry"))
        if step.verb == "retire":
            done.revoked += await self._stores.moves.names(tx, start.devices)
        return len(settled)

    async def _verified(self, tx: Transaction, group: DueGroup, now: datetime, done: Ticked) -> None:
        await self._stores.moves.verify_facets(tx, group.change, group.devices)
        await self._advance(tx, group, step=group.step, state=MoveState.VERIFIED, settled_at=now, outcome="verified")
        done.settled += len(group.devices)

    async def _failed(self, tx: Transaction, group: DueGroup, now: datetime) -> None:
        """A step that provably was not applied is tried anew; else the move goes back and counts against its batch."""
        reasons = await self._stores.moves.reasons(tx, group)
        by_reason: dict[str, list[UUID]] = {}
        for device in group.devices:
            by_reason.setdefault(reasons.get(device, "failed"), []).append(device)
        for reason, devices in by_reason.items():
            if reason not in (NOT_APPLIED, NOT_APPLIED_SAID) or group.attempt >= ATTEMPTS:
                await self._fail(tx, group, devices, reason, now)
                continue
            again = Advance(
                group=group,
                devices=tuple(devices),
                step=group.step,
                leg=_FORWARD,
                attempt=group.attempt + 1,
                state=MoveState.RUNNING,
                next_at=now,
                settled_at=None,
            )
            await self._stores.moves.advance(tx, again)

    async def _fail(
        self, tx: Transaction, group: DueGroup, devices: Sequence[UUID], reason: str, now: datetime
    ) -> None:
        """Failed moves turn back by themselves: class, facets and a bar, and their recipe backwards."""
        selection = Selection(change=group.change, wave=group.wave, devices=tuple(devices), by=TakenBackBy.ITSELF)
        await take_back(self._stores, tx, selection, reason, now)

    async def _wait(self, tx: Transaction, group: DueGroup, now: datetime) -> None:
        deadline = group.deadline or now + AGAIN
        await self._stores.moves.postpone(tx, group, max(deadline, now + timedelta(seconds=1)))

    async def _advance(
        self,
        tx: Transaction,
        group: DueGroup,
        *,
        step: int,
        state: MoveState,
        next_at: datetime | None = None,
        settled_at: datetime | None = None,
        outcome: str | None = None,
    ) -> None:
        advance = Advance(
            group=group,
            devices=group.devices,
            step=step,
            leg=group.leg,
            attempt=group.attempt if step == group.step else 1,
            state=state,
            next_at=next_at,
            settled_at=settled_at,
            outcome=outcome,
        )
        await self._stores.moves.advance(tx, advance)

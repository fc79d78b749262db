"""Stages and gates: opens stages, judges batches, takes back those that fail, settles Changes.

A batch is one stage of one stratum. Every stratum goes at its own pace: its next stage opens when
its batch has passed, and a batch that fails is rolled back alone, while the rest of its stratum is
barred and the other strata go on. Called each tick for every tenant with work; it reads the counts
of open batches and does what follows, so that a crash anywhere only delays it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from fairlead.engine.journal import entry
from fairlead.engine.plans import ACTION
from fairlead.engine.ports.moving import BatchCount, ChangeRow, Selection
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.stores import Stores
from fairlead.engine.takingback import take_back
from fairlead.model.ids import ChangeId, TenantId, show
from fairlead.model.journal import Action, Json, Subject
from fairlead.model.lifecycle import CHANGE, BatchState, ChangeState, step
from fairlead.model.rollout import Gate, Rollout, read_rollout
from fairlead.plan.gates import Verdict, judge

FIRST_WAVE: Final = 0
# A stopped batch has paused its Change: where that runs again, a person has looked and said go on.
_GOES_ON: Final = frozenset({BatchState.PASSED, BatchState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one look at a tenant's batches did."""

    decided: int
    opened: int
    settled: int


class Stages:
    """Opens, judges, settles."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def start(self, tx: Transaction, tenant: TenantId, change: ChangeRow, now: datetime) -> None:
        """Hold out the comparison group and open the first stage of every stratum."""
        rollout = read_rollout(change.rollout)
        rules = await self._rules(tx, change)
        if rollout.hold_out:
            await self._stores.moves.hold_out(tx, change, rollout.hold_out, rules, now)
        strata = sorted(await self._strata(tx, change))
        if strata:
            await self._open(tx, tenant, change, rollout, strata, 0, now)
        else:
            await self._settle(tx, tenant, change, now)

    async def tick(self, tenant: TenantId, now: datetime) -> Progress:
        """Look at every open batch once and do what follows."""
        decided = opened = settled = 0
        async with self._stores.transactions.alone(tenant) as tx:
            touched: dict[UUID, ChangeRow] = {}
            for batch in await self._stores.moves.batches(tx):
                change = touched.get(batch.change) or await self._stores.changes.read(tx, batch.change, lock=True)
                if change is None:
                    continue
                touched[batch.change] = change
                decided += await self._judge(tx, tenant, change, batch, now)
            for change_id in await self._stores.changes.ended(tx, now):
                settled += await self._end(tx, tenant, change_id, now)
            for change_id in await self._stores.changes.in_states(tx, [ChangeState.RUNNING]):
                change = await self._stores.changes.read(tx, change_id, lock=True)
                if change is None or change.state is not ChangeState.RUNNING:
                    continue
                opened += await self._next_stages(tx, tenant, change, now)
                settled += await self._maybe_settle(tx, tenant, change, now)
        return Progress(decided=decided, opened=opened, settled=settled)

    async def _judge(
        self, tx: Transaction, tenant: TenantId, change: ChangeRow, batch: BatchCount, now: datetime
    ) -> int:
        if batch.state is BatchState.ROLLING_BACK:
            if batch.undoing or batch.going_back or batch.open:
                return 0
            undone: dict[str, Json] = {"undone": batch.failed + batch.taken_back}
            await self._decide(tx, tenant, batch, BatchState.ROLLED_BACK, undone, now)
            where: dict[str, Json] = {"wave": batch.wave, "stage": batch.stage, "stratum": batch.stratum}
            await self._tell(tx, tenant, batch.change, Action.ROLLBACK_SETTLED, now, payload=undone | where)
            return 1
        gate = read_rollout(change.rollout).gate
        verdict = judge(
            gate,
            admitted=batch.admitted,
            verified=batch.verified,
            failed=batch.failed,
            superseded=batch.superseded,
            taken_back=batch.taken_back,
            open_moves=batch.open + batch.undoing,
            since_opened=now - batch.opened_at,
            since_settled=now - batch.last_settled if batch.last_settled else None,
        )
        if verdict is Verdict.WAIT:
            return 0
        numbers = _numbers(batch, gate)
        if verdict is Verdict.PASS:
            await self._decide(tx, tenant, batch, BatchState.PASSED, numbers, now)
            return 1
        if verdict is Verdict.EMPTIED:
            await self._decide(tx, tenant, batch, BatchState.ROLLING_BACK, numbers, now)
            await self._bar_rest(tx, change, batch, now)
            return 1
        await self._fail(tx, tenant, change, batch, numbers, now)
        return 1

    async def _fail(
        self,
        tx: Transaction,
        tenant: TenantId,
        change: ChangeRow,
        batch: BatchCount,
        numbers: Mapping[str, Json],
        now: datetime,
    ) -> None:
        rollout = read_rollout(change.rollout)
        if rollout.on_failure == "pause" and change.state is ChangeState.RUNNING:
            await self._decide(tx, tenant, batch, BatchState.STOPPED, numbers, now)
            await self._stores.changes.set_state(tx, change.id, step(CHANGE, change.state, ChangeState.PAUSED), now)
            return
        await self._decide(tx, tenant, batch, BatchState.ROLLING_BACK, numbers, now)
        selection = Selection(change=change.id, wave=batch.wave, strata=(batch.stratum,), stage=batch.stage)
        await self.undo(tx, tenant, change, selection, "its batch failed the gate", now)
        await self._bar_rest(tx, change, batch, now)

    async def _bar_rest(self, tx: Transaction, change: ChangeRow, batch: BatchCount, now: datetime) -> None:
        """A stratum that goes no further keeps those out whom no stage admitted."""
        if batch.wave == FIRST_WAVE:
            await self._stores.moves.bar_rest(tx, change, batch.stratum, await self._rules(tx, change), now)

    async def undo(
        self, tx: Transaction, tenant: TenantId, change: ChangeRow, selection: Selection, outcome: str, now: datetime
    ) -> tuple[int, int]:
        """Begin the way back and tell the journal."""
        devices, verified = await take_back(self._stores, tx, selection, outcome, now)
        told: dict[str, Json] = {
            "devices": devices,
            "verified": verified,
            "wave": selection.wave,
            "strata": list(selection.strata) if selection.strata is not None else None,
            "stage": selection.stage,
        }
        await self._tell(tx, tenant, change.id, Action.ROLLBACK_STARTED, now, reason=outcome, payload=told)
        return devices, verified

    async def count_undo(self, tx: Transaction, selection: Selection) -> tuple[int, int, int]:
        """How many moves a rollback would take back, how many of them are verified, how many it must leave."""
        return await self._stores.moves.count_undo(tx, selection)

    async def _next_stages(self, tx: Transaction, tenant: TenantId, change: ChangeRow, now: datetime) -> int:
        rollout = read_rollout(change.rollout)
        by_stage: dict[int, list[int]] = {}
        for stratum, (stage, _, state) in (await self._stores.changes.latest_batches(tx, change.id)).items():
            if state in _GOES_ON and stage + 1 < len(rollout.stages):
                by_stage.setdefault(stage + 1, []).append(stratum)
        for stage, strata in sorted(by_stage.items()):
            await self._open(tx, tenant, change, rollout, sorted(strata), stage, now)
        return sum(len(s) for s in by_stage.values())

    async def _open(
        self,
        tx: Transaction,
        tenant: TenantId,
        change: ChangeRow,
        rollout: Rollout,
        strata: Sequence[int],
        stage: int,
        now: datetime,
    ) -> None:
        low = rollout.stages[stage - 1] if stage else 0
        opened = await self._stores.moves.open_stage(
            tx,
            change=change,
            owner=change.plan,
            wave=FIRST_WAVE,
            stage=stage,
            strata=strata,
            low=low,
            high=rollout.stages[stage],
            policies=[policy for policy, _ in await self._rules(tx, change)],
            now=now,
        )
        told: dict[str, Json] = {
            "stage": stage,
            "percent": rollout.stages[stage],
            "strata": len(strata),
            "admitted": opened.admitted,
            "in_flight_elsewhere": opened.in_flight,
        }
        await self._tell(tx, tenant, change.id, Action.STAGE_OPENED, now, payload=told)

    async def _maybe_settle(self, tx: Transaction, tenant: TenantId, change: ChangeRow, now: datetime) -> int:
        last = len(read_rollout(change.rollout).stages) - 1
        batches = await self._stores.changes.latest_batches(tx, change.id)
        finished = all(
            state is BatchState.ROLLED_BACK or (state in _GOES_ON and stage == last)
            for stage, _, state in batches.values()
        )
        if not finished or len(batches) < len(await self._strata(tx, change)):
            return 0
        await self._settle(tx, tenant, change, now)
        return 1

    async def _settle(self, tx: Transaction, tenant: TenantId, change: ChangeRow, now: datetime) -> None:
        """Keep the revisions where anything passed, or nothing had to move; drop them where all was taken back."""
        batches = await self._stores.changes.latest_batches(tx, change.id)
        kept = not batches or any(state in _GOES_ON for _, _, state in batches.values())
        story = await self._stores.changes.story(tx, change.id)
        told: dict[str, Json] = {
            "moves": story["moves"],
            "taken_back": story["taken_back"],
            "barred": story["barred"],
            "held_out": story["held_out"],
            "kept": kept,
        }
        if not kept:
            await self._stores.policies.drop(tx, change.id)
            await self._stores.changes.set_state(tx, change.id, step(CHANGE, change.state, ChangeState.ABORTED), now)
            await self._tell(tx, tenant, change.id, Action.CHANGE_ABORTED, now, reason="no batch passed", payload=told)
            return
        action = change.kind == ACTION  # it names its devices: nobody else enters, and it stands only for a time
        await self._stores.policies.keep(tx, change.id, entrants=not action)
        over = action and change.ends_at is None
        if over:
            await self._stores.policies.end(tx, change.id)
        settled = step(CHANGE, change.state, ChangeState.SETTLED)
        after = ChangeState.CLOSED if over else ChangeState.STANDING
        await self._stores.changes.set_state(tx, change.id, step(CHANGE, settled, after), now)
        await self._tell(tx, tenant, change.id, Action.CHANGE_SETTLED, now, payload=told)

    async def _end(self, tx: Transaction, tenant: TenantId, change_id: UUID, now: datetime) -> int:
        """The time of an action is over: it takes itself back, as a person would."""
        change = await self._stores.changes.read(tx, change_id, lock=True)
        if (
            change is None
            or change.ends_at is None
            or not {ChangeState.CLOSED, ChangeState.ABORTED} & CHANGE[change.state]
        ):
            return 0
        await self.undo(tx, tenant, change, Selection(change=change_id), "its time is over", now)
        kept = change.settled_at is not None
        if kept:
            await self._stores.policies.end(tx, change_id)
        else:
            await self._stores.policies.drop(tx, change_id)
        after = ChangeState.CLOSED if kept else ChangeState.ABORTED
        await self._stores.changes.set_state(tx, change_id, step(CHANGE, change.state, after), now)
        done = Action.CHANGE_CLOSED if kept else Action.CHANGE_ABORTED
        await self._tell(tx, tenant, change_id, done, now, reason="its time is over")
        return 1

    async def _strata(self, tx: Transaction, change: ChangeRow) -> set[int]:
        rows = await self._stores.plans.situations(tx, change.plan, FIRST_WAVE)
        return {row.stratum for row in rows if row.recipe["block_code"] is None}

    async def _rules(self, tx: Transaction, change: ChangeRow) -> list[tuple[UUID, int]]:
        return await self._stores.policies.rules_of(tx, change.id)

    async def _decide(
        self,
        tx: Transaction,
        tenant: TenantId,
        batch: BatchCount,
        state: BatchState,
        numbers: Mapping[str, Json],
        now: datetime,
    ) -> None:
        await self._stores.moves.decide(tx, batch, state, numbers, now)
        told: dict[str, Json] = {
            "wave": batch.wave,
            "stage": batch.stage,
            "stratum": batch.stratum,
            "percent": batch.percent,
            "decision": state.name.lower(),
            **numbers,
        }
        await self._tell(tx, tenant, batch.change, Action.STAGE_DECIDED, now, payload=told)

    async def _tell(
        self,
        tx: Transaction,
        tenant: TenantId,
        change_id: UUID,
        action: Action,
        now: datetime,
        *,
        reason: str = "",
        payload: Mapping[str, Json] | None = None,
    ) -> None:
        line = entry(
            tenant=tenant,
            at=now,
            actor="system/stages",
            action=action,
            subject=Subject(kind="change", id=show("chg", change_id)),
            change=ChangeId(change_id),
            reason=reason,
            payload=payload,
        )
        await self._stores.append(tx, [line])


def _numbers(batch: BatchCount, gate: Gate) -> dict[str, Any]:
    return {
        "admitted": batch.admitted,
        "verified": batch.verified,
        "failed": batch.failed,
        "superseded": batch.superseded,
        "taken_back": batch.taken_back,
        "open": batch.open,
        "max_failed_percent": round(gate.max_failed * 100),
    }

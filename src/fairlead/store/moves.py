"""Moves and operations by the set: opened, advanced, proved (house §§4, 5, 7); their way back is in `ways_back`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from fairlead.engine.ports.moving import (
    Advance,
    BatchCount,
    CarrierWork,
    ChangeRow,
    DueGroup,
    Opened,
    OpenOperation,
    Outcome,
    SettledOperation,
    StepStart,
)
from fairlead.model.device import SUBSCRIPTION_CODES
from fairlead.model.document import canonical
from fairlead.model.lifecycle import SETTLED_OPERATION, BatchState, DeviceState, MoveState, OperationState
from fairlead.model.subscription import SubscriptionState
from fairlead.store.database import Connection, fleet_wide
from fairlead.store.statements import load
from fairlead.store.ways_back import WaysBack, any_row, drop, rules_as_values

SQL: Final = load("stages") | load("operations") | load("moves")
_WHOLE: Final = 100
_STATE_AFTER: Final = {
    "bootstrap": int(DeviceState.BOOTSTRAPPED),
    "activate": int(DeviceState.ACTIVE),
    "retire": int(DeviceState.RETIRED),
}


class MoveStore(WaysBack):
    """Implements `engine.ports.moving.MoveRows`."""

    async def open_stage(
        self,
        tx: Connection,
        *,
        change: ChangeRow,
        owner: UUID,
        wave: int,
        stage: int,
        strata: Sequence[int],
        low: int,
        high: int,
        policies: Sequence[UUID],
        now: datetime,
        entered: bool = False,
    ) -> Opened:
        """Admit the devices of a stage: classes, facets and Moves in a handful of statements."""
        await drop(tx, "admitted", "doc_change")
        values: dict[str, Any] = {
            "owner": owner,
            "wave": wave,
            "strata": list(strata),
            "low": low,
            "high": high,
            "salt": change.salt,
            "change": change.id,
            "stage": stage,
            "percent": high,
            "now": now,
            "policies": list(policies),
            "entered": entered,
        }
        whole = low == 0 and high == _WHOLE
        await tx.execute(SQL["stage_members_whole" if whole else "stage_members"], values)
        excepted = bool(policies) and await any_row(tx, SQL["any_exception"])
        if excepted:
            await tx.execute(SQL["leave_those_out"], values)
        in_flight = 0
        if await any_row(tx, SQL["any_open_move"]):
            if change.emergency:
                await tx.execute(SQL["supersede_in_flight"], values)
            in_flight = (await tx.execute(SQL["leave_those_in_flight"], values)).rowcount
            await tx.execute(SQL["supersede_waiting"], values)
        await tx.execute("analyze admitted")
        async with fleet_wide(tx, "admitted"):
            await tx.execute(SQL["enter_classes"])
            if excepted:
                await tx.execute(SQL["end_waits"], values)
            await tx.execute(SQL["make_doc_change"])
            await self._want(tx, values)
            await tx.execute(SQL["open_moves"], values)
        await tx.execute(SQL["open_batches"], values)
        counts = dict(await (await tx.execute(SQL["admitted_by_stratum"])).fetchall())
        return Opened(admitted=sum(counts.values()), by_stratum=counts, in_flight=in_flight)

    async def _want(self, tx: Connection, values: Mapping[str, Any]) -> None:
        if not await any_row(tx, SQL["has_unmanaged"]):
            await tx.execute(SQL["want_facets"], values)
            return
        await tx.execute(SQL["baseline_documents"])
        await tx.execute(SQL["baseline_networks"])
        await drop(tx, "seen_network")
        await tx.execute(SQL["seen_networks"])
        await tx.execute(SQL["want_facets_with_baseline"], values)

    async def hold_out(
        self, tx: Connection, change: ChangeRow, percent: int, rules: Sequence[tuple[UUID, int]], now: datetime
    ) -> int:
        """Mark the comparison group of each stratum."""
        values = {"owner": change.plan, "percent": percent, "salt": change.salt, "change": change.id, "now": now}
        return (await tx.execute(SQL["hold_out"], values | rules_as_values(rules))).rowcount

    async def due(self, tx: Connection, now: datetime, limit: int) -> list[DueGroup]:
        """Lock due moves, grouped by what is next."""
        rows = await (await tx.execute(SQL["due_groups"], {"now": now, "limit": limit})).fetchall()
        return [
            DueGroup(
                change=r[0],
                plan=r[1],
                wave=r[2],
                situation=r[3],
                leg=r[4],
                step=r[5],
                attempt=r[6],
                state=MoveState(r[7]),
                progress=r[8],
                begun=r[9],
                deadline=r[10],
                devices=tuple(r[11]),
            )
            for r in rows
        ]

    async def start_shadow(self, tx: Connection, start: StepStart, facets: Sequence[int], now: datetime) -> int:
        """Offer the desired documents and write the operations."""
        values = _step(start) | {"facets": list(facets), "now": now}
        return (await tx.execute(SQL["start_shadow_step"], values)).rowcount

    async def start_carrier(self, tx: Connection, start: StepStart, verb: str, account: str) -> int:
        """Write pending operations; they are dispatched as the carrier's budget allows."""
        return (await tx.execute(SQL["start_carrier_step"], _step(start) | {"verb": verb, "account": account})).rowcount

    async def start_registry(
        self, tx: Connection, start: StepStart, verb: str, now: datetime
    ) -> list[SettledOperation]:
        """Do a step in our own record of devices, or begin to wait until they are heard from."""
        values = _step(start) | {"verb": verb, "now": now, "state": _STATE_AFTER.get(verb)}
        statement = {"hear": "start_hearing", "restore": "restore_device_state"}.get(verb, "set_device_state")
        settled = _settled(await (await tx.execute(SQL[statement], values)).fetchall())
        if verb == "retire":
            await tx.execute(SQL["retired_wait_no_more"], values)
        return settled

    async def names(self, tx: Connection, devices: Sequence[UUID]) -> list[str]:
        """The names of devices."""
        rows = await (await tx.execute(SQL["names"], {"devices": list(devices)})).fetchall()
        return [r[0] for r in rows]

    async def advance(self, tx: Connection, advance: Advance) -> None:
        """Write where a group stands now."""
        values = {
            "change": advance.group.change,
            "wave": advance.group.wave,
            "devices": list(advance.devices),
            "step": advance.step,
            "leg": advance.leg,
            "attempt": advance.attempt,
            "state": int(advance.state),
            "next_at": advance.next_at,
            "settled_at": advance.settled_at,
            "outcome": advance.outcome,
        }
        await tx.execute(SQL["advance"], values)

    async def postpone(self, tx: Connection, group: DueGroup, next_at: datetime) -> None:
        """Look at a group again at an instant; it is under way."""
        values = {"change": group.change, "wave": group.wave, "devices": list(group.devices), "next_at": next_at}
        await tx.execute(SQL["postpone"], values)

    async def reasons(self, tx: Connection, group: DueGroup) -> dict[UUID, str]:
        """Why the step failed, by device."""
        values = {
            "change": group.change,
            "wave": group.wave,
            "devices": list(group.devices),
            "leg": group.leg,
            "step": group.step,
            "attempt": group.attempt,
        }
        return dict(await (await tx.execute(SQL["failure_reasons"], values)).fetchall())

    async def verify_facets(self, tx: Connection, change: UUID, devices: Sequence[UUID]) -> None:
        """What was desired is proved."""
        await tx.execute(SQL["verify_facets"], {"change": change, "devices": list(devices)})

    async def prove(self, tx: Connection, now: datetime) -> list[SettledOperation]:
        """Read the facts that prove or end operations, and wake their moves."""
        settled: list[SettledOperation] = []
        for statement in ("prove_reported", "prove_sessions", "prove_heard", "expire_step", "expire_pending"):
            settled += _settled(await (await tx.execute(SQL[statement], {"now": now})).fetchall())
        await self._wake(tx, settled, now)
        return settled

    async def refuse(self, tx: Connection, device: UUID, facet: int, reason: str, now: datetime) -> int:
        """The device itself said no, or went back."""
        values = {"device": device, "facet": facet, "reason": reason, "now": now}
        rows = await (await tx.execute(SQL["refuse_by_device"], values)).fetchall()
        await self._wake(tx, _settled(rows), now)
        return len(rows)

    async def pending_accounts(self, tx: Connection, now: datetime) -> dict[str, int]:
        """Accounts with operations to dispatch, and how many."""
        return dict(await (await tx.execute(SQL["pending_accounts"], {"now": now})).fetchall())

    async def take(self, tx: Connection, account: str, limit: int, now: datetime) -> list[CarrierWork]:
        """Dispatch up to `limit` pending operations of an account; the rows are committed before any byte leaves."""
        values = {"account": account, "limit": limit, "now": now}
        rows = await (await tx.execute(SQL["take_carrier_operations"], values)).fetchall()
        return [
            CarrierWork(
                id=r[0],
                verb=r[1],
                sim=r[2],
                iccid=r[7],
                account=account,
                change=r[3],
                wave=r[4],
                device=r[5],
                state=OperationState.DISPATCHED,
                dispatched_at=now,
                deadline=r[6],
                put_off=r[8],
                arguments=r[9],
                line=r[10],
            )
            for r in rows
        ]

    async def acted(
        self, tx: Connection, works: Sequence[CarrierWork], since: datetime
    ) -> dict[UUID, list[tuple[str, datetime]]]:
        """What was asked of these lines since an instant beside these works, oldest first."""
        values = {"lines": [one.line for one in works], "but": [one.id for one in works], "since": since}
        found: dict[UUID, list[tuple[str, datetime]]] = {}
        for line, verb, at in await (await tx.execute(SQL["acted_today"], values)).fetchall():
            found.setdefault(line, []).append((verb, at))
        return found

    async def put_off(self, tx: Connection, until: Sequence[tuple[UUID, datetime, bool]]) -> None:
        """Not before these instants: what was to be called is pending again, what was looked at stays as it is.

        The flag says that the carrier was busy or away, and is counted.
        """
        values = {
            "ids": [one for one, _, _ in until],
            "until": [instant for _, instant, _ in until],
            "busy": [busy for _, _, busy in until],
        }
        await tx.execute(SQL["put_off"], values)

    async def pause_account(self, tx: Connection, account: str, until: datetime, because: str) -> None:
        """Nobody calls this account before an instant, and why."""
        await tx.execute(SQL["pause_account"], {"account": account, "until": until, "because": because})

    async def abandon(self, tx: Connection, dispatched_before: datetime) -> list[SettledOperation]:
        """What a process left behind when it died is unknown from now on."""
        found = await tx.execute(SQL["abandon_operations"], {"dispatched_before": dispatched_before})
        return _settled(await found.fetchall())

    async def doubtful(self, tx: Connection, now: datetime, limit: int) -> list[CarrierWork]:
        """Operations that need a read-back now: unknown, or acknowledged without proof."""
        values = {"now": now, "limit": limit}
        rows = await (await tx.execute(SQL["doubtful_operations"], values)).fetchall()
        return [
            CarrierWork(
                id=r[0],
                verb=r[1],
                sim=r[2],
                account=r[3],
                change=r[4],
                wave=r[5],
                device=r[6],
                state=OperationState(r[7]),
                dispatched_at=r[8],
                deadline=r[9],
                iccid=r[10],
                put_off=r[11],
                arguments=r[12],
                line=r[13],
                attempt=r[15],
                reference=r[14],
            )
            for r in rows
        ]

    async def operation(self, tx: Connection, operation: UUID) -> OpenOperation | None:
        """An operation by its id, locked until it is settled."""
        row = await (await tx.execute(SQL["lock_operation"], {"id": operation})).fetchone()
        if row is None:
            return None
        return OpenOperation(
            id=row[0],
            change=row[1],
            device=row[2],
            driver=row[3],
            verb=row[4],
            account=row[5] or "",
            state=OperationState(row[6]),
            last_evidence=row[7] or {},
        )

    async def record(self, tx: Connection, outcomes: Sequence[Outcome], now: datetime) -> list[SettledOperation]:
        """Write what became of operations, and wake the moves of those that are settled."""
        values = {
            "ids": [o.id for o in outcomes],
            "states": [int(o.state) for o in outcomes],
            "reasons": [o.reason for o in outcomes],
            "evidence": [canonical(o.evidence).decode() for o in outcomes],
            "look_at": [o.look_at for o in outcomes],
            "now": now,
        }
        rows = await (await tx.execute(SQL["record_outcomes"], values)).fetchall()
        recorded = _settled(rows)
        kept = {one.operation for one in recorded if one.state is OperationState.VERIFIED}
        await self._show_states(tx, [(o.id, o.evidence[-1]) for o in outcomes if o.id in kept and o.evidence])
        await self._wake(tx, [one for one in recorded if one.state in SETTLED_OPERATION], now)
        return recorded

    async def _show_states(self, tx: Connection, proofs: Sequence[tuple[UUID, Mapping[str, Any]]]) -> None:
        shown = [(one, said) for one, said in proofs if said.get("state") and said.get("observed_at")]
        if shown:
            values = {
                "ids": [one for one, _ in shown],
                "states": [SUBSCRIPTION_CODES[SubscriptionState(said["state"])] for _, said in shown],
                "provider_states": [said.get("provider_state", "") for _, said in shown],
                "at": [said["observed_at"] for _, said in shown],
            }
            await tx.execute(SQL["show_states"], values)

    async def _wake(self, tx: Connection, settled: Sequence[SettledOperation], now: datetime) -> None:
        moved = [one for one in settled if one.change is not None]
        if moved:
            values = {
                "changes": [one.change for one in moved],
                "waves": [one.wave for one in moved],
                "devices": [one.device for one in moved],
                "now": now,
            }
            await tx.execute(SQL["wake_moves"], values)

    async def batches(self, tx: Connection) -> list[BatchCount]:
        """How the open batches stand."""
        rows = await (await tx.execute(SQL["batch_counts"])).fetchall()
        return [
            BatchCount(
                change=r[0],
                wave=r[1],
                stratum=r[2],
                stage=r[3],
                percent=r[4],
                state=BatchState(r[5]),
                admitted=r[6],
                opened_at=r[7],
                verified=r[8],
                failed=r[9],
                superseded=r[10],
                taken_back=r[11],
                open=r[12],
                undoing=r[13],
                going_back=r[14],
                last_settled=r[15],
            )
            for r in rows
        ]

    async def decide(self, tx: Connection, batch: BatchCount, state: BatchState, decision: Any, now: datetime) -> None:
        """Write what was decided about a batch, with its numbers."""
        values = {
            "change": batch.change,
            "wave": batch.wave,
            "stratum": batch.stratum,
            "stage": batch.stage,
            "state": int(state),
            "decision": Jsonb(decision),
            "now": now,
        }
        await tx.execute(SQL["decide_batch"], values)


def _settled(rows: Sequence[tuple[Any, ...]]) -> list[SettledOperation]:
    return [
        SettledOperation(
            operation=r[0],
            change=r[1],
            wave=r[2],
            device=r[3],
            facet=r[4],
            generation=r[5],
            state=OperationState(r[6]),
            bulk=r[7],
            subject=r[8],
        )
        for r in rows
    ]


def _step(start: StepStart) -> dict[str, Any]:
    return {
        "change": start.group.change,
        "wave": start.group.wave,
        "leg": start.group.leg,
        "step": start.group.step,
        "attempt": start.group.attempt,
        "devices": list(start.devices),
        "deadline": start.deadline,
    }

"""Changes: their rows, approvals, batches and waiting devices."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.reading import ChangeCounts, WhichMoves
from fairlead.model.lifecycle import BatchState, ChangeState, MoveState, OperationState, TakenBackBy, name
from fairlead.store.database import Connection
from fairlead.store.statements import load

SQL: Final = load("changes")
_COLUMNS: Final = (
    "id", "title", "kind", "state", "reason", "author", "plan", "rollout", "salt", "approvals_needed", "emergency",
    "created_at", "started_at", "settled_at", "waves", "version", "ends_at",
)  # fmt: skip


class ChangeStore:
    """Implements `engine.ports.moving.ChangeRows`."""

    async def insert(self, tx: Connection, change: ChangeRow) -> None:
        """Keep a new Change."""
        values = {
            "id": change.id,
            "title": change.title,
            "kind": change.kind,
            "state": change.state,
            "reason": change.reason,
            "author": change.author,
            "plan": change.plan,
            "rollout": Jsonb(change.rollout),
            "salt": change.salt,
            "approvals": change.approvals_needed,
            "emergency": change.emergency,
            "now": change.created_at,
            "ends_at": change.ends_at,
        }
        await tx.execute(SQL["insert_change"], values)

    async def read(self, tx: Connection, change: UUID, *, lock: bool = False) -> ChangeRow | None:
        """A Change by its id, locked where it is about to be written."""
        found = await tx.execute(SQL["lock_change" if lock else "read_change"], {"id": change})
        row = await found.fetchone()
        return _change(row) if row else None

    async def page(
        self, tx: Connection, before: UUID | None, states: Collection[ChangeState], limit: int
    ) -> list[ChangeRow]:
        """Changes in these states, newest first."""
        values = {"before": before, "states": [int(s) for s in states], "limit": limit}
        return [_change(r) for r in await (await tx.execute(SQL["list_changes"], values)).fetchall()]

    async def in_states(self, tx: Connection, states: Sequence[ChangeState]) -> list[UUID]:
        """Ids of Changes in these states, oldest first."""
        rows = await (await tx.execute(SQL["changes_in"], {"states": [int(s) for s in states]})).fetchall()
        return [r[0] for r in rows]

    async def ended(self, tx: Connection, now: datetime) -> list[UUID]:
        """Changes whose time is over and that are not."""
        return [r[0] for r in await (await tx.execute(SQL["changes_ended"], {"now": now})).fetchall()]

    async def set_state(self, tx: Connection, change: UUID, state: ChangeState, now: datetime) -> None:
        """Write a state that `model.lifecycle` allowed."""
        await tx.execute(SQL["set_state"], {"id": change, "state": int(state), "now": now})

    async def next_wave(self, tx: Connection, change: UUID) -> int:
        """The number of a standing Change's next wave."""
        row = await (await tx.execute(SQL["next_wave"], {"id": change})).fetchone()
        return row[0] if row else 1

    async def approve(
        self, tx: Connection, change: UUID, principal: UUID, verdict: int, note: str, now: datetime
    ) -> None:
        """Keep somebody's verdict: 1 approved, 2 refused."""
        values = {"change": change, "principal": principal, "verdict": verdict, "note": note, "now": now}
        await tx.execute(SQL["insert_approval"], values)

    async def approvals(self, tx: Connection, change: UUID) -> list[dict[str, Any]]:
        """Verdicts, oldest first."""
        rows = await (await tx.execute(SQL["approvals"], {"change": change})).fetchall()
        return [dict(zip(("principal", "verdict", "note", "at"), r, strict=True)) for r in rows]

    async def latest_batches(self, tx: Connection, change: UUID) -> dict[int, tuple[int, int, BatchState]]:
        """By stratum: stage, percent and state of the furthest batch of the first wave."""
        rows = await (await tx.execute(SQL["latest_batches"], {"change": change})).fetchall()
        return {r[0]: (r[1], r[2], BatchState(r[3])) for r in rows}

    async def story(self, tx: Connection, change: UUID) -> dict[str, Any]:
        """Batches, counts by stratum, totals: what a person sees of a Change."""
        batches = await (await tx.execute(SQL["batches"], {"change": change})).fetchall()
        names = (
            "wave",
            "country",
            "carrier",
            "stage",
            "percent",
            "state",
            "admitted",
            "opened_at",
            "decided_at",
            "decision",
        )
        strata: dict[tuple[str, str], dict[str, int]] = {}
        now: dict[tuple[int, int, int], dict[str, int]] = {}  # of each batch: its decision has the numbers of then
        counted = await (await tx.execute(SQL["move_counts"], {"change": change})).fetchall()
        for stratum, country, carrier, wave, stage, state, count in counted:
            word, of = name(MoveState(state)), strata.setdefault((country, carrier), {})
            of[word] = of.get(word, 0) + count
            now.setdefault((stratum, wave, stage), {})[word] = count
        shown = [
            dict(zip(names, r[:10], strict=True))
            | {"state": name(BatchState(r[5])), "moves": now.get((r[10], r[0], r[3]), {})}
            for r in batches
        ]
        moves = await (await tx.execute(SQL["move_totals"], {"change": change})).fetchall()
        taken_back = await (await tx.execute(SQL["taken_back_count"], {"change": change})).fetchone()
        operations = await (await tx.execute(SQL["operation_totals"], {"change": change})).fetchall()
        exceptions = dict(await (await tx.execute(SQL["exception_counts"], {"change": change})).fetchall())
        return {
            "batches": shown,
            "strata": [{"country": k[0], "carrier": k[1], "moves": v} for k, v in sorted(strata.items())],
            "moves": {name(MoveState(r[0])): r[1] for r in moves},
            "operations": {name(OperationState(r[0])): r[1] for r in operations},
            "taken_back": taken_back[0] if taken_back else 0,  # by a person: not a failure
            "barred": exceptions.get(3, 0),
            "held_out": exceptions.get(4, 0),
            "waiting": exceptions.get(1, 0) + exceptions.get(2, 0),
        }

    async def counts_of(self, tx: Connection, changes: Sequence[UUID]) -> dict[UUID, ChangeCounts]:
        """How far the Changes of a page are."""
        rows = await (await tx.execute(SQL["counts_of"], {"changes": list(changes)})).fetchall()
        found: dict[UUID, ChangeCounts] = {}
        for number, approvals, moves in rows:
            by_state: dict[str, int] = moves or {}
            found[number] = ChangeCounts(
                approvals=approvals, moves={name(MoveState(int(state))): n for state, n in by_state.items()}
            )
        return found

    async def moves(
        self, tx: Connection, change: UUID, which: WhichMoves, after: tuple[UUID, int] | None, limit: int
    ) -> list[dict[str, Any]]:
        """Moves of a Change, by device and wave."""
        values = {
            "change": change,
            "state": which.state,
            "wave": which.wave,
            "stage": which.stage,
            "country": which.country,
            "carrier": which.carrier,
            "device": which.device,
            "after": after[0] if after else None,
            "after_wave": after[1] if after else None,
            "limit": limit,
        }
        rows = await (await tx.execute(SQL["moves"], values)).fetchall()
        names = (
            "device", "name", "wave", "country", "carrier", "stage", "state", "leg", "step", "attempt", "opened_at",
            "settled_at", "outcome", "taken_back_by", "situation",
        )  # fmt: skip
        return [
            dict(zip(names, r, strict=True))
            | {"state": name(MoveState(r[6])), "taken_back_by": name(TakenBackBy(r[13])) if r[13] else None}
            for r in rows
        ]

    async def operations(
        self,
        tx: Connection,
        *,
        change: UUID | None,
        device: UUID | None,
        state: OperationState | None,
        after: UUID | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Operations with their evidence, by id."""
        values = {"change": change, "device": device, "state": state, "after": after, "limit": limit}
        rows = await (await tx.execute(SQL["operations"], values)).fetchall()
        names = (
            "id", "change", "wave", "device", "device_name", "facet", "generation", "leg", "step", "attempt", "driver",
            "verb", "state", "reason", "arguments", "evidence", "dispatched_at", "settled_at", "deadline",
            "not_before", "put_off",
        )  # fmt: skip
        return [dict(zip(names, r, strict=True)) | {"state": name(OperationState(r[12]))} for r in rows]

    async def waits(self, tx: Connection, now: datetime) -> list[tuple[UUID, int, int, int, int]]:
        """Waiting devices by (policy, rule, kind, stratum, count)."""
        rows = await (await tx.execute(SQL["standing_waits"], {"now": now})).fetchall()
        return [(r[0], r[1], r[2], r[3], r[4]) for r in rows]

    async def admitted_since(self, tx: Connection, change: UUID, since: datetime) -> dict[int, int]:
        """Devices admitted by waves of a Change since an instant, by stratum."""
        rows = await (await tx.execute(SQL["admitted_since"], {"change": change, "since": since})).fetchall()
        return {r[0]: int(r[1]) for r in rows}

    async def waiting(
        self, tx: Connection, policy: UUID, rule: int, kind: int, stratum: int, limit: int, now: datetime
    ) -> list[tuple[UUID, int]]:
        """The next devices in line, with the class each stands in."""
        values = {"policy": policy, "rule": rule, "kind": kind, "stratum": stratum, "limit": limit, "now": now}
        rows = await (await tx.execute(SQL["waiting_devices"], values)).fetchall()
        return [(r[0], r[1]) for r in rows]

    async def wait_longer(
        self, tx: Connection, change: UUID, wave: int, policies: Sequence[UUID], until: datetime
    ) -> int:
        """Members of a wave's blocked situations go to the end of the line."""
        values = {"change": change, "wave": wave, "policies": list(policies), "until": until}
        return (await tx.execute(SQL["wait_longer"], values)).rowcount

    async def standing(self, tx: Connection, device: UUID) -> tuple[int, int, int, int] | None:
        """Class, stratum, bucket and arm of a device."""
        row = await (await tx.execute(SQL["device_why"], {"device": device})).fetchone()
        return (row[0], row[1], row[2], row[3]) if row else None

    async def device_exceptions(self, tx: Connection, device: UUID) -> list[dict[str, Any]]:
        """Why a device is not in a rule that matches it, or the reverse."""
        rows = await (await tx.execute(SQL["device_exceptions"], {"device": device})).fetchall()
        return [dict(zip(("policy", "name", "kind", "rule", "change", "since"), r, strict=True)) for r in rows]

    async def device_facets(self, tx: Connection, device: UUID) -> list[dict[str, Any]]:
        """Desired, offered, observed and verified of each facet of a device."""
        rows = await (await tx.execute(SQL["device_facets"], {"device": device})).fetchall()
        names = (
            "facet", "desired", "generation", "offered_generation", "observed_generation", "verified", "change",
            "changed_at", "reported", "reported_at", "shadow_version",
        )  # fmt: skip
        return [dict(zip(names, r, strict=True)) for r in rows]

    async def device_moves(self, tx: Connection, device: UUID) -> list[dict[str, Any]]:
        """The latest Moves of a device."""
        rows = await (await tx.execute(SQL["device_moves"], {"device": device})).fetchall()
        names = ("change", "title", "wave", "state", "stage", "leg", "step", "opened_at", "settled_at", "outcome")
        return [dict(zip(names, r, strict=True)) | {"state": name(MoveState(r[3]))} for r in rows]

    async def lift_bar(self, tx: Connection, policy: UUID, devices: Sequence[UUID]) -> int:
        """Lift bars by hand, and have the devices looked at again."""
        lifted = await tx.execute(SQL["lift_bar"], {"policy": policy, "devices": list(devices)})
        await tx.execute(SQL["mark_dirty"], {"devices": list(devices)})
        return lifted.rowcount

    async def any_open_move(self, tx: Connection) -> bool:
        """Whether anything is in flight in this tenant."""
        row = await (await tx.execute(SQL["open_moves_anywhere"])).fetchone()
        return bool(row and row[0])


def _change(row: Sequence[Any]) -> ChangeRow:
    values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=True))
    values["state"] = ChangeState(values["state"])
    return ChangeRow(**values)

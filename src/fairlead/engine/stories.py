"""Reading changes, policies and the reasons behind a device's state: what people ask afterwards.

The four questions of the mission are answered here from operations and moves: was it delivered,
did the device acknowledge, did telemetry confirm, can it be rolled back and by what.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fairlead.engine.journal import entry
from fairlead.engine.plans import Hand
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.planning import PlanRow, SituationRow
from fairlead.engine.ports.reading import ChangeCounts, PolicyPages, Reading, WhichMoves
from fairlead.engine.resolve import Resolver
from fairlead.engine.stores import Stores
from fairlead.model.facet import BY_NUMBER
from fairlead.model.ids import TenantId, show
from fairlead.model.journal import Action, Subject
from fairlead.model.lifecycle import ChangeState, OperationState
from fairlead.policy.admission import ExceptionKind

KINDS = {
    ExceptionKind.WAITING_IN: "waits to enter",
    ExceptionKind.WAITING_OUT: "waits to leave",
    ExceptionKind.BARRED: "barred by a rollback",
    ExceptionKind.HELD_OUT: "held out for comparison",
}


class Stories:
    """Reads what was decided and why."""

    def __init__(self, stores: Stores, reading: Reading, pages: PolicyPages, resolver: Resolver) -> None:
        self._stores = stores
        self._reading = reading
        self._pages = pages
        self._resolver = resolver

    async def plan(self, tenant: TenantId, plan: UUID) -> PlanRow | None:
        """A plan by its id."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._stores.plans.read_plan(tx, plan)

    async def plans(self, tenant: TenantId, before: UUID | None, limit: int) -> list[PlanRow]:
        """Plans, newest first."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._stores.plans.list_plans(tx, before, limit)

    async def changes(
        self, tenant: TenantId, before: UUID | None, states: Collection[ChangeState], limit: int
    ) -> list[ChangeRow]:
        """Changes in these states, newest first."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._stores.changes.page(tx, before, states, limit)

    async def change(self, tenant: TenantId, change: UUID) -> dict[str, Any] | None:
        """A Change as a story: how far it is, with its numbers, approvals and the four questions."""
        async with self._stores.transactions.tenant(tenant) as tx:
            row = await self._stores.changes.read(tx, change)
            if row is None:
                return None
            story = await self._stores.changes.story(tx, change)
            approvals = await self._stores.changes.approvals(tx, change)
            return {"row": row, "story": story, "approvals": approvals, "questions": _questions(story)}

    async def counts_of(self, tenant: TenantId, changes: Sequence[UUID]) -> dict[UUID, ChangeCounts]:
        """How far each of these Changes is."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._reading.counts_of(tx, changes)

    async def situations(self, tenant: TenantId, change: UUID, wave: int) -> list[SituationRow] | None:
        """What a wave does, recipe by recipe; wave 0 is what was planned. None: no such Change."""
        async with self._stores.transactions.tenant(tenant) as tx:
            row = await self._stores.changes.read(tx, change)
            if row is None:
                return None
            return await self._stores.plans.situations(tx, change if wave else row.plan, wave)

    async def moves(
        self, tenant: TenantId, change: UUID, which: WhichMoves, after: tuple[UUID, int] | None, limit: int
    ) -> list[dict[str, Any]]:
        """Moves of a Change."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._reading.moves(tx, change, which, after, limit)

    async def operations(
        self,
        tenant: TenantId,
        *,
        change: UUID | None,
        device: UUID | None,
        state: OperationState | None,
        after: UUID | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Operations with evidence."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._reading.operations(
                tx, change=change, device=device, state=state, after=after, limit=limit
            )

    async def policies(
        self, tenant: TenantId, kind: str | None, after: tuple[str, str] | None, limit: int
    ) -> list[dict[str, Any]]:
        """Kept policies by kind and name."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._pages.page(tx, kind, after, limit)

    async def history(self, tenant: TenantId, kind: str, name: str) -> list[dict[str, Any]]:
        """All applied revisions of a policy, newest first."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._pages.history(tx, kind, name)

    async def lift_bars(
        self, tenant: TenantId, by: Hand, kind: str, name: str, devices: Sequence[UUID], now: datetime
    ) -> int | None:
        """Lift bars by hand; None where there is no such policy."""
        async with self._stores.transactions.tenant(tenant) as tx:
            found = await self._stores.policies.named(tx, kind, name)
            if found is None:
                return None
            lifted = await self._reading.lift_bar(tx, found[0], devices)
            line = entry(
                tenant=tenant,
                at=now,
                actor=by.actor,
                action=Action.BAR_LIFTED,
                subject=Subject(kind=kind, id=name),
                payload={"asked": len(devices), "lifted": lifted},
            )
            await self._stores.append(tx, [line])
            return lifted

    async def why(self, tenant: TenantId, device: UUID, now: datetime) -> dict[str, Any]:
        """The resolved chain of one device: each facet's values with their reasons, and what stands in the way."""
        async with self._stores.transactions.tenant(tenant) as tx:
            standing = await self._reading.standing(tx, device)
            class_id = standing[0] if standing else 0
            rules = await self._resolver.rules(tx, now)
            sets = await self._stores.plans.resolving(tx).rules_of([class_id])
            in_force = [
                {
                    "policy": rules.by_rule[r].row.name,
                    "revision": rules.by_rule[r].row.number,
                    "priority": rules.by_rule[r].policy.priority,
                    "match": rules.by_rule[r].policy.match.text,
                    "until": rules.by_rule[r].policy.until.text,
                    "reason": rules.by_rule[r].policy.reason,
                }
                for r in sets.get(class_id, ())
                if r in rules.by_rule
            ]
            documents = await self._stores.policies.documents(tx, [class_id])
            facets = await self._reading.device_facets(tx, device)
            return {
                "class": class_id,
                "held_out": bool(standing and standing[3]),
                "in_force": in_force,
                "values": {d.facet.value: {"document": d.content, "reasons": d.reasons} for d in documents},
                "facets": [_facet(f) for f in facets],
                "exceptions": [_exception(x) for x in await self._reading.device_exceptions(tx, device)],
                "moves": [
                    m | {"change": show("chg", m["change"])} for m in await self._reading.device_moves(tx, device)
                ],
            }


def _facet(row: Mapping[str, Any]) -> dict[str, Any]:
    in_sync = row["observed_generation"] >= row["generation"]
    return {
        "facet": BY_NUMBER[row["facet"]].value,
        "desired": row["desired"],
        "verified": row["verified"],
        "reported": row["reported"],
        "generation": row["generation"],
        "offered_generation": row["offered_generation"],
        "observed_generation": row["observed_generation"],
        "in_sync": in_sync,
        "change": show("chg", row["change"]) if row["change"] else None,
        "changed_at": row["changed_at"],
        "reported_at": row["reported_at"],
        "shadow_version": row["shadow_version"],
    }


def _exception(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "policy": row["name"],
        "why": KINDS[ExceptionKind(row["kind"])],
        "change": show("chg", row["change"]) if row["change"] else None,
        "since": row["since"],
    }


def _questions(story: Mapping[str, Any]) -> dict[str, Any]:
    """Delivered, acknowledged, confirmed, and what can be taken back."""
    operations: Mapping[str, int] = story["operations"]
    moves: Mapping[str, int] = story["moves"]
    total = sum(operations.values())
    waiting = operations.get("pending", 0) + operations.get("dispatched", 0) + operations.get("unknown", 0)
    verified, acknowledged = operations.get("verified", 0), operations.get("acknowledged", 0)
    return {
        "delivered": {"yes": total - waiting, "of": total},
        "acknowledged": {"yes": verified + acknowledged, "of": total},
        "confirmed": {"yes": verified, "of": total},
        "can_be_rolled_back": {
            "moves": moves.get("verified", 0) + moves.get("running", 0) + moves.get("waiting", 0),
            "by": ["stage", "country", "wave", "device", "match expression"],
        },
    }

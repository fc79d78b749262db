"""Who stands in a policy: counts over all policies, and the devices of one, page by page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.errors import QueryCanceled

from fairlead.engine.ports.fleet import Departments, Place
from fairlead.engine.ports.reading import Excepted, Member, Members
from fairlead.store.database import Connection
from fairlead.store.devices import LONG_AGO, NIL, START
from fairlead.store.statements import load
from fairlead.store.walk import Budget, Chunk, walk

SQL: Final = load("membership")


class MembershipStore:
    """Implements `engine.ports.reading.MembershipRows`."""

    async def members(self, tx: Connection, *, budget_s: float) -> Mapping[tuple[str, str], int] | None:
        """Devices that stand in each policy, by kind and name; None where counting would take too long."""
        try:
            async with tx.transaction():
                await tx.execute("select set_config('statement_timeout', %s, true)", (str(int(budget_s * 1000)),))
                rows = await (await tx.execute(SQL["members_by_policy"])).fetchall()
        except QueryCanceled:
            return None
        return {(kind, name): n for kind, name, n in rows}

    async def excepted_counts(self, tx: Connection) -> Mapping[tuple[str, str], Mapping[int, int]]:
        """Devices that wait, are barred or held out, by kind and name of the policy, then by kind of exception."""
        found: dict[tuple[str, str], dict[int, int]] = {}
        for kind, name, exception, n in await (await tx.execute(SQL["excepted_by_policy"])).fetchall():
            found.setdefault((kind, name), {})[exception] = n
        return found

    async def in_force(
        self, tx: Connection, policy: UUID, departments: Departments, *, after: UUID | None, limit: int, budget_s: float
    ) -> Members:
        """Devices that stand in a policy, by id."""
        row = await (await tx.execute(SQL["classes_of_policy"], {"policy": policy})).fetchone()
        values = {"classes": row[0] if row else [], "departments": sorted(departments) or None}

        async def step(place: Place, size: int, want: int) -> Chunk:
            found = await tx.execute(SQL["members_chunk"], values | {"after": place.id, "chunk": size, "want": want})
            scanned, last, devices = await found.fetchone() or (0, None, [])
            return Chunk(scanned=scanned, last=None if last is None else _at(last), found=[_at(one) for one in devices])

        start = START if after is None else _at(after)
        walked = await walk(step, start, limit=limit, budget=Budget(budget_s), filtered=True)
        named = await tx.execute(SQL["names"], {"devices": [place.id for place in walked.found]})
        return Members(
            found=[Member(device=d, name=name, group=group) for d, name, group in await named.fetchall()],
            next=walked.next.id if walked.next else None,
            complete=walked.complete,
        )

    async def excepted(
        self,
        tx: Connection,
        policy: UUID,
        kind: int,
        departments: Departments,
        *,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Excepted]:
        """Devices in one kind of exception, the longest in line first."""
        since, device = after or (LONG_AGO, NIL)
        values: dict[str, Any] = {
            "policy": policy, "kind": kind, "departments": sorted(departments) or None, "limit": limit,
            "after_since": since, "after": device,
        }  # fmt: skip
        rows = await (await tx.execute(SQL["excepted"], values)).fetchall()
        return [
            Excepted(device=r[0], name=r[1], group=r[2], revision=r[3], change=r[4], since=r[5]) for r in rows
        ]  # fmt: skip


def _at(device: UUID) -> Place:
    return Place(probe=0, value=None, id=device)

"""Who stands in a policy, who waits to enter or leave it, and whom something bars: figures and devices.

The door shows them beside a policy. A count over the whole fleet has a budget: a figure that would
take too long is not known, never guessed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from fairlead.engine.fleet import Actor
from fairlead.engine.ports.reading import Excepted, Members, MembershipRows
from fairlead.engine.stores import Stores
from fairlead.model.ids import TenantId
from fairlead.policy.admission import ExceptionKind

COUNT_BUDGET_S: Final = 0.8
PAGE_BUDGET_S: Final = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A policy in figures."""

    kind: str
    name: str
    in_force: int | None  # None: not known, the count would have taken too long
    excepted: Mapping[ExceptionKind, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of them. A policy that is not among them holds nobody and keeps nobody, where the fleet was counted."""

    standings: Sequence[Standing]
    counted: bool


class Memberships:
    """Reads who stands where."""

    def __init__(self, stores: Stores, rows: MembershipRows) -> None:
        self._stores = stores
        self._rows = rows

    async def figures(self, tenant: TenantId) -> Figures:
        """Every policy that holds a device or keeps one waiting, by kind and name."""
        async with self._stores.transactions.tenant(tenant) as tx:
            excepted = await self._rows.excepted_counts(tx)
            members = await self._rows.members(tx, budget_s=COUNT_BUDGET_S)
        named: set[tuple[str, str]] = {*excepted, *(members or {})}
        standings = [
            Standing(
                kind=kind,
                name=name,
                in_force=None if members is None else members.get((kind, name), 0),
                excepted={ExceptionKind(k): n for k, n in excepted.get((kind, name), {}).items()},
            )
            for kind, name in sorted(named)
        ]
        return Figures(standings=standings, counted=members is not None)

    async def in_force(self, actor: Actor, kind: str, name: str, *, after: UUID | None, limit: int) -> Members | None:
        """Devices that stand in a policy; None where there is no such policy."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._stores.policies.named(tx, kind, name)
            if found is None:
                return None
            return await self._rows.in_force(
                tx, found[0], actor.departments, after=after, limit=limit, budget_s=PAGE_BUDGET_S
            )

    async def excepted(
        self,
        actor: Actor,
        kind: str,
        name: str,
        which: ExceptionKind,
        *,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Excepted] | None:
        """Devices in one kind of exception; None where there is no such policy."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._stores.policies.named(tx, kind, name)
            if found is None:
                return None
            return await self._rows.excepted(tx, found[0], which, actor.departments, after=after, limit=limit)

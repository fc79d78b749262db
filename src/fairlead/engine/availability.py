"""Availability: the share of minutes in which devices could be reached, against what each group is promised.

Counted from contact, every five minutes (`engine.outages`), and summed up here: a device that was heard on any
network within its interval counts as reached, one that was silent for longer does not, one whose carrier could
not be read is not counted at all. It says what we saw of the fleet, not what a network measured of itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.ports.outages import Dimension, Health, Objective, OutageReader, Reached, Span
from fairlead.engine.ports.transaction import Transactions
from fairlead.engine.stores import AppendLines
from fairlead.insight.outage import BUCKET, Stratum
from fairlead.model.journal import Action, Entry, Json, Subject

MILLION: Final = 1_000_000
BUCKET_MINUTES: Final = int(BUCKET / timedelta(minutes=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the fleet over a while."""

    reached: Reached

    @property
    def availability(self) -> float:
        """The share of minutes, from 0 to 1."""
        return 1 - self.reached.missing / self.reached.expected

    @property
    def met(self) -> bool:
        """Whether that is what was promised; counted in whole device-buckets, without rounding."""
        return self.reached.missing * MILLION <= (MILLION - self.reached.target_ppm) * self.reached.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How much of a while was looked at."""

    span: Span
    share: float  # of the buckets between the first that was ever counted there and the end


class Availability:
    """What doors ask; one instance a process."""

    def __init__(self, transactions: Transactions, store: OutageReader, append: AppendLines) -> None:
        self._transactions = transactions
        self._store = store
        self._append = append

    async def health(self, actor: Actor, after: Stratum | None, limit: int) -> Sequence[Health]:
        """Every judged stratum against what is usual for it."""
        return await self._store.health(actor.tenant, after, limit)

    async def measured(self, actor: Actor, since: datetime, until: datetime, now: datetime) -> Measured:
        """What was looked at between two instants."""
        span = await self._store.span(actor.tenant, since, until)
        if span.first is None:
            return Measured(span=span, share=0.0)
        possible = -(-(min(until, now) - span.first) // BUCKET)
        return Measured(span=span, share=min(1.0, span.buckets / possible) if possible > 0 else 1.0)

    async def parts(
        self, actor: Actor, by: Dimension, since: datetime, until: datetime, after: str | None, limit: int
    ) -> Sequence[Part]:
        """By group, country, carrier, core, or of the whole fleet."""
        found = await self._store.reached(actor.tenant, by, since, until, after, limit)
        return [Part(reached=one) for one in found]

    async def objectives(self, actor: Actor, after: str | None, limit: int) -> Sequence[Objective]:
        """What was promised, by group."""
        return await self._store.objectives(actor.tenant, after, limit)

    async def put(self, actor: Actor, objective: Objective) -> Objective | int:
        """Promise something in place of `objective.version` (0: nothing yet); a version: it is at that one now."""
        async with self._transactions.tenant(actor.tenant) as tx:
            if not await self._store.put_objective(tx, actor.tenant, objective):
                found = await self._store.objective(tx, actor.tenant, objective.group)
                return found.version if found is not None else 0
            told: dict[str, Json] = {"target_ppm": objective.target_ppm, "heard_every_s": objective.heard_every_s}
            await self._append(tx, [_line(actor, objective.group, Action.OBJECTIVE_SET, objective.updated_at, told)])
        return replace(objective, version=objective.version + 1)

    async def drop(self, actor: Actor, group: str, version: int, now: datetime) -> int | None:
        """Take a promise back; a version: it is at that one (0: there is none)."""
        async with self._transactions.tenant(actor.tenant) as tx:
            if not await self._store.drop_objective(tx, actor.tenant, group, version):
                found = await self._store.objective(tx, actor.tenant, group)
                return found.version if found is not None else 0
            await self._append(tx, [_line(actor, group, Action.OBJECTIVE_DROPPED, now, {})])
        return None


def _line(actor: Actor, group: str, action: Action, now: datetime, payload: dict[str, Json]) -> Entry:
    return entry(
        tenant=actor.tenant, at=now, actor=actor.name, action=action,
        subject=Subject(kind="objective", id=group or "*"), payload=payload,
    )  # fmt: skip

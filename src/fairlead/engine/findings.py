"""Findings: opened and closed by whoever looks, acknowledged and closed by people.

A detector hands over all that it sees, each time it looks, in its own transaction: `raise_many` opens what is new
and refreshes what is known, `close_many` ends what it sees no more. Twice is once. Opening and closing leave a
journal line each; where many of a kind open or close at once, one line with the pieces beside it, as device
evidence does. The event stream reads those lines, so nothing is told here.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from fairlead.engine.changes import Conflict
from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.plans import Hand
from fairlead.engine.ports.findings import Count, Filter, Finding, FindingRows, Over
from fairlead.engine.ports.transaction import Transaction, Transactions
from fairlead.engine.stores import AppendLines
from fairlead.model.finding import Sighting
from fairlead.model.ids import TenantId, show
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.lifecycle import FINDING, FindingState, name

INSIGHT: Final = "system/insight"
EACH: Final = 10  # of a kind in one go: so many have a line each


class Findings:
    """The findings of every tenant."""

    def __init__(
        self, transactions: Transactions, rows: FindingRows, append: AppendLines, clock: Callable[[], datetime]
    ) -> None:
        self._transactions = transactions
        self._rows = rows
        self._append = append
        self._clock = clock

    async def raise_many(
        self, tx: Transaction, tenant: TenantId, sightings: Iterable[Sighting], now: datetime, *, actor: str = INSIGHT
    ) -> list[Finding]:
        """Open what is new, refresh what is known; returns what is new. Of one key the last sighting counts."""
        last = {(one.kind, one.dedupe): one for one in sightings}
        new = await self._rows.raise_many(tx, [(uuid7(now), one) for one in last.values()], now)
        await self._append(tx, _lines(tenant, new, Action.FINDING_OPENED, now, actor, ""))
        return new

    async def close_many(
        self, tx: Transaction, tenant: TenantId, over: Over, now: datetime, *, because: str, actor: str = INSIGHT
    ) -> list[Finding]:
        """The condition is over; returns what was closed by this."""
        closed = await self._rows.close_many(tx, over, now, because)
        await self._append(tx, _lines(tenant, closed, Action.FINDING_CLOSED, now, actor, because))
        return closed

    async def page(self, actor: Actor, which: Filter, *, below: UUID | None, limit: int) -> list[Finding]:
        """The newest first."""
        async with self._transactions.tenant(actor.tenant) as tx:
            return await self._rows.page(tx, which, below, limit)

    async def read(self, actor: Actor, finding: UUID) -> Finding | None:
        """One of them."""
        async with self._transactions.tenant(actor.tenant) as tx:
            return await self._rows.read(tx, finding)

    async def counts(self, actor: Actor) -> list[Count]:
        """Those that are not closed, by what tells them apart."""
        async with self._transactions.tenant(actor.tenant) as tx:
            return await self._rows.counts(tx)

    async def acknowledge(self, actor: Actor, hand: Hand, finding: UUID, *, reason: str) -> Finding | Conflict | None:
        """Somebody knows, and looks after it. None: there is no such."""
        return await self._steer(actor, hand, finding, FindingState.ACKNOWLEDGED, reason)

    async def close(self, actor: Actor, hand: Hand, finding: UUID, *, reason: str) -> Finding | Conflict | None:
        """A person ends it; seen again it is another finding. None: there is no such."""
        return await self._steer(actor, hand, finding, FindingState.CLOSED, reason)

    async def _steer(
        self, actor: Actor, hand: Hand, finding: UUID, to: FindingState, reason: str
    ) -> Finding | Conflict | None:
        now = self._clock()
        async with self._transactions.tenant(actor.tenant) as tx:
            found = await self._rows.read(tx, finding, lock=True)
            if found is None:
                return None
            if to not in FINDING[found.state]:
                return Conflict(
                    title=f"The finding is {name(found.state)}", detail=f"It cannot become {name(to)}: read it again.",
                    code="wrong_state", differences={"state": name(found.state)},
                )  # fmt: skip
            if to is FindingState.ACKNOWLEDGED:
                await self._rows.acknowledge(tx, finding, hand.person, reason, now)
                action = Action.FINDING_ACKNOWLEDGED
            else:
                await self._rows.close(tx, finding, hand.person, reason, now)
                action = Action.FINDING_CLOSED
            await self._append(tx, [_line(actor.tenant, found, action, now, actor.name, reason)])
            return await self._rows.read(tx, finding)


def _lines(
    tenant: TenantId, found: Sequence[Finding], action: Action, now: datetime, actor: str, reason: str
) -> list[Entry]:
    by_kind: dict[str, list[Finding]] = {}
    for one in found:
        by_kind.setdefault(one.kind, []).append(one)
    lines: list[Entry] = []
    for kind, ones in by_kind.items():
        if len(ones) <= EACH:
            lines += [_line(tenant, one, action, now, actor, reason) for one in ones]
            continue
        counts: dict[str, Json] = {}
        for one in ones:
            word = name(one.severity)
            before = counts.get(word, 0)
            counts[word] = (before if isinstance(before, int) else 0) + 1
        lines.append(
            entry(
                tenant=tenant, at=now, actor=actor, action=action, subject=Subject(kind="finding-kind", id=kind),
                reason=reason, payload=counts, evidence=[_said(one) | {"finding": show("fnd", one.id)} for one in ones],
            )
        )  # fmt: skip
    return lines


def _line(tenant: TenantId, one: Finding, action: Action, now: datetime, actor: str, reason: str) -> Entry:
    return entry(
        tenant=tenant, at=now, actor=actor, action=action, subject=Subject(kind="finding", id=show("fnd", one.id)),
        reason=reason, payload=_said(one),
    )  # fmt: skip


def _said(one: Finding) -> dict[str, Json]:
    return {
        "kind": one.kind, "severity": name(one.severity), "title": one.title,
        "subject": {"kind": one.subject.kind, "id": one.subject.id},
    }  # fmt: skip

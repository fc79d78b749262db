"""Waves: what standing Changes do for devices that come later.

A device whose facts begin to match a kept policy (a border crossed, a clock run down) is an
entrant; one for which `until` begins to hold is a leaver. Resolution put them in line; here the
next ones are admitted at the policy's pace per stratum, as a wave with situations, recipes, a
batch and a gate like any stage. Where a policy is admitted `auto`, resolution has already changed
the class and recorded the transition, and the wave is opened for all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fairlead.engine.findings import Findings
from fairlead.engine.journal import entry
from fairlead.engine.plans import Hand
from fairlead.engine.ports.findings import Over
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.resolve import Resolver
from fairlead.engine.rules import KnownRule, Rules, activates
from fairlead.engine.situations import Collided, Counted, Situations
from fairlead.engine.stores import Stores
from fairlead.model.finding import LONGEST_TITLE, Fact, FindingSubject, Severity, Sighting, shortened
from fairlead.model.ids import ChangeId, TenantId, show
from fairlead.model.journal import Action, Subject
from fairlead.model.lifecycle import ChangeState
from fairlead.model.resources import Ask, Auto, Paced
from fairlead.policy.admission import ExceptionKind, after_admission
from fairlead.policy.resolve import Collision

WHOLE: Final = 100
TRIAL: Final = 1
BLOCKED_FOR: Final = timedelta(hours=6)
SEEN_NO_MORE: Final = 2 * BLOCKED_FOR  # whom a collision holds is tried anew so often; `owed` in work.sql says the same
_IN = int(ExceptionKind.WAITING_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Devices of one rule, direction and stratum that wait for their turn."""

    known: KnownRule
    kind: int
    stratum: int
    waiting: int


class Waves:
    """Admits entrants and leavers of standing Changes."""

    def __init__(self, stores: Stores, resolver: Resolver, situations: Situations, findings: Findings) -> None:
        self._stores = stores
        self._resolver = resolver
        self._situations = situations
        self._findings = findings

    async def tick(self, tenant: TenantId, now: datetime) -> int:
        """Open the waves that are due; returns how many devices were admitted."""
        admitted = 0
        async with self._stores.transactions.alone(tenant) as tx:
            rules = await self._resolver.rules(tx, now)
            admitted += await self._transitions(tx, tenant, rules, now)
            for line in await self._lines(tx, rules, now):
                admitted += await self._admit(tx, tenant, rules, line, now)
            over = Over(kind="policy-collision", others=True, unseen_since=now - SEEN_NO_MORE)
            await self._findings.close_many(tx, tenant, over, now, because="no device runs into it any more")
        return admitted

    async def admit(self, tenant: TenantId, change: UUID, by: Hand, now: datetime) -> int | None:
        """Let in all who wait at a standing Change, for a person or for their pace. None: it does not stand."""
        admitted = 0
        async with self._stores.transactions.alone(tenant) as tx:
            row = await self._stores.changes.read(tx, change)
            if row is None or row.state is not ChangeState.STANDING:
                return None
            rules = await self._resolver.rules(tx, now)
            for line in await self._lines(tx, rules, now, asked=True):
                if line.known.row.standing == change:
                    admitted += await self._admit(tx, tenant, rules, line, now, room=line.waiting)
            told = entry(
                tenant=tenant,
                at=now,
                actor=by.actor,
                action=Action.WAVE_ADMITTED,
                subject=Subject(kind="change", id=show("chg", change)),
                change=ChangeId(change),
                payload={"admitted": admitted},
            )
            await self._stores.append(tx, [told])
        return admitted

    async def _lines(self, tx: Transaction, rules: Rules, now: datetime, *, asked: bool = False) -> list[Line]:
        """Who waits; those that wait for a person only where one has `asked`."""
        found: list[Line] = []
        for _, rule, kind, stratum, count in await self._stores.changes.waits(tx, now):
            known = rules.by_rule.get(rule)
            if known is None or known.row.standing is None or (isinstance(known.policy.admit, Ask) and not asked):
                continue
            found.append(Line(known=known, kind=kind, stratum=stratum, waiting=count))
        # Who crosses from one policy to another leaves first: both at once could collide.
        return sorted(found, key=lambda line: line.kind == _IN)

    async def _admit(
        self,
        tx: Transaction,
        tenant: TenantId,
        rules: Rules,
        line: Line,
        now: datetime,
        *,
        room: int | None = None,  # None: as the policy's pace says
    ) -> int:
        standing = line.known.row.standing
        change = await self._stores.changes.read(tx, standing, lock=True) if standing else None
        if change is None or change.state is not ChangeState.STANDING:
            return 0
        if room is None:
            room = await self._room(tx, change, line, now)
        if room <= 0:
            return 0
        row = line.known.row
        waiting = await self._stores.changes.waiting(tx, row.policy, row.rule, line.kind, line.stratum, room, now)
        if not waiting:
            return 0
        if activates(line.known.policy):
            await rules.let_in(self._stores.plans.resolving(tx), [d for d, _ in waiting], tenant, now)
        else:
            classes = await self._classes(tx, rules, line, sorted({c for _, c in waiting}))
            await self._stores.plans.opening_given(
                tx, [d for d, _ in waiting], [c for _, c in waiting], [classes[c] for _, c in waiting]
            )
        return await self._open(tx, tenant, change, line.known, now)

    async def _room(self, tx: Transaction, change: ChangeRow, line: Line, now: datetime) -> int:
        admit = line.known.policy.admit
        if isinstance(admit, Auto):
            return line.waiting
        if not isinstance(admit, Paced):
            return 0
        recent = await self._stores.changes.admitted_since(tx, change.id, now - admit.rate.per)
        room = admit.rate.count - recent.get(line.stratum, 0)
        if admit.ask_above is not None:
            today = await self._stores.changes.admitted_since(tx, change.id, now - admit.ask_above.per)
            room = min(room, admit.ask_above.count - sum(today.values()))
        return min(room, line.waiting)

    async def _classes(self, tx: Transaction, rules: Rules, line: Line, standing: Sequence[int]) -> dict[int, int]:
        """From each class where the waiting ones stand to the class after admission."""
        resolving = self._stores.plans.resolving(tx)
        sets = await resolving.rules_of(standing)
        own = {number for number, known in rules.by_rule.items() if known.row.policy == line.known.row.policy}
        enters = line.known.row.rule if line.kind == _IN else None
        after: dict[int, tuple[int, ...]] = {}
        for number, members in sets.items():
            left = next((rule for rule in members if rule in own), None)
            after[number] = after_admission(members, without=left, with_rule=enters)
        made = await resolving.class_of(list(after.values()))
        return {number: made[members] for number, members in after.items()}

    async def _transitions(self, tx: Transaction, tenant: TenantId, rules: Rules, now: datetime) -> int:
        """Classes that resolution changed at once: open the Moves that follow."""
        admitted = 0
        pairs_found = await self._stores.plans.merge_transitions(tx, now)
        if pairs_found is None:
            return 0
        merged = [(p.from_class, p.to_class) for p in pairs_found]
        sets = await self._stores.plans.resolving(tx).rules_of(sorted({c for pair in merged for c in pair}))
        by_rule: dict[int, list[tuple[int, int]]] = {}
        for pair in merged:
            moved = set(sets.get(pair[0], ())) ^ set(sets.get(pair[1], ()))
            cause = next((r for r in sorted(moved, reverse=True) if r in rules.by_rule), 0)
            by_rule.setdefault(cause, []).append(pair)
        for rule, pairs in by_rule.items():
            known = rules.by_rule.get(rule)
            if known is not None and known.row.state == TRIAL:
                continue  # its Change carries nobody by waves yet: they wait until it stands
            standing = known.row.standing if known else None
            change = await self._stores.changes.read(tx, standing, lock=True) if standing else None
            if known is not None and change is not None:
                if change.state is not ChangeState.STANDING:
                    continue  # paused: they wait
                await self._stores.plans.opening_merged(tx, pairs)
                admitted += await self._open(tx, tenant, change, known, now, entered=True)
            await self._stores.plans.deal_with(tx, pairs)
        await self._stores.plans.leave_transitions(tx)
        return admitted

    async def _open(
        self,
        tx: Transaction,
        tenant: TenantId,
        change: ChangeRow,
        known: KnownRule,
        now: datetime,
        *,
        entered: bool = False,  # resolution has changed the class already
    ) -> int:
        wave = await self._stores.changes.next_wave(tx, change.id)
        policies = [known.row.policy]
        try:
            counted = await self._situations.group(tx, change.id, wave)
        except Collided as collided:
            classes = sorted({class_id for class_id, _ in collided.collisions})
            await self._stores.plans.set_aside(tx, classes, policies, now + BLOCKED_FOR, entered=entered)
            await self._tell_collision(tx, tenant, change, known, wave, collided, now)
            counted = await self._situations.group(tx, change.id, wave)
        if entered:
            await self._stores.plans.blocked_transitions(tx, change.id, wave, now + BLOCKED_FOR)
        else:
            await self._stores.changes.wait_longer(tx, change.id, wave, policies, now + BLOCKED_FOR)
        strata = sorted({c.stratum for c in counted if c.recipe.blocked is None})
        if not strata:
            return 0
        opened = await self._stores.moves.open_stage(
            tx,
            change=change,
            owner=change.id,
            wave=wave,
            stage=0,
            strata=strata,
            low=0,
            high=WHOLE,
            policies=policies,
            now=now,
            entered=entered,
        )
        await self._tell(tx, tenant, change, known, counted, opened.admitted, wave, now)
        return opened.admitted

    async def _tell_collision(
        self,
        tx: Transaction,
        tenant: TenantId,
        change: ChangeRow,
        known: KnownRule,
        wave: int,
        collided: Collided,
        now: datetime,
    ) -> None:
        """Devices whose rules contradict each other keep what they have; people must hear of it."""
        line = entry(
            tenant=tenant,
            at=now,
            actor=known.label,
            action=Action.WAVE_OPENED,
            subject=Subject(kind="change", id=show("chg", change.id)),
            change=ChangeId(change.id),
            reason="policies of one priority contradict each other: the devices keep what they have",
            payload={
                "wave": wave,
                "admitted": 0,
                "collisions": [
                    {"facet": c.facet.value, "path": c.path, "priority": c.priority, "policies": list(c.policies)}
                    for _, c in collided.collisions
                ],
            },
        )
        await self._stores.append(tx, [line])
        sightings = [_sighting(one) for _, one in collided.collisions]
        await self._findings.raise_many(tx, tenant, sightings, now, actor=known.label)

    async def _tell(
        self,
        tx: Transaction,
        tenant: TenantId,
        change: ChangeRow,
        known: KnownRule,
        counted: Sequence[Counted],
        admitted: int,
        wave: int,
        now: datetime,
    ) -> None:
        blocked: dict[str, int] = {}
        for c in counted:
            if c.recipe.block_code is not None:
                blocked[c.recipe.block_code] = blocked.get(c.recipe.block_code, 0) + c.devices
        line = entry(
            tenant=tenant,
            at=now,
            actor=known.label,
            action=Action.WAVE_OPENED,
            subject=Subject(kind="change", id=show("chg", change.id)),
            change=ChangeId(change.id),
            reason=known.policy.reason,
            payload={
                "wave": wave,
                "admitted": admitted,
                "blocked": blocked,
                "countries": sorted({c.situation.country for c in counted}),
            },
        )
        await self._stores.append(tx, [line])


def _sighting(one: Collision) -> Sighting:
    """Policies that contradict each other on a device: the same finding whatever their revisions."""
    names = sorted({label.rpartition("@")[0] for label in one.policies})
    what = f"{one.facet.value}{one.path}"
    return Sighting(
        kind="policy-collision", severity=Severity.WARNING, subject=FindingSubject(kind="policy", id=names[0]),
        title=shortened(f"{' and '.join(names)} set {what} differently at one priority", LONGEST_TITLE),
        evidence={
            "facet": Fact(value=one.facet.value),
            "path": Fact(value=shortened(one.path)),
            "priority": Fact(value=one.priority),
            "policies": Fact(value=list(one.policies[:100])),
        },
        key=shortened(f"{what} {' '.join(names)}"),
    )  # fmt: skip

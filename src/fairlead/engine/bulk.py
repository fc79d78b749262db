"""Bulk actions: a plan that counts, then an operation a line, run by the carrier worker like any other.

`preview` says what would be asked of which account, what cannot be and why, what it may cost and save, and what
a suspended line still does there, before anything runs. `start` does exactly that, or says 409 when the lines
are no longer as many. What nothing takes back, or what a carrier charges for, waits for another person.
Pausing stops what has not left us; cancelling drops it; what has left us is settled as always.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fairlead.engine.agreement import HouseRule
from fairlead.engine.changes import Conflict
from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.plans import Hand
from fairlead.engine.ports.agreement import AgreementRows
from fairlead.engine.ports.bulk import Asks, Bulk, BulkRows, LineResult, Lines, LinesOf
from fairlead.engine.ports.carrier import Manifest
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.situations import Able, Ables
from fairlead.engine.stores import Stores
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.bulk import UNDO, read_arguments, target_state
from fairlead.model.ids import TenantId, show
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.lifecycle import BULK, BulkState, OperationState, name
from fairlead.model.subscription import Verb, VerbCapability, capability
from fairlead.plan.agreement import why_agree
from fairlead.plan.impact import savings

WITHIN: Final = timedelta(days=1)  # real time: what a carrier did not let us do by then is expired
MOST_LINES: Final = 100_000
ASIDE: Final = frozenset({Verb.SUSPEND, Verb.STANDBY, Verb.DEACTIVATE, Verb.TERMINATE})  # what may save a fee
_MISSING_SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of which lines."""

    verb: Verb
    arguments: Mapping[str, Any]
    lines: Lines
    selected: Mapping[str, Any]  # how they were chosen, for people


@dataclass(frozen=True, slots=True, kw_only=True)
class AtAccount:
    """What it would be at one account."""

    account: str
    connector: str
    lines: int
    already: int  # shown so by the carrier, and left alone
    able: int  # would be asked
    because: str  # why none can be asked; else the condition the carrier makes; empty: none
    supported: bool
    capability: VerbCapability
    shared_limit: str  # group or account, where the change binds more lines than those chosen; empty: not
    experimental: bool
    swept_at: datetime | None
    denied: Mapping[str, int]  # why single lines cannot be asked, and how many, where the account can
    saves: Mapping[str, Any] | None = None  # of `plan.impact.savings`; None: nothing is put aside there

    @property
    def unable(self) -> int:
        """Lines that cannot be asked: all of them, or single ones."""
        return sum(self.denied.values()) if self.supported else self.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A bulk action before it is one."""

    lines: int
    able: int
    already: int
    unable: int
    accounts: Sequence[AtAccount]
    missing: Sequence[str]  # ICCIDs that are nobody's, the first of them
    missing_count: int
    approval: str  # why another person must agree; empty: nobody need
    saves: Mapping[str, Any] | None = None  # of all accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleHand:
    """A rule that acts: for whom, under which name, and the person who wrote its revision and answers for it."""

    tenant: TenantId
    rule: str  # as the journal names it: rule/NAME@REVISION or steering/NAME@REVISION
    person: UUID

    @property
    def actor(self) -> Actor:
        """As the journal names it."""
        return Actor(tenant=self.tenant, name=self.rule)


class Bulks:
    """Bulk actions of every tenant."""

    def __init__(
        self,
        stores: Stores,
        rows: BulkRows,
        timekeeper: Timekeeper,
        manifest: Callable[[str], Manifest | None],
        ables: Ables,
        agreement: AgreementRows | None = None,
    ) -> None:
        """`manifest` gives what a connector says about itself; None for an account without one.

        `agreement`: who must agree, as each tenant says; None: as the house does.
        """
        self._stores = stores
        self._rows = rows
        self._time = timekeeper
        self._manifest = manifest
        self._ables = ables
        self._agreement = agreement or HouseRule()

    async def preview(self, actor: Actor, asked: Asked) -> Preview:
        """Count what it would be. Raises `MalformedArgument`."""
        read_arguments(asked.verb, asked.arguments)
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            return await self._seen(tx, asked, self._time.now())

    async def start(
        self, actor: Actor, hand: Hand, asked: Asked, *, expect: int | None, reason: str
    ) -> Bulk | Conflict:
        """Write it down and let it run, or wait for approval. Raises `MalformedArgument`."""
        arguments = read_arguments(asked.verb, asked.arguments)
        now = self._time.now()
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            seen = await self._seen(tx, asked, now)
            refusal = _refused(seen, expect)
            if refusal is not None:
                return refusal
            bulk = Bulk(
                id=uuid7(now), verb=asked.verb.value, arguments=arguments, selected=asked.selected, reason=reason,
                state=BulkState.WAITING if seen.approval else BulkState.RUNNING, author=hand.person, approver=None,
                undo_of=None, total=seen.lines, created_at=now, started_at=None if seen.approval else now,
                settled_at=None, version=1,
            )  # fmt: skip
            await self._begin(tx, actor, bulk, asked, seen, {})
            kept = await self._rows.read(tx, bulk.id)
        assert kept is not None  # noqa: S101 - just written
        return kept

    async def for_rule(
        self, tx: Transaction, by: RuleHand, asked: Asked, *, reason: str, waits: str = ""
    ) -> tuple[UUID, str] | None:
        """The same for a rule, in the caller's transaction; None where none of the lines can be asked.

        `waits`: why a person must agree, beside what the verb asks for by itself. Answers with the bulk action and why
        it waits; empty: it runs. Raises `MalformedArgument`.
        """
        arguments = read_arguments(asked.verb, asked.arguments)
        now = self._time.now()
        seen = await self._seen(tx, asked, now)
        if not seen.able:
            return None
        waits = waits or seen.approval
        bulk = Bulk(
            id=uuid7(now), verb=asked.verb.value, arguments=arguments, selected={**asked.selected, "rule": by.rule},
            reason=f"{reason}; waits: {waits}" if waits else reason, author=by.person, approver=None, undo_of=None,
            state=BulkState.WAITING if waits else BulkState.RUNNING, total=seen.lines, created_at=now,
            started_at=None if waits else now, settled_at=None, version=1, rule=by.rule,
        )  # fmt: skip
        told: dict[str, Json] = {"waits": waits} if waits else {}
        await self._begin(tx, by.actor, bulk, asked, seen, told)
        return bulk.id, waits

    async def back_for_rule(
        self, tx: Transaction, by: RuleHand, of: UUID, iccids: Sequence[str], *, reason: str
    ) -> UUID:
        """Take lines of a rule's own bulk action back to what they were, in the caller's transaction."""
        now = self._time.now()
        bulk = Bulk(
            id=uuid7(now), verb=UNDO, arguments={}, selected={"undo": show("bulk", of), "rule": by.rule},
            reason=reason, state=BulkState.RUNNING, author=by.person, approver=None, undo_of=of, total=len(iccids),
            created_at=now, started_at=now, settled_at=None, version=1, rule=by.rule,
        )  # fmt: skip
        await self._rows.insert(tx, bulk)
        added = await self._rows.add_back(
            tx, bulk, of, await self._able(tx), self._deadline(now), only=iccids
        )  # fmt: skip
        said: dict[str, Json] = {"verb": UNDO, "undo_of": show("bulk", of), "lines": added}
        await self._stores.append(tx, [_line(by.actor, bulk.id, Action.BULK_STARTED, now, reason, said)])
        return bulk.id

    async def _begin(
        self, tx: Transaction, actor: Actor, bulk: Bulk, asked: Asked, seen: Preview, told: Mapping[str, Json]
    ) -> None:
        """Write it, an operation a line, and the journal line."""
        await self._rows.insert(tx, bulk)
        able = [
            Asks(account=one.account, because="" if one.supported else one.because, already=target_state(asked.verb))
            for one in seen.accounts
        ]
        await self._rows.add_lines(tx, bulk, asked.lines, able, self._deadline(bulk.created_at))
        said: dict[str, Json] = {
            "verb": bulk.verb,
            "lines": bulk.total,
            "able": seen.able,
            "state": name(bulk.state),
        }
        said |= dict(told)
        await self._stores.append(
            tx, [_line(actor, bulk.id, Action.BULK_STARTED, bulk.created_at, bulk.reason, said)]
        )  # fmt: skip

    async def undo(self, actor: Actor, hand: Hand, of: UUID, *, reason: str) -> Bulk | Conflict | None:
        """Take one back: a bulk action of its own, line by line to the state before. None: there is no such."""
        now = self._time.now()
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            first = await self._rows.read(tx, of, lock=True)
            if first is None:
                return None
            if first.state not in (BulkState.DONE, BulkState.CANCELLED) or first.verb == UNDO:
                why = "An undo is not undone: start anew." if first.verb == UNDO else "Cancel it, or let it end first."
                return _conflict("cannot be undone now", why, "wrong_state", {"state": name(first.state)})
            changed = first.counts.get(name(OperationState.VERIFIED), 0)
            bulk = Bulk(
                id=uuid7(now), verb=UNDO, arguments={}, selected={"undo": show("bulk", of)}, reason=reason,
                state=BulkState.RUNNING, author=hand.person, approver=None, undo_of=of, total=changed, created_at=now,
                started_at=now, settled_at=None, version=1,
            )  # fmt: skip
            chosen = await self._rows.results(tx, of, above=None, state=OperationState.VERIFIED, limit=1)
            if not chosen:
                return _conflict(
                    "changed nothing", "No line of it was changed: there is nothing to take back.", "empty", {}
                )
            await self._rows.insert(tx, bulk)
            added = await self._rows.add_back(tx, bulk, of, await self._able(tx), self._deadline(now))
            said: dict[str, Json] = {"verb": UNDO, "undo_of": show("bulk", of), "lines": added}
            await self._stores.append(tx, [_line(actor, bulk.id, Action.BULK_STARTED, now, reason, said)])
            return await self._rows.read(tx, bulk.id)

    async def steer(
        self, actor: Actor, hand: Hand, bulk: UUID, to: BulkState, *, action: Action, reason: str
    ) -> Bulk | Conflict | None:
        """Approve, pause, resume or cancel. None: there is no such."""
        now = self._time.now()
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            found = await self._rows.read(tx, bulk, lock=True)
            if found is None:
                return None
            if found.state is to:
                return found
            approval = found.state is BulkState.WAITING and to is BulkState.RUNNING
            if to not in BULK[found.state] or approval != (action is Action.BULK_APPROVED):
                return _conflict(
                    f"is {name(found.state)}",
                    f"It cannot become {name(to)}.",
                    "wrong_state",
                    {"state": name(found.state)},
                )
            if action is Action.BULK_APPROVED and found.author == hand.person:
                return _conflict("waits for another person", "Who asked for it cannot approve it.", "own_change", {})
            await self._rows.set_state(tx, bulk, to, now, hand.person if action is Action.BULK_APPROVED else None)
            if to is BulkState.CANCELLED:
                await self._rows.drop_pending(tx, bulk, now)
            if to is BulkState.RUNNING:
                await self._rows.prolong(tx, bulk, self._deadline(now))
            await self._stores.append(tx, [_line(actor, bulk, action, now, reason, {})])
            return await self._rows.read(tx, bulk)

    async def read(self, actor: Actor, bulk: UUID) -> Bulk | None:
        """One, with the counts of its lines."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            return await self._rows.read(tx, bulk)

    async def page(self, actor: Actor, *, below: UUID | None, limit: int) -> list[Bulk]:
        """Newest first."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            return await self._rows.page(tx, below, limit)

    async def results(
        self, actor: Actor, bulk: UUID, *, above: UUID | None, state: OperationState | None, limit: int
    ) -> list[LineResult]:
        """Its lines, in a stable order."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            return await self._rows.results(tx, bulk, above=above, state=state, limit=limit)

    async def settle(self, tenant: TenantId) -> int:
        """End those whose every line has its result; how many. Called by the loop."""
        now = self._time.now()
        async with self._stores.transactions.tenant(tenant) as tx:
            done = await self._rows.settle(tx, now)
            lines = [
                entry(
                    tenant=tenant, at=now, actor="system/carriers", action=Action.BULK_DONE,
                    subject=Subject(kind="bulk", id=show("bulk", one)),
                )
                for one in done
            ]  # fmt: skip
            await self._stores.append(tx, lines)
        return len(done)

    def _deadline(self, now: datetime) -> datetime:
        return now + WITHIN * self._time.rate

    async def _able(self, tx: Transaction) -> Mapping[str, Sequence[str]]:
        """What can be asked, by account."""
        accounts = await self._stores.plans.accounts(tx)
        return {name: sorted(self._ables(*account).meanings) for name, account in accounts.items()}

    async def _seen(self, tx: Transaction, asked: Asked, now: datetime) -> Preview:
        verb, missing = asked.verb, await self._rows.missing(tx, asked.lines)
        by_account: dict[str, list[LinesOf]] = {}
        for one in await self._rows.chosen(tx, asked.lines, verb.value):
            by_account.setdefault(one.account, []).append(one)
        known = await self._stores.plans.accounts(tx)
        accounts = [self._at(verb, ones, self._ables(*known[name])) for name, ones in by_account.items()]
        rule = await self._agreement.read(tx)
        billing = {one.account: _billing(one) for one in accounts if one.able} if asked.verb in ASIDE else {}
        fees = [
            {**asdict(one), "monthly": one.monthly_nano, "billing": billing[one.account]}
            for one in (await self._rows.fees(tx, asked.lines, verb.value, now.date()) if billing else ())
            if one.account in billing
        ]
        accounts = [replace(one, saves=savings([fee for fee in fees if fee["account"] == one.account]))
                    for one in accounts]  # fmt: skip
        able = [one for one in accounts if one.able]
        return Preview(
            lines=sum(one.lines for one in accounts),
            able=sum(one.able for one in accounts),
            already=sum(one.already for one in accounts if one.supported),
            unable=sum(one.unable for one in accounts),
            accounts=accounts,
            missing=missing[:_MISSING_SHOWN],
            missing_count=len(missing),
            approval=why_agree([(one.account, verb.value, one.capability) for one in able], charges=rule.charges),
            saves=savings(fees),
        )

    def _at(self, verb: Verb, ones: Sequence[LinesOf], able: Able) -> AtAccount:
        first, manifest = ones[0], self._manifest(ones[0].connector)
        lines, target = sum(one.lines for one in ones), target_state(verb)
        can = capability(manifest.capabilities, verb) if manifest is not None else _NO_INTERFACE
        if can.supported and verb.value not in able.meanings:
            can = replace(can, supported=False, because=able.withheld or "its settings do not allow it")
        already = sum(one.lines for one in ones if one.state == target)
        denied: dict[str, int] = {}
        for one in ones:
            if one.unable and one.state != target and can.supported:
                denied[one.unable] = denied.get(one.unable, 0) + one.lines
        scope = manifest.capabilities.limit_scope if manifest is not None and verb is Verb.SET_LIMIT else "sim"
        return AtAccount(
            account=first.account,
            connector=first.connector,
            lines=lines,
            already=already,
            able=lines - already - sum(denied.values()) if can.supported else 0,
            denied=denied,
            because=can.because,
            supported=can.supported,
            capability=can,
            shared_limit=scope if scope in ("group", "account") else "",
            experimental=manifest is not None and manifest.experimental,
            swept_at=first.swept_at,
        )


_NO_INTERFACE: Final = VerbCapability(
    supported=False, because="the account has no interface: its lines are changed by hand"
)


def _billing(one: AtAccount) -> str:
    """What becomes of a line's fee, in the words of `plan.impact`."""
    billed = one.capability.billable
    return "unknown" if billed is None else "goes_on" if billed else "stops"


def _refused(seen: Preview, expect: int | None) -> Conflict | None:
    if seen.missing_count:
        some = ", ".join(seen.missing[:3])
        detail = f"{seen.missing_count} of the ICCIDs are no line of yours, such as {some}. Leave them out."
        return _conflict("names unknown lines", detail, "unknown_lines", {"missing": list(seen.missing)})
    if seen.lines > MOST_LINES:
        return _conflict(
            "is too large", f"At most {MOST_LINES:,} lines at once; these are {seen.lines:,}.", "too_many", {}
        )
    if expect is not None and expect != seen.lines:
        detail = f"The preview counted {expect:,} lines, now there are {seen.lines:,}. Look at the preview again."
        return _conflict("has other lines now", detail, "drifted", {"expected": expect, "lines": seen.lines})
    if seen.lines == 0:
        return _conflict("has no lines", "The selection leaves no line.", "empty", {})
    return None


def _conflict(what: str, detail: str, code: str, differences: Mapping[str, Any]) -> Conflict:
    return Conflict(title=f"The bulk action {what}", detail=detail, code=code, differences=differences)


def _line(actor: Actor, bulk: UUID, action: Action, now: datetime, reason: str, said: Mapping[str, Json]) -> Entry:
    return entry(
        tenant=actor.tenant, at=now, actor=actor.name, action=action, reason=reason, payload=said,
        subject=Subject(kind="bulk", id=show("bulk", bulk)),
    )  # fmt: skip

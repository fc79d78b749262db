"""Usage rules: judged by the set after each intake of usage, acted upon through bulk actions, taken back by themselves.

Each turn looks at everything: what became of what was asked, whose time is up, who is beyond a measure by the
data that there is. Only lines that this very look found beyond it, by data fresh enough, are acted upon; a
carrier that lags too far, counts too coarsely or has no such verb is said in the verdict and never guessed at.
What was done is a row with its own end, so a process that dies leaves nothing suspended for ever.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Protocol

from fairlead.engine.agreement import HouseRule
from fairlead.engine.bulk import MOST_LINES, Asked, Bulks, RuleHand
from fairlead.engine.carriers import NO_CONNECTOR
from fairlead.engine.ports.agreement import AgreementRows
from fairlead.engine.ports.bulk import Lines
from fairlead.engine.ports.carrier import Manifest
from fairlead.engine.ports.fleet import SubscriptionFilter
from fairlead.engine.ports.planning import RevisionRow
from fairlead.engine.ports.steering import Kept, SteeringRows
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.ports.usage_rules import Crossing, Done, Judged, RuleAccount, UsageRuleRows
from fairlead.engine.rules import resource_of
from fairlead.engine.situations import Ables
from fairlead.engine.stores import Stores
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import TenantId
from fairlead.model.lifecycle import HoldState
from fairlead.model.resources import Resource, UsageRule
from fairlead.plan.usage_rules import AtAccount, Comes, comes_to

KIND: Final = "UsageRule"
EACH: Final = 100  # lines of an account beyond a rule that are told one by one; more are told together
AGAIN: Final = timedelta(hours=1)  # house time, before a line that could not be taken back is tried again
_BACKS: Final = 500  # bulk actions of which lines are taken back in one turn
_OPEN: Final = frozenset({HoldState.WAITING, HoldState.ACTING, HoldState.HELD, HoldState.GOING_BACK})


class Alerts(Protocol):
    """Tells people of lines beyond a measure."""

    async def tell(
        self, tx: Transaction, tenant: TenantId, found: Sequence[tuple[Crossing, UsageRule | None]], now: datetime
    ) -> None:
        """These, and no others, each with its rule; None where the rule is no more and a line of it is still held."""
        ...


class Quiet:
    """Tells nobody: for tests of what is done."""

    async def tell(
        self, tx: Transaction, tenant: TenantId, found: Sequence[tuple[Crossing, UsageRule | None]], now: datetime
    ) -> None:
        """Nothing."""


class UsageRules:
    """The usage rules of every tenant."""

    key: ClassVar[str] = "usage_rules"

    def __init__(
        self,
        stores: Stores,
        rows: UsageRuleRows,
        verdicts: SteeringRows,
        bulks: Bulks,
        timekeeper: Timekeeper,
        manifest: Callable[[str], Manifest | None],
        ables: Ables,
        alerts: Alerts,
        agreement: AgreementRows | None = None,
    ) -> None:
        """`verdicts` keeps what rules come to at each account; `manifest` gives what a connector says of itself.

        `agreement`: who must agree, as each tenant says; None: as the house does.
        """
        self._stores = stores
        self._rows = rows
        self._verdicts = verdicts
        self._bulks = bulks
        self._time = timekeeper
        self._manifest = manifest
        self._ables = ables
        self._alerts = alerts
        self._agreement = agreement or HouseRule()

    async def at_accounts(
        self, tx: Transaction, tenant: TenantId, resources: Sequence[Resource]
    ) -> Mapping[str, list[dict[str, Any]]]:
        """What each would find now at every account that has lines of it, by its name."""
        rules = [one for one in resources if isinstance(one, UsageRule)]
        if not rules:
            return {}
        accounts = await self._rows.accounts(tx)
        found: dict[str, list[dict[str, Any]]] = {}
        for rule in rules:
            comes = await self._comes(tx, rule, accounts)
            unjudged = [name for name, one in comes.items() if one.unjudged]
            judged = await self._rows.judge(tx, None, rule, unjudged, {"tenant": str(tenant)}, self._time.now())
            found[rule.metadata.name] = [_verdict(one, comes[one.account], {}) for one in judged]
        return found

    async def kept(
        self,
        tenant: TenantId,
        after: tuple[str, str] = ("", ""),
        limit: int | None = None,
        only: str | None = None,
    ) -> list[Kept]:
        """What was last judged, by name and account; `only`: of that name."""
        async with self._stores.transactions.tenant(tenant) as tx:
            return await self._verdicts.kept(tx, KIND, after, limit, only)

    async def tick(self, tenant: TenantId) -> int:
        """Follow, take back, judge, act; how many lines moved."""
        now = self._time.now()
        async with self._stores.transactions.tenant(tenant) as tx:
            await self._verdicts.alone(tx, KIND)
            moved = await self._rows.follow(tx, now, now + AGAIN)
            moved += await self._back(tx, tenant, now)
            kept = [row for row in await self._stores.policies.live(tx) if _acts(row)]
            before = await self._verdicts.kept(tx, KIND)
            if not kept and not before and not moved:
                return 0
            moved += await self._rows.end_others(tx, [row.policy for row in kept], now)
            accounts = await self._rows.accounts(tx)
            verdicts: list[Kept] = []
            rules: dict[str, UsageRule] = {}
            for row in sorted(kept, key=lambda one: one.name):
                rule = resource_of(row)
                if isinstance(rule, UsageRule):
                    rules[row.name] = rule
                    told, acted = await self._one(tx, tenant, row, rule, accounts, now)
                    verdicts += told
                    moved += acted
            await self._verdicts.keep(tx, KIND, verdicts)
            found = [
                one for one in await self._rows.open(tx, EACH) if one.rule not in rules or not rules[one.rule].observe
            ]
            await self._alerts.tell(tx, tenant, [(one, rules.get(one.rule)) for one in found], now)
        return moved

    async def _one(
        self,
        tx: Transaction,
        tenant: TenantId,
        row: RevisionRow,
        rule: UsageRule,
        accounts: Sequence[RuleAccount],
        now: datetime,
    ) -> tuple[list[Kept], int]:
        """Judge one rule and act on it; what it came to, and how many lines were asked about."""
        comes = await self._comes(tx, rule, accounts)
        unjudged = [name for name, one in comes.items() if one.unjudged]
        judged = await self._rows.judge(tx, row.policy, rule, unjudged, {"tenant": str(tenant)}, now)
        asked = 0
        if not rule.observe:
            await self._rows.cross(tx, row.policy, row.number, now)
            hand = RuleHand(tenant=tenant, rule=f"rule/{row.name}@{row.number}", person=row.author)
            for one in judged:
                if one.words.get("crossed") and rule.then.action is not None:
                    asked += await self._act(tx, hand, row, rule, comes[one.account], now)
        held = await self._rows.held(tx, row.policy)
        seen = {one.account: one for one in judged}
        for account in held:
            seen.setdefault(account, Judged(account=account, lines=0, words={}, oldest=None))
        told = [
            Kept(
                name=row.name, account=account, revision=row.number, judged_at=now,
                verdict=_verdict(one, comes[account], held.get(account, {})),
            )
            for account, one in sorted(seen.items())
            if account in comes
        ]  # fmt: skip
        empty = Kept(name=row.name, account="", revision=row.number, judged_at=now, verdict={"lines": 0})
        return told or [empty], asked

    async def _act(
        self, tx: Transaction, hand: RuleHand, row: RevisionRow, rule: UsageRule, comes: Comes, now: datetime
    ) -> int:
        """Ask the carrier about lines that crossed, or a person where they are too many."""
        iccids = await self._rows.idle(tx, row.policy, comes.account, MOST_LINES)
        if not iccids:
            return 0
        if comes.verb is None:
            await self._rows.note(tx, row.policy, iccids, Done(state=HoldState.NOT_DONE, because=comes.undoable))
            return 0
        every = f"rule/{row.name}@"  # of all its revisions
        if await self._rows.waits(tx, every, comes.account):
            because = "other lines of the rule wait for a person there"
            await self._rows.note(tx, row.policy, iccids, Done(state=HoldState.CROSSED, because=because))
            return 0
        cap = rule.then.ask_above
        acted = await self._rows.acted(tx, every, now - cap.per)
        waits = ""
        if acted + len(iccids) > cap.count:
            waits = f"{acted + len(iccids):,} lines within {_period(cap.per)}, and the rule asks above {cap.count:,}"
        asked = Asked(
            verb=comes.verb, arguments=comes.arguments, lines=Lines(which=SubscriptionFilter(), iccids=tuple(iccids)),
            selected={"carrier": comes.account, "iccids": len(iccids)},
        )  # fmt: skip
        begun = await self._bulks.for_rule(tx, hand, asked, reason=f"UsageRule {row.name}: {rule.reason}", waits=waits)
        if begun is None:
            because = "the carrier shows none of these lines in a state to be changed"
            await self._rows.note(tx, row.policy, iccids, Done(state=HoldState.NOT_DONE, because=because))
            return 0
        bulk, waits = begun
        state = HoldState.WAITING if waits else HoldState.ACTING
        done = Done(state=state, bulk=bulk, because=waits, lasts=rule.then.lasts)
        await self._rows.note(tx, row.policy, iccids, done)
        return len(iccids)

    async def _back(self, tx: Transaction, tenant: TenantId, now: datetime) -> int:
        back = 0
        for due in await self._rows.due_back(tx, now, _BACKS):
            hand = RuleHand(tenant=tenant, rule=due.rule, person=due.author)
            undo = await self._bulks.back_for_rule(tx, hand, due.bulk, due.iccids, reason="its time is up")
            await self._rows.going_back(tx, due.bulk, undo, due.iccids)
            back += len(due.iccids)
        return back

    async def _comes(self, tx: Transaction, rule: UsageRule, accounts: Sequence[RuleAccount]) -> dict[str, Comes]:
        agreed = await self._agreement.read(tx)
        return {one.name: comes_to(rule, self._at(one), charges=agreed.charges) for one in accounts}

    def _at(self, account: RuleAccount) -> AtAccount:
        manifest = self._manifest(account.connector) if account.connector != NO_CONNECTOR else None
        if manifest is None:
            return AtAccount(account=account.name, record=None)
        able = self._ables(account.connector, account.config)
        return AtAccount(
            account=account.name, record=manifest.capabilities, withheld=able.withheld, verbs=frozenset(able.meanings)
        )


def _acts(row: RevisionRow) -> bool:
    return row.kind == KIND and row.kept and not row.removed


def _period(per: timedelta) -> str:
    hours = per / timedelta(hours=1)
    return "a day" if per == timedelta(days=1) else f"{hours:g} h"


_WORDS: Final[Mapping[HoldState, str]] = {
    HoldState.CROSSED: "told",
    HoldState.WAITING: "waiting",
    HoldState.ACTING: "acting",
    HoldState.HELD: "held",
    HoldState.GOING_BACK: "going_back",
    HoldState.NOT_DONE: "not_done",
}


_LAGS: Final = "its usage lags further than the rule allows"


def _verdict(judged: Judged, comes: Comes, held: Mapping[HoldState, int]) -> dict[str, Any]:
    under_way = sum(lines for state, lines in held.items() if state in _OPEN)
    return {
        "account": judged.account,
        "lines": judged.lines + under_way,
        "judged": judged.words.get("crossed", 0) + judged.words.get("within", 0) + under_way,
        "crossed": judged.words.get("crossed", 0) + under_way,
        "stale": judged.words.get("stale", 0),
        "unknown": judged.words.get("unknown", 0) + judged.words.get("gap", 0),
        "cannot": judged.words.get("cannot", 0),
        "cannot_because": comes.unjudged or (_LAGS if judged.words.get("cannot") else ""),
        "oldest": judged.oldest.isoformat() if judged.oldest is not None else None,
        "action": comes.verb.value if comes.verb is not None else None,
        "action_because": comes.undoable,
        "waits_because": comes.waits,
        "lines_by_state": {_WORDS[state]: lines for state, lines in sorted(held.items())},
    }

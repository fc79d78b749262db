"""The policy revisions that matter now, parsed once and kept by their digest.

Resolution, planning and `why` all start here. A revision's text never changes, so what was parsed
stays valid as long as the process lives.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fairlead.engine.ports.planning import RevisionRow
from fairlead.engine.ports.resolving import CountedCombination, JudgedRule, Resolving, RuleKey, Verdict
from fairlead.model.expression import And, Expr, Literal, Not, negation, time_thresholds
from fairlead.model.facet import Facet
from fairlead.model.ids import ChangeId, PolicyId, TenantId
from fairlead.model.life import NEVER, Life, may_pass, read_life
from fairlead.model.resources import Auto, Policy, Resource
from fairlead.policy.admission import Combination, ExceptionKind, Rule, decide
from fairlead.policy.read import read_resources

_PARSED: Final[dict[bytes, Resource]] = {}
_ENTERING: Final[dict[bytes, Expr]] = {}  # by digest, so that the same revision always gives the same tree
_ALWAYS: Final = Literal(type="bool", value=True)


class UnreadableRevision(RuntimeError):
    """A kept revision cannot be read by this code: it was written by another version."""


def resource_of(row: RevisionRow) -> Resource:
    """The resource of a revision."""
    found = _PARSED.get(row.digest)
    if found is None:
        resources, faults = read_resources(row.source, file=f"{row.kind}/{row.name}@{row.number}")
        if faults or len(resources) != 1:
            raise UnreadableRevision(f"{row.kind}/{row.name}@{row.number}: {'; '.join(map(str, faults))}")
        found = _PARSED[row.digest] = resources[0]
    return found


def life_of(policy: Policy) -> Life | None:
    """The passage that a policy opens, if it is about a device's life."""
    setting = policy.sets.get(Facet.LIFE)
    return None if setting is None else read_life(setting.value)


def activates(policy: Policy) -> bool:
    """Whether it is a first activation."""
    life = life_of(policy)
    return life is not None and life.state == "active"


def entering(policy: Policy) -> Expr:
    """A device enters where `match` holds and `until` does not; into a life, where it may pass."""
    life = life_of(policy)
    if life is not None:
        return And(operands=(policy.match.expr, may_pass(life)))
    if policy.until.expr == NEVER:
        return policy.match.expr
    if policy.until.expr == negation(policy.match.expr):
        return policy.match.expr  # the default: it ends where it does not match
    return And(operands=(policy.match.expr, Not(operand=policy.until.expr)))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRule:
    """A revision of a Policy and what it says."""

    row: RevisionRow
    policy: Policy

    @property
    def label(self) -> str:
        """As the journal names the actor: `policy/name@revision`."""
        return f"policy/{self.row.name}@{self.row.number}"


class Rules:
    """The revisions of kind Policy that resolution must know, at an instant."""

    def __init__(self, rows: Iterable[RevisionRow], now: datetime) -> None:
        self.by_rule: dict[int, KnownRule] = {}
        self._now = now
        self._deciding: dict[int, Rule] | None = None
        for row in rows:
            if row.kind == "Policy" and not row.removed:
                resource = resource_of(row)
                if isinstance(resource, Policy):
                    self.by_rule[row.rule] = KnownRule(row=row, policy=resource)

    def enter(self) -> list[JudgedRule]:
        """Kept rules that some Change keeps standing, by what makes a device enter."""
        return [
            JudgedRule(rule=number, expr=_entering(known), activates=activates(known.policy))
            for number, known in self.by_rule.items()
            if known.row.kept and known.row.standing and not known.policy.observe and not self._expired(known.policy)
        ]

    def stay(self) -> list[JudgedRule]:
        """All rules that may be in force somewhere, by what makes a device leave."""
        return [
            JudgedRule(rule=number, expr=_ALWAYS if self._expired(known.policy) else known.policy.until.expr)
            for number, known in self.by_rule.items()
        ]

    def keys(self) -> dict[int, RuleKey]:
        """Whose each rule is."""
        return {n: RuleKey(policy=k.row.policy, change=k.row.standing) for n, k in self.by_rule.items()}

    def decide(self, combination: CountedCombination) -> Verdict:
        """What follows for a combination the store counted."""
        decision = decide(
            Combination(
                standing=combination.standing,
                entering=combination.entering,
                leaving=_numbers(combination.leaving),
                excepted=_exceptions(combination.excepted),
            ),
            self._rules(),
        )
        return Verdict(rules=decision.rules, wait_in=decision.wait_in, wait_out=decision.wait_out, clear=decision.clear)

    async def let_in(self, resolving: Resolving, devices: Sequence[UUID], tenant: TenantId, now: datetime) -> int:
        """Judge devices whose first activation is due: they take all that kept policies say, at once.

        Leaves them in the `opening` set of the transaction; returns how many.
        """

        def decide(combination: CountedCombination) -> Verdict:
            rules = tuple(sorted({*combination.standing, *combination.entering}))
            return Verdict(rules=rules, wait_in=(), wait_out=(), clear=())

        constants = {"tenant": str(tenant)}
        return await resolving.judge_only(
            enter=self.enter(), decide=decide, constants=constants, now=now, devices=devices
        )

    def thresholds(self) -> frozenset[tuple[str, timedelta]]:
        """Instants to sweep: each distinct (column, offset) that some rule compares."""
        found: set[tuple[str, timedelta]] = set()
        for known in self.by_rule.values():
            found |= time_thresholds(known.policy.match.expr) | time_thresholds(known.policy.until.expr)
        return frozenset(found)

    def _rules(self) -> Mapping[int, Rule]:
        if self._deciding is None:
            self._deciding = self._as_rules()
        return self._deciding

    def _as_rules(self) -> dict[int, Rule]:
        return {
            number: Rule(
                rule=number,
                policy=PolicyId(known.row.policy),
                change=ChangeId(known.row.standing) if known.row.standing else None,
                kept=known.row.kept,
                auto=isinstance(known.policy.admit, Auto),
                activates=activates(known.policy),
            )
            for number, known in self.by_rule.items()
        }

    def _expired(self, policy: Policy) -> bool:
        return policy.expires is not None and policy.expires <= self._now


def _entering(known: KnownRule) -> Expr:
    found = _ENTERING.get(known.row.digest)
    if found is None:
        found = _ENTERING[known.row.digest] = entering(known.policy)
    return found


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in text.split(",") if n)


def _exceptions(text: str) -> dict[UUID, tuple[ExceptionKind, int]]:
    found: dict[UUID, tuple[ExceptionKind, int]] = {}
    for part in text.split(","):
        if part:
            policy, kind, rule = part.split(":")
            found[UUID(policy)] = (ExceptionKind(int(kind)), int(rule))
    return found

"""What follows for a device when rules begin or cease to hold: pure, one decision a combination.

The store groups devices by (class they are in, rules they enter, rules they leave, exceptions
they have) and asks here once for each group, however many devices it holds. A class names the
rules *in force*; what matches and is not admitted yet waits as an exception (house §§4, 7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal
from uuid import UUID

from fairlead.model.ids import ChangeId, PolicyId


class ExceptionKind(IntEnum):
    """Why a device that a rule matches is not in it, or the reverse."""

    WAITING_IN = 1
    WAITING_OUT = 2
    BARRED = 3
    HELD_OUT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A revision as resolution sees it."""

    rule: int  # its small number
    policy: PolicyId
    change: ChangeId | None  # the Change that keeps it standing
    kept: bool  # candidates to enter are kept revisions only; trial ones are admitted by their Change
    auto: bool  # entrants and leavers need no pace
    activates: bool = False  # a first activation: it alone lets in devices that stand outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """A group of devices that stand, enter, leave and are excepted alike."""

    standing: tuple[int, ...]  # rules in force
    entering: tuple[int, ...]  # kept rules whose match holds and whose until does not
    leaving: tuple[int, ...]  # rules in force whose until holds
    excepted: Mapping[UUID, tuple[ExceptionKind, int]]  # by policy: kind, and the rule it concerns


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows."""

    rules: tuple[int, ...]  # in force from now on, ascending
    wait_in: tuple[int, ...]
    wait_out: tuple[int, ...]
    clear: tuple[UUID, ...]  # policies for which waiting has ended without entering or leaving


def decide(combination: Combination, rules: Mapping[int, Rule]) -> Decision:
    """Decide for one combination; see the module's letter. Asked again about the outcome, it changes nothing."""
    standing = [r for r in combination.standing if r in rules]
    if any(rules[r].activates for r in combination.entering):
        return _outside(combination, standing, rules)
    leaving = [r for r in combination.leaving if r in standing]
    at_once = {r for r in leaving if rules[r].auto or _kept_out(combination, rules[r], rules) == "newer"}
    stay = [r for r in standing if r not in at_once]
    entrants = [
        r
        for r in combination.entering
        if rules[r].kept and r not in standing and _kept_out(combination, rules[r], rules) is None
    ]
    admitted = {rules[r].policy: r for r in entrants if rules[r].auto}
    wanted_in = {rules[r].policy: r for r in entrants if not rules[r].auto}
    wanted_out = {
        rules[r].policy: r
        for r in leaving
        # whoever enters a newer revision leaves the older one with it
        if r not in at_once
        and rules[r].policy not in {*admitted, *wanted_in}
        and _kept_out(combination, rules[r], rules) is None
    }
    in_force = [r for r in stay if rules[r].policy not in admitted] + list(admitted.values())
    return Decision(
        rules=tuple(sorted(in_force)),
        wait_in=_new(combination, ExceptionKind.WAITING_IN, wanted_in),
        wait_out=_new(combination, ExceptionKind.WAITING_OUT, wanted_out),
        clear=tuple(
            policy
            for policy, (kind, number) in combination.excepted.items()
            if (kind is ExceptionKind.WAITING_IN and wanted_in.get(PolicyId(policy)) != number)
            or (kind is ExceptionKind.WAITING_OUT and wanted_out.get(PolicyId(policy)) != number)
        ),
    )


def _outside(combination: Combination, standing: Sequence[int], rules: Mapping[int, Rule]) -> Decision:
    """A device that was never activated: nothing touches it until an activation lets it in, and then everything does.

    Only such devices enter a rule that activates (`model.life.may_pass`). While one is in force the
    activation is under way and the device is left to it.
    """
    openers = [r for r in combination.entering if rules[r].activates and rules[r].kept]
    under_way = any(rules[r].activates for r in standing)
    open_to = [] if under_way else [r for r in openers if _kept_out(combination, rules[r], rules) is None]
    at_once = any(rules[r].auto for r in open_to)
    let_in = [r for r in combination.entering if rules[r].kept and _kept_out(combination, rules[r], rules) is None]
    replaced = {rules[r].policy for r in let_in}
    wanted_in = {} if at_once or not open_to else {rules[open_to[0]].policy: open_to[0]}
    return Decision(
        rules=tuple(
            sorted({*let_in, *(r for r in standing if rules[r].policy not in replaced)} if at_once else standing)
        ),
        wait_in=_new(combination, ExceptionKind.WAITING_IN, wanted_in),
        wait_out=(),
        clear=tuple(
            policy
            for policy, (kind, number) in combination.excepted.items()
            if kind is ExceptionKind.WAITING_OUT
            or (kind is ExceptionKind.WAITING_IN and wanted_in.get(PolicyId(policy)) != number)
        ),
    )


def _kept_out(combination: Combination, rule: Rule, rules: Mapping[int, Rule]) -> Literal["itself", "newer"] | None:
    """Whether the device is barred or held out from this very revision, or from a newer one that is still about.

    A device has one exception a policy, and a bar on the newer revision is not given up for a place
    in line of the older one: such a device enters nothing and leaves at once. A bar on an older
    revision, or on one that was dropped, says nothing.
    """
    kind, number = combination.excepted.get(rule.policy, (None, 0))
    if kind not in (ExceptionKind.BARRED, ExceptionKind.HELD_OUT):
        return None
    if number == rule.rule:
        return "itself"
    return "newer" if number > rule.rule and number in rules else None


def _new(combination: Combination, kind: ExceptionKind, wanted: Mapping[PolicyId, int]) -> tuple[int, ...]:
    """Those that do not stand in that line already."""
    return tuple(r for policy, r in wanted.items() if combination.excepted.get(policy) != (kind, r))


def after_admission(standing: Sequence[int], *, without: int | None, with_rule: int | None) -> tuple[int, ...]:
    """The class after one rule is taken out and one is put in."""
    rest = {r for r in standing if r != without}
    if with_rule is not None:
        rest.add(with_rule)
    return tuple(sorted(rest))

"""What follows for a device when rules begin or cease to hold, over all combinations Hypothesis can think of."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.model.ids import ChangeId, PolicyId
from fairlead.policy.admission import Combination, Decision, ExceptionKind, Rule, after_admission, decide

POLICIES = tuple(PolicyId(UUID(int=n)) for n in (1, 2, 3))
IN, OUT, BARRED, HELD = (
    ExceptionKind.WAITING_IN,
    ExceptionKind.WAITING_OUT,
    ExceptionKind.BARRED,
    ExceptionKind.HELD_OUT,
)


def rule(number: int, *, policy: int = 0, kept: bool = True, auto: bool = False, activates: bool = False) -> Rule:
    return Rule(
        rule=number,
        policy=POLICIES[policy],
        change=ChangeId(UUID(int=9)),
        kept=kept,
        auto=auto,
        activates=activates,
    )


def combination(
    standing: tuple[int, ...] = (),
    entering: tuple[int, ...] = (),
    leaving: tuple[int, ...] = (),
    excepted: dict[UUID, tuple[ExceptionKind, int]] | None = None,
) -> Combination:
    return Combination(standing=standing, entering=entering, leaving=leaving, excepted=excepted or {})


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[int, Rule], Combination]:
    """Two revisions of each of three policies, the newer one kept; a device somewhere among them."""
    rules: dict[int, Rule] = {}
    life = draw(st.booleans())  # the first policy may be one that activates
    for index in range(len(POLICIES)):
        for number, kept in ((index + 1, False), (index + 11, True)):
            rules[number] = rule(
                number, policy=index, kept=kept, auto=draw(st.booleans()), activates=life and index == 0
            )
    standing = tuple(
        number
        for index in range(len(POLICIES))
        for number in (draw(st.sampled_from([0, index + 1, index + 11])),)
        if number
    )
    entering = tuple(n for n in rules if rules[n].kept and draw(st.booleans()))
    leaving = tuple(n for n in standing if n not in entering and draw(st.booleans()))
    excepted = {
        policy: (draw(st.sampled_from(ExceptionKind)), draw(st.sampled_from([index + 1, index + 11])))
        for index, policy in enumerate(POLICIES)
        if draw(st.booleans())
    }
    gone = draw(st.sampled_from([(), (99,)]))  # a dropped revision that a class still names
    return rules, combination((*standing, *gone), entering, leaving, excepted)


def carried_out(found: Combination, decision: Decision, rules: dict[int, Rule]) -> Combination:
    """The same device after the store wrote the decision."""
    excepted = {policy: kept for policy, kept in found.excepted.items() if policy not in decision.clear}
    excepted |= {rules[n].policy: (IN, n) for n in decision.wait_in}
    excepted |= {rules[n].policy: (OUT, n) for n in decision.wait_out}
    leaving = tuple(n for n in found.leaving if n in decision.rules)
    return replace(found, standing=decision.rules, leaving=leaving, excepted=excepted)


@settings(max_examples=400)
@given(worlds())
def test_deciding_again_about_the_outcome_changes_nothing(world: tuple[dict[int, Rule], Combination]) -> None:
    rules, found = world
    first = decide(found, rules)
    second = decide(carried_out(found, first, rules), rules)
    assert second == Decision(rules=first.rules, wait_in=(), wait_out=(), clear=())


@settings(max_examples=400)
@given(worlds())
def test_whoever_is_barred_or_held_out_never_enters(world: tuple[dict[int, Rule], Combination]) -> None:
    rules, found = world
    decision = decide(found, rules)
    for kind, number in found.excepted.values():
        if kind in (BARRED, HELD) and number not in found.standing:
            assert number not in decision.rules
            assert number not in decision.wait_in


@settings(max_examples=400)
@given(worlds())
def test_a_rule_in_force_stays_until_its_until_holds_or_a_newer_revision_comes(
    world: tuple[dict[int, Rule], Combination],
) -> None:
    rules, found = world
    decision = decide(found, rules)
    for number in found.standing:
        if number in rules and number not in found.leaving:
            newer = {n for n in decision.rules if rules[n].policy == rules[number].policy}
            assert newer in ({number}, {number + 10})
            assert number not in decision.wait_out


@settings(max_examples=400)
@given(worlds())
def test_one_policy_is_in_force_with_one_revision_and_waits_in_one_line(
    world: tuple[dict[int, Rule], Combination],
) -> None:
    rules, found = world
    decision = decide(found, rules)
    in_force = [rules[n].policy for n in decision.rules]
    waiting = [rules[n].policy for n in (*decision.wait_in, *decision.wait_out)]
    assert len(in_force) == len(set(in_force))
    assert len(waiting) == len(set(waiting))


@settings(max_examples=400)
@given(worlds())
def test_paced_rules_change_no_class_by_themselves(world: tuple[dict[int, Rule], Combination]) -> None:
    rules, found = world
    decision = decide(found, rules)
    known = {n for n in found.standing if n in rules}
    barred = {policy for policy, (kind, _) in found.excepted.items() if kind in (BARRED, HELD)}
    fresh = set(decision.rules) - known
    assert all(rules[n].auto for n in fresh) or any(rules[n].activates and rules[n].auto for n in fresh)
    replaced = {rules[n].policy for n in set(decision.rules) - known}
    assert all(rules[n].auto or rules[n].policy in {*replaced, *barred} for n in known - set(decision.rules))


def test_auto_enters_and_leaves_at_once() -> None:
    rules = {1: rule(1, auto=True)}
    assert decide(combination(entering=(1,)), rules).rules == (1,)
    assert decide(combination(standing=(1,), leaving=(1,)), rules).rules == ()


def test_paced_waits_in_line_both_ways() -> None:
    rules = {1: rule(1)}
    coming = decide(combination(entering=(1,)), rules)
    assert (coming.rules, coming.wait_in) == ((), (1,))
    going = decide(combination(standing=(1,), leaving=(1,)), rules)
    assert (going.rules, going.wait_out) == ((1,), (1,))


def test_a_bar_on_a_dropped_revision_does_not_keep_out_of_the_kept_one() -> None:
    rules = {1: rule(1, auto=True)}
    barred = {POLICIES[0]: (BARRED, 2)}
    assert decide(combination(entering=(1,), excepted=barred), rules).rules == (1,)


def test_who_waited_for_a_superseded_revision_waits_for_the_newer_one() -> None:
    rules = {1: rule(1, kept=False), 11: rule(11)}
    decision = decide(combination(entering=(11,), excepted={POLICIES[0]: (IN, 1)}), rules)
    assert decision.clear == (POLICIES[0],)
    assert decision.wait_in == (11,)


def test_a_bar_on_a_newer_revision_outlives_the_older_one() -> None:
    rules = {1: rule(1, kept=False), 11: rule(11)}
    barred = {POLICIES[0]: (BARRED, 11)}
    leaving = decide(combination(standing=(1,), leaving=(1,), excepted=barred), rules)
    assert leaving == Decision(
        rules=(), wait_in=(), wait_out=(), clear=()
    )  # its place in line is taken: it leaves at once
    assert decide(combination(entering=(11,), excepted=barred), rules).wait_in == ()


def test_trial_revisions_are_entered_by_their_change_only() -> None:
    rules = {1: rule(1, kept=False, auto=True)}
    assert decide(combination(entering=(1,)), rules) == Decision(rules=(), wait_in=(), wait_out=(), clear=())


def test_a_place_in_line_ends_when_the_reason_does() -> None:
    rules = {1: rule(1)}
    assert decide(combination(excepted={POLICIES[0]: (IN, 1)}), rules).clear == (POLICIES[0],)
    assert decide(combination(standing=(1,), excepted={POLICIES[0]: (OUT, 1)}), rules).clear == (POLICIES[0],)
    assert decide(combination(entering=(1,), excepted={POLICIES[0]: (IN, 1)}), rules).clear == ()


@given(st.frozensets(st.integers(1, 20), max_size=6), st.integers(1, 20), st.integers(1, 20))
def test_admission_takes_one_out_and_puts_one_in(standing: frozenset[int], without: int, enters: int) -> None:
    after = after_admission(sorted(standing), without=without, with_rule=enters)
    assert list(after) == sorted((standing - {without}) | {enters})
    assert after_admission(sorted(standing), without=None, with_rule=None) == tuple(sorted(standing))


# --- devices that were never activated ------------------------------------------------------------


def test_outside_nothing_enters_and_only_the_activation_waits() -> None:
    rules = {1: rule(1, activates=True), 2: rule(2, policy=1, auto=True), 3: rule(3, policy=2)}
    found = decide(combination(entering=(1, 2, 3)), rules)
    assert (found.rules, found.wait_in) == ((), (1,))


def test_an_activation_at_once_brings_all_that_is_kept() -> None:
    rules = {1: rule(1, activates=True, auto=True), 2: rule(2, policy=1, auto=True), 3: rule(3, policy=2)}
    found = decide(combination(entering=(1, 2, 3)), rules)
    assert (found.rules, found.wait_in) == ((1, 2, 3), ())


def test_who_is_barred_from_the_activation_stays_outside_of_everything() -> None:
    rules = {1: rule(1, activates=True, auto=True), 2: rule(2, policy=1, auto=True)}
    found = decide(combination(entering=(1, 2), excepted={POLICIES[0]: (BARRED, 1)}), rules)
    assert (found.rules, found.wait_in) == ((), ())


def test_while_the_activation_is_under_way_the_device_is_left_to_it() -> None:
    rules = {1: rule(1, activates=True, auto=True), 2: rule(2, policy=1, auto=True)}
    found = decide(combination(standing=(1,), entering=(1, 2)), rules)
    assert (found.rules, found.wait_in, found.wait_out) == ((1,), (), ())

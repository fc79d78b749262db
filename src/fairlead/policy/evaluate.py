"""The Python reading of an expression: one device, one session, one country.

`store.expression_sql` is the other reading; a property test holds the two, and a third
implementation of CEL, equal. Absent facts are CEL errors: `&&` and `||` absorb them when the other
side decides, everything else passes them on, and the whole is then neither true nor false.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, assert_never, cast

from fairlead.model.expression import (
    DAY,
    INT_MAX,
    INT_MIN,
    And,
    Arithmetic,
    ArithmeticSign,
    Call,
    Compare,
    Comparison,
    Conditional,
    Expr,
    FactRef,
    In,
    Literal,
    Not,
    Or,
    TimeCompare,
    TimeForm,
    Value,
    facts_named,
)

Facts = Mapping[str, Value]


def evaluate(expr: Expr, facts: Facts, now: datetime) -> Value:  # noqa: C901 - one case a node
    """The value of the expression, or None where an absent fact (or overflow, or division by zero) leaves it open.

    `facts` maps catalogue names to values. A fact that follows the clock may be given as its
    instant (an aware datetime) or as the derived value itself (days, or a timedelta).
    """
    match expr:
        case Literal(value=value):
            return value
        case FactRef(name=name):
            return facts.get(name)
        case TimeCompare():
            derived = derive(expr.form, facts.get(expr.name), now)
            return None if derived is None else _compared(expr.operator, derived, expr.constant)
        case Not(operand=operand):
            truth = evaluate(operand, facts, now)
            return None if truth is None else not truth
        case And(operands=operands):
            return _absorbed(operands, facts, now, decides=False)
        case Or(operands=operands):
            return _absorbed(operands, facts, now, decides=True)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            truth = evaluate(condition, facts, now)
            return None if truth is None else evaluate(then if truth else otherwise, facts, now)
        case Compare(operator=operator, left=left, right=right):
            return _strict(evaluate(left, facts, now), evaluate(right, facts, now), operator)
        case In(item=item, options=options):
            wanted, among = evaluate(item, facts, now), evaluate(options, facts, now)
            return None if wanted is None or among is None else wanted in cast("tuple[str, ...]", among)
        case Arithmetic(sign=sign, left=left, right=right):
            return _calculated(sign, evaluate(left, facts, now), evaluate(right, facts, now))
        case Call(function=function, arguments=arguments):
            return _called(function, [evaluate(argument, facts, now) for argument in arguments])
        case _:
            assert_never(expr)


def holds(expr: Expr, facts: Facts, now: datetime) -> bool | None:
    """The truth of a condition: True, False, or None where absent facts leave it open."""
    return cast("bool | None", evaluate(expr, facts, now))


def missing(expr: Expr, facts: Facts) -> frozenset[str]:
    """The facts that the expression reads and that are absent: what `why` names when a condition stays open."""
    return frozenset(name for name in facts_named(expr) if facts.get(name) is None)


def derive(form: TimeForm, given: Value, now: datetime) -> int | timedelta | None:
    """A fact that follows the clock, from its instant; a value that is already derived is kept."""
    if not isinstance(given, datetime):
        return cast("int | timedelta | None", given)
    match form:
        case "days_left":
            return max(0, -((now - given) // DAY))  # the ceiling of the days still to come
        case "time_left":
            return given - now
        case "age":
            return now - given
        case _:
            assert_never(form)


def _absorbed(operands: tuple[Expr, ...], facts: Facts, now: datetime, *, decides: bool) -> bool | None:
    is_open = False
    for operand in operands:
        truth = evaluate(operand, facts, now)
        if truth is None:
            is_open = True
        elif truth is decides:
            return decides
    return None if is_open else not decides


def _strict(left: Value, right: Value, operator: Comparison) -> bool | None:
    return None if left is None or right is None else _compared(operator, left, right)


def _compared(operator: Comparison, left: Value, right: Value) -> bool:
    if operator == "==":
        return left == right
    if operator == "!=":
        return left != right
    # the check let only values of one ordered type come here
    small, large = cast("tuple[int, int]", (left, right))
    match operator:
        case "<":
            return small < large
        case "<=":
            return small <= large
        case ">":
            return small > large
        case ">=":
            return small >= large
        case _:
            assert_never(operator)


def _calculated(sign: ArithmeticSign, left: Value, right: Value) -> int | None:
    if left is None or right is None:
        return None
    first, second = cast("tuple[int, int]", (left, right))
    if sign in {"/", "%"}:
        if second == 0:
            return None
        quotient = abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)
        result = quotient if sign == "/" else first - quotient * second
    else:
        result = _SUMS[sign](first, second)
    return result if INT_MIN <= result <= INT_MAX else None


_SUMS: Final = {
    "+": int.__add__,
    "-": int.__sub__,
    "*": int.__mul__,
}


def _called(function: str, arguments: list[Value]) -> bool | int | None:
    if any(argument is None for argument in arguments):
        return None
    if function == "size":
        return len(cast("str | tuple[str, ...]", arguments[0]))
    text, part = cast("list[str]", arguments)
    match function:
        case "startsWith":
            return text.startswith(part)
        case "endsWith":
            return text.endswith(part)
        case _:
            return part in text

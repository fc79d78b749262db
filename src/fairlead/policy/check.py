"""Meaning given to a parsed expression: facts looked up, types checked, constants folded.

The doors and `policy.read` call `read_expression`; the answer is the typed tree or a `Refusal` that
says where, what and what instead. What passes here can be read by Python and by SQL alike, so both
readings may trust types blindly.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Final, cast

from fairlead.model.expression import (
    DAY,
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
    Span,
    Type,
    Value,
    children,
    time_compare,
    turned,
)
from fairlead.model.facts import Context, Fact, catalogue, constants
from fairlead.policy.cel import parse
from fairlead.policy.evaluate import evaluate
from fairlead.policy.quantities import read_duration
from fairlead.policy.syntax import (
    Binary,
    Chain,
    Constant,
    Invoke,
    ListOf,
    Name,
    Refusal,
    Refused,
    Select,
    Syntax,
    Ternary,
    Unary,
)

MAX_DEPTH: Final = 64  # of the tree; every reading is recursive
MAX_DAYS: Final = 36_500  # a bound of a hundred years keeps `now + bound` a date
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)  # constants do not follow the clock; any instant does
_ORDERED: Final = frozenset({"int", "double", "string", "duration", "timestamp"})
FUNCTIONS: Final = ("startsWith", "endsWith", "contains", "size")
_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})


def read_expression(text: str, *, context: Context) -> Expr | Refusal:
    """Parse and check a condition of this context; a `Refusal` where it cannot be read."""
    try:
        expr = _Checker(catalogue[context], context).typed(parse(text))
    except Refused as refused:
        return refused.refusal
    if expr.type == "bool":
        return expr
    return Refusal(
        line=expr.span.line,
        column=expr.span.column,
        problem=f"this is a {expr.type}, not a condition",
        expected="compare it with something",
    )


def unreachable(conditions: Sequence[Expr | None]) -> tuple[tuple[int, int], ...]:
    """Of rules of which the first that matches decides: (rule never reached, rule that shadows it), from 0.

    None stands for a rule without a condition. A rule is shadowed by a former one that is always
    true, that is the same, or of which it is a special case by one more `&&`; a rule that is
    literally false shadows itself.
    """
    found: list[tuple[int, int]] = []
    for index, condition in enumerate(conditions):
        if isinstance(condition, Literal) and condition.value is False:
            found.append((index, index))
            continue
        former = next((at for at in range(index) if _covers(conditions[at], condition)), None)
        if former is not None:
            found.append((index, former))
    return tuple(found)


def _covers(former: Expr | None, later: Expr | None) -> bool:
    if former is None or (isinstance(former, Literal) and former.value is True):
        return True
    if later is None:
        return False
    if former == later:
        return True
    narrower = set(later.operands) if isinstance(later, And) else {later}
    wider = set(former.operands) if isinstance(former, Or) else {former}
    return bool(narrower & wider) or (isinstance(former, And) and set(former.operands) <= narrower)


class _Checker:
    """Types one tree against one context's facts."""

    def __init__(self, facts: Mapping[str, Fact], context: Context) -> None:
        self._facts = facts
        self._context = context
        self._depth = 0

    def typed(self, tree: Syntax) -> Expr:
        """The typed node; a fact that follows the clock may stand in a comparison only."""
        expr = self._node(tree)
        if isinstance(expr, _Moving):
            raise Refused(
                expr.span,
                f"`{expr.fact.name}` follows the clock and can only be compared with a constant",
                f"write `{expr.fact.name} {_example(expr.fact)}`",
            )
        return expr

    def _node(self, tree: Syntax) -> "Expr | _Moving":
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(
                tree.span, "the expression is too deeply nested", f"at most {MAX_DEPTH} operations inside one another"
            )
        made = self._made(tree)
        self._depth -= 1
        return made

    def _made(self, tree: Syntax) -> "Expr | _Moving":  # noqa: C901 - one case a node
        match tree:
            case Constant():
                return _constant(tree)
            case ListOf():
                return self._list(tree)
            case Name() | Select():
                return self._fact(tree)
            case Invoke():
                return self._call(tree)
            case Unary():
                return self._unary(tree)
            case Chain():
                return self._chain(tree)
            case Ternary():
                return self._ternary(tree)
            case Binary(operator="in"):
                return self._membership(tree)
            case Binary() if tree.operator in _COMPARISONS:
                return self._comparison(tree)
            case Binary():
                return self._arithmetic(tree)

    # -- names

    def _fact(self, tree: Name | Select) -> "Expr | _Moving":
        name = _spelled(tree)
        if name is None:
            raise Refused(tree.span, "this has no fields", "a fact by its full name, such as `law.stance`")
        return self._lookup(name, tree.span)

    def _lookup(self, name: str, span: Span) -> "Expr | _Moving":
        fact = self._facts.get(name)
        if fact is not None:
            if fact.form is not None and fact.column is not None:
                return _Moving(fact, span)
            return FactRef(type=fact.type, name=name, column=fact.column, span=span)
        if name in constants:
            return Literal(type="int", value=constants[name], span=span)
        raise Refused(span, f"unknown fact `{name}` in a {self._context} condition", self._suggestion(name))

    def _suggestion(self, name: str) -> str:
        elsewhere = [other for other, facts in catalogue.items() if name in facts]
        if elsewhere:
            return f"that is a fact of a {elsewhere[0]} condition"
        inside = sorted(known for known in self._facts if known.endswith(f".{name}"))
        if inside:
            return "did you mean " + " or ".join(f"`{known}`" for known in inside) + "?"
        near = get_close_matches(name, [*self._facts, *constants], n=1, cutoff=0.6)
        if near:
            return f"did you mean `{near[0]}`?"
        return "one of: " + ", ".join(sorted(self._facts))

    # -- calls

    def _call(self, tree: Invoke) -> "Expr | _Moving":
        if tree.target is None:
            if tree.function in {"duration", "timestamp"}:
                return _converted(tree)
            if tree.function == "size" and len(tree.arguments) == 1:
                return self._size(self.typed(tree.arguments[0]), tree.span)
            if tree.function == "clock":
                raise Refused(tree.span, "a clock has fields", 'write `clock("permanent-roaming").days_left`')
        elif tree.function == "size" and not tree.arguments:
            return self._size(self.typed(tree.target), tree.span)
        elif tree.function in FUNCTIONS:
            return self._text_call(tree, tree.target)
        raise Refused(tree.span, f"unknown function `{tree.function}`", "one of: " + ", ".join(FUNCTIONS))

    def _size(self, target: Expr, span: Span) -> Expr:
        if target.type not in {"string", "list<string>"}:
            raise Refused(span, f"size of a {target.type}", "the size of a string or of a list")
        return _folded(Call(type="int", function="size", arguments=(target,), span=span))

    def _text_call(self, tree: Invoke, target: Syntax) -> Expr:
        if len(tree.arguments) != 1:
            raise Refused(tree.span, f"`{tree.function}` takes one argument", f'write `sku.{tree.function}("x")`')
        operands = (self.typed(target), self.typed(tree.arguments[0]))
        for operand in operands:
            if operand.type == "list<string>" and tree.function == "contains":
                raise Refused(operand.span, "`contains` looks into text", 'write `"x" in tags` to look into a list')
            if operand.type != "string":
                raise Refused(operand.span, f"this is a {operand.type}", f"`{tree.function}` takes strings")
        function = "startsWith" if tree.function == "startsWith" else (
            "endsWith" if tree.function == "endsWith" else "contains"
        )  # fmt: skip
        return _folded(Call(type="bool", function=function, arguments=operands, span=tree.span))

    # -- operators

    def _list(self, tree: ListOf) -> Expr:
        values: list[str] = []
        for item in tree.items:
            element = self.typed(item)
            if not isinstance(element, Literal) or not isinstance(element.value, str):
                raise Refused(element.span, "a list holds constant strings only", 'write ["DE", "FR"], or use `||`')
            values.append(element.value)
        if not values:
            raise Refused(tree.span, "an empty list", "at least one string; nothing is in an empty list")
        return Literal(type="list<string>", value=tuple(values), span=tree.span)

    def _unary(self, tree: Unary) -> Expr:
        operand = self.typed(tree.operand)
        if tree.operator == "!":
            if operand.type != "bool":
                raise Refused(operand.span, f"`!` of a {operand.type}", "a condition after `!`")
            return _folded(operand.operand if isinstance(operand, Not) else Not(operand=operand, span=tree.span))
        if isinstance(operand, Literal) and isinstance(operand.value, float):
            return Literal(type="double", value=-operand.value, span=tree.span)
        zero = Literal(type="int", value=0, span=tree.span)
        return self._integers("-", zero, operand, tree.span)

    def _chain(self, tree: Chain) -> Expr:
        operands: list[Expr] = []
        kind = And if tree.operator == "&&" else Or
        for each in tree.operands:
            operand = self.typed(each)
            if operand.type != "bool":
                raise Refused(
                    operand.span, f"this is a {operand.type}", f"conditions on both sides of `{tree.operator}`"
                )
            operands.extend(operand.operands if isinstance(operand, kind) else (operand,))
        return _folded(kind(operands=tuple(operands), span=tree.span))

    def _ternary(self, tree: Ternary) -> Expr:
        condition = self.typed(tree.condition)
        if condition.type != "bool":
            raise Refused(condition.span, f"this is a {condition.type}", "a condition before `?`")
        then, otherwise = _same_type(self.typed(tree.then), self.typed(tree.otherwise), "both sides of `:`")
        made = Conditional(type=then.type, condition=condition, then=then, otherwise=otherwise, span=tree.span)
        return _folded(made)

    def _membership(self, tree: Binary) -> Expr:
        item, options = self.typed(tree.left), self.typed(tree.right)
        if options.type != "list<string>":
            raise Refused(options.span, f"this is a {options.type}", 'a list after `in`, such as ["DE", "FR"]')
        if item.type != "string":
            raise Refused(item.span, f"this is a {item.type}", "a string before `in`")
        if isinstance(options, Literal):
            for value in cast("tuple[str, ...]", options.value):
                self._known_value(item, value, options.span)
        return _folded(In(item=item, options=options, span=tree.span))

    def _comparison(self, tree: Binary) -> Expr:
        operator = cast("Comparison", tree.operator)
        left, right = self._node(tree.left), self._node(tree.right)
        if isinstance(left, _Moving):
            return _moving_comparison(left, operator, right, tree.span)
        if isinstance(right, _Moving):
            return _moving_comparison(right, turned(operator), left, tree.span)
        left, right = _same_type(left, right, f"both sides of `{operator}`")
        if left.type == "list<string>":
            raise Refused(left.span, "lists cannot be compared", 'ask `"x" in tags`, or `size(tags) == 0`')
        if operator not in {"==", "!="} and left.type not in _ORDERED:
            raise Refused(left.span, f"a {left.type} has no order", "`==` or `!=`")
        if isinstance(right, Literal) and isinstance(right.value, str):
            self._known_value(left, right.value, right.span)
        if isinstance(left, Literal) and isinstance(left.value, str):
            self._known_value(right, left.value, left.span)
        return _folded(Compare(operator=operator, left=left, right=right, span=tree.span))

    def _known_value(self, against: Expr, value: str, span: Span) -> None:
        values = self._facts[against.name].values if isinstance(against, FactRef) else ()
        if values and value not in values:
            near = get_close_matches(value, values, n=1)
            names = f"did you mean {near[0]!r}?" if near else "one of: " + ", ".join(values)
            raise Refused(span, f"{value!r} is not a value of this fact", names)

    def _arithmetic(self, tree: Binary) -> Expr:
        sign = cast("ArithmeticSign", tree.operator)
        return self._integers(sign, self.typed(tree.left), self.typed(tree.right), tree.span)

    def _integers(self, sign: ArithmeticSign, left: Expr, right: Expr, span: Span) -> Expr:
        for operand in (left, right):
            if operand.type != "int":
                raise Refused(operand.span, f"this is a {operand.type}", f"whole numbers on both sides of `{sign}`")
        return _folded(Arithmetic(sign=sign, left=left, right=right, span=span))


class _Moving:
    """A fact that follows the clock, before its comparison is known."""

    def __init__(self, fact: Fact, span: Span) -> None:
        self.fact = fact
        self.span = span


def _spelled(tree: Syntax) -> str | None:
    """`a.b` or `clock("x").b` as the catalogue spells it."""
    match tree:
        case Name(name=name):
            return name
        case Select(target=target, field=field):
            inner = _spelled(target)
            return None if inner is None else f"{inner}.{field}"
        case Invoke(target=None, function=function, arguments=(Constant(value=str() as argument),)):
            return f'{function}("{argument}")'
        case _:
            return None


def _constant(constant: Constant) -> Literal:
    span = constant.span
    match value := constant.value:
        case bool():
            return Literal(type="bool", value=value, span=span)
        case int():
            return Literal(type="int", value=value, span=span)
        case float():
            return Literal(type="double", value=value, span=span)
        case str():
            return Literal(type="string", value=value, span=span)


def _converted(tree: Invoke) -> Literal:
    example = '`duration("24h")`' if tree.function == "duration" else '`timestamp("2027-01-31T00:00:00Z")`'
    match tree.arguments:
        case (Constant(value=str() as text),):
            value = read_duration(text, days=False) if tree.function == "duration" else read_timestamp(text)
            if value is not None:
                kind: Type = "duration" if isinstance(value, timedelta) else "timestamp"
                return Literal(type=kind, value=value, span=tree.span)
            raise Refused(tree.span, f"{text!r} is not a {tree.function}", f"write {example}")
        case _:
            raise Refused(tree.span, f"`{tree.function}` takes one constant string", f"write {example}")


def read_timestamp(text: str) -> datetime | None:
    """An RFC 3339 instant with its offset, as aware UTC; None for other text."""
    try:
        read = datetime.fromisoformat(text)
        return None if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _moving_comparison(fact: _Moving, operator: Comparison, other: "Expr | _Moving", span: Span) -> Expr:
    entry = fact.fact
    if not isinstance(other, Literal):
        raise Refused(
            other.span,
            f"`{entry.name}` follows the clock and can only be compared with a constant",
            f"write `{entry.name} {_example(entry)}`",
        )
    if other.type != entry.type:
        raise Refused(other.span, f"this is a {other.type}", f"a {entry.type}: `{entry.name} {_example(entry)}`")
    constant = cast("int | timedelta", other.value)
    length = constant if isinstance(constant, timedelta) else None
    far = abs(length) > MAX_DAYS * DAY if length is not None else abs(cast("int", constant)) > MAX_DAYS
    if far:
        raise Refused(other.span, "a bound of more than a hundred years", f"at most {MAX_DAYS} days")
    if entry.column is None or entry.form is None:
        raise AssertionError(entry.name)
    return time_compare(
        name=entry.name, column=entry.column, form=entry.form, operator=operator, constant=constant, span=span
    )


def _example(fact: Fact) -> str:
    return "<= 30" if fact.type == "int" else '> duration("24h")'


def _same_type(left: Expr, right: Expr, where: str) -> tuple[Expr, Expr]:
    if left.type == right.type:
        return left, right
    left, right = _as_double(left, right.type), _as_double(right, left.type)
    if left.type == right.type:
        return left, right
    hint = "write the number with or without a decimal point" if {left.type, right.type} == {"int", "double"} else (
        "values of one type"
    )  # fmt: skip
    raise Refused(right.span, f"{left.type} and {right.type} on {where}", hint)


def _as_double(expr: Expr, wanted: Type) -> Expr:
    """A whole-number literal takes the fact's type."""
    if wanted == "double" and isinstance(expr, Literal) and isinstance(expr.value, int) and expr.type == "int":
        if float(expr.value) != expr.value:
            raise Refused(expr.span, "the number cannot be a double without loss", "a smaller number")
        return Literal(type="double", value=float(expr.value), span=expr.span)
    return expr


def _folded(expr: Expr) -> Expr:
    """The literal that a node without facts is."""
    below = children(expr)
    if not below or not all(isinstance(child, Literal) for child in below):
        return _simplified(expr)
    value: Value = evaluate(expr, {}, _EPOCH)
    if value is None:
        raise Refused(expr.span, "this overflows or divides by zero", "numbers that stay within 64 bits")
    return Literal(type=expr.type, value=value, span=expr.span)


def _simplified(expr: Expr) -> Expr:
    """`&&` and `||` without the constants that do not matter, or decided by the one that does."""
    if not isinstance(expr, And | Or):
        return expr
    decides = isinstance(expr, Or)
    left = [each for each in expr.operands if not isinstance(each, Literal)]
    if any(isinstance(each, Literal) and each.value is decides for each in expr.operands):
        return Literal(type="bool", value=decides, span=expr.span)
    if len(left) == 1:
        return left[0]
    return type(expr)(operands=tuple(left), span=expr.span)

"""The typed tree of an expression: what a condition means once it has been parsed and checked.

`policy.check` builds it from CEL text; `policy.evaluate` reads it for one device or session, and
`store.expression_sql` compiles it for the fleet. Both readings start from this one tree, so a
condition can never mean two things. The union `Expr` is closed: a reading that forgets a node
does not type-check.

A fact that follows the clock (`clock("permanent-roaming").days_left`, `last_contact_age`) is kept
as an instant and may only be compared with a constant. Such a comparison is its own node,
`TimeCompare`, which carries the comparison as written *and* the equivalent tests of the instant
against `now + offset`; the latter are what an index can serve and what a sweep can watch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, assert_never
from typing import Literal as Only

type_names: Final = ("bool", "int", "double", "string", "list<string>", "duration", "timestamp")
Type = Only["bool", "int", "double", "string", "list<string>", "duration", "timestamp"]
Constant = bool | int | float | str | tuple[str, ...] | timedelta | datetime
Value = Constant | None  # None: the fact is absent

Comparison = Only["==", "!=", "<", "<=", ">", ">="]
ArithmeticSign = Only["+", "-", "*", "/", "%"]
CallName = Only["startsWith", "endsWith", "contains", "size"]
TimeForm = Only["days_left", "time_left", "age"]

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
DAY: Final = timedelta(hours=24)  # a day of a countdown is 24 hours, not a calendar day
ZERO: Final = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where a node stood in its text."""

    line: int  # from 1
    column: int  # from 1, in characters


NOWHERE: Final = Span(line=1, column=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A constant; constant sub-expressions are folded into one at check."""

    type: Type
    value: Constant
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRef:
    """A fact by its name in the catalogue."""

    type: Type
    name: str  # as the catalogue spells it, such as `clock("imei-registration").days_left`
    column: str | None  # of the fact table; None where the fact has no column
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantTest:
    """`column <operator> now + offset`."""

    operator: Only["=", "<>", "<", "<=", ">", ">="]
    offset: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCompare:
    """A fact that follows the clock, compared with a constant; absent where the instant is absent."""

    name: str
    column: str  # the instant
    form: TimeForm  # how the fact is derived from the instant and now
    operator: Comparison
    constant: int | timedelta  # days for `days_left`, else a duration
    tests: tuple[InstantTest, ...]  # all of them hold ...
    negated: bool  # ... or, where negated, not all of them
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> Type:
        """A comparison is a bool."""
        return "bool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """`!operand`."""

    operand: "Expr"
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> Type:
        """A bool."""
        return "bool"


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    """`a && b && …`: false where any is false, else absent where any is absent."""

    operands: tuple["Expr", ...]  # two or more
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> Type:
        """A bool."""
        return "bool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    """`a || b || …`: true where any is true, else absent where any is absent."""

    operands: tuple["Expr", ...]  # two or more
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> Type:
        """A bool."""
        return "bool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Two values of one type, compared; strings by code point."""

    operator: Comparison
    left: "Expr"
    right: "Expr"
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> Type:
        """A bool."""
        return "bool"


@dataclass(frozen=True, slots=True, kw_only=True)
class In:
    """`item in options`."""

    item: "Expr"  # a string
    options: "Expr"  # a list of strings
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> Type:
        """A bool."""
        return "bool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """64-bit integer arithmetic; overflow and division by zero are absent. Division truncates towards zero."""

    sign: ArithmeticSign
    left: "Expr"
    right: "Expr"
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def type(self) -> Type:
        """An int."""
        return "int"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional:
    """`condition ? then : otherwise`; absent where the condition is absent."""

    type: Type
    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`startsWith`, `endsWith`, `contains` (target, argument) or `size` (target)."""

    type: Type
    function: CallName
    arguments: tuple["Expr", ...]
    span: Span = field(default=NOWHERE, compare=False)


Expr = Literal | FactRef | TimeCompare | Not | And | Or | Compare | In | Arithmetic | Conditional | Call


def children(expr: Expr) -> tuple[Expr, ...]:
    """The nodes directly below this one, in the order they were written."""
    match expr:
        case Literal() | FactRef() | TimeCompare():
            return ()
        case Not(operand=operand):
            return (operand,)
        case And(operands=operands) | Or(operands=operands):
            return operands
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case In(item=item, options=options):
            return (item, options)
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Call(arguments=arguments):
            return arguments
        case _:
            assert_never(expr)


def walk(expr: Expr) -> Iterator[Expr]:
    """A node and all below it, parents first."""
    stack = [expr]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def facts_read(expr: Expr) -> frozenset[str]:
    """The columns of the fact table that the expression reads."""
    return frozenset(
        node.column for node in walk(expr) if isinstance(node, FactRef | TimeCompare) and node.column is not None
    )


def facts_named(expr: Expr) -> frozenset[str]:
    """The facts that the expression reads, by their names in the catalogue."""
    return frozenset(node.name for node in walk(expr) if isinstance(node, FactRef | TimeCompare))


def time_thresholds(expr: Expr) -> frozenset[tuple[str, timedelta]]:
    """Each (column, offset) at which time alone can flip the expression: at the instant `column - offset`."""
    return frozenset(
        (node.column, test.offset) for node in walk(expr) if isinstance(node, TimeCompare) for test in node.tests
    )


_TURNED: Final[dict[Comparison, Comparison]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_SQL: Final[dict[Comparison, Only["=", "<>", "<", "<=", ">", ">="]]] = {
    "==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}  # fmt: skip


def turned(operator: Comparison) -> Comparison:
    """The operator that holds when both sides change places."""
    return _TURNED[operator]


def time_compare(
    *,
    name: str,
    column: str,
    form: TimeForm,
    operator: Comparison,
    constant: int | timedelta,
    span: Span = NOWHERE,
) -> TimeCompare:
    """Make the node, with the tests of the instant that are exactly the comparison.

    `days_left` is `max(0, ceil((instant - now) / 24 h))`, `time_left` is `instant - now` and `age`
    is `now - instant`.
    """
    if isinstance(constant, timedelta):
        tests, negated = _duration_tests(form, operator, constant)
    else:
        tests, negated = _day_tests(operator, constant)
    return TimeCompare(
        name=name,
        column=column,
        form=form,
        operator=operator,
        constant=constant,
        tests=tests,
        negated=negated,
        span=span,
    )


def _duration_tests(form: TimeForm, operator: Comparison, bound: timedelta) -> tuple[tuple[InstantTest, ...], bool]:
    if form == "age":
        return (InstantTest(operator=_SQL[turned(operator)], offset=-bound),), False
    return (InstantTest(operator=_SQL[operator], offset=bound),), False


def _day_tests(operator: Comparison, days: int) -> tuple[tuple[InstantTest, ...], bool]:
    """No test at all is true (false where negated): a countdown is never below zero."""
    match operator:
        case "<=" | ">":
            negated = operator == ">"
            if days < 0:
                return (), not negated
            return (InstantTest(operator="<=", offset=days * DAY),), negated
        case "<" | ">=":
            return _day_tests("<=" if operator == "<" else ">", days - 1)
        case "==" | "!=":
            negated = operator == "!="
            if days < 0:
                return (), not negated
            upper = InstantTest(operator="<=", offset=days * DAY)
            if days == 0:
                return (upper,), negated
            return (upper, InstantTest(operator=">", offset=(days - 1) * DAY)), negated
        case _:
            assert_never(operator)


_INVERSE: Final[dict[Comparison, Comparison]] = {
    "==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<",
}  # fmt: skip


def negation(expr: Expr) -> Expr:
    """The opposite, with the `!` driven inwards; absent where the expression is absent.

    Every order here is total (NaN is refused at the door), so a comparison has an opposite.
    """
    match expr:
        case Literal(value=bool() as value):
            return replace(expr, value=not value)
        case Not(operand=operand):
            return operand
        case And(operands=operands, span=span):
            return Or(operands=tuple(negation(each) for each in operands), span=span)
        case Or(operands=operands, span=span):
            return And(operands=tuple(negation(each) for each in operands), span=span)
        case Compare(operator=operator):
            return replace(expr, operator=_INVERSE[operator])
        case TimeCompare(operator=operator, negated=negated):
            return replace(expr, operator=_INVERSE[operator], negated=not negated)
        case _:
            return Not(operand=expr, span=expr.span)


def constraints(expr: Expr, *, truth: bool = True) -> dict[str, frozenset[str]]:
    """What string facts must be for the expression to have this truth: fact name to the values it may have.

    A fact that is not named may have any value. Used to fold rules by country and to prove that two
    conditions can never hold together; it never claims more than it can prove.
    """
    match expr:
        case Not(operand=operand):
            return constraints(operand, truth=not truth)
        case And(operands=operands) | Or(operands=operands):
            below = [constraints(operand, truth=truth) for operand in operands]
            return _both(below) if isinstance(expr, And) == truth else _either(below)
        case (
            Compare(operator=operator, left=FactRef() as fact, right=Literal(value=str() as value))
            | Compare(operator=operator, left=Literal(value=str() as value), right=FactRef() as fact)
        ):
            return {fact.name: frozenset({value})} if operator == ("==" if truth else "!=") else {}
        case In(item=FactRef() as fact, options=Literal(value=tuple() as values)):
            return {fact.name: frozenset(values)} if truth else {}
        case _:
            return {}


def _both(below: list[dict[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    met: dict[str, frozenset[str]] = {}
    for each in below:
        for name, values in each.items():
            met[name] = met[name] & values if name in met else values
    return met


def _either(below: list[dict[str, frozenset[str]]]) -> dict[str, frozenset[str]]:
    shared = set(below[0]).intersection(*below[1:])
    return {name: frozenset[str]().union(*(each[name] for each in below)) for name in shared}


def disjoint(left: Expr, right: Expr) -> bool:
    """Whether the two can be proved never to hold together, by the values of some string fact."""
    here, there = constraints(left), constraints(right)
    return any(not (here[name] & there[name]) for name in here.keys() & there.keys())


_PRECEDENCE_ATOM: Final = 7


def source(expr: Expr, *, name_of: Callable[[str], str] = str) -> str:
    """The expression as CEL text, spelled one way only; `name_of` may rename facts."""
    return _Printer(name_of).text(expr)[0]


class _Printer:
    """Prints nodes with the fewest brackets; each text comes with the precedence of its outermost operator."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of

    def text(self, expr: Expr) -> tuple[str, int]:  # noqa: C901 - one case a node
        match expr:
            case Literal(value=value):
                return literal_source(value), _PRECEDENCE_ATOM
            case FactRef(name=name):
                return self._name_of(name), _PRECEDENCE_ATOM
            case TimeCompare(name=name, operator=operator, constant=constant):
                return f"{self._name_of(name)} {operator} {literal_source(constant)}", 3
            case Not(operand=operand):
                return f"!{self._at(operand, _PRECEDENCE_ATOM)}", 6
            case And(operands=operands):
                return " && ".join(self._at(each, 3) for each in operands), 2
            case Or(operands=operands):
                return " || ".join(self._at(each, 2) for each in operands), 1
            case Compare(operator=operator, left=left, right=right):
                return f"{self._at(left, 4)} {operator} {self._at(right, 4)}", 3
            case In(item=item, options=options):
                return f"{self._at(item, 4)} in {self._at(options, 4)}", 3
            case Arithmetic(sign=sign, left=left, right=right):
                level = 4 if sign in "+-" else 5
                return f"{self._at(left, level)} {sign} {self._at(right, level + 1)}", level
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                return f"{self._at(condition, 1)} ? {self._at(then, 1)} : {self._at(otherwise, 0)}", 0
            case Call(function=function, arguments=arguments):
                rest = ", ".join(self.text(each)[0] for each in arguments[1:])
                return f"{self._at(arguments[0], _PRECEDENCE_ATOM)}.{function}({rest})", _PRECEDENCE_ATOM
            case _:
                assert_never(expr)

    def _at(self, expr: Expr, level: int) -> str:
        text, precedence = self.text(expr)
        return text if precedence >= level else f"({text})"


def literal_source(value: Constant) -> str:
    """A constant as CEL text."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"({value!r})" if value < 0 else repr(value)
        case str():
            return _quoted(value)
        case tuple():
            return "[" + ", ".join(_quoted(each) for each in value) + "]"
        case timedelta():
            micros = value // timedelta(microseconds=1)
            return (
                f'duration("{micros // 3_600_000_000}h")' if micros % 3_600_000_000 == 0 else f'duration("{micros}us")'
            )
        case datetime():
            return f'timestamp("{value.isoformat().replace("+00:00", "Z")}")'
        case _:
            assert_never(value)


_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(letter, letter) for letter in text) + '"'

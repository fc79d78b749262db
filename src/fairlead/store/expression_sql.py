"""The SQL reading of an expression: the same tree that `policy.evaluate` reads, for the whole fleet at once.

The resolver, the planner's blast radius and partial rollback call it. The text has one parameter,
`%(now)s`; constants are inlined, so that the planner of the database sees them. Absent facts are
NULL, and every node keeps CEL's rules in three-valued logic: `AND` and `OR` absorb, everything else
is strict. Nothing can raise: integer arithmetic runs in numeric and leaves 64 bits as NULL, and a
division by zero is NULL. No operand is ever written twice, so the text grows with the tree.

`compile_rules` reads many rules in one pass over the rows. It folds conditions on the country into
a search tree, so that a row meets only its own country's rules, and answers with bits in a few
bigint words: measured over a million rows and 200 rules, words cost less than half of any text or
array, because nothing is allocated per row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString, assert_never

from psycopg import sql

from fairlead.model.expression import (
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
    Value,
    constraints,
)

_HOUR: Final = timedelta(hours=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_OPERATORS: Final[dict[Comparison, LiteralString]] = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
# Out of 64 bits on either side is clamped to the first value outside, and that to NULL.
_GUARD: Final = sql.SQL(
    "nullif(nullif(greatest(least({}, 9223372036854775808), -9223372036854775809),"
    " 9223372036854775808), -9223372036854775809)"
)


class NoColumn(ValueError):
    """A fact that the table does not hold: the expression belongs to another context."""

    def __init__(self, fact: str) -> None:
        super().__init__(f"the fact `{fact}` is not a column; give it as a constant")
        self.fact = fact


def compile_expr(expr: Expr, *, alias: str = "f", constants: Mapping[str, Value] | None = None) -> sql.Composed:
    """The expression as SQL over the fact table called `alias`.

    `constants` are facts that are the same for every row (`tenant`), inlined; None is absent.
    The only parameter is `%(now)s`, a timestamptz. Raises `NoColumn`.
    """
    return _Compiler(alias, constants or {}).compiled(expr)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleColumns:
    """Many rules as a few bigint columns, and the way back from their values to the rules."""

    columns: tuple[sql.Composed, ...]  # one bigint expression each, never NULL
    branches: tuple[tuple[int, ...], ...]  # the numbers of each branch's own rules; branch 0 has none
    common: tuple[int, ...]  # the numbers of the rules that every row meets
    local_words: int  # how many of the columns hold a branch's own rules

    def select(self, prefix: str = "rules_") -> sql.Composed:
        """The columns for a SELECT list, named by the prefix and their position from 0."""
        return sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(column, sql.Identifier(f"{prefix}{at}"))
            for at, column in enumerate(self.columns)
        )

    def decode(self, words: Sequence[int]) -> tuple[int, ...]:
        """The numbers of the rules that the columns' values name, ascending."""
        own = self.branches[words[0] & _BRANCH_MASK]
        bits = (words[0] & _WORD_MASK) >> _BRANCH_BITS
        for at, word in enumerate(words[1 : self.local_words]):
            bits |= (word & _WORD_MASK) << (_FIRST_BITS + at * _WORD_BITS)
        found = [number for at, number in enumerate(own) if bits >> at & 1]
        shared = 0
        for at, word in enumerate(words[self.local_words :]):
            shared |= (word & _WORD_MASK) << (at * _WORD_BITS)
        found.extend(number for at, number in enumerate(self.common) if shared >> at & 1)
        return tuple(sorted(found))


def compile_rules(
    rules: Sequence[tuple[int, Expr]],
    *,
    alias: str = "f",
    constants: Mapping[str, Value] | None = None,
    keep_open: bool = False,
) -> RuleColumns:
    """Compile numbered conditions to columns that name those that are true on a row.

    With `keep_open` they name those that are not false: give it the negations of `until` conditions
    (`model.expression.negation`) and a rule stays named where absent facts leave its end open.
    A condition on the country that stands alone or joined by `&&` costs nothing on other countries' rows.
    """
    return _RuleCompiler(_Compiler(alias, constants or {}), keep_open=keep_open).compiled(rules)


class _RuleCompiler:
    """Splits rules by country and packs their truths into words."""

    def __init__(self, compiler: "_Compiler", *, keep_open: bool) -> None:
        self._compiler = compiler
        self._keep_open = keep_open
        self._country = compiler.compiled(_COUNTRY)

    def compiled(self, rules: Sequence[tuple[int, Expr]]) -> RuleColumns:
        common: list[_Bit] = []
        by_country: dict[str, list[_Bit]] = {}
        unplaced: list[_Bit] = []  # rules with a country, as they read on a row without one
        for number, expr in rules:
            countries, rest = _by_country(expr)
            bit = (number, self._truth(rest))
            if countries is None:
                common.append(bit)
                continue
            unplaced.append(bit)
            for country in countries:
                by_country.setdefault(country, []).append(bit)
        branches: list[tuple[_Bit, ...]] = [()]
        cases: list[tuple[str, int]] = []
        for country, bits in sorted(by_country.items()):
            cases.append((country, len(branches)))
            branches.append(tuple(bits))
        nowhere = len(branches) if self._keep_open and unplaced else 0
        if nowhere:
            branches.append(tuple(unplaced))
        if len(branches) > _BRANCH_MASK:
            raise ValueError(f"{len(branches)} countries: at most {_BRANCH_MASK}")
        local = self._local_words(branches, cases, nowhere)
        return RuleColumns(
            columns=(*local, *(_packed(common[at : at + _WORD_BITS], 0) for at in range(0, len(common), _WORD_BITS))),
            branches=tuple(tuple(number for number, _ in bits) for bits in branches),
            common=tuple(number for number, _ in common),
            local_words=len(local),
        )

    def _truth(self, expr: Expr | None) -> sql.Composed:
        condition = sql.SQL("true").format() if expr is None else self._compiler.compiled(expr)
        return sql.SQL("{} IS NOT FALSE").format(condition) if self._keep_open else condition

    def _local_words(
        self, branches: Sequence[Sequence["_Bit"]], cases: Sequence[tuple[str, int]], nowhere: int
    ) -> list[sql.Composed]:
        """The first word names the branch in its low bits and holds its first rules; further words the rest."""
        longest = max(len(bits) for bits in branches)
        words = [self._word(branches, cases, nowhere, 0, _FIRST_BITS)]
        words.extend(
            self._word(branches, cases, nowhere, start, _WORD_BITS) for start in range(_FIRST_BITS, longest, _WORD_BITS)
        )
        return words

    def _word(
        self,
        branches: Sequence[Sequence["_Bit"]],
        cases: Sequence[tuple[str, int]],
        nowhere: int,
        start: int,
        width: int,
    ) -> sql.Composed:
        def value(branch: int) -> sql.Composed:
            bits = branches[branch][start : start + width]
            if start:
                return _packed(bits, 0)
            return sql.SQL("{} | {}").format(_big(branch), _packed(bits, _BRANCH_BITS))

        taken = [(country, value(branch)) for country, branch in cases if len(branches[branch]) > start]
        tree = self._search(taken)
        if nowhere and len(branches[nowhere]) > start:
            return sql.SQL("(CASE WHEN {} IS NULL THEN {} ELSE {} END)").format(self._country, value(nowhere), tree)
        return tree

    def _search(self, cases: Sequence[tuple[str, sql.Composed]]) -> sql.Composed:
        """A binary search by country: CASE alone compares one country after the other."""
        if not cases:
            return _big(0)
        if len(cases) <= _LEAF:
            whens = sql.SQL(" ").join(
                sql.SQL("WHEN {} THEN {}").format(literal(country), value) for country, value in cases
            )
            return sql.SQL("(CASE {} {} ELSE 0::bigint END)").format(self._country, whens)
        middle = len(cases) // 2
        return sql.SQL('(CASE WHEN {} COLLATE "C" < {} THEN {} ELSE {} END)').format(
            self._country, literal(cases[middle][0]), self._search(cases[:middle]), self._search(cases[middle:])
        )


_Bit = tuple[int, sql.Composed]
_COUNTRY: Final = FactRef(type="string", name="country", column="country")
_LEAF: Final = 3  # countries told apart by CASE at the end of the search
_BRANCH_BITS: Final = 16
_BRANCH_MASK: Final = 2**_BRANCH_BITS - 1
_WORD_BITS: Final = 64
_WORD_MASK: Final = 2**64 - 1  # a bigint is signed; its top bit is a rule like any other
_FIRST_BITS: Final = _WORD_BITS - _BRANCH_BITS


def _by_country(expr: Expr) -> tuple[frozenset[str] | None, Expr | None]:
    """The countries where the condition can be true, and what is left to ask there (None: nothing)."""
    countries: frozenset[str] | None = None
    rest: list[Expr] = []
    for operand in expr.operands if isinstance(expr, And) else (expr,):
        named = constraints(operand) if isinstance(operand, Compare | In) else {}
        if "country" in named:
            countries = named["country"] if countries is None else countries & named["country"]
        else:
            rest.append(operand)
    if countries is None:
        return None, expr
    if not rest:
        return countries, None
    return countries, rest[0] if len(rest) == 1 else And(operands=tuple(rest))


def _packed(bits: Sequence[_Bit], shift: int) -> sql.Composed:
    if not bits:
        return _big(0)
    parts = [
        sql.SQL("CASE WHEN {} THEN {} ELSE 0::bigint END").format(truth, _big(1 << (at + shift)))
        for at, (_, truth) in enumerate(bits)
    ]
    return sql.SQL("({})").format(sql.SQL(" | ").join(parts))


def _big(value: int) -> sql.Composed:
    signed = value - 2**64 if value >= 2**63 else value
    return sql.SQL("{}::bigint").format(sql.Literal(str(signed)))


class _Compiler:
    def __init__(self, alias: str, constants: Mapping[str, Value]) -> None:
        self._alias = alias
        self._constants = constants

    def compiled(self, expr: Expr) -> sql.Composed:  # noqa: C901 - one case a node
        match expr:
            case Literal(value=value):
                return literal(value)
            case FactRef():
                return self._fact(expr)
            case TimeCompare():
                return self._time(expr)
            case Not(operand=operand):
                return sql.SQL("(NOT {})").format(self.compiled(operand))
            case And(operands=operands):
                return self._joined(" AND ", operands)
            case Or(operands=operands):
                return self._joined(" OR ", operands)
            case Compare():
                return self._compare(expr)
            case In(item=item, options=options):
                return sql.SQL("({} = ANY({}))").format(self.compiled(item), self.compiled(options))
            case Arithmetic():
                return self._arithmetic(expr)
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                return sql.SQL("(CASE {} WHEN true THEN {} WHEN false THEN {} END)").format(
                    self.compiled(condition), self.compiled(then), self.compiled(otherwise)
                )
            case Call():
                return self._call(expr)
            case _:
                assert_never(expr)

    def _fact(self, fact: FactRef) -> sql.Composed:
        if fact.name in self._constants:
            return literal(self._constants[fact.name])
        if fact.column is None:
            raise NoColumn(fact.name)
        return sql.Composed([sql.Identifier(self._alias, fact.column)])

    def _joined(self, operator: str, operands: Sequence[Expr]) -> sql.Composed:
        return sql.SQL("({})").format(sql.SQL(operator).join(self.compiled(each) for each in operands))

    def _time(self, node: TimeCompare) -> sql.Composed:
        instant = sql.Identifier(self._alias, node.column)
        if not node.tests:
            return sql.SQL("(CASE WHEN {} IS NOT NULL THEN {} END)").format(instant, literal(not node.negated))
        tests = sql.SQL(" AND ").join(
            sql.SQL("{} {} {}").format(instant, sql.SQL(test.operator), now_plus(test.offset)) for test in node.tests
        )
        return sql.SQL("(NOT ({}))" if node.negated else "({})").format(tests)

    def _compare(self, node: Compare) -> sql.Composed:
        left, right = self.compiled(node.left), self.compiled(node.right)
        ordered_text = node.left.type == "string" and node.operator not in {"==", "!="}
        collated = sql.SQL(' COLLATE "C"' if ordered_text else "")
        operator: LiteralString = _OPERATORS[node.operator]
        return sql.SQL("({}{} {} {})").format(left, collated, sql.SQL(operator), right)

    def _arithmetic(self, node: Arithmetic) -> sql.Composed:
        left, right = self.compiled(node.left), self.compiled(node.right)
        return sql.SQL("{}::bigint").format(_GUARD.format(_NUMERIC[node.sign].format(left, right)))

    def _call(self, node: Call) -> sql.Composed:
        arguments = [self.compiled(argument) for argument in node.arguments]
        match node.function:
            case "startsWith":
                return sql.SQL("starts_with({}, {})").format(*arguments)
            case "endsWith":
                return sql.SQL("starts_with(reverse({}), reverse({}))").format(*arguments)
            case "contains":
                return sql.SQL("(strpos({}, {}) > 0)").format(*arguments)
            case "size":
                counted = "char_length" if node.arguments[0].type == "string" else "cardinality"
                return sql.SQL("{}({})::bigint").format(sql.SQL(counted), *arguments)
            case _:
                assert_never(node.function)


_NUMERIC: Final[dict[ArithmeticSign, sql.SQL]] = {
    "+": sql.SQL("{}::numeric + {}"),
    "-": sql.SQL("{}::numeric - {}"),
    "*": sql.SQL("{}::numeric * {}"),
    "/": sql.SQL("div({}::numeric, nullif({}, 0))"),
    "%": sql.SQL("mod({}::numeric, nullif({}, 0))"),
}


def now_plus(offset: timedelta) -> sql.Composed:
    """`%(now)s` and an exact offset: hours and microseconds, which no time zone can bend."""
    hours, rest = divmod(offset, _HOUR)
    micros = f" {rest // _MICROSECOND} microseconds" if rest else ""
    return sql.SQL("%(now)s::timestamptz + interval {}").format(sql.Literal(f"{hours} hours{micros}"))


def literal(value: Value) -> sql.Composed:
    """A constant as typed SQL."""
    match value:
        case None:
            return sql.Composed([sql.SQL("NULL")])
        case bool():
            return sql.Composed([sql.SQL("true" if value else "false")])
        case int():
            return sql.SQL("{}::bigint").format(sql.Literal(str(value)))
        case float():
            return sql.SQL("{}::float8").format(sql.Literal(repr(value)))
        case str():
            return sql.SQL("{}::text").format(_text(value))
        case tuple():
            return sql.SQL("ARRAY[{}]::text[]").format(sql.SQL(", ").join(_text(each) for each in value))
        case timedelta():
            return sql.SQL("interval {}").format(sql.Literal(f"{value // _MICROSECOND} microseconds"))
        case datetime():
            return sql.SQL("{}::timestamptz").format(sql.Literal(value.isoformat()))
        case _:
            assert_never(value)


def _text(value: str) -> sql.Composed:
    """A string constant that no driver takes for a placeholder: percent signs are written by their code."""
    return sql.SQL("({})" if "%" in value else "{}").format(
        sql.SQL(" || chr(37) || ").join(sql.Literal(part) for part in value.split("%"))
    )

"""One expression, three readers: Python, PostgreSQL and cel-python must say the same of any facts.

The first two are ours and share nothing but the tree; cel-python is a stranger that reads the CEL
text. Facts that are absent are variables that it was not given. Two things it cannot be asked, for it
knows neither a clock nor our names: facts that follow the clock reach it with their derived values,
and every fact as a variable with a plain name.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import celpy
import celpy.celtypes as ct
import psycopg
import pytest
from celpy.evaluation import CELEvalError
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from psycopg import sql

from fairlead.model.expression import (
    And,
    Arithmetic,
    Call,
    Compare,
    Conditional,
    Expr,
    FactRef,
    In,
    Literal,
    Not,
    Or,
    TimeCompare,
    Value,
    facts_named,
    negation,
    source,
    time_compare,
    time_thresholds,
)
from fairlead.model.facts import Fact, catalogue, device_facts
from fairlead.policy.check import read_expression
from fairlead.policy.evaluate import derive, evaluate
from fairlead.store.expression_sql import compile_expr, compile_rule_columns

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # an hour before summer time begins in Berlin
DAY = timedelta(hours=24)
DEVICE = catalogue["device"]
COLUMNS = {fact.column: fact for fact in DEVICE.values() if fact.column is not None}
SQL_TYPES = {
    "bool": "boolean", "int": "bigint", "double": "float8", "string": 'text collate "C"', "list<string>": "text[]",
    "duration": "timestamptz", "timestamp": "timestamptz",
}  # fmt: skip

# --- facts

STRINGS = ("BR", "DE", "sku-1", "sku-10", "50%", "a\\b'c", "", "Zürich", "\U0001f6f0", "ß", "z")
INTS = (0, 1, -1, 2, 30, 50_000_000, 2**63 - 1, -(2**63), 2**62, -3)
DOUBLES = (0.0, -0.0, 0.5, 0.97, 1.0, 1e-300, 1e300)
OFFSETS = (0, 1, -1, 24 * 3_600_000_000, 24 * 3_600_000_000 + 1, 30 * 24 * 3_600_000_000, -(10**12), 3_600_000_000)

strings = st.sampled_from(STRINGS)
instants = (st.sampled_from(OFFSETS) | st.integers(-(10**13), 10**13)).map(lambda us: NOW + timedelta(microseconds=us))
VALUES: Mapping[str, st.SearchStrategy[Value]] = {
    "bool": st.booleans(), "int": st.sampled_from(INTS), "double": st.sampled_from(DOUBLES), "string": strings,
    "list<string>": st.lists(strings, max_size=3).map(tuple), "timestamp": instants,
}  # fmt: skip


def _column(name: str) -> st.SearchStrategy[Value]:
    """A value of the column, absent one time in six."""
    fact = COLUMNS[name]
    values = VALUES["timestamp" if fact.form is not None else fact.type]
    if name == "days_used":  # the one fact that the store keeps in 32 bits
        values = st.sampled_from([0, 1, -1, 30, 2**31 - 1, -(2**31)])
    if name == "country":
        values = st.sampled_from(["BR", "DE", "z"])
    return st.integers(0, 5).flatmap(lambda drawn: values if drawn else st.none())


rows = st.fixed_dictionaries({name: _column(name) for name in COLUMNS})

# --- expressions, as typed trees; text reaches the same trees through the parser below


def _facts(kind: str) -> st.SearchStrategy[Expr]:
    names = [fact for fact in DEVICE.values() if fact.type == kind and fact.form is None and fact.column is not None]
    return st.sampled_from(names).map(lambda fact: FactRef(type=fact.type, name=fact.name, column=fact.column))


def _literal(kind: str) -> st.SearchStrategy[Expr]:
    values = st.lists(strings, min_size=1, max_size=3).map(tuple) if kind == "list<string>" else VALUES[kind]
    return values.map(lambda value: Literal(type=kind, value=value))


def _moving(fact: Any) -> st.SearchStrategy[Expr]:
    constants = (
        st.integers(-2, 40)
        if fact.type == "int"
        else st.sampled_from(OFFSETS).map(lambda us: timedelta(microseconds=us))
    )
    operators = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return st.builds(
        lambda operator, constant: time_compare(
            name=fact.name, column=fact.column, form=fact.form, operator=operator, constant=constant
        ),
        operators,
        constants,
    )


def _valued(kind: str, depth: int) -> st.SearchStrategy[Expr]:
    leaf = _facts(kind) | _literal(kind)
    if depth == 0:
        return leaf
    chosen = st.builds(
        lambda condition, then, otherwise: Conditional(
            type=kind, condition=condition, then=then, otherwise=otherwise
        ),
        st.deferred(lambda: conditions(depth - 1)), leaf, leaf,
    )  # fmt: skip
    if kind != "int":
        return st.one_of(leaf, leaf, chosen)
    below = st.deferred(lambda: _valued("int", depth - 1))
    sums = st.builds(
        lambda sign, left, right: Arithmetic(sign=sign, left=left, right=right),
        st.sampled_from(["+", "-", "*", "/", "%"]), below, below,
    )  # fmt: skip
    sized = (_facts("string") | _facts("list<string>")).map(
        lambda target: Call(type="int", function="size", arguments=(target,))
    )
    return st.one_of(leaf, sums, sized, chosen)


def conditions(depth: int) -> st.SearchStrategy[Expr]:
    moving = st.sampled_from([fact for fact in DEVICE.values() if fact.form is not None]).flatmap(_moving)
    ordered = st.sampled_from(["int", "double", "string", "timestamp"]).flatmap(
        lambda kind: st.builds(
            lambda operator, left, right: Compare(operator=operator, left=left, right=right),
            st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
            _valued(kind, max(depth - 1, 0)),
            _valued(kind, 0),
        )
    )
    among = st.builds(
        lambda item, options: In(item=item, options=options),
        _facts("string") | _literal("string"), _facts("list<string>") | _literal("list<string>"),
    )  # fmt: skip
    called = st.builds(
        lambda function, target, argument: Call(type="bool", function=function, arguments=(target, argument)),
        st.sampled_from(["startsWith", "endsWith", "contains"]), _facts("string"), _facts("string") | _literal("string"),
    )  # fmt: skip
    simple = st.one_of(ordered, moving, among, called, _facts("bool"), _literal("bool"))
    if depth == 0:
        return simple
    below = st.deferred(lambda: conditions(depth - 1))
    several = st.lists(below, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        simple,
        below.map(lambda operand: Not(operand=operand)),
        several.map(lambda operands: And(operands=operands)),
        several.map(lambda operands: Or(operands=operands)),
        _valued("bool", depth),
    )


# --- the readings


def _column_type(name: str, fact: Fact) -> str:
    if name == "days_used":
        return "int"
    return "timestamptz" if fact.form else SQL_TYPES[fact.type]


class Table:
    """One row in a real PostgreSQL, judged by many expressions at once."""

    def __init__(self, dsn: str) -> None:
        self.conn = psycopg.connect(dsn, autocommit=True)
        self.conn.execute("set time zone 'Europe/Berlin'")  # whatever the session's zone, an hour is an hour
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_column_type(name, fact)))
            for name, fact in COLUMNS.items()
        )
        self.conn.execute(sql.SQL("create temp table fact ({})").format(columns))

    def put(self, facts: list[Mapping[str, Value]]) -> None:
        self.conn.execute("truncate fact")
        with self.conn.cursor() as cursor:
            names = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
            holes = sql.SQL(", ").join([sql.Placeholder()] * len(COLUMNS))
            cursor.executemany(
                sql.SQL("insert into fact ({}) values ({})").format(names, holes),
                [[list(row[name]) if isinstance(row[name], tuple) else row[name] for name in COLUMNS] for row in facts],
            )

    def ask(self, columns: sql.Composable) -> list[tuple[Any, ...]]:
        return self.conn.execute(sql.SQL("select {} from fact f").format(columns), {"now": NOW}).fetchall()


@pytest.fixture(scope="module")
def table(pg_dsn: str) -> Table:
    return Table(pg_dsn)


def _variable(name: str) -> str:
    return "fact_" + "".join(letter if letter.isalnum() else "_" for letter in name)


def _to_cel(value: Value) -> Any:
    match value:
        case bool():
            return ct.BoolType(value)
        case int():
            return ct.IntType(value)
        case float():
            return ct.DoubleType(value)
        case str():
            return ct.StringType(value)
        case tuple():
            return ct.ListType([ct.StringType(each) for each in value])
        case timedelta():
            return ct.DurationType(value)
        case datetime():
            return ct.TimestampType(value)
        case _:
            raise AssertionError(value)


CEL = celpy.Environment()


@lru_cache(maxsize=64)
def _program(text: str) -> celpy.Runner:
    return CEL.program(CEL.compile(text))


def _oracle(expr: Expr, facts: Mapping[str, Value]) -> bool | None:
    program = _program(source(expr, name_of=_variable))
    known = {}
    for name, value in facts.items():
        form = DEVICE[name].form
        read = derive(form, value, NOW) if form is not None else value
        if read is not None:
            known[_variable(name)] = _to_cel(read)
    try:
        return bool(program.evaluate(known))
    except CELEvalError:
        return None


BUDGET = settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@BUDGET
@given(exprs=st.lists(conditions(3), min_size=8, max_size=8), facts=st.lists(rows, min_size=4, max_size=4))
def test_three_readers_agree(table: Table, exprs: list[Expr], facts: list[Mapping[str, Value]]) -> None:
    table.put(facts)
    answers = table.ask(sql.SQL(", ").join(compile_expr(expr) for expr in exprs))
    for row, answer in zip(facts, answers, strict=True):
        known = device_facts(row)
        for expr, from_sql in zip(exprs, answer, strict=True):
            from_python = evaluate(expr, known, NOW)
            event(f"truth {from_python}")
            assert from_sql is from_python, source(expr)
            relevant = {name: known[name] for name in facts_named(expr)}
            assert _oracle(expr, known) is from_python, (source(expr), relevant)


@BUDGET
@given(expr=conditions(2), facts=rows)
def test_the_text_of_a_tree_means_the_tree(expr: Expr, facts: Mapping[str, Value]) -> None:
    read = read_expression(source(expr), context="device")
    known = device_facts(facts)
    if not isinstance(read, Expr):
        # the check folds constants and refuses what they make impossible; nothing else
        assert any(word in f"{read.problem} {read.expected}" for word in ("overflow", "not a value", "its")), (
            read,
            source(expr),
        )
        return
    assert evaluate(read, known, NOW) is evaluate(expr, known, NOW)


@BUDGET
@given(expr=conditions(2), facts=rows)
def test_a_negation_is_the_opposite(expr: Expr, facts: Mapping[str, Value]) -> None:
    known = device_facts(facts)
    truth = evaluate(expr, known, NOW)
    assert evaluate(negation(expr), known, NOW) is (None if truth is None else not truth)


@BUDGET
@given(expr=conditions(2), facts=rows, after=st.integers(1, 10**13))
def test_time_flips_a_condition_at_its_thresholds_only(expr: Expr, facts: Mapping[str, Value], after: int) -> None:
    later = NOW + timedelta(microseconds=after)
    known = device_facts(facts)
    crossed = [
        facts[column]
        for column, offset in time_thresholds(expr)
        if facts[column] is not None and NOW <= facts[column] - offset <= later
    ]
    if not crossed:
        assert evaluate(expr, known, later) is evaluate(expr, known, NOW), source(expr)


def _country_rules(depth: int) -> st.SearchStrategy[Expr]:
    country = FactRef(type="string", name="country", column="country")
    names = st.sampled_from(["BR", "DE", "z"])
    bound = st.one_of(
        names.map(lambda value: Compare(operator="==", left=country, right=Literal(type="string", value=value))),
        st.lists(names, min_size=1, max_size=3).map(
            lambda options: In(item=country, options=Literal(type="list<string>", value=tuple(options)))
        ),
    )
    return st.one_of(
        bound,
        st.builds(lambda first, second: And(operands=(first, second)), bound, bound),
        st.builds(lambda first, rest: And(operands=(first, rest)), bound, conditions(depth)),
        conditions(depth),
    )


@settings(BUDGET, max_examples=25)
@given(exprs=st.lists(_country_rules(1), min_size=1, max_size=150), facts=st.lists(rows, min_size=4, max_size=4))
def test_folded_rules_list_what_each_rule_says(
    table: Table, exprs: list[Expr], facts: list[Mapping[str, Value]]
) -> None:
    numbered = [(number * 7 + 1, expr) for number, expr in enumerate(exprs)]
    packed = compile_rule_columns(numbered)
    table.put(facts)
    answers = table.ask(packed.select())
    for row, words in zip(facts, answers, strict=True):
        known = device_facts(row)
        true = [number for number, expr in numbered if evaluate(expr, known, NOW)]
        assert packed.decode(words) == tuple(true)


def test_days_left_is_the_instant_against_now(table: Table) -> None:
    """Around each edge of a countdown, to the microsecond, all six comparisons with 0, negatives and 30."""
    edges = [NOW + timedelta(hours=24 * days, microseconds=us) for days in (-1, 0, 1, 29, 30, 31) for us in (-1, 0, 1)]
    blank: dict[str, Value] = dict.fromkeys(COLUMNS)
    facts = [{**blank, "breach_at": edge} for edge in [*edges, None]]
    fact = DEVICE['clock("permanent-roaming").days_left']
    exprs = [
        time_compare(name=fact.name, column="breach_at", form="days_left", operator=operator, constant=days)
        for operator in ("==", "!=", "<", "<=", ">", ">=")
        for days in (-1, 0, 1, 30)
    ]
    table.put(facts)
    answers = table.ask(sql.SQL(", ").join(compile_expr(expr) for expr in exprs))
    for row, answer in zip(facts, answers, strict=True):
        assert list(answer) == [evaluate(expr, device_facts(row), NOW) for expr in exprs], row["breach_at"]
    thirty = next(
        expr for expr in exprs if isinstance(expr, TimeCompare) and (expr.operator, expr.constant) == ("<=", 30)
    )
    assert time_thresholds(thirty) == {("breach_at", 30 * DAY)}


def test_constants_stand_for_facts_without_a_column(table: Table) -> None:
    expr = read_expression('tenant == "acme" && tenant.startsWith("a%")', context="device")
    assert isinstance(expr, Expr)
    table.put([dict.fromkeys(COLUMNS)])
    assert table.ask(compile_expr(expr, constants={"tenant": "acme"})) == [(False,)]
    assert table.ask(compile_expr(expr, constants={"tenant": None})) == [(None,)]


# --- every corner of what can overflow, truncate or miscount, tried in full


def _agree(table: Table, exprs: list[Expr], facts: list[Mapping[str, Value]]) -> None:
    blank: dict[str, Value] = dict.fromkeys(COLUMNS)
    table.put([{**blank, **row} for row in facts])
    answers = table.ask(sql.SQL(", ").join(compile_expr(expr) for expr in exprs))
    for row, answer in zip(facts, answers, strict=True):
        known = device_facts({**blank, **row})
        for expr, from_sql in zip(exprs, answer, strict=True):
            assert from_sql == evaluate(expr, known, NOW), (source(expr), row)


def test_arithmetic_at_the_edges_of_64_bits(table: Table) -> None:
    left, right = (FactRef(type="int", name=name, column=name) for name in ("usage_24h_bytes", "usage_month_bytes"))
    exprs: list[Expr] = [Arithmetic(sign=sign, left=left, right=right) for sign in ("+", "-", "*", "/", "%")]
    one = Literal(type="int", value=1)
    # what overflows on the way stays unknown, even where the end would fit
    exprs.append(Arithmetic(sign="-", left=Arithmetic(sign="+", left=left, right=one), right=one))
    values = (*INTS, 7, -7, None)
    rows_of_two = [{"usage_24h_bytes": first, "usage_month_bytes": second} for first in values for second in values]
    _agree(table, exprs, rows_of_two)
    known = {"usage_24h_bytes": -7, "usage_month_bytes": 2}
    assert [evaluate(expr, known, NOW) for expr in exprs[3:5]] == [-3, -1]
    assert evaluate(exprs[5], {"usage_24h_bytes": 2**63 - 1}, NOW) is None


def test_text_of_every_kind(table: Table) -> None:
    left, right = (FactRef(type="string", name=name, column=name) for name in ("sku", "plmn"))
    exprs: list[Expr] = [
        Call(type="bool", function=function, arguments=(left, right))
        for function in ("startsWith", "endsWith", "contains")
    ]
    exprs += [Compare(operator=operator, left=left, right=right) for operator in ("==", "!=", "<", "<=", ">", ">=")]
    exprs.append(Call(type="int", function="size", arguments=(left,)))
    exprs += [Compare(operator="==", left=left, right=Literal(type="string", value=value)) for value in STRINGS]
    values = (*STRINGS, "1", "10", "é", "e\u0301", "\uffff", None)
    _agree(table, exprs, [{"sku": first, "plmn": second} for first in values for second in values])


def test_lists_empty_and_absent(table: Table) -> None:
    item = FactRef(type="string", name="sku", column="sku")
    tags = FactRef(type="list<string>", name="tags", column="tags")
    among = Literal(type="list<string>", value=("a", "50%"))
    exprs: list[Expr] = [
        In(item=item, options=tags),
        In(item=item, options=among),
        In(item=Literal(type="string", value="a"), options=tags),
        Not(operand=In(item=item, options=tags)),
        Call(type="int", function="size", arguments=(tags,)),
    ]
    lists = (None, (), ("a",), ("b", "50%"))
    _agree(table, exprs, [{"sku": sku, "tags": value} for sku in (None, "a", "50%", "") for value in lists])


def test_more_rules_than_fit_one_word(table: Table) -> None:
    """150 rules of one country and 130 that every row meets need several words; every bit finds its way back."""
    country = Compare(
        operator="==",
        left=FactRef(type="string", name="country", column="country"),
        right=Literal(type="string", value="BR"),
    )
    usage = FactRef(type="int", name="usage_24h_bytes", column="usage_24h_bytes")
    above: list[Expr] = [
        Compare(operator=">", left=usage, right=Literal(type="int", value=bound)) for bound in range(280)
    ]
    rules = [(n, And(operands=(country, expr)) if n < 150 else expr) for n, expr in enumerate(above)]
    packed = compile_rule_columns(rules)
    assert len(packed.columns) == 6
    blank: dict[str, Value] = dict.fromkeys(COLUMNS)
    used = (None, 0, 1, 48, 49, 64, 112, 113, 150, 213, 214, 215, 280)
    facts = [{**blank, "country": place, "usage_24h_bytes": bytes_} for place in ("BR", "CL", None) for bytes_ in used]
    table.put(facts)
    answers = table.ask(packed.select())
    for row, words in zip(facts, answers, strict=True):
        true = tuple(n for n, expr in rules if evaluate(expr, device_facts(row), NOW))
        assert packed.decode(words) == true

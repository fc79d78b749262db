"""Resolution over the fleet: judge every device in scope in one statement, decide a combination
at a time, write classes and waits in a few statements more (house §7).

Called by engine.resolve within one tenant transaction. The rules a device enters are bits of a few
bigint words (`compile_rule_columns`), so that grouping a million devices compares integers. The
caller decides what follows for each combination; this module only counts, joins and writes.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import sql

from fairlead.engine.ports.resolving import CountedCombination, JudgedRule, Resolved, RuleKey, Verdict
from fairlead.model.expression import Expr
from fairlead.store.database import Connection, alone
from fairlead.store.expression_sql import RuleColumns, compile_expr, compile_rule_columns
from fairlead.store.statements import load

SQL: Final = load("resolve")
EMPTY_CLASS: Final = 0
_KEPT_SHAPES: Final = 32
_WITHIN: Final = "f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)"
_JUDGED: Final = (
    "create temp table judged on commit drop as"
    " select f.device, s.device is not null as had, coalesce(s.class, 0) as class, f.country, f.carrier,"
    " {words}{leaving} from fact f {scope} left join standing s on s.tenant = f.tenant and s.device = f.device"
    " where " + _WITHIN + " and f.device_state is distinct from 'retired'"
    " and (f.device_state is null or f.device_state not in ('manufactured', 'bootstrapped'){activating})"
)
# For a few devices their own rules that leave are looked up row by row; for the fleet one join does it.
_LEAVING_OF_ROW: Final = (
    ", (select string_agg(r.rule::text, ',' order by r.rule)"
    " from class k cross join lateral unnest(k.rules) r (rule)"
    " where k.tenant = f.tenant and k.id = s.class and {}) as leaving"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A set of rules compiled: its words as SQL, and the statements put together from them, rendered once."""

    columns: RuleColumns
    selected: sql.Composed  # the words, computed, as w0, w1 …
    activating: sql.Composed  # ` or …`: which of the devices that stand outside are judged; over f
    leaving: sql.Composed  # the rules of a row's class whose `until` holds, by `r.rule`; over f
    rendered: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def statement(self, name: str) -> bytes:
        """A statement of resolve.sql with its words filled in."""
        found = self.rendered.get(name)
        if found is None:
            found = self.rendered[name] = self._filled(name).as_bytes(None)
        return found

    def judged(self, *, whole: bool, leaving: bool) -> bytes:
        """The statement that judges the fleet or the scope."""
        name = f"judged whole={whole} leaving={leaving}"
        found = self.rendered.get(name)
        if found is None:
            of_row = sql.SQL(_LEAVING_OF_ROW).format(self.leaving) if leaving else sql.SQL("")
            scope = sql.SQL("" if whole else "join scope c on c.device = f.device")
            made = sql.SQL(_JUDGED).format(words=self.selected, leaving=of_row, scope=scope, activating=self.activating)
            found = self.rendered[name] = made.as_bytes(None)
        return found

    def _filled(self, name: str) -> sql.Composed:
        words = [sql.Identifier(f"w{n}") for n in range(len(self.columns.columns))]
        comma = sql.SQL(", ")
        pairs = [sql.SQL("j.{w} = d.{w}").format(w=w) for w in words]
        if name == "make_decided":
            listed = comma.join([sql.SQL("{} bigint").format(w) for w in words])
        elif name == "fill_decided":
            listed = comma.join([sql.SQL("{}::bigint[]").format(sql.Placeholder(f"w{n}")) for n in range(len(words))])
        else:
            listed = comma.join([sql.SQL("j.{}").format(w) for w in words])
        return sql.SQL(SQL[name]).format(words=listed, same=sql.SQL(" and ").join(pairs))


_shapes: Final[dict[Any, tuple[_Shape, Any]]] = {}


def _shape(enter: Sequence[JudgedRule], stay: Sequence[JudgedRule], constants: Mapping[str, str]) -> _Shape:
    """Compile, or take what was compiled for the same rules; their trees are kept, so identity means equality."""
    key = (
        tuple((r.rule, id(r.expr), r.activates) for r in enter),
        tuple((r.rule, id(r.expr)) for r in stay),
        tuple(sorted(constants.items())),
    )
    found = _shapes.get(key)
    if found is not None:
        return found[0]
    columns = compile_rule_columns([(r.rule, r.expr) for r in enter], constants=dict(constants))
    openers = [compile_expr(r.expr, constants=dict(constants)) for r in enter if r.activates]
    shape = _Shape(
        columns=columns,
        selected=columns.select("w"),
        activating=sql.Composed([sql.SQL(" or ({})").format(opener) for opener in openers]),
        leaving=_by_rule(stay, constants),
    )
    if len(_shapes) >= _KEPT_SHAPES:
        _shapes.clear()
    _shapes[key] = (shape, (tuple(enter), tuple(stay)))  # holding the trees keeps their ids
    return shape


class Resolving:
    """Implements `engine.ports.resolving.Resolving` on one connection inside a tenant transaction."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._shape = _shape((), (), {})

    # --- scope -------------------------------------------------------------------------------

    async def scope_dirty(self, limit: int) -> int:
        """Take up to `limit` dirty devices as the scope, which are dirty no more; returns how many."""
        await self._drop("scope")
        await self._conn.execute(SQL["make_scope"])
        return (await self._conn.execute(SQL["scope_dirty"], {"limit": limit})).rowcount

    async def everyone_dirty(self) -> bool:
        """Whether all devices are to be looked at; asked once, it is not any more."""
        return await self._any(SQL["everyone_dirty"])

    async def any_dirty(self) -> bool:
        """Whether anything waits to be looked at again."""
        return await self._any(SQL["any_dirty"])

    async def sweep(self, column: str, offset: timedelta, now: datetime) -> int:
        """Mark devices whose instant passed `now + offset` since the last sweep; returns how many."""
        key = {"column": column, "offset": int(offset.total_seconds()), "now": now}
        row = await (await self._conn.execute(SQL["sweep_from"], key)).fetchone()
        since: datetime = row[0] if row else now
        if since >= now:
            return 0
        statement = sql.SQL(SQL["sweep_crossed"]).format(column=sql.Identifier(column))
        crossed = await self._conn.execute(statement, {"from": since + offset, "to": now + offset})
        await self._conn.execute(SQL["swept"], key)
        return crossed.rowcount

    # --- resolution --------------------------------------------------------------------------

    async def resolve(
        self,
        *,
        enter: Sequence[JudgedRule],
        stay: Sequence[JudgedRule],
        decide: Callable[[CountedCombination], Verdict],
        rules: Mapping[int, RuleKey],
        constants: Mapping[str, str],
        whole: bool,
        cause: str,
        now: datetime,
        timings: dict[str, float] | None = None,
    ) -> Resolved:
        """Judge the scope (or everyone), decide each combination, write what follows."""
        with _timed(timings, "match"):
            self._shape = _shape(enter, stay, constants)
            cold = await self._judge(whole=whole, leaving=bool(stay), now=now)
            combos = await self._combos(cold=cold)
        with _timed(timings, "decide"):
            verdicts = [decide(c) for c, _ in combos]
            await self._write_decided(combos, verdicts)
        with _timed(timings, "write"):
            await self._conn.execute(SQL["add_strata"])
            moved = await self._write(rules, cause, now, cold=cold)
            some = () if whole else await self._some_judged()
        judged = sum(c.devices for c, _ in combos)
        return Resolved(judged=judged, combinations=len(combos), moved=moved, some=some)

    async def judge_only(
        self,
        *,
        enter: Sequence[JudgedRule],
        decide: Callable[[CountedCombination], Verdict],
        constants: Mapping[str, str],
        now: datetime,
        devices: Sequence[UUID] | None = None,
    ) -> int:
        """Judge everyone, or some devices, against proposed rules, as a plan does: classes are not written.

        The devices whose class would change are left in the temporary table `opening`; returns how many.
        """
        self._shape = _shape(enter, (), constants)
        if devices is not None:
            await self._drop("scope")
            await self._conn.execute(SQL["make_scope"])
            await self._conn.execute(SQL["scope_given"], {"devices": list(devices)})
        await self._judge(whole=devices is None, leaving=False, now=now)
        await self._conn.execute(SQL["stand_nowhere"])
        combos = await self._combos(cold=True)
        await self._write_decided(combos, [decide(c) for c, _ in combos])
        await self._drop("opening", "pair", "grouped")
        return (await self._conn.execute(self._shape.statement("make_opening"))).rowcount

    async def _some_judged(self) -> tuple[UUID, ...]:
        rows = await (await self._conn.execute(SQL["some_judged"])).fetchall()
        return tuple(row[0] for row in rows)

    async def _judge(self, *, whole: bool, leaving: bool, now: datetime) -> bool:
        """Fill `judged`; true where nobody stands anywhere and nothing is excepted, so that nothing can leave."""
        await alone(self._conn)
        if whole:
            # Until this transaction ends. Joins by hash keep the order of `judged`, which is that of the keys:
            # a million rows written in key order take a third of the time.
            await self._conn.execute(
                "select set_config('work_mem', '128MB', true), set_config('enable_nestloop', 'off', true),"
                " set_config('enable_mergejoin', 'off', true)"
            )
        await self._drop("judged", "leaving", "excepted", "keyed", "decided")
        cold = whole and not await self._any("select 1 from standing limit 1")
        cold = cold and not await self._any("select 1 from exception limit 1")
        await self._conn.execute(self._shape.judged(whole=whole, leaving=leaving and not whole), {"now": now})
        if whole:
            await self._conn.execute("select set_config('default_statistics_target', '1', true)")
            await self._conn.execute("analyze judged")  # a glance: so that joins keep its order
        if whole and not cold and leaving:
            await self._leaving_of_all(now)
        if not cold:
            await self._conn.execute(SQL["exceptions_of_judged"])
            inline = leaving and not whole
            if not inline and not (whole and leaving):
                await self._conn.execute("create temp table leaving (device uuid, leaving text) on commit drop")
            await self._conn.execute(self._shape.statement("keyed_inline" if inline else "judged_keys"))
        return cold

    async def _leaving_of_all(self, now: datetime) -> None:
        """For the fleet: one join over all rules in force."""
        statement = sql.SQL(
            "create temp table leaving on commit drop as"
            " select j.device, string_agg(r.rule::text, ',' order by r.rule) as leaving"
            " from judged j join class c on c.id = j.class cross join lateral unnest(c.rules) r (rule)"
            " join fact f on " + _WITHIN + " and f.device = j.device where {until} group by j.device"
        ).format(until=self._shape.leaving)
        await self._conn.execute(statement, {"now": now})

    async def _combos(self, *, cold: bool) -> list[tuple[CountedCombination, tuple[int, ...]]]:
        """Combinations with the words that name them."""
        classes = await self._classes()
        found = await self._conn.execute(self._shape.statement("combos_plain" if cold else "combos"))
        return [
            (
                CountedCombination(
                    from_class=row[0],
                    standing=classes.get(row[0], ()),
                    entering=self._shape.columns.decode(row[4:]),
                    leaving=row[1],
                    excepted=row[2],
                    devices=row[3],
                ),
                row[4:],
            )
            for row in await found.fetchall()
        ]

    async def _write_decided(
        self, combos: Sequence[tuple[CountedCombination, tuple[int, ...]]], verdicts: Sequence[Verdict]
    ) -> None:
        classes = await self.class_of([v.rules for v in verdicts])
        await self._conn.execute(self._shape.statement("make_decided"))
        values: dict[str, Any] = {
            "class": [c.from_class for c, _ in combos],
            "leaving": [c.leaving for c, _ in combos],
            "excluded": [c.excepted for c, _ in combos],
            "to_class": [classes[v.rules] for v in verdicts],
            "wait_in": [",".join(map(str, v.wait_in)) for v in verdicts],
            "wait_out": [",".join(map(str, v.wait_out)) for v in verdicts],
            "clear": [",".join(map(str, v.clear)) for v in verdicts],
        }
        values |= {f"w{n}": [words[n] for _, words in combos] for n in range(len(self._shape.columns.columns))}
        await self._conn.execute(self._shape.statement("fill_decided"), values)
        await self._conn.execute("analyze decided")

    async def _write(self, rules: Mapping[int, RuleKey], cause: str, now: datetime, *, cold: bool) -> int:
        keys = {
            "rules": list(rules),
            "policies": [k.policy for k in rules.values()],
            "changes": [k.change for k in rules.values()],
            "now": now,
        }
        waits = await self._any("select 1 from decided where wait_in <> '' or wait_out <> '' or clear <> '' limit 1")
        told = {"cause": cause, "now": now}
        if cold:
            await self._conn.execute(self._shape.statement("record_transitions_cold"), told)
            stood = await self._conn.execute(self._shape.statement("stand_cold"))
            if waits:
                await self._conn.execute(self._shape.statement("wait_cold"), keys)
            return stood.rowcount
        await self._conn.execute(self._shape.statement("record_transitions"), told)
        new = await self._conn.execute(self._shape.statement("stand_new"))
        moved = await self._conn.execute(self._shape.statement("stand_moved"))
        if waits:
            await self._conn.execute(self._shape.statement("no_longer_waiting"))
            for kind in (1, 2):
                await self._conn.execute(self._shape.statement("wait"), keys | {"kind": kind})
        return new.rowcount + moved.rowcount

    # --- classes -----------------------------------------------------------------------------

    async def class_of(self, sets: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], int]:
        """The class of each set of rules; makes those that are missing. The empty set is class 0."""
        wanted = [",".join(map(str, s)) for s in dict.fromkeys(sets) if s]
        if wanted:
            await self._conn.execute(SQL["add_classes"], {"sets": wanted})
        by_rules = {rules: number for number, rules in (await self._classes()).items()}
        return {tuple(s): by_rules[tuple(s)] if s else EMPTY_CLASS for s in sets}

    async def rules_of(self, classes: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """The rules that each class names."""
        known = await self._classes()
        return {number: known.get(number, ()) for number in classes}

    async def _classes(self) -> dict[int, tuple[int, ...]]:
        rows = await (await self._conn.execute(SQL["classes"])).fetchall()
        return {row[0]: tuple(row[1]) for row in rows}

    async def _any(self, query: LiteralString) -> bool:
        return await (await self._conn.execute(query)).fetchone() is not None

    async def _drop(self, *tables: str) -> None:
        names = sql.SQL(", ").join([sql.Identifier("pg_temp", table) for table in tables])
        await self._conn.execute(sql.SQL("drop table if exists {}").format(names))


@contextmanager
def _timed(timings: dict[str, float] | None, phase: str) -> Generator[None]:
    started = time.perf_counter()
    yield
    if timings is not None:
        timings[phase] = timings.get(phase, 0.0) + time.perf_counter() - started


def _by_rule(stay: Sequence[JudgedRule], constants: Mapping[str, str]) -> sql.Composed:
    """`case r.rule when 3 then (…) … end`, as a tree of halves: a hundred rules cost seven comparisons."""
    if not stay:
        return sql.Composed([sql.SQL("false")])
    ordered = sorted(stay, key=lambda r: r.rule)
    return _halves([(r.rule, r.expr) for r in ordered], dict(constants))


def _halves(rules: Sequence[tuple[int, Expr]], constants: Mapping[str, str]) -> sql.Composed:
    if len(rules) == 1:
        number, expr = rules[0]
        until = compile_expr(expr, constants=dict(constants))
        return sql.SQL("(r.rule = {} and ({}))").format(sql.Literal(number), until)
    middle = len(rules) // 2
    return sql.SQL("(case when r.rule < {} then {} else {} end)").format(
        sql.Literal(rules[middle][0]), _halves(rules[:middle], constants), _halves(rules[middle:], constants)
    )

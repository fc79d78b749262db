"""Resolution over the fleet: judge every device in scope in one statement, decide a combination
at a time, write classes and waits in a few statements more (house §7).

Called by engine.resolve within one tenant transaction. The caller decides what follows for each
combination; this module only counts, joins and writes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from psycopg import sql

from fairlead.engine.ports.resolving import CountedCombination, JudgedRule, Resolved, RuleKey, Verdict
from fairlead.model.expression import Expr
from fairlead.store.database import Connection
from fairlead.store.expression_sql import compile_expr, compile_rules
from fairlead.store.statements import load

SQL: Final = load("resolve")
EMPTY_CLASS: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    whole: bool
    cold: bool  # nobody stands anywhere and nothing is excepted


class Resolving:
    """Implements `engine.ports.resolving.Resolving` on one connection inside a tenant transaction."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def scope_dirty(self, limit: int) -> int:
        """Take up to `limit` dirty devices as the scope; returns how many."""
        await self._conn.execute("drop table if exists scope")
        found = await self._conn.execute(SQL["scope_dirty"], {"limit": limit})
        return found.rowcount

    async def scope_given(self, devices: Sequence[UUID]) -> int:
        """Take the given devices as the scope."""
        await self._conn.execute("drop table if exists scope")
        found = await self._conn.execute(SQL["scope_given"], {"devices": list(devices)})
        return found.rowcount

    async def clear_scope(self) -> None:
        """The scope was resolved: it is not dirty any more."""
        await self._conn.execute(SQL["clear_dirty"])

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
    ) -> Resolved:
        """Judge the scope (or everyone), decide each combination, write what follows."""
        scope = await self._judge(enter, constants, whole=whole, now=now)
        if not scope.cold:
            await self._leaving(stay, constants, now)
        combos = await self._combos(scope)
        verdicts = [decide(c) for c in combos]
        await self._write_decided(combos, verdicts)
        await self._conn.execute(SQL["add_strata"])
        moved = await self._write(scope, rules, cause, now)
        return Resolved(judged=sum(c.devices for c in combos), combinations=len(combos), moved=moved)

    async def judge_only(
        self,
        *,
        enter: Sequence[JudgedRule],
        decide: Callable[[CountedCombination], Verdict],
        constants: Mapping[str, str],
        now: datetime,
    ) -> None:
        """Judge everyone against proposed rules and decide, without writing: a plan's view."""
        await self._judge(enter, constants, whole=True, now=now)
        await self._conn.execute(SQL["stand_nowhere"])
        classes = await self._classes()
        rows = await (await self._conn.execute(SQL["combos_plain"])).fetchall()
        combos = [
            CountedCombination(
                from_class=r[0],
                standing=classes.get(r[0], ()),
                entering=r[1],
                leaving=r[2],
                excepted=r[3],
                devices=r[4],
            )
            for r in rows
        ]
        await self._write_decided(combos, [decide(c) for c in combos])

    async def _judge(
        self, enter: Sequence[JudgedRule], constants: Mapping[str, str], *, whole: bool, now: datetime
    ) -> _Scope:
        for table in ("judged", "leaving", "excepted", "keyed", "decided"):
            await self._conn.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(table)))
        entering = compile_rules([(r.rule, r.expr) for r in enter], constants=dict(constants))
        statement = sql.SQL(
            "create temp table judged on commit drop as"
            " select f.device, s.device is not null as had, coalesce(s.class, 0) as class, f.country, f.carrier,"
            " {entering} as entering"
            " from fact f {scope} left join standing s on s.tenant = f.tenant and s.device = f.device"
            " where f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)"
            " and f.device_state is distinct from 'retired'"
        ).format(entering=entering, scope=sql.SQL("" if whole else "join scope c on c.device = f.device"))
        await self._conn.execute(statement, {"now": now})
        cold = whole and not await self._any("select 1 from standing limit 1")
        cold = cold and not await self._any("select 1 from exception limit 1")
        if not cold:
            await self._conn.execute("create index on judged (device)")
            await self._conn.execute("analyze judged")
        return _Scope(whole=whole, cold=cold)

    async def _leaving(self, stay: Sequence[JudgedRule], constants: Mapping[str, str], now: datetime) -> None:
        if not stay:
            await self._conn.execute("create temp table leaving (device uuid, leaving text) on commit drop")
        else:
            await self._conn.execute(
                sql.SQL(
                    "create temp table leaving on commit drop as"
                    " select j.device, string_agg(r.rule::text, ',' order by r.rule) as leaving"
                    " from judged j join class c on c.id = j.class cross join lateral unnest(c.rules) r (rule)"
                    " join fact f on f.tenant = (select nullif(current_setting('app.tenant', true), '')::uuid)"
                    " and f.device = j.device where {until} group by j.device"
                ).format(until=_by_rule(stay, constants)),
                {"now": now},
            )
        await self._conn.execute(SQL["exceptions_of_judged"])

    async def _combos(self, scope: _Scope) -> list[CountedCombination]:
        classes = await self._classes()
        rows = await (await self._conn.execute(SQL["combos_plain" if scope.cold else "combos"])).fetchall()
        return [
            CountedCombination(
                from_class=row[0],
                standing=classes.get(row[0], ()),
                entering=row[1],
                leaving=row[2],
                excepted=row[3],
                devices=row[4],
            )
            for row in rows
        ]

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

    async def _write_decided(self, combos: Sequence[CountedCombination], verdicts: Sequence[Verdict]) -> None:
        classes = await self.class_of([v.rules for v in verdicts])
        await self._conn.execute(SQL["make_decided"])
        await self._conn.execute(
            SQL["fill_decided"],
            {
                "class": [c.from_class for c in combos],
                "entering": [c.entering for c in combos],
                "leaving": [c.leaving for c in combos],
                "excluded": [c.excepted for c in combos],
                "to_class": [classes[v.rules] for v in verdicts],
                "wait_in": [",".join(map(str, v.wait_in)) for v in verdicts],
                "wait_out": [",".join(map(str, v.wait_out)) for v in verdicts],
                "clear": [",".join(map(str, v.clear)) for v in verdicts],
            },
        )

    async def _write(self, scope: _Scope, rules: Mapping[int, RuleKey], cause: str, now: datetime) -> int:
        keys = {
            "rules": list(rules),
            "policies": [k.policy for k in rules.values()],
            "changes": [k.change for k in rules.values()],
            "now": now,
        }
        waits = await self._any("select 1 from decided where wait_in <> '' or wait_out <> '' or clear <> ''")
        if scope.cold:
            await self._conn.execute(SQL["record_transitions_cold"], {"cause": cause, "now": now})
            stood = await self._conn.execute(SQL["stand_cold"])
            if waits:
                await self._conn.execute(SQL["wait_cold"], keys)
            return stood.rowcount
        await self._conn.execute(SQL["judged_keys"])
        await self._conn.execute(SQL["record_transitions"], {"cause": cause, "now": now})
        new = await self._conn.execute(SQL["stand_new"])
        moved = await self._conn.execute(SQL["stand_moved"])
        if waits:
            await self._conn.execute(SQL["no_longer_waiting"])
            for kind in (1, 2):
                await self._conn.execute(SQL["wait"], keys | {"kind": kind})
        return new.rowcount + moved.rowcount

    async def _any(self, query: LiteralString) -> bool:
        return await (await self._conn.execute(query)).fetchone() is not None


def _by_rule(stay: Sequence[JudgedRule], constants: Mapping[str, str]) -> sql.Composed:
    """`case r.rule when 3 then (…) … end`, as a tree of halves: a hundred rules cost seven comparisons."""
    ordered = sorted(stay, key=lambda r: r.rule)
    return _halves([(r.rule, r.expr) for r in ordered], dict(constants))


def _halves(rules: Sequence[tuple[int, Expr]], constants: Mapping[str, str]) -> sql.Composed:
    if len(rules) == 1:
        number, expr = rules[0]
        return sql.SQL("(r.rule = {} and ({}))").format(
            sql.Literal(number), compile_expr(expr, constants=dict(constants))
        )
    middle = len(rules) // 2
    return sql.SQL("(case when r.rule < {} then {} else {} end)").format(
        sql.Literal(rules[middle][0]), _halves(rules[:middle], constants), _halves(rules[middle:], constants)
    )

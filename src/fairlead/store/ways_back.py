"""The way back of Moves, by the set: classes, facets and bars, and what those taken back had overtaken.

`store.moves` is these statements and those that lead forward; the SQL of both stands in the same files.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import sql

from fairlead.engine.ports.moving import ChangeRow, Selection
from fairlead.model.expression import Expr
from fairlead.store.database import Connection
from fairlead.store.expression_sql import compile_expr
from fairlead.store.resolving import Resolving
from fairlead.store.statements import load

SQL: Final = load("stages") | load("moves")


class WaysBack:
    """The part of `engine.ports.moving.MoveRows` that takes back."""

    async def undo(
        self, tx: Connection, selection: Selection, rules: Sequence[tuple[UUID, int]], outcome: str, now: datetime
    ) -> tuple[int, int]:
        """Begin the way back for the selected moves; returns how many, and how many of them were verified."""
        await drop(tx, "undone")
        values: dict[str, Any] = _selected(selection) | {"outcome": outcome, "now": now} | rules_as_values(rules)
        await tx.execute(SQL["begin_undo"], values)
        await self._undo_classes(tx, "undone")
        await tx.execute(SQL["undo_facets"], values)
        await drop(tx, "voided")
        if await any_row(tx, SQL["any_superseded"], values):
            await self._void(tx, values)
        else:
            await tx.execute(SQL["no_voided"])
        await tx.execute(SQL["bar"], values)
        await tx.execute(SQL["undo_cut_operations"], values)
        await tx.execute(SQL["undo_moves"], values)
        row = await (await tx.execute(SQL["undo_counts"])).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    async def _void(self, tx: Connection, values: Mapping[str, Any]) -> None:
        """What the moves taken back had overtaken never came to be: its class and facets end with them."""
        await tx.execute(SQL["find_voided"], values)
        for (depth,) in await (await tx.execute(SQL["voided_depths"])).fetchall():
            await drop(tx, "voiding")
            await tx.execute(SQL["make_voiding"], {"depth": depth})
            await self._undo_classes(tx, "voiding")
        await tx.execute(SQL["void_facets"], values)
        await tx.execute(SQL["void_moves"])
        await tx.execute(SQL["mark_voided"])

    async def _undo_classes(self, tx: Connection, moves: str) -> None:
        """Take what a Change brought out of each class, and put what it took back in."""
        table = sql.Identifier(moves)
        rows = await (await tx.execute(sql.SQL(SQL["undone_classes"]).format(moves=table))).fetchall()
        if not rows:
            return
        resolving = Resolving(tx)
        rules = {n: set(r) for n, r in (await resolving.rules_of(sorted({c for row in rows for c in row}))).items()}
        # Whoever has left meanwhile what the Change brought is beyond its taking back.
        wanted = [
            tuple(sorted((rules[now] - (rules[after] - rules[before])) | (rules[before] - rules[after])))
            if rules[after] - rules[before] <= rules[now] or moves == "undone"
            else tuple(sorted(rules[now]))
            for now, before, after in rows
        ]
        classes = await resolving.class_of(wanted)
        values = {
            "now_in": [r[0] for r in rows],
            "from_class": [r[1] for r in rows],
            "to_class": [r[2] for r in rows],
            "back": [classes[w] for w in wanted],
        }
        await tx.execute(sql.SQL(SQL["undo_classes"]).format(moves=table), values)

    async def undone_into(self, tx: Connection) -> list[int]:
        """The classes into which the last `undo` of this transaction brought devices that others have moved since."""
        return [r[0] for r in await (await tx.execute(SQL["undone_into"])).fetchall()]

    async def carry_on(self, tx: Connection, now: datetime) -> int:
        """Put those in line for a Move whose class asks for more than the way back brings."""
        return (await tx.execute(SQL["carry_on"], {"now": now})).rowcount

    async def count_undo(self, tx: Connection, selection: Selection) -> tuple[int, int, int]:
        """What `undo` would take back: moves, how many of them verified, how many are left to later Changes."""
        await drop(tx, "undone")
        await tx.execute(SQL["begin_undo"], _selected(selection))
        row = await (await tx.execute(SQL["undo_counts"])).fetchone()
        left = await (await tx.execute(SQL["left_by_undo"], _selected(selection))).fetchone()
        return (row[0] if row else 0, row[1] if row else 0, left[0] if left else 0)

    async def matching(
        self,
        tx: Connection,
        change: UUID,
        *,
        match: Expr | None,
        countries: Sequence[str],
        names: Sequence[str],
        constants: Mapping[str, str],
        now: datetime,
    ) -> list[UUID]:
        """Devices of a Change's moves that meet all given conditions; countries are those it was opened for."""
        statement = sql.SQL(SQL["moves_matching"]).format(
            condition=compile_expr(match, constants=dict(constants)) if match is not None else sql.SQL("true")
        )
        values = {"change": change, "countries": list(countries) or None, "names": list(names) or None, "now": now}
        return [r[0] for r in await (await tx.execute(statement, values)).fetchall()]

    async def bar_rest(
        self, tx: Connection, change: ChangeRow, stratum: int, rules: Sequence[tuple[UUID, int]], now: datetime
    ) -> int:
        """Keep the members of a stopped stratum that were never admitted out as well."""
        values = {"owner": change.plan, "stratum": stratum, "change": change.id, "now": now}
        return (await tx.execute(SQL["bar_not_admitted"], values | rules_as_values(rules))).rowcount


def _selected(selection: Selection) -> dict[str, Any]:
    return {
        "change": selection.change,
        "wave": selection.wave,
        "strata": list(selection.strata) if selection.strata is not None else None,
        "stage": selection.stage,
        "devices": list(selection.devices) if selection.devices is not None else None,
        "by": int(selection.by),
    }


def rules_as_values(rules: Sequence[tuple[UUID, int]]) -> dict[str, Any]:
    """Policies with their rules, as statements take them."""
    return {"policies": [r[0] for r in rules], "rules": [r[1] for r in rules]}


async def any_row(tx: Connection, query: LiteralString, values: Mapping[str, Any] | None = None) -> bool:
    """Whether a query finds anything."""
    return await (await tx.execute(query, values)).fetchone() is not None


async def drop(tx: Connection, *tables: str) -> None:
    """Drop temporary tables of this connection."""
    for table in tables:
        await tx.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(table)))

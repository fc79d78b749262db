"""Steering over the lines of a tenant, by the set. Implements `engine.ports.steering.SteeringRows`."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from psycopg import sql

from fairlead.engine.ports.steering import Kept, Left, Reached, Wanted
from fairlead.model.expression import Expr
from fairlead.store.database import Connection
from fairlead.store.expression_sql import compile_expr
from fairlead.store.statements import load

_SQL: Final = load("steering")


class SteeringStore:
    """The lists of every tenant."""

    async def alone(self, tx: Connection, what: str) -> None:
        """One at a time a tenant."""
        await tx.execute(_SQL["alone"], {"what": what})

    async def fill(
        self, tx: Connection, rules: Sequence[tuple[str, Expr]], constants: Mapping[str, str], now: datetime
    ) -> None:
        """Note in this transaction which lines each matches."""
        await tx.execute(_SQL["discard"])
        await tx.execute(_SQL["make"])
        for name, expr in rules:
            query = sql.SQL(_SQL["fill"]).format(match=compile_expr(expr, constants=dict(constants)))
            await tx.execute(query, {"name": name, "now": now}, prepare=False)
        await tx.execute(_SQL["analyze"], prepare=False)

    async def reached(self, tx: Connection) -> list[Reached]:
        """The lines of each, by account and country."""
        rows = await (await tx.execute(_SQL["reached"], prepare=False)).fetchall()
        return [
            Reached(name=r[0], account=r[1], connector=r[2], config=r[3], countries=r[4], lines=r[5], of=r[6])
            for r in rows
        ]

    async def judge(self, tx: Connection, wanted: Sequence[Wanted], retry_before: datetime) -> None:
        """Note how each line stands to its list."""
        values = {
            "names": [one.name for one in wanted], "accounts": [one.account for one in wanted],
            "kinds": [one.kind for one in wanted], "plmns": [json.dumps(list(one.plmns)) for one in wanted],
            "labels": [one.label for one in wanted], "sinces": [one.since for one in wanted],
            "retry_before": retry_before,
        }  # fmt: skip
        await tx.execute(_SQL["discard_judged"])
        await tx.execute(_SQL["judge"], values, prepare=False)

    async def standing(self, tx: Connection) -> Mapping[tuple[str, str], Mapping[str, int]]:
        """Lines by steering and account, by how they stand."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        for name, account, standing, lines in await (await tx.execute(_SQL["standing"], prepare=False)).fetchall():
            found.setdefault((name, account), {})[standing] = lines
        return found

    async def due(self, tx: Connection, name: str, account: str, limit: int) -> list[str]:
        """Lines that are to get their list."""
        values = {"name": name, "account": account, "limit": limit}
        return [row[0] for row in await (await tx.execute(_SQL["due"], values, prepare=False)).fetchall()]

    async def left(self, tx: Connection, limit: int) -> list[Left]:
        """Lines that no steering matches any more."""
        rows = await (await tx.execute(_SQL["left"], {"limit": limit}, prepare=False)).fetchall()
        return [Left(bulk=r[0], rule=r[1], author=r[2], iccids=r[3]) for r in rows]

    async def keep(self, tx: Connection, kind: str, kept: Sequence[Kept]) -> None:
        """Keep these and no others of their kind."""
        await tx.execute(_SQL["forget"], {"kind": kind})
        values = {
            "kind": kind, "names": [one.name for one in kept], "accounts": [one.account for one in kept],
            "revisions": [one.revision for one in kept], "ats": [one.judged_at for one in kept],
            "verdicts": [json.dumps(dict(one.verdict)) for one in kept],
        }  # fmt: skip
        await tx.execute(_SQL["keep"], values)

    async def kept(
        self,
        tx: Connection,
        kind: str,
        after: tuple[str, str] = ("", ""),
        limit: int | None = None,
        only: str | None = None,
    ) -> list[Kept]:
        """What was last judged, by name and account, behind `after`; `only`: of that name."""
        values = {"kind": kind, "name": after[0], "account": after[1], "limit": limit, "only": only}
        rows = await (await tx.execute(_SQL["kept"], values)).fetchall()
        return [Kept(name=r[0], account=r[1], revision=r[2], judged_at=r[3], verdict=r[4]) for r in rows]

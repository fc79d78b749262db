"""Reads what the console's first page shows. Implements `engine.ports.home.HomeRows`."""

from datetime import date, datetime
from typing import Any, Final

from fairlead.insight.home import MANY, Figures, PlanPrice
from fairlead.model.ids import TenantId
from fairlead.model.lifecycle import ChangeState, name
from fairlead.store.database import Connection, Database
from fairlead.store.statements import load

_SQL: Final = load("home")


class HomeStore:
    """The figures of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def figures(self, tenant: TenantId, today: date) -> Figures:
        """All figures, in one transaction."""
        values = {"most": MANY + 1, "today": today}
        async with self._database.tenant(tenant) as conn:
            counts = await _rows(conn, "counts", values)
            stuck = (await _rows(conn, "stuck", values))[0][0]
            unknown = (await _rows(conn, "unknown", values))[0][0]
            critical = (await _rows(conn, "critical", values))[0][0]
            accounts, failing = (await _rows(conn, "accounts", values))[0]
            changes = await _rows(conn, "changes", values)
            moving = (await _rows(conn, "moving", values))[0][0]
            prices = await _rows(conn, "prices", values)
        by: dict[str, dict[str, int]] = {}
        ages: dict[str, datetime] = {}
        for dimension, value, n, at in counts:
            by.setdefault(dimension, {})[value] = n
            ages[dimension] = at
        return Figures(
            counted_at=ages.get("all"),
            devices=by.get("all", {}).get("", 0),
            connectivity=by.get("connectivity", {}),
            stances=by.get("stance", {}),
            glanced_at=ages.get("home.out_of_sync"),
            out_of_sync=by.get("home.out_of_sync", {}).get("", 0),
            breaches={_pair(key): n for key, n in by.get("home.breach", {}).items()},
            imei_breaches=by.get("home.imei_breach", {}),
            plans=by.get("home.plan", {}),
            stuck=stuck,
            unknown=unknown,
            critical=critical,
            accounts=accounts,
            failing=failing,
            changes={name(ChangeState(state)): n for state, n in changes},
            moving=int(moving),
            prices=[PlanPrice(plan=plan, currency=currency, monthly_nano=nano) for plan, currency, nano in prices],
        )


def _pair(key: str) -> tuple[str, str]:
    bucket, _, country = key.partition("/")
    return bucket, country


async def _rows(conn: Connection, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return await (await conn.execute(_SQL[statement], values)).fetchall()

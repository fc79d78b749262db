"""Counts of a filtered list, whole or by dimension, as far as a time budget reaches.

Part of `store.fleet`, which see. It walks the index that the list itself would walk, in chunks, and
counts instead of keeping; when the time is up it has counted a part, and says so. So a filter that
no index serves costs what it may cost and never more.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql

from fairlead.engine.ports.fleet import DeviceFilter, Tally
from fairlead.store.database import Connection
from fairlead.store.devices import DRIVERS, LONG_AGO, NIL, drive, driver, parameters, wanted
from fairlead.store.statements import load
from fairlead.store.walk import Budget

SQL: Final = load("tallies")
_FIRST: Final = 2_048
_LARGEST: Final = 8_192
_GROWTH: Final = 2

# Dimensions that can be told apart, and their columns of `fact`.
COLUMNS: Final = {
    "country": "country", "carrier": "carrier", "sku": "sku", "group": "device_group", "region": "region",
    "batch": "device_batch", "state": "device_state", "stance": "law_stance", "connectivity": "connectivity",
    "roaming": "roaming",
}  # fmt: skip


async def tallied(conn: Connection, which: DeviceFilter, by: Sequence[str], *, budget_s: float) -> Tally:
    """How many devices fit, and of them how many have each value of each dimension."""
    query = await _query(conn, which, by)
    await conn.execute(SQL["walk_only"])
    values: dict[str, Any] = parameters(which) | {"after": NIL, "after_at": LONG_AGO}
    budget, size, devices = Budget(budget_s), _FIRST, 0
    found: dict[str, Counter[str]] = {name: Counter() for name in by}
    while True:
        budget.start()
        rows = await (await conn.execute(query, values | {"chunk": size})).fetchall()
        scanned, last, last_at = 0, None, None
        for dimension, value, read, n, place, place_at in rows:
            if dimension is None:
                scanned, last, last_at = int(read), place, place_at
                devices += int(n)
            else:
                found[dimension][value or ""] += int(n)
        if scanned < size or last is None:
            return _tally(devices, found, complete=True)
        values |= _after(last, last_at)
        larger = min(_LARGEST, size * _GROWTH)
        if not budget.allows(larger / size):
            return _tally(devices, found, complete=False)
        size = larger


def _after(last: UUID, last_at: datetime | None) -> dict[str, Any]:
    return {"after": last} if last_at is None else {"after": last, "after_at": last_at}


def _tally(devices: int, found: dict[str, Counter[str]], *, complete: bool) -> Tally:
    by = {name: tuple(counts.most_common()) for name, counts in found.items()}
    return Tally(devices=devices, by=by, complete=complete)


async def _query(conn: Connection, which: DeviceFilter, by: Sequence[str]) -> sql.Composed:
    drives = await driver(conn, which)
    columns = [sql.SQL("f.{0}::text as {0}").format(sql.Identifier(COLUMNS[name])) for name in by]
    holes: dict[str, sql.Composable] = {
        "columns": sql.SQL(", ").join(columns) if columns else sql.SQL("null as nothing"),
        "by": sql.SQL(" ").join(
            sql.SQL(SQL["tally_value"]).format(name=sql.Literal(name), column=sql.Identifier(COLUMNS[name]))
            for name in by
        ),
    }
    if drives is None and which.breach_before is not None:
        return sql.SQL(SQL["tally_breach"]).format(wanted=wanted(which, but="breach_before"), **holes)
    table = DRIVERS.get(drives or "", "fact")
    text = SQL["tally_fact"] if table == "fact" else SQL["tally_device"]
    return sql.SQL(text).format(wanted=wanted(which, but=drives), drive=drive(table, drives), **holes)

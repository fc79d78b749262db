"""Keeps the lab's clock in one row outside the tenant walls, so that every process reads the same time.

Implements `engine.ports.clock.ClockStore`. Whoever turns the clock first wins; the other process
takes over what it finds.
"""

from dataclasses import asdict
from typing import Final

from psycopg.rows import class_row

from fairlead.engine.ports.clock import Pace
from fairlead.store.database import Connection, Database
from fairlead.store.statements import load

_SQL: Final = load("lab_clock")


class LabClockStore:
    """The one row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> Pace | None:
        """The stretch in force, if any was written."""
        async with self._database.nameless() as conn:
            return await _read(conn)

    async def begin(self, pace: Pace) -> Pace:
        """Write the first stretch unless there is one; returns the one in force."""
        async with self._database.nameless() as conn:
            await conn.execute(_SQL["begin"], asdict(pace))
            return await _read(conn) or pace

    async def turn(self, before: Pace, after: Pace) -> Pace:
        """Replace `before` by `after`; returns the one in force, another process's where that was first."""
        async with self._database.nameless() as conn:
            await conn.execute(_SQL["begin"], asdict(before))
            await conn.execute(_SQL["turn"], asdict(after) | {"before": before.anchor_real})
            return await _read(conn) or after


async def _read(conn: Connection) -> Pace | None:
    async with conn.cursor(row_factory=class_row(Pace)) as cursor:
        return await (await cursor.execute(_SQL["read"])).fetchone()

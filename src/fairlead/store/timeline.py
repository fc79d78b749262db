"""Reads what happened to one device: implements `engine.ports.timeline.TimelineStore`.

One statement a source, each bounded by the page; `engine.timelines` merges them.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from psycopg.rows import class_row, dict_row

from fairlead.engine.ports.timeline import (
    Asked,
    FindingSeen,
    Happened,
    LineSeen,
    MoveSeen,
    OperationSeen,
    PresenceSeen,
    ReportSeen,
    SessionSeen,
    Wanted,
)
from fairlead.model.ids import DeviceId, TenantId, show
from fairlead.model.lifecycle import MoveState, OperationState
from fairlead.store.database import Connection, Database
from fairlead.store.statements import load

Row = TypeVar("Row")
SQL: Final = load("timeline")


class TimelineStore:
    """What happened to the devices of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def happened(
        self, tenant: TenantId, device: DeviceId, asked: Asked, *, before: datetime, limit: int
    ) -> Happened:
        """The newest `limit` rows of each source, and with the last one all of its instant."""
        of: dict[str, Any] = {
            "device": device, "shown": show("dev", device), "before": before, "limit": limit,
            "facets": sorted(asked.facets),
        }  # fmt: skip
        # One more session than the page has: the oldest is there to tell whether the next one changed the SIM.
        more = of | {"limit": limit + 1}
        async with self._database.tenant(tenant) as conn:
            moves = await _moves(conn, of) if asked.moves else []
            operations = await _operations(conn, of) if asked.facets else []
            changes = {one.change for one in (*moves, *operations) if one.change is not None}
            return Happened(
                begun=await _rows(conn, SessionSeen, "sessions_begun", more) if asked.network else (),
                ended=await _rows(conn, SessionSeen, "sessions_ended", of) if asked.network else (),
                presence=await _rows(conn, PresenceSeen, "presence", more) if asked.network else (),
                moves=moves,
                operations=operations,
                wanted=await _rows(conn, Wanted, "wanted", of | {"changes": sorted(changes)}) if changes else (),
                reports=await _rows(conn, ReportSeen, "reported", of) if asked.facets else (),
                lines=await _lines(conn, of) if asked.people else (),
                findings=await _rows(conn, FindingSeen, "findings", of) if asked.findings else (),
            )


async def _rows(conn: Connection, kind: type[Row], name: str, values: Mapping[str, Any]) -> list[Row]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        return await (await cursor.execute(SQL[name], values)).fetchall()


async def _dicts(conn: Connection, name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        return await (await cursor.execute(SQL[name], values)).fetchall()


async def _moves(conn: Connection, values: Mapping[str, Any]) -> list[MoveSeen]:
    return [
        MoveSeen(**row | {"state": MoveState(row["state"])})  # pyright: ignore[reportArgumentType]
        for row in await _dicts(conn, "moves", values)
    ]


async def _operations(conn: Connection, values: Mapping[str, Any]) -> list[OperationSeen]:
    return [
        OperationSeen(**row | {"state": OperationState(row["state"])})  # pyright: ignore[reportArgumentType]
        for row in await _dicts(conn, "operations", values)
    ]


async def _lines(conn: Connection, values: Mapping[str, Any]) -> list[LineSeen]:
    return [LineSeen(**row | {"payload": json.loads(row["payload"])}) for row in await _dicts(conn, "journal", values)]

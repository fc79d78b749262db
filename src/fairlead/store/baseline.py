"""Counts what the baseline judges. Implements `engine.ports.baseline.BaselineRows`.

Three statements read tables that grow with the fleet, each once and by the set; each has a time of
its own, and what runs out of it is missing from the answer instead of holding it up.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

import psycopg
from psycopg import sql

from fairlead.insight.baseline import (
    MOST_GROUPS,
    AccountContract,
    Breaches,
    Inventory,
    Lines,
    Listed,
    Part,
    Place,
    PlanTerms,
)
from fairlead.model.ids import TenantId
from fairlead.model.radio import Rat
from fairlead.model.register import Contract
from fairlead.store.database import Connection, Database
from fairlead.store.register import read_skus, read_sunsets
from fairlead.store.statements import load

_SQL: Final = load("baseline")
_USE: Final = load("use")
USE_FROM: Final = timedelta(days=400)  # sessions that ended before that long ago tell nothing any more


class BaselineStore:
    """The baseline of every tenant."""

    def __init__(self, database: Database, *, statement_s: float = 20.0) -> None:
        """`statement_s`: how long each of the three counts may take."""
        self._database = database
        self._statement_ms = max(1, round(statement_s * 1000))

    async def inventory(self, tenant: TenantId, *, now: datetime, silent_days: int, notice_days: int) -> Inventory:
        """All of it, in one transaction."""
        values = {
            "now": now, "today": now.date(), "silent_days": silent_days, "use_from": now - USE_FROM,
            "most": MOST_GROUPS,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            places = await self._within(conn, sql.SQL(_SQL["places"]), values)
            lines = await self._within(conn, _lines(), values)
            breaches = await self._within(conn, sql.SQL(_SQL["breaches"]), values)
            prices = await _rows(conn, "prices", values)
            coverage = await _rows(conn, "coverage", values)
            accounts = await _rows(conn, "accounts", values)
            contracts = await _rows(conn, "contracts", values)
            skus, sunsets = await read_skus(conn), await read_sunsets(conn)
        counted = {"places": places, "lines": lines, "breaches": breaches}
        return Inventory(
            now=now, silent_days=silent_days, notice_days=notice_days,
            counted=frozenset(cast("Part", name) for name, rows in counted.items() if rows is not None),
            places=[_place(row) for row in places or ()], unjudged_devices=_beyond(places, count=5),
            lines=[_line(row) for row in lines or ()], unjudged_lines=_beyond(lines, count=2),
            breaches=[_breaches(row) for row in breaches or ()],
            prices=[PlanTerms(plan=plan, currency=currency, monthly_nano=nano) for plan, currency, nano in prices],
            coverage=[_listed(row) for row in coverage], skus=skus, sunsets=sunsets,
            accounts=[row[0] for row in accounts], contracts=[_contract(row) for row in contracts],
        )  # fmt: skip

    async def _within(
        self, conn: Connection, query: sql.SQL | sql.Composed, values: dict[str, Any]
    ) -> Sequence[tuple[Any, ...]] | None:
        """The rows of a statement; None where it took too long, which the transaction outlives."""
        try:
            async with conn.transaction():
                await conn.execute(_SQL["time_out"], {"ms": str(self._statement_ms)})
                rows = await (await conn.execute(query, values)).fetchall()
                await conn.execute(_SQL["time_out"], {"ms": "0"})
                return rows
        except psycopg.errors.QueryCanceled:
            return None


def silence() -> sql.Composed:
    """What the use of a line `s` says, beside `t`, `f` and `h`: heard, silent, never_seen or unknown."""
    return sql.SQL(_USE["silence"]).format(last_seen=sql.SQL(_USE["last_seen"]))


def horizon() -> sql.SQL:
    """From when until when each account's use is told."""
    return sql.SQL(_USE["horizon"])


def told_one() -> sql.SQL:
    """What was told of one line `s`."""
    return sql.SQL(_USE["told_one"])


def _lines() -> sql.Composed:
    return sql.SQL(_SQL["lines"]).format(horizon=horizon(), told=sql.SQL(_USE["told"]), silence=silence())


def _beyond(rows: Sequence[tuple[Any, ...]] | None, *, count: int) -> int:
    return int(rows[0][-1]) - sum(row[count] for row in rows) if rows else 0


def _place(row: tuple[Any, ...]) -> Place:
    country, account, sku, plmn, plan, devices, seen_at, _ = row
    return Place(country=country, account=account, sku=sku, plmn=plmn, plan=plan, devices=devices, seen_at=seen_at)


def _line(row: tuple[Any, ...]) -> Lines:
    (account, plan, lines, silent, never_seen, unknown, measured, included_bytes, used_bytes, unused_bytes, fed_to,
     _) = row  # fmt: skip
    return Lines(
        account=account, plan=plan, lines=lines, silent=silent, never_seen=never_seen, unknown=unknown,
        measured=measured, included_bytes=included_bytes, used_bytes=used_bytes, unused_bytes=unused_bytes,
        fed_to=fed_to,
    )  # fmt: skip


def _breaches(row: tuple[Any, ...]) -> Breaches:
    country, devices, breached, within_7, within_30, within_90, unread = row
    return Breaches(
        country=country, devices=devices, breached=breached, within_7=within_7, within_30=within_30,
        within_90=within_90, unread=unread,
    )  # fmt: skip


def _listed(row: tuple[Any, ...]) -> Listed:
    account, country, rats, source, as_of = row
    return Listed(
        account=account, country=country, rats=frozenset(Rat(rat) for rat in rats), source=source, as_of=as_of
    )


def _contract(row: tuple[Any, ...]) -> AccountContract:
    account, number, starts_on, ends_on, notice_days, committed_sims, commitment, active = row
    return AccountContract(
        account=account, active=active,
        contract=Contract(
            number=number, starts_on=starts_on, ends_on=ends_on, notice_days=notice_days,
            committed_sims=committed_sims, commitment=commitment,
        ),
    )  # fmt: skip


async def _rows(conn: Connection, name: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return await (await conn.execute(_SQL[name], values)).fetchall()

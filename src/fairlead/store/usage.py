"""Usage: records by the set, totals by the day, facts by the hour.

Implements `engine.ports.usage`. A file and a carrier's answer stand in the same temporary table and
go through the same statements (`sql/usage.sql`); an import calls `TAKE` beside its own checks
(`store.imports`), a reading of carriers comes through `take`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from psycopg.rows import class_row

from fairlead.engine.ports.usage import (
    AskedAccount,
    DayUsed,
    DueLine,
    LastUsage,
    LineState,
    LineUsage,
    Reading,
    Taken,
    UsageRow,
)
from fairlead.model.ids import SubscriptionId, TenantId
from fairlead.store.database import Connection, Database
from fairlead.store.statements import load

SQL: Final = load("usage")
TAKE: Final = ("apply_seen", "apply_records", "apply_days", "apply_states", "apply_zeroed")
_COLUMNS: Final = (
    "subscription", "record_id", "kind", "started_at", "ended_at", "up_bytes", "down_bytes", "bytes", "final",
    "observed_at",
)  # fmt: skip


async def write_facts(conn: Connection, lines: str, values: Mapping[str, Any]) -> int:
    """Compute the facts of the devices that hold `all_lines`, `given_lines` (of the intake) or `asked_lines`.

    Returns how many devices' facts changed.
    """
    await conn.execute(SQL["facts_discard"])
    await conn.execute(sql.SQL(SQL["facts_lines"]).format(lines=sql.SQL(SQL[lines])), values, prepare=False)
    await conn.execute(SQL["facts_lines_analyze"], prepare=False)
    await conn.execute(SQL["facts_days"], values, prepare=False)
    await conn.execute(SQL["facts_days_analyze"], prepare=False)
    row = await (await conn.execute(SQL["facts"], values, prepare=False)).fetchone()
    return row[0] if row else 0


def month_of(now: datetime) -> date:
    """The first day of the billing month: the calendar's, in UTC."""
    return now.date().replace(day=1)


class UsageStore:
    """Usage of every tenant."""

    def __init__(self, database: Database | None = None) -> None:
        self._database = database  # what doors read with; the loop hands its transactions in

    async def due_accounts(self, tx: Connection, now: datetime) -> list[AskedAccount]:
        """Accounts of which lines are due."""
        rows = await (await tx.execute(SQL["accounts_due"], {"now": now})).fetchall()
        return [AskedAccount(id=r[0], name=r[1], enrol=r[2]) for r in rows]

    async def enrol(self, tx: Connection, tenant: TenantId, account: UUID, now: datetime) -> None:
        """Lines of an account that its carrier knows are asked about from now on."""
        values = {"tenant": tenant, "account": account, "now": now}
        await tx.execute(SQL["enrol"], values)
        await tx.execute(SQL["enrolled"], values)

    async def due_lines(
        self, tx: Connection, tenant: TenantId, account: UUID, limit: int, now: datetime
    ) -> list[DueLine]:
        """Lines of an account whose last reading is old enough, the longest waiting first."""
        values = {"tenant": tenant, "account": account, "limit": limit, "now": now}
        rows = await (await tx.execute(SQL["due"], values)).fetchall()
        return [DueLine(subscription=r[0], sim=r[1], through=r[2], ended=r[3]) for r in rows]

    async def rest_account(self, tx: Connection, account: UUID, until: datetime) -> None:
        """Ask nothing of this account before then."""
        await tx.execute(SQL["rest_account"], {"account": account, "until": until})

    async def put_off(
        self, tx: Connection, tenant: TenantId, lines: Sequence[UUID], failure: str, rest: timedelta, now: datetime
    ) -> None:
        """Lines that could not be read."""
        values = {"tenant": tenant, "lines": list(lines), "failure": failure, "rest": rest, "now": now}
        await tx.execute(SQL["put_off"], values)

    async def prepare(self, tx: Connection, first: datetime, last: datetime) -> None:
        """Partitions for the months of records to come; in a transaction that holds nothing of them."""
        await tx.execute(SQL["ensure_months"], {"first": first, "last": last})

    async def take(
        self,
        tx: Connection,
        tenant: TenantId,
        source: str,
        rows: Sequence[UsageRow],
        readings: Sequence[Reading],
        *,
        lag: timedelta,
        rest: timedelta,
        now: datetime,
    ) -> Taken:
        """Take what a carrier said of some lines; a record that is known changes nothing."""
        values: dict[str, Any] = {"tenant": tenant, "now": now, "source": source, "month": month_of(now)}
        taken = Taken(created=0, corrected=0, unchanged=0)
        await tx.execute(SQL["lock"], values)
        if rows:
            await tx.execute(SQL["discard"])
            await tx.execute(SQL["table"])
            columns = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
            await tx.execute(SQL["fill"], values | columns | {"line": list(range(len(rows)))})
            for name in ("resolve_line", "resolve_hash", "collapse", "resolve_seen", "resolve_former"):
                await tx.execute(SQL[name], values)
            refused = (await tx.execute(SQL["drop_moved"])).rowcount
            for name in TAKE:
                await tx.execute(SQL[name], values)
            counted = await (await tx.execute(SQL["counts"])).fetchone()
            created, corrected, unchanged, _ = counted or (0, 0, 0, 0)
            taken = Taken(created=created, corrected=corrected, unchanged=unchanged, refused=refused)
        lines = [r.subscription for r in readings]
        read = {
            "lines": lines, "since": [r.since for r in readings], "until": [r.until for r in readings],
            "ended": [r.ended for r in readings], "lag_s": int(lag.total_seconds()), "rest": rest,
        }  # fmt: skip
        await tx.execute(SQL["read"], values | read)
        devices = await write_facts(tx, "asked_lines", values | {"lines": lines})
        return Taken(
            created=taken.created, corrected=taken.corrected, unchanged=taken.unchanged, refused=taken.refused,
            devices=devices,
        )  # fmt: skip

    async def refresh(self, tx: Connection, tenant: TenantId, now: datetime) -> int:
        """Compute the facts of every device again: hours went by. Returns how many changed."""
        return await write_facts(tx, "all_lines", {"tenant": tenant, "now": now, "month": month_of(now)})

    async def line(self, tx: Connection, account: str, sim: str) -> UUID | None:
        """The line that a carrier knows by this key."""
        row = await (await tx.execute(SQL["line"], {"account": account, "sim": sim})).fetchone()
        return row[0] if row else None

    async def last_usage(self, tx: Connection, line: UUID, since: date) -> LastUsage | None:
        """What was taken in of a line since a day; None where nothing was."""
        row = await (await tx.execute(SQL["last_usage"], {"line": line, "since": since})).fetchone()
        if row is None or row[0] is None:
            return None
        return LastUsage(
            since=row[0], bytes=row[1], up_bytes=row[2], down_bytes=row[3], final=row[4], observed_at=row[5]
        )

    async def usage(self, tenant: TenantId, subscription: SubscriptionId, before: date, limit: int) -> LineUsage:
        """A page of days before one, newest first, and how far the line is known."""
        if self._database is None:
            raise RuntimeError("a store without a database serves the loop only")
        values = {"subscription": subscription, "before": before, "limit": limit}
        async with self._database.tenant(tenant) as conn:
            async with conn.cursor(row_factory=class_row(DayUsed)) as cursor:
                days = await (await cursor.execute(SQL["days"], values)).fetchall()
            async with conn.cursor(row_factory=class_row(LineState)) as cursor:
                state = await (await cursor.execute(SQL["state"], values)).fetchone()
        return LineUsage(days=days, state=state)

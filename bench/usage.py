"""How many usage records a second are taken in, beside a plain COPY of the same rows: `usage_intake`.

200,000 records of 20,000 lines go through the store as an import brings them: staged, matched with
their lines, told from what was seen, appended, added to the totals of their days, and the facts of
all their devices computed; one transaction, as fairlead_app under row-level security, with fsync. The
limit beside it is the same PostgreSQL copying the same rows into a table without a key. `replay` is
the same file once more, which changes nothing; `csv` is the whole way, from the text of the file on.

    python bench/usage.py [records]
"""

import asyncio
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

import fairlead.reference
from fairlead.embedded.postgres import Postgres, PostgresSettings
from fairlead.engine.fleet import Actor
from fairlead.engine.imports import ImportRequest, Imports
from fairlead.model.identifiers import luhn_digit
from fairlead.model.ids import TenantId
from fairlead.store.bootstrap import bootstrap
from fairlead.store.counts import CountStore
from fairlead.store.database import Database
from fairlead.store.imports import ImportStore
from fairlead.store.migrate import migrate

LINES = 20_000
RECORDS = 200_000
RUNS = 3
CHUNK = 2_000
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = TenantId(UUID("018f0000-0000-7000-8000-000000000001"))
SEED = (
    """
    insert into account (tenant, id, name, connector, carrier, created_at, updated_at)
    values (%(t)s, gen_random_uuid(), 'one', 'none', 'x', %(now)s, %(now)s)""",
    """
    insert into device (tenant, id, name, created_at, updated_at)
    select %(t)s, gen_random_uuid(), 'd-' || n, %(now)s, %(now)s from generate_series(0, %(n)s - 1) n""",
    "insert into fact (tenant, device) select tenant, id from device order by id",
    """
    insert into subscription (tenant, id, profile, account, device, iccid, state)
    select %(t)s, d.id, d.id, a.id, d.id, x.iccid, 4 from unnest(%(iccids)s::text[]) with ordinality x (iccid, n)
    join device d on d.name = 'd-' || x.n - 1 cross join account a""",
)
PLAIN = (
    "create table plain (line int, iccid text, record_id text, kind smallint, started_at timestamptz,"
    " ended_at timestamptz, up_bytes bigint, down_bytes bigint, bytes bigint, zone text, plmn text, country text,"
    " final boolean, observed_at timestamptz, dated boolean)"
)


def iccid(n: int) -> str:
    body = f"8944{n:014d}"
    return body + luhn_digit(body)


def records(count: int, run: int) -> list[tuple[Any, ...]]:
    """Days of lines, other ones each run, in the order in which a carrier writes them: by day."""
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=run * (count // LINES))
    made: list[tuple[Any, ...]] = []
    for n in range(count):
        at = start + timedelta(days=n // LINES)
        end = at + timedelta(days=1)
        up, down = n % 9_973, n % 99_991
        made.append(
            (n + 2, iccid(n % LINES), None, 1, at, end, up, down, up + down, None, None, None, True, end, False)
        )
    return made


def text(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """The same rows as a CSV file."""
    head = "iccid,start,end,up,down\n"
    body = (f"{r[1]},{r[4].isoformat()},{r[5].isoformat()},{r[6]},{r[7]}\n" for r in rows)
    return (head + "".join(body)).encode()


async def take(store: ImportStore, rows: Sequence[tuple[Any, ...]]) -> tuple[float, int]:
    """Rows a second through the store, and how many were new."""
    began = time.monotonic()
    async with store.load(TENANT, "usage", now=NOW) as load:
        for at in range(0, len(rows), CHUNK):
            await load.stage(rows[at : at + CHUNK])
        faults = await load.check()
        assert not faults, faults[:3]
        applied = await load.apply()
    return len(rows) / (time.monotonic() - began), applied.created


def plain(dsn: str, rows: Sequence[tuple[Any, ...]]) -> float:
    """Rows a second of COPY into a table without a key."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("drop table if exists plain")
        conn.execute(PLAIN)
        lines = "".join("\t".join(r"\N" if v is None else str(v) for v in row) + "\n" for row in rows).encode()
        began = time.monotonic()
        with conn.cursor() as cursor, cursor.copy("copy plain from stdin") as copy:
            copy.write(lines)
        return len(rows) / (time.monotonic() - began)


async def measured(dsn: str, database: Database, count: int) -> None:
    async with database.nameless() as tx:
        await tx.execute("select create_tenant(%s, 'acme', %s)", (TENANT, NOW))
    seed = {"t": TENANT, "now": NOW, "n": LINES, "iccids": [iccid(n) for n in range(LINES)]}
    async with database.tenant(TENANT) as tx:
        for statement in SEED:
            await tx.execute(statement, seed)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("vacuum analyze")
    store = ImportStore(database)
    taken: list[float] = []
    limits: list[float] = []
    rows: list[tuple[Any, ...]] = []
    for run in range(RUNS):
        rows = records(count, run)
        rate, created = await take(store, rows)
        assert created == count, created
        taken.append(rate)
        limits.append(plain(dsn, rows))
    replay, created = await take(store, rows)
    assert created == 0, created
    imports = Imports(store, CountStore(database), fairlead.reference.load())
    file = text(records(count, RUNS))
    began = time.monotonic()
    report = await imports.run(
        Actor(tenant=TENANT, name="usr_bench"), io.BytesIO(file), ImportRequest(kind="usage"), now=NOW
    )
    assert report.applied is not None
    assert report.applied.created == count, report.applied
    whole = count / (time.monotonic() - began)
    value, limit = statistics.median(taken), statistics.median(limits)
    print(json.dumps({
        "name": "usage_intake", "value": round(value), "unit": "rows/s", "against": "COPY into a table without a key",
        "against_value": round(limit), "ratio": round(value / limit, 3), "runs": len(taken),
        "spread": [round(min(taken)), round(max(taken))], "rows": count, "replay": round(replay), "csv": round(whole),
    }), flush=True)  # fmt: skip


async def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as home:
        Path(home).chmod(0o755)  # noqa: ASYNC240 - before anything runs
        postgres = Postgres(Path(home), PostgresSettings(shared_buffers_mb=512, max_wal_size_mb=4096))
        try:
            admin = postgres.start()
            dsns = await bootstrap(admin, database="bench", password="bench")
            await migrate(dsns.owner)
            database = await Database.open(dsns, size=4)
            await measured(make_conninfo(admin, dbname="bench"), database, count)
            await database.close()
        finally:
            postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())

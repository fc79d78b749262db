"""Brings the schema to what this code expects: numbered files, forward only.

`NNNN_name.pre.sql` runs before new code serves, `NNNN_name.post.sql` after the old code is gone
(dropping a column, for instance). They run as `fairlead_owner`, one transaction a file, under an
advisory lock, with a lock time-out of four seconds so that a migration never stands in the way of
traffic behind a long query. A schema newer than the code refuses to start.
"""

import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

import psycopg
from psycopg import sql

_FILE: Final = re.compile(r"^(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.(?P<phase>pre|post)\.sql$")
_LOCK: Final = 0x0FA1_41EA  # any constant of our own


class SchemaTooNew(RuntimeError):
    """The database was migrated by newer code than this."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Migration:
    """One file."""

    number: int
    phase: str  # "pre" or "post"
    name: str
    text: str


def migrations() -> list[Migration]:
    """All files, in the order they run: by number, pre before post."""
    found: list[Migration] = []
    for entry in resources.files("fairlead.store").joinpath("migrations").iterdir():
        if match := _FILE.match(entry.name):
            text = entry.read_text(encoding="utf-8")
            found.append(Migration(number=int(match["number"]), phase=match["phase"], name=match["name"], text=text))
    return sorted(found, key=lambda m: (m.number, m.phase == "post"))


async def migrate(owner_dsn: str) -> list[str]:
    """Run what has not run yet; returns the names of the files that ran."""
    ran: list[str] = []
    async with await psycopg.AsyncConnection.connect(owner_dsn, autocommit=True) as conn:
        await conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
        await conn.execute(
            "create table if not exists migration"
            " (number int not null, phase text not null, name text not null, primary key (number, phase))"
        )
        rows = await (await conn.execute("select number, phase from migration")).fetchall()
        done = {(int(number), str(phase)) for number, phase in rows}
        known = migrations()
        refuse_newer(done, known)
        for migration in known:
            if (migration.number, migration.phase) in done:
                continue
            async with conn.transaction():
                await conn.execute("set local lock_timeout = '4s'")
                await conn.execute(sql.SQL(migration.text))  # pyright: ignore[reportArgumentType] - text of our own files
                await conn.execute(
                    "insert into migration (number, phase, name) values (%s, %s, %s)",
                    (migration.number, migration.phase, migration.name),
                )
            ran.append(f"{migration.number:04}_{migration.name}.{migration.phase}")
    return ran


def refuse_newer(done: set[tuple[int, str]], known: list[Migration]) -> None:
    """Raises `SchemaTooNew` when the database knows a migration that this code does not."""
    newest = max((m.number for m in known), default=0)
    ahead = max((number for number, _ in done), default=0)
    if ahead > newest:
        raise SchemaTooNew(f"the database is at migration {ahead:04}, this code knows {newest:04}: upgrade Fairlead")

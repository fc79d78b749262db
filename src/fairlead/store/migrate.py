"""Brings the schema to what this code expects: numbered files, forward only.

`NNNN_name.pre.sql` runs before new code serves, `NNNN_name.post.sql` after the old code is gone
(dropping a column, for instance). They run as `fairlead_owner`, one transaction a file, under an
advisory lock, with a lock time-out of four seconds so that a migration never stands in the way of
traffic behind a long query. Whoever serves asks `check_schema` first, as `fairlead_app`: it needs
every `pre` file it knows, no `post` file, and nothing that only newer code knows.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal

import psycopg
from psycopg import sql

from fairlead.store.database import Connection

_FILE: Final = re.compile(r"^(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.(?P<phase>pre|post)\.sql$")
_LOCK: Final = 0x0FA1_41EA  # any constant of our own
_DONE: Final = "select number, phase from migration"

Phase = Literal["pre", "post"]
PHASES: Final[tuple[Phase, ...]] = ("pre", "post")


class SchemaUnfit(RuntimeError):
    """The database's schema and this code do not fit together; the text says what to run."""


class SchemaTooNew(SchemaUnfit):
    """The database was migrated by newer code than this."""


class SchemaTooOld(SchemaUnfit):
    """The database lacks migrations that this code stands on."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Migration:
    """One file."""

    number: int
    phase: str  # "pre" or "post"
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}.{self.phase}"


def migrations() -> list[Migration]:
    """All files, in the order they run: by number, pre before post."""
    found: list[Migration] = []
    for entry in resources.files("fairlead.store").joinpath("migrations").iterdir():
        if match := _FILE.match(entry.name):
            text = entry.read_text(encoding="utf-8")
            found.append(Migration(number=int(match["number"]), phase=match["phase"], name=match["name"], text=text))
    return sorted(found, key=lambda m: (m.number, m.phase == "post"))


async def migrate(owner_dsn: str, *, phases: Collection[Phase] = PHASES, dry_run: bool = False) -> list[str]:
    """Run what has not run yet of these phases; returns the names of the files that ran, or would run.

    Raises `SchemaTooNew`, and `SchemaTooOld` for `post` alone while a `pre` file is still to run.
    """
    async with await psycopg.AsyncConnection.connect(owner_dsn, autocommit=True) as conn:
        if dry_run:
            return [str(one) for one in _to_run(await _done(conn), phases)]
        await conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
        await conn.execute(
            "create table if not exists migration"
            " (number int not null, phase text not null, name text not null, primary key (number, phase))"
        )
        ran: list[str] = []
        for migration in _to_run(await _done(conn), phases):
            async with conn.transaction():
                await conn.execute("set local lock_timeout = '4s'")
                await conn.execute(sql.SQL(migration.text))  # pyright: ignore[reportArgumentType] - text of our own files
                await conn.execute(
                    "insert into migration (number, phase, name) values (%s, %s, %s)",
                    (migration.number, migration.phase, migration.name),
                )
            ran.append(str(migration))
        return ran


async def check_schema(conn: Connection) -> None:
    """What a process that serves asks first. Raises `SchemaTooOld` or `SchemaTooNew`."""
    known = migrations()
    try:
        async with conn.transaction():
            done = {(int(number), str(phase)) for number, phase in await (await conn.execute(_DONE)).fetchall()}
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
        done = set[tuple[int, str]]()  # nobody migrated it, or only code from before roles could look
    refuse_newer(done, known)
    if missing := [str(one) for one in known if one.phase == "pre" and (one.number, one.phase) not in done]:
        raise SchemaTooOld(
            f"the database lacks {missing[0]}{f' and {len(missing) - 1} more' if missing[1:] else ''}:"
            " run `fairlead migrate --pre` with database.owner set"
        )


def refuse_newer(done: set[tuple[int, str]], known: list[Migration]) -> None:
    """Raises `SchemaTooNew` when the database knows a migration that this code does not."""
    newest = max((m.number for m in known), default=0)
    ahead = max((number for number, _ in done), default=0)
    if ahead > newest:
        raise SchemaTooNew(f"the database is at migration {ahead:04}, this code knows {newest:04}: upgrade Fairlead")


def _to_run(done: set[tuple[int, str]], phases: Collection[Phase]) -> list[Migration]:
    known = migrations()
    refuse_newer(done, known)
    waiting = [one for one in known if (one.number, one.phase) not in done]
    if "pre" not in phases and (early := [str(one) for one in waiting if one.phase == "pre"]):
        raise SchemaTooOld(f"{early[0]} has not run yet: run `fairlead migrate --pre` and replace the old code first")
    return [one for one in waiting if one.phase in phases]


async def _done(conn: Connection) -> set[tuple[int, str]]:
    row = await (await conn.execute("select to_regclass('migration')")).fetchone()
    if row is None or row[0] is None:
        return set()
    return {(int(number), str(phase)) for number, phase in await (await conn.execute(_DONE)).fetchall()}

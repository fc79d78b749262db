"""Migrations: pre and post apart, once, and code that refuses a schema it does not fit."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fairlead.config import load
from fairlead.store import migrate as room
from fairlead.store.database import Database, Dsns
from fairlead.store.migrate import Migration, SchemaTooNew, SchemaTooOld, check_schema, migrate
from fairlead.wiring.run import open_house, serve

GRANT = "grant select on migration to fairlead_app; create table one (id int)"
FILES = [
    Migration(number=1, phase="pre", name="one", text=GRANT),
    Migration(number=2, phase="pre", name="two", text="alter table one add column two int"),
    Migration(number=2, phase="post", name="two", text="alter table one drop column id"),
    Migration(number=3, phase="pre", name="three", text="create table three (id int)"),
]
NAMES = [str(one) for one in FILES]


@pytest_asyncio.fixture(loop_scope="session")
async def empty(database_dsns: Dsns, pg_dsn: str) -> AsyncIterator[Dsns]:
    """A database with roles and no schema."""
    assert database_dsns.owner is not None
    name = "empty_schema"
    async with await psycopg.AsyncConnection.connect(pg_dsn, autocommit=True) as admin:
        await admin.execute(sql.SQL("create database {} owner fairlead_owner").format(sql.Identifier(name)))
        try:
            yield Dsns(
                app=make_conninfo(database_dsns.app, dbname=name),
                door=make_conninfo(database_dsns.door, dbname=name),
                owner=make_conninfo(database_dsns.owner, dbname=name),
            )
        finally:
            await admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> list[Migration]:
    """The files this code knows; a test takes from it and gives to it."""
    files = list(FILES)
    monkeypatch.setattr(room, "migrations", lambda: files)
    return files


async def look(dsns: Dsns) -> None:
    database = await Database.open(dsns)
    try:
        async with database.nameless() as conn:
            await check_schema(conn)
    finally:
        await database.close()


async def test_pre_and_post_run_apart_and_post_never_first(empty: Dsns, known: list[Migration]) -> None:
    owner = empty.owner or ""
    assert await migrate(owner, dry_run=True) == NAMES
    async with await psycopg.AsyncConnection.connect(owner) as conn:
        assert await (await conn.execute("select to_regclass('migration'), to_regclass('one')")).fetchone() == (
            None,
            None,
        )
    with pytest.raises(SchemaTooOld, match=r"0001_one\.pre has not run"):
        await migrate(owner, phases=["post"])
    assert await migrate(owner, phases=["pre"]) == [NAMES[0], NAMES[1], NAMES[3]]
    await look(empty)  # old code may still run, and new code serves already
    assert await migrate(owner, phases=["post"], dry_run=True) == [NAMES[2]]
    assert await migrate(owner, phases=["post"]) == [NAMES[2]]
    assert await migrate(owner) == []
    known.append(Migration(number=4, phase="pre", name="four", text="create table four (id int)"))
    with pytest.raises(SchemaTooOld, match="0004_four"):
        await migrate(owner, phases=["post"])


async def test_two_who_migrate_at_once_do_it_once(empty: Dsns, known: list[Migration]) -> None:
    both = await asyncio.gather(*(migrate(empty.owner or "") for _ in range(4)))
    assert sorted(name for ran in both for name in ran) == sorted(NAMES)


async def test_code_refuses_a_schema_older_than_it_needs_and_names_the_command(
    empty: Dsns, known: list[Migration]
) -> None:
    with pytest.raises(SchemaTooOld, match=r"lacks 0001_one\.pre and 2 more: run `fairlead migrate --pre`"):
        await look(empty)
    last = known.pop()
    await migrate(empty.owner or "", phases=["pre"])
    await look(empty)
    known.append(last)
    with pytest.raises(SchemaTooOld, match=r"lacks 0003_three\.pre: run `fairlead migrate --pre`"):
        await look(empty)


async def test_code_refuses_a_schema_newer_than_it_knows(empty: Dsns, known: list[Migration]) -> None:
    await migrate(empty.owner or "")
    del known[3:]
    with pytest.raises(SchemaTooNew, match="at migration 0003, this code knows 0002"):
        await look(empty)
    with pytest.raises(SchemaTooNew):
        await migrate(empty.owner or "", dry_run=True)


@pytest.mark.parametrize(("number", "refusal"), [(None, SchemaTooOld), (9999, SchemaTooNew)])
async def test_serve_looks_before_it_starts(
    database_dsns: Dsns, pg_dsn: str, tmp_path, number: int | None, refusal: type[Exception]
) -> None:
    """The real files: the newest is taken away, or one from the future is there."""
    async with await psycopg.AsyncConnection.connect(database_dsns.owner or "", autocommit=True) as conn:
        if number is None:
            await conn.execute("delete from migration where number = (select max(number) from migration)")
        else:
            await conn.execute("insert into migration (number, phase, name) values (%s, 'pre', 'later')", (number,))
    flags = {
        "database.app": database_dsns.app, "database.door": database_dsns.door, "data_dir": str(tmp_path),
        "nats.url": "nats://127.0.0.1:9",
    }  # fmt: skip
    with pytest.raises(refusal):
        await serve(None, flags, ["api"], ready=lambda _: None)


async def test_a_house_opens_on_the_schema_it_was_made_for(database_dsns: Dsns, tmp_path) -> None:
    async with open_house(load(environ={}, flags={"data_dir": str(tmp_path)}), database_dsns):
        pass

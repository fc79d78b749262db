"""Makes the roles and the database, once, as a superuser of the cluster.

`fairlead up` calls it for the embedded PostgreSQL; an operator with a cluster of their own runs
`fairlead bootstrap` or does the same by hand (docs/operate/database.md). The three roles log in
with passwords of their own; none is a superuser and none bypasses row-level security.
"""

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from fairlead.store.database import Dsns

ROLES = ("fairlead_owner", "fairlead_app", "fairlead_door")


async def bootstrap(admin_dsn: str, *, database: str, password: str) -> Dsns:
    """Create the roles and `database` where they are missing; returns a DSN a role. Twice is once."""
    async with await psycopg.AsyncConnection.connect(admin_dsn, autocommit=True) as conn:
        for role in ROLES:
            known = await (await conn.execute("select 1 from pg_roles where rolname = %s", (role,))).fetchone()
            verb = "alter" if known else "create"
            await conn.execute(
                sql.SQL("{} role {} login nosuperuser nobypassrls nocreatedb nocreaterole password {}").format(
                    sql.SQL(verb), sql.Identifier(role), sql.Literal(password)
                )
            )
        known = await (await conn.execute("select 1 from pg_database where datname = %s", (database,))).fetchone()
        if not known:
            await conn.execute(
                sql.SQL("create database {} owner fairlead_owner").format(sql.Identifier(database)),
            )
    await _close_to_public(admin_dsn, database)
    return dsns(admin_dsn, database=database, password=password)


def dsns(admin_dsn: str, *, database: str, password: str) -> Dsns:
    """The DSNs that `bootstrap` made."""

    def of(role: str) -> str:
        return make_conninfo(admin_dsn, dbname=database, user=role, password=password)

    return Dsns(app=of("fairlead_app"), door=of("fairlead_door"), owner=of("fairlead_owner"))


async def _close_to_public(admin_dsn: str, database: str) -> None:
    async with await psycopg.AsyncConnection.connect(
        make_conninfo(admin_dsn, dbname=database), autocommit=True
    ) as conn:
        await conn.execute("revoke all on schema public from public")
        await conn.execute("grant usage, create on schema public to fairlead_owner")
        await conn.execute("grant usage on schema public to fairlead_app, fairlead_door")
        await conn.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(database)))
        await conn.execute(
            sql.SQL("grant connect, temporary on database {} to fairlead_owner, fairlead_app").format(
                sql.Identifier(database)
            )
        )
        await conn.execute(sql.SQL("grant connect on database {} to fairlead_door").format(sql.Identifier(database)))

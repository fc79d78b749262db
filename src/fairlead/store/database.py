"""The way to PostgreSQL: pools per role, and transactions that belong to one tenant.

Everything runs as `fairlead_app`, which row-level security binds (house §8); a transaction names
its tenant once, with `SET LOCAL` semantics, and sees nothing of any other. The nameless doors
(a device that shows only an identity) use `fairlead_door`, which may execute the directory lookup
and nothing else. `Database.open` refuses a role that would bypass the walls.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from fairlead.model.ids import TenantId

Connection = psycopg.AsyncConnection[TupleRow]

_SET_TENANT = "select set_config('app.tenant', %s, true)"
_WHO = "select rolsuper or rolbypassrls, current_user from pg_roles where rolname = current_user"


class WallsBypassed(RuntimeError):
    """The database role can see past the tenant walls; Fairlead refuses to start with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dsns:
    """Connection strings by role."""

    app: str  # fairlead_app: everything the server does
    door: str  # fairlead_door: the directory lookup of nameless doors
    owner: str | None = None  # fairlead_owner: migrations only


class Database:
    """Two pools, and transactions with a tenant."""

    def __init__(self, app: AsyncConnectionPool[Connection], door: AsyncConnectionPool[Connection]) -> None:
        self._app = app
        self._door = door

    @classmethod
    async def open(cls, dsns: Dsns, *, size: int = 16) -> Self:
        """Open the pools; raises `WallsBypassed` for a superuser or BYPASSRLS role."""
        app = AsyncConnectionPool[Any](
            dsns.app, min_size=1, max_size=size, open=False, configure=_configure, name="app"
        )
        door = AsyncConnectionPool[Any](
            dsns.door, min_size=1, max_size=4, open=False, configure=_configure, name="door"
        )
        await app.open(wait=True, timeout=15)
        await door.open(wait=True, timeout=15)
        database = cls(app, door)
        for pool in (app, door):
            async with pool.connection() as conn:
                row = await (await conn.execute(_WHO)).fetchone()
                if row is None or row[0]:
                    await database.close()
                    raise WallsBypassed(f"role {row[1] if row else '?'} bypasses row-level security: use fairlead_app")
        return database

    async def close(self) -> None:
        """Close both pools."""
        await self._app.close()
        await self._door.close()

    @asynccontextmanager
    async def tenant(self, tenant: TenantId) -> AsyncGenerator[Connection]:
        """One transaction that sees one tenant; commits at the end, rolls back on an exception."""
        async with self._app.connection() as conn, conn.transaction():
            await conn.execute(_SET_TENANT, (str(tenant),))
            yield conn

    @asynccontextmanager
    async def alone(self, tenant: TenantId) -> AsyncGenerator[Connection]:
        """One transaction that sees one tenant, beside which no other one resolves, plans, admits or takes back."""
        async with self.tenant(tenant) as conn:
            await alone(conn)
            yield conn

    @asynccontextmanager
    async def nameless(self) -> AsyncGenerator[Connection]:
        """One transaction without a tenant: only what stands outside the walls is visible."""
        async with self._app.connection() as conn, conn.transaction():
            yield conn

    @asynccontextmanager
    async def door(self) -> AsyncGenerator[Connection]:
        """One transaction as `fairlead_door`."""
        async with self._door.connection() as conn, conn.transaction():
            yield conn


async def _configure(conn: Connection) -> None:
    await conn.set_autocommit(True)  # transactions are opened by name, above


MANY: Final = 5_000
_ALONE: Final = "select pg_advisory_xact_lock(hashtextextended(current_setting('app.tenant'), 41))"


async def alone(conn: Connection) -> None:
    """Until this transaction ends, no other one of this tenant resolves, plans, admits or takes back.

    Taken before any row of `standing` or `stratum` is written, so that two of them never wait for each other.
    """
    await conn.execute(_ALONE)


@asynccontextmanager
async def fleet_wide(conn: Connection, table: Literal["opening", "admitted"]) -> AsyncGenerator[None]:
    """Where a temporary table holds many devices, join by hash: right after an import nobody has counted rows yet."""
    count = sql.SQL("select count(*) from (select 1 from {} limit {}) x").format(sql.Identifier(table), MANY)
    row = await (await conn.execute(count)).fetchone()
    many = row is not None and row[0] >= MANY
    if many:
        await conn.execute("select set_config('enable_nestloop', 'off', true)")
    yield
    if many:
        await conn.execute("select set_config('enable_nestloop', 'on', true)")

"""Keeps tenants: implements `engine.ports.tenants.TenantPort`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import psycopg

from fairlead.engine.ports.tenants import TenantExists, TenantRow
from fairlead.model.device import Tenant
from fairlead.model.ids import TenantId
from fairlead.model.journal import Entry
from fairlead.store.database import Database
from fairlead.store.fleet import TENANT_STATES
from fairlead.store.journal import append
from fairlead.store.statements import load

_SQL: Final = load("tenants")


class TenantStore:
    """See `engine.ports.tenants.TenantPort`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[TenantRow]:
        """Every tenant of the installation by name, in whatever state."""
        async with self._database.nameless() as conn:
            rows = await (await conn.execute(_SQL["tenants"])).fetchall()
        return [
            TenantRow(
                id=TenantId(number),
                tenant=Tenant(name=name, cell=cell, state=TENANT_STATES[state], created_at=created_at),
            )
            for number, name, cell, state, created_at in rows
        ]

    async def add(self, tenant: TenantId, name: str, cell: str, *, at: datetime, entry: Entry) -> None:
        """A new tenant and the first line of its journal. Raises `TenantExists`."""
        try:
            async with self._database.tenant(tenant) as conn:
                await conn.execute(_SQL["create_tenant"], {"id": tenant, "name": name, "cell": cell, "at": at})
                await append(conn, [entry])
        except psycopg.errors.UniqueViolation as taken:
            raise TenantExists(name) from taken

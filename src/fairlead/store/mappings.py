"""Keeps mappings of import files. Implements `engine.ports.mappings.MappingRows`."""

from collections.abc import Sequence
from typing import Final

from fairlead.engine.ports.mappings import KeptMapping
from fairlead.model.ids import TenantId
from fairlead.model.journal import Entry
from fairlead.store.database import Database
from fairlead.store.journal import append
from fairlead.store.statements import load

_SQL: Final = load("register")


class MappingStore:
    """The mappings of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mappings(self, tenant: TenantId, source: str | None = None) -> Sequence[KeptMapping]:
        """All by name, or one."""
        async with self._database.tenant(tenant) as conn:
            rows = await (await conn.execute(_SQL["mappings"], {"source": source})).fetchall()
        return [
            KeptMapping(source=name, text=body, updated_at=at, updated_by=by, version=version)
            for name, body, at, by, version in rows
        ]

    async def put(self, tenant: TenantId, mapping: KeptMapping, *, version: int, entries: Sequence[Entry]) -> bool:
        """Keep a new one (`version` 0), or replace the one of that version."""
        values = {
            "tenant": tenant, "source": mapping.source, "body": mapping.text, "now": mapping.updated_at,
            "actor": mapping.updated_by, "version": version,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            done = await conn.execute(_SQL["replace_mapping" if version else "add_mapping"], values)
            if done.rowcount == 1:
                await append(conn, entries)
        return done.rowcount == 1

    async def remove(self, tenant: TenantId, source: str, *, entries: Sequence[Entry]) -> bool:
        """Forget one."""
        async with self._database.tenant(tenant) as conn:
            done = await conn.execute(_SQL["remove_mapping"], {"source": source})
            if done.rowcount == 1:
                await append(conn, entries)
        return done.rowcount == 1

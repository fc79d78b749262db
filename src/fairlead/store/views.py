"""Keeps saved views in PostgreSQL. Implements `engine.ports.views.ViewRows`."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from fairlead.engine.ports.views import View
from fairlead.model.ids import PrincipalId, TenantId
from fairlead.model.journal import Entry
from fairlead.store.database import Database
from fairlead.store.journal import append
from fairlead.store.statements import load

_SQL: Final = load("views")
_EVERYBODY: Final = UUID(int=0)


class ViewStore:
    """The views of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def views(self, tenant: TenantId, owner: PrincipalId, screen: str | None) -> Sequence[View]:
        """A principal's own views and everybody's."""
        values = {"owner": owner, "shared": _EVERYBODY, "screen": screen}
        async with self._database.tenant(tenant) as conn:
            return [_view(row) for row in await (await conn.execute(_SQL["views"], values)).fetchall()]

    async def view(self, tenant: TenantId, owner: PrincipalId | None, screen: str, name: str) -> View | None:
        """One view."""
        async with self._database.tenant(tenant) as conn:
            row = await (await conn.execute(_SQL["view"], _key(owner, screen, name))).fetchone()
        return _view(row) if row else None

    async def put(
        self, tenant: TenantId, view: View, *, version: int | None, most: int, entries: Sequence[Entry]
    ) -> bool | None:
        """Keep a new view, or replace the one of that version."""
        values = _key(view.owner, view.screen, view.name) | {
            "tenant": tenant, "search": view.search, "author": view.author, "at": view.updated_at, "version": version,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            if version is None:
                row = await (await conn.execute(_SQL["count"], values)).fetchone()
                if row is not None and row[0] >= most:
                    return None
            done = await conn.execute(_SQL["add" if version is None else "replace"], values)
            if done.rowcount:
                await append(conn, entries)
        return bool(done.rowcount)

    async def remove(
        self, tenant: TenantId, owner: PrincipalId | None, screen: str, name: str, *, entries: Sequence[Entry]
    ) -> bool:
        """Forget a view."""
        async with self._database.tenant(tenant) as conn:
            done = await conn.execute(_SQL["remove"], _key(owner, screen, name))
            if done.rowcount:
                await append(conn, entries)
        return bool(done.rowcount)


def _key(owner: PrincipalId | None, screen: str, name: str) -> dict[str, Any]:
    return {"owner": owner or _EVERYBODY, "screen": screen, "name": name}


def _view(row: tuple[Any, ...]) -> View:
    return View(
        screen=row[0], name=row[1], owner=None if row[2] == _EVERYBODY else PrincipalId(row[2]), search=row[3],
        author=PrincipalId(row[4]), updated_at=row[5], version=row[6],
    )  # fmt: skip

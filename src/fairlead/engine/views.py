"""Saved views: a name for where the filters of a screen stand.

A view is the search part of the console's own URL, kept as text and never interpreted here: it
moves nothing and opens nothing that its reader could not open anyway. One's own views are nobody
else's business and leave no line; a view that is shared stands in everybody's list, so sharing and
unsharing do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fairlead.engine.journal import entry
from fairlead.engine.ports.views import View, ViewRows
from fairlead.model.access import Principal
from fairlead.model.ids import TenantId
from fairlead.model.journal import Action, Entry, Subject

MOST: Final = 200  # views a principal may keep, and views a tenant may share


class TooManyViews(Exception):
    """There are as many as may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which view."""

    screen: str
    name: str
    shared: bool


class Views:
    """The saved views of every tenant."""

    def __init__(self, rows: ViewRows) -> None:
        self._rows = rows

    async def all(self, me: Principal, screen: str | None) -> Sequence[View]:
        """One's own, and everybody's."""
        return await self._rows.views(me.tenant, me.id, screen)

    async def one(self, me: Principal, place: Place) -> View | None:
        """One view."""
        return await self._rows.view(me.tenant, None if place.shared else me.id, place.screen, place.name)

    async def put(
        self, me: Principal, actor: str, place: Place, search: str, *, version: int | None, now: datetime
    ) -> bool:
        """Keep a new view, or replace the one of that version; False where that is not how it is.

        Raises `TooManyViews`.
        """
        view = View(
            screen=place.screen, name=place.name, owner=None if place.shared else me.id, search=search, author=me.id,
            updated_at=now, version=(version or 0) + 1,
        )  # fmt: skip
        told = _told(me.tenant, actor, place, Action.VIEW_SHARED, now, {"search": search})
        done = await self._rows.put(me.tenant, view, version=version, most=MOST, entries=told)
        if done is None:
            raise TooManyViews(f"at most {MOST}")
        return done

    async def remove(self, me: Principal, actor: str, place: Place, *, now: datetime) -> bool:
        """Forget a view; False where there is none."""
        told = _told(me.tenant, actor, place, Action.VIEW_UNSHARED, now, {})
        owner = None if place.shared else me.id
        return await self._rows.remove(me.tenant, owner, place.screen, place.name, entries=told)


def _told(
    tenant: TenantId, actor: str, place: Place, action: Action, now: datetime, payload: dict[str, str]
) -> Sequence[Entry]:
    if not place.shared:
        return ()
    subject = Subject(kind="view", id=f"{place.screen}/{place.name}")
    return (entry(tenant=tenant, at=now, actor=actor, action=action, subject=subject, payload=payload),)

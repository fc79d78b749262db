"""What saved views need from the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairlead.model.ids import PrincipalId, TenantId
from fairlead.model.journal import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A saved view of one screen."""

    screen: str
    name: str
    owner: PrincipalId | None  # None: everybody's
    search: str  # of the URL, without its question mark
    author: PrincipalId
    updated_at: datetime
    version: int


class ViewRows(Protocol):
    """Keeps views."""

    async def views(self, tenant: TenantId, owner: PrincipalId, screen: str | None) -> Sequence[View]:
        """A principal's own views and everybody's, by screen and name."""
        ...

    async def view(self, tenant: TenantId, owner: PrincipalId | None, screen: str, name: str) -> View | None:
        """One view."""
        ...

    async def put(
        self, tenant: TenantId, view: View, *, version: int | None, most: int, entries: Sequence[Entry]
    ) -> bool | None:
        """Keep a new view (`version` None), or replace the one of that version.

        False where it is there already, or of another version; None where its owner has `most` already.
        """
        ...

    async def remove(
        self, tenant: TenantId, owner: PrincipalId | None, screen: str, name: str, *, entries: Sequence[Entry]
    ) -> bool:
        """Forget a view; False where there is none."""
        ...

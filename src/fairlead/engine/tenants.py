"""Tenants of an installation: made and listed by whoever runs it, on the database itself.

No principal of a tenant may see another tenant, so there is no endpoint for this: `fairlead up`
makes the first tenant, and the operator's commands call this room for all others. A new tenant has
nobody in it; `engine.people` prints the one-time code that makes its first owner.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.people import NotFitting
from fairlead.engine.ports.tenants import TenantPort, TenantRow
from fairlead.model.ids import TenantId
from fairlead.model.journal import Action, Subject

HOME_CELL: Final = "home"
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 §2.1: it stands in topics and user names
_EXPECTED: Final = "a DNS label: 1 to 63 of a-z, 0-9 and -, neither beginning nor ending with -"


class Tenants:
    """Makes tenants."""

    def __init__(self, store: TenantPort, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def all(self) -> Sequence[TenantRow]:
        """Every tenant by name."""
        return await self._store.all()

    async def named(self, name: str) -> TenantRow | None:
        """The tenant of that name, in whatever state."""
        return next((row for row in await self._store.all() if row.tenant.name == name), None)

    async def create(self, name: str, *, cell: str = HOME_CELL, actor: str = "system/setup") -> TenantId:
        """A new tenant. Raises `NotFitting` for a name or cell that is no label, and `TenantExists`."""
        for pointer, value in (("/name", name), ("/cell", cell)):
            if not _LABEL.fullmatch(value):
                raise NotFitting(pointer, _EXPECTED)
        now = self._clock()
        number = TenantId(uuid7(now))
        line = entry(
            tenant=number, at=now, actor=actor, action=Action.TENANT_CREATED,
            subject=Subject(kind="tenant", id=name), payload={"cell": cell},
        )  # fmt: skip
        await self._store.add(number, name, cell, at=now, entry=line)
        return number

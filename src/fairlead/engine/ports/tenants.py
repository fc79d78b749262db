"""What making tenants asks of its store: the one table outside the walls that names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairlead.model.device import Tenant
from fairlead.model.ids import TenantId
from fairlead.model.journal import Entry


class TenantExists(Exception):
    """The installation has a tenant of that name already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRow:
    """A tenant under its id."""

    id: TenantId
    tenant: Tenant


class TenantPort(Protocol):
    """`store.tenants.TenantStore` is one."""

    async def all(self) -> Sequence[TenantRow]:
        """Every tenant of the installation by name, in whatever state."""
        ...

    async def add(self, tenant: TenantId, name: str, cell: str, *, at: datetime, entry: Entry) -> None:
        """A new tenant and the first line of its journal. Raises `TenantExists`."""
        ...

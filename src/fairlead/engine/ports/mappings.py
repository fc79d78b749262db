"""What mappings of import files need from the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairlead.model.ids import TenantId
from fairlead.model.journal import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMapping:
    """A mapping as it was written."""

    source: str
    text: str
    updated_at: datetime
    updated_by: str
    version: int


class MappingRows(Protocol):
    """Keeps mappings by the name of their source."""

    async def mappings(self, tenant: TenantId, source: str | None = None) -> Sequence[KeptMapping]:
        """All by name, or one."""
        ...

    async def put(self, tenant: TenantId, mapping: KeptMapping, *, version: int, entries: Sequence[Entry]) -> bool:
        """Keep a new one (`version` 0), or replace the one of that version."""
        ...

    async def remove(self, tenant: TenantId, source: str, *, entries: Sequence[Entry]) -> bool:
        """Forget one."""
        ...

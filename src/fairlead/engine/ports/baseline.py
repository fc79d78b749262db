"""What the baseline needs from the store."""

from datetime import datetime
from typing import Protocol

from fairlead.insight.baseline import Inventory
from fairlead.model.ids import TenantId


class BaselineRows(Protocol):
    """Counts what the baseline judges."""

    async def inventory(self, tenant: TenantId, *, now: datetime, silent_days: int, notice_days: int) -> Inventory:
        """All of it, in one transaction; what takes too long is missing from `counted`."""
        ...

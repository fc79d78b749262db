"""What the console's first page needs from the store: everything that is counted, in one reading."""

from datetime import date
from typing import Protocol

from fairlead.insight.home import Figures
from fairlead.model.ids import TenantId


class HomeRows(Protocol):
    """Reads the figures of a tenant by index, whatever the size of its fleet."""

    async def figures(self, tenant: TenantId, today: date) -> Figures:
        """All figures as they were last counted; prices as of `today`."""
        ...

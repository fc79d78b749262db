"""What the device door needs from the store: the row behind a name."""

from dataclasses import dataclass, field
from typing import Protocol

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.ids import DeviceId, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorRow:
    """What is known of whoever knocks."""

    tenant: TenantId
    tenant_state: int
    device: DeviceId | None  # None: the tenant has no such device
    device_state: int = 0
    secret_hash: bytes | None = field(default=None, repr=False)  # None: never issued, or withdrawn


class DoorRows(Protocol):
    """Where devices are looked up by name."""

    async def find(self, tx: Transaction, tenant_name: str, device_name: str) -> DoorRow | None:
        """None when there is no such tenant. `tx` names no tenant; afterwards it is the one that was found."""
        ...

"""Looks up the device behind a user name that an MQTT client shows."""

from typing import Final

from fairlead.engine.ports.doorrows import DoorRow
from fairlead.model.ids import DeviceId, TenantId
from fairlead.store.database import Connection
from fairlead.store.statements import load

SQL: Final = load("devicedoor")


class DoorStore:
    """Implements `engine.ports.doorrows.DoorRows`."""

    async def find(self, tx: Connection, tenant_name: str, device_name: str) -> DoorRow | None:
        """The tenant, and its device of that name."""
        found = await (await tx.execute(SQL["enter"], {"name": tenant_name})).fetchone()
        if found is None:
            return None
        row = await (await tx.execute(SQL["device"], {"name": device_name})).fetchone()
        if row is None:
            return DoorRow(tenant=TenantId(found[0]), tenant_state=found[1], device=None)
        return DoorRow(
            tenant=TenantId(found[0]),
            tenant_state=found[1],
            device=DeviceId(row[0]),
            device_state=row[1],
            secret_hash=row[2],
        )

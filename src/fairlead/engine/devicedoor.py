"""Who may come in as a device: judged by its row and the hash of its secret.

`edge.mqtt.callout` asks for every connection; the store looks up one row. The secret itself is
hashed here and goes no further. Secrets are long and random, so that a plain SHA-256 is enough.
"""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from fairlead.engine.ports.devicedoor import Admitted, Refusal, Refused
from fairlead.engine.ports.doorrows import DoorRows
from fairlead.engine.ports.transaction import Transactions

_ACTIVE: Final = 1  # tenant.state
_QUARANTINED: Final = 4  # device.state
_RETIRED: Final = 5
_LASTS: Final = timedelta(hours=12)


class Door:
    """Implements `engine.ports.devicedoor.DeviceDoor`."""

    def __init__(
        self,
        transactions: Transactions,
        rows: DoorRows,
        *,
        real_now: Callable[[], datetime],  # the machine's clock: the broker judges by its own
        lasts: timedelta = _LASTS,
    ) -> None:
        self._transactions = transactions
        self._rows = rows
        self._real_now = real_now
        self._lasts = lasts

    async def admit(self, tenant_name: str, device_name: str, secret: str) -> Admitted | Refused:
        """Whether this device, showing this secret, may connect now. What the store raises goes through."""
        shown = sha256(secret.encode()).digest()
        async with self._transactions.nameless() as tx:
            row = await self._rows.find(tx, tenant_name, device_name)
        if row is None or row.device is None:
            return Refused(reason=Refusal.UNKNOWN)
        if row.secret_hash is None:
            return Refused(reason=Refusal.REVOKED)
        if not hmac.compare_digest(row.secret_hash, shown):
            return Refused(reason=Refusal.WRONG_SECRET)
        if row.tenant_state != _ACTIVE:  # said only to whoever knows the secret
            return Refused(reason=Refusal.TENANT_CLOSED)
        if row.device_state == _QUARANTINED:
            return Refused(reason=Refusal.QUARANTINED)
        if row.device_state == _RETIRED:
            return Refused(reason=Refusal.RETIRED)
        return Admitted(tenant=row.tenant, device=row.device, expires=self._real_now() + self._lasts)

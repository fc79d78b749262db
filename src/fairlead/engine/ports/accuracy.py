"""What trying forecasts on history needs from the store."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledPresence:
    """One run of presence of one device."""

    device: UUID
    country: str
    first: datetime
    last: datetime
    plmn: str
    home_country: str | None
    imsi: str | None
    iccid: str | None
    imei: str | None
    eid: str | None
    account: str | None
    apn: str | None


class AccuracyRows(Protocol):
    """Reads a sample of the fleet's history."""

    async def sample(self, tx: Transaction, devices: int, until: datetime) -> list[SampledPresence]: ...

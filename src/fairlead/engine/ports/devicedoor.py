"""Who may come in as a device: the question that every device listener asks before it lets one in.

`edge/mqtt` asks it for each MQTT connection. The store answers, through its nameless role, which
may execute the directory lookup and nothing else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from typing import Protocol

from fairlead.model.ids import DeviceId, TenantId


@unique
class Refusal(StrEnum):
    """Why a device may not come in. For counters and logs; the device itself hears only "no"."""

    UNKNOWN = "unknown"  # no such tenant or device
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - the name of a reason
    REVOKED = "revoked"  # its credential was withdrawn
    QUARANTINED = "quarantined"  # the device may not talk at present
    RETIRED = "retired"
    TENANT_CLOSED = "tenant_closed"
    MALFORMED = "malformed"  # the request itself: names, client id, signature
    UNAVAILABLE = "unavailable"  # we could not look; try again later


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Come in, until then."""

    tenant: TenantId
    device: DeviceId
    expires: datetime  # aware; by the real clock, since the broker judges it


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Stay out."""

    reason: Refusal


class DeviceDoor(Protocol):
    """Decides on one device at a time."""

    async def admit(self, tenant_name: str, device_name: str, secret: str) -> Admitted | Refused:
        """Whether this device, showing this secret, may connect now. The secret must not be logged or kept."""
        ...

"""What the engine needs from the store for shipments, certificates and the tenant's own rules of shipping."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.ids import TenantId
from fairlead.model.journal import Entry
from fairlead.model.lifecycle import ShipmentState
from fairlead.model.radio import Rat, SkuRadio, Sunset
from fairlead.model.shipment import Activation, Certificate, Consignment, Reason, Shipping, Topic

Whereabouts = Literal["arrived", "elsewhere", "unseen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """That somebody let a shipment leave in spite of its reasons."""

    approver: UUID
    reason: str
    at: datetime
    digest: bytes  # of the check it was said of: another check asks anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How many of a shipment were seen since it left, by the presence that was observed."""

    arrived: int = 0  # in the country it was sent to
    elsewhere: int = 0  # only in others
    countries: tuple[str, ...] = ()  # where those were seen last


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A shipment as it is kept."""

    id: UUID
    country: str
    sku: str | None
    leaves_on: date
    arrives_on: date
    route: str
    note: str
    state: ShipmentState
    author: UUID
    devices: int
    created_at: datetime
    checked_at: datetime | None = None
    digest: bytes | None = None
    reasons: tuple[Reason, ...] = ()
    activation: Activation = field(default_factory=Activation)
    override: Override | None = None
    change: UUID | None = None
    change_state: int | None = None
    left_at: datetime | None = None
    settled_at: datetime | None = None
    version: int = 1
    seen: Seen = field(default_factory=Seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Devices of a shipment that are alike to the judge, as the last check found them."""

    no: int
    about: Consignment
    devices: int
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedDevice:
    """One device of a shipment."""

    id: UUID
    name: str
    serial: str | None
    line: int | None  # of the last check
    whereabouts: Whereabouts
    country: str | None  # where it was seen last, since it left
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the tenant knows of a destination and of the SKUs and accounts that go there."""

    listed: Mapping[str, frozenset[Rat]]
    lists: frozenset[str]
    local: frozenset[str]
    radios: Sequence[SkuRadio]
    sunsets: Sequence[Sunset]
    certificates: Sequence[Certificate]
    shipping: Shipping


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What names and serials stand for."""

    devices: tuple[UUID, ...]
    unknown: tuple[str, ...]
    ambiguous: tuple[str, ...]  # serials that several devices have


class ShipmentRows(Protocol):
    """Shipments and their devices, always by the set."""

    async def named(self, tx: Transaction, names: Sequence[str]) -> Named:
        """Devices by name or, where no device has that name, by serial."""
        ...

    async def promised(self, tx: Transaction, devices: Sequence[UUID]) -> list[tuple[str, UUID]]:
        """Devices that another shipment, not left yet, has: name and shipment, the first hundred."""
        ...

    async def insert(self, tx: Transaction, shipment: Shipment, devices: Sequence[UUID]) -> None: ...

    async def read(self, tx: Transaction, shipment: UUID, *, lock: bool = False) -> Shipment | None: ...

    async def page(
        self, tx: Transaction, *, below: UUID | None, state: ShipmentState | None, limit: int
    ) -> list[Shipment]: ...

    async def consignments(self, tx: Transaction, shipment: UUID) -> list[tuple[Consignment, tuple[UUID, ...]]]:
        """Its devices, grouped by what the judge looks at."""
        ...

    async def known(self, tx: Transaction, country: str) -> Known: ...

    async def checked(
        self, tx: Transaction, shipment: Shipment, lines: Sequence[tuple[Consignment, Sequence[UUID], Sequence[Reason]]]
    ) -> None:
        """Keep what a check found: the shipment's own columns and its lines, anew."""
        ...

    async def lines(self, tx: Transaction, shipment: UUID) -> list[Line]: ...

    async def names(self, tx: Transaction, shipment: UUID) -> list[str]:
        """Names of its devices."""
        ...

    async def bind(self, tx: Transaction, shipment: UUID, country: str) -> int:
        """Write where its devices are sent, and have policies looked at again."""
        ...

    async def set_state(
        self, tx: Transaction, shipment: UUID, state: ShipmentState, now: datetime, **also: Any
    ) -> None:
        """Another state; `also` may hold `change` and `override`."""
        ...

    async def seen(self, tx: Transaction, shipments: Sequence[UUID]) -> dict[UUID, Seen]:
        """Where the devices of shipments that have left were seen since."""
        ...

    async def due(self, tx: Transaction, now: datetime, limit: int) -> list[Shipment]:
        """Those on their way whose arrival is to be counted, locked."""
        ...

    async def looked_at(self, tx: Transaction, shipments: Sequence[UUID], now: datetime) -> None: ...

    async def devices(
        self, tx: Transaction, shipment: UUID, *, above: UUID | None, line: int | None, where: Whereabouts | None,
        limit: int,
    ) -> list[ShippedDevice]: ...  # fmt: skip


class CertificateRows(Protocol):
    """What SKUs were granted, and how the tenant judges its shipments."""

    async def certificates(
        self, tenant: TenantId, *, country: str | None, sku: str | None, after: tuple[str, str, str] | None, limit: int
    ) -> list[Certificate]: ...

    async def put(
        self, tenant: TenantId, certificate: Certificate, *, now: datetime, entries: Sequence[Entry]
    ) -> Certificate | None:
        """Replace one at the version it names, 0 for a new one; None where it was edited since."""
        ...

    async def remove(
        self, tenant: TenantId, sku: str, country: str, topic: Topic, *, entries: Sequence[Entry]
    ) -> bool: ...

    async def shipping(self, tenant: TenantId) -> Shipping: ...

    async def put_shipping(
        self, tenant: TenantId, shipping: Shipping, *, now: datetime, entries: Sequence[Entry]
    ) -> bool: ...

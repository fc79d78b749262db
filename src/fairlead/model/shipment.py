"""A shipment as values: what is alike to the judge, what it finds, and what a tenant recorded of its SKUs.

A reason has one of three levels. *Refused*: the devices would be illegal, or out of reach, on arrival.
*Unknown*: nobody knows, and that is said; where the tenant is strict it stops a shipment too. *Warning*:
lawful and reachable, and still worth reading. Each reason says what to do. Pure; `insight.shipments` judges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, get_args

from fairlead.model.lifecycle import ShipmentState

Level = Literal["refused", "unknown", "warning"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
Overrider = Literal["nobody", "approver", "compliance"]  # compliance: or the owner
Topic = Literal["certification", "imei_registration"]
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)

MOST_DEVICES: Final = 10_000  # as many as one action may name
OPEN: Final = (ShipmentState.DRAFT, ShipmentState.REFUSED, ShipmentState.READY)  # not left yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """How a tenant judges its shipments."""

    strict: bool = False  # what nobody knows stops a shipment as well
    network_years: int = 2  # a SKU must have a network for so long after it arrived
    patience_days: int = 30  # after the day of arrival, before an activation is taken back
    version: int = 0  # 0: never edited


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a SKU was granted in a country, as the tenant recorded it."""

    sku: str
    country: str  # ISO 3166
    topic: Topic
    number: str
    valid_from: date | None = None
    valid_until: date | None = None  # the last day; None: without an end
    source: str | None = None
    as_of: date | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedSim:
    """A SIM of the devices of one line, as far as the judge looks at it."""

    account: str
    home: str | None  # country; None: nobody said
    used: bool  # the SIM in use, as far as it is known: what an activation switches on
    enabled: bool
    state: str  # of the subscription, in the words of the model
    esim: bool
    multi_imsi: bool
    stateless: bool = False  # its IMSI belongs to no country (MCC 901, 999): foreign everywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Consignment:
    """What is the same for all devices of one line."""

    sku: str | None
    life: str  # where the devices stand: manufactured, active, …
    imei: bool
    credential: bool  # it was issued one
    sims: tuple[ShippedSim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing found of a line, or of the whole shipment, and what to do about it."""

    level: Level
    code: str
    says: str
    do: str
    about: str = ""  # the account, SKU or rule it is about: part of the digest
    rule: str | None = None  # id of the regulatory rule behind it
    sources: tuple[str, ...] = ()
    as_of: date | None = None
    override: Overrider = "nobody"  # who may let it pass where it stops a shipment

    @property
    def key(self) -> str:
        """What of it is fixed: texts may name days that come nearer, the finding stays the same."""
        return f"{self.level}:{self.code}:{self.about}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Devices whose activation the planner could not make a recipe for."""

    code: str
    why: str
    devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What leaving would activate."""

    devices: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])  # by where they stand already
    blocked: tuple[Blocked, ...] = ()
    charged: str = ""  # what a carrier charges for, where the tenant asks another person then


def stops(reason: Reason, *, strict: bool) -> bool:
    """Whether a shipment may not leave with it."""
    return reason.level == "refused" or (strict and reason.level == "unknown")


def overrider(reason: Reason) -> Overrider:
    """Who may let it pass: what is not known, any approver; what is refused, as it says itself."""
    return "approver" if reason.level == "unknown" else reason.override

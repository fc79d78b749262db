"""What the shadow service needs: rows of shadows from the store, the arithmetic of states from the edge.

`engine.shadow` reads a batch, computes it, writes it, all in one transaction of one tenant. A read
takes no lock; a write names the version it read, and what another process has changed meanwhile is
left out of its answer, so that the caller looks again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.ids import TenantId

State: TypeAlias = dict[str, Any]  # a JSON object; never changed in place
Key: TypeAlias = tuple[UUID, int]  # device, facet number


class Unkeepable(Exception):
    """The store cannot keep something in this batch; the others in it are not to blame."""


class Contended(Exception):
    """Another transaction holds what this one needs, and it was this one that had to give way: do it again."""


class ShadowRow(NamedTuple):
    """One shadow as it is kept; a tuple, since thousands are made a second."""

    version: int  # 0: the device never reported this facet
    state: State
    at: datetime | None
    offered: State | None  # what it shows as desired, before the card's own values; None: nothing
    offered_generation: int
    observed_generation: int
    offered_at: datetime | None
    iccid: str | None  # of the card for the carrier that is asked for; the network facet only
    slot: int | None
    said_at: int | None = None  # the device's own time of its last report that had one


class ShadowWrite(NamedTuple):
    """What becomes of one shadow."""

    device: UUID
    facet: int
    expected: int  # the version that was read
    version: int
    state: bytes  # JSON
    observed: int | None  # the generation that the device has now reported back
    firmware: str | None  # a policy reads it: the version that runs
    config_hash: str | None  # a policy reads it: SHA-256 of the configuration
    said_at: int | None = None


class ShadowRows(Protocol):
    """Shadows in PostgreSQL, a batch a statement."""

    async def tenant_id(self, tx: Transaction, name: str) -> TenantId | None: ...
    async def tenant_name(self, tx: Transaction, tenant: TenantId) -> str | None: ...
    async def device_ids(self, tx: Transaction, names: Sequence[str]) -> dict[str, UUID]: ...
    async def device_names(self, tx: Transaction, devices: Sequence[UUID]) -> dict[UUID, str]: ...
    async def read(self, tx: Transaction, tenant: TenantId, keys: Sequence[Key]) -> list[ShadowRow]: ...
    async def write(self, tx: Transaction, writes: Sequence[ShadowWrite], now: datetime) -> set[Key]: ...


class Refusals(Protocol):
    """Where a device's "no" goes; `store.moves.MoveStore` is one."""

    async def refuse(self, tx: Transaction, device: UUID, facet: int, reason: str, now: datetime) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """How states merge and compare: the protocol defines it, so the edge brings it."""

    merge: Callable[[State, State], State]  # reported, patch
    delta: Callable[[State, State], State]  # of desired, what reported lacks
    encode: Callable[[Mapping[str, Any]], bytes]  # JSON, as it is kept: keys in order, so that it can be hashed
    limit_bytes: int  # of one state


class DeviceNudges(Protocol):
    """Telling devices that something is offered to them; they find out by themselves later if it is lost."""

    async def nudge_devices(self, tenant: TenantId, devices: Sequence[tuple[UUID, Sequence[int]]]) -> None:
        """Send each of these (device, facet numbers) what it is still missing. Never raises."""
        ...

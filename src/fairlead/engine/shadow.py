"""The shadow service: what devices report and ask, a batch of one tenant at a time.

`edge.mqtt.shadow` calls `apply` with whatever arrived in a few milliseconds and sends the answers
once it returns, hence after the commit. A batch costs one read and one write however many devices
are in it. Requests of one shadow are taken in their order; each gets a version of its own, and the
row is written once. When another process was faster with a row, its requests are judged anew.

A facet is acknowledged when nothing of what is offered is missing from what is reported: then
`observed_generation` meets the generation offered, and the proof of a step reads that. A device
that cannot or will not reports `refused`, which is an answer and not a state, and is not kept.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from fairlead.engine.ports.shadow import Arithmetic, Contended, Key, Refusals, ShadowRow, ShadowRows, ShadowWrite, State
from fairlead.engine.ports.transaction import Transaction, Transactions
from fairlead.model.facet import Facet
from fairlead.model.ids import TenantId

HINTS: Final = frozenset({"lease_s", "release", "method"})  # of the network facet: how, not what; needs no report
REFUSED: Final = "refused"
_NETWORK: Final = Facet.NETWORK.number
_CONFIG: Final = Facet.CONFIG.number
_FIRMWARE: Final = Facet.FIRMWARE.number
_ROUNDS: Final = 4  # how often a batch looks again at rows that another process changed
_TRIES: Final = 3  # of a batch that had to give way
_NAMES: Final = 50_000  # devices whose ids are kept at hand, for all tenants
_NAMES_LAST: Final = timedelta(minutes=5)
_VERSION_LIMIT: Final = 200  # characters of a firmware's version
_REASON_LIMIT: Final = 200


# --- what is asked, and what comes of it ---------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Update:
    """The device reports. `patch` None forgets all that was reported."""

    device: str
    facet: int
    patch: State | None
    version: int | None = None  # the one that the device believes it changes
    said_at: int | None = None  # by a clock or counter of the device's own that only grows


@dataclass(slots=True, kw_only=True)
class Get:
    """The device asks for the whole shadow."""

    device: str
    facet: int


@dataclass(slots=True, kw_only=True)
class Delete:
    """The device takes back all that it reported."""

    device: str
    facet: int


Ask: TypeAlias = Update | Get | Delete


@dataclass(slots=True, kw_only=True)
class Shadow:
    """A shadow at one version."""

    version: int
    desired: State
    reported: State
    delta: State
    desired_at: datetime | None
    reported_at: datetime | None


@dataclass(slots=True, kw_only=True)
class Updated:
    """The update is committed."""

    patch: State | None  # as it was merged
    before: Shadow
    after: Shadow
    push: bool  # the device should be told what is still missing


@dataclass(slots=True, kw_only=True)
class Forgotten:
    """The report is gone; this version says so."""

    version: int


@dataclass(slots=True, kw_only=True)
class Rejected:
    """Nothing was changed. Codes as HTTP has them."""

    code: int
    message: str


Answer: TypeAlias = Updated | Shadow | Forgotten | Rejected


@dataclass(slots=True, kw_only=True)
class Applied:
    """A batch that is committed."""

    answers: list[Answer]  # one a request, in their order
    # devices of which a facet was acknowledged or refused, or a fact that policies read has moved
    moved: list[UUID] = field(default_factory=list[UUID])


# --- one shadow while a batch is computed --------------------------------------------------------


def shown(facet: int, row: ShadowRow) -> State:
    """What a device sees as desired: the offered document, and which card is meant in a network facet."""
    if row.offered is None:
        return {}
    if facet != _NETWORK or row.iccid is None:
        return row.offered
    return row.offered | {"iccid": row.iccid, "slot": row.slot}


def missing(arithmetic: Arithmetic, facet: int, desired: State, reported: State) -> State:
    """What of `desired` is not reported. Hints ask for nothing themselves and go along with what does."""
    if facet != _NETWORK:
        return arithmetic.delta(desired, reported)
    found = arithmetic.delta({key: value for key, value in desired.items() if key not in HINTS}, reported)
    return {**found, **{key: desired[key] for key in desired.keys() & HINTS}} if found else found


def _refusal(patch: State) -> tuple[str, str] | None:
    """(reason, ICCID) of a device's "no"; None when it is not one. Text is bounded before it is kept."""
    said = patch[REFUSED]
    if not isinstance(said, dict):
        return None
    words = cast("dict[str, Any]", said)
    reason, iccid = words.get("reason"), words.get("iccid", "")
    if not isinstance(reason, str) or not reason or not isinstance(iccid, str):
        return None
    return reason[:_REASON_LIMIT], iccid


@dataclass(slots=True, kw_only=True)
class _Work:
    """One shadow of the batch: its row, and what the requests so far have made of it."""

    facet: int
    row: ShadowRow
    now: datetime
    arithmetic: Arithmetic
    desired: State = field(init=False)
    shadow: Shadow = field(init=False)
    refused: str | None = None
    touched: bool = False
    said_at: int | None = field(init=False)
    encoded: bytes = b""

    def __post_init__(self) -> None:
        row = self.row
        self.desired = shown(self.facet, row)
        self.said_at = row.said_at
        self.shadow = self._shadow(row.version, row.state, row.at, {})

    def _shadow(self, version: int, reported: State, at: datetime | None, delta: State) -> Shadow:
        return Shadow(
            version=version,
            desired=self.desired,
            reported=reported,
            delta=delta,
            desired_at=self.row.offered_at,
            reported_at=at,
        )

    def _missing(self, reported: State) -> State:
        return missing(self.arithmetic, self.facet, self.desired, reported) if self.desired else {}

    def whole(self) -> Shadow:
        """The shadow as it stands, with what is missing: an update has no use for that of the row as read."""
        if not self.touched:
            self.shadow.delta = self._missing(self.shadow.reported)
        return self.shadow

    def answer(self, ask: Ask) -> Answer:
        """What comes of one request; the shadow is then what it made of it."""
        match ask:
            case Update():
                return self._update(ask)
            case Get():
                if self.shadow.version == 0 and self.row.offered is None:
                    return Rejected(code=404, message="No shadow exists with this name")
                return self.whole()
            case Delete():
                if self.shadow.version == 0:
                    return Rejected(code=404, message="No shadow exists with this name")
                self._become({}, b"{}")
                return Forgotten(version=self.shadow.version)

    def _update(self, ask: Update) -> Updated | Rejected:
        before = self.shadow
        if ask.version is not None and ask.version != before.version:
            return Rejected(code=409, message=f"Version conflict: the shadow has version {before.version}")
        if ask.version is None and ask.said_at is not None and self.said_at is not None and ask.said_at < self.said_at:
            # The broker delivers at least once, and several of us share the work: an old report may come again.
            return Rejected(code=409, message=f"Out of date: the shadow was reported at {self.said_at} since")
        patch, refusal = ask.patch, None
        if patch is not None and REFUSED in patch:
            refusal = _refusal(patch)
            if refusal is None and patch[REFUSED] is not None:
                return Rejected(code=400, message="Invalid refused: expected an object with a reason")
            patch = {key: value for key, value in patch.items() if key != REFUSED}
        reported = {} if patch is None else self.arithmetic.merge(before.reported, patch)
        encoded = self.arithmetic.encode(reported)
        if len(encoded) > self.arithmetic.limit_bytes:
            message = f"The document of {len(encoded)} bytes exceeds the maximum size allowed"
            return Rejected(code=413, message=f"{message}, {self.arithmetic.limit_bytes}")
        self._become(reported, encoded)
        self.said_at = self.said_at if ask.said_at is None else ask.said_at
        if refusal is not None and self.shadow.delta and self._concerns(refusal[1]):
            self.refused = refusal[0]
        return Updated(patch=patch, before=before, after=self.shadow, push=bool(self.shadow.delta) and not self.refused)

    def _become(self, reported: State, encoded: bytes) -> None:
        self.shadow = self._shadow(self.shadow.version + 1, reported, self.now, self._missing(reported))
        self.encoded, self.touched = encoded, True

    def _concerns(self, iccid: str) -> bool:
        """A "no" to a card that is not offered any more is a late one."""
        return self.facet != _NETWORK or iccid == self.desired.get("iccid", "")

    def write(self, device: UUID) -> ShadowWrite:
        """The row as it is to be kept."""
        row, shadow = self.row, self.shadow
        observed: int | None = None
        if row.offered is not None and not shadow.delta and row.observed_generation < row.offered_generation:
            observed = row.offered_generation
        elif row.offered is not None and shadow.delta and row.observed_generation >= row.offered_generation:
            observed = row.offered_generation - 1  # it was in sync and has drifted
        version = shadow.reported.get("version") if self.facet == _FIRMWARE else None
        return ShadowWrite(
            device=device,
            facet=self.facet,
            expected=row.version,
            version=shadow.version,
            state=self.encoded,
            observed=observed,
            firmware=version[:_VERSION_LIMIT] if isinstance(version, str) else None,
            config_hash=sha256(self.encoded).hexdigest() if self.facet == _CONFIG else None,
            said_at=self.said_at,
        )


# --- the service ---------------------------------------------------------------------------------


class Shadows:
    """Shadows of all tenants, a batch of one tenant at a time."""

    def __init__(
        self,
        transactions: Transactions,
        rows: ShadowRows,
        refusals: Refusals,
        *,
        arithmetic: Arithmetic,
        now: Callable[[], datetime],
    ) -> None:
        self._transactions = transactions
        self._rows = rows
        self._refusals = refusals
        self._arithmetic = arithmetic
        self._now = now
        self._tenants: dict[str, TenantId] = {}
        self._devices: OrderedDict[tuple[TenantId, str], UUID] = OrderedDict()
        self._names_since: datetime | None = None

    async def tenant(self, name: str) -> TenantId | None:
        """The id of an active tenant."""
        self._age()
        if name not in self._tenants:
            async with self._transactions.nameless() as tx:
                found = await self._rows.tenant_id(tx, name)
            if found is None:
                return None
            self._tenants[name] = found
        return self._tenants[name]

    async def apply(self, tenant: TenantId, asks: Sequence[Ask]) -> Applied:
        """Carry out a batch; when this returns it is committed. What the store raises goes through."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(Contended):
                return await self._try(tenant, asks)
        return await self._try(tenant, asks)

    async def _try(self, tenant: TenantId, asks: Sequence[Ask]) -> Applied:
        nobody = Rejected(code=404, message="This device does not exist")
        applied = Applied(answers=[nobody] * len(asks))
        async with self._transactions.tenant(tenant) as tx:
            ids = await self._ids(tx, tenant, asks)
            left: dict[Key, list[int]] = {}
            for n, ask in enumerate(asks):
                device = ids.get(ask.device)
                if device is not None:
                    left.setdefault((device, ask.facet), []).append(n)
            for _ in range(_ROUNDS):
                if left:
                    left = await self._round(tx, tenant, left, asks, applied)
        late = Rejected(code=500, message="The shadow is being changed by others; try again")
        for numbers in left.values():
            for n in numbers:
                applied.answers[n] = late
        return applied

    async def _round(
        self, tx: Transaction, tenant: TenantId, left: Mapping[Key, list[int]], asks: Sequence[Ask], applied: Applied
    ) -> dict[Key, list[int]]:
        """Judge and write; answers the rows that another process changed first."""
        now, keys = self._now(), sorted(left)
        rows = await self._rows.read(tx, tenant, keys)
        works = {
            key: _Work(facet=key[1], row=row, now=now, arithmetic=self._arithmetic)
            for key, row in zip(keys, rows, strict=True)
        }
        for key, work in works.items():
            for n in left[key]:
                applied.answers[n] = work.answer(asks[n])
        writes = [work.write(device) for (device, _), work in works.items() if work.touched]
        if not writes:
            return {}
        written = await self._rows.write(tx, writes, now)
        for write in writes:
            key = (write.device, write.facet)
            if key not in written:
                continue
            reason = works[key].refused
            if reason is not None:
                await self._refusals.refuse(tx, write.device, write.facet, reason, now)
            if reason is not None or write.observed is not None or write.facet in {_CONFIG, _FIRMWARE}:
                applied.moved.append(write.device)
        return {key: left[key] for key, work in works.items() if work.touched and key not in written}

    async def look(
        self, tenant: TenantId, devices: Sequence[tuple[UUID, Sequence[int]]]
    ) -> tuple[str, list[tuple[str, int, Shadow]]]:
        """The tenant's name, and (device name, facet, shadow) of each that is asked for; reads only."""
        keys = sorted({(device, facet) for device, facets in devices for facet in facets})
        async with self._transactions.tenant(tenant) as tx:
            name = await self._rows.tenant_name(tx, tenant)
            names = await self._rows.device_names(tx, [device for device, _ in devices])
            rows = await self._rows.read(tx, tenant, keys)
        now = self._now()
        return name or "", [
            (names[key[0]], key[1], _Work(facet=key[1], row=row, now=now, arithmetic=self._arithmetic).whole())
            for key, row in zip(keys, rows, strict=True)
            if key[0] in names
        ]

    # --- names -----------------------------------------------------------------------------------

    async def _ids(self, tx: Transaction, tenant: TenantId, asks: Sequence[Ask]) -> dict[str, UUID]:
        known: dict[str, UUID] = {}
        unknown: set[str] = set()
        for name in {ask.device for ask in asks}:
            found = self._devices.get((tenant, name))
            if found is None:
                unknown.add(name)
            else:
                known[name] = found
        if unknown:
            fresh = await self._rows.device_ids(tx, sorted(unknown))
            known |= fresh
            for name, device in fresh.items():
                self._devices[tenant, name] = device
            while len(self._devices) > _NAMES:
                self._devices.popitem(last=False)
        return known

    def _age(self) -> None:
        """Names are looked up anew after a while: devices are renamed, tenants are closed."""
        now = self._now()
        if self._names_since is None or not timedelta(0) <= now - self._names_since < _NAMES_LAST:
            self._tenants.clear()
            self._devices.clear()
            self._names_since = now

"""Reading the fleet and editing its bindings: what the HTTP door asks for.

Policies, not people, decide what a device should be; what people edit here is who it is and where
it belongs (SKU, region, group, batch, tags, home country), and whether it may sign in. Each edit
leaves a journal line in its own transaction and marks the device, so that resolution looks again.
A caller bound to departments sees and touches the devices of those policy groups only.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Final, Literal

from fairlead.engine.journal import entry
from fairlead.engine.ports.events import Events, Silence
from fairlead.engine.ports.fleet import (
    Bindings,
    BreachWeek,
    Count,
    CountryLoad,
    CountStore,
    Departments,
    DeviceDetails,
    DeviceFilter,
    FleetStore,
    Found,
    FoundSubscriptions,
    Place,
    Price,
    SecretHolder,
    SubscriptionFilter,
    Tally,
)
from fairlead.model.device import DEVICE_STATES, Device, Subscription, Tenant
from fairlead.model.ids import DeviceId, SubscriptionId, TenantId, show
from fairlead.model.journal import Action, Entry, Json, Subject

BUDGET_S: Final = 0.025  # of a list: what one page may spend on looking
TALLY_BUDGET_S: Final = 0.15  # of a count over a filter
DIMENSIONS: Final = (
    "country", "carrier", "sku", "group", "region", "batch", "state", "stance", "connectivity", "roaming",
)  # fmt: skip
_COUNTED: Final = frozenset(DIMENSIONS) - {"roaming"}  # those that the counts of the fleet have
_SECRET_BYTES: Final = 32

Revoked = Callable[[TenantId, str], Awaitable[None]]  # (tenant, device name): its sessions must end


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """On whose behalf something is done."""

    tenant: TenantId
    name: str  # `usr_…` or `tok_…`, as the journal has it
    departments: Departments = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSecret:
    """What a device signs in with over MQTT. Shown once; only its hash is kept."""

    username: str  # also the client id: {tenant}/{device}
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownDevices:
    """Names that no device of the caller's has."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallied:
    """A count, and how far it can be trusted."""

    tally: Tally
    how: Literal["now", "counted", "at_least"]
    age_s: int


_CONDITIONS: Final = tuple(one.name for one in fields(DeviceFilter) if one.name != "departments")
DEVICE_WORDS: Final[Mapping[object, str]] = {state: word for word, state in DEVICE_STATES.items()}


def _as_counted(counts: Sequence[Count], dimension: str, value: str, by: Sequence[str], now: datetime) -> Tallied:
    """A figure of the last count of the fleet; no row means that there was none."""
    whole = next((one.n for one in counts if (one.dimension, one.value) == (dimension, value)), 0)
    told = {name: tuple((one.value, one.n) for one in counts if one.dimension == name) for name in by}
    age = max(0, int((now - counts[0].at).total_seconds()))
    return Tallied(tally=Tally(devices=whole, by=told, complete=True), how="counted", age_s=age)


class _Nobody:
    async def __call__(self, tenant: TenantId, device: str) -> None:
        """No listener holds device sessions here."""


class Fleet:
    """The fleet of every tenant."""

    def __init__(
        self, store: FleetStore, counts: CountStore, *, revoked: Revoked | None = None, events: Events | None = None
    ) -> None:
        self._store = store
        self._counts = counts
        self._events: Events = events or Silence()
        self._revoked: Revoked = revoked or _Nobody()

    async def tenant(self, actor: Actor) -> Tenant | None:
        """The tenant itself."""
        return await self._store.tenant(actor.tenant)

    async def devices(
        self, actor: Actor, which: DeviceFilter, *, query: str | None, after: Place | None, limit: int
    ) -> Found:
        """A page of devices; with a query, those one of whose names begins with it."""
        if query is None:
            return await self._store.devices(actor.tenant, which, after=after, limit=limit, budget_s=BUDGET_S)
        return await self._store.search(actor.tenant, query, which, after=after, limit=limit, budget_s=BUDGET_S)

    async def tally(self, actor: Actor, which: DeviceFilter, by: Sequence[str], *, now: datetime) -> Tallied:
        """How many devices fit: counted now as far as the time reaches, else as last counted, else at least so many."""
        asked = {name: value for name in _CONDITIONS if (value := getattr(which, name)) is not None}
        counted = [] if which.departments else await self.counts(actor)
        if not asked and counted and _COUNTED.issuperset(by):
            return _as_counted(counted, "all", "", by, now)
        found = await self._store.tally(actor.tenant, which, by, budget_s=TALLY_BUDGET_S)
        if found.complete:
            return Tallied(tally=found, how="now", age_s=0)
        if len(asked) == 1 and not by and counted and _COUNTED.issuperset(asked):
            ((name, value),) = asked.items()
            kept = _as_counted(counted, name, DEVICE_WORDS.get(value, str(value)), by, now)
            if kept.tally.devices >= found.devices:
                return kept
        return Tallied(tally=found, how="at_least", age_s=0)

    async def device(self, actor: Actor, ref: DeviceId | str) -> Device | None:
        """One device by id or name; None also where the actor's departments do not reach."""
        found = await self._store.device(actor.tenant, ref)
        if found is None or (actor.departments and found.group not in actor.departments):
            return None
        return found

    async def details(self, actor: Actor, device: Device) -> DeviceDetails:
        """Everything about a device."""
        return await self._store.details(actor.tenant, device)

    async def rebind(self, actor: Actor, device: Device, bindings: Bindings, *, version: int, now: datetime) -> bool:
        """Replace a device's bindings; False when it was edited since `version`."""
        before: Mapping[str, Json] = {
            "sku": device.sku, "region": device.region, "group": device.group, "batch": device.batch,
            "tags": list(device.tags), "home_country": device.facts.home_country,
        }  # fmt: skip
        after: Mapping[str, Json] = asdict(bindings) | {"tags": list(bindings.tags)}
        moved: Mapping[str, Json] = {
            name: {"from": before[name], "to": after[name]} for name in before if before[name] != after[name]
        }
        if not moved:
            return version == device.version
        line = self._line(actor, device, Action.DEVICE_CHANGED, now, payload=moved)
        return await self._store.rebind(actor.tenant, device.id, bindings, version=version, now=now, entries=(line,))

    async def issue_secret(self, actor: Actor, device: Device, *, now: datetime) -> DeviceSecret | None:
        """A new MQTT secret; the old one ends at once, and so do the sessions it opened."""
        password = secrets.token_urlsafe(_SECRET_BYTES)
        line = self._line(actor, device, Action.DEVICE_CREDENTIAL_ISSUED, now)
        hashed = hashlib.sha256(password.encode()).digest()
        tenant = await self._store.tenant(actor.tenant)
        if tenant is None or not await self._store.set_secret(
            actor.tenant, device.id, hashed, now=now, entries=(line,)
        ):
            return None
        if device.has_secret:
            await self._revoked(actor.tenant, device.name)
        return DeviceSecret(username=f"{tenant.name}/{device.name}", password=password)

    async def issue_secrets(
        self, actor: Actor, names: Sequence[str], *, now: datetime
    ) -> Sequence[DeviceSecret] | UnknownDevices:
        """New MQTT secrets for many devices, in one transaction; nothing happens when one of them is not there."""
        tenant = await self._store.tenant(actor.tenant)
        if tenant is None:
            return UnknownDevices(names=tuple(names))
        issued: list[DeviceSecret] = []
        replaced: list[str] = []
        unknown: list[str] = []

        def make(found: Sequence[SecretHolder]) -> tuple[list[tuple[DeviceId, bytes]], list[Entry]]:
            mine = [one for one in found if not actor.departments or one.group in actor.departments]
            unknown.extend(sorted(set(names) - {one.name for one in mine}))
            given: list[tuple[DeviceId, bytes]] = []
            lines: list[Entry] = []
            for one in () if unknown else mine:
                password = secrets.token_urlsafe(_SECRET_BYTES)
                given.append((one.id, hashlib.sha256(password.encode()).digest()))
                lines.append(self._line(actor, one, Action.DEVICE_CREDENTIAL_ISSUED, now))
                issued.append(DeviceSecret(username=f"{tenant.name}/{one.name}", password=password))
                if one.has_secret:
                    replaced.append(one.name)
            return given, lines

        await self._store.set_secrets(actor.tenant, sorted(set(names)), make, now=now)
        for name in replaced:
            await self._revoked(actor.tenant, name)
        return UnknownDevices(names=tuple(unknown)) if unknown else issued

    async def revoke_secret(self, actor: Actor, device: Device, *, now: datetime) -> None:
        """Take a device's right to sign in away, also while it is connected. Twice is once."""
        if device.has_secret:
            line = self._line(actor, device, Action.DEVICE_CREDENTIAL_REVOKED, now)
            await self._store.set_secret(actor.tenant, device.id, None, now=now, entries=(line,))
        await self._revoked(actor.tenant, device.name)

    async def hang_up(self, tenant: TenantId, names: Sequence[str]) -> None:
        """End the open connections of devices that may not come back."""
        for device in names:
            await self._revoked(tenant, device)

    async def subscriptions(
        self, actor: Actor, which: SubscriptionFilter, *, query: str | None, after: Place | None, limit: int
    ) -> FoundSubscriptions:
        """A page of subscriptions; with a query, those whose ICCID, IMSI, MSISDN or EID begins with it."""
        if query is None:
            return await self._store.subscriptions(actor.tenant, which, after=after, limit=limit, budget_s=BUDGET_S)
        return await self._store.search_subscriptions(
            actor.tenant, query, which, after=after, limit=limit, budget_s=BUDGET_S
        )

    async def sim_counts(self, actor: Actor) -> list[Count]:
        """Subscriptions in figures, as last counted."""
        return list(await self._counts.sim_counts(actor.tenant))

    async def subscription(self, actor: Actor, ref: SubscriptionId | str) -> Subscription | None:
        """One subscription by id or ICCID; with departments, only one whose device they reach."""
        found = await self._store.subscription(actor.tenant, ref)
        if found is None or not actor.departments:
            return found
        reached = found.device is not None and await self.device(actor, found.device) is not None
        return found if reached else None

    async def counts(self, actor: Actor) -> list[Count]:
        """The fleet in figures, as last counted."""
        return list(await self._counts.counts(actor.tenant))

    async def refresh_counts(self, tenant: TenantId, now: datetime) -> None:
        """Count the fleet anew. Called by a worker and after imports."""
        await self._counts.refresh(tenant, now)
        self._events.tell(tenant, "counts")

    async def glance(self, tenant: TenantId, now: datetime) -> None:
        """Count what the first page needs and only a scan can tell. Called by a worker, now and then."""
        await self._counts.glance(tenant, now)
        self._events.tell(tenant, "counts")

    async def refresh_sim_counts(self, tenant: TenantId, now: datetime) -> None:
        """Count subscriptions anew. Called by a worker, more rarely, and after imports of SIMs."""
        await self._counts.refresh_sims(tenant, now)

    async def country_loads(self, actor: Actor, now: datetime) -> list[CountryLoad]:
        """Devices by country and days left."""
        return list(await self._counts.country_loads(actor.tenant, now))

    async def forecast(self, actor: Actor, *, now: datetime, weeks: int) -> list[BreachWeek]:
        """Breaches by week and country, if presence goes on as it is."""
        return list(await self._counts.forecast(actor.tenant, now=now, until=now + timedelta(weeks=weeks)))

    async def prices(self, actor: Actor) -> list[Price]:
        """What plans cost."""
        return list(await self._counts.prices(actor.tenant))

    async def noted(
        self, actor: Actor, action: Action, subject: Subject, payload: Mapping[str, Json], *, now: datetime
    ) -> None:
        """Leave a line about something that wrote nothing else: an export taken, a clock set."""
        line = entry(
            tenant=actor.tenant, at=now, actor=actor.name, action=action, subject=subject, payload=payload
        )  # fmt: skip
        await self._store.append(actor.tenant, (line,))

    def _line(
        self, actor: Actor, device: Device | SecretHolder, action: Action, now: datetime,
        payload: Mapping[str, Json] | None = None,
    ) -> Entry:  # fmt: skip
        return entry(
            tenant=actor.tenant, at=now, actor=actor.name, action=action,
            subject=Subject(kind="device", id=show("dev", device.id)), payload={"name": device.name, **(payload or {})},
        )  # fmt: skip

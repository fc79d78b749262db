"""Keeps the fleet in PostgreSQL: devices, cards, profiles, subscriptions, carrier accounts.

Implements `engine.ports.fleet.FleetStore`. Every edit writes its journal line in the same
transaction and marks the device for resolution; lists and searches are in `store.devices`. The
bindings stand twice, in `device` (indexed, for lists) and in `fact` (what conditions read); both
are written here and in imports, together.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString, TypeVar

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from fairlead.engine.ports.fleet import (
    Bindings,
    ClockRow,
    DeviceDetails,
    DeviceFilter,
    FacetStatus,
    Found,
    FoundSubscriptions,
    InForce,
    LookAtAccounts,
    MakeSecrets,
    NewAccount,
    Place,
    PresenceRow,
    SealedAccount,
    SecretHolder,
    SessionRow,
    SubscriptionFilter,
    Tally,
)
from fairlead.model.device import (
    Account,
    Card,
    Device,
    Profile,
    Subscription,
    Tenant,
)
from fairlead.model.ids import AccountId, DeviceId, SubscriptionId, TenantId
from fairlead.model.journal import Entry
from fairlead.store.database import Connection, Database
from fairlead.store.devices import devices, fragment, listed, page, searched, text
from fairlead.store.journal import append
from fairlead.store.subscriptions import (
    listed_subscriptions,
    one_subscription,
    searched_subscriptions,
    subscriptions_of,
)
from fairlead.store.tallies import tallied

Row = TypeVar("Row")

TENANT_STATES: Final = {1: "active", 2: "suspended", 3: "closed"}
_ACCOUNT_COLUMNS: Final = frozenset(
    {"carrier", "home_country", "config", "credential", "iccid_digits", "staleness_s", "connector"}
)


class FleetStore:
    """The fleet of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tenant(self, tenant: TenantId) -> Tenant | None:
        """The tenant itself."""
        async with self._database.tenant(tenant) as conn:
            row = await (await conn.execute(text("tenant"), {"tenant": tenant})).fetchone()
        return Tenant(name=row[0], cell=row[1], state=TENANT_STATES[row[2]], created_at=row[3]) if row else None

    # --- devices -------------------------------------------------------------------------------

    async def devices(
        self, tenant: TenantId, which: DeviceFilter, *, after: Place | None, limit: int, budget_s: float
    ) -> Found:
        """Devices in the order of their ids (soonest breach first where only `breach_before` selects)."""
        async with self._database.tenant(tenant) as conn:
            return await page(conn, await listed(conn, which, after=after, limit=limit, budget_s=budget_s))

    async def search(
        self, tenant: TenantId, query: str, which: DeviceFilter, *, after: Place | None, limit: int, budget_s: float
    ) -> Found:
        """Devices one of whose names begins with `query`, exact hits of a name first."""
        async with self._database.tenant(tenant) as conn:
            return await page(conn, await searched(conn, query, which, after=after, limit=limit, budget_s=budget_s))

    async def tally(self, tenant: TenantId, which: DeviceFilter, by: Sequence[str], *, budget_s: float) -> Tally:
        """How many devices fit, whole and by dimension, as far as the time budget reaches."""
        async with self._database.tenant(tenant) as conn:
            return await tallied(conn, which, by, budget_s=budget_s)

    async def device(self, tenant: TenantId, ref: DeviceId | str) -> Device | None:
        """One device by id or name."""
        async with self._database.tenant(tenant) as conn:
            if isinstance(ref, str):
                row = await (await conn.execute(text("device_id"), {"name": ref})).fetchone()
                if row is None:
                    return None
                ref = DeviceId(row[0])
            return next(iter(await devices(conn, [ref])), None)

    async def details(self, tenant: TenantId, device: Device) -> DeviceDetails:
        """Everything about it."""
        of = {"device": device.id}
        async with self._database.tenant(tenant) as conn:
            return DeviceDetails(
                device=device,
                cards=await _rows(conn, Card, text("cards"), of),
                profiles=await _rows(conn, Profile, text("profiles"), of),
                subscriptions=await subscriptions_of(conn, device.id),
                facets=await _rows(conn, FacetStatus, text("facets"), of),
                sessions=await _rows(conn, SessionRow, text("sessions"), of),
                presence=await _rows(conn, PresenceRow, text("presence"), of),
                clocks=await _rows(conn, ClockRow, text("clocks"), of),
                in_force=await _rows(conn, InForce, text("in_force"), of),
                factory_record=await _one(conn, text("factory_record"), of),
            )

    async def rebind(
        self, tenant: TenantId, device: DeviceId, bindings: Bindings, *, version: int, now: datetime,
        entries: Sequence[Entry],
    ) -> bool:  # fmt: skip
        """Replace the bindings where the version still holds; False when it does not."""
        values = {
            "tenant": tenant, "device": device, "version": version, "now": now, "sku": bindings.sku,
            "region": bindings.region, "group": bindings.group, "batch": bindings.batch, "tags": list(bindings.tags),
            "home_country": bindings.home_country,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            if (await conn.execute(text("rebind_device"), values)).rowcount != 1:
                return False
            await conn.execute(text("rebind_fact"), values)
            await conn.execute(text("mark_dirty"), values)
            await append(conn, entries)
        return True

    async def set_secret(
        self, tenant: TenantId, device: DeviceId, secret_hash: bytes | None, *, now: datetime, entries: Sequence[Entry]
    ) -> bool:
        """Replace the hash of a device's MQTT secret; None takes its right to sign in away."""
        async with self._database.tenant(tenant) as conn:
            values = {"device": device, "hash": secret_hash, "now": now}
            if (await conn.execute(text("set_secret"), values)).rowcount != 1:
                return False
            await append(conn, entries)
        return True

    async def set_secrets(
        self, tenant: TenantId, names: Sequence[str], make: MakeSecrets, *, now: datetime
    ) -> Sequence[SecretHolder]:
        """Give hashes to many devices at once: `make` is told who was found, and says what each gets."""
        async with self._database.tenant(tenant) as conn:
            rows = await (await conn.execute(text("secret_holders"), {"names": list(names)})).fetchall()
            found = [SecretHolder(id=DeviceId(r[0]), name=r[1], group=r[2], has_secret=r[3]) for r in rows]
            given, entries = make(found)
            values = {"devices": [d for d, _ in given], "hashes": [h for _, h in given], "now": now}
            await conn.execute(text("set_secrets"), values)
            await append(conn, entries)
        return found

    async def append(self, tenant: TenantId, entries: Sequence[Entry]) -> None:
        """Journal lines that tell of a reading."""
        async with self._database.tenant(tenant) as conn:
            await append(conn, entries)

    # --- subscriptions -------------------------------------------------------------------------

    async def subscriptions(
        self, tenant: TenantId, which: SubscriptionFilter, *, after: Place | None, limit: int, budget_s: float
    ) -> FoundSubscriptions:
        """Subscriptions in the order of their ids."""
        async with self._database.tenant(tenant) as conn:
            return await listed_subscriptions(conn, which, after=after, limit=limit, budget_s=budget_s)

    async def search_subscriptions(
        self, tenant: TenantId, query: str, which: SubscriptionFilter, *, after: Place | None, limit: int,
        budget_s: float,
    ) -> FoundSubscriptions:  # fmt: skip
        """Subscriptions whose ICCID, IMSI, MSISDN or EID begins with `query`."""
        async with self._database.tenant(tenant) as conn:
            return await searched_subscriptions(conn, query, which, after=after, limit=limit, budget_s=budget_s)

    async def subscription(self, tenant: TenantId, ref: SubscriptionId | str) -> Subscription | None:
        """One subscription by id or ICCID."""
        async with self._database.tenant(tenant) as conn:
            return await one_subscription(conn, ref)

    # --- accounts ------------------------------------------------------------------------------

    async def accounts(self, tenant: TenantId) -> Sequence[Account]:
        """All carrier accounts by name."""
        async with self._database.tenant(tenant) as conn:
            return await _rows(conn, Account, text("accounts"), {})

    async def add_account(
        self, tenant: TenantId, account: NewAccount, *, now: datetime, entries: Sequence[Entry], look: LookAtAccounts
    ) -> bool:
        """Keep a new account; False when the name is taken. `look` sees all others first."""
        values = {
            "tenant": tenant, "id": account.id, "name": account.name, "connector": account.connector,
            "carrier": account.carrier, "home_country": account.home_country, "config": Jsonb(dict(account.config)),
            "credential": account.credential, "iccid_digits": account.iccid_digits,
            "staleness_s": account.staleness_s, "now": now,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            await _beside(conn, look)
            if (await conn.execute(text("add_account"), values)).rowcount != 1:
                return False
            await append(conn, entries)
        return True

    async def credential(self, tenant: TenantId, account: AccountId) -> bytes | None:
        """The sealed credential of an account."""
        async with self._database.tenant(tenant) as conn:
            row = await (await conn.execute(text("credential"), {"account": account})).fetchone()
        return bytes(row[0]) if row and row[0] is not None else None

    async def change_account(
        self, tenant: TenantId, account: AccountId, changes: Mapping[str, Any], *, version: int, now: datetime,
        entries: Sequence[Entry], look: LookAtAccounts | None = None,
    ) -> bool:  # fmt: skip
        """Change columns of an account where the version still holds. `look` as in `add_account`."""
        if not changes or not changes.keys() <= _ACCOUNT_COLUMNS:
            raise ValueError(f"not columns of an account: {sorted(changes.keys() - _ACCOUNT_COLUMNS)}")
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in sorted(changes)
        )
        values = {name: Jsonb(value) if name == "config" else value for name, value in changes.items()}
        query = fragment("change_account").format(changes=assignments)
        async with self._database.tenant(tenant) as conn:
            if look is not None:
                await _beside(conn, look)
            done = await conn.execute(query, values | {"account": account, "version": version, "now": now})
            if done.rowcount != 1:
                return False
            await append(conn, entries)
        return True


async def _beside(conn: Connection, look: LookAtAccounts) -> None:
    await conn.execute(text("alone_with_accounts"))
    look(await _rows(conn, SealedAccount, text("sealed_accounts"), {}))


async def _one(conn: Connection, query: LiteralString, values: Mapping[str, Any]) -> bool:
    row = await (await conn.execute(query, values)).fetchone()
    return bool(row and row[0])


async def _rows(conn: Connection, kind: type[Row], query: LiteralString, values: Mapping[str, Any]) -> list[Row]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        return await (await cursor.execute(query, values)).fetchall()

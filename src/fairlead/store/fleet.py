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
    MakeSecrets,
    NewAccount,
    Place,
    PresenceRow,
    SecretHolder,
    SessionRow,
    SubscriptionFilter,
)
from fairlead.model.device import (
    CONNECTIVITY_WORDS,
    SUBSCRIPTION_WORDS,
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
from fairlead.store.devices import NIL, START, devices, fragment, listed, page, searched, text
from fairlead.store.journal import append
from fairlead.store.walk import Budget, Chunk, walk

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
                subscriptions=await _subscriptions(conn, "device_subscriptions", of),
                facets=await _rows(conn, FacetStatus, text("facets"), of),
                sessions=await _rows(conn, SessionRow, text("sessions"), of),
                presence=await _rows(conn, PresenceRow, text("presence"), of),
                clocks=await _rows(conn, ClockRow, text("clocks"), of),
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
        self, tenant: TenantId, which: SubscriptionFilter, *, after: SubscriptionId | None, limit: int, budget_s: float
    ) -> FoundSubscriptions:
        """Subscriptions in the order of their ids."""
        asked = {
            name: value
            for name in ("account", "state", "device", "departments")
            if (value := getattr(which, name)) not in (None, frozenset())
        }
        values = asked | ({"departments": sorted(which.departments)} if which.departments else {})
        drives = "account" if which.account is not None else None
        judged = [fragment(f"subscription_is_{name}") for name in asked if name != drives]
        query = fragment("walk_subscription").format(
            wanted=sql.SQL(" and ").join(judged) if judged else sql.SQL("true"),
            drive=fragment("subscription_is_account") if drives else sql.SQL("true"),
        )
        if which.device is not None and which.account is None:
            return await self._of_device(tenant, which)

        async with self._database.tenant(tenant) as conn:

            async def step(place: Place, size: int, want: int) -> Chunk:
                given = values | {"after": place.id, "chunk": size, "want": want}
                row = await (await conn.execute(query, given)).fetchone()
                scanned, last, found = row or (0, None, [])
                return Chunk(
                    scanned=scanned,
                    last=None if last is None else Place(probe=0, value=None, id=last),
                    found=[Place(probe=0, value=None, id=one) for one in found],
                )

            start = Place(probe=0, value=None, id=after or NIL) if after else START
            walked = await walk(step, start, limit=limit, budget=Budget(budget_s), filtered=bool(judged))
            found = await _subscriptions(conn, "subscriptions", {"ids": [place.id for place in walked.found]})
        return FoundSubscriptions(
            subscriptions=found,
            next=SubscriptionId(walked.next.id) if walked.next else None,
            complete=walked.complete,
        )

    async def _of_device(self, tenant: TenantId, which: SubscriptionFilter) -> FoundSubscriptions:
        async with self._database.tenant(tenant) as conn:
            found = await _subscriptions(conn, "device_subscriptions", {"device": which.device})
        kept = [one for one in found if which.state is None or one.state is SUBSCRIPTION_WORDS[which.state]]
        return FoundSubscriptions(subscriptions=kept, next=None, complete=True)

    async def subscription(self, tenant: TenantId, ref: SubscriptionId | str) -> Subscription | None:
        """One subscription by id or ICCID."""
        by = "iccid" if isinstance(ref, str) else "id"
        async with self._database.tenant(tenant) as conn:
            found = await _subscriptions(conn, "subscription", {by: ref}, which=fragment(f"subscription_by_{by}"))
        return next(iter(found), None)

    # --- accounts ------------------------------------------------------------------------------

    async def accounts(self, tenant: TenantId) -> Sequence[Account]:
        """All carrier accounts by name."""
        async with self._database.tenant(tenant) as conn:
            return await _rows(conn, Account, text("accounts"), {})

    async def add_account(
        self, tenant: TenantId, account: NewAccount, *, now: datetime, entries: Sequence[Entry]
    ) -> bool:
        """Keep a new account; False when the name is taken."""
        values = {
            "tenant": tenant, "id": account.id, "name": account.name, "connector": account.connector,
            "carrier": account.carrier, "home_country": account.home_country, "config": Jsonb(dict(account.config)),
            "credential": account.credential, "iccid_digits": account.iccid_digits,
            "staleness_s": account.staleness_s, "now": now,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
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
        entries: Sequence[Entry],
    ) -> bool:  # fmt: skip
        """Change columns of an account where the version still holds."""
        if not changes or not changes.keys() <= _ACCOUNT_COLUMNS:
            raise ValueError(f"not columns of an account: {sorted(changes.keys() - _ACCOUNT_COLUMNS)}")
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in sorted(changes)
        )
        values = {name: Jsonb(value) if name == "config" else value for name, value in changes.items()}
        query = fragment("change_account").format(changes=assignments)
        async with self._database.tenant(tenant) as conn:
            done = await conn.execute(query, values | {"account": account, "version": version, "now": now})
            if done.rowcount != 1:
                return False
            await append(conn, entries)
        return True


async def _rows(conn: Connection, kind: type[Row], query: LiteralString, values: Mapping[str, Any]) -> list[Row]:
    async with conn.cursor(row_factory=class_row(kind)) as cursor:
        return await (await cursor.execute(query, values)).fetchall()


async def _subscriptions(
    conn: Connection, name: str, values: Mapping[str, Any], *, which: sql.Composable | None = None
) -> list[Subscription]:
    holes: dict[str, sql.Composable] = {"columns": fragment("subscription_columns")}
    if which is not None:
        holes["which"] = which
    rows = await (await conn.execute(fragment(name).format(**holes), values)).fetchall()
    return [
        Subscription(
            id=SubscriptionId(row[0]), iccid=row[1], account=row[2], device=row[3], plan=row[4],
            state=SUBSCRIPTION_WORDS[row[5]], provider_id=row[6], provider_state=row[7], hold_reasons=tuple(row[8]),
            auto_revert_at=row[9], observed_at=row[10], connectivity=CONNECTIVITY_WORDS[row[11]],
            connectivity_at=row[12],
        )
        for row in rows
    ]  # fmt: skip

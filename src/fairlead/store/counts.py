"""Counts of the fleet with their age, and the few questions that read all of it.

Implements `engine.ports.fleet.CountStore`. A count of a million devices takes a second; so the
console and the API read `fleet_count` and say how old it is, and a worker (and each import) counts
anew.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from psycopg.rows import class_row

from fairlead.engine.ports.fleet import BreachWeek, Count, CountryLoad, Price
from fairlead.model.device import CONNECTIVITY_WORDS, REMOTE_TECHNOLOGIES, SUBSCRIPTION_WORDS
from fairlead.model.ids import TenantId
from fairlead.store.database import Connection, Database
from fairlead.store.statements import load

_SQL: Final = load("counts")
_SIMS: Final = load("subscriptions")
_WORDS: Final = {
    "states": [SUBSCRIPTION_WORDS[code].value for code in sorted(SUBSCRIPTION_WORDS)],
    "connectivities": [CONNECTIVITY_WORDS[code].value for code in sorted(CONNECTIVITY_WORDS)],
    "remote_technologies": list(REMOTE_TECHNOLOGIES),
}
Row = TypeVar("Row")


async def refresh_counts(conn: Connection, tenant: TenantId, now: datetime) -> None:
    """Count the fleet anew, in one reading, in the transaction of `conn`."""
    await conn.execute(_SQL["refresh"], {"tenant": tenant, "now": now})
    await conn.execute(_SQL["forget_old"], {"now": now})


async def refresh_sim_counts(conn: Connection, tenant: TenantId, now: datetime) -> None:
    """Count subscriptions anew. Cards and places stand in other tables, so it takes three times as long."""
    await conn.execute(_SIMS["refresh"], {"tenant": tenant, "now": now, **_WORDS})
    await conn.execute(_SIMS["forget_old"], {"now": now})


class CountStore:
    """The counts of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def refresh(self, tenant: TenantId, now: datetime) -> None:
        """Count the fleet anew."""
        async with self._database.tenant(tenant) as conn:
            await refresh_counts(conn, tenant, now)

    async def glance(self, tenant: TenantId, now: datetime) -> None:
        """Count anew what the first page needs and only a scan can tell."""
        values = {"tenant": tenant, "now": now}
        async with self._database.tenant(tenant) as conn:
            for name in ("glance_out_of_sync", "glance_breaches", "glance_plans", "forget_old_glance"):
                await conn.execute(_SQL[name], values)

    async def refresh_sims(self, tenant: TenantId, now: datetime) -> None:
        """Count subscriptions anew."""
        async with self._database.tenant(tenant) as conn:
            await refresh_sim_counts(conn, tenant, now)

    async def counts(self, tenant: TenantId) -> Sequence[Count]:
        """All counts with their age."""
        return await self._read(tenant, Count, "counts")

    async def sim_counts(self, tenant: TenantId) -> Sequence[Count]:
        """All counts of subscriptions, with their age; the dimension without its prefix."""
        return await self._read(tenant, Count, "sim_counts")

    async def country_loads(self, tenant: TenantId, now: datetime) -> Sequence[CountryLoad]:
        """Devices by country and days left."""
        return await self._read(tenant, CountryLoad, "country_loads", {"now": now})

    async def forecast(self, tenant: TenantId, *, now: datetime, until: datetime) -> Sequence[BreachWeek]:
        """Breaches by week and country."""
        return await self._read(tenant, BreachWeek, "forecast", {"now": now, "until": until})

    async def prices(self, tenant: TenantId) -> Sequence[Price]:
        """All prices."""
        return await self._read(tenant, Price, "prices")

    async def _read(
        self, tenant: TenantId, kind: type[Row], name: str, values: dict[str, Any] | None = None
    ) -> list[Row]:
        async with self._database.tenant(tenant) as conn, conn.cursor(row_factory=class_row(kind)) as cursor:
            return await (await cursor.execute(_SQL[name], values or {})).fetchall()

"""Keeps what SKUs were granted in countries, and how a tenant judges its shipments."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from fairlead.engine.ports.shipments import CertificateRows
from fairlead.model.ids import TenantId
from fairlead.model.journal import Entry
from fairlead.model.shipment import Certificate, Shipping, Topic
from fairlead.store.database import Connection, Database
from fairlead.store.journal import append
from fairlead.store.statements import load

_SQL: Final = load("shipments")
_ALL: Final = 100_000  # certificates of one country: more than anybody's SKUs


class CertificateStore(CertificateRows):
    """The certificates of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def certificates(
        self, tenant: TenantId, *, country: str | None, sku: str | None, after: tuple[str, str, str] | None, limit: int
    ) -> list[Certificate]:
        """By SKU, country and topic."""
        async with self._database.tenant(tenant) as conn:
            return await read_certificates(conn, country=country, sku=sku, after=after, limit=limit)

    async def put(
        self, tenant: TenantId, certificate: Certificate, *, now: datetime, entries: Sequence[Entry]
    ) -> Certificate | None:
        """Replace one at the version it names, 0 for a new one; None where it was edited since."""
        values = asdict(certificate) | {"now": now}
        async with self._database.tenant(tenant) as conn:
            done = await conn.execute(_SQL["replace_certificate" if certificate.version else "add_certificate"], values)
            if done.rowcount != 1:
                return None
            await append(conn, entries)
            found = await read_certificates(conn, country=certificate.country, sku=certificate.sku)
        return next(one for one in found if one.topic == certificate.topic)

    async def remove(self, tenant: TenantId, sku: str, country: str, topic: Topic, *, entries: Sequence[Entry]) -> bool:
        """Take one away; False where there is none."""
        async with self._database.tenant(tenant) as conn:
            values = {"sku": sku, "country": country, "topic": topic}
            done = (await conn.execute(_SQL["remove_certificate"], values)).rowcount == 1
            if done:
                await append(conn, entries)
        return done

    async def shipping(self, tenant: TenantId) -> Shipping:
        """How the tenant judges its shipments."""
        async with self._database.tenant(tenant) as conn:
            return await read_shipping(conn)

    async def put_shipping(
        self, tenant: TenantId, shipping: Shipping, *, now: datetime, entries: Sequence[Entry]
    ) -> bool:
        """Replace it at the version it names; False where it was edited since."""
        values = asdict(shipping) | {"now": now}
        async with self._database.tenant(tenant) as conn:
            done = await conn.execute(_SQL["replace_shipping" if shipping.version else "add_shipping"], values)
            if done.rowcount == 1:
                await append(conn, entries)
        return done.rowcount == 1


async def read_certificates(
    conn: Connection, *, country: str | None = None, sku: str | None = None,
    after: tuple[str, str, str] | None = None, limit: int = _ALL,
) -> list[Certificate]:  # fmt: skip
    """Certificates of a country, of a SKU, or a page of all."""
    place = after or (None, None, None)
    values = {
        "country": country, "sku": sku, "after_sku": place[0], "after_country": place[1], "after_topic": place[2],
        "limit": limit,
    }  # fmt: skip
    return [
        Certificate(
            sku=r[0], country=r[1], topic=r[2], number=r[3], valid_from=r[4], valid_until=r[5], source=r[6], as_of=r[7],
            version=r[8],
        )
        for r in await (await conn.execute(_SQL["certificates"], values)).fetchall()
    ]  # fmt: skip


async def read_shipping(conn: Connection) -> Shipping:
    """How the tenant judges its shipments; the model's own where it never said."""
    row = await (await conn.execute(_SQL["shipping"])).fetchone()
    if row is None:
        return Shipping()
    return Shipping(strict=row[0], network_years=row[1], patience_days=row[2], version=row[3])

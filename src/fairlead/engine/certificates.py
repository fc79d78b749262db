"""What SKUs were granted in countries, and how strictly a tenant judges its shipments: records of people.

The rule packs say which country asks for an approval; which SKU holds one, and until when, only its maker
knows. Each edit replaces one record at the version that was read, and leaves a line.
"""

from collections.abc import Sequence
from datetime import datetime

from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.ports.shipments import CertificateRows
from fairlead.model.journal import Action, Entry, Json, Subject
from fairlead.model.shipment import Certificate, Shipping, Topic


class Certificates:
    """The certificates of every tenant."""

    def __init__(self, rows: CertificateRows) -> None:
        self._rows = rows

    async def page(
        self, actor: Actor, *, country: str | None, sku: str | None, after: tuple[str, str, str] | None, limit: int
    ) -> Sequence[Certificate]:
        """By SKU, country and topic."""
        return await self._rows.certificates(actor.tenant, country=country, sku=sku, after=after, limit=limit)

    async def put(self, actor: Actor, certificate: Certificate, now: datetime) -> Certificate | None:
        """Replace one at the version it names (0: there was none); None where it was edited since."""
        said: dict[str, Json] = {
            "country": certificate.country, "topic": certificate.topic, "number": certificate.number,
            "valid_until": certificate.valid_until.isoformat() if certificate.valid_until else None,
        }  # fmt: skip
        lines = [_line(actor, "sku", certificate.sku, Action.CERTIFICATE_CHANGED, now, said)]
        return await self._rows.put(actor.tenant, certificate, now=now, entries=lines)

    async def remove(self, actor: Actor, sku: str, country: str, topic: Topic, now: datetime) -> bool:
        """Take one away; False where there is none."""
        said: dict[str, Json] = {"country": country, "topic": topic}
        lines = [_line(actor, "sku", sku, Action.CERTIFICATE_REMOVED, now, said)]
        return await self._rows.remove(actor.tenant, sku, country, topic, entries=lines)

    async def shipping(self, actor: Actor) -> Shipping:
        """How the tenant judges its shipments."""
        return await self._rows.shipping(actor.tenant)

    async def put_shipping(self, actor: Actor, shipping: Shipping, now: datetime) -> bool:
        """Replace that; False where it was edited since."""
        said: dict[str, Json] = {
            "strict": shipping.strict, "network_years": shipping.network_years, "patience_days": shipping.patience_days,
        }  # fmt: skip
        lines = [_line(actor, "shipping", "settings", Action.SHIPPING_CHANGED, now, said)]
        return await self._rows.put_shipping(actor.tenant, shipping, now=now, entries=lines)


def _line(actor: Actor, kind: str, ident: str, action: Action, now: datetime, payload: dict[str, Json]) -> Entry:
    return entry(
        tenant=actor.tenant, at=now, actor=actor.name, action=action, subject=Subject(kind=kind, id=ident),
        payload=payload,
    )  # fmt: skip

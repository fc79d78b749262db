"""Arrivals: shipments that have left are counted by presence, and a finding tells of those that are late or astray.

Counted whenever somebody looks, and once an hour without anybody. A shipment has arrived when every device was
seen in its country; nothing is assumed of those that were not. The loop and `engine.shipments` call this.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from fairlead.engine.findings import Findings
from fairlead.engine.journal import entry
from fairlead.engine.ports.findings import Over
from fairlead.engine.ports.shipments import Seen, Shipment, ShipmentRows
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.stores import Stores
from fairlead.model.finding import Fact, FindingSubject, Severity, Sighting, shortened
from fairlead.model.ids import TenantId, show
from fairlead.model.journal import Action, Json, Subject
from fairlead.model.lifecycle import ShipmentState

SYSTEM: Final = "system/shipments"
_AT_ONCE: Final = 100
_NAME: Final = 80


class Arrivals:
    """What becomes of shipments of every tenant once they have left."""

    def __init__(self, stores: Stores, rows: ShipmentRows, findings: Findings) -> None:
        self._stores = stores
        self._rows = rows
        self._findings = findings

    async def counted(
        self, tx: Transaction, tenant: TenantId, shipments: Sequence[Shipment], now: datetime
    ) -> list[Shipment]:
        """The same, each with where its devices were seen; one that is complete becomes arrived."""
        gone = [one.id for one in shipments if one.left_at is not None]
        if not gone:
            return list(shipments)
        seen = await self._rows.seen(tx, gone)
        found: list[Shipment] = []
        for one in shipments:
            looked = replace(one, seen=seen.get(one.id, Seen()))
            if looked.state is ShipmentState.LEFT and looked.seen.arrived >= looked.devices:
                await self._arrived(tx, tenant, looked, now)
                looked = replace(looked, state=ShipmentState.ARRIVED, settled_at=now)
            found.append(looked)
        return found

    async def watch(self, tenant: TenantId, now: datetime) -> int:
        """Count those that are due, and tell of what is late or astray; how many."""
        async with self._stores.transactions.tenant(tenant) as tx:
            due = await self._rows.due(tx, now, _AT_ONCE)
            if not due:
                return 0
            await self._rows.looked_at(tx, [one.id for one in due], now)
            looked = [one for one in await self.counted(tx, tenant, due, now) if one.state is ShipmentState.LEFT]
            told = [sighting for one in looked if (sighting := _sighting(one, now)) is not None]
            await self._findings.raise_many(tx, tenant, told, now, actor=SYSTEM)
            fine = {_subject(one).key for one in looked} - {one.dedupe for one in told}
            if fine:
                over = Over(kind="shipment", keys=sorted(fine))
                await self._findings.close_many(tx, tenant, over, now, because="nothing is late", actor=SYSTEM)
        return len(due)

    async def _arrived(self, tx: Transaction, tenant: TenantId, shipment: Shipment, now: datetime) -> None:
        locked = await self._rows.read(tx, shipment.id, lock=True)
        if locked is None or locked.state is not ShipmentState.LEFT:
            return  # somebody else looked first
        await self._rows.set_state(tx, shipment.id, ShipmentState.ARRIVED, now)
        told: dict[str, Json] = {"devices": shipment.devices, "country": shipment.country}
        line = entry(
            tenant=tenant, at=now, actor=SYSTEM, action=Action.SHIPMENT_ARRIVED, payload=told,
            subject=Subject(kind="shipment", id=show("ship", shipment.id)),
        )  # fmt: skip
        await self._stores.append(tx, [line])
        over = Over(kind="shipment", keys=[_subject(shipment).key])
        await self._findings.close_many(tx, tenant, over, now, because="all of it has arrived", actor=SYSTEM)


def _subject(one: Shipment) -> FindingSubject:
    name = shortened(one.note, _NAME) or f"{one.devices} to {one.country}"
    return FindingSubject(kind="shipment", id=show("ship", one.id), name=name)


def _sighting(one: Shipment, now: datetime) -> Sighting | None:
    """Late: its day is over and not all were seen there. Astray: somebody was seen, and only elsewhere."""
    late = now.astimezone(UTC).date() > one.arrives_on
    if not late and not one.seen.elsewhere:
        return None
    missing = one.devices - one.seen.arrived
    where = f", {one.seen.elsewhere} of them only elsewhere" if one.seen.elsewhere else ""
    title = (
        f"{missing} of {one.devices} devices to {one.country} were not seen there by {one.arrives_on}{where}"
        if late
        else f"{one.seen.elsewhere} of {one.devices} devices to {one.country} were seen only elsewhere so far"
    )
    return Sighting(
        kind="shipment", severity=Severity.WARNING if late else Severity.INFO, subject=_subject(one), title=title,
        evidence={
            "devices": Fact(value=one.devices, unit="devices"),
            "arrived": Fact(value=one.seen.arrived, unit="devices"),
            "elsewhere": Fact(value=one.seen.elsewhere, unit="devices"),
            "unseen": Fact(value=missing - one.seen.elsewhere, unit="devices"),
            "elsewhere_in": Fact(value=list(one.seen.countries[:_AT_ONCE])),
            "country": Fact(value=one.country),
            "arrives_on": Fact(value=one.arrives_on.isoformat()),
            "change": Fact(value=show("chg", one.change) if one.change else None),
        },
    )  # fmt: skip

"""Keeps shipments. Implements `engine.ports.shipments.ShipmentRows`; every statement is by the set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final, cast
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from fairlead.engine.ports.shipments import (
    Known,
    Line,
    Named,
    Override,
    Seen,
    Shipment,
    ShippedDevice,
    Whereabouts,
)
from fairlead.model.device import SUBSCRIPTION_WORDS
from fairlead.model.lifecycle import ShipmentState
from fairlead.model.radio import Rat
from fairlead.model.shipment import Activation, Blocked, Consignment, Reason, ShippedSim
from fairlead.store.certificates import read_certificates, read_shipping
from fairlead.store.database import Connection
from fairlead.store.devices import NIL
from fairlead.store.register import read_skus, read_sunsets
from fairlead.store.statements import load

_SQL: Final = load("shipments")
_LAST: Final = UUID(int=(1 << 128) - 1)


class ShipmentStore:
    """The shipments of every tenant."""

    async def named(self, tx: Connection, names: Sequence[str]) -> Named:
        """Devices by name or, where no device has that name, by serial."""
        rows = await (await tx.execute(_SQL["named"], {"names": list(names)})).fetchall()
        found = [by_name or by_serial for _, by_name, by_serial, n in rows if by_name or n == 1]
        return Named(
            devices=tuple(sorted(set(found))),
            unknown=tuple(sorted(given for given, by_name, _, n in rows if by_name is None and n == 0)),
            ambiguous=tuple(sorted(given for given, by_name, _, n in rows if by_name is None and n > 1)),
        )

    async def promised(self, tx: Connection, devices: Sequence[UUID]) -> list[tuple[str, UUID]]:
        """Devices that another shipment, not left yet, has."""
        return list(await (await tx.execute(_SQL["promised"], {"devices": list(devices)})).fetchall())

    async def insert(self, tx: Connection, shipment: Shipment, devices: Sequence[UUID]) -> None:
        """Keep a new one."""
        values = {
            "id": shipment.id, "country": shipment.country, "sku": shipment.sku, "leaves_on": shipment.leaves_on,
            "arrives_on": shipment.arrives_on, "route": shipment.route, "note": shipment.note,
            "state": int(shipment.state), "author": shipment.author, "devices": shipment.devices,
            "now": shipment.created_at, "members": list(devices),
        }  # fmt: skip
        await tx.execute(_SQL["insert"], values)
        await tx.execute(_SQL["insert_devices"], values)

    async def read(self, tx: Connection, shipment: UUID, *, lock: bool = False) -> Shipment | None:
        """One, without what was seen of it since."""
        query = sql.SQL(_SQL["read"]).format(
            columns=sql.SQL(_SQL["columns"]), lock=sql.SQL("for update of s" if lock else "")
        )
        row = await (await tx.execute(query, {"id": shipment})).fetchone()
        return None if row is None else _shipment(row)

    async def page(
        self, tx: Connection, *, below: UUID | None, state: ShipmentState | None, limit: int
    ) -> list[Shipment]:
        """Newest first."""
        query = sql.SQL(_SQL["page"]).format(columns=sql.SQL(_SQL["columns"]))
        values = {"below": below or _LAST, "state": None if state is None else int(state), "limit": limit}
        return [_shipment(row) for row in await (await tx.execute(query, values)).fetchall()]

    async def consignments(self, tx: Connection, shipment: UUID) -> list[tuple[Consignment, tuple[UUID, ...]]]:
        """Its devices, grouped by what the judge looks at."""
        rows = await (await tx.execute(_SQL["consignments"], {"id": shipment})).fetchall()
        return [
            (
                Consignment(
                    sku=sku, life=life, imei=imei, credential=credential,
                    sims=tuple(
                        ShippedSim(
                            account=account, home=home, used=used, enabled=enabled,
                            state=SUBSCRIPTION_WORDS[state].value, esim=esim, multi_imsi=multi,
                            stateless=stateless,
                        )
                        for account, home, used, enabled, state, esim, multi, stateless in sims or ()
                    ),
                ),
                tuple(members),
            )
            for sku, life, imei, credential, sims, members in rows
        ]  # fmt: skip

    async def known(self, tx: Connection, country: str) -> Known:
        """What the tenant knows of a destination."""
        values = {"country": country}
        listed: dict[str, set[Rat]] = {}
        for account, rat in await (await tx.execute(_SQL["listed"], values)).fetchall():
            listed.setdefault(account, set()).add(Rat(rat))
        lists = await (await tx.execute(_SQL["lists"])).fetchall()
        local = await (await tx.execute(_SQL["local"], values)).fetchall()
        return Known(
            listed={account: frozenset(rats) for account, rats in listed.items()},
            lists=frozenset(row[0] for row in lists), local=frozenset(row[0] for row in local),
            radios=await read_skus(tx), sunsets=await read_sunsets(tx),
            certificates=await read_certificates(tx, country=country), shipping=await read_shipping(tx),
        )  # fmt: skip

    async def checked(
        self, tx: Connection, shipment: Shipment, lines: Sequence[tuple[Consignment, Sequence[UUID], Sequence[Reason]]]
    ) -> None:
        """Keep what a check found."""
        values = {
            "id": shipment.id, "state": int(shipment.state), "checked_at": shipment.checked_at,
            "digest": shipment.digest, "reasons": Jsonb([_show(one) for one in shipment.reasons]),
            "activation": Jsonb(asdict(shipment.activation)),
            "override": _override_json(shipment.override),
        }  # fmt: skip
        await tx.execute(_SQL["checked"], values)
        await tx.execute(_SQL["forget_lines"], values)
        rows = [
            {
                "id": shipment.id, "no": no, "about": Jsonb(asdict(about)), "devices": len(members),
                "reasons": Jsonb([_show(one) for one in reasons]),
            }
            for no, (about, members, reasons) in enumerate(lines, start=1)
        ]  # fmt: skip
        async with tx.cursor() as cursor:
            await cursor.executemany(_SQL["add_line"], rows)
        placed = [(device, no) for no, (_, members, _) in enumerate(lines, start=1) for device in members]
        at = {"id": shipment.id, "members": [one[0] for one in placed], "nos": [one[1] for one in placed]}
        await tx.execute(_SQL["set_lines"], at)

    async def lines(self, tx: Connection, shipment: UUID) -> list[Line]:
        """What the last check found of its devices."""
        rows = await (await tx.execute(_SQL["lines"], {"id": shipment})).fetchall()
        return [
            Line(no=no, about=_consignment(about), devices=devices, reasons=tuple(map(_reason, reasons)))
            for no, about, devices, reasons in rows
        ]

    async def names(self, tx: Connection, shipment: UUID) -> list[str]:
        """Names of its devices."""
        return [row[0] for row in await (await tx.execute(_SQL["names"], {"id": shipment})).fetchall()]

    async def bind(self, tx: Connection, shipment: UUID, country: str) -> int:
        """Write where its devices are sent, and have policies looked at again."""
        return (await tx.execute(_SQL["bind"], {"id": shipment, "country": country})).rowcount

    async def set_state(self, tx: Connection, shipment: UUID, state: ShipmentState, now: datetime, **also: Any) -> None:
        """Another state; `also` may hold `change` and `override`."""
        values = {
            "id": shipment, "state": int(state), "now": now, "change": also.get("change"),
            "override": _override_json(also.get("override")),
        }  # fmt: skip
        await tx.execute(_SQL["set_state"], values)

    async def seen(self, tx: Connection, shipments: Sequence[UUID]) -> dict[UUID, Seen]:
        """Where the devices of shipments that have left were seen since."""
        rows = await (await tx.execute(_SQL["seen"], {"ids": list(shipments)})).fetchall()
        return {row[0]: Seen(arrived=row[1], elsewhere=row[2], countries=tuple(sorted(row[3]))) for row in rows}

    async def due(self, tx: Connection, now: datetime, limit: int) -> list[Shipment]:
        """Those on their way whose arrival is to be counted, locked."""
        query = sql.SQL(_SQL["due"]).format(columns=sql.SQL(_SQL["columns"]))
        return [_shipment(row) for row in await (await tx.execute(query, {"now": now, "limit": limit})).fetchall()]

    async def looked_at(self, tx: Connection, shipments: Sequence[UUID], now: datetime) -> None:
        """Their arrival was counted."""
        await tx.execute(_SQL["looked_at"], {"ids": list(shipments), "now": now})

    async def devices(
        self, tx: Connection, shipment: UUID, *, above: UUID | None, line: int | None, where: Whereabouts | None,
        limit: int,
    ) -> list[ShippedDevice]:  # fmt: skip
        """Its devices, in a stable order."""
        values = {"id": shipment, "above": above or NIL, "line": line, "where": where, "limit": limit}
        rows = await (await tx.execute(_SQL["devices"], values)).fetchall()
        return [
            ShippedDevice(
                id=r[0], name=r[1], serial=r[2], line=r[3], whereabouts=cast("Whereabouts", r[4]), country=r[5],
                seen_at=r[6],
            )
            for r in rows
        ]  # fmt: skip


def _shipment(row: Sequence[Any]) -> Shipment:
    return Shipment(
        id=row[0], country=row[1], sku=row[2], leaves_on=row[3], arrives_on=row[4], route=row[5], note=row[6],
        state=ShipmentState(row[7]), author=row[8], devices=row[9], created_at=row[10], checked_at=row[11],
        digest=None if row[12] is None else bytes(row[12]), reasons=tuple(map(_reason, row[13])),
        activation=_activation(row[14]), override=_override(row[15]), change=row[16], left_at=row[17],
        settled_at=row[18], version=row[19], change_state=row[20],
    )  # fmt: skip


def _show(reason: Reason) -> dict[str, Any]:
    return asdict(reason) | {"as_of": reason.as_of.isoformat() if reason.as_of else None}


def _reason(shown: Mapping[str, Any]) -> Reason:
    day = shown["as_of"]
    known = {name: value for name, value in shown.items() if name not in {"as_of", "sources"}}
    return Reason(**known, sources=tuple(shown["sources"]), as_of=date.fromisoformat(day) if day else None)


def _consignment(shown: Mapping[str, Any]) -> Consignment:
    sims = tuple(ShippedSim(**sim) for sim in shown["sims"])
    return Consignment(**{name: value for name, value in shown.items() if name != "sims"}, sims=sims)


def _activation(shown: Mapping[str, Any]) -> Activation:
    if not shown:
        return Activation()
    return Activation(
        devices=shown["devices"], left_out=shown["left_out"],
        blocked=tuple(Blocked(**one) for one in shown["blocked"]), charged=shown["charged"],
    )  # fmt: skip


def _override_json(override: Override | None) -> Jsonb | None:
    if override is None:
        return None
    return Jsonb({
        "approver": str(override.approver), "reason": override.reason, "at": override.at.isoformat(),
        "digest": override.digest.hex(),
    })  # fmt: skip


def _override(shown: Mapping[str, Any] | None) -> Override | None:
    if shown is None:
        return None
    return Override(
        approver=UUID(shown["approver"]),
        reason=shown["reason"],
        at=datetime.fromisoformat(shown["at"]),
        digest=bytes.fromhex(shown["digest"]),
    )

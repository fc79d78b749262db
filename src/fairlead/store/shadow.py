"""Shadows in PostgreSQL: one read and one write a batch, whatever the number of devices."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast
from uuid import UUID

import msgspec
import psycopg

from fairlead.engine.ports.shadow import Contended, Key, ShadowRow, ShadowWrite, State, Unkeepable
from fairlead.model.ids import TenantId
from fairlead.store.database import Connection
from fairlead.store.statements import load

SQL: Final = load("shadow")
_DOCUMENTS: Final = 4_096  # kept at hand; they never change


class ShadowStore:
    """Implements `engine.ports.shadow.ShadowRows`. One for all tenants of a process."""

    def __init__(self) -> None:
        self._documents: OrderedDict[tuple[TenantId, int], State] = OrderedDict()

    async def tenant_id(self, tx: Connection, name: str) -> TenantId | None:
        """The id of an active tenant."""
        row = await (await tx.execute(SQL["tenant_id"], {"name": name})).fetchone()
        return None if row is None or row[0] is None else TenantId(row[0])

    async def tenant_name(self, tx: Connection, tenant: TenantId) -> str | None:
        """The name of a tenant."""
        row = await (await tx.execute(SQL["tenant_name"], {"tenant": tenant})).fetchone()
        return None if row is None else row[0]

    async def device_ids(self, tx: Connection, names: Sequence[str]) -> dict[str, UUID]:
        """Ids of those that exist and are not retired."""
        return dict(await (await tx.execute(SQL["device_ids"], {"names": list(names)})).fetchall())

    async def device_names(self, tx: Connection, devices: Sequence[UUID]) -> dict[UUID, str]:
        """Names of those that exist."""
        return dict(await (await tx.execute(SQL["device_names"], {"devices": list(devices)})).fetchall())

    async def read(self, tx: Connection, tenant: TenantId, keys: Sequence[Key]) -> list[ShadowRow]:
        """The shadows of these keys, in their order; those that never reported have version 0."""
        values = {
            "devices": _array([device.hex for device, _ in keys]),
            "facets": _array([str(facet) for _, facet in keys]),
        }
        rows = await (await tx.execute(SQL["read"], values)).fetchall()
        documents = await self._contents(tx, tenant, {row[3] for row in rows if row[3] is not None})
        decode = msgspec.json.decode
        return [
            ShadowRow(
                row[0],
                {} if row[1] is None else cast("State", decode(row[1])),
                row[2],
                None if row[3] is None else documents[row[3]],
                *row[4:],
            )
            for row in rows
        ]

    async def _contents(self, tx: Connection, tenant: TenantId, ids: set[int]) -> dict[int, State]:
        kept = self._documents
        found = {each: kept[tenant, each] for each in ids if (tenant, each) in kept}
        absent = ids - found.keys()
        if absent:
            for each, content in await (await tx.execute(SQL["documents"], {"ids": sorted(absent)})).fetchall():
                found[each] = kept[tenant, each] = cast("State", msgspec.json.decode(content))
            while len(kept) > _DOCUMENTS:
                kept.popitem(last=False)
        return found

    async def write(self, tx: Connection, writes: Sequence[ShadowWrite], now: datetime) -> set[Key]:
        """Write those rows that nobody changed since they were read; answers which these were."""
        values = {
            "devices": _array([write.device.hex for write in writes]),
            "facets": _array([str(write.facet) for write in writes]),
            "expected": _array([str(write.expected) for write in writes]),
            "versions": _array([str(write.version) for write in writes]),
            "states": (b"[%b]" % b",".join([write.state for write in writes])).decode(),
            "observed": _array(["NULL" if write.observed is None else str(write.observed) for write in writes]),
            "firmware": [write.firmware for write in writes],
            "config": _array([write.config_hash or "NULL" for write in writes]),
            "said": _array(["NULL" if write.said_at is None else str(write.said_at) for write in writes]),
            "now": now,
        }
        try:
            rows = await (await tx.execute(SQL["write"], values)).fetchall()
        except psycopg.DataError as refusal:
            raise Unkeepable(str(refusal)) from refusal
        except psycopg.errors.DeadlockDetected as refusal:
            raise Contended(str(refusal)) from refusal
        numbers: list[int] = [row[0] for row in rows]
        return {(writes[n - 1].device, writes[n - 1].facet) for n in numbers}


def _array(items: Sequence[str]) -> str:
    """A PostgreSQL array of ids, numbers or hexadecimal digits, written at once: nothing in it needs quotes."""
    return "{" + ",".join(items) + "}"

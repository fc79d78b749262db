"""Keeps the carriers' register in PostgreSQL. Implements `engine.ports.register.RegisterRows`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from fairlead.engine.ports.register import Registered
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.journal import Entry
from fairlead.model.radio import Rat, SkuRadio, Sunset
from fairlead.model.register import Contract, Covered, DueDiligence, Fee
from fairlead.store.database import Connection, Database
from fairlead.store.journal import append
from fairlead.store.statements import load

_SQL: Final = load("register")


class RegisterStore:
    """The register of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def records(self, tenant: TenantId, account: AccountId | None = None) -> Sequence[Registered]:
        """Every account by name, or one."""
        async with self._database.tenant(tenant) as conn:
            values = {"account": account}
            rows = await (await conn.execute(_SQL["records"], values)).fetchall()
            found = await (await conn.execute(_SQL["contracts"], values)).fetchall()
        contracts: dict[UUID, list[Contract]] = {}
        for of, number, starts_on, ends_on, notice_days, committed_sims, commitment in found:
            contracts.setdefault(of, []).append(
                Contract(
                    number=number, starts_on=starts_on, ends_on=ends_on, notice_days=notice_days,
                    committed_sims=committed_sims, commitment=commitment,
                )
            )  # fmt: skip
        return [_registered(row, contracts.get(row[16], [])) for row in rows]

    async def put(
        self, tenant: TenantId, account: AccountId, known: DueDiligence, *, version: int, now: datetime, actor: str,
        entries: Sequence[Entry],
    ) -> bool:  # fmt: skip
        """Replace the record and its contracts where the version still holds."""
        lists = {name: _list(getattr(known, name)) for name in ("upstream", "breakout", "local_imsis", "plans")}
        values = {
            "tenant": tenant, "account": account, "version": version, "now": now, "actor": actor, "kind": known.kind,
            "fees": None if known.fees is None else Jsonb([asdict(fee) for fee in known.fees]),
            "contacts": known.contacts, "notes": known.notes, "source": known.source, "as_of": known.as_of, **lists,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            if (await conn.execute(_SQL["replace" if version else "add"], values)).rowcount != 1:
                return False
            await conn.execute(_SQL["forget_contracts"], values)
            for contract in known.contracts:
                await conn.execute(_SQL["add_contract"], {"tenant": tenant, "account": account} | asdict(contract))
            await append(conn, entries)
        return True

    async def coverage(self, tenant: TenantId, account: AccountId) -> Sequence[Covered]:
        """What an account lists, by country and technology."""
        async with self._database.tenant(tenant) as conn:
            rows = await (await conn.execute(_SQL["coverage"], {"account": account})).fetchall()
        return [
            Covered(country=country, rat=Rat(rat), source=source, as_of=as_of) for country, rat, source, as_of in rows
        ]

    async def put_coverage(
        self, tenant: TenantId, account: AccountId, listed: Sequence[Covered], *, version: int, now: datetime,
        actor: str, entries: Sequence[Entry],
    ) -> bool:  # fmt: skip
        """Replace the list where the version of the record still holds."""
        values: dict[str, Any] = {
            "tenant": tenant, "account": account, "version": version, "now": now, "actor": actor,
            "countries": [one.country for one in listed], "rats": [one.rat.value for one in listed],
            "sources": [one.source for one in listed], "days": [one.as_of for one in listed],
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            if (await conn.execute(_SQL["touch" if version else "begin"], values)).rowcount != 1:
                return False
            await conn.execute(_SQL["forget_coverage"], values)
            await conn.execute(_SQL["add_coverage"], values)
            await append(conn, entries)
        return True

    async def skus(self, tenant: TenantId) -> Sequence[SkuRadio]:
        """The radios that are known, by SKU."""
        async with self._database.tenant(tenant) as conn:
            return await read_skus(conn)

    async def put_sku(self, tenant: TenantId, radio: SkuRadio, *, now: datetime, entries: Sequence[Entry]) -> bool:
        """Replace a SKU's radio; its `version` is the one before, 0 for a new one."""
        values = {
            "tenant": tenant, "sku": radio.sku, "rats": [rat.value for rat in radio.rats], "bands": list(radio.bands),
            "source": radio.source, "as_of": radio.as_of, "now": now, "version": radio.version,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            done = await conn.execute(_SQL["replace_sku" if radio.version else "add_sku"], values)
            if done.rowcount == 1:
                await append(conn, entries)
        return done.rowcount == 1

    async def sunsets(self, tenant: TenantId) -> Sequence[Sunset]:
        """The tenant's own rows."""
        async with self._database.tenant(tenant) as conn:
            return await read_sunsets(conn)


async def read_skus(conn: Connection) -> list[SkuRadio]:
    """The radios that are known, by SKU."""
    return [
        SkuRadio(
            sku=sku, rats=tuple(Rat(rat) for rat in rats), bands=tuple(bands), source=source, as_of=as_of,
            version=version,
        )
        for sku, rats, bands, source, as_of, version in await (await conn.execute(_SQL["skus"])).fetchall()
    ]  # fmt: skip


async def read_sunsets(conn: Connection) -> list[Sunset]:
    """The tenant's own rows."""
    return [
        Sunset(
            country=country, rat=Rat(rat), plmn=plmn, off_on=off_on, confidence=confidence, source=source, as_of=as_of,
            own=True,
        )
        for country, rat, plmn, off_on, confidence, source, as_of in await (
            await conn.execute(_SQL["sunsets"])
        ).fetchall()
    ]  # fmt: skip


def _registered(row: Sequence[Any], contracts: Sequence[Contract]) -> Registered:
    (name, carrier, kind, upstream, breakout, local_imsis, plans, fees, contacts, notes, source, as_of, version,
     updated_at, updated_by, countries, _) = row  # fmt: skip
    return Registered(
        account=name, carrier=carrier, countries=countries, version=version, updated_at=updated_at,
        updated_by=updated_by,
        known=DueDiligence(
            kind=kind, upstream=_tuple(upstream), breakout=_tuple(breakout), local_imsis=_tuple(local_imsis),
            plans=_tuple(plans), fees=None if fees is None else tuple(Fee(**fee) for fee in fees), contacts=contacts,
            notes=notes, source=source, as_of=as_of, contracts=tuple(contracts),
        ),
    )  # fmt: skip


def _tuple(found: list[str] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(found)


def _list(given: tuple[str, ...] | None) -> list[str] | None:
    return None if given is None else list(given)

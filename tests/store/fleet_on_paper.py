"""A small fleet written straight into the tables: two countries, a roaming SIM and a local one each."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fairlead.model.identifiers import luhn_digit
from fairlead.model.ids import TenantId
from fairlead.store.database import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COUNTRIES = ("BR", "TR")


def device_id(n: int) -> UUID:
    return UUID(int=(0x0197 << 112) | (0x7 << 76) | (0b10 << 62) | n)


def iccid(n: int, slot: int) -> str:
    body = f"8944{slot:02}{n:012}"
    return body + luhn_digit(body)


async def settle_fleet(database: Database, tenant: TenantId, count: int) -> list[UUID]:
    """`count` devices, every other one in BR and TR, on SIM 1 (global) with SIM 2 (local-br, local-tr) beside it."""
    accounts = {
        name: UUID(int=(0x0198 << 112) | (0x7 << 76) | (0b10 << 62) | i)
        for i, name in enumerate(["global", "local-br", "local-tr"])
    }
    async with database.tenant(tenant) as tx:
        for name, account in accounts.items():
            await tx.execute(
                "insert into account (tenant, id, name, connector, carrier, config, created_at, updated_at)"
                " values (%s, %s, %s, 'soracom', %s, jsonb_build_object('apn', %s::text), %s, %s)",
                (tenant, account, name, name, f"{name}.example", NOW, NOW),
            )
        devices = [device_id(n) for n in range(count)]
        for n, device in enumerate(devices):
            country = COUNTRIES[n % 2]
            local = f"local-{country.lower()}"
            await tx.execute(
                "insert into device (tenant, id, name, sku, device_group, secret_hash, created_at, updated_at)"
                " values (%s, %s, %s, 'TRK-1', 'trucks', 'x', %s, %s)",
                (tenant, device, f"dev-{n:04}", NOW, NOW),
            )
            await tx.execute(
                "insert into fact (tenant, device, sku, device_group, device_state, country, carrier, iccid, roaming, home_country,"
                " breach_at, place_at) values (%s, %s, 'TRK-1', 'trucks', 'active', %s, 'global', %s, true, 'GB', %s, %s)",
                (tenant, device, country, iccid(n, 1), NOW + timedelta(days=10), NOW),
            )
            for slot, account, state in ((1, "global", 4), (2, local, 5)):
                profile = UUID(int=(0x0199 << 112) | (0x7 << 76) | (0b10 << 62) | (n * 4 + slot))
                await tx.execute(
                    "insert into profile (tenant, id, card, device, account, slot, iccid, iccid_raw) values (%s,%s,%s,%s,%s,%s,%s,%s)",
                    (tenant, profile, profile, device, accounts[account], slot, iccid(n, slot), iccid(n, slot)),
                )
                await tx.execute(
                    "insert into subscription (tenant, id, profile, account, device, iccid, plan, state) values (%s,%s,%s,%s,%s,%s,%s,%s)",
                    (tenant, profile, profile, accounts[account], device, iccid(n, slot), f"plan-{account}", state),
                )
            await tx.execute(
                "insert into reported (tenant, device, facet, version, state, at) values (%s, %s, 2, 1, %s, %s)",
                (tenant, device, '{"report_interval_s": 300}', NOW),
            )
    return devices

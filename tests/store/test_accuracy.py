"""Forecasts of a month ago against what has happened since, on a real history."""

from datetime import UTC, datetime, timedelta

from fairlead.engine.accuracy import Accuracies
from fairlead.insight.roaming import Assumption
from fairlead.model.ids import TenantId
from fairlead.reference import load
from fairlead.store.accuracy import AccuracyStore
from fairlead.store.clock import compute
from fairlead.store.database import Database

from .fleet_on_paper import device_id

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_stay_that_goes_on_is_forecast_to_the_day_and_one_that_ends_is_a_false_alarm(
    database: Database, tenant: TenantId
) -> None:
    """Saudi Arabia, 120 days since first use: one stays and breaches on day 121, one has left since the cut."""
    cut = NOW - timedelta(days=30)
    runs = [
        (device_id(1), cut - timedelta(days=100), NOW),
        (device_id(2), cut - timedelta(days=100), cut + timedelta(days=1)),
    ]
    async with database.tenant(tenant) as tx:
        for device, first, last in runs:
            await tx.execute(
                "insert into device (tenant, id, name, created_at, updated_at) values (%s, %s, %s, %s, %s)",
                (tenant, device, f"d{device.int % 10}", first, first),
            )
            await tx.execute(
                "insert into fact (tenant, device, device_state) values (%s, %s, 'active')", (tenant, device)
            )
            await tx.execute(
                "insert into presence (tenant, device, iccid, imei, country, home_country, first_at, last_at)"
                " values (%s, %s, %s, %s, 'SA', 'GB', %s, %s)",
                (tenant, device, f"894400000000000000{device.int % 10}", None, first, last),
            )
        await tx.execute(
            "insert into presence (tenant, device, iccid, country, home_country, first_at, last_at)"
            " values (%s, %s, %s, 'DE', 'GB', %s, %s)",
            (tenant, runs[1][0], "8944000000000000002", cut + timedelta(days=2), NOW),
        )
        await compute(tx, tenant, load().rules, NOW, None)
    found = await Accuracies(database, AccuracyStore(), load()).read(tenant, NOW)
    by = {error.assumption: error for error in found.errors}
    continues = by[Assumption.CONTINUES]
    assert found.devices == 2
    assert (continues.hits, continues.false_alarms, continues.missed) == (1, 1, 0)
    assert continues.mean_absolute_days == 0

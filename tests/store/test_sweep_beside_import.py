"""A sweep meets SIMs that an import is just bringing: it leaves them to the import, and takes them later."""

from dataclasses import replace
from datetime import timedelta

from fairlead.engine.ports.observing import SimObservation, SweptAccount
from fairlead.model.ids import TenantId
from fairlead.store.database import Database
from fairlead.store.imports import ImportStore
from fairlead.store.observing import ObservationStore

from .fleet_on_paper import NOW, iccid, settle_fleet

NEW = SimObservation(
    sim="new", iccid=iccid(900, 1), imsi="262010000000900", msisdn="", imei="", state=3, provider_state="ready", holds="",
    auto_revert_at=None, plan="p", connectivity=3, plmn="", country="", rat="", cell="", ip="", since=None, at=NOW,
)  # fmt: skip


async def count(database: Database, tenant: TenantId) -> int:
    async with database.tenant(tenant) as tx:
        row = await (await tx.execute("select count(*) from profile where iccid = %s", (NEW.iccid,))).fetchone()
    assert row is not None
    return row[0]


async def test_sims_of_an_import_under_way_are_adopted_by_a_later_sweep(database: Database, tenant: TenantId) -> None:
    await settle_fleet(database, tenant, 2)
    async with database.tenant(tenant) as tx:
        row = await (await tx.execute("select id from account where name = 'global'")).fetchone()
    assert row is not None
    account = SweptAccount(
        id=row[0], name="global", connector="soracom", staleness_s=0, home_country=None, swept_at=None
    )
    rows = ObservationStore()
    async with ImportStore(database).load(tenant, "sims", now=NOW):
        async with database.tenant(tenant) as tx:
            await rows.page(tx, account, [NEW])
        assert await count(database, tenant) == 0
    for n in range(2):
        async with database.tenant(tenant) as tx:
            await rows.page(tx, account, [replace(NEW, at=NOW + timedelta(minutes=n))])
        assert await count(database, tenant) == 1

"""A sweep meets SIMs that an import is just bringing: it leaves them to the import, and takes them later."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

from fairlead.connectors.soracom.connector import MANIFEST
from fairlead.engine.observe import unable
from fairlead.engine.ports.observing import Observed, SimObservation, SweptAccount
from fairlead.model.ids import TenantId
from fairlead.model.subscription import Verb, narrowed
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


async def swept_account(database: Database, tenant: TenantId, name: str) -> SweptAccount:
    async with database.tenant(tenant) as tx:
        row = await (await tx.execute("select id from account where name = %s", (name,))).fetchone()
    assert row is not None
    return SweptAccount(id=row[0], name=name, connector="soracom", staleness_s=0, home_country=None, swept_at=None)


async def test_sweeps_of_two_accounts_adopt_side_by_side(database: Database, tenant: TenantId) -> None:
    await settle_fleet(database, tenant, 2)
    first, second = [await swept_account(database, tenant, name) for name in ("global", "local-br")]
    rows, other = ObservationStore(), replace(NEW, sim="other", iccid=iccid(900, 2), imsi="262010000000901")

    async def sweep(account: SweptAccount, sim: SimObservation) -> Observed:
        async with database.tenant(tenant) as tx:
            return await rows.page(tx, account, [sim])

    async with database.tenant(tenant) as tx:  # a page of the one is not committed yet
        assert not (await rows.page(tx, first, [NEW])).left
        beside = asyncio.create_task(sweep(second, other))
        await asyncio.wait([beside], timeout=0.2)
    assert not (await beside).left
    assert await count(database, tenant) == 1


async def test_what_a_carrier_does_not_tell_is_no_name_that_two_sims_share(
    database: Database, tenant: TenantId
) -> None:
    await settle_fleet(database, tenant, 2)
    account = await swept_account(database, tenant, "global")
    quiet = [replace(NEW, sim=str(n), iccid=iccid(900, n), imsi="", msisdn="") for n in (1, 2)]
    async with database.tenant(tenant) as tx:
        await ObservationStore().page(tx, account, quiet)
        found = await (
            await tx.execute("select imsi, msisdn from profile where iccid = any (%s)", ([one.iccid for one in quiet],))
        ).fetchall()
    assert found == [(None, None)] * 2


async def test_sims_of_an_import_under_way_are_adopted_by_a_later_sweep(database: Database, tenant: TenantId) -> None:
    await settle_fleet(database, tenant, 2)
    account = await swept_account(database, tenant, "global")
    rows = ObservationStore()
    async with ImportStore(database).load(tenant, "sims", now=NOW):
        async with database.tenant(tenant) as tx:
            await rows.page(tx, account, [NEW])
        assert await count(database, tenant) == 0
    for n in range(2):
        async with database.tenant(tenant) as tx:
            await rows.page(tx, account, [replace(NEW, at=NOW + timedelta(minutes=n))])
        assert await count(database, tenant) == 1


async def test_what_a_sim_does_not_have_is_kept_with_it_until_it_has_it_again(
    database: Database, tenant: TenantId
) -> None:
    await settle_fleet(database, tenant, 2)
    account = await swept_account(database, tenant, "global")
    lame = narrowed(MANIFEST.capabilities, {Verb.SUSPEND: "its plan has no pause"})
    kept = json.loads(unable(lame))
    assert kept["suspend"] == "its plan has no pause"
    assert unable(None) == ""
    for told, shown in ((unable(lame), kept), ("", None)):
        async with database.tenant(tenant) as tx:
            await ObservationStore().page(tx, account, [replace(NEW, unable=told)])
            row = await (await tx.execute("select unable from subscription where iccid = %s", (NEW.iccid,))).fetchone()
        assert row == (shown,)

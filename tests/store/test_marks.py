"""A mark that says "look at this device again" is never lost to a resolution under way."""

from fairlead.model.ids import TenantId
from fairlead.store.database import Database
from fairlead.store.resolving import Resolving
from fairlead.store.statements import load

from .fleet_on_paper import settle_fleet

MARKS = load("observing")["mark_dirty"]


async def test_a_mark_made_again_while_its_fact_is_still_moving_is_left_for_the_next_look(
    database: Database, tenant: TenantId
) -> None:
    device, *_ = await settle_fleet(database, tenant, 4)
    async with database.tenant(tenant) as tx:
        await tx.execute("delete from dirty")
        await tx.execute(MARKS, {"devices": [device]})
    async with database.tenant(tenant) as moving:
        await moving.execute("update fact set country = 'TR' where device = %s", (device,))
        await moving.execute(MARKS, {"devices": [device]})
        async with database.tenant(tenant) as looking:  # it would read the old country
            assert await Resolving(looking).scope_dirty(10) == 0
    async with database.tenant(tenant) as looking:
        assert await Resolving(looking).scope_dirty(10) == 1
    async with database.tenant(tenant) as looking:
        assert await Resolving(looking).scope_dirty(10) == 0

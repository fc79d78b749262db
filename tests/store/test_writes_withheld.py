"""A permission to write that was taken back stops what waits, whoever planned it: nothing more is sent."""

from datetime import timedelta

import pytest

from fairlead.engine.ports.bulk import Bulk
from fairlead.model.lifecycle import BulkState

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import settle_fleet
from .loop_on_paper import M, applied, clock
from .test_bulk import HAND, actor, bulks, counts, run, started
from .test_loop import House, house, policy, states
from .test_loop_faults import drive, worker

__all__ = ["house"]  # the fixture

WHY = "because its connector is silver: reads only until it is gold"


def done(verb: str, sim: str, n: int) -> Answer:
    return Answer.DONE


async def test_what_waits_of_a_bulk_action_ends_with_the_reason_and_nothing_is_sent(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 30)
    bulk = await started(house)
    carrier = CarrierOnPaper(done, withholds=WHY)
    await run(house, carrier)
    assert sum(carrier.called.values()) == 0
    assert await counts(house, bulk) == {"refused": 30}
    told = await house.sql(
        "select distinct reason, evidence -> -1 ->> 'said', evidence -> -1 ->> 'fact' from operation"
    )
    assert told == [("withheld", WHY, "withheld")]
    kept = await bulks(house).read(actor(house), bulk.id)
    assert kept is not None
    assert kept.state is BulkState.DONE
    assert await bulks(house).undo(actor(house), HAND, bulk.id, reason="") is not None


async def test_what_has_left_is_settled_and_the_rest_is_stopped(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 60)
    carrier = CarrierOnPaper(done)

    def withdrawn(verb: str, sim: str, n: int) -> Answer:
        carrier.withholds = WHY  # while the first handful is with the carrier
        return Answer.LOST_APPLIED

    carrier.answers = withdrawn
    bulk = await started(house)
    clock(house, timedelta(seconds=5))
    carrier.now = house.now
    await worker(house, carrier).dispatch(house.tenant)
    sent = sum(carrier.called.values())
    assert 0 < sent < 60
    assert await counts(house, bulk) == {"unknown": sent, "refused": 60 - sent}
    await run(house, carrier)  # reading is no writing: what has left is looked at
    assert await counts(house, bulk) == {"verified": sent, "refused": 60 - sent}
    assert sum(carrier.called.values()) == sent


async def test_a_change_under_way_is_stopped_and_says_so(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    await applied(house, policy("BR"), stages=[100])
    carrier = CarrierOnPaper(done, withholds=WHY)
    await drive(house, carrier)
    assert sum(carrier.called.values()) == 0
    found = await states(house)
    assert set(found["BR"]) <= {M.UNDONE, M.STUCK}
    assert (await house.sql("select distinct outcome from move"))[0][0] == "withheld"


@pytest.mark.parametrize("again", ["", WHY])
async def test_a_permission_that_comes_back_lets_the_next_ones_through(house: House, again: str) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    await started(house)
    carrier = CarrierOnPaper(done, withholds=WHY)
    await run(house, carrier)
    carrier.withholds = again
    second = await started(house)
    assert isinstance(second, Bulk)
    await run(house, carrier)
    assert await counts(house, second) == ({"refused": 4} if again else {"verified": 4})

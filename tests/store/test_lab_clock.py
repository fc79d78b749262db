"""The lab's clock in its row: the first process begins it, the first to turn it wins."""

from datetime import UTC, datetime

from fairlead.engine.ports.clock import Pace
from fairlead.store.lab_clock import LabClockStore

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def pace(rate: float, at: float) -> Pace:
    return Pace(rate=rate, wanted=rate, anchor=EPOCH, anchor_real=at, epoch=EPOCH)


async def test_the_row_is_shared(database):
    store = LabClockStore(database)
    assert await store.read() is None
    assert await store.begin(pace(60, 1.5)) == pace(60, 1.5)
    assert await store.begin(pace(7, 2.5)) == pace(60, 1.5)
    assert await store.turn(pace(60, 1.5), pace(3600, 3.25)) == pace(3600, 3.25)
    assert await store.turn(pace(60, 1.5), pace(9, 4.0)) == pace(3600, 3.25)
    assert await store.read() == pace(3600, 3.25)

"""The clock of the house: continuous, never backwards, held down while Moves are open, agreed between processes."""

from datetime import UTC, datetime, timedelta

import pytest

from fairlead.engine.ports.clock import Pace
from fairlead.engine.timekeeper import RateRefused, Timekeeper

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """Real time that a test moves by hand, and whether Moves are open."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0
        self.moves = False

    def real(self) -> float:
        return self.seconds

    async def moves_open(self) -> bool:
        return self.moves


class Row:
    """The shared row."""

    def __init__(self) -> None:
        self.pace: Pace | None = None

    async def read(self) -> Pace | None:
        return self.pace

    async def begin(self, pace: Pace) -> Pace:
        self.pace = self.pace or pace
        return self.pace

    async def turn(self, before: Pace, after: Pace) -> Pace:
        if self.pace is None or self.pace.anchor_real == before.anchor_real:
            self.pace = after
        return self.pace


@pytest.fixture
def world() -> World:
    return World()


def lab(world: World, rate: float = 60.0, row: Row | None = None) -> Timekeeper:
    return Timekeeper.lab(rate, EPOCH, store=row, moves_open=world.moves_open, real=world.real)


def test_the_lab_runs_at_its_rate_from_its_epoch(world):
    clock = lab(world)
    assert clock.now() == EPOCH
    world.seconds += 60
    assert clock.now() == EPOCH + timedelta(hours=1)
    assert clock.real_now() == datetime.fromtimestamp(world.seconds, UTC)


async def test_a_new_rate_continues_from_the_instant_reached(world):
    clock = lab(world)
    world.seconds += 60
    await clock.set_rate(3600)
    assert clock.now() == EPOCH + timedelta(hours=1)
    world.seconds += 1
    assert clock.now() == EPOCH + timedelta(hours=2)


def test_it_never_says_an_earlier_instant_than_before(world):
    clock = lab(world)
    world.seconds += 10
    later = clock.now()
    world.seconds -= 5
    assert clock.now() == later


async def test_outside_the_lab_the_clock_is_the_machines_and_cannot_be_set(world):
    clock = Timekeeper(real=world.real)
    assert clock.now() == datetime.fromtimestamp(world.seconds, UTC)
    with pytest.raises(RateRefused, match="lab only"):
        await clock.set_rate(2)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 86_401])
async def test_a_rate_out_of_bounds_is_refused(world, rate):
    with pytest.raises(RateRefused):
        await lab(world).set_rate(rate)


async def test_while_moves_are_open_the_rate_is_held_and_then_comes_back(world):
    clock = lab(world, rate=3600)
    world.moves = True
    await clock.follow()
    assert (clock.rate, clock.reading().wanted) == (60, 3600)
    with pytest.raises(RateRefused, match="Moves are open"):
        await clock.set_rate(61)
    await clock.set_rate(30)
    world.moves = False
    await clock.set_rate(7200)
    await clock.follow()
    assert clock.rate == 7200
    world.moves = True
    await clock.follow()
    world.moves = False
    await clock.follow()
    assert clock.rate == 7200


def test_a_deadline_leaves_five_real_seconds(world):
    clock = lab(world, rate=3600)
    assert clock.real_floor(EPOCH + timedelta(minutes=1)) == EPOCH + timedelta(hours=5)
    assert clock.real_floor(EPOCH + timedelta(days=1)) == EPOCH + timedelta(days=1)
    assert clock.real_seconds_until(EPOCH + timedelta(hours=2)) == 2


async def test_two_processes_agree(world):
    row = Row()
    first, second = lab(world, 60, row), lab(world, 7, row)
    await first.follow()
    await second.follow()
    world.seconds += 10
    assert first.now() == second.now() == EPOCH + timedelta(minutes=10)
    await first.set_rate(3600)
    await second.follow()
    world.seconds += 10
    assert first.now() == second.now()
    assert second.rate == 3600

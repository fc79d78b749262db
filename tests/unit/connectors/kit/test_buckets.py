import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors._kit.buckets import AccountBuckets, draw, indebted, tokens_at
from fairlead.engine.ports.carrier import BucketKey, BucketLevel, Limit, RateLimited
from fairlead.model.ids import AccountId, TenantId

START = datetime(2026, 3, 1, tzinfo=UTC)
TEN = Limit(per_second=10, burst=5)


@dataclass
class Levels:
    levels: dict[BucketKey, BucketLevel] = field(default_factory=dict)
    races: int = 0  # saves that somebody else wins first

    async def load(self, key: BucketKey) -> BucketLevel | None:
        return self.levels.get(key)

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        known = self.levels.get(key)
        if self.races:
            self.races -= 1
            return False
        if (known.version if known else 0) != level.version - 1:
            return False
        self.levels[key] = level
        return True


@dataclass
class Clock:
    at: datetime = START
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


def buckets(levels: Levels, clock: Clock, limit: Limit = TEN, patience: float = 0) -> AccountBuckets:
    return AccountBuckets(
        levels,
        tenant=TenantId(UUID(int=1)),
        account=AccountId(UUID(int=2)),
        limits={"read": limit, "write": limit},
        patience=timedelta(seconds=patience),
        now=clock,
        sleep=clock.sleep,
    )


async def spend(account: AccountBuckets, calls: int) -> int:
    taken = 0
    for _ in range(calls):
        try:
            await account.take("read")
            taken += 1
        except RateLimited:
            break
    return taken


def test_a_new_bucket_is_full_and_refills_to_its_burst_only() -> None:
    assert tokens_at(None, TEN, START) == 5
    level = BucketLevel(tokens=0, at=START, version=1)
    assert tokens_at(level, TEN, START + timedelta(milliseconds=300)) == pytest.approx(3)
    assert tokens_at(level, TEN, START + timedelta(hours=1)) == 5


def test_a_clock_set_back_gives_nothing_and_takes_nothing() -> None:
    level = BucketLevel(tokens=2, at=START, version=1)
    assert tokens_at(level, TEN, START - timedelta(hours=1)) == 2


def test_an_empty_bucket_says_how_long_to_wait() -> None:
    drawn = draw(BucketLevel(tokens=0.5, at=START, version=3), TEN, 1, START)
    assert (drawn.granted, drawn.wait, drawn.level.version) == (0, timedelta(milliseconds=50), 4)


@given(tokens=st.floats(-100, 5), rate=st.floats(0.01, 5000), burst=st.integers(1, 100), wanted=st.integers(1, 50))
def test_a_draw_never_overdraws_and_its_wait_is_long_enough(
    tokens: float, rate: float, burst: int, wanted: int
) -> None:
    limit = Limit(per_second=rate, burst=burst)
    level = BucketLevel(tokens=min(tokens, burst), at=START, version=1)
    drawn = draw(level, limit, wanted, START)
    assert 0 <= drawn.granted <= wanted
    if drawn.granted:
        assert drawn.level.tokens >= -1e-6
    else:
        assert drawn.wait > timedelta(0)
        assert draw(level, limit, 1, START + drawn.wait).granted == 1


@given(seconds=st.floats(0.1, 3600), rate=st.floats(0.01, 1000))
def test_after_a_carriers_no_the_first_token_comes_when_it_said(seconds: float, rate: float) -> None:
    limit = Limit(per_second=rate, burst=10)
    level = indebted(None, limit, timedelta(seconds=seconds), START)
    assert draw(level, limit, 5, START + timedelta(seconds=seconds * 0.999 - 1e-3)).granted == 0
    assert draw(level, limit, 5, START + timedelta(seconds=seconds + 1e-3 + 1e-3 / rate)).granted >= 1


def test_a_carriers_no_never_shortens_a_longer_one() -> None:
    long = indebted(None, TEN, timedelta(seconds=60), START)
    assert indebted(long, TEN, timedelta(seconds=1), START).tokens == long.tokens


async def test_a_restart_does_not_burst() -> None:
    levels, clock = Levels(), Clock()
    assert await spend(buckets(levels, clock), 100) == 5
    assert await spend(buckets(levels, clock), 100) == 0
    clock.at += timedelta(seconds=0.2)
    assert await spend(buckets(levels, clock), 100) == 2


async def test_two_processes_share_one_budget() -> None:
    levels, clock = Levels(), Clock()
    one, two = buckets(levels, clock), buckets(levels, clock)
    taken = [await spend(door, 1) for _ in range(20) for door in (one, two)]
    assert sum(taken) == 5


@pytest.mark.parametrize("rate", [3.0, 40.0, 400.0])
async def test_over_a_minute_no_more_leaves_than_burst_and_rate(rate: float) -> None:
    levels, clock = Levels(), Clock()
    taken, burst = 0, int(rate)
    doors = [buckets(levels, clock, Limit(per_second=rate, burst=burst)) for _ in range(2)]
    while clock.at < START + timedelta(seconds=60):
        for door in doors:
            taken += await spend(door, 1000)
        clock.at += timedelta(seconds=0.1)
    assert taken <= burst + rate * 61
    assert taken >= rate * 55


async def test_unused_tokens_are_forgotten_not_saved_up() -> None:
    levels, clock = Levels(), Clock()
    door = buckets(levels, clock, Limit(per_second=40, burst=40))
    await door.take("read")  # draws ten
    clock.at += timedelta(seconds=30)
    assert await spend(door, 1000) == 40


async def test_a_lost_race_is_tried_again_and_endless_losing_waits() -> None:
    levels, clock = Levels(races=3), Clock()
    await buckets(levels, clock).take("read")
    levels.races = 10_000
    with pytest.raises(RateLimited):
        await buckets(levels, clock).take("read")


async def test_patience_waits_and_no_longer_than_it_is() -> None:
    levels, clock = Levels(), Clock()
    door = buckets(levels, clock, patience=0.25)
    for _ in range(6):
        await door.take("read")
    assert sum(clock.slept) == pytest.approx(0.1)
    await door.slowed("read", timedelta(seconds=10))
    with pytest.raises(RateLimited) as trouble:
        await door.take("read")
    assert timedelta(seconds=9) < trouble.value.retry_after <= timedelta(seconds=10)


async def test_slowing_one_class_leaves_the_others() -> None:
    levels, clock = Levels(), Clock()
    door = buckets(levels, clock)
    await door.slowed("write", timedelta(minutes=1))
    await door.take("read")
    with pytest.raises(RateLimited):
        await door.take("write")
    with pytest.raises(RateLimited):
        await door.take("bulk")  # a class without a limit of its own lives on the writes'


async def test_many_tasks_at_once_take_no_more_than_there_is() -> None:
    levels, clock = Levels(), Clock()
    door = buckets(levels, clock)
    results = await asyncio.gather(*(door.take("read") for _ in range(50)), return_exceptions=True)
    assert sum(result is None for result in results) == 5

"""Two at once: what resolution, applies and ways back read of rules and of what stands is one state."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fairlead.engine.changes import Which
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.planning import RevisionRow
from fairlead.engine.ports.transaction import Transaction
from fairlead.model.lifecycle import ChangeState, MoveState

from .fleet_on_paper import settle_fleet
from .loop_on_paper import applied, config, settle_facts, state_of
from .test_loop import PERSON, House, house, policy

__all__ = ["house"]  # the fixture

HELD_S = 0.5  # long enough for the other to commit, were it not held


async def test_a_stage_that_opens_while_the_fleet_is_resolved_keeps_whom_it_admitted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle_fleet(house.database, house.tenant, 40)
    live, changes, begun = house.stores.policies.live, list[ChangeRow](), list[asyncio.Task[None]]()

    async def apply() -> None:
        changes.append(await applied(house, config(facet="flags"), stages=[100]))

    async def between(tx: Transaction) -> list[RevisionRow]:
        """The rules as they were before; the apply comes between them and what stands."""
        found = await live(tx)
        if not begun:
            begun.append(asyncio.ensure_future(apply()))
            await asyncio.wait(begun, timeout=HELD_S)
        return found

    monkeypatch.setattr(house.stores.policies, "live", between)
    await house.resolver.whole(house.tenant, house.now, cause="test")
    await begun[0]
    assert await house.sql("select * from transition") == []
    await settle_facts(house)
    assert await house.sql("select wave, state, count(*) from move group by 1, 2") == [(0, int(MoveState.VERIFIED), 20)]
    assert await state_of(house, changes[0]) is ChangeState.STANDING


async def resolve(house: House, change: ChangeRow) -> None:
    await house.resolver.whole(house.tenant, house.now, cause="test")


async def wave(house: House, change: ChangeRow) -> None:
    await house.waves.tick(house.tenant, house.now)


async def stage(house: House, change: ChangeRow) -> None:
    await house.stages.tick(house.tenant, house.now)


async def turn_back(house: House, change: ChangeRow) -> None:
    await house.moving.tick(house.tenant)


async def roll_back(house: House, change: ChangeRow) -> None:
    given = {"which": Which(), "reason": "a test", "preview": False, "now": house.now}
    await house.changes.rollback(house.tenant, change.id, PERSON, **given)


@pytest.mark.parametrize("act", [resolve, wave, stage, turn_back, roll_back])
async def test_whoever_moves_what_stands_waits_for_whoever_is_at_it(
    house: House, act: Callable[[House, ChangeRow], Awaitable[None]]
) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    change = await applied(house, policy("BR"), stages=[100])
    await house.moving.tick(house.tenant)
    await house.carriers_answer(refuse_in=frozenset({"BR"}))
    async with house.database.alone(house.tenant):
        acting = asyncio.ensure_future(act(house, change))
        done, _ = await asyncio.wait([acting], timeout=HELD_S)
        assert not done
    await acting

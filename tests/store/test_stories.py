"""Reading a Change afterwards: how far it is, what is done to whom, move by move."""

from uuid import UUID

from fairlead.engine.changes import Conflict
from fairlead.engine.ports.planning import PlanRow
from fairlead.engine.ports.reading import WhichMoves
from fairlead.engine.stories import Stories
from fairlead.model.lifecycle import MoveState
from fairlead.store.changes import ChangeStore
from fairlead.store.policies import PolicyStore

from .fleet_on_paper import settle_fleet
from .test_loop import House, house, policy

__all__ = ["house"]  # the fixture


async def told(house: House) -> tuple[Stories, UUID]:
    """Brazil is moved, Turkey's carrier refuses."""
    await settle_fleet(house.database, house.tenant, 40)
    plan, change = await house.plan_and_apply(policy("BR"), policy("TR"))
    assert isinstance(plan, PlanRow)
    assert not isinstance(change, Conflict)
    await house.run(refuse_in=frozenset({"TR"}))
    return Stories(house.stores, ChangeStore(), PolicyStore(), house.resolver), change.id


async def test_a_list_says_how_far_each_change_is(house: House) -> None:
    stories, change = await told(house)
    by_id = await stories.counts_of(house.tenant, [change])
    assert by_id[change].moves == {"verified": 20, "undone": 2}
    assert by_id[change].approvals == 0
    assert await stories.counts_of(house.tenant, [UUID(int=1)]) == {}


async def test_a_story_counts_each_batch_as_it_is_now(house: House) -> None:
    stories, change = await told(house)
    story = (await stories.change(house.tenant, change))["story"]
    by_batch = {(b["country"], b["stage"]): (b["state"], b["admitted"], b["moves"]) for b in story["batches"]}
    assert by_batch == {
        ("BR", 0): ("passed", 2, {"verified": 2}),
        ("BR", 1): ("passed", 18, {"verified": 18}),
        ("TR", 0): ("rolled-back", 2, {"undone": 2}),
    }
    assert {s["country"]: s["moves"] for s in story["strata"]} == {"BR": {"verified": 20}, "TR": {"undone": 2}}


async def test_moves_are_found_by_country_stage_wave_state_and_device(house: House) -> None:
    stories, change = await told(house)

    async def found(**which: object) -> list[dict]:
        return await stories.moves(house.tenant, change, WhichMoves(**which), None, 1000)

    assert len(await found()) == 22
    assert {m["country"] for m in await found(state=MoveState.UNDONE)} == {"TR"}
    assert len(await found(country="BR")) == 20
    assert len(await found(country="BR", stage=0)) == 2
    assert await found(wave=1) == []
    assert len({m["carrier"] for m in await found()}) == 1
    assert len(await found(carrier="nobody")) == 0
    one = (await found(country="BR"))[3]
    assert [m["name"] for m in await found(device=one["device"])] == [one["name"]]


async def test_pages_of_moves_hold_each_move_once(house: House) -> None:
    stories, change = await told(house)
    device = (await stories.moves(house.tenant, change, WhichMoves(), None, 1))[0]["device"]
    # the same device is moved again by a later wave: a page may end between the two
    await house.sql(
        "insert into move (tenant, change, device, wave, situation, stratum, stage, state, from_class, to_class, opened_at)"
        " select tenant, change, device, 1, situation, stratum, 0, state, from_class, to_class, opened_at from move"
        " where device = %s",
        device,
    )
    seen: list[tuple[UUID, int]] = []
    after = None
    while page := await stories.moves(house.tenant, change, WhichMoves(), after, 1):
        after = (page[-1]["device"], page[-1]["wave"])
        seen.append(after)
    assert len(seen) == len(set(seen)) == 23


async def test_situations_say_what_is_done_to_each_move(house: House) -> None:
    stories, change = await told(house)
    situations = {s.no: s for s in await stories.situations(house.tenant, change, 0) or []}
    for move in await stories.moves(house.tenant, change, WhichMoves(), None, 1000):
        situation = situations[move["situation"]]
        assert situation.facts["country"] == move["country"]
        assert [s["verb"] for s in situation.recipe["steps"]] == ["activate", "write"]
    assert await stories.situations(house.tenant, change, 9) == []
    assert await stories.situations(house.tenant, UUID(int=1), 0) is None

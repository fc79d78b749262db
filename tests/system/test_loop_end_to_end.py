"""The one loop over real parts: MQTT devices, carriers over HTTP, a server process with engines of its own.

One carrier refuses, one device says no, one device crosses a border later; each costs what it must
and nothing else.
"""

from typing import Any

import pytest

from fairlead_sim.demo.company import Shape, Unit
from fairlead_sim.world.faults import Fault

from .test_kill9 import SETTLED, Place, journal_holds, place, started, until

SHAPE = Shape(devices=32, countries=("BR", "TR", "DE"), watched=0, travellers=3, travel=("DE", "BR"), fresh=0, seed=23)


def on(here: Place, unit: Unit) -> tuple[str, int]:
    """Which card a device is on, and how often it reports."""
    session = here.world.connected(unit.name)
    return ("none" if session is None else session.iccid), int(
        here.fleet.devices[unit.name].config["report_interval_s"]
    )


@pytest.mark.timeout(180)
async def test_refusals_cost_their_batch_and_a_border_is_crossed_later() -> None:
    async with place(23, SHAPE) as here:
        brazil, turkey = (here.company.of(country=c) for c in ("BR", "TR"))
        refusing = here.world.inject(
            Fault(kind="refuse", carrier="local-tr", verb="activate", status=403, code="NW0403")
        )
        change = await started(here, len(brazil) + len(turkey))

        async def standing() -> bool:
            return bool((await here.change(change))["state"] == "standing")

        await until(standing, "the change to stand")
        assert {on(here, u) == (u.local.iccid, 900) for u in brazil} == {True}
        assert {on(here, u) == (u.roaming.iccid, 3600) for u in turkey} == {True}
        assert not here.fakes["local-tr"].executed  # what was refused was not taken back either
        story = (await here.change(change))["story"]
        assert story["moves"].pop("verified") == len(brazil)
        assert set(story["moves"]) == {"undone"}
        assert story["barred"] == len(turkey)
        assert {(b["country"], b["state"]) for b in story["batches"]} == {("BR", "passed"), ("TR", "rolled-back")}
        # the carrier comes to its senses: who was barred stays, and who comes later is moved by the standing change
        here.world.clear(refusing)
        late = here.company.of(group="in-transit")
        for unit in late:
            here.world.move(unit.name, "BR")

        async def arrived() -> bool:
            story = (await here.change(change))["story"]
            return bool(story["moves"].get("verified") == len(brazil) + len(late))

        await until(arrived, "the late ones to be moved")
        assert {on(here, u) == (u.local.iccid, 900) for u in late} == {True}
        await settled(here, change)
        assert {on(here, u) == (u.roaming.iccid, 3600) for u in turkey} == {True}
        await journal_holds(here)


async def settled(here: Place, change: str) -> None:
    async def rest() -> bool:
        story: dict[str, Any] = (await here.change(change))["story"]
        return not set(story["operations"]) - SETTLED and not set(story["moves"]) & {"waiting", "running", "undoing"}

    await until(rest, "everything to be settled")

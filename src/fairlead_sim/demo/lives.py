"""Two further acts: devices that leave the factory, and devices that are scrapped.

A standing activation wakes the SIMs of new devices and calls active only what was heard from. A
retirement has devices erase themselves, ends their lines and refuses their credentials. Both are
judged by what the server says and by what the world knows.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, Final

from fairlead_sim.demo.api import Body
from fairlead_sim.demo.checks import Check
from fairlead_sim.demo.company import FACTORY, Unit
from fairlead_sim.demo.scene import Scene
from fairlead_sim.demo.screen import Screen

SCRAPPED: Final = 6
_OVER: Final = frozenset({"standing", "closed", "aborted"})

Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


class Lives:
    """First activation and retirement in the story."""

    def __init__(self, scene: Scene, screen: Screen, until: Until) -> None:
        self._scene = scene
        self._screen = screen
        self._until = until
        self._scrapped: list[Unit] = []

    async def arrive(self) -> None:
        """New devices: their SIMs sleep until an activation wakes them."""
        fresh = self._scene.company.of(group=FACTORY)
        asleep = sum(self._scene.world.connected(unit.name) is None for unit in fresh)
        self._screen.say(f"{len(fresh)} trackers come from the factory; {asleep} of their SIMs are asleep")
        text = files("fairlead_sim.demo").joinpath("policies", "arrivals.yaml").read_text(encoding="utf-8")
        plan = await self._scene.api.post("/v1/plans", {"files": [{"name": "arrivals.yaml", "text": text}]})
        change = await self._apply(plan, "New trackers are activated")
        self._screen.say(f"activated and heard from: {await self._moves(change)}; the Change is {change['state']}")

    async def leave(self) -> None:
        """Scrapped devices, by name."""
        self._scrapped = self._scene.company.of(group="meters", country=self._scene.company.shape.travel[0])[:SCRAPPED]
        names = [unit.name for unit in self._scrapped]
        action = {"verb": "retire", "devices": names, "reason": "scrapped meters"}
        plan = await self._scene.api.post("/v1/plans", {"action": action})
        change = await self._apply(plan, "Scrapped meters are retired")
        self._screen.say(f"wiped, lines ended, refused at the door: {await self._moves(change)}")

        async def gone() -> bool:
            return not any(self._scene.devices.devices[name].online for name in names)

        await self._until(gone)

    async def judge(self) -> list[Check]:
        """Two checks."""
        arrived = Check(name="devices from the factory were woken, heard from, and then active")
        for unit in self._scene.company.of(group=FACTORY):
            device = await self._scene.api.get(f"/v1/devices/{unit.name}")
            if device["state"] != "active" or self._scene.world.connected(unit.name) is None:
                arrived.faults.append(f"{unit.name}: {device['state']}, SIM {unit.roaming.state}")
        count = len(self._scene.company.of(group=FACTORY))
        arrived.figures = {"from_the_factory": count, "active": count - len(arrived.faults)}
        retired = Check(name="retired devices were wiped, their lines ended and their credentials refused")
        for unit in self._scrapped:
            wrong = await self._not_retired(unit)
            if wrong:
                retired.faults.append(f"{unit.name}: {wrong}")
        retired.figures = {"retired": len(self._scrapped) - len(retired.faults)}
        if not self._scrapped or not count:
            retired.faults.append("nothing arrived or nothing was scrapped")
        return [arrived, retired]

    async def _not_retired(self, unit: Unit) -> str:
        device: Body = await self._scene.api.get(f"/v1/devices/{unit.name}")
        twin = self._scene.devices.devices[unit.name]
        if device["state"] != "retired":
            return f"it is {device['state']}"
        if twin.config:
            return "it keeps its configuration"
        if unit.roaming.state != "deactivated":
            return f"its roaming SIM is {unit.roaming.state}"
        return "it is still connected" if twin.online else ""

    async def _apply(self, plan: Body, title: str) -> Body:
        made = await self._scene.api.post(
            f"/v1/plans/{plan['id']}/apply", {"rollout": {"stages": [50, 100]}, "title": title, "reason": title}
        )

        async def over() -> bool:
            found = await self._scene.api.get(f"/v1/changes/{made['id']}")
            return found["state"] in _OVER

        await self._until(over)
        found: Any = await self._scene.api.get(f"/v1/changes/{made['id']}")
        return found

    async def _moves(self, change: Body) -> str:
        return ", ".join(f"{n} {state}" for state, n in change["story"]["moves"].items()) or "none"

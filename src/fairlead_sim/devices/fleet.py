"""A fleet of simulated devices on one event loop.

Made by the demo and by tests: specs in, MQTT clients out. Three tasks serve them all: one keeps the
timetable, one walks the devices for keep-alives and polls, and connecting is limited to a few at a
time, as a cell site limits it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from fairlead_sim.devices.device import Counts, Device, DeviceSpec, Pace, State, topics
from fairlead_sim.devices.link import Broker, Link
from fairlead_sim.devices.timetable import Timetable
from fairlead_sim.world.radio import World

_WALK_S: Final = 0.5
_TICK_S: Final = 20.0  # each link is seen to this often: a third of its keep-alive
_AT_ONCE: Final = 32


class Fleet:
    """N devices of one tenant."""

    def __init__(
        self,
        broker: Broker,
        *,
        tenant: str,
        specs: Sequence[DeviceSpec],
        world: World,
        clock: Callable[[], datetime],
        pace: Pace | None = None,
        poll_s: float = 30.0,  # real seconds between two looks of a device at its shadow
        judge: Callable[[str, State], str | None] = lambda _device, _config: None,
    ) -> None:
        self.counts = Counts()
        self.timetable = Timetable(clock)
        self.devices: dict[str, Device] = {}
        self._links: list[Link] = []
        self._poll_s = poll_s
        self._world = world
        self._tasks: list[asyncio.Task[None]] = []
        gate = asyncio.Semaphore(_AT_ONCE)
        for spec in specs:
            user = f"{tenant}/{spec.name}"
            link = Link(broker, user=user, secret=spec.secret, topics=topics(tenant, spec.name), gate=gate)
            device = Device(
                spec,
                tenant=tenant,
                link=link,
                radio=world,
                timetable=self.timetable,
                pace=pace or Pace(),
                counts=self.counts,
                judge=judge,
            )
            link.tell(device)
            self._links.append(link)
            self.devices[spec.name] = device

    async def start(self) -> None:
        """Power all on; they connect on their own. `connected` waits for that."""
        for name, device in self.devices.items():
            self._world.devices[name].on_drop = device.session_dropped
            device.power_on()
            await asyncio.sleep(0)
        self._tasks = [
            asyncio.create_task(self.timetable.run(), name="sim.timetable"),
            asyncio.create_task(self._walk(), name="sim.walk"),
        ]

    async def connected(self, share: float = 1.0) -> None:
        """Wait until that share of the fleet is connected."""
        while self.counts.connected < len(self.devices) * share:  # noqa: ASYNC110 - counted by callbacks
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """Power all off."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for name, device in self.devices.items():
            self._world.devices[name].on_drop = None
            device.power_off()
        for link in self._links:
            await link.ended()

    async def _walk(self) -> None:
        """Each device in turn: polled once in a poll interval, kept alive however long that is."""
        devices, links = list(self.devices.values()), self._links
        polled = ticked = 0.0
        while devices:
            await asyncio.sleep(_WALK_S)
            ahead = min(ticked + len(links) * _WALK_S / min(self._poll_s, _TICK_S), ticked + len(links))
            for n in range(int(ticked), int(ahead)):
                links[n % len(links)].tick()
            ticked = ahead
            ahead = min(polled + len(devices) * _WALK_S / self._poll_s, polled + len(devices))
            for n in range(int(polled), int(ahead)):
                devices[n % len(devices)].poll()
            polled = ahead

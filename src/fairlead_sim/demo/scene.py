"""The stage on which the story plays: server, world, carriers and devices, put up and taken down.

One process holds the world, the carriers' HTTP fronts and all devices; the server is another. They
meet over HTTP and MQTT only, as they would anywhere.
"""

import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.demo import company as paper
from fairlead_sim.demo.api import Api
from fairlead_sim.demo.clock import HouseClock
from fairlead_sim.demo.company import Company, Shape
from fairlead_sim.demo.server import Server, running
from fairlead_sim.devices.fleet import Fleet
from fairlead_sim.world.radio import World

EPOCH: Final = "2026-09-01T06:00:00Z"
CALM: Final = 30.0  # house seconds a second while something is in flight
_SWEEP_S: Final = 2.0


@dataclass(slots=True, kw_only=True)
class Account:
    """A carrier account: the front it is reached at, and how one logs in."""

    name: str
    url: str
    key_id: str
    key: str = field(repr=False)
    fake: SoracomFake


@dataclass(slots=True, kw_only=True)
class Scene:
    """Everything the story plays with."""

    server: Server
    api: Api
    clock: HouseClock
    world: World
    company: Company
    accounts: dict[str, Account]
    directory: Path
    fleet: Fleet | None = None

    @property
    def devices(self) -> Fleet:
        """The devices; there are none before they are connected."""
        if self.fleet is None:
            raise RuntimeError("the devices are not powered on yet")
        return self.fleet


@asynccontextmanager
async def scene(shape: Shape, directory: Path, *, ports: tuple[int, int] = (8080, 1883)) -> AsyncGenerator[Scene]:
    """Put the stage up, and take it down again whatever happens. `ports`: the API's and MQTT's; 0 is any."""
    async with AsyncExitStack() as stack:
        settings = {"clock": f"{CALM:g}@{EPOCH}", "carriers.sweep_s": f"{_SWEEP_S:g}", "log.level": "warning"}
        server = await stack.enter_async_context(
            running(directory, tenant=paper.TENANT, settings=settings, ports=ports)
        )
        api = Api(server.api)
        stack.push_async_callback(api.close)
        clock = HouseClock()
        clock.hear(await api.clock())
        world = World(clock=clock, seed=shape.seed)
        company = paper.found(shape, world)
        accounts: dict[str, Account] = {}
        for name in world.carriers:
            key_id, key = f"keyId-{name}", f"secret-{secrets.token_hex(16)}"
            fake = SoracomFake(world, name, auth_key_id=key_id, auth_key=key)
            url = await stack.enter_async_context(serving(fake))
            accounts[name] = Account(name=name, url=url, key_id=key_id, key=key, fake=fake)
        made = Scene(
            server=server,
            api=api,
            clock=clock,
            world=world,
            company=company,
            accounts=accounts,
            directory=directory,
        )
        yield made
        if made.fleet is not None:
            await made.fleet.stop()

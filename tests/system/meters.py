"""Meters in Poland on five carriers at once, each carrier a fake on loopback: what the scenario of that name talks to.

A meter's line has no session and no traffic: what was ever heard of it comes by the files beside the scenario. Changes
are carried out at once, so that the scenario takes no longer than our own looks.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final

from fairlead_sim.carriers.emnify import EmnifyFake
from fairlead_sim.carriers.onence import OnenceFake
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.carriers.supersim import SuperSimFake
from fairlead_sim.carriers.telnyx import TelnyxFake
from fairlead_sim.world.radio import World

SECRET: Final = "not-a-secret-of-anybody"
# Carrier, its home network, its plan (told by Soracom alone), how many of its lines are active, and whether one more is suspended already.
CARRIERS: Final = (
    ("soracom", "901-21", "sora-meter", 3, False),
    ("telnyx", "901-22", "telnyx-meter", 3, False),
    ("onence", "901-23", "1nce-lifetime", 2, False),
    ("supersim", "901-24", "kore-meter", 2, True),
    ("emnify", "901-25", "emnify-meter", 3, False),
)
ENVIRONMENT: Final = {"CARRIER_KEY": SECRET}


def meters(now: Callable[[], datetime]) -> World:
    """The lines."""
    world = World(clock=now)
    for name, home, plan, active, asleep in CARRIERS:
        world.add_carrier(
            name, name=name, home=home, apns=frozenset({"iot.meters.example"}),
            iccid_digits=20 if name == "onence" else 19,
        )  # fmt: skip
        world.issue(name, active, plan=plan, state="active")
        world.issue(name, int(asleep), plan=plan, state="suspended")
    return world


def fakes(world: World) -> dict[str, Any]:
    """One for each."""
    supersim = SuperSimFake(world, "supersim", key_id=SECRET, key_secret=SECRET)
    fleet = supersim.add_fleet("meters")
    for sim in world.carriers["supersim"].sims.values():
        supersim.join(sim, fleet)
    return {
        "soracom": SoracomFake(world, "soracom", auth_key_id=SECRET, auth_key=SECRET),
        "telnyx": TelnyxFake(world, "telnyx", api_key=SECRET),
        "onence": OnenceFake(world, "onence", username=SECRET, password=SECRET),
        "supersim": supersim,
        "emnify": EmnifyFake(world, "emnify", application_token=SECRET),
    }


@contextlib.asynccontextmanager
async def on_loopback(now: Callable[[], datetime]) -> AsyncIterator[dict[str, str]]:
    """Where each is reached."""
    async with contextlib.AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(serving(fake)) for name, fake in fakes(meters(now)).items()}

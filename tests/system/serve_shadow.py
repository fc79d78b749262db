"""A process that serves shadows and nothing else, to be killed by tests: `serve_shadow.py <nats url> <password> <dsn>`."""

import asyncio
import sys
from datetime import UTC, datetime

from fairlead.bus.connection import open_client
from fairlead.bus.nats import NatsBus
from fairlead.edge.mqtt.shadow import ARITHMETIC, ShadowDoor
from fairlead.engine.shadow import Shadows
from fairlead.store.database import Database, Dsns
from fairlead.store.moves import MoveStore
from fairlead.store.shadow import ShadowStore


async def main(url: str, password: str, dsn: str) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    database = await Database.open(Dsns(app=dsn, door=dsn), size=4)
    bus = NatsBus(await open_client(url, user="core", password=password, name="served"))
    door = ShadowDoor(bus, Shadows(database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=now), now=now)
    await door.start()
    await bus.flush()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

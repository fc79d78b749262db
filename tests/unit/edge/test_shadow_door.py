"""How the shadow door gathers messages: order, fairness, failure, and what a bad state does to its neighbours."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from fairlead.edge.mqtt.shadow import Limits, ShadowDoor
from fairlead.engine.ports.bus import BusUnavailable, DeviceMessage, DeviceMessages
from fairlead.engine.ports.shadow import Unkeepable
from fairlead.engine.shadow import Applied, Ask, Shadow, Shadows, Update, Updated
from fairlead.model.ids import TenantId

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE_S = 5


class Ended:
    async def end(self) -> None:
        return None


@dataclass
class Bus:
    handlers: dict[str, Callable[[DeviceMessage], Awaitable[None]]] = field(default_factory=dict)
    sent: list[DeviceMessage] = field(default_factory=list)
    away: bool = False

    async def listen(self, path: str, handler: Callable[[DeviceMessage], Awaitable[None]]) -> Ended:
        self.handlers[path] = handler
        return Ended()

    async def send(self, message: DeviceMessage) -> None:
        if self.away:
            raise BusUnavailable("away")
        self.sent.append(message)

    async def update(self, device: str, value: Any, tenant: str = "acme") -> None:
        payload = f'{{"state":{{"reported":{{"a":{value}}}}}}}'.encode()
        path = "shadow/name/flags/update"
        await self.handlers["shadow/name/+/update"](
            DeviceMessage(tenant=tenant, device=device, path=path, payload=payload)
        )

    def answers(self, suffix: str) -> list[str]:
        return [each.device for each in self.sent if each.path.endswith(f"update/{suffix}")]


@dataclass
class Engine:
    """Answers every update; a batch waits at `gate`, and fails as the test says."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    batches: list[list[tuple[str, Any]]] = field(default_factory=list)
    fails: int = 0
    unkeepable: Any = None

    async def tenant(self, name: str) -> TenantId | None:
        return None if name == "nobody" else TenantId(UUID(int=len(name)))

    async def apply(self, _tenant: TenantId, asks: Sequence[Ask]) -> Applied:
        values = [(ask.device, (ask.patch or {})["a"]) for ask in asks if isinstance(ask, Update)]
        self.batches.append(values)
        await self.gate.wait()
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the database is away")
        if any(value == self.unkeepable for _, value in values):
            raise Unkeepable("not this")
        shadow = Shadow(version=1, desired={}, reported={}, delta={}, desired_at=None, reported_at=NOW)
        return Applied(answers=[Updated(patch={}, before=shadow, after=shadow, push=False) for _ in asks])


@dataclass
class Place:
    bus: Bus
    engine: Engine
    door: ShadowDoor

    async def answered(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.bus.answers("accepted")) + len(self.bus.answers("rejected")) < count:  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
async def place() -> Place:
    bus, engine = Bus(), Engine()
    limits = Limits(batch=4, linger_s=0, at_once=2, waiting=10)
    door = ShadowDoor(cast("DeviceMessages", bus), cast("Shadows", engine), now=lambda: NOW, limits=limits)
    await door.start()
    return Place(bus=bus, engine=engine, door=door)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_device_s_messages_keep_their_order_over_batches_under_way(place: Place) -> None:
    await place.bus.update("d1", 1)
    await settle()
    await place.bus.update("d1", 2)
    await place.bus.update("d2", 3)
    await settle()
    assert place.engine.batches == [[("d1", 1)], [("d2", 3)]], "the second of d1 waits for its first"
    place.engine.gate.set()
    await place.answered(3)
    assert place.engine.batches[2:] == [[("d1", 2)]]
    await place.door.stop()


async def test_a_noisy_tenant_does_not_keep_the_others_waiting(place: Place) -> None:
    for n in range(9):
        await place.bus.update(f"d{n}", n, tenant="noisy")
    await place.bus.update("d1", 100, tenant="quiet")
    await settle()
    assert [len(batch) for batch in place.engine.batches] == [4, 1]
    place.engine.gate.set()
    await place.answered(10)
    await place.door.stop()


async def test_beyond_the_limit_the_newest_are_dropped(place: Place) -> None:
    for n in range(30):
        await place.bus.update(f"d{n}", n)
    place.engine.gate.set()
    await place.answered(10)
    await place.door.stop()
    assert place.bus.answers("accepted") == [f"d{n}" for n in range(10)]


async def test_what_was_not_committed_is_not_answered(place: Place) -> None:
    place.engine.fails = 1
    place.engine.gate.set()
    await place.bus.update("d1", 1)
    await settle()
    assert place.bus.sent == []
    await place.bus.update("d1", 2)
    await place.answered(1)
    await place.door.stop()
    assert place.bus.answers("accepted") == ["d1"]


async def test_a_state_that_cannot_be_kept_is_rejected_alone(place: Place) -> None:
    place.engine.unkeepable = 2
    place.engine.gate.set()
    for n in range(4):
        await place.bus.update(f"d{n}", n)
    await place.answered(4)
    await place.door.stop()
    assert place.bus.answers("rejected") == ["d2"]
    assert sorted(place.bus.answers("accepted")) == ["d0", "d1", "d3"]


async def test_an_answer_that_does_not_leave_harms_nothing(place: Place) -> None:
    place.engine.gate.set()
    place.bus.away = True
    await place.bus.update("d1", 1)
    await settle()
    place.bus.away = False
    await place.bus.update("d2", 1)
    await place.answered(1)
    await place.door.stop()
    assert place.bus.answers("accepted") == ["d2"]


async def test_a_tenant_that_is_unknown_or_closed(place: Place) -> None:
    await place.bus.update("d1", 1, tenant="nobody")
    await place.answered(1)
    await place.door.stop()
    assert place.bus.answers("rejected") == ["d1"]


async def test_stopping_answers_what_has_arrived(place: Place) -> None:
    for n in range(6):
        await place.bus.update(f"d{n}", n)
    place.engine.gate.set()
    await asyncio.wait_for(place.door.stop(), PATIENCE_S)
    assert len(place.bus.answers("accepted")) == 6

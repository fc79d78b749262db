"""The bus on a real NATS: shared work, bounded streams, questions, and a server killed underneath."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from fairlead.bus.connection import open_client
from fairlead.bus.nats import NatsBus
from fairlead.embedded.nats import Nats, NatsAccess
from fairlead.engine.ports.bus import BusUnavailable, DeviceMessage, MalformedToken, NobodyAnswers
from fairlead.model.ids import TenantId

PATIENCE_S = 15
ACME = TenantId(UUID(int=7))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


async def connected(access: NatsAccess, name: str = "test") -> NatsBus:
    return await NatsBus.connect(access.url, user="core", password=access.core_password, name=name)


@pytest_asyncio.fixture
async def bus(nats_server: NatsAccess) -> AsyncIterator[NatsBus]:
    bus = await connected(nats_server)
    yield bus
    await bus.close()


@pytest_asyncio.fixture
async def other(nats_server: NatsAccess) -> AsyncIterator[NatsBus]:
    """A second process, as far as NATS can see."""
    other = await connected(nats_server, "other")
    yield other
    await other.close()


def update(number: int, *, device: str = "a") -> DeviceMessage:
    return DeviceMessage(tenant="acme", device=device, path="shadow/name/network/update", payload=str(number).encode())


def numbers(batch: Sequence[DeviceMessage]) -> list[int]:
    return [int(message.payload) for message in batch]


async def jetstream(access: NatsAccess, call: str) -> dict[str, Any]:
    client = await open_client(access.url, user="core", password=access.core_password, name="look")
    answer = await client.request(f"$JS.API.{call}", b"{}")
    await client.close()
    return json.loads(answer.data)


# --- nudges ------------------------------------------------------------------------------------


async def test_a_nudge_reaches_one_of_those_who_share_and_each_of_those_who_do_not(
    bus: NatsBus, other: NatsBus
) -> None:
    shared: list[TenantId] = []
    each: list[TenantId] = []

    async def one(tenant: TenantId) -> None:
        shared.append(tenant)

    async def all_(tenant: TenantId) -> None:
        each.append(tenant)

    listening = [
        await bus.on_nudge("resolve", one),
        await other.on_nudge("resolve", one),
        await bus.on_nudge("resolve", all_, share=False),
        await other.on_nudge("resolve", all_, share=False),
    ]
    await other.flush()
    for _ in range(20):
        await bus.nudge("resolve", ACME)
    await until(lambda: len(each) == 40)
    await until(lambda: len(shared) >= 20)
    for subscription in listening:
        await subscription.end()
    assert shared == [ACME] * 20


async def test_a_handler_that_raises_does_not_end_the_listening(bus: NatsBus) -> None:
    heard: list[TenantId] = []

    async def handle(tenant: TenantId) -> None:
        heard.append(tenant)
        if len(heard) == 1:
            raise ValueError("the first one fails")

    failures = {"on": "fairlead.nudge.verify"}
    before = REGISTRY.get_sample_value("fairlead_bus_handler_failures_total", failures) or 0
    listening = await bus.on_nudge("verify", handle)
    await bus.nudge("verify", ACME)
    await bus.nudge("verify", ACME)
    await until(lambda: len(heard) == 2)
    await listening.end()
    assert REGISTRY.get_sample_value("fairlead_bus_handler_failures_total", failures) == before + 1


async def test_a_kind_that_would_widen_a_subject_is_refused(bus: NatsBus) -> None:
    with pytest.raises(MalformedToken):
        await bus.nudge("*", ACME)


# --- streams -----------------------------------------------------------------------------------


async def test_the_streams_are_bounded(nats_server: NatsAccess, bus: NatsBus) -> None:
    for stream in ("FAIRLEAD_EVENTS", "$MQTT_msgs"):
        config = (await jetstream(nats_server, f"STREAM.INFO.{stream}"))["config"]
        assert 0 < config["max_age"] <= 7 * 86_400_000_000_000
        assert 0 < config["max_msgs_per_subject"] <= 100_000
        assert 0 < config["max_bytes"] <= 256 * 1_048_576


# --- questions and events ----------------------------------------------------------------------


async def test_a_question_is_answered_by_whoever_serves_it(bus: NatsBus, other: NatsBus) -> None:
    async def double(question: bytes) -> bytes:
        return question * 2

    with pytest.raises(NobodyAnswers):
        await bus.ask("session.p1", b"x", timeout=timedelta(seconds=5))
    serving = await other.serve("session.p1", double)
    await other.flush()
    assert await bus.ask("session.p1", b"x", timeout=timedelta(seconds=5)) == b"xx"
    await serving.end()


async def test_a_question_nobody_finishes_runs_out_of_time(bus: NatsBus) -> None:
    async def never(question: bytes) -> bytes:
        raise ValueError("cannot")

    serving = await bus.serve("session.p2", never)
    with pytest.raises(BusUnavailable, match="within"):
        await bus.ask("session.p2", b"x", timeout=timedelta(milliseconds=200))
    await serving.end()


async def test_events_are_kept_for_readers_that_were_away(nats_server: NatsAccess, bus: NatsBus) -> None:
    before = (await jetstream(nats_server, "STREAM.INFO.FAIRLEAD_EVENTS"))["state"]["messages"]
    await bus.emit(ACME, "change.settled", b'{"change":"chg_1"}')
    await bus.flush()
    after = (await jetstream(nats_server, "STREAM.INFO.FAIRLEAD_EVENTS"))["state"]["messages"]
    assert after == before + 1


async def test_events_reach_every_process_that_listens(bus: NatsBus, other: NatsBus) -> None:
    heard: list[tuple[str, TenantId, str, bytes]] = []

    async def here(tenant: TenantId, kind: str, payload: bytes) -> None:
        heard.append(("here", tenant, kind, payload))

    async def there(tenant: TenantId, kind: str, payload: bytes) -> None:
        heard.append(("there", tenant, kind, payload))

    listening = [await bus.on_event(here), await other.on_event(there)]
    await bus.flush()
    await other.flush()
    await bus.emit(ACME, "device", b"{}")
    await until(lambda: len(heard) == 2)
    assert sorted(heard) == [("here", ACME, "device", b"{}"), ("there", ACME, "device", b"{}")]
    for each in listening:
        await each.end()


# --- the server killed underneath --------------------------------------------------------------


async def test_everything_goes_on_after_the_server_was_killed(engine_home: Path) -> None:
    nats = Nats(engine_home / "killed-bus")
    access = await asyncio.to_thread(nats.start)
    got: list[int] = []

    async def handle(message: DeviceMessage) -> None:
        got.extend(numbers([message]))

    nudged: list[TenantId] = []

    async def look(tenant: TenantId) -> None:
        nudged.append(tenant)

    try:
        bus = await connected(access)
        heard = await bus.listen(update(1).path, handle)
        listening = await bus.on_nudge("resolve", look)
        await bus.send(update(1))
        await until(lambda: got == [1])
        assert nats.pid is not None
        os.kill(nats.pid, signal.SIGKILL)
        await until(lambda: not bus.connected)
        await bus.nudge("resolve", ACME)  # lost or late, but no error
        await asyncio.to_thread(nats.ensure)
        await until(lambda: bus.connected)
        await bus.send(update(2))
        await bus.nudge("resolve", ACME)
        await until(lambda: 2 in got and bool(nudged))
        await heard.end()
        await listening.end()
        await bus.close()
        assert sorted(set(got)) == [1, 2]
    finally:
        await asyncio.to_thread(nats.stop)


async def test_wrong_credentials_and_a_server_that_is_not_there_are_said_soon(nats_server: NatsAccess) -> None:
    for url, password in ((nats_server.url, "wrong"), ("nats://127.0.0.1:1", "any")):
        with pytest.raises(BusUnavailable, match="no connection to NATS"):
            await open_client(url, user="core", password=password, name="test", patience_s=0.3)

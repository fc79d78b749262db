"""Devices at the MQTT door, played by Mosquitto's own clients (Debian package mosquitto-clients)."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio
import structlog
from prometheus_client import REGISTRY

from fairlead.bus.connection import open_client
from fairlead.bus.kick import SystemDoor
from fairlead.bus.nats import NatsBus
from fairlead.edge.mqtt.callout import Callout
from fairlead.embedded.nats import Nats, NatsAccess, NatsSettings
from fairlead.engine.ports.bus import DeviceMessage
from fairlead.engine.ports.devicedoor import Admitted, Refusal, Refused
from fairlead.model.ids import DeviceId, TenantId

pytestmark = pytest.mark.peer("mosquitto")
PATIENCE_S = 15
SECRET = "correct-horse-battery"


@dataclass(kw_only=True)
class Door:
    """A door with a list of secrets, one device a name."""

    secrets: dict[str, str] = field(default_factory=dict)
    lasts: timedelta = timedelta(hours=1)
    broken: bool = False
    asked: list[str] = field(default_factory=list)

    async def admit(self, tenant_name: str, device_name: str, secret: str) -> Admitted | Refused:
        name = f"{tenant_name}/{device_name}"
        self.asked.append(name)
        if self.broken:
            raise ConnectionError(f"database away while looking for {secret}")
        if name not in self.secrets:
            return Refused(reason=Refusal.UNKNOWN)
        if self.secrets[name] != secret:
            return Refused(reason=Refusal.WRONG_SECRET)
        return Admitted(
            tenant=TenantId(UUID(int=1)), device=DeviceId(UUID(int=2)), expires=datetime.now(UTC) + self.lasts
        )


@dataclass(kw_only=True)
class Place:
    """A broker with its door open, and what Fairlead holds of it."""

    access: NatsAccess
    door: Door
    bus: NatsBus
    system: SystemDoor

    def client(self, program: str, device: str, *options: str, secret: str = SECRET, client_id: str = "") -> list[str]:
        """The command line of one Mosquitto client."""
        return [
            program, "-V", "mqttv311", "-h", self.access.mqtt_host, "-p", str(self.access.mqtt_port),
            "-i", client_id or device, "-u", device, "-P", secret, *options,
        ]  # fmt: skip

    async def publish(
        self, device: str, topic: str, payload: str, *, secret: str = SECRET, client_id: str = "", qos: int = 0
    ) -> tuple[int, str]:
        """Publish once; answers exit status and what was printed."""
        options = ("-t", topic, "-m", payload, "-q", str(qos))
        return await finish(self.client("mosquitto_pub", device, *options, secret=secret, client_id=client_id))

    @contextlib.asynccontextmanager
    async def subscribed(self, device: str, topic: str) -> AsyncIterator["Output"]:
        """A device that stays connected and prints what it gets; ready once its subscription stands."""
        command = ["stdbuf", "-oL", *self.client("mosquitto_sub", device, "-d", "-k", "5", "-v", "-t", topic)]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output = Output(process)
        try:
            yield output
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


class Output:
    """What a running client prints, line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, text: str) -> str:
        """Read on until a line contains `text`; fails with all that was read when none comes."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while line := (await self.process.stdout.readline()).decode():
                    self.lines.append(line.rstrip())
                    if text in line:
                        return line
        except TimeoutError:
            pass
        raise AssertionError(f"{text!r} did not come; got {self.lines}")


async def finish(command: list[str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode is not None
    return process.returncode, printed.decode()


@contextlib.asynccontextmanager
async def opened(access: NatsAccess) -> AsyncIterator[Place]:
    door = Door(secrets={"acme/a": SECRET, "acme/b": SECRET})
    auth = await open_client(access.url, user="auth", password=access.auth_password, name="test-callout")
    callout = Callout(auth, door, issuer_seed=access.issuer_seed)
    await callout.start()
    bus = await NatsBus.connect(access.url, user="core", password=access.core_password, name="test")
    system = await SystemDoor.connect(access.url, user="sys", password=access.sys_password, name="test")
    try:
        yield Place(access=access, door=door, bus=bus, system=system)
    finally:
        await callout.stop()
        for connection in (auth, bus, system):
            await connection.close()


@pytest_asyncio.fixture
async def place(mosquitto: None, nats_server: NatsAccess) -> AsyncIterator[Place]:
    async with opened(nats_server) as place:
        yield place


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("fairlead_mqtt_admissions_total", {"outcome": outcome}) or 0.0


async def test_a_device_with_its_secret_talks_both_ways(place: Place) -> None:
    heard: list[DeviceMessage] = []

    async def hear(message: DeviceMessage) -> None:
        heard.append(message)

    listening = await place.bus.listen("shadow/name/+/get", hear)
    before = counted("admitted")
    async with place.subscribed("acme/a", "fairlead/v1/acme/a/shadow/#") as device:
        await device.until("Subscribed (mid: 1): 0")
        status, printed = await place.publish("acme/b", "fairlead/v1/acme/b/shadow/name/network/get", "{}", qos=1)
        assert status == 0, printed
        await until(lambda: bool(heard))
        await place.bus.send(
            DeviceMessage(tenant="acme", device="a", path="shadow/name/network/update/delta", payload=b"hello")
        )
        line = await device.until("hello")
    await listening.end()
    assert line.split() == ["fairlead/v1/acme/a/shadow/name/network/update/delta", "hello"]
    assert heard == [DeviceMessage(tenant="acme", device="b", path="shadow/name/network/get", payload=b"{}")]
    assert counted("admitted") == before + 2


@pytest.mark.parametrize(
    ("device", "secret", "client_id", "outcome"),
    [
        ("acme/a", "wrong", "", "wrong_secret"),
        ("acme/nobody", SECRET, "", "unknown"),
        ("acme/a", SECRET, "acme/b", "malformed"),
        ("acme", SECRET, "", "malformed"),
        ("acme/a/shadow", SECRET, "", "malformed"),
        ("acme/é", SECRET, "", "malformed"),
        ("acme/a", "x" * 513, "", "malformed"),
    ],
)
async def test_whoever_is_not_this_device_is_refused(
    place: Place, device: str, secret: str, client_id: str, outcome: str
) -> None:
    before = counted(outcome)
    status, printed = await place.publish(
        device, "fairlead/v1/acme/a/shadow/get", "{}", secret=secret, client_id=client_id
    )
    assert status == 5, printed  # CONNACK 5, MQTT 3.1.1 §3.2.2.3: not authorised
    assert "not authorised" in printed
    assert counted(outcome) > before


async def test_the_bus_s_own_users_do_not_come_in_over_mqtt_as_devices(place: Place) -> None:
    """Passwords of the bus are not the devices' door: a device door that knows no `core` stays shut for it."""
    status, _ = await place.publish("core", "fairlead/v1/acme/a/shadow/get", "{}", secret="guess")
    assert status == 5


async def test_another_s_topic_is_closed_for_publishing(place: Place) -> None:
    heard: list[DeviceMessage] = []

    async def hear(message: DeviceMessage) -> None:
        heard.append(message)

    listening = await place.bus.listen("shadow/get", hear)
    for topic in ("fairlead/v1/acme/b/shadow/get", "fairlead/nudge/resolve", "fairlead/v1/acme/a/other"):
        for qos in (0, 1):
            status, printed = await place.publish("acme/a", topic, f"foreign-{qos}", qos=qos)
            assert status == 0, printed  # the broker swallows it, and says so only in its log
    await place.publish("acme/a", "fairlead/v1/acme/a/shadow/get", "own")
    await until(lambda: bool(heard))
    await listening.end()
    assert [message.payload for message in heard] == [b"own"]


@pytest.mark.parametrize(
    "topic", ["fairlead/v1/acme/b/shadow/#", "fairlead/v1/acme/+/shadow/get", "#", "$SYS/#", "fairlead/v1/acme/a/#"]
)
async def test_another_s_topic_is_closed_for_subscribing(place: Place, topic: str) -> None:
    _, printed = await finish(place.client("mosquitto_sub", "acme/a", "-d", "-W", "3", "-t", topic))
    assert "Subscribed (mid: 1): 128" in printed  # SUBACK failure, MQTT 3.1.1 §3.9.3


async def test_a_withdrawn_secret_ends_the_connection(place: Place) -> None:
    async with place.subscribed("acme/a", "fairlead/v1/acme/a/shadow/#") as device:
        await device.until("Subscribed (mid: 1): 0")
        async with place.subscribed("acme/b", "fairlead/v1/acme/b/shadow/#") as other:
            await other.until("Subscribed (mid: 1): 0")
            before = counted("unknown")
            del place.door.secrets["acme/a"]
            assert await place.system.kick("acme", "a") == 1
            await until(lambda: counted("unknown") > before)  # it came back, and was refused
            assert await place.system.kick("acme", "a") == 0
            await place.bus.send(DeviceMessage(tenant="acme", device="b", path="shadow/get/accepted", payload=b"still"))
            await other.until("still")


async def test_a_connection_ends_with_its_credential_and_is_judged_again(place: Place) -> None:
    place.door.lasts = timedelta(seconds=2)
    async with place.subscribed("acme/a", "fairlead/v1/acme/a/shadow/#") as device:
        await device.until("Subscribed (mid: 1): 0")
        assert place.door.asked == ["acme/a"]
        place.door.lasts = timedelta(hours=1)
        await until(lambda: len(place.door.asked) > 1)
        await device.until("Subscribed (mid: ")
        await place.bus.send(DeviceMessage(tenant="acme", device="a", path="shadow/get/accepted", payload=b"again"))
        await device.until("again")


async def test_a_door_that_cannot_look_refuses_and_tells_nobody_the_secret(place: Place) -> None:
    place.door.broken = True
    before = counted("unavailable")
    with structlog.testing.capture_logs() as logs:
        status, _ = await place.publish("acme/a", "fairlead/v1/acme/a/shadow/get", "{}")
    assert status == 5
    assert counted("unavailable") > before
    assert logs, "the failure was not logged"
    assert SECRET not in json.dumps(logs)
    place.door.broken = False
    assert (await place.publish("acme/a", "fairlead/v1/acme/a/shadow/get", "{}"))[0] == 0


async def test_devices_come_back_after_the_broker_was_killed(mosquitto: None, engine_home) -> None:
    nats = Nats(engine_home / "killed", NatsSettings())
    access = await asyncio.to_thread(nats.start)
    try:
        async with opened(access) as place, place.subscribed("acme/a", "fairlead/v1/acme/a/shadow/#") as device:
            await device.until("Subscribed (mid: 1): 0")
            killed = nats.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            await until(lambda: not place.bus.connected)
            assert await asyncio.to_thread(nats.ensure) == access
            assert nats.pid not in {None, killed}
            await device.until("Subscribed (mid: ")
            await until(lambda: place.bus.connected)
            await place.bus.send(DeviceMessage(tenant="acme", device="a", path="shadow/get/accepted", payload=b"back"))
            await device.until("back")
            assert place.door.asked == ["acme/a", "acme/a"]
    finally:
        await asyncio.to_thread(nats.stop)

"""Shadows as devices meet them: Mosquitto's clients, NATS, the door, PostgreSQL, all of it real.

`mosquitto_rr` is a device that subscribes, publishes and prints the first answer on one connection;
a second connection with the same client id would end the first.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb

from fairlead.bus.connection import open_client
from fairlead.bus.nats import NatsBus
from fairlead.edge.mqtt.callout import Callout
from fairlead.edge.mqtt.shadow import ARITHMETIC, ShadowDoor
from fairlead.embedded.nats import NatsAccess
from fairlead.engine.devicedoor import Door
from fairlead.engine.ports.bus import DeviceMessage
from fairlead.engine.shadow import Shadows
from fairlead.model.ids import TenantId
from fairlead.store.database import Database, Dsns
from fairlead.store.devicedoor import DoorStore
from fairlead.store.moves import MoveStore
from fairlead.store.shadow import ShadowStore
from fairlead_sim.devices.device import Card, DeviceSpec, Pace
from fairlead_sim.devices.fleet import Fleet
from fairlead_sim.devices.link import Broker
from fairlead_sim.world.radio import World

pytestmark = pytest.mark.peer("mosquitto")
PATIENCE_S = 15
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
A, B = UUID(int=1001), UUID(int=1002)
NETWORK, CONFIG = 1, 2


@dataclass(kw_only=True)
class Place:
    """A broker, a door that knows devices `a` and `b`, and the database behind it."""

    access: NatsAccess
    database: Database
    tenant: TenantId
    bus: NatsBus
    door: ShadowDoor
    progress: list[TenantId] = field(default_factory=list)

    def client(self, program: str, device: str, *options: str) -> list[str]:
        return [
            program, "-V", "mqttv311", "-h", self.access.mqtt_host, "-p", str(self.access.mqtt_port),
            "-i", f"acme/{device}", "-u", f"acme/{device}", "-P", f"secret-{device}", *options,
        ]  # fmt: skip

    async def say(self, device: str, path: str, body: Any, *, hear: str, of: str = "", wait_s: int = PATIENCE_S) -> Any:
        """Publish and answer the first message on `hear`; None when nothing comes in time."""
        text = body if isinstance(body, str) else json.dumps(body)
        own, other = f"fairlead/v1/acme/{device}/", f"fairlead/v1/acme/{of or device}/"
        content = ("-m", text) if text else ("-n",)
        options = ("-q", "0", "-t", other + path, "-e", own + hear, *content, "-W", str(wait_s))
        printed = await finish(self.client("mosquitto_rr", device, *options))
        return json.loads(printed) if printed.strip() else None

    async def update(self, device: str, facet: str, reported: Any, *, hear: str = "accepted", **more: Any) -> Any:
        path = f"shadow/name/{facet}/update"
        return await self.say(device, path, {"state": {"reported": reported}, **more}, hear=f"{path}/{hear}")

    async def offer(self, device: UUID, facet: int, content: dict[str, Any]) -> None:
        async with self.database.tenant(self.tenant) as tx:
            made = await tx.execute(
                "insert into document (tenant, digest, content) values (%s, %s, %s) "
                "on conflict (tenant, digest) do update set content = excluded.content returning id",
                (self.tenant, sha256(json.dumps(content).encode()).digest(), Jsonb(content)))  # fmt: skip
            row = await made.fetchone()
            assert row is not None
            await tx.execute(
                "insert into facet (tenant, device, facet, desired, generation, offered, offered_generation, changed_at) "
                "values (%s, %s, %s, %s, 1, %s, 1, %s)", (self.tenant, device, facet, row[0], row[0], NOW))  # fmt: skip

    async def one(self, query: str, *values: Any) -> Any:
        async with self.database.tenant(self.tenant) as tx:
            return await (await tx.execute(query, values)).fetchone()  # type: ignore[arg-type]


class Clock:
    """The world's time in this test: real seconds, from a fixed start."""

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=time.monotonic())


async def finish(command: list[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, complaints = await asyncio.wait_for(process.communicate(), PATIENCE_S + 10)
    assert process.returncode in {0, 27}, complaints.decode()  # 27: its time ran out
    return printed.decode()


async def fill(database: Database, tenant: TenantId) -> None:
    async with database.tenant(tenant) as tx:
        for device, name in ((A, "a"), (B, "b")):
            await tx.execute(
                "insert into device (tenant, id, name, secret_hash, created_at, updated_at) values (%s, %s, %s, %s, %s, %s)",
                (tenant, device, name, sha256(f"secret-{name}".encode()).digest(), NOW, NOW))  # fmt: skip
            await tx.execute("insert into fact (tenant, device) values (%s, %s)", (tenant, device))


@contextlib.asynccontextmanager
async def opened(access: NatsAccess, database: Database, tenant: TenantId) -> AsyncIterator[Place]:
    await fill(database, tenant)
    auth = await open_client(access.url, user="auth", password=access.auth_password, name="test-callout")
    callout = Callout(
        auth, Door(database, DoorStore(), real_now=lambda: datetime.now(UTC)), issuer_seed=access.issuer_seed
    )
    await callout.start()
    bus = await NatsBus.connect(access.url, user="core", password=access.core_password, name="test")
    shadows = Shadows(database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=lambda: NOW)
    progress: list[TenantId] = []

    async def note(tenant: TenantId, devices: Sequence[UUID]) -> None:
        assert devices
        progress.append(tenant)

    door = ShadowDoor(bus, shadows, now=lambda: NOW, progress=note)
    try:
        yield Place(access=access, database=database, tenant=tenant, bus=bus, door=door, progress=progress)
    finally:
        await callout.stop()
        await auth.close()
        await bus.close()


@pytest_asyncio.fixture
async def place(mosquitto: None, nats_server: NatsAccess, database: Database, tenant: TenantId) -> AsyncIterator[Place]:
    async with opened(nats_server, database, tenant) as place:
        await place.door.start()
        await place.bus.flush()
        try:
            yield place
        finally:
            await place.door.stop()


# --- the conversation ----------------------------------------------------------------------------


async def test_a_device_reports_and_asks(place: Place) -> None:
    accepted = await place.update("a", "flags", {"a": {"b": [1, {"c": 2}]}}, clientToken="t-1")
    stamp = {"timestamp": int(NOW.timestamp())}
    assert accepted == {
        "state": {"reported": {"a": {"b": [1, {"c": 2}]}}},
        "metadata": {"reported": {"a": {"b": [stamp, {"c": stamp}]}}},
        "version": 1,
        "timestamp": int(NOW.timestamp()),
        "clientToken": "t-1",
    }
    got = await place.say("a", "shadow/name/flags/get", "", hear="shadow/name/flags/get/accepted")
    assert (got["state"], got["version"]) == ({"reported": {"a": {"b": [1, {"c": 2}]}}}, 1)
    assert got["metadata"] == {"reported": {"a": {"b": [stamp, {"c": stamp}]}}}
    assert await place.one("select last_contact_at from fact where device = %s", A) == (NOW,)


async def test_the_shadow_without_a_name_is_the_configuration(place: Place) -> None:
    body = {"state": {"reported": {"interval_s": 60}}}
    assert (await place.say("a", "shadow/update", body, hear="shadow/update/accepted"))["version"] == 1
    got = await place.say("a", "shadow/name/config/get", "{}", hear="shadow/name/config/get/accepted")
    assert got["state"] == {"reported": {"interval_s": 60}}


async def test_what_is_offered_is_asked_for_until_it_is_reported(place: Place) -> None:
    await place.offer(A, CONFIG, {"interval_s": 300, "gps": {"on": True}})
    got = await place.say("a", "shadow/get", "", hear="shadow/get/accepted")
    assert got["state"]["desired"] == got["state"]["delta"] == {"interval_s": 300, "gps": {"on": True}}
    delta = await place.update("a", "config", {"interval_s": 300}, hear="delta")
    assert (delta["state"], delta["version"]) == ({"gps": {"on": True}}, 1)
    assert delta["metadata"] == {"gps": {"on": {"timestamp": int(NOW.timestamp())}}}
    documents = await place.update("a", "config", {"gps": {"on": True}}, hear="documents")
    assert documents["previous"]["version"] == 1
    assert documents["previous"]["state"]["reported"] == {"interval_s": 300}
    assert documents["current"]["version"] == 2
    assert documents["current"]["state"]["reported"] == documents["current"]["state"]["desired"]
    assert await place.one("select observed_generation from facet") == (1,)
    assert place.progress


async def test_a_nudge_reaches_the_device_that_listens(place: Place) -> None:
    await place.offer(A, NETWORK, {"carrier": "northwind-de", "apn": "iot.northwind", "lease_s": 900})
    topic = "fairlead/v1/acme/a/shadow/name/network/update/delta"
    command = [
        "stdbuf",
        "-oL",
        *place.client("mosquitto_sub", "a", "-d", "-t", topic, "-C", "1", "-W", str(PATIENCE_S)),
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    while b"Subscribed" not in await asyncio.wait_for(process.stdout.readline(), PATIENCE_S):
        pass
    await place.door.nudge_devices(place.tenant, [(A, [NETWORK, CONFIG]), (B, [NETWORK]), (UUID(int=7), [NETWORK])])
    printed = (await asyncio.wait_for(process.communicate(), PATIENCE_S))[0].decode()
    delta = json.loads(next(line for line in printed.splitlines() if line.startswith("{")))
    assert delta["state"] == {"carrier": "northwind-de", "apn": "iot.northwind", "lease_s": 900}


async def test_forgetting(place: Place) -> None:
    await place.update("a", "flags", {"a": 1})
    gone = await place.say("a", "shadow/name/flags/delete", "", hear="shadow/name/flags/delete/accepted")
    assert gone == {"version": 2, "timestamp": int(NOW.timestamp())}
    again = await place.say("b", "shadow/name/flags/delete", "", hear="shadow/name/flags/delete/rejected")
    assert again["code"] == 404


# --- what is refused -----------------------------------------------------------------------------


def nested(levels: int) -> dict[str, Any]:
    return {"a": nested(levels - 1)} if levels > 1 else {"a": 1}


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"state": {"reported": {"a": 2}}, "version": 9}, 409, "Version conflict"),
        ({"state": {"desired": {"a": 2}}}, 403, "desired"),
        ({"state": {"reported": {"a": 2}, "desired": None}}, 403, "desired"),
        ({"state": {"reported": {"a": "x" * 4_000, "b": "x" * 4_000, "c": "x" * 400}}}, 413, "exceeds"),
        ({"state": {"reported": {"a": "x" * 20_000}}}, 413, "exceeds"),
        ({"state": {"reported": nested(7)}}, 400, "nesting"),
        ('{"state": {"reported": {"a": ' + "[" * 900 + "]" * 900 + "}}}", 400, "nesting"),
        ('{"state": {"reported": {"a": 1', 400, "Invalid JSON"),
        ('{"state": {"reported": {"a": 1, "a": 2}}}', 400, "twice"),
        ('{"state": {"reported": {"a": "\\u0000"}}}', 400, "U+0000"),
        ("[]", 400, "object"),
        ({"state": {"reported": 5}}, 400, "Reported node"),
        ({"state": {"reported": {}}, "extra": 1}, 400, "extra"),
    ],
)
async def test_bad_updates_are_told_why_and_change_nothing(place: Place, body: Any, code: int, says: str) -> None:
    await place.update("a", "flags", {"a": 1})
    path = "shadow/name/flags/update"
    rejected = await place.say("a", path, body, hear=f"{path}/rejected")
    assert rejected["code"] == code
    assert says in rejected["message"]
    assert await place.one("select version, state from reported") == (1, {"a": 1})


async def test_a_facet_that_does_not_exist(place: Place) -> None:
    for name in ("mood", "subscription"):
        rejected = await place.update("a", name, {"a": 1}, hear="rejected")
        assert rejected["code"] == 404


async def test_another_device_s_shadow_is_out_of_reach(place: Place) -> None:
    await place.update("b", "flags", {"of": "b"})
    path = "shadow/name/flags/update"
    body = {"state": {"reported": {"of": "a"}}}
    assert await place.say("a", path, body, of="b", hear=f"{path}/accepted", wait_s=2) is None
    assert (
        await place.say("a", "shadow/name/flags/get", "", of="b", hear="shadow/name/flags/get/accepted", wait_s=2)
        is None
    )
    assert await place.one("select device, version, state from reported") == (B, 1, {"of": "b"})


async def test_a_state_that_only_the_store_cannot_keep_is_refused_alone(place: Place) -> None:
    """Beyond what the protocol checks: the others of its batch are served all the same."""
    heard: list[DeviceMessage] = []

    async def hear(message: DeviceMessage) -> None:
        heard.append(message)

    listening = [await place.bus.listen(f"shadow/name/flags/update/{each}", hear) for each in ("accepted", "rejected")]
    await place.bus.flush()
    bodies = {"a": '{"state":{"reported":{"a":"\\ud800"}}}', "b": '{"state":{"reported":{"b":1}}}'}
    for device, body in bodies.items():
        path = "shadow/name/flags/update"
        await place.bus.send(DeviceMessage(tenant="acme", device=device, path=path, payload=body.encode()))
    async with asyncio.timeout(PATIENCE_S):
        while len(heard) < 2:  # noqa: ASYNC110 - filled by the bus
            await asyncio.sleep(0.02)
    for each in listening:
        await each.end()
    assert {message.device: message.path.rsplit("/", 1)[1] for message in heard} == {"a": "rejected", "b": "accepted"}


# --- simulated devices -----------------------------------------------------------------------------


async def settle(place: Place, query: str, wanted: Any) -> None:
    """Wait until a query answers this."""
    found: Any = None
    try:
        async with asyncio.timeout(PATIENCE_S * 2):
            while (found := await place.one(query)) != wanted:  # noqa: ASYNC110 - it happens in PostgreSQL
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{query} answers {found}, not {wanted}") from None


async def test_a_simulated_fleet_moves_and_those_that_cannot_go_back_and_say_so(place: Place) -> None:
    """Ten devices are asked onto their local cards; one card is suspended."""
    clock = Clock()
    world = World(clock=clock)
    world.add_carrier("global", name="Global", home="204-08", apns=frozenset({"iot"}), roams_in="everywhere")
    world.add_carrier("local", name="Local", home="262-02", apns=frozenset({"de"}))
    cards = list(zip(world.issue("global", 10, state="active"), world.issue("local", 10, state="active"), strict=True))
    specs: list[DeviceSpec] = []
    async with place.database.tenant(place.tenant) as tx:
        for number, name in ((1, "global"), (2, "local")):
            await tx.execute(
                "insert into account (tenant, id, name, connector, carrier, created_at, updated_at) "
                "values (%s, %s, %s, 'none', %s, %s, %s)", (place.tenant, UUID(int=number), name, name, NOW, NOW))  # fmt: skip
        for n, (home, local) in enumerate(cards):
            device, name = UUID(int=2000 + n), f"sim{n}"
            world.add_device(name, country="DE", slots=[home.iccid, local.iccid])
            await tx.execute(
                "insert into device (tenant, id, name, secret_hash, created_at, updated_at) values (%s, %s, %s, %s, %s, %s)",
                (place.tenant, device, name, sha256(b"s").digest(), NOW, NOW))  # fmt: skip
            await tx.execute("insert into fact (tenant, device) values (%s, %s)", (place.tenant, device))
            for slot, sim in ((1, home), (2, local)):
                await tx.execute(
                    "insert into profile (tenant, id, card, device, account, slot, iccid, iccid_raw) "
                    "values (%s, %s, %s, %s, %s, %s, %s, %s)",
                    (place.tenant, UUID(int=10_000 * slot + n), UUID(int=n), device, UUID(int=slot), slot, sim.iccid, sim.iccid))  # fmt: skip
            specs.append(
                DeviceSpec(
                    name=name,
                    secret="s",
                    cards=(
                        Card(slot=1, iccid=home.iccid, carrier="global", apn="iot"),
                        Card(slot=2, iccid=local.iccid, carrier="local", apn="de"),
                    ),
                )
            )
    world.set_state(cards[3][1].iccid, "suspended")
    broker = Broker(host=place.access.mqtt_host, port=place.access.mqtt_port)
    pace = Pace(at_most_s=0.2, lease_at_least_s=3, lease_at_most_s=3)
    fleet = Fleet(broker, tenant="acme", specs=specs, world=world, clock=clock, pace=pace)
    await fleet.start()
    try:
        await asyncio.wait_for(fleet.connected(), PATIENCE_S)
        by_carrier = (
            "select count(*) filter (where state ->> 'carrier' = 'global'), count(*) from reported where facet = 1"
        )
        await settle(place, by_carrier, (10, 10))
        await settle(place, "select count(*) from fact where firmware = '1.0.0'", (10,))
        for n in range(10):
            await place.offer(UUID(int=2000 + n), NETWORK, {"carrier": "local", "apn": "de", "lease_s": 3})
        await place.door.nudge_devices(place.tenant, [(UUID(int=2000 + n), [NETWORK]) for n in range(10)])
        await settle(place, "select count(*) from facet where observed_generation = 1", (9,))
        async with asyncio.timeout(PATIENCE_S):
            while fleet.counts.reverted < 1 or fleet.counts.connected < 10:  # noqa: ASYNC110 - counted by callbacks
                await asyncio.sleep(0.05)
        await settle(place, by_carrier, (1, 10))
        sessions = [world.connected(f"sim{n}") for n in range(10)]
        assert [found.carrier for found in sessions if found] == ["local"] * 3 + ["global"] + ["local"] * 6
        assert (fleet.counts.switched, fleet.counts.reverted) == (9, 1)
    finally:
        await fleet.stop()


# --- kill -9 -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def served(access: NatsAccess, dsns: Dsns) -> AsyncIterator[asyncio.subprocess.Process]:
    script = str(Path(__file__).with_name("serve_shadow.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, access.url, access.core_password, dsns.app, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).strip() == b"ready"
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_service_killed_before_its_commit_has_promised_nothing(
    mosquitto: None, nats_server: NatsAccess, database: Database, database_dsns: Dsns, tenant: TenantId
) -> None:
    waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    async with opened(nats_server, database, tenant) as place:
        async with served(nats_server, database_dsns) as first:
            assert (await place.update("a", "flags", {"a": 1}))["version"] == 1
            async with database.nameless() as locker:
                await locker.execute("lock table reported in access exclusive mode")
                path = "shadow/name/flags/update"
                body = {"state": {"reported": {"a": 2}}}
                saying = asyncio.create_task(place.say("a", path, body, hear=f"{path}/accepted", wait_s=6))
                async with asyncio.timeout(PATIENCE_S):
                    while (await place.one(waiting)) == (0,):  # noqa: ASYNC110 - another process gets there
                        await asyncio.sleep(0.02)
                first.send_signal(signal.SIGKILL)
                await first.wait()
            assert await saying is None
        assert await place.one("select version, state from reported") == (1, {"a": 1})
        async with served(nats_server, database_dsns):
            assert (await place.update("a", "flags", {"a": 2}, version=1))["version"] == 2
            assert await place.one("select version, state from reported") == (2, {"a": 2})

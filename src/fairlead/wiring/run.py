"""How the house runs: with engines of its own (`up`), or connected to an operator's (`serve`)."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import uvicorn

from fairlead.bus.connection import open_client
from fairlead.bus.kick import SystemDoor
from fairlead.bus.nats import NatsBus
from fairlead.config import Config, ConfigRefused, Fault, load
from fairlead.connectors._kit.http import new_client
from fairlead.edge.api.app import ROUTERS, create_app
from fairlead.edge.console import Console, Front
from fairlead.edge.mqtt.callout import Callout
from fairlead.edge.mqtt.shadow import ShadowDoor
from fairlead.embedded.engines import EmbeddedEngines, Engines
from fairlead.embedded.nats import NatsSettings
from fairlead.embedded.postgres import PostgresSettings
from fairlead.engine.devicedoor import Door
from fairlead.engine.events import ABOUT
from fairlead.engine.ports.bus import BusUnavailable
from fairlead.engine.ports.events import About
from fairlead.engine.ports.tenants import TenantExists
from fairlead.engine.private_file import read_private, write_private
from fairlead.engine.tenants import Tenants
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import TenantId, show
from fairlead.store.bootstrap import bootstrap as bootstrap_database
from fairlead.store.changes import ChangeStore
from fairlead.store.database import Database, Dsns
from fairlead.store.devicedoor import DoorStore
from fairlead.store.lab_clock import LabClockStore
from fairlead.store.migrate import check_schema, migrate
from fairlead.store.observing import ObservationStore
from fairlead.store.tenants import TenantStore
from fairlead.wiring.house import House
from fairlead.wiring.logs import configure

ROLES: Final = ("api", "mqtt", "worker")
DATABASE: Final = "fairlead"
FIRST_TENANT: Final = "home"
STOP_S: Final = 5  # what answers still under way are given when the API stops
PASSWORD: Final = "database.password"  # noqa: S105 - the name of a file in the data directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What `up` tells when everything answers."""

    api_url: str
    mqtt_host: str
    mqtt_port: int
    tenant: str
    setup_code: str | None  # one time, for the first owner; None where there is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Bus:
    """Where NATS is and how to come in."""

    url: str
    core_password: str
    sys_password: str
    auth_password: str
    issuer_seed: str
    mqtt_host: str
    mqtt_port: int


# --- commands ------------------------------------------------------------------------------------


def check_config(path: Path | None, overrides: Mapping[str, str]) -> list[Fault]:
    """What is wrong with a configuration; empty when all is well."""
    try:
        return load(file=path, flags=overrides).check()
    except ConfigRefused as refused:
        return list(refused.faults)


async def up(
    path: Path | None,
    overrides: Mapping[str, str],
    *,
    ready: Callable[[Ready], Awaitable[None] | None],
    tenant: str = FIRST_TENANT,
) -> None:
    """Engines, migrations and every role, until cancelled. Raises `ConfigRefused`."""
    config = checked(path, overrides)
    for key, value in (("database.app", config.database_app), ("nats.url", config.nats_url)):
        if value is not None:
            raise ConfigRefused(Fault(key=key, value="set", expected="nothing: up brings its own engines; use serve"))
    config.data_dir.mkdir(parents=True, exist_ok=True)
    engines = EmbeddedEngines(
        config.data_dir / "engines",
        postgres=PostgresSettings(),
        nats=NatsSettings(mqtt_host=config.mqtt_host, mqtt_port=config.mqtt_port),
    )
    started = await asyncio.to_thread(engines.start)
    try:
        dsns = await _dsns(config, started)
        async with open_house(config, dsns) as house:
            number = await first_tenant(house.database, tenant, house.timekeeper.now())
            code = await house.people.first_setup_code(number)
            async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
                group.create_task(_keep_engines(engines), name="engines")
                await _run(
                    stack,
                    group,
                    house,
                    _bus_of(started),
                    ROLES,
                    ready,
                    tenant=tenant,
                    code=code,
                )
    finally:
        await asyncio.shield(asyncio.to_thread(engines.stop))


async def serve(
    path: Path | None,
    overrides: Mapping[str, str],
    roles: Sequence[str],
    *,
    ready: Callable[[Ready], Awaitable[None] | None],
) -> None:
    """Only connect, and run these roles until cancelled. Raises `ConfigRefused`."""
    config = checked(path, overrides)
    if config.database_app is None or config.database_door is None:
        raise ConfigRefused(Fault(key="database.app", value="not set", expected="a DSN: serve brings no engines"))
    dsns = Dsns(app=config.database_app, door=config.database_door, owner=config.database_owner)
    async with open_house(config, dsns) as house, contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        await _run(stack, group, house, _bus_from(config), roles, ready, tenant="", code=None)


async def bootstrap(admin_dsn: str, *, database: str = DATABASE) -> Dsns:
    """Roles, database and schema on a PostgreSQL of the operator's own."""
    dsns = await bootstrap_database(admin_dsn, database=database, password=secrets.token_urlsafe(24))
    await migrate(dsns.owner or admin_dsn)
    return dsns


async def first_tenant(database: Database, name: str, now: datetime) -> TenantId:
    """The tenant of that name, made where it is missing."""
    tenants = Tenants(TenantStore(database), clock=lambda: now)
    with contextlib.suppress(TenantExists):
        return await tenants.create(name)
    found = await tenants.named(name)
    if found is None:
        raise LookupError(f"tenant {name} is there and is not")
    return found.id


# --- how they run --------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def open_house(config: Config, dsns: Dsns) -> AsyncGenerator[House]:
    """Everything on this database, once its schema fits. Raises `SchemaUnfit`."""
    database = await Database.open(dsns)
    http = new_client(connections=200)
    try:
        async with database.nameless() as tx:
            await check_schema(tx)
        changes = ChangeStore()

        async def moves_open() -> bool:
            async with database.nameless() as tx:
                tenants = await ObservationStore().tenants(tx)
            for number, _ in tenants:
                async with database.tenant(TenantId(number)) as tx:
                    if await changes.any_open_move(tx):
                        return True
            return False

        timekeeper = Timekeeper()
        if config.clock is not None:
            timekeeper = Timekeeper.lab(
                config.clock.rate, config.clock.epoch, store=LabClockStore(database), moves_open=moves_open
            )
            await timekeeper.follow()
        house = House(config, database, http, timekeeper)
        yield house
        await house.jobs.close()
    finally:
        await http.aclose()
        await database.close()


async def _run(
    stack: contextlib.AsyncExitStack,  # what is opened here is closed after the tasks have ended
    group: asyncio.TaskGroup,
    house: House,
    bus: Bus,
    roles: Sequence[str],
    ready: Callable[[Ready], Awaitable[None] | None],
    *,
    tenant: str,
    code: str | None,
) -> None:
    core = await NatsBus.connect(bus.url, user="core", password=bus.core_password, name="fairlead")
    stack.push_async_callback(core.close)
    house.kicks = await SystemDoor.connect(bus.url, user="sys", password=bus.sys_password, name="fairlead")
    stack.push_async_callback(house.kicks.close)

    group.create_task(house.events.publish(core), name="events")

    async def progress(tenant: TenantId, devices: Sequence[UUID]) -> None:
        """Devices answered: whichever process runs the worker should look. Lost nudges only cost time."""
        some = [About(id=show("dev", device), action="answered") for device in devices[:ABOUT]]
        house.events.tell(tenant, "device", some, count=len(devices))
        with contextlib.suppress(BusUnavailable):
            await core.nudge("loop", tenant)

    shadow_door = ShadowDoor(core, house.shadows, now=house.timekeeper.now, progress=progress)
    group.create_task(_follow_clock(house.timekeeper), name="clock")
    if "mqtt" in roles:
        client = await open_client(bus.url, user="auth", password=bus.auth_password, name="fairlead-callout")
        stack.push_async_callback(client.close)
        door = Door(house.database, DoorStore(), real_now=house.timekeeper.real_now)
        callout = Callout(client, door, issuer_seed=bus.issuer_seed)
        await callout.start()
        stack.push_async_callback(callout.stop)
        await shadow_door.start()
        stack.push_async_callback(shadow_door.stop)
    if "worker" in roles:
        loop = house.loop(shadow_door, sweep_every_s=house.config.carriers_sweep_s)

        async def look(tenant: TenantId) -> None:
            loop.nudge(tenant, "prove", "resolve")

        heard = await core.on_nudge("loop", look, share=False)
        stack.push_async_callback(heard.end)
        group.create_task(loop.run(), name="worker")
        group.create_task(house.journal.run(), name="sealer")
    url = ""
    if "api" in roles:
        hears = await core.on_event(house.events.hear)
        stack.push_async_callback(hears.end)
        server, url = _api(house)
        stack.callback(house.events.close)  # first of all: open streams end before what they read from does
        group.create_task(_until_stopped(server), name="api")
        await server.up.wait()
    told = ready(Ready(api_url=url, mqtt_host=bus.mqtt_host, mqtt_port=bus.mqtt_port, tenant=tenant, setup_code=code))
    if told is not None:
        await told


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: whoever runs us decides when we end."""

    def __init__(self, config: uvicorn.Config, *, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self.up = asyncio.Event()
        self._ending = ending  # ends what would go on for ever

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        yield


def _api(house: House) -> tuple[_Server, str]:
    app = create_app(house.services())
    settings = uvicorn.Config(
        Front(app, Console(), api_roots=api_roots()),
        host=house.config.api_host,
        port=house.config.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
        lifespan="off",
        ssl_certfile=str(house.config.tls_cert) if house.config.tls_cert else None,
        ssl_keyfile=str(house.config.tls_key) if house.config.tls_key else None,
    )
    scheme = "https" if house.config.tls_cert else "http"
    return _Server(settings, ending=house.events.close), f"{scheme}://{house.config.api_host}:{house.config.api_port}"


def api_roots() -> frozenset[str]:
    """The first parts of the API's paths; all other paths are the console's."""
    paths = [str(getattr(route, "path", "")) for router in ROUTERS for route in router.routes]
    return frozenset(path.lstrip("/").partition("/")[0] for path in paths)


async def _until_stopped(server: _Server) -> None:
    try:
        await server.serve()
    except asyncio.CancelledError:
        server.should_exit = True
        raise


async def _follow_clock(timekeeper: Timekeeper) -> None:
    while True:
        with contextlib.suppress(Exception):  # the database is away for a moment: the last pace holds
            await timekeeper.follow()
        await asyncio.sleep(1.0)


async def _keep_engines(engines: EmbeddedEngines) -> None:
    """An engine that died is started again."""
    while True:
        await asyncio.sleep(1.0)
        await asyncio.to_thread(engines.ensure)


def checked(path: Path | None, overrides: Mapping[str, str]) -> Config:
    """The configuration, once nothing is wrong with it. Raises `ConfigRefused`."""
    config = load(file=path, flags=overrides)
    faults = config.check()
    if faults:
        raise ConfigRefused(*faults)
    configure(config.log_format, config.log_level)
    return config


async def embedded_dsns(config: Config, admin_dsn: str) -> Dsns:
    """The roles and the database of the embedded cluster, with a password that lies beside it. Twice is once."""
    place = config.data_dir / PASSWORD
    write_private(place, secrets.token_urlsafe(24).encode(), replace=False)
    password = (read_private(place) or b"").decode()
    return await bootstrap_database(admin_dsn, database=DATABASE, password=password)


async def _dsns(config: Config, engines: Engines) -> Dsns:
    """The same, with the schema brought up to date."""
    dsns = await embedded_dsns(config, engines.dsn)
    if dsns.owner is not None:
        await migrate(dsns.owner)
    return dsns


def _bus_of(engines: Engines) -> Bus:
    access = engines.nats
    return Bus(
        url=access.url,
        core_password=access.core_password,
        sys_password=access.sys_password,
        auth_password=access.auth_password,
        issuer_seed=access.issuer_seed,
        mqtt_host=access.mqtt_host,
        mqtt_port=access.mqtt_port,
    )


def _bus_from(config: Config) -> Bus:
    """A NATS of the operator's own; its passwords come from the environment, the issuer's seed from a file."""
    if config.nats_url is None:
        raise ConfigRefused(Fault(key="nats.url", value="not set", expected="the address of a NATS server"))
    seed = read_private(config.data_dir / "nats-issuer.seed")

    def secret(name: str) -> str:
        return os.environ.get(f"FAIRLEAD_NATS_{name}_PASSWORD", "")

    return Bus(
        url=config.nats_url,
        core_password=secret("CORE"),
        sys_password=secret("SYS"),
        auth_password=secret("AUTH"),
        issuer_seed=(seed or b"").decode().strip(),
        mqtt_host=config.mqtt_host,
        mqtt_port=config.mqtt_port,
    )

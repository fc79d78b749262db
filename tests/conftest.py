"""Fixtures that more than one kind of test needs.

Engines are started on first use, once per test process (so each xdist worker has its own), and
thrown away at the end: no fsync, everything below one directory in the system's temporary
directory, which is opened just far enough for the unprivileged user that engines run as.
"""

import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from fairlead.embedded.nats import Nats, NatsAccess, NatsSettings
from fairlead.embedded.postgres import Postgres, PostgresSettings
from fairlead.model.ids import TenantId
from fairlead.store.bootstrap import bootstrap
from fairlead.store.bootstrap import dsns as dsns_of
from fairlead.store.database import Database, Dsns
from fairlead.store.migrate import migrate

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_TEMPLATE: Final = "fairlead_template"
_PASSWORD: Final = "test-only"

# --- engines -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def engine_home() -> Iterator[Path]:
    """A directory for this test process's engines; not pytest's own, which is closed to other users."""
    home = Path(tempfile.mkdtemp(prefix="fairlead-test-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def pg_dsn(engine_home: Path) -> Iterator[str]:
    """The superuser's DSN of a throw-away PostgreSQL cluster."""
    postgres = Postgres(engine_home, PostgresSettings(fsync=False, shared_buffers_mb=128, max_connections=100))
    try:
        yield postgres.start()
    finally:
        postgres.stop()


@pytest.fixture(scope="session")
def nats_server(engine_home: Path) -> Iterator[NatsAccess]:
    """A throw-away NATS server with MQTT and the auth callout configured; start a `Callout` to let devices in."""
    nats = Nats(engine_home, NatsSettings(store_limit_mb=1024))
    try:
        yield nats.start()
    finally:
        nats.stop()


# --- real peers --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def mosquitto() -> None:
    """Mosquitto's command line clients: `mosquitto_pub` and `mosquitto_sub`."""
    debian_programs("mosquitto-clients", "mosquitto_pub", "mosquitto_sub")


def debian_programs(packages: str, *programs: str) -> None:
    """See to programs of Debian packages: installed where we may, else the test is skipped with the reason."""
    if all(shutil.which(program) for program in programs):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        pytest.skip(f"{packages} is not installed, and installing it needs apt-get and root")
    with Path(tempfile.gettempdir(), "fairlead-apt.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one xdist worker at a time
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages.split()]):
            done = subprocess.run(command, capture_output=True, text=True, check=False, env=APT_ENVIRONMENT)
            if done.returncode != 0:
                pytest.skip(f"{packages} could not be installed: {done.stderr.strip()[-300:]}")


APT_ENVIRONMENT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


# --- databases (migrated, with roles): stand on `pg_dsn` ---------------------------------------


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dsns(pg_dsn: str) -> Dsns:
    """Roles and a migrated database that other databases are cloned from; nobody stays connected to it."""
    made = await bootstrap(pg_dsn, database=_TEMPLATE, password=_PASSWORD)
    assert made.owner is not None
    await migrate(made.owner)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def database_dsns(dsns: Dsns, pg_dsn: str) -> AsyncIterator[Dsns]:
    """A fresh migrated database, dropped afterwards."""
    name = f"t_{secrets.token_hex(6)}"
    async with await psycopg.AsyncConnection.connect(pg_dsn, autocommit=True) as admin:
        made = "create database {} template {} owner fairlead_owner strategy file_copy"
        await admin.execute(sql.SQL(made).format(sql.Identifier(name), sql.Identifier(_TEMPLATE)))
        try:
            yield dsns_of(pg_dsn, database=name, password=_PASSWORD)
        finally:
            await admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest_asyncio.fixture(loop_scope="session")
async def database(database_dsns: Dsns) -> AsyncIterator[Database]:
    """That database, open."""
    opened = await Database.open(database_dsns, size=8)
    try:
        yield opened
    finally:
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def tenant(database: Database) -> TenantId:
    """A tenant named `acme` in it."""
    made = TenantId(UUID("018f0000-0000-7000-8000-000000000001"))
    async with database.nameless() as conn:
        await conn.execute("select create_tenant(%s, %s, %s)", (made, "acme", NOW))
    return made

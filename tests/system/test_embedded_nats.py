"""NATS as our child: kept through kill -9 of itself and of us, and closed to whoever has no password."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.bus.connection import open_client
from fairlead.embedded import process
from fairlead.embedded.engines import EmbeddedEngines
from fairlead.embedded.nats import Nats, NatsAccess, NatsSettings
from fairlead.embedded.postgres import PostgresSettings
from fairlead.embedded.process import DirectoryInUse, EngineFailed
from fairlead.engine.ports.bus import BusUnavailable

PARENT = """
import pathlib, sys, time
from fairlead.embedded.nats import Nats
nats = Nats(pathlib.Path(sys.argv[1]))
nats.start()
print(nats.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fairlead-test-") as home:
        yield Path(home)


@pytest.fixture
def nats(home: Path) -> Iterator[Nats]:
    nats = Nats(home)
    try:
        yield nats
    finally:
        nats.stop()


async def get_in(access: NatsAccess, *, user: str = "core", password: str = "") -> bool:
    try:
        client = await open_client(access.url, user=user, password=password or access.core_password, name="test")
    except BusUnavailable:
        return False
    await client.close()
    return True


async def test_only_its_own_users_get_in(nats: Nats, home: Path) -> None:
    access = nats.start()
    assert nats.start() == access
    assert await get_in(access)
    assert await get_in(access, user="auth", password=access.auth_password)
    assert await get_in(access, user="sys", password=access.sys_password)
    assert not await get_in(access, password="wrong")
    for name in ("nats-secrets.json", "nats-issuer.seed", "nats/nats.conf"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    for secret in (access.auth_password, access.core_password, access.sys_password, access.issuer_seed):
        assert secret not in repr(access)
        assert secret not in (home / "nats.log").read_text()


def test_a_killed_server_comes_back_where_it_was(nats: Nats) -> None:
    access = nats.start()
    killed = nats.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert process.until(lambda: nats.pid is None, 10)
    assert nats.ensure() == access
    assert nats.pid not in {None, killed}
    assert not Path(f"/proc/{killed}").exists()  # no zombie


def test_a_server_that_outlived_us_is_adopted(home: Path, nats: Nats) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(home)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    with pytest.raises(DirectoryInUse, match=str(parent.pid)):
        nats.start()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    nats.start()
    assert nats.adopted
    assert nats.pid == pid
    nats.stop()
    assert process.command_line(pid) == ""


def test_a_process_that_took_its_number_is_left_alone(home: Path, nats: Nats) -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:
        nats.start()
        nats.stop()
        (home / "nats" / "nats.pid").write_text(str(stranger.pid))
        nats.start()
        assert not nats.adopted
        nats.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_the_issuer_s_key_stays_the_same(home: Path, nats: Nats) -> None:
    seed = nats.start().issuer_seed
    assert seed.startswith("SA")
    nats.stop()
    assert nats.start().issuer_seed == seed


def test_mqtt_outside_loopback_needs_a_certificate(home: Path) -> None:
    with pytest.raises(EngineFailed, match="certificate"):
        Nats(home, NatsSettings(mqtt_host="0.0.0.0"))


def test_both_engines_together(home: Path) -> None:
    engines = EmbeddedEngines(home, postgres=PostgresSettings(shared_buffers_mb=16, fsync=False))
    try:
        started = engines.start()
        assert not started.adopted
        assert started.postgres_pid is not None
        assert started.nats_pid is not None
        os.kill(started.postgres_pid, signal.SIGKILL)
        os.kill(started.nats_pid, signal.SIGKILL)
        assert process.until(lambda: engines.postgres.pid is None and engines.nats.pid is None, 10)
        again = engines.ensure()
        assert (again.dsn, again.nats) == (started.dsn, started.nats)
        password = started.dsn.split(":")[2].split("@")[0]
        assert password not in repr(again)
    finally:
        engines.stop()
    assert engines.postgres.pid is None
    assert engines.nats.pid is None

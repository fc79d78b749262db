"""PostgreSQL as our child: kept through kill -9 of itself and of us, never run twice, never a stranger's."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from fairlead.embedded import place, process
from fairlead.embedded.postgres import Postgres, PostgresSettings, programs
from fairlead.embedded.process import DirectoryInUse, EngineFailed

SMALL = PostgresSettings(shared_buffers_mb=16, max_connections=20, fsync=False)  # a killed process needs no fsync
PARENT = """
import pathlib, sys, time
from fairlead.embedded.postgres import Postgres, PostgresSettings, programs
postgres = Postgres(pathlib.Path(sys.argv[1]), PostgresSettings(shared_buffers_mb=16, max_connections=20, fsync=False))
print(postgres.start(), postgres.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fairlead-test-") as home:
        yield Path(home)


@pytest.fixture
def postgres(home: Path) -> Iterator[Postgres]:
    postgres = Postgres(home, SMALL)
    try:
        yield postgres
    finally:
        postgres.stop()


def write(dsn: str, *, rows: int = 100) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, %s)", [rows])


def count(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return row[0]


def setting(dsn: str, name: str) -> str:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return row[0]


def test_what_a_fresh_cluster_is_like(home: Path) -> None:
    postgres = Postgres(home, PostgresSettings(shared_buffers_mb=16))
    try:
        check_fresh_cluster(postgres, home)
    finally:
        postgres.stop()


def check_fresh_cluster(postgres: Postgres, home: Path) -> None:
    dsn = postgres.start()
    assert postgres.start() == dsn  # starting twice is starting once
    assert setting(dsn, "server_version").startswith("18.")
    assert setting(dsn, "fsync") == "on"
    assert setting(dsn, "data_checksums") == "on"
    assert setting(dsn, "listen_addresses") == "127.0.0.1"
    assert setting(dsn, "timezone") == "UTC"
    assert setting(dsn, "shared_buffers") == "16MB"
    assert stat.S_IMODE((home / "postgres" / "password").stat().st_mode) == 0o600
    wrong = dsn.replace(dsn.split(":")[2].split("@")[0], "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    other = postgres.create_database("other-one")
    assert postgres.create_database("other-one") == other
    assert setting(other, "server_encoding") == "UTF8"


def test_a_killed_server_comes_back_with_everything_committed(postgres: Postgres) -> None:
    dsn = postgres.start()
    for round_ in range(1, 3):
        write(dsn)
        killed = postgres.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert process.until(lambda: postgres.pid is None, 10)
        assert postgres.ensure() == dsn
        assert postgres.pid not in {None, killed}
        assert not postgres.adopted
        assert not Path(f"/proc/{killed}").exists()  # no zombie
        assert count(dsn) == 100 * round_


def test_stopping_leaves_no_process_and_keeps_the_data(postgres: Postgres) -> None:
    dsn = postgres.start()
    write(dsn)
    pid = postgres.pid
    postgres.stop()
    postgres.stop()
    assert process.command_line(pid or 0) == ""
    assert postgres.start() == dsn
    assert count(dsn) == 100


def test_a_server_that_outlived_us_is_adopted(home: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(home)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    dsn, pid = parent.stdout.readline().split()
    second = Postgres(home, SMALL)
    try:
        write(dsn)
        with pytest.raises(DirectoryInUse, match=str(parent.pid)):
            second.start()
        parent.kill()
        parent.wait()
        assert second.start() == dsn
        assert second.adopted
        assert second.pid == int(pid)
        assert count(dsn) == 100
        # and an adopted server that is killed is started anew
        os.kill(int(pid), signal.SIGKILL)
        assert process.until(lambda: second.pid is None, 10)
        assert second.ensure() == dsn
        assert not second.adopted
        assert count(dsn) == 100
    finally:
        parent.kill()
        parent.stdout.close()
        second.stop()


def test_a_pid_file_of_a_process_that_is_not_ours_is_not_believed(postgres: Postgres, home: Path) -> None:
    """As after a reboot: the number in the pid file belongs to somebody else by now."""
    dsn = postgres.start()
    write(dsn)
    postgres.stop()
    left = home / "postgres" / "data" / "postmaster.pid"
    nobody = os.geteuid() or 65534  # PostgreSQL fears only processes of its own user
    with subprocess.Popen(["sleep", "600"], user=nobody) as stranger:
        left.write_text(f"{stranger.pid}\n{home}/postgres/data\n0\n5432\n\n127.0.0.1\n0 0\nready\n")
        assert postgres.start() == dsn
        assert not postgres.adopted
        assert postgres.pid != stranger.pid
        assert stranger.poll() is None
        stranger.kill()
    assert count(dsn) == 100


def test_an_interrupted_first_start_leaves_no_half_cluster(postgres: Postgres, home: Path) -> None:
    half = home / "postgres" / "data.interrupted"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    assert setting(postgres.start(), "server_version").startswith("18.")


def test_a_port_that_others_took_is_replaced_unless_it_was_asked_for(postgres: Postgres, home: Path) -> None:
    dsn = postgres.start()
    postgres.stop()
    taken = psycopg.conninfo.conninfo_to_dict(dsn)["port"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(taken or 0)))
        other.listen()
        assert postgres.start() != dsn
        postgres.stop()
        fixed = Postgres(home, PostgresSettings(port=int(taken or 0), shared_buffers_mb=16))
        with pytest.raises(EngineFailed, match="Address already in use"):
            fixed.start()
    assert fixed.start() == dsn  # the lock was given back, and the port is free again
    fixed.stop()


def test_a_server_that_cannot_start_says_why(postgres: Postgres, home: Path) -> None:
    postgres.start()
    postgres.stop()
    (home / "postgres" / "data" / "PG_VERSION").write_text("11\n")
    with pytest.raises(EngineFailed, match="initialized by PostgreSQL version 11"):
        postgres.start()
    (home / "postgres" / "data" / "PG_VERSION").write_text("18\n")


def test_an_engine_that_keeps_ending_is_given_up(tmp_path: Path) -> None:
    limit = process.RestartLimit(limit=3, seconds=60)
    for _ in range(3):
        limit.note("PostgreSQL", tmp_path / "log")
    with pytest.raises(EngineFailed, match="ended 3 times"):
        limit.note("PostgreSQL", tmp_path / "log")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs engines as somebody else")
def test_an_engine_asked_for_behind_closed_doors_is_sheltered(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a checkout below /root: neither the programs nor the data can be reached by `nobody`."""
    account = process.unprivileged()
    assert account is not None
    home.chmod(0o755)
    tmp_path.chmod(0o700)
    installed = programs().parent
    for part in (installed, installed.with_name(f"{installed.name}.libs")):
        if part.exists():
            shutil.copytree(part, tmp_path / part.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall"))
    (tmp_path / installed.name / "pginstall18" / "bin" / "postgres").chmod(0o700)
    monkeypatch.setattr("fairlead.embedded.postgres.programs", lambda: tmp_path / installed.name / "pginstall18")
    monkeypatch.setattr(place, "home", partial(place.home, shelter=home / "shelter"))
    monkeypatch.setattr(place, "program", partial(place.program, shelter=home / "shelter"))
    postgres = Postgres(tmp_path / "data", SMALL)
    try:
        write(postgres.start())
        executable = Path(f"/proc/{postgres.pid}/exe").readlink()
    finally:
        postgres.stop()
    assert executable.is_relative_to(home / "shelter" / "programs")
    assert (tmp_path / "data").resolve().parent == home / "shelter"  # a link where a person will look
    again = Postgres(tmp_path / "data", SMALL)
    try:
        assert count(again.start()) == 100
    finally:
        again.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs engines as somebody else")
def test_the_server_runs_as_nobody(postgres: Postgres) -> None:
    postgres.start()
    assert Path(f"/proc/{postgres.pid}").stat().st_uid == 65534

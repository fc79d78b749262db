"""An engine as a child process: one at a time per directory, adopted after our own death, never left as a zombie.

`embedded.postgres` and `embedded.nats` call this. An engine is started in a session of its own,
so that it outlives a kill -9 of ours and Ctrl-C reaches us first; the next run then finds it by
its process id and *takes it over* instead of starting a second one. A process id alone proves
nothing (ids are reused, in containers within minutes), so a process counts as ours only while its
command line carries the path of our directory. The directory lock is a lock of the kernel's: it
ends with the process that holds it, whatever ended that process.
"""

import fcntl
import os
import pwd
import secrets
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PAUSE_S: Final = 0.02
_LOG_TAIL_BYTES: Final = 4_000
_LOG_LIMIT_BYTES: Final = 20_000_000
_NOBODY: Final = 65534
_FIRST_PORT: Final = 20_000  # below the range of outgoing connections, which could take our port during a restart
_PORTS: Final = 12_000
_LET_GO_S: Final = 5.0


class EngineFailed(Exception):
    """An engine could not be started, or would not stay up. The message ends with the last lines of its log."""


class DirectoryInUse(EngineFailed):
    """Another Fairlead runs on this data directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The system user that an engine runs as when we are root."""

    uid: int
    gid: int


def unprivileged() -> Account | None:
    """The user `nobody` when we are root (PostgreSQL refuses to run as root), else None: run as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return Account(uid=_NOBODY, gid=_NOBODY)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def give(path: Path, account: Account | None) -> None:
    """Make `account` the owner of a file or directory; nothing to do when engines run as ourselves."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def write_secret(path: Path, text: str, account: Account | None = None) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    give(fresh, account)
    fresh.replace(path)


class DirectoryLock:
    """The right to run engines in one directory, held until released or until this process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock; raises `DirectoryInUse` when another process has it. Taking it twice is taking it once."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise DirectoryInUse(f"{self._path.parent} is in use by process {holder}") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def command_line(pid: int) -> str:
    """The command line of a process; empty when there is none, or only its zombie."""
    entry = Path("/proc") / str(pid) / "cmdline"
    if entry.parent.parent.joinpath("self").exists():
        try:
            return entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            return ""
    found = subprocess.run(  # noqa: S603 - a fixed command and a number
        ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return found.stdout


class Process:
    """An engine's process: our child, or one that an earlier run of ours left and we adopted."""

    def __init__(self, pid: int, *, marker: str, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self._marker = marker
        self._child = child

    @property
    def adopted(self) -> bool:
        """Whether an earlier run of ours started it."""
        return self._child is None

    def running(self) -> bool:
        """Whether it lives and is still ours; collects its exit status when it is our child and has ended."""
        if self._child is not None:
            return self._child.poll() is None
        return self._marker in command_line(self.pid)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, at most `seconds`; says whether it has."""
        return until(lambda: not self.running(), seconds)

    def stop(self, *steps: tuple[signal.Signals, float]) -> None:
        """Send one signal after another, each with its patience in seconds, until the process has ended."""
        for number, patience in steps:
            if not self.running():
                return
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
            if self.wait(patience):
                return
        raise EngineFailed(f"process {self.pid} does not end")


def adopt(pid: int, *, marker: str) -> Process | None:
    """The process `pid` when its command line carries `marker`, else None: some other process, or no process."""
    return Process(pid, marker=marker) if pid > 1 and marker in command_line(pid) else None


def spawn(argv: Sequence[str], *, marker: str, log: Path, account: Account | None) -> Process:
    """Start an engine: own session, own user, nothing of our environment, all output appended to `log`."""
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.old"))
    with log.open("ab") as sink:
        child = subprocess.Popen(  # noqa: S603 - our own engine with arguments of ours
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
    return Process(child.pid, marker=marker, child=child)


def run(argv: Sequence[str], *, account: Account | None, seconds: float) -> None:
    """Run a command to its end as `account`; raises `EngineFailed` with what it printed when it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - our own engine's tool with arguments of ours
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env=_environment(),
            timeout=seconds,
            check=False,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
        )
    except subprocess.TimeoutExpired as late:
        raise EngineFailed(f"{Path(argv[0]).name} took longer than {seconds:.0f} s") from late
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise EngineFailed(f"{Path(argv[0]).name} failed ({done.returncode}): {said[-_LOG_TAIL_BYTES:]}")


def _environment() -> dict[str, str]:
    """What an engine sees of our environment: a path and a plain locale, no secrets of ours."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, at most `seconds`; says whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE_S)
    return True


def log_size(log: Path) -> int:
    """How long a log is now: where the lines of the next start will begin."""
    return log.stat().st_size if log.exists() else 0


def log_tail(log: Path, *, start: int = 0) -> str:
    """The last lines of a log, none of them older than the offset `start`."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(start if start <= size else 0, size - _LOG_TAIL_BYTES))
        return file.read().decode("utf-8", "replace").strip()


def port_is_free(port: int) -> bool:
    """Whether something could listen on this port of the loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(preferred: int = 0) -> int:
    """A free port of the loopback: the preferred one when it is free, else one drawn by lot.

    A server that was killed leaves children behind which hold its port for a moment: they are waited for.
    """
    if preferred and until(lambda: port_is_free(preferred), _LET_GO_S):
        return preferred
    for _ in range(200):
        port = _FIRST_PORT + secrets.randbelow(_PORTS)
        if port_is_free(port):
            return port
    raise EngineFailed(f"no free port between {_FIRST_PORT} and {_FIRST_PORT + _PORTS}")


class RestartLimit:
    """Refuses to restart an engine for ever: at most `limit` restarts in `seconds`."""

    def __init__(self, *, limit: int = 10, seconds: float = 60.0) -> None:
        self._limit = limit
        self._seconds = seconds
        self._restarts: deque[float] = deque()

    def note(self, name: str, log: Path) -> None:
        """Count one restart; raises `EngineFailed` when there were too many."""
        now = time.monotonic()
        while self._restarts and self._restarts[0] < now - self._seconds:
            self._restarts.popleft()
        if len(self._restarts) >= self._limit:
            raise EngineFailed(f"{name} ended {self._limit} times in {self._seconds:.0f} s: {log_tail(log)}")
        self._restarts.append(now)

"""The server as a process of its own: `fairlead up`, started and stopped from here.

It is told to print one JSON line when everything answers. It runs in a session of its own, so that
Ctrl-C reaches us first and its engines are stopped in order.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_STARTS_WITHIN_S: Final = 120.0
_STOPS_WITHIN_S: Final = 30.0


class ServerFailed(RuntimeError):
    """The server did not come up; says what it said last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers."""

    pid: int
    api: str
    mqtt_host: str
    mqtt_port: int
    setup_code: str
    log: Path


@asynccontextmanager
async def running(
    data: Path, *, tenant: str, settings: Mapping[str, str], ports: tuple[int, int] = (8080, 1883)
) -> AsyncGenerator[Server]:
    """A fresh server in `data`, until the block ends. Raises `ServerFailed`."""
    await asyncio.to_thread(_clear, data)
    api, mqtt = (_free(port) for port in ports)
    log = data / "server.log"
    flags = {**settings, "api.port": str(api), "mqtt.port": str(mqtt)}
    arguments = [sys.executable, "-m", "fairlead_cli.main", "up", "--json", "--tenant", tenant, "--data", str(data)]
    for key, value in flags.items():
        arguments += ["--set", f"{key}={value}"]
    with log.open("wb") as said:
        process = await _spawn(arguments, said)
        drain: asyncio.Task[None] | None = None
        try:
            ready = await _ready(process, log)
            drain = asyncio.create_task(_drain(process, said))
            yield ready
        finally:
            await _stop(process)
            if drain is not None:
                await drain


def _clear(data: Path) -> None:
    """Nothing of an earlier run: a story begins at its beginning. Raises `ServerFailed` while one still runs there."""
    if data.exists():
        for part in [data, *data.iterdir()]:
            _refuse_living(part.resolve())
        for part in data.iterdir():
            if part.is_symlink() and part.is_dir():
                shutil.rmtree(part.resolve(), ignore_errors=True)
        shutil.rmtree(data)
    data.mkdir(parents=True)


def _refuse_living(directory: Path) -> None:
    for file in directory.glob("**/postmaster.pid"):
        first, _, _ = file.read_text(encoding="utf-8").partition("\n")
        with contextlib.suppress(ProcessLookupError, ValueError, PermissionError):
            os.kill(int(first), 0)
            raise ServerFailed(f"a server of an earlier run still uses {directory}: end process {first} first")


async def _drain(process: asyncio.subprocess.Process, log: IO[bytes]) -> None:
    """What it prints later belongs into the log; a full pipe would stop it."""
    assert process.stdout is not None  # noqa: S101 - asked for when it was made
    while block := await process.stdout.read(65_536):
        log.write(block)


async def _spawn(arguments: list[str], said: IO[bytes]) -> asyncio.subprocess.Process:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FAIRLEAD_")}
    return await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=said,
        env=environment,
        start_new_session=True,
    )


async def _ready(process: asyncio.subprocess.Process, log: Path) -> Server:
    assert process.stdout is not None  # noqa: S101 - asked for above
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _STARTS_WITHIN_S)
        told = json.loads(line)
    except (TimeoutError, ValueError) as error:
        said = await asyncio.to_thread(log.read_text, encoding="utf-8", errors="replace")
        raise ServerFailed(f"the server did not come up:\n{said[-2000:]}") from error
    host, _, port = str(told["mqtt"]).rpartition("//")[2].rpartition(":")
    return Server(
        pid=process.pid,
        api=str(told["api"]),
        mqtt_host=host,
        mqtt_port=int(port),
        setup_code=str(told["setup_code"]),
        log=log,
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOPS_WITHIN_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _free(wanted: int) -> int:
    """That port, or any free one where it is taken."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                tried.bind(("127.0.0.1", port))
                return int(tried.getsockname()[1])
    raise ServerFailed("no free port on the loopback interface")

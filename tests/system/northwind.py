"""A server started by the command line, and somebody who uses nothing but the command line.

Shared by the stranger's path and the scenarios. Carriers and trackers are those of examples/: the
test is their operator, as a person with the two scripts in two terminals would be.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .terminal import Terminal, terminal

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PASSWORD = "correct horse battery staple"
_UP_S = 90.0


def load_world() -> Any:
    """examples/world.py as a module."""
    spec = importlib.util.spec_from_file_location("northwind_world", EXAMPLES / "world.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def problem(self) -> Any:
        return json.loads(self.err)


@dataclass
class Person:
    """Somebody at a terminal with nothing but `fairlead`."""

    home: Path
    url: str
    mqtt_port: int
    terminal: Terminal
    more: dict[str, str]

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FAIRLEAD_")}
        own = {"HOME": str(self.home), "FAIRLEAD_URL": self.url, "NO_COLOR": "1", "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
        kept.pop("XDG_CONFIG_HOME", None)
        return kept | own | self.more

    async def says(self, *words: str, given: str | None = None, within_s: float = 60.0) -> Said:
        typed = (given or "").encode()
        code, out, err = await self.terminal.run(words, env=self.env, cwd=ROOT, given=typed, within_s=within_s)
        return Said(code, out.decode(), err.decode())

    async def gets(self, *words: str, given: str | None = None, within_s: float = 60.0) -> Any:
        """The JSON of a command that must succeed."""
        said = await self.says(*words, "--json", given=given, within_s=within_s)
        assert said.code == 0, f"fairlead {' '.join(words)}: exit {said.code}\n{said.out}\n{said.err}"
        return said.json if said.out else None


@contextlib.asynccontextmanager
async def server(settings: Mapping[str, str], *more: str) -> AsyncIterator[tuple[Person, dict[str, Any]]]:
    """`fairlead up` in a directory of its own; gives a person beside it and what it said when it was ready."""
    async with terminal() as typed:
        place, api, mqtt = _place(), _free_port(), _free_port()
        person = Person(home=place, url=f"http://127.0.0.1:{api}", mqtt_port=mqtt, terminal=typed, more={})
        async with _up(person, api, settings, more) as said:
            yield person, said


@contextlib.asynccontextmanager
async def _up(
    person: Person, api: int, settings: Mapping[str, str], more: Sequence[str]
) -> AsyncIterator[dict[str, Any]]:
    place, mqtt = person.home, person.mqtt_port
    flags = {"api.port": str(api), "mqtt.port": str(mqtt), **settings}
    words = [part for key, value in flags.items() for part in ("--set", f"{key}={value}")]
    log = _log(place)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fairlead_cli.main", "up", "--json", "--data", str(place / "data"), *words, *more,
        cwd=ROOT, env={k: v for k, v in person.env.items() if k != "FAIRLEAD_URL"},
        stdout=asyncio.subprocess.PIPE, stderr=log,
    )  # fmt: skip
    try:
        yield await _ready(process, place)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 30)
        if process.returncode is None:
            process.kill()
            await process.wait()
        log.close()
        shutil.rmtree(place, ignore_errors=True)


def _log(place: Path) -> BinaryIO:
    return (place / "up.log").open("wb")


def _place() -> Path:
    place = Path(tempfile.mkdtemp(prefix="fairlead-northwind-"))
    place.chmod(0o755)  # engines run as a user of their own
    return place


async def _ready(process: asyncio.subprocess.Process, place: Path) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(_UP_S):
        while line := await process.stdout.readline():
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict) and "api" in said:
                    return said
    raise AssertionError("fairlead up did not come up:\n" + (place / "up.log").read_text(errors="replace")[-4000:])


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])

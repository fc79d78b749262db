"""Bulk actions over four carriers that lose answers, break, storm and lag, while the server is killed twice.

The server is a process with engines of its own, the carriers are a process of theirs that outlives it.
`FAIRLEAD_FAULT_SIMS` sizes the run (default 120, over four accounts). Every delay here is real time, as
the carriers' bounds are; the accounts' staleness is set short, and shorter than what some changes take.
"""

import asyncio
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from tests.system.serve_fakes import LAG_S, TAKES_S
from tests.system.test_kill9 import SETTLED, Server, directory, free_port, until

from fairlead_sim.demo.api import Api

SIMS = int(os.environ.get("FAIRLEAD_FAULT_SIMS", "120"))
PATIENCE_S = 60.0 + SIMS / 8  # of a loaded machine, for one bulk action
STALENESS_S = 1  # longer than the carriers lag, shorter than what a job takes
SEED = int(os.environ.get("FAIRLEAD_FAULT_SEED", "11"))
EMAIL, PASSWORD = "nora@northwind.example", "a long enough pass phrase"


@dataclass
class Fakes:
    """The carriers' process."""

    process: asyncio.subprocess.Process

    async def do(self, what: str, **given: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write((json.dumps({"do": what, **given}) + "\n").encode())
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        assert line, "the carriers are gone"
        return json.loads(line)

    async def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 10)
        except TimeoutError:
            self.process.kill()


@dataclass
class Place:
    server: Server
    api: Api
    other: Api  # another person, who agrees with what is charged for
    fakes: Fakes
    iccids: list[str]

    async def bulk(self, number: str) -> dict[str, Any]:
        return await self.api.get(f"/v1/bulk/{number}")


async def another(api: Api, url: str) -> Api:
    """Somebody else with every right."""
    made = await api.post("/v1/principals", {"name": "Olav Old", "email": "olav@northwind.example", "roles": ["owner"]})
    invited = await api.post(f"/v1/principals/{made['id']}/invitation")
    other = Api(url)
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        opened = (await http.post("/v1/setup", json={"code": invited["code"], "password": PASSWORD})).json()
        headers = {"X-CSRF-Token": str(opened["csrf"])}
        token = await http.post("/v1/tokens", json={"name": "test", "roles": ["owner"]}, headers=headers)
    other.token = token.json()["token"]
    other._http.headers["authorization"] = f"Bearer {other.token}"
    return other


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    data = directory()
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        server = Server(data, free_port(), free_port(), sweep_s=10 + SIMS // 100)
        stack.push_async_callback(server.stop)
        await server.start()
        api = Api(server.ready["api_url"])
        stack.push_async_callback(api.close)
        await api.enter(server.ready["setup_code"], name="Nora North", email=EMAIL, password=PASSWORD)
        other = await another(api, server.ready["api_url"])
        stack.push_async_callback(other.close)
        with (data / "fakes.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(Path(__file__).with_name("serve_fakes.py")), limit=2**26,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        fakes = Fakes(process)
        stack.push_async_callback(fakes.stop)
        offset = (datetime.fromisoformat((await api.clock())["now"]) - datetime.now(UTC)).total_seconds()
        hook = server.ready["api_url"] + "/hooks/supersim"
        begun = await fakes.do("begin", sims=SIMS, seed=SEED, offset_s=offset, hook=hook)
        for name, door in begun["accounts"].items():
            await api.post("/v1/carriers", {
                "name": name, "carrier": name, "connector": name, "staleness_s": STALENESS_S, **door,
            })  # fmt: skip
        rows = [f"{iccid},{imsi},{account},active" for iccid, imsi, account in begun["sims"]]
        await api.upload("sims", "\n".join(["iccid,imsi,account,state", *rows]), "sims.csv")
        here = Place(server, api, other, fakes, [iccid for iccid, _, _ in begun["sims"]])
        await until(lambda: swept(here), "all inventories to be read", PATIENCE_S)
        yield here


async def swept(here: Place) -> bool:
    seen = await here.api.post("/v1/bulk/preview", {"verb": "suspend", "lines": {"state": "active"}})
    assert seen["lines"] == SIMS, seen
    return all(one["swept_at"] is not None for one in seen["accounts"]) and len(seen["accounts"]) == 4


# --- the run --------------------------------------------------------------------------------------


async def started(here: Place, verb: str, lines: dict[str, Any], expect: int) -> str:
    """A bulk action, agreed with: some of these carriers charge for it."""
    sent = {"verb": verb, "lines": lines, "expect": expect, "reason": "the season"}
    made = await here.api.post("/v1/bulk", sent)
    assert made["state"] == "waiting", made
    await here.other.post(f"/v1/bulk/{made['id']}/approve", {"reason": "agreed"})
    return str(made["id"])


async def settled(here: Place, bulk: str) -> bool:
    return (await here.bulk(bulk))["state"] == "done"


async def reached(here: Place, bulk: str, there: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        await until(there, what, PATIENCE_S)
    except AssertionError as late:
        raise AssertionError(f"{late}: {await here.bulk(bulk)}\n{here.server.said()}") from None


async def carried_out(here: Place, bulk: str, drawn: Random, told: list[str]) -> None:
    """Storms, a kill at a random point, and the end of it."""
    began = time.monotonic()
    await asyncio.sleep(drawn.uniform(0.3, 1.0))
    await here.fakes.do("storm", at_most=4)
    point = drawn.uniform(0.05, 0.6)  # of its lines, settled

    async def there() -> bool:
        shown = await here.bulk(bulk)
        return shown["settled"] >= point * shown["lines"]

    await reached(here, bulk, there, f"{point:.0%} of the lines to be settled")
    await asyncio.sleep(drawn.uniform(0, 0.5))
    shown = await here.bulk(bulk)
    assert shown["state"] == "running", shown  # else nothing was killed in the middle of anything
    await here.server.kill("fairlead")
    told.append(f"killed at {shown['by_state']}")
    await here.fakes.do("storm", at_most=4)
    await reached(here, bulk, lambda: settled(here, bulk), "every line to be settled")
    told.append(f"{(await here.bulk(bulk))['by_state']} after {time.monotonic() - began:.1f} s")


@pytest.mark.timeout(int(240 + SIMS))
async def test_every_line_ends_as_intended_and_nothing_is_done_twice() -> None:
    drawn, told = Random(SEED), [f"{SIMS} SIMs, seed {SEED}"]
    async with place() as here:
        await here.fakes.do("break")
        first = await started(here, "suspend", {"state": "active"}, SIMS)
        await carried_out(here, first, drawn, told)
        half = sorted(drawn.sample(here.iccids, SIMS // 2))
        # At once, long before an inventory was read again: what the carriers answered is known already.
        second = await started(here, "activate", {"iccids": half}, len(half))
        await carried_out(here, second, drawn, told)
        await asyncio.sleep(TAKES_S + LAG_S)  # whatever is on its way arrives
        report = await here.fakes.do("report")
        print(
            "\n".join(
                [*told, *(f"{what}: {report[what]}" for what in ("turned_away", "requests", "hits", "callbacks"))]
            )
        )
        await judged(here, report, set(half))


async def judged(here: Place, report: dict[str, Any], half: set[str]) -> None:
    lines = [one async for one in here.api.items("/v1/operations")]
    said = [(one["id"], one["state"], one["reason"]) for one in lines if one["state"] != "verified"]
    assert not said, said[:20]
    assert len(lines) == SIMS + len(half)
    assert {one["state"] for one in lines} <= SETTLED
    wrong = {i: s for i, s in report["states"].items() if s != ("active" if i in half else "suspended")}
    assert not wrong, (len(wrong), list(wrong.items())[:10])
    assert report["pending"] == []
    arrived = {(iccid, state): number for iccid, state, number in report["set"]}
    intended = [(iccid, "suspended") for iccid in here.iccids] + [(iccid, "active") for iccid in half]
    assert arrived == dict.fromkeys(intended, 1), Counter(arrived.values())
    executed = Counter[str]()
    for _, _, iccid, number in report["executed"]:
        executed[iccid] += number
    assert executed == {iccid: 2 if iccid in half else 1 for iccid in here.iccids}
    assert set(report["turned_away"].values()) == {0}, report["turned_away"]
    assert {"lose_reply", "server_error", "storm"} <= set(report["hits"])

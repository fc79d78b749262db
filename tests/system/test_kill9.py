"""kill -9 of Fairlead, then of PostgreSQL, then of NATS, at random points of a change: nothing lost, nothing done twice.

The server is a process with engines of its own; the world, its carriers and thirty MQTT devices live
in the test and outlive it. The points are drawn from seeds that are printed and fixed.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.demo import company as paper
from fairlead_sim.demo.api import Api, Said
from fairlead_sim.demo.company import Company, Shape
from fairlead_sim.devices.device import Pace
from fairlead_sim.devices.fleet import Fleet
from fairlead_sim.devices.link import Broker
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import World

DEVICES = 30
COUNTRIES = ("BR", "TR")
PATIENCE_S = 100.0  # of a loaded machine
SETTLED = {"verified", "failed", "refused", "expired", "superseded"}
POLICY = """
apiVersion: fairlead/v1
kind: Policy
metadata: {{name: local-{lower}}}
spec:
  priority: 200
  match: country == "{country}" && roaming
  until: country != "{country}"
  set:
    network: {{carrier: local-{lower}, method: local-profile, apn: {apn}, lease: 15m}}
    config: {{merge: {{report_interval_s: 900}}}}
  couple: [network, config]
  reason: "foreign SIMs may not stay"
"""
LIMITS = {name: {"per_second": 300, "burst": 600} for name in ("read", "write", "auth")}


# --- the server, as something that can be killed --------------------------------------------------


@dataclass
class Server:
    """One data directory, and whichever process serves it just now."""

    data: Path
    api_port: int
    mqtt_port: int
    ready: dict[str, Any] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    sweep_s: int = 1

    async def start(self) -> None:
        program = Path(__file__).with_name("serve_house.py")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FAIRLEAD_")}
        with (self.data / "server.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, str(program), str(self.data), str(self.api_port), str(self.mqtt_port),
                str(self.sweep_s), stdout=asyncio.subprocess.PIPE, stderr=log, env=environment, start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
        assert line, self.said()
        self.ready = json.loads(line)

    def said(self) -> str:
        return (self.data / "server.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def pid(self, engine: str) -> int | None:
        """Of an engine, from the file it keeps."""
        name = {"postgres": "postmaster.pid", "nats": "nats.pid"}[engine]
        for file in (self.data / "engines").glob(f"**/{name}"):
            with contextlib.suppress(ValueError, OSError, IndexError):
                return int(file.read_text(encoding="utf-8").split()[0])
        return None

    async def kill(self, victim: str) -> None:
        """kill -9, and wait until it is back."""
        if victim == "fairlead":
            assert self.process is not None
            engines = self.pid("postgres"), self.pid("nats")
            self.process.kill()
            await self.process.wait()
            await self.start()
            assert (self.pid("postgres"), self.pid("nats")) == engines  # adopted, not started anew
            return
        before = self.pid(victim)
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: self.pid(victim) not in (None, before), f"{victim} to come back")
        assert self.process is not None
        assert self.process.returncode is None, self.said()

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 30)
            except TimeoutError:
                self.process.kill()
        self.end_engines()

    def end_engines(self) -> None:
        """Left behind only where a test failed in between."""
        for engine in ("nats", "postgres"):
            pid = self.pid(engine)
            with contextlib.suppress(OSError):
                if pid is not None and self.data.name in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
                    os.kill(pid, signal.SIGKILL)


def directory() -> Path:
    """Engines run as another user where we are root: they must be able to pass."""
    made = Path(tempfile.mkdtemp(prefix="fairlead-kill9-"))
    made.chmod(0o711)
    return made


async def until(there: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = PATIENCE_S) -> None:
    """Look until it is there; while the server is away, that is not yet."""
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.HTTPError, Said, OSError):
            found = there()
            if found if isinstance(found, bool) else await found:
                return
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


# --- the place ------------------------------------------------------------------------------------


@dataclass
class Place:
    server: Server
    api: Api
    world: World
    company: Company
    fakes: dict[str, SoracomFake]
    fleet: Fleet

    async def change(self, number: str) -> dict[str, Any]:
        return await self.api.get(f"/v1/changes/{number}")


def files(company: Company) -> dict[str, str]:
    """What the company imports: its devices, and two SIMs each."""
    units = company.units.values()
    sims = [(1, u, u.roaming, paper.GLOBAL) for u in units] + [
        (2, u, u.local, paper.account(u.made_for)) for u in units
    ]
    return {
        "devices": "\n".join(["name,imei,sku,group,state", *(f"{u.name},{u.imei},{u.sku},{u.group},active" for u in units)]),
        "sims": "\n".join([
            "iccid,imsi,device,account,plan,state,slot",
            *(f"{s.iccid},{s.imsi},{u.name},{account},{s.plan},{s.state},{slot}" for slot, u, s, account in sims),
        ]),
    }  # fmt: skip


@asynccontextmanager
async def place(seed: int, shape: Shape | None = None) -> AsyncIterator[Place]:
    data = directory()
    world = World(clock=lambda: datetime.now(UTC), seed=seed)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        server = Server(data, free_port(), free_port())
        stack.push_async_callback(server.stop)
        await server.start()
        shape = shape or Shape(
            devices=DEVICES, countries=COUNTRIES, watched=0, travellers=0, fresh=0, travel=("BR", "TR"), seed=seed
        )
        api = Api(server.ready["api_url"])
        stack.push_async_callback(api.close)
        await api.enter(
            server.ready["setup_code"],
            name="Nora North",
            email="nora@northwind.example",
            password="a long enough pass phrase",
        )
        await api.decide_alone("a person alone with a server that dies")
        offset = datetime.fromisoformat((await api.clock())["now"]) - datetime.now(UTC)
        world.clock = lambda: datetime.now(UTC) + offset  # the house's clock runs as fast as ours
        company = paper.found(shape, world)
        fakes: dict[str, SoracomFake] = {}
        for name in world.carriers:
            fakes[name] = SoracomFake(world, name, auth_key_id=f"keyId-{name}", auth_key=f"secret-{name}")
            url = await stack.enter_async_context(serving(fakes[name]))
            code = name.removeprefix("local-").upper() if name != paper.GLOBAL else None
            await api.post("/v1/carriers", {
                "name": name, "carrier": world.carriers[name].name, "connector": "soracom", "home_country": code,
                "config": {"base_url": url, "apn": paper.apn(code) if code else paper.GLOBAL_APN, "limits": LIMITS},
                "credential": {"auth_key_id": f"keyId-{name}", "auth_key": f"secret-{name}"}, "iccid_digits": 19, "staleness_s": 1,
            })  # fmt: skip
        for kind, text in files(company).items():
            await api.upload(kind, text, f"{kind}.csv")
        issued: Any = await api.post("/v1/devices/credentials", {"devices": list(company.units)})
        given = {one["username"].partition("/")[2]: one["password"] for one in issued}
        fleet = Fleet(
            Broker(host=server.ready["mqtt_host"], port=server.ready["mqtt_port"]), tenant="acme", specs=company.specs(given),
            world=world, clock=world.clock, pace=Pace(repeat_s=3.0), poll_s=4.0,
        )  # fmt: skip
        await fleet.start()
        stack.push_async_callback(fleet.stop)
        await asyncio.wait_for(fleet.connected(), PATIENCE_S)
        yield Place(server, api, world, company, fakes, fleet)


async def started(place: Place, devices: int = DEVICES) -> str:
    """A change of every device, once the carriers have told where they are."""
    texts = [POLICY.format(country=c, lower=c.lower(), apn=paper.apn(c)) for c in COUNTRIES]
    plan: dict[str, Any] = {}

    async def everyone() -> bool:
        plan.update(
            await place.api.post(
                "/v1/plans", {"files": [{"name": f"{n}.yaml", "text": t} for n, t in enumerate(texts)]}
            )
        )
        return bool(plan["summary"]["movable"] == devices)

    await until(everyone, "all devices to be seen roaming")
    rollout = {"stages": [20, 60, 100], "gate": {"max_failed": 0.1}, "on_failure": "rollback"}
    made = await place.api.post(f"/v1/plans/{plan['id']}/apply", {"rollout": rollout, "reason": "kill -9"})
    return str(made["id"])


# --- the test -------------------------------------------------------------------------------------


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [11, 47])
async def test_nothing_is_lost_and_nothing_done_twice(seed: int) -> None:
    drawn = Random(seed)
    async with place(seed) as here:
        for account in ("local-br", "local-tr"):
            here.world.inject(Fault(kind="slow", carrier=account, verb="activate", delay_s=0.7))
            here.world.inject(Fault(kind="lose_reply", carrier=account, verb="activate", share=0.15))
        change = await started(here)
        told = []
        for victim in ("fairlead", "postgres", "nats"):
            wait_s = drawn.uniform(0.2, 1.5)
            await asyncio.sleep(wait_s)  # the random point
            story = await here.change(change)
            told.append(f"{victim} after {wait_s:.2f} s at {story['story']['moves']} {story['story']['operations']}")
            assert story["state"] == "running", told  # else nothing was killed in the middle of anything
            await here.server.kill(victim)
            await until(lambda: settled_reads(here, change), "the API to answer again")
        print(f"seed {seed}: " + "; ".join(told))

        async def done() -> bool:
            story = await here.change(change)
            return story["state"] == "standing" and not set(story["story"]["operations"]) - SETTLED

        try:
            await until(done, "the change to stand")
        except AssertionError as late:
            raise AssertionError(f"{late}: {await here.change(change)}\n{here.server.said()}") from None
        await judged(here, change)


async def settled_reads(here: Place, change: str) -> bool:
    return (await here.change(change))["id"] == change


async def judged(here: Place, change: str) -> None:
    story = (await here.change(change))["story"]
    assert story["moves"] == {"verified": DEVICES}, story
    assert {b["state"] for b in story["batches"]} == {"passed"}
    for name, unit in here.company.units.items():
        session, device = here.world.connected(name), here.fleet.devices[name]
        assert session is not None, name
        assert (session.iccid, device.network["iccid"], unit.local.state) == (
            unit.local.iccid,
            unit.local.iccid,
            "active",
        )
        assert device.config["report_interval_s"] == 900
    executed = Counter({key: n for fake in here.fakes.values() for key, n in fake.executed.items()})
    assert executed == {("activate", unit.local.iccid): 1 for unit in here.company.units.values()}
    operations = [one async for one in here.api.items("/v1/operations", change=change)]
    proved = Counter((o["device"], o["step"], o["facet"]) for o in operations if o["state"] == "verified")
    assert len(proved) == DEVICES * 3
    assert set(proved.values()) == {1}
    assert [o for o in operations if o["state"] != "verified" and "not applied" not in (o["reason"] or "")] == []
    assert len([one async for one in here.api.items("/v1/devices")]) == DEVICES
    await journal_holds(here)


async def journal_holds(here: Place) -> None:
    keys: Any = await here.api.get("/v1/journal/keys")
    target = here.server.data / "journal.jsonl"

    async def verified() -> bool:
        await here.api.download("/v1/journal/export", target)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fairlead_cli.main", "journal", "verify", str(target), "--json",
            "--key", str(keys[-1]["public_key"]), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complained = await process.communicate()
        print(said.decode(), complained.decode()[-500:])
        return process.returncode == 0

    await until(verified, "the export to verify to its last line", 20)
    text = target.read_text(encoding="utf-8")
    for action in ("change-started", "change-settled"):
        assert text.count(f'"{action}"') + text.count(f'"{action.replace("-", ".")}"') == 1, action

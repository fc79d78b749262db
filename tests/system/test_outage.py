"""An upstream core that two carriers share goes out: found, backups used, nobody stranded who had one, return paced.

A whole server, carriers over HTTP and MQTT devices that fall back by themselves. The lab's clock runs fast while
nothing is under way, so that hours of house time pass in a minute.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.demo.api import Api
from fairlead_sim.demo.clock import HouseClock
from fairlead_sim.devices.device import Card, DeviceSpec, Pace
from fairlead_sim.devices.fleet import Fleet
from fairlead_sim.devices.link import Broker
from fairlead_sim.world.numbers import make_imei
from fairlead_sim.world.radio import World

from .test_kill9 import LIMITS, PATIENCE_S, Server, directory, free_port, until

FAST = 300.0  # a bucket a second
CARRIERS = {"north-one": "262-01", "north-two": "262-02", "south": "262-03"}
CORES = {"north-one": "north", "north-two": "north", "south": "south"}
PACED = 3  # a minute
# How many devices stand on a network, and what they have beside it: a SIM of south that works, one that must be
# activated first, or nothing.
FLEET = {"north-one": {"active": 6, "standby": 5, None: 3}, "north-two": {"active": 5, "standby": 2, None: 3},
         "south": {None: 8}}  # fmt: skip
HOME = """
apiVersion: fairlead/v1
kind: Policy
metadata: {{name: home-{name}}}
spec:
  priority: 100
  match: group == "{name}"
  until: group != "{name}"
  set: {{network: {{carrier: {name}, method: local-profile, apn: iot.{name}.example}}}}
  reason: "the network they are made for"
"""
BACKUP = f"""
apiVersion: fairlead/v1
kind: Policy
metadata: {{name: backup}}
spec:
  priority: 300
  match: outage
  until: '!outage && outage_over >= duration("30m")'
  admit: {{paced: {PACED}/min}}
  set: {{network: {{carrier: south, method: local-profile, apn: iot.south.example}}}}
  reason: "their own network is out"
"""


@dataclass
class Place:
    server: Server
    api: Api
    world: World
    fleet: Fleet
    backed: dict[str, str] = field(default_factory=dict)  # device → ICCID of its SIM of south

    async def findings(self) -> Counter[tuple[str, str]]:
        return Counter([(f["kind"], f["state"]) async for f in self.api.items("/v1/findings")])

    async def outage(self) -> dict[str, Any]:
        return await self.api.get("/v1/outages")

    def on(self) -> Counter[str]:
        """How many devices are on which network just now."""
        sessions = [self.world.connected(name) for name in self.fleet.devices]
        return Counter("none" if one is None else one.carrier for one in sessions)


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    data, clock = directory(), HouseClock()
    world = World(clock=clock, seed=5)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, data, ignore_errors=True)
        server = Server(data, free_port(), free_port())
        stack.push_async_callback(server.stop)
        await server.start()
        api = Api(server.ready["api_url"])
        stack.push_async_callback(api.close)
        await api.enter(
            server.ready["setup_code"], name="Nora North", email="nora@northwind.example", password="a long pass phrase"
        )
        clock.hear(await api.clock())
        following = asyncio.create_task(clock.follow(api.clock))
        stack.callback(following.cancel)
        for name, home in CARRIERS.items():
            world.add_carrier(name, name=name, home=home, apns=frozenset({f"iot.{name}.example"}), core=CORES[name])
            fake = SoracomFake(world, name, auth_key_id=f"keyId-{name}", auth_key=f"secret-{name}")
            url = await stack.enter_async_context(serving(fake))
            await api.post("/v1/carriers", {
                "name": name, "carrier": name, "connector": "soracom", "home_country": "DE",
                "config": {"base_url": url, "apn": f"iot.{name}.example", "limits": LIMITS},
                "credential": {"auth_key_id": f"keyId-{name}", "auth_key": f"secret-{name}"}, "iccid_digits": 19, "staleness_s": 1,
            })  # fmt: skip
            await api.put(f"/v1/carriers/{name}/register", {"upstream": [CORES[name]]}, version=0)
        backed = await settled(api, world)
        issued: Any = await api.post("/v1/devices/credentials", {"devices": list(world.devices)})
        given = {one["username"].partition("/")[2]: one["password"] for one in issued}
        fleet = Fleet(
            Broker(host=server.ready["mqtt_host"], port=server.ready["mqtt_port"]), tenant="acme",
            specs=[spec(world, name, given[name]) for name in world.devices], world=world, clock=clock,
            pace=Pace(repeat_s=3.0, falls_back=2, at_most_s=1.0), poll_s=4.0,
        )  # fmt: skip
        await fleet.start()
        stack.push_async_callback(fleet.stop)
        await asyncio.wait_for(fleet.connected(), PATIENCE_S)
        yield Place(server, api, world, fleet, backed)


async def settled(api: Api, world: World) -> dict[str, str]:
    """Make the devices and their SIMs, and import them; which have a SIM of south beside their own."""
    devices, sims, backed = ["name,imei,group,state"], ["iccid,imsi,device,account,plan,state,slot"], {}
    for home, kinds in FLEET.items():
        for backup, count in kinds.items():
            for _ in range(count):
                n = len(world.devices) + 1
                name, imei = f"mtr-{n:03}", make_imei("35209900", n)
                mine = world.issue(home, 1)
                if backup is not None:
                    mine += world.issue("south", 1, state=backup)
                    backed[name] = mine[1].iccid
                world.add_device(name, country="DE", slots=[one.iccid for one in mine], imei=imei)
                devices.append(f"{name},{imei},{home},active")
                sims += [f"{s.iccid},{s.imsi},{name},{s.carrier},{s.plan},{s.state},{i}" for i, s in enumerate(mine, 1)]
    await api.upload("devices", "\n".join(devices), "devices.csv")
    await api.upload("sims", "\n".join(sims), "sims.csv")
    return backed


def spec(world: World, name: str, secret: str) -> DeviceSpec:
    cards = [world.sim(iccid) for iccid in world.devices[name].slots if iccid is not None]
    return DeviceSpec(name=name, secret=secret, cards=tuple(
        Card(slot=n, iccid=sim.iccid, carrier=sim.carrier, apn=f"iot.{sim.carrier}.example")
        for n, sim in enumerate(cards, 1)
    ))  # fmt: skip


async def stands(here: Place, *texts: str) -> str:
    files = [{"name": f"{n}.yaml", "text": text} for n, text in enumerate(texts)]
    plan = await here.api.post("/v1/plans", {"files": files})
    rollout = {"stages": [100], "gate": {"max_failed": 0.2}}
    made = await here.api.post(f"/v1/plans/{plan['id']}/apply", {"rollout": rollout, "reason": "outages"})

    async def standing() -> bool:
        return bool((await here.api.get(f"/v1/changes/{made['id']}"))["state"] == "standing")

    await until(standing, "the change to stand")
    return str(made["id"])


@pytest.mark.timeout(300)
async def test_a_core_goes_out_and_comes_back() -> None:
    async with place() as here:
        everyone = len(here.fleet.devices)
        north = sum(sum(FLEET[name].values()) for name in ("north-one", "north-two"))

        async def seen() -> bool:
            total = await here.api.get("/v1/devices", connectivity="online", limit=1000)
            return len(total["items"]) == everyone

        await until(seen, "all devices to be seen")
        homes = await stands(here, *(HOME.format(name=name) for name in CARRIERS))
        assert (await here.api.get(f"/v1/changes/{homes}"))["story"]["moves"] == {"verified": everyone}
        backup = await stands(here, BACKUP)
        await here.api.set_rate(FAST)

        async def learned() -> bool:
            return (await here.outage())["buckets"] >= 13

        await until(learned, "an hour of usual samples")
        assert not await here.findings()
        assert here.on() == {"north-one": 14, "north-two": 10, "south": 8}

        out = here.world.put_out("north")
        began = here.world.clock()

        async def found() -> bool:
            return (await here.findings())["core-outage", "open"] == 1

        await until(found, "the outage to be found")
        took = here.world.clock() - began
        assert took < timedelta(hours=1)
        assert set(await here.findings()) == {("core-outage", "open")}  # the core, and neither of its carriers

        async def on_backup() -> bool:
            return all(
                (session := here.world.connected(name)) is not None and session.iccid == iccid
                for name, iccid in here.backed.items()
            )

        await until(on_backup, "everybody with a usable backup to be on it")
        assert here.on() == {"south": 8 + len(here.backed), "none": north - len(here.backed)}

        async def moved() -> bool:
            story = (await here.api.get(f"/v1/changes/{backup}"))["story"]
            return story["moves"] == {"verified": len(here.backed)}

        await until(moved, "the policy to hold all of them")

        for handle in out:
            here.world.clear(handle)
        back_at = here.world.clock()

        async def over() -> bool:
            return (await here.findings())["core-outage", "closed"] == 1

        await until(over, "the outage to be over")
        assert here.on()["south"] == 8 + len(here.backed)  # nobody hurries back

        async def home() -> bool:
            return here.on() == {"north-one": 14, "north-two": 10, "south": 8}

        await until(home, "everybody to be back")
        assert here.world.clock() - back_at >= timedelta(minutes=30)  # as the policy says
        moves = [m async for m in here.api.items(f"/v1/changes/{backup}/moves")]
        returned = sorted(datetime.fromisoformat(m["opened_at"]) for m in moves)[len(here.backed) :]
        assert len(returned) == len(here.backed)
        for first, beyond in zip(returned, returned[PACED:], strict=False):
            assert (beyond - first).total_seconds() >= 60, "more than the pace within a minute"
        reported = {g["name"]: g for g in (await here.api.get("/v1/availability", group_by="group"))["items"]}
        assert reported["south"]["availability"] == 1
        assert reported["north-one"]["availability"] < 0.999 <= reported["south"]["objective"]
        assert (reported["north-one"]["met"], reported["south"]["met"]) == (False, True)
        assert 0 < reported["north-one"]["elsewhere_minutes"] < reported["north-one"]["expected_minutes"]

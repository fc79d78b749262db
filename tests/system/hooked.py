"""A server that takes webhooks, and the simulated carriers that post to it: what tests of webhooks stand on."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from tests.contract.bench import MANY, Clock, new_world
from tests.contract.benches.kore import MORE_SECRETS, SECRETS
from tests.system.conftest import Api

from fairlead.connectors._kit.http import new_client
from fairlead.engine.carriers import Carriers
from fairlead.engine.hooks import HookAddresses, Hooks
from fairlead.engine.observe import Observer
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.reference import Reference
from fairlead.store.buckets import Buckets
from fairlead.store.hooks import HookStore
from fairlead.store.journal import append
from fairlead.store.observing import ObservationStore
from fairlead.store.work import WorkStore
from fairlead.wiring.house import ConnectorTable
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.carriers.supersim import SuperSimFake
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim

SORACOM_SECRETS = {"auth_key_id": "keyId-f00dfeedbeef", "auth_key": "secret-0123456789abcdef"}
VERIZON_SECRETS = {
    "app_key": "f00dfeedbeef0123", "app_secret": "0123456789abcdef-app",
    "username": "northwind-api", "password": "correct-horse-battery",
}  # fmt: skip
CALLBACK = {"callback_username": "fairlead-hook", "callback_password": "hook-0123456789abcdef"}
CREDENTIALS = {
    "soracom": SORACOM_SECRETS,
    "supersim": SECRETS | MORE_SECRETS,
    "thingspace": VERIZON_SECRETS | CALLBACK,
}
JSON = {"content-type": "application/json"}
LAG = 300  # seconds that the second carrier's view is behind


class NoClocks:
    async def read(self, *_: object) -> int:
        return 0


def shut(status: int, text: str) -> bool:
    """Refused, without a detail that would help to guess."""
    return status == 401 and "signature" not in text and "secret" not in text


@dataclass
class Stage:
    """Two tenants at one server, `acme` with an account at each of two carriers."""

    api: Api
    clock: Clock
    world: World
    soracom: SoracomFake
    kore: SuperSimFake
    http: httpx.AsyncClient
    url: str
    carrier_urls: dict[str, str]
    table: ConnectorTable
    hooks: Hooks
    observer: Observer
    lines: list[Sim] = field(default_factory=list)

    async def add(self, name: str, connector: str = "soracom", *, who: str = "owner", **settings: str) -> None:
        limits = {one: {"per_second": MANY, "burst": MANY} for one in ("auth", "read", "write")}
        body = {
            "name": name, "carrier": "Anadolu Mobil", "connector": connector,
            "config": {"base_url": self.carrier_urls[connector], "limits": limits, **settings},
            "credential": CREDENTIALS[connector], "staleness_s": 0,
        }  # fmt: skip
        answer = await self.asked("POST", "/v1/carriers", who=who, json=body)
        assert answer.status_code == 201, answer.text

    async def asked(self, method: str, path: str, *, who: str = "owner", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {who}"}
        return await self.http.request(method, self.url + path, headers=headers, **more)

    async def hook(self, name: str, *, who: str = "owner") -> str:
        answer = await self.asked("POST", f"/v1/carriers/{name}/hook", who=who)
        assert answer.status_code == 201, answer.text
        return answer.json()["url"]

    async def shown(self, name: str) -> dict[str, Any]:
        return (await self.asked("GET", f"/v1/carriers/{name}")).json()["hook"]

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        return (await self.http.post(url, headers=dict(headers), content=body)).status_code

    async def says(self, url: str, sim: Sim, old: str, new: str) -> int:
        body = {"fairlead": 1, "sim": sim.iccid, "old": old, "new": new}
        return await self.post(url, JSON, msgspec.json.encode(body))

    async def look(self) -> int:
        return await self.observer.look(self.api.tenant)

    async def sql(self, query: str, *values: object) -> list[tuple]:
        async with self.api.database.tenant(self.api.tenant) as tx:
            found = await tx.execute(query, values)
            return await found.fetchall() if found.description else []

    def reads(self) -> tuple[int, int]:
        """Lines read one by one, and pages of the inventory."""
        return self.soracom.requests["get"], self.soracom.requests["list"]

    async def states(self) -> list[str]:
        rows = await self.sql("select provider_state from subscription order by iccid")
        return [row[0] for row in rows]

    async def state(self, sim: Sim) -> str:
        return (await self.sql("select provider_state from subscription where iccid = %s", sim.iccid))[0][0]

    async def waiting(self) -> bool:
        async with self.api.database.tenant(self.api.tenant) as tx:
            return "look" in await WorkStore().owed(tx, self.api.tenant, self.clock())


@asynccontextmanager
async def staged(api: Api, reference: Reference) -> AsyncIterator[Stage]:
    """The server with its two accounts, and their lines known to it."""
    clock = Clock()
    world = new_world(clock)
    bounds: dict[str, Any] = {"per_second": MANY, "burst": MANY, "monotonic": clock.monotonic}
    soracom = SoracomFake(world, "tr", **SORACOM_SECRETS, **bounds)
    world.add_carrier("us", name="Lakes Wireless", home="310-260", apns=frozenset({"iot.us"}))
    kore = SuperSimFake(world, "us", **SECRETS, **MORE_SECRETS, **bounds)
    database, accounts = api.database, api.services.of(Carriers)
    timekeeper = Timekeeper(real=lambda: clock().timestamp())
    addresses = HookAddresses(database, HookStore(), accounts._sealer)
    async with new_client() as http, serving(soracom) as one, serving(kore) as two, serving(api.app) as url:
        table = ConnectorTable(
            accounts, Buckets(database), http, reference, clock, None, addresses, fence=lambda *_: ""
        )
        hooks = Hooks(database, HookStore(), addresses, table, append, timekeeper)
        api.services.add(hooks)
        observer = Observer(database, ObservationStore(), table, NoClocks(), lambda plmn: None, timekeeper)
        made = Stage(
            api, clock, world, soracom, kore, http, url, {"soracom": one, "supersim": two}, table, hooks, observer
        )
        await made.add("global-sim")
        await made.add("kore-us", "supersim")
        made.lines = [*world.issue("tr", 3, state="active"), *world.issue("us", 2, state="active")]
        clock.tick(minutes=1)
        for account in await observer.accounts(api.tenant):
            await observer.sweep(api.tenant, account)
        assert len(await made.states()) == 5
        soracom.requests.clear()
        kore.desk.requests.clear()
        yield made

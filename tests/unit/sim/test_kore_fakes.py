"""The fakes of KORE's family, over ASGI without a socket: as strict as their contracts, or they judge nothing."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from fairlead.connectors.kore.hook import Hook
from fairlead.engine.ports.carrier import Secret
from fairlead_sim.carriers.programmable_wireless import ProgrammableWirelessFake
from fairlead_sim.carriers.supersim import SuperSimFake
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim

HOOK = "https://fairlead.example/hooks/1?account=tr"
BASIC = ("id", "key")


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


class House:
    """A world with one carrier, behind one of the fakes."""

    def __init__(self, kind: type, *, at: str = "twilio") -> None:
        self.clock = Clock()
        self.world = World(clock=self.clock)
        self.carrier = self.world.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot"}))
        self.fake: Any = kind(self.world, "tr", key_id="id", key_secret="key", webhook_secret="whsec", kind=at)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=self.fake), base_url="http://fake", auth=BASIC)

    def sim(self, state: Any = "active") -> Sim:
        return self.world.issue("tr", 1, state=state)[0]

    async def post(self, sim: Sim, **form: str) -> httpx.Response:
        return await self.http.post(f"/v1/Sims/{self.fake.sid(sim)}", data=form)

    async def get(self, sim: Sim) -> dict[str, Any]:
        return (await self.http.get(f"/v1/Sims/{self.fake.sid(sim)}")).json()


@pytest.fixture
async def supersim() -> AsyncIterator[House]:
    house = House(SuperSimFake)
    async with house.http:
        yield house


@pytest.fixture
async def wireless() -> AsyncIterator[House]:
    house = House(ProgrammableWirelessFake)
    async with house.http:
        yield house


async def test_nobody_gets_in_without_the_proof_of_the_kind(supersim: House) -> None:
    assert (await supersim.http.get("/v1/Sims", auth=("id", "wrong"))).status_code == 401
    body = (await supersim.http.get("/v1/Sims", auth=("id", "wrong"))).json()
    assert set(body) == {"code", "message", "more_info", "status"}
    assert (await supersim.http.get("/v1/Sims")).status_code == 200
    tokens = House(SuperSimFake, at="kore")
    assert (await tokens.http.get("/v1/Sims")).status_code == 401  # Basic opens no door that wants a token
    form = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "key"}
    given = (await tokens.http.post("/v1/auth/token", data=form, auth=None)).json()
    bearer = {"authorization": f"Bearer {given['access_token']}"}
    assert (await tokens.http.get("/v1/Sims", headers=bearer, auth=None)).status_code == 200
    assert (await tokens.http.post("/v1/auth/token", data={**form, "client_secret": "x"}, auth=None)).status_code == 401
    assert (await tokens.http.post("/v1/auth/token", json=form, auth=None)).status_code == 415


async def test_a_super_sim_needs_a_fleet_and_never_goes_back(supersim: House) -> None:
    sim = supersim.sim("inventory")
    assert (await supersim.post(sim, Status="active")).status_code == 400
    supersim.fake.join(sim, supersim.fake.add_fleet("meters"))
    assert (await supersim.post(sim, Status="suspended")).status_code == 400
    assert (await supersim.post(sim, Status="inactive")).status_code == 400  # from new there is ready and active
    assert (await supersim.post(sim, Status="ready")).json()["status"] == "ready"
    assert (await supersim.post(sim, Status="active")).json()["status"] == "active"
    assert (await supersim.post(sim, Status="ready")).status_code == 400
    assert (await supersim.post(sim, Fleet="nowhere")).status_code == 404


async def test_an_update_that_waits_is_202_and_takes_no_other(supersim: House) -> None:
    supersim.carrier.takes["suspended"] = timedelta(minutes=5)
    sim = supersim.sim()
    supersim.fake.join(sim, supersim.fake.add_fleet("meters"))
    first = await supersim.post(sim, Status="inactive")
    assert (first.status_code, first.json()["status"]) == (202, "scheduled")
    assert (await supersim.post(sim, Status="active")).status_code == 409
    assert (await supersim.post(sim, Fleet="meters")).status_code == 409
    supersim.clock.at += timedelta(minutes=5)
    assert (await supersim.get(sim))["status"] == "inactive"


async def test_a_fleets_limit_binds_every_sim_in_it(supersim: House) -> None:
    fleet = supersim.fake.add_fleet("meters")
    both = [supersim.sim(), supersim.sim()]
    for sim in both:
        supersim.fake.join(sim, fleet)
    changed = await supersim.http.post(f"/v1/Fleets/{fleet}", data={"DataLimit": "7"})
    assert changed.json()["data_limit"] == 7
    assert [sim.limit_bytes for sim in both] == [7_000_000, 7_000_000]
    for bad in ("0", "2000001", "1.5", "-1"):
        assert (await supersim.http.post(f"/v1/Fleets/{fleet}", data={"DataLimit": bad})).status_code == 400


async def test_bytes_show_at_once_and_are_billed_a_day_and_a_half_later(supersim: House) -> None:
    sim = supersim.sim()
    supersim.world.add_device("d", country="TR", slots=[sim.iccid])
    supersim.world.attach("d", 0, "iot")
    supersim.world.traffic("d", 4000, 9000)
    asked = {"Sim": supersim.fake.sid(sim), "Granularity": "day"}
    span = {"StartTime": "2026-03-01T00:00:00Z", "EndTime": "2026-03-03T00:00:00Z"}
    (early,) = (await supersim.http.get("/v1/UsageRecords", params=asked | span)).json()["usage_records"]
    assert (early["data_total"], early["data_total_billed"], early["billed_unit"]) == (13000, 0, None)
    supersim.clock.at += timedelta(days=3)
    (late,) = (await supersim.http.get("/v1/UsageRecords", params=asked | span)).json()["usage_records"]
    assert (late["data_total"], late["billed_unit"]) == (13000, "USD")
    assert late["data_total_billed"] > 0


async def test_pages_are_whole_and_bounded(supersim: House) -> None:
    supersim.world.issue("tr", 7)
    found, address = list[str](), "/v1/Sims?PageSize=3"
    for _ in range(3):
        body = (await supersim.http.get(address)).json()
        found += [one["sid"] for one in body["sims"]]
        address = body["meta"]["next_page_url"]
    assert address is None
    assert len(set(found)) == len(found) == 7
    for bad in ("0", "1001", "x"):
        assert (await supersim.http.get("/v1/Sims", params={"PageSize": bad})).status_code == 400
    span = {"Sim": found[0], "StartTime": "2026-03-01T00:00:00Z", "EndTime": "2026-03-03T00:00:00Z"}
    for size, status in (("249", 200), ("250", 400)):
        answer = await supersim.http.get("/v1/UsageRecords", params={**span, "PageSize": size})
        assert answer.status_code == status


async def test_a_message_waits_for_its_device_and_is_lost_after_a_while(supersim: House) -> None:
    there, away = supersim.sim(), supersim.sim()
    supersim.world.add_device("d", country="TR", slots=[there.iccid])
    supersim.world.attach("d", 0, "iot")
    sids = []
    for sim in (there, away):
        form = {"Sim": supersim.fake.sid(sim), "Payload": "wake up"}
        made = await supersim.http.post("/v1/SmsCommands", data=form)
        assert (made.status_code, made.json()["status"]) == (201, "queued")
        sids.append(made.json()["sid"])

    async def words() -> list[str]:
        return [(await supersim.http.get(f"/v1/SmsCommands/{sid}")).json()["status"] for sid in sids]

    supersim.clock.at += timedelta(seconds=10)
    assert await words() == ["delivered", "sent"]
    supersim.clock.at += timedelta(hours=5)
    assert await words() == ["delivered", "failed"]
    assert [len(sim.messages) for sim in (there, away)] == [1, 0]
    long = {"Sim": supersim.fake.sid(there), "Payload": "x" * 161}
    assert (await supersim.http.post("/v1/SmsCommands", data=long)).json()["code"] == 33111


async def test_a_wireless_sim_moves_by_the_rules_and_is_canceled_in_the_end(wireless: House) -> None:
    sim = wireless.sim("inventory")
    no = await wireless.post(sim, Status="suspended")
    assert (no.status_code, no.json()["code"]) == (400, 33105)
    assert (await wireless.post(sim, Status="canceled")).status_code == 400
    for word in ("active", "suspended", "deactivated"):
        assert (await wireless.post(sim, Status=word)).json()["status"] == word
    assert (await wireless.post(sim, Status="active")).json()["code"] == 33105
    wireless.clock.at += timedelta(hours=71)
    assert (await wireless.get(sim))["status"] == "deactivated"
    wireless.clock.at += timedelta(hours=1)
    assert (await wireless.get(sim))["status"] == "canceled"


async def test_wireless_usage_is_a_day_late(wireless: House) -> None:
    wireless.carrier.usage_lag = timedelta(hours=24)
    sim = wireless.sim()
    wireless.world.add_device("d", country="TR", slots=[sim.iccid])
    wireless.world.attach("d", 0, "iot")
    wireless.world.traffic("d", 4000, 9000)
    path = f"/v1/Sims/{wireless.fake.sid(sim)}/UsageRecords"
    span = {"Start": "2026-03-01T00:00:00Z", "End": "2026-03-03T00:00:00Z", "Granularity": "daily"}
    wireless.clock.at += timedelta(hours=23)
    assert (await wireless.http.get(path, params=span)).json()["usage_records"] == []
    wireless.clock.at += timedelta(hours=2)
    (one,) = (await wireless.http.get(path, params=span)).json()["usage_records"]
    assert one["data"]["total"] == 13000


@pytest.mark.parametrize(
    ("kind", "token"), [("kore", "kore-idempotency-token"), ("twilio", "i-twilio-idempotency-token")]
)
async def test_a_callback_comes_when_it_is_done_signed_and_under_the_same_token_each_time(
    kind: Any, token: str
) -> None:
    house = House(SuperSimFake, at=kind)
    house.carrier.takes["suspended"] = timedelta(minutes=5)
    sim = house.sim()
    house.fake.join(sim, house.fake.add_fleet("meters"))
    house.fake.settle(sim, "suspended", HOOK, "suspend")
    hook = Hook(signs=kind, url=HOOK, secret=Secret("whsec"))
    came: list[Any] = []

    async def send(address: str, headers: Mapping[str, str], body: bytes) -> int:
        assert headers[token]
        came.extend(hook.heard({name.lower(): value for name, value in headers.items()}, body))
        return 500 if len(came) == 1 else 200

    assert await house.fake.callbacks.deliver(send) == 0  # not before it is done
    house.clock.at += timedelta(minutes=5)
    house.world.tick()
    house.world.inject(Fault(kind="duplicate_callback", carrier="tr", at_most=1))
    await house.fake.callbacks.deliver(send)
    await house.fake.callbacks.deliver(send)  # what was not taken comes again
    assert len(came) == 3
    assert {(one.sim, one.word, one.kind) for one in came} == {(house.fake.sid(sim), "inactive", "state")}
    assert len({one.event for one in came}) == 1


async def test_an_ending_is_told_twice(wireless: House) -> None:
    sim = wireless.sim()
    await wireless.post(sim, Status="deactivated", CallbackUrl=HOOK)
    told: list[bytes] = []

    async def send(address: str, headers: Mapping[str, str], body: bytes) -> int:
        told.append(body)
        return 200

    await wireless.fake.callbacks.deliver(send)
    wireless.clock.at += timedelta(hours=72)
    wireless.world.tick()
    await wireless.fake.callbacks.deliver(send)
    assert [body.split(b"SimStatus=")[1] for body in told] == [b"deactivated", b"canceled"]

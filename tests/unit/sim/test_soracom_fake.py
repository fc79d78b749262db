"""The fake itself, over ASGI without a socket: it must be as strict as the contract, or it judges nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.carriers.throttle import Throttle
from fairlead_sim.world.radio import World

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def real() -> Clock:
    return Clock()


@pytest.fixture
def fake(real: Clock) -> SoracomFake:
    world = World(clock=lambda: NOW)
    world.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot"}))
    world.issue("tr", 5)
    return SoracomFake(world, "tr", auth_key_id="id", auth_key="key", per_second=10, burst=20, monotonic=real)


@pytest.fixture
async def http(fake: SoracomFake) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=fake), base_url="http://fake") as client:
        yield client


async def enter(http: httpx.AsyncClient, **more: object) -> dict[str, str]:
    reply = (await http.post("/auth", json={"authKeyId": "id", "authKey": "key", **more})).json()
    return {"x-soracom-api-key": reply["apiKey"], "x-soracom-token": reply["token"]}


async def test_the_door_is_closed_without_a_pair_that_belongs_together(http: httpx.AsyncClient) -> None:
    one, two = await enter(http), await enter(http)
    mixed = {**one, "x-soracom-token": two["x-soracom-token"]}
    assert [(await http.get("/sims", headers=pair)).status_code for pair in ({}, mixed, one)] == [401, 401, 200]
    assert (await http.post("/auth", json={"authKeyId": "id", "authKey": "wrong"})).status_code == 401
    assert (await http.post("/auth", content=b"{")).status_code == 400


async def test_tokens_end_when_asked_and_never_later_than_two_days(http: httpx.AsyncClient, real: Clock) -> None:
    short, long = await enter(http, tokenTimeoutSeconds=60), await enter(http, tokenTimeoutSeconds=10**9)
    real.seconds = 61
    assert [(await http.get("/sims", headers=pair)).status_code for pair in (short, long)] == [401, 200]
    real.seconds = 172_801
    assert (await http.get("/sims", headers=long)).status_code == 401


async def test_pages_name_the_next_key_until_the_last(http: httpx.AsyncClient) -> None:
    pair, after, seen = await enter(http), "", []
    while after is not None:
        query = {"limit": "2", **({"last_evaluated_key": after} if after else {})}
        reply = await http.get("/sims", params=query, headers=pair)
        seen.append(len(reply.json()))
        after = reply.headers.get("x-soracom-next-key")
    assert seen == [2, 2, 1]


async def test_errors_have_a_code_and_a_message(http: httpx.AsyncClient, fake: SoracomFake) -> None:
    pair, sim = await enter(http), next(iter(fake.carrier.sims))
    asked = [
        (404, await http.get("/sims/8900", headers=pair)),
        (400, await http.get("/sims", params={"limit": "many"}, headers=pair)),
        (400, await http.post(f"/sims/{sim}/terminate", headers=pair)),
        (400, await http.post(f"/sims/{sim}/set_to_standby", headers=pair)),
        (404, await http.post(f"/sims/{sim}/set_group", json={"groupId": "none"}, headers=pair)),
        (400, await http.post(f"/sims/{sim}/set_group", json={}, headers=pair)),
        (404, await http.post(f"/sims/{sim}/profiles/{sim}/subscribers/1/cancel_download", headers=pair)),
        (400, await http.get(f"/stats/air/sims/{sim}", params={"period": "hour"}, headers=pair)),
    ]
    for status, reply in asked:
        assert reply.status_code == status
        assert set(reply.json()) == {"code", "message"}
    assert fake.executed.total() == 0


async def test_an_empty_budget_says_how_long(http: httpx.AsyncClient, fake: SoracomFake, real: Clock) -> None:
    pair = await enter(http)
    replies = [await http.get("/sims", headers=pair) for _ in range(25)]
    assert [reply.status_code for reply in replies].count(429) == 6  # 20 in the burst, one of them the login
    assert replies[-1].headers["retry-after"] == "1"
    real.seconds += 1
    assert (await http.get("/sims", headers=pair)).status_code == 200
    assert fake.throttle.turned_away == 6


async def test_each_execution_counts_even_one_that_changes_nothing(http: httpx.AsyncClient, fake: SoracomFake) -> None:
    pair, sim = await enter(http), next(iter(fake.carrier.sims))
    for _ in range(2):
        await http.post(f"/sims/{sim}/suspend", headers=pair)
    assert fake.executed["suspend", sim] == 2


async def test_a_terminated_sims_traffic_cannot_be_read(http: httpx.AsyncClient, fake: SoracomFake) -> None:
    pair, sim = await enter(http), next(iter(fake.carrier.sims.values()))
    sim.count(NOW, 10, 20)
    period = {"from": int(NOW.timestamp()) - 86_400, "to": int(NOW.timestamp()), "period": "day"}
    path = f"/stats/air/sims/{sim.iccid}"
    assert len((await http.get(path, params=period, headers=pair)).json()) == 1
    fake.world.set_state(sim.iccid, "terminated")
    assert (await http.get(path, params=period, headers=pair)).json() == []


def test_a_throttle_gives_its_rate(real: Clock) -> None:
    throttle = Throttle(per_second=2, burst=1, monotonic=real)
    passed = 0
    for _ in range(80):  # ten seconds
        passed += throttle.wait() == 0
        real.seconds += 0.125
    assert passed == 20
    assert throttle.turned_away == 60

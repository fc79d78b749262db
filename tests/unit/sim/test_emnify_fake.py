"""The fake itself, over ASGI without a socket: it must be as strict as the carrier, or it judges nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from fairlead_sim.carriers.emnify import EmnifyFake
from fairlead_sim.world.radio import World

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIM, ENDPOINT = "/api/v1/sim/1000", "/api/v1/endpoint/501000"


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def real() -> Clock:
    return Clock()


@pytest.fixture
def fake(real: Clock) -> EmnifyFake:
    world = World(clock=lambda: NOW)
    world.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot"}))
    world.issue("tr", 5, state="inventory")
    return EmnifyFake(world, "tr", application_token="key", per_second=10, burst=30, monotonic=real)


@pytest.fixture
async def http(fake: EmnifyFake) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=fake), base_url="http://fake") as client:
        reply = await client.post("/api/v1/authenticate", json={"application_token": "key"})
        client.headers["authorization"] = f"Bearer {reply.json()['auth_token']}"
        yield client


async def status(http: httpx.AsyncClient, number: int) -> int:
    return (await http.patch(SIM, json={"status": {"id": number}})).status_code


async def test_the_door_is_closed_without_a_token_and_after_its_end(http: httpx.AsyncClient, real: Clock) -> None:
    assert (await http.get("/api/v1/sim")).status_code == 200
    refused = await http.get("/api/v1/sim", headers={"authorization": "Bearer another"})
    assert (refused.status_code, refused.content) == (401, b"")
    assert (await http.post("/api/v1/authenticate", json={"application_token": "wrong"})).status_code == 401
    real.seconds = 14_401
    assert (await http.get("/api/v1/sim")).status_code == 401


async def test_only_some_changes_of_status_are_taken(http: httpx.AsyncClient) -> None:
    assert [await status(http, number) for number in (2, 0, 3, 4)] == [400, 400, 400, 204]  # from issued
    assert [await status(http, number) for number in (2, 4, 1)] == [400, 400, 204]  # from factory test
    assert [await status(http, number) for number in (1, 4, 2)] == [400, 400, 204]  # from activated
    assert await status(http, 1) == 204


async def test_a_sim_with_an_endpoint_is_not_deleted_and_a_deleted_one_is_final(
    http: httpx.AsyncClient, fake: EmnifyFake
) -> None:
    iccid = next(iter(fake.carrier.sims))
    fake.assign(iccid)
    assert (await http.delete(SIM)).status_code == 403
    fake.release(iccid)
    assert (await http.delete(SIM)).status_code == 204
    assert (await http.get(SIM)).json()["status"]["id"] == 3
    assert [await status(http, number) for number in (0, 1, 2, 4)] == [400] * 4


async def test_pages_are_numbered_and_never_longer_than_allowed(http: httpx.AsyncClient) -> None:
    sizes = [
        len((await http.get("/api/v1/sim", params={"page": str(page), "per_page": "2"})).json())
        for page in (1, 2, 3, 4)
    ]
    assert sizes == [2, 2, 1, 0]
    assert (await http.get("/api/v1/sim", params={"page": "0"})).status_code == 400


async def test_numbers_of_cards_lack_their_check_digit(http: httpx.AsyncClient, fake: EmnifyFake) -> None:
    listed = [one["iccid"] for one in (await http.get("/api/v1/sim")).json()]
    assert listed == [iccid[:-1] for iccid in fake.carrier.sims]


async def test_what_is_malformed_is_refused_and_nothing_is_carried_out(
    http: httpx.AsyncClient, fake: EmnifyFake
) -> None:
    fake.assign(next(iter(fake.carrier.sims)))
    quota = {"status": {"id": "1"}, "volume": 5, "expiry_date": "2099-01-01T00:00:00Z"}
    asked = [
        (404, await http.get("/api/v1/sim/999")),
        (404, await http.get("/api/v1/endpoint/501001")),
        (404, await http.get(f"{ENDPOINT}/quota/data")),
        (400, await http.patch(SIM, content=b"{")),
        (400, await http.patch(SIM, json={"status": {"id": "1"}})),
        (400, await http.patch(ENDPOINT, json={"imei_lock": "yes"})),
        (422, await http.patch(ENDPOINT, json={"imei_lock": True})),  # no device was ever seen
        (400, await http.post(f"{ENDPOINT}/quota/data", json=quota)),
        (422, await http.post(f"{ENDPOINT}/quota/data", json={**quota, "action_on_exhaustion": {"id": "2"}})),
        (404, await http.put(f"{ENDPOINT}/operator_blacklist/9999")),
        (404, await http.delete(f"{ENDPOINT}/operator_blacklist/1")),
        (422, await http.post(f"{ENDPOINT}/sms", json={"payload": "x" * 161})),
        (400, await http.patch(f"{ENDPOINT}/connectivity", json={})),
        (422, await http.get(f"{ENDPOINT}/event", params={"q": "from:2026-03-01T00:00:00Z"})),
        (400, await http.get(f"{SIM}/stats/daily", params={"start_date": "soon"})),
    ]
    assert [(wanted, reply.status_code) for wanted, reply in asked] == [(wanted, wanted) for wanted, _ in asked]
    assert fake.desk.executed.total() == 0


async def test_an_operator_is_put_on_the_list_once(http: httpx.AsyncClient, fake: EmnifyFake) -> None:
    fake.assign(next(iter(fake.carrier.sims)))
    assert [(await http.put(f"{ENDPOINT}/operator_blacklist/7")).status_code for _ in range(2)] == [204, 409]
    assert [one["id"] for one in (await http.get(f"{ENDPOINT}/operator_blacklist")).json()] == [7]

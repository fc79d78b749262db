"""What only this carrier has, asked without a socket: the handshake, and replies that are not what was asked for."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors.soracom.client import TOKEN_LIFETIME
from fairlead.connectors.soracom.connector import SoracomConnector
from fairlead.connectors.soracom.factory import FACTORY
from fairlead.engine.ports.carrier import (
    Accepted,
    AuthFailed,
    BucketKey,
    BucketLevel,
    Credential,
    OutcomeUnknown,
    ProviderId,
    Secret,
    Unavailable,
)
from fairlead.model.ids import AccountId, TenantId

LINE = ProviderId("8990010000000000010")


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


class Carrier:
    """Answers by path; `/auth` gives numbered tokens."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer
        self.asked: Counter[str] = Counter()
        self.at = datetime(2026, 3, 1, tzinfo=UTC)
        self.auth: Callable[[], httpx.Response] = self.enter

    def enter(self) -> httpx.Response:
        number = self.asked["/auth"]
        return httpx.Response(200, json={"apiKey": f"api-{number}", "token": f"token-{number}"})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked[path] += 1
        return self.auth() if path == "/auth" else self.answer(request)

    def open(self) -> SoracomConnector:
        config = AccountConfig(
            tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), name="x", base_url="https://carrier.example"
        )
        credential = Credential(fields={"auth_key_id": Secret("the-key-id"), "auth_key": Secret("the-key")})
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return FACTORY.open(config, credential, http, Levels(), now=lambda: self.at, real=lambda: self.at)


def saying(value: object, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, json=value)


async def test_a_token_is_renewed_before_it_ends() -> None:
    used: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        used.append(request.headers["x-soracom-token"])
        return httpx.Response(200, json={"simId": LINE})

    carrier = Carrier(answer)
    connector = carrier.open()
    await connector.read_sim(LINE)
    carrier.at += TOKEN_LIFETIME - timedelta(minutes=6)
    await connector.read_sim(LINE)
    carrier.at += timedelta(minutes=2)
    await connector.read_sim(LINE)
    assert used == ["token-1", "token-1", "token-2"]


async def test_a_refused_new_token_is_the_credentials_fault_and_is_not_asked_for_again() -> None:
    carrier = Carrier(saying({"code": "AUM1", "message": "no"}, 401))
    with pytest.raises(AuthFailed):
        await carrier.open().read_sim(LINE)
    assert carrier.asked == {"/auth": 1, f"/sims/{LINE}": 1}


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_login_is_auth_failed(status: int) -> None:
    carrier = Carrier(saying([]))
    carrier.auth = lambda: httpx.Response(status, json={"message": "no the-key"})
    with pytest.raises(AuthFailed) as trouble:
        await carrier.open().check()
    assert "the-key" not in str(trouble.value)


@pytest.mark.parametrize("reply", [{}, [], {"apiKey": "a"}, {"apiKey": "", "token": ""}, {"apiKey": 1, "token": 2}])
async def test_a_login_that_gives_no_token_is_the_carriers_fault(reply: object) -> None:
    carrier = Carrier(saying([]))
    carrier.auth = lambda: httpx.Response(200, json=reply)
    with pytest.raises(Unavailable):
        await carrier.open().check()


async def test_a_reply_about_another_sim_settles_nothing() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        other = request.method == "POST"
        status = "suspended" if other else "active"
        return httpx.Response(200, json={"simId": "8990010000000001000" if other else LINE, "status": status})

    with pytest.raises(OutcomeUnknown):
        await Carrier(answer).open().suspend(LINE)


@pytest.mark.parametrize("value", [None, [], {"status": "suspended"}])
async def test_a_success_without_the_sim_settles_nothing(value: object) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=value if request.method == "POST" else {"simId": LINE, "status": "active"})

    with pytest.raises(OutcomeUnknown):
        await Carrier(answer).open().suspend(LINE)


async def test_a_success_that_does_not_show_the_state_is_only_accepted() -> None:
    carrier = Carrier(saying({"simId": LINE, "status": "active"}))
    outcome = await carrier.open().suspend(LINE)
    assert isinstance(outcome, Accepted)
    assert isinstance(await carrier.open().follow_up(outcome.reference), Accepted)


async def test_a_cursor_that_does_not_move_ends_the_walk() -> None:
    carrier = Carrier(lambda request: httpx.Response(200, json=[], headers={"x-soracom-next-key": "same"}))
    with pytest.raises(Unavailable, match="cursor"):
        [page async for page in carrier.open().list_sims()]
    assert carrier.asked["/sims"] == 2


async def test_an_empty_page_in_the_middle_is_not_the_end_and_a_bad_entry_is_named() -> None:
    pages = {None: ([], "k1"), "k1": ([{"simId": LINE}, {"status": "active"}, 7], None)}

    def answer(request: httpx.Request) -> httpx.Response:
        value, key = pages[request.url.params.get("last_evaluated_key")]
        return httpx.Response(200, json=value, headers={"x-soracom-next-key": key} if key else {})

    found = [page async for page in Carrier(answer).open().list_sims()]
    assert [len(page.sims) for page in found] == [0, 1]
    assert len(found[1].unreadable) == 2


@pytest.mark.parametrize("value", [{}, None, "x"])
async def test_an_inventory_that_is_not_a_list_is_unavailable(value: object) -> None:
    with pytest.raises(Unavailable):
        [page async for page in Carrier(saying(value)).open().list_sims()]


async def test_a_sim_id_cannot_leave_its_place_in_the_path() -> None:
    seen: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path)
        return httpx.Response(200, json={"simId": "x"})

    await Carrier(answer).open().read_sim(ProviderId("../groups?x#y"))
    assert seen == [b"/sims/..%2Fgroups%3Fx%23y"]

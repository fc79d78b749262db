"""How requests prove who sends them: tokens fetched, renewed, and never shown."""

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from fairlead.connectors._kit.buckets import AccountBuckets
from fairlead.connectors._kit.entry import Pass, Renewed, Standing, basic, bearer, oauth2_pass, renewal
from fairlead.connectors._kit.http import Call, Denial, Http, Reply
from fairlead.connectors._kit.redact import Redactor
from fairlead.engine.ports.carrier import AuthFailed, BucketKey, BucketLevel, Limit, OutcomeUnknown, Secret, Unavailable
from fairlead.model.ids import AccountId, TenantId

READ = Call(method="GET", path="/sims", call_class="read")
WRITE = Call(method="POST", path="/sims/1", call_class="write", changes=True)


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


def http(answer: Callable[[httpx.Request], httpx.Response], auth_url: str = "") -> Http:
    limits = {name: Limit(per_second=1000, burst=1000) for name in ("auth", "read", "write")}
    return Http(
        httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        base_url="https://carrier.example/v1",
        auth_url=auth_url,
        buckets=AccountBuckets(Levels(), tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), limits=limits),
        redactor=Redactor(),
    )


class Carrier:
    """Hands out numbered tokens that live ten minutes."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, tzinfo=UTC)
        self.fetched = 0
        self.ended: set[str] = set()
        self.asked: list[str] = []
        self.http = http(self.answer)
        self.entry = Renewed(self.http, self.fetch, real=lambda: self.at)

    def answer(self, request: httpx.Request) -> httpx.Response:
        token = request.headers["authorization"]
        self.asked.append(token)
        return httpx.Response(401 if token in self.ended else 200, json={})

    async def fetch(self) -> Pass:
        await asyncio.sleep(0)
        self.fetched += 1
        reply = Reply(status=200, headers={}, value={"access_token": f"tok-{self.fetched:04}", "expires_in": 600})
        return oauth2_pass(reply, self.at, default=timedelta(hours=1), what="POST /token")


async def test_many_callers_cause_one_fetch_and_it_is_renewed_before_it_ends() -> None:
    carrier = Carrier()
    await asyncio.gather(*(carrier.entry.send(READ) for _ in range(8)))
    assert carrier.fetched == 1
    carrier.at += timedelta(minutes=8, seconds=59)
    await carrier.entry.send(READ)
    carrier.at += timedelta(seconds=2)
    await carrier.entry.send(READ)
    assert carrier.asked[-2:] == ["Bearer tok-0001", "Bearer tok-0002"]


async def test_a_token_that_ended_early_is_renewed_once_and_the_call_sent_again() -> None:
    carrier = Carrier()
    await carrier.entry.send(READ)
    carrier.ended.add("Bearer tok-0001")
    await carrier.entry.send(WRITE)
    assert carrier.asked[-2:] == ["Bearer tok-0001", "Bearer tok-0002"]
    carrier.ended |= {"Bearer tok-0002", "Bearer tok-0003"}
    with pytest.raises(AuthFailed):
        await carrier.entry.send(WRITE)
    assert carrier.fetched == 3


async def test_a_fresh_token_that_is_refused_is_not_renewed() -> None:
    carrier = Carrier()
    carrier.ended.add("Bearer tok-0001")
    with pytest.raises(AuthFailed):
        await carrier.entry.send(READ)
    assert carrier.fetched == 1


async def test_tokens_and_basic_pairs_are_kept_out_of_errors() -> None:
    pair = base64.b64encode(b"user:pass-word").decode()

    def leak(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500, text=f"you sent {request.headers['authorization'].split()[1]}")

    for headers, secret in ((basic("user", Secret("pass-word")), pair), (bearer(Secret("tok-abcd")), "tok-abcd")):
        door = http(leak)
        with pytest.raises(OutcomeUnknown) as trouble:
            await Standing(door, headers).send(WRITE)
        assert trouble.value.raw is not None
        assert secret not in trouble.value.raw.body


@pytest.mark.parametrize("value", [{}, [], None, {"access_token": ""}, {"access_token": 7}])
def test_a_handshake_without_a_token_is_the_carriers_fault(value: object) -> None:
    reply = Reply(status=200, headers={}, value=value)
    with pytest.raises(Unavailable):
        oauth2_pass(reply, datetime(2026, 3, 1, tzinfo=UTC), default=timedelta(hours=1), what="x")


@pytest.mark.parametrize("seconds", [None, "3600", -5, 0])
def test_a_lifetime_that_is_not_told_is_the_default(seconds: object) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    reply = Reply(status=200, headers={}, value={"access_token": "t", "expires_in": seconds})
    assert oauth2_pass(reply, at, default=timedelta(hours=10), what="x").renew_at == renewal(at, timedelta(hours=10))


async def test_forms_repeat_names_and_handshakes_go_to_their_own_address() -> None:
    seen: list[tuple[str, bytes, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.content, request.headers["content-type"]))
        return httpx.Response(200, json={})

    door = http(answer, auth_url="https://login.example/")
    form = {"grant_type": "client_credentials", "scope": ["a", "b"]}
    await door.call(Call(method="POST", path="/token", call_class="auth", form=form))
    await door.call(Call(method="POST", path="/sims", call_class="write", body=[{"iccid": "1"}]))
    assert seen == [
        (
            "https://login.example/token",
            b"grant_type=client_credentials&scope=a&scope=b",
            "application/x-www-form-urlencoded",
        ),
        ("https://carrier.example/v1/sims", b'[{"iccid":"1"}]', "application/json"),
    ]


async def test_a_pass_that_is_not_used_ends_earlier() -> None:
    carrier = Carrier()

    async def fetch() -> Pass:
        carrier.fetched += 1
        headers = bearer(Secret(f"tok-{carrier.fetched:04}"))
        return Pass(headers=headers, renew_at=carrier.at + timedelta(hours=1), idle=timedelta(minutes=18))

    carrier.entry = Renewed(carrier.http, fetch, real=lambda: carrier.at)
    for _ in range(3):
        await carrier.entry.send(READ)
        carrier.at += timedelta(minutes=17)
    assert carrier.fetched == 1
    carrier.at += timedelta(minutes=1)
    await carrier.entry.send(READ)
    assert carrier.fetched == 2


async def test_a_refusal_may_mean_that_the_session_is_over() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["authorization"])
        if len(asked) == 1:
            return httpx.Response(200, json={})
        old = asked[-1].endswith("0001")
        return httpx.Response(400, json={"code": "SESSION" if old else "OTHER"})

    carrier = Carrier()
    carrier.entry = Renewed(
        http(answer), carrier.fetch, real=lambda: carrier.at, ended=lambda no: no.raw.code == "SESSION"
    )
    assert isinstance(await carrier.entry.send(WRITE), Reply)
    denial = await carrier.entry.send(WRITE)
    assert isinstance(denial, Denial)
    assert denial.raw.code == "OTHER"
    assert [one[-4:] for one in asked] == ["0001", "0001", "0002"]


async def test_a_new_session_that_is_refused_at_once_is_the_credentials_fault() -> None:
    carrier = Carrier()
    door = http(lambda request: httpx.Response(400, json={"code": "SESSION"}))
    entry = Renewed(door, carrier.fetch, real=lambda: carrier.at, ended=lambda no: no.raw.code == "SESSION")
    with pytest.raises(AuthFailed):
        await entry.send(WRITE)
    assert carrier.fetched == 1

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors._kit.buckets import AccountBuckets
from fairlead.connectors._kit.http import Bounds, Call, Denial, Http, Reply, problem_of, retry_after
from fairlead.connectors._kit.redact import Redactor
from fairlead.engine.ports.carrier import (
    AuthFailed,
    BucketKey,
    BucketLevel,
    CarrierTrouble,
    Limit,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ReasonCode,
    Secret,
    Unavailable,
)
from fairlead.model.ids import AccountId, TenantId

NOW = datetime(2026, 3, 1, tzinfo=UTC)
READ = Call(method="GET", path="/sims", call_class="read")
WRITE = Call(method="POST", path="/sims/1/suspend", call_class="write", changes=True)


class Levels:
    async def load(self, key: BucketKey) -> BucketLevel | None:
        return None

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        return True


def http(answer: Callable[[httpx.Request], httpx.Response], *, reply_bytes: int = 10_000) -> Http:
    limits = {name: Limit(per_second=1000, burst=1000) for name in ("auth", "read", "write")}
    return Http(
        httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        base_url="https://carrier.example/v1/",
        buckets=AccountBuckets(Levels(), tenant=TenantId(UUID(int=1)), account=AccountId(UUID(int=2)), limits=limits),
        redactor=Redactor(Secret("hunter2-hunter2")),
        bounds=Bounds(reply_bytes=reply_bytes),
    )


def raising(error: Exception) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


def saying(status: int, content: bytes = b"{}", **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(
        status, content=content, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


async def trouble(answer: Callable[[httpx.Request], httpx.Response], call: Call) -> CarrierTrouble:
    with pytest.raises(CarrierTrouble) as caught:
        await http(answer).call(call)
    return caught.value


async def test_a_reply_is_json_with_lower_case_headers() -> None:
    reply = await http(saying(200, b'{"a": 1}', X_Next="k")).call(READ)
    assert isinstance(reply, Reply)
    assert (reply.value, reply.headers["x-next"]) == ({"a": 1}, "k")


async def test_the_path_stands_on_the_base_address() -> None:
    seen: list[str] = []
    await http(lambda request: (seen.append(str(request.url)), httpx.Response(200))[1]).call(READ)
    assert seen == ["https://carrier.example/v1/sims"]


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")],
    ids=lambda e: type(e).__name__,
)
async def test_what_never_left_is_unavailable_for_reads_and_writes(error: Exception) -> None:
    assert isinstance(await trouble(raising(error), READ), Unavailable)
    assert isinstance(await trouble(raising(error), WRITE), Unavailable)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("x"),
        httpx.WriteTimeout("x"),
        httpx.ReadError("x"),
        httpx.WriteError("x"),
        httpx.CloseError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.DecodingError("x"),
        TimeoutError(),
        OSError("x"),
    ],
    ids=lambda e: type(e).__name__,
)
async def test_what_may_have_left_is_unknown_for_writes_only(error: Exception) -> None:
    assert isinstance(await trouble(raising(error), READ), Unavailable)
    assert isinstance(await trouble(raising(error), WRITE), OutcomeUnknown)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 408, 301, 307])
async def test_a_status_that_settles_nothing(status: int) -> None:
    assert isinstance(await trouble(saying(status, location="https://elsewhere.example/"), READ), Unavailable)
    assert isinstance(await trouble(saying(status, location="https://elsewhere.example/"), WRITE), OutcomeUnknown)


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[" * 100_000, b"\xff\xfe", b"NaN"])
async def test_a_2xx_that_is_not_json_settles_nothing(body: bytes) -> None:
    door = http(saying(200, body), reply_bytes=1_000_000)
    with pytest.raises(Unavailable):
        await door.call(READ)
    with pytest.raises(OutcomeUnknown):
        await door.call(WRITE)


async def test_where_success_is_a_sentence_it_is_kept_and_settles_the_call() -> None:
    told = replace(WRITE, prose=True)
    for body in (b"Done.", b"[", b'{"a": 1}', b""):
        answer = await http(saying(200, body)).call(told)
        assert isinstance(answer, Reply)
        assert answer.value == body.decode()
    with pytest.raises(OutcomeUnknown):
        await http(saying(502, b"Done.")).call(told)
    assert isinstance(await http(saying(400, b"No.")).call(told), Denial)


async def test_a_reply_is_bounded_also_when_it_is_packed() -> None:
    bomb = gzip.compress(b'"' + b"a" * 5_000_000 + b'"')
    assert len(bomb) < 10_000
    assert isinstance(await trouble(saying(200, bomb, content_encoding="gzip"), READ), Unavailable)
    assert isinstance(await trouble(saying(200, bomb, content_encoding="gzip"), WRITE), OutcomeUnknown)


@pytest.mark.parametrize(("status", "kind"), [(401, AuthFailed), (404, NotFound), (410, NotFound), (429, RateLimited)])
async def test_a_status_that_says_nothing_was_applied(status: int, kind: type[CarrierTrouble]) -> None:
    for call in (READ, WRITE):
        assert isinstance(await trouble(saying(status, b'{"code":"A1","message":"no"}'), call), kind)


async def test_a_denial_has_its_reason_code_and_raw_reply() -> None:
    denial = await http(saying(409, b'{"code":"SEM7","message":"in use"}')).call(WRITE)
    assert isinstance(denial, Denial)
    assert (denial.reason, denial.raw.code, denial.raw.status) == (ReasonCode.CONFLICT_STATE, "SEM7", 409)
    assert "in use" in denial.detail
    assert denial.refused(ReasonCode.BUSY).reason is ReasonCode.BUSY


async def test_a_denied_read_is_a_matter_of_permission_or_of_the_carrier() -> None:
    door = http(saying(403))
    with pytest.raises(AuthFailed):
        door.readable(await door.call(READ))
    door = http(saying(400))
    with pytest.raises(Unavailable):
        door.readable(await door.call(READ))


async def test_secrets_and_long_bodies_do_not_get_out() -> None:
    body = b'{"code":"hunter2-hunter2","message":"hunter2-hunter2 ' + b"x" * 9000 + b'"}'
    denial = await http(saying(400, body)).call(WRITE)
    assert isinstance(denial, Denial)
    assert "hunter2" not in repr(denial)
    assert len(repr(denial)) < 4000
    error = await trouble(saying(500, body), WRITE)
    assert "hunter2" not in repr(vars(error))


async def test_an_error_carries_no_request_along() -> None:
    error = await trouble(raising(httpx.ReadTimeout("x")), WRITE)
    assert error.__cause__ is None
    assert error.__context__ is None


async def test_waiting_for_a_connection_ends_before_the_whole_call_does() -> None:
    """Else a write that never left would run into the total time-out and look as if it might have."""
    asked: list[dict[str, float]] = []
    await http(lambda request: (asked.append(request.extensions["timeout"]), httpx.Response(200))[1]).call(WRITE)
    assert asked[0]["connect"] + asked[0]["pool"] < asked[0]["read"] == Bounds().total.total_seconds()


def test_a_call_does_not_print_its_headers_and_body() -> None:
    call = Call(method="POST", path="/auth", call_class="auth", headers={"a": "hunter2"}, body={"k": "hunter2"})
    assert "hunter2" not in repr(call)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("0", timedelta(0)),
        ("999999999999999999", timedelta(hours=1)),
        ("Sun, 01 Mar 2026 00:02:00 GMT", timedelta(minutes=2)),
        ("Sat, 28 Feb 2026 00:00:00 GMT", timedelta(0)),
        (None, timedelta(seconds=30)),
        ("soon", timedelta(seconds=30)),
        ("-5", timedelta(seconds=30)),
        ("1.5", timedelta(seconds=30)),
    ],
)
def test_retry_after(header: str | None, wait: timedelta) -> None:
    assert retry_after(header, NOW) == wait


@given(st.text(max_size=40))
def test_any_retry_after_is_a_bounded_wait(header: str) -> None:
    assert timedelta(0) <= retry_after(header, NOW) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"code": "SEM1", "message": "m"}, ("SEM1", "m")),
        ({"httpStatus": 400, "errorMessage": {"code": "SEM1", "message": "m"}}, ("SEM1", "m")),
        ({"error_code": 12, "message": "m"}, ("12", "m")),
        ({"errors": [{"code": "10001", "title": "t", "detail": "d"}]}, ("10001", "d")),
        ({"errorCode": "INPUT_INVALID", "errorMessage": "m"}, ("INPUT_INVALID", "m")),
        ({"errors": []}, ("", "")),
        ([], ("", "")),
        (None, ("", "")),
    ],
)
def test_problems_in_the_shapes_carriers_use(body: object, found: tuple[str, str]) -> None:
    assert problem_of(body) == found

"""HTTP as connectors use it: bounded, redacted, and honest about what a failure means.

One question decides everything here: may the request have been applied? Before the first byte
left it cannot (`Unavailable`); after a refusal the carrier says it was not (a `Denial`, `AuthFailed`,
`NotFound`, `RateLimited`); a time-out, a lost connection or a 5xx after that leaves a read merely
`Unavailable` and a write `OutcomeUnknown`. Nothing is tried twice and no redirect is followed.

Errors are raised outside the handlers of httpx's own, so that no exception chain carries a request
with its headers into a log.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Literal

import httpx
import msgspec

from fairlead.connectors._kit.buckets import AccountBuckets, real_now
from fairlead.connectors._kit.reading import EMPTY, as_list, as_object
from fairlead.connectors._kit.redact import Redactor
from fairlead.connectors._kit.slots import IDLE_S, Slots
from fairlead.engine.ports.carrier import (
    AuthFailed,
    CallClass,
    CarrierTrouble,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RawReply,
    ReasonCode,
    Refused,
    Unavailable,
)

DEFAULT_RETRY_AFTER: Final = timedelta(seconds=30)  # for a 429 that does not say
LONGEST_RETRY_AFTER: Final = timedelta(hours=1)  # a carrier that says more is asked again after this

_LONGEST_PROSE: Final = 4_096  # bytes of a sentence

# What a refusal means by its status alone; a connector that knows more says more.
REASONS: Final[Mapping[int, ReasonCode]] = {
    400: ReasonCode.INVALID_REQUEST,
    402: ReasonCode.PRECONDITION,
    403: ReasonCode.FORBIDDEN,
    405: ReasonCode.UNSUPPORTED,
    409: ReasonCode.CONFLICT_STATE,
    412: ReasonCode.PRECONDITION,
    415: ReasonCode.INVALID_REQUEST,
    422: ReasonCode.INVALID_REQUEST,
    423: ReasonCode.BUSY,
    428: ReasonCode.PRECONDITION,
}

# The request never reached the carrier as a whole request.
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `changes` decides how its silence is read. It has a JSON body, a form, or neither.

    `_kit/entry.py` adds what proves the sender.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    call_class: CallClass
    changes: bool = False
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict[str, str | Sequence[str]])
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: Mapping[str, object] | Sequence[object] | None = field(default=None, repr=False)
    form: Mapping[str, str | Sequence[str]] | None = field(default=None, repr=False)  # a sequence repeats its name
    accept: str = "application/json"
    prose: bool = False  # its success is a sentence and no JSON, whatever it says of itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A 2xx with its JSON."""

    status: int
    headers: Mapping[str, str]  # lower-case names
    value: object  # parsed JSON, None for an empty body; the text itself where it is `prose`


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """The carrier understood and said no."""

    reason: ReasonCode
    detail: str
    raw: RawReply

    def refused(self, reason: ReasonCode | None = None) -> Refused:
        """The same as the port's outcome, with a better reason where the connector knows one."""
        return Refused(reason=reason or self.reason, detail=self.detail, raw=self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long and how much."""

    connect: timedelta = timedelta(seconds=5)
    total: timedelta = timedelta(seconds=30)  # from the first byte sent to the last one read
    reply_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Arrived:
    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class _Lost:
    sent: bool
    why: str


class Http:
    """One account's HTTP. Ask `call`; what comes back is a `Reply` or a `Denial`, what is raised is of the five."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        auth_url: str = "",
        buckets: AccountBuckets,
        redactor: Redactor,
        bounds: Bounds | None = None,
    ) -> None:
        """`auth_url` is where calls of the class `auth` go, where that is another address."""
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._auth_url = (auth_url or base_url).rstrip("/")
        self._buckets = buckets
        self._redactor = redactor
        self._bounds = bounds or Bounds()

    @property
    def redactor(self) -> Redactor:
        """Where session secrets are made known."""
        return self._redactor

    async def call(self, call: Call) -> Reply | Denial:
        """Send one request within its budget."""
        await self._buckets.take(call.call_class)
        outcome = await self._exchange(call)
        if isinstance(outcome, _Lost):
            raise self._silent(call, outcome.why, sent=outcome.sent)
        return await self._judge(call, outcome)

    def readable(self, answer: Reply | Denial) -> Reply:
        """The reply to a read; a refusal to let us read is `AuthFailed` (403) or `Unavailable`."""
        if isinstance(answer, Reply):
            return answer
        if answer.reason is ReasonCode.FORBIDDEN:
            raise AuthFailed(answer.detail, raw=answer.raw)
        raise Unavailable(answer.detail, raw=answer.raw)

    async def _exchange(self, call: Call) -> _Arrived | _Lost:
        total = self._bounds.total.total_seconds()
        # Well below the total: what runs out before a byte is sent must not look like a lost answer.
        sooner = min(self._bounds.connect.total_seconds(), total / 3)
        request = self._client.build_request(
            call.method,
            (self._auth_url if call.call_class == "auth" else self._base_url) + call.path,
            params=_plain(call.params) or None,
            headers={"accept": call.accept, **call.headers},
            json=call.body,
            data=_plain(call.form) if call.form is not None else None,
            timeout=httpx.Timeout(total, connect=sooner, pool=sooner),
        )
        try:
            async with asyncio.timeout(total):
                response = await self._client.send(request, stream=True, follow_redirects=False)
                try:
                    return await self._collect(response)
                finally:
                    await response.aclose()
        except _NOT_SENT as error:
            return _Lost(sent=False, why=type(error).__name__)
        except (httpx.HTTPError, httpx.StreamError, TimeoutError, OSError) as error:
            return _Lost(sent=True, why=type(error).__name__)

    async def _collect(self, response: httpx.Response) -> _Arrived | _Lost:
        content = bytearray()
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > self._bounds.reply_bytes:
                return _Lost(sent=True, why=f"reply longer than {self._bounds.reply_bytes} bytes")
        headers = {name.lower(): value for name, value in response.headers.items()}
        return _Arrived(response.status_code, headers, bytes(content))

    async def _judge(self, call: Call, arrived: _Arrived) -> Reply | Denial:
        status = arrived.status
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = retry_after(arrived.headers.get("retry-after"), real_now())
            await self._buckets.slowed(call.call_class, wait)
            raise RateLimited(f"{_name(call)}: the carrier asks to slow down", retry_after=wait, raw=self._raw(arrived))
        if status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT or 300 <= status < 400:  # noqa: PLR2004 - HTTP classes
            raise self._silent(call, f"HTTP {status}", sent=True, raw=self._raw(arrived))
        value = _parsed(arrived.content)
        if status >= 400:  # noqa: PLR2004 - HTTP classes
            return self._denied(call, arrived, value)
        if call.prose:
            text = arrived.content[:_LONGEST_PROSE].decode("utf-8", errors="replace")
            return Reply(status=status, headers=arrived.headers, value=text)
        if value is _UNREADABLE:
            raise self._silent(call, f"HTTP {status} whose body is not JSON", sent=True, raw=self._raw(arrived))
        return Reply(status=status, headers=arrived.headers, value=value)

    def _denied(self, call: Call, arrived: _Arrived, value: object) -> Denial:
        code, message = problem_of(value)
        raw = self._raw(arrived, code)
        detail = self._redactor.clean(f"{_name(call)}: {message or f'HTTP {arrived.status}'}")
        if arrived.status == HTTPStatus.UNAUTHORIZED:
            raise AuthFailed(detail, raw=raw)
        if arrived.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
            raise NotFound(detail, raw=raw)
        return Denial(reason=REASONS.get(arrived.status, ReasonCode.UNKNOWN), detail=detail, raw=raw)

    def _silent(self, call: Call, why: str, *, sent: bool, raw: RawReply | None = None) -> CarrierTrouble:
        detail = self._redactor.clean(f"{_name(call)}: {why}")
        if sent and call.changes:
            return OutcomeUnknown(detail, raw=raw)
        return Unavailable(detail, raw=raw)

    def _raw(self, arrived: _Arrived, code: str = "") -> RawReply:
        body = arrived.content[:65_536].decode("utf-8", errors="replace")
        return RawReply(status=arrived.status, code=self._redactor.clean(code), body=self._redactor.clean(body))


_UNREADABLE: Final = object()


def _parsed(content: bytes) -> object:
    if not content.strip():
        return None
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _UNREADABLE


def _plain(pairs: Mapping[str, str | Sequence[str]]) -> dict[str, str | list[str]]:
    return {name: value if isinstance(value, str) else list(value) for name, value in pairs.items()}


def _name(call: Call) -> str:
    return f"{call.method} {call.path}"


def problem_of(value: object) -> tuple[str, str]:
    """Code and message of an error body, in the shapes that carriers use; empty where there are none."""
    body = as_object(value) or EMPTY
    errors = as_list(body.get("errors"))
    inner = as_object(body.get("errorMessage")) or as_object(errors[0] if errors else None) or body
    code = inner.get("code") or inner.get("error_code") or inner.get("errorCode") or ""
    names = ("message", "detail", "title", "error", "errorMessage")
    message = next((inner[name] for name in names if inner.get(name)), "")
    return str(code)[:100], str(message)[:500]


def retry_after(header: str | None, now: datetime) -> timedelta:
    """When to ask again, from a Retry-After (RFC 9110 §10.2.3): seconds or a date; bounded, never negative."""
    text = (header or "").strip()
    if not text:
        return DEFAULT_RETRY_AFTER
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 86_400)), LONGEST_RETRY_AFTER)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return DEFAULT_RETRY_AFTER
    wait = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    return max(timedelta(0), min(wait, LONGEST_RETRY_AFTER))


def new_client(*, connections: int = 20) -> httpx.AsyncClient:
    """A client fit for sharing by all connectors of a process; whoever makes it closes it."""
    trusted = httpx.create_ssl_context(trust_env=False)
    one = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_S)
    slots = Slots(connections, lambda: httpx.AsyncHTTPTransport(verify=trusted, limits=one, trust_env=False))
    return httpx.AsyncClient(transport=slots, follow_redirects=False, trust_env=False)

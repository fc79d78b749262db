"""What stands between the socket and the endpoints: the name, size, depth and shape of what comes in, and headers out.

Plain ASGI, so that it holds for every endpoint, sees a body before anything parses it, and ends a
request that lies about its length. JSON is bounded in depth and read strictly (no NaN, no repeated
key) before the framework sees it; files are only counted as they stream through.
"""

import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.requests import Request

from fairlead.edge.api.problems import Problem, shown, unforeseen
from fairlead.edge.api.site import Site
from fairlead.engine.journal import ORIGIN

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

JSON_LIMIT: Final = 1 << 20
FILE_LIMIT: Final = 1 << 30
FILES: Final = ("/v1/imports",)
HOOKS: Final = "/v1/hooks/"  # nobody signs in there, and what stands behind it in an address is a secret
HOOK_LIMIT: Final = 64 << 10
DEPTH_LIMIT: Final = 32
_URL_LIMIT: Final = 8_192
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[^\[\]{}]+")

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_STRICT: Final = (b"strict-transport-security", b"max-age=31536000")


class Meters:
    """What this door counts of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "fairlead_http_requests", "Requests by method, route and status", ("method", "route", "status"),
            registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "fairlead_http_seconds", "Time to the first byte of the answer", ("method", "route"),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30), registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "fairlead_http_refused", "Requests refused before their body was read", ("why",), registry=registry
        )


class Bounds:
    """The middleware."""

    def __init__(
        self, app: App, *, meters: Meters, site: Site, json_limit: int = JSON_LIMIT, file_limit: int = FILE_LIMIT
    ) -> None:
        self._app = app
        self._site = site
        self._meters = meters
        self._json_limit = json_limit
        self._file_limit = file_limit

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request within bounds."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        before = ORIGIN.set(None)
        try:
            await self._serve(scope, receive, send)
        finally:
            ORIGIN.reset(before)

    async def _serve(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.monotonic()

        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                message["headers"] = _headers(message.get("headers", ()), scope, request_id)
                self._count(scope, message["status"], time.monotonic() - started)
            await send(message)

        try:
            self._site.check_host(scope)
            bounded = await self._bounded(scope, receive)
        except Problem as problem:
            self._meters.refused.labels(problem.kind).inc()
            await problem.response(request_id)(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, bounded, send_with_headers)
        except Exception as error:
            problem = unforeseen(error, path=_tellable(str(scope["path"])), request_id=request_id)
            if begun:  # half an answer is out: only ending the connection can say so
                raise
            await problem.response(request_id)(scope, receive, send_with_headers)

    async def _bounded(self, scope: MutableMapping[str, Any], receive: Receive) -> Receive:
        request = Request(scope)
        if len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"") > _URL_LIMIT:
            raise Problem(414, "uri-too-long", "The address is too long", f"at most {_URL_LIMIT} bytes")
        is_file = str(scope["path"]).startswith(FILES)
        limit = self._file_limit if is_file else self._json_limit
        if str(scope["path"]).startswith(HOOKS):
            limit = min(limit, HOOK_LIMIT)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal():
            raise Problem(400, "bad-request", "The header Content-Length is not a number", shown(length))
        if int(length) > limit:
            raise _too_large(limit)
        if is_file or request.method in {"GET", "HEAD", "DELETE", "OPTIONS"}:
            return _counted(receive, limit)
        body = await _whole(receive, limit)
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media == "application/json" or media.endswith("+json"):
            check_json(body)
        return _replayed(body, receive)

    def _count(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "(none)"
        method = (
            str(scope["method"]) if scope["method"] in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else "other"
        )
        self._meters.requests.labels(method, route, str(status)).inc()
        self._meters.seconds.labels(method, route).observe(seconds)


def check_json(body: bytes) -> None:
    """Raises the 400 problem for JSON that is malformed, too deep, or can be read in two ways."""
    if not body:
        return
    depth = 0
    for bracket in _BRACKETS.sub(b"", _STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_LIMIT:
            raise Problem(400, "json-too-deep", "The JSON is nested too deeply", f"at most {DEPTH_LIMIT} levels")
    try:
        json.loads(body, parse_constant=_no_constant, object_pairs_hook=_no_repeats)
    except UnicodeDecodeError as error:
        raise Problem(400, "malformed-json", "The body is not JSON", f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise Problem(400, "malformed-json", "The body is not JSON", where) from error


def _no_constant(name: str) -> Any:
    raise Problem(400, "malformed-json", "The body is not JSON", f"{name} is not a JSON number")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for position, (key, _) in enumerate(pairs) if key in dict(pairs[:position]))
        raise Problem(400, "malformed-json", "The JSON says something twice", f"the key {shown(twice)!r} is repeated")
    return found


async def _whole(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the caller went away
            return b""
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def once() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return once


def _counted(receive: Receive, limit: int) -> Receive:
    size = 0

    async def counting() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    return counting


def _tellable(path: str) -> str:
    """A path as a log may have it."""
    return f"{HOOKS}…" if path.startswith(HOOKS) else path


def _too_large(limit: int) -> Problem:
    return Problem(413, "too-large", "The body is too large", f"at most {limit} bytes")


def _headers(
    given: list[tuple[bytes, bytes]], scope: MutableMapping[str, Any], request_id: str
) -> list[tuple[bytes, bytes]]:
    names = {name.lower() for name, _ in given}
    ours = [*HEADERS, (b"x-request-id", request_id.encode())]
    if scope.get("scheme") == "https":
        ours.append(_STRICT)
    return [*given, *(header for header in ours if header[0] not in names)]

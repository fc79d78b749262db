"""The one way from the command line to a server: requests, pages, jobs, and what went wrong.

Every command goes through `Client`. It speaks `/v1` with a bearer token, follows cursors, polls
jobs, and turns whatever is not an answer into `Trouble`, which carries the problem document
(RFC 9457) and the exit code. It never prints. Reads, and writes that carry an `Idempotency-Key`, are
sent once more when the connection broke under them; other writes never are.
"""

import json
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, cast

import httpx

Params = Mapping[str, Any]
Body = dict[str, Any]

_TIMEOUT_S: Final = 60.0  # a plan over a large fleet takes its time
_CONNECT_S: Final = 5.0
_PAGE: Final = 1_000  # the most a server gives at once
_FIRST_ERROR: Final = 400
_POLL_S: Final = 0.5


class Exit(IntEnum):
    """What the exit code says (docs/cli.md)."""

    OK = 0
    FAILED = 1  # refused, or it did not come true
    USAGE = 2
    NOT_FOUND = 3
    CONFLICT = 4  # the world is not as you thought: read again
    UNREACHABLE = 5
    UNAUTHORISED = 6


class Trouble(Exception):
    """A command that did not succeed: a problem document and an exit code."""

    def __init__(self, problem: Mapping[str, Any], code: Exit) -> None:
        super().__init__(str(problem.get("title", "")))
        self.problem = dict(problem)
        self.code = code


def trouble(code: Exit, title: str, detail: str = "", **more: Any) -> Trouble:
    """A problem that this side found."""
    kind = code.name.lower().replace("_", "-")
    document: Body = {"type": f"/problems/{kind}", "title": title}
    if detail:
        document["detail"] = detail
    return Trouble(document | more, code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A stretch of a list, as it is printed with --json."""

    items: list[Body]
    next: str | None = None  # where the list goes on
    complete: bool = True  # false where the server's time budget ended first
    more: Body = field(default_factory=dict[str, Any])  # what else the server said, such as a notice

    def document(self) -> Body:
        """The one JSON shape of every list."""
        shown: Body = {"items": self.items, "next": self.next}
        return shown if self.complete else shown | {"complete": False}


class Client:
    """A server, seen by one principal."""

    def __init__(self, url: str, token: str | None, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {"Accept": "application/json", "User-Agent": "fairlead-cli"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        timeout = httpx.Timeout(_TIMEOUT_S, connect=_CONNECT_S)
        self._http = httpx.Client(base_url=self.url, headers=headers, transport=transport, timeout=timeout)

    def get(self, path: str, params: Params | None = None) -> Any:
        """The JSON answer of a read."""
        return self.send("GET", path, params=params)

    def post(self, path: str, body: Any = None, *, once: bool = False) -> Any:
        """The JSON answer of a write; `once` sends a key that makes it safe to repeat."""
        return self.send("POST", path, body=body, key=str(uuid.uuid4()) if once else None)

    def send(
        self, method: str, path: str, *, params: Params | None = None, body: Any = None, key: str | None = None,
        headers: Mapping[str, str] | None = None, content: Iterator[bytes] | None = None,
    ) -> Any:  # fmt: skip
        """The JSON answer, None where there is none; raises `Trouble`."""
        sent = dict(headers or {}) | ({"Idempotency-Key": key} if key else {})
        request = self._http.build_request(
            method, path, params=_given(params), json=body if content is None else None, headers=sent, content=content
        )  # fmt: skip
        response = self._answered(request, again=method == "GET" or key is not None)
        if response.status_code >= _FIRST_ERROR:
            raise _refused(response)
        return response.json() if response.content else None

    def items(
        self, path: str, params: Params | None = None, *, limit: int, everything: bool = False,
        on_page: Callable[[int], None] | None = None,
    ) -> Listing:  # fmt: skip
        """Up to `limit` items of a list, or all of them."""
        found: list[Body] = []
        cursor: str | None = None
        while True:
            wanted = _PAGE if everything else min(_PAGE, limit - len(found))
            page = self.get(path, dict(params or {}) | {"limit": wanted, "cursor": cursor})
            if isinstance(page, list):  # short lists come whole
                whole = cast("list[Body]", page)
                return Listing(items=whole if everything else whole[:limit])
            body = cast("Body", page)
            found += body["items"]
            cursor = body.get("next")
            if on_page is not None:
                on_page(len(found))
            if cursor is None or (not everything and len(found) >= limit):
                more = {name: value for name, value in body.items() if name not in {"items", "next", "complete"}}
                return Listing(items=found, next=cursor, complete=bool(body.get("complete", True)), more=more)

    def job(
        self, job: str, *, sleep: Callable[[float], None], on_progress: Callable[[Body], None] | None = None
    ) -> Body:
        """Long work, once it has ended; raises `Trouble` where it failed."""
        while True:
            found = cast("Body", self.get(f"/v1/jobs/{job}"))
            if on_progress is not None:
                on_progress(found)
            match found["state"]:
                case "running":
                    sleep(_POLL_S)
                case "done":
                    return found
                case _:
                    result = cast("Body", found.get("result") or {})
                    faults = cast("Sequence[Body]", result.get("faults", []))
                    detail = str(found.get("attention") or "it said no more")
                    title = f"The job {found['kind']!r} {found['state']}"
                    raise trouble(Exit.FAILED, title, detail, errors=list(faults), job=job)

    @contextmanager
    def stream(
        self, path: str, params: Params | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Generator[Iterator[bytes]]:
        """The bytes of a large answer, as they come."""
        try:
            with self._http.stream("GET", path, params=_given(params), headers=headers) as response:
                if response.status_code >= _FIRST_ERROR:
                    response.read()
                    raise _refused(response)
                yield response.iter_bytes()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def adopt(self, csrf: str | None) -> None:
        """Go on with the browser session that the last answer opened."""
        if csrf:
            self._http.headers["X-CSRF-Token"] = csrf

    def _answered(self, request: httpx.Request, *, again: bool) -> httpx.Response:
        try:
            return self._http.send(request)
        except (httpx.ReadError, httpx.RemoteProtocolError) as error:
            if not again:
                raise self._unreachable(error) from error
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        try:
            return self._http.send(request)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Trouble:
        late = isinstance(error, httpx.ReadTimeout)
        title = "The server did not answer in time" if late else "The server is out of reach"
        return trouble(Exit.UNREACHABLE, title, f"{self.url}: {error or type(error).__name__}")


def _given(params: Params | None) -> dict[str, Any]:
    return {name: value for name, value in (params or {}).items() if value is not None}


_CODES: Final[Mapping[int, Exit]] = {
    401: Exit.UNAUTHORISED, 403: Exit.UNAUTHORISED, 404: Exit.NOT_FOUND, 409: Exit.CONFLICT, 412: Exit.CONFLICT,
    502: Exit.UNREACHABLE, 503: Exit.UNREACHABLE, 504: Exit.UNREACHABLE,
}  # fmt: skip


def _refused(response: httpx.Response) -> Trouble:
    code = _CODES.get(response.status_code, Exit.FAILED)
    try:
        problem: Any = json.loads(response.content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict) or "title" not in problem:
        detail = f"{response.request.method} {response.request.url.path} answered {response.status_code}"
        return trouble(code, "The server answered something unexpected", detail, status=response.status_code)
    return Trouble(cast("Body", problem), code)

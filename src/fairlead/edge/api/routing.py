"""How routers of this door are made, so that every endpoint documents its problems and repeats safely.

`router(...)` gives a router whose writing endpoints honour `Idempotency-Key`: the first answer is
kept for 24 hours with a hash of the request, the same request gets it again, another request under
the same key gets 422. Endpoints whose answer carries a secret are made with `secrets=True`: their
answers are kept nowhere, and the key is refused there rather than silently ignored.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum
from typing import Any, Final, Protocol

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response, StreamingResponse

from fairlead.edge.api.door import SAFE, caller_of, now_of, services
from fairlead.edge.api.problems import MEDIA_TYPE, Problem, ProblemDocument, from_validation, invalid
from fairlead.engine.ports.jobs import Kept
from fairlead.model.ids import TenantId

KEY_HEADER: Final = "idempotency-key"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_UNKEPT: Final = frozenset({401, 403, 409, 429})  # may differ when tried again

Handler = Callable[[Request], Awaitable[Response]]


class Repeats(Protocol):
    """Keeps answers by key; `store.jobs.RepeatStore` is one."""

    async def begin(self, tenant: TenantId, key: str, request_hash: bytes, *, now: datetime) -> Kept | None:
        """Take the key for this request, or give what is kept under it."""
        ...

    async def finish(self, tenant: TenantId, key: str, *, status: int, body: bytes, media_type: str) -> None:
        """Keep the answer."""
        ...

    async def drop(self, tenant: TenantId, key: str) -> None:
        """Give the key back: the request failed in a way that may pass."""
        ...


class RepeatableRoute(APIRoute):
    """A route that answers a repeated request once."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The framework's handler behind the check."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get(KEY_HEADER)
            if key is None or request.method in SAFE:
                return await handler(request)
            if not _KEY.fullmatch(key):
                raise invalid("Idempotency-Key", key, "1 to 128 visible ASCII characters")
            return await _once(handler, request, key)

        return handle


class SecretRoute(APIRoute):
    """A route whose answer is kept nowhere."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """The framework's handler, for requests without a key."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if request.headers.get(KEY_HEADER) is not None and request.method not in SAFE:
                raise Problem(
                    400, "not-repeatable", "This answer is not kept",
                    "it carries a secret or takes a file: send it without Idempotency-Key",
                )  # fmt: skip
            return await handler(request)

        return handle


async def _once(handler: Handler, request: Request, key: str) -> Response:
    caller = await caller_of(request)
    repeats = services(request).of(Repeats)
    held = f"{caller.actor}:{key}"
    kept = await repeats.begin(caller.tenant, held, await _hash(request), now=now_of(request))
    if kept is not None:
        return _again(kept)
    try:
        response = await _answer(handler, request)
    except BaseException:
        await repeats.drop(caller.tenant, held)
        raise
    if response.status_code >= 500 or response.status_code in _UNKEPT or isinstance(response, StreamingResponse):  # noqa: PLR2004
        await repeats.drop(caller.tenant, held)
    else:
        media = response.headers.get("content-type", "")
        body = bytes(response.body)
        await repeats.finish(caller.tenant, held, status=response.status_code, body=body, media_type=media)
    return response


async def _answer(handler: Handler, request: Request) -> Response:
    request_id = getattr(request.state, "request_id", None)
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response(request_id)
    except RequestValidationError as error:
        return from_validation(error).response(request_id)


async def _hash(request: Request) -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(request.headers.get("if-match", "").encode() + b"\n")
    digest.update(await request.body())
    return digest.digest()


def _again(kept: Kept) -> Response:
    if not kept.same:
        raise Problem(
            422, "key-reused", "This Idempotency-Key belongs to another request", "use a new key for a new request"
        )
    if kept.status is None:
        raise Problem(409, "in-progress", "The first request with this key is still running", "ask again in a moment")
    return Response(
        kept.body, status_code=kept.status, media_type=kept.media_type or None, headers={"Idempotent-Replay": "true"}
    )


def _problem_response(description: str) -> dict[str, Any]:
    return {"description": description, "model": ProblemDocument, "content": {MEDIA_TYPE: {}}}


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    401: _problem_response("Not signed in"),
    403: _problem_response("Not permitted"),
    422: _problem_response("Not as expected; `errors` names each field, its value and what was expected"),
}


def router(prefix: str, tag: str, *, secrets: bool = False) -> APIRouter:
    """A router under `prefix` whose endpoints carry one tag."""
    tags: list[str | Enum] = [tag]
    return APIRouter(
        prefix=prefix, tags=tags, route_class=SecretRoute if secrets else RepeatableRoute, responses=PROBLEMS
    )

"""A carrier that speaks Soracom's contract over the simulated world, as a real HTTP server.

It is strict where the vendor is (tokens end, termination is protected, standby depends on the
plan, budgets run out) and wrong only where a fault says so. It counts what it executed, so a test
can prove that nothing was done twice. It is steered by Python calls on the world and on this
object, never by HTTP. The contract names no error codes; those here are the fake's own, and a
connector that leans on them would fail at the vendor.
"""

import asyncio
import secrets
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers import soracom_words as words
from fairlead_sim.carriers.serving import drop
from fairlead_sim.carriers.throttle import Throttle
from fairlead_sim.world.faults import Fault, Kind
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState

_LONGEST_TOKEN_S: Final = 172_800
_PLANS: Final = frozenset({"planP1", "planX1", "planX2", "planX3", "plan-US-max"})
_PAGE: Final = 100
_CHANGES: Final[dict[str, SimState]] = {
    "activate": "active",
    "suspend": "suspended",
    "deactivate": "deactivated",
    "set_to_standby": "standby",
    "terminate": "terminated",
}


class _AuthRequest(msgspec.Struct):
    authKeyId: str = ""  # noqa: N815 - the contract's own name
    authKey: str = ""  # noqa: N815
    tokenTimeoutSeconds: int = 86_400  # noqa: N815


class _GroupRequest(msgspec.Struct):
    groupId: str  # noqa: N815


class _AddRequest(msgspec.Struct):
    subscription: str
    type: str = "cellular"
    enable: bool = True


class _Problem(Exception):
    """An answer that says no."""

    def __init__(self, status: int, code: str, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


_LOST: Final = "fairlead.lost"  # set in a request's scope: its answer never leaves


class _Silence(Response):
    """No answer at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        scope[_LOST] = True


Handler = Callable[[Request], Awaitable[Response]]


class SoracomFake:
    """One operator account."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        auth_key_id: str,
        auth_key: str,
        per_second: float = 1000.0,
        burst: int = 1000,
        longest_token: timedelta = timedelta(seconds=_LONGEST_TOKEN_S),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`per_second` and `burst` are the account's budget; tokens and budget live in real time."""
        self.world = world
        self.carrier = world.carriers[carrier]
        self.operator = f"OP{carrier.upper():0<10}"[:12]
        self.throttle = Throttle(per_second=per_second, burst=burst, monotonic=monotonic)
        self.groups: dict[str, str] = {}
        self.executed: Counter[tuple[str, str]] = Counter()  # (verb, SIM id): changes carried out
        self.requests: Counter[str] = Counter()  # by verb; reads as list, get, events, stats, groups
        self.logins = 0
        self._credential = (auth_key_id, auth_key)
        self._longest_token = longest_token.total_seconds()
        self._monotonic = monotonic
        self._order: list[str] = []
        self._tokens: dict[tuple[str, str], float] = {}
        self.app = Starlette(routes=self._routes())

    def add_group(self, name: str) -> str:
        """A group to put SIMs into; gives its id."""
        group = f"{len(self.groups) + 1:08x}-0000-4000-8000-{self.operator.lower():0>12}"
        self.groups[group] = name
        return group

    def expire_tokens(self) -> None:
        """End all tokens now."""
        self._tokens.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application, with the one thing Starlette cannot do: not answering."""
        await self.app(scope, receive, send)
        if scope.get(_LOST):
            await drop(send)

    def _routes(self) -> list[Route]:
        one = "/sims/{sim}"
        profile = one + "/profiles/{iccid}"
        routes = [
            Route("/auth", self._plain(self._auth), methods=["POST"]),
            Route("/sims", self._plain(self._guarded("list", self._list)), methods=["GET"]),
            Route(one, self._plain(self._guarded("get", self._get)), methods=["GET"]),
            Route(one + "/events/sessions", self._plain(self._guarded("events", self._events)), methods=["GET"]),
            Route("/stats/air/sims/{sim}", self._plain(self._guarded("stats", self._stats)), methods=["GET"]),
            Route("/groups", self._plain(self._guarded("groups", self._groups)), methods=["GET"]),
        ]
        changes = {
            **{one + "/" + action: action for action in _CHANGES},
            one + "/enable_termination": "enable_termination",
            one + "/disable_termination": "disable_termination",
            one + "/set_group": "set_group",
            one + "/unset_group": "unset_group",
            profile + "/add_subscription": "add_subscription",
            profile + "/subscribers/{imsi}/cancel_download": "cancel_download",
        }
        for path, verb in changes.items():
            routes.append(Route(path, self._plain(self._guarded(verb, self._change(verb))), methods=["POST"]))
        return routes

    # --- at the door

    def _plain(self, handler: Handler) -> Handler:
        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except _Problem as problem:
                headers = {"retry-after": str(problem.retry_after_s)} if problem.retry_after_s is not None else None
                body = {"code": problem.code, "message": problem.message}
                return _json(body, status=problem.status, headers=headers)

        return answered

    def _guarded(self, verb: str, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            self.requests[verb] += 1
            self._budget(verb)
            pair = (request.headers.get("x-soracom-api-key", ""), request.headers.get("x-soracom-token", ""))
            if self._tokens.get(pair, 0.0) <= self._monotonic():
                raise _Problem(401, "AUM0003", "Authentication failed.")
            slow = self._meets("slow", request, verb)
            if slow is not None:
                await asyncio.sleep(slow.delay_s)
            if self._meets("api_down", request, verb) is not None:
                raise _Problem(503, "COM0503", "Service unavailable.")
            return await handler(request)

        return guarded

    def _budget(self, verb: str) -> None:
        storm = self.world.faults.meets("storm", self.carrier.id, key=verb, country=None, verb=verb)
        if storm is not None:
            raise _Problem(429, "COM0429", "Too many requests.", storm.retry_after_s)
        wait = self.throttle.wait()
        if wait > 0:
            raise _Problem(429, "COM0429", "Too many requests.", ceil(wait))

    def _meets(self, kind: Kind, request: Request, verb: str) -> Fault | None:
        sim = self.carrier.sims.get(str(request.path_params.get("sim", "")))
        country = self.world.country_of(sim) if sim is not None else None
        key = sim.iccid if sim is not None else verb
        return self.world.faults.meets(kind, self.carrier.id, key=key, country=country, verb=verb)

    async def _auth(self, request: Request) -> Response:
        self.requests["auth"] += 1
        self._budget("auth")
        asked = await _body(request, _AuthRequest)
        if (asked.authKeyId, asked.authKey) != self._credential:
            raise _Problem(401, "AUM0001", "Authentication failed.")
        self.logins += 1
        pair = (f"api-{secrets.token_hex(16)}", secrets.token_urlsafe(48))
        lifetime = min(float(asked.tokenTimeoutSeconds), self._longest_token)
        self._tokens[pair] = self._monotonic() + lifetime
        return _json({"apiKey": pair[0], "token": pair[1], "operatorId": self.operator})

    # --- reads

    async def _list(self, request: Request) -> Response:
        if len(self._order) != len(self.carrier.sims):
            self._order = sorted(self.carrier.sims)
        page, following = _slice(self._order, request)
        now = self.world.clock()
        bodies = [self._body(self.carrier.sims[key], now) for key in page]
        return _json(bodies, headers=_next(following, request))

    async def _get(self, request: Request) -> Response:
        return _json(self._body(self._sim(request), self.world.clock()))

    async def _events(self, request: Request) -> Response:
        sim = self._sim(request)
        known_at = words.millis(self.world.clock() - self.carrier.lag)
        since, until = _number(request, "from", 0), _number(request, "to", known_at)
        found = [event for event in reversed(sim.events) if since <= words.millis(event.at) <= min(until, known_at)]
        keyed = {f"{number:06}": event for number, event in enumerate(found)}
        page, following = _slice(list(keyed), request)
        bodies = [words.event_body(keyed[key], sim, self.operator) for key in page]
        return _json(bodies, headers=_next(following, request))

    async def _stats(self, request: Request) -> Response:
        sim = self._sim(request)
        period = request.query_params.get("period", "")
        if period not in {"month", "day", "minutes"}:
            raise _Problem(400, "COM0400", "period is required.")
        since, until = (datetime.fromtimestamp(_number(request, name, -1), UTC) for name in ("from", "to"))
        return _json(words.stats_body(sim, since=since, until=until, period=period))

    async def _groups(self, request: Request) -> Response:
        page, following = _slice(sorted(self.groups), request)
        bodies = [
            {"groupId": key, "operatorId": self.operator, "configuration": {}, "tags": {"name": self.groups[key]}}
            for key in page
        ]
        return _json(bodies, headers=_next(following, request))

    # --- changes

    def _change(self, verb: str) -> Handler:
        async def change(request: Request) -> Response:
            sim = self._sim(request)
            refusal = self._meets("refuse", request, verb)
            if refusal is not None:
                raise _Problem(refusal.status, refusal.code, refusal.message)
            broken = self._meets("server_error", request, verb)
            if broken is not None and not broken.applied:
                raise _Problem(500, "COM0500", "Internal error.")
            body = await self._execute(verb, sim, request)
            self.executed[verb, sim.iccid] += 1
            if broken is not None:
                raise _Problem(500, "COM0500", "Internal error.")
            if self._meets("lose_reply", request, verb) is not None:
                return _Silence()
            return _json(body)

        return change

    async def _execute(self, verb: str, sim: Sim, request: Request) -> words.Body:
        if verb in _CHANGES:
            self._set_state(verb, sim)
        elif verb in {"enable_termination", "disable_termination"}:
            sim.termination_enabled = verb == "enable_termination"
        elif verb == "set_group":
            group = (await _body(request, _GroupRequest)).groupId
            if group not in self.groups:
                raise _Problem(404, "GRP0404", "No such group.")
            sim.group = group
        elif verb == "unset_group":
            sim.group = ""
        elif verb == "add_subscription":
            return await self._add(sim, request)
        else:
            return self._cancel(sim, request)
        return self._body(sim, self.world.clock())

    def _set_state(self, verb: str, sim: Sim) -> None:
        if sim.state == "terminated":
            raise _Problem(400, "SIMX0410", "The SIM is terminated.")
        if verb == "terminate" and not sim.termination_enabled:
            raise _Problem(400, "SIMX0412", "Termination protection is on.")
        if verb == "set_to_standby" and sim.plan not in self.carrier.standby_plans:
            raise _Problem(400, "SIMX0405", "The SIM does not support standby.")
        self.world.set_state(sim.iccid, _CHANGES[verb])

    async def _add(self, sim: Sim, request: Request) -> words.Body:
        asked = await _body(request, _AddRequest)
        if request.path_params["iccid"] != sim.iccid:
            raise _Problem(404, "SIMX0404", "No such profile.")
        if sim.plan != "plan01s" or asked.subscription not in _PLANS:
            raise _Problem(400, "SIMX0415", "This subscription cannot be added to this SIM.")
        self.world.order_further(sim.iccid, asked.subscription)
        return words.profile_body(sim, self.carrier, self.world.clock())

    def _cancel(self, sim: Sim, request: Request) -> words.Body:
        further = sim.further.get(str(request.path_params["imsi"]))
        if further is None or request.path_params["iccid"] != sim.iccid:
            raise _Problem(404, "SIMX0404", "No such subscription.")
        if further.began_at is not None:
            raise _Problem(400, "SIMX0409", "The delivery has begun.")
        further.ended = True
        return words.containers_body(sim)

    # --- shared

    def _sim(self, request: Request) -> Sim:
        sim = self.carrier.sims.get(str(request.path_params["sim"]))
        if sim is None:
            raise _Problem(404, "SIMX0404", "No such SIM.")
        return sim

    def _body(self, sim: Sim, now: datetime) -> words.Body:
        return words.sim_body(sim, self.carrier, self.operator, now)


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = msgspec.json.encode(body)
    return Response(content, status_code=status, headers=headers, media_type="application/json")


_T = TypeVar("_T")


async def _body(request: Request, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise _Problem(400, "COM0400", f"Malformed request: {error}") from error


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None and default >= 0:
        return default
    try:
        return int(text or "")
    except ValueError:
        raise _Problem(400, "COM0400", f"{name} must be a number.") from None


def _slice(keys: list[str], request: Request) -> tuple[list[str], str | None]:
    limit = max(1, min(_number(request, "limit", _PAGE), _PAGE))
    after = request.query_params.get("last_evaluated_key", "")
    start = bisect_right(keys, after)
    page = keys[start : start + limit]
    return page, page[-1] if len(keys) > start + limit else None


def _next(following: str | None, request: Request) -> dict[str, str] | None:
    if following is None:
        return None
    link = request.url.include_query_params(last_evaluated_key=following)
    return {"x-soracom-next-key": following, "link": f"<{link.path}?{link.query}>; rel=next"}

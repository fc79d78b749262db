"""A carrier that speaks 1NCE's contract, v1 or v2, over the simulated world, as a real HTTP server.

Strict where the vendor is: ten requests a second for each customer, tokens of an hour, changes that
an expired SIM refuses, a lock to the device in use only, ceilings out of a list and for the whole
account. Nasty where the contract lets it be: what a change in v1 leaves out falls to its default, so
a lock is lost; one expired SIM spoils a list. And late where it says so: resets and lists are queued.
"""

import secrets
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers import onence_words as words
from fairlead_sim.carriers.desk import Desk, Handler, Refusal
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState

_T = TypeVar("_T")
_STATES: Final[dict[str, SimState]] = {"Enabled": "active", "Disabled": "suspended"}
_TOKEN_S: Final = 3600
_TERM: Final = timedelta(days=3652)
_SMS_LIVES: Final = timedelta(days=1)
_CEILINGS_MB: Final = (1, 2, 5, 10, 16, 25, 50, 100, 500)
_LARGEST_PAGE: Final = {"sims": 100, "events": 1000}
_EXPIRED: Final = "The following SIMs are expired and cannot be modified via API. Only extensions are permitted: "


class OnenceFake:
    """One account."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        username: str,
        password: str,
        version: words.Version = "v1",
        per_second: float = 10.0,
        burst: int = 10,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`per_second` and `burst` are the customer's budget; tokens and budget live in real time."""
        self.world = world
        self.carrier = world.carriers[carrier]
        self.version: words.Version = version
        self.desk = Desk(
            world, carrier, door=self._door, sim=self._named, no=self._no,
            per_second=per_second, burst=burst, monotonic=monotonic,
        )  # fmt: skip
        self.throttle = self.desk.throttle
        self.executed = self.desk.executed
        self.requests = self.desk.requests
        self.queue_takes = timedelta(seconds=10)  # a reset, and a list
        self.ceiling = 0  # its number in the list; 0: none was ever set
        self.ends: dict[str, datetime] = {}  # ICCID → end of its term, where not ten years from its beginning
        self.messages: list[tuple[Sim, str, datetime, bool]] = []  # SIM, text, when, delivered at once
        self._basic = "Basic " + b64encode(f"{username}:{password}".encode()).decode()
        self._known: dict[str, Sim] = {}
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def expire(self, iccid: str) -> None:
        """End a SIM's term now: it carries nothing and takes no change, until somebody pays."""
        self.ends[iccid] = self.world.clock()
        self.world.sim(iccid).limit_bytes = 0
        self.world.reset_connection(iccid)

    def _routes(self) -> list[Route]:
        desk, root = self.desk, f"/{self.version}/sims"
        one = root + "/{sim}"
        routes = [
            Route("/oauth/token", desk.welcome(self._token), methods=["POST"]),
            Route(root, desk.read("list", self._list), methods=["GET"]),
            Route(one + "/quota/data", desk.read("quota", self._quota), methods=["GET"]),
            Route(one + "/status", desk.read("status", self._status), methods=["GET"]),
            Route(one + "/events", desk.read("events", self._events), methods=["GET"]),
            Route(one + "/reset", desk.change("reset", self._reset), methods=["POST"]),
            Route(one + "/sms", desk.change("sms", self._send_sms), methods=["POST"]),
        ]
        if self.version == "v1":
            routes += [
                Route(root, desk.change("update_many", self._update_many), methods=["POST"]),
                Route(root + "/limits", desk.read("limits", self._limits), methods=["GET"]),
                Route(root + "/limits", desk.change("set_limits", self._set_limits), methods=["POST"]),
                Route(root + "/data/limits", desk.read("ceilings", self._ceilings), methods=["GET"]),
                Route(one + "/usage", desk.read("usage", self._usage), methods=["GET"]),
            ]
        else:
            routes.append(Route(one + "/sms/{message}", desk.read("get_sms", self._get_sms), methods=["GET"]))
        routes.append(Route(one, desk.read("get", self._get), methods=["GET"]))
        routes.append(Route(one, self._sorted_update(), methods=["PUT"]))
        return routes

    # --- at the door

    def _no(self, refusal: Refusal) -> Response:
        message = refusal.message or {"unknown": "Element not found"}.get(refusal.why, refusal.why)
        body: words.Body
        if self.version == "v2" and refusal.why != "unauthenticated":
            code = refusal.code or "1000"
            body = {"error_code": int(code) if code.isdigit() else code, "error_token": refusal.why, "message": message}
        else:
            body = {"statusCode": refusal.status, "errorCode": refusal.code or refusal.why, "message": message}
        return _json(body, status=refusal.status, headers=dict(refusal.headers))

    async def _token(self, request: Request) -> Response:
        if (await _body(request, dict[str, Any])).get("grant_type") != "client_credentials":
            raise Refusal("malformed", 400, code="BodyValidationError")
        if request.headers.get("authorization", "") != self._basic:
            raise Refusal("unauthenticated", 400, code="BadCredentials", message="User does not exist.")
        self.desk.logins += 1
        token = secrets.token_urlsafe(32)
        self.desk.tokens.issue(token, _TOKEN_S)
        return _json(
            {
                "status_code": 200,
                "access_token": token,
                "token_type": "bearer",
                "expires_in": _TOKEN_S,
                "userId": "user",
                "scope": "all",
            }
        )

    def _door(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.desk.tokens.valid(token):
            raise Refusal("unauthenticated", 401)

    def _mine(self) -> dict[str, Sim]:
        if len(self._known) != len(self.carrier.sims):
            self._known = {words.key_of(iccid): sim for iccid, sim in self.carrier.sims.items()}
        return self._known

    def _named(self, request: Request) -> Sim | None:
        return self._mine().get(str(request.path_params.get("sim", "")))

    def _sim(self, request: Request) -> Sim:
        sim = self._named(request)
        if sim is None:
            raise Refusal("unknown", 404)
        return sim

    # --- reads

    async def _list(self, request: Request) -> Response:
        known = self._mine()
        lines, headers = _page(sorted(known), request, "sims")
        return _json([self._body(known[key]) for key in lines], headers=headers)

    async def _get(self, request: Request) -> Response:
        return _json(self._body(self._sim(request)))

    def _body(self, sim: Sim) -> words.Body:
        event = sim.seen_by(self.world.clock() - self.carrier.lag)
        imei = event.session.imei if event is not None else ""
        return words.sim_body(sim, self.world.shown(sim.iccid, verb="get"), imei, self._spent(sim))

    def _spent(self, sim: Sim) -> int:
        return sum(sum(two) for two in self._days(sim).values())

    def _days(self, sim: Sim) -> dict[str, tuple[int, int]]:
        known_at = self.world.clock() - self.carrier.usage_lag if self.carrier.usage_lag else None
        return {day.isoformat(): two for day, two in sim.days(known_at).items()}

    def _end_of(self, sim: Sim) -> datetime:
        return self.ends.get(sim.iccid, sim.created_at + _TERM)

    def _expired(self, sim: Sim) -> bool:
        return self._end_of(sim) <= self.world.clock()

    async def _quota(self, request: Request) -> Response:
        sim = self._sim(request)
        return _json(words.quota_body(self._spent(sim), self._end_of(sim), self.world.clock(), self.version))

    async def _status(self, request: Request) -> Response:
        sim = self._sim(request)
        now, blocked = self.world.clock(), self._expired(sim)
        return _json(words.status_body(sim, self.carrier, now, blocked=blocked, version=self.version))

    async def _events(self, request: Request) -> Response:
        sim, known_at = self._sim(request), self.world.clock() - self.carrier.lag
        seen = [event for event in reversed(sim.events) if event.at <= known_at]
        lines, headers = _page(seen, request, "events")
        bodies = [words.event_body(event, sim, self.version) for event in lines]
        if self.version == "v2":
            return _json(bodies)  # v2 declares no headers here
        total = {"totalEvents": len(seen), "totalPages": int(headers["X-Total-Pages"])}
        return _json({"events": bodies, **total}, headers=headers)

    async def _usage(self, request: Request) -> Response:
        sim, asked = self._sim(request), request.query_params
        since, until = asked.get("start_dt", ""), asked.get("end_dt", "9999")
        oldest = (self.world.clock() - timedelta(days=183)).date().isoformat()
        days = {day: two for day, two in self._days(sim).items() if max(since, oldest) <= day <= until}
        return _json(words.usage_body(days))

    async def _get_sms(self, request: Request) -> Response:
        sim, text = self._sim(request), str(request.path_params["message"])
        number = int(text) if text.isdigit() else 0
        if not 1 <= number <= len(self.messages) or self.messages[number - 1][0] is not sim:
            raise Refusal("unknown", 404)
        _, said, at, delivered = self.messages[number - 1]
        late = self.world.clock() - at >= _SMS_LIVES
        word = "DELIVERED" if delivered or sim.session is not None else "EXPIRED" if late else "PENDING"
        return _json(words.sms_body(number, sim, said, at, word))

    # --- changes of a SIM

    def _sorted_update(self) -> Handler:
        """One path for all changes: told apart by what would change, so that faults can be given to one of them."""
        doors = {verb: self.desk.change(verb, self._update) for verb in ("enable", "disable", "lock")}

        async def update(request: Request) -> Response:
            sim = self._named(request)
            try:
                asked = msgspec.json.decode(await request.body(), type=dict[str, Any])
            except msgspec.DecodeError:
                asked = {}
            word = asked.get("status")
            if sim is None or word is None or word == words.word_of(sim.standing()):
                return await doors["lock" if "imei_lock" in asked else "enable"](request)
            return await doors["enable" if word == "Enabled" else "disable"](request)

        return update

    async def _update(self, request: Request) -> Response:
        sim, asked = self._sim(request), await _body(request, dict[str, Any])
        self._allow([sim])
        if self.version == "v1" and (asked.get("iccid") != words.key_of(sim.iccid) or "status" not in asked):
            raise Refusal("malformed", 400, message="iccid and status are required.")
        self._apply(sim, asked)
        return Response(status_code=200)

    def _allow(self, sims: list[Sim]) -> None:
        over = [words.key_of(sim.iccid) for sim in sims if self._expired(sim)]
        if over:
            raise Refusal("rule", 422 if self.version == "v1" else 409, message=_EXPIRED + ", ".join(over))

    def _apply(self, sim: Sim, asked: dict[str, Any]) -> None:
        lock = asked.get("imei_lock", False if self.version == "v1" else None)
        event = sim.seen_by(self.world.clock())
        if lock and not sim.imei_lock and event is None:
            raise Refusal("rule", 409, message="The SIM has not been in any device.")
        if lock is not None:
            sim.imei_lock = (sim.imei_lock or (event.session.imei if event is not None else "")) if lock else ""
        word = str(asked.get("status", words.word_of(sim.standing())))
        if word not in _STATES:
            raise Refusal("malformed", 400, message="status is Enabled or Disabled.")
        if word != words.word_of(sim.standing()):
            self.world.set_state(sim.iccid, _STATES[word])

    async def _update_many(self, request: Request) -> Response:
        asked = await _body(request, list[dict[str, Any]])
        found = [self._mine().get(str(one.get("iccid"))) for one in asked]
        sims = [sim for sim in found if sim is not None]
        if len(sims) != len(asked):
            raise Refusal("unknown", 404)
        self._allow(sims)

        def run(at: datetime) -> None:  # noqa: ARG001 - the world tells when it was due
            for sim, one in zip(sims, asked, strict=True):
                self._apply(sim, one)
                self.desk.count("update_many", sim)

        self.world.after(self.queue_takes, run)
        return Response(status_code=201)

    async def _reset(self, request: Request) -> Response:
        sim = self._sim(request)
        self._allow([sim])
        self.world.after(self.queue_takes, lambda at: _ignore(self.world.reset_connection(sim.iccid), at))
        return Response(status_code=201)

    async def _send_sms(self, request: Request) -> Response:
        sim, asked = self._sim(request), await _body(request, dict[str, Any])
        text = str(asked.get("payload") or "")
        if not text:
            raise Refusal("malformed", 400, message="A message has a payload.")
        self._allow([sim])
        now = self.world.clock()
        sim.messages.append((now, text))
        self.messages.append((sim, text, now, sim.session is not None))
        return _json({"id": str(len(self.messages))}, status=201) if self.version == "v2" else Response(status_code=201)

    # --- ceilings of the account

    async def _limits(self, request: Request) -> Response:  # noqa: ARG002 - a handler like any other
        return _json({"data": self._ceiling_body(self.ceiling)} if self.ceiling else {})

    async def _ceilings(self, request: Request) -> Response:  # noqa: ARG002 - a handler like any other
        return _json([self._ceiling_body(number) for number in range(1, len(_CEILINGS_MB) + 1)])

    def _ceiling_body(self, number: int) -> words.Body:
        return words.limit_body(number, _CEILINGS_MB[number - 1])

    async def _set_limits(self, request: Request) -> Response:
        number = (await _body(request, dict[str, Any])).get("dataLimitId")
        if not isinstance(number, int) or not 1 <= number <= len(_CEILINGS_MB):
            raise Refusal("malformed", 400, message="dataLimitId is none of the list.")
        self.ceiling = number
        for sim in self.carrier.sims.values():
            if not self._expired(sim):
                sim.limit_bytes = _CEILINGS_MB[number - 1] * words.MEGABYTE
                self.desk.count("set_limits", sim)
        return Response(status_code=201)


def _ignore(done: bool, at: datetime) -> None:  # noqa: FBT001, ARG001 - what a reset gave is nobody's business
    return None


def _page(lines: list[_T], request: Request, what: str) -> tuple[list[_T], dict[str, str]]:
    number, size = _number(request, "page", 1), _number(request, "pageSize", 10)
    if size > _LARGEST_PAGE[what]:
        raise Refusal("malformed", 400, message=f"pageSize is at most {_LARGEST_PAGE[what]}.")
    start = (number - 1) * size
    page = lines[start : start + size]
    return page, {
        "X-Count-Per-Page": str(size),
        "X-Current-Page": str(number),
        "X-Total-Count": str(len(lines)),
        "X-Total-Pages": str(-(-len(lines) // size)),
    }


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise Refusal("malformed", 400, message=f"{name} must be a number from 1.")
    return int(text)


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/json")


async def _body(request: Request, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise Refusal("malformed", 400, message=f"Malformed request: {error}") from error

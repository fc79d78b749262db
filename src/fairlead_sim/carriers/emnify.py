"""A carrier that speaks emnify's contract over the simulated world, as a real HTTP server.

SIMs and endpoints are two things: a SIM has a status, an endpoint a profile, a quota, a block list
and a lock. It is strict where the vendor is: only some changes of status are taken, a SIM with an
endpoint is not deleted, and where the service profile applies quotas an endpoint without one gets
no data. It lies only as documented: `connectivity_info` answers 200 with the failure inside.

SIMs in a device have an endpoint by themselves, with a large quota; `assign` and `release` do it by hand.
"""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import date, datetime
from secrets import token_hex
from typing import Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers import emnify_words as words
from fairlead_sim.carriers.desk import Desk, Handler, Refusal, Why
from fairlead_sim.world.atlas import NETWORKS
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, Steering

_FIRST_SIM: Final = 1_000
_FIRST_ENDPOINT: Final = 500_000
_TOKEN_S: Final = 14_400.0
_LONGEST_PAGE: Final = 2_500
_AMPLE_MB: Final = 1_000_000.0
_PROFILE: Final = 11
_LONGEST_TEXT: Final = {0: 160, 8: 70}


class _Login(msgspec.Struct):
    application_token: str = ""


class _Id(msgspec.Struct):
    id: int


class _SimChange(msgspec.Struct, forbid_unknown_fields=True):
    status: _Id | None = None


class _EndpointChange(msgspec.Struct, forbid_unknown_fields=True):
    imei_lock: bool


class _Word(msgspec.Struct):
    id: str


class _QuotaRequest(msgspec.Struct, forbid_unknown_fields=True):
    status: _Word
    volume: float
    expiry_date: str
    action_on_exhaustion: _Word
    auto_refill: int = 0


class _Sms(msgspec.Struct, forbid_unknown_fields=True):
    payload: str
    dcs: int = 0


_SAYS: Final[dict[Why, tuple[int, str]]] = {
    "too_fast": (429, "Too many requests"),
    "away": (503, "Unavailable"),
    "broken": (500, "Internal error"),
    "unknown": (404, "Not found"),
}


def _no(refusal: Refusal) -> Response:
    if refusal.why == "unauthenticated":
        return Response(status_code=401)  # without a body, as the vendor's
    number, message = _SAYS.get(refusal.why, (refusal.status, "Refused"))
    code: object = int(refusal.code) if refusal.code.isdigit() else refusal.code or number
    body = {"error_code": code, "error_token": "ERR", "message": refusal.message or message}
    return _json(body, status=refusal.status, headers=dict(refusal.headers))


class EmnifyFake:
    """One workspace."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        application_token: str,
        per_second: float = 1000.0,
        burst: int = 1000,
        applies_quota: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
        real: Callable[[], float] = time.time,
    ) -> None:
        """`per_second` and `burst` are the address's budget; `real` is what tokens end by."""
        self.desk = Desk(
            world,
            carrier,
            door=self._door,
            sim=self._about,
            no=_no,
            per_second=per_second,
            burst=burst,
            monotonic=monotonic,
        )
        self.world = world
        self.carrier = world.carriers[carrier]
        self.endpoints: dict[str, words.Endpoint] = {}  # by ICCID
        self.applies_quota = applies_quota  # of the one service profile there is
        self.info_error = ""  # what the visited network fails with, inside a 200
        self._operators = dict(enumerate(sorted(NETWORKS), start=1))
        self._released: set[str] = set()
        self._iccids: list[str] = []  # by number
        self._numbers: dict[str, int] = {}
        self._application_token = application_token
        self._real = real
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    # --- SIMs and endpoints

    def number(self, iccid: str) -> int:
        """The carrier's number of a SIM."""
        if iccid not in self._numbers:
            for one in list(self.carrier.sims)[len(self._iccids) :]:
                self._numbers[one] = _FIRST_SIM + len(self._iccids)
                self._iccids.append(one)
        return self._numbers[iccid]

    def numbered(self, number: int) -> Sim | None:
        """The SIM of a number."""
        if self.carrier.sims:
            self.number(next(reversed(self.carrier.sims)))
        index = number - _FIRST_SIM
        return self.carrier.sims[self._iccids[index]] if 0 <= index < len(self._iccids) else None

    def assign(self, iccid: str) -> words.Endpoint:
        """Assign a SIM to an endpoint of its own."""
        self._released.discard(iccid)
        made = words.Endpoint(id=_FIRST_ENDPOINT + self.number(iccid), iccid=iccid)
        self.endpoints[iccid] = made
        self._bind(made)
        return made

    def release(self, iccid: str) -> None:
        """Take a SIM from its endpoint."""
        self.endpoints.pop(iccid, None)
        self._released.add(iccid)

    def grant(self, endpoint: words.Endpoint, megabytes: float) -> None:
        """Give an endpoint a quota without an end."""
        now = self.world.clock()
        endpoint.quota = words.Quota(granted_mb=megabytes, left_mb=megabytes, expiry="2099-12-31T23:59:59Z", set_at=now)
        self._bind(endpoint)

    def _bind(self, endpoint: words.Endpoint) -> None:
        """Let the world feel it."""
        sim, quota = self.carrier.sims[endpoint.iccid], endpoint.quota
        ceiling = None if quota is None else int(quota.granted_mb * words.MB)
        sim.limit_bytes = (ceiling or 0) if self.applies_quota else None
        plmns = frozenset(self._operators[one] for one in endpoint.blocked)
        sim.steering = Steering(kind="block", plmns=plmns) if plmns else None

    def _endpoint_of(self, sim: Sim) -> words.Endpoint | None:
        found = self.endpoints.get(sim.iccid)
        if found is None and sim.device is not None and sim.iccid not in self._released:
            found = self.assign(sim.iccid)
            self.grant(found, _AMPLE_MB)
        return found

    def _about(self, request: Request) -> Sim | None:
        if "sim" in request.path_params:
            return self.numbered(int(request.path_params["sim"]))
        if "endpoint" in request.path_params:
            sim = self.numbered(int(request.path_params["endpoint"]) - _FIRST_ENDPOINT)
            return sim if sim is not None and self._endpoint_of(sim) is not None else None
        return None

    def _sim(self, request: Request) -> Sim:
        sim = self._about(request)
        if sim is None:
            raise Refusal("unknown", 404)
        return sim

    def _endpoint(self, request: Request) -> tuple[words.Endpoint, Sim]:
        sim = self._sim(request)
        found = self._endpoint_of(sim)
        if found is None:
            raise Refusal("unknown", 404)
        return found, sim

    def _routes(self) -> list[Route]:
        desk, sim, endpoint = self.desk, "/api/v1/sim/{sim:int}", "/api/v1/endpoint/{endpoint:int}"
        blocked = endpoint + "/operator_blacklist"
        switch = {name: desk.change(name, self._switch) for name in ("activate", "suspend", "change_sim")}

        async def patch_sim(request: Request) -> Response:
            asked = _read(await request.body(), _SimChange)
            wanted = asked.status.id if asked is not None and asked.status is not None else -1
            return await switch[{1: "activate", 2: "suspend"}.get(wanted, "change_sim")](request)

        return [
            Route("/api/v1/authenticate", desk.welcome(self._login), methods=["POST"]),
            Route("/api/v1/sim", desk.read("list", self._list), methods=["GET"]),
            Route(sim, desk.read("get", self._get), methods=["GET"]),
            Route(sim, patch_sim, methods=["PATCH"]),
            Route(sim, desk.change("delete_sim", self._delete), methods=["DELETE"]),
            Route(sim + "/stats/daily", desk.read("stats", self._daily), methods=["GET"]),
            Route("/api/v1/operator", desk.read("operators", self._list_operators), methods=["GET"]),
            Route("/api/v1/service_profile/{profile:int}", desk.read("profile", self._profile), methods=["GET"]),
            Route(endpoint, desk.read("endpoint", self._get_endpoint), methods=["GET"]),
            Route(endpoint, desk.change("lock", self._lock), methods=["PATCH"]),
            Route(endpoint + "/connectivity", desk.read("connectivity", self._connectivity), methods=["GET"]),
            Route(endpoint + "/connectivity", desk.change("reset", self._reset), methods=["PATCH"]),
            Route(endpoint + "/connectivity_info", desk.read("info", self._info), methods=["GET"]),
            Route(endpoint + "/event", desk.read("events", self._events), methods=["GET"]),
            Route(endpoint + "/quota/data", desk.read("quota", self._quota), methods=["GET"]),
            Route(endpoint + "/quota/data", desk.change("set_quota", self._set_quota), methods=["POST"]),
            Route(blocked, desk.read("blocked", self._blocked), methods=["GET"]),
            Route(blocked + "/{operator:int}", desk.change("block", self._block(on=True)), methods=["PUT"]),
            Route(blocked + "/{operator:int}", desk.change("unblock", self._block(on=False)), methods=["DELETE"]),
            Route(endpoint + "/sms", desk.change("sms", self._sms), methods=["POST"]),
        ]

    # --- at the door

    def _door(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.desk.tokens.valid(token):
            raise Refusal("unauthenticated", 401)

    async def _login(self, request: Request) -> Response:
        asked = _asked(await request.body(), _Login)
        if asked.application_token != self._application_token:
            raise Refusal("unauthenticated", 401)
        self.desk.logins += 1
        claims = msgspec.json.encode({"exp": int(self._real() + _TOKEN_S), "jti": token_hex(8)})
        parts = (b'{"alg":"HS512"}', claims, token_hex(16).encode())
        token = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
        self.desk.tokens.issue(token, _TOKEN_S)
        return _json({"auth_token": token, "refresh_token": token_hex(16)})

    # --- SIMs

    async def _list(self, request: Request) -> Response:
        sims = list(self.carrier.sims.values())
        size = min(_whole(request, "per_page", 2_000), _LONGEST_PAGE)
        start = (_whole(request, "page", 1) - 1) * size
        return _json([self._body(sim) for sim in sims[start : start + size]])

    async def _get(self, request: Request) -> Response:
        return _json(self._body(self._sim(request)))

    def _body(self, sim: Sim) -> words.Body:
        shown = self.world.shown(sim.iccid, verb="get")
        return words.sim_body(sim, self.number(sim.iccid), shown.state, self._endpoint_of(sim))

    async def _switch(self, request: Request) -> Response:
        sim, asked = self._sim(request), _asked(await request.body(), _SimChange)
        held, _ = words.STATUS[sim.state]
        wanted = asked.status.id if asked.status is not None else -1
        if held not in words.TAKEN_FROM.get(wanted, frozenset()):
            raise Refusal("rule", 400, code="4001", message="This change of status is not allowed.")
        self.world.set_state(sim.iccid, words.STATE[wanted])
        return Response(status_code=204)

    async def _delete(self, request: Request) -> Response:
        sim = self._sim(request)
        if self._endpoint_of(sim) is not None or sim.state == "terminated":
            raise Refusal("rule", 403, message="The SIM is assigned to an endpoint.")
        self.world.set_state(sim.iccid, "terminated")
        return Response(status_code=204)

    async def _daily(self, request: Request) -> Response:
        sim = self._sim(request)
        first, last = _date(request, "start_date"), _date(request, "end_date")
        known_at = self.world.clock() - self.carrier.usage_lag if self.carrier.usage_lag else None
        days = sim.days(known_at).items()
        return _json([words.day_body(day.isoformat(), up, down) for day, (up, down) in days if first <= day <= last])

    async def _list_operators(self, request: Request) -> Response:  # noqa: ARG002 - a handler
        known = self._operators.items()
        return _json([words.operator_body(number, NETWORKS[plmn]) for number, plmn in known])

    async def _profile(self, request: Request) -> Response:
        if request.path_params["profile"] != _PROFILE:
            raise Refusal("unknown", 404)
        return _json({"id": _PROFILE, "name": "metered", "apply_data_quota": self.applies_quota})

    # --- endpoints

    async def _get_endpoint(self, request: Request) -> Response:
        endpoint, sim = self._endpoint(request)
        imei = sim.imei_lock or self._seen(sim)
        return _json(words.endpoint_body(endpoint, sim, self.number(sim.iccid), _PROFILE, imei))

    def _seen(self, sim: Sim) -> str:
        """The IMEI seen last."""
        event = sim.seen_by(self.world.clock())
        return event.session.imei if event is not None else ""

    async def _lock(self, request: Request) -> Response:
        _, sim = self._endpoint(request)
        asked = _asked(await request.body(), _EndpointChange)
        seen = self._seen(sim)
        if asked.imei_lock and not seen:
            raise Refusal("rule", 422, message="No device was seen.")
        sim.imei_lock = seen if asked.imei_lock else ""
        return Response(status_code=204)

    async def _connectivity(self, request: Request) -> Response:
        _, sim = self._endpoint(request)
        event = sim.seen_by(self.world.clock() - self.carrier.lag)
        word: words.Attachment = "OFFLINE"
        if event is not None:
            word = "ONLINE" if event.kind == "created" else "ATTACHED"
        if sim.over_limit(self.world.clock()):
            word = "BLOCKED"
        return _json(words.connectivity_body(word, sim, event))

    async def _info(self, request: Request) -> Response:
        _, sim = self._endpoint(request)
        return _json(words.info_body(sim.session, self.world.clock(), self.info_error))

    async def _events(self, request: Request) -> Response:
        endpoint, sim = self._endpoint(request)
        parts = [part.partition(":") for part in request.query_params.get("q", "").split(",")]
        given = {name: value for name, _, value in parts}
        try:
            since, until = (datetime.fromisoformat(given[name]) for name in ("from", "until"))
        except (KeyError, ValueError):
            raise Refusal("malformed", 422, message="from and until go together.") from None
        known_at = min(until, self.world.clock() - self.carrier.lag)
        found = [event for event in sim.events if since <= event.at <= known_at]
        size = _whole(request, "per_page", 100)
        start = (_whole(request, "page", 1) - 1) * size
        page = enumerate(found[start : start + size], start=start + 1)
        return _json([words.event_body(number, event, endpoint) for number, event in page])

    async def _reset(self, request: Request) -> Response:
        _, sim = self._endpoint(request)
        asked = _asked(await request.body(), dict[str, object])
        if not {"location", "pdp_context"} & set(asked):
            raise Refusal("malformed", 400, message="Nothing to reset.")
        self.world.reset_connection(sim.iccid)
        return Response(status_code=204)

    async def _quota(self, request: Request) -> Response:
        endpoint, sim = self._endpoint(request)
        quota, now = endpoint.quota, self.world.clock()
        if quota is None:
            raise Refusal("unknown", 404)
        expired = datetime.fromisoformat(quota.expiry) <= now
        spent = sum(sum(two) for two in sim.by_day.values()) / words.MB
        quota.left_mb = max(0.0, quota.granted_mb - spent)
        return _json(words.quota_body(quota, "3" if expired else "1" if quota.left_mb else "2"))

    async def _set_quota(self, request: Request) -> Response:
        endpoint, _ = self._endpoint(request)
        asked = _asked(await request.body(), _QuotaRequest)
        try:
            ends = datetime.fromisoformat(asked.expiry_date)
        except ValueError:
            raise Refusal("malformed", 422, message="expiry_date") from None
        if ends <= self.world.clock() or asked.volume < 0 or asked.action_on_exhaustion.id != "1":
            raise Refusal("malformed", 422, message="The quota cannot be set.")
        endpoint.quota = words.Quota(
            granted_mb=asked.volume,
            left_mb=asked.volume,
            expiry=asked.expiry_date,
            set_at=self.world.clock(),
            auto_refill=asked.auto_refill,
        )
        self._bind(endpoint)
        return _json({}, status=201)

    async def _blocked(self, request: Request) -> Response:
        endpoint, _ = self._endpoint(request)
        numbers = sorted(endpoint.blocked)
        return _json([words.operator_body(one, NETWORKS[self._operators[one]]) for one in numbers])

    def _block(self, *, on: bool) -> Handler:
        async def block(request: Request) -> Response:
            endpoint, _ = self._endpoint(request)
            operator = int(request.path_params["operator"])
            if operator not in self._operators or (not on and operator not in endpoint.blocked):
                raise Refusal("unknown", 404)
            if on and operator in endpoint.blocked:
                raise Refusal("rule", 409, message="This operator is on the list already.")
            (endpoint.blocked.add if on else endpoint.blocked.discard)(operator)
            self._bind(endpoint)
            return Response(status_code=204)

        return block

    async def _sms(self, request: Request) -> Response:
        _, sim = self._endpoint(request)
        asked = _asked(await request.body(), _Sms)
        if not 0 < len(asked.payload) <= _LONGEST_TEXT.get(asked.dcs, 0) or sim.state != "active":
            raise Refusal("malformed", 422, message="The message cannot be sent.")
        sim.messages.append((self.world.clock(), asked.payload))
        return _json({}, status=201)


_T = TypeVar("_T")


def _read(body: bytes, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _asked(body: bytes, kind: type[_T]) -> _T:
    asked = _read(body, kind)
    if asked is None:
        raise Refusal("malformed", 400, message="The request body is malformed.")
    return asked


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise Refusal("malformed", 400, message=f"{name} must be a number.")
    return int(text)


def _date(request: Request, name: str) -> date:
    try:
        return date.fromisoformat(request.query_params.get(name, ""))
    except ValueError:
        raise Refusal("malformed", 400, message=f"{name} must be a date.") from None


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/json")

"""A carrier that speaks ThingSpace's connectivity interface over the simulated world, as a real HTTP server.

Strict where Verizon's pages are: two tokens, and a session that ends when it is not used; every
change is answered with a request id, ends later, and is told by a callback that carries a user name
and a password; only changes of state of one device can be polled; five of them a day for a line;
a suspension ends by itself; a suspended line keeps its plan; a deactivated one gets a new number.
The codes of faults are Verizon's where its pages name them. The one for a line that had its actions
of the day is the fake's own: the pages name none.
"""

import secrets as random
import time
from base64 import b64encode
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from starlette.requests import Request as Http
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers import thingspace_words as words
from fairlead_sim.carriers.callbacks import Callbacks
from fairlead_sim.carriers.desk import Desk, Handler, Refusal, Why
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState

_TOKEN_S: Final = 3600.0
_IDLE_S: Final = 1200.0
_MOST: Final = 2000
_HISTORY: Final = 500
_DAILY: Final = 5
_AGAIN: Final = timedelta(minutes=5)  # after which a callback that was not taken comes again
_PROVISIONING: Final[dict[str, SimState]] = {
    "activate": "active", "restore": "active", "suspend": "suspended", "deactivate": "deactivated",
}  # fmt: skip
_FROM: Final[dict[str, frozenset[str]]] = {
    "activate": frozenset({"inventory", "ready", "deactivated"}),
    "restore": frozenset({"suspended", "standby"}),
    "suspend": frozenset({"active"}),
    "deactivate": frozenset({"active", "suspended", "standby"}),
}
_SERVICE: Final = "UnifiedWebService."
_CODES: Final[dict[Why, str]] = {
    "unknown": "INPUT_INVALID.Device.Account.Invalid",
    "quota": "REQUEST_FAILED.ActionsPerDayExceeded",
    "malformed": "INPUT_INVALID.Request",
    "rule": "REQUEST_FAILED.InvalidState",
}


class _Id(msgspec.Struct):
    id: str
    kind: str


class _Device(msgspec.Struct):
    deviceIds: list[_Id]  # noqa: N815 - the vendor's own names, here and below


class _Change(msgspec.Struct):
    devices: list[_Device]
    accountName: str = ""  # noqa: N815
    servicePlan: str = ""  # noqa: N815
    mdnZipCode: str = ""  # noqa: N815
    reasonCode: str = ""  # noqa: N815
    etfWaiver: bool = False  # noqa: N815


class _List(msgspec.Struct):
    accountName: str = ""  # noqa: N815
    deviceId: _Id | None = None  # noqa: N815
    largestDeviceIdSeen: int = 0  # noqa: N815
    maxNumberOfDevices: int = _MOST  # noqa: N815


class _Period(msgspec.Struct):
    deviceId: _Id  # noqa: N815
    earliest: datetime
    latest: datetime


class _Sms(msgspec.Struct):
    deviceIds: list[_Id]  # noqa: N815
    smsMessage: str  # noqa: N815
    accountName: str = ""  # noqa: N815
    dataEncoding: str = "7-bit"  # noqa: N815


class _Named(msgspec.Struct):
    """Whatever names devices."""

    deviceId: _Id | None = None  # noqa: N815
    deviceIds: list[_Id] = []  # noqa: N815
    devices: list[_Device] = []


class _Login(msgspec.Struct):
    username: str = ""
    password: str = ""


def _no(refusal: Refusal) -> Response:
    if refusal.why == "unauthenticated" and not refusal.code:
        fault = {"code": "900901", "message": "Invalid Credentials", "description": "Access failure for API: /m2m/v1"}
        return _json({"fault": fault}, status=refusal.status)
    code = refusal.code or _SERVICE + _CODES.get(refusal.why, "REQUEST_FAILED.UnexpectedError")
    body = {"errorCode": code, "errorMessage": refusal.message or "The request could not be completed."}
    return _json(body, status=refusal.status, headers=dict(refusal.headers))


class ThingSpaceFake:
    """One billing account."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        app_key: str,
        app_secret: str,
        username: str,
        password: str,
        account: str = "0000123456-00001",
        callback: tuple[str, str] = ("", ""),
        plans: frozenset[str] = frozenset({"plan01s", "87641"}),
        per_second: float = 1000.0,
        burst: int = 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`callback` is the user name and the password that its callbacks were registered with."""
        self.desk = Desk(
            world, carrier, door=self._door, sim=lambda request: request.scope.get("fairlead.sim"), no=_no,
            per_second=per_second, burst=burst, actions_a_day=None, monotonic=monotonic,
        )  # fmt: skip
        self.world = world
        self.carrier = world.carriers[carrier]
        self.account = account
        self.plans = plans
        self.callbacks = Callbacks(world, carrier)
        self.callback_url = "https://fairlead.example/hook"
        self.daily = _DAILY  # changes of state a line has in a day of the world
        self.fails: dict[str, str] = {}  # ICCID → the fault its next request ends with
        self.session_over: tuple[int, str] = (401, "")  # how an ended session is refused: 401, or 400 and a code
        self.suspended_at_most = timedelta(days=90)
        self.requests: dict[str, words.Request] = {}
        self._states: dict[tuple[str, str], int] = {}
        self._application = "Basic " + b64encode(f"{app_key}:{app_secret}".encode()).decode()
        self._user = (username, password)
        self._who = callback
        self._used: dict[str, float] = {}
        self._monotonic = monotonic
        self._numbers: dict[str, int] = {}
        self._by_iccid: dict[str, int] = {}
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def _routes(self) -> list[Route]:
        desk, m2m = self.desk, "/m2m/v1"
        changes = {action: self._provision(action) for action in _PROVISIONING}
        return [
            Route("/ts/v1/oauth2/token", desk.welcome(self._token), methods=["POST"]),
            Route(m2m + "/session/login", desk.welcome(self._login), methods=["POST"]),
            Route(m2m + "/accounts/{account}", desk.read("account", self._account), methods=["GET"]),
            Route(m2m + "/accounts/{account}/requests/{request}/status", desk.read("status", self._status)),
            Route(m2m + "/devices/actions/list", self._listing, methods=["POST"]),
            Route(m2m + "/devices/connections/actions/listHistory", self._named("history", self._history, read=True),
                  methods=["POST"]),
            Route(m2m + "/devices/usage/actions/list", self._named("usage", self._usage, read=True), methods=["POST"]),
            Route(m2m + "/devices/actions/plan", self._named("set_plan", self._set_plan), methods=["PUT"]),
            Route(m2m + "/sms", self._named("send_sms", self._send_sms), methods=["POST"]),
            *(Route(f"{m2m}/devices/actions/{action}", self._named(action, handler), methods=["POST"])
              for action, handler in changes.items()),
        ]  # fmt: skip

    # --- at the door

    async def _token(self, request: Http) -> Response:
        form = parse_qs((await request.body()).decode())
        if request.headers.get("authorization", "") != self._application:
            raise Refusal("unauthenticated", 401)
        if form.get("grant_type") != ["client_credentials"]:
            raise Refusal("malformed", 400)
        token = random.token_hex(16)
        self.desk.tokens.issue(token, _TOKEN_S)
        return _json({"access_token": token, "scope": "default", "token_type": "Bearer", "expires_in": int(_TOKEN_S)})

    async def _login(self, request: Http) -> Response:
        bearer = self._bearer(request)
        asked = await _body(request, _Login)
        if (asked.username, asked.password) != self._user:
            raise Refusal("rule", 401, code=_SERVICE + "REQUEST_FAILED.InvalidUsernamePassword")
        self.desk.logins += 1
        session = str(UUID(bytes=random.token_bytes(16)))
        self.desk.tokens.issue((bearer, session), _TOKEN_S)
        self._used[session] = self._monotonic()
        return _json({"sessionToken": session})

    def _bearer(self, request: Http) -> str:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.desk.tokens.valid(token):
            raise Refusal("unauthenticated", 401)
        return token

    def _door(self, request: Http) -> None:
        bearer, session = self._bearer(request), request.headers.get("vz-m2m-token", "")
        idle = self._monotonic() - self._used.get(session, float("-inf"))
        if idle > _IDLE_S or not self.desk.tokens.valid((bearer, session)):
            status, code = self.session_over
            raise Refusal("unauthenticated", status, code=code)
        self._used[session] = self._monotonic()

    # --- which device a request is about stands in its body

    def _named(self, verb: str, handler: Handler, *, read: bool = False) -> Handler:
        guarded = self.desk.read(verb, handler) if read else self.desk.change(verb, handler)

        async def named(request: Http) -> Response:
            request.scope["fairlead.sim"] = self.carrier.sims.get(_iccid_in(await request.body()))
            return await guarded(request)

        return named

    async def _listing(self, request: Http) -> Response:
        """One path for a list and for one device."""
        one = _iccid_in(await request.body())
        handler = self._named("get", self._get, read=True) if one else self.desk.read("list", self._list)
        return await handler(request)

    def _sim(self, request: Http) -> Sim:
        sim = request.scope.get("fairlead.sim")
        if not isinstance(sim, Sim):
            raise Refusal("unknown", 400, message="The device was not a part of the account specified.")
        return sim

    # --- reads

    async def _account(self, request: Http) -> Response:
        if request.path_params["account"] != self.account:
            raise Refusal("rule", 400, code=_SERVICE + "REQUEST_FAILED.AccountNotFound")
        return _json({"accountName": self.account, "organizationName": "Northwind", "isProvisioningAllowed": True})

    async def _list(self, request: Http) -> Response:
        asked = await _body(request, _List)
        order = list(self.carrier.sims)  # the order they came in is that of the ids
        begin = bisect_right(range(1, len(order) + 1), asked.largestDeviceIdSeen)
        most = max(1, min(asked.maxNumberOfDevices, _MOST))
        page = order[begin : begin + most]
        more = begin + most < len(order)
        bodies = [self._body(self.carrier.sims[iccid], number) for number, iccid in enumerate(page, start=begin + 1)]
        return _json({"hasMoreData": more, "devices": bodies}, status=202 if more else 200)

    async def _get(self, request: Http) -> Response:
        sim = self._sim(request)
        if len(self._by_iccid) != len(self.carrier.sims):
            self._by_iccid = {iccid: number for number, iccid in enumerate(self.carrier.sims, start=1)}
        return _json({"hasMoreData": False, "devices": [self._body(sim, self._by_iccid[sim.iccid])]})

    def _body(self, sim: Sim, number: int) -> words.Body:
        shown = self.world.shown(sim.iccid, verb="get")
        return words.device_body(sim, shown, self.account, number, self.world.clock() - self.carrier.lag)

    async def _history(self, request: Http) -> Response:
        sim, asked = self._sim(request), await _body(request, _Period)
        known_at = self.world.clock() - self.carrier.lag
        found = [event for event in sim.events if asked.earliest <= event.at <= min(asked.latest, known_at)]
        more = len(found) > _HISTORY
        lines = [words.connection_body(event) for event in found[:_HISTORY]]
        return _json({"hasMoreData": more, "connectionHistory": lines}, status=202 if more else 200)

    async def _usage(self, request: Http) -> Response:
        sim, asked = self._sim(request), await _body(request, _Period)
        now = self.world.clock()
        known_at = now - self.carrier.usage_lag if self.carrier.usage_lag else None
        oldest = max(asked.earliest, now - timedelta(days=365))
        lines = [
            words.usage_body(at, sum(two), source)
            for day, two in sim.days(known_at).items()
            for at in [datetime(day.year, day.month, day.day, tzinfo=UTC)]
            if oldest.date() <= day <= asked.latest.date()
            for source in ("Rated Usage", "Raw Usage")
        ]
        more = len(lines) > _HISTORY
        return _json({"hasMoreData": more, "usageHistory": lines[:_HISTORY]}, status=202 if more else 200)

    async def _status(self, request: Http) -> Response:
        found = self.requests.get(str(request.path_params["request"]))
        if found is None or found.action not in _PROVISIONING:
            raise Refusal("rule", 400, code=_SERVICE + "REQUEST_FAILED.RequestNotFound")
        return _json({"requestId": found.id, "status": found.status(self.world.clock())})

    # --- changes

    def _provision(self, action: str) -> Handler:
        async def provision(request: Http) -> Response:
            asked, sim = await _body(request, _Change), self._sim(request)
            target = _PROVISIONING[action]
            if action == "activate" and not (asked.servicePlan in self.plans and asked.mdnZipCode):
                raise Refusal("malformed", 400, code=_SERVICE + "INPUT_INVALID.ServicePlan")
            if action == "deactivate" and asked.reasonCode != "FF":
                raise Refusal("malformed", 400, code=_SERVICE + "INPUT_INVALID.ReasonCode")
            self._spend(sim)
            fault = self.fails.pop(sim.iccid, "")
            if not fault and sim.state not in _FROM[action]:
                same = sim.state == target
                fault = _SERVICE + ("REQUEST_FAILED.DeviceAlreadyActive" if same else "REQUEST_FAILED.InvalidState")
            made = self._accept(sim, action, self.carrier.takes.get(target, timedelta(0)), fault)
            if not fault:
                self._begin(sim, action, target, asked)
            return _json({"requestId": made.id})

        return provision

    def _spend(self, sim: Sim) -> None:
        key = (sim.iccid, self.world.clock().date().isoformat())
        if self._states.get(key, 0) >= self.daily:
            raise Refusal("quota", 400, message="The line has had its service provisioning actions of the day.")
        self._states[key] = self._states.get(key, 0) + 1

    def _begin(self, sim: Sim, action: str, target: SimState, asked: _Change) -> None:
        if action == "activate":
            sim.plan = asked.servicePlan
            if sim.state == "deactivated":
                sim.msisdn = f"{sim.msisdn[:-4]}{(int(sim.msisdn[-4:]) + 5000) % 10_000:04}"
        self.world.set_state(sim.iccid, target)
        if target == "suspended":
            ends = self.world.clock() + self.carrier.takes.get(target, timedelta(0)) + self.suspended_at_most
            self.world.after(ends - timedelta(days=7) - self.world.clock(), lambda _: self._warn(sim, ends))
            self.world.after(ends - self.world.clock(), lambda _: self._resume(sim))

    def _warn(self, sim: Sim, ends: datetime) -> None:
        if sim.state == "suspended":
            name = str(UUID(bytes=random.token_bytes(16)))
            self._tell(sim, "resume", lambda count: words.resume_body(sim, name, self._who, ends, count=count))

    def _resume(self, sim: Sim) -> None:
        if sim.state == "suspended":
            self.world.set_state(sim.iccid, "active")

    def _accept(self, sim: Sim, action: str, takes: timedelta, fault: str = "") -> words.Request:
        now = self.world.clock()
        made = words.Request(
            id=str(UUID(bytes=random.token_bytes(16))), sim=sim, action=action, due=now + takes, fault=fault
        )
        self.requests[made.id] = made
        resumes = now + takes + self.suspended_at_most if action == "suspend" else None
        self._tell(
            sim, action, lambda count: words.callback_body(made, self.account, self._who, resumes, count=count), takes
        )
        return made

    def _tell(self, sim: Sim, verb: str, body: Callable[[int], words.Body], after: timedelta = timedelta(0)) -> None:
        """A callback: what is not taken comes again, five minutes later and with its count."""

        def counted(count: int) -> bytes:
            return msgspec.json.encode(body(count))

        self.callbacks.say(
            self.callback_url, counted(1), key=sim.iccid, verb=verb, after=after, counted=counted,
            again=_AGAIN, at_most=words.MOST_CALLBACKS,
        )  # fmt: skip

    async def _set_plan(self, request: Http) -> Response:
        asked, sim = await _body(request, _Change), self._sim(request)
        if asked.servicePlan not in self.plans:
            raise Refusal("malformed", 400, code=_SERVICE + "INPUT_INVALID.ServicePlan")
        if sim.state != "active":
            raise Refusal("rule", 400, message="The plan of a line that is not active cannot be changed.")
        takes = self.carrier.takes.get("plan", timedelta(0))
        made = self._accept(sim, "changeServicePlan", takes)

        def ripe(at: datetime) -> None:
            sim.plan, sim.modified_at = asked.servicePlan, at

        self.world.after(takes, ripe)
        self.world.tick()
        return _json({"requestId": made.id})

    async def _send_sms(self, request: Http) -> Response:
        asked, sim = await _body(request, _Sms), self._sim(request)
        text = asked.smsMessage
        eight = asked.dataEncoding == "8-bit-UTF-8"
        fits = len(text.encode()) <= 140 if eight else len(text) <= 160  # noqa: PLR2004 - what an SMS holds
        if not text or not fits or set(text) & set("'<\\"):
            raise Refusal("malformed", 400, code=_SERVICE + "INPUT_INVALID.Request.InvalidCharacter")
        if not eight:
            text = text.encode("ascii", errors="replace").decode()
        sim.messages.append((self.world.clock(), text))
        return _json({"requestId": self._accept(sim, "sms", timedelta(0)).id})


def _iccid_in(body: bytes) -> str:
    """The ICCID that a request names, wherever it stands; empty for none."""
    try:
        asked = msgspec.json.decode(body, type=_Named)
    except msgspec.DecodeError:
        return ""
    ids = [*asked.deviceIds, *(one for device in asked.devices for one in device.deviceIds)]
    if asked.deviceId is not None:
        ids.append(asked.deviceId)
    return next((one.id for one in ids if one.kind.lower() == "iccid"), "")


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/json")


_T = TypeVar("_T")


async def _body(request: Http, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise Refusal("malformed", 400, code=_SERVICE + "DeserializationFailed", message=str(error)) from error

"""A carrier that speaks Monogoto's interface over the simulated world, as its pages and programs of others tell it.

A user and a password become a token of four hours. Successes of changes are sentences, not JSON, though
the reply says it is JSON. Active and suspended are all that can be asked for; a line is retired by the
carrier. A message to a device that is not connected is lost, and its sender hears nothing of that.
"""

import time
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any, Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers.desk import Desk, Handler, Refusal
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState

_KEYED: Final = "ThingId_ICCID_"
_LIFETIME_S: Final = 4 * 3600
_LARGEST_PAGE: Final = 100
_LONGEST_SMS: Final = 160
WORDS: Final[Mapping[SimState, str]] = {
    "inventory": "PROVISIONED",
    "ready": "TEST_ACTIVE",
    "active": "ACTIVE",
    "suspended": "SUSPENDED",
    "terminated": "RETIRED",
}
_CHANGES: Final[Mapping[str, SimState]] = {"ACTIVE": "active", "SUSPENDED": "suspended"}


class _Login(msgspec.Struct, forbid_unknown_fields=True):
    UserName: str
    Password: str


class _StateRequest(msgspec.Struct, forbid_unknown_fields=True):
    state: str


class _SmsRequest(msgspec.Struct, forbid_unknown_fields=True):
    Message: str
    From: str = ""


def thing_id(iccid: str) -> str:
    """What the carrier calls a SIM."""
    return _KEYED + iccid


def _no(refusal: Refusal) -> Response:
    body = {"message": refusal.message or "The request failed", **({"code": refusal.code} if refusal.code else {})}
    return _json(body, status=refusal.status, headers=dict(refusal.headers))


class MonogotoFake:
    """One customer."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        username: str,
        password: str,
        per_second: float = 1.0,
        burst: int = 60,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`per_second` and `burst` are the user's budget, in real time: by default a minute's of the standard plan."""
        self.desk = Desk(
            world,
            carrier,
            door=self._door,
            sim=self._named,
            no=_no,
            per_second=per_second,
            burst=burst,
            monotonic=monotonic,
        )
        self.world = world
        self.carrier = world.carriers[carrier]
        self._known_as = (username, password)
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def _routes(self) -> list[Route]:
        desk, thing = self.desk, "/thing/{thing}"
        change: dict[str, Handler] = {word: desk.change(word, self._switch) for word in (*_CHANGES, "state")}

        async def set_state(request: Request) -> Response:
            asked = _read(await request.body(), _StateRequest)
            word = asked.state if asked is not None else ""
            return await change[word if word in _CHANGES else "state"](request)

        return [
            Route("/Auth", desk.welcome(self._login), methods=["POST"]),
            Route("/things", desk.read("list", self._list), methods=["GET"]),
            Route(thing, desk.read("get", self._get), methods=["GET"]),
            Route(thing + "/state/", set_state, methods=["PUT"]),
            Route(thing + "/sms", desk.change("sms", self._sms), methods=["POST"]),
            Route(thing + "/refreshConnection", desk.change("refresh", self._refresh), methods=["GET"]),
        ]

    # --- at the door

    async def _login(self, request: Request) -> Response:
        asked = _read(await request.body(), _Login)
        if asked is None or (asked.UserName, asked.Password) != self._known_as:
            raise Refusal("unauthenticated", 401, message="Access denied")
        self.desk.logins += 1
        token = token_hex(24)
        self.desk.tokens.issue(token, _LIFETIME_S)
        return _json({"token": token, "refreshToken": token_hex(24), "CustomerId": "cid_1", "UserName": asked.UserName})

    def _door(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not self.desk.tokens.valid(token):
            raise Refusal("unauthenticated", 401, message="Unauthorized")

    def _named(self, request: Request) -> Sim | None:
        name = str(request.path_params.get("thing", ""))
        return self.carrier.sims.get(name.removeprefix(_KEYED)) if name.startswith(_KEYED) else None

    def _sim(self, request: Request) -> Sim:
        sim = self._named(request)
        if sim is None:
            raise Refusal("unknown", 404, message="Thing not found")
        return sim

    # --- reads

    async def _list(self, request: Request) -> Response:
        limit, offset = (_number(request, name, default) for name, default in (("limit", _LARGEST_PAGE), ("offset", 0)))
        sims = list(self.carrier.sims.values())[offset : offset + min(limit, _LARGEST_PAGE)]
        return _json([self._body(sim, verb="list") for sim in sims])

    async def _get(self, request: Request) -> Response:
        return _json(self._body(self._sim(request), verb="get"))

    def _body(self, sim: Sim, *, verb: str) -> dict[str, Any]:
        shown = self.world.shown(sim.iccid, verb=verb)
        device = self.world.devices[sim.device] if sim.device is not None else None
        return {
            "ThingId": thing_id(sim.iccid),
            "ThingName": f"ICCID {sim.iccid}",
            "ExternalUniqueId": sim.iccid,
            "ExternalUniqueType": "ICCID",
            "State": WORDS.get(shown.state, "ACTIVE"),
            "IMSI": sim.imsi,
            "MSISDN": f"+{sim.msisdn}",
            "IMEI": device.imei if device is not None and sim.last_seen_at is not None else "",
            "MasterIMEI": shown.imei_lock,
            "LockMasterImei": bool(shown.imei_lock),
            "PricePlanInnerId": sim.plan,
            "ThingsGroupId": sim.group,
            "DateModified": int(shown.modified_at.timestamp() * 1000),
        }

    # --- changes

    async def _switch(self, request: Request) -> Response:
        sim, asked = self._sim(request), _read(await request.body(), _StateRequest)
        wanted = _CHANGES.get(asked.state) if asked is not None else None
        if wanted is None:
            raise Refusal("malformed", 400, message="State must be ACTIVE or SUSPENDED")
        if sim.state == "terminated":
            raise Refusal("rule", 400, message="A retired Thing cannot be changed")
        self.world.set_state(sim.iccid, wanted)
        return _sentence("Thing state updated successfully.")

    async def _sms(self, request: Request) -> Response:
        sim, asked = self._sim(request), _read(await request.body(), _SmsRequest)
        if asked is None or not 1 <= len(asked.Message) <= _LONGEST_SMS:
            raise Refusal("malformed", 400, message="A message has a text")
        if sim.session is not None:
            sim.messages.append((self.world.clock(), asked.Message))
        return _sentence(f"{thing_id(sim.iccid)}_{int(self.world.clock().timestamp() * 1000)}_0.5")

    async def _refresh(self, request: Request) -> Response:
        self.world.reset_connection(self._sim(request).iccid)
        return _sentence("OK")


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit():
        raise Refusal("malformed", 400, message=f"{name} must be a number")
    return int(text)


_T = TypeVar("_T")


def _read(body: bytes, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _sentence(text: str) -> Response:
    return Response(text.encode(), media_type="application/json")


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/json")

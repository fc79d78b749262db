"""A carrier that speaks Control Center's REST API over the simulated world, as a real HTTP server.

Strict where Cisco's pages are: a search without `modifiedSince` is refused, pages hold 50 and come
oldest change first, an edit answers with the ICCID and nothing else, a text must fit its coding,
usage goes back two billing cycles. What only an operator decides is a field here: the changes of
status it forbids, the words it ends a line by, and its own names for states.
"""

import time
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers import control_center_words as words
from fairlead_sim.carriers.desk import Desk, Refusal, Why
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState

_PAGE: Final = 50
_LONGEST: Final = {None: 320, 0: 160, 1: 160, 3: 160, 4: 140, 8: 70}  # letters by data coding
_SEVEN_BIT: Final = frozenset({0, 1, None})

# Of an edit: what it is counted as.
_VERBS: Final[dict[SimState, str]] = {"active": "activate", "suspended": "deactivate", "terminated": "retire"}

_CODES: Final[dict[Why, tuple[str, str]]] = {
    "unauthenticated": ("10000001", "Invalid credentials."),
    "too_fast": ("40000029", "Rate limit exceeded."),
    "away": ("30000001", "Unknown server error."),
    "broken": ("30000001", "Unknown server error."),
    "unknown": ("20000001", "Resource not found - Invalid ICCID."),
}


class _Edit(msgspec.Struct, forbid_unknown_fields=True):
    status: str | None = None
    ratePlan: str | None = None  # noqa: N815 - the vendor's own name
    effectiveDate: str | None = None  # noqa: N815


class _Sms(msgspec.Struct):
    messageText: str = ""  # noqa: N815
    messageEncoding: str = "LITERAL"  # noqa: N815
    dataCoding: int | None = None  # noqa: N815


def _no(refusal: Refusal) -> Response:
    code, message = _CODES.get(refusal.why, ("10000028", "Invalid request."))
    body = {"errorMessage": refusal.message or message, "errorCode": refusal.code or code}
    return _json(body, status=refusal.status, headers=dict(refusal.headers))


class ControlCenterFake:
    """One account at one operator."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        user: str,
        api_key: str,
        rate_plans: frozenset[str] = frozenset({"plan01s", "meters 1 MB"}),
        per_second: float = 1000.0,
        burst: int = 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`per_second` and `burst` are the account's budget, in real time."""
        self.desk = Desk(
            world, carrier, door=self._door,
            sim=lambda request: self.carrier.sims.get(str(request.path_params.get("iccid", ""))),
            no=_no, per_second=per_second, burst=burst, monotonic=monotonic,
        )  # fmt: skip
        self.world = world
        self.carrier = world.carriers[carrier]
        self.rate_plans = rate_plans
        self.forbidden: set[tuple[SimState, SimState]] = {("active", "inventory")}  # changes of status, by the operator
        self.ends_by: set[str] = {"RETIRED"}  # the words this account may end a line by
        self.status: dict[SimState, str] = dict(words.STATUS)
        self.undelivered = ""  # the word for messages that never arrive; empty: they wait for the device
        self._right = "Basic " + b64encode(f"{user}:{api_key}".encode()).decode()
        self._messages: dict[str, tuple[Sim, datetime]] = {}
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def _routes(self) -> list[Route]:
        one, desk = "/v1/devices/{iccid}", self.desk
        return [
            Route("/v1/devices", desk.read("search", self._search), methods=["GET"]),
            Route(one, desk.read("get", self._get), methods=["GET"]),
            Route(one, self._edit, methods=["PUT"]),
            Route(one + "/sessionInfo", desk.read("session", self._session), methods=["GET"]),
            Route(one + "/usageInZone", desk.read("usage", self._usage), methods=["GET"]),
            Route(one + "/smsMessages", desk.change("send_sms", self._send_sms), methods=["POST"]),
            Route("/v1/smsMessages/{message}", desk.read("message", self._message), methods=["GET"]),
        ]

    def _door(self, request: Request) -> None:
        if request.headers.get("authorization", "") != self._right:
            raise Refusal("unauthenticated", 401)

    # --- reads

    async def _search(self, request: Request) -> Response:
        asked = request.query_params
        since = _instant(asked.get("modifiedSince"))
        size, page = _whole(asked.get("pageSize"), _PAGE), _whole(asked.get("pageNumber"), 1)
        if not 1 <= size <= _PAGE or page < 1:
            raise Refusal("malformed", 400, message=f"pageSize is 1 to {_PAGE}, pageNumber begins with 1.")
        self.world.tick()
        found = sorted(
            (sim for sim in self.carrier.sims.values() if sim.modified_at >= since),
            key=lambda sim: (sim.modified_at, sim.iccid),
        )
        begin = (page - 1) * size
        bodies = [words.found_body(sim, *self._shown(sim, "search")) for sim in found[begin : begin + size]]
        return _json({"pageNumber": page, "devices": bodies, "lastPage": begin + size >= len(found)})

    async def _get(self, request: Request) -> Response:
        sim = self._sim(request)
        last = sim.session or next((event.session for event in reversed(sim.events)), None)
        imei = last.imei if last is not None else ""
        return _json(words.device_body(sim, *self._shown(sim, "get"), imei))

    async def _session(self, request: Request) -> Response:
        return _json(words.session_body(self._sim(request), self.world.clock() - self.carrier.lag))

    async def _usage(self, request: Request) -> Response:
        sim, now = self._sim(request), self.world.clock()
        open_one = datetime(now.year, now.month, 1, tzinfo=UTC)
        told = [open_one]
        for _ in range(2):
            last = told[-1]
            told.append(last.replace(year=last.year - (last.month == 1), month=(last.month - 2) % 12 + 1))
        text = request.query_params.get("cycleStartDate")
        first = open_one if text is None else _instant(text.replace("Z", "T00:00:00Z"))
        if first not in told:
            raise Refusal("malformed", 400, message="Invalid cycleStartDate.")
        known_at = now - self.carrier.usage_lag if self.carrier.usage_lag else None
        return _json(words.usage_body(sim, first, now, known_at))

    # --- changes

    async def _edit(self, request: Request) -> Response:
        """One path for every setting: what an edit is counted as, and met by which faults, is in its body."""
        try:
            asked = msgspec.json.decode(await request.body(), type=_Edit)
        except msgspec.DecodeError:
            asked = _Edit()
        target = self._state(asked.status) if asked.status is not None else None
        verb = "set_plan" if asked.ratePlan is not None else _VERBS.get(target or "ready", "edit")

        async def carry_out(request: Request) -> Response:
            return await self._carry_out(self._sim(request), await _body(request, _Edit), target)

        return await self.desk.change(verb, carry_out)(request)

    async def _carry_out(self, sim: Sim, asked: _Edit, target: SimState | None) -> Response:
        if asked.status is None and asked.ratePlan is None:
            raise Refusal("malformed", 400, message="At least one parameter is required.")
        if sim.state == "terminated":
            raise Refusal("rule", 400, code="10000021", message="The device has been retired.")
        if asked.ratePlan is not None:
            if asked.ratePlan not in self.rate_plans:
                raise Refusal("rule", 400, code="10000022", message="Invalid ratePlan.")
            sim.plan, sim.modified_at = asked.ratePlan, self.world.clock()
        if asked.status is None:
            return _json({"iccid": sim.iccid})
        if target is None:
            raise Refusal("rule", 400, code="10000021", message="Invalid status.")
        if (sim.state, target) in self.forbidden or (target == "terminated" and asked.status not in self.ends_by):
            raise Refusal("rule", 400, code="10000021", message=f"{asked.status} is not allowed from this status.")
        self.world.set_state(sim.iccid, target)
        return _json({"iccid": sim.iccid}, status=202 if sim.pending else 200)

    async def _send_sms(self, request: Request) -> Response:
        sim, asked = self._sim(request), await _body(request, _Sms)
        longest = _LONGEST.get(asked.dataCoding)
        if longest is None:
            raise Refusal("malformed", 400, code="10000018", message="Invalid dataCoding.")
        if asked.messageEncoding not in {"LITERAL", "BASE64"}:
            raise Refusal("malformed", 400, code="10000017", message="Invalid messageEncoding.")
        if not 0 < len(asked.messageText) <= longest:
            raise Refusal("malformed", 400, code="10000020", message="Message length exceeds the maximum.")
        text = asked.messageText
        if asked.dataCoding in _SEVEN_BIT:  # a letter the alphabet lacks arrives as a question mark
            text = text.encode("ascii", errors="replace").decode()
        now = self.world.clock()
        sim.messages.append((now, text))
        message = str(len(self._messages) + 1)
        self._messages[message] = (sim, now)
        return _json({"smsMsgId": int(message)})

    async def _message(self, request: Request) -> Response:
        message = str(request.path_params["message"])
        if message not in self._messages:
            raise Refusal("unknown", 404, code="20000002", message="Resource not found - Invalid smsMsgId.")
        sim, at = self._messages[message]
        online = sim.session is not None or any(event.at >= at for event in sim.events)
        status = self.undelivered or ("Delivered" if online else "Pending")
        return _json({"smsMsgId": int(message), "status": status, "msgType": "MT", "dateSent": words.moment(at)})

    # --- shared

    def _sim(self, request: Request) -> Sim:
        sim = self.carrier.sims.get(str(request.path_params["iccid"]))
        if sim is None:
            raise Refusal("unknown", 404)
        return sim

    def _shown(self, sim: Sim, verb: str) -> tuple[words.Standing, str]:
        shown = self.world.shown(sim.iccid, verb=verb)
        return shown, self.status[shown.state]

    def _state(self, word: str) -> SimState | None:
        """The state a word asks for: RETIRED and PURGED both end a line."""
        ends = {"RETIRED": "terminated", "PURGED": "terminated", **dict.fromkeys(self.ends_by, "terminated")}
        asked: dict[str, SimState] = {text: state for state, text in reversed(self.status.items())}
        return "terminated" if word in ends else asked.get(word)


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/json")


_T = TypeVar("_T")


async def _body(request: Request, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise Refusal("malformed", 400, code="10000023", message=f"The JSON cannot be read: {error}") from error


def _instant(text: str | None) -> datetime:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refusal("malformed", 400, message="modifiedSince must be yyyy-MM-ddTHH:mm:ssZ.")
    return at


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isdigit():
        raise Refusal("malformed", 400, message="Expected a number.")
    return int(text)

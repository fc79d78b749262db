"""A carrier that speaks Hologram's interface, as others described it, over the simulated world.

Refusals come as a 200 that says `success: false`, unless a fault says otherwise. A change is taken at
once and carried out later; meanwhile a pending word is shown. Pausing lets an open session run.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers.desk import Desk, Handler, Refusal
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState, Standing

_FIRST: Final = 70_000
_LONGEST_PAGE: Final = 1_000
WORDS: Final[Mapping[SimState, str]] = {
    "inventory": "INACTIVE",
    "ready": "TEST-ACTIVATE",
    "active": "LIVE",
    "suspended": "PAUSED-USER",
    "terminated": "DEAD",
}
PENDING: Final[Mapping[SimState, str]] = {"active": "LIVE-PENDING", "suspended": "PAUSED-PENDING-USER"}
_CHANGES: Final[Mapping[str, SimState]] = {"live": "active", "pause": "suspended"}


class _StateRequest(msgspec.Struct, forbid_unknown_fields=True):
    state: str


def _no(refusal: Refusal) -> Response:
    body = {"success": False, "error": refusal.message or refusal.code or "The request failed"}
    return _json(body, status=refusal.status, headers=dict(refusal.headers))


class HologramFake:
    """One organisation."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        api_key: str,
        per_second: float = 1000.0,
        burst: int = 1000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`per_second` and `burst` are the account's budget, in real time."""
        self.desk = Desk(
            world,
            carrier,
            door=self._door,
            sim=lambda request: self.numbered(int(request.path_params.get("link", 0))),
            no=_no,
            per_second=per_second,
            burst=burst,
            monotonic=monotonic,
        )
        self.world = world
        self.carrier = world.carriers[carrier]
        self.paused_by_carrier: set[str] = set()  # ICCIDs
        self._key = b64encode(f"apikey:{api_key}".encode()).decode()
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def number(self, iccid: str) -> int:
        """The carrier's id of a SIM's link."""
        return _FIRST + list(self.carrier.sims).index(iccid)

    def numbered(self, number: int) -> Sim | None:
        """The SIM of a link."""
        sims = list(self.carrier.sims.values())
        return sims[number - _FIRST] if 0 <= number - _FIRST < len(sims) else None

    def _routes(self) -> list[Route]:
        desk, link = self.desk, "/links/cellular/{link:int}"
        change: dict[str, Handler] = {word: desk.change(word, self._switch) for word in (*_CHANGES, "state")}

        async def set_state(request: Request) -> Response:
            word = _asked(await request.body())
            return await change[word if word in _CHANGES else "state"](request)

        return [
            Route("/links/cellular", desk.read("list", self._list), methods=["GET"]),
            Route(link, desk.read("get", self._get), methods=["GET"]),
            Route(link + "/state", set_state, methods=["POST"]),
            Route("/usage/data/daily", desk.read("usage", self._daily), methods=["GET"]),
        ]

    def _door(self, request: Request) -> None:
        if request.headers.get("authorization", "") != f"Basic {self._key}":
            raise Refusal("unauthenticated", 401, message="Authentication failed")

    async def _list(self, request: Request) -> Response:
        limit = min(int(request.query_params.get("limit", "100")), _LONGEST_PAGE)
        start = int(request.query_params.get("startafter", str(_FIRST - 1))) + 1 - _FIRST
        sims = list(self.carrier.sims.values())
        page = [self._body(sim, _FIRST + start + index) for index, sim in enumerate(sims[start : start + limit])]
        more = len(sims) > start + limit
        return _json({"success": True, "limit": limit, "size": len(page), "continues": more, "data": page})

    async def _get(self, request: Request) -> Response:
        sim = self._sim(request)
        return _json({"success": True, "data": self._body(sim, int(request.path_params["link"]))})

    def _body(self, sim: Sim, number: int) -> dict[str, object]:
        shown = self.world.shown(sim.iccid, verb="get")
        return {
            "id": number,
            "deviceid": number + 1_000_000,
            "sim": sim.iccid,
            "imsi": int(sim.imsi),
            "msisdn": sim.msisdn,
            "planid": 73,
            "zone": "global",
            "state": self._word(sim, shown),
        }

    def _word(self, sim: Sim, shown: Standing) -> str:
        if shown.pending is not None:
            return PENDING[shown.pending]
        by_carrier = shown.state == "suspended" and sim.iccid in self.paused_by_carrier
        return "PAUSED-SYS" if by_carrier else WORDS[shown.state]

    async def _switch(self, request: Request) -> Response:
        sim, word = self._sim(request), _asked(await request.body())
        wanted = _CHANGES.get(word)
        if wanted is None or sim.state not in {"active", "suspended"}:
            raise Refusal("rule", 200, message="This state is not possible for the link")
        if (sim.pending or sim.state) == wanted:
            raise Refusal("rule", 200, message="The link is in this state already")
        if wanted == "active" and sim.iccid in self.paused_by_carrier:
            raise Refusal("rule", 200, message="The link was paused by the system")
        self.world.set_state(sim.iccid, wanted)
        return _json({"success": True})

    async def _daily(self, request: Request) -> Response:
        sim = self.numbered(int(request.query_params.get("linkid", "0")))
        if sim is None:
            raise Refusal("unknown", 200, message="No such link")
        first, last = (_date(request.query_params.get(name, "0")) for name in ("timestart", "timeend"))
        known_at = self.world.clock() - self.carrier.usage_lag if self.carrier.usage_lag else None
        days = [
            {"linkid": int(request.query_params["linkid"]), "timestamp": f"{day} 00:00:00", "bytes": up + down}
            for day, (up, down) in sim.days(known_at).items()
            if first <= day <= last
        ]
        return _json({"success": True, "continues": False, "size": len(days), "data": days})

    def _sim(self, request: Request) -> Sim:
        sim = self.numbered(int(request.path_params["link"]))
        if sim is None:
            raise Refusal("unknown", 404, message="No such link")
        return sim


def _asked(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_StateRequest).state
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _date(text: str) -> date:
    return datetime.fromtimestamp(int(text), UTC).date()


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/json")

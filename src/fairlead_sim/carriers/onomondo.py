"""A carrier that speaks Onomondo's interface over the simulated world, as its pages and a reconstruction tell it.

A SIM has an id of nine digits and is also found by its ICCID. It is activated or not, it always has a
ceiling, and it is kept to a list of networks by the list's name. A refusal is a word under `error`.
"""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers.desk import Desk, Handler, Refusal
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, Steering

_FIRST: Final = 2_418
_LARGEST_PAGE: Final = 1_000
_LEAST: Final = 500_000
_USUAL_CEILING: Final = 10_000_000_000  # a month's, where nobody set another
_VERBS: Final = {
    "imei_lock": "imei_lock",
    "data_limit": "data_limit",
    "network_whitelist": "network_whitelist",
    "label": "label",
}
_T = TypeVar("_T")
Body = dict[str, Any]


def _no(refusal: Refusal) -> Response:
    word = refusal.message or refusal.code or {401: "unauthorized", 404: "not_found"}.get(refusal.status, "failed")
    return _json({"error": word}, status=refusal.status, headers=dict(refusal.headers))


class OnomondoFake:
    """One organisation."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        api_key: str,
        per_second: float = 10.0,
        burst: int = 600,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`per_second` and `burst` are the key's budget, in real time: by default 600 a minute."""
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
        self.lists: dict[str, list[Body]] = {}  # networks by the list's name; an `mnc` of None is a whole country
        self._hung: dict[str, str] = {}  # ICCID → name of its list
        self._key = api_key
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def id_of(self, iccid: str) -> str:
        """The carrier's id of a SIM."""
        return f"{_FIRST + list(self.carrier.sims).index(iccid):09}"

    def identified(self, name: str) -> Sim | None:
        """The SIM of an id, or of an ICCID."""
        if name in self.carrier.sims:
            return self.carrier.sims[name]
        sims, place = list(self.carrier.sims.values()), int(name) - _FIRST if name.isdigit() else -1
        return sims[place] if len(name) == 9 and 0 <= place < len(sims) else None  # noqa: PLR2004 - digits of an id

    def _routes(self) -> list[Route]:
        desk, sim = self.desk, "/sims/{sim}"
        change: dict[str, Handler] = {
            verb: desk.change(verb, self._update) for verb in ("on", "off", "update", *_VERBS.values())
        }

        async def update(request: Request) -> Response:
            return await change[_verb_of(_asked(await request.body()) or {})](request)

        return [
            Route("/sims", desk.read("list", self._list), methods=["GET"]),
            Route(sim, desk.read("get", self._get), methods=["GET"]),
            Route(sim, update, methods=["PATCH"]),
            Route("/usage/{sim}", desk.read("usage", self._usage), methods=["GET"]),
            Route("/sms/{sim}", desk.change("sms", self._sms), methods=["POST"]),
            Route("/network-whitelists", desk.change("add_list", self._add_list), methods=["POST"]),
            Route("/network-whitelists/{name}", desk.read("get_list", self._get_list), methods=["GET"]),
        ]

    # --- at the door

    def _door(self, request: Request) -> None:
        if request.headers.get("authorization", "") != self._key:
            raise Refusal("unauthenticated", 401)

    def _named(self, request: Request) -> Sim | None:
        return self.identified(str(request.path_params.get("sim", "")))

    def _sim(self, request: Request) -> Sim:
        sim = self._named(request)
        if sim is None:
            raise Refusal("unknown", 404, message="sim_not_found")
        return sim

    # --- reads

    async def _list(self, request: Request) -> Response:
        numbered = list(enumerate(self.carrier.sims.values(), _FIRST))
        sims, page = _page(numbered, request)
        body = {"count": len(sims), "total": len(numbered), **page}
        return _json({**body, "sims": [self._body(sim, f"{number:09}", verb="list") for number, sim in sims]})

    async def _get(self, request: Request) -> Response:
        sim = self._sim(request)
        return _json(self._body(sim, self.id_of(sim.iccid), verb="get"))

    def _body(self, sim: Sim, name: str, *, verb: str) -> Body:
        shown = self.world.shown(sim.iccid, verb=verb)
        seen = sim.seen_by(self.world.clock() - self.carrier.lag)
        session = seen.session if seen is not None and seen.kind != "deleted" else None
        mcc, _, mnc = session.plmn.partition("-") if session is not None else ("", "", "")
        ceiling = shown.limit_bytes if shown.limit_bytes is not None else _USUAL_CEILING
        return {
            "id": name,
            "iccid": sim.iccid,
            "label": None,
            "network_whitelist": self._hung.get(sim.iccid) if shown.steering is not None else None,
            "imei_lock": shown.imei_lock or None,
            "connector": None,
            "activated": shown.state in {"ready", "active"},
            "ipv4": session.ip if session is not None else "100.66.0.1",
            "online": session is not None,
            "online_at": session.started_at.isoformat() if session is not None else None,
            "network": {"name": None, "country": None, "country_code": None, "mcc": mcc or None, "mnc": mnc or None},
            "usage": sum(sum(two) for two in sim.by_day.values()),
            "data_limit": {"total": ceiling, "type": "monthly"},
            "tags": [],
        }

    async def _usage(self, request: Request) -> Response:
        sim = self._sim(request)
        kind, _, period = request.query_params.get("filter", "").partition(":")
        if kind != "time" or not period:
            raise Refusal("malformed", 400, message="filter_invalid")
        known_at = self.world.clock() - self.carrier.usage_lag if self.carrier.usage_lag else None
        lines: list[Body] = [
            {"iccid": sim.iccid, "time": f"{day} {hour}:00:00", "bytes": count, "bill_id": f"{day}-{hour}"}
            for day, (up, down) in sim.days(known_at).items()
            if str(day).startswith(period)
            for hour, count in (("00", up), ("23", down))
        ]
        found, page = _page(lines, request)
        return _json({"usage": found, **page})

    async def _get_list(self, request: Request) -> Response:
        name = str(request.path_params["name"])
        if name not in self.lists:
            raise Refusal("unknown", 404, message="network_whitelist_not_found")
        return _json({"name": name, "tags": [], "networks": self.lists[name]})

    # --- changes

    async def _update(self, request: Request) -> Response:
        sim, asked = self._sim(request), _asked(await request.body())
        if not asked or not set(asked) <= {"activated", *_VERBS}:
            raise Refusal("malformed", 400, message="body_invalid")
        for name, value in asked.items():
            self._set(sim, name, value)
        sim.modified_at = self.world.clock()
        sim.note(sim.modified_at)
        return _json(self._body(sim, self.id_of(sim.iccid), verb="update"))

    def _set(self, sim: Sim, name: str, value: object) -> None:
        match name, value:
            case "activated", bool():
                self.world.set_state(sim.iccid, "active" if value else "suspended")
            case "imei_lock", None:
                sim.imei_lock = ""
            case "imei_lock", str() if len(value) == 15 and value.isdigit():  # noqa: PLR2004 - an IMEI
                sim.imei_lock = value
            case "network_whitelist", None:
                sim.steering = None
                self._hung.pop(sim.iccid, None)
            case "network_whitelist", str() if value in self.lists:
                self._hung[sim.iccid] = value
                plmns = frozenset(f"{one['mcc']}-{one['mnc']}" for one in self.lists[value])
                sim.steering = Steering(kind="allow", plmns=plmns)
            case "data_limit", dict():
                sim.limit_bytes = _ceiling(cast("Body", value))
            case "label", str() | None:
                pass
            case _:
                raise Refusal("malformed", 400, message=f"{name}_invalid")

    async def _sms(self, request: Request) -> Response:
        sim, asked = self._sim(request), _asked(await request.body()) or {}
        sender, text = str(asked.get("from", "")), str(asked.get("text", ""))
        longest = 15 if sender.isdigit() else 10
        if not (1 <= len(sender) <= longest and sender.isalnum() and text):
            raise Refusal("malformed", 400, message="sms_invalid")
        sim.messages.append((self.world.clock(), text))
        return _json({"message": "OK"})

    async def _add_list(self, request: Request) -> Response:
        asked = _asked(await request.body()) or {}
        name, networks = str(asked.get("name", "")), asked.get("networks")
        if not name or not isinstance(networks, list) or not networks:
            raise Refusal("malformed", 400, message="network_whitelist_invalid")
        if name in self.lists:
            raise Refusal("rule", 409, message="network_whitelist_conflict")
        self.lists[name] = cast("list[Body]", networks)
        return _json({"name": name, "tags": [], "networks": self.lists[name]})


def _verb_of(asked: Body) -> str:
    """What a request to change a SIM is about."""
    if "activated" in asked:
        return "on" if asked["activated"] is True else "off"
    return next((verb for name, verb in _VERBS.items() if name in asked), "update")


def _ceiling(asked: Body) -> int:
    total = asked.get("total")
    if not isinstance(total, int) or total < _LEAST or asked.get("type") not in {"daily", "monthly", "total"}:
        raise Refusal("malformed", 400, message="data_limit_invalid")
    return total


def _page(lines: list[_T], request: Request) -> tuple[list[_T], Body]:
    """A page, and where it goes on: the cursor is opaque."""
    limit = request.query_params.get("limit", str(_LARGEST_PAGE))
    after = request.query_params.get("next_page")
    if not (limit.isdigit() and 1 <= int(limit) <= _LARGEST_PAGE):
        raise Refusal("malformed", 400, message="limit_invalid")
    try:
        start = int(urlsafe_b64decode(after)) if after else 0
    except ValueError:
        raise Refusal("malformed", 400, message="next_page_invalid") from None
    end = start + int(limit)
    more = len(lines) > end
    following = {"next_page": urlsafe_b64encode(f"{end:09}".encode()).decode()} if more else {}
    return lines[start:end], {"limit": int(limit), "offset": start, "pagination": {"has_more": more, **following}}


def _asked(body: bytes) -> Body | None:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/json")

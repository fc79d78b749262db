"""A carrier that speaks Telnyx's contract over the simulated world, as a real HTTP server.

It is strict where the vendor says it is: a SIM has an id that is not its ICCID; disabling and parking
begin from `enabled` only; nothing moves while the carrier holds a SIM or another action runs; every
change of state is an action that has its own end; a deleted SIM is gone from the account; a SIM is
always in a group, and networks are blocked for a whole group. Its error codes are its own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, TypeVar, cast

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers import telnyx_words as words
from fairlead_sim.carriers.desk import Desk, Handler, Refusal, Why
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState, Steering

_T = TypeVar("_T")
Ends = Literal["in-progress", "completed", "failed", "interrupted"]
_ACTIONS: Final[dict[str, tuple[SimState, frozenset[str]]]] = {  # action → where to, and from which words
    "enable": ("active", frozenset({"registered", "disabled", "standby"})),
    "disable": ("suspended", frozenset({"enabled"})),
    "set_standby": ("standby", frozenset({"enabled"})),
}
_LARGEST_PAGE: Final = 250
_UNITS: Final = {"MB": 1_000_000, "GB": 1_000_000_000}
_CODES: Final[dict[Why, tuple[str, str]]] = {
    "unauthenticated": ("10009", "Authentication failed"),
    "unknown": ("10005", "Resource not found"),
    "too_fast": ("10011", "Too many requests"),
    "away": ("10016", "Service unavailable"),
    "broken": ("10007", "Internal error"),
}


@dataclass(slots=True, kw_only=True)
class _Action:
    """One action on a SIM or on a group."""

    id: str
    kind: str
    about: str
    begun_at: datetime
    status: Ends = "in-progress"
    reason: str = ""
    ended_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class _Group:
    """A group, with the blocklist that hangs on it."""

    id: str
    name: str
    default: bool = False
    blocklist: str = ""


@dataclass(slots=True, kw_only=True)
class _Blocklist:
    """Networks (or countries) that SIMs are kept off."""

    id: str
    name: str
    kind: str
    values: list[str] = field(default_factory=list[str])


def _no(refusal: Refusal) -> Response:
    code, title = _CODES.get(refusal.why, ("10015", "Bad request"))
    error = {"code": refusal.code or code, "title": title, "detail": refusal.message or title}
    return _json({"errors": [error]}, status=refusal.status, headers=dict(refusal.headers))


class TelnyxFake:
    """One account."""

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
        self.world = world
        self.carrier = world.carriers[carrier]
        self.desk = Desk(
            world, carrier, door=self._door, sim=self._named, no=_no,
            per_second=per_second, burst=burst, monotonic=monotonic,
        )  # fmt: skip
        self.throttle = self.desk.throttle
        self.executed = self.desk.executed
        self.requests = self.desk.requests
        self.groups: dict[str, _Group] = {}
        self.blocklists: dict[str, _Blocklist] = {}
        self.actions: dict[str, _Action] = {}
        self.default_group = self.add_group("default")
        self.groups[self.default_group].default = True
        self._key = api_key
        self._known: dict[str, Sim] = {}
        self.app = self.desk.app(self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def add_group(self, name: str) -> str:
        """A group to put SIMs into; gives its id."""
        group = words.some_id("group", len(self.groups))
        self.groups[group] = _Group(id=group, name=name)
        return group

    def add_blocklist(self, name: str, kind: str, values: list[str]) -> str:
        """A list made by hand, by `country`, `mcc` or `plmn`."""
        made = words.some_id("blocklist", len(self.blocklists))
        self.blocklists[made] = _Blocklist(id=made, name=name, kind=kind, values=values)
        return made

    def _routes(self) -> list[Route]:
        desk, one, group = self.desk, "/sim_cards/{sim}", "/sim_card_groups/{group}"
        hang = group + "/actions/{action}"
        routes = [
            Route("/sim_cards", desk.read("list", self._list), methods=["GET"]),
            Route(one, desk.read("get", self._get), methods=["GET"]),
            Route(one, desk.change("update", self._update), methods=["PATCH"]),
            Route(one, desk.change("delete", self._delete), methods=["DELETE"]),
            Route(one + "/wireless_connectivity_logs", desk.read("logs", self._logs), methods=["GET"]),
            Route("/sim_card_actions/{action}", desk.read("action", self._action), methods=["GET"]),
            Route("/sim_card_group_actions/{action}", desk.read("action", self._group_action), methods=["GET"]),
            Route("/sim_card_groups", desk.read("groups", self._groups), methods=["GET"]),
            Route(group, desk.read("group", self._group), methods=["GET"]),
            Route("/wireless_blocklists", desk.read("blocklists", self._blocklists), methods=["GET"]),
            Route("/wireless_blocklists", desk.read("add_blocklist", self._add_blocklist), methods=["POST"]),
            Route("/wireless_blocklists/{list}", desk.read("blocklist", self._blocklist), methods=["GET"]),
            Route(hang, desk.change("blocklist_of_group", self._hang), methods=["POST"]),
        ]
        for action in _ACTIONS:
            path = f"{one}/actions/{action}"
            routes.append(Route(path, desk.change(action, self._act(action)), methods=["POST"]))
        return routes

    # --- at the door

    def _door(self, request: Request) -> None:
        if request.headers.get("authorization", "") != f"Bearer {self._key}":
            raise Refusal("unauthenticated", 401)

    def _mine(self) -> dict[str, Sim]:
        if len(self._known) != len(self.carrier.sims):
            self._known = {words.sim_id(iccid): sim for iccid, sim in self.carrier.sims.items()}
        return self._known

    def _named(self, request: Request) -> Sim | None:
        sim = self._mine().get(str(request.path_params.get("sim", "")))
        return sim if sim is not None and sim.state != "terminated" else None

    def _sim(self, request: Request) -> Sim:
        sim = self._named(request)
        if sim is None:
            raise Refusal("unknown", 404)
        return sim

    # --- reads

    async def _list(self, request: Request) -> Response:
        present = [sim for sim in self._mine().values() if sim.state != "terminated"]
        lines, meta = _page(sorted(present, key=lambda sim: words.sim_id(sim.iccid)), request)
        return _json({"data": [self._body(sim) for sim in lines], "meta": meta})

    async def _get(self, request: Request) -> Response:
        return _data(self._whole(self._sim(request)))

    async def _logs(self, request: Request) -> Response:
        sim, known_at = self._sim(request), self.world.clock() - self.carrier.lag
        seen = {event.session.id: event.session for event in sim.events if event.at <= known_at}
        lines, meta = _page(list(reversed(seen.values())), request)
        return _json({"data": [words.log_body(one, sim) for one in lines], "meta": meta})

    async def _groups(self, request: Request) -> Response:
        lines, meta = _page(list(self.groups.values()), request)
        return _json({"data": [self._group_body(one) for one in lines], "meta": meta})

    async def _group(self, request: Request) -> Response:
        return _data(self._group_body(self._of(request)))

    async def _blocklists(self, request: Request) -> Response:
        lines, meta = _page(list(self.blocklists.values()), request)
        return _json({"data": [self._blocklist_body(one) for one in lines], "meta": meta})

    async def _blocklist(self, request: Request) -> Response:
        found = self.blocklists.get(str(request.path_params["list"]))
        if found is None:
            raise Refusal("unknown", 404)
        return _data(self._blocklist_body(found))

    async def _action(self, request: Request) -> Response:
        return _data(self._action_body(self._known_action(request)))

    async def _group_action(self, request: Request) -> Response:
        return _data(self._group_action_body(self._known_action(request)))

    def _known_action(self, request: Request) -> _Action:
        found = self.actions.get(str(request.path_params["action"]))
        if found is None:
            raise Refusal("unknown", 404)
        return found

    # --- changes of state

    def _act(self, kind: str) -> Handler:
        async def act(request: Request) -> Response:
            sim = self._sim(request)
            target, begins = _ACTIONS[kind]
            word = self._word(sim)
            if word not in begins:
                raise Refusal("rule", 422, message=f"The SIM card cannot be moved while it is {word}.")
            action = self._begin(kind, words.sim_id(sim.iccid))
            broken = self.desk.meets("refuse", sim, f"{kind}_ends")
            if broken is not None:
                said = _data(self._action_body(action), status=202)
                action.status = "interrupted" if broken.code == "interrupted" else "failed"
                action.reason, action.ended_at = broken.message, self.world.clock()
                return said
            self.world.set_state(sim.iccid, target)
            self._end_after(action, sim, target)
            return _data(self._action_body(action), status=202)

        return act

    def _end_after(self, action: _Action, sim: Sim, target: SimState) -> None:
        def end(at: datetime) -> None:
            action.status = "completed" if sim.state == target else "interrupted"
            action.reason = "" if action.status == "completed" else "Another change came in between."
            action.ended_at = at

        if sim.pending is None:
            end(self.world.clock())
        else:
            self.world.after(self.carrier.takes[target], end)

    async def _delete(self, request: Request) -> Response:
        sim = self._sim(request)
        if sim.pending is not None:
            raise Refusal("rule", 422, message="The SIM card has an action in progress.")
        body = {**self._whole(sim), "status": {"value": "disabling", "reason": "The SIM card is being removed."}}
        self.world.set_state(sim.iccid, "terminated")
        return _data(body)

    # --- settings

    async def _update(self, request: Request) -> Response:
        sim, asked = self._sim(request), await _body(request)
        if "sim_card_group_id" in asked:
            group = self.groups.get(str(asked["sim_card_group_id"]))
            if group is None:
                raise Refusal("rule", 422, message="The SIM card group does not exist.")
            sim.group = group.id
            self._steer(sim)
        if "authorized_imeis" in asked:
            sim.imei_lock = ",".join(_imeis(asked["authorized_imeis"]))
        if "data_limit" in asked:
            sim.limit_bytes = _ceiling(asked["data_limit"])
        sim.modified_at = self.world.clock()
        sim.note(sim.modified_at)
        return _data(self._whole(sim))

    # --- networks

    async def _add_blocklist(self, request: Request) -> Response:
        asked = await _body(request)
        values, kind = asked.get("values"), asked.get("type")
        if not isinstance(values, list) or not values or kind not in {"country", "mcc", "plmn"}:
            raise Refusal("rule", 422, message="A blocklist has a name, a type and values.")
        texts = [str(one) for one in cast("list[object]", values)]
        made = self.add_blocklist(str(asked.get("name")), str(kind), texts)
        return _data(self._blocklist_body(self.blocklists[made]), status=202)

    async def _hang(self, request: Request) -> Response:
        group, kind = self._of(request), str(request.path_params["action"])
        if kind not in {"set_wireless_blocklist", "remove_wireless_blocklist"}:
            raise Refusal("unknown", 404)
        wanted = str((await _body(request)).get("wireless_blocklist_id", "")) if kind.startswith("set") else ""
        if wanted and wanted not in self.blocklists:
            raise Refusal("rule", 422, message="The blocklist does not exist.")
        action = self._begin(kind, group.id)
        said = _data(self._group_action_body(action), status=202)

        def end(at: datetime) -> None:
            group.blocklist = wanted
            for sim in self.carrier.sims.values():
                if self._group_of(sim) is group:
                    self._steer(sim)
                    self.desk.count("blocklist_of_group", sim)
            action.status, action.ended_at = "completed", at

        takes = self.carrier.takes.get("active")
        if takes:
            self.world.after(takes, end)
        else:
            end(self.world.clock())
        return said

    def _steer(self, sim: Sim) -> None:
        blocklist = self.blocklists.get(self._group_of(sim).blocklist)
        sim.steering = None
        if blocklist is not None and blocklist.kind == "plmn":
            plmns = frozenset(f"{one[:3]}-{one[3:]}" for one in blocklist.values)
            sim.steering = Steering(kind="block", plmns=plmns)

    # --- shared

    def _begin(self, kind: str, about: str) -> _Action:
        made = _Action(
            id=words.some_id("action", len(self.actions)), kind=kind, about=about, begun_at=self.world.clock()
        )
        self.actions[made.id] = made
        return made

    def _of(self, request: Request) -> _Group:
        found = self.groups.get(str(request.path_params["group"]))
        if found is None:
            raise Refusal("unknown", 404)
        return found

    def _group_of(self, sim: Sim) -> _Group:
        return self.groups.get(sim.group) or self.groups[self.default_group]

    def _word(self, sim: Sim, *, verb: str = "") -> str:
        imei = self.world.devices[sim.device].imei if sim.device is not None else ""
        return words.word_of(sim, self.world.shown(sim.iccid, verb=verb), imei, self.world.clock())

    def _body(self, sim: Sim) -> words.Body:
        now, shown = self.world.clock(), self.world.shown(sim.iccid, verb="get")
        imei = self.world.devices[sim.device].imei if sim.device is not None else ""
        spent = words.spent_bytes(sim, self.carrier, now)
        return words.sim_body(sim, shown, words.word_of(sim, shown, imei, now), self._group_of(sim).id, spent)

    def _whole(self, sim: Sim) -> words.Body:
        return {**self._body(sim), **words.session_part(sim, self.carrier, self.world.clock())}

    def _action_body(self, action: _Action) -> words.Body:
        return {
            "id": action.id,
            "record_type": "sim_card_action",
            "sim_card_id": action.about,
            "action_type": action.kind,
            "status": {"value": action.status, **({"reason": action.reason} if action.reason else {})},
            "settings": {},
            "created_at": words.stamp(action.begun_at),
            "updated_at": words.stamp(action.ended_at or action.begun_at),
        }

    def _group_action_body(self, action: _Action) -> words.Body:
        return {
            "id": action.id,
            "record_type": "sim_card_group_action",
            "sim_card_group_id": action.about,
            "type": action.kind,
            "status": action.status,
            "settings": {},
            "created_at": words.stamp(action.begun_at),
            "updated_at": words.stamp(action.ended_at or action.begun_at),
        }

    def _group_body(self, group: _Group) -> words.Body:
        body: words.Body = {
            "id": group.id,
            "record_type": "sim_card_group",
            "name": group.name,
            "default": group.default,
        }
        return {**body, "wireless_blocklist_id": group.blocklist} if group.blocklist else body

    def _blocklist_body(self, one: _Blocklist) -> words.Body:
        return {
            "id": one.id,
            "record_type": "wireless_blocklist",
            "name": one.name,
            "type": one.kind,
            "values": one.values,
        }


def _imeis(value: object) -> list[str]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    found = [one for one in listed if isinstance(one, str) and len(one) == 15 and one.isdigit()]  # noqa: PLR2004 - an IMEI
    if len(found) != len(listed) or not (value is None or isinstance(value, list)):
        raise Refusal("rule", 422, message="authorized_imeis must be a list of IMEIs.")
    return found


def _ceiling(value: object) -> int:
    asked = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    try:
        return int(Decimal(str(asked.get("amount"))) * _UNITS[str(asked.get("unit"))])
    except (InvalidOperation, KeyError):
        raise Refusal("rule", 422, message="data_limit needs an amount and a unit of MB or GB.") from None


def _page(lines: list[_T], request: Request) -> tuple[list[_T], words.Body]:
    number, size = _number(request, "page[number]", 1), min(_number(request, "page[size]", 20), _LARGEST_PAGE)
    start = (number - 1) * size
    total = -(-len(lines) // size)
    meta: words.Body = {
        "page_number": number,
        "page_size": size,
        "total_pages": total,
        "total_results": len(lines),
    }
    return lines[start : start + size], meta


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise Refusal("malformed", 400, message=f"{name} must be a number from 1.")
    return int(text)


def _data(body: words.Body, *, status: int = 200) -> Response:
    return _json({"data": body}, status=status)


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/json")


async def _body(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.body(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Refusal("malformed", 400, message=f"Malformed request: {error}") from error

"""A carrier that speaks Soracom's contract over the simulated world, as a real HTTP server.

It is strict where the vendor is (tokens end, termination is protected, standby depends on the
plan, budgets run out) and wrong only where a fault says so. It counts what it executed, so a test
can prove that nothing was done twice. It is steered by Python calls on the world and on this
object, never by HTTP. The contract names no error codes; those here are the fake's own, and a
connector that leans on them would fail at the vendor.
"""

import secrets
import time
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from fairlead_sim.carriers import soracom_words as words
from fairlead_sim.carriers.desk import Desk, Handler, Refusal, Why
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState

_LONGEST_TOKEN_S: Final = 172_800
_PLANS: Final = frozenset({"planP1", "planX1", "planX2", "planX3", "plan-US-max"})
_PAGE: Final = 100
_LONGEST_JOB: Final = 10_000
_BATCHED: Final = frozenset({"activate", "suspend", "deactivate", "set_to_standby"})
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


class _SpeedRequest(msgspec.Struct):
    speedClass: str  # noqa: N815


class _AddRequest(msgspec.Struct):
    subscription: str
    type: str = "cellular"
    enable: bool = True


class _LockRequest(msgspec.Struct):
    imei: str = ""


class _SmsRequest(msgspec.Struct):
    payload: str = ""
    encodingType: int = 2  # noqa: N815 - the contract's own name


class _BatchGroupRequest(msgspec.Struct):
    batchGroupName: str  # noqa: N815


class _TaskCall(msgspec.Struct):
    path: str
    method: str


class _Task(msgspec.Struct):
    request: _TaskCall


class _JobRequest(msgspec.Struct):
    tasks: list[_Task]
    jobName: str = ""  # noqa: N815


_CODES: Final[dict[Why, tuple[str, str]]] = {
    "unauthenticated": ("AUM0003", "Authentication failed."),
    "too_fast": ("COM0429", "Too many requests."),
    "away": ("COM0503", "Service unavailable."),
    "broken": ("COM0500", "Internal error."),
}


def _no(refusal: Refusal) -> Response:
    code, message = _CODES.get(refusal.why, ("COM0400", "The request cannot be carried out."))
    body = {"code": refusal.code or code, "message": refusal.message or message}
    return _json(body, status=refusal.status, headers=dict(refusal.headers))


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
        self.desk = Desk(
            world,
            carrier,
            door=self._door,
            sim=lambda request: self.carrier.sims.get(str(request.path_params.get("sim", ""))),
            no=_no,
            per_second=per_second,
            burst=burst,
            monotonic=monotonic,
        )
        self.world = world
        self.carrier = world.carriers[carrier]
        self.operator = f"OP{carrier.upper():0<10}"[:12]
        self.groups: dict[str, str] = {}
        self.batch_takes = timedelta(minutes=2)
        self.batch_groups: dict[str, str] = {}
        self.jobs: dict[str, words.Job] = {}
        self.throttle = self.desk.throttle
        self.executed = self.desk.executed  # (verb, SIM id): changes carried out
        self.requests = self.desk.requests  # by verb; reads as list, get, events, stats, groups
        self._credential = (auth_key_id, auth_key)
        self._longest_token = longest_token.total_seconds()
        self._order: list[str] = []
        self.app = self.desk.app(self._routes())

    @property
    def logins(self) -> int:
        """Handshakes that gave a token."""
        return self.desk.logins

    def add_group(self, name: str) -> str:
        """A group to put SIMs into; gives its id."""
        group = f"{len(self.groups) + 1:08x}-0000-4000-8000-{self.operator.lower():0>12}"
        self.groups[group] = name
        return group

    def expire_tokens(self) -> None:
        """End all tokens now."""
        self.desk.tokens.expire()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        await self.app(scope, receive, send)

    def _routes(self) -> list[Route]:
        one, desk = "/sims/{sim}", self.desk
        profile = one + "/profiles/{iccid}"
        jobs = "/batch_groups/{group}/jobs"
        routes = [
            Route("/auth", desk.welcome(self._auth), methods=["POST"]),
            Route("/sims", desk.read("list", self._list), methods=["GET"]),
            Route(one, desk.read("get", self._get), methods=["GET"]),
            Route(one + "/events/sessions", desk.read("events", self._events), methods=["GET"]),
            Route("/stats/air/sims/{sim}", desk.read("stats", self._stats), methods=["GET"]),
            Route("/groups", desk.read("groups", self._groups), methods=["GET"]),
            Route("/batch_groups", desk.read("batch_groups", self._batch_groups), methods=["GET"]),
            Route("/batch_groups", desk.read("add_batch_group", self._add_batch_group), methods=["POST"]),
            Route(jobs, desk.change("batch_job", self._start_job), methods=["POST"]),
            Route(jobs + "/{job}", desk.read("job", self._get_job), methods=["GET"]),
            Route(jobs + "/{job}/tasks", desk.read("tasks", self._tasks), methods=["GET"]),
        ]
        changes = {
            **{one + "/" + action: action for action in _CHANGES},
            one + "/enable_termination": "enable_termination",
            one + "/disable_termination": "disable_termination",
            one + "/set_group": "set_group",
            one + "/unset_group": "unset_group",
            one + "/update_speed_class": "update_speed_class",
            one + "/set_imei_lock": "set_imei_lock",
            one + "/unset_imei_lock": "unset_imei_lock",
            one + "/delete_session": "delete_session",
            one + "/send_sms": "send_sms",
            profile + "/add_subscription": "add_subscription",
            profile + "/subscribers/{imsi}/cancel_download": "cancel_download",
        }
        for path, verb in changes.items():
            routes.append(Route(path, desk.change(verb, self._change(verb)), methods=["POST"]))
        return routes

    # --- at the door

    def _door(self, request: Request) -> None:
        pair = (request.headers.get("x-soracom-api-key", ""), request.headers.get("x-soracom-token", ""))
        if not self.desk.tokens.valid(pair):
            raise Refusal("unauthenticated", 401)

    async def _auth(self, request: Request) -> Response:
        asked = await _body(request, _AuthRequest)
        if (asked.authKeyId, asked.authKey) != self._credential:
            raise Refusal("unauthenticated", 401, code="AUM0001")
        self.desk.logins += 1
        pair = (f"api-{secrets.token_hex(16)}", secrets.token_urlsafe(48))
        self.desk.tokens.issue(pair, min(float(asked.tokenTimeoutSeconds), self._longest_token))
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
            raise Refusal("rule", 400, code="COM0400", message="period is required.")
        since, until = (datetime.fromtimestamp(_number(request, name, -1), UTC) for name in ("from", "to"))
        known_at = self.world.clock() - self.carrier.usage_lag if self.carrier.usage_lag else None
        return _json(words.stats_body(sim, since=since, until=until, period=period, known_at=known_at))

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
            if verb == "send_sms":
                return await self._send_sms(sim, request)
            return _json(await self._execute(verb, sim, request))

        return change

    async def _execute(self, verb: str, sim: Sim, request: Request) -> words.Body:
        if verb in _CHANGES:
            self._set_state(verb, sim)
        elif verb == "set_group":
            group = (await _body(request, _GroupRequest)).groupId
            if group not in self.groups:
                raise Refusal("unknown", 404, code="GRP0404", message="No such group.")
            sim.group = group
        elif verb == "update_speed_class":
            speed = (await _body(request, _SpeedRequest)).speedClass
            if speed not in words.SPEEDS:
                raise Refusal("rule", 400, code="SIM0400", message="The speed class does not exist.")
            sim.speed = speed
        elif verb == "set_imei_lock":
            self._lock(sim, (await _body(request, _LockRequest)).imei)
        elif verb == "add_subscription":
            return await self._add(sim, request)
        elif verb == "cancel_download":
            return self._cancel(sim, request)
        else:
            self._set_plainly(verb, sim)
        return self._body(sim, self.world.clock())

    def _set_plainly(self, verb: str, sim: Sim) -> None:
        """The changes that need no body."""
        match verb:
            case "enable_termination" | "disable_termination":
                sim.termination_enabled = verb == "enable_termination"
            case "unset_group":
                sim.group = ""
            case "unset_imei_lock":
                sim.imei_lock = ""
            case _:
                if not self.world.reset_connection(sim.iccid):
                    raise Refusal("rule", 400, code="SEM0016", message="The specified subscriber is offline")

    def _lock(self, sim: Sim, imei: str) -> None:
        wanted = imei or (sim.session.imei if sim.session is not None else "")
        if len(wanted) != 15 or not wanted.isdigit():  # noqa: PLR2004 - an IMEI
            raise Refusal("malformed", 400, code="SIMX0422", message="The IMEI is invalid, or the SIM is offline.")
        sim.imei_lock = wanted

    async def _send_sms(self, sim: Sim, request: Request) -> Response:
        asked = await _body(request, _SmsRequest)
        longest = 160 if asked.encodingType == 1 else 70
        if not asked.payload or len(asked.payload) > longest:
            raise Refusal("malformed", 400, code="SMS0400", message="The payload is empty or too long.")
        if sim.state == "terminated":
            raise Refusal("rule", 400, code="SMS0401", message="The SIM does not support SMS.")
        sim.messages.append((self.world.clock(), asked.payload))
        return _json({"messageId": f"{secrets.token_hex(8)}"}, status=202)

    def _set_state(self, verb: str, sim: Sim) -> None:
        if sim.state == "terminated":
            raise Refusal("rule", 400, code="SIMX0410", message="The SIM is terminated.")
        if verb == "terminate" and not sim.termination_enabled:
            raise Refusal("rule", 400, code="SIMX0412", message="Termination protection is on.")
        if verb == "set_to_standby" and sim.plan not in self.carrier.standby_plans:
            raise Refusal("rule", 400, code="SIMX0405", message="The SIM does not support standby.")
        self.world.set_state(sim.iccid, _CHANGES[verb])

    # --- batch jobs

    async def _batch_groups(self, request: Request) -> Response:
        page, following = _slice(sorted(self.batch_groups), request)
        bodies = [words.batch_group_body(key, self.batch_groups[key], self.world.clock()) for key in page]
        return _json(bodies, headers=_next(following, request))

    async def _add_batch_group(self, request: Request) -> Response:
        name = (await _body(request, _BatchGroupRequest)).batchGroupName
        group = f"{len(self.batch_groups) + 1:08x}"
        self.batch_groups[group] = name
        return _json(words.batch_group_body(group, name, self.world.clock()))

    async def _start_job(self, request: Request) -> Response:
        group = str(request.path_params["group"])
        if group not in self.batch_groups:
            raise Refusal("unknown", 404, code="BAT0404", message="No such batch group.")
        asked = await _body(request, _JobRequest)
        parts = [one.request.path.removeprefix("/v1").strip("/").split("/") for one in asked.tasks]
        whole = all(len(part) == 3 and part[0] == "sims" for part in parts)  # noqa: PLR2004 - /sims/{id}/{action}
        actions = {part[-1] for part in parts}
        if not whole or len(actions) != 1 or not actions <= _BATCHED or len(parts) > _LONGEST_JOB:
            raise Refusal("rule", 400, code="BAT0400", message="One supported action, and at most 10,000 tasks.")
        action = actions.pop()
        if any(job.action == action and job.finished_at is None for job in self.jobs.values()):
            raise Refusal("rule", 400, code="BAT0409", message="A job with this action is running.")
        job = words.Job(
            id=f"{len(self.jobs) + 1:08x}",
            group=group,
            name=asked.jobName,
            action=action,
            tasks=[
                words.Task(path=one.request.path, sim=part[1]) for one, part in zip(asked.tasks, parts, strict=True)
            ],
            created_at=self.world.clock(),
        )
        self.jobs[job.id] = job
        self.world.after(self.batch_takes, lambda at: self._run(job, at))
        return _json(words.batch_job_body(job))

    def _run(self, job: words.Job, at: datetime) -> None:
        for task in job.tasks:
            task.status, task.code, task.body = self._task(job.action, self.carrier.sims.get(task.sim))
        job.finished_at = at

    def _task(self, action: str, sim: Sim | None) -> tuple[Literal["success", "error"], int, words.Body]:
        refusal = self.desk.meets("refuse", sim, action)
        if sim is None:
            return "error", 404, {"code": "SIMX0404", "message": "No such SIM."}
        if refusal is not None:
            return "error", refusal.status, {"code": refusal.code, "message": refusal.message}
        try:
            self._set_state(action, sim)
        except Refusal as no:
            return "error", no.status, {"code": no.code, "message": no.message}
        self.desk.count(action, sim)
        return "success", 200, self._body(sim, self.world.clock())

    async def _get_job(self, request: Request) -> Response:
        return _json(words.batch_job_body(self._job(request)))

    async def _tasks(self, request: Request) -> Response:
        job = self._job(request)
        keyed = {f"{number:06}": (number, task) for number, task in enumerate(job.tasks, start=1)}
        page, following = _slice(list(keyed), request)
        bodies = [words.batch_task_body(*keyed[key], job) for key in page]
        return _json(bodies, headers=_next(following, request))

    def _job(self, request: Request) -> words.Job:
        job = self.jobs.get(str(request.path_params["job"]))
        if job is None or job.group != request.path_params["group"]:
            raise Refusal("unknown", 404, code="BAT0404", message="No such job.")
        return job

    # --- further subscriptions

    async def _add(self, sim: Sim, request: Request) -> words.Body:
        asked = await _body(request, _AddRequest)
        if request.path_params["iccid"] != sim.iccid:
            raise Refusal("unknown", 404, code="SIMX0404", message="No such profile.")
        if sim.plan != "plan01s" or asked.subscription not in _PLANS:
            raise Refusal("rule", 400, code="SIMX0415", message="This subscription cannot be added to this SIM.")
        self.world.order_further(sim.iccid, asked.subscription)
        return words.profile_body(sim, self.carrier, self.world.clock())

    def _cancel(self, sim: Sim, request: Request) -> words.Body:
        further = sim.further.get(str(request.path_params["imsi"]))
        if further is None or request.path_params["iccid"] != sim.iccid:
            raise Refusal("unknown", 404, code="SIMX0404", message="No such subscription.")
        if further.began_at is not None:
            raise Refusal("rule", 400, code="SIMX0409", message="The delivery has begun.")
        further.ended = True
        return words.containers_body(sim)

    # --- shared

    def _sim(self, request: Request) -> Sim:
        sim = self.carrier.sims.get(str(request.path_params["sim"]))
        if sim is None:
            raise Refusal("unknown", 404, code="SIMX0404", message="No such SIM.")
        return sim

    def _body(self, sim: Sim, now: datetime) -> words.Body:
        return words.sim_body(sim, self.world.shown(sim.iccid, verb="get"), self.carrier, self.operator, now)


def _json(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = msgspec.json.encode(body)
    return Response(content, status_code=status, headers=headers, media_type="application/json")


_T = TypeVar("_T")


async def _body(request: Request, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.DecodeError as error:
        raise Refusal("rule", 400, code="COM0400", message=f"Malformed request: {error}") from error


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None and default >= 0:
        return default
    try:
        return int(text or "")
    except ValueError:
        raise Refusal("rule", 400, code="COM0400", message=f"{name} must be a number.") from None


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

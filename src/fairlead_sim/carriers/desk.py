"""The front desk that every carrier fake has: who gets in, who is turned away, and what goes wrong on the way.

A fake hangs its handlers behind `read`, `change` and `welcome`; what stands there is the same for
all: the budget, the token, faults met at the door, refusals, 5xx applied or not, answers that are
slow or never leave, and the counting that proves what was asked and what was carried out. How this
carrier says no is its own: the `no` it gives the desk turns a `Refusal` into an answer.

    self.desk = Desk(world, carrier, door=self._door, sim=self._sim, no=_no, per_second=…, burst=…)
    routes = [
        Route("/token", self.desk.welcome(self._token), methods=["POST"]),
        Route("/sims/{sim}", self.desk.read("get", self._get)),
        Route("/sims/{sim}/suspend", self.desk.change("suspend", self._suspend), methods=["POST"]),
    ]
    self.app = self.desk.app(routes)
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from math import ceil
from typing import Final, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from fairlead_sim.carriers.serving import drop
from fairlead_sim.carriers.throttle import Throttle
from fairlead_sim.world.faults import Fault, Kind
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim

Handler = Callable[[Request], Awaitable[Response]]
Token = str | tuple[str, ...]  # a tuple of those that go together
_LOST: Final = "fairlead.lost"  # set in a request's scope: its answer never leaves

Why = Literal[
    "unauthenticated",
    "too_fast",  # the budget, or a storm
    "quota",  # this line has had its changes of the day
    "away",  # 503
    "broken",  # 500
    "refused",  # a fault says so, with its own status, code and message
    "malformed",
    "unknown",  # no such thing
    "rule",  # the carrier's own rules forbid it
]


class Refusal(Exception):
    """An answer that says no. Handlers raise it too."""

    def __init__(
        self, why: Why, status: int, *, code: str = "", message: str = "", retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.why: Why = why
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> Mapping[str, str]:
        """Retry-After, where it is known."""
        return {"retry-after": str(self.retry_after_s)} if self.retry_after_s is not None else {}


class Tokens:
    """What was issued at the door, and until when: real time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._ends: dict[Token, float] = {}

    def issue(self, token: Token, lifetime_s: float) -> None:
        """A token, or a tuple of those that belong together."""
        self._ends[token] = self._monotonic() + lifetime_s

    def valid(self, token: Token) -> bool:
        """True until it ends."""
        return self._ends.get(token, 0.0) > self._monotonic()

    def expire(self) -> None:
        """End all of them now."""
        self._ends.clear()

    def known(self) -> set[str]:
        """The texts of all tokens: for tests that look for leaks."""
        return {part for token in self._ends for part in ((token,) if isinstance(token, str) else token)}


class _Silence(Response):
    """No answer at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        scope[_LOST] = True


class Desk:
    """One account's front desk."""

    def __init__(
        self,
        world: World,
        carrier: str,
        *,
        door: Callable[[Request], None],
        sim: Callable[[Request], Sim | None],
        no: Callable[[Refusal], Response],
        per_second: float = 1000.0,
        burst: int = 1000,
        actions_a_day: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`door` raises a `Refusal` for a request without a valid proof; `sim` finds the SIM a request is about.

        `per_second` and `burst` are the account's budget, in real time. `actions_a_day` is what one
        line may be changed in a day of the world.
        """
        self.world = world
        self.carrier = world.carriers[carrier]
        self.throttle = Throttle(per_second=per_second, burst=burst, monotonic=monotonic)
        self.tokens = Tokens(monotonic)
        self.requests: Counter[str] = Counter()  # by verb, whatever became of them
        self.executed: Counter[tuple[str, str]] = Counter()  # (verb, ICCID): changes carried out
        self.logins = 0
        self.actions_a_day = actions_a_day
        self._actions: Counter[tuple[str, date]] = Counter()
        self._door = door
        self._sim = sim
        self._no = no

    # --- what handlers hang behind

    def welcome(self, handler: Handler, *, verb: str = "auth") -> Handler:
        """A handshake: counted and within the budget, and open to all. The handler counts `logins`."""

        async def welcomed(request: Request) -> Response:
            self.requests[verb] += 1
            self._budget(verb)
            return await handler(request)

        return self._answered(welcomed)

    def read(self, verb: str, handler: Handler) -> Handler:
        """A read: the budget, the token, and what goes wrong before a handler is reached."""

        async def guarded(request: Request) -> Response:
            await self._enter(verb, request)
            return await handler(request)

        return self._answered(guarded)

    def change(self, verb: str, handler: Handler) -> Handler:
        """A change of one SIM: as a read, and refused, broken, lost or carried out; counted when it was.

        A handler that changes several SIMs is given no SIM by `sim`, and counts each with `count`.
        """

        async def guarded(request: Request) -> Response:
            await self._enter(verb, request)
            return await self._carry_out(verb, handler, request)

        return self._answered(guarded)

    async def _carry_out(self, verb: str, handler: Handler, request: Request) -> Response:
        sim = self._sim(request)
        refusal = self.meets("refuse", sim, verb)
        if refusal is not None:
            raise Refusal("refused", refusal.status, code=refusal.code, message=refusal.message)
        broken = self.meets("server_error", sim, verb)
        if broken is not None and not broken.applied:
            raise Refusal("broken", 500)
        if sim is not None:
            self._allow(sim)
        answer = await handler(request)
        if sim is not None:
            self.count(verb, sim)
        if broken is not None:
            raise Refusal("broken", 500)
        return _Silence() if self.meets("lose_reply", sim, verb) is not None else answer

    def count(self, verb: str, sim: Sim) -> None:
        """A change was carried out."""
        self.executed[verb, sim.iccid] += 1
        self._actions[sim.iccid, self.world.clock().date()] += 1
        sim.note(self.world.clock())

    def meets(self, kind: Kind, sim: Sim | None, verb: str) -> Fault | None:
        """The fault of that kind that hits this request, if any."""
        country = self.world.country_of(sim) if sim is not None else None
        key = sim.iccid if sim is not None else verb
        return self.world.faults.meets(kind, self.carrier.id, key=key, country=country, verb=verb)

    def app(self, routes: Sequence[BaseRoute]) -> ASGIApp:
        """The ASGI application, with the one thing Starlette cannot do: not answering."""
        inner = Starlette(routes=routes)

        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            await inner(scope, receive, send)
            if scope.get(_LOST):
                await drop(send)

        return outer

    # --- at the door

    def _answered(self, handler: Handler) -> Handler:
        async def answered(request: Request) -> Response:
            self.world.tick()
            try:
                return await handler(request)
            except Refusal as refusal:
                return self._no(refusal)

        return answered

    async def _enter(self, verb: str, request: Request) -> None:
        self.requests[verb] += 1
        self._budget(verb)
        self._door(request)
        sim = self._sim(request)
        slow = self.meets("slow", sim, verb)
        if slow is not None:
            await asyncio.sleep(slow.delay_s)
        if self.meets("api_down", sim, verb) is not None:
            raise Refusal("away", 503)

    def _budget(self, verb: str) -> None:
        storm = self.world.faults.meets("storm", self.carrier.id, key=verb, country=None, verb=verb)
        if storm is not None:
            raise Refusal("too_fast", 429, retry_after_s=storm.retry_after_s)
        wait = self.throttle.wait()
        if wait > 0:
            raise Refusal("too_fast", 429, retry_after_s=ceil(wait))

    def _allow(self, sim: Sim) -> None:
        done = self._actions[sim.iccid, self.world.clock().date()]
        if self.actions_a_day is not None and done >= self.actions_a_day:
            raise Refusal("quota", 400)

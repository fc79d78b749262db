"""The event stream: who watches is told, within a second or so, that something moved.

An event is a nudge: "look again". It may be lost, doubled or late, and nothing may depend on it;
truth is read from PostgreSQL. Two sources feed a listener:

- **The journal**, whose lines are the events. Nobody publishes them. The sealer chains lines within
  a second and gives them numbers without holes, so each listener reads, by index and behind its
  tenant's wall, the lines after the number it has: the same with any number of workers and API
  processes, with nothing to lose, and a reader that comes back with the last number it saw
  (`Last-Event-ID`) goes on from there. What travels through NATS is only "the sealer was here"; while
  NATS is away listeners look every few seconds by themselves. Events about Changes, bulk
  actions and findings are read out of the same lines, since each of their steps leaves one.
- **What leaves no line**: counts, facts of devices, progress of jobs. Services `tell` it after their
  commit, each process gathers it and publishes at most one message a second a tenant and kind, with
  up to twenty ids and a count, however many devices moved.

`Events` is one object a process: `tell` and `publish` are its sending half, `hear` and `listen` its
receiving half, which only the role `api` uses. A listener holds no queue. What it has not been given
yet is one `Told` a kind, so a slow reader costs no more than a fast one; a reader that takes nothing at
all is hung up on by the door.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge

from fairlead.engine.ports.bus import BusUnavailable, EventStream
from fairlead.engine.ports.events import KINDS, About, Kind
from fairlead.model.ids import TenantId

_log = structlog.get_logger("fairlead.engine.events")
_LOST: Final = Counter("fairlead_events_lost_total", "Messages about events that NATS did not take", ["kind"])
_LISTENERS: Final = Gauge("fairlead_event_listeners", "Open event streams of this process")

ABOUT: Final = 20  # ids in one message


class MalformedEvent(ValueError):
    """A message about events that cannot be read."""


class TooManyListeners(Exception):
    """A tenant has as many streams open at this process as it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things happen, in real seconds, and how much there may be."""

    publish_s: float = 1.0  # between two messages of one tenant and kind
    look_s: float = 5.0  # at the journal, where no word of it came
    heartbeat_s: float = 15.0
    recheck_s: float = 15.0  # whether the caller may still listen
    slow_s: float = 20.0  # a reader that takes nothing for so long is dropped
    listeners: int = 64  # a tenant, at one process
    backlog: int = 1_000  # lines that a reader who was away is given


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What moved of one kind since the last word."""

    about: tuple[About, ...]  # the newest of them, at most `ABOUT`
    count: int

    def and_then(self, later: "Told") -> "Told":
        """Both together."""
        named = {one.id: one for one in self.about}
        for one in later.about:
            named.pop(one.id, None)
            named[one.id] = one
        return Told(about=tuple(named.values())[-ABOUT:], count=self.count + later.count)


@dataclass(slots=True, kw_only=True, eq=False)
class Listener:
    """One open stream."""

    tenant: TenantId
    _news: dict[Kind, Told] = field(default_factory=dict[Kind, Told])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: bool = False

    def give(self, kind: Kind, told: Told) -> None:
        """There is news; joined with what was not taken yet."""
        before = self._news.get(kind)
        self._news[kind] = told if before is None else before.and_then(told)
        self._wake.set()

    def end(self) -> None:
        """The process stops: no more news."""
        self._ended = True
        self._wake.set()

    async def news(self, wait_s: float) -> Mapping[Kind, Told] | None:
        """What came, empty after `wait_s` seconds without any; None once the process stops."""
        try:
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._wake.wait()
        except TimeoutError:
            return {}
        self._wake.clear()
        if self._ended:
            return None
        taken, self._news = self._news, {}
        return taken


class Events:
    """Gathers and publishes what is told here; hears what all processes publish."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace: Final = pace or Pace()
        self._gathered: dict[tuple[TenantId, Kind], Told] = {}
        self._wake = asyncio.Event()
        self._listeners: dict[TenantId, set[Listener]] = {}
        self._closed = False

    # --- telling -----------------------------------------------------------------------------

    def tell(self, tenant: TenantId, kind: Kind, about: Sequence[About] = (), *, count: int | None = None) -> None:
        """Something moved; see `engine.ports.events.Events`."""
        told = Told(about=tuple(about)[-ABOUT:], count=len(about) if count is None else count)
        before = self._gathered.get((tenant, kind))
        self._gathered[tenant, kind] = told if before is None else before.and_then(told)
        self._wake.set()

    async def publish(self, stream: EventStream) -> None:
        """Publish what is told until cancelled: the first word at once, then at most one a second."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            gathered, self._gathered = self._gathered, {}
            for (tenant, kind), told in gathered.items():
                try:
                    await stream.emit(tenant, kind, _written(told))
                except BusUnavailable as away:
                    _LOST.labels(kind).inc()
                    _log.info("events.lost", kind=kind, error=str(away))
            await asyncio.sleep(self.pace.publish_s)

    # --- hearing -----------------------------------------------------------------------------

    async def hear(self, tenant: TenantId, kind: str, payload: bytes) -> None:
        """Take a message; a kind that only newer code knows is let pass. Raises `MalformedEvent`."""
        if kind in KINDS and (listeners := self._listeners.get(tenant)):
            told = _read(payload)
            for listener in listeners:
                listener.give(kind, told)

    def listen(self, tenant: TenantId) -> Listener:
        """Open a stream; `leave` ends it. Raises `TooManyListeners`."""
        listeners = self._listeners.setdefault(tenant, set())
        if len(listeners) >= self.pace.listeners:
            raise TooManyListeners(f"{self.pace.listeners} streams of this tenant are open here")
        listener = Listener(tenant=tenant)
        listeners.add(listener)
        _LISTENERS.inc()
        if self._closed:
            listener.end()
        return listener

    def leave(self, listener: Listener) -> None:
        """Close a stream; twice is once."""
        listeners = self._listeners.get(listener.tenant, set())
        if listener in listeners:
            listeners.discard(listener)
            _LISTENERS.dec()
        if not listeners:
            self._listeners.pop(listener.tenant, None)

    def close(self) -> None:
        """The process stops: every stream ends, and no new one stays open."""
        self._closed = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.end()


def _written(told: Told) -> bytes:
    about = [[one.id, one.action, one.owner] for one in told.about]
    return json.dumps({"about": about, "count": told.count}, separators=(",", ":")).encode()


def _read(payload: bytes) -> Told:
    """A message; raises `MalformedEvent`, which the bus counts."""
    try:
        found: Any = json.loads(payload)
        about = tuple(About(id=str(i), action=str(a), owner=str(o)) for i, a, o in found["about"][:ABOUT])
        return Told(about=about, count=int(found["count"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise MalformedEvent(f"not a message about events: {payload[:80]!r}") from fault

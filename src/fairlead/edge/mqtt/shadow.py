"""Shadows over MQTT: takes what devices send, has it committed in groups, answers each.

Started by `wiring`; any number of processes share the messages. Devices' topics arrive through the
message port, which is NATS's own MQTT listener today and could be another broker's. Messages gather
for a few milliseconds, or as long as the batches before them take; one batch is one tenant's, and
one transaction. Two batches are under way at a time, never with the same device in both, so that a
device's messages keep their order.

Nothing is kept here: what was not answered was not committed, and the device says it again. An
answer therefore leaves only after the commit, and one that is lost is asked for once more.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from fairlead.edge.mqtt.words import Asked, Words
from fairlead.engine.ports.bus import BusUnavailable, DeviceMessage, DeviceMessages, MalformedToken, Subscription
from fairlead.engine.ports.shadow import Arithmetic, Unkeepable
from fairlead.engine.shadow import Applied, Ask, Rejected, Shadows
from fairlead.model.ids import TenantId
from fairlead.wire import shadow as wire

_log = structlog.stdlib.get_logger(__name__)
_ANSWERED: Final = Counter("fairlead_shadow_answers_total", "Shadow requests answered, by outcome", ["outcome"])
_DROPPED: Final = Counter("fairlead_shadow_dropped_total", "Shadow requests left unanswered", ["why"])
_BATCHES: Final = Histogram(
    "fairlead_shadow_batch_size", "Requests committed together", buckets=(1, 4, 16, 64, 256, 512, 1024)
)

ARITHMETIC: Final = Arithmetic(
    merge=wire.merge,
    delta=wire.delta,
    encode=msgspec.json.Encoder(order="deterministic").encode,
    limit_bytes=wire.STATE_LIMIT_BYTES,
)
_PATHS: Final = tuple(f"shadow/{name}{verb.value}" for name in ("", "name/+/") for verb in wire.Verb)
_LINGER_S: Final = 0.004
_BATCH: Final = 512
_AT_ONCE: Final = 3
_WAITING: Final = 50_000  # messages; beyond this the newest are dropped, and devices repeat them
_PAUSE_S: Final = 0.2
_NUDGED_TOGETHER: Final = 1_000


@dataclass(slots=True, kw_only=True)
class Limits:
    """How messages are gathered."""

    batch: int = _BATCH
    linger_s: float = _LINGER_S
    at_once: int = _AT_ONCE
    waiting: int = _WAITING


class ShadowDoor:
    """Serves shadows to devices, and tells devices that something is offered."""

    def __init__(
        self,
        bus: DeviceMessages,
        shadows: Shadows,
        *,
        now: Callable[[], datetime],
        progress: Callable[[TenantId, Sequence[UUID]], Awaitable[None]] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._bus = bus
        self._shadows = shadows
        self._words = Words(now)
        self._progress = progress  # after a commit that acknowledged, refused or moved a fact; must not raise
        self._limits = limits or Limits()
        self._waiting: OrderedDict[str, deque[DeviceMessage]] = OrderedDict()  # by tenant name, in turn
        self._count = 0
        self._busy: set[tuple[str, str]] = set()  # devices of the batches under way
        self._look = asyncio.Event()
        self._ending = False
        self._listening: list[Subscription] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to serve. Raises `BusUnavailable`."""
        for path in _PATHS:
            self._listening.append(await self._bus.listen(path, self._hear))
        self._tasks = [asyncio.create_task(self._serve(), name=f"mqtt.shadow-{n}") for n in range(self._limits.at_once)]

    async def stop(self) -> None:
        """Take no more, and answer what has arrived."""
        for each in self._listening:
            await each.end()
        self._ending = True
        self._look.set()
        await asyncio.gather(*self._tasks)

    # --- gathering -------------------------------------------------------------------------------

    async def _hear(self, message: DeviceMessage) -> None:
        if self._count >= self._limits.waiting:
            _DROPPED.labels(why="overload").inc()
            return
        queue = self._waiting.get(message.tenant)
        if queue is None:
            queue = self._waiting[message.tenant] = deque()
        queue.append(message)
        self._count += 1
        self._look.set()

    async def _serve(self) -> None:
        while not (self._ending and not self._count):
            await self._look.wait()
            if self._count < self._limits.batch and not self._ending:
                await asyncio.sleep(self._limits.linger_s)
            batch = self._take()
            if not batch:
                if self._ending and not self._busy:
                    return
                self._look.clear()  # something arrives, or a batch ends, and we look again
                continue
            try:
                await self._handle(batch)
            except Exception:  # noqa: BLE001 - the database is away: devices repeat what was not answered
                _DROPPED.labels(why="failed").inc(len(batch))
                _log.exception("mqtt.shadow_batch_failed", tenant=batch[0].tenant, messages=len(batch))
                await asyncio.sleep(_PAUSE_S)
            finally:
                self._busy.difference_update((message.tenant, message.device) for message in batch)
                self._look.set()

    def _take(self) -> list[DeviceMessage]:
        """The next tenant's messages, without those of devices that are under way."""
        for tenant in list(self._waiting):
            queue = self._waiting[tenant]
            batch: list[DeviceMessage] = []
            later: list[DeviceMessage] = []
            held: set[str] = set()
            while queue and len(batch) < self._limits.batch and len(later) < self._limits.batch:
                message = queue.popleft()
                if (tenant, message.device) in self._busy or message.device in held:
                    held.add(message.device)
                    later.append(message)
                else:
                    batch.append(message)
            queue.extendleft(reversed(later))
            if queue:
                self._waiting.move_to_end(tenant)
            else:
                del self._waiting[tenant]
            if batch:
                self._count -= len(batch)
                self._busy.update((tenant, message.device) for message in batch)
                return batch
        return []

    # --- handling --------------------------------------------------------------------------------

    async def _handle(self, batch: Sequence[DeviceMessage]) -> None:
        asked: list[Asked] = []
        for message in batch:
            read = self._words.read(message)
            if isinstance(read, Asked):
                asked.append(read)
            else:
                await self._send(read)
                _ANSWERED.labels(outcome="malformed").inc()
        if not asked:
            return
        tenant = await self._shadows.tenant(batch[0].tenant)
        if tenant is None:
            nobody = Rejected(code=404, message="This tenant does not exist")
            applied = Applied(answers=[nobody] * len(asked))
        else:
            applied = await self._apply(tenant, [each.ask for each in asked])
        _BATCHES.observe(len(asked))
        rejected = 0
        for each, answer in zip(asked, applied.answers, strict=True):
            rejected += isinstance(answer, Rejected)
            for message in self._words.answers(each, answer):
                await self._send(message)
        _ANSWERED.labels(outcome="rejected").inc(rejected)
        _ANSWERED.labels(outcome="accepted").inc(len(asked) - rejected)
        if applied.moved and tenant is not None and self._progress is not None:
            await self._progress(tenant, applied.moved)

    async def _apply(self, tenant: TenantId, asks: Sequence[Ask]) -> Applied:
        """Commit a batch; what cannot be kept is found by halves and rejected alone."""
        try:
            return await self._shadows.apply(tenant, asks)
        except Unkeepable as refusal:
            if len(asks) == 1:
                return Applied(answers=[Rejected(code=400, message=f"This state cannot be kept: {refusal}"[:200])])
        middle = len(asks) // 2
        first = await self._apply(tenant, asks[:middle])
        second = await self._apply(tenant, asks[middle:])
        return Applied(answers=first.answers + second.answers, moved=first.moved + second.moved)

    async def _send(self, message: DeviceMessage) -> None:
        try:
            await self._bus.send(message)
        except MalformedToken:
            _DROPPED.labels(why="name").inc()  # nobody can listen under such a name
        except BusUnavailable as lost:
            _log.info("mqtt.shadow_answer_lost", device=message.device, error=str(lost))

    # --- telling devices -------------------------------------------------------------------------

    async def nudge_devices(self, tenant: TenantId, devices: Sequence[tuple[UUID, Sequence[int]]]) -> None:
        """Send each device what it is still missing of these facets. Works without `start`; never raises."""
        for first in range(0, len(devices), _NUDGED_TOGETHER):
            part = devices[first : first + _NUDGED_TOGETHER]
            try:
                name, found = await self._shadows.look(tenant, part)
                for device, facet, shadow in found:
                    if shadow.delta:
                        await self._send(self._words.delta(name, device, facet, shadow))
            except Exception:  # noqa: BLE001 - a lost nudge does not matter: devices ask by themselves
                _log.exception("mqtt.shadow_nudge_failed", tenant=str(tenant), devices=len(part))

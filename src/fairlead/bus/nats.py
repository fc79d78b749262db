"""NATS behind the ports of `engine.ports.bus`: one connection a process, shared by everything in it.

Made by `wiring`. The connection is kept for ever: NATS may restart under it, subscriptions come
back by themselves, and what was published in between waits in a small buffer or fails with
`BusUnavailable`. Work is shared among processes by queue groups, named after what is listened to.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Self
from uuid import UUID

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from prometheus_client import Counter

from fairlead.bus import streams, subjects
from fairlead.bus.connection import open_client, subscribe
from fairlead.engine.ports.bus import (
    BusUnavailable,
    DeviceMessage,
    EventHandler,
    MessageHandler,
    NobodyAnswers,
    NudgeHandler,
    QuestionHandler,
    Subscription,
)
from fairlead.model.ids import TenantId

_log = structlog.stdlib.get_logger(__name__)
_FAILED: Final = Counter("fairlead_bus_handler_failures_total", "Messages whose handler raised", ["on"])
_DROPPED: Final = Counter("fairlead_bus_malformed_total", "Messages that could not be read", ["on"])
_UUID_BYTES: Final = 16


class Listening:
    """A subscription on NATS; ends by finishing what has already arrived."""

    def __init__(self, subscription: NatsSubscription) -> None:
        self._subscription = subscription

    async def end(self) -> None:
        """Stop listening."""
        try:
            await self._subscription.drain()
        except (nats.errors.Error, TimeoutError):
            _log.info("bus.drain_skipped", subject=self._subscription.subject)  # the connection is gone, and it with it


class NatsBus:
    """The bus: nudges, device messages, questions and events over one NATS connection."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    async def connect(cls, url: str, *, user: str, password: str, name: str, tls: ssl.SSLContext | None = None) -> Self:
        """Connect and see to the streams; `name` is this process's, for whoever looks at the server."""
        client = await open_client(url, user=user, password=password, name=name, tls=tls)
        await streams.prepare(client)
        return cls(client)

    async def close(self) -> None:
        """Finish what has arrived, then hang up."""
        try:
            await self._client.drain()
        except (nats.errors.Error, TimeoutError):
            await self._client.close()

    async def flush(self) -> None:
        """Wait until the server has everything sent so far. Raises `BusUnavailable`."""
        try:
            await self._client.flush()
        except (nats.errors.Error, TimeoutError) as away:
            raise BusUnavailable(f"NATS does not answer: {away!r}") from away

    @property
    def connected(self) -> bool:
        """Whether the connection stands now; false while NATS is away. For health and metrics."""
        return self._client.is_connected

    # --- nudges --------------------------------------------------------------------------------

    async def nudge(self, kind: str, tenant: TenantId) -> None:
        """Say "look again"; loses the nudge while NATS is away, since a look comes by itself."""
        subject = subjects.nudge(kind)
        try:
            await self._client.publish(subject, tenant.bytes)
        except nats.errors.Error as lost:
            _log.info("bus.nudge_lost", kind=kind, error=repr(lost))

    async def on_nudge(self, kind: str, handler: NudgeHandler, *, share: bool = True) -> Subscription:
        """Be told; a payload that is no tenant id is counted and dropped."""
        subject = subjects.nudge(kind)

        async def handle(message: Msg) -> None:
            if len(message.data) != _UUID_BYTES:
                _DROPPED.labels(on=subject).inc()
                return
            await handler(TenantId(UUID(bytes=message.data)))

        return await self._subscribe(subject, handle, queue=f"nudge-{kind}" if share else "")

    # --- devices -------------------------------------------------------------------------------

    async def send(self, message: DeviceMessage) -> None:
        """Publish to one device."""
        await self._publish(subjects.device(message.tenant, message.device, message.path), message.payload)

    async def listen(self, path: str, handler: MessageHandler) -> Subscription:
        """Handle live device messages, shared by all processes that listen to this path."""
        subject = subjects.every_device(path)

        async def handle(message: Msg) -> None:
            read = streams.read(message)
            if read is None:
                _DROPPED.labels(on=subject).inc()
            else:
                await handler(read)

        return await self._subscribe(subject, handle, queue="devices")

    # --- questions -----------------------------------------------------------------------------

    async def ask(self, name: str, question: bytes, *, timeout: timedelta) -> bytes:
        """Ask and wait for one answer."""
        subject = subjects.question(name)
        try:
            answer = await self._client.request(subject, question, timeout=timeout.total_seconds())
        except nats.errors.NoRespondersError:
            raise NobodyAnswers(f"nobody serves {name}") from None
        except (nats.errors.Error, TimeoutError) as late:
            raise BusUnavailable(f"no answer from {name} within {timeout}") from late
        return answer.data

    async def serve(self, name: str, handler: QuestionHandler) -> Subscription:
        """Answer questions; a handler that raises leaves the asker to its time-out."""

        async def handle(message: Msg) -> None:
            await message.respond(await handler(message.data))

        return await self._subscribe(subjects.question(name), handle, queue="servers")

    # --- events --------------------------------------------------------------------------------

    async def emit(self, tenant: TenantId, kind: str, payload: bytes) -> None:
        """Publish one event into the stream of events."""
        await self._publish(subjects.event(tenant, kind), payload)

    async def on_event(self, handler: EventHandler) -> Subscription:
        """Be told of every tenant's events as they are published; a subject that names no tenant is dropped."""

        async def handle(message: Msg) -> None:
            found = subjects.read_event(message.subject)
            if found is None:
                _DROPPED.labels(on=subjects.EVENTS).inc()
                return
            await handler(found[0], found[1], message.data)

        return await self._subscribe(subjects.EVENTS, handle, queue="")

    # --- beneath -------------------------------------------------------------------------------

    async def _publish(self, subject: str, payload: bytes) -> None:
        try:
            await self._client.publish(subject, payload)
        except nats.errors.Error as refusal:
            raise BusUnavailable(f"not sent to {subject}: {refusal}") from refusal

    async def _subscribe(self, subject: str, handle: Callable[[Msg], Awaitable[None]], *, queue: str) -> Listening:
        async def guarded(message: Msg) -> None:
            try:
                await handle(message)
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001 - one message's failure must not end the listening
                _FAILED.labels(on=subject).inc()
                _log.exception("bus.handler_failed", on=subject)

        try:
            return Listening(await subscribe(self._client, subject, queue=queue, handle=guarded))
        except nats.errors.Error as refusal:
            raise BusUnavailable(f"not listening to {subject}: {refusal}") from refusal

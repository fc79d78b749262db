"""The streams: bounded memory of NATS for what arrives while nobody listens.

`bus.nats` calls this. Three streams, all bounded by age and per subject, so that no device and no
absence of ours can fill a disk:

    FAIRLEAD_UPDATES  shadow updates from devices, until one of our processes has handled them
    FAIRLEAD_EVENTS   events for readers outside, for a week
    $MQTT_msgs        the broker's own store of QoS 1 messages, which is unbounded as it comes

Updates are pulled in batches by one consumer that all processes share; a batch is acknowledged
after its handler returned, hence after its transaction. The pull is our own rather than the
library's `fetch`, which waits for a batch to fill up: here a batch is whatever has arrived.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, Self, cast

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from prometheus_client import Counter

from fairlead.bus import subjects
from fairlead.bus.connection import subscribe
from fairlead.engine.ports.bus import BatchHandler, BusUnavailable, DeviceMessage

_log = structlog.stdlib.get_logger(__name__)
_FAILED: Final = Counter("fairlead_bus_batch_failures_total", "Batches of shadow updates whose handler raised")
_MALFORMED: Final = Counter("fairlead_bus_batch_malformed_total", "Captured messages that could not be read")

_SECOND: Final = 1_000_000_000  # JetStream counts in nanoseconds
_DAY: Final = 86_400 * _SECOND
_UPDATES: Final = "FAIRLEAD_UPDATES"
_EVENTS: Final = "FAIRLEAD_EVENTS"
_MQTT: Final = "$MQTT_msgs"
_CONSUMER: Final = "updates"
_BATCH: Final = 256
_PULL_S: Final = 1
_PAUSE_S: Final = 0.2
_TIMEOUT_S: Final = 5.0
_UPDATE_LIMIT_BYTES: Final = 65_536
_EXISTS: Final = frozenset({10058, 10065})  # stream name in use with other settings; subjects overlap

_STREAMS: Final[dict[str, dict[str, Any]]] = {
    _UPDATES: {
        "subjects": list(subjects.UPDATES),
        "retention": "workqueue",  # gone once handled
        "max_age": _DAY,
        "max_msgs_per_subject": 32,  # a device that was not accepted repeats: its newest are enough
        "max_bytes": 256 * 1_048_576,
        "max_msg_size": _UPDATE_LIMIT_BYTES,
    },
    _EVENTS: {
        "subjects": [subjects.EVENTS],
        "retention": "limits",
        "max_age": 7 * _DAY,
        "max_msgs_per_subject": 100_000,
        "max_bytes": 256 * 1_048_576,
    },
    _MQTT: {
        "subjects": ["$MQTT.msgs.>"],
        "retention": "interest",
        "max_age": _DAY,
        "max_msgs_per_subject": 32,
        "max_bytes": 128 * 1_048_576,
    },
}


def read(message: Msg) -> DeviceMessage | None:
    """The device message in a NATS message; None when its subject is not a device's."""
    found = subjects.read_device(message.subject)
    if found is None:
        return None
    tenant, device, path = found
    return DeviceMessage(tenant=tenant, device=device, path=path, payload=message.data)


async def prepare(client: Client) -> None:
    """Make the streams and the consumer, or bring them to these bounds; the same any number of times."""
    for name, bounds in _STREAMS.items():
        settings = {"name": name, "storage": "file", "discard": "old", "num_replicas": 1, **bounds}
        answer = await _api(client, f"STREAM.CREATE.{name}", settings)
        if _code(answer) in _EXISTS:
            answer = await _api(client, f"STREAM.UPDATE.{name}", settings)
        _expect(name, answer)
    consumer = {
        "durable_name": _CONSUMER,
        "ack_policy": "explicit",
        "ack_wait": 30 * _SECOND,
        "max_deliver": 5,
        "max_ack_pending": 16 * _BATCH,
        "deliver_policy": "all",
    }
    answer = await _api(
        client, f"CONSUMER.CREATE.{_UPDATES}.{_CONSUMER}", {"stream_name": _UPDATES, "config": consumer}
    )
    _expect(_CONSUMER, answer)


class Gathering:
    """A process's part in handling the captured updates."""

    def __init__(self, client: Client, inbox: str, handler: BatchHandler) -> None:
        self._client = client
        self._inbox = inbox
        self._handler = handler
        self._arrived: asyncio.Queue[Msg | None] = asyncio.Queue()  # None wakes whoever waits when it ends
        self._asked = 0  # messages the server still owes us of the present pull
        self._ending = False
        self._subscription: NatsSubscription | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def begin(cls, client: Client, handler: BatchHandler) -> Self:
        """Start pulling; ends by `end`."""
        gathering = cls(client, client.new_inbox(), handler)
        gathering._subscription = await subscribe(client, gathering._inbox, handle=gathering._arrived.put)
        gathering._task = asyncio.create_task(gathering._run(), name="bus.gather")
        return gathering

    async def end(self) -> None:
        """Finish the batch at hand and stop; what else was pulled is given back for another process."""
        self._ending = True
        self._arrived.put_nowait(None)
        if self._task is not None:
            await self._task
        if self._subscription is not None:
            try:
                await self._subscription.unsubscribe()
                while not self._arrived.empty():
                    left = self._arrived.get_nowait()
                    if left is not None and not _is_status(left):
                        await left.nak()
            except nats.errors.Error:
                _log.info("bus.unsubscribe_skipped")  # the connection is gone, and the subscription with it

    async def _run(self) -> None:
        while not self._ending:
            try:
                batch = await self._next_batch()
                if batch:
                    await self._handle(batch)
            except nats.errors.ConnectionClosedError:
                return  # the bus was closed under us
            except (nats.errors.Error, BusUnavailable, TimeoutError) as away:
                _log.info("bus.gather_waits", error=repr(away))
                self._asked = 0
                await asyncio.sleep(_PAUSE_S)

    async def _next_batch(self) -> list[Msg]:
        """Whatever has arrived, at least one message if any comes within the pull's time."""
        if self._asked <= 0 and self._arrived.empty():
            pull = {"batch": _BATCH, "expires": _PULL_S * _SECOND}
            await self._client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{_UPDATES}.{_CONSUMER}", json.dumps(pull).encode(), reply=self._inbox
            )
            self._asked = _BATCH
        try:
            first = await asyncio.wait_for(self._arrived.get(), timeout=_PULL_S + 1)
        except TimeoutError:
            self._asked = 0  # the pull is lost: NATS restarted
            return []
        batch: list[Msg] = []
        message: Msg | None = first
        while message is not None:
            if _is_status(message):
                await self._ended_pull((message.headers or {})["Status"])
            else:
                self._asked -= 1
                batch.append(message)
            message = None if self._arrived.empty() or len(batch) >= _BATCH else self._arrived.get_nowait()
        return batch

    async def _ended_pull(self, status: str) -> None:
        self._asked = 0
        if status not in {"404", "408"}:  # 503 and 409: the stream or its consumer is gone
            await asyncio.sleep(_PAUSE_S)
            await prepare(self._client)

    async def _handle(self, batch: Sequence[Msg]) -> None:
        messages: list[DeviceMessage] = []
        for message in batch:
            found = read(message)
            if found is None:
                _MALFORMED.inc()
            else:
                messages.append(found)
        try:
            if messages:
                await self._handler(messages)
        except Exception:  # noqa: BLE001 - the batch comes again; the others must not wait for a restart
            _FAILED.inc()
            _log.exception("bus.batch_failed", messages=len(batch))
            for message in batch:
                await message.nak(delay=1)
            return
        for message in batch:
            await message.ack()


def _is_status(message: Msg) -> bool:
    """Whether this is the server's word about a pull, not a message."""
    return not message.data and "Status" in (message.headers or {})


async def _api(client: Client, call: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=_TIMEOUT_S)
    except (nats.errors.Error, TimeoutError) as refusal:
        raise BusUnavailable(f"JetStream does not answer {call}: {refusal!r}") from refusal
    return cast("dict[str, Any]", json.loads(answer.data))


def _code(answer: dict[str, Any]) -> int:
    return int(answer.get("error", {}).get("err_code", 0))


def _expect(name: str, answer: dict[str, Any]) -> None:
    if "error" in answer:
        raise BusUnavailable(f"JetStream refuses {name}: {answer['error'].get('description')}")

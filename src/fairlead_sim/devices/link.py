"""One device's MQTT connection: Eclipse Paho's client, driven by the event loop.

Paho brings protocol and state, the loop says when its socket can be read or written; so a device
costs a client object and a socket, no thread, no task and no timer. The fleet calls `tick` now and
then for the keep-alive. Only connecting blocks, and is done in a thread.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

_KEEPALIVE_S: Final = 60
_TRAFFIC: Final = 64  # packets read at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where devices connect."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


class Hears(Protocol):
    """Who is told what happens on a link."""

    def link_up(self) -> None:
        """Connected, admitted and subscribed."""
        ...

    def link_down(self) -> None:
        """The connection ended or could not be made; not told after `close`."""
        ...

    def heard(self, topic: str, payload: bytes) -> None:
        """A message came."""
        ...


class Link:
    """A connection that its device opens and closes; it does not come back by itself."""

    def __init__(
        self, broker: Broker, *, user: str, secret: str, topics: Sequence[str], gate: asyncio.Semaphore
    ) -> None:
        self._broker = broker
        self._topics = [(topic, 0) for topic in topics]
        self._gate = gate  # how many of a fleet connect at a time
        self._loop = asyncio.get_running_loop()
        self._hears: Hears | None = None
        self._opening: asyncio.Task[None] | None = None
        self._wanted = False
        self._settled: asyncio.Event | None = None  # admitted, refused or lost
        self.up = False
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=user, protocol=mqtt.MQTTv311, reconnect_on_failure=False
        )
        client.username_pw_set(user, secret)
        if broker.tls is not None:
            client.tls_set_context(broker.tls)  # pyright: ignore[reportUnknownMemberType] - typed without ssl
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        client.on_socket_close = self._socket_closed
        client.on_socket_register_write = self._wants_write
        client.on_socket_unregister_write = self._wrote
        client.connect_async(broker.host, broker.port, _KEEPALIVE_S)
        self._client = client

    def tell(self, hears: Hears) -> None:
        """Set who is told."""
        self._hears = hears

    def open(self) -> None:
        """Begin to connect, unless that is under way."""
        self._wanted = True
        if self._opening is None and not self.up:
            self._opening = self._loop.create_task(self._open())

    async def _open(self) -> None:
        try:
            async with self._gate:
                self._settled = asyncio.Event()
                await asyncio.to_thread(self._client.reconnect)
                sock = self._client.socket()
                if sock is None:
                    raise ConnectionError("no socket")
                self._loop.add_reader(sock.fileno(), self._readable)
                if self._client.want_write():
                    self._loop.add_writer(sock.fileno(), self._writable)
                await asyncio.wait_for(self._settled.wait(), _KEEPALIVE_S / 4)
            self._opening = None
            if not self._wanted:
                self.close()
            elif not self.up:
                raise ConnectionError("closed while it was being opened")
        except (OSError, ValueError, TimeoutError):
            self._opening = None
            self._drop()
            self._tell_down()

    def close(self) -> None:
        """End the connection; whoever closes is not told."""
        self._wanted = False
        if self._opening is None:
            self._drop()

    async def ended(self) -> None:
        """Wait until a connection that was being made is given up."""
        opening = self._opening
        if opening is not None:
            opening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await opening
            self._opening = None
            self._drop()

    def _drop(self) -> None:
        self.up = False
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
            self._client.loop_write()  # Paho leaves it to the loop, which may be about to connect anew
        sock = self._client.socket()
        if sock is not None:
            self._socket_closed(None, None, sock)  # it is closed when connecting anew, in another thread

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send at QoS 0; False when there is no connection."""
        return self.up and self._client.publish(topic, payload).rc == mqtt.MQTT_ERR_SUCCESS

    def tick(self) -> None:
        """See to the keep-alive."""
        if self.up:
            self._client.loop_misc()

    # --- what Paho says --------------------------------------------------------------------------

    def _connected(self, _client: Any, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            self._client.subscribe(self._topics)

    def _subscribed(self, _client: Any, _userdata: Any, _mid: int, _codes: Any, _properties: Any) -> None:
        self._settle()
        self.up = self._wanted
        if self.up and self._hears is not None:
            self._loop.call_soon(self._hears.link_up)

    def _disconnected(self, _client: Any, _userdata: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        self._settle()
        self.up = False
        self._tell_down()

    def _settle(self) -> None:
        if self._settled is not None:
            self._settled.set()

    def _tell_down(self) -> None:
        if self._wanted and self._hears is not None:
            self._wanted = False
            self._loop.call_soon(self._hears.link_down)

    def _message(self, _client: Any, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        if self._hears is not None:  # outside of Paho's callback, where the link must not be closed
            self._loop.call_soon(self._hears.heard, message.topic, bytes(message.payload))

    # --- its socket ------------------------------------------------------------------------------

    def _readable(self) -> None:
        self._client.loop_read(_TRAFFIC)

    def _writable(self) -> None:
        self._client.loop_write()

    def _wants_write(self, _client: Any, _userdata: Any, sock: Any) -> None:
        self._from_anywhere(self._loop.add_writer, sock.fileno(), self._writable)

    def _wrote(self, _client: Any, _userdata: Any, sock: Any) -> None:
        self._from_anywhere(self._loop.remove_writer, sock.fileno())

    def _socket_closed(self, _client: Any, _userdata: Any, sock: Any) -> None:
        number = sock.fileno()
        if number >= 0:
            self._from_anywhere(self._loop.remove_reader, number)
            self._from_anywhere(self._loop.remove_writer, number)

    def _from_anywhere(self, call: Callable[..., Any], *arguments: Any) -> None:
        """At once in the loop's own thread; connecting happens in another, and looks at the socket afterwards."""
        with contextlib.suppress(RuntimeError):  # no loop in this thread
            if asyncio.get_running_loop() is self._loop:
                call(*arguments)

"""One connection to NATS that is kept for ever, for every part of Fairlead that needs one.

`bus.nats` and `bus.kick` connect through here, and `wiring` does for the MQTT door. NATS may
restart under a connection: it comes back within a tenth of a second of the server, and its
subscriptions with it.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from prometheus_client import Counter

from fairlead.engine.ports.bus import BusUnavailable

_log = structlog.stdlib.get_logger(__name__)
_RECONNECTS: Final = Counter("fairlead_bus_reconnects_total", "Times a connection to NATS came back")
_PAUSE_S: Final = 0.1


async def open_client(
    url: str, *, user: str, password: str, name: str, tls: ssl.SSLContext | None = None, patience_s: float = 10.0
) -> Client:
    """A connection that never gives up once it was made.

    Until then it tries for `patience_s`, since NATS may be starting beside us; wrong credentials end that
    at once. Raises `BusUnavailable`.
    """
    deadline = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            return await _connect(url, user=user, password=password, name=name, tls=tls)
        except (nats.errors.Error, OSError, TimeoutError) as refusal:
            late = asyncio.get_running_loop().time() >= deadline
            if late or "authorization" in str(refusal).lower():
                raise BusUnavailable(f"no connection to NATS at {url} as {user}: {refusal}") from refusal
        await asyncio.sleep(_PAUSE_S)


async def _connect(url: str, *, user: str, password: str, name: str, tls: ssl.SSLContext | None) -> Client:
    """Try once. The library would try for ever, so it may reconnect only after the first success."""
    client = Client()

    async def lost() -> None:
        if not (client.is_closed or client.is_draining):
            _log.warning("bus.disconnected", connection=name)

    async def back() -> None:
        _RECONNECTS.inc()
        _log.info("bus.reconnected", connection=name)

    async def trouble(error: Exception) -> None:
        if client.options["allow_reconnect"]:
            _log.warning("bus.error", connection=name, error=repr(error))

    await client.connect(
        url,
        user=user,
        password=password,
        name=name,
        tls=tls,
        connect_timeout=5,
        allow_reconnect=False,
        max_reconnect_attempts=1,
        reconnect_time_wait=_PAUSE_S,  # pyright: ignore[reportArgumentType] - seconds; declared int, used as float
        disconnected_cb=lost,
        reconnected_cb=back,
        error_cb=trouble,
    )
    client.options["allow_reconnect"] = True
    client.options["max_reconnect_attempts"] = -1
    return client


async def subscribe(
    client: Client, subject: str, *, queue: str = "", handle: Callable[[Msg], Awaitable[None]] | None = None
) -> Subscription:
    """Subscribe; without `handle` the messages are fetched with `next_msg`."""
    return await client.subscribe(subject, queue=queue, cb=handle)  # pyright: ignore[reportUnknownMemberType] - a bare Future in its signature

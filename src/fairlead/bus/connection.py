"""One connection to NATS that is kept for ever, for every part of Fairlead that needs one.

`bus.nats` and `bus.kick` connect through here, and `wiring` does for the MQTT door. NATS may
restart under a connection: it comes back within a tenth of a second of the server, and its
subscriptions with it.
"""

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


async def open_client(url: str, *, user: str, password: str, name: str, tls: ssl.SSLContext | None = None) -> Client:
    """A connection that never gives up once it was made; raises `BusUnavailable` when it cannot be made now."""
    client = Client()

    async def lost() -> None:
        _log.warning("bus.disconnected", connection=name)

    async def back() -> None:
        _RECONNECTS.inc()
        _log.info("bus.reconnected", connection=name)

    async def trouble(error: Exception) -> None:
        _log.warning("bus.error", connection=name, error=repr(error))

    try:
        await client.connect(
            url,
            user=user,
            password=password,
            name=name,
            tls=tls,
            connect_timeout=5,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,  # pyright: ignore[reportArgumentType] - seconds; the library says int and sleeps a float
            disconnected_cb=lost,
            reconnected_cb=back,
            error_cb=trouble,
        )
    except (nats.errors.Error, OSError, TimeoutError) as refusal:
        raise BusUnavailable(f"no connection to NATS at {url} as {user}: {refusal}") from refusal
    return client


async def subscribe(
    client: Client, subject: str, *, queue: str = "", handle: Callable[[Msg], Awaitable[None]] | None = None
) -> Subscription:
    """Subscribe; without `handle` the messages are fetched with `next_msg`."""
    return await client.subscribe(subject, queue=queue, cb=handle)  # pyright: ignore[reportUnknownMemberType] - a bare Future in its signature

"""So many connections, each by itself: whoever asks takes a free one, and gives it back when the reply is read.

A pool that holds many connections looks at every one of them several times for each request, down to
asking the kernel whether it was closed: with twenty it spends more on that than on the request. A
pool of one has one to look at. What a connection does, and what its failures are called, is the same.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final, cast

import httpx

Origin = tuple[str, str, int | None]
IDLE_S: Final = 2.0  # after which a connection is not used again, but closed


class _Slot:
    """One connection, whom it is open to, and since when it is free."""

    __slots__ = ("origin", "since", "transport")

    def __init__(self, transport: httpx.AsyncBaseTransport, origin: Origin) -> None:
        self.transport = transport
        self.origin = origin
        self.since = 0.0


class Slots(httpx.AsyncBaseTransport):
    """At most `connections` at once, over all origins."""

    def __init__(
        self,
        connections: int,
        make: Callable[[], httpx.AsyncBaseTransport],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`make` gives a transport that holds one connection; it is asked when one more is needed."""
        self._make = make
        self._monotonic = monotonic
        self._gate = asyncio.Semaphore(connections)
        self._made: set[_Slot] = set()
        self._free: list[_Slot] = []  # given back last: last
        self._left = connections

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send over a free connection. Raises `PoolTimeout` when none becomes free in time."""
        await self._tidy()
        waits: float | None = request.extensions.get("timeout", {}).get("pool")
        try:
            async with asyncio.timeout(waits):
                await self._gate.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("no connection became free in time", request=request) from None
        slot = self._taken((request.url.scheme, request.url.host, request.url.port))
        try:
            given = await slot.transport.handle_async_request(request)
        except BaseException:
            self._give_back(slot)
            raise
        given.stream = _Kept(cast("httpx.AsyncByteStream", given.stream), lambda: self._give_back(slot))
        return given

    def _taken(self, origin: Origin) -> _Slot:
        """One that is open to this origin, else a new one, else the one that was idle longest."""
        place = next((n for n in range(len(self._free) - 1, -1, -1) if self._free[n].origin == origin), None)
        if place is not None:
            return self._free.pop(place)
        if self._left:
            self._left -= 1
            slot = _Slot(self._make(), origin)
            self._made.add(slot)
        else:
            slot = self._free.pop(0)
            slot.origin = origin
        return slot

    def _give_back(self, slot: _Slot) -> None:
        slot.since = self._monotonic()
        self._free.append(slot)
        self._gate.release()

    async def _tidy(self) -> None:
        """Close the connection that was idle longest, if that is too long: nobody else would before it is used."""
        if not self._free or self._monotonic() - self._free[0].since < IDLE_S:
            return
        slot = self._free.pop(0)
        self._made.discard(slot)
        self._left += 1
        with suppress(httpx.TransportError, OSError):
            await slot.transport.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        made, self._made = self._made, set()
        for slot in made:
            await slot.transport.aclose()


class _Kept(httpx.AsyncByteStream):
    """A reply's body, which holds its connection until it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, give_back: Callable[[], None]) -> None:
        self._stream = stream
        self._give_back: Callable[[], None] | None = give_back

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        """Close it, and give the connection back: once, however often it is closed."""
        try:
            await self._stream.aclose()
        finally:
            give_back, self._give_back = self._give_back, None
            if give_back is not None:
                give_back()

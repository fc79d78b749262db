"""Connections by themselves: reused, bounded, given back whatever happens, and closed when idle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from fairlead.connectors._kit.http import new_client
from fairlead.connectors._kit.slots import IDLE_S, Slots


class Server:
    """Answers every request, and knows of its connections; `held` keeps answers back."""

    def __init__(self) -> None:
        self.opened = self.now = self.most = self.served = 0
        self.held = asyncio.Event()
        self.held.set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened, self.now = self.opened + 1, self.now + 1
        self.most = max(self.most, self.now)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await self.held.wait()
                self.served += 1
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.now -= 1
            writer.close()


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Server, str]]:
    server = Server()
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    try:
        yield server, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    finally:
        listening.close()


async def gone(server: Server, left: int) -> None:
    async with asyncio.timeout(5):
        while server.now != left:  # noqa: ASYNC110 - only the peer knows when
            await asyncio.sleep(0.01)


async def test_a_connection_is_used_again() -> None:
    async with served() as (server, url), new_client(connections=5) as http:
        for _ in range(10):
            assert (await http.get(url)).json() is True
        assert (server.opened, server.served) == (1, 10)
    await gone(server, 0)


async def test_no_more_connections_than_allowed_and_everybody_gets_one() -> None:
    async with served() as (server, url), new_client(connections=3) as http:
        answers = await asyncio.gather(*(http.get(url) for _ in range(30)))
        assert [one.status_code for one in answers] == [200] * 30
        assert (server.most, server.opened) == (3, 3)


async def test_each_origin_keeps_its_own_and_gives_it_up_when_there_is_no_other() -> None:
    async with served() as (one, first), served() as (two, second):
        async with new_client(connections=2) as http:
            for _ in range(5):
                await http.get(first)
                await http.get(second)
        assert (one.opened, two.opened) == (1, 1)
        async with new_client(connections=1) as http:
            for _ in range(5):
                await http.get(first)
                await http.get(second)
        assert (one.opened, two.opened, one.served, two.served) == (6, 6, 10, 10)


async def test_who_waits_too_long_for_a_connection_sent_nothing() -> None:
    async with served() as (server, url), new_client(connections=1) as http:
        server.held.clear()
        busy = asyncio.create_task(http.get(url))
        await asyncio.sleep(0.05)
        with pytest.raises(httpx.PoolTimeout):
            await http.get(url, timeout=httpx.Timeout(5, pool=0.05))
        server.held.set()
        assert (await busy).status_code == 200
        assert (await http.get(url)).status_code == 200
        assert server.served == 2


async def test_a_failure_gives_its_connection_back() -> None:
    async with served() as (server, url), new_client(connections=1) as http:
        for _ in range(3):
            with pytest.raises(httpx.ConnectError):
                await http.get("http://127.0.0.1:9/")
        server.held.clear()
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                await http.get(url, timeout=httpx.Timeout(5, read=0.05))
        server.held.set()
        assert (await http.get(url, timeout=5)).status_code == 200


async def test_whoever_gives_up_gives_its_connection_back() -> None:
    async with served() as (server, url), new_client(connections=1) as http:
        server.held.clear()
        sending, waiting = (asyncio.create_task(http.get(url)) for _ in range(2))
        await asyncio.sleep(0.05)
        for task in (waiting, sending):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        server.held.set()
        assert (await http.get(url, timeout=5)).status_code == 200


async def test_a_reply_holds_its_connection_until_it_is_closed_and_closed_twice_gives_back_once() -> None:
    slots = Slots(1, lambda: httpx.MockTransport(lambda request: httpx.Response(200, json=True)))
    soon = httpx.Request("GET", "http://127.0.0.1/", extensions={"timeout": {"pool": 0.05}})
    for _ in range(3):
        reply = await slots.handle_async_request(soon)
        with pytest.raises(httpx.PoolTimeout):
            await slots.handle_async_request(soon)
        for _ in range(2):
            await reply.aclose()
            await reply.stream.aclose()  # type: ignore[union-attr]


async def test_what_is_idle_too_long_is_closed_by_the_next_request_of_anybody() -> None:
    clock = [0.0]
    one = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60)
    async with served() as (quiet, first), served() as (_, second):
        slots = Slots(5, lambda: httpx.AsyncHTTPTransport(limits=one), monotonic=lambda: clock[0])
        async with httpx.AsyncClient(transport=slots) as http:
            await http.get(first)
            clock[0] += IDLE_S - 0.1
            await http.get(second)
            assert quiet.now == 1
            clock[0] += 0.1
            await http.get(second)
            await gone(quiet, 0)
            assert (await http.get(first)).status_code == 200
            assert quiet.opened == 2

"""Puts an ASGI application on a loopback port inside the running event loop.

Used by the demo and by tests. `drop` is how a fake loses a reply: the connection is cut with no
byte of an answer, as when a carrier's front end dies after the work was done.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp, Send


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
    """Serve until the block ends; gives the base URL."""
    # Named protocol: asyncio sets TCP_NODELAY only on sockets that say they are TCP, and 40 ms a reply hang on it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    config = uvicorn.Config(app, lifespan="off", log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    server = _Quiet(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
                raise OSError(f"nothing serves on {host}:{port}")
            await asyncio.sleep(0.005)
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def drop(send: Send) -> None:
    """Cut the connection under an answer that has not begun."""
    cycle = getattr(send, "__self__", None)  # uvicorn's request cycle, which holds the transport
    abort = getattr(getattr(cycle, "transport", None), "abort", None)
    if not callable(abort):
        raise TypeError("replies can only be lost on uvicorn's own connections")
    abort()
    await asyncio.sleep(0)  # lets the server see the loss before the application returns

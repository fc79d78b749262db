"""Walks a carrier's pages by its own cursor, one request a page, and notices a cursor that does not move."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from fairlead.engine.ports.carrier import Cursor, Unavailable

T = TypeVar("T")


async def pages(
    what: str, read: Callable[[Cursor | None], Awaitable[tuple[T, str | None]]], *, after: Cursor | None = None
) -> AsyncIterator[tuple[T, Cursor | None]]:
    """Each page with the cursor behind it, None at the end. An empty page in the middle is a page like any other.

    `read` takes a cursor and gives the page and the next cursor. Raises `Unavailable` when it stands still.
    """
    while True:
        page, following = await read(after)
        if following is not None and following == after:
            raise Unavailable(f"{what}: the carrier's cursor does not move")
        after = Cursor(following) if following is not None else None
        yield page, after
        if after is None:
            return

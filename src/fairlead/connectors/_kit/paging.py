"""Walks a carrier's pages by its own cursor, one request a page, and notices a cursor that does not move.

A carrier that numbers its pages has the number for a cursor: `number_of` reads one, `after_number` makes the next.
"""

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


def number_of(cursor: Cursor | None) -> int:
    """The page a cursor names, counted from 1; raises `Unavailable` for one that is no page number."""
    if cursor is None:
        return 1
    if not (cursor.isascii() and cursor.isdigit() and 0 < len(cursor) < 10):  # noqa: PLR2004 - no inventory is longer
        raise Unavailable(f"{cursor[:40]!r} is not a page number")
    return int(cursor)


def after_number(number: int, *, total: int | None, lines: int, size: int) -> str | None:
    """The cursor behind a page; where the carrier does not say how many there are, a full page has a next one."""
    more = number < total if total is not None else lines >= size
    return str(number + 1) if more else None

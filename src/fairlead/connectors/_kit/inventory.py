"""An inventory out of a carrier's pages: what could be read, where it goes on, and what was not even a SIM."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from fairlead.connectors._kit.paging import pages
from fairlead.connectors._kit.reading import as_list
from fairlead.engine.ports.carrier import Cursor, SimPage, SimRecord, Unavailable
from fairlead.model.subscription import Freshness

Turn = Callable[[Cursor | None], Awaitable[tuple[list[object], str | None]]]
Read = Callable[[object, Freshness], SimRecord | None]

_SHOWN = 200  # letters of an unreadable entry


def inventory(
    what: str, turn: Turn, read: Read, *, fresh: Callable[[], Freshness], after: Cursor | None
) -> AsyncIterator[SimPage]:
    """Every page behind `after`. `turn` asks for one: its entries and the cursor behind it; `read` makes a record."""

    async def turned(cursor: Cursor | None) -> tuple[tuple[list[object], Freshness], str | None]:
        asked_at = fresh()
        entries, following = await turn(cursor)
        return (entries, asked_at), following

    async def walk() -> AsyncIterator[SimPage]:
        async for (entries, asked_at), onward in pages(what, turned, after=after):
            yield sim_page(entries, lambda entry, at=asked_at: read(entry, at), onward)

    return walk()


def sim_page(entries: Sequence[object], read: Callable[[object], SimRecord | None], onward: Cursor | None) -> SimPage:
    """One page: the SIMs, and the entries that are none, described."""
    found = [(entry, read(entry)) for entry in entries]
    return SimPage(
        sims=tuple(sim for _, sim in found if sim is not None),
        next=onward,
        unreadable=tuple(str(entry)[:_SHOWN] for entry, sim in found if sim is None),
    )


def entries_of(value: object, what: str) -> list[object]:
    """The entries of a page. Raises `Unavailable`: a page without a list is no empty page."""
    entries = as_list(value)
    if entries is None:
        raise Unavailable(f"{what}: the reply holds no list")
    return entries

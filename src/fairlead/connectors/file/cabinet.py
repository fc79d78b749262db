"""What stands in an account's files at one visit: the newest inventory and sessions, our tickets, their answers.

Nothing is kept here but what can be read again: which tickets are open stands in our copies beside
the exports, so any process can follow any ticket. What goes wrong on a visit, before anything was
written, is `Unavailable`.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files as package
from typing import Final, TypeVar

from fairlead.connectors._kit.manifest import read_manifest
from fairlead.connectors.file import tickets as ticketing
from fairlead.connectors.file.exports import Export, NoExport, Reader
from fairlead.connectors.file.mapping import Files
from fairlead.connectors.file.place import Place, Seen, Shelf
from fairlead.connectors.file.rows import BadFile
from fairlead.connectors.file.tickets import Confirmation, Key, Ticket, confirmed
from fairlead.connectors.file.translate import Line, Stay, Stock, Translator, status_of
from fairlead.engine.ports.carrier import NotFound, ProviderId, SimRecord, Unavailable
from fairlead.model.subscription import CapabilityRecord, Verb, narrowed

T = TypeVar("T")
MANIFEST: Final = read_manifest(
    package("fairlead.connectors.file").joinpath("manifest.toml").read_text(encoding="utf-8")
)
ASKED: Final = (Verb.ACTIVATE, Verb.RESUME, Verb.SUSPEND, Verb.DEACTIVATE, Verb.TERMINATE)
_HISTORY: Final = 400  # files of a kind that are read for a history


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What stands in the files at one visit."""

    shelf: Shelf
    stock: Export[Stock]
    stays: Export[dict[ProviderId, list[Stay]]] | None
    sent: Sequence[Ticket]  # oldest first
    said: Mapping[Key, Sequence[Confirmation]]


class Cabinet:
    """The files of one account."""

    def __init__(self, files: Files, place: Place, *, source: str, real: Callable[[], datetime], total: float) -> None:
        """`source` names the account for people; `total` is how many seconds one look, read or write may take."""
        self._files = files
        self._place = place
        self._source = source
        self._real = real
        self._total = total
        self._record = _able(files)
        self._translator = translator = Translator(files, source)
        self._tickets: dict[Seen, Ticket] = {}
        self._stock = Reader(files, files.inventory, translator.stock)
        sessions, usage, invoices, tickets = files.sessions, files.usage, files.invoices, files.tickets
        self.stays = Reader(files, sessions, translator.stays) if sessions else None
        self.usage = (
            Reader(files, usage, lambda name, rows, at: translator.usage(usage, name, rows, at)) if usage else None
        )
        self.invoices = (
            Reader(files, invoices, lambda name, rows, at: translator.invoice(name, rows, at, invoices.currency))
            if invoices
            else None
        )
        self._answers = (
            Reader(files, tickets.confirmations, lambda name, rows, at: confirmed(files, tickets, name, rows, at))
            if tickets and tickets.confirmations
            else None
        )

    @asynccontextmanager
    async def visit(self) -> AsyncGenerator[Shelf]:
        """Go to the files. What goes wrong there before anything was written is `Unavailable`."""
        try:
            async with self._place.visit() as shelf:
                yield _Bounded(shelf, self._total)
        except (OSError, BadFile) as error:
            raise Unavailable(f"{self._source}: {error}") from None

    async def _newest(self, shelf: Shelf, digest: str = "") -> tuple[Export[Stock], Mapping[str, Sequence[Seen]]]:
        folders = self._folders()
        seen = {folder: await shelf.look(folder) for folder in folders}
        here, real = seen[self._files.inventory.folder], self._real()
        if not digest:
            return (await self._stock.newest(shelf, here, real))[0], seen
        for export in await self._stock.newest(shelf, here, real, within=_HISTORY):
            if export.digest == digest:
                return export, seen
        raise Unavailable("the inventory that this cursor began with is gone: begin anew")

    def _folders(self) -> list[str]:
        files = self._files
        answers = files.tickets.confirmations if files.tickets else None
        kinds = [kind.folder for kind in (files.inventory, files.sessions, answers) if kind is not None]
        return list(dict.fromkeys([*kinds, *([files.tickets.kept] if files.tickets else [])]))

    async def view(self, shelf: Shelf, digest: str = "") -> View:
        """Everything that a SIM's answer hangs on; `digest` asks for an older inventory by its content."""
        stock, seen = await self._newest(shelf, digest)
        files, real = self._files, self._real()
        stays = None
        if self.stays is not None and files.sessions is not None:
            stays = (await self.stays.newest(shelf, seen[files.sessions.folder], real))[0]
        said: dict[Key, list[Confirmation]] = {}
        if self._answers is not None and files.tickets is not None and files.tickets.confirmations is not None:
            try:
                there = seen[files.tickets.confirmations.folder]
                for export in await self._answers.newest(shelf, there, real, within=_HISTORY):
                    for key, lines in export.value[0].items():
                        said.setdefault(key, []).extend(lines)
            except NoExport:
                pass  # nobody has answered anything yet
        sent = await self._sent(shelf, seen[files.tickets.kept]) if files.tickets else []
        return View(shelf=shelf, stock=stock, stays=stays, sent=sent, said=said)

    async def _sent(self, shelf: Shelf, seen: Sequence[Seen]) -> list[Ticket]:
        names = [one for one in seen if one.name.startswith("FL-") and one.name.endswith(".csv")]
        for one in names:
            if one not in self._tickets:
                try:
                    self._tickets[one] = ticketing.read_ours(one.name, await shelf.read(one))
                except (ValueError, IndexError) as error:
                    raise OSError(f"{one.folder}/{one.name}: {error}") from None
        self._tickets = {one: self._tickets[one] for one in names}
        return sorted(self._tickets.values(), key=lambda ticket: (ticket.requested_at, ticket.number))

    async def every(self, shelf: Shelf, reader: Reader[T] | None) -> list[Export[T]]:
        """Every whole export of a kind, newest first; none where the account has no such files."""
        if reader is None:
            return []
        seen = await shelf.look(reader.folder)
        try:
            return await reader.newest(shelf, seen, self._real(), within=_HISTORY)
        except NoExport:
            return []

    def line(self, view: View, sim: ProviderId) -> Line:
        """A SIM's line of the inventory. Raises `NotFound`."""
        found = view.stock.value.sims.get(sim)
        if found is None:
            raise NotFound(f"{sim} is not in {view.stock.name}")
        return found

    def sim(self, view: View, sim: ProviderId) -> SimRecord:
        """A SIM with its session; the session is as old as its own export."""
        record = self.line(view, sim).record
        if view.stays is None:
            return replace(record, capabilities=self._record)
        fresh = self._translator.fresh(view.stays.at)
        session = status_of(view.stays.value.get(sim, []), view.stays.at, self._files.sessions, fresh)
        return replace(record, session=session, capabilities=self._record)


class _Bounded:
    """A shelf whose calls end in time. A write that does not is as if its answer were lost."""

    def __init__(self, shelf: Shelf, total: float) -> None:
        self._shelf = shelf
        self._total = total

    async def _in_time(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._total):
                return await call
        except TimeoutError:
            raise OSError(f"no answer from the folder within {self._total:g} seconds") from None

    async def look(self, folder: str) -> Sequence[Seen]:
        return await self._in_time(self._shelf.look(folder))

    async def read(self, seen: Seen) -> bytes:
        return await self._in_time(self._shelf.read(seen))

    async def put(self, folder: str, name: str, content: bytes) -> None:
        await self._in_time(self._shelf.put(folder, name, content))


def _able(files: Files) -> CapabilityRecord | None:
    """What can be asked here, where that is less than the manifest says."""
    words = files.tickets.words if files.tickets else {}
    denied = {
        verb: "this account has no ticket for it (files.tickets.words)"
        for verb in ASKED
        if (Verb.ACTIVATE if verb is Verb.RESUME else verb).value not in words
    }
    return narrowed(MANIFEST.capabilities, denied) if denied else None

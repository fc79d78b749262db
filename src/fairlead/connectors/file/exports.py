"""Which of their files counts: the newest whole one of a kind, its instant, and what was read of it before.

Whole means what the account says (`ready`): unchanged for a while, marked by a second file, or
renamed when finished. An instant is the export's own: from its column, else its name, else the
file's time; the same bytes delivered again keep the instant of their first delivery, or a copied file
would make old news look fresh. Content is recognised by its hash: read once, parsed once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Generic, TypeVar

from fairlead.connectors.file.mapping import Files, Instant, Kind
from fairlead.connectors.file.place import Seen, Shelf
from fairlead.connectors.file.rows import BadCell, Row, instant, placed, rows_of

T = TypeVar("T")
_KEPT = 40  # files of one kind whose content is remembered


class NoExport(OSError):
    """There is no whole file of a kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Generic[T]):
    """One file, read."""

    name: str
    digest: str
    at: datetime
    value: T


def whole(seen: Sequence[Seen], kind: Kind, files: Files, real: datetime) -> list[Seen]:
    """The files of a kind that are not being written any more."""
    names, ready = {one.name for one in seen}, files.ready
    return [
        one
        for one in seen
        if fnmatchcase(one.name, kind.glob)
        and not one.name.startswith(".")
        and not one.name.endswith(ready.partial)
        and not (ready.by == "done" and (one.name.endswith(ready.suffix) or one.name + ready.suffix not in names))
        and not (ready.by == "stable" and real - one.modified_at < timedelta(seconds=ready.seconds))
    ]


def told_by_name(one: Seen, exported: Instant, files: Files) -> datetime | None:
    """The instant that a file's name tells."""
    found = re.search(exported.name, one.name) if exported.name else None
    if found is None:
        return None
    try:
        return placed(datetime.strptime(found[1], exported.format), files.form)  # noqa: DTZ007 - `placed` gives the zone
    except (ValueError, BadCell):
        return None


class Reader(Generic[T]):
    """The exports of one kind. `parse` makes the value of a file's rows; it is told the file's name and instant."""

    def __init__(self, files: Files, kind: Kind, parse: Callable[[str, Sequence[Row | str], datetime], T]) -> None:
        self._files = files
        self._kind = kind
        self._parse = parse
        self._digests: dict[Seen, str] = {}
        self._parsed: dict[tuple[str, str, datetime], Export[T]] = {}

    @property
    def folder(self) -> str:
        """Where these exports lie, below the account's folder."""
        return self._kind.folder

    async def newest(self, shelf: Shelf, seen: Sequence[Seen], real: datetime, within: int = 1) -> list[Export[T]]:
        """The newest `within` exports, newest first. Raises `NoExport`, `BadFile`, `OSError`."""
        found = whole(seen, self._kind, self._files, real)
        if not found:
            waiting = sum(fnmatchcase(one.name, self._kind.glob) for one in seen)
            more = f"; {waiting} are not finished yet" if waiting else ""
            raise NoExport(f"no whole file {self._kind.glob!r} in {self._kind.folder or 'the folder'}{more}")
        exported = self._kind.exported
        order = sorted(
            found, key=lambda one: (told_by_name(one, exported, self._files) or one.modified_at, one.name), reverse=True
        )
        read = [await self._read(shelf, one, order) for one in order[:within]]
        self._forget(set(found))
        return sorted(read, key=lambda one: (one.at, one.name), reverse=True)

    async def _read(self, shelf: Shelf, one: Seen, among: Sequence[Seen]) -> Export[T]:
        content: bytes | None = None
        digest = self._digests.get(one)
        if digest is None:
            content = await self._content(shelf, one)
            digest = self._digests[one] = sha256(content).hexdigest()
        at = told_by_name(one, self._kind.exported, self._files)
        if at is None:
            at = await self._first_delivery(shelf, one, digest, among)
        known = self._parsed.get((one.name, digest, at))
        if known is None:
            content = content if content is not None else await self._content(shelf, one)
            known = self._parsed[one.name, digest, at] = self._export(one.name, digest, content, at)
        return known

    async def _content(self, shelf: Shelf, one: Seen) -> bytes:
        content = await shelf.read(one)
        if len(content) != one.size:
            raise OSError(f"{one.name}: {len(content)} bytes, {one.size} a moment ago: it is being written")
        return content

    async def _first_delivery(self, shelf: Shelf, one: Seen, digest: str, among: Sequence[Seen]) -> datetime:
        at = one.modified_at
        for other in among:
            if other.size == one.size and other != one:
                if other not in self._digests:
                    self._digests[other] = sha256(await self._content(shelf, other)).hexdigest()
                if self._digests[other] == digest:
                    at = min(at, other.modified_at)
        return at

    def _export(self, name: str, digest: str, content: bytes, at: datetime) -> Export[T]:
        columns: Mapping[str, str] = self._kind.columns
        column = self._kind.exported.column
        if column:
            columns = {**columns, "_exported": column}
        rows = list(rows_of(name, content, columns, self._files.form))
        told = [row.text("_exported") for row in rows if isinstance(row, Row)] if column else []
        for text in filter(None, told):
            try:
                at = instant(text, self._files.form)
                break
            except BadCell:
                continue
        return Export(name=name, digest=digest, at=at, value=self._parse(name, rows, at))

    def _forget(self, there: set[Seen]) -> None:
        self._digests = {one: digest for one, digest in self._digests.items() if one in there}
        while len(self._parsed) > _KEPT:
            self._parsed.pop(next(iter(self._parsed)))

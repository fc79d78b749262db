"""Imports: a CSV file becomes devices, SIMs, presence, sessions, prices or usage, whole or not at all.

Called by the HTTP door with a file that lies on disk. The file is read in chunks beside the event
loop, so a million rows never stand in memory; good rows stream into the store's staging table, bad
ones are collected with line, column, value and what was expected. Then the store checks what only
all rows together show (repeats, identities another device holds, unknown devices), and applies in a
few statements; nothing is applied when any row is bad, unless the caller asked for the good ones.
The same file again changes nothing and leaves no journal line.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, Final

from fairlead.engine.fleet import Actor
from fairlead.engine.imports.kinds import Format, Setting, columns_of, format_of
from fairlead.engine.imports.mapping import SourceMapping, Translator
from fairlead.engine.imports.reading import Row, Sheet, UnreadableFile, open_sheet, read_mapping
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.ports.fleet import CountStore
from fairlead.engine.ports.imports import KINDS, Applied, Fault, ImportStore, Kind, Load
from fairlead.model.journal import Action, Entry, Subject
from fairlead.model.reference import Reference

__all__ = ["KINDS", "Applied", "Fault", "ImportReport", "ImportRequest", "Imports", "Kind", "UnreadableFile"]

CHUNK: Final = 2_000
MAX_FAULTS: Final = 10_000  # kept; beyond that they are counted

_COUNTED: Final = frozenset({"devices", "sims", "presence", "sessions"})  # kinds that the counts of the fleet read

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What to do with a file."""

    kind: Kind
    name: str = ""  # of the file, for the journal
    partial: bool = False  # apply the good rows although others are bad
    mapping: Sequence[str] = ()  # `ours:Theirs` pairs
    account: str | None = None  # carrier account of SIMs that name none
    source: SourceMapping | None = None  # how the source writes its files; `mapping` stands before its columns


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file."""

    kind: Kind
    rows: int
    bad_rows: int
    applied: Applied | None  # None: nothing was applied
    faults: Sequence[Fault]  # at most MAX_FAULTS of them, by line
    ignored_columns: Sequence[str] = ()
    sha256: str = ""


@dataclass(slots=True)
class _Bad:
    """Collects faults within bounds."""

    kept: list[Fault] = field(default_factory=list[Fault])
    lines: set[int] = field(default_factory=set[int])

    def add(self, faults: Sequence[Fault]) -> None:
        self.lines.update(fault.line for fault in faults)
        self.kept.extend(faults[: max(0, MAX_FAULTS - len(self.kept))])


class Imports:
    """Imports files for every tenant."""

    def __init__(self, store: ImportStore, counts: CountStore, reference: Reference) -> None:
        self._store = store
        self._counts = counts
        self._reference = reference

    async def run(
        self, actor: Actor, file: BinaryIO, request: ImportRequest, *, now: datetime, progress: Progress | None = None
    ) -> ImportReport:
        """Import a file from its beginning. Raises `UnreadableFile` when not even its header can be read."""
        source = request.source
        translator = source.translator(request.kind) if source is not None else None
        columns = dict(source.kinds[request.kind].columns) if source is not None else {}
        setting = Setting(
            reference=self._reference, accounts=await self._store.accounts(actor.tenant),
            account=request.account or (source.account if source is not None else None),
            now=now, mint=lambda: uuid7(now),
        )  # fmt: skip
        digest = await asyncio.to_thread(_sha256, file)
        sheet = open_sheet(file, columns_of(request.kind), columns | read_mapping(request.mapping))
        reading = _Reading(format=format_of(request.kind, setting), translator=translator)
        bad = _Bad()
        async with self._store.load(actor.tenant, request.kind, now=now) as load:
            rows = await _stage(load, sheet, reading, bad, progress)
            bad.add(await load.check())
            applied = None
            if not bad.lines or request.partial:
                applied = await load.apply()
                if applied.created or applied.changed:
                    await load.append([_line(actor, request, applied, len(bad.lines), digest, now)])
        if applied is not None and (applied.created or applied.changed) and request.kind in _COUNTED:
            await self._counts.refresh(actor.tenant, now)
            if request.kind == "sims":
                await self._counts.refresh_sims(actor.tenant, now)
        return ImportReport(
            kind=request.kind, rows=rows, bad_rows=len(bad.lines), applied=applied,
            faults=sorted(bad.kept, key=lambda fault: (fault.line, fault.column or "")),
            ignored_columns=sheet.ignored, sha256=digest,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """From a row of the sheet to a row that is staged."""

    format: Format
    translator: Translator | None  # None: the file is in our own words

    def read(self, row: Row) -> tuple[Any, ...] | list[Fault]:
        """The row as it is staged, or everything that is wrong with it."""
        found = self.translator.row(row) if self.translator is not None else row
        return found if isinstance(found, list) else self.format.read(found)


async def _stage(load: Load, sheet: Sheet, reading: _Reading, bad: _Bad, progress: Progress | None) -> int:
    rows = 0
    while True:
        good, faults, read = await asyncio.to_thread(_chunk, sheet.rows, reading)
        if not read:
            return rows
        rows += read
        bad.add(faults)
        if good:
            await load.stage(good)
        if progress is not None:
            progress(rows, None)


def _chunk(rows: Iterator[Row | Fault], reading: _Reading) -> tuple[list[tuple[Any, ...]], list[Fault], int]:
    good: list[tuple[Any, ...]] = []
    faults: list[Fault] = []
    read = 0
    for row in islice(rows, CHUNK):
        read += 1
        if isinstance(row, Fault):
            faults.append(row)
            continue
        found = reading.read(row)
        if isinstance(found, list):
            faults.extend(found)
        else:
            good.append(found)
    return good, faults, read


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def _line(actor: Actor, request: ImportRequest, applied: Applied, left_out: int, digest: str, now: datetime) -> Entry:
    return entry(
        tenant=actor.tenant, at=now, actor=actor.name, action=Action.IMPORT_APPLIED,
        subject=Subject(kind="import", id=request.kind),
        payload={
            "file": request.name, "sha256": digest, "created": applied.created, "changed": applied.changed,
            "unchanged": applied.unchanged, "left_out": left_out, **applied.particulars,
        },
    )  # fmt: skip

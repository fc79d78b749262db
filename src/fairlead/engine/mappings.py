"""Mappings of import files, kept by the name of their source so that the next file needs no thought."""

from collections.abc import Sequence
from datetime import datetime

from fairlead.engine.fleet import Actor
from fairlead.engine.imports.mapping import SourceMapping, read_source_mapping
from fairlead.engine.imports.reading import UnreadableFile
from fairlead.engine.journal import entry
from fairlead.engine.ports.imports import Fault
from fairlead.engine.ports.mappings import KeptMapping, MappingRows
from fairlead.model.journal import Action, Entry, Subject


class Mappings:
    """The mappings of every tenant."""

    def __init__(self, rows: MappingRows) -> None:
        self._rows = rows

    async def all(self, actor: Actor) -> Sequence[KeptMapping]:
        """All by name."""
        return await self._rows.mappings(actor.tenant)

    async def one(self, actor: Actor, source: str) -> KeptMapping | None:
        """One by name."""
        return next(iter(await self._rows.mappings(actor.tenant, source)), None)

    async def read(self, actor: Actor, source: str) -> SourceMapping | None:
        """One, ready to read files."""
        kept = await self.one(actor, source)
        return None if kept is None else read_source_mapping(kept.text)

    async def put(self, actor: Actor, source: str, text: str, *, version: int, now: datetime) -> bool:
        """Keep a mapping; False when it was edited since `version` (0: there was none). Raises `UnreadableFile`."""
        read = read_source_mapping(text)
        if read.source != source:
            raise UnreadableFile(Fault(line=1, column="source", value=read.source, expected=f"{source}, as it is kept"))
        kept = KeptMapping(source=source, text=text, updated_at=now, updated_by=actor.name, version=version + 1)
        line = _line(actor, source, Action.MAPPING_KEPT, now)
        return await self._rows.put(actor.tenant, kept, version=version, entries=(line,))

    async def remove(self, actor: Actor, source: str, *, now: datetime) -> bool:
        """Forget a mapping; False where there is none."""
        return await self._rows.remove(
            actor.tenant, source, entries=(_line(actor, source, Action.MAPPING_REMOVED, now),)
        )


def _line(actor: Actor, source: str, action: Action, now: datetime) -> Entry:
    subject = Subject(kind="mapping", id=source)
    return entry(tenant=actor.tenant, at=now, actor=actor.name, action=action, subject=subject, payload={})

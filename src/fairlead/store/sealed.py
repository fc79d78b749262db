"""Where secrets are kept, for whoever seals them again: implements `engine.ports.sealed.SealedRows`.

`COLUMNS` names every sealed column of the schema; a test holds it against the migrations, so that a
new secret cannot be forgotten when a key is dropped.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg import sql

from fairlead.engine.ports.sealed import SealedText
from fairlead.store.database import Connection
from fairlead.store.statements import load

_SQL: Final = load("sealed")
_FIRST: Final = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One sealed column; its rows are told apart by one uuid within the tenant."""

    table: str
    row: str
    column: str
    binary: bool = False  # bytea of the text

    def statement(self, name: str) -> sql.Composed:
        """A statement of `sealed.sql` about this column."""
        column = sql.Identifier(self.column)
        read = sql.SQL("convert_from({}, 'UTF8')" if self.binary else "{}").format(column)
        write = sql.SQL("convert_to(given.text, 'UTF8')" if self.binary else "given.text")
        return sql.SQL(_SQL[name]).format(
            table=sql.Identifier(self.table), row=sql.Identifier(self.row), column=column, read=read, write=write
        )


COLUMNS: Final = (
    Column(table="account", row="id", column="credential", binary=True),
    Column(table="hook", row="account", column="url"),
    Column(table="oidc_provider", row="tenant", column="client_secret"),
)


class SealedStore:
    """See `engine.ports.sealed.SealedRows`."""

    async def stale(self, tx: Connection, mark: str, *, after: SealedText | None, limit: int) -> Sequence[SealedText]:
        """Secrets that do not begin with `mark`, column by column in the order of their rows, locked."""
        places = [(one.table, one.column) for one in COLUMNS]
        begin = places.index((after.table, after.column)) if after is not None else 0
        found: list[SealedText] = []
        for number, one in enumerate(COLUMNS[begin:]):
            last = UUID(after.row) if after is not None and number == 0 else _FIRST
            given = {"tenant": await _tenant(tx), "after": last, "mark": mark, "limit": limit - len(found)}
            rows = await (await tx.execute(one.statement("stale"), given)).fetchall()
            found += [SealedText(table=one.table, row=row, column=one.column, text=text) for row, text in rows]
        return found

    async def replace(self, tx: Connection, texts: Sequence[SealedText]) -> None:
        """Write these in place of what is there."""
        for one in COLUMNS:
            mine = [text for text in texts if (text.table, text.column) == (one.table, one.column)]
            if mine:
                rows, fresh = [UUID(text.row) for text in mine], [text.text for text in mine]
                given = {"tenant": await _tenant(tx), "rows": rows, "texts": fresh}
                await tx.execute(one.statement("replace"), given)

    async def keys(self, tx: Connection) -> Mapping[str, int]:
        """How many secrets each key seals, by the key's name."""
        used: Counter[str] = Counter()
        for one in COLUMNS:
            rows = await (await tx.execute(one.statement("keys"), {"tenant": await _tenant(tx)})).fetchall()
            used.update({str(key): int(count) for key, count in rows})
        return used


async def _tenant(tx: Connection) -> UUID:
    row = await (await tx.execute("select current_setting('app.tenant')::uuid")).fetchone()
    assert row is not None  # noqa: S101 - a setting always answers with one row
    return row[0]

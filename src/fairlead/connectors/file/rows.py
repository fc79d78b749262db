"""Their CSV as rows with line numbers, and their cells as values. Pure.

A cell that cannot be read is `BadCell` with what was expected; whoever asks turns it into a complaint
with file and line. A file whose header lacks a mapped column cannot be read at all, and says so.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from fairlead.connectors.file.mapping import UNITS, Form, IccidForm
from fairlead.model.identifiers import Iccid, read_iccid

if TYPE_CHECKING:
    import _csv

_MOST: Final = 10**18  # bytes, or lines of money: more is a broken column
_LONGEST_CELL: Final = 10_000


class BadCell(ValueError):
    """A cell that is not what its column should hold."""


class BadFile(ValueError):
    """A file that cannot be read as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line by our column names; a column that is not mapped is not there."""

    line: int
    cells: Mapping[str, str]
    raw: str  # the line as it stood, bounded

    def text(self, name: str) -> str:
        """A cell without its blanks; empty where it is missing."""
        return self.cells.get(name, "")


def rows_of(name: str, content: bytes, columns: Mapping[str, str], form: Form) -> Iterator[Row | str]:
    """Every row, or a complaint in its place. Raises `BadFile` for a file that is not what the mapping says."""
    try:
        text = content.decode(form.encoding)
    except UnicodeDecodeError as error:
        raise BadFile(f"{name}: byte {error.start} is not {form.encoding}") from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=form.delimiter)
    try:
        header = [cell.strip() for cell in next(reader, list[str]())]
    except csv.Error as error:
        raise BadFile(f"{name} line 1: {error}") from None
    missing = sorted(set(columns.values()) - set(header))
    if missing:
        raise BadFile(f"{name} line 1: no column {', '.join(map(repr, missing))}; it has {', '.join(header)[:300]!r}")
    twice = sorted({theirs for theirs in columns.values() if header.count(theirs) > 1})
    if twice:
        raise BadFile(f"{name} line 1: the column {', '.join(map(repr, twice))} stands there twice")
    places = {ours: header.index(theirs) for ours, theirs in columns.items()}
    yield from _lines(name, reader, places, len(header))


def _lines(name: str, reader: "_csv.Reader", places: Mapping[str, int], wide: int) -> Iterator[Row | str]:
    begun = reader.line_num + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield f"{name} line {begun}: {error}"
            begun = reader.line_num + 1
            continue
        if cells is None:
            return
        line, begun = begun, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != wide:
            yield f"{name} line {line}: {len(cells)} cells, expected {wide}"
        elif any(len(cell) > _LONGEST_CELL for cell in cells):
            yield f"{name} line {line}: a cell is longer than {_LONGEST_CELL} letters"
        else:
            found = {ours: cells[place].strip() for ours, place in places.items()}
            yield Row(line=line, cells=found, raw=" | ".join(cells)[:500])


# --- cells ---------------------------------------------------------------------------------------


def instant(text: str, form: Form) -> datetime:
    """A point in time in one of the formats; one without a zone is in the form's."""
    for pattern in form.dates:
        try:
            if pattern == "iso":
                return placed(datetime.fromisoformat(text), form)
            return placed(datetime.strptime(text, pattern), form)  # noqa: DTZ007 - `placed` gives the zone
        except BadCell:
            raise
        except ValueError:
            continue
    raise BadCell(f"{text[:40]!r} is not a time as in {', '.join(form.dates)}")


def placed(found: datetime, form: Form) -> datetime:
    """In UTC; a time without a zone is in the form's. Raises `BadCell` past the calendar's ends."""
    try:
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(form.time_zone))).astimezone(UTC)
    except (OverflowError, ValueError):
        raise BadCell(f"{found} is no point in time") from None


def number(text: str, form: Form) -> Decimal:
    """A number with their decimal sign; the other one may only group thousands."""
    group = "," if form.decimal == "." else "."
    whole, _, rest = text.replace("\N{NO-BREAK SPACE}", "").replace(" ", "").partition(form.decimal)
    parts = whole.lstrip("+-").split(group)
    grouped = all(len(part) == 3 for part in parts[1:]) and 1 <= len(parts[0]) <= 3  # noqa: PLR2004 - thousands
    plain = whole.replace(group, "") + (f".{rest}" if rest else "")
    odd = (len(parts) > 1 and not grouped) or group in rest or not plain.isascii() or "_" in plain
    try:
        found = Decimal("" if odd else plain)
    except InvalidOperation:
        raise BadCell(f"{text[:40]!r} is not a number such as 1234{form.decimal}5") from None
    if not found.is_finite() or abs(found) > _MOST:
        raise BadCell(f"{text[:40]!r} is not a number of this world")
    return found


def bytes_of(text: str, unit: str, form: Form) -> int:
    """Bytes from a number in a unit, rounded to whole ones. An empty cell is none."""
    if not text:
        return 0
    found = number(text, form) * UNITS[unit]
    if found < 0:
        raise BadCell(f"{text[:40]!r} is less than nothing")
    return int(found.to_integral_value())


def iccid(text: str, form: IccidForm) -> Iccid:
    """An ICCID as the account says they write it. Raises `MalformedIdentifier`."""
    if form.check_digit:
        return read_iccid(text, digits=form.digits)
    return read_iccid(text, digits=form.digits or len("".join(filter(str.isdigit, text))) + 1)

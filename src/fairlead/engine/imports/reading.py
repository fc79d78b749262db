"""CSV as people's tools write it: a stream of rows with their line numbers, or the fault of a row.

UTF-8 with or without a byte order mark; commas, semicolons or tabs, found from the header. Columns
are named by the header, in any order and case. A file of somebody else's making is read through a
mapping (`serial:Serial No`), and then its other columns are passed over; without a mapping an
unknown column is refused, because a misspelt one would silently lose its data.
"""

import csv
import difflib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from fairlead.engine.ports.imports import Fault

MAX_COLUMNS: Final = 256
MAX_CELL: Final = 1_024
_SNIFFED: Final = 65_536
_DELIMITERS: Final = ",;\t"
_SPACES: Final = re.compile(r"[\s\-]+")


class UnreadableFile(Exception):
    """The file as a whole cannot be read as this kind; `faults` say why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.expected for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its cells by our column names, empty ones left out."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An opened file: what its header says, and its rows."""

    columns: Sequence[str | None]  # ours, by position; None: passed over
    ignored: Sequence[str]
    rows: Iterator[Row | Fault]


def read_mapping(texts: Sequence[str]) -> dict[str, str]:
    """`serial:Serial No,iccid:ICCID` as ours → theirs. Theirs may be quoted where it holds a comma."""
    found: dict[str, str] = {}
    for text in texts:
        for pair in next(csv.reader([text], skipinitialspace=True), list[str]()):
            ours, colon, theirs = pair.partition(":")
            if not colon or not ours.strip() or not theirs.strip():
                raise UnreadableFile(_whole(pair, "a mapping such as serial:Serial No"))
            if ours.strip() in found:
                raise UnreadableFile(_whole(ours, "each of our columns once in the mapping"))
            found[ours.strip()] = theirs.strip()
    return found


def open_sheet(file: BinaryIO, known: Sequence[str], mapping: Mapping[str, str]) -> Sheet:
    """Read the header. Raises `UnreadableFile`."""
    start = file.read(_SNIFFED)
    file.seek(0)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile(_whole("UTF-16", "a CSV file in UTF-8"))
    if start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnreadableFile(_whole("a spreadsheet file", "a CSV file: save the sheet as CSV (UTF-8)"))
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=_delimiter(start), strict=True)
    try:
        header = next(reader, None)
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnreadableFile(_whole(str(error), "a header line in UTF-8")) from error
    if not header or not any(cell.strip() for cell in header):
        raise UnreadableFile(_whole("an empty file", f"a header line naming some of {', '.join(known)}"))
    if len(header) > MAX_COLUMNS:
        raise UnreadableFile(_whole(f"{len(header)} columns", f"at most {MAX_COLUMNS} columns"))
    columns = _columns(header, known, mapping)
    ignored = [name for name, ours in zip(header, columns, strict=True) if ours is None]
    return Sheet(columns=columns, ignored=ignored, rows=_rows(reader, columns))


def _delimiter(start: bytes) -> str:
    header = re.sub(r'"[^"]*"', "", start.decode("utf-8-sig", errors="replace").partition("\n")[0])
    return max(_DELIMITERS, key=header.count)


def _columns(header: Sequence[str], known: Sequence[str], mapping: Mapping[str, str]) -> list[str | None]:
    foreign = {_folded(theirs): ours for ours, theirs in mapping.items()}
    faults = [
        _header(theirs, f"one of our columns: {', '.join(known)}{_hint(ours, known)}", column=ours)
        for ours, theirs in mapping.items()
        if ours not in known
    ]
    names = {_folded(name) for name in header}
    faults += [
        _header(theirs, f"a column of the file: {', '.join(header)}", column=ours)
        for ours, theirs in mapping.items()
        if _folded(theirs) not in names
    ]
    columns: list[str | None] = []
    for name in header:
        folded = _folded(name)
        ours = foreign.get(folded) or (folded if folded in known and folded not in mapping else None)
        if ours is None and not mapping:
            faults.append(_header(name, f"one of {', '.join(known)}{_hint(folded, known)}", column=name))
        if ours is not None and ours in columns:
            faults.append(_header(name, f"the column {ours} once", column=name))
        columns.append(ours)
    if faults:
        raise UnreadableFile(*faults)
    return columns


def _rows(reader: Iterator[list[str]], columns: Sequence[str | None]) -> Iterator[Row | Fault]:
    line = _line(reader) + 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            yield Fault(line=line, column=None, value=repr(error.object[error.start : error.end]), expected="UTF-8")
            return  # what follows cannot be told apart
        except csv.Error as error:
            yield Fault(line=line, column=None, value=str(error), expected="a row of CSV with closed quotes")
            line = _line(reader) + 1
            continue
        began, line = line, _line(reader) + 1
        if not any(cells):
            continue
        yield _row(began, cells, columns)


def _row(line: int, cells: Sequence[str], columns: Sequence[str | None]) -> Row | Fault:
    if len(cells) != len(columns):
        return Fault(line=line, column=None, value=f"{len(cells)} cells", expected=f"{len(columns)}, as in the header")
    found: dict[str, str] = {}
    for ours, cell in zip(columns, cells, strict=True):
        bare = cell.strip()
        if ours is None or not bare:
            continue
        if len(bare) > MAX_CELL or "\x00" in bare:
            expected = f"at most {MAX_CELL} characters, none of them NUL"
            return Fault(line=line, column=ours, value=bare[:80].replace("\x00", "␀"), expected=expected)
        found[ours] = bare
    return Row(line=line, cells=found)


def _line(reader: object) -> int:
    return int(getattr(reader, "line_num", 0))


def _folded(name: str) -> str:
    return _SPACES.sub("_", name.strip().lower())


def _hint(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def _whole(value: str, expected: str) -> Fault:
    return Fault(line=1, column=None, value=value, expected=expected)


def _header(value: str, expected: str, *, column: str) -> Fault:
    return Fault(line=1, column=column, value=value, expected=expected)

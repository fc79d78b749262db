"""Mappings: how to read the files of one source, written once and kept under its name.

A mapping says which of their columns is which of ours, what is the same in every row, which of
their words mean which of ours, and how they write numbers, sizes and times. It is YAML, because
people write it beside the file it reads; everything wrong with it is told with its line. Applied
between the sheet and the readers of cells, so a kind of import knows nothing of it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from fairlead.engine.imports.cells import SIZES
from fairlead.engine.imports.kinds import columns_of
from fairlead.engine.imports.reading import Row, UnreadableFile
from fairlead.engine.ports.imports import KINDS, Fault, Kind
from fairlead.policy.yaml_tree import Items, Members, Node, Scalar, read_yaml

NUMBERS: Final = frozenset(
    {"bytes", "included", "activation", "monthly", "per_mb", "notice_days", "committed_sims", "slot"}
)
SIZED: Final = frozenset({"bytes", "included"})
INSTANTS: Final = frozenset({"first", "last"})
DAYS: Final = frozenset({"valid_from", "start", "end", "as_of", "off_on"})
_BY_NAME: Final[Mapping[str, Kind]] = {kind: kind for kind in KINDS}
_SOURCE: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TOKENS: Final = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_TOKEN: Final = re.compile("|".join(_TOKENS) + "|%")
_SPACES: Final = re.compile("(?<=[0-9])[\\s'\u2019\u00a0\u202f](?=[0-9])")
_COMMA: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]+))?(\s*[A-Za-z]*)")
_POINT: Final = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?(\s*[A-Za-z]*)")
_BARE: Final = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class KindMapping:
    """One kind of file of a source."""

    columns: Mapping[str, str] = field(default_factory=dict[str, str])  # ours → theirs
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])  # ours → the value of every row
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])  # theirs folded → ours
    units: Mapping[str, str] = field(default_factory=dict[str, str])  # of sizes that are written without one


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMapping:
    """How to read the files of one source."""

    source: str
    account: str | None = None  # of rows that name none
    decimal: str | None = None  # "," or "."; then the other one groups thousands
    dates: tuple[str, ...] = ()  # DD.MM.YYYY HH:mm and the like, tried in order; none: ISO 8601
    zone: str | None = None  # of times without one; None: UTC
    kinds: Mapping[Kind, KindMapping] = field(default_factory=dict[Kind, KindMapping])

    def translator(self, kind: Kind) -> "Translator":
        """What reads rows of a kind. Raises `UnreadableFile` where it says nothing of them."""
        found = self.kinds.get(kind)
        if found is None:
            known = ", ".join(self.kinds) or "none"
            expected = f"a part for {kind} in the mapping {self.source} (it has {known})"
            raise UnreadableFile(Fault(line=1, column=None, value=kind, expected=expected))
        return Translator(self, found)


class Translator:
    """Turns the cells of a source's rows into what our readers expect."""

    def __init__(self, source: SourceMapping, kind: KindMapping) -> None:
        self._kind = kind
        self._number = {",": _COMMA, ".": _POINT}.get(source.decimal or "")
        self._decimal = source.decimal
        self._dates = [(one, _strptime(one)) for one in source.dates]
        self._zone: tzinfo = ZoneInfo(source.zone) if source.zone else UTC

    def row(self, row: Row) -> Row | list[Fault]:
        """The row in our words, or everything of it that the mapping does not fit."""
        cells = {**self._kind.fixed, **row.cells}
        found: dict[str, str] = {}
        faults: list[Fault] = []
        for column, cell in cells.items():
            read = self._cell(column, cell)
            if read is None:
                faults.append(Fault(line=row.line, column=column, value=cell[:80], expected=self._expected(column)))
            else:
                found[column] = read
        return faults or Row(line=row.line, cells=found)

    def _cell(self, column: str, cell: str) -> str | None:
        words = self._kind.words.get(column)
        if words is not None and cell.casefold() in words:
            return words[cell.casefold()]
        if column in NUMBERS:
            return self._as_number(column, cell)
        if column in INSTANTS or column in DAYS:
            return self._as_time(column, cell)
        return cell

    def _as_number(self, column: str, cell: str) -> str | None:
        plain = cell
        if self._number is not None:
            found = self._number.fullmatch(_SPACES.sub("", cell))
            if found is None:
                return None
            plain = re.sub(r"[.,]", "", found[1]) + (f".{found[2]}" if found[2] else "") + found[3]
        unit = self._kind.units.get(column)
        if unit is not None and _BARE.fullmatch(plain):
            return f"{Decimal(plain):f} {unit}"
        return plain

    def _as_time(self, column: str, cell: str) -> str | None:
        if not self._dates:
            if column in DAYS:
                return cell
            try:
                at = datetime.fromisoformat(cell)
            except ValueError:
                return cell  # our reader says what it expects
            return cell if at.tzinfo is not None else at.replace(tzinfo=self._zone).isoformat()
        for _, pattern in self._dates:
            try:
                at = datetime.strptime(cell, pattern)  # noqa: DTZ007 - its zone is the mapping's
            except ValueError:
                continue
            return at.date().isoformat() if column in DAYS else at.replace(tzinfo=self._zone).isoformat()
        return None

    def _expected(self, column: str) -> str:
        if column in NUMBERS:
            return f"a number such as {'1.234,5' if self._decimal == ',' else '1,234.5'}, as the mapping's decimal says"
        return f"a time such as {' or '.join(one for one, _ in self._dates)}, as the mapping's dates say"


def _strptime(pattern: str) -> str:
    return _TOKEN.sub(lambda found: _TOKENS.get(found[0], "%%"), pattern)


def read_source_mapping(text: str) -> SourceMapping:
    """A mapping from its YAML. Raises `UnreadableFile` with every fault and its line."""
    documents, bad = read_yaml(text)
    if bad is not None:
        raise UnreadableFile(Fault(line=bad.line, column=None, value=bad.found, expected=bad.expected))
    if len(documents) != 1 or not isinstance(documents[0], Members):
        raise UnreadableFile(Fault(line=1, column=None, value=None, expected="one YAML map with source and files"))
    reader = _Reader()
    found = reader.source(documents[0])
    if reader.faults:
        raise UnreadableFile(*reader.faults)
    return found


class _Reader:
    """Takes the tree apart, collecting every fault."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def source(self, top: Members) -> SourceMapping:
        at = self._known(top, ("source", "account", "decimal", "dates", "zone", "files"), "")
        source = self._text(
            at.get("source"), "source", lambda text: bool(_SOURCE.fullmatch(text)), "a name such as borealis"
        )
        decimal = self._text(
            at.get("decimal"), "decimal", lambda text: text in {",", "."}, 'a decimal sign: "," or "."'
        )
        zone = self._text(at.get("zone"), "zone", _is_zone, "a time zone such as Europe/Helsinki")
        account = self._text(at.get("account"), "account", lambda text: len(text) < 64, "a carrier account")  # noqa: PLR2004
        if source is None and "source" not in at:
            self._refuse(top, "source", None, "a name of the source, such as source: borealis")
        if "files" not in at:
            self._refuse(top, "files", None, f"a part for each kind of file: {', '.join(KINDS)}")
        kinds: dict[Kind, KindMapping] = {}
        for name, node in self._map(at.get("files"), "files").items():
            kind = _BY_NAME.get(name)
            if kind is None:
                self._refuse(node, f"files.{name}", name, f"one of {', '.join(KINDS)}")
            else:
                kinds[kind] = self._kind(kind, node)
        return SourceMapping(
            source=source or "", account=account, decimal=decimal, dates=self._dates(at.get("dates")), zone=zone,
            kinds=kinds,
        )  # fmt: skip

    def _kind(self, kind: Kind, node: Node) -> KindMapping:
        path, known = f"files.{kind}", columns_of(kind)
        parts = self._known(node, ("columns", "fixed", "words", "units"), path)
        words = {
            column: {theirs.casefold(): ours for theirs, ours in self._texts(inner, f"{path}.words.{column}").items()}
            for column, inner in self._map(parts.get("words"), f"{path}.words", known).items()
        }
        units = self._texts(parts.get("units"), f"{path}.units", known)
        for column, unit in units.items():
            if column not in SIZED or unit not in SIZES:
                expected = f"a unit ({', '.join(SIZES)}) of {' or '.join(sorted(SIZED))}"
                self._refuse(parts["units"], f"{path}.units.{column}", unit, expected)
        return KindMapping(
            columns=self._texts(parts.get("columns"), f"{path}.columns", known),
            fixed=self._texts(parts.get("fixed"), f"{path}.fixed", known), words=words, units=units,
        )  # fmt: skip

    def _dates(self, node: Node | None) -> tuple[str, ...]:
        if node is None:
            return ()
        found: list[str] = []
        for one in node.items if isinstance(node, Items) else (node,):
            said = self._text(one, "dates", _is_pattern, "a pattern of YYYY MM DD HH mm ss, such as DD.MM.YYYY HH:mm")
            found += [said] if said is not None else []
        return tuple(found)

    def _known(self, node: Node | None, keys: tuple[str, ...], path: str) -> dict[str, Node]:
        return self._map(node, path, keys, what="key")

    def _map(
        self, node: Node | None, path: str, keys: Sequence[str] | None = None, *, what: str = "column"
    ) -> dict[str, Node]:
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return {}
        if not isinstance(node, Members):
            self._refuse(node, path, node.text if isinstance(node, Scalar) else "a list", "a map of names to values")
            return {}
        known = keys
        found: dict[str, Node] = {}
        for name, inner in node.members.items():
            if known is not None and name not in known:
                line, _ = node.keys[name]
                place = f"{path}.{name}" if path else name
                expected = f"a {what} of ours: {', '.join(known)}" if what == "column" else f"one of {', '.join(known)}"
                self.faults.append(Fault(line=line, column=place, value=name, expected=expected))
            else:
                found[name] = inner
        return found

    def _texts(self, node: Node | None, path: str, keys: Sequence[str] | None = None) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, inner in self._map(node, path, keys).items():
            said = self._text(inner, f"{path}.{name}", lambda text: bool(text.strip()), "a text")
            if said is not None:
                found[name] = said
        return found

    def _text(self, node: Node | None, path: str, fits: Callable[[str], bool], expected: str) -> str | None:
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.value is None or not fits(node.text):
            self._refuse(node, path, node.text if isinstance(node, Scalar) else None, expected)
            return None
        return node.text

    def _refuse(self, node: Node, path: str, value: str | None, expected: str) -> None:
        self.faults.append(Fault(line=node.line, column=path or None, value=value, expected=expected))


def _is_zone(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        return False
    return True


def _is_pattern(text: str) -> bool:
    return ("YY" in text) and "MM" in text and "DD" in text and len(text) <= 40  # noqa: PLR2004 - a pattern, not a story

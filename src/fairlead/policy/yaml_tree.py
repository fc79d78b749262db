"""YAML text as a tree of plain values that know where they stood.

Read as YAML 1.2: only `true` and `false` are booleans, so `NO` is Norway and `off` is a word. What
makes YAML dangerous or surprising is refused by name: anchors and aliases (a few lines can name a
billion values), tags, duplicate keys, keys that are not text. Size and depth are bounded. `policy.read`,
`policy.fields` and the mappings of imports call it; nothing here knows what a resource is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

MAX_TEXT: Final = 2**20  # characters
MAX_DEPTH: Final = 40
MAX_NODES: Final = 50_000

_NULL: Final = re.compile(r"(?:~|null|Null|NULL)?")
_BOOL: Final = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INT: Final = re.compile(r"[-+]?[0-9]+")
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONG_NUMBER: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A value; `text` is how it was written, without quotes."""

    value: str | int | float | bool | None
    text: str
    line: int  # from 1
    column: int  # from 1
    content_line: int  # where the text itself begins
    content_column: int | None  # None where lines were folded, so that columns no longer tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    items: tuple["Node", ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """A map; each key comes with its own place."""

    members: dict[str, "Node"]
    keys: dict[str, tuple[int, int]]  # line and column of each key
    line: int
    column: int


Node = Scalar | Items | Members


@dataclass(frozen=True, slots=True, kw_only=True)
class BadYaml:
    """Why the text cannot be read."""

    line: int
    column: int
    found: str
    expected: str


class _Bad(Exception):
    def __init__(self, mark: Any, found: str, expected: str) -> None:
        super().__init__(found)
        self.bad = BadYaml(line=mark.line + 1, column=mark.column + 1, found=found, expected=expected)


def read_yaml(text: str) -> tuple[tuple[Node, ...], BadYaml | None]:
    """The documents of the text, and what stopped the reading, if anything did."""
    if len(text) > MAX_TEXT:
        return (), BadYaml(line=1, column=1, found=f"{len(text)} characters", expected=f"at most {MAX_TEXT}")
    documents: list[Node] = []
    try:
        for node in _Builder(text).documents():
            documents.append(node)  # noqa: PERF402 - what was read before an error is kept
    except _Bad as bad:
        return tuple(documents), bad.bad
    except MarkedYAMLError as error:
        return tuple(documents), _marked(cast("Any", error))
    except YAMLError as error:
        return tuple(documents), BadYaml(line=1, column=1, found=_first_line(error), expected="YAML 1.2 text")
    except (ValueError, LookupError, AssertionError, AttributeError, TypeError, RecursionError) as error:
        # the YAML library answers some broken texts with errors of its own making
        return tuple(documents), BadYaml(line=1, column=1, found=_first_line(error), expected="YAML 1.2 text")
    return tuple(documents), None


def _marked(error: Any) -> BadYaml:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return BadYaml(line=line, column=column, found=str(error.problem).removeprefix("found "), expected="YAML 1.2")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class _Builder:
    """Builds nodes from the library's events, counting as it goes."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(cast("Any", YAML(typ="safe", pure=True)).parse(text))
        self._nodes = 0

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            match event:
                case StreamStartEvent() | DocumentStartEvent() | DocumentEndEvent():
                    continue
                case StreamEndEvent():
                    return
                case _:
                    node = self._node(event, 0)
                    if not (isinstance(node, Scalar) and node.value is None and not node.text):
                        yield node

    def _node(self, event: Any, depth: int) -> Node:
        mark = event.start_mark
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise _Bad(mark, f"more than {MAX_NODES} values", "a smaller file")
        if depth > MAX_DEPTH:
            raise _Bad(mark, f"more than {MAX_DEPTH} levels of nesting", "a flatter document")
        if isinstance(event, AliasEvent) or event.anchor is not None:
            raise _Bad(mark, "an anchor or alias", "the value written out where it is used")
        if event.tag is not None:
            raise _Bad(mark, f"the tag {event.tag}", 'no tag; quote text that starts with "!"')
        match event:
            case ScalarEvent():
                return _scalar(event)
            case SequenceStartEvent():
                return self._items(mark, depth)
            case MappingStartEvent():
                return self._members(mark, depth)
            case _:
                raise _Bad(mark, type(event).__name__, "a value")

    def _items(self, mark: Any, depth: int) -> Items:
        items: list[Node] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Items(items=tuple(items), line=mark.line + 1, column=mark.column + 1)

    def _members(self, mark: Any, depth: int) -> Members:
        members: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Scalar) or not isinstance(key.value, str):
                raise _Bad(event.start_mark, "a key that is not text", "a word, quoted where it looks like a number")
            if key.value in members:
                raise _Bad(event.start_mark, f"the key {key.value!r} a second time", "each key once")
            keys[key.value] = (key.line, key.column)
            members[key.value] = self._node(next(self._events), depth + 1)
        return Members(members=members, keys=keys, line=mark.line + 1, column=mark.column + 1)


def _scalar(event: Any) -> Scalar:
    mark, text = event.start_mark, str(event.value)
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise _Bad(mark, "NUL or half a surrogate pair", "Unicode text")
    line, column = mark.line + 1, mark.column + 1
    plain = event.style is None
    block = event.style in {"|", ">"}
    one_line = event.end_mark.line == mark.line
    return Scalar(
        value=_resolved(text, mark) if plain else text,
        text=text,
        line=line,
        column=column,
        content_line=line + 1 if block else line,
        content_column=(column if plain else column + 1) if one_line and not block else None,
    )


def _resolved(text: str, mark: Any) -> str | int | float | bool | None:
    """A plain scalar by the core schema of YAML 1.2 (§10.3)."""
    if _NULL.fullmatch(text):
        return None
    boolean = _BOOL.fullmatch(text)
    if boolean:
        return boolean[1] is not None
    if _NOT_FINITE.fullmatch(text):
        raise _Bad(mark, text, "a finite number")
    if len(text) <= _LONG_NUMBER:
        if _INT.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return _finite(text, mark)
    return text


def _finite(text: str, mark: Any) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise _Bad(mark, text, "a finite number")
    return value

"""Taking a YAML map apart field by field, collecting every fault instead of stopping at the first.

`policy.read` and its readers of each kind call it. A reader asks for a field and gets a value of
the right type or None; what was wrong is in `Faults` with its line. At the end `done()` reports
keys that nobody asked for.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Final, TypeVar, cast
from typing import Literal as Only

from fairlead.model.document import Json
from fairlead.model.expression import INT_MAX, INT_MIN, Type, Value
from fairlead.model.facts import Context, catalogue
from fairlead.model.resources import Condition, Fault
from fairlead.policy.check import read_expression, read_timestamp
from fairlead.policy.quantities import read_duration
from fairlead.policy.syntax import Refusal
from fairlead.policy.yaml_tree import Items, Members, Node, Scalar

T = TypeVar("T")
Word = TypeVar("Word", bound=str)

LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
MAX_FAULTS: Final = 100  # of one file; who wrote that many reads no more
_SHOWN: Final = 60


FieldType = Only["text", "word", "whole number", "true or false", "condition", "map", "list", "any"]


@dataclass(slots=True)
class Asked:
    """A field that a reader asked for: what it took and how it would have complained."""

    type: FieldType = "any"
    expected: str = ""
    words: tuple[str, ...] = ()
    context: str | None = None  # of a condition: whose facts it reads
    required: bool = False


class Faults:
    """What is wrong with one file, in the order it was found; and which fields were asked for, by path."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Fault] = []
        self.asked: dict[str, Asked] = {}

    def ask(self, path: str, **said: Any) -> None:
        """Note that a reader asked for a field. Entries of a list are one field."""
        field = self.asked.setdefault(re.sub(r"\[\d+\]", "[]", path), Asked())
        for name, value in said.items():
            setattr(field, name, value)

    def add(self, node: Node, path: str, expected: str, *, value: str | None = None) -> None:
        """Report a value that is not what was expected."""
        self.at((node.line, node.column), path, shown(node) if value is None else value, expected)

    def at(self, place: tuple[int, int], path: str, value: str, expected: str) -> None:
        """Report at a line and column."""
        line, column = place
        if len(self.found) >= MAX_FAULTS:
            return
        if len(self.found) == MAX_FAULTS - 1:
            path, value, expected = "", "more faults", "the former ones mended first"
        self.found.append(Fault(file=self.file, line=line, column=column, path=path, value=value, expected=expected))


def shown(node: Node) -> str:
    """A value as it can be shown in one line."""
    match node:
        case Scalar():
            text = node.text if len(node.text) <= _SHOWN else node.text[: _SHOWN - 1] + "…"
            return repr(text) if isinstance(node.value, str) else text or "nothing"
        case Items():
            return "a list"
        case Members():
            return "a map"


class Fields:
    """One map of a resource."""

    def __init__(self, node: Members, path: str, faults: Faults) -> None:
        self.node = node
        self.path = path
        self.faults = faults
        self._asked: list[str] = []

    def name(self, key: str) -> str:
        """The path of a field."""
        return f"{self.path}.{key}" if self.path else key

    def get(self, key: str) -> Node | None:
        """The node of a field, if it is there."""
        self._asked.append(str(key))
        self.faults.ask(self.name(key))
        return self.node.members.get(key)

    def need(self, key: str, expected: str) -> Node | None:
        """The node of a field that must be there."""
        node = self.get(key)
        self.faults.ask(self.name(key), expected=expected, required=True)
        if node is None:
            self.faults.add(self.node, self.name(key), expected, value="nothing")
        return node

    def done(self) -> None:
        """Report the keys that no reader asked for."""
        for key in self.node.members.keys() - set(self._asked):
            near = get_close_matches(key, self._asked, n=1)
            known = f"did you mean {near[0]!r}?" if near else "one of: " + ", ".join(sorted(set(self._asked)))
            self.faults.at(self.node.keys[key], self.name(key), f"the unknown key {key!r}", known)

    # -- typed fields

    def fields(self, key: str, expected: str, *, optional: bool = False) -> "Fields | None":
        """A map below this one."""
        self.faults.ask(self.name(key), type="map", expected=expected)
        node = self.get(key) if optional else self.need(key, expected)
        if node is None:
            return None
        if not isinstance(node, Members):
            self.faults.add(node, self.name(key), expected)
            return None
        return Fields(node, self.name(key), self.faults)

    def items(self, key: str, expected: str, *, optional: bool = False) -> tuple[Node, ...] | None:
        """A list below this one; an empty one is not accepted."""
        self.faults.ask(self.name(key), type="list", expected=expected)
        node = self.get(key) if optional else self.need(key, expected)
        if node is None:
            return None
        if not isinstance(node, Items) or not node.items:
            self.faults.add(node, self.name(key), expected)
            return None
        return node.items

    def each(self, key: str, expected: str, *, optional: bool = False) -> "Iterator[Fields]":
        """The maps of a list."""
        for index, node in enumerate(self.items(key, expected, optional=optional) or ()):
            path = f"{self.name(key)}[{index}]"
            if isinstance(node, Members):
                yield Fields(node, path, self.faults)
            else:
                self.faults.add(node, path, "a map")

    def text(
        self, key: str, expected: str, *, optional: bool = False, pattern: re.Pattern[str] | None = None
    ) -> str | None:
        """Text that is not empty."""
        self.faults.ask(self.name(key), type="text", expected=expected)
        node = self.get(key) if optional else self.need(key, expected)
        return None if node is None else self.text_of(node, self.name(key), expected, pattern)

    def text_of(self, node: Node, path: str, expected: str, pattern: re.Pattern[str] | None = None) -> str | None:
        """Text that is not empty, of a node."""
        self.faults.ask(path, type="text", expected=expected)
        value = node.value if isinstance(node, Scalar) else None
        if not isinstance(value, str) or not value.strip() or (pattern is not None and not pattern.fullmatch(value)):
            self.faults.add(node, path, expected)
            return None
        return value

    def whole(self, key: str, expected: str, *, low: int, high: int, optional: bool = False) -> int | None:
        """A whole number within bounds."""
        self.faults.ask(self.name(key), type="whole number", expected=expected)
        node = self.get(key) if optional else self.need(key, expected)
        if node is None:
            return None
        value = node.value if isinstance(node, Scalar) else None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.faults.add(node, self.name(key), expected)
            return None
        return value

    def flag(self, key: str, *, absent: bool = False) -> bool:
        """True or false; `absent` where it is not there."""
        self.faults.ask(self.name(key), type="true or false")
        node = self.get(key)
        if node is None:
            return absent
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            self.faults.add(node, self.name(key), "true or false")
            return False
        return node.value

    def choice(self, key: str, words: Sequence[Word], *, optional: bool = False) -> Word | None:
        """One of a closed set of words."""
        expected = "one of: " + ", ".join(words)
        self.faults.ask(self.name(key), type="word", expected=expected, words=tuple(map(str, words)))
        node = self.get(key) if optional else self.need(key, expected)
        return None if node is None else self.choice_of(node, self.name(key), words)

    def choice_of(self, node: Node, path: str, words: Sequence[Word]) -> Word | None:
        """One of a closed set of words, of a node."""
        self.faults.ask(path, type="word", words=tuple(map(str, words)))
        if isinstance(node, Scalar):
            for word in words:
                if node.text == word:
                    return word
            near = get_close_matches(node.text, words, n=1)
            if near:
                self.faults.add(node, path, f"did you mean {str(near[0])!r}?")
                return None
        self.faults.add(node, path, "one of: " + ", ".join(words))
        return None

    def read(self, key: str, reader: Callable[[str], T | None], expected: str, *, optional: bool = False) -> T | None:
        """A field that a reader of text understands."""
        self.faults.ask(self.name(key), type="text", expected=expected)
        node = self.get(key) if optional else self.need(key, expected)
        if node is None:
            return None
        value = reader(node.text) if isinstance(node, Scalar) else None
        if value is None:
            self.faults.add(node, self.name(key), expected)
        return value

    def condition(self, key: str, context: Context, *, optional: bool = False) -> Condition | None:
        """A condition over the facts of a context."""
        expected = f"a condition over the facts of a {context}"
        self.faults.ask(self.name(key), type="condition", expected=expected, context=context)
        node = self.get(key) if optional else self.need(key, expected)
        if node is None:
            return None
        if not isinstance(node, Scalar) or not isinstance(node.value, str | bool):
            self.faults.add(node, self.name(key), expected)
            return None
        read = read_expression(node.text, context=context)
        if isinstance(read, Refusal):
            self.faults.at(_place(node, read), self.name(key), read.problem, read.expected)
            return None
        return Condition(text=node.text.strip(), expr=read)

    def given(self, context: Context) -> Mapping[str, Value]:
        """The facts that a test assumes."""
        self.faults.ask(self.name("given"), context=context)
        facts = self.fields("given", "a map of facts")
        values: dict[str, Value] = {}
        if facts is None:
            return values
        for key, node in facts.node.members.items():
            fact = catalogue[context].get(key)
            if fact is None:
                near = get_close_matches(key, catalogue[context], n=1)
                expected = f"did you mean `{near[0]}`?" if near else f"a fact of a {context}"
                self.faults.at(facts.node.keys[key], facts.name(key), f"the unknown fact `{key}`", expected)
                continue
            value = _of_type(node, fact.type)
            if value is None and not (isinstance(node, Scalar) and node.value is None):
                self.faults.add(node, facts.name(key), f"a {fact.type}{_EXAMPLES.get(fact.type, '')}")
            values[key] = value
        return values

    def json(self, key: str, expected: str) -> Mapping[str, Json] | None:
        """A map of any JSON values."""
        self.faults.ask(self.name(key), type="map", expected=expected)
        node = self.need(key, expected)
        return None if node is None else self.json_of(node, self.name(key), expected)

    def json_of(self, node: Node, path: str, expected: str) -> Mapping[str, Json] | None:
        """A map of any JSON values, of a node."""
        self.faults.ask(path, type="map", expected=expected)
        if not isinstance(node, Members):
            self.faults.add(node, path, expected)
            return None
        before = len(self.faults.found)
        value = self._plain(node, path)
        return cast("Mapping[str, Json]", value) if len(self.faults.found) == before else None

    def _plain(self, node: Node, path: str) -> Json:
        match node:
            case Scalar(value=value):
                if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
                    self.faults.add(node, path, "a whole number of 64 bits")
                return value
            case Items(items=items):
                return [self._plain(item, f"{path}[{index}]") for index, item in enumerate(items)]
            case Members(members=members):
                return {key: self._plain(item, f"{path}.{key}") for key, item in members.items()}


_EXAMPLES: Final[dict[Type, str]] = {
    "duration": ", such as 24h",
    "timestamp": ", such as 2027-01-31T00:00:00Z",
    "list<string>": ", such as [DE, FR]",
}


def _place(node: Scalar, refusal: Refusal) -> tuple[int, int]:
    """Where in the file a place in a condition is; the start of the condition where folding hid it."""
    if node.content_column is not None:
        return node.content_line, node.content_column + refusal.column - 1
    if node.content_line > node.line:
        return node.content_line + refusal.line - 1, refusal.column
    return node.line, node.column


def _of_type(node: Node, kind: Type) -> Value:
    """A test's value for a fact of this type; None where it is not one."""
    if isinstance(node, Items):
        texts = [item.text for item in node.items if isinstance(item, Scalar) and isinstance(item.value, str)]
        return tuple(texts) if kind == "list<string>" and len(texts) == len(node.items) else None
    if not isinstance(node, Scalar):
        return None
    value = node.value
    match kind:
        case "bool":
            return value if isinstance(value, bool) else None
        case "int":
            fits = isinstance(value, int) and not isinstance(value, bool) and INT_MIN <= value <= INT_MAX
            return value if fits else None
        case "double":
            return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
        case "string":
            return value if isinstance(value, str) else None
        case "duration":
            return read_duration(node.text)
        case "timestamp":
            return read_timestamp(node.text)
        case "list<string>":
            return None


def positive_duration(text: str) -> timedelta | None:
    """A duration of whole seconds, at least one."""
    length = read_duration(text)
    whole = length is not None and length >= timedelta(seconds=1) and length % timedelta(seconds=1) == timedelta(0)
    return length if whole else None

"""Reads reference files strictly: every value asked for by name and kind, unknown keys refused.

A rule that is read wrongly is worse than one that is missing, so a pack with a misspelt key does
not load at all; the refusal names file, line, field, what was found and what was expected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Never, TypeVar, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

E = TypeVar("E", bound=StrEnum)
W = TypeVar("W", bound=str)

HOME = resources.files("fairlead.reference")


class MalformedReference(ValueError):
    """A reference file that does not say what it should; where, what was found, what was expected."""

    def __init__(self, *, file: str, line: int | None, pointer: str, value: object, expected: str) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {pointer or '/'} is {value!r}: expected {expected}")
        self.file = file
        self.line = line
        self.pointer = pointer
        self.value = value
        self.expected = expected


def _line(text: str, pointer: str) -> int | None:
    """The line of a value; parsed again, slowly, because only a refusal asks for it."""
    node: Any = cast("Any", YAML(typ="safe", pure=True)).compose(text)
    for step in [s for s in pointer.split("/") if s]:
        members = {str(k.value): v for k, v in node.value} if node.id == "mapping" else dict(_numbered(node))
        if step not in members:
            break
        node = members[step]
    return None if node is None else int(node.start_mark.line) + 1


def _numbered(node: Any) -> Iterator[tuple[str, Any]]:
    if node.id == "sequence":
        for i, member in enumerate(node.value):
            yield str(i), member


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A value in a file, with its place."""

    value: object
    file: str
    text: str
    pointer: str = ""

    def refuse(self, expected: str) -> Never:
        """Refuse this value."""
        raise MalformedReference(
            file=self.file,
            line=_line(self.text, self.pointer),
            pointer=self.pointer,
            value=self.value,
            expected=expected,
        )

    def _at(self, step: str | int, value: object) -> "Field":
        return Field(value=value, file=self.file, text=self.text, pointer=f"{self.pointer}/{step}")

    def fields(self, *, required: frozenset[str], optional: frozenset[str] = frozenset()) -> "dict[str, Field]":
        """The members of a mapping; refuses unknown and missing keys, leaves out null ones."""
        value = self.value
        if not isinstance(value, Mapping):
            self.refuse("a mapping")
        members = cast("Mapping[object, object]", value)
        for key, value in members.items():
            if key not in required | optional:
                self._at(str(key), value).refuse(f"one of the keys {', '.join(sorted(required | optional))}")
        for key in sorted(required - members.keys()):
            self.refuse(f"a key {key!r}")
        return {str(k): self._at(str(k), v) for k, v in members.items() if v is not None}

    def items(self) -> "list[Field]":
        """The members of a list."""
        value = self.value
        if not isinstance(value, list):
            self.refuse("a list")
        return [self._at(i, v) for i, v in enumerate(cast("list[object]", value))]

    def string(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse("a text")
        return self.value

    def strings(self) -> tuple[str, ...]:
        """A list of texts with at least one member."""
        found = tuple(item.string() for item in self.items())
        return found or self.refuse("at least one text")

    def integer(self, *, least: int = 0) -> int:
        """A whole number."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < least:
            self.refuse(f"a whole number of at least {least}")
        return self.value

    def choice(self, kind: type[E]) -> E:
        """One word of a closed list."""
        try:
            return kind(self.string())
        except ValueError:
            self.refuse(f"one of {', '.join(kind)}")

    def word(self, *words: W) -> W:
        """One of these words."""
        value = self.string()
        return next((w for w in words if w == value), None) or self.refuse(f"one of {', '.join(words)}")

    def day(self) -> date:
        """A day; the first day of a month (`2024-03`) or year (`2024`) where no more is known."""
        value = self.value
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        try:
            parts = [int(p) for p in str(value).split("-")]
            return date(*[*parts, 1, 1][:3])
        except (TypeError, ValueError):
            self.refuse("a day, month or year such as 2024-03-31, 2024-03 or 2024")


def read_yaml(path: Traversable) -> Field:
    """The top of a YAML file; a file that is not YAML is refused like any other wrong value."""
    text = path.read_text(encoding="utf-8")
    try:
        value: object = cast("Any", YAML(typ="safe")).load(text)
    except YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        raise MalformedReference(
            file=path.name,
            line=int(mark.line) + 1 if mark is not None else None,
            pointer="",
            value=str(getattr(error, "problem", error)),
            expected="YAML",
        ) from error
    return Field(value=value, file=path.name, text=text)


def yaml_files(folder: str) -> list[Traversable]:
    """The YAML files of a folder of reference data, by name."""
    found = HOME.joinpath(folder).iterdir()
    return sorted((f for f in found if f.name.endswith(".yaml")), key=lambda f: f.name)

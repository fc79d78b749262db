"""Reads the SQL files beside this module into named statements.

A file holds blocks that open with `-- name: something`; whatever comments follow belong to the
block. One statement a block, so that a name in a slow-query log leads to one place.
"""

import re
from functools import cache
from importlib import resources
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (?P<name>\w+)\s*$", re.MULTILINE)


class Statements(dict[str, LiteralString]):
    """Statements of one file by name; a missing name says which file was searched."""

    def __init__(self, file: str, blocks: dict[str, LiteralString]) -> None:
        super().__init__(blocks)
        self._file = file

    def __missing__(self, name: str) -> LiteralString:
        raise KeyError(f"store/sql/{self._file}.sql has no statement named {name!r}")


@cache
def load(file: str) -> Statements:
    """The statements of `store/sql/{file}.sql`."""
    text = cast(
        "LiteralString",  # our own files, read from the package: as literal as code
        resources.files("fairlead.store").joinpath("sql", f"{file}.sql").read_text(encoding="utf-8"),
    )
    found = list(_NAME.finditer(text))
    ends = [m.start() for m in found[1:]] + [len(text)]
    return Statements(file, {m["name"]: text[m.end() : end].strip() for m, end in zip(found, ends, strict=True)})

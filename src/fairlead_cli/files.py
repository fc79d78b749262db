"""Policy files from disk or standard input, as the server takes them."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fairlead_cli.client import Body, Exit, trouble

_SUFFIXES: Final = (".yaml", ".yml")


def read(places: Sequence[str]) -> list[Body]:
    """`{name, text}` of every file named, of all YAML files below a directory, or of `-`."""
    files: list[Body] = []
    for place in places:
        if place == "-":
            files.append({"name": "standard input", "text": sys.stdin.read()})
            continue
        path = Path(place)
        if not path.exists():
            raise trouble(Exit.USAGE, "There is no such file", f"{place}; expected a file, a directory or -")
        found = sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES) if path.is_dir() else [path]
        if not found:
            raise trouble(Exit.USAGE, "There is nothing to read", f"no {' or '.join(_SUFFIXES)} file below {place}")
        files += [{"name": str(p), "text": _text(p)} for p in found]
    return files


def removals(texts: Sequence[str]) -> list[Body]:
    """`Policy/name` or `name` as the server takes it."""
    found: list[Body] = []
    for text in texts:
        kind, slash, name = text.partition("/")
        if not (name if slash else kind):
            raise trouble(Exit.USAGE, "What should be removed?", f"{text!r}; expected a name, or KIND/NAME")
        found.append({"kind": kind, "name": name} if slash else {"kind": "Policy", "name": kind})
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise trouble(Exit.USAGE, "A file cannot be read", f"{path}: {error}") from error

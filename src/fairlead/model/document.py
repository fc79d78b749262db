"""A document's one true spelling and its hash: what a facet's content is stored and compared by.

Called wherever a document is made (`policy.resolve`) or received (a reported shadow). Keys are
sorted, nothing is padded, text is UTF-8, and a float that is a whole number is written as that
number, so that two documents that mean the same have the same bytes and the same hash.
"""

import json
import math
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, cast

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

MAX_DEPTH: Final = 32
_WHOLE: Final = 2.0**53  # up to here a float tells whole numbers apart
_INT_LIMIT: Final = 2**63


class MalformedDocument(ValueError):
    """A value that no document may hold; `path` is a JSON pointer to it."""

    def __init__(self, path: str, found: str, expected: str) -> None:
        super().__init__(f"at {path or 'the top'}: found {found}, expected {expected}")
        self.path = path
        self.found = found
        self.expected = expected


def canonical(value: object) -> bytes:
    """The canonical JSON of a value; raises `MalformedDocument` for NaN, other keys than text, or depth over 32."""
    plain = _plain(value, "", 0)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(content: bytes) -> bytes:
    """The SHA-256 of a document's canonical bytes: 32 bytes."""
    return sha256(content).digest()


def pointer(path: Sequence[str]) -> str:
    """Path segments as a JSON pointer (RFC 6901)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def _plain(value: object, path: str, depth: int) -> object:
    if depth > MAX_DEPTH:
        raise MalformedDocument(path, "deeper nesting", f"at most {MAX_DEPTH} levels")
    match value:
        case None | bool():
            return value
        case str():
            return _text(value, path)
        case int():
            if not -_INT_LIMIT <= value < _INT_LIMIT:
                raise MalformedDocument(path, "a larger number", "a whole number of 64 bits")
            return value
        case float():
            if not math.isfinite(value):
                raise MalformedDocument(path, repr(value), "a finite number")
            return int(value) if value.is_integer() and abs(value) <= _WHOLE else value
        case Mapping():
            return _members(cast("Mapping[object, object]", value), path, depth)
        case list() | tuple():
            items = cast("Sequence[object]", value)
            return [_plain(item, f"{path}/{index}", depth + 1) for index, item in enumerate(items)]
        case _:
            raise MalformedDocument(path, type(value).__name__, "text, a number, true, false, null, a list or a map")


def _members(value: Mapping[object, object], path: str, depth: int) -> dict[str, object]:
    members: dict[str, object] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise MalformedDocument(path, f"the key {key!r}", "keys that are text")
        members[_text(key, path)] = _plain(item, path + pointer((key,)), depth + 1)
    return members


def _text(value: str, path: str) -> str:
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise MalformedDocument(path, "NUL or half a surrogate pair", "Unicode text")
    return value

"""The JSON that a shadow may consist of: small, shallow, and without anything two readers would read differently.

Everything that arrives passes `parse` before anything is made of it. The decoder itself lets three
things through that we refuse: keys that occur twice (readers differ in which one they keep), the
letter U+0000 (PostgreSQL stores no such text) and whole numbers beyond 64 bits. Nesting is limited
as AWS limits it; the decoder stops by itself, with an error, long before deep nesting could hurt.
"""

import re
from typing import Any, Final

import msgspec

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
State = dict[str, Any]  # an object whose values are `Json`

STATE_LIMIT_BYTES: Final = 8_192  # of `state`, as AWS has it; also of a stored document, without metadata
STATE_DEPTH: Final = 6  # levels of objects and arrays in `reported` or `desired`, itself included
KEY_LIMIT: Final = 128  # characters
STRING_LIMIT: Final = 4_096  # characters
_INTEGERS: Final = range(-(2**63), 2**63)
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class ShadowError(Exception):
    """A message that is refused: a code as HTTP has them, and words for whoever programmed the device."""

    def __init__(self, code: int, message: str, *, client_token: str | None = None) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.client_token = client_token


def parse(data: bytes, *, limit_bytes: int, depth: int) -> Json:
    """Read JSON of at most this size and depth. Raises `ShadowError`: 413 too large, 415 not UTF-8, else 400."""
    if len(data) > limit_bytes:
        raise ShadowError(413, f"The payload of {len(data)} bytes exceeds the maximum size allowed, {limit_bytes}")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        raise ShadowError(415, "Unsupported documented encoding; supported encoding is UTF-8") from None
    try:
        value: Json = msgspec.json.decode(data)
    except RecursionError:
        raise ShadowError(400, f"JSON contains too many levels of nesting; maximum is {STATE_DEPTH}") from None
    except (msgspec.DecodeError, ValueError) as refusal:
        raise ShadowError(400, f"Invalid JSON: {refusal}") from None
    entries = _check(value, depth)
    # Outside strings a colon stands for one entry of an object; mostly there is none inside either.
    if data.count(b":") != entries and _STRING.sub(b" ", data).count(b":") != entries:
        raise ShadowError(400, "Invalid JSON: a key occurs twice in one object")
    return value


def _check(value: Json, depth: int) -> int:
    """Walk a value without recursion and refuse what must not be stored; answers how many entries objects have."""
    entries = 0
    level: list[Json] = [value]
    for remaining in range(depth, -1, -1):
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                entries += len(item)
                for key in item:
                    if len(key) > KEY_LIMIT or "\0" in key:
                        _check_text(key, KEY_LIMIT, "A key")
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _check_text(item, STRING_LIMIT, "A string")
            elif isinstance(item, int) and item not in _INTEGERS:
                raise ShadowError(400, "State contains an invalid node: a whole number beyond 64 bits")
            if remaining == 0 and isinstance(item, dict | list):
                raise ShadowError(400, f"JSON contains too many levels of nesting; maximum is {STATE_DEPTH}")
        level = below
    return entries


def _check_text(text: str, limit: int, what: str) -> None:
    if len(text) > limit:
        raise ShadowError(400, f"{what} of {len(text)} characters is too long; maximum is {limit}")
    if "\0" in text:
        raise ShadowError(400, f"{what} contains U+0000, which cannot be stored")

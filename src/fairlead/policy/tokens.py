"""CEL text as tokens (the lexical rules of the CEL language definition, without bytes and unsigned).

Only `policy.cel` calls it. String escapes are decoded here, once.
"""

import re
from dataclasses import dataclass
from typing import Final
from typing import Literal as Only

from fairlead.model.expression import Span
from fairlead.policy.syntax import Refused

Kind = Only["int", "double", "string", "name", "sign", "end"]

_SCAN: Final = re.compile(
    r"""
      (?P<blank>[ \t\r\n\f]+ | //[^\n]*)
    | (?P<double>\d+\.\d+(?:[eE][+-]?\d+)? | \d+[eE][+-]?\d+ | \.\d+(?:[eE][+-]?\d+)?)
    | (?P<hex>0[xX][0-9a-fA-F]+)
    | (?P<int>\d+)
    | (?P<opening>[bBrR]{0,2}(?:\"\"\"|'''|"|'))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[-!<>+*/%?:.,()\[\]{}])
    """,
    re.VERBOSE | re.ASCII,
)
_ESCAPE: Final = re.compile(
    r"\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL
)
_SIMPLE: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_LAST_CODE_POINT: Final = 0x10FFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token; `text` is the decoded value of a string and the spelling of everything else."""

    kind: Kind
    text: str
    span: Span


def tokens(text: str) -> tuple[Token, ...]:
    """All tokens, the last of kind `end`; raises `Refused`."""
    return tuple(_Scanner(text).run())


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._line_start = 0

    def _span(self) -> Span:
        return Span(line=self._line, column=self._at - self._line_start + 1)

    def _advance(self, end: int) -> None:
        newlines = self._text.count("\n", self._at, end)
        if newlines:
            self._line += newlines
            self._line_start = self._text.rindex("\n", self._at, end) + 1
        self._at = end

    def run(self) -> list[Token]:
        found: list[Token] = []
        while self._at < len(self._text):
            span = self._span()
            match = _SCAN.match(self._text, self._at)
            if match is None:
                raise Refused(span, f"unexpected character {self._text[self._at]!r}", _hint(self._text, self._at))
            kind = match.lastgroup
            if kind == "opening":
                found.append(Token(kind="string", text=self._string(match[0], span), span=span))
                continue
            self._advance(match.end())
            if kind == "blank":
                continue
            if kind in {"int", "hex", "double"}:
                self._number_ends(span)
            found.append(Token(kind=_KINDS[kind or ""], text=match[0], span=span))
        found.append(Token(kind="end", text="", span=self._span()))
        return found

    def _number_ends(self, span: Span) -> None:
        after = self._text[self._at : self._at + 1]
        if after in {"u", "U"}:
            raise Refused(span, "unsigned numbers are not part of the language", "write the number without its suffix")
        if after.isalnum() or after == "_":
            raise Refused(span, "a number may not run into a name", 'write `50 * MB`, or `duration("24h")`')

    def _string(self, opening: str, span: Span) -> str:
        quote = opening.lstrip("bBrR")
        flags = opening[: -len(quote)].lower()
        if "b" in flags:
            raise Refused(span, "bytes are not part of the language", "write a string without the b")
        start = self._at + len(opening)
        end = start
        while not self._text.startswith(quote, end):
            if end >= len(self._text) or (len(quote) == 1 and self._text[end] == "\n"):
                raise Refused(span, "the string never ends", f"close it with {quote}")
            end += 2 if self._text[end] == "\\" and not flags else 1
        body = self._text[start:end]
        self._advance(end + len(quote))
        value = body if flags else _ESCAPE.sub(lambda escape: _decode(escape, span), body)
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Refused(span, "NUL and half surrogates cannot stand in text", "remove the character")
        return value


_KINDS: Final[dict[str, Kind]] = {"int": "int", "hex": "int", "double": "double", "name": "name", "sign": "sign"}


def _decode(escape: re.Match[str], span: Span) -> str:
    two, four, eight, octal, simple = escape.groups()
    if simple is not None:
        if simple not in _SIMPLE:
            raise Refused(span, f"unknown escape \\{simple}", "write \\\\ for a backslash, or a raw string r'…'")
        return _SIMPLE[simple]
    code = int(octal, 8) if octal else int(two or four or eight, 16)
    if code > _LAST_CODE_POINT:
        raise Refused(span, "an escape beyond the last character of Unicode", "at most \\U0010FFFF")
    return chr(code)


_HINTS: Final = {
    "&": "write && for and", "|": "write || for or", "=": "write == to compare",
    "“": "write straight quotes", "”": "write straight quotes", "‘": "write straight quotes",
    "’": "write straight quotes", "≤": "write <=", "≥": "write >=",
}  # fmt: skip


def _hint(text: str, at: int) -> str:
    return _HINTS.get(text[at], "a fact, a constant or an operator")

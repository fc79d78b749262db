"""CEL text into the parser's tree: recursive descent by the grammar of the CEL language definition.

The subset leaves out what a fleet cannot be asked in SQL: maps, messages, macros, indexing, bytes
and unsigned numbers; each is refused by name. Length, depth and number of nodes are bounded, so no
text can exhaust the stack or the clock. `policy.check` is the caller.
"""

from typing import Final, cast

from fairlead.model.expression import INT_MAX, Span
from fairlead.policy.syntax import (
    Binary,
    BinaryOperator,
    Chain,
    Constant,
    Invoke,
    ListOf,
    Name,
    Refused,
    Select,
    Syntax,
    Ternary,
    Unary,
)
from fairlead.policy.tokens import Token, tokens

MAX_TEXT: Final = 8_192  # characters
MAX_NODES: Final = 2_000
MAX_DEPTH: Final = 32  # brackets, unary signs and ternaries inside one another
MAX_CHAIN: Final = 32  # links of one left-leaning chain: a + b + c, or a.b.c

_MAX_DIGITS: Final = 64  # leading zeros included; more is never 64 bits that anyone meant

_RELATIONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
_RESERVED: Final = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
})  # fmt: skip
_WORDS: Final = {"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!"}


def parse(text: str) -> Syntax:
    """The tree of an expression; raises `Refused` with the place of the first thing that cannot stand."""
    if len(text) > MAX_TEXT:
        raise Refused(Span(line=1, column=1), "the expression is too long", f"at most {MAX_TEXT} characters")
    if not text.strip():
        raise Refused(Span(line=1, column=1), "the expression is empty", "a condition, such as `roaming`")
    return _Parser(tokens(text)).whole()


class _Parser:
    def __init__(self, found: tuple[Token, ...]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    def whole(self) -> Syntax:
        if len(self._tokens) > MAX_NODES:
            raise Refused(self._tokens[0].span, "the expression is too large", f"at most {MAX_NODES} tokens")
        tree = self._expression()
        if self._next.kind != "end":
            raise self._unexpected("an operator or the end")
        return tree

    # -- tokens

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _is(self, *signs: str) -> bool:
        return self._next.kind == "sign" and self._next.text in signs

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _expect(self, sign: str) -> Token:
        if not self._is(sign):
            raise self._unexpected(f"`{sign}`")
        return self._take()

    def _unexpected(self, expected: str) -> Refused:
        token = self._next
        if token.kind == "name" and token.text in _WORDS:
            return Refused(token.span, f"`{token.text}` is not an operator", f"write `{_WORDS[token.text]}`")
        found = "the expression ends here" if token.kind == "end" else f"unexpected `{token.text}`"
        return Refused(token.span, found, f"expected {expected}")

    # -- grammar, loosest first

    def _expression(self) -> Syntax:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(self._next.span, "the expression is too deeply nested", f"at most {MAX_DEPTH} levels")
        condition = self._chain("||")
        if self._is("?"):
            self._take()
            then = self._chain("||")
            self._expect(":")
            otherwise = self._expression()
            condition = Ternary(condition=condition, then=then, otherwise=otherwise, span=condition.span)
        self._depth -= 1
        return condition

    def _chain(self, operator: str) -> Syntax:
        first = self._chain("&&") if operator == "||" else self._relation()
        if not self._is(operator):
            return first
        operands = [first]
        while self._is(operator):
            self._take()
            operands.append(self._chain("&&") if operator == "||" else self._relation())
        return Chain(operator="||" if operator == "||" else "&&", operands=tuple(operands), span=first.span)

    def _relation(self) -> Syntax:
        left = self._sum()
        links = 0
        while self._is(*_RELATIONS) or (self._next.kind == "name" and self._next.text == "in"):
            operator = cast("BinaryOperator", self._take().text)
            left = Binary(operator=operator, left=left, right=self._sum(), span=left.span)
            links = self._link(links)
        return left

    def _sum(self) -> Syntax:
        left = self._product()
        links = 0
        while self._is("+", "-"):
            operator = cast("BinaryOperator", self._take().text)
            left = Binary(operator=operator, left=left, right=self._product(), span=left.span)
            links = self._link(links)
        return left

    def _product(self) -> Syntax:
        left = self._unary()
        links = 0
        while self._is("*", "/", "%"):
            operator = cast("BinaryOperator", self._take().text)
            left = Binary(operator=operator, left=left, right=self._unary(), span=left.span)
            links = self._link(links)
        return left

    def _link(self, links: int) -> int:
        if links >= MAX_CHAIN:
            raise Refused(self._next.span, "the expression is too deeply nested", f"at most {MAX_CHAIN} links")
        return links + 1

    def _unary(self) -> Syntax:
        if not self._is("!", "-"):
            return self._member()
        sign = self._take()
        if sign.text == "-" and self._next.kind in {"int", "double"}:
            return self._selections(self._number(self._take(), negative=True, span=sign.span))
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(sign.span, "the expression is too deeply nested", f"at most {MAX_DEPTH} levels")
        operand = self._unary() if self._is(sign.text) else self._member()
        self._depth -= 1
        return Unary(operator="!" if sign.text == "!" else "-", operand=operand, span=sign.span)

    def _member(self) -> Syntax:
        return self._selections(self._primary())

    def _selections(self, target: Syntax) -> Syntax:
        links = 0
        while self._is(".", "[", "{"):
            if not self._is("."):
                raise Refused(
                    self._next.span,
                    "lists and maps cannot be indexed",
                    'ask `"x" in tags`, or read the fact by its full name',
                )
            self._take()
            if self._next.kind != "name":
                raise self._unexpected("a name after the dot")
            name = self._take()
            if self._is("("):
                target = Invoke(target=target, function=name.text, arguments=self._arguments(), span=target.span)
            else:
                target = Select(target=target, field=name.text, span=target.span)
            links = self._link(links)
        return target

    def _arguments(self) -> tuple[Syntax, ...]:
        self._expect("(")
        found = self._items(")")
        self._expect(")")
        return found

    def _items(self, closing: str) -> tuple[Syntax, ...]:
        found: list[Syntax] = []
        while not self._is(closing):
            found.append(self._expression())
            if not self._is(","):
                break
            self._take()
        return tuple(found)

    def _primary(self) -> Syntax:
        token = self._next
        match token.kind:
            case "int" | "double":
                return self._number(self._take(), negative=False, span=token.span)
            case "string":
                return Constant(value=self._take().text, span=token.span)
            case "name":
                return self._name()
            case _:
                return self._bracket()

    def _name(self) -> Syntax:
        if self._next.text in _WORDS or self._next.text == "in":
            raise self._unexpected("a fact or a constant")
        token = self._take()
        if token.text in {"true", "false"}:
            return Constant(value=token.text == "true", span=token.span)
        if token.text == "null":
            raise Refused(token.span, "there is no null", "an absent fact matches nothing; `fairlead why` shows it")
        if token.text in _RESERVED:
            raise Refused(token.span, f"`{token.text}` is a reserved word", "use `condition ? a : b` to choose")
        if self._is("("):
            return Invoke(target=None, function=token.text, arguments=self._arguments(), span=token.span)
        return Name(name=token.text, span=token.span)

    def _bracket(self) -> Syntax:
        if self._is("("):
            self._take()
            inner = self._expression()
            self._expect(")")
            return inner
        if self._is("["):
            span = self._take().span
            items = self._items("]")
            self._expect("]")
            return ListOf(items=items, span=span)
        if self._is("{"):
            raise Refused(self._next.span, "maps are not part of the language", "a fact, a constant or `(`")
        raise self._unexpected("a fact, a constant or `(`")

    @staticmethod
    def _number(token: Token, *, negative: bool, span: Span) -> Constant:
        sign = -1 if negative else 1
        if token.kind == "double":
            value = float(token.text)
            if value == float("inf"):
                raise Refused(span, "the number is too large", "a finite number")
            return Constant(value=sign * value, span=span)
        readable = len(token.text) <= _MAX_DIGITS
        whole = sign * int(token.text, 0 if token.text[:2].lower() == "0x" else 10) if readable else None
        if whole is None or not -INT_MAX - 1 <= whole <= INT_MAX:
            raise Refused(span, "the number does not fit 64 bits", "a number between -2^63 and 2^63 - 1")
        return Constant(value=whole, span=span)

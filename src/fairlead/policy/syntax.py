"""What an expression says before anyone asks what it means: the parser's tree, untyped.

`policy.cel` makes it, `policy.check` turns it into the typed tree of `model.expression`. Chains of
`&&` and `||` are one node with many operands, so a long rule is not a deep one.
"""

from dataclasses import dataclass
from typing import Literal as Only

from fairlead.model.expression import Span

BinaryOperator = Only["==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A literal: bool, int, double or string."""

    value: bool | int | float | str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """`[a, b]`."""

    items: tuple["Syntax", ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A bare identifier."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """`target.field`."""

    target: "Syntax"
    field: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoke:
    """`function(a)` or `target.function(a)`."""

    target: "Syntax | None"
    function: str
    arguments: tuple["Syntax", ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary:
    """`!operand` or `-operand`."""

    operator: Only["!", "-"]
    operand: "Syntax"
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A relation or arithmetic."""

    operator: BinaryOperator
    left: "Syntax"
    right: "Syntax"
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """`a && b && c` or `a || b || c`."""

    operator: Only["&&", "||"]
    operands: tuple["Syntax", ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Ternary:
    """`condition ? then : otherwise`."""

    condition: "Syntax"
    then: "Syntax"
    otherwise: "Syntax"
    span: Span


Syntax = Constant | ListOf | Name | Select | Invoke | Unary | Binary | Chain | Ternary


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an expression was not accepted, and where."""

    line: int  # from 1
    column: int  # from 1
    problem: str  # what is wrong
    expected: str  # what would be right; the suggestion

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.problem}; {self.expected}"


class Refused(Exception):
    """Carries a refusal from where it was found to the function that returns it; never leaves the room."""

    def __init__(self, span: Span, problem: str, expected: str) -> None:
        super().__init__(problem)
        self.refusal = Refusal(line=span.line, column=span.column, problem=problem, expected=expected)

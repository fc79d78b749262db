"""What a command prints: tables and sentences for people, documents for programs.

With `--json` a command prints exactly one JSON document on standard output, with `--jsonl` one
line an item; problems then go to standard error as a document too, so that a pipe never takes an
error for an answer. Tables fit into 100 columns unless somebody asks for `wide`. Colours follow
the terminal and `NO_COLOR`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fairlead_cli import words
from fairlead_cli.client import Body, Listing

Form = Literal["table", "wide", "json", "jsonl"]
WIDTH: Final = 100
_WIDE: Final = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its heading and where its value is."""

    title: str
    value: str | Callable[[Body], Any]  # a dotted path, or what makes it
    wide: bool = False  # only with -o wide
    right: bool = False
    whole: bool = False  # never cut: names and ids, which are copied
    fold: bool = False  # sentences: as many lines as they take; all else is one line

    def of(self, item: Body) -> Text:
        """The cell."""
        value = words.at(item, self.value) if isinstance(self.value, str) else self.value(item)
        cell = Text.from_markup(words.coloured(value))
        cell.no_wrap = not self.fold
        cell.overflow = "fold" if self.fold else "ellipsis"
        return cell


class Output:
    """Where a command's answer goes."""

    def __init__(self, form: Form) -> None:
        self.form: Form = form
        width = _WIDE if form == "wide" else WIDTH
        self.console = Console(width=min(width, Console().width) if sys.stdout.isatty() else width, highlight=False)
        self.errors = Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH, highlight=False)

    @property
    def for_people(self) -> bool:
        """Whether somebody reads this, rather than a program."""
        return self.form in ("table", "wide")

    def say(self, *lines: str) -> None:
        """Sentences (Rich markup) for people; programs get the document instead."""
        if self.for_people:
            for line in lines:
                self.console.print(line, soft_wrap=False)

    def hint(self, line: str) -> None:
        """What somebody may do next, with ids that are copied: never broken."""
        if self.for_people:
            self.console.print(f"[dim]{line}[/]", soft_wrap=True)

    def copy(self, line: str) -> None:
        """A line to be copied: never broken, no markup."""
        if self.for_people:
            self.console.print(line, soft_wrap=True, markup=False)

    def note(self, line: str) -> None:
        """A remark beside the answer, on standard error."""
        if self.for_people:
            self.errors.print(f"[dim]{line}[/]")

    def show(self, thing: RenderableType) -> None:
        """Anything Rich can draw."""
        if self.for_people:
            self.console.print(thing)

    def document(self, value: Any) -> None:
        """The JSON document of this command."""
        if not self.for_people:
            indent = 2 if self.form == "json" else None
            print(json.dumps(value, indent=indent, ensure_ascii=False))

    def listing(self, found: Listing, columns: Sequence[Column], *, noun: str) -> None:
        """A list: a table, one document, or a line an item."""
        if self.form == "jsonl":
            for item in found.items:
                print(json.dumps(item, ensure_ascii=False))
            return
        if self.form == "json":
            self.document(found.document() | found.more)
            return
        if not found.items:
            self.say(f"No {noun}.")
        else:
            self.table(found.items, columns)
        if found.next is not None:
            more = "" if found.complete else " (the time budget ended first)"
            self.note(f"{words.count(len(found.items), 'row')} shown{more}; there are more: --limit N or --all")

    def table(self, items: Iterable[Body], columns: Sequence[Column]) -> None:
        """Rows as a table."""
        shown = [column for column in columns if self.form == "wide" or not column.wide]
        table = grid(*(Title(text=c.title, right=c.right, whole=c.whole) for c in shown))
        for item in items:
            table.add_row(*(column.of(item) for column in shown))
        self.show(table)

    def fields(self, pairs: Mapping[str, Any]) -> None:
        """Names and values, one a line; what is absent is left out."""
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in pairs.items():
            if value not in (None, "", [], {}):
                table.add_row(name, value if _is_markup(value) else words.coloured(value))
        self.show(table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A heading."""

    text: str
    right: bool = False
    whole: bool = False


class Markup(str):
    """Text that is Rich markup already."""

    __slots__ = ()


def grid(*titles: Title) -> Table:
    """An empty table in the house's looks."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in titles:
        table.add_column(
            escape(title.text), justify="right" if title.right else "left", no_wrap=title.whole,
            overflow="fold" if title.whole else "ellipsis",
        )  # fmt: skip
    return table


def _is_markup(value: Any) -> bool:
    return isinstance(value, Markup)

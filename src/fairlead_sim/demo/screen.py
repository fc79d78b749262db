"""What people see while the story runs: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

_PLAIN_EVERY_S: Final = 5.0


class Screen:
    """Tells of phases, what happened, and how far things are."""

    def __init__(self, console: Console | None = None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(highlight=False)
        self._monotonic = monotonic
        self._begun = monotonic()
        self._told_at = 0.0
        self._phase = ""
        self._figures: dict[str, str] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begin to draw."""
        if self._console.is_terminal:
            self._live = Live(self._drawn(), console=self._console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Draw no more."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def elapsed_s(self) -> float:
        """Real seconds since the screen was made."""
        return self._monotonic() - self._begun

    def phase(self, title: str) -> None:
        """A new part of the story begins."""
        self._phase = title
        self._figures.clear()
        self._print(Text(f"▶ {title}", style="bold cyan"))

    def say(self, text: str, *, style: str = "") -> None:
        """Something happened."""
        self._print(Text(f"  {text}", style=style))

    def show(self, now: datetime, figures: Mapping[str, object]) -> None:
        """How far things are; on a terminal at once, elsewhere a line now and then."""
        self._figures = {"house time": f"{now:%a %d %b %Y %H:%M} UTC"} | {k: str(v) for k, v in figures.items()}
        if self._live is not None:
            self._live.update(self._drawn())
        elif self._monotonic() - self._told_at >= _PLAIN_EVERY_S:
            self._told_at = self._monotonic()
            self._print(Text("  … " + " · ".join(f"{k} {v}" for k, v in self._figures.items()), style="dim"))

    def _print(self, text: Text) -> None:
        line = Text(f"{self.elapsed_s:6.1f} s ", style="dim") + text
        if self._live is not None:
            self._live.console.print(line, soft_wrap=True)
            self._live.update(self._drawn())
        else:
            self._console.print(line, soft_wrap=True)

    def _drawn(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for key, value in self._figures.items():
            table.add_row(f"[dim]{escape(key)}[/]", escape(value))
        return Group(Text(f"{self._phase or 'Northwind Trackers'}", style="bold"), table)

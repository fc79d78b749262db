"""How every command is made: the options all share, the way to a server, and how it ends.

`command(app, "name", examples=…)` registers a function whose first parameter is a `Shell`. The
function gets the shared options (`--json`, `--url`, `--token` …) already read, talks to the server
through `shell.client`, and raises `Trouble` where it does not succeed; the rest is done here once.
"""

import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Annotated, Any, Final, TypeVar

import httpx
import typer
from rich.markup import escape

from fairlead_cli import problems, settings
from fairlead_cli.client import Client, Exit, Trouble, trouble
from fairlead_cli.output import Form, Output

Run = TypeVar("Run", bound=Callable[..., Any])

_PANEL: Final = "Every command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the world gives a command; tests give their own."""

    transport: httpx.BaseTransport | None = None  # None: the network
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, kw_only=True)
class Shell:
    """One run of one command."""

    around: Surroundings
    out: Output
    url: str | None
    token: str | None

    @cached_property
    def settings(self) -> settings.Settings:
        """Which server, with which token."""
        return settings.resolve(url=self.url, token=self.token, env=self.around.env)

    @cached_property
    def client(self) -> Client:
        """The server, as the principal of the token."""
        return self.to(self.settings.url, self.settings.token)

    def to(self, url: str, token: str | None) -> Client:
        """Another server, or the same as somebody else."""
        return Client(url, token, transport=self.around.transport)

    def agree(self, question: str, *, yes: bool) -> None:
        """Ask before something moves; raises `Trouble` where nobody agrees or nobody is there to ask."""
        if yes:
            return
        if not self.out.for_people or not sys.stdin.isatty():
            raise trouble(Exit.USAGE, "Nobody is here to agree", f"{question} Say --yes where no terminal asks.")
        if not typer.confirm(question):
            raise trouble(Exit.FAILED, "Nothing was done", "you said no")


_SHARED: Final[Mapping[str, tuple[Any, Any]]] = {
    "ctx": (typer.Context, inspect.Parameter.empty),
    "as_json": (Annotated[bool, typer.Option("--json", help="One JSON document.", rich_help_panel=_PANEL)], False),
    "as_jsonl": (Annotated[bool, typer.Option("--jsonl", help="A JSON line an item.", rich_help_panel=_PANEL)], False),
    "url": (
        Annotated[
            str | None,
            typer.Option(
                "--url", metavar="URL", help="The server (else FAIRLEAD_URL, else where you logged in).",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
    "token": (
        Annotated[
            str | None,
            typer.Option(
                "--token", metavar="TOKEN", help="A token (better in FAIRLEAD_TOKEN or by login).",
                rich_help_panel=_PANEL,
            ),
        ],
        None,
    ),
}  # fmt: skip


def command(app: typer.Typer, name: str, *, examples: Sequence[str]) -> Callable[[Run], Run]:
    """Register a command. `examples` end its help; a number that it returns is the exit code."""

    def register(function: Run) -> Run:
        @wraps(function)
        def run(**given: Any) -> None:
            shell = _shell(given)
            try:
                code = function(shell, **given)
            except Trouble as found:
                problems.show(shell.out, found)
                raise typer.Exit(int(found.code)) from found
            if isinstance(code, int):
                raise typer.Exit(code)

        run.__signature__ = _signature(function)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in inspect.signature(run).parameters.values()}
        app.command(name, epilog=_epilog(examples))(run)
        return function

    return register


def group(name: str, about: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(name=name, help=about, no_args_is_help=True, pretty_exceptions_enable=False)


def _shell(given: dict[str, Any]) -> Shell:
    shared = {name: given.pop(name) for name in _SHARED}
    around = shared["ctx"].obj if isinstance(shared["ctx"].obj, Surroundings) else Surroundings()
    wanted: str | None = given.get("output")
    form: Form = "table"
    if shared["as_jsonl"] or wanted == "jsonl":
        form = "jsonl"
    elif shared["as_json"] or wanted == "json":
        form = "json"
    elif wanted == "wide":
        form = "wide"
    return Shell(around=around, out=Output(form), url=shared["url"], token=shared["token"])


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "shell"]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in _SHARED.items()
    ]
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Signature([p.replace(kind=keyword) for p in own] + shared)


def _epilog(examples: Sequence[str]) -> str:
    shown = [f"  [cyan]{escape(example)}[/]" for example in examples]
    return "\n\n".join(["[bold]Examples[/]", *shown])

"""`fairlead events`: what moves, printed as it moves.

Reads the server's event stream (docs/events.md) and goes on behind the last event it saw when the
connection breaks. Events are nudges: whoever needs to be sure asks the list or the thing itself.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, cast

import typer

from fairlead_cli import words
from fairlead_cli.client import Body, Exit, Trouble
from fairlead_cli.shell import Shell, command

_AGAIN_S: Final = 3.0
_PATIENCE: Final = 30  # connections in a row that brought nothing


def events(
    shell: Shell, *,
    kinds: Annotated[
        str | None,
        typer.Option("--kinds", metavar="KIND,…", help="journal, change, bulk, finding, device, counts, job."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="End after so many.")] = None,
) -> None:  # fmt: skip
    """What moves, as it moves, until Ctrl-C; with --json a JSON line an event."""
    seen: str | None = None
    shown, silent = 0, 0
    while True:
        try:
            headers = {"Last-Event-ID": seen} if seen else None
            with shell.client.stream("/v1/events", {"kinds": kinds}, headers=headers) as blocks:
                for number, data in read(blocks):
                    seen, silent = number or seen, 0
                    _show(shell, data)
                    shown += 1
                    if shown == limit:
                        return
            silent += 1
        except KeyboardInterrupt:
            return
        except Trouble as error:
            silent += 1
            if error.code is not Exit.UNREACHABLE or silent >= _PATIENCE:
                raise
        shell.around.sleep(_AGAIN_S)


def read(blocks: Iterable[bytes]) -> Iterator[tuple[str, Body]]:
    """Id and data of each event (WHATWG HTML §9.2.6, as far as this server uses it)."""
    number, data = "", ""
    for line in _lines(blocks):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line and data:
            yield number, cast("Body", json.loads(data))
            data = ""
        elif name == "id":
            number = value
        elif name == "data":
            data += value


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from (line.decode() for line in whole)


def _show(shell: Shell, event: Body) -> None:
    if not shell.out.for_people:
        print(json.dumps(event, ensure_ascii=False), flush=True)
        return
    subject = cast("Body", event.get("subject") or {})
    count = event.get("count")
    about = subject.get("id") or (words.count(count, "device") if isinstance(count, int) else "look again")
    at = str(event.get("at", ""))[:19].replace("T", " ")
    action = str(event.get("action") or "moved")
    shell.out.copy(f"{at}  {event.get('kind')!s:8} {action:22} {about}")


def install(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "events", examples=("fairlead events", "fairlead events --kinds change,journal --json"))(events)

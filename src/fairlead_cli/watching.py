"""Watching a Change until it settles: a live table on a terminal, lines anywhere else.

The server is asked once a second. A server that is out of reach for a while does not end the
watching; one that stays away does.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from rich.live import Live

from fairlead_cli import change_view
from fairlead_cli.client import Body, Exit, Trouble, trouble
from fairlead_cli.shell import Shell

_EVERY_S: Final = 1.0
_PATIENCE: Final = 30  # asks in a row without an answer

Telling: TypeAlias = Callable[[Body], None]


def watch(shell: Shell, change: str) -> None:
    """Show a Change until it settles; raises `Trouble` (exit 1) when it was aborted."""
    if shell.out.for_people and shell.out.console.is_terminal:
        with Live(console=shell.out.console, refresh_per_second=4) as screen:
            ended = _follow(shell, change, lambda found: screen.update(change_view.live(found)))
    else:
        ended = _follow(shell, change, _Log(shell))
        if shell.out.form == "json":
            shell.out.document(ended)
        else:
            shell.out.say("")
            shell.out.show(change_view.picture(ended))
    if shell.out.for_people:
        change_view.follow_up(shell.out, ended)
    if ended["state"] == "aborted":
        why = str(ended.get("reason") or "no batch passed its gate")
        raise trouble(Exit.FAILED, f"{ended['id']} was aborted", f"{change_view.line(ended)} ({why})")


class _Log:
    """Says each new state of things once."""

    def __init__(self, shell: Shell) -> None:
        self._out = shell.out
        self._last = ""

    def __call__(self, found: Body) -> None:
        now = change_view.line(found)
        if now == self._last:
            return
        self._last = now
        if self._out.form == "jsonl":
            self._out.document(found)
        else:
            self._out.say(now)


def _follow(shell: Shell, change: str, tell: Telling) -> Body:
    silent = 0
    while True:
        try:
            found: Body = shell.client.get(f"/v1/changes/{change}")
        except Trouble as error:
            silent += 1
            if error.code is not Exit.UNREACHABLE or silent >= _PATIENCE:
                raise
            shell.around.sleep(_EVERY_S)
            continue
        silent = 0
        tell(found)
        if found["state"] in change_view.SETTLED:
            return found
        shell.around.sleep(_EVERY_S)

"""Watching a bulk action until it ends: a bar on a terminal, the end alone elsewhere.

It goes on without whoever watches: Ctrl-C leaves it running and says how to come back. A server that is
out of reach for a while does not end the watching; one that stays away does.
"""

from collections.abc import Callable
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn

from fairlead_cli import bulk_view, words
from fairlead_cli.client import Body, Exit, Trouble, trouble
from fairlead_cli.shell import Shell

_EVERY_S: Final = 1.0
_PATIENCE: Final = 30  # asks in a row without an answer


def watch(shell: Shell, bulk: str) -> int:
    """Follow it until it ends; the exit code is 0 where every line came true. Raises `Trouble` where not."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f}"))
    out, last = shell.out, list[Body]()
    shown = out.for_people and out.errors.is_terminal
    try:
        with Progress(*columns, console=out.errors, transient=True, disable=not shown) as bar:
            task = bar.add_task("lines", total=None)

            def told(found: Body) -> None:
                bar.update(
                    task, description=f"{found['state']}: {bulk_view.by_state(found)}", completed=int(found["settled"]),
                    total=int(found["lines"]),
                )  # fmt: skip
                if out.form == "jsonl" and found != (last[-1] if last else None):
                    out.document(found)
                last[:] = [found]

            ended = _follow(shell, bulk, told)
    except KeyboardInterrupt:
        return _left(shell, bulk, last)
    if out.form == "json":
        out.document(ended)
    out.say("", f"[bold]{ended['id']}[/] is {words.coloured(ended['state'])}: {bulk_view.by_state(ended)}.")
    if out.for_people:
        bulk_view.follow_up(out, ended)
    total, true = int(ended["lines"]), int(words.part(ended, "by_state").get("verified", 0))
    if true < total:
        what = "was cancelled" if ended["state"] == "cancelled" else "did not come true on every line"
        raise trouble(Exit.FAILED, f"{bulk} {what}", f"{true:,} of {words.count(total, 'line')} verified")
    return int(Exit.OK)


def _left(shell: Shell, bulk: str, last: list[Body]) -> int:
    """Somebody turns away: it goes on. Not known to have come true, so not a success."""
    if shell.out.form == "json" and last:
        shell.out.document(last[-1])
    far = f" ({last[-1]['settled']:,} of {words.count(int(last[-1]['lines']), 'line')} settled)" if last else ""
    shell.out.note(f"It goes on without you{far}. Come back: fairlead bulk watch {bulk}")
    shell.out.note(f"Hold it: fairlead bulk pause {bulk}. Drop what has not left: fairlead bulk cancel {bulk}")
    return int(Exit.FAILED)


def _follow(shell: Shell, bulk: str, tell: Callable[[Body], None]) -> Body:
    silent = 0
    while True:
        try:
            found: Body = shell.client.get(f"/v1/bulk/{bulk}")
        except Trouble as error:
            silent += 1
            if error.code is not Exit.UNREACHABLE or silent >= _PATIENCE:
                raise
            shell.around.sleep(_EVERY_S)
            continue
        silent = 0
        tell(found)
        if found["state"] in bulk_view.OVER:
            return found
        shell.around.sleep(_EVERY_S)

"""Problem documents as people read them: what happened, where, and what to do next."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Exit, Trouble
from fairlead_cli.output import Output, Title, grid

_MOST_ERRORS: Final = 20
_NEXT: Final[Mapping[str, str]] = {
    "unauthenticated": "Sign in with `fairlead login`, or give a token in FAIRLEAD_TOKEN.",
    "forbidden": "Ask an owner for a role that permits it; `fairlead config show --who` lists yours.",
    "unreachable": "Is it running? `fairlead up` starts one here; --url and FAIRLEAD_URL point elsewhere.",
    "drifted": "Look at a new plan (`fairlead plan -f …`) and apply that.",
    "expired": "Make a new plan with `fairlead plan -f …`.",
    "collision": "Raise the priority of one of the policies, or narrow its match; then plan again.",
    "trial_open": "Watch it with `fairlead change watch`, or end it with `fairlead change stop`.",
    "own_change": "Ask another person to run `fairlead change approve`.",
    "bad-rows": "Correct the rows and send the file again; --partial applies the good ones.",
    "unreadable-file": "A file with other headings is read through --map ours:Theirs; see docs/import.md.",
    "moved-on": "Read it again and repeat the edit.",
    "too-many-attempts": "Wait for the time named, then try again.",
    "internal": "The server's log has the details under the request id.",
}


def show(out: Output, found: Trouble) -> None:
    """A problem on standard error."""
    problem = found.problem
    if not out.for_people:
        out.errors.print(
            json.dumps(problem | {"exit": int(found.code)}, ensure_ascii=False), soft_wrap=True, markup=False
        )
        return
    out.errors.print(f"[bold red]{escape(str(problem.get('title', 'It failed')))}[/]")
    if problem.get("detail"):
        out.errors.print(escape(str(problem["detail"])))
    _show_errors(out, words.rows(problem, "faults") or words.rows(problem, "errors"))
    differences = problem.get("differences")
    if isinstance(differences, dict) and differences:
        for name, value in cast("Mapping[str, Any]", differences).items():
            out.errors.print(f"  {name.replace('_', ' ')}: {escape(words.text(value))}")
    follow = next_step(problem, found.code)
    if follow:
        out.errors.print(f"[dim]Next:[/] {escape(follow)}")
    if problem.get("request_id") and int(problem.get("status", 0)) >= 500:  # noqa: PLR2004 - the server's own fault
        out.errors.print(f"[dim]Request {escape(str(problem['request_id']))}[/]")


def next_step(problem: Mapping[str, Any], code: Exit) -> str | None:
    """What helps, where it is known."""
    if said := problem.get("next"):  # the command knows better than the kind of problem
        return str(said)
    kind = str(problem.get("type", "")).rpartition("/")[2]
    named = str(problem.get("code", ""))
    if found := _NEXT.get(named) or _NEXT.get(kind):
        return found
    return _NEXT["unreachable"] if code is Exit.UNREACHABLE else None


def where(error: Mapping[str, Any]) -> str:
    """The place of one error: a file with its line, a row, or a field."""
    line, column = error.get("line"), error.get("column")
    if error.get("file"):
        return ":".join(str(part) for part in (error["file"], line, column) if part)
    if line:
        return f"line {line}" + (f", {column}" if column else "")
    return str(error.get("pointer") or error.get("path") or "")


def _show_errors(out: Output, errors: Sequence[Mapping[str, Any]]) -> None:
    if not errors:
        return
    shown = errors[:_MOST_ERRORS]
    if any(error.get("file") for error in shown):
        _show_faults(out, shown)
    else:
        table = grid(Title(text="WHERE"), Title(text="FOUND"), Title(text="EXPECTED"))
        for column in table.columns:
            column.overflow = "fold"
        for error in shown:
            found, expected = words.text(error.get("value")), str(error.get("expected", ""))
            table.add_row(escape(where(error)), escape(found), escape(expected))
        out.errors.print(table)
    if len(errors) > _MOST_ERRORS:
        out.errors.print(f"[dim]… and {len(errors) - _MOST_ERRORS:,} more; --json has them[/]")


def _show_faults(out: Output, faults: Sequence[Mapping[str, Any]]) -> None:
    """Faults of files as compilers print them: the place is copied into an editor."""
    for fault in faults:
        path = f"  [dim]{escape(str(fault['path']))}[/]" if fault.get("path") else ""
        out.errors.print(f"[bold]{escape(where(fault))}[/]{path}", soft_wrap=True)
        out.errors.print(f"  found     {escape(words.text(fault.get('value')))}", soft_wrap=True)
        out.errors.print(f"  expected  {escape(str(fault.get('expected', '')))}", soft_wrap=True)

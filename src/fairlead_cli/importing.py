"""`fairlead import`: a CSV file of somebody's making becomes devices, SIMs, sessions, prices, usage, contracts."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from fairlead_cli import nouns, words
from fairlead_cli.client import Body, Exit, Trouble, trouble
from fairlead_cli.output import Output
from fairlead_cli.shell import Shell, command

Kind = Literal[
    "devices", "sims", "presence", "sessions", "prices", "usage", "contracts", "coverage", "skus", "sunsets",
]  # fmt: skip

_BLOCK: Final = 1 << 18
_LARGE: Final = 1 << 20  # beyond this the server works in the background
_SHOWN: Final = 50
_SOURCE: Final = re.compile(r"^source:[ ]*[\"']?([a-z0-9-]{1,63})[\"']?[ ]*(?:#.*)?$", re.MULTILINE)


def install(app: typer.Typer) -> None:
    """Register the command."""
    command(
        app, "import",
        examples=(
            "fairlead import devices fleet.csv",
            "fairlead import sims sims.csv --map 'iccid:SIM number,imsi:IMSI' --account global-sim",
            "fairlead import sessions cdr.csv --map 'first:Start,last:End,iccid:SIM' --partial",
            "fairlead import usage usage.csv --map 'iccid:SIM,start:Date,total:Bytes'",
            "fairlead import sessions cdr.csv --mapping borealis.yaml",
            "fairlead import sessions next-month.csv --source borealis",
            "fairlead import coverage countries.csv --account meridian",
        ),
    )(run)  # fmt: skip


def run(
    shell: Shell,
    kind: Annotated[Kind, typer.Argument(help="What a row is.")],
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8 with a header line.")],
    *,
    partial: Annotated[bool, typer.Option("--partial", help="Apply the good rows although others are bad.")] = False,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS:THEIRS,…", help="Which of the file's columns is which of ours."),
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Carrier account of rows that name none.")
    ] = None,
    mapping_file: Annotated[
        Path | None,
        typer.Option("--mapping", metavar="FILE", help="How this source writes its files, in YAML: kept, and used."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="A mapping that is kept already, by its source.")
    ] = None,
) -> None:
    """Import a CSV file: whole or not at all, every bad row with its line. Twice is once."""
    if not file.is_file():
        raise trouble(Exit.USAGE, "There is no such file", f"{file}; expected a CSV file")
    if mapping_file is not None and source is not None:
        raise trouble(Exit.USAGE, "Say one of them", "--mapping keeps a file and uses it; --source uses a kept one")
    if mapping_file is not None:
        source = _keep(shell, mapping_file)
    size = file.stat().st_size
    params = {
        "kind": kind, "partial": "true" if partial else None, "map": mapping or None, "account": account,
        "source": source, "name": file.name,
    }  # fmt: skip
    headers = {"Content-Type": "text/csv"} | ({"Prefer": "respond-async"} if size > _LARGE else {})
    with _progress(shell.out) as bar:
        sending = bar.add_task(f"send {file.name}", total=size)
        try:
            report: Body = shell.client.send(
                "POST", "/v1/imports", params=params, headers=headers, content=_blocks(file, bar, sending)
            )
            if "state" in report:
                report = _wait(shell, bar, report)
        except Trouble as found:
            found.problem.setdefault("file", str(file))
            raise
    _show(shell.out, report)


def _keep(shell: Shell, file: Path) -> str:
    """Keep a mapping under the name of its source, where it is not kept like that already."""
    if not file.is_file():
        raise trouble(Exit.USAGE, "There is no such file", f"{file}; expected a mapping in YAML")
    text = file.read_text(encoding="utf-8")
    found = _SOURCE.search(text)
    if found is None:
        raise trouble(Exit.USAGE, "The mapping names no source", f"{file}; expected a line such as source: borealis")
    source = found[1]
    path, headers = f"/v1/imports/mappings/{source}", dict[str, str]()
    kept = {str(one["source"]): one for one in shell.client.get("/v1/imports/mappings")}.get(source)
    if kept is not None and kept["text"] == text:
        return source
    if kept is not None:
        headers["If-Match"] = f'"{kept["version"]}"'
    try:
        shell.client.send("PUT", path, body={"text": text}, headers=headers)
    except Trouble as refused:
        refused.problem.setdefault("file", str(file))
        raise
    shell.out.note(f"The mapping {source} is kept: next time --source {source} does.")
    return source


def _wait(shell: Shell, bar: Progress, job: Body) -> Body:
    task = bar.add_task(str(job["kind"]), total=None)

    def told(found: Body) -> None:
        bar.update(task, completed=int(found["done"]), total=found.get("total"))

    ended = shell.client.job(str(job["id"]), sleep=shell.around.sleep, on_progress=told)
    return dict(words.part(ended, "result"))


def _show(out: Output, report: Body) -> None:
    out.document(report)
    new, changed, same = int(report["created"]), int(report["changed"]), int(report["unchanged"])
    out.say(
        f"[bold]{words.count(int(report['rows']), 'row')}[/] of {report['kind']}: "
        f"[green]{new:,} new[/], {changed:,} changed, {same:,} as they were."
    )
    if report["ignored_columns"]:
        out.say(f"[dim]Passed over: {escape(', '.join(report['ignored_columns']))}[/]")
    if report["bad_rows"]:
        out.say("", f"[yellow]{words.count(int(report['bad_rows']), 'row')} left out:[/]")
        out.table(report["faults"][:_SHOWN], nouns.BAD_ROWS)
        rest = len(report["faults"]) - _SHOWN
        if rest > 0:
            out.note(f"… and {rest:,} more faults; --json has them")


def _blocks(file: Path, bar: Progress, task: TaskID) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            yield block
            bar.advance(task, len(block))


def _progress(out: Output) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    shown = out.for_people and out.errors.is_terminal
    return Progress(*columns, console=out.errors, transient=True, disable=not shown)

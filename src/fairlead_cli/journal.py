"""`fairlead journal`: read it, take it along, and prove that nothing was changed."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Final, Literal, cast

import typer
from rich.markup import escape

from fairlead_cli import nouns, verify, words
from fairlead_cli.client import Body, Exit, trouble
from fairlead_cli.shell import Shell, command, group

app: Final = group("journal", "What was done, by whom and why, provably.")

Key = Annotated[
    list[str] | None, typer.Option("--key", metavar="HEX|FILE", help="A public key you know from elsewhere.")
]


def _list(
    shell: Shell, *,
    action: Annotated[str | None, typer.Option(help="Such as change.applied.")] = None,
    actor: Annotated[str | None, typer.Option(help="usr_…, tok_… or policy/name@revision.")] = None,
    subject: Annotated[str | None, typer.Option(metavar="KIND/ID", help="Such as device/dev_06f….")] = None,
    change: Annotated[str | None, typer.Option(metavar="CHG", help="Of this Change.")] = None,
    since: Annotated[str | None, typer.Option(metavar="INSTANT", help="From this instant on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="INSTANT", help="Before this instant.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")] = 30,
    everything: Annotated[bool, typer.Option("--all", help="All rows.")] = False,
    output: Annotated[Literal["table", "wide", "json", "jsonl"], typer.Option("--output", "-o")] = "table",
) -> None:  # fmt: skip
    """Lines of the journal, newest first."""
    del output
    kind, _, subject_id = (subject or "").partition("/")
    params = {
        "action": action, "actor": actor, "subject_kind": kind or None, "subject_id": subject_id or None,
        "change": change, "since": since, "until": until,
    }  # fmt: skip
    found = shell.client.items("/v1/journal", params, limit=limit, everything=everything)
    shell.out.listing(found, nouns.JOURNAL, noun="lines")


def export(
    shell: Shell, *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to.")],
    first: Annotated[int, typer.Option("--first", min=1, help="From this line on.")] = 1,
    evidence: Annotated[bool, typer.Option("--evidence/--no-evidence", help="With the leaves of batches.")] = True,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the journal.")] = "",
) -> None:  # fmt: skip
    """Take the journal along as one file that anybody can verify without Fairlead."""
    size = 0
    with _export(shell, first, reason, evidence="true" if evidence else "false") as blocks, output.open("wb") as file:
        for block in blocks:
            size += file.write(block)
    shell.out.document({"file": str(output), "bytes": size})
    shell.out.say(f"{size:,} bytes in {escape(str(output))}. Verify: fairlead journal verify {escape(str(output))}")


def check(
    shell: Shell, file: Annotated[Path | None, typer.Argument(help="An export.")] = None, *,
    server: Annotated[bool, typer.Option("--server", help="Take an export from the server and verify that.")] = False,
    by_server: Annotated[bool, typer.Option("--by-server", help="Ask the server to look at itself: no proof.")] = False,
    key: Key = None,
) -> int:  # fmt: skip
    """Verify an export. Exit 0 ok, 1 tampered, 2 tail not proven."""
    if by_server and file is None and not server and not key:
        return _by_server(shell)
    if by_server or (file is None) != server:
        raise trouble(Exit.USAGE, "Say what should be verified", "a FILE, --server, or --by-server alone")
    try:
        keys = [verify.read_key(text) for text in key or []]
    except (OSError, ValueError) as error:
        raise trouble(Exit.USAGE, "The key cannot be read", str(error)) from error
    if file is not None:
        if not file.is_file():
            raise trouble(Exit.NOT_FOUND, "There is no such file", str(file))
        with file.open("rb") as stream:
            report = verify.verify(stream, keys=keys)
    else:
        with _export(shell, 1, "to verify it", evidence="true") as blocks:
            report = verify.verify(_lines(blocks), keys=keys)
    names = verify.Report.__slots__
    shown: Body = {name: getattr(report, name) for name in names} | {"verdict": report.verdict.name.lower()}
    shell.out.document(shown)
    colour = "green" if report.verdict is verify.Verdict.OK else "red"
    shell.out.say(f"[bold {colour}]{escape(report.detail)}[/]")
    if report.lines:
        shell.out.say(
            f"{words.count(report.lines, 'line')} of {escape(report.tenant)}, signed by {report.key_id or 'nobody'}"
        )
    for warning in report.warnings:
        shell.out.note(escape(warning))
    return int(report.verdict)


def _by_server(shell: Shell) -> int:
    """What the server finds in its own journal."""
    found = cast("Body", shell.client.post("/v1/journal/verify", {}))
    if "verdict" not in found:
        found = cast("Body", shell.client.job(found["id"], sleep=shell.around.sleep)["result"])
    shell.out.document(found)
    colour = "green" if found["verdict"] == "ok" else "red"
    shell.out.say(f"[bold {colour}]{escape(str(found['detail']))}[/]")
    shell.out.note(escape(str(found["note"])))
    return int(verify.Verdict[str(found["verdict"]).upper()])


def _export(shell: Shell, first: int, reason: str, *, evidence: str) -> AbstractContextManager[Iterator[bytes]]:
    params = {"first_seq": first, "reason": reason or None, "evidence": evidence}
    return shell.client.stream("/v1/journal/export", params)


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines with their newlines, as a file gives them."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


command(
    app, "list",
    examples=(
        "fairlead journal list --change chg_06f…",
        "fairlead journal list --action change.applied --since 2026-03-01T00:00:00Z",
    ),
)(_list)  # fmt: skip
command(app, "export", examples=("fairlead journal export -o journal.jsonl --reason 'audit 2026'",))(export)
command(
    app, "verify",
    examples=("fairlead journal verify journal.jsonl --key auditor.pub", "fairlead journal verify --server --json"),
)(check)  # fmt: skip

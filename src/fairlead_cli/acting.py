"""`fairlead device activate|retire|suspend|resume`: what is asked of given devices.

Each makes a plan of one action and applies it, so that thousands at once go in stages, are proved
and can be taken back like any other Change.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from fairlead_cli import durations, planning
from fairlead_cli.client import Body, Exit, trouble
from fairlead_cli.shell import Shell, command

Names = Annotated[list[str] | None, typer.Argument(help="Names of devices.")]
Match = Annotated[
    str | None, typer.Option(metavar="CONDITION", help="Or a condition, as in a policy: those for which it holds now.")
]
From = Annotated[str | None, typer.Option("--from", metavar="FILE|-", help="Or a file with a name on each line.")]
Stages = Annotated[str | None, typer.Option(metavar="PERCENTS", help="Percent inside each country and carrier.")]
Approvals = Annotated[int | None, typer.Option(help="Other people who must agree first.")]
Reason = Annotated[str, typer.Option(help="Why, for the journal and for `fairlead why`.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait", help="Watch until it settles; exit 1 when it was aborted.")]


def install(app: typer.Typer) -> None:
    """Register the commands under `fairlead device`."""
    command(
        app, "activate",
        examples=(
            "fairlead device activate trk-00001 trk-00002",
            "fairlead device activate --match 'batch == \"2027-03\"' --wait",
        ),
    )(activate)  # fmt: skip
    command(
        app, "retire",
        examples=(
            "fairlead device retire trk-00001 --reason 'crushed, ticket 77'",
            "fairlead device retire --from scrapped.txt --subscription terminated --approvals 1 --keep-data",
        ),
    )(retire)  # fmt: skip
    command(
        app, "suspend",
        examples=("fairlead device suspend --from stolen.txt --for 7d --reason 'ticket 81'",),
    )(suspend)  # fmt: skip
    command(app, "resume", examples=("fairlead device resume trk-00001",))(resume)


def activate(
    shell: Shell, names: Names = None, *, match: Match = None, source: From = None, stages: Stages = None,
    approvals: Approvals = None, reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, wait: Wait = False,
) -> None:  # fmt: skip
    """First activation: way in, documents of every policy, proof, and only then active."""
    action = _chosen("activate", names, match, source, reason)
    _act(shell, action, stages, approvals, dry_run=dry_run, yes=yes, wait=wait)


def retire(
    shell: Shell, names: Names = None, *, match: Match = None, source: From = None,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Do not ask the device to erase itself: for those out of reach.")
    ] = False,
    subscription: Annotated[
        Literal["keep", "suspended", "deactivated", "terminated"],
        typer.Option(help="What becomes of its subscriptions; terminated is final and needs an approval."),
    ] = "deactivated",
    stages: Stages = None, approvals: Approvals = None, reason: Reason = "", dry_run: DryRun = False, yes: Yes = False,
    wait: Wait = False,
) -> None:  # fmt: skip
    """Retirement: data erased, subscriptions ended with their last usage kept, credential refused."""
    action = _chosen("retire", names, match, source, reason) | {"wipe": not keep_data, "subscription": subscription}
    _act(shell, action, stages, approvals, dry_run=dry_run, yes=yes, wait=wait)


def suspend(
    shell: Shell, names: Names = None, *, match: Match = None, source: From = None,
    lasts: Annotated[
        str | None, typer.Option("--for", metavar="TIME", help="After this it is taken back by the clock, such as 7d.")
    ] = None,
    stages: Stages = None, approvals: Approvals = None, reason: Reason = "", dry_run: DryRun = False, yes: Yes = False,
    wait: Wait = False,
) -> None:  # fmt: skip
    """Suspend the subscriptions in use; `--for` makes it end by itself, rollback ends it earlier."""
    action = _chosen("suspend", names, match, source, reason)
    if lasts is not None:
        action["lasts_s"] = durations.seconds(lasts, "--for")
    _act(shell, action, stages, approvals, dry_run=dry_run, yes=yes, wait=wait)


def resume(
    shell: Shell, names: Names = None, *, match: Match = None, source: From = None, stages: Stages = None,
    approvals: Approvals = None, reason: Reason = "", dry_run: DryRun = False, yes: Yes = False, wait: Wait = False,
) -> None:  # fmt: skip
    """Bring the subscriptions in use back to active."""
    action = _chosen("resume", names, match, source, reason)
    _act(shell, action, stages, approvals, dry_run=dry_run, yes=yes, wait=wait)


def _chosen(verb: str, names: list[str] | None, match: str | None, source: str | None, reason: str) -> Body:
    given = [*(names or []), *(_lines(source) if source else [])]
    if bool(given) == (match is not None):
        raise trouble(Exit.USAGE, "Say which devices", "give names, --from FILE, or --match CONDITION")
    chosen: Body = {"match": match} if match is not None else {"devices": given}
    return {"verb": verb, "reason": reason} | chosen


def _lines(source: str) -> list[str]:
    if source == "-":
        text = sys.stdin.read()
    else:
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise trouble(Exit.USAGE, "A file cannot be read", f"{source}: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _act(
    shell: Shell, action: Body, stages: str | None, approvals: int | None, *, dry_run: bool, yes: bool, wait: bool
) -> None:
    made: Body = shell.client.post("/v1/plans", {"action": action}, once=True)
    rollout = planning.rollout_of(stages=stages, approvals=approvals)
    planning.carry_out(
        shell, made, {"rollout": rollout, "reason": action["reason"]}, dry_run=dry_run, yes=yes, wait=wait
    )

"""`fairlead plan` and `fairlead apply`: what would happen, and then letting it happen."""

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from rich.markup import escape

from fairlead_cli import change_view, durations, files, plan_view, watching
from fairlead_cli.client import Body, Exit, trouble
from fairlead_cli.shell import Shell, command

CHANGED: Final = 2  # of --detailed-exitcode: there is something to apply

Places = Annotated[
    list[str] | None,
    typer.Option("--file", "-f", metavar="DIR|FILE|-", help="Policies: a file, a directory of YAML, or -."),
]
Removals = Annotated[
    list[str] | None, typer.Option("--remove", metavar="KIND/NAME", help="A policy that should end (may be repeated).")
]


def install(app: typer.Typer) -> None:
    """Register the commands."""
    command(
        app, "plan",
        examples=(
            "fairlead plan -f examples/policies",
            "fairlead plan -f brazil.yaml --out plan.json",
            "fairlead plan --remove Policy/brazil-local",
            "fairlead plan -f . --detailed-exitcode --json",
        ),
    )(plan)  # fmt: skip
    command(
        app, "apply",
        examples=(
            "fairlead apply -f examples/policies --wait",
            "fairlead apply --plan plan_06f… --stages 5,25,100 --max-failed 0.1 --reason 'ANATEL, ticket 812'",
            "fairlead apply -f . --hold-out 10 --approvals 1 --on-failure pause --yes",
        ),
    )(apply)  # fmt: skip


def plan(
    shell: Shell,
    *,
    file: Places = None,
    remove: Removals = None,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the plan as JSON in this file.")] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 0 where nothing would change, 2 where something would.")
    ] = False,
) -> int:
    """Show what would happen: devices, countries, law, cost, steps. Nothing moves."""
    made = _make(shell, file, remove)
    plan_view.show(shell.out, made)
    if out is not None:
        out.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        shell.out.note(f"kept in {escape(str(out))}")
    changed = plan_view.changes_something(made)
    if changed:
        shell.out.say("")
        shell.out.hint(f"Apply it: fairlead apply --plan {escape(made['id'])}")
    else:
        shell.out.say("Nothing would change.")
    return CHANGED if detailed_exitcode and changed else int(Exit.OK)


def apply(
    shell: Shell,
    *,
    file: Places = None,
    remove: Removals = None,
    plan_id: Annotated[str | None, typer.Option("--plan", metavar="ID", help="A plan that was made before.")] = None,
    stages: Annotated[
        str | None, typer.Option(metavar="PERCENTS", help="Percent inside each country and carrier, such as 5,25,100.")
    ] = None,
    max_failed: Annotated[
        float | None, typer.Option(help="Share of a batch that may fail before it is rolled back.")
    ] = None,
    min_verified: Annotated[int | None, typer.Option(help="Moves to be verified before the next stage.")] = None,
    gate_wait: Annotated[
        str | None, typer.Option(metavar="TIME", help="After this, moves that have not settled hold nothing up.")
    ] = None,
    bake: Annotated[
        str | None, typer.Option(metavar="TIME", help="Between the last proof of a stage and the next stage.")
    ] = None,
    require_proof: Annotated[
        bool, typer.Option("--require-proof", help="Refuse steps that can only be acknowledged.")
    ] = False,
    hold_out: Annotated[int | None, typer.Option(help="Percent left untouched, to compare with.")] = None,
    approvals: Annotated[int | None, typer.Option(help="Other people who must agree first.")] = None,
    on_failure: Annotated[
        Literal["rollback", "pause"] | None, typer.Option(help="What a failed batch leads to.")
    ] = None,
    title: Annotated[str, typer.Option(help="What the Change is called.")] = "",
    reason: Annotated[str, typer.Option(help="Why, for the journal.")] = "",
    emergency: Annotated[bool, typer.Option("--emergency", help="May supersede steps in flight.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Watch until it settles; exit 1 when it was aborted.")] = False,
) -> None:
    """Plan, ask with numbers, and apply: the plan becomes a Change that runs in stages."""
    gate = _present(
        max_failed=max_failed,
        min_verified=min_verified,
        wait_s=durations.seconds(gate_wait, "--gate-wait") if gate_wait else None,
        bake_s=durations.seconds(bake, "--bake") if bake else None,
        accept_acknowledged=False if require_proof else None,
    )
    rollout = _present(
        stages=_stages(stages) if stages else None, gate=gate or None, on_failure=on_failure, hold_out=hold_out,
        approvals=approvals,
    )  # fmt: skip
    made = _wanted(shell, plan_id, file, remove)
    body = {"rollout": rollout, "title": title, "reason": reason, "emergency": emergency}
    carry_out(shell, made, body, dry_run=dry_run, yes=yes, wait=wait)


def carry_out(shell: Shell, made: Body, body: Body, *, dry_run: bool, yes: bool, wait: bool) -> None:
    """Show a plan, ask with numbers, apply it as `body` says, and follow it."""
    if dry_run or not plan_view.changes_something(made):
        plan_view.show(shell.out, made)
        shell.out.say("Nothing was applied." if dry_run else "Nothing would change; nothing was applied.")
        return
    if shell.out.for_people:
        plan_view.show(shell.out, made)
    shell.agree(f"Apply? {plan_view.headline(made)}.", yes=yes)
    applied: Body = shell.client.post(f"/v1/plans/{made['id']}/apply", body, once=True)
    change: Body = shell.client.get(f"/v1/changes/{applied['id']}")
    shell.out.say("", f"[bold]{escape(change['id'])}[/]  {escape(change['title'])}  is {change['state']}.")
    if wait:
        watching.watch(shell, change["id"])
        return
    if shell.out.for_people:
        change_view.follow_up(shell.out, change)
    else:
        shell.out.document(change)


def _make(shell: Shell, file: list[str] | None, remove: list[str] | None) -> Body:
    if not file and not remove:
        raise trouble(Exit.USAGE, "Say what should be planned", "give -f DIR|FILE|- or --remove KIND/NAME")
    body = {"files": files.read(file or []), "removals": files.removals(remove or [])}
    made: Body = shell.client.post("/v1/plans", body, once=True)
    return made


def _wanted(shell: Shell, plan_id: str | None, file: list[str] | None, remove: list[str] | None) -> Body:
    if plan_id is None:
        return _make(shell, file, remove)
    if file or remove:
        raise trouble(Exit.USAGE, "Say one of both", "--plan applies a plan that is there; -f makes a new one")
    found: Body = shell.client.get(f"/v1/plans/{plan_id}")
    return found


def _stages(text: str) -> list[int]:
    parts = [part.strip().removesuffix("%") for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise trouble(Exit.USAGE, "The stages cannot be read", f"{text!r}; expected percentages such as 5,25,100")
    return [int(part) for part in parts]


def rollout_of(*, stages: str | None, approvals: int | None) -> Body:
    """The rollout of a plan whose gates stay as they are."""
    return _present(stages=_stages(stages) if stages else None, approvals=approvals)


def _present(**given: Any) -> Body:
    return {name: value for name, value in given.items() if value is not None}

"""`fairlead bulk VERB`: one verb asked of many lines, with the preview always first.

Every verb takes the same choice of lines (ICCIDs, a file of them, or conditions) and the same way to go on
(`--dry-run`, `--yes`, `--wait`); what it takes beside them is said by a small function of its own.
`bulk_steer` has what is done with one that is there.
"""

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from fairlead_cli import bulk_steer, bulk_view, bulk_watch, sizes
from fairlead_cli.client import Body, Exit, Trouble, trouble
from fairlead_cli.shell import Shell, command, group

app: Final = group("bulk", "One verb asked of many lines: previewed, run, steered, taken back.")
_ICCID: Final = re.compile(r"[0-9]{18,20}")
_NONE: Final = "none"


def _lines(
    iccids: Annotated[list[str] | None, typer.Argument(metavar="ICCID", help="Lines by ICCID.")] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE|-", help="Or a file with an ICCID on each line.")
    ] = None,
    carrier: Annotated[str | None, typer.Option(metavar="ACCOUNT", help="Or all of this carrier account.")] = None,
    state: Annotated[str | None, typer.Option(help="In this state, such as active.")] = None,
    on_plan: Annotated[str | None, typer.Option("--on-plan", metavar="PLAN", help="On this plan.")] = None,
    connectivity: Annotated[str | None, typer.Option(help="On the air: online, attached, offline, blocked.")] = None,
    form_factor: Annotated[str | None, typer.Option(help="2FF, 3FF, 4FF, MFF2, iSIM, softSIM.")] = None,
    technology: Annotated[str | None, typer.Option(help="uicc, euicc, iuicc, softsim.")] = None,
    remote: Annotated[str | None, typer.Option(help="changeable or swap_needed.")] = None,
    country: Annotated[str | None, typer.Option(metavar="CC", help="Whose device was last seen there.")] = None,
    where: Annotated[
        str | None,
        typer.Option(
            metavar="CONDITION",
            help="Whose device has such facts, as in a policy: 'sku == \"meter\" && silent_days >= 30'.",
        ),
    ] = None,
) -> Body:
    named: list[str] = [*(iccids or []), *(_read(source) if source else [])]
    wrong = next((one for one in iccids or [] if not _ICCID.fullmatch(one)), None)
    if wrong is not None:
        raise trouble(Exit.USAGE, "That is no ICCID", f"{wrong!r}; expected 18 to 20 digits")
    conditions: Body = {
        "carrier": carrier, "state": state, "plan": on_plan, "connectivity": connectivity, "form_factor": form_factor,
        "technology": technology, "remote": remote, "country": country.upper() if country else None,
        "where": where,
    }  # fmt: skip
    conditions = {name: value for name, value in conditions.items() if value is not None}
    if bool(named) == bool(conditions):
        raise trouble(
            Exit.USAGE,
            "Say which lines",
            "give ICCIDs or --from FILE, or conditions such as --carrier, --state and --where",
        )
    return {"iccids": named} if named else conditions


def _flow(
    *,
    reason: Annotated[str, typer.Option(help="Why, for the journal; needed unless --dry-run.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the preview and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Watch until it ends; exit 1 unless every line came true.")
    ] = False,
) -> Body:
    return {"reason": reason.strip(), "dry_run": dry_run, "yes": yes, "wait": wait}


# --- what a verb takes beside the lines -----------------------------------------------------------


def _nothing() -> Body:
    return {}


def _plan(plan: Annotated[str, typer.Option("--plan", help="The carrier's id of the plan.")]) -> Body:
    return {"plan": plan}


def _limit(
    amount: Annotated[str, typer.Option("--bytes", metavar="SIZE|none", help="Such as 500MB; none takes it away.")],
) -> Body:
    return {"bytes": None if amount == _NONE else sizes.size(amount, "--bytes")}


def _speed(speed: Annotated[str, typer.Option("--speed", help="The carrier's name of the speed class.")]) -> Body:
    return {"speed": speed}


def _group(
    name: Annotated[str, typer.Option("--group", metavar="GROUP|none", help="The carrier's id of the group.")],
) -> Body:
    return {"group": None if name == _NONE else name}


def _imei(
    imei: Annotated[str, typer.Option("--imei", metavar="IMEI|none", help="The one device; none unlocks.")],
) -> Body:
    return {"imei": None if imei == _NONE else imei}


def _policy(
    allow: Annotated[
        list[str] | None, typer.Option("--allow", metavar="PLMN,…|none", help="Only these networks, such as 262-02.")
    ] = None,
    block: Annotated[
        list[str] | None, typer.Option("--block", metavar="PLMN,…|none", help="All networks but these.")
    ] = None,
) -> Body:
    given = allow or block
    if not given or (allow and block):
        raise trouble(Exit.USAGE, "Say which networks", "give either --allow or --block, such as --allow 262-02,262-01")
    plmns = [part.strip() for text in given for part in text.split(",") if part.strip() and part.strip() != _NONE]
    kind: Literal["allow", "block"] = "allow" if allow else "block"
    return {"kind": kind, "plmns": plmns}


def _text(text: Annotated[str, typer.Option("--text", help="The message.")]) -> Body:
    return {"text": text}


# --- the one way all of them go -------------------------------------------------------------------


def start(shell: Shell, verb: str, arguments: Body, lines: Body, flow: Mapping[str, Any]) -> int:
    """Preview, ask, start, and watch where that is wished."""
    if not flow["reason"] and not flow["dry_run"]:
        raise trouble(Exit.USAGE, "Say why", "give --reason TEXT: it is kept in the journal")
    asked: Body = {"verb": verb, "arguments": arguments, "lines": lines}
    seen: Body = shell.client.post("/v1/bulk/preview", asked)
    if flow["dry_run"]:
        shell.out.document(seen)
    bulk_view.preview(shell.out, verb, seen)
    if flow["dry_run"]:
        shell.out.say("Nothing was asked.")
        return int(Exit.OK)
    if seen["missing_count"]:
        raise trouble(
            Exit.FAILED, "Some ICCIDs are no line of yours", f"{seen['missing_count']:,} of them; leave them out"
        )
    if not seen["able"]:
        if seen["lines"] and seen["already"] == seen["lines"]:
            shell.out.document(seen)
            shell.out.say("Every line is so already: nothing was asked.")
            return int(Exit.OK)
        raise trouble(Exit.FAILED, "No line can be asked", "nothing was started")
    shell.agree(_question(verb, seen), yes=bool(flow["yes"]))
    try:
        made: Body = shell.client.post(
            "/v1/bulk", asked | {"reason": flow["reason"], "expect": seen["lines"]}, once=True
        )
    except Trouble as found:
        if found.problem.get("code") == "drifted":
            found.problem["next"] = "Ask again: the preview is counted anew."
        raise
    shell.out.say(f"[bold]{made['id']}[/] is {made['state']}.")
    if flow["wait"] and made["state"] != "waiting":
        return bulk_watch.watch(shell, str(made["id"]))
    shell.out.document(made)
    bulk_view.follow_up(shell.out, made)
    return int(Exit.OK)


def _question(verb: str, seen: Body) -> str:
    """With numbers; what cannot be taken back is said here once more."""
    final = [str(one["account"]) for one in seen["accounts"] if one["able"] and not one["reversible"]]
    warned = f" Nothing takes it back at {', '.join(final)}." if final else ""
    then = " It then waits until another person agrees." if seen["approval"] else ""
    return f"{bulk_view.headline(verb, seen).capitalize()}?{warned}{then}"


def _read(source: str) -> Sequence[str]:
    if source == "-":
        text = sys.stdin.read()
    else:
        try:
            text = Path(source).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise trouble(Exit.USAGE, "A file cannot be read", f"{source}: {error}") from error
    found = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    bad = [
        {"file": source, "line": number, "value": line, "expected": "an ICCID of 18 to 20 digits"}
        for number, line in found
        if not _ICCID.fullmatch(line)
    ]
    if bad:
        raise trouble(Exit.USAGE, "Lines of the file are no ICCIDs", f"{len(bad):,} of {len(found):,}", errors=bad)
    return [line for _, line in found]


def _add(verb: str, about: str, own: Callable[..., Body], *examples: str) -> None:
    """Register a verb: its own options, the choice of lines, the way to go on."""
    takes = [dict(inspect.signature(one).parameters) for one in (own, _lines, _flow)]

    def run(shell: Shell, **given: Any) -> int:
        mine, lines, flow = ({name: given[name] for name in part} for part in takes)
        return start(shell, verb, own(**mine), _lines(**lines), _flow(**flow))

    first = inspect.Parameter("shell", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Shell)
    kind = inspect.Parameter.KEYWORD_ONLY
    own_parameters = [one.replace(kind=kind) for part in takes for one in part.values()]
    run.__signature__ = inspect.Signature([first, *own_parameters])  # type: ignore[attr-defined]
    run.__doc__ = about
    shown = [f"fairlead bulk {bulk_view.verb(verb)} {example}" for example in examples]
    command(app, bulk_view.verb(verb), examples=shown)(run)


_add("activate", "Let lines into service.", _nothing, "--carrier global-sim --state ready --reason 'the season begins'")
_add(
    "suspend", "Take lines out of service; they can come back.", _nothing,
    "--carrier global-sim --state active --country PL --reason 'the season is over' --wait",
    "--where 'sku == \"meter\" && country == \"PL\" && silent_days >= 30' --dry-run",
    "--from iccids.txt --reason 'returned, ticket 77' --dry-run",
)  # fmt: skip
_add("standby", "Set lines aside, where the plan has such a state.", _nothing, "--from stock.txt --reason 'into stock'")
_add("deactivate", "Switch lines off.", _nothing, "--from returned.txt --reason 'ticket 77'")
_add(
    "allow_termination", "Take off the carrier's own protection; ends nothing by itself.", _nothing,
    "--from scrapped.txt --reason 'scrapped'",
)  # fmt: skip
_add(
    "terminate", "End lines for good: nothing takes it back, and another person must agree.", _nothing,
    "--from scrapped.txt --reason 'scrapped, ticket 81'",
)  # fmt: skip
_add(
    "set_plan", "Move lines to another plan.", _plan,
    "--plan plan-US --carrier global-sim --on-plan plan01s --reason tariff",
)  # fmt: skip
_add(
    "set_limit", "Limit how much data lines may use.", _limit,
    "--bytes 500MB --carrier global-sim --reason 'bill shock'", "--bytes none --from vip.txt --reason 'unlimited'",
)  # fmt: skip
_add(
    "set_speed", "Put lines into a speed class of the carrier's.", _speed,
    "--speed s1.slow --carrier global-sim --reason 'bill shock'",
)  # fmt: skip
_add(
    "set_group", "Put lines into a group of the carrier's.", _group,
    "--group g-meters --from meters.txt --reason tidy",
)  # fmt: skip
_add(
    "set_imei_lock", "Let a line work in one device only.", _imei,
    "8988211000000000014 --imei 352099001761481 --reason theft", "--imei none --from spare.txt --reason 'spare parts'",
)  # fmt: skip
_add(
    "set_network_policy", "Say which networks lines may use.", _policy,
    "--allow 262-02,262-01 --country DE --reason 'cheaper there'",
)  # fmt: skip
_add(
    "send_sms", "Send a message to lines.", _text,
    "--text 'wake up' --country PL --state active --reason 'silent since May'",
)  # fmt: skip
_add(
    "reset_connection", "End the sessions of lines, so that they attach anew.", _nothing,
    "--from stuck.txt --reason stuck",
)  # fmt: skip
bulk_steer.install(app)

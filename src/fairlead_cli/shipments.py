"""`fairlead shipment`: devices that leave for a country: made, checked, let out of the warehouse, followed.

A check that refuses ends with 1, as a plan that is refused does; what moved since the check ends with 4.
"""

import sys
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Body, Exit, trouble
from fairlead_cli.output import Column, Output
from fairlead_cli.shell import Shell, command, group

app: Final = group("shipment", "Devices that leave for a country: checked before, activated at the door.")

SHIPMENTS: Final = (
    Column(title="SHIPMENT", value="id", whole=True),
    Column(title="TO", value="country"),
    Column(title="STATE", value="state"),
    Column(title="DEVICES", value="devices", right=True),
    Column(title="SEEN THERE", value="arrived", right=True),
    Column(title="ELSEWHERE", value="elsewhere", right=True),
    Column(title="ARRIVES", value="arrives_on"),
    Column(title="SKU", value="sku", wide=True),
    Column(title="CHANGE", value="change", wide=True),
    Column(title="NOTE", value="note", wide=True),
)
CERTIFICATES: Final = (
    Column(title="SKU", value="sku", whole=True),
    Column(title="COUNTRY", value="country"),
    Column(title="TOPIC", value="topic"),
    Column(title="NUMBER", value="number", fold=True),
    Column(title="UNTIL", value="valid_until"),
    Column(title="DAYS LEFT", value="days_left", right=True),
    Column(title="SOURCE", value="source", wide=True),
)
DEVICES: Final = (
    Column(title="DEVICE", value="name", whole=True),
    Column(title="SERIAL", value="serial"),
    Column(title="LINE", value="line", right=True),
    Column(title="WHERE", value="whereabouts"),
    Column(title="SEEN IN", value="country"),
    Column(title="AT", value="seen_at"),
)
_LEVELS: Final = {"refused": "red", "unknown": "yellow", "warning": "cyan"}

Id = Annotated[str, typer.Argument(metavar="SHIPMENT", help="Its id.")]
Reason = Annotated[str, typer.Option(help="Why, for the journal.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")]
All = Annotated[bool, typer.Option("--all", help="All rows.")]
Form = Annotated[
    Literal["table", "wide", "json", "jsonl"], typer.Option("--output", "-o", help="The form of the answer.")
]


def create(
    shell: Shell, country: Annotated[str, typer.Argument(metavar="CC", help="Where it goes, such as BR.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="DEVICE", help="Names or serials.")] = None, *,
    source: Annotated[
        str | None, typer.Option("--from", metavar="FILE|-", help="Or a file with a name or serial on each line.")
    ] = None,
    match: Annotated[
        str | None, typer.Option(metavar="CONDITION", help="Or a condition: those for which it holds now.")
    ] = None,
    leaves: Annotated[str, typer.Option(metavar="DAY", help="The day it leaves, such as 2027-03-01.")],
    arrives: Annotated[str | None, typer.Option(metavar="DAY", help="The day it arrives; law is judged then.")] = None,
    sku: Annotated[str | None, typer.Option(help="What all of them must be.")] = None,
    route: Annotated[str, typer.Option(help="Who carries it, by which way.")] = "",
    note: Annotated[str, typer.Option(help="What it is called, such as an order.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Check it at once; exit 1 where it is refused.")] = False,
) -> int:  # fmt: skip
    """Write down what is to be sent where. Nothing moves."""
    given = [*(names or []), *(_lines(source) if source else [])]
    if bool(given) == (match is not None):
        raise trouble(Exit.USAGE, "Say which devices", "give names or serials, --from FILE, or --match CONDITION")
    body: Body = {
        "country": country.upper(), "leaves_on": leaves, "arrives_on": arrives, "sku": sku, "route": route,
        "note": note, **({"match": match} if match is not None else {"devices": given}),
    }  # fmt: skip
    made: Body = shell.client.post("/v1/shipments", body, once=True)
    if check:
        return _check(shell, str(made["id"]))
    shell.out.document(made)
    shell.out.say(
        f"[bold]{made['id']}[/]: {words.count(int(made['devices']), 'device')} to {made['country']}, a draft."
    )
    shell.out.hint(f"Check it: fairlead shipment check {made['id']}")
    return int(Exit.OK)


def check(shell: Shell, shipment: Id) -> int:
    """Judge it: law, certificates, a way in. Exit 1 where something stops it; each reason says what to do."""
    return _check(shell, shipment)


def show(shell: Shell, shipment: Id) -> None:
    """One of them: what the last check found, how many were seen where it goes."""
    found: Body = shell.client.get(f"/v1/shipments/{shipment}")
    _show(shell.out, found)


def leave(
    shell: Shell, shipment: Id, *, reason: Reason = "", yes: Yes = False,
    approvals: Annotated[
        int, typer.Option(min=0, max=5, help="Other people who must agree to the activation first.")
    ] = 0,
) -> None:  # fmt: skip
    """The warehouse door: it leaves, and its devices are activated. Exit 4 where facts moved since the check."""
    found: Body = shell.client.get(f"/v1/shipments/{shipment}")
    activates = int(words.part(found, "activation")["devices"])
    shell.agree(
        f"Let {words.count(int(found['devices']), 'device')} leave for {found['country']}, and activate {activates:,}?",
        yes=yes,
    )
    gone: Body = shell.client.post(f"/v1/shipments/{shipment}/leave", {"reason": reason, "approvals": approvals})
    shell.out.document(gone)
    shell.out.say(f"[bold]{shipment}[/] has left for {gone['country']}.")
    if gone["change"]:
        shell.out.hint(f"Follow its activation: fairlead change watch {gone['change']}")
    else:
        shell.out.say("Nothing was to be activated: its devices are active already.")


def cancel(shell: Shell, shipment: Id, *, reason: Reason = "") -> None:
    """Drop one that has not left. What has left is taken back by rolling back its Change."""
    found: Body = shell.client.post(f"/v1/shipments/{shipment}/cancel", {"reason": reason})
    shell.out.document(found)
    shell.out.say(f"[bold]{shipment}[/] is {words.coloured(found['state'])}; its devices are free for another.")


def override(
    shell: Shell, shipment: Id, *, reason: Annotated[str, typer.Option(help="Why it may leave all the same.")]
) -> None:
    """Let somebody else's refused shipment leave all the same, for this check only."""
    found: Body = shell.client.post(f"/v1/shipments/{shipment}/override", {"reason": reason})
    shell.out.document(found)
    shell.out.say(f"[bold]{shipment}[/] is {words.coloured(found['state'])}; its reasons stand in the journal.")


def devices(
    shell: Shell, shipment: Id, *,
    where: Annotated[
        Literal["arrived", "elsewhere", "unseen"] | None, typer.Option(help="Only those seen there, elsewhere, or not.")
    ] = None,
    line: Annotated[int | None, typer.Option(min=1, help="Only those of one line.")] = None,
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Its devices, and where they were seen since it left."""
    del output
    params = {"whereabouts": where, "line": line}
    found = shell.client.items(f"/v1/shipments/{shipment}/devices", params, limit=limit, everything=everything)
    shell.out.listing(found, DEVICES, noun="devices")


def settings(
    shell: Shell, *,
    strict: Annotated[
        bool | None, typer.Option("--strict/--lenient", help="Whether what nobody knows stops a shipment.")
    ] = None,
    network_years: Annotated[
        int | None, typer.Option(min=0, max=25, help="How long a network must last after arrival.")
    ] = None,
    patience_days: Annotated[
        int | None, typer.Option(min=1, max=365, help="After arrival, before an activation is taken back.")
    ] = None,
) -> None:  # fmt: skip
    """How shipments are judged; with options, how they shall be."""
    found: Body = shell.client.get("/v1/shipments/settings")
    given = {"strict": strict, "network_years": network_years, "patience_days": patience_days}
    wanted = {name: value for name, value in given.items() if value is not None}
    if wanted:
        kept = {name: found[name] for name in given}
        found = shell.client.send("PUT", "/v1/shipments/settings", body=kept | wanted)
    shell.out.document(found)
    shell.out.fields({
        "what nobody knows": "stops a shipment" if found["strict"] else "is said, and stops nothing",
        "a network for": f"{found['network_years']} years after arrival",
        "an activation waits": f"{found['patience_days']} days after arrival",
    })  # fmt: skip


def _list(
    shell: Shell, *, state: Annotated[str | None, typer.Option(help="In this state, such as refused.")] = None,
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Shipments, newest first, with how many of each were seen where they go."""
    del output
    found = shell.client.items("/v1/shipments", {"state": state}, limit=limit, everything=everything)
    shell.out.listing(found, SHIPMENTS, noun="shipments")


def certificates(
    shell: Shell, *, country: Annotated[str | None, typer.Option(metavar="CC", help="Of this country.")] = None,
    sku: Annotated[str | None, typer.Option(help="Of this SKU.")] = None,
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """What SKUs were granted where, as far as somebody recorded it."""
    del output
    params = {"country": country.upper() if country else None, "sku": sku}
    found = shell.client.items("/v1/certificates", params, limit=limit, everything=everything)
    shell.out.listing(found, CERTIFICATES, noun="certificates")


def _check(shell: Shell, shipment: str) -> int:
    found: Body = shell.client.post(f"/v1/shipments/{shipment}/check", {})
    _show(shell.out, found)
    return int(Exit.OK if found["state"] == "ready" else Exit.FAILED)


def _show(out: Output, found: Body) -> None:
    out.document(found)
    out.say(f"[bold]{found['id']}[/] to {found['country']} is {words.coloured(found['state'])}.")
    override = words.part(found, "override") if found["override"] else None
    out.fields({
        "devices": found["devices"], "SKU": found["sku"], "leaves": found["leaves_on"], "arrives": found["arrives_on"],
        "route": found["route"], "note": found["note"], "checked": found["checked_at"], "left": found["left_at"],
        "let pass by": f"{override['approver']}: {override['reason']}" if override else None,
        "Change": f"{found['change']} ({found['change_state']})" if found["change"] else None,
    })  # fmt: skip
    activation = words.part(found, "activation")
    if found["checked_at"] and not found["left_at"]:
        left_out = ", ".join(f"{count:,} {state}" for state, count in words.part(activation, "left_out").items())
        out.say(f"Leaving activates {int(activation['devices']):,}" + (f"; left out: {left_out}" if left_out else "."))
    if found["left_at"]:
        out.say(
            f"{found['arrived']:,} of {found['devices']:,} were seen in {found['country']}, {found['elsewhere']:,} only"
            " elsewhere" + (", and the day of arrival is over." if found["overdue"] else ".")
        )
    _reasons(out, words.rows(found, "reasons"))
    for line in words.rows(found, "lines"):
        sims = ", ".join(f"{sim['account']} ({sim['home'] or _homeless(sim)})" for sim in words.rows(line, "sims"))
        out.say(
            "", f"[bold]line {line['line']}[/]: {words.count(int(line['devices']), 'device')},"
            f" {escape(line['sku'] or 'no SKU')}, {line['life']}, {escape(sims or 'no SIM')}",
        )  # fmt: skip
        _reasons(out, words.rows(line, "reasons"))
        if not line["reasons"]:
            out.say("  [green]nothing to say[/]")
    if found["state"] == "ready":
        out.say("")
        out.hint(f"Let it leave: fairlead shipment leave {found['id']}")
    out.say(f"[dim]{escape(found['notice'])}[/]")


def _homeless(sim: Body) -> str:
    return "at home in no country" if sim["stateless"] else "home not known"


def _reasons(out: Output, reasons: list[Body]) -> None:
    for one in reasons:
        out.say(f"  [{_LEVELS[one['level']]}]{one['level']}[/] {escape(one['says'])}", f"    do: {escape(one['do'])}")
        if one["sources"]:
            out.say(f"    [dim]{escape('; '.join(one['sources']))}, {one['as_of']}[/]")


def _lines(source: str) -> list[str]:
    if source == "-":
        text = sys.stdin.read()
    else:
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise trouble(Exit.USAGE, "A file cannot be read", f"{source}: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def install(get: typer.Typer) -> None:
    """Register what `fairlead get` shows."""
    command(get, "shipments", examples=("fairlead get shipments --state left",))(_list)
    command(get, "certificates", examples=("fairlead get certificates --country BR",))(certificates)


command(
    app, "create",
    examples=("fairlead shipment create BR --from box-17.txt --leaves 2027-03-01 --arrives 2027-04-10 --check",
              "fairlead shipment create TR --match 'batch == \"2027-03\"' --leaves 2027-03-01"),
)(create)  # fmt: skip
command(app, "check", examples=("fairlead shipment check ship_06f…",))(check)
command(app, "show", examples=("fairlead shipment show ship_06f…",))(show)
command(app, "leave", examples=("fairlead shipment leave ship_06f… --reason 'order 4711'",))(leave)
command(app, "cancel", examples=("fairlead shipment cancel ship_06f…",))(cancel)
command(app, "override", examples=("fairlead shipment override ship_06f… --reason 'permit, file 9'",))(override)
command(app, "devices", examples=("fairlead shipment devices ship_06f… --where elsewhere",))(devices)
command(
    app, "settings", examples=("fairlead shipment settings", "fairlead shipment settings --strict --network-years 5")
)(settings)

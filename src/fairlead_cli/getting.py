"""`fairlead get`: lists with filters, and one thing whole."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

import typer
from rich.markup import escape

from fairlead_cli import change_view, device_view, durations, finding_view, line_rules, nouns, plan_view, words
from fairlead_cli.client import Body, Listing
from fairlead_cli.output import Column
from fairlead_cli.shell import Shell, command, group

app: Final = group("get", "Read the fleet: devices, carriers, policies, changes, law, figures.")

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many rows at most.")]
All = Annotated[bool, typer.Option("--all", help="All rows.")]
Form = Annotated[
    Literal["table", "wide", "json", "jsonl"], typer.Option("--output", "-o", help="The form of the answer.")
]
Country = Annotated[str | None, typer.Option(metavar="CC", help="Visited country, such as BR.")]
Carrier = Annotated[str | None, typer.Option(metavar="ACCOUNT", help="Account of the SIM in use.")]
State = Annotated[str | None, typer.Option(help="Only those in this state.")]


def devices(
    shell: Shell, *,
    country: Country = None, carrier: Carrier = None,
    q: Annotated[str | None, typer.Option("--q", metavar="PREFIX", help="Name, serial, IMEI, EID, ICCID …")] = None,
    sku: Annotated[str | None, typer.Option(help="SKU.")] = None,
    group_: Annotated[str | None, typer.Option("--group", help="Policy group.")] = None,
    region: Annotated[str | None, typer.Option(help="Region.")] = None,
    batch: Annotated[str | None, typer.Option(help="Production batch.")] = None,
    state: State = None,
    stance: Annotated[str | None, typer.Option(help="What the visited country says about roaming.")] = None,
    connectivity: Annotated[str | None, typer.Option(help="online, attached, offline, blocked or unknown.")] = None,
    roaming: Annotated[bool | None, typer.Option("--roaming/--at-home", help="Roaming or not.")] = None,
    count: Annotated[bool, typer.Option("--count", help="Only how many.")] = False,
    by: Annotated[str | None, typer.Option(metavar="DIMENSIONS", help="How many by country,carrier,sku …")] = None,
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Devices, by filter or by search."""
    del output
    params = {
        "country": country.upper() if country else None, "carrier": carrier, "q": q, "sku": sku, "group": group_,
        "region": region, "batch": batch, "state": state, "stance": stance, "connectivity": connectivity,
        "roaming": _word(roaming),
    }  # fmt: skip
    if count or by:
        if q is not None:
            raise typer.BadParameter("a search is listed, not counted", param_hint="--q")
        del params["q"]
        _tally(
            shell, shell.client.get(f"/v1/devices/{'facets' if by else 'count'}", params | ({"by": by} if by else {}))
        )
        return
    _list(shell, "/v1/devices", params, nouns.DEVICES, "devices", limit, everything)


def _tally(shell: Shell, found: Body) -> None:
    shell.out.document(found)
    least = "" if found["exact"] else "at least "
    aged = f", counted {words.age(found['age_s'])} ago" if found["how"] == "counted" else ""
    shell.out.say(f"{least}[bold]{words.count(int(found['devices']), 'device')}[/]{aged}")
    by: dict[str, list[Body]] = found.get("by") or {}
    for name, values in by.items():
        told = ", ".join(f"{escape(one['value'] or 'unknown')} {one['devices']:,}" for one in values[:12])
        shell.out.say(f"  {name}: {told}")


def device(
    shell: Shell, name: Annotated[str, typer.Argument(help="Its name or id.")], *,
    timeline: Annotated[bool, typer.Option("--timeline", help="What happened to it, newest first.")] = False,
    kinds: Annotated[
        str | None, typer.Option(help="With --timeline: network,subscription,config,change,people …")
    ] = None,
    before: Annotated[str | None, typer.Option(metavar="INSTANT", help="With --timeline: what was before.")] = None,
    layers: Annotated[bool, typer.Option("--layers", help="What it has of the control chain.")] = False,
    limit: Limit = 50,
) -> None:  # fmt: skip
    """One device whole: identity, cards, subscriptions, facets, sessions, clocks; or its story, or its layers."""
    if timeline:
        asked = {"kinds": kinds, "before": before, "limit": min(limit, 500)}
        device_view.timeline(shell.out, shell.client.get(f"/v1/devices/{name}/timeline", asked))
    elif layers:
        device_view.layers(shell.out, shell.client.get(f"/v1/devices/{name}/layers"))
    else:
        device_view.show(shell.out, shell.client.get(f"/v1/devices/{name}"))


def clocks(
    shell: Shell, name: Annotated[str | None, typer.Argument(help="One device's clocks.")] = None, *,
    country: Country = None, carrier: Carrier = None,
    within: Annotated[str, typer.Option(metavar="TIME", help="Breaches within this time from now.")] = "90d",
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Roaming clocks that run out, the soonest first. Not legal advice."""
    del output
    if name is not None:
        found: Body = shell.client.get(f"/v1/devices/{name}")
        shell.out.listing(Listing(items=found["clocks"]), nouns.DEVICE_CLOCKS, noun="clocks")
        return
    now = datetime.fromisoformat(shell.client.get("/v1/clock")["now"])
    before = now + timedelta(seconds=durations.seconds(within, "--within"))
    params = {"country": country.upper() if country else None, "carrier": carrier, "breach_before": before.isoformat()}
    _list(shell, "/v1/devices", params, nouns.CLOCKS, "clocks that run out", limit, everything)


def subscriptions(
    shell: Shell, iccid: Annotated[str | None, typer.Argument(help="One of them, by ICCID or id.")] = None, *,
    carrier: Carrier = None, state: State = None,
    device_: Annotated[str | None, typer.Option("--device", help="Of this device.")] = None,
    q: Annotated[str | None, typer.Option("--q", metavar="PREFIX", help="ICCID, IMSI, MSISDN or EID.")] = None,
    plan_: Annotated[str | None, typer.Option("--plan", help="The carrier's plan.")] = None,
    connectivity: Annotated[str | None, typer.Option(help="online, attached, offline, blocked or unknown.")] = None,
    form_factor: Annotated[str | None, typer.Option(help="2FF, 3FF, 4FF, MFF2, iSIM or softSIM.")] = None,
    technology: Annotated[str | None, typer.Option(help="uicc, euicc, iuicc or softsim.")] = None,
    remote: Annotated[str | None, typer.Option(help="changeable or swap_needed.")] = None,
    country: Annotated[str | None, typer.Option(metavar="CC", help="Where its device was last seen.")] = None,
    multi_imsi: Annotated[
        bool | None, typer.Option("--multi-imsi/--single-imsi", help="Whether its card holds several IMSIs.")
    ] = None,
    silence: Annotated[str | None, typer.Option(help="heard, silent, never_seen or unknown (as the baseline).")] = None,
    silent_days: Annotated[int, typer.Option(min=1, max=365, help="With --silence: after how many days.")] = 30,
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Cards, profiles and subscriptions of all carriers: what was bought, what the carrier says, what is on the air."""
    del output
    if iccid is not None:
        _one(shell, shell.client.get(f"/v1/subscriptions/{iccid}"))
        return
    params = {
        "carrier": carrier, "state": state, "device": device_, "q": q, "plan": plan_, "connectivity": connectivity,
        "form_factor": form_factor, "technology": technology, "remote": remote, "multi_imsi": _word(multi_imsi),
        "silence": silence, "silent_days": silent_days if silence else None,
        "country": country.upper() if country else None,
    }  # fmt: skip
    _list(shell, "/v1/subscriptions", params, nouns.SUBSCRIPTIONS, "subscriptions", limit, everything)


def policies(
    shell: Shell, *,
    kind: Annotated[
        str | None, typer.Option(help="Policy, Strategy, Steering, SessionPolicy, Grant or UsageRule.")
    ] = None,
    limit: Limit = 100, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Policies and the other resources as they are kept."""
    del output
    _list(shell, "/v1/policies", {"kind": kind}, nouns.POLICIES, "policies", limit, everything)


def policy(
    shell: Shell, name: Annotated[str, typer.Argument(help="NAME or KIND/NAME.")], *, output: Form = "table"
) -> None:
    """One policy: its text and all its revisions."""
    del output
    kind, slash, bare = name.partition("/")
    found: Body = shell.client.get(f"/v1/policies/{kind}/{bare}" if slash else f"/v1/policies/Policy/{name}")
    shell.out.document(found)
    if not shell.out.for_people:
        return
    revisions: list[Body] = found["revisions"]
    shell.out.say(f"[bold]{escape(found['kind'])}/{escape(found['name'])}[/]", "")
    shell.out.table(revisions, nouns.REVISIONS)
    current = next((one for one in revisions if one["state"] in ("kept", "trial")), revisions[0])
    shell.out.say("", f"[dim]Revision {current['number']} ({current['state']})[/]")
    shell.out.console.print(current["text"].rstrip(), markup=False)


def plan(shell: Shell, plan_id: Annotated[str, typer.Argument(metavar="PLAN")]) -> None:
    """One plan again."""
    plan_view.show(shell.out, shell.client.get(f"/v1/plans/{plan_id}"))


def _accuracy(shell: Shell, found: Body) -> None:
    shell.out.document(found)
    shell.out.say(
        f"Forecasts of {words.when(found['cut'])}, held against {words.when(found['until'])}; "
        f"a sample of {words.count(int(found['devices']), 'device')}.",
        "",
    )
    if shell.out.for_people and found["errors"]:
        shell.out.table(found["errors"], nouns.ACCURACY)


def strategy(
    shell: Shell, name: Annotated[str, typer.Argument(help="The strategy's name.")], *, output: Form = "table"
) -> None:
    """The way in that a strategy chooses for each country of yours, beside today's. Not legal advice."""
    del output
    found: Body = shell.client.get(f"/v1/strategies/{name}")
    shell.out.listing(Listing(items=found["items"], next=None), nouns.STRATEGY, noun="countries with devices")


def countries(
    shell: Shell, code: Annotated[str | None, typer.Argument(metavar="CC", help="One country.")] = None, *,
    everything: Annotated[bool, typer.Option("--all", help="Also countries without devices of yours.")] = False,
    output: Form = "table",
) -> None:  # fmt: skip
    """What countries say about permanent roaming, and who of yours is there. Not legal advice."""
    del output
    if code is not None:
        _country(shell, shell.client.get(f"/v1/countries/{code.upper()}"))
        return
    found: Body = shell.client.get("/v1/countries", {"present": "false" if everything else "true"})
    listing = Listing(items=found["items"], more={"notice": found["notice"]})
    shell.out.listing(listing, nouns.COUNTRIES, noun="devices in any country")
    shell.out.say(f"[dim]{escape(found['notice'])}[/]")


def rules(
    shell: Shell, *, country: Country = None, topic: Annotated[str | None, typer.Option(help="Topic.")] = None,
    output: Form = "table",
) -> None:  # fmt: skip
    """Regulatory rules with source and date. Not legal advice."""
    del output
    found: Body = shell.client.get("/v1/rules", {"country": country.upper() if country else None, "topic": topic})
    shell.out.listing(Listing(items=found["items"], more={"notice": found["notice"]}), nouns.RULES, noun="rules")
    shell.out.say(f"[dim]{escape(found['notice'])}[/]")


def forecast(
    shell: Shell, *, weeks: Annotated[int, typer.Option(min=1, max=104, help="How far to look.")] = 13,
    accuracy: Annotated[bool, typer.Option("--accuracy", help="How forecasts of a month ago came out.")] = False,
    output: Form = "table",
) -> None:  # fmt: skip
    """Breaches to come, by week and country, if every device stays where it is. Not legal advice."""
    del output
    if accuracy:
        _accuracy(shell, shell.client.get("/v1/forecast/accuracy"))
        return
    found: Body = shell.client.get("/v1/forecast", {"weeks": weeks})
    if shell.out.form == "jsonl":
        shell.out.listing(Listing(items=found["weeks"]), (), noun="weeks")
        return
    shell.out.document(found)
    by_week: dict[str, list[str]] = {}
    for one in found["weeks"]:
        by_week.setdefault(one["week"], []).append(f"{one['country'] or 'unknown'} {one['devices']:,}")
    most = max([1, *(sum(w["devices"] for w in found["weeks"] if w["week"] == week) for week in by_week)])
    rows: list[Body] = []
    for week, places in sorted(by_week.items()):
        total = sum(int(w["devices"]) for w in found["weeks"] if w["week"] == week)
        rows.append({"week": week, "devices": total, "bar": words.bar(total, most), "where": ", ".join(places)})
    until = words.when(found["until"])
    shell.out.say(f"[bold]{words.count(int(found['total']), 'device')}[/] in breach by {until}", "")
    if rows:
        shell.out.table(rows, _FORECAST)
    shell.out.say(f"[dim]Assumes that {escape(found['assumption'])}. {escape(found['notice'])}[/]")


def counts(shell: Shell, *, output: Form = "table") -> None:
    """The fleet in figures, with their age."""
    del output
    found: Body = shell.client.get("/v1/counts")
    shell.out.document(found)
    shell.out.say(f"[bold]{words.count(int(found['devices']), 'device')}[/], counted {words.age(found['age_s'])} ago")
    shown: dict[str, Any] = {}
    for dimension, values in found["by"].items():
        ranked = sorted(values, key=lambda one: -int(one["devices"]))
        shown[dimension] = ", ".join(f"{one['value'] or 'unknown'} {one['devices']:,}" for one in ranked[:12])
    shell.out.fields(shown)


def findings(
    shell: Shell, *,
    state: Annotated[
        str, typer.Option(help="open, acknowledged, closed, live (open or acknowledged) or any.")
    ] = "live",
    severity: Annotated[str | None, typer.Option(help="info, warning or critical.")] = None,
    kind: Annotated[str | None, typer.Option(help="carrier-outage, usage-rule, policy-collision …")] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="KIND[:ID]", help="What it is about: carrier:meridian, country:BR, device …")
    ] = None,
    count: Annotated[bool, typer.Option("--count", help="Only how many are open or acknowledged.")] = False,
    limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """What insight concluded, the newest first; those that are closed only where asked for."""
    del output
    if count:
        if severity or kind or subject or state != "live":
            raise typer.BadParameter("all that are not closed are counted, without a filter", param_hint="--count")
        finding_view.counts(shell.out, shell.client.get("/v1/findings/counts"))
        return
    about, _, which = (subject or "").partition(":")
    params = {
        "state": None if state == "any" else state, "severity": severity, "kind": kind, "subject_kind": about or None,
        "subject_id": which or None,
    }  # fmt: skip
    _list(shell, "/v1/findings", params, finding_view.FINDINGS, "findings", limit, everything)


def finding(shell: Shell, finding_id: Annotated[str, typer.Argument(metavar="FINDING", help="Its id.")]) -> None:
    """One finding whole: what was seen, how often, since when, and who knows."""
    finding_view.show(shell.out, shell.client.get(f"/v1/findings/{finding_id}"))


def jobs(
    shell: Shell, job: Annotated[str | None, typer.Argument(help="One of them.")] = None, *,
    limit: Limit = 20, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Long work, newest first."""
    del output
    if job is not None:
        _one(shell, shell.client.get(f"/v1/jobs/{job}"))
        return
    _list(shell, "/v1/jobs", {}, nouns.JOBS, "jobs", limit, everything)


def reference(
    shell: Shell, table: Annotated[str | None, typer.Argument(help="One table.")] = None, *, output: Form = "table"
) -> None:
    """Reference tables: failure modes, form factors, strategies, the four questions and the rest."""
    del output
    if table is None:
        found: Body = shell.client.get("/v1/reference")
        shell.out.listing(
            Listing(items=found["tables"], more={"sources": found["sources"]}), nouns.TABLES, noun="tables"
        )
        return
    shown: Body = shell.client.get(f"/v1/reference/{table}")
    shell.out.say(f"[bold]{escape(shown['title'])}[/]", "")
    columns = [Column(title=name.replace("_", " ").upper(), value=name, fold=True) for name in shown["columns"]]
    more = {name: shown[name] for name in ("name", "title", "source", "note")}
    shell.out.listing(Listing(items=shown["items"], more=more), columns, noun="rows")
    source = shown["source"]
    shell.out.say("", f"[dim]{escape(source['name'])}, {source['date']}. {escape(shown['note'])}[/]")


def operations(
    shell: Shell, *,
    change: Annotated[str | None, typer.Option(metavar="CHG", help="Of this Change.")] = None,
    device_: Annotated[str | None, typer.Option("--device", help="On this device.")] = None,
    state: State = None, limit: Limit = 50, everything: All = False, output: Form = "table",
) -> None:  # fmt: skip
    """Steps by drivers on subjects, with their evidence (--json)."""
    del output
    params = {"change": change, "device": device_, "state": state}
    _list(shell, "/v1/operations", params, change_view.OPERATIONS, "operations", limit, everything)


_FORECAST: Final = (
    Column(title="WEEK OF", value="week", whole=True),
    Column(title="DEVICES", value="devices", right=True),
    Column(title="", value="bar"),
    Column(title="WHERE", value="where"),
)


def _simple(name: str, path: str, columns: tuple[Column, ...], noun: str, about: str, example: str) -> None:
    def run(shell: Shell, *, limit: Limit = 50, everything: All = False, output: Form = "table") -> None:
        del output
        _list(shell, path, {}, columns, noun, limit, everything)

    run.__doc__ = about
    command(app, name, examples=(example,))(run)


def _list(
    shell: Shell, path: str, params: Body, columns: tuple[Column, ...], noun: str, limit: int, everything: bool  # noqa: FBT001
) -> None:  # fmt: skip
    shell.out.listing(shell.client.items(path, params, limit=limit, everything=everything), columns, noun=noun)


def _one(shell: Shell, found: Body) -> None:
    shell.out.document(found)
    shell.out.fields({name.replace("_", " "): value for name, value in found.items()})


def _country(shell: Shell, found: Body) -> None:
    shell.out.document(found)
    if not shell.out.for_people:
        return
    shell.out.say(
        f"[bold]{escape(found['name'])}[/]: {words.coloured(found['stance'])}, {found['confidence']} confidence"
    )
    shell.out.fields({name.replace("_", " "): value for name, value in found["here"].items() if value})
    actual: Body = words.part(found, "actual")
    if actual.get("devices"):
        shown = f"{actual['roaming']:,} roaming, {actual['local']:,} on a local SIM, {actual['unknown']:,} not known"
        shell.out.say("", f"[bold]Way in[/]  today: {shown}")
    for one in words.rows(found, "chosen"):
        use = escape(one["use"] or "nothing")
        shell.out.say(f"  chosen by [cyan]{escape(one['strategy'])}[/]: {use}, {escape(one['reason'])}")
    for one in words.rows(found, "recommended"):
        said = f"{escape(one['says'])} [dim]({escape(one['source'])})[/]"
        shell.out.say(f"  recommended for {escape(one['names'])}: {said}")
    for rule in sorted(found["rules"], key=lambda one: "roaming" not in one["topic"]):
        shell.out.say("", f"[bold]{escape(rule['id'])}[/]  {words.coloured(rule['stance'])}  {escape(rule['summary'])}")
        said = ", ".join(rule["sources"])
        shell.out.say(f"  [dim]{escape(rule['authority'] or rule['kind'])}, as of {rule['as_of']}: {escape(said)}[/]")
        if rule["disputes"]:
            shell.out.say(f"  [yellow]contradicted by[/] {escape(', '.join(rule['disputes']))}")
    shell.out.say("[dim]not legal advice[/]")


def _word(value: bool | None) -> str | None:  # noqa: FBT001 - a parameter of the door
    return None if value is None else str(value).lower()


command(app, "devices", examples=(
    "fairlead get devices --country BR --carrier global-sim", "fairlead get devices --q 8944 -o wide",
    "fairlead get devices --country BR --by carrier,sku", "fairlead get devices --all --jsonl",
))(devices)  # fmt: skip
command(app, "device", examples=(
    "fairlead get device trk-00001", "fairlead get device trk-00001 --timeline --kinds network,change",
    "fairlead get device trk-00001 --layers",
))(device)  # fmt: skip
command(app, "clocks", examples=("fairlead get clocks --within 30d", "fairlead get clocks trk-00001"))(clocks)
_simple("carriers", "/v1/carriers", nouns.CARRIERS, "carrier accounts",
        "Carrier accounts and how they are.", "fairlead get carriers")  # fmt: skip
_simple("connectors", "/v1/connectors", nouns.CONNECTORS, "connectors",
        "What a carrier account may name, how far each is proved, and what it asks for.",
        "fairlead get connectors")  # fmt: skip
command(
    app,
    "subscriptions",
    examples=(
        "fairlead get subscriptions --carrier global-sim --state active",
        "fairlead get subscriptions --remote swap_needed --country BR",
    ),
)(subscriptions)
command(app, "policies", examples=("fairlead get policies --kind Policy",))(policies)
command(app, "policy", examples=("fairlead get policy brazil-local", "fairlead get policy Strategy/tiered"))(policy)
_simple("plans", "/v1/plans", nouns.PLANS, "plans", "Plans, newest first.", "fairlead get plans")
_simple("steering", "/v1/steering", line_rules.STEERING, "steering",
        "What steering comes to at each carrier account: its list and how lines stand, or why there is none.",
        "fairlead get steering -o wide")  # fmt: skip
_simple("usage-rules", "/v1/usage-rules", line_rules.USAGE_RULES, "usage rules",
        "What usage rules come to at each carrier account: lines judged, crossed, acted upon, and why not.",
        "fairlead get usage-rules")  # fmt: skip
command(app, "plan", examples=("fairlead get plan plan_06f…",))(plan)
_simple("changes", "/v1/changes", change_view.CHANGES, "changes", "Changes, newest first.", "fairlead get changes")
command(app, "strategy", examples=("fairlead get strategy tiered",))(strategy)
command(app, "countries", examples=("fairlead get countries", "fairlead get countries BR"))(countries)
command(app, "rules", examples=("fairlead get rules --country TR",))(rules)
command(app, "forecast", examples=("fairlead get forecast --weeks 26",))(forecast)
command(app, "counts", examples=("fairlead get counts",))(counts)
command(
    app,
    "findings",
    examples=("fairlead get findings --severity critical", "fairlead get findings --state any --subject country:BR"),
)(findings)
command(app, "finding", examples=("fairlead get finding fnd_06f…", "fairlead get finding fnd_06f… --json"))(finding)
command(app, "jobs", examples=("fairlead get jobs", "fairlead get jobs job_06f…"))(jobs)
command(app, "reference", examples=("fairlead get reference", "fairlead get reference failure-modes"))(reference)
_simple("facts", "/v1/facts", nouns.FACTS, "facts", "Facts that conditions may read.", "fairlead get facts -o wide")
_simple("prices", "/v1/prices", nouns.PRICES, "prices", "What plans cost.", "fairlead get prices")
command(app, "operations", examples=("fairlead get operations --device trk-00001",))(operations)

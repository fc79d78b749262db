"""A device as people read it: all of it, and why it is as it is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.markup import escape

from fairlead_cli import nouns, words
from fairlead_cli.client import Body
from fairlead_cli.output import Column, Output

_CARDS: Final = (
    Column(title="SLOT", value="slot", right=True),
    Column(title="ICCID", value="iccid", whole=True),
    Column(title="ACCOUNT", value="account"),
    Column(title="ENABLED", value="enabled"),
    Column(title="IMSI", value="imsi"),
    Column(title="HOME", value="home_country"),
    Column(title="APN", value="apn"),
)
_FACETS: Final = (
    Column(title="FACET", value="facet"),
    Column(title="IN SYNC", value="in_sync"),
    Column(title="PROVED", value="proved"),
    Column(title="GENERATION", value=lambda f: f"{f['observed_generation']} of {f['generation']}"),
    Column(title="WANTED BY", value="policies"),
    Column(title="STEP", value=lambda f: _step(f.get("move"))),
    Column(title="CHANGED", value="changed_at"),
    Column(title="REPORTED", value="reported_at"),
    Column(title="CHANGE", value="change", whole=True),
)
_SESSIONS: Final = (
    Column(title="STARTED", value="started_at", whole=True),
    Column(title="ENDED", value="ended_at"),
    Column(title="COUNTRY", value="country"),
    Column(title="NETWORK", value="plmn"),
    Column(title="RAT", value="rat"),
    Column(title="ICCID", value="iccid"),
    Column(title="BYTES", value="bytes", right=True),
)
_MOVES: Final = (
    Column(title="CHANGE", value="change", whole=True),
    Column(title="TITLE", value="title"),
    Column(title="STATE", value="state"),
    Column(title="OPENED", value="opened_at"),
    Column(title="OUTCOME", value="outcome"),
)
_MOST_SESSIONS: Final = 5
_TIMELINE: Final = (
    Column(title="AT", value="at", whole=True),
    Column(title="KIND", value="kind"),
    Column(title="WHAT HAPPENED", value="title", fold=True),
    Column(title="SAYS", value="source"),
    Column(title="WANTED BY", value="policies", wide=True),
    Column(title="CHANGE", value="change", wide=True, whole=True),
    Column(title="FOLLOWS FROM", value="cause", wide=True),
    Column(title="ID", value="id", wide=True, whole=True),
)
_OBJECTS: Final = (
    Column(title="OBJECT", value="name", whole=True),
    Column(title="THERE", value="present"),
    Column(title="VALUE", value="value", fold=True),
    Column(title="WHY NOT", value="why", fold=True),
)


def show(out: Output, device: Body) -> None:
    """Everything about a device; programs get it as it is."""
    out.document(device)
    if not out.for_people:
        return
    facts: Body = device["facts"]
    out.say(f"[bold]{escape(device['name'])}[/]  {words.coloured(device['state'])}  [dim]{device['id']}[/]", "")
    placed = None
    if facts.get("place_at"):
        placed = f"{words.age(facts.get('place_age_s'))} ago by {facts.get('place_source')}"
    names = ("serial", "imei", "eid", "mac", "sku", "region", "group", "batch", "tags")
    out.fields({name: device.get(name) for name in names} | {
        "place": _joined(facts, "country", "plmn", "rat", "cell"), "sim in use": _joined(facts, "carrier", "iccid"),
        "on air": facts.get("connectivity"), "roaming": facts.get("roaming"),
        "law": _joined(facts, "law_stance", "law_confidence"), "breach": facts.get("breach_at"),
        "heard": f"{words.age(facts.get('contact_age_s'))} ago" if facts.get("last_contact_at") else None,
        "placed": placed,
        "used": _used(facts),
        "silent": _silent(facts.get("silent_days")),
        "firmware": facts.get("firmware"), "MQTT secret": device.get("has_secret"),
    })  # fmt: skip
    _section(out, "SIMs", words.rows(device, "profiles"), _CARDS)
    _section(out, "Subscriptions", words.rows(device, "subscriptions"), nouns.SUBSCRIPTIONS)
    _section(out, "Facets", words.rows(device, "facets"), _FACETS)
    _section(out, "Clocks", words.rows(device, "clocks"), nouns.DEVICE_CLOCKS)
    _section(out, "Sessions", words.rows(device, "sessions")[:_MOST_SESSIONS], _SESSIONS)


def _used(facts: Body) -> str | None:
    """What it has used, and how far that is known."""
    if facts.get("usage_at") is None:
        return None
    month, latest = facts.get("usage_month_bytes"), facts.get("usage_24h_bytes")
    told = [
        f"{value:,} bytes {when}" for value, when in ((month, "this month"), (latest, "in 24 h")) if value is not None
    ]
    old = ", older than its source lags" if facts.get("usage_stale") else ""
    return f"{', '.join(told) or 'not known'} (known until {words.when(facts['usage_at'])}{old})"


def _silent(days: int | None) -> str | None:
    return None if days is None else f"for {words.count(days, 'day')}, as far as it is known"


def timeline(out: Output, found: Body) -> None:
    """What happened to a device, newest first."""
    out.document(found)
    if not out.for_people:
        return
    if found["items"]:
        out.table(found["items"], _TIMELINE)
    else:
        out.say("Nothing happened then.")
    if found.get("left_out"):
        out.say(f"[dim]Left out, you may not read it: {', '.join(words.texts(found, 'left_out'))}[/]")
    if found.get("next"):
        out.say(f"[dim]Older: --before {found['next']}[/]")


def layers(out: Output, found: Body) -> None:
    """The control chain of a device, layer by layer."""
    out.document(found)
    if not out.for_people:
        return
    for layer in words.rows(found, "layers"):
        out.say("", f"[bold]{escape(layer['name'])}[/]  {words.coloured(layer['present'])}  {escape(layer['task'])}")
        out.table(words.rows(layer, "objects"), _OBJECTS)
        if layer["failure"]:
            out.say(f"  [yellow]to expect where one is missing:[/] {escape(layer['failure'])}")
    out.say("", f"[dim]{escape(found['source'])}, {found['source_date']}[/]")


def _step(move: Body | None) -> str | None:
    if move is None:
        return None
    back = " back" if move["direction"] == "back" else ""
    return f"{min(move['step'], move['of'])} of {move['of']}{back}, until {words.when(move['deadline'] or '')}".rstrip()


def why(out: Output, name: str, found: Body, device: Body) -> None:
    """The chain behind each value of a device, and what stands in the way."""
    out.document(found)
    if not out.for_people:
        return
    facts: Body = words.part(device, "facts")
    out.say(f"[bold]{escape(name)}[/]  {_joined(facts, 'country', 'plmn', 'carrier') or 'nowhere seen yet'}")
    _in_force(out, words.rows(found, "in_force"))
    _standing_in_the_way(out, found)
    values: Mapping[str, Body] = words.part(found, "values")
    facets: dict[str, Body] = {f["facet"]: f for f in words.rows(found, "facets")}
    for facet in [*values, *(name for name in facets if name not in values)]:
        _facet(out, facet, values.get(facet) or {}, facets.get(facet) or {})
    _section(out, "Moves", words.rows(found, "moves"), _MOVES)
    _law(out, facts, words.rows(device, "clocks"))


def _in_force(out: Output, rules: Sequence[Body]) -> None:
    if not rules:
        out.say("", "No policy is in force on it.")
        return
    out.say("", "[bold]In force[/]")
    for rule in sorted(rules, key=lambda one: -int(one["priority"])):
        out.say(
            f"  [cyan]{escape(rule['policy'])}@{rule['revision']}[/] priority {rule['priority']}"
            f"  since it holds that {escape(rule['match'])}"
        )
        out.say(
            f"    until {escape(rule['until'])}" + (f"  [dim]{escape(rule['reason'])}[/]" if rule["reason"] else "")
        )


def _standing_in_the_way(out: Output, found: Body) -> None:
    if found.get("held_out"):
        out.say("  [yellow]held out for comparison[/]")
    for one in words.rows(found, "exceptions"):
        change = f" in {escape(one['change'])}" if one.get("change") else ""
        since = f" since {words.when(one['since'])}" if one.get("since") else ""
        out.say(f"  [yellow]{escape(one['policy'])}: {escape(one['why'])}[/]{change}{since}")


def _facet(out: Output, facet: str, resolved: Body, kept: Body) -> None:
    sync = kept.get("in_sync")
    state = "[green]in sync[/]" if sync else "[yellow]not in sync[/]" if kept else "[dim]not written yet[/]"
    numbers = (
        f"  desired {kept['generation']}, offered {kept['offered_generation']}, observed {kept['observed_generation']}"
        if kept else ""
    )  # fmt: skip
    out.say("", f"[bold]{escape(facet)}[/]  {state}[dim]{numbers}[/]")
    reasons: Mapping[str, Sequence[Body]] = words.part(resolved, "reasons")
    for path, chain in sorted(reasons.items()):
        holder, *overrode = chain
        said = "removed" if holder.get("removed") else _json(holder.get("value"))
        out.say(
            f"  {escape(path) or '/'} = [bold]{escape(said)}[/]"
            f"  [cyan]{escape(holder['policy'])}@{holder['revision']}[/] [dim]{escape(holder.get('reason') or '')}[/]"
        )
        for one in overrode:
            lost = "removed" if one.get("removed") else _json(one.get("value"))
            out.say(
                f"      over {escape(lost)} of {escape(one['policy'])}@{one['revision']}, priority {one['priority']}"
            )
    if not reasons and resolved.get("document") is not None:
        out.say(f"  {escape(_json(resolved['document']))}")
    for label in ("desired", "verified", "reported"):
        value = kept.get(label)
        if value is not None:
            out.say(f"  [dim]{label:>9}[/] {escape(_json(value))}")


def _law(out: Output, facts: Body, clocks: Sequence[Body]) -> None:
    if facts.get("law_stance") is None and not clocks:
        return
    stance = words.coloured(facts.get("law_stance"))
    confidence = f", {facts['law_confidence']} confidence" if facts.get("law_confidence") else ""
    out.say(
        "", f"[bold]Law[/]  {facts.get('country') or words.NOTHING}: {stance}{confidence} [dim](not legal advice)[/]"
    )
    if clocks:
        out.table(clocks, nouns.DEVICE_CLOCKS)


def _section(out: Output, title: str, items: Sequence[Body], columns: Sequence[Column]) -> None:
    if items:
        out.say("", f"[bold]{title}[/]")
        out.table(items, columns)


def _joined(facts: Body, *names: str) -> str | None:
    return " ".join(str(facts[name]) for name in names if facts.get(name)) or None


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

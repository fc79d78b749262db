"""A plan as people read it: what would happen, to how many, where, at which cost, and what not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.markup import escape

from fairlead_cli import line_rules, words
from fairlead_cli.client import Body
from fairlead_cli.output import Markup, Output, Title, grid

_MARKS: Final[Mapping[str, str]] = {"create": "[green]+[/]", "update": "[yellow]~[/]", "remove": "[red]-[/]"}
_PROOFS: Final[Mapping[str, str]] = {
    "read-back": "the carrier's own record read back",
    "session-and-reported": "a session on the new network and the reported shadow",
    "reported": "the reported shadow",
    "contact": "a contact or a session, newer than the step",
    "recorded": "our own record",
    "none": "none: it can only be acknowledged",
}
_MOST_SITUATIONS: Final = 12
_MOST_PLACES: Final = 14


def show(out: Output, plan: Body) -> None:
    """The whole plan; programs get it as it is."""
    if not out.for_people:
        out.document(plan)
        return
    summary: Body = plan["summary"]
    out.say(f"[bold]Plan {escape(plan['id'])}[/]  kept until {words.when(plan['expires_at'])}", "")
    _resources(out, summary)
    _radius(out, summary)
    _recipes(out, words.rows(summary, "situations"))
    line_rules.in_plan(out, summary)
    _warnings(out, summary)


def headline(plan: Body) -> str:
    """The plan in a sentence: what one agrees to."""
    summary: Body = plan["summary"]
    blocked = int(summary["devices"]) - int(summary["movable"])
    countries = len(words.part(summary, "countries"))
    where = f" in {words.count(countries, 'country', 'countries')}" if countries else ""
    stay = f"; {words.count(blocked, 'device')} blocked" if blocked else ""
    return f"{words.count(int(summary['movable']), 'device')} move{where}{stay}"


def changes_something(plan: Body) -> bool:
    """Whether applying it would do anything."""
    return bool(plan["summary"].get("resources") or plan["summary"].get("devices"))


def _resources(out: Output, summary: Body) -> None:
    idle = set(words.texts(summary, "no_driver_yet"))
    observing = set(words.texts(summary, "observe_only"))
    for resource in words.rows(summary, "resources"):
        label = f"{resource['kind']}/{resource['name']}"
        remark = "  [yellow]no driver yet: kept, nothing follows from it[/]" if label in idle else ""
        remark += "  [yellow]observe only: would have done[/]" if resource["name"] in observing else ""
        mark = _MARKS.get(resource["verb"], " ")
        out.say(f"  {mark} {resource['verb']} {escape(label)}@{resource['number']}{remark}")
    for label in words.texts(summary, "unchanged"):
        out.say(f"    unchanged {escape(str(label))}")
    out.say("")


def _radius(out: Output, summary: Body) -> None:
    devices, movable = int(summary["devices"]), int(summary["movable"])
    pairs: dict[str, Any] = {"Devices": Markup(f"[bold]{devices:,}[/] concerned, [bold]{movable:,}[/] would move")}
    for name, key in (("Countries", "countries"), ("Carriers", "carriers"), ("Groups", "groups"), ("Law", "stances")):
        pairs[name] = _shares(words.part(summary, key))
    pairs["Breaches avoided"] = _law(words.part(summary, "law"))
    pairs |= _costs(words.part(summary, "cost"))
    pairs |= _saves(summary.get("saves"))
    out.fields(pairs)
    for blocked in words.rows(summary, "blocked"):
        place = f" in {blocked['country']}" if blocked.get("country") else ""
        stay = words.count(int(blocked["devices"]), "device")
        out.say(f"  [red]blocked[/] {stay}{place}: {escape(str(blocked['why']))} [dim]({blocked['code']})[/]")


def _shares(shares: Mapping[str, Any]) -> str | None:
    rows = sorted(((int(n), name) for name, n in shares.items()), key=lambda row: (-row[0], row[1]))
    shown = [f"{name or 'unknown'} {number:,}" for number, name in rows[:_MOST_PLACES]]
    if len(rows) > _MOST_PLACES:
        shown.append(f"… {len(rows) - _MOST_PLACES} more")
    return ", ".join(shown) or None


def _law(law: Body) -> Markup | None:
    rows: Sequence[Body] = words.rows(law, "breaches_avoided")
    shown: list[str] = []
    for row in rows:
        parts = [
            f"{row[key]:,} {word}"
            for key, word in (("breached", "in breach now"), ("within_30_days", "within 30 days"), ("later", "later"))
            if row.get(key)
        ]
        if parts:
            shown.append(f"{escape(str(row['country']))}: {', '.join(parts)}")
    note = escape(str(law.get("note", "not legal advice")))
    return Markup("; ".join(shown) + f" [dim]({note})[/]") if shown else None


def _costs(cost: Body) -> dict[str, Any]:
    if not cost or not cost.get("devices"):
        return {}
    coverage = cost.get("coverage_percent")
    covered = "nothing is priced" if not cost.get("priced_devices") else f"priced {coverage} %"
    rest = int(cost["devices"]) - int(cost.get("priced_devices") or 0)
    unknown = f"; the other {words.count(rest, 'device')}: [yellow]unknown[/]" if rest else ""
    if not cost.get("priced_devices"):
        return {"Cost": Markup(f"[yellow]unknown[/] ({covered}; import prices with `fairlead import prices`)")}
    return {
        "Cost once": Markup(f"{escape(words.money(cost.get('one_off') or {}))} ({covered}{unknown})"),
        "Cost a month": Markup(f"{escape(_signed(cost.get('monthly_delta') or {}))} against today"),
    }


def _saves(saves: Body | None) -> dict[str, Any]:
    """What lines that are put aside save: only what their carriers say they stop billing."""
    if not saves:
        return {}
    told: list[str] = []
    if saves["monthly"]:
        told.append(f"[green]{escape(words.money(saves['monthly']))}[/]")
    if saves["monthly_unknown"]:
        amount = escape(words.money(saves["monthly_unknown"]))
        told.append(f"[yellow]unknown[/] for {amount}: the carrier does not say whether it goes on billing")
    if saves["monthly_goes_on"]:
        told.append(f"nothing of {escape(words.money(saves['monthly_goes_on']))}, which is billed all the same")
    told = told or ["[yellow]unknown[/]"]
    covered = f"{words.count(int(saves['lines']), 'line')}, {saves['coverage_percent']} % priced"
    return {"Saves a month": Markup(f"{'; '.join(told)} ({covered})")}


def _signed(amounts: Mapping[str, Any]) -> str:
    shown = [f"{'' if str(a).startswith('-') else '+'}{a} {currency}" for currency, a in sorted(amounts.items())]
    return ", ".join(shown) or "no difference"


def _recipes(out: Output, situations: Sequence[Body]) -> None:
    movable = [one for one in situations if not one["recipe"].get("blocked")]
    if not movable:
        return
    out.say("", "[bold]What happens, step by step[/]")
    for no, (recipe, alike) in enumerate(_alike(movable), start=1):
        if no > _MOST_SITUATIONS:
            out.say("  [dim]… and further recipes; --json has them all[/]")
            return
        total = sum(int(one["devices"]) for one in alike)
        places = ", ".join(f"{one['country'] or '–'} {int(one['devices']):,}" for one in alike[:_MOST_PLACES])
        aims = sorted({f"{one['carrier'] or '–'} → {one['target']}" for one in alike if one.get("target")})
        aim = f"  {escape(', '.join(aims))}" if aims else ""
        out.say(f"  [bold]{words.count(total, 'device')}[/] ({escape(places)}){aim}")
        _steps(out, recipe["steps"])
        for note in words.texts(recipe, "notes"):
            out.say(f"    [dim]{escape(str(note))}[/]")


def _alike(situations: Sequence[Body]) -> Iterator[tuple[Body, list[Body]]]:
    """Situations whose recipe is the same, together."""
    by_recipe: dict[str, list[Body]] = {}
    for one in situations:
        by_recipe.setdefault(repr(one["recipe"]), []).append(one)
    for alike in by_recipe.values():
        yield alike[0]["recipe"], alike


def _steps(out: Output, steps: Sequence[Body]) -> None:
    table = grid(Title(text="   "), Title(text="STEP"), Title(text="PROOF"), Title(text="WITHIN"), Title(text="UNDO"))
    for number, step in enumerate(steps, start=1):
        facets = ", ".join(words.texts(step, "facets"))
        what = f"{step['driver']}: {step['verb']}" + _object(step, facets)
        undo = step["undo"] + (f": {step['undo_verb']}" if step.get("undo_verb") else "")
        proof = _PROOFS.get(step["proof"], str(step["proof"]))
        table.add_row(f"    {number}", escape(what), escape(proof), words.age(step["deadline_s"]), escape(undo))
    for column in table.columns:
        column.overflow = "fold"
    out.show(table)


def _object(step: Body, facets: str) -> str:
    match step["driver"]:
        case "shadow":
            return f" {facets}"
        case "carrier":
            return f" ({step['account'] if step['on'] == 'each' else step['on']})"
        case _:
            return ""


def _warnings(out: Output, summary: Body) -> None:
    for state, number in words.part(summary, "left_out").items():
        out.say(f"  [yellow]left out[/] {words.count(int(number), 'device')}: {escape(str(state))}")
    for name, number in words.part(summary, "hidden").items():
        out.say(
            f"  [yellow]hidden[/] {escape(str(name))} says nothing about {words.count(int(number), 'device')}: "
            "a fact it reads is unknown there"
        )
    for conflict in words.rows(summary, "conflicts"):
        out.say(
            f"  [yellow]conflict[/] {words.count(int(conflict['devices']), 'device')} under way in "
            f"{escape(str(conflict['change']))}: they wait for it"
        )
    for clash in words.rows(summary, "possible_collisions"):
        names = " and ".join(str(name) for name in clash["policies"])
        path = f"{clash['facet']}{clash.get('path') or ''}"
        out.say(f"  [yellow]could collide[/] {escape(names)} on {escape(path)}: no device does today")

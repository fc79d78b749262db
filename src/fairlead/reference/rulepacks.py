"""Rule packs: YAML files of `reference/rules` as `Rule` values, checked against each other.

The grammar is `docs/reference-data.md`; counters say `at_least` (the count that breaks the rule) or
`more_than` (the last one that does not), as the source words it.
"""

from collections.abc import Mapping
from importlib.resources.abc import Traversable
from typing import Literal

from fairlead.model.reference import Country
from fairlead.model.rules import (
    CALENDAR_YEAR,
    NEVER,
    WINDOW,
    Confidence,
    ConsecutiveDays,
    Counter,
    DaysInWindow,
    DaysInYear,
    Effect,
    EffectCode,
    Event,
    Kind,
    LeavesCountry,
    MonthsInWindow,
    Population,
    Reset,
    Rule,
    Scope,
    Sim,
    SinceEvent,
    Stance,
    Subject,
    Trend,
)
from fairlead.reference.checked import Field, MalformedReference, read_yaml, yaml_files
from fairlead.reference.places import UNIONS

_REQUIRED = frozenset(
    {
        *("id", "jurisdiction", "topic", "stance", "kind", "sources", "as_of"),
        *("confidence", "trend", "summary"),
    }
)
_OPTIONAL = frozenset(
    {
        *("authority", "effective_from", "effective_to", "reviewer", "disputes", "exemptions", "subject"),
        *("counters", "trip", "population", "applies_when", "effect", "valid_days", "warn_before_days"),
        *("reset", "zone"),
    }
)
_COUNTERS = frozenset({"consecutive_days", "days_in_window", "days_in_year", "months_in_window", "since"})
_YEAR = 366


def load_rules(countries: Mapping[str, Country]) -> tuple[Rule, ...]:
    """All rules, sorted by id; raises `MalformedReference` at the first mistake."""
    return read_packs(yaml_files("rules"), countries)


def read_packs(files: list[Traversable], countries: Mapping[str, Country]) -> tuple[Rule, ...]:
    """Read packs from anywhere; ids are unique over all of them, and `disputes` name rules that exist."""
    rules: dict[str, Rule] = {}
    disputed: list[tuple[str, Field]] = []
    for path in files:
        pack = read_yaml(path).fields(required=frozenset({"source", "date", "rules"}))
        pack["source"].string()
        pack["date"].day()
        for item in pack["rules"].items():
            rule = read_rule(item, countries)
            if rule.id in rules:
                item.refuse(f"an id of its own: {rule.id} is taken")
            rules[rule.id] = rule
            disputed += [(other, item) for other in rule.disputes]
    for other, item in disputed:
        if other not in rules:
            item.refuse(f"`disputes` to name rules that exist, unlike {other!r}")
    return tuple(rules[i] for i in sorted(rules))


def read_rule(item: Field, countries: Mapping[str, Country]) -> Rule:
    """One rule."""
    f = item.fields(required=_REQUIRED, optional=_OPTIONAL)
    jurisdiction = f["jurisdiction"].string()
    if jurisdiction not in UNIONS and jurisdiction not in countries:
        f["jurisdiction"].refuse("an ISO 3166-1 alpha-2 code, or EU")
    members = UNIONS.get(jurisdiction, frozenset({jurisdiction}))
    zone = f["zone"].string() if "zone" in f else "UTC"
    if "zone" not in f and jurisdiction in countries:
        zone = countries[jurisdiction].zone
    if "counters" in f and "subject" not in f:
        item.refuse("a key 'subject' beside 'counters'")
    if "counters" in f and "effect" not in f:
        item.refuse("a key 'effect' beside 'counters'")
    return Rule(
        id=f["id"].string(),
        jurisdiction=jurisdiction,
        countries=members,
        topic=f["topic"].string(),
        stance=f["stance"].choice(Stance),
        kind=f["kind"].choice(Kind),
        authority=f["authority"].string() if "authority" in f else None,
        sources=f["sources"].strings(),
        as_of=f["as_of"].day(),
        confidence=f["confidence"].choice(Confidence),
        trend=f["trend"].choice(Trend),
        summary=f["summary"].string(),
        effective_from=f["effective_from"].day() if "effective_from" in f else None,
        effective_to=f["effective_to"].day() if "effective_to" in f else None,
        reviewer=f["reviewer"].string() if "reviewer" in f else None,
        disputes=f["disputes"].strings() if "disputes" in f else (),
        exemptions=f["exemptions"].strings() if "exemptions" in f else (),
        subject=f["subject"].choice(Subject) if "subject" in f else Subject.DEVICE,
        counters=tuple(_counter(c) for c in f["counters"].items()) if "counters" in f else (),
        trip=f["trip"].word("any", "all") if "trip" in f else "any",
        population=_population(f["population"]) if "population" in f else None,
        scope=_scope(f["applies_when"], countries) if "applies_when" in f else Scope(),
        effect=_effect(f["effect"]) if "effect" in f else None,
        valid_days=f["valid_days"].integer(least=1) if "valid_days" in f else None,
        warn_before_days=f["warn_before_days"].integer() if "warn_before_days" in f else 30,
        reset=_reset(f["reset"]) if "reset" in f else NEVER,
        zone=zone,
    )


def _counter(item: Field) -> Counter:
    one = item.fields(required=frozenset(), optional=_COUNTERS)
    if len(one) != 1:
        item.refuse(f"exactly one of {', '.join(sorted(_COUNTERS))}")
    name, field = next(iter(one.items()))
    match name:
        case "consecutive_days":
            f, trip = _trip(field, frozenset(), frozenset({"max_gap"}))
            return ConsecutiveDays(trip=trip, max_gap=f["max_gap"].integer() if "max_gap" in f else 0)
        case "days_in_window":
            f, trip = _trip(field, frozenset({"window"}))
            return DaysInWindow(trip=trip, window=_window(f["window"], trip))
        case "months_in_window":
            f, trip = _trip(field, frozenset({"window"}))
            return MonthsInWindow(trip=trip, window=_window(f["window"], trip))
        case "days_in_year":
            _, trip = _trip(field, frozenset())
            return DaysInYear(trip=trip if trip < _YEAR else field.refuse("a count that a year can hold"))
        case _:
            f, trip = _trip(field, frozenset({"event"}))
            return SinceEvent(trip=trip, event=f["event"].choice(Event))


def _trip(
    item: Field, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> tuple[dict[str, Field], int]:
    """The fields of a counter and the first count that breaks the rule."""
    f = item.fields(required=required, optional=optional | {"at_least", "more_than"})
    if ("at_least" in f) == ("more_than" in f):
        item.refuse("either 'at_least' or 'more_than'")
    return f, f["at_least"].integer(least=1) if "at_least" in f else f["more_than"].integer() + 1


def _window(field: Field, trip: int) -> int:
    window = field.integer(least=1)
    return window if window >= trip else field.refuse(f"a window that can hold {trip}")


def _population(field: Field) -> Population:
    f = field.fields(required=frozenset({"more_than", "of"}))
    of: list[Literal["account", "apn"]] = [i.word("account", "apn") for i in f["of"].items()]
    return Population(more_than=f["more_than"].integer(), of=tuple(of) or f["of"].refuse("account, apn or both"))


def _scope(field: Field, countries: Mapping[str, Country]) -> Scope:
    f = field.fields(
        required=frozenset(), optional=frozenset({"sim", "form", "home_country", "carrier", "plmn", "declared"})
    )
    if "form" in f:
        f["form"].word("esim")
    homes = f["home_country"].strings() if "home_country" in f else ()
    if any(h not in countries for h in homes):
        f["home_country"].refuse("ISO 3166-1 alpha-2 codes")
    if "carrier" in f and "plmn" not in f:
        field.refuse("a key 'plmn' with the carrier's networks beside 'carrier'")
    return Scope(
        sim=f["sim"].choice(Sim) if "sim" in f else Sim.FOREIGN,
        esim="form" in f,
        home_countries=frozenset(homes),
        carrier=f["carrier"].string() if "carrier" in f else None,
        plmns=frozenset(f["plmn"].strings()) if "plmn" in f else frozenset(),
        declared=f["declared"].string() if "declared" in f else None,
    )


def _effect(field: Field) -> Effect:
    f = field.fields(required=frozenset({"code"}), optional=frozenset({"after_days", "lasts_hours", "until"}))
    return Effect(
        code=f["code"].choice(EffectCode),
        after_days=f["after_days"].integer() if "after_days" in f else 0,
        lasts_hours=f["lasts_hours"].integer(least=1) if "lasts_hours" in f else None,
        until=_until(f["until"]) if "until" in f else None,
    )


def _until(field: Field) -> Literal["calendar_year_end", "registered", "replaced"]:
    return field.word("calendar_year_end", "registered", "replaced")


def _reset(field: Field) -> Reset:
    if isinstance(field.value, str):
        words = {"calendar_year": CALENDAR_YEAR, "window": WINDOW, "never": NEVER}
        return words[field.word(*words)]
    return LeavesCountry(days=field.fields(required=frozenset({"leaves_country"}))["leaves_country"].integer(least=1))


__all__ = ["MalformedReference", "load_rules", "read_packs", "read_rule"]

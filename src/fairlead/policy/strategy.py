"""Which way in a country takes, by a strategy's tiers, and why.

The planner and `why` call `way_in`. The law is asked first: a tier that holds by what the law alone
says, with every other fact left open, goes before any other. Then a tier that names the country,
then one that names a region of it, then the rest; within each the first in the list decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from typing import Literal as Only

from fairlead.model.expression import Value
from fairlead.model.resources import Method, Strategy, Tier
from fairlead.policy.evaluate import holds, missing

Ground = Only["law", "country", "region", "tier"]
_LAW_FACTS: Final = "law."


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """What a strategy says for one country."""

    use: Method | None  # None: no tier holds
    ground: Ground | None  # what decided
    tier: int | None  # which tier, from 1
    reason: str  # for people
    open_tiers: tuple[tuple[int, frozenset[str]], ...]  # tiers that absent facts leave open, and those facts


def way_in(strategy: Strategy, country: str, facts: Mapping[str, Value], now: datetime) -> WayIn:
    """The way in that the strategy chooses for a country (two letters) with these facts of it."""
    known = {**facts, "country": country}
    inside = frozenset(name for name, members in strategy.regions.items() if country in members)
    covering = [(number, tier) for number, tier in enumerate(strategy.tiers, start=1) if _covers(tier, country, inside)]
    law_alone = {name: value for name, value in known.items() if name == "country" or name.startswith(_LAW_FACTS)}
    ranked: tuple[tuple[Ground, list[tuple[int, Tier]]], ...] = (
        ("law", [(number, tier) for number, tier in covering if _by_law(tier, law_alone, now)]),
        ("country", [(number, tier) for number, tier in covering if tier.countries]),
        ("region", [(number, tier) for number, tier in covering if tier.regions and not tier.countries]),
        ("tier", [(number, tier) for number, tier in covering if not tier.countries and not tier.regions]),
    )
    left_open = tuple(
        (number, missing(tier.when.expr, known))
        for number, tier in covering
        if tier.when is not None and holds(tier.when.expr, known, now) is None
    )
    for ground, tiers in ranked:
        for number, tier in tiers:
            if tier.when is None or holds(tier.when.expr, known, now):
                reason = _reason(ground, number, tier, country, inside)
                return WayIn(use=tier.use, ground=ground, tier=number, reason=reason, open_tiers=left_open)
    return WayIn(use=None, ground=None, tier=None, reason=f"no tier holds for {country}", open_tiers=left_open)


def _covers(tier: Tier, country: str, inside: frozenset[str]) -> bool:
    if tier.countries and country in tier.countries:
        return True
    if tier.regions and inside.intersection(tier.regions):
        return True
    return not tier.countries and not tier.regions


def _by_law(tier: Tier, law_alone: Mapping[str, Value], now: datetime) -> bool:
    """Whether the law alone makes the tier hold: every other fact absent, and some fact of the law read."""
    if tier.when is None or holds(tier.when.expr, law_alone, now) is not True:
        return False
    without_law = {name: value for name, value in law_alone.items() if name == "country"}
    return holds(tier.when.expr, without_law, now) is not True


def _reason(ground: Ground, number: int, tier: Tier, country: str, inside: frozenset[str]) -> str:
    condition = f": {tier.when.text}" if tier.when is not None else ""
    match ground:
        case "law":
            scope = f"the law in {country}"
        case "country":
            scope = f"a tier of {country}"
        case "region":
            scope = f"a tier of {' and '.join(sorted(inside.intersection(tier.regions)))}"
        case "tier":
            scope = "the general tiers"
    return f"{tier.use} by {scope}, tier {number}{condition}"

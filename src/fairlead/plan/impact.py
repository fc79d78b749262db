"""Impact in words and numbers: what a plan does, step by step, and what it costs and saves."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from fairlead.model.facet import Facet
from fairlead.model.situation import Recipe, Situation, show_recipe

_NANO: Final = Decimal(1_000_000_000)
_ASIDE: Final = {"suspended": "suspend", "standby": "standby", "deactivated": "deactivate"}
BILLING: Final = ("stops", "goes_on", "unknown")


def steps_summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Situations with their recipes, the largest first."""
    shown: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda r: (-int(r["devices"]), int(r["no"]))):
        recipe: Recipe = row["recipe"]
        shown.append({k: v for k, v in row.items() if k != "recipe"} | {"recipe": show_recipe(recipe)})
    return shown


def costs(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One-off and monthly effect by currency, with coverage. What has no price is unknown, never zero."""
    devices = sum(int(r["devices"]) for r in rows)
    priced = sum(int(r["priced"]) for r in rows)
    one_off: dict[str, Decimal] = {}
    monthly: dict[str, Decimal] = {}
    for row in rows:
        if not row["priced"]:
            continue
        new, old = str(row["currency_new"]), str(row["currency_old"])
        one_off[new] = one_off.get(new, Decimal(0)) + Decimal(int(row["one_off"])) / _NANO
        monthly[new] = monthly.get(new, Decimal(0)) + Decimal(int(row["monthly_new"])) / _NANO
        if row["release"]:
            monthly[old] = monthly.get(old, Decimal(0)) - Decimal(int(row["monthly_old"])) / _NANO
    return {
        "devices": devices,
        "priced_devices": priced,
        "coverage_percent": int(100 * priced / devices) if devices else None,
        "one_off": {currency: f"{amount:.2f}" for currency, amount in sorted(one_off.items())},
        "monthly_delta": {currency: f"{amount:.2f}" for currency, amount in sorted(monthly.items())},
        "unpriced": "unknown" if priced < devices else None,
    }


def puts_aside(situation: Situation) -> str | None:
    """The verb that takes the active line of a situation out of use; None where it goes on as it is."""
    if situation.current is None or situation.current.state != "active":
        return None
    for change in situation.changes:
        if change.facet is Facet.SUBSCRIPTION and change.after is not None:
            return _ASIDE.get(str(change.after.get("state")))
    return None


def savings(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """What lines that are put aside cost a month, by what their carriers say of billing; None where there are none.

    A row counts lines of one currency and one `billing`: "stops", "goes_on" or "unknown". Only what stops is
    saved; what a carrier does not say stays apart as unknown, and a line without a price is in no amount.
    """
    lines = sum(int(r["lines"]) for r in rows)
    if not lines:
        return None
    priced = sum(int(r["priced"]) for r in rows)
    amounts: dict[str, dict[str, Decimal]] = {word: {} for word in BILLING}
    counts = dict.fromkeys(BILLING, 0)
    for row in rows:
        counts[row["billing"]] += int(row["lines"])
        if row["priced"]:
            of, currency = amounts[row["billing"]], str(row["currency"])
            of[currency] = of.get(currency, Decimal(0)) + Decimal(int(row["monthly"])) / _NANO
    shown = {word: {c: f"{a:.2f}" for c, a in sorted(by.items())} for word, by in amounts.items()}
    return {
        "lines": lines,
        "priced_lines": priced,
        "coverage_percent": int(100 * priced / lines),
        "monthly": shown["stops"],
        "monthly_unknown": shown["unknown"],
        "monthly_goes_on": shown["goes_on"],
        "lines_by_billing": counts,
        "unpriced": "unknown" if priced < lines else None,
    }

"""Impact in words and numbers: what a plan does, step by step, and what it costs."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from fairlead.model.situation import Recipe, show_recipe

_NANO: Final = Decimal(1_000_000_000)


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

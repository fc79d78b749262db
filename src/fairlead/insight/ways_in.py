"""What the reference tables recommend for one country: the rows that name it, and nothing read into them.

A country's page shows them beside what was chosen and what is. The table of strategies by region
speaks of regions in words; a row counts for a country when it names it, or names the European Union
and the country is a member. Where no row does, there is no recommendation, and that is the answer.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fairlead.model.reference import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """One row that speaks of the country."""

    table: str
    names: str  # what the row calls the place: a market or a region
    says: str
    note: str


def recommended(
    code: str, name: str, markets: Table, regions: Table, unions: Mapping[str, Collection[str]]
) -> tuple[Recommended, ...]:
    """Rows of both tables that speak of a country; `unions` are members by the union's code."""
    own = {code, *(union for union, members in unions.items() if code in members)}
    found = [
        Recommended(table=markets.name, names=row["market"], says=row["stance"], note=row["restrictions"])
        for row in markets.records()
        if row["jurisdiction"] in own
    ]
    called = {name, *(row["market"] for row in markets.records() if row["jurisdiction"] == code), *own}
    for row in regions.records():
        text = " ".join((row["region"], row["strategy"], row["provider"]))
        if _names_any(text, called):
            found.append(
                Recommended(table=regions.name, names=row["region"], says=row["strategy"], note=row["provider"])
            )
    return tuple(found)


def _names_any(text: str, names: Collection[str]) -> bool:
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in names)

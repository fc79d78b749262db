"""Countries, currencies and time zones from Babel's copy of the Unicode CLDR.

Nothing is copied into the repository: Babel is a dependency and its data is read as it is (CLDR
under the Unicode licence). Only what CLDR does not hold is written down here: who is in the Union.
"""

from datetime import UTC, date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_cldr_version, get_global
from babel.numbers import get_currency_precision, get_territory_currencies

from fairlead.model.reference import Country, Currency, Source

AS_OF = date(2026, 11, 20)  # the day for which currencies and zones are read
SOURCE = Source(name=f"Unicode CLDR {get_cldr_version()} through Babel", date=AS_OF, licence="Unicode-3.0")

UNIONS = {
    "EU": frozenset(
        [
            *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
            *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
        ]
    )
}
"""Jurisdictions of several countries: the members of the European Union in 2026."""

_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"})
_SAMPLES = tuple(datetime(year, month, 1, tzinfo=UTC) for year in (2025, 2026, 2027) for month in range(1, 13))


def load_currencies() -> dict[str, Currency]:
    """All currencies that CLDR names, by ISO 4217 code."""
    names = cast("dict[str, str]", Locale("en").currencies)
    return {code: Currency(code=code, name=names[code], digits=get_currency_precision(code)) for code in sorted(names)}


def load_countries() -> dict[str, Country]:
    """All countries and territories with a two-letter code, by that code."""
    names = cast("dict[str, str]", Locale("en").territories)
    zones: dict[str, list[str]] = {}
    for zone, territory in cast("dict[str, str]", get_global("zone_territories")).items():
        zones.setdefault(territory, []).append(zone)
    return {
        code: _country(code, names[code], sorted(zones.get(code, [])))
        for code in sorted(names)
        if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES  # noqa: PLR2004 - alpha-2
    }


def _country(code: str, name: str, zones: list[str]) -> Country:
    tender = cast("Any", get_territory_currencies)(code, start_date=AS_OF, end_date=AS_OF)
    return Country(
        code=code, name=name, currencies=tuple(cast("list[str]", tender)), zones=tuple(zones), zone=counting_zone(zones)
    )


def counting_zone(zones: list[str]) -> str:
    """The zone whose calendar days are a country's days: UTC where its clocks differ, else its first zone.

    Zones that have shown the same time for years (Berlin and Büsingen) are one.
    """
    clocks = {tuple(at.astimezone(ZoneInfo(zone)).utcoffset() for at in _SAMPLES) for zone in zones}
    return zones[0] if len(clocks) == 1 else "UTC"

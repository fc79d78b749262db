"""Ends of network technologies: `reference/sunsets.yaml` as `Sunset` values.

A row without `off_on` says that the technology is off, and that nobody said since when.
"""

from collections.abc import Mapping

from fairlead.model.radio import Rat, Sunset
from fairlead.model.reference import Country, Network
from fairlead.reference.checked import HOME, Field, read_yaml

_REQUIRED = frozenset({"country", "rat", "source", "as_of", "confidence"})
_OPTIONAL = frozenset({"plmn", "off_on"})


def load_sunsets(countries: Mapping[str, Country], networks: Mapping[str, Network]) -> tuple[Sunset, ...]:
    """All rows; raises `MalformedReference` at the first mistake."""
    return read_sunsets(read_yaml(HOME.joinpath("sunsets.yaml")), countries, networks)


def read_sunsets(top: Field, countries: Mapping[str, Country], networks: Mapping[str, Network]) -> tuple[Sunset, ...]:
    """The rows of one file."""
    whole = top.fields(required=frozenset({"source", "date", "sunsets"}))
    whole["source"].string()
    whole["date"].day()
    found: dict[tuple[str, str, str | None], Sunset] = {}
    for item in whole["sunsets"].items():
        row = _row(item, countries, networks)
        if found.setdefault((row.country, row.rat, row.plmn), row) is not row:
            item.refuse("one row a country, technology and network")
    return tuple(found.values())


def _row(item: Field, countries: Mapping[str, Country], networks: Mapping[str, Network]) -> Sunset:
    f = item.fields(required=_REQUIRED, optional=_OPTIONAL)
    country = f["country"].string()
    if country not in countries:
        f["country"].refuse("a country code of ISO 3166")
    plmn = f["plmn"].string() if "plmn" in f else None
    if plmn is not None and (plmn not in networks or networks[plmn].country != country):
        f["plmn"].refuse(f"a network of {country} in networks.csv")
    return Sunset(
        country=country,
        rat=f["rat"].choice(Rat),
        plmn=plmn,
        off_on=f["off_on"].day() if "off_on" in f else None,
        confidence=f["confidence"].word("high", "medium", "low"),
        source=f["source"].string(),
        as_of=f["as_of"].day(),
    )

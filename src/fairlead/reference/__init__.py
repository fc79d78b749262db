"""What the world is like: data only, each file with its source and date, loaded once in wiring.

`load()` gives one frozen `Reference`. A file that is malformed in any way is refused as a whole
(`checked.MalformedReference`), because a country silently without its rules would look permitted.
"""

import csv
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources.abc import Traversable
from types import MappingProxyType

from fairlead.model.identifiers import Plmn
from fairlead.model.reference import Network, Reference, Source, Table
from fairlead.reference.checked import HOME, MalformedReference, read_yaml, yaml_files
from fairlead.reference.places import SOURCE, load_countries, load_currencies
from fairlead.reference.rulepacks import load_rules
from fairlead.reference.sunsets import load_sunsets

_NETWORK_COLUMNS = ["mcc", "mnc", "country", "brand", "operator", "status", "bands"]
_HEADER = re.compile(r"# source: (?P<name>.+) \((?P<licence>[^,]+),.*\)\n# date: (?P<date>\S+)\n")
_TABLE_KEYS = frozenset({"title", "source", "date", "columns", "rows"})


@cache
def load() -> Reference:
    """All reference data; the same value each time."""
    countries = load_countries()
    networks, network_source = load_networks()
    return Reference(
        countries=MappingProxyType(countries),
        currencies=MappingProxyType(load_currencies()),
        networks=MappingProxyType(networks),
        mnc_lengths=MappingProxyType(mnc_lengths(networks)),
        mcc_countries=MappingProxyType(mcc_countries(networks)),
        rules=load_rules(countries),
        tables=MappingProxyType(load_tables()),
        sunsets=load_sunsets(countries, networks),
        sources=MappingProxyType({"places": SOURCE, "networks": network_source}),
    )


def load_networks() -> tuple[dict[str, Network], Source]:
    """Networks by PLMN text; where a code is listed twice, the operational entry."""
    text = HOME.joinpath("networks.csv").read_text(encoding="utf-8")
    header = _HEADER.match(text)
    rows = csv.DictReader(text[header.end() :].splitlines()) if header else None
    if header is None or rows is None or rows.fieldnames != _NETWORK_COLUMNS:
        raise MalformedReference(
            file="networks.csv",
            line=1,
            pointer="",
            value=text[:80],
            expected="source, date and the columns of tools/networks.py",
        )
    networks: dict[str, Network] = {}
    for row in rows:
        network = Network(
            plmn=Plmn(mcc=row["mcc"], mnc=row["mnc"]),
            country=row["country"] or None,
            brand=row["brand"],
            operator=row["operator"],
            status=row["status"],
            bands=row["bands"],
        )
        known = networks.get(str(network.plmn))
        if known is None or (network.operational and not known.operational):
            networks[str(network.plmn)] = network
    source = Source(name=header["name"], date=date.fromisoformat(header["date"]), licence=header["licence"])
    return networks, source


def mnc_lengths(networks: Mapping[str, Network]) -> dict[str, frozenset[int]]:
    """The MNC lengths in use in each MCC: those of its operational networks, or of all where none is."""
    every: dict[str, set[int]] = {}
    working: dict[str, set[int]] = {}
    for network in networks.values():
        every.setdefault(network.plmn.mcc, set()).add(len(network.plmn.mnc))
        if network.operational:
            working.setdefault(network.plmn.mcc, set()).add(len(network.plmn.mnc))
    return {mcc: frozenset(working.get(mcc, lengths)) for mcc, lengths in every.items()}


def mcc_countries(networks: Mapping[str, Network]) -> dict[str, frozenset[str]]:
    """The countries whose networks use each MCC."""
    found: dict[str, set[str]] = {}
    for network in networks.values():
        if network.country:
            found.setdefault(network.plmn.mcc, set()).add(network.country)
    return {mcc: frozenset(countries) for mcc, countries in found.items()}


def load_tables() -> dict[str, Table]:
    """The tables to read and to show, by name (the file's)."""
    return {table.name: table for table in map(_table, yaml_files("tables"))}


def _table(path: Traversable) -> Table:
    f = read_yaml(path).fields(required=_TABLE_KEYS, optional=frozenset({"note"}))
    columns = f["columns"].strings()
    rows: list[tuple[str, ...]] = []
    for row in f["rows"].items():
        cells = row.strings()
        rows.append(cells if len(cells) == len(columns) else row.refuse(f"{len(columns)} cells"))
    return Table(
        name=path.name.removesuffix(".yaml"),
        title=f["title"].string(),
        columns=columns,
        rows=tuple(rows),
        source=Source(name=f["source"].string(), date=f["date"].day()),
        note=f["note"].string() if "note" in f else "",
    )


__all__ = ["MalformedReference", "load", "load_networks", "load_tables", "mcc_countries", "mnc_lengths"]

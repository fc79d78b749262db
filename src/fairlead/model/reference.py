"""What the world is like, as one frozen value: countries, currencies, networks, rules and tables.

`fairlead.reference.load()` builds it once at start-up and `wiring` hands it to whoever asks; this
module only says its shape, so that the pure rooms can be given parts of it without reading files.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from fairlead.model.identifiers import Plmn
from fairlead.model.radio import Sunset
from fairlead.model.rules import Law, Rule, law


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country or territory with its own code."""

    code: str  # ISO 3166-1 alpha-2
    name: str
    currencies: tuple[str, ...]  # legal tender, most usual first
    zones: tuple[str, ...]  # IANA zones
    zone: str  # the zone whose days are counted: the only one, or UTC where clocks differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """A currency and how many decimals its amounts have."""

    code: str  # ISO 4217
    name: str
    digits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One public land mobile network."""

    plmn: Plmn
    country: str | None  # None for MCC 901 and 999, which belong to no country
    brand: str
    operator: str
    status: str
    bands: str

    @property
    def operational(self) -> bool:
        """Whether the source calls it operational."""
        return self.status == "Operational"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where data comes from, and from when."""

    name: str
    date: date
    licence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table to read and to show: facts as cells, one text each."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: Source
    note: str = ""

    def records(self) -> tuple[dict[str, str], ...]:
        """The rows by column name, as the API gives them."""
        return tuple(dict(zip(self.columns, row, strict=True)) for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """All reference data."""

    countries: Mapping[str, Country]
    currencies: Mapping[str, Currency]
    networks: Mapping[str, Network]  # by PLMN text, such as 262-02
    mnc_lengths: Mapping[str, frozenset[int]]  # by MCC; what `read_plmn` asks for
    mcc_countries: Mapping[str, frozenset[str]]  # by MCC; none for 901 and 999, several for some
    rules: tuple[Rule, ...]
    tables: Mapping[str, Table]
    sunsets: tuple[Sunset, ...]  # ends of network technologies
    sources: Mapping[str, Source]

    def rule(self, rule_id: str) -> Rule | None:
        """One rule by id."""
        return next((r for r in self.rules if r.id == rule_id), None)

    def rules_of(self, country: str, topic: str | None = None) -> tuple[Rule, ...]:
        """The rules that hold in a country, its unions' included."""
        return tuple(r for r in self.rules if country in r.countries and topic in (None, r.topic))

    def law(self, country: str, on: date) -> Law:
        """What a country says about permanent roaming on a day."""
        return law(country, self.rules, on)

    def network(self, plmn: Plmn) -> Network | None:
        """A network by MCC and MNC."""
        return self.networks.get(str(plmn))

    def country_of_imsi(self, imsi: str) -> str | None:
        """The home country of an IMSI; None for 901 and 999, and where the network is not known.

        A network known by its MNC decides; otherwise the country that all networks of the MCC share.
        """
        mcc = imsi[:3]
        for length in sorted(self.mnc_lengths.get(mcc, ()), reverse=True):
            found = self.networks.get(f"{mcc}-{imsi[3 : 3 + length]}")
            if found is not None:
                return found.country
        shared = self.mcc_countries.get(mcc, frozenset())
        return next(iter(shared)) if len(shared) == 1 else None

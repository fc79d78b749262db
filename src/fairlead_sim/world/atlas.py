"""Countries and some of the networks in them, by MCC and MNC as the ITU assigns them (E.212).

Enough of the world for a fleet to travel in; not a reference. Each row is the country, then its
networks: MNC with its own length, the name in the field, the radio technologies, best first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_LTE = ("LTE", "LTE-M", "GSM")
_NB = ("LTE", "NB-IoT", "GSM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A public land mobile network."""

    country: str  # ISO 3166 alpha-2
    mcc: str
    mnc: str  # two or three digits
    name: str
    rats: tuple[str, ...]

    @property
    def plmn(self) -> str:
        """MCC-MNC, such as 262-02."""
        return f"{self.mcc}-{self.mnc}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country and the networks in it."""

    code: str
    calling_code: str
    networks: tuple[Network, ...]


def _country(code: str, calling_code: str, mcc: str, *rows: tuple[str, str, tuple[str, ...]]) -> Country:
    networks = tuple(Network(country=code, mcc=mcc, mnc=mnc, name=name, rats=rats) for mnc, name, rats in rows)
    return Country(code=code, calling_code=calling_code, networks=networks)


_ALL = (
    _country("AE", "971", "424", ("02", "e& UAE", _LTE), ("03", "du", _LTE)),
    _country("AU", "61", "505", ("01", "Telstra", _LTE), ("02", "Optus", _NB), ("03", "Vodafone", _LTE)),
    _country("BE", "32", "206", ("01", "Proximus", _LTE), ("10", "Orange", _NB), ("20", "Telenet", _LTE)),
    _country("BR", "55", "724", ("05", "Claro", _LTE), ("06", "Vivo", _NB), ("03", "TIM", _LTE)),
    _country("CA", "1", "302", ("720", "Rogers", _LTE), ("220", "Telus", _LTE), ("610", "Bell", _LTE)),
    _country("CL", "56", "730", ("01", "Entel", _LTE), ("02", "Movistar", _LTE), ("03", "Claro", _LTE)),
    _country("CN", "86", "460", ("00", "China Mobile", _NB), ("01", "China Unicom", _NB), ("11", "China Telecom", _NB)),
    _country("DE", "49", "262", ("01", "Telekom", _LTE), ("02", "Vodafone", _NB), ("03", "O2", _LTE)),
    _country("ES", "34", "214", ("07", "Movistar", _LTE), ("01", "Vodafone", _NB), ("03", "Orange", _LTE)),
    _country("FR", "33", "208", ("01", "Orange", _LTE), ("10", "SFR", _LTE), ("20", "Bouygues", _LTE)),
    _country("GB", "44", "234", ("15", "Vodafone", _NB), ("30", "EE", _LTE), ("10", "O2", _LTE)),
    _country("IN", "91", "404", ("10", "Airtel", _LTE), ("20", "Vi", _LTE)),
    _country("IT", "39", "222", ("01", "TIM", _LTE), ("10", "Vodafone", _NB), ("88", "Wind Tre", _LTE)),
    _country("JP", "81", "440", ("10", "docomo", _LTE), ("20", "SoftBank", _LTE), ("51", "KDDI", _LTE)),
    _country("KE", "254", "639", ("02", "Safaricom", _LTE), ("03", "Airtel", _LTE)),
    _country("MX", "52", "334", ("020", "Telcel", _LTE), ("050", "AT&T", _LTE), ("030", "Movistar", _LTE)),
    _country("NL", "31", "204", ("08", "KPN", _LTE), ("04", "Vodafone", _NB), ("16", "Odido", _NB)),
    _country("PL", "48", "260", ("02", "T-Mobile", _NB), ("03", "Orange", _LTE), ("01", "Plus", _LTE)),
    _country("QA", "974", "427", ("01", "Ooredoo", _LTE), ("02", "Vodafone", _NB)),
    _country("SA", "966", "420", ("01", "stc", _LTE), ("03", "Mobily", _LTE), ("04", "Zain", _LTE)),
    _country("SG", "65", "525", ("01", "Singtel", _LTE), ("03", "M1", _LTE), ("05", "StarHub", _LTE)),
    _country("TR", "90", "286", ("01", "Turkcell", _LTE), ("02", "Vodafone", _NB), ("03", "Türk Telekom", _LTE)),
    _country("US", "1", "310", ("410", "AT&T", _LTE), ("260", "T-Mobile", _NB)),
    _country("ZA", "27", "655", ("01", "Vodacom", _NB), ("10", "MTN", _LTE)),
)

COUNTRIES: Final[Mapping[str, Country]] = {country.code: country for country in _ALL}
NETWORKS: Final[Mapping[str, Network]] = {network.plmn: network for country in _ALL for network in country.networks}

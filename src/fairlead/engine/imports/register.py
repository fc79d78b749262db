"""The kinds of import that fill the register: contracts, coverage, SKUs with their certificates, ends of networks."""

from collections.abc import Mapping, Sequence
from typing import Final

from fairlead.engine.imports import cells
from fairlead.engine.imports.cells import Reader
from fairlead.engine.imports.rows import BadRow, Setting, Values, account_of, needed
from fairlead.engine.ports.imports import Kind
from fairlead.model.identifiers import Plmn
from fairlead.model.radio import CONFIDENCES
from fairlead.model.shipment import TOPICS

COLUMNS: Final[Mapping[Kind, Sequence[str]]] = {
    "contracts": ("account", "number", "start", "end", "notice_days", "committed_sims", "commitment"),
    "coverage": ("account", "country", "rats", "source", "as_of"),
    "skus": ("sku", "rats", "bands", "source", "as_of"),
    "sunsets": ("country", "rat", "plmn", "off_on", "confidence", "source", "as_of"),
    "certificates": ("sku", "country", "topic", "number", "valid_from", "valid_until", "source", "as_of"),
}


def contracts(setting: Setting) -> Mapping[str, Reader]:
    """A contract of an account."""
    del setting
    return {
        "account": cells.words,
        "number": cells.words,
        "start": cells.day,
        "end": cells.day,
        "notice_days": cells.whole(0, 3_650),
        "committed_sims": cells.whole(0, 10**9),
        "commitment": cells.words,
    }


def finish_contract(values: Values, setting: Setting) -> None:
    """A contract is known by its account and number."""
    needed(values, "number")
    start, end = values.get("start"), values.get("end")
    if start is not None and end is not None and end < start:
        raise BadRow("end", end.isoformat(), f"not before start ({start.isoformat()})")
    values |= {"account": account_of(values, setting, "contract"), "starts_on": start, "ends_on": end}


def coverage(setting: Setting) -> Mapping[str, Reader]:
    """What an account lists in a country."""
    return {
        "account": cells.words,
        "country": cells.country(setting.reference.countries),
        "rats": cells.rats,
        "source": cells.words,
        "as_of": cells.day,
    }


def finish_coverage(values: Values, setting: Setting) -> None:
    """A list without its source and date is worth nothing later."""
    needed(values, "country", "rats", "source", "as_of")
    values["account"] = account_of(values, setting, "list")


def skus(setting: Setting) -> Mapping[str, Reader]:
    """What the radio of a SKU can do."""
    del setting
    return {"sku": cells.words, "rats": cells.rats, "bands": cells.bands, "source": cells.words, "as_of": cells.day}


def finish_sku(values: Values, setting: Setting) -> None:
    """A SKU of which nothing is known is left out of the file, not listed empty."""
    del setting
    needed(values, "sku", "rats")


def sunsets(setting: Setting) -> Mapping[str, Reader]:
    """When a technology ends in a country, or on one network there."""
    return {
        "country": cells.country(setting.reference.countries),
        "rat": cells.rats,
        "plmn": cells.plmn(setting.reference.mnc_lengths),
        "off_on": cells.day,
        "confidence": cells.one_of(CONFIDENCES),
        "source": cells.words,
        "as_of": cells.day,
    }


def finish_sunset(values: Values, setting: Setting) -> None:
    """A date has a source, and the day on which it was read."""
    needed(values, "country", "rat", "off_on", "confidence", "source", "as_of")
    if " " in values["rat"]:
        raise BadRow("rat", values["rat"], "one radio technology a row")
    plmn: Plmn | None = values.get("plmn")
    network = setting.reference.network(plmn) if plmn is not None else None
    if network is not None and network.country not in {None, values["country"]}:
        raise BadRow("plmn", str(plmn), f"a network of {values['country']}; {plmn} is one of {network.country}")
    if "plmn" in values and plmn is None:
        raise BadRow("plmn", None, "a network with the length of its MNC, such as 502-16")
    values["plmn"] = str(plmn) if plmn is not None else ""


def certificates(setting: Setting) -> Mapping[str, Reader]:
    """What a SKU was granted in a country."""
    return {
        "sku": cells.words,
        "country": cells.country(setting.reference.countries),
        "topic": cells.one_of(TOPICS),
        "number": cells.words,
        "valid_from": cells.day,
        "valid_until": cells.day,
        "source": cells.words,
        "as_of": cells.day,
    }


def finish_certificate(values: Values, setting: Setting) -> None:
    """Its number is what an officer asks for; without a topic it is an approval of the equipment."""
    del setting
    needed(values, "sku", "country", "number")
    first, last = values.get("valid_from"), values.get("valid_until")
    if first is not None and last is not None and last < first:
        raise BadRow("valid_until", last.isoformat(), f"not before valid_from ({first.isoformat()})")
    values["topic"] = values.get("topic") or "certification"

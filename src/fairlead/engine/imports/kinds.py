"""The kinds of import: which columns a file may have, and how a row becomes what the store stages.

A column's reader judges one cell; `finish` judges a row as a whole and puts it into the order of
`STAGED`. docs/import.md shows the same columns to people.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from fairlead.engine.imports import cells, register
from fairlead.engine.imports.cells import BadCell, Reader
from fairlead.engine.imports.reading import Row
from fairlead.engine.imports.rows import BadRow, Finish, Setting, Values, account_of, needed
from fairlead.engine.ports.imports import STAGED, Fault, Kind
from fairlead.model.device import DEVICE_STATES, FORM_FACTORS, SUBSCRIPTION_CODES, TECHNOLOGIES
from fairlead.model.identifiers import (
    Plmn,
    read_eid,
    read_iccid,
    read_imei,
    read_imsi,
    read_msisdn,
)

_LONGEST: Final = timedelta(days=32)  # a record of usage: a month and the hours of its zone
_UNNAMED: Final = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One kind, ready to read rows in a setting."""

    kind: Kind
    readers: Mapping[str, Reader]
    finish: Finish
    setting: Setting

    def read(self, row: Row) -> tuple[Any, ...] | list[Fault]:
        """The row as it is staged, or everything that is wrong with it."""
        values: Values = {"line": row.line}
        faults: list[Fault] = []
        for column, cell in row.cells.items():
            try:
                values[column] = self.readers[column](cell)
            except BadCell as bad:
                faults.append(Fault(line=row.line, column=column, value=cell[:80], expected=bad.expected))
        if faults:
            return faults
        try:
            self.finish(values, self.setting)
        except BadRow as bad:
            return [Fault(line=row.line, column=bad.column, value=bad.value, expected=bad.expected)]
        return tuple(values.get(column) for column in STAGED[self.kind])


def format_of(kind: Kind, setting: Setting) -> Format:
    """The columns of a kind."""
    readers, finish = _KINDS[kind]
    return Format(kind=kind, readers=readers(setting), finish=finish, setting=setting)


def columns_of(kind: Kind) -> Sequence[str]:
    """The names of a kind's columns."""
    return _COLUMNS[kind]


# --- devices -----------------------------------------------------------------------------------


def _devices(setting: Setting) -> Mapping[str, Reader]:
    return {
        "name": cells.new_name,
        "serial": cells.serial,
        "imei": cells.identifier(read_imei),
        "eid": cells.identifier(read_eid),
        "mac": cells.mac,
        "sku": cells.words,
        "region": cells.words,
        "group": cells.words,
        "batch": cells.words,
        "tags": cells.tags,
        "home_country": cells.country(setting.reference.countries),
        "state": cells.coded({word: int(state) for word, state in DEVICE_STATES.items()}),
    }


def _finish_device(values: Values, setting: Setting) -> None:
    named = next((values[key] for key in ("serial", "imei", "eid", "mac") if values.get(key)), None)
    if named is None and "name" not in values:
        raise BadRow("name", None, "a name, or at least one of serial, imei, eid and mac")
    own = _UNNAMED.sub("-", named or "").strip("-")[:64]
    if not own and "name" not in values:
        raise BadRow("name", named, "a name: nothing of this serial can stand in one")
    if not cells.stands_for_itself(own):
        own = f"device-{own}"[:64]
    values |= {
        "new_id": setting.mint(), "own_name": own or None, "device_group": values.get("group"),
        "device_batch": values.get("batch"),
    }  # fmt: skip


# --- sims --------------------------------------------------------------------------------------


def _sims(setting: Setting) -> Mapping[str, Reader]:
    return {
        "iccid": str,  # its length is a property of the account: read when the row is whole
        "imsi": cells.identifier(read_imsi),
        "msisdn": cells.identifier(read_msisdn),
        "device": cells.name,
        "serial": cells.serial,
        "imei": cells.identifier(read_imei),
        "account": cells.words,
        "plan": cells.words,
        "state": cells.coded({state.value: code for state, code in SUBSCRIPTION_CODES.items()}),
        "slot": cells.whole(1, 8),
        "form_factor": cells.one_of(FORM_FACTORS),
        "technology": cells.one_of(TECHNOLOGIES),
        "eid": cells.identifier(read_eid),
        "multi_imsi": cells.boolean,
        "enabled": cells.boolean,
        "home_country": cells.country(setting.reference.countries),
        "apn": cells.words,
    }


def _finish_sim(values: Values, setting: Setting) -> None:
    account = account_of(values, setting, "SIM")
    raw = values.get("iccid")
    if raw is None:
        raise BadRow("iccid", None, "the ICCID of the card")
    try:
        iccid = cells.identifier(partial(read_iccid, digits=setting.accounts[account]))(raw)
    except BadCell as bad:
        raise BadRow("iccid", raw[:80], bad.expected) from bad
    imsi = values.get("imsi")
    home = values.get("home_country") or (setting.reference.country_of_imsi(imsi) if imsi else None)
    values |= {
        "new_card": setting.mint(), "new_profile": setting.mint(), "new_subscription": setting.mint(),
        "iccid": iccid, "iccid_raw": raw, "account": account, "device_name": values.get("device"),
        "device_serial": values.get("serial"), "device_imei": values.get("imei"), "home_country": home,
    }  # fmt: skip


# --- presence and sessions ---------------------------------------------------------------------


def _places(setting: Setting) -> dict[str, Reader]:
    digits = setting.accounts.get(setting.account or "")  # a feed of one carrier may leave the check digit out
    return {
        "device": cells.name,
        "iccid": cells.identifier(partial(read_iccid, digits=digits)),
        "imei": cells.identifier(read_imei),
        "imsi": cells.identifier(read_imsi),
        "country": cells.country(setting.reference.countries),
        "plmn": cells.plmn(setting.reference.mnc_lengths),
        "first": cells.instant(setting.now),
        "last": cells.instant(setting.now),
        "apn": cells.words,
        "rat": cells.words,
        "cell": cells.words,
    }


def _sessions(setting: Setting) -> Mapping[str, Reader]:
    return _places(setting) | {"ip": cells.address, "bytes": cells.size_bytes}


def _finish_place(values: Values, setting: Setting) -> None:
    if not values.keys() & {"device", "iccid", "imei", "imsi"}:
        raise BadRow("device", None, "one of device, iccid, imei and imsi")
    first = values.get("first")
    if first is None:
        raise BadRow("first", None, "when it was first seen there")
    last = values.get("last")
    if last is not None and last < first:
        raise BadRow("last", last.isoformat(), f"not before first ({first.isoformat()})")
    values |= {
        "device_name": values.get("device"), "first_at": first, "last_at": last or first, "open": last is None,
        "country": _country(values, setting), "plmn": str(values["plmn"]) if values.get("plmn") else "unknown",
    }  # fmt: skip


def _country(values: Values, setting: Setting) -> str:
    plmn: Plmn | None = values.get("plmn")
    said: str | None = values.get("country")
    network = setting.reference.network(plmn) if plmn is not None else None
    if said is not None:
        if network is not None and network.country is not None and network.country != said:
            raise BadRow("country", said, f"{network.country}, where network {plmn} is")
        return said
    if network is None or network.country is None:
        expected = "a country, or the plmn of a known network that lies in one"
        raise BadRow("country", str(plmn) if plmn else None, expected)
    return network.country


# --- prices ------------------------------------------------------------------------------------


def _prices(setting: Setting) -> Mapping[str, Reader]:
    return {
        "plan": cells.words,
        "currency": cells.currency(setting.reference.currencies),
        "activation": cells.money_nano,
        "monthly": cells.money_nano,
        "per_mb": cells.money_nano,
        "valid_from": cells.day,
        "included": cells.size_bytes,
    }


def _finish_price(values: Values, setting: Setting) -> None:
    del setting
    needed(values, "plan", "currency", "monthly", "valid_from")
    values |= {f"{name}_nano": values.get(name, 0) for name in ("activation", "monthly", "per_mb")}
    values["included_bytes"] = values.get("included")


# --- usage -------------------------------------------------------------------------------------


def _usage(setting: Setting) -> Mapping[str, Reader]:
    digits = setting.accounts.get(setting.account or "")
    amount = cells.whole(0, 10**15)
    return {
        "iccid": cells.identifier(partial(read_iccid, digits=digits)),
        "start": cells.instant(setting.now),
        "end": cells.instant(setting.now),
        "up": amount,
        "down": amount,
        "total": amount,
        "zone": cells.words,
        "plmn": cells.plmn(setting.reference.mnc_lengths),
        "country": cells.country(setting.reference.countries),
        "rated": cells.boolean,
        "final": cells.boolean,
        "observed": cells.instant(setting.now),
        "record": cells.words,
    }


def _finish_usage(values: Values, setting: Setting) -> None:
    for column in ("iccid", "start"):
        if column not in values:
            raise BadRow(column, None, f"a value for {column}")
    start: datetime = values["start"]
    end: datetime = values.get("end") or start + timedelta(days=1)  # a day's total names its day
    if not start < end <= start + _LONGEST:
        raise BadRow("end", end.isoformat(), f"after start ({start.isoformat()}), by at most {_LONGEST.days} days")
    up, down, total = values.get("up"), values.get("down"), values.get("total")
    if total is None and (up is None or down is None):
        raise BadRow("total", None, "up and down, or total: bytes of the period")
    if total is not None and up is not None and down is not None and up + down != total:
        raise BadRow("total", str(total), f"the sum of up and down ({up + down})")
    observed: datetime | None = values.get("observed")
    if observed is not None and observed < start:
        raise BadRow("observed", observed.isoformat(), f"not before start ({start.isoformat()})")
    values |= {
        "started_at": start, "ended_at": end, "up_bytes": up, "down_bytes": down,
        "bytes": (up or 0) + (down or 0) if total is None else total, "kind": 2 if values.get("rated") else 1,
        "final": values.get("final", True), "record_id": values.get("record"), "dated": observed is not None,
        "observed_at": observed or max(start, min(end, setting.now)),
        "plmn": str(values["plmn"]) if values.get("plmn") else None,
    }  # fmt: skip


_KINDS: Final[Mapping[Kind, tuple[Callable[[Setting], Mapping[str, Reader]], Finish]]] = {
    "devices": (_devices, _finish_device),
    "sims": (_sims, _finish_sim),
    "presence": (_places, _finish_place),
    "sessions": (_sessions, _finish_place),
    "prices": (_prices, _finish_price),
    "usage": (_usage, _finish_usage),
    "contracts": (register.contracts, register.finish_contract),
    "coverage": (register.coverage, register.finish_coverage),
    "skus": (register.skus, register.finish_sku),
    "sunsets": (register.sunsets, register.finish_sunset),
    "certificates": (register.certificates, register.finish_certificate),
}
_PLACE: Final = ("device", "iccid", "imei", "imsi", "country", "plmn", "first", "last", "apn", "rat", "cell")
_COLUMNS: Final[Mapping[Kind, Sequence[str]]] = {
    "devices": (
        "name", "serial", "imei", "eid", "mac", "sku", "region", "group", "batch", "tags", "home_country", "state",
    ),
    "sims": (
        "iccid", "imsi", "msisdn", "device", "serial", "imei", "account", "plan", "state", "slot", "form_factor",
        "technology", "eid", "multi_imsi", "enabled", "home_country", "apn",
    ),
    "presence": _PLACE,
    "sessions": (*_PLACE, "ip", "bytes"),
    "prices": ("plan", "currency", "activation", "monthly", "per_mb", "valid_from", "included"),
    "usage": (
        "iccid", "start", "end", "up", "down", "total", "zone", "plmn", "country", "rated", "final", "observed",
        "record",
    ),
    **register.COLUMNS,
}  # fmt: skip

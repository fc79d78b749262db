"""Reads foreign JSON field by field without trusting any of it. Pure; used by each `translate.py`.

A field of the wrong kind is absent and leaves a complaint that names it, its value and what was
expected; a bad field never spoils the record it stands in.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from fairlead.model.identifiers import (
    Eid,
    Iccid,
    Imei,
    Imsi,
    MalformedIdentifier,
    Msisdn,
    Plmn,
    read_eid,
    read_iccid,
    read_imei,
    read_imsi,
    read_msisdn,
)

T = TypeVar("T")
EMPTY: Mapping[str, object] = {}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_object(value: object) -> Mapping[str, object] | None:
    """The value if it is a JSON object."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[object] | None:
    """The value if it is a JSON array."""
    return cast("list[object]", value) if isinstance(value, list) else None


class Fields:
    """One JSON object, read with complaints."""

    def __init__(self, value: Mapping[str, object], complaints: list[str], where: str = "") -> None:
        self._value = value
        self._where = where
        self.complaints = complaints

    def _complain(self, key: str, expected: str) -> None:
        self.complaints.append(f"{self._where}{key}: {str(self._value.get(key))[:80]!r} is not {expected}")

    def inner(self, key: str) -> "Fields":
        """A nested object; absent and null read as empty."""
        value = self._value.get(key)
        found = as_object(value)
        if found is None and value is not None:
            self._complain(key, "an object")
        return Fields(found or EMPTY, self.complaints, f"{self._where}{key}.")

    def value(self, key: str) -> object:
        """Whatever stands there, unread."""
        return self._value.get(key)

    def entries(self, key: str) -> list[tuple[str, "Fields"]]:
        """The entries of a nested object whose values are objects."""
        inner = self.inner(key)
        return [(name, inner.inner(name)) for name in inner.names()]

    def names(self) -> list[str]:
        """The field names present."""
        return list(self._value)

    def text(self, key: str) -> str:
        """Text; absent and null read as empty."""
        value = self._value.get(key)
        if value is None or isinstance(value, str):
            return value or ""
        self._complain(key, "text")
        return ""

    def whole(self, key: str) -> int | None:
        """A whole number."""
        value = self._value.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        self._complain(key, "a whole number")
        return None

    def truth(self, key: str) -> bool | None:
        """True or false."""
        value = self._value.get(key)
        if value is None or isinstance(value, bool):
            return value
        self._complain(key, "true or false")
        return None

    def instant(self, key: str, *, unit: timedelta = timedelta(milliseconds=1)) -> datetime | None:
        """A UNIX time in `unit`; zero and null mean absent."""
        number = self.whole(key)
        if not number:
            return None
        try:
            return _EPOCH + number * unit
        except OverflowError:
            self._complain(key, "a point in time")
            return None

    def moment(self, key: str) -> datetime | None:
        """A point in time as text (ISO 8601, RFC 3339); one without an offset is UTC."""
        text = self.text(key)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            self._complain(key, "a point in time")
            return None

    def iccid(self, key: str) -> Iccid | None:
        """An ICCID with its check digit."""
        return self._identifier(key, read_iccid)

    def imsi(self, key: str) -> Imsi | None:
        """An IMSI."""
        return self._identifier(key, read_imsi)

    def imei(self, key: str) -> Imei | None:
        """An IMEI."""
        return self._identifier(key, read_imei)

    def msisdn(self, key: str) -> Msisdn | None:
        """An MSISDN."""
        return self._identifier(key, read_msisdn)

    def eid(self, key: str) -> Eid | None:
        """An EID."""
        return self._identifier(key, read_eid)

    def _identifier(self, key: str, read: Callable[[str], T]) -> T | None:
        text = self.text(key)
        if not text:
            return None
        try:
            return read(text)
        except MalformedIdentifier as error:
            self.complaints.append(f"{self._where}{key}: {error}")
            return None


def plmn_of_integers(mcc: int, mnc: int, lengths: Mapping[str, frozenset[int]]) -> Plmn | None:
    """The network of an MCC and an MNC that were reported as numbers and so lost their leading zeros.

    `lengths` maps an MCC to the MNC lengths that exist there. Three digits speak for themselves;
    otherwise one known length pads the number, and several leave the network unknown.
    """
    if not (1 <= mcc <= 999 and 0 <= mnc <= 999):  # noqa: PLR2004 - TS 23.003 §2.2
        return None
    country = f"{mcc:03}"
    if mnc > 99:  # noqa: PLR2004 - it has three digits as it stands
        return Plmn(mcc=country, mnc=str(mnc))
    known = lengths.get(country, frozenset())
    if len(known) != 1:
        return None
    return Plmn(mcc=country, mnc=f"{mnc:0{next(iter(known))}}")

"""What a cell may hold: each reader takes text and gives a value, or raises `BadCell` saying what was expected."""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from fairlead.model.device import RESERVED_NAMES
from fairlead.model.identifiers import MalformedIdentifier, Plmn, read_address, read_plmn
from fairlead.model.ids import reads_as_id
from fairlead.model.radio import RATS, read_rat

Reader = Callable[[str], Any]

NANO: Final = 9  # decimals of a nano-unit
_NANO_LIMIT: Final = 2**63
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TAG: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MAC: Final = re.compile(r"([0-9a-f]{2}[:-]?){5}[0-9a-f]{2}|([0-9a-f]{2}[:-]?){7}[0-9a-f]{2}", re.IGNORECASE)
_ROUNDED: Final = re.compile(r"\d+([.,]\d+)?E\+\d+", re.IGNORECASE)
_AMOUNT: Final = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")
_SIZE: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)")
_MAX_BYTES: Final = 10**15
SIZES: Final[Mapping[str, int]] = {
    "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_SIZES: Final = {name.lower(): size for name, size in SIZES.items()} | {"": 1}
_BAND: Final = re.compile(r"[A-Za-z0-9_.-]{1,16}")
_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MAX_TAGS: Final = 32


class BadCell(ValueError):
    """A cell that cannot be what its column says."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def identifier(read: Callable[[str], str]) -> Reader:
    """A reader of `model.identifiers`; names the spreadsheet where it rounded a long number."""

    def reader(text: str) -> str:
        try:
            return read(text)
        except MalformedIdentifier as error:
            if _ROUNDED.fullmatch(text):
                raise BadCell(f"{error.expected}; a spreadsheet rounded this one, format the column as text") from error
            raise BadCell(error.expected) from error

    return reader


def name(text: str) -> str:
    """A device's name."""
    if not _NAME.fullmatch(text):
        raise BadCell("1 to 64 letters, digits, dashes and underscores")
    return text


def new_name(text: str) -> str:
    """A name for a device: one that no address takes for something else."""
    if not stands_for_itself(name(text)):
        raise BadCell(f"another name: /v1/devices/{text} is the address of something else")
    return text


def stands_for_itself(text: str) -> bool:
    """Whether an address with this name in it can only mean the device."""
    return text not in RESERVED_NAMES and not reads_as_id(text)


def words(text: str) -> str:
    """Free text without control characters."""
    if len(text) > 128 or not text.isprintable():  # noqa: PLR2004 - a label, not a story
        raise BadCell("at most 128 printable characters")
    return text


def serial(text: str) -> str:
    """A serial number: what can be searched for."""
    if len(text) > 64 or not text.isascii() or not text.isprintable():  # noqa: PLR2004 - as in a topic
        raise BadCell("at most 64 printable ASCII characters")
    return text


def address(text: str) -> str:
    """An IP address."""
    found = read_address(text)
    if found is None:
        raise BadCell("an IPv4 or IPv6 address, such as 10.20.0.7 or 2001:db8::7")
    return found


def mac(text: str) -> str:
    """A MAC address (48 or 64 bits), as lower-case pairs with colons."""
    if not _MAC.fullmatch(text):
        raise BadCell("a MAC address such as 02:00:5e:10:00:00")
    digits = re.sub(r"[:-]", "", text).lower()
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def tags(text: str) -> str:
    """Tags separated by spaces, commas or bars; kept sorted, separated by spaces."""
    found = sorted(set(re.split(r"[\s,;|]+", text.strip())) - {""})
    if len(found) > _MAX_TAGS or not all(_TAG.fullmatch(tag) for tag in found):
        raise BadCell("at most 32 tags of letters, digits and _ . : -, separated by spaces")
    return " ".join(found)


def one_of(values: Collection[str]) -> Reader:
    """One of a closed set of words, in any case."""
    by_fold = {value.lower(): value for value in values}

    def reader(text: str) -> str:
        if text.lower() not in by_fold:
            raise BadCell(f"one of {', '.join(values)}")
        return by_fold[text.lower()]

    return reader


def coded(values: Mapping[str, int]) -> Reader:
    """One of a closed set of words, as its number."""
    word = one_of(list(values))
    return lambda text: values[word(text)]


def country(codes: Collection[str]) -> Reader:
    """An ISO 3166 country code."""

    def reader(text: str) -> str:
        if text.upper() not in codes:
            raise BadCell("a country code of ISO 3166 with two letters, such as BR")
        return text.upper()

    return reader


def currency(codes: Collection[str]) -> Reader:
    """An ISO 4217 currency code."""

    def reader(text: str) -> str:
        if text.upper() not in codes:
            raise BadCell("a currency code of ISO 4217, such as EUR")
        return text.upper()

    return reader


def plmn(lengths: Mapping[str, frozenset[int]]) -> Callable[[str], Plmn | None]:
    """A network; None where an integer MNC cannot be told apart."""

    def reader(text: str) -> Plmn | None:
        try:
            return read_plmn(text, lengths=lengths)
        except MalformedIdentifier as error:
            raise BadCell(error.expected) from error

    return reader


def boolean(text: str) -> bool:
    """Yes or no."""
    if text.lower() not in _WORDS:
        raise BadCell("true or false")
    return _WORDS[text.lower()]


def whole(lowest: int, highest: int) -> Reader:
    """A whole number within bounds."""

    def reader(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 18 or not lowest <= int(text) <= highest:  # noqa: PLR2004
            raise BadCell(f"a whole number from {lowest} to {highest}")
        return int(text)

    return reader


def instant(now: datetime) -> Reader:
    """An instant or a day (its first moment); without a zone it is UTC."""
    expected = "an instant such as 2026-03-01T08:30:00Z (UTC where no zone is given), from 2000 until now"

    def reader(text: str) -> datetime:
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadCell(expected) from error
        at = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if not _EARLIEST <= at <= now + _AHEAD:
            raise BadCell(expected)
        return at

    return reader


def day(text: str) -> date:
    """A calendar day."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadCell("a day such as 2026-03-01") from error


def money_nano(text: str) -> int:
    """An amount as whole nano-units, exact: more than nine decimals are refused, not rounded."""
    if not _AMOUNT.fullmatch(text):
        raise BadCell("an amount with a decimal point and at most 9 decimals, such as 0.0125")
    nano = int(Decimal(text).scaleb(NANO))
    if nano >= _NANO_LIMIT:
        raise BadCell("an amount below 9,223,372,036")
    return nano


def size_bytes(text: str) -> int:
    """Bytes, or a size with its unit; a part of a byte counts as one."""
    found = _SIZE.fullmatch(text)
    unit = _SIZES.get(found[2].lower()) if found else None
    if found is None or unit is None or (unit == 1 and "." in found[1]):
        raise BadCell(f"whole bytes, or a size with its unit such as 12.5 MB ({', '.join(SIZES)})")
    size = int((Decimal(found[1]) * unit).to_integral_value(ROUND_CEILING))
    if size > _MAX_BYTES:
        raise BadCell("at most 10^15 bytes")
    return size


def rats(text: str) -> str:
    """Radio technologies in any of their usual names, separated by commas, semicolons, bars, plus signs or spaces."""
    found: list[str] = []
    for part in re.split(r"[,;|+/]+", text) if re.search(r"[,;|+/]", text) else [text]:
        for name in [part] if read_rat(part) else part.split():
            rat = read_rat(name)
            if rat is None:
                raise BadCell(
                    f"radio technologies of {', '.join(RATS)}, separated by commas; found {name.strip()[:32]!r}"
                )
            found.append(rat.value)
    if not found:
        raise BadCell(f"at least one of {', '.join(RATS)}")
    return " ".join(rat for rat in RATS if rat in found)


def bands(text: str) -> str:
    """Bands such as B3, B20, n78, separated by spaces, commas or bars."""
    found = dict.fromkeys(part for part in re.split(r"[\s,;|]+", text) if part)
    if len(found) > _MAX_TAGS * 2 or not all(_BAND.fullmatch(band) for band in found):
        raise BadCell("at most 64 bands such as B20 or n78, separated by commas")
    return " ".join(found)

"""Quantities as people write them: `24h`, `500/h`, `64kbit`.

Read by the CEL parser (durations) and by the resource reader (durations, rates, bit rates, sizes). Each
reader answers None for text it does not understand, so that the caller can say where it stood.
"""

import re
from datetime import timedelta
from typing import Final

from fairlead.model.resources import Rate

_PART: Final = re.compile(r"(\d+)(?:\.(\d+))?(ns|us|µs|ms|s|m|h|d)")
_NANOS: Final = {
    "ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9,
    "h": 3_600 * 10**9, "d": 86_400 * 10**9,
}  # fmt: skip
_MAX_NANOS: Final = 315_576_000_000 * 10**9  # the range of a protobuf Duration, which CEL shares
_MAX_TEXT: Final = 64
_RATE: Final = re.compile(r"(\d{1,9})\s*/\s*(s|min|h|hour|d|day)")
_PER: Final = {
    "s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "hour": timedelta(hours=1),
    "d": timedelta(days=1), "day": timedelta(days=1),
}  # fmt: skip
_BITS: Final = re.compile(r"(\d{1,9})\s*(bit|kbit|mbit|gbit)(?:/s)?", re.IGNORECASE)
_SIZE: Final = re.compile(r"(\d{1,12})(?:\.(\d{1,3}))?\s*(B|KB|MB|GB|TB)?", re.IGNORECASE)
_SIZES: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_FACTOR: Final = {"bit": 1, "kbit": 1_000, "mbit": 1_000_000, "gbit": 1_000_000_000}


def read_duration(text: str, *, days: bool = True) -> timedelta | None:
    """Read `24h`, `1h30m`, `-90s` or `1.5h`, to the microsecond; `days` also allows `7d`, which CEL does not have."""
    bare = text.strip().removeprefix("-")
    if not bare or len(bare) > _MAX_TEXT:
        return None
    nanos, at = 0, 0
    while at < len(bare):
        part = _PART.match(bare, at)
        if part is None or (part[3] == "d" and not days):
            return None
        unit = _NANOS[part[3]]
        fraction = part[2] or ""
        scaled = int(part[1] + fraction) * unit
        if scaled % 10 ** len(fraction):
            return None
        nanos += scaled // 10 ** len(fraction)
        at = part.end()
    if nanos % 1_000 or nanos > _MAX_NANOS:
        return None
    length = timedelta(microseconds=nanos // 1_000)
    return -length if text.strip().startswith("-") else length


def read_rate(text: str) -> Rate | None:
    """Read `500/h` or `5000/day`: a whole count, at least one, per period."""
    found = _RATE.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        return None
    return Rate(count=int(found[1]), per=_PER[found[2]])


def read_size(text: str) -> int | None:
    """Read `50MB`, `1.5GB` or `1000` as bytes, decimal as carriers bill; at most 2^50, and a whole number."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    scaled = int(found[1] + (found[2] or "")) * _SIZES[(found[3] or "").upper()]
    size, odd = divmod(scaled, 10 ** len(found[2] or ""))
    return size if not odd and size <= 2**50 else None


def read_bit_rate(text: str) -> int | None:
    """Read `64kbit` or `2Mbit/s` as bits a second."""
    found = _BITS.fullmatch(text.strip())
    return int(found[1]) * _FACTOR[found[2].lower()] if found is not None and int(found[1]) > 0 else None

"""Amounts of data as people write them: 500MB, 1.5GB, 64KiB. Decimal units, as carriers bill; binary ones by name."""

import re
from decimal import Decimal
from typing import Final

from fairlead_cli.client import Exit, trouble

_FORM: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(b|kb|mb|gb|tb|kib|mib|gib|tib)?")
_UNITS: Final = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip


def size(text: str, option: str) -> int:
    """An amount in bytes; a bare number is bytes."""
    found = _FORM.fullmatch(text.strip().lower())
    amount = Decimal(found[1]) * _UNITS[found[2] or "b"] if found else Decimal(0)
    if found is None or amount != int(amount):
        raise trouble(
            Exit.USAGE, f"{option} cannot be read", f"{text!r}; expected an amount such as 500MB, 1.5GB or 64KiB"
        )
    return int(amount)

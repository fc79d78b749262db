"""Durations as people write them: 90s, 15m, 6h, 30d."""

import re
from typing import Final

from fairlead_cli.client import Exit, trouble

_FORM: Final = re.compile(r"(\d{1,9})\s*(s|m|h|d|w)?")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def seconds(text: str, option: str) -> int:
    """A duration in seconds; a bare number is seconds."""
    found = _FORM.fullmatch(text.strip().lower())
    if found is None:
        raise trouble(
            Exit.USAGE, f"{option} cannot be read", f"{text!r}; expected a duration such as 90s, 15m, 6h or 30d"
        )
    return int(found[1]) * _UNITS[found[2] or "s"]

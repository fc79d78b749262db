"""The family's identifiers: two letters that say what it is, and 32 hexadecimal digits. Pure."""

import re
from typing import Final

_SIM: Final = re.compile(r"(?:HS|DE)[0-9a-fA-F]{32}", re.ASCII)
_COMMAND: Final = re.compile(r"(?:HC|DC)[0-9a-fA-F]{32}", re.ASCII)


def is_sim(text: str) -> bool:
    """True for a SIM of either product."""
    return _SIM.fullmatch(text) is not None


def is_command(text: str) -> bool:
    """True for a message of either product."""
    return _COMMAND.fullmatch(text) is not None

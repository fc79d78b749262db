"""Letters of a short message whose GSM 7-bit code nobody disputes (TS 23.038 §6.2.1)."""

from typing import Final

PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !\"#%&'()*+,-./:;<=>?\r\n")
LONGEST_PLAIN: Final = 160


def is_plain(text: str) -> bool:
    """True for a text that goes into one message whole, whatever the carrier does with letters beyond these."""
    return 1 <= len(text) <= LONGEST_PLAIN and set(text) <= PLAIN

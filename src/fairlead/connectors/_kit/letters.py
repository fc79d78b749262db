"""Which encoding carries a short message whole (TS 23.040 §9.2.3, TS 23.038). Pure."""

from typing import Final, Literal

# Letters whose GSM 7-bit code nobody disputes (TS 23.038 §6.2.1); anything else goes as UCS-2.
_PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !\"#%&'()*+,-./:;<=>?\r\n")
_LONGEST_PLAIN, _LONGEST_UCS2 = 160, 70


def encoding_of(text: str) -> Literal[1, 2] | None:
    """The encoding that carries a text whole: 1 for GSM 7-bit, 2 for UCS-2; None where neither does."""
    if not text:
        return None
    if set(text) <= _PLAIN:
        return 1 if len(text) <= _LONGEST_PLAIN else None
    in_ucs2 = all(ord(letter) <= 0xFFFF for letter in text)  # noqa: PLR2004 - the last letter of UCS-2
    return 2 if in_ucs2 and len(text) <= _LONGEST_UCS2 else None

"""The field's identifiers as types: ICCID, IMSI, IMEI, EID, MSISDN, PLMN.

All are strings that keep their leading zeros. Check digits are checked once, here, when text
becomes a value; past the edge a value is known to be well formed. The check rules are those of
ITU-T E.118 (ICCID, Luhn), 3GPP TS 23.003 (IMSI, IMEI, PLMN) and GSMA SGP.29 (EID, ISO 7064
MOD 97-10).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import NewType

Iccid = NewType("Iccid", str)  # 19 or 20 digits, the check digit included
Imsi = NewType("Imsi", str)  # 6 to 15 digits
Imei = NewType("Imei", str)  # 15 digits, the check digit included
Eid = NewType("Eid", str)  # 32 digits
Msisdn = NewType("Msisdn", str)  # E.164 digits, no plus sign

_PLMN_UNKNOWN = "unknown"


class MalformedIdentifier(ValueError):
    """Text that is not the identifier it should be; says what was found and what was expected."""

    def __init__(self, kind: str, value: str, expected: str) -> None:
        super().__init__(f"{value!r} is not a valid {kind}: expected {expected}")
        self.kind = kind
        self.value = value
        self.expected = expected


def luhn_digit(digits: str) -> str:
    """The Luhn check digit that completes `digits` (ISO/IEC 7812-1 annex B)."""
    total = 0
    for position, letter in enumerate(reversed(digits)):
        value = int(letter)
        if position % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2  # noqa: PLR2004 - a two-digit double folds to its digit sum
        total += value
    return str(-total % 10)


def _digits(kind: str, text: str, expected: str) -> str:
    bare = text.strip().replace(" ", "").replace("-", "")
    if not (bare.isascii() and bare.isdigit()):
        raise MalformedIdentifier(kind, text, expected)
    return bare


def read_iccid(text: str, *, digits: int | None = None) -> Iccid:
    """Read an ICCID (E.118) of 18 to 20 digits, prefix 89.

    `digits` is the length that this carrier account's cards have, check digit included; where
    the text is one digit shorter the check digit is computed. Without it, 18 digits are completed
    to 19, and 19 or 20 digits must carry a valid check digit.
    """
    expected = f"{digits or '19 or 20'} digits starting with 89 and a valid Luhn check digit"
    bare = _digits("ICCID", text.strip().rstrip("Ff"), expected)
    if not bare.startswith("89") or len(bare) not in {18, 19, 20}:
        raise MalformedIdentifier("ICCID", text, expected)
    if len(bare) == (digits - 1 if digits else 18):
        return Iccid(bare + luhn_digit(bare))
    if (digits is not None and len(bare) != digits) or luhn_digit(bare[:-1]) != bare[-1]:
        raise MalformedIdentifier("ICCID", text, expected)
    return Iccid(bare)


def read_imsi(text: str) -> Imsi:
    """Read an IMSI (TS 23.003 §2.2): MCC, MNC and MSIN, at most 15 digits."""
    bare = _digits("IMSI", text, "6 to 15 digits")
    if not 6 <= len(bare) <= 15:  # noqa: PLR2004 - the bounds of TS 23.003
        raise MalformedIdentifier("IMSI", text, "6 to 15 digits")
    return Imsi(bare)


def read_imei(text: str) -> Imei:
    """Read an IMEI (TS 23.003 §6.2.1): 14 digits are completed, 16 digits are an IMEISV whose SV is dropped."""
    expected = "15 digits with a valid check digit (or 14 without it, or a 16-digit IMEISV)"
    bare = _digits("IMEI", text, expected)
    if len(bare) in {14, 16}:
        return Imei(bare[:14] + luhn_digit(bare[:14]))
    if len(bare) != 15 or luhn_digit(bare[:14]) != bare[14]:  # noqa: PLR2004 - TS 23.003
        raise MalformedIdentifier("IMEI", text, expected)
    return Imei(bare)


def read_eid(text: str) -> Eid:
    """Read an EID (SGP.29): 32 digits that leave 1 when divided by 97."""
    expected = "32 digits, starting with 89, with valid check digits (modulo 97 is 1)"
    bare = _digits("EID", text, expected)
    if len(bare) != 32 or not bare.startswith("89") or int(bare) % 97 != 1:  # noqa: PLR2004 - SGP.29
        raise MalformedIdentifier("EID", text, expected)
    return Eid(bare)


def read_msisdn(text: str) -> Msisdn:
    """Read an MSISDN (E.164): up to 15 digits, a leading plus sign dropped."""
    bare = _digits("MSISDN", text.strip().removeprefix("+"), "up to 15 digits")
    if not 5 <= len(bare) <= 15:  # noqa: PLR2004 - E.164
        raise MalformedIdentifier("MSISDN", text, "5 to 15 digits")
    return Msisdn(bare)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plmn:
    """A public land mobile network: MCC and MNC with the MNC's own length (TS 23.003 §12.1)."""

    mcc: str  # three digits
    mnc: str  # two or three digits; "01" and "001" are different networks

    def __str__(self) -> str:
        return f"{self.mcc}-{self.mnc}"


def read_plmn(text: str, *, lengths: Mapping[str, frozenset[int]] | None = None) -> Plmn | None:
    """Read `310-410`, `310410` or `26202`; None for a network that cannot be told apart.

    Five or six bare digits are unambiguous. `lengths` maps an MCC to the MNC lengths that the
    network table knows there, for sources that report the MNC as an integer (`262-2`): one known
    length pads it, several leave it unknown.
    """
    expected = "MCC-MNC, such as 262-02 or 310-410"
    mcc, dash, mnc = text.strip().partition("-")
    if not dash:
        mcc, mnc = mcc[:3], mcc[3:]
    if not (len(mcc) == 3 and mcc.isdigit() and mnc.isdigit() and 1 <= len(mnc) <= 3):  # noqa: PLR2004 - TS 23.003
        raise MalformedIdentifier("PLMN", text, expected)
    if len(mnc) >= 2:  # noqa: PLR2004 - a complete MNC
        return Plmn(mcc=mcc, mnc=mnc)
    known = (lengths or {}).get(mcc, frozenset())
    if len(known) != 1:
        return None
    return Plmn(mcc=mcc, mnc=mnc.zfill(next(iter(known))))


def read_address(text: str) -> str | None:
    """An IP address as it is written once and for all (RFC 5952 for IPv6); None where it is none.

    An IPv4 address inside an IPv6 one (RFC 4291 2.5.5.2) is the IPv4 address: a device has one address, however
    a carrier writes it.
    """
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)

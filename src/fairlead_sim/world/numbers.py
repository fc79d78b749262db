"""Makes identifiers whose check digits are right (ITU-T E.118, TS 23.003, SGP.29).

Written apart from the server's own reading of them, on purpose: a peer that shared that code would
agree with its mistakes.
"""

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def with_luhn(digits: str) -> str:
    """The digits completed by their Luhn digit (ISO/IEC 7812-1)."""
    backwards = [int(digit) for digit in reversed(digits)]
    total = sum(_DOUBLED[digit] for digit in backwards[0::2]) + sum(backwards[1::2])
    return f"{digits}{(10 - total % 10) % 10}"


def make_iccid(issuer: str, serial: int, digits: int = 19) -> str:
    """An ICCID of 19 or 20 digits: issuer (89, country code, issuer number), serial, check digit."""
    return with_luhn(issuer + f"{serial:0{digits - 1 - len(issuer)}}")


def make_imsi(mcc: str, mnc: str, serial: int) -> str:
    """A 15-digit IMSI."""
    return f"{mcc}{mnc}" + f"{serial:0{15 - len(mcc) - len(mnc)}}"


def make_imei(tac: str, serial: int) -> str:
    """A 15-digit IMEI from an eight-digit type allocation code."""
    return with_luhn(f"{tac}{serial:06}")


def make_eid(serial: int) -> str:
    """A 32-digit EID: issuer 89049032, serial, check digits so that the whole leaves 1 modulo 97."""
    body = f"89049032{serial:022}"
    return f"{body}{98 - int(body) * 100 % 97:02}"

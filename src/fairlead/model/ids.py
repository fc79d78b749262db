"""Typed ids of our own nouns, and how they print.

Every id is a UUID (version 7 where the engine mints it, so that new rows sit together in an
index). `NewType` keeps a `DeviceId` from standing where a `ChangeId` should, at no cost at run
time. At the doors ids carry a kind prefix and Crockford base32, `dev_06e…`, so that a person who
pastes one into the wrong place is told so.
"""

from typing import Final, Literal, NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
PrincipalId = NewType("PrincipalId", UUID)
TokenId = NewType("TokenId", UUID)
DeviceId = NewType("DeviceId", UUID)
CardId = NewType("CardId", UUID)
ProfileId = NewType("ProfileId", UUID)
SubscriptionId = NewType("SubscriptionId", UUID)
AccountId = NewType("AccountId", UUID)
PolicyId = NewType("PolicyId", UUID)
PlanId = NewType("PlanId", UUID)
ChangeId = NewType("ChangeId", UUID)
OperationId = NewType("OperationId", UUID)
JobId = NewType("JobId", UUID)
FindingId = NewType("FindingId", UUID)

Kind = Literal[
    "ten", "usr", "tok", "dev", "card", "prof", "sub", "bulk", "acct", "pol", "plan", "chg", "op", "job", "fnd",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = (
    "ten", "usr", "tok", "dev", "card", "prof", "sub", "bulk", "acct", "pol", "plan", "chg", "op", "job", "fnd",
)  # fmt: skip

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE: Final = {c: i for i, c in enumerate(_ALPHABET)} | {"i": 1, "l": 1, "o": 0}
_LENGTH: Final = 26  # 128 bits in groups of five


class MalformedId(ValueError):
    """A printed id that cannot be read: wrong kind, wrong length or a letter outside the alphabet."""


def show(kind: Kind, value: UUID) -> str:
    """Print an id: kind, underscore, 26 letters of Crockford base32."""
    number = value.int
    letters: list[str] = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 32)
        letters.append(_ALPHABET[digit])
    return f"{kind}_{''.join(reversed(letters))}"


def read(kind: Kind, text: str) -> UUID:
    """Read what `show` printed; raises `MalformedId` naming what was expected."""
    found, _, letters = text.partition("_")
    if found != kind or len(letters) != _LENGTH:
        expected = f"{kind}_ and {_LENGTH} letters"
        raise MalformedId(f"{text!r} is not an id of this kind: expected {expected}")
    number = 0
    for letter in letters.lower():
        if letter not in _VALUE:
            raise MalformedId(f"{text!r}: {letter!r} does not occur in an id")
        number = number * 32 + _VALUE[letter]
    if number >> 128:
        raise MalformedId(f"{text!r} is too large for an id")
    return UUID(int=number)


def kind_of(text: str) -> Kind | None:
    """The kind an id claims to be of, or None when it is none of ours."""
    prefix = text.partition("_")[0]
    return prefix if prefix in KINDS else None


def reads_as_id(text: str) -> bool:
    """Whether a door takes this text for a printed id, and not for a name."""
    claimed = kind_of(text)
    return claimed is not None and len(text) == len(claimed) + 1 + _LENGTH

"""Who is called: an account at a carrier and what opens it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fairlead.model.ids import AccountId, TenantId


class Secret:
    """A credential's secret part. Prints as stars; `reveal()` is called where it goes on the wire and nowhere else."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What opens an account: named secrets, as the manifest's `[auth] fields` lists them."""

    fields: Mapping[str, Secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierInstance:
    """One door to one carrier: (carrier, account, credential)."""

    tenant: TenantId
    carrier: str  # manifest id
    account: AccountId
    name: str  # for people and logs
    credential: Credential = field(repr=False)

"""What is told to whoever watches: that something moved, never what is true.

Services call `tell` after their transaction has committed. It never waits, never raises and never
fails anything: what is told is gathered and sent at most once a second a tenant and kind, and may be
lost. `engine.events` implements it; `Silence` is for services that nobody watches, as in tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from fairlead.model.ids import TenantId

Kind = Literal["journal", "change", "bulk", "finding", "device", "counts", "job"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One thing that moved."""

    id: str  # printed
    action: str
    owner: str = ""  # whose it is, where others may not see it


class Events(Protocol):
    """Takes word that something moved."""

    def tell(self, tenant: TenantId, kind: Kind, about: Sequence[About] = (), *, count: int | None = None) -> None:
        """Something of this kind moved; `count` is how many where `about` names only some."""
        ...


class Silence:
    """Nobody is told."""

    def tell(self, tenant: TenantId, kind: Kind, about: Sequence[About] = (), *, count: int | None = None) -> None:
        """Nothing happens."""

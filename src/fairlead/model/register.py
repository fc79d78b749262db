"""The carriers' register: what is known of an account, and what its contracts ask for when.

Pure values. None everywhere says that nobody asked; an empty list says that the answer was "none".
A day of a contract is a calendar day, judged against today in UTC.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

from fairlead.model.radio import Rat

CarrierKind = Literal["full_mvno", "reseller", "operator"]
CARRIER_KINDS: Final[tuple[CarrierKind, ...]] = get_args(CarrierKind)

ContractState = Literal["not_begun", "running", "notice_due", "notice_past", "ended", "no_end_known"]
NOTICE_WARNING: Final = timedelta(days=90)  # how long before its notice a contract is worth a look


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What else an account charges, beside the prices of its plans."""

    name: str  # activation, roaming surcharge, overage, profile swap, …
    amount: str  # exact decimal
    currency: str  # ISO 4217
    per: str  # SIM, MB, month, …


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One contract of an account."""

    number: str
    starts_on: date | None = None
    ends_on: date | None = None
    notice_days: int | None = None
    committed_sims: int | None = None
    commitment: str | None = None

    @property
    def notice_by(self) -> date | None:
        """The last day on which notice can be given."""
        if self.ends_on is None or self.notice_days is None:
            return None
        return self.ends_on - timedelta(days=self.notice_days)

    def days_left(self, today: date) -> int | None:
        """Until it ends; below zero: since it ended."""
        return None if self.ends_on is None else (self.ends_on - today).days

    def state(self, today: date) -> ContractState:
        """Where it stands today."""
        if self.ends_on is None:
            return "no_end_known"
        if self.ends_on < today:
            return "ended"
        if self.starts_on is not None and self.starts_on > today:
            return "not_begun"
        if self.notice_by is not None and self.notice_by < today:
            return "notice_past"
        if self.notice_by is not None and self.notice_by - today <= NOTICE_WARNING:
            return "notice_due"
        return "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """That an account lists a technology in a country, who says so, and since when."""

    country: str
    rat: Rat
    source: str
    as_of: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDiligence:
    """What is known of one carrier account. None: nobody asked."""

    kind: CarrierKind | None = None
    upstream: tuple[str, ...] | None = None  # upstream cores
    breakout: tuple[str, ...] | None = None  # countries
    local_imsis: tuple[str, ...] | None = None  # countries
    plans: tuple[str, ...] | None = None
    fees: tuple[Fee, ...] | None = None
    contacts: str | None = None
    notes: str | None = None
    source: str | None = None
    as_of: date | None = None
    contracts: tuple[Contract, ...] = ()

    def unanswered(self, *, covered: bool) -> tuple[str, ...]:
        """The questions of due diligence that nobody has answered yet."""
        answers = {
            "kind": self.kind, "upstream": self.upstream, "breakout": self.breakout, "local_imsis": self.local_imsis,
            "plans": self.plans, "fees": self.fees, "contacts": self.contacts or None,
            "contracts": self.contracts or None, "coverage": True if covered else None,
        }  # fmt: skip
        return tuple(name for name, answer in answers.items() if answer is None)

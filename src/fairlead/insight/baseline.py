"""The baseline: what is paid for and not used, done twice, not covered, silent, ending or soon illegal.

Pure: what was counted goes in, sections of figures and findings come out. Every figure says where
it comes from, as of when, and of how many it is not known; what is not known is never counted as
zero. Every finding names the filter that lists its members. It judges what is known and moves
nothing; two carriers in one country may be wanted, and the page says so.

`engine.baseline` asks for it; the parts of the page are in `baseline_sims` and `baseline_places`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal

from fairlead.model.radio import Rat, SkuRadio, Sunset
from fairlead.model.register import Contract

Part = Literal["places", "lines", "breaches"]  # what is counted by one statement each, and may run out of time
Unit = Literal["devices", "SIMs", "bytes", "countries", "contracts", "accounts"]

TOP: Final = 50  # findings of a section that are told; the rest is counted
MOST_GROUPS: Final = 50_000  # groups of devices or SIMs that are judged; the rest is counted as unknown
_NANO: Final = Decimal(10) ** -9


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Active devices that share where they are, on which account, with which SKU and plan."""

    country: str | None
    account: str | None
    sku: str | None
    plmn: str | None
    plan: str | None
    devices: int
    seen_at: datetime | None  # the newest sighting of one of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Active subscriptions of one account and plan, by what is known of their use."""

    account: str
    plan: str | None
    lines: int
    silent: int  # heard once, and not for so many days while the account's feed went on
    never_seen: int  # never in a feed that has told of the account for so long
    unknown: int  # nobody tells of their use, or not for long enough
    measured: int  # with known bytes of the last thirty days of the feed, on a plan with a known allowance
    included_bytes: int  # of the measured, their allowances together
    used_bytes: int  # of the measured
    unused_bytes: int  # of the measured, what each left of its own allowance
    fed_to: datetime | None  # how far the account's feed reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """What a plan costs today."""

    plan: str
    currency: str
    monthly_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What an account lists in a country."""

    account: str
    country: str
    rats: frozenset[Rat]
    source: str
    as_of: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountContract:
    """A contract and whose it is; the account's contract that ends last."""

    account: str
    contract: Contract
    active: int | None  # active SIMs of the account, as last counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaches:
    """Devices of one country by when their roaming clock breaches, each in one bucket."""

    country: str | None
    devices: int
    breached: int
    within_7: int
    within_30: int
    within_90: int
    unread: int  # of whose country nobody has read what the law says, or whose country is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All that the baseline judges."""

    now: datetime
    silent_days: int
    notice_days: int
    counted: frozenset[Part]  # what is missing here ran out of time
    places: Sequence[Place] = ()
    lines: Sequence[Lines] = ()
    breaches: Sequence[Breaches] = ()
    unjudged_devices: int = 0  # in groups beyond the largest `MOST_GROUPS`
    unjudged_lines: int = 0
    prices: Sequence[PlanTerms] = ()
    coverage: Sequence[Listed] = ()
    skus: Sequence[SkuRadio] = ()
    sunsets: Sequence[Sunset] = ()
    accounts: Sequence[str] = ()
    contracts: Sequence[AccountContract] = ()

    @property
    def today(self) -> date:
        """The day it is in UTC, as contracts count."""
        return self.now.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where the members of a finding are listed."""

    screen: str  # of the console
    asks: Mapping[str, str]  # its filter; the names are those of the API's parameters
    api: str  # path of the same list at the API
    exact: bool = True  # False: the filter is wider than the finding, which then says why


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number, never without where it comes from."""

    name: str
    value: int | None  # None: not counted
    unit: Unit
    unknown: int  # of how many of `of` it is not known
    of: int
    source: str
    as_of: datetime | None  # the oldest of what it was counted from; None: nothing was


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing worth a look, and who it is about."""

    code: str
    says: str
    members: int
    unit: Unit
    link: Link
    facts: Mapping[str, str | int | None] = field(default_factory=dict[str, "str | int | None"])
    monthly: Mapping[str, str] = field(default_factory=dict[str, str])  # fees a month by currency, exact
    unpriced: int = 0  # members whose fee is not known, and not in `monthly`


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One question of the baseline."""

    key: str
    title: str
    figures: tuple[Figure, ...]
    findings: tuple[Finding, ...]
    more: int  # findings beyond those told
    note: str


class Fees:
    """Adds up monthly fees by currency; what has no price is counted, never zero."""

    def __init__(self, prices: Sequence[PlanTerms]) -> None:
        self._prices = {price.plan: price for price in prices}
        self._sums: dict[str, int] = {}
        self.unpriced = 0

    def add(self, plan: str | None, count: int, *, part: int = 1, whole: int = 1) -> None:
        """`count` fees of a plan, or the given part of them."""
        price = self._prices.get(plan or "")
        if price is None:
            self.unpriced += count
        else:
            nano = price.monthly_nano * count * part // max(whole, 1)
            self._sums[price.currency] = self._sums.get(price.currency, 0) + nano

    @property
    def monthly(self) -> dict[str, str]:
        """Exact decimals by currency."""
        return {currency: amount(nano) for currency, nano in sorted(self._sums.items()) if nano}


def section(
    key: str, title: str, figures: Sequence[Figure], findings: Sequence[Finding], note: str,
    rank: Callable[[Finding], Any] = lambda found: -found.members,
) -> Section:  # fmt: skip
    """The largest findings first, and how many more there are."""
    ranked = sorted(findings, key=rank)
    return Section(
        key=key, title=title, figures=tuple(figures), findings=tuple(ranked[:TOP]), more=max(0, len(ranked) - TOP),
        note=note,
    )  # fmt: skip


def uncounted(key: str, title: str, unit: Unit, source: str) -> Section:
    """A section whose count ran out of time: nothing is known, and nothing is said."""
    figure = Figure(name=title.lower(), value=None, unit=unit, unknown=0, of=0, source=source, as_of=None)
    note = "Not counted: the question took longer than it may. Ask again when the server has less to do."
    return Section(key=key, title=title, figures=(figure,), findings=(), more=0, note=note)


def amount(nano: int) -> str:
    """Nano-units as an exact decimal."""
    text = format(nano * _NANO, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 SIM`, `1,204 SIMs`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"

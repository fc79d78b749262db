"""Outages: which carrier account, upstream core or profile family fails beyond what is usual for itself.

The engine counts, every five minutes, how many devices of each stratum are heard as they should be; what
comes out here is which strata are out, and which of them explains the failing. Pure: samples in, a new
standing out. Three decisions carry it:

- A stratum is held against *its own* past at the same hour, of any day and of the same day of the week, by
  medians: a fleet that sleeps at night, or at weekends, is not out each night. What was counted during an
  outage never becomes usual.
- It opens at one bound over some buckets and closes at a lower one over more (hysteresis). While it is out it
  is judged by its *witnesses* alone, the devices that did not go elsewhere: those on the backup network say
  nothing about whether the old one works.
- The narrowest stratum that explains everything is blamed: a core where all its accounts fail, else the
  account, else the family of profiles.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import sqrt
from statistics import median
from typing import Final, Literal

StratumKind = Literal["core", "account", "family"]

BUCKET: Final = timedelta(minutes=5)
REMEMBERED: Final = timedelta(days=22)  # three of each day of the week
LEARNED: Final = 12  # samples before anything is judged at all
OPENS_AFTER: Final = 2  # buckets in a row
CLOSES_AFTER: Final = 3
FEWEST: Final = 5  # devices: below that a stratum is not judged, nor so few failures more than usual
WITNESSES: Final = 3  # devices that must speak for a return
GROWN: Final = timedelta(days=15)  # what is younger has not seen every day of the week twice
EXCESS: Final = 0.10  # of the devices, beyond the usual rate: the least that opens …
EXCESS_YOUNG: Final = 0.35  # … while its weekly rhythm is not known
EXCESS_CLOSED: Final = 0.05
SIGMAS: Final = 6.0
SIGMAS_CLOSED: Final = 3.0
SPREADS: Final = 4.0  # of its own scatter, over and above chance
_WIDEST_FIRST: Final = ("core", "account", "family")
_MAD: Final = 1.4826  # median deviation to standard deviation, for a normal scatter
_MOST_UNLIKELY: Final = 0.002  # a rate of nothing at all is not known so exactly


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Stratum:
    """Devices that would fail together."""

    kind: StratumKind
    name: str  # an account's, a core's; a family is `account/first five digits of the IMSI`


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one bucket counted."""

    at: datetime  # when the bucket began
    expected: int  # devices that should be heard
    missing: int  # not heard on any network
    strayed: int  # heard on another network than theirs, and nobody sent them there

    @property
    def rate(self) -> float:
        """The share that is not where it should be."""
        return (self.missing + self.strayed) / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was counted before, without what was counted during an outage."""

    hour: Sequence[Sample]  # of the same hour of the day, as far back as `REMEMBERED`
    recent: Sequence[Sample]  # of the last day; looked at while the stratum is young
    since: datetime | None  # when it was first counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual for a stratum at an hour."""

    rate: float
    spread: float  # standard deviation of the rate, as far as chance does not explain it
    samples: int
    young: bool = False

    def bound(self, expected: int, *, closed: bool = False) -> float:
        """The rate above which so many devices are not usual any more; `closed`: below which they are again."""
        sigmas, least = (SIGMAS_CLOSED, EXCESS_CLOSED) if closed else (SIGMAS, EXCESS_YOUNG if self.young else EXCESS)
        rate = max(self.rate, _MOST_UNLIKELY)
        chance = sqrt(rate * (1 - rate) / expected) if expected else 0.0
        return self.rate + max(least, sigmas * chance, (SPREADS / 2 if closed else SPREADS) * self.spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a stratum stands between two buckets."""

    bad: int = 0  # buckets in a row beyond the opening bound
    good: int = 0  # buckets in a row below the closing bound, while it is out
    since: datetime | None = None  # of the first bad bucket, while it is suspected or out
    out: bool = False


def usual(past: Past, at: datetime) -> Usual | None:
    """What is usual at an instant; None: too little is known."""
    young = past.since is None or at - past.since < GROWN
    hour = [one for one in past.hour if one.expected >= FEWEST]
    week = [one for one in hour if one.at.weekday() == at.weekday()]
    groups = [group for group in (hour, week) if len(group) >= LEARNED]
    if young:
        groups.append([one for one in past.recent if one.expected >= FEWEST])
    found = [_of(group) for group in groups if len(group) >= LEARNED]
    if not found:
        return None
    highest = max(found, key=lambda one: one.rate)
    return replace(highest, spread=max(one.spread for one in found), young=young)


def _of(samples: Sequence[Sample]) -> Usual:
    rates = [one.rate for one in samples]
    middle = median(rates)
    scatter = _MAD * median(abs(rate - middle) for rate in rates)
    chance = sqrt(middle * (1 - middle) / median(one.expected for one in samples)) if 0 < middle < 1 else 0.0
    return Usual(rate=middle, spread=sqrt(max(0.0, scatter**2 - chance**2)), samples=len(samples))


def judged(standing: Standing, sample: Sample, known: Usual | None) -> Standing:
    """Where a stratum stands after one more bucket; what cannot be judged stays as it is."""
    if standing.out:
        return _returning(standing, sample, known)
    if known is None or sample.expected < FEWEST:
        return standing
    beyond = sample.missing + sample.strayed - known.rate * sample.expected
    if sample.rate <= known.bound(sample.expected) or beyond < FEWEST:
        return Standing()
    bad = standing.bad + 1
    return Standing(bad=bad, since=standing.since or sample.at, out=bad >= OPENS_AFTER)


def _returning(standing: Standing, sample: Sample, known: Usual | None) -> Standing:
    witnesses = sample.expected - sample.strayed
    if witnesses < WITNESSES:
        return standing  # all went elsewhere: nobody can say
    back = known.bound(witnesses, closed=True) if known is not None else EXCESS_CLOSED
    if sample.missing / witnesses > back:
        return replace(standing, good=0)
    good = standing.good + 1
    return Standing() if good >= CLOSES_AFTER else replace(standing, good=good)


def blamed(
    standings: Mapping[Stratum, Standing], below: Mapping[Stratum, Collection[Stratum]], judgeable: Collection[Stratum]
) -> frozenset[Stratum]:
    """The strata that explain what is out: a whole where all its parts fail, else the parts.

    `below`: the accounts of a core, the families of an account. `judgeable`: with devices enough. One part that
    is suspected counts as failing: it is a bucket late, not well.
    """
    found: set[Stratum] = set()
    covered: set[Stratum] = set()
    for one in sorted(standings, key=lambda one: (_WIDEST_FIRST.index(one.kind), one.name)):
        if not standings[one].out:
            continue
        parts = [part for part in below.get(one, ()) if part in judgeable]
        if one not in covered:
            if not _explains(one, [standings.get(part, Standing()) for part in parts]):
                continue
            found.add(one)
        for part in below.get(one, ()):
            covered |= {part, *below.get(part, ())}
    return frozenset(found)


def _explains(one: Stratum, parts: Sequence[Standing]) -> bool:
    """Whether a stratum that is out is to blame as a whole, rather than any of its parts."""
    ill = sum(part.out or part.bad > 0 for part in parts)
    if ill == 0:
        return True  # each of its parts fails too little by itself to be told
    return ill == len(parts) and not (one.kind == "core" and ill == 1)  # such a core is that account

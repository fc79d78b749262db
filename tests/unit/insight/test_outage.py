"""Outages: none in a month of normal noise; one that is there is found, blamed on what explains it, and ends."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import cos, pi
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.insight.outage import (
    BUCKET,
    CLOSES_AFTER,
    FEWEST,
    OPENS_AFTER,
    REMEMBERED,
    Past,
    Sample,
    Standing,
    Stratum,
    Usual,
    blamed,
    judged,
    usual,
)

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAY = 24 * 12  # buckets


def core(name: str) -> Stratum:
    return Stratum(kind="core", name=name)


def account(name: str) -> Stratum:
    return Stratum(kind="account", name=name)


def family(name: str) -> Stratum:
    return Stratum(kind="family", name=name)


# Two cores with two accounts each, of very different size and habits; one account has two families.
SIZES = {account("a"): 4000, account("b"): 60, account("c"): 400, account("d"): 12}
BELOW = {
    core("north"): [account("a"), account("b")],
    core("south"): [account("c"), account("d")],
    account("a"): [family("a/26201"), family("a/90143")],
}
WHOLE = {core("north"): ("a", "b"), core("south"): ("c", "d")}


@dataclass
class Month:
    """A fleet whose devices come and go: by the hour, by the day of the week, and by chance, in runs."""

    seed: int
    down: frozenset[str] = frozenset()  # accounts or families whose network is away
    lots: Random = field(init=False)
    gone: dict[Stratum, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lots = Random(self.seed)

    def habit(self, stratum: Stratum, at: datetime) -> float:
        """The share that is usually away: little, or a fleet of machines that rest at night and at weekends."""
        night = (1 + cos(2 * pi * (at.hour + at.minute / 60) / 24)) / 2
        if stratum.name == "c":
            return 0.05 + 0.35 * night + (0.10 if at.weekday() >= 5 else 0.0)
        return 0.015 + 0.02 * night

    def samples(self, at: datetime) -> dict[Stratum, Sample]:
        found: dict[Stratum, Sample] = {}
        for stratum, size in SIZES.items():
            # A device that is away stays away for an hour or so: what a bucket counts resembles the one before.
            wander = 0.92 * self.gone.get(stratum, 0.0) + self.lots.gauss(0, 0.3)
            self.gone[stratum] = wander
            rate = min(max(self.habit(stratum, at) * (1 + 0.15 * wander), 0.0), 1.0)
            parts = BELOW.get(stratum, [stratum])
            for part in parts:
                n = size // len(parts)
                away = n if {part.name, stratum.name} & self.down else self.binomial(n, rate)
                found[part] = Sample(at=at, expected=n, missing=away, strayed=0)
            if parts != [stratum]:
                found[stratum] = total(at, [found[part] for part in parts])
        for whole, names in WHOLE.items():
            found[whole] = total(at, [found[account(name)] for name in names])
        return found

    def binomial(self, n: int, p: float) -> int:
        if n > 200:
            return min(n, max(0, round(self.lots.gauss(n * p, (n * p * (1 - p)) ** 0.5))))
        return sum(self.lots.random() < p for _ in range(n))


def total(at: datetime, parts: list[Sample]) -> Sample:
    return Sample(at=at, expected=sum(p.expected for p in parts), missing=sum(p.missing for p in parts), strayed=0)


@dataclass
class Watch:
    """What the engine does with each bucket, without a database."""

    hours: dict[tuple[Stratum, int], list[Sample]] = field(default_factory=dict)
    recent: dict[Stratum, list[Sample]] = field(default_factory=dict)
    standings: dict[Stratum, Standing] = field(default_factory=dict)
    known: dict[Stratum, Usual | None] = field(default_factory=dict)
    found: frozenset[Stratum] = frozenset()

    def take(self, samples: dict[Stratum, Sample]) -> frozenset[Stratum]:
        for stratum, sample in samples.items():
            hour = self.hours.setdefault((stratum, sample.at.hour), [])
            recent = self.recent.setdefault(stratum, [])
            if sample.at.minute == 0 or self.known.get(stratum) is None:  # what is usual is one figure an hour
                del hour[: len(hour) - REMEMBERED.days * 12]
                del recent[: len(recent) - DAY]
                self.known[stratum] = usual(Past(hour=hour, recent=recent, since=START), sample.at)
            self.standings[stratum] = judged(self.standings.get(stratum, Standing()), sample, self.known[stratum])
            if not self.standings[stratum].out:
                hour.append(sample)
                recent.append(sample)
        able = {one for one, sample in samples.items() if sample.expected >= FEWEST}
        self.found = blamed(self.standings, BELOW, able)
        return self.found


@pytest.mark.parametrize("seed", [1, 2])
def test_a_month_of_normal_noise_gives_no_finding(seed: int) -> None:
    month, watch = Month(seed), Watch()
    for n in range(30 * DAY):
        at = START + n * BUCKET
        assert watch.take(month.samples(at)) == frozenset(), f"seed {seed} at {at}: {watch.found}"


@dataclass
class Scene:
    month: Month
    watch: Watch
    n: int

    def on(self, buckets: int) -> list[frozenset[Stratum]]:
        self.n += buckets
        return [self.watch.take(self.month.samples(START + n * BUCKET)) for n in range(self.n - buckets, self.n)]


@pytest.fixture(scope="module")
def scenes() -> dict[int, Scene]:
    """The same fleet after some days, at night and at noon."""
    scene = Scene(Month(7), Watch(), 0)
    found: dict[int, Scene] = {}
    for hour in (3, 14):
        assert not any(scene.on(16 * DAY + hour * 12 - scene.n))
        found[hour] = deepcopy(scene)
    return found


OUTAGES = [
    (frozenset({"a", "b"}), core("north")),
    (frozenset({"a"}), account("a")),
    (frozenset({"d"}), account("d")),
    (frozenset({"a/90143"}), family("a/90143")),
    (frozenset({"c", "d"}), core("south")),
]


@pytest.mark.parametrize(("down", "cause"), OUTAGES, ids=lambda one: getattr(one, "name", ""))
@pytest.mark.parametrize("hour", [3, 14])
def test_an_outage_is_found_blamed_on_what_explains_it_and_ends(
    down: frozenset[str], cause: Stratum, hour: int, scenes: dict[int, Scene]
) -> None:
    scene = deepcopy(scenes[hour])
    scene.month.down = down
    told = scene.on(36)
    found = next(n for n, one in enumerate(told) if one)
    assert found < OPENS_AFTER + 1
    assert set(told[found:]) == {frozenset({cause})}  # from the first word on, and without a flicker
    scene.month.down = frozenset()
    after = scene.on(36)
    ended = next(n for n, one in enumerate(after) if not one)
    assert CLOSES_AFTER - 1 <= ended <= 12  # a handful of devices takes up to an hour to be believed
    assert not any(after[ended:])


def steady(at: datetime, days: int, *, count: int = 24, rate: float = 0.02, n: int = 500) -> Past:
    one = Sample(at=at - timedelta(days=1), expected=n, missing=round(n * rate), strayed=0)
    return Past(hour=[one] * count, recent=[one] * count, since=at - timedelta(days=days))


def test_nothing_is_judged_before_something_is_known() -> None:
    assert usual(steady(START, 20, count=11), START) is None
    everyone = Sample(at=START, expected=500, missing=500, strayed=0)
    assert judged(Standing(), everyone, None) == Standing()


def test_what_is_young_needs_a_larger_excess() -> None:
    young, grown = usual(steady(START, 2), START), usual(steady(START, 20), START)
    assert young is not None
    assert grown is not None
    assert (young.young, grown.young) == (True, False)
    a_fifth = Sample(at=START, expected=500, missing=110, strayed=0)
    assert judged(Standing(), a_fifth, young) == Standing()
    assert judged(Standing(), a_fifth, grown).bad == 1


def test_those_who_went_elsewhere_open_an_outage_but_do_not_hold_it_open() -> None:
    known = Usual(rate=0.02, spread=0.0, samples=500)
    fled = Sample(at=START, expected=100, missing=0, strayed=80)
    standing = judged(judged(Standing(), fled, known), fled, known)
    assert standing.out
    for _ in range(CLOSES_AFTER):
        standing = judged(standing, fled, known)  # the twenty that stayed are heard
    assert not standing.out


def test_without_witnesses_nobody_says_that_it_is_over() -> None:
    known, out = Usual(rate=0.02, spread=0.0, samples=500), Standing(bad=2, since=START, out=True)
    assert judged(out, Sample(at=START, expected=100, missing=0, strayed=98), known) == out


def test_between_the_two_bounds_it_stays_as_it_is() -> None:
    known = Usual(rate=0.02, spread=0.0, samples=500)
    between = Sample(at=START, expected=1000, missing=80, strayed=0)
    assert judged(Standing(), between, known) == Standing()
    out = Standing(bad=2, since=START, out=True, good=CLOSES_AFTER - 1)
    assert judged(out, between, known) == Standing(bad=2, since=START, out=True, good=0)


def test_a_core_with_one_account_is_that_account() -> None:
    out = Standing(bad=2, since=START, out=True)
    standings = {core("x"): out, account("only"): out}
    assert blamed(standings, {core("x"): [account("only")]}, set(standings)) == {account("only")}


def test_parts_that_each_fail_too_little_are_told_as_the_whole() -> None:
    out = Standing(bad=2, since=START, out=True)
    standings = {core("north"): out, account("a"): Standing(), account("b"): Standing()}
    assert blamed(standings, BELOW, set(standings)) == {core("north")}
    late = {**standings, account("a"): Standing(bad=1, since=START)}  # in a moment it is that account, or both
    assert blamed(late, BELOW, set(standings)) == frozenset()


NAMES = [core("north"), core("south"), *SIZES, family("a/26201"), family("a/90143")]
STANDINGS = st.sampled_from(
    [
        Standing(),
        Standing(bad=1, since=START),
        Standing(bad=2, since=START, out=True),
        Standing(bad=2, out=True, good=2),
    ]
)


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, STANDINGS)), st.sets(st.sampled_from(NAMES)))
def test_blame_is_of_what_is_out_once_and_misses_nothing(standings: dict[Stratum, Standing], few: set[Stratum]) -> None:
    found = blamed(standings, BELOW, set(NAMES) - few)
    below = {one: set(BELOW.get(one, ())) for one in NAMES}
    for one in found:
        assert standings[one].out
        everything_below = below[one] | {deeper for part in below[one] for deeper in below[part]}
        assert not found & everything_below
    if not any(one.bad == 1 for one in standings.values()):  # nobody is a bucket late
        out = {one for one in NAMES if standings[one].out}
        assert bool(found) == bool(out)


def test_a_large_account_does_not_take_its_healthy_neighbour_along() -> None:
    out = Standing(bad=2, since=START, out=True)
    standings = {core("north"): out, account("a"): out, account("b"): Standing()}
    assert blamed(standings, BELOW, set(standings)) == {account("a")}

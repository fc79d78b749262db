"""Home: six questions about the whole fleet, answered from what is counted.

A pure reading: `engine.home` brings the figures, this says what they mean. Each answer has a state
that a person can trust at a glance, a number, a sentence, and where to look further. What is not
known is `unknown` and never 0: a cost without a price, a fleet that was not counted yet, a country
nobody has read the law of. What is not built says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

State = Literal["ok", "warn", "bad", "unknown", "not_built"]

# Where to look further: a screen of the console, and a query that both it and the list behind it read.
LOOK: Final[Mapping[str, tuple[str, str]]] = {
    "fleet": ("fleet", ""),
    "changes": ("changes", ""),
    "changes on their way": ("changes", "open=true"),
    "carriers": ("connectivity", "tab=carriers"),
    "critical findings": ("findings", "state=open&severity=critical"),
    "countries": ("countries", ""),
    "countries where a clock runs out": ("countries", "within_days=30"),
    "subscriptions": ("connectivity", ""),
}

MANY: Final = 10_000  # what is counted by looking is counted so far; beyond it is "more than"
REACHED_WELL: Final = 0.9  # of the devices of which anything is known
REACHED_AT_ALL: Final = 0.5
_NANO: Final = Decimal(10) ** -9
_TOP: Final = 10
BUCKETS: Final = ("breached", "within_7", "within_30", "within_90")
UNREAD: Final = ("unknown", "")  # stances under which nobody can say what is legal
REACHED: Final = ("online", "attached")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPrice:
    """What a plan costs today."""

    plan: str
    currency: str
    monthly_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is counted of a tenant."""

    counted_at: datetime | None  # the fleet by dimension; None: never yet
    devices: int
    connectivity: Mapping[str, int]
    stances: Mapping[str, int]
    glanced_at: datetime | None  # what needs a scan; None: never yet
    out_of_sync: int  # devices with a facet that nothing under way will bring in sync
    breaches: Mapping[tuple[str, str], int]  # (bucket, country)
    imei_breaches: Mapping[str, int]  # by bucket, of clocks that bind the IMEI
    plans: Mapping[str, int]  # active subscriptions by plan; "": no plan known
    stuck: int  # moves, at most `MANY` + 1
    unknown: int  # operations, likewise
    accounts: int
    failing: int
    changes: Mapping[str, int]  # by state, ended ones left out
    moving: int  # devices in stages that are open
    prices: Sequence[PlanPrice]
    critical: int = 0  # findings nobody has acknowledged, at most `MANY` + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What every answer has."""

    state: State
    value: int | str | None  # the headline; money as an exact decimal
    unit: str
    sentence: str
    as_of: datetime | None  # None: asked just now, or not at all
    screen: str
    query: str = ""
    needs: str | None = None  # what the caller would need to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Online:
    """Who is online?"""

    answer: Answer
    by: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What is broken?"""

    answer: Answer
    devices_out_of_sync: int | None = None
    moves_stuck: int | None = None
    operations_unknown: int | None = None
    carriers_failing: int | None = None
    findings_critical: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryRisk:
    """Breaches of one country, each device in one bucket."""

    country: str | None
    breached: int
    within_7: int
    within_30: int
    within_90: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IllegalSoon:
    """What becomes illegal soon?"""

    answer: Answer
    breached: int | None = None
    within_7: int | None = None
    within_30: int | None = None
    within_90: int | None = None
    imei_within_90: int | None = None  # of the clocks that bind the IMEI, those breached included
    stance_unknown: int | None = None
    countries: tuple[CountryRisk, ...] = ()  # the most urgent ten


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """What is changing?"""

    answer: Answer
    by_state: Mapping[str, int] = field(default_factory=dict[str, int])
    devices_in_open_stages: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyCost:
    """Monthly fees in one currency."""

    currency: str
    amount: str  # exact decimal
    subscriptions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What does it cost?"""

    answer: Answer
    monthly: tuple[MonthlyCost, ...] = ()
    subscriptions: int | None = None
    priced: int | None = None
    coverage: float | None = None  # priced of all; None where there are none
    unpriced: Mapping[str, int] = field(default_factory=dict[str, int])  # the ten largest plans without a price


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyToScale:
    """Are we ready to scale?"""

    answer: Answer


def online(f: Figures) -> Online:
    """From the last count, by what carriers and sessions say."""
    by = {name or "unknown": n for name, n in f.connectivity.items()}
    if "" in f.connectivity and "unknown" in f.connectivity:
        by["unknown"] = f.connectivity[""] + f.connectivity["unknown"]
    reached = sum(by.get(name, 0) for name in REACHED)
    known = f.devices - by.get("unknown", 0)
    state: State = "ok"
    if f.counted_at is None or not known:
        state = "unknown"
    elif known < f.devices * REACHED_AT_ALL:
        state = "unknown"  # more is not known than known
    elif reached < known * REACHED_AT_ALL:
        state = "bad"
    elif reached < known * REACHED_WELL or by.get("blocked"):
        state = "warn"
    sentence = f"{reached:,} of {_devices(f.devices)} are online or attached."
    if f.counted_at is None:
        sentence = "The fleet was not counted yet."
    elif not f.devices:
        sentence = "There are no devices yet."
    elif unknown := by.get("unknown", 0):
        sentence += f" Of {unknown:,} nothing is known."
    value = reached if f.counted_at is not None else None
    return Online(answer=_answer(state, value, "devices", sentence, f.counted_at, "fleet"), by=by)


def broken(f: Figures, *, carriers: bool, findings: bool = True) -> Broken:
    """What does not come right by itself; `carriers`, `findings`: whether the caller may know of them."""
    failing = f.failing if carriers else None
    critical = f.critical if findings else None
    parts = [
        (critical or 0, "critical finding is open", "critical findings are open"),
        (f.out_of_sync if f.glanced_at is not None else 0, "device is out of sync", "devices are out of sync"),
        (f.stuck, "move is stuck", "moves are stuck"),
        (f.unknown, "operation has an unknown outcome", "operations have an unknown outcome"),
        (failing or 0, "carrier account is failing", "carrier accounts are failing"),
    ]
    said = [f"{_many(n)} {one if n == 1 else more}" for n, one, more in parts if n]
    total = sum(n for n, _, _ in parts)
    state: State = "ok"
    if f.stuck or failing or critical:
        state = "bad"
    elif total:
        state = "warn"
    elif f.glanced_at is None:
        state = "unknown"
    sentence = "; ".join(said).capitalize() + "." if said else "Nothing that we know of."
    if f.glanced_at is None:
        sentence += " Devices were not compared with what they should be yet."
    look = "carriers" if failing else "changes" if f.stuck or f.unknown else "fleet"
    if critical:
        look = "critical findings"  # it says what the others are about
    value = total if total or f.glanced_at else None
    return Broken(
        answer=_answer(state, value, "things", sentence, f.glanced_at, look),
        devices_out_of_sync=f.out_of_sync if f.glanced_at is not None else None, moves_stuck=f.stuck,
        operations_unknown=f.unknown, carriers_failing=failing, findings_critical=critical,
    )  # fmt: skip


def illegal_soon(f: Figures) -> IllegalSoon:
    """From each device's breach instant, if it stays where it is. Not legal advice."""
    unknown = sum(f.stances.get(name, 0) for name in UNREAD)
    if f.glanced_at is None or f.counted_at is None:
        answer = _answer("unknown", None, "devices", "The clocks were not counted yet.", None, "countries")
        return IllegalSoon(answer=answer)
    total = {bucket: sum(n for (b, _), n in f.breaches.items() if b == bucket) for bucket in BUCKETS}
    soon = total["breached"] + total["within_7"] + total["within_30"]
    imei = sum(f.imei_breaches.get(bucket, 0) for bucket in BUCKETS)
    state: State = "ok"
    if total["breached"] or total["within_7"] or f.imei_breaches.get("breached"):
        state = "bad"
    elif soon or unknown or f.imei_breaches:
        state = "warn"
    sentence = (
        f"{_devices(total['breached'])} past the limit, {total['within_7']:,} more within 7 days, "
        f"{total['within_30']:,} within 30, {total['within_90']:,} within 90."
    )
    if unknown:
        sentence += f" For {_devices(unknown)} nobody has read what the law says."
    found: dict[str, dict[str, int]] = {}
    for (bucket, country), n in f.breaches.items():
        found.setdefault(country, dict.fromkeys(BUCKETS, 0))[bucket] += n
    ranked = sorted(found.items(), key=lambda one: ([-one[1][bucket] for bucket in BUCKETS], one[0]))
    as_of = min(f.glanced_at, f.counted_at)
    return IllegalSoon(
        answer=_answer(state, soon, "devices", sentence, as_of, "countries where a clock runs out"),
        breached=total["breached"], within_7=total["within_7"], within_30=total["within_30"],
        within_90=total["within_90"], imei_within_90=imei, stance_unknown=unknown,
        countries=tuple(
            CountryRisk(
                country=country or None, breached=by["breached"], within_7=by["within_7"],
                within_30=by["within_30"], within_90=by["within_90"],
            )
            for country, by in ranked[:_TOP]
        ),
    )  # fmt: skip


def changing(f: Figures) -> Changing:
    """Changes on their way; those that stand move nobody until somebody enters."""
    on_the_way = sum(n for state, n in f.changes.items() if state != "standing")
    paused, planned = f.changes.get("paused", 0), f.changes.get("planned", 0)
    sentence = "Nothing is on its way."
    if on_the_way:
        sentence = f"{on_the_way:,} {'Change is' if on_the_way == 1 else 'Changes are'} on the way"
        sentence += f", {_devices(f.moving)} in open stages." if f.moving else "."
    if paused:
        sentence += f" {paused:,} paused."
    if planned:
        sentence += f" {planned:,} waiting for approval."
    if standing := f.changes.get("standing", 0):
        sentence += f" {standing:,} standing."
    state: State = "warn" if paused or planned else "ok"
    answer = _answer(state, on_the_way, "changes", sentence, None, "changes on their way")
    return Changing(answer=answer, by_state=dict(f.changes), devices_in_open_stages=f.moving)


def cost(f: Figures) -> Cost:
    """Monthly fees of active subscriptions, without usage; a plan without a price is unknown, never 0."""
    if f.glanced_at is None:
        answer = _answer("unknown", None, "", "Subscriptions were not counted yet.", None, "subscriptions")
        return Cost(answer=answer)
    prices = {price.plan: price for price in f.prices}
    sums: dict[str, tuple[int, int]] = {}
    unpriced: dict[str, int] = {}
    for plan, n in f.plans.items():
        price = prices.get(plan)
        if price is None:
            unpriced[plan] = n
            continue
        nano, count = sums.get(price.currency, (0, 0))
        sums[price.currency] = (nano + n * price.monthly_nano, count + n)
    monthly = tuple(
        MonthlyCost(currency=currency, amount=_amount(nano), subscriptions=n)
        for currency, (nano, n) in sorted(sums.items(), key=lambda one: -one[1][1])
    )
    total, priced = sum(f.plans.values()), sum(n for _, n in sums.values())
    state: State = "ok" if total and priced == total else "warn" if priced else "unknown"
    sentence = "There are no active subscriptions."
    if total:
        sentence = f"Monthly fees of {priced:,} of {total:,} active subscriptions, without usage."
        if priced < total:
            sentence += f" {total - priced:,} have no price: their cost is unknown."
    largest = dict(sorted(unpriced.items(), key=lambda one: (-one[1], one[0]))[:_TOP])
    single = monthly[0] if len(monthly) == 1 else None
    return Cost(
        answer=_answer(
            state, single.amount if single else None, single.currency if single else "", sentence, f.glanced_at,
            "subscriptions",
        ),
        monthly=monthly, subscriptions=total, priced=priced, coverage=priced / total if total else None,
        unpriced=largest,
    )  # fmt: skip


def ready_to_scale() -> ReadyToScale:
    """Nothing answers this yet; what bears on it is where the link leads, and in the documentation."""
    sentence = (
        "Not built yet: nothing here judges it, and no rehearsal is kept. What can be looked at today is said in"
        " docs/home.md: calls left at each carrier, rules that nobody has read, and how Changes went."
    )
    return ReadyToScale(answer=_answer("not_built", None, "", sentence, None, "carriers"))


def withheld(needs: str, look: str) -> Answer:
    """What a caller without the right is told."""
    screen, query = LOOK[look]
    return Answer(
        state="unknown", value=None, unit="", sentence=f"To see this you need {needs}.", as_of=None, screen=screen,
        query=query, needs=needs,
    )  # fmt: skip


def _answer(
    state: State,
    value: int | str | None,
    unit: str,
    sentence: str,
    as_of: datetime | None,
    look: str,
) -> Answer:
    screen, query = LOOK[look]
    return Answer(state=state, value=value, unit=unit, sentence=sentence, as_of=as_of, screen=screen, query=query)


def _devices(n: int) -> str:
    return f"{n:,} device{'' if n == 1 else 's'}"


def _many(n: int) -> str:
    return f"more than {MANY:,}" if n > MANY else f"{n:,}"


def _amount(nano: int) -> str:
    text = format(nano * _NANO, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

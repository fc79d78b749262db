"""Northwind Trackers on paper: where its devices are, since when, on which SIMs; and what it imports.

Openly invented, from one seed. The story reads the paper twice: it fills the simulated world with
it, and it writes the CSV files from it that a company would export from its own systems. What the
paper knows beyond that (which day a stay becomes too long) is worked out here by hand, from the
laws' own words, so that the server's forecast has something to be held against.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from fairlead_sim.devices.device import Card, DeviceSpec
from fairlead_sim.world.atlas import COUNTRIES
from fairlead_sim.world.numbers import make_eid, make_imei
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim, SimState

TENANT: Final = "acme"
OWNER: Final = "Nora North"
OWNER_EMAIL: Final = "nora@northwind.example"
LAB_PASSWORD: Final = "northwind-in-the-lab"  # noqa: S105 - openly: a fictional owner on the loopback interface
GLOBAL: Final = "global-roam"
GLOBAL_APN: Final = "iot.roam.example"
FACTORY: Final = "factory"  # the group of devices that were never activated
_GLOBAL_HOME: Final = "901-96"  # an international network code that nobody holds
_FIRST_CONFIG: Final = {"dns": ["10.0.0.53"], "timezone": "UTC", "report_interval_s": 3600}
_ROW_HOUR: Final = time(9, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """How long devices may stay somewhere: days until the breach, counted in a zone; 0 where none is allowed."""

    days: int
    zone: str


# By hand, from the rules' words: at 91 days in 120; after 120; after 90; after 180; not at all.
STAYS: Final[Mapping[str, Stay]] = {
    "TR": Stay(days=90, zone="Europe/Istanbul"),
    "SA": Stay(days=120, zone="Asia/Riyadh"),
    "QA": Stay(days=90, zone="Asia/Qatar"),
    "IN": Stay(days=180, zone="Asia/Kolkata"),
    "BR": Stay(days=0, zone="America/Sao_Paulo"),
    "CN": Stay(days=0, zone="Asia/Shanghai"),
}
POLICIES: Final[Mapping[str, str]] = {
    "BR": "brazil", "TR": "turkey", "SA": "saudi-arabia", "IN": "india", "QA": "qatar", "CN": "china",
}  # fmt: skip
WATCHED: Final = ("TR", "SA", "QA")  # where some devices stay without a policy, to see the forecast come true
_WEIGHTS: Final[Mapping[str, int]] = {
    "BR": 160, "TR": 160, "SA": 140, "IN": 120, "QA": 100, "CN": 120,
    "DE": 240, "FR": 180, "GB": 160, "ES": 140, "NL": 120, "PL": 120, "US": 160, "JP": 80,
}  # fmt: skip
_CURRENCIES: Final[Mapping[str, tuple[str, str]]] = {  # currency and monthly price of a local plan; CN has none yet
    "BR": ("BRL", "6.90"), "TR": ("TRY", "19.00"), "SA": ("SAR", "7.50"), "IN": ("INR", "85.00"),
    "QA": ("QAR", "9.00"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large the company is, and how its story is laid out."""

    devices: int = 2_000
    countries: tuple[str, ...] = tuple(_WEIGHTS)
    watched: int = 8  # devices without a policy in each watched country
    travellers: int = 12  # devices made for one country that wait in another
    travel: tuple[str, str] = ("DE", "BR")
    fresh: int = 20  # devices that leave the factory in the course of the story, where the travellers start
    days_ahead: int = 14  # house days between the forecast and the plan
    seed: int = 7

    @property
    def restricted(self) -> tuple[str, ...]:
        """Countries with a policy."""
        return tuple(code for code in self.countries if code in POLICIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One device."""

    name: str
    serial: str
    imei: str
    eid: str
    sku: str
    group: str
    country: str  # where it is
    made_for: str  # whose SIM is in slot 2
    since: datetime  # in the country
    roaming: Sim
    local: Sim

    @property
    def spec_cards(self) -> tuple[Card, Card]:
        """Its two cards as the factory told it."""
        return (
            Card(slot=1, iccid=self.roaming.iccid, carrier=GLOBAL, apn=GLOBAL_APN),
            Card(slot=2, iccid=self.local.iccid, carrier=account(self.made_for), apn=apn(self.made_for)),
        )

    @property
    def breach_at(self) -> datetime | None:
        """When its stay becomes too long, by hand; None where no day counts."""
        stay = STAYS.get(self.country)
        if stay is None or not stay.days:
            return None
        zone = ZoneInfo(stay.zone)
        day = self.since.astimezone(zone).date() + timedelta(days=stay.days)
        return datetime.combine(day, time(0), zone).astimezone(UTC)


@dataclass(slots=True, kw_only=True)
class Company:
    """The whole company, and the world it lives in."""

    shape: Shape
    world: World
    now: datetime  # when the paper was written
    units: dict[str, Unit] = field(default_factory=dict[str, Unit])

    def specs(self, secrets: Mapping[str, str]) -> list[DeviceSpec]:
        """The devices, with the secrets they sign in with."""
        return [
            DeviceSpec(name=unit.name, secret=secrets[unit.name], cards=unit.spec_cards, config=dict(_FIRST_CONFIG))
            for unit in self.units.values()
        ]

    def of(self, *, group: str | None = None, country: str | None = None) -> list[Unit]:
        """Units by group and by the country of the paper."""
        return [unit for unit in self.units.values() if group in {None, unit.group} and country in {None, unit.country}]


def account(country: str) -> str:
    """The carrier account of a country's SIMs."""
    return f"local-{country.lower()}"


def apn(country: str) -> str:
    """The APN of a country's SIMs."""
    return f"iot.{account(country)}.example"


def found(shape: Shape, world: World) -> Company:
    """Found the company: carriers, SIMs and devices, in the world and on paper."""
    lots = Random(shape.seed)
    company = Company(shape=shape, world=world, now=world.clock())
    world.add_carrier(
        GLOBAL, name="Northwind Global Roam", home=_GLOBAL_HOME, apns=frozenset({GLOBAL_APN}), roams_in="everywhere"
    )
    for code in shape.countries:
        name = f"{code} local SIM"
        world.add_carrier(account(code), name=name, home=COUNTRIES[code].networks[0].plmn, apns=frozenset({apn(code)}))
    plan = _places(shape, lots)
    fresh = sum(group == FACTORY for _, _, group in plan)
    roaming = iter(_issue(world, GLOBAL, len(plan) - fresh, "ready"))
    asleep = iter(_issue(world, GLOBAL, fresh, "standby"))
    local = {
        code: iter(_issue(world, account(code), sum(made_for == code for _, made_for, _ in plan), "standby"))
        for code in shape.countries
    }
    for number, (country, made_for, group) in enumerate(plan, start=1):
        first = next(asleep if group == FACTORY else roaming)
        unit = _unit(company, lots, number, country, made_for, group, first, next(local[made_for]))
        company.units[unit.name] = unit
        world.add_device(unit.name, country=unit.country, slots=[unit.roaming.iccid, unit.local.iccid], imei=unit.imei)
    return company


def _issue(world: World, carrier: str, count: int, state: SimState) -> list[Sim]:
    plan = "roam-eur" if carrier == GLOBAL else carrier
    return world.issue(carrier, count, plan=plan, state=state)


def _places(shape: Shape, lots: Random) -> list[tuple[str, str, str]]:
    """(country, made for, group) of each device."""
    total = sum(_WEIGHTS[code] for code in shape.countries)
    counts = {code: shape.devices * _WEIGHTS[code] // total for code in shape.countries}
    counts[shape.countries[-1]] += shape.devices - sum(counts.values())
    start, goal = shape.travel
    plan: list[tuple[str, str, str]] = []
    for code, count in counts.items():
        watched = min(shape.watched, count) if code in WATCHED else 0
        travellers = min(shape.travellers, count) if code == start else 0
        plan += [(code, code, "parked")] * watched
        plan += [(code, goal, "in-transit")] * travellers
        fresh = min(shape.fresh, (count - travellers) // 4) if code == start else 0
        plan += [(code, code, FACTORY)] * fresh
        rest = count - watched - travellers - fresh
        plan += [(code, code, lots.choice(("trackers", "trackers", "meters"))) for _ in range(rest)]
    lots.shuffle(plan)
    return plan


def _unit(
    company: Company, lots: Random, number: int, country: str, made_for: str, group: str, roaming: Sim, local: Sim
) -> Unit:
    meter = group == "meters"
    return Unit(
        name=f"{'mtr' if meter else 'trk'}-{number:05d}",
        serial=f"NW{number:07d}",
        imei=make_imei("35209900", number),
        eid=make_eid(number),
        sku="meter-nb" if meter else "tracker-4g",
        group=group,
        country=country,
        made_for=made_for,
        since=_since(company, lots, country, group),
        roaming=roaming,
        local=local,
    )


def _since(company: Company, lots: Random, country: str, group: str) -> datetime:
    """When it came: the watched ones so that their breach lies within the days to come, most others a little later."""
    stay, ahead = STAYS.get(country), company.shape.days_ahead
    at = datetime.combine(company.now.date(), _ROW_HOUR, UTC)
    if stay is None or not stay.days:
        return at - timedelta(days=lots.randint(5, 150))
    if group == "parked":
        left = lots.randint(2, ahead - 2)
    elif lots.random() < 0.8:  # noqa: PLR2004 - eight in ten are due within a month of the plan
        left = lots.randint(ahead + 3, ahead + 28)
    else:
        left = lots.randint(ahead + 31, ahead + 60)
    return at - timedelta(days=stay.days - left)


# --- what the company imports ------------------------------------------------------------------


def devices_csv(company: Company) -> str:
    """Its devices."""
    header = ("name", "serial", "imei", "eid", "sku", "region", "group", "batch", "home_country", "state")
    rows = (
        (u.name, u.serial, u.imei, u.eid, u.sku, _region(u.made_for), u.group, "2026-A", "", _state(u))
        for u in company.units.values()
    )
    return _csv(header, rows)


def _state(unit: Unit) -> str:
    return "manufactured" if unit.group == FACTORY else "active"


def sims_csv(company: Company) -> str:
    """Its SIMs, two a device."""
    header = (
        "iccid",
        "imsi",
        "msisdn",
        "device",
        "account",
        "plan",
        "state",
        "slot",
        "form_factor",
        "technology",
        "eid",
        "apn",
    )
    rows: list[Sequence[object]] = []
    for u in company.units.values():
        for slot, sim, name, access, kind, eid in (
            (1, u.roaming, GLOBAL, GLOBAL_APN, "euicc", u.eid),
            (2, u.local, account(u.made_for), apn(u.made_for), "uicc", ""),
        ):
            rows.append(
                (sim.iccid, sim.imsi, sim.msisdn, u.name, name, sim.plan, sim.state, slot, "MFF2", kind, eid, access)
            )
    return _csv(header, rows)


def presence_csv(company: Company) -> str:
    """Where its devices have been, from the roaming carrier's records: months of them."""
    header = ("device", "iccid", "country", "plmn", "first", "last")
    last = company.now - timedelta(hours=1)
    rows = (
        (
            u.name,
            u.roaming.iccid,
            u.country,
            COUNTRIES[u.country].networks[0].plmn,
            u.since.isoformat(),
            last.isoformat(),
        )
        for u in company.units.values()
        if u.group != FACTORY
    )
    return _csv(header, rows)


def prices_csv(company: Company) -> str:
    """What its plans cost; one country's price is not known yet."""
    header = ("plan", "currency", "activation", "monthly", "per_mb", "valid_from")
    since = (company.now - timedelta(days=365)).date().isoformat()
    rows: list[Sequence[object]] = [("roam-eur", "EUR", "0", "2.40", "0.09", since)]
    for code in company.shape.countries:
        if code in _CURRENCIES:
            currency, monthly = _CURRENCIES[code]
            rows.append((account(code), currency, "1.00", monthly, "0.05", since))
    return _csv(header, rows)


def _region(country: str) -> str:
    regions = {
        "BR": "americas",
        "US": "americas",
        "CN": "apac",
        "IN": "apac",
        "JP": "apac",
        "TR": "mea",
        "SA": "mea",
        "QA": "mea",
    }
    return regions.get(country, "europe")


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()

# ruff: noqa: INP001, T201 - a script to run and to read
"""Northwind Trackers and three carriers, all of them invented: the files they would send, and the world behind them.

`python examples/world.py write` writes the CSV files beside this one (they are committed; a test
holds them equal to this). `python examples/world.py run` lets that world live: three carriers as
HTTP servers that speak the contract of the first connector, and the trackers as MQTT devices, as
soon as their secrets are there. docs/getting-started.md walks through both.

The company's trackers left the factory with two cards: Meridian Roam's roaming SIM in slot 1, and
in Brazil and Türkiye a local SIM in slot 2, which is asleep until somebody moves the tracker to it.
"""

import argparse
import asyncio
import contextlib
import csv
import io
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx

from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.devices.device import Card, DeviceSpec, Pace
from fairlead_sim.devices.fleet import Fleet
from fairlead_sim.devices.link import Broker
from fairlead_sim.world.radio import World

HERE: Final = Path(__file__).parent
TODAY: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)  # the day the files were written
TENANT: Final = "home"
KEY_ID, KEY = "northwind", "not-a-secret-of-anybody"  # of all three accounts
FIRST_PORT: Final = 18_101


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """A carrier of this story."""

    id: str  # the account's name in Fairlead
    name: str
    home: str  # PLMN of its IMSIs
    apn: str
    plan: str
    roams_in: dict[str, tuple[str, ...]]


CARRIERS: Final = (
    Maker(
        id="meridian", name="Meridian Roam", home="262-98", apn="roam.meridian.example", plan="meridian-iot",
        roams_in={"DE": ("262-02",), "FR": ("208-01",), "BR": ("724-05",), "TR": ("286-01",)},
    ),
    Maker(
        id="sabia", name="Sabiá Móvel", home="724-98", apn="iot.sabia.example", plan="sabia-m2m",
        roams_in={"BR": ("724-06",)},
    ),
    Maker(
        id="anadolu", name="Anadolu Hat", home="286-98", apn="m2m.anadolu.example", plan="anadolu-iot",
        roams_in={"TR": ("286-02",)},
    ),
)  # fmt: skip
LOCAL: Final = {"BR": CARRIERS[1], "TR": CARRIERS[2]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """One tracker and where it has been since when."""

    name: str
    country: str
    days: int  # abroad or at home, by the day the files were written
    fleet: str


def _trackers() -> Iterator[Tracker]:
    stays = (
        ("BR", "reefers", (40, 33, 61, 12, 75, 20, 48, 9)),
        ("TR", "trucks", (81, 76, 70, 64, 45, 30)),
        ("DE", "trucks", (200, 200, 200, 200)),
        ("FR", "trucks", (25, 14)),
    )
    number = 0
    for country, fleet, days in stays:
        for stay in days:
            number += 1
            yield Tracker(name=f"trk-{number:04}", country=country, days=stay, fleet=fleet)


TRACKERS: Final = tuple(_trackers())


def build(clock: Callable[[], datetime]) -> World:
    """The radio world: carriers, cards and trackers, none of them switched on."""
    world = World(clock=clock)
    for maker in CARRIERS:
        world.add_carrier(
            maker.id, name=maker.name, home=maker.home, apns=frozenset({maker.apn}), roams_in=maker.roams_in
        )
    roaming = world.issue("meridian", len(TRACKERS), plan="meridian-iot", state="active")
    for tracker, first in zip(TRACKERS, roaming, strict=True):
        local = LOCAL.get(tracker.country)
        second = world.issue(local.id, 1, plan=local.plan, state="suspended")[0] if local else None
        slots = [first.iccid, second.iccid if second else None]
        world.add_device(tracker.name, country=tracker.country, slots=slots)
    return world


# --- files ---------------------------------------------------------------------------------------


def files(world: World) -> dict[str, str]:
    """What the company and its carriers would send, each in its own fashion."""
    own = [world.devices[tracker.name] for tracker in TRACKERS]
    register = [
        (t.name, f"NW-{n:05}", device.imei, "TRK-4G", t.fleet)
        for n, (t, device) in enumerate(zip(TRACKERS, own, strict=True), start=1)
    ]
    made = {
        "northwind-register.csv": _csv(("Asset tag", "Serial number", "IMEI", "Model", "Fleet"), register),
        "northwind-prices.csv": _csv(
            ("plan", "currency", "activation", "monthly", "per_mb", "valid_from"),
            (
                ("meridian-iot", "EUR", "0", "2.40", "0.08", "2025-01-01"),
                ("sabia-m2m", "EUR", "1.10", "1.15", "0.03", "2025-06-01"),
            ),
        ),
        "meridian-sims.csv": _csv(
            ("SIM (ICCID)", "IMSI", "MSISDN", "Installed in", "Tariff"),
            _cards(world, "meridian", 0, lambda sim, name: (sim.iccid, sim.imsi, sim.msisdn, name, sim.plan)),
            ";",
        ),
        "sabia-sims.csv": _csv(
            ("Número do chip", "IMSI", "Equipamento", "Plano", "Posição"),
            _cards(world, "sabia", 1, lambda sim, name: (sim.iccid, sim.imsi, name, sim.plan, "2")),
        ),
        "anadolu-sims.csv": _csv(
            ("KART NO", "IMSI", "CIHAZ", "TARIFE", "YUVA"),
            _cards(world, "anadolu", 1, lambda sim, name: (sim.iccid, sim.imsi, name, sim.plan, "2")),
            "\t",
        ),
    }
    return made | _stays(world)


def _stays(world: World) -> dict[str, str]:
    """Where cards were seen: Meridian's stays, and the factory tests of the local cards."""
    stays: list[Sequence[str]] = []
    tests: dict[str, list[Sequence[str]]] = {"sabia": [], "anadolu": []}
    for tracker in TRACKERS:
        first, second = world.devices[tracker.name].slots
        network = CARRIERS[0].roams_in[tracker.country][0]
        since = TODAY - timedelta(days=tracker.days)
        volume = str(tracker.days * 410_000)
        stays.append((str(first), network.replace("-", ""), _instant(since), _instant(TODAY), volume))
        if second is not None:
            maker = LOCAL[tracker.country]
            tested = since - timedelta(days=20)
            ended = _instant(tested + timedelta(hours=1))
            tests[maker.id].append((second, maker.roams_in[tracker.country][0], _instant(tested), ended, "20480"))
    return {
        "meridian-sessions.csv": _csv(("ICCID", "Visited network", "From", "To", "Volume"), stays, ";"),
        "sabia-sessions.csv": _csv(("Chip", "Rede", "Início", "Fim", "Bytes"), tests["sabia"]),
        "anadolu-sessions.csv": _csv(("KART NO", "SEBEKE", "BASLANGIC", "BITIS", "BAYT"), tests["anadolu"], "\t"),
    }


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _cards(world: World, carrier: str, slot: int, row: Callable[..., Sequence[str]]) -> Iterator[Sequence[str]]:
    for tracker in TRACKERS:
        iccid = world.devices[tracker.name].slots[slot]
        if iccid is not None and world.sim(iccid).carrier == carrier:
            yield row(world.sim(iccid), tracker.name)


def _csv(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


# --- the living world ----------------------------------------------------------------------------


class HouseClock:
    """The time of the server whose devices these are: asked for now and then, counted on in between."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._at = (TODAY, time.monotonic(), 1.0)

    def __call__(self) -> datetime:
        """What time it is there."""
        began, since, rate = self._at
        return began + timedelta(seconds=(time.monotonic() - since) * rate)

    async def follow(self) -> None:
        """Ask every second, until cancelled; a server that is away is asked again."""
        async with httpx.AsyncClient(base_url=self._url) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    said = (await client.get("/v1/clock")).json()
                    self._at = (datetime.fromisoformat(said["now"]), time.monotonic(), float(said["rate"]))
                await asyncio.sleep(1.0)


@contextlib.asynccontextmanager
async def carriers(world: World, ports: Sequence[int]) -> AsyncGenerator[dict[str, str]]:
    """The three carriers as HTTP servers; gives their addresses by account."""
    async with contextlib.AsyncExitStack() as stack:
        found: dict[str, str] = {}
        for maker, port in zip(CARRIERS, ports, strict=True):
            fake = SoracomFake(world, maker.id, auth_key_id=KEY_ID, auth_key=KEY)
            found[maker.id] = await stack.enter_async_context(serving(fake, port=port))
        yield found


def fleet(world: World, broker: Broker, secrets: dict[str, str], clock: Callable[[], datetime]) -> Fleet:
    """The trackers whose secrets are known, as MQTT devices."""
    specs: list[DeviceSpec] = []
    for tracker in TRACKERS:
        if tracker.name not in secrets:
            continue
        cards = tuple(
            Card(slot=slot, iccid=iccid, carrier=world.sim(iccid).carrier, apn=_apn(world.sim(iccid).carrier))
            for slot, iccid in enumerate(world.devices[tracker.name].slots, start=1)
            if iccid is not None
        )
        config = {"report_interval_s": 300}
        specs.append(DeviceSpec(name=tracker.name, secret=secrets[tracker.name], cards=cards, config=config))
    pace = Pace(at_most_s=1.0, lease_at_most_s=20.0)
    return Fleet(broker, tenant=TENANT, specs=specs, world=world, clock=clock, pace=pace, poll_s=5.0)


def _apn(carrier: str) -> str:
    return next(maker.apn for maker in CARRIERS if maker.id == carrier)


def read_secrets(path: Path) -> dict[str, str]:
    """Secrets by device, from what `fairlead device credential … --jsonl` printed."""
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {line["username"].partition("/")[2]: line["password"] for line in lines}


async def run(url: str, mqtt: str, secrets: Path) -> None:
    """Let the world live until Ctrl-C."""
    host, _, port = mqtt.rpartition(":")
    clock = HouseClock(url)
    async with asyncio.TaskGroup() as group:
        group.create_task(clock.follow())
        world = build(clock)
        async with carriers(world, [FIRST_PORT + n for n in range(len(CARRIERS))]) as addresses:
            for maker in CARRIERS:
                print(f"{maker.name:<14} {addresses[maker.id]}", flush=True)
            known: dict[str, str] = {}
            while len(known) < len(TRACKERS):
                fresh = {name: secret for name, secret in read_secrets(secrets).items() if name not in known}
                if fresh:
                    known |= fresh
                    await fleet(world, Broker(host=host, port=int(port)), fresh, clock).start()
                    print(f"{len(known)} trackers switched on", flush=True)
                await asyncio.sleep(1.0)
            await asyncio.Event().wait()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("write", help="write the CSV files")
    living = verbs.add_parser("run", help="carriers and trackers, until Ctrl-C")
    living.add_argument("--url", default="http://127.0.0.1:8080", help="the server whose clock is followed")
    living.add_argument("--mqtt", default="127.0.0.1:1883", help="where devices connect")
    living.add_argument("--secrets", type=Path, default=Path("secrets.jsonl"), help="secrets of devices, a line each")
    options = parser.parse_args()
    if options.verb == "write":
        for name, text in files(build(lambda: TODAY)).items():
            (HERE / name).write_text(text, encoding="utf-8")
            print(HERE / name)
        return
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(options.url, options.mqtt, options.secrets))


if __name__ == "__main__":
    main()

"""The story, act by act: a company declares its fleet and what should be, and Fairlead makes it so.

Every act speaks to the server through its API, as any client would, and to the world as fate does:
it lets carriers refuse and devices travel. Acts end when what they wait for is there; the whole is
bounded by whoever runs it. What came of it is judged in `checks`.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Final

from fairlead_sim.demo import checks, company
from fairlead_sim.demo.api import Body, Said
from fairlead_sim.demo.checks import SETTLED, Check, Forecast
from fairlead_sim.demo.company import FACTORY, POLICIES, TENANT, Unit, account
from fairlead_sim.demo.lives import Lives
from fairlead_sim.demo.scene import CALM, Scene
from fairlead_sim.demo.screen import Screen
from fairlead_sim.devices.device import Pace
from fairlead_sim.devices.fleet import Fleet
from fairlead_sim.devices.link import Broker
from fairlead_sim.world.faults import Fault

REFUSING: Final = "TR"
STAGES: Final = (10, 50, 100)
_DAY_A_SECOND: Final = 86_400.0
_HOUR_SOON: Final = 600.0
_LOOK_S: Final = 0.5
_POLL_S: Final = 120.0
_LATER_DAYS: Final = 6
_LIMITS: Final = {name: {"per_second": 300, "burst": 600} for name in ("read", "write", "auth")}
_OPEN: Final = ("waiting", "running", "undoing")


class Story:
    """One run."""

    def __init__(self, scene: Scene, screen: Screen) -> None:
        self.scene = scene
        self.screen = screen
        self.took_s: dict[str, float] = {}
        self.figures: Body = {}
        self.checks: list[Check] = []
        self._forecasts: list[Forecast] = []
        self._plan: Body = {}
        self._change = ""
        self._fault = 0
        self._crossed: list[Unit] = []
        self._lives = Lives(scene, screen, self._until)

    async def tell(self) -> None:
        """All acts, in order."""
        acts: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("The fleet is declared", self.declare),
            ("Devices connect", self.connect),
            ("Who will breach, and when?", self.foresee),
            ("Days pass, and forecasts come true", self.days_pass),
            ("A plan from policies in files", self.plan),
            ("Applied stage by stage; one carrier refuses", self.apply),
            ("Later, devices cross a border", self.cross),
            ("More days pass; the Change stands", self.stand),
            ("New devices leave the factory", self._lives.arrive),
            ("Scrapped devices are retired", self._lives.leave),
            ("What came of it", self.judge),
        )
        for title, act in acts:
            with self._timed(title):
                await act()

    @contextmanager
    def _timed(self, title: str) -> Generator[None]:
        self.screen.phase(title)
        begun = time.monotonic()
        try:
            yield
        finally:
            self.took_s[title] = round(time.monotonic() - begun, 1)

    # --- before anything is in flight ------------------------------------------------------------

    async def declare(self) -> None:
        """First owner, carrier accounts with their credentials, and four files."""
        scene, api = self.scene, self.scene.api
        await api.enter(
            scene.server.setup_code, name=company.OWNER, email=company.OWNER_EMAIL, password=company.LAB_PASSWORD
        )
        await api.decide_alone("the owner of this demonstration is its only person")
        for one in scene.accounts.values():
            code = one.name.removeprefix("local-").upper() if one.name != company.GLOBAL else None
            apn = company.apn(code) if code else company.GLOBAL_APN
            await api.post("/v1/carriers", {
                "name": one.name, "carrier": scene.world.carriers[one.name].name, "connector": "soracom",
                "home_country": code, "config": {"base_url": one.url, "apn": apn, "limits": _LIMITS},
                "credential": {"auth_key_id": one.key_id, "auth_key": one.key}, "iccid_digits": 19, "staleness_s": 1,
            })  # fmt: skip
        paper = scene.company
        for kind, text in (
            ("devices", company.devices_csv(paper)), ("sims", company.sims_csv(paper)),
            ("presence", company.presence_csv(paper)), ("prices", company.prices_csv(paper)),
        ):  # fmt: skip
            begun = time.monotonic()
            report = await api.upload(kind, text, f"northwind-{kind}.csv")
            took = time.monotonic() - begun
            self.screen.say(f"imported {report['rows']:,} rows of {kind} in {took:.1f} s")
            self.figures[f"import_{kind}_s"] = round(took, 2)
        self.figures |= {
            "devices": len(paper.units), "countries": len(paper.shape.countries), "accounts": len(scene.accounts),
        }  # fmt: skip

    async def connect(self) -> None:
        """Secrets for all at once; then every device registers with its roaming SIM and connects over MQTT."""
        scene = self.scene
        issued: Any = await scene.api.post("/v1/devices/credentials", {"devices": list(scene.company.units)})
        given = {str(one["username"]).partition("/")[2]: str(one["password"]) for one in issued}
        broker = Broker(host=scene.server.mqtt_host, port=scene.server.mqtt_port)
        scene.fleet = Fleet(
            broker, tenant=TENANT, specs=scene.company.specs(given), world=scene.world, clock=scene.clock,
            pace=Pace(repeat_s=15.0), poll_s=_POLL_S,
        )  # fmt: skip
        begun = time.monotonic()
        await scene.fleet.start()
        await self._until(self._all_connected)
        took = time.monotonic() - begun
        self.figures |= {"connected": scene.fleet.counts.connected, "connect_s": round(took, 1)}
        self.screen.say(f"{scene.fleet.counts.connected:,} MQTT clients connected in {took:.1f} s")
        await self._until(self._all_swept)

    async def _all_connected(self) -> bool:
        counts = self.scene.devices.counts
        self._show(connected=counts.connected, accepted=counts.accepted)
        return counts.connected == len(self.scene.company.units) - len(self.scene.company.of(group=FACTORY))

    async def _all_swept(self) -> bool:
        accounts: Any = await self.scene.api.get("/v1/carriers")
        read = [one for one in accounts if one["swept_at"]]
        self._show(**{"carrier accounts read": f"{len(read)} of {len(accounts)}"})
        return len(read) == len(accounts)

    async def foresee(self) -> None:
        """The forecast of the whole fleet; and, for devices no policy will touch, who breaches at which instant."""
        scene, now = self.scene, self.scene.clock()
        whole = await scene.api.get("/v1/forecast", weeks=26)
        by_country: Counter[str] = Counter()
        for week in whole["weeks"]:
            by_country[str(week["country"])] += int(week["devices"])
        told = ", ".join(f"{country} {n}" for country, n in by_country.most_common())
        self.screen.say(f"{whole['total']:,} devices breach within 26 weeks: {told}")
        self.screen.say(f"assumption: {whole['assumption']}; {whole['notice']}", style="dim")
        async for one in scene.api.items("/v1/devices", group="parked"):
            unit = scene.company.units[one["name"]]
            breach = one["facts"]["breach_at"]
            if breach is not None:
                forecast = Forecast(
                    device=unit.name, country=unit.country, made_at=now, breach_at=datetime.fromisoformat(breach),
                    by_hand=unit.breach_at,
                )  # fmt: skip
                self._forecasts.append(forecast)
        self._forecasts.sort(key=lambda one: one.breach_at)
        for one in self._forecasts[:4]:
            self.screen.say(f"{one.device} in {one.country}: {one.breach_at:%a %d %b %H:%M} UTC")
        self.screen.say(f"{len(self._forecasts)} devices are under no policy: their forecasts will be held to account")
        self.figures |= {"forecast_26_weeks": whole["total"], "watched": len(self._forecasts)}

    async def days_pass(self) -> None:
        """Nothing is in flight: a day a second, until the last watched device is over its limit."""
        last = max((one.breach_at for one in self._forecasts), default=self.scene.clock())
        await self._run_until(last + timedelta(hours=6))

    async def _run_until(self, instant: datetime) -> None:
        clock = self.scene.clock
        await self._hurry(_DAY_A_SECOND)

        async def there() -> bool:
            over = sum(one.breach_at <= clock() for one in self._forecasts)
            self._show(**{"watched devices over their limit": f"{over} of {len(self._forecasts)}"})
            return clock() >= instant

        await self._until(there, every_s=0.1)
        clock.hear(await self.scene.api.set_rate(CALM))

    # --- the change ------------------------------------------------------------------------------

    async def plan(self) -> None:
        """Policies are files; the plan says what they would do before anything happens."""
        folder = files("fairlead_sim.demo").joinpath("policies")
        names = [f"{POLICIES[code]}.yaml" for code in self.scene.company.shape.restricted]
        sent = [{"name": name, "text": folder.joinpath(name).read_text(encoding="utf-8")} for name in names]
        begun = time.monotonic()
        self._plan = await self.scene.api.post("/v1/plans", {"files": sent})
        summary, took = self._plan["summary"], time.monotonic() - begun
        self.screen.say(
            f"{summary['devices']:,} devices of {len(self.scene.company.units):,} would move ({took:.1f} s)"
        )
        self.screen.say(f"countries: {_words(summary['countries'])}; groups: {_words(summary['groups'])}")
        cost = summary["cost"]
        self.screen.say(
            f"cost: one-off {_words(cost['one_off'])}; monthly {_words(cost['monthly_delta'])}; "
            f"priced {cost['coverage_percent']} %, the rest is {cost['unpriced'] or 'nothing'}"
        )
        law = {one["country"]: one["breached"] + one["within_30_days"] for one in summary["law"]["breaches_avoided"]}
        self.screen.say(f"law: breached or due within 30 days {_words(law)} ({summary['law']['note']})")
        for one in summary["situations"][:3]:
            steps = " → ".join(f"{s['driver']}:{s['verb']}" for s in one["recipe"]["steps"])
            self.screen.say(f"{one['country']}: {one['devices']} devices: {steps}", style="dim")
        self.figures |= {
            "planned": summary["devices"], "planned_by_country": summary["countries"], "plan_s": round(took, 2),
            "cost": cost, "blocked": len(summary["blocked"]),
        }  # fmt: skip

    async def apply(self) -> None:
        """In stages; the Turkish carrier refuses every activation."""
        refusing = Fault(kind="refuse", carrier=account(REFUSING), verb="activate", status=403, code="NW0403")
        self._fault = self.scene.world.inject(refusing)
        self.screen.say(f"{account(REFUSING)} refuses activations from now on", style="yellow")
        rollout = {"stages": list(STAGES), "gate": {"max_failed": 0.1}, "on_failure": "rollback"}
        made = await self.scene.api.post(
            f"/v1/plans/{self._plan['id']}/apply",
            {"rollout": rollout, "title": "Local SIMs where roaming may not stay", "reason": "permanent roaming"},
        )
        self._change = str(made["id"])
        seen: set[tuple[str, int, int, str]] = set()

        async def standing() -> bool:
            change = await self._read_change()
            self._tell_batches(change, seen)
            return change["state"] in {"standing", "closed", "aborted"}

        begun = time.monotonic()
        await self._until(standing)
        took = time.monotonic() - begun
        self.scene.world.clear(self._fault)
        change = await self._read_change()
        counts = self.scene.devices.counts
        self.screen.say(f"the Change is {change['state']} after {took:.1f} s: {_words(change['story']['moves'])}")
        self.screen.say(f"{account(REFUSING)} accepts activations again; what it refused stays rolled back")
        self.figures |= {"change": self._change, "apply_s": round(took, 1), "switched": counts.switched}

    async def cross(self) -> None:
        """Trackers that were made for one country arrive there, long after the Change was applied."""
        scene, goal = self.scene, self.scene.company.shape.travel[1]
        self._crossed = scene.company.of(group="in-transit")
        for unit in self._crossed:
            scene.world.move(unit.name, goal)
        start = scene.company.shape.travel[0]
        self.screen.say(f"{len(self._crossed)} trackers cross from {start} to {goal}")
        names = {unit.name for unit in self._crossed}
        begun = time.monotonic()

        async def moved() -> bool:
            change = await self._read_change()
            self._tell_moves(change)
            late = [m for m in await self._moves() if m["wave"] > 0 and m["name"] in names]
            return len(late) == len(names) and not any(m["state"] in _OPEN for m in late)

        await self._until(moved)
        took = time.monotonic() - begun
        self.screen.say(f"the standing Change moved them in {took:.1f} s; nobody asked it to")
        self.figures["crossed_moved_s"] = round(took, 1)

    async def stand(self) -> None:
        """Clocks run down: whoever comes within a month of its limit is let in. Then everything is left to settle."""
        before = Counter((await self._read_change())["story"]["moves"]).total()
        clock = self.scene.clock
        end = clock() + timedelta(days=_LATER_DAYS)
        await self._hurry(_DAY_A_SECOND / 2)

        async def later() -> bool:
            change = await self._read_change()
            self._tell_moves(change)
            return clock() >= end or Counter(change["story"]["moves"]).total() > before

        await self._until(later, every_s=0.2)
        await self._calm_down()
        begun = time.monotonic()
        await self._until(self._settled)
        await self._until_counted()
        change = await self._read_change()
        entrants = Counter(change["story"]["moves"]).total() - before
        took = time.monotonic() - begun
        self.screen.say(f"{entrants} more devices were let in as their clocks ran down; all settled after {took:.1f} s")
        self.figures |= {"entrants_by_clock": entrants, "settled_s": round(took, 1)}

    async def _until_counted(self) -> None:
        """The server counts days once an hour: an hour is let pass, so that it has counted the last of them."""
        if not self._forecasts:
            return
        last = self._forecasts[-1]

        async def counted() -> bool:
            self._show(**{"waiting for": f"the count of {last.device}"})
            rows: Any = (await self.scene.api.get(f"/v1/devices/{last.device}"))["clocks"]
            return any(datetime.fromisoformat(row["computed_at"]) >= last.breach_at for row in rows)

        if not await counted():
            await self._hurry(_HOUR_SOON)
            await self._until(counted)
            await self._calm_down()

    async def _hurry(self, rate: float) -> None:
        """The server's clock runs fast only while nothing is moved: wait for that."""

        async def taken() -> bool:
            try:
                self.scene.clock.hear(await self.scene.api.set_rate(rate))
            except Said as said:
                if "clock-refused" not in str(said):
                    raise
                return False
            return True

        await self._until(taken)

    async def _calm_down(self) -> None:
        self.scene.clock.hear(await self.scene.api.set_rate(CALM))

    async def _settled(self) -> bool:
        change = await self._read_change()
        self._tell_moves(change)
        unsettled = sum(n for state, n in change["story"]["operations"].items() if state not in SETTLED)
        still = sum(change["story"]["moves"].get(state, 0) for state in _OPEN)
        open_batches = any(b["state"] in {"open", "rolling-back"} for b in change["story"]["batches"])
        return not (unsettled or still or open_batches)

    # --- judgement -------------------------------------------------------------------------------

    async def judge(self) -> None:
        """Eight checks, each against the server and the world."""
        scene, shape = self.scene, self.scene.company.shape
        change = await self._read_change()
        moves, batches = await self._moves(), change["story"]["batches"]
        goal = shape.travel[1]
        local = {m["name"]: self._on_local(m["name"]) for m in moves if m["state"] == "verified"}
        roaming = {m["name"]: self._on_roaming(m["name"]) for m in moves if m["country"] == REFUSING and not m["wave"]}
        crossed = {u.name: self._on_local(u.name, goal) for u in self._crossed}
        refusals = scene.world.faults.hits[self._fault]
        self.checks = [
            await self._forecasts_judged(),
            checks.planned_were_moved(self._plan["summary"]["countries"], moves, local, spared=frozenset({REFUSING})),
            checks.only_that_batch(batches, moves, roaming, country=REFUSING, refusals=refusals),
            checks.crossers_were_moved([u.name for u in self._crossed], moves, crossed),
            checks.all_settled(change["story"]["operations"]),
            *await self._lives.judge(),
            await self._journal_judged(),
        ]
        self.figures |= {
            "moves": change["story"]["moves"], "barred": change["story"]["barred"], "waves": change["waves"],
            "questions": change["questions"], "mqtt": _counts(scene.devices.counts),
        }  # fmt: skip
        self.figures["loop_seconds"] = await scene.api.loop_seconds()
        for one in self.checks:
            mark, style = ("✓", "green") if one.ok else ("✗", "red")
            self.screen.say(f"{mark} {one.name}: {_words(one.figures)}", style=style)
            for fault in one.faults[:5]:
                self.screen.say(f"    {fault}", style="red")

    async def _forecasts_judged(self) -> Check:
        clocks: dict[str, Any] = {}
        for one in self._forecasts:
            clocks[one.device] = (await self.scene.api.get(f"/v1/devices/{one.device}"))["clocks"]
        stayed = {one.device: not self._on_roaming(one.device, one.country) for one in self._forecasts}
        return checks.forecasts_came_true(self._forecasts, clocks, stayed, self.scene.clock())

    async def _journal_judged(self) -> Check:
        """Exported by the API, verified by another program with nothing but the file and the pinned key."""
        scene = self.scene
        keys: Any = await scene.api.get("/v1/journal/keys")
        target = scene.directory / "journal.jsonl"
        await scene.api.download("/v1/journal/export", target)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fairlead_cli.main", "journal", "verify", str(target), "--json",
            "--key", str(keys[-1]["public_key"]), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complained = await process.communicate()
        try:
            report = json.loads(said)
        except ValueError:
            report = {"detail": (complained or said).decode(errors="replace")[-500:]}
        return checks.journal_holds(process.returncode or 0, report)

    def _on_local(self, name: str, country: str | None = None) -> str:
        """What is wrong with a device that should be on its local SIM; empty when nothing is."""
        unit = self.scene.company.units[name]
        session, config = self.scene.world.connected(name), self.scene.devices.devices[name].config
        if session is None:
            return "it has no session"
        if session.iccid != unit.local.iccid or session.country != (country or unit.made_for):
            return f"it is on {session.iccid} in {session.country}"
        if session.apn != company.apn(unit.made_for) or unit.local.state != "active":
            return f"APN {session.apn}, SIM {unit.local.state}"
        return "" if config.get("timezone") != "UTC" else "its configuration did not come along"

    def _on_roaming(self, name: str, country: str | None = None) -> str:
        """What is wrong with a device that should be on its roaming SIM still; empty when nothing is."""
        unit, session = self.scene.company.units[name], self.scene.world.connected(name)
        if session is None:
            return "it has no session"
        if session.iccid != unit.roaming.iccid or session.country != (country or unit.country):
            return f"it is on {session.iccid} in {session.country}"
        changed = self.scene.devices.devices[name].config.get("timezone") != "UTC"
        return "its configuration was changed and not taken back" if changed else ""

    # --- beneath ---------------------------------------------------------------------------------

    async def _read_change(self) -> Body:
        return await self.scene.api.get(f"/v1/changes/{self._change}")

    async def _moves(self) -> list[Body]:
        return [move async for move in self.scene.api.items(f"/v1/changes/{self._change}/moves")]

    def _tell_batches(self, change: Body, seen: set[tuple[str, int, int, str]]) -> None:
        for batch in change["story"]["batches"]:
            key = (batch["country"], batch["wave"], batch["stage"], batch["state"])
            if key not in seen:
                seen.add(key)
                if batch["state"] in {"passed", "rolled-back", "rolling-back", "stopped"}:
                    told = f"{batch['country']} {batch['percent']} % ({batch['admitted']} devices): {batch['state']}"
                    self.screen.say(told, style="green" if batch["state"] == "passed" else "yellow")
        self._tell_moves(change)

    def _tell_moves(self, change: Body) -> None:
        story, counts = change["story"], self.scene.devices.counts
        self._show(
            change=change["state"], moves=_words(story["moves"]), operations=_words(story["operations"]),
            switched=counts.switched, connected=counts.connected,
        )  # fmt: skip

    def _show(self, **figures: object) -> None:
        rate = self.scene.clock.rate
        self.screen.show(self.scene.clock(), {"clock": f"{rate:,.0f} times", **figures})

    async def _until(self, there: Callable[[], Awaitable[bool]], *, every_s: float = _LOOK_S) -> None:
        """Look until it is there. The run as a whole is bounded, this is not."""
        while not await there():  # noqa: ASYNC110 - what is waited for is elsewhere
            await asyncio.sleep(every_s)


def _words(figures: Any) -> str:
    if isinstance(figures, dict):
        items: dict[str, Any] = figures  # pyright: ignore[reportUnknownVariableType]
        return ", ".join(f"{key} {value}" for key, value in items.items()) or "none"
    return str(figures)


def _counts(counts: Any) -> Body:
    return {name: getattr(counts, name) for name in counts.__slots__}


def now_text() -> str:
    """The real instant, for the report."""
    return datetime.now(UTC).isoformat(timespec="seconds")

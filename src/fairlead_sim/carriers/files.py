"""A carrier that has no interface: people in a back office who read tickets, and exports by the hour or day.

It lives in a folder. `work` is one look at the desk: it takes up the tickets that came in, carries out
those whose time has come, answers in confirmation files, and writes the exports that are due. Whoever
holds it calls `work` whenever time has passed; there is no task in here.

Its habits are those of such places: tickets take hours (`handling`), a line gets lost between two
people (`loses`), some lines of a ticket are answered today and the rest later (`answers_at_once`),
an answer is sent twice (`answers_twice`), and the inventory comes once a day (`exports_every`).
Its CSV is of the kind that arrives: semicolons, decimal commas, ICCIDs without check digit, local words.
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Session, Sim, SimState

STATES: Final[dict[SimState, str]] = {
    "inventory": "Stock", "ready": "Test", "active": "Live", "standby": "Parked", "suspended": "Barred",
    "deactivated": "Off", "terminated": "Ceased",
}  # fmt: skip
ACTIONS: Final[dict[str, tuple[str, SimState]]] = {
    "GO LIVE": ("activate", "active"),
    "BAR": ("suspend", "suspended"),
    "SWITCH OFF": ("deactivate", "deactivated"),
    "CEASE": ("terminate", "terminated"),
}
VERBS: Final = {verb: word for word, (verb, _) in ACTIONS.items()}
_TIME: Final = "%d.%m.%Y %H:%M:%S"
_KEPT: Final = 4  # exports of a kind that are left lying


@dataclass(slots=True)
class Counts:
    """What was asked, and what was carried out."""

    requests: Counter[str] = field(default_factory=Counter[str])  # by verb: tickets that came in
    executed: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])  # (verb, ICCID)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One line of a ticket."""

    ticket: str
    iccid: str  # as they write it: without its check digit
    action: str


class FilesFake:
    """One carrier's back office and its folder."""

    def __init__(
        self,
        world: World,
        carrier: str,
        folder: Path,
        *,
        handling: timedelta = timedelta(0),
        exports_every: timedelta = timedelta(0),
    ) -> None:
        """`exports_every` zero: an export at each look, whenever something may be new."""
        self.world = world
        self.carrier = world.carriers[carrier]
        self.folder = folder
        self.desk = Counts()
        self.handling = handling
        self.exports_every = exports_every
        self.loses = 0  # so many of the next lines
        self.answers_at_once: int | None = None  # so many lines of a ticket; the rest a day later. None: all
        self.answers_twice = False
        self.answers = True  # False: it does what it is asked and never says so
        self.tickets: list[str] = []  # the numbers that came in, in order
        self._known: set[str] = set()
        self._said: list[tuple[str, ...]] = []
        self._written = 0
        self._exported_at: datetime | None = None
        self._last: dict[str, str] = {}
        for name in ("tickets", "done", "confirmations"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    # --- a look at the desk

    def work(self) -> None:
        """Do what is to be done by now."""
        self._take_up()
        self.world.tick()
        self._answer()
        self._export()

    def _take_up(self) -> None:
        for path in sorted((self.folder / "tickets").glob("[!.]*.csv")):
            tasks = read_ticket(path.read_bytes())
            path.rename(self.folder / "done" / path.name)
            for place, task in enumerate(tasks):
                if place == 0:
                    self.tickets.append(task.ticket)
                key = f"{task.ticket} {task.iccid}"
                if key in self._known:
                    continue  # people notice a number they have seen
                self._known.add(key)
                self._schedule(task, place)

    def _schedule(self, task: _Task, place: int) -> None:
        if self.loses > 0:
            self.loses -= 1
            return
        late = self.answers_at_once is not None and place >= self.answers_at_once
        self.world.after(self.handling + timedelta(days=int(late)), lambda at: self._carry_out(task, at))

    def _carry_out(self, task: _Task, at: datetime) -> None:
        sim = next((one for one in self.carrier.sims.values() if one.iccid[:-1] == task.iccid), None)
        if task.action not in ACTIONS:
            self._say(task, "REJECTED", "W1", f"unknown action {task.action}", at)
            return
        if sim is None:
            self._say(task, "REJECTED", "W2", "no such card", at)
            return
        verb, state = ACTIONS[task.action]
        refusal = self.world.faults.meets(
            "refuse", self.carrier.id, key=sim.iccid, country=self.world.country_of(sim), verb=verb
        )
        if refusal is not None:
            self._say(task, "REJECTED", refusal.code, refusal.message, at)
            return
        if sim.state == "terminated" and state != "terminated":
            self._say(task, "REJECTED", "W3", "ceased", at)
            return
        self.world.set_state(sim.iccid, state)
        self.desk.executed[verb, sim.iccid] += 1
        self._say(task, "DONE", "", "", at)

    def _say(self, task: _Task, result: str, code: str, text: str, at: datetime) -> None:
        if self.answers:
            self._said.append((task.ticket, task.iccid, result, code, text, at.strftime(_TIME)))

    # --- what it writes

    def _answer(self) -> None:
        if not self._said:
            return
        for _ in range(1 + self.answers_twice):
            self._write("confirmations/answer", ["Order", "Card", "Outcome", "Code", "Remark", "When"], self._said)
        self._said = []

    def _export(self) -> None:
        now = self.world.clock()
        due = self._exported_at is None or now - self._exported_at >= self.exports_every
        if not due:
            return
        found = {"stock": self._stock(), "calls": self._calls(now), "traffic": self._traffic(now)}
        if self._exported_at == now and {name: repr(rows) for name, rows in found.items()} == self._last:
            return
        self._last = {name: repr(rows) for name, rows in found.items()}
        self._exported_at = now
        heads = {
            "stock": ["Card", "Subscriber", "Number", "Status", "Tariff", "Group"],
            "calls": [
                "Card",
                "Session",
                "Begin",
                "End",
                "Network",
                "Radio",
                "Address",
                "APN",
                "Equipment",
                "Subscriber",
            ],
            "traffic": ["Card", "Day", "Up (kB)", "Down (kB)"],
        }
        for name, rows in found.items():
            self._write(name, heads[name], rows)
            old = sorted(self.folder.glob(f"{name}_*.csv"))[:-_KEPT]
            for path in old:
                path.unlink()

    def _stock(self) -> list[tuple[str, ...]]:
        shown = [(sim, self.world.shown(sim.iccid, verb="stock")) for sim in self.carrier.sims.values()]
        return [
            (sim.iccid[:-1], sim.imsi, f"+{sim.msisdn}", STATES[now.state], now.plan, now.group) for sim, now in shown
        ]

    def _calls(self, now: datetime) -> list[tuple[str, ...]]:
        known = now - self.carrier.lag
        return [
            self._call(sim, event.session, known)
            for sim in self.carrier.sims.values()
            for event in sim.events
            if event.kind == "created" and event.at <= known
        ]

    def _call(self, sim: Sim, session: Session, known: datetime) -> tuple[str, ...]:
        end = session.ended_at
        return (
            sim.iccid[:-1], session.id, session.started_at.strftime(_TIME),
            end.strftime(_TIME) if end is not None and end <= known else "", session.plmn, session.rat, session.ip,
            session.apn, session.imei, session.imsi,
        )  # fmt: skip

    def _traffic(self, now: datetime) -> list[tuple[str, ...]]:
        known = now - self.carrier.usage_lag if self.carrier.usage_lag else None
        return [
            (sim.iccid[:-1], day.strftime("%d.%m.%Y 00:00:00"), _kilobytes(up), _kilobytes(down))
            for sim in self.carrier.sims.values()
            for day, (up, down) in sim.days(known).items()
        ]

    def _write(self, name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Under another name first: it appears whole."""
        self._written += 1
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([head, *rows])
        path = self.folder / f"{name}_{self.world.clock():%Y%m%d%H%M%S}_{self._written:06}.csv"
        half = path.with_suffix(".part")
        half.write_bytes(text.getvalue().encode("cp1252"))
        half.rename(path)


def read_ticket(content: bytes) -> list[_Task]:
    """The lines of a ticket."""
    rows = csv.DictReader(io.StringIO(content.decode("cp1252"), newline=""), delimiter=";")
    return [_Task(ticket=row["Order"], iccid=row["Card"], action=row["What"]) for row in rows]


def _kilobytes(number: int) -> str:
    return f"{number // 1000},{number % 1000:03}"

"""What a simulated device does: keeps a session, keeps its shadow, changes network with a lease.

It is the honest other side of the shadow protocol. It asks on each connect, repeats what it reports
until that is accepted or rejected, and applies what is asked of it a little later. A change of
network is a trial: the old card stays known, the new one must register *and* have the report
accepted over the new path before the lease ends; otherwise the device goes back by itself and says
`refused`. A device without a session has no connection, as in life.

There is no task and no timer in here: the link tells of connections and messages, the timetable
calls what was put off.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Final, Protocol, cast

from fairlead.wire import shadow
from fairlead_sim.devices.timetable import Entry, Timetable
from fairlead_sim.world.radio import AttachRefused
from fairlead_sim.world.sims import Session

State = dict[str, Any]
FACETS: Final = ("network", "config", "life")
_HINTS: Final = frozenset({"lease_s", "release", "method"})
_TRY_AGAIN: Final = 500  # the server's own trouble; any other "rejected" is final


class Radio(Protocol):
    """The modem's view of the world; `world.radio.World` is one."""

    def attach(self, device: str, slot: int, apn: str) -> Session | AttachRefused:
        """Try the card in that slot, counted from 0; an open session ends first."""
        ...

    def traffic(self, device: str, uplink: int, downlink: int) -> bool:
        """Carry bytes over the open session, where there is one: its carrier counts them."""
        ...

    def detach(self, device: str, *, cause: str = "detach") -> None:
        """End the session, if any."""
        ...


class Wire(Protocol):
    """The device's connection; `link.Link` is one."""

    def open(self) -> None:
        """Begin to connect; the device is told when it is."""
        ...

    def close(self) -> None:
        """End the connection; the device is not told."""
        ...

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send; False when there is no connection."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A SIM in a slot, as the device was told at the factory."""

    slot: int  # from 1, as printed on the board and in shadows
    iccid: str
    carrier: str  # name of the account it belongs to
    apn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """One device as it leaves the factory."""

    name: str  # in the tenant and in the radio world
    secret: str = field(repr=False)
    cards: tuple[Card, ...]  # the first is the one it starts with
    firmware: str = "1.0.0"
    config: State = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast devices are. Delays are the world's; bounds in real seconds."""

    apply: timedelta = timedelta(seconds=20)  # a configuration
    switch: timedelta = timedelta(seconds=30)  # before it leaves the old network
    attach: timedelta = timedelta(seconds=60)  # between tries to register
    falls_back: int = 0  # to another card after so many tries in a row; 0: never, it keeps trying
    lease: timedelta = timedelta(minutes=15)  # where the document names none
    at_most_s: float = 2.0  # of the delays above, without the lease
    lease_at_least_s: float = 10.0
    lease_at_most_s: float = 60.0
    repeat_s: float = 5.0  # an update without an answer
    reconnect_s: float = 1.0  # doubles up to sixteen times this


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a fleet has done so far."""

    connected: int = 0  # now
    connects: int = 0
    accepted: int = 0
    rejected: int = 0
    repeated: int = 0
    configured: int = 0
    switched: int = 0  # confirmed on the new path
    reverted: int = 0  # went back by itself
    fallen_back: int = 0  # took another card by itself, because its network was away


@dataclass(slots=True, kw_only=True)
class _Trial:
    """A change of network under way."""

    target: State
    stamp: Any  # when the document asked for it
    before: State
    lease: Entry | None = None
    reason: str = ""  # why it did not work, as far as known
    attached: bool = False


@dataclass(slots=True, kw_only=True)
class _Report:
    """An update that nobody has answered yet."""

    token: str
    payload: bytes
    repeat: Entry | None = None


class Device:
    """One device, from power-on to power-off."""

    def __init__(
        self,
        spec: DeviceSpec,
        *,
        tenant: str,
        link: Wire,
        radio: Radio,
        timetable: Timetable,
        pace: Pace,
        counts: Counts,
        judge: Callable[[str, State], str | None] = lambda _device, _config: None,
    ) -> None:
        self.spec = spec
        first = spec.cards[0]
        self.network: State = {"carrier": first.carrier, "apn": first.apn, "iccid": first.iccid, "slot": first.slot}
        self.config: State = dict(spec.config)
        self._tenant = tenant
        self._link = link
        self._radio = radio
        self._timetable = timetable
        self._pace = pace
        self._counts = counts
        self._judge = judge  # a reason to refuse a configuration
        self._tokens = count(1)
        self._reports: dict[str, _Report] = {}
        self._trial: _Trial | None = None
        self._refused: _Trial | None = None  # the last one that failed: not tried again unasked
        self._refusal: State | None = None  # still to be said
        self._configuring: Entry | None = None
        self._unfit: tuple[State, Any] | None = None  # the configuration refused last
        self._attached = self._online = self._on = self._told = False
        self._failures = 0
        self._tries = 0  # in a row, without a session
        self._asked: Any = None  # when the newest network document that we saw was written
        self._fallen: _Trial | None = None  # from where we fell back: no old wish takes us there

    @property
    def online(self) -> bool:
        """Whether it is connected now."""
        return self._online

    # --- power, radio, connection ----------------------------------------------------------------

    def power_on(self) -> None:
        """Register with the card in use, then connect."""
        self._on = True
        self._register()

    def power_off(self) -> None:
        """Leave the network."""
        self._on = False
        self._attached = False
        if self._trial is not None:
            self._end_trial(self._trial)
            self.network = self._trial.before
            self._trial = None
        self._offline()
        self._link.close()
        self._radio.detach(self.spec.name)

    def session_dropped(self, _session: Session) -> None:
        """The network ended the session under us."""
        self._attached = False
        self._offline()
        self._link.close()
        if self._on:
            self._put_off(self._pace.attach, self._register)

    def _register(self) -> None:
        """Get a session with what is in force; a trial has its own tries."""
        if not self._on or self._attached:
            return
        if self._trial is not None and not self._trial.attached:
            return
        if self._attach(self.network) is None or self._fall_back():
            self._tries = 0
            self._link.open()
        else:
            self._put_off(self._pace.attach, self._register)

    def _fall_back(self) -> bool:
        """After some tries in vain, any other card that gets a session; it stays there until it is told otherwise."""
        self._tries += 1
        if not self._pace.falls_back or self._tries < self._pace.falls_back or self._trial is not None:
            return False
        for card in self.spec.cards:
            other = {"carrier": card.carrier, "apn": card.apn, "iccid": card.iccid, "slot": card.slot}
            if card.iccid != self.network["iccid"] and self._attach(other) is None:
                self._fallen = _Trial(target=self.network, stamp=self._asked, before=self.network)
                self.network = other
                self._counts.fallen_back += 1
                return True
        return False

    def _attach(self, network: State) -> str | None:
        """None when there is a session, else the modem's reason."""
        answer = self._radio.attach(self.spec.name, int(network["slot"]) - 1, str(network["apn"]))
        self._attached = not isinstance(answer, AttachRefused)
        return answer.reason.replace("_", "-") if isinstance(answer, AttachRefused) else None

    def link_up(self) -> None:
        """Connected: say where we are and ask what is wanted."""
        self._online, self._failures = True, 0
        self._counts.connected += 1
        self._counts.connects += 1
        self._report_network()
        if not self._told:
            self._told = True
            self._report("firmware", {"version": self.spec.firmware})
            if self.config:
                self._report("config", self.config)
        for facet, report in list(self._reports.items()):
            if facet != "network" and report.repeat is None:
                self._send(facet, report)
        self.poll()

    def link_down(self) -> None:
        """The connection was lost, or refused: come back after a while, longer each time."""
        self._offline()
        if self._on and self._attached:
            wait_s = self._pace.reconnect_s * 2 ** min(self._failures, 4)
            self._failures += 1
            self._timetable.later(None, self._reconnect, at_most_s=wait_s)

    def _reconnect(self) -> None:
        if self._on and self._attached:
            self._link.open()

    def _offline(self) -> None:
        if self._online:
            self._online = False
            self._counts.connected -= 1
            for report in self._reports.values():
                if report.repeat is not None:
                    report.repeat.cancel()
                    report.repeat = None  # said again once connected

    def poll(self) -> None:
        """Ask for the whole shadow of what we can change."""
        if self._online:
            for facet in FACETS:
                self._publish(facet, shadow.Verb.GET, shadow.GetRequest(client_token=self._token()).encode())

    # --- messages --------------------------------------------------------------------------------

    def heard(self, topic: str, payload: bytes) -> None:
        """Read one message; what is not understood is left alone, as devices do."""
        self._radio.traffic(self.spec.name, 0, len(topic) + len(payload))
        try:
            place = shadow.read_topic(topic)
            match (place.verb, place.answer):
                case (shadow.Verb.GET, shadow.Answer.ACCEPTED):
                    got = shadow.read_answer(payload, shadow.GetAccepted)
                    stamp = got.metadata.get("desired")
                    if place.facet == "network" and not self._fled(_first_stamp(stamp)):
                        self._asked = _first_stamp(stamp)
                    self._wanted(place.facet, got.state.get("delta") or {}, stamp, asked=True)
                case (shadow.Verb.UPDATE, shadow.Answer.DELTA):
                    pushed = shadow.read_answer(payload, shadow.Delta)
                    self._wanted(place.facet, pushed.state, pushed.metadata, asked=pushed.client_token is not None)
                case (shadow.Verb.UPDATE, shadow.Answer.ACCEPTED):
                    self._accepted(place.facet, shadow.read_answer(payload, shadow.UpdateAccepted).client_token)
                case (shadow.Verb.UPDATE, shadow.Answer.REJECTED):
                    self._rejected(place.facet, shadow.read_answer(payload, shadow.Rejected))
                case _:
                    pass  # nothing is kept about us (404), and whatever else may come
        except shadow.ShadowError:
            return

    def _wanted(self, facet: str, delta: State, stamp: Any, *, asked: bool) -> None:
        """What is asked of us; `asked` when it only answers a message of ours."""
        if not delta:
            return
        if facet == "config":
            again = self._unfit is not None and self._unfit == (delta, _first_stamp(stamp))
            if self._configuring is None and not (again and asked):
                self._configuring = self._put_off(self._pace.apply, lambda: self._configure(delta, stamp))
        elif facet == "life" and delta.get("state") == "retired":
            self._put_off(self._pace.apply, lambda: self._retire(delta))
        elif facet == "network" and self._trial is None:
            target = self.network | {key: value for key, value in delta.items() if key not in _HINTS}
            if target == self.network:
                self._report_network()
                return
            first = _first_stamp(stamp)
            again = self._refused is not None and (self._refused.target, self._refused.stamp) == (target, first)
            if (again and asked) or self._fled(first):
                return
            self._fallen = None
            lease_s = delta.get("lease_s")
            lease = timedelta(seconds=lease_s) if isinstance(lease_s, int) and lease_s > 0 else self._pace.lease
            self._trial = _Trial(target=target, stamp=first, before=self.network)
            self._put_off(self._pace.switch, lambda: self._switch(lease))

    def _fled(self, stamp: Any) -> bool:
        """Whether a wish is the one under which we had to leave a network."""
        return self._fallen is not None and self._fallen.stamp == stamp

    # --- configuration ---------------------------------------------------------------------------

    def _configure(self, delta: State, stamp: Any) -> None:
        self._configuring = None
        reason = self._judge(self.spec.name, delta)
        if reason is not None:
            self._unfit = (delta, _first_stamp(stamp))
            self._report("config", {"refused": {"reason": reason}})
            return
        self.config = shadow.merge(self.config, delta)
        self._counts.configured += 1
        self._report("config", delta)

    def _retire(self, delta: State) -> None:
        """Erase what we hold, then say so."""
        if delta.get("wipe"):
            self.config = {}
        self._report("life", delta)

    # --- change of network -----------------------------------------------------------------------

    def _switch(self, lease: timedelta) -> None:
        """Leave the old network; from now on the lease runs."""
        trial = self._trial
        if trial is None or not self._on:
            return
        self._offline()
        self._link.close()
        trial.lease = self._timetable.later(
            lease, self._revert, at_least_s=self._pace.lease_at_least_s, at_most_s=self._pace.lease_at_most_s
        )
        self._try(trial)

    def _try(self, trial: _Trial) -> None:
        if trial is not self._trial or not self._on:
            return
        try:
            reason = self._attach(trial.target)
        except (KeyError, TypeError, ValueError):
            reason = "malformed-document"
        if reason is None:
            trial.attached, trial.reason = True, "no-confirmation"
            self.network = trial.target
            self._link.open()
        else:
            trial.reason = reason
            self._put_off(self._pace.attach, lambda: self._try(trial))

    def _revert(self) -> None:
        """The lease ran out: back to the old card, and say so."""
        trial = self._trial
        if trial is None or not self._on:
            return
        self._offline()
        self._link.close()
        self._trial, self._refused = None, trial
        self._refusal = {
            "carrier": trial.target.get("carrier"), "iccid": trial.target.get("iccid"), "reason": trial.reason,
        }  # fmt: skip
        self.network = trial.before
        self._attached = False
        self._counts.reverted += 1
        self._register()

    def _confirmed(self) -> None:
        """The report was accepted over the new path."""
        trial = self._trial
        if trial is not None and trial.attached:
            self._end_trial(trial)
            self._trial = self._refused = None
            self._counts.switched += 1

    def _end_trial(self, trial: _Trial) -> None:
        if trial.lease is not None:
            trial.lease.cancel()

    # --- reports ---------------------------------------------------------------------------------

    def _report_network(self) -> None:
        self._report("network", self.network | ({} if self._refusal is None else {"refused": self._refusal}))

    def _report(self, facet: str, reported: State) -> None:
        """Report until it is answered; a newer report of the facet takes its place."""
        former = self._reports.get(facet)
        if former is not None and former.repeat is not None:
            former.repeat.cancel()
        token = self._token()
        payload = shadow.UpdateRequest(reported=reported, client_token=token).encode()
        report = self._reports[facet] = _Report(token=token, payload=payload)
        self._send(facet, report)

    def _send(self, facet: str, report: _Report) -> None:
        if self._reports.get(facet) is not report:
            return
        if report.repeat is not None:
            report.repeat.cancel()
            self._counts.repeated += 1
        if self._online:
            self._publish(facet, shadow.Verb.UPDATE, report.payload)
            report.repeat = self._timetable.later(
                None, lambda: self._send(facet, report), at_most_s=self._pace.repeat_s
            )

    def _accepted(self, facet: str, token: str | None) -> None:
        if self._answered(facet, token):
            self._counts.accepted += 1
            if facet == "network":
                self._refusal = None
                self._confirmed()

    def _rejected(self, facet: str, rejected: shadow.Rejected) -> None:
        if rejected.code < _TRY_AGAIN and self._answered(facet, rejected.client_token):
            self._counts.rejected += 1

    def _answered(self, facet: str, token: str | None) -> bool:
        report = self._reports.get(facet)
        if report is None or report.token != token:
            return False
        if report.repeat is not None:
            report.repeat.cancel()
        del self._reports[facet]
        return True

    # --- beneath ---------------------------------------------------------------------------------

    def _publish(self, facet: str, verb: shadow.Verb, payload: bytes) -> None:
        topic = shadow.Topic(tenant=self._tenant, device=self.spec.name, verb=verb, name=facet)
        if self._link.publish(topic.mqtt, payload):
            self._radio.traffic(self.spec.name, len(topic.mqtt) + len(payload), 0)

    def _token(self) -> str:
        return f"{next(self._tokens):x}"

    def _put_off(self, delay: timedelta, action: Callable[[], None]) -> Entry:
        return self._timetable.later(delay, action, at_most_s=self._pace.at_most_s)


def topics(tenant: str, device: str) -> list[str]:
    """What a device subscribes to: answers about its own facets, and what is asked of it."""
    base = f"{shadow.PREFIX}/{tenant}/{device}/shadow/name"
    wanted = [f"{base}/{facet}/update/delta" for facet in FACETS]
    return [*wanted, f"{base}/+/get/accepted", f"{base}/+/update/accepted", f"{base}/+/update/rejected"]


def _first_stamp(metadata: Any) -> Any:
    """The time in a document's metadata; all its leaves have the same."""
    while isinstance(metadata, dict):
        members = cast("State", metadata)
        if "timestamp" in members and isinstance(members["timestamp"], int):
            return members["timestamp"]
        metadata = next(iter(members.values()), None)
    return None

"""A simulated device against a radio world, with a script for its server and hands on both clocks."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fairlead_sim.devices.device import Card, Counts, Device, DeviceSpec, Pace, topics
from fairlead_sim.devices.timetable import Timetable
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import World

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "fairlead/v1/acme/d1/shadow/name"


@dataclass
class Line:
    """A connection that stands as soon as the test says so, and remembers what was sent."""

    wanted: bool = False
    opened: int = 0
    sent: list[tuple[str, Any]] = field(default_factory=list)

    def open(self) -> None:
        self.wanted = True
        self.opened += 1

    def close(self) -> None:
        self.wanted = False

    def publish(self, topic: str, payload: bytes) -> bool:
        self.sent.append((topic.removeprefix(BASE + "/"), json.loads(payload)))
        return self.wanted

    def reports(self, facet: str) -> list[Any]:
        return [body["state"]["reported"] for topic, body in self.sent if topic == f"{facet}/update"]

    def token(self, facet: str) -> str:
        return [body["clientToken"] for topic, body in self.sent if topic == f"{facet}/update"][-1]


class Bench:
    """One device with two cards, in Germany."""

    def __init__(self, judge: Any = lambda _device, _config: None, *, falls_back: int = 0) -> None:
        self.now, self.real = START, 100.0
        self.world = World(clock=lambda: self.now)
        self.world.add_carrier("global", name="Global", home="204-08", apns=frozenset({"iot"}), roams_in="everywhere",
                               core="north")  # fmt: skip
        self.world.add_carrier("local", name="Local", home="262-02", apns=frozenset({"de"}))
        self.home = self.world.issue("global", 1, state="active")[0].iccid
        self.local = self.world.issue("local", 1, state="active")[0].iccid
        modem = self.world.add_device("d1", country="DE", slots=[self.home, self.local])
        self.line, self.counts = Line(), Counts()
        self.timetable = Timetable(lambda: self.now, real=lambda: self.real)
        spec = DeviceSpec(
            name="d1", secret="s", config={"interval_s": 60},
            cards=(Card(slot=1, iccid=self.home, carrier="global", apn="iot"),
                   Card(slot=2, iccid=self.local, carrier="local", apn="de")),
        )  # fmt: skip
        self.device = Device(
            spec, tenant="acme", link=self.line, radio=self.world, timetable=self.timetable,
            pace=Pace(at_most_s=1e9, lease_at_most_s=1e9, falls_back=falls_back), counts=self.counts, judge=judge,
        )  # fmt: skip
        modem.on_drop = self.device.session_dropped

    def on(self) -> "Bench":
        self.device.power_on()
        self.up()
        return self

    def up(self) -> None:
        """The broker lets the device in, if it is knocking."""
        assert self.line.wanted
        self.line.sent.clear()
        self.device.link_up()

    def after(self, seconds: float) -> None:
        """The world's time goes on, in steps, and real time with it."""
        for _ in range(int(seconds // 10)):
            self.now += timedelta(seconds=10)
            self.real += 10
            self.timetable.step()

    def hear(self, path: str, **body: Any) -> None:
        message = {"version": 1, "timestamp": 1, **body}
        self.device.heard(f"{BASE}/{path}", json.dumps(message).encode())

    def accept(self, facet: str) -> None:
        self.hear(f"{facet}/update/accepted", state={}, metadata={}, clientToken=self.line.token(facet))

    def ask_for_local(self, *, stamp: int = 7, token: str | None = None, lease_s: int = 600) -> None:
        delta = {"carrier": "local", "apn": "de", "iccid": self.local, "slot": 2, "lease_s": lease_s, "method": "slot"}
        more = {} if token is None else {"clientToken": token}
        metadata = {key: {"timestamp": stamp} for key in delta}
        self.hear("network/update/delta", state=delta, metadata=metadata, **more)

    @property
    def session(self) -> str | None:
        found = self.world.connected("d1")
        return None if found is None else found.iccid


def test_what_it_says_and_hears_is_counted_on_the_sim_in_use() -> None:
    bench = Bench().on()
    sim = bench.world.sim(bench.home)
    ((up, down),) = sim.by_day.values()
    assert (up > 0, down) == (True, 0)
    bench.accept("network")
    ((still, heard),) = sim.by_day.values()
    assert (still >= up, heard > 0) == (True, True)
    assert not bench.world.sim(bench.local).by_day


def on_local(bench: Bench) -> dict[str, Any]:
    return {"carrier": "local", "apn": "de", "iccid": bench.local, "slot": 2}


def on_home(bench: Bench) -> dict[str, Any]:
    return {"carrier": "global", "apn": "iot", "iccid": bench.home, "slot": 1}


def test_on_each_connection_it_says_where_it_is_and_asks() -> None:
    bench = Bench().on()
    assert bench.session == bench.home
    assert bench.line.reports("network") == [on_home(bench)]
    assert bench.line.reports("firmware") == [{"version": "1.0.0"}]
    assert bench.line.reports("config") == [{"interval_s": 60}]
    assert [topic for topic, _ in bench.line.sent if topic.endswith("/get")] == [
        "network/get",
        "config/get",
        "life/get",
    ]
    for facet in ("network", "firmware", "config"):
        bench.accept(facet)
    bench.device.link_down()
    assert bench.counts.connected == 0
    bench.after(10)
    bench.up()
    assert bench.line.reports("network") == [on_home(bench)]
    assert bench.line.reports("firmware") == []
    assert bench.counts.accepted == 3


def test_it_subscribes_to_its_own_topics_only() -> None:
    assert all(topic.startswith("fairlead/v1/acme/d1/shadow/") for topic in topics("acme", "d1"))


def test_an_update_is_repeated_until_it_is_answered() -> None:
    bench = Bench().on()
    bench.after(10)
    bench.after(10)
    assert bench.line.reports("network") == [on_home(bench)] * 3
    bench.hear("network/update/accepted", state={}, metadata={}, clientToken="another")
    bench.after(10)
    assert len(bench.line.reports("network")) == 4
    bench.accept("network")
    bench.hear("config/update/rejected", code=400, message="no", clientToken=bench.line.token("config"))
    bench.hear("firmware/update/rejected", code=500, message="later", clientToken=bench.line.token("firmware"))
    sent = len(bench.line.sent)
    bench.after(10)
    assert [topic for topic, _ in bench.line.sent[sent:]] == ["firmware/update"]
    assert (bench.counts.accepted, bench.counts.rejected) == (1, 1)


def test_a_configuration_is_applied_a_little_later_and_reported() -> None:
    bench = Bench().on()
    delta = {"interval_s": 300, "gps": {"on": True}}
    bench.hear("config/get/accepted", state={"desired": delta, "delta": delta}, metadata={})
    bench.after(10)
    assert bench.device.config == {"interval_s": 60}
    bench.after(10)
    assert bench.device.config == {"interval_s": 300, "gps": {"on": True}}
    assert bench.line.reports("config")[-1] == delta
    assert bench.counts.configured == 1


def test_a_configuration_that_does_not_fit_is_refused_once() -> None:
    bench = Bench(judge=lambda _device, config: "out-of-range" if config["interval_s"] < 1 else None).on()
    asked = {"state": {"delta": {"interval_s": 0}}, "metadata": {"desired": {"interval_s": {"timestamp": 7}}}}
    bench.hear("config/get/accepted", **asked)
    bench.after(20)
    assert bench.line.reports("config")[-1] == {"refused": {"reason": "out-of-range"}}
    bench.accept("config")
    sent = len(bench.line.sent)
    bench.hear("config/get/accepted", **asked)
    bench.after(20)
    assert [topic for topic, _ in bench.line.sent[sent:] if topic.startswith("config")] == []
    assert bench.device.config == {"interval_s": 60}


def test_a_change_of_network_is_confirmed_over_the_new_path() -> None:
    bench = Bench().on()
    bench.accept("network")
    bench.ask_for_local()
    bench.after(20)
    assert bench.session == bench.home
    bench.after(10)
    assert bench.session == bench.local
    assert bench.counts.connected == 0, "the old connection went with the old session"
    bench.up()
    assert bench.line.reports("network") == [on_local(bench)]
    bench.accept("network")
    bench.after(3_000)
    assert bench.session == bench.local
    assert (bench.counts.switched, bench.counts.reverted) == (1, 0)


def test_without_registration_it_goes_back_when_the_lease_ends_and_says_so() -> None:
    bench = Bench().on()
    bench.accept("network")
    bench.world.set_state(bench.local, "suspended")
    bench.ask_for_local(lease_s=300)
    bench.after(30)
    assert bench.session is None
    bench.after(290)
    assert bench.session is None, "within the lease it goes on trying"
    bench.after(10)
    assert bench.session == bench.home
    bench.up()
    refused = {"carrier": "local", "iccid": bench.local, "reason": "not-subscribed"}
    assert bench.line.reports("network") == [on_home(bench) | {"refused": refused}]
    bench.accept("network")
    assert bench.counts.reverted == 1
    bench.device.link_down()
    bench.after(10)
    bench.up()
    assert bench.line.reports("network") == [on_home(bench)], "a refusal is said until it is accepted, and no longer"


def test_a_network_that_comes_within_the_lease_is_enough() -> None:
    bench = Bench().on()
    bench.world.set_state(bench.local, "suspended")
    bench.ask_for_local(lease_s=300)
    bench.after(120)
    bench.world.set_state(bench.local, "active")
    bench.after(60)
    bench.up()
    bench.accept("network")
    bench.after(600)
    assert bench.session == bench.local


def test_a_registration_without_confirmation_is_not_enough() -> None:
    bench = Bench().on()
    bench.ask_for_local(lease_s=300)
    bench.after(30)
    assert bench.session == bench.local
    bench.up()
    bench.after(300)
    assert bench.session == bench.home
    bench.up()
    assert bench.line.reports("network")[-1]["refused"]["reason"] == "no-confirmation"


@pytest.mark.parametrize(
    ("stamp", "token", "tries"),
    [(7, "t", False), (8, "t", True), (7, None, True)],
    ids=["the answer to its own report", "a newer document", "a nudge"],
)
def test_what_failed_is_tried_again_only_when_asked_anew(stamp: int, token: str | None, tries: bool) -> None:
    bench = Bench().on()
    bench.world.set_state(bench.local, "suspended")
    bench.ask_for_local(lease_s=60)
    bench.after(100)
    bench.up()
    bench.accept("network")
    bench.world.set_state(bench.local, "active")
    bench.ask_for_local(stamp=stamp, token=token)
    bench.after(60)
    assert (bench.session == bench.local) is tries


@pytest.mark.parametrize("slot", ["two", None, 9])
def test_a_document_that_makes_no_sense_ends_in_a_refusal(slot: Any) -> None:
    bench = Bench().on()
    delta = {"carrier": "local", "apn": "de", "iccid": bench.local, "slot": slot, "lease_s": 60}
    bench.hear("network/update/delta", state=delta, metadata={})
    bench.after(100)
    bench.up()
    assert bench.session == bench.home
    assert "refused" in bench.line.reports("network")[-1]


def test_a_lost_session_takes_the_connection_along_and_both_come_back() -> None:
    bench = Bench().on()
    fault = bench.world.inject(Fault(kind="outage", carrier="global", country="DE"))
    assert (bench.session, bench.line.wanted, bench.counts.connected) == (None, False, 0)
    bench.after(120)
    assert bench.session is None
    bench.world.clear(fault)
    bench.after(60)
    assert bench.session == bench.home
    bench.up()
    assert bench.counts.connects == 2


def test_a_border_is_a_new_session_with_the_same_card() -> None:
    bench = Bench().on()
    bench.world.move("d1", "FR")
    assert bench.session is None
    bench.after(60)
    found = bench.world.connected("d1")
    assert found is not None
    assert (found.iccid, found.country) == (bench.home, "FR")


def test_power_off_in_the_middle_of_a_change_forgets_it() -> None:
    bench = Bench().on()
    bench.ask_for_local()
    bench.after(30)
    bench.device.power_off()
    assert (bench.session, bench.counts.connected) == (None, 0)
    bench.after(3_000)
    assert bench.session is None
    bench.device.power_on()
    assert bench.session == bench.home


@pytest.mark.parametrize(
    ("topic", "payload"),
    [("else/where", b"{}"), (f"{BASE}/network/update/delta", b"{"), (f"{BASE}/mood/update/delta", b'{"state": 5}')],
)
def test_what_it_does_not_understand_is_left_alone(topic: str, payload: bytes) -> None:
    bench = Bench().on()
    sent = len(bench.line.sent)
    bench.device.heard(topic, payload)
    assert len(bench.line.sent) == sent


# --- the timetable -------------------------------------------------------------------------------


@dataclass
class Hands:
    now: datetime = START
    real: float = 0.0


def test_delays_follow_the_world_within_real_bounds() -> None:
    hands, done = Hands(), list[str]()
    table = Timetable(lambda: hands.now, real=lambda: hands.real)
    table.later(timedelta(hours=1), lambda: done.append("hour"), at_most_s=100)
    table.later(timedelta(hours=2), lambda: done.append("bounded"), at_most_s=5)
    table.later(timedelta(seconds=1), lambda: done.append("not before"), at_least_s=50, at_most_s=100)
    table.later(None, lambda: done.append("real only"), at_most_s=7)
    cancelled = table.later(timedelta(0), lambda: done.append("cancelled"), at_most_s=1)
    cancelled.cancel()
    assert table.step() == 0
    hands.real = 6
    assert table.step() == 1
    hands.real, hands.now = 8, START + timedelta(hours=3)
    assert table.step() == 2
    assert done == ["bounded", "hour", "real only"]
    hands.real = 51
    assert table.step() == 1
    hands.real = 1_000
    assert table.step() == 0
    assert done[-1] == "not before"


def test_one_action_that_fails_does_not_stop_the_others() -> None:
    hands, done = Hands(), list[str]()
    table = Timetable(lambda: hands.now, real=lambda: hands.real)
    table.later(timedelta(0), lambda: print(int("x")), at_most_s=1)
    table.later(timedelta(0), lambda: done.append("other"), at_most_s=1)
    assert table.step() == 2
    assert done == ["other"]


def test_a_core_that_is_out_takes_its_carriers_along_and_comes_back() -> None:
    bench = Bench().on()
    handles = bench.world.put_out("north")
    assert len(handles) == 1
    assert bench.session is None
    bench.after(300)
    assert bench.session is None  # it never falls back: it keeps trying
    for handle in handles:
        bench.world.clear(handle)
    bench.after(60)
    assert bench.session == bench.home


def wanted(bench: Bench, *, stamp: int, delta: dict[str, Any] | None = None) -> None:
    """The answer to a device that asks what is wanted of its network."""
    state = {"desired": {"carrier": "global"}, **({"delta": delta} if delta else {})}
    bench.hear("network/get/accepted", state=state, metadata={"desired": {"carrier": {"timestamp": stamp}}})


def test_it_falls_back_after_some_tries_and_goes_home_only_when_it_is_asked_anew() -> None:
    bench = Bench(falls_back=3).on()
    wanted(bench, stamp=5)
    bench.world.put_out("north")
    bench.after(60)
    assert bench.session is None  # two tries, and the other card is not one
    bench.after(120)
    assert bench.session == bench.local
    assert bench.counts.fallen_back == 1
    bench.up()
    assert bench.line.reports("network")[-1]["iccid"] == bench.local
    home = {"carrier": "global", "apn": "iot", "iccid": bench.home, "slot": 1, "lease_s": 600}
    wanted(bench, stamp=5, delta=home)  # the wish under which it had to leave
    bench.after(120)
    assert bench.session == bench.local
    bench.world.clear()
    wanted(bench, stamp=9, delta=home)
    bench.after(120)
    assert bench.session == bench.home


def test_a_card_that_gets_no_session_is_no_way_out() -> None:
    bench = Bench(falls_back=1).on()
    bench.world.set_state(bench.local, "standby")
    bench.world.put_out("north")
    bench.after(300)
    assert bench.session is None
    bench.world.set_state(bench.local, "active")  # somebody makes it usable at its carrier
    bench.after(60)
    assert bench.session == bench.local

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fairlead_sim.world.faults import Fault, Faults
from fairlead_sim.world.radio import AttachRefused, World
from fairlead_sim.world.sims import ATTACHABLE, Session, Sim

APN, ROAM_APN = "iot.tr", "global.iot"


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    made = World(clock=clock, seed=7)
    made.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({APN}))
    made.add_carrier(
        "nl", name="Noordzee Mobiel", home="204-08", apns=frozenset({ROAM_APN}), roams_in={"TR": ("286-02", "286-03")}
    )
    return made


def device(world: World, country: str = "TR") -> tuple[Sim, Sim]:
    """`d1` with a roaming card in slot 0 and a local one in slot 1."""
    roaming, local = world.issue("nl", 1)[0], world.issue("tr", 1)[0]
    world.add_device("d1", country=country, slots=[roaming.iccid, local.iccid])
    return roaming, local


def attached(world: World, slot: int, apn: str) -> Session:
    session = world.attach("d1", slot, apn)
    assert isinstance(session, Session), session
    return session


def turned_away(world: World, slot: int, apn: str) -> str:
    refusal = world.attach("d1", slot, apn)
    assert isinstance(refusal, AttachRefused), refusal
    return refusal.reason


def test_a_roaming_card_uses_a_visited_network_and_a_local_card_its_own(world: World) -> None:
    roaming, local = device(world)
    first = attached(world, 0, ROAM_APN)
    assert (first.plmn, first.iccid, first.imei) == ("286-02", roaming.iccid, world.devices["d1"].imei)
    second = attached(world, 1, APN)
    assert (second.plmn, second.iccid) == ("286-01", local.iccid)
    assert first.end_cause == "reattach"  # one modem, one session
    assert (roaming.session, local.session, world.connected("d1")) == (None, second, second)


def test_first_use_makes_a_ready_line_active(world: World) -> None:
    roaming, _ = device(world)
    assert roaming.state == "ready"
    attached(world, 0, ROAM_APN)
    assert roaming.state == "active"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("suspended", "not_subscribed"),
        ("standby", "not_subscribed"),
        ("deactivated", "not_subscribed"),
        ("inventory", "not_subscribed"),
        ("terminated", "illegal_subscriber"),
    ],
)
def test_a_subscription_that_is_off_gets_no_session_and_loses_the_one_it_has(
    world: World, state: str, reason: str
) -> None:
    roaming, _ = device(world)
    session = attached(world, 0, ROAM_APN)
    told: list[Session] = []
    world.devices["d1"].on_drop = told.append
    world.set_state(roaming.iccid, state)
    assert told == [session]
    assert (session.open, session.end_cause, world.connected("d1")) == (False, "subscription_off", None)
    assert turned_away(world, 0, ROAM_APN) == reason


def test_why_a_card_gets_no_session(world: World) -> None:
    roaming, _ = device(world)
    assert turned_away(world, 0, "wrong.apn") == "unknown_apn"
    assert turned_away(world, 2, ROAM_APN) == "no_card"
    assert turned_away(world, -1, ROAM_APN) == "no_card"
    roaming.imei_lock = "352099000000099"
    assert turned_away(world, 0, ROAM_APN) == "imei_not_accepted"
    world.move("d1", "BR")
    assert turned_away(world, 0, ROAM_APN) == "no_network"
    assert turned_away(world, 1, APN) == "no_network"  # a local card abroad


def test_a_card_may_be_locked_to_several_devices(world: World) -> None:
    roaming, _ = device(world)
    roaming.imei_lock = f"352099000000099,{world.devices['d1'].imei}"
    assert isinstance(world.attach("d1", 0, ROAM_APN), Session)


def test_a_carrier_may_have_cards_of_twenty_digits(world: World) -> None:
    world.add_carrier("long", name="Long", home="901-40", apns=frozenset({ROAM_APN}), iccid_digits=20)
    assert [len(sim.iccid) for sim in world.issue("long", 2)] == [20, 20]


def test_a_border_ends_the_session(world: World) -> None:
    device(world)
    session = attached(world, 0, ROAM_APN)
    world.move("d1", "NL")
    assert session.end_cause == "left_network"
    assert attached(world, 0, ROAM_APN).plmn == "204-08"
    world.move("d1", "NL")
    assert world.connected("d1") is not None  # no border crossed


def test_an_outage_drops_and_refuses_in_its_country_only(world: World) -> None:
    device(world)
    session = attached(world, 0, ROAM_APN)
    elsewhere = world.inject(Fault(kind="outage", carrier="nl", country="DE"))
    assert session.open
    handle = world.inject(Fault(kind="outage", carrier="nl", country="TR"))
    assert session.end_cause == "network_failure"
    assert turned_away(world, 0, ROAM_APN) == "network_failure"
    assert attached(world, 1, APN)  # the local carrier is another
    world.clear(handle)
    assert attached(world, 0, ROAM_APN)
    world.clear(elsewhere)


def test_a_carrier_can_be_barred_from_roaming(world: World) -> None:
    device(world)
    world.inject(Fault(kind="roaming_barred", carrier="nl", country="TR"))
    assert turned_away(world, 0, ROAM_APN) == "roaming_barred"


def test_bytes_are_counted_by_session_day_and_minutes(world: World, clock: Clock) -> None:
    roaming, _ = device(world)
    assert not world.traffic("d1", 1, 1)  # no session, no bytes
    session = attached(world, 0, ROAM_APN)
    for _ in range(3):
        assert world.traffic("d1", 100, 10)
        clock.at += timedelta(minutes=2)
    clock.at += timedelta(days=1)
    world.traffic("d1", 1, 1)
    assert (session.uplink_bytes, session.downlink_bytes) == (301, 31)
    assert list(roaming.by_day.values()) == [[300, 30], [1, 1]]
    assert [(up, down) for _, up, down in roaming.by_minutes] == [(300, 30), (1, 1)]


def test_a_lagging_carrier_knows_only_what_is_old_enough(world: World, clock: Clock) -> None:
    roaming, _ = device(world)
    begun = clock.at
    attached(world, 0, ROAM_APN)
    clock.at += timedelta(minutes=5)
    world.detach("d1")
    assert roaming.seen_by(begun - timedelta(seconds=1)) is None
    assert [event.kind for event in (roaming.seen_by(begun), roaming.seen_by(clock.at)) if event] == [
        "created",
        "deleted",
    ]


def test_a_further_subscription_is_delivered_when_the_card_is_online(world: World, clock: Clock) -> None:
    roaming, _ = device(world)
    takes = timedelta(minutes=10)
    further = world.order_further(roaming.iccid, "planX1")
    clock.at += timedelta(days=1)
    assert further.status(clock.at, takes) == "shipped"
    attached(world, 0, ROAM_APN)
    assert further.status(clock.at, takes) == "delivered"
    assert further.status(clock.at + takes, takes) == "ready"


def test_sims_are_numbered_apart(world: World) -> None:
    sims = world.issue("nl", 300) + world.issue("tr", 300) + world.issue("nl", 5)
    assert len({sim.iccid for sim in sims}) == len({sim.imsi for sim in sims}) == 605


# --- faults ------------------------------------------------------------------------------------


def test_a_share_hits_about_that_share_and_the_same_ones_in_any_order() -> None:
    keys = [str(number) for number in range(2000)]

    def hit(order: list[str]) -> set[str]:
        faults = Faults(seed=3)
        faults.inject(Fault(kind="refuse", carrier="nl", verb="activate", share=0.2))
        return {key for key in order if faults.meets("refuse", "nl", key=key, country="TR", verb="activate")}

    assert hit(keys) == hit(keys[::-1])
    assert 300 < len(hit(keys)) < 500


def test_a_fault_is_narrowed_to_its_carrier_country_verb_and_number() -> None:
    faults = Faults(seed=3)
    handle = faults.inject(Fault(kind="refuse", carrier="nl", country="TR", verb="activate", at_most=2))

    def meets(carrier: str = "nl", country: str = "TR", verb: str = "activate", kind: str = "refuse") -> bool:
        return faults.meets(kind, carrier, key="1", country=country, verb=verb) is not None

    assert not meets(carrier="tr")
    assert not meets(country="DE")
    assert not meets(verb="suspend")
    assert not meets(kind="slow")
    assert [meets(), meets(), meets()] == [True, True, False]
    assert faults.hits[handle] == 2
    assert faults.in_force("refuse", "nl")
    faults.clear()
    assert not faults.in_force("refuse", "nl")


# --- whatever happens --------------------------------------------------------------------------


class Life(RuleBasedStateMachine):
    """Devices, carriers and faults do what they like; the world stays consistent."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.world = World(clock=self.clock)
        self.world.add_carrier("tr", name="a", home="286-01", apns=frozenset({APN}))
        self.world.add_carrier("nl", name="b", home="204-08", apns=frozenset({APN}), roams_in="everywhere")
        for number in range(3):
            cards = [self.world.issue("nl", 1)[0].iccid, self.world.issue("tr", 1)[0].iccid]
            self.world.add_device(f"d{number}", country="TR", slots=cards)

    devices = st.sampled_from(["d0", "d1", "d2"])

    @rule(device=devices, slot=st.integers(0, 1), apn=st.sampled_from([APN, "wrong"]))
    def attach(self, device: str, slot: int, apn: str) -> None:
        result = self.world.attach(device, slot, apn)
        if isinstance(result, Session):
            assert apn == APN
            assert result.plmn.startswith("286-") == (self.world.devices[device].country == "TR")

    @rule(device=devices, country=st.sampled_from(["TR", "NL", "BR"]))
    def move(self, device: str, country: str) -> None:
        self.world.move(device, country)

    @rule(device=devices)
    def detach(self, device: str) -> None:
        self.world.detach(device)

    @rule(device=devices, slot=st.integers(0, 1), state=st.sampled_from(["active", "suspended", "terminated"]))
    def carrier_acts(self, device: str, slot: int, state: str) -> None:
        iccid = self.world.devices[device].slots[slot]
        assert iccid is not None
        self.world.set_state(iccid, state)

    @rule(carrier=st.sampled_from(["tr", "nl"]), country=st.sampled_from([None, "TR"]))
    def outage(self, carrier: str, country: str | None) -> None:
        self.world.inject(Fault(kind="outage", carrier=carrier, country=country))

    @rule()
    def repair(self) -> None:
        self.world.clear()

    @rule(minutes=st.integers(1, 600))
    def wait(self, minutes: int) -> None:
        self.clock.at += timedelta(minutes=minutes)

    @invariant()
    def a_session_is_known_to_its_device_its_sim_and_its_carrier_alike(self) -> None:
        for device in self.world.devices.values():
            session = device.session
            for iccid in device.slots:
                sim = self.world.sim(iccid or "")
                assert sim.session is (session if session and session.iccid == iccid else None)
                last = sim.seen_by(self.clock.at)
                assert (last is not None and last.kind == "created") == (sim.session is not None)
            if session is not None:
                assert session.open
                assert self.world.sim(session.iccid).state in ATTACHABLE
                assert session.country == device.country
                reached = self.world.faults.in_force("outage", session.carrier)
                assert not [fault for fault in reached if fault.country in {None, session.country}]


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

"""What carriers are late with, and what they lie about: in the world and at the desk."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from fairlead_sim.carriers.callbacks import Callbacks
from fairlead_sim.carriers.desk import Desk, Refusal
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import AttachRefused, World
from fairlead_sim.world.sims import Session, Sim, Steering


class Clock:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    made = World(clock=clock)
    made.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot"}))
    return made


@pytest.fixture
def sim(world: World) -> Sim:
    sim = world.issue("tr", 1, state="active")[0]
    world.add_device("d", country="TR", slots=[sim.iccid])
    return sim


def test_a_change_that_takes_its_time_is_pending_until_then(world: World, sim: Sim, clock: Clock) -> None:
    world.carriers["tr"].takes["suspended"] = timedelta(minutes=10)
    session = world.attach("d", 0, "iot")
    assert isinstance(session, Session)
    world.set_state(sim.iccid, "suspended")
    assert (world.shown(sim.iccid).state, world.shown(sim.iccid).pending) == ("active", "suspended")
    clock.at += timedelta(minutes=9)
    assert world.traffic("d", 1, 1)
    clock.at += timedelta(minutes=1)
    assert not world.traffic("d", 1, 1)
    assert (sim.state, sim.pending, session.open) == ("suspended", None, False)


def test_a_later_wish_replaces_a_pending_one(world: World, sim: Sim, clock: Clock) -> None:
    world.carriers["tr"].takes["suspended"] = timedelta(minutes=10)
    world.set_state(sim.iccid, "suspended")
    world.set_state(sim.iccid, "active")
    clock.at += timedelta(hours=1)
    assert world.shown(sim.iccid).state == "active"


def test_a_stale_view_is_that_of_then(world: World, sim: Sim, clock: Clock) -> None:
    clock.at += timedelta(hours=2)
    world.set_state(sim.iccid, "suspended")
    handle = world.inject(Fault(kind="stale", carrier="tr", age_s=3600))
    assert world.shown(sim.iccid).state == "active"
    clock.at += timedelta(hours=1)
    assert world.shown(sim.iccid).state == "suspended"
    world.clear(handle)
    world.carriers["tr"].state_lag = timedelta(hours=2)
    assert world.shown(sim.iccid).state == "active"


def test_a_suspended_line_passes_traffic_where_the_carrier_lets_it(world: World, sim: Sim) -> None:
    world.carriers["tr"].suspended_passes_traffic = True
    world.attach("d", 0, "iot")
    world.set_state(sim.iccid, "suspended")
    assert world.traffic("d", 1, 1)
    world.set_state(sim.iccid, "deactivated")
    assert not world.traffic("d", 1, 1)


def test_bytes_show_late(world: World, sim: Sim, clock: Clock) -> None:
    world.attach("d", 0, "iot")
    world.traffic("d", 100, 10)
    clock.at += timedelta(hours=30)
    world.traffic("d", 7, 7)
    first, second = sorted(sim.days())
    assert sim.days() == {first: (100, 10), second: (7, 7)}
    assert sim.days(clock.at - timedelta(hours=24)) == {first: (100, 10)}
    assert sim.days(clock.at - timedelta(hours=48)) == {}


def test_a_limit_ends_the_session_and_steering_picks_the_network(world: World, sim: Sim) -> None:
    sim.limit_bytes = 100
    world.attach("d", 0, "iot")
    assert world.traffic("d", 60, 40)
    assert not world.traffic("d", 1, 0)
    assert isinstance(world.attach("d", 0, "iot"), AttachRefused)
    sim.limit_bytes = None
    sim.steering = Steering(kind="block", plmns=frozenset({"286-01"}))
    refused = world.attach("d", 0, "iot")
    assert isinstance(refused, AttachRefused)
    assert refused.reason == "roaming_barred"
    sim.steering = Steering(kind="allow", plmns=frozenset({"286-01"}))
    assert isinstance(world.attach("d", 0, "iot"), Session)


async def test_callbacks_come_twice_late_never_and_again(world: World, sim: Sim, clock: Clock) -> None:
    box, got, status = Callbacks(world, "tr"), [], 200

    async def send(address: str, headers: Mapping[str, str], body: bytes) -> int:
        got.append(body)
        return status

    for fault, verb in (("late_callback", "a"), ("duplicate_callback", "b"), ("lose_callback", "c")):
        world.inject(Fault(kind=fault, carrier="tr", verb=verb))
    for verb in "abc":
        box.say("https://us.example/x", verb.encode(), key=sim.iccid, verb=verb)
    box.say("https://us.example/x", b"d", key=sim.iccid, after=timedelta(minutes=5))
    assert await box.deliver(send) == 3
    assert got == [b"b", b"b", b"a"]
    got.clear()
    status = 500
    clock.at += timedelta(minutes=5)
    for _ in range(5):
        await box.deliver(send)
    assert got == [b"d"] * 3


async def test_the_desk_counts_refuses_and_keeps_a_days_allowance(world: World, sim: Sim, clock: Clock) -> None:
    async def flip(request: Request) -> Response:
        return JSONResponse({})

    def no(refusal: Refusal) -> Response:
        return JSONResponse({"why": refusal.why}, status_code=refusal.status)

    desk = Desk(world, "tr", door=lambda _: None, sim=lambda r: world.sim(r.path_params["sim"]), no=no, actions_a_day=2)
    app = desk.app([Route("/{sim}/flip", desk.change("flip", flip), methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://fake") as http:

        async def ask() -> str:
            return (await http.post(f"/{sim.iccid}/flip")).json().get("why", "done")

        world.inject(Fault(kind="refuse", carrier="tr", at_most=1))
        world.inject(Fault(kind="server_error", carrier="tr", applied=True, at_most=1))
        assert [await ask() for _ in range(4)] == ["refused", "broken", "done", "quota"]
        assert desk.executed["flip", sim.iccid] == 2
        clock.at += timedelta(days=1)
        assert await ask() == "done"
    assert desk.requests["flip"] == 5

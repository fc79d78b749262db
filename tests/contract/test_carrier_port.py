"""What every connector owes the carrier port, asked of each connector in front of its own fake.

A new connector joins by adding a `Bench` to `BENCHES`: how to open it, and how to make its fake
misbehave. Nothing here knows a vendor; what only one vendor has is asked of it in its unit tests.
"""

import inspect
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from fairlead.connectors._kit.factory import AccountConfig, ConnectorFactory
from fairlead.connectors._kit.http import Bounds, new_client
from fairlead.connectors.soracom.factory import FACTORY as SORACOM
from fairlead.engine.ports.carrier import (
    CAPABILITIES,
    Accepted,
    AuthFailed,
    BucketKey,
    BucketLevel,
    Credential,
    Done,
    Limit,
    NotFound,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    RateLimited,
    ReasonCode,
    Refused,
    Secret,
    SimPage,
    Unavailable,
)
from fairlead.model.identifiers import Plmn
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.subscription import Connectivity, SubscriptionState
from fairlead_sim.carriers.serving import serving
from fairlead_sim.carriers.soracom import SoracomFake
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Session

TENANT = TenantId(UUID(int=1))
ACCOUNT = AccountId(UUID(int=2))
MANY = 20_000  # requests in a burst: no budget in the way of what is asked


@dataclass
class Clock:
    """Both clocks of a test: fleet time and real time, moved by hand."""

    at: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def tick(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Levels:
    """A bucket store without a database."""

    levels: dict[BucketKey, BucketLevel] = field(default_factory=dict)

    async def load(self, key: BucketKey) -> BucketLevel | None:
        return self.levels.get(key)

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        known = self.levels.get(key)
        if (known.version if known else 0) != level.version - 1:
            return False
        self.levels[key] = level
        return True


@dataclass
class Bench:
    """One connector in front of its fake, over a world with a carrier `tr` at home in Türkiye."""

    name: str
    factory: ConnectorFactory
    fake: SoracomFake
    secrets: dict[str, str]
    clock: Clock
    http: httpx.AsyncClient
    url: str
    buckets: Levels
    verbs: dict[str, str]  # the port's method → the fake's name for it
    plan: str  # of a further subscription

    @property
    def world(self) -> World:
        return self.fake.world

    def open(
        self,
        *,
        limits: dict | None = None,
        wrong: bool = False,
        total_s: float = 10,
        patience_s: float = 0,
        url: str = "",
    ):
        fields = {name: Secret("wrong-" + value if wrong else value) for name, value in self.secrets.items()}
        config = AccountConfig(
            tenant=TENANT,
            account=ACCOUNT,
            name="northwind/tr",
            base_url=url or self.url,
            limits=limits or {name: Limit(per_second=MANY, burst=MANY) for name in ("auth", "read", "write", "bulk")},
            bounds=Bounds(total=timedelta(seconds=total_s)),
            patience=timedelta(seconds=patience_s),
            mnc_lengths={"286": frozenset({2})},
        )
        return self.factory.open(
            config, Credential(fields=fields), self.http, self.buckets, now=self.clock, real=self.clock
        )

    def line(self, state: str = "active", device: bool = False) -> ProviderId:
        sim = self.world.issue("tr", 1, state=state)[0]
        if device:
            self.world.add_device(f"d-{sim.iccid}", country="TR", slots=[sim.iccid])
        return ProviderId(sim.iccid)

    def online(self, line: ProviderId) -> Session:
        session = self.world.attach(f"d-{line}", 0, "iot.tr")
        assert isinstance(session, Session)
        return session

    def fault(self, kind: str, method: str | None = None, **more: object) -> int:
        verb = self.verbs[method] if method else None
        return self.world.inject(Fault(kind=kind, carrier="tr", verb=verb, **more))

    def executed(self, method: str, line: ProviderId) -> int:
        return self.fake.executed[self.verbs[method], line]

    def reached(self) -> int:
        return self.fake.requests.total()


class Stage:
    """One server for all tests: it plays whichever fake stands on it."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http
        self.playing: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.playing is not None
        await self.playing(scope, receive, send)


@pytest.fixture(scope="session")
async def stage() -> AsyncIterator[Stage]:
    async with new_client() as http:
        made = Stage("", http)
        async with serving(made) as made.url:
            yield made


def soracom(clock: Clock, stage: Stage) -> Bench:
    world = World(clock=clock)
    world.add_carrier(
        "tr", name="Anadolu Mobil", home="286-01", apns=frozenset({"iot.tr"}), standby_plans=frozenset({"plan01s"})
    )
    secrets = {"auth_key_id": "keyId-f00dfeedbeef", "auth_key": "secret-0123456789abcdef"}
    fake = SoracomFake(world, "tr", **secrets, per_second=MANY, burst=MANY, monotonic=clock.monotonic)
    stage.playing = fake
    return Bench(
        name="soracom",
        factory=SORACOM,
        fake=fake,
        secrets=secrets,
        clock=clock,
        http=stage.http,
        url=stage.url,
        buckets=Levels(),
        verbs={
            "activate": "activate",
            "suspend": "suspend",
            "deactivate": "deactivate",
            "standby": "set_to_standby",
            "allow_termination": "enable_termination",
            "forbid_termination": "disable_termination",
            "terminate": "terminate",
            "set_group": "set_group",
            "unset_group": "unset_group",
            "add_subscription": "add_subscription",
            "cancel_download": "cancel_download",
            "read_sim": "get",
            "list_sims": "list",
        },
        plan="planX1",
    )


BENCHES: dict[str, Callable[[Clock, Stage], Bench]] = {"soracom": soracom}


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest, stage: Stage) -> Bench:
    return BENCHES[request.param](Clock(), stage)


STATES = {
    "activate": SubscriptionState.ACTIVE,
    "suspend": SubscriptionState.SUSPENDED,
    "deactivate": SubscriptionState.DEACTIVATED,
    "standby": SubscriptionState.STANDBY,
}
STATE_VERBS = sorted(STATES)


def away_from(verb: str) -> str:
    """A state in which the verb has something to do."""
    return "suspended" if verb == "activate" else "active"


def done(outcome: Outcome) -> Done:
    assert isinstance(outcome, Done), outcome
    return outcome


def refused(outcome: Outcome) -> Refused:
    assert isinstance(outcome, Refused), outcome
    return outcome


# --- what it says about itself -----------------------------------------------------------------


async def test_the_manifest_names_exactly_the_capabilities_the_class_has(bench: Bench) -> None:
    connector = bench.open()
    has = {name for name, protocol in CAPABILITIES.items() if isinstance(connector, protocol)}
    assert has == set(connector.manifest.implements)


async def test_every_method_takes_what_the_port_gives(bench: Bench) -> None:
    connector = bench.open()
    for name in connector.manifest.implements:
        protocol = CAPABILITIES[name]
        for method in (one for one in vars(protocol) if not one.startswith("_")):
            wanted = inspect.signature(getattr(protocol, method)).parameters
            given = inspect.signature(getattr(type(connector), method)).parameters
            assert [(one.name, one.kind, one.default) for one in given.values()] == [
                (one.name, one.kind, one.default) for one in wanted.values()
            ], f"{name}.{method}"


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
async def test_the_inventory_is_complete_and_nothing_comes_twice(bench: Bench, count: int) -> None:
    issued = {sim.iccid for sim in bench.world.issue("tr", count)}
    pages: list[SimPage] = [page async for page in bench.open().list_sims()]
    listed = [sim.iccid for page in pages for sim in page.sims]
    assert len(listed) == count
    assert set(listed) == issued
    assert pages[-1].next is None
    assert all(page.next is not None for page in pages[:-1])
    assert not any(page.unreadable for page in pages)


async def test_an_inventory_continues_behind_its_cursor_in_another_process(bench: Bench) -> None:
    bench.world.issue("tr", 250)
    first = await anext(bench.open().list_sims())
    rest = [sim.iccid async for page in bench.open().list_sims(after=first.next) for sim in page.sims]
    assert {sim.iccid for sim in first.sims}.isdisjoint(rest)
    assert len(first.sims) + len(rest) == 250


async def test_a_record_keeps_the_providers_own_word_and_its_age(bench: Bench) -> None:
    line = bench.line("suspended")
    record = await bench.open().read_sim(line)
    assert record.subscription.state is SubscriptionState.SUSPENDED
    assert record.subscription.provider_state == "suspended"
    assert record.freshness.observed_at == bench.clock()
    assert record.freshness.staleness == bench.factory.manifest.capabilities.state_staleness
    assert record.session.freshness.staleness == bench.factory.manifest.capabilities.session_staleness
    assert record.complaints == ()


async def test_a_sim_that_is_not_there_is_not_found(bench: Bench) -> None:
    connector = bench.open()
    nobody = ProviderId("8990010000000009999")
    with pytest.raises(NotFound):
        await connector.read_sim(nobody)
    with pytest.raises(NotFound):
        await connector.suspend(nobody)


async def test_a_session_comes_with_its_network_and_device(bench: Bench) -> None:
    line = bench.line(device=True)
    connector = bench.open()
    assert (await connector.read_session(line)).connectivity is Connectivity.OFFLINE
    session = bench.online(line)
    seen = await connector.read_session(line)
    assert seen.online
    assert (seen.plmn, seen.imei, seen.imsi, seen.ip) == (
        Plmn(mcc="286", mnc="01"),
        session.imei,
        session.imsi,
        session.ip,
    )
    assert seen.since == session.started_at
    bench.clock.tick(minutes=1)
    bench.world.detach(f"d-{line}")
    gone = await connector.read_session(line)
    assert (gone.connectivity, gone.since) == (Connectivity.OFFLINE, bench.clock())


async def test_a_carrier_that_lags_shows_yesterday_and_we_pass_it_on(bench: Bench) -> None:
    bench.world.carriers["tr"].lag = timedelta(minutes=10)
    line = bench.line(device=True)
    bench.online(line)
    connector = bench.open()
    assert not (await connector.read_session(line)).online
    bench.clock.tick(minutes=10)
    assert (await connector.read_session(line)).online


async def test_session_history_is_complete_over_pages(bench: Bench) -> None:
    line = bench.line(device=True)
    begun = bench.clock()
    for _ in range(75):
        bench.online(line)
        bench.clock.tick(minutes=1)
        bench.world.detach(f"d-{line}")
        bench.clock.tick(minutes=1)
    pages = [page async for page in bench.open().session_events(line, since=begun, until=bench.clock())]
    kinds = [event.kind for page in pages for event in page.events]
    assert len(pages) == 2
    assert (kinds.count("created"), kinds.count("deleted"), len(kinds)) == (75, 75, 150)


async def test_usage_adds_up_and_is_final_only_after_the_carriers_lag(bench: Bench) -> None:
    line = bench.line(device=True)
    begun = bench.clock()
    bench.online(line)
    for _ in range(3):
        bench.world.traffic(f"d-{line}", 1000, 500)
        bench.clock.tick(days=1)
    periods = await bench.open().read_usage(line, since=begun, until=bench.clock(), granularity="day")
    assert [(one.uplink_bytes, one.downlink_bytes) for one in periods] == [(1000, 500)] * 3
    assert [one.final for one in periods] == [True, True, False]
    assert all(one.end - one.start == timedelta(days=1) for one in periods)


async def test_an_unreachable_carrier_is_unavailable_even_for_a_write(bench: Bench) -> None:
    connector = bench.open(url="http://127.0.0.1:9")
    line = bench.line()
    with pytest.raises(Unavailable):
        await connector.read_sim(line)
    with pytest.raises(Unavailable):
        await connector.suspend(line)


async def test_a_read_that_fails_is_unavailable_whatever_the_failure(bench: Bench) -> None:
    line = bench.line()
    bench.fault("api_down", "read_sim", at_most=1)
    with pytest.raises(Unavailable):
        await bench.open().read_sim(line)
    bench.fault("slow", "read_sim", delay_s=3, at_most=1)
    with pytest.raises(Unavailable):
        await bench.open(total_s=1).read_sim(line)


# --- changing, once ----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", STATE_VERBS)
async def test_twice_is_once(bench: Bench, verb: str) -> None:
    line = bench.line(away_from(verb))
    connector = bench.open()
    first = done(await getattr(connector, verb)(line))
    assert (first.changed, first.observed.subscription.state) == (True, STATES[verb])
    again = done(await getattr(connector, verb)(line))
    assert (again.changed, again.observed.subscription.state) == (False, STATES[verb])
    assert bench.executed(verb, line) == 1


@pytest.mark.parametrize("verb", STATE_VERBS)
async def test_a_lost_reply_is_unknown_and_the_read_back_shows_it_applied(bench: Bench, verb: str) -> None:
    line = bench.line(away_from(verb))
    connector = bench.open()
    bench.fault("lose_reply", verb, at_most=1)
    with pytest.raises(OutcomeUnknown):
        await getattr(connector, verb)(line)
    assert (await connector.read_sim(line)).subscription.state is STATES[verb]
    assert done(await getattr(connector, verb)(line)).changed is False
    assert bench.executed(verb, line) == 1


@pytest.mark.parametrize("applied", [True, False])
async def test_a_5xx_on_a_write_is_unknown_either_way(bench: Bench, applied: bool) -> None:
    line = bench.line()
    connector = bench.open()
    bench.fault("server_error", "suspend", applied=applied, at_most=1)
    with pytest.raises(OutcomeUnknown):
        await connector.suspend(line)
    state = (await connector.read_sim(line)).subscription.state
    assert state is (SubscriptionState.SUSPENDED if applied else SubscriptionState.ACTIVE)
    assert bench.executed("suspend", line) == int(applied)


async def test_a_write_that_takes_too_long_is_unknown(bench: Bench) -> None:
    line = bench.line()
    bench.fault("slow", "suspend", delay_s=3, at_most=1)
    with pytest.raises(OutcomeUnknown):
        await bench.open(total_s=1).suspend(line)


async def test_nothing_is_tried_twice_behind_the_port(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    await connector.check()
    bench.fault("server_error", "suspend")
    before = bench.fake.requests["suspend"]
    with pytest.raises(OutcomeUnknown):
        await connector.suspend(line)
    assert bench.fake.requests["suspend"] - before == 1


@pytest.mark.parametrize("verb", ["activate", "suspend", "deactivate"])
async def test_a_refusal_is_typed_and_changes_nothing(bench: Bench, verb: str) -> None:
    line = bench.line(away_from(verb))
    connector = bench.open()
    bench.fault("refuse", verb, status=400, code="XYZ-7", message="not today")
    outcome = refused(await getattr(connector, verb)(line))
    assert outcome.reason is ReasonCode.CONFLICT_STATE
    assert (outcome.raw.status, outcome.raw.code) == (400, "XYZ-7")
    assert "not today" in outcome.detail
    assert (await connector.read_sim(line)).subscription.state.value == away_from(verb)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (402, ReasonCode.PRECONDITION),
        (403, ReasonCode.FORBIDDEN),
        (409, ReasonCode.CONFLICT_STATE),
        (422, ReasonCode.INVALID_REQUEST),
        (423, ReasonCode.BUSY),
        (418, ReasonCode.UNKNOWN),
    ],
)
async def test_each_refusal_has_its_reason(bench: Bench, status: int, reason: ReasonCode) -> None:
    line = bench.line()
    bench.fault("refuse", "suspend", status=status)
    assert refused(await bench.open().suspend(line)).reason is reason


async def test_a_plan_without_standby_says_unsupported(bench: Bench) -> None:
    bench.world.carriers["tr"].standby_plans = frozenset()
    assert refused(await bench.open().standby(bench.line())).reason is ReasonCode.UNSUPPORTED


async def test_a_suspended_line_loses_its_session(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    assert not done(await bench.open().suspend(line)).observed.session.online


# --- ending a line -----------------------------------------------------------------------------


async def test_ending_a_line_takes_two_steps_and_its_name(bench: Bench) -> None:
    line, other = bench.line(), bench.line()
    connector = bench.open()
    iccid = (await connector.read_sim(line)).iccid
    wrong = (await connector.read_sim(other)).iccid

    assert refused(await connector.terminate(line, confirm=iccid)).reason is ReasonCode.PRECONDITION
    assert done(await connector.allow_termination(line)).observed.termination_allowed is True
    before = bench.reached()
    assert refused(await connector.terminate(line, confirm=wrong)).reason is ReasonCode.INVALID_REQUEST
    assert bench.reached() - before == 1  # the read; nothing was sent
    assert done(await connector.terminate(line, confirm=iccid)).observed.subscription.state is (
        SubscriptionState.TERMINATED
    )
    assert done(await connector.terminate(line, confirm=iccid)).changed is False
    assert bench.executed("terminate", line) == 1
    assert refused(await connector.activate(line)).reason is ReasonCode.CONFLICT_STATE


async def test_the_first_step_can_be_taken_back(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    done(await connector.allow_termination(line))
    assert done(await connector.forbid_termination(line)).observed.termination_allowed is False
    assert done(await connector.forbid_termination(line)).changed is False
    iccid = (await connector.read_sim(line)).iccid
    assert refused(await connector.terminate(line, confirm=iccid)).reason is ReasonCode.PRECONDITION


async def test_a_lost_reply_to_a_termination_is_unknown_and_final(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    iccid = (await connector.read_sim(line)).iccid
    await connector.allow_termination(line)
    bench.fault("lose_reply", "terminate")
    with pytest.raises(OutcomeUnknown):
        await connector.terminate(line, confirm=iccid)
    assert done(await connector.terminate(line, confirm=iccid)).changed is False
    assert bench.executed("terminate", line) == 1


# --- groups ------------------------------------------------------------------------------------


async def test_groups(bench: Bench) -> None:
    line, group = bench.line(), bench.fake.add_group("meters")
    connector = bench.open()
    assert [(one.id, one.name) for one in await connector.list_groups()] == [(group, "meters")]
    assert done(await connector.set_group(line, group)).observed.group == group
    assert done(await connector.set_group(line, group)).changed is False
    assert done(await connector.unset_group(line)).observed.group == ""
    assert done(await connector.unset_group(line)).changed is False
    assert (bench.executed("set_group", line), bench.executed("unset_group", line)) == (1, 1)
    with pytest.raises(NotFound):
        await connector.set_group(line, "no-such-group")


# --- a further subscription on the card --------------------------------------------------------


async def test_a_further_subscription_is_accepted_then_delivered(bench: Bench) -> None:
    line = bench.line(device=True)
    connector = bench.open()
    ordered = await connector.add_subscription(line, plan=bench.plan, enable=True)
    assert isinstance(ordered, Accepted)
    again = await connector.add_subscription(line, plan=bench.plan, enable=True)
    assert isinstance(again, Accepted)
    assert bench.executed("add_subscription", line) == 1
    assert isinstance(await connector.follow_up(ordered.reference), Accepted)
    bench.online(line)
    bench.clock.tick(minutes=30)
    arrived = done(await bench.open().follow_up(ordered.reference))
    assert [(one.plan, one.delivered) for one in arrived.observed.containers] == [(bench.plan, True)]
    assert arrived.observed.containers[0].imsi in arrived.observed.imsis[1:]


async def test_an_order_can_be_withdrawn_until_its_delivery_begins(bench: Bench) -> None:
    early, late = bench.line(device=True), bench.line(device=True)
    connector = bench.open()
    ordered = await connector.add_subscription(early, plan=bench.plan, enable=True)
    assert isinstance(ordered, Accepted)
    imsi = (await connector.read_sim(early)).containers[0].imsi
    done(await connector.cancel_download(early, imsi=imsi))
    assert done(await connector.cancel_download(early, imsi=imsi)).changed is False
    assert bench.executed("cancel_download", early) == 1
    assert refused(await connector.follow_up(ordered.reference)).reason is ReasonCode.CONFLICT_STATE

    await connector.add_subscription(late, plan=bench.plan, enable=True)
    bench.online(late)
    imsi = (await connector.read_sim(late)).containers[0].imsi
    assert refused(await connector.cancel_download(late, imsi=imsi)).reason is ReasonCode.CONFLICT_STATE


async def test_a_subscription_that_cannot_be_added_is_unsupported(bench: Bench) -> None:
    line = bench.line()
    outcome = refused(await bench.open().add_subscription(line, plan="planNowhere", enable=True))
    assert outcome.reason is ReasonCode.UNSUPPORTED


# --- budgets -----------------------------------------------------------------------------------


async def test_a_429_is_passed_on_and_kept_by_the_next_call_and_the_next_process(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    await connector.check()
    bench.fault("storm", "read_sim", retry_after_s=40, at_most=1)
    with pytest.raises(RateLimited) as first:
        await connector.read_sim(line)
    assert first.value.retry_after == timedelta(seconds=40)
    reached = bench.reached()
    for door in (connector, bench.open()):
        with pytest.raises(RateLimited) as then:
            await door.read_sim(line)
        assert timedelta(seconds=39) < then.value.retry_after <= timedelta(seconds=40)
    assert bench.fake.requests["get"] == 1
    bench.clock.tick(seconds=41)
    await connector.read_sim(line)
    assert bench.reached() > reached


async def test_our_own_budget_keeps_us_below_the_carriers(bench: Bench) -> None:
    line = bench.line()
    bench.fake.throttle.per_second, bench.fake.throttle.burst = 4, 6
    budget = {name: Limit(per_second=3, burst=3) for name in ("read", "write", "auth", "bulk")}
    waits: list[timedelta] = []
    for _ in range(3):
        connector = bench.open(limits=budget)  # a restart does not burst
        for _ in range(20):
            try:
                await connector.read_sim(line)
            except RateLimited as trouble:
                waits.append(trouble.retry_after)
                bench.clock.tick(seconds=trouble.retry_after.total_seconds())
    assert bench.fake.throttle.turned_away == 0
    assert bench.fake.requests["get"] == 60 - len(waits)
    assert 15 < len(waits) < 40
    assert all(timedelta(0) < wait <= timedelta(milliseconds=334) for wait in waits)


# --- the door ----------------------------------------------------------------------------------


async def test_one_login_serves_many_calls_and_a_token_that_ended_is_renewed(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    for _ in range(5):
        await connector.read_sim(line)
    assert bench.fake.logins == 1
    bench.fake.expire_tokens()
    await connector.suspend(line)
    assert bench.fake.logins == 2
    assert bench.executed("suspend", line) == 1
    bench.clock.tick(days=3)
    await connector.read_sim(line)
    assert bench.fake.logins == 3


async def test_a_wrong_key_fails_and_is_not_hammered(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open(wrong=True)
    with pytest.raises(AuthFailed):
        await connector.check()
    with pytest.raises(AuthFailed):
        await connector.suspend(line)
    assert bench.fake.requests["auth"] == 2
    assert bench.fake.requests["suspend"] == 0


async def test_no_secret_in_any_error_outcome_log_or_repr(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    line = bench.line()
    secrets = set(bench.secrets.values())
    said: list[str] = []
    connector = bench.open()
    await connector.check()
    secrets |= {part for part in bench.fake.desk.tokens.known()}
    leaky = " ".join(sorted(secrets))
    bench.fault("refuse", "suspend", status=400, message=leaky, code=min(secrets, key=len))
    bench.fault("lose_reply", "deactivate")
    bench.fault("api_down", "read_sim", at_most=0)
    said.append(repr(await connector.suspend(line)))
    for call in (
        connector.deactivate(line),
        bench.open(wrong=True).check(),
        bench.open(url="http://127.0.0.1:9").check(),
    ):
        try:
            await call
        except (OutcomeUnknown, AuthFailed, Unavailable) as trouble:
            chain: BaseException | None = trouble
            while chain is not None:
                said += [str(chain), repr(chain), repr(vars(chain))]
                chain = chain.__cause__ or chain.__context__
        else:
            pytest.fail("expected trouble")
    said += [repr(connector.instance), repr(connector.instance.credential), caplog.text]
    assert said
    for secret in secrets:
        assert not [text for text in said if secret in text]

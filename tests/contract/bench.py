"""What a test holds while it asks a connector something: the connector, its fake, and both clocks.

`Bench` is what all vendors have in common; `benches/<vendor>.py` says what is different there. Where
this class makes an assumption about a vendor, it is a field with a default, so that a bench can say
otherwise; no test asks which vendor it is talking to.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from fairlead.connectors._kit.factory import AccountConfig, ConnectorFactory
from fairlead.connectors._kit.http import Bounds
from fairlead.engine.ports.carrier import (
    Accepted,
    BucketKey,
    BucketLevel,
    Credential,
    Done,
    Limit,
    Manifest,
    Outcome,
    ProviderId,
    ReasonCode,
    Refused,
    Secret,
)
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.subscription import Connectivity, SubscriptionState, Verb, capability
from fairlead_sim.world.faults import Fault
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Session, Sim, SimState

TENANT = TenantId(UUID(int=1))
ACCOUNT = AccountId(UUID(int=2))
MANY = 20_000  # requests in a burst: no budget in the way of what is asked
APN = "iot.tr"

# What a refused change of state means by its status, said here once more and not taken from the kit.
USUAL_REASONS = {
    400: ReasonCode.INVALID_REQUEST,
    402: ReasonCode.PRECONDITION,
    403: ReasonCode.FORBIDDEN,
    409: ReasonCode.CONFLICT_STATE,
    422: ReasonCode.INVALID_REQUEST,
    423: ReasonCode.BUSY,
}

STATES = {
    "activate": SubscriptionState.ACTIVE,
    "suspend": SubscriptionState.SUSPENDED,
    "deactivate": SubscriptionState.DEACTIVATED,
    "standby": SubscriptionState.STANDBY,
}


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


class Stage:
    """One server for all tests: it plays whichever fake stands on it."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self.http = http
        self.playing: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.playing is not None
        await self.playing(scope, receive, send)


def new_world(clock: Clock, **more: Any) -> World:
    """A world with a carrier `tr` at home in Türkiye."""
    world = World(clock=clock)
    world.add_carrier("tr", name="Anadolu Mobil", home="286-01", apns=frozenset({APN}), **more)
    return world


@dataclass
class Bench:
    """One connector in front of its fake. `fake` is an ASGI application with a `desk` and a `world`."""

    factory: ConnectorFactory
    fake: Any
    secrets: dict[str, str]
    clock: Clock
    stage: Stage
    verbs: dict[str, str]  # the port's method → the desk's name for it; at least those the carrier has, and read_sim
    optional_secrets: dict[str, str] = field(default_factory=dict)  # such as a webhook's
    buckets: Levels = field(default_factory=Levels)
    settings: dict[str, Any] = field(default_factory=dict)  # of the account, where the connector has its own
    auth_url: str = ""  # where tokens are fetched, where a test puts that elsewhere

    account_kind: str = ""  # whose account it is, where several carriers speak one contract
    hook_url: str = ""  # where its webhook is reached, where a signature covers that

    # What differs between vendors.
    words: Mapping[str, str] = field(default_factory=dict)  # state of the world → the vendor's word, where not the same
    has_key: bool = True  # False: what stands there is open to whoever gets there, such as a folder
    counts_requests: bool = True  # False: nobody counts them, and there is no budget to keep
    refuses_by_status: bool = True  # False: a refusal has words and no HTTP status
    dated_by_reading: bool = True  # False: what is read is as old as the carrier's export, and never newer than that
    reads_takes: int = 1  # requests a `read_sim` takes
    logs_in: bool = True  # False: the credential goes along with each request, and there is no handshake
    reasons: Mapping[int, ReasonCode] = field(default_factory=lambda: USUAL_REASONS)  # of a suspend that is refused
    refusal: tuple[int, str] = (400, "XYZ-7")  # a status and code the vendor might refuse a change of state with
    forgets_the_ended: bool = False  # a terminated line is not found any more
    resets_only_sessions: bool = True  # a reset of a line without a session does nothing, and nothing is sent
    session_fields: frozenset[str] = frozenset({"plmn", "imei", "imsi", "ip", "since"})  # what a session tells
    never_seen: Connectivity = Connectivity.OFFLINE  # what a line shows that never had a session
    gone: Connectivity = Connectivity.OFFLINE  # and one whose session has ended
    groups_there: int = 0  # groups an account with one line has before anybody made one
    events_a_line: int = 1  # session events that one line of the vendor's history tells
    session_history: bool = True  # False: the latest session is all that is told
    granularity: str = "day"
    usage_history: bool = True  # False: there is one running sum of the period that is open, and no past
    plan: str = ""  # one that `set_plan` may name
    further_plan: str = ""  # of a further subscription
    long_text: str = "x" * 5000  # an SMS that no encoding of theirs carries
    sms_letters: Literal["any", "plain"] = "any"  # "plain": a text with other letters is refused
    one_spoils_all: bool = False  # True: a list with one SIM that takes no change is refused as a whole
    nobody: str = "8990010000000009999"  # well-formed, and not there
    no_group: str = "no-such-group"  # well-formed, and not there
    limit_step: int = 10_000_000  # bytes that the vendor can hold exactly
    alone: bool = False  # True: each line is in a group of its own, because settings are of the group
    limit_can_go: bool = True  # False: a ceiling can be moved and never be taken away
    leaves_groups: bool = True  # False: a line is always in some group, and can only be put into another
    standby_by_plan: bool = True  # False: every line can be parked

    @property
    def world(self) -> World:
        return self.fake.world

    @property
    def manifest(self) -> Manifest:
        return self.factory.manifest

    @property
    def account_settings(self) -> dict[str, Any]:
        """As an account keeps them."""
        return self.settings

    def __post_init__(self) -> None:
        self.stage.playing = self.fake

    def open(
        self,
        *,
        limits: dict[str, Limit] | None = None,
        wrong: bool = False,
        total_s: float = 10,
        patience_s: float = 0,
        url: str = "",
    ) -> Any:
        given = {**self.secrets, **self.optional_secrets}
        fields = {name: Secret("wrong-" + value if wrong else value) for name, value in given.items()}
        config = AccountConfig(
            tenant=TENANT,
            account=ACCOUNT,
            name="northwind/tr",
            base_url=url or self.stage.url,
            auth_url="" if url else self.auth_url,
            kind=self.account_kind,
            hook_url=self.hook_url,
            limits=limits or {name: Limit(per_second=MANY, burst=MANY) for name in ("auth", "read", "write", "bulk")},
            bounds=Bounds(total=timedelta(seconds=total_s)),
            patience=timedelta(seconds=patience_s),
            mnc_lengths={"286": frozenset({2})},
            settings=self.settings,
        )
        return self.factory.open(
            config, Credential(fields=fields), self.stage.http, self.buckets, now=self.clock, real=self.clock
        )

    # --- lines

    def id_of(self, sim: Sim) -> ProviderId:
        """The vendor's own key of a SIM. Overridden where it is not the ICCID, together with `card`."""
        return ProviderId(sim.iccid)

    def card(self, line: ProviderId) -> Sim:
        """The SIM behind a key."""
        return self.world.sim(line)

    def line(self, state: SimState = "active", device: bool = False) -> ProviderId:
        """A new SIM in that state, in a device if wanted."""
        sim = self.world.issue("tr", 1, state=state)[0]
        if device:
            self.world.add_device(f"d-{sim.iccid}", country="TR", slots=[sim.iccid])
        return self.id_of(sim)

    def unchangeable(self) -> ProviderId:
        """A line that takes no change any more. Overridden where lines do not end."""
        return self.line("terminated")

    def device(self, line: ProviderId) -> str:
        return f"d-{self.card(line).iccid}"

    def online(self, line: ProviderId) -> Session:
        session = self.world.attach(self.device(line), 0, APN)
        assert isinstance(session, Session), session
        return session

    def offline(self, line: ProviderId) -> None:
        self.world.detach(self.device(line))

    def add_group(self, name: str) -> str:
        return self.fake.add_group(name)

    async def endable(self, connector: Any, line: ProviderId) -> None:
        """Bring a line to where it may be ended: by default, take the protection off where there is one."""
        if "ProtectsTermination" in self.manifest.implements:
            await settled(self, connector, await connector.allow_termination(line))

    def callback(self, line: ProviderId, state: str) -> tuple[dict[str, str], bytes]:
        """A genuine webhook delivery: headers in lower case, and the body, telling that the line is in that state."""
        raise NotImplementedError

    def forged(self, headers: dict[str, str], body: bytes) -> list[tuple[dict[str, str], bytes]]:
        """A delivery with its proof spoilt. Overridden where the proof does not stand in a header."""
        return [({}, body), ({name: value[:-4] + "AAAA" for name, value in headers.items()}, body)]

    # --- time and trouble

    def later(self, method: str = "activate") -> None:
        """Wait until whatever the carrier took, shows."""
        record = self.manifest.capabilities
        wait = record.state_staleness + record.read_after_write
        if method in set(Verb):
            wait += capability(record, Verb(method)).longest
        self.clock.at += wait

    def fault(self, kind: Any, method: str | None = None, **more: Any) -> int:
        verb = self.verbs[method] if method else None
        return self.world.inject(Fault(kind=kind, carrier="tr", verb=verb, **more))

    def executed(self, method: str, line: ProviderId) -> int:
        return self.fake.desk.executed[self.verbs[method], self.card(line).iccid]

    def asked(self, method: str) -> int:
        return self.fake.desk.requests[self.verbs[method]]

    def reached(self) -> int:
        return self.fake.desk.requests.total()


@dataclass(frozen=True)
class Maker:
    """How the suite comes to a bench: it reads the manifest first, to know what may be asked."""

    factory: ConnectorFactory
    make: Callable[[Clock, Stage], Bench]


def away_from(verb: str) -> SimState:
    """A state in which the verb has something to do."""
    return "suspended" if verb == "activate" else "active"


async def settled(bench: Bench, connector: Any, outcome: Outcome) -> Done | Refused:
    """Follow what was accepted until it is done or refused, letting the time pass that the carrier asks for."""
    for _ in range(200):
        if not isinstance(outcome, Accepted):
            return outcome
        bench.clock.at += max(outcome.check_after, timedelta(seconds=1))
        outcome = await connector.follow_up(outcome.reference)
    raise AssertionError(f"never settled: {outcome}")


async def done(bench: Bench, connector: Any, outcome: Outcome) -> Done:
    end = await settled(bench, connector, outcome)
    assert isinstance(end, Done), end
    return end


async def refused(bench: Bench, connector: Any, outcome: Outcome) -> Refused:
    end = await settled(bench, connector, outcome)
    assert isinstance(end, Refused), end
    return end

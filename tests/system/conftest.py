"""The HTTP door over a real database, with callers whose roles a test chooses."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

import fairlead.reference
from fairlead.connectors._kit.buckets import limits_from
from fairlead.connectors._kit.tiers import read_tiers
from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import Gate, Services
from fairlead.edge.api.health import Readiness
from fairlead.edge.api.routing import Repeats
from fairlead.engine.availability import Availability
from fairlead.engine.baseline import Baselines
from fairlead.engine.carriers import Carriers
from fairlead.engine.certificates import Certificates
from fairlead.engine.events import Events, Pace
from fairlead.engine.findings import Findings
from fairlead.engine.fleet import Fleet
from fairlead.engine.home import Home
from fairlead.engine.imports import Imports
from fairlead.engine.jobs import Jobs
from fairlead.engine.journal import Journal
from fairlead.engine.layers import Layers
from fairlead.engine.mappings import Mappings
from fairlead.engine.register import Register
from fairlead.engine.sealing import Keyring, Sealer
from fairlead.engine.signing import SigningKeys
from fairlead.engine.stores import Stores
from fairlead.engine.strategies import Strategies
from fairlead.engine.timekeeper import Timekeeper
from fairlead.engine.timelines import Timelines
from fairlead.engine.usage import UsageDays
from fairlead.engine.views import Views
from fairlead.model.access import Principal, Role
from fairlead.model.ids import PrincipalId, TenantId, TokenId
from fairlead.model.reference import Reference
from fairlead.store.baseline import BaselineStore
from fairlead.store.buckets import Buckets
from fairlead.store.certificates import CertificateStore
from fairlead.store.changes import ChangeStore
from fairlead.store.counts import CountStore
from fairlead.store.database import Database
from fairlead.store.findings import FindingStore
from fairlead.store.fleet import FleetStore
from fairlead.store.home import HomeStore
from fairlead.store.imports import ImportStore
from fairlead.store.jobs import JobStore, RepeatStore
from fairlead.store.journal import JournalStore, append
from fairlead.store.mappings import MappingStore
from fairlead.store.moves import MoveStore
from fairlead.store.outages import OutageStore
from fairlead.store.planning import PlanStore
from fairlead.store.policies import PolicyStore
from fairlead.store.register import RegisterStore
from fairlead.store.timeline import TimelineStore
from fairlead.store.usage import UsageStore
from fairlead.store.views import ViewStore
from fairlead.wiring.house import CONNECTORS, check_settings

QUICK = Pace(publish_s=0.05, look_s=60.0, heartbeat_s=0.3, recheck_s=0.2, slow_s=1.0, listeners=3, backlog=5)
NOW = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


@dataclass(frozen=True)
class KnownCaller:
    principal: Principal
    token: TokenId | None = None


@dataclass
class OpenGate:
    """Takes a token such as `owner`, `operator@north` (a department) or `owner~other` (another tenant)."""

    tenants: dict[str, TenantId]
    ended: set[str] = field(default_factory=set)  # secrets that were revoked

    async def by_token(self, secret: str, *, now: datetime) -> KnownCaller | None:
        if secret in self.ended:
            return None
        rest, _, tenant = secret.partition("~")
        role, _, department = rest.partition("@")
        if role not in {
            "owner",
            "operator",
            "approver",
            "technician",
            "security",
            "compliance",
            "finance",
            "auditor",
            "vendor",
        }:
            return None
        principal = Principal(
            tenant=self.tenants[tenant or "acme"],
            id=PrincipalId(UUID(int=len(role) + 100)),
            roles=frozenset[Role]({role}),
            departments=frozenset({department} if department else ()),
        )
        return KnownCaller(principal=principal)

    async def by_session(
        self, secret: str, *, csrf: str | None, writing: bool, now: datetime, use: bool = True
    ) -> KnownCaller | None:
        return await self.by_token(secret, now=now) if not writing or csrf == "csrf" else None


@dataclass
class Api:
    """The door, and clients to it."""

    services: Services
    client: Callable[..., httpx.AsyncClient]
    database: Database
    tenant: TenantId
    timekeeper: Timekeeper
    app: FastAPI
    gate: OpenGate
    events: Events
    journal: Journal
    revoked: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def reference() -> Reference:
    """The world, read once."""
    return fairlead.reference.load()


@pytest_asyncio.fixture(loop_scope="session")
async def api(database: Database, tenant: TenantId, reference: Reference, tmp_path: Path) -> AsyncIterator[Api]:
    """A whole door: services over the test's own database, one tenant `acme` and an empty one `other`."""
    other = TenantId(UUID("018f0000-0000-7000-8000-00000000000f"))
    async with database.nameless() as conn:
        await conn.execute("select create_tenant(%s, %s, %s)", (other, "other", NOW))
    frozen = [NOW.timestamp()]
    timekeeper = Timekeeper.lab(1.0, NOW, real=lambda: frozen[0])
    fleet_store, counts = FleetStore(database), CountStore(database)
    revoked: list[str] = []

    async def note(_tenant: TenantId, device: str) -> None:
        revoked.append(device)

    sealer = Sealer(Keyring(current="k1", keys={"k1": b"k" * 32}))
    events = Events(QUICK)
    jobs = Jobs(JobStore(database), timekeeper, events=events)
    keys = SigningKeys(tmp_path / "keys", clock=timekeeper.now)
    journal = Journal(JournalStore(database), keys, clock=timekeeper.now, events=events)
    fleet = Fleet(fleet_store, counts, revoked=note)
    services = Services(
        timekeeper,
        events,
        journal,
        fleet,
        Carriers(
            fleet_store,
            sealer,
            {name: one.manifest for name, one in CONNECTORS.items()},
            buckets=Buckets(database),
            limits=limits_from,
            settings=check_settings,
            tiers={name: one.word for name, one in read_tiers().items()},
        ),
        Imports(ImportStore(database), counts, reference),
        jobs,
        Home(HomeStore(database)),
        Views(ViewStore(database)),
        Findings(database, FindingStore(), append, timekeeper.now),
        Timelines(TimelineStore(database)),
        Layers(fleet, reference),
        UsageDays(UsageStore(database)),
        Mappings(MappingStore(database)),
        Register(RegisterStore(database), reference),
        Baselines(BaselineStore(database), reference),
        Certificates(CertificateStore(database)),
        Availability(database, OutageStore(database), append),
        Strategies(
            Stores(
                transactions=database,
                policies=PolicyStore(),
                plans=PlanStore(),
                changes=ChangeStore(),
                moves=MoveStore(),
                append=append,
            ),
            fleet,
            reference,
        ),
        Readiness(),
    )
    services.add(reference, under=Reference)
    services.add(RepeatStore(database), under=Repeats)
    gate = OpenGate({"acme": tenant, "other": other})
    services.add(gate, under=Gate)
    app = create_app(services, file_limit=8 << 20)
    async with AsyncExitStack() as stack:
        clients: dict[str, httpx.AsyncClient] = {}

        def client(token: str | None = "owner") -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            headers = {"authorization": f"Bearer {token}"} if token else {}
            made = httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers)
            stack.push_async_callback(made.aclose)
            return clients.setdefault(str(token), made)

        yield Api(
            services=services,
            client=client,
            database=database,
            tenant=tenant,
            timekeeper=timekeeper,
            app=app,
            gate=gate,
            events=events,
            journal=journal,
            revoked=revoked,
        )
        await jobs.close()

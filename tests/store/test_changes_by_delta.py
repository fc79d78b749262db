"""Changes read by delta between whole sweeps: the Control Center connector before its fake, a real database behind."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest_asyncio
from tests.contract.bench import MANY, Clock, Levels, new_world

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors._kit.http import new_client
from fairlead.connectors.control_center.factory import FACTORY
from fairlead.engine.observe import FULL_EVERY, Observer
from fairlead.engine.ports.carrier import ChangedPage, Credential, Limit, NotFound, Secret, Unavailable
from fairlead.engine.ports.observing import SweptAccount
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import AccountId, TenantId
from fairlead.store.database import Database
from fairlead.store.imports import ImportStore
from fairlead.store.observing import ObservationStore
from fairlead_sim.carriers.control_center import ControlCenterFake
from fairlead_sim.carriers.serving import serving
from fairlead_sim.world.radio import World
from fairlead_sim.world.sims import Sim

SECRETS = {"user": "northwindapi", "api_key": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"}
ACCOUNT = AccountId(UUID(int=2))
LINES = 130  # three pages of a whole sweep


class NoClocks:
    async def read(self, *_: object) -> int:
        return 0


@dataclass
class Open:
    """One account, whatever its name; a test may put another connector there."""

    opened: object

    async def connector(self, _tenant: TenantId, _account: str) -> object:
        return self.opened

    async def staleness(self, _tenant: TenantId, _account: str) -> timedelta:
        return timedelta(0)


@dataclass
class Delta:
    clock: Clock
    world: World
    fake: ControlCenterFake
    database: Database
    tenant: TenantId
    carriers: Open
    observer: Observer
    lines: list[Sim] = field(default_factory=list)

    async def sql(self, query: str, *values: object) -> list[tuple]:
        async with self.database.tenant(self.tenant) as tx:
            found = await tx.execute(query, values)
            return await found.fetchall() if found.description else []

    async def read(self, **after: float) -> tuple[int, int]:
        """(SIMs that came, requests it took) of one turn."""
        self.clock.tick(**after)
        before = self.fake.desk.requests["search"]
        seen = await self.observer.sweep_all(self.tenant)
        return seen, self.fake.desk.requests["search"] - before

    async def account(self) -> SweptAccount:
        return (await self.observer.accounts(self.tenant))[0]

    async def suspended(self) -> set[str]:
        rows = await self.sql("select iccid from subscription where provider_state = 'DEACTIVATED'")
        return {row[0] for row in rows}


@pytest_asyncio.fixture(loop_scope="session")
async def delta(database: Database, tenant: TenantId) -> AsyncIterator[Delta]:
    clock = Clock()
    world = new_world(clock)
    fake = ControlCenterFake(world, "tr", **SECRETS, per_second=MANY, burst=MANY, monotonic=clock.monotonic)
    async with database.tenant(tenant) as tx:
        await tx.execute(
            "insert into account (tenant, id, name, connector, carrier, staleness_s, created_at, updated_at)"
            " values (%s, %s, 'tr', 'control_center', 'Anadolu Mobil', 0, %s, %s)",
            (tenant, ACCOUNT, clock(), clock()),
        )
    async with new_client() as http, serving(fake) as url:
        config = AccountConfig(
            tenant=tenant, account=ACCOUNT, name="tr", base_url=url, mnc_lengths={"286": frozenset({2})},
            limits={name: Limit(per_second=MANY, burst=MANY) for name in ("auth", "read", "write", "bulk")},
            settings={"terminate_as": "RETIRED"},
        )  # fmt: skip
        credential = Credential(fields={name: Secret(value) for name, value in SECRETS.items()})
        carriers = Open(FACTORY.open(config, credential, http, Levels(), now=clock, real=clock))
        timekeeper = Timekeeper(real=lambda: clock().timestamp())
        observer = Observer(database, ObservationStore(), carriers, NoClocks(), lambda plmn: None, timekeeper)
        made = Delta(clock, world, fake, database, tenant, carriers, observer)
        made.lines = world.issue("tr", LINES, state="active")
        clock.tick(hours=2)
        yield made


async def test_one_change_among_many_is_found_by_one_request(delta: Delta) -> None:
    whole, pages = await delta.read()
    assert (whole, pages) == (LINES, 3)
    assert await delta.read(minutes=30) == (0, 1)
    delta.world.set_state(delta.lines[70].iccid, "suspended")
    assert await delta.read(minutes=5) == (1, 1)
    assert await delta.suspended() == {delta.lines[70].iccid}
    delta.world.set_state(delta.lines[7].iccid, "suspended")
    seen, requests = await delta.read(hours=2)
    assert requests == 1
    assert seen in (1, 2)  # the carrier may tell the last one again
    assert await delta.suspended() == {delta.lines[70].iccid, delta.lines[7].iccid}


async def test_a_whole_sweep_comes_again_rarely(delta: Delta) -> None:
    await delta.read()
    swept = (await delta.account()).swept_at
    assert await delta.read(hours=5, minutes=59) == (0, 1)
    assert (await delta.account()).swept_at == swept
    assert timedelta(hours=6) == FULL_EVERY
    assert await delta.read(minutes=1) == (LINES, 3)


class Forgetful:
    """A carrier that reports changes as a test says, beside what it really does."""

    def __init__(self, real: object, answers: list[ChangedPage | Exception]) -> None:
        self.list_sims, self.changes_from, self.read_sim = real.list_sims, real.changes_from, real.read_sim
        self.answers = answers
        self.asked: list[str] = []

    async def list_changed(self, *, since: str) -> AsyncIterator[ChangedPage]:
        self.asked.append(since)
        for one in self.answers:
            if isinstance(one, Exception):
                raise one
            yield one


async def test_a_cursor_that_is_not_served_any_more_begins_anew(delta: Delta) -> None:
    await delta.read()
    old = (await delta.account()).cursor
    delta.carriers.opened = Forgetful(delta.carriers.opened, [NotFound("too old")])
    assert await delta.read(minutes=5) == (LINES, 3)
    assert (await delta.account()).cursor not in (None, old)


async def test_a_page_is_behind_us_when_it_is_kept_and_what_is_only_named_is_read(delta: Delta) -> None:
    await delta.read()
    sim = delta.lines[5]
    page = ChangedPage(sims=(), next="page 2", last=False, named=(sim.iccid,))
    delta.carriers.opened = Forgetful(delta.carriers.opened, [page, Unavailable("away")])
    delta.world.set_state(sim.iccid, "suspended")
    assert await delta.read(minutes=5) == (0, 0)
    failing = "select failure, failing_since is not null from account"
    assert await delta.sql(failing) == [("away", True)]
    assert (await delta.account()).cursor == "page 2"
    assert await delta.observer.look(delta.tenant) == 1
    assert await delta.suspended() == {sim.iccid}
    delta.carriers.opened.answers = [ChangedPage(sims=(), next="page 3", last=True)]
    await delta.read(minutes=5)
    assert delta.carriers.opened.asked[-1] == "page 2"
    assert await delta.sql(failing) == [(None, False)]


async def test_sims_that_were_left_to_an_import_come_with_the_next_turn(delta: Delta) -> None:
    async with ImportStore(delta.database).load(delta.tenant, "sims", now=delta.clock()):
        assert await delta.read() == (LINES, 3)
        assert await delta.sql("select count(*) from subscription") == [(0,)]
    assert (await delta.account()).cursor is None
    assert await delta.read(minutes=5) == (LINES, 3)
    assert await delta.sql("select count(*) from subscription") == [(LINES,)]
    new = delta.world.issue("tr", 1, state="active")[0]
    async with ImportStore(delta.database).load(delta.tenant, "sims", now=delta.clock()):
        delta.world.set_state(new.iccid, "suspended")
        assert await delta.read(minutes=5) == (1, 1)
    assert await delta.read(minutes=5) == (LINES + 1, 3)


async def test_a_name_that_nobody_knows_here_asks_for_a_whole_sweep(delta: Delta) -> None:
    await delta.read()
    page = ChangedPage(sims=(), next="page 2", last=True, named=("8990010000000009999",))
    delta.carriers.opened = Forgetful(delta.carriers.opened, [page])
    await delta.read(minutes=5)
    assert (await delta.account()).cursor is None

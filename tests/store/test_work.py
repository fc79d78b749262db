"""The loop goes where there is work: a hint commits with what it tells of, and a lost one only delays."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from fairlead.engine import journal as journal_room
from fairlead.engine import loop as loop_room
from fairlead.engine.changes import Which
from fairlead.engine.journal import Journal, entry
from fairlead.engine.loop import Loop, Reconciler
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.reconcilers import reconcilers
from fairlead.engine.signing import SigningKeys
from fairlead.model.ids import TenantId
from fairlead.model.journal import Action, Subject
from fairlead.model.lifecycle import ChangeState
from fairlead.store import statements
from fairlead.store.counts import refresh_counts
from fairlead.store.database import Database
from fairlead.store.journal import SEAL, JournalStore, append
from fairlead.store.migrate import migrations
from fairlead.store.observing import ObservationStore
from fairlead.store.work import WorkStore

from .fleet_on_paper import NOW, settle_fleet
from .loop_on_paper import clock, state_of
from .test_loop import PERSON, House, house, policy, states  # noqa: F401 - a fixture

OTHER = TenantId(UUID("018f0000-0000-7000-8000-00000000000f"))
KINDS = ("resolve", "moves", "stages", "prove")


class Seen:
    """Reconcilers that only count, over a real database."""

    def __init__(self, database: Database, *, now: Callable[[], object] = lambda: NOW) -> None:
        self.looked: list[tuple[str, TenantId]] = []
        self.work: dict[str, bool] = {}
        table = [Reconciler(name=name, reconcile=self._looking(name), every_s=1.0) for name in KINDS]
        self.loop = Loop(database, ObservationStore(), WorkStore(), table, now=now)  # type: ignore[arg-type]
        self.table = table

    def _looking(self, name: str):
        async def look(tenant: TenantId) -> bool:
            self.looked.append((name, tenant))
            return self.work.get(name, False)

        return look

    async def turn(self) -> list[tuple[str, TenantId]]:
        self.looked.clear()
        await self.loop.listen()
        for reconciler in self.table:
            await self.loop.turn(reconciler)
        return sorted(self.looked)


@pytest.fixture
async def seen(database: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Two tenants, none with work; nobody stays awake for nothing."""
    monkeypatch.setattr(loop_room, "STAYS_AWAKE_S", 0.0)
    async with database.nameless() as tx:
        await tx.execute("select create_tenant(%s, 'other', %s)", (OTHER, NOW))
        await tx.execute("delete from work")
    return Seen(database)


async def mark_dirty(database: Database, tenant: TenantId) -> None:
    async with database.tenant(tenant) as tx:
        await tx.execute("insert into dirty (tenant, device) values (%s, %s)", (tenant, UUID(int=1)))


async def test_only_a_tenant_with_work_is_looked_at(database: Database, tenant: TenantId, seen: Seen) -> None:
    assert await seen.turn() == []
    await mark_dirty(database, tenant)
    assert await seen.turn() == [("resolve", tenant)]
    assert await seen.turn() == [("resolve", tenant)], "its rows say that more waits"
    async with database.tenant(tenant) as tx:
        await tx.execute("delete from dirty")
    await seen.turn()
    assert await seen.turn() == []


async def test_a_hint_comes_with_its_work_or_not_at_all(database: Database, tenant: TenantId, seen: Seen) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with database.tenant(tenant) as tx:
            await tx.execute("insert into dirty (tenant, device) values (%s, %s)", (tenant, UUID(int=1)))
            assert await seen.turn() == [], "not committed yet"
            raise ZeroDivisionError
    assert await seen.turn() == []
    async with database.tenant(tenant) as tx:  # a statement that writes nothing says nothing
        await tx.execute("insert into dirty (tenant, device) select tenant, device from dirty")
    assert await seen.turn() == []


async def test_two_who_make_work_do_not_wait_for_each_other(database: Database, tenant: TenantId) -> None:
    async with database.tenant(tenant) as one, database.tenant(tenant) as two:
        for tx, device in ((one, 1), (two, 2), (one, 3)):
            async with asyncio.timeout(5):
                await tx.execute("insert into dirty (tenant, device) values (%s, %s)", (tenant, UUID(int=device)))


async def test_a_lost_hint_only_delays(database: Database, tenant: TenantId, seen: Seen) -> None:
    await mark_dirty(database, tenant)
    async with database.nameless() as tx:
        await tx.execute("delete from work")
    assert await seen.turn() == []
    await seen.loop.sweep()
    assert await seen.turn() == [("resolve", tenant)]


async def test_work_goes_on_while_there_is_some_and_after_a_failure(
    database: Database, tenant: TenantId, seen: Seen
) -> None:
    seen.loop.nudge(tenant, "moves")
    seen.work["moves"] = True
    for _ in range(3):
        assert await seen.turn() == [("moves", tenant)]
    seen.work["moves"] = False
    await seen.turn()
    assert await seen.turn() == []

    async def fails(_tenant: TenantId) -> bool:
        raise RuntimeError("not today")

    broken = Reconciler(name="prove", reconcile=fails, every_s=1.0)
    seen.loop.nudge(tenant, "prove")
    for _ in range(3):
        assert not await seen.loop.turn(broken)
        assert tenant in seen.loop.awake("prove"), "it is tried again"


async def test_a_tenant_stays_awake_for_a_while_without_being_asked(
    database: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_room, "STAYS_AWAKE_S", 60.0)
    seen = Seen(database)
    seen.loop.nudge(tenant, "moves")
    assert ("moves", tenant) in await seen.turn()
    assert ("moves", tenant) in await seen.turn()


async def test_two_processes_never_take_the_same_hint(database: Database, tenant: TenantId) -> None:
    async with database.nameless() as tx:
        await tx.execute("delete from work")
        await tx.execute(
            "insert into work (tenant, kind, next_at) select %s, 'resolve', '-infinity' from generate_series(1, 100)",
            (tenant,),
        )
        await tx.execute(
            "insert into work (tenant, kind, next_at) values (%s, 'resolve', %s), (%s, 'elsewhere', '-infinity')",
            (tenant, NOW + timedelta(hours=1), tenant),
        )

    async def take() -> int:
        async with database.nameless() as tx:
            return len(await WorkStore().take(tx, ["resolve"], NOW))

    assert sum(await asyncio.gather(take(), take(), take())) == 100


class Driven:
    """The loop with reconcilers that work, over carriers and devices on paper: it moves by hints and nothing else."""

    def __init__(self, on_paper: House) -> None:
        self.house = on_paper
        table = [
            Reconciler(name=name, reconcile=act, every_s=1.0)
            for name, act in {
                "resolve": self.resolve, "waves": self.waves, "moves": self.moves, "stages": self.stages,
                "carriers": self.carriers, "prove": self.prove,
            }.items()
        ]  # fmt: skip
        self.table = table
        self.loop = Loop(on_paper.database, ObservationStore(), WorkStore(), table, now=lambda: on_paper.now)

    async def resolve(self, tenant: TenantId) -> bool:
        return await self.house.resolver.dirty(tenant, self.house.now) is not None

    async def waves(self, tenant: TenantId) -> bool:
        return await self.house.waves.tick(tenant, self.house.now) > 0

    async def moves(self, tenant: TenantId) -> bool:
        return (await self.house.moving.tick(tenant)).moves > 0

    async def stages(self, tenant: TenantId) -> bool:
        done = await self.house.stages.tick(tenant, self.house.now)
        return done.decided + done.opened + done.settled > 0

    async def carriers(self, tenant: TenantId) -> bool:
        return await self.house.carriers_answer() > 0

    async def prove(self, tenant: TenantId) -> bool:
        await self.house.devices_obey()
        return False

    async def until(self, there: Callable[[], Awaitable[bool]]) -> None:
        for _ in range(80):
            if await there():
                return
            clock(self.house, timedelta(seconds=5))
            await self.loop.listen()
            for reconciler in self.table:
                await self.loop.turn(reconciler)
        awake = [r.name for r in self.table if self.loop.awake(r.name)]
        raise AssertionError(
            await states(self.house),
            awake,
            await self.house.sql("select state, count(*) from change group by 1"),
            await self.house.sql("select kind, count(*) from exception group by 1"),
        )

    def asleep(self) -> bool:
        return not any(self.loop.awake(reconciler.name) for reconciler in self.table)


async def test_a_change_goes_its_whole_way_and_back_by_hints_alone(
    house: House,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop_room, "STAYS_AWAKE_S", 0.0)
    devices = await settle_fleet(house.database, house.tenant, 20)
    async with house.database.nameless() as tx:
        await tx.execute("delete from work")
    driven = Driven(house)
    _, change = await house.plan_and_apply(policy("BR"))
    assert isinstance(change, ChangeRow)

    async def stands() -> bool:
        return await state_of(house, change) is ChangeState.STANDING and driven.asleep()

    await driven.until(stands)
    assert await states(house) == {"BR": {3: 10}}

    await house.sql("insert into dirty (tenant, device) values (%s, %s) returning device", house.tenant, devices[1])
    await driven.until(lambda: resolved(house, devices[1]))

    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="", preview=False, now=house.now
    )

    async def undone() -> bool:
        return (await states(house)).get("BR", {}).get(6) == 10 and driven.asleep()

    await driven.until(undone)


async def resolved(house: House, device: UUID) -> bool:  # noqa: F811
    return not await house.sql("select 1 from dirty where device = %s", device)


def known_kinds() -> set[str]:
    table = reconcilers(None, None, None, sweep_every_s=1.0)  # type: ignore[arg-type]
    return {r.name for r in table if r.hinted}


def test_every_kind_of_hint_has_a_reconciler_and_every_reconciler_a_hint() -> None:
    hinted = {
        kind
        for migration in migrations()
        for arguments in re.findall(r"execute function hint\w*\(([^)]*)\)", migration.text)
        for kind in re.findall(r"'(\w+)'", arguments)
    }
    assert hinted == known_kinds()
    owed = set(re.findall(r"[(\[ ]'(\w+)'[,\]]", statements.load("work")["owed"]))
    assert owed == known_kinds()


async def test_counts_are_owed_when_they_are_old(database: Database, tenant: TenantId) -> None:
    async with database.tenant(tenant) as tx:
        assert await WorkStore().owed(tx, tenant, NOW) == {"counts"}
        await refresh_counts(tx, tenant, NOW)
        assert await WorkStore().owed(tx, tenant, NOW + timedelta(minutes=9)) == set()
        assert await WorkStore().owed(tx, tenant, NOW + timedelta(minutes=10)) == {"counts"}


async def test_an_idle_tenants_rows_are_asked_by_index(database: Database, tenant: TenantId) -> None:
    async with database.tenant(tenant) as tx:
        await tx.execute("set local enable_seqscan = off")
        rows = await (
            await tx.execute("explain " + statements.load("work")["owed"], {"tenant": tenant, "now": NOW})
        ).fetchall()
    plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan, plan


# --- the sealer ----------------------------------------------------------------------------------


async def test_lines_are_sealed_by_hint_and_a_lost_hint_only_delays(
    database: Database, tenant: TenantId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = SigningKeys(tmp_path, clock=lambda: NOW)
    asked: list[TenantId] = []

    class Store(JournalStore):
        async def seal(self, tenant: TenantId, **given):  # type: ignore[override]
            asked.append(tenant)
            return await super().seal(tenant, **given)

    journal = Journal(Store(database), keys, clock=lambda: NOW)
    await journal.seal_some()  # the first look is at everybody
    asked.clear()
    async with database.nameless() as tx:
        await tx.execute("select create_tenant(%s, 'other', %s)", (OTHER, NOW))
    line = entry(
        tenant=tenant, at=NOW, actor="a", action=Action.EXPORT_MADE, subject=Subject(kind="tenant", id="x"), payload={}
    )
    assert await journal.seal_some() == 0
    assert asked == []
    await journal.append(tenant, [line])
    assert await journal.seal_some() == 1
    assert set(asked) == {tenant}
    async with database.tenant(tenant) as tx:
        await append(tx, [entry(
            tenant=tenant, at=NOW, actor="a", action=Action.EXPORT_MADE, subject=Subject(kind="tenant", id="y"), payload={}
        )])  # fmt: skip
    async with database.nameless() as tx:
        await tx.execute("delete from work where kind = %s", (SEAL,))
    monkeypatch.setattr(journal, "_awake", {})
    assert await journal.seal_some() == 0
    monkeypatch.setattr(journal, "_all_at", time.monotonic() - journal_room.SEAL_ALL_EVERY_S)
    assert await journal.seal_some() == 1

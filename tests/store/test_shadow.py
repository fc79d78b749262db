"""Shadows on a real PostgreSQL: versions, merging, what counts as acknowledged, and two processes at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from psycopg.types.json import Jsonb

from fairlead.edge.mqtt.shadow import ARITHMETIC
from fairlead.engine.devicedoor import Door
from fairlead.engine.ports.devicedoor import Admitted, Refusal, Refused
from fairlead.engine.ports.shadow import ShadowWrite, Unkeepable
from fairlead.engine.shadow import Ask, Delete, Forgotten, Get, Rejected, Shadow, Shadows, Update, Updated
from fairlead.model.document import canonical, digest
from fairlead.model.ids import TenantId
from fairlead.store.database import Connection, Database
from fairlead.store.devicedoor import DoorStore
from fairlead.store.moves import MoveStore
from fairlead.store.shadow import ShadowStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NETWORK, CONFIG, FIRMWARE, FLAGS = 1, 2, 3, 4
ACCOUNT, CARD, CHANGE, OPERATION = (UUID(int=n) for n in (901, 902, 903, 904))
ICCID = "8988211000000000017"


def device(n: int) -> UUID:
    return UUID(int=1000 + n)


@dataclass
class Fleet:
    """A tenant with five devices, and the service in front of it."""

    database: Database
    tenant: TenantId
    shadows: Shadows
    now: list[datetime] = field(default_factory=lambda: [NOW])

    async def ask(self, *asks: Ask) -> list[Any]:
        return (await self.shadows.apply(self.tenant, asks)).answers

    async def report(self, n: int, facet: int, patch: dict[str, Any] | None, version: int | None = None) -> Any:
        return (await self.ask(Update(device=f"d{n}", facet=facet, patch=patch, version=version)))[0]

    async def one(self, query: str, *values: Any) -> Any:
        async with self.database.tenant(self.tenant) as tx:
            row = await (await tx.execute(query, values)).fetchone()  # type: ignore[arg-type]
            return row if row is None or len(row) > 1 else row[0]

    async def offer(self, n: int, facet: int, content: dict[str, Any], generation: int = 1) -> None:
        """What the dispatcher does in its own transaction."""
        async with self.database.tenant(self.tenant) as tx:
            made = await tx.execute(
                "insert into document (tenant, digest, content) values (%s, %s, %s) "
                "on conflict (tenant, digest) do update set content = excluded.content returning id",
                (self.tenant, digest(canonical(content)), Jsonb(content)),
            )
            row = await made.fetchone()
            assert row is not None
            await tx.execute(
                "insert into facet (tenant, device, facet, desired, generation, offered, offered_generation, changed_at) "
                "values (%(t)s, %(d)s, %(f)s, %(c)s, %(g)s, %(c)s, %(g)s, %(now)s) on conflict (tenant, device, facet) "
                "do update set desired = %(c)s, generation = %(g)s, offered = %(c)s, offered_generation = %(g)s",
                {"t": self.tenant, "d": device(n), "f": facet, "c": row[0], "g": generation, "now": NOW},
            )

    async def observed(self, n: int, facet: int) -> int:
        return await self.one(
            "select observed_generation from facet where device = %s and facet = %s", device(n), facet
        )

    async def dirty(self) -> set[UUID]:
        async with self.database.tenant(self.tenant) as tx:
            rows = await (await tx.execute("delete from dirty returning device")).fetchall()
            return {row[0] for row in rows}


async def fill(tx: Connection, tenant: TenantId) -> None:
    await tx.execute(
        "insert into account (tenant, id, name, connector, carrier, created_at, updated_at) "
        "values (%s, %s, 'northwind-de', 'none', 'Northwind', %s, %s)", (tenant, ACCOUNT, NOW, NOW))  # fmt: skip
    for n in range(5):
        await tx.execute(
            "insert into device (tenant, id, name, state, secret_hash, created_at, updated_at) "
            "values (%s, %s, %s, 3, %s, %s, %s)",
            (tenant, device(n), f"d{n}", sha256(f"secret-{n}".encode()).digest(), NOW, NOW))  # fmt: skip
        await tx.execute("insert into fact (tenant, device) values (%s, %s)", (tenant, device(n)))
    await tx.execute(
        "insert into profile (tenant, id, card, device, account, slot, iccid, iccid_raw) "
        "values (%s, %s, %s, %s, %s, 2, %s, %s)", (tenant, CARD, CARD, device(0), ACCOUNT, ICCID, ICCID))  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def fleet(database: Database, tenant: TenantId) -> Fleet:
    async with database.tenant(tenant) as tx:
        await fill(tx, tenant)
    now = [NOW]
    shadows = Shadows(database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=lambda: now[0])
    return Fleet(database=database, tenant=tenant, shadows=shadows, now=now)


# --- states and versions -------------------------------------------------------------------------


async def test_reports_merge_and_count_up(fleet: Fleet) -> None:
    first = await fleet.report(1, FLAGS, {"a": 1, "b": {"c": 2, "d": 3}})
    second = await fleet.report(1, FLAGS, {"a": None, "b": {"c": 5}}, version=1)
    assert isinstance(first, Updated)
    assert isinstance(second, Updated)
    assert (first.after.version, second.after.version) == (1, 2)
    assert second.before.reported == {"a": 1, "b": {"c": 2, "d": 3}}
    kept = await fleet.one("select version, state, at from reported where device = %s", device(1))
    assert kept == (2, {"b": {"c": 5, "d": 3}}, NOW)


async def test_a_version_that_has_passed_is_a_conflict_and_changes_nothing(fleet: Fleet) -> None:
    await fleet.report(1, FLAGS, {"a": 1})
    answer = await fleet.report(1, FLAGS, {"a": 2}, version=7)
    assert isinstance(answer, Rejected)
    assert answer.code == 409
    assert await fleet.one("select version, state from reported where device = %s", device(1)) == (1, {"a": 1})


async def test_requests_of_one_shadow_in_one_batch_keep_their_order(fleet: Fleet) -> None:
    answers = await fleet.ask(
        Update(device="d1", facet=FLAGS, patch={"a": 1}),
        Get(device="d1", facet=FLAGS),
        Update(device="d1", facet=FLAGS, patch={"a": 2}, version=1),
        Update(device="d1", facet=FLAGS, patch={"a": 3}, version=1),
        Update(device="d2", facet=FLAGS, patch={"z": 1}),
        Delete(device="d1", facet=FLAGS),
        Get(device="d1", facet=FLAGS),
    )
    assert [type(each) for each in answers] == [Updated, Shadow, Updated, Rejected, Updated, Forgotten, Shadow]
    assert (answers[1].version, answers[1].reported) == (1, {"a": 1})
    assert (answers[6].version, answers[6].reported) == (3, {})
    assert await fleet.one("select version, state from reported where device = %s", device(1)) == (3, {})


async def test_forgetting_by_null_and_by_delete(fleet: Fleet) -> None:
    await fleet.report(1, FLAGS, {"a": 1})
    await fleet.report(1, FLAGS, None)
    assert await fleet.one("select version, state from reported where device = %s", device(1)) == (2, {})
    nothing = await fleet.ask(Delete(device="d2", facet=FLAGS), Get(device="d2", facet=FLAGS))
    assert [each.code for each in nothing] == [404, 404]


async def test_a_document_that_grows_beyond_the_limit_is_refused(fleet: Fleet) -> None:
    await fleet.report(1, FLAGS, {"a": "x" * 4_000})
    answer = await fleet.report(1, FLAGS, {"b": "x" * 4_090, "c": "x" * 200})
    assert isinstance(answer, Rejected)
    assert answer.code == 413
    assert await fleet.one("select version from reported where device = %s", device(1)) == 1


async def test_a_device_that_does_not_exist_is_told_so_and_harms_nobody(fleet: Fleet) -> None:
    answers = await fleet.ask(
        Update(device="ghost", facet=FLAGS, patch={"a": 1}), Update(device="d1", facet=FLAGS, patch={"a": 1})
    )
    assert isinstance(answers[0], Rejected)
    assert answers[0].code == 404
    assert isinstance(answers[1], Updated)
    assert await fleet.shadows.tenant("nobody") is None
    assert await fleet.shadows.tenant("acme") == fleet.tenant


async def test_an_old_report_that_comes_again_changes_nothing(fleet: Fleet) -> None:
    """Delivered twice, the second time by another server and after a newer one."""
    other = Shadows(fleet.database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=lambda: NOW)
    old = Update(device="d1", facet=FLAGS, patch={"lights": 1}, said_at=100)
    await fleet.ask(old)
    await fleet.ask(Update(device="d1", facet=FLAGS, patch={"lights": 2}, said_at=101))
    (again,) = (await other.apply(fleet.tenant, [old])).answers
    assert isinstance(again, Rejected)
    assert again.code == 409
    assert "101" in again.message
    assert await fleet.one("select version, state, said_at from reported") == (2, {"lights": 2}, 101)
    same = await fleet.ask(Update(device="d1", facet=FLAGS, patch={"lights": 2}, said_at=101))
    assert isinstance(same[0], Updated)  # the answer to the newest was lost: it is said again, and merges to the same
    other_facet = await fleet.ask(Update(device="d1", facet=CONFIG, patch={"a": 1}, said_at=5))
    assert isinstance(other_facet[0], Updated)


async def test_old_and_new_in_one_batch_are_taken_in_their_order(fleet: Fleet) -> None:
    answers = await fleet.ask(
        Update(device="d1", facet=FLAGS, patch={"lights": 2}, said_at=8),
        Update(device="d1", facet=FLAGS, patch={"lights": 1}, said_at=7),
        Update(device="d1", facet=FLAGS, patch={"plain": 1}),
        Update(device="d1", facet=FLAGS, patch={"lights": 0}, said_at=7),
    )
    assert [type(each) for each in answers] == [Updated, Rejected, Updated, Rejected]
    assert await fleet.one("select state, said_at from reported") == ({"lights": 2, "plain": 1}, 8)


async def test_a_device_whose_clock_fell_back_is_heard_by_the_version(fleet: Fleet) -> None:
    await fleet.ask(Update(device="d1", facet=FLAGS, patch={"a": 1}, said_at=1_700_000_000))
    late = Update(device="d1", facet=FLAGS, patch={"a": 2}, said_at=3)
    assert isinstance((await fleet.ask(late))[0], Rejected)
    known = Update(device="d1", facet=FLAGS, patch={"a": 2}, said_at=3, version=1)
    assert isinstance((await fleet.ask(known))[0], Updated)
    assert await fleet.one("select state, said_at from reported") == ({"a": 2}, 3)
    assert isinstance((await fleet.ask(Update(device="d1", facet=FLAGS, patch={"a": 3}, said_at=4)))[0], Updated)
    await fleet.ask(Delete(device="d1", facet=FLAGS))
    assert isinstance((await fleet.ask(late))[0], Rejected)  # what was forgotten does not come back


# --- desired, delta, acknowledgement -------------------------------------------------------------


async def test_what_is_offered_shows_and_counts_as_observed_once_reported(fleet: Fleet) -> None:
    await fleet.offer(1, CONFIG, {"interval_s": 300, "gps": {"on": True}}, generation=3)
    partly = await fleet.report(1, CONFIG, {"interval_s": 300, "uptime_s": 4})
    assert partly.after.delta == {"gps": {"on": True}}
    assert partly.push
    assert await fleet.observed(1, CONFIG) == 0
    wholly = await fleet.report(1, CONFIG, {"gps": {"on": True}})
    assert wholly.after.delta == {}
    assert not wholly.push
    assert await fleet.observed(1, CONFIG) == 3


async def test_desired_ahead_of_the_offer_stays_out_of_sight(fleet: Fleet) -> None:
    await fleet.offer(1, CONFIG, {"interval_s": 300})
    async with fleet.database.tenant(fleet.tenant) as tx:
        await tx.execute("update facet set desired = null, generation = 2")
    (shadow,) = await fleet.ask(Get(device="d1", facet=CONFIG))
    assert shadow.desired == shadow.delta == {"interval_s": 300}
    await fleet.report(1, CONFIG, {"interval_s": 300})
    assert await fleet.observed(1, CONFIG) == 1


async def test_an_offer_that_moves_on_while_a_report_is_judged_is_not_acknowledged_by_it(fleet: Fleet) -> None:
    await fleet.offer(1, CONFIG, {"interval_s": 300}, generation=1)
    store = ShadowStore()
    async with fleet.database.tenant(fleet.tenant) as tx:
        (row,) = await store.read(tx, fleet.tenant, [(device(1), CONFIG)])
        await fleet.offer(1, CONFIG, {"interval_s": 60}, generation=2)
        write = ShadowWrite(device(1), CONFIG, 0, 1, b'{"interval_s":300}', row.offered_generation, None, None)
        assert await store.write(tx, [write], NOW) == {(device(1), CONFIG)}
    assert await fleet.observed(1, CONFIG) == 0


async def test_a_network_names_the_device_s_own_card_and_hints_need_no_report(fleet: Fleet) -> None:
    content = {"carrier": "northwind-de", "apn": "iot.northwind", "method": "slot", "lease_s": 900}
    await fleet.offer(0, NETWORK, content)
    (shadow,) = await fleet.ask(Get(device="d0", facet=NETWORK))
    assert shadow.desired == content | {"iccid": ICCID, "slot": 2}
    assert shadow.delta == shadow.desired
    answer = await fleet.report(
        0, NETWORK, {"carrier": "northwind-de", "apn": "iot.northwind", "iccid": ICCID, "slot": 2}
    )
    assert answer.after.delta == {}
    assert await fleet.observed(0, NETWORK) == 1


async def test_only_the_network_facet_has_hints(fleet: Fleet) -> None:
    await fleet.offer(1, CONFIG, {"method": "tls"})
    answer = await fleet.report(1, CONFIG, {"other": 1})
    assert answer.after.delta == {"method": "tls"}


async def test_nulls_in_a_document_ask_for_nothing(fleet: Fleet) -> None:
    await fleet.offer(1, CONFIG, {"interval_s": 300, "proxy": None})
    await fleet.report(1, CONFIG, {"interval_s": 300})
    assert await fleet.observed(1, CONFIG) == 1


# --- refusals ------------------------------------------------------------------------------------


async def operation(fleet: Fleet, facet: int) -> None:
    """A step of a move, dispatched to the first device."""
    async with fleet.database.tenant(fleet.tenant) as tx:
        await tx.execute(
            "insert into move (tenant, change, device, wave, situation, stratum, stage, state, from_class, to_class, "
            "next_at, opened_at) values (%s, %s, %s, 0, 1, 1, 1, 2, 0, 1, %s, %s)",
            (fleet.tenant, CHANGE, device(0), NOW + timedelta(hours=1), NOW))  # fmt: skip
        await tx.execute(
            "insert into operation (tenant, id, change, wave, device, subject, subject_kind, facet, generation, step, "
            "attempt, driver, verb, state, dispatched_at, deadline) "
            "values (%s, %s, %s, 0, %s, %s, 1, %s, 1, 0, 1, 'shadow', 'write', 2, %s, %s)",
            (fleet.tenant, OPERATION, CHANGE, device(0), device(0), facet, NOW, NOW + timedelta(hours=1)))  # fmt: skip


@pytest.mark.parametrize(("iccid", "state"), [(ICCID, 6), ("8988211000000000025", 2)])
async def test_a_no_to_the_offered_card_fails_the_step_and_a_late_one_does_not(
    fleet: Fleet, iccid: str, state: int
) -> None:
    await fleet.offer(0, NETWORK, {"carrier": "northwind-de", "apn": "iot.northwind"})
    await operation(fleet, NETWORK)
    refused = {"carrier": "northwind-de", "iccid": iccid, "reason": "no-registration"}
    answer = await fleet.report(0, NETWORK, {"carrier": "home", "refused": refused})
    assert isinstance(answer, Updated)
    assert answer.push is (state == 2)  # whoever said no is not asked the same again at once
    assert await fleet.one("select state from reported where device = %s", device(0)) == {"carrier": "home"}
    found = await fleet.one("select o.state, o.reason, m.next_at from operation o join move m using (tenant, device)")
    assert found == ((6, "no-registration", NOW) if state == 6 else (2, None, NOW + timedelta(hours=1)))


async def test_a_no_to_a_configuration(fleet: Fleet) -> None:
    await fleet.offer(0, CONFIG, {"interval_s": -1})
    await operation(fleet, CONFIG)
    applied = await fleet.shadows.apply(
        fleet.tenant, [Update(device="d0", facet=CONFIG, patch={"refused": {"reason": "out-of-range"}})]
    )
    assert applied.moved
    assert await fleet.one("select state, reason from operation") == (6, "out-of-range")


@pytest.mark.parametrize("refused", ["no", {}, {"reason": 5}, {"reason": ""}, {"reason": "x", "iccid": 5}])
async def test_a_malformed_no_is_refused(fleet: Fleet, refused: Any) -> None:
    answer = await fleet.report(0, NETWORK, {"refused": refused})
    assert isinstance(answer, Rejected)
    assert answer.code == 400


# --- facts ---------------------------------------------------------------------------------------


async def test_contact_is_kept_and_only_facts_that_policies_read_make_a_device_dirty(fleet: Fleet) -> None:
    async def fact() -> Any:
        return await fleet.one("select last_contact_at, firmware, config_hash from fact where device = %s", device(1))

    await fleet.report(1, FLAGS, {"a": 1})
    assert await fact() == (NOW, None, None)
    assert await fleet.dirty() == set()
    fleet.now[0] = NOW + timedelta(minutes=1)
    await fleet.ask(
        Update(device="d1", facet=FIRMWARE, patch={"version": "4.2.1"}),
        Update(device="d1", facet=CONFIG, patch={"b": 2, "a": 1}),
        Update(device="d2", facet=FIRMWARE, patch={"progress": 7}),
    )
    assert await fact() == (fleet.now[0], "4.2.1", sha256(b'{"a":1,"b":2}').hexdigest())
    assert await fleet.dirty() == {device(1)}
    await fleet.report(1, CONFIG, {"a": 1})
    await fleet.report(1, FIRMWARE, {"version": "4.2.1"})
    assert await fleet.dirty() == set()
    await fleet.report(1, CONFIG, {"a": 2})
    assert await fleet.dirty() == {device(1)}


# --- several processes, and what cannot be kept ----------------------------------------------------


async def test_processes_that_share_a_device_lose_no_update(fleet: Fleet) -> None:
    """Each of two services reports another key, over and over; all merges are there in the end."""
    other = Shadows(fleet.database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=lambda: NOW)

    async def report(shadows: Shadows, key: str) -> int:
        accepted = 0
        for turn in range(30):
            ask: Sequence[Ask] = [Update(device=f"d{n}", facet=FLAGS, patch={f"{key}{turn}": 1}) for n in range(5)]
            answers = (await shadows.apply(fleet.tenant, ask)).answers
            accepted += sum(isinstance(each, Updated) for each in answers)
        return accepted

    counts = await asyncio.gather(report(fleet.shadows, "a"), report(other, "b"))
    keys = await fleet.one("select sum((select count(*) from jsonb_object_keys(state)))::int from reported")
    assert keys == sum(counts)
    assert await fleet.one("select sum(version)::int from reported") == sum(counts)
    assert sum(counts) > 150


async def test_of_two_with_the_same_version_one_wins(fleet: Fleet) -> None:
    other = Shadows(fleet.database, ShadowStore(), MoveStore(), arithmetic=ARITHMETIC, now=lambda: NOW)
    for version in range(10):
        asks = [[Update(device="d1", facet=FLAGS, patch={who: version}, version=version)] for who in "ab"]
        answers = await asyncio.gather(fleet.shadows.apply(fleet.tenant, asks[0]), other.apply(fleet.tenant, asks[1]))
        kinds = sorted(type(each.answers[0]).__name__ for each in answers)
        assert kinds == ["Rejected", "Updated"]
    assert await fleet.one("select version from reported") == 10


async def test_what_postgresql_cannot_keep_is_said_so_and_nothing_is_half_done(fleet: Fleet) -> None:
    with pytest.raises(Unkeepable):
        await fleet.ask(
            Update(device="d1", facet=FLAGS, patch={"a": 1}), Update(device="d2", facet=FLAGS, patch={"a": "\0"})
        )
    assert await fleet.one("select count(*) from reported") == 0


async def test_looking_answers_names_and_what_is_missing(fleet: Fleet) -> None:
    await fleet.offer(0, NETWORK, {"carrier": "northwind-de"})
    await fleet.offer(1, CONFIG, {"a": 1})
    name, found = await fleet.shadows.look(
        fleet.tenant, [(device(0), [NETWORK]), (device(1), [CONFIG, FLAGS]), (UUID(int=5), [CONFIG])]
    )
    assert name == "acme"
    assert {(who, facet): shadow.delta for who, facet, shadow in found} == {
        ("d0", NETWORK): {"carrier": "northwind-de", "iccid": ICCID, "slot": 2},
        ("d1", CONFIG): {"a": 1},
        ("d1", FLAGS): {},
    }


# --- the door ------------------------------------------------------------------------------------


async def test_the_door_judges_by_row_and_secret(fleet: Fleet) -> None:
    door = Door(fleet.database, DoorStore(), real_now=lambda: NOW, lasts=timedelta(hours=1))
    admitted = Admitted(tenant=fleet.tenant, device=device(1), expires=NOW + timedelta(hours=1))  # type: ignore[arg-type]
    assert await door.admit("acme", "d1", "secret-1") == admitted
    assert await door.admit("acme", "d1", "secret-2") == Refused(reason=Refusal.WRONG_SECRET)
    assert await door.admit("acme", "ghost", "secret-1") == Refused(reason=Refusal.UNKNOWN)
    assert await door.admit("nobody", "d1", "secret-1") == Refused(reason=Refusal.UNKNOWN)
    async with fleet.database.tenant(fleet.tenant) as tx:
        await tx.execute("update device set state = 4 where name = 'd2'")
        await tx.execute("update device set state = 5 where name = 'd3'")
        await tx.execute("update device set secret_hash = null where name = 'd4'")
    assert await door.admit("acme", "d2", "secret-2") == Refused(reason=Refusal.QUARANTINED)
    assert await door.admit("acme", "d2", "wrong") == Refused(reason=Refusal.WRONG_SECRET)
    assert await door.admit("acme", "d3", "secret-3") == Refused(reason=Refusal.RETIRED)
    assert await door.admit("acme", "d4", "secret-4") == Refused(reason=Refusal.REVOKED)

"""Shipments against a real PostgreSQL: judged by the set, let out by one transaction, activated, counted on arrival."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from uuid import UUID

import fairlead.reference
from fairlead.engine.arrivals import Arrivals
from fairlead.engine.changes import Conflict, Which
from fairlead.engine.findings import Findings
from fairlead.engine.fleet import Actor
from fairlead.engine.plans import Hand
from fairlead.engine.ports.shipments import Shipment
from fairlead.engine.shipments import ShipmentAsked, Shipments, Unfit
from fairlead.model.facet import Facet
from fairlead.model.ids import PrincipalId
from fairlead.model.lifecycle import ChangeState, ShipmentState
from fairlead.model.resources import Condition
from fairlead.policy.check import read_expression
from fairlead.store.findings import FindingStore
from fairlead.store.journal import append
from fairlead.store.shipments import ShipmentStore

from .fleet_on_paper import NOW, settle_fleet
from .loop_on_paper import applied, clock, config, documents, rows
from .test_bulk import PLAIN, allowed
from .test_life import heard, lives, outside
from .test_loop import House, house

__all__ = ["house"]  # the fixture

S = ShipmentState
SENDER = Hand(person=PrincipalId(UUID(int=7)), actor="usr_sender")
CHECKER = Hand(person=PrincipalId(UUID(int=9)), actor="usr_checker")
REFERENCE = fairlead.reference.load()


def made(house: House) -> Shipments:
    ables = allowed(lambda connector: PLAIN)
    return Shipments(house.stores, ShipmentStore(), house.planner, house.changes, watcher(house), REFERENCE, ables)


def watcher(house: House) -> Arrivals:
    findings = Findings(house.database, FindingStore(), append, lambda: house.now)
    return Arrivals(house.stores, ShipmentStore(), findings)


def actor(house: House, hand: Hand = SENDER) -> Actor:
    return Actor(tenant=house.tenant, name=hand.actor)


def asked(*names: str, country: str = "TR", match: str | None = None, **other: object) -> ShipmentAsked:
    condition = None if match is None else Condition(text=match, expr=read_expression(match, context="device"))
    given = {"sku": None, "leaves_on": date(2026, 3, 5), "arrives_on": date(2026, 4, 1), "route": "", "note": ""}
    return ShipmentAsked(country=country, names=names, match=condition, **(given | other))


async def lawful(house: House, country: str = "TR", account: str = "local-tr", sku: str = "TRK-1") -> None:
    """Everything that a shipment of local SIMs to a country wants to be known."""
    for n, (text, *values) in enumerate([
        ("update account set home_country = %s where name = %s", country, account),
        ("update account set home_country = 'GB' where name = 'global'",),
        ("update device set imei = lpad((100 + right(name, 4)::int)::text, 15, '35'), serial = 'sn-' || name",),
        (("insert into coverage (tenant, account, country, rat, source, as_of)"
         " select %s, id, %s, 'LTE-M', 'its list', '2026-02-01' from account where name = %s"),
         house.tenant, country, account),
        ("insert into sku (tenant, sku, rats, updated_at) values (%s, %s, '{LTE-M}', %s) on conflict do nothing",
         house.tenant, sku, NOW),
        (("insert into certificate (tenant, sku, country, topic, number, updated_at)"
         " select %s, %s, %s, t, 'C-1', %s from unnest('{certification,imei_registration}'::text[]) t"),
         house.tenant, sku, country, NOW),
    ]):  # fmt: skip
        assert await house.sql(text, *values) == [], n
    await use(house, account)


async def use(house: House, account: str, *names: str) -> None:
    """The SIM of one account is the enabled one, and known to be in use."""
    which = "device in (select id from device where name = any(%s) or %s = 0)"
    await house.sql(
        f"update profile set enabled = account = (select id from account where name = %s) where {which}",
        account, list(names), len(names),
    )  # fmt: skip
    await house.sql(
        "update fact f set iccid = p.iccid, carrier = a.name from profile p join account a on a.id = p.account"
        f" where p.device = f.device and p.enabled and p.{which}",
        list(names), len(names),
    )  # fmt: skip


async def sent(house: House, *names: str, **other: object) -> Shipment:
    found = await made(house).create(actor(house), SENDER, asked(*names, **other), house.now)
    assert isinstance(found, Shipment), found
    return found


async def checked(house: House, shipment: Shipment) -> Shipment:
    found = await made(house).check(actor(house), SENDER, shipment.id, house.now)
    assert isinstance(found, Shipment), found
    return found


async def left(house: House, shipment: Shipment) -> Shipment | Conflict:
    found = await made(house).leave(actor(house), SENDER, shipment.id, reason="order 4711", now=house.now)
    assert found is not None
    return found


async def codes(house: House, shipment: Shipment, level: str = "refused") -> set[str]:
    lines = await made(house).lines(actor(house), shipment.id)
    whole = (await checked(house, shipment)).reasons if not lines else shipment.reasons
    return {one.code for reasons in (whole, *(line.reasons for line in lines)) for one in reasons if one.level == level}


async def seen_in(house: House, country: str, *names: str) -> None:
    at = house.now + timedelta(days=20)
    clock(house, timedelta(days=20))
    await house.sql(
        "insert into presence (tenant, device, country, first_at, last_at) select %s, id, %s, %s, %s from device"
        " where name = any(%s)",
        house.tenant, country, at, at, list(names),
    )  # fmt: skip


@asynccontextmanager
async def counted(house: House) -> AsyncIterator[list[int]]:
    """Statements that one connection sent."""
    found = [0]
    database = house.database
    opened = database.tenant

    @asynccontextmanager
    async def counting(tenant):
        async with opened(tenant) as conn:
            execute = conn.execute

            async def one(*args, **kwargs):
                found[0] += 1
                return await execute(*args, **kwargs)

            conn.execute = one
            try:
                yield conn
            finally:
                del conn.execute

    database.tenant = counting
    try:
        yield found
    finally:
        del database.tenant


# --- through the door -----------------------------------------------------------------------------


async def test_a_lawful_shipment_leaves_and_its_devices_are_activated(house: House) -> None:
    await outside(house, 6, out=4)
    await lawful(house)
    shipment = await sent(house, "dev-0001", "sn-dev-0003")
    assert (shipment.state, shipment.devices) == (S.DRAFT, 2)
    ready = await checked(house, shipment)
    assert (ready.state, await codes(house, ready), ready.activation.devices) == (S.READY, set(), 2)
    assert await lives(house) == {"manufactured": 4, "active": 2}
    gone = await left(house, shipment)
    assert isinstance(gone, Shipment), gone
    assert (gone.state, gone.left_at, gone.change is not None) == (S.LEFT, house.now, True)
    again = await left(house, shipment)
    assert isinstance(again, Shipment)
    assert again.change == gone.change
    await house.run(rounds=8)
    await heard(house)
    await house.run(rounds=8)
    assert await lives(house) == {"manufactured": 2, "active": 4}
    assert await rows(house, "select d.name, f.destination from fact f join device d on d.id = f.device"
                      " where f.destination is not null") == {"dev-0001": "TR", "dev-0003": "TR"}  # fmt: skip
    assert await rows(house, "select country, count(*) from fact group by 1") == {"BR": 3, "TR": 3}  # nothing pretended


async def test_what_policies_say_of_the_destination_comes_with_the_activation(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house)
    await applied(house, config(match='destination == "TR"', key="apn_profile", value=7), min_verified=0)
    await checked(house, shipment := await sent(house, "dev-0001"))
    assert isinstance(await left(house, shipment), Shipment)
    await house.run()
    assert (await documents(house, Facet.CONFIG.number))["dev-0001"]["apn_profile"] == 7
    assert await lives(house) == {"active": 1, "manufactured": 3}


async def test_devices_at_sea_are_waited_for_until_after_their_arrival(house: House) -> None:
    await outside(house, 2, out=2)
    await lawful(house)
    await checked(house, shipment := await sent(house, "dev-0001"))
    assert isinstance(gone := await left(house, shipment), Shipment)
    await house.run(rounds=8)
    clock(house, timedelta(days=40))  # to arrive in 31 days, and 30 more of patience
    await house.run(rounds=8)
    assert await lives(house) == {"bootstrapped": 1, "manufactured": 1}
    assert await rows(house, "select verb, state from operation where driver = 'carrier'") == {"activate": 5}
    clock(house, timedelta(days=30))
    await house.run(rounds=12)
    assert await lives(house) == {"manufactured": 2}
    assert gone.change is not None


async def test_arrival_is_counted_by_presence_alone(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house)
    await checked(house, shipment := await sent(house, "dev-0001", "dev-0003"))
    await house.sql(
        "insert into presence (tenant, device, country, first_at, last_at) select tenant, id, 'TR', %s, %s from device",
        house.now - timedelta(days=9), house.now - timedelta(days=8),
    )  # fmt: skip
    await left(house, shipment)  # having been there before is no arrival
    read = await made(house).read(actor(house), shipment.id, house.now)
    assert (read.state, read.seen.arrived, read.seen.elsewhere) == (S.LEFT, 0, 0)
    await seen_in(house, "TR", "dev-0001")
    await seen_in(house, "GR", "dev-0003")
    read = await made(house).read(actor(house), shipment.id, house.now)
    assert (read.state, read.seen.arrived, read.seen.elsewhere) == (S.LEFT, 1, 1)
    listed = await made(house).devices(actor(house), shipment.id, above=None, line=None, where="elsewhere", limit=10)
    assert [(one.name, one.country, one.line) for one in listed] == [("dev-0003", "GR", 1)]
    await seen_in(house, "TR", "dev-0003")
    page = await made(house).page(actor(house), below=None, state=S.LEFT, limit=10, now=house.now)
    assert [(one.state, one.seen.arrived) for one in page] == [(S.ARRIVED, 2)]
    lines = await house.sql("select count(*) from journal where action = 'shipment.arrived'")
    await made(house).read(actor(house), shipment.id, house.now)
    assert lines == [(1,)] == await house.sql("select count(*) from journal where action = 'shipment.arrived'")


async def test_what_is_late_or_astray_is_a_finding_until_all_of_it_has_arrived(house: House) -> None:
    async def told() -> list[tuple]:
        await watcher(house).watch(house.tenant, house.now)
        return await house.sql("select severity, state, title, evidence from finding order by id")

    await outside(house, 6, out=6)
    await lawful(house)
    await checked(house, shipment := await sent(house, "dev-0001", "dev-0003", "dev-0005"))
    assert await told() == []
    await left(house, shipment)
    assert await told() == []  # on its way, and nothing is known of it yet
    await seen_in(house, "GR", "dev-0003")  # 2026-03-21
    ((severity, state, title, evidence),) = await told()
    assert (severity, state, evidence["elsewhere_in"]["value"]) == (1, 1, ["GR"])
    assert title == "1 of 3 devices to TR were seen only elsewhere so far"
    await seen_in(house, "TR", "dev-0001")  # 2026-04-10
    ((severity, state, title, evidence),) = await told()
    assert (severity, state, evidence["arrived"]["value"], evidence["unseen"]["value"]) == (2, 1, 1, 1)
    assert title == "2 of 3 devices to TR were not seen there by 2026-04-01, 1 of them only elsewhere"
    assert await watcher(house).watch(house.tenant, house.now) == 0  # an hour has not gone by
    await seen_in(house, "TR", "dev-0003", "dev-0005")
    ((_, state, _, _),) = await told()
    assert state == 3
    assert await house.sql("select state from shipment") == [(int(S.ARRIVED),)]


async def test_after_the_door_the_way_back_is_the_rollback_of_its_change(house: House) -> None:
    await outside(house, 2, out=2)
    await lawful(house)
    await checked(house, shipment := await sent(house, "dev-0001"))
    gone = await left(house, shipment)
    await house.run(rounds=8)
    refused = await made(house).cancel(actor(house), shipment.id, reason="", now=house.now)
    assert isinstance(refused, Conflict)
    assert "rolling back its Change" in refused.detail
    await house.changes.rollback(
        house.tenant, gone.change, SENDER, which=Which(), reason="wrong box", preview=False, now=house.now
    )
    await house.run()
    assert await lives(house) == {"manufactured": 2}
    read = await made(house).read(actor(house), shipment.id, house.now)
    assert ChangeState(read.change_state).name != "RUNNING"


async def test_a_cancelled_one_leaves_nothing_and_its_devices_are_free(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house)
    await checked(house, shipment := await sent(house, "dev-0001"))
    taken = await made(house).create(actor(house), SENDER, asked("dev-0001"), house.now)
    assert isinstance(taken, Unfit)
    assert "no other shipment" in taken.expected
    await made(house).cancel(actor(house), shipment.id, reason="order withdrawn", now=house.now)
    refused = await left(house, shipment)
    assert isinstance(refused, Conflict)
    assert refused.code == "wrong_state"
    await house.run(rounds=4)
    assert await lives(house) == {"manufactured": 4}
    for table in ("change", "plan", "operation", "dirty"):
        assert await house.sql(f"select count(*) from {table}") == [(0,)], table
    assert await house.sql("select count(*) from fact where destination is not null") == [(0,)]
    await sent(house, "dev-0001")


# --- refused --------------------------------------------------------------------------------------


async def test_a_foreign_profile_is_not_sent_where_roaming_is_prohibited(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house, "BR", "local-br")
    await use(house, "global")
    await house.sql("update account set home_country = 'BR' where name = 'local-br'")
    refused = await checked(house, shipment := await sent(house, "dev-0000", country="BR"))
    assert (refused.state, "roaming-prohibited" in await codes(house, refused)) == (S.REFUSED, True)
    (line,) = await made(house).lines(actor(house), shipment.id)
    why = next(one for one in line.reasons if one.code == "roaming-prohibited")
    assert "local-br on the card is a local one" in why.do
    assert (why.rule, bool(why.sources), why.as_of is not None) == ("br-permanent-roaming", True, True)
    assert isinstance(await left(house, shipment), Conflict)
    assert await lives(house) == {"manufactured": 4}


async def test_the_sim_in_use_is_judged_and_one_of_no_country_is_foreign(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house, "BR", "local-br")
    shipment = await sent(house, "dev-0000", country="BR")
    await use(house, "global")
    await house.sql("update profile set enabled = true")  # both; the fact says which of them is in use
    assert "roaming-prohibited" in await codes(house, await checked(house, shipment))
    await house.sql("update account set home_country = null where name = 'global'")
    assert "home-unknown" in await codes(house, await checked(house, shipment), "unknown")
    await house.sql("update profile set imsi = '9014' || slot || substr(iccid, 10, 9)")
    await house.sql("update profile set home_country = 'BR' where slot = 2")
    assert "roaming-prohibited" in await codes(house, await checked(house, shipment))
    await use(house, "local-br")
    await house.sql("update profile set enabled = true")
    assert "roaming-prohibited" not in await codes(house, await checked(house, shipment))


async def test_who_may_let_a_prohibited_one_pass(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house, "BR", "global")
    await house.sql("update account set home_country = 'GB'")
    await checked(house, shipment := await sent(house, "dev-0000", country="BR"))

    async def decide(hand: Hand, *roles: str) -> Shipment | Conflict | None:
        who = actor(house, hand)
        return await made(house).override(who, hand, roles, shipment.id, reason="a permit, file 9", now=house.now)

    own, approver = await decide(SENDER, "owner"), await decide(CHECKER, "approver")
    assert (own.code, approver.code) == ("own_shipment", "not_overridable")
    passed = await decide(CHECKER, "compliance")
    assert isinstance(passed, Shipment), passed
    assert (passed.state, passed.override.reason) == (S.READY, "a permit, file 9")
    assert (await checked(house, shipment)).state is S.READY  # the same facts: it still holds
    told = await house.sql("select actor, reason from journal where action = 'shipment.overridden'")
    assert told == [("usr_checker", "a permit, file 9")]
    await house.sql("update account set home_country = 'FR' where name = 'global'")
    assert (await checked(house, shipment)).state is S.REFUSED  # other facts: it was said of others
    await decide(CHECKER, "owner")
    assert isinstance(await left(house, shipment), Shipment)


async def test_what_is_blind_or_uncertified_nobody_lets_pass(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house)
    await house.sql("delete from certificate")
    await house.sql("update coverage set country = 'GR'")
    refused = await checked(house, shipment := await sent(house, "dev-0001", sku="TRK-1"))
    assert {"no-coverage"} <= await codes(house, refused)
    said = await made(house).override(actor(house, CHECKER), CHECKER, ["owner"], shipment.id, reason="x", now=house.now)
    assert (said.code, said.differences["who"]) == ("not_overridable", "nobody")


async def test_facts_that_moved_are_told_at_the_door_and_nothing_leaves(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house)
    await checked(house, shipment := await sent(house, "dev-0001", "dev-0003"))
    await use(house, "global", "dev-0003")
    refused = await left(house, shipment)
    assert isinstance(refused, Conflict)
    assert refused.code == "drifted"
    moved = {one["reason"]: (one["before"], one["now"]) for one in refused.differences["reasons"]}
    assert any(key.startswith("unknown:coverage-unknown") and was == (0, 1) for key, was in moved.items()), moved
    assert await house.sql("select count(*) from fact where destination is not null") == [(0,)]
    assert await house.sql("select count(*) from change") == [(0,)]


async def test_a_recipe_that_is_blocked_refuses_the_shipment(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house)
    await applied(house, config(match='destination == "TR"'), min_verified=0)
    await house.sql("update device set secret_hash = null")
    refused = await checked(house, await sent(house, "dev-0001"))
    assert (refused.state, [one.code for one in refused.activation.blocked]) == (S.REFUSED, ["device_unreachable"])
    assert "credential" in next(one.says for one in refused.reasons if one.code == "activation-blocked")
    assert await house.sql("select count(*) from plan where kind = 2") == [(0,)]  # a rehearsal keeps nothing


async def test_a_strict_tenant_stops_at_what_nobody_knows(house: House) -> None:
    await outside(house, 4, out=4)
    await lawful(house)
    await house.sql("delete from sku")
    await checked(house, shipment := await sent(house, "dev-0001"))
    await house.sql(
        "insert into shipping (tenant, strict, network_years, patience_days, updated_at) values (%s, true, 2, 30, %s)",
        house.tenant, NOW,
    )  # fmt: skip
    refused = await left(house, shipment)
    assert isinstance(refused, Conflict)
    assert refused.code == "refused"
    assert (await checked(house, shipment)).state is S.REFUSED
    passed = await made(house).override(
        actor(house, CHECKER), CHECKER, ["approver"], shipment.id, reason="asked them", now=house.now
    )
    assert isinstance(passed, Shipment)
    assert isinstance(await left(house, shipment), Shipment)


# --- by the set -----------------------------------------------------------------------------------


async def test_statements_do_not_grow_with_the_devices(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 400)
    await house.sql("update fact set device_state = 'manufactured'")
    await lawful(house)
    statements = []
    for n in (5, 150, 5):
        names = [f"dev-{i:04}" for i in range(1, 2 * n, 2)]
        async with counted(house) as found:
            shipment = await sent(house, *names)
            await checked(house, shipment)
            assert isinstance(await left(house, shipment), Shipment)
            await made(house).read(actor(house), shipment.id, house.now)
        statements.append(found[0])
        await house.sql("update shipment set state = 6")
        await house.sql("update fact set device_state = 'manufactured'")
    few, many, few_again = statements
    assert 20 < few <= many <= few_again + 5, statements


async def test_by_a_condition_and_what_is_no_device(house: House) -> None:
    await outside(house, 6, out=6)
    assert (await sent(house, match='country == "TR"')).devices == 3
    for which, says in (
        (asked("dev-0000", "nobody"), "nobody"), (asked(match='sku == "none"'), "0"), (asked("same"), "same"),
    ):  # fmt: skip
        await house.sql("update device set serial = 'same'")
        found = await made(house).create(actor(house), SENDER, which, house.now)
        assert isinstance(found, Unfit)
        assert says in str(found.value)

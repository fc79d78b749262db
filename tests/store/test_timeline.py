"""One device's story in one line, from a Change that moved it and went back, over pages and by kinds."""

import json
from datetime import timedelta
from itertools import pairwise

import pytest_asyncio

import fairlead.reference
from fairlead.edge.api.shapes import _move
from fairlead.engine.changes import Which
from fairlead.engine.fleet import Actor, Fleet
from fairlead.engine.journal import entry
from fairlead.engine.layers import Layers
from fairlead.engine.timelines import KINDS, Entry, Timelines
from fairlead.model.device import FACETS
from fairlead.model.ids import show
from fairlead.model.journal import Action, Subject
from fairlead.store.counts import CountStore
from fairlead.store.fleet import FleetStore
from fairlead.store.journal import append
from fairlead.store.timeline import TimelineStore

from .fleet_on_paper import NOW, device_id, iccid, settle_fleet
from .test_fleet_plans import Explaining, Watched, scans
from .test_loop import PERSON, built, policy

READ = {"session_rest", "presence_rest", "move", "operation", "journal_rest", "reported", "class_document"}


@pytest_asyncio.fixture(loop_scope="session")
async def house(database, tenant):
    yield built(database, tenant)


async def told(house, *kinds: str, before=None, limit=500):
    store = FleetStore(house.database)
    device = await Fleet(store, CountStore(house.database)).device(actor(house), device_id(0))
    assert device is not None
    return await Timelines(TimelineStore(house.database)).read(
        house.tenant, device, set(kinds or KINDS), before=before, limit=limit
    )


def actor(house):
    return Actor(tenant=house.tenant, name="usr_test")


async def live_through(house):
    """A device in Brazil on a foreign SIM is moved to a local one, and taken back by a person."""
    await settle_fleet(house.database, house.tenant, 4)
    async with house.database.tenant(house.tenant) as tx:
        for country, plmn, first, last in (("GB", "234-10", 40, 31), ("BR", "724-05", 30, 0)):
            await tx.execute(
                "insert into presence (tenant, device, iccid, country, plmn, first_at, last_at) values (%s,%s,%s,%s,%s,%s,%s)",
                (
                    house.tenant,
                    device_id(0),
                    iccid(0, 1),
                    country,
                    plmn,
                    NOW - timedelta(days=first),
                    NOW - timedelta(days=last),
                ),
            )
        await tx.execute(
            "insert into session (tenant, device, iccid, plmn, country, rat, source, started_at, seen_at, ended_at, bytes, end_cause)"
            " values (%s,%s,%s,'724-05','BR','LTE','global',%s,%s,%s,700,'idle')",
            (house.tenant, device_id(0), iccid(0, 1), NOW - timedelta(hours=5), NOW, NOW - timedelta(hours=1)),
        )
        line = entry(
            tenant=house.tenant,
            at=NOW + timedelta(seconds=1),
            actor="usr_test",
            action=Action.DEVICE_CHANGED,
            subject=Subject(kind="device", id=show("dev", device_id(0))),
            payload={"sku": "TRK-1"},
            reason="relabelled",
        )
        await append(tx, [line])
    _, change = await house.plan_and_apply(policy("BR"), stages=[100])
    await house.run()
    done = await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="too dear", preview=False, now=house.now
    )
    assert done.devices == 2
    await house.run()
    # on paper a device is on the SIM in the very instant in which it is asked to be
    await house.sql("update session set started_at = started_at + interval '1 second' where source = 'carrier'")
    return change


def one(entries: list[Entry], ident: str) -> Entry:
    return next(entry for entry in entries if entry.id == ident)


async def test_a_device_tells_its_story_with_causes(house):
    change = await live_through(house)
    shown = show("chg", change.id)
    found = await told(house)
    entries = list(found.entries)
    assert found.next is None
    assert all(later.at >= earlier.at for later, earlier in pairwise(entries))
    ids = {entry.id for entry in entries}
    assert len(ids) == len(entries)
    assert all(entry.cause is None or entry.cause in ids | {shown} for entry in entries), "a cause leads somewhere"

    opened = one(entries, f"move:{shown}:0")
    assert opened.policies == ("local-br@1",)
    assert opened.detail["facets"] == ["network", "config"]
    assert opened.cause == shown
    ended = one(entries, f"move:{shown}:0:end")
    assert ended.title.startswith("The Change was rolled back here")
    assert ended.cause == opened.id

    config = [entry for entry in entries if entry.kind == "config" and entry.operation]
    forward = [entry for entry in config if entry.detail["leg"] == "forward"]
    assert [entry.title for entry in reversed(forward)] == ["Offered config, generation 1", "Config verified"]
    assert forward[-1].cause == opened.id
    assert forward[0].cause == forward[-1].id
    assert forward[0].policies == ("local-br@1",)
    assert any(entry.title == "Offered config, generation 2, to go back" for entry in config)
    network = [
        entry
        for entry in entries
        if entry.kind == "network" and entry.operation and entry.detail.get("leg") == "forward"
    ]
    assert [entry.title.split(":")[0] for entry in reversed(network)] == [
        "Offered network, generation 1",
        "Acknowledged network",
        "Network verified",
    ]
    carrier = [entry.title for entry in entries if entry.kind == "subscription"]
    assert f"Asked local-br to activate {iccid(0, 2)}" in carrier
    assert "Activate at local-br verified" in carrier

    swapped = next(entry for entry in entries if entry.id.startswith(f"sim:{iccid(0, 2)}"))
    assert swapped.title == f"Came on SIM {iccid(0, 2)} instead of {iccid(0, 1)}"
    assert swapped.cause == network[-1].id, "the operation that asked for this SIM"
    assert swapped.change == change.id
    ended_session = next(entry for entry in entries if entry.id.startswith("session-end:"))
    assert ended_session.title == "The session in BR on 724-05 (LTE) ended: idle"
    assert ended_session.cause in ids
    assert [entry.title for entry in entries if entry.id.startswith("presence:")] == [
        "Came from GB to BR, on 724-05",
        "First seen, in GB on 234-10",
    ]
    people = [entry.title for entry in entries if entry.kind == "people"]
    assert people == ["Device changed by usr_test: relabelled", "Came into the inventory"]
    assert json.dumps([dict(entry.detail) for entry in entries], default=str)


async def test_pages_give_everything_once_and_kinds_only_their_own(house):
    await live_through(house)
    whole = [entry.id for entry in (await told(house)).entries]
    for limit in (1, 3, 7):
        seen, before = [], None
        for _ in range(200):
            page = await told(house, before=before, limit=limit)
            seen += [entry.id for entry in page.entries]
            before = page.next
            if before is None:
                break
        assert sorted(seen) == sorted(whole), limit
        assert len(seen) == len(set(seen)), limit
    for kind in KINDS:
        own = await told(house, kind)
        assert {entry.kind for entry in own.entries} <= {kind}
        assert [entry.id for entry in own.entries] == [
            entry.id for entry in (await told(house)).entries if entry.kind == kind
        ]


async def test_each_source_is_read_by_an_index(house, database_dsns):
    await live_through(house)
    watched = await Watched.open(database_dsns, size=2)
    try:
        Explaining.seen = []
        mine = built(watched, house.tenant)
        mine.now = house.now
        async with watched.tenant(house.tenant) as conn:
            await conn.execute("set enable_seqscan = off")  # these tables are small here: is there an index at all?
        await told(mine)
        assert len(Explaining.seen) > 7
        for text, plan in Explaining.seen:
            assert not READ & set(scans(plan)), f"{text}\n{json.dumps(plan, indent=1)}"
    finally:
        await watched.close()


async def facets(house):
    store = FleetStore(house.database)
    device = await store.device(house.tenant, device_id(0))
    details = await store.details(house.tenant, device)
    return {FACETS[one.facet]: one for one in details.facets}, details


async def test_a_facet_tells_who_wants_it_and_how_far_it_is(house):
    await settle_fleet(house.database, house.tenant, 4)
    _, change = await house.plan_and_apply(policy("BR"), stages=[100])
    await house.tick(2)  # the stage is open, the carrier asked and silent
    found, details = await facets(house)
    network = found["network"]
    assert network.policies == found["config"].policies == ("local-br@1",)
    assert not network.proved
    move = _move(network)
    assert move.change == show("chg", change.id)
    assert (move.step, move.of, move.direction) == (1, len(move.steps), "forward")
    assert [(step.driver, step.verb) for step in move.steps if step.now] == [("carrier", "activate")]
    assert move.operations == ["pending"]
    assert move.deadline > house.now
    assert [(one.name, one.revision) for one in details.in_force] == [("local-br", 1)]

    await house.run()
    found, _ = await facets(house)
    assert found["network"].proved
    assert _move(found["network"]) is None
    assert found["network"].verified == found["network"].desired
    await house.sql("update facet set desired = previous where facet = 2 returning facet")
    pinned, _ = await facets(house)
    assert pinned["config"].policies == (), "held at something that its class does not say"
    assert not pinned["config"].proved

    await house.changes.rollback(
        house.tenant, change.id, PERSON, which=Which(), reason="", preview=False, now=house.now
    )
    found, details = await facets(house)
    assert _move(found["network"]).direction == "back"
    assert found["network"].policies == (), "what is desired now is what was seen before; no policy says so"
    assert details.in_force == []


async def test_the_control_chain_of_a_device(house):
    await settle_fleet(house.database, house.tenant, 4)
    fleet = Fleet(FleetStore(house.database), CountStore(house.database))
    layers = Layers(fleet, fairlead.reference.load())

    async def objects():
        device = await fleet.device(actor(house), device_id(0))
        return {o.name: o for layer in await layers.read(actor(house), device) for o in layer.objects}

    before = await objects()
    assert before["secret"].present == "yes"
    assert before["eSIM profile"].value == f"{iccid(0, 1)} at global, {iccid(0, 2)} at local-br"
    assert before["regional policy"].present == before["rollback set"].present == "no"
    assert before["acknowledgement"].present == "unknown"
    assert before["config version"].value == "reported, shadow version 1"
    await house.plan_and_apply(policy("BR"), stages=[100])
    await house.run()
    after = await objects()
    assert after["regional policy"].value == "local-br@1"
    assert after["rollback set"].value == "config, network"
    assert after["acknowledgement"].value == "config, network"
    assert after["config version"].value == "generation 1, the device shows 1"

"""Findings: one open row a key however often it is seen, refreshed, closed by the set, and nobody else's."""

import json
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import pytest_asyncio

from fairlead.engine.findings import EACH, Findings
from fairlead.engine.fleet import Actor
from fairlead.engine.plans import Hand
from fairlead.engine.ports.findings import Filter, Finding, Over
from fairlead.engine.timelines import Timelines
from fairlead.model.finding import ClosedBy, Fact, FindingSubject, Severity, Sighting
from fairlead.model.ids import PrincipalId, TenantId, show
from fairlead.model.lifecycle import FindingState
from fairlead.store.database import Database
from fairlead.store.findings import FindingStore
from fairlead.store.home import HomeStore
from fairlead.store.journal import append
from fairlead.store.timeline import TimelineStore

from .fleet_on_paper import device_id, settle_fleet
from .test_fleet_plans import NOW, Explaining, Watched, scans

HAND = Hand(person=PrincipalId(UUID(int=7)), actor="usr_test")


def seen(account: str, *, severity: Severity = Severity.WARNING, failing: int = 5, **more: object) -> Sighting:
    return Sighting(
        kind="carrier-outage", severity=severity, subject=FindingSubject(kind="account", id=account),
        title=f"{failing} devices at {account} fail together",
        evidence={"failing": Fact(value=failing, unit="devices", at=NOW), "networks": Fact(value=["724-05", "724-10"])},
        score=0.75, **more,
    )  # fmt: skip


class Place:
    """Findings of one tenant, and what they left in its journal."""

    def __init__(self, database: Database, tenant: TenantId) -> None:
        self.database, self.tenant = database, tenant
        self.findings = Findings(database, FindingStore(), append, lambda: NOW + timedelta(hours=9))
        self.actor = Actor(tenant=tenant, name=HAND.actor)

    async def raised(self, *sightings: Sighting, at: datetime = NOW) -> list[Finding]:
        async with self.database.tenant(self.tenant) as tx:
            return await self.findings.raise_many(tx, self.tenant, sightings, at)

    async def closed(self, *keys: str, others: bool = False, since: datetime | None = None) -> list[str]:
        async with self.database.tenant(self.tenant) as tx:
            over = Over(kind="carrier-outage", keys=keys, others=others, unseen_since=since)
            gone = await self.findings.close_many(tx, self.tenant, over, NOW, because="seen no more")
        return sorted(one.subject.id for one in gone)

    async def page(self, **which: object) -> list[Finding]:
        return await self.findings.page(self.actor, Filter(**which), below=None, limit=100)

    async def lines(self) -> list[tuple]:
        query = "select action, subject_kind, subject_id, payload, reason, evidence_count from journal order by id"
        async with self.database.tenant(self.tenant) as tx:
            return await (await tx.execute(query)).fetchall()


@pytest_asyncio.fixture(loop_scope="session")
async def place(database: Database, tenant: TenantId) -> Place:
    return Place(database, tenant)


async def test_seen_again_it_is_the_same_and_newer(place: Place) -> None:
    assert [one.subject.id for one in await place.raised(seen("global"), seen("local-br"))] == ["global", "local-br"]
    later = NOW + timedelta(minutes=5)
    again = seen("global", severity=Severity.CRITICAL, failing=90)
    assert [one.subject.id for one in await place.raised(again, seen("late"), at=later)] == ["late"]
    first = (await place.page(subject_id="global"))[0]
    assert (first.sightings, first.severity, first.title) == (2, Severity.CRITICAL, again.title)
    assert (first.opened_at, first.last_seen_at, first.key) == (NOW, later, "account:global")
    assert first.evidence == dict(again.evidence)
    assert first.score == 0.75
    assert [one[:2] for one in await place.lines()] == [("finding.opened", "finding")] * 3, "a refresh leaves no line"


async def test_a_late_sighting_counts_and_takes_nothing_back(place: Place) -> None:
    await place.raised(seen("global", severity=Severity.CRITICAL, failing=90))
    await place.raised(seen("global"), at=NOW - timedelta(hours=1))
    (found,) = await place.page()
    assert (found.sightings, found.severity, found.last_seen_at) == (2, Severity.CRITICAL, NOW)
    assert found.evidence["failing"].value == 90


async def test_of_one_key_in_one_go_the_last_counts(place: Place) -> None:
    first = seen("global", key="cell-7")
    assert len(await place.raised(first, seen("local-br", key="cell-7"), seen("global"))) == 2
    assert {(one.key, one.subject.id) for one in await place.page()} == {
        ("cell-7", "local-br"), ("account:global", "global"),
    }  # fmt: skip


async def test_what_is_over_is_closed_by_name_or_by_what_is_left(place: Place) -> None:
    await place.raised(seen("a"), seen("b"), seen("c"))
    other = Sighting(
        kind="core-outage", severity=Severity.INFO, subject=FindingSubject(kind="core", id="x"), title="x is away"
    )
    await place.raised(other)
    assert await place.closed("account:a", "account:nobody") == ["a"]
    assert await place.closed("account:a") == []
    assert await place.closed("account:b", others=True) == ["c"]
    assert sorted(one.subject.id for one in await place.page(state="live")) == ["b", "x"]
    (gone,) = await place.page(subject_id="a")
    assert (gone.state, gone.closed_by, gone.closer) == (FindingState.CLOSED, ClosedBy.CONDITION, None)
    assert (gone.closed_at, gone.closed_because) == (NOW, "seen no more")
    assert await place.closed(others=True) == ["b"]
    assert len(await place.raised(seen("a"))) == 1, "seen after its end it is another finding"
    assert len(await place.page(subject_id="a")) == 2


async def test_what_was_seen_lately_is_not_over(place: Place) -> None:
    later = NOW + timedelta(hours=2)
    await place.raised(seen("a"), seen("b"))
    await place.raised(seen("b"), at=later)
    assert await place.closed(others=True, since=NOW) == []
    assert await place.closed(others=True, since=later) == ["a"]


async def test_many_at_once_are_one_line_with_the_pieces_beside_it(place: Place) -> None:
    await place.raised(*(seen(f"a{n}") for n in range(EACH)))
    assert len(await place.lines()) == EACH
    await place.raised(*(seen(f"b{n}") for n in range(EACH + 1)))
    line = (await place.lines())[-1]
    assert line[:3] == ("finding.opened", "finding-kind", "carrier-outage")
    assert (json.loads(line[3]), line[5]) == ({"warning": EACH + 1}, EACH + 1)
    await place.closed(others=True)
    line = (await place.lines())[-1]
    assert (line[0], line[4], line[5]) == ("finding.closed", "seen no more", 2 * EACH + 1)


async def test_an_acknowledged_one_is_refreshed_and_closed_as_any(place: Place) -> None:
    (made,) = await place.raised(seen("global"))
    known = await place.findings.acknowledge(place.actor, HAND, made.id, reason="the carrier is told")
    assert isinstance(known, Finding)
    assert (known.state, known.acknowledged_by) == (FindingState.ACKNOWLEDGED, HAND.person)
    assert await place.raised(seen("global")) == []
    (found,) = await place.page(state="acknowledged")
    assert (found.sightings, found.acknowledged_because) == (2, "the carrier is told")
    assert await place.closed("account:global") == ["global"]


async def test_another_tenant_sees_and_closes_nothing(place: Place, database: Database) -> None:
    (made,) = await place.raised(seen("global", severity=Severity.CRITICAL))
    number = TenantId(UUID("018f0000-0000-7000-8000-00000000000f"))
    async with database.nameless() as conn:
        await conn.execute("select create_tenant(%s, 'other', %s)", (number, NOW))
    other = Place(database, number)
    assert await other.page() == []
    assert await other.findings.read(other.actor, made.id) is None
    assert await other.findings.close(other.actor, HAND, made.id, reason="not mine") is None
    assert await other.closed(others=True) == []
    assert [one.subject.id for one in await other.raised(seen("global"))] == ["global"], "keys are a tenant's own"
    assert (await HomeStore(database).figures(number, NOW.date())).critical == 0
    assert (await HomeStore(database).figures(place.tenant, NOW.date())).critical == 1


async def test_a_device_tells_what_was_found_of_it(place: Place) -> None:
    await settle_fleet(place.database, place.tenant, 2)
    for n in (0, 1):
        subject = FindingSubject(kind="device", id=show("dev", device_id(n)), name=f"d{n}")
        await place.raised(
            Sighting(kind="usage-rule", severity=Severity.WARNING, subject=subject, title=f"d{n} sends at night")
        )
    (mine,) = await place.page(subject_kind="device", subject_id=show("dev", device_id(0)))
    await place.findings.close(place.actor, HAND, mine.id, reason="as it should be")

    class Known:
        id = device_id(0)
        created_at = NOW

    story = await Timelines(TimelineStore(place.database)).read(
        place.tenant, Known, {"finding"}, before=None, limit=9
    )  # fmt: skip
    assert [(one.id, one.title, one.cause) for one in story.entries] == [
        (f"{show('fnd', mine.id)}:closed", "Finding closed: d0 sends at night (as it should be)",
         f"{show('fnd', mine.id)}:opened"),
        (f"{show('fnd', mine.id)}:opened", "Finding: d0 sends at night", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "which",
    [{}, {"state": "live"}, {"state": "open"}, {"kind": "shipment"}, {"state": "open", "severity": Severity.CRITICAL},
     {"subject_kind": "device", "subject_id": "dev_7"}, {"state": "closed", "kind": "usage-rule"}],
)  # fmt: skip
async def test_no_list_scans_all_findings(place: Place, database_dsns, which: dict) -> None:
    async with place.database.tenant(place.tenant) as tx:
        await tx.execute(
            "insert into finding (tenant, id, kind, severity, subject_kind, subject_id, key, title, state, opened_at,"
            " last_seen_at) select %s, gen_random_uuid(), 'usage-rule', 1 + n %% 2, 'device', 'dev_' || n, n, 'x',"
            " case when n %% 50 = 0 then 1 else 3 end, %s, %s from generate_series(1, 20000) n",
            (place.tenant, NOW, NOW),
        )
    await place.raised(seen("global", severity=Severity.CRITICAL))
    watched = await Watched.open(database_dsns, size=2)
    Explaining.seen = []
    try:
        await Place(watched, place.tenant).page(**which)
        await Place(watched, place.tenant).findings.counts(place.actor)
        await Place(watched, place.tenant).raised(seen("global"))
    finally:
        await watched.close()
    told = [(text, plan) for text, plan in Explaining.seen if "finding" in text]
    assert len(told) == 3
    for text, plan in told:
        assert "finding" not in scans(plan), f"sequential scan in\n{text}"

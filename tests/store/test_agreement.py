"""What a carrier charges for needs another person, in bulk actions and in Changes alike, unless the tenant says not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.engine.agreement import Agreements
from fairlead.engine.bulk import Bulks
from fairlead.engine.changes import Changes, Conflict
from fairlead.engine.plans import File, Planner
from fairlead.engine.ports.bulk import Bulk
from fairlead.engine.ports.moving import ChangeRow
from fairlead.engine.ports.planning import PlanRow
from fairlead.engine.situations import Able, Situations
from fairlead.model.lifecycle import BulkState, ChangeState
from fairlead.model.rollout import Rollout
from fairlead.model.subscription import VerbCapability
from fairlead.store.agreement import AgreementStore
from fairlead.store.bulk import BulkStore
from fairlead.store.journal import append

from .fleet_on_paper import settle_fleet
from .loop_on_paper import OTHER
from .test_bulk import FREE, HAND, actor, allowed, asked, manifest
from .test_loop import PERSON, House, house, policy

__all__ = ["house"]  # the fixture

CHARGED = VerbCapability(supported=True, billable=True)
PLAIN = VerbCapability(supported=True, billable=False)


def charging(house: House, *, activate: VerbCapability = CHARGED) -> House:
    """The same house, whose carriers charge for what they activate."""
    meanings = dict.fromkeys(("suspend", "deactivate", "resume"), PLAIN) | {"activate": activate}
    situations = Situations(house.stores, lambda connector, _config: Able(meanings=meanings if connector else {}))
    house.planner = Planner(house.stores, situations)
    house.changes = Changes(house.stores, house.planner, house.stages, AgreementStore())
    return house


def rules(house: House) -> Agreements:
    return Agreements(house.database, AgreementStore(), append)


async def said(house: House, *, charges: bool, version: int = 0) -> None:
    made = await rules(house).change(actor(house), charges=charges, version=version, reason="small shop", now=house.now)
    assert made is not None


async def apply(house: House, *, approvals: int = 0) -> ChangeRow | Conflict:
    files = [File(name="p.yaml", text=policy("BR"))]
    plan = await house.planner.make(house.tenant, PERSON, files, now=house.now)
    assert isinstance(plan, PlanRow), plan
    rollout = Rollout(stages=(100,), approvals=approvals)
    return await house.changes.apply(
        house.tenant, PERSON, plan.id, rollout=rollout, title="", reason="a test", now=house.now
    )  # fmt: skip


async def test_a_change_that_activates_lines_for_a_fee_needs_somebody_else(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    charging(house)
    refused = await apply(house)
    assert isinstance(refused, Conflict)
    assert refused.code == "charged"
    assert "activate is charged for at local-br" in refused.detail
    assert await house.sql("select count(*) from change") == [(0,)]
    change = await apply(house, approvals=1)
    assert isinstance(change, ChangeRow)
    assert change.state is ChangeState.PLANNED
    own = await house.changes.approve(house.tenant, change.id, PERSON, verdict=True, note="", now=house.now)
    assert isinstance(own, Conflict)
    agreed = await house.changes.approve(house.tenant, change.id, OTHER, verdict=True, note="", now=house.now)
    assert isinstance(agreed, ChangeRow)
    assert agreed.state is ChangeState.RUNNING


@pytest.mark.parametrize("meaning", [PLAIN, VerbCapability(supported=True)])
async def test_what_no_carrier_says_it_charges_for_needs_nobody(house: House, meaning: VerbCapability) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    assert isinstance(await apply(charging(house, activate=meaning)), ChangeRow)


async def test_a_tenants_rule_holds_for_changes_and_bulk_actions_alike(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    charging(house)
    known = lambda connector: manifest(suspend=replace(FREE, billable=True), activate=FREE)  # noqa: E731
    made = Bulks(house.stores, BulkStore(), house.moving._time, known, allowed(known), AgreementStore())
    before = await made.preview(actor(house), asked())
    assert before.approval
    await said(house, charges=False)
    assert (await made.preview(actor(house), asked())).approval == ""
    bulk = await made.start(actor(house), HAND, asked(), expect=None, reason="a test")
    assert isinstance(bulk, Bulk)
    assert bulk.state is BulkState.RUNNING
    change = await apply(house)
    assert isinstance(change, ChangeRow)
    assert change.state is ChangeState.RUNNING


async def test_what_is_final_asks_whatever_the_rule_says(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    await said(house, charges=False)
    known = lambda connector: manifest(suspend=replace(FREE, reversible=False))  # noqa: E731
    made = Bulks(house.stores, BulkStore(), house.moving._time, known, allowed(known), AgreementStore())
    assert "nothing takes suspend back" in (await made.preview(actor(house), asked())).approval


async def test_a_rule_is_changed_once_from_the_version_that_was_read_and_the_journal_says_by_whom(house: House) -> None:
    first = await rules(house).read(actor(house))
    assert (first.charges, first.version, first.changed_at) == (True, 0, None)
    await said(house, charges=False)
    stale = await rules(house).change(actor(house), charges=True, version=0, reason="late", now=house.now)
    assert stale is None
    now = house.now + timedelta(minutes=1)
    again = await rules(house).change(actor(house), charges=True, version=1, reason="we are two", now=now)
    assert again is not None
    assert (again.charges, again.version, again.changed_at) == (True, 2, now)
    lines = await house.sql(
        "select payload::jsonb ->> 'charges', reason from journal where action = 'agreement.changed' order by 1"
    )
    assert lines == [("alone", "small shop"), ("another person", "we are two")]

"""Usage rules over real tables: judged as of each carrier's data, acted on through bulk actions, taken back in time."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from fairlead.connectors.soracom.connector import MANIFEST
from fairlead.engine.bulk import Bulks
from fairlead.engine.ports.carrier import Manifest
from fairlead.engine.situations import Able
from fairlead.engine.usage_rules import Quiet, UsageRules
from fairlead.model.journal import Action
from fairlead.model.lifecycle import BulkState
from fairlead.model.resources import UsageRule
from fairlead.model.subscription import CapabilityRecord, UsageCapability, Verb, VerbCapability
from fairlead.policy.read import read_resources
from fairlead.policy.usage import Reading, judge
from fairlead.store.bulk import BulkStore
from fairlead.store.fleet import FleetStore
from fairlead.store.steering import SteeringStore
from fairlead.store.usage_rules import UsageRuleStore

from .carrier_on_paper import Answer, CarrierOnPaper
from .fleet_on_paper import NOW, iccid, settle_fleet
from .loop_on_paper import applied, clock
from .test_bulk import actor
from .test_loop import House, house
from .test_loop_faults import worker
from .test_loop_people import OTHER

__all__ = ["house"]  # the fixture

MB = 1_000_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULE = """
apiVersion: fairlead/v1
kind: UsageRule
metadata: {{name: {name}}}
spec:
  match: {match}
  {measure}
  then: {then}
  {more}
  reason: it is broken
"""
ABOVE = "above: {window: 24h, bytes: 50MB}"
SUSPEND = "{alert: high, action: suspend, for: 24h}"


def rule(
    name: str = "runaway",
    *,
    match: str = '"true"',
    measure: str = ABOVE,
    then: str = SUSPEND,
    more: str = "carriers: [global]",
) -> str:
    return RULE.format(name=name, match=match, measure=measure, then=then, more=more)


def usage(lag: timedelta = HOUR, granularities: tuple[str, ...] = ("day",)) -> UsageCapability:
    return UsageCapability(
        granularities=granularities, lag_typical=lag, lag_final=DAY, retention=30 * DAY, source="raw",
        zone_split=False, readable_after_terminate=True,
    )  # fmt: skip


FREE = VerbCapability(supported=True, billable=False)
PLAIN = replace(MANIFEST.capabilities, verbs={Verb.SUSPEND: FREE, Verb.ACTIVATE: FREE}, usage=usage())


@dataclass
class Ruled:
    """A house with usage rules and a carrier on paper."""

    house: House
    carrier: CarrierOnPaper
    made: Callable[[], UsageRules]
    bulks: Bulks

    @property
    def rules(self) -> UsageRules:
        """Another one each time, as after a kill: nothing is kept in memory."""
        return self.made()

    async def tick(self, *, seconds: int = 30) -> int:
        moved = await self.rules.tick(self.house.tenant)
        await self.carried_out(seconds)
        return moved + await self.rules.tick(self.house.tenant)

    async def carried_out(self, seconds: int = 30) -> None:
        hand = worker(self.house, self.carrier)
        for _ in range(seconds // 5):
            clock(self.house, timedelta(seconds=5))
            self.carrier.now = self.house.now
            await hand.dispatch(self.house.tenant)
            await hand.read_back(self.house.tenant)
            await self.bulks.settle(self.house.tenant)

    async def used(self, size: int, *, day: date | None = None, account: str = "global", known: datetime | None = None):
        """Every line of an account used so much on a day, and is known until an instant."""
        at = known or self.house.now
        lines = "from subscription s join account a on a.id = s.account where a.name = %s"
        await self.house.sql(
            "insert into usage_day (tenant, subscription, day, kind, source, bytes, records, open_records, observed_at)"
            f" select s.tenant, s.id, %s, 1, 'carrier/x', %s, 1, 0, %s {lines} on conflict"
            " (tenant, subscription, day, kind, source) do update set bytes = excluded.bytes returning 1",
            day or at.date(), size, at, account,
        )  # fmt: skip
        await self.house.sql(
            "insert into usage_state (tenant, subscription, account, covered_from, through, last_byte_at, lag_s)"
            f" select s.tenant, s.id, s.account, %s, %s, %s, 3600 {lines} on conflict (tenant, subscription) do update"
            " set through = excluded.through, last_byte_at = excluded.last_byte_at returning 1",
            at - 60 * DAY, at, at, account,
        )  # fmt: skip

    async def seen(self, state: int, account: str = "global") -> None:
        """The carrier shows the lines so now."""
        await self.house.sql(
            "update subscription set state = %s, observed_at = %s from account a where a.id = subscription.account"
            " and a.name = %s returning 1", state, self.house.now, account,
        )  # fmt: skip

    async def states(self) -> dict[int, int]:
        return dict(await self.house.sql("select state, count(*) from usage_hold group by 1"))

    async def verdict(self, account: str = "global", name: str = "runaway") -> dict:
        found = await self.rules.kept(self.house.tenant)
        return next(dict(one.verdict) for one in found if (one.name, one.account) == (name, account))


async def settled(house: House, records: Mapping[str, CapabilityRecord] | None = None, devices: int = 4) -> Ruled:
    await settle_fleet(house.database, house.tenant, devices)
    await house.sql("update account set connector = name returning id")
    known = records or {"global": PLAIN}
    clock(house)

    def manifest(connector: str) -> Manifest | None:
        return replace(MANIFEST, capabilities=known[connector]) if connector in known else None

    def able(connector: str, _config: object) -> Able:
        found = manifest(connector)
        return Able(meanings={v.value: c for v, c in found.capabilities.verbs.items()} if found else {})

    time = house.moving._time
    bulks = Bulks(house.stores, BulkStore(), time, manifest, able)

    def rules() -> UsageRules:
        return UsageRules(house.stores, UsageRuleStore(), SteeringStore(), bulks, time, manifest, able, Quiet())

    house.planner._previews = (rules(),)
    return Ruled(house, CarrierOnPaper(lambda *_: Answer.DONE), rules, bulks)


async def test_a_line_beyond_its_measure_is_suspended_and_comes_back_by_itself(house: House) -> None:
    made = await settled(house)
    await made.used(60 * MB)
    plan, _ = await house.plan_and_apply(rule())
    (planned,) = plan.summary["usage_rules"]["runaway"]
    assert (planned["account"], planned["lines"], planned["crossed"], planned["action"]) == ("global", 4, 4, "suspend")
    await made.tick()
    assert set(made.carrier.states.values()) == {"suspended"}
    assert await made.states() == {4: 4}
    assert (await made.verdict())["lines_by_state"] == {"held": 4}
    shown = await FleetStore(house.database).subscription(house.tenant, iccid(0, 1))
    assert shown is not None
    assert (shown.hold_reasons, shown.auto_revert_at is not None) == (("policy",), True)
    told = await house.sql("select actor from journal where action = %s", Action.BULK_STARTED.value)
    assert told == [("rule/runaway@1",)]
    await made.seen(6)
    clock(house, 23 * HOUR)
    await made.used(0, known=house.now)
    await made.tick()
    assert set(made.carrier.states.values()) == {"suspended"}
    clock(house, 2 * HOUR)
    await made.tick()
    assert set(made.carrier.states.values()) == {"active"}
    assert await made.states() == {6: 4}
    assert await made.tick() == 0


async def test_what_was_used_before_a_line_came_back_does_not_suspend_it_again(house: House) -> None:
    made = await settled(house)
    await made.used(60 * MB)
    await applied(house, rule(then="{alert: high, action: suspend, for: 1h}"))
    await made.tick()
    await made.seen(6)
    clock(house, 2 * HOUR)
    await made.tick()
    await made.seen(4)
    await made.used(60 * MB, day=house.now.date())  # the same day, still beyond
    await made.tick()
    assert await made.states() == {6: 4}
    clock(house, DAY)
    await made.used(70 * MB)  # the next day, anew
    await made.tick()
    assert await made.states() == {4: 4}


async def test_a_persons_resume_is_respected_until_new_usage_crosses(house: House) -> None:
    made = await settled(house)
    await made.used(60 * MB)
    await applied(house, rule())
    await made.tick()
    clock(house, HOUR)
    await made.seen(4)  # resumed in the carrier's portal
    await made.tick()
    assert await made.states() == {6: 4}
    assert await house.sql("select distinct over_by from usage_hold") == [("person",)]
    clock(house, 30 * HOUR)
    await made.used(1 * MB)
    await made.tick()
    assert sum(made.carrier.executed.values()) == 4  # no second suspension, and nothing to take back


@pytest.mark.parametrize(("age", "crossed"), [(24 * HOUR, 4), (26 * HOUR, 0)])
async def test_old_data_decides_nothing(house: House, age: timedelta, crossed: int) -> None:
    made = await settled(house)
    await made.used(60 * MB, day=(NOW - age).date(), known=NOW - age)
    await applied(house, rule())
    await made.tick()
    assert (await made.verdict())["crossed"] == crossed
    assert (await made.verdict())["stale"] == 4 - crossed


async def test_what_an_account_cannot_do_or_judge_is_said_and_nothing_is_asked(house: House) -> None:
    records = {
        "global": replace(PLAIN, verbs={}),
        "local-br": replace(PLAIN, usage=usage(48 * HOUR)),
        "local-tr": replace(PLAIN, usage=usage(granularities=("month",))),
    }
    made = await settled(house, records)
    await house.sql("update subscription set state = 4 returning 1")
    for account in records:
        await made.used(60 * MB, account=account)
    await applied(house, rule(more="observe: false"))
    await made.tick()
    assert (await made.verdict("global"))["crossed"] == 4
    assert "no such action" in (await made.verdict("global"))["action_because"]
    assert (await made.verdict("global"))["lines_by_state"] == {"not_done": 4}
    assert "lags 48 h" in (await made.verdict("local-br"))["cannot_because"]
    assert "counts by month" in (await made.verdict("local-tr"))["cannot_because"]
    assert (await made.verdict("local-tr"))["cannot"] == 2
    assert await house.sql("select count(*) from bulk") == [(0,)]


async def test_too_many_lines_wait_for_a_person_and_a_refusal_is_kept(house: House) -> None:
    made = await settled(house, devices=1_100)
    await made.used(60 * MB)
    await applied(house, rule(then="{alert: high, action: suspend, for: 24h, ask_above: 1000/day}"))
    await made.rules.tick(house.tenant)
    assert await made.states() == {2: 1_100}
    assert (await made.verdict())["lines_by_state"] == {"waiting": 1_100}
    ((bulk, state, total),) = await house.sql("select id, state, total from bulk")
    assert (state, total) == (BulkState.WAITING, 1_100)
    assert await made.rules.tick(house.tenant) == 0  # one question, not one a turn
    await made.bulks.steer(
        actor(house), OTHER, bulk, BulkState.CANCELLED, action=Action.BULK_CANCELLED, reason="it is a test"
    )
    await made.rules.tick(house.tenant)
    assert await made.states() == {6: 1_100}
    await made.used(61 * MB)
    await made.rules.tick(house.tenant)
    assert await made.states() == {6: 1_100}


async def test_an_approved_wave_acts(house: House) -> None:
    made = await settled(house)
    await made.used(60 * MB)
    await applied(house, rule(then="{alert: high, action: suspend, for: 24h, ask_above: 3/day}"))
    await made.tick()
    assert not made.carrier.executed
    ((bulk,),) = await house.sql("select id from bulk")
    await made.bulks.steer(actor(house), OTHER, bulk, BulkState.RUNNING, action=Action.BULK_APPROVED, reason="yes")
    await made.tick()
    assert await made.states() == {4: 4}


async def test_a_refused_line_is_told_once_and_asked_again_by_a_new_revision(house: House) -> None:
    made = await settled(house)
    made.carrier.answers = lambda *_: Answer.REFUSED
    await made.used(60 * MB)
    await applied(house, rule())
    await made.tick()
    await made.tick()
    assert await made.states() == {7: 4}
    assert sum(made.carrier.called.values()) == 4
    made.carrier.answers = lambda *_: Answer.DONE
    clock(house, timedelta(minutes=1))
    await applied(house, rule(more="carriers: [global]\n  max_age: 30h"))
    await made.tick()
    assert await made.states() == {4: 4}


async def test_an_observing_rule_and_an_alert_ask_nothing(house: House) -> None:
    made = await settled(house)
    await made.used(60 * MB)
    await applied(house, rule(more="observe: true"), rule("told", then="{alert: low}"))
    await made.tick()
    assert (await made.verdict())["crossed"] == 4
    assert await made.states() == {1: 4}
    assert await house.sql("select count(*) from bulk") == [(0,)]
    await made.used(1)
    await made.tick()
    assert await made.states() == {6: 4}


async def test_what_could_not_be_taken_back_is_tried_again(house: House) -> None:
    made = await settled(house)
    await made.used(60 * MB)
    await applied(house, rule())
    await made.tick()
    made.carrier.answers = lambda *_: Answer.REFUSED
    await made.seen(6)
    clock(house, 25 * HOUR)
    await made.tick()
    assert await made.states() == {4: 4}
    assert "could not be taken back" in (await house.sql("select because from usage_hold limit 1"))[0][0]
    made.carrier.answers = lambda *_: Answer.DONE
    clock(house, 2 * HOUR)
    await made.tick()
    assert await made.states() == {6: 4}


# --- the two readings ----------------------------------------------------------------------------

MEASURES = (
    ABOVE,
    "above: {window: 7d, bytes: 120MB}",
    "above: {window: month, bytes: 200MB}",
    "growth: {window: 24h, times: 1.5, against: 7d, bytes: 1MB}",
    "growth: {window: 7d, times: 2, against: 14d}",
    "silent: {days: 5}",
)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("max_age", ["", "max_age: 12h", "max_age: 60h"])
async def test_the_set_says_what_one_line_would_be_told_and_never_judges_stale_data(
    house: House, measure: str, max_age: str
) -> None:
    chance = random.Random(measure + max_age)
    made = await settled(house, devices=150)
    found = read_resources(rule(measure=measure, more=max_age or "observe: false"), file="a")[0][0]
    assert isinstance(found, UsageRule)
    lines = [row[0] for row in await house.sql("select id from subscription where state = 4 order by id")]
    wanted: dict[UUID, tuple[str, int]] = {}
    for line in lines:
        wanted[line] = await _scattered(made, found, line, chance)
    async with house.database.tenant(house.tenant) as tx:
        await UsageRuleStore().judge(tx, None, found, [], {"tenant": str(house.tenant)}, house.now)
        rows = await (await tx.execute("select subscription, word, value from usage_judged")).fetchall()
    judged = {row[0]: (row[1], row[2]) for row in rows}
    assert {line: judged[line][0] for line in lines} == {line: wanted[line][0] for line in lines}
    decided = [line for line in lines if wanted[line][0] in ("crossed", "within")]
    assert {line: judged[line][1] for line in decided} == {line: wanted[line][1] for line in decided}
    assert len({word for word, _ in wanted.values()}) > 2
    for line in decided:
        through = (await house.sql("select through, lag_s from usage_state where subscription = %s", line))[0]
        allowed = found.max_age or timedelta(seconds=through[1]) + DAY
        assert through[0] >= house.now - allowed


async def _scattered(made: Ruled, rule: UsageRule, line: UUID, chance: random.Random) -> tuple[str, int]:
    """Some days of one line, and what the reading of one line makes of them."""
    house, now = made.house, made.house.now
    if chance.random() < 0.05:
        return "unknown", 0
    through = now - chance.choice([0, 2, 6, 12, 18, 30, 50, 80]) * HOUR
    lag = chance.choice([1, 6, 24, 48]) * HOUR
    covered = through - chance.choice([2, 6, 20, 40]) * DAY
    days = {through.date() - DAY * n: chance.choice([0, 8, 16, 64]) * MB for n in range(chance.choice([1, 4, 9, 25]))}
    last = max((day for day, size in days.items() if size), default=None)
    last_at = datetime.combine(last, datetime.min.time(), UTC) + 6 * HOUR if last else None
    for day, size in days.items():
        await house.sql(
            "insert into usage_day (tenant, subscription, day, kind, source, bytes, records, open_records, observed_at)"
            " values (%s, %s, %s, 1, 'carrier/x', %s, 1, 0, %s) returning 1", house.tenant, line, day, size, now,
        )  # fmt: skip
    await house.sql(
        "insert into usage_state (tenant, subscription, account, covered_from, through, last_byte_at, lag_s)"
        " select tenant, id, account, %s, %s, %s, %s from subscription where id = %s returning 1",
        covered, through, last_at, int(lag.total_seconds()), line,
    )  # fmt: skip
    used, before = _counted(rule, through, days)
    reading = Reading(
        through=through, covered_from=covered, lag=lag, used=used, before=before,
        silent_since=max(at for at in (last_at, covered) if at is not None),
    )  # fmt: skip
    return judge(rule, reading, now)


def _counted(rule: UsageRule, through: datetime, days: Mapping[date, int]) -> tuple[int, int]:
    """Bytes in the window and in the days before it, each day spread evenly over its hours."""

    def between(begins: datetime, ends: datetime) -> int:
        total = 0.0
        for day, size in days.items():
            opens = datetime.combine(day, datetime.min.time(), UTC)
            # The day that the data ends in is known only so far, and counts whole.
            closes = min(opens + DAY, through) if day == through.date() else opens + DAY
            share = max(timedelta(0), min(closes, ends) - max(opens, begins))
            length = closes - opens
            total += size * (share / length) if length else (size if begins <= opens <= ends == through else 0)
        return int(total + 1e-6)

    measure = rule.measure
    window = getattr(measure, "window", "24h")
    if window == "month":
        return between(through.replace(day=1, hour=0, minute=0), through), 0
    span = {"24h": 1, "7d": 7}[window] * DAY
    against = getattr(measure, "against_days", 0) * DAY
    return between(through - span, through), between(through - span - against, through - span)

"""Lines beyond a usage rule as findings: one by one while they are few, together when they are many."""

from datetime import timedelta

from fairlead.engine.findings import Findings
from fairlead.engine.usage_alerts import UsageAlerts
from fairlead.engine.usage_rules import EACH
from fairlead.store.findings import FindingStore
from fairlead.store.journal import append
from fairlead.store.usage_rules import UsageRuleStore

from .loop_on_paper import applied, clock
from .test_loop import House, house
from .test_usage_rules import MB, rule, settled

__all__ = ["house"]  # the fixture


async def tell(house: House) -> None:
    alerts = UsageAlerts(Findings(house.database, FindingStore(), append, lambda: house.now))
    async with house.database.tenant(house.tenant) as tx:
        found = await UsageRuleStore().open(tx, EACH)
        await alerts.tell(tx, house.tenant, [(one, None) for one in found], house.now)


async def live(house: House) -> list[tuple]:
    return await house.sql(
        "select subject_kind, title, evidence -> 'lines' ->> 'value' from finding where state <> 3 order by key"
    )


async def test_a_few_lines_are_a_finding_each_and_many_are_one(house: House) -> None:
    made = await settled(house, devices=2 * EACH)
    await made.used(60 * MB)
    await applied(house, rule(then="{alert: low}"))
    await made.tick()
    await tell(house)
    ((kind, title, lines),) = await live(house)
    assert (kind, lines) == ("account", str(2 * EACH))
    assert f"{2 * EACH} lines of " in title
    await house.sql(
        "update usage_hold set state = 6 where subscription in (select subscription from usage_hold order by 1 limit %s)"
        " returning rule",
        EACH,
    )
    clock(house, timedelta(minutes=1))
    await tell(house)
    left = await live(house)
    assert len(left) == EACH
    assert {kind for kind, _, _ in left} == {"subscription"}

"""A bulk action that is asked of meters, not of accounts: chosen by facts, with what it would save."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fairlead.engine.bulk import Asked, Bulks
from fairlead.engine.ports.bulk import Bulk, Lines
from fairlead.engine.ports.fleet import FactsWanted, SubscriptionFilter
from fairlead.model.expression import Expr
from fairlead.model.subscription import Verb
from fairlead.policy.check import read_expression
from fairlead.policy.syntax import Refusal

from .fleet_on_paper import settle_fleet
from .loop_on_paper import clock
from .test_bulk import FREE, HAND, actor, bulks, manifest
from .test_loop import House, house

__all__ = ["house"]  # the fixture

PRICE = (
    "insert into price (tenant, plan, currency, activation_nano, monthly_nano, per_mb_nano, valid_from)"
    " values (%s, %s, %s, 0, %s, 0, %s) returning plan"
)


def wanted(house: House, text: str, verb: Verb = Verb.SUSPEND, **more: Any) -> Asked:
    expr = read_expression(text, context="device")
    assert not isinstance(expr, Refusal), expr
    return asked(house, expr, verb, **more)


def asked(house: House, expr: Expr, verb: Verb, **more: Any) -> Asked:
    which = SubscriptionFilter(state=4, where=FactsWanted(expr=expr, tenant="north"), now=house.now, **more)
    return Asked(verb=verb, arguments={}, lines=Lines(which=which), selected={})


def at(house: House, billable: bool | None) -> Bulks:
    verb = replace(FREE, billable=billable)
    return bulks(house, lambda connector: manifest(suspend=verb, activate=FREE))


async def price(house: House, monthly: str, *, plan: str, days_ago: int = 1) -> None:
    nano = round(float(monthly) * 10**9)
    await house.sql(PRICE, house.tenant, plan, "EUR", nano, (house.now - timedelta(days=days_ago)).date())


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('country == "BR"', 10),
        ('country == "BR" && sku == "TRK-1"', 10),
        ('sku == "meter"', 0),
        ('tenant == "north" && country == "TR"', 10),
        ('tenant == "south"', 0),
        ("silent_days >= 30", 3),
        ('last_contact_age < duration("1h") || silent_days >= 30', 3),
    ],
)
async def test_lines_are_chosen_by_facts_of_their_devices(house: House, text: str, lines: int) -> None:
    await settle_fleet(house.database, house.tenant, 20)
    await house.sql("update fact set last_contact_at = null returning device")
    await house.sql(
        "update fact set silent_days = 31 where device in (select device from fact order by device limit 3) returning 1"
    )
    seen = await bulks(house).preview(actor(house), wanted(house, text))
    assert (seen.lines, seen.able) == (lines, lines)
    if lines:
        made = await bulks(house).start(actor(house), HAND, wanted(house, text), expect=lines, reason="a test")
        assert isinstance(made, Bulk)
        assert await house.sql("select count(*) from operation where bulk = %s", made.id) == [(lines,)]


async def test_results_are_read_in_the_order_of_accounts_and_iccids(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 30)
    made = await bulks(house).start(
        actor(house), HAND, wanted(house, 'sku == "TRK-1"'), expect=None, reason="a test"
    )  # fmt: skip
    assert isinstance(made, Bulk)
    found = await bulks(house).results(actor(house), made.id, above=None, state=None, limit=100)
    assert len(found) == 30
    assert [(one.account, one.iccid) for one in found] == sorted((one.account, one.iccid) for one in found)


@pytest.mark.parametrize(
    ("billable", "where"), [(False, "monthly"), (None, "monthly_unknown"), (True, "monthly_goes_on")]
)
async def test_only_what_a_carrier_stops_billing_is_called_saved(
    house: House, billable: bool | None, where: str
) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    await house.sql("update subscription set plan = 'meter' where state = 4 returning id")
    await price(house, "9.00", plan="meter", days_ago=40)
    await price(house, "1.25", plan="meter")
    await price(house, "5.00", plan="meter", days_ago=-3)  # not yet
    seen = await at(house, billable).preview(actor(house), wanted(house, 'country == "BR"'))
    assert seen.saves is not None
    amounts = {name: seen.saves[name] for name in ("monthly", "monthly_unknown", "monthly_goes_on")}
    assert amounts == {"monthly": {}, "monthly_unknown": {}, "monthly_goes_on": {}, where: {"EUR": "6.25"}}
    assert (seen.saves["lines"], seen.saves["priced_lines"], seen.accounts[0].saves) == (5, 5, seen.saves)


async def test_what_has_no_price_is_in_no_amount_and_what_is_not_put_aside_saves_nothing(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 10)
    seen = await at(house, billable=False).preview(actor(house), wanted(house, 'sku == "TRK-1"'))
    assert seen.saves is not None
    assert (seen.saves["lines"], seen.saves["priced_lines"], seen.saves["monthly"]) == (10, 0, {})
    on = await at(house, billable=False).preview(actor(house), wanted(house, 'sku == "TRK-1"', Verb.ACTIVATE))
    assert (on.saves, on.accounts[0].saves) == (None, None)


async def test_what_cannot_be_asked_saves_nothing(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    seen = await bulks(house, lambda connector: None).preview(actor(house), wanted(house, 'sku == "TRK-1"'))
    assert (seen.able, seen.saves) == (0, None)


async def test_facts_that_follow_the_clock_are_those_of_the_asking(house: House) -> None:
    await settle_fleet(house.database, house.tenant, 4)
    await house.sql("update fact set last_contact_at = %s returning device", house.now)
    text = 'last_contact_age > duration("48h")'
    assert (await bulks(house).preview(actor(house), wanted(house, text))).lines == 0
    clock(house, timedelta(days=3))
    assert (await bulks(house).preview(actor(house), wanted(house, text))).lines == 4

"""A further subscription on the same card."""

import pytest
from tests.contract.bench import Bench, done, refused

from fairlead.engine.ports.carrier import Accepted, ReasonCode

pytestmark = pytest.mark.needs("ManagesProfiles")


async def test_a_further_subscription_is_accepted_then_delivered(bench: Bench) -> None:
    line = bench.line(device=True)
    connector = bench.open()
    ordered = await connector.add_subscription(line, plan=bench.further_plan, enable=True)
    assert isinstance(ordered, Accepted)
    again = await connector.add_subscription(line, plan=bench.further_plan, enable=True)
    assert isinstance(again, Accepted)
    assert bench.executed("add_subscription", line) == 1
    assert isinstance(await connector.follow_up(ordered.reference), Accepted)
    bench.online(line)
    bench.clock.tick(minutes=30)
    connector = bench.open()
    arrived = await done(bench, connector, await connector.follow_up(ordered.reference))
    assert [(one.plan, one.delivered) for one in arrived.observed.containers] == [(bench.further_plan, True)]
    assert arrived.observed.containers[0].imsi in arrived.observed.imsis[1:]


async def test_an_order_can_be_withdrawn_until_its_delivery_begins(bench: Bench) -> None:
    early, late = bench.line(device=True), bench.line(device=True)
    connector = bench.open()
    ordered = await connector.add_subscription(early, plan=bench.further_plan, enable=True)
    assert isinstance(ordered, Accepted)
    imsi = (await connector.read_sim(early)).containers[0].imsi
    await done(bench, connector, await connector.cancel_download(early, imsi=imsi))
    assert (await done(bench, connector, await connector.cancel_download(early, imsi=imsi))).changed is False
    assert bench.executed("cancel_download", early) == 1
    withdrawn = await refused(bench, connector, await connector.follow_up(ordered.reference))
    assert withdrawn.reason is ReasonCode.CONFLICT_STATE

    await connector.add_subscription(late, plan=bench.further_plan, enable=True)
    bench.online(late)
    imsi = (await connector.read_sim(late)).containers[0].imsi
    too_late = await refused(bench, connector, await connector.cancel_download(late, imsi=imsi))
    assert too_late.reason is ReasonCode.CONFLICT_STATE


async def test_a_subscription_that_cannot_be_added_is_unsupported(bench: Bench) -> None:
    connector = bench.open()
    outcome = await connector.add_subscription(bench.line(), plan="planNowhere", enable=True)
    assert (await refused(bench, connector, outcome)).reason is ReasonCode.UNSUPPORTED

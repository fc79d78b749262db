"""A third party's reconstruction of Control Center's interface looks at our requests and our fake's replies.

It hints and never judges (`prism.py`): what the connector was built on are Cisco's own pages.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from tests.contract.bench import done
from tests.contract.benches.control_center import CONTROL_CENTER
from tests.system.prism import Contract, Judged, Objection, hint, judging, marks

from fairlead.engine.ports.carrier import Done, Unavailable

CONTRACT = Contract("cisco-control-center/openapi.yaml")
OBJECTIONS = (
    Objection("dateSessionEnded must be string", "Cisco's page: null for a device that is in a session"),
    Objection("dateSessionStarted must be string", "Cisco's page: null for a device that never had a session"),
    Objection("ipAddress must be string", "Cisco's page: always returned, null without an address"),
    Objection('"property dateSessionEnded', "the same, as the problem that Prism answers with"),
    Objection("Response body property dateSession", "the same"),
)
pytestmark = marks


@pytest.fixture(scope="module")
async def judged() -> AsyncIterator[Judged]:
    async with judging(CONTROL_CENTER, CONTRACT) as made:
        yield made


async def test_the_reconstruction_has_nothing_to_say_that_the_vendor_does_not_contradict(judged: Judged) -> None:
    bench, verdict = judged.bench, judged.verdict
    bench.world.issue("tr", 119)
    line = bench.line(device=True)
    connector = bench.open()
    await connector.check()
    assert sum([len(page.sims) async for page in connector.list_sims()]) == 120
    session = bench.online(line)
    bench.world.traffic(bench.device(line), 4000, 9000)
    with suppress(Unavailable):  # a reply the reconstruction forbids
        await connector.read_session(line)
    bench.clock.tick(hours=1)
    bench.offline(line)
    assert not (await connector.read_session(line)).online
    since = session.started_at - timedelta(days=1)
    assert [page async for page in connector.session_events(line, since=since, until=bench.clock())]
    assert await connector.read_usage(line, since=since, until=bench.clock(), granularity="cycle")
    changes = connector.changes_from(bench.clock())
    for change in (connector.suspend, connector.activate):
        assert isinstance(await done(bench, connector, await change(line)), Done)
    await done(bench, connector, await connector.set_plan(line, bench.plan))
    bench.online(line)
    for text in ("wake up", "Ölçüm"):
        await done(bench, connector, await connector.send_sms(line, text))
    assert [page async for page in connector.list_changed(since=changes)]
    iccid = (await connector.read_sim(line)).iccid
    assert iccid is not None
    await done(bench, connector, await connector.terminate(line, confirm=iccid))
    assert len(verdict.exchanges) > 20
    hint(verdict, *OBJECTIONS)


async def test_the_reconstruction_would_have_spoken(judged: Judged) -> None:
    judged.verdict.clear()
    await judged.http.get(f"{judged.url}/v1/devices", headers={"authorization": "Basic eDp5"})
    assert judged.verdict.findings  # a search without modifiedSince

"""A contract written by hand from Verizon's pages judges our requests and our fake's replies (`prism.py` says how).

It is our own reading of those pages. That both sides keep it shows that they agree with the pages
as we read them, and nothing about Verizon's servers.
"""

from datetime import timedelta

import pytest
from tests.contract.bench import done
from tests.contract.benches.thingspace import THINGSPACE
from tests.system.prism import Case, Contract, Judged, judges, marks, spoil_a_reply

from fairlead.engine.ports.carrier import Done

CONTRACT = Contract("thingspace.yaml", ours=True)
pytestmark = marks


one_for_all, judged = judges(thingspace=Case(THINGSPACE, CONTRACT))


async def test_every_call_and_every_reply_keeps_the_contract(judged: Judged) -> None:
    bench, verdict = judged.bench, judged.verdict
    bench.world.issue("tr", 619)
    line = bench.line(device=True)
    connector = bench.open()
    await connector.check()
    assert sum([len(page.sims) async for page in connector.list_sims()]) == 620
    bench.online(line)
    bench.world.traffic(bench.device(line), 4000, 9000)
    assert (await connector.read_session(line)).online
    bench.clock.tick(hours=1)
    bench.offline(line)
    asked = {"since": bench.clock() - timedelta(days=1), "until": bench.clock()}
    assert [page async for page in connector.session_events(line, **asked)]
    assert await connector.read_usage(line, **asked, granularity="day")
    await done(bench, connector, await connector.set_plan(line, bench.plan))
    for text in ("wake up", "Ölçüm"):
        assert isinstance(await connector.send_sms(line, text), Done)
    for change in (connector.suspend, connector.activate, connector.deactivate, connector.activate):
        bench.clock.tick(minutes=30)  # the session ends in between
        await done(bench, connector, await change(line))
    assert verdict.findings == []
    assert len(verdict.exchanges) > 30


async def test_the_judge_would_have_spoken(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    line = judged.bench.line()
    await spoil_a_reply(
        judged, monkeypatch, line, of="fairlead_sim.carriers.thingspace_words.moment", into=lambda at: "yesterday"
    )
    headers = {"authorization": "Bearer any"}  # and no session
    await judged.http.post(f"{judged.url}/m2m/v1/devices/actions/list", json={}, headers=headers)
    assert judged.verdict.findings

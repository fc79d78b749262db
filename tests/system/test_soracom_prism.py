"""Soracom's published contract judges our requests and our fake's replies (`prism.py` says how)."""

from datetime import timedelta

import pytest
from tests.contract.benches.soracom import SORACOM
from tests.system.prism import Case, Contract, Judged, judges, marks, spoil_a_reply, still_needed

from fairlead.engine.ports.carrier import Accepted, Done, ReasonCode, Refused
from fairlead.model.identifiers import Imei
from fairlead.model.subscription import Verb

CONTRACT = Contract("soracom/soracom-api.en.yaml")
pytestmark = marks


one_for_all, judged = judges(soracom=Case(SORACOM, CONTRACT))


def test_each_patch_is_still_needed() -> None:
    still_needed(CONTRACT)


async def test_every_call_and_every_reply_keeps_the_contract(judged: Judged) -> None:
    bench, verdict = judged.bench, judged.verdict
    bench.world.issue("tr", 119)
    line = bench.line(device=True)
    group = bench.add_group("meters")
    connector = bench.open()
    await connector.check()
    assert sum([len(page.sims) async for page in connector.list_sims()]) == 120
    assert await connector.list_groups()

    imei = bench.online(line).imei
    bench.world.traffic(bench.device(line), 4000, 9000)
    assert (await connector.read_session(line)).online
    assert isinstance(await connector.set_imei_lock(line, Imei(imei)), Done)
    assert (await connector.read_sim(line)).imei_lock is not None
    assert isinstance(await connector.set_imei_lock(line, None), Done)
    assert isinstance(await connector.set_speed(line, "s1.slow"), Done)
    for text in ("wake up", "Ölçüm"):
        assert isinstance(await connector.send_sms(line, text), Done)
    bench.clock.tick(hours=1)
    assert isinstance(await connector.reset_connection(line), Done)
    assert not (await connector.read_sim(line)).session.online
    since = bench.clock() - timedelta(days=1)
    pages = [page async for page in connector.session_events(line, since=since, until=bench.clock())]
    assert sum(len(page.events) for page in pages) == 2
    for granularity in ("minutes", "day", "month"):
        assert await connector.read_usage(line, since=since, until=bench.clock(), granularity=granularity)

    for change in (connector.suspend, connector.activate, connector.standby, connector.deactivate):
        assert isinstance(await change(line), Done)
    assert isinstance(await connector.set_group(line, group), Done)
    assert isinstance(await connector.unset_group(line), Done)
    assert isinstance(await connector.add_subscription(line, plan="planX1", enable=True), Accepted)
    imsi = (await connector.read_sim(line)).containers[0].imsi
    assert isinstance(await connector.cancel_download(line, imsi=imsi), Done)
    iccid = (await connector.read_sim(line)).iccid
    assert iccid is not None
    assert isinstance(await connector.allow_termination(line), Done)
    assert isinstance(await connector.forbid_termination(line), Done)
    assert isinstance(await connector.allow_termination(line), Done)
    assert isinstance(await connector.terminate(line, confirm=iccid), Done)
    assert verdict.findings == []
    assert len(verdict.exchanges) > 45


async def test_a_batch_job_keeps_the_contract_from_its_group_to_its_last_task(judged: Judged) -> None:
    bench = judged.bench
    lines = [bench.line() for _ in range(120)]
    lines.append(bench.line("terminated"))
    connector = bench.open()
    for verb in (Verb.SUSPEND, Verb.ACTIVATE, Verb.STANDBY, Verb.DEACTIVATE):
        started = await connector.change_many(verb, lines)
        assert isinstance(started, Accepted), started
        assert await connector.follow_many(started.reference) == started
        busy = await connector.change_many(verb, lines)
        assert not isinstance(busy, Accepted)
        assert {one.reason for one in busy.values() if isinstance(one, Refused)} == {ReasonCode.BUSY}
        bench.clock.tick(minutes=3)
        ends = await connector.follow_many(started.reference)
        assert not isinstance(ends, Accepted)
        assert [type(ends[line]) for line in lines] == [Done] * 120 + [Refused]
    assert len(bench.fake.batch_groups) == 1
    assert judged.verdict.findings == []


async def test_the_judge_would_have_spoken(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply with a word the contract lacks, and a request with a malformed parameter, are both found."""
    line = judged.bench.line("ready")
    await spoil_a_reply(
        judged, monkeypatch, line, of="fairlead_sim.carriers.soracom_words.STATUS", into={"ready": "asleep"}
    )
    headers = {"X-Soracom-API-Key": "any", "X-Soracom-Token": "any"}
    await judged.http.get(f"{judged.url}/sims", params={"limit": "abc"}, headers=headers)
    assert judged.verdict.findings


async def test_a_refusal_the_contract_does_not_declare_still_reads_as_a_refusal(judged: Judged) -> None:
    """The contract declares no 400 for a protected termination; the carrier sends one, and Prism lets it pass."""
    line = judged.bench.line("ready")
    connector = judged.bench.open()
    iccid = (await connector.read_sim(line)).iccid
    assert iccid is not None
    outcome = await connector.terminate(line, confirm=iccid)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.PRECONDITION
    assert judged.verdict.findings == []
    assert judged.verdict.warnings

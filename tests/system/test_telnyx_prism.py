"""Telnyx's published contract judges our requests and our fake's replies (`prism.py` says how)."""

from datetime import timedelta

import pytest
from tests.contract.bench import done, refused
from tests.contract.benches.telnyx import TELNYX
from tests.system.prism import Case, Contract, Judged, Patch, judges, marks, spoil_a_reply, still_needed

from fairlead.engine.ports.carrier import NetworkPolicy, NotFound, ReasonCode
from fairlead.model.identifiers import Imei, Plmn
from fairlead.model.subscription import HoldReason

_STATES = ["registering", "enabling", "enabled", "disabling", "disabled", "data_limit_exceeded"]
_PARKED = ["setting_standby", "standby"]
CONTRACT = Contract(
    "telnyx/telnyx-wireless-trimmed.yml",
    patches=(
        Patch(
            "/components/schemas/SIMCardStatus/properties/value/enum",
            was=[*_STATES, *_PARKED],
            now=[*_STATES, *_PARKED, "registered", "unauthorized_imei", "blocked", "abolished"],
            reason="the vendor's lifecycle page and its own status filter name states that the enumeration lacks",
        ),
    ),
)
pytestmark = marks


one_for_all, judged = judges(telnyx=Case(TELNYX, CONTRACT))


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
    bench.world.traffic(bench.device(line), 4_000_000, 9_000_000)
    assert (await connector.read_session(line)).online
    assert await connector.read_usage(
        line, since=bench.clock() - timedelta(days=1), until=bench.clock(), granularity="month"
    )
    await done(bench, connector, await connector.set_imei_lock(line, Imei(imei)))
    await done(bench, connector, await connector.set_imei_lock(line, None))
    await done(bench, connector, await connector.set_limit(line, 20_000_000))
    await done(bench, connector, await connector.set_group(line, group))
    for plmns in ({Plmn(mcc="286", mnc="02"), Plmn(mcc="310", mnc="410")}, set[Plmn]()):
        policy = NetworkPolicy(kind="block", plmns=frozenset(plmns))
        await done(bench, connector, await connector.set_network_policy(line, policy))
    since = bench.clock() - timedelta(days=1)
    pages = [page async for page in connector.session_events(line, since=since, until=bench.clock())]
    assert sum(len(page.events) for page in pages) == 1

    bench.world.carriers["tr"].takes = dict.fromkeys(("active", "suspended", "standby"), timedelta(minutes=2))
    for change in (connector.suspend, connector.activate, connector.standby, connector.activate):
        await done(bench, connector, await change(line))
    iccid = (await connector.read_sim(line)).iccid
    await done(bench, connector, await connector.terminate(line, confirm=iccid))
    assert verdict.findings == []
    assert len(verdict.exchanges) > 50


async def test_what_the_carrier_imposes_and_refuses_keeps_the_contract(judged: Judged) -> None:
    bench = judged.bench
    held, wrong, parked = bench.line(device=True), bench.line(device=True), bench.line("standby")
    connector = bench.open()
    bench.online(held)
    bench.world.traffic(bench.device(held), 8_000_000, 8_000_000)
    await done(bench, connector, await connector.set_limit(held, 10_000_000))
    assert (await connector.read_sim(held)).subscription.hold_reasons == {HoldReason.DATA_LIMIT}
    await done(bench, connector, await connector.set_imei_lock(wrong, Imei("352099001761481")))
    assert (await connector.read_sim(wrong)).subscription.hold_reasons == {HoldReason.IMEI_MISMATCH}
    assert (await refused(bench, connector, await connector.suspend(parked))).reason is ReasonCode.CONFLICT_STATE
    with pytest.raises(NotFound):
        await connector.read_sim(bench.nobody)
    assert judged.verdict.findings == []


async def test_the_judge_would_have_spoken(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply with a word the contract lacks, and an id that is none, are both found."""
    line = judged.bench.line()
    await spoil_a_reply(
        judged, monkeypatch, line, of="fairlead_sim.carriers.telnyx_words.STATUS", into={"active": "asleep"}
    )
    headers = {"authorization": f"Bearer {judged.bench.secrets['api_key']}"}
    await judged.http.get(f"{judged.url}/sim_cards/no-uuid", headers=headers)
    assert judged.verdict.findings

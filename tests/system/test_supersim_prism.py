"""KORE's and Twilio's published contracts for Super SIM judge our requests and our fake's replies."""

from datetime import timedelta

import pytest
from tests.contract.bench import done
from tests.contract.benches.supersim import SUPERSIM, SUPERSIM_AT_TWILIO
from tests.system.prism import Case, Contract, Judged, Patch, judges, marks, spoil_a_reply, still_needed

from fairlead.engine.ports.carrier import Accepted, NetworkPolicy, Refused
from fairlead.model.identifiers import Plmn

FORM = "/requestBody/content/application~1x-www-form-urlencoded/schema/properties"
REPEATED = Patch(
    f"/paths/~1v1~1NetworkAccessProfiles/post{FORM}/Networks/type",
    was="array",
    now="string",
    reason="not the contract but its judge is wrong: of a name that a form repeats, Prism keeps the last value only",
)
KORE = Contract("kore/kore-supersim-v1.yaml", patches=(REPEATED,))
TOKEN = Contract("kore/kore_token_api_v1.yaml")
TWILIO = Contract("twilio/twilio_supersim_v1.yaml", patches=(REPEATED,))
pytestmark = marks


one_for_all, judged = judges(
    kore=Case(SUPERSIM, KORE, auth=TOKEN),
    twilio=Case(SUPERSIM_AT_TWILIO, TWILIO),
)


@pytest.mark.parametrize("contract", [KORE, TOKEN, TWILIO])
def test_each_patch_is_still_needed(contract: Contract) -> None:
    still_needed(contract)


async def test_every_call_and_every_reply_keeps_the_contract(judged: Judged) -> None:
    bench, verdict = judged.bench, judged.verdict
    bench.world.issue("tr", 119)
    line, group = bench.line("ready", device=True), bench.add_group("meters")
    connector = bench.open()
    await connector.check()
    assert sum([len(page.sims) async for page in connector.list_sims()]) == 120
    assert len(await connector.list_groups()) == 2

    assert (await done(bench, connector, await connector.activate(line))).changed
    bench.online(line)
    bench.world.traffic(bench.device(line), 4000, 9000)
    for text in ("wake up", "Ölçüm"):
        await done(bench, connector, await connector.send_sms(line, text))
    bench.clock.tick(days=4)
    since = bench.clock() - timedelta(days=5)
    for granularity in ("hour", "day", "all"):
        periods = await connector.read_usage(line, since=since, until=bench.clock(), granularity=granularity)
        assert sum(one.downlink_bytes for one in periods) == 9000

    await done(bench, connector, await connector.set_limit(line, 30_000_000))
    policy = NetworkPolicy(kind="allow", plmns=frozenset({Plmn(mcc="286", mnc="01"), Plmn(mcc="262", mnc="02")}))
    await done(bench, connector, await connector.set_network_policy(line, policy))
    again = bench.line()
    await done(bench, connector, await connector.set_network_policy(again, policy))
    assert bench.asked("set_network_policy") == 2
    assert len(bench.fake.profiles) == 2  # the one that was there, and one of ours for both
    await done(bench, connector, await connector.set_group(line, group))
    assert isinstance(await connector.set_limit(line, None), Refused)

    bench.world.carriers["tr"].takes["suspended"] = timedelta(minutes=2)
    outcome = await connector.suspend(line)
    assert isinstance(outcome, Accepted)
    assert outcome.observed is not None
    assert outcome.observed.subscription.provider_state == "scheduled"
    bench.fake.fail_settings(bench.card(again).iccid)
    assert (await done(bench, connector, outcome)).changed
    assert verdict.findings == []
    assert len(verdict.exchanges) > 40


async def test_a_failed_update_is_found_in_the_settings(judged: Judged) -> None:
    bench = judged.bench
    line = bench.line()
    bench.world.carriers["tr"].takes["suspended"] = timedelta(minutes=2)
    connector = bench.open()
    outcome = await connector.suspend(line)
    assert isinstance(outcome, Accepted)
    card = bench.card(line)
    bench.clock.tick(seconds=30)
    bench.fake.fail_settings(card.iccid)
    card.pending = None
    end = await connector.follow_up(outcome.reference)
    assert isinstance(end, Refused)
    assert end.reason == "rejected_by_network"
    assert judged.verdict.findings == []


async def test_the_judge_would_have_spoken(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply with a word the contract lacks, and a request with a malformed parameter, are both found."""
    line = judged.bench.line("ready")
    await spoil_a_reply(judged, monkeypatch, line, of="fairlead_sim.carriers.supersim.STATUS", into={"ready": "asleep"})
    await judged.http.get(f"{judged.url}/v1/Sims", params={"PageSize": "1001"}, headers={"authorization": "Bearer any"})
    assert judged.verdict.findings

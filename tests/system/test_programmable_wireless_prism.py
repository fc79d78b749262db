"""KORE's and Twilio's published contracts for Programmable Wireless judge our requests and our fake's replies."""

from datetime import timedelta

import pytest
from tests.contract.bench import done
from tests.contract.benches.programmable_wireless import PROGRAMMABLE_WIRELESS, PROGRAMMABLE_WIRELESS_AT_TWILIO
from tests.system.prism import ABSENT, Case, Contract, Judged, Patch, judges, marks, spoil_a_reply, still_needed

from fairlead.engine.ports.carrier import Accepted, Refused
from fairlead.model.subscription import SubscriptionState

NO_RESET = "the description says that it is null when no reset is under way, and the list of values leaves null out"
NO_PAGE = "no list has these fields, and every other list says null where there is no further page"
META = "/components/schemas/ListMeta"
KORE = Contract(
    "kore/kore-programmable-wireless-v1.yaml",
    patches=(
        Patch("/components/schemas/SimResourceResetStatus/enum", was=["resetting"], now=ABSENT, reason=NO_RESET),
        Patch(f"{META}/required", was=["list_key", "page_size", "direct_token"], now=["page_size"], reason=NO_PAGE),
        Patch(f"{META}/properties/next_page_url/nullable", was=ABSENT, now=True, reason=NO_PAGE),
        Patch(f"{META}/properties/previous_page_url/nullable", was=ABSENT, now=True, reason=NO_PAGE),
    ),
)
TOKEN = Contract("kore/kore_token_api_v1.yaml")
TWILIO = Contract(
    "twilio/twilio_wireless_v1.yaml",
    patches=(
        Patch("/components/schemas/sim_enum_reset_status/enum", was=["resetting"], now=ABSENT, reason=NO_RESET),
        Patch("/components/schemas/sim_enum_reset_status/nullable", was=ABSENT, now=True, reason=NO_RESET),
    ),
)
pytestmark = marks


one_for_all, judged = judges(
    kore=Case(PROGRAMMABLE_WIRELESS, KORE, auth=TOKEN),
    twilio=Case(PROGRAMMABLE_WIRELESS_AT_TWILIO, TWILIO),
)


@pytest.mark.parametrize("contract", [KORE, TWILIO])
def test_each_patch_is_still_needed(contract: Contract) -> None:
    still_needed(contract)


async def test_every_call_and_every_reply_keeps_the_contract(judged: Judged) -> None:
    bench, verdict = judged.bench, judged.verdict
    bench.world.issue("tr", 119)
    line = bench.line("ready", device=True)
    connector = bench.open()
    await connector.check()
    assert sum([len(page.sims) async for page in connector.list_sims()]) == 120

    assert (await done(bench, connector, await connector.activate(line))).changed
    begun = bench.clock()
    bench.online(line)
    bench.world.traffic(bench.device(line), 4000, 9000)
    assert (await connector.read_session(line)).online
    for text in ("wake up", "Ölçüm"):
        await done(bench, connector, await connector.send_sms(line, text))
    assert (await done(bench, connector, await connector.set_plan(line, bench.plan))).observed.plan == bench.plan
    await done(bench, connector, await connector.reset_connection(line))
    assert not (await connector.read_session(line)).online
    pages = [page async for page in connector.session_events(line, since=begun, until=bench.clock())]
    assert sum(len(page.events) for page in pages) == 2
    bench.clock.tick(days=4)
    since = bench.clock() - timedelta(days=5)
    for granularity in ("hour", "day", "all"):
        periods = await connector.read_usage(line, since=since, until=bench.clock(), granularity=granularity)
        assert sum(one.downlink_bytes for one in periods) == 9000

    assert (await done(bench, connector, await connector.suspend(line))).changed
    iccid = (await connector.read_sim(line)).iccid
    assert iccid is not None
    asked_at = bench.clock()
    outcome = await connector.terminate(line, confirm=iccid)
    assert isinstance(outcome, Accepted)
    assert (await done(bench, connector, outcome)).observed.subscription.state is SubscriptionState.TERMINATED
    assert timedelta(hours=72) <= bench.clock() - asked_at < timedelta(hours=74)
    assert isinstance(await connector.activate(line), Refused)
    assert verdict.findings == []
    assert len(verdict.exchanges) > 30


async def test_a_refusal_keeps_the_contract_too(judged: Judged) -> None:
    bench = judged.bench
    outcome = await bench.open().suspend(bench.line("inventory"))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.raw.code) == ("conflict_state", "33105")
    assert judged.verdict.findings == []


async def test_the_judge_would_have_spoken(judged: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply with a word the contract lacks, and a request with a malformed parameter, are both found."""
    line = judged.bench.line("ready")
    await spoil_a_reply(
        judged, monkeypatch, line, of="fairlead_sim.carriers.programmable_wireless.STATUS", into={"ready": "asleep"}
    )
    await judged.http.get(f"{judged.url}/v1/Sims", params={"PageSize": "1001"}, headers={"authorization": "Bearer any"})
    assert judged.verdict.findings

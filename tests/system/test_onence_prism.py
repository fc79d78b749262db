"""1NCE's three published contracts (login, v1, v2) judge our requests and our fake's replies (`prism.py` says how)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.contract.bench import done, refused
from tests.contract.benches.onence import ONENCE, ONENCE_V2
from tests.system.prism import Contract, Judged, Patch, judging, marks, spoil_a_reply, still_needed

from fairlead.engine.ports.carrier import Accepted, NotFound, ReasonCode, Refused
from fairlead.model.identifiers import Imei
from fairlead.model.subscription import HoldReason, Verb

AUTH = Contract("1nce/1nce-authorization-openapi.yml")
V1 = Contract(
    "1nce/1nce-sim-management-openapi.yml",
    patches=(
        Patch(
            "/paths/~1v1~1sims~1{service}~1limits/get/responses/200/content/*~1*/schema",
            was={"$ref": "#/components/schemas/Values_for_Limits"},
            now={"type": "array", "items": {"$ref": "#/components/schemas/CurrentLimitData"}},
            reason="summary, description and the text at SetLimitsRequest speak of a list to choose from",
        ),
    ),
)
V2 = Contract("1nce/1nce-sim-management-v2-openapi.yml")
pytestmark = marks


@pytest.fixture(scope="module")
async def judge_of_v1() -> AsyncIterator[Judged]:
    async with judging(ONENCE, V1, auth=AUTH) as made:
        yield made


@pytest.fixture(scope="module")
async def judge_of_v2() -> AsyncIterator[Judged]:
    async with judging(ONENCE_V2, V2, auth=AUTH) as made:
        yield made


@pytest.fixture
def first(judge_of_v1: Judged) -> Judged:
    judge_of_v1.verdict.clear()
    return judge_of_v1


@pytest.fixture
def second(judge_of_v2: Judged) -> Judged:
    judge_of_v2.verdict.clear()
    return judge_of_v2


@pytest.mark.parametrize("contract", [AUTH, V1, V2], ids=lambda one: one.path)
def test_each_patch_is_still_needed(contract: Contract) -> None:
    still_needed(contract)


async def both_versions(judged: Judged) -> None:
    """Every call that the two have in common."""
    bench = judged.bench
    bench.world.issue("tr", 119)
    line = bench.line(device=True)
    connector = bench.open()
    await connector.check()
    assert sum([len(page.sims) async for page in connector.list_sims()]) == 120

    imei = Imei(bench.online(line).imei)
    assert (await connector.read_session(line)).online
    await done(bench, connector, await connector.set_imei_lock(line, imei))
    await done(bench, connector, await connector.suspend(line))
    await done(bench, connector, await connector.activate(line))
    await done(bench, connector, await connector.set_imei_lock(line, None))
    bench.online(line)
    await done(bench, connector, await connector.send_sms(line, "wake up"))
    await done(bench, connector, await connector.reset_connection(line))
    assert not (await connector.read_session(line)).online
    since = bench.clock() - timedelta(days=1)
    pages = [page async for page in connector.session_events(line, since=since, until=bench.clock())]
    assert sum(len(page.events) for page in pages) == 4

    with pytest.raises(NotFound):
        await connector.read_sim(bench.nobody)
    over = bench.unchangeable()
    assert (await connector.read_sim(over)).subscription.hold_reasons == {HoldReason.EXPIRED}
    assert not (await connector.read_session(over)).online
    assert (await refused(bench, connector, await connector.suspend(over))).reason is ReasonCode.PRECONDITION
    assert judged.verdict.findings == []
    assert len(judged.verdict.exchanges) > 35


async def test_every_call_and_every_reply_keeps_v1(first: Judged) -> None:
    await both_versions(first)
    bench = first.bench
    line = bench.line(device=True)
    connector = bench.open()
    bench.online(line)
    bench.world.traffic(bench.device(line), 4000, 9000)
    day = timedelta(days=1)
    assert await connector.read_usage(line, since=bench.clock() - day, until=bench.clock(), granularity="day")
    for megabytes in (50, 500):
        await done(bench, connector, await connector.set_limit(line, megabytes * bench.limit_step))
    queued = await connector.change_many(Verb.SUSPEND, [line, bench.line()])
    assert not isinstance(queued, Accepted)
    for outcome in queued.values():
        await done(bench, connector, outcome)
    spoilt = await connector.change_many(Verb.ACTIVATE, [line, bench.unchangeable()])
    assert not isinstance(spoilt, Accepted)
    assert all(isinstance(outcome, Refused) for outcome in spoilt.values())
    assert first.verdict.findings == []


async def test_every_call_and_every_reply_keeps_v2(second: Judged) -> None:
    await both_versions(second)


async def test_the_judge_would_have_spoken(first: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply with a word the contract lacks, and a page size above its largest, are both found."""
    line = first.bench.line()
    await spoil_a_reply(
        first, monkeypatch, line, of="fairlead_sim.carriers.onence_words.word_of", into=lambda shown: "Asleep"
    )
    await first.http.get(f"{first.url}/v1/sims?pageSize=500", headers={"authorization": "Bearer any"})
    assert first.verdict.findings

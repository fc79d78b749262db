"""What only this carrier has, over its fake without a socket: actions with an end of their own, groups, holds."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.contract.bench import Bench, Clock, Stage, done, refused
from tests.contract.benches.telnyx import TELNYX

from fairlead.connectors._kit.wish import MalformedReference, Wish
from fairlead.connectors.telnyx import follow
from fairlead.engine.ports.carrier import (
    Accepted,
    Done,
    NetworkPolicy,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
    Unavailable,
)
from fairlead.model.identifiers import Imei, Plmn
from fairlead.model.subscription import HoldReason, SubscriptionState
from fairlead_sim.world.faults import Fault

THERE = Plmn(mcc="286", mnc="02")


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    stage = Stage("https://carrier.example", None)  # type: ignore[arg-type] - set in the next line
    async with httpx.AsyncClient(transport=httpx.ASGITransport(stage)) as stage.http:
        yield TELNYX.make(Clock(), stage)


def slow(bench: Bench) -> None:
    bench.world.carriers["tr"].takes = dict.fromkeys(("active", "suspended", "terminated"), timedelta(minutes=5))


@pytest.mark.parametrize(
    ("word", "reason"),
    [("failed", ReasonCode.REJECTED_BY_NETWORK), ("interrupted", ReasonCode.CONFLICT_STATE)],
)
async def test_an_action_that_does_not_come_true_is_refused_with_its_reason(
    bench: Bench, word: str, reason: ReasonCode
) -> None:
    line = bench.line()
    said = "The data limit was exceeded."
    bench.world.inject(Fault(kind="refuse", carrier="tr", verb="disable_ends", code=word, message=said))
    connector = bench.open()
    outcome = await connector.suspend(line)
    assert isinstance(outcome, Accepted)
    end = await refused(bench, connector, outcome)
    assert (end.reason, end.raw.code) == (reason, word)
    assert "data limit" in end.detail


async def test_an_action_that_ended_in_its_own_answer_is_done_at_once(bench: Bench) -> None:
    line = bench.line()
    outcome = await bench.open().suspend(line)
    assert isinstance(outcome, Done)
    assert outcome.observed.subscription.state is SubscriptionState.SUSPENDED
    assert (bench.asked("suspend"), outcome.changed) == (1, True)


async def test_a_line_on_its_way_is_followed_and_not_asked_again(bench: Bench) -> None:
    slow(bench)
    line = bench.line()
    connector = bench.open()
    await connector.suspend(line)
    assert (await connector.read_sim(line)).subscription.provider_state == "disabling"
    again = await connector.suspend(line)
    assert isinstance(again, Accepted)
    assert bench.asked("suspend") == 1
    assert (await done(bench, connector, again)).observed.subscription.state is SubscriptionState.SUSPENDED


async def test_a_line_on_its_way_elsewhere_cannot_be_turned_round(bench: Bench) -> None:
    slow(bench)
    line = bench.line()
    connector = bench.open()
    await connector.suspend(line)
    outcome = await connector.activate(line)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.CONFLICT_STATE


async def test_a_parked_line_is_not_disabled_but_by_way_of_enabled(bench: Bench) -> None:
    line = bench.line("standby")
    connector = bench.open()
    assert (await refused(bench, connector, await connector.suspend(line))).reason is ReasonCode.CONFLICT_STATE
    await done(bench, connector, await connector.activate(line))
    await done(bench, connector, await connector.suspend(line))


async def test_a_line_over_its_ceiling_is_held_and_is_not_taken_for_suspended(bench: Bench) -> None:
    line = bench.line(device=True)
    connector = bench.open()
    bench.online(line)
    bench.world.traffic(bench.device(line), 9_000_000, 9_000_000)
    await done(bench, connector, await connector.set_limit(line, 10_000_000))
    held = (await connector.read_sim(line)).subscription
    assert (held.state, held.hold_reasons) == (SubscriptionState.ACTIVE, {HoldReason.DATA_LIMIT})
    assert isinstance(await connector.suspend(line), Refused)  # nothing moves while the carrier holds it
    await done(bench, connector, await connector.set_limit(line, 100_000_000))
    await done(bench, connector, await connector.suspend(line))


async def test_a_line_in_a_strange_device_is_held(bench: Bench) -> None:
    line = bench.line(device=True)
    connector = bench.open()
    await done(bench, connector, await connector.set_imei_lock(line, Imei("352099001761481")))
    held = (await connector.read_sim(line)).subscription
    assert (held.state, held.hold_reasons) == (SubscriptionState.SUSPENDED, {HoldReason.IMEI_MISMATCH})
    assert held.provider_state == "unauthorized_imei"


async def test_a_line_that_leaves_is_followed_until_the_carrier_knows_it_no_more(bench: Bench) -> None:
    slow(bench)
    line = bench.line()
    connector = bench.open()
    iccid = (await connector.read_sim(line)).iccid
    outcome = await connector.terminate(line, confirm=iccid)
    assert isinstance(outcome, Accepted)
    assert isinstance(await connector.follow_up(outcome.reference), Accepted)
    end = await done(bench, bench.open(), outcome)
    assert (end.observed.iccid, end.observed.subscription.provider_state) == (iccid, "")
    assert end.observed.subscription.state is SubscriptionState.TERMINATED


async def test_networks_bind_the_whole_group_and_a_list_is_made_once(bench: Bench) -> None:
    first, second = bench.line(), bench.line()
    connector = bench.open()
    policy = NetworkPolicy(kind="block", plmns=frozenset({THERE}))
    await done(bench, connector, await connector.set_network_policy(first, policy))
    for line in (first, second):
        steering = bench.card(line).steering
        assert steering is not None
        assert steering.plmns == {"286-02"}
    assert (await done(bench, connector, await connector.set_network_policy(second, policy))).changed is False
    none = NetworkPolicy(kind="block", plmns=frozenset())
    await done(bench, connector, await connector.set_network_policy(second, none))
    assert bench.card(first).steering is None
    await done(bench, connector, await connector.set_network_policy(first, policy))
    assert len(bench.fake.blocklists) == 1


async def test_a_list_by_country_is_somebodys_own_and_stays(bench: Bench) -> None:
    line = bench.line()
    own = bench.fake.add_blocklist("no roaming", "country", ["US"])
    bench.fake.groups[bench.fake.default_group].blocklist = own
    connector = bench.open()
    policy = NetworkPolicy(kind="block", plmns=frozenset({THERE}))
    assert (await refused(bench, connector, await connector.set_network_policy(line, policy))).reason is (
        ReasonCode.PRECONDITION
    )
    assert bench.fake.groups[bench.fake.default_group].blocklist == own
    assert bench.asked("set_network_policy") == 0


async def test_a_list_of_allowed_networks_is_not_inverted(bench: Bench) -> None:
    policy = NetworkPolicy(kind="allow", plmns=frozenset({THERE}))
    outcome = await bench.open().set_network_policy(bench.line(), policy)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.UNSUPPORTED
    assert bench.reached() == 0


async def test_usage_by_day_is_not_made_up(bench: Bench) -> None:
    line, now = bench.line(), bench.clock()
    assert await bench.open().read_usage(line, since=now - timedelta(days=1), until=now, granularity="day") == ()


# --- replies that are not what was asked for


async def answered(value: object, *, status: int = 200) -> Any:
    """A connector whose carrier answers every change with this, and every read with an enabled SIM."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return httpx.Response(status, json=value)
        sim = {"id": "s-1", "status": {"value": "enabled"}, "sim_card_group_id": "g"}
        return httpx.Response(200, json={"data": sim})

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return TELNYX.make(Clock(), Stage("https://carrier.example", http)).open()


@pytest.mark.parametrize("value", [None, {}, {"data": []}, {"data": {"id": "a-1"}}])
async def test_a_202_without_an_action_settles_nothing(value: object) -> None:
    with pytest.raises(OutcomeUnknown):
        await (await answered(value, status=202)).suspend(ProviderId("s-1"))


@pytest.mark.parametrize("value", [None, {"data": {"id": "s-2"}}])
async def test_a_setting_answered_with_another_sim_settles_nothing(value: object) -> None:
    with pytest.raises(OutcomeUnknown):
        await (await answered(value)).set_limit(ProviderId("s-1"), 100_000)


async def test_a_setting_that_does_not_show_is_only_accepted() -> None:
    connector = await answered({"data": {"id": "s-1", "status": {"value": "enabled"}}})
    outcome = await connector.set_limit(ProviderId("s-1"), 100_000)
    assert isinstance(outcome, Accepted)
    assert isinstance(await connector.follow_up(outcome.reference), Accepted)


async def test_a_cursor_that_is_no_page_number_is_not_sent() -> None:
    connector = await answered({})
    with pytest.raises(Unavailable, match="page number"):
        await anext(connector.list_sims(after="1 or 2"))


# --- references


def test_a_reference_comes_back_as_it_went() -> None:
    wish = Wish(kind="networks", value="block 286-02,310-410")
    course = follow.read(follow.reference("group-action", "a-1", wish, ProviderId("s-1")))
    assert (course.of, course.action, course.sim, course.wish) == ("group-action", "a-1", "s-1", wish)
    assert follow.read(wish.reference(ProviderId("s-1"))).action == ""


@pytest.mark.parametrize("text", ["", "action", "action a-1", "action a-1 state", "ending s-1", "dream a b c"])
def test_a_reference_that_nobody_gave_is_refused(text: str) -> None:
    with pytest.raises(MalformedReference):
        follow.read(text)

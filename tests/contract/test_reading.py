"""Looking: inventory, one SIM, sessions, bytes."""

from datetime import timedelta

import pytest
from tests.contract.bench import Bench

from fairlead.engine.ports.carrier import NotFound, ProviderId, SimPage, Unavailable
from fairlead.model.identifiers import Plmn
from fairlead.model.subscription import SubscriptionState

needs = pytest.mark.needs


@needs("ListsSims")
@pytest.mark.parametrize("count", ["none", "one", "a page", "a page and one", "two pages and a half"])
async def test_the_inventory_is_complete_and_nothing_comes_twice(bench: Bench, count: str) -> None:
    size = bench.manifest.page_size
    wanted = {"none": 0, "one": 1, "a page": size, "a page and one": size + 1, "two pages and a half": size * 5 // 2}
    issued = {bench.id_of(sim) for sim in bench.world.issue("tr", wanted[count])}
    pages: list[SimPage] = [page async for page in bench.open().list_sims()]
    listed = [sim.provider_id for page in pages for sim in page.sims]
    assert len(listed) == wanted[count]
    assert set(listed) == issued
    assert pages[-1].next is None
    assert all(page.next is not None for page in pages[:-1])
    assert not any(page.unreadable for page in pages)
    for page in pages:
        for sim in page.sims:
            assert (sim.iccid, sim.complaints) == (bench.card(sim.provider_id).iccid, ())


@needs("ListsSims")
async def test_an_inventory_continues_behind_its_cursor_in_another_process(bench: Bench) -> None:
    many = bench.manifest.page_size * 5 // 2
    bench.world.issue("tr", many)
    first = await anext(bench.open().list_sims())
    rest = [sim.iccid async for page in bench.open().list_sims(after=first.next) for sim in page.sims]
    assert {sim.iccid for sim in first.sims}.isdisjoint(rest)
    assert len(first.sims) + len(rest) == many


@needs("ReadsSim", verbs=["suspend"])
async def test_a_record_keeps_the_providers_own_word_and_its_age(bench: Bench) -> None:
    line = bench.line("suspended")
    record = await bench.open().read_sim(line)
    assert record.provider_id == line
    assert record.iccid == bench.card(line).iccid
    assert record.subscription.state is SubscriptionState.SUSPENDED
    assert record.subscription.provider_state == bench.words.get("suspended", "suspended")
    assert record.freshness.observed_at == bench.clock()
    if bench.dated_by_reading:
        assert record.freshness.staleness == bench.manifest.capabilities.state_staleness
    else:  # what an export says is true at its own instant
        assert record.freshness.staleness == timedelta(0)
    assert record.session.freshness.staleness == bench.manifest.capabilities.session_staleness
    assert record.complaints == ()


@needs("ReadsSim")
async def test_a_sim_that_is_not_there_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        await bench.open().read_sim(ProviderId(bench.nobody))


@needs("SwitchesState", verbs=["suspend"])
async def test_a_sim_that_is_not_there_cannot_be_switched(bench: Bench) -> None:
    with pytest.raises(NotFound):
        await bench.open().suspend(ProviderId(bench.nobody))


@needs("ReportsSessions")
async def test_a_session_comes_with_its_network_and_device(bench: Bench) -> None:
    line = bench.line(device=True)
    connector = bench.open()
    assert (await connector.read_session(line)).connectivity is bench.never_seen
    session = bench.online(line)
    seen = await connector.read_session(line)
    assert seen.online
    wanted = {
        "plmn": Plmn(mcc="286", mnc="01"),
        "imei": session.imei,
        "imsi": session.imsi,
        "ip": session.ip,
        "since": session.started_at,
    }
    for name in bench.session_fields:
        assert getattr(seen, name) == wanted[name], name
    bench.clock.tick(minutes=1)
    bench.offline(line)
    gone = await connector.read_session(line)
    assert gone.connectivity is bench.gone
    if "since" in bench.session_fields:
        assert gone.since == bench.clock()


@needs("ReportsSessions")
async def test_a_carrier_that_lags_shows_yesterday_and_we_pass_it_on(bench: Bench) -> None:
    bench.world.carriers["tr"].lag = timedelta(minutes=10)
    line = bench.line(device=True)
    bench.online(line)
    connector = bench.open()
    assert not (await connector.read_session(line)).online
    bench.clock.tick(minutes=10)
    assert (await connector.read_session(line)).online


@needs("ReportsSessions", session_history=False)
async def test_where_only_the_latest_session_is_told_its_history_is_that(bench: Bench) -> None:
    line = bench.line(device=True)
    begun = bench.clock()
    for _ in range(3):
        bench.online(line)
        bench.clock.tick(minutes=1)
        bench.offline(line)
        bench.clock.tick(minutes=1)
    asked = {"since": begun, "until": bench.clock()}
    pages = [page async for page in bench.open().session_events(line, **asked)]
    events = [event for page in pages for event in page.events]
    ends = begun + timedelta(minutes=4), begun + timedelta(minutes=5)
    assert [(event.kind, event.at) for event in events] == [("created", ends[0]), ("deleted", ends[1])]
    asked = {"since": ends[1], "until": bench.clock()}
    pages = [page async for page in bench.open().session_events(line, **asked)]
    assert [event.kind for page in pages for event in page.events] == ["deleted"]


@needs("ReportsSessions", session_history=True)
async def test_session_history_is_complete_over_pages(bench: Bench) -> None:
    line = bench.line(device=True)
    begun = bench.clock()
    for _ in range(75):
        bench.online(line)
        bench.clock.tick(minutes=1)
        bench.offline(line)
        bench.clock.tick(minutes=1)
    pages = [page async for page in bench.open().session_events(line, since=begun, until=bench.clock())]
    kinds = [event.kind for page in pages for event in page.events]
    assert (kinds.count("created"), kinds.count("deleted"), len(kinds)) == (75, 75, 150)
    lines = 150 // bench.events_a_line
    assert len(pages) == -(-lines // bench.manifest.page_size)


@needs("ReadsUsage", usage_history=False)
async def test_a_running_sum_is_one_open_period(bench: Bench) -> None:
    line = bench.line(device=True)
    bench.online(line)
    usage = bench.manifest.capabilities.usage
    assert usage is not None
    for _ in range(3):
        bench.world.traffic(bench.device(line), 2_000_000, 1_000_000)
        bench.clock.tick(days=1)
    bench.clock.at += usage.lag_typical
    asked = {"granularity": bench.granularity, "until": bench.clock()}
    (open_one,) = await bench.open().read_usage(line, since=bench.clock() - timedelta(days=3), **asked)
    assert open_one.uplink_bytes + open_one.downlink_bytes == 9_000_000
    assert not open_one.split
    assert not open_one.final
    assert open_one.start <= bench.clock() <= open_one.end
    assert (await bench.open().read_usage(line, since=open_one.start - timedelta(days=9), granularity=bench.granularity,
            until=open_one.start - timedelta(days=1))) == ()  # fmt: skip


@needs("ReadsUsage", usage_history=True)
async def test_usage_adds_up_and_is_final_only_after_the_carriers_lag(bench: Bench) -> None:
    line = bench.line(device=True)
    begun = bench.clock()
    bench.online(line)
    usage = bench.manifest.capabilities.usage
    assert usage is not None
    assert bench.granularity in usage.granularities
    for _ in range(3):
        bench.world.traffic(bench.device(line), 1000, 500)
        bench.clock.tick(days=1)
    bench.clock.at += usage.lag_typical
    asked = {"since": begun, "until": begun + timedelta(days=3), "granularity": bench.granularity}
    periods = await bench.open().read_usage(line, **asked)
    spent = [one for one in periods if one.uplink_bytes + one.downlink_bytes]
    assert [(one.uplink_bytes, one.downlink_bytes) if one.split else one.downlink_bytes for one in spent] == [
        (1000, 500) if one.split else 1500 for one in spent
    ]
    assert len(periods) == len(spent) == 3
    assert all(one.end - one.start == timedelta(days=1) for one in periods)
    assert [one.start for one in spent] == sorted(one.start for one in spent)
    assert all(one.provider_id == line for one in spent)
    assert [one.final for one in spent] == [one.end + usage.lag_final <= bench.clock() for one in spent]
    bench.clock.at = begun + timedelta(days=4) + usage.lag_final
    assert all(one.final for one in await bench.open().read_usage(line, **asked))


@needs("ReadsSim")
async def test_an_unreachable_carrier_is_unavailable(bench: Bench) -> None:
    with pytest.raises(Unavailable):
        await bench.open(url="http://127.0.0.1:9").read_sim(bench.line())


@needs("SwitchesState", verbs=["suspend"])
async def test_an_unreachable_carrier_is_unavailable_even_for_a_write(bench: Bench) -> None:
    with pytest.raises(Unavailable):
        await bench.open(url="http://127.0.0.1:9").suspend(bench.line())


@needs("ReadsSim")
async def test_a_read_that_fails_is_unavailable_whatever_the_failure(bench: Bench) -> None:
    line = bench.line()
    bench.fault("api_down", "read_sim", at_most=1)
    with pytest.raises(Unavailable):
        await bench.open().read_sim(line)
    bench.fault("slow", "read_sim", delay_s=3, at_most=1)
    with pytest.raises(Unavailable):
        await bench.open(total_s=1).read_sim(line)


@needs("SwitchesState", verbs=["suspend"])
async def test_a_stale_view_is_passed_on_as_it_is(bench: Bench) -> None:
    line = bench.line()
    bench.clock.tick(hours=3)
    bench.world.set_state(bench.card(line).iccid, "suspended")
    begun = bench.clock()
    bench.later("suspend")
    bench.fault("stale", age_s=(bench.clock() - begun).total_seconds() + 3600, at_most=1)
    connector = bench.open()
    assert (await connector.read_sim(line)).subscription.state is SubscriptionState.ACTIVE
    assert (await connector.read_sim(line)).subscription.state is SubscriptionState.SUSPENDED

"""What can be set on a line: group, device, ceiling, networks, plan. Each is once, shown, and taken back."""

import pytest
from tests.contract.bench import APN, Bench, done, refused

from fairlead.engine.ports.carrier import NetworkPolicy, NotFound, OutcomeUnknown, ReadsNetworks, ReasonCode, Refused
from fairlead.model.identifiers import Imei, Plmn
from fairlead_sim.world.radio import AttachRefused

needs = pytest.mark.needs


@needs("Groups")
async def test_groups(bench: Bench) -> None:
    line, connector = bench.line(), bench.open()
    there = await connector.list_groups()
    group = bench.add_group("meters")
    assert {(one.id, one.name) for one in set(await connector.list_groups()) - set(there)} == {(group, "meters")}
    assert len(there) == bench.groups_there
    assert (await done(bench, connector, await connector.set_group(line, group))).observed.group == group
    assert (await done(bench, connector, await connector.set_group(line, group))).changed is False
    assert bench.executed("set_group", line) == 1
    with pytest.raises(NotFound):
        await connector.set_group(line, bench.no_group)


@needs("Groups", leaves_groups=True)
async def test_a_line_is_taken_out_of_its_group_once(bench: Bench) -> None:
    line, group = bench.line(), bench.add_group("meters")
    connector = bench.open()
    await done(bench, connector, await connector.set_group(line, group))
    assert (await done(bench, connector, await connector.unset_group(line))).observed.group == ""
    assert (await done(bench, connector, await connector.unset_group(line))).changed is False
    assert bench.executed("unset_group", line) == 1


@needs("Groups", leaves_groups=False)
async def test_where_a_line_is_always_in_a_group_it_cannot_be_taken_out(bench: Bench) -> None:
    line, group = bench.line(), bench.add_group("meters")
    connector = bench.open()
    assert (await connector.read_sim(line)).group
    await done(bench, connector, await connector.set_group(line, group))
    executed = bench.fake.desk.executed.total()
    assert (await refused(bench, connector, await connector.unset_group(line))).reason is ReasonCode.UNSUPPORTED
    assert (await connector.read_sim(line)).group == group
    assert bench.fake.desk.executed.total() == executed


@needs("LocksImei")
async def test_a_line_is_locked_to_a_device_once_and_set_free(bench: Bench) -> None:
    line = bench.line(device=True)
    imei = Imei(bench.online(line).imei)
    connector = bench.open()
    locked = await done(bench, connector, await connector.set_imei_lock(line, imei))
    assert locked.changed is True
    assert locked.observed.imei_lock is not None
    assert locked.observed.imei_lock.holds(imei)
    assert (await done(bench, connector, await connector.set_imei_lock(line, imei))).changed is False
    assert bench.executed("set_imei_lock", line) == 1

    bench.world.add_device("thief", country="TR", slots=[bench.card(line).iccid])
    refusal = bench.world.attach("thief", 0, APN)
    assert isinstance(refusal, AttachRefused)
    assert refusal.reason == "imei_not_accepted"

    free = await done(bench, connector, await connector.set_imei_lock(line, None))
    assert (free.changed, free.observed.imei_lock is not None and free.observed.imei_lock.on) == (True, False)
    assert (await done(bench, connector, await connector.set_imei_lock(line, None))).changed is False


@needs("LocksImei")
async def test_a_lost_reply_to_a_lock_is_unknown_and_shows(bench: Bench) -> None:
    line = bench.line(device=True)
    imei = Imei(bench.online(line).imei)
    connector = bench.open()
    bench.fault("lose_reply", "set_imei_lock", at_most=1)
    with pytest.raises(OutcomeUnknown):
        await connector.set_imei_lock(line, imei)
    bench.later("set_imei_lock")
    assert (await done(bench, connector, await connector.set_imei_lock(line, imei))).changed is False
    assert bench.executed("set_imei_lock", line) == 1


@needs("LimitsData")
async def test_a_ceiling_is_set_once(bench: Bench) -> None:
    line, ceiling = bench.line(), 5 * bench.limit_step
    connector = bench.open()
    limited = await done(bench, connector, await connector.set_limit(line, ceiling))
    assert limited.observed.limit is not None
    assert (limited.changed, limited.observed.limit.limit_bytes) == (True, ceiling)
    assert (await done(bench, connector, await connector.set_limit(line, ceiling))).changed is False
    assert bench.executed("set_limit", line) == 1


@needs("LimitsData", limit_can_go=True)
async def test_a_ceiling_is_taken_away(bench: Bench) -> None:
    line, ceiling = bench.line(), 5 * bench.limit_step
    connector = bench.open()
    await done(bench, connector, await connector.set_limit(line, ceiling))
    free = await done(bench, connector, await connector.set_limit(line, None))
    assert free.observed.limit is not None
    assert free.observed.limit.limit_bytes is None


@needs("LimitsData", limit_can_go=False)
async def test_a_ceiling_that_cannot_go_stays(bench: Bench) -> None:
    line, ceiling = bench.line(), 5 * bench.limit_step
    connector = bench.open()
    await done(bench, connector, await connector.set_limit(line, ceiling))
    assert (await refused(bench, connector, await connector.set_limit(line, None))).reason is ReasonCode.UNSUPPORTED
    still = await done(bench, connector, await connector.set_limit(line, ceiling))
    assert still.changed is False


@needs("LimitsData")
async def test_a_ceiling_the_carrier_cannot_hold_is_refused_and_not_rounded(bench: Bench) -> None:
    if bench.limit_step == 1:
        return  # whole bytes, whatever they are
    outcome = await bench.open().set_limit(bench.line(), 5 * bench.limit_step + 1)
    assert isinstance(outcome, Refused)
    assert outcome.reason is ReasonCode.INVALID_REQUEST
    assert bench.asked("set_limit") == 0


@needs("LimitsData")
async def test_a_ceiling_has_a_scope(bench: Bench) -> None:
    assert bench.manifest.capabilities.limit_scope in {"sim", "group", "account"}


@needs("LimitsData", alone=False)
async def test_a_ceiling_binds_whom_the_manifest_says(bench: Bench) -> None:
    line, other = bench.line(), bench.line()
    connector = bench.open()
    await done(bench, connector, await connector.set_limit(line, 5 * bench.limit_step))
    assert bench.card(line).limit_bytes == 5 * bench.limit_step
    shared = bench.manifest.capabilities.limit_scope != "sim"
    assert (bench.card(other).limit_bytes == 5 * bench.limit_step) == shared


@needs("SteersNetworks")
async def test_networks_are_steered_once(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    kind = bench.manifest.capabilities.steering
    assert kind in {"allow", "block"}
    policy = NetworkPolicy(kind=kind, plmns=frozenset({Plmn(mcc="286", mnc="02")}))
    steered = await done(bench, connector, await connector.set_network_policy(line, policy))
    assert (steered.changed, steered.observed.network_policy) == (True, policy)
    assert (await done(bench, connector, await connector.set_network_policy(line, policy))).changed is False
    assert bench.executed("set_network_policy", line) == 1
    now = connector.read_networks(line) if isinstance(connector, ReadsNetworks) else connector.read_sim(line)
    shown = await now
    assert (shown if isinstance(shown, NetworkPolicy) else shown.network_policy) == policy  # how it is taken back


@needs("SteersNetworks", alone=False)
async def test_steering_binds_whom_the_manifest_says(bench: Bench) -> None:
    line, other = bench.line(), bench.line()
    connector = bench.open()
    record = bench.manifest.capabilities
    policy = NetworkPolicy(kind=record.steering, plmns=frozenset({Plmn(mcc="286", mnc="02")}))
    await done(bench, connector, await connector.set_network_policy(line, policy))
    assert bench.card(line).steering is not None
    assert (bench.card(other).steering is not None) == (record.steering_scope != "sim")


@needs("LimitsSpeed")
async def test_a_speed_class_is_set_once_and_put_back(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    speeds = bench.manifest.capabilities.speeds
    usual = (await connector.read_sim(line)).speed
    slow = min(speeds, key=lambda name: speeds[name])
    assert usual != slow
    slowed = await done(bench, connector, await connector.set_speed(line, slow))
    assert (slowed.changed, slowed.observed.speed) == (True, slow)
    assert (await done(bench, connector, await connector.set_speed(line, slow))).changed is False
    assert bench.executed("set_speed", line) == 1
    back = await done(bench, connector, await connector.set_speed(line, usual))
    assert back.observed.speed == usual
    refusal = await refused(bench, connector, await connector.set_speed(line, "warp"))
    assert refusal.reason is ReasonCode.INVALID_REQUEST
    assert bench.executed("set_speed", line) == 2


@needs("SetsPlan")
async def test_a_plan_is_set_once(bench: Bench) -> None:
    line = bench.line()
    connector = bench.open()
    changed = await done(bench, connector, await connector.set_plan(line, bench.plan))
    assert (changed.changed, changed.observed.plan) == (True, bench.plan)
    assert (await done(bench, connector, await connector.set_plan(line, bench.plan))).changed is False
    assert bench.executed("set_plan", line) == 1

"""What comes unasked, and what is asked for by delta."""

from typing import Any

import pytest
from tests.contract.bench import Bench

from fairlead.engine.ports.carrier import BadSignature, Cursor, ProviderId
from fairlead.model.subscription import SubscriptionState

needs = pytest.mark.needs


async def changed(connector: Any, since: Cursor) -> tuple[set[ProviderId], Cursor]:
    found: set[ProviderId] = set()
    async for page in connector.list_changed(since=since):
        found |= {sim.provider_id for sim in page.sims} | set(page.named)
        since = page.next
        if page.last:
            break
    return found, since


@needs("ReportsChanges")
async def test_one_change_among_many_is_found_without_a_sweep(bench: Bench) -> None:
    lines = [bench.line() for _ in range(20)]
    bench.clock.tick(hours=6)
    connector = bench.open()
    since = connector.changes_from(bench.clock())
    bench.clock.tick(minutes=1)
    bench.world.set_state(bench.card(lines[3]).iccid, "suspended")
    bench.clock.tick(minutes=1)
    bench.later()
    found, since = await changed(connector, since)
    assert found == {lines[3]}
    bench.clock.tick(hours=6)
    bench.world.set_state(bench.card(lines[5]).iccid, "suspended")
    bench.later()
    found, _ = await changed(bench.open(), since)
    assert lines[5] in found
    assert found <= {lines[3], lines[5]}


@needs("Hears")
async def test_a_genuine_callback_names_the_line(bench: Bench) -> None:
    line = bench.line("suspended")
    headers, body = bench.callback(line, "suspended")
    (heard,) = bench.open().hear(headers, body)
    named = {heard.sim, heard.iccid, heard.imsi} - {None}
    assert named & {line, bench.card(line).iccid, bench.card(line).imsi}
    assert heard.raw
    assert heard.word
    assert (await bench.open().read_sim(line)).subscription.state is SubscriptionState.SUSPENDED


@needs("Hears")
async def test_a_callback_that_cannot_be_read_is_not_believed(bench: Bench) -> None:
    headers, _ = bench.callback(bench.line(), "active")
    for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(BadSignature):
            bench.open().hear(headers, body)


@needs("Hears")
async def test_a_forged_callback_is_not_believed(bench: Bench) -> None:
    if bench.manifest.webhook == "path":
        return  # nothing but the address proves the sender, and the address is not the connector's
    headers, body = bench.callback(bench.line(), "active")
    assert bench.open().hear(headers, body)
    for forged in bench.forged(headers, body):
        with pytest.raises(BadSignature):
            bench.open().hear(*forged)
    if bench.manifest.webhook == "signature":
        with pytest.raises(BadSignature):
            bench.open().hear(headers, body + b" ")

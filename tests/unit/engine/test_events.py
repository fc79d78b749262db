"""What is told is gathered, sent at a pace, and costs a slow listener no memory."""

import asyncio
from uuid import UUID

import pytest

from fairlead.engine.events import ABOUT, Events, MalformedEvent, Pace, Told, TooManyListeners
from fairlead.engine.ports.bus import BusUnavailable
from fairlead.engine.ports.events import About
from fairlead.model.ids import TenantId

ACME, OTHER = TenantId(UUID(int=1)), TenantId(UUID(int=2))


class Stream:
    """A bus on paper, which brings each message back to `to`."""

    def __init__(self, to: Events | None = None) -> None:
        self.sent: list[tuple[TenantId, str, bytes]] = []
        self.away = False
        self._to = to

    async def emit(self, tenant: TenantId, kind: str, payload: bytes) -> None:
        if self.away:
            raise BusUnavailable("away")
        self.sent.append((tenant, kind, payload))
        if self._to is not None:
            await self._to.hear(tenant, kind, payload)

    async def on_event(self, handler):
        raise AssertionError("not asked for here")


def moved(*numbers: int) -> list[About]:
    return [About(id=f"dev_{n}", action="moved") for n in numbers]


async def publishing(events: Events, stream: Stream, turns: float) -> None:
    task = asyncio.create_task(events.publish(stream))
    await asyncio.sleep(turns)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_thousand_words_become_one_message_with_twenty_ids_and_the_whole_count():
    events = Events()
    for n in range(1_000):
        events.tell(ACME, "device", moved(n))
    events.tell(OTHER, "counts")
    stream = Stream()
    await publishing(events, stream, 0.05)
    assert [(tenant, kind) for tenant, kind, _ in stream.sent] == [(ACME, "device"), (OTHER, "counts")]
    hearing = Events()
    listener = hearing.listen(ACME)
    for message in stream.sent:
        await hearing.hear(*message)
    news = await listener.news(0)
    assert news == {"device": Told(about=tuple(moved(*range(980, 1_000))), count=1_000)}
    assert ABOUT == 20


async def test_the_first_word_goes_at_once_and_the_next_ones_wait():
    events, stream = Events(Pace(publish_s=0.2)), Stream()
    task = asyncio.create_task(events.publish(stream))
    for n in range(10):
        events.tell(ACME, "device", moved(n))
        await asyncio.sleep(0.01)
    assert len(stream.sent) == 1
    await asyncio.sleep(0.2)
    assert len(stream.sent) == 2
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_bus_that_is_away_loses_the_word_and_ends_nothing():
    events, stream = Events(Pace(publish_s=0)), Stream()
    stream.away = True
    task = asyncio.create_task(events.publish(stream))
    events.tell(ACME, "counts")
    await asyncio.sleep(0.02)
    assert not task.done()
    stream.away = False
    events.tell(ACME, "counts")
    await asyncio.sleep(0.02)
    assert len(stream.sent) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_listener_that_never_takes_its_news_holds_one_word_a_kind():
    events = Events()
    listener = events.listen(ACME)
    payload: list[bytes] = []
    stream = Stream()
    events.tell(ACME, "device", moved(1))
    await publishing(events, stream, 0.02)
    payload = [stream.sent[0][2]]
    for _ in range(5_000):
        await events.hear(ACME, "device", payload[0])
    news = await listener.news(0)
    assert news == {"device": Told(about=tuple(moved(1)), count=5_000)}
    assert await listener.news(0) == {}


async def test_listeners_hear_their_own_tenant_only_and_are_bounded():
    events = Events(Pace(listeners=2))
    mine, also, theirs = events.listen(ACME), events.listen(ACME), events.listen(OTHER)
    with pytest.raises(TooManyListeners):
        events.listen(ACME)
    await events.hear(OTHER, "counts", b'{"about":[],"count":0}')
    assert await mine.news(0) == {}
    assert "counts" in (await theirs.news(0) or {})
    events.leave(also)
    events.leave(also)
    events.leave(events.listen(ACME))


async def test_what_is_malformed_is_refused_and_what_is_unknown_is_let_pass():
    events = Events()
    listener = events.listen(ACME)
    for payload in (b"", b"[]", b"{}", b'{"about": [1], "count": 2}', b'{"about": 7, "count": 2}', b"\xff"):
        with pytest.raises(MalformedEvent):
            await events.hear(ACME, "device", payload)
    await events.hear(ACME, "of-newer-code", b"?")
    assert await listener.news(0) == {}


async def test_a_process_that_stops_ends_its_streams():
    events = Events()
    listener = events.listen(ACME)
    events.close()
    assert await listener.news(10) is None
    assert await events.listen(ACME).news(10) is None

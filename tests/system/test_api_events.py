"""`/v1/events` over a real socket: who is told what, where a reader goes on, and how a stream ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import httpx
import pytest_asyncio
import uvicorn
from tests.system.conftest import NOW, QUICK, Api

from fairlead.engine.journal import entry
from fairlead.engine.ports.bus import BusUnavailable
from fairlead.engine.ports.events import About
from fairlead.model.ids import ChangeId, TenantId, show
from fairlead.model.journal import Action, Subject

PATIENCE_S = 10
CHANGE = ChangeId(UUID(int=77))


class Loopback:
    """A bus within the process."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.place: Place | None = None

    async def emit(self, tenant: TenantId, kind: str, payload: bytes) -> None:
        if self.place is not None and self.place.silent:
            raise BusUnavailable("away")
        await self._api.events.hear(tenant, kind, payload)

    async def on_event(self, handler):
        raise AssertionError("heard directly")


@dataclass
class Place:
    """The door on a socket."""

    api: Api
    url: str
    server: uvicorn.Server
    serving: asyncio.Task[None]
    at: int = 0
    silent: bool = False  # NATS is away

    async def write(
        self, *, action: Action = Action.CHANGE_STARTED, tenant: TenantId | None = None, lines: int = 1
    ) -> None:
        """Leave lines in the journal and have them sealed."""
        owner = tenant or self.api.tenant
        made = []
        for _ in range(lines):
            self.at += 1
            made.append(
                entry(
                    tenant=owner, at=NOW + timedelta(seconds=self.at), actor="usr_1", action=action,
                    subject=Subject(kind="change", id=show("chg", CHANGE)), change=CHANGE,
                )
            )  # fmt: skip
        await self.api.journal.append(owner, made)
        await self.api.journal.seal(owner)


@dataclass
class Reader:
    """One open stream, read line by line."""

    response: httpx.Response
    _lines: AsyncIterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = self.response.aiter_lines()

    async def event(self) -> dict:
        """The next event; comments are passed over."""
        found: dict = {}
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                if not line:
                    if "data" in found:
                        return found | {"data": json.loads(found["data"])}
                    found = {}
                name, _, value = line.partition(": ")
                if name:
                    found[name] = value
        raise AssertionError("the stream ended")

    async def comment(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                if line.startswith(": ") and "still" in line:
                    return line
        raise AssertionError("the stream ended")

    async def end(self) -> list[str]:
        """What still came until the stream ended well."""
        async with asyncio.timeout(PATIENCE_S):
            return [line async for line in self._lines]


@pytest_asyncio.fixture(loop_scope="session")
async def place(api: Api) -> AsyncIterator[Place]:
    await api.journal._store.prepare(NOW)
    server = uvicorn.Server(uvicorn.Config(api.app, port=0, log_config=None, lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
            await asyncio.sleep(0.01)
    bus = Loopback(api)
    publishing = asyncio.create_task(api.events.publish(bus))
    port = server.servers[0].sockets[0].getsockname()[1]
    bus.place = Place(api=api, url=f"http://127.0.0.1:{port}", server=server, serving=serving)
    yield bus.place
    publishing.cancel()
    api.events.close()
    server.should_exit = True
    async with asyncio.timeout(PATIENCE_S):
        await serving


@asynccontextmanager
async def reading(place: Place, who: str = "owner", query: str = "", **headers: str) -> AsyncIterator[Reader]:
    named = {"authorization": f"Bearer {who}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        httpx.AsyncClient(timeout=PATIENCE_S) as client,
        client.stream("GET", f"{place.url}/v1/events{query}", headers=named) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Reader(response)


async def test_a_line_of_the_journal_is_an_event_and_so_is_its_change(place):
    async with reading(place) as reader:
        await place.write()
        line, change = await reader.event(), await reader.event()
    subject = {"kind": "change", "id": show("chg", CHANGE)}
    at = "2026-03-01T12:00:01Z"
    assert line == {
        "id": "1", "event": "journal",
        "data": {"kind": "journal", "subject": subject, "action": "change.started", "at": at},
    }  # fmt: skip
    assert change == {
        "id": "1", "event": "change",
        "data": {"kind": "change", "subject": subject, "action": "change.started", "at": at},
    }  # fmt: skip


async def test_a_bulk_action_that_moved_is_an_event_for_those_who_see_the_whole_fleet(place):
    subject = Subject(kind="bulk", id="bulk_1")
    made = [
        entry(tenant=place.api.tenant, at=NOW, actor="usr_1", action=action, subject=subject)
        for action in (Action.BULK_STARTED, Action.OPERATION_BATCH)
    ]
    async with reading(place, query="?kinds=bulk") as reader, reading(place, "operator@north") as bound:
        await place.api.journal.append(place.api.tenant, made)
        await place.api.journal.seal(place.api.tenant)
        told = (await reader.event())["data"]
        assert told["subject"] == {"kind": "bulk", "id": "bulk_1"}
        assert told["action"] == "operation.batch", "one event for all that came at once: the newest"
        place.api.events.tell(place.api.tenant, "device")
        while (found := await bound.event())["event"] != "device":
            assert found["event"] == "journal"


async def test_findings_are_events_one_each_or_one_for_many_at_once(place):
    def told(kind: str, number: str, action: Action):
        subject = Subject(kind=kind, id=number)
        return entry(tenant=place.api.tenant, at=NOW, actor="system/insight", action=action, subject=subject)

    made = [
        told("finding", "fnd_1", Action.FINDING_OPENED),
        told("finding", "fnd_1", Action.FINDING_ACKNOWLEDGED),
        told("finding-kind", "usage-rule", Action.FINDING_CLOSED),
    ]
    async with reading(place, query="?kinds=finding") as reader, reading(place, "operator@north") as bound:
        await place.api.journal.append(place.api.tenant, made)
        await place.api.journal.seal(place.api.tenant)
        seen = [(await reader.event())["data"] for _ in range(2)]
        assert [(one["subject"]["id"], one["action"]) for one in seen] == [
            ("fnd_1", "finding.acknowledged"),
            (None, "finding.closed"),
        ]
        place.api.events.tell(place.api.tenant, "device")
        while (found := await bound.event())["event"] != "device":
            assert found["event"] == "journal"


async def test_a_reader_goes_on_behind_the_last_line_it_saw_and_is_told_when_it_missed_some(place):
    await place.write(lines=4)
    async with reading(place, query="?kinds=journal", last_event_id="2") as reader:
        assert [(await reader.event())["id"] for _ in range(2)] == ["3", "4"]
    await place.write(lines=16)
    async with reading(place, query="?kinds=journal", last_event_id="2") as reader:
        look = await reader.event()
        assert (look["event"], look["data"]["action"], look["id"]) == ("look", "missed", "15")
        assert [(await reader.event())["id"] for _ in range(5)] == ["16", "17", "18", "19", "20"]
    async with reading(place, query="?kinds=journal", last_event_id="9000") as reader:
        assert (await reader.event())["event"] == "look"  # the journal was restored from a backup
        await place.write()
        assert (await reader.event())["id"] == "21"


async def test_while_no_word_comes_a_listener_looks_by_itself(place):
    place.api.events.pace = replace(QUICK, look_s=0.3)
    place.silent = True
    async with reading(place, query="?kinds=journal") as reader:
        await place.write()
        assert (await reader.event())["id"] == "1"


async def test_counts_devices_and_jobs_are_told_and_kinds_are_a_filter(place):
    acme = place.api.tenant
    async with reading(place) as reader, reading(place, query="?kinds=counts") as counting:
        place.api.events.tell(
            acme, "device", [About(id="dev_1", action="moved"), About(id="dev_2", action="moved")], count=70
        )
        found = (await reader.event())["data"]
        assert (found["subject"]["id"], found["ids"], found["count"]) == (None, ["dev_1", "dev_2"], 70)
        place.api.events.tell(acme, "device", [About(id="dev_3", action="moved")])
        assert (await reader.event())["data"]["subject"] == {"kind": "device", "id": "dev_3"}
        place.api.events.tell(acme, "job", [About(id="job_1", action="done", owner="usr_somebody")])
        found = (await reader.event())["data"]
        assert (found["subject"], found["action"]) == ({"kind": "job", "id": "job_1"}, "done")
        await place.write()
        place.api.events.tell(acme, "counts")
        assert (await counting.event())["event"] == "counts"


async def test_a_reader_learns_only_what_it_may_read(place):
    acme = place.api.tenant
    some = [About(id="dev_1", action="moved")]
    job = [About(id="job_1", action="done", owner="usr_somebody")]
    async with (
        reading(place, "technician") as blind, reading(place, "operator@north") as bound,
        reading(place, "owner~other") as stranger,
    ):  # fmt: skip
        await place.write()
        found = (await blind.event())["data"]  # may read Changes, not the journal
        assert (found["kind"], found["subject"], found["action"]) == ("journal", {"kind": "journal", "id": None}, None)
        assert (await blind.event())["data"]["subject"]["id"] == show("chg", CHANGE)
        assert (await bound.event())["event"] == "journal"
        assert (await bound.event())["event"] == "change"
        place.api.events.tell(acme, "counts")
        place.api.events.tell(acme, "job", job)
        place.api.events.tell(acme, "device", some)
        found = await bound.event()  # neither counts of all departments nor a job of somebody else
        assert found["data"] == {
            "kind": "device", "subject": {"kind": "device", "id": None}, "action": "moved", "at": found["data"]["at"],
        }  # fmt: skip
        other = TenantId(UUID("018f0000-0000-7000-8000-00000000000f"))
        await place.write(tenant=other, action=Action.CHANGE_PAUSED)
        assert (await stranger.event())["data"]["action"] == "change.paused"
    async with reading(place, "vendor") as vendor:  # may read neither Changes nor the journal
        await place.write()
        assert (await vendor.event())["data"]["subject"] == {"kind": "journal", "id": None}
        place.api.events.tell(acme, "device", some)
        assert (await vendor.event())["event"] == "device"


async def test_a_stream_ends_with_the_token_that_opened_it(place):
    async with reading(place) as reader, reading(place, "auditor") as other:
        assert await reader.comment() == ": still here"
        place.api.gate.ended.add("owner")
        await reader.end()
        await place.write()
        assert (await other.event())["event"] == "journal"
    place.api.gate.ended.clear()


async def test_streams_are_bounded_and_the_place_of_one_that_left_is_free(place):
    async with reading(place), reading(place), reading(place):
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{place.url}/v1/events", headers={"authorization": "Bearer owner"})
        assert answer.status_code == 429
        assert answer.json()["type"] == "/problems/too-many-streams"
        assert answer.headers["retry-after"] == "30"
        async with reading(place, "owner~other"):
            pass
    async with asyncio.timeout(PATIENCE_S):
        while place.api.events._listeners:  # noqa: ASYNC110 - the server sees them go a moment later
            await asyncio.sleep(0.01)
    async with reading(place):
        pass


async def test_a_reader_that_takes_nothing_is_dropped(place):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(place.url.rsplit(":", 1)[1]), limit=1024)
    writer.write(b"GET /v1/events HTTP/1.1\r\nhost: door\r\nauthorization: Bearer owner\r\n\r\n")
    await writer.drain()
    async with asyncio.timeout(PATIENCE_S):
        while not place.api.events._listeners:  # noqa: ASYNC110 - the server takes a moment
            await asyncio.sleep(0.01)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    async with asyncio.timeout(PATIENCE_S + 20):
        while place.api.events._listeners:
            await place.write(lines=2_000)
    writer.close()


async def test_open_streams_do_not_hold_up_a_stop(place):
    async with reading(place) as reader:
        await place.write()
        await reader.event()
        place.api.events.close()
        await reader.end()  # an end, not a broken connection
    place.server.should_exit = True
    async with asyncio.timeout(3):
        await place.serving


async def test_bad_input_is_named(api):
    for query, header, pointer in (
        ("?kinds=journal,weather", "", "kinds"),
        ("?kinds=", "", "kinds"),
        ("", "-1", "Last-Event-ID"),
        ("", "9" * 19, "Last-Event-ID"),
    ):
        answer = await api.client().get(f"/v1/events{query}", headers={"last-event-id": header})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

"""`fairlead events`: one line an event, and a broken connection goes on where it was."""

import json
from pathlib import Path

import httpx

from .fake import run


def event(number: int, **more: object) -> str:
    data = {"kind": "change", "subject": {"kind": "change", "id": "chg_1"}, "action": "stage.opened",
            "at": "2026-03-01T12:00:01Z"} | more  # fmt: skip
    return f"id: {number}\nevent: change\ndata: {json.dumps(data)}\n\n"


class Streams:
    """Answers one stream after the other."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if not self.texts:
            return httpx.Response(401, json={"title": "Sign in or send a valid token"})
        blocks = self.texts.pop(0).encode()
        return httpx.Response(200, content=iter([blocks[:17], blocks[17:]]))


def test_events_are_printed_and_a_broken_stream_goes_on_behind_the_last(tmp_path: Path) -> None:
    server = Streams(f"retry: 3000\n: fairlead\n\n{event(7)}: still here\n\nid: 8\nda", event(9))
    ran = run(server, tmp_path, "events", "--kinds", "change", "--json", "-n", "2")
    assert ran.code == 0
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["subject"]["id"] for line in lines] == ["chg_1", "chg_1"]
    assert [dict(request.url.params) for request in server.asked] == [{"kinds": "change"}] * 2
    assert [request.headers.get("last-event-id") for request in server.asked] == [None, "7"]


def test_people_read_a_line_an_event(tmp_path: Path) -> None:
    moved = event(1, kind="device", subject={"kind": "device", "id": None}, action="moved", count=70)
    ran = run(Streams(event(1) + moved), tmp_path, "events", "-n", "2")
    assert ran.out.splitlines() == [
        "2026-03-01 12:00:01  change   stage.opened           chg_1",
        "2026-03-01 12:00:01  device   moved                  70 devices",
    ]


def test_a_session_that_ended_ends_the_command(tmp_path: Path) -> None:
    ran = run(Streams(event(1)), tmp_path, "events")
    assert ran.code == 6

"""`/v1/events`: what moves, as server-sent events (WHATWG HTML §9.2), for consoles and programs.

`engine.events` says where events come from and why they are nudges. This door turns them into text
for one caller: who may not read the journal is told only that it moved, who is bound to departments
never learns which devices of others did, and a job is told of to whoever may see it. The caller is
looked at again every few seconds, without that counting as use of a browser session, so that a stream
ends with the session or token it was opened by.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

import structlog
from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from fairlead.edge.api.door import Caller, now_of, permit, services, still_there
from fairlead.edge.api.problems import Problem, invalid
from fairlead.edge.api.routing import router as make_router
from fairlead.engine.events import Events, Listener, Told, TooManyListeners
from fairlead.engine.journal import Journal
from fairlead.engine.ports.events import KINDS, Kind
from fairlead.engine.ports.journal import Kept
from fairlead.model.access import allowed
from fairlead.model.ids import show

router = make_router("/v1/events", "events")

Reader = Annotated[Caller, Depends(permit("devices.read"))]

MEDIA_TYPE: Final = "text/event-stream"
_LINES: Final = 500  # a look at the journal
_RETRY_MS: Final = 3_000
_LONGEST_NUMBER: Final = 18  # digits of 64 bits
_log = structlog.get_logger("fairlead.edge.api.events")


class EventSubject(BaseModel):
    """What moved."""

    kind: str = Field(examples=["change"])
    id: str | None = Field(description="null where the caller may not know, or where it is many: look again")


class EventShown(BaseModel):
    """The `data` of one event."""

    kind: str = Field(
        description="journal, change, bulk, finding, device, counts, job; or look: something was missed, look again"
    )
    subject: EventSubject
    action: str | None = Field(description="null where the caller may not know", examples=["change.started"])
    at: datetime
    ids: list[str] | None = Field(default=None, description="of devices: some that moved, at most twenty")
    count: int | None = Field(default=None, description="of devices: how many moved since the last event")


class _Talk(StreamingResponse):
    """A stream that leaves its place when it ends, and hangs up on a reader that takes nothing."""

    def __init__(self, content: AsyncIterator[bytes], events: Events, listener: Listener) -> None:
        # A proxy that gathers what it passes on would keep events back.
        super().__init__(content, media_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})
        self._events = events
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._events.leave(self._listener)

    async def stream_response(self, send: Send) -> None:
        """Send what comes, each piece within its time."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for chunk in self.body_iterator:
                async with asyncio.timeout(self._events.pace.slow_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            _log.info("events.slow_reader_dropped", tenant=str(self._listener.tenant))
            return  # without an end: whoever reads on sees that the stream broke
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@router.get(
    "", summary="What moves, as it moves", response_class=StreamingResponse,
    responses={
        200: {"content": {MEDIA_TYPE: {}}, "model": EventShown, "description": "Server-sent events (docs/events.md)"},
        429: {"description": "As many streams of this tenant are open as may be"},
    },
)  # fmt: skip
async def listen(
    request: Request,
    caller: Reader,
    kinds: Annotated[
        str | None, Query(max_length=100, description="only these, joined by commas", examples=["change,journal"])
    ] = None,
    last_event_id: Annotated[str | None, Header(description="the last `id` that was seen: go on behind it")] = None,
) -> StreamingResponse:
    """Nudges, never the truth: each says that something moved and should be looked at again."""
    wanted, after = _kinds(kinds), _number(last_event_id)
    events, journal = services(request).of(Events), services(request).of(Journal)
    head = await journal.head(caller.tenant)
    try:
        listener = events.listen(caller.tenant)
    except TooManyListeners as many:
        raise Problem(
            429, "too-many-streams", "Too many event streams are open", f"{many}; close one, or try again later",
            headers={"Retry-After": "30"},
        ) from many  # fmt: skip
    talk = _Conversation(request, caller, wanted, events, listener, journal)
    return _Talk(talk.pieces(head, after), events, listener)


class _Conversation:
    """What one caller is told."""

    def __init__(
        self, request: Request, caller: Caller, wanted: frozenset[str], events: Events, listener: Listener,
        journal: Journal,
    ) -> None:  # fmt: skip
        self._request = request
        self._caller = caller
        self._wanted = wanted
        self._pace = events.pace
        self._listener = listener
        self._journal = journal
        self._seq = 0

    async def pieces(self, head: int, after: int | None) -> AsyncIterator[bytes]:
        """The text of the stream, until the caller may listen no more or the process stops."""
        self._seq = head
        yield f"retry: {_RETRY_MS}\n: fairlead\n\n".encode()
        if after is not None:
            self._seq = max(after, head - self._pace.backlog)
            if after > head or self._seq > after:  # too far back, or of a journal that was restored since
                self._seq = min(self._seq, head)
                yield self._event("look", EventSubject(kind="stream", id=None), "missed", now_of(self._request))
        try:
            async for piece in self._going():
                yield piece
        except Exception:  # noqa: BLE001 - the database is away: the reader comes back, and goes on where it was
            _log.exception("events.stream_failed", tenant=str(self._caller.tenant))

    async def _going(self) -> AsyncIterator[bytes]:
        pace = self._pace
        checked = looked = spoke = time.monotonic()
        news: Mapping[Kind, Told] | None = {}
        look = True
        while news is not None:
            now = time.monotonic()
            if now - checked >= pace.recheck_s:
                found = await still_there(self._request, "devices.read")
                if found is None:
                    return
                self._caller, checked = found, now
            pieces = self._told(news)
            if look or "journal" in news or now - looked >= pace.look_s:
                pieces += await self._lines()
                looked, look = now, False
            if not pieces and now - spoke >= pace.heartbeat_s:
                pieces.append(b": still here\n\n")
            if pieces:
                spoke = now
            for piece in pieces:
                yield piece
            due = min(checked + pace.recheck_s, looked + pace.look_s, spoke + pace.heartbeat_s)
            news = await self._listener.news(due - time.monotonic())

    async def _lines(self) -> list[bytes]:
        """Journal lines since the last look, and the Changes, bulk actions and findings that they speak of."""
        pieces: list[bytes] = []
        if not self._wanted & {"journal", "change", "bulk", "finding"}:
            return pieces
        while found := await self._journal.after(self._caller.tenant, self._seq, limit=_LINES):
            pieces += self._journal_events(found) + self._change_events(found)
            pieces += self._bulk_events(found) + self._finding_events(found)
            if len(found) < _LINES:
                break
        return pieces

    def _journal_events(self, found: Sequence[Kept]) -> list[bytes]:
        if "journal" not in self._wanted or not self._may("journal.read"):
            self._seq = found[-1].seq or self._seq
            if "journal" not in self._wanted:
                return []
            return [self._event("journal", EventSubject(kind="journal", id=None), None, found[-1].line.at)]
        pieces: list[bytes] = []
        for kept in found:
            self._seq = kept.seq or self._seq
            subject = EventSubject(kind=kept.line.subject.kind, id=kept.line.subject.id)
            pieces.append(self._event("journal", subject, kept.line.action.value, kept.line.at))
        return pieces

    def _change_events(self, found: Sequence[Kept]) -> list[bytes]:
        if "change" not in self._wanted or not self._may("changes.read"):
            return []
        newest = {kept.line.change: kept.line for kept in found if kept.line.change is not None}
        return [
            self._event("change", EventSubject(kind="change", id=show("chg", change)), line.action.value, line.at)
            for change, line in newest.items()
        ]

    def _bulk_events(self, found: Sequence[Kept]) -> list[bytes]:
        if "bulk" not in self._wanted or not self._everywhere():
            return []
        newest = {kept.line.subject.id: kept.line for kept in found if kept.line.subject.kind == "bulk"}
        return [
            self._event("bulk", EventSubject(kind="bulk", id=bulk), line.action.value, line.at)
            for bulk, line in newest.items()
        ]

    def _finding_events(self, found: Sequence[Kept]) -> list[bytes]:
        """One a finding; where many opened or closed at once, one that names none of them."""
        if "finding" not in self._wanted or not allowed(self._caller.principal, "findings.read", everywhere=True):
            return []
        newest = {
            kept.line.subject: kept.line for kept in found if kept.line.subject.kind in {"finding", "finding-kind"}
        }
        return [
            self._event(
                "finding", EventSubject(kind="finding", id=about.id if about.kind == "finding" else None),
                line.action.value, line.at,
            )
            for about, line in newest.items()
        ]  # fmt: skip

    def _told(self, news: Mapping[Kind, Told]) -> list[bytes]:
        now = now_of(self._request)
        pieces: list[bytes] = []
        for kind, told in news.items():
            if kind not in self._wanted:
                continue
            match kind:
                case "counts":
                    if self._everywhere():
                        pieces.append(self._event("counts", EventSubject(kind="counts", id=None), "counted", now))
                case "device":
                    pieces.append(self._device_event(told, now))
                case "job":
                    pieces += self._job_events(told, now)
                case "journal" | "change" | "bulk" | "finding":
                    pass  # their lines are read
        return pieces

    def _device_event(self, told: Told, now: datetime) -> bytes:
        if not self._everywhere():
            return self._event("device", EventSubject(kind="device", id=None), "moved", now)
        ids = [one.id for one in told.about]
        alone = ids[0] if told.count == 1 and ids else None
        more: Mapping[str, Any] = {"ids": ids, "count": max(told.count, len(ids))}
        return self._event("device", EventSubject(kind="device", id=alone), "moved", now, more)

    def _job_events(self, told: Told, now: datetime) -> list[bytes]:
        me = show("usr", self._caller.principal.id)
        seen = [one for one in told.about if one.owner == me or self._everywhere()]
        return [self._event("job", EventSubject(kind="job", id=one.id), one.action, now) for one in seen]

    def _may(self, permission: Any) -> bool:
        return allowed(self._caller.principal, permission)

    def _everywhere(self) -> bool:
        return allowed(self._caller.principal, "devices.read", everywhere=True)

    def _event(
        self, kind: str, subject: EventSubject, action: str | None, at: datetime, more: Mapping[str, Any] | None = None
    ) -> bytes:
        shown = EventShown(kind=kind, subject=subject, action=action, at=at).model_dump(mode="json")
        said = {name: value for name, value in shown.items() if name not in {"ids", "count"}} | dict(more or {})
        data = json.dumps(said, ensure_ascii=False, separators=(",", ":"))  # escapes line ends: one line, as it must be
        return f"id: {self._seq}\nevent: {kind}\ndata: {data}\n\n".encode()


def _kinds(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset(KINDS)
    named = frozenset(part.strip() for part in text.split(",") if part.strip())
    if not named or not named <= frozenset(KINDS):
        raise invalid("kinds", text, f"some of {', '.join(KINDS)}, joined by commas")
    return named


def _number(text: str | None) -> int | None:
    if text is None or not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_NUMBER:
        raise invalid("Last-Event-ID", text, "the `id` of an event of this stream")
    return int(text)

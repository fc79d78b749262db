"""Control Center behind the carrier port: a search by time, edits that answer with nothing, words of operators.

Each change reads the device first and sends nothing where it is so already. An edit is answered
with the ICCID alone, 200 or 202 alike and without a job's id, so it is `Accepted` and followed by
reading. Which changes of status are allowed is the operator's choice: what it forbids comes back
as a refusal with its reason.

The search is by time of modification and oldest first. A whole inventory is therefore everything
since 1970, and what changed is the same search with a later beginning. Its pages are numbered, so
a device that changes between two pages moves to the end, and one behind it slips past. A list of
changes that took several pages is therefore looked through a second time before its beginning moves
on; a whole inventory is not, and the next one brings what slipped.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.changing import unconfirmed
from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.inventory import sim_page
from fairlead.connectors._kit.letters import encoding_of
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.reading import as_list, as_object
from fairlead.connectors._kit.wish import MalformedReference, Wish, own_refusal, read_reference
from fairlead.connectors.control_center.client import ControlCenterClient, instant
from fairlead.connectors.control_center.translate import (
    DELIVERED,
    UNDELIVERED,
    Translator,
    before,
    message_id,
    message_word,
    why_not,
)
from fairlead.engine.ports.carrier import (
    Accepted,
    CarrierInstance,
    ChangedPage,
    Cursor,
    Done,
    EventPage,
    NotFound,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    SessionStatus,
    SimPage,
    SimRecord,
    Unavailable,
    UsagePeriod,
)
from fairlead.model.identifiers import Iccid
from fairlead.model.subscription import VERB_TARGET, SubscriptionState, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.control_center")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OVERLAP: Final = timedelta(minutes=5)  # a change that was on its way while we looked, and two clocks that differ
_CYCLES: Final = 3  # the current one and the two before: no more can be asked
_LOOK_AGAIN: Final = timedelta(seconds=5)
_MESSAGE_CHECK: Final = timedelta(seconds=30)
_CODINGS: Final = {1: 0, 2: 8}  # 7-bit and UCS-2 as Control Center numbers them


class ControlCenterConnector(OpenAccount):
    """One account."""

    def __init__(
        self, instance: CarrierInstance, client: ControlCenterClient, translator: Translator,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        super().__init__(instance, MANIFEST, now)
        self._client = client
        self._translator = translator

    async def check(self) -> None:
        """One search that finds next to nothing: the credential works and may read."""
        await self._client.search(since=self._now(), size=1, page=1)

    # --- the inventory, and what changed in it

    async def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """Everything modified since 1970, one request a page; the cursor is the number of the page."""
        page: int | None = _page_of(after)
        while page is not None:
            found, last = await self._search(EPOCH, page)
            page = None if last else page + 1
            yield replace(found, next=Cursor(str(page)) if page else None)

    def changes_from(self, instant: datetime) -> Cursor:
        """Everything that was modified at the instant or later."""
        return _cursor(_Walk(since=instant))

    async def list_changed(self, *, since: Cursor) -> AsyncIterator[ChangedPage]:
        """What was modified, oldest first; the next time begins shortly before this one did."""
        walk = _read_cursor(since)
        while True:
            if walk.page == 1 and walk.first_look is None:
                walk = replace(walk, began=self._now())
            found, last = await self._search(walk.since, walk.page)
            walk = walk.turned(last=last)
            yield ChangedPage(sims=found.sims, next=_cursor(walk), last=last, unreadable=found.unreadable)
            if last:
                return

    async def _search(self, since: datetime, page: int) -> tuple[SimPage, bool]:
        """A page of what was modified since, and whether it is the last."""
        asked_at = self._fresh()
        body = as_object(await self._client.search(since=since, size=MANIFEST.page_size, page=page))
        lines = as_list(body.get("devices")) if body is not None else None
        if body is None or lines is None:
            raise Unavailable("GET /devices: the reply holds no list of devices")
        last = body.get("lastPage")
        found = sim_page(lines, lambda line: self._translator.sim(line, asked_at), None)
        return found, last if isinstance(last, bool) else len(lines) < MANIFEST.page_size

    # --- one device

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The device now; whether it is on the air takes `read_session`."""
        asked_at = self._fresh()
        record = self._translator.sim(await self._client.get_device(sim), asked_at)
        if record is None:
            raise Unavailable(f"GET /devices/{sim}: the reply is not a device")
        return record

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The session now."""
        asked_at = self._fresh()
        return self._translator.session(await self._client.session(sim), asked_at)

    async def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """The current or last session is all the history there is: one page."""
        if after is not None:
            raise NotFound(f"session history of {sim}: there is one page, and no cursor behind it")
        asked_at = self._fresh()
        events = self._translator.events(await self._client.session(sim), asked_at)
        yield EventPage(events=tuple(event for event in events if since <= event.at <= until), next=None)

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """By billing cycle: the current one tells when it began, and so what to ask for those before it."""
        if granularity != "cycle":
            return ()
        periods: list[UsagePeriod] = []
        first_day = None
        for _ in range(_CYCLES):
            asked_at = self._fresh()
            cycle, period = self._translator.usage(sim, await self._client.usage(sim, first_day), asked_at)
            if period is not None and period.start <= until and since <= period.end:
                periods.append(period)
            if cycle is None or cycle.start <= since:
                break
            first_day = before(cycle)
        return tuple(sorted(periods, key=lambda period: period.start))

    # --- changes

    async def activate(self, sim: ProviderId) -> Outcome:
        """Switch on."""
        return await self._change_state(await self.read_sim(sim), Verb.ACTIVATE)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Switch off; DEACTIVATED in the usual words."""
        return await self._change_state(await self.read_sim(sim), Verb.SUSPEND)

    async def terminate(self, sim: ProviderId, *, confirm: Iccid) -> Outcome:
        """End the line by the word the account is permitted to use."""
        record = await self.read_sim(sim)
        return unconfirmed(record, confirm) or await self._change_state(record, Verb.TERMINATE)

    async def _change_state(self, record: SimRecord, verb: Verb) -> Outcome:
        target = VERB_TARGET[verb]
        wish = Wish(kind="state", value=target)
        if record.subscription.state is SubscriptionState.TERMINATED and not wish.met(record):
            return own_refusal(ReasonCode.CONFLICT_STATE, "the line has ended, which is final")
        word = self._translator.words.ask.get(target)
        if word is None and not wish.met(record):
            denied = self._translator.capabilities
            because = denied.verbs[verb].because if denied is not None else ""
            return own_refusal(ReasonCode.UNSUPPORTED, because)
        return await self._edit(record, wish, {"status": word or ""})

    async def set_plan(self, sim: ProviderId, plan: str) -> Outcome:
        """Put the line onto a rate plan, by its name."""
        return await self._edit(await self.read_sim(sim), Wish(kind="plan", value=plan), {"ratePlan": plan})

    async def _edit(self, record: SimRecord, wish: Wish, change: dict[str, str]) -> Outcome:
        if wish.met(record):
            return Done(observed=record, changed=False)
        sim = record.provider_id
        answer = await self._client.edit(sim, change)
        if isinstance(answer, Denial):
            return answer.refused(why_not(answer.raw.status, answer.raw.code) if wish.kind == "state" else None)
        named = (as_object(answer.value) or {}).get("iccid", sim)
        if named != sim:
            raise OutcomeUnknown(f"SIM {sim}: the carrier answered {answer.status} for another SIM")
        return Accepted(reference=wish.reference(sim), check_after=_LOOK_AGAIN)

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """Hand a message over; whether it arrived is told by `follow_up`."""
        encoding = encoding_of(text)
        if encoding is None:
            return own_refusal(ReasonCode.INVALID_REQUEST, "expected 1 to 160 plain letters, or 70 of any alphabet")
        answer = await self._client.send_sms(sim, text, coding=_CODINGS[encoding])
        if isinstance(answer, Denial):
            return answer.refused()
        message = message_id(answer.value)
        if not message:
            raise OutcomeUnknown(f"SMS to {sim}: the carrier answered {answer.status} without a message")
        return Accepted(reference=f"sms {sim} {message}", check_after=_MESSAGE_CHECK)

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        if reference.startswith("sms "):
            return await self._follow_message(reference)
        sim, wish = read_reference(reference)
        record = await self.read_sim(sim)
        if wish.met(record):
            return Done(observed=record)
        return Accepted(reference=reference, check_after=_LOOK_AGAIN, observed=record)

    async def _follow_message(self, reference: str) -> Outcome:
        _, _, rest = reference.partition(" ")
        sim, space, message = rest.partition(" ")
        if not (sim and space and message):
            raise MalformedReference(f"{reference!r} is not a reference: expected sms, a SIM and a message")
        word = message_word(await self._client.message(message))
        if word.casefold() in UNDELIVERED:
            detail = f"the message was not delivered: {word}"
            return Refused(reason=ReasonCode.DEVICE_UNREACHABLE, detail=detail, raw=RawReply(status=200, code=word))
        if word.casefold() in DELIVERED:
            return Done(observed=await self.read_sim(ProviderId(sim)))
        return Accepted(reference=reference, check_after=_MESSAGE_CHECK)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """Where somebody is in the changes, as a cursor holds it."""

    since: datetime
    page: int = 1
    began: datetime = EPOCH
    first_look: datetime | None = None  # when the first of two looks at the same stretch began

    def turned(self, *, last: bool) -> "_Walk":
        """After a page: the next one, or where to begin the next time."""
        if not last:
            return replace(self, page=self.page + 1)
        if self.page > 1 and self.first_look is None:
            return _Walk(since=self.since, began=self.began, first_look=self.began)
        return _Walk(since=max(self.since, (self.first_look or self.began) - OVERLAP))


def _cursor(walk: _Walk) -> Cursor:
    first = instant(walk.first_look) if walk.first_look else "-"
    return Cursor(f"{instant(walk.since)} {walk.page} {instant(walk.began)} {first}")


def _read_cursor(cursor: Cursor) -> _Walk:
    try:
        since, page, began, first = cursor.split(" ")
        return _Walk(
            since=datetime.fromisoformat(since),
            page=int(page),
            began=datetime.fromisoformat(began),
            first_look=None if first == "-" else datetime.fromisoformat(first),
        )
    except ValueError:
        raise NotFound(f"{cursor!r} is no cursor of changes") from None


def _page_of(cursor: Cursor | None) -> int:
    if cursor is None:
        return 1
    if not (cursor.isascii() and cursor.isdigit() and int(cursor[:9]) > 0):
        raise NotFound(f"{cursor!r} is no cursor of the inventory")
    return int(cursor[:9])

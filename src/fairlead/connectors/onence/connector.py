"""1NCE behind the carrier port: reads, natural idempotency, and what the two versions of the interface do apart.

A change answers with nothing but a status, so it is `Accepted`, and done when the SIM shows it. In v1
a change carries the whole of what can be set: what is left out falls back to the contract's default
(`imei_lock: false`), so a switch that named only the state could take a lock off. A 422 (409 in v2, if
the quota says so) means that the SIM has expired: a precondition, whose way out is a paid extension.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.inventory import entries_of, inventory
from fairlead.connectors._kit.letters import is_plain
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.paging import after_number, number_of, pages
from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.connectors._kit.wish import MalformedReference, Wish, own_refusal, read_reference
from fairlead.connectors.onence import queued
from fairlead.connectors.onence.client import OnenceClient
from fairlead.connectors.onence.translate import Translator, ceiling, has_expired, option
from fairlead.engine.ports.carrier import (
    Accepted,
    BatchOutcome,
    CarrierInstance,
    Cursor,
    Done,
    EventPage,
    Manifest,
    NotFound,
    Outcome,
    ProviderId,
    ReasonCode,
    Refused,
    SessionEvent,
    SessionStatus,
    SimPage,
    SimRecord,
    Unavailable,
    UsagePeriod,
)
from fairlead.model.identifiers import Imei
from fairlead.model.subscription import VERB_TARGET, Freshness, Verb, capability

MANIFEST_V1: Final = manifest_of("fairlead.connectors.onence")
MANIFEST_V2: Final = manifest_of("fairlead.connectors.onence", "manifest_v2.toml")

_WORDS: Final = {Verb.ACTIVATE: "Enabled", Verb.RESUME: "Enabled", Verb.SUSPEND: "Disabled"}
_LOOK_AGAIN: Final = timedelta(seconds=3)


class OnenceConnector(OpenAccount):
    """One 1NCE account by what both versions have; `OnenceV1Connector` adds what only v1 has."""

    def __init__(
        self,
        instance: CarrierInstance,
        client: OnenceClient,
        translator: Translator,
        now: Callable[[], datetime],
        manifest: Manifest,
    ) -> None:
        super().__init__(instance, manifest, now)
        self._client = client
        self._translator = translator

    async def check(self) -> None:
        """Log in and read one SIM: the credential works and may read."""
        await self._client.login()
        await self._client.list_sims(number=1, size=1)

    # --- reads

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory by page number, one request a page. A list tells neither session nor expiry."""
        size = self._manifest.page_size

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            number = number_of(cursor)
            value, total = await self._client.list_sims(number=number, size=size)
            lines = entries_of(value, "GET /sims")
            return lines, after_number(number, total=total, lines=len(lines), size=size)

        return inventory("GET /sims", turn, self._translator.sim, fresh=self._fresh, after=after)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now, and from its quota whether it has expired: two requests."""
        asked_at = self._fresh()
        value = await self._client.sim(sim)
        return self._known(sim, value, asked_at, expired=await self._expired(sim))

    async def _expired(self, sim: ProviderId) -> bool:
        try:
            return has_expired(await self._client.quota(sim), self._now())
        except NotFound:
            return False  # a SIM without a quota has no term

    async def _before(self, sim: ProviderId) -> tuple[SimRecord, Mapping[str, object]]:
        """The SIM before a change, with its JSON: one request, since an expired SIM refuses by itself."""
        asked_at = self._fresh()
        value = await self._client.sim(sim)
        return self._known(sim, value, asked_at, expired=False), as_object(value) or EMPTY

    def _known(self, sim: ProviderId, value: object, asked_at: Freshness, *, expired: bool) -> SimRecord:
        record = self._translator.sim(value, asked_at, expired=expired)
        if record is None:
            raise Unavailable(f"GET /sims/{sim}: the reply is not a SIM")
        return record

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The status now; a loss is told within one to two days, so `attached` proves little."""
        asked_at = self._fresh()
        return self._translator.session(await self._client.status(sim), asked_at)

    async def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """The SIM's events. The carrier filters by no time, so every page is read."""
        size = self._manifest.page_size

        async def read(cursor: Cursor | None) -> tuple[list[SessionEvent], str | None]:
            asked_at, number = self._fresh(), number_of(cursor)
            value, total = await self._client.events(sim, number=number, size=size)
            body = as_object(value)
            if body is not None:
                total = Fields(body, []).whole("totalPages") if total is None else total
            lines = as_list(value if body is None else body.get("events")) or []
            found = [self._translator.event(line, asked_at) for line in lines]
            events = [one for one in found if one is not None and since <= one.at <= until]
            return events, after_number(number, total=total, lines=len(lines), size=size)

        async for events, onward in pages("events", read, after=after):
            yield EventPage(events=tuple(events), next=onward)

    # --- state and lock

    async def activate(self, sim: ProviderId) -> Outcome:
        """Enable."""
        return await self._switch(sim, Verb.ACTIVATE)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Disable."""
        return await self._switch(sim, Verb.SUSPEND)

    async def _switch(self, sim: ProviderId, verb: Verb) -> Outcome:
        before, body = await self._before(sim)
        wish = Wish(kind="state", value=VERB_TARGET[verb])
        return await self._update(before, body, wish, {"status": _WORDS[verb]})

    async def set_imei_lock(self, sim: ProviderId, imei: Imei | None) -> Outcome:
        """Lock to the device the SIM is in, if the carrier shows that it is this one; or take the lock off."""
        before, body = await self._before(sim)
        wish = Wish(kind="imei_lock", value=imei or "")
        if imei is not None and before.imei != imei:
            seen = f"it shows {before.imei}" if before.imei else "it shows none"
            return own_refusal(ReasonCode.PRECONDITION, f"the carrier locks to the device in use, and {seen}")
        if imei is not None and before.imei_lock is not None and before.imei_lock.on and not wish.met(before):
            return own_refusal(ReasonCode.PRECONDITION, "the SIM is locked to another device; take that lock off first")
        return await self._update(before, body, wish, {"imei_lock": imei is not None})

    async def _update(
        self, before: SimRecord, body: Mapping[str, object], wish: Wish, change: Mapping[str, object]
    ) -> Outcome:
        if wish.met(before):
            return Done(observed=before, changed=False)
        sim = before.provider_id
        answer = await self._client.update(sim, self._whole(sim, body, change))
        if isinstance(answer, Denial):
            return await self._refused(sim, answer)
        return Accepted(reference=wish.reference(sim), check_after=_LOOK_AGAIN)

    def _whole(self, sim: ProviderId, body: Mapping[str, object], change: Mapping[str, object]) -> Mapping[str, object]:
        if self._client.version == "v2":
            return change
        kept = {name: body[name] for name in ("status", "imei_lock", "label") if body.get(name) is not None}
        return {"iccid": sim, **kept, **change}

    async def _refused(self, sim: ProviderId, answer: Denial) -> Refused:
        status = answer.raw.status
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            return queued.expired(answer)
        if status == HTTPStatus.CONFLICT and await self._expired(sim):
            return queued.expired(answer)
        return answer.refused()

    # --- done to a device

    async def reset_connection(self, sim: ProviderId) -> Outcome:
        """Queue a reset. It shows by the session that ends, or by one that begins later; else it never shows."""
        session = await self.read_session(sim)
        asked_at = self._now()
        answer = await self._client.reset(sim)
        if isinstance(answer, Denial):
            return await self._refused(sim, answer)
        return Accepted(reference=queued.reset(sim, asked_at, session), check_after=queued.RESET_AGAIN)

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """Hand a message over. In v2 it has an id, by which it is followed to its end."""
        if not is_plain(text):
            return own_refusal(ReasonCode.INVALID_REQUEST, "expected 1 to 160 plain letters")
        before, _ = await self._before(sim)
        answer = await self._client.send_sms(sim, text)
        if isinstance(answer, Denial):
            return await self._refused(sim, answer)
        message = Fields(as_object(answer.value) or EMPTY, []).text("id")
        if self._client.version == "v2" and message:
            return Accepted(reference=queued.sms(sim, message), check_after=_LOOK_AGAIN)
        return Done(observed=before)

    # --- what became of it

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        found = queued.read(reference)
        if found is None:
            return await self._wished(reference)
        sim = found.sim
        if found.kind == "sms":
            end = queued.sms_end(await self._client.sms(sim, found.message))
            if end == "under way":
                return Accepted(reference=reference, check_after=_LOOK_AGAIN)
            return end if isinstance(end, Refused) else Done(observed=await self.read_sim(sim))
        session = await self.read_session(sim)
        if found.shown_by(session):
            return Done(observed=replace(await self.read_sim(sim), session=session))
        return Accepted(reference=reference, check_after=queued.RESET_AGAIN)

    async def _wished(self, reference: str) -> Outcome:
        sim, wish = read_reference(reference)
        record = await self._shown(sim, wish)
        if wish.met(record):
            return Done(observed=record)
        return Accepted(reference=reference, check_after=_LOOK_AGAIN, observed=record)

    async def _shown(self, sim: ProviderId, wish: Wish) -> SimRecord:  # noqa: ARG002 - v1 looks elsewhere for a ceiling
        return await self.read_sim(sim)


class OnenceV1Connector(OnenceConnector):
    """The same by v1: usage by day, the account's ceiling, and many SIMs in one request."""

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """Bytes by day, six months back."""
        if granularity != "day":
            return ()
        asked_at = self._fresh()
        value = await self._client.usage(sim, since=since, until=until)
        return tuple(one for one in self._translator.usage(sim, value, asked_at) if one.end > since)

    async def set_limit(self, sim: ProviderId, limit_bytes: int | None) -> Outcome:
        """Set the monthly ceiling **of the whole account**: one that the carrier's own list has."""
        if limit_bytes is None:
            return own_refusal(ReasonCode.UNSUPPORTED, "the carrier's interface has no way to take the ceiling away")
        wish = Wish(kind="limit", value=str(limit_bytes))
        before = await self._shown(sim, wish)
        if wish.met(before):
            return Done(observed=before, changed=False)
        choice = option(await self._client.data_limits(), limit_bytes)
        if choice is None:
            return own_refusal(ReasonCode.INVALID_REQUEST, f"{limit_bytes} bytes are none of the carrier's ceilings")
        answer = await self._client.set_data_limit(choice)
        if isinstance(answer, Denial):
            return await self._refused(sim, answer)
        return Accepted(reference=wish.reference(sim), check_after=_LOOK_AGAIN)

    async def _shown(self, sim: ProviderId, wish: Wish) -> SimRecord:
        record = await self.read_sim(sim)
        return replace(record, limit=ceiling(await self._client.limits())) if wish.kind == "limit" else record

    async def change_many(self, verb: Verb, sims: Sequence[ProviderId]) -> BatchOutcome:
        """Queue one state for a list of SIMs; each is followed by itself. One expired SIM spoils the list."""
        word, most = _WORDS.get(verb), capability(self._manifest.capabilities, verb).bulk_max
        if word is None:
            return dict.fromkeys(sims, own_refusal(ReasonCode.UNSUPPORTED, f"no list does {verb}"))
        if not 1 <= len(sims) <= most or len(set(sims)) != len(sims):
            detail = f"a list takes 1 to {most} different SIMs, not {len(sims)}"
            return dict.fromkeys(sims, own_refusal(ReasonCode.INVALID_REQUEST, detail))
        answer = await self._client.update_many([{"iccid": sim, "status": word} for sim in sims])
        if isinstance(answer, Denial):
            spoilt = answer.raw.status == HTTPStatus.UNPROCESSABLE_ENTITY
            return dict.fromkeys(sims, queued.expired(answer) if spoilt else answer.refused())
        wish = Wish(kind="state", value=VERB_TARGET[verb])
        return {sim: Accepted(reference=wish.reference(sim), check_after=_LOOK_AGAIN) for sim in sims}

    async def follow_many(self, reference: str) -> BatchOutcome:
        """Nothing: a list has no reference of its own."""
        raise MalformedReference(f"{reference!r} is not a reference: each SIM of a list has its own")

"""emnify behind the carrier port: reads, natural idempotency, refusals with their reason.

Writes are answered without a body, so each is followed by a read-back: only what that shows is
`Done`. A change of status reads the SIM alone; everything that hangs on the endpoint reads both.
What the carrier forbids by its own rules (a transition, deleting a SIM with an endpoint) is refused
from the record, and nothing is sent.

Blocking takes one request an operator. They are sent one after the other and each only once; when
one fails after another was carried out, the outcome is unknown and the read-back shows how far it came.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.changing import Send, progress, read_back, unconfirmed
from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.inventory import entries_of, inventory
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.paging import pages
from fairlead.connectors._kit.reading import as_list, as_object
from fairlead.connectors._kit.wish import Wish, limit_value, network_value, own_refusal, read_reference
from fairlead.connectors.emnify.client import EmnifyClient
from fairlead.connectors.emnify.translate import (
    ACTIVATED,
    SUSPENDED,
    TAKEN_FROM,
    Line,
    Translator,
)
from fairlead.connectors.emnify.wording import MB, coding_of, operators_for, quota_of
from fairlead.engine.ports.carrier import (
    CarrierInstance,
    CarrierTrouble,
    Cursor,
    DataLimit,
    Done,
    EventPage,
    NetworkPolicy,
    NotFound,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
    SessionStatus,
    SimPage,
    SimRecord,
    Unavailable,
    UsagePeriod,
)
from fairlead.model.identifiers import Iccid, Imei
from fairlead.model.subscription import (
    VERB_TARGET,
    Connectivity,
    Freshness,
    SubscriptionState,
    SubscriptionStatus,
    Verb,
)

MANIFEST: Final = manifest_of("fairlead.connectors.emnify")

_STATUS: Final = {Verb.ACTIVATE: ACTIVATED, Verb.SUSPEND: SUSPENDED}
_LOOK_AGAIN: Final = timedelta(seconds=5)
_ON_THE_AIR: Final = frozenset({Connectivity.ONLINE, Connectivity.ATTACHED})
_NO_ENDPOINT: Final = own_refusal(
    ReasonCode.PRECONDITION, "no endpoint is assigned to this SIM, and the setting is the endpoint's"
)


class EmnifyConnector(OpenAccount):
    """One emnify workspace."""

    def __init__(
        self, instance: CarrierInstance, client: EmnifyClient, translator: Translator, now: Callable[[], datetime]
    ) -> None:
        super().__init__(instance, MANIFEST, now)
        self._client = client
        self._translator = translator

    async def check(self) -> None:
        """Log in and read one SIM: the token works and may read."""
        await self._client.login()
        await self._client.list_sims(page="1", size=1)

    # --- reads

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory by page number: SIMs alone, without their endpoints. A page that is not full ends it."""
        size = MANIFEST.page_size

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            page = cursor or "1"
            sims = entries_of(await self._client.list_sims(page=page, size=size), "GET /api/v1/sim")
            return sims, _following(page, len(sims), size)

        def alone(entry: object, asked_at: Freshness) -> SimRecord | None:
            line = self._translator.sim(entry, asked_at)
            return None if line is None else line.record

        return inventory("GET /api/v1/sim", turn, alone, fresh=self._fresh, after=after)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now, with its endpoint, session and settings: up to six requests."""
        return (await self._line(sim)).record

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The session now; while the line is on the air, the visited network is asked for the cell."""
        line = await self._sim(sim)
        if line.endpoint is None:
            return line.record.session
        value = await self._client.connectivity(line.endpoint)
        session = self._translator.session(value, line.record.freshness)
        if session.connectivity not in _ON_THE_AIR:
            return session
        return self._translator.located(session, await self._client.connectivity_info(line.endpoint))

    async def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """Data sessions in the history of the endpoint the SIM has now."""
        endpoint, size = (await self._sim(sim)).endpoint, MANIFEST.page_size

        async def read(cursor: Cursor | None) -> tuple[EventPage, str | None]:
            asked_at, page = self._fresh(), cursor or "1"
            if endpoint is None:
                return EventPage(events=(), next=None), None
            value = await self._client.events(endpoint, since=since, until=until, page=page, size=size)
            lines = as_list(value) or []
            events = [self._translator.event(line, asked_at) for line in lines]
            page_of = EventPage(events=tuple(event for event in events if event is not None), next=None)
            return page_of, _following(page, len(lines), size)

        async for page, onward in pages("session events", read, after=after):
            yield replace(page, next=onward)

    async def read_usage(
        self,
        sim: ProviderId,
        *,
        since: datetime,
        until: datetime,
        granularity: str,  # noqa: ARG002 - days are all there is
    ) -> tuple[UsagePeriod, ...]:
        """Bytes by day (UTC)."""
        asked_at = self._fresh()
        value = await self._client.daily(sim, first=since.date(), last=until.date())
        return tuple(self._translator.usage(sim, value, asked_at))

    # --- the SIM

    async def activate(self, sim: ProviderId) -> Outcome:
        """Switch on: the charge begins."""
        return await self._change_state(sim, Verb.ACTIVATE)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Suspend an activated SIM."""
        return await self._change_state(sim, Verb.SUSPEND)

    async def _change_state(self, sim: ProviderId, verb: Verb) -> Outcome:
        before = (await self._sim(sim)).record
        wish, state = Wish(kind="state", value=VERB_TARGET[verb]), before.subscription.state
        if not wish.met(before) and state not in TAKEN_FROM[verb]:
            word = before.subscription.provider_state
            return own_refusal(ReasonCode.CONFLICT_STATE, f"the carrier takes no {verb} of a SIM that is {word}")
        return await self._apply(before, wish, lambda: self._client.set_status(sim, _STATUS[verb]))

    async def terminate(self, sim: ProviderId, *, confirm: Iccid) -> Outcome:
        """Delete the SIM for good; one with an endpoint is refused."""
        line = await self._sim(sim)
        before, wish = line.record, Wish(kind="state", value=SubscriptionState.TERMINATED)
        refusal = unconfirmed(before, confirm)
        if refusal is not None:
            return refusal
        if line.endpoint is not None and not wish.met(before):
            detail = f"endpoint {line.endpoint} is assigned to this SIM; release the SIM from it first"
            return own_refusal(ReasonCode.PRECONDITION, detail)
        try:
            return await self._apply(before, wish, lambda: self._client.delete_sim(sim))
        except _Gone:
            ended = SubscriptionStatus(state=SubscriptionState.TERMINATED, provider_state="")
            return Done(observed=replace(before, subscription=ended, freshness=self._fresh()))

    # --- the endpoint

    async def set_limit(self, sim: ProviderId, limit_bytes: int | None) -> Outcome:
        """Grant a quota. Without one no data passes, so where quotas apply a ceiling cannot be taken away."""
        line = await self._line(sim)
        wish = Wish(kind="limit", value=limit_value(DataLimit(limit_bytes=limit_bytes)))
        if line.endpoint is None:
            return _NO_ENDPOINT
        if wish.met(line.record):
            return Done(observed=line.record, changed=False)
        if limit_bytes is None:
            detail = "without a quota the carrier lets no data through; the service profile must stop applying quotas"
            return own_refusal(ReasonCode.UNSUPPORTED, detail)
        if line.applies_quota is not True:
            detail = f"service profile {line.profile} applies no data quotas, so one would bind nothing"
            return own_refusal(ReasonCode.PRECONDITION, detail)
        quota, endpoint = quota_of(limit_bytes, line.quota, self._now()), line.endpoint
        if quota is None:
            return own_refusal(ReasonCode.INVALID_REQUEST, f"expected whole megabytes of {MB} bytes, at least one")
        return await self._apply(line.record, wish, lambda: self._client.set_quota(endpoint, quota))

    async def set_imei_lock(self, sim: ProviderId, imei: Imei | None) -> Outcome:
        """Lock to the device the endpoint was last seen in, or take the lock off."""
        line = await self._line(sim)
        wish, endpoint = Wish(kind="imei_lock", value=imei or ""), line.endpoint
        if endpoint is None:
            return _NO_ENDPOINT
        if imei is not None and line.record.imei != imei:
            detail = f"the carrier locks to the device seen last, which is {line.record.imei}, not {imei}"
            return own_refusal(ReasonCode.PRECONDITION, detail)
        return await self._apply(line.record, wish, lambda: self._client.lock(endpoint, on=imei is not None))

    async def set_network_policy(self, sim: ProviderId, policy: NetworkPolicy) -> Outcome:
        """Block these networks and no others, operator by operator."""
        if policy.kind != "block":
            return own_refusal(ReasonCode.UNSUPPORTED, "the carrier keeps lists of what is blocked only")
        line = await self._line(sim)
        wish, endpoint = Wish(kind="networks", value=network_value(policy)), line.endpoint
        if endpoint is None:
            return _NO_ENDPOINT
        if wish.met(line.record):
            return Done(observed=line.record, changed=False)
        blocked = frozenset(line.blocked.operators if line.blocked is not None else ())
        known = self._translator.operators(await self._client.operators()) if policy.plmns else {}
        wanted, against = operators_for(policy.plmns, known)
        if against:
            return own_refusal(ReasonCode.UNSUPPORTED, against)
        steps = [(self._client.block, one) for one in sorted(wanted - blocked)]
        steps += [(self._client.unblock, one) for one in sorted(blocked - wanted)]
        for number, (send, operator) in enumerate(steps):
            refusal = await self._step(line, number, lambda send=send, operator=operator: send(endpoint, operator))
            if refusal is not None:
                return refusal
        return progress(wish, await self._read_back(sim, wish), again=_LOOK_AGAIN)

    async def _step(self, line: Line, before: int, send: Send) -> Refused | None:
        """One of several requests; a failure after the first leaves the whole half done."""
        try:
            answer = await send()
        except CarrierTrouble as trouble:
            if not before:
                raise
            raise _half(line, before, trouble.detail) from None
        if isinstance(answer, Denial) and before:
            raise _half(line, before, answer.detail)
        return answer.refused() if isinstance(answer, Denial) else None

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """Hand a message over; what became of it is not asked."""
        coding = coding_of(text)
        if coding is None:
            return own_refusal(ReasonCode.INVALID_REQUEST, "expected 1 to 160 plain letters, or 70 of any alphabet")
        line = await self._sim(sim)
        if line.endpoint is None:
            return _NO_ENDPOINT
        answer = await self._client.send_sms(line.endpoint, text, coding=coding)
        return answer.refused() if isinstance(answer, Denial) else Done(observed=line.record)

    async def reset_connection(self, sim: ProviderId) -> Outcome:
        """Cancel the registration and the data session; the device comes back by itself."""
        line = await self._line(sim)
        if line.endpoint is None:
            return _NO_ENDPOINT
        wish = Wish(kind="reconnection", value=line.record.session.session_id)
        answer = await self._client.reset(line.endpoint)
        if isinstance(answer, Denial):
            return answer.refused()
        return progress(wish, await self._read_back(sim, wish), again=_LOOK_AGAIN)

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        sim, wish = read_reference(reference)
        line = await (self._sim(sim) if wish.kind == "state" else self._line(sim))
        return progress(wish, line.record, again=_LOOK_AGAIN)

    # --- how replies become outcomes

    async def _sim(self, sim: ProviderId) -> Line:
        """The SIM alone: one request."""
        asked_at = self._fresh()
        line = self._translator.sim(await self._client.get_sim(sim), asked_at)
        if line is None or line.record.provider_id != sim:
            raise Unavailable(f"GET /api/v1/sim/{sim}: the reply is not that SIM")
        return line

    async def _line(self, sim: ProviderId) -> Line:
        """The SIM with its endpoint and all that is set there."""
        line = await self._sim(sim)
        endpoint = line.endpoint
        if endpoint is None:
            return line
        line = self._translator.with_endpoint(line, await self._client.get_endpoint(endpoint))
        line = self._translator.with_session(line, await self._client.connectivity(endpoint))
        line = self._translator.with_blocked(line, await self._client.blocked(endpoint))
        if line.profile is None:
            return line
        profile = await self._client.service_profile(line.profile)
        applies = (as_object(profile) or {}).get("apply_data_quota") is True
        return self._translator.with_quota(line, profile, await self._client.quota(endpoint) if applies else None)

    async def _apply(self, before: SimRecord, wish: Wish, send: Send) -> Outcome:
        """Send one change unless `before` already shows it, and believe only the read-back."""
        if wish.met(before):
            return Done(observed=before, changed=False)
        answer = await send()
        if isinstance(answer, Denial):
            endings = wish.value == SubscriptionState.TERMINATED and answer.raw.status == HTTPStatus.FORBIDDEN
            return answer.refused(ReasonCode.PRECONDITION if endings else None)
        return progress(wish, await self._read_back(before.provider_id, wish), again=_LOOK_AGAIN)

    async def _read_back(self, sim: ProviderId, wish: Wish) -> SimRecord:
        async def read(sim: ProviderId) -> SimRecord:
            try:
                return (await (self._sim(sim) if wish.kind == "state" else self._line(sim))).record
            except NotFound:
                if wish.value == SubscriptionState.TERMINATED:
                    raise _Gone from None
                raise

        return await read_back(sim, read)


class _Gone(Exception):
    """The carrier took the deletion and knows the SIM no more."""


def _half(line: Line, done: int, why: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"SIM {line.record.provider_id}: {done} of the operators were changed, then: {why}")


def _following(page: str, found: int, size: int) -> str | None:
    """The page after this one; a page that is not full is the last."""
    return str(int(page) + 1) if found >= size and page.isdigit() else None

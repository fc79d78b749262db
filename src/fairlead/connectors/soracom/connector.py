"""Soracom behind the carrier port: reads, natural idempotency, refusals with their reason.

Each change reads the SIM first: a line already there is `Done(changed=False)` and nothing is sent,
and a failure of that read is harmless. Then one request, whose reply is the changed SIM: only a
reply that shows the wanted state is `Done`. The contract names no error codes, so a 400 is given
its reason by the verb and by the record we hold, never by guessing at a message.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.changing import Send, progress, put, read_back, unconfirmed
from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.inventory import entries_of, inventory
from fairlead.connectors._kit.letters import encoding_of
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.paging import pages
from fairlead.connectors._kit.reading import as_list
from fairlead.connectors._kit.wish import Wish, ordered, own_refusal, read_reference
from fairlead.connectors.soracom import batch
from fairlead.connectors.soracom.client import SoracomClient
from fairlead.connectors.soracom.hook import heard
from fairlead.connectors.soracom.translate import Translator, groups, why_not
from fairlead.engine.ports.carrier import (
    Accepted,
    BatchOutcome,
    CarrierInstance,
    Cursor,
    Done,
    EventPage,
    Group,
    Heard,
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
from fairlead.model.identifiers import Iccid, Imei, Imsi
from fairlead.model.subscription import VERB_TARGET, Freshness, SubscriptionState, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.soracom")

_ACTIONS: Final = {
    Verb.ACTIVATE: "activate",
    Verb.SUSPEND: "suspend",
    Verb.STANDBY: "set_to_standby",
    Verb.DEACTIVATE: "deactivate",
    Verb.TERMINATE: "terminate",
}
_LOOK_AGAIN: Final = timedelta(seconds=5)
_DELIVERY_CHECK: Final = timedelta(minutes=10)


class SoracomConnector(OpenAccount):
    """One Soracom account."""

    def __init__(
        self, instance: CarrierInstance, client: SoracomClient, translator: Translator, now: Callable[[], datetime]
    ) -> None:
        super().__init__(instance, MANIFEST, now)
        self._client = client
        self._translator = translator

    async def check(self) -> None:
        """Log in and read one SIM: the credential works and may read."""
        await self._client.login()
        await self._client.list_sims(limit=1, after=None)

    # --- reads

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory, one request a page; an empty page in the middle is a page like any other."""

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            value, following = await self._client.list_sims(limit=MANIFEST.page_size, after=cursor)
            return entries_of(value, "GET /sims"), following

        return inventory("GET /sims", turn, self._translator.sim, fresh=self._fresh, after=after)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now."""
        asked_at = self._fresh()
        return self._known(await self._client.get_sim(sim), asked_at, f"GET /sims/{sim}")

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The session now; it comes with the SIM."""
        return (await self.read_sim(sim)).session

    async def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """Session history; the carrier keeps 32 days."""

        async def read(cursor: Cursor | None) -> tuple[list[SessionEvent | None], str | None]:
            asked_at = self._fresh()
            value, following = await self._client.session_events(
                sim, since=since, until=until, limit=MANIFEST.page_size, after=cursor
            )
            return [self._translator.event(line, asked_at) for line in as_list(value) or []], following

        async for events, onward in pages("session events", read, after=after):
            yield EventPage(events=tuple(event for event in events if event is not None), next=onward)

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """Air statistics: `minutes` (about five, 32 days back), `day` or `month` (18 months)."""
        asked_at = self._fresh()
        value = await self._client.air_stats(sim, since=since, until=until, period=granularity)
        return tuple(self._translator.usage(sim, value, granularity, asked_at))

    async def list_groups(self) -> tuple[Group, ...]:
        """All groups of the account."""

        async def read(cursor: Cursor | None) -> tuple[object, str | None]:
            return await self._client.list_groups(limit=MANIFEST.page_size, after=cursor)

        return tuple([group async for value, _ in pages("GET /groups", read) for group in groups(value)])

    # --- state

    async def activate(self, sim: ProviderId) -> Outcome:
        """Switch on."""
        return await self._change_state(sim, Verb.ACTIVATE)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Suspend."""
        return await self._change_state(sim, Verb.SUSPEND)

    async def deactivate(self, sim: ProviderId) -> Outcome:
        """Make inactive."""
        return await self._change_state(sim, Verb.DEACTIVATE)

    async def standby(self, sim: ProviderId) -> Outcome:
        """Park; refused where the plan does not offer it."""
        return await self._change_state(sim, Verb.STANDBY)

    async def allow_termination(self, sim: ProviderId) -> Outcome:
        """Take the termination protection off."""
        return await self._protect(sim, "enable_termination", "allowed")

    async def forbid_termination(self, sim: ProviderId) -> Outcome:
        """Put the termination protection back."""
        return await self._protect(sim, "disable_termination", "forbidden")

    async def terminate(self, sim: ProviderId, *, confirm: Iccid) -> Outcome:
        """End the line for good."""
        before = await self.read_sim(sim)
        return unconfirmed(before, confirm) or await self._change_state(sim, Verb.TERMINATE, before)

    async def _change_state(self, sim: ProviderId, verb: Verb, before: SimRecord | None = None) -> Outcome:
        before = before or await self.read_sim(sim)
        wish = Wish(kind="state", value=VERB_TARGET[verb])
        if before.subscription.state is SubscriptionState.TERMINATED and not wish.met(before):
            return own_refusal(ReasonCode.CONFLICT_STATE, "the subscription is terminated, which is final")
        outcome = await self._apply(before, wish, lambda: self._client.change_sim(sim, _ACTIONS[verb]))
        if isinstance(outcome, Refused):
            return replace(outcome, reason=why_not(verb, before, outcome.raw.status) or outcome.reason)
        return outcome

    async def _protect(self, sim: ProviderId, action: str, value: str) -> Outcome:
        wish = Wish(kind="termination", value=value)
        return await self._apply(await self.read_sim(sim), wish, lambda: self._client.change_sim(sim, action))

    # --- groups

    async def set_speed(self, sim: ProviderId, speed: str) -> Outcome:
        """Put the SIM into a speed class; which ones there are hangs on its plan."""
        before = await self.read_sim(sim)
        if speed not in MANIFEST.capabilities.speeds:
            known = ", ".join(MANIFEST.capabilities.speeds)
            return own_refusal(ReasonCode.INVALID_REQUEST, f"the carrier has no speed class {speed}: one of {known}")
        wish = Wish(kind="speed", value=speed)
        return await self._apply(before, wish, lambda: self._client.set_speed(sim, speed))

    async def set_group(self, sim: ProviderId, group: str) -> Outcome:
        """Put the SIM into a group."""
        wish = Wish(kind="group", value=group)
        return await self._apply(await self.read_sim(sim), wish, lambda: self._client.set_group(sim, group))

    async def unset_group(self, sim: ProviderId) -> Outcome:
        """Take the SIM out of its group."""
        wish = Wish(kind="group", value="")
        return await self._apply(await self.read_sim(sim), wish, lambda: self._client.change_sim(sim, "unset_group"))

    # --- the device

    async def set_imei_lock(self, sim: ProviderId, imei: Imei | None) -> Outcome:
        """Lock to this device, or take the lock off."""
        before = await self.read_sim(sim)
        wish = Wish(kind="imei_lock", value=imei or "")
        if imei is None:
            return await self._apply(before, wish, lambda: self._client.change_sim(sim, "unset_imei_lock"))
        return await self._apply(before, wish, lambda: self._client.set_imei_lock(sim, imei))

    async def reset_connection(self, sim: ProviderId) -> Outcome:
        """Delete the session; the device comes back by itself. Without one there is nothing to do."""
        before = await self.read_sim(sim)
        wish = Wish(kind="reconnection", value=before.session.session_id)
        outcome = await self._apply(before, wish, lambda: self._client.change_sim(sim, "delete_session"))
        if isinstance(outcome, Refused) and outcome.raw.status == HTTPStatus.BAD_REQUEST:
            return replace(outcome, reason=ReasonCode.CONFLICT_STATE)  # it went offline in between
        return outcome

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """Hand a message over; whether it arrived is not told."""
        encoding = encoding_of(text)
        if encoding is None:
            return own_refusal(ReasonCode.INVALID_REQUEST, "expected 1 to 160 plain letters, or 70 of any alphabet")
        before = await self.read_sim(sim)
        answer = await self._client.send_sms(sim, text, encoding=encoding)
        if isinstance(answer, Denial):
            invalid = answer.raw.status == HTTPStatus.BAD_REQUEST
            return answer.refused(ReasonCode.UNSUPPORTED if invalid else None)
        return Done(observed=before)

    # --- many, and what comes unasked

    async def change_many(self, verb: Verb, sims: Sequence[ProviderId]) -> BatchOutcome:
        """A batch job, up to 10,000 SIMs."""
        return await batch.start(self._client, verb, sims, page_size=MANIFEST.page_size)

    async def follow_many(self, reference: str) -> BatchOutcome:
        """What became of a batch job; the carrier keeps it for 32 days."""
        return await batch.follow(
            self._client, self._translator, reference, self._fresh(), page_size=MANIFEST.page_size
        )

    def hear(self, headers: Mapping[str, str], body: bytes) -> tuple[Heard, ...]:  # noqa: ARG002 - nothing is signed
        """What an event handler posts."""
        return heard(body)

    # --- further subscriptions on the card

    async def add_subscription(self, sim: ProviderId, *, plan: str, enable: bool) -> Outcome:
        """Order a further subscription; one of that plan that is there or under way is not ordered again."""
        before = await self.read_sim(sim)
        wish = Wish(kind="delivery", value=plan)
        iccid = before.iccid
        if ordered(before, plan) is not None:
            found = _progress(wish, before)
            return replace(found, changed=False) if isinstance(found, Done) else found
        if iccid is None:
            return own_refusal(ReasonCode.UNSUPPORTED, "the carrier reports no profile for this SIM")
        answer = await self._client.add_subscription(sim, iccid, subscription=plan, enable=enable)
        if isinstance(answer, Denial):
            invalid = answer.raw.status == HTTPStatus.BAD_REQUEST
            return answer.refused(ReasonCode.UNSUPPORTED if invalid else None)
        return Accepted(reference=wish.reference(sim), check_after=_DELIVERY_CHECK)

    async def cancel_download(self, sim: ProviderId, *, imsi: Imsi) -> Outcome:
        """Withdraw an order before its delivery begins."""
        before = await self.read_sim(sim)
        wish = Wish(kind="withdrawal", value=imsi)
        if before.iccid is None or all(one.imsi != imsi for one in before.containers):
            raise NotFound(f"SIM {sim} has no additional subscription {imsi}")
        if wish.met(before):
            return Done(observed=before, changed=False)
        answer = await self._client.cancel_download(sim, before.iccid, imsi)
        if isinstance(answer, Denial):
            return answer.refused(ReasonCode.CONFLICT_STATE)
        return _progress(wish, await read_back(sim, self.read_sim))

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        sim, wish = read_reference(reference)
        return _progress(wish, await self.read_sim(sim))

    # --- how replies become outcomes

    def _known(self, value: object, asked_at: Freshness, what: str) -> SimRecord:
        record = self._translator.sim(value, asked_at)
        if record is None:
            raise Unavailable(f"{what}: the reply is not a SIM")
        return record

    async def _apply(self, before: SimRecord, wish: Wish, send: Send) -> Outcome:
        return await put(before, wish, send, self._translator.sim, fresh=self._fresh, again=_LOOK_AGAIN)


def _progress(wish: Wish, record: SimRecord) -> Outcome:
    if wish.kind == "delivery" and ordered(record, wish.value) is None:
        return own_refusal(ReasonCode.CONFLICT_STATE, f"the delivery of {wish.value} was withdrawn")
    return progress(wish, record, again=_DELIVERY_CHECK if wish.kind == "delivery" else _LOOK_AGAIN)

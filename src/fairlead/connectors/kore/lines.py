"""What both products do in the same way: inventory, one SIM, changes that are taken first and done later, messages.

Each change reads the SIM first. One that shows the wish is `Done(changed=False)`; one that the
carrier is still updating is refused as busy, because what it is updated to is not told. Then one
request. A reply of 202, or of 200 that does not show the wish yet, is `Accepted`.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.inventory import inventory
from fairlead.connectors._kit.letters import encoding_of
from fairlead.connectors._kit.paging import pages
from fairlead.connectors._kit.reading import EMPTY, Fields, as_object
from fairlead.connectors._kit.wish import Wish, own_refusal
from fairlead.connectors.kore.client import KoreClient
from fairlead.connectors.kore.hook import Hook
from fairlead.connectors.kore.pending import Since, pending, read_message, read_pending
from fairlead.connectors.kore.sids import is_command
from fairlead.engine.ports.carrier import (
    Accepted,
    CarrierInstance,
    Cursor,
    Done,
    Heard,
    Manifest,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    Refused,
    SimPage,
    SimRecord,
    Unavailable,
)
from fairlead.model.subscription import VERB_TARGET, Freshness, SubscriptionState, Verb

UNDER_WAY: Final = frozenset({"scheduled", "updating"})  # words of a SIM that is on its way somewhere
# The family's error codes that say more than their HTTP status.
CODES: Final[Mapping[str, ReasonCode]] = {
    "33105": ReasonCode.CONFLICT_STATE,  # the SIM cannot go from its state to that one
    "33111": ReasonCode.INVALID_REQUEST,  # a message that is too long
    "33118": ReasonCode.QUOTA_ACTION,  # more messages than may wait
}
_LOOK_AGAIN: Final = timedelta(seconds=10)
_MESSAGE_CHECK: Final = timedelta(seconds=30)


class Lines(OpenAccount, ABC):
    """The SIMs of one account at one product."""

    messages: ClassVar[str]  # the product's name for messages
    status: ClassVar[Mapping[Verb, str]]  # what is asked for

    def __init__(
        self, instance: CarrierInstance, manifest: Manifest, client: KoreClient, hook: Hook, now: Callable[[], datetime]
    ) -> None:
        super().__init__(instance, manifest, now)
        self._client = client
        self._hook = hook

    @property
    def lag_final(self) -> timedelta:
        """How long after its end a period is final."""
        usage = self._manifest.capabilities.usage
        return usage.lag_final if usage is not None else timedelta(days=2)

    async def check(self) -> None:
        """Log in where there are tokens, and read one SIM."""
        await self._client.login()
        await self._client.page("Sims", key="sims", limit=1)

    @abstractmethod
    def _read(self, value: object, seen: Freshness) -> SimRecord | None:
        """A SIM from the product's reply."""

    @abstractmethod
    def _message(self, sim: ProviderId, text: str) -> Mapping[str, str]:
        """The form of a message."""

    # --- reads

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory, one request a page."""

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            return await self._client.page("Sims", key="sims", limit=self._manifest.page_size, after=cursor)

        return inventory("GET /v1/Sims", turn, self._read, fresh=self._fresh, after=after)

    async def _all(self, *path: str, key: str, limit: int, params: Mapping[str, str] | None = None) -> list[object]:
        """Every entry of a list."""

        async def read(cursor: Cursor | None) -> tuple[list[object], str | None]:
            return await self._client.page(*path, key=key, limit=limit, after=cursor, params=params)

        return [line async for lines, _ in pages("GET /v1/" + "/".join(path), read) for line in lines]

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now."""
        return await self._line(sim)

    async def _line(self, sim: ProviderId) -> SimRecord:
        """The SIM itself, in one request."""
        asked_at = self._fresh()
        record = self._read(await self._client.get("Sims", sim), asked_at)
        if record is None:
            raise Unavailable(f"GET /v1/Sims/{sim}: the reply is not a SIM")
        return record

    def hear(self, headers: Mapping[str, str], body: bytes) -> tuple[Heard, ...]:
        """What the hook was told."""
        return self._hook.heard(headers, body)

    # --- changes

    async def activate(self, sim: ProviderId) -> Outcome:
        """Switch on."""
        return await self._switch(sim, Verb.ACTIVATE)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Switch off for a while."""
        return await self._switch(sim, Verb.SUSPEND)

    async def _switch(self, sim: ProviderId, verb: Verb) -> Outcome:
        before = await self._line(sim)
        return await self._set(before, Wish(kind="state", value=VERB_TARGET[verb]), {"Status": self.status[verb]})

    async def _set(self, before: SimRecord, wish: Wish, form: Mapping[str, str]) -> Outcome:
        """Send one change of a SIM unless it shows it already, or is on its way."""
        if wish.met(before):
            return Done(observed=before, changed=False)
        refusal = self._barred(before)
        if refusal is not None:
            return refusal
        sent_at = self._fresh()
        answer = await self._client.change("Sims", before.provider_id, form=form, told=True)
        if isinstance(answer, Denial):
            return refused(answer)
        after = self._read(answer.value, sent_at)
        if after is None or after.provider_id != before.provider_id:
            raise OutcomeUnknown(f"SIM {before.provider_id}: the carrier answered {answer.status} without that SIM")
        if wish.met(after):
            return Done(observed=after)
        return self._wait(wish, after, self._from(after, sent_at.observed_at))

    def _from(self, record: SimRecord, asked: datetime) -> Since:
        return Since(updated=record.subscription.effective_at or asked, asked=asked)

    def _barred(self, before: SimRecord) -> Refused | None:
        """Why nothing is sent."""
        word = before.subscription.provider_state
        if word in UNDER_WAY:
            return own_refusal(ReasonCode.BUSY, f"the carrier is still updating this SIM ({word})")
        if before.subscription.state is SubscriptionState.TERMINATED:
            return own_refusal(ReasonCode.CONFLICT_STATE, "the subscription is terminated, which is final")
        return None

    def _wait(self, wish: Wish, record: SimRecord, since: Since) -> Accepted:
        return Accepted(
            reference=pending(record.provider_id, wish, since),
            check_after=self._patience(wish, record),
            observed=record,
        )

    def _patience(self, wish: Wish, record: SimRecord) -> timedelta:  # noqa: ARG002 - products differ
        return _LOOK_AGAIN

    # --- what became of it

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        if reference.startswith("sms "):
            return await self._sent(*read_message(reference))
        sim, wish, since = read_pending(reference)
        record = await self.read_sim(sim)
        if wish.met(record):
            return Done(observed=record)
        if self._on_its_way(wish, record):
            return self._wait(wish, record, since)
        failure = await self._failure(sim, since)
        if failure is not None:
            return failure
        if since.superseded(record.subscription.effective_at):
            word = record.subscription.provider_state
            detail = f"the carrier has updated the SIM since, and it is {word}: another change came between"
            return own_refusal(ReasonCode.CONFLICT_STATE, detail)
        return self._wait(wish, record, since)

    def _on_its_way(self, wish: Wish, record: SimRecord) -> bool:  # noqa: ARG002 - products differ
        return record.subscription.provider_state in UNDER_WAY

    async def _failure(self, sim: ProviderId, since: Since) -> Refused | None:  # noqa: ARG002 - products differ
        """Why a change that was taken cannot be carried out, where the product tells."""
        return None

    # --- messages

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """Hand a message over; whether it arrived is told later."""
        if encoding_of(text) is None:
            return own_refusal(ReasonCode.INVALID_REQUEST, "expected 1 to 160 plain letters, or 70 of any alphabet")
        before = await self._line(sim)
        answer = await self._client.change(self.messages, form=self._message(sim, text), told=True)
        if isinstance(answer, Denial):
            return refused(answer)
        message = Fields(as_object(answer.value) or EMPTY, []).text("sid")
        if not is_command(message):
            raise OutcomeUnknown(f"SIM {sim}: the carrier answered {answer.status} without a message")
        return Accepted(reference=f"sms {sim} {message}", check_after=_LOOK_AGAIN, observed=before)

    async def _sent(self, sim: ProviderId, message: str) -> Outcome:
        value = as_object(await self._client.get(self.messages, message)) or EMPTY
        match Fields(value, []).text("status"):
            case "delivered" | "received":
                return Done(observed=await self._line(sim))
            case "failed":
                return own_refusal(ReasonCode.DEVICE_UNREACHABLE, f"message {message} was not delivered")
            case _:
                return Accepted(reference=f"sms {sim} {message}", check_after=_MESSAGE_CHECK)


def refused(denial: Denial) -> Refused:
    """A refusal with the reason that its code knows."""
    return denial.refused(CODES.get(denial.raw.code))

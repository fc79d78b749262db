"""Monogoto behind the carrier port, as far as its pages and other people's programs describe it.

A change is answered by a sentence, so nothing in its reply shows the wish: the thing is read back,
and is done only when that shows it. There is no sandbox and, for most calls, no way back.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.changing import progress, read_back
from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.inventory import entries_of, inventory
from fairlead.connectors._kit.letters import is_plain
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.wish import Wish, own_refusal, read_reference
from fairlead.connectors.monogoto.client import MonogotoClient
from fairlead.connectors.monogoto.translate import Translator
from fairlead.engine.ports.carrier import (
    CarrierInstance,
    Cursor,
    Done,
    NotFound,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    SimPage,
    SimRecord,
    Unavailable,
)
from fairlead.model.subscription import VERB_TARGET, SubscriptionState, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.monogoto")

_WORDS: Final = {Verb.ACTIVATE: "ACTIVE", Verb.SUSPEND: "SUSPENDED"}
_LOOK_AGAIN: Final = timedelta(seconds=15)


class MonogotoConnector(OpenAccount):
    """One Monogoto customer."""

    def __init__(
        self,
        instance: CarrierInstance,
        client: MonogotoClient,
        translator: Translator,
        now: Callable[[], datetime],
        *,
        sender: str,
    ) -> None:
        """`sender` is whom a device sees as the sender of a message."""
        super().__init__(instance, MANIFEST, now)
        self._client = client
        self._translator = translator
        self._sender = sender

    async def check(self) -> None:
        """Log in and read one thing: the user may come in, and may read."""
        await self._client.login()
        await self._client.list_things(limit=1, offset=0)

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory by offset, one request a page; a page that is not full ends it."""
        size = MANIFEST.page_size

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            offset = _offset(cursor)
            things = entries_of(await self._client.list_things(limit=size, offset=offset), "GET /things")
            return things, str(offset + size) if len(things) >= size else None

        return inventory("GET /things", turn, self._translator.sim, fresh=self._fresh, after=after)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The thing now."""
        asked_at = self._fresh()
        record = self._translator.sim(await self._client.get_thing(sim), asked_at)
        if record is None or record.provider_id != sim:
            raise Unavailable(f"GET /thing/{sim}: the reply is not that thing")
        return record

    async def activate(self, sim: ProviderId) -> Outcome:
        """Switch on."""
        return await self._change_state(sim, Verb.ACTIVATE)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Suspend."""
        return await self._change_state(sim, Verb.SUSPEND)

    async def _change_state(self, sim: ProviderId, verb: Verb) -> Outcome:
        before = await self.read_sim(sim)
        wish = Wish(kind="state", value=VERB_TARGET[verb])
        if wish.met(before):
            return Done(observed=before, changed=False)
        if before.subscription.state is SubscriptionState.TERMINATED:
            return own_refusal(ReasonCode.CONFLICT_STATE, "the line is retired, which is final")
        answer = await self._client.set_state(sim, _WORDS[verb])
        if isinstance(answer, Denial):
            return answer.refused()
        return progress(wish, await read_back(sim, self.read_sim), again=_LOOK_AGAIN)

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """Hand a message over; whether it arrived is not asked."""
        if not is_plain(text):
            return own_refusal(ReasonCode.INVALID_REQUEST, "expected 1 to 160 plain letters; no encoding is documented")
        before = await self.read_sim(sim)
        answer = await self._client.send_sms(sim, text, sender=self._sender)
        if isinstance(answer, Denial):
            return answer.refused()
        if sim not in str(answer.value):  # a message is named after its thing
            raise OutcomeUnknown(f"SMS to {sim}: the carrier answered {answer.status} without a message")
        return Done(observed=before)

    async def reset_connection(self, sim: ProviderId) -> Outcome:
        """Refresh the connection; nothing that is read here shows whether there was one."""
        before = await self.read_sim(sim)
        answer = await self._client.refresh(sim)
        return answer.refused() if isinstance(answer, Denial) else Done(observed=before)

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        sim, wish = read_reference(reference)
        return progress(wish, await self.read_sim(sim), again=_LOOK_AGAIN)


def _offset(cursor: Cursor | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):  # noqa: PLR2004 - no inventory is longer
        raise NotFound(f"{cursor[:40]!r} is no cursor of the inventory")
    return int(cursor)

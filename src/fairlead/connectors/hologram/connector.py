"""Hologram behind the carrier port, as far as its interface was described by others: look, pause, let run.

A change is taken at once and done within minutes, rarely a day; meanwhile the carrier shows a pending
word. A line that is already on its way there is not asked again: that is what makes asking twice once.
Claiming a SIM charges the balance at once, so nothing here claims one.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.inventory import entries_of, inventory
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.wish import Wish, own_refusal, read_reference
from fairlead.connectors.hologram.client import HologramClient
from fairlead.connectors.hologram.translate import PAUSED_BY_CARRIER, Translator, heading, link_id
from fairlead.engine.ports.carrier import (
    Accepted,
    CarrierInstance,
    Cursor,
    Done,
    Outcome,
    ProviderId,
    ReasonCode,
    SimPage,
    SimRecord,
    Unavailable,
    UsagePeriod,
)
from fairlead.model.subscription import VERB_TARGET, SubscriptionState, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.hologram")

_WORDS: Final = {Verb.ACTIVATE: "live", Verb.SUSPEND: "pause"}
_LOOK_AGAIN: Final = timedelta(minutes=1)
_LONGEST_USAGE: Final = 1_000


class HologramConnector(OpenAccount):
    """One Hologram organisation."""

    def __init__(
        self, instance: CarrierInstance, client: HologramClient, translator: Translator, now: Callable[[], datetime]
    ) -> None:
        super().__init__(instance, MANIFEST, now)
        self._client = client
        self._translator = translator

    async def check(self) -> None:
        """Read one SIM: the key works and may read."""
        await self._client.list_links(limit=1, after=None)

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory, one request a page, each behind the last id of the one before."""

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            envelope = await self._client.list_links(limit=MANIFEST.page_size, after=cursor)
            links = entries_of(envelope.get("data"), "GET /links/cellular")
            if envelope.get("continues") is not True:
                return links, None
            last = next((name for link in reversed(links) if (name := link_id(link)) is not None), None)
            if last is None:
                raise Unavailable("GET /links/cellular: the page is not the last, and names no id to go on from")
            return links, last

        return inventory("GET /links/cellular", turn, self._translator.sim, fresh=self._fresh, after=after)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The link now."""
        asked_at = self._fresh()
        record = self._translator.sim(await self._client.get_link(sim), asked_at)
        if record is None or record.provider_id != sim:
            raise Unavailable(f"GET /links/cellular/{sim}: the reply is not that link")
        return record

    async def read_usage(
        self,
        sim: ProviderId,
        *,
        since: datetime,
        until: datetime,
        granularity: str,  # noqa: ARG002 - days are all there is
    ) -> tuple[UsagePeriod, ...]:
        """Bytes by day (UTC), in one sum."""
        asked_at = self._fresh()
        value = await self._client.daily(sim, since=since, until=until, limit=_LONGEST_USAGE)
        return tuple(self._translator.usage(sim, value, asked_at))

    async def activate(self, sim: ProviderId) -> Outcome:
        """Let a paused line run again."""
        before = await self.read_sim(sim)
        if before.subscription.provider_state == PAUSED_BY_CARRIER:
            detail = "the carrier paused this line itself, for its data limit or the balance; that must go first"
            return own_refusal(ReasonCode.PRECONDITION, detail)
        if before.subscription.state in {SubscriptionState.INVENTORY, SubscriptionState.TEST}:
            detail = "this SIM was never claimed; claiming charges at once and is done in the carrier's dashboard"
            return own_refusal(ReasonCode.PRECONDITION, detail)
        return await self._change_state(before, Verb.ACTIVATE)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Pause. An open session runs on, and so does the monthly charge."""
        return await self._change_state(await self.read_sim(sim), Verb.SUSPEND)

    async def _change_state(self, before: SimRecord, verb: Verb) -> Outcome:
        wish = Wish(kind="state", value=VERB_TARGET[verb])
        under_way = heading(before)
        if under_way is None and wish.met(before):
            return Done(observed=before, changed=False)
        if under_way == wish.value:
            return _accepted(wish, before)
        if before.subscription.state is SubscriptionState.TERMINATED:
            return own_refusal(ReasonCode.CONFLICT_STATE, "the line has ended")
        answer = await self._client.set_state(before.provider_id, _WORDS[verb])
        return answer.refused() if isinstance(answer, Denial) else _accepted(wish, before)

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        sim, wish = read_reference(reference)
        record = await self.read_sim(sim)
        if heading(record) is None and wish.met(record):
            return Done(observed=record)
        if record.subscription.state is SubscriptionState.TERMINATED:
            return own_refusal(ReasonCode.CONFLICT_STATE, "the line has ended")
        return _accepted(wish, record)


def _accepted(wish: Wish, record: SimRecord) -> Accepted:
    return Accepted(reference=wish.reference(record.provider_id), check_after=_LOOK_AGAIN, observed=record)

"""Telnyx behind the carrier port: reads, natural idempotency, actions followed to their end.

Each change reads the SIM first: a line already there is `Done(changed=False)` and nothing is sent.
A change of state is answered with an action (202), so it is `Accepted`, and the reference names the
action: `completed` is believed only when the SIM shows it, `failed` and `interrupted` are refusals
with the carrier's reason. A SIM that is on its way to the wish already is followed, not asked again.
Settings (`PATCH`) answer with the changed SIM at once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.changing import put, unconfirmed
from fairlead.connectors._kit.http import Denial, Reply
from fairlead.connectors._kit.inventory import entries_of, inventory
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.paging import number_of, pages
from fairlead.connectors._kit.reading import as_list
from fairlead.connectors._kit.wish import Wish, network_value, own_refusal
from fairlead.connectors.telnyx import follow, steering
from fairlead.connectors.telnyx.client import Action, TelnyxClient, data_of, under_data
from fairlead.connectors.telnyx.translate import MOVING, Translator, amount_of, groups, progress
from fairlead.engine.ports.carrier import (
    Accepted,
    CarrierInstance,
    CarrierTrouble,
    Cursor,
    Done,
    EventPage,
    Group,
    NetworkPolicy,
    NotFound,
    Outcome,
    OutcomeUnknown,
    ProviderId,
    ReasonCode,
    SessionEvent,
    SessionStatus,
    SimPage,
    SimRecord,
    Unavailable,
    UsagePeriod,
)
from fairlead.model.identifiers import Iccid, Imei
from fairlead.model.subscription import VERB_TARGET, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.telnyx")

_ACTIONS: Final[Mapping[Verb, Action]] = {
    Verb.ACTIVATE: "enable",
    Verb.SUSPEND: "disable",
    Verb.STANDBY: "set_standby",
}
_LOOK_AGAIN: Final = timedelta(seconds=15)


class TelnyxConnector(OpenAccount):
    """One Telnyx account."""

    def __init__(
        self, instance: CarrierInstance, client: TelnyxClient, translator: Translator, now: Callable[[], datetime]
    ) -> None:
        super().__init__(instance, MANIFEST, now)
        self._client = client
        self._translator = translator

    async def check(self) -> None:
        """Read one SIM: the key works and may read."""
        await self._client.page("/sim_cards", number=1, size=1)

    # --- reads

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory by page number, one request a page. A list tells no session."""

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            number, size = number_of(cursor), MANIFEST.page_size
            page = await self._client.page("/sim_cards", number=number, size=size)
            return entries_of(page.get("data"), "GET /sim_cards"), steering.following(page, number, size)

        return inventory("GET /sim_cards", turn, self._translator.sim, fresh=self._fresh, after=after)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now."""
        return (await self._read(sim))[0]

    async def _read(self, sim: ProviderId) -> tuple[SimRecord, object]:
        asked_at = self._fresh()
        value = await self._client.sim(sim)
        record = self._translator.sim(value, asked_at)
        if record is None:
            raise Unavailable(f"GET /sim_cards/{sim}: the reply is not a SIM")
        return record, value

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The session now; it comes with the SIM."""
        return (await self.read_sim(sim)).session

    async def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """The data sessions of the connectivity logs. The carrier filters by no time, so every page is read."""

        async def read(cursor: Cursor | None) -> tuple[list[SessionEvent], str | None]:
            asked_at, number, size = self._fresh(), number_of(cursor), MANIFEST.page_size
            page = await self._client.connectivity_logs(sim, number=number, size=size)
            logs = as_list(page.get("data")) or []
            events = [event for log in logs for event in self._translator.events(log, asked_at)]
            return events, steering.following(page, number, size)

        async for events, onward in pages("connectivity logs", read, after=after):
            yield EventPage(events=tuple(one for one in events if since <= one.at <= until), next=onward)

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """The running sum of the open billing period; of the past nothing is told, and no day is told apart."""
        if granularity != "month":
            return ()
        record, value = await self._read(sim)
        period = self._translator.usage(sim, value, record.freshness)
        return (period,) if period is not None and period.start <= until and since <= period.end else ()

    async def list_groups(self) -> tuple[Group, ...]:
        """All groups of the account."""
        return tuple(groups([line async for line in steering.walk(self._client, "/sim_card_groups")]))

    # --- state

    async def activate(self, sim: ProviderId) -> Outcome:
        """Enable."""
        return await self._change_state(sim, Verb.ACTIVATE)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Disable: off, with the address given up."""
        return await self._change_state(sim, Verb.SUSPEND)

    async def standby(self, sim: ProviderId) -> Outcome:
        """Set to standby: off, with the address kept."""
        return await self._change_state(sim, Verb.STANDBY)

    async def terminate(self, sim: ProviderId, *, confirm: Iccid) -> Outcome:
        """Take the SIM out of the account."""
        refusal = unconfirmed(await self.read_sim(sim), confirm)
        if refusal is not None:
            return refusal
        answer = await self._client.delete(sim)
        if isinstance(answer, Denial):
            return answer.refused(_conflict(answer))
        return Accepted(reference=follow.ending(sim, confirm), check_after=_LOOK_AGAIN)

    async def _change_state(self, sim: ProviderId, verb: Verb) -> Outcome:
        before = await self.read_sim(sim)
        wish = Wish(kind="state", value=VERB_TARGET[verb])
        if wish.met(before):
            return Done(observed=before, changed=False)
        if MOVING.get(before.subscription.provider_state) is VERB_TARGET[verb]:
            return Accepted(reference=wish.reference(sim), check_after=_LOOK_AGAIN, observed=before)
        if verb is not Verb.SUSPEND and not before.group:
            return own_refusal(ReasonCode.PRECONDITION, "the SIM is in no group, which the carrier asks for first")
        answer = await self._client.act(sim, _ACTIONS[verb])
        if isinstance(answer, Denial):
            return answer.refused(_conflict(answer))
        begun = self._begun(answer, wish, sim, of="action")
        return await self._ended_at_once(answer, wish, sim) or begun

    async def _ended_at_once(self, answer: Reply, wish: Wish, sim: ProviderId) -> Done | None:
        """Its end, where the answer itself calls the action completed and the SIM shows it. None: follow it up."""
        told = progress(data_of(answer))
        if told is None or told.under_way or told.broken:
            return None
        try:
            record = await self.read_sim(sim)
        except CarrierTrouble:
            return None  # it was taken: whoever follows it up looks again
        return Done(observed=record) if wish.met(record) else None

    def _begun(self, answer: Reply, wish: Wish, sim: ProviderId, *, of: follow.Of) -> Accepted:
        begun = progress(data_of(answer))
        if begun is None:
            raise OutcomeUnknown(f"SIM {sim}: the carrier answered {answer.status} without an action")
        return Accepted(reference=follow.reference(of, begun.id, wish, sim), check_after=_LOOK_AGAIN)

    # --- settings

    async def set_group(self, sim: ProviderId, group: str) -> Outcome:
        """Put the SIM into another group, which is read first: an unknown one is `NotFound` and nothing is sent."""
        before = await self.read_sim(sim)
        wish = Wish(kind="group", value=group)
        if not wish.met(before):
            await self._client.group(group)
        return await self._update(before, wish, {"sim_card_group_id": group})

    async def unset_group(self, sim: ProviderId) -> Outcome:
        """Not at this carrier: a SIM is always in a group."""
        return own_refusal(ReasonCode.UNSUPPORTED, f"SIM {sim} is always in a group; put it into another one")

    async def set_imei_lock(self, sim: ProviderId, imei: Imei | None) -> Outcome:
        """Allow exactly this device, or any."""
        wish = Wish(kind="imei_lock", value=imei or "")
        return await self._update(await self.read_sim(sim), wish, {"authorized_imeis": [imei] if imei else None})

    async def set_limit(self, sim: ProviderId, limit_bytes: int | None) -> Outcome:
        """Set the SIM's own ceiling, which goes before its group's."""
        if limit_bytes is None:
            return own_refusal(ReasonCode.UNSUPPORTED, "the carrier's interface has no way to take a ceiling away")
        amount = amount_of(limit_bytes)
        if amount is None:
            return own_refusal(ReasonCode.INVALID_REQUEST, "expected whole tenths of a megabyte (100,000 bytes)")
        wish = Wish(kind="limit", value=str(limit_bytes))
        return await self._update(await self.read_sim(sim), wish, {"data_limit": amount})

    async def read_networks(self, sim: ProviderId) -> NetworkPolicy | None:
        """The list of the SIM's group: its own record does not show it."""
        record = await self.read_sim(sim)
        return (await steering.with_networks(self._client, record)).network_policy if record.group else None

    async def set_network_policy(self, sim: ProviderId, policy: NetworkPolicy) -> Outcome:
        """Keep the SIM's whole group off these networks."""
        if policy.kind != "block":
            return own_refusal(ReasonCode.UNSUPPORTED, "the carrier blocks networks; it has no list of allowed ones")
        before = await self.read_sim(sim)
        if not before.group:
            return own_refusal(ReasonCode.PRECONDITION, "the SIM is in no group, and networks are the group's")
        before = await steering.with_networks(self._client, before)
        wish = Wish(kind="networks", value=network_value(policy))
        if wish.met(before):
            return Done(observed=before, changed=False)
        if before.network_policy is None:
            return own_refusal(ReasonCode.PRECONDITION, "the group has a blocklist that is not by network; remove it")
        answer = await steering.hang(self._client, before.group, policy)
        if isinstance(answer, Denial):
            return answer.refused()
        return self._begun(answer, wish, sim, of="group-action")

    async def _update(self, before: SimRecord, wish: Wish, change: Mapping[str, object]) -> Outcome:
        """Send one setting."""
        return await put(
            before,
            wish,
            lambda: self._client.update(before.provider_id, change),
            lambda value, sent_at: self._translator.sim(under_data(value), sent_at),
            fresh=self._fresh,
            again=_LOOK_AGAIN,
        )

    # --- what became of it

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        course = follow.read(reference)
        if course.ending is not None:
            return await self._ended(course.sim, course.ending, reference)
        if course.action:
            ask = self._client.group_action if course.of == "group-action" else self._client.action
            refusal = await self._broken(ask, course.action)
            if refusal is not None:
                return refusal
        record = await self.read_sim(course.sim)
        if course.wish.kind == "networks" and record.group:
            record = await steering.with_networks(self._client, record)
        if course.wish.met(record):
            return Done(observed=record)
        return Accepted(reference=reference, check_after=_LOOK_AGAIN, observed=record)

    async def _broken(self, ask: Callable[[str], Awaitable[object]], action: str) -> Outcome | None:
        found = progress(await ask(action))
        if found is None or not found.broken:
            return None
        return follow.refusal(found, self._client.clean(found.why))

    async def _ended(self, sim: ProviderId, iccid: Iccid, reference: str) -> Outcome:
        asked_at = self._fresh()
        try:
            record = await self.read_sim(sim)
        except NotFound:
            return Done(observed=follow.gone(sim, iccid, asked_at))
        return Accepted(reference=reference, check_after=_LOOK_AGAIN, observed=record)


def _conflict(answer: Denial) -> ReasonCode | None:
    """A 422 to a request that has no body can only be about the state the SIM is in."""
    return ReasonCode.CONFLICT_STATE if answer.raw.status == HTTPStatus.UNPROCESSABLE_ENTITY else None

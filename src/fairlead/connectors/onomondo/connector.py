"""Onomondo behind the carrier port, as far as its pages and a reconstruction of its interface describe it.

A SIM is changed field by field, and the carrier answers with the SIM as it then is: nothing is done that
the reply does not show.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from fairlead.connectors._kit.account import OpenAccount
from fairlead.connectors._kit.changing import progress, put
from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.inventory import entries_of, inventory
from fairlead.connectors._kit.letters import is_plain
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.paging import pages
from fairlead.connectors._kit.reading import EMPTY, Fields, as_object
from fairlead.connectors._kit.wish import Wish, network_value, own_refusal, read_reference
from fairlead.connectors.onomondo.client import OnomondoClient
from fairlead.connectors.onomondo.steering import list_with, unfit
from fairlead.connectors.onomondo.translate import LEAST, STEP, Translator, limit_body, list_of, months, networks_of
from fairlead.engine.ports.carrier import (
    CarrierInstance,
    Cursor,
    Done,
    NetworkPolicy,
    Outcome,
    ProviderId,
    ReasonCode,
    Refused,
    SimPage,
    SimRecord,
    Unavailable,
    UsagePeriod,
)
from fairlead.model.identifiers import Imei
from fairlead.model.subscription import VERB_TARGET, Freshness, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.onomondo")

_LOOK_AGAIN: Final = timedelta(seconds=15)
_USAGE_PAGE: Final = 1_000


class OnomondoConnector(OpenAccount):
    """One Onomondo organisation."""

    def __init__(
        self,
        instance: CarrierInstance,
        client: OnomondoClient,
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
        """Read one SIM: the key works and may read."""
        await self._client.list_sims(limit=1, after=None)

    # --- reads

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The inventory, one request a page. A list tells no networks of a SIM that is kept to some."""

        async def turn(cursor: Cursor | None) -> tuple[list[object], str | None]:
            page = await self._client.list_sims(limit=MANIFEST.page_size, after=cursor)
            sims = entries_of(page.get("sims"), "GET /sims")
            return sims, _following(page, sims, after=cursor)

        return inventory("GET /sims", turn, self._translator.sim, fresh=self._fresh, after=after)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now; where it is kept to a list of networks, that takes a second request."""
        record, value = await self._read(sim)
        name = list_of(value)
        if name is None:
            return record
        plmns = networks_of(await self._client.network_list(name))
        if plmns is None:
            said = f"network_whitelist: {name} holds more than single networks"
            return replace(record, complaints=(*record.complaints, said))
        return replace(record, network_policy=NetworkPolicy(kind="allow", plmns=plmns))

    async def _read(self, sim: ProviderId) -> tuple[SimRecord, object]:
        """The SIM alone, with its JSON."""
        asked_at = self._fresh()
        value = await self._client.get_sim(sim)
        record = self._translator.sim(value, asked_at)
        if record is None or record.provider_id != sim:
            raise Unavailable(f"GET /sims/{sim}: the reply is not that SIM")
        return record, value

    async def read_usage(
        self,
        sim: ProviderId,
        *,
        since: datetime,
        until: datetime,
        granularity: str,  # noqa: ARG002 - days are all there is
    ) -> tuple[UsagePeriod, ...]:
        """Bytes by day (UTC), in one sum. The carrier filters by the calendar, so whole months are read."""
        asked_at, entries = self._fresh(), list[object]()
        for month in months(since, until):

            async def read(cursor: Cursor | None, month: str = month) -> tuple[list[object], str | None]:
                page = await self._client.usage(sim, time=month, limit=_USAGE_PAGE, after=cursor)
                lines = entries_of(page.get("usage"), "GET /usage")
                return lines, _following(page, lines, after=cursor)

            async for lines, _ in pages("GET /usage", read):
                entries += lines
        return self._translator.usage(sim, entries, asked_at, since=since, until=until)

    # --- changes

    async def activate(self, sim: ProviderId) -> Outcome:
        """Switch on."""
        return await self._set(sim, Wish(kind="state", value=VERB_TARGET[Verb.ACTIVATE]), {"activated": True})

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Switch off."""
        return await self._set(sim, Wish(kind="state", value=VERB_TARGET[Verb.SUSPEND]), {"activated": False})

    async def set_imei_lock(self, sim: ProviderId, imei: Imei | None) -> Outcome:
        """Lock to this device, or to none."""
        return await self._set(sim, Wish(kind="imei_lock", value=imei or ""), {"imei_lock": imei})

    async def set_limit(self, sim: ProviderId, limit_bytes: int | None) -> Outcome:
        """Move the ceiling that every SIM has; its period stays."""
        if limit_bytes is None:
            return own_refusal(ReasonCode.UNSUPPORTED, "every SIM of this carrier has a ceiling; move it instead")
        if limit_bytes < LEAST or limit_bytes % STEP:
            return own_refusal(ReasonCode.INVALID_REQUEST, f"expected {LEAST} bytes or more, in steps of {STEP}")
        before, value = await self._read(sim)
        change = {"data_limit": limit_body(value, limit_bytes)}
        return await self._put(before, Wish(kind="limit", value=str(limit_bytes)), change)

    async def set_network_policy(self, sim: ProviderId, policy: NetworkPolicy) -> Outcome:
        """Keep the SIM to exactly these networks, or to none in particular."""
        refusal = unfit(policy)
        if refusal is not None:
            return refusal
        before = await self.read_sim(sim)
        wish = Wish(kind="networks", value=network_value(policy))
        if wish.met(before):
            return Done(observed=before, changed=False)
        name = await list_with(self._client, policy)
        if isinstance(name, Refused):
            return name

        def kept(value: object, asked_at: Freshness) -> SimRecord | None:
            record = self._translator.sim(value, asked_at)
            pointed = record is not None and name is not None and list_of(value) == name
            return replace(record, network_policy=policy) if record is not None and pointed else record

        return await self._put(before, wish, {"network_whitelist": name}, kept)

    async def _set(self, sim: ProviderId, wish: Wish, change: Mapping[str, object]) -> Outcome:
        before, _ = await self._read(sim)
        return await self._put(before, wish, change)

    async def _put(
        self,
        before: SimRecord,
        wish: Wish,
        change: Mapping[str, object],
        read: Callable[[object, Freshness], SimRecord | None] | None = None,
    ) -> Outcome:
        return await put(
            before,
            wish,
            lambda: self._client.update(before.provider_id, change),
            read or self._translator.sim,
            fresh=self._fresh,
            again=_LOOK_AGAIN,
        )

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """Hand a message over; whether it arrived is not asked."""
        if not is_plain(text):
            return own_refusal(ReasonCode.INVALID_REQUEST, "expected 1 to 160 plain letters; no encoding is documented")
        before, _ = await self._read(sim)
        answer = await self._client.send_sms(sim, text, sender=self._sender)
        return answer.refused() if isinstance(answer, Denial) else Done(observed=before)

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        sim, wish = read_reference(reference)
        record = await self.read_sim(sim) if wish.kind == "networks" else (await self._read(sim))[0]
        return progress(wish, record, again=_LOOK_AGAIN)


def _following(page: Mapping[str, object], entries: list[object], *, after: Cursor | None) -> str | None:
    """The cursor behind a page. One that is not the last and names none is no end."""
    told = Fields(as_object(page.get("pagination")) or EMPTY, [])
    following = told.text("next_page")
    if following and told.truth("has_more") is not False:
        return following
    total = Fields(page, []).whole("total")
    if told.truth("has_more") or (after is None and total is not None and total > len(entries)):
        raise Unavailable("the page is not the last, and names no cursor to go on from")
    return None

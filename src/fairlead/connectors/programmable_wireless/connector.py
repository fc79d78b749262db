"""Programmable Wireless behind the carrier port.

A SIM has a status and a rate plan, which also holds its limit. A line is ended by deactivating it: the
carrier cancels it 72 hours later, and until then nothing is final. So `terminate` is taken at once and
done three days after, and there is no `deactivate` that would stay one.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Final

from fairlead.connectors._kit.http import Denial
from fairlead.connectors._kit.manifest import manifest_of
from fairlead.connectors._kit.paging import pages
from fairlead.connectors._kit.wish import MalformedReference, Wish, own_refusal
from fairlead.connectors.kore.lines import Lines, refused
from fairlead.connectors.kore.records import text_of
from fairlead.connectors.kore.sids import is_sim
from fairlead.connectors.programmable_wireless import translate
from fairlead.engine.ports.carrier import (
    Accepted,
    Cursor,
    Done,
    EventPage,
    Outcome,
    ProviderId,
    ReasonCode,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.identifiers import Iccid
from fairlead.model.subscription import Freshness, SubscriptionState, Verb

MANIFEST: Final = manifest_of("fairlead.connectors.programmable_wireless")
_GRANULARITIES: Final = {"hour": "hourly", "day": "daily"}
_RESET_CHECK: Final = timedelta(seconds=30)


class ProgrammableWirelessConnector(Lines):
    """One Programmable Wireless account."""

    messages: ClassVar[str] = "Commands"
    status: ClassVar[Mapping[Verb, str]] = {Verb.ACTIVATE: "active", Verb.SUSPEND: "suspended"}

    def _read(self, value: object, seen: Freshness) -> SimRecord | None:
        return translate.sim(value, seen, self._manifest.capabilities)

    def _message(self, sim: ProviderId, text: str) -> Mapping[str, str]:
        return {"Sim": sim, "Command": text, "CommandMode": "text", "DeliveryReceiptRequested": "true"}

    # --- reads

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The newest data session."""
        seen, record = self._fresh(), self._manifest.capabilities
        values = await self._all("Sims", sim, "DataSessions", key="data_sessions", limit=self._manifest.page_size)
        if not values:
            await self._line(sim)  # a SIM that is not there has no sessions either
        return translate.session(translate.newest(values), seen, record)

    async def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """Session history. It is asked for whole and narrowed here, since the carrier takes no period."""
        limit = self._manifest.page_size // 2  # a session has a beginning and an end

        async def read(cursor: Cursor | None) -> tuple[tuple[list[object], Freshness], str | None]:
            seen = self._fresh()
            lines, following = await self._client.page(
                "Sims", sim, "DataSessions", key="data_sessions", limit=limit, after=cursor
            )
            return (lines, seen), following

        async for (lines, seen), onward in pages("data sessions", read, after=after):
            found = translate.events(lines, seen, self._manifest.capabilities, since, until)
            yield EventPage(events=found, next=onward)

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """Usage by `hour`, `day`, or `all` of the period as one; up to a day late, final after two."""
        seen = self._fresh()
        asked = {
            "Granularity": _GRANULARITIES.get(granularity, granularity),
            "Start": text_of(since),
            "End": text_of(until),
        }
        values = await self._all(
            "Sims", sim, "UsageRecords", key="usage_records", limit=self._manifest.page_size, params=asked
        )
        return translate.usage(sim, values, seen, self.lag_final)

    # --- changes

    async def set_plan(self, sim: ProviderId, plan: str) -> Outcome:
        """Put the line onto a rate plan, by its SID."""
        return await self._set(await self._line(sim), Wish(kind="plan", value=plan), {"RatePlan": plan})

    async def terminate(self, sim: ProviderId, *, confirm: Iccid) -> Outcome:
        """Deactivate the line; it is ended when the carrier has canceled it."""
        before = await self._line(sim)
        if before.iccid != confirm:
            detail = f"the confirmation names {confirm}, the carrier reports {before.iccid} for this SIM"
            return own_refusal(ReasonCode.INVALID_REQUEST, detail)
        wish = Wish(kind="state", value=SubscriptionState.TERMINATED)
        if before.subscription.state is SubscriptionState.DEACTIVATED:
            return self._wait(wish, before, self._from(before, before.freshness.observed_at))
        return await self._set(before, wish, {"Status": "deactivated"})

    def _patience(self, wish: Wish, record: SimRecord) -> timedelta:
        canceled_at = record.subscription.auto_revert_at
        if wish.value == SubscriptionState.TERMINATED and canceled_at is not None:
            return max(canceled_at - record.freshness.observed_at, timedelta(minutes=5))
        return super()._patience(wish, record)

    def _on_its_way(self, wish: Wish, record: SimRecord) -> bool:
        ending = wish.kind == "state" and wish.value == SubscriptionState.TERMINATED
        if ending and record.subscription.state is SubscriptionState.DEACTIVATED:
            return True
        return super()._on_its_way(wish, record)

    async def reset_connection(self, sim: ProviderId) -> Outcome:
        """Have the network forget the device, so that it comes back, with a session or without."""
        before = await self._line(sim)
        refusal = self._barred(before)
        if refusal is not None:
            return refusal
        answer = await self._client.change("Sims", sim, form={"ResetStatus": "resetting"}, told=True)
        if isinstance(answer, Denial):
            return refused(answer)
        return Accepted(reference=f"reset {sim}", check_after=_RESET_CHECK, observed=before)

    async def follow_up(self, reference: str) -> Outcome:
        """What became of an `Accepted`."""
        kind, _, sim = reference.partition(" ")
        if kind != "reset":
            return await super().follow_up(reference)
        if not is_sim(sim):
            raise MalformedReference(f"{reference!r} is not a reference: expected reset and a SIM")
        seen = self._fresh()
        value = await self._client.get("Sims", sim)
        record = self._read(value, seen)
        if record is None or translate.resetting(value):
            return Accepted(reference=reference, check_after=_RESET_CHECK, observed=record)
        return Done(observed=record)

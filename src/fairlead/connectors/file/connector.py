"""A carrier by files, behind the carrier port: exports are read, changes are asked for by ticket.

An answer is as old as the newest export, and says so: `observed_at` is the export's own instant, never
the moment of reading, so a caller sees that this morning's file cannot prove this afternoon's change.
A write finds out first what is wished already: the state in the newest export, or an open ticket.
`Done` comes from an export alone, one that is not older than the ticket.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from fairlead.connectors._kit.factory import AccountConfig
from fairlead.connectors._kit.wish import own_refusal
from fairlead.connectors.file import tickets as ticketing
from fairlead.connectors.file.cabinet import ASKED, MANIFEST, Cabinet, View
from fairlead.connectors.file.mapping import Files, Tickets
from fairlead.connectors.file.place import NotWritten, Place, Shelf
from fairlead.connectors.file.tickets import Ticket, verdict
from fairlead.connectors.file.translate import Stay, events_of
from fairlead.engine.ports.carrier import (
    Accepted,
    BatchOutcome,
    CarrierInstance,
    Cursor,
    Done,
    EventPage,
    InvoiceLine,
    Manifest,
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
from fairlead.model.identifiers import Iccid
from fairlead.model.subscription import SubscriptionState, Verb

_BATCH: Final = 1000


class FileConnector:
    """One account at a carrier without an interface."""

    def __init__(
        self,
        instance: CarrierInstance,
        config: AccountConfig,
        files: Files,
        place: Place,
        *,
        now: Callable[[], datetime],
        real: Callable[[], datetime],
    ) -> None:
        self._instance = instance
        self._files = files
        self._now = now
        self._cabinet = Cabinet(
            files, place, source=instance.name, real=real, total=config.bounds.total.total_seconds()
        )
        self._writing = asyncio.Lock()

    @property
    def instance(self) -> CarrierInstance:
        """Whose door this is."""
        return self._instance

    @property
    def manifest(self) -> Manifest:
        """What it can do."""
        return MANIFEST

    async def check(self) -> None:
        """Go to the folder and read the newest inventory."""
        async with self._cabinet.visit() as shelf:
            await self._cabinet.view(shelf)

    # --- reads

    async def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """The newest inventory, or the one that a cursor began with as long as it is there."""
        async with self._cabinet.visit() as shelf:
            view = await self._cabinet.view(shelf, digest=(after or "").partition(":")[0])
        digest, lines = view.stock.digest, list(view.stock.value.sims)
        size, start = MANIFEST.page_size, int(after.partition(":")[2]) if after else 0
        while True:
            end = start + size
            last = end >= len(lines)
            yield SimPage(
                sims=tuple(self._cabinet.sim(view, sim) for sim in lines[start:end]),
                next=None if last else Cursor(f"{digest}:{end}"),
                unreadable=tuple(view.stock.value.complaints) if start == 0 else (),
            )
            if last:
                return
            start = end

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM as the newest inventory has it."""
        async with self._cabinet.visit() as shelf:
            return self._cabinet.sim(await self._cabinet.view(shelf), sim)

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The session by the newest session export; unknown where the carrier exports none."""
        return (await self.read_sim(sim)).session

    async def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """Begins and ends of sessions in all exports that are there; the same session in two of them is one."""
        async with self._cabinet.visit() as shelf:
            read = await self._cabinet.every(shelf, self._cabinet.stays)
        stays: dict[tuple[datetime, str], Stay] = {}
        for export in reversed(read):  # a newer export knows the end that an older one did not
            stays.update({(stay.start, stay.status.session_id): stay for stay in export.value.get(sim, [])})
        events = events_of(sorted(stays.values(), key=lambda stay: stay.start), since, until)
        start, size = int(after) if after else 0, MANIFEST.page_size
        while True:
            last = start + size >= len(events)
            yield EventPage(
                events=tuple(events[start : start + size]), next=None if last else Cursor(str(start + size))
            )
            if last:
                return
            start += size

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """Periods as exported; of the same period the newest export counts. No sums are made of them."""
        if self._files.usage is None or granularity != self._files.usage.period:
            return ()
        async with self._cabinet.visit() as shelf:
            read = await self._cabinet.every(shelf, self._cabinet.usage)
        periods = {
            one.start: one
            for export in reversed(read)
            for one in export.value.get(sim, [])
            if one.start < until and one.end > since
        }
        return tuple(periods[start] for start in sorted(periods))

    async def read_invoices(self) -> tuple[InvoiceLine, ...]:
        """Every line of every invoice file; the same bytes under two names are one invoice."""
        async with self._cabinet.visit() as shelf:
            read = await self._cabinet.every(shelf, self._cabinet.invoices)
        by_content = {export.digest: export for export in read}
        return tuple(line for export in sorted(by_content.values(), key=lambda one: one.at) for line in export.value)

    # --- changes

    async def activate(self, sim: ProviderId) -> Outcome:
        """Ask for it to be switched on."""
        return await self._ask(Verb.ACTIVATE, sim)

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Ask for it to be suspended."""
        return await self._ask(Verb.SUSPEND, sim)

    async def deactivate(self, sim: ProviderId) -> Outcome:
        """Ask for it to be deactivated."""
        return await self._ask(Verb.DEACTIVATE, sim)

    async def terminate(self, sim: ProviderId, *, confirm: Iccid) -> Outcome:
        """Ask for its end."""
        return await self._ask(Verb.TERMINATE, sim, confirm)

    async def change_many(self, verb: Verb, sims: Sequence[ProviderId]) -> BatchOutcome:
        """One ticket for all that need one; each SIM has its own line and its own end."""
        if not 1 <= len(sims) <= _BATCH or len(set(sims)) != len(sims):
            detail = f"a ticket takes 1 to {_BATCH} different SIMs, not {len(sims)}"
            return dict.fromkeys(sims, own_refusal(ReasonCode.INVALID_REQUEST, detail))
        verb = Verb.ACTIVATE if verb is Verb.RESUME else verb
        if verb not in ASKED or verb is Verb.TERMINATE:
            return dict.fromkeys(sims, own_refusal(ReasonCode.UNSUPPORTED, f"no ticket for many does {verb}"))
        async with self._writing, self._cabinet.visit() as shelf:
            view = await self._cabinet.view(shelf)
            return await self._batch(view, verb, sims)

    async def _ask(self, verb: Verb, sim: ProviderId, confirm: Iccid | None = None) -> Outcome:
        async with self._writing, self._cabinet.visit() as shelf:
            view = await self._cabinet.view(shelf)
            line = self._cabinet.line(view, sim)
            if verb is Verb.TERMINATE and line.record.iccid != confirm:
                detail = f"the confirmation names {confirm}, the carrier reports {line.record.iccid} for this SIM"
                return own_refusal(ReasonCode.INVALID_REQUEST, detail)
            return (await self._batch(view, verb, [sim]))[sim]

    async def _batch(self, view: View, verb: Verb, sims: Sequence[ProviderId]) -> dict[ProviderId, Outcome]:
        found: dict[ProviderId, Outcome] = {}
        fresh: list[tuple[ProviderId, int]] = []
        for sim in sims:
            known = self._already(view, verb, sim)
            if isinstance(known, int):
                fresh.append((sim, known))
            else:
                found[sim] = known
        if fresh:
            ticket = Ticket(
                number=self._number(view, verb, fresh),
                verb=verb,
                requested_at=self._now(),
                lines={sim: self._cabinet.line(view, sim).theirs for sim, _ in fresh},
            )
            await self._send(view.shelf, ticket)
            found |= {sim: self._accepted(ticket, sim, self._cabinet.sim(view, sim)) for sim, _ in fresh}
        return {sim: found[sim] for sim in sims}

    def _number(self, view: View, verb: Verb, fresh: list[tuple[ProviderId, int]]) -> str:
        """The next number that nobody has answered yet: our copy of one that was answered may be lost."""
        while True:
            number = ticketing.number_of(str(self._instance.account), verb, fresh)
            if not any((number, sim) in view.said for sim, _ in fresh):
                return number
            fresh = [(sim, before + 1) for sim, before in fresh]

    def _already(self, view: View, verb: Verb, sim: ProviderId) -> Outcome | int:
        """What the wish comes to without a ticket; or, where it takes one, how many of its kind there were."""
        tickets = self._files.tickets
        if tickets is None or verb.value not in tickets.words:
            return own_refusal(ReasonCode.UNSUPPORTED, f"this account has no ticket to {verb} a line (files.tickets)")
        if sim not in view.stock.value.sims:
            return own_refusal(ReasonCode.NOT_FOUND, f"{sim} is not in {view.stock.name}")
        record = self._cabinet.sim(view, sim)
        met = record.subscription.state.value == ticketing.target_of(verb)
        sent = [ticket for ticket in view.sent if sim in ticket.lines]
        last = sent[-1] if sent else None
        if last is not None:
            waiting = self._waits(view, last, sim)
            if waiting and last.verb is verb:
                return self._accepted(last, sim, record)
            if waiting and verdict(view.said.get((last.number, sim), ())) is None:
                detail = (
                    f"ticket {last.number} to {last.verb} this line is open since {last.requested_at:%Y-%m-%d %H:%M}"
                )
                return own_refusal(ReasonCode.BUSY, f"{detail} UTC")
            met = met and not waiting
        if met:
            return Done(observed=record, changed=False)
        if record.subscription.state is SubscriptionState.TERMINATED:
            return own_refusal(ReasonCode.CONFLICT_STATE, "the subscription is terminated, which is final")
        return sum(ticket.verb is verb for ticket in sent)

    def _waits(self, view: View, ticket: Ticket, sim: ProviderId) -> bool:
        """True while nothing has ended this line of a ticket: while the newest export may not know of it yet."""
        return isinstance(self._end(view, ticket, sim), Accepted)

    def _end(self, view: View, ticket: Ticket, sim: ProviderId) -> Outcome:
        """What became of one line of a ticket."""
        record = self._cabinet.sim(view, sim)
        said = verdict(view.said.get((ticket.number, sim), ()))
        shows = record.subscription.state.value == ticketing.target_of(ticket.verb)
        if shows and view.stock.at >= ticket.requested_at:
            return Done(observed=record)
        if said is not None and said.result == "refused":
            return Refused(reason=said.reason, detail=said.detail, raw=said.raw)
        within = timedelta(hours=self._asked().answer_within_h)
        # A confirmed line may be ended by an export that is newer than the confirmation and shows something else.
        ended = max(said.at, ticket.requested_at) if said is not None else ticket.requested_at
        if view.stock.at < ended + within:
            return self._accepted(ticket, sim, record)
        word = record.subscription.provider_state
        if said is not None:
            detail = f"{said.detail}, but {view.stock.name} shows {word!r}"
            return Refused(reason=ReasonCode.CONTRACT_VIOLATION, detail=detail, raw=said.raw)
        detail = f"nobody answered ticket {ticket.number}, and {view.stock.name} still shows {word!r}"
        return own_refusal(ReasonCode.PROVIDER_UNAVAILABLE, detail)

    def _accepted(self, ticket: Ticket, sim: ProviderId, record: SimRecord) -> Accepted:
        wait = timedelta(hours=self._asked().look_again_h)
        return Accepted(reference=ticketing.reference(ticket, sim), check_after=wait, observed=record)

    async def _send(self, shelf: Shelf, ticket: Ticket) -> None:
        """Their copy first: a ticket of which only they know is asked for again under the same number."""
        tickets, name = self._asked(), f"{ticket.number}.csv"
        try:
            await shelf.put(tickets.folder, name, ticketing.for_them(ticket, tickets, self._files))
        except NotWritten as error:
            raise Unavailable(f"ticket {ticket.number}: {error}") from None
        except OSError as error:
            raise OutcomeUnknown(f"ticket {ticket.number}: {error}") from None
        try:
            await shelf.put(tickets.kept, name, ticketing.for_us(ticket))
        except OSError as error:
            raise OutcomeUnknown(f"ticket {ticket.number} was written, our copy was not: {error}") from None

    async def follow_up(self, reference: str) -> Outcome:
        """What became of one line of a ticket."""
        number, sim = ticketing.read_reference(reference)
        async with self._cabinet.visit() as shelf:
            view = await self._cabinet.view(shelf)
        return self._end(view, self._known(view, number, sim), sim)

    async def follow_many(self, reference: str) -> BatchOutcome:
        """What became of every line of a ticket, named by any of its lines."""
        number, first = ticketing.read_reference(reference)
        async with self._cabinet.visit() as shelf:
            view = await self._cabinet.view(shelf)
        ticket = self._known(view, number, first)
        return {sim: self._end(view, ticket, sim) for sim in ticket.lines if sim in view.stock.value.sims}

    def _known(self, view: View, number: str, sim: ProviderId) -> Ticket:
        found = next((one for one in view.sent if one.number == number and sim in one.lines), None)
        if found is None:
            raise NotFound(f"no ticket {number} for {sim} in {self._asked().kept}")
        return found

    def _asked(self) -> Tickets:
        if self._files.tickets is None:
            raise NotFound("this account has no tickets (files.tickets)")
        return self._files.tickets

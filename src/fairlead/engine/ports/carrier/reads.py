"""Capabilities that look: at the inventory, one SIM, sessions, bytes, changes, and what a carrier says unasked.

A read has no effect and may be asked any number of times, within the budget.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from fairlead.engine.ports.carrier.observed import (
    ChangedPage,
    Cursor,
    EventPage,
    InvoiceLine,
    NetworkPolicy,
    ProviderId,
    SessionStatus,
    SimPage,
    SimRecord,
    UsagePeriod,
)
from fairlead.engine.ports.carrier.outcomes import Heard, Outcome


@runtime_checkable
class ListsSims(Protocol):
    """The whole inventory, page by page."""

    def list_sims(self, *, after: Cursor | None = None) -> AsyncIterator[SimPage]:
        """Every page from the start, or from behind `after`. Each page is one request."""
        ...


@runtime_checkable
class ReadsSim(Protocol):
    """One SIM: also the read-back that settles an unknown write."""

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        """The SIM now. Raises `NotFound`."""
        ...


@runtime_checkable
class ReadsNetworks(Protocol):
    """Beside `SteersNetworks`, where a SIM's record does not show its list: part of steering, named in no manifest."""

    async def read_networks(self, sim: ProviderId) -> NetworkPolicy | None:
        """The list that binds the SIM now; None where it cannot be told as networks."""
        ...


@runtime_checkable
class FollowsUp(Protocol):
    """What became of an `Accepted`."""

    async def follow_up(self, reference: str) -> Outcome:
        """The outcome now; `Accepted` again while it is still under way."""
        ...


@runtime_checkable
class ReportsSessions(Protocol):
    """Who is on the air, and who was."""

    async def read_session(self, sim: ProviderId) -> SessionStatus:
        """The session now."""
        ...

    def session_events(
        self, sim: ProviderId, *, since: datetime, until: datetime, after: Cursor | None = None
    ) -> AsyncIterator[EventPage]:
        """The history between two instants, page by page, in the carrier's order."""
        ...


@runtime_checkable
class ReadsUsage(Protocol):
    """Bytes, as raw or as final as the carrier gives them."""

    async def read_usage(
        self, sim: ProviderId, *, since: datetime, until: datetime, granularity: str
    ) -> tuple[UsagePeriod, ...]:
        """Periods that touch [since, until], oldest first; `granularity` is one of the capability record's."""
        ...


@runtime_checkable
class ReadsInvoices(Protocol):
    """What the carrier asks for, line by line."""

    async def read_invoices(self) -> tuple[InvoiceLine, ...]:
        """The lines of every invoice it still shows, each in its own currency; nothing is summed or converted."""
        ...


@runtime_checkable
class ReportsChanges(Protocol):
    """What changed since the last time, without a full sweep: polling by delta."""

    def changes_from(self, instant: datetime) -> Cursor:
        """A cursor to begin with. Nothing that changed at or after the instant is missed; something older may come."""
        ...

    def list_changed(self, *, since: Cursor) -> AsyncIterator[ChangedPage]:
        """Every change behind `since`, page by page, each page one request.

        The same change may come again, and in another order: whoever reads takes the newest record of
        a SIM. A cursor the carrier no longer serves is `NotFound`; begin anew with a full sweep.
        """
        ...


@runtime_checkable
class Hears(Protocol):
    """A webhook of this account. The manifest's `webhook` says what proves the sender."""

    def hear(self, headers: Mapping[str, str], body: bytes) -> tuple[Heard, ...]:
        """What one request brought, in its order; no call goes out. Raises `BadSignature`.

        `headers` have lower-case names. Deliveries come twice, late and out of order at every carrier.
        Where the carrier signs nothing (`webhook = "path"`), an unguessable address was the only guard
        and what is heard deserves no more trust than that.
        """
        ...

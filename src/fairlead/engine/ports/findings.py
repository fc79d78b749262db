"""What the engine needs from the store for findings, always by the set where there may be many."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from fairlead.engine.ports.transaction import Transaction
from fairlead.model.finding import ClosedBy, Fact, FindingSubject, Severity, Sighting
from fairlead.model.lifecycle import FindingState

Wanted = Literal["open", "acknowledged", "closed", "live"]  # live: not closed


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding as it is kept."""

    id: UUID
    kind: str  # of `model.finding.KINDS`, or one that only newer code names
    severity: Severity
    subject: FindingSubject
    key: str
    title: str
    evidence: Mapping[str, Fact]  # of the newest sighting
    score: float | None
    state: FindingState
    opened_at: datetime
    last_seen_at: datetime
    sightings: int
    acknowledged_at: datetime | None
    acknowledged_by: UUID | None
    acknowledged_because: str
    closed_at: datetime | None
    closed_by: ClosedBy | None
    closer: UUID | None  # the person, where it was one
    closed_because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which findings; None leaves a condition out."""

    state: Wanted | None = None
    kind: str | None = None
    severity: Severity | None = None
    subject_kind: str | None = None
    subject_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Which findings of a kind are over: those under `keys`, or with `others` all that are not under them.

    `unseen_since` leaves out what was seen at that instant or later, for whoever does not see all there is each time.
    """

    kind: str
    keys: Collection[str] = ()
    others: bool = False
    unseen_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many that are not closed are alike."""

    state: FindingState
    severity: Severity
    kind: str
    findings: int


class FindingRows(Protocol):
    """The findings of a tenant."""

    async def raise_many(self, tx: Transaction, seen: Sequence[tuple[UUID, Sighting]], now: datetime) -> list[Finding]:
        """Open or refresh; returns those that are new, under the id that came with them. No key may come twice."""
        ...

    async def close_many(self, tx: Transaction, over: Over, now: datetime, because: str) -> list[Finding]:
        """Close what is over; returns what was closed by this."""
        ...

    async def read(self, tx: Transaction, finding: UUID, *, lock: bool = False) -> Finding | None: ...
    async def page(self, tx: Transaction, which: Filter, below: UUID | None, limit: int) -> list[Finding]: ...
    async def counts(self, tx: Transaction) -> list[Count]: ...
    async def acknowledge(self, tx: Transaction, finding: UUID, person: UUID, reason: str, now: datetime) -> None: ...
    async def close(self, tx: Transaction, finding: UUID, person: UUID, reason: str, now: datetime) -> None: ...

"""What the timeline of a device reads: rows of each source, newest first, before an instant."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from fairlead.model.ids import DeviceId, TenantId
from fairlead.model.lifecycle import MoveState, OperationState


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSeen:
    """A session, as it began or as it ended."""

    iccid: str
    access: int
    plmn: str | None
    country: str | None
    rat: str | None
    source: str
    started_at: datetime
    ended_at: datetime | None
    bytes: int | None
    end_cause: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceSeen:
    """The first sight of a run of presence."""

    iccid: str | None
    country: str
    plmn: str
    source: str
    at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveSeen:
    """A Move, as it opened or as it ended."""

    what: str  # opened, ended
    at: datetime
    change: UUID
    wave: int
    state: MoveState
    leg: int
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Why a Move is."""

    change: UUID
    wave: int
    title: str
    entered: Sequence[str]  # policy@revision that came into force with it
    left_behind: Sequence[str]  # those that ceased to be
    facets: Sequence[int]  # what it wanted otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSeen:
    """One moment of an operation."""

    what: str  # sent, said, settled
    at: datetime
    said: Mapping[str, Any] | None  # the piece of evidence
    part: int  # which piece, from 1
    id: UUID
    change: UUID | None
    wave: int | None
    facet: int
    generation: int
    leg: int
    step: int
    attempt: int
    driver: str
    verb: str
    state: OperationState  # as it is now
    reason: str | None
    arguments: Mapping[str, Any]
    deadline: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSeen:
    """What the device last said of a facet."""

    facet: int
    version: int
    state: object
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSeen:
    """A journal line about the device."""

    id: UUID
    at: datetime
    actor: str
    action: str
    reason: str
    payload: Mapping[str, Any]
    change: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSeen:
    """One moment of a finding about the device."""

    what: str  # opened, acknowledged, closed
    at: datetime
    because: str
    id: UUID
    finding: str  # its kind
    severity: int
    title: str
    sightings: int  # so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which sources a page needs."""

    network: bool  # sessions and presence
    moves: bool
    people: bool
    findings: bool
    facets: Collection[int]  # operations and reports of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Rows of each source; each is whole down to its oldest instant."""

    begun: Sequence[SessionSeen] = ()
    ended: Sequence[SessionSeen] = ()
    presence: Sequence[PresenceSeen] = ()
    moves: Sequence[MoveSeen] = ()
    operations: Sequence[OperationSeen] = ()
    wanted: Sequence[Wanted] = ()  # of the Moves and operations above
    reports: Sequence[ReportSeen] = ()
    lines: Sequence[LineSeen] = ()
    findings: Sequence[FindingSeen] = ()


class TimelineStore(Protocol):
    """Reads what happened to a device."""

    async def happened(
        self, tenant: TenantId, device: DeviceId, asked: Asked, *, before: datetime, limit: int
    ) -> Happened:
        """The newest `limit` rows of each source, and with the last one all of its instant."""
        ...

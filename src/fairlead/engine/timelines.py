"""One causal timeline of a device: network, subscription, facets, Changes, people and findings, newest first.

The HTTP door asks for a page; `store.timeline` reads each source down to one instant; here they are
merged and told in sentences. A page ends at an instant, never within one: what happened together
stays together, and the next page begins before it. `cause` names the entry or the Change that an
entry follows from, and is None where nobody knows: it is never guessed from nearness in time.

What is not kept cannot be told: of reports and of a subscription's state there is only the newest.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from fairlead.engine.ports.timeline import (
    Asked,
    FindingSeen,
    Happened,
    LineSeen,
    MoveSeen,
    OperationSeen,
    PresenceSeen,
    ReportSeen,
    SessionSeen,
    TimelineStore,
    Wanted,
)
from fairlead.model.device import Device
from fairlead.model.facet import BY_NUMBER, Facet
from fairlead.model.finding import Severity
from fairlead.model.ids import TenantId, show
from fairlead.model.lifecycle import MoveState, OperationState, name

KINDS: Final = (*(str(facet) for facet in Facet), "change", "people", "finding")
EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened."""

    id: str  # stable: the same thing has the same id on every page
    at: datetime
    kind: str  # of KINDS
    title: str  # a sentence for people
    source: str  # who says so
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])
    change: UUID | None = None
    policies: Sequence[str] = ()  # policy@revision that wanted it
    operation: UUID | None = None
    cause: str | None = None  # id of an entry, or of a Change
    rank: int = 0  # of entries of one instant, what follows has the higher one


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A page of a timeline."""

    entries: Sequence[Entry]
    next: datetime | None  # what happened before this instant is on the next page; None: the beginning


class Timelines:
    """The timelines of every tenant's devices."""

    def __init__(self, store: TimelineStore) -> None:
        self._store = store

    async def read(
        self, tenant: TenantId, device: Device, kinds: Collection[str], *, before: datetime | None, limit: int
    ) -> Timeline:
        """The newest things of these kinds before an instant."""
        asked = Asked(
            network=Facet.NETWORK in kinds,
            moves="change" in kinds,
            people="people" in kinds,
            findings="finding" in kinds,
            facets=[facet.number for facet in Facet if facet in kinds],
        )
        end = before or EVER
        found = await self._store.happened(tenant, device.id, asked, before=end, limit=limit)
        entries = list(told(found, limit))
        if asked.people and device.created_at < end:
            entries.append(_arrival(device))
        return cut(entries, found, limit)


def cut(entries: Iterable[Entry], found: Happened, limit: int) -> Timeline:
    """The newest `limit` entries and whatever shares the instant of the last; and where to go on."""
    ordered = sorted(entries, key=lambda one: (one.at, one.rank, one.id), reverse=True)
    sources = (found.begun, found.ended, found.presence, found.moves, found.operations, found.lines, found.findings)
    more = any(len(rows) >= limit for rows in sources)
    kept = [one for one in ordered if one.at >= ordered[limit - 1].at] if len(ordered) > limit else ordered
    more = bool(kept) and (more or len(kept) < len(ordered))
    return Timeline(entries=kept, next=kept[-1].at if more else None)


def told(found: Happened, limit: int) -> Iterator[Entry]:
    """Every row as an entry."""
    why = {(one.change, one.wave): one for one in found.wanted}
    asked_for: dict[str, list[OperationSeen]] = {}  # by ICCID: the operations that asked for this SIM, newest first
    for one in found.operations:
        iccid = one.arguments.get("iccid")
        if one.what == "sent" and one.facet == Facet.NETWORK.number and isinstance(iccid, str):
            asked_for.setdefault(iccid, []).append(one)
    yield from _sessions(found.begun, asked_for, whole=len(found.begun) <= limit)
    for one in found.ended:
        yield _session_ended(one)
    yield from _presence(found.presence, whole=len(found.presence) <= limit)
    for one in found.moves:
        yield _move(one, why.get((one.change, one.wave)))
    for one in found.operations:
        yield _operation(one, _why(one, why))
    for one in found.reports:
        yield _report(one)
    for one in found.lines:
        yield _line(one)
    for one in found.findings:
        yield _finding(one)


def _why(one: OperationSeen, why: Mapping[tuple[UUID, int], Wanted]) -> Wanted | None:
    return None if one.change is None or one.wave is None else why.get((one.change, one.wave))


# --- the network ---------------------------------------------------------------------------------


def _sessions(
    rows: Sequence[SessionSeen], asked_for: Mapping[str, Sequence[OperationSeen]], *, whole: bool
) -> Iterator[Entry]:
    for index, one in enumerate(rows):
        former = rows[index + 1] if index + 1 < len(rows) else None
        cause = None
        if former is None and not whole:
            continue  # the oldest is only here to be compared with
        if former is not None and former.iccid != one.iccid:
            cause = f"sim:{one.iccid}:{one.at.isoformat()}"
            wish = next((asked for asked in asked_for.get(one.iccid, ()) if asked.at <= one.at), None)
            yield Entry(
                id=cause, at=one.at, kind="network", source=one.source,
                title=f"Came on SIM {one.iccid} instead of {former.iccid}",
                detail={"from": former.iccid, "to": one.iccid},
                change=wish.change if wish else None,
                operation=wish.id if wish else None,
                cause=_sent(wish.id) if wish else None,
            )  # fmt: skip
        yield Entry(
            id=_begun(one), at=one.at, kind="network", source=one.source, cause=cause,
            title=f"A session began{_where(one)}", rank=1,
            detail={"iccid": one.iccid, "country": one.country, "plmn": one.plmn, "rat": one.rat},
        )  # fmt: skip


def _session_ended(one: SessionSeen) -> Entry:
    because = f": {one.end_cause}" if one.end_cause else ""
    return Entry(
        id=f"session-end:{one.iccid}:{one.started_at.isoformat()}", at=one.at, kind="network", source=one.source,
        title=f"The session{_where(one)} ended{because}", cause=_begun(one),
        detail={"iccid": one.iccid, "bytes": one.bytes, "began": one.started_at, "end_cause": one.end_cause},
    )  # fmt: skip


def _begun(one: SessionSeen) -> str:
    return f"session:{one.iccid}:{one.started_at.isoformat()}"


def _where(one: SessionSeen) -> str:
    network = f" on {one.plmn}" if one.plmn else ""
    place = f" in {one.country}" if one.country else ""
    return place + network + (f" ({one.rat})" if one.rat else "")


def _presence(rows: Sequence[PresenceSeen], *, whole: bool) -> Iterator[Entry]:
    for index, one in enumerate(rows):
        former = rows[index + 1] if index + 1 < len(rows) else None
        if former is None:
            if not whole:
                continue
            title = f"First seen, in {one.country} on {one.plmn}"
        elif former.country != one.country:
            title = f"Came from {former.country} to {one.country}, on {one.plmn}"
        elif former.plmn != one.plmn:
            title = f"Came from {former.plmn} to {one.plmn} in {one.country}"
        else:
            title = f"Seen again in {one.country} on {one.plmn}"
        yield Entry(
            id=f"presence:{one.iccid}:{one.plmn}:{one.at.isoformat()}", at=one.at, kind="network", title=title,
            source=one.source,
            detail={"iccid": one.iccid, "country": one.country, "plmn": one.plmn, "last": one.last_at},
        )  # fmt: skip


# --- what should be ------------------------------------------------------------------------------


def _move_id(change: UUID, wave: int) -> str:
    return f"move:{show('chg', change)}:{wave}"


def _move(one: MoveSeen, why: Wanted | None) -> Entry:
    facets = ", ".join(BY_NUMBER[n] for n in why.facets) if why else ""
    title = why.title if why and why.title else show("chg", one.change)
    whose = _policies(why)
    opened = one.what == "opened"
    if opened:
        told = f"Should have another {facets}" if facets else "Is touched"
        told += f", as {', '.join(whose)} says" if why and why.entered else ""
        told += f", since {', '.join(whose)} no longer holds" if why and not why.entered and whose else ""
    else:
        told = _ENDS[one.state]
    return Entry(
        id=_move_id(one.change, one.wave) + ("" if opened else ":end"), at=one.at, kind="change",
        title=f"{told} ({title})", source="fairlead", change=one.change, policies=whose,
        rank=0 if opened else 5, cause=show("chg", one.change) if opened else _move_id(one.change, one.wave),
        detail={
            "wave": one.wave, "state": None if opened else name(one.state), "outcome": None if opened else one.outcome,
            "facets": [str(BY_NUMBER[n]) for n in why.facets] if why else [],
        },
    )  # fmt: skip


_ENDS: Final[Mapping[MoveState, str]] = {
    MoveState.WAITING: "Waits",
    MoveState.RUNNING: "Runs",
    MoveState.VERIFIED: "The Change is verified here",
    MoveState.FAILED: "The Change failed here",
    MoveState.UNDOING: "The Change goes back here",
    MoveState.UNDONE: "The Change was rolled back here",
    MoveState.SUPERSEDED: "The Change was overtaken here by a later one",
    MoveState.STUCK: "The Change is stuck here between forward and back",
}


def _policies(why: Wanted | None) -> Sequence[str]:
    return () if why is None else tuple(why.entered) or tuple(why.left_behind)


def _sent(operation: UUID) -> str:
    return f"{show('op', operation)}:sent"


_RANKS: Final = {"sent": 1, "said": 1, "settled": 4}


def _operation(one: OperationSeen, why: Wanted | None) -> Entry:
    facet = BY_NUMBER[one.facet]
    ident = {
        "sent": _sent(one.id),
        "said": f"{show('op', one.id)}:said:{one.part}",
        "settled": f"{show('op', one.id)}:end",
    }
    title = {"sent": _asked, "said": _heard, "settled": _settled}[one.what](one, facet)
    cause = _sent(one.id)
    if one.what == "sent":
        cause = _move_id(one.change, one.wave) if one.change is not None and one.wave is not None else None
    return Entry(
        id=ident[one.what], at=one.at, kind=str(facet), title=title, source=_source(one), change=one.change,
        policies=_policies(why), operation=one.id, cause=cause, rank=_RANKS[one.what] + one.part,
        detail={
            "driver": one.driver, "verb": one.verb, "generation": one.generation,
            "leg": "forward" if one.leg == 1 else "back", "step": one.step, "attempt": one.attempt,
            "state": name(one.state), "reason": one.reason, "deadline": one.deadline,
            "evidence": dict(one.said) if one.said else None, **one.arguments,
        },
    )  # fmt: skip


def _source(one: OperationSeen) -> str:
    if one.what == "sent":
        return "fairlead"
    said = one.said or {}
    if one.driver == "carrier":
        return str(one.arguments.get("account", "carrier"))
    return str(said.get("source", "device" if said else "fairlead"))


def _asked(one: OperationSeen, facet: Facet) -> str:
    back = ", to go back" if one.leg == 2 else ""  # noqa: PLR2004 - the way back
    if one.driver == "carrier":
        return f"Asked {one.arguments.get('account')} to {one.verb} {one.arguments.get('iccid')}{back}"
    return f"Offered {facet}, generation {one.generation}{back}"


def _heard(one: OperationSeen, facet: Facet) -> str:
    said = one.said or {}
    match said.get("fact"):
        case "reported":
            return f"Acknowledged {facet}: the device reported it"
        case "session":
            return f"{facet.capitalize()} seen: a session on {said.get('iccid')} by {said.get('source')}"
        case "read-back":
            return f"Read back {said.get('state')} for {one.verb}"
        case _:
            return f"Answered to {one.verb}" if one.driver == "carrier" else f"Answered of {facet}"


def _settled(one: OperationSeen, facet: Facet) -> str:
    what = f"{one.verb} at {one.arguments.get('account')}" if one.driver == "carrier" else str(facet)
    because = f": {one.reason}" if one.reason else ""
    if one.state is OperationState.VERIFIED and one.said and one.said.get("fact") == "session":
        because = f": a session on {one.said.get('iccid')}"
    return f"{what[0].upper()}{what[1:]} {name(one.state)}{because}"


def _report(one: ReportSeen) -> Entry:
    facet = BY_NUMBER[one.facet]
    return Entry(
        id=f"report:{facet}:{one.version}", at=one.at, kind=str(facet), title=f"Last reported its {facet}",
        source="device", detail={"shadow_version": one.version, "state": one.state},
    )  # fmt: skip


# --- people --------------------------------------------------------------------------------------


def _line(one: LineSeen) -> Entry:
    said = one.action.replace(".", " ").replace("_", " ")
    because = f": {one.reason}" if one.reason else ""
    return Entry(
        id=f"line:{one.id}", at=one.at, kind="people", title=f"{said[0].upper()}{said[1:]} by {one.actor}{because}",
        source="journal", change=one.change, cause=show("chg", one.change) if one.change else None,
        detail={"action": one.action, "actor": one.actor, "payload": one.payload},
    )  # fmt: skip


_MOMENTS: Final = ("opened", "acknowledged", "closed")


def _finding(one: FindingSeen) -> Entry:
    number = show("fnd", one.id)
    opened = one.what == "opened"
    said = "Finding" if opened else f"Finding {one.what}"
    because = f" ({one.because})" if one.because else ""
    return Entry(
        id=f"{number}:{one.what}", at=one.at, kind="finding", title=f"{said}: {one.title}{because}", source="insight",
        cause=None if opened else f"{number}:opened", rank=_MOMENTS.index(one.what),
        detail={
            "finding": number, "kind": one.finding, "severity": name(Severity(one.severity)),
            "sightings": one.sightings,
        },
    )  # fmt: skip


def _arrival(device: Device) -> Entry:
    return Entry(
        id="arrival", at=device.created_at, kind="people", title="Came into the inventory", source="inventory",
        detail={"name": device.name},
    )  # fmt: skip

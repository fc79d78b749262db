"""Their rows ↔ our records. Pure: rows and the account's mapping in, values and complaints out.

A row without a readable ICCID is a complaint of the page; any other cell that cannot be read is a
complaint of its SIM; both name file and line. A state word that is not mapped is `unknown`, and shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeVar

from fairlead.connectors.file.mapping import Files, Sessions, Usage
from fairlead.connectors.file.rows import BadCell, Row, bytes_of, iccid, instant, number
from fairlead.engine.ports.carrier import (
    InvoiceLine,
    ProviderId,
    SessionEvent,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.identifiers import (
    Iccid,
    MalformedIdentifier,
    read_eid,
    read_imei,
    read_imsi,
    read_msisdn,
    read_plmn,
)
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, SubscriptionStatus

T = TypeVar("T")
_MOST_COMPLAINTS: Final = 1000  # a page says no more than this


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One SIM of an inventory, and how they write its ICCID."""

    record: SimRecord
    theirs: str


@dataclass(slots=True, kw_only=True)
class Stock:
    """An inventory by SIM, in the file's order."""

    sims: dict[ProviderId, Line] = field(default_factory=dict[ProviderId, Line])
    complaints: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One session of a session export."""

    start: datetime
    end: datetime | None
    status: SessionStatus


class Cells:
    """One row, read with complaints."""

    def __init__(self, row: Row, where: str, complaints: list[str], files: Files) -> None:
        self._row = row
        self._where = where
        self._complaints = complaints
        self._files = files

    def text(self, name: str) -> str:
        """A cell as it stands."""
        return self._row.text(name)

    def read(self, name: str, reader: Callable[[str], T]) -> T | None:
        """A cell through a reader; None where it is empty or cannot be read."""
        text = self._row.text(name)
        if not text:
            return None
        try:
            return reader(text)
        except (MalformedIdentifier, BadCell) as error:
            self._complaints.append(f"{self._where} {name}: {error}")
            return None

    def instant(self, name: str) -> datetime | None:
        """A point in time."""
        return self.read(name, lambda text: instant(text, self._files.form))

    def iccid(self) -> Iccid | None:
        """The SIM's."""
        if not self._row.text("iccid"):
            self._complaints.append(f"{self._where} iccid: empty")
        return self.read("iccid", lambda text: iccid(text, self._files.iccid))


class Translator:
    """Translates for one account."""

    def __init__(self, files: Files, source: str) -> None:
        self._files = files
        self._source = source
        self._states = {word.casefold(): state for word, state in files.inventory.states.items()}

    def fresh(self, at: datetime) -> Freshness:
        """What an export says is true at its own instant; how old that is, its reader sees from the instant."""
        return Freshness(observed_at=at, staleness=timedelta(0), source=self._source)

    def _cells(self, name: str, row: Row, complaints: list[str]) -> Cells:
        return Cells(row, f"{name} line {row.line}", complaints, self._files)

    # --- SIMs

    def stock(self, name: str, rows: Sequence[Row | str], at: datetime) -> Stock:
        """An inventory. Of a SIM that stands there twice the first row counts, and the second is a complaint."""
        found, fresh = Stock(), self.fresh(at)
        for row in rows:
            if isinstance(row, str):
                found.complaints.append(row)
                continue
            key = self._cells(name, row, found.complaints).iccid()
            if key is None:
                continue
            if ProviderId(key) in found.sims:
                found.complaints.append(f"{name} line {row.line} iccid: {key} stands there twice")
                continue
            found.sims[ProviderId(key)] = Line(record=self._sim(name, row, key, fresh), theirs=row.text("iccid"))
        del found.complaints[_MOST_COMPLAINTS:]
        return found

    def _sim(self, name: str, row: Row, key: Iccid, fresh: Freshness) -> SimRecord:
        complaints: list[str] = []
        cells = self._cells(name, row, complaints)
        imsi = cells.read("imsi", read_imsi)
        word = cells.text("state")
        return SimRecord(
            provider_id=ProviderId(key),
            iccid=key,
            subscription=SubscriptionStatus(
                state=self._states.get(word.casefold(), SubscriptionState.UNKNOWN),
                provider_state=word,
                effective_at=cells.instant("changed"),
            ),
            session=SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=fresh),
            freshness=fresh,
            imsis=(imsi,) if imsi else (),
            msisdn=cells.read("msisdn", read_msisdn),
            eid=cells.read("eid", read_eid),
            imei=cells.read("imei", read_imei),
            plan=cells.text("plan"),
            group=cells.text("group"),
            complaints=tuple(complaints),
        )

    # --- sessions

    def stays(self, name: str, rows: Sequence[Row | str], at: datetime) -> dict[ProviderId, list[Stay]]:
        """The sessions of an export by SIM, oldest first; a row that cannot be read is left out."""
        found: dict[ProviderId, list[Stay]] = {}
        fresh = self.fresh(at)
        for row in rows:
            if isinstance(row, str):
                continue
            cells = self._cells(name, row, [])
            key, start, end = cells.iccid(), cells.instant("start"), cells.instant("end")
            if key is None or start is None or (end is None and cells.text("end")):
                continue
            status = self._status(cells, fresh, start, end)
            found.setdefault(ProviderId(key), []).append(Stay(start=start, end=end, status=status))
        for stays in found.values():
            stays.sort(key=lambda stay: stay.start)
        return found

    def _status(self, cells: Cells, fresh: Freshness, start: datetime, end: datetime | None) -> SessionStatus:
        return SessionStatus(
            connectivity=Connectivity.ONLINE if end is None else Connectivity.OFFLINE,
            freshness=fresh,
            session_id=cells.text("id"),
            plmn=cells.read("plmn", read_plmn),
            plmn_raw=cells.text("plmn"),
            rat=cells.text("rat"),
            ip=cells.text("ip"),
            apn=cells.text("apn"),
            imei=cells.read("imei", read_imei),
            imsi=cells.read("imsi", read_imsi),
            since=end or start,
        )

    # --- bytes and money

    def usage(
        self, kind: Usage, name: str, rows: Sequence[Row | str], at: datetime
    ) -> dict[ProviderId, list[UsagePeriod]]:
        """Periods by SIM; a row that cannot be read is left out, never counted as nothing."""
        found: dict[ProviderId, list[UsagePeriod]] = {}
        fresh, form, split = self.fresh(at), self._files.form, "total" not in kind.columns
        for row in rows:
            if isinstance(row, str):
                continue
            complaints: list[str] = []
            cells = self._cells(name, row, complaints)
            key, start = cells.iccid(), cells.instant("start")
            up, down, total = (
                cells.read(column, lambda text: bytes_of(text, kind.unit, form))
                for column in ("uplink", "downlink", "total")
            )
            if key is None or start is None or complaints:
                continue
            end = end_of(start, kind.period)
            found.setdefault(ProviderId(key), []).append(
                UsagePeriod(
                    provider_id=ProviderId(key),
                    start=start,
                    end=end,
                    uplink_bytes=(up or 0) if split else 0,
                    downlink_bytes=(down or 0) if split else (total or 0),
                    source=kind.source,
                    final=end + timedelta(hours=kind.final_after_h) <= at,
                    freshness=fresh,
                    split=split,
                )
            )
        return found

    def invoice(self, name: str, rows: Sequence[Row | str], at: datetime, currency: str) -> list[InvoiceLine]:
        """The lines of an invoice. A line that cannot be read stays in, so that no sum is silently short."""
        found: list[InvoiceLine] = []
        for row in rows:
            if isinstance(row, str):
                found.append(InvoiceLine(file=name, line=0, freshness=self.fresh(at), complaints=(row,)))
                continue
            complaints: list[str] = []
            cells = self._cells(name, row, complaints)
            key = cells.iccid() if cells.text("iccid") else None
            amount: Decimal | None = cells.read("amount", lambda text: number(text, self._files.form))
            if amount is None and not complaints:
                complaints.append(f"{name} line {row.line} amount: empty")
            found.append(
                InvoiceLine(
                    file=name,
                    line=row.line,
                    provider_id=ProviderId(key) if key else None,
                    start=cells.instant("start"),
                    amount=amount,
                    currency=(cells.text("currency") or currency).upper(),
                    item=cells.text("item"),
                    freshness=self.fresh(at),
                    complaints=tuple(complaints),
                )
            )
        return found


def end_of(start: datetime, period: str) -> datetime:
    """The end of a period that begins at `start`."""
    if period == "month":
        return (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return start + (timedelta(days=1) if period == "day" else timedelta(hours=1))


def status_of(stays: Sequence[Stay], at: datetime, kind: Sessions | None, fresh: Freshness) -> SessionStatus:
    """Who is on the air by the newest session; without a session export nobody knows."""
    if kind is None:
        return SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=fresh)
    known = [stay for stay in stays if stay.start <= at]
    if not known:
        return SessionStatus(connectivity=Connectivity.OFFLINE, freshness=fresh)
    return next((stay.status for stay in reversed(known) if stay.end is None), known[-1].status)


def events_of(stays: Sequence[Stay], since: datetime, until: datetime) -> list[SessionEvent]:
    """The begins and ends of sessions between two instants, in order."""
    found: list[SessionEvent] = []
    for stay in stays:
        if since <= stay.start <= until:
            begun = replace(stay.status, connectivity=Connectivity.ONLINE, since=stay.start)
            found.append(SessionEvent(at=stay.start, kind="created", session=begun))
        if stay.end is not None and since <= stay.end <= until:
            found.append(SessionEvent(at=stay.end, kind="deleted", session=stay.status))
    return sorted(found, key=lambda event: event.at)

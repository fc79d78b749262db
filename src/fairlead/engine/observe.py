"""Observation: reads carriers' inventories and turns what they say into facts.

The only writer of observed facts (house §6). A sweep reads an account page by page within the
carrier's budget; each page is one transaction of a few statements, so a sweep that breaks off
keeps what it has read. Devices that moved get their roaming clocks read again at once, in a
transaction that holds nothing else, because the hourly reading of all clocks writes the same rows;
all others hourly.

Between two sweeps a carrier that reports changes is asked for them alone, from where the last
reading ended. What a carrier says unasked (`engine.hooks`) is no observation: it marks lines, and
`look` reads them, a line once however often it was spoken of, and once more when the carrier's own
view, which may lag behind its word, has caught up.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog

from fairlead.engine.carrierwork import Carriers
from fairlead.engine.ports.carrier import (
    CarrierTrouble,
    Cursor,
    ListsSims,
    NotFound,
    ProviderId,
    ReadsSim,
    ReportsChanges,
    SimRecord,
)
from fairlead.engine.ports.observing import Named, ObservationRows, Observed, SimObservation, SweptAccount
from fairlead.engine.ports.transaction import Transaction, Transactions
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.identifiers import Plmn, read_address
from fairlead.model.ids import TenantId
from fairlead.model.subscription import CapabilityRecord, Connectivity, SubscriptionState, Verb, capability

log = structlog.get_logger(__name__)

AT_ONCE: Final = 3  # accounts swept side by side
LOOKED_AT: Final = 20  # SIMs of one account that moves wait for, read one by one; more, and the account is swept
HEARD_AT: Final = 100  # SIMs of one account that its carrier spoke of, read in one turn; never a sweep for them
SIDE_BY_SIDE: Final = 10  # such readings at once, within the account's budget
FULL_EVERY: Final = timedelta(hours=6)  # a whole sweep where changes are read in between; house time
STATES: Final = {state: number for number, state in enumerate(SubscriptionState, start=1)}
CONNECTIVITY: Final = {state: number for number, state in enumerate(Connectivity, start=1)}


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What became of reading some SIMs one by one."""

    records: list[SimRecord]
    done: list[str]  # read, or not there any more
    trouble: CarrierTrouble | None = None  # it broke off here


class Clocks(Protocol):
    """Reads roaming clocks by the set."""

    async def read(self, tx: Transaction, tenant: TenantId, now: datetime, devices: Sequence[UUID] | None) -> int:
        """Compute the clocks of some devices, or of all; returns how many devices were written."""
        ...


class CountryOf(Protocol):
    """Which country a network is in."""

    def __call__(self, plmn: Plmn) -> str | None:
        """ISO 3166-1 alpha-2, or None where the network belongs to no country or is not known."""
        ...


class Observer:
    """Sweeps carriers; one instance a process."""

    def __init__(
        self,
        transactions: Transactions,
        rows: ObservationRows,
        carriers: Carriers,
        clocks: Clocks,
        country_of: CountryOf,
        timekeeper: Timekeeper,
    ) -> None:
        self._transactions = transactions
        self._rows = rows
        self._carriers = carriers
        self._clocks = clocks
        self._country_of = country_of
        self._time = timekeeper

    async def accounts(self, tenant: TenantId) -> list[SweptAccount]:
        """Accounts whose inventory can be read."""
        async with self._transactions.tenant(tenant) as tx:
            return await self._rows.accounts(tx)

    async def sweep_all(self, tenant: TenantId) -> int:
        """Read every account, a few at a time; one that fails is told in the log and stops no other."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(account: SweptAccount) -> int:
            async with gate:
                try:
                    changed = await self._changes(tenant, account)
                    return await self.sweep(tenant, account) if changed is None else changed
                except Exception:
                    log.exception("sweep failed", account=account.name)
                    return 0

        return sum(await asyncio.gather(*(one(account) for account in await self.accounts(tenant))))

    async def sweep(self, tenant: TenantId, account: SweptAccount) -> int:
        """Read one account's inventory; returns how many SIMs it has."""
        seen = 0
        began = self._time.now() - self._lag(account)  # what its carrier did not show yet may have been missed
        cursor: str | None = None
        left = False
        try:
            connector = await self._carriers.connector(tenant, account.name)
            if not isinstance(connector, ListsSims):
                return 0
            if isinstance(connector, ReportsChanges):
                cursor = connector.changes_from(began)
            async for page in connector.list_sims():
                observed = await self._page(tenant, account, page.sims)
                seen += observed.sims
                left = left or observed.left
        except CarrierTrouble as trouble:
            await self._broke_off(tenant, account, trouble, seen)
            return seen
        async with self._transactions.tenant(tenant) as tx:
            await self._rows.swept(
                tx, account.id, self._time.now(), heard_before=began, cursor=None if left else cursor
            )
        return seen

    async def _changes(self, tenant: TenantId, account: SweptAccount) -> int | None:
        """Read what changed since the last reading; how many SIMs, or None where a whole sweep is due."""
        if account.cursor is None or account.swept_at is None or self._time.now() - account.swept_at >= FULL_EVERY:
            return None
        seen, left = 0, False
        try:
            connector = await self._carriers.connector(tenant, account.name)
            if not isinstance(connector, ReportsChanges):
                return None
            async for page in connector.list_changed(since=Cursor(account.cursor)):
                observed = await self._page(tenant, account, page.sims)
                seen += observed.sims
                left = await self._named(tenant, account, page.named, page.next, left=left or observed.left)
        except NotFound as gone:  # the cursor, or the account
            log.info("changes begin anew", account=account.name, why=gone.detail)
            return None
        except CarrierTrouble as trouble:
            await self._broke_off(tenant, account, trouble, seen)
            return seen
        async with self._transactions.tenant(tenant) as tx:
            await self._rows.caught_up(tx, account.id, self._time.now())
        return seen

    async def _named(
        self, tenant: TenantId, account: SweptAccount, named: Sequence[ProviderId], cursor: Cursor, *, left: bool
    ) -> bool:
        """Changed and not shown: to be read. A page is behind us when all it brought is kept.

        Whether SIMs were left out that nobody knows here: then only a whole sweep brings them.
        """
        async with self._transactions.tenant(tenant) as tx:
            known = await self._rows.mark(tx, account.id, [Named(sim=sim) for sim in named], self._time.now())
            left = left or len(known) < len(set(named))
            await self._rows.cursor(tx, account.id, None if left else cursor)
        return left

    async def _broke_off(self, tenant: TenantId, account: SweptAccount, trouble: CarrierTrouble, seen: int) -> None:
        log.warning("sweep broke off", account=account.name, why=trouble.detail, seen=seen)
        async with self._transactions.tenant(tenant) as tx:
            await self._rows.failing(tx, account.id, trouble.detail, self._time.now())

    def _lag(self, account: SweptAccount) -> timedelta:
        """How far the carrier's own view may be behind, in house time."""
        return timedelta(seconds=account.staleness_s) * self._time.rate

    async def look(self, tenant: TenantId) -> int:
        """Read the SIMs that a move waits to see on the air, or that a carrier spoke of, rather than wait for a sweep.

        They are read one by one; where many moves wait at one account its inventory is swept, which costs less.
        """
        async with self._transactions.tenant(tenant) as tx:
            awaited = await self._rows.awaited(tx, LOOKED_AT * 10)
            heard = await self._rows.heard(tx, self._time.now(), HEARD_AT)
        looked = 0
        for account in await self.accounts(tenant) if awaited or heard else []:
            sims = [sim for name, sim in awaited if name == account.name]
            if len(sims) > LOOKED_AT:
                looked += await self.sweep(tenant, account)
                continue
            wanted = dict.fromkeys([*sims, *(sim for name, sim in heard if name == account.name)])
            if wanted:
                looked += await self._look_at(tenant, account, list(wanted))
        return looked

    async def _look_at(self, tenant: TenantId, account: SweptAccount, sims: Sequence[str]) -> int:
        asked = self._time.now()
        reading = _Reading(records=[], done=[])
        try:
            connector = await self._carriers.connector(tenant, account.name)
            if not isinstance(connector, ReadsSim):
                return 0
            for start in range(0, len(sims), SIDE_BY_SIDE):
                await self._read(connector, sims[start : start + SIDE_BY_SIDE], reading)
                if reading.trouble is not None:
                    break
        except CarrierTrouble as trouble:
            reading.trouble = trouble
        if reading.trouble is not None:  # what was not read stays marked, or awaited
            log.info("look broke off", account=account.name, why=reading.trouble.detail)
        seen = (await self._page(tenant, account, reading.records)).sims if reading.records else 0
        async with self._transactions.tenant(tenant) as tx:
            await self._rows.looked(tx, account.id, reading.done, asked, self._lag(account))
        return seen

    async def _read(self, connector: ReadsSim, sims: Sequence[str], reading: _Reading) -> None:
        """Some side by side; one that the carrier does not know is done with, and keeps nobody from the others."""
        found = await asyncio.gather(*(connector.read_sim(ProviderId(sim)) for sim in sims), return_exceptions=True)
        for sim, one in zip(sims, found, strict=True):
            if isinstance(one, SimRecord):
                reading.records.append(one)
                reading.done.append(sim)
            elif isinstance(one, NotFound):
                reading.done.append(sim)
            elif isinstance(one, CarrierTrouble):
                reading.trouble = one
            else:
                raise one

    async def _page(self, tenant: TenantId, account: SweptAccount, sims: Sequence[SimRecord]) -> Observed:
        readable = [o for o in (self._observation(sim) for sim in sims) if o is not None]
        async with self._transactions.tenant(tenant) as tx:
            observed = await self._rows.page(tx, account, readable)
        if observed.moved:
            async with self._transactions.tenant(tenant) as tx:
                await self._clocks.read(tx, tenant, self._time.now(), observed.moved)
        return observed

    async def read_clocks(self, tenant: TenantId) -> int:
        """Read every clock of a tenant again: days went by."""
        async with self._transactions.tenant(tenant) as tx:
            return await self._clocks.read(tx, tenant, self._time.now(), None)

    def _observation(self, sim: SimRecord) -> SimObservation | None:
        if sim.iccid is None:
            return None
        session = sim.session
        return SimObservation(
            sim=sim.provider_id,
            iccid=sim.iccid,
            imsi=sim.imsis[0] if sim.imsis else "",
            msisdn=sim.msisdn or "",
            imei=session.imei or sim.imei or "",
            state=STATES[sim.subscription.state],
            provider_state=sim.subscription.provider_state,
            holds=",".join(sorted(h.value for h in sim.subscription.hold_reasons)),
            auto_revert_at=sim.subscription.auto_revert_at,
            plan=sim.plan,
            connectivity=CONNECTIVITY[session.connectivity],
            plmn=str(session.plmn) if session.plmn else (session.plmn_raw and "unknown"),
            country=(self._country_of(session.plmn) or "") if session.plmn else "",
            rat=session.rat,
            cell=str(session.cell.eci or session.cell.ci or "") if session.cell else "",
            ip=read_address(session.ip) or session.ip,
            since=session.since,
            at=sim.freshness.observed_at,
            unable=unable(sim.capabilities),
        )


def unable(record: CapabilityRecord | None) -> str:
    """The verbs that a SIM does not have at its carrier, with the reason; empty where it has all of its account's."""
    if record is None:
        return ""
    known = {verb.value: capability(record, verb) for verb in Verb}
    return json.dumps({verb: one.because or "not on this line" for verb, one in known.items() if not one.supported})


def country_table(networks: Mapping[str, str]) -> CountryOf:
    """Look networks up in a table of `MCC-MNC` and, for networks it lacks, of `MCC`."""

    def country_of(plmn: Plmn) -> str | None:
        return networks.get(str(plmn)) or networks.get(plmn.mcc)

    return country_of

"""Usage from carriers: reads what each line has used, and keeps the facts of the fleet up to date.

Called by the loop. Of each account a bounded handful of lines is read a turn, those that waited
longest, each at most once within the carrier's lag: asking more often learns nothing. What they
answered goes to the store as one set. The carrier's budget is the connector's own; one that is busy
or away is left in peace for a while, without a write to a single line.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import structlog

from fairlead.engine.carrierwork import Carriers
from fairlead.engine.ports.carrier import (
    CarrierTrouble,
    NotFound,
    ProviderId,
    RateLimited,
    ReadsUsage,
    Unavailable,
    UsagePeriod,
)
from fairlead.engine.ports.transaction import Transactions
from fairlead.engine.ports.usage import (
    AskedAccount,
    DueLine,
    LastUsage,
    LineUsage,
    Reading,
    UsageReader,
    UsageRow,
    UsageRows,
)
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import SubscriptionId, TenantId
from fairlead.model.subscription import UsageCapability

log = structlog.get_logger(__name__)

AT_ONCE: Final = 4  # calls under way per account: operations come first
TURN_S: Final = 2.0  # real seconds between two turns that both had work
SHARE: Final = 0.25  # of the account's budget of reads: looks and sweeps need the rest
A_TURN: Final = 200  # lines read per account and turn, however large the budget
EVERY: Final = timedelta(hours=1)  # house time between two readings of a line, or the carrier's lag if that is longer
REAL_FLOOR_S: Final = 60.0  # ... and at least so many real seconds, however fast the house's clock runs
BACK: Final = timedelta(days=31)  # how far a line's first reading looks
AWAY: Final = timedelta(minutes=5)  # real time; before an account that could not be opened is tried again
GIVES_NONE: Final = timedelta(days=1)  # before a carrier without usage is asked whether it has learned it
_KINDS: Final = {"raw": 1, "rated": 2}
_SAID_NOTHING: Final = UsageCapability(
    granularities=("day",), lag_typical=timedelta(hours=6), lag_final=timedelta(days=2), retention=BACK, source="raw",
    zone_split=False, readable_after_terminate=False,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What one call brought."""

    line: DueLine
    since: datetime
    periods: tuple[UsagePeriod, ...] = ()
    trouble: str = ""  # empty: it was read
    pause: timedelta | None = None  # the whole account's, real time


class UsageDays:
    """What doors ask of usage."""

    def __init__(self, store: UsageReader) -> None:
        self._store = store

    async def read(self, tenant: TenantId, subscription: SubscriptionId, *, before: date, limit: int) -> LineUsage:
        """A page of days before one, newest first."""
        return await self._store.usage(tenant, subscription, before, limit)


class UsageIntake:
    """Reads carriers; one instance a process."""

    def __init__(self, transactions: Transactions, rows: UsageRows, carriers: Carriers, timekeeper: Timekeeper) -> None:
        self._transactions = transactions
        self._rows = rows
        self._carriers = carriers
        self._time = timekeeper

    async def read(self, tenant: TenantId) -> int:
        """Read what is due, a handful of every account; returns how many lines were asked about."""
        async with self._transactions.tenant(tenant) as tx:
            accounts = await self._rows.due_accounts(tx, self._time.now())
        done = await asyncio.gather(*(self._account(tenant, account) for account in accounts))
        return sum(done)

    async def refresh(self, tenant: TenantId) -> int:
        """Compute the facts of all devices again: their windows rolled on."""
        async with self._transactions.tenant(tenant) as tx:
            return await self._rows.refresh(tx, tenant, self._time.now())

    async def keep(
        self,
        tenant: TenantId,
        account: str,
        sim: str,
        connector: object,
        periods: Sequence[UsagePeriod],
        since: datetime,
    ) -> None:
        """Take a reading that somebody else made: the last one of a line that is about to end."""
        now, how = self._time.now(), _usage_of(connector)
        async with self._transactions.tenant(tenant) as tx:
            line = await self._rows.line(tx, account, sim)
        if line is None:
            return
        due = DueLine(subscription=line, sim=sim, through=None, ended=False)
        await self._keep(tenant, account, how, [_Read(line=due, since=since, periods=tuple(periods))], now)

    async def last(self, tenant: TenantId, account: str, sim: str, since: datetime) -> LastUsage | None:
        """What has been taken in of a line since an instant's day."""
        async with self._transactions.tenant(tenant) as tx:
            line = await self._rows.line(tx, account, sim)
            return await self._rows.last_usage(tx, line, since.date()) if line is not None else None

    async def _account(self, tenant: TenantId, account: AskedAccount) -> int:
        try:
            connector = await self._carriers.connector(tenant, account.name)
        except (CarrierTrouble, NotFound) as trouble:
            log.info("usage not read", account=account.name, why=str(trouble))
            await self._rest(tenant, account, AWAY * self._time.rate)
            return 0
        if not isinstance(connector, ReadsUsage):
            await self._rest(tenant, account, GIVES_NONE)
            return 0
        how = _usage_of(connector)
        now = self._time.now()
        async with self._transactions.tenant(tenant) as tx:
            if account.enrol:
                await self._rows.enrol(tx, tenant, account.id, now)
            lines = await self._rows.due_lines(tx, tenant, account.id, _handful(connector), now)
        gate = asyncio.Semaphore(AT_ONCE)
        found = await asyncio.gather(*(self._line(gate, connector, how, line, now) for line in lines))
        await self._keep(tenant, account.name, how, found, now)
        pauses = [one.pause for one in found if one.pause is not None]
        if pauses:
            await self._rest(tenant, account, max(pauses) * self._time.rate)
        return len([one for one in found if not one.pause])

    async def _line(
        self, gate: asyncio.Semaphore, connector: ReadsUsage, how: UsageCapability, line: DueLine, now: datetime
    ) -> _Read:
        since = _since(line, how, now)
        granularity = "day" if "day" in how.granularities else how.granularities[0]
        async with gate:
            try:
                periods = await connector.read_usage(
                    ProviderId(line.sim), since=since, until=now, granularity=granularity
                )
            except RateLimited as trouble:
                return _Read(line=line, since=since, trouble=trouble.detail, pause=trouble.retry_after or AWAY)
            except Unavailable as trouble:
                return _Read(line=line, since=since, trouble=trouble.detail, pause=AWAY)
            except CarrierTrouble as trouble:
                return _Read(line=line, since=since, trouble=str(trouble.reason))
            except Exception as fault:  # a fault of ours with one line stops no other
                log.exception("usage of a line not read")
                return _Read(line=line, since=since, trouble=type(fault).__name__)
        return _Read(line=line, since=since, periods=periods)

    async def _keep(
        self, tenant: TenantId, account: str, how: UsageCapability, found: Sequence[_Read], now: datetime
    ) -> None:
        rest = max(EVERY, how.lag_typical, timedelta(seconds=REAL_FLOOR_S) * self._time.rate)
        good = [one for one in found if not one.trouble]
        bad = [one for one in found if one.trouble and one.pause is None]
        rows = [row for one in good for row in _rows(one)]
        if rows:
            async with self._transactions.nameless() as tx:
                await self._rows.prepare(tx, min(r.started_at for r in rows), max(r.ended_at for r in rows))
        if good or bad:
            async with self._transactions.tenant(tenant) as tx:
                if good:
                    readings = [
                        Reading(
                            subscription=one.line.subscription, since=one.since,
                            until=max(one.since, now - how.lag_typical), ended=one.line.ended,
                        )
                        for one in good
                    ]  # fmt: skip
                    taken = await self._rows.take(
                        tx, tenant, f"carrier/{account}", rows, readings,
                        lag=how.lag_typical, rest=rest, now=now,
                    )  # fmt: skip
                    if taken.refused:
                        log.warning("records with ids of others", account=account, refused=taken.refused)
                for one in bad:
                    await self._rows.put_off(tx, tenant, [one.line.subscription], one.trouble, rest, now)

    async def _rest(self, tenant: TenantId, account: AskedAccount, pause: timedelta) -> None:
        async with self._transactions.tenant(tenant) as tx:
            await self._rows.rest_account(tx, account.id, self._time.now() + pause)


def _usage_of(connector: object) -> UsageCapability:
    manifest = getattr(connector, "manifest", None)
    return (manifest.capabilities.usage if manifest is not None else None) or _SAID_NOTHING


def _handful(connector: object) -> int:
    """How many lines a turn may ask about: a share of the reads that the carrier allows in its time."""
    manifest = getattr(connector, "manifest", None)
    limit = manifest.limits.get("read") if manifest is not None else None
    return max(1, min(A_TURN, int(limit.per_second * TURN_S * SHARE))) if limit is not None else 1


def _since(line: DueLine, how: UsageCapability, now: datetime) -> datetime:
    """From where to read: a midnight before whatever may still be corrected."""
    furthest = now - min(BACK, how.retention)
    known = line.through - how.lag_final - how.lag_typical if line.through is not None else furthest
    return max(known, furthest).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _rows(read: _Read) -> list[UsageRow]:
    return [
        UsageRow(
            subscription=read.line.subscription,
            record_id=f"{read.line.sim}|{p.start:%Y%m%dT%H%M%S}|{p.end:%Y%m%dT%H%M%S}|{p.source}",
            kind=_KINDS[p.source], started_at=p.start, ended_at=p.end, up_bytes=p.uplink_bytes,
            down_bytes=p.downlink_bytes, bytes=p.uplink_bytes + p.downlink_bytes, final=p.final,
            observed_at=p.freshness.observed_at,
        )
        for p in read.periods
        if p.end > p.start and p.uplink_bytes >= 0 and p.downlink_bytes >= 0
    ]  # fmt: skip

"""Operations at carriers: dispatched within budget, and read back until they are certain.

A pending operation is marked dispatched and committed before the call; what the call answers is
written after. A write whose answer is lost is *unknown*, and only a read-back newer than the
carrier's staleness bound settles it (house §5). A process that dies in between leaves a dispatched
row behind, which the next one calls unknown: nothing is lost, nothing is done twice.

Whether an account may be written to is asked here once more (`withheld`), as close to the call as may be: a permission
that was taken back stops what waits, whoever planned it.

A carrier that is too busy or too far is left in peace: the operation waits (`patience`), and so does
everything else of that account for a moment, in all processes, writes and reads alike.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from fairlead.engine import patience
from fairlead.engine.carriercalls import BUSY_REAL_S, CLASSES, UNSEEN, Later, call, evidence, on_its_way, outcome, shows
from fairlead.engine.carriermany import Batches
from fairlead.engine.evidence import evidence_lines
from fairlead.engine.lastreadings import LastReadings, LastUsages
from fairlead.engine.ports.carrier import (
    Accepted,
    AuthFailed,
    Done,
    FollowsUp,
    Manifest,
    NotFound,
    OutcomeUnknown,
    ProviderId,
    RateLimited,
    ReadsSim,
    ReasonCode,
    Refused,
    SimRecord,
    Unavailable,
)
from fairlead.engine.ports.carrier import Outcome as CarrierOutcome
from fairlead.engine.ports.moving import NOT_APPLIED, CarrierWork, Outcome, SettledOperation
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.stores import Stores
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import TenantId
from fairlead.model.lifecycle import OperationState

log = structlog.get_logger(__name__)

AT_ONCE: Final = 20  # calls under way per account
TAKEN: Final = 100  # operations dispatched per account and tick
LOOK_AGAIN_REAL_S: Final = 2.0  # at what was accepted and does not show yet
BLIND_REAL_S: Final = 60.0  # before looking again at an account that cannot be read
MOST_TRIES: Final = 5  # of a bulk action's line, where a look showed each time that nothing had been applied
NO_PROOF: Final = "no-proof"  # nobody knows what became of it
ABANDONED_REAL_S: Final = 60.0  # dispatched this long ago without an answer: nobody works on it any more
BACKOFFS: Final = Counter(
    "fairlead_carrier_backoffs_total", "Calls put off because the carrier was busy or away.", ["why"]
)
UNKNOWN: Final = Counter("fairlead_carrier_unknown_total", "Operations whose outcome became unknown.", ["why"])
UNKNOWN_SETTLED: Final = Counter(
    "fairlead_carrier_unknown_settled_total", "Unknown outcomes that were settled.", ["by", "outcome"]
)
_DAY: Final = timedelta(days=1)  # of a carrier's allowance for a line: real time


class Carriers(Protocol):
    """Opens connectors by account; wiring keeps them."""

    async def connector(self, tenant: TenantId, account: str) -> object:
        """The connector of an account; raises `NotFound` where there is none."""
        ...

    async def staleness(self, tenant: TenantId, account: str) -> timedelta:
        """How old a read may be."""
        ...


class WrittenTo(Carriers, Protocol):
    """The same, for whoever changes something there."""

    async def withheld(self, tenant: TenantId, account: str) -> str:
        """Why nothing may be changed at the account now: "because …"; empty where it may."""
        ...


class CarrierWorker:
    """Dispatches and reads back; one instance a process."""

    def __init__(
        self,
        stores: Stores,
        carriers: WrittenTo,
        timekeeper: Timekeeper,
        *,
        chance: Callable[[], float] = random.random,
        usage: LastUsages | None = None,
    ) -> None:
        self._stores = stores
        self._carriers = carriers
        self._time = timekeeper
        self._chance = chance
        self._batches = Batches(timekeeper, self._busy)
        self._last = LastReadings(usage, timekeeper)

    async def dispatch(self, tenant: TenantId) -> int:
        """Dispatch pending operations of every account at once; returns how many."""
        async with self._stores.transactions.tenant(tenant) as tx:
            accounts = await self._stores.moves.pending_accounts(tx, self._time.now())
        counts = await asyncio.gather(*(self._account(tenant, account) for account in accounts))
        return sum(counts)

    async def _account(self, tenant: TenantId, account: str) -> int:
        if why := await self._carriers.withheld(tenant, account):
            return await self._withhold(tenant, account, why)
        try:
            connector = await self._carriers.connector(tenant, account)
        except (NotFound, AuthFailed, Unavailable) as trouble:
            log.warning("carrier not open", account=account, why=str(trouble))
            async with self._stores.transactions.tenant(tenant) as tx:
                until = self._time.now() + patience.ACCOUNT_PAUSE * self._time.rate
                await self._stores.moves.pause_account(tx, account, until, str(trouble.reason))
            return 0
        done = 0
        while done < TAKEN:
            if done and (why := await self._carriers.withheld(tenant, account)):
                return done + await self._withhold(tenant, account, why)
            handful = self._batches.handful(connector, AT_ONCE)
            async with self._stores.transactions.tenant(tenant) as tx:
                taken = await self._stores.moves.take(tx, account, handful, self._time.now())
                spent = await self._spent(tx, connector, taken)
            busy = await self._together(tenant, account, taken, partial(self._written_all, tenant, connector, spent))
            done += len(taken)
            if busy or len(taken) < handful:
                break
        return done

    async def _withhold(self, tenant: TenantId, account: str, why: str) -> int:
        """The account became a reader since they were planned: each ends with the reason, and nothing is sent."""
        async with self._stores.transactions.tenant(tenant) as tx:
            taken = await self._stores.moves.take(tx, account, TAKEN, self._time.now())

        async def refused(works: Sequence[CarrierWork]) -> Sequence[Outcome | Later]:
            said = {"fact": "withheld", "said": why}
            return [outcome(self._time, work, OperationState.REFUSED, ReasonCode.WITHHELD, said) for work in works]

        await self._together(tenant, account, taken, refused)
        return len(taken)

    async def _spent(self, tx: Transaction, connector: object, works: Sequence[CarrierWork]) -> Mapping[UUID, datetime]:
        """The lines whose allowance for the day is spent, and when they may be changed again (house time)."""
        manifest = getattr(connector, "manifest", None)
        if not works or not isinstance(manifest, Manifest) or not manifest.action_budget:
            return {}
        day = _DAY * self._time.rate
        acted = await self._stores.moves.acted(tx, works, self._time.now() - day)
        found: dict[UUID, datetime] = {}
        for work in works:
            for kind, most in manifest.action_budget.items():
                of_kind = [at for verb, at in acted.get(work.line, ()) if kind in ("any", CLASSES.get(verb))]
                if kind in ("any", CLASSES.get(work.verb)) and len(of_kind) >= most:
                    again = of_kind[len(of_kind) - most] + day
                    found[work.line] = max(again, found.get(work.line, again))
        return found

    async def _written_all(
        self, tenant: TenantId, connector: object, spent: Mapping[UUID, datetime], works: Sequence[CarrierWork]
    ) -> Sequence["Outcome | Later"]:
        """In one call where the carrier has one for many, else one by one, side by side."""
        waits: list[Outcome | Later] = [
            Later(work=work, until=spent[work.line], why=ReasonCode.QUOTA_ACTION)
            for work in works
            if work.line in spent
        ]
        free = [work for work in works if work.line not in spent]
        many, single = self._batches.split(connector, free)
        # Whoever has waited here for long is given up by whoever looks after the abandoned, and asked anew: it must not
        # leave any more. It is pending again.
        taken = time.monotonic()
        for verb, batch in many:
            if time.monotonic() - taken > ABANDONED_REAL_S / 2:
                waits += [Later(work=work, until=self._time.now()) for work in batch]
            else:
                waits += await self._batches.start(connector, verb, batch)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(work: CarrierWork) -> Outcome | Later:
            async with gate:
                if time.monotonic() - taken > ABANDONED_REAL_S / 2:
                    return Later(work=work, until=self._time.now())
                return await self._write(tenant, connector, work)

        return [*waits, *await asyncio.gather(*(one(work) for work in single))]

    async def _together(
        self,
        tenant: TenantId,
        account: str,
        works: Sequence[CarrierWork],
        act: Callable[[Sequence[CarrierWork]], Awaitable[Sequence["Outcome | Later"]]],
    ) -> bool:
        """Do a handful at once and record it; whether the carrier asked for peace."""
        found = await act(works)
        outcomes = [one for one in found if isinstance(one, Outcome)]
        later = [one for one in found if isinstance(one, Later)]
        pauses = [(one.pause, one.why) for one in later if one.pause is not None]
        if not found:
            return False
        async with self._stores.transactions.tenant(tenant) as tx:
            now = self._time.now()
            recorded = await self._stores.moves.record(tx, outcomes, now) if outcomes else []
            await self._stores.append(tx, evidence_lines(tenant, recorded, now, "system/carriers"))
            if later:
                await self._stores.moves.put_off(tx, [(one.work.id, one.until, one.pause is not None) for one in later])
            if pauses:
                longest, why = max(pauses)
                await self._stores.moves.pause_account(tx, account, now + longest * self._time.rate, why)
        self._count(works, recorded, [one.why for one in later if one.pause is not None])
        return bool(pauses)

    def _count(
        self, works: Sequence[CarrierWork], recorded: Sequence[SettledOperation], put_off: Sequence[str]
    ) -> None:
        for why in put_off:
            BACKOFFS.labels(why).inc()
        before = {work.id: work.state for work in works}
        for one in recorded:
            if one.state is OperationState.UNKNOWN:
                UNKNOWN.labels("lost").inc()
            elif before[one.operation] is OperationState.UNKNOWN:
                applied = one.state is OperationState.VERIFIED
                UNKNOWN_SETTLED.labels("read-back", "applied" if applied else "not-applied").inc()

    async def _write(self, tenant: TenantId, connector: object, work: CarrierWork) -> "Outcome | Later":
        try:
            kept = await self._last.before(tenant, connector, work)
        except (RateLimited, Unavailable) as trouble:  # nothing was sent: it waits rather than lose what was used
            return self._busy(work, trouble)
        answered = await self._written(connector, work)
        if kept is None or isinstance(answered, Later):
            return answered
        return replace(answered, evidence=[kept, *answered.evidence])

    async def _written(self, connector: object, work: CarrierWork) -> "Outcome | Later":
        try:
            answer = await call(connector, work)
        except OutcomeUnknown as trouble:
            return outcome(self._time, work, OperationState.UNKNOWN, trouble.reason, {"said": trouble.detail})
        except (RateLimited, Unavailable) as trouble:
            return self._busy(work, trouble)  # nothing was applied: it may be tried again within its deadline
        except (AuthFailed, NotFound) as trouble:
            return outcome(self._time, work, OperationState.FAILED, trouble.reason, {"said": trouble.detail})
        except Exception as fault:
            # A fault of ours, in the middle of a write: it may have arrived. The others of its handful go on.
            log.exception("carrier call broke off", account=work.account, verb=work.verb)
            return outcome(self._time, work, OperationState.UNKNOWN, "broke-off", {"said": type(fault).__name__})
        return self._answered(work, answer)

    def _answered(self, work: CarrierWork, answer: CarrierOutcome) -> "Outcome | Later":
        match answer:
            case Done(observed=record, changed=changed):
                state = OperationState.ACKNOWLEDGED
                if shows(record, work.verb, work.arguments):
                    state = OperationState.VERIFIED
                return outcome(self._time, work, state, "", evidence(record) | {"changed": changed})
            case Accepted(reference=reference, check_after=after):
                again = self._time.now() + after * self._time.rate
                told = outcome(self._time, work, OperationState.ACKNOWLEDGED, "", {"reference": reference})
                return replace(told, look_at=again)
            case Refused(reason=ReasonCode.QUOTA_ACTION, retry_at=at) if at is not None and at < work.deadline:
                return Later(work=work, until=at, why=ReasonCode.QUOTA_ACTION)
            case Refused(reason=ReasonCode.BUSY) if self._may_wait(work):  # with another change: nothing was applied
                again = self._time.now() + timedelta(seconds=BUSY_REAL_S) * self._time.rate
                return Later(work=work, until=again, why=ReasonCode.BUSY)
            case Refused(reason=reason, detail=detail, raw=raw):
                said = {"said": detail, "status": raw.status, "code": raw.code}
                return outcome(self._time, work, OperationState.REFUSED, reason, said)

    def _may_wait(self, work: CarrierWork) -> bool:
        return work.state is OperationState.DISPATCHED and self._time.now() < work.deadline

    def _busy(self, work: CarrierWork, trouble: RateLimited | Unavailable) -> "Later":
        asked = trouble.retry_after if isinstance(trouble, RateLimited) else None
        until = patience.again_at(
            self._time.now(),
            work.deadline,
            asked=asked,
            put_off=work.put_off,
            chance=self._chance(),
            rate=self._time.rate,
        )
        pause = patience.ACCOUNT_PAUSE if asked is None else asked
        return Later(work=work, until=until, pause=pause, why=str(trouble.reason))

    async def read_back(self, tenant: TenantId) -> int:
        """Settle what is unknown or unproved by looking; returns how many were looked at."""
        now = self._time.now()
        abandoned = now - timedelta(seconds=ABANDONED_REAL_S * self._time.rate)
        async with self._stores.transactions.tenant(tenant) as tx:
            left = await self._stores.moves.abandon(tx, abandoned)
            await self._stores.append(tx, evidence_lines(tenant, left, now, "system/carriers"))
            doubtful = await self._stores.moves.doubtful(tx, now, TAKEN)
        UNKNOWN.labels("abandoned").inc(len(left))
        by_account: dict[str, list[CarrierWork]] = {}
        for work in doubtful:
            by_account.setdefault(work.account, []).append(work)
        # Side by side: a carrier that is read slowly keeps no other waiting.
        await asyncio.gather(*(self._look_at(tenant, account, works, now) for account, works in by_account.items()))
        return len(doubtful)

    async def _look_at(self, tenant: TenantId, account: str, works: Sequence[CarrierWork], now: datetime) -> None:
        try:
            connector = await self._carriers.connector(tenant, account)
            bound = await self._carriers.staleness(tenant, account)
        except (NotFound, AuthFailed, Unavailable):
            connector, bound = None, timedelta(0)
        batches, single = self._batches.of_reference(connector, works)
        for reference, batch in batches.items():
            if await self._together(tenant, account, batch, partial(self._batches.follow, connector, reference)):
                return

        async def look(handful: Sequence[CarrierWork]) -> Sequence[Outcome | Later]:
            return await asyncio.gather(*(self._look(connector, work, bound, now) for work in handful))

        for start in range(0, len(single), AT_ONCE):
            if await self._together(tenant, account, single[start : start + AT_ONCE], look):
                break  # the others are looked at when the pause is over

    async def _look(self, connector: object, work: CarrierWork, bound: timedelta, now: datetime) -> "Outcome | Later":
        """A read proves something only when it is newer than dispatch plus the carrier's bound, which is real time."""
        followed = await self._follow(connector, work)
        if followed is not None:
            return followed
        ripe = work.dispatched_at + bound * self._time.rate if work.dispatched_at else now
        if ripe > now:
            return Later(work=work, until=ripe)
        if not isinstance(connector, ReadsSim) or work.verb in UNSEEN:
            return Later(work=work, until=now + timedelta(seconds=BLIND_REAL_S) * self._time.rate)
        try:
            record = await connector.read_sim(ProviderId(work.sim))
        except NotFound as trouble:
            ended = work.verb == "terminate"  # some carriers forget a line that has ended
            state = OperationState.VERIFIED if ended else OperationState.FAILED
            return outcome(self._time, work, state, "" if ended else trouble.reason, {"said": trouble.detail})
        except (RateLimited, Unavailable) as trouble:
            return self._busy(work, trouble)
        except (AuthFailed, OutcomeUnknown):
            return Later(work=work, until=now + timedelta(seconds=BLIND_REAL_S) * self._time.rate)
        return self._judged(work, record, self._batches.certain(connector, work, ripe), ripe, now)

    def _judged(
        self, work: CarrierWork, record: SimRecord, certain: datetime, ripe: datetime, now: datetime
    ) -> "Outcome | Later":
        """What a record proves, if it is not older than `ripe`; that nothing was applied, only from `certain` on."""
        late = self._time.now() >= work.deadline
        if record.freshness.observed_at < ripe:  # an export of this morning says nothing about this afternoon
            if work.state is OperationState.ACKNOWLEDGED and late:
                return outcome(self._time, work, OperationState.EXPIRED, NO_PROOF, evidence(record))
            return Later(work=work, until=now + timedelta(seconds=BLIND_REAL_S) * self._time.rate)
        said = evidence(record) | {"fact": "read-back"}
        if shows(record, work.verb, work.arguments):
            return outcome(self._time, work, OperationState.VERIFIED, "", said)
        if work.state is OperationState.ACKNOWLEDGED and not late:
            return Later(work=work, until=now + timedelta(seconds=LOOK_AGAIN_REAL_S) * self._time.rate)
        if on_its_way(record, work.verb) and not late:  # it may be our change that the carrier is at
            return Later(work=work, until=now + timedelta(seconds=LOOK_AGAIN_REAL_S) * self._time.rate)
        if record.freshness.observed_at < certain and not late:
            return Later(work=work, until=certain)
        if work.change is None and work.state is OperationState.UNKNOWN and not late and work.attempt < MOST_TRIES:
            # A Change makes a new attempt of its own. Here the line is asked anew: its last request came to nothing.
            waits = patience.wait(work.attempt, self._chance()) * self._time.rate
            return replace(outcome(self._time, work, OperationState.PENDING, NOT_APPLIED, said), look_at=now + waits)
        return outcome(self._time, work, OperationState.FAILED, NOT_APPLIED, said)

    async def _follow(self, connector: object, work: CarrierWork) -> "Outcome | Later | None":
        """Ask after what was accepted: its end, or when to ask again. None where only a read-back can tell.

        A `Done` counts when its record is not older than the dispatch; a refusal always does.
        """
        if work.state is not OperationState.ACKNOWLEDGED or not work.reference or not isinstance(connector, FollowsUp):
            return None
        try:
            answer = await connector.follow_up(work.reference)
        except (RateLimited, Unavailable) as trouble:
            return self._busy(work, trouble)
        except (AuthFailed, OutcomeUnknown, NotFound, ValueError):
            return None
        if (
            isinstance(answer, Done)
            and work.dispatched_at
            and answer.observed.freshness.observed_at < work.dispatched_at
        ):
            return None
        found = self._answered(work, answer)
        if isinstance(found, Later) or found.state is not OperationState.ACKNOWLEDGED:
            return found
        if self._time.now() >= work.deadline:
            late = {"said": "the carrier took it and has not carried it out", "reference": work.reference}
            return outcome(self._time, work, OperationState.EXPIRED, NO_PROOF, late)
        again = self._time.now() + timedelta(seconds=LOOK_AGAIN_REAL_S) * self._time.rate
        return Later(work=work, until=found.look_at or again)

"""Operations at carriers: dispatched within budget, and read back until they are certain.

A pending operation is marked dispatched and committed before the call; what the call answers is
written after. A write whose answer is lost is *unknown*, and only a read-back newer than the
carrier's staleness bound settles it (house §5). A process that dies in between leaves a dispatched
row behind, which the next one calls unknown: nothing is lost, nothing is done twice.

A carrier that is too busy or too far is left in peace: the operation waits (`patience`), and so does
everything else of that account for a moment, in all processes, writes and reads alike.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog
from prometheus_client import Counter

from fairlead.engine import patience
from fairlead.engine.evidence import evidence_lines
from fairlead.engine.ports.carrier import (
    Accepted,
    AuthFailed,
    CarrierTrouble,
    Deactivates,
    Done,
    FollowsUp,
    NotFound,
    OutcomeUnknown,
    ProtectsTermination,
    ProviderId,
    RateLimited,
    ReadsSim,
    ReadsUsage,
    Refused,
    SimRecord,
    StandsBy,
    SwitchesState,
    Terminates,
    Unavailable,
)
from fairlead.engine.ports.carrier import Outcome as CarrierOutcome
from fairlead.engine.ports.moving import NOT_APPLIED, CarrierWork, Outcome, SettledOperation
from fairlead.engine.stores import Stores
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.identifiers import Iccid
from fairlead.model.ids import TenantId
from fairlead.model.lifecycle import OperationState

log = structlog.get_logger(__name__)

AT_ONCE: Final = 20  # calls under way per account
TAKEN: Final = 100  # operations dispatched per account and tick
LOOK_AGAIN_REAL_S: Final = 2.0  # at what was accepted and does not show yet
BLIND_REAL_S: Final = 60.0  # before looking again at an account that cannot be read
ABANDONED_REAL_S: Final = 60.0  # dispatched this long ago without an answer: nobody works on it any more
BACKOFFS: Final = Counter(
    "fairlead_carrier_backoffs_total", "Calls put off because the carrier was busy or away.", ["why"]
)
UNKNOWN: Final = Counter("fairlead_carrier_unknown_total", "Operations whose outcome became unknown.", ["why"])
UNKNOWN_SETTLED: Final = Counter(
    "fairlead_carrier_unknown_settled_total", "Unknown outcomes that were settled.", ["by", "outcome"]
)
WANTED: Final[Mapping[str, frozenset[str]]] = {
    "activate": frozenset({"active", "ready"}),
    "suspend": frozenset({"suspended"}),
    "deactivate": frozenset({"deactivated"}),
    "standby": frozenset({"standby"}),
    "terminate": frozenset({"terminated"}),
}
_PROTECTED: Final[Mapping[str, bool]] = {"allow_termination": True, "forbid_termination": False}
LAST_USAGE: Final = frozenset({"deactivate", "terminate"})  # after these a carrier may not tell any more
_USAGE_BACK: Final = timedelta(days=31)


class Carriers(Protocol):
    """Opens connectors by account; wiring keeps them."""

    async def connector(self, tenant: TenantId, account: str) -> object:
        """The connector of an account; raises `NotFound` where there is none."""
        ...

    async def staleness(self, tenant: TenantId, account: str) -> timedelta:
        """How old a read may be."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Later:
    """Nothing is known yet: what was to be called is pending again, what was looked at is looked at again."""

    work: CarrierWork
    until: datetime  # house time
    pause: timedelta | None = None  # the whole account's, real time
    why: str = ""


class CarrierWorker:
    """Dispatches and reads back; one instance a process."""

    def __init__(
        self,
        stores: Stores,
        carriers: Carriers,
        timekeeper: Timekeeper,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._stores = stores
        self._carriers = carriers
        self._time = timekeeper
        self._chance = chance

    async def dispatch(self, tenant: TenantId) -> int:
        """Dispatch pending operations of every account at once; returns how many."""
        async with self._stores.transactions.tenant(tenant) as tx:
            accounts = await self._stores.moves.pending_accounts(tx, self._time.now())
        counts = await asyncio.gather(*(self._account(tenant, account) for account in accounts))
        return sum(counts)

    async def _account(self, tenant: TenantId, account: str) -> int:
        try:
            connector = await self._carriers.connector(tenant, account)
        except (NotFound, AuthFailed, Unavailable) as trouble:
            log.warning("carrier not open", account=account, why=str(trouble))
            async with self._stores.transactions.tenant(tenant) as tx:
                until = self._time.now() + patience.ACCOUNT_PAUSE * self._time.rate
                await self._stores.moves.pause_account(tx, account, until)
            return 0
        done = 0
        while done < TAKEN:
            async with self._stores.transactions.tenant(tenant) as tx:
                taken = await self._stores.moves.take(tx, account, AT_ONCE, self._time.now())
            busy = await self._together(tenant, account, taken, lambda work: self._write(connector, work))
            done += len(taken)
            if busy or len(taken) < AT_ONCE:
                break
        return done

    async def _together(
        self,
        tenant: TenantId,
        account: str,
        works: Sequence[CarrierWork],
        act: Callable[[CarrierWork], Awaitable["Outcome | _Later"]],
    ) -> bool:
        """Do a handful at once and record it; whether the carrier asked for peace."""
        found = await asyncio.gather(*(act(work) for work in works))
        outcomes = [one for one in found if isinstance(one, Outcome)]
        later = [one for one in found if isinstance(one, _Later)]
        pauses = [one.pause for one in later if one.pause is not None]
        if not found:
            return False
        async with self._stores.transactions.tenant(tenant) as tx:
            now = self._time.now()
            recorded = await self._stores.moves.record(tx, outcomes, now) if outcomes else []
            await self._stores.append(tx, evidence_lines(tenant, recorded, now, "system/carriers"))
            if later:
                await self._stores.moves.put_off(tx, [(one.work.id, one.until, one.pause is not None) for one in later])
            if pauses:
                await self._stores.moves.pause_account(tx, account, now + max(pauses) * self._time.rate)
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

    async def _write(self, connector: object, work: CarrierWork) -> "Outcome | _Later":
        try:
            kept = await self._last_usage(connector, work)
        except (RateLimited, Unavailable) as trouble:  # nothing was sent: it waits rather than lose what was used
            return self._busy(work, trouble)
        outcome = await self._written(connector, work)
        if kept is None or isinstance(outcome, _Later):
            return outcome
        return replace(outcome, evidence=[kept, *outcome.evidence])

    async def _last_usage(self, connector: object, work: CarrierWork) -> Mapping[str, Any] | None:
        """What a line has used, read before it ends. A carrier that is away holds up only an end that is final."""
        if work.verb not in LAST_USAGE or not isinstance(connector, ReadsUsage):
            return None
        now = self._time.now()
        try:
            periods = await connector.read_usage(
                ProviderId(work.sim), since=now - _USAGE_BACK, until=now, granularity="day"
            )
        except CarrierTrouble as trouble:
            if work.verb == "terminate" and isinstance(trouble, RateLimited | Unavailable):
                raise
            return {"fact": "last-usage", "unread": str(trouble.reason), "at": now.isoformat()}
        except Exception as fault:  # a fault of ours in reading is no reason to leave the line open
            log.exception("last usage not read", account=work.account)
            return {"fact": "last-usage", "unread": type(fault).__name__, "at": now.isoformat()}
        return {
            "fact": "last-usage",
            "at": now.isoformat(),
            "since": min((p.start for p in periods), default=now).isoformat(),
            "uplink_bytes": sum(p.uplink_bytes for p in periods),
            "downlink_bytes": sum(p.downlink_bytes for p in periods),
        }

    async def _written(self, connector: object, work: CarrierWork) -> "Outcome | _Later":
        try:
            answer = await _call(connector, work)
        except OutcomeUnknown as trouble:
            return self._outcome(work, OperationState.UNKNOWN, trouble.reason, {"said": trouble.detail})
        except (RateLimited, Unavailable) as trouble:
            return self._busy(work, trouble)  # nothing was applied: it may be tried again within its deadline
        except (AuthFailed, NotFound) as trouble:
            return self._outcome(work, OperationState.FAILED, trouble.reason, {"said": trouble.detail})
        except Exception as fault:
            # A fault of ours, in the middle of a write: it may have arrived. The others of its handful go on.
            log.exception("carrier call broke off", account=work.account, verb=work.verb)
            return self._outcome(work, OperationState.UNKNOWN, "broke-off", {"said": type(fault).__name__})
        match answer:
            case Done(observed=record, changed=changed):
                state = OperationState.VERIFIED if _shows(record, work.verb) else OperationState.ACKNOWLEDGED
                return self._outcome(work, state, "", _evidence(record) | {"changed": changed})
            case Accepted(reference=reference):
                return self._outcome(work, OperationState.ACKNOWLEDGED, "", {"reference": reference})
            case Refused(reason=reason, detail=detail, raw=raw):
                evidence = {"said": detail, "status": raw.status, "code": raw.code}
                return self._outcome(work, OperationState.REFUSED, reason, evidence)

    def _busy(self, work: CarrierWork, trouble: RateLimited | Unavailable) -> "_Later":
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
        return _Later(work=work, until=until, pause=pause, why=str(trouble.reason))

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
        for account, works in by_account.items():
            await self._look_at(tenant, account, works, now)
        return len(doubtful)

    async def _look_at(self, tenant: TenantId, account: str, works: Sequence[CarrierWork], now: datetime) -> None:
        try:
            connector = await self._carriers.connector(tenant, account)
            bound = await self._carriers.staleness(tenant, account)
        except (NotFound, AuthFailed, Unavailable):
            connector, bound = None, timedelta(0)
        for start in range(0, len(works), AT_ONCE):
            handful = works[start : start + AT_ONCE]
            if await self._together(tenant, account, handful, lambda work: self._look(connector, work, bound, now)):
                break  # the others are looked at when the pause is over

    async def _look(self, connector: object, work: CarrierWork, bound: timedelta, now: datetime) -> "Outcome | _Later":
        """A read proves something only when it is newer than dispatch plus the carrier's bound, which is real time."""
        ripe = work.dispatched_at + bound * self._time.rate if work.dispatched_at else now
        try:
            followed = await self._follow(connector, work)
        except (RateLimited, Unavailable) as trouble:
            return self._busy(work, trouble)
        if isinstance(followed, Outcome):
            return followed
        if ripe > now:
            return _Later(work=work, until=min(ripe, now + followed) if followed else ripe)
        if not isinstance(connector, ReadsSim):
            return _Later(work=work, until=now + timedelta(seconds=BLIND_REAL_S) * self._time.rate)
        try:
            record = await connector.read_sim(ProviderId(work.sim))
        except NotFound as trouble:
            ended = work.verb == "terminate"  # some carriers forget a line that has ended
            state = OperationState.VERIFIED if ended else OperationState.FAILED
            return self._outcome(work, state, "" if ended else trouble.reason, {"said": trouble.detail})
        except (RateLimited, Unavailable) as trouble:
            return self._busy(work, trouble)
        except (AuthFailed, OutcomeUnknown):
            return _Later(work=work, until=now + timedelta(seconds=BLIND_REAL_S) * self._time.rate)
        return self._judged(work, record, ripe, now)

    def _judged(self, work: CarrierWork, record: SimRecord, ripe: datetime, now: datetime) -> "Outcome | _Later":
        """What a record proves, if it is not older than `ripe`."""
        if record.freshness.observed_at < ripe:  # an export of this morning says nothing about this afternoon
            if work.state is OperationState.ACKNOWLEDGED and self._time.now() >= work.deadline:
                return self._outcome(work, OperationState.EXPIRED, "no-proof", _evidence(record))
            return _Later(work=work, until=now + timedelta(seconds=BLIND_REAL_S) * self._time.rate)
        if _shows(record, work.verb):
            return self._outcome(work, OperationState.VERIFIED, "", _evidence(record) | {"fact": "read-back"})
        if work.state is OperationState.ACKNOWLEDGED and self._time.now() < work.deadline:
            return _Later(work=work, until=now + timedelta(seconds=LOOK_AGAIN_REAL_S) * self._time.rate)
        evidence = _evidence(record) | {"fact": "read-back"}
        return self._outcome(work, OperationState.FAILED, NOT_APPLIED, evidence)

    async def _follow(self, connector: object, work: CarrierWork) -> "Outcome | timedelta":
        """Ask after what was accepted: its end where the carrier tells it, else when to ask again.

        A `Done` counts when its record cannot be older than the dispatch; a refusal always does.
        """
        if work.state is not OperationState.ACKNOWLEDGED or not work.reference or not isinstance(connector, FollowsUp):
            return timedelta(0)
        try:
            answer = await connector.follow_up(work.reference)
        except (AuthFailed, OutcomeUnknown, NotFound, ValueError):
            return timedelta(0)  # the read-back decides
        match answer:
            case Done(observed=record) if work.dispatched_at and record.freshness.proves_after(work.dispatched_at):
                return self._outcome(work, OperationState.VERIFIED, "", _evidence(record) | {"fact": "read-back"})
            case Refused(reason=reason, detail=detail, raw=raw):
                evidence = {"said": detail, "status": raw.status, "code": raw.code}
                return self._outcome(work, OperationState.FAILED, reason, evidence)
            case Accepted(check_after=wait):
                return wait
            case _:
                return timedelta(0)

    def _outcome(self, work: CarrierWork, state: OperationState, reason: str, evidence: Mapping[str, Any]) -> Outcome:
        told = dict(evidence) | {"at": self._time.now().isoformat(), "verb": work.verb}
        return Outcome(id=work.id, state=state, reason=str(reason), evidence=[told])


async def _call(connector: object, work: CarrierWork) -> CarrierOutcome:
    sim = ProviderId(work.sim)
    match work.verb:
        case "activate" if isinstance(connector, SwitchesState):
            return await connector.activate(sim)
        case "suspend" if isinstance(connector, SwitchesState):
            return await connector.suspend(sim)
        case "deactivate" if isinstance(connector, Deactivates):
            return await connector.deactivate(sim)
        case "standby" if isinstance(connector, StandsBy):
            return await connector.standby(sim)
        case "allow_termination" if isinstance(connector, ProtectsTermination):
            return await connector.allow_termination(sim)
        case "forbid_termination" if isinstance(connector, ProtectsTermination):
            return await connector.forbid_termination(sim)
        case "terminate" if isinstance(connector, Terminates):
            return await connector.terminate(sim, confirm=Iccid(work.iccid))
        case _:
            raise NotFound(f"this carrier has no call to {work.verb} a SIM")


def _shows(record: SimRecord, verb: str) -> bool:
    if verb in _PROTECTED:
        return record.termination_allowed is _PROTECTED[verb]
    return record.subscription.state.value in WANTED.get(verb, frozenset())


def _evidence(record: SimRecord) -> dict[str, Any]:
    return {
        "state": record.subscription.state.value,
        "provider_state": record.subscription.provider_state,
        "observed_at": record.freshness.observed_at.isoformat(),
    }

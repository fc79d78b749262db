"""Operations at carriers: dispatched within budget, and read back until they are certain.

A pending operation is marked dispatched and committed before the call; what the call answers is
written after. A write whose answer is lost is *unknown*, and only a read-back newer than the
carrier's staleness bound settles it (house §5). A process that dies in between leaves a dispatched
row behind, which the next one treats as unknown: nothing is lost, nothing is done twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from fairlead.engine.evidence import evidence_lines
from fairlead.engine.ports.carrier import (
    Accepted,
    AuthFailed,
    CarrierTrouble,
    ChangesState,
    Done,
    NotFound,
    OutcomeUnknown,
    ProviderId,
    RateLimited,
    ReadsSim,
    ReadsUsage,
    Refused,
    SimRecord,
    StandsBy,
    Terminates,
    Unavailable,
)
from fairlead.engine.ports.carrier import Outcome as CarrierOutcome
from fairlead.engine.ports.moving import NOT_APPLIED, CarrierWork, Outcome
from fairlead.engine.stores import Stores
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.identifiers import Iccid
from fairlead.model.ids import TenantId
from fairlead.model.lifecycle import OperationState

log = structlog.get_logger(__name__)

AT_ONCE: Final = 20  # calls under way per account
TAKEN: Final = 100  # operations dispatched per account and tick
ABANDONED_REAL_S: Final = 60.0  # dispatched this long ago without an answer: nobody works on it any more
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


class CarrierWorker:
    """Dispatches and reads back; one instance a process."""

    def __init__(self, stores: Stores, carriers: Carriers, timekeeper: Timekeeper) -> None:
        self._stores = stores
        self._carriers = carriers
        self._time = timekeeper

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
            return 0
        async with self._stores.transactions.tenant(tenant) as tx:
            taken = await self._stores.moves.take(tx, account, TAKEN, self._time.now())
        await self._each(tenant, taken, lambda work: self._write(connector, work))
        return len(taken)

    async def _each(
        self, tenant: TenantId, works: Sequence[CarrierWork], act: Callable[[CarrierWork], Awaitable[Outcome | None]]
    ) -> None:
        """Do them a few at a time, and record each handful as it comes back."""
        for start in range(0, len(works), AT_ONCE):
            found = await asyncio.gather(*(act(work) for work in works[start : start + AT_ONCE]))
            outcomes = [outcome for outcome in found if outcome is not None]
            if outcomes:
                async with self._stores.transactions.tenant(tenant) as tx:
                    now = self._time.now()
                    recorded = await self._stores.moves.record(tx, outcomes, now)
                    await self._stores.append(tx, evidence_lines(tenant, recorded, now, "system/carriers"))

    async def _write(self, connector: object, work: CarrierWork) -> Outcome:
        try:
            kept = await self._last_usage(connector, work)
        except (RateLimited, Unavailable) as trouble:  # nothing was sent: it waits rather than lose what was used
            return self._outcome(work, OperationState.PENDING, trouble.reason, {"said": trouble.detail})
        outcome = await self._written(connector, work)
        return outcome if kept is None else replace(outcome, evidence=[kept, *outcome.evidence])

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
        return {
            "fact": "last-usage",
            "at": now.isoformat(),
            "since": min((p.start for p in periods), default=now).isoformat(),
            "uplink_bytes": sum(p.uplink_bytes for p in periods),
            "downlink_bytes": sum(p.downlink_bytes for p in periods),
        }

    async def _written(self, connector: object, work: CarrierWork) -> Outcome:
        try:
            answer = await _call(connector, work)
        except OutcomeUnknown as trouble:
            return self._outcome(work, OperationState.UNKNOWN, trouble.reason, {"said": trouble.detail})
        except (RateLimited, Unavailable) as trouble:
            # Nothing was applied: the operation may be tried again within its deadline.
            return self._outcome(work, OperationState.PENDING, trouble.reason, {"said": trouble.detail})
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

    async def read_back(self, tenant: TenantId) -> int:
        """Settle what is unknown or unproved by looking; returns how many were looked at."""
        now = self._time.now()
        abandoned = now - timedelta(seconds=ABANDONED_REAL_S * self._time.rate)
        async with self._stores.transactions.tenant(tenant) as tx:
            doubtful = await self._stores.moves.doubtful(tx, abandoned, TAKEN)
        by_account: dict[str, list[CarrierWork]] = {}
        for work in doubtful:
            by_account.setdefault(work.account, []).append(work)
        for account, works in by_account.items():
            try:
                connector = await self._carriers.connector(tenant, account)
                bound = await self._carriers.staleness(tenant, account)
            except (NotFound, AuthFailed, Unavailable):
                continue
            ripe = [w for w in works if self._ripe(w, bound, now)]
            await self._each(tenant, ripe, lambda work, c=connector: self._look(c, work))
        return len(doubtful)

    def _ripe(self, work: CarrierWork, bound: timedelta, now: datetime) -> bool:
        """A read proves something only when it is newer than dispatch plus the carrier's bound, which is real time."""
        return work.dispatched_at is None or now >= work.dispatched_at + bound * self._time.rate

    async def _look(self, connector: object, work: CarrierWork) -> Outcome | None:
        if not isinstance(connector, ReadsSim):
            return None
        try:
            record = await connector.read_sim(ProviderId(work.sim))
        except NotFound as trouble:
            ended = work.verb == "terminate"  # some carriers forget a line that has ended
            state = OperationState.VERIFIED if ended else OperationState.FAILED
            return self._outcome(work, state, "" if ended else trouble.reason, {"said": trouble.detail})
        except (RateLimited, Unavailable, AuthFailed, OutcomeUnknown):
            return None
        if _shows(record, work.verb):
            return self._outcome(work, OperationState.VERIFIED, "", _evidence(record) | {"fact": "read-back"})
        if work.state is OperationState.ACKNOWLEDGED and self._time.now() < work.deadline:
            return None
        evidence = _evidence(record) | {"fact": "read-back"}
        return self._outcome(work, OperationState.FAILED, NOT_APPLIED, evidence)

    def _outcome(self, work: CarrierWork, state: OperationState, reason: str, evidence: Mapping[str, Any]) -> Outcome:
        told = dict(evidence) | {"at": self._time.now().isoformat(), "verb": work.verb}
        return Outcome(id=work.id, state=state, reason=str(reason), evidence=[told])


async def _call(connector: object, work: CarrierWork) -> CarrierOutcome:
    verb, sim = work.verb, ProviderId(work.sim)
    if verb == "standby" and isinstance(connector, StandsBy):
        return await connector.standby(sim)
    if isinstance(connector, Terminates):
        match verb:
            case "allow_termination":
                return await connector.allow_termination(sim)
            case "forbid_termination":
                return await connector.forbid_termination(sim)
            case "terminate":
                return await connector.terminate(sim, confirm=Iccid(work.iccid))
            case _:
                pass
    if isinstance(connector, ChangesState):
        match verb:
            case "activate":
                return await connector.activate(sim)
            case "suspend":
                return await connector.suspend(sim)
            case "deactivate":
                return await connector.deactivate(sim)
            case _:
                pass
    raise NotFound(f"this carrier has no call to {verb} a SIM")


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

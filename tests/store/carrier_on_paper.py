"""A carrier that answers as a test says, and counts what it was asked and what it carried out."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from fairlead.engine.ports.carrier import (
    Done,
    OutcomeUnknown,
    ProviderId,
    RateLimited,
    RawReply,
    ReasonCode,
    Refused,
    SessionStatus,
    SimRecord,
    Unavailable,
)
from fairlead.model.ids import TenantId
from fairlead.model.subscription import Connectivity, Freshness, SubscriptionState, SubscriptionStatus

STATES = {"activate": "active", "suspend": "suspended", "deactivate": "deactivated"}
STALENESS = timedelta(seconds=5)


class Answer(Enum):
    """What becomes of a call."""

    DONE = 1
    REFUSED = 2
    LOST = 3  # the request never arrived
    LOST_APPLIED = 4  # the answer never left
    UNAVAILABLE = 5
    BUSY = 6  # says how long


@dataclass
class CarrierOnPaper:
    """Every account at once; `answers(verb, sim, how often it was asked)` decides."""

    answers: Callable[[str, str, int], Answer]
    withholds: str = ""  # why nothing may be changed
    pause: bool = False  # give way to others within a call
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    called: Counter[tuple[str, str]] = field(default_factory=Counter)
    executed: Counter[tuple[str, str]] = field(default_factory=Counter)
    states: dict[str, str] = field(default_factory=dict)
    blind: bool = False  # without a call to read a SIM
    away: bool = False  # for those who look
    looked: int = 0
    retry_after: timedelta = timedelta(seconds=40)

    async def connector(self, _tenant: TenantId, _account: str) -> object:
        return Blind(self) if self.blind else self

    async def staleness(self, _tenant: TenantId, _account: str) -> timedelta:
        return STALENESS

    async def withheld(self, _tenant: TenantId, _account: str) -> str:
        return self.withholds

    async def activate(self, sim: ProviderId) -> Done | Refused:
        return await self._change("activate", sim)

    async def suspend(self, sim: ProviderId) -> Done | Refused:
        return await self._change("suspend", sim)

    async def deactivate(self, sim: ProviderId) -> Done | Refused:
        return await self._change("deactivate", sim)

    async def read_sim(self, sim: ProviderId) -> SimRecord:
        self.looked += 1
        if self.away:
            raise Unavailable("away")
        return self._record(sim)

    async def _change(self, verb: str, sim: ProviderId) -> Done | Refused:
        self.called[verb, sim] += 1
        if self.pause:
            await asyncio.sleep(0)
        answer = self.answers(verb, sim, self.called[verb, sim])
        if answer is Answer.UNAVAILABLE:
            raise Unavailable("away")
        if answer is Answer.BUSY:
            raise RateLimited("not so fast", retry_after=self.retry_after)
        if answer is Answer.REFUSED:
            return Refused(reason=ReasonCode.FORBIDDEN, detail="no", raw=RawReply(status=403))
        if answer is not Answer.LOST:
            self.executed[verb, sim] += 1
            self.states[sim] = STATES[verb]
        if answer in (Answer.LOST, Answer.LOST_APPLIED):
            raise OutcomeUnknown("the line went dead")
        return Done(observed=self._record(sim))

    def _record(self, sim: ProviderId) -> SimRecord:
        fresh = Freshness(observed_at=self.now, staleness=STALENESS, source="paper")
        state = SubscriptionState(self.states.get(sim, "standby"))
        return SimRecord(
            provider_id=sim,
            iccid=None,
            subscription=SubscriptionStatus(state=state, provider_state=state.value),
            session=SessionStatus(connectivity=Connectivity.OFFLINE, freshness=fresh),
            freshness=fresh,
        )


class Blind:
    """The same carrier without a call to read a SIM."""

    def __init__(self, carrier: CarrierOnPaper) -> None:
        self.activate, self.suspend, self.deactivate = carrier.activate, carrier.suspend, carrier.deactivate

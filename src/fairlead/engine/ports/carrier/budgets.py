"""Rate budgets: whose they are, how they refill, and where they outlive a process."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairlead.engine.ports.carrier.description import CallClass, Limit
from fairlead.model.ids import AccountId, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketKey:
    """Whose budget: one per tenant, account and call class."""

    tenant: TenantId
    account: AccountId
    call_class: CallClass


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketLevel:
    """A bucket at an instant of real time."""

    tokens: float  # may be negative after a carrier's 429: debt is time to wait
    at: datetime
    version: int  # grows by one with each save


def tokens_at(level: BucketLevel | None, limit: Limit, now: datetime) -> float:
    """Tokens in the bucket at `now`. A level from the future (a clock set back) refills from `now`."""
    if level is None:
        return float(limit.burst)
    elapsed = max(0.0, (now - level.at).total_seconds())
    return min(float(limit.burst), level.tokens + elapsed * limit.per_second)


class BucketStore(Protocol):
    """Where budgets outlive a process, so that a restart does not burst and two processes share one budget."""

    async def load(self, key: BucketKey) -> BucketLevel | None:
        """The level as last saved; None for a bucket never used."""
        ...

    async def save(self, key: BucketKey, level: BucketLevel) -> bool:
        """Save if the stored version is `level.version - 1` (absent counts as 0); False when somebody was faster."""
        ...

"""Rate budgets that survive a restart.

Arithmetic first, as pure functions over `BucketLevel`; then `AccountBuckets`, which the HTTP base
asks before each request. Levels live in a `BucketStore` and are saved by compare-and-set, so that
two processes with the same credential share one budget. A process draws a quarter of a second's
worth at once and forgets what it has not used within a second: fast accounts do not pay a
database round trip per call, and what is lost by forgetting is only ever speed. Over any window of
w seconds at most burst + per_second × (w + 1) calls leave.

The clock here is real time, never fleet time: the budget is the carrier's, and it judges by its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import cast, get_args

from fairlead.engine.ports.carrier import (
    BucketKey,
    BucketLevel,
    BucketStore,
    CallClass,
    Limit,
    RateLimited,
    tokens_at,
)
from fairlead.model.ids import AccountId, TenantId

_EPSILON = 1e-9  # a token refilled to 0.9999999999 is a token
_RACES = 20  # compare-and-set losses in a row before the caller is told to wait
_HOLD = timedelta(seconds=1)
_CHUNK_S = 0.25


def real_now() -> datetime:
    """Real time, aware and in UTC."""
    return datetime.now(UTC)


# --- arithmetic --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What a draw gave, the level that remains and, when it gave nothing, how long until it would."""

    granted: int
    level: BucketLevel
    wait: timedelta


def draw(level: BucketLevel | None, limit: Limit, wanted: int, now: datetime) -> Draw:
    """Take up to `wanted` whole tokens."""
    tokens = tokens_at(level, limit, now)
    granted = max(0, min(wanted, floor(tokens + _EPSILON)))
    wait = timedelta(0) if granted else timedelta(milliseconds=ceil((1 - tokens) * 1000 / limit.per_second))
    return Draw(granted=granted, level=_next(level, tokens - granted, now), wait=wait)


def indebted(level: BucketLevel | None, limit: Limit, retry_after: timedelta, now: datetime) -> BucketLevel:
    """The level after a carrier said "not before": the first token exists again when `retry_after` is over."""
    debt = 1 - retry_after.total_seconds() * limit.per_second
    return _next(level, min(tokens_at(level, limit, now), debt), now)


def _next(level: BucketLevel | None, tokens: float, now: datetime) -> BucketLevel:
    return BucketLevel(tokens=tokens, at=now, version=(level.version if level else 0) + 1)


# --- one account's budgets ---------------------------------------------------------------------


@dataclass(slots=True)
class _Held:
    """Tokens drawn from the store and not yet used."""

    count: int
    until: datetime


class AccountBuckets:
    """The budgets of one account: `take` before a call, `slowed` after a 429."""

    def __init__(
        self,
        store: BucketStore,
        *,
        tenant: TenantId,
        account: AccountId,
        limits: Mapping[CallClass, Limit],
        patience: timedelta = timedelta(0),
        now: Callable[[], datetime] = real_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`patience` is how long a call may wait for its own budget before it raises `RateLimited`."""
        self._store = store
        self._tenant = tenant
        self._account = account
        self._limits = limits
        self._patience = patience
        self._now = now
        self._sleep = sleep
        self._held: dict[CallClass, _Held] = {}
        self._locks: dict[CallClass, asyncio.Lock] = {}

    def _bucket(self, call_class: CallClass) -> CallClass:
        """The bucket of a class: its own, or that of the writes where the manifest gives it none."""
        return call_class if call_class in self._limits else "write"

    def _key(self, bucket: CallClass) -> BucketKey:
        return BucketKey(tenant=self._tenant, account=self._account, call_class=bucket)

    async def take(self, call_class: CallClass) -> None:
        """Take one token, waiting at most the patience. Raises `RateLimited` with the time to the next token."""
        waited, bucket = timedelta(0), self._bucket(call_class)
        while True:
            async with self._locks.setdefault(bucket, asyncio.Lock()):
                wait = await self._try(bucket)
            if wait is None:
                return
            if waited + wait > self._patience:
                raise RateLimited(f"the {call_class} budget of this account is spent", retry_after=wait)
            waited += wait
            await self._sleep(wait.total_seconds())

    async def _try(self, bucket: CallClass) -> timedelta | None:
        now = self._now()
        held = self._held.get(bucket)
        if held and held.count and held.until > now:
            held.count -= 1
            return None
        limit, key = self._limits[bucket], self._key(bucket)
        chunk = max(1, floor(limit.per_second * _CHUNK_S))
        for _ in range(_RACES):
            drawn = draw(await self._store.load(key), limit, chunk, now)
            if not drawn.granted:
                return drawn.wait
            if await self._store.save(key, drawn.level):
                self._held[bucket] = _Held(count=drawn.granted - 1, until=now + _HOLD)
                return None
        return timedelta(seconds=1 / limit.per_second)

    async def slowed(self, call_class: CallClass, retry_after: timedelta) -> None:
        """The carrier said "not before `retry_after`": nobody with this credential calls in that class until then."""
        bucket = self._bucket(call_class)
        limit, key = self._limits[bucket], self._key(bucket)
        self._held.pop(bucket, None)
        for _ in range(_RACES):
            if await self._store.save(key, indebted(await self._store.load(key), limit, retry_after, self._now())):
                return


class BadLimit(ValueError):
    """An account's budget that cannot be read."""


def limits_from(config: object) -> dict[CallClass, Limit]:
    """Budgets of an account's own, such as `{"read": {"per_second": 50, "burst": 100}}`. Raises `BadLimit`."""
    found: dict[CallClass, Limit] = {}
    if not isinstance(config, dict):
        raise BadLimit("limits: expected call classes with per_second and burst")
    for name, value in cast("dict[str, dict[str, float]]", config).items():
        try:
            found[_call_class(name)] = Limit(per_second=float(value["per_second"]), burst=int(value["burst"]))
        except (KeyError, TypeError, ValueError) as bad:
            raise BadLimit(f"limits.{name}: expected a call class with per_second and burst") from bad
    return found


def _call_class(name: str) -> CallClass:
    if name not in get_args(CallClass):
        raise ValueError(name)
    return cast("CallClass", name)

"""What carriers post to us unasked: whose address it is, whether it proves its sender, and what to read because of it.

The address of an account holds 256 random bits. Their hash leads from the directory to tenant and
account; the whole address is sealed beside it, because signatures cover it. Nothing that is posted
becomes a fact: a genuine delivery marks lines to be read (`observe.look`) and lets operations that
wait be read back at once, both within the carrier's budget. So a delivery that comes twice, late or
out of order costs a reading at most, and a forged one at an address without signatures no more.

An event with the carrier's own id is told once, by `seen`. One without an id is never taken for a
repetition: the same words again may well be a second suspension, and the mark it leaves is one mark.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import structlog
from prometheus_client import Counter

from fairlead.engine.carrierwork import Carriers
from fairlead.engine.credentials import random_text
from fairlead.engine.fleet import Actor
from fairlead.engine.journal import entry
from fairlead.engine.ports.carrier import (
    BadSignature,
    BucketLevel,
    CarrierTrouble,
    Heard,
    Hears,
    Limit,
    NotFound,
    tokens_at,
)
from fairlead.engine.ports.hooks import HookRows
from fairlead.engine.ports.observing import Named
from fairlead.engine.ports.transaction import Transaction, Transactions
from fairlead.engine.sealing import Place, Sealer
from fairlead.engine.stores import AppendLines
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.device import Account
from fairlead.model.ids import AccountId, TenantId
from fairlead.model.journal import Action, Entry, Subject

log = structlog.get_logger(__name__)

PREFIX: Final = "flh_"  # lets secret scanners find an address that was pasted where it should not be
LETTERS: Final = 52
LIMIT: Final = Limit(per_second=50.0, burst=500)  # deliveries of one account, in each process
_SHORTEST_REFERENCE: Final = 8  # anything shorter might stand in anybody's
_LONGEST_ID: Final = 200

TOLD: Final = Counter("fairlead_hook_deliveries_total", "Deliveries at webhooks of accounts.", ["outcome"])
EVENTS: Final = Counter("fairlead_hook_events_total", "Events that carriers told.", ["what"])


class NoHook(Exception):
    """Nobody's address; or the account's connector does not hear."""


class TooOften(Exception):
    """More than one account may tell at once."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"again in {wait_s} s")
        self.wait_s = wait_s


class Deaf(Exception):
    """The account cannot be opened now: its carrier should tell it again later."""


def key_hash(key: str) -> str:
    """What is kept of a key, and found by."""
    return sha256(key.encode()).hexdigest()


class HookAddresses:
    """Opens the sealed address of an account, for whoever opens its connector."""

    def __init__(self, transactions: Transactions, rows: HookRows, sealer: Sealer) -> None:
        self._transactions = transactions
        self._rows = rows
        self._sealer = sealer

    async def of(self, tenant: TenantId, account: AccountId) -> str | None:
        """Where its carrier posts to; None: nowhere. Raises `CannotOpen`."""
        async with self._transactions.tenant(tenant) as tx:
            sealed = await self._rows.url(tx, account)
        return None if sealed is None else self._sealer.open(sealed, _place(tenant, account)).decode()

    def sealed(self, tenant: TenantId, account: AccountId, url: str) -> str:
        """An address as it is kept."""
        return self._sealer.seal(url.encode(), _place(tenant, account))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    tenant: TenantId
    account: AccountId
    name: str


class Hooks:
    """The webhooks of every tenant."""

    def __init__(
        self, transactions: Transactions, rows: HookRows, addresses: HookAddresses, carriers: Carriers,
        append: AppendLines, timekeeper: Timekeeper, *, limit: Limit = LIMIT,
    ) -> None:  # fmt: skip
        self._transactions = transactions
        self._rows = rows
        self._addresses = addresses
        self._carriers = carriers
        self._append = append
        self._time = timekeeper
        self._limit = limit
        self._levels: dict[AccountId, BucketLevel] = {}  # of accounts that exist, so there is an end to it

    # --- addresses -----------------------------------------------------------------------------

    async def make(self, actor: Actor, account: Account, url_of: Callable[[str], str], now: datetime) -> str:
        """A new address in place of the one before, shown this once; `url_of` puts a key into one."""
        key = PREFIX + random_text()
        url = url_of(key)
        sealed = self._addresses.sealed(actor.tenant, account.id, url)
        said = "rotated" if account.hook_made_at else "made"
        async with self._transactions.tenant(actor.tenant) as tx:
            await self._rows.make(tx, account.id, key_hash=key_hash(key), url=sealed, now=now)
            await self._append(tx, [_line(actor, account, said, now)])
        return url

    async def remove(self, actor: Actor, account: Account, now: datetime) -> bool:
        """Take the address away; False where there was none."""
        async with self._transactions.tenant(actor.tenant) as tx:
            if not await self._rows.remove(tx, account.id, now):
                return False
            await self._append(tx, [_line(actor, account, "removed", now)])
        return True

    # --- deliveries ----------------------------------------------------------------------------

    async def receive(self, key: str, headers: Mapping[str, str], body: bytes) -> None:
        """Take one delivery in; `headers` have lower-case names.

        Raises `NoHook`, `TooOften`, `Deaf`, and `BadSignature` where nothing proves the sender.
        """
        owner = await self._owner(key)
        if owner is None:
            TOLD.labels("unknown").inc()
            raise NoHook
        self._bounded(owner.account)
        try:
            connector = await self._carriers.connector(owner.tenant, owner.name)
        except NotFound as none:
            TOLD.labels("unknown").inc()
            raise NoHook from none
        except CarrierTrouble as trouble:
            TOLD.labels("deaf").inc()
            log.warning("delivery not heard", account=owner.name, why=trouble.detail)
            raise Deaf from trouble
        if not isinstance(connector, Hears):
            TOLD.labels("unknown").inc()
            raise NoHook
        try:
            events = connector.hear(headers, body)
        except BadSignature as bad:
            await self._refused(owner, bad)
            raise
        await self._heard(owner, events)
        TOLD.labels("heard").inc()

    async def _owner(self, key: str) -> _Owner | None:
        if not key.startswith(PREFIX) or len(key) != len(PREFIX) + LETTERS or not key.isascii():
            return None
        shown = key_hash(key)
        async with self._transactions.nameless() as tx:
            found = await self._rows.find(tx, shown)
        if found is None:
            return None
        tenant, account = found
        async with self._transactions.tenant(tenant) as tx:
            name = await self._rows.account_of(tx, account, shown)
        return None if name is None else _Owner(tenant=tenant, account=account, name=name)

    def _bounded(self, account: AccountId) -> None:
        now, level = self._time.real_now(), self._levels.get(account)
        left = tokens_at(level, self._limit, now)
        if left < 1:
            TOLD.labels("too-often").inc()
            raise TooOften(max(1, round((1 - left) / self._limit.per_second)))
        self._levels[account] = BucketLevel(tokens=left - 1, at=now, version=0)

    async def _refused(self, owner: _Owner, bad: BadSignature) -> None:
        TOLD.labels("refused").inc()
        log.warning("delivery proves no sender", account=owner.name, tenant=str(owner.tenant), why=str(bad))
        async with self._transactions.tenant(owner.tenant) as tx:
            await self._rows.refused(tx, owner.account, self._time.now())

    async def _heard(self, owner: _Owner, events: Sequence[Heard]) -> None:
        """One transaction: an event counts as told only with the marks it left."""
        now = self._time.now()
        async with self._transactions.tenant(owner.tenant) as tx:
            fresh = await self._fresh(tx, owner, events, now)
            named = [Named(sim=one.sim or "", iccid=one.iccid or "", imsi=one.imsi or "") for one in fresh]
            lines = await self._rows.mark(tx, owner.account, named, now)
            await self._rows.hurry(tx, lines)
            referred = {one.reference for one in fresh if not (one.sim or one.iccid or one.imsi)}
            long_enough = sorted(one for one in referred if len(one) >= _SHORTEST_REFERENCE)
            await self._rows.hurry_referred(tx, owner.name, long_enough)
            repeated = len(events) - len(fresh)
            await self._rows.told(tx, owner.account, heard=len(events), repeated=repeated, now=now)
        EVENTS.labels("fresh").inc(len(fresh))
        EVENTS.labels("repeated").inc(repeated)

    async def _fresh(self, tx: Transaction, owner: _Owner, events: Sequence[Heard], now: datetime) -> list[Heard]:
        """Those not told before. Some carriers use one id for several things, so the content is part of it."""
        ids = [_event_id(one) for one in events]
        new = set(
            await self._rows.first_told(tx, f"hook/{owner.account}", [one for one in ids if one is not None], now)
        )
        fresh: list[Heard] = []
        for one, known in zip(events, ids, strict=True):
            if known is None or known[0] in new:
                fresh.append(one)
                new.discard(known[0] if known else "")
        return fresh


def _event_id(event: Heard) -> tuple[str, bytes] | None:
    if not event.event:
        return None
    content = sha256(event.raw.encode()).digest()
    return f"{event.event[:_LONGEST_ID]} {content[:8].hex()}", content


def _place(tenant: TenantId, account: AccountId) -> Place:
    return Place(tenant=tenant, table="hook", row=str(account), column="url")


def _line(actor: Actor, account: Account, said: str, now: datetime) -> Entry:
    return entry(
        tenant=actor.tenant, at=now, actor=actor.name, action=Action.CARRIER_CHANGED,
        subject=Subject(kind="carrier", id=account.name), payload={"hook": said},
    )  # fmt: skip

"""What is read of a line before it is written: what it used, before it ends; what it was set to, before that changes.

`carrierwork` asks. What a line used goes into the records like any other reading; where nothing can be read,
the records are the evidence. A setting that was read is how the operation is taken back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from fairlead.engine.ports.carrier import (
    CarrierTrouble,
    ImeiLock,
    NetworkPolicy,
    ProviderId,
    RateLimited,
    ReadsNetworks,
    ReadsSim,
    ReadsUsage,
    Unavailable,
    UsagePeriod,
)
from fairlead.engine.ports.moving import CarrierWork
from fairlead.engine.ports.usage import LastUsage
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.ids import TenantId

log = structlog.get_logger(__name__)

LAST_USAGE: Final = frozenset({"deactivate", "terminate"})
# What a record shows is put back.
SETTINGS: Final = frozenset({"set_network_policy", "set_limit", "set_group", "set_speed", "set_imei_lock"})
_BACK: Final = timedelta(days=31)


class LastUsages(Protocol):
    """Keeps the last reading of a line, and knows what was taken in before."""

    async def keep(
        self,
        tenant: TenantId,
        account: str,
        sim: str,
        connector: object,
        periods: Sequence[UsagePeriod],
        since: datetime,
    ) -> None:
        """Take a reading into the records."""
        ...

    async def last(self, tenant: TenantId, account: str, sim: str, since: datetime) -> LastUsage | None:
        """What the records say since an instant's day; None where they say nothing."""
        ...


class LastReadings:
    """One a worker. Without records only what the carrier says now is evidence."""

    def __init__(self, usage: LastUsages | None, timekeeper: Timekeeper) -> None:
        self._usage = usage
        self._time = timekeeper

    async def before(self, tenant: TenantId, connector: object, work: CarrierWork) -> Mapping[str, Any] | None:
        """The evidence; None where the verb ends nothing, or nothing is known.

        Raises `RateLimited` and `Unavailable` for an end that is final: it waits rather than lose what was used.
        """
        if work.verb in SETTINGS:
            return await self._setting(connector, work)
        if work.verb not in LAST_USAGE:
            return None
        now = self._time.now()
        since = now - _BACK
        if not isinstance(connector, ReadsUsage):
            return await self._recorded(tenant, work, since)
        try:
            periods = await connector.read_usage(ProviderId(work.sim), since=since, until=now, granularity="day")
        except CarrierTrouble as trouble:
            if work.verb == "terminate" and isinstance(trouble, RateLimited | Unavailable):
                raise
            unread = str(trouble.reason)
        except Exception as fault:  # a fault of ours in reading is no reason to leave the line open
            log.exception("last usage not read", account=work.account)
            unread = type(fault).__name__
        else:
            await self._keep(tenant, connector, work, periods, since)
            return {
                "fact": "last-usage",
                "at": now.isoformat(),
                "since": min((p.start for p in periods), default=now).isoformat(),
                "uplink_bytes": sum(p.uplink_bytes for p in periods),
                "downlink_bytes": sum(p.downlink_bytes for p in periods),
                "from": "carrier",
            }
        found = await self._recorded(tenant, work, since)
        return {"fact": "last-usage", "at": now.isoformat(), **(found or {}), "unread": unread}

    async def _setting(self, connector: object, work: CarrierWork) -> Mapping[str, Any] | None:
        """The arguments that would set it as it is now; None where that cannot be told: then nothing takes it back."""
        try:
            given = await _as_it_is(connector, work)
        except CarrierTrouble as trouble:
            if isinstance(trouble, RateLimited | Unavailable):
                raise  # nothing was sent: it waits rather than lose the way back
            return None
        except Exception:  # a fault of ours in reading: the write goes on, and nothing takes it back
            log.exception("setting not read before it is written", account=work.account)
            return None
        return None if given is None else {"fact": "before", "at": self._time.now().isoformat(), "arguments": given}

    async def _keep(
        self, tenant: TenantId, connector: object, work: CarrierWork, periods: Sequence[UsagePeriod], since: datetime
    ) -> None:
        if self._usage is None:
            return
        try:
            await self._usage.keep(tenant, work.account, work.sim, connector, periods, since)
        except Exception:  # the evidence has it all the same
            log.exception("last usage not taken into the records", account=work.account)

    async def _recorded(self, tenant: TenantId, work: CarrierWork, since: datetime) -> Mapping[str, Any] | None:
        found = await self._usage.last(tenant, work.account, work.sim, since) if self._usage is not None else None
        if found is None:
            return None
        return {
            "fact": "last-usage",
            "at": found.observed_at.isoformat(),
            "since": found.since.isoformat(),
            "bytes": found.bytes,
            "uplink_bytes": found.up_bytes,
            "downlink_bytes": found.down_bytes,
            "final": found.final,
            "from": "records",
        }


async def _as_it_is(connector: object, work: CarrierWork) -> Mapping[str, Any] | None:
    """The arguments of the verb that would set what the carrier shows; None where it shows nothing of the sort."""
    sim = ProviderId(work.sim)
    if work.verb == "set_network_policy" and isinstance(connector, ReadsNetworks):
        return _networks(await connector.read_networks(sim))
    if not isinstance(connector, ReadsSim):
        return None
    record = await connector.read_sim(sim)
    match work.verb:
        case "set_network_policy":
            return _networks(record.network_policy)
        case "set_group":
            return {"group": record.group} if record.group else None
        case "set_speed":
            return {"speed": record.speed} if record.speed else None
        case "set_imei_lock":
            return _lock(record.imei_lock)
        case _:
            return {"bytes": record.limit.limit_bytes} if record.limit is not None else None


def _networks(policy: NetworkPolicy | None) -> Mapping[str, Any] | None:
    return None if policy is None else {"kind": policy.kind, "plmns": sorted(str(plmn) for plmn in policy.plmns)}


def _lock(lock: ImeiLock | None) -> Mapping[str, Any] | None:
    """A lock to nothing, or to one device; one that the carrier keeps otherwise is not put back."""
    if lock is None:
        return None
    if not lock.on:
        return {"imei": None}
    return {"imei": next(iter(lock.imeis))} if len(lock.imeis) == 1 else None

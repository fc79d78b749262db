"""Outages: counts who is heard every five minutes, judges it, and says who is out.

One bucket is one transaction: the store counts every stratum by the set, `insight.outage` decides, and what
follows is written beside it: findings that open and close, and the facts `outage` and `outage_over` of the
devices concerned. Nothing is moved here. A standing policy that reads these facts moves devices, at its own
pace, as any policy does; without one an outage is told and nothing else.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

import structlog

from fairlead.engine.findings import Findings
from fairlead.engine.ports.findings import Over
from fairlead.engine.ports.outages import Kept, OutageRows, Told
from fairlead.engine.ports.transaction import Transaction, Transactions
from fairlead.insight.outage import (
    BUCKET,
    FEWEST,
    REMEMBERED,
    WITNESSES,
    Sample,
    Standing,
    Stratum,
    StratumKind,
    Usual,
    blamed,
    judged,
    usual,
)
from fairlead.model.finding import Fact, FindingKind, FindingSubject, Severity, Sighting
from fairlead.model.ids import TenantId

log = structlog.get_logger(__name__)

PROBES: Final = 5  # devices that try a network from which everybody went
BUCKETS_KEPT: Final = REMEMBERED + timedelta(days=1)  # then they become hours
HOURS_KEPT: Final = timedelta(days=400)
FOUND: Final[Mapping[StratumKind, FindingKind]] = {
    "core": "core-outage", "account": "carrier-outage", "family": "profile-outage",
}  # fmt: skip
_MOST: Final = 50  # accounts that a finding names
_LONGEST_TITLE: Final = 200
_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one bucket came to."""

    at: datetime
    samples: Mapping[Stratum, Sample]
    kept: Mapping[Stratum, Kept]
    told_out: int = 0  # devices whose network is out since this bucket
    told_over: int = 0

    @property
    def troubled(self) -> list[Stratum]:
        """Who is suspected or out."""
        return sorted(one for one, kept in self.kept.items() if kept.standing != Standing())

    @property
    def blamed(self) -> list[Stratum]:
        """Who explains what is out."""
        return sorted(one for one, kept in self.kept.items() if kept.blamed)


class Outages:
    """Watches the reach of every tenant; one instance a process."""

    def __init__(self, transactions: Transactions, rows: OutageRows, findings: Findings) -> None:
        self._transactions = transactions
        self._rows = rows
        self._findings = findings
        self._measured: dict[TenantId, datetime] = {}  # spares a question to the database; nothing else hangs on it
        self._usual: dict[TenantId, tuple[datetime, dict[Stratum, Usual]]] = {}  # by hour
        self._summed: dict[TenantId, datetime] = {}

    async def tick(self, tenant: TenantId, now: datetime) -> Judgement | None:
        """Count and judge the bucket that has begun; None where that is done."""
        at = _BEGINNING + (now - _BEGINNING) // BUCKET * BUCKET
        if self._measured.get(tenant) == at:
            return None
        async with self._transactions.tenant(tenant) as tx:
            await self._rows.alone(tx, tenant)
            newest = await self._rows.measured(tx, tenant)
            judgement = None if newest is not None and newest >= at else await self._judge(tx, tenant, now, at)
            if judgement is not None and self._summed.get(tenant, _BEGINNING) < now - timedelta(days=1):
                await self._rows.sum_up(tx, tenant, hours=now - BUCKETS_KEPT, forget=now - HOURS_KEPT)
                self._summed[tenant] = now
        self._measured[tenant] = at
        return judgement

    async def _judge(self, tx: Transaction, tenant: TenantId, now: datetime, at: datetime) -> Judgement:
        samples = await self._rows.measure(tx, tenant, now, at)
        before = await self._rows.standings(tx, tenant)
        known = await self._known(tx, tenant, at, samples)
        standings = {
            one: judged(before[one].standing if one in before else Standing(), sample, known.get(one))
            for one, sample in samples.items()
        }
        able = {one for one, sample in samples.items() if sample.expected >= FEWEST}
        below: Mapping[Stratum, Collection[Stratum]] = {}
        if any(one.out for one in standings.values()):
            below = await self._rows.below(tx, tenant, at)
        causes = blamed(standings, below, able)
        kept = {
            one: Kept(
                standing=standing, blamed=one in causes, usual_rate=known[one].rate if one in known else None,
                opens_at=known[one].bound(samples[one].expected) if one in known else None,
            )
            for one, standing in standings.items()
        }  # fmt: skip
        await self._rows.keep(tx, tenant, kept)
        for one in causes:
            for account in [one] if one.kind == "account" else below.get(one, ()):
                sample = samples.get(account)
                if account.kind == "account" and sample is not None and _deserted(sample):
                    await self._rows.probe(tx, tenant, account.name, PROBES, now)
        told = Told(out=0, over=0)
        if causes or any(one.blamed for one in before.values()):
            told = await self._rows.tell(tx, tenant, causes, now)
            await self._say(tx, tenant, causes, below, samples, kept, now)
        if told.out or told.over:
            names = [f"{one.kind} {one.name}" for one in sorted(causes)]
            log.warning("networks are out", blamed=names, devices_out=told.out, devices_over=told.over)
        return Judgement(at=at, samples=samples, kept=kept, told_out=told.out, told_over=told.over)

    async def _say(
        self,
        tx: Transaction,
        tenant: TenantId,
        causes: Collection[Stratum],
        below: Mapping[Stratum, Collection[Stratum]],
        samples: Mapping[Stratum, Sample],
        kept: Mapping[Stratum, Kept],
        now: datetime,
    ) -> None:
        """What is to blame is found; whatever else was found is over, or told by that."""
        seen = {
            one: sighting(one, samples[one], kept[one], sorted(part.name for part in below.get(one, ())))
            for one in sorted(causes)
        }  # fmt: skip
        await self._findings.raise_many(tx, tenant, seen.values(), now)
        for kind, name in FOUND.items():
            keys = [said.dedupe for one, said in seen.items() if one.kind == kind]
            why = "its devices are heard as usual again, or what is wider explains it"
            await self._findings.close_many(tx, tenant, Over(kind=name, keys=keys, others=True), now, because=why)

    async def _known(
        self, tx: Transaction, tenant: TenantId, at: datetime, samples: Mapping[Stratum, Sample]
    ) -> dict[Stratum, Usual]:
        """What is usual, read once an hour, and again while a stratum is too young to have anything usual."""
        hour = at.replace(minute=0)
        read_at, known = self._usual.get(tenant, (_BEGINNING, {}))
        if read_at != hour or any(one not in known and sample.expected >= FEWEST for one, sample in samples.items()):
            past = await self._rows.past(tx, tenant, at)
            found = {one: usual(of, at) for one, of in past.items()}
            known = {one: what for one, what in found.items() if what is not None}
            self._usual[tenant] = (hour, known)
        return known


def sighting(one: Stratum, sample: Sample, kept: Kept, parts: Sequence[str]) -> Sighting:
    """An outage as a finding."""
    known, failing = kept.usual_rate, sample.missing + sample.strayed
    facts = {
        "expected": Fact(value=sample.expected, unit="devices"),
        "missing": Fact(value=sample.missing, unit="devices"),
        "on_another_network": Fact(value=sample.strayed, unit="devices"),
        "usual_rate": Fact(value=None if known is None else round(known, 4), unit="share"),
        "since": Fact(value=None if kept.standing.since is None else kept.standing.since.isoformat()),
    }
    match one.kind:
        case "core":
            subject = FindingSubject(kind="core", id=one.name)
            facts["accounts"] = Fact(value=list(parts)[:_MOST])
            title = f"The core {one.name} is out: {failing} of {sample.expected} devices of its carriers fail"
        case "account":
            subject = FindingSubject(kind="account", id=one.name)
            title = f"{one.name} is out: {failing} of {sample.expected} devices fail"
        case "family":
            subject = FindingSubject(kind="account", id=one.name.rpartition("/")[0])
            title = f"The profiles {one.name} are out: {failing} of {sample.expected} devices fail"
        case _:
            assert_never(one.kind)
    severity = Severity.WARNING if one.kind == "family" else Severity.CRITICAL
    return Sighting(
        kind=FOUND[one.kind], severity=severity, subject=subject, title=title[:_LONGEST_TITLE], evidence=facts,
        key=f"{one.kind}:{one.name}",
    )  # fmt: skip


def _deserted(sample: Sample) -> bool:
    """Too few are left to say whether a network is back."""
    return sample.expected - sample.strayed < WITNESSES

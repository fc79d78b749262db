"""How good the forecasts are: tried on history that they could not know.

What had been seen a month ago is all the clock may use; what it said then is held against what has
happened since, for a sample of devices, under both assumptions: presence continues, and the last
thirty days repeat. The figures stand beside every forecast, so that nobody takes it for a promise.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fairlead.engine.ports.accuracy import AccuracyRows, SampledPresence
from fairlead.engine.ports.transaction import Transactions
from fairlead.insight.roaming import Assumption, Presence
from fairlead.insight.roaming_forecast import Backtest, ForecastError, backtest, forecast_error
from fairlead.model.ids import TenantId
from fairlead.model.reference import Reference
from fairlead.model.rules import binds

SAMPLE: Final = 300  # devices
HELD_OUT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """The error of forecasts made at `cut`, seen from `until`."""

    cut: datetime
    until: datetime
    devices: int
    errors: tuple[ForecastError, ...]  # one an assumption


class Accuracies:
    """Tries the roaming forecast on a tenant's own history."""

    def __init__(self, transactions: Transactions, rows: AccuracyRows, reference: Reference) -> None:
        self._transactions = transactions
        self._rows = rows
        self._rules = [rule for rule in reference.rules if binds(rule)]

    async def read(self, tenant: TenantId, now: datetime) -> Accuracy:
        """Forecasts of a month ago against today."""
        async with self._transactions.tenant(tenant) as tx:
            runs = await self._rows.sample(tx, SAMPLE, now)
        by_device: dict[UUID, list[Presence]] = defaultdict(list)
        for run in runs:
            by_device[run.device].append(_presence(run))
        cut = now - HELD_OUT
        tests = [test for presences in by_device.values() for test in self._tests(presences, cut, now)]
        return Accuracy(cut=cut, until=now, devices=len(by_device), errors=forecast_error(tests))

    def _tests(self, presences: list[Presence], cut: datetime, until: datetime) -> list[Backtest]:
        countries = {p.country for p in presences}
        found: list[Backtest] = []
        for rule in self._rules:
            if not countries & set(rule.countries):
                continue
            for assumption in Assumption:
                test = backtest(rule, presences, cut=cut, until=until, assumption=assumption)
                if test is not None:
                    found.append(test)
        return found


def _presence(run: SampledPresence) -> Presence:
    return Presence(
        device=str(run.device),
        country=run.country,
        first=run.first,
        last=run.last,
        plmn=run.plmn,
        home_country=run.home_country,
        imsi=run.imsi,
        iccid=run.iccid,
        imei=run.imei,
        eid=run.eid,
        account=run.account,
        apn=run.apn,
    )

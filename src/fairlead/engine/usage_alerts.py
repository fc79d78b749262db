"""Lines beyond a usage rule as findings: one a rule and line, open as long as it is beyond or held for it.

Where many lines of an account are beyond one rule, they are one finding: a thousand of them would tell nobody more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from fairlead.engine.findings import Findings
from fairlead.engine.ports.findings import Over
from fairlead.engine.ports.transaction import Transaction
from fairlead.engine.ports.usage_rules import Crossing
from fairlead.engine.usage_rules import EACH
from fairlead.model.finding import Fact, FindingSubject, Severity, Sighting, shortened
from fairlead.model.ids import TenantId, show
from fairlead.model.lifecycle import HoldState
from fairlead.model.resources import Above, AlertLevel, Growth, Silent, UsageRule

KIND: Final = "usage-rule"
ACTOR: Final = "system/usage-rules"
_SEVERITY: Final[Mapping[AlertLevel, Severity]] = {
    "low": Severity.INFO,
    "medium": Severity.WARNING,
    "high": Severity.CRITICAL,
}
_DONE: Final[Mapping[HoldState, str]] = {
    HoldState.CROSSED: "told",
    HoldState.WAITING: "a person is asked",
    HoldState.ACTING: "the carrier is asked",
    HoldState.HELD: "done, and taken back in time",
    HoldState.GOING_BACK: "being taken back",
    HoldState.NOT_DONE: "not done",
    HoldState.OVER: "over",
}


class UsageAlerts:
    """Implements `engine.usage_rules.Alerts`."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    async def tell(
        self, tx: Transaction, tenant: TenantId, found: Sequence[tuple[Crossing, UsageRule | None]], now: datetime
    ) -> None:
        """Open these, close the others."""
        sightings = [_sighting(crossing, rule) for crossing, rule in found]
        await self._findings.raise_many(tx, tenant, sightings, now, actor=ACTOR)
        over = Over(kind=KIND, keys=[one.dedupe for one in sightings], others=True)
        because = "within the measure again, taken back, or told together with others"
        await self._findings.close_many(tx, tenant, over, now, because=because, actor=ACTOR)


def _sighting(crossing: Crossing, rule: UsageRule | None) -> Sighting:
    value, unit = crossing.value, "bytes"
    if rule is None:
        told = "held by a rule that is no more"
    else:
        match rule.measure:
            case Above(window=window, bytes=limit):
                told = f"{_size(value)} in {_window(window)}, more than {_size(limit)}"
            case Growth(window=window, times=times, against_days=days):
                told = f"{_size(value)} in {_window(window)}, above {times / 1_000:g} times the {days} days before"
            case Silent(days=days):
                told, unit = f"not a byte for {value} days, at least {days}", "days"
    if crossing.together > EACH:
        return _together(crossing, rule, told)
    evidence = {
        "value": Fact(value=value, unit=unit, at=crossing.through),
        "rule": Fact(value=f"{crossing.rule}@{crossing.revision}"),
        "account": Fact(value=crossing.account),
        "device": Fact(value=crossing.device),
        "crossed": Fact(value=crossing.crossed_at.isoformat(), at=crossing.crossed_at),
        "done": Fact(value=_DONE[crossing.state]),
        "because": Fact(value=None if crossing.because is None else shortened(crossing.because)),
        "taken_back": Fact(value=None if crossing.revert_at is None else crossing.revert_at.isoformat()),
    }
    return Sighting(
        kind=KIND, severity=_severity(rule),
        subject=FindingSubject(kind="subscription", id=show("sub", crossing.subscription), name=crossing.iccid),
        title=shortened(f"{crossing.rule}: {told}", 200), evidence=evidence, key=f"{crossing.rule}:{crossing.iccid}",
    )  # fmt: skip


def _together(first: Crossing, rule: UsageRule | None, told: str) -> Sighting:
    """Many lines of an account; `first` is the one that was beyond the rule before the others."""
    evidence = {
        "lines": Fact(value=first.together, unit="lines"),
        "rule": Fact(value=f"{first.rule}@{first.revision}"),
        "first": Fact(value=first.iccid, at=first.crossed_at),
        "of_the_first": Fact(value=told),
    }
    return Sighting(
        kind=KIND, severity=_severity(rule), subject=FindingSubject(kind="account", id=first.account),
        title=shortened(f"{first.rule}: {first.together:,} lines of {first.account}, the first with {told}", 200),
        evidence=evidence, key=f"{first.rule}:{first.account}:together",
    )  # fmt: skip


def _severity(rule: UsageRule | None) -> Severity:
    return _SEVERITY[rule.then.alert] if rule is not None else Severity.WARNING


def _window(window: str) -> str:
    return {"24h": "24 h", "7d": "7 days", "month": "the month"}[window]


def _size(value: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value} bytes"

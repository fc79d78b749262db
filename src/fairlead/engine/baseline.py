"""The baseline of a tenant: what it has, judged against what the register says of carriers, radios and networks."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fairlead.engine.fleet import Actor
from fairlead.engine.ports.baseline import BaselineRows
from fairlead.engine.register import merged
from fairlead.insight.baseline import Section
from fairlead.insight.baseline_places import breaches, coverage_gaps, redundant_carriers, stranded
from fairlead.insight.baseline_sims import contracts, silent_sims, unused_data
from fairlead.model.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The whole page, as of one instant."""

    at: datetime
    silent_days: int
    notice_days: int
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section:
        """One section."""
        return next(one for one in self.sections if one.key == key)


class Baselines:
    """Makes the baseline of every tenant."""

    def __init__(self, rows: BaselineRows, reference: Reference) -> None:
        self._rows = rows
        self._reference = reference

    async def read(self, actor: Actor, *, now: datetime, silent_days: int, notice_days: int) -> Baseline:
        """Counted now."""
        at = now.astimezone(UTC)
        found = await self._rows.inventory(actor.tenant, now=at, silent_days=silent_days, notice_days=notice_days)
        known = replace(found, sunsets=merged(found.sunsets, self._reference.sunsets))
        return Baseline(
            at=at, silent_days=silent_days, notice_days=notice_days,
            sections=(
                unused_data(known), silent_sims(known), redundant_carriers(known), coverage_gaps(known),
                stranded(known), contracts(known), breaches(known),
            ),
        )  # fmt: skip

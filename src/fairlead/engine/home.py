"""Answers the console's first page for one principal: what they may not know is withheld, and said to be."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fairlead.engine.ports.home import HomeRows
from fairlead.insight import home
from fairlead.insight.home import Broken, Changing, Cost, IllegalSoon, Online, ReadyToScale, withheld
from fairlead.model.access import Permission, Principal, allowed

_WHOLE: Final = "devices.read for the whole tenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The six answers."""

    online: Online
    broken: Broken
    illegal_soon: IllegalSoon
    changing: Changing
    cost: Cost
    ready_to_scale: ReadyToScale


class Home:
    """The first page of every tenant."""

    def __init__(self, rows: HomeRows) -> None:
        self._rows = rows

    async def read(self, me: Principal, now: datetime) -> Page:
        """Six answers from what is counted."""

        def may(permission: Permission, *, everywhere: bool = True) -> bool:
            return allowed(me, permission, everywhere=everywhere)

        figures = await self._rows.figures(me.tenant, now.astimezone(UTC).date())
        whole = may("devices.read")
        return Page(
            online=home.online(figures) if whole else Online(answer=withheld(_WHOLE, "fleet")),
            broken=home.broken(figures, carriers=may("carriers.read"), findings=may("findings.read"))
            if whole
            else Broken(answer=withheld(_WHOLE, "fleet")),
            illegal_soon=home.illegal_soon(figures) if whole else IllegalSoon(answer=withheld(_WHOLE, "countries")),
            changing=home.changing(figures)
            if may("changes.read", everywhere=False)
            else Changing(answer=withheld("changes.read", "changes")),
            cost=home.cost(figures)
            if may("costs.read")
            else Cost(answer=withheld("costs.read for the whole tenant", "subscriptions")),
            ready_to_scale=home.ready_to_scale(),
        )

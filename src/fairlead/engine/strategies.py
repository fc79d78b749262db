"""Strategies applied to the fleet: which way in each country should take, and which it takes today."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fairlead.engine.fleet import Actor, Fleet
from fairlead.engine.rules import resource_of
from fairlead.engine.stores import Stores
from fairlead.model.reference import Reference
from fairlead.model.resources import Strategy
from fairlead.policy.strategy import WayIn, way_in


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryChoice:
    """One country under a strategy."""

    country: str
    chosen: WayIn
    devices: int
    roaming: int  # of them, on a foreign SIM today
    stance: str
    confidence: str


class Strategies:
    """Reads kept strategies against the present fleet and the law."""

    def __init__(self, stores: Stores, fleet: Fleet, reference: Reference) -> None:
        self._stores = stores
        self._fleet = fleet
        self._reference = reference

    async def read(self, actor: Actor, name: str, now: datetime) -> list[CountryChoice] | None:
        """Every country where the tenant has devices, with the way in chosen for it; None: no such strategy."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            kept = [
                r for r in await self._stores.policies.live(tx) if r.kind == "Strategy" and r.name == name and r.kept
            ]
        resource = resource_of(kept[0]) if kept else None
        if not isinstance(resource, Strategy):
            return None
        loads = await self._fleet.country_loads(actor, now)
        return [
            self._choice(resource, load.country, load.devices, load.roaming, now)
            for load in sorted(loads, key=lambda one: -one.devices)
        ]

    async def of_country(self, actor: Actor, country: str, now: datetime) -> list[tuple[str, CountryChoice]]:
        """What each kept strategy chooses for one country, by the strategy's name."""
        async with self._stores.transactions.tenant(actor.tenant) as tx:
            kept = [r for r in await self._stores.policies.live(tx) if r.kind == "Strategy" and r.kept]
        loads = await self._fleet.country_loads(actor, now)
        load = next((one for one in loads if one.country == country), None)
        devices, roaming = (load.devices, load.roaming) if load else (0, 0)
        named = [(row.name, resource_of(row)) for row in sorted(kept, key=lambda row: row.name) if not row.removed]
        return [
            (name, self._choice(strategy, country, devices, roaming, now))
            for name, strategy in named
            if isinstance(strategy, Strategy)
        ]

    def _choice(self, strategy: Strategy, country: str, devices: int, roaming: int, now: datetime) -> CountryChoice:
        law = self._reference.law(country, now.date())
        facts: Mapping[str, Any] = {
            "devices_in_country": devices,
            "law.stance": str(law.stance),
            "law.confidence": str(law.confidence),
        }
        return CountryChoice(
            country=country,
            chosen=way_in(strategy, country, facts, now),
            devices=devices,
            roaming=roaming,
            stance=str(law.stance),
            confidence=str(law.confidence),
        )

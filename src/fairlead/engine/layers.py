"""The control chain of one device: gathers what is known of it and has `insight.control_chain` judge it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fairlead.engine.fleet import Actor, Fleet
from fairlead.engine.ports.fleet import DeviceDetails, FacetStatus, InForce
from fairlead.insight.control_chain import Known, Layer, judge
from fairlead.model.device import Device
from fairlead.model.expression import facts_named
from fairlead.model.facet import BY_NUMBER, Facet
from fairlead.model.reference import Reference, Source
from fairlead.policy.check import Refusal, read_expression

TABLE: Final = "control-chain"
# Facts that say where a device is or what the law there is.
_PLACE: Final = frozenset({"country", "region", "plmn", "roaming"})
_PLACE_GROUPS: Final = ("law.", "clock")


class Layers:
    """Judges the layers of a device."""

    def __init__(self, fleet: Fleet, reference: Reference) -> None:
        self._fleet = fleet
        self._reference = reference

    @property
    def source(self) -> Source:
        """Where the table of layers comes from."""
        return self._reference.tables[TABLE].source

    async def read(self, actor: Actor, device: Device) -> tuple[Layer, ...]:
        """Each layer with its objects."""
        tenant = await self._fleet.tenant(actor)
        details = await self._fleet.details(actor, device)
        table = self._reference.tables[TABLE].records()
        return judge(table, known_of(details, tenant.name if tenant else ""))


def known_of(details: DeviceDetails, tenant: str) -> Known:
    """What the judges need of everything that is known."""
    device, facts = details.device, details.device.facts
    facets = {BY_NUMBER[one.facet].value: one for one in details.facets}
    flags = facets.get(Facet.FLAGS)
    return Known(
        tenant=tenant,
        serial=device.serial,
        fingerprint=device.fingerprint,
        has_secret=device.has_secret,
        factory_record=details.factory_record,
        profiles=[(one.iccid, one.account) for one in details.profiles if one.enabled],
        regional_policies=[f"{one.name}@{one.revision}" for one in details.in_force if _regional(one)],
        policies=[f"{one.name}@{one.revision}" for one in details.in_force],
        group=device.group,
        config_version=_config(facets.get(Facet.CONFIG), facts.config_hash),
        flags=None if flags is None or not (flags.desired or flags.reported) else True,
        firmware=facts.firmware,
        ways_back=sorted(name for name, one in facets.items() if one.verified is not None),
        acknowledged=sorted(name for name, one in facets.items() if one.observed_generation > 0),
        managed=sorted(name for name, one in facets.items() if one.generation > 0),
        heard=_text(facts.last_contact_at),
        usage_known=facts.usage_month_bytes is not None or facts.usage_24h_bytes is not None,
    )


def _regional(one: InForce) -> bool:
    read = read_expression(one.match, context="device") if one.match else None
    if read is None or isinstance(read, Refusal):
        return False
    named: Sequence[str] = sorted(facts_named(read))
    return any(name in _PLACE or name.startswith(_PLACE_GROUPS) for name in named)


def _config(facet: FacetStatus | None, reported_hash: str | None) -> str | None:
    if facet is not None and facet.generation > 0:
        return f"generation {facet.generation}, the device shows {facet.observed_generation}"
    if facet is not None and facet.reported_version is not None:
        return f"reported, shadow version {facet.reported_version}"
    return reported_hash


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None

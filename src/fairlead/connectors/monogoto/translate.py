"""Monogoto's things ↔ our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

The words of states are those of the carrier's pages; one that is not here stays `unknown`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fairlead.connectors._kit.reading import EMPTY, Fields, as_object
from fairlead.engine.ports.carrier import ImeiLock, ProviderId, SessionStatus, SimRecord
from fairlead.model.identifiers import Iccid
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    SubscriptionState,
    SubscriptionStatus,
)

STATES: Final[Mapping[str, SubscriptionState]] = {
    "PROVISIONED": SubscriptionState.INVENTORY,
    "TEST_ACTIVE": SubscriptionState.TEST,
    "ACTIVE": SubscriptionState.ACTIVE,
    "SUSPENDED": SubscriptionState.SUSPENDED,
    "RETIRED": SubscriptionState.TERMINATED,
}
_KEYED: Final = "ThingId_ICCID_"  # how a thing is called that is a SIM


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord

    def sim(self, value: object, freshness: Freshness) -> SimRecord | None:
        """One thing; None when the value is not an object with an id."""
        complaints: list[str] = []
        thing = Fields(as_object(value) or EMPTY, complaints)
        name, word = thing.text("ThingId"), thing.text("State")
        if not name or any(letter.isspace() for letter in name):
            return None
        imsi, imei = thing.imsi("IMSI"), thing.imei("IMEI")
        sessions = Freshness(
            observed_at=freshness.observed_at, staleness=self.record.session_staleness, source=freshness.source
        )
        return SimRecord(
            provider_id=ProviderId(name),
            iccid=_iccid(thing, name),
            subscription=SubscriptionStatus(
                state=STATES.get(word, SubscriptionState.UNKNOWN), provider_state=word, hold_reasons=frozenset()
            ),
            session=SessionStatus(connectivity=Connectivity.UNKNOWN, freshness=sessions),
            freshness=freshness,
            imsis=(imsi,) if imsi is not None else (),
            msisdn=thing.msisdn("MSISDN"),
            imei=imei,
            plan=thing.text("PricePlanInnerId"),
            group=thing.text("ThingsGroupId"),
            imei_lock=_lock(thing),
            complaints=tuple(complaints),
        )


def _iccid(thing: Fields, name: str) -> Iccid | None:
    """The ICCID as it stands, or as the thing is called by it."""
    if thing.text("ExternalUniqueId"):
        return thing.iccid("ExternalUniqueId")
    called = Fields({"ThingId": name.removeprefix(_KEYED)}, thing.complaints)
    return called.iccid("ThingId") if name.startswith(_KEYED) else None


def _lock(thing: Fields) -> ImeiLock | None:
    """The lock to a device; None where the carrier does not say."""
    on = thing.truth("LockMasterImei")
    if on is None:
        return None
    imei = thing.imei("MasterIMEI")
    return ImeiLock(on=on, imeis=frozenset((imei,)) if on and imei is not None else frozenset())

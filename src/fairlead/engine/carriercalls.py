"""What each verb is at a carrier: which call it makes, and what its record shows when it applied.

`carrierwork` decides when; this says what. A verb without an entry here reaches no carrier.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from fairlead.engine.ports.carrier import (
    Deactivates,
    Groups,
    LimitsData,
    LimitsSpeed,
    LocksImei,
    NetworkPolicy,
    NotFound,
    ProtectsTermination,
    ProviderId,
    ResetsConnection,
    SendsSms,
    SetsPlan,
    SimRecord,
    StandsBy,
    SteersNetworks,
    SwitchesState,
    Terminates,
)
from fairlead.engine.ports.carrier import Outcome as CarrierOutcome
from fairlead.engine.ports.carrier.description import ActionClass
from fairlead.engine.ports.moving import CarrierWork, Outcome
from fairlead.engine.timekeeper import Timekeeper
from fairlead.model.identifiers import Iccid, Imei, read_imei, read_plmn
from fairlead.model.lifecycle import OperationState
from fairlead.model.subscription import SubscriptionState

WANTED: Final[Mapping[str, frozenset[str]]] = {
    "activate": frozenset({"active", "ready"}),
    "resume": frozenset({"active", "ready"}),
    "suspend": frozenset({"suspended"}),
    "deactivate": frozenset({"deactivated"}),
    "standby": frozenset({"standby"}),
    "terminate": frozenset({"terminated"}),
}
PROTECTED: Final[Mapping[str, bool]] = {"allow_termination": True, "forbid_termination": False}
# No record shows that these were done: the carrier's answer is all there is, and a lost one is for a person.
BUSY_REAL_S: Final = 5.0  # before asking again where the carrier was at work on the same line or the same kind of job
UNSEEN: Final = frozenset({"send_sms", "reset_connection"})
CLASSES: Final[Mapping[str, ActionClass]] = {
    **dict.fromkeys([*WANTED, *PROTECTED], "state"),
    "set_plan": "plan",
    "set_limit": "setting",
    "set_speed": "setting",
    "set_imei_lock": "setting",
    "set_network_policy": "setting",
    "set_group": "group",
    "send_sms": "sms",
    "reset_connection": "reset",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """Nothing is known yet: what was to be called is pending again, what was looked at is looked at again."""

    work: CarrierWork
    until: datetime  # house time
    pause: timedelta | None = None  # the whole account's, real time
    why: str = ""


async def call(connector: object, work: CarrierWork) -> CarrierOutcome:
    """Make the one call of an operation. Raises what the port raises; `NotFound` where the carrier lacks it."""
    made = _switched(connector, work) or _set(connector, work)
    if made is None:
        raise NotFound(f"this carrier has no call to {work.verb} a SIM")
    return await made


def _switched(connector: object, work: CarrierWork) -> Awaitable[CarrierOutcome] | None:
    sim = ProviderId(work.sim)
    match work.verb:
        case "activate" | "resume" if isinstance(connector, SwitchesState):
            return connector.activate(sim)
        case "suspend" if isinstance(connector, SwitchesState):
            return connector.suspend(sim)
        case "deactivate" if isinstance(connector, Deactivates):
            return connector.deactivate(sim)
        case "standby" if isinstance(connector, StandsBy):
            return connector.standby(sim)
        case "allow_termination" if isinstance(connector, ProtectsTermination):
            return connector.allow_termination(sim)
        case "forbid_termination" if isinstance(connector, ProtectsTermination):
            return connector.forbid_termination(sim)
        case "terminate" if isinstance(connector, Terminates):
            return connector.terminate(sim, confirm=Iccid(work.iccid))
        case _:
            return None


def _set(connector: object, work: CarrierWork) -> Awaitable[CarrierOutcome] | None:
    sim, given = ProviderId(work.sim), work.arguments
    match work.verb:
        case "set_plan" if isinstance(connector, SetsPlan):
            return connector.set_plan(sim, str(given["plan"]))
        case "set_limit" if isinstance(connector, LimitsData):
            return connector.set_limit(sim, given.get("bytes"))
        case "set_speed" if isinstance(connector, LimitsSpeed):
            return connector.set_speed(sim, str(given["speed"]))
        case "set_imei_lock" if isinstance(connector, LocksImei):
            return connector.set_imei_lock(sim, _imei(given))
        case "set_network_policy" if isinstance(connector, SteersNetworks):
            return connector.set_network_policy(sim, network_policy(given))
        case "set_group" if isinstance(connector, Groups):
            group = given.get("group")
            return connector.set_group(sim, str(group)) if group else connector.unset_group(sim)
        case "send_sms" if isinstance(connector, SendsSms):
            return connector.send_sms(sim, str(given["text"]))
        case "reset_connection" if isinstance(connector, ResetsConnection):
            return connector.reset_connection(sim)
        case _:
            return None


def shows(record: SimRecord, verb: str, given: Mapping[str, Any]) -> bool:
    """Whether a record shows that the verb applied."""
    if verb in WANTED:
        return record.subscription.state.value in WANTED[verb]
    match verb:
        case "allow_termination" | "forbid_termination":
            return record.termination_allowed is PROTECTED[verb]
        case "set_plan":
            return record.plan == given.get("plan")
        case "set_group":
            return record.group == (given.get("group") or "")
        case "set_limit":
            return record.limit is not None and record.limit.limit_bytes == given.get("bytes")
        case "set_speed":
            return record.speed == given.get("speed")
        case "set_imei_lock":
            imei = given.get("imei")
            return record.imei_lock is not None and record.imei_lock.holds(
                None if imei is None else read_imei(str(imei))
            )
        case "set_network_policy":
            return record.network_policy == network_policy(given)
        case _:
            return verb in UNSEEN


def on_its_way(record: SimRecord, verb: str) -> bool:
    """Whether the carrier shows a word that is no state, as while a change of its own takes its time."""
    return verb in WANTED and record.subscription.state is SubscriptionState.UNKNOWN


def _imei(given: Mapping[str, Any]) -> Imei | None:
    imei = given.get("imei")
    return None if imei is None else read_imei(str(imei))


def network_policy(given: Mapping[str, Any]) -> NetworkPolicy:
    """The list of networks in an operation's arguments; a network that cannot be told apart was refused at the door."""
    plmns = (read_plmn(str(one)) for one in given.get("plmns", ()))
    return NetworkPolicy(kind=given.get("kind", "block"), plmns=frozenset(one for one in plmns if one is not None))


def evidence(record: SimRecord) -> dict[str, Any]:
    """What a record says, as an operation keeps it."""
    return {
        "state": record.subscription.state.value,
        "provider_state": record.subscription.provider_state,
        "observed_at": record.freshness.observed_at.isoformat(),
    }


def outcome(
    time: Timekeeper, work: CarrierWork, state: OperationState, reason: str, said: Mapping[str, Any]
) -> Outcome:
    """What became of an operation, with when it was seen and what was asked."""
    told = dict(said) | {"at": time.now().isoformat(), "verb": work.verb}
    return Outcome(id=work.id, state=state, reason=str(reason), evidence=[told])

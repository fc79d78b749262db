"""The world's SIMs as emnify's interface shows them. Pure.

A SIM's number here is the carrier's own, and so is an endpoint's; ICCIDs go without their check
digit. Volumes are in megabytes of 1,048,576 bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from fairlead_sim.world.atlas import Network
from fairlead_sim.world.sims import Session, SessionEvent, Sim, SimState

MB: Final = 1_048_576
STATUS: Final[Mapping[SimState, tuple[int, str]]] = {
    "inventory": (0, "Issued"),
    "active": (1, "Activated"),
    "suspended": (2, "Suspended"),
    "terminated": (3, "Deleted"),
    "ready": (4, "Factory Test"),
}
STATE: Final[Mapping[int, SimState]] = {number: state for state, (number, _) in STATUS.items()}
# From where a status may be set; deleting has a call of its own.
TAKEN_FROM: Final[Mapping[int, frozenset[int]]] = {1: frozenset({0, 2, 4}), 2: frozenset({1}), 4: frozenset({0})}
_EVENTS: Final = {"created": (3, "Create PDP Context"), "deleted": (5, "Delete PDP Context")}
QUOTAS: Final = {"1": "ACTIVE", "2": "EXHAUSTED", "3": "EXPIRED"}

Body = dict[str, object]
Attachment = Literal["ONLINE", "ATTACHED", "OFFLINE", "BLOCKED"]


@dataclass(slots=True, kw_only=True)
class Quota:
    """A data quota of an endpoint."""

    granted_mb: float
    left_mb: float
    expiry: str
    set_at: datetime
    auto_refill: int = 0


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """What a SIM is assigned to."""

    id: int
    iccid: str
    enabled: bool = True
    quota: Quota | None = None
    blocked: set[int] = field(default_factory=set[int])


def stamp(instant: datetime) -> str:
    """A point in time as the carrier writes it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sim_body(sim: Sim, number: int, state: SimState, endpoint: Endpoint | None) -> Body:
    """A SIM."""
    status, word = STATUS[state]
    body: Body = {
        "id": number,
        "iccid": sim.iccid[:-1],
        "production_date": stamp(sim.created_at),
        "status": {"id": status, "description": word},
        "customer_org": {"id": 7, "name": "northwind"},
        "imsi": sim.imsi,
        "msisdn": sim.msisdn,
        "model": {"id": 1, "description": "card", "formfactor": {"id": 4, "name": sim.form_factor}},
    }
    if sim.eid:
        body["eid"] = sim.eid
    if endpoint is not None:
        body["endpoint"] = {"id": endpoint.id}
    return body


def endpoint_body(endpoint: Endpoint, sim: Sim, number: int, profile: int, imei: str) -> Body:
    """An endpoint; its IMEI has no check digit and two digits of software version."""
    body: Body = {
        "id": endpoint.id,
        "name": f"endpoint {endpoint.id}",
        "status": {
            "id": 0 if endpoint.enabled else 1,
            "description": "Enabled" if endpoint.enabled else "Disabled",
        },
        "service_profile": {"id": profile, "name": "metered"},
        "tariff_profile": {"id": 31, "name": "one zone"},
        "sim": {"id": number, "iccid": sim.iccid[:-1], "imsi": sim.imsi},
        "imei_lock": bool(sim.imei_lock),
    }
    if imei:
        body["imei"] = f"{imei[:14]}01"
    return body


def connectivity_body(word: Attachment, sim: Sim, event: SessionEvent | None) -> Body:
    """What the core knows of an endpoint."""
    body: Body = {"status": {"description": word}, "services": ["DATA", "SMS"]}
    if event is not None:
        body["location"] = {"imsi": sim.imsi, "last_updated": stamp(event.at)}
    if event is not None and word == "ONLINE":
        body["pdp_context"] = context_body(event.session)
    return body


def context_body(session: Session) -> Body:
    """A data session; codes are text, and the network code has lost its leading zeros."""
    mcc, _, mnc = session.plmn.partition("-")
    return {
        "pdp_context_id": int(session.id.rpartition("-")[2], 16),
        "imsi": session.imsi,
        "imeisv": f"{session.imei[:14]}01",
        "mcc": mcc,
        "mnc": str(int(mnc)),
        "lac": str(session.tac),
        "ue_ip_address": session.ip,
        "apn": session.apn,
        "created": stamp(session.started_at),
        "rat_type": {"id": 6, "description": session.rat},
    }


def info_body(session: Session | None, now: datetime, error: str) -> Body:
    """What the visited network told, or the error inside the success."""
    told: Body
    if error or session is None:
        told = {"success": False, "error": error or "absentSubscriber"}
    else:
        mcc, _, mnc = session.plmn.partition("-")
        cell = {"mcc": mcc, "mnc": mnc, "lac": session.tac, "cid": session.eci}
        place = {"current_location_retrieved": True, "age_of_location": 0, "cell_global_id": cell}
        told = {"success": True, "state": "assumedIdle", "location": place}
    return {"subscriber_info": told, "request_timestamp": stamp(now), "reply_timestamp": stamp(now)}


def event_body(number: int, event: SessionEvent, endpoint: Endpoint) -> Body:
    """One line of an endpoint's history."""
    kind, word = _EVENTS["created" if event.kind == "created" else "deleted"]
    return {
        "id": number,
        "timestamp": stamp(event.at),
        "alert": False,
        "description": word,
        "event_type": {"id": kind, "description": word},
        "endpoint": {"id": endpoint.id},
        "detail": {"pdp_context": context_body(event.session)},
    }


def quota_body(quota: Quota, status: str) -> Body:
    """A data quota; `volume` is what is left."""
    return {
        "status": {"id": status, "description": QUOTAS[status]},
        "volume": quota.left_mb,
        "last_volume_added": quota.granted_mb,
        "last_status_change_date": stamp(quota.set_at),
        "expiry_date": quota.expiry,
        "auto_refill": quota.auto_refill,
        "action_on_exhaustion": {"id": "1", "description": "Block"},
    }


def operator_body(number: int, network: Network) -> Body:
    """An operator with its networks."""
    return {
        "id": number,
        "name": network.name,
        "country": {"id": int(network.mcc), "name": network.country, "mcc": int(network.mcc)},
        "tapcode": [],
        "mnc": [{"id": number, "mnc": network.mnc}],
    }


def day_body(day: str, uplink: int, downlink: int) -> Body:
    """The bytes of a day."""
    data = {"volume": (uplink + downlink) / MB, "volume_tx": uplink / MB, "volume_rx": downlink / MB}
    return {"date": day, "data": data, "sms": {"volume": 0, "volume_tx": 0, "volume_rx": 0}}

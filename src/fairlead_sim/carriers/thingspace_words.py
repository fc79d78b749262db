"""The world's SIMs in ThingSpace's words: the bodies that Verizon's pages describe. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fairlead_sim.world.sims import SessionEvent, Sim, SimState, Standing

STATES: Final[Mapping[SimState, str]] = {
    "inventory": "preactive",
    "ready": "preactive",
    "active": "active",
    "standby": "suspend",
    "suspended": "suspend",
    "deactivated": "deactive",
    "terminated": "deactive",
}
_EVENTS: Final = {"created": "Start", "modified": "Interim", "deleted": "Stop"}

Body = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Request:
    """A request under way, or ended."""

    id: str
    sim: Sim
    action: str
    due: datetime
    fault: str = ""  # the code it fails with

    def status(self, now: datetime) -> str:
        """Pending, Success, Failed."""
        if now < self.due:
            return "Pending"
        return "Failed" if self.fault else "Success"


def moment(at: datetime) -> str:
    """A point in time, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ids_body(sim: Sim, imei: str) -> list[Body]:
    """Identifiers, their kinds spelled as Verizon happens to."""
    found = [("mdn", sim.msisdn[-10:]), ("msisdn", sim.msisdn), ("imsi", sim.imsi), ("iccId", sim.iccid)]
    return [{"id": text, "kind": kind} for kind, text in [*found, ("imei", imei), ("eid", sim.eid)] if text]


def device_body(sim: Sim, shown: Standing, account: str, number: int, known_at: datetime) -> Body:
    """A device of a list."""
    event = sim.seen_by(known_at)
    connected = event is not None and event.kind != "deleted"
    body: Body = {
        "accountName": account,
        "billingCycleEndDate": moment(sim.created_at),
        "carrierInformations": [
            {"carrierName": "Verizon Wireless", "servicePlan": shown.plan, "state": STATES[shown.state]}
        ],
        "connected": connected,
        "createdAt": moment(sim.created_at),
        "deviceIds": ids_body(sim, event.session.imei if event is not None else ""),
        "extendedAttributes": [{"key": "DeviceId", "value": str(number)}, {"key": "SkuNumber"}],
        "groupNames": [sim.group or f"Default: {account}"],
        "ipAddress": event.session.ip if event is not None and connected else "0.0.0.0",  # noqa: S104 - their word
    }
    if event is not None:
        body["lastConnectionDate"] = moment(event.session.started_at)
    return body


def connection_body(event: SessionEvent) -> Body:
    """One line of connection history."""
    session = event.session
    spent = session.uplink_bytes + session.downlink_bytes if event.kind == "deleted" else 0
    said = {"BytesUsed": str(spent), "Event": _EVENTS[event.kind]}
    return {
        "occurredAt": moment(event.at),
        "connectionEventAttributes": [{"key": key, "value": value} for key, value in said.items()],
        "extendedAttributes": [],
    }


def usage_body(day: datetime, spent: int, source: str) -> Body:
    """One day of usage history."""
    return {
        "timestamp": moment(day), "bytesUsed": spent, "smsUsed": 0, "source": source,
        "extendedAttributes": [{"key": "MoSms", "value": "0"}],
    }  # fmt: skip


MOST_CALLBACKS: Final = 4  # the first, and three more where it is not taken


def callback_body(
    request: Request, account: str, who: tuple[str, str], resumes: datetime | None, *, count: int
) -> Body:
    """The answer of `CarrierService` to a request, sent for the `count`th time."""
    body: Body = {
        "username": who[0],
        "password": who[1],
        "requestId": request.id,
        "deviceIds": ids_body(request.sim, ""),
        "callbackCount": count,
        "maxCallbackThreshold": MOST_CALLBACKS,
    }
    if request.fault:
        fault = {"faultcode": request.fault, "faultstring": "REQUEST_FAILED. The request could not be completed."}
        return {**body, "faultResponse": fault, "status": "Failed"}
    answer: Body = {"accountName": account}
    if resumes is not None:
        answer["expectedResumeDate"] = moment(resumes)
    return {**body, "deviceResponse": {f"{request.action}Response": answer}, "status": "Success"}


def resume_body(sim: Sim, request: str, who: tuple[str, str], resumes: datetime, *, count: int) -> Body:
    """What is told seven days before a suspension ends by itself."""
    day = f"{resumes.month}/{resumes.day}/{resumes.year} 12:00:00 AM"
    return {
        "username": who[0],
        "password": who[1],
        "requestId": request,
        "deviceIds": [{"id": sim.msisdn[-10:], "kind": "Mdn"}, {"id": sim.iccid, "kind": "Iccid"}],
        "comment": f"Device will be auto resumed on - {day}",
        "callbackCount": count,
        "maxCallbackThreshold": MOST_CALLBACKS,
    }

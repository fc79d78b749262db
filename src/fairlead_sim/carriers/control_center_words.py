"""The world's SIMs in Control Center's words: the bodies that Cisco's pages describe. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from fairlead_sim.world.sims import Sim, SimState, Standing

STATUS: Final[Mapping[SimState, str]] = {
    "inventory": "INVENTORY",
    "ready": "ACTIVATION_READY",
    "active": "ACTIVATED",
    "standby": "ACTIVATION_READY",
    "suspended": "DEACTIVATED",
    "deactivated": "DEACTIVATED",
    "terminated": "RETIRED",
}

Body = dict[str, object]


def moment(at: datetime) -> str:
    """A point in time as device details give it: "2016-07-06 22:04:04.380+0000"."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}+0000"


def found_body(sim: Sim, shown: Standing, status: str) -> Body:
    """A device as a search gives it."""
    return {"iccid": sim.iccid, "status": status, "ratePlan": shown.plan, "communicationPlan": "data and SMS"}


def device_body(sim: Sim, shown: Standing, status: str, imei: str) -> Body:
    """A device in full. The custom fields that a role does not see are left out."""
    return {
        **found_body(sim, shown, status),
        "imsi": sim.imsi,
        "msisdn": sim.msisdn,
        "imei": imei,
        "customer": None,
        "endConsumerId": None,
        "dateActivated": moment(sim.created_at),
        "dateAdded": moment(sim.created_at),
        "dateUpdated": moment(shown.modified_at),
        "dateShipped": moment(sim.created_at),
        "accountId": "100020620",
        "fixedIPAddress": None,
        "accountCustom1": "",
        "simNotes": None,
        "deviceID": None,
        "modemID": "",
        "globalSimType": "",
        "eid": sim.eid or None,
    }


def session_body(sim: Sim, known_at: datetime) -> Body:
    """The current session, or the last one, as known at a time."""
    event = sim.seen_by(known_at)
    body: Body = {"iccid": sim.iccid, "ipAddress": None, "dateSessionStarted": None, "dateSessionEnded": None}
    if event is None:
        return body
    session = event.session
    body |= {"ipAddress": session.ip, "apn": session.apn, "dateSessionStarted": moment(session.started_at)}
    if event.kind == "deleted":
        body["dateSessionEnded"] = moment(event.at)
    return body


def cycle_of(first: datetime) -> tuple[datetime, datetime]:
    """A billing cycle of this account: a calendar month, and its last second."""
    following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    return first, following - timedelta(seconds=1)


def usage_body(sim: Sim, first: datetime, at: datetime, known_at: datetime | None) -> Body:
    """One cycle's bytes by rate plan and zone; nothing spent is no line."""
    begin, end = cycle_of(first)
    spent = sum(sum(two) for day, two in sim.days(known_at).items() if begin.date() <= day <= end.date())
    zones: Body = {}
    if spent:
        halves = {"home": spent // 2, "roaming": spent - spent // 2}
        zones[f"{sim.plan}, 1"] = [
            {
                "ratePlan": sim.plan,
                "ratePlanVersion": "1",
                "zone": zone,
                "dataUsage": share,
                "dataUsageUnit": "bytes",
                "voiceMTUsage": None,
                "smsmousage": None,
            }
            for zone, share in halves.items()
        ]
    return {
        "iccid": sim.iccid,
        "timeStamp": at.isoformat(),
        "cycleStartDate": begin.isoformat(),
        "cycleEndDate": end.isoformat(),
        "deviceCycleUsageInZones": zones,
    }

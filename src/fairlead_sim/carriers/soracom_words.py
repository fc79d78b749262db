"""The world's SIMs in Soracom's words: the bodies its contract describes. Pure.

The contract's enumeration for a subscriber's status has no word for a primary subscription that is
suspended or inactive, though its prose names them, so the primary one carries no status here and
the SIM's own field says it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from fairlead_sim.world.sims import Carrier, Session, SessionEvent, Sim, SimState, Standing

STATUS: Final[Mapping[SimState, str]] = {
    "inventory": "ready",
    "ready": "ready",
    "active": "active",
    "standby": "standby",
    "suspended": "suspended",
    "deactivated": "inactive",
    "terminated": "terminated",
}
MODULES: Final[Mapping[str, str]] = {
    "2FF": "mini",
    "3FF": "micro",
    "4FF": "nano",
    "MFF2": "embedded",
    "iSIM": "integrated",
    "eUICC": "profilePackage",
    "softSIM": "virtual",
}
_EVENTS: Final = {"created": "Created", "modified": "Modified", "deleted": "Deleted"}

Body = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Task:
    """One call of a batch job."""

    path: str
    sim: str
    status: Literal["pending", "success", "error"] = "pending"
    code: int = 0
    body: Body = field(default_factory=dict[str, object])


@dataclass(slots=True, kw_only=True)
class Job:
    """A batch job: one action on many SIMs."""

    id: str
    group: str
    name: str
    action: str
    tasks: list[Task]
    created_at: datetime
    finished_at: datetime | None = None

    @property
    def status(self) -> str:
        """The contract's word."""
        if self.finished_at is None:
            return "running"
        return "failed" if any(task.status == "error" for task in self.tasks) else "completed"


def millis(instant: datetime) -> int:
    """UNIX milliseconds."""
    return int(instant.timestamp() * 1000)


SPEEDS: Final = frozenset({"s1.minimum", "s1.slow", "s1.standard", "s1.fast", "s1.4xfast"})  # of plan01s


def sim_body(sim: Sim, shown: Standing, carrier: Carrier, operator: str, now: datetime) -> Body:
    """The `Sim` of the contract; what is still pending shows as it was."""
    body: Body = {
        "simId": sim.iccid,
        "operatorId": operator,
        "status": STATUS[shown.state],
        "type": "uicc",
        "moduleType": MODULES[sim.form_factor],
        "speedClass": shown.speed or "s1.fast",
        "activeProfileId": sim.iccid,
        "createdTime": millis(sim.created_at),
        "lastModifiedTime": millis(shown.modified_at),
        "terminationEnabled": shown.termination_enabled,
        "capabilities": {"data": True, "sms": True},
        "tags": {"name": ""},
        "profiles": {sim.iccid: profile_body(sim, carrier, now)},
        "sessionStatus": _status_body(sim, now - carrier.lag),
    }
    if shown.group:
        body["groupId"] = shown.group
    if shown.imei_lock:
        body["imeiLock"] = {"imei": shown.imei_lock}
    last = _last_ended(sim, now - carrier.lag)
    if last is not None:
        body["previousSession"] = _previous_body(last)
    if sim.last_seen_at is not None:
        body["lastLocationUpdateTime"] = millis(sim.last_seen_at)
    return body


def profile_body(sim: Sim, carrier: Carrier, now: datetime) -> Body:
    """The `SimProfile` of the contract: the primary subscription and those added to the card."""
    subscribers: Body = {
        sim.imsi: {"imsi": sim.imsi, "msisdn": sim.msisdn, "subscription": sim.plan, "bundles": []},
    }
    for further in sim.further.values():
        subscribers[further.imsi] = {
            "imsi": further.imsi,
            "msisdn": further.msisdn,
            "subscription": further.plan,
            "status": further.status(now, carrier.delivery_takes),
            "bundles": [],
        }
    return {"iccid": sim.iccid, "primaryImsi": sim.imsi, "otaSupported": True, "subscribers": subscribers}


def containers_body(sim: Sim) -> Body:
    """The `SubscriptionContainerStatus` of the contract."""
    return {
        "containers": [
            {"containerId": number, "downloaded": further.began_at is not None and not further.ended}
            for number, further in enumerate(sim.further.values(), start=1)
        ],
        "countryMapping": {},
    }


def event_body(event: SessionEvent, sim: Sim, operator: str) -> Body:
    """The `SessionEvent` of the contract."""
    session = event.session
    return {
        "time": millis(event.at),
        "event": _EVENTS[event.kind],
        "createdTime": str(millis(session.started_at)),
        "operatorId": operator,
        "simId": sim.iccid,
        "sessionId": session.id,
        "subscription": sim.plan,
        "apn": session.apn,
        **_who(session),
        "cell": _cell(session),
    }


def stats_body(
    sim: Sim, *, since: datetime, until: datetime, period: str, known_at: datetime | None = None
) -> list[Body]:
    """The `AirStatsResponse` list; a terminated SIM's traffic cannot be read any more."""
    if sim.state == "terminated":
        return []
    if period == "minutes":
        first = since - timedelta(minutes=5)
        return [_stat(at, up, down) for at, up, down in sim.by_minutes if first < at <= min(until, known_at or until)]
    months: dict[date, list[int]] = {}
    by_month = period == "month"
    for day, (up, down) in sim.days(known_at).items():
        key = day.replace(day=1) if by_month else day
        counts = months.setdefault(key, [0, 0])
        counts[0] += up
        counts[1] += down
    first_day = since.date().replace(day=1) if by_month else since.date()
    return [
        _stat(datetime(day.year, day.month, day.day, tzinfo=UTC), up, down)
        for day, (up, down) in months.items()
        if first_day <= day <= until.date()
    ]


def _stat(at: datetime, up: int, down: int) -> Body:
    return {
        "unixtime": int(at.timestamp()),
        "date": at.strftime("%Y%m%d%H%M"),
        "dataTrafficStatsMap": {
            "s1.fast": {
                "uploadByteSizeTotal": up,
                "downloadByteSizeTotal": down,
                "uploadPacketSizeTotal": -(-up // 1400),
                "downloadPacketSizeTotal": -(-down // 1400),
            }
        },
    }


def _status_body(sim: Sim, known_at: datetime) -> Body:
    event = sim.seen_by(known_at)
    if event is None:
        return {"online": False}
    if event.kind == "deleted":
        return {"online": False, "lastUpdatedAt": millis(event.at)}
    session = event.session
    return {
        "online": True,
        "lastUpdatedAt": millis(event.at),
        "sessionId": session.id,
        "subscription": sim.plan,
        **_who(session),
        "cell": _cell(session),
    }


def _last_ended(sim: Sim, known_at: datetime) -> Session | None:
    known = (event for event in reversed(sim.events) if event.kind == "deleted" and event.at <= known_at)
    return next((event.session for event in known), None)


def _previous_body(session: Session) -> Body:
    ended = session.ended_at or session.started_at
    return {
        "sessionId": session.id,
        "createdTime": millis(session.started_at),
        "deletedTime": millis(ended),
        **_who(session),
        "cell": _cell(session),
    }


def _who(session: Session) -> Body:
    return {"imsi": session.imsi, "imei": session.imei, "ueIpAddress": session.ip}


def _cell(session: Session) -> Body:
    mcc, _, mnc = session.plmn.partition("-")
    return {
        "radioType": session.rat,
        "mcc": int(mcc),
        "mnc": int(mnc),
        "tac": session.tac,
        "eci": session.eci,
    }


def batch_group_body(group: str, name: str, at: datetime) -> Body:
    """The `BatchGroupResponse` of the contract; times in seconds here."""
    seconds = int(at.timestamp())
    return {"batchGroupId": group, "batchGroupName": name, "createdTime": seconds, "updatedTime": seconds}


def batch_job_body(job: Job) -> Body:
    """The `BatchJobResponse` of the contract."""
    counts = Counter(task.status for task in job.tasks)
    body: Body = {
        "batchGroupId": job.group,
        "jobId": job.id,
        "jobName": job.name,
        "abortOnFailure": False,
        "status": job.status,
        "createdTime": int(job.created_at.timestamp()),
        "updatedTime": int((job.finished_at or job.created_at).timestamp()),
        "summary": {one: counts[one] for one in ("pending", "success", "error")},
    }
    if job.finished_at is not None:
        body["finishedTime"] = int(job.finished_at.timestamp())
    return body


def batch_task_body(number: int, task: Task, job: Job) -> Body:
    """The `BatchTaskResponse` of the contract."""
    body: Body = {"taskId": number, "request": {"path": task.path, "method": "POST"}, "status": task.status}
    if task.status != "pending" and job.finished_at is not None:
        at = int(job.finished_at.timestamp())
        body |= {"startedTime": at, "finishedTime": at, "response": {"statusCode": task.code, "body": task.body}}
    return body

"""The world's SIMs in 1NCE's words, of both versions of its interface. Pure.

Its documented lies are in here: a device that went away stays ATTACHED for as long as the visited
network takes to tell, one to two days.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from fairlead_sim.world.sims import Carrier, Session, SessionEvent, Sim, Standing

Version = Literal["v1", "v2"]
Body = dict[str, object]

LOSS_TOLD_AFTER: Final = timedelta(days=2)
MEGABYTE: Final = 1024 * 1024
VOLUME_MB: Final = 500
_CORE_KNOWS: Final = frozenset({"subscription_off", "data_limit"})  # ends that the carrier made itself
_EVENTS: Final = {"created": "Create PDP Context", "modified": "Update PDP Context", "deleted": "Delete PDP Context"}
_SMS_IDS: Final = {"DELIVERED": 4, "FAILED": 5, "PENDING": 2, "EXPIRED": 6}


def key_of(iccid: str) -> str:
    """The carrier's key of a SIM: its ICCID without the check digit."""
    return iccid[:-1]


def stamp(at: datetime) -> str:
    """ISO 8601 with milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def imeisv(imei: str) -> str:
    """16 digits: the IMEI without its check digit, and a software version."""
    return f"{imei[:14]}01"


def word_of(shown: Standing) -> str:
    """Enabled or Disabled, and nothing else."""
    return "Enabled" if shown.state in {"ready", "active"} else "Disabled"


def sim_body(sim: Sim, shown: Standing, imei: str, spent: int) -> Body:
    """A SIM."""
    left = VOLUME_MB * MEGABYTE - spent
    share = 2 if left <= 0 else int(left * 5 < VOLUME_MB * MEGABYTE)
    body: Body = {
        "iccid": key_of(sim.iccid),
        "iccid_with_luhn": sim.iccid,
        "imsi": sim.imsi,
        "current_imsi": sim.imsi,
        "msisdn": sim.msisdn,
        "imei_lock": bool(shown.imei_lock),
        "status": word_of(shown),
        "activation_date": stamp(sim.created_at),
        "ip_address": "100.100.100.18",
        "current_quota": VOLUME_MB,
        "quota_status": {
            "id": share,
            "description": ("More than 20% available", "Less than 20% available", "No volume available")[share],
        },
        "current_quota_SMS": 250,
        "quota_status_SMS": {"id": 0, "description": "More than 20% available"},
        "label": sim.group,
    }
    return {**body, "imei": imeisv(imei)} if imei else body


def quota_body(spent: int, ends: datetime, now: datetime, version: Version) -> Body:
    """What is left, and until when; v2 says in a word that the term is over."""
    left = VOLUME_MB - spent / MEGABYTE
    body: Body = {
        "volume": round(left, 6),
        "total_volume": VOLUME_MB,
        "expiry_date": stamp(ends),
        "last_volume_added": VOLUME_MB,
        "threshold_percentage": 20,
    }
    if version == "v1":
        return body
    status = (2, "EXPIRED") if ends <= now else (1, "ACTIVE") if left > 0 else (0, "EXHAUSTED")
    return {**body, "id": 1, "service": "data", "status": {"id": status[0], "description": status[1]}}


def status_body(sim: Sim, carrier: Carrier, now: datetime, *, blocked: bool, version: Version) -> Body:
    """On the air or not, as far as 1NCE has been told."""
    event = sim.seen_by(now - carrier.lag)
    word = "BLOCKED" if blocked and version == "v2" else _air(event, now)
    body: Body = {"services": ["LTE"] if word == "ONLINE" else []}
    body["status"] = word if version == "v1" else {"description": word}
    if word != "ONLINE" or event is None:
        return body
    body["location"] = {"iccid": key_of(sim.iccid), "imsi": sim.imsi}
    if version == "v1":
        return {**body, "pdp_context": _context(event.session)}
    return {**body, "pdp_contexts": [{**_context(event.session), **_more(event.session)}]}


def _air(event: SessionEvent | None, now: datetime) -> str:
    if event is None:
        return "OFFLINE"
    if event.kind != "deleted":
        return "ONLINE"
    known = event.session.end_cause in _CORE_KNOWS or now - event.at >= LOSS_TOLD_AFTER
    return "OFFLINE" if known else "ATTACHED"


def _context(session: Session) -> Body:
    mcc, _, mnc = session.plmn.partition("-")
    return {
        "pdp_context_id": str(int(session.id.rpartition("-")[2], 16)),
        "endpoint_id": "166",
        "tariff_id": "34",
        "ratezone_id": "70",
        "organisation_id": "2",
        "imsi_id": "627",
        "imsi": session.imsi,
        "sim_id": "625",
        "gtp_version": "1",
        "nsapi": "5",
        "sgsn_control_plane_ip_address": "192.0.2.1",
        "sgsn_data_plane_ip_address": "192.0.2.2",
        "ggsn_control_plane_ip_address": "192.0.2.3",
        "ggsn_data_plane_ip_address": "192.0.2.4",
        "created": stamp(session.started_at),
        "mcc": mcc,
        "mnc": mnc,
        "lac": str(session.tac),
        "ci": str(session.eci & 0xFFFF),
        "ue_ip_address": session.ip,
        "imeisv": imeisv(session.imei),
        "rat_type": {"rat_type_id": "6", "description": "4G"},
    }


def _more(session: Session) -> Body:
    """What only v2 tells of a context."""
    teids = ("tx_teid_data_plane", "tx_teid_control_plane", "rx_teid", "rx_teid_data_plane", "rx_teid_control_plane")
    return {
        **dict.fromkeys(teids, "7116"),
        "sac": "7",
        "rac": "8",
        "region": "eu-central-1",
        "apn": session.apn,
        "gtp_v2_uli": {"tac": str(session.tac), "eci": str(session.eci)},
    }


def event_body(event: SessionEvent, sim: Sim, version: Version) -> Body:
    """One event: a sentence in v1, an object in v2."""
    session, word = event.session, _EVENTS[event.kind]
    if version == "v2":
        return {
            "timestamp": stamp(event.at),
            "event_type": {"id": 3, "description": word},
            "description": f"{word}.",
            "alert": False,
            "endpoint": {"id": 1, "imei": imeisv(session.imei)},
            "sim": {"id": 110, "iccid": key_of(sim.iccid), "msisdn": sim.msisdn},
            "imsi": {"id": 110, "imsi": session.imsi},
        }
    mcc, _, mnc = session.plmn.partition("-")
    return {
        "timestamp": stamp(event.at),
        "event_type": word,
        "iccid": key_of(sim.iccid),
        "imei": imeisv(session.imei),
        "imsi": session.imsi,
        "mcc": mcc,
        "mnc": mnc,
        "alert": False,
        "event_severity": "Info",
    }


def usage_body(days: dict[str, tuple[int, int]]) -> Body:
    """Bytes by day, in megabytes with six decimals: received by the SIM, sent by it, and both."""

    def mb(count: int) -> str:
        return f"{count / MEGABYTE:.6f}"

    return {
        "stats": [
            {
                "date": f"{day}T00:00:00.000Z",
                "data": {"volume": mb(up + down), "volume_rx": mb(down), "volume_tx": mb(up)},
            }
            for day, (up, down) in days.items()
        ]
    }


def limit_body(number: int, megabytes: int) -> Body:
    """A ceiling of the carrier's list."""
    return {"id": number, "limit": str(megabytes), "unit": "MB"}


def sms_body(number: int, sim: Sim, text: str, at: datetime, word: str) -> Body:
    """A message and what became of it (v2)."""
    return {
        "id": number,
        "iccid": key_of(sim.iccid),
        "payload": text,
        "submit_date": stamp(at),
        "status": {"id": _SMS_IDS[word], "description": word},
        "sms_type": {"id": 1, "description": "MT"},
        "dcs": 0,
    }

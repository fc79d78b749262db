"""The world's SIMs in Telnyx's words: the bodies its contract and its lifecycle page describe. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid5

from fairlead_sim.world.sims import Carrier, Session, Sim, SimState, Standing

STATUS: Final[Mapping[SimState, str]] = {
    "inventory": "registered",
    "ready": "enabled",
    "active": "enabled",
    "standby": "standby",
    "suspended": "disabled",
    "deactivated": "disabled",
    "terminated": "disabling",
}
MOVING: Final[Mapping[SimState, str]] = {
    "active": "enabling",
    "suspended": "disabling",
    "standby": "setting_standby",
    "terminated": "disabling",
}
_REASONS: Final[Mapping[str, str]] = {
    "enabled": "The SIM card is active, ready to connect to networks and consume data.",
    "data_limit_exceeded": "The SIM card has reached its data limit.",
    "unauthorized_imei": "The device's IMEI is not authorized.",
}
_NAMES: Final = UUID("7e1e0000-0000-4000-8000-000000000000")
_MEGABYTE: Final = 1_000_000

Body = dict[str, object]


def sim_id(iccid: str) -> str:
    """The carrier's own key of a SIM."""
    return str(uuid5(_NAMES, iccid))


def some_id(kind: str, number: int) -> str:
    """The key of an action, a group, a list."""
    return str(uuid5(_NAMES, f"{kind} {number}"))


def stamp(at: datetime) -> str:
    """ISO 8601 with milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def megabytes(count: int) -> dict[str, str]:
    """An amount with one decimal, rounded down."""
    tenths = count * 10 // _MEGABYTE
    return {"amount": f"{tenths // 10}.{tenths % 10}", "unit": "MB"}


def word_of(sim: Sim, shown: Standing, device_imei: str, now: datetime) -> str:
    """The one word: what is on its way, else what was imposed, else what was chosen."""
    if shown.pending is not None:
        return MOVING.get(shown.pending, "registering")
    word = STATUS[shown.state]
    if word == "enabled" and shown.imei_lock and device_imei and device_imei not in shown.imei_lock.split(","):
        return "unauthorized_imei"
    if word == "enabled" and sim.over_limit(now):
        return "data_limit_exceeded"
    return word


def sim_body(sim: Sim, shown: Standing, word: str, group: str, spent: int) -> Body:
    """A SIM as a list shows it."""
    body: Body = {
        "id": sim_id(sim.iccid),
        "record_type": "sim_card",
        "status": {"value": word, "reason": _REASONS.get(word, f"The SIM card is {word}.")},
        "type": "esim" if sim.eid else "physical",
        "iccid": sim.iccid,
        "imsi": sim.imsi,
        "msisdn": f"+{sim.msisdn}",
        "eid": sim.eid or None,
        "sim_card_group_id": group,
        "tags": [],
        "authorized_imeis": shown.imei_lock.split(",") if shown.imei_lock else None,
        "current_billing_period_consumed_data": megabytes(spent),
        "actions_in_progress": shown.pending is not None,
        "created_at": stamp(sim.created_at),
        "updated_at": stamp(shown.modified_at),
    }
    if shown.limit_bytes is not None:
        body["data_limit"] = megabytes(shown.limit_bytes)
    return body


def session_part(sim: Sim, carrier: Carrier, now: datetime) -> Body:
    """What only a SIM's own page tells: where it is, as far as the carrier knows by now."""
    event = sim.seen_by(now - carrier.lag)
    if event is None:
        return {"live_data_session": "unknown"}
    body: Body = {"current_imei": event.session.imei}
    if event.kind == "deleted":
        return {**body, "live_data_session": "disconnected"}
    mcc, _, mnc = event.session.plmn.partition("-")
    return {
        **body,
        "live_data_session": "connected",
        "current_mcc": mcc,
        "current_mnc": mnc,
        "ipv4": event.session.ip,
    }


def spent_bytes(sim: Sim, carrier: Carrier, now: datetime) -> int:
    """Bytes of the month so far, as late as the carrier counts."""
    days = sim.days(now - carrier.usage_lag if carrier.usage_lag else None)
    return sum(up + down for day, (up, down) in days.items() if (day.year, day.month) == (now.year, now.month))


def log_body(session: Session, sim: Sim) -> Body:
    """One data session of the connectivity logs."""
    mcc, _, mnc = session.plmn.partition("-")
    body: Body = {
        "id": int(session.id.rpartition("-")[2], 16),
        "record_type": "wireless_connectivity_log",
        "sim_card_id": sim_id(sim.iccid),
        "log_type": "data",
        "state": "provisioned",
        "imei": session.imei,
        "imsi": session.imsi,
        "ipv4": session.ip,
        "apn": session.apn,
        "cell_id": f"{mcc}{mnc}-{session.eci}",
        "mobile_country_code": mcc,
        "mobile_network_code": mnc,
        "radio_access_technology": session.rat,
        "created_at": stamp(session.started_at),
        "start_time": stamp(session.started_at),
    }
    if session.ended_at is not None:
        body["stop_time"] = stamp(session.ended_at)
    return body

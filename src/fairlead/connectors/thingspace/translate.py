"""ThingSpace's records → our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

A device has a list of identifiers of several kinds, whose kinds are spelled as they come (`iccId`,
`Iccid`). Its key here is the ICCID; a device without one is not a SIM and named as unreadable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.connectors._kit.states import plain
from fairlead.engine.ports.carrier import (
    ProviderId,
    ReasonCode,
    SessionEvent,
    SessionStatus,
    SimRecord,
    UsagePeriod,
)
from fairlead.model.subscription import (
    CapabilityRecord,
    Connectivity,
    Freshness,
    SubscriptionState,
    SubscriptionStatus,
    Verb,
    narrowed,
)

STATES: Final[Mapping[str, SubscriptionState]] = {
    "ACTIVE": SubscriptionState.ACTIVE,
    "SUSPEND": SubscriptionState.SUSPENDED,
    "SUSPENDED": SubscriptionState.SUSPENDED,
    "DEACTIVE": SubscriptionState.DEACTIVATED,
    "PREACTIVE": SubscriptionState.INVENTORY,
    "PRE_ACTIVE": SubscriptionState.INVENTORY,
}
_NO_PLAN_IN_SUSPENSION: Final = {Verb.SET_PLAN: "a suspended line keeps its plan"}
_EVENTS: Final = {"start": "created", "stop": "deleted"}
_HOME_DIGITS: Final = 10  # of a number as Verizon writes it, without the country's 1
_RAW: Final = "RAW_USAGE"

_SEVEN_BIT: Final = "7-bit"
_EIGHT_BIT: Final = "8-bit-UTF-8"
_PLAIN: Final = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !"#%&()*+,-./:;=>?\r\n')
_BANNED: Final = frozenset("'<\\’")  # refused anywhere in a request
_LONGEST_7, _LONGEST_8 = 160, 140


def kinds_of(value: object) -> dict[str, str]:
    """The identifiers of a device by kind, lower case; the first of a kind."""
    found: dict[str, str] = {}
    for line in as_list(value) or []:
        one = as_object(line) or EMPTY
        kind, identity = one.get("kind"), one.get("id")
        if isinstance(kind, str) and isinstance(identity, str) and identity:
            found.setdefault(kind.lower(), identity)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Translator:
    """Translates for one account."""

    record: CapabilityRecord
    states: Mapping[str, SubscriptionState]  # by plain spelling: the usual words and the account's own

    def state_of(self, word: str) -> SubscriptionState:
        """Our word for theirs; staging states that customers define are unknown unless the settings explain them."""
        return self.states.get(plain(word), SubscriptionState.UNKNOWN)

    def sim(self, value: object, freshness: Freshness) -> SimRecord | None:
        """One device; None when the value is not an object with an ICCID."""
        body = as_object(value)
        ids = kinds_of(body.get("deviceIds")) if body is not None else {}
        key = ids.get("iccid", "")
        if body is None or not key:
            return None
        complaints: list[str] = []
        device, number = Fields(body, complaints), Fields(_numbers(ids), complaints, "deviceIds.")
        lines = as_list(device.value("carrierInformations")) or []
        carrier = Fields(as_object(lines[0] if lines else None) or EMPTY, complaints, "carrierInformations.")
        groups = as_list(device.value("groupNames")) or []
        imsi, word = number.imsi("imsi"), carrier.text("state")
        state = self.state_of(word)
        imei = number.imei("imei")
        return SimRecord(
            provider_id=ProviderId(key),
            iccid=number.iccid("iccid"),
            subscription=SubscriptionStatus(state=state, provider_state=word),
            session=replace(self._session(device, freshness), imei=imei, imsi=imsi),
            freshness=freshness,
            imsis=(imsi,) if imsi is not None else (),
            msisdn=number.msisdn("msisdn"),
            eid=number.eid("eid"),
            imei=imei,
            plan=carrier.text("servicePlan"),
            group=next((one for one in groups if isinstance(one, str)), ""),
            capabilities=narrowed(self.record, _NO_PLAN_IN_SUSPENSION)
            if state is SubscriptionState.SUSPENDED
            else None,
            complaints=tuple(complaints),
        )

    def _session(self, device: Fields, freshness: Freshness) -> SessionStatus:
        online = device.truth("connected")
        words = {True: Connectivity.ONLINE, False: Connectivity.OFFLINE, None: Connectivity.UNKNOWN}
        address = device.text("ipAddress")
        return SessionStatus(
            connectivity=words[online],
            freshness=self._of_sessions(freshness),
            ip=address if online and address != "0.0.0.0" else "",  # noqa: S104 - their word for none
            since=device.moment("lastConnectionDate") if online else None,
        )

    def _of_sessions(self, freshness: Freshness) -> Freshness:
        return replace(freshness, staleness=self.record.session_staleness)

    def event(self, value: object, freshness: Freshness) -> SessionEvent | None:
        """One line of connection history; None when it has no time."""
        fields = Fields(as_object(value) or EMPTY, [])
        at = fields.moment("occurredAt")
        if at is None:
            return None
        said = attributes(fields.value("connectionEventAttributes")).get("Event", "").lower()
        kind = _EVENTS.get(said, "unknown")
        after = {"created": Connectivity.ONLINE, "deleted": Connectivity.OFFLINE}.get(kind, Connectivity.UNKNOWN)
        session = SessionStatus(connectivity=after, freshness=self._of_sessions(freshness), since=at)
        if kind == "created":
            return SessionEvent(at=at, kind="created", session=session)
        return SessionEvent(at=at, kind="deleted" if kind == "deleted" else "unknown", session=session)

    def usage(self, sim: ProviderId, lines: list[object], freshness: Freshness) -> tuple[UsagePeriod, ...]:
        """Days, oldest first. A day may come from several sources: the raw count is taken, or else what there is."""
        lag = self.record.usage.lag_final if self.record.usage else timedelta(days=3)
        days: dict[datetime, tuple[bool, UsagePeriod]] = {}
        for line in lines:
            fields = Fields(as_object(line) or EMPTY, [])
            start, spent = fields.moment("timestamp"), fields.whole("bytesUsed")
            if start is None or spent is None or spent < 0:
                continue
            raw = plain(fields.text("source")) in {_RAW, ""}
            end = start + timedelta(days=1)
            period = UsagePeriod(
                provider_id=sim,
                start=start,
                end=end,
                uplink_bytes=0,
                downlink_bytes=spent,
                source="raw" if raw else "rated",
                final=end + lag <= freshness.observed_at,
                freshness=freshness,
                split=False,
            )
            if start not in days or (raw and not days[start][0]):
                days[start] = (raw, period)
        return tuple(period for _, (_, period) in sorted(days.items(), key=lambda day: day[0]))


def _numbers(ids: Mapping[str, str]) -> Mapping[str, object]:
    """Identifiers to read: the MSISDN, or the number at home with the country's 1 before it."""
    home = ids.get("mdn", "")
    number = ids.get("msisdn") or (f"1{home}" if len(home) == _HOME_DIGITS else home)
    return {**ids, "msisdn": number}


def attributes(value: object) -> dict[str, str]:
    """A list of keys and values as a table."""
    found: dict[str, str] = {}
    for line in as_list(value) or []:
        one = as_object(line) or EMPTY
        key, text = one.get("key"), one.get("value")
        if isinstance(key, str) and isinstance(text, str):
            found[key] = text
    return found


def device_id(value: object) -> int | None:
    """Verizon's own id of a device, which is the cursor of a list."""
    text = attributes((as_object(value) or EMPTY).get("extendedAttributes")).get("DeviceId", "")
    return int(text) if text.isascii() and text.isdigit() else None


def encoding_of(text: str) -> str | None:
    """The encoding that carries a text whole; None where none does, or where a letter is refused in any request."""
    if not text or set(text) & _BANNED:
        return None
    if set(text) <= _PLAIN:
        return _SEVEN_BIT if len(text) <= _LONGEST_7 else None
    return _EIGHT_BIT if len(text.encode()) <= _LONGEST_8 else None


# --- refusals ----------------------------------------------------------------------------------


def fault_of(code: str) -> str:
    """A code without the service that says it: what it means is the same whoever says it."""
    _, dot, rest = code.partition(".")
    first = rest.partition(".")[0]
    return rest if dot and first.isupper() else code


def already(code: str) -> bool:
    """True when the refusal says that it is so already: the line shows it, or will."""
    return "DeviceAlready" in fault_of(code)


def nobody(code: str) -> bool:
    """True when the account has no such device."""
    fault = fault_of(code)
    return "DeviceNotFound" in fault or fault == "INPUT_INVALID.Device.Account.Invalid"


def why_not(code: str) -> ReasonCode | None:
    """What a code means; None leaves it to the HTTP status. Matched by its class: Verizon adds codes."""
    fault = fault_of(code)
    if "Exceed" in fault:
        return ReasonCode.QUOTA_ACTION
    for prefix, reason in (
        ("INPUT_INVALID", ReasonCode.INVALID_REQUEST),
        ("REQUEST_ONHOLD", ReasonCode.BUSY),
        ("REQUEST_CANCELLED", ReasonCode.CONFLICT_STATE),
        ("REQUEST_FAILED", ReasonCode.CONFLICT_STATE),
    ):
        if fault.startswith(prefix):
            return reason
    return None

"""What a write wants to see in the record afterwards. Pure.

One question asked three times: before sending (is it so already? then nothing is sent), of the
reply (does it show it? only then is it done), and later with an `Accepted` reference. The
reference holds the wish itself, so it can be followed up by another process after a restart.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from fairlead.engine.ports.carrier import (
    Container,
    DataLimit,
    NetworkPolicy,
    ProviderId,
    RawReply,
    ReasonCode,
    Refused,
    SimRecord,
)
from fairlead.model.identifiers import Imei

Kind = Literal[
    "state",
    "termination",  # allowed or forbidden
    "group",
    "plan",
    "imei_lock",  # an IMEI; empty: no lock
    "limit",  # bytes; empty: none
    "networks",  # `network_value` of a policy
    "speed",  # a speed class
    "delivery",  # of a further subscription, by plan
    "withdrawal",  # of a further subscription, by IMSI
    "reconnection",  # the session that shall end; empty: there was none
]


class MalformedReference(ValueError):
    """A reference that no `Accepted` of ours carried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the record shall show: `value` in the words of its kind."""

    kind: Kind
    value: str

    def met(self, record: SimRecord) -> bool:
        """True when the record shows it."""
        match self.kind:
            case "state":
                return record.subscription.state == self.value
            case "termination":
                return record.termination_allowed is (self.value == "allowed")
            case "group":
                return record.group == self.value
            case "delivery":
                found = ordered(record, self.value)
                return found is not None and found.delivered is True
            case "withdrawal":
                return all(one.imsi != self.value or one.provider_state == "terminated" for one in record.containers)
            case "reconnection":
                return not record.session.online or record.session.session_id != self.value
            case "plan" | "imei_lock" | "limit" | "networks" | "speed":
                return self._set(record)

    def _set(self, record: SimRecord) -> bool:
        """True when a setting stands; a setting that the carrier does not report never shows."""
        match self.kind:
            case "plan":
                return record.plan == self.value
            case "speed":
                return record.speed == self.value
            case "imei_lock":
                wanted = Imei(self.value) if self.value else None
                return record.imei_lock is not None and record.imei_lock.holds(wanted)
            case "limit":
                return record.limit is not None and limit_value(record.limit) == self.value
            case _:
                return record.network_policy is not None and network_value(record.network_policy) == self.value

    def reference(self, sim: ProviderId) -> str:
        """The wish as an `Accepted` carries it."""
        return f"{self.kind} {sim} {self.value}"


def read_reference(text: str) -> tuple[ProviderId, Wish]:
    """The SIM and the wish of a reference; raises `MalformedReference`."""
    kind, _, rest = text.partition(" ")
    sim, space, value = rest.partition(" ")
    for known in get_args(Kind):
        if kind == known and sim and space:
            return ProviderId(sim), Wish(kind=known, value=value)
    raise MalformedReference(f"{text!r} is not a reference: expected a kind, a SIM and a value")


def network_value(policy: NetworkPolicy) -> str:
    """A policy as a wish holds it. An empty block list is no steering, whatever it is called."""
    return f"{policy.kind} {','.join(sorted(str(plmn) for plmn in policy.plmns))}"


def limit_value(limit: DataLimit) -> str:
    """A ceiling as a wish holds it."""
    return "" if limit.limit_bytes is None else str(limit.limit_bytes)


def ordered(record: SimRecord, plan: str) -> Container | None:
    """The further subscription of that plan, delivered or on its way, unless it has ended."""
    return next((one for one in record.containers if one.plan == plan and one.provider_state != "terminated"), None)


def own_refusal(reason: ReasonCode, detail: str) -> Refused:
    """A refusal of ours: nothing was sent."""
    return Refused(reason=reason, detail=detail, raw=RawReply(status=0))

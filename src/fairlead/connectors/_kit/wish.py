"""What a write wants to see in the record afterwards. Pure.

One question asked three times: before sending (is it so already? then nothing is sent), of the
reply (does it show it? only then is it done), and later with an `Accepted` reference. The
reference holds the wish itself, so it can be followed up by another process after a restart.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from fairlead.engine.ports.carrier import Container, ProviderId, RawReply, ReasonCode, Refused, SimRecord

Kind = Literal["state", "termination", "group", "delivery", "withdrawal"]


class MalformedReference(ValueError):
    """A reference that no `Accepted` of ours carried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A state, a termination protection, a group, a subscription (by plan) on the card, or one (by IMSI) off it."""

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


def ordered(record: SimRecord, plan: str) -> Container | None:
    """The further subscription of that plan, delivered or on its way, unless it has ended."""
    return next((one for one in record.containers if one.plan == plan and one.provider_state != "terminated"), None)


def own_refusal(reason: ReasonCode, detail: str) -> Refused:
    """A refusal of ours: nothing was sent."""
    return Refused(reason=reason, detail=detail, raw=RawReply(status=0))

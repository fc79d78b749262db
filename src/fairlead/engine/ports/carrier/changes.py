"""Capabilities that change something. Each sends one request and repeats none.

*Natural idempotency*: most of these read the SIM first. A line that already shows the wish is
`Done(changed=False)` and nothing is sent, so asking twice is asking once, and a lost reply is settled
by reading back. Where that does not hold, the capability says so: there, a second call is a second
execution and `OutcomeUnknown` stays unknown.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from fairlead.engine.ports.carrier.observed import Group, NetworkPolicy, ProviderId
from fairlead.engine.ports.carrier.outcomes import BatchOutcome, Outcome
from fairlead.model.identifiers import Iccid, Imei, Imsi
from fairlead.model.subscription import Verb

# --- the life of a line ------------------------------------------------------------------------


@runtime_checkable
class SwitchesState(Protocol):
    """Switching a line on and off. Naturally idempotent by the state in the record."""

    async def activate(self, sim: ProviderId) -> Outcome:
        """Switch on; also the way back from suspended, standby and deactivated."""
        ...

    async def suspend(self, sim: ProviderId) -> Outcome:
        """Switch off for a while."""
        ...


@runtime_checkable
class Deactivates(Protocol):
    """A third state between suspended and ended, which many carriers lack. Naturally idempotent by the state."""

    async def deactivate(self, sim: ProviderId) -> Outcome:
        """Switch off without a plan to return; number and address may be lost."""
        ...


@runtime_checkable
class StandsBy(Protocol):
    """Parking a line with its resources kept; apart because many carriers and plans lack it. Naturally idempotent."""

    async def standby(self, sim: ProviderId) -> Outcome:
        """Park the line."""
        ...


@runtime_checkable
class ProtectsTermination(Protocol):
    """A carrier's own guard against ending a line by mistake. Naturally idempotent by `termination_allowed`."""

    async def allow_termination(self, sim: ProviderId) -> Outcome:
        """Take the carrier's protection off; reversible."""
        ...

    async def forbid_termination(self, sim: ProviderId) -> Outcome:
        """Put the protection back: the undo of the first step."""
        ...


@runtime_checkable
class Terminates(Protocol):
    """Ending a line for good. Naturally idempotent: an ended line is `Done(changed=False)`.

    Where a carrier forgets an ended line, `NotFound` after a lost reply is what the read-back can
    show; whether that means ended is for the caller, who knows that the line was there before.
    """

    async def terminate(self, sim: ProviderId, *, confirm: Iccid) -> Outcome:
        """End the line. `confirm` must be the ICCID the carrier reports for it, else Refused and nothing is sent."""
        ...


@runtime_checkable
class ChangesMany(Protocol):
    """One request for many SIMs, where the carrier has such a call."""

    async def change_many(self, verb: Verb, sims: Sequence[ProviderId]) -> BatchOutcome:
        """Ask for one verb on all of them: at most the verb's `bulk_max`, above 1 only where the carrier takes it.

        The answer names each SIM exactly once, or is one `Accepted` for `follow_many`. `Done` stands only
        where the reply shows the record; a SIM whose fate is open is `Accepted`, to be followed up or
        read back. `Refused` for all where the carrier took nothing. Not idempotent by nature: nobody
        reads thousands of SIMs first, so whoever calls leaves out those that show the wish already.
        After `OutcomeUnknown` any part may have been applied, and each SIM is read back.
        """
        ...

    async def follow_many(self, reference: str) -> BatchOutcome:
        """What became of a batch; `Accepted` again while it is under way. Each SIM's `Refused` carries its reason."""
        ...


# --- settings of a line ------------------------------------------------------------------------


@runtime_checkable
class SetsPlan(Protocol):
    """The tariff. Naturally idempotent by `plan` in the record. It costs money: see the verb's `billable`."""

    async def set_plan(self, sim: ProviderId, plan: str) -> Outcome:
        """Put the line onto a plan by the carrier's own id; `Accepted` where it begins with the next period."""
        ...


@runtime_checkable
class LimitsData(Protocol):
    """A ceiling in bytes. Naturally idempotent by `limit` in the record.

    `CapabilityRecord.limit_scope` says whom it binds: where that is `group` or `account`, one call
    changes every line that shares it, and a plan must say so.
    """

    async def set_limit(self, sim: ProviderId, limit_bytes: int | None) -> Outcome:
        """Set the ceiling, or take it away with None. A figure the carrier cannot hold is Refused, not rounded."""
        ...


@runtime_checkable
class LocksImei(Protocol):
    """Binding a line to a device. Naturally idempotent by `imei_lock` in the record, where the carrier reports it."""

    async def set_imei_lock(self, sim: ProviderId, imei: Imei | None) -> Outcome:
        """Lock to exactly this device, or take the lock off with None.

        A carrier that can only lock to whatever device is in use now is asked only when the record shows
        that very device; otherwise Refused(PRECONDITION), and nothing is sent.
        """
        ...


@runtime_checkable
class SteersNetworks(Protocol):
    """Visited networks. Naturally idempotent by `network_policy`; `CapabilityRecord.steering` says which kind goes."""

    async def set_network_policy(self, sim: ProviderId, policy: NetworkPolicy) -> Outcome:
        """Use only these networks, or all but these. A kind the carrier lacks is Refused(UNSUPPORTED), not inverted."""
        ...


@runtime_checkable
class LimitsSpeed(Protocol):
    """How fast a line may be. Naturally idempotent by `speed` in the record."""

    async def set_speed(self, sim: ProviderId, speed: str) -> Outcome:
        """Put the SIM into a speed class, by the carrier's own name for it; the classes are in the manifest."""
        ...


@runtime_checkable
class Groups(Protocol):
    """Carrier-side groups; a line is in one at most. Naturally idempotent by `group` in the record."""

    async def list_groups(self) -> tuple[Group, ...]:
        """All groups of the account."""
        ...

    async def set_group(self, sim: ProviderId, group: str) -> Outcome:
        """Put the SIM into a group (and out of any other)."""
        ...

    async def unset_group(self, sim: ProviderId) -> Outcome:
        """Take the SIM out of its group."""
        ...


@runtime_checkable
class ManagesProfiles(Protocol):
    """Further subscriptions on the same card. Naturally idempotent by plan and IMSI in `containers`."""

    async def add_subscription(self, sim: ProviderId, *, plan: str, enable: bool) -> Outcome:
        """Order a further subscription over the air; `Accepted` until the card has it."""
        ...

    async def cancel_download(self, sim: ProviderId, *, imsi: Imsi) -> Outcome:
        """Withdraw an ordered subscription whose delivery has not begun."""
        ...


# --- done to a device --------------------------------------------------------------------------


@runtime_checkable
class SendsSms(Protocol):
    """A short message to the device.

    **No natural idempotency.** Nothing in a record shows that a message was sent: two calls are two
    messages, and a lost reply is an `OutcomeUnknown` that no read-back can ever settle. It stays
    unknown, and only a person decides whether the message is sent again.
    """

    async def send_sms(self, sim: ProviderId, text: str) -> Outcome:
        """`Done` when the carrier took it over, which promises nothing about the device.

        `observed` is then the record as read before. `Accepted` where the carrier tells later, by
        `follow_up`, whether it was delivered. A text its encoding cannot carry is Refused, not cut.
        """
        ...


@runtime_checkable
class ResetsConnection(Protocol):
    """Making a device attach anew.

    **Hardly any natural idempotency.** A line without a session may be `Done(changed=False)` where the
    carrier's reset only ends a session; otherwise two calls are two resets. A session that began later
    than the call makes it likely that a lost reset was applied, and proves it nowhere: devices
    reconnect by themselves. A second reset costs one more reconnect and nothing else.
    """

    async def reset_connection(self, sim: ProviderId) -> Outcome:
        """End the session, or the registration, so that the device comes back. `Done`: the carrier did its part."""
        ...

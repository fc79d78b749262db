"""The commercial and observed side of a profile: four axes, never one status.

A carrier portal shows one word for a SIM. That word hides four questions: what was bought and
is it switched on (`SubscriptionState`), is it on the air (`Connectivity`), where is the profile
on the card (its own module) and what is still under way (the Operation). Carriers also impose
holds of their own and use words we have never seen, so the raw word is always kept beside ours.

`plan` reads `CapabilityRecord` to say "not possible at this carrier, because …" before anything
runs; connectors fill it from their manifest; `store` keeps the state words as text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Final, Literal


@unique
class SubscriptionState(StrEnum):
    """The commercial axis, in our words."""

    INVENTORY = "inventory"  # owned, never live
    TEST = "test"  # free and limited
    READY = "ready"  # goes live on first use
    ACTIVE = "active"
    STANDBY = "standby"  # off the network, number and address kept
    SUSPENDED = "suspended"
    DEACTIVATED = "deactivated"  # off; may come back, may lose number and address
    TERMINATED = "terminated"  # final
    UNKNOWN = "unknown"  # a word we cannot map; the raw one is beside it


@unique
class HoldReason(StrEnum):
    """Why the provider itself holds a subscription, whatever we asked for."""

    DATA_LIMIT = "data_limit"
    IMEI_MISMATCH = "imei_mismatch"
    EXPIRED = "expired"
    BILLING = "billing"
    POLICY = "policy"


@unique
class Connectivity(StrEnum):
    """The observed axis. Without its age it means nothing: see `Freshness`."""

    ONLINE = "online"  # a data session is open
    ATTACHED = "attached"  # registered, no data session
    OFFLINE = "offline"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@unique
class Verb(StrEnum):
    """What can be asked of a carrier. A verb a carrier lacks is a fact of its capability record."""

    CLAIM = "claim"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    STANDBY = "standby"
    DEACTIVATE = "deactivate"
    ALLOW_TERMINATION = "allow_termination"  # the reversible first half of ending a subscription
    TERMINATE = "terminate"
    SET_PLAN = "set_plan"
    SET_LIMIT = "set_limit"
    SET_GROUP = "set_group"
    SET_SPEED = "set_speed"  # a speed class by the carrier's own name
    SET_IMEI_LOCK = "set_imei_lock"
    SET_NETWORK_POLICY = "set_network_policy"
    SEND_SMS = "send_sms"
    RESET_CONNECTION = "reset_connection"
    ADD_SUBSCRIPTION = "add_subscription"  # a further operator's subscription onto the same card
    CANCEL_DOWNLOAD = "cancel_download"
    PROFILE_DOWNLOAD = "profile_download"
    PROFILE_ENABLE = "profile_enable"
    PROFILE_DISABLE = "profile_disable"
    PROFILE_DELETE = "profile_delete"


# The state that proves that a verb applied.
VERB_TARGET: Final[Mapping[Verb, SubscriptionState]] = {
    Verb.ACTIVATE: SubscriptionState.ACTIVE,
    Verb.RESUME: SubscriptionState.ACTIVE,
    Verb.SUSPEND: SubscriptionState.SUSPENDED,
    Verb.STANDBY: SubscriptionState.STANDBY,
    Verb.DEACTIVATE: SubscriptionState.DEACTIVATED,
    Verb.TERMINATE: SubscriptionState.TERMINATED,
}

# States in which a device may open a data session by our own account of it. Whether a suspended
# line still passes traffic is the carrier's peculiarity: `VerbCapability.traffic_after`.
USABLE: Final = frozenset({SubscriptionState.TEST, SubscriptionState.READY, SubscriptionState.ACTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old an observed value may be: asked at `observed_at`, true no earlier than that minus `staleness`."""

    observed_at: datetime  # when the carrier was asked
    staleness: timedelta  # how far behind the network the carrier's own view may be
    source: str  # carrier/account name, for people

    def proves_after(self, instant: datetime) -> bool:
        """True when the value cannot predate `instant`: only such a read-back settles an unknown write."""
        return self.observed_at - self.staleness >= instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionStatus:
    """The commercial axis of one subscription as a carrier reported it."""

    state: SubscriptionState
    provider_state: str  # the carrier's own word, exactly
    hold_reasons: frozenset[HoldReason] = frozenset()
    effective_at: datetime | None = None  # since when, where the carrier says so
    auto_revert_at: datetime | None = None  # when the carrier will change it by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class VerbCapability:
    """What one verb means at one carrier."""

    supported: bool
    because: str = ""  # why not, or under which condition; shown to people
    reversible: bool = True
    mode: Literal["sync", "job", "callback"] = "sync"
    typical: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=1)
    bulk_max: int = 1
    billable: bool | None = None  # whether the line is billed after it; None: the carrier does not say
    traffic_after: Literal["none", "possible", "unknown"] = "unknown"
    needs: tuple[str, ...] = ()  # other verbs or conditions first


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageCapability:
    """How a carrier counts bytes."""

    granularities: tuple[str, ...]  # minutes, hour, day, month
    lag_typical: timedelta
    lag_final: timedelta  # a period is final only this long after its end
    retention: timedelta
    source: Literal["raw", "rated"]
    zone_split: bool
    readable_after_terminate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityRecord:
    """What a carrier (or one SIM of it, since plans differ) can do; immutable, versioned by its manifest."""

    version: str
    verbs: Mapping[Verb, VerbCapability] = field(default_factory=dict[Verb, VerbCapability])
    usage: UsageCapability | None = None
    limit_scope: Literal["none", "sim", "group", "account"] = "none"
    speeds: Mapping[str, int] = field(default_factory=dict[str, int])  # speed classes by name: bits a second at most
    steering: Literal["none", "allow", "block"] = "none"
    steering_scope: Literal["sim", "group", "account"] = "sim"  # whose networks one call changes
    steering_by: Literal["plmn", "operator", "country"] = "plmn"  # what an entry of its list is
    steering_most: int | None = None  # entries a list holds; None: the carrier names no limit
    location: Literal["none", "cell", "coordinates"] = "none"
    idempotent: Literal["none", "natural", "key"] = "none"
    state_staleness: timedelta = timedelta(0)  # a write still on its way may land this much later
    session_staleness: timedelta = timedelta(0)  # how far the carrier's view of sessions lags the network
    read_after_write: timedelta = timedelta(0)  # how long a write may stay invisible to a read


_SILENT: Final = VerbCapability(supported=False, because="the carrier's interface has no such action")


def capability(record: CapabilityRecord, verb: Verb) -> VerbCapability:
    """What `verb` means here; a verb the record does not name is unsupported and says so."""
    return record.verbs.get(verb, _SILENT)


def narrowed(record: CapabilityRecord, denied: Mapping[Verb, str]) -> CapabilityRecord:
    """The record of one SIM: the carrier's, without the verbs that its plan or card denies, each with the reason."""
    verbs = dict(record.verbs)
    for verb, because in denied.items():
        verbs[verb] = replace(capability(record, verb), supported=False, because=because)
    return replace(record, verbs=verbs)

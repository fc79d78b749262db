"""Devices, cards, profiles and subscriptions as values, and the words for their states.

Read by `engine.fleet` and the doors; written in bulk by imports. A device is identity and bindings,
rarely written; what was last observed of it stands apart, in `Facts`, with the instant of each
observation. Connectivity has four axes and never one status (house §5): the subscription's state,
what was observed on the air, the profile on the card, and the operations under way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fairlead.model.ids import AccountId, CardId, DeviceId, ProfileId, SubscriptionId
from fairlead.model.lifecycle import DEVICE, DeviceState, name
from fairlead.model.subscription import Connectivity, SubscriptionState

DEVICE_STATES: Final[Mapping[str, DeviceState]] = {name(state): state for state in DeviceState}

# Words that stand where a device's name would in an address: /v1/devices/count is a count.
RESERVED_NAMES: Final = frozenset({"count", "credentials", "facets"})

NEXT_STATES: Final = DEVICE

# The store's numbers for the words of `model.subscription`, in the order the migrations give them.
SUBSCRIPTION_CODES: Final[Mapping[SubscriptionState, int]] = {
    state: code
    for code, state in enumerate(
        (
            SubscriptionState.INVENTORY, SubscriptionState.TEST, SubscriptionState.READY, SubscriptionState.ACTIVE,
            SubscriptionState.STANDBY, SubscriptionState.SUSPENDED, SubscriptionState.DEACTIVATED,
            SubscriptionState.TERMINATED, SubscriptionState.UNKNOWN,
        ),
        start=1,
    )
}  # fmt: skip
CONNECTIVITY_CODES: Final[Mapping[Connectivity, int]] = {
    state: code
    for code, state in enumerate(
        (
            Connectivity.ONLINE, Connectivity.ATTACHED, Connectivity.OFFLINE, Connectivity.BLOCKED,
            Connectivity.UNKNOWN,
        ),
        start=1,
    )
}  # fmt: skip
SUBSCRIPTION_WORDS: Final[Mapping[int, SubscriptionState]] = {code: state for state, code in SUBSCRIPTION_CODES.items()}
CONNECTIVITY_WORDS: Final[Mapping[int, Connectivity]] = {code: state for state, code in CONNECTIVITY_CODES.items()}

# What a card must be for its operator to be changed without a visit; a multi-IMSI card may be, whatever it is.
REMOTE_TECHNOLOGIES: Final = ("euicc", "iuicc", "softsim")
FORM_FACTORS: Final = ("2FF", "3FF", "4FF", "MFF2", "iSIM", "softSIM")
TECHNOLOGIES: Final = ("uicc", "euicc", "iuicc", "softsim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was last observed of a device; None where nothing was."""

    home_country: str | None  # a binding, kept here because conditions read it
    country: str | None
    plmn: str | None
    rat: str | None
    cell: str | None
    roaming: bool | None
    carrier: str | None  # account of the SIM in use
    iccid: str | None
    imei: str | None
    connectivity: str | None
    law_stance: str | None
    law_confidence: str | None
    subscription_state: str | None
    plan: str | None
    usage_24h_bytes: int | None
    usage_month_bytes: int | None
    usage_at: datetime | None  # how far the two are known
    usage_lag_s: int | None  # how far their source lags
    silent_days: int | None
    success_rate_1h: float | None
    outage: bool | None  # whether the network it usually uses is out; None: it never was
    outage_over_at: datetime | None
    firmware: str | None
    config_hash: str | None
    days_used: int | None
    breach_at: datetime | None
    imei_breach_at: datetime | None
    cert_not_after: datetime | None
    last_contact_at: datetime | None
    place_at: datetime | None  # when country, network, cell, SIM and IMEI were observed
    place_source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One thing in the field: identity and bindings."""

    id: DeviceId
    name: str  # unique in the tenant; a topic token
    serial: str | None
    imei: str | None
    eid: str | None
    mac: str | None
    fingerprint: str | None  # of its certificate, SHA-256 in hex
    sku: str | None
    region: str | None
    group: str | None
    batch: str | None
    tags: tuple[str, ...]
    state: DeviceState
    has_secret: bool  # whether it may sign in over MQTT
    created_at: datetime
    updated_at: datetime
    version: int
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A UICC, eUICC, iUICC or soft SIM in a slot."""

    id: CardId
    eid: str | None
    form_factor: str
    technology: str
    multi_imsi: bool
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An operator profile on a card."""

    id: ProfileId
    card: CardId
    account: str  # name
    iccid: str
    imsi: str | None
    msisdn: str | None
    enabled: bool
    slot: int
    home_country: str | None
    apn: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The commercial side of a profile at a carrier account."""

    id: SubscriptionId
    iccid: str
    account: str  # name
    device: str | None  # name
    plan: str | None
    state: SubscriptionState
    provider_id: str | None
    provider_state: str | None  # the carrier's own word
    hold_reasons: tuple[str, ...]
    auto_revert_at: datetime | None
    observed_at: datetime | None
    connectivity: Connectivity
    connectivity_at: datetime | None
    imsi: str | None = None  # of its profile, as are the next three
    msisdn: str | None = None
    home_country: str | None = None
    enabled: bool | None = None
    eid: str | None = None  # of its card, as are the next three; None where no card is known
    form_factor: str | None = None
    technology: str | None = None
    multi_imsi: bool | None = None
    country: str | None = None  # where the device that holds it was last seen

    @property
    def remotely_changeable(self) -> bool | None:
        """Whether its card can be given another operator without a visit; None where no card is known."""
        return None if self.technology is None else self.technology in REMOTE_TECHNOLOGIES or bool(self.multi_imsi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A carrier account: (carrier, account, credential) is a connector instance. The credential is never read back."""

    id: AccountId
    name: str
    connector: str  # folder of connectors/, or `none`
    carrier: str
    home_country: str | None
    config: Mapping[str, object]
    has_credential: bool
    iccid_digits: int | None  # full length of this account's ICCIDs, check digit included
    staleness_s: int
    created_at: datetime
    updated_at: datetime
    version: int
    swept_at: datetime | None
    failing_since: datetime | None
    failure: str | None
    paused_until: datetime | None = None  # the engine calls nothing of it before; may be over
    paused_because: str | None = None  # a reason code of the carrier port
    hook_made_at: datetime | None = None  # None: its carrier has no address to post to
    hook_heard_at: datetime | None = None
    hook_heard: int = 0  # events
    hook_repeated: int = 0
    hook_refused: int = 0  # deliveries that proved no sender
    hook_refused_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """The owner of everything else."""

    name: str
    cell: str
    state: str
    created_at: datetime

"""What the engine needs from a carrier: small capabilities, three outcomes, five exceptions.

The engine's drivers call this; connectors implement it. There is no base class: a connector has
the capabilities it has, its manifest says which, and a verb it lacks never reaches it because the
plan already said so.

Writes answer with a value. `Done` carries the record read back from the carrier, `Accepted` says
where to look later, `Refused` says no with a reason from a closed set. Exceptions are for the
world: `AuthFailed`, `RateLimited`, `Unavailable`, `NotFound` mean that nothing was applied;
`OutcomeUnknown` means that the request may have arrived and nobody knows. Whoever gets it must
read back, newer than the carrier's staleness bound, before anything is tried again: a second try
is a second execution at most carriers. Nothing behind this port retries by itself.
"""

from fairlead.engine.ports.carrier.budgets import (
    BucketKey,
    BucketLevel,
    BucketStore,
    tokens_at,
)
from fairlead.engine.ports.carrier.capabilities import (
    CAPABILITIES,
    CARRIED_BY,
)
from fairlead.engine.ports.carrier.changes import (
    ChangesMany,
    Deactivates,
    Groups,
    LimitsData,
    LocksImei,
    ManagesProfiles,
    ProtectsTermination,
    ResetsConnection,
    SendsSms,
    SetsPlan,
    StandsBy,
    SteersNetworks,
    SwitchesState,
    Terminates,
)
from fairlead.engine.ports.carrier.description import (
    ActionClass,
    CallClass,
    Connector,
    ContractKind,
    Limit,
    Manifest,
    WebhookKind,
)
from fairlead.engine.ports.carrier.instance import (
    CarrierInstance,
    Credential,
    Secret,
)
from fairlead.engine.ports.carrier.observed import (
    Cell,
    ChangedPage,
    Container,
    Cursor,
    DataLimit,
    EventPage,
    FormFactor,
    Group,
    ImeiLock,
    NetworkPolicy,
    ProviderId,
    SessionEvent,
    SessionStatus,
    SimPage,
    SimRecord,
    UsagePeriod,
)
from fairlead.engine.ports.carrier.outcomes import (
    Accepted,
    AuthFailed,
    BadSignature,
    BatchOutcome,
    CarrierTrouble,
    Done,
    Heard,
    NotFound,
    Outcome,
    OutcomeUnknown,
    RateLimited,
    RawReply,
    ReasonCode,
    Refused,
    Unavailable,
)
from fairlead.engine.ports.carrier.reads import (
    FollowsUp,
    Hears,
    ListsSims,
    ReadsSim,
    ReadsUsage,
    ReportsChanges,
    ReportsSessions,
)

__all__ = [
    "CAPABILITIES",
    "CARRIED_BY",
    "Accepted",
    "ActionClass",
    "AuthFailed",
    "BadSignature",
    "BatchOutcome",
    "BucketKey",
    "BucketLevel",
    "BucketStore",
    "CallClass",
    "CarrierInstance",
    "CarrierTrouble",
    "Cell",
    "ChangedPage",
    "ChangesMany",
    "Connector",
    "Container",
    "ContractKind",
    "Credential",
    "Cursor",
    "DataLimit",
    "Deactivates",
    "Done",
    "EventPage",
    "FollowsUp",
    "FormFactor",
    "Group",
    "Groups",
    "Heard",
    "Hears",
    "ImeiLock",
    "Limit",
    "LimitsData",
    "ListsSims",
    "LocksImei",
    "ManagesProfiles",
    "Manifest",
    "NetworkPolicy",
    "NotFound",
    "Outcome",
    "OutcomeUnknown",
    "ProtectsTermination",
    "ProviderId",
    "RateLimited",
    "RawReply",
    "ReadsSim",
    "ReadsUsage",
    "ReasonCode",
    "Refused",
    "ReportsChanges",
    "ReportsSessions",
    "ResetsConnection",
    "Secret",
    "SendsSms",
    "SessionEvent",
    "SessionStatus",
    "SetsPlan",
    "SimPage",
    "SimRecord",
    "StandsBy",
    "SteersNetworks",
    "SwitchesState",
    "Terminates",
    "Unavailable",
    "UsagePeriod",
    "WebhookKind",
    "tokens_at",
]

"""The table of capabilities: what a manifest may name in `implements`, and what a class must then have."""

from collections.abc import Mapping

from fairlead.engine.ports.carrier.changes import (
    ChangesMany,
    Deactivates,
    Groups,
    LimitsData,
    LimitsSpeed,
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
from fairlead.engine.ports.carrier.reads import (
    FollowsUp,
    Hears,
    ListsSims,
    ReadsInvoices,
    ReadsSim,
    ReadsUsage,
    ReportsChanges,
    ReportsSessions,
)
from fairlead.model.subscription import Verb

CAPABILITIES: Mapping[str, type] = {
    protocol.__name__: protocol
    for protocol in (
        ListsSims, ReadsSim, FollowsUp, ReportsSessions, ReadsUsage, ReadsInvoices, ReportsChanges, Hears,
        SwitchesState, Deactivates, StandsBy, ProtectsTermination, Terminates, ChangesMany,
        SetsPlan, LimitsData, LimitsSpeed, LocksImei, SteersNetworks, Groups, ManagesProfiles, SendsSms,
        ResetsConnection,
    )
}  # fmt: skip

# The capability a verb is carried out by. `resume` is `activate` by another name; eUICC verbs are not a carrier's.
CARRIED_BY: Mapping[Verb, str] = {
    Verb.ACTIVATE: "SwitchesState",
    Verb.RESUME: "SwitchesState",
    Verb.SUSPEND: "SwitchesState",
    Verb.DEACTIVATE: "Deactivates",
    Verb.STANDBY: "StandsBy",
    Verb.ALLOW_TERMINATION: "ProtectsTermination",
    Verb.TERMINATE: "Terminates",
    Verb.SET_PLAN: "SetsPlan",
    Verb.SET_LIMIT: "LimitsData",
    Verb.SET_SPEED: "LimitsSpeed",
    Verb.SET_IMEI_LOCK: "LocksImei",
    Verb.SET_NETWORK_POLICY: "SteersNetworks",
    Verb.SET_GROUP: "Groups",
    Verb.ADD_SUBSCRIPTION: "ManagesProfiles",
    Verb.CANCEL_DOWNLOAD: "ManagesProfiles",
    Verb.SEND_SMS: "SendsSms",
    Verb.RESET_CONNECTION: "ResetsConnection",
}

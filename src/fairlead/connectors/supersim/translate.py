"""Super SIM's records → our model. Pure: JSON and `Freshness` in, values out; nothing here can fail.

`inactive` blocks a SIM from every network and stays reversible: our suspended. `scheduled` says that
an update waits and not where it leads, so the state is unknown while it lasts and the word is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from fairlead.connectors._kit.reading import EMPTY, Fields, as_list, as_object
from fairlead.connectors.kore.pending import Since
from fairlead.connectors.kore.records import Words, complained, period_of, sim_of
from fairlead.engine.ports.carrier import DataLimit, Group, NetworkPolicy, ProviderId, SimRecord, UsagePeriod
from fairlead.model.identifiers import MalformedIdentifier, Plmn, read_plmn
from fairlead.model.subscription import CapabilityRecord, Freshness, SubscriptionState, Verb, narrowed

STATES: Final[Words] = {
    "new": SubscriptionState.INVENTORY,
    "ready": SubscriptionState.READY,
    "active": SubscriptionState.ACTIVE,
    "inactive": SubscriptionState.SUSPENDED,
}
MEGABYTE: Final = 1_000_000  # the contract writes 2 TB as 2,000,000 MB
_NO_SMS: Final = {Verb.SEND_SMS: "the fleet of this SIM has SMS commands switched off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A fleet: what all SIMs in it share."""

    id: str
    name: str
    limit: DataLimit | None
    profile: str  # network access profile
    sms: bool | None


def sim(value: object, seen: Freshness, of: CapabilityRecord) -> SimRecord | None:
    """A SIM, without what its fleet says."""
    read = sim_of(value, seen, words=STATES, of=of)
    if read is None:
        return None
    record, fields = read
    return complained(replace(record, group=fields.text("fleet_sid")), fields)


def shared(record: SimRecord, fleet: Fleet | None, policy: NetworkPolicy | None, of: CapabilityRecord) -> SimRecord:
    """The SIM with what its fleet says."""
    if fleet is None:
        return record
    narrow = narrowed(of, _NO_SMS) if fleet.sms is False else None
    return replace(record, limit=fleet.limit, network_policy=policy, capabilities=narrow)


def fleet(value: object) -> Fleet | None:
    """A fleet; None without a SID."""
    fields = Fields(as_object(value) or EMPTY, [])
    identity, megabytes = fields.text("sid"), fields.whole("data_limit")
    if not identity:
        return None
    known = megabytes is not None and megabytes > 0
    return Fleet(
        id=identity,
        name=fields.text("unique_name"),
        limit=DataLimit(limit_bytes=(megabytes or 0) * MEGABYTE, period="month") if known else None,
        profile=fields.text("network_access_profile_sid"),
        sms=fields.truth("sms_commands_enabled"),
    )


def groups(values: Sequence[object]) -> tuple[Group, ...]:
    """Fleets as groups."""
    found = [fleet(value) for value in values]
    return tuple(Group(id=one.id, name=one.name) for one in found if one is not None)


def plmns(network: object) -> frozenset[Plmn]:
    """The PLMNs of a network; identifiers that are none are left out."""
    found: set[Plmn] = set()
    for one in as_list(Fields(as_object(network) or EMPTY, []).value("identifiers")) or []:
        fields = Fields(as_object(one) or EMPTY, [])
        try:
            plmn = read_plmn(f"{fields.text('mcc')}-{fields.text('mnc')}")
        except MalformedIdentifier:
            continue
        found |= {plmn} if plmn is not None else set()
    return frozenset(found)


def failed_since(values: Sequence[object], since: Since) -> bool:
    """True when a settings update made after that failed."""
    for value in values:
        fields = Fields(as_object(value) or EMPTY, [])
        if fields.text("status") == "failed" and since.includes(fields.moment("date_created")):
            return True
    return False


def usage(sim: ProviderId, values: Sequence[object], seen: Freshness, lag_final: timedelta) -> tuple[UsagePeriod, ...]:
    """Usage records, oldest first.

    Bytes the billing system has not processed carry no currency yet, and are not final however old they are.
    """
    found: list[UsagePeriod] = []
    for value in values:
        fields = Fields(as_object(value) or EMPTY, [])
        span = fields.inner("period")
        counts = (fields.whole("data_upload"), fields.whole("data_download"))
        period = period_of(
            sim,
            (span.moment("start_time"), span.moment("end_time")),
            counts,
            seen,
            lag_final=lag_final,
            processed=bool(fields.text("billed_unit")) or not any(counts),
        )
        found += [period] if period is not None else []
    return tuple(sorted(found, key=lambda one: one.start))

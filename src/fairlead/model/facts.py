"""The fact catalogue: every fact a condition may read, with its type, source and freshness.

Each kind of expression has a context that fixes its facts: a policy reads facts of a `device`, a
strategy of a `country`, steering of a candidate `network`, a session rule of a `session`.
`policy.check` refuses what is not here; `store.expression_sql` finds the column here; the page
`docs/facts.md` and `fairlead explain facts` are generated from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from typing import Literal as Only

from fairlead.model.expression import TimeForm, Type, Value

Context = Only["device", "country", "network", "session"]
contexts: Final[tuple[Context, ...]] = ("device", "country", "network", "session")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact, as its catalogue entry."""

    name: str
    type: Type
    column: str | None  # of the table `fact`; None where the value is handed in
    unit: str  # empty where the value is a name or a yes or no
    source: str  # who observes it
    freshness: str  # how old it may be
    doc: str  # one line
    context: Context
    form: TimeForm | None = None  # set where the column is an instant from which the fact is derived
    values: tuple[str, ...] = ()  # the closed set of values, where there is one


_DEVICE_STATES: Final = ("manufactured", "bootstrapped", "active", "quarantined", "retired")
_CONNECTIVITY: Final = ("online", "attached", "offline", "blocked", "unknown")
_SUBSCRIPTION_STATES: Final = (
    "inventory", "test", "ready", "active", "standby", "suspended", "deactivated", "terminated", "unknown",
)  # fmt: skip

_INVENTORY: Final = "inventory"
_PRESENCE: Final = "presence"
_EDIT: Final = "on edit"
_EVENT: Final = "on each report"
_HOURLY: Final = "hourly"
_NOTHING: Final = "nothing yet"  # in the language, and absent on every device until something feeds it
_USAGE: Final = "usage of carriers and files"
_OUTAGES: Final = "outages"
_NEVER: Final = "never"
_TIME: Final = "follows the clock"


def _fact(
    context: Context,
    name: str,
    kind: Type,
    doc: str,
    *,
    column: str | None = None,
    unit: str = "",
    source: str = _INVENTORY,
    freshness: str = _EDIT,
    form: TimeForm | None = None,
    values: tuple[str, ...] = (),
) -> Fact:
    return Fact(
        name=name, type=kind, column=column, unit=unit, source=source, freshness=freshness, doc=doc,
        context=context, form=form, values=values,
    )  # fmt: skip


def _device_identity() -> tuple[Fact, ...]:
    return (
        _fact("device", "tenant", "string", "The tenant's name; one value for every device of the tenant."),
        _fact("device", "sku", "string", "The product variant.", column="sku"),
        _fact("device", "region", "string", "The region the device is bound to.", column="region"),
        _fact("device", "group", "string", "The policy group.", column="device_group"),
        _fact("device", "batch", "string", "The production batch.", column="device_batch"),
        _fact("device", "tags", "list<string>", "Free tags.", column="tags"),
        _fact("device", "state", "string", "The life-cycle state.", column="device_state", values=_DEVICE_STATES),
        _fact("device", "iccid", "string", "The ICCID of the profile in use.", column="iccid", source="session"),
        _fact("device", "imei", "string", "The IMEI last seen.", column="imei", source="session"),
        _fact(
            "device", "firmware", "string", "The firmware version that the device reports.",
            column="firmware", source="shadow", freshness=_EVENT,
        ),
        _fact(
            "device", "config_hash", "string", "The hash of the configuration that the device reports.",
            column="config_hash", source="shadow", freshness=_EVENT,
        ),
        _fact(
            "device", "cert_not_after", "timestamp", "When the device certificate ends.",
            column="cert_not_after", source=_NOTHING, freshness=_NEVER,
        ),
        _fact(
            "device", "cert_age_left", "duration", "How long the device certificate still lasts; negative once ended.",
            column="cert_not_after", source=_NOTHING, freshness=_TIME, form="time_left",
        ),
    )  # fmt: skip


def _device_place() -> tuple[Fact, ...]:
    def fact(name: str, kind: Type, doc: str, column: str, source: str = _PRESENCE, freshness: str = _EVENT) -> Fact:
        return _fact("device", name, kind, doc, column=column, source=source, freshness=freshness)

    return (
        fact("home_country", "string", "The country the device is bound to (ISO 3166, two letters).", "home_country",
             _INVENTORY, _EDIT),
        fact("country", "string", "The country where the device was last seen (ISO 3166, two letters).", "country"),
        fact("plmn", "string", "The visited network, as MCC-MNC.", "plmn"),
        fact("rat", "string", "The radio access technology in use.", "rat"),
        fact("cell", "string", "The cell last seen.", "cell"),
        fact("roaming", "bool", "Whether the SIM in use is away from its home network's country.", "roaming"),
        fact("carrier", "string", "The carrier account of the SIM in use.", "carrier", _INVENTORY),
        fact("law.stance", "string", "What the country's permanent-roaming rule says, by the rule pack in force.",
             "law_stance", "rule pack", "on a new rule pack"),
        fact("law.confidence", "string", "How sure the rule pack is of that stance.",
             "law_confidence", "rule pack", "on a new rule pack"),
    )  # fmt: skip


def _clock(clock: str, field: str) -> str:
    return f'clock("{clock}").{field}'


def _device_time() -> tuple[Fact, ...]:
    return (
        _fact(
            "device", _clock("permanent-roaming", "days_left"), "int",
            "Days until the permanent-roaming rule is breached; 0 once it is.",
            column="breach_at", unit="days of 24 h, rounded up", source="roaming clock", freshness=_TIME,
            form="days_left",
        ),
        _fact(
            "device", _clock("permanent-roaming", "days_used"), "int",
            "Days already counted by the permanent-roaming rule.",
            column="days_used", unit="calendar days of the rule's zone", source="roaming clock", freshness=_HOURLY,
        ),
        _fact(
            "device", _clock("permanent-roaming", "breach_at"), "timestamp",
            "When the permanent-roaming rule is breached if presence goes on.",
            column="breach_at", source="roaming clock", freshness=_HOURLY,
        ),
        _fact(
            "device", _clock("imei-registration", "days_left"), "int",
            "Days until an unregistered IMEI is blocked; 0 once it may be.",
            column="imei_breach_at", unit="days of 24 h, rounded up", source="roaming clock", freshness=_TIME,
            form="days_left",
        ),
        _fact(
            "device", "last_contact_age", "duration", "How long ago the device was last heard.",
            column="last_contact_at", source=_PRESENCE, freshness=_TIME, form="age",
        ),
        _fact(
            "device", "last_contact_at", "timestamp", "When the device was last heard.",
            column="last_contact_at", source=_PRESENCE, freshness=_EVENT,
        ),
    )  # fmt: skip


def _device_service() -> tuple[Fact, ...]:
    return (
        _fact(
            "device", "connectivity", "string", "The connectivity state.",
            column="connectivity", source="carrier or session", freshness=_EVENT, values=_CONNECTIVITY,
        ),
        _fact(
            "device", "subscription.state", "string", "The state of the subscription in use.",
            column="subscription_state", source="carrier", freshness="on each sync", values=_SUBSCRIPTION_STATES,
        ),
        _fact(
            "device", "subscription.plan", "string", "The plan of the subscription in use.",
            column="plan", source="carrier", freshness="on each sync",
        ),
        _fact(
            "device", "usage_24h_bytes", "int",
            "Bytes both ways in the newest 24 hours that are known, estimated from daily totals; absent where they are "
            "older than the source lags and a day.",
            column="usage_24h_bytes", unit="bytes", source=_USAGE, freshness=_HOURLY,
        ),
        _fact(
            "device", "usage_month_bytes", "int",
            "Bytes both ways since the first of the calendar month (UTC); absent until something of it is known.",
            column="usage_month_bytes", unit="bytes", source=_USAGE, freshness=_HOURLY,
        ),
        _fact(
            "device", "silent_days", "int",
            "Whole days without a byte, a session or a message, as far as that is known; absent where nothing is.",
            column="silent_days", unit="days of 24 h", source=_USAGE, freshness=_HOURLY,
        ),
        _fact(
            "device", "outage", "bool",
            "Whether the network that it usually uses is out; absent until it was out for the first time.",
            column="outage", source=_OUTAGES, freshness="every 5 minutes",
        ),
        _fact(
            "device", "outage_over", "duration",
            "How long ago the last outage of that network was over; absent while it lasts.",
            column="outage_over_at", source=_OUTAGES, freshness=_TIME, form="age",
        ),
        _fact(
            "device", "success_rate_1h", "double", "The share of registrations that succeeded in the last hour.",
            column="success_rate_1h", unit="0.0 to 1.0", source=_NOTHING, freshness=_NEVER,
        ),
    )  # fmt: skip


def _country() -> tuple[Fact, ...]:
    return (
        _fact("country", "country", "string", "The country that is judged (ISO 3166, two letters)."),
        _fact(
            "country", "devices_in_country", "int", "How many of the tenant's devices are in the country.",
            unit="devices", source=_PRESENCE, freshness="at plan",
        ),
        _fact(
            "country", "law.stance", "string", "What the country's permanent-roaming rule says.",
            source="rule pack", freshness="on a new rule pack",
        ),
        _fact(
            "country", "law.confidence", "string", "How sure the rule pack is of that stance.",
            source="rule pack", freshness="on a new rule pack",
        ),
        _fact(
            "country", "law.trend", "string", "Where the country's rule is heading.",
            source="rule pack", freshness="on a new rule pack",
        ),
    )  # fmt: skip


def _network() -> tuple[Fact, ...]:
    return (
        _fact("network", "plmn", "string", "The candidate network, as MCC-MNC.", source="steering"),
        _fact("network", "rat", "string", "The candidate's radio access technology.", source="steering"),
        _fact(
            "network", "success_rate_1h", "double", "The share of registrations there that succeeded in the last hour.",
            unit="0.0 to 1.0", source=_NOTHING, freshness=_NEVER,
        ),
    )  # fmt: skip


def _session() -> tuple[Fact, ...]:
    def fact(name: str, kind: Type, doc: str, unit: str = "", source: str = "session") -> Fact:
        return _fact("session", name, kind, doc, unit=unit, source=source, freshness="at the event")

    return (
        fact("imei_changed", "bool", "Whether the SIM is in another device than the one it is bound to."),
        fact("country", "string", "The visited country (ISO 3166, two letters)."),
        fact("assigned_countries", "list<string>", "Where the device may be used.", source=_INVENTORY),
        fact("usage_24h_bytes", "int", "Bytes both ways in the last 24 hours.", "bytes", "usage"),
        fact("roaming", "bool", "Whether the SIM is away from its home network's country."),
        fact("plmn", "string", "The visited network, as MCC-MNC."),
        fact("apn", "string", "The access point name asked for."),
    )


def _catalogue() -> Mapping[Context, Mapping[str, Fact]]:
    groups: dict[Context, tuple[Fact, ...]] = {
        "device": (*_device_identity(), *_device_place(), *_device_time(), *_device_service()),
        "country": _country(),
        "network": _network(),
        "session": _session(),
    }
    return MappingProxyType(
        {context: MappingProxyType({fact.name: fact for fact in facts}) for context, facts in groups.items()}
    )


catalogue: Final = _catalogue()

# Sizes as the field counts them: decimal, as carriers bill.
constants: Final[Mapping[str, int]] = MappingProxyType({"KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000})


def device_facts(row: Mapping[str, Value], *, tenant: str | None = None) -> dict[str, Value]:
    """The facts of one device, by name, from a row of the table `fact`, by column.

    Facts that follow the clock stay instants: `policy.evaluate` derives them with its `now`.
    """
    facts: dict[str, Value] = {} if tenant is None else {"tenant": tenant}
    for fact in catalogue["device"].values():
        if fact.column is not None:
            value = row.get(fact.column)
            facts[fact.name] = tuple(value) if isinstance(value, list) else value
    return facts

"""The columns of every list: what a person sees of a noun. `-o wide` adds more, `--json` has all."""

from collections.abc import Callable
from typing import Final

from fairlead_cli import words
from fairlead_cli.client import Body
from fairlead_cli.output import Column


def _aged(path: str) -> Callable[[Body], str]:
    return lambda item: words.age(words.at(item, path))


def _days_left(item: Body) -> str:
    breach = words.at(item, "facts.breach_at")
    used = words.at(item, "facts.days_used")
    return f"{used} used" if breach is None and used is not None else words.text(breach)


def in_peace(item: Body) -> str | None:
    """Until when nobody calls an account, and why."""
    until = item.get("paused_until")
    because = str(item.get("paused_because") or "its reason was not kept").replace("_", " ")
    return f"until {words.when(str(until))}: {because}" if until else None


DEVICES: Final = (
    Column(title="NAME", value="name", whole=True),
    Column(title="COUNTRY", value="facts.country"),
    Column(title="CARRIER", value="facts.carrier"),
    Column(title="NETWORK", value="facts.plmn", wide=True),
    Column(title="ROAMING", value="facts.roaming"),
    Column(title="LAW", value="facts.law_stance"),
    Column(title="BREACH", value=_days_left),
    Column(title="ON AIR", value="facts.connectivity"),
    Column(title="SEEN", value=_aged("facts.contact_age_s"), right=True),
    Column(title="SKU", value="sku", wide=True),
    Column(title="GROUP", value="group", wide=True),
    Column(title="STATE", value="state"),
    Column(title="ICCID", value="facts.iccid", wide=True),
    Column(title="IMEI", value="imei", wide=True),
    Column(title="FIRMWARE", value="facts.firmware", wide=True),
    Column(title="ID", value="id", wide=True, whole=True),
)
CLOCKS: Final = (
    Column(title="DEVICE", value="name", whole=True),
    Column(title="COUNTRY", value="facts.country"),
    Column(title="CARRIER", value="facts.carrier"),
    Column(title="LAW", value="facts.law_stance"),
    Column(title="CONFIDENCE", value="facts.law_confidence"),
    Column(title="DAYS USED", value="facts.days_used", right=True),
    Column(title="BREACH", value="facts.breach_at", whole=True),
)
DEVICE_CLOCKS: Final = (
    Column(title="RULE", value="rule", whole=True),
    Column(title="TOPIC", value="topic"),
    Column(title="DAYS USED", value="days_used", right=True),
    Column(title="DAYS LEFT", value="days_left", right=True),
    Column(title="BREACH", value="breach_at"),
    Column(title="SINCE", value="started_at"),
)
CARRIERS: Final = (
    Column(title="NAME", value="name", whole=True),
    Column(title="CARRIER", value="carrier"),
    Column(title="CONNECTOR", value="connector"),
    Column(title="HOME", value="home_country"),
    Column(title="CREDENTIAL", value="has_credential"),
    Column(title="SWEPT", value=_aged("sweep_age_s"), right=True),
    Column(title="SIMS", value="sims.total", right=True),
    Column(title="FAILING", value="failure", fold=True),
    Column(title="LEFT IN PEACE", value=in_peace, fold=True),
    Column(
        title="CAN", value=lambda one: [c["verb"] for c in words.rows(one, "capabilities") if c["supported"]], wide=True
    ),
    Column(
        title="BUDGET LEFT",
        value=lambda one: [f"{b['call_class']} {b['left']:.0f}/{b['capacity']}" for b in words.rows(one, "budgets")],
        wide=True,
    ),
    Column(title="STALENESS", value=_aged("staleness_s"), wide=True),
    Column(title="CONFIG", value="config", wide=True),
)
CONNECTORS: Final = (
    Column(title="CONNECTOR", value="id", whole=True),
    Column(title="CARRIER", value=lambda one: one["name"] + (" (experimental)" if one["experimental"] else "")),
    Column(title="TIER", value="tier"),
    Column(title="CREDENTIAL", value="credential_fields", fold=True),
    Column(title="SETTINGS NEEDED", value="required_settings", fold=True),
    Column(title="IF WANTED", value="credential_optional", wide=True),
    Column(title="CALLS", value="base_url", wide=True),
)
SUBSCRIPTIONS: Final = (
    Column(title="ICCID", value="iccid", whole=True),
    Column(title="ACCOUNT", value="account"),
    Column(title="DEVICE", value="device"),
    Column(title="STATE", value="state"),
    Column(title="PLAN", value="plan"),
    Column(title="ON AIR", value="connectivity"),
    Column(title="AGE", value=_aged("observed_age_s"), right=True),
    Column(title="CARD", value="technology"),
    Column(title="REMOTE", value="remote"),
    Column(title="FORM", value="form_factor", wide=True),
    Column(title="COUNTRY", value="country", wide=True),
    Column(title="IMSI", value="imsi", wide=True),
    Column(title="MSISDN", value="msisdn", wide=True),
    Column(title="EID", value="eid", wide=True),
    Column(title="CARRIER SAYS", value="provider_state", wide=True),
    Column(title="HOLDS", value="hold_reasons", wide=True),
    Column(title="ID", value="id", wide=True, whole=True),
)
POLICIES: Final = (
    Column(title="KIND", value="kind"),
    Column(title="NAME", value="name", whole=True),
    Column(title="REVISION", value="revision", right=True),
    Column(title="PRIORITY", value="about.priority", right=True),
    Column(title="SETS", value="about.sets"),
    Column(title="MATCH", value="about.match", fold=True),
    Column(title="CHANGE", value="change", wide=True),
    Column(title="SINCE", value="since", wide=True),
    Column(title="REASON", value="about.reason", wide=True),
)
REVISIONS: Final = (
    Column(title="REVISION", value="number", right=True),
    Column(title="STATE", value="state"),
    Column(title="CREATED", value="created_at"),
    Column(title="CHANGE", value="change", whole=True),
    Column(title="AUTHOR", value="author", wide=True),
)
PLANS: Final = (
    Column(title="PLAN", value="id", whole=True),
    Column(title="CREATED", value="created_at"),
    Column(title="DEVICES", value="summary.devices", right=True),
    Column(title="MOVABLE", value="summary.movable", right=True),
    Column(title="RESOURCES", value=lambda plan: [f"{r['verb']} {r['name']}" for r in words.rows(plan, "resources")]),
    Column(title="APPLIED", value="applied", wide=True),
)
COUNTRIES: Final = (
    Column(title="CODE", value="code", whole=True),
    Column(title="COUNTRY", value="name"),
    Column(title="STANCE", value="stance"),
    Column(title="CONFIDENCE", value="confidence"),
    Column(title="READ", value="freshness"),
    Column(title="DEVICES", value="here.devices", right=True),
    Column(title="ROAMING", value="here.roaming", right=True),
    Column(title="BREACHED", value="here.breached", right=True),
    Column(title="≤ 7 D", value="here.within_7", right=True),
    Column(title="≤ 30 D", value="here.within_30", right=True),
    Column(title="DISPUTED", value="contradictory", wide=True),
    Column(title="RULES", value=lambda country: [rule["id"] for rule in words.rows(country, "rules")], wide=True),
)
RULES: Final = (
    Column(title="RULE", value="id", whole=True),
    Column(title="TOPIC", value="topic"),
    Column(title="STANCE", value="stance"),
    Column(title="KIND", value="kind"),
    Column(title="AUTHORITY", value="authority"),
    Column(title="CONFIDENCE", value="confidence"),
    Column(title="AS OF", value="as_of"),
    Column(title="SAYS", value="summary", wide=True, fold=True),
    Column(title="SOURCES", value="sources", wide=True),
)
JOBS: Final = (
    Column(title="JOB", value="id", whole=True),
    Column(title="KIND", value="kind"),
    Column(title="STATE", value="state"),
    Column(title="DONE", value="done", right=True),
    Column(title="TOTAL", value="total", right=True),
    Column(title="CREATED", value="created_at"),
    Column(title="WHY", value="attention", fold=True),
)
FACTS: Final = (
    Column(title="FACT", value="name", whole=True),
    Column(title="OF A", value="context"),
    Column(title="TYPE", value="type"),
    Column(title="UNIT", value="unit"),
    Column(title="MEANS", value="doc", fold=True),
    Column(title="SOURCE", value="source", wide=True),
    Column(title="FRESHNESS", value="freshness", wide=True),
    Column(title="VALUES", value="values", wide=True),
)
ACCURACY: Final = (
    Column(title="IF", value="assumption"),
    Column(title="JUDGED", value="forecasts", right=True),
    Column(title="HIT", value="hits", right=True),
    Column(title="MISSED", value="missed", right=True),
    Column(title="FALSE ALARMS", value="false_alarms", right=True),
    Column(title="DAYS OFF (MEAN)", value="mean_absolute_days", right=True),
    Column(title="(MEDIAN)", value="median_days", right=True),
)
STRATEGY: Final = (
    Column(title="COUNTRY", value="country", whole=True),
    Column(title="USE", value="use"),
    Column(title="DEVICES", value="devices", right=True),
    Column(title="ROAMING", value="roaming", right=True),
    Column(title="LAW SAYS", value="stance"),
    Column(title="DECIDED BY", value="ground"),
    Column(title="BECAUSE", value="reason", fold=True),
)
PRICES: Final = (
    Column(title="PLAN", value="plan", whole=True),
    Column(title="CURRENCY", value="currency"),
    Column(title="ACTIVATION", value="activation", right=True),
    Column(title="MONTHLY", value="monthly", right=True),
    Column(title="PER MB", value="per_mb", right=True),
    Column(title="FROM", value="valid_from"),
)
TABLES: Final = (
    Column(title="TABLE", value="name", whole=True),
    Column(title="TITLE", value="title", fold=True),
    Column(title="ROWS", value="rows", right=True),
    Column(title="SOURCE", value="source.name"),
    Column(title="DATE", value="source.date"),
)
JOURNAL: Final = (
    Column(title="SEQ", value=lambda line: str(line["seq"]) if line.get("seq") is not None else None, right=True),
    Column(title="AT", value="at", whole=True),
    Column(title="ACTION", value="action"),
    Column(title="SUBJECT", value=lambda line: f"{line['subject_kind']} {line['subject_id']}"),
    Column(title="ACTOR", value="actor"),
    Column(title="REASON", value="reason"),
    Column(title="CHANGE", value="change", wide=True),
    Column(title="FROM", value="origin.door", wide=True),
    Column(title="PAYLOAD", value="payload", wide=True),
)
TOKENS: Final = (
    Column(title="TOKEN", value="id", whole=True),
    Column(title="NAME", value="name"),
    Column(title="ROLES", value="roles"),
    Column(title="EXPIRES", value="expires_at"),
    Column(title="LAST USED", value="last_used_at"),
    Column(title="REVOKED", value="revoked_at"),
    Column(title="DEPARTMENTS", value="departments", wide=True),
    Column(title="CREATED", value="created_at", wide=True),
)
BAD_ROWS: Final = (
    Column(title="LINE", value=lambda fault: str(fault.get("line") or ""), right=True),
    Column(title="COLUMN", value="column"),
    Column(title="FOUND", value="value", fold=True),
    Column(title="EXPECTED", value="expected", fold=True),
)
PEOPLE: Final = (
    Column(title="ID", value="id", whole=True),
    Column(title="NAME", value="name"),
    Column(title="KIND", value="kind"),
    Column(title="ROLES", value="roles"),
    Column(title="STATE", value="state"),
    Column(title="EXPIRES", value="expires_at"),
    Column(title="E-MAIL", value="email", wide=True),
    Column(title="DEPARTMENTS", value="departments", wide=True),
)
CREDENTIALS: Final = (
    Column(title="CLIENT ID", value="client_id", whole=True),
    Column(title="USERNAME", value="username", whole=True),
    Column(title="PASSWORD", value="password", whole=True),
)

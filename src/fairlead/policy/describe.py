"""The language described for an editor: kinds, their fields, the words they take, and an example of each.

Nothing here lists a field. Each example says everything a kind can say; the real readers read it,
and what they asked for is the description. So a field that a reader learns shows up as soon as an
example uses it, and a test holds that every example is read without a fault.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from fairlead.model.facet import Facet
from fairlead.model.resources import MERGEABLE, NEEDS_UNTIL
from fairlead.policy.fields import Asked, Faults, FieldType
from fairlead.policy.read import read_noting

_ANY: Final = "europe"  # in an example, a key that people choose; shown as *

EXAMPLES: Final[Mapping[str, str]] = {
    "Policy": """apiVersion: fairlead/v1
kind: Policy
metadata:
  name: brazil-local
  labels: {owner: connectivity}
spec:
  priority: 200
  match: country == "BR" && roaming
  until: country != "BR"
  admit: {paced: 500/h, ask_above: 5000/day}
  set:
    network: {carrier: local-br, method: local-profile, apn: iot.example, lease: 15m, release: suspend}
    config: {merge: {report_interval_s: 900}}
    firmware: {version: 1.4.0}
    flags: {merge: {quiet: true}}
    credential: {profile: field}
    traffic: {merge: {posture: narrow}}
    subscription: {state: active, plan: iot-1}
  couple: [network, config]
  reason: foreign SIMs may not stay there
  expires: 2030-01-31T00:00:00Z
  observe: false
  tests:
    - given: {country: BR, roaming: true}
      expect: match
""",
    "Strategy": """apiVersion: fairlead/v1
kind: Strategy
metadata: {name: tiered}
spec:
  regions: {europe: [DE, FR]}
  tiers:
    - when: law.stance == "prohibited"
      use: local-profile
    - use: multi-imsi
      regions: [europe]
    - use: local-profile
      countries: [BR]
    - use: roaming
  tests:
    - given: {law.stance: prohibited}
      expect: local-profile
""",
    "Steering": """apiVersion: fairlead/v1
kind: Steering
metadata: {name: south}
spec:
  match: region == "south"
  prefer:
    - plmn: "724-05"
      when: rat == "LTE"
      premium: false
  premium_without_order: allow
  shared: false
""",
    "SessionPolicy": """apiVersion: fairlead/v1
kind: SessionPolicy
metadata: {name: guard}
spec:
  rules:
    - if: country == "BR"
      then: {action: throttle, rate: 64kbit, alert: low, for: 24h}
  tests:
    - given: {country: BR}
      expect: throttle
""",
    "Grant": """apiVersion: fairlead/v1
kind: Grant
metadata: {name: telemetry}
spec:
  match: sku == "TRK-1"
  allow:
    - to: telemetry.example
      protocol: tcp
      ports: [8883]
""",
    "UsageRule": """apiVersion: fairlead/v1
kind: UsageRule
metadata: {name: runaway}
spec:
  match: country == "BR"
  carriers: [global-sim]
  above: {window: 24h, bytes: 50MB}
  then: {alert: high, action: throttle, rate: 64kbit, for: 24h, ask_above: 100/day}
  max_age: 48h
  reason: a tracker that sends so much is broken
  observe: false
  tests:
    - given: {country: BR}
      used: 60MB
      before: 1MB
      silent: 0h
      age: 3h
      lag: 1h
      expect: crossed
""",
}


# What cannot be said in the same breath as the rest: a life stands alone.
_APART: Final[Mapping[str, Sequence[str]]] = {
    "Policy": (
        """apiVersion: fairlead/v1
kind: Policy
metadata: {name: scrapped}
spec:
  priority: 100
  match: '"scrapped" in tags'
  set: {life: {state: retired, wipe: true, subscription: deactivated}}
  reason: what is scrapped erases itself and its lines end
""",
        """apiVersion: fairlead/v1
kind: Policy
metadata: {name: sent-by-sea}
spec:
  priority: 100
  match: '"by-sea" in tags'
  set: {life: {state: active, within_s: 5184000}}
  reason: what travels by sea is heard of late
""",
    ),
    "UsageRule": (
        """apiVersion: fairlead/v1
kind: UsageRule
metadata: {name: grown}
spec:
  match: "true"
  growth: {window: 24h, times: 5, against: 14d, bytes: 1MB}
  then: {alert: medium, action: limit, limit: 100MB, until: next-month}
  reason: five times as much as before
---
kind: UsageRule
metadata: {name: silent}
spec:
  match: "true"
  silent: {days: 14}
  then: {alert: low, action: suspend, for: 24h}
  reason: it says nothing
""",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldShape:
    """One field of a kind."""

    path: str  # `[]` stands for an entry of a list, `*` for a key that people choose
    type: FieldType
    expected: str  # as a fault would say it
    words: Sequence[str]  # the closed set, where there is one
    context: str | None  # of a condition or a test's facts: whose facts
    required: bool  # where the map it stands in is there


@dataclass(frozen=True, slots=True, kw_only=True)
class KindShape:
    """One kind of resource."""

    kind: str
    fields: Sequence[FieldShape]
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetShape:
    """What a policy may do with a facet."""

    facet: str
    merges: bool
    needs_until: bool


@cache
def kinds_described() -> tuple[KindShape, ...]:
    """Every kind, in the order of the language."""
    return tuple(_described(kind, example) for kind, example in EXAMPLES.items())


def facets_described() -> tuple[FacetShape, ...]:
    """Every facet."""
    return tuple(
        FacetShape(facet=str(facet), merges=facet in MERGEABLE, needs_until=facet in NEEDS_UNTIL) for facet in Facet
    )


def _described(kind: str, example: str) -> KindShape:
    faults = Faults(kind)
    for text in (example, *_APART.get(kind, ())):
        read_noting(text, faults)
    shapes = [_shape(path, asked) for path, asked in faults.asked.items() if path]
    return KindShape(kind=kind, fields=shapes, example=example)


def _shape(path: str, asked: Asked) -> FieldShape:
    parts = ["*" if part == _ANY or part.startswith(f"{_ANY}[") else part for part in path.split(".")]
    shown = ".".join(part + "[]" if part == "*" and path.endswith("[]") else part for part in parts)
    return FieldShape(
        path=shown, type=asked.type, expected=asked.expected, words=asked.words, context=asked.context,
        required=asked.required,
    )  # fmt: skip

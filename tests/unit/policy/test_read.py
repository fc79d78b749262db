"""Files of resources: what the language page shows is read, and every fault has its place."""

from datetime import UTC, datetime, timedelta
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.model.expression import source
from fairlead.model.facet import Facet
from fairlead.model.life import NEVER
from fairlead.model.resources import (
    DEFAULT_PACE,
    Ask,
    Auto,
    Fault,
    Grant,
    Paced,
    Policy,
    Rate,
    Resource,
    SessionPolicy,
    Steering,
    Strategy,
)
from fairlead.policy.proof import prove
from fairlead.policy.read import read_resources

NOW = datetime(2026, 3, 1, tzinfo=UTC)

PAGE = """\
apiVersion: fairlead/v1
kind: Policy
metadata: {name: brazil-local, labels: {owner: connectivity-team}}
spec:
  priority: 200                       # higher wins
  match: country == "BR" && roaming && clock("permanent-roaming").days_left <= 30
  until: country != "BR"
  admit: {paced: 500/h, ask_above: 5000/day}
  set:
    network: {carrier: local-br, method: local-profile, apn: iot.example, lease: 15m}
    config:  {merge: {dns: [10.9.0.53], timezone: America/Sao_Paulo, report_interval_s: 900}}
  couple: [network, config]
  reason: "ANATEL: foreign IMSIs may not stay permanently"
  tests:
    - {given: {country: BR, roaming: true, 'clock("permanent-roaming").days_left': 12}, expect: match}
    - {given: {country: BR, roaming: true}, expect: no-match}
    - {given: {country: CL}, expect: until}
---
kind: Strategy
metadata: {name: tiered}
spec:
  regions: {europe: [DE, BE, FR, PL, NO], apac: [IN, JP, TR], mea: [TR, EG]}
  tiers:
    - {when: "devices_in_country >= 2000 || law.stance in ['prohibited', 'restricted']", use: local-profile}
    - {when: "devices_in_country >= 100", use: multi-imsi}
    - {use: roaming}
  tests:
    - {given: {country: BR, law.stance: prohibited}, expect: local-profile}
---
kind: Steering
metadata: {name: cost-first}
spec:
  match: country in ["DE", "FR", "PL"]
  prefer:
    - {plmn: "262-02", when: "success_rate_1h >= 0.97"}
    - {plmn: "262-01"}
    - {plmn: "262-03", premium: true}
---
kind: SessionPolicy
metadata: {name: theft}
spec:
  rules:
    - {if: imei_changed, then: {action: quarantine, alert: high}}
    - {if: "!(country in assigned_countries)", then: {action: reject, alert: medium}}
    - {if: "usage_24h_bytes > 50 * MB", then: {action: throttle, rate: 64kbit, for: 24h}}
  tests:
    - {given: {imei_changed: true}, expect: quarantine}
---
kind: Grant
metadata: {name: meters}
spec:
  match: group == "meters"
  allow:
    - {to: 10.9.0.0/24, protocol: tcp, ports: [8883, "5000-5100"]}
    - {to: mqtt.example.com}
"""


def read(text: str) -> tuple[tuple[Resource, ...], tuple[Fault, ...]]:
    return read_resources(dedent(text), file="rules.yaml")


def policy(**spec: str) -> str:
    fields = {"priority": "1", "match": "roaming", "set": "{config: {a: 1}}", "reason": "because"} | spec
    lines = "\n".join(f"  {key}: {value}" for key, value in fields.items() if value)
    return f"apiVersion: fairlead/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n{lines}\n"


def read_one(text: str) -> Policy:
    resources, faults = read(text)
    assert not faults
    (one,) = resources
    assert isinstance(one, Policy)
    return one


def test_the_page_is_read_whole() -> None:
    resources, faults = read(PAGE)
    assert not faults
    brazil, tiered, steering, theft, meters = resources
    assert isinstance(brazil, Policy)
    assert brazil.metadata.labels == {"owner": "connectivity-team"}
    assert source(brazil.until.expr) == 'country != "BR"'
    assert brazil.admit == Paced(
        rate=Rate(count=500, per=timedelta(hours=1)), ask_above=Rate(count=5000, per=timedelta(days=1))
    )
    assert brazil.sets[Facet.NETWORK].value == {
        "carrier": "local-br", "method": "local-profile", "apn": "iot.example", "lease_s": 900,
    }  # fmt: skip
    assert not brazil.sets[Facet.NETWORK].merge
    assert brazil.sets[Facet.CONFIG].merge
    assert brazil.sets[Facet.CONFIG].value["dns"] == ["10.9.0.53"]
    assert brazil.couple == (Facet.NETWORK, Facet.CONFIG)
    assert isinstance(tiered, Strategy)
    assert "NO" in tiered.regions["europe"]  # Norway, not false
    assert [tier.use for tier in tiered.tiers] == ["local-profile", "multi-imsi", "roaming"]
    assert isinstance(steering, Steering)
    assert [(choice.plmn, choice.premium) for choice in steering.prefer][-1] == ("262-03", True)
    assert isinstance(theft, SessionPolicy)
    assert (theft.rules[2].rate_bps, theft.rules[2].duration) == (64_000, timedelta(days=1))
    assert isinstance(meters, Grant)
    assert meters.allow[0].ports == ((8883, 8883), (5000, 5100))
    assert meters.allow[1].protocol == "any"
    assert [prove(resource, NOW) for resource in resources] == [()] * 5


def test_defaults() -> None:
    read = read_one(policy())
    assert read.admit == Auto()
    assert source(read.until.expr) == "!roaming"
    assert read.until.text == "!(roaming)"
    assert not read.observe
    assert read.expires is None
    bound = read_one(policy(set="{firmware: {version: '2'}}", admit="", until="", expires="2027-01-31T00:00:00+01:00"))
    assert bound.admit == DEFAULT_PACE
    assert bound.expires == datetime(2027, 1, 30, 23, tzinfo=UTC)
    assert read_one(policy(admit="ask", observe="true")).admit == Ask()
    assert [facet.number for facet in Facet] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("text", "line", "column", "path", "value", "expected"),
    [
        (policy(match='contry == "BR"'), 6, 10, "spec.match", "unknown fact `contry`", "did you mean `country`?"),
        (policy(match="'roaming && contry == \"BR\"'"), 6, 22, "spec.match", "unknown fact", "country"),
        (policy(match="|\n    roaming &&\n    contry == 'BR'"), 8, 1, "spec.match", "unknown fact", "country"),
        (policy(match="7"), 6, 10, "spec.match", "7", "a condition"),
        (policy(match="[a]"), 6, 10, "spec.match", "a list", "a condition"),
        (policy(priority="high"), 5, 13, "spec.priority", "'high'", "whole number"),
        (policy(priority="1.5"), 5, 13, "spec.priority", "1.5", "whole number"),
        (policy(priority="true"), 5, 13, "spec.priority", "true", "whole number"),
        (policy(priority=""), 5, 3, "spec.priority", "nothing", "whole number"),
        (policy(reason='""'), 8, 11, "spec.reason", "''", "why"),
        (policy(prioritty="3"), 9, 3, "spec.prioritty", "unknown key", "did you mean 'priority'?"),
        (policy(until="{a: 1}"), 9, 10, "spec.until", "a map", "a condition"),
        (policy(set="{network: {carrier: a, method: roaming, apn: b}}"), 5, 3, "spec.until", "nothing", "undo itself"),
        (policy(set="{subscription: {state: active}}"), 5, 3, "spec.until", "nothing", "undo itself"),
        (policy(set="{}"), 7, 8, "spec.set", "an empty map", "at least one"),
        (policy(set="{confg: {a: 1}}"), 7, 9, "spec.set.confg", "unknown key", "did you mean 'config'?"),
        (policy(set="{config: 3}"), 7, 17, "spec.set.config", "3", "a map"),
        (policy(set="{config: {merge: {a: 1}, b: 2}}"), 7, 17, "spec.set.config", "a map", "not both"),
        (policy(set="{config: {a: 99999999999999999999}}"), 7, 21, "spec.set.config.a", "9999", "64 bits"),
        (policy(set="{firmware: {merge: {a: 1}}}"), 7, 20, "spec.set.firmware.merge", "merge", "whole value"),
        (
            policy(set="{network: {carrier: A!, method: roaming, apn: b}}", until="roaming"),
            7, 28, "spec.set.network.carrier", "'A!'", "carrier account",
        ),
        (
            policy(set="{network: {carrier: a, method: roam, apn: b}}", until="roaming"),
            7, 39, "spec.set.network.method", "'roam'", "did you mean 'roaming'?",
        ),
        (
            policy(set="{network: {carrier: a, method: roaming, apn: b, lease: soon}}", until="roaming"),
            7, 63, "spec.set.network.lease", "'soon'", "15m",
        ),
        (policy(set="{life: {state: activ}}"), 7, 23, "spec.set.life.state", "'activ'", "did you mean 'active'?"),
        (policy(set="{life: {state: active, within_s: 5}}"), 7, 41, "spec.set.life.within_s", "5", "seconds from 60"),
        (policy(set="{life: {state: active, wipe: true}}"), 7, 31, "spec.set.life.wipe", "unknown key", "one of: state"),
        (
            policy(set="{life: {state: retired, subscription: ended}}"),
            7, 46, "spec.set.life.subscription", "'ended'", "suspended",
        ),
        (policy(set="{life: {state: active}}", until="roaming"), 9, 10, "spec.until", "'roaming'", "rollback"),
        (policy(set="{life: {state: active}, config: {a: 1}}"), 7, 8, "spec.set", "config, life", "life alone"),
        (policy(couple="[config]"), 9, 12, "spec.couple", "'config'", "two or more"),
        (policy(couple="[config, network]"), 9, 20, "spec.couple[1]", "'network'", "that this policy sets"),
        (policy(admit="sometimes"), 9, 10, "spec.admit", "'sometimes'", "auto, ask"),
        (policy(admit="{paced: 0/h}"), 9, 18, "spec.admit.paced", "'0/h'", "500/h"),
        (policy(expires="2027-01-31"), 9, 12, "spec.expires", "'2027-01-31'", "an instant"),
        (policy(observe="yes"), 9, 12, "spec.observe", "'yes'", "true or false"),
        (policy(tests="[{given: {raoming: true}, expect: match}]"), 9, 20, "spec.tests[0].given.raoming", "unknown fact", "`roaming`"),
        (policy(tests="[{given: {roaming: 1}, expect: match}]"), 9, 29, "spec.tests[0].given.roaming", "1", "a bool"),
        (policy(tests="[{given: {roaming: true}, expect: yes}]"), 9, 44, "spec.tests[0].expect", "'yes'", "no-match"),
        (policy().replace("fairlead/v1", "fairlead/v2"), 1, 13, "apiVersion", "'fairlead/v2'", "fairlead/v1"),
        (policy().replace("apiVersion: fairlead/v1\n", ""), 1, 1, "apiVersion", "nothing", "fairlead/v1"),
        (policy().replace("kind: Policy", "kind: Polcy"), 2, 7, "kind", "'Polcy'", "did you mean 'Policy'?"),
        (policy().replace("name: p", "name: Not_A_Label"), 3, 18, "metadata.name", "'Not_A_Label'", "DNS label"),
        (policy().replace("metadata: {name: p}", "metadata: p"), 3, 11, "metadata", "'p'", "a map"),
        ("- a\n", 1, 1, "", "a list", "a map"),
        ("", 1, 1, "", "no document", "Policy"),
        ("a: &x 1\nb: *x\n", 1, 4, "", "anchor or alias", "written out"),
        ("a: 1\na: 2\n", 2, 1, "", "'a' a second time", "once"),
        ("1: a\n", 1, 1, "", "not text", "a word"),
        ("a: !!python/object:os.system x\n", 1, 4, "", "tag", "no tag"),
        ("a: .nan\n", 1, 4, "", ".nan", "finite"),
        ("a: 1e999\n", 1, 4, "", "1e999", "finite"),
        ('a: "\\0"\n', 1, 4, "", "NUL", "Unicode"),
        ("a: [" * 60, 1, None, "", "levels of nesting", "flatter"),
        ("a: 'b\n", None, None, "", "", "YAML 1.2"),
        ("a: \x07\n", 1, None, "", "", "YAML 1.2"),
        ("x" * (2**20 + 1), 1, 1, "", "characters", "at most"),
    ],
)  # fmt: skip
def test_each_fault_has_its_place(
    text: str, line: int | None, column: int | None, path: str, value: str, expected: str
) -> None:
    resources, faults = read_resources(text, file="rules.yaml")
    assert not resources
    found = next(fault for fault in faults if fault.path == path)
    assert value in found.value
    assert expected in found.expected
    assert line is None or found.line == line
    assert column is None or found.column == column
    assert str(found).startswith(f"rules.yaml:{found.line}:{found.column}:")


def test_a_life_has_no_end_of_its_own_and_says_what_it_leaves_out() -> None:
    (activation,), faults = read_resources(policy(set="{life: {state: active}}"), file="a.yaml")
    assert not faults
    assert isinstance(activation, Policy)
    assert activation.until.expr == NEVER
    (patient,), faults = read_resources(policy(set="{life: {state: active, within_s: 60}}"), file="p.yaml")
    assert (faults, patient.sets[Facet.LIFE].value) == ((), {"state": "active", "within_s": 60})
    (retirement,), _ = read_resources(policy(set="{life: {state: retired}}"), file="r.yaml")
    assert isinstance(retirement, Policy)
    assert retirement.sets[Facet.LIFE].value == {"state": "retired", "wipe": True, "subscription": "deactivated"}


def test_every_fault_of_a_file_is_reported_and_sound_documents_are_still_read() -> None:
    broken = policy(priority="x", reason="", admit="never")
    resources, faults = read_resources(f"{broken}---\n{policy()}---\n{policy()}", file="f")
    assert [resource.metadata.name for resource in resources] == ["p"]
    assert [fault.path for fault in faults] == ["spec.priority", "spec.admit", "spec.reason", "metadata.name"]
    assert "a second Policy 'p'" in faults[-1].value


def spec_of(kind: str, spec: str) -> str:
    return f"apiVersion: fairlead/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {spec}\n"


def test_the_faults_of_a_hopeless_file_are_bounded() -> None:
    _, faults = read_resources("a: 1\n---\n" * 500, file="f")
    assert len(faults) == 100
    assert faults[-1].value == "more faults"


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (spec_of("Strategy", "{tiers: [{use: roaming}, {use: multi-imsi}]}"), "spec.tiers[1]", "entry 1 already"),
        (spec_of("Strategy", "{tiers: [{use: sometimes}]}"), "spec.tiers[0].use", "one of"),
        (spec_of("Strategy", "{tiers: []}"), "spec.tiers", "a list"),
        (spec_of("Strategy", "{tiers: [{use: roaming, regions: [emea]}]}"), "spec.tiers[0].regions[0]", "one of"),
        (spec_of("Strategy", "{regions: {a: [Germany]}, tiers: [{use: roaming}]}"), "spec.regions.a[0]", "two capital"),
        (spec_of("Strategy", "{tiers: [{when: sku == 'a', use: roaming}]}"), "spec.tiers[0].when", "device condition"),
        (spec_of("Steering", "{match: roaming, prefer: [{plmn: 26202}]}"), "spec.prefer[0].plmn", "262-02"),
        (spec_of("Steering", "{match: roaming, prefer: [{plmn: 262-02}, {plmn: 262-02}]}"), "spec.prefer[1].plmn", "once"),
        (spec_of("SessionPolicy", "{rules: [{if: roaming, then: {action: throttle}}]}"), "spec.rules[0].then.rate", "64kbit"),
        (
            spec_of("SessionPolicy", "{rules: [{if: roaming, then: {action: reject, rate: 1bit}}]}"),
            "spec.rules[0].then.rate", "only throttle",
        ),
        (
            spec_of("SessionPolicy", "{rules: [{if: roaming, then: {action: reject}}, {if: roaming, then: {action: accept}}]}"),
            "spec.rules[1]", "entry 1 already",
        ),
        (spec_of("SessionPolicy", "{rules: [{if: 'false', then: {action: reject}}]}"), "spec.rules[0]", "can hold"),
        (spec_of("Grant", "{match: roaming, allow: [{to: 10.0.0.1/8}]}"), "spec.allow[0].to", "10.9.0.0/24"),
        (spec_of("Grant", "{match: roaming, allow: [{to: a, ports: [1]}]}"), "spec.allow[0].ports", "tcp or udp"),
        (spec_of("Grant", "{match: roaming, allow: [{to: a, protocol: tcp, ports: [0]}]}"), "spec.allow[0].ports[0]", "65535"),
    ],
)  # fmt: skip
def test_faults_of_the_other_kinds(text: str, path: str, expected: str) -> None:
    resources, faults = read_resources(text, file="f")
    assert not resources
    (fault,) = [fault for fault in faults if fault.path == path]
    assert expected in fault.expected or expected in fault.value


@settings(max_examples=120, deadline=None)
@given(st.text(alphabet="a:-[]{}&*!|>'\"#%@`,?~ \n\t0.\x00é", max_size=40))
def test_any_text_gives_resources_or_faults(text: str) -> None:
    resources, faults = read_resources(text, file="f")
    assert not resources
    assert faults


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PAGE) - 1), st.sampled_from("\x00{}[]:&*!'\"\n\t-#|"))
def test_one_wrong_character_never_raises(at: int, letter: str) -> None:
    resources, faults = read_resources(PAGE[:at] + letter + PAGE[at + 1 :], file="f")
    assert resources or faults

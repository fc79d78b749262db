"""The reference data that ships: loads, is complete, and its mistakes are found."""

import csv
import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from fairlead.model.identifiers import Plmn, read_plmn
from fairlead.model.rules import Confidence, ConsecutiveDays, DaysInYear, Kind, Stance, binds
from fairlead.reference import load

REPOSITORY = Path(__file__).parents[3]
SHARED = Path(os.environ.get("FAIRLEAD_SHARED", REPOSITORY.parent / "shared"))
TABLES = {
    "roaming-stance",
    "regional-strategies",
    "multi-imsi-and-euicc",
    "form-factors",
    "failure-modes",
    "control-chain",
    "four-questions",
    "cost-formula",
    "provider-questions",
    "strategy-steps",
    "governance-questions",
    "framework-duties",
}


def test_it_is_loaded_once():
    assert load() is load()


def test_every_country_and_topic_of_the_source_list_has_its_rules():
    path = SHARED / "reference/roaming-rules.csv"
    if not path.exists():
        pytest.skip(f"no source list at {path} (set FAIRLEAD_SHARED)")
    with path.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    ours = Counter((r.jurisdiction, r.topic) for r in load().rules)
    missing = Counter((row["country"], row["topic"]) for row in rows) - ours
    assert not missing
    assert len(rows) == 100
    counting = {(r.jurisdiction, r.topic) for r in load().rules if r.counts or r.valid_days}
    assert {(row["country"], row["topic"]) for row in rows if row["threshold_days"]} <= counting
    texts = {row["rule"].lower() for row in rows}
    assert not [r.id for r in load().rules if r.summary.lower() in texts]  # in our own words


def test_conflicting_sources_stand_side_by_side():
    reference = load()
    for country in ("DE", "AE", "ZA", "IN"):
        disputed = [r for r in reference.rules_of(country) if r.disputes]
        assert {d for r in disputed for d in r.disputes} >= {r.id for r in disputed}
        assert len(disputed) == 2


@pytest.mark.parametrize(
    ("country", "stance", "confidence"),
    [
        ("BR", Stance.PROHIBITED, Confidence.HIGH),
        ("TR", Stance.RESTRICTED, Confidence.HIGH),
        ("BE", Stance.RESTRICTED, Confidence.LOW),
        ("DE", Stance.RESTRICTED, Confidence.MEDIUM),
        ("FR", Stance.CONDITIONAL, Confidence.MEDIUM),
        ("AU", Stance.PERMISSIVE, Confidence.MEDIUM),
        ("US", Stance.CARRIER_POLICY, Confidence.MEDIUM),
        ("SG", Stance.UNKNOWN, Confidence.LOW),
        ("MN", Stance.UNKNOWN, Confidence.LOW),
    ],
)
def test_the_law_of_a_country(country, stance, confidence):
    said = load().law(country, date(2026, 11, 20))
    assert (said.stance, said.confidence) == (stance, confidence)


def test_rules_are_read_as_written():
    rule = load().rule("br-permanent-roaming-chile")
    assert rule is not None
    assert rule.counters == (ConsecutiveDays(trip=90), DaysInYear(trip=120))
    assert (rule.trip, rule.scope.home_countries, rule.zone) == ("any", frozenset({"CL"}), "UTC")
    qatar = load().rule("qa-permanent-roaming")
    assert qatar is not None
    assert (qatar.counters, qatar.zone) == ((ConsecutiveDays(trip=91, max_gap=6),), "Asia/Qatar")


def test_union_rules_hold_in_its_members():
    assert "eu-permanent-roaming" in {r.id for r in load().rules_of("FR")}
    assert "eu-permanent-roaming" not in {r.id for r in load().rules_of("CH")}


def test_us_has_no_day_count():
    assert not [r for r in load().rules_of("US", "permanent_roaming") if r.counts]


def test_drafts_do_not_bind():
    rule = load().rule("kz-imei-registration")
    assert rule is not None
    assert rule.kind is Kind.REPORT
    assert not binds(rule)


def test_countries_and_currencies():
    reference = load()
    turkey = reference.countries["TR"]
    assert (turkey.name, turkey.currencies, turkey.zone) == ("Türkiye", ("TRY",), "Europe/Istanbul")
    assert reference.countries["DE"].zone == "Europe/Berlin"  # Büsingen keeps the same time
    assert reference.countries["BR"].zone == "UTC"
    assert [reference.currencies[c].digits for c in ("JPY", "EUR", "KWD")] == [0, 2, 3]


def test_networks_and_home_countries():
    reference = load()
    telstra = reference.network(Plmn(mcc="505", mnc="01"))
    assert telstra is not None
    assert (telstra.brand, telstra.country, telstra.operational) == ("Telstra", "AU", True)
    assert reference.country_of_imsi("286011234567890") == "TR"
    assert reference.country_of_imsi("901405100000001") is None
    assert reference.country_of_imsi("999991234567890") is None
    assert reference.country_of_imsi("000000000000000") is None
    assert not [n for n in reference.networks.values() if n.plmn.mcc in {"901", "999"} and n.country]
    assert {n.country for n in reference.networks.values() if n.country} <= set(reference.countries)


def test_mnc_lengths_tell_integers_apart_or_leave_them_unknown():
    lengths = load().mnc_lengths
    assert read_plmn("262-2", lengths=lengths) == Plmn(mcc="262", mnc="02")
    assert read_plmn("310-4", lengths=lengths) is None
    assert read_plmn("302-5", lengths=lengths) == Plmn(mcc="302", mnc="005")


def test_the_carrier_rules_name_networks_that_exist():
    for rule in load().rules:
        for plmn in rule.scope.plmns:
            assert load().networks[plmn].country in rule.countries


def test_tables():
    tables = load().tables
    assert set(tables) >= TABLES
    assert len(tables["failure-modes"].rows) == len(tables["control-chain"].rows) == 5
    assert len(tables["four-questions"].rows) == 4
    first = tables["roaming-stance"].records()[0]
    assert first["jurisdiction"] == "EU"
    assert {"GDPR", "LGPD", "NIS2", "CRA", "NERC CIP", "HIPAA", "GSMA TS.34"} <= {
        row[0] for row in tables["framework-duties"].rows
    }
    assert all(t.source.name and t.source.date for t in tables.values())

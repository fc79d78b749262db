"""A pack with a mistake does not load, and the refusal says where and what."""

from pathlib import Path

import pytest

from fairlead.reference import MalformedReference
from fairlead.reference.places import counting_zone, load_countries
from fairlead.reference.rulepacks import read_packs

PACK = """\
source: a test
date: 2026-11-20
rules:
  - id: xx-example
    jurisdiction: TR
    topic: permanent_roaming
    stance: restricted
    kind: law
    sources: [somewhere]
    as_of: 2026-11
    confidence: low
    trend: unknown
    subject: imsi
    counters:
      - days_in_window: {at_least: 91, window: 120}
    effect: {code: blocked}
    summary: An example.
"""
COUNTRIES = load_countries()


def read(tmp_path: Path, text: str):
    path = tmp_path / "pack.yaml"
    path.write_text(text, encoding="utf-8")
    return read_packs([path], COUNTRIES)


def test_the_pack_without_a_mistake_loads(tmp_path):
    assert [r.id for r in read(tmp_path, PACK)] == ["xx-example"]


@pytest.mark.parametrize(
    ("before", "after", "line", "pointer", "expected"),
    [
        ("stance: restricted", "stance: forbidden", 7, "/rules/0/stance", "one of prohibited, restricted"),
        ("    trend: unknown", "    trends: unknown", 12, "/rules/0/trends", "one of the keys"),
        ("    trend: unknown\n", "", 4, "/rules/0", "a key 'trend'"),
        ("jurisdiction: TR", "jurisdiction: Turkey", 5, "/rules/0/jurisdiction", "ISO 3166-1"),
        ("as_of: 2026-11", "as_of: lately", 10, "/rules/0/as_of", "a day, month or year"),
        ("sources: [somewhere]", "sources: []", 9, "/rules/0/sources", "at least one"),
        ("at_least: 91", "at_least: many", 15, "/rules/0/counters/0/days_in_window/at_least", "a whole number"),
        ("at_least: 91", "at_least: 91, more_than: 90", 15, "/rules/0/counters/0/days_in_window", "either"),
        ("window: 120", "window: 90", 15, "/rules/0/counters/0/days_in_window/window", "a window that can hold 91"),
        ("days_in_window", "days_in_a_row", 15, "/rules/0/counters/0/days_in_a_row", "one of the keys"),
        ("    subject: imsi\n", "", 4, "/rules/0", "a key 'subject'"),
        ("    effect: {code: blocked}\n", "", 4, "/rules/0", "a key 'effect'"),
        ("{code: blocked}", "{code: fined}", 16, "/rules/0/effect/code", "one of blocked"),
        (
            "    summary: An example.",
            "    summary: An example.\n    disputes: [yy]",
            4,
            "/rules/0",
            "that exist, unlike 'yy'",
        ),
        (
            "    effect:",
            "    applies_when: {carrier: Telstra}\n    effect:",
            16,
            "/rules/0/applies_when",
            "a key 'plmn'",
        ),
        (
            "    effect:",
            "    reset: sometimes\n    effect:",
            16,
            "/rules/0/reset",
            "one of calendar_year, window, never",
        ),
        ("rules:\n", "rules: {\n", 5, "", "YAML"),
    ],
)
def test_mistakes_are_located(tmp_path, before, after, line, pointer, expected):
    assert before in PACK
    with pytest.raises(MalformedReference) as refused:
        read(tmp_path, PACK.replace(before, after, 1))
    assert refused.value.line is not None
    assert (refused.value.file, refused.value.pointer) == ("pack.yaml", pointer)
    if pointer:
        assert refused.value.line == line
    assert expected in refused.value.expected


def test_an_id_is_given_once(tmp_path):
    again = PACK + PACK.split("rules:\n")[1]
    with pytest.raises(MalformedReference, match="xx-example is taken"):
        read(tmp_path, again)


def test_a_country_with_several_clocks_counts_in_utc():
    assert counting_zone(["Europe/Berlin", "Europe/Busingen"]) == "Europe/Berlin"
    assert counting_zone(["Asia/Shanghai", "Asia/Urumqi"]) == "UTC"
    assert counting_zone([]) == "UTC"

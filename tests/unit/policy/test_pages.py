"""The pages people read say what the code does: the fact page is current, every example is accepted."""

import re
import runpy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fairlead.model.expression import type_names
from fairlead.model.facts import catalogue, contexts, device_facts
from fairlead.policy.check import read_expression
from fairlead.policy.proof import prove
from fairlead.policy.read import read_resources
from fairlead.policy.syntax import Refusal

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "policy-language.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CONDITIONS = re.findall(r"```cel\n(.*?)```", PAGE, re.DOTALL)
REFUSED = re.findall(r"```refused\n(.*?)```", PAGE, re.DOTALL)


def test_the_fact_page_is_current() -> None:
    written = runpy.run_path(str(ROOT / "tools" / "factdoc.py"))["page"]()
    assert (ROOT / "docs" / "facts.md").read_text(encoding="utf-8") == written, "run tools/factdoc.py"


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5
    assert CONDITIONS
    assert REFUSED


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_accepted_and_its_tests_hold(example: str) -> None:
    resources, faults = read_resources(example, file="policy-language.md")
    assert not faults
    for resource in resources:
        assert prove(resource, datetime(2026, 3, 1, tzinfo=UTC)) == ()


@pytest.mark.parametrize("condition", [line for block in CONDITIONS for line in block.splitlines() if line])
def test_every_condition_is_accepted(condition: str) -> None:
    read = read_expression(condition, context="device")
    assert not isinstance(read, Refusal), str(read)


@pytest.mark.parametrize("line", [line for block in REFUSED for line in block.splitlines() if line])
def test_every_refusal_is_the_one_shown(line: str) -> None:
    condition, _, shown = line.partition("  →  ")
    read = read_expression(condition, context="device")
    assert isinstance(read, Refusal)
    assert f"{read.problem}; {read.expected}" == shown


def test_the_catalogue_is_whole() -> None:
    for context in contexts:
        for name, fact in catalogue[context].items():
            assert (fact.name, fact.context) == (name, context)
            assert fact.type in type_names
            assert fact.doc.endswith(".")
            assert (fact.form is None) or fact.column
            assert (fact.form is not None) == (fact.freshness == "follows the clock")
    without_column = {name for name, fact in catalogue["device"].items() if fact.column is None}
    assert without_column == {"tenant"}


def test_a_row_becomes_facts() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    facts = device_facts({"device_group": "a", "tags": ["x"], "breach_at": now, "unrelated": 1}, tenant="acme")
    assert (facts["group"], facts["tags"], facts["tenant"]) == ("a", ("x",), "acme")
    assert facts['clock("permanent-roaming").days_left'] is now
    assert facts["sku"] is None
    assert "unrelated" not in facts

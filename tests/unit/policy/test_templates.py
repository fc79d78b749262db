"""The texts that the console offers to start from are read without a fault, and their tests come true."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fairlead.model.resources import kinds
from fairlead.policy.proof import tried
from fairlead.policy.read import read_resources

TEMPLATES = sorted((Path(__file__).parents[3] / "console/src/screens/policy/templates").glob("*.yaml"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_is_read_and_proved(template):
    resources, faults = read_resources(template.read_text(encoding="utf-8"), file=template.name)
    assert faults == ()
    assert resources
    assert [outcome for resource in resources for outcome in tried(resource, NOW) if not outcome.passed] == []


def test_there_is_a_template_of_every_kind():
    read = [read_resources(path.read_text(encoding="utf-8"), file=path.name)[0] for path in TEMPLATES]
    assert {type(resource).__name__ for resources in read for resource in resources} == set(kinds)

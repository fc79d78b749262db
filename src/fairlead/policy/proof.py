"""The tests that people write beside their rules, run at `plan`; one that fails refuses the apply.

A test gives facts and says what must come of them. Facts that it does not give are absent, as on a
device that never reported them, so a test also proves what a rule does with a gap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fairlead.model.resources import Policy, PolicyTest, Resource, SessionPolicy, Strategy, UsageRule
from fairlead.policy.evaluate import holds, missing
from fairlead.policy.session import judged
from fairlead.policy.strategy import way_in
from fairlead.policy.usage import tried as usage_tried


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome:
    """A test beside a rule, and what came of it."""

    kind: str  # of the resource
    name: str  # of the resource
    line: int  # of the test in its file
    expected: str
    found: str

    @property
    def passed(self) -> bool:
        """Whether it came true."""
        return self.expected == self.found

    def __str__(self) -> str:
        return f"{self.kind} {self.name}, test on line {self.line}: expected {self.expected}, found {self.found}"


def prove(resource: Resource, now: datetime) -> tuple[TestOutcome, ...]:
    """The tests of the resource that fail; none where all hold or there are none."""
    return tuple(outcome for outcome in tried(resource, now) if not outcome.passed)


def tried(resource: Resource, now: datetime) -> tuple[TestOutcome, ...]:
    """Every test of the resource with what came of it, in the order of the file."""
    kind, name = type(resource).__name__, resource.metadata.name
    return tuple(
        TestOutcome(kind=kind, name=name, line=line, expected=expected, found=found)
        for line, expected, found in _outcomes(resource, now)
    )


def _outcomes(resource: Resource, now: datetime) -> Iterator[tuple[int, str, str]]:
    """Each test as (line, expected, found)."""
    match resource:
        case Policy():
            for test in resource.tests:
                yield test.line, test.expect, _policy_outcome(resource, test, now)
        case SessionPolicy():
            for test in resource.tests:
                rule = judged(resource, test.given, now)
                yield test.line, test.expect, "accept" if rule is None else rule.action
        case Strategy():
            for test in resource.tests:
                chosen = way_in(resource, str(test.given.get("country", "")), test.given, now)
                yield test.line, test.expect, chosen.use or chosen.reason
        case UsageRule():
            for test in resource.tests:
                yield test.line, test.expect, usage_tried(resource, test, now)
        case _:
            return


def _policy_outcome(policy: Policy, test: PolicyTest, now: datetime) -> str:
    """What was expected, where it came true, else the opposite with the facts that were missing."""
    ending = test.expect.endswith("until")
    word, expr = ("until", policy.until.expr) if ending else ("match", policy.match.expr)
    truth = holds(expr, test.given, now)
    if truth is None and not test.expect.startswith("no-"):
        return f"no-{word}: absent {', '.join(sorted(missing(expr, test.given)))}"
    return word if truth else f"no-{word}"

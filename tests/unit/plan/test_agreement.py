"""Why another person must agree: one rule for bulk actions and Changes."""

import pytest

from fairlead.model.subscription import VerbCapability
from fairlead.plan.agreement import Meant, charged_at, why_agree

FREE = VerbCapability(supported=True, billable=False)
SILENT = VerbCapability(supported=True)
CHARGED = VerbCapability(supported=True, billable=True)
FINAL = VerbCapability(supported=True, reversible=False, billable=True)


@pytest.mark.parametrize(
    ("asked", "charges", "why"),
    [
        ([], True, ""),
        ([("a", "activate", FREE), ("b", "activate", SILENT)], True, ""),
        ([("a", "activate", CHARGED), ("b", "activate", CHARGED)], True, "activate is charged for at a, b"),
        ([("a", "activate", CHARGED)], False, ""),
        ([("a", "suspend", CHARGED)], True, "a line goes on being charged for after suspend at a"),
        ([("a", "terminate", FINAL), ("b", "activate", CHARGED)], True, "nothing takes terminate back at a"),
        ([("a", "terminate", FINAL)], False, "nothing takes terminate back at a"),
        (
            [("a", "activate", CHARGED), ("b", "suspend", CHARGED)], True,
            "activate is charged for at a; a line goes on being charged for after suspend at b",
        ),
    ],
)  # fmt: skip
def test_what_is_final_always_asks_and_what_is_charged_asks_where_the_rule_says_so(
    asked: list[Meant], charges: bool, why: str
) -> None:
    assert why_agree(asked, charges=charges) == why


def test_what_is_charged_is_told_of_a_verb_that_is_final_too() -> None:
    assert charged_at([("a", "terminate", FINAL)]) == "a line goes on being charged for after terminate at a"

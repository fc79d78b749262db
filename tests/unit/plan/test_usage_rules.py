"""What a usage rule comes to at an account: judged or not, asked or only told, and why."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.model.resources import UsageRule
from fairlead.model.subscription import CapabilityRecord, UsageCapability, Verb, VerbCapability
from fairlead.plan.usage_rules import AtAccount, Comes, comes_to
from fairlead.policy.read import read_resources

HOUR = timedelta(hours=1)
USAGE = UsageCapability(
    granularities=("day",), lag_typical=HOUR, lag_final=HOUR, retention=30 * 24 * HOUR, source="raw", zone_split=False,
    readable_after_terminate=True,
)  # fmt: skip
CAN = VerbCapability(supported=True, billable=False)
RECORD = CapabilityRecord(
    version="paper/1", verbs=dict.fromkeys((Verb.SUSPEND, Verb.SET_LIMIT, Verb.SET_SPEED), CAN), usage=USAGE,
    limit_scope="sim", speeds={"slow": 64_000, "slower": 32_000, "fast": 1_000_000},
)  # fmt: skip
ABOVE, MONTH = "above: {window: 24h, bytes: 50MB}", "above: {window: month, bytes: 1GB}"
SUSPEND = "action: suspend, for: 24h"


def rule(measure: str = ABOVE, then: str = SUSPEND, more: str = "") -> UsageRule:
    text = (
        "apiVersion: fairlead/v1\nkind: UsageRule\nmetadata: {name: a}\nspec:\n  match: 'true'\n"
        f"  {measure}\n  then: {{alert: low, {then}}}\n  reason: a test\n{more}"
    )
    (found,), faults = read_resources(text, file="a.yaml")
    assert not faults
    assert isinstance(found, UsageRule)
    return found


def comes(found: UsageRule, record: CapabilityRecord | None = RECORD, **at: object) -> Comes:
    verbs = frozenset(verb.value for verb in record.verbs) if record is not None else frozenset()
    return comes_to(found, AtAccount(account="a", record=record, **{"verbs": verbs, **at}))  # type: ignore[arg-type]


def test_a_carrier_that_can_is_asked() -> None:
    found = comes(rule())
    assert (found.verb, found.arguments, found.unjudged, found.undoable, found.waits) == (Verb.SUSPEND, {}, "", "", "")
    capped = comes(rule(then="action: limit, limit: 100MB, until: next-month"))
    assert (capped.verb, capped.arguments) == (Verb.SET_LIMIT, {"bytes": 100_000_000})
    told = comes(rule(then=""))
    assert (told.verb, told.undoable) == (None, "")


@pytest.mark.parametrize(("rate", "speed"), [("64kbit", "slow"), ("63kbit", "slower"), ("5mbit", "fast")])
def test_a_line_is_throttled_to_the_fastest_class_that_is_not_faster(rate: str, speed: str) -> None:
    found = comes(rule(then=f"action: throttle, rate: {rate}, for: 1h"))
    assert (found.verb, found.arguments) == (Verb.SET_SPEED, {"speed": speed})


@pytest.mark.parametrize(
    ("record", "then", "because"),
    [
        (None, SUSPEND, "no interface"),
        (replace(RECORD, verbs={}), SUSPEND, "not possible at this carrier, because the carrier's interface"),
        (replace(RECORD, verbs={}, speeds={}), "action: throttle, rate: 64kbit, for: 1h", "not possible at this carrier"),
        (RECORD, "action: throttle, rate: 16kbit, for: 1h", "its slowest class is 32 kbit/s"),
        (replace(RECORD, limit_scope="account"), "action: limit, limit: 1MB, for: 1h", "binds the whole account"),
    ],
)  # fmt: skip
def test_why_it_is_only_told(record: CapabilityRecord | None, then: str, because: str) -> None:
    found = comes(rule(then=then), record)
    assert found.verb is None
    assert because in found.undoable


def test_what_may_not_be_written_there_is_only_told() -> None:
    found = comes(rule(), verbs=frozenset(), withheld="its connector may only read")
    assert (found.verb, found.undoable) == (None, "its connector may only read")


@pytest.mark.parametrize(
    ("can", "waits"),
    [
        (replace(CAN, reversible=False), "nothing takes suspend back"),
        (replace(CAN, billable=True), "charged for after"),
    ],
)
def test_what_is_final_or_charged_for_waits_each_time(can: VerbCapability, waits: str) -> None:
    record = replace(RECORD, verbs={Verb.SUSPEND: can})
    assert waits in comes(rule(), record).waits
    at = AtAccount(account="a", record=record, verbs=frozenset({"suspend"}))
    assert bool(comes_to(rule(), at, charges=False).waits) == (not can.reversible)


@pytest.mark.parametrize(
    ("usage", "measure", "more", "because"),
    [
        (replace(USAGE, lag_typical=48 * HOUR), ABOVE, "", "lags 48 h, which is longer than the rule's 24 h"),
        (replace(USAGE, lag_typical=48 * HOUR), "silent: {days: 1}", "", "lags 48 h"),
        (replace(USAGE, lag_typical=48 * HOUR), MONTH, "", ""),
        (replace(USAGE, lag_typical=48 * HOUR), MONTH, "  max_age: 24h\n", "takes none older than 24 h"),
        (replace(USAGE, granularities=("month",)), ABOVE, "", "it counts by month"),
        (replace(USAGE, granularities=("month",)), MONTH, "", ""),
        (None, ABOVE, "", ""),  # files may bring it
    ],
)
def test_why_it_cannot_be_judged(usage: UsageCapability | None, measure: str, more: str, because: str) -> None:
    found = comes(rule(measure, more=more), replace(RECORD, usage=usage)).unjudged
    assert because in found
    assert bool(found) == bool(because)

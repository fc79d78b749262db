"""A `UsageRule` from its map: whom it watches, one measure, what follows and for how long.

`policy.read` calls it. What would act for ever is refused here: whatever a rule does to a line has an end.
"""

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from fairlead.model.resources import (
    DEFAULT_ASK,
    Above,
    Growth,
    Measure,
    Metadata,
    Silent,
    UsageResponse,
    UsageRule,
    UsageTest,
    alert_levels,
    usage_actions,
    usage_windows,
)
from fairlead.policy.fields import LABEL, Fields, positive_duration
from fairlead.policy.quantities import read_bit_rate, read_duration, read_rate, read_size

_SIZE: Final = "a size, such as 50MB"
_TIMES: Final = re.compile(r"\d{1,4}(?:\.\d{1,3})?")
_DAYS: Final = re.compile(r"(\d{1,3})d")
_MOST_DAYS: Final = 90
_EXPECTATIONS: Final = ("crossed", "within", "stale", "no-match", "cannot")
_ZERO: Final = timedelta(0)
_MEASURES: Final = ("above", "growth", "silent")


def read_usage_rule(metadata: Metadata, spec: Fields, line: int) -> UsageRule | None:
    """The rule, or None with faults."""
    match = spec.condition("match", "device")
    carriers = _carriers(spec)
    measure = _measure(spec)
    then = _then(spec)
    max_age = spec.read("max_age", positive_duration, "whole seconds, such as 48h", optional=True)
    reason = spec.text("reason", "why this rule exists, for the people who meet its effects")
    observe = spec.flag("observe")
    tests = _tests(spec)
    spec.done()
    if match is None or measure is None or then is None or reason is None:
        return None
    return UsageRule(
        metadata=metadata, match=match, carriers=carriers, measure=measure, then=then, max_age=max_age, reason=reason,
        observe=observe, tests=tests, line=line,
    )  # fmt: skip


def _carriers(spec: Fields) -> tuple[str, ...]:
    expected = "the name of a carrier account"
    items = spec.items("carriers", "a list of carrier accounts", optional=True) or ()
    read = [spec.text_of(node, f"{spec.name('carriers')}[{at}]", expected, LABEL) for at, node in enumerate(items)]
    return tuple(dict.fromkeys(name for name in read if name is not None))


def _measure(spec: Fields) -> Measure | None:
    above = spec.fields("above", "more than so much, such as {window: 24h, bytes: 50MB}", optional=True)
    growth = spec.fields("growth", "a growth, such as {window: 24h, times: 5, against: 14d}", optional=True)
    silent = spec.fields("silent", "a silence, such as {days: 14}", optional=True)
    said = [name for name in _MEASURES if name in spec.node.members]
    if len(said) != 1:
        value = " and ".join(said) or "nothing"
        spec.faults.add(spec.node, spec.name("above"), "one measure: above, growth or silent", value=value)
    found: list[Measure | None] = []
    if above is not None:
        found.append(_above(above))
    if growth is not None:
        found.append(_growth(growth))
    if silent is not None:
        days = silent.whole("days", f"whole days, from 1 to {_MOST_DAYS}", low=1, high=_MOST_DAYS)
        silent.done()
        found.append(None if days is None else Silent(days=days))
    return found[0] if len(found) == 1 and len(said) == 1 else None


def _above(fields: Fields) -> Above | None:
    window = fields.choice("window", usage_windows)
    size = fields.read("bytes", read_size, _SIZE)
    fields.done()
    return None if window is None or size is None else Above(window=window, bytes=size)


def _growth(fields: Fields) -> Growth | None:
    window = fields.choice("window", usage_windows[:2])
    times = fields.read("times", _thousandths, "how many times as much, above 1, such as 5 or 1.5")
    against = fields.read("against", _whole_days, f"whole days, from 1d to {_MOST_DAYS}d, such as 14d")
    size = fields.read("bytes", read_size, _SIZE, optional=True)
    fields.done()
    if window is None or times is None or against is None:
        return None
    return Growth(window=window, times=times, against_days=against, bytes=size or 0)


def _thousandths(text: str) -> int | None:
    if not _TIMES.fullmatch(text.strip()):
        return None
    try:
        found = int(Decimal(text.strip()) * 1_000)
    except InvalidOperation:
        return None
    return found if found > 1_000 else None  # noqa: PLR2004 - once as much is no growth


def _whole_days(text: str) -> int | None:
    found = _DAYS.fullmatch(text.strip())
    days = int(found[1]) if found else 0
    return days if 1 <= days <= _MOST_DAYS else None


def _then(spec: Fields) -> UsageResponse | None:
    then = spec.fields("then", "what follows, such as {alert: high, action: suspend, for: 24h}")
    if then is None:
        return None
    alert = then.choice("alert", alert_levels)
    action = then.choice("action", usage_actions, optional=True)
    rate = then.read("rate", read_bit_rate, "a bit rate, such as 64kbit", optional=True)
    size = then.read("limit", read_size, _SIZE, optional=True)
    lasts = then.read("for", positive_duration, "whole seconds, such as 24h", optional=True)
    until = then.choice("until", ("next-month",), optional=True)
    ask = then.read("ask_above", read_rate, "a count per period, such as 100/day", optional=True)
    then.done()
    members = then.node.members
    _paired(then, action == "throttle", "rate", "the rate to throttle to, such as 64kbit")
    _paired(then, action == "limit", "limit", "the ceiling to set, such as 100MB")
    ends = [key for key in ("for", "until") if key in members]
    if action is not None and len(ends) != 1:
        expected = "when it is taken back: either `for`, such as 24h, or `until: next-month`"
        then.faults.add(then.node, then.name("for"), expected, value=" and ".join(ends) or "nothing")
    if action is None:
        for key in [*ends, *(["ask_above"] if "ask_above" in members else [])]:
            then.faults.add(members[key], then.name(key), "nothing of the sort without an action")
    if alert is None or (action is not None and lasts is None and until is None):
        return None
    return UsageResponse(
        alert=alert, action=action, rate_bps=rate, limit_bytes=size, lasts=lasts, ask_above=ask or DEFAULT_ASK
    )


def _paired(then: Fields, wanted: bool, key: str, expected: str) -> None:  # noqa: FBT001 - the condition itself
    node = then.node.members.get(key)
    if wanted and node is None:
        then.faults.add(then.node, then.name(key), expected, value="nothing")
    if not wanted and node is not None:
        then.faults.add(node, then.name(key), f"no {key}: this action has none")


def _tests(spec: Fields) -> tuple[UsageTest, ...]:
    tests: list[UsageTest] = []
    for fields in spec.each("tests", "a list of {given, used, age, expect}", optional=True):
        given = fields.given("device")
        used = fields.read("used", read_size, _SIZE, optional=True)
        before = fields.read("before", read_size, _SIZE, optional=True)
        silent = fields.read("silent", read_duration, "a duration, such as 14d", optional=True)
        age = fields.read("age", read_duration, "a duration, such as 3h", optional=True)
        lag = fields.read("lag", read_duration, "a duration, such as 1h", optional=True)
        expect = fields.choice("expect", _EXPECTATIONS)
        fields.done()
        if expect is not None:
            tests.append(
                UsageTest(
                    given=given, used=used or 0, before=before or 0, silent=silent or _ZERO, age=age or _ZERO,
                    lag=lag or _ZERO, expect=expect, line=fields.node.line,
                )
            )  # fmt: skip
    return tuple(tests)

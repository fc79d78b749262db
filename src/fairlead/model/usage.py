"""What a usage rule asks of data: how long its window is, how old the data may be, which carriers it cannot judge.

Shared by `policy.usage`, which judges a line, `plan.usage_rules`, which says what a rule comes to at an
account, and the store, which judges them all.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from fairlead.model.resources import Above, Growth, Measure, Silent, UsageRule

DAY: Final = timedelta(days=1)
WINDOWS: Final[Mapping[str, int]] = {"24h": 1, "7d": 7}  # in days; a month has as many as have gone by


def allowed_age(rule: UsageRule, lag: timedelta) -> timedelta:
    """How old the newest data of a line may be: where the rule does not say, the carrier's lag and a day."""
    return rule.max_age if rule.max_age is not None else lag + DAY


def cannot(rule: UsageRule, lag: timedelta) -> str:
    """Why a carrier that lags so far can never be judged by the rule; empty: it can."""
    hours = round(lag / timedelta(hours=1), 1)
    window = _window(rule.measure)
    if window is not None and window < lag:
        length = "24 h" if window == DAY else f"{window.days} days"
        return f"its usage lags {hours:g} h, which is longer than the rule's {length}"
    if rule.max_age is not None and rule.max_age < lag:
        limit = round(rule.max_age / timedelta(hours=1), 1)
        return f"its usage is {hours:g} h old at best, and the rule takes none older than {limit:g} h"
    return ""


def _window(measure: Measure) -> timedelta | None:
    match measure:
        case Above(window=window) | Growth(window=window):
            return WINDOWS[window] * DAY if window in WINDOWS else None
        case Silent(days=days):
            return days * DAY

"""Values as people read them: numbers with their thousands, instants, ages, lists, what is absent."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from rich.markup import escape

NOTHING: Final = "–"
_STEPS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"))
_BAR: Final = 16

COLOURS: Final[Mapping[str, str]] = {
    "active": "green", "online": "green", "verified": "green", "passed": "green", "done": "green", "standing": "green",
    "permissive": "green", "kept": "green", "ok": "green", "attached": "green", "green": "green",
    "running": "cyan", "open": "cyan", "dispatched": "cyan", "delivered": "cyan", "acknowledged": "cyan",
    "waiting": "cyan", "pending": "cyan", "planned": "cyan", "approved": "cyan", "ready": "cyan",
    "paused": "yellow", "undoing": "yellow", "rolling-back": "yellow", "restricted": "yellow",
    "conditional": "yellow", "unknown": "yellow", "carrier_policy": "yellow", "suspended": "yellow",
    "offline": "yellow", "quarantined": "yellow", "amber": "yellow", "superseded": "yellow", "stopped": "yellow",
    "failed": "red", "refused": "red", "aborted": "red", "prohibited": "red", "stuck": "red", "blocked": "red",
    "expired": "red", "rolled-back": "red", "undone": "red", "terminated": "red", "red": "red", "cancelled": "red",
    "critical": "red", "warning": "yellow",
}  # fmt: skip


def text(value: Any) -> str:
    """Any JSON value in one line."""
    match value:
        case None | "" | []:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:g}"
        case str():
            return when(value) if _is_instant(value) else value
        case list():
            return ", ".join(text(item) for item in cast("Sequence[Any]", value))
        case dict() if not value:
            return NOTHING
        case dict():
            found = cast("Mapping[str, Any]", value)
            return ", ".join(f"{name}={text(item)}" for name, item in found.items())
        case _:
            return str(value)


def coloured(value: Any) -> str:
    """A value as Rich markup, in the colour of its meaning."""
    shown = escape(text(value))
    colour = COLOURS.get(value) if isinstance(value, str) else None
    return f"[{colour}]{shown}[/]" if colour else shown


def when(instant: str) -> str:
    """An instant to the minute, UTC; days stay days."""
    try:
        at = datetime.fromisoformat(instant)
    except ValueError:
        return instant
    if len(instant) <= len("2026-03-01"):
        return instant
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def age(seconds: float | None) -> str:
    """How long: 40s, 5m, 3h, 12d."""
    if seconds is None:
        return NOTHING
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 device`, `1,204 devices`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money(amounts: Mapping[str, Any]) -> str:
    """Amounts by currency, never added up."""
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(amounts.items())) or "nothing"


def bar(part: int, whole: int) -> str:
    """A bar of characters: how much of a whole."""
    filled = _BAR if whole <= 0 else min(_BAR, round(_BAR * part / whole))
    return "█" * filled + "░" * (_BAR - filled)


def at(value: Any, path: str) -> Any:
    """The value under a dotted path; None where there is none."""
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = cast("Mapping[str, Any]", value).get(name)
    return value


def _is_instant(value: str) -> bool:
    return len(value) >= len("2026-03-01T00:00Z") and value[4:5] == "-" and value[10:11] == "T"


def rows(value: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects in an answer; empty where it is absent."""
    return cast("list[dict[str, Any]]", value.get(name) or [])


def part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object in an answer; empty where it is absent."""
    return cast("dict[str, Any]", value.get(name) or {})


def texts(value: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts in an answer; empty where it is absent."""
    return [str(one) for one in cast("list[Any]", value.get(name) or [])]

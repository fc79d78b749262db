"""Bulk actions: one verb asked of many lines, with or without a device behind them.

A Change says what devices should be; a bulk action asks carriers for one thing, once: suspend the stock in
a warehouse, lock IMEIs, send a message. It has a plan first, can be paused, cancelled and taken back where
its verb allows, and every line has its own result. Pure; `engine.bulk` runs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from fairlead.model.identifiers import MalformedIdentifier, read_imei, read_plmn
from fairlead.model.subscription import VERB_TARGET, Verb

UNDO: Final = "undo"  # the verb of a bulk action that takes another one back: each line has its own
LONGEST_SMS: Final = 1_000
BulkVerb = Literal[
    "activate", "suspend", "standby", "deactivate", "allow_termination", "terminate", "set_plan", "set_limit",
    "set_speed", "set_group", "set_imei_lock", "set_network_policy", "send_sms", "reset_connection",
]  # fmt: skip
# What takes a state back, by the state the line was in before.
BACK: Final[Mapping[str, Verb]] = {
    "active": Verb.ACTIVATE,
    "ready": Verb.ACTIVATE,
    "suspended": Verb.SUSPEND,
    "standby": Verb.STANDBY,
    "deactivated": Verb.DEACTIVATE,
}


@dataclass(frozen=True, slots=True)
class MalformedArgument(Exception):
    """An argument a verb cannot take: which, and what was expected."""

    field: str
    value: object
    expected: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.field}: expected {self.expected}"


def read_arguments(verb: Verb, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a verb, checked. Raises `MalformedArgument`."""
    known = _TAKES.get(verb, {})
    for name, value in given.items():
        if name not in known:
            takes = ", ".join(known) or "nothing"
            raise MalformedArgument(name, value, f"nothing of that name: {verb} takes {takes}")
    return {name: read(name, given.get(name)) for name, read in known.items()}


def target_state(verb: Verb) -> str | None:
    """The state that proves the verb; a line in it already is left alone."""
    target = VERB_TARGET.get(verb)
    return None if target is None else target.value


def _text(most: int) -> Any:
    def read(name: str, value: object) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= most:
            raise MalformedArgument(name, value, f"1 to {most} letters")
        return value

    return read


def _bytes(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 2**50:
        raise MalformedArgument(name, value, "a number of bytes above 0, or null for no limit")
    return value


def _imei(name: str, value: object) -> str | None:
    if value is None:
        return None
    try:
        return read_imei(str(value))
    except MalformedIdentifier as error:
        raise MalformedArgument(name, value, f"an IMEI, or null for no lock ({error})") from None


def _kind(name: str, value: object) -> str:
    if value not in ("allow", "block"):
        raise MalformedArgument(name, value, "allow or block")
    return str(value)


def _listed(value: object) -> list[object] | None:
    return cast("list[object]", value) if isinstance(value, list) else None


def _plmns(name: str, value: object) -> list[str]:
    given = _listed(value)
    if given is None or len(given) > 500:  # noqa: PLR2004 - no carrier's list is longer
        raise MalformedArgument(name, value, "a list of up to 500 networks such as 262-02")
    found: set[str] = set()
    for position, one in enumerate(given):
        try:
            plmn = read_plmn(str(one))
        except MalformedIdentifier as error:
            raise MalformedArgument(f"{name}[{position}]", one, str(error)) from None
        if plmn is None:
            raise MalformedArgument(f"{name}[{position}]", one, "a network with its MNC's length, such as 262-02")
        found.add(str(plmn))
    return sorted(found)


def _group(name: str, value: object) -> str | None:
    return None if value is None else _text(128)(name, value)


_TAKES: Final[Mapping[Verb, Mapping[str, Any]]] = {
    Verb.SET_PLAN: {"plan": _text(128)},
    Verb.SET_LIMIT: {"bytes": _bytes},
    Verb.SET_SPEED: {"speed": _text(64)},
    Verb.SET_GROUP: {"group": _group},
    Verb.SET_IMEI_LOCK: {"imei": _imei},
    Verb.SET_NETWORK_POLICY: {"kind": _kind, "plmns": _plmns},
    Verb.SEND_SMS: {"text": _text(LONGEST_SMS)},
}

"""How Fairlead names things on NATS, in one place.

Every name is checked before it becomes part of a subject: a dot, a star or a `>` that slipped
in from a device or a person would widen what is published or heard.

    fairlead.nudge.<kind>                 look again (payload: the tenant's id, 16 bytes)
    fairlead.ask.<name…>                  questions to one process
    fairlead.event.<tenant id>.<kind>     what the world outside may read
    fairlead.v1.<tenant>.<device>.<path…> MQTT: `/` in a topic is `.` in a subject
"""

import re
from functools import lru_cache
from typing import Final
from uuid import UUID

from fairlead.engine.ports.bus import MalformedToken
from fairlead.model.ids import TenantId

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DEVICES: Final = ("fairlead", "v1")
_PREFIX: Final = "fairlead.v1."
_PATH_DEPTH: Final = 8

_EVENT: Final = "fairlead.event."

EVENTS: Final = f"{_EVENT}>"


def token(text: str) -> str:
    """`text` itself when it may stand in a subject; raises `MalformedToken`."""
    if _TOKEN.fullmatch(text) is None:
        shown = text if len(text) <= 80 else f"{text[:80]}…"  # noqa: PLR2004 - enough to recognise it by
        raise MalformedToken(f"{shown!r} cannot stand in a subject: expected 1 to 64 of A-Z a-z 0-9 _ -")
    return text


def nudge(kind: str) -> str:
    """The subject of nudges of one kind."""
    return f"fairlead.nudge.{token(kind)}"


def question(name: str) -> str:
    """The subject of questions under a dotted name."""
    return "fairlead.ask." + ".".join(token(part) for part in name.split("."))


def event(tenant: TenantId, kind: str) -> str:
    """The subject of one kind of events of one tenant; the kind may be dotted."""
    return f"fairlead.event.{tenant}." + ".".join(token(part) for part in kind.split("."))


def read_event(subject: str) -> tuple[TenantId, str] | None:
    """Tenant and kind of an event's subject; None when it is none."""
    tenant, _, kind = subject.removeprefix(_EVENT).partition(".")
    try:
        return (TenantId(UUID(tenant)), kind) if subject.startswith(_EVENT) and kind else None
    except ValueError:
        return None


def device(tenant: str, name: str, path: str) -> str:
    """The subject of one topic of one device; `path` is written with slashes."""
    return f"{_PREFIX}{token(tenant)}.{token(name)}.{_below(path)}"


@lru_cache(maxsize=1024)
def _below(path: str) -> str:
    """A path as subject; devices have few, and each of their messages needs one."""
    return ".".join(token(level) for level in path.split("/"))


def every_device(path: str) -> str:
    """The subject that hears this path of all devices; `+` stands for one level of it."""
    levels = ("*" if level == "+" else token(level) for level in path.split("/"))
    return ".".join((*_DEVICES, "*", "*", *levels))


def read_device(subject: str) -> tuple[str, str, str] | None:
    """Tenant, device and path of a device's subject; None when a level is missing, empty or malformed."""
    parts = subject.removeprefix(_PREFIX).split(".", 2)
    if not subject.startswith(_PREFIX) or len(parts) != 3:  # noqa: PLR2004 - tenant, device, the rest
        return None
    tenant, name, rest = parts
    path = _path(rest)
    if path is None or _TOKEN.fullmatch(tenant) is None or _TOKEN.fullmatch(name) is None:
        return None
    return tenant, name, path


@lru_cache(maxsize=1024)
def _path(rest: str) -> str | None:
    levels = rest.split(".")
    if len(levels) > _PATH_DEPTH or any(_TOKEN.fullmatch(level) is None for level in levels):
        return None
    return "/".join(levels)

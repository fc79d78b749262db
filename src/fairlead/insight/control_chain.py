"""The five layers of the control chain, as one device has them.

`engine.layers` calls `judge` with what is known of a device; the reference table says which key
objects a layer has and what fails where one is missing. Each object is present, absent, or not
known; what Fairlead does not see it says so of, with the reason, and never counts as present.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Presence = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a device; None or empty where nothing is."""

    tenant: str
    serial: str | None
    fingerprint: str | None
    has_secret: bool
    factory_record: bool
    profiles: Sequence[tuple[str, str]]  # (ICCID, carrier account) of those enabled
    regional_policies: Sequence[str]  # policy@revision whose condition reads where the device is
    policies: Sequence[str]  # all in force
    group: str | None
    config_version: str | None
    flags: bool | None  # True: there are some; None: no flag was ever set or reported
    firmware: str | None
    ways_back: Sequence[str]  # facets with a proved document to go back to
    acknowledged: Sequence[str]  # facets that the device has acknowledged
    managed: Sequence[str]  # facets with a desired document
    heard: str | None  # when the device was last heard
    usage_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyObject:
    """One object that a layer needs."""

    name: str
    present: Presence
    value: str | None
    why: str  # why it is absent, or why nobody knows; empty where it is present


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of the chain for one device."""

    name: str
    task: str
    objects: tuple[KeyObject, ...]
    present: Presence  # no: some object is absent; unknown: none is absent, and some are not known
    failure: str  # to expect where an object is missing


def judge(table: Sequence[Mapping[str, str]], known: Known) -> tuple[Layer, ...]:
    """Every layer of the table, in its order. An object nobody here can judge is unknown."""
    return tuple(_layer(row, known) for row in table)


def _layer(row: Mapping[str, str], known: Known) -> Layer:
    objects = tuple(_object(name.strip(), known) for name in row["key_objects"].split(","))
    found = {one.present for one in objects}
    present: Presence = "no" if "no" in found else "unknown" if "unknown" in found else "yes"
    return Layer(
        name=row["layer"], task=row["task"], objects=objects, present=present, failure=row["failure_if_missing"]
    )


def _object(name: str, known: Known) -> KeyObject:
    judged = JUDGES.get(name)
    if judged is None:
        return KeyObject(name=name, present="unknown", value=None, why="Fairlead does not see this")
    return judged(name, known)


def _there(value: Callable[[Known], str | None], absent: str) -> Callable[[str, Known], KeyObject]:
    def judged(name: str, known: Known) -> KeyObject:
        found = value(known)
        if found is None:
            return KeyObject(name=name, present="no", value=None, why=absent)
        return KeyObject(name=name, present="yes", value=found, why="")

    return judged


def _blind(why: str) -> Callable[[str, Known], KeyObject]:
    return lambda name, _known: KeyObject(name=name, present="unknown", value=None, why=why)


def _profile(known: Known) -> str | None:
    return ", ".join(f"{iccid} at {account}" for iccid, account in known.profiles) or None


def _flags(name: str, known: Known) -> KeyObject:
    if known.flags:
        return KeyObject(name=name, present="yes", value="set", why="")
    if known.flags is None:
        return KeyObject(name=name, present="no", value=None, why="no policy sets flags on it and it reported none")
    return KeyObject(name=name, present="no", value=None, why="it reports an empty set of flags")


def _acknowledgement(name: str, known: Known) -> KeyObject:
    if not known.managed:
        return KeyObject(
            name=name,
            present="unknown",
            value=None,
            why="nothing was asked of it yet, so it had nothing to acknowledge",
        )
    if not known.acknowledged:
        return KeyObject(name=name, present="no", value=None, why="it has acknowledged nothing of what it was asked")
    return KeyObject(name=name, present="yes", value=", ".join(known.acknowledged), why="")


def _telemetry(name: str, known: Known) -> KeyObject:
    if known.heard is None and not known.usage_known:
        return KeyObject(name=name, present="no", value=None, why="it was never heard, and no usage of it was counted")
    return KeyObject(name=name, present="yes", value=f"heard {known.heard}" if known.heard else "usage", why="")


# By the words of the reference table; a test holds both equal.
JUDGES: Final[Mapping[str, Callable[[str, Known], KeyObject]]] = {
    "serial": _there(lambda k: k.serial, "the inventory has no serial of it"),
    "certificate": _there(lambda k: k.fingerprint, "no certificate is bound to it"),
    "secret": _there(lambda k: "issued" if k.has_secret else None, "no secret was issued: it cannot sign in over MQTT"),
    "factory record": _there(lambda k: "kept" if k.factory_record else None, "no factory record was imported"),
    "eSIM profile": _there(_profile, "it has no enabled profile"),
    "regional policy": _there(
        lambda k: ", ".join(k.regional_policies) or None, "no policy in force on it reads where it is"
    ),
    "tenant binding": _there(lambda k: k.tenant, "it belongs to nobody"),
    "config version": _there(lambda k: k.config_version, "it reported no config, and no policy sets one"),
    "feature flags": _flags,
    "policy group": _there(lambda k: k.group, "it is in no policy group"),
    "firmware version": _there(lambda k: k.firmware, "it never reported its firmware"),
    "bundle": _blind("releases that tie firmware, config, model and credential together are not kept yet"),
    "rollback set": _there(
        lambda k: ", ".join(k.ways_back) or None, "no facet of it was proved yet, so there is nothing to go back to"
    ),
    "acknowledgement": _acknowledgement,
    "telemetry": _telemetry,
    "logs": _blind("Fairlead takes in no logs of devices"),
    "alerts": _blind("no alerts are raised yet"),
    "diagnostic snapshots": _blind("no diagnostic snapshots are taken yet"),
}

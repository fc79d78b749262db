"""Shadow topics, as MQTT topics and as the NATS subjects that the same messages have on the bus.

    fairlead/v1/{tenant}/{device}/shadow[/name/{name}]/{get|update|delete}[/accepted|/rejected]
    …/update/delta   …/update/documents

There is one named shadow for each facet; the shadow without a name is `config`. An answer goes to
the spelling that was asked.
"""

import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from fairlead.wire.shadow.json import ShadowError

PREFIX: Final = "fairlead/v1"
UNNAMED: Final = "config"  # the facet that the shadow without a name is
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@unique
class Verb(StrEnum):
    """What is asked of a shadow."""

    GET = "get"
    UPDATE = "update"
    DELETE = "delete"


@unique
class Answer(StrEnum):
    """What comes back."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DELTA = "delta"  # after an update only
    DOCUMENTS = "documents"  # after an update only


_AFTER_UPDATE: Final = frozenset({Answer.DELTA, Answer.DOCUMENTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic of one device's shadows. Raises `ShadowError` 400 when a name cannot stand in a topic."""

    tenant: str
    device: str
    verb: Verb
    name: str | None = None  # None: the shadow without a name
    answer: Answer | None = None  # None: a request

    def __post_init__(self) -> None:
        for text in (self.tenant, self.device, self.facet):
            if _TOKEN.fullmatch(text) is None:
                raise ShadowError(400, f"{text[:80]!r} cannot stand in a topic: expected 1 to 64 of A-Z a-z 0-9 _ -")
        if self.answer in _AFTER_UPDATE and self.verb is not Verb.UPDATE:
            raise ShadowError(400, f"there is no {self.verb}/{self.answer}")

    @property
    def facet(self) -> str:
        """The facet that this shadow is."""
        return UNNAMED if self.name is None else self.name

    @property
    def path(self) -> str:
        """The part below the device: `shadow/name/network/update/accepted`."""
        levels = ["shadow", *(() if self.name is None else ("name", self.name)), self.verb]
        if self.answer is not None:
            levels.append(self.answer)
        return "/".join(levels)

    @property
    def mqtt(self) -> str:
        """The topic as MQTT has it."""
        return f"{PREFIX}/{self.tenant}/{self.device}/{self.path}"

    @property
    def subject(self) -> str:
        """The same as a NATS subject: the broker turns `/` into `.`."""
        return self.mqtt.replace("/", ".")

    def reply(self, answer: Answer) -> "Topic":
        """The topic on which a request is answered."""
        return Topic(tenant=self.tenant, device=self.device, verb=self.verb, name=self.name, answer=answer)


def read_topic(text: str) -> Topic:
    """Read an MQTT topic. Raises `ShadowError` 400."""
    tenant, device, path = _split(text, PREFIX, "/")
    return read_path(tenant, device, path)


def read_subject(text: str) -> Topic:
    """Read a NATS subject. Raises `ShadowError` 400."""
    tenant, device, path = _split(text, PREFIX.replace("/", "."), ".")
    return read_path(tenant, device, path.replace(".", "/"))


def read_path(tenant: str, device: str, path: str) -> Topic:
    """Read the part of a topic below the device. Raises `ShadowError` 400."""
    levels = path.split("/")
    if levels[0] == "shadow":
        name: str | None = None
        rest = levels[1:]
        if rest[:1] == ["name"]:
            name, rest = (rest[1] if len(rest) > 1 else ""), rest[2:]
        try:
            match rest:
                case [verb]:
                    return Topic(tenant=tenant, device=device, verb=Verb(verb), name=name)
                case [verb, answer]:
                    return Topic(tenant=tenant, device=device, verb=Verb(verb), name=name, answer=Answer(answer))
                case _:
                    pass
        except ValueError:
            pass  # neither a verb nor an answer: refused below like every other topic
    raise ShadowError(400, f"{path[:160]!r} is not a shadow topic: expected shadow[/name/…]/get, update or delete")


def _split(text: str, prefix: str, mark: str) -> tuple[str, str, str]:
    levels = text.removeprefix(prefix + mark).split(mark, 2)
    if not text.startswith(prefix + mark) or len(levels) != 3:  # noqa: PLR2004 - tenant, device, the rest
        raise ShadowError(400, f"{text[:160]!r} is not a device's topic: expected {prefix}{mark}…")
    return levels[0], levels[1], levels[2]

"""Findings: what insight concluded, with the facts it rests on.

Whoever looks (a detector, a rule on usage, the resolver) says what it sees as `Sighting`s, again and again; the
store keeps one open finding a tenant, kind and key, however often it is seen. A finding says what is so; it
changes nothing and orders nothing. `KINDS` is the one place where a kind is named: a new one is a line here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final, Literal, TypeAlias, cast, get_args

FindingKind = Literal[
    "carrier-outage", "core-outage", "profile-outage", "usage-rule", "shipment", "policy-collision",
]  # fmt: skip
KINDS: Final[Mapping[FindingKind, str]] = {
    "carrier-outage": "devices of one carrier account fail together, and others beside them do not",
    "core-outage": "devices behind one mobile core fail together, whatever network they are on",
    "profile-outage": "devices with profiles of one family fail together",
    "usage-rule": "somebody's rule on usage holds",
    "shipment": "a shipment of devices or SIMs is not what was announced",
    "policy-collision": "two policies of one priority came to set the same value of a device",
}

SubjectKind = Literal[
    "tenant", "account", "carrier", "core", "country", "group", "device", "subscription", "policy", "shipment",
]  # fmt: skip
SUBJECT_KINDS: Final[tuple[SubjectKind, ...]] = get_args(SubjectKind)

Value: TypeAlias = "str | int | float | bool | list[str] | None"  # None: looked for, and not known

MOST_FACTS: Final = 50
_LONGEST: Final = 512  # of a key, an id or a text among the evidence
LONGEST_TITLE: Final = 200
_MOST_VALUES: Final = 100


class Severity(IntEnum):
    """How urgent; the numbers are those of the column."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3


class ClosedBy(IntEnum):
    """What ended it."""

    CONDITION = 1  # what was seen is seen no more
    PERSON = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSubject:
    """What it is about."""

    kind: SubjectKind
    id: str  # printed (`dev_…`) where it has an id, else its name: a carrier account's, a country's code
    name: str = ""  # as people know it, where `id` is no name

    @property
    def key(self) -> str:
        """The subject as one text."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One piece of evidence: a value, what it is counted in, and as of when."""

    value: Value
    unit: str = ""
    at: datetime | None = None  # None: of the sighting's own instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Something was seen. Raises `ValueError` where it could not be kept or read again."""

    kind: FindingKind
    severity: Severity
    subject: FindingSubject
    title: str  # one short sentence
    evidence: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    score: float | None = None  # 0…1: how sure; None where nothing measures it
    key: str = ""  # what is the same finding seen again; empty: the subject

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r}: expected one of {', '.join(KINDS)}")
        if self.subject.kind not in SUBJECT_KINDS or not self.subject.id:
            raise ValueError(f"subject {self.subject.key!r}: expected a kind of subject and its id or name")
        for text in (self.key, self.subject.id, self.subject.name):
            if len(text) > _LONGEST or not text.isprintable():
                raise ValueError(f"{text!r}: expected at most {_LONGEST} printable letters")
        if not 0 < len(self.title) <= LONGEST_TITLE or not self.title.isprintable():
            raise ValueError(f"title {self.title!r}: expected one line of at most {LONGEST_TITLE} letters")
        if self.score is not None and not 0 <= self.score <= 1:  # NaN is neither
            raise ValueError(f"score {self.score!r}: expected a number from 0 to 1")
        if len(self.evidence) > MOST_FACTS:
            raise ValueError(f"{len(self.evidence)} facts: expected at most {MOST_FACTS}")
        for name, fact in self.evidence.items():
            if not _can_be_kept(fact):
                raise ValueError(f"evidence {name!r}: {fact.value!r} cannot be kept")

    @property
    def dedupe(self) -> str:
        """The key it is kept under."""
        return self.key or self.subject.key


def _can_be_kept(fact: Fact) -> bool:
    if fact.at is not None and fact.at.tzinfo is None:
        return False
    match fact.value:
        case float() as number:
            return math.isfinite(number)
        case str() as text:
            return len(text) <= _LONGEST and "\0" not in text
        case None | int():
            return True
        case _ as texts:
            return len(texts) <= _MOST_VALUES and all(len(one) <= _LONGEST and "\0" not in one for one in texts)


def shortened(text: str, most: int = _LONGEST) -> str:
    """A text of somebody else's as a sighting takes it: one line, printable, cut."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def write_evidence(evidence: Mapping[str, Fact]) -> dict[str, dict[str, Value]]:
    """Evidence as JSON values: name → value, unit, instant."""
    return {
        name: {"value": fact.value, "unit": fact.unit, "at": None if fact.at is None else fact.at.isoformat()}
        for name, fact in evidence.items()
    }


def read_evidence(kept: Mapping[str, Mapping[str, Value]]) -> dict[str, Fact]:
    """What `write_evidence` wrote."""
    return {
        name: Fact(
            value=one.get("value"), unit=cast("str", one.get("unit") or ""),
            at=datetime.fromisoformat(cast("str", one["at"])) if one.get("at") else None,
        )
        for name, one in kept.items()
    }  # fmt: skip

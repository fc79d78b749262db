"""From the policies in force on a class of devices to its documents, with the reason for each value.

The engine calls `documents` once per class (house §7), never per device. Values come by priority:
a whole-value setting replaces what lower priorities said about the facet, a merge (RFC 7396) changes
the leaves it names. Two policies that say different things about one value at one priority collide:
there is no tie-break, the facet gets no document from here, and the engine keeps the current one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import cast

from fairlead.model.document import Json, canonical, digest, pointer
from fairlead.model.facet import Facet
from fairlead.model.resources import Setting
from fairlead.policy.merge import merge_patch

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInForce:
    """What resolution needs of one policy revision."""

    policy: str  # its name
    revision: int
    priority: int
    reason: str
    sets: Mapping[Facet, Setting]

    def __str__(self) -> str:
        return f"{self.policy}@{self.revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """One link of the chain behind a value: who said it and what they said."""

    policy: str
    revision: int
    priority: int
    reason: str
    value: Json  # None where removed
    removed: bool  # it took the value away


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A facet's document and where each of its values comes from."""

    value: Mapping[str, Json]
    content: bytes  # canonical JSON
    digest: bytes  # SHA-256 of the content
    reasons: Mapping[str, tuple[Because, ...]]  # JSON pointer to the chain: who holds it, then who was overridden


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """Policies of one priority that say different things about one value."""

    facet: Facet
    path: str  # JSON pointer
    priority: int
    policies: tuple[str, ...]  # as name@revision, sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a set of policies makes of each facet they set."""

    documents: Mapping[Facet, Resolved]
    collisions: tuple[Collision, ...]  # their facets have no document


def documents(rules: Sequence[RuleInForce]) -> Resolution:
    """The document of every facet that some rule sets; the order of the rules does not matter."""
    resolved: dict[Facet, Resolved] = {}
    collisions: list[Collision] = []
    for facet in Facet:
        saying = [rule for rule in rules if facet in rule.sets]
        if not saying:
            continue
        answer = _facet(facet, saying)
        if isinstance(answer, Resolved):
            resolved[facet] = answer
        else:
            collisions.extend(answer)
    return Resolution(documents=resolved, collisions=tuple(collisions))


def conflicts(left: Setting | None, right: Setting | None) -> frozenset[str]:
    """JSON pointers of the values that two settings of one facet want differently, whatever their priorities."""
    return frozenset(pointer(path) for path in _differences(left, right))


def _facet(facet: Facet, rules: Iterable[RuleInForce]) -> Resolved | tuple[Collision, ...]:
    # of one priority, whole values come first and patches over them: where nothing collides, order tells nothing
    ordered = sorted(rules, key=lambda r: (r.priority, r.sets[facet].merge, r.policy, r.revision))
    disputed = _disputed(facet, ordered)
    if disputed:
        return disputed
    value = _value(ordered, facet)
    content = canonical(value)
    reasons = {pointer(path): _chain(ordered, facet, path) for path, _ in _leaves(value, ())}
    return Resolved(value=value, content=content, digest=digest(content), reasons=reasons)


def _disputed(facet: Facet, ordered: Sequence[RuleInForce]) -> tuple[Collision, ...]:
    """The collisions that no higher priority has settled."""
    pending: dict[Path, Collision] = {}
    for priority, same in groupby(ordered, key=lambda rule: rule.priority):
        peers = list(same)
        for rule in peers:
            _settle(pending, rule.sets[facet])
        pending.update(_collisions(facet, priority, peers))
    return tuple(pending[path] for path in sorted(pending))


# -- collisions


def _collisions(facet: Facet, priority: int, peers: Sequence[RuleInForce]) -> dict[Path, Collision]:
    found: dict[Path, set[str]] = {}
    for left, right in combinations(peers, 2):
        for path in _differences(left.sets[facet], right.sets[facet]):
            found.setdefault(path, set()).update((str(left), str(right)))
    return {
        path: Collision(facet=facet, path=pointer(path), priority=priority, policies=tuple(sorted(names)))
        for path, names in found.items()
    }


def _differences(left: Setting | None, right: Setting | None) -> set[Path]:
    """Paths where the two cannot both be had."""
    if left is None or right is None:
        return set()
    return _different(left.value, right.value, (left.merge, right.merge), ())


def _different(left: Json, right: Json, merges: tuple[bool, bool], path: Path) -> set[Path]:
    """What a merge does not name it leaves alone; what a whole value does not name must not be there."""
    if not isinstance(left, Mapping) or not isinstance(right, Mapping):
        return set() if _same(left, right) else {path}
    ours, theirs = cast("tuple[Mapping[str, Json], Mapping[str, Json]]", (left, right))
    left_merges, right_merges = merges
    found: set[Path] = set()
    for key in ours.keys() | theirs.keys():
        below = (*path, key)
        if key in ours and key in theirs:
            found |= _different(ours[key], theirs[key], merges, below)
        elif key in ours:
            found |= set() if right_merges or (left_merges and ours[key] is None) else {below}
        else:
            found |= set() if left_merges or (right_merges and theirs[key] is None) else {below}
    return found


def _same(left: Json, right: Json) -> bool:
    return canonical({"": left}) == canonical({"": right})


def _settle(pending: dict[Path, Collision], setting: Setting) -> None:
    """A higher priority that decides a value settles what was in dispute at and below it."""
    leaves = _leaves(setting.value, ()) if setting.merge else [((), None)]
    decided = [path for path, value in leaves if not isinstance(value, Mapping)]
    for path in [each for each in pending if any(each[: len(leaf)] == leaf for leaf in decided)]:
        del pending[path]


def _leaves(value: Json, path: Path) -> Iterable[tuple[Path, Json]]:
    """All that is not a map with members, with its path."""
    if isinstance(value, Mapping) and value:
        for key, below in cast("Mapping[str, Json]", value).items():
            yield from _leaves(below, (*path, key))
    elif path:
        yield path, value


# -- values and their reasons


def _value(rules: Sequence[RuleInForce], facet: Facet) -> Mapping[str, Json]:
    """What rules of rising priority make of the facet."""
    value: Json = {}
    for rule in rules:
        setting = rule.sets[facet]
        value = merge_patch(value, setting.value) if setting.merge else setting.value
    return cast("Mapping[str, Json]", value)


def _chain(rules: Sequence[RuleInForce], facet: Facet, path: Path) -> tuple[Because, ...]:
    """Who spoke about a value, the highest first. The first one holds it: a higher word would have changed it."""
    links: list[Because] = []
    for rule in reversed(rules):
        said = _said(rule.sets[facet], path)
        if said is not None:
            value, removed = said
            links.append(
                Because(
                    policy=rule.policy,
                    revision=rule.revision,
                    priority=rule.priority,
                    reason=rule.reason,
                    value=value,
                    removed=removed,
                )
            )
    return tuple(links)


def _said(setting: Setting, path: Path) -> tuple[Json, bool] | None:
    """What a setting says about a path, and whether that is its removal; None where it says nothing."""
    value: Json = setting.value
    for part in path:
        if not isinstance(value, Mapping):
            return value, value is None and setting.merge  # a word about something above replaced or removed it
        members = cast("Mapping[str, Json]", value)
        if part not in members:
            return None if setting.merge else (None, True)
        value = members[part]
    if setting.merge and isinstance(value, Mapping):
        return merge_patch({}, cast("Json", value)), False
    return value, value is None and setting.merge

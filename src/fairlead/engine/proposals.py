"""What a plan proposes: files read into resources, revisions that would be, and how those are judged.

`plans` calls this. A proposal is kept with its plan as JSON and read back at apply, when the fleet
is judged against it once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fairlead.engine.actions import EVERYONE
from fairlead.engine.ports.planning import RevisionRow
from fairlead.engine.ports.resolving import CountedCombination, JudgedRule
from fairlead.engine.rules import activates, entering, life_of, resource_of
from fairlead.model.expression import negation
from fairlead.model.resources import API_VERSION, Fault, Policy, Resource, Steering, UsageRule
from fairlead.policy.proof import prove
from fairlead.policy.read import read_resources


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of resources as it was sent."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One revision that a plan proposes."""

    kind: str
    name: str
    policy: UUID
    number: int
    rule: int
    removed: bool
    verb: str  # create, update, remove
    affected: tuple[int, ...]  # rules of the same policy that it takes the place of
    resource: Resource | None
    devices: tuple[UUID, ...] | None = None  # of an action: who is put into it; None: who matches


def read_files(files: Sequence[File]) -> tuple[list[tuple[Resource, str]], list[Fault]]:
    """Resources with their own text, and every fault of all files."""
    resources: list[tuple[Resource, str]] = []
    faults: list[Fault] = []
    names: dict[tuple[str, str], str] = {}
    for file in files:
        found, bad = read_resources(file.text, file=file.name)
        faults += bad
        lines = file.text.splitlines()
        starts = sorted(r.line for r in found)
        for resource in found:
            key = (type(resource).__name__, resource.metadata.name)
            if key in names:
                faults.append(
                    Fault(
                        file=file.name,
                        line=resource.line,
                        column=1,
                        path="metadata.name",
                        value=f"{key[0]} {key[1]!r}",
                        expected=f"each name once; {names[key]} has it already",
                    )
                )
            names[key] = file.name
            later = [s for s in starts if s > resource.line]
            resources.append((resource, _segment(lines, resource.line, later[0] if later else None)))
    return resources, faults


def _segment(lines: Sequence[str], first: int, following: int | None) -> str:
    """The text of one document, with its apiVersion, without the separator that follows."""
    own = list(lines[first - 1 : following - 1 if following else None])
    for index, line in enumerate(own):
        if line.strip() == "---" and index > 0:
            own = own[:index]
            break
    text = "\n".join(line for line in own if line.strip() != "---").strip() + "\n"
    return text if "apiVersion" in text else f"apiVersion: {API_VERSION}\n{text}"


def about(resource: Resource) -> dict[str, Any]:
    """The few words that lists show."""
    about: dict[str, Any] = {"name": resource.metadata.name, "labels": dict(resource.metadata.labels)}
    if isinstance(resource, Policy):
        about |= {
            "priority": resource.priority,
            "match": resource.match.text,
            "until": resource.until.text,
            "sets": [facet.value for facet in resource.sets],
            "reason": resource.reason,
            "observe": resource.observe,
        }
    if isinstance(resource, Steering | UsageRule):
        about["match"] = resource.match.text
    if isinstance(resource, UsageRule):
        about |= {"reason": resource.reason, "observe": resource.observe}
    return about


def show_proposal(proposal: Proposal) -> dict[str, Any]:
    """The JSON shape kept with the plan."""
    return {
        "kind": proposal.kind,
        "name": proposal.name,
        "policy": str(proposal.policy),
        "number": proposal.number,
        "rule": proposal.rule,
        "removed": proposal.removed,
        "verb": proposal.verb,
        "affected": list(proposal.affected),
        "devices": None if proposal.devices is None else [str(device) for device in proposal.devices],
    }


def read_proposal(shown: Mapping[str, Any]) -> Proposal:
    """Read what `show_proposal` wrote; the resource is read from its revision."""
    return Proposal(
        kind=shown["kind"],
        name=shown["name"],
        policy=UUID(shown["policy"]),
        number=shown["number"],
        rule=shown["rule"],
        removed=shown["removed"],
        verb=shown["verb"],
        affected=tuple(shown["affected"]),
        resource=None,
        devices=None if shown["devices"] is None else tuple(UUID(device) for device in shown["devices"]),
    )


def leaving(proposal: Proposal) -> JudgedRule | None:
    """Whose time in a policy would be over, under a number of its own: the rule's, below nought.

    Whoever stands in an older revision goes over to the new one until the new `until` holds: entry is by
    `match`, and a policy that has succeeded matches no longer. None where there is nobody to carry over, or
    where `until` is `!match` and says nothing of its own.
    """
    policy = proposal.resource
    if not isinstance(policy, Policy) or policy.observe or not proposal.affected or proposal.devices is not None:
        return None
    if policy.until.expr == negation(policy.match.expr):
        return None
    return JudgedRule(rule=-proposal.rule, expr=policy.until.expr)


def carried_over(proposal: Proposal, combination: CountedCombination) -> bool:
    """Whether these devices go over from an older revision to the proposed one."""
    return (
        leaving(proposal) is not None
        and not set(proposal.affected).isdisjoint(combination.standing)
        and -proposal.rule not in combination.entering
    )


def replaced(live: Sequence[RevisionRow], policy: UUID) -> tuple[int, ...]:
    """The rules that a new revision of a policy takes the place of; what a device has passed in its life it keeps."""
    rows = [row for row in live if row.policy == policy]
    return tuple(row.rule for row in rows if row.kind != "Policy" or not _is_life(row))


def _is_life(row: RevisionRow) -> bool:
    policy = resource_of(row)
    return isinstance(policy, Policy) and life_of(policy) is not None


def judged(proposal: Proposal) -> JudgedRule:
    """How a proposed policy is judged: by who enters it, or for all who were chosen."""
    policy = proposal.resource
    assert isinstance(policy, Policy)  # noqa: S101 - the caller's list
    if proposal.devices is not None:
        return JudgedRule(rule=proposal.rule, expr=EVERYONE, activates=True)  # those outside are judged too
    return JudgedRule(rule=proposal.rule, expr=entering(policy), activates=activates(policy))


def file_of(files: Sequence[File]) -> str:
    """The file to blame where a fault is of all of them."""
    return files[0].name if files else "-"


def failed_tests(resources: Sequence[Resource], file: str, now: datetime) -> list[Fault]:
    """The tests beside the rules that do not hold."""
    return [
        Fault(
            file=file,
            line=failed.line,
            column=1,
            path=f"{failed.kind}/{failed.name} spec.tests",
            value=failed.found,
            expected=failed.expected,
        )
        for resource in resources
        for failed in prove(resource, now)
    ]

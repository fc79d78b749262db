"""Who may do what: roles, permissions, and the rule that nobody approves their own Change.

A role is a name for a set of permissions; a permission is `noun.verb` from a closed set, so that
every endpoint names exactly one and the role × endpoint matrix can be printed. Doors ask
`allowed(principal, permission)` before they do anything; the engine asks again with the
department of what is touched. Everything here is a pure function of a principal and an argument.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Final, Literal, get_args

from fairlead.model.ids import PrincipalId, TenantId

Role = Literal[
    "owner", "operator", "approver", "technician", "security", "compliance", "finance", "auditor", "vendor",
]  # fmt: skip
ROLES: Final[tuple[Role, ...]] = get_args(Role)

Permission = Literal[
    "devices.read", "devices.write", "facts.read", "imports.apply", "commands.send",
    "policies.read", "policies.write", "plans.read", "plans.make",
    "changes.read", "changes.apply", "changes.approve", "changes.stop", "changes.rollback",
    "findings.read", "findings.write", "costs.read", "reference.read",
    "carriers.read", "carriers.write", "secrets.write",
    "people.read", "people.write", "tokens.read", "tokens.write",
    "journal.read", "journal.export", "personal.read", "personal.erase", "clock.write",
]  # fmt: skip
PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)

_SEE: Final[frozenset[Permission]] = frozenset({
    "devices.read", "facts.read", "policies.read", "plans.read", "changes.read", "findings.read", "reference.read",
})  # fmt: skip


def _of(*names: Permission) -> frozenset[Permission]:
    return frozenset(names)


PERMITS: Final[Mapping[Role, frozenset[Permission]]] = {
    "owner": frozenset(PERMISSIONS),
    "operator": _SEE | _of(
        "devices.write", "imports.apply", "commands.send", "policies.write", "plans.make", "changes.apply",
        "changes.stop", "changes.rollback", "findings.write", "costs.read", "carriers.read", "journal.read",
        "tokens.read", "tokens.write", "clock.write",
    ),
    "approver": _SEE | _of("changes.approve", "changes.stop", "costs.read", "carriers.read", "journal.read"),
    "technician": _SEE | _of("devices.write", "commands.send", "plans.make", "findings.write"),
    "security": _SEE | _of(
        "commands.send", "changes.approve", "changes.stop", "findings.write", "carriers.read", "secrets.write",
        "people.read", "people.write", "tokens.read", "tokens.write", "journal.read", "journal.export",
    ),
    "compliance": _SEE | _of(
        "changes.approve", "changes.stop", "findings.write", "carriers.read", "journal.read", "journal.export",
        "personal.read", "personal.erase",
    ),
    "finance": _of(
        "devices.read", "changes.read", "findings.read", "reference.read", "costs.read", "carriers.read",
    ),
    "auditor": _SEE | _of(
        "costs.read", "carriers.read", "people.read", "tokens.read", "journal.read", "journal.export",
        "personal.read",
    ),
    "vendor": _of("devices.read", "facts.read", "findings.read", "reference.read", "commands.send"),
}  # fmt: skip


# What each permission lets somebody do, as the console says it beside a button that is not theirs.
WORDS: Final[Mapping[Permission, str]] = {
    "devices.read": "see devices, subscriptions and the fleet in figures",
    "devices.write": "say where a device belongs, and give or take its right to sign in",
    "facts.read": "see what was observed of a device",
    "imports.apply": "import devices, SIMs, presence, sessions and prices",
    "commands.send": "send a device a command",
    "policies.read": "see policies and what they resolve to",
    "policies.write": "edit policies, and let barred devices back in",
    "plans.read": "see plans",
    "plans.make": "make a plan; nothing moves by it",
    "changes.read": "see Changes and their operations",
    "changes.apply": "apply plans and let in entrants",
    "changes.approve": "approve or refuse a Change of somebody else",
    "changes.stop": "pause, resume and stop a Change",
    "changes.rollback": "take a Change back, whole or in part",
    "findings.read": "see findings and alerts",
    "findings.write": "acknowledge and close findings, and share views with everybody",
    "costs.read": "see prices and costs",
    "reference.read": "see countries, networks, rules and tables",
    "carriers.read": "see carrier accounts and how they do",
    "carriers.write": "add and change carrier accounts",
    "secrets.write": "replace secrets that Fairlead keeps",
    "people.read": "see people and their roles",
    "people.write": "invite people, change their roles, remove them",
    "tokens.read": "see tokens",
    "tokens.write": "make and revoke tokens",
    "journal.read": "read the journal and have it verified",
    "journal.export": "take the journal along as a file",
    "personal.read": "see personal values behind the journal's digests",
    "personal.erase": "erase a person's values from the journal",
    "clock.write": "set the lab's clock",
}


class PrincipalKind(IntEnum):
    """Who stands behind a principal."""

    PERSON = 1
    TOKEN_HOLDER = 2  # a program; its sponsor answers for it


class PrincipalState(IntEnum):
    """Only an active principal may do anything."""

    INVITED = 1
    ACTIVE = 2
    SUSPENDED = 3
    REMOVED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person or a token holder, as the rules of access see them."""

    tenant: TenantId
    id: PrincipalId
    kind: PrincipalKind = PrincipalKind.PERSON
    name: str = ""
    email: str | None = None
    roles: frozenset[Role] = field(default_factory=frozenset[Role])
    departments: frozenset[str] = field(default_factory=frozenset[str])  # empty: the whole tenant
    state: PrincipalState = PrincipalState.ACTIVE
    expires_at: datetime | None = None
    sponsor: PrincipalId | None = None  # of a token holder

    @property
    def answerable(self) -> PrincipalId:
        """The person who answers for what this principal does."""
        return self.sponsor or self.id


def permissions(roles: Collection[Role]) -> frozenset[Permission]:
    """All that these roles permit together."""
    return frozenset[Permission]().union(*(PERMITS[role] for role in roles))


def usable(principal: Principal, now: datetime) -> bool:
    """Whether a principal may act at all at this moment: active, and not past its expiry."""
    return principal.state is PrincipalState.ACTIVE and (principal.expires_at is None or now < principal.expires_at)


def allowed(
    principal: Principal, permission: Permission, department: str | None = None, *, everywhere: bool = False
) -> bool:
    """Whether this principal holds a permission.

    Without a department: somewhere in the tenant (the caller then narrows what it shows or
    touches). With one: there. `everywhere`: for what belongs to the whole tenant, such as a
    carrier account, which a principal bound to departments may not touch.
    """
    if permission not in permissions(principal.roles):
        return False
    if not principal.departments:
        return True
    if everywhere:
        return False
    return department is None or department in principal.departments


def may_grant(granter: Principal, roles: Collection[Role], departments: Collection[str]) -> str | None:
    """Why this principal may not hand out these roles there, or None: nobody gives more than they hold."""
    excess = permissions(roles) - permissions(granter.roles)
    if excess:
        return f"these roles permit what you may not do yourself: {', '.join(sorted(excess))}"
    if granter.departments and not (departments and frozenset(departments) <= granter.departments):
        return f"you may grant roles in {', '.join(sorted(granter.departments))} only"
    return None


def may_approve(
    *, author: Principal, approver: Principal, required: int, already: Collection[PrincipalId]
) -> str | None:
    """Why this approval does not count, or None.

    `required` is how many people must agree to the Change, its author included: from two on the
    author's own word is not an approval, nor is that of a program the author answers for.
    `already` holds the persons whose approval stands.
    """
    if not allowed(approver, "changes.approve"):
        return "approving needs the permission changes.approve"
    if required >= 2 and approver.answerable == author.answerable:  # noqa: PLR2004 - two people: the house's rule
        return "nobody approves their own Change where two are required"
    if approver.answerable in already:
        return "this person has approved already"
    return None


def narrowed(principal: Principal, roles: Collection[Role], departments: Collection[str]) -> Principal:
    """The principal as seen through a token: never more than either of the two holds.

    A role of the token counts while all it permits is permitted to the principal, so an owner's
    token may be an auditor's, and loses that when the owner becomes an operator.
    """
    own = permissions(principal.roles)
    held, named = principal.departments, frozenset(departments)
    # Empty means everywhere, so two sets that share nothing must not meet in it: such a token has no roles left.
    apart = bool(held) and bool(named) and not held & named
    return replace(
        principal,
        roles=frozenset(role for role in roles if PERMITS[role] <= own and not apart),
        departments=held & named if held and named else held | named,
    )

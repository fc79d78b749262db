"""People and programs: who exists, with which roles, tokens and identities.

The API's people endpoints and the command line's set-up call this. Every act is checked against
the rule that nobody gives more than they hold, and leaves a journal line in its own transaction;
names and addresses go into lines as digests only. `engine.sign_in` is the door these people come
through.
"""

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from fairlead.engine.credentials import digest, issue
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.ports.people import (
    IdentityLink,
    OidcSettings,
    PeoplePort,
    PrincipalRecord,
    SetupCode,
    SignInPort,
    TokenRecord,
)
from fairlead.engine.sealing import Place, Sealer
from fairlead.model.access import Principal, PrincipalKind, PrincipalState, Role, may_grant, permissions
from fairlead.model.ids import PrincipalId, TenantId, TokenId, show
from fairlead.model.journal import Action, Entry, Json, Subject

SETUP_CODE_LASTS: Final = timedelta(hours=24)
INVITATION_LASTS: Final = timedelta(days=7)
VENDOR_AT_MOST: Final = timedelta(days=366)
OWN_LASTS: Final = timedelta(days=90)
Clock = Callable[[], datetime]


class NotAllowed(Exception):
    """The caller may not do this; says why."""


class NotFitting(ValueError):
    """A request that contradicts itself; names the field and what was expected."""

    def __init__(self, pointer: str, expected: str) -> None:
        super().__init__(f"{pointer}: expected {expected}")
        self.pointer = pointer
        self.expected = expected


class NoSuchPrincipal(LookupError):
    """The tenant has no such principal."""


class MovedOn(Exception):
    """The principal was edited meanwhile."""

    def __init__(self, version: int) -> None:
        super().__init__(f"it is at version {version}")
        self.version = version


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a principal is to be."""

    name: str
    email: str | None = None
    kind: PrincipalKind = PrincipalKind.PERSON
    roles: frozenset[Role]
    departments: frozenset[str] = field(default_factory=frozenset[str])
    expires_at: datetime | None = None
    linkable: bool = True  # the first OIDC sign-in with this e-mail address may link itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who does something here: the principal, narrowed to its token, and how the journal names it."""

    principal: Principal
    actor: str


class People:
    """Principals, tokens, identities, and the tenant's identity provider."""

    def __init__(self, store: PeoplePort, codes: SignInPort, sealer: Sealer, *, clock: Clock, real: Clock) -> None:
        self._store = store
        self._codes = codes
        self._sealer = sealer
        self._clock = clock  # the house's: the journal
        self._real = real  # the machine's: expiries, which other programs and people judge

    async def first_setup_code(self, tenant: TenantId) -> str | None:
        """A one-time code that makes the first owner; None where there is one. Print it once, it is kept nowhere."""
        told = self._told(tenant, "system/setup", Action.SETUP_CODE_CREATED, Subject(kind="tenant", id=str(tenant)))
        return await self._new_code(tenant, None, SETUP_CODE_LASTS, told)

    async def invite(self, by: Acting, principal: PrincipalId) -> str:
        """A one-time code with which a person chooses a (new) password. Raises `NoSuchPrincipal`, `NotAllowed`."""
        found = await self.principal(by.principal.tenant, principal)
        if found.principal.kind is not PrincipalKind.PERSON:
            raise NotFitting("/kind", "a person: a token holder has no password")
        self._check_reach(by, found.principal)
        subject = Subject(kind="principal", id=show("usr", principal))
        told = self._told(by.principal.tenant, by.actor, Action.SETUP_CODE_CREATED, subject)
        return await self._new_code(by.principal.tenant, principal, INVITATION_LASTS, told) or ""

    async def read_principals(self, by: Acting, *, after: PrincipalId | None, limit: int) -> Sequence[PrincipalRecord]:
        """Principals by id, for somebody to see: leaves an access line."""
        found = await self._store.principals(by.principal.tenant, after=after, limit=limit)
        await self._note_read(by, len(found))
        return found

    async def read_principal(self, by: Acting, principal: PrincipalId) -> PrincipalRecord:
        """One principal, for somebody to see: leaves an access line unless it is oneself. Raises `NoSuchPrincipal`."""
        found = await self.principal(by.principal.tenant, principal)
        if principal != by.principal.id:
            await self._note_read(by, 1, show("usr", principal))
        return found

    async def principal(self, tenant: TenantId, principal: PrincipalId) -> PrincipalRecord:
        """One principal, for the house's own use; raises `NoSuchPrincipal`."""
        found = await self._store.principal(tenant, principal)
        if found is None or found.principal.state is PrincipalState.REMOVED:
            raise NoSuchPrincipal(show("usr", principal))
        return found

    async def create(self, by: Acting, draft: Draft) -> PrincipalRecord:
        """A new principal: a person is invited, a token holder active.

        Raises `EmailTaken`, `NotAllowed`, `NotFitting`.
        """
        now = self._clock()
        self._check_grant(by, draft.roles, draft.departments)
        self._check_draft(draft)
        person = draft.kind is PrincipalKind.PERSON
        principal = Principal(
            tenant=by.principal.tenant, id=PrincipalId(uuid7(now)), kind=draft.kind, name=draft.name,
            email=draft.email, roles=draft.roles, departments=draft.departments,
            state=PrincipalState.INVITED if person else PrincipalState.ACTIVE, expires_at=draft.expires_at,
            sponsor=None if person else by.principal.answerable,
        )  # fmt: skip
        record = PrincipalRecord(
            principal=principal, created_at=now, linkable=draft.linkable and person and draft.email is not None
        )
        told = self._about(by, Action.PRINCIPAL_CREATED, principal, payload=_shape(principal))
        await self._store.add_principal(record, email_folded=fold(draft.email), entry=told)
        return record

    async def change(
        self, by: Acting, principal: PrincipalId, draft: Draft, *, state: PrincipalState, version: int, reason: str = ""
    ) -> PrincipalRecord:
        """Replace what a principal is. Raises `MovedOn`, `NotAllowed`, `NotFitting`, `EmailTaken`, `LastOwner`."""
        before = await self.principal(by.principal.tenant, principal)
        self._check_reach(by, before.principal)
        self._check_grant(by, draft.roles, draft.departments)
        self._check_draft(draft)
        if draft.kind is not before.principal.kind:
            raise NotFitting("/kind", f"{before.principal.kind.name.lower()}: a principal stays what it is")
        if state is PrincipalState.INVITED and before.principal.state is not state:
            raise NotFitting("/state", "active or suspended: an invitation is taken once")
        after = replace(
            before.principal, name=draft.name, email=draft.email, roles=draft.roles, departments=draft.departments,
            expires_at=draft.expires_at, state=state,
        )  # fmt: skip
        told = self._about(
            by, Action.PRINCIPAL_CHANGED, after, payload={"before": _shape(before.principal), "after": _shape(after)},
            reason=reason,
        )  # fmt: skip
        linkable = draft.linkable and draft.email is not None and after.kind is PrincipalKind.PERSON
        return await self._replace(replace(before, principal=after, version=version, linkable=linkable), told)

    async def remove(self, by: Acting, principal: PrincipalId, *, version: int, reason: str = "") -> None:
        """Take a principal out of use for good: sessions, tokens and identities end, name and e-mail are dropped."""
        before = await self.principal(by.principal.tenant, principal)
        self._check_reach(by, before.principal)
        gone = replace(
            before.principal, name="(removed)", email=None, roles=frozenset[Role](), state=PrincipalState.REMOVED
        )
        told = self._about(
            by, Action.PRINCIPAL_REMOVED, before.principal, payload=_shape(before.principal), reason=reason
        )
        await self._replace(replace(before, principal=gone, version=version, linkable=False), told)

    async def identities(self, tenant: TenantId, principal: PrincipalId) -> Sequence[IdentityLink]:
        """The identities linked to a principal."""
        return await self._store.identities(tenant, principal)

    async def link(self, by: Acting, principal: PrincipalId, *, issuer: str, subject: str) -> None:
        """Link an identity provider's subject to a person. Raises `IdentityTaken`, `NoSuchPrincipal`, `NotAllowed`."""
        found = await self.principal(by.principal.tenant, principal)
        self._check_reach(by, found.principal)
        if found.principal.kind is not PrincipalKind.PERSON:
            raise NotFitting("/kind", "a person: a program does not sign in")
        link = IdentityLink(issuer=issuer, subject=subject, linked_at=self._clock())
        told = self._about(
            by, Action.IDENTITY_LINKED, found.principal, payload={"issuer": issuer}, more={"subject": subject}
        )
        await self._store.link(by.principal.tenant, principal, link, entry=told)

    async def unlink(self, by: Acting, principal: PrincipalId, *, issuer: str, subject: str) -> bool:
        """Undo a link; False where there was none."""
        found = await self.principal(by.principal.tenant, principal)
        self._check_reach(by, found.principal)
        told = self._about(by, Action.IDENTITY_UNLINKED, found.principal, payload={"issuer": issuer})
        return await self._store.unlink(by.principal.tenant, principal, issuer=issuer, subject=subject, entry=told)

    async def create_token(
        self,
        by: Acting,
        *,
        name: str,
        roles: Collection[Role],
        departments: Collection[str] = (),
        expires_at: datetime | None = None,
        holder: PrincipalId | None = None,
    ) -> tuple[TokenRecord, str]:
        """A token for oneself or for a token holder, and its text, which is shown this once.

        Raises `NotAllowed` for more rights than the caller or the holder has, `NoSuchPrincipal`.
        """
        now, tenant = self._clock(), by.principal.tenant
        who = by.principal
        if holder is not None and holder != who.id:
            who = (await self.principal(tenant, holder)).principal
        if who.id != by.principal.id and who.kind is not PrincipalKind.TOKEN_HOLDER:
            raise NotAllowed("a person's tokens are made by that person")
        self._check_grant(by, roles, departments)
        if excess := permissions(roles) - permissions(who.roles):
            raise NotAllowed(f"these roles permit what the holder may not do: {', '.join(sorted(excess))}")
        if expires_at is not None and expires_at <= self._real():
            raise NotFitting("/expires_at", "an instant in the future")
        token = TokenRecord(
            tenant=tenant, id=TokenId(uuid7(now)), principal=who.id, name=name, roles=frozenset(roles),
            departments=frozenset(departments), created_by=by.principal.id, created_at=now, expires_at=expires_at,
        )  # fmt: skip
        text = issue("flt", tenant)
        payload: dict[str, Json] = {
            "principal": show("usr", who.id), "roles": sorted(token.roles), "departments": sorted(token.departments),
            "expires_at": expires_at,
        }  # fmt: skip
        told = self._told(tenant, by.actor, Action.TOKEN_CREATED, _token(token.id), payload)
        await self._store.add_token(token, digest(text), entry=told)
        return token, text

    async def create_own_token(
        self, by: Acting, *, name: str, expires_at: datetime | None = None
    ) -> tuple[TokenRecord, str]:
        """A token for a client of whoever signed in, with all that they may do; ends in `OWN_LASTS` at the latest."""
        last = self._real() + OWN_LASTS
        if expires_at is not None and expires_at > last:
            raise NotFitting("/expires_at", f"at most {OWN_LASTS.days} days from now")
        mine = by.principal
        return await self.create_token(
            by, name=name, roles=mine.roles, departments=mine.departments, expires_at=expires_at or last
        )

    async def tokens(
        self, tenant: TenantId, *, principal: PrincipalId | None, after: TokenId | None, limit: int
    ) -> Sequence[TokenRecord]:
        """Tokens by id, without their secrets."""
        return await self._store.tokens(tenant, principal=principal, after=after, limit=limit)

    async def token(self, tenant: TenantId, token: TokenId) -> TokenRecord | None:
        """One token."""
        return await self._store.token(tenant, token)

    async def revoke_token(self, by: Acting, token: TokenId, *, reason: str = "") -> bool:
        """Revoke a token at once; False where it was revoked already."""
        told = self._told(by.principal.tenant, by.actor, Action.TOKEN_REVOKED, _token(token), reason=reason)
        return await self._store.revoke_token(by.principal.tenant, token, at=self._clock(), entry=told)

    async def oidc_settings(self, tenant: TenantId) -> OidcSettings | None:
        """The tenant's identity provider."""
        return await self._store.oidc_settings(tenant)

    async def set_oidc(self, by: Acting, settings: OidcSettings | None, *, secret: str | None = None) -> None:
        """Set or remove the identity provider; the client secret is sealed. Raises `NotAllowed`."""
        tenant = by.principal.tenant
        if settings is not None:
            for roles in settings.role_map.values():
                self._check_grant(by, roles, ())
            sealed = None if secret is None else self._sealer.seal(secret.encode(), oidc_place(tenant))
            settings = replace(settings, sealed_secret=sealed)
        payload: dict[str, Json] = {"removed": True} if settings is None else {
            "issuer": settings.issuer, "client_id": settings.client_id, "role_claim": settings.role_claim,
            "role_map": {value: list(roles) for value, roles in settings.role_map.items()},
        }  # fmt: skip
        subject = Subject(kind="tenant", id=str(tenant))
        told = self._told(tenant, by.actor, Action.OIDC_CONFIGURED, subject, payload)
        await self._store.set_oidc(tenant, settings, at=self._clock(), entry=told)

    async def _note_read(self, by: Acting, count: int, which: str = "all") -> None:
        subject = Subject(kind="principal", id=which)
        told = self._told(by.principal.tenant, by.actor, Action.ACCESS_READ, subject, {"principals": count})
        await self._codes.write(by.principal.tenant, [told])

    async def _replace(self, record: PrincipalRecord, told: Entry) -> PrincipalRecord:
        folded = fold(record.principal.email)
        changed = await self._store.change_principal(record, email_folded=folded, entry=told)
        if changed is None:
            now = await self.principal(record.principal.tenant, record.principal.id)
            raise MovedOn(now.version)
        return changed

    async def _new_code(
        self, tenant: TenantId, principal: PrincipalId | None, lasts: timedelta, told: Entry
    ) -> str | None:
        text, now = issue("flc", tenant), self._real()
        code = SetupCode(principal=principal, expires_at=now + lasts)
        return text if await self._codes.add_setup_code(tenant, code, digest(text), now=now, entry=told) else None

    def _check_grant(self, by: Acting, roles: Collection[Role], departments: Collection[str]) -> None:
        if (why := may_grant(by.principal, roles, departments)) is not None:
            raise NotAllowed(why)

    def _check_reach(self, by: Acting, of: Principal) -> None:
        # Whoever could suspend or re-invite someone with more rights could take those rights over.
        if of.id != by.principal.id and (why := may_grant(by.principal, of.roles, of.departments)) is not None:
            raise NotAllowed(f"that principal holds more than you do: {why}")

    def _check_draft(self, draft: Draft) -> None:
        if not draft.roles:
            raise NotFitting("/roles", "at least one role")
        if draft.kind is PrincipalKind.PERSON and draft.email is None:
            raise NotFitting("/email", "a person's e-mail address")
        now = self._real()
        if draft.expires_at is not None and draft.expires_at <= now:
            raise NotFitting("/expires_at", "an instant in the future")
        if "vendor" in draft.roles and (draft.expires_at is None or draft.expires_at > now + VENDOR_AT_MOST):
            raise NotFitting("/expires_at", f"a vendor's access ends: within {VENDOR_AT_MOST.days} days")
        if "owner" in draft.roles and (draft.departments or draft.expires_at):
            raise NotFitting("/departments", "none, and no expiry: an owner owns the whole tenant")

    def _about(
        self,
        by: Acting,
        action: Action,
        principal: Principal,
        *,
        payload: Mapping[str, Json] | None = None,
        more: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> Entry:
        personal = {"name": principal.name} | ({"email": principal.email} if principal.email else {}) | dict(more or {})
        subject = Subject(kind="principal", id=show("usr", principal.id))
        return self._told(
            principal.tenant, by.actor, action, subject, payload, personal=personal, person=principal.id, reason=reason
        )

    def _told(
        self,
        tenant: TenantId,
        actor: str,
        action: Action,
        subject: Subject,
        payload: Mapping[str, Json] | None = None,
        *,
        personal: Mapping[str, str] | None = None,
        person: UUID | None = None,
        reason: str = "",
    ) -> Entry:
        return entry(
            tenant=tenant, at=self._clock(), actor=actor, action=action, subject=subject, payload=payload,
            personal=personal, person=person, reason=reason,
        )  # fmt: skip


def fold(email: str | None) -> str | None:
    """An e-mail address as it is compared: without case, in one Unicode form."""
    return None if email is None else unicodedata.normalize("NFKC", email).strip().casefold()


def oidc_place(tenant: TenantId) -> Place:
    """Where a tenant's client secret is sealed."""
    return Place(tenant=tenant, table="oidc_provider", row=str(tenant), column="client_secret")


def _shape(principal: Principal) -> dict[str, Json]:
    return {
        "kind": principal.kind.name.lower(), "roles": sorted(principal.roles),
        "departments": sorted(principal.departments), "state": principal.state.name.lower(),
        "expires_at": principal.expires_at,
    }  # fmt: skip


def _token(token: TokenId) -> Subject:
    return Subject(kind="token", id=show("tok", token))

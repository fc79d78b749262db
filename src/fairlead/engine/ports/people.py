"""What the engine needs to know people: a store of principals and credentials, and an identity provider.

`store.people.PeopleStore` implements `PeoplePort`; every method is one transaction, and the journal
entries handed in stand or fall with it. `connectors.oidc` implements `OidcPort`. Secrets come here
as hashes or sealed; nothing behind this port can give a password, token or cookie back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol

from fairlead.engine.ports.carrier import Secret
from fairlead.model.access import Principal, Role
from fairlead.model.ids import PrincipalId, TenantId, TokenId
from fairlead.model.journal import Entry


class EmailTaken(Exception):
    """Another principal of this tenant has this e-mail address."""


class IdentityTaken(Exception):
    """Another principal is linked to this subject of this issuer."""


class LastOwner(Exception):
    """Nobody would be left who may do everything."""


class OidcRefused(Exception):
    """The identity provider's answer does not prove who this is; says why."""


class OidcUnavailable(Exception):
    """The identity provider cannot be reached or does not speak OpenID Connect. Trying again may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalRecord:
    """A principal as it is kept."""

    principal: Principal
    created_at: datetime
    version: int = 1  # goes up with each edit
    linkable: bool = False  # the first OIDC sign-in with this e-mail may link itself
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLink:
    """A subject of an identity provider, linked to a principal."""

    issuer: str
    subject: str
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A token without its secret."""

    tenant: TenantId
    id: TokenId
    principal: PrincipalId
    name: str
    roles: frozenset[Role]
    departments: frozenset[str]
    created_by: PrincipalId
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """A sign-in that a browser holds."""

    tenant: TenantId
    hash: bytes = field(repr=False)
    principal: PrincipalId
    created_at: datetime
    idle_until: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupCode:
    """A one-time code: of the first owner, or of a principal who is to choose a password."""

    principal: PrincipalId | None
    expires_at: datetime


class AttemptKind(IntEnum):
    """What failed sign-ins are counted by."""

    ACCOUNT = 1
    ADDRESS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A counter of failed sign-ins: of which kind, and whose (a hash)."""

    kind: AttemptKind
    key: bytes


# Failures before this one (0 when they are long past) → how long nobody may try, counted from now.
Pause = Callable[[AttemptKind, int], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """A tenant's identity provider."""

    issuer: str
    client_id: str
    sealed_secret: str | None = field(default=None, repr=False)
    scopes: str = "openid email profile"
    role_claim: str | None = None  # None: roles are given here and nowhere else
    role_map: Mapping[str, Sequence[Role]] = field(default_factory=dict[str, Sequence[Role]])


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcFlow:
    """A sign-in on its way through the identity provider."""

    tenant: TenantId
    state_hash: bytes
    browser_hash: bytes
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    return_to: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcIdentity:
    """Who the identity provider says it is, from a verified ID token."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    claims: Mapping[str, Any]


class OidcPort(Protocol):
    """An OpenID Connect client: authorization code flow with PKCE."""

    async def begin(self, settings: OidcSettings, *, state: str, nonce: str, challenge: str, redirect_uri: str) -> str:
        """The address to send the browser to; raises `OidcUnavailable`."""
        ...

    async def finish(
        self, settings: OidcSettings, secret: Secret | None, *, code: str, verifier: str, nonce: str, redirect_uri: str
    ) -> OidcIdentity:
        """Who came back; raises `OidcRefused` or `OidcUnavailable`."""
        ...


class PeoplePort(Protocol):
    """Principals, their identities and tokens, and the tenant's identity provider."""

    async def principals(self, tenant: TenantId, *, after: PrincipalId | None, limit: int) -> Sequence[PrincipalRecord]:
        """Principals that are not removed, by id."""
        ...

    async def principal(self, tenant: TenantId, principal: PrincipalId) -> PrincipalRecord | None:
        """One principal, removed ones too."""
        ...

    async def add_principal(self, record: PrincipalRecord, *, email_folded: str | None, entry: Entry) -> None:
        """Keep a new principal; raises `EmailTaken`."""
        ...

    async def change_principal(
        self, record: PrincipalRecord, *, email_folded: str | None, entry: Entry
    ) -> PrincipalRecord | None:
        """Replace a principal whose version is `record.version`; None where it has moved on.

        Ends its browser sessions, so that new rights hold at once. Raises `EmailTaken`, `LastOwner`.
        """
        ...

    async def set_password(
        self, tenant: TenantId, principal: PrincipalId, password_hash: str, *, entry: Entry | None
    ) -> None:
        """Keep a password hash. With an entry it is a new password and ends browser sessions; without, a rehash."""
        ...

    async def identities(self, tenant: TenantId, principal: PrincipalId) -> Sequence[IdentityLink]:
        """The identities linked to a principal."""
        ...

    async def link(self, tenant: TenantId, principal: PrincipalId, link: IdentityLink, *, entry: Entry) -> None:
        """Link an identity, take an invitation with it; raises `IdentityTaken`."""
        ...

    async def unlink(
        self, tenant: TenantId, principal: PrincipalId, *, issuer: str, subject: str, entry: Entry
    ) -> bool:
        """Undo a link; False where there was none."""
        ...

    async def add_token(self, token: TokenRecord, token_hash: bytes, *, entry: Entry) -> None:
        """Keep a token."""
        ...

    async def tokens(
        self, tenant: TenantId, *, principal: PrincipalId | None, after: TokenId | None, limit: int
    ) -> Sequence[TokenRecord]:
        """Tokens by id, those of one principal or all."""
        ...

    async def token(self, tenant: TenantId, token: TokenId) -> TokenRecord | None:
        """One token."""
        ...

    async def revoke_token(self, tenant: TenantId, token: TokenId, *, at: datetime, entry: Entry) -> bool:
        """Revoke a token; False where it was revoked already."""
        ...

    async def oidc_settings(self, tenant: TenantId) -> OidcSettings | None:
        """The tenant's identity provider."""
        ...

    async def set_oidc(self, tenant: TenantId, settings: OidcSettings | None, *, at: datetime, entry: Entry) -> None:
        """Set or remove the tenant's identity provider."""
        ...


class SignInPort(Protocol):
    """Credentials as they are shown: passwords, tokens, cookies, codes, answers of identity providers."""

    async def tenant_named(self, name: str) -> TenantId | None:
        """The active tenant of this name."""
        ...

    async def by_email(self, tenant: TenantId, folded: str) -> PrincipalRecord | None:
        """Whoever has this folded e-mail address."""
        ...

    async def by_identity(self, tenant: TenantId, issuer: str, subject: str) -> PrincipalRecord | None:
        """Whoever this identity is linked to."""
        ...

    async def by_token(
        self, tenant: TenantId, token_hash: bytes, *, now: datetime
    ) -> tuple[TokenRecord, PrincipalRecord] | None:
        """A token of an active tenant and its principal; notes that it was used."""
        ...

    async def open_session(self, session: BrowserSession, *, entry: Entry, forgiven: Sequence[Attempt]) -> None:
        """Keep a browser session, and forget the failures that came before it."""
        ...

    async def by_session(
        self, tenant: TenantId, session_hash: bytes, *, now: datetime, idle_until: datetime
    ) -> tuple[BrowserSession, PrincipalRecord] | None:
        """A session of an active tenant that has not expired, moved on to `idle_until`, and its principal."""
        ...

    async def end_session(self, tenant: TenantId, session_hash: bytes, *, entry: Entry) -> bool:
        """Forget a browser session; False where there was none."""
        ...

    async def add_setup_code(
        self, tenant: TenantId, code: SetupCode, code_hash: bytes, *, now: datetime, entry: Entry
    ) -> bool:
        """Keep a code in place of any before it for the same principal.

        False for a first owner's code where the tenant has an owner already.
        """
        ...

    async def setup_code(self, tenant: TenantId, code_hash: bytes, *, now: datetime) -> SetupCode | None:
        """A code that can still be used."""
        ...

    async def redeem_first(
        self, code_hash: bytes, owner: PrincipalRecord, *, email_folded: str, now: datetime, entries: Sequence[Entry]
    ) -> bool:
        """Use a first owner's code up and make that owner; False where somebody was faster."""
        ...

    async def redeem_invitation(
        self, tenant: TenantId, code_hash: bytes, code: SetupCode, *, password_hash: str, now: datetime, entry: Entry
    ) -> bool:
        """Use an invitation up: sets the password, ends old sessions; False where somebody was faster."""
        ...

    async def attempt(
        self, tenant: TenantId, attempts: Sequence[Attempt], *, now: datetime, pause: Pause
    ) -> datetime | None:
        """Count a sign-in as failed before it is tried; or, where it may not be tried, until when."""
        ...

    async def add_flow(self, flow: OidcFlow) -> None:
        """Keep a flow until its answer comes."""
        ...

    async def take_flow(self, tenant: TenantId, state_hash: bytes, *, now: datetime) -> OidcFlow | None:
        """The flow of a state, once."""
        ...

    async def write(self, tenant: TenantId, entries: Sequence[Entry]) -> None:
        """Journal what changed nothing here."""
        ...

    async def sweep(self, tenant: TenantId, *, now: datetime) -> None:
        """Drop sessions, flows and counters that are past."""
        ...

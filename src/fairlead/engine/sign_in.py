"""The door people come through: passwords, one-time codes, OpenID Connect, tokens and cookies.

The HTTP door calls `by_token` and `by_session` on every request and the rest on sign-in. Whatever
goes wrong with a credential gives the same answer after the same work, so an answer never says
whether somebody is known; failures are counted before a password is looked at, by account and by
address, in the database, so neither parallel guesses nor a restart give more of them.

Expiries are judged by the machine's clock, which the people and providers on the other side use
too; journal lines carry the house's.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

from fairlead.engine.credentials import csrf_of, digest, issue, random_text, tenant_of
from fairlead.engine.journal import entry
from fairlead.engine.mint import uuid7
from fairlead.engine.passwords import Passwords
from fairlead.engine.people import Clock, fold, oidc_place
from fairlead.engine.ports.carrier import Secret
from fairlead.engine.ports.people import (
    Attempt,
    AttemptKind,
    BrowserSession,
    IdentityLink,
    LastOwner,
    OidcFlow,
    OidcIdentity,
    OidcPort,
    OidcSettings,
    PeoplePort,
    PrincipalRecord,
    SetupCode,
    SignInPort,
)
from fairlead.engine.sealing import Sealer
from fairlead.model.access import ROLES, Principal, PrincipalKind, PrincipalState, Role, narrowed, usable
from fairlead.model.ids import PrincipalId, TenantId, TokenId, show
from fairlead.model.journal import Action, Entry, Json, Subject

IDLE: Final = timedelta(hours=8)
ABSOLUTE: Final = timedelta(days=7)
FLOW_LASTS: Final = timedelta(minutes=10)
_FREE: Final = {AttemptKind.ACCOUNT: 5, AttemptKind.ADDRESS: 30}  # failures before the first pause
_LONGEST_S: Final = 900.0


class SignInRefused(Exception):
    """The credentials are not good; says nothing more."""


class TooManyAttempts(Exception):
    """Too many failures for this account or from this address; not tried."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"not before {until:%Y-%m-%d %H:%M:%S} UTC")
        self.until = until


class NoProvider(LookupError):
    """The tenant has no identity provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A request that is known: whose rights it has, and the token it came with."""

    principal: Principal
    token: TokenId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A fresh sign-in: what the browser is to hold."""

    principal: Principal
    cookie: str = field(repr=False)
    csrf: str = field(repr=False)
    signed_in_at: datetime
    expires_at: datetime
    return_to: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A browser on its way to the identity provider."""

    url: str
    cookie: str = field(repr=False)  # must come back with the answer


def pause_after(kind: AttemptKind, failures: int) -> float:
    """How long nobody may try after so many failures, in seconds: none, then 1, 2, 4 … 900."""
    over = failures - _FREE[kind]
    return 0.0 if over < 0 else min(_LONGEST_S, 2.0 ** min(over, 20))


class SignIn:
    """Recognises whoever shows a credential."""

    def __init__(
        self,
        store: SignInPort,
        people: PeoplePort,
        passwords: Passwords,
        oidc: OidcPort,
        sealer: Sealer,
        *,
        clock: Clock,
        real: Clock,
    ) -> None:
        self._store = store
        self._people = people
        self._passwords = passwords
        self._oidc = oidc
        self._sealer = sealer
        self._clock = clock
        self._real = real

    # --- every request -------------------------------------------------------------------------

    async def by_token(self, secret: str, *, now: datetime) -> Admission | None:
        """Whoever holds this bearer token, narrowed to it, or None."""
        tenant = tenant_of("flt", secret)
        found = await self._store.by_token(tenant, digest(secret), now=now) if tenant else None
        if found is None or not usable(found[1].principal, now):
            return None
        token, record = found
        return Admission(principal=narrowed(record.principal, token.roles, token.departments), token=token.id)

    async def by_session(
        self, secret: str, *, csrf: str | None, writing: bool, now: datetime, use: bool = True
    ) -> Admission | None:
        """Whoever this cookie belongs to, or None; a request that writes must carry the cookie's CSRF value.

        Without `use` the session's idle time goes on: a page that lies open and listens is not somebody at work.
        """
        tenant = tenant_of("fls", secret)
        if tenant is None or (writing and not hmac.compare_digest((csrf or "").encode(), csrf_of(secret).encode())):
            return None
        found = await self._store.by_session(tenant, digest(secret), now=now, idle_until=now + IDLE if use else now)
        if found is None or not usable(found[1].principal, now):
            return None
        return Admission(principal=found[1].principal)

    # --- passwords and codes -------------------------------------------------------------------

    async def sign_in_password(self, *, tenant: str, email: str, password: str, address: str) -> SignedIn:
        """Sign in by tenant name, e-mail and password; raises `SignInRefused` or `TooManyAttempts`."""
        known = await self._store.tenant_named(tenant)
        if known is None:
            await self._passwords.holds(None, password)
            raise SignInRefused
        folded = fold(email) or ""
        attempts = (_attempt(AttemptKind.ACCOUNT, folded), _attempt(AttemptKind.ADDRESS, address))
        until = await self._store.attempt(known, attempts, now=self._real(), pause=pause_after)
        if until is not None:
            raise TooManyAttempts(until)
        record = await self._store.by_email(known, folded)
        kept = record.password_hash if record else None
        good = await self._passwords.holds(kept, password)
        if record is None or kept is None or not good or not usable(record.principal, self._real()):
            await self._refused(known, "password", record, {"email": email, "address": address})
            raise SignInRefused
        if self._passwords.outdated(kept):
            again = await self._passwords.hash(password)
            await self._people.set_password(known, record.principal.id, again, entry=None)
        return await self._enter(record.principal, "password", address, forgiven=attempts)

    async def change_password(self, me: Principal, *, current: str, password: str) -> None:
        """Choose a new password, knowing the current one; ends one's browser sessions.

        Raises `SignInRefused`, `TooManyAttempts`, `PasswordRefused`.
        """
        account = _attempt(AttemptKind.ACCOUNT, fold(me.email) or str(me.id))
        until = await self._store.attempt(me.tenant, (account,), now=self._real(), pause=pause_after)
        if until is not None:
            raise TooManyAttempts(until)
        record = await self._people.principal(me.tenant, me.id)
        if not await self._passwords.holds(record.password_hash if record else None, current):
            raise SignInRefused
        hashed = await self._passwords.hash(password, not_like=(me.name, me.email or ""))
        told = self._told(me, Action.PASSWORD_CHANGED)
        await self._people.set_password(me.tenant, me.id, hashed, entry=told)

    async def setup_code(self, code: str) -> SetupCode | None:
        """What a one-time code is for, while it can be used."""
        tenant = tenant_of("flc", code)
        return await self._store.setup_code(tenant, digest(code), now=self._real()) if tenant else None

    async def redeem_setup_code(
        self, code: str, *, password: str, address: str, name: str | None = None, email: str | None = None
    ) -> SignedIn:
        """Use a one-time code: become the first owner (with name and e-mail), or choose one's password.

        Raises `SignInRefused` for a code that is unknown, used or expired, `PasswordRefused`.
        """
        tenant, found = tenant_of("flc", code), await self.setup_code(code)
        if tenant is None or found is None:
            raise SignInRefused
        if found.principal is None:
            principal = await self._first_owner(tenant, code, name or "", email or "", password)
        else:
            principal = await self._invited(tenant, code, found, password)
        return await self._enter(principal, "code", address)

    async def _first_owner(self, tenant: TenantId, code: str, name: str, email: str, password: str) -> Principal:
        at = self._clock()
        hashed = await self._passwords.hash(password, not_like=(name, email))
        principal = Principal(
            tenant=tenant, id=PrincipalId(uuid7(at)), name=name, email=email, roles=frozenset[Role](["owner"])
        )
        record = PrincipalRecord(principal=principal, created_at=at, password_hash=hashed)
        personal = {"name": name, "email": email}
        lines = [
            self._told(principal, Action.SETUP_CODE_REDEEMED),
            self._told(principal, Action.PRINCIPAL_CREATED, {"roles": ["owner"]}, personal=personal),
        ]
        made = await self._store.redeem_first(
            digest(code), record, email_folded=fold(email) or "", now=self._real(), entries=lines
        )
        if not made:
            raise SignInRefused
        return principal

    async def _invited(self, tenant: TenantId, code: str, found: SetupCode, password: str) -> Principal:
        record = await self._people.principal(tenant, found.principal) if found.principal else None
        if record is None or record.principal.state not in {PrincipalState.INVITED, PrincipalState.ACTIVE}:
            raise SignInRefused
        principal = replace(record.principal, state=PrincipalState.ACTIVE)
        if not usable(principal, self._real()):
            raise SignInRefused
        hashed = await self._passwords.hash(password, not_like=(principal.name, principal.email or ""))
        line = self._told(principal, Action.SETUP_CODE_REDEEMED)
        done = await self._store.redeem_invitation(
            tenant, digest(code), found, password_hash=hashed, now=self._real(), entry=line
        )
        if not done:
            raise SignInRefused
        return principal

    async def sign_out(self, principal: Principal, cookie: str) -> bool:
        """End a browser session; False where it had ended."""
        told = self._told(principal, Action.SIGN_OUT)
        return await self._store.end_session(principal.tenant, digest(cookie), entry=told)

    # --- OpenID Connect ------------------------------------------------------------------------

    async def oidc_begin(self, *, tenant: str, redirect_uri: str, return_to: str) -> Departure:
        """Send a browser to the tenant's identity provider; raises `NoProvider`, `OidcUnavailable`."""
        known = await self._store.tenant_named(tenant)
        settings = await self._people.oidc_settings(known) if known else None
        if known is None or settings is None:
            raise NoProvider
        state, browser, nonce, verifier = issue("flo", known), random_text(), random_text(), random_text()
        flow = OidcFlow(
            tenant=known, state_hash=digest(state), browser_hash=digest(browser), nonce=nonce, verifier=verifier,
            redirect_uri=redirect_uri, return_to=local(return_to), expires_at=self._real() + FLOW_LASTS,
        )  # fmt: skip
        url = await self._oidc.begin(
            settings, state=state, nonce=nonce, challenge=_challenge(verifier), redirect_uri=redirect_uri
        )
        await self._store.add_flow(flow)
        return Departure(url=url, cookie=browser)

    async def oidc_finish(self, *, state: str, code: str, cookie: str | None, address: str) -> SignedIn:
        """Take the provider's answer; raises `SignInRefused`, `OidcRefused`, `OidcUnavailable`."""
        tenant = tenant_of("flo", state)
        flow = await self._store.take_flow(tenant, digest(state), now=self._real()) if tenant else None
        if flow is None or not hmac.compare_digest(digest(cookie or ""), flow.browser_hash):
            raise SignInRefused
        settings = await self._people.oidc_settings(flow.tenant)
        if settings is None:
            raise SignInRefused
        identity = await self._oidc.finish(
            settings, self._client_secret(flow.tenant, settings), code=code, verifier=flow.verifier, nonce=flow.nonce,
            redirect_uri=flow.redirect_uri,
        )  # fmt: skip
        record = await self._recognise(flow.tenant, identity)
        if record is not None and settings.role_claim is not None:
            record = await self._with_claimed_roles(record, settings, identity)
        if record is None or not usable(record.principal, self._real()):
            personal = {"subject": identity.subject, "address": address}
            await self._refused(flow.tenant, "oidc", record, personal)
            raise SignInRefused
        signed_in = await self._enter(record.principal, "oidc", address)
        return replace(signed_in, return_to=flow.return_to)

    async def _recognise(self, tenant: TenantId, identity: OidcIdentity) -> PrincipalRecord | None:
        """Whoever an owner linked, or invited by this verified e-mail address; nobody is made up."""
        linked = await self._store.by_identity(tenant, identity.issuer, identity.subject)
        if linked is not None or identity.email is None or not identity.email_verified:
            return linked
        invited = await self._store.by_email(tenant, fold(identity.email) or "")
        if invited is None or not invited.linkable or invited.principal.kind is not PrincipalKind.PERSON:
            return None
        if not usable(replace(invited.principal, state=_taken(invited.principal.state)), self._real()):
            return invited
        link = IdentityLink(issuer=identity.issuer, subject=identity.subject, linked_at=self._clock())
        personal = {"subject": identity.subject, "email": identity.email}
        told = self._told(invited.principal, Action.IDENTITY_LINKED, {"issuer": identity.issuer}, personal=personal)
        await self._people.link(tenant, invited.principal.id, link, entry=told)
        return await self._people.principal(tenant, invited.principal.id)

    async def _with_claimed_roles(
        self, record: PrincipalRecord, settings: OidcSettings, identity: OidcIdentity
    ) -> PrincipalRecord | None:
        """The principal with the roles its provider gives it now; None where it gives none that count.

        The last owner stays one whatever the claim says: a mistake over there must not lock everybody out.
        """
        roles = claimed_roles(settings, identity.claims)
        if not roles:
            return None
        if roles == record.principal.roles:
            return record
        after = replace(record.principal, roles=roles)
        payload: dict[str, Json] = {
            "before": {"roles": sorted(record.principal.roles)}, "after": {"roles": sorted(roles)},
        }  # fmt: skip
        told = self._told(after, Action.PRINCIPAL_CHANGED, payload, reason=f"claim {settings.role_claim}")
        try:
            return await self._people.change_principal(
                replace(record, principal=after), email_folded=fold(after.email), entry=told
            )
        except LastOwner:
            return record

    def _client_secret(self, tenant: TenantId, settings: OidcSettings) -> Secret | None:
        if settings.sealed_secret is None:
            return None
        return Secret(self._sealer.open(settings.sealed_secret, oidc_place(tenant)).decode())

    # --- shared --------------------------------------------------------------------------------

    async def _enter(
        self, principal: Principal, method: str, address: str, *, forgiven: tuple[Attempt, ...] = ()
    ) -> SignedIn:
        now, cookie = self._real(), issue("fls", principal.tenant)
        session = BrowserSession(
            tenant=principal.tenant, hash=digest(cookie), principal=principal.id, created_at=now,
            idle_until=now + IDLE, expires_at=now + ABSOLUTE,
        )  # fmt: skip
        personal = {"address": address}
        told = self._told(principal, Action.SIGN_IN_SUCCEEDED, {"by": method}, personal=personal)
        await self._store.open_session(session, entry=told, forgiven=forgiven)
        await self._store.sweep(principal.tenant, now=now)
        return SignedIn(
            principal=principal, cookie=cookie, csrf=csrf_of(cookie), signed_in_at=now, expires_at=session.expires_at
        )

    async def _refused(
        self, tenant: TenantId, method: str, record: PrincipalRecord | None, personal: Mapping[str, str]
    ) -> None:
        who = show("usr", record.principal.id) if record else "unknown"
        line = entry(
            tenant=tenant, at=self._clock(), actor=who, action=Action.SIGN_IN_REFUSED,
            subject=Subject(kind="principal", id=who), payload={"by": method}, personal=personal,
            person=record.principal.id if record else None,
        )  # fmt: skip
        await self._store.write(tenant, [line])

    def _told(
        self,
        principal: Principal,
        action: Action,
        payload: Mapping[str, Json] | None = None,
        *,
        personal: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> Entry:
        who = show("usr", principal.id)
        return entry(
            tenant=principal.tenant, at=self._clock(), actor=who, action=action,
            subject=Subject(kind="principal", id=who), payload=payload, personal=personal, person=principal.id,
            reason=reason,
        )  # fmt: skip


def claimed_roles(settings: OidcSettings, claims: Mapping[str, Any]) -> frozenset[Role]:
    """The roles that a claim gives by the tenant's map; a dotted name reaches into nested claims."""
    value: Any = claims
    for part in (settings.role_claim or "").split("."):
        value = cast("Mapping[str, Any]", value).get(part) if isinstance(value, Mapping) else None
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    named = {role for item in values if isinstance(item, str) for role in settings.role_map.get(item, ())}
    return frozenset(role for role in ROLES if role in named)


def local(return_to: str) -> str:
    """A path of this server, or `/`: never an address that leads elsewhere."""
    plain = return_to.isascii() and return_to.isprintable() and "\\" not in return_to
    return return_to if plain and return_to.startswith("/") and not return_to.startswith("//") else "/"


def _attempt(kind: AttemptKind, key: str) -> Attempt:
    return Attempt(kind=kind, key=hashlib.sha256(key.encode()).digest())


def _challenge(verifier: str) -> str:
    """RFC 7636 §4.2, method S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _taken(state: PrincipalState) -> PrincipalState:
    return PrincipalState.ACTIVE if state is PrincipalState.INVITED else state

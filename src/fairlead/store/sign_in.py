"""Keeps what is shown at the door: browser sessions, setup codes, failed sign-ins, OIDC flows.

Implements `engine.ports.people.SignInPort`. Tokens and cookies are found by the hash of their
secret; their tenant comes from the secret's own text, so the lookup stands behind the tenant wall
like everything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg.rows import class_row

from fairlead.engine.ports.people import (
    Attempt,
    AttemptKind,
    BrowserSession,
    OidcFlow,
    Pause,
    PrincipalRecord,
    SetupCode,
    TokenRecord,
)
from fairlead.model.ids import PrincipalId, TenantId
from fairlead.model.journal import Entry
from fairlead.store.database import Connection, Database
from fairlead.store.journal import append
from fairlead.store.people import add_principal, count_owners, first, principals, set_password, text, tokens

_USED: Final = timedelta(minutes=1)  # how exact "last used" and "idle" are: spares a write a request
_FORGET: Final = timedelta(days=1)  # failures older than this never happened


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    hash: bytes
    principal: UUID
    created_at: datetime
    idle_until: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counter:
    failures: int
    last_at: datetime
    blocked_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flow:
    browser_hash: bytes
    nonce: str
    verifier: str
    redirect_uri: str
    return_to: str
    expires_at: datetime


class SignInStore:
    """See `engine.ports.people.SignInPort`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tenant_named(self, name: str) -> TenantId | None:
        """The active tenant of this name."""
        async with self._database.nameless() as conn:
            row = await (await conn.execute(text("tenant_named"), {"name": name})).fetchone()
            return TenantId(row[0]) if row and row[0] else None

    async def by_email(self, tenant: TenantId, folded: str) -> PrincipalRecord | None:
        """Whoever has this folded e-mail address."""
        async with self._database.tenant(tenant) as conn:
            return first(await principals(conn, tenant, "principal_by_email", {"email_folded": folded}))

    async def by_identity(self, tenant: TenantId, issuer: str, subject: str) -> PrincipalRecord | None:
        """Whoever this identity is linked to."""
        values = {"issuer": issuer, "subject": subject}
        async with self._database.tenant(tenant) as conn:
            return first(await principals(conn, tenant, "principal_by_identity", values))

    async def by_token(
        self, tenant: TenantId, token_hash: bytes, *, now: datetime
    ) -> tuple[TokenRecord, PrincipalRecord] | None:
        """A token of an active tenant and its principal; notes that it was used."""
        async with self._database.tenant(tenant) as conn:
            found = await tokens(conn, tenant, "token_by_hash", {"hash": token_hash, "now": now})
            if not found:
                return None
            token = found[0]
            holder = first(await principals(conn, tenant, "principal", {"id": token.principal}))
            if token.last_used_at is None or now - token.last_used_at >= _USED:
                await conn.execute(text("touch_token"), {"tenant": tenant, "id": token.id, "now": now})
            return (token, holder) if holder else None

    async def open_session(self, session: BrowserSession, *, entry: Entry, forgiven: Sequence[Attempt]) -> None:
        """Keep a browser session, and forget the failures that came before it."""
        values = {
            "tenant": session.tenant, "hash": session.hash, "principal": session.principal,
            "created_at": session.created_at, "idle_until": session.idle_until, "expires_at": session.expires_at,
        }  # fmt: skip
        async with self._database.tenant(session.tenant) as conn:
            await conn.execute(text("open_session"), values)
            for attempt in _ordered(forgiven):
                name = "forgive_account" if attempt.kind is AttemptKind.ACCOUNT else "forgive_address"
                key = {"tenant": session.tenant, "key": attempt.key, "now": session.created_at}
                await conn.execute(text(name), key)
            await append(conn, [entry])

    async def by_session(
        self, tenant: TenantId, session_hash: bytes, *, now: datetime, idle_until: datetime
    ) -> tuple[BrowserSession, PrincipalRecord] | None:
        """A session of an active tenant that has not expired, moved on to `idle_until`, and its principal."""
        values = {"tenant": tenant, "hash": session_hash, "now": now, "idle_until": idle_until}
        async with self._database.tenant(tenant) as conn:
            async with conn.cursor(row_factory=class_row(_Session)) as cursor:
                row = await (await cursor.execute(text("session_by_hash"), values)).fetchone()
            if row is None:
                return None
            if idle_until - row.idle_until >= _USED:
                await conn.execute(text("touch_session"), values)
            holder = first(await principals(conn, tenant, "principal", {"id": row.principal}))
        session = BrowserSession(
            tenant=tenant, hash=row.hash, principal=PrincipalId(row.principal), created_at=row.created_at,
            idle_until=row.idle_until, expires_at=row.expires_at,
        )  # fmt: skip
        return (session, holder) if holder else None

    async def end_session(self, tenant: TenantId, session_hash: bytes, *, entry: Entry) -> bool:
        """Forget a browser session; False where there was none."""
        async with self._database.tenant(tenant) as conn:
            gone = await conn.execute(text("end_session"), {"tenant": tenant, "hash": session_hash})
            if not gone.rowcount:
                return False
            await append(conn, [entry])
            return True

    async def add_setup_code(
        self, tenant: TenantId, code: SetupCode, code_hash: bytes, *, now: datetime, entry: Entry
    ) -> bool:
        """Keep a code in place of any before it for the same principal."""
        values = {
            "tenant": tenant, "hash": code_hash, "principal": code.principal, "now": now, "expires_at": code.expires_at,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            await conn.execute(text("lock_owners"), {"tenant": tenant})
            if code.principal is None and await count_owners(conn, tenant):
                return False
            await conn.execute(text("drop_setup_codes"), values)
            await conn.execute(text("add_setup_code"), values)
            await append(conn, [entry])
            return True

    async def setup_code(self, tenant: TenantId, code_hash: bytes, *, now: datetime) -> SetupCode | None:
        """A code that can still be used."""
        async with self._database.tenant(tenant) as conn:
            values = {"tenant": tenant, "hash": code_hash, "now": now}
            row = await (await conn.execute(text("setup_code"), values)).fetchone()
        return SetupCode(principal=PrincipalId(row[0]) if row[0] else None, expires_at=row[1]) if row else None

    async def redeem_first(
        self, code_hash: bytes, owner: PrincipalRecord, *, email_folded: str, now: datetime, entries: Sequence[Entry]
    ) -> bool:
        """Use a first owner's code up and make that owner; False where somebody was faster."""
        tenant = owner.principal.tenant
        async with self._database.tenant(tenant) as conn:
            await conn.execute(text("lock_owners"), {"tenant": tenant})
            if await count_owners(conn, tenant) or not await _use_code(conn, tenant, code_hash, now):
                return False
            await add_principal(conn, owner, email_folded=email_folded)
            await append(conn, entries)
            return True

    async def redeem_invitation(
        self, tenant: TenantId, code_hash: bytes, code: SetupCode, *, password_hash: str, now: datetime, entry: Entry
    ) -> bool:
        """Use an invitation up: sets the password, ends old sessions; False where somebody was faster."""
        if code.principal is None:
            return False
        async with self._database.tenant(tenant) as conn:
            if not await _use_code(conn, tenant, code_hash, now):
                return False
            values = {"tenant": tenant, "id": code.principal, "principal": code.principal}
            await set_password(conn, tenant, code.principal, password_hash)
            await conn.execute(text("activate"), values)
            await conn.execute(text("end_sessions_of"), values)
            await append(conn, [entry])
            return True

    async def attempt(
        self, tenant: TenantId, attempts: Sequence[Attempt], *, now: datetime, pause: Pause
    ) -> datetime | None:
        """Count a sign-in as failed before it is tried; or, where it may not be tried, until when."""
        async with self._database.tenant(tenant) as conn:
            counters = [(attempt, await _counter(conn, tenant, attempt, now)) for attempt in _ordered(attempts)]
            blocked = [counter.blocked_until for _, counter in counters if counter.blocked_until > now]
            if blocked:
                return max(blocked)
            for attempt, counter in counters:
                failures = 1 if now - counter.last_at > _FORGET else counter.failures + 1
                until = now + timedelta(seconds=pause(attempt.kind, failures))
                values = {
                    "tenant": tenant, "kind": int(attempt.kind), "key": attempt.key, "failures": failures, "now": now,
                    "blocked_until": until,
                }  # fmt: skip
                await conn.execute(text("count_attempt"), values)
            return None

    async def add_flow(self, flow: OidcFlow) -> None:
        """Keep a flow until its answer comes."""
        values = {
            "tenant": flow.tenant, "state_hash": flow.state_hash, "browser_hash": flow.browser_hash,
            "nonce": flow.nonce, "verifier": flow.verifier, "redirect_uri": flow.redirect_uri,
            "return_to": flow.return_to, "expires_at": flow.expires_at,
        }  # fmt: skip
        async with self._database.tenant(flow.tenant) as conn:
            await conn.execute(text("add_flow"), values)

    async def take_flow(self, tenant: TenantId, state_hash: bytes, *, now: datetime) -> OidcFlow | None:
        """The flow of a state, once."""
        values = {"tenant": tenant, "state_hash": state_hash, "now": now}
        async with self._database.tenant(tenant) as conn, conn.cursor(row_factory=class_row(_Flow)) as cursor:
            row = await (await cursor.execute(text("take_flow"), values)).fetchone()
        if row is None:
            return None
        return OidcFlow(
            tenant=tenant, state_hash=state_hash, browser_hash=row.browser_hash, nonce=row.nonce,
            verifier=row.verifier, redirect_uri=row.redirect_uri, return_to=row.return_to, expires_at=row.expires_at,
        )  # fmt: skip

    async def write(self, tenant: TenantId, entries: Sequence[Entry]) -> None:
        """Journal what changed nothing here."""
        async with self._database.tenant(tenant) as conn:
            await append(conn, entries)

    async def sweep(self, tenant: TenantId, *, now: datetime) -> None:
        """Drop sessions, flows and counters that are past."""
        async with self._database.tenant(tenant) as conn:
            for name in ("sweep_sessions", "sweep_flows", "sweep_attempts"):
                await conn.execute(text(name), {"tenant": tenant, "now": now, "before": now - _FORGET})


def _ordered(attempts: Sequence[Attempt]) -> list[Attempt]:
    # Always in one order, so that two sign-ins never wait for each other in a circle.
    return sorted(attempts, key=lambda attempt: (attempt.kind, attempt.key))


async def _counter(conn: Connection, tenant: TenantId, attempt: Attempt, now: datetime) -> _Counter:
    values: dict[str, Any] = {"tenant": tenant, "kind": int(attempt.kind), "key": attempt.key, "now": now}
    await conn.execute(text("open_attempt"), values)
    async with conn.cursor(row_factory=class_row(_Counter)) as cursor:
        row = await (await cursor.execute(text("read_attempt"), values)).fetchone()
    return row or _Counter(failures=0, last_at=now, blocked_until=now)


async def _use_code(conn: Connection, tenant: TenantId, code_hash: bytes, now: datetime) -> bool:
    used = await conn.execute(text("use_setup_code"), {"tenant": tenant, "hash": code_hash, "now": now})
    return used.rowcount == 1

"""Keeps principals, their identities and tokens, and each tenant's identity provider.

Implements `engine.ports.people.PeoplePort`; `store.sign_in` keeps what is shown at the door. Every
method is one transaction, its journal entries included.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from psycopg import errors, sql
from psycopg.rows import class_row

from fairlead.engine.ports.people import (
    EmailTaken,
    IdentityLink,
    IdentityTaken,
    LastOwner,
    OidcSettings,
    PrincipalRecord,
    TokenRecord,
)
from fairlead.model.access import Principal, PrincipalKind, PrincipalState, Role
from fairlead.model.ids import PrincipalId, TenantId, TokenId
from fairlead.model.journal import Entry
from fairlead.store.database import Connection, Database
from fairlead.store.journal import append
from fairlead.store.statements import load

_SQL: Final = load("people")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A row of `principal`, as the block `columns` names it."""

    id: UUID
    kind: int
    name: str
    email: str | None
    roles: list[str]
    departments: list[str]
    state: int
    sponsor: UUID | None
    password_hash: str | None
    linkable: bool
    expires_at: datetime | None
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A row of `token`, without its hash."""

    id: UUID
    principal: UUID
    name: str
    roles: list[str]
    departments: list[str]
    created_by: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    issuer: str
    client_id: str
    client_secret: str | None
    scopes: str
    role_claim: str | None
    role_map: str | None


class PeopleStore:
    """See `engine.ports.people.PeoplePort`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def principals(self, tenant: TenantId, *, after: PrincipalId | None, limit: int) -> Sequence[PrincipalRecord]:
        """Principals that are not removed, by id."""
        async with self._database.tenant(tenant) as conn:
            return await principals(conn, tenant, "principals", {"after": after, "limit": limit})

    async def principal(self, tenant: TenantId, principal: PrincipalId) -> PrincipalRecord | None:
        """One principal, removed ones too."""
        async with self._database.tenant(tenant) as conn:
            return first(await principals(conn, tenant, "principal", {"id": principal}))

    async def add_principal(self, record: PrincipalRecord, *, email_folded: str | None, entry: Entry) -> None:
        """Keep a new principal; raises `EmailTaken`."""
        async with self._database.tenant(record.principal.tenant) as conn:
            await add_principal(conn, record, email_folded=email_folded)
            await append(conn, [entry])

    async def change_principal(
        self, record: PrincipalRecord, *, email_folded: str | None, entry: Entry
    ) -> PrincipalRecord | None:
        """Replace a principal whose version is `record.version`; None where it has moved on."""
        tenant, principal = record.principal.tenant, record.principal.id
        values = principal_values(record, email_folded) | {"version": record.version}
        async with self._database.tenant(tenant) as conn:
            await conn.execute(text("lock_owners"), {"tenant": tenant})
            try:
                changed = first(await principals(conn, tenant, "change_principal", values))
            except errors.UniqueViolation as taken:
                raise EmailTaken(record.principal.email or "") from taken
            if changed is None:
                return None
            await _keep_an_owner(conn, tenant)
            await conn.execute(text("end_sessions_of"), {"tenant": tenant, "principal": principal})
            if record.principal.state is PrincipalState.REMOVED:
                gone = {"tenant": tenant, "principal": principal, "at": entry.line.at}
                await conn.execute(text("unlink_all"), gone)
                await conn.execute(text("revoke_tokens_of"), gone)
            await append(conn, [entry])
            return changed

    async def set_password(
        self, tenant: TenantId, principal: PrincipalId, password_hash: str, *, entry: Entry | None
    ) -> None:
        """Keep a password hash; with an entry it is a new password and ends browser sessions."""
        async with self._database.tenant(tenant) as conn:
            await set_password(conn, tenant, principal, password_hash)
            if entry is not None:
                await conn.execute(text("end_sessions_of"), {"tenant": tenant, "principal": principal})
                await append(conn, [entry])

    async def identities(self, tenant: TenantId, principal: PrincipalId) -> Sequence[IdentityLink]:
        """The identities linked to a principal."""
        async with self._database.tenant(tenant) as conn, conn.cursor(row_factory=class_row(IdentityLink)) as cursor:
            values = {"tenant": tenant, "principal": principal}
            return await (await cursor.execute(text("identities"), values)).fetchall()

    async def link(self, tenant: TenantId, principal: PrincipalId, link: IdentityLink, *, entry: Entry) -> None:
        """Link an identity, take an invitation with it; raises `IdentityTaken`."""
        values = {
            "tenant": tenant, "principal": principal, "issuer": link.issuer, "subject": link.subject,
            "linked_at": link.linked_at,
        }  # fmt: skip
        async with self._database.tenant(tenant) as conn:
            try:
                await conn.execute(text("link"), values)
            except errors.UniqueViolation as taken:
                raise IdentityTaken(link.subject) from taken
            await conn.execute(text("linked"), values)
            await append(conn, [entry])

    async def unlink(
        self, tenant: TenantId, principal: PrincipalId, *, issuer: str, subject: str, entry: Entry
    ) -> bool:
        """Undo a link; False where there was none."""
        values = {"tenant": tenant, "principal": principal, "issuer": issuer, "subject": subject}
        async with self._database.tenant(tenant) as conn:
            if not (await conn.execute(text("unlink"), values)).rowcount:
                return False
            await conn.execute(text("end_sessions_of"), values)
            await append(conn, [entry])
            return True

    async def add_token(self, token: TokenRecord, token_hash: bytes, *, entry: Entry) -> None:
        """Keep a token."""
        values = {
            "tenant": token.tenant, "id": token.id, "hash": token_hash, "principal": token.principal,
            "name": token.name, "roles": sorted(token.roles), "departments": sorted(token.departments),
            "created_by": token.created_by, "created_at": token.created_at, "expires_at": token.expires_at,
        }  # fmt: skip
        async with self._database.tenant(token.tenant) as conn:
            await conn.execute(text("add_token"), values)
            await append(conn, [entry])

    async def tokens(
        self, tenant: TenantId, *, principal: PrincipalId | None, after: TokenId | None, limit: int
    ) -> Sequence[TokenRecord]:
        """Tokens by id, those of one principal or all."""
        name = "tokens" if principal is None else "tokens_of"
        async with self._database.tenant(tenant) as conn:
            return await tokens(conn, tenant, name, {"principal": principal, "after": after, "limit": limit})

    async def token(self, tenant: TenantId, token: TokenId) -> TokenRecord | None:
        """One token."""
        async with self._database.tenant(tenant) as conn:
            found = await tokens(conn, tenant, "token", {"id": token})
        return found[0] if found else None

    async def revoke_token(self, tenant: TenantId, token: TokenId, *, at: datetime, entry: Entry) -> bool:
        """Revoke a token; False where it was revoked already."""
        async with self._database.tenant(tenant) as conn:
            done = await conn.execute(text("revoke_token"), {"tenant": tenant, "id": token, "at": at})
            if not done.rowcount:
                return False
            await append(conn, [entry])
            return True

    async def oidc_settings(self, tenant: TenantId) -> OidcSettings | None:
        """The tenant's identity provider."""
        async with self._database.tenant(tenant) as conn, conn.cursor(row_factory=class_row(_Provider)) as cursor:
            row = await (await cursor.execute(text("oidc_settings"), {"tenant": tenant})).fetchone()
        if row is None:
            return None
        return OidcSettings(
            issuer=row.issuer, client_id=row.client_id, sealed_secret=row.client_secret, scopes=row.scopes,
            role_claim=row.role_claim, role_map=json.loads(row.role_map or "{}"),
        )  # fmt: skip

    async def set_oidc(self, tenant: TenantId, settings: OidcSettings | None, *, at: datetime, entry: Entry) -> None:
        """Set or remove the tenant's identity provider."""
        async with self._database.tenant(tenant) as conn:
            if settings is None:
                await conn.execute(text("remove_oidc"), {"tenant": tenant})
            else:
                values = {
                    "tenant": tenant, "issuer": settings.issuer, "client_id": settings.client_id,
                    "client_secret": settings.sealed_secret, "scopes": settings.scopes,
                    "role_claim": settings.role_claim, "role_map": json.dumps(dict(settings.role_map)), "at": at,
                }  # fmt: skip
                await conn.execute(text("set_oidc"), values)
            await append(conn, [entry])


async def principals(conn: Connection, tenant: TenantId, name: str, values: dict[str, Any]) -> list[PrincipalRecord]:
    """The principals that a statement with the hole `columns` gives."""
    query = fragment(name).format(columns=fragment("columns"))
    async with conn.cursor(row_factory=class_row(_Row)) as cursor:
        rows = await (await cursor.execute(query, values | {"tenant": tenant})).fetchall()
    return [_record(tenant, row) for row in rows]


async def add_principal(conn: Connection, record: PrincipalRecord, *, email_folded: str | None) -> None:
    """Insert a principal; raises `EmailTaken`."""
    values = principal_values(record, email_folded)
    try:
        await conn.execute(text("add_principal"), values)
    except errors.UniqueViolation as taken:
        raise EmailTaken(record.principal.email or "") from taken


async def set_password(conn: Connection, tenant: TenantId, principal: PrincipalId, password_hash: str) -> None:
    """Keep a password hash."""
    await conn.execute(text("set_password"), {"tenant": tenant, "id": principal, "password_hash": password_hash})


async def tokens(conn: Connection, tenant: TenantId, name: str, values: dict[str, Any]) -> list[TokenRecord]:
    """The tokens that a statement gives."""
    async with conn.cursor(row_factory=class_row(TokenRow)) as cursor:
        rows = await (await cursor.execute(text(name), values | {"tenant": tenant})).fetchall()
    return [
        TokenRecord(
            tenant=tenant, id=TokenId(row.id), principal=PrincipalId(row.principal), name=row.name,
            roles=_roles(row.roles), departments=frozenset(row.departments), created_by=PrincipalId(row.created_by),
            created_at=row.created_at, expires_at=row.expires_at, last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]  # fmt: skip


def principal_values(record: PrincipalRecord, email_folded: str | None) -> dict[str, Any]:
    """A principal as parameters."""
    principal = record.principal
    return {
        "tenant": principal.tenant, "id": principal.id, "kind": int(principal.kind), "name": principal.name,
        "email": principal.email, "email_folded": email_folded, "roles": sorted(principal.roles),
        "departments": sorted(principal.departments), "state": int(principal.state), "sponsor": principal.sponsor,
        "password_hash": record.password_hash, "linkable": record.linkable, "expires_at": principal.expires_at,
        "created_at": record.created_at,
    }  # fmt: skip


def first(records: Sequence[PrincipalRecord]) -> PrincipalRecord | None:
    """The only one, if any."""
    return records[0] if records else None


def text(name: str) -> bytes:
    """A statement of `people.sql`."""
    return _SQL[name].encode()


def fragment(name: str) -> sql.SQL:
    """A statement of `people.sql` with holes."""
    return sql.SQL(_SQL[name])


async def count_owners(conn: Connection, tenant: TenantId) -> int:
    """How many active principals may do everything."""
    row = await (await conn.execute(text("owners"), {"tenant": tenant})).fetchone()
    return int(row[0]) if row else 0


async def _keep_an_owner(conn: Connection, tenant: TenantId) -> None:
    if not await count_owners(conn, tenant):
        raise LastOwner


def _record(tenant: TenantId, row: _Row) -> PrincipalRecord:
    principal = Principal(
        tenant=tenant, id=PrincipalId(row.id), kind=PrincipalKind(row.kind), name=row.name, email=row.email,
        roles=_roles(row.roles), departments=frozenset(row.departments), state=PrincipalState(row.state),
        expires_at=row.expires_at, sponsor=PrincipalId(row.sponsor) if row.sponsor else None,
    )  # fmt: skip
    return PrincipalRecord(
        principal=principal, created_at=row.created_at, version=row.version, linkable=row.linkable,
        password_hash=row.password_hash,
    )  # fmt: skip


def _roles(names: Sequence[str]) -> frozenset[Role]:
    return frozenset(cast("Sequence[Role]", names))

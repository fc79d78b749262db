"""`/v1/principals`, `/v1/tokens`, `/v1/oidc/provider`: who exists here and with which rights.

Nobody gives more than they hold. Answers that carry a secret (a token's text, an invitation's
code) are shown once and kept nowhere.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from fairlead.edge.api.door import Caller, permit, services
from fairlead.edge.api.paging import (
    CursorText,
    IfMatch,
    Limit,
    Page,
    expected_version,
    moved_on,
    put_etag,
    read_cursor,
    write_cursor,
)
from fairlead.edge.api.problems import Problem, invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.session import Email, Text
from fairlead.edge.api.shapes import id_of
from fairlead.engine.people import Acting, Draft, MovedOn, NoSuchPrincipal, NotAllowed, NotFitting, People
from fairlead.engine.ports.people import (
    EmailTaken,
    IdentityTaken,
    LastOwner,
    OidcSettings,
    PrincipalRecord,
    TokenRecord,
)
from fairlead.model.access import PrincipalKind, PrincipalState, Role
from fairlead.model.ids import PrincipalId, TokenId, show

router = make_router("/v1/principals", "people")
secret_router = make_router("/v1/principals", "people", secrets=True)
tokens = make_router("/v1/tokens", "people")
secret_tokens = make_router("/v1/tokens", "people", secrets=True)
provider = make_router("/v1/oidc/provider", "people", secrets=True)

Reader = Annotated[Caller, Depends(permit("people.read"))]
Writer = Annotated[Caller, Depends(permit("people.write"))]
Configurer = Annotated[Caller, Depends(permit("people.write", everywhere=True))]
TokenReader = Annotated[Caller, Depends(permit("tokens.read"))]
TokenWriter = Annotated[Caller, Depends(permit("tokens.write"))]
Department = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]
Reason = Annotated[str, Query(max_length=500, description="why, for the journal")]


class NewPrincipal(BaseModel):
    """A person, who is invited, or a token holder, which is active at once."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["person", "token_holder"] = "person"
    name: Text
    email: Email | None = Field(default=None, description="required of a person")
    roles: list[Role] = Field(min_length=1, max_length=9)
    departments: list[Department] = Field(default=[], max_length=100, description="empty: the whole tenant")
    expires_at: AwareDatetime | None = Field(default=None, description="required of a vendor")
    linkable: bool = Field(
        default=True, description="the first OIDC sign-in with this verified e-mail address may link itself"
    )


class ChangedPrincipal(NewPrincipal):
    """What a principal is to be from now on."""

    state: Literal["invited", "active", "suspended"]
    reason: Annotated[str, StringConstraints(max_length=500)] = Field(default="", description="for the journal")


class PrincipalShown(BaseModel):
    """A principal."""

    id: str = Field(examples=["usr_06f0000000e0080000000000000"])
    kind: Literal["person", "token_holder"]
    name: str
    email: str | None
    roles: list[str]
    departments: list[str]
    state: str = Field(description="invited, active or suspended")
    sponsor: str | None = Field(description="who answers for a token holder")
    expires_at: datetime | None
    has_password: bool
    linkable: bool
    created_at: datetime
    version: int


class Invitation(BaseModel):
    """Shown once."""

    code: str = Field(description="`flc_…`: give it to the person; it works once, for seven days")


class Identity(BaseModel):
    """A subject of an identity provider."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)
    issuer: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=255)]


class NewToken(BaseModel):
    """A token for oneself, or for a token holder."""

    model_config = ConfigDict(extra="forbid")
    name: Text = Field(examples=["nightly export"])
    roles: list[Role] = Field(min_length=1, max_length=9)
    departments: list[Department] = Field(default=[], max_length=100)
    expires_at: AwareDatetime | None = None
    principal: str | None = Field(default=None, description="a token holder's id; null: oneself")


class TokenShown(BaseModel):
    """A token without its secret."""

    id: str = Field(examples=["tok_06f0000000e0080000000000000"])
    principal: str
    name: str
    roles: list[str]
    departments: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to the minute")
    revoked_at: datetime | None


class FreshToken(TokenShown):
    """A token with its secret: shown once."""

    token: str = Field(description="`flt_…`: send it as `Authorization: Bearer flt_…`")


class Provider(BaseModel):
    """A tenant's OpenID Connect provider."""

    model_config = ConfigDict(extra="forbid")
    issuer: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(examples=["https://id.example.com"])
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    scopes: Annotated[str, StringConstraints(max_length=500, pattern=r"^openid( [\x21-\x7e]+)*$")] = (
        "openid email profile"
    )
    role_claim: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        default=None, description="a claim that decides the roles, such as `groups`; null: roles are given here"
    )
    role_map: dict[str, list[Role]] = Field(default={}, max_length=200, description="claim value to roles")


class NewProvider(Provider):
    """With its secret, which is sealed and never shown again."""

    client_secret: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None


@router.get("", summary="List principals")
async def list_principals(
    request: Request, caller: Reader, cursor: CursorText = None, limit: Limit = 100
) -> Page[PrincipalShown]:
    """By id. Leaves an access line in the journal: these are personal data."""
    after = read_cursor(cursor, 1)
    start = PrincipalId(id_of("usr", str(after[0]))) if after else None
    found = await _people(request).read_principals(acting(caller), after=start, limit=limit + 1)
    more = write_cursor(show("usr", found[limit - 1].principal.id)) if len(found) > limit else None
    return Page(items=[_principal(record) for record in found[:limit]], next=more)


@router.post("", status_code=201, summary="Create a principal")
async def create_principal(
    request: Request, response: Response, wanted: NewPrincipal, caller: Writer
) -> PrincipalShown:
    """A person still needs an invitation, or an identity provider that vouches for the e-mail address."""
    async with people_problems():
        record = await _people(request).create(acting(caller), _draft(wanted))
    put_etag(response, record.version)
    return _principal(record)


@router.get("/{id}", summary="One principal")
async def read_principal(request: Request, response: Response, id: str, caller: Reader) -> PrincipalShown:  # noqa: A002 - the path's name
    """Leaves an access line in the journal unless it is oneself."""
    async with people_problems():
        record = await _people(request).read_principal(acting(caller), PrincipalId(id_of("usr", id)))
    put_etag(response, record.version)
    return _principal(record)


@router.put("/{id}", summary="Change a principal")
async def change_principal(
    request: Request,
    response: Response,
    id: str,  # noqa: A002 - the path's name
    wanted: ChangedPrincipal,
    caller: Writer,
    if_match: IfMatch = None,
) -> PrincipalShown:
    """New rights hold at once: browser sessions end, tokens are narrowed with their holder."""
    async with people_problems():
        record = await _people(request).change(
            acting(caller),
            PrincipalId(id_of("usr", id)),
            _draft(wanted),
            state=PrincipalState[wanted.state.upper()],
            version=expected_version(if_match),
            reason=wanted.reason,
        )
    put_etag(response, record.version)
    return _principal(record)


@router.delete("/{id}", status_code=204, summary="Remove a principal")
async def remove_principal(
    request: Request,
    id: str,  # noqa: A002 - the path's name
    caller: Writer,
    if_match: IfMatch = None,
    reason: Reason = "",
) -> None:
    """For good: sessions and tokens end, name and e-mail address are dropped. The journal keeps its digests."""
    async with people_problems():
        version = expected_version(if_match)
        await _people(request).remove(acting(caller), PrincipalId(id_of("usr", id)), version=version, reason=reason)


@secret_router.post("/{id}/invitation", status_code=201, summary="Invite a person, or let them choose a new password")
async def invite(request: Request, response: Response, id: str, caller: Writer) -> Invitation:  # noqa: A002 - the path's name
    """The code replaces any before it."""
    async with people_problems():
        code = await _people(request).invite(acting(caller), PrincipalId(id_of("usr", id)))
    response.headers["Cache-Control"] = "no-store"
    return Invitation(code=code)


@router.get("/{id}/identities", summary="Linked identities")
async def list_identities(request: Request, id: str, caller: Reader) -> list[Identity]:  # noqa: A002 - the path's name
    """The subjects of identity providers that sign in as this principal."""
    found = await _people(request).identities(caller.tenant, PrincipalId(id_of("usr", id)))
    return [Identity(issuer=link.issuer, subject=link.subject) for link in found]


@router.post("/{id}/identities", status_code=204, summary="Link an identity")
async def link_identity(request: Request, id: str, wanted: Identity, caller: Writer) -> None:  # noqa: A002 - the path's name
    """Whoever the provider calls by this subject signs in as this principal from now on."""
    async with people_problems():
        await _people(request).link(
            acting(caller), PrincipalId(id_of("usr", id)), issuer=wanted.issuer, subject=wanted.subject
        )


@router.delete("/{id}/identities", status_code=204, summary="Unlink an identity")
async def unlink_identity(
    request: Request,
    id: str,  # noqa: A002 - the path's name
    issuer: Annotated[str, Query(max_length=500)],
    subject: Annotated[str, Query(max_length=255)],
    caller: Writer,
) -> None:
    """Ends browser sessions too."""
    async with people_problems():
        principal = PrincipalId(id_of("usr", id))
        if not await _people(request).unlink(acting(caller), principal, issuer=issuer, subject=subject):
            raise not_found("identity", subject)


@tokens.get("", summary="List tokens")
async def list_tokens(
    request: Request,
    caller: TokenReader,
    principal: Annotated[str | None, Query(max_length=64, description="only those of this principal")] = None,
    cursor: CursorText = None,
    limit: Limit = 100,
) -> Page[TokenShown]:
    """By id, revoked ones too; never their secrets."""
    after = read_cursor(cursor, 1)
    found = await _people(request).tokens(
        caller.tenant,
        principal=PrincipalId(id_of("usr", principal)) if principal else None,
        after=TokenId(id_of("tok", str(after[0]))) if after else None,
        limit=limit + 1,
    )
    more = write_cursor(show("tok", found[limit - 1].id)) if len(found) > limit else None
    return Page(items=[shown_token(token) for token in found[:limit]], next=more)


@secret_tokens.post("", status_code=201, summary="Create a token")
async def create_token(request: Request, response: Response, wanted: NewToken, caller: TokenWriter) -> FreshToken:
    """Shown once. It never holds more than its principal does at the time of a request."""
    async with people_problems():
        token, text = await _people(request).create_token(
            acting(caller),
            name=wanted.name,
            roles=wanted.roles,
            departments=wanted.departments,
            expires_at=wanted.expires_at,
            holder=PrincipalId(id_of("usr", wanted.principal)) if wanted.principal else None,
        )
    response.headers["Cache-Control"] = "no-store"
    return FreshToken(**shown_token(token).model_dump(), token=text)


@tokens.get("/{id}", summary="One token")
async def read_token(request: Request, id: str, caller: TokenReader) -> TokenShown:  # noqa: A002 - the path's name
    """Without its secret."""
    found = await _people(request).token(caller.tenant, TokenId(id_of("tok", id)))
    if found is None:
        raise not_found("token", id)
    return shown_token(found)


@tokens.delete("/{id}", status_code=204, summary="Revoke a token")
async def revoke_token(request: Request, id: str, caller: TokenWriter, reason: Reason = "") -> None:  # noqa: A002 - the path's name
    """At once; revoking twice is once."""
    token = TokenId(id_of("tok", id))
    if await _people(request).token(caller.tenant, token) is None:
        raise not_found("token", id)
    await _people(request).revoke_token(acting(caller), token, reason=reason)


@provider.get("", summary="The tenant's identity provider")
async def read_provider(request: Request, caller: Reader) -> Provider | None:
    """Without its client secret; null where this tenant signs in with passwords only."""
    found = await _people(request).oidc_settings(caller.tenant)
    if found is None:
        return None
    return Provider(
        issuer=found.issuer, client_id=found.client_id, scopes=found.scopes, role_claim=found.role_claim,
        role_map={value: list(roles) for value, roles in found.role_map.items()},
    )  # fmt: skip


@provider.put("", status_code=204, summary="Set the identity provider")
async def set_provider(request: Request, wanted: NewProvider, caller: Configurer) -> None:
    """Nobody is signed in by it until an owner has invited or linked them."""
    settings = OidcSettings(
        issuer=wanted.issuer, client_id=wanted.client_id, scopes=wanted.scopes, role_claim=wanted.role_claim,
        role_map=wanted.role_map,
    )  # fmt: skip
    async with people_problems():
        await _people(request).set_oidc(acting(caller), settings, secret=wanted.client_secret)


@provider.delete("", status_code=204, summary="Remove the identity provider")
async def remove_provider(request: Request, caller: Configurer) -> None:
    """Links to its subjects stay, and count again when it comes back."""
    await _people(request).set_oidc(acting(caller), None)


@asynccontextmanager
async def people_problems() -> AsyncGenerator[None]:
    """What the engine refuses about people, as this door says it."""
    try:
        yield
    except NoSuchPrincipal as none:
        raise not_found("principal", str(none)) from none
    except NotAllowed as refused:
        raise Problem(403, "forbidden", "Not permitted", str(refused)) from refused
    except NotFitting as refused:
        raise invalid(refused.pointer, None, refused.expected) from refused
    except MovedOn as moved:
        raise moved_on("principal", moved.version) from moved
    except EmailTaken as taken:
        raise Problem(409, "email-taken", "This e-mail address is taken", "another principal has it") from taken
    except IdentityTaken as taken:
        raise Problem(409, "identity-taken", "This identity is taken", "another principal is linked to it") from taken
    except LastOwner as last:
        raise Problem(409, "last-owner", "Nobody would own this tenant", "make another owner first") from last


def _people(request: Request) -> People:
    return services(request).of(People)


def acting(caller: Caller) -> Acting:
    """Whoever calls, as the engine knows them."""
    return Acting(principal=caller.principal, actor=caller.actor)


def _draft(wanted: NewPrincipal) -> Draft:
    return Draft(
        kind=PrincipalKind[wanted.kind.upper()], name=wanted.name, email=wanted.email, roles=frozenset(wanted.roles),
        departments=frozenset(wanted.departments), expires_at=wanted.expires_at, linkable=wanted.linkable,
    )  # fmt: skip


def _principal(record: PrincipalRecord) -> PrincipalShown:
    principal = record.principal
    return PrincipalShown(
        id=show("usr", principal.id), kind="person" if principal.kind is PrincipalKind.PERSON else "token_holder",
        name=principal.name, email=principal.email, roles=sorted(principal.roles),
        departments=sorted(principal.departments), state=principal.state.name.lower(),
        sponsor=show("usr", principal.sponsor) if principal.sponsor else None, expires_at=principal.expires_at,
        has_password=record.password_hash is not None, linkable=record.linkable, created_at=record.created_at,
        version=record.version,
    )  # fmt: skip


def shown_token(token: TokenRecord) -> TokenShown:
    """A token without its secret."""
    return TokenShown(
        id=show("tok", token.id), principal=show("usr", token.principal), name=token.name, roles=sorted(token.roles),
        departments=sorted(token.departments), created_by=show("usr", token.created_by), created_at=token.created_at,
        expires_at=token.expires_at, last_used_at=token.last_used_at, revoked_at=token.revoked_at,
    )  # fmt: skip

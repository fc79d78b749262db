"""`/v1/session`, `/v1/setup`, `/v1/oidc`: how people come in and go out.

Programs send a bearer token and need none of this. A browser gets two cookies: the session's,
which no script can read, and the CSRF value, which a page of ours reads and sends back in
`X-CSRF-Token` with every request that writes.
"""

from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import RedirectResponse

from fairlead.edge.api.door import COOKIE, Caller, address_of, caller_of, exempt, services
from fairlead.edge.api.problems import Problem, invalid
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.site import Site
from fairlead.engine.credentials import csrf_of
from fairlead.engine.passwords import PasswordRefused
from fairlead.engine.ports.people import EmailTaken, OidcRefused, OidcUnavailable
from fairlead.engine.sign_in import FLOW_LASTS, NoProvider, SignedIn, SignIn, SignInRefused, TooManyAttempts
from fairlead.model import access
from fairlead.model.ids import show

CSRF_COOKIE: Final = "fairlead_csrf"
FLOW_COOKIE: Final = "fairlead_oidc"

session = make_router("/v1/session", "people", secrets=True)
setup = make_router("/v1/setup", "people", secrets=True)
oidc = make_router("/v1/oidc", "people", secrets=True)

_KNOWN: Final = "whoever is signed in may see and end that; it needs no role"
_DOOR: Final = "it is how one comes to have an identity at all"
exempt("GET", "/v1/session", _KNOWN)
exempt("DELETE", "/v1/session", _KNOWN)
exempt("PUT", "/v1/session/password", _KNOWN)
exempt("POST", "/v1/session", _DOOR)
exempt("POST", "/v1/setup", _DOOR)
exempt("GET", "/v1/oidc/start", _DOOR)
exempt("GET", "/v1/oidc/callback", _DOOR)

Known = Annotated[Caller, Depends(caller_of)]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
TenantName = Annotated[str, StringConstraints(max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class Credentials(BaseModel):
    """Sign in with a password."""

    model_config = ConfigDict(extra="forbid")
    tenant: TenantName = Field(examples=["acme"])
    email: Annotated[str, StringConstraints(min_length=1, max_length=254)] = Field(examples=["ada@example.com"])
    password: Password


class SetupRequest(BaseModel):
    """Use a one-time code: the first owner gives name and e-mail, an invited person a password only."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, StringConstraints(max_length=128)] = Field(description="`flc_…`, printed once")
    password: Password
    name: Text | None = None
    email: Email | None = None


class NewPassword(BaseModel):
    """Choose another password."""

    model_config = ConfigDict(extra="forbid")
    current: Password
    password: Password


class Session(BaseModel):
    """Who is calling, and what they may do."""

    tenant: str = Field(examples=["ten_06f0000000e0080000000000000"])
    principal: str = Field(description="id", examples=["usr_06f0000000e0080000000000000"])
    token: str | None = Field(default=None, description="id of the token that was sent, if one was")
    kind: str = Field(description="person or token_holder")
    name: str
    email: str | None
    roles: list[str]
    departments: list[str] = Field(description="empty: the whole tenant")
    permissions: list[str] = Field(description="what the roles permit together")
    expires_at: datetime | None = Field(default=None, description="when this session ends at the latest")
    csrf: str | None = Field(default=None, description="send it in X-CSRF-Token with every request that writes")


@session.post("", status_code=201, summary="Sign in", responses={429: {"description": "Too many failures"}})
async def sign_in(request: Request, response: Response, wanted: Credentials) -> Session:
    """With tenant, e-mail and password. Every failure gets the same answer."""
    door = services(request).of(SignIn)
    try:
        found = await door.sign_in_password(
            tenant=wanted.tenant, email=wanted.email, password=wanted.password, address=address_of(request)
        )
    except SignInRefused as refused:
        raise _refused("tenant, e-mail or password is not right") from refused
    except TooManyAttempts as many:
        raise _too_many(request, many) from many
    _hand_out(request, response, found)
    return _shown_after(found)


@session.get("", summary="Who is calling")
async def read_session(request: Request, caller: Known) -> Session:
    """For tokens too: shows whose rights a request has."""
    cookie = request.cookies.get(COOKIE) if caller.token is None else None
    return _shown(caller, csrf=csrf_of(cookie) if cookie else None)


@session.delete("", status_code=204, summary="Sign out")
async def sign_out(request: Request, response: Response, caller: Known) -> None:
    """Ends the browser's session; a token is revoked under `/v1/tokens` instead."""
    cookie = request.cookies.get(COOKIE)
    if caller.token is not None or cookie is None:
        raise Problem(409, "no-session", "There is no browser session here", "this request came with a token")
    await services(request).of(SignIn).sign_out(caller.principal, cookie)
    for name in (COOKIE, CSRF_COOKIE):
        response.delete_cookie(name, path="/")


@session.put("/password", status_code=204, summary="Choose another password")
async def change_password(request: Request, response: Response, wanted: NewPassword, caller: Known) -> None:
    """Needs the current one; ends all of one's browser sessions, this one too."""
    if caller.token is not None:
        raise Problem(403, "forbidden", "Not permitted", "a token cannot change its holder's password")
    try:
        await (
            services(request)
            .of(SignIn)
            .change_password(caller.principal, current=wanted.current, password=wanted.password)
        )
    except SignInRefused as refused:
        raise invalid("/current", "(not shown)", "the current password") from refused
    except PasswordRefused as refused:
        raise invalid("/password", "(not shown)", str(refused)) from refused
    except TooManyAttempts as many:
        raise _too_many(request, many) from many
    for name in (COOKIE, CSRF_COOKIE):
        response.delete_cookie(name, path="/")


@setup.post("", status_code=201, summary="Use a one-time code")
async def use_code(request: Request, response: Response, wanted: SetupRequest) -> Session:
    """Makes the first owner of a tenant, or gives an invited person a password; signs in at once."""
    door = services(request).of(SignIn)
    known = await door.setup_code(wanted.code)
    if known is not None and known.principal is None:
        for pointer, value in (("/name", wanted.name), ("/email", wanted.email)):
            if value is None:
                raise invalid(pointer, value, "the first owner's name and e-mail address")
    try:
        found = await door.redeem_setup_code(
            wanted.code, password=wanted.password, name=wanted.name, email=wanted.email, address=address_of(request)
        )
    except SignInRefused as refused:
        raise _refused("this code is unknown, used or expired") from refused
    except PasswordRefused as refused:
        raise invalid("/password", "(not shown)", str(refused)) from refused
    except EmailTaken as taken:
        raise Problem(409, "email-taken", "This e-mail address is taken", "another principal has it") from taken
    _hand_out(request, response, found)
    return _shown_after(found)


@oidc.get("/start", status_code=302, response_class=RedirectResponse, summary="Sign in at the identity provider")
async def oidc_start(
    request: Request,
    tenant: Annotated[str, Query(max_length=63, examples=["acme"])],
    return_to: Annotated[str, Query(max_length=1024, description="a path of this server")] = "/",
) -> RedirectResponse:
    """Sends the browser on; the provider sends it back to `/v1/oidc/callback`."""
    door = services(request).of(SignIn)
    try:
        leaving = await door.oidc_begin(tenant=tenant, redirect_uri=_callback(request), return_to=return_to)
    except NoProvider as none:
        raise Problem(
            404, "no-provider", "No identity provider here", "this tenant signs in with passwords only"
        ) from none
    except OidcUnavailable as gone:
        raise _unavailable(gone) from gone
    answer = RedirectResponse(leaving.url, status_code=302, headers={"Cache-Control": "no-store"})
    lasts = int(FLOW_LASTS.total_seconds())
    secure = _site(request).secure(request)
    answer.set_cookie(
        FLOW_COOKIE, leaving.cookie, max_age=lasts, path="/v1/oidc", secure=secure, httponly=True, samesite="lax"
    )
    return answer


@oidc.get("/callback", status_code=302, response_class=RedirectResponse, summary="The identity provider's answer")
async def oidc_callback(
    request: Request,
    state: Annotated[str, Query(max_length=256)],
    code: Annotated[str | None, Query(max_length=4096)] = None,
    error: Annotated[str | None, Query(max_length=256)] = None,
) -> RedirectResponse:
    """Lets in whoever an owner invited or linked; nobody else comes to exist by this."""
    if code is None:
        raise _refused(f"the identity provider answered {error or 'without a code'!r}")
    try:
        found = await services(request).of(SignIn).oidc_finish(
            state=state, code=code, cookie=request.cookies.get(FLOW_COOKIE), address=address_of(request)
        )  # fmt: skip
    except SignInRefused as refused:
        raise _refused("nobody here is invited or linked under this identity, or the answer came too late") from refused
    except OidcRefused as refused:
        raise _refused(str(refused)) from refused
    except OidcUnavailable as gone:
        raise _unavailable(gone) from gone
    answer = RedirectResponse(found.return_to, status_code=302, headers={"Cache-Control": "no-store"})
    _hand_out(request, answer, found)
    answer.delete_cookie(FLOW_COOKIE, path="/v1/oidc")
    return answer


def _callback(request: Request) -> str:
    return _site(request).address(request, str(request.app.url_path_for("oidc_callback")))


def _site(request: Request) -> Site:
    return services(request).of(Site)


def _hand_out(request: Request, response: Response, found: SignedIn) -> None:
    secure = _site(request).secure(request)
    lasts = int((found.expires_at - found.signed_in_at).total_seconds())
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(COOKIE, found.cookie, max_age=lasts, path="/", secure=secure, httponly=True, samesite="lax")
    response.set_cookie(CSRF_COOKIE, found.csrf, max_age=lasts, path="/", secure=secure, samesite="strict")


def _shown_after(found: SignedIn) -> Session:
    return _shown(Caller(principal=found.principal), csrf=found.csrf, expires_at=found.expires_at)


def _shown(caller: Caller, *, csrf: str | None = None, expires_at: datetime | None = None) -> Session:
    principal = caller.principal
    return Session(
        tenant=show("ten", principal.tenant),
        principal=show("usr", principal.id),
        token=show("tok", caller.token) if caller.token else None,
        kind=principal.kind.name.lower(),
        name=principal.name,
        email=principal.email,
        roles=sorted(principal.roles),
        departments=sorted(principal.departments),
        permissions=sorted(access.permissions(principal.roles)),
        expires_at=expires_at,
        csrf=csrf,
    )


def _refused(detail: str) -> Problem:
    return Problem(401, "sign-in-refused", "Not signed in", detail)


def _unavailable(gone: OidcUnavailable) -> Problem:
    return Problem(502, "provider-unavailable", "The identity provider does not answer as it should", str(gone))


def _too_many(request: Request, many: TooManyAttempts) -> Problem:
    real_now: datetime = request.app.state.real_now()
    wait = max(1, int((many.until - real_now).total_seconds()) + 1)
    return Problem(
        429, "too-many-attempts", "Too many failed sign-ins", f"try again in {wait} s",
        headers={"Retry-After": str(wait)},
    )  # fmt: skip

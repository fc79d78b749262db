"""Who is calling, what they may do, and which services answer them.

Every endpoint under `/v1` depends on `permit("noun.verb")`, which authenticates the request, checks
the permission and gives the endpoint its `Caller`; the few that do not are named in `EXEMPT`, and a
test walks the routes to hold both true. `services(request)` is the way from an endpoint to the
engine: wiring puts each service there under its own class, so that adding a door never changes a
central list.

`Gate` is what this door needs from whoever knows people and tokens.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Protocol, TypeVar, cast

from fastapi import Depends, Request

from fairlead.edge.api.problems import Problem
from fairlead.engine.journal import ORIGIN, Origin
from fairlead.model.access import Permission, Principal, allowed
from fairlead.model.ids import TenantId, TokenId, show

T = TypeVar("T")

COOKIE: Final = "fairlead_session"
CSRF_HEADER: Final = "x-csrf-token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# Endpoints under /v1 that answer without a permission, each with its reason. Others add to it where
# they declare such an endpoint.
EXEMPT: Final[dict[tuple[str, str], str]] = {}


class Admitted(Protocol):
    """What the gate says of a request it knows."""

    @property
    def principal(self) -> Principal:
        """Whose rights the request has, already narrowed to the token's."""
        ...

    @property
    def token(self) -> TokenId | None:
        """The token it came with; None for a browser session."""
        ...


class Gate(Protocol):
    """Knows tokens and browser sessions."""

    async def by_token(self, secret: str, *, now: datetime) -> Admitted | None:
        """Whoever holds this bearer token, or None."""
        ...

    async def by_session(
        self, secret: str, *, csrf: str | None, writing: bool, now: datetime, use: bool = True
    ) -> Admitted | None:
        """Whoever this cookie belongs to, or None; a request that writes must carry its CSRF value.

        Without `use` it is only looked at: the session does not stay alive by it.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The authenticated caller of one request."""

    principal: Principal
    token: TokenId | None = None

    @property
    def tenant(self) -> TenantId:
        """The tenant everything in this request happens in."""
        return self.principal.tenant

    @property
    def actor(self) -> str:
        """How the journal names the caller: `tok_…` or `usr_…`."""
        return show("tok", self.token) if self.token is not None else show("usr", self.principal.id)


class Services:
    """The engine's services by class: `services(request).of(Fleet)`."""

    def __init__(self, *services: object) -> None:
        self._by_class: dict[type, object] = {type(service): service for service in services}

    def add(self, service: object, *, under: type | None = None) -> None:
        """Offer one more service, under its class or under the protocol it fulfils."""
        self._by_class[under or type(service)] = service

    def of(self, kind: Callable[..., T]) -> T:
        """The service of a class; a missing one is a fault of wiring and says so."""
        found = self._by_class.get(cast("type", kind))
        if found is None:
            raise LookupError(f"wiring gave this door no {getattr(kind, '__name__', kind)}")
        return cast("T", found)

    def has(self, kind: type) -> bool:
        """Whether wiring gave this door a service of a class."""
        return kind in self._by_class


def services(request: Request) -> Services:
    """The services behind this request's application."""
    return cast("Services", request.app.state.services)


Clock = Callable[[], datetime]


def now_of(request: Request) -> datetime:
    """What time it is in this house."""
    return cast("Clock", request.app.state.now)()


async def caller_of(request: Request) -> Caller:
    """Authenticate a request, once; raises the 401 problem."""
    known = getattr(request.state, "caller", None)
    if isinstance(known, Caller):
        return known
    gate = cast("Gate | None", request.app.state.gate)
    found = await _admit(gate, request) if gate is not None else None
    if found is None:
        raise Problem(
            401, "unauthenticated", "Sign in or send a valid token",
            "expected the header Authorization: Bearer <token>, or the cookie of a browser session "
            f"(with the header {CSRF_HEADER} when it writes)",
            headers={"WWW-Authenticate": 'Bearer realm="fairlead"'},
        )  # fmt: skip
    caller = Caller(principal=found.principal, token=found.token)
    request.state.caller = caller
    ORIGIN.set(Origin(address=address_of(request), person=caller.principal.id))  # `Bounds` forgets it again
    return caller


def address_of(request: Request) -> str:
    """The caller's network address."""
    return request.client.host if request.client else "unknown"


async def still_there(request: Request, permission: Permission) -> Caller | None:
    """Whoever opened a long answer, known anew; None once they were signed out, revoked, or lost the permission."""
    gate = cast("Gate | None", request.app.state.gate)
    found = await _admit(gate, request, use=False) if gate is not None else None
    if found is None or not allowed(found.principal, permission):
        return None
    return Caller(principal=found.principal, token=found.token)


async def _admit(gate: Gate, request: Request, *, use: bool = True) -> Admitted | None:
    real_now = cast("Clock", request.app.state.real_now)()
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return await gate.by_token(secret.strip(), now=real_now) if scheme.lower() == "bearer" and secret else None
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None
    return await gate.by_session(
        cookie, csrf=request.headers.get(CSRF_HEADER), writing=request.method not in SAFE, now=real_now, use=use
    )


class Permit:
    """The dependency that `permit` makes; the role × endpoint matrix reads `permission` from it."""

    def __init__(self, permission: Permission, *, everywhere: bool = False) -> None:
        self.permission: Permission = permission
        self.everywhere = everywhere

    async def __call__(self, request: Request) -> Caller:
        """The caller, or the 401 or 403 problem."""
        caller = await caller_of(request)
        if not allowed(caller.principal, self.permission, everywhere=self.everywhere):
            where = " for the whole tenant" if self.everywhere and caller.principal.departments else ""
            raise Problem(403, "forbidden", "Not permitted", f"this needs the permission {self.permission}{where}")
        return caller


@cache
def permit(permission: Permission, *, everywhere: bool = False) -> Callable[[Request], Awaitable[Caller]]:
    """The dependency that lets in callers with a permission: `caller: Annotated[Caller, Depends(permit("…"))]`.

    `everywhere`: for what belongs to the whole tenant; a principal bound to departments stays out.
    """
    return Permit(permission, everywhere=everywhere)


def exempt(method: str, path: str, because: str) -> None:
    """Name an endpoint under /v1 that needs no permission, with the reason."""
    EXEMPT[(method.upper(), path)] = because


def services_dependency(request: Request) -> Any:
    """`services` as a dependency."""
    return services(request)


ServicesOf = Annotated[Services, Depends(services_dependency)]
NowOf = Annotated[datetime, Depends(now_of)]

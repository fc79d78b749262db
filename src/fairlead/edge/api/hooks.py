"""`/v1/hooks/{key}`: where carriers post; `/v1/carriers/{name}/hook`: who may give a carrier such an address.

A delivery comes without sign-in: the key in its address leads to an account, and the account's
connector says whether it proves its sender. Whatever is wrong is answered without a detail, and an
account that hears nothing is answered like a key that nobody has.
"""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from fairlead.edge.api.door import NowOf, exempt, services
from fairlead.edge.api.problems import Problem, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of
from fairlead.edge.api.site import Site, is_loopback
from fairlead.edge.api.subscriptions import CarrierWriter, Name
from fairlead.engine.carriers import Carriers
from fairlead.engine.hooks import Deaf, Hooks, NoHook, TooOften
from fairlead.engine.ports.carrier import BadSignature
from fairlead.model.device import Account
from fairlead.model.ids import TenantId

# No `Idempotency-Key` here: some carriers send a header of that name, and what is told twice is one anyway.
deliveries = APIRouter(prefix="/v1/hooks", tags=["carriers"])
router = make_router("/v1/carriers", "carriers", secrets=True)

exempt("POST", "/v1/hooks/{key}", "a carrier has no token: the address is its key, and its connector judges its proof")


class HookMade(BaseModel):
    """A new address for a carrier's webhook."""

    url: str = Field(
        description="shown this once: set it at the carrier, and nowhere else",
        examples=["https://fairlead.example/v1/hooks/flh_…"],
    )
    replaced: bool = Field(description="an address before it has ended")


@deliveries.post(
    "/{key}", status_code=204, summary="Where a carrier posts",
    responses={
        401: {"description": "Nothing proves the sender"}, 404: {"description": "Nobody's address"},
        413: {"description": "More than 64 kB"}, 429: {"description": "Too often; Retry-After says how long"},
        503: {"description": "The account cannot be opened now"},
    },
)  # fmt: skip
async def receive(request: Request, key: str) -> Response:
    """What is posted is a reason to read the lines it names, and never a fact. Told twice, it is one."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        await services(request).of(Hooks).receive(key, headers, await request.body())
    except NoHook as none:
        raise Problem(404, "not-found", "Not found", "there is nothing here") from none
    except BadSignature as bad:
        raise Problem(401, "unauthenticated", "Not proved", "nothing in it proves its sender") from bad
    except TooOften as often:
        wait = str(often.wait_s)
        raise Problem(429, "too-many", "Too often", f"again in {wait} s", headers={"Retry-After": wait}) from often
    except Deaf as deaf:
        raise Problem(503, "unavailable", "Not now", "send it again later", headers={"Retry-After": "60"}) from deaf
    return Response(status_code=204)


@router.post(
    "/{name}/hook", status_code=201, summary="Give a carrier an address to post to",
    responses={404: {"description": "No such carrier account"}, 409: {"description": "Its connector hears nothing"}},
)  # fmt: skip
async def make_hook(request: Request, caller: CarrierWriter, name: Name, now: NowOf) -> HookMade:
    """Makes it, or makes another in place of the one there is, which ends at once. The address is the secret."""
    account = await _account(request, caller.tenant, name)
    if not services(request).of(Carriers).hears(account):
        raise Problem(
            409, "hears-nothing", "This account takes no webhook",
            f"the connector {account.connector!r} is told nothing by its carrier; its changes are read instead",
        )  # fmt: skip
    base = services(request).of(Site).address(request, "/v1/hooks/")
    parts = urlsplit(base)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise Problem(
            409, "not-private", "The address would be read on the way",
            f"api.public_url begins with {parts.scheme}://; a webhook's address is a secret and needs https://",
        )  # fmt: skip
    url = await services(request).of(Hooks).make(actor_of(caller), account, lambda key: base + key, now)
    return HookMade(url=url, replaced=account.hook_made_at is not None)


@router.delete(
    "/{name}/hook", status_code=204, summary="Take a carrier's address away",
    responses={404: {"description": "No such carrier account, or it has no address"}},
)  # fmt: skip
async def remove_hook(request: Request, caller: CarrierWriter, name: Name, now: NowOf) -> None:
    """Whatever is posted there from now on is answered 404."""
    account = await _account(request, caller.tenant, name)
    if not await services(request).of(Hooks).remove(actor_of(caller), account, now):
        raise not_found("webhook of the carrier", name)


async def _account(request: Request, tenant: TenantId, name: str) -> Account:
    account = await services(request).of(Carriers).account(tenant, name)
    if account is None:
        raise not_found("carrier", name)
    return account

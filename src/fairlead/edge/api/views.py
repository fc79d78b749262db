"""`/v1/views`: saved views of the console's screens, one's own and shared.

Keeping one's own needs what seeing the fleet needs. Sharing needs `findings.write` for the whole
tenant: a shared view moves nothing and says what others should look at, which is what whoever may
write findings says too, while `policies.write` would be a right to decide what devices do.
"""

import unicodedata
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fairlead.edge.api.door import Caller, NowOf, permit, services
from fairlead.edge.api.paging import IfMatch, expected_version, moved_on, put_etag
from fairlead.edge.api.problems import Problem, invalid, not_found
from fairlead.edge.api.routing import router as make_router
from fairlead.engine.ports.views import View
from fairlead.engine.views import MOST, Place, TooManyViews, Views
from fairlead.model.access import Permission, allowed
from fairlead.model.ids import show

router = make_router("/v1/views", "views")

SHARING: Final[Permission] = "findings.write"
_NAME_LIMIT: Final = 64

Reader = Annotated[Caller, Depends(permit("devices.read"))]
_SCREEN: Final = r"^[a-z][a-z0-9-]{0,31}$"
ScreenPath = Annotated[str, Path(pattern=_SCREEN, examples=["fleet"])]
NamePath = Annotated[str, Path(max_length=256, examples=["Brazil at risk"])]
Shared = Annotated[bool, Query(description="everybody's view of that name, not one's own")]


class ViewShown(BaseModel):
    """A saved view."""

    screen: str = Field(examples=["fleet"])
    name: str = Field(examples=["Brazil at risk"])
    shared: bool
    search: str = Field(description="of the URL, without its question mark", examples=["country=BR&within_days=30"])
    author: str
    updated_at: datetime
    version: int


class ViewSent(BaseModel):
    """Where the filters stand."""

    model_config = ConfigDict(extra="forbid")
    search: Annotated[
        str, StringConstraints(max_length=4_096, pattern=r"^[\x21\x22\x24-\x3e\x40-\x7e][\x21\x22\x24-\x7e]*$|^$")
    ] = Field(
        description="of the URL, without its question mark; percent-encoded", examples=["country=BR&within_days=30"]
    )
    shared: bool = False


@router.get("", summary="Saved views, one's own and shared")
async def list_views(
    request: Request, caller: Reader, screen: Annotated[str | None, Query(pattern=_SCREEN)] = None
) -> list[ViewShown]:
    """All of them, or those of one screen."""
    return [_shown(view) for view in await _views(request).all(caller.principal, screen)]


@router.get("/{screen}/{name}", summary="One saved view", responses={404: {"description": "No such view"}})
async def read_view(
    request: Request, response: Response, caller: Reader, screen: ScreenPath, name: NamePath, shared: Shared = False  # noqa: FBT002 - a query parameter
) -> ViewShown:  # fmt: skip
    """The ETag is its version."""
    found = await _views(request).one(caller.principal, _place(screen, name, shared=shared))
    if found is None:
        raise not_found("view", name)
    put_etag(response, found.version)
    return _shown(found)


@router.put(
    "/{screen}/{name}", summary="Save a view",
    responses={409: {"description": "As many as may be"}, 412: {"description": "Edited meanwhile"},
               428: {"description": "It is there already: If-Match is missing"}},
)  # fmt: skip
async def save_view(
    request: Request, response: Response, caller: Reader, screen: ScreenPath, name: NamePath, sent: ViewSent,
    now: NowOf, if_match: IfMatch = None,
) -> ViewShown:  # fmt: skip
    """Without `If-Match` a new one is made; with the ETag that was read, that one is replaced.

    Sharing needs the permission `findings.write` for the whole tenant, and leaves a journal line.
    """
    place = _place(screen, name, shared=sent.shared)
    _may_share(caller, place)
    views = _views(request)
    version = expected_version(if_match) if if_match is not None else None
    try:
        done = await views.put(caller.principal, caller.actor, place, sent.search, version=version, now=now)
    except TooManyViews as many:
        whose = "this tenant shares" if sent.shared else "you keep"
        raise Problem(409, "too-many-views", "Too many views", f"{whose} {MOST} already; remove one first") from many
    found = await views.one(caller.principal, place)
    if not done and found is not None:
        expected_version(if_match)
        raise moved_on("view", found.version)
    if found is None:
        raise not_found("view", name)
    put_etag(response, found.version)
    return _shown(found)


@router.delete(
    "/{screen}/{name}", status_code=204, summary="Remove a saved view", responses={404: {"description": "No such view"}}
)
async def remove_view(
    request: Request, caller: Reader, screen: ScreenPath, name: NamePath, now: NowOf, shared: Shared = False  # noqa: FBT002 - a query parameter
) -> None:  # fmt: skip
    """A shared one needs the permission `findings.write` for the whole tenant."""
    place = _place(screen, name, shared=shared)
    _may_share(caller, place)
    if not await _views(request).remove(caller.principal, caller.actor, place, now=now):
        raise not_found("view", name)


def _views(request: Request) -> Views:
    return services(request).of(Views)


def _may_share(caller: Caller, place: Place) -> None:
    if place.shared and not allowed(caller.principal, SHARING, everywhere=True):
        where = " for the whole tenant" if caller.principal.departments else ""
        raise Problem(403, "forbidden", "Not permitted", f"sharing a view needs the permission {SHARING}{where}")


def _place(screen: str, name: str, *, shared: bool) -> Place:
    plain = unicodedata.normalize("NFC", name)
    if not 0 < len(plain) <= _NAME_LIMIT or plain != plain.strip() or not plain.isprintable():
        raise invalid("name", name, f"1 to {_NAME_LIMIT} printable characters, no space at either end")
    return Place(screen=screen, name=plain, shared=shared)


def _shown(view: View) -> ViewShown:
    return ViewShown(
        screen=view.screen, name=view.name, shared=view.owner is None, search=view.search,
        author=show("usr", view.author), updated_at=view.updated_at, version=view.version,
    )  # fmt: skip

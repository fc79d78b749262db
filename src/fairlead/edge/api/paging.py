"""Pages, versions and cursors: the small conventions that every list and edit of this door shares.

A page is `{items, next, complete}`; `next` is an opaque text to send back as `cursor`. A cursor
says only where to go on and is worth nothing to whoever forges one: each request is authorised and
walled by itself. `ETag` is the row's version; an edit must send it back as `If-Match`.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Header, Query, Response
from pydantic import BaseModel, Field

from fairlead.edge.api.problems import Problem, invalid

Item = TypeVar("Item")

PAGE: Final = 100
MAX_PAGE: Final = 1_000
_CURSOR_LIMIT: Final = 512

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="how many items at most")]
CursorText = Annotated[str | None, Query(max_length=_CURSOR_LIMIT, description="`next` of the page before")]
IfMatch = Annotated[str | None, Header(description='the ETag that was read, such as `"7"`')]


class Page(BaseModel, Generic[Item]):
    """A stretch of a list."""

    items: list[Item]
    next: str | None = Field(default=None, description="cursor of the next page; null at the end")
    complete: bool = Field(
        default=True,
        description="false where the search ran out of its time budget before the page was full: go on with `next`",
    )


def write_cursor(*parts: Any) -> str:
    """A cursor from JSON values."""
    return urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).rstrip(b"=").decode()


def read_cursor(text: str | None, parts: int) -> list[Any] | None:
    """The values of a cursor of that many parts; None without one; raises the 422 problem."""
    if text is None:
        return None
    try:
        found = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        found = None
    if not isinstance(found, list) or len(found) != parts:  # pyright: ignore[reportUnknownArgumentType]
        raise invalid("cursor", text, "the `next` of a page of this same list")
    return found  # pyright: ignore[reportUnknownVariableType]


def read_id_cursor(text: str | None) -> UUID | None:
    """The one id of a cursor; None without one; raises the 422 problem."""
    found = read_cursor(text, 1)
    return None if found is None else id_in_cursor(text, found[0])


def id_in_cursor(text: str | None, value: Any) -> UUID:
    """One part of a cursor as an id; raises the 422 problem."""
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise invalid("cursor", text, "the `next` of a page of this same list") from None


def etag(version: int) -> str:
    """A version as an ETag."""
    return f'"{version}"'


def put_etag(response: Response, version: int) -> None:
    """Send a version with the answer."""
    response.headers["ETag"] = etag(version)


def expected_version(if_match: str | None) -> int:
    """The version an edit was made from; 428 without, 422 for another form."""
    if if_match is None:
        raise Problem(
            428, "precondition-required", "Say which version you edit", "send the ETag you read in the header If-Match"
        )
    bare = if_match.strip().removeprefix("W/").strip('"')
    if not bare.isdecimal() or len(bare) > 18:  # noqa: PLR2004 - fits 64 bits
        raise invalid("If-Match", if_match, 'an ETag such as "7"')
    return int(bare)


def moved_on(noun: str, version: int) -> Problem:
    """412: somebody else edited it meanwhile."""
    return Problem(
        412, "moved-on", f"This {noun} was edited meanwhile", f"it is at version {version} now: read it again",
        headers={"ETag": etag(version)},
    )  # fmt: skip

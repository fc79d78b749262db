"""`/v1/session/token`: a token for a client of one's own, made and given back by whoever signed in.

It needs no role: it permits what its holder may do anyway, at the time of each request, and ends after ninety days at
the latest. Tokens for programs, or with fewer rights, are made under `/v1/tokens`.
"""

from typing import Annotated, Final

from fastapi import Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, caller_of, exempt, services
from fairlead.edge.api.people import FreshToken, Text, acting, people_problems, shown_token
from fairlead.edge.api.problems import Problem
from fairlead.edge.api.routing import router as make_router
from fairlead.engine.people import People

router = make_router("/v1/session/token", "people", secrets=True)

_OWN: Final = "whoever is signed in may let a client of theirs do what they may do"
exempt("POST", "/v1/session/token", _OWN)
exempt("DELETE", "/v1/session/token", _OWN)

Known = Annotated[Caller, Depends(caller_of)]


class OwnToken(BaseModel):
    """A token for oneself, with all that one may do."""

    model_config = ConfigDict(extra="forbid")
    name: Text = Field(examples=["fairlead on a laptop"])
    expires_at: AwareDatetime | None = Field(default=None, description="null: in ninety days, which is the longest")


@router.post("", status_code=201, summary="A token for a client of one's own")
async def create_own_token(request: Request, response: Response, wanted: OwnToken, caller: Known) -> FreshToken:
    """For a browser session: whoever has a token already has what this gives. Shown once."""
    if caller.token is not None:
        raise Problem(403, "forbidden", "Not permitted", "a token makes no token of its holder's: sign in")
    people = services(request).of(People)
    async with people_problems():
        token, text = await people.create_own_token(acting(caller), name=wanted.name, expires_at=wanted.expires_at)
    response.headers["Cache-Control"] = "no-store"
    return FreshToken(**shown_token(token).model_dump(), token=text)


@router.delete("", status_code=204, summary="Give one's token back")
async def give_back(request: Request, caller: Known) -> None:
    """Revokes the token that this request came with."""
    if caller.token is None:
        raise Problem(409, "no-token", "There is no token here", "this request came with a browser session")
    await services(request).of(People).revoke_token(acting(caller), caller.token, reason="given back")

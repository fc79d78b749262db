"""`/v1/access`: who may do what, in words, so that a client can say why a button is not the caller's.

Read from `model.access`, which the doors ask too: what this page says is what they do. It names no
person and no tenant; whoever is signed in may read it.
"""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from fairlead.edge.api.door import Caller, caller_of, exempt
from fairlead.edge.api.routing import router as make_router
from fairlead.model.access import PERMISSIONS, PERMITS, ROLES, WORDS

router = make_router("/v1/access", "people")

exempt("GET", "/v1/access", "the same page for whoever is signed in; it names nobody")

Known = Annotated[Caller, Depends(caller_of)]


class PermissionShown(BaseModel):
    """A permission in words."""

    name: str = Field(examples=["changes.apply"])
    words: str = Field(examples=["apply plans and let in entrants"], description="completes: you may …")
    roles: list[str] = Field(description="the roles that have it")


class RoleShown(BaseModel):
    """A role and all that it permits."""

    name: str = Field(examples=["operator"])
    permissions: list[str]


class Access(BaseModel):
    """Roles and permissions, both ways round."""

    roles: list[RoleShown]
    permissions: list[PermissionShown]


@router.get("", summary="Roles and permissions, in words")
async def read_access(caller: Known) -> Access:
    """What you hold yourself is in `GET /v1/session`; this says what there is, and which role would have it."""
    del caller
    return Access(
        roles=[
            RoleShown(name=role, permissions=[one for one in PERMISSIONS if one in PERMITS[role]]) for role in ROLES
        ],
        permissions=[
            PermissionShown(name=one, words=WORDS[one], roles=[role for role in ROLES if one in PERMITS[role]])
            for one in PERMISSIONS
        ],
    )

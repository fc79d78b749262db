"""`/v1/connectors`: which connectors this house has, and what an account of each is asked for.

Names of credential fields and settings only: whoever adds an account has to know them before the first try.
"""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from fairlead.edge.api.door import Caller, permit, services
from fairlead.edge.api.routing import router as make_router
from fairlead.engine.carriers import Carriers

router = make_router("/v1/connectors", "carriers")

Reader = Annotated[Caller, Depends(permit("carriers.read", everywhere=True))]


class ConnectorShown(BaseModel):
    """A connector as it describes itself."""

    id: str = Field(examples=["soracom"], description="what an account names; `none` needs no connector")
    name: str
    kinds: list[str] = Field(examples=[["carrier"]])
    experimental: bool
    credential_fields: list[str] = Field(examples=[["auth_key_id", "auth_key"]])
    credential_optional: list[str] = Field(description="further secrets that it may be given, such as a webhook's")
    required_settings: list[str] = Field(
        examples=[["account_name"]],
        description="settings of the account that nobody can guess; without them it is refused",
    )
    tier: str = Field(
        examples=["silver"],
        description="how far it is proved: none, bronze, silver, gold, platinum; below gold, accounts may only read"
        " unless their settings say so by name",
    )
    base_url: str = Field(description="where it calls unless an account's settings say otherwise")


@router.get("", summary="Connectors that carrier accounts may name")
async def list_connectors(request: Request, caller: Reader) -> list[ConnectorShown]:
    """By id."""
    del caller
    carriers = services(request).of(Carriers)
    return [
        ConnectorShown(
            id=one.id, name=one.name, kinds=list(one.kinds), experimental=one.experimental,
            credential_fields=list(one.auth_fields), credential_optional=list(one.auth_optional),
            required_settings=list(one.required_settings), tier=carriers.tier(one.id), base_url=one.base_url,
        )
        for one in carriers.connectors()
    ]  # fmt: skip

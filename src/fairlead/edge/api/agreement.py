"""`/v1/agreement`: who must agree, beside whoever asks. The tenant's own rule, for bulk actions and for Changes."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from fairlead.edge.api.door import Caller, NowOf, ServicesOf, permit
from fairlead.edge.api.paging import IfMatch, expected_version, moved_on, put_etag
from fairlead.edge.api.routing import router as make_router
from fairlead.edge.api.shapes import actor_of
from fairlead.engine.agreement import Agreements
from fairlead.engine.ports.agreement import Agreement

router = make_router("/v1/agreement", "changes")

Reader = Annotated[Caller, Depends(permit("changes.read"))]
Writer = Annotated[Caller, Depends(permit("people.write", everywhere=True))]


class AgreementShown(BaseModel):
    """Who must agree. What nothing takes back always asks for another person, whatever stands here."""

    charges: bool = Field(description="another person must agree to what a carrier charges for")
    changed_at: datetime | None = Field(description="null: the house's own rule, never changed")
    changed_by: str
    version: int


class AgreementSent(BaseModel):
    """The rule as it should be."""

    model_config = ConfigDict(extra="forbid")
    charges: bool
    reason: str = Field(min_length=1, max_length=2_000)


@router.get("", summary="Who must agree, beside whoever asks")
async def read_agreement(offered: ServicesOf, response: Response, caller: Reader) -> AgreementShown:
    """The tenant's rule, or the house's own where it has none."""
    found = await offered.of(Agreements).read(actor_of(caller))
    put_etag(response, found.version)
    return _shown(found)


@router.put(
    "", summary="Say who must agree",
    responses={412: {"description": "Changed meanwhile"}, 428: {"description": "If-Match is missing"}},
)  # fmt: skip
async def put_agreement(
    offered: ServicesOf, response: Response, caller: Writer, sent: AgreementSent, now: NowOf, if_match: IfMatch = None
) -> AgreementShown:
    """It holds for what is asked from now on. Leaves a line in the journal."""
    version, rules, actor = expected_version(if_match), offered.of(Agreements), actor_of(caller)
    made = await rules.change(actor, charges=sent.charges, version=version, reason=sent.reason, now=now)
    if made is None:
        raise moved_on("agreement", (await rules.read(actor)).version)
    put_etag(response, made.version)
    return _shown(made)


def _shown(rule: Agreement) -> AgreementShown:
    return AgreementShown(
        charges=rule.charges, changed_at=rule.changed_at, changed_by=rule.changed_by, version=rule.version
    )
